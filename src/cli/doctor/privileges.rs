//! May this process send ICMP and see packets? Told by opening the sockets; nothing is sent.

use linesman_probes::wire::permission::{self, IcmpSocketKind};

use super::Check;

/// Whether ICMP echo can be sent: by an unprivileged datagram socket or by a raw one.
pub(super) fn icmp() -> Check {
    judge_icmp(permission::icmp())
}

fn judge_icmp(opened: Result<IcmpSocketKind, String>) -> Check {
    match opened {
        Ok(kind) => Check::ok("icmp", format!("a {} socket may be opened", kind.name())),
        Err(_) => Check::forbidden(
            "icmp",
            "neither an unprivileged nor a raw socket may be opened; no ICMP target would be measured",
            "sudo sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"",
        ),
    }
}

/// Whether packets can be captured. Nothing that is measured by default needs it.
pub(super) fn capture() -> Check {
    judge_capture(permission::capture())
}

fn judge_capture(opened: Result<(), String>) -> Check {
    if opened.is_ok() {
        return Check::ok("capture", "a packet socket may be opened");
    }
    let program =
        std::env::current_exe().map_or_else(|_| "linesman".to_owned(), |path| path.display().to_string());
    Check::warn("capture", "a packet socket may not be opened; active probes do without")
        .mended_by(format!("sudo setcap cap_net_raw=ep {program}"))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn missing_icmp_fails_missing_capture_only_warns_and_both_name_what_mends_them() {
        let icmp = judge_icmp(Err("refused".to_owned()));
        assert!(icmp.verdict == Verdict::Fail && icmp.permission);
        assert!(icmp.mend.is_some_and(|mend| mend.contains("ping_group_range")));
        let capture = judge_capture(Err("refused".to_owned()));
        assert!(capture.verdict == Verdict::Warn && capture.mend.is_some_and(|mend| mend.contains("setcap")));
        assert_eq!(judge_icmp(Ok(IcmpSocketKind::Raw)).verdict, Verdict::Ok);
        assert_eq!(judge_capture(Ok(())).verdict, Verdict::Ok);
    }
}
