//! From bad calls on one landing trunk to exactly one ticket of class D, resolved when calls are heard to be good; calls
//! handed over as HEP, as servers do, so no privilege is needed.

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::{Clock as _, SystemClock};
use linesman::sim::Carrier;
use reqwest::Method;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::api::Api;
use crate::support::daemon::{Daemon, free_port, settings_in};
use crate::support::eventually;
use crate::support::requirement::require;
use crate::voice_calls::{Call, SECONDS, empty_scene, hand_over, sip_of, talk};

const SEED: u64 = 11;
/// A debug build beside other tests.
const WITHIN: Duration = Duration::from_secs(120);
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_calls_of_one_trunk_open_one_ticket_of_class_d_and_a_single_bad_call_opens_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, hep_port) = (format!("127.0.0.1:{}", free_port()), free_port());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(SEED, &tasks, &stop).await.expect("loopback takes sockets");
    let network = format!(
        "{}\n[voice]\nhep = [\"127.0.0.1:{hep_port}\"]\nlook_back = \"1m\"\nevidence = \"headers\"\n\
         evidence_kib = 64\n",
        carrier.settings_toml()
    );
    let (daemon, api) = Daemon::start(folder.path(), &address, &network, &[], None).await;
    eventually("all targets measured", WITHIN, async || {
        api.targets().await.iter().all(|target| target["last"].is_object()).then_some(())
    })
    .await;

    let settings = settings_in(folder.path(), &address, &network);
    let trunks = ["trunk-1", "trunk-2", "trunk-3"].map(|name| sip_of(&settings, name));
    let gateway = |number: u16| sip_of(&settings, &format!("gateway-{number}"));
    let mut scene = empty_scene();
    for number in 1..=20 {
        let (trunk, lose_every) = match number {
            // Six of seven calls of the first trunk, each with losses of its own.
            1..=6 => (0, 9 + number),
            // A single bad call on the second.
            7 => (1, 8),
            8 => (0, 0),
            number => (1 + usize::from(number % 2), 0),
        };
        let call = Call { number, gateway: gateway(number), trunk: trunks[trunk], name: "first", lose_every };
        talk(&mut scene, &call);
    }
    tokio::task::spawn_blocking(move || hand_over(scene, hep_port)).await.expect("handed over");

    let opened: Value = eventually("a ticket about trunk-1", WITHIN, async || {
        api.tickets().await.into_iter().find(|ticket| ticket["segment"] == "trunk-1")
    })
    .await;
    assert_eq!((&opened["class"], &opened["cause"]), (&"D".into(), &"landing-trunk".into()), "{opened}");
    let number = opened["number"].as_str().expect("a number");
    let calls: Value = eventually("the calls to be kept", WITHIN, async || {
        let kept = api.get("/api/v1/calls?bad=true&trunk=trunk-1").await;
        (kept["calls"].as_array().is_some_and(|calls| calls.len() >= 6)).then_some(kept)
    })
    .await;
    assert_eq!(api.tickets().await.len(), 1, "one root cause, one ticket; one bad call, none");

    let voice: Value = eventually("all bad calls on the ticket", WITHIN, async || {
        let evidence = api.get(&format!("/api/v1/tickets/{number}/evidence")).await;
        let all = evidence["evidence"]
            .as_array()?
            .iter()
            .map(|one| one["fault"]["voice"].clone())
            .collect::<Vec<_>>();
        all.into_iter().find(|voice| voice["bad_calls"] == 6)
    })
    .await;
    assert_eq!(voice["worst"].as_array().map(Vec::len), Some(3), "{voice:#}");
    assert_eq!(voice["customers"].as_array().map(Vec::len), Some(6), "{voice:#}");
    assert!(voice["elsewhere_bad"].as_u64().is_some_and(|bad| bad <= 1), "{voice:#}");
    let worst = voice["worst"][0]["call"].as_str().expect("an id");
    let call = api.get(&format!("/api/v1/calls/{worst}")).await;
    assert_eq!((&call["trunk"], &call["gateway"]), (&"trunk-1".into(), &"gateway-1".into()), "{call:#}");
    assert!(!call["streams"][0]["windows"].as_array().expect("windows").is_empty());
    assert_eq!(calls["calls"][0]["masked"], true);
    assert!(calls["calls"][0]["from"].as_str().is_some_and(|from| from.contains("****")), "{calls:#}");
    let explained = api.get(&format!("/api/v1/tickets/{number}/explain")).await;
    let said = explained.to_string();
    assert!(said.contains("6 of ") && said.contains("trunk-1"), "{explained:#}");
    for secret in ["13800000001", "8613912345678"] {
        assert!(
            !said.contains(secret) && !voice.to_string().contains(secret),
            "a number stands on the ticket"
        );
    }

    assert_files_of_the_worst_calls(&api, number, folder.path()).await;

    let rounds = eventually("the trunk's voice as observations", WITHIN, async || {
        let rounds = api.get("/api/v1/targets/trunk-1%2Frtp-in/observations").await;
        rounds["observations"].as_array().is_some_and(|rounds| !rounds.is_empty()).then_some(rounds)
    })
    .await;
    assert_eq!(rounds["observations"][0]["outcome"], "answered", "{rounds:#}");

    // Calls of half a minute later are heard to be good: they prove the end.
    let last_bad: DateTime<Utc> = serde_json::from_value(voice["last_seen"].clone()).expect("a time");
    let (until, clock) = (last_bad + TimeDelta::seconds(SECONDS + 12), SystemClock);
    eventually("half a minute to have passed", WITHIN, async || (clock.now_utc() > until).then_some(()))
        .await;
    let is_over = |ticket: &Value| {
        ticket["number"] == number
            && ["resolved", "settled", "closed"].iter().any(|state| ticket["state"] == *state)
    };
    // And calls go on, as they do: on a busy machine the first may be too old before they are looked at.
    let (mut later, mut next) = (30_u16, Instant::now());
    eventually("the ticket resolved by what is heard", WITHIN, async || {
        if api.tickets().await.iter().any(is_over) {
            return Some(());
        }
        if Instant::now() >= next {
            let mut scene = empty_scene();
            for number in 1..=8 {
                let gateway = gateway(number);
                let call =
                    Call { number: later + number, gateway, trunk: trunks[0], name: "later", lose_every: 0 };
                talk(&mut scene, &call);
            }
            tokio::task::spawn_blocking(move || hand_over(scene, hep_port)).await.expect("handed over");
            (later, next) = (later + 8, Instant::now() + Duration::from_secs(20));
        }
        None
    })
    .await;
    assert!(daemon.stop().await.success(), "SIGTERM ends it well");
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

/// Three short files, of headers alone, that tshark reads as what was sent.
async fn assert_files_of_the_worst_calls(api: &Api, number: &str, folder: &Path) {
    let path = format!("/api/v1/tickets/{number}/attachments");
    let files: Vec<Value> = eventually("files of the worst calls", WITHIN, async || {
        let list = api.get(&path).await;
        list["attachments"].as_array().filter(|files| files.len() == 3).cloned()
    })
    .await;
    for file in &files {
        let (id, size) = (file["id"].as_str().expect("an id"), file["size"].as_u64().expect("a size"));
        let answer = api.send(Method::GET, &format!("{path}/{id}"), None, None).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let content = answer.bytes().await.expect("a body");
        assert!(content.len() as u64 == size && size <= 64 * 1024, "{file:#}");
        for secret in ["13800000", "8613912345678", "INVITE"] {
            let found = content.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            assert!(!found, "{secret} stands in a file");
        }
        assert_eq!(file["has_payload"], false);
        if !require("tshark") {
            continue;
        }
        let capture = folder.join("evidence.pcap");
        std::fs::write(&capture, &content).expect("written");
        let read = std::process::Command::new("tshark")
            .args(["-n", "--enable-heuristic", "rtp_udp", "-q", "-z", "rtp,streams", "-r"])
            .arg(&capture)
            .output()
            .expect("tshark runs");
        let said = String::from_utf8_lossy(&read.stdout);
        assert!(read.status.success(), "tshark: {}", String::from_utf8_lossy(&read.stderr));
        let packets: u64 = said
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|row| row.get(6).is_some_and(|ssrc| ssrc.starts_with("0x")))
            .map(|row| row[8].parse::<u64>().expect("a count"))
            .sum();
        assert_eq!(Some(packets), file["packets"].as_u64(), "{said}");
    }
}
