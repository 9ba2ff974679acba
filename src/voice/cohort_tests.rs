//! When bad calls are the trunk's trouble, and when they are not.

use proptest::prelude::*;

use super::super::book::Heard;
use super::super::place::{Direction, Place};
use super::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
}

fn limits() -> Limits {
    Limits { look_back: TimeDelta::minutes(5), bad_loss: 0.03, minimum_calls: 5, minimum_share: 0.3 }
}

/// A window of ten seconds of a call from a trunk.
fn heard(trunk: &str, gateway: &str, call: &str, second: i64, lost: u64) -> Heard {
    Heard {
        call: call.to_owned(),
        place: Place {
            trunk: Some(trunk.to_owned()),
            gateway: Some(gateway.to_owned()),
            customer: Some(gateway.replace("gateway", "customer")),
            direction: Direction::FromTrunk,
        },
        codec: Some("PCMA".to_owned()),
        start: at(second),
        end: at(second + 10),
        expected: 500,
        lost,
        late: 0,
        jitter_ms: Some(4.0),
        mos: None,
        told: None,
        ends: None,
        is_faulty: false,
        is_test: false,
    }
}

/// So many calls of a minute, each of its own gateway unless one is named.
fn calls(book: &mut Book, trunk: &str, count: usize, gateway: Option<&str>, lost: u64) {
    let before = book.trunks.get(trunk).map_or(0, BTreeMap::len);
    for number in before..before + count {
        let own = format!("gateway-{number}");
        for window in 0..6 {
            let gateway = gateway.unwrap_or(&own);
            book.add(&heard(trunk, gateway, &format!("{trunk}-{number}"), window * 10, lost));
        }
    }
}

fn of(book: &Book, trunk: &str) -> Option<Cohort> {
    judge(book, &limits(), at(60)).into_iter().find(|voice| voice.trunk == trunk)?.cohort
}

#[test]
fn many_bad_calls_of_one_trunk_are_its_trouble_with_the_worst_three_by_name() {
    let mut book = Book::default();
    calls(&mut book, "trunk-1", 6, None, 40);
    calls(&mut book, "trunk-1", 2, None, 0);
    calls(&mut book, "trunk-2", 10, None, 1);
    for window in 0..6 {
        book.add(&heard("trunk-1", "gateway-99", "worst", window * 10, 100));
    }
    let found = of(&book, "trunk-1").expect("seven of nine are bad");
    assert_eq!((found.calls, found.bad_calls, found.elsewhere, found.elsewhere_bad), (9, 7, 10, 0));
    assert_eq!((found.first_seen, found.last_seen), (at(0), at(60)));
    assert_eq!(found.worst[0].call, "worst");
    assert_eq!((found.worst.len(), found.worst[0].loss_ratio), (3, 0.2));
    assert_eq!(found.customers.len(), 7, "{:?}", found.customers);
    assert_eq!(of(&book, "trunk-2"), None);
}

#[test]
fn what_is_bad_everywhere_is_no_trunks_trouble() {
    let mut book = Book::default();
    calls(&mut book, "trunk-1", 8, None, 40);
    calls(&mut book, "trunk-2", 8, None, 40);
    assert_eq!((of(&book, "trunk-1"), of(&book, "trunk-2")), (None, None));
}

#[test]
fn bad_calls_of_one_gateway_among_good_ones_of_others_are_not_the_trunks() {
    let mut book = Book::default();
    calls(&mut book, "trunk-1", 6, Some("gateway-7"), 40);
    calls(&mut book, "trunk-2", 10, None, 0);
    assert!(of(&book, "trunk-1").is_some(), "nobody else tells them apart");
    calls(&mut book, "trunk-1", 4, None, 0);
    assert_eq!(of(&book, "trunk-1"), None);
}

#[test]
fn what_our_own_measuring_missed_and_what_was_lost_before_us_accuses_no_trunk() {
    let mut book = Book::default();
    for number in 0..10 {
        let bad = heard("trunk-1", "gateway-1", &format!("call-{number}"), 0, 200);
        let towards = Place { direction: Direction::ToTrunk, ..bad.place.clone() };
        book.add(&Heard { is_faulty: true, ..bad.clone() });
        book.add(&Heard { place: towards, ..bad });
    }
    assert_eq!(book.calls(), 0);
    assert_eq!(of(&book, "trunk-1"), None);
}

#[test]
fn what_receivers_say_is_a_line_of_its_own_and_neither_makes_nor_hides_a_cohort() {
    let mut book = Book::default();
    calls(&mut book, "trunk-1", 6, None, 40);
    calls(&mut book, "trunk-2", 6, None, 0);
    let say = |book: &mut Book, trunk: &str, direction: Direction, told: (u64, u64)| {
        for number in 0..6 {
            let window = heard(trunk, "gateway-1", &format!("{trunk}-{number}"), 50, 0);
            let place = Place { direction, ..window.place.clone() };
            book.add(&Heard { place, told: Some(told), is_faulty: true, ..window });
        }
    };
    say(&mut book, "trunk-1", Direction::ToTrunk, (300, 3_000));
    // Whoever listens to good calls complains: his word alone accuses no trunk.
    say(&mut book, "trunk-2", Direction::FromTrunk, (1_500, 3_000));
    let found = of(&book, "trunk-1").expect("what was measured");
    assert_eq!(found.told_by_carrier, Some(TheirWord { calls: 6, loss_ratio: 0.1 }));
    assert_eq!((found.told_by_listener, found.loss_ratio), (None, 0.08));
    assert_eq!(of(&book, "trunk-2"), None);
    assert_eq!(book.calls(), 12);
}

#[test]
fn late_packets_and_a_poor_score_are_bad_without_any_loss() {
    let mut book = Book::default();
    for number in 0..5 {
        let good = heard("trunk-1", &format!("gateway-{number}"), &format!("late-{number}"), 50, 0);
        book.add(&Heard { late: 100, ..good });
        let good = heard("trunk-2", &format!("gateway-{number}"), &format!("poor-{number}"), 50, 0);
        book.add(&Heard { mos: Some((1.5, 3.2)), ..good });
    }
    calls(&mut book, "trunk-3", 100, None, 0);
    assert!(of(&book, "trunk-1").is_some() && of(&book, "trunk-2").is_some());
}

#[test]
fn trouble_ends_with_good_calls_and_not_with_silence() {
    let mut book = Book::default();
    calls(&mut book, "trunk-1", 6, None, 40);
    let later = judge(&book, &limits(), at(200)).remove(0);
    assert_eq!(later.cohort, None, "it is not going on");
    assert_eq!(later.good_since(at(60)), None, "nothing was heard since");
    for window in 10..13 {
        book.add(&heard("trunk-1", "gateway-1", "after", window * 10, 0));
    }
    let later = judge(&book, &limits(), at(200)).remove(0);
    assert_eq!(later.good_since(at(60)), Some(GoodRun { since: at(100), live: 3, tests: 0 }));
    book.forget(at(200), TimeDelta::seconds(80), 4);
    assert_eq!(book.calls(), 1, "what ended before is forgotten");
}

proptest! {
    /// However bad single calls are, and however few calls there are: they open nothing.
    #[test]
    fn single_bad_calls_never_are_a_trunks_trouble(
        bad in prop::collection::vec((0_usize..6, 16_u64..=500, 1_i64..6), 0..24),
        good in prop::collection::vec(0_usize..6, 0..60),
    ) {
        let mut book = Book::default();
        let mut of_trunk = [0_usize; 6];
        for (number, (trunk, lost, windows)) in bad.into_iter().enumerate() {
            if of_trunk[trunk] + 1 >= limits().minimum_calls {
                continue;
            }
            of_trunk[trunk] += 1;
            for window in 0..windows {
                let name = format!("trunk-{trunk}");
                book.add(&heard(&name, &format!("gateway-{number}"), &format!("bad-{number}"), window * 10, lost));
            }
        }
        for (number, trunk) in good.into_iter().enumerate() {
            book.add(&heard(&format!("trunk-{trunk}"), "gateway-0", &format!("good-{number}"), 50, 0));
        }
        for voice in judge(&book, &limits(), at(60)) {
            prop_assert_eq!(voice.cohort, None);
        }
    }

    /// Whatever was heard, the counts hold together.
    #[test]
    fn counts_of_a_cohort_hold_together(
        windows in prop::collection::vec((0_usize..3, 0_usize..4, 0_usize..30, 0_i64..6, 0_u64..600, 0_u64..600), 0..200),
    ) {
        let mut book = Book::default();
        for (trunk, gateway, call, window, lost, late) in windows {
            let heard = heard(&format!("trunk-{trunk}"), &format!("gateway-{gateway}"), &format!("{call}"), window * 10, lost);
            book.add(&Heard { late, ..heard });
        }
        for voice in judge(&book, &limits(), at(60)) {
            prop_assert!(voice.slots.iter().all(|slot| slot.bad <= slot.calls && slot.calls > 0));
            let Some(found) = voice.cohort else { continue };
            prop_assert!(found.bad_calls >= 5 && found.bad_calls <= found.calls);
            prop_assert!(found.first_seen < found.last_seen && found.last_seen <= at(60));
            prop_assert!((0.0..=1.0).contains(&found.loss_ratio) && found.worst.len() == 3);
        }
    }
}

/// A test call of so many seconds that lost so many of its packets.
fn test_call(trunk: &str, second: i64, lost: u64) -> Heard {
    let window = heard(trunk, "none", &format!("test-call {trunk} {second}"), second, lost);
    Heard { place: Place { gateway: None, customer: None, ..window.place.clone() }, is_test: true, ..window }
}

/// Five minutes from call to call: longer than the look-back and than what is going on.
fn paced(book: &mut Book) {
    let pace = ["trunk-1", "trunk-2"].map(|trunk| (trunk.to_owned(), TimeDelta::minutes(5)));
    book.set_pace(pace.into());
}

/// R48: a trunk without traffic is judged all the same, by calls of our own, and by no single one of them.
#[test]
fn r48_test_calls_that_are_bad_again_and_again_are_the_trouble_of_a_trunk_without_traffic() {
    let mut book = Book::default();
    paced(&mut book);
    let judged = |book: &Book, second: i64| {
        judge(book, &limits(), at(second))
            .into_iter()
            .find(|voice| voice.trunk == "trunk-1")
            .and_then(|it| it.cohort)
    };
    for number in 0..5 {
        assert_eq!(judged(&book, 300 * number), None, "{number} calls are too few");
        book.add(&test_call("trunk-1", 300 * number, 40));
        book.add(&test_call("trunk-2", 300 * number + 150, 0));
        book.forget(at(300 * number + 20), TimeDelta::minutes(6), 4);
    }
    let cohort = judged(&book, 1_400).expect("five of five");
    assert_eq!((cohort.calls, cohort.bad_calls, cohort.bad_test_calls), (5, 5, 5));
    assert_eq!(
        (cohort.elsewhere, cohort.elsewhere_bad),
        (5, 0),
        "test calls elsewhere are what to compare with"
    );
    assert_eq!(judged(&book, 3_000), None, "nothing was heard for long: not known to go on");
}

#[test]
fn bad_test_calls_among_many_good_live_ones_are_the_echos_trouble_and_not_the_trunks() {
    let mut book = Book::default();
    paced(&mut book);
    calls(&mut book, "trunk-1", 20, None, 0);
    for number in 0..5 {
        book.add(&test_call("trunk-1", number * 12, 40));
    }
    assert_eq!(of(&book, "trunk-1"), None);
}

#[test]
fn good_test_calls_are_counted_apart_from_live_ones_and_remembered_until_there_are_ten() {
    let mut book = Book::default();
    paced(&mut book);
    for number in 0..10 {
        book.add(&test_call("trunk-1", 300 * number, 0));
        book.forget(at(300 * number + 20), TimeDelta::minutes(6), 4);
    }
    let voice = judge(&book, &limits(), at(2_720)).remove(0);
    assert_eq!(voice.good_since(at(-60)), Some(GoodRun { since: at(0), live: 0, tests: 10 }));
    assert_eq!(voice.good_since(at(1_490)).map(|run| run.tests), Some(5));
}
