//! From the ends of a stream to who sends it and who receives it.
//!
//! An address is looked for first as it is measured (`address`, `sip`, …), then in the networks of `[[media]]`. Where
//! media passes a server of ours, its address says nothing of the far side: then the signalling of its leg does, for
//! who signals at an end speaks there too. Several trunks of one carrier may share an address: then the prefix of the
//! number that was called decides, and where it does not, nobody is named.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use linesman_probes::probe::ProbeSpec;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inventory::{ElementIndex, ElementKind, Inventory};
use crate::settings::{MediaSettings, Network};

/// Which way a stream flows, seen from the landing trunk or, where there is none, from the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// What the carrier sends us.
    FromTrunk,
    /// What we send the carrier.
    ToTrunk,
    /// What a customer's gateway sends us.
    FromGateway,
    /// What we send a customer's gateway.
    ToGateway,
    /// Neither end is known.
    Unknown,
}

impl Direction {
    /// All.
    pub const ALL: [Self; 5] =
        [Self::FromTrunk, Self::ToTrunk, Self::FromGateway, Self::ToGateway, Self::Unknown];

    /// The name in outputs and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FromTrunk => "from_trunk",
            Self::ToTrunk => "to_trunk",
            Self::FromGateway => "from_gateway",
            Self::ToGateway => "to_gateway",
            Self::Unknown => "unknown",
        }
    }
}

/// Signalling of the call that a stream belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Signalling<'a> {
    /// Where the caller's side of the stream's leg signals from.
    pub caller: SocketAddr,
    /// Where the callee's side of it is signalled to.
    pub callee: SocketAddr,
    /// Whether the caller speaks in this stream.
    pub from_caller: bool,
    /// Who was called, as it was dialled.
    pub called: &'a str,
    /// Both ends of every leg that is known of the call.
    pub legs: &'a [(SocketAddr, SocketAddr)],
}

/// The ends of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Ends<'a> {
    /// Who sends.
    pub source: SocketAddr,
    /// Who receives.
    pub destination: SocketAddr,
    /// The call, where its signalling was seen.
    pub call: Option<Signalling<'a>>,
}

/// Whose a stream is; names of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// The landing trunk of the call.
    pub trunk: Option<String>,
    /// The gateway of the call.
    pub gateway: Option<String>,
    /// The customer whose gateway or access line it is.
    pub customer: Option<String>,
    /// Which way it flows.
    pub direction: Direction,
}

impl Place {
    /// Nobody's.
    pub const UNKNOWN: Self =
        Self { trunk: None, gateway: None, customer: None, direction: Direction::Unknown };
}

/// Addresses of the inventory.
#[derive(Debug, Clone)]
pub struct Atlas {
    inventory: Arc<Inventory>,
    sockets: HashMap<SocketAddr, Vec<ElementIndex>>,
    hosts: HashMap<IpAddr, Vec<ElementIndex>>,
    networks: Vec<(Network, ElementIndex)>,
}

impl Atlas {
    /// Of an inventory and the networks of `[[media]]`.
    #[must_use]
    pub fn new(inventory: Arc<Inventory>, media: &[MediaSettings]) -> Self {
        let mut atlas =
            Self { inventory, sockets: HashMap::new(), hosts: HashMap::new(), networks: Vec::new() };
        let inventory = atlas.inventory.clone();
        for target in inventory.targets() {
            let (host, socket) = match &target.spec {
                ProbeSpec::Icmp { address, .. } => (*address, None),
                ProbeSpec::Sip { address, .. } => (address.ip(), Some(*address)),
                ProbeSpec::Tcp { address } => (address.ip(), None),
                // Of the registrar, not of who registers; a name; a service beside the voice.
                ProbeSpec::Registration { .. }
                | ProbeSpec::Http { .. }
                | ProbeSpec::Dns { .. }
                | ProbeSpec::Host
                // Where a test call is sent to need not be where anybody's voice comes from.
                | ProbeSpec::Call(_) => continue,
            };
            let kind = inventory.element(target.element).kind;
            if !speaks(kind) {
                continue;
            }
            note(atlas.hosts.entry(host.to_canonical()).or_default(), target.element);
            if let Some(socket) = socket {
                note(atlas.sockets.entry(canonical(socket)).or_default(), target.element);
            }
        }
        for media in media {
            let Some(element) = inventory.find(&media.element) else { continue };
            atlas.networks.extend(media.networks.iter().map(|network| (*network, element)));
        }
        // The narrowest network knows best.
        atlas.networks.sort_by_key(|(network, element)| (std::cmp::Reverse(network.prefix), *element));
        atlas
    }

    /// Whose a stream is.
    #[must_use]
    pub fn place(&self, ends: &Ends<'_>) -> Place {
        let called = ends.call.map_or("", |call| call.called);
        let (mut sender, mut receiver) =
            (self.by_media(ends.source, called), self.by_media(ends.destination, called));
        if let Some(call) = ends.call {
            let (from, to) =
                if call.from_caller { (call.caller, call.callee) } else { (call.callee, call.caller) };
            sender = self.end_of(sender, from, &call, !call.from_caller);
            receiver = self.end_of(receiver, to, &call, call.from_caller);
        }
        let kind = |element: Option<ElementIndex>| element.map(|index| self.inventory.element(index).kind);
        let direction = match (kind(sender), kind(receiver)) {
            (Some(ElementKind::Trunk), _) => Direction::FromTrunk,
            (_, Some(ElementKind::Trunk)) => Direction::ToTrunk,
            (Some(ElementKind::Gateway | ElementKind::Access), _) => Direction::FromGateway,
            (_, Some(ElementKind::Gateway | ElementKind::Access)) => Direction::ToGateway,
            _ => Direction::Unknown,
        };
        let legs = ends.call.map_or(&[][..], |call| call.legs);
        let others = legs.iter().flat_map(|(caller, callee)| [*caller, *callee]);
        let known: Vec<ElementIndex> = [sender, receiver]
            .into_iter()
            .flatten()
            .chain(others.filter_map(|address| self.by_signalling(address, called)))
            .collect();
        let of = |wanted: ElementKind| {
            known.iter().copied().find(|index| self.inventory.element(*index).kind == wanted)
        };
        let gateway = of(ElementKind::Gateway).or_else(|| self.only_gateway(of(ElementKind::Access)?));
        let name = |index: ElementIndex| self.inventory.element(index).name.clone();
        Place {
            trunk: of(ElementKind::Trunk).map(name),
            gateway: gateway.map(name),
            customer: gateway.or_else(|| of(ElementKind::Access)).and_then(|index| self.only_customer(index)),
            direction,
        }
    }

    /// Whose it is: as an address of the inventory, then by the networks of `[[media]]`.
    fn by_media(&self, address: SocketAddr, called: &str) -> Option<ElementIndex> {
        let host = address.ip().to_canonical();
        let known = self.hosts.get(&host).and_then(|found| self.only(found, called));
        known.or_else(|| {
            let fits = |(network, _): &&(Network, ElementIndex)| network.contains(host);
            let narrowest = self.networks.iter().find(fits)?.0.prefix;
            let found: Vec<ElementIndex> = self
                .networks
                .iter()
                .filter(fits)
                .filter(|(network, _)| network.prefix == narrowest)
                .map(|(_, element)| *element)
                .collect();
            self.only(&found, called)
        })
    }

    fn by_signalling(&self, address: SocketAddr, called: &str) -> Option<ElementIndex> {
        let exact = self.sockets.get(&canonical(address)).and_then(|found| self.only(found, called));
        exact.or_else(|| self.by_media(address, called))
    }

    /// Who is at an end of a stream: as its address says; where that is a server of ours or nobody's, who signals there;
    /// and where the media passes our servers by, who signals at the far end of the call on this side.
    fn end_of(
        &self,
        by_media: Option<ElementIndex>,
        signals: SocketAddr,
        call: &Signalling<'_>,
        is_callee: bool,
    ) -> Option<ElementIndex> {
        let here = self.by_signalling(signals, call.called);
        let beyond = || {
            let ends = call.legs.iter().map(|(caller, callee)| if is_callee { *callee } else { *caller });
            let mut known = ends.filter_map(|end| self.far_side(self.by_signalling(end, call.called)));
            known.next().filter(|_| by_media.is_none())
        };
        self.far_side(by_media).or_else(|| self.far_side(here)).or_else(beyond).or(here).or(by_media)
    }

    /// An element that is an end of calls, no server of ours in between.
    fn far_side(&self, element: Option<ElementIndex>) -> Option<ElementIndex> {
        element.filter(|index| self.inventory.element(*index).kind != ElementKind::Server)
    }

    /// The one that is meant; of several trunks, the one that serves the number.
    fn only(&self, found: &[ElementIndex], called: &str) -> Option<ElementIndex> {
        if let [one] = found {
            return Some(*one);
        }
        let digits = digits(called);
        let fit = |index: ElementIndex| {
            let prefixes = &self.inventory.element(index).facts.prefixes;
            let fitting = prefixes.iter().map(|prefix| prefix.trim_start_matches('+'));
            fitting.filter(|prefix| digits.starts_with(*prefix)).map(str::len).max()
        };
        let longest = found.iter().filter_map(|index| fit(*index)).max()?;
        let mut best = found.iter().filter(|index| fit(**index) == Some(longest));
        let one = best.next()?;
        best.next().is_none().then_some(*one)
    }

    /// The gateway behind an access line, if there is one alone.
    fn only_gateway(&self, access: ElementIndex) -> Option<ElementIndex> {
        let behind = self.inventory.dependents(access);
        let mut gateways =
            behind.iter().filter(|index| self.inventory.element(**index).kind == ElementKind::Gateway);
        let one = gateways.next()?;
        gateways.next().is_none().then_some(*one)
    }

    fn only_customer(&self, index: ElementIndex) -> Option<String> {
        let customers = self.inventory.customers_behind(index);
        if let [one] = customers.as_slice() { Some((*one).to_owned()) } else { None }
    }
}

/// Whether calls begin, end or pass there.
const fn speaks(kind: ElementKind) -> bool {
    matches!(kind, ElementKind::Trunk | ElementKind::Gateway | ElementKind::Access | ElementKind::Server)
}

fn note(found: &mut Vec<ElementIndex>, element: ElementIndex) {
    if !found.contains(&element) {
        found.push(element);
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The digits of a number without the sign or digits that say "abroad".
fn digits(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").map(str::to_owned).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::parse;

    const NETWORK: &str = r#"
        [[server]]
        name = "sbc-1"
        address = "192.0.2.1"
        [[link]]
        name = "link-1"
        near = "sbc-1"
        [[trunk]]
        name = "trunk-1"
        link = "link-1"
        sip = "198.51.100.1:5060"
        prefixes = ["86"]
        [[trunk]]
        name = "trunk-2"
        link = "link-1"
        sip = "198.51.100.1:5080"
        prefixes = ["852", "853"]
        [[access]]
        name = "access-7"
        address = "203.0.113.7"
        [[gateway]]
        name = "gateway-7"
        access = "access-7"
        sip = "203.0.113.70:5060"
        [[customer]]
        name = "customer-7"
        gateways = ["gateway-7"]
        [[media]]
        element = "trunk-2"
        networks = ["198.51.100.128/25"]
    "#;

    fn atlas() -> Atlas {
        let settings = parse("test", NETWORK, []).expect("fine").settings;
        Atlas::new(settings.inventory, &settings.voice.media)
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn place(source: &str, destination: &str, call: Option<Signalling<'_>>) -> (String, Direction) {
        let place = atlas().place(&Ends { source: at(source), destination: at(destination), call });
        let or_dash = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let all = [&place.trunk, &place.gateway, &place.customer].map(or_dash);
        (all.join(" "), place.direction)
    }

    #[test]
    fn an_address_of_the_inventory_says_whose_media_it_is() {
        let (whose, direction) = place("203.0.113.70:4000", "192.0.2.1:8000", None);
        assert_eq!((whose.as_str(), direction), ("- gateway-7 customer-7", Direction::FromGateway));
        let (whose, direction) = place("192.0.2.1:8000", "203.0.113.7:4000", None);
        assert_eq!((whose.as_str(), direction), ("- gateway-7 customer-7", Direction::ToGateway));
        let (whose, direction) = place("198.51.100.200:4000", "192.0.2.1:8000", None);
        assert_eq!((whose.as_str(), direction), ("trunk-2 - -", Direction::FromTrunk));
        assert_eq!(place("10.0.0.1:1", "10.0.0.2:2", None), ("- - -".to_owned(), Direction::Unknown));
    }

    #[test]
    fn two_trunks_at_one_host_are_told_apart_by_port_and_number_or_not_at_all() {
        assert_eq!(place("198.51.100.1:4000", "192.0.2.1:8000", None).0, "- - -");
        let caller = at("203.0.113.70:5060");
        for (port, called, expected) in [
            (5060, "", "trunk-1"),
            (5080, "", "trunk-2"),
            (9, "008613800138000", "trunk-1"),
            (9, "+85291234567", "trunk-2"),
        ] {
            let callee = SocketAddr::new(at("198.51.100.1:1").ip(), port);
            let legs = [(caller, callee)];
            let call = Signalling { caller, callee, from_caller: false, called, legs: &legs };
            let (whose, direction) = place("198.51.100.1:4000", "192.0.2.1:8000", Some(call));
            assert_eq!(whose, format!("{expected} gateway-7 customer-7"), "{port} {called}");
            assert_eq!(direction, Direction::FromTrunk);
        }
    }

    #[test]
    fn media_between_our_own_servers_is_who_signals_at_its_end() {
        let (caller, callee) = (at("203.0.113.70:5060"), at("198.51.100.1:5080"));
        let server = at("192.0.2.1:5060");
        let legs = [(caller, server), (server, callee)];
        let on_trunk =
            |from_caller| Signalling { caller: server, callee, from_caller, called: "", legs: &legs };
        // The carrier's media comes from an address that nobody declared.
        let (whose, direction) = place("10.9.9.9:4000", "192.0.2.1:8000", Some(on_trunk(false)));
        assert_eq!((whose.as_str(), direction), ("trunk-2 gateway-7 customer-7", Direction::FromTrunk));
        let (whose, direction) = place("192.0.2.1:8000", "10.9.9.9:4000", Some(on_trunk(true)));
        assert_eq!((whose.as_str(), direction), ("trunk-2 gateway-7 customer-7", Direction::ToTrunk));
        // Where the media passes our server by, the leg that it was found on is not the trunk's.
        let on_gateway = Signalling { caller, callee: server, from_caller: false, called: "", legs: &legs };
        let (whose, direction) = place("10.9.9.9:4000", "203.0.113.70:8000", Some(on_gateway));
        assert_eq!((whose.as_str(), direction), ("trunk-2 gateway-7 customer-7", Direction::FromTrunk));
        // The customer's side of the same call.
        let call = Signalling { caller, callee: server, from_caller: true, called: "", legs: &legs };
        let (whose, direction) = place("203.0.113.70:4000", "192.0.2.1:8002", Some(call));
        assert_eq!((whose.as_str(), direction), ("trunk-2 gateway-7 customer-7", Direction::FromGateway));
    }
}
