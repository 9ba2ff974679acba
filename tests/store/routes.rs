//! R63: a line is stopped, its customers are moved, and it is restored: asked for by one, approved by another, sent
//! as rehearsed, once, with the answer on the ticket.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use linesman::metrics::Metrics;
use linesman::notify::route::request;
use linesman::settings::Settings;
use linesman::store::{NewToken, Role, WriteError};
use linesman::ticket::route::{RouteAction, RouteState, RouteStep, RouteWhat};
use linesman::ticket::{Actor, Deed, Event, Ticket};
use linesman::workers::routes::Routes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Daemon, Database, fault, noon};
use crate::on_both;
use crate::receivers::{Http, Reply};
use crate::requirement::require;
use crate::telling::{FINE, hmac, open, settings};

on_both! {
    r63_a_line_is_stopped_by_a_signed_call_that_a_second_person_approved_and_is_restored,
    r63_a_death_while_it_is_sent_neither_loses_it_nor_does_it_twice,
    r63_nobody_skips_a_step_and_nothing_is_sent_that_was_not_rehearsed,
    r63_what_is_not_taken_now_is_tried_again_and_given_up_in_the_end,
    r63_a_real_kamailio_takes_the_line_out_of_its_dispatcher_and_back,
}

const NETWORK: &str = "[[trunk]]\nname = \"trunk-1\"\ncarrier = \"Carrier A\"\nsip = \"127.0.0.9:5062\"\n\
                       [[trunk]]\nname = \"trunk-2\"\ncarrier = \"Carrier B\"\nsip = \"127.0.0.10:5062\"\n";

fn hook(url: &str, more: &str) -> Settings {
    let text = format!(
        "{NETWORK}[[route_hook]]\nname = \"edge\"\nkind = \"webhook\"\nurl = \"{url}/route\"\n\
         secret_env = \"HOOK_SECRET\"\n{more}\n"
    );
    settings(&text)
}

/// The loop that sends, until it is dropped.
struct Sending(JoinSet<()>);

impl Sending {
    fn start(daemon: &Daemon, settings: &Settings) -> Self {
        let routes = Routes {
            store: daemon.store.clone(),
            writer: daemon.writer.clone(),
            settings: watch::channel(Arc::new(settings.clone())).1,
            metrics: Arc::new(Metrics::new()),
            clock: daemon.clock.clone(),
            tick: Duration::from_millis(20),
            soft: CancellationToken::new(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(routes.run());
        Self(tasks)
    }

    /// In the middle of whatever it does.
    async fn kill(mut self) {
        self.0.shutdown().await;
    }
}

async fn people(daemon: &Daemon) {
    for (name, role) in
        [("tom", Role::Technician), ("nora", Role::Noc), ("mei", Role::Manager), ("max", Role::Manager)]
    {
        let expires_at = noon() + TimeDelta::days(30);
        daemon.store.create_token(&NewToken { name: name.to_owned(), role, expires_at }).await.unwrap();
    }
}

async fn does(
    daemon: &Daemon,
    ticket: &Ticket,
    by: &str,
    number: u32,
    step: RouteStep,
) -> Result<Ticket, WriteError> {
    let event = Event::from(Deed::Routed { number, step });
    daemon.writer.apply(&ticket.id, None, event, Actor(by.to_owned())).await
}

/// The keys of the guards that are not met.
fn unmet(done: Result<Ticket, WriteError>) -> Vec<String> {
    match done {
        Err(WriteError::Refused(refusal)) => refusal.unmet.iter().map(|one| one.key.clone()).collect(),
        other => panic!("not refused: {other:?}"),
    }
}

fn stop(hook: Option<&str>) -> RouteStep {
    RouteStep::Asked {
        what: RouteWhat::Stop,
        line: "trunk-1".to_owned(),
        to: None,
        reason: "one-way audio on every third call".to_owned(),
        calls: None,
        customers: Some(2),
        hook: hook.map(str::to_owned),
        restores: None,
        proof: None,
    }
}

fn restore(proof: Option<&str>) -> RouteStep {
    RouteStep::Asked {
        what: RouteWhat::Restore,
        line: "trunk-1".to_owned(),
        to: None,
        reason: "mended".to_owned(),
        calls: None,
        customers: None,
        hook: Some("edge".to_owned()),
        restores: Some(1),
        proof: proof.map(str::to_owned),
    }
}

async fn rehearsed(daemon: &Daemon, ticket: &Ticket, number: u32, settings: &Settings) -> Ticket {
    let ticket = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
    let known = request(settings, &ticket, action(&ticket, number)).expect("a hook");
    let step = RouteStep::Rehearsed { request: known.shown(), sha256: known.sha256() };
    does(daemon, &ticket, "tom", number, step).await.expect("rehearsed")
}

fn order(ticket: &Ticket, number: u32) -> RouteStep {
    let rehearsal = action(ticket, number).rehearsal.as_ref().expect("rehearsed");
    RouteStep::Ordered { sha256: rehearsal.sha256.clone() }
}

/// Approved, rehearsed and ordered.
async fn ordered(daemon: &Daemon, ticket: &Ticket, number: u32, settings: &Settings) -> Ticket {
    does(daemon, ticket, "mei", number, RouteStep::Approved).await.expect("approved");
    let ticket = rehearsed(daemon, ticket, number, settings).await;
    does(daemon, &ticket, "tom", number, order(&ticket, number)).await.expect("ordered")
}

fn action(ticket: &Ticket, number: u32) -> &RouteAction {
    ticket.process.routes.iter().find(|action| action.number == number).expect("an action")
}

/// Waits until an action is in a state.
async fn reaches(daemon: &Daemon, ticket: &Ticket, number: u32, state: RouteState) -> Ticket {
    for _ in 0..1_500 {
        let ticket = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
        if action(&ticket, number).state == state {
            return ticket;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ticket = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
    panic!("never {}: {:?}", state.name(), action(&ticket, number));
}

async fn r63_a_line_is_stopped_by_a_signed_call_that_a_second_person_approved_and_is_restored(
    database: Database,
) {
    let http = Http::start(FINE).await;
    let settings = hook(&http.url, "");
    let daemon = Daemon::start(&database).await;
    people(&daemon).await;
    let ticket = open(&daemon, fault("line/trunk-1")).await;
    let sending = Sending::start(&daemon, &settings);
    does(&daemon, &ticket, "tom", 1, stop(Some("edge"))).await.expect("asked");
    let ticket = ordered(&daemon, &ticket, 1, &settings).await;
    let shown = action(&ticket, 1).rehearsal.clone().unwrap().request;
    let done = reaches(&daemon, &ticket, 1, RouteState::Done).await;
    let got = http.wait_for(1).await.remove(0);
    let (id, at) = (got.header("webhook-id"), got.header("webhook-timestamp"));
    assert_eq!(id, action(&done, 1).key(&done.id));
    let signed = [format!("{id}.{at}.").as_bytes(), &got.body].concat();
    let signature = format!("v1,{}", STANDARD.encode(hmac(b"a secret of ours", &signed)));
    assert_eq!(got.header("webhook-signature"), signature, "by other code than signs");
    let body = String::from_utf8(got.body.clone()).unwrap();
    assert!(shown.ends_with(&body), "what was shown is what was sent\n{shown}\n{body}");
    assert!(shown.contains("webhook-signature: v1,***") && shown.contains(&http.url), "{shown}");
    let said = got.json();
    assert_eq!((&said["type"], &said["data"]["address"]), (&"route.stop".into(), &"127.0.0.9:5062".into()));
    assert_eq!(said["data"]["approved_by"], "mei");
    assert_eq!(action(&done, 1).answer.as_deref(), Some("200 ok"));
    assert_eq!(daemon.store.routes_in("done", 10).await.unwrap().len(), 1, "a line is stopped now");

    let without = does(&daemon, &ticket, "tom", 2, restore(None)).await;
    assert_eq!(unmet(without), ["guard.route_no_proof"]);
    does(&daemon, &ticket, "tom", 2, restore(Some("20 test calls, MOS 4.3"))).await.expect("asked");
    let ticket = ordered(&daemon, &ticket, 2, &settings).await;
    let restored = reaches(&daemon, &ticket, 2, RouteState::Done).await;
    assert_eq!(action(&restored, 1).state, RouteState::Restored);
    assert!(action(&restored, 1).restored_at.is_some());
    assert_eq!(http.wait_for(2).await[1].json()["data"]["restores"], 1);
    assert!(daemon.store.routes_in("done", 10).await.unwrap().is_empty(), "nothing is stopped any more");
    let events = daemon.store.ticket_events(&ticket.id, 0, 50).await.unwrap();
    let names: Vec<&str> = events.iter().map(|event| event.event.name()).skip(1).take(6).collect();
    let steps = [
        "route_asked",
        "route_approved",
        "route_rehearsed",
        "route_ordered",
        "route_tried",
        "route_answered",
    ];
    assert_eq!(names, steps, "each step is in the trail");
    sending.kill().await;
    daemon.stop().await.unwrap();
}

async fn r63_a_death_while_it_is_sent_neither_loses_it_nor_does_it_twice(database: Database) {
    let http = Http::start(FINE).await;
    let daemon = Daemon::start(&database).await;
    people(&daemon).await;
    let ticket = open(&daemon, fault("line/trunk-1")).await;
    does(&daemon, &ticket, "tom", 1, stop(Some("edge"))).await.expect("asked");
    let settings = hook(&http.url, "");
    ordered(&daemon, &ticket, 1, &settings).await;
    // Died before anything was sent: the order stands in the database.
    http.answer([Reply::Hang]);
    let sending = Sending::start(&daemon, &settings);
    http.wait_for(1).await;
    sending.kill().await;
    let known = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
    assert!(action(&known, 1).under_way.is_some(), "that it is sent was written before it was");
    // Its receiver knows a message that it has by its key: it is sent again, under the same.
    let sending = Sending::start(&daemon, &settings);
    let done = reaches(&daemon, &ticket, 1, RouteState::Done).await;
    let keys: Vec<String> = http.got().iter().map(|got| got.header("webhook-id").to_owned()).collect();
    assert_eq!(keys, [keys[0].clone(), keys[0].clone()], "one key");
    assert_eq!(http.got()[0].body, http.got()[1].body);
    assert_eq!(action(&done, 1).attempts, 2);
    sending.kill().await;

    // Where twice is not the same as once, nothing more is sent, and somebody looks.
    let settings = hook(&http.url, "idempotent = false");
    does(&daemon, &ticket, "tom", 2, restore(Some("20 test calls"))).await.expect("asked");
    ordered(&daemon, &ticket, 2, &settings).await;
    http.answer([Reply::Hang]);
    let sending = Sending::start(&daemon, &settings);
    http.wait_for(3).await;
    sending.kill().await;
    let sending = Sending::start(&daemon, &settings);
    let unclear = reaches(&daemon, &ticket, 2, RouteState::Unclear).await;
    assert_eq!(http.got().len(), 3, "not sent again");
    assert_eq!(action(&unclear, 2).attempts, 1);
    let by_hand = RouteStep::DoneByHand { how: "the switch lists it as active".to_owned() };
    let done = does(&daemon, &ticket, "tom", 2, by_hand).await.expect("seen");
    assert_eq!(action(&done, 1).state, RouteState::Restored);
    sending.kill().await;
    daemon.stop().await.unwrap();
}

async fn r63_nobody_skips_a_step_and_nothing_is_sent_that_was_not_rehearsed(database: Database) {
    let http = Http::start(FINE).await;
    let settings = hook(&http.url, "");
    let daemon = Daemon::start(&database).await;
    people(&daemon).await;
    let ticket = open(&daemon, fault("line/trunk-1")).await;
    let early = does(&daemon, &ticket, "mei", 1, RouteStep::Approved).await;
    assert_eq!(unmet(early), ["guard.no_such_route"]);
    does(&daemon, &ticket, "mei", 1, stop(Some("edge"))).await.expect("asked");
    let own = does(&daemon, &ticket, "mei", 1, RouteStep::Approved).await;
    assert_eq!(unmet(own), ["guard.route_second_person"]);
    let below = does(&daemon, &ticket, "nora", 1, RouteStep::Approved).await;
    assert_eq!(unmet(below), ["guard.route_manager"]);
    let twice = does(&daemon, &ticket, "tom", 2, stop(None)).await;
    assert_eq!(unmet(twice), ["guard.route_asked_already"]);
    let unasked = RouteStep::Rehearsed { request: String::new(), sha256: String::new() };
    assert_eq!(unmet(does(&daemon, &ticket, "tom", 1, unasked).await), ["guard.route_not_approved"]);
    let forged = RouteStep::Tried { attempt: 1 };
    assert!(
        unmet(does(&daemon, &ticket, "max", 1, forged).await).contains(&"guard.linesman_only".to_owned())
    );
    does(&daemon, &ticket, "max", 1, RouteStep::Approved).await.expect("approved");
    let unseen = RouteStep::Ordered { sha256: "0".repeat(64) };
    let unseen = unmet(does(&daemon, &ticket, "tom", 1, unseen).await);
    assert_eq!(unseen, ["guard.route_not_rehearsed", "guard.route_not_as_rehearsed"]);
    let ticket = rehearsed(&daemon, &ticket, 1, &settings).await;
    does(&daemon, &ticket, "tom", 1, order(&ticket, 1)).await.expect("ordered");
    let waiting = Event::Cancelled { reason: "a duplicate".to_owned() };
    let waiting = daemon.writer.apply(&ticket.id, None, waiting, Actor("nora".to_owned())).await;
    assert_eq!(unmet(waiting), ["guard.route_waits"]);
    // The settings name another place by now: what would be sent there nobody has seen.
    let elsewhere = Http::start(FINE).await;
    let sending = Sending::start(&daemon, &hook(&elsewhere.url, ""));
    let failed = reaches(&daemon, &ticket, 1, RouteState::Failed).await;
    assert!(http.got().is_empty() && elsewhere.got().is_empty(), "nothing was sent");
    assert!(action(&failed, 1).answer.as_deref().unwrap().contains("dry run"), "{failed:?}");
    let refused = RouteStep::Refused { reason: "no longer needed".to_owned() };
    does(&daemon, &ticket, "max", 1, refused).await.expect("withdrawn");
    sending.kill().await;
    daemon.stop().await.unwrap();
}

async fn r63_what_is_not_taken_now_is_tried_again_and_given_up_in_the_end(database: Database) {
    let http = Http::start(FINE).await;
    let settings = hook(&http.url, "give_up = \"1m\"");
    let daemon = Daemon::start(&database).await;
    people(&daemon).await;
    let ticket = open(&daemon, fault("line/trunk-1")).await;
    does(&daemon, &ticket, "tom", 1, stop(Some("edge"))).await.expect("asked");
    ordered(&daemon, &ticket, 1, &settings).await;
    http.answer([Reply::Http(503, &[("retry-after", "20")], "busy"), Reply::Http(404, &[], "no such line")]);
    let sending = Sending::start(&daemon, &settings);
    let is_later = async || {
        let ticket = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
        action(&ticket, 1).next_at.is_some()
    };
    while !is_later().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.clock.advance(TimeDelta::seconds(21));
    let failed = reaches(&daemon, &ticket, 1, RouteState::Failed).await;
    assert_eq!(action(&failed, 1).answer.as_deref(), Some("404 no such line"));
    // Another dry run, and nobody takes it within the time.
    let ticket = rehearsed(&daemon, &ticket, 1, &settings).await;
    does(&daemon, &ticket, "tom", 1, order(&ticket, 1)).await.expect("ordered");
    http.answer([Reply::Http(503, &[("retry-after", "90")], "busy")]);
    let failed = reaches(&daemon, &ticket, 1, RouteState::Failed).await;
    assert_eq!(action(&failed, 1).answer.as_deref(), Some("503 busy"));
    assert_eq!(http.got().len(), 3);
    sending.kill().await;
    daemon.stop().await.unwrap();
}

/// A Kamailio of our own, with JSON-RPC over HTTP and one landing line in its dispatcher.
struct Kamailio {
    process: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Kamailio {
    /// At an address of its own: two that got one port after the other would be taken for each other.
    async fn start(host: &str) -> Option<Self> {
        if !require("kamailio") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = std::net::TcpListener::bind((host, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        std::fs::write(folder.path().join("dispatcher.list"), "1 sip:127.0.0.9:5062\n").unwrap();
        let file = folder.path().join("kamailio.cfg");
        std::fs::write(&file, configuration(folder.path(), host, port)).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let program =
            if Path::new("/usr/sbin/kamailio").exists() { "/usr/sbin/kamailio" } else { "kamailio" };
        let process = Command::new(program)
            .args(["-DD", "-E", "-m", "16", "-M", "4", "-f"])
            .arg(&file)
            .args([Path::new("-w"), folder.path(), Path::new("-Y"), folder.path(), Path::new("-P")])
            .arg(folder.path().join("pid"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Signals among its processes stay there.
            .process_group(0)
            .spawn()
            .unwrap();
        let url = format!("http://{host}:{port}/RPC");
        let kamailio = Self { process, url, folder };
        for _ in 0..500 {
            if tokio::net::TcpStream::connect((host, port)).await.is_ok() {
                return Some(kamailio);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Kamailio does not listen");
    }

    /// The flags of the landing line, as Kamailio itself lists them.
    async fn flags(&self) -> String {
        // Another test of this program may have installed it; one is as good as the other.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let call =
            serde_json::json!({ "jsonrpc": "2.0", "method": "dispatcher.list", "params": [], "id": 1 });
        let answer = client.post(&self.url).json(&call).send().await.unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        let line = &answer["result"]["RECORDS"][0]["SET"]["TARGETS"][0]["DEST"];
        line["FLAGS"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("--- Kamailio said:\n{log}");
        }
        // Its children end with it on SIGTERM; killed they would stay.
        let id = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

fn configuration(folder: &Path, host: &str, port: u16) -> String {
    format!(
        "#!KAMAILIO\ndebug=1\nlog_stderror=yes\nchildren=1\nauto_aliases=no\ntcp_accept_no_cl=yes\n\
         listen=tcp:{host}:{port}\n\
         loadmodule \"sl.so\"\nloadmodule \"xhttp.so\"\nloadmodule \"jsonrpcs.so\"\nloadmodule \"dispatcher.so\"\n\
         modparam(\"jsonrpcs\", \"transport\", 1)\n\
         modparam(\"dispatcher\", \"list_file\", \"{}/dispatcher.list\")\n\
         request_route {{ exit; }}\n\
         event_route[xhttp:request] {{\n if ($hu =~ \"^/RPC\") {{ jsonrpc_dispatch(); exit; }}\n \
         xhttp_reply(\"404\", \"Not Found\", \"text/plain\", \"\");\n}}\n",
        folder.display()
    )
}

async fn r63_a_real_kamailio_takes_the_line_out_of_its_dispatcher_and_back(database: Database) {
    let host = if database.is_sqlite { "127.0.0.41" } else { "127.0.0.42" };
    let Some(kamailio) = Kamailio::start(host).await else { return };
    let text = format!(
        "{NETWORK}[[route_hook]]\nname = \"edge\"\nkind = \"kamailio\"\nurl = \"{}\"\n\
         stop = [\"dispatcher.set_state\", \"d\", \"1\", \"sip:{{address}}\"]\n\
         restore = [\"dispatcher.set_state\", \"a\", \"1\", \"sip:{{address}}\"]\n",
        kamailio.url
    );
    let settings = settings(&text);
    let daemon = Daemon::start(&database).await;
    people(&daemon).await;
    let ticket = open(&daemon, fault("line/trunk-1")).await;
    let before = kamailio.flags().await;
    assert!(before.starts_with('A'), "{before}");
    does(&daemon, &ticket, "tom", 1, stop(Some("edge"))).await.expect("asked");
    let sending = Sending::start(&daemon, &settings);
    let ticket = ordered(&daemon, &ticket, 1, &settings).await;
    let done = reaches(&daemon, &ticket, 1, RouteState::Done).await;
    assert!(action(&done, 1).answer.as_deref().unwrap().contains("Dispatcher state updated"), "{done:?}");
    let stopped = kamailio.flags().await;
    assert!(stopped.starts_with('D'), "disabled: {stopped}");
    does(&daemon, &ticket, "tom", 2, restore(Some("20 test calls"))).await.expect("asked");
    let ticket = ordered(&daemon, &ticket, 2, &settings).await;
    reaches(&daemon, &ticket, 2, RouteState::Done).await;
    let after = kamailio.flags().await;
    assert!(after.starts_with('A'), "{after}");
    // Of a line that Kamailio does not have, its refusal stands on the ticket.
    let other = RouteStep::Asked {
        what: RouteWhat::Stop,
        line: "trunk-2".to_owned(),
        to: None,
        reason: "noise".to_owned(),
        calls: None,
        customers: None,
        hook: Some("edge".to_owned()),
        restores: None,
        proof: None,
    };
    does(&daemon, &ticket, "tom", 3, other).await.expect("asked");
    let ticket = ordered(&daemon, &ticket, 3, &settings).await;
    let failed = reaches(&daemon, &ticket, 3, RouteState::Failed).await;
    assert!(action(&failed, 3).answer.as_deref().unwrap().contains("State Update Failed"), "{failed:?}");
    sending.kill().await;
    daemon.stop().await.unwrap();
}
