//! What is known of this host before anybody declares anything. Gathered by the command line.

use std::net::IpAddr;

/// A network that this host is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Any address in it.
    pub address: IpAddr,
    /// Bits that all its addresses share.
    pub prefix: u8,
}

impl Network {
    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
                (ours.to_bits() ^ theirs.to_bits()) & mask == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix.min(128))).unwrap_or(0);
                (ours.to_bits() ^ theirs.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

/// Facts of this host; empty where they could not be found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// As it calls itself.
    pub hostname: Option<String>,
    /// Names of its interfaces but the loopback.
    pub interfaces: Vec<String>,
    /// Networks that it reaches without a router.
    pub networks: Vec<Network>,
    /// The router to everywhere else.
    pub default_gateway: Option<IpAddr>,
    /// DNS servers that it asks, in order.
    pub resolvers: Vec<IpAddr>,
}

impl HostFacts {
    /// Whether an address is reached without the default gateway.
    #[must_use]
    pub fn is_near(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.networks.iter().any(|network| network.contains(address))
    }

    /// The hostname as a name of an element: characters that names do not hold become `-`.
    #[must_use]
    pub fn element_name(&self) -> String {
        let host = self.hostname.as_deref().unwrap_or_default();
        let allowed = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
        let name: String = host.trim().chars().map(allowed).take(64).collect();
        let name = name.trim_start_matches(['.', '_', '-']);
        if name.is_empty() { "this-host".to_owned() } else { name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_and_no_others() {
        let network = Network { address: "10.1.2.3".parse().expect("an address"), prefix: 24 };
        let holds = |text: &str| network.contains(text.parse().expect("an address"));
        assert_eq!((holds("10.1.2.250"), holds("10.1.3.1"), holds("::1")), (true, false, false));
        let everything = Network { address: "0.0.0.0".parse().expect("an address"), prefix: 0 };
        assert!(everything.contains("8.8.8.8".parse().expect("an address")));
    }

    #[test]
    fn a_hostname_with_odd_characters_still_names_an_element() {
        let named = |hostname: &str| {
            HostFacts { hostname: Some(hostname.to_owned()), ..HostFacts::default() }.element_name()
        };
        assert_eq!(
            (named("voice 1\n").as_str(), named("..").as_str(), named("a.b").as_str()),
            ("voice-1", "this-host", "a.b")
        );
    }
}
