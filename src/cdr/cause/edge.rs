//! The edge of a file: calls that one side lacks because its file begins later or ends earlier than the other's.
//!
//! A file may be cut by the calls' beginning or by their end. It is cut where, from some moment on, none of the
//! other side's calls is in it, and it is no further from there to the end of the other file than the longest
//! call lasts: a file that lacks its last hours is a file with missing calls.

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
const LONGEST_MS: i64 = 4 * 3_600_000;
/// Shortest, where no long call is known.
const SHORT_MS: i64 = 900_000;
/// What a call inside costs against those that are cut off.
const DEAR: i64 = 8;

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

/// The edges of a side's file, as far as calls beyond them prove them; at most one at either end.
/// Attempts tell as well, where the side records them.
pub(super) fn edges(items: &[Item], side: Side, attempts: bool) -> Vec<Edge> {
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
    if lacking < 2 || lacking * 2 > calls.len() {
        return Vec::new();
    }
    let mut found: Vec<Edge> = Vec::new();
    for last in [true, false] {
        let both = [false, true].map(|by_end| {
            // Only the outermost calls are looked at: the others need no order.
            let inwards = |at_ms: i64| if last { -at_ms } else { at_ms };
            let call =
                |(record, missing): &(Record, bool)| Reverse((inwards(moment(record, by_end)), !*missing));
            let mut heap: BinaryHeap<_> = calls.iter().map(call).collect();
            let line = std::iter::from_fn(|| heap.pop().map(|Reverse((at, there))| (inwards(at), !there)));
            cut(line, calls.len(), lacking, longest)
                .map(|(many, at_ms)| (many, Edge { side, by_end, last, at_ms }))
        });
        // By the end only where more calls prove it.
        let best = match both {
            [Some(start), Some(end)] => Some(if end.0 > start.0 { end.1 } else { start.1 }),
            [start, end] => start.or(end).map(|(_, edge)| edge),
        };
        found.extend(best);
    }
    found
}

/// From the outermost of so many calls inwards, the moment up to which hardly any call is there, and how many
/// are not.
fn cut(
    line: impl Iterator<Item = (i64, bool)>,
    all: usize,
    lacking: usize,
    longest: i64,
) -> Option<(i64, i64)> {
    let mut line = line.peekable();
    let outermost = line.peek()?.0;
    let (mut sum, mut many) = (0i64, 0i64);
    let mut best: Option<(i64, i64, i64)> = None;
    for (at_ms, missing) in line {
        if missing {
            (sum, many) = (sum + 1, many + 1);
            if best.is_none_or(|(most, ..)| sum > most) {
                best = Some((sum, many, at_ms));
            }
        } else {
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
    (sum >= 2 && proof > 12.0 && (outermost - at_ms).abs() <= longest).then_some((many, at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call each minute, from the outermost inwards; of a thousand the outermost so many are missing, and so
    /// many in all.
    fn cut_of(missing: usize, lacking: usize) -> Option<(i64, i64)> {
        let line = (0..1_000).map(|at| (-60_000 * at as i64, at < missing));
        cut(line, 1_000, lacking, SHORT_MS)
    }

    #[test]
    fn the_last_calls_that_are_all_missing_are_cut_off() {
        assert_eq!(cut_of(5, 5), Some((5, -240_000)));
        assert_eq!(cut_of(2, 2), Some((2, -60_000)));
    }

    #[test]
    fn a_missing_call_at_the_end_among_others_that_are_missing_is_not() {
        assert_eq!(cut_of(1, 1), None);
        assert_eq!(cut_of(2, 40), None);
    }

    #[test]
    fn a_file_that_lacks_its_last_hours_lacks_calls() {
        assert_eq!(cut_of(120, 120), None);
    }
}
