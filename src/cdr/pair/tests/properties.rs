//! What holds whatever the records are.

use proptest::prelude::*;

use super::*;

fn any_record() -> impl Strategy<Value = Record> {
    let numbers = (0u64..3, 0u64..3);
    let times = (0i64..60, 0u32..3, prop_oneof![Just(0u32), 0u32..40]);
    (numbers, times, 0u32..3, prop_oneof![Just(0u32), Just(flag::INTERIM)], 0u16..2).prop_map(
        |((caller, callee), (start, ring, talk), call_id, flags, gateway)| {
            let caller = if caller == 0 { String::new() } else { format!("8523100000{caller}") };
            let mut record = record(&caller, &format!("861380000000{callee}"), start, ring, talk);
            record.call_id = call_id;
            record.flags |= flags;
            record.gateway = gateway;
            record
        },
    )
}

fn placed(records: &[Record]) -> Vec<Record> {
    (0..).zip(records).map(|(place, record)| Record { place, ..*record }).collect()
}

proptest! {
    #[test]
    fn each_record_comes_out_once_and_shuffling_changes_nothing(
        ours in prop::collection::vec(any_record(), 0..60),
        theirs in prop::collection::vec(any_record(), 0..60),
        shared: bool,
        unreliable: bool,
    ) {
        let learned = Learned { call_ids_shared: shared, callers_unreliable: unreliable, ..Learned::default() };
        let (ours, theirs) = (placed(&ours), placed(&theirs));
        let tally = matched(&ours, &theirs, &learned, 2);
        for (side, records) in [&ours, &theirs].into_iter().enumerate() {
            prop_assert_eq!(tally.places(side), (0..records.len() as u64).collect::<Vec<_>>());
        }
        let (mut back, mut forth) = (ours.clone(), theirs.clone());
        back.reverse();
        forth.reverse();
        prop_assert_eq!(matched(&back, &forth, &learned, 3).sorted(), tally.sorted());
    }

    #[test]
    fn swapping_sides_mirrors_the_counts(
        ours in prop::collection::vec(any_record(), 0..40),
        theirs in prop::collection::vec(any_record(), 0..40),
    ) {
        let (ours, theirs) = (placed(&ours), placed(&theirs));
        let straight = matched(&ours, &theirs, &Learned::default(), 1);
        let swapped = matched(&theirs, &ours, &Learned::default(), 1);
        let counts = |tally: &Tally, side: usize| {
            (tally.pairs.len(), tally.only[side].len(), tally.duplicates[side].len(),
             tally.splits[side].len(), tally.interims[side].len())
        };
        prop_assert_eq!(counts(&straight, 0), counts(&swapped, 1));
        prop_assert_eq!(counts(&straight, 1), counts(&swapped, 0));
    }

    #[test]
    fn learning_takes_any_records(
        ours in prop::collection::vec(any_record(), 0..60),
        theirs in prop::collection::vec(any_record(), 0..60),
        far in prop_oneof![Just(0i64), Just(i64::MAX / 2), Just(i64::MIN / 2), Just(90_000_000)],
    ) {
        let mut theirs = placed(&theirs);
        for record in &mut theirs {
            record.start_ms = record.start_ms.saturating_add(far);
        }
        let ours = placed(&ours);
        let learned = learn_all(&ours, &theirs);
        let tally = matched(&ours, &theirs, &learned, 2);
        prop_assert_eq!(tally.places(1), (0..theirs.len() as u64).collect::<Vec<_>>());
    }
}
