//! The rules that are shipped hold together, and name only metrics that the daemon has.

use linesman::metrics::NAMES;

use crate::programs::{promtool, rules_folder};
use crate::support::requirement::require;

/// What a histogram adds to its name.
const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

#[test]
fn rules_name_only_metrics_that_the_daemon_has() {
    for file in ["rules.yml", "rules_test.yml"] {
        let text = std::fs::read_to_string(rules_folder().join(file)).expect("a file of ours");
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let named: Vec<&str> =
            text.split(|c| !is_part(c)).filter(|word| word.starts_with("linesman_")).collect();
        assert!(named.len() > 5, "{file} speaks of our metrics");
        for name in named {
            let base = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
            // A recorded series drops the `_total` of its counter.
            let counter = format!("{name}_total");
            let is_known = [name, base, counter.as_str()].iter().any(|name| NAMES.contains(name));
            assert!(is_known, "{file}: there is no metric {name}");
        }
    }
}

#[test]
fn rules_are_understood_and_fire_when_they_should() {
    if !require("promtool") {
        return;
    }
    promtool(&["check", "rules", "rules.yml"], "");
    promtool(&["test", "rules", "rules_test.yml"], "");
}
