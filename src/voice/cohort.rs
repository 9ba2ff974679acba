//! Many bad calls on one trunk while calls elsewhere are good: the trunk's trouble. One bad call, or bad calls of one
//! gateway among good ones of others, or calls that are bad everywhere: not the trunk's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::POOR_MOS;
use super::book::{Book, Call, Slice, Word};
use crate::settings::VoiceSettings;

/// A call with fewer packets of late proves nothing.
const FEWEST_PACKETS: u64 = 100;
/// Trouble whose last bad window is older is not going on.
const GOING_ON: TimeDelta = TimeDelta::seconds(45);
/// Length of a slot of calls that are counted together.
const SLOT_S: i64 = 10;
/// Worst calls that are named.
const WORST: usize = 3;
/// Elsewhere at most this share of the trunk's share of bad calls may be bad.
const CONTRAST: f64 = 0.5;

/// From when on bad calls are a trunk's trouble.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How much of the past counts.
    pub look_back: TimeDelta,
    /// A call that loses this share, or plays it too late, is bad.
    pub bad_loss: f64,
    /// Fewer bad calls are nobody's.
    pub minimum_calls: usize,
    /// A smaller share of the trunk's calls is nobody's.
    pub minimum_share: f64,
}

impl Limits {
    /// Of the settings.
    #[must_use]
    pub fn of(settings: &VoiceSettings) -> Self {
        Self {
            look_back: TimeDelta::from_std(settings.look_back).unwrap_or(TimeDelta::hours(1)),
            bad_loss: settings.bad_loss,
            minimum_calls: usize::try_from(settings.minimum_calls).unwrap_or(usize::MAX).max(2),
            minimum_share: settings.minimum_share,
        }
    }

    /// Test calls of which a verdict is made: of twice as many as must be bad, at least.
    #[must_use]
    pub fn test_calls(&self) -> i32 {
        i32::try_from(self.minimum_calls).unwrap_or(i32::MAX).saturating_mul(2)
    }
}

/// A call that stands for the others. No number: the call itself has them, behind a guard of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorstCall {
    /// Its identity: `linesman call show ID`.
    pub call: String,
    /// First bad window.
    pub since: DateTime<Utc>,
    /// Share lost or played too late.
    pub loss_ratio: f64,
    /// Largest jitter, ms.
    pub jitter_ms: Option<f64>,
    /// Worst MOS, low and high; none where its codec has no score.
    pub mos: Option<(f64, f64)>,
    /// Encoding name.
    pub codec: Option<String>,
    /// Customer.
    pub customer: Option<String>,
}

/// What receivers say by RTCP of streams of the bad calls: their word beside our measurement, and no part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TheirWord {
    /// Bad calls of which they said something.
    pub calls: usize,
    /// Share that they say they lost.
    pub loss_ratio: f64,
}

/// Bad calls of one trunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cohort {
    /// Calls from the trunk that were judged.
    pub calls: usize,
    /// Bad ones among them.
    pub bad_calls: usize,
    /// Of the bad ones, those that we placed ourselves.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bad_test_calls: usize,
    /// Calls of other trunks that were judged.
    pub elsewhere: usize,
    /// Bad ones among those.
    pub elsewhere_bad: usize,
    /// First bad window.
    pub first_seen: DateTime<Utc>,
    /// End of the last one.
    pub last_seen: DateTime<Utc>,
    /// Share lost or played too late, over the bad calls.
    pub loss_ratio: f64,
    /// Largest jitter among them, ms.
    pub jitter_ms: Option<f64>,
    /// Worst MOS among them, low and high.
    pub mos: Option<(f64, f64)>,
    /// Encodings of the bad calls.
    pub codecs: Vec<String>,
    /// Customers of the bad calls, as far as known.
    pub customers: Vec<String>,
    /// The three worst.
    pub worst: Vec<WorstCall>,
    /// What the carrier's side says it lost of what was sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_by_carrier: Option<TheirWord>,
    /// What those who listened to the trunk say they lost of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_by_listener: Option<TheirWord>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Calls of a trunk that were heard in the same ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Begin.
    pub at: DateTime<Utc>,
    /// Calls.
    pub calls: usize,
    /// Bad ones.
    pub bad: usize,
    /// Of the calls, those that we placed ourselves.
    #[serde(default)]
    pub tests: usize,
}

/// What is heard from a trunk.
#[derive(Debug, Clone, PartialEq)]
pub struct TrunkVoice {
    /// Its name.
    pub trunk: String,
    /// Its bad calls, where they are many.
    pub cohort: Option<Cohort>,
    /// By ten seconds, oldest first: what proves the end of trouble.
    pub slots: Vec<Slot>,
    /// From which share of bad calls on ten seconds are bad.
    pub minimum_share: f64,
}

impl TrunkVoice {
    /// Since when its calls are good; nothing heard is not good.
    #[must_use]
    pub fn good_since(&self, after: DateTime<Utc>) -> Option<GoodRun> {
        let mut run: Option<GoodRun> = None;
        for slot in self.slots.iter().rev().take_while(|slot| slot.at >= after) {
            if slot.bad > 0 && slot.bad as f64 >= self.minimum_share * slot.calls as f64 {
                break;
            }
            let run = run.get_or_insert(GoodRun { since: slot.at, live: 0, tests: 0 });
            run.since = slot.at;
            run.live += u32::from(slot.calls > slot.tests);
            run.tests = run.tests.saturating_add(u32::try_from(slot.tests).unwrap_or(u32::MAX));
        }
        run
    }
}

/// How long the calls of a trunk have been good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoodRun {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Times ten seconds in which live calls were heard.
    pub live: u32,
    /// Test calls.
    pub tests: u32,
}

/// A call as it was over the look-back.
struct Judged<'a> {
    id: &'a str,
    call: &'a Call,
    ratio: f64,
    is_bad: bool,
    first_bad: Option<DateTime<Utc>>,
    last_bad: Option<DateTime<Utc>>,
    jitter_ms: Option<f64>,
    mos: Option<(f64, f64)>,
    expected: u64,
    missed: f64,
}

/// What is heard from every trunk of late.
#[must_use]
pub fn judge(book: &Book, limits: &Limits, now: DateTime<Utc>) -> Vec<TrunkVoice> {
    let from = now - limits.look_back;
    let judged: BTreeMap<&str, Vec<Judged<'_>>> = book
        .trunks
        .iter()
        .map(|(trunk, calls)| {
            // Test calls are few: enough of them for a verdict must lie within the look-back.
            let pace = book.pace(trunk).unwrap_or_else(TimeDelta::zero);
            let from_test = from.min(now - pace.checked_mul(limits.test_calls()).unwrap_or(limits.look_back));
            let calls = calls.iter().filter_map(|(id, call)| {
                judge_call(id, call, limits, if call.is_test { from_test } else { from })
            });
            (trunk.as_str(), calls.collect())
        })
        .collect();
    let count = |calls: &[Judged<'_>]| (calls.len(), calls.iter().filter(|call| call.is_bad).count());
    let (all, all_bad) = judged.values().fold((0, 0), |(all, bad), calls| {
        let (more, more_bad) = count(calls);
        (all + more, bad + more_bad)
    });
    book.trunks
        .iter()
        .map(|(trunk, calls)| {
            let own = judged.get(trunk.as_str()).map_or(&[][..], Vec::as_slice);
            let (own_all, own_bad) = count(own);
            let elsewhere = (all - own_all, all_bad - own_bad);
            TrunkVoice {
                trunk: trunk.clone(),
                cohort: cohort(own, elsewhere, limits).filter(|found| {
                    let pace = book.pace(trunk).filter(|_| found.bad_test_calls > 0);
                    // Between two test calls nothing can be heard.
                    now - found.last_seen <= pace.map_or(GOING_ON, |pace| GOING_ON + pace + pace)
                }),
                slots: slots(calls, limits),
                minimum_share: limits.minimum_share,
            }
        })
        .collect()
}

fn judge_call<'a>(id: &'a str, call: &'a Call, limits: &Limits, from: DateTime<Utc>) -> Option<Judged<'a>> {
    let slices = || call.slices.iter().filter(move |slice| slice.end >= from);
    let expected: u64 = slices().map(|slice| slice.expected).sum();
    if expected < FEWEST_PACKETS {
        return None;
    }
    let missed: f64 = slices().map(missed).sum();
    let ratio = missed / expected as f64;
    let (all, poor) = slices().fold((0_usize, 0_usize), |(all, poor), slice| {
        (all + 1, poor + usize::from(slice.mos.is_some_and(|(_, high)| high < POOR_MOS)))
    });
    let is_bad = ratio >= limits.bad_loss || poor * 2 > all;
    let mut bad = slices().filter(|slice| is_bad_slice(slice, limits));
    let first = bad.next();
    let last = bad.next_back().or(first);
    let worst = slices().filter_map(|slice| slice.mos).min_by(|one, other| one.0.total_cmp(&other.0));
    Some(Judged {
        id,
        call,
        ratio,
        is_bad: is_bad && first.is_some(),
        first_bad: first.map(|slice| slice.start),
        last_bad: last.map(|slice| slice.end),
        jitter_ms: slices().filter_map(|slice| slice.jitter_ms).reduce(f64::max),
        mos: worst,
        expected,
        missed,
    })
}

/// Packets that a listener did not hear: lost, or too late.
fn missed(slice: &Slice) -> f64 {
    slice.lost.saturating_add(slice.late).min(slice.expected) as f64
}

fn is_bad_slice(slice: &Slice, limits: &Limits) -> bool {
    missed(slice) >= limits.bad_loss * slice.expected as f64
        || slice.mos.is_some_and(|(_, high)| high < POOR_MOS)
}

/// The bad calls of a trunk, if they are many, a good part of its calls, not of one gateway alone, and not as many
/// elsewhere.
fn cohort(own: &[Judged<'_>], elsewhere: (usize, usize), limits: &Limits) -> Option<Cohort> {
    let mut bad: Vec<&Judged<'_>> = own.iter().filter(|call| call.is_bad).collect();
    let share = bad.len() as f64 / own.len().max(1) as f64;
    if bad.len() < limits.minimum_calls || share < limits.minimum_share {
        return None;
    }
    let (others, others_bad) = elsewhere;
    if others_bad as f64 > CONTRAST * share * others as f64 || is_of_one_gateway(own, &bad) {
        return None;
    }
    let first_seen = bad.iter().filter_map(|call| call.first_bad).min()?;
    let last_seen = bad.iter().filter_map(|call| call.last_bad).max()?;
    let (expected, missed) = bad
        .iter()
        .fold((0.0, 0.0), |(expected, missed), call| (expected + call.expected as f64, missed + call.missed));
    bad.sort_by(|one, other| other.ratio.total_cmp(&one.ratio).then_with(|| one.id.cmp(other.id)));
    let names = |of: fn(&Call) -> Option<&String>| {
        let names: BTreeSet<&String> = bad.iter().filter_map(|call| of(call.call)).collect();
        names.into_iter().cloned().collect::<Vec<_>>()
    };
    Some(Cohort {
        calls: own.len(),
        bad_calls: bad.len(),
        bad_test_calls: bad.iter().filter(|call| call.call.is_test).count(),
        elsewhere: others,
        elsewhere_bad: others_bad,
        first_seen,
        last_seen,
        loss_ratio: rounded(missed / f64::max(expected, 1.0)),
        jitter_ms: bad.iter().filter_map(|call| call.jitter_ms).reduce(f64::max),
        mos: bad.iter().filter_map(|call| call.mos).min_by(|one, other| one.0.total_cmp(&other.0)),
        codecs: names(|call| call.codec.as_ref()),
        customers: names(|call| call.customer.as_ref()),
        worst: bad.iter().take(WORST).map(|call| worst(call, first_seen)).collect(),
        told_by_carrier: their_word(&bad, |call| call.told_by_carrier),
        told_by_listener: their_word(&bad, |call| call.told_by_listener),
    })
}

/// Whether all bad calls are of one gateway while calls of others are good: then it is no trouble of the trunk.
fn is_of_one_gateway(own: &[Judged<'_>], bad: &[&Judged<'_>]) -> bool {
    let Some(first) = bad.first().and_then(|call| call.call.gateway.as_ref()) else { return false };
    let all_of_it = bad.iter().all(|call| call.call.gateway.as_ref() == Some(first));
    all_of_it && own.iter().any(|call| call.call.gateway.as_ref().is_some_and(|gateway| gateway != first))
}

fn worst(judged: &Judged<'_>, first_seen: DateTime<Utc>) -> WorstCall {
    WorstCall {
        call: judged.id.to_owned(),
        since: judged.first_bad.unwrap_or(first_seen),
        loss_ratio: rounded(judged.ratio),
        jitter_ms: judged.jitter_ms,
        mos: judged.mos,
        codec: judged.call.codec.clone(),
        customer: judged.call.customer.clone(),
    }
}

fn their_word(bad: &[&Judged<'_>], of: fn(&Call) -> Option<Word>) -> Option<TheirWord> {
    let words: Vec<Word> = bad.iter().filter_map(|judged| of(judged.call)).collect();
    let (lost, expected) = words.iter().fold((0_u64, 0_u64), |(lost, expected), word| {
        (lost + word.lost.min(word.expected), expected + word.expected)
    });
    (expected > 0)
        .then(|| TheirWord { calls: words.len(), loss_ratio: rounded(lost as f64 / expected as f64) })
}

/// As exact as people read it; what is stored is compared with what is seen next.
fn rounded(ratio: f64) -> f64 {
    (ratio * 1e4).round() / 1e4
}

fn slots(calls: &BTreeMap<String, Call>, limits: &Limits) -> Vec<Slot> {
    let mut slots: BTreeMap<i64, (usize, usize, usize)> = BTreeMap::new();
    for call in calls.values() {
        for slice in &call.slices {
            let slot = slots.entry(slice.start.timestamp().div_euclid(SLOT_S)).or_default();
            slot.0 += 1;
            slot.1 += usize::from(is_bad_slice(slice, limits));
            slot.2 += usize::from(call.is_test);
        }
    }
    let slot = |(number, (calls, bad, tests)): (i64, (usize, usize, usize))| {
        Some(Slot { at: DateTime::from_timestamp(number * SLOT_S, 0)?, calls, bad, tests })
    };
    slots.into_iter().filter_map(slot).collect()
}

#[cfg(test)]
#[path = "cohort_tests.rs"]
mod tests;
