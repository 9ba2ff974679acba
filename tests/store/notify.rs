//! Whoever is to be told is told: over real sockets, under one key, in order, also after a death.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use linesman::clock::Clock as _;
use linesman::diagnosis::{Fault, Severity};
use linesman::live::NotifyTest;
use linesman::ticket::{Actor, Event};
use tokio::io::AsyncReadExt as _;
use tokio::sync::oneshot;

use crate::fixture::{Daemon, Database, fault, noon};
use crate::receivers::{Datagrams, Http, Reply, Smtp};
use crate::telling::{FINE, Telling, enrich, hmac, hook, ids, open, settings, severe, silent, told};

crate::on_both! {
    an_event_is_told_once_signed_and_in_both_languages,
    a_failure_is_tried_again_under_the_same_key_and_not_before_the_receiver_wants,
    what_is_refused_for_good_is_listed_and_can_be_tried_again,
    a_channel_that_hangs_holds_up_neither_another_nor_a_ticket,
    a_death_between_sending_and_noting_sends_again_under_the_same_key,
    what_is_not_urgent_waits_for_the_morning_and_comes_in_one_message,
    a_digest_gathers_and_keeps_its_key_over_a_death,
    mere_evidence_is_not_told_again_before_its_time_and_worse_is_told_at_once,
    channels_that_note_one_event_at_once_settle_it,
    mail_and_syslog_reach_their_receivers,
    a_test_message_says_what_the_receiver_answered,
    what_a_kill_leaves_untold_is_told_by_the_next_and_nothing_has_two_keys,
    what_was_told_is_forgotten_and_what_is_old_is_not_told_late,
}

async fn an_event_is_told_once_signed_and_in_both_languages(database: Database) {
    let (english, chinese) = (Http::start(FINE).await, Http::start(FINE).await);
    let text = "[http]\npublic_url = \"https://linesman.example.net\"\n".to_owned()
        + &hook("noc", &english, "secret_env = \"HOOK_SECRET\"")
        + &hook("noc-zh", &chinese, "language = \"zh\"");
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &text);
    let ticket = open(&daemon, fault("fibre/link-1")).await;
    let got = english.wait_for(1).await.remove(0);
    let (id, timestamp) = (got.header("webhook-id"), got.header("webhook-timestamp"));
    assert_eq!(timestamp, noon().timestamp().to_string());
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &got.body].concat();
    let expected = format!("v1,{}", STANDARD.encode(hmac(b"a secret of ours", &signed)));
    assert_eq!(got.header("webhook-signature"), expected);
    let said = got.json();
    assert_eq!(said["type"], "ticket.opened");
    let number = ticket.number.to_string();
    assert_eq!(said["data"]["url"], format!("https://linesman.example.net/tickets/{number}"));
    assert_eq!((&said["data"]["class"], &said["data"]["segment"]), (&"B".into(), &"link-1".into()));
    assert_eq!(said["data"]["affected_customers"], 2);
    let body = String::from_utf8(got.body.clone()).unwrap();
    assert!(
        !body.contains("customer-1") && !body.contains("客户-2"),
        "who is affected is nobody's business: {body}"
    );
    let got = chinese.wait_for(1).await.remove(0);
    assert_eq!(got.header("webhook-signature"), "", "no secret, no signature");
    told(&daemon, "noc").await;
    told(&daemon, "noc-zh").await;
    telling.stop().await;
    // A new start tells nothing again.
    let telling = Telling::beside(&daemon, &text);
    let again = Event::Acknowledged;
    daemon.writer.apply(&ticket.id, None, again, Actor("ada".to_owned())).await.unwrap();
    english.wait_for(2).await;
    chinese.wait_for(2).await;
    told(&daemon, "noc").await;
    let got = english.got();
    assert_eq!((got.len(), got[1].json()["type"].as_str()), (2, Some("ticket.acknowledged")));
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn a_failure_is_tried_again_under_the_same_key_and_not_before_the_receiver_wants(database: Database) {
    let http = Http::start(FINE).await;
    http.answer([
        Reply::Http(500, &[], "broken"),
        Reply::Close,
        Reply::Http(429, &[("retry-after", "120")], "slow down"),
    ]);
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &hook("noc", &http, ""));
    open(&daemon, fault("fibre/link-1")).await;
    http.wait_for(1).await;
    // Each failure is noted before the clock goes on.
    let tried = |count: i64| {
        let (database, statement) =
            (&database, format!("SELECT COUNT(*) FROM delivery WHERE attempts = {count}"));
        async move {
            for _ in 0..1_000 {
                if database.count(&statement).await == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            panic!("never tried {count} times");
        }
    };
    tried(1).await;
    daemon.clock.advance(TimeDelta::seconds(6));
    http.wait_for(2).await;
    tried(2).await;
    daemon.clock.advance(TimeDelta::seconds(11));
    http.wait_for(3).await;
    tried(3).await;
    daemon.clock.advance(TimeDelta::seconds(119));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(http.got().len(), 3, "it asked for two minutes");
    daemon.clock.advance(TimeDelta::seconds(2));
    let got = http.wait_for(4).await;
    assert_eq!(
        ids(&got).iter().collect::<std::collections::BTreeSet<_>>().len(),
        1,
        "one key: {:?}",
        ids(&got)
    );
    assert!(got.iter().all(|other| other.body == got[0].body), "and the same words");
    told(&daemon, "noc").await;
    assert_eq!(database.count("SELECT COUNT(*) FROM outbox WHERE delivered_at IS NULL").await, 0);
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn what_is_refused_for_good_is_listed_and_can_be_tried_again(database: Database) {
    let http = Http::start(FINE).await;
    http.answer([Reply::Http(403, &[], "who are you?")]);
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &hook("noc", &http, ""));
    open(&daemon, fault("fibre/link-1")).await;
    http.wait_for(1).await;
    open(&daemon, fault("fibre/link-2")).await;
    let got = http.wait_for(2).await;
    assert_ne!(ids(&got)[0], ids(&got)[1], "the next one is told all the same");
    silent(&daemon, "noc").await;
    let dead = daemon.store.dead_deliveries(None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].seq, dead[0].event.as_str()), (1, 1, "opened"));
    assert_eq!(dead[0].error, "403 who are you?");
    assert_eq!(daemon.store.retry_dead(Some("other"), None).await.unwrap(), 0);
    assert_eq!(daemon.store.retry_dead(Some("noc"), Some(1)).await.unwrap(), 1);
    let got = http.wait_for(3).await;
    assert_eq!(ids(&got)[0], ids(&got)[2], "the same event under the same key");
    silent(&daemon, "noc").await;
    assert!(daemon.store.dead_deliveries(None, 10).await.unwrap().is_empty());
    // What fails for too long is given up too.
    http.answer((0..50).map(|_| Reply::Http(503, &[], "")));
    open(&daemon, fault("fibre/link-3")).await;
    for _ in 0..6_000 {
        if !daemon.store.dead_deliveries(Some("noc"), 10).await.unwrap().is_empty() {
            break;
        }
        daemon.clock.advance(TimeDelta::minutes(61));
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let dead = daemon.store.dead_deliveries(Some("noc"), 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].error.as_str()), (1, "503"));
    assert!(dead[0].attempts >= 2, "{dead:?}");
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn a_channel_that_hangs_holds_up_neither_another_nor_a_ticket(database: Database) {
    let (hanging, quick) = (Http::start(Reply::Hang).await, Http::start(FINE).await);
    let daemon = Daemon::start(&database).await;
    let text = hook("hangs", &hanging, "timeout = \"120s\"") + &hook("quick", &quick, "");
    let telling = Telling::beside(&daemon, &text);
    open(&daemon, fault("fibre/link-1")).await;
    hanging.wait_for(1).await;
    let began = tokio::time::Instant::now();
    for count in 2..=20 {
        open(&daemon, fault(&format!("fibre/link-{count}"))).await;
    }
    quick.wait_for(20).await;
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    silent(&daemon, "quick").await;
    assert_eq!(hanging.got().len(), 1, "one attempt at a time");
    telling.kill().await;
    daemon.stop().await.unwrap();
}

async fn a_death_between_sending_and_noting_sends_again_under_the_same_key(database: Database) {
    let http = Http::start(FINE).await;
    http.answer([Reply::Hang]);
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &hook("noc", &http, ""));
    open(&daemon, fault("fibre/link-1")).await;
    http.wait_for(1).await;
    // The receiver has it; we die before we know.
    telling.kill().await;
    let clock = daemon.clock.clone();
    daemon.stop().await.unwrap();
    let daemon = Daemon::start_at(&database, clock).await;
    let telling = Telling::beside(&daemon, &hook("noc", &http, ""));
    let got = http.wait_for(2).await;
    assert_eq!(ids(&got)[0], ids(&got)[1], "whoever got it twice can tell");
    assert_eq!(got[0].body, got[1].body);
    told(&daemon, "noc").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(http.got().len(), 2);
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn what_is_not_urgent_waits_for_the_morning_and_comes_in_one_message(database: Database) {
    let http = Http::start(Reply::Http(200, &[], r#"{"errcode":0,"errmsg":"ok"}"#)).await;
    let text = format!(
        "[[notify]]\nname = \"group\"\nkind = \"wecom\"\nurl = \"{}/send?key=k\"\nlanguage = \"zh\"\ncalendar = \"cn-office\"\n",
        http.url
    );
    // 2026-11-20 20:00:00 in Shanghai, a Friday.
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &text);
    open(&daemon, fault("fibre/link-1")).await;
    open(&daemon, fault("fibre/link-2")).await;
    open(&daemon, severe("fibre/link-3", Severity::Critical)).await;
    let got = http.wait_for(1).await;
    let urgent = got[0].json();
    assert_eq!(urgent["msgtype"], "markdown");
    let words = urgent["markdown"]["content"].as_str().unwrap();
    assert!(words.contains("紧急") && words.contains("LM-2026-000003"), "{words}");
    daemon.clock.advance(TimeDelta::hours(40));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(http.got().len(), 1, "it is Sunday");
    // Monday 09:00 in Shanghai is 01:00 UTC.
    let monday = "2026-11-23T01:00:01Z".parse::<chrono::DateTime<Utc>>().unwrap();
    daemon.clock.advance(monday - daemon.clock.now_utc());
    let got = http.wait_for(2).await;
    let words = got[1].json()["markdown"]["content"].as_str().unwrap().to_owned();
    assert!(
        words.contains("2 条事件") && words.contains("LM-2026-000001") && words.contains("LM-2026-000002"),
        "{words}"
    );
    told(&daemon, "group").await;
    assert_eq!(http.got().len(), 2);
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn a_digest_gathers_and_keeps_its_key_over_a_death(database: Database) {
    let http = Http::start(FINE).await;
    http.answer([Reply::Hang]);
    let text = hook("digest", &http, "digest = \"15m\"");
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &text);
    open(&daemon, fault("fibre/link-1")).await;
    told_of(&database, 1).await;
    daemon.clock.advance(TimeDelta::minutes(10));
    open(&daemon, fault("fibre/link-2")).await;
    told_of(&database, 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(http.got().len(), 0, "it gathers");
    daemon.clock.advance(TimeDelta::minutes(5));
    http.wait_for(1).await;
    telling.kill().await;
    // What comes between goes with the next message.
    open(&daemon, fault("fibre/link-3")).await;
    daemon.clock.advance(TimeDelta::minutes(1));
    let telling = Telling::beside(&daemon, &text);
    let got = http.wait_for(2).await;
    assert_eq!((ids(&got)[0], &got[0].body), (ids(&got)[1], &got[1].body), "the same message again");
    assert_eq!(got[0].json()["data"]["events"].as_array().unwrap().len(), 2);
    told_of(&database, 3).await;
    daemon.clock.advance(TimeDelta::minutes(16));
    let got = http.wait_for(3).await;
    assert_eq!(got[2].json()["data"]["segment"], "link-1");
    assert_ne!(ids(&got)[2], ids(&got)[1]);
    told(&daemon, "digest").await;
    telling.stop().await;
    daemon.stop().await.unwrap();
}

/// Waits until so many deliveries were made of the outbox.
async fn told_of(database: &Database, count: i64) {
    for _ in 0..6_000 {
        if database.count("SELECT COUNT(*) FROM delivery").await >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {count} deliveries");
}

async fn mere_evidence_is_not_told_again_before_its_time_and_worse_is_told_at_once(database: Database) {
    let http = Http::start(FINE).await;
    let daemon = Daemon::start(&database).await;
    let text = hook("noc", &http, "minimum_severity = \"major\"\nsegments = [\"link-*\"]");
    let telling = Telling::beside(&daemon, &text);
    let quiet = Fault { segment: "core".to_owned(), ..fault("device/core") };
    open(&daemon, quiet).await;
    open(&daemon, severe("fibre/link-9", Severity::Minor)).await;
    let ticket = open(&daemon, fault("fibre/link-1")).await;
    http.wait_for(1).await;
    enrich(&daemon, &ticket, fault("fibre/link-1")).await;
    daemon.clock.advance(TimeDelta::minutes(5));
    enrich(&daemon, &ticket, severe("fibre/link-1", Severity::Critical)).await;
    http.wait_for(2).await;
    daemon.clock.advance(TimeDelta::minutes(5));
    let mut wide = severe("fibre/link-1", Severity::Critical);
    wide.affected_customers.push("customer-3".to_owned());
    enrich(&daemon, &ticket, wide.clone()).await;
    http.wait_for(3).await;
    daemon.clock.advance(TimeDelta::hours(4) - TimeDelta::minutes(1));
    enrich(&daemon, &ticket, wide.clone()).await;
    told(&daemon, "noc").await;
    daemon.clock.advance(TimeDelta::minutes(2));
    enrich(&daemon, &ticket, wide).await;
    let got = http.wait_for(4).await;
    told(&daemon, "noc").await;
    let said: Vec<String> = got.iter().map(|got| got.json()["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        said,
        ["ticket.opened", "ticket.severity_raised", "ticket.customers_increased", "ticket.enriched"]
    );
    assert_eq!(http.got().len(), 4);
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn channels_that_note_one_event_at_once_settle_it(database: Database) {
    let hanging = Http::start(Reply::Hang).await;
    let daemon = Daemon::start(&database).await;
    let names = ["a", "b", "c", "d"];
    let text: String = names.iter().map(|name| hook(name, &hanging, "timeout = \"120s\"")).collect();
    let telling = Telling::beside(&daemon, &text);
    for count in 1..=20 {
        open(&daemon, fault(&format!("fibre/link-{count}"))).await;
    }
    told_of(&database, 80).await;
    telling.kill().await;
    for seq in 1..=20 {
        let mut noting = tokio::task::JoinSet::new();
        for name in names {
            let store = daemon.store.clone();
            noting.spawn(async move { store.delivered(name, &[seq]).await });
        }
        while let Some(noted) = noting.join_next().await {
            noted.unwrap().unwrap();
        }
    }
    assert_eq!(daemon.store.outbox_pending(20).await.unwrap(), Vec::<i64>::new());
    daemon.stop().await.unwrap();
}

async fn mail_and_syslog_reach_their_receivers(database: Database) {
    let (smtp, datagrams) = (Smtp::start().await, Datagrams::start().await);
    let stream = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text = format!(
        "[[notify]]\nname = \"mail\"\nkind = \"email\"\nurl = \"{}\"\nfrom = \"Linesman <linesman@example.net>\"\n\
         to = [\"noc@example.net\", \"boss@example.net\"]\n\
         [[notify]]\nname = \"log\"\nkind = \"syslog\"\nurl = \"{}\"\nlanguage = \"zh\"\n\
         [[notify]]\nname = \"log-tcp\"\nkind = \"syslog\"\nurl = \"tcp://{}\"\n",
        smtp.url,
        datagrams.url,
        stream.local_addr().unwrap()
    );
    smtp.refuse(["451 later"]);
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &text);
    let ticket = open(&daemon, fault("fibre/link-1")).await;
    let line = datagrams.next().await;
    assert!(line.starts_with("<131>1 2026-11-20T12:00:00.123456Z "), "{line}");
    assert!(
        line.contains(" opened [origin software=\"linesman\"][meta sequenceId=\"1\"] \u{feff}"),
        "{line}"
    );
    assert!(line.contains("LM-2026-000001") && line.contains("重要"), "{line}");
    let (mut connection, _) = stream.accept().await.unwrap();
    let mut framed = String::new();
    connection.read_to_string(&mut framed).await.unwrap();
    drop(connection);
    let (length, line) = framed.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), line.len(), "{framed}");
    for _ in 0..1_000 {
        if database.count("SELECT COUNT(*) FROM delivery WHERE channel = 'mail' AND attempts = 1").await == 1
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.clock.advance(TimeDelta::seconds(6));
    let mail = smtp.wait_for(1).await.remove(0);
    let key = line.rsplit("key=").next().unwrap().trim_end().replace("log-tcp", "mail");
    assert!(mail.contains(&format!("Message-ID: <{key}@example.net>")), "{mail}");
    assert!(mail.contains(&format!("References: <{}@example.net>", ticket.number)), "{mail}");
    assert!(
        mail.contains("Auto-Submitted: auto-generated") && mail.contains("To: noc@example.net, boss@"),
        "{mail}"
    );
    told(&daemon, "mail").await;
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn a_test_message_says_what_the_receiver_answered(database: Database) {
    let http = Http::start(FINE).await;
    http.answer([Reply::Http(200, &[], "thank you"), Reply::Http(404, &[], "no such hook")]);
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &hook("noc", &http, ""));
    let ask = |channel: &str| {
        let (reply, answer) = oneshot::channel();
        let test = NotifyTest { channel: channel.to_owned(), by: "ada".to_owned(), reply };
        let tests = telling.tests.clone();
        async move {
            tests.send(test).await.unwrap();
            answer.await.unwrap()
        }
    };
    let tested = ask("noc").await.unwrap();
    assert_eq!((tested.delivered, tested.answer.as_str()), (true, "200 thank you"));
    assert_eq!(http.got()[0].json()["type"], "ticket.test");
    let tested = ask("noc").await.unwrap();
    assert_eq!((tested.delivered, tested.answer.as_str()), (false, "404 no such hook"));
    assert!(ask("other").await.is_none());
    telling.stop().await;
    daemon.stop().await.unwrap();
}

const CHILD_NAME: &str = "notify::child_that_tells_until_it_is_killed";
const CHILD_URL: &str = "LINESMAN_TEST_NOTIFY_CHILD_URL";
const CHILD_SETTINGS: &str = "LINESMAN_TEST_NOTIFY_CHILD_SETTINGS";

/// Not a test: what the test below starts as a process of its own, to kill it.
#[test]
fn child_that_tells_until_it_is_killed() {
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let text = std::env::var(CHILD_SETTINGS).expect("settings");
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let database = Database { is_sqlite: url.starts_with("sqlite:"), url, folder };
        let daemon = Daemon::start(&database).await;
        let _telling = Telling::beside(&daemon, &text);
        for number in 0.. {
            open(&daemon, fault(&format!("{}/{number}", std::process::id()))).await;
        }
    });
}

async fn what_a_kill_leaves_untold_is_told_by_the_next_and_nothing_has_two_keys(database: Database) {
    let http = Http::start(FINE).await;
    let text = hook("noc", &http, "");
    let mut so_far = 0;
    for _ in 0..5 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD_NAME, "--nocapture"])
            .env(CHILD_URL, &database.url)
            .env(CHILD_SETTINGS, &text)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        so_far = http.wait_for(so_far + 15).await.len();
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let daemon = Daemon::start(&database).await;
    let telling = Telling::beside(&daemon, &text);
    told(&daemon, "noc").await;
    telling.stop().await;
    let mut keys: std::collections::BTreeMap<i64, std::collections::BTreeSet<String>> = Default::default();
    let got = http.got();
    for got in &got {
        let seq = got.json()["data"]["seq"].as_i64().unwrap();
        keys.entry(seq).or_default().insert(got.header("webhook-id").to_owned());
    }
    let events = database.count("SELECT COUNT(*) FROM outbox").await;
    assert_eq!(keys.len() as i64, events, "every event was told");
    assert!(keys.values().all(|keys| keys.len() == 1), "each under one key: {keys:?}");
    let again = got.len() - keys.len();
    assert!(again <= 5, "at most what was under way at each kill was sent again, {again} were");
    #[allow(clippy::print_stderr, reason = "a figure that is worth knowing")]
    {
        eprintln!("5 kills: {events} events told, {again} of them twice under the same key");
    }
    daemon.stop().await.unwrap();
}

async fn what_was_told_is_forgotten_and_what_is_old_is_not_told_late(database: Database) {
    let http = Http::start(FINE).await;
    let daemon = Daemon::start(&database).await;
    open(&daemon, fault("fibre/link-1")).await;
    // Nobody is to be told: the outbox does not fill.
    let telling = Telling::beside(&daemon, "");
    for _ in 0..1_000 {
        if daemon.store.outbox_pending(10).await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    telling.settings.send(Arc::new(settings(&hook("noc", &http, "")))).unwrap();
    // Once it has answered anything, it has seen them.
    let (reply, answer) = oneshot::channel();
    let test = NotifyTest { channel: "nobody".to_owned(), by: "ada".to_owned(), reply };
    telling.tests.send(test).await.unwrap();
    assert_eq!(answer.await.unwrap(), None);
    open(&daemon, fault("fibre/link-2")).await;
    http.wait_for(1).await;
    told(&daemon, "noc").await;
    assert_eq!(http.got()[0].json()["data"]["seq"], 2, "a new channel hears of what is new");
    // A channel that goes leaves what it has not told with the dead.
    http.answer([Reply::Http(500, &[], "")]);
    open(&daemon, fault("fibre/link-3")).await;
    http.wait_for(2).await;
    telling.settings.send(Arc::new(settings(""))).unwrap();
    for _ in 0..1_000 {
        if !daemon.store.dead_deliveries(None, 10).await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let dead = daemon.store.dead_deliveries(None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].seq), (1, 3));
    assert!(
        telling
            .metrics
            .render()
            .contains("linesman_worker_last_success_timestamp_seconds{worker=\"notify\"}")
    );
    telling.stop().await;
    let later = daemon.clock.now_utc() + TimeDelta::days(31);
    assert_eq!(daemon.store.forget_told(noon()).await.unwrap(), 0);
    assert_eq!(daemon.store.forget_told(later).await.unwrap(), 2, "what was given up stays");
    assert_eq!(database.count("SELECT COUNT(*) FROM outbox").await, 1);
    assert!(Path::new(&database.folder.path()).exists());
    daemon.stop().await.unwrap();
}
