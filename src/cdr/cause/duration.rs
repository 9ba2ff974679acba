//! Whose seconds are wrong: facts that no deck can tell, from the two durations of each pair.

use super::deviation::Deviation;
use super::found::{Destinations, Found, Pick};
use super::leg::{Item, is_fine};
use super::selector::{Evidence, Finder};
use crate::outcome::{CauseKind, Fault};
use crate::rating::{Rater, Subsecond};
use crate::record::{Side, flag};

/// What a pair's durations look like before anything is known of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Apart {
    /// Theirs less ours, in milliseconds; never nothing.
    pub by_ms: i64,
    /// The longer side.
    pub longer: Side,
    /// By as much as it rang.
    pub ring: bool,
    /// By hours, or up to a cap that switches have.
    pub hung: bool,
    /// By not more than the part of a second can do.
    pub within_second: bool,
    /// The side whose duration its own times contradict.
    pub contradicted: Option<Side>,
}

/// Caps at which switches cut calls that never ended, in seconds.
const CAPS_S: [u32; 6] = [3_600, 7_200, 10_800, 14_400, 43_200, 86_400];
const HUNG_MS: u32 = 3_600_000;

/// How the durations of a pair differ; `None` when they charge alike.
pub(super) fn apart(item: &Item, rater: &Rater) -> Option<Apart> {
    let (Some(ours), Some(theirs)) = (&item.legs[0], &item.legs[1]) else { return None };
    if item.class != super::case::Class::Pair {
        return None;
    }
    apart_of(item, [ours.situation.own_ms, theirs.situation.own_ms], rater)
}

/// As [`apart`], by the given durations.
fn apart_of(item: &Item, [a, b]: [u32; 2], rater: &Rater) -> Option<Apart> {
    let (Some(ours), Some(theirs)) = (&item.legs[0], &item.legs[1]) else { return None };
    let rule = subsecond(rater);
    if a == b || a.abs_diff(b) < 1_000 && rule.seconds(a) == rule.seconds(b) {
        return None;
    }
    let by_ms = i64::from(b) - i64::from(a);
    let longer = if by_ms > 0 { Side::Theirs } else { Side::Ours };
    let (long, short) = (a.max(b), a.min(b));
    let ring = ours.situation.ring_ms.max(theirs.situation.ring_ms);
    let beyond = long - short;
    let cap = CAPS_S.iter().any(|cap| (long / 1_000).abs_diff(*cap) <= 1);
    let records = [&ours.record, &theirs.record];
    let contradicted = Side::BOTH.into_iter().find(|side| {
        records[side.index()].is(flag::TIMES_DISAGREE)
            && !records[side.other().index()].is(flag::TIMES_DISAGREE)
    });
    Some(Apart {
        by_ms,
        longer,
        ring: ring >= 2_000 && beyond.abs_diff(ring) <= 1_000 && short > 0,
        hung: long >= HUNG_MS && beyond >= 1_800_000 && (long / 2 >= short || cap),
        within_second: beyond <= 1_000,
        contradicted,
    })
}

/// The contract's rule for the part of a second.
pub(super) fn subsecond(rater: &Rater) -> Subsecond {
    rater.terms(0).subsecond
}

/// Causes of durations, and what is within the measurement.
#[derive(Debug, Clone, Default)]
pub(super) struct Durations {
    /// Up to this the seconds of two sides may differ without a cause.
    tolerance_ms: u32,
    /// Whether hardly a call of a side is without its other rule for the part of a second.
    always_second: [bool; 2],
}

/// The right duration of a pair and what made the other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    talk_ms: u32,
    /// Indices of the causes, and on whose leg.
    pub causes: Vec<(usize, Side)>,
    /// By side, what ringing, the part of a second and anything else add.
    by_ms: [[i32; 3]; 2],
}

impl Judged {
    /// Writes it down on both legs.
    pub fn put(&self, item: &mut Item) {
        for (leg, by_ms) in item.legs.iter_mut().zip(self.by_ms) {
            if let Some(leg) = leg {
                (leg.situation.talk_ms, leg.situation.by_ms) = (self.talk_ms, by_ms);
            }
        }
    }
}

/// The durations of a pair when the ringing that a side is known to charge is taken off, and whose it was.
fn without_ring(
    item: &Item,
    rater: &Rater,
    found: &[Found],
    destinations: &Destinations,
) -> ([u32; 2], [Option<usize>; 2]) {
    let owns = [0, 1].map(|side: usize| item.legs[side].as_ref().map_or(0, |leg| leg.situation.own_ms));
    let ring = item.legs.iter().flatten().map(|leg| leg.situation.ring_ms).max().unwrap_or(0);
    let none = (owns, [None; 2]);
    let cause = |side: Side| {
        found.iter().position(|found| {
            found.deviation == Deviation::Talk(CauseKind::RingTimeBilled)
                && found.side == Some(side)
                && found.pick.includes(&item.keys, destinations)
        })
    };
    let Some(apart) = apart_of(item, owns, rater) else { return none };
    let mut rung = Side::BOTH.map(cause);
    let simple = apart.ring.then_some(apart.longer).filter(|side| rung[side.index()].is_some());
    for side in Side::BOTH {
        let always = rung[side.index()].is_some_and(|at| !found[at].optional);
        let alone = simple.map_or(always && !apart.within_second && ring >= 2_000, |longer| longer == side);
        if !alone || owns[side.index()] <= ring {
            rung[side.index()] = None;
        }
    }
    if rung == [None; 2] {
        return none;
    }
    ([0, 1].map(|side: usize| if rung[side].is_some() { owns[side] - ring } else { owns[side] }), rung)
}

impl Durations {
    /// Learns from all items.
    pub fn learn(items: &[Item], rater: &Rater, finder: &Finder<'_>) -> (Self, Vec<Found>) {
        let mut aparts: Vec<Option<Apart>> = items.iter().map(|item| apart(item, rater)).collect();
        let mut found = Vec::new();
        for side in Side::BOTH {
            found.extend(ring(items, &aparts, side, finder));
        }
        // What is left of the differences when the ringing is taken off.
        let mut rung = vec![false; items.len()];
        for (at, item) in items.iter().enumerate().filter(|_| !found.is_empty()) {
            if aparts[at].is_none() {
                continue;
            }
            let (talks, whose) = without_ring(item, rater, &found, finder.destinations);
            if whose != [None; 2] {
                rung[at] = true;
                aparts[at] = apart_of(item, talks, rater).map(|rest| without_blame(rest, whose));
            }
        }
        let mut taken = vec![false; items.len()];
        for side in Side::BOTH {
            let mut any = false;
            for (at, apart) in aparts.iter().enumerate() {
                if apart.is_some_and(|apart| apart.hung && apart.longer == side) && !taken[at] {
                    taken[at] = true;
                    any = true;
                }
            }
            if any {
                let kind = CauseKind::HungCall;
                let mut hung = Found::on(side, Deviation::Talk(kind), kind, Pick::default());
                hung.optional = true;
                found.push(hung);
            }
        }
        let mut always_second = [false; 2];
        for longer in Side::BOTH {
            let (all, always) = seconds(items, &aparts, &rung, &mut taken, longer, rater, finder);
            for cause in &all {
                if let Some(side) = cause.side.filter(|_| always) {
                    always_second[side.index()] = true;
                }
            }
            found.extend(all);
        }
        // Ringing is measured to the second only.
        for (at, apart) in aparts.iter().enumerate() {
            taken[at] |= rung[at] && apart.is_none_or(|apart| apart.within_second);
        }
        let durations = Self { tolerance_ms: tolerance(items, &aparts, &taken), always_second };
        found.extend(durations.rest(&aparts, &taken));
        (durations, found)
    }

    fn rest(&self, aparts: &[Option<Apart>], taken: &[bool]) -> Vec<Found> {
        let kind = CauseKind::DurationDiffers;
        let mut faults: Vec<Option<Side>> = aparts
            .iter()
            .zip(taken)
            .filter_map(|(apart, taken)| apart.filter(|_| !taken))
            .filter(|apart| self.counts(apart))
            .map(|apart| apart.contradicted)
            .collect();
        faults.sort_unstable();
        faults.dedup();
        let cause = |fault: Option<Side>| Found {
            kind,
            at_fault: fault.map_or(Fault::Undecided, Fault::from),
            side: fault,
            deviation: Deviation::Talk(kind),
            pick: Pick::default(),
            optional: true,
        };
        faults.into_iter().map(cause).collect()
    }

    fn counts(&self, apart: &Apart) -> bool {
        apart.by_ms.unsigned_abs() > u64::from(self.tolerance_ms)
    }

    /// What is right on a pair, by what was found.
    pub fn judge(
        &self,
        item: &Item,
        rater: &Rater,
        found: &[Found],
        destinations: &Destinations,
    ) -> Option<Judged> {
        let (Some(ours), Some(theirs)) = (&item.legs[0], &item.legs[1]) else { return None };
        if item.class != super::case::Class::Pair {
            return None;
        }
        let owns = [ours.situation.own_ms, theirs.situation.own_ms];
        let (mut talks, rung) = without_ring(item, rater, found, destinations);
        let fine = [is_fine(&ours.record), is_fine(&theirs.record)];
        let cause = |kind: CauseKind, side: Option<Side>| {
            found.iter().position(|found| {
                found.deviation == Deviation::Talk(kind)
                    && found.side == side
                    && found.pick.includes(&item.keys, destinations)
            })
        };
        let mut causes: Vec<(usize, Side)> = Vec::new();
        for side in Side::BOTH {
            causes.extend(rung[side.index()].map(|at| (at, side)));
        }
        let apart = |talks: [u32; 2]| apart_of(item, talks, rater).map(|rest| without_blame(rest, rung));
        let mut by_ms = [[0i32; 3]; 2];
        let mut rest = apart(talks);
        // A side that always counts otherwise does so too where something else is wrong.
        if rest.is_some_and(|rest| !rest.within_second) && fine == [false; 2] {
            let longer = if charges_begun(rater) { -1_000i32 } else { 1_000 };
            for side in Side::BOTH.into_iter().filter(|side| self.always_second[side.index()]) {
                if let Some(at) = cause(CauseKind::SubsecondRounding, Some(side))
                    && rest.is_some_and(|rest| !rest.hung)
                {
                    causes.push((at, side));
                    by_ms[side.index()][1] = longer;
                    talks[side.index()] = talks[side.index()].saturating_add_signed(-longer);
                }
            }
            rest = apart(talks);
        }
        let right = |side: Side| talks[side.other().index()];
        let alone = match rung {
            [Some(_), None] => Some(Side::Theirs),
            [None, Some(_)] => Some(Side::Ours),
            _ => None,
        };
        let shorter = talks[0].min(talks[1]);
        let mut talk_ms = match (rest, alone) {
            // Ringing is measured to the second only.
            (_, Some(side)) if rest.is_none_or(|rest| rest.within_second) => talks[side.index()],
            (None, _) => talks[usize::from(fine == [false, true])],
            (Some(rest), _) => match fine {
                [true, false] if rest.within_second => talks[0],
                [false, true] if rest.within_second => talks[1],
                _ => shorter,
            },
        };
        if let Some(rest) = rest {
            let longer = rest.longer;
            let blamed = if rest.hung && cause(CauseKind::HungCall, Some(longer)).is_some() {
                talk_ms = shorter;
                cause(CauseKind::HungCall, Some(longer)).map(|at| (at, longer))
            } else if rest.within_second
                && let side = second_fault(item, longer, rater)
                && let Some(at) = cause(CauseKind::SubsecondRounding, Some(side))
            {
                talk_ms = right(side);
                Some((at, side))
            } else if self.counts(&rest)
                && let Some(at) = cause(CauseKind::DurationDiffers, rest.contradicted)
            {
                let side = rest.contradicted.unwrap_or(longer);
                talk_ms = right(side);
                Some((at, side))
            } else {
                None
            };
            causes.extend(blamed);
        }
        // What each cause adds; the last one of a side takes what no other does.
        causes.sort_by_key(|(at, _)| found[*at].deviation.order());
        for side in Side::BOTH {
            let here = side.index();
            let own: Vec<u8> = causes
                .iter()
                .filter(|(_, of)| *of == side)
                .map(|(at, _)| found[*at].deviation.order())
                .collect();
            let mut left = i64::from(owns[here]) - i64::from(talk_ms);
            for (place, order) in own.iter().enumerate() {
                let slot = usize::from(order.saturating_sub(1)).min(2);
                let by = match (place + 1 == own.len(), slot) {
                    (true, _) => left,
                    (false, 0) => i64::from(ours.situation.ring_ms.max(theirs.situation.ring_ms)),
                    (false, _) => i64::from(by_ms[here][slot]),
                };
                by_ms[here][slot] = i32::try_from(by).unwrap_or(i32::MAX);
                left -= by;
            }
        }
        Some(Judged { talk_ms, causes, by_ms })
    }
}

/// A side whose own times contradict a duration with its ringing is not to blame for anything else by that.
fn without_blame(apart: Apart, rung: [Option<usize>; 2]) -> Apart {
    Apart {
        contradicted: apart.contradicted.filter(|side| rung[side.index()].is_none()),
        ring: false,
        ..apart
    }
}

/// Whether the contract counts a begun second whole.
fn charges_begun(rater: &Rater) -> bool {
    matches!(subsecond(rater), Subsecond::Ceil | Subsecond::ThresholdMs(_))
}

/// Of a pair whose durations are within a second: whose is not the contract's rule.
fn second_fault(item: &Item, longer: Side, rater: &Rater) -> Side {
    if let [Some(ours), Some(theirs)] = &item.legs {
        match (is_fine(&ours.record), is_fine(&theirs.record)) {
            // What is measured finer is charged by the contract's rule; the other rounded it away.
            (true, false) => return Side::Theirs,
            (false, true) => return Side::Ours,
            _ => {}
        }
    }
    if charges_begun(rater) { longer.other() } else { longer }
}

fn ring(items: &[Item], aparts: &[Option<Apart>], side: Side, finder: &Finder<'_>) -> Vec<Found> {
    let kind = CauseKind::RingTimeBilled;
    let mut evidence = Evidence::default();
    let (mut hits, mut others) = (0u64, 0u64);
    for (at, item) in items.iter().enumerate() {
        let [Some(ours), Some(theirs)] = &item.legs else { continue };
        if item.class != super::case::Class::Pair || !(ours.situation.answered && theirs.situation.answered) {
            continue;
        }
        match aparts[at] {
            Some(apart) if apart.ring && apart.longer == side => {
                hits += item.weight;
                evidence.hit(at);
            }
            // The other side's ringing says nothing about this side's.
            Some(apart) if apart.hung || apart.ring => {}
            Some(apart) => {
                others += item.weight * u64::from(apart.by_ms.abs() >= 2_000 && apart.longer == side);
                evidence.miss(at);
            }
            // Both charge it, it seems: neither for nor against.
            None if [ours, theirs].iter().all(|leg| leg.record.is(flag::TIMES_DISAGREE)) => {}
            None if ours.situation.ring_ms.max(theirs.situation.ring_ms) >= 2_000 => evidence.miss(at),
            None => {}
        }
    }
    if hits < 3 {
        return Vec::new();
    }
    let mut picks = finder.find(items, &evidence, 0.97);
    let mut optional = false;
    if picks.is_empty() && hits >= 5 && hits > others * 2 {
        picks.push(Pick::default());
        optional = true;
    }
    picks
        .into_iter()
        .map(|pick| Found { optional, ..Found::on(side, Deviation::Talk(kind), kind, pick) })
        .collect()
}

fn seconds(
    items: &[Item],
    aparts: &[Option<Apart>],
    rung: &[bool],
    taken: &mut [bool],
    longer: Side,
    rater: &Rater,
    finder: &Finder<'_>,
) -> (Vec<Found>, bool) {
    let kind = CauseKind::SubsecondRounding;
    let mut evidence = Evidence::default();
    let mut against = Evidence::default();
    // Ringing is measured to the second: only where it is charged on nearly all calls, these have to tell.
    let clear = |at: &usize| {
        let item = &items[*at];
        let talked = item.legs.iter().flatten().all(|leg| leg.situation.answered);
        talked && item.class == super::case::Class::Pair && !rung[*at]
    };
    let by_rung = (0..items.len()).filter(clear).count() * 2 < rung.iter().filter(|rung| **rung).count();
    for (at, item) in items.iter().enumerate() {
        if rung[at] != by_rung {
            continue;
        }
        let [Some(ours), Some(theirs)] = &item.legs else { continue };
        if item.class != super::case::Class::Pair
            || !(ours.situation.answered && theirs.situation.answered)
            || ours.situation.own_ms.min(theirs.situation.own_ms) == 0
        {
            continue;
        }
        match aparts[at] {
            Some(apart) if apart.within_second && !taken[at] => {
                if apart.longer == longer {
                    evidence.hit(at)
                } else {
                    against.hit(at)
                }
            }
            Some(_) => {}
            None => evidence.miss(at),
        }
    }
    // Half of all calls when one side rounds to the nearest second, nearly all when it counts begun ones; noise
    // makes few, and as many the other way.
    let lopsided = |pick: &Pick| {
        let weigh = |places: &[usize]| -> u64 {
            let all = places.iter().map(|at| &items[*at]);
            all.filter(|item| pick.includes(&item.keys, finder.destinations)).map(|item| item.weight).sum()
        };
        let (hits, misses, back) = (weigh(&evidence.hits), weigh(&evidence.misses), weigh(&against.hits));
        let least = if by_rung { 9 } else { 3 };
        hits >= 8 && hits * 10 >= (hits + misses) * least && back * 8 <= hits
    };
    let picks: Vec<Pick> =
        finder.find(items, &evidence, 0.3).into_iter().filter(|pick| lopsided(pick)).collect();
    let mut found: Vec<Found> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let Some(apart) = aparts[at].filter(|apart| apart.within_second && apart.longer == longer) else {
            continue;
        };
        let Some(pick) = picks.iter().find(|pick| pick.includes(&item.keys, finder.destinations)) else {
            continue;
        };
        taken[at] = true;
        let side = second_fault(item, apart.longer, rater);
        let cause = Found { optional: true, ..Found::on(side, Deviation::Talk(kind), kind, *pick) };
        if !found.contains(&cause) {
            found.push(cause);
        }
    }
    let (hits, misses) = (evidence.hits.len(), evidence.misses.len());
    (found, hits * 100 >= (hits + misses + against.hits.len()) * 97)
}

/// One second, or two where both sides' seconds are seen to be off by one at random.
fn tolerance(items: &[Item], aparts: &[Option<Apart>], taken: &[bool]) -> u32 {
    let mut by = [[0u64; 2]; 2];
    for (at, apart) in aparts.iter().enumerate() {
        if let Some(apart) = apart.filter(|_| !taken[at]) {
            let seconds = apart.by_ms.unsigned_abs().div_ceil(1_000);
            if (1..=2).contains(&seconds) {
                by[usize::from(seconds == 2)][usize::from(apart.by_ms > 0)] += items[at].weight;
            }
        }
    }
    let [[one_less, one_more], [two_less, two_more]] = by;
    let both = one_less.min(one_more) * 4 >= one_less.max(one_more) && one_less.min(one_more) > 0;
    if both && one_less + one_more >= 2 * (two_less + two_more) { 2_000 } else { 1_000 }
}
