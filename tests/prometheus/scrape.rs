//! The settings of the README's scrape job, given to a real Prometheus.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use linesman::sim::Carrier;
use reqwest::{Client, Method};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::programs::{promtool, rules_folder};
use crate::support::daemon::{Daemon, free_port};
use crate::support::eventually;
use crate::support::process::{Process, program};
use crate::support::requirement::require;

const SEED: u64 = 7;
/// A debug build beside other tests; on an idle machine each step takes seconds.
pub const WITHIN: Duration = Duration::from_secs(90);
const README_ADDRESS: &str = "127.0.0.1:9470";
const README_TOKEN_FILE: &str = "/etc/prometheus/linesman.token";

/// The scrape job that the README shows, with our address and token file in the place of its own.
pub fn scrape_config(address: &str, token_file: &Path) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let job = blocks.into_iter().find(|block| block.starts_with("scrape_configs:")).expect("a scrape job");
    assert!(job.contains(README_ADDRESS) && job.contains(README_TOKEN_FILE), "{job}");
    let job = job.replace(README_ADDRESS, address);
    let job = job.replace(README_TOKEN_FILE, token_file.to_str().expect("UTF-8"));
    let rules = rules_folder().join("rules.yml");
    format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [\"{}\"]\n{job}",
        rules.display()
    )
}

/// Runs `linesman` with the settings of a folder; its standard output.
pub fn linesman(folder: &Path, words: &[&str]) -> String {
    let file = folder.join("linesman.toml");
    let output =
        Command::new(program()).args(words).arg("--config").arg(file).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "linesman {words:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A running Prometheus.
pub struct Prometheus {
    process: Process,
    base: String,
    client: Client,
}

impl Prometheus {
    pub async fn start(folder: &Path, config: &str) -> Self {
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).expect("a file");
        let address = format!("127.0.0.1:{}", free_port());
        let mut words: Vec<OsString> = vec!["prometheus".into()];
        words.push(format!("--config.file={}", file.display()).into());
        words.push(format!("--storage.tsdb.path={}", folder.join("tsdb").display()).into());
        words.push(format!("--web.listen-address={address}").into());
        words.push("--enable-feature=exemplar-storage".into());
        let process = Process::spawn(&words, folder);
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { process, base: format!("http://{address}"), client }
    }

    async fn ask(&mut self, path: &str, parameters: &[(&str, &str)]) -> Option<Value> {
        assert!(self.process.ended().is_none(), "Prometheus ended");
        let url = reqwest::Url::parse_with_params(&format!("{}{path}", self.base), parameters);
        let answer = self.client.get(url.expect("a URL")).send().await.ok()?;
        answer.json().await.ok()
    }

    /// What an instant query gives; `None` while it gives nothing.
    pub async fn query(&mut self, expression: &str) -> Option<Vec<Value>> {
        let answer = self.ask("/api/v1/query", &[("query", expression)]).await?;
        let result = answer["data"]["result"].as_array()?.clone();
        (!result.is_empty()).then_some(result)
    }

    /// The exemplars of the series of a selector; `None` while there are none.
    pub async fn exemplars(&mut self, selector: &str) -> Option<Vec<Value>> {
        // Calls of a test may have ended at any time: from the first second to the year 2200.
        let span = [("query", selector), ("start", "1"), ("end", "7258118400")];
        let answer = self.ask("/api/v1/query_exemplars", &span).await?;
        let series = answer["data"].as_array()?;
        let all: Vec<Value> =
            series.iter().filter_map(|series| series["exemplars"].as_array()).flatten().cloned().collect();
        (!all.is_empty()).then_some(all)
    }

    pub async fn learns(&mut self, expression: &str) -> Vec<Value> {
        eventually(&format!("Prometheus to know {expression}"), WITHIN, async || self.query(expression).await)
            .await
    }
}

/// The labels of a series are these and no others but Prometheus's own.
fn assert_labels(series: &Value, labels: &[&str]) {
    let metric = series["metric"].as_object().expect("labels");
    let own = ["__name__", "job", "instance"];
    // A label without a value does not exist to Prometheus.
    for name in metric.keys().filter(|name| !own.contains(&name.as_str())) {
        assert!(labels.contains(&name.as_str()), "the label {name} is not documented: {series}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_sees_a_ticket_with_the_scrape_job_of_the_readme() {
    if !require("prometheus") || !require("promtool") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("127.0.0.1:{}", free_port());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(SEED, &tasks, &stop).await.expect("loopback takes sockets");
    let (daemon, api) = Daemon::start(folder.path(), &address, &carrier.settings_toml(), &[], None).await;
    // As people do it: the command's output is the token file, with its line end.
    let token_file = folder.path().join("linesman.token");
    let token = linesman(folder.path(), &["token", "create", "prometheus", "--role", "viewer"]);
    std::fs::write(&token_file, &token).expect("a file");
    let config = scrape_config(&address, &token_file);
    let mut prometheus = Prometheus::start(folder.path(), &config).await;

    let good = prometheus.learns("linesman_probe_success{target=\"server-1/sip\"} == 1").await;
    assert_labels(&good[0], &["target", "probe", "site"]);
    assert_eq!(good[0]["metric"]["probe"], "sip", "{good:?}");
    assert_eq!(good[0]["metric"]["site"], "site-1", "{good:?}");
    assert_labels(&prometheus.learns("linesman_build_info == 1").await[0], &["version", "revision"]);
    prometheus.learns("up{job=\"linesman\"} == 1").await;

    carrier.cut("link-1").expect("the carrier has this link");
    let open = prometheus.learns("linesman_tickets_open{severity=\"critical\", cause=\"fibre\"} == 1").await;
    assert_labels(&open[0], &["severity", "cause"]);
    let info = prometheus.learns("linesman_ticket_info{segment=\"link-1\"} == 1").await;
    assert_labels(&info[0], &["ticket", "severity", "state", "site", "owner", "cause", "segment"]);
    let number = info[0]["metric"]["ticket"].as_str().expect("a number");
    assert!(number.starts_with("LM-"), "{info:?}");
    prometheus.learns("linesman_probe_success{target=\"trunk-1/sip\"} == 0").await;
    prometheus.learns("site_probe:linesman_probe_success:avg").await;
    prometheus.learns("ALERTS{alertname=\"LinesmanTicketOpenCritical\", segment=\"link-1\"}").await;

    let metrics = api.send(Method::GET, "/metrics", None, None).await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    promtool(&["check", "metrics"], &metrics);
    let series = metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    let budget: Value =
        serde_json::from_str(&linesman(folder.path(), &["config", "check", "--json"])).expect("JSON");
    let budget = budget["prometheus_series"].as_u64().expect("a number") as usize;
    // Some hundreds of the budget are for tickets.
    assert!(series <= budget - 450, "{series} series on /metrics, {budget} promised");

    carrier.heal("link-1").expect("the carrier has this link");
    prometheus.learns("absent(linesman_ticket_info{segment=\"link-1\"})").await;
    eprintln!("{series} series on /metrics, {budget} promised by `config check`");
    assert!(daemon.stop().await.success());
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
