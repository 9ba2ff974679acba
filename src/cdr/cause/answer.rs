//! The [`Outcome`] of a model and what attribution came to.

use super::attribute::{CauseTally, Example, Tally};
use super::deviation::Deviation;
use super::found::Found;
use super::model::Model;
use super::shares::Spread;
use super::words;
use crate::money::Money;
use crate::outcome::{Cause, CauseKind, Counts, Fault, Finding, Outcome, Totals};

/// Names a call for people: its identity in the files, if they have one.
pub type Identify<'i> = dyn Fn(&Example) -> Option<String> + 'i;

impl Example {
    /// Caller, callee and time, for files that give calls no identity.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}>{}@{}", self.caller, self.callee, moment(self.at_ms))
    }
}

/// RFC 3339, in UTC.
fn moment(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |at| at.to_string())
}

/// Causes of the model that are one to the reader: of the same kind, side and calls.
struct Reported {
    members: Vec<usize>,
    tally: CauseTally,
}

impl Model<'_> {
    fn reported(&self, tally: &Tally) -> Vec<Reported> {
        let mut all: Vec<Reported> = Vec::new();
        for at in 0..self.found.len() {
            let Some(cause) = tally.causes.get(at).filter(|cause| cause.calls > 0) else { continue };
            let own = &self.found[at];
            let same = all.iter_mut().find(|one| {
                let other = &self.found[one.members[0]];
                (other.kind, other.at_fault, other.pick) == (own.kind, own.at_fault, own.pick)
            });
            match same {
                Some(one) => {
                    one.members.push(at);
                    one.tally.merge(cause.clone());
                }
                None => all.push(Reported { members: vec![at], tally: cause.clone() }),
            }
        }
        all.sort_by_key(|one| {
            let found = &self.found[one.members[0]];
            (i128::MAX - one.tally.amount.abs(), found.kind, found.at_fault as u8, found.pick)
        });
        all
    }

    /// For each of the model's causes its index in [`Outcome::causes`], none where no call shows it.
    #[must_use]
    pub fn ranks(&self, tally: &Tally) -> Vec<Option<u32>> {
        let mut ranks = vec![None; self.found.len()];
        for (rank, one) in (0u32..).zip(self.reported(tally)) {
            for at in one.members {
                ranks[at] = Some(rank);
            }
        }
        ranks
    }

    /// Examples of each cause, in the order of [`Outcome::causes`].
    #[must_use]
    pub fn examples(&self, tally: &Tally) -> Vec<Vec<Example>> {
        let all = self.reported(tally).into_iter();
        all.map(|one| one.tally.examples.into_iter().collect()).collect()
    }

    /// The answer. `rejected` are the lines of ours and theirs that are no records; `identify` names a call.
    #[must_use]
    pub fn outcome(
        &self,
        tally: &Tally,
        findings: Vec<Finding>,
        rejected: [u64; 2],
        identify: &Identify<'_>,
    ) -> Outcome {
        let rater = self.pricer.rater;
        let decimals = u32::from(rater.terms(0).decimals);
        let show = |value: i128| Money(value).show(decimals);
        let tallied = &tally.tallied;
        let [ours, theirs] = [0, 1].map(|side: usize| tallied.charged[side] + tally.charged[side]);
        let correct = tallied.correct + tally.correct;
        let causes: Vec<Cause> =
            self.reported(tally).into_iter().map(|one| self.cause(&one, tally, &show, identify)).collect();
        let verdict = verdict(&causes, theirs - ours, tally.unexplained);
        Outcome {
            currency: rater.currency().unwrap_or_default().to_owned(),
            totals: Totals {
                ours: show(ours),
                theirs: show(theirs),
                difference: show(theirs - ours),
                correct: show(correct),
                ours_minus_correct: show(ours - correct),
                theirs_minus_correct: show(theirs - correct),
            },
            counts: Counts {
                ours: tallied.records[0],
                theirs: tallied.records[1],
                paired: tallied.paired,
                only_ours: tallied.only[0],
                only_theirs: tallied.only[1],
                duplicates_ours: tallied.duplicates[0],
                duplicates_theirs: tallied.duplicates[1],
                rejected_ours: rejected[0],
                rejected_theirs: rejected[1],
                amount_differs: tallied.amount_differs,
                parts_ours: tallied.parts[0],
                parts_theirs: tallied.parts[1],
                ..Counts::default()
            },
            findings,
            causes,
            unexplained: show(tally.unexplained),
            verdict,
        }
    }

    fn cause(
        &self,
        one: &Reported,
        tally: &Tally,
        show: &dyn Fn(i128) -> String,
        identify: &Identify<'_>,
    ) -> Cause {
        let (found, cause) = (&self.found[one.members[0]], &one.tally);
        let (mut contract, mut used) = (Vec::new(), Vec::new());
        let mut spread = Spread::default();
        for at in &one.members {
            // They never meet on a call: their shares add up in every order.
            let own = tally.signatures.spread(u16::try_from(*at).unwrap_or(u16::MAX));
            spread.least += own.least;
            spread.most += own.most;
            spread.mean += own.mean;
            let words = words::terms(&self.found[*at], &self.pricer, tally.causes[*at].span);
            contract.extend(words.0.filter(|word| !contract.contains(word)));
            used.extend(words.1.filter(|word| !used.contains(word)));
        }
        let joined = |words: Vec<String>| (!words.is_empty()).then(|| words.join(", "));
        Cause {
            kind: found.kind,
            at_fault: found.at_fault,
            selector: found.pick.selector(&self.maker.context, &self.destinations),
            contract: joined(contract),
            used: joined(used),
            window: window(found, cause),
            calls: cause.calls,
            amount: show(cause.amount),
            range: [show(spread.least), show(spread.most)],
            mean: show(spread.mean),
            examples: cause.examples.iter().map(|one| identify(one).unwrap_or_else(|| one.text())).collect(),
        }
    }
}

fn window(found: &Found, cause: &CauseTally) -> Option<[String; 2]> {
    let always = matches!(found.deviation, Deviation::Stale { .. });
    let span = found.pick.window.or(cause.span.filter(|_| always))?;
    Some(span.map(moment))
}

fn verdict(causes: &[Cause], difference: i128, unexplained: i128) -> Fault {
    let has = |fault: Fault| causes.iter().any(|cause| cause.at_fault == fault);
    match (has(Fault::Ours), has(Fault::Theirs)) {
        (true, true) => Fault::Both,
        (true, false) => Fault::Ours,
        (false, true) => Fault::Theirs,
        (false, false) => {
            let edge = causes.iter().all(|cause| cause.kind == CauseKind::PeriodCutoff);
            if edge && unexplained == 0 && (difference == 0 || !causes.is_empty()) {
                Fault::None
            } else {
                Fault::Undecided
            }
        }
    }
}
