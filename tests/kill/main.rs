//! `kill -9` at any moment loses nothing that was acknowledged, and the next start goes on.
//!
//! The real daemon watches a simulated carrier whose gateways come and go, so that tickets open,
//! verify and reopen all the time, while clients write notes through the API. Fifty times it is
//! killed at a random moment. What a client was told is kept must be there in the end, and the
//! chain over all events must verify; and whoever is told of tickets was told of each, under one
//! key an event.

#[cfg(test)]
mod clients;
#[cfg(test)]
#[path = "../support/receivers.rs"]
#[allow(dead_code, reason = "only the receiver over HTTP is needed here")]
mod receivers;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use linesman::sim::Carrier;
    use linesman::sim::random::Random;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use crate::clients::{Clients, Told};
    use crate::receivers::{Http, Reply};
    use crate::support::daemon::{Daemon, free_port};
    use crate::support::eventually;
    use crate::support::process::program;

    const KILLS: u32 = 50;
    /// One seed, one sequence of moments; what the machine does with them differs every time.
    const SEED: u64 = 20_261_121;

    /// The carrier's settings, as fast as they may be: a ticket within a second of its fault.
    fn hasty(carrier: &Carrier) -> String {
        let mut settings: toml::Table = carrier.settings_toml().parse().expect("TOML");
        let mut set = |section: &str, key: &str, value: &str| {
            settings[section][key] = toml::Value::String(value.to_owned());
        };
        set("probes", "interval", "400ms");
        set("probes", "timeout", "300ms");
        set("diagnosis", "interval", "200ms");
        set("diagnosis", "hard_window", "2s");
        set("diagnosis", "verify_for", "1s");
        set("tickets", "settle", "0s");
        settings.to_string()
    }

    #[tokio::test]
    async fn the_hasty_settings_are_accepted() {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let carrier = Carrier::start(SEED, &tasks, &stop).await.expect("loopback takes sockets");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("linesman.toml");
        std::fs::write(&file, hasty(&carrier)).expect("a file");
        linesman::settings::load(&file, []).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    }

    /// `linesman db check` on a stopped daemon's database: exit code and report.
    fn check(folder: &Path) -> serde_json::Value {
        let output = Command::new(program())
            .args(["db", "check", "--json", "--config"])
            .arg(folder.join("linesman.toml"))
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        assert!(output.status.success(), "db check: {report} {said}");
        report
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_acknowledged_is_lost_over_fifty_kills() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = format!("127.0.0.1:{}", free_port());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let carrier = Carrier::start(SEED, &tasks, &stop).await.expect("loopback takes sockets");
        let receiver = Http::start(Reply::Http(200, &[], "ok")).await;
        let settings = format!(
            "{}\n[[notify]]\nname = \"noc\"\nkind = \"webhook\"\nurl = \"{}/hook\"\n",
            hasty(&carrier),
            receiver.url
        );
        let mut random = Random::new(SEED);
        let mut told = Told::default();
        let mut token: Option<String> = None;
        for kill in 0..KILLS {
            // Some gateways die, some come back: faults open, verify, reopen.
            for gateway in 1..=20 {
                let name = format!("gateway-{gateway}");
                let change = if random.chance(0.5) { carrier.cut(&name) } else { carrier.heal(&name) };
                change.expect("the carrier has this gateway");
            }
            let (daemon, api) =
                Daemon::start(folder.path(), &address, &settings, &[], token.as_deref()).await;
            token = Some(api.token().to_owned());
            if kill == 0 {
                carrier.cut("gateway-1").expect("the carrier has this gateway");
                told.wait_for_a_ticket(&api).await;
            }
            let clients = Clients::start(&api, kill, &told);
            let moment = Duration::from_millis(random.next() % 3_000);
            tokio::time::sleep(moment).await;
            daemon.kill();
            clients.join_into(&mut told).await;
            if kill % 10 == 9 {
                check(folder.path());
            }
        }

        let (daemon, api) = Daemon::start(folder.path(), &address, &settings, &[], token.as_deref()).await;
        told.assert_kept(&api).await;
        let numbers: BTreeSet<String> = api
            .tickets()
            .await
            .iter()
            .filter_map(|ticket| Some(ticket["number"].as_str()?.to_owned()))
            .collect();
        let (mut keys, mut opened) = (BTreeMap::new(), BTreeSet::new());
        eventually("everybody to be told of every ticket", Duration::from_secs(60), async || {
            for got in receiver.got() {
                let (said, key) = (got.json(), got.header("webhook-id").to_owned());
                let seq = said["data"]["seq"].as_i64();
                keys.entry(seq).or_insert_with(BTreeSet::new).insert(key);
                if said["type"] == "ticket.opened" {
                    opened.insert(said["data"]["ticket"].as_str().unwrap_or_default().to_owned());
                }
            }
            numbers.is_subset(&opened).then_some(())
        })
        .await;
        assert!(keys.values().all(|keys| keys.len() == 1), "an event has one key however often it is sent");
        eprintln!("{} messages for {} events, each under one key", receiver.got().len(), keys.len());
        assert!(daemon.stop().await.success(), "SIGTERM ends it well");
        let report = check(folder.path());
        assert_eq!(report["damage"], serde_json::json!([]), "{report}");
        assert!(report["broken_at"].is_null(), "{report}");
        let events = report["events"].as_i64().unwrap_or_default();
        assert!(events >= told.notes() as i64, "{events} events, {} notes", told.notes());
        eprintln!(
            "{KILLS} kills: {} notes acknowledged and kept, {} tickets, {events} events chained",
            told.notes(),
            told.tickets()
        );
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }
}
