//! Words, forms, signatures, rules and what answers mean.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::notice::{CUSTOMERS_INCREASED, ENRICHED, SEVERITY_RAISED};
use super::rule::fits;
use super::text::within;
use super::*;
use crate::locale::{Language, Message};
use crate::settings::{ChannelKind, ChannelSettings, parse};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn noon() -> DateTime<Utc> {
    at("2026-11-20T12:00:00Z")
}

fn channel(text: &str) -> ChannelSettings {
    let secrets = [("SECRET".to_owned(), "SECsecret".to_owned())];
    let loaded = parse("linesman.toml", &format!("[[notify]]\nname = \"noc\"\n{text}"), secrets);
    loaded.unwrap_or_else(|wrong| panic!("{wrong:?}")).settings.notify.remove(0)
}

fn of_kind(kind: &str, more: &str) -> ChannelSettings {
    channel(&format!("kind = \"{kind}\"\nurl = \"https://example.net/hook?key=k\"\n{more}"))
}

/// An event as the database holds it: a ticket with a diagnosis.
fn row(event: &str, severity: &str, customers: &[&str]) -> EventRow {
    let fault = json!({
        "severity": severity, "began": "2026-11-20T11:59:20Z", "affected_customers": customers,
        "headline": {"key": "headline.fibre", "args": {"segment": "link-1", "far_end": "POP <2>", "carrier": "acme",
            "since": "2026-11-20T11:59:20Z"}},
    });
    EventRow {
        seq: 7,
        hash: "0123456789abcdef0123".to_owned(),
        ticket_id: "ticket-1".to_owned(),
        at: noon(),
        actor: "linesman".to_owned(),
        event: event.to_owned(),
        payload: json!({"type": event, "fault": fault, "text": "call +8613800000000"}).to_string(),
        ticket: json!({
            "number": "LM-2026-000123", "kind": "fault", "state": "classified", "class": "B", "cause": "fibre",
            "segment": "link-1", "side": "carrier", "severity": severity, "fault": fault, "something_new": [1],
        })
        .to_string(),
    }
}

fn notice(event: &str) -> Notice {
    Notice::of(&row(event, "major", &["acme", "customer-2"]), None).expect("understood")
}

fn outgoing(notices: Vec<Notice>) -> Outgoing {
    Outgoing::new("noc", notices)
}

fn sent(channel: &ChannelSettings, notices: Vec<Notice>) -> (payload::Request, Value) {
    let url = Some("https://linesman.example.net/");
    let request = payload::request(channel, &outgoing(notices), url, noon()).expect("over HTTP");
    let document = serde_json::from_slice(&request.body).expect("JSON");
    (request, document)
}

#[test]
fn signatures_are_those_that_other_programs_make() {
    // The example of the Standard Webhooks reference libraries.
    let signature = sign::standard_webhooks(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        br#"{"test": 2432232314}"#,
    );
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    // Made by Python's hmac after the vendors' examples.
    assert_eq!(
        sign::dingtalk("SECsecret", 1_577_808_000_000),
        "5GbuR7WsxInF02r61lkwwDiBINVQdQmTiKsqjsIizWs="
    );
    assert_eq!(sign::feishu("feishu-secret", 1_599_360_473), "GnmU6lMJMtXPkxW7kXxgtXI0SJxjk0TQFnFuz93Dt+0=");
}

#[test]
fn both_languages_say_what_happened_and_nobody_is_named() {
    let (english, chinese) = (Language::English, Language::Chinese);
    let told = |language| {
        text::text(&outgoing(vec![notice("opened")]), language, Some("https://linesman.example.net"))
    };
    let plain = told(english).plain();
    for part in [
        "LM-2026-000123 · major · opened",
        "Class: B · Network",
        "Segment: link-1",
        "Side: carrier's side",
        "Since: 2026-11-20 11:59:20 UTC",
        "Affected customers: 2",
        "https://linesman.example.net/tickets/LM-2026-000123",
        "(a customer) has carried nothing",
    ] {
        assert!(plain.contains(part), "{part}: {plain}");
    }
    let other = told(chinese).plain();
    for part in ["LM-2026-000123 · 重要 · 已开单", "受影响客户数: 2", "某客户"] {
        assert!(other.contains(part), "{part}: {other}");
    }
    for words in [plain, other, serde_json::to_string(&notice("opened")).expect("JSON")] {
        assert!(
            !words.contains("acme") && !words.contains("customer-2") && !words.contains("8613800"),
            "{words}"
        );
    }
    let newer = text::text(&outgoing(vec![notice("promise_breached")]), chinese, None);
    assert!(
        newer.title.ends_with("promise breached"),
        "an event without words goes by its name: {}",
        newer.title
    );
}

#[test]
fn a_ticket_of_a_complaint_without_class_or_fault_is_told_too() {
    let mut complaint = row("level_changed", "minor", &[]);
    complaint.payload = json!({"type": "level_changed", "level": "orange"}).to_string();
    complaint.ticket = json!({
        "number": "LM-2026-000124", "kind": "complaint", "state": "registered", "class": null, "segment": null,
        "severity": "minor", "fault": null, "process": {"level": "yellow", "department": "service"},
    })
    .to_string();
    let notice = Notice::of(&complaint, None).expect("understood");
    assert_eq!((notice.class.as_deref(), notice.department.as_deref()), (None, Some("service")));
    assert_eq!(notice.level.as_deref(), Some("orange"), "as the event has it");
    assert!(notice.is_urgent());
    assert!(
        rule::when(&of_kind("slack", "departments = [\"serv*\"]"), &notice, Standing::default(), noon())
            .is_some()
    );
    assert!(
        rule::when(&of_kind("slack", "departments = [\"noc\"]"), &notice, Standing::default(), noon())
            .is_none()
    );
    // A field that has become something else is left out, and the event is told all the same.
    complaint.payload = json!({"type": "level_changed", "level": {"to": "red"}, "fault": "none"}).to_string();
    let notice = Notice::of(&complaint, None).expect("understood");
    assert_eq!((notice.level.as_deref(), notice.number.as_str()), (Some("yellow"), "LM-2026-000124"));
    complaint.payload = "{".to_owned();
    assert!(Notice::of(&complaint, None).is_err());
}

#[test]
fn evidence_is_named_by_what_it_makes_worse() {
    let first = notice("opened");
    let after = |severity: &str, customers: &[&str], previous: &Notice| {
        Notice::of(&row("enriched", severity, customers), Some(previous)).expect("understood")
    };
    let same = after("major", &["acme", "b"], &first);
    assert_eq!(same.event, ENRICHED);
    let worse = after("critical", &["acme"], &same);
    assert_eq!(worse.event, SEVERITY_RAISED);
    let back = after("major", &["acme"], &worse);
    assert_eq!(back.event, ENRICHED);
    assert_eq!(after("critical", &["acme"], &back).event, ENRICHED, "it was critical before");
    assert_eq!(after("major", &["acme", "b", "c"], &back).event, CUSTOMERS_INCREASED);
}

#[test]
fn the_rules_choose_by_event_severity_class_and_segment() {
    let wanted = |text: &str, event: &str| {
        rule::when(&of_kind("webhook", text), &notice(event), Standing::default(), noon()).is_some()
    };
    assert!(wanted("", "anything_new"));
    assert!(wanted("events = [\"opened\", \"*breach*\"]", "promise_breached"));
    assert!(!wanted("events = [\"opened\", \"*breach*\"]", "resolved"));
    assert!(
        wanted("minimum_severity = \"major\"", "opened")
            && !wanted("minimum_severity = \"critical\"", "opened")
    );
    assert!(wanted("classes = [\"B\"]", "opened") && !wanted("classes = [\"A\", \"C\"]", "opened"));
    assert!(wanted("segments = [\"link-*\"]", "opened") && !wanted("segments = [\"core\"]", "opened"));
    assert!(!wanted("departments = [\"noc\"]", "opened"), "no department has it yet");
    for (pattern, name, is_fit) in [
        ("*", "", true),
        ("a*c", "abc", true),
        ("a*c", "ac", true),
        ("a*c", "acd", false),
        ("*breach*", "sla_breached", true),
        ("a*b*b", "ab", false),
        ("a*b*b", "abb", true),
        ("", "x", false),
    ] {
        assert_eq!(fits(pattern, name), is_fit, "{pattern} {name}");
    }
}

#[test]
fn quiet_hours_and_digests_hold_back_all_but_what_is_urgent() {
    let (now, mut it) = (noon(), notice("opened"));
    let night = of_kind("slack", "calendar = \"cn-office\"");
    let held = rule::when(&night, &it, Standing::default(), now).expect("told");
    assert_eq!((held.at, held.gathered), (at("2026-11-23T01:00:00Z"), true), "Monday 09:00 in Shanghai");
    let day = at("2026-11-23T02:00:00Z");
    assert_eq!(
        rule::when(&night, &it, Standing::default(), day),
        Some(When { at: day, gathered: false }),
        "in office hours at once"
    );
    let digest = of_kind("slack", "digest = \"15m\"");
    let first = rule::when(&digest, &it, Standing::default(), now).expect("told");
    assert_eq!((first.at - now, first.gathered), (TimeDelta::minutes(15), true));
    let later = now + TimeDelta::minutes(5);
    let standing = Standing { digest_at: Some(first.at), ..Standing::default() };
    assert_eq!(rule::when(&digest, &it, standing, later), Some(first), "with those that wait");
    it.level = Some("orange".to_owned());
    for channel in [&night, &digest] {
        let urgent = Some(When { at: now, gathered: false });
        assert_eq!(rule::when(channel, &it, Standing::default(), now), urgent);
    }
}

#[test]
fn mere_evidence_is_no_news_before_its_time() {
    let (channel, mut it) = (of_kind("slack", ""), notice(ENRICHED));
    let told =
        |hours: i64| Standing { told_at: Some(noon() - TimeDelta::hours(hours)), ..Standing::default() };
    assert!(rule::when(&channel, &it, told(3), noon()).is_none());
    assert!(rule::when(&channel, &it, told(4), noon()).is_some());
    it.event = SEVERITY_RAISED.to_owned();
    assert!(rule::when(&channel, &it, told(0), noon()).is_some());
}

#[test]
fn each_service_gets_the_form_that_its_documents_ask_for() {
    let one = || vec![notice("opened")];
    let (_, wecom) = sent(&of_kind("wecom", "language = \"zh\""), one());
    assert_eq!(wecom["msgtype"], "markdown");
    let words = wecom["markdown"]["content"].as_str().expect("words");
    assert!(words.contains("[打开工单](https://linesman.example.net/tickets/LM-2026-000123)"), "{words}");
    assert!(!words.contains('<'), "no tag of theirs: {words}");

    let (request, dingtalk) = sent(&of_kind("dingtalk", "secret_env = \"SECRET\""), one());
    assert_eq!(
        (dingtalk["msgtype"].as_str(), dingtalk["markdown"]["title"].is_string()),
        (Some("markdown"), true)
    );
    let url = reqwest::Url::parse(&request.url).expect("a URL");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let millis = noon().timestamp_millis();
    assert_eq!(pairs[0], ("key".to_owned(), "k".to_owned()));
    assert_eq!(pairs[1], ("timestamp".to_owned(), millis.to_string()));
    assert_eq!(pairs[2], ("sign".to_owned(), sign::dingtalk("SECsecret", millis)));

    let (_, feishu) = sent(&of_kind("feishu", "secret_env = \"SECRET\"\nlanguage = \"zh\""), one());
    assert_eq!(
        (&feishu["msg_type"], &feishu["timestamp"]),
        (&json!("post"), &json!(noon().timestamp().to_string()))
    );
    assert_eq!(feishu["sign"], sign::feishu("SECsecret", noon().timestamp()));
    let rows = feishu["content"]["post"]["zh_cn"]["content"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row[0]["tag"] == "a") && rows.iter().all(Value::is_array));

    let (_, slack) = sent(&of_kind("slack", ""), one());
    let words = slack["text"].as_str().expect("words");
    assert!(words.contains("POP &lt;2&gt;") && words.contains("|Open the ticket>"), "{words}");

    let telegram = channel("kind = \"telegram\"\nsecret_env = \"SECRET\"\nchat = \"-100\"\n");
    let (request, telegram) = sent(&telegram, one());
    assert_eq!(request.url, "https://api.telegram.org/botSECsecret/sendMessage");
    assert_eq!((&telegram["chat_id"], telegram["text"].is_string()), (&json!("-100"), true));

    let (_, teams) = sent(&of_kind("teams", ""), one());
    let attachment = &teams["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(attachment["content"]["type"], "AdaptiveCard");
    assert_eq!(attachment["content"]["actions"][0]["type"], "Action.OpenUrl");

    let (request, webhook) = sent(&of_kind("webhook", "secret_env = \"SECRET\""), one());
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["webhook-id", "webhook-timestamp", "webhook-signature"]);
    assert_eq!((webhook["type"].as_str(), webhook["data"]["seq"].as_i64()), (Some("ticket.opened"), Some(7)));
}

#[test]
fn what_is_too_long_for_a_service_is_cut_and_stays_whole_text() {
    let many: Vec<Notice> = (0..400).map(|_| notice("opened")).collect();
    for kind in ["wecom", "dingtalk", "feishu", "slack", "teams"] {
        let (request, _) = sent(&of_kind(kind, "language = \"zh\""), many.clone());
        assert!(request.body.len() < 36_000, "{kind}: {}", request.body.len());
    }
    let (_, feishu) = sent(&of_kind("feishu", ""), many.clone());
    let rows = feishu["content"]["post"]["en_us"]["content"].as_array().expect("rows");
    assert_eq!(rows.last().map(|row| &row[0]["text"]), Some(&json!("…")), "what was left out is not hidden");
    let (_, wecom) = sent(&of_kind("wecom", ""), many.clone());
    assert!(wecom["markdown"]["content"].as_str().is_some_and(|words| words.len() <= 4096));
    let telegram = channel("kind = \"telegram\"\nsecret_env = \"SECRET\"\nchat = \"-100\"\n");
    let (_, telegram) = sent(&telegram, many);
    let words = telegram["text"].as_str().expect("words");
    assert!(words.encode_utf16().count() <= 4096 && words.ends_with('…'));
}

#[test]
fn an_answer_means_delivered_later_or_never() {
    let judge = |kind, status, retry_after, body| retry::judge(kind, status, retry_after, body, noon());
    let later = |verdict: Verdict| match verdict {
        Verdict::Later(_, asked) => asked.map(|asked| asked.as_secs()),
        other => panic!("{other:?}"),
    };
    let webhook = ChannelKind::Webhook;
    assert_eq!(judge(webhook, 204, None, ""), Verdict::Delivered("204".to_owned()));
    assert_eq!(later(judge(webhook, 503, Some("120"), "")), Some(120));
    assert_eq!(later(judge(webhook, 503, Some("Fri, 20 Nov 2026 12:02:00 GMT"), "")), Some(120));
    assert_eq!(later(judge(webhook, 503, Some("soon"), "")), None);
    assert_eq!(later(judge(webhook, 503, Some("99999999999"), "")), Some(3_600), "no longer than an hour");
    assert_eq!(later(judge(webhook, 429, None, "")), Some(60));
    assert_eq!(later(judge(webhook, 408, None, "")), None);
    let telegram = r#"{"ok":false,"error_code":429,"parameters":{"retry_after":33}}"#;
    assert_eq!(later(judge(ChannelKind::Telegram, 429, None, telegram)), Some(33));
    for status in [301, 400, 401, 404, 410, 422] {
        assert!(matches!(judge(webhook, status, None, ""), Verdict::Never(_)), "{status}");
    }
    let wecom = |body| judge(ChannelKind::Wecom, 200, None, body);
    assert!(matches!(wecom(r#"{"errcode":0,"errmsg":"ok"}"#), Verdict::Delivered(_)));
    assert_eq!(later(wecom(r#"{"errcode":45009}"#)), Some(60));
    assert!(matches!(wecom(r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#), Verdict::Never(_)));
    assert_eq!(later(wecom("<html>please sign in</html>")), None, "somebody else answers");
    let dingtalk = judge(ChannelKind::Dingtalk, 200, None, r#"{"errcode":310000,"errmsg":"sign not match"}"#);
    assert!(matches!(dingtalk, Verdict::Never(_)));
    let feishu = |body| judge(ChannelKind::Feishu, 200, None, body);
    assert!(matches!(feishu(r#"{"code":0,"msg":"success"}"#), Verdict::Delivered(_)));
    assert!(matches!(feishu(r#"{"StatusCode":0}"#), Verdict::Delivered(_)));
    assert_eq!(later(feishu(r#"{"code":11232}"#)), Some(60));
    assert!(matches!(feishu(r#"{"code":19021}"#), Verdict::Never(_)));
}

#[test]
fn waits_double_up_to_an_hour_and_never_begin_together() {
    let waits: Vec<u64> = (1..=12).map(|attempts| retry::backoff(attempts, 1.0, None).as_secs()).collect();
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
    assert_eq!(retry::backoff(3, 0.0, None), Duration::from_secs(10), "half of it at least");
    assert_eq!(retry::backoff(1, 0.5, Some(Duration::from_secs(90))).as_secs(), 90);
    assert!(retry::backoff(u32::MAX, f64::NAN, None) <= Duration::from_secs(3_600));
}

#[test]
fn a_mail_has_the_key_as_its_identity_and_the_ticket_as_its_thread() {
    let channel = channel(
        "kind = \"email\"\nurl = \"smtp+starttls://mail.example.net\"\nfrom = \"linesman@example.net\"\n\
         to = [\"值班 <noc@example.net>\"]\nlanguage = \"zh\"\n",
    );
    let out = outgoing(vec![notice("opened")]);
    let mail = mail::mail(&channel, &out, None, noon()).expect("a mail");
    let text = String::from_utf8(mail.formatted()).expect("UTF-8");
    assert!(text.contains("Message-ID: <lm-7-0123456789ab-noc@example.net>"), "{text}");
    assert!(text.contains("In-Reply-To: <LM-2026-000123@example.net>"), "{text}");
    assert!(text.contains("X-Linesman-Key: lm-7-0123456789ab-noc"), "{text}");
    assert!(text.contains("Date: Fri, 20 Nov 2026 12:00:00 +0000"), "{text}");
    assert_eq!(mail.formatted(), mail::mail(&channel, &out, None, noon()).expect("a mail").formatted());
}

#[test]
fn a_line_of_syslog_has_its_head_in_ascii_and_fits_a_datagram() {
    let channel = channel("kind = \"syslog\"\nurl = \"udp://192.0.2.9:514\"\nlanguage = \"zh\"\n");
    let mut long = notice("opened");
    long.department = Some("部门".repeat(2_000));
    let lines = syslog::lines(&channel, &outgoing(vec![long]), None, "host name\u{7}", 12);
    let line = String::from_utf8(lines[0].clone()).expect("UTF-8");
    let head = "<131>1 2026-11-20T12:00:00.000000Z hostname linesman 12 opened \
                [origin software=\"linesman\"][meta sequenceId=\"7\"] \u{feff}";
    assert!(line.starts_with(head) && line.len() <= 2_048, "{} {line}", line.len());
    assert_eq!(syslog::framed(b"abc"), b"3 abc");
}

#[test]
fn keys_differ_by_event_channel_and_company() {
    let key = |channel: &str, seqs: &[i64]| {
        let notices = seqs.iter().map(|seq| Notice { seq: *seq, ..notice("opened") }).collect();
        Outgoing::new(channel, notices).key
    };
    let keys = [key("a", &[1]), key("b", &[1]), key("a", &[2]), key("a", &[1, 2])];
    let unique: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len(), "{keys:?}");
}

#[test]
fn mistakes_are_told_with_their_place_and_secrets_are_never_shown() {
    let told = |text: &str| {
        let wrong = parse("linesman.toml", text, []).expect_err("mistakes");
        wrong.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        told("[[notify]]\nname = \"noc\"\nkind = \"wechat\"\n"),
        [
            "linesman.toml:3:8: `kind` in [[notify]]: expected one of \"email\", \"webhook\", \"wecom\", \"dingtalk\", \
          \"feishu\", \"slack\", \"telegram\", \"teams\", \"syslog\", found \"wechat\""
        ]
    );
    for (text, part) in [
        ("[[notify]]\nname = \"a\"\nkind = \"slack\"\n", "3:8: a [[notify]] of kind slack has no `url`"),
        (
            "[[notify]]\nname = \"a\"\nkind = \"slack\"\nurl = \"http://hooks.example.net/T/B/key\"\n",
            "4:7: `url` in [[notify]]: the key or password would be readable",
        ),
        ("[[notify]]\nname = \"a\"\nkind = \"syslog\"\nurl = \"udp://h\"\n", "write as udp://"),
        (
            "[[notify]]\nname = \"a\"\nkind = \"webhook\"\nurl_env = \"NONE\"\n",
            "4:11: `url_env` in [[notify]]: the environment has no NONE",
        ),
        (
            "[[notify]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"https://h/\"\nchat = \"1\"\n",
            "5:8: `chat` in [[notify]] is for telegram",
        ),
        (
            "[[notify]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"https://h/\"\ncalendar = \"moon\"\n",
            "there is no calendar \"moon\"; known are",
        ),
        (
            "[[notify]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"https://h/\"\nevent = [\"x\"]\n",
            "5:1: unknown key `event` in [[notify]]; did you mean `events`?",
        ),
        (
            "[[notify]]\nname = \"a\"\nkind = \"email\"\nurl = \"smtps://h\"\nfrom = \"x\"\nto = [\"y@z\"]\n",
            "5:8: `from` in [[notify]]: \"x\" is no mail address",
        ),
        ("[notify]\nname = \"a\"\n", "every notify is stated as [[notify]]"),
    ] {
        let told = told(text);
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(told[0].contains(part), "{text}: {told:?}");
    }
    let text = "[[notify]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"https://h.example/T/key?token=key\"\nsecret_env = \"S\"\n\
                digest = \"15m\"\nevents = [\"opened\"]\nminimum_severity = \"minor\"\nlanguage = \"zh\"\n";
    let loaded = parse("linesman.toml", text, [("S".to_owned(), "geheim".to_owned())]).expect("fine");
    let shown = crate::settings::to_toml(&loaded).expect("TOML");
    for words in [&shown, &format!("{loaded:?}")] {
        assert!(
            !words.contains("key?") && !words.contains("token=key") && !words.contains("geheim"),
            "{words}"
        );
    }
    assert!(
        shown.contains("url = \"https://h.example/***\"") && shown.contains("secret_env = \"S\""),
        "{shown}"
    );
    assert!(shown.contains("digest = \"15m\"") && shown.contains("minimum_severity = \"minor\""), "{shown}");
    let twice = format!("{text}{text}");
    let wrong = parse("linesman.toml", &twice, [("S".to_owned(), "geheim".to_owned())]).expect_err("twice");
    assert!(wrong[0].message.contains("stated twice"), "{wrong:?}");
    assert!(Arc::strong_count(&loaded.settings.inventory) >= 1);
}

proptest::proptest! {
    #[test]
    fn no_document_makes_a_notice_panic(ticket in ".{0,200}", payload in ".{0,200}") {
        let row = EventRow { ticket, payload, ..row("opened", "major", &[]) };
        let _ = Notice::of(&row, None);
    }

    #[test]
    fn a_cut_text_fits_and_is_the_begin_of_the_whole(text in "\\PC{0,80}", most in 3_usize..200) {
        let cut = within(&text, most);
        proptest::prop_assert!(cut.len() <= most.max(text.len().min(most)));
        proptest::prop_assert!(text.starts_with(cut.trim_end_matches('…')));
    }

    #[test]
    fn any_answer_has_a_meaning(status in 100_u16..600, body in ".{0,100}", after in proptest::option::of(".{0,30}")) {
        for kind in ChannelKind::ALL {
            let _ = retry::judge(kind, status, after.as_deref(), &body, noon());
        }
    }

    #[test]
    fn patterns_are_total(pattern in "[ab*]{0,8}", name in "[ab]{0,8}") {
        if !pattern.contains('*') {
            proptest::prop_assert_eq!(fits(&pattern, &name), pattern == name);
        }
        let widened = format!("*{pattern}*");
        if fits(&pattern, &name) {
            proptest::prop_assert!(fits(&widened, &name));
        }
    }
}

fn duty(is_overdue: bool) -> Notice {
    let said = Message::new(if is_overdue { "notify.duty_overdue" } else { "notify.duty_due" })
        .with_both("title", "Monthly summary", "月度总结")
        .with("month", "2026-11")
        .with("due", "2026-12-04 10:00:00 UTC")
        .with("rule", "R81");
    let month = MonthlyDuty { month: "2026-11".to_owned(), duty: "summary".to_owned(), due_at: noon() };
    Notice { seq: -3, hash: "00ff".to_owned(), ..Notice::duty(noon(), "linesman", month, is_overdue, said) }
}

#[test]
fn r81_a_duty_of_a_month_is_said_in_both_languages_and_in_every_form() {
    for (language, words) in [
        (Language::English, ["2026-11 · minor · monthly duty overdue", "was to be done by 2026-12-04"]),
        (Language::Chinese, ["2026-11 · 次要 · 月度工作逾期", "月度总结应于 2026-12-04"]),
    ] {
        let plain = text::text(&outgoing(vec![duty(true)]), language, Some("https://x.example")).plain();
        words.iter().for_each(|word| assert!(plain.contains(word), "{word}: {plain}"));
        assert!(!plain.contains('{') && !plain.contains("/tickets/"), "{plain}");
    }
    let (request, said) = sent(&of_kind("webhook", ""), vec![duty(false)]);
    assert_eq!((&said["type"], &said["data"]["duty"]["duty"]), (&"duty.due".into(), &"summary".into()));
    assert!(request.headers.contains(&("webhook-id", "lm-d3-00ff-noc".to_owned())), "{:?}", request.headers);
    for kind in ["wecom", "dingtalk", "feishu", "slack", "teams"] {
        let (_, said) = sent(&of_kind(kind, ""), vec![duty(true), duty(false)]);
        assert!(said.to_string().contains("2026-11"), "{kind}: {said}");
    }
}

#[test]
fn r81_a_duty_goes_to_who_names_it_and_to_who_wants_everything_and_never_to_customers() {
    let told = |more: &str| {
        let channel = of_kind("webhook", more);
        rule::when(&channel, &duty(true), Standing::default(), noon()).is_some()
    };
    assert!(told(""));
    assert!(told("events = [\"duty_overdue\"]\nminimum_severity = \"critical\"\nclasses = [\"B\"]"));
    assert!(told("events = [\"*\"]"));
    assert!(!told("events = [\"opened\", \"duty_due\"]"));
    assert!(!told("minimum_severity = \"major\""));
    assert!(!told("classes = [\"B\"]"));
    assert_eq!(rule::message_of(&duty(true)), None);
}
