//! What is left when both numbers and the time have been tried: the hour that comes twice, call
//! identities, callers that one side does not know, times further apart, and the file's edge.

use super::Sink;
use super::learned::Learned;
use super::period::CutBy;
use super::run::{Keys, Run};
use crate::record::{Record, Side, flag};

/// Furthest that times of calls of equal length, alone on both sides, lie apart.
const FAR_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// Settles what is left; afterwards everything of both sides has gone to the sink.
pub(super) fn settle_rest(
    run: &mut Run,
    left: &mut [Vec<u32>; 2],
    ours: &mut [Record],
    theirs: &mut [Record],
    learned: &Learned,
    sink: &mut impl Sink,
) {
    if !left[0].is_empty() && !left[1].is_empty() {
        other_readings(run, left, [&mut *ours, &mut *theirs], learned, sink);
    }
    let sides: [&[Record]; 2] = [ours, theirs];
    if learned.call_ids_shared {
        by_groups(
            left,
            sides,
            |record| (u64::from(record.call_id), 0),
            |ours, theirs| {
                let near = (ours.start_ms - theirs.start_ms).abs() <= DAY_MS;
                ours.call_id != 0 && near && ours.is(flag::ATTEMPT) == theirs.is(flag::ATTEMPT)
            },
            sink,
        );
    }
    by_callee(run, left, sides, learned, sink);
    attempts(left, sides, learned, sink);
    by_groups(
        left,
        sides,
        |record| (record.callee.code(), record.caller.code()),
        |ours, theirs| {
            let apart = (learned.moment(Side::Ours, ours) - learned.moment(Side::Theirs, theirs)).abs();
            let talks = (ours.talk_ms, theirs.talk_ms);
            apart <= FAR_MS && talks.0.abs_diff(talks.1) <= 1_000 && talks.0.min(talks.1) >= 5_000
        },
        sink,
    );
    for side in Side::BOTH {
        let here = side.index();
        let mut records: Vec<&Record> =
            left[here].drain(..).filter_map(|index| sides[here].get(index as usize)).collect();
        records.sort_by_key(|record| {
            (record.callee, record.caller, record.start_ms, record.talk_ms, record.amount, record.place)
        });
        let (file, clock) = (learned.periods[side.other().index()], &learned.clocks[side.other().index()]);
        // One file goes by beginnings and the other by ends: then calls that began outside are of another period.
        let own = learned.periods[here];
        let by_start = file.is_some_and(|file| file.cut_by == CutBy::Start)
            && own.is_some_and(|own| own.cut_by == CutBy::End);
        for record in records {
            if file.is_some_and(|period| period.excludes(clock, record)) {
                let outside = if by_start { flag::BEGAN_OUTSIDE } else { 0 };
                sink.cut_off(side, &Record { flags: record.flags | outside, ..*record });
            } else {
                sink.only(side, record);
            }
        }
    }
}

/// In an hour that comes twice, a record may stand for the other moment.
fn other_readings(
    run: &mut Run,
    left: &mut [Vec<u32>; 2],
    sides: [&mut [Record]; 2],
    learned: &Learned,
    sink: &mut impl Sink,
) {
    let [ours, theirs] = sides;
    let twice = |clock: &super::Clock| clock.stretches.windows(2).any(|pair| pair[1].from_ms < pair[0].to_ms);
    if !learned.clocks.iter().any(twice) {
        return;
    }
    let key = |record: &Record| (record.callee.code(), record.caller.code());
    for side in Side::BOTH {
        let (here, there, clock) = match side {
            Side::Ours => (&mut *ours, &*theirs, &learned.clocks[0]),
            Side::Theirs => (&mut *theirs, &*ours, &learned.clocks[1]),
        };
        let mut others: Vec<((u64, u64), i64)> = left[side.other().index()]
            .iter()
            .filter_map(|index| there.get(*index as usize))
            .map(|record| (key(record), learned.moment(side.other(), record)))
            .collect();
        others.sort_unstable();
        for index in &left[side.index()] {
            let Some(record) = here.get_mut(*index as usize) else { continue };
            let Some(other) = clock.other_reading(record.start_ms) else { continue };
            let moment = learned.moment(side, record) + other - record.start_ms;
            let from = others.partition_point(|entry| *entry < (key(record), moment - learned.tolerance_ms));
            let fits = others
                .get(from)
                .is_some_and(|entry| entry.0 == key(record) && entry.1 <= moment + learned.tolerance_ms);
            if fits {
                record.start_ms = other;
            }
        }
    }
    let lists = [std::mem::take(&mut left[0]), std::mem::take(&mut left[1])];
    run.settle([ours, theirs], lists, Keys::Both, learned, left, sink);
}

/// Calls to one number whose caller one side does not know, or writes otherwise.
fn by_callee(
    run: &mut Run,
    left: &mut [Vec<u32>; 2],
    sides: [&[Record]; 2],
    learned: &Learned,
    sink: &mut impl Sink,
) {
    let nobody = |side: usize, list: &[u32]| {
        list.iter()
            .any(|index| sides[side].get(*index as usize).is_some_and(|record| record.caller.is_none()))
    };
    if learned.callers_unreliable || nobody(0, &left[0]) || nobody(1, &left[1]) {
        let lists = [std::mem::take(&mut left[0]), std::mem::take(&mut left[1])];
        run.settle(sides, lists, Keys::Callee, learned, left, sink);
    }
}

/// Pairs attempts of one caller to one number in their order: some systems give them the moment of their end.
fn attempts(left: &mut [Vec<u32>; 2], sides: [&[Record]; 2], learned: &Learned, sink: &mut impl Sink) {
    let [ours, theirs] = Side::BOTH.map(|side| {
        let here = side.index();
        let records = left[here].iter().filter_map(|index| Some((sides[here].get(*index as usize)?, *index)));
        let mut list: Vec<((u64, u64), i64, u64, u32)> = records
            .filter(|(record, _)| record.is(flag::ATTEMPT) && !record.caller.is_none())
            .map(|(record, index)| {
                let key = (record.callee.code(), record.caller.code());
                (key, learned.moment(side, record), record.place, index)
            })
            .collect();
        list.sort_unstable();
        list
    });
    let mut taken: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
    let (mut first, mut second) = (0, 0);
    while let (Some(one), Some(other)) = (ours.get(first), theirs.get(second)) {
        if one.0 != other.0 || one.1.abs_diff(other.1) > FAR_MS.unsigned_abs() {
            if (one.0, one.1) < (other.0, other.1) {
                first += 1
            } else {
                second += 1
            }
            continue;
        }
        if let (Some(a), Some(b)) = (sides[0].get(one.3 as usize), sides[1].get(other.3 as usize)) {
            sink.pair(a, b);
            taken[0].push(one.3);
            taken[1].push(other.3);
        }
        (first, second) = (first + 1, second + 1);
    }
    leave(left, taken);
}

/// Pairs records of one group that are the only ones for each other.
fn by_groups(
    left: &mut [Vec<u32>; 2],
    sides: [&[Record]; 2],
    group: impl Fn(&Record) -> (u64, u64),
    fits: impl Fn(&Record, &Record) -> bool,
    sink: &mut impl Sink,
) {
    if left.iter().any(Vec::is_empty) {
        return;
    }
    let sorted = |side: usize| {
        let mut list: Vec<((u64, u64), i64, u64, u32)> = left[side]
            .iter()
            .filter_map(|index| Some((sides[side].get(*index as usize)?, *index)))
            .map(|(record, index)| (group(record), record.start_ms, record.place, index))
            .collect();
        list.sort_unstable();
        list
    };
    let (ours, theirs) = (sorted(0), sorted(1));
    let mut taken: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
    let mut from = 0;
    for run in ours.chunk_by(|a, b| a.0 == b.0) {
        while theirs.get(from).is_some_and(|entry| entry.0 < run[0].0) {
            from += 1;
        }
        let others = theirs[from..].iter().take_while(|entry| entry.0 == run[0].0).count();
        let others = &theirs[from..from + others];
        if others.is_empty() || run.len().saturating_mul(others.len()) > 10_000 {
            continue;
        }
        let alike = |a: u32, b: u32| match (sides[0].get(a as usize), sides[1].get(b as usize)) {
            (Some(a), Some(b)) => fits(a, b),
            _ => false,
        };
        for one in run {
            let mut partners = others.iter().filter(|other| alike(one.3, other.3));
            let (Some(partner), None) = (partners.next(), partners.next()) else { continue };
            if run.iter().filter(|other| alike(other.3, partner.3)).count() != 1 {
                continue;
            }
            if let (Some(a), Some(b)) = (sides[0].get(one.3 as usize), sides[1].get(partner.3 as usize)) {
                sink.pair(a, b);
                taken[0].push(one.3);
                taken[1].push(partner.3);
            }
        }
    }
    leave(left, taken);
}

/// Takes what is settled from what is left.
fn leave(left: &mut [Vec<u32>; 2], mut taken: [Vec<u32>; 2]) {
    for (left, taken) in left.iter_mut().zip(&mut taken) {
        taken.sort_unstable();
        left.retain(|index| taken.binary_search(index).is_err());
    }
}
