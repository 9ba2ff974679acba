//! This host's routing tables, as far as needed to say by which interface a target is reached.
//!
//! procfs shows the main table. Policy routing is not looked at here; whether there is a route
//! at all is asked of the kernel itself ([`has_own_route`]), which knows every rule.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Most of a routing table that is read: a full Internet table is not our business.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

const FLAG_UP: u32 = 0x0001;
const FLAG_GATEWAY: u32 = 0x0002;
const FLAG_REJECT: u32 = 0x0200;

/// One route that packets may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Network it leads to.
    pub network: IpAddr,
    /// Length of the network's prefix.
    pub prefix: u8,
    /// Next hop; `None` when the network is on the link itself.
    pub gateway: Option<IpAddr>,
    /// Preference among routes of one prefix, smaller first.
    pub metric: u32,
    /// Interface by which packets leave.
    pub interface: String,
}

/// Routes of both protocols; empty when procfs cannot be read.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut routes = parse_v4(&read_bounded("/proc/self/net/route"));
    routes.extend(parse_v6(&read_bounded("/proc/self/net/ipv6_route")));
    routes
}

/// Whether the kernel would send a packet to `target` anywhere. Sends nothing: connecting a
/// datagram socket only looks the route up, with all rules and tables.
#[must_use]
pub fn has_own_route(target: IpAddr) -> bool {
    let any: IpAddr = match target {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Port 9 is discard; no packet ever goes there.
    UdpSocket::bind(SocketAddr::new(any, 0))
        .and_then(|socket| socket.connect(SocketAddr::new(target, 9)))
        .is_ok()
}

/// The route of longest prefix, then of smallest metric.
#[must_use]
pub fn best_route(routes: &[Route], target: IpAddr) -> Option<&Route> {
    routes
        .iter()
        .filter(|route| contains(route.network, route.prefix, target))
        .min_by_key(|route| (u8::MAX - route.prefix, route.metric))
}

/// Whether `address` lies in `network/prefix`; never across protocols.
#[must_use]
pub fn contains(network: IpAddr, prefix: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
            prefix <= 32 && u32::from(network) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
            prefix <= 128 && u128::from(network) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

fn read_bounded(path: &str) -> String {
    let mut text = String::new();
    let Ok(file) = std::fs::File::open(path) else { return text };
    // A table cut in the middle of a line loses that line only.
    let _ = file.take(MOST_BYTES).read_to_string(&mut text);
    text
}

/// Lines of procfs `net/route`; a line that cannot be understood is skipped.
fn parse_v4(text: &str) -> Vec<Route> {
    text.lines().skip(1).filter_map(parse_v4_line).collect()
}

fn parse_v4_line(line: &str) -> Option<Route> {
    // Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [interface, destination, gateway, flags, _, _, metric, mask, ..] = fields.as_slice() else {
        return None;
    };
    let flags = u32::from_str_radix(flags, 16).ok()?;
    if !is_usable(flags) {
        return None;
    }
    let gateway = native_v4(gateway)?;
    Some(Route {
        network: native_v4(destination)?.into(),
        prefix: u8::try_from(u32::from(native_v4(mask)?).count_ones()).ok()?,
        gateway: (flags & FLAG_GATEWAY != 0).then_some(gateway.into()),
        metric: metric.parse().ok()?,
        interface: (*interface).to_owned(),
    })
}

/// procfs prints the number in the byte order of the host.
fn native_v4(hex: &str) -> Option<Ipv4Addr> {
    u32::from_str_radix(hex, 16).ok().map(|number| Ipv4Addr::from(number.to_ne_bytes()))
}

/// Lines of procfs `net/ipv6_route`; a line that cannot be understood is skipped.
fn parse_v6(text: &str) -> Vec<Route> {
    text.lines().filter_map(parse_v6_line).collect()
}

fn parse_v6_line(line: &str) -> Option<Route> {
    // destination prefix source prefix next-hop metric refcount use flags interface
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [destination, prefix, _, _, next_hop, metric, _, _, flags, interface, ..] = fields.as_slice() else {
        return None;
    };
    let flags = u32::from_str_radix(flags, 16).ok()?;
    if !is_usable(flags) {
        return None;
    }
    let prefix = u8::from_str_radix(prefix, 16).ok().filter(|prefix| *prefix <= 128)?;
    let next_hop = plain_v6(next_hop)?;
    Some(Route {
        network: plain_v6(destination)?.into(),
        prefix,
        gateway: (flags & FLAG_GATEWAY != 0).then_some(next_hop.into()),
        metric: u32::from_str_radix(metric, 16).ok()?,
        interface: (*interface).to_owned(),
    })
}

fn plain_v6(hex: &str) -> Option<Ipv6Addr> {
    (hex.len() == 32).then(|| u128::from_str_radix(hex, 16).ok()).flatten().map(Ipv6Addr::from)
}

const fn is_usable(flags: u32) -> bool {
    flags & FLAG_UP != 0 && flags & FLAG_REJECT == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // As a little-endian host prints it.
    const V4: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        wwan0\t00000000\t016433C6\t0003\t0\t0\t700\t00000000\t0\t0\t0\n\
        eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        *\t007100CB\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        eth9\tgarbage\n";
    const V6: &str = "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003     eth1\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_longest_prefix_wins_and_then_the_smallest_metric() {
        let routes = parse_v4(V4);
        assert_eq!(best_route(&routes, address("192.0.2.77")).unwrap().gateway, None);
        let default = best_route(&routes, address("198.51.100.9")).unwrap();
        assert_eq!((default.interface.as_str(), default.gateway), ("eth0", Some(address("192.0.2.1"))));
    }

    #[test]
    fn a_rejecting_route_is_no_route() {
        assert!(parse_v4(V4).iter().all(|route| route.interface != "*"));
        assert!(parse_v6(V6).iter().all(|route| route.interface != "lo"));
    }

    #[test]
    fn the_two_protocols_are_never_mixed() {
        let routes = parse_v6(V6);
        assert_eq!(best_route(&routes, address("192.0.2.1")), None);
        assert_eq!(best_route(&routes, address("fd00::7")).unwrap().interface, "eth0");
        let default = best_route(&routes, address("2001:db8::1")).unwrap();
        assert_eq!((default.interface.as_str(), default.gateway), ("eth1", Some(address("fd00::1"))));
    }

    #[test]
    fn the_kernel_has_a_route_to_loopback() {
        assert!(has_own_route(address("127.0.0.5")));
    }

    proptest! {
        #[test]
        fn any_table_is_read_without_panic(text in "([0-9a-fA-F]{0,33} ?|\\PC|\n){0,80}") {
            let _ = parse_v4(&text);
            let _ = parse_v6(&text);
        }

        #[test]
        fn a_prefix_contains_its_own_network(network: u32, prefix in 0_u8..=32, v6: u128, long in 0_u8..=128) {
            let v4 = IpAddr::from(Ipv4Addr::from(network));
            prop_assert!(contains(v4, prefix, v4));
            let v6 = IpAddr::from(Ipv6Addr::from(v6));
            prop_assert!(contains(v6, long, v6));
            prop_assert!(!contains(v4, 0, v6));
        }
    }
}
