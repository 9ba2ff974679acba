//! Facts of this host, read from procfs: interfaces, networks, default gateway, resolvers.
//!
//! The parsers are total: a line that is not understood says nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::settings::{HostFacts, Network};

/// All facts; what cannot be read is empty.
#[must_use]
pub fn gather() -> HostFacts {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (routes, routes_v6) = (read("/proc/net/route"), read("/proc/net/ipv6_route"));
    HostFacts {
        hostname: Some(read("/proc/sys/kernel/hostname").trim().to_owned()).filter(|name| !name.is_empty()),
        interfaces: interfaces(&read("/proc/net/dev")),
        networks: networks(&routes).into_iter().chain(networks_v6(&read("/proc/net/if_inet6"))).collect(),
        default_gateway: default_gateway(&routes).or_else(|| default_gateway_v6(&routes_v6)),
        resolvers: resolvers(&read("/etc/resolv.conf")),
    }
}

/// Flags of a route [linux/route.h]: usable, through a gateway.
const ROUTE_UP: u32 = 0x1;
const ROUTE_GATEWAY: u32 = 0x2;

/// One IPv4 route: destination, gateway, flags, metric, mask.
fn routes(text: &str) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr, u32, u32, Ipv4Addr)> {
    text.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // The kernel prints the address's bytes as a number of this host's own byte order.
        let address =
            |at: usize| Some(Ipv4Addr::from(u32::from_str_radix(words.get(at)?, 16).ok()?.to_ne_bytes()));
        let flags = u32::from_str_radix(words.get(3)?, 16).ok()?;
        Some((address(1)?, address(2)?, flags, words.get(6)?.parse().ok()?, address(7)?))
    })
}

fn default_gateway(text: &str) -> Option<IpAddr> {
    let usable = ROUTE_UP | ROUTE_GATEWAY;
    let default = |(destination, _, flags, _, mask): &(Ipv4Addr, Ipv4Addr, u32, u32, Ipv4Addr)| {
        destination.is_unspecified() && mask.is_unspecified() && flags & usable == usable
    };
    routes(text)
        .filter(default)
        .min_by_key(|(.., metric, _)| *metric)
        .map(|(_, gateway, ..)| IpAddr::V4(gateway))
}

fn networks(text: &str) -> Vec<Network> {
    let direct = routes(text).filter(|(_, _, flags, ..)| flags & (ROUTE_UP | ROUTE_GATEWAY) == ROUTE_UP);
    direct
        .filter(|(.., mask)| !mask.is_unspecified())
        .map(|(destination, .., mask)| Network {
            address: IpAddr::V4(destination),
            prefix: u8::try_from(mask.to_bits().leading_ones()).unwrap_or(32),
        })
        .collect()
}

fn hexadecimal_v6(text: &str) -> Option<Ipv6Addr> {
    (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Ipv6Addr::from_bits)
}

fn networks_v6(text: &str) -> Vec<Network> {
    let network = |line: &str| {
        let mut words = line.split_whitespace();
        let address = hexadecimal_v6(words.next()?)?;
        let prefix = u8::from_str_radix(words.nth(1)?, 16).ok()?;
        (prefix > 0 && prefix <= 128).then_some(Network { address: IpAddr::V6(address), prefix })
    };
    text.lines().filter_map(network).collect()
}

fn default_gateway_v6(text: &str) -> Option<IpAddr> {
    text.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let destination = hexadecimal_v6(words.first()?)?;
        let gateway = hexadecimal_v6(words.get(4)?)?;
        let is_default = destination.is_unspecified() && *words.get(1)? == "00";
        // A link-local gateway cannot be addressed without its interface.
        (is_default && !gateway.is_unspecified() && !gateway.is_unicast_link_local())
            .then_some(IpAddr::V6(gateway))
    })
}

/// As resolv.conf(5): the first three `nameserver` lines.
fn resolvers(text: &str) -> Vec<IpAddr> {
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next()?.parse().ok()).flatten()
    };
    text.lines().filter_map(address).take(3).collect()
}

fn interfaces(text: &str) -> Vec<String> {
    let name = |line: &str| Some(line.split_once(':')?.0.trim().to_owned());
    text.lines().skip(2).filter_map(name).filter(|name| name != "lo" && !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";

    fn route(destination: [u8; 4], gateway: [u8; 4], flags: u32, metric: u32, mask: [u8; 4]) -> String {
        let hex = |bytes| format!("{:08X}", u32::from_ne_bytes(bytes));
        let (destination, gateway, mask) = (hex(destination), hex(gateway), hex(mask));
        format!("eth0\t{destination}\t{gateway}\t{flags:04X}\t0\t0\t{metric}\t{mask}\t0\t0\t0\n")
    }

    #[test]
    fn the_default_gateway_of_the_lowest_metric_and_the_direct_networks_are_found() {
        let text = HEADER.to_owned()
            + &route([0; 4], [192, 0, 2, 9], 3, 600, [0; 4])
            + &route([0; 4], [192, 0, 2, 1], 3, 100, [0; 4])
            + &route([192, 0, 2, 0], [0; 4], 1, 0, [255, 255, 255, 0]);
        assert_eq!(default_gateway(&text), Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(networks(&text), [Network { address: IpAddr::from([192, 0, 2, 0]), prefix: 24 }]);
    }

    #[test]
    fn resolvers_are_those_that_the_system_asks() {
        let text =
            "# nameserver 1.1.1.1\nsearch x\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver ::1\n";
        assert_eq!(
            resolvers(text),
            ["10.0.0.1", "::1"].map(|text| text.parse::<IpAddr>().expect("an address"))
        );
    }

    #[test]
    fn ipv6_default_routes_and_networks_are_found() {
        let zero = "0".repeat(32);
        let gateway = "20010db8000000000000000000000001";
        let line = format!("{zero} 00 {zero} 00 {gateway} 00000400 00000002 00000000 00000003 eth0\n");
        assert_eq!(default_gateway_v6(&line), "2001:db8::1".parse().ok());
        assert_eq!(networks_v6(&format!("{gateway} 04 40 00 82 eth0\n")).len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(.|\n){0,200}", words in proptest::collection::vec("[0-9A-F]{0,33}|\n", 0..40)) {
            for text in [text, words.join(" ")] {
                let _ = (default_gateway(&text), networks(&text), networks_v6(&text), default_gateway_v6(&text));
                let _ = (resolvers(&text), interfaces(&text));
            }
        }
    }
}
