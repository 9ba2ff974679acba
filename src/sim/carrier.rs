//! The demo's small carrier: two servers, a router, two carrier links, three trunks, twenty
//! customers' gateways each behind its own access line, under 127.77.0.0/16.
//!
//! Ports are given by the operating system, so several carriers live side by side. Servers, trunks
//! and gateways speak SIP over UDP; the router, the links' far ends, the access lines' modems and
//! one port of each server take TCP connections, because ICMP to a loopback address cannot be lost.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::network::{Network, Place, UnknownElement};
use super::random::Random;
use super::responder::{Stand, accept_tcp, answer_sip};

/// How many customers there are, each with a gateway and an access line.
pub const CUSTOMERS: usize = 20;

/// What a customer's access line starts at.
pub(super) const fn access_starts_at(customer: usize) -> &'static str {
    match customer {
        1..=8 => "link-1",
        9..=16 => "link-2",
        _ => "device-1",
    }
}

/// The link that carries each trunk, in their order.
pub(super) const TRUNK_LINKS: [&str; 3] = ["link-1", "link-1", "link-2"];

/// Address of record of a customer's gateway.
#[must_use]
pub fn aor(customer: usize) -> String {
    format!("sip:10{customer:02}@demo.example")
}

/// Where everything answers, in the order of its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) device: Vec<SocketAddr>,
    pub(super) server_sip: Vec<SocketAddr>,
    pub(super) server_tcp: Vec<SocketAddr>,
    pub(super) link: Vec<SocketAddr>,
    pub(super) trunk: Vec<SocketAddr>,
    pub(super) access: Vec<SocketAddr>,
    pub(super) gateway: Vec<SocketAddr>,
}

/// A running carrier with a switch on each element.
#[derive(Debug)]
pub struct Carrier {
    network: watch::Sender<Network>,
    addresses: Addresses,
}

impl Carrier {
    /// Starts all responders on `tasks`; they end with `stop`. One seed loses the same packets.
    ///
    /// # Errors
    /// When a socket cannot be bound on loopback.
    pub async fn start(seed: u64, tasks: &TaskTracker, stop: &CancellationToken) -> std::io::Result<Self> {
        let mut build = Builder {
            network: watch::Sender::new(Network::default()),
            random: Random::new(seed),
            tasks,
            stop,
        };
        let addresses = build.everything().await?;
        Ok(Self { network: build.network, addresses })
    }

    /// Nothing comes through the element any more.
    ///
    /// # Errors
    /// [`UnknownElement`]
    pub fn cut(&self, element: &str) -> Result<(), UnknownElement> {
        self.lossy(element, 1.0)
    }

    /// The element loses this share of what travels over it.
    ///
    /// # Errors
    /// [`UnknownElement`]
    pub fn lossy(&self, element: &str, ratio: f64) -> Result<(), UnknownElement> {
        self.change(|network| network.set_loss(element, ratio))
    }

    /// The element holds every SIP exchange over it for so long.
    ///
    /// # Errors
    /// [`UnknownElement`]
    pub fn delay(&self, element: &str, time: Duration) -> Result<(), UnknownElement> {
        self.change(|network| network.set_delay(element, time))
    }

    /// The element is as good as new; registrations stay as they are.
    ///
    /// # Errors
    /// [`UnknownElement`]
    pub fn heal(&self, element: &str) -> Result<(), UnknownElement> {
        self.change(|network| {
            network.set_loss(element, 0.0)?;
            network.set_delay(element, Duration::ZERO)
        })
    }

    /// Lets a gateway, as `gateway-7`, be registered or not: the servers answer for it 200 or 480.
    ///
    /// # Errors
    /// [`UnknownElement`]
    pub fn set_registered(&self, gateway: &str, registered: bool) -> Result<(), UnknownElement> {
        let number = gateway.strip_prefix("gateway-").and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| UnknownElement(gateway.to_owned()))?;
        self.change(|network| {
            let known = network.set_registered(&aor(number), registered);
            known.map_err(|_| UnknownElement(gateway.to_owned()))
        })
    }

    /// The daemon's settings for it, as TOML, without `[http]` and `[database]`.
    #[must_use]
    pub fn settings_toml(&self) -> String {
        super::settings::toml(&self.addresses)
    }

    fn change(
        &self,
        edit: impl FnOnce(&mut Network) -> Result<(), UnknownElement>,
    ) -> Result<(), UnknownElement> {
        let mut outcome = Ok(());
        self.network.send_modify(|network| outcome = edit(network));
        outcome
    }
}

struct Builder<'a> {
    network: watch::Sender<Network>,
    random: Random,
    tasks: &'a TaskTracker,
    stop: &'a CancellationToken,
}

impl Builder<'_> {
    async fn everything(&mut self) -> std::io::Result<Addresses> {
        let mut at = Addresses::default();
        let device = self.element("device-1", None);
        at.device.push(self.tcp(device, host(0, 1)).await?);
        for number in 1..=2 {
            let server = self.element(&format!("server-{number}"), Some(device));
            at.server_sip.push(self.sip(server, host(1, number), true).await?);
            at.server_tcp.push(self.tcp(server, host(1, number)).await?);
        }
        let mut links = Vec::new();
        for number in 1..=2 {
            let link = self.element(&format!("link-{number}"), Some(device));
            at.link.push(self.tcp(link, host(2, number)).await?);
            links.push(link);
        }
        let start_of = |name: &str| match name {
            "link-1" => links[0],
            "link-2" => links[1],
            _ => device,
        };
        for (number, link) in (1..).zip(TRUNK_LINKS) {
            let trunk = self.element(&format!("trunk-{number}"), Some(start_of(link)));
            at.trunk.push(self.sip(trunk, host(3, number), false).await?);
        }
        for number in 1..=CUSTOMERS {
            let start = start_of(access_starts_at(number));
            let address = u8::try_from(number).unwrap_or(u8::MAX);
            let access = self.element(&format!("access-{number}"), Some(start));
            at.access.push(self.tcp(access, host(4, address)).await?);
            let gateway = self.element(&format!("gateway-{number}"), Some(access));
            at.gateway.push(self.sip(gateway, host(5, address), false).await?);
            self.network.send_modify(|network| network.bind(&aor(number)));
        }
        Ok(at)
    }

    fn element(&self, name: &str, behind: Option<Place>) -> Place {
        let mut place = None;
        self.network.send_modify(|network| place = Some(network.add(name, behind)));
        place.expect("send_modify runs its closure")
    }

    fn stand(&mut self, place: Place) -> Stand {
        Stand { place, network: self.network.subscribe(), random: Random::new(self.random.next()) }
    }

    async fn sip(&mut self, place: Place, host: Ipv4Addr, is_registrar: bool) -> std::io::Result<SocketAddr> {
        let socket = on_loopback(host, |host| std::net::UdpSocket::bind((host, 0)))?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        let address = socket.local_addr()?;
        let answering = answer_sip(socket, self.stand(place), is_registrar);
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(answering));
        Ok(address)
    }

    async fn tcp(&mut self, place: Place, host: Ipv4Addr) -> std::io::Result<SocketAddr> {
        let listener = on_loopback(host, listen)?;
        let address = listener.local_addr()?;
        let accepting = accept_tcp(listener, self.stand(place));
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(accepting));
        Ok(address)
    }
}

/// A socket on its own loopback address, or on 127.0.0.1 where the system has no other.
fn on_loopback<T>(host: Ipv4Addr, bind: impl Fn(Ipv4Addr) -> std::io::Result<T>) -> std::io::Result<T> {
    bind(host).or_else(|_| bind(Ipv4Addr::LOCALHOST)).map_err(|error| {
        let message = format!(
            "the simulated carrier cannot listen on {host} nor on 127.0.0.1: {error}. Is the loopback \
             interface up? `ip link set lo up`"
        );
        std::io::Error::new(error.kind(), message)
    })
}

/// A listener whose queue is short, so that it is soon full when nobody accepts.
fn listen(host: Ipv4Addr) -> std::io::Result<TcpListener> {
    const QUEUE: u32 = 4;
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((host, 0)))?;
    socket.listen(QUEUE)
}

const fn host(net: u8, number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 77, net, number)
}

#[cfg(test)]
#[path = "carrier_tests.rs"]
mod tests;
