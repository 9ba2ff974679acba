//! One round: requests spread evenly, replies folded into what the probe says.
//!
//! Requests overlap: a late answer to the first does not delay the second. What a single
//! request came to is a [`Reply`]; [`fold`] is pure and the same for all kinds.

use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::statistics::summarise;
use crate::observation::{Burst, Detail, Impediment, Measured, Outcome};
use crate::probe::Round;
use crate::units::Rtt;
use crate::wire::Failure;

/// What one request came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Answered in time, after this long, and what the peer said.
    Answered(Rtt, Detail),
    /// No answer in time, or only from routers on the way.
    Silent,
    /// The target itself said no.
    Refused,
    /// The request did not leave, or its answer could not be seen: our fault.
    NotMeasured(Impediment),
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Silent => Self::Silent,
            Failure::Refused => Self::Refused,
            Failure::Ours(impediment) => Self::NotMeasured(impediment),
        }
    }
}

/// Sends `round.count` requests, the i-th after i/count of the spread, and waits for all.
///
/// `request` MUST return within `round.timeout`.
pub async fn run<Request, Sending>(round: Round, request: Request) -> Vec<Reply>
where
    Request: Fn(u32) -> Sending,
    Sending: Future<Output = Reply>,
{
    let start = Instant::now();
    let request = &request;
    let requests = (0..round.count).map(|index| async move {
        if index > 0 {
            tokio::time::sleep_until(start + offset(round, index)).await;
        }
        request(index).await
    });
    join_all(requests).await
}

/// When the request of this index leaves, counted from the start of the round.
fn offset(round: Round, index: u32) -> Duration {
    round.spread.saturating_mul(index).checked_div(round.count).unwrap_or_default()
}

/// Folds replies in the order of sending.
///
/// A round in which we failed *and* an answer is missing is void: the missing answer may be our
/// failure's doing. When everything that did leave was answered, the answers stand.
#[must_use]
pub fn fold(replies: Vec<Reply>) -> Measured {
    let mut sent = 0_u32;
    let mut refused = 0_u32;
    let mut impediment = None;
    let mut rtts = Vec::with_capacity(replies.len());
    let mut said = Detail::None;
    for reply in replies {
        if let Reply::NotMeasured(first) = reply {
            impediment.get_or_insert(first);
            continue;
        }
        sent += 1;
        match reply {
            Reply::Answered(rtt, detail) => {
                rtts.push(rtt);
                said = detail;
            }
            Reply::Refused => refused += 1,
            Reply::Silent | Reply::NotMeasured(_) => {}
        }
    }
    let received = u32::try_from(rtts.len()).unwrap_or(u32::MAX);
    if sent == 0 || received < sent {
        if let Some(impediment) = impediment {
            return Measured::unmeasured(impediment);
        }
        if sent == 0 {
            let reason = "the round asks for no requests".to_owned();
            return Measured::unmeasured(Impediment::Local { reason });
        }
    }
    let outcome = match (received, refused) {
        (1.., _) => Outcome::Answered,
        (0, 1..) => Outcome::Refused,
        (0, 0) => Outcome::Silent,
    };
    let burst = Burst { sent, received, duplicates: 0, rtt: summarise(&rtts) };
    Measured { outcome, impediment: None, burst, detail: said }
}

/// Whether a round has an answer missing that nobody accounted for.
#[must_use]
pub fn has_loss(measured: &Measured) -> bool {
    match measured.outcome {
        Outcome::Silent => true,
        Outcome::Answered => measured.burst.received < measured.burst.sent,
        Outcome::Refused | Outcome::Unmeasured => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answered(nanos: u64) -> Reply {
        Reply::Answered(Rtt::from_nanos(nanos), Detail::None)
    }

    #[test]
    fn one_answer_among_silence_is_an_answered_round_with_loss() {
        let measured = fold(vec![Reply::Silent, answered(5), Reply::Silent, Reply::Refused]);
        assert_eq!(measured.outcome, Outcome::Answered);
        assert_eq!((measured.burst.sent, measured.burst.received), (4, 1));
        assert!(has_loss(&measured));
    }

    #[test]
    fn refusal_without_answers_is_told_apart_from_silence() {
        assert_eq!(fold(vec![Reply::Silent, Reply::Refused]).outcome, Outcome::Refused);
        assert_eq!(fold(vec![Reply::Silent]), Measured::silent(1));
    }

    #[test]
    fn our_failure_with_a_missing_answer_voids_the_round() {
        let measured = fold(vec![answered(5), Reply::NotMeasured(Impediment::NoRoute), Reply::Silent]);
        assert_eq!(measured, Measured::unmeasured(Impediment::NoRoute));
    }

    #[test]
    fn our_failure_does_not_hide_that_all_that_left_was_answered() {
        let measured = fold(vec![answered(5), Reply::NotMeasured(Impediment::NoRoute)]);
        assert_eq!((measured.outcome, measured.burst.sent), (Outcome::Answered, 1));
        assert!(!has_loss(&measured));
    }

    #[test]
    fn a_round_of_no_requests_measures_nothing() {
        assert_eq!(fold(Vec::new()).outcome, Outcome::Unmeasured);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spread_evenly_and_a_late_answer_delays_no_other() {
        let round = Round { count: 4, spread: Duration::from_secs(1), timeout: Duration::from_secs(3) };
        let start = Instant::now();
        let sent_at = std::sync::Mutex::new(Vec::new());
        run(round, |_| {
            sent_at.lock().unwrap().push(start.elapsed().as_millis());
            async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                Reply::Silent
            }
        })
        .await;
        assert_eq!(*sent_at.lock().unwrap(), [0, 250, 500, 750]);
        assert_eq!(start.elapsed(), Duration::from_millis(3_750));
    }

    fn any_reply() -> impl Strategy<Value = Reply> {
        prop_oneof![
            any::<u64>().prop_map(answered),
            Just(Reply::Silent),
            Just(Reply::Refused),
            Just(Reply::NotMeasured(Impediment::NoRoute)),
        ]
    }

    proptest! {
        #[test]
        fn a_fold_never_receives_more_than_it_sent_and_explains_itself(replies in prop::collection::vec(any_reply(), 0..60)) {
            let measured = fold(replies.clone());
            prop_assert!(measured.burst.received <= measured.burst.sent);
            prop_assert!(measured.burst.sent as usize <= replies.len());
            prop_assert_eq!(measured.impediment.is_some(), measured.outcome == Outcome::Unmeasured);
            prop_assert_eq!(measured.burst.rtt.is_some(), measured.burst.received > 0);
            prop_assert_eq!(measured.outcome == Outcome::Answered, measured.burst.received > 0);
        }

        #[test]
        fn the_last_request_leaves_before_the_spread_ends(count in 1_u32..10_000, millis in 1_u64..100_000) {
            let round = Round { count, spread: Duration::from_millis(millis), timeout: Duration::ZERO };
            prop_assert!(offset(round, count - 1) < round.spread);
        }
    }
}
