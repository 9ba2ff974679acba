//! Causes that peers tell us in words: a gateway that is not registered, a service that answers
//! with an error every time.

use linesman_probes::observation::Outcome;
use linesman_probes::probe::ProbeKind;

use super::finding::Finding;
use super::{Cause, Input, RoundPoint, Series};
use crate::inventory::ElementKind;
use crate::locale::Message;

/// Rounds in a row that must say the same.
const IN_A_ROW: usize = 2;

/// SIP codes by which a registrar says that it knows no binding (RFC 3261 sections 21.4.5, 21.4.18).
#[must_use]
pub const fn says_unregistered(code: u16) -> bool {
    matches!(code, 404 | 410 | 480)
}

/// SIP codes by which a peer says that it cannot serve (RFC 3261 section 21.5).
#[must_use]
pub const fn says_unable(code: u16) -> bool {
    matches!(code, 500 | 502 | 503 | 504)
}

/// SIP codes by which a test call shows that its trunk does not carry it: the trunk's, not the called number's.
#[must_use]
pub const fn carries_no_call(code: u16) -> bool {
    matches!(code, 408 | 500..=599)
}

/// Whether a round is what its target should say.
#[must_use]
pub fn is_good_answer(kind: ProbeKind, round: &RoundPoint) -> bool {
    if round.outcome != Outcome::Answered {
        return false;
    }
    match (kind, round.code) {
        (ProbeKind::Registration, Some(code)) => (200..300).contains(&code),
        (ProbeKind::Registration, None) => false,
        (ProbeKind::Sip, Some(code)) => !says_unable(code),
        (ProbeKind::Call, Some(code)) => (200..300).contains(&code),
        (ProbeKind::Call, None) => false,
        _ => true,
    }
}

/// Gateways not registered and services that say they are unable.
#[must_use]
pub fn find(input: &Input) -> Vec<Finding> {
    input.series.iter().filter_map(|series| find_in(input, series)).collect()
}

fn find_in(input: &Input, series: &Series) -> Option<Finding> {
    let target = &input.inventory.targets()[series.target];
    let kind = input.inventory.element(target.element).kind;
    let (cause, tells): (Cause, fn(u16) -> bool) = match (target.spec.kind(), kind) {
        (ProbeKind::Registration, ElementKind::Gateway) => (Cause::GatewayUnregistered, says_unregistered),
        (ProbeKind::Sip, ElementKind::Server) => (Cause::ServerState, says_unable),
        (ProbeKind::Sip, ElementKind::Trunk) => (Cause::LandingTrunk, says_unable),
        (ProbeKind::Call, ElementKind::Trunk) => (Cause::LandingTrunk, carries_no_call),
        _ => return None,
    };
    let run: Vec<&RoundPoint> = series
        .rounds
        .iter()
        .rev()
        .filter(|round| round.outcome != Outcome::Unmeasured)
        .take_while(|round| round.outcome == Outcome::Answered && round.code.is_some_and(tells))
        .collect();
    let (newest, oldest) = (run.first()?, run.last()?);
    if run.len() < IN_A_ROW {
        return None;
    }
    let reason = Message::new(if cause == Cause::GatewayUnregistered {
        "reason.unregistered"
    } else {
        "reason.unable"
    })
    .with("target", &target.name)
    .with("code", newest.code.unwrap_or_default())
    .with("rounds", run.len())
    .with("since", super::poller::rfc3339(oldest.start));
    Some(Finding {
        cause,
        segment: target.element,
        began: oldest.start,
        last_seen: newest.start,
        confidence: 0.9,
        loss_ratio: None,
        targets: vec![target.name.clone()],
        verdict: None,
        reasons: vec![reason],
        // The answer itself proves that we and the way are well.
        witnessed: true,
        voice: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_call_speaks_against_the_trunk_only_by_codes_that_are_not_the_called_numbers() {
        for code in [408, 500, 503, 504] {
            assert!(carries_no_call(code), "{code}");
        }
        for code in [200, 401, 403, 404, 480, 486, 488, 600, 603] {
            assert!(!carries_no_call(code), "{code}: a busy or unknown echo number, or our rights");
        }
    }
}
