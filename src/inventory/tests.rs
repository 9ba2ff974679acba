//! What a finished inventory promises, and what an unfinished one is told.

use std::time::Duration;

use linesman_probes::probe::{ProbeKind, ProbeSpec};
use proptest::prelude::*;

use super::*;

fn declared<T: Default>(name: &str) -> Declared<T> {
    Declared { span: 0..0, name: name.to_owned(), description: None, what: T::default() }
}

fn with<T: Default>(name: &str, set: impl FnOnce(&mut T)) -> Declared<T> {
    let mut declared = declared(name);
    set(&mut declared.what);
    declared
}

fn some(name: &str) -> Option<String> {
    Some(name.to_owned())
}

/// One server that polls, a router, a link with a trunk, one customer behind an access line.
fn small() -> Declarations {
    Declarations {
        poller: PollerDeclaration { server: some("server-1"), ..PollerDeclaration::default() },
        sites: vec![declared("site-1")],
        servers: vec![with("server-1", |it: &mut ServerDeclaration| {
            it.site = some("site-1");
            it.device = some("device-1");
            it.address = "10.0.0.1".parse().ok();
            it.sip = "10.0.0.1:5060".parse().ok();
        })],
        devices: vec![with("device-1", |it: &mut DeviceDeclaration| {
            it.site = some("site-1");
            it.address = "10.0.0.2".parse().ok();
        })],
        links: vec![with("link-1", |it: &mut LinkDeclaration| {
            it.near = some("device-1");
            it.far_address = "10.1.0.1".parse().ok();
        })],
        trunks: vec![with("trunk-1", |it: &mut TrunkDeclaration| {
            it.link = some("link-1");
            it.sip = "10.1.0.2:5060".parse().ok();
        })],
        gateways: vec![with("gateway-1", |it: &mut GatewayDeclaration| {
            it.access = some("access-1");
            it.address = "10.2.0.2".parse().ok();
            it.aor = some("sip:1@example.net");
            it.registrar = some("server-1");
        })],
        accesses: vec![with("access-1", |it: &mut AccessDeclaration| {
            it.device = some("device-1");
            it.address = "10.2.0.1".parse().ok();
        })],
        customers: vec![with("customer-1", |it: &mut CustomerDeclaration| {
            it.gateways = vec!["gateway-1".to_owned()];
            it.access = vec!["access-1".to_owned()];
        })],
        ..Declarations::default()
    }
}

fn names(inventory: &Inventory, indices: &[ElementIndex]) -> Vec<String> {
    indices.iter().map(|index| inventory.element(*index).name.clone()).collect()
}

fn path(inventory: &Inventory, name: &str) -> Vec<String> {
    names(inventory, inventory.path(inventory.find(name).expect("known")))
}

fn mistakes(declarations: &Declarations) -> Vec<(MistakeKind, String)> {
    let mistakes = Inventory::build(declarations).expect_err("mistakes");
    mistakes.into_iter().map(|mistake| (mistake.kind, mistake.message)).collect()
}

#[test]
fn a_path_holds_what_carries_the_packets_nearest_first_and_itself_last() {
    let inventory = Inventory::build(&small()).expect("fine");
    assert_eq!(path(&inventory, "trunk-1"), ["device-1", "link-1", "trunk-1"]);
    assert_eq!(path(&inventory, "gateway-1"), ["device-1", "access-1", "gateway-1"]);
    assert_eq!(path(&inventory, "customer-1"), ["device-1", "access-1", "gateway-1"]);
    assert_eq!(path(&inventory, "server-1"), ["server-1"], "nothing lies before the poller");
    assert!(path(&inventory, "site-1").is_empty());
}

#[test]
fn what_lies_behind_the_pollers_own_server_is_not_behind_that_servers_switch() {
    let mut network = small();
    network.links[0].what.near = some("server-1");
    let inventory = Inventory::build(&network).expect("fine");
    assert_eq!(path(&inventory, "trunk-1"), ["server-1", "link-1", "trunk-1"]);
}

#[test]
fn dependents_and_customers_are_known_through_every_kind() {
    let inventory = Inventory::build(&small()).expect("fine");
    let device = inventory.find("device-1").expect("known");
    let behind = names(&inventory, inventory.dependents(device));
    assert_eq!(behind, ["server-1", "link-1", "access-1", "trunk-1", "gateway-1", "customer-1"]);
    assert_eq!(inventory.customers_behind(device), ["customer-1"]);
    let gateway = inventory.find("gateway-1").expect("known");
    assert_eq!(inventory.registrar(gateway), inventory.find("server-1"));
}

#[test]
fn targets_are_named_by_element_and_probe_and_found_by_both() {
    let inventory = Inventory::build(&small()).expect("fine");
    let mut all: Vec<&str> = inventory.targets().iter().map(|target| target.name.as_str()).collect();
    all.sort_unstable();
    let expected = [
        "access-1/icmp",
        "device-1/icmp",
        "gateway-1/icmp",
        "gateway-1/registration",
        "link-1/icmp",
        "server-1/host",
        "server-1/icmp",
        "server-1/sip",
        "trunk-1/sip",
    ];
    assert_eq!(all, expected);
    let server = inventory.find("server-1").expect("known");
    assert_eq!(inventory.targets_of(server).count(), 3);
    assert_eq!(inventory.find_target("link-1/icmp").map(|target| target.count), Some(5));
    assert_eq!(inventory.find_target("link-1/sip"), None);
}

#[test]
fn an_override_of_one_probe_wins_over_that_of_its_element() {
    let mut network = small();
    let exception = |kind, seconds, count| ProbeOverride {
        span: 0..0,
        element: "gateway-1".to_owned(),
        kind,
        interval: Some(Duration::from_secs(seconds)),
        count,
        timeout: None,
    };
    network.overrides = vec![exception(Some(ProbeKind::Icmp), 30, Some(20)), exception(None, 60, None)];
    let inventory = Inventory::build(&network).expect("fine");
    let of = |name: &str| inventory.find_target(name).map(|target| (target.interval.as_secs(), target.count));
    assert_eq!(of("gateway-1/icmp"), Some((30, 20)));
    assert_eq!(of("gateway-1/registration"), Some((60, 1)));
    assert_eq!(of("access-1/icmp"), Some((5, 5)));
}

#[test]
fn a_circle_is_named_all_the_way_round() {
    let mut network = small();
    network.devices[0].what.link = some("link-1");
    let told = mistakes(&network);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, MistakeKind::Cycle);
    assert!(told[0].1.starts_with("device-1 -> link-1 -> device-1 "), "{}", told[0].1);
}

#[test]
fn a_dangling_name_is_told_with_the_name_that_was_meant_and_a_wrong_kind_with_both_kinds() {
    let mut network = small();
    network.gateways[0].what.access = some("acess-1");
    network.trunks[0].what.link = some("device-1");
    let told = mistakes(&network);
    assert!(
        told.iter().any(|(_, text)| text == "access: no access is named `acess-1`; did you mean `access-1`?")
    );
    assert!(told.iter().any(|(_, text)| text == "link: `device-1` is a device, not a link"), "{told:?}");
    assert!(told.iter().all(|(kind, _)| *kind == MistakeKind::Dangling));
}

#[test]
fn every_mistake_is_told_at_once() {
    let mut network = small();
    network.customers.push(declared("site-1"));
    network.devices[0].what.address = "255.255.255.255".parse().ok();
    network.servers[0].what.sip = None;
    network.customers[0].what.gateways.push("gateway-1".to_owned());
    network.defaults.interval = Duration::from_millis(100);
    network.poller.anchors = vec!["10.1.0.1".parse().expect("an address")];
    let told = mistakes(&network);
    for part in [
        "is already the name of a site",
        "is the broadcast address",
        "server `server-1` has no `sip`",
        "stands here twice",
        "interval: 100ms is outside",
        "anchor 10.1.0.1 is the address of link-1",
    ] {
        assert!(told.iter().any(|(_, text)| text.contains(part)), "{part}: {told:#?}");
    }
}

#[test]
fn an_override_that_cannot_take_effect_is_a_mistake() {
    let mut network = small();
    let exception = |element: &str, kind, interval: Option<u64>| ProbeOverride {
        span: 0..0,
        element: element.to_owned(),
        kind,
        interval: interval.map(Duration::from_secs),
        count: None,
        timeout: None,
    };
    network.overrides = vec![
        exception("gateway-1", Some(ProbeKind::Sip), Some(9)),
        exception("gateway-1", None, None),
        exception("customer-1", None, Some(9)),
        exception("access-1", None, Some(1)),
    ];
    let told = mistakes(&network);
    for part in [
        "does not have sip probe; it has icmp, registration",
        "changes nothing",
        "is a customer, not",
        "is longer than the interval 1s",
    ] {
        assert!(told.iter().any(|(_, text)| text.contains(part)), "{part}: {told:#?}");
    }
}

#[test]
fn a_hundred_thousand_elements_are_built() {
    let mut network = small();
    for number in 2..33_000 {
        let access = format!("access-{number}");
        let gateway = format!("gateway-{number}");
        network.customers.push(with(&format!("customer-{number}"), |it: &mut CustomerDeclaration| {
            it.gateways = vec![gateway.clone()];
            it.access = vec![access.clone()];
        }));
        network.gateways.push(with(&gateway, |it: &mut GatewayDeclaration| {
            it.access = Some(access.clone());
            it.address = Some(IpAddr::from([10, 3, (number >> 8) as u8, number as u8]));
        }));
        network.accesses.push(with(&access, |it: &mut AccessDeclaration| it.device = some("device-1")));
    }
    network.sites.extend((2..2_000).map(|number| declared(&format!("site-{number}"))));
    let inventory = Inventory::build(&network).expect("fine");
    assert!(inventory.elements().len() > 100_000);
    let device = inventory.find("device-1").expect("known");
    assert_eq!(inventory.customers_behind(device).len(), 32_999);
}

#[test]
fn a_chain_too_long_to_be_a_network_is_refused() {
    let mut network = Declarations::default();
    for number in 0..100_000 {
        network.devices.push(with(&format!("d{number}"), |it: &mut DeviceDeclaration| {
            it.device = (number > 0).then(|| format!("d{}", number - 1));
        }));
    }
    assert!(mistakes(&network)[0].1.contains("more than 256 elements"));
}

/// A name out of few, so that references meet.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![8 => (0..12u8).prop_map(|n| format!("n{n}")), 1 => ".{0,4}"]
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(0.4, name())
}

prop_compose! {
    fn any_network()(
        sites in proptest::collection::vec(name(), 0..3),
        servers in proptest::collection::vec((name(), maybe(), maybe(), any::<Option<std::net::SocketAddr>>()), 0..4),
        devices in proptest::collection::vec((name(), maybe(), maybe(), maybe(), any::<Option<IpAddr>>()), 0..4),
        links in proptest::collection::vec((name(), maybe()), 0..4),
        gateways in proptest::collection::vec((name(), maybe(), maybe(), maybe()), 0..4),
        customers in proptest::collection::vec((name(), proptest::collection::vec(name(), 0..3)), 0..3),
        overrides in proptest::collection::vec((name(), any::<Option<Duration>>(), any::<Option<u32>>()), 0..2),
        poller in maybe(),
    ) -> Declarations {
        let mut network = Declarations::default();
        network.poller.server = poller;
        network.sites = sites.iter().map(|name| declared(name)).collect();
        for (name, site, device, sip) in servers {
            network.servers.push(with(&name, |it: &mut ServerDeclaration| (it.site, it.device, it.sip) = (site, device, sip)));
        }
        for (name, site, device, link, address) in devices {
            network.devices.push(with(&name, |it: &mut DeviceDeclaration| {
                (it.site, it.device, it.link, it.address) = (site, device, link, address);
            }));
        }
        for (name, near) in links {
            network.links.push(with(&name, |it: &mut LinkDeclaration| it.near = near));
        }
        for (name, site, device, registrar) in gateways {
            network.gateways.push(with(&name, |it: &mut GatewayDeclaration| {
                it.aor = registrar.as_ref().map(|_| "sip:1@x".to_owned());
                (it.site, it.device, it.registrar) = (site, device, registrar);
            }));
        }
        for (name, gateways) in customers {
            network.customers.push(with(&name, |it: &mut CustomerDeclaration| it.gateways = gateways));
        }
        network.overrides = overrides.into_iter().map(|(element, interval, count)| ProbeOverride {
            span: 0..0, element, kind: None, interval, count, timeout: None,
        }).collect();
        network
    }
}

/// A network without mistakes: everybody depends on earlier names only.
fn sound_network() -> impl Strategy<Value = Declarations> {
    (
        1..10usize,
        proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<bool>()), 1..30),
    )
        .prop_map(|(poller, choices)| {
            let mut network = small();
            for (number, (choice, is_link, on_server)) in choices.iter().enumerate() {
                let devices: Vec<String> = network.devices.iter().map(|device| device.name.clone()).collect();
                let links: Vec<String> = network.links.iter().map(|link| link.name.clone()).collect();
                if *is_link {
                    network.links.push(with(&format!("l{number}"), |it: &mut LinkDeclaration| {
                        it.near = Some(if *on_server {
                            "server-1".to_owned()
                        } else {
                            choice.get(&devices).clone()
                        });
                    }));
                } else {
                    network.devices.push(with(&format!("d{number}"), |it: &mut DeviceDeclaration| {
                        it.site = some("site-1");
                        it.link = Some(choice.get(&links).clone());
                        it.device = Some(choice.get(&devices).clone());
                    }));
                }
            }
            network.poller.server = (poller > 5).then(|| "server-1".to_owned());
            network
        })
}

fn holds_its_promises(inventory: &Inventory) {
    for (place, element) in inventory.elements().iter().enumerate() {
        let index = ElementIndex(place);
        assert_eq!(inventory.find(&element.name), Some(index));
        assert!(element.depends_on.iter().all(|parent| parent.0 < place), "nobody before what it depends on");
        let path = inventory.path(index);
        assert!(path.is_sorted_by(|a, b| a < b));
        assert_eq!(path.last() == Some(&index), element.kind.carries_packets());
        for on_path in path {
            assert!(inventory.element(*on_path).kind.carries_packets());
            assert!(*on_path == index || inventory.dependents(*on_path).contains(&index));
        }
        if inventory.poller() != Some(index) {
            for parent in &element.depends_on {
                let carries = inventory.element(*parent).kind.carries_packets();
                assert_eq!(
                    path.contains(parent),
                    carries,
                    "a direct dependency is on the path if it carries packets"
                );
            }
        }
        assert!(inventory.dependents(index).is_sorted_by(|a, b| a < b));
        for target in inventory.targets_of(index) {
            assert_eq!(target.element, index);
            assert_eq!(inventory.find_target(&target.name), Some(target));
            assert!(target.timeout <= target.interval && target.count > 0);
            assert_eq!(target.spec == ProbeSpec::Host, target.name.ends_with("/host"));
        }
    }
    let of_elements: usize =
        (0..inventory.elements().len()).map(|i| inventory.targets_of(ElementIndex(i)).count()).sum();
    assert_eq!(of_elements, inventory.targets().len());
}

proptest! {
    #[test]
    fn any_declarations_are_built_or_refused_but_never_panic(network in any_network()) {
        if let Ok(inventory) = Inventory::build(&network) {
            holds_its_promises(&inventory);
        }
    }

    #[test]
    fn a_sound_network_is_built_and_holds_its_promises(network in sound_network()) {
        let inventory = Inventory::build(&network).expect("sound");
        holds_its_promises(&inventory);
    }
}
