//! Voice as Prometheus and the dashboard see it: every panel shows something, and more calls make no more series.

use std::collections::BTreeSet;

use linesman::sim::Carrier;
use reqwest::Method;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dashboards::{dashboards, queries};
use crate::programs::promtool;
use crate::scrape::{Prometheus, WITHIN, linesman, scrape_config};
use crate::support::api::Api;
use crate::support::daemon::{Daemon, free_port, settings_in};
use crate::support::eventually;
use crate::support::requirement::require;
use crate::voice_calls::{Call, empty_scene, hand_over, sip_of, talk};

const SEED: u64 = 13;
/// Panels about what we missed ourselves: on a good day there is nothing to show.
const SILENT: &str = "What we missed ourselves";

async fn metrics(api: &Api) -> String {
    let answer = api.send(Method::GET, "/metrics", None, None).await.expect("an answer");
    answer.text().await.expect("text")
}

/// The voice series of an exposition, without their values.
fn series(metrics: &str) -> BTreeSet<&str> {
    let lines = metrics.lines().filter(|line| line.starts_with("linesman_voice_"));
    lines.filter_map(|line| line.rsplit_once(' ').map(|(series, _)| series)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_of_voice_shows_something_and_more_calls_make_no_more_series() {
    if !require("prometheus") || !require("promtool") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (address, hep_port) = (format!("127.0.0.1:{}", free_port()), free_port());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(SEED, &tasks, &stop).await.expect("loopback takes sockets");
    let network = format!("{}\n[voice]\nhep = [\"127.0.0.1:{hep_port}\"]\n", carrier.settings_toml());
    let (daemon, api) = Daemon::start(folder.path(), &address, &network, &[], None).await;
    let token_file = folder.path().join("linesman.token");
    let token = linesman(folder.path(), &["token", "create", "prometheus", "--role", "viewer"]);
    std::fs::write(&token_file, &token).expect("a file");
    // The shipped rules look back five minutes and more; series are there from the second scrape on.
    let mut prometheus = Prometheus::start(folder.path(), &scrape_config(&address, &token_file)).await;
    prometheus.learns("up{job=\"linesman\"} == 1").await;

    let settings = settings_in(folder.path(), &address, &network);
    let (gateway, trunk) = (sip_of(&settings, "gateway-1"), sip_of(&settings, "trunk-1"));
    let mut given = 0_u16;
    let mut give = async |calls: u16| {
        let mut scene = empty_scene();
        for number in given + 1..=given + calls {
            talk(&mut scene, &Call { number, gateway, trunk, name: "panel", lose_every: 10 });
        }
        given += calls;
        tokio::task::spawn_blocking(move || hand_over(scene, hep_port)).await.expect("handed over");
    };
    let calls_ended = async |count: u64| {
        eventually("the calls to be counted", WITHIN, async || {
            let text = metrics(&api).await;
            let line = "linesman_voice_calls_total{state=\"ended\",trunk=\"trunk-1\"} ";
            let ended = text.lines().find_map(|found| found.strip_prefix(line)?.parse::<u64>().ok());
            (ended == Some(count)).then_some(text)
        })
        .await
    };
    give(3).await;
    let first = calls_ended(3).await;
    // Rates need growth between two scrapes.
    prometheus.learns("linesman_voice_calls_total{trunk=\"trunk-1\"} == 3").await;
    give(9).await;
    let second = calls_ended(12).await;
    let (before, after) = (series(&first), series(&second));
    assert!(before.len() > 50, "{before:#?}");
    assert_eq!(before, after, "three times as many calls and numbers make no new series");
    promtool(&["check", "metrics"], &second);
    for secret in ["1380000", "8613912345678", "panel-"] {
        // A value may hold any digits: names are in what stands before it.
        let mut names = second.lines().filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name);
        assert_eq!(names.find(|name| name.contains(secret)), None, "{secret} stands in a series");
    }

    let selector = "linesman_voice_window_loss_ratio_bucket{direction=\"from_trunk\"}";
    let exemplars =
        eventually("exemplars of loss", WITHIN, async || prometheus.exemplars(selector).await).await;
    let call = exemplars[0]["labels"]["call"].as_str().expect("a call");
    let kept = api.get(&format!("/api/v1/calls/{call}")).await;
    assert_eq!(kept["trunk"], "trunk-1", "the exemplar leads to a call of the trunk: {exemplars:?} {kept}");

    for (name, dashboard) in dashboards().into_iter().filter(|(name, _)| name == "voice") {
        for (title, expression) in queries(&dashboard) {
            if title != SILENT {
                let found = prometheus.learns(&expression).await;
                assert!(found.len() < 200, "{name}, {title}: {} lines", found.len());
            }
        }
    }
    let lost = prometheus
        .learns("trunk_direction_codec:linesman_voice_packets_lost:ratio5m{direction=\"from_trunk\"} > 0.05")
        .await;
    assert_eq!(lost[0]["metric"]["trunk"], "trunk-1", "{lost:?}");
    assert!(daemon.stop().await.success());
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
