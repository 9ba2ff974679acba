//! What a fit of the clocks means: whose zone, whose summer time, what is left as offset.

use serde_json::{Map, Value, json};

use super::clock::{Fit, Plateau};
use super::learned::{Clock, Stretch};
use crate::outcome::Finding;
use crate::record::Side;

const SECOND: i64 = 1_000;
const QUARTER: i64 = 900 * SECOND;
const HOUR: i64 = 4 * QUARTER;

/// What is known of the clocks before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Whether each side's times are UTC for sure.
    pub zones: [bool; 2],
    /// Whether times have fractions on both sides.
    pub fine: bool,
    /// Offset set by the user.
    pub offset_ms: Option<i64>,
}

/// Clocks of both sides, and what is to be said of them.
pub(super) fn clocks(fit: &Fit, known: Known) -> ([Clock; 2], Vec<Finding>) {
    let Some(main) = fit.plateaus.iter().max_by_key(|plateau| plateau.agreeing) else {
        return ([Clock::default(), Clock::default()], Vec::new());
    };
    let mut findings = Vec::new();
    let zone_side = if !known.zones[0] && known.zones[1] { Side::Ours } else { Side::Theirs };
    let main_zone = zone_of(main.offset_ms);
    // Offsets of each side, plateau by plateau: zone and summer time, then the clock.
    let mut zones: Vec<[i64; 2]> = Vec::new();
    let mut rests: Vec<i64> = Vec::new();
    let mut changes: Vec<Option<Side>> = Vec::new();
    for (place, plateau) in fit.plateaus.iter().enumerate() {
        let step = fit.plateaus.get(place.wrapping_sub(1)).map(|former| plateau.offset_ms - former.offset_ms);
        let summer = step.map(|step| (step + HOUR / 4).div_euclid(HOUR / 2) * (HOUR / 2)).filter(|whole| {
            step.is_some_and(|step| (step - whole).abs() <= 3 * SECOND)
                && (HOUR / 2..=HOUR).contains(&whole.abs())
        });
        let mut zone = zones.last().copied().unwrap_or([0; 2]);
        let mut change = None;
        if let Some(summer) = summer {
            let side = whose_step(fit, place, summer, known.zones);
            zone[side.index()] += if side == Side::Theirs { summer } else { -summer };
            change = Some(side);
        }
        zones.push(zone);
        changes.push(change);
        rests.push(rest(plateau, known.fine) - (zone[1] - zone[0]));
    }
    let main_place = fit.plateaus.iter().position(|plateau| std::ptr::eq(plateau, main)).unwrap_or(0);
    let own_steps = zones[main_place][1] - zones[main_place][0];
    let base = main_zone - if own_steps.abs() <= 2 * HOUR { own_steps } else { 0 };
    for (zone, rest) in zones.iter_mut().zip(&mut rests) {
        zone[zone_side.index()] += if zone_side == Side::Theirs { base } else { -base };
        *rest -= base;
        if let Some(offset) = known.offset_ms {
            *rest = offset;
        } else if rest.abs() < if known.fine { 200 } else { SECOND } {
            *rest = 0;
        }
    }
    let main_offset = zones[main_place];
    for side in Side::BOTH {
        let offset = main_offset[side.index()];
        if offset != 0 {
            findings.push(finding("timezone", Some(side), json!({"utc_offset": offset_text(offset)})));
        }
    }
    let mut clocks = [Clock::default(), Clock::default()];
    let offsets: Vec<[i64; 2]> =
        zones.iter().zip(&rests).map(|(zone, rest)| [zone[0], zone[1] + rest]).collect();
    if let Some(first) = rests.first().filter(|first| **first != 0) {
        findings.push(finding("clock_offset", None, json!({"seconds": seconds(*first)})));
    }
    let mut steps = Vec::new();
    for next in 1..fit.plateaus.len() {
        let side = changes[next].unwrap_or(Side::Theirs);
        let step = step_at(fit, next, side, &offsets);
        if changes[next].is_some() {
            let index = side.index();
            let values = json!({
                "at": instant(step.moment),
                "from": offset_text(zones[next - 1][index]),
                "to": offset_text(zones[next][index]),
            });
            findings.push(finding("dst_change", Some(side), values));
        } else if rests[next] != rests[next - 1] {
            let values = json!({"seconds": seconds(rests[next]), "from": instant(step.moment)});
            findings.push(finding("clock_offset", None, values));
        }
        steps.push(step);
    }
    for side in Side::BOTH {
        clocks[side.index()].stretches = stretches(side, &offsets, &steps);
    }
    if fit.drift_ppm != 0.0 {
        clocks[1].drift_ppm = fit.drift_ppm;
        clocks[1].drift_origin_ms = fit.origin_ms + offsets.first().map_or(0, |first| first[1] - first[0]);
        let ppm = (fit.drift_ppm * 10.0).round() / 10.0;
        let per_day = (fit.drift_ppm * 86.4).round();
        findings.push(finding("clock_drift", Some(Side::Theirs), json!({"ppm": ppm, "ms_per_day": per_day})));
    }
    (clocks, findings)
}

/// The part of an offset that is a zone: nearest quarter of an hour, unless it is small.
fn zone_of(offset: i64) -> i64 {
    let zone = (offset + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    if offset.abs() < 13 * 60 * SECOND || zone.abs() > 14 * HOUR { 0 } else { zone }
}

/// The offset as it is believed: whole seconds where the files have no others.
fn rest(plateau: &Plateau, fine: bool) -> i64 {
    let mean = plateau.mean_ms;
    if fine {
        return plateau.offset_ms;
    }
    let whole = (plateau.offset_ms + SECOND / 2).div_euclid(SECOND) * SECOND;
    if (mean - whole).abs() <= 350 { whole } else { (mean + 50).div_euclid(100) * 100 }
}

/// Whose clock went forward or back. Where the other's zone is known, its; else the one that shows a gap
/// when it goes forward; the going back of the other shows none.
fn whose_step(fit: &Fit, next: usize, step: i64, zones: [bool; 2]) -> Side {
    match zones {
        [true, _] => return Side::Theirs,
        [false, true] => return Side::Ours,
        [false, false] => {}
    }
    // Who would have gone forward shows nothing in that hour.
    let forward = if step > 0 { Side::Theirs } else { Side::Ours };
    let own = |side: Side, place: usize| match side {
        Side::Ours => fit.ticks[place].ours,
        Side::Theirs => fit.ticks[place].theirs,
    };
    let boundary = fit.plateaus[next].ticks.start;
    let fits = |place: usize, plateau: &Plateau| {
        (fit.ticks[place].apart() - fit.drift_at(fit.ticks[place].ours) - plateau.offset_ms).abs()
            <= 3 * SECOND
    };
    let before = fit.plateaus[next - 1].ticks.clone();
    let last =
        before.filter(|place| fits(*place, &fit.plateaus[next - 1])).map(|place| own(forward, place)).max();
    let after = boundary..fit.plateaus[next].ticks.end;
    let first =
        after.filter(|place| fits(*place, &fit.plateaus[next])).map(|place| own(forward, place)).min();
    let gap = last.zip(first).is_some_and(|(last, first)| first - last >= step.abs() - 5 * SECOND);
    if gap { forward } else { forward.other() }
}

/// When one side's clock was changed.
#[derive(Debug, Clone, Copy)]
struct StepAt {
    /// In true time.
    moment: i64,
    /// First byte after it in either file, where the order tells.
    places: [Option<u64>; 2],
}

/// Where a row of marks turns from former to later with the fewest of them on the wrong side: the last
/// value before and the first after, and how many are wrong.
fn turn<K: Copy + Ord>(marks: &mut [(K, bool)]) -> (Option<K>, Option<K>, usize) {
    marks.sort_unstable();
    let later = marks.iter().filter(|mark| mark.1).count();
    // Wrong with the turn before all: the former ones.
    let mut wrong = marks.len() - later;
    let mut best = (wrong, 0);
    for (place, mark) in marks.iter().enumerate() {
        if mark.1 {
            wrong += 1
        } else {
            wrong -= 1
        }
        if wrong < best.0 {
            best = (wrong, place + 1);
        }
    }
    let before = best.1.checked_sub(1).and_then(|place| marks.get(place)).map(|mark| mark.0);
    (before, marks.get(best.1).map(|mark| mark.0), best.0)
}

fn step_at(fit: &Fit, next: usize, side: Side, offsets: &[[i64; 2]]) -> StepAt {
    let steady = side.other();
    let range = fit.plateaus[next - 1].ticks.start..fit.plateaus[next].ticks.end;
    let labelled: Vec<(usize, bool)> = range
        .filter_map(|place| {
            let apart = fit.ticks[place].apart() - fit.drift_at(fit.ticks[place].ours);
            let near = |plateau: &Plateau| (apart - plateau.offset_ms).abs() <= 3 * SECOND / 2;
            match (near(&fit.plateaus[next - 1]), near(&fit.plateaus[next])) {
                (true, false) => Some((place, false)),
                (false, true) => Some((place, true)),
                _ => None,
            }
        })
        .collect();
    let truth = |place: usize| match steady {
        Side::Ours => fit.ticks[place].ours - offsets[next][0],
        Side::Theirs => fit.ticks[place].theirs - offsets[next][1],
    };
    let mut marks: Vec<(i64, bool)> = labelled.iter().map(|(place, later)| (truth(*place), *later)).collect();
    let moment = match turn(&mut marks) {
        (Some(last), Some(first), _) => between(last, first),
        (Some(only), None, _) | (None, Some(only), _) => only,
        (None, None, _) => 0,
    };
    let places = [0, 1].map(|index| {
        let mut marks: Vec<(u64, bool)> = labelled
            .iter()
            .filter(|(place, _)| (truth(*place) - moment).abs() <= 3 * HOUR)
            .map(|(place, later)| (fit.ticks[*place].places[index], *later))
            .collect();
        let all = marks.len();
        match turn(&mut marks) {
            (Some(last), Some(first), wrong) if wrong * 20 <= all => Some(last.midpoint(first) + 1),
            _ => None,
        }
    });
    StepAt { moment, places }
}

/// A full hour after `last` and not after `first`, else a quarter, else the middle.
fn between(last: i64, first: i64) -> i64 {
    [HOUR, QUARTER]
        .into_iter()
        .map(|unit| first.div_euclid(unit) * unit)
        .find(|moment| *moment > last)
        .unwrap_or(last.midpoint(first))
}

fn stretches(side: Side, offsets: &[[i64; 2]], steps: &[StepAt]) -> Vec<Stretch> {
    let own = |place: usize| offsets[place][side.index()];
    let mut stretches =
        vec![Stretch { from_ms: i64::MIN, to_ms: i64::MAX, offset_ms: own(0), from_place: None }];
    for (place, step) in steps.iter().enumerate() {
        let (before, after) = (own(place), own(place + 1));
        if before == after {
            continue;
        }
        if let Some(last) = stretches.last_mut() {
            last.to_ms = step.moment + before;
        }
        stretches.push(Stretch {
            from_ms: step.moment + after,
            to_ms: i64::MAX,
            offset_ms: after,
            from_place: step.places[side.index()],
        });
    }
    if stretches.len() == 1 && stretches[0].offset_ms == 0 { Vec::new() } else { stretches }
}

/// `+08:00`.
fn offset_text(offset: i64) -> String {
    let minutes = offset.abs() / 60_000;
    format!("{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

/// Whole seconds as a whole number.
fn seconds(ms: i64) -> Value {
    if ms % SECOND == 0 {
        return json!(ms / SECOND);
    }
    #[expect(clippy::cast_precision_loss, reason = "a clock's offset")]
    let fraction = ms as f64 / 1e3;
    json!(fraction)
}

fn instant(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |instant| instant.to_string())
}

/// A finding of these values.
pub(super) fn finding(kind: &str, side: Option<Side>, values: Value) -> Finding {
    let values = match values {
        Value::Object(values) => values,
        _ => Map::new(),
    };
    Finding { kind: kind.to_owned(), side, values }
}
