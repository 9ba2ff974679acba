//! A scene: who says what to whom, and when; as frames in the order of time.

use std::net::SocketAddr;

use super::{Wrap, Written, frame, rtp, tcp, udp};

/// When scenes begin: 2023-11-14T22:13:20Z.
const BEGIN: i64 = 1_700_000_000_000_000_000;

/// What happens on a wire. Times are milliseconds from the beginning.
#[derive(Debug, Clone)]
pub struct Scene {
    wrap: Wrap,
    frames: Vec<Written>,
}

/// The identity of a dialog on one hop.
#[derive(Debug, Clone)]
pub struct Leg {
    /// Who invites.
    pub caller: SocketAddr,
    /// Who is invited.
    pub callee: SocketAddr,
    /// Call-ID.
    pub call_id: String,
    /// Calling number.
    pub from: String,
    /// Called number.
    pub to: String,
    /// What tells transactions of this hop from those of others.
    pub branch: String,
}

/// One direction of media.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// Who sends.
    pub source: SocketAddr,
    /// Who receives.
    pub destination: SocketAddr,
    /// First packet.
    pub from_ms: i64,
    /// Packets.
    pub packets: u16,
    /// Time between two, and how much of the clock each holds.
    pub ptime_ms: i64,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Payload type.
    pub payload_type: u8,
    /// First sequence number.
    pub sequence: u16,
    /// Differentiated services code point.
    pub dscp: u8,
    /// Payload byte; none for bytes that change.
    pub flat: Option<u8>,
    /// Which packets are lost: every so many-th; 0 for none.
    pub lose_every: u16,
    /// Which packets come late, and by how much, in milliseconds: every so many-th; 0 for none.
    pub delay_every: (u16, i64),
}

impl Talk {
    /// Ten seconds of PCMA, marked EF.
    #[must_use]
    pub const fn new(source: SocketAddr, destination: SocketAddr, from_ms: i64, ssrc: u32) -> Self {
        Self {
            source,
            destination,
            from_ms,
            packets: 500,
            ptime_ms: 20,
            ssrc,
            payload_type: 8,
            sequence: 65_300,
            dscp: 46,
            flat: None,
            lose_every: 0,
            delay_every: (0, 0),
        }
    }
}

/// A session description with one medium, as `sdp(address, "audio", "RTP/AVP 8", "a=ptime:20")`.
#[must_use]
pub fn sdp(address: SocketAddr, kind: &str, formats: &str, attributes: &str) -> String {
    let (family, ip) = (if address.is_ipv4() { 4 } else { 6 }, address.ip());
    format!(
        "v=0\r\no=- 1 1 IN IP{family} {ip}\r\ns=-\r\nc=IN IP{family} {ip}\r\nt=0 0\r\nm={kind} {} {formats}\r\n{attributes}\r\n",
        address.port()
    )
}

impl Scene {
    /// Nothing yet, on such a link.
    #[must_use]
    pub const fn new(wrap: Wrap) -> Self {
        Self { wrap, frames: Vec::new() }
    }

    /// An IP packet.
    pub fn packet(&mut self, at_ms: i64, ip: &[u8]) {
        self.frames.push(Written { at: BEGIN + at_ms * 1_000_000, bytes: frame(self.wrap, ip) });
    }

    /// A datagram.
    pub fn datagram(&mut self, at_ms: i64, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
        self.packet(at_ms, &udp(source, destination, 0, payload));
    }

    /// A TCP segment.
    pub fn segment(
        &mut self,
        at_ms: i64,
        source: SocketAddr,
        destination: SocketAddr,
        sequence: u32,
        payload: &[u8],
    ) {
        self.packet(at_ms, &tcp(source, destination, sequence, 16, payload));
    }

    /// A request of the caller (or, `backwards`, of the callee) within a dialog, by UDP.
    pub fn request(&mut self, at_ms: i64, leg: &Leg, method: &str, cseq: u32, backwards: bool, body: &str) {
        let (source, destination) =
            if backwards { (leg.callee, leg.caller) } else { (leg.caller, leg.callee) };
        self.datagram(at_ms, source, destination, leg.request(method, cseq, backwards, body).as_bytes());
    }

    /// The response to such a request, by UDP.
    pub fn response(&mut self, at_ms: i64, leg: &Leg, status: &str, method: &str, cseq: u32, body: &str) {
        self.reply(at_ms, leg, status, method, cseq, false, body);
    }

    /// The response to a request of the callee.
    pub fn response_of_caller(
        &mut self,
        at_ms: i64,
        leg: &Leg,
        status: &str,
        method: &str,
        cseq: u32,
        body: &str,
    ) {
        self.reply(at_ms, leg, status, method, cseq, true, body);
    }

    #[expect(clippy::too_many_arguments, reason = "a line of a ladder has as many parts")]
    fn reply(
        &mut self,
        at_ms: i64,
        leg: &Leg,
        status: &str,
        method: &str,
        cseq: u32,
        backwards: bool,
        body: &str,
    ) {
        let (source, destination) =
            if backwards { (leg.caller, leg.callee) } else { (leg.callee, leg.caller) };
        let text = leg.message(&format!("SIP/2.0 {status}"), method, cseq, backwards, true, body);
        self.datagram(at_ms, source, destination, text.as_bytes());
    }

    /// INVITE, 180 after 100 ms, 200 after `answer_ms`, ACK; both with their descriptions.
    pub fn answered_call(&mut self, at_ms: i64, leg: &Leg, answer_ms: i64, offer: &str, answer: &str) {
        self.request(at_ms, leg, "INVITE", 1, false, offer);
        self.response(at_ms + 5, leg, "100 Trying", "INVITE", 1, "");
        self.response(at_ms + 100, leg, "180 Ringing", "INVITE", 1, "");
        self.response(at_ms + answer_ms, leg, "200 OK", "INVITE", 1, answer);
        self.request(at_ms + answer_ms + 5, leg, "ACK", 1, false, "");
    }

    /// The caller hangs up.
    pub fn bye(&mut self, at_ms: i64, leg: &Leg) {
        self.request(at_ms, leg, "BYE", 9, false, "");
        self.response(at_ms + 5, leg, "200 OK", "BYE", 9, "");
    }

    /// Media.
    pub fn talk(&mut self, talk: Talk) {
        for index in 0..talk.packets {
            if talk.lose_every > 0 && index % talk.lose_every == talk.lose_every - 1 {
                continue;
            }
            let payload: Vec<u8> =
                (0..160_u16).map(|byte| talk.flat.unwrap_or((byte * 7 + index * 13) as u8)).collect();
            let sequence = talk.sequence.wrapping_add(index);
            let timestamp = u32::from(index).wrapping_mul(talk.ptime_ms as u32 * 8).wrapping_sub(8_000);
            let bytes = rtp(talk.payload_type, index == 0, sequence, timestamp, talk.ssrc, &payload);
            let (every, delay) = talk.delay_every;
            let delay = if every > 0 && index % every == every - 1 { delay } else { 0 };
            let at = talk.from_ms + i64::from(index) * talk.ptime_ms + delay;
            self.packet(at, &udp(talk.source, talk.destination, talk.dscp, &bytes));
        }
    }

    /// All frames in the order of time.
    #[must_use]
    pub fn frames(mut self) -> Vec<Written> {
        self.frames.sort_by_key(|frame| frame.at);
        self.frames
    }
}

impl Leg {
    /// A hop of a dialog.
    #[must_use]
    pub fn new(caller: SocketAddr, callee: SocketAddr, call_id: &str, from: &str, to: &str) -> Self {
        let (call_id, from, to) = (call_id.to_owned(), from.to_owned(), to.to_owned());
        let branch = format!("{}-{}", caller.port(), callee.ip());
        Self { caller, callee, call_id, from, to, branch }
    }

    /// A request's text. The first INVITE has no tag in To, the others have.
    #[must_use]
    pub fn request(&self, method: &str, cseq: u32, backwards: bool, body: &str) -> String {
        let tagged = !(method == "INVITE" && cseq == 1 || method == "CANCEL");
        self.message(&format!("{method} sip:{}@host SIP/2.0", self.to), method, cseq, backwards, tagged, body)
    }

    fn message(
        &self,
        start: &str,
        method: &str,
        cseq: u32,
        backwards: bool,
        tagged: bool,
        body: &str,
    ) -> String {
        let Self { call_id, branch, .. } = self;
        let ours = format!("<sip:{}@a.example>;tag=ours-{call_id}", self.from);
        let theirs = format!("<sip:{}@b.example>{}", self.to, if tagged { ";tag=theirs" } else { "" });
        let (from, to) = if backwards { (theirs, ours) } else { (ours, theirs) };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK-{branch}-{cseq}\r\nFrom: {from}\r\nTo: {to}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}
