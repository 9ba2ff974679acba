//! What `serve` watches when nobody told it anything: this host, its gateway, its resolvers.

use std::net::SocketAddr;

use super::read::{Loaded, parse};
use super::{HostFacts, Settings, SettingsMistake};
use crate::inventory::{Declarations, Declared, DeviceDeclaration, Inventory, ServerDeclaration};

/// Name of the default gateway as an element.
const GATEWAY: &str = "default-gateway";

impl Settings {
    /// Settings without a file: the defaults, the environment, and the network that this host's
    /// facts declare.
    ///
    /// # Errors
    /// Every mistake in the environment.
    pub fn without_file(
        facts: &HostFacts,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<SettingsMistake>> {
        loaded(facts, environment).map(|loaded| loaded.settings)
    }
}

impl Loaded {
    /// As [`Settings::without_file`], with the declarations.
    ///
    /// # Errors
    /// Every mistake in the environment.
    pub fn without_file(
        facts: &HostFacts,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<SettingsMistake>> {
        loaded(facts, environment)
    }
}

fn loaded(
    facts: &HostFacts,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, Vec<SettingsMistake>> {
    let mut loaded = parse("environment", "", environment)?;
    declare(facts, &mut loaded.declarations);
    let refused = |mistake: crate::inventory::Mistake| SettingsMistake::of("this host", mistake.message);
    let inventory = Inventory::build(&loaded.declarations)
        .map_err(|mistakes| mistakes.into_iter().map(refused).collect::<Vec<_>>())?;
    loaded.settings.inventory = std::sync::Arc::new(inventory);
    Ok(loaded)
}

/// Declares what the facts tell.
pub(super) fn declare(facts: &HostFacts, declarations: &mut Declarations) {
    let mut host = facts.element_name();
    // The host may be called like one of the others.
    if host == GATEWAY || host.starts_with("resolver-") {
        host = "this-host".to_owned();
    }
    let declared = |name: &str, what| Declared { span: 0..0, name: name.to_owned(), description: None, what };
    declarations.poller.server = Some(host.clone());
    declarations.servers.push(declared(&host, ServerDeclaration::default()));
    let gateway = facts.default_gateway.filter(|address| is_measurable(*address));
    if let Some(address) = gateway {
        let what = DeviceDeclaration { address: Some(address), ..DeviceDeclaration::default() };
        declarations.devices.push(Declared { span: 0..0, name: GATEWAY.to_owned(), description: None, what });
    }
    let mut resolvers: Vec<_> = facts.resolvers.iter().filter(|address| is_measurable(**address)).collect();
    resolvers.dedup();
    for (number, resolver) in resolvers.into_iter().enumerate() {
        let behind = gateway.filter(|gateway| gateway == resolver || !facts.is_near(*resolver));
        let what = ServerDeclaration {
            device: behind.map(|_| GATEWAY.to_owned()),
            dns: Some(SocketAddr::new(*resolver, 53)),
            dns_name: Some(".".to_owned()),
            ..ServerDeclaration::default()
        };
        declarations.servers.push(declared(&format!("resolver-{}", number + 1), what));
    }
}

/// Whether the inventory takes it: a link-local address says nothing without its interface.
fn is_measurable(address: std::net::IpAddr) -> bool {
    let link_local = matches!(address, std::net::IpAddr::V6(v6) if v6.is_unicast_link_local());
    !(link_local || address.is_unspecified() || address.is_multicast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_its_gateway_and_its_resolvers_are_watched() {
        let facts = HostFacts {
            hostname: Some("voice-1".to_owned()),
            interfaces: vec!["eth0".to_owned()],
            networks: vec![super::super::Network {
                address: "10.0.0.5".parse().expect("address"),
                prefix: 24,
            }],
            default_gateway: "10.0.0.1".parse().ok(),
            resolvers: ["127.0.0.53", "10.0.0.1", "10.0.0.9", "9.9.9.9", "fe80::1"]
                .iter()
                .flat_map(|a| a.parse())
                .collect(),
        };
        let settings = Settings::without_file(&facts, []).expect("fine");
        let inventory = &settings.inventory;
        let mut targets: Vec<&str> = inventory.targets().iter().map(|target| target.name.as_str()).collect();
        targets.sort_unstable();
        let expected = [
            "default-gateway/icmp",
            "resolver-1/dns",
            "resolver-2/dns",
            "resolver-3/dns",
            "resolver-4/dns",
            "voice-1/host",
        ];
        assert_eq!(targets, expected);
        let behind = |name: &str| inventory.path(inventory.find(name).expect("known")).len() == 2;
        assert!(
            !behind("resolver-1") && behind("resolver-2") && !behind("resolver-3") && behind("resolver-4")
        );
    }

    #[test]
    fn a_host_that_knows_nothing_of_itself_still_watches_itself() {
        let settings = Settings::without_file(&HostFacts::default(), []).expect("fine");
        assert_eq!(settings.inventory.targets().len(), 1);
        assert_eq!(settings.inventory.targets()[0].name, "this-host/host");
    }
}
