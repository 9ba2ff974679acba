//! What must come out, counted while the files are made.

use super::bill::{self, Line};
use super::plan::{Active, Ready};
use super::traffic::Call;
use super::world::rfc3339;
use crate::Money;
use crate::outcome::{Cause, CauseKind, Counts, Fault, Finding, Outcome, Totals};
use crate::record::Side;

/// What one cause came to.
#[derive(Debug, Clone, Default)]
struct Tally {
    calls: u64,
    /// In the agreed order.
    amount: Money,
    /// Of calls on which nothing else acts: the same in every order.
    alone: Money,
    /// Of the other calls, by order of the side's causes.
    by_order: Vec<Money>,
    seen_ms: Option<[i64; 2]>,
    examples: Vec<String>,
}

/// The truth so far.
pub(super) struct Truth<'a> {
    ready: &'a Ready<'a>,
    counts: Counts,
    totals: [Money; 2],
    correct: Money,
    tallies: [Vec<Tally>; 2],
    /// All orders of each side's causes.
    orders: [Vec<Vec<usize>>; 2],
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for next in 0..count {
        all = all
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, next);
                    longer
                })
            })
            .collect();
    }
    all
}

/// Whether a cause can be seen in the records of a call, also where rounding hides it in the amount. Of calls that
/// were not answered only their count tells anything.
fn shows(before: &[Line], after: &[Line]) -> bool {
    let told = |line: &Line| {
        let facts = (line.start_ms, line.talk_ms, line.talk_s, line.billed_s, line.rate);
        line.answered.then_some((facts, line.amount, line.exact, line.tech.is_some()))
    };
    before.len() != after.len() || before.iter().map(told).ne(after.iter().map(told))
}

impl<'a> Truth<'a> {
    pub fn new(ready: &'a Ready<'a>) -> Self {
        let orders = [0, 1].map(|side| orders(ready.causes[side].len()));
        let tallies = [0, 1].map(|side: usize| {
            let tally = Tally { by_order: vec![Money::ZERO; orders[side].len()], ..Tally::default() };
            vec![tally; ready.causes[side].len()]
        });
        Self {
            ready,
            counts: Counts::default(),
            totals: [Money::ZERO; 2],
            correct: Money::ZERO,
            tallies,
            orders,
        }
    }

    /// Records of a call on both sides; counts what the causes make of it.
    pub fn call(&mut self, call: &Call) -> [Vec<Line>; 2] {
        let sound = bill::lines(self.ready, call, &[]);
        self.correct += bill::value(&sound);
        let both = Side::BOTH.map(|side| self.side(side, call, &sound));
        self.count(&both);
        both
    }

    fn side(&mut self, side: Side, call: &Call, sound: &[Line]) -> Vec<Line> {
        let causes = &self.ready.causes[side.index()];
        let acting: Vec<usize> =
            (0..causes.len()).filter(|place| bill::acts(self.ready, &causes[*place], call, *place)).collect();
        let on = |mask: usize| -> Vec<&Active> {
            let set = acting.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
            set.map(|(_, place)| &causes[*place]).collect()
        };
        let sign = |money: Money| if side == Side::Theirs { money } else { -money };
        let mut before = sound.to_vec();
        for (bit, place) in acting.iter().enumerate() {
            let after = bill::lines(self.ready, call, &on((2 << bit) - 1));
            if shows(&before, &after) {
                let share = sign(bill::value(&after) - bill::value(&before));
                self.tallies[side.index()][*place].add(call, share);
            }
            before = after;
        }
        if acting.len() == 1 {
            let tally = &mut self.tallies[side.index()][acting[0]];
            tally.alone += sign(bill::value(&before) - bill::value(sound));
        } else if acting.len() > 1 {
            let values: Vec<Money> = (0..1 << acting.len())
                .map(|mask| bill::value(&bill::lines(self.ready, call, &on(mask))))
                .collect();
            for (at, order) in self.orders[side.index()].iter().enumerate() {
                let mut mask = 0;
                for place in order {
                    let Some(bit) = acting.iter().position(|other| other == place) else { continue };
                    let next = mask | 1 << bit;
                    let share = sign(values[next] - values[mask]);
                    self.tallies[side.index()][*place].by_order[at] += share;
                    mask = next;
                }
            }
        }
        before
    }

    fn count(&mut self, [ours, theirs]: &[Vec<Line>; 2]) {
        let number = |lines: &[Line], wanted: fn(&Line) -> bool| {
            lines.iter().filter(|line| wanted(line)).count() as u64
        };
        let counts = &mut self.counts;
        counts.ours += ours.len() as u64;
        counts.theirs += theirs.len() as u64;
        counts.duplicates_ours += number(ours, |line| line.duplicate);
        counts.duplicates_theirs += number(theirs, |line| line.duplicate);
        counts.parts_ours += number(ours, |line| !line.duplicate).saturating_sub(1);
        counts.parts_theirs += number(theirs, |line| !line.duplicate).saturating_sub(1);
        for (side, lines) in [ours, theirs].into_iter().enumerate() {
            self.totals[side] += bill::value(lines);
        }
        let first = |lines: &[Line]| -> Money {
            let lines = lines.iter().filter(|line| !line.duplicate);
            lines.map(|line| Money(i128::from(line.amount))).sum()
        };
        match (ours.is_empty(), theirs.is_empty()) {
            (false, false) => {
                counts.paired += 1;
                counts.amount_differs += u64::from(first(ours) != first(theirs));
            }
            (false, true) => counts.only_ours += 1,
            (true, false) => counts.only_theirs += 1,
            (true, true) => {}
        }
    }

    /// The answer that a right reconciliation gives.
    pub fn outcome(self) -> Outcome {
        let decimals = u32::from(self.ready.plan.decimals);
        let show = |money: Money| money.show(decimals);
        let [ours, theirs] = self.totals;
        let mut causes = Vec::new();
        for side in Side::BOTH {
            for (active, tally) in self.ready.causes[side.index()].iter().zip(&self.tallies[side.index()]) {
                if tally.calls > 0 {
                    causes.push((tally.amount, tally.cause(self.ready, active, show)));
                }
            }
        }
        causes.sort_by_key(|(amount, _)| std::cmp::Reverse(amount.abs()));
        let causes: Vec<Cause> = causes.into_iter().map(|(_, cause)| cause).collect();
        Outcome {
            currency: "USD".to_owned(),
            totals: Totals {
                ours: show(ours),
                theirs: show(theirs),
                difference: show(theirs - ours),
                correct: show(self.correct),
                ours_minus_correct: show(ours - self.correct),
                theirs_minus_correct: show(theirs - self.correct),
            },
            counts: self.counts,
            findings: findings(self.ready),
            verdict: verdict(&causes),
            causes,
            unexplained: show(Money::ZERO),
        }
    }
}

impl Tally {
    fn add(&mut self, call: &Call, share: Money) {
        self.calls += 1;
        self.amount += share;
        let [first, last] = self.seen_ms.unwrap_or([call.start_ms; 2]);
        self.seen_ms = Some([first.min(call.start_ms), last.max(call.start_ms)]);
        if self.examples.len() < 3 {
            self.examples.push(format!("c{}", call.index));
        }
    }

    fn cause(&self, ready: &Ready<'_>, active: &Active, show: impl Fn(Money) -> String) -> Cause {
        let injection = &active.injection;
        let sums = || self.by_order.iter().map(|sum| *sum + self.alone);
        let least = sums().min().unwrap_or(self.amount);
        let most = sums().max().unwrap_or(self.amount);
        let count = i128::try_from(self.by_order.len().max(1)).unwrap_or(1);
        let mean = Money(sums().map(|sum| sum.0).sum::<i128>() / count);
        let at_fault = match injection.kind {
            CauseKind::PeriodCutoff => Fault::None,
            // Only times of its own that contradict a duration prove whose is wrong.
            CauseKind::DurationDiffers if !ready.plan.form(injection.side).has_times() => Fault::Undecided,
            _ => injection.side.into(),
        };
        let windowed = injection.window.is_some();
        Cause {
            kind: injection.kind,
            at_fault,
            selector: injection.selector.clone(),
            contract: None,
            used: active.effect.used(),
            window: self.seen_ms.filter(|_| windowed).map(|seen| seen.map(rfc3339)),
            calls: self.calls,
            amount: show(self.amount),
            range: [show(least), show(most)],
            mean: show(mean),
            examples: self.examples.clone(),
        }
    }
}

fn verdict(causes: &[Cause]) -> Fault {
    let has = |fault: Fault| causes.iter().any(|cause| cause.at_fault == fault);
    match (has(Fault::Ours), has(Fault::Theirs)) {
        (true, true) => Fault::Both,
        (true, false) => Fault::Ours,
        (false, true) => Fault::Theirs,
        (false, false) if has(Fault::Undecided) => Fault::Undecided,
        (false, false) => Fault::None,
    }
}

/// What differs between the files and is nobody's fault.
fn findings(ready: &Ready<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |kind: &str, side: Side, key: &str, value: serde_json::Value| {
        let values = [(key.to_owned(), value)].into_iter().collect();
        findings.push(Finding { kind: kind.to_owned(), side: Some(side), values });
    };
    for side in Side::BOTH {
        let form = ready.plan.form(side);
        if form.zone != "UTC" {
            add("timezone", side, "zone", form.zone.clone().into());
        }
        if form.clock_offset_ms != 0 {
            add("clock_offset", side, "milliseconds", form.clock_offset_ms.into());
        }
        if form.drift_ppb != 0 {
            add("clock_drift", side, "ppb", form.drift_ppb.into());
        }
        if let Some([at_ms, by_ms]) = form.step_ms {
            add("clock_step", side, "step", serde_json::json!([rfc3339(at_ms), by_ms]));
        }
        if form.numbers != super::NumberStyle::Plain {
            add("number_format", side, "style", format!("{:?}", form.numbers).into());
        }
        if !form.gateway_head.is_empty() {
            add("gateway_names", side, "head", form.gateway_head.clone().into());
        }
    }
    findings
}
