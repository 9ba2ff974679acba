//! The edge of a file: calls that one side lacks because its file begins later or ends earlier than the other's.
//!
//! A file may be cut by the calls' beginning or by their end. It is cut where, from some moment on, none of the
//! other side's calls is in it, and
//! - it is no further from there to the end of the other file than the longest call lasts; or
//! - that moment is a whole hour, as midnight is in every zone, and no further away than zones are apart; or
//! - the other file lacks calls likewise at the opposite end: the two hold different periods.
//!
//! Else a file that lacks its last hours is a file with missing calls.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::case::Class;
use super::leg::Item;
use crate::record::{ABSENT_32, Record, Side};

/// Where a side's file ends for the other side's records, in their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    /// Whose file is cut.
    pub side: Side,
    by_end: bool,
    /// The last calls are cut off; else the first.
    last: bool,
    /// First moment that is cut off, or last.
    at_ms: i64,
}

/// Longest that calls are thought to last, however long some record says that they did.
const LONGEST_MS: i64 = 4 * HOUR_MS;
/// Shortest, where no long call is known.
const SHORT_MS: i64 = 900_000;
/// What a call inside costs against those that are cut off.
const DEAR: i64 = 8;
const HOUR_MS: i64 = 3_600_000;
/// How far midnight of one zone is from that of another which files that overlap are cut by.
const ZONES_MS: i64 = 14 * HOUR_MS;
/// How far at both ends, where each file lacks what the other begins or ends with.
const BOTH_MS: i64 = 26 * HOUR_MS;
/// How far clocks may be apart that tell a whole hour, and how long it may be without a call around it.
const CLOCKS_MS: i64 = 60_000;
const QUIET_MS: i64 = 900_000;
/// Least proof, as a negative natural logarithm: without a whole hour, and with one.
const PROOF: f64 = 12.0;
const PROOF_OF_HOUR: f64 = 9.0;

fn moment(record: &Record, by_end: bool) -> i64 {
    let ring = if record.ring_ms == ABSENT_32 { 0 } else { record.ring_ms };
    record.start_ms + if by_end { i64::from(record.talk_ms) + i64::from(ring) } else { 0 }
}

impl Edge {
    /// Whether a call that the side lacks lies beyond.
    pub fn cuts_off(&self, item: &Item) -> bool {
        let Some(leg) = item.legs[self.side.other().index()].as_ref() else { return false };
        let at_ms = moment(&leg.record, self.by_end);
        item.class == Class::Only
            && item.side == self.side.other()
            && if self.last { at_ms >= self.at_ms } else { at_ms <= self.at_ms }
    }
}

/// Calls in a row that a file lacks at one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    many: i64,
    /// The innermost of them.
    at_ms: i64,
    /// How far it is from the outermost.
    apart_ms: i64,
    /// Whether that alone proves that the file was cut.
    proven: bool,
}

/// The edges of both files, as far as calls beyond them prove them; at most one at either end.
/// Attempts tell as well, where the side records them.
pub(super) fn edges(items: &[Item], records_attempts: [bool; 2]) -> Vec<Edge> {
    let found = Side::BOTH.map(|side| edges_of(items, side, records_attempts[side.index()]));
    let likewise = |edge: &Edge, cut: &Cut| {
        found[edge.side.other().index()].iter().any(|(other, there)| {
            let (short, long) = (cut.apart_ms.min(there.apart_ms), cut.apart_ms.max(there.apart_ms));
            other.last != edge.last && long <= BOTH_MS && long - short <= (long / 4).max(2 * HOUR_MS)
        })
    };
    let proven = found.iter().flatten().filter(|(edge, cut)| cut.proven || likewise(edge, cut));
    proven.map(|(edge, _)| *edge).collect()
}

fn edges_of(items: &[Item], side: Side, attempts: bool) -> Vec<(Edge, Cut)> {
    let other = side.other();
    let (mut calls, mut longest, mut lacking) = (Vec::new(), SHORT_MS, 0usize);
    for item in items {
        let leg = item.legs[other.index()].as_ref();
        let Some(leg) = leg.filter(|leg| attempts || leg.situation.answered) else { continue };
        let missing = match item.class {
            Class::Pair => false,
            Class::Only if item.side == other => true,
            _ => continue,
        };
        lacking += usize::from(missing);
        longest = longest.max(i64::from(leg.record.talk_ms).min(LONGEST_MS));
        calls.push((leg.record, missing));
    }
    if lacking < 1 || lacking * 2 > calls.len() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for last in [true, false] {
        let both = [false, true].map(|by_end| {
            // Only the outermost calls are looked at: the others need no order.
            let inwards = |at_ms: i64| if last { -at_ms } else { at_ms };
            let call =
                |(record, missing): &(Record, bool)| Reverse((inwards(moment(record, by_end)), !*missing));
            let mut heap: BinaryHeap<_> = calls.iter().map(call).collect();
            let line = std::iter::from_fn(|| heap.pop().map(|Reverse((at, there))| (inwards(at), !there)));
            cut(line, calls.len(), lacking, longest)
                .map(|cut| (Edge { side, by_end, last, at_ms: cut.at_ms }, cut))
        });
        // By the end only where more calls prove it.
        let best = match both {
            [Some(start), Some(end)] => {
                let more = (end.1.proven, end.1.many) > (start.1.proven, start.1.many);
                Some(if more { end } else { start })
            }
            [start, end] => start.or(end),
        };
        found.extend(best);
    }
    found
}

/// From the outermost of so many calls inwards, the moment up to which hardly any call is there.
fn cut(line: impl Iterator<Item = (i64, bool)>, all: usize, lacking: usize, longest: i64) -> Option<Cut> {
    let mut line = line.peekable();
    let outermost = line.peek()?.0;
    let (mut sum, mut many) = (0i64, 0i64);
    // The innermost that is missing, and the next one that is not.
    let mut best: Option<(i64, i64, i64)> = None;
    let mut inside = None;
    for (at_ms, missing) in line {
        if missing {
            (sum, many) = (sum + 1, many + 1);
            if best.is_none_or(|(most, ..)| sum > most) {
                (best, inside) = (Some((sum, many, at_ms)), None);
            }
        } else {
            inside = inside.or(Some(at_ms));
            sum -= DEAR;
            if sum < -DEAR {
                break;
            }
        }
    }
    let (sum, many, at_ms) = best?;
    // As unlikely as it is that so many in a row are missing by chance, at either end, by either moment.
    let elsewhere = (lacking as i64 - many).max(1) as f64 / all as f64;
    let proof = sum as f64 * -elsewhere.ln();
    // And that a whole hour lies between the calls that are missing and those that are not.
    let hour =
        inside.filter(|_| sum == many).map_or(0.0, |inside| by_hour(at_ms.min(inside), at_ms.max(inside)));
    let apart_ms = (outermost - at_ms).abs();
    let long = sum >= 2 && proof > PROOF;
    let of_hour = hour > 0.0 && proof + hour > PROOF_OF_HOUR;
    let proven = (long || of_hour) && apart_ms <= longest || of_hour && apart_ms <= ZONES_MS;
    (proven || long).then_some(Cut { many, at_ms, apart_ms, proven })
}

/// How little likely it is by chance that a whole hour lies after the one moment and not after the other, as a
/// negative natural logarithm; nothing where there is none or where it tells nothing.
fn by_hour(from_ms: i64, to_ms: i64) -> f64 {
    let (from_ms, to_ms) = (from_ms - CLOCKS_MS, to_ms + CLOCKS_MS);
    let between = from_ms.div_euclid(HOUR_MS) < to_ms.div_euclid(HOUR_MS);
    if !between || to_ms - from_ms > QUIET_MS {
        return 0.0;
    }
    (HOUR_MS as f64 / (to_ms - from_ms) as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call each minute, from half past inwards; the outermost so many are missing.
    fn line(missing: usize, of: usize) -> Vec<(i64, bool)> {
        (0..of).map(|at| (-1_800_000 - 60_000 * at as i64, at < missing)).collect()
    }

    fn proven(line: &[(i64, bool)], lacking: usize) -> Option<(i64, i64)> {
        cut(line.iter().copied(), line.len(), lacking, SHORT_MS)
            .filter(|cut| cut.proven)
            .map(|cut| (cut.many, cut.at_ms + 1_800_000))
    }

    #[test]
    fn the_last_calls_that_are_all_missing_are_cut_off() {
        assert_eq!(proven(&line(5, 1_000), 5), Some((5, -240_000)));
        assert_eq!(proven(&line(2, 1_000), 2), Some((2, -60_000)));
    }

    #[test]
    fn a_missing_call_at_the_end_among_others_that_are_missing_is_not() {
        assert_eq!(proven(&line(1, 1_000), 1), None);
        assert_eq!(proven(&line(2, 1_000), 40), None);
    }

    #[test]
    fn one_call_beyond_a_whole_hour_is_cut_off_where_it_alone_is_missing() {
        let at_the_hour: Vec<(i64, bool)> =
            line(1, 1_000).iter().map(|(at, no)| (at + 1_790_000, *no)).collect();
        assert!(proven(&at_the_hour, 1).is_some());
        assert_eq!(proven(&at_the_hour, 9), None, "others are missing elsewhere");
    }

    #[test]
    fn a_file_that_lacks_its_last_hours_lacks_calls_unless_they_begin_at_a_whole_hour() {
        assert_eq!(proven(&line(120, 1_000), 120), None);
        assert_eq!(proven(&line(90, 1_000), 90), Some((90, -5_340_000)));
        assert_eq!(proven(&line(90 + 15 * 60, 2_000), 90 + 15 * 60), None, "further than zones are apart");
    }
}
