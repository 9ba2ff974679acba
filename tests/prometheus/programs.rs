//! Prometheus and promtool, as Debian installs them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The folder of the rules that are shipped.
pub fn rules_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus")
}

/// Runs promtool, with bytes on its standard input; fails with what it said unless it is content.
pub fn promtool(words: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(words)
        .current_dir(rules_folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("promtool reads");
    let Output { status, stdout, stderr } = child.wait_with_output().expect("promtool ends");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "promtool {words:?}: {said}");
    assert!(words != ["check", "metrics"] || said.trim().is_empty(), "promtool {words:?}: {said}");
}
