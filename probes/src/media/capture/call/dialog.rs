//! One dialog and its legs: what was asked, what was answered, and when.

use std::sync::Arc;

use super::Side;
use crate::capture::net::Endpoint;
use crate::capture::sip::{Media, MediaKind, Party, Session};

/// Most hops of a dialog.
pub(super) const MAX_LEGS: usize = 16;
/// Most descriptions kept for a side; a call that changes more often keeps the first and the latest.
const MAX_DESCRIBED: usize = 32;
/// Transactions remembered of a leg.
const MAX_TRANSACTIONS: usize = 8;

/// Everything with one Call-ID.
#[derive(Debug, Clone)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Who called.
    pub from: Party,
    /// Who was called.
    pub to: Party,
    /// Session-ID (RFC 7989); empty without one.
    pub session_id: String,
    /// The hops, in the order seen.
    pub legs: Vec<Leg>,
    /// Latest message.
    pub last: i64,
}

/// How far a leg came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Invited, nothing heard.
    Calling,
    /// A provisional response came.
    Ringing,
    /// Answered, the end not seen.
    Answered,
    /// Answered and hung up.
    Ended,
    /// Given up by the caller.
    Cancelled,
    /// Refused with this status code.
    Failed(u16),
}

impl State {
    /// One word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calling => "calling",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
        }
    }
}

/// What a side said about its media at one time.
#[derive(Debug, Clone)]
pub struct Described {
    /// When.
    pub at: i64,
    /// What.
    pub session: Arc<Session>,
    /// Until when, where the offer was refused.
    pub withdrawn: Option<i64>,
    print: u64,
}

/// One request and who sent it.
#[derive(Debug, Clone)]
struct Transaction {
    branch: u64,
    method: u64,
    side: Side,
    initial: bool,
    /// The description it offered: its place on the side.
    offer: Option<usize>,
}

/// One hop of a dialog's signalling.
#[derive(Debug, Clone)]
pub struct Leg {
    /// Where the caller's side signals from.
    pub caller: Endpoint,
    /// Where the callee's side is signalled to.
    pub callee: Endpoint,
    /// Tag of the caller.
    pub caller_tag: String,
    /// First INVITE; none when the capture began later.
    pub invited: Option<i64>,
    /// First response that tells of progress or an end: 180, 183, 200 or a refusal, not 100 nor a challenge.
    pub progress: Option<i64>,
    /// 2xx to the INVITE.
    pub answered: Option<i64>,
    /// BYE, or the refusal.
    pub ended: Option<i64>,
    /// Who hung up.
    pub hung_up: Option<Side>,
    /// CANCEL was seen.
    pub cancelled: bool,
    /// Final status of the INVITE; 0 without one.
    pub status: u16,
    /// A provisional response described media: it may flow before the answer.
    pub early_media: Option<i64>,
    described: [Vec<Described>; 2],
    transactions: Vec<Transaction>,
}

impl Leg {
    pub(super) fn new(caller: Endpoint, callee: Endpoint, caller_tag: &str) -> Self {
        Self {
            caller,
            callee,
            caller_tag: caller_tag.to_owned(),
            invited: None,
            progress: None,
            answered: None,
            ended: None,
            hung_up: None,
            cancelled: false,
            status: 0,
            early_media: None,
            described: [Vec::new(), Vec::new()],
            transactions: Vec::new(),
        }
    }

    /// How far it came.
    #[must_use]
    pub const fn state(&self) -> State {
        match (self.answered, self.ended, self.status) {
            (Some(_), Some(_), _) => State::Ended,
            (Some(_), None, _) => State::Answered,
            (None, _, 487) => State::Cancelled,
            (None, _, status @ 300..) => State::Failed(status),
            _ if self.cancelled => State::Cancelled,
            _ if self.progress.is_some() => State::Ringing,
            _ => State::Calling,
        }
    }

    /// What a side said, in order.
    #[must_use]
    pub fn described(&self, side: Side) -> &[Described] {
        &self.described[side.index()]
    }

    /// What held for a side at a time: the latest that was not withdrawn; before the first one, the first.
    #[must_use]
    pub fn session_at(&self, side: Side, at: i64) -> Option<&Session> {
        let all = self.described(side);
        let held = |said: &&Described| said.at <= at && said.withdrawn.is_none();
        all.iter().rev().find(held).or(all.first()).map(|said| said.session.as_ref())
    }

    /// The speech that held for a side at a time.
    #[must_use]
    pub fn audio_at(&self, side: Side, at: i64) -> Option<&Media> {
        self.session_at(side, at)?.first(MediaKind::Audio)
    }

    /// Whether two legs describe the same addresses: hops of a proxy that leaves the media alone.
    #[must_use]
    pub fn same_media(&self, other: &Self) -> bool {
        [Side::Caller, Side::Callee].into_iter().all(|side| {
            let addresses = |leg: &Self| -> Vec<Endpoint> {
                let media = leg.described(side).iter().flat_map(|said| said.session.media.iter());
                let mut all: Vec<_> = media.filter_map(|media| media.address).collect();
                all.sort_unstable();
                all.dedup();
                all
            };
            addresses(self) == addresses(other)
        })
    }

    /// Keeps a description; false when it is the one before again.
    pub(super) fn describe(&mut self, side: Side, at: i64, session: Arc<Session>, print: u64) -> bool {
        let all = &mut self.described[side.index()];
        if all.last().is_some_and(|last| last.print == print && last.withdrawn.is_none()) {
            return false;
        }
        if all.len() >= MAX_DESCRIBED {
            all.remove(1);
        }
        all.push(Described { at, session, withdrawn: None, print });
        true
    }

    pub(super) fn begin(&mut self, branch: u64, method: u64, side: Side, initial: bool) {
        let known = |transaction: &Transaction| transaction.branch == branch && transaction.method == method;
        if self.transactions.iter().any(known) {
            return;
        }
        if self.transactions.len() >= MAX_TRANSACTIONS {
            self.transactions.remove(0);
        }
        self.transactions.push(Transaction { branch, method, side, initial, offer: None });
    }

    /// Remembers that the description last kept was this request's offer.
    pub(super) fn offered(&mut self, branch: u64, side: Side) {
        let place = self.described[side.index()].len().checked_sub(1);
        if let Some(transaction) = self.transactions.iter_mut().rev().find(|one| one.branch == branch) {
            transaction.offer = place;
        }
    }

    /// Who sent the request of a transaction, and whether it began the dialog.
    pub(super) fn requester(&self, branch: u64, method: u64) -> Option<(Side, bool)> {
        let known = |transaction: &&Transaction| transaction.branch == branch && transaction.method == method;
        self.transactions.iter().find(known).map(|transaction| (transaction.side, transaction.initial))
    }

    /// A refused offer leaves everything as it was (RFC 3261 section 14.1).
    pub(super) fn withdraw(&mut self, branch: u64, at: i64) {
        let Some(transaction) = self.transactions.iter().rev().find(|one| one.branch == branch) else {
            return;
        };
        let (side, Some(place)) = (transaction.side, transaction.offer) else { return };
        if let Some(said) = self.described[side.index()].get_mut(place) {
            said.withdrawn = Some(at);
        }
    }
}
