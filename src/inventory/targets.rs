//! What the declarations of each kind depend on, and what is measured of them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use linesman_probes::probe::{ProbeKind, ProbeSpec, Transport};

use super::build::{Builder, Field, MistakeKind, Node};
use super::declare::{Declarations, ProbeDefaults, ProbeOverride};
use super::test_call::TestCall;
use super::{ElementIndex, ElementKind, Target, check};

/// Bytes of payload of an echo request: those of ping(8).
const ICMP_PAYLOAD: u16 = 56;

impl Builder<'_> {
    /// Resolves every dependency and makes every probe.
    pub(super) fn connect(&mut self, declarations: &Declarations) {
        use ElementKind::{Access, Device, Gateway, Link, Server, Site};
        let site = Field::of("site");
        let device = Field::of("device");
        let link = Field::of("link");
        // Nodes stand in the order in which the kinds were named.
        let mut node = declarations.sites.len();
        for declared in &declarations.servers {
            let server = &declared.what;
            self.depend(node, site, server.site.as_deref(), &[Site]);
            self.depend(node, device, server.device.as_deref(), &[Device]);
            self.icmp(node, "address", server.address);
            self.sip(node, "sip", server.sip, server.sip_transport);
            self.tcp(node, "tcp", server.tcp);
            self.http(node, server.http.as_deref());
            self.dns(node, server.dns, server.dns_name.as_deref());
            node += 1;
        }
        for declared in &declarations.devices {
            let it = &declared.what;
            self.depend(node, site, it.site.as_deref(), &[Site]);
            self.depend(node, device, it.device.as_deref(), &[Device]);
            self.depend(node, link, it.link.as_deref(), &[Link]);
            self.icmp(node, "address", it.address);
            self.tcp(node, "tcp", it.tcp);
            self.sip(node, "sip", it.sip, None);
            self.nodes[node].facts.model.clone_from(&it.model);
            node += 1;
        }
        for declared in &declarations.links {
            let it = &declared.what;
            self.depend(node, Field::of("near"), it.near.as_deref(), &[Device, Server]);
            self.icmp(node, "far_address", it.far_address);
            self.tcp(node, "far_tcp", it.far_tcp);
            self.sip(node, "far_sip", it.far_sip, None);
            let facts = &mut self.nodes[node].facts;
            facts.carrier.clone_from(&it.carrier);
            facts.circuit.clone_from(&it.circuit);
            facts.far_end.clone_from(&it.far);
            node += 1;
        }
        for declared in &declarations.trunks {
            let trunk = &declared.what;
            self.depend(node, link, trunk.link.as_deref(), &[Link]);
            self.icmp(node, "address", trunk.address);
            self.sip(node, "sip", trunk.sip, trunk.sip_transport);
            self.prefixes(node, &trunk.prefixes);
            self.nodes[node].facts.carrier.clone_from(&trunk.carrier);
            node += 1;
        }
        for declared in &declarations.gateways {
            let gateway = &declared.what;
            self.depend(node, Field::of("access"), gateway.access.as_deref(), &[Access]);
            self.depend(node, site, gateway.site.as_deref(), &[Site]);
            self.depend(node, device, gateway.device.as_deref(), &[Device]);
            self.icmp(node, "address", gateway.address);
            self.sip(node, "sip", gateway.sip, gateway.sip_transport);
            self.tcp(node, "tcp", gateway.tcp);
            self.registration(node, gateway.aor.as_deref(), gateway.registrar.as_deref(), declarations);
            let facts = &mut self.nodes[node].facts;
            facts.owner = Some(gateway.owner);
            facts.model.clone_from(&gateway.model);
            node += 1;
        }
        for declared in &declarations.accesses {
            let access = &declared.what;
            self.depend(node, site, access.site.as_deref(), &[Site]);
            self.depend(node, device, access.device.as_deref(), &[Device]);
            self.depend(node, link, access.link.as_deref(), &[Link]);
            self.icmp(node, "address", access.address);
            self.tcp(node, "tcp", access.tcp);
            self.sip(node, "sip", access.sip, None);
            node += 1;
        }
        for declared in &declarations.customers {
            let customer = &declared.what;
            self.depend_on_each(node, "gateways", &customer.gateways, Gateway);
            self.depend_on_each(node, "access", &customer.access, Access);
            self.depend_on_each(node, "trunks", &customer.trunks, ElementKind::Trunk);
            let facts = &mut self.nodes[node].facts;
            facts.contacts.clone_from(&customer.contacts);
            facts.key_account = customer.key_account;
            node += 1;
        }
    }

    /// A list of names, of which a customer may have thousands.
    fn depend_on_each(&mut self, node: usize, key: &'static str, names: &[String], wanted: ElementKind) {
        let span = self.nodes[node].span;
        let mut seen = std::collections::HashSet::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let field = Field { key, index };
            if !seen.insert(name) {
                self.mistake(
                    MistakeKind::Duplicate,
                    span,
                    Some(field),
                    format!("{key}: `{name}` stands here twice"),
                );
                continue;
            }
            let Some(parent) = self.resolve(span, field, name, &[wanted]) else { continue };
            self.nodes[node].depends_on.push(parent);
        }
    }

    fn object(&mut self, node: usize, key: &'static str, objection: Option<String>) {
        let Some(objection) = objection else { return };
        let span = self.nodes[node].span;
        self.mistake(MistakeKind::Value, span, Some(Field::of(key)), format!("{key}: {objection}"));
    }

    fn icmp(&mut self, node: usize, key: &'static str, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        self.object(node, key, check::address(address));
        self.nodes[node].probes.push(ProbeSpec::Icmp { address, payload: ICMP_PAYLOAD });
    }

    fn sip(
        &mut self,
        node: usize,
        key: &'static str,
        address: Option<SocketAddr>,
        transport: Option<Transport>,
    ) {
        let Some(address) = address else {
            let objection =
                "says how to send to `sip`, which is not stated; state sip = \"ADDRESS:PORT\" too";
            self.object(node, "sip_transport", transport.map(|_| objection.to_owned()));
            return;
        };
        self.object(node, key, check::socket(address));
        let transport = transport.unwrap_or(Transport::Udp);
        self.nodes[node].probes.push(ProbeSpec::Sip { address, transport, uri: None });
    }

    fn tcp(&mut self, node: usize, key: &'static str, address: Option<SocketAddr>) {
        let Some(address) = address else { return };
        self.object(node, key, check::socket(address));
        self.nodes[node].probes.push(ProbeSpec::Tcp { address });
    }

    fn http(&mut self, node: usize, url: Option<&str>) {
        let Some(url) = url else { return };
        self.object(node, "http", check::url(url));
        self.nodes[node].probes.push(ProbeSpec::Http { url: url.to_owned() });
    }

    fn dns(&mut self, node: usize, server: Option<SocketAddr>, name: Option<&str>) {
        let Some(server) = server else {
            let objection = "says what to ask of `dns`, which is not stated; state dns = \"ADDRESS\" too";
            self.object(node, "dns_name", name.map(|_| objection.to_owned()));
            return;
        };
        let name = name.unwrap_or(".");
        self.object(node, "dns", check::socket(server));
        self.object(node, "dns_name", check::dns_name(name));
        self.nodes[node].probes.push(ProbeSpec::Dns { server, name: name.to_owned() });
    }

    fn registration(
        &mut self,
        node: usize,
        aor: Option<&str>,
        registrar: Option<&str>,
        declarations: &Declarations,
    ) {
        let span = self.nodes[node].span;
        let field = Field::of("registrar");
        let server = registrar.and_then(|name| self.resolve(span, field, name, &[ElementKind::Server]));
        let aor = match (aor, registrar) {
            (Some(aor), Some(_)) => aor,
            (Some(_), None) => {
                let objection = "nobody is named to ask for it; state registrar = \"SERVER\" too";
                return self.object(node, "aor", Some(objection.to_owned()));
            }
            (None, Some(_)) => {
                let objection = "no address of record is named to ask it for; state aor = \"sip:…\" too";
                return self.object(node, "registrar", Some(objection.to_owned()));
            }
            (None, None) => return,
        };
        self.object(node, "aor", check::aor(aor));
        let Some(server) = server else { return };
        let declared = &declarations.servers[server - declarations.sites.len()].what;
        let Some(address) = declared.sip else {
            let name = self.nodes[server].name;
            let objection = format!("server `{name}` has no `sip`; state there where it takes SIP");
            return self.object(node, "registrar", Some(objection));
        };
        let transport = declared.sip_transport.unwrap_or(Transport::Udp);
        let spec = ProbeSpec::Registration { registrar: address, transport, aor: aor.to_owned() };
        self.nodes[node].probes.push(spec);
        self.nodes[node].registrar = Some(server);
    }

    fn prefixes(&mut self, node: usize, prefixes: &[String]) {
        let span = self.nodes[node].span;
        for (index, prefix) in prefixes.iter().enumerate() {
            let digits = prefix.strip_prefix('+').unwrap_or(prefix);
            let fine = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            if fine {
                continue;
            }
            let message =
                format!("prefixes: `{}` is no prefix; write 1 to 15 digits (E.164)", prefix.escape_debug());
            self.mistake(MistakeKind::Value, span, Some(Field { key: "prefixes", index }), message);
        }
        self.nodes[node].facts.prefixes = prefixes.to_vec();
    }
}

/// How often each target is measured.
pub(super) struct Pacing {
    defaults: ProbeDefaults,
    by_probe: HashMap<(usize, Option<ProbeKind>), ProbeOverride>,
}

impl Pacing {
    /// The defaults and their checked exceptions.
    pub(super) fn of(declarations: &Declarations, builder: &mut Builder<'_>) -> Self {
        let nowhere: Range<usize> = 0..0;
        for (key, objection) in check::pace(&declarations.defaults) {
            let message = format!("{key}: {objection}");
            builder.mistake(MistakeKind::Value, &nowhere, Some(Field::of(key)), message);
        }
        let mut pacing = Self { defaults: declarations.defaults.clone(), by_probe: HashMap::new() };
        for exception in &declarations.overrides {
            pacing.admit(exception, builder);
        }
        let exceptions: Vec<_> = pacing.by_probe.iter().collect();
        for ((node, kind), exception) in exceptions {
            let kinds: Vec<ProbeKind> = builder.nodes[*node].probes.iter().map(ProbeSpec::kind).collect();
            let mut objections: Vec<(&str, String)> = Vec::new();
            for probe in kinds.into_iter().filter(|probe| kind.is_none_or(|kind| kind == *probe)) {
                for objection in check::pace(&pacing.for_probe(*node, probe)) {
                    if !objections.contains(&objection) {
                        objections.push(objection);
                    }
                }
            }
            if !check::pace(&declarations.defaults).is_empty() {
                continue;
            }
            for (key, objection) in objections {
                let message = format!("{key}: {objection}");
                builder.mistake(MistakeKind::Value, &exception.span, Some(Field::of(key)), message);
            }
        }
        pacing
    }

    fn admit(&mut self, exception: &ProbeOverride, builder: &mut Builder<'_>) {
        let span = &exception.span;
        let element = Field::of("element");
        let measurable = [
            ElementKind::Server,
            ElementKind::Device,
            ElementKind::Link,
            ElementKind::Trunk,
            ElementKind::Gateway,
            ElementKind::Access,
        ];
        let Some(node) = builder.resolve(span, element, &exception.element, &measurable) else { return };
        let kinds: Vec<ProbeKind> = builder.nodes[node].probes.iter().map(ProbeSpec::kind).collect();
        let fits = exception.kind.map_or(!kinds.is_empty(), |kind| kinds.contains(&kind));
        if !fits {
            let has = match kinds.as_slice() {
                [] => "nothing of it is measured".to_owned(),
                some => {
                    format!("it has {}", some.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "))
                }
            };
            let wanted = exception.kind.map_or("any", ProbeKind::name);
            let message = format!("`{}` does not have {wanted} probe; {has}", exception.element);
            builder.mistake(MistakeKind::Value, span, Some(Field::of("probe")), message);
            return;
        }
        if exception.interval.is_none() && exception.count.is_none() && exception.timeout.is_none() {
            let message = "this override changes nothing; state interval, count or timeout".to_owned();
            builder.mistake(MistakeKind::Value, span, None, message);
        }
        if exception.kind == Some(ProbeKind::Host) && exception.count.is_some() {
            let message = "count: a host is read once a round; take `count` out".to_owned();
            builder.mistake(MistakeKind::Value, span, Some(Field::of("count")), message);
        }
        if self.by_probe.insert((node, exception.kind), exception.clone()).is_some() {
            let message = format!("`{}` already has such an override; put both into one", exception.element);
            builder.mistake(MistakeKind::Duplicate, span, Some(element), message);
        }
    }

    /// Interval, count and timeout of one probe: its own, else its element's, else the defaults.
    fn for_probe(&self, node: usize, kind: ProbeKind) -> ProbeDefaults {
        let own = self.by_probe.get(&(node, Some(kind)));
        let elements = self.by_probe.get(&(node, None));
        let layers = [own, elements];
        let usual_count = if kind == ProbeKind::Icmp { self.defaults.icmp_count } else { 1 };
        let count = layers.iter().flatten().find_map(|layer| layer.count).unwrap_or(usual_count);
        ProbeDefaults {
            interval: layers
                .iter()
                .flatten()
                .find_map(|layer| layer.interval)
                .unwrap_or(self.defaults.interval),
            timeout: layers.iter().flatten().find_map(|layer| layer.timeout).unwrap_or(self.defaults.timeout),
            icmp_count: if kind == ProbeKind::Host { 1 } else { count },
        }
    }
}

/// The targets of one node.
pub(super) fn of_node(
    node: &Node<'_>,
    number: usize,
    element: ElementIndex,
    pacing: &Pacing,
    targets: &mut Vec<Target>,
) {
    for spec in &node.probes {
        let pace = pacing.for_probe(number, spec.kind());
        targets.push(Target {
            name: format!("{}/{}", node.name, spec.kind()),
            element,
            spec: spec.clone(),
            interval: pace.interval,
            count: pace.icmp_count,
            timeout: pace.timeout,
        });
    }
    if let Some(TestCall { spec, interval }) = &node.test_call {
        targets.push(Target {
            name: format!("{}/{}", node.name, ProbeKind::Call),
            element,
            spec: ProbeSpec::Call(spec.clone()),
            interval: *interval,
            count: 1,
            timeout: spec.longest(),
        });
    }
}
