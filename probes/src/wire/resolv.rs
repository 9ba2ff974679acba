//! The name servers this host asks, for the self check of the vantage point.

use std::net::{IpAddr, Ipv6Addr};

/// More than the C library ever uses; a longer file is a mistake.
const MOST_RESOLVERS: usize = 16;

/// Name servers of `/etc/resolv.conf`; empty when there are none or the file cannot be read.
#[must_use]
pub fn resolvers() -> Vec<IpAddr> {
    std::fs::read_to_string("/etc/resolv.conf").map(|text| parse(&text)).unwrap_or_default()
}

/// Addresses of the `nameserver` lines, in order, without repetition (resolv.conf(5)).
fn parse(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        let Some(address) = words.next().and_then(parse_scoped) else { continue };
        if !found.contains(&address) {
            found.push(address);
        }
        if found.len() == MOST_RESOLVERS {
            break;
        }
    }
    found
}

/// An address, of which a zone (`fe80::1%eth0`) is cut off.
fn parse_scoped(word: &str) -> Option<IpAddr> {
    match word.split_once('%') {
        Some((address, _zone)) => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => word.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nameservers_are_read_in_order_and_comments_are_not() {
        let text = "# nameserver 192.0.2.9\nsearch example.net\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 # two\nnameserver fe80::1%eth0\nnameserver 192.0.2.1\nnameserver what\nnameserver";
        let expected: Vec<IpAddr> =
            ["192.0.2.1", "2001:db8::1", "fe80::1"].iter().map(|address| address.parse().unwrap()).collect();
        assert_eq!(parse(text), expected);
    }

    proptest! {
        #[test]
        fn any_file_is_read_without_panic_and_bounded(text in "(nameserver [0-9.:%a-f]{0,20}\n|\\PC{0,40}\n){0,60}") {
            prop_assert!(parse(&text).len() <= MOST_RESOLVERS);
        }
    }
}
