//! One call as its caller holds it (RFC 3261 sections 9, 13, 15, 17): INVITE with its answers, ACK, CANCEL, BYE.
//!
//! A pure state machine: the time since the call began and the messages are arguments; what is to be sent is taken out,
//! the sockets are in [`mod@super::place`]. Everything is sent to the one peer that was named, also when its Contact names
//! another address: it is asked as an outbound proxy would be. Deliberately absent: forking (the first answer counts),
//! reliable provisional answers (not offered), redirection (told, not followed).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::digest::{Challenge, Credentials};
use crate::sip::message::{Message, parameter, respond_to};
use crate::sip::options::host;

/// RFC 3261 section 17.1.1.1.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// How long a BYE or a CANCEL is worth waiting for.
const FAREWELL: Duration = Duration::from_secs(4);

/// What fixes a call before it begins.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Who is called.
    pub uri: String,
    /// User part of From; names the caller.
    pub from: String,
    /// Our end of the signalling.
    pub local: SocketAddr,
    /// `UDP` or `TCP`.
    pub transport: &'static str,
    /// The session description that is offered.
    pub offer: Vec<u8>,
    /// How long the far end may take to answer.
    pub patience: Duration,
    /// Who we are, if asked.
    pub credentials: Option<Credentials>,
    /// Makes branch, tag and Call-ID; 32 random hexadecimal digits.
    pub identity: String,
}

/// How the call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Asked, no final answer yet.
    Calling,
    /// Answered, and acknowledged.
    Talking,
    /// We hang up; the far end has not confirmed yet.
    HangingUp,
    /// Over.
    Over(End),
}

/// Why a call is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// We hung up after having talked.
    HungUp,
    /// The far end hung up while we talked.
    FarHungUp,
    /// A final answer that is no yes.
    Refused {
        /// Status code.
        code: u16,
        /// Reason phrase.
        reason: String,
    },
    /// Nothing, or nothing final, within our patience.
    NotAnswered,
    /// The challenge could not be answered.
    Challenged(String),
}

/// What the far end said last while we waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Last provisional code.
    pub code: Option<u16>,
    /// When it first said that the call makes way (a code above 100).
    pub first: Option<Duration>,
    /// When it said anything at all.
    pub heard: Option<Duration>,
}

/// A request of ours that waits for its answer.
#[derive(Debug)]
struct Waiting {
    wire: Vec<u8>,
    branch: String,
    cseq: u32,
    method: &'static str,
    /// Timers A and E; none on a reliable transport, or once the far end was heard.
    again: Option<Duration>,
    interval: Duration,
    until: Duration,
}

/// See the module.
#[derive(Debug)]
pub struct Dialog {
    asking: Asking,
    stage: Stage,
    progress: Progress,
    answered: Option<Duration>,
    answer: Option<Message>,
    waiting: Vec<Waiting>,
    out: VecDeque<Vec<u8>>,
    cseq: u32,
    requests: u32,
    /// The INVITE that counts, for ACK and CANCEL.
    invite: Option<Message>,
    ack: Option<Vec<u8>>,
    authorization: Option<(Challenge, &'static str)>,
    tries: u32,
    /// How often the nonce in hand was used.
    uses: u32,
    remote_to: Option<String>,
    target: String,
    routes: Vec<String>,
    /// We gave up waiting; a late yes is hung up at once.
    cancelled: bool,
    retransmissions: u32,
}

impl Dialog {
    /// Begins a call: the INVITE lies ready.
    #[must_use]
    pub fn begin(asking: Asking, now: Duration) -> Self {
        let target = asking.uri.clone();
        let mut dialog = Self {
            asking,
            stage: Stage::Calling,
            progress: Progress::default(),
            answered: None,
            answer: None,
            waiting: Vec::new(),
            out: VecDeque::new(),
            cseq: 0,
            requests: 0,
            invite: None,
            ack: None,
            authorization: None,
            tries: 0,
            uses: 0,
            remote_to: None,
            target,
            routes: Vec::new(),
            cancelled: false,
            retransmissions: 0,
        };
        dialog.invite(now);
        dialog
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> String {
        format!("{}@{}", self.asking.identity, self.asking.local.ip())
    }

    /// How the call stands.
    #[must_use]
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// What the far end said while we waited.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// When it was answered.
    #[must_use]
    pub const fn answered(&self) -> Option<Duration> {
        self.answered
    }

    /// How often something had to be sent again.
    #[must_use]
    pub const fn retransmissions(&self) -> u32 {
        self.retransmissions
    }

    /// The session description of the answer.
    #[must_use]
    pub fn description(&self) -> &[u8] {
        self.answer.as_ref().map_or(&[], Message::body)
    }

    /// The next bytes to send; ask until there are none.
    pub fn take_out(&mut self) -> Option<Vec<u8>> {
        self.out.pop_front()
    }

    /// When to call [`Self::tick`] again, though nothing was heard.
    #[must_use]
    pub fn next_wake(&self) -> Option<Duration> {
        self.waiting
            .iter()
            .map(|waiting| waiting.again.map_or(waiting.until, |again| again.min(waiting.until)))
            .min()
    }

    /// Time went on: repeats what was not answered, gives up what takes too long.
    pub fn tick(&mut self, now: Duration) {
        for waiting in &mut self.waiting {
            if waiting.again.is_some_and(|again| again <= now) && now < waiting.until {
                // Timer A doubles for ever, timer E up to T2.
                waiting.interval *= 2;
                if waiting.method != "INVITE" {
                    waiting.interval = waiting.interval.min(T2);
                }
                waiting.again = Some(now + waiting.interval);
                self.out.push_back(waiting.wire.clone());
                self.retransmissions += 1;
            }
        }
        let over: Vec<&'static str> = self
            .waiting
            .iter()
            .filter(|waiting| waiting.until <= now)
            .map(|waiting| waiting.method)
            .collect();
        self.waiting.retain(|waiting| waiting.until > now);
        for method in over {
            match method {
                "INVITE" if self.stage == Stage::Calling && !self.cancelled => self.give_up(now),
                "INVITE" if self.stage == Stage::Calling => self.stage = Stage::Over(End::NotAnswered),
                "BYE" if self.stage == Stage::HangingUp => self.stage = Stage::Over(End::HungUp),
                _ => {}
            }
        }
    }

    /// No final answer in time. What was heard of must be cancelled, or it rings on (section 9.1).
    fn give_up(&mut self, now: Duration) {
        self.cancelled = true;
        let Some(invite) = self.invite.clone().filter(|_| self.progress.heard.is_some()) else {
            self.stage = Stage::Over(End::NotAnswered);
            return;
        };
        let mut cancel = Message::request("CANCEL", &self.asking.uri);
        for name in ["Via", "Route", "Max-Forwards", "From", "To", "Call-ID"] {
            for value in invite.headers_named(name) {
                cancel = cancel.with(name, value);
            }
        }
        let (number, _) = invite.cseq().unwrap_or((self.cseq, "INVITE"));
        let cancel = cancel.with("CSeq", &format!("{number} CANCEL")).with("User-Agent", "linesman");
        self.send(cancel, "CANCEL", number, now, FAREWELL);
        // Its 487 is waited for as long.
        let branch = invite.branch().unwrap_or_default().to_owned();
        self.waiting.push(Waiting {
            wire: Vec::new(),
            branch,
            cseq: number,
            method: "INVITE",
            again: None,
            interval: T1,
            until: now + FAREWELL,
        });
    }

    /// Gives a call up that is not answered yet, for a reason of ours.
    pub fn abandon(&mut self, now: Duration) {
        if self.stage == Stage::Calling && !self.cancelled {
            self.waiting.retain(|waiting| waiting.method != "INVITE");
            self.give_up(now);
        }
    }

    /// Hangs up.
    pub fn hang_up(&mut self, now: Duration) {
        if self.stage != Stage::Talking {
            return;
        }
        self.stage = Stage::HangingUp;
        self.bye(now);
    }

    fn bye(&mut self, now: Duration) {
        self.cseq += 1;
        let mut bye = self.in_dialog("BYE", self.cseq);
        if let Some(header) = self.authorize("BYE", &self.target.clone()) {
            bye = bye.with(header.0, &header.1);
        }
        self.send(bye, "BYE", self.cseq, now, FAREWELL);
    }

    fn invite(&mut self, now: Duration) {
        self.cseq += 1;
        let cseq = self.cseq;
        let uri = self.asking.uri.clone();
        let mut invite = self
            .request("INVITE", &uri, cseq)
            .with("To", &format!("<{uri}>"))
            .with("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS")
            .with("Subject", "test call")
            .with_body("application/sdp", &self.asking.offer.clone());
        if let Some(header) = self.authorize("INVITE", &uri) {
            invite = invite.with(header.0, &header.1);
        }
        self.invite = Some(invite.clone());
        let patience = self.asking.patience.saturating_sub(now).max(T1);
        self.send(invite, "INVITE", cseq, now, patience);
    }

    /// The headers that every request of ours begins with; To is left to the caller.
    fn request(&mut self, method: &str, uri: &str, cseq: u32) -> Message {
        let Asking { from, local, transport, identity, .. } = &self.asking;
        self.requests += 1;
        let tcp = if *transport == "TCP" { ";transport=tcp" } else { "" };
        let mut request = Message::request(method, uri)
            .with(
                "Via",
                &format!("SIP/2.0/{transport} {local};branch=z9hG4bK{identity}-{};rport", self.requests),
            )
            .with("Max-Forwards", "70");
        for route in &self.routes {
            request = request.with("Route", route);
        }
        request
            .with(
                "From",
                &format!("\"Linesman test call\" <sip:{from}@{}>;tag={}", host(local.ip()), &identity[..16]),
            )
            .with("Call-ID", &self.call_id())
            .with("CSeq", &format!("{cseq} {method}"))
            .with("Contact", &format!("<sip:{from}@{local}{tcp}>"))
            .with("User-Agent", "linesman")
    }

    fn in_dialog(&mut self, method: &str, cseq: u32) -> Message {
        let target = self.target.clone();
        let to = self.remote_to.clone().unwrap_or_else(|| format!("<{}>", self.asking.uri));
        self.request(method, &target, cseq).with("To", &to)
    }

    fn authorize(&mut self, method: &str, uri: &str) -> Option<(&'static str, String)> {
        let (challenge, header) = self.authorization.as_ref()?;
        let credentials = self.asking.credentials.as_ref()?;
        self.uses += 1;
        let value =
            challenge.answer(credentials, method, uri, &self.asking.identity[16..], self.uses).ok()?;
        Some((header, value))
    }

    fn send(&mut self, message: Message, method: &'static str, cseq: u32, now: Duration, patience: Duration) {
        let wire = message.to_bytes();
        self.out.push_back(wire.clone());
        self.waiting.push(Waiting {
            wire,
            branch: message.branch().unwrap_or_default().to_owned(),
            cseq,
            method,
            again: (self.asking.transport == "UDP").then(|| now + T1),
            interval: T1,
            until: now + patience,
        });
    }

    /// A message of the peer.
    pub fn heard(&mut self, message: &Message, now: Duration) {
        if message.call_id() != Some(self.call_id().as_str()) {
            return;
        }
        let Some((cseq, method)) = message.cseq() else { return };
        match message.as_response() {
            None => self.asked(message, method),
            Some(response) => {
                let (code, reason) = (response.code, response.reason.clone());
                match method {
                    "INVITE" => self.of_invite(message, cseq, code, reason, now),
                    "BYE" | "CANCEL" => self.of_farewell(message, cseq, code, now),
                    _ => {}
                }
            }
        }
    }

    fn of_invite(&mut self, message: &Message, cseq: u32, code: u16, reason: String, now: Duration) {
        if cseq != self.invite.as_ref().and_then(Message::cseq).map_or(0, |(cseq, _)| cseq) {
            // A repeated answer to an INVITE that was challenged: acknowledged once is enough for its 401, for its
            // retransmission the ACK may have been lost.
            if code >= 300 {
                self.acknowledge_refusal(message, cseq);
            }
            return;
        }
        let invite_branch = self.invite.as_ref().and_then(Message::branch).map(str::to_owned);
        if message.branch().map(str::to_owned) != invite_branch {
            return;
        }
        if code < 200 {
            if self.stage == Stage::Calling {
                self.progress.heard.get_or_insert(now);
                self.progress.code = Some(code);
                if code > 100 {
                    self.progress.first.get_or_insert(now);
                }
                // Heard is heard: only silence is repeated into (section 17.1.1.2).
                for waiting in self.waiting.iter_mut().filter(|waiting| waiting.method == "INVITE") {
                    waiting.again = None;
                }
            }
            return;
        }
        if code < 300 {
            return self.accepted(message, now);
        }
        self.acknowledge_refusal(message, cseq);
        if self.stage != Stage::Calling {
            return;
        }
        self.progress.heard.get_or_insert(now);
        self.waiting.retain(|waiting| waiting.method != "INVITE");
        if self.cancelled {
            self.stage = Stage::Over(End::NotAnswered);
            return;
        }
        if matches!(code, 401 | 407) && self.asking.credentials.is_some() {
            match self.take_challenge(message, code) {
                Ok(true) => return self.invite(now),
                Ok(false) => {}
                Err(why) => {
                    self.stage = Stage::Over(End::Challenged(why));
                    return;
                }
            }
        }
        self.stage = Stage::Over(End::Refused { code, reason });
    }

    /// Remembers a challenge; false when it was answered before and is not merely stale.
    fn take_challenge(&mut self, message: &Message, code: u16) -> Result<bool, String> {
        let (asks, answers) = if code == 401 {
            ("WWW-Authenticate", "Authorization")
        } else {
            ("Proxy-Authenticate", "Proxy-Authorization")
        };
        let challenges: Vec<Challenge> = message.headers_named(asks).filter_map(Challenge::parse).collect();
        let Some(credentials) = &self.asking.credentials else { return Ok(false) };
        let answered =
            |challenge: &&Challenge| challenge.answer(credentials, "INVITE", &self.asking.uri, "", 1).is_ok();
        let Some(challenge) = challenges.iter().find(answered) else {
            let first =
                challenges.first().map(|challenge| challenge.answer(credentials, "INVITE", "", "", 1));
            return Err(match first {
                Some(Err(why)) => why,
                _ => format!("the far end answered {code} without a challenge of scheme Digest"),
            });
        };
        if self.tries > 0 && !(challenge.is_stale && self.tries < 3) {
            return Ok(false);
        }
        self.tries += 1;
        self.uses = 0;
        self.authorization = Some((challenge.clone(), answers));
        Ok(true)
    }

    fn accepted(&mut self, message: &Message, now: Duration) {
        let tag = |value: Option<&str>| value.and_then(|to| parameter(to, "tag").map(str::to_owned));
        if self.answer.is_some() {
            // The yes came again: the ACK was lost (section 13.2.2.4).
            if tag(message.header("To")) == tag(self.remote_to.as_deref())
                && let Some(ack) = self.ack.clone()
            {
                self.out.push_back(ack);
                self.retransmissions += 1;
            }
            return;
        }
        if self.stage != Stage::Calling {
            return;
        }
        self.waiting.retain(|waiting| waiting.method != "INVITE");
        self.progress.heard.get_or_insert(now);
        // The hanging up may be challenged anew.
        self.tries = 0;
        self.remote_to = message.header("To").map(str::to_owned);
        if let Some(contact) = message.header("Contact").and_then(uri_of) {
            self.target = contact;
        }
        self.routes = message
            .headers_named("Record-Route")
            .flat_map(|line| crate::sip::message::split_outside_quotes(line, ','))
            .map(|route| route.trim().to_owned())
            .collect();
        self.routes.reverse();
        let (cseq, _) = message.cseq().unwrap_or((self.cseq, "INVITE"));
        let mut ack = self.in_dialog("ACK", cseq);
        let invite = self.invite.as_ref();
        for name in ["Authorization", "Proxy-Authorization"] {
            if let Some(value) = invite.and_then(|invite| invite.header(name)) {
                ack = ack.with(name, value);
            }
        }
        let ack = ack.to_bytes();
        self.out.push_back(ack.clone());
        self.ack = Some(ack);
        self.answer = Some(message.clone());
        self.answered = Some(now);
        self.stage = Stage::Talking;
        if self.cancelled {
            self.answered = None;
            self.hang_up(now);
        }
    }

    /// The ACK of an answer that is no yes belongs to the INVITE's own transaction (section 17.1.1.3).
    fn acknowledge_refusal(&mut self, message: &Message, cseq: u32) {
        let mut ack = Message::request("ACK", &self.asking.uri);
        if let Some(via) = message.top_via() {
            // Ours as it came back, without what others noted in it.
            let own = self.invite.as_ref().filter(|invite| invite.branch() == message.branch());
            ack = ack.with("Via", own.and_then(Message::top_via).unwrap_or(via));
        }
        ack = ack.with("Max-Forwards", "70");
        for name in ["From", "To", "Call-ID"] {
            if let Some(value) = message.header(name) {
                ack = ack.with(name, value);
            }
        }
        let ack = ack.with("CSeq", &format!("{cseq} ACK")).with("User-Agent", "linesman");
        self.out.push_back(ack.to_bytes());
    }

    fn of_farewell(&mut self, message: &Message, cseq: u32, code: u16, now: Duration) {
        let place = self
            .waiting
            .iter()
            // CANCEL shares both with the INVITE that it cancels (RFC 3261 section 9.1).
            .position(|waiting| {
                waiting.method != "INVITE"
                    && waiting.cseq == cseq
                    && message.branch() == Some(waiting.branch.as_str())
            });
        let Some(place) = place else { return };
        if code < 200 {
            return;
        }
        let waiting = self.waiting.swap_remove(place);
        if waiting.method != "BYE" {
            return;
        }
        if matches!(code, 401 | 407) && self.take_challenge(message, code) == Ok(true) {
            return self.bye(now);
        }
        if self.stage == Stage::HangingUp {
            self.stage = Stage::Over(if self.cancelled { End::NotAnswered } else { End::HungUp });
        }
    }

    /// A request of the far end.
    fn asked(&mut self, message: &Message, method: &str) {
        let answer = match method {
            "ACK" => return,
            "BYE" => {
                if matches!(self.stage, Stage::Talking | Stage::HangingUp) {
                    self.waiting.clear();
                    let was_ours = self.stage == Stage::HangingUp;
                    self.stage = Stage::Over(if was_ours { End::HungUp } else { End::FarHungUp });
                }
                respond_to(message, 200, "OK")
            }
            "OPTIONS" => respond_to(message, 200, "OK").with("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"),
            // What was agreed stays agreed; the call goes on (section 14.2).
            "INVITE" | "UPDATE" => respond_to(message, 488, "Not Acceptable Here"),
            "INFO" | "NOTIFY" | "MESSAGE" => respond_to(message, 200, "OK"),
            _ => respond_to(message, 405, "Method Not Allowed")
                .with("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"),
        };
        self.out.push_back(answer.to_bytes());
    }
}

/// The URI of a Contact, `<sip:…>` or bare.
fn uri_of(value: &str) -> Option<String> {
    let uri = match (value.find('<'), value.find('>')) {
        (Some(begin), Some(end)) if begin < end => &value[begin + 1..end],
        _ => value.split([';', ',']).next().unwrap_or_default().trim(),
    };
    let lower = uri.to_ascii_lowercase();
    (lower.starts_with("sip:") || lower.starts_with("sips:")).then(|| uri.to_owned())
}

#[cfg(test)]
#[path = "dialog_tests.rs"]
mod tests;
