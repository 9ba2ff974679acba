//! True calls in the order of their beginning: a day's curve, redials, unanswered calls, long tails.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::plan::Plan;
use super::random::Chance;
use super::world::DESTINATIONS;
use crate::number::Number;

/// One call as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    /// UTC.
    pub start_ms: i64,
    /// Which one, in the order in which they were thought of; the seed of all its chance.
    pub index: u64,
    pub caller: u64,
    pub callee: u64,
    pub ring_ms: u32,
    /// 0 for one that was not answered.
    pub talk_ms: u32,
    pub answered: bool,
    pub gateway: u16,
    pub account: u16,
}

impl Call {
    pub fn callee_number(&self) -> Number {
        Number::from_digits(self.callee, self.callee.max(1).ilog10() + 1).unwrap_or_default()
    }

    pub fn end_ms(&self) -> i64 {
        self.start_ms + i64::from(self.ring_ms) + i64::from(self.talk_ms)
    }
}

/// Traffic of the hours of a day.
const HOURS: [u64; 24] =
    [14, 9, 6, 4, 4, 6, 12, 26, 52, 78, 88, 84, 70, 68, 80, 86, 82, 74, 66, 62, 58, 48, 34, 22];

/// All calls of a plan.
pub(super) struct Traffic<'a> {
    plan: &'a Plan,
    begin_ms: i64,
    /// Sum of the curve up to the end of each hour.
    hours: Vec<u64>,
    hour: usize,
    /// Calls thought of anew so far, and how many there shall be.
    fresh: u64,
    fresh_most: u64,
    index: u64,
    redials: BinaryHeap<Reverse<Call>>,
    next_fresh: Option<Call>,
}

impl<'a> Traffic<'a> {
    /// Of a plan; when a side is cut by another rule, from some hours before the period on.
    pub fn new(plan: &'a Plan) -> Self {
        let lead = if plan.has_cutoff() { 3 } else { 0 };
        let mut sum = 0;
        let hours = (0..u64::from(plan.days) * 24 + lead)
            .map(|hour| {
                // A period is cut at a busy hour where its edges matter, else at midnight.
                let since = hour + 24 - lead + if lead > 0 { 10 } else { 0 };
                // The fifth and sixth day of a week are quieter.
                let weekend = if matches!(since / 24 % 7, 4 | 5) { 6 } else { 10 };
                let edge = lead > 0 && (hour + 1 == lead || hour + 1 == u64::from(plan.days) * 24 + lead);
                sum += HOURS[usize::try_from(since % 24).unwrap_or(0)] * weekend * if edge { 8 } else { 1 };
                sum
            })
            .collect();
        let redials = plan.calls.saturating_mul(u64::from(plan.redial_ppm)) / 1_000_000;
        Self {
            plan,
            begin_ms: plan.begin_ms - i64::try_from(lead).unwrap_or(0) * 3_600_000,
            hours,
            hour: 0,
            fresh: 0,
            fresh_most: plan.calls - redials.min(plan.calls),
            index: 0,
            redials: BinaryHeap::new(),
            next_fresh: None,
        }
    }

    /// A moment at so many of the whole period's calls.
    fn moment(&mut self, chance: &mut Chance) -> i64 {
        let whole = u128::from(self.hours.last().copied().unwrap_or(1));
        let scale = 1 << 20;
        let place = u128::from(self.fresh) * scale + u128::from(chance.below(1 << 20));
        // In units of the curve, finer by 2^20.
        let goal = whole * place / u128::from(self.fresh_most.max(1));
        while self.hour + 1 < self.hours.len() && u128::from(self.hours[self.hour]) * scale <= goal {
            self.hour += 1;
        }
        let before = self.hour.checked_sub(1).map_or(0, |hour| self.hours[hour]);
        let width = u128::from(self.hours[self.hour] - before) * scale;
        let within = (goal - u128::from(before) * scale) * 3_600_000 / width.max(1);
        let hour = i64::try_from(self.hour).unwrap_or(0);
        self.begin_ms + hour * 3_600_000 + i64::try_from(within.min(3_599_999)).unwrap_or(0)
    }

    fn think_of(&mut self) -> Option<Call> {
        if self.fresh >= self.fresh_most {
            return None;
        }
        let mut chance = Chance::of(self.plan.seed, self.fresh);
        let start_ms = self.moment(&mut chance);
        self.fresh += 1;
        let caller = 85_220_000_000 + chance.below(u64::from(self.plan.callers.max(1)));
        let destination = DESTINATIONS[chance.weighted(DESTINATIONS.iter().map(|entry| entry.3))];
        let rest = destination.2 - u32::try_from(destination.0.len()).unwrap_or(0);
        let head: u64 = destination.0.parse().unwrap_or(0);
        let callee = head * 10u64.pow(rest) + chance.below(10u64.pow(rest));
        // An account calls from its own numbers.
        let account = u16::try_from(caller % u64::from(self.plan.accounts.max(1))).unwrap_or(0);
        Some(self.call(start_ms, caller, callee, account, &mut chance))
    }

    fn call(&mut self, start_ms: i64, caller: u64, callee: u64, account: u16, chance: &mut Chance) -> Call {
        let weights = (0..self.plan.gateways.max(1)).map(|at| u32::from(8 - at.min(6)));
        let gateway = u16::try_from(chance.weighted(weights)).unwrap_or(0);
        let answered = !chance.happens(self.plan.unanswered_ppm);
        let ring = 2_000 + chance.below(16_000) + chance.below(12_000);
        // The logarithm is a bell around 80 seconds; a doubling is 0.6 of its deviation.
        let doublings = (414_000 + chance.bell() * 17 / 10).clamp(65_536, 12 * 65_536);
        let fraction = doublings % 65_536;
        let talk = ((1_000i64 << (doublings / 65_536)) * (65_536 + fraction)) / 65_536;
        let grain = if self.plan.fine() { 1 } else { 1_000 };
        let whole = |ms: i64| ms / grain * grain;
        let fine = i64::try_from(chance.below(1_000)).unwrap_or(0);
        let talk = whole(talk / 1_000 * 1_000 + fine).max(1_000);
        let index = self.index;
        self.index += 1;
        Call {
            start_ms: whole(start_ms),
            index,
            caller,
            callee,
            ring_ms: u32::try_from(whole(i64::try_from(ring).unwrap_or(0))).unwrap_or(0),
            talk_ms: if answered { u32::try_from(talk).unwrap_or(0) } else { 0 },
            answered,
            gateway,
            account,
        }
    }

    /// Some calls are tried again soon after they ended.
    fn redial(&mut self, call: &Call) {
        let left = self.plan.calls - self.fresh_most;
        let made = self.index - self.fresh;
        if made >= left {
            return;
        }
        let mut chance = Chance::of(self.plan.seed ^ 0x4ed1a1, call.index);
        let wanted = u64::from(self.plan.redial_ppm) * 12 / 10;
        if !chance.happens(u32::try_from(wanted).unwrap_or(0)) {
            return;
        }
        let start_ms = call.end_ms() + 8_000 + i64::try_from(chance.below(120_000)).unwrap_or(0);
        if start_ms >= self.plan.end_ms() {
            return;
        }
        let again = self.call(start_ms, call.caller, call.callee, call.account, &mut chance);
        self.redials.push(Reverse(again));
    }
}

impl Iterator for Traffic<'_> {
    type Item = Call;

    fn next(&mut self) -> Option<Call> {
        if self.next_fresh.is_none() {
            self.next_fresh = self.think_of();
        }
        let redial_first = match (&self.next_fresh, self.redials.peek()) {
            (Some(fresh), Some(Reverse(redial))) => redial.start_ms <= fresh.start_ms,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let call = if redial_first {
            self.redials.pop().map(|Reverse(redial)| redial)
        } else {
            self.next_fresh.take()
        }?;
        self.redial(&call);
        Some(call)
    }
}
