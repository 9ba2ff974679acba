//! One call's difference, walked through its causes in the agreed order.

use super::case::Class;
use super::deviation::Deviation;
use super::leg::{Item, Leg, Standing};
use super::model::Model;
use super::shares::MOST;
use crate::outcome::CauseKind;
use crate::rating::{Charge, Moment};
use crate::record::{Side, flag};

/// One call's shares.
#[derive(Debug, Clone, Default)]
pub(super) struct Walked {
    /// Cause and share, theirs minus ours.
    pub shares: Vec<(usize, i128)>,
    /// Causes that the call shows, whatever their share.
    pub shown: Vec<usize>,
    pub unexplained: i128,
    pub charged: [i128; 2],
    pub correct: i128,
    pub right: Option<Charge>,
    /// For the ranges: side, causes, amounts by set.
    pub sets: Vec<(Side, Vec<u16>, Vec<i64>)>,
}

impl Model<'_> {
    /// Walks one call.
    pub(super) fn walk(&self, item: &Item) -> Walked {
        let mut item = item.clone();
        let judged = self.durations.judge(&item, self.pricer.rater, &self.found, &self.destinations);
        let mut talk: Vec<(usize, Side)> = Vec::new();
        if let Some(judged) = judged {
            judged.put(&mut item);
            talk = judged.causes;
        }
        let mut walked = Walked::default();
        let right = item.legs.iter().flatten().find(|leg| !matches!(leg.standing, Standing::Extra(_)));
        if let Some(leg) = right {
            let shown = self.pricer.price(&leg.situation, &[]);
            // A call that began before the period is charged in the one before, where the contract goes by that.
            let amount = if self.is_of_another_period(item.class, leg) { 0 } else { shown.amount };
            walked.correct = i128::from(amount);
            walked.right = shown.row.map(|_| Charge { billed_s: shown.billed_s, amount });
        }
        for side in Side::BOTH {
            let Some(leg) = &item.legs[side.index()] else { continue };
            let own = talk.iter().filter(|(_, of)| *of == side).map(|(at, _)| *at);
            self.walk_leg(&item, leg, side, own, &mut walked);
        }
        walked
    }

    fn is_of_another_period(&self, class: Class, leg: &Leg) -> bool {
        let by_start = self.pricer.rater.contract().reference_time == Moment::Start;
        class == Class::CutOff && by_start && leg.record.is(flag::BEGAN_OUTSIDE)
    }

    fn walk_leg(
        &self,
        item: &Item,
        leg: &Leg,
        side: Side,
        talk: impl Iterator<Item = usize>,
        walked: &mut Walked,
    ) {
        let mut causes = self.causes_of(item, leg, side);
        causes.extend(talk);
        causes.sort_by_key(|at| (self.found[*at].deviation.order(), *at));
        causes.dedup();
        causes.truncate(MOST);
        let all: Vec<Deviation> = causes.iter().map(|at| self.found[*at].deviation).collect();
        let sets = 1usize << all.len();
        let of_set = |set: usize| -> Vec<Deviation> {
            let held = all.iter().enumerate().filter(|(bit, _)| set & 1 << bit != 0);
            held.map(|(_, deviation)| *deviation).collect()
        };
        let amounts: Vec<i64> = (0..sets).map(|set| leg.amount(&self.pricer, &of_set(set))).collect();
        let sign = if side == Side::Theirs { 1 } else { -1 };
        let full = sets - 1;
        for (bit, at) in causes.iter().enumerate() {
            let (before, after) = ((1 << bit) - 1, (1 << (bit + 1)) - 1);
            let share = sign * (i128::from(amounts[after]) - i128::from(amounts[before]));
            if share != 0 {
                walked.shares.push((*at, share));
            }
            if self.is_shown(leg, &of_set(after), all[bit], amounts[after], amounts[before]) {
                walked.shown.push(*at);
            }
        }
        let charged =
            if leg.has_amounts || leg.standing == Standing::Absent { leg.charged() } else { amounts[full] };
        walked.charged[side.index()] += i128::from(charged);
        walked.unexplained += sign * (i128::from(charged) - i128::from(amounts[full]));
        let names = causes.iter().map(|at| u16::try_from(*at).unwrap_or(u16::MAX)).collect();
        if !causes.is_empty() {
            walked.sets.push((side, names, amounts));
        }
    }

    /// Whether a leg's record shows one of its deviations, be it hidden by rounding.
    fn is_shown(&self, leg: &Leg, all: &[Deviation], one: Deviation, with: i64, without: i64) -> bool {
        if matches!(leg.standing, Standing::Extra(_)) && !matches!(one, Deviation::Extra(_)) {
            // The call is counted by its first record.
            return false;
        }
        let of_records =
            matches!(one, Deviation::Missing | Deviation::Extra(_) | Deviation::Parts | Deviation::Together);
        let priced = leg.standing == Standing::Parts || leg.situation.own_ms > 0;
        let talked = leg.situation.answered && priced;
        if !talked && !of_records && with == without {
            // Of an attempt only its count tells anything.
            return false;
        }
        match one {
            Deviation::Missing
            | Deviation::Extra(_)
            | Deviation::Parts
            | Deviation::Together
            | Deviation::Talk(_)
            | Deviation::Unpriced
            | Deviation::Label => true,
            // The number came with it, whatever it costs so.
            Deviation::Tech { digits, marked } => !marked || leg.situation.tech == digits,
            // The seconds differ, be it that blocks hide it in the money.
            Deviation::Ring => leg.situation.ring_ms > 0,
            // What is done to the rounded amount shows in it or not at all.
            Deviation::Unrated | Deviation::Decimals(_) | Deviation::Mode(_) | Deviation::Tax { .. } => {
                with != without
            }
            _ if with != without => true,
            _ => {
                let rest: Vec<Deviation> = all.iter().copied().filter(|other| *other != one).collect();
                let (with, without) = (leg.traits(&self.pricer, all), leg.traits(&self.pricer, &rest));
                with != without
            }
        }
    }

    /// Causes beside duration whose deviations a leg shows.
    fn causes_of(&self, item: &Item, leg: &Leg, side: Side) -> Vec<usize> {
        let mut always = Vec::new();
        let mut maybe = Vec::new();
        let mut fixed = Vec::new();
        for (at, found) in self.found.iter().enumerate() {
            if found.side.is_some_and(|whose| whose != side) || matches!(found.deviation, Deviation::Talk(_))
            {
                continue;
            }
            if !found.pick.includes(&item.keys, &self.destinations) {
                continue;
            }
            match found.deviation {
                Deviation::Missing if item.class == Class::Unread => {}
                Deviation::Missing => {
                    let kind = if item.class == Class::CutOff
                        || self.edges.iter().any(|edge| edge.side == side && edge.cuts_off(item))
                    {
                        CauseKind::PeriodCutoff
                    } else {
                        CauseKind::MissingRecords
                    };
                    if leg.standing == Standing::Absent
                        && found.kind == kind
                        && self.counts_missing(item, side)
                    {
                        return vec![at];
                    }
                }
                Deviation::Extra(kind) => {
                    if leg.standing == Standing::Extra(kind) && fixed.is_empty() {
                        fixed.push(at);
                    }
                }
                Deviation::Parts | Deviation::Together => {
                    if leg.standing == Standing::Parts {
                        fixed.push(at);
                    }
                }
                _ if found.optional => maybe.push(at),
                _ => always.push(at),
            }
        }
        if leg.standing == Standing::Absent {
            return Vec::new();
        }
        if leg.standing == Standing::Parts {
            return self.causes_of_parts(leg, &fixed, &always, &maybe);
        }
        if matches!(leg.standing, Standing::Extra(_)) && fixed.is_empty() {
            return Vec::new();
        }
        if let Some(set) = self.explaining(leg, &always, &maybe, &[]) {
            fixed.extend(set);
        } else if item.class == Class::Pair
            && let [Some(ours), Some(theirs)] = &item.legs
        {
            // A duration that is off by a second in the record alone: the amount is of the other's.
            let other_ms = if side == Side::Ours { theirs.situation.own_ms } else { ours.situation.own_ms };
            let near = other_ms.abs_diff(leg.situation.own_ms) <= 2_000;
            let deviations: Vec<Deviation> = always.iter().map(|at| self.found[*at].deviation).collect();
            if near && leg.explained_at(&self.pricer, &deviations, other_ms) {
                fixed.extend(always);
            }
        }
        fixed
    }

    fn causes_of_parts(&self, leg: &Leg, known: &[usize], always: &[usize], maybe: &[usize]) -> Vec<usize> {
        let cause =
            |deviation: Deviation| known.iter().copied().find(|at| self.found[*at].deviation == deviation);
        let (apart, whole) = (cause(Deviation::Parts), cause(Deviation::Together));
        if let Some(at) = apart
            && let Some(mut set) = self.explaining(leg, always, maybe, &[Deviation::Parts])
        {
            set.push(at);
            return set;
        }
        let explained = whole.and_then(|at| Some((at, self.explaining(leg, always, maybe, &[])?)));
        match (explained, apart.or(whole)) {
            (Some((at, set)), _) => set.into_iter().chain([at]).collect(),
            (None, Some(at)) => vec![at],
            (None, None) => Vec::new(),
        }
    }

    /// The causes that together explain a leg: all that are picked; else without as few as will do; else with
    /// as few as will do of those that only hold here and there.
    fn explaining(
        &self,
        leg: &Leg,
        always: &[usize],
        maybe: &[usize],
        with: &[Deviation],
    ) -> Option<Vec<usize>> {
        let explains = |set: &[usize]| {
            let mut deviations: Vec<Deviation> = set.iter().map(|at| self.found[*at].deviation).collect();
            deviations.extend(with);
            leg.explained_by(&self.pricer, &deviations)
        };
        let always = &always[..always.len().min(MOST)];
        if explains(always) {
            return Some(always.to_vec());
        }
        // Those that are here and there may explain it beside the rest: one, then two of them.
        for one in maybe {
            let set: Vec<usize> = always.iter().copied().chain([*one]).collect();
            if explains(&set) {
                return Some(set);
            }
        }
        for one in 0..maybe.len().min(8) {
            for two in one + 1..maybe.len().min(8) {
                let set: Vec<usize> = always.iter().copied().chain([maybe[one], maybe[two]]).collect();
                if explains(&set) {
                    return Some(set);
                }
            }
        }
        let mut sets: Vec<usize> = (0..1usize << always.len()).collect();
        sets.sort_by_key(|set| usize::MAX - set.count_ones() as usize);
        sets.into_iter()
            .map(|set| {
                let held = always.iter().enumerate().filter(|(bit, _)| set & 1 << bit != 0);
                held.map(|(_, at)| *at).collect::<Vec<usize>>()
            })
            .find(|set| explains(set))
    }

    /// Whether a call that is missing on a side counts: an attempt does not where that side has none at all.
    fn counts_missing(&self, item: &Item, side: Side) -> bool {
        let attempt = item.legs.iter().flatten().all(|leg| !leg.situation.answered);
        !attempt || item.class == Class::CutOff || self.records_attempts[side.index()]
    }
}
