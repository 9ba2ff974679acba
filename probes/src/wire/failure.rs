//! Whose fault a socket's error is: the target's, the path's, or ours.
//!
//! An error from our own send is about us; the same number may also have been brought by an ICMP
//! message from a router, and then the path is silent. Where the two share a number, the kernel
//! is asked whether we have a route.

use std::io;
use std::net::IpAddr;

use rustix::io::Errno;

use super::interfaces::own_interface_down;
use super::routes::has_own_route;
use crate::observation::Impediment;

/// Whose failure it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody on the way or at the target answered in its name: counts as silence.
    Silent,
    /// The target itself said no.
    Refused,
    /// We could not measure.
    Ours(Impediment),
}

impl Failure {
    /// Judges an error of a connected socket (TCP connect, connected UDP), which may come from
    /// our own stack or from the path.
    #[must_use]
    pub fn of_connected(error: &io::Error, target: IpAddr) -> Self {
        let Some(errno) = Errno::from_io_error(error) else {
            return Self::of_kind(error);
        };
        match errno {
            Errno::CONNREFUSED | Errno::CONNRESET => Self::Refused,
            Errno::TIMEDOUT => Self::Silent,
            // A router's "network unreachable" and "host unreachable" look the same as ours.
            Errno::NETUNREACH | Errno::HOSTUNREACH if has_own_route(target) => Self::Silent,
            _ => Self::of_send(errno, target),
        }
    }

    /// Judges an error that our own stack returned from an unconnected send.
    #[must_use]
    pub fn of_send(errno: Errno, target: IpAddr) -> Self {
        match errno {
            // The neighbour (the target itself, or our next hop) does not answer ARP or ND: the
            // packet was made and had a way to go. Without a route it is a rejecting route.
            Errno::HOSTUNREACH if has_own_route(target) => Self::Silent,
            Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN => {
                Self::Ours(own_interface_down(target).unwrap_or(Impediment::NoRoute))
            }
            Errno::PERM | Errno::ACCESS => Self::Ours(Impediment::NoPermission {
                hint: format!(
                    "sending to {target} is refused by this host's own firewall or by a prohibiting route; \
                     see `nft list ruleset` and `ip route get {target}`"
                ),
            }),
            _ => Self::Ours(Impediment::Local { reason: errno.to_string() }),
        }
    }

    /// Judges an error without a number of the operating system.
    fn of_kind(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Silent,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => Self::Refused,
            _ => Self::Ours(Impediment::Local { reason: error.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> IpAddr {
        "127.0.0.5".parse().unwrap()
    }

    fn connected(errno: Errno) -> Failure {
        Failure::of_connected(&io::Error::from_raw_os_error(errno.raw_os_error()), loopback())
    }

    #[test]
    fn a_reset_is_the_targets_own_no() {
        assert_eq!(connected(Errno::CONNREFUSED), Failure::Refused);
        assert_eq!(connected(Errno::CONNRESET), Failure::Refused);
    }

    #[test]
    fn a_routers_unreachable_is_silence_while_we_have_a_route() {
        assert_eq!(connected(Errno::NETUNREACH), Failure::Silent);
        assert_eq!(connected(Errno::HOSTUNREACH), Failure::Silent);
    }

    #[test]
    fn a_neighbour_that_does_not_answer_is_silence_but_no_network_is_ours() {
        assert_eq!(Failure::of_send(Errno::HOSTUNREACH, loopback()), Failure::Silent);
        assert_eq!(Failure::of_send(Errno::NETUNREACH, loopback()), Failure::Ours(Impediment::NoRoute));
    }

    #[test]
    fn a_refused_send_and_a_full_queue_are_never_the_targets_fault() {
        assert!(matches!(
            Failure::of_send(Errno::PERM, loopback()),
            Failure::Ours(Impediment::NoPermission { .. })
        ));
        assert!(matches!(
            Failure::of_send(Errno::NOBUFS, loopback()),
            Failure::Ours(Impediment::Local { .. })
        ));
        assert!(matches!(connected(Errno::MFILE), Failure::Ours(Impediment::Local { .. })));
    }
}
