//! May this process send ICMP and see packets? Told from procfs, so nothing is opened or sent.
//!
//! The two functions are the seam for a check on real sockets.

use super::Check;

/// Bit of CAP_NET_RAW [linux/capability.h].
const CAP_NET_RAW: u32 = 13;

/// Whether ICMP echo can be sent: by an unprivileged datagram socket or by a raw one.
pub(super) fn icmp() -> Check {
    let status = read("/proc/self/status");
    let range = read("/proc/sys/net/ipv4/ping_group_range");
    if status.is_empty() {
        return Check::warn("icmp", "not checked: /proc/self/status cannot be read");
    }
    if has_net_raw(&status) {
        return Check::ok("icmp", "allowed by CAP_NET_RAW");
    }
    if groups(&status).iter().any(|group| in_range(&range, *group)) {
        return Check::ok("icmp", "allowed for unprivileged sockets by net.ipv4.ping_group_range");
    }
    let why = format!(
        "not allowed: net.ipv4.ping_group_range is \"{}\" and CAP_NET_RAW is missing; no ICMP target would be measured",
        range.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    Check::forbidden("icmp", why, "sudo sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"")
}

/// Whether packets can be captured. Nothing that is measured by default needs it.
pub(super) fn capture() -> Check {
    let status = read("/proc/self/status");
    if has_net_raw(&status) {
        return Check::ok("capture", "allowed by CAP_NET_RAW");
    }
    let program =
        std::env::current_exe().map_or_else(|_| "linesman".to_owned(), |path| path.display().to_string());
    Check::warn("capture", "not allowed: CAP_NET_RAW is missing; active probes do without")
        .mended_by(format!("sudo setcap cap_net_raw=ep {program}"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn field<'s>(status: &'s str, name: &str) -> Option<&'s str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn has_net_raw(status: &str) -> bool {
    let effective = field(status, "CapEff").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    effective.is_some_and(|bits| bits >> CAP_NET_RAW & 1 == 1)
}

/// The effective group and the supplementary ones.
fn groups(status: &str) -> Vec<u32> {
    let effective = field(status, "Gid").and_then(|ids| ids.split_whitespace().nth(1));
    let others = field(status, "Groups").unwrap_or_default().split_whitespace();
    effective.into_iter().chain(others).filter_map(|id| id.parse().ok()).collect()
}

fn in_range(range: &str, group: u32) -> bool {
    let mut bounds = range.split_whitespace().map(str::parse::<u32>);
    match (bounds.next(), bounds.next()) {
        (Some(Ok(first)), Some(Ok(last))) => (first..=last).contains(&group),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nGid:\t1\t1000\t1\t1\nGroups:\t27 2000\nCapEff:\t0000000000002000\n";

    #[test]
    fn the_raw_capability_and_the_groups_are_read() {
        assert!(has_net_raw(STATUS));
        assert!(!has_net_raw("CapEff:\t0000000000001000\n") && !has_net_raw(""));
        assert_eq!(groups(STATUS), [1000, 27, 2000]);
    }

    #[test]
    fn the_range_one_to_nought_allows_nobody() {
        assert!(!in_range("1\t0\n", 0) && !in_range("1\t0\n", 1) && !in_range("", 0));
        assert!(in_range("0\t2147483647\n", 1000));
    }
}
