//! The other end of a test call: answers, echoes, reports, hangs up.
//!
//! For a site without an echo number of its own. It is safe to leave running: a bounded number of calls, each bounded in
//! time; a bounded number of new ones a second; voice goes only to the host that signals, and only after that host has
//! confirmed with an ACK a tag that nobody else can know, so that a forged address gets no stream.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use linesman_media::capture::sip::{MediaKind, Session};
use tokio::net::UdpSocket;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::codec::CallCodec;
use super::echo::{Caller, echo};
use super::offer::{Agreed, agreed, describe};
use super::ports::MediaPorts;
use crate::sip::message::{MAX_MESSAGE, Message, parameter, respond_to};

/// RFC 3261: repetition of the 200 until the ACK, and its end.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const NO_ACK: Duration = Duration::from_secs(32);

/// How much is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Calls at once.
    pub calls: usize,
    /// New calls in any second.
    pub a_second: usize,
    /// Longest call.
    pub longest: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { calls: 10, a_second: 5, longest: Duration::from_secs(120) }
    }
}

/// What is told of a call, for a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Answered, and why not if not.
    Call {
        /// Who signals.
        from: SocketAddr,
        /// Call-ID.
        call_id: String,
        /// Status code that was answered.
        code: u16,
    },
    /// Over.
    Over {
        /// Call-ID.
        call_id: String,
    },
}

/// The answering end, at one UDP port.
#[derive(Debug)]
pub struct Answering {
    socket: UdpSocket,
    bounds: Bounds,
    calls: HashMap<String, Call>,
    echoes: JoinSet<String>,
    begun: VecDeque<Instant>,
}

#[derive(Debug)]
struct Call {
    peer: SocketAddr,
    tag: String,
    /// The 200, to be sent again until the ACK.
    answer: Vec<u8>,
    again: Option<Instant>,
    interval: Duration,
    begun: Instant,
    /// Until the ACK.
    waiting: Option<(MediaPorts, Agreed, CallCodec)>,
    echo: Option<AbortHandle>,
}

impl Answering {
    /// Listens at an address.
    ///
    /// # Errors
    /// What the operating system said.
    pub async fn bind(address: SocketAddr, bounds: Bounds) -> io::Result<Self> {
        let socket = UdpSocket::bind(address).await?;
        Ok(Self { socket, bounds, calls: HashMap::new(), echoes: JoinSet::new(), begun: VecDeque::new() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Answers for ever; drop it to stop. `tell` is told of every call.
    ///
    /// # Errors
    /// When the socket itself fails.
    pub async fn run(&mut self, mut tell: impl FnMut(Told)) -> io::Result<()> {
        let mut room = vec![0; MAX_MESSAGE];
        loop {
            let wake = self.calls.values().filter_map(|call| call.again).min();
            tokio::select! {
                biased;
                received = self.socket.recv_from(&mut room) => match received {
                    Ok((length, from)) => {
                        let Ok(message) = Message::parse(room.get(..length).unwrap_or_default()) else { continue };
                        self.heard(message, from, &mut tell).await;
                    }
                    // An ICMP error of an earlier answer is no failure of the socket.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(error) => return Err(error),
                },
                Some(over) = self.echoes.join_next(), if !self.echoes.is_empty() => {
                    if let Ok(call_id) = over {
                        self.hang_up(&call_id, &mut tell).await;
                    }
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => self.repeat(&mut tell).await,
            }
        }
    }

    async fn send(&self, message: &Message, to: SocketAddr) {
        if let Err(error) = self.socket.send_to(&message.to_bytes(), to).await {
            tracing::debug!(%to, %error, "an answer was not sent");
        }
    }

    async fn heard(&mut self, mut message: Message, from: SocketAddr, tell: &mut impl FnMut(Told)) {
        let Some(method) = message.as_request().map(|request| request.method.clone()) else { return };
        let Some(call_id) = message.call_id().map(str::to_owned) else { return };
        message.note_source(from);
        let tag = message.header("To").and_then(|to| parameter(to, "tag")).map(str::to_owned);
        let known = self.calls.get(&call_id).is_some_and(|call| call.peer.ip() == from.ip());
        match method.as_str() {
            "INVITE" if known && tag.is_none() => {
                // The INVITE again: our answer was lost.
                let Some(call) = self.calls.get(&call_id) else { return };
                let _ = self.socket.send_to(&call.answer, from).await;
            }
            "INVITE" if known => self.send(&respond_to(&message, 488, "Not Acceptable Here"), from).await,
            // Another one's call goes on under this name (RFC 3261 section 8.2.2.2).
            "INVITE" if self.calls.contains_key(&call_id) => {
                self.send(&respond_to(&message, 482, "Loop Detected"), from).await;
            }
            "INVITE" => {
                let code = self.invited(&message, &call_id, from).await;
                tell(Told::Call { from, call_id, code });
            }
            "ACK" => self.acknowledged(&call_id, tag.as_deref(), from),
            "BYE"
                if known
                    && self.calls.get(&call_id).is_some_and(|call| tag.as_deref() == Some(&call.tag)) =>
            {
                self.send(&respond_to(&message, 200, "OK"), from).await;
                if let Some(call) = self.calls.remove(&call_id) {
                    call.end();
                    tell(Told::Over { call_id });
                }
            }
            "BYE" | "CANCEL" => {
                self.send(&respond_to(&message, 481, "Call/Transaction Does Not Exist"), from).await;
            }
            "OPTIONS" => {
                let answer = respond_to(&message, 200, "OK").with("Allow", "INVITE, ACK, BYE, OPTIONS");
                self.send(&answer, from).await;
            }
            _ => {
                let answer = respond_to(&message, 405, "Method Not Allowed")
                    .with("Allow", "INVITE, ACK, BYE, OPTIONS");
                self.send(&answer, from).await;
            }
        }
    }

    /// A new call: the status code that it was answered with.
    async fn invited(&mut self, invite: &Message, call_id: &str, from: SocketAddr) -> u16 {
        let now = Instant::now();
        while self.begun.front().is_some_and(|begun| now.duration_since(*begun) >= Duration::from_secs(1)) {
            self.begun.pop_front();
        }
        if self.begun.len() >= self.bounds.a_second {
            let answer = respond_to(invite, 503, "Too Many Calls").with("Retry-After", "2");
            self.send(&answer, from).await;
            return 503;
        }
        self.begun.push_back(now);
        if self.calls.len() >= self.bounds.calls {
            self.send(&respond_to(invite, 486, "Busy Here"), from).await;
            return 486;
        }
        let Some((codec, named)) = choose(invite.body()) else {
            self.send(&respond_to(invite, 488, "Not Acceptable Here"), from).await;
            return 488;
        };
        let opened = match self.own_address(from).await {
            Ok(ip) => MediaPorts::open(ip).await,
            Err(error) => Err(error),
        };
        let mut random = [0; 8];
        let (Ok(ports), Ok(())) = (opened, getrandom::fill(&mut random)) else {
            self.send(&respond_to(invite, 500, "No Port For Voice"), from).await;
            return 500;
        };
        let tag: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let to = invite.header("To").unwrap_or("<sip:echo>");
        let mut answer = Message::response(200, "OK");
        for name in ["Via", "Record-Route", "From"] {
            for value in invite.headers_named(name) {
                answer = answer.with(name, value);
            }
        }
        let contact = SocketAddr::new(ports.address.ip(), self.address().map_or(5060, |own| own.port()));
        let answer = answer
            .with("To", &format!("{to};tag={tag}"))
            .with("Call-ID", call_id)
            .with("CSeq", invite.header("CSeq").unwrap_or("1 INVITE"))
            .with("Contact", &format!("<sip:echo@{contact}>"))
            .with("Server", "linesman")
            .with_body("application/sdp", &describe(ports.address, codec, u64::from(random[0])))
            .to_bytes();
        let _ = self.socket.send_to(&answer, from).await;
        let call = Call {
            peer: from,
            tag,
            answer,
            again: Some(now + T1),
            interval: T1,
            begun: now,
            waiting: Some((ports, named, codec)),
            echo: None,
        };
        self.calls.insert(call_id.to_owned(), call);
        200
    }

    /// The address that this peer reaches us at.
    async fn own_address(&self, peer: SocketAddr) -> io::Result<std::net::IpAddr> {
        let own = self.address()?.ip();
        if !own.is_unspecified() {
            return Ok(own);
        }
        // Sends nothing: the kernel only looks the route up.
        let socket = UdpSocket::bind((own, 0)).await?;
        socket.connect(peer).await?;
        Ok(socket.local_addr()?.ip())
    }

    fn acknowledged(&mut self, call_id: &str, tag: Option<&str>, from: SocketAddr) {
        let Some(call) = self.calls.get_mut(call_id) else { return };
        if call.peer.ip() != from.ip() || tag != Some(call.tag.as_str()) {
            return;
        }
        call.again = None;
        let Some((ports, named, codec)) = call.waiting.take() else { return };
        let mut random = [0; 16];
        if getrandom::fill(&mut random).is_err() {
            return;
        }
        let caller = Caller { host: from.ip(), named };
        let (call_id, longest) = (call_id.to_owned(), self.bounds.longest);
        call.echo = Some(self.echoes.spawn(async move {
            echo(ports, caller, codec, longest, random).await;
            call_id
        }));
    }

    async fn repeat(&mut self, tell: &mut impl FnMut(Told)) {
        let now = Instant::now();
        let mut lost = Vec::new();
        for (call_id, call) in &mut self.calls {
            if call.again.is_none_or(|again| again > now) {
                continue;
            }
            if now.duration_since(call.begun) >= NO_ACK {
                lost.push(call_id.clone());
                continue;
            }
            call.interval = (call.interval * 2).min(T2);
            call.again = Some(now + call.interval);
            let _ = self.socket.send_to(&call.answer, call.peer).await;
        }
        for call_id in lost {
            self.calls.remove(&call_id);
            tell(Told::Over { call_id });
        }
    }

    /// The caller is not heard any more, or has talked long enough.
    async fn hang_up(&mut self, call_id: &str, tell: &mut impl FnMut(Told)) {
        let Some(call) = self.calls.remove(call_id) else { return };
        if let Ok(answer) = Message::parse(&call.answer) {
            let own = self.address().map_or_else(|_| call.peer.to_string(), |own| own.to_string());
            let caller = answer.header("From").unwrap_or_default().to_owned();
            let bye = Message::request("BYE", &format!("sip:{}", call.peer))
                .with("Via", &format!("SIP/2.0/UDP {own};branch=z9hG4bK{}bye;rport", call.tag))
                .with("Max-Forwards", "70")
                .with("From", answer.header("To").unwrap_or_default())
                .with("To", &caller)
                .with("Call-ID", call_id)
                .with("CSeq", "1 BYE");
            self.send(&bye, call.peer).await;
        }
        call.end();
        tell(Told::Over { call_id: call_id.to_owned() });
    }
}

impl Call {
    fn end(self) {
        if let Some(echo) = self.echo {
            echo.abort();
        }
    }
}

/// The first codec of the offer that we can speak back, and where the caller wants his voice.
fn choose(offer: &[u8]) -> Option<(CallCodec, Agreed)> {
    let session = Session::parse(offer);
    let media = session.first(MediaKind::Audio)?;
    media.payload_types.iter().find_map(|payload_type| {
        let codec = CallCodec::of_payload_type(*payload_type)?;
        Some((codec, agreed(offer, codec).ok()?))
    })
}
