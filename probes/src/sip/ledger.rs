//! The books of one round: which requests are due, which answer belongs to which, what it comes to.
//!
//! A pure state machine: the time since the round began and the messages are arguments, the sockets
//! are in [`super::udp`] and [`super::tcp`].

use std::time::Duration;

use super::message::Message;
use crate::observation::{Burst, Detail, Impediment, Measured, Outcome};
use crate::probe::Round;
use crate::reach::statistics::summarise;
use crate::units::Rtt;

/// RFC 3261 section 17.1.1.1: estimate of the round-trip time; first interval of timer E.
const T1: Duration = Duration::from_millis(500);
/// The same: largest interval between retransmissions of a request that is not INVITE.
const T2: Duration = Duration::from_secs(4);
/// Longest reason phrase kept, in characters.
const MAX_REASON: usize = 128;

/// One request of the round and what became of it.
struct Transaction {
    wire: Vec<u8>,
    branch: String,
    call_id: String,
    method: String,
    /// When it first left us; the round-trip time counts from here, also after a retransmission, since
    /// nobody can tell which copy was answered. So a delay is never understated.
    first_sent: Duration,
    /// When timer E fires; `None` on a reliable transport.
    retransmit: Option<Duration>,
    interval: Duration,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Answered(Rtt),
    Refused,
    Lost,
}

/// What is to be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The request of this number, for the first time.
    First(u32),
    /// A request again, by its place in the books.
    Again(usize),
}

/// See the module.
pub(super) struct Ledger {
    round: Round,
    retransmits: bool,
    transactions: Vec<Transaction>,
    duplicates: u32,
    latest: Option<(u16, String)>,
}

impl Ledger {
    pub(super) const fn new(round: Round, retransmits: bool) -> Self {
        Self { round, retransmits, transactions: Vec::new(), duplicates: 0, latest: None }
    }

    /// When the request of this number is to leave: evenly spread, the last before the end of the spread.
    fn slot(&self, number: u32) -> Duration {
        let share = f64::from(number) / f64::from(self.round.count.max(1));
        self.round.spread.mul_f64(share)
    }

    fn next_number(&self) -> Option<u32> {
        let number = u32::try_from(self.transactions.len()).unwrap_or(u32::MAX);
        (number < self.round.count).then_some(number)
    }

    /// By when the answer to a request must be here; never beyond the end of the round.
    fn deadline(&self, transaction: &Transaction) -> Duration {
        let end = self.round.spread.saturating_add(self.round.timeout);
        transaction.first_sent.saturating_add(self.round.timeout).min(end)
    }

    /// What to send at `now`, one at a time: ask until `None`.
    pub(super) fn due(&mut self, now: Duration) -> Option<Due> {
        for place in 0..self.transactions.len() {
            let deadline = self.deadline(&self.transactions[place]);
            let transaction = &mut self.transactions[place];
            if transaction.state != State::Open {
                continue;
            }
            if now >= deadline {
                transaction.state = State::Lost;
                continue;
            }
            if transaction.retransmit.is_some_and(|at| at <= now) {
                transaction.interval = transaction.interval.saturating_mul(2).min(T2);
                transaction.retransmit = Some(now.saturating_add(transaction.interval));
                return Some(Due::Again(place));
            }
        }
        self.next_number().filter(|number| self.slot(*number) <= now).map(Due::First)
    }

    /// A request is about to leave for the first time. Take the time before sending, not after.
    pub(super) fn begin(&mut self, request: &Message, now: Duration) -> usize {
        self.transactions.push(Transaction {
            wire: request.to_bytes(),
            branch: request.branch().unwrap_or_default().to_owned(),
            call_id: request.call_id().unwrap_or_default().to_owned(),
            method: request.cseq().map(|(_, method)| method.to_owned()).unwrap_or_default(),
            first_sent: now,
            retransmit: self.retransmits.then(|| now.saturating_add(T1)),
            interval: T1,
            state: State::Open,
        });
        self.transactions.len() - 1
    }

    /// The bytes of a request.
    pub(super) fn wire(&self, place: usize) -> &[u8] {
        self.transactions.get(place).map_or(&[], |transaction| &transaction.wire)
    }

    /// When to look again without having heard anything; `None` when the round is over.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        let open = self.transactions.iter().filter(|transaction| transaction.state == State::Open);
        let timers = open.map(|transaction| {
            let deadline = self.deadline(transaction);
            transaction.retransmit.map_or(deadline, |at| at.min(deadline))
        });
        timers.chain(self.next_number().map(|number| self.slot(number))).min()
    }

    /// A message came. It counts if it answers one of our requests: branch of the topmost Via and CSeq
    /// method (RFC 3261 section 17.1.3), and Call-ID.
    pub(super) fn heard(&mut self, message: &Message, now: Duration) {
        let Some(response) = message.as_response() else { return };
        let (Some(branch), Some(call_id), Some((_, method))) =
            (message.branch(), message.call_id(), message.cseq())
        else {
            return;
        };
        let timeout = self.round.timeout;
        let Some(transaction) = self
            .transactions
            .iter_mut()
            .find(|t| t.branch == branch && t.call_id == call_id && t.method == method)
        else {
            return;
        };
        match transaction.state {
            State::Open if response.code < 200 => {
                // Timer E in state Proceeding: from now on every T2 (RFC 3261 section 17.1.2.2).
                transaction.interval = T2;
                transaction.retransmit = transaction.retransmit.map(|_| now.saturating_add(T2));
            }
            State::Open => {
                let elapsed = now.saturating_sub(transaction.first_sent);
                if elapsed > timeout {
                    transaction.state = State::Lost;
                    return;
                }
                transaction.state = State::Answered(Rtt::from_duration(elapsed));
                self.latest = Some((response.code, presentable(&response.reason)));
            }
            State::Answered(_) if response.code >= 200 => self.duplicates = self.duplicates.saturating_add(1),
            State::Answered(_) | State::Refused | State::Lost => {}
        }
    }

    /// The target refused: whatever is under way will not be answered.
    pub(super) fn refused(&mut self) {
        self.refused_but(None);
    }

    /// The same, for a refusal learnt while sending another request, which is still under way.
    pub(super) fn refused_but(&mut self, sending: Option<usize>) {
        for (place, transaction) in self.transactions.iter_mut().enumerate() {
            if transaction.state == State::Open && Some(place) != sending {
                transaction.state = State::Refused;
            }
        }
    }

    /// What the round comes to.
    pub(super) fn close(self) -> Measured {
        let sent = u32::try_from(self.transactions.len()).unwrap_or(u32::MAX);
        if sent == 0 {
            return Measured::unmeasured(Impediment::Local {
                reason: "the round asked for no request: set its count to 1 or more".to_owned(),
            });
        }
        let rtts: Vec<Rtt> = self
            .transactions
            .iter()
            .filter_map(|t| if let State::Answered(rtt) = t.state { Some(rtt) } else { None })
            .collect();
        let refused = self.transactions.iter().any(|t| t.state == State::Refused);
        let outcome = match (rtts.is_empty(), refused) {
            (false, _) => Outcome::Answered,
            (true, true) => Outcome::Refused,
            (true, false) => Outcome::Silent,
        };
        let received = u32::try_from(rtts.len()).unwrap_or(u32::MAX);
        let burst = Burst { sent, received, duplicates: self.duplicates, rtt: summarise(&rtts) };
        let detail = self.latest.map_or(Detail::None, |(code, reason)| Detail::Sip { code, reason });
        Measured { outcome, impediment: None, burst, detail }
    }
}

/// A stranger's words, fit to be shown: cut, and nothing in them that moves a cursor or turns the text.
fn presentable(reason: &str) -> String {
    let turns_text = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks_line = |c: char| matches!(c, '\u{2028}' | '\u{2029}');
    let show = |c: char| if c.is_control() || turns_text(c) || breaks_line(c) { '\u{fffd}' } else { c };
    reason.chars().take(MAX_REASON).map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::respond_to;

    const ROUND: Round = Round { count: 1, spread: Duration::from_secs(1), timeout: Duration::from_secs(10) };

    fn options(branch: &str) -> Message {
        Message::request("OPTIONS", "sip:192.0.2.1")
            .with("Via", &format!("SIP/2.0/UDP 192.0.2.9;branch={branch};rport"))
            .with("From", "<sip:a@b>;tag=1")
            .with("To", "<sip:c@d>")
            .with("Call-ID", "call-1")
            .with("CSeq", "1 OPTIONS")
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn sending_times(ledger: &mut Ledger, until: Duration) -> Vec<u64> {
        let mut times = Vec::new();
        let mut now = Duration::ZERO;
        loop {
            while let Some(due) = ledger.due(now) {
                if let Due::First(_) = due {
                    ledger.begin(&options("z9hG4bK1"), now);
                }
                times.push(now.as_millis() as u64);
            }
            match ledger.next_wake() {
                Some(wake) if wake <= until => now = wake,
                _ => return times,
            }
        }
    }

    #[test]
    fn a_silent_peer_is_asked_again_by_timer_e_until_the_deadline() {
        let mut ledger = Ledger::new(ROUND, true);
        assert_eq!(sending_times(&mut ledger, ms(60_000)), [0, 500, 1500, 3500, 7500]);
        let measured = ledger.close();
        assert_eq!((measured.outcome, measured.burst.sent), (Outcome::Silent, 1));
    }

    #[test]
    fn a_reliable_transport_is_asked_once() {
        let mut ledger = Ledger::new(ROUND, false);
        assert_eq!(sending_times(&mut ledger, ms(60_000)), [0]);
    }

    #[test]
    fn retransmissions_are_never_further_apart_than_four_seconds() {
        let round = Round { timeout: Duration::from_secs(20), ..ROUND };
        let mut ledger = Ledger::new(round, true);
        assert_eq!(
            sending_times(&mut ledger, ms(60_000)),
            [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500]
        );
    }

    #[test]
    fn requests_are_spread_evenly_and_the_last_leaves_before_the_end() {
        let round = Round { count: 4, spread: ms(400), timeout: ms(300) };
        let mut ledger = Ledger::new(round, false);
        assert_eq!(sending_times(&mut ledger, ms(60_000)), [0, 100, 200, 300]);
        assert_eq!(ledger.next_wake(), None);
    }

    #[test]
    fn the_delay_of_a_retransmitted_request_counts_from_its_first_copy() {
        let mut ledger = Ledger::new(ROUND, true);
        sending_times(&mut ledger, ms(500));
        ledger.heard(&respond_to(&options("z9hG4bK1"), 200, "OK"), ms(520));
        let rtt = ledger.close().burst.rtt.expect("answered").max;
        assert_eq!(rtt, Rtt::from_duration(ms(520)));
    }

    #[test]
    fn a_provisional_answer_slows_retransmission_and_ends_nothing() {
        let mut ledger = Ledger::new(ROUND, true);
        sending_times(&mut ledger, Duration::ZERO);
        ledger.heard(&respond_to(&options("z9hG4bK1"), 100, "Trying"), ms(10));
        assert_eq!(ledger.next_wake(), Some(ms(4010)));
        ledger.heard(&respond_to(&options("z9hG4bK1"), 503, "Busy"), ms(30));
        let measured = ledger.close();
        assert_eq!(measured.outcome, Outcome::Answered);
        assert_eq!(measured.detail, Detail::Sip { code: 503, reason: "Busy".to_owned() });
    }

    #[test]
    fn an_answer_to_somebody_elses_request_does_not_count() {
        let mut ledger = Ledger::new(ROUND, true);
        sending_times(&mut ledger, Duration::ZERO);
        let mine = options("z9hG4bK1");
        ledger.heard(&respond_to(&options("z9hG4bK2"), 200, "OK"), ms(10));
        ledger.heard(&mine, ms(11));
        let mut other_call = respond_to(&mine, 200, "OK");
        other_call.headers.iter_mut().filter(|h| h.name == "Call-ID").for_each(|h| h.value = "x".to_owned());
        ledger.heard(&other_call, ms(12));
        let mut other_method = respond_to(&mine, 200, "OK");
        other_method
            .headers
            .iter_mut()
            .filter(|h| h.name == "CSeq")
            .for_each(|h| h.value = "1 BYE".to_owned());
        ledger.heard(&other_method, ms(13));
        assert_eq!(ledger.close().outcome, Outcome::Silent);
    }

    #[test]
    fn an_answer_after_its_deadline_is_lost_and_copies_are_counted_apart() {
        let round = Round { count: 1, spread: ms(0), timeout: ms(100) };
        let mut late = Ledger::new(round, true);
        sending_times(&mut late, Duration::ZERO);
        let answer = respond_to(&options("z9hG4bK1"), 200, "OK");
        late.heard(&answer, ms(101));
        assert_eq!(late.close().outcome, Outcome::Silent);

        let mut twice = Ledger::new(round, true);
        sending_times(&mut twice, Duration::ZERO);
        twice.heard(&answer, ms(10));
        twice.heard(&answer, ms(20));
        let burst = twice.close().burst;
        assert_eq!((burst.sent, burst.received, burst.duplicates), (1, 1, 1));
    }

    #[test]
    fn a_reason_cannot_move_the_cursor_or_fill_the_page() {
        let shown = presentable(&format!("a\u{1b}[2J\u{202e}b{}", "x".repeat(500)));
        assert!(shown.starts_with("a\u{fffd}[2J\u{fffd}b"), "{shown}");
        assert_eq!(shown.chars().count(), MAX_REASON);
    }

    #[test]
    fn a_round_of_no_requests_is_not_silence() {
        let ledger = Ledger::new(Round { count: 0, ..ROUND }, true);
        assert_eq!(ledger.next_wake(), None);
        assert_eq!(ledger.close().outcome, Outcome::Unmeasured);
    }
}
