//! What this process may open, and the one command that mends it when it may not.

use rustix::net::{AddressFamily, SocketType, ipproto, socket};

/// The kind of socket by which ICMP is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpSocketKind {
    /// Unprivileged: the kernel chooses the identifier and delivers only our own replies.
    Datagram,
    /// Raw: we choose the identifier and see all ICMP of this host.
    Raw,
}

impl IcmpSocketKind {
    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Datagram => "datagram",
            Self::Raw => "raw",
        }
    }
}

/// Which kind of ICMP socket this process may open.
///
/// # Errors
/// The hint that names both mends.
pub fn icmp() -> Result<IcmpSocketKind, String> {
    let may_open = |kind| socket(AddressFamily::INET, kind, Some(ipproto::ICMP)).is_ok();
    if may_open(SocketType::DGRAM) {
        return Ok(IcmpSocketKind::Datagram);
    }
    if may_open(SocketType::RAW) {
        return Ok(IcmpSocketKind::Raw);
    }
    Err(icmp_hint())
}

/// Whether this process may capture packets. The socket is closed at once and sees nothing.
///
/// # Errors
/// The hint that mends it.
pub fn capture() -> Result<(), String> {
    match socket(AddressFamily::PACKET, SocketType::RAW, None) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "capturing packets is refused ({error}); allow it with `setcap cap_net_raw=ep {}`, \
             or in a systemd unit with `AmbientCapabilities=CAP_NET_RAW`",
            own_binary()
        )),
    }
}

/// How to allow ICMP, both ways.
#[must_use]
pub fn icmp_hint() -> String {
    format!(
        "neither an unprivileged nor a raw ICMP socket may be opened; allow one with \
         `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"` or `setcap cap_net_raw=ep {}`",
        own_binary()
    )
}

fn own_binary() -> String {
    std::env::current_exe().map_or_else(|_| "linesman".to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_both_mends() {
        let hint = icmp_hint();
        assert!(
            hint.contains("net.ipv4.ping_group_range") && hint.contains("setcap cap_net_raw=ep"),
            "{hint}"
        );
    }

    #[test]
    fn a_refusal_always_comes_with_its_mend() {
        if let Err(hint) = icmp() {
            assert!(hint.contains("sysctl"), "{hint}");
        }
        if let Err(hint) = capture() {
            assert!(hint.contains("setcap"), "{hint}");
        }
    }
}
