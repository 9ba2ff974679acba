//! Bills laid beside the calls that were heard: the real daemon, calls handed over as HEP, on both databases.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman_media::capture::write::{Leg, Scene, Talk, sdp};
use reqwest::Method;
use serde_json::Value;

use crate::support::api::Api;
use crate::support::daemon::{Daemon, free_port};
use crate::support::eventually;
use crate::voice_calls::{SECONDS, empty_scene, hand_over};

const WITHIN: Duration = Duration::from_secs(180);
const RATES: &str = "prefix,destination,rate_per_min,initial_sec,increment_sec,connect_fee,currency\n\
    8613,China Mobile,0.60,6,6,0,USD\n";
const BOUNDARY: &str = "----linesman-heard";
const CALLS: u16 = 6;

fn settings(database: &str, address: &str, hep_port: u16) -> String {
    format!(
        "[http]\nlisten = \"{address}\"\n\n[database]\nurl = \"{database}\"\n\n\
         [probes]\ninterval = \"60s\"\n\n[voice]\nhep = [\"127.0.0.1:{hep_port}\"]\n\n\
         [[party]]\nname = \"trunk-1\"\nlimit_amount = \"100\"\nlimit_ratio = 1.0\n\n\
         [[device]]\nname = \"router-1\"\naddress = \"127.0.9.9\"\n\n\
         [[link]]\nname = \"link-1\"\ncarrier = \"Carrier A\"\nnear = \"router-1\"\nfar_address = \"127.0.9.3\"\n\n\
         [[trunk]]\nname = \"trunk-1\"\ncarrier = \"Carrier A\"\nlink = \"link-1\"\nsip = \"127.0.9.2:5060\"\n\n\
         [[access]]\nname = \"access-1\"\ndevice = \"router-1\"\naddress = \"127.0.9.4\"\n\n\
         [[gateway]]\nname = \"gateway-1\"\nowner = \"customer\"\naccess = \"access-1\"\nsip = \"127.0.9.1:5060\"\n\n\
         [[customer]]\nname = \"customer-1\"\ngateways = [\"gateway-1\"]\naccess = [\"access-1\"]\n"
    )
}

fn caller(number: u16) -> String {
    format!("1380000000{number}")
}

fn callee(number: u16) -> String {
    format!("861391234567{number}")
}

/// Of the fifth nobody is heard, of the sixth only who called; the others are as they should be.
fn scene() -> Scene {
    let mut scene = empty_scene();
    for number in 1..=CALLS {
        let at =
            |host: &str, port: u16| -> SocketAddr { format!("{host}:{port}").parse().expect("an address") };
        let (ours, theirs) = (at("127.0.9.1", 10_000 + 2 * number), at("127.0.9.2", 30_000 + 2 * number));
        let id = format!("heard-{number}");
        let leg =
            Leg::new(at("127.0.9.1", 5060), at("127.0.9.2", 5060), &id, &caller(number), &callee(number));
        let describe = |address| sdp(address, "audio", "RTP/AVP 8", "a=ptime:20");
        scene.answered_call(0, &leg, 200, &describe(ours), &describe(theirs));
        let whole = |source, destination, ssrc| Talk {
            packets: (SECONDS * 50) as u16,
            ..Talk::new(source, destination, 250, ssrc)
        };
        if number != 5 {
            scene.talk(whole(ours, theirs, 0x1000 + u32::from(number)));
        }
        if number < 5 {
            scene.talk(whole(theirs, ours, 0x2000 + u32::from(number)));
        }
        scene.bye(SECONDS * 1_000 + 200, &leg);
    }
    scene
}

/// A record of each call by a clock that is so many seconds ahead: 24 seconds at a cent.
fn bill(begun: DateTime<Utc>, ahead_s: i64, with_ids: bool) -> String {
    let mut text =
        "call_id,caller,callee,start_time,answer_time,end_time,duration,billed_seconds,rate,amount,\
                    currency\n"
            .to_owned();
    let at =
        |ms: i64| (begun + TimeDelta::milliseconds(ms + ahead_s * 1_000)).format("%Y-%m-%dT%H:%M:%S%.3fZ");
    for number in 1..=CALLS {
        let id = if with_ids { format!("heard-{number}") } else { String::new() };
        let (from, to) = (caller(number), callee(number));
        let _ = writeln!(
            text,
            "{id},{from},{to},{},{},{},{SECONDS},24,0.60,0.24,USD",
            at(0),
            at(200),
            at(200 + SECONDS * 1_000)
        );
    }
    text
}

async fn upload(api: &Api, address: &str, party: &str, ours: &str, theirs: &str) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut body = String::new();
    for (name, file, content) in [
        ("party", "", party),
        ("ours", "; filename=\"ours.csv\"", ours),
        ("theirs", "; filename=\"theirs.csv\"", theirs),
        ("rates", "; filename=\"rates.csv\"", RATES),
    ] {
        let _ = write!(
            body,
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        );
    }
    let _ = write!(body, "--{BOUNDARY}--\r\n");
    let request = client.post(format!("http://{address}/api/v1/reconciliations")).bearer_auth(api.token());
    let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    let answer = request.body(body).send().await.expect("an answer");
    let run: Value = answer.json().await.expect("JSON");
    run["id"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned()
}

async fn over(api: &Api, id: &str) -> Value {
    eventually("the run to be over", WITHIN, async || {
        let run = api.get(&format!("/api/v1/reconciliations/{id}")).await;
        ["done", "failed"].iter().any(|status| run["status"] == *status).then_some(run)
    })
    .await
}

async fn a_bill_beside_what_was_heard(folder: &Path, database: &str) {
    let (address, hep_port) = (format!("127.0.0.1:{}", free_port()), free_port());
    let settings = settings(database, &address, hep_port);
    let (daemon, api) = Daemon::start_as(folder, &address, &settings, &[], None).await;
    tokio::task::spawn_blocking(move || hand_over(scene(), hep_port)).await.expect("handed over");
    let kept = eventually("all calls to be kept", WITHIN, async || {
        let kept = api.get("/api/v1/calls?trunk=trunk-1").await;
        (kept["calls"].as_array()?.len() == usize::from(CALLS)).then_some(kept)
    })
    .await;
    let begun: DateTime<Utc> =
        serde_json::from_value(kept["calls"][0]["started_at"].clone()).expect("a moment");

    // Where the limits are not exceeded it is told, and no ticket is opened by it.
    let (ours, theirs) = (bill(begun, 0, true), bill(begun, 7, false));
    let run = over(&api, &upload(&api, &address, "trunk-1", &ours, &theirs).await).await;
    assert_eq!(run["answer"]["heard"].as_array().map(Vec::len), Some(2), "{run:#}");
    assert_eq!(run["answer"]["outcome"]["totals"]["difference"].as_str(), Some("0"), "{run:#}");
    assert_eq!(run["answer"]["heard"][1]["at_stake_heard"]["USD"], "0.48", "{run:#}");

    let run = over(&api, &upload(&api, &address, "Carrier A", &ours, &theirs).await).await;
    let heard = run["answer"]["heard"].as_array().expect("both files");
    for (told, side, ahead) in [(&heard[0], "ours", 0.0), (&heard[1], "theirs", 7.0)] {
        assert_eq!((told["side"].as_str(), &told["records"]["matched"]), (Some(side), &6.into()), "{told:#}");
        assert_eq!(
            told["kinds"],
            serde_json::json!({"billed_one_way": 1, "billed_without_media": 1}),
            "{told:#}"
        );
        assert_eq!(told["at_stake_heard"]["USD"], "0.48", "{told:#}");
        let clock = told["clock_offset"]["seconds"].as_f64().expect("seconds");
        assert!((clock - ahead).abs() < 0.5, "{told:#}");
        let first = &told["differences"][0];
        assert_eq!((&first["record"]["line"], &first["record"]["amount"]), (&6.into(), &"0.24".into()));
        assert_eq!(first["call"]["from_caller"], Value::Null);
    }
    let ticket: Value = eventually("a ticket of what was heard", WITHIN, async || {
        api.tickets().await.into_iter().find(|ticket| ticket["class"] == "A")
    })
    .await;
    assert_eq!((&ticket["cause"], &ticket["side"]), (&"billed_media".into(), &"both".into()), "{ticket:#}");
    assert_eq!(ticket["fault"]["billing"]["heard"], run["answer"]["heard"]);
    // The run before it was planned with before it.
    let of_bills = |ticket: &&Value| ticket["class"] == "A";
    assert_eq!(api.tickets().await.iter().filter(of_bills).count(), 1, "none below the limits");
    assert_eq!(ticket["segment"], "Carrier A");
    let number = ticket["number"].as_str().expect("a number");
    let explained = api.get(&format!("/api/v1/tickets/{number}/explain")).await.to_string();
    assert!(explained.contains("billed without media: 1"), "{explained}");
    for text in [ticket.to_string(), run.to_string(), explained] {
        assert!(!text.contains(&callee(5)) && !text.contains(&caller(5)), "a number in clear: {text}");
        assert!(!text.contains("heard-5"), "a Call-ID may hold a number: {text}");
    }
    assert!(ticket.to_string().contains("****5675"), "masked, yet told apart: {ticket:#}");

    // The table with the numbers is among the files of the report, which have a guard of their own.
    let id = run["id"].as_str().expect("an id");
    let file = format!("/api/v1/reconciliations/{id}/files/en/heard-theirs.csv");
    let table = api.send(Method::GET, &file, None, None).await.expect("an answer");
    assert_eq!(table.status().as_u16(), 200, "{run:#}");
    let table = table.text().await.expect("text");
    assert!(table.contains(&callee(5)) && table.contains("billed_without_media"), "{table}");
    let page = api.send(Method::GET, &format!("/reconciliations/{id}"), None, None).await.expect("an answer");
    assert!(page.status().as_u16() < 500, "{}", page.status());
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billed_calls_that_nobody_was_heard_in_open_a_ticket_beyond_the_limits_and_none_below_r58() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("linesman.db").display());
    a_bill_beside_what_was_heard(folder.path(), &database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_a_bill_is_laid_beside_what_was_heard_too_r58() {
    let Some(database) = crate::postgres_server::new_database().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    a_bill_beside_what_was_heard(folder.path(), &database).await;
}
