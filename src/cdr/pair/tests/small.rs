//! A few records each: parts, interim records, duplicates and cut-offs.

use super::*;

fn small(ours: &[Record], theirs: &[Record]) -> Tally {
    let placed = |records: &[Record]| -> Vec<Record> {
        (0..).zip(records).map(|(place, record)| Record { place, ..*record }).collect()
    };
    let mut tally = Tally::default();
    match_partition(placed(ours), placed(theirs), &Learned::default(), &mut tally);
    tally
}

#[test]
fn a_call_in_parts_is_one_call() {
    let call = |start, talk| record("85231000001", "8613800000001", start, 0, talk);
    let tally = small(&[call(0, 1_800), call(1_800, 1_800), call(3_600, 77)], &[call(1, 3_677)]);
    assert_eq!(tally.splits[0], [(vec![0, 1, 2], 0)]);
    let tally = small(&[call(1, 90)], &[call(0, 45), call(45, 44)]);
    assert_eq!(tally.splits[1], [(vec![0, 1], 0)]);
    // A redial is no part: together they are not as long.
    let tally = small(&[call(0, 45), call(50, 44)], &[call(0, 60)]);
    assert_eq!((tally.pairs.len(), tally.only[0].len()), (1, 1));
}

#[test]
fn a_last_part_of_a_second_or_two_belongs_to_its_call() {
    let part = |start, ring, talk| record("85231000001", "8613800000001", start, ring, talk);
    // The first part alone is as long as the whole but for what is within tolerance.
    for rest in [1, 2] {
        let parts = [part(0, 8, 300), part(308, 0, rest)];
        for whole in [300 + rest, 299 + rest, 301 + rest] {
            let tally = small(&parts, &[part(1, 8, whole)]);
            assert_eq!(tally.splits[0], [(vec![0, 1], 0)], "{rest} of {whole}");
            let tally = small(&[part(1, 8, whole)], &parts);
            assert_eq!(tally.splits[1], [(vec![0, 1], 0)], "{rest} of {whole}");
        }
        // And where the parts before it are.
        let parts = [part(0, 8, 300), part(308, 0, 300), part(608, 0, rest)];
        assert_eq!(small(&parts, &[part(1, 8, 600 + rest)]).splits[0], [(vec![0, 1, 2], 0)]);
    }
    // A call of its own rings, or begins later.
    for again in [part(309, 3, 2), part(320, 0, 2)] {
        let tally = small(&[part(0, 8, 300), again], &[part(1, 8, 302)]);
        assert_eq!((tally.pairs.len(), tally.only[0].len()), (1, 1), "{again:?}");
    }
    // It completes nothing: what both have is no part.
    let tally = small(&[part(0, 8, 300), part(308, 0, 2)], &[part(1, 8, 302), part(309, 0, 2)]);
    assert_eq!((tally.pairs.len(), tally.splits[0].len()), (2, 0));
}

#[test]
fn parts_of_a_call_whose_ringing_no_file_tells_are_one_call() {
    let call = |start, talk| Record {
        ring_ms: crate::record::ABSENT_32,
        ..record("85231000001", "8613800000001", start, 0, talk)
    };
    // It rang for 28 seconds before the first part; the others follow on at once.
    let parts = [call(0, 1_800), call(1_828, 1_800), call(3_628, 77)];
    let tally = small(&parts, &[call(1, 3_677)]);
    assert_eq!(tally.splits[0], [(vec![0, 1, 2], 0)]);
    // Together they are not as long, or the second begins when nobody rings any more.
    assert!(small(&[call(0, 1_800), call(1_828, 1_700)], &[call(1, 3_677)]).splits[0].is_empty());
    assert!(small(&[call(0, 1_800), call(2_100, 1_877)], &[call(1, 3_677)]).splits[0].is_empty());
    // The other side tells how long it rang.
    let whole = record("85231000001", "8613800000001", 1, 28, 3_677);
    assert_eq!(small(&parts, &[whole]).splits[0], [(vec![0, 1, 2], 0)]);
    assert!(small(&[call(0, 1_800), call(1_870, 1_877)], &[whole]).splits[0].is_empty());
    // Where the ringing is told, so is when the part ends.
    let told = |start, talk| record("85231000001", "8613800000001", start, 0, talk);
    assert!(small(&[told(0, 1_800), told(1_828, 1_877)], &[told(1, 3_677)]).splits[0].is_empty());
}

#[test]
fn a_call_that_both_sides_have_in_parts_is_one_call() {
    let part = |start, ring, talk| record("85231000001", "8613800000001", start, ring, talk);
    let ours = [part(0, 8, 1_800), part(1_808, 0, 1_800), part(3_608, 0, 77)];
    let theirs = [part(1, 8, 1_800), part(1_809, 0, 1_800), part(3_609, 0, 77)];
    let tally = small(&ours, &theirs);
    assert_eq!((&*tally.both_split, tally.pairs.len()), (&[[vec![0, 1, 2], vec![0, 1, 2]]][..], 0));
    // Cut at other moments.
    let theirs = [part(1, 8, 2_700), part(2_709, 0, 977)];
    assert_eq!(small(&ours, &theirs).both_split, [[vec![0, 1, 2], vec![0, 1]]]);
    assert_eq!(small(&theirs, &ours).both_split, [[vec![0, 1], vec![0, 1, 2]]]);
    // A call of its own rings, begins later, or follows one too short to be cut; and what comes to more is no part.
    for again in [part(1_808, 5, 1_800), part(1_812, 0, 1_800)] {
        let tally = small(&[part(0, 8, 1_800), again], &[part(1, 8, 1_800), again]);
        assert_eq!((tally.pairs.len(), tally.both_split.len()), (2, 0), "{again:?}");
    }
    let short = [part(0, 8, 30), part(38, 0, 40)];
    assert_eq!(small(&short, &short).pairs.len(), 2);
    let tally = small(&ours, &[part(1, 8, 2_700), part(2_709, 0, 1_500)]);
    assert!(tally.both_split.is_empty(), "{:?}", tally.both_split);
}

#[test]
fn parts_on_both_sides_whose_ringing_no_file_tells_need_a_name() {
    let call = |start, talk, id| Record {
        ring_ms: crate::record::ABSENT_32,
        call_id: id,
        ..record("85231000001", "8613800000001", start, 0, talk)
    };
    let both = |first, id| {
        let side = |at| [call(at, first, id), call(at + i64::from(first) + 20, 500, id)];
        small(&side(0), &side(1)).both_split.len()
    };
    assert_eq!(both(1_800, 7), 1);
    assert_eq!(both(1_800, 0), 0, "who was cut off after half an hour calls again within 20 s");
    let at_once = [call(0, 1_800, 0), call(1_800, 500, 0)];
    assert_eq!(small(&at_once, &at_once).pairs.len(), 2, "who knows whether the second rang");
}

#[test]
fn attempts_whose_moment_is_their_end_are_the_same_attempts() {
    let attempt = |start| record("85231000001", "8613800000001", start, 0, 0);
    // They rang for so long; the second came right after the first.
    let tally = small(&[attempt(0), attempt(40), attempt(900)], &[attempt(21), attempt(58), attempt(1_000)]);
    assert_eq!(tally.pairs, [(0, 0), (1, 1)]);
    assert_eq!((tally.only[0].len(), tally.only[1].len()), (1, 1), "no attempt rings that long");
    // An attempt is no call.
    let call = record("85231000001", "8613800000001", 21, 0, 60);
    assert_eq!(small(&[attempt(0)], &[call]).pairs, []);
}

#[test]
fn interim_records_beside_the_final_one_are_no_calls() {
    let call = |start, talk| record("85231000001", "8613800000001", start, 0, talk);
    let tally = small(&[call(0, 3_600)], &[call(0, 900), call(900, 900), call(0, 3_600)]);
    assert_eq!(tally.pairs, [(0, 2)]);
    assert_eq!(tally.interims[1], [(0, 2), (1, 2)]);
    let tally = small(&[call(0, 3_600)], &[call(0, 900), call(0, 1_800), call(0, 3_600)]);
    assert_eq!(tally.interims[1], [(0, 2), (1, 2)]);
}

#[test]
fn duplicates_are_told_from_redials_and_forks() {
    let call = |start, talk| record("85231000001", "8613800000001", start, 0, talk);
    let tally = small(&[call(0, 60)], &[call(0, 60), call(0, 60), call(1, 60)]);
    assert_eq!((tally.pairs.len(), tally.duplicates[1].len()), (1, 2));
    // A call of a second, and again after two.
    let tally = small(&[call(0, 1)], &[call(0, 1), call(2, 1)]);
    assert_eq!((tally.pairs.len(), tally.only[1].len()), (1, 1));
    // Alone on one side, and twice.
    let tally = small(&[call(0, 60), call(0, 60)], &[]);
    assert_eq!((tally.only[0].len(), tally.duplicates[0].len()), (1, 1));
    // Forks over two gateways against one attempt.
    let fork = |gateway| Record { gateway, ..call(0, 0) };
    let tally = small(&[fork(0)], &[fork(0), fork(1), fork(1)]);
    assert_eq!((tally.pairs.len(), tally.only[1].len(), tally.duplicates[1].len()), (1, 1, 1));
    // An attempt and the answered call after it, within tolerance.
    let tally = small(&[call(0, 0), call(1, 30)], &[call(0, 30), call(1, 0)]);
    assert_eq!(tally.pairs, [(0, 1), (1, 0)]);
    // Answered on one side only.
    assert_eq!(small(&[call(0, 0)], &[call(1, 30)]).pairs.len(), 1);
}

#[test]
fn a_call_over_midnight_is_cut_off_when_the_files_are_cut_by_different_moments() {
    let files = files(15, 20_000, 3, |_, _| ());
    let (begin, end) = ((BEGIN / 86_400 + 1) * 86_400_000, (BEGIN / 86_400 + 2) * 86_400_000);
    let period = begin..end;
    let ours: Vec<Record> =
        files.ours.iter().copied().filter(|record| period.contains(&record.start_ms)).collect();
    let theirs: Vec<Record> =
        files.theirs.iter().copied().filter(|record| period.contains(&learned::end(record))).collect();
    let learned = learn_all(&ours, &theirs);
    assert!(learned.periods[0].is_some());
    let tally = matched(&ours, &theirs, &learned, 3);
    let crossing = |records: &[Record]| {
        records
            .iter()
            .filter(|record| period.contains(&record.start_ms) != period.contains(&learned::end(record)))
            .count()
    };
    assert!(crossing(&ours) > 3 && crossing(&theirs) > 3);
    // A duplicate or missing record among them changes nothing by more than itself.
    assert!(tally.cut_off[0].len().abs_diff(crossing(&ours)) <= 1, "{:?}", tally.cut_off);
    assert!(tally.cut_off[1].len().abs_diff(crossing(&theirs)) <= 1, "{:?}", tally.cut_off);
    // The same rule on both sides: whatever lacks is missing.
    let theirs: Vec<Record> = files
        .theirs
        .iter()
        .copied()
        .filter(|record| period.contains(&record.start_ms) && record.start_ms < end - 1_800_000)
        .collect();
    let learned = learn_all(&ours, &theirs);
    let tally = matched(&ours, &theirs, &learned, 3);
    assert_eq!(tally.cut_off.concat(), Vec::<u64>::new(), "{:?}", learned.periods);
}
