//! Habits of the two files that pairs of records show: names of gateways, the order of lines, call
//! identities, callers that are written otherwise.

use std::collections::BTreeMap;

use crate::record::{NO_NAME, Names, Record};

/// Gateways that stand for each other, one to one: index of theirs, index of ours.
pub(super) fn gateways(pairs: &[(&Record, &Record)]) -> Vec<(u16, u16)> {
    let mut all: Vec<(u16, u16)> = pairs
        .iter()
        .map(|(ours, theirs)| (theirs.gateway, ours.gateway))
        .filter(|(theirs, ours)| *theirs != NO_NAME && *ours != NO_NAME)
        .collect();
    all.sort_unstable();
    let (mut counts, mut of_ours, mut of_theirs) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for alike in all.chunk_by(|one, next| one == next) {
        let (theirs, ours) = alike[0];
        counts.push((alike[0], alike.len()));
        *of_ours.entry(ours).or_default() += alike.len();
        *of_theirs.entry(theirs).or_default() += alike.len();
    }
    let mut mapped = Vec::new();
    let mut together = 0;
    for ((theirs, ours), count) in counts {
        let both: usize =
            of_ours.get(&ours).copied().unwrap_or(0).max(of_theirs.get(&theirs).copied().unwrap_or(0));
        if count >= 3 && count * 100 >= both * 98 {
            mapped.push((theirs, ours));
            together += count;
        }
    }
    // Only when it holds for the files, not for a gateway by chance.
    if together * 100 >= all.len() * 95 { mapped } else { Vec::new() }
}

/// Pairs of names that differ, theirs and ours.
pub(super) fn names_that_differ(mapped: &[(u16, u16)], names: [&Names; 2]) -> Vec<(String, String)> {
    let name = |side: usize, index: u16| names[side].gateways.get(usize::from(index)).cloned();
    mapped
        .iter()
        .filter_map(|(theirs, ours)| Some((name(1, *theirs)?, name(0, *ours)?)))
        .filter(|(theirs, ours)| theirs != ours)
        .collect()
}

/// By what the lines of a file are sorted.
pub(super) fn order(records: &[Record]) -> &'static str {
    let mut sorted: Vec<(u64, [i64; 2])> =
        records.iter().map(|record| (record.place, [record.start_ms, super::learned::end(record)])).collect();
    // Records come in parts, each in the file's order.
    sorted.sort_by_key(|(place, _)| *place);
    let share = |moment: usize| {
        let (mut down, mut up) = (0usize, 0usize);
        for pair in sorted.windows(2) {
            let (one, next) = (pair[0].1[moment], pair[1].1[moment]);
            down += usize::from(next < one);
            up += usize::from(next > one);
        }
        (down, up)
    };
    let few = sorted.len() / 500;
    let (start, end) = (share(0), share(1));
    match (start, end) {
        _ if sorted.len() < 20 => "unknown",
        ((down, _), (end_down, _)) if down <= few && (down <= end_down || end_down > few) => "start_time",
        (_, (down, _)) if down <= few => "end_time",
        ((_, up), (_, end_up)) if up <= few && (up <= end_up || end_up > few) => "start_time_descending",
        (_, (_, up)) if up <= few => "end_time_descending",
        _ => "none",
    }
}

/// Whether both sides name calls alike.
pub(super) fn call_ids_shared(pairs: &[(&Record, &Record)]) -> bool {
    let named = pairs.iter().filter(|(ours, theirs)| ours.call_id != 0 && theirs.call_id != 0);
    let (mut all, mut alike) = (0usize, 0usize);
    for (ours, theirs) in named {
        all += 1;
        alike += usize::from(ours.call_id == theirs.call_id);
    }
    all >= 3 && alike * 10 >= all * 8
}
