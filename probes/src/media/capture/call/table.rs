//! All dialogs: each SIP message changes one leg of one of them.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use super::book::Book;
use super::dialog::{Dialog, Leg, MAX_LEGS};
use super::{LegRef, Side};
use crate::capture::net::Endpoint;
use crate::capture::sip::{Message, Session, Start};

/// Most dialogs that are kept unless set otherwise; what comes beyond is counted.
const MAX_DIALOGS: usize = 1_000_000;

/// A Call-ID that comes again this long after its end is another call.
const REUSE: i64 = 32_000_000_000;

/// The dialogs.
pub struct Calls {
    most: usize,
    dialogs: Vec<Dialog>,
    by_call_id: HashMap<String, u32>,
    /// Messages that belong to no call: registrations, keep-alives, presence.
    pub other_messages: u64,
    /// Dialogs beyond the bound.
    pub refused: u64,
    hasher: foldhash::fast::FixedState,
}

impl Default for Calls {
    fn default() -> Self {
        Self::at_most(MAX_DIALOGS)
    }
}

impl Calls {
    /// None yet, and never more than so many.
    #[must_use]
    pub fn at_most(most: usize) -> Self {
        Self {
            most,
            dialogs: Vec::new(),
            by_call_id: HashMap::new(),
            other_messages: 0,
            refused: 0,
            hasher: foldhash::fast::FixedState::default(),
        }
    }

    /// All, in the order of their first message.
    #[must_use]
    pub fn dialogs(&self) -> &[Dialog] {
        &self.dialogs
    }

    /// Whether a dialog of this Call-ID was seen.
    #[must_use]
    pub fn knows(&self, call_id: &str) -> bool {
        self.by_call_id.contains_key(call_id)
    }

    /// One leg.
    #[must_use]
    pub fn leg(&self, leg: LegRef) -> Option<&Leg> {
        self.dialogs.get(leg.dialog as usize)?.legs.get(usize::from(leg.leg))
    }

    /// Takes a message in. Says at which addresses media is announced anew.
    pub fn note(
        &mut self,
        at: i64,
        source: Endpoint,
        destination: Endpoint,
        message: &Message<'_>,
        book: &mut Book,
    ) -> Vec<Endpoint> {
        if !matches!(message.method.as_str(), "INVITE" | "ACK" | "BYE" | "CANCEL" | "PRACK" | "UPDATE") {
            self.other_messages += 1;
            return Vec::new();
        }
        let Some(dialog) = self.dialog_of(at, message) else { return Vec::new() };
        let hop = Hop {
            at,
            source,
            destination,
            branch: self.hasher.hash_one(&message.branch),
            method: self.hasher.hash_one(&message.method),
            print: self.hasher.hash_one(message.body),
        };
        let Some(entry) = self.dialogs.get_mut(dialog as usize) else { return Vec::new() };
        entry.last = entry.last.max(at);
        let found = match message.start {
            Start::Request(_) => request(entry, &hop, message),
            Start::Response(status) => response(entry, &hop, message, status),
        };
        let Some((leg, side)) = found else { return Vec::new() };
        let Some(sdp) = message.session_description() else { return Vec::new() };
        let session = Arc::new(Session::parse(sdp));
        let hop_leg = &mut entry.legs[usize::from(leg)];
        if !hop_leg.describe(side, at, Arc::clone(&session), hop.print) {
            return Vec::new();
        }
        if matches!(message.start, Start::Request(_)) {
            hop_leg.offered(hop.branch, side);
        }
        book.claim(at, LegRef { dialog, leg }, side, &session)
    }

    /// Takes dialogs out: those that have no new place. What stays moves to its new place.
    #[must_use]
    pub fn split(&mut self, places: &[Option<u32>]) -> Self {
        let mut gone = Self::default();
        let place = |old: u32| places.get(old as usize).copied().flatten();
        let mut kept = Vec::with_capacity(self.dialogs.len());
        for (old, dialog) in (0_u32..).zip(std::mem::take(&mut self.dialogs)) {
            if place(old).is_some() { kept.push(dialog) } else { gone.dialogs.push(dialog) }
        }
        self.dialogs = kept;
        self.by_call_id.retain(|_, at| place(*at).map(|new| *at = new).is_some());
        gone
    }

    fn dialog_of(&mut self, at: i64, message: &Message<'_>) -> Option<u32> {
        if let Some(known) = self.by_call_id.get(&message.call_id) {
            let over = self.dialogs.get(*known as usize).is_some_and(|dialog| is_over(dialog, at));
            let begins = message.start == Start::Request("INVITE".to_owned()) && message.to.tag.is_empty();
            if !over || !begins {
                return Some(*known);
            }
        }
        if message.method != "INVITE" {
            return None;
        }
        if self.dialogs.len() >= self.most {
            self.refused += 1;
            return None;
        }
        let index = self.dialogs.len() as u32;
        self.dialogs.push(Dialog {
            call_id: message.call_id.clone(),
            from: message.from.clone(),
            to: message.to.clone(),
            session_id: message.session_id.clone(),
            legs: Vec::new(),
            last: at,
        });
        self.by_call_id.insert(message.call_id.clone(), index);
        Some(index)
    }
}

fn is_over(dialog: &Dialog, at: i64) -> bool {
    dialog.legs.iter().all(|leg| leg.ended.is_some_and(|ended| at - ended > REUSE))
}

/// Where and when a message was seen, and what it is recognised by.
struct Hop {
    at: i64,
    source: Endpoint,
    destination: Endpoint,
    branch: u64,
    method: u64,
    print: u64,
}

/// A request: its leg and who sent it.
fn request(dialog: &mut Dialog, hop: &Hop, message: &Message<'_>) -> Option<(u8, Side)> {
    let initial = message.method == "INVITE" && message.to.tag.is_empty();
    let index = if initial {
        let same = |leg: &Leg| {
            leg.caller == hop.source && leg.callee == hop.destination && leg.caller_tag == message.from.tag
        };
        match dialog.legs.iter().position(same) {
            Some(known) => known,
            None => add(dialog, Leg::new(hop.source, hop.destination, &message.from.tag))?,
        }
    } else {
        match leg_between(dialog, hop.source, hop.destination) {
            Some(known) => known,
            None if message.method == "INVITE" => {
                add(dialog, Leg::new(hop.source, hop.destination, &message.from.tag))?
            }
            None => return None,
        }
    };
    let leg = &mut dialog.legs[index];
    let side = if message.from.tag == leg.caller_tag { Side::Caller } else { Side::Callee };
    leg.begin(hop.branch, hop.method, side, initial);
    match message.method.as_str() {
        "INVITE" if initial => {
            leg.invited.get_or_insert(hop.at);
            // After a challenge the same call is tried again.
            if matches!(leg.status, 401 | 407 | 422 | 491) {
                (leg.status, leg.ended, leg.progress) = (0, None, None);
            }
        }
        "BYE" if leg.ended.is_none() => (leg.ended, leg.hung_up) = (Some(hop.at), Some(side)),
        "CANCEL" => leg.cancelled = true,
        _ => {}
    }
    Some((index as u8, side))
}

/// A response: its leg and who sent it.
fn response(dialog: &mut Dialog, hop: &Hop, message: &Message<'_>, status: u16) -> Option<(u8, Side)> {
    let by_branch = dialog.legs.iter().position(|leg| leg.requester(hop.branch, hop.method).is_some());
    let index = match by_branch.or_else(|| leg_between(dialog, hop.destination, hop.source)) {
        Some(known) => known,
        None if message.method == "INVITE" => {
            add(dialog, Leg::new(hop.destination, hop.source, &message.from.tag))?
        }
        None => return None,
    };
    let leg = &mut dialog.legs[index];
    let by_tag = if message.from.tag == leg.caller_tag { Side::Caller } else { Side::Callee };
    // Without its request a response still tells who asked, by the From that it repeats.
    let unseen = (by_tag, leg.answered.is_none());
    let (requester, initial) = leg.requester(hop.branch, hop.method).unwrap_or(unseen);
    match (message.method.as_str(), status) {
        ("INVITE", 101..=199) if initial => {
            leg.progress.get_or_insert(hop.at);
            if message.session_description().is_some() {
                leg.early_media.get_or_insert(hop.at);
            }
        }
        ("INVITE", 200..=299) if initial => {
            leg.progress.get_or_insert(hop.at);
            leg.answered.get_or_insert(hop.at);
            leg.status = status;
        }
        ("INVITE", 401 | 407 | 422 | 491) if initial && leg.answered.is_none() => {
            (leg.status, leg.ended) = (status, Some(hop.at));
        }
        ("INVITE", 300..) if initial && leg.answered.is_none() => {
            leg.progress.get_or_insert(hop.at);
            (leg.status, leg.ended) = (status, Some(hop.at));
        }
        (_, 300..) => leg.withdraw(hop.branch, hop.at),
        _ => {}
    }
    Some((index as u8, requester.other()))
}

fn add(dialog: &mut Dialog, leg: Leg) -> Option<usize> {
    if dialog.legs.len() >= MAX_LEGS {
        return None;
    }
    dialog.legs.push(leg);
    Some(dialog.legs.len() - 1)
}

/// The leg between two addresses: by both, else by their hosts, else the only one there is.
fn leg_between(dialog: &Dialog, one: Endpoint, other: Endpoint) -> Option<usize> {
    let either = |test: fn(Endpoint, Endpoint) -> bool| {
        move |leg: &Leg| {
            (test(leg.caller, one) && test(leg.callee, other))
                || (test(leg.caller, other) && test(leg.callee, one))
        }
    };
    let legs = &dialog.legs;
    legs.iter()
        .position(either(|a, b| a == b))
        .or_else(|| {
            // A connection that the other side opened comes from another port.
            let one_port = |leg: &Leg| {
                [(leg.caller, leg.callee), (leg.callee, leg.caller)].into_iter().any(|(first, second)| {
                    first.same_host(one) && second.same_host(other) && (first == one || second == other)
                })
            };
            legs.iter().position(one_port)
        })
        .or_else(|| legs.iter().position(either(Endpoint::same_host)))
        .or((legs.len() == 1).then_some(0))
}
