//! What one record and the call that it is of say of each other.

use std::collections::BTreeSet;

use super::book::{BilledCall, Capture, Limits};
use super::call::{Doubt, Heard, Speaker};
use super::codec;
use super::difference::{Basis, Difference, Kind, MatchedBy, Undecided};
use super::stake;
use crate::Money;

/// Fewer packets say nothing of a codec.
const FEWEST_PACKETS: u64 = 25;

/// A pair with what is known around it.
pub(super) struct Case<'a> {
    pub(super) place: usize,
    pub(super) call: usize,
    pub(super) by: MatchedBy,
    pub(super) billed: &'a BilledCall,
    pub(super) heard: &'a Heard,
    /// As in the book.
    pub(super) says_talk: bool,
    pub(super) capture: &'a Capture,
    pub(super) limits: &'a Limits,
    /// Whether another record of these numbers lies within the call.
    pub(super) has_parts: bool,
    /// Whether all calls of its path lack the same party.
    pub(super) one_sided: bool,
}

impl Case<'_> {
    fn differs(&self, kind: Kind, basis: Basis, ms: Option<i64>, at_stake: Option<Money>) -> Difference {
        Difference {
            kind,
            basis,
            record: Some(self.place),
            call: Some(self.call),
            matched_by: Some(self.by),
            differs_ms: ms,
            at_stake,
        }
    }

    /// Differences, and what could not be judged.
    pub(super) fn judge(&self, found: &mut Vec<Difference>, undecided: &mut BTreeSet<Undecided>) {
        self.codec(found);
        let Some(length) = self.billed.length(self.says_talk) else {
            undecided.insert(Undecided::LengthUnclear);
            return;
        };
        if length.ms > 0 && self.of_voice(length.ms, found, undecided) {
            return;
        }
        let longer = length.ms > 0 && self.longer(length.ms, length.slack_ms, found, undecided);
        if !longer {
            self.shorter(length.ms, found, undecided);
        }
    }

    /// Billed, and nobody, or only one, was heard; or the answer was none. Says whether the whole call is told of.
    fn of_voice(
        &self,
        billed_ms: i64,
        found: &mut Vec<Difference>,
        undecided: &mut BTreeSet<Undecided>,
    ) -> bool {
        let heard = self.heard;
        let whole = stake::whole(&self.billed.record);
        if let (Some(status), None) = (heard.refused, heard.answer_ms) {
            if heard.has(&[Doubt::LegsDiffer]) || heard.last_media_ms().is_some() {
                return false;
            }
            let basis = Basis::Refused { billed_ms, status };
            found.push(self.differs(Kind::FalseAnswer, basis, Some(billed_ms), whole));
            return true;
        }
        let says_absence = heard.found.no_media || heard.found.silent.is_some() || heard.found.late_callee;
        if !says_absence {
            return false;
        }
        if let Some(why) = self.unseen() {
            undecided.insert(why);
            return false;
        }
        let talk_ms = heard.talk_ms().unwrap_or(billed_ms);
        if heard.found.no_media {
            let basis = Basis::Signalling { billed_ms, talk_ms };
            found.push(self.differs(Kind::BilledWithoutMedia, basis, Some(billed_ms), whole));
            return true;
        }
        if let Some(speaker) = heard.found.silent {
            if self.one_sided {
                undecided.insert(Undecided::OneSidedTap);
                return false;
            }
            let other = match speaker {
                Speaker::Caller => Speaker::Callee,
                Speaker::Callee => Speaker::Caller,
            };
            let other_ms = heard.way(other).map_or(0, |way| way.active_ms);
            let basis = match speaker {
                Speaker::Caller => Basis::SilentCaller { billed_ms, other_ms },
                Speaker::Callee => Basis::SilentCallee { billed_ms, other_ms },
            };
            found.push(self.differs(Kind::BilledOneWay, basis, Some(billed_ms), whole));
            return true;
        }
        if let (Some(answer), Some(callee)) = (heard.answer_ms, heard.way(Speaker::Callee)) {
            let wait_ms = callee.first_ms - answer;
            if wait_ms > self.limits.late_ms {
                let basis = Basis::FirstMedia { billed_ms, wait_ms };
                let worth = stake::charged(&self.billed.record, wait_ms.min(billed_ms));
                found.push(self.differs(Kind::FalseAnswer, basis, Some(wait_ms), worth));
            }
        }
        false
    }

    /// What keeps the absence of voice in this call from being proven.
    fn unseen(&self) -> Option<Undecided> {
        let heard = self.heard;
        if heard.has(&[Doubt::MeasurementFault, Doubt::DirectionUnknown, Doubt::LegsDiffer]) {
            return Some(Undecided::MeasurementFault);
        }
        if heard.has(&[Doubt::Fax]) {
            return Some(Undecided::Fax);
        }
        if heard.has(&[Doubt::Renegotiated]) {
            return Some(Undecided::Renegotiated);
        }
        let (Some(answer), Some(end)) = (heard.answer_ms, heard.end_ms) else {
            return Some(Undecided::EndNotSeen);
        };
        (!self.capture.covers(answer, end)).then_some(Undecided::OutsideCapture)
    }

    fn longer(
        &self,
        billed_ms: i64,
        slack_ms: i64,
        found: &mut Vec<Difference>,
        undecided: &mut BTreeSet<Undecided>,
    ) -> bool {
        let heard = self.heard;
        let Some(answer) = heard.answer_ms else { return false };
        if let Some(talk_ms) = heard.talk_ms() {
            let excess = billed_ms - talk_ms;
            if excess > self.limits.seconds_ms + slack_ms {
                // A call that was handed over goes on in another dialog: the end that was seen is not its own.
                let goes_on = answer.saturating_add(talk_ms).saturating_add(self.limits.seconds_ms);
                if heard.last_media_ms().is_some_and(|last| last > goes_on) {
                    undecided.insert(Undecided::EndNotSeen);
                    return true;
                }
                let basis = Basis::Signalling { billed_ms, talk_ms };
                let worth = stake::charged(&self.billed.record, excess - slack_ms);
                found.push(self.differs(Kind::BilledLongerThanMedia, basis, Some(excess), worth));
                return true;
            }
        }
        // Voice before the answer alone is no media of the call: that is judged, or left open, above.
        let Some(last) = heard.last_media_ms().filter(|last| *last > answer) else { return false };
        let media_ms = last - answer;
        let silent = billed_ms - media_ms;
        if silent <= self.limits.silence_ms + slack_ms {
            return false;
        }
        let why = self.unseen().or_else(|| {
            let billed_end = answer.saturating_add(billed_ms).saturating_sub(slack_ms);
            (!self.capture.covers(answer, billed_end)).then_some(Undecided::OutsideCapture)
        });
        if let Some(why) = why {
            undecided.insert(why);
            return false;
        }
        let basis = Basis::LastMedia { billed_ms, media_ms };
        let worth = stake::charged(&self.billed.record, silent - slack_ms);
        found.push(self.differs(Kind::BilledLongerThanMedia, basis, Some(silent), worth));
        true
    }

    fn shorter(&self, billed_ms: i64, found: &mut Vec<Difference>, undecided: &mut BTreeSet<Undecided>) {
        let heard = self.heard;
        let (Some(answer), Some(both)) = (heard.answer_ms, heard.both_until_ms()) else { return };
        // What runs on after the end was no conversation.
        let until = heard.end_ms.map_or(both, |end| both.min(end));
        let media_ms = until - answer;
        let short = media_ms - billed_ms;
        // Whole seconds may have been rounded down.
        if short <= self.limits.seconds_ms + 1_000 {
            return;
        }
        if self.has_parts {
            undecided.insert(Undecided::PartOfCall);
            return;
        }
        if heard.has(&[Doubt::DirectionUnknown]) {
            undecided.insert(Undecided::MeasurementFault);
            return;
        }
        let basis = Basis::BothHeard { billed_ms, media_ms };
        let worth = stake::part(&self.billed.record, short - 1_000);
        found.push(self.differs(Kind::BilledShorterThanMedia, basis, Some(short), worth));
    }

    fn codec(&self, found: &mut Vec<Difference>) {
        let Some(billed) = self.billed.codec.as_deref().and_then(codec::named) else { return };
        let enough = self.heard.ways.iter().flatten().filter(|way| way.packets >= FEWEST_PACKETS);
        let names: BTreeSet<&String> = enough.flat_map(|way| &way.codecs).collect();
        let seen: BTreeSet<&str> = names.iter().filter_map(|name| codec::named(name)).collect();
        // One that nobody knows may be the one of the record.
        if seen.is_empty() || seen.len() < names.len() || seen.contains(billed) {
            return;
        }
        let seen = seen.into_iter().map(str::to_owned).collect();
        let basis = Basis::Codec { billed: billed.to_owned(), seen };
        found.push(self.differs(Kind::CodecDiffers, basis, None, None));
    }
}
