//! This host's interfaces, and whether the one that leads to a target works.
//!
//! A target behind our own dead port is not silent: we could not ask it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::routes::{self, Route};
use crate::observation::Impediment;

/// How long one listing serves all rounds that ask.
const LISTING_AGE: Duration = Duration::from_millis(250);

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// Whether the administrator enabled it.
    pub enabled: bool,
    /// Whether the link below is there (carrier).
    pub carrier: bool,
    /// Whether it is the loopback.
    pub loopback: bool,
    /// Own addresses with the length of their network's prefix.
    pub addresses: Vec<(IpAddr, u8)>,
}

impl Interface {
    /// Whether packets can leave by it. The loopback always can, once enabled.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.enabled && (self.carrier || self.loopback)
    }
}

/// All interfaces of this host; empty when the operating system does not tell.
#[must_use]
pub fn interfaces() -> Vec<Interface> {
    pnet::datalink::interfaces()
        .into_iter()
        .map(|interface| Interface {
            enabled: interface.is_up(),
            carrier: interface.is_lower_up(),
            loopback: interface.is_loopback(),
            addresses: interface.ips.iter().map(|network| (network.ip(), network.prefix())).collect(),
            name: interface.name,
        })
        .collect()
}

/// The interface by which packets to `target` would leave; `None` without a route.
#[must_use]
pub fn route_interface(target: IpAddr) -> Option<Interface> {
    Listing::read().interface_towards(target).cloned()
}

/// What stands in the way on our side, if the interface that leads to `target` is down.
#[must_use]
pub fn own_interface_down(target: IpAddr) -> Option<Impediment> {
    Listing::read().down_towards(target)
}

/// Next hop of the default route, IPv4 before IPv6.
#[must_use]
pub fn default_gateway() -> Option<IpAddr> {
    let routes = routes::routes();
    let defaults = routes.iter().filter(|route| route.prefix == 0);
    let best = defaults.filter_map(|route| Some((route.metric, route.gateway?)));
    best.min_by_key(|(metric, gateway)| (gateway.is_ipv6(), *metric)).map(|(_, gateway)| gateway)
}

/// Own interfaces and routes, listed at most every quarter of a second for all who ask.
#[derive(Debug, Default)]
pub struct OwnLinks {
    latest: Mutex<Option<(Instant, Arc<Listing>)>>,
}

impl OwnLinks {
    /// As [`own_interface_down`], by a listing at most a quarter of a second old.
    #[must_use]
    pub fn down_towards(&self, target: IpAddr) -> Option<Impediment> {
        self.listing().down_towards(target)
    }

    fn listing(&self) -> Arc<Listing> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, listing)) = latest.as_ref()
            && at.elapsed() < LISTING_AGE
        {
            return Arc::clone(listing);
        }
        let listing = Arc::new(Listing::read());
        *latest = Some((Instant::now(), Arc::clone(&listing)));
        listing
    }
}

/// Interfaces and routes at one moment.
#[derive(Debug, Clone)]
struct Listing {
    interfaces: Vec<Interface>,
    routes: Vec<Route>,
}

impl Listing {
    fn read() -> Self {
        Self { interfaces: interfaces(), routes: routes::routes() }
    }

    fn interface_towards(&self, target: IpAddr) -> Option<&Interface> {
        let own = |interface: &&Interface| interface.addresses.iter().any(|(address, _)| *address == target);
        if target.is_loopback() || self.interfaces.iter().any(|interface| own(&interface)) {
            return self.interfaces.iter().find(|interface| interface.loopback);
        }
        let route = routes::best_route(&self.routes, target)?;
        self.interfaces.iter().find(|interface| interface.name == route.interface)
    }

    fn down_towards(&self, target: IpAddr) -> Option<Impediment> {
        let by_route = self.interface_towards(target);
        if by_route.is_some_and(|interface| interface.loopback) {
            return None;
        }
        if let Some(interface) = by_route
            && !interface.is_up()
        {
            return Some(Impediment::InterfaceDown { interface: interface.name.clone() });
        }
        // Disabling an interface deletes its routes: a target of its network would then seem to
        // lie behind the default route.
        let route_prefix = routes::best_route(&self.routes, target).map(|route| route.prefix);
        let owner = self.interfaces.iter().find(|interface| {
            !interface.is_up()
                && interface.addresses.iter().any(|(address, prefix)| {
                    routes::contains(*address, *prefix, target) && Some(*prefix) > route_prefix
                })
        })?;
        Some(Impediment::InterfaceDown { interface: owner.name.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn interface(name: &str, own: &str, prefix: u8) -> Interface {
        Interface {
            name: name.to_owned(),
            enabled: true,
            carrier: true,
            loopback: name == "lo",
            addresses: vec![(address(own), prefix)],
        }
    }

    fn route(network: &str, prefix: u8, interface: &str) -> Route {
        Route { network: address(network), prefix, gateway: None, metric: 0, interface: interface.to_owned() }
    }

    fn listing() -> Listing {
        Listing {
            interfaces: vec![
                interface("lo", "127.0.0.1", 8),
                interface("eth0", "192.0.2.10", 24),
                interface("eth1", "198.51.100.10", 24),
            ],
            routes: vec![
                route("0.0.0.0", 0, "eth0"),
                route("192.0.2.0", 24, "eth0"),
                route("198.51.100.0", 24, "eth1"),
            ],
        }
    }

    fn down(name: &str) -> Option<Impediment> {
        Some(Impediment::InterfaceDown { interface: name.to_owned() })
    }

    #[test]
    fn a_lost_carrier_is_ours_only_for_targets_behind_it() {
        let mut listing = listing();
        listing.interfaces[2].carrier = false;
        assert_eq!(listing.down_towards(address("198.51.100.1")), down("eth1"));
        assert_eq!(listing.down_towards(address("203.0.113.1")), None);
    }

    #[test]
    fn a_disabled_interface_is_found_though_its_routes_are_gone() {
        let mut listing = listing();
        listing.interfaces[2].enabled = false;
        listing.routes.pop();
        assert_eq!(listing.down_towards(address("198.51.100.1")), down("eth1"));
        assert_eq!(listing.down_towards(address("203.0.113.1")), None, "the default route is another one");
    }

    #[test]
    fn own_addresses_and_loopback_are_always_reachable() {
        let mut listing = listing();
        listing.interfaces[1].carrier = false;
        assert_eq!(listing.down_towards(address("127.0.0.5")), None);
        assert_eq!(listing.down_towards(address("192.0.2.10")), None, "own address goes by loopback");
    }

    #[test]
    fn a_host_that_tells_nothing_blames_no_interface() {
        let listing = Listing { interfaces: Vec::new(), routes: Vec::new() };
        assert_eq!(listing.down_towards(address("192.0.2.1")), None);
    }

    #[test]
    fn this_hosts_loopback_is_listed_and_up() {
        let loopback = route_interface(address("127.0.0.1")).expect("a loopback");
        assert!(loopback.loopback && loopback.is_up());
        assert_eq!(own_interface_down(address("127.0.0.5")), None);
    }
}
