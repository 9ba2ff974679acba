//! The network's part of the file: `[poller]`, `[probes]`, `[[server]]` and all its like.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use linesman_probes::sip::call::CallCodec;
use toml::de::DeTable;

use super::environment::Variable;
use super::mistake::{At, Mistakes};
use super::places::Places;
use super::section::Section;
use super::value::{self, Read, Stated};
use crate::inventory::{
    AccessDeclaration, CustomerDeclaration, Declarations, Declared, DeviceDeclaration, GatewayDeclaration,
    LinkDeclaration, Owner, ProbeOverride, ServerDeclaration, SiteDeclaration, TestCallDeclaration,
    TrunkDeclaration,
};

/// Stands for an address that was stated and is misread, so that what refers to it is not
/// reported as well. The settings are refused in any case.
const MISREAD: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Usual port of SIP over UDP and TCP (RFC 3261 section 19.1.2).
const SIP_PORT: u16 = 5060;
/// Usual port of DNS (RFC 1035 section 4.2).
const DNS_PORT: u16 = 53;

/// Declarations as far as they can be read.
pub(super) fn read(
    root: &DeTable<'_>,
    variables: &[Variable],
    places: &mut Places,
    mistakes: &mut Mistakes,
) -> Declarations {
    let mut declarations = Declarations::default();
    let defaults = &mut declarations.defaults;
    let mut section = Section::single(root, variables, "probes", mistakes);
    section.set(mistakes, "interval", &mut defaults.interval, value::any_span_of_time);
    section.set(mistakes, "count", &mut defaults.icmp_count, value::whole(0..=u32::MAX));
    section.set(mistakes, "timeout", &mut defaults.timeout, value::any_span_of_time);
    places.note(0, section.finish(mistakes));

    let poller = &mut declarations.poller;
    let mut section = Section::single(root, variables, "poller", mistakes);
    poller.span = section.span();
    poller.server = section.read(mistakes, "server", value::name);
    poller.anchors = section.read_list(mistakes, "anchors", value::address);
    places.note(poller.span.start, section.finish(mistakes));

    let mut reader = Reader { root, places, mistakes };
    declarations.sites = reader.all("site", |_, _| SiteDeclaration {});
    declarations.servers = reader.all("server", server);
    declarations.devices = reader.all("device", |section, mistakes| DeviceDeclaration {
        site: section.read(mistakes, "site", value::name),
        device: section.read(mistakes, "device", value::name),
        link: section.read(mistakes, "link", value::name),
        address: address(section, mistakes, "address"),
        tcp: socket(section, mistakes, "tcp", None),
        sip: socket(section, mistakes, "sip", Some(SIP_PORT)),
        model: section.read(mistakes, "model", value::text),
    });
    declarations.links = reader.all("link", |section, mistakes| LinkDeclaration {
        carrier: section.read(mistakes, "carrier", value::text),
        circuit: section.read(mistakes, "circuit", value::text),
        near: section.read(mistakes, "near", value::name),
        far: section.read(mistakes, "far", value::text),
        far_address: address(section, mistakes, "far_address"),
        far_tcp: socket(section, mistakes, "far_tcp", None),
        far_sip: socket(section, mistakes, "far_sip", Some(SIP_PORT)),
    });
    declarations.trunks = reader.all("trunk", |section, mistakes| TrunkDeclaration {
        carrier: section.read(mistakes, "carrier", value::text),
        link: section.read(mistakes, "link", value::name),
        sip: socket(section, mistakes, "sip", Some(SIP_PORT)),
        sip_transport: section.read(mistakes, "sip_transport", value::transport),
        address: address(section, mistakes, "address"),
        prefixes: section.read_list(mistakes, "prefixes", value::name),
    });
    declarations.gateways = reader.all("gateway", gateway);
    declarations.accesses = reader.all("access", |section, mistakes| AccessDeclaration {
        site: section.read(mistakes, "site", value::name),
        device: section.read(mistakes, "device", value::name),
        link: section.read(mistakes, "link", value::name),
        address: address(section, mistakes, "address"),
        tcp: socket(section, mistakes, "tcp", None),
        sip: socket(section, mistakes, "sip", Some(SIP_PORT)),
    });
    declarations.customers = reader.all("customer", |section, mistakes| CustomerDeclaration {
        gateways: section.read_list(mistakes, "gateways", value::name),
        access: section.read_list(mistakes, "access", value::name),
        trunks: section.read_list(mistakes, "trunks", value::name),
        contacts: section.read_list(mistakes, "contacts", value::text),
        key_account: section.read(mistakes, "key_account", value::boolean).unwrap_or_default(),
    });
    declarations.overrides = reader.overrides();
    declarations.test_calls = reader.test_calls();
    declarations
}

fn server(section: &mut Section<'_>, mistakes: &mut Mistakes) -> ServerDeclaration {
    ServerDeclaration {
        site: section.read(mistakes, "site", value::name),
        device: section.read(mistakes, "device", value::name),
        address: address(section, mistakes, "address"),
        sip: socket(section, mistakes, "sip", Some(SIP_PORT)),
        sip_transport: section.read(mistakes, "sip_transport", value::transport),
        tcp: socket(section, mistakes, "tcp", None),
        http: section.read(mistakes, "http", value::text),
        dns: socket(section, mistakes, "dns", Some(DNS_PORT)),
        dns_name: section.read(mistakes, "dns_name", value::text),
    }
}

fn gateway(section: &mut Section<'_>, mistakes: &mut Mistakes) -> GatewayDeclaration {
    let mut owner = Owner::default();
    section.set(mistakes, "owner", &mut owner, value::owner);
    GatewayDeclaration {
        owner,
        model: section.read(mistakes, "model", value::text),
        access: section.read(mistakes, "access", value::name),
        site: section.read(mistakes, "site", value::name),
        device: section.read(mistakes, "device", value::name),
        address: address(section, mistakes, "address"),
        sip: socket(section, mistakes, "sip", Some(SIP_PORT)),
        sip_transport: section.read(mistakes, "sip_transport", value::transport),
        tcp: socket(section, mistakes, "tcp", None),
        aor: text_or(section, mistakes, "aor", "sip:misread@invalid"),
        registrar: section.read(mistakes, "registrar", value::name),
    }
}

fn address(section: &mut Section<'_>, mistakes: &mut Mistakes, key: &'static str) -> Option<IpAddr> {
    let value = section.read(mistakes, key, value::address);
    value.or_else(|| section.states(key).then_some(MISREAD))
}

fn socket(
    section: &mut Section<'_>,
    mistakes: &mut Mistakes,
    key: &'static str,
    usual_port: Option<u16>,
) -> Option<SocketAddr> {
    let value = section.read(mistakes, key, value::socket(usual_port));
    value.or_else(|| section.states(key).then_some(SocketAddr::new(MISREAD, SIP_PORT)))
}

fn text_or(
    section: &mut Section<'_>,
    mistakes: &mut Mistakes,
    key: &'static str,
    misread: &str,
) -> Option<String> {
    let value = section.read(mistakes, key, value::text);
    value.or_else(|| section.states(key).then(|| misread.to_owned()))
}

/// Reads lists of tables.
struct Reader<'d, 'm> {
    root: &'d DeTable<'d>,
    places: &'m mut Places,
    mistakes: &'m mut Mistakes,
}

impl<'d> Reader<'d, '_> {
    fn all<T>(
        &mut self,
        kind: &'static str,
        what: impl Fn(&mut Section<'d>, &mut Mistakes) -> T,
    ) -> Vec<Declared<T>> {
        let mut all = Vec::new();
        for mut section in Section::list(self.root, kind, self.mistakes) {
            let name = self.name(&mut section, "name", kind);
            let description = section.read(self.mistakes, "description", value::text);
            let what = what(&mut section, self.mistakes);
            let span = bytes(section.at("name"));
            self.places.note(span.start, section.finish(self.mistakes));
            // Without a name there is nothing to connect; the mistake is already noted.
            if let Some(name) = name {
                all.push(Declared { span, name, description, what });
            }
        }
        all
    }

    /// A key without which the table says nothing.
    fn name(&mut self, section: &mut Section<'d>, key: &'static str, kind: &str) -> Option<String> {
        let name = section.read(self.mistakes, key, value::name);
        if !section.states(key) {
            let wrong = format!("this [[{kind}]] has no `{key}`; state {key} = \"…\"");
            self.mistakes.add(At::Bytes(section.span()), wrong);
        }
        name
    }

    fn overrides(&mut self) -> Vec<ProbeOverride> {
        let mut overrides = Vec::new();
        for mut section in Section::list(self.root, "override", self.mistakes) {
            let element = self.name(&mut section, "element", "override");
            let before = self.mistakes.count();
            let read_time = value::any_span_of_time as fn(Stated<'d>) -> Read<std::time::Duration>;
            let kind = section.read(self.mistakes, "probe", value::probe_kind);
            let interval = section.read(self.mistakes, "interval", read_time);
            let count = section.read(self.mistakes, "count", value::whole(0..=u32::MAX));
            let timeout = section.read(self.mistakes, "timeout", read_time);
            let span = bytes(section.at("element"));
            self.places.note(span.start, section.finish(self.mistakes));
            let whole = self.mistakes.count() == before;
            if let (Some(element), true) = (element, whole) {
                overrides.push(ProbeOverride { span, element, kind, interval, count, timeout });
            }
        }
        overrides
    }
}

impl Reader<'_, '_> {
    fn test_calls(&mut self) -> Vec<TestCallDeclaration> {
        const SECOND: Duration = Duration::from_secs(1);
        let mut calls = Vec::new();
        for mut section in Section::list(self.root, "test_call", self.mistakes) {
            let element = self.name(&mut section, "element", "test_call");
            let before = self.mistakes.count();
            let mut call = TestCallDeclaration::default();
            let to = section.read(self.mistakes, "to", value::text);
            if !section.states("to") {
                let wrong =
                    "this [[test_call]] calls nobody; state to = \"600\" or to = \"sip:600@192.0.2.1:5060\"";
                self.mistakes.add(At::Bytes(section.span()), wrong);
            }
            let mistakes = &mut *self.mistakes;
            let interval = value::span_of_time(30 * SECOND..=86_400 * SECOND);
            section.set(mistakes, "interval", &mut call.interval, interval);
            section.set(
                mistakes,
                "duration",
                &mut call.duration,
                value::span_of_time(3 * SECOND..=60 * SECOND),
            );
            section.set(mistakes, "timeout", &mut call.timeout, value::span_of_time(SECOND..=60 * SECOND));
            let codecs = CallCodec::ALL.map(|codec| (codec.name(), codec));
            section.set(mistakes, "codec", &mut call.codec, |it| value::one_of(it, &codecs));
            call.from = section.read(mistakes, "from", value::text);
            call.user = section.read(mistakes, "user", value::text);
            call.password_file = section.read(mistakes, "password_file", value::text).map(PathBuf::from);
            call.span = bytes(section.at("element"));
            self.places.note(call.span.start, section.finish(self.mistakes));
            let whole = self.mistakes.count() == before;
            if let (Some(element), Some(to), true) = (element, to, whole) {
                calls.push(TestCallDeclaration { element, to, ..call });
            }
        }
        calls
    }
}

fn bytes(at: At) -> std::ops::Range<usize> {
    match at {
        At::Bytes(range) => range,
        At::Variable(_) => 0..0,
    }
}
