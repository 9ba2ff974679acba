//! Facts of this host: interfaces, networks, default gateway, resolvers, as the probes see them.

use std::net::IpAddr;

use linesman_probes::wire::{self, routes};

use crate::settings::{HostFacts, Network};

/// The C library asks no more resolvers than these (resolv.conf(5)).
const MOST_RESOLVERS: usize = 3;

/// All facts; what cannot be read is empty.
#[must_use]
pub fn gather() -> HostFacts {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let interfaces = wire::interfaces();
    let own = interfaces.iter().flat_map(|interface| &interface.addresses);
    let on_link = routes::routes().into_iter().filter(|route| route.gateway.is_none());
    let networks = own
        .map(|(address, prefix)| (*address, *prefix))
        .chain(on_link.map(|route| (route.network, route.prefix)))
        .filter(|(_, prefix)| *prefix > 0)
        .map(|(address, prefix)| Network { address, prefix })
        .collect();
    HostFacts {
        hostname: Some(hostname.trim().to_owned()).filter(|name| !name.is_empty()),
        networks,
        default_gateway: wire::default_gateway().filter(|address| is_addressable(*address)),
        resolvers: wire::resolvers()
            .into_iter()
            .filter(|address| is_addressable(*address))
            .take(MOST_RESOLVERS)
            .collect(),
        interfaces: interfaces
            .into_iter()
            .filter(|interface| !interface.loopback)
            .map(|interface| interface.name)
            .collect(),
    }
}

/// A link-local address cannot be addressed without its interface.
fn is_addressable(address: IpAddr) -> bool {
    !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_a_name_and_its_own_addresses_are_near() {
        let facts = gather();
        assert!(facts.hostname.is_some());
        assert!(!facts.interfaces.contains(&"lo".to_owned()));
        for interface in wire::interfaces() {
            assert!(interface.addresses.iter().all(|(address, _)| facts.is_near(*address)));
        }
        assert!(facts.default_gateway.into_iter().chain(facts.resolvers).all(is_addressable));
    }
}
