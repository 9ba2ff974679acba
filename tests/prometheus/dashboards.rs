//! The dashboards that are shipped: what they ask for is there, and Prometheus understands it.

use std::collections::BTreeSet;
use std::path::Path;

use linesman::metrics::NAMES;
use serde_json::Value;

use crate::programs::{promtool, rules_folder};
use crate::support::requirement::require;

/// Each dashboard of the folder: its name and document.
pub fn dashboards() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/grafana");
    let files = std::fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path());
    let files = files.filter(|file| file.extension().is_some_and(|kind| kind == "json"));
    let read = |file: std::path::PathBuf| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(file).expect("readable");
        (name, serde_json::from_str(&text).expect("JSON"))
    };
    files.map(read).collect()
}

/// Title and expression of each query, with everything that is chosen on the page set to all.
pub fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        for target in panel["targets"].as_array().expect("targets") {
            let expression = target["expr"].as_str().expect("an expression");
            let expression = expression.replace("$__rate_interval", "1m");
            let variables = dashboard["templating"]["list"].as_array().expect("variables");
            let expression = variables.iter().fold(expression, |text, variable| {
                text.replace(&format!("${}", variable["name"].as_str().expect("a name")), ".*")
            });
            assert!(!expression.contains('$'), "{title}: an unknown variable in {expression}");
            queries.push((title.to_owned(), expression));
        }
    }
    queries
}

/// Names of series that the rules record.
fn recorded() -> BTreeSet<String> {
    let rules = std::fs::read_to_string(rules_folder().join("rules.yml")).expect("the rules");
    rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).map(str::to_owned).collect()
}

#[test]
fn every_panel_asks_for_series_that_the_daemon_or_the_rules_have() {
    let recorded = recorded();
    let dashboards = dashboards();
    assert!(!dashboards.is_empty());
    for (name, dashboard) in dashboards {
        let panels = dashboard["panels"].as_array().expect("panels");
        let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
        assert_eq!(ids.len(), panels.len(), "{name}: each panel has an id of its own");
        for panel in panels {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {}", panel["title"]);
            assert!(panel["description"].is_string() && panel["fieldConfig"]["defaults"]["unit"].is_string());
        }
        for (title, expression) in queries(&dashboard) {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
            let words = expression.split(|c| !is_part(c));
            let named: Vec<&str> = words.filter(|word| word.contains("linesman_")).collect();
            assert!(!named.is_empty(), "{name}, {title}: {expression}");
            for series in named {
                let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| series.strip_suffix(end));
                let is_known = recorded.contains(series) || NAMES.contains(&base.unwrap_or(series));
                assert!(is_known, "{name}, {title}: there is no series {series}");
            }
        }
    }
}

#[test]
fn every_panel_asks_in_words_that_prometheus_understands() {
    if !require("promtool") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("panels.yml");
    let mut rules = String::from("groups:\n  - name: panels\n    rules:\n");
    for (_, dashboard) in dashboards() {
        for (number, (_, expression)) in queries(&dashboard).into_iter().enumerate() {
            let quoted = expression.replace('\'', "''");
            rules.push_str(&format!("      - record: panel:{number}\n        expr: '{quoted}'\n"));
        }
    }
    std::fs::write(&file, rules.replace("panel:", "panel:number_")).expect("a file");
    promtool(&["check", "rules", file.to_str().expect("UTF-8")], "");
}
