//! Is our clock sane, and does something keep it so?

use std::path::Path;

use chrono::Datelike;

use super::Check;
use crate::clock::Clock;

/// Years in which this program can run.
const SANE: std::ops::Range<i32> = 2026..2100;
/// Made by systemd-timesyncd while the clock is synchronised.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
/// There while a daemon that keeps the clock runs.
const KEEPERS: [(&str, &str); 3] =
    [("/run/chrony", "chrony"), ("/run/ntpd.pid", "ntpd"), ("/run/openntpd.pid", "openntpd")];

pub(super) fn check(clock: &dyn Clock) -> Check {
    judge(clock.now_utc().year(), |path| Path::new(path).exists())
}

fn judge(year: i32, exists: impl Fn(&str) -> bool) -> Check {
    if !SANE.contains(&year) {
        let why = format!("the year is {year}: every time in a ticket would be wrong");
        return Check::fail("clock", why, "sudo timedatectl set-ntp true");
    }
    if exists(SYNCHRONISED) {
        return Check::ok("clock", "synchronised by systemd-timesyncd");
    }
    if let Some((_, keeper)) = KEEPERS.iter().find(|(path, _)| exists(path)) {
        return Check::ok(
            "clock",
            format!("the year is {year}, and {keeper} runs; how far off it is was not asked"),
        );
    }
    let why = "nothing that keeps it right was found; times in tickets may be off, delays are not affected";
    Check::warn("clock", why).mended_by("sudo timedatectl set-ntp true")
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_in_the_past_fails_and_one_that_nobody_keeps_is_warned_of() {
        assert_eq!(judge(1970, |_| true).verdict, Verdict::Fail);
        assert_eq!(judge(2027, |_| false).verdict, Verdict::Warn);
        assert_eq!(judge(2027, |path| path == SYNCHRONISED).verdict, Verdict::Ok);
    }
}
