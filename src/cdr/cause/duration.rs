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
    let (a, b) = (ours.situation.own_ms, theirs.situation.own_ms);
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
}

/// The right duration of a pair and what made the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    pub talk_ms: u32,
    /// Index of the cause, and on whose leg.
    pub cause: Option<(usize, Side)>,
}

impl Durations {
    /// Learns from all items.
    pub fn learn(items: &[Item], rater: &Rater, finder: &Finder<'_>) -> (Self, Vec<Found>) {
        let aparts: Vec<Option<Apart>> = items.iter().map(|item| apart(item, rater)).collect();
        let mut found = Vec::new();
        let mut taken = vec![false; items.len()];
        for side in Side::BOTH {
            found.extend(ring(items, &aparts, &mut taken, side, finder));
        }
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
        for longer in Side::BOTH {
            found.extend(seconds(items, &aparts, &mut taken, longer, rater, finder));
        }
        let durations = Self { tolerance_ms: tolerance(items, &aparts, &taken) };
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
        let (a, b) = (ours.situation.own_ms, theirs.situation.own_ms);
        let Some(apart) = apart(item, rater) else {
            let talk_ms = if is_fine(&theirs.record) && !is_fine(&ours.record) { b } else { a };
            return Some(Judged { talk_ms, cause: None });
        };
        let shorter = a.min(b);
        let cause = |kind: CauseKind, side: Option<Side>| {
            found.iter().position(|found| {
                found.deviation == Deviation::Talk(kind)
                    && found.side == side
                    && found.pick.includes(&item.keys, destinations)
            })
        };
        let longer = apart.longer;
        let right = |side: Side| if side == Side::Ours { b } else { a };
        if apart.ring
            && let Some(at) = cause(CauseKind::RingTimeBilled, Some(longer))
        {
            return Some(Judged { talk_ms: shorter, cause: Some((at, longer)) });
        }
        if apart.hung
            && let Some(at) = cause(CauseKind::HungCall, Some(longer))
        {
            return Some(Judged { talk_ms: shorter, cause: Some((at, longer)) });
        }
        if apart.within_second {
            let side = second_fault(item, longer, rater);
            if let Some(at) = cause(CauseKind::SubsecondRounding, Some(side)) {
                return Some(Judged { talk_ms: right(side), cause: Some((at, side)) });
            }
        }
        if self.counts(&apart)
            && let Some(at) = cause(CauseKind::DurationDiffers, apart.contradicted)
        {
            let side = apart.contradicted.unwrap_or(longer);
            return Some(Judged { talk_ms: right(side), cause: Some((at, side)) });
        }
        let talk_ms = match (is_fine(&ours.record), is_fine(&theirs.record)) {
            (true, false) if apart.within_second => a,
            (false, true) if apart.within_second => b,
            _ => shorter,
        };
        Some(Judged { talk_ms, cause: None })
    }
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
    match subsecond(rater) {
        Subsecond::Ceil | Subsecond::ThresholdMs(_) => longer.other(),
        _ => longer,
    }
}

fn ring(
    items: &[Item],
    aparts: &[Option<Apart>],
    taken: &mut [bool],
    side: Side,
    finder: &Finder<'_>,
) -> Vec<Found> {
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
    for (at, item) in items.iter().enumerate() {
        if aparts[at].is_some_and(|apart| apart.ring && apart.longer == side) {
            taken[at] |= picks.iter().any(|pick| pick.includes(&item.keys, finder.destinations));
        }
    }
    picks
        .into_iter()
        .map(|pick| Found { optional, ..Found::on(side, Deviation::Talk(kind), kind, pick) })
        .collect()
}

fn seconds(
    items: &[Item],
    aparts: &[Option<Apart>],
    taken: &mut [bool],
    longer: Side,
    rater: &Rater,
    finder: &Finder<'_>,
) -> Vec<Found> {
    let kind = CauseKind::SubsecondRounding;
    let mut evidence = Evidence::default();
    let mut against = Evidence::default();
    for (at, item) in items.iter().enumerate() {
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
        hits >= 8 && hits * 10 >= (hits + misses) * 3 && back * 8 <= hits
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
    found
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
