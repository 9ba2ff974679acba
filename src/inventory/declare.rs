//! What may be declared of a network: the shapes of the inventory's part of `linesman.toml`.
//!
//! Each declaration carries the place where it stands, so that a mistake found in the graph can
//! be shown in the file.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use linesman_probes::probe::{ProbeKind, Transport};

use super::{Owner, TestCallDeclaration};

/// A declaration with the bytes of the file that hold it; `0..0` where there is no file.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared<T> {
    /// Bytes of the name, for messages.
    pub span: Range<usize>,
    /// Unique name.
    pub name: String,
    /// Words for people.
    pub description: Option<String>,
    /// What is declared.
    pub what: T,
}

/// How targets are measured unless they say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeDefaults {
    /// From round to round.
    pub interval: Duration,
    /// ICMP echo requests a round; other kinds send one request a round.
    pub icmp_count: u32,
    /// Longest wait for one answer.
    pub timeout: Duration,
}

impl Default for ProbeDefaults {
    fn default() -> Self {
        Self { interval: Duration::from_secs(5), icmp_count: 5, timeout: Duration::from_secs(2) }
    }
}

/// Where this poller stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PollerDeclaration {
    /// Bytes of the section in the file.
    pub span: Range<usize>,
    /// Server that this process runs on: its host probe measures this host.
    pub server: Option<String>,
    /// Addresses near the poller, no part of the measured network, that answer ICMP: while one of
    /// them answers, the poller is not cut off.
    pub anchors: Vec<IpAddr>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SiteDeclaration {}

/// A server of the operator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerDeclaration {
    /// Where it stands.
    pub site: Option<String>,
    /// The device it hangs at.
    pub device: Option<String>,
    /// ICMP address.
    pub address: Option<IpAddr>,
    /// SIP address and transport.
    pub sip: Option<SocketAddr>,
    /// Transport of `sip`; UDP unless stated.
    pub sip_transport: Option<Transport>,
    /// TCP port to connect to.
    pub tcp: Option<SocketAddr>,
    /// URL to fetch.
    pub http: Option<String>,
    /// DNS server on it, and `dns_name` to ask it for.
    pub dns: Option<SocketAddr>,
    /// Name that the DNS probe asks for.
    pub dns_name: Option<String>,
}

/// A router or switch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceDeclaration {
    /// Where it stands.
    pub site: Option<String>,
    /// The device nearer to the poller that it hangs at.
    pub device: Option<String>,
    /// The link nearer to the poller that it hangs at.
    pub link: Option<String>,
    /// ICMP address.
    pub address: Option<IpAddr>,
    /// TCP port to connect to, where ICMP is not answered.
    pub tcp: Option<SocketAddr>,
    /// SIP address (UDP), for a device that speaks it.
    pub sip: Option<SocketAddr>,
    /// Model.
    pub model: Option<String>,
}

/// A fibre or other line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinkDeclaration {
    /// Who runs it.
    pub carrier: Option<String>,
    /// The carrier's name for it.
    pub circuit: Option<String>,
    /// The device or server at our end.
    pub near: Option<String>,
    /// The far end, in words or the name of a site.
    pub far: Option<String>,
    /// ICMP address at the far end.
    pub far_address: Option<IpAddr>,
    /// TCP port at the far end to connect to, where ICMP is not answered.
    pub far_tcp: Option<SocketAddr>,
    /// SIP address (UDP) at the far end.
    pub far_sip: Option<SocketAddr>,
}

/// A landing line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrunkDeclaration {
    /// Who terminates it.
    pub carrier: Option<String>,
    /// The link that carries it.
    pub link: Option<String>,
    /// The carrier's SIP address.
    pub sip: Option<SocketAddr>,
    /// Transport of `sip`; UDP unless stated.
    pub sip_transport: Option<Transport>,
    /// ICMP address of the carrier's SIP host.
    pub address: Option<IpAddr>,
    /// Number prefixes that it serves.
    pub prefixes: Vec<String>,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GatewayDeclaration {
    /// Whose it is; the customer's unless stated.
    pub owner: Owner,
    /// Model.
    pub model: Option<String>,
    /// The access line before it.
    pub access: Option<String>,
    /// Where it stands.
    pub site: Option<String>,
    /// The device it hangs at, for a gateway inside our own network.
    pub device: Option<String>,
    /// ICMP address.
    pub address: Option<IpAddr>,
    /// SIP address.
    pub sip: Option<SocketAddr>,
    /// Transport of `sip`; UDP unless stated.
    pub sip_transport: Option<Transport>,
    /// TCP port to connect to.
    pub tcp: Option<SocketAddr>,
    /// Address of record that it registers, as `sip:1001@example.net`.
    pub aor: Option<String>,
    /// The server that knows its registration; must have `sip`.
    pub registrar: Option<String>,
}

/// A customer's access line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccessDeclaration {
    /// Where it starts.
    pub site: Option<String>,
    /// The device it starts at.
    pub device: Option<String>,
    /// The link it is reached over.
    pub link: Option<String>,
    /// ICMP address at the customer's end of the line (modem, customer router).
    pub address: Option<IpAddr>,
    /// TCP port there to connect to, where ICMP is not answered.
    pub tcp: Option<SocketAddr>,
    /// SIP address (UDP) there.
    pub sip: Option<SocketAddr>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CustomerDeclaration {
    /// His gateways.
    pub gateways: Vec<String>,
    /// His access lines.
    pub access: Vec<String>,
    /// Landing lines that his calls go out by: whose failure he feels.
    pub trunks: Vec<String>,
    /// Who to call.
    pub contacts: Vec<String>,
    /// Key account (mission section 9).
    pub key_account: bool,
}

/// How one element's probes differ from the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeOverride {
    /// Bytes of the name of the element in the file.
    pub span: Range<usize>,
    /// Element.
    pub element: String,
    /// Which of its probes; all when `None`.
    pub kind: Option<ProbeKind>,
    /// From round to round.
    pub interval: Option<Duration>,
    /// Requests a round.
    pub count: Option<u32>,
    /// Longest wait for one answer.
    pub timeout: Option<Duration>,
}

/// Everything declared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declarations {
    /// How targets are measured.
    pub defaults: ProbeDefaults,
    /// Where we stand.
    pub poller: PollerDeclaration,
    /// Places.
    pub sites: Vec<Declared<SiteDeclaration>>,
    /// Servers.
    pub servers: Vec<Declared<ServerDeclaration>>,
    /// Routers and switches.
    pub devices: Vec<Declared<DeviceDeclaration>>,
    /// Lines.
    pub links: Vec<Declared<LinkDeclaration>>,
    /// Landing lines.
    pub trunks: Vec<Declared<TrunkDeclaration>>,
    /// Gateways.
    pub gateways: Vec<Declared<GatewayDeclaration>>,
    /// Access lines.
    pub accesses: Vec<Declared<AccessDeclaration>>,
    /// Customers.
    pub customers: Vec<Declared<CustomerDeclaration>>,
    /// Exceptions from the defaults.
    pub overrides: Vec<ProbeOverride>,
    /// Test calls.
    pub test_calls: Vec<TestCallDeclaration>,
}
