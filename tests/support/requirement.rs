//! The skip rule: a test that lacks an outside program or root says so and passes, but fails where
//! `LINESMAN_TEST_REQUIRE=all` promises that nothing is lacking.

use std::path::PathBuf;

/// Whether a program is there; `if !require("sipp") { return; }`.
#[must_use]
pub fn require(program: &str) -> bool {
    find(program).is_some() || skip(&format!("the program `{program}` is not installed"))
}

/// Whether we are root, as network namespaces need.
#[must_use]
pub fn require_root() -> bool {
    rustix::process::geteuid().is_root() || skip("not running as root")
}

fn skip(reason: &str) -> bool {
    let all = std::env::var("LINESMAN_TEST_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!all, "{reason}, and LINESMAN_TEST_REQUIRE=all");
    eprintln!("skipped: {reason}");
    false
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A user's PATH often lacks the administrator's folders.
    let usual = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|folder| folder.join(program)).find(|file| file.is_file())
}
