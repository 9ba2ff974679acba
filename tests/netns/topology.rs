//! The operator's network, and what can be done to it.

use super::namespace::Namespace;
use super::peer::{Peer, wait_for};

/// The address that the daemon's API listens on, inside the core.
pub const API: &str = "127.0.0.1:9470";

/// A host behind the router: its namespace, what it hangs at, its address of its own.
struct Host {
    namespace: Namespace,
    /// The router's interface to it, the line's network: `.1` is the router, `.2` the host.
    port: &'static str,
    line: &'static str,
    /// Addresses behind the line, on the host's loopback, each with a SIP peer.
    inner: &'static [&'static str],
    /// Whether SIP is answered on the line's own address.
    outer: bool,
    peers: Vec<Peer>,
}

impl Host {
    fn name_peers(&self) -> Vec<String> {
        let mut addresses: Vec<String> = self.inner.iter().map(|inner| (*inner).to_owned()).collect();
        if self.outer {
            addresses.push(format!("{}.2", self.line));
        }
        addresses
    }

    fn start_peers(&mut self) {
        for (control, address) in (8_888..).zip(self.name_peers()) {
            self.peers.push(Peer::start(&self.namespace, &address, control));
        }
    }
}

/// The network; gone when dropped.
pub struct Topology {
    pub core: Namespace,
    router: Namespace,
    hosts: Vec<Host>,
}

const HOSTS: [(&str, &str, &str, &[&str], bool); 7] = [
    ("server-1", "to-server-1", "198.18.1", &[], true),
    ("server-2", "to-server-2", "198.18.2", &[], true),
    ("carrier-1", "to-carrier-1", "198.18.11", &["198.18.111.1", "198.18.111.2"], false),
    ("carrier-2", "to-carrier-2", "198.18.12", &["198.18.112.1"], false),
    ("site-1", "to-site-1", "198.18.21", &["198.18.121.1"], false),
    ("site-2", "to-site-2", "198.18.22", &["198.18.122.1"], false),
    ("site-3", "to-site-3", "198.18.23", &["198.18.123.1"], false),
];

/// The router's own address, and its end of the core's line: the anchor beside the poller.
const ROUTER: &str = "198.18.100.1";
const ANCHOR: &str = "198.18.0.1";

impl Topology {
    /// Builds it and waits until every peer listens.
    pub fn build() -> Self {
        let router = Namespace::new("router");
        router.shell("echo 1 > /proc/sys/net/ipv4/ip_forward");
        router.ip(&format!("addr add {ROUTER}/32 dev lo"));
        let core = Namespace::new("core");
        connect(&router, "to-core", &core, "198.18.0");
        let mut topology = Self { core, router, hosts: Vec::new() };
        for (name, port, line, inner, outer) in HOSTS {
            let namespace = Namespace::new(name);
            connect(&topology.router, port, &namespace, line);
            for address in inner {
                namespace.ip(&format!("addr add {address}/32 dev lo"));
            }
            let mut host = Host { namespace, port, line, inner, outer, peers: Vec::new() };
            host.start_peers();
            topology.hosts.push(host);
            topology.route_to(name);
        }
        wait_for(topology.hosts.iter_mut().flat_map(|host| &mut host.peers));
        topology
    }

    /// The line to a host goes down at the router's end.
    pub fn cut(&self, host: &str) {
        self.router.ip(&format!("link set {} down", self.host(host).port));
    }

    /// And up again, with the routes that went down with it.
    pub fn mend(&self, host: &str) {
        self.router.ip(&format!("link set {} up", self.host(host).port));
        self.route_to(host);
    }

    /// The line to a host loses this many of a thousand packets that come from it.
    pub fn lossy(&self, host: &str, per_mille: u32) {
        let port = self.host(host).port;
        self.router.shell(&format!(
            "nft -f - <<'RULES'\ntable netdev loss {{\n chain in {{\n  type filter hook ingress device \"{port}\" priority 0;\n  \
             meta protocol ip numgen random mod 1000 < {per_mille} counter drop\n }}\n}}\nRULES"
        ));
    }

    /// No more loss.
    pub fn clean(&self) {
        self.router.shell("nft delete table netdev loss");
    }

    /// A server goes: its SIP and its address.
    pub fn kill_server(&mut self, host: &str) {
        let host = self.host_mut(host);
        host.peers.clear();
        host.namespace.ip(&format!("addr del {}.2/30 dev wan", host.line));
    }

    /// And comes back.
    pub fn restart_server(&mut self, host: &str) {
        let host = self.host_mut(host);
        host.namespace.ip(&format!("addr add {}.2/30 dev wan", host.line));
        host.namespace.ip(&format!("route replace default via {}.1", host.line));
        host.start_peers();
        wait_for(host.peers.iter_mut());
    }

    /// A gateway goes, while the customer's line and router stay.
    pub fn kill_gateway(&mut self, site: &str) {
        let host = self.host_mut(site);
        host.peers.clear();
        for address in host.inner {
            host.namespace.ip(&format!("addr del {address}/32 dev lo"));
        }
    }

    /// And comes back.
    pub fn restart_gateway(&mut self, site: &str) {
        let host = self.host_mut(site);
        for address in host.inner {
            host.namespace.ip(&format!("addr add {address}/32 dev lo"));
        }
        host.start_peers();
        wait_for(host.peers.iter_mut());
    }

    /// Nothing reaches the poller any more: what it sends still leaves.
    pub fn isolate(&self) {
        self.core.shell(
            "nft -f - <<'RULES'\ntable netdev cut {\n chain in {\n  type filter hook ingress device \"wan\" priority 0;\n  \
             counter drop\n }\n}\nRULES",
        );
    }

    /// The poller hears again.
    pub fn rejoin(&self) {
        self.core.shell("nft delete table netdev cut");
    }

    /// What the daemon is told of it; `pace` is the rest of the settings.
    pub fn settings(pace: &str) -> String {
        let mut text = format!(
            "{pace}\n[poller]\nanchors = [\"{ANCHOR}\"]\n\n[[device]]\nname = \"device-1\"\naddress = \"{ROUTER}\"\n"
        );
        for number in 1..=2 {
            let host = format!("198.18.{number}.2");
            text.push_str(&format!(
                "\n[[server]]\nname = \"server-{number}\"\ndevice = \"device-1\"\naddress = \"{host}\"\nsip = \"{host}:5060\"\n\
                 \n[[link]]\nname = \"link-{number}\"\ncarrier = \"Carrier {number}\"\nnear = \"device-1\"\n\
                 far_address = \"198.18.1{number}.2\"\n"
            ));
        }
        for (number, link, address) in [(1, 1, "111.1"), (2, 1, "111.2"), (3, 2, "112.1")] {
            text.push_str(&format!(
                "\n[[trunk]]\nname = \"trunk-{number}\"\ncarrier = \"Carrier {link}\"\nlink = \"link-{link}\"\n\
                 address = \"198.18.{address}\"\nsip = \"198.18.{address}:5060\"\n"
            ));
        }
        for number in 1..=3 {
            let owner = if number % 2 == 1 { "company" } else { "customer" };
            text.push_str(&format!(
                "\n[[access]]\nname = \"access-{number}\"\ndevice = \"device-1\"\naddress = \"198.18.2{number}.2\"\n\
                 \n[[gateway]]\nname = \"gateway-{number}\"\nowner = \"{owner}\"\naccess = \"access-{number}\"\n\
                 address = \"198.18.12{number}.1\"\nsip = \"198.18.12{number}.1:5060\"\n\
                 aor = \"sip:100{number}@operator.example\"\nregistrar = \"server-1\"\n\
                 \n[[customer]]\nname = \"customer-{number}\"\ngateways = [\"gateway-{number}\"]\naccess = [\"access-{number}\"]\n"
            ));
        }
        text
    }

    fn route_to(&self, host: &str) {
        let host = self.host(host);
        for address in host.inner {
            self.router.ip(&format!("route replace {address}/32 via {}.2", host.line));
        }
    }

    fn host(&self, name: &str) -> &Host {
        &self.hosts[place_of(name)]
    }

    fn host_mut(&mut self, name: &str) -> &mut Host {
        &mut self.hosts[place_of(name)]
    }
}

fn place_of(name: &str) -> usize {
    HOSTS.iter().position(|host| host.0 == name).unwrap_or_else(|| panic!("there is no host {name}"))
}

/// A line between the router's `port` and the host's `wan`, the host's only way out.
fn connect(router: &Namespace, port: &str, host: &Namespace, line: &str) {
    router.ip(&format!("link add {port} type veth peer name wan netns {}", host.name()));
    router.ip(&format!("addr add {line}.1/30 dev {port}"));
    router.ip(&format!("link set {port} up"));
    host.ip(&format!("addr add {line}.2/30 dev wan"));
    host.ip("link set wan up");
    host.ip(&format!("route replace default via {line}.1"));
}

#[test]
fn the_network_carries_pings_and_sip_and_can_be_broken_and_mended() {
    use super::scenarios::in_namespace;
    use super::support::requirement::require;
    if !require("fping") {
        return;
    }
    in_namespace(async || {
        let mut network = Topology::build();
        let pings = |network: &Topology, address: &str| {
            let mut command = std::process::Command::new("ip");
            command.args(&network.core.wrapper()[1..]).args(["fping", "-c1", "-t1000", "-q", address]);
            command.output().expect("fping runs").status.success()
        };
        let everybody = [
            "198.18.1.2",
            "198.18.2.2",
            "198.18.11.2",
            "198.18.111.1",
            "198.18.112.1",
            "198.18.123.1",
            ROUTER,
            ANCHOR,
        ];
        for address in everybody {
            assert!(pings(&network, address), "{address}");
        }
        network.cut("carrier-1");
        assert!(!pings(&network, "198.18.111.1") && pings(&network, "198.18.112.1"));
        network.mend("carrier-1");
        network.kill_server("server-1");
        assert!(!pings(&network, "198.18.1.2"));
        network.restart_server("server-1");
        network.kill_gateway("site-2");
        assert!(!pings(&network, "198.18.122.1") && pings(&network, "198.18.22.2"));
        network.restart_gateway("site-2");
        network.lossy("site-1", 999);
        // One packet in a thousand passes.
        assert!((0..3).any(|_| !pings(&network, "198.18.21.2")));
        network.clean();
        network.isolate();
        assert!(!pings(&network, ANCHOR));
        network.rejoin();
        for address in everybody {
            assert!(pings(&network, address), "{address} after the repair");
        }
        network.core.enter();
        let socket = std::net::UdpSocket::bind("198.18.0.2:0").expect("a socket in the core");
        socket.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("a timeout");
        socket.send_to(b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bKa;rport\r\n\
            From: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            "198.18.122.1:5060").expect("sent");
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).expect("sipp answers");
        assert!(buffer[..length].starts_with(b"SIP/2.0 "));
    });
}

#[test]
fn the_daemon_accepts_what_it_is_told_of_the_network() {
    for pace in [super::scenarios::QUICK, super::measure::USUAL] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("linesman.toml");
        std::fs::write(&file, Topology::settings(pace)).expect("a file");
        let settings = linesman::settings::load(&file, []).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        // Three of a gateway, two of a server and a trunk, one of everything else.
        assert_eq!(settings.inventory.targets().len(), 3 * 3 + 2 * 2 + 3 * 2 + 2 + 3 + 1);
    }
}
