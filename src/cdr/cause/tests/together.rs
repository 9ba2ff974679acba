//! Two and three causes on the same calls, of one side or of both.

use super::alone::acts;
use super::world::*;
use crate::outcome::CauseKind;
use crate::rating::{FreeSeconds, Rounding};
use crate::record::Side;

/// Acts that cannot meet another of their own kind or that hide it whole.
fn meets(one: Act, other: Act) -> bool {
    let group = |act: Act| match act {
        Act::Missing | Act::Duplicate | Act::CutOff | Act::Parts | Act::Together => 0,
        Act::Ring | Act::Ceil | Act::Hung | Act::Longer(_) => 1,
        Act::Shorter | Act::Tech(_) | Act::Row(_) | Act::Unrated | Act::Stale | Act::Rate(_) => 2,
        Act::Factor(_) => 3,
        Act::Tax(_) => 10,
        Act::Band(_) | Act::BandAlways(_) => 4,
        Act::Increment(..) | Act::Total => 5,
        Act::Free(..) => 6,
        Act::Minimum(_) => 7,
        Act::Fee(_) => 8,
        Act::Decimals(_) | Act::Mode(_) => 9,
    };
    // What is right on a call that only one record tells of is that record's own duration.
    // A fee that is rounded up has, on some calls, the look of a fee finer by a millionth.
    let fine = matches!((one, other), (Act::Fee(_), Act::Mode(_)) | (Act::Mode(_), Act::Fee(_)));
    // A least charge of the last digit that is written looks like rounding up.
    let least = |act| matches!(act, Act::Minimum(_));
    let written = |act| matches!(act, Act::Decimals(_) | Act::Mode(_));
    let alike = least(one) && written(other) || written(one) && least(other);
    // Of a factor two decimals leave no more than some digits; see the test of the two.
    let coarse =
        matches!((one, other), (Act::Factor(_), Act::Decimals(2)) | (Act::Decimals(2), Act::Factor(_)));
    // Parts of a minute and more come to what the whole does: nothing tells that each was charged by itself.
    let whole =
        matches!((one, other), (Act::Parts, Act::Increment(60, 1)) | (Act::Increment(60, 1), Act::Parts));
    group(one) != group(other) && group(one) + group(other) != 1 && !fine && !alike && !whole && !coarse
}

/// Some of the pairs, other ones by `first`; every pair with `LINESMAN_TEST_EVERY_PAIR=1`, which takes long.
fn pairs(first: usize) -> Vec<(Fault, Fault)> {
    let every = std::env::var_os("LINESMAN_TEST_EVERY_PAIR").is_some_and(|value| value == "1");
    let all = every_pair();
    if every { all } else { all.into_iter().skip(first).step_by(SAMPLED).collect() }
}

/// One of so many pairs is tried: all three samples together take some seconds.
const SAMPLED: usize = 19;

fn every_pair() -> Vec<(Fault, Fault)> {
    let mut all = Vec::new();
    let acts = acts();
    for (at, (one, here)) in acts.iter().enumerate() {
        for (other, there) in &acts[at + 1..] {
            if meets(*one, *other) {
                all.push((fault(Side::Theirs, *one, *here), fault(Side::Theirs, *other, *there)));
            }
        }
    }
    all
}

fn tried(world: &World, faults: &[Fault], wrong: &mut Vec<String>) {
    let (outcome, expected) = world.run(faults);
    let complaint = complaint(&outcome, &expected);
    if !complaint.is_empty() {
        wrong.push(format!(
            "{:?}\n{complaint}",
            faults.iter().map(|f| (f.side, f.act, f.scope)).collect::<Vec<_>>()
        ));
    }
}

#[test]
fn every_two_causes_of_one_side_are_told_apart() {
    let world = World::plain(3_000, 21);
    let mut wrong = Vec::new();
    let pairs = pairs(0);
    for (one, other) in &pairs {
        tried(&world, &[*one, *other], &mut wrong);
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

#[test]
fn every_two_causes_of_one_side_are_told_apart_by_amounts_alone() {
    let world = World::plain(3_000, 22).with_columns(BARE);
    let mut wrong = Vec::new();
    let pairs = pairs(3);
    for (one, other) in &pairs {
        tried(&world, &[*one, *other], &mut wrong);
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

#[test]
fn both_sides_may_be_wrong_on_the_same_calls() {
    let world = World::plain(3_000, 23);
    let mut wrong = Vec::new();
    let mut tries = 0;
    for (one, other) in pairs(5).into_iter() {
        tries += 1;
        tried(&world, &[one, Fault { side: Side::Ours, ..other }], &mut wrong);
    }
    assert!(wrong.is_empty(), "{} of {tries}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_call_in_parts_on_both_sides_is_one_call_whoever_charges_it_how_often() {
    let some = Scope { one_in: 23, ..EVERYWHERE };
    let mut wrong = Vec::new();
    for columns in [FULL, BARE] {
        let world = World::plain(3_000, 27).with_columns(columns);
        for (ours, theirs) in
            [(Act::Parts, Act::Together), (Act::Together, Act::Parts), (Act::Parts, Act::Parts)]
        {
            let parts = [fault(Side::Ours, ours, some), fault(Side::Theirs, theirs, some)];
            tried(&world, &parts, &mut wrong);
            let more = [parts[0], parts[1], fault(Side::Theirs, Act::Stale, prefix("8613"))];
            tried(&world, &more, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn three_causes_on_the_same_calls_are_told_apart() {
    let mut wrong = Vec::new();
    for columns in [FULL, BARE] {
        let world = World::plain(4_000, 24).with_columns(columns);
        for acts in [
            [
                (Act::Stale, prefix("8613")),
                (Act::Increment(60, 60), EVERYWHERE),
                (Act::Decimals(4), EVERYWHERE),
            ],
            [
                (Act::Rate(23_300_000), prefix("49")),
                (Act::Increment(60, 60), gateway(2)),
                (Act::Tax(160_000), EVERYWHERE),
            ],
            [
                (Act::Shorter, prefix("8613")),
                (Act::Increment(30, 6), EVERYWHERE),
                (Act::Fee(7_000_000), gateway(1)),
            ],
            [
                (Act::Missing, Scope { one_in: 50, ..EVERYWHERE }),
                (Act::Stale, prefix("447")),
                (Act::Increment(60, 60), EVERYWHERE),
            ],
            [
                (Act::Factor(921_700), EVERYWHERE),
                (Act::Increment(60, 60), prefix("8613")),
                (Act::Tax(160_000), EVERYWHERE),
            ],
            [
                (Act::Increment(60, 60), EVERYWHERE),
                (Act::Fee(7_000_000), EVERYWHERE),
                (Act::Mode(Rounding::Up), EVERYWHERE),
            ],
        ] {
            let faults = acts.map(|(act, scope)| fault(Side::Theirs, act, scope));
            tried(&world, &faults, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_fee_beside_amounts_of_two_decimals_is_told_from_the_calls_that_do_not_show_it() {
    let mut wrong = Vec::new();
    for columns in [FULL, BARE] {
        let world = World::plain(3_000, 26).with_columns(columns);
        let fee = fault(Side::Theirs, Act::Fee(7_000_000), gateway(0));
        tried(&world, &[fee, fault(Side::Theirs, Act::Decimals(2), EVERYWHERE)], &mut wrong);
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_rule_that_explains_some_calls_by_chance_does_not_hide_what_does_so_in_truth() {
    let mut wrong = Vec::new();
    for (columns, seed) in [(FULL, 21), (BARE, 22)] {
        let world = World::plain(3_000, seed).with_columns(columns);
        for acts in [
            [(Act::Unrated, prefix("998")), (Act::Free(30, FreeSeconds::Threshold), gateway(4))],
            [(Act::Shorter, prefix("8613")), (Act::Increment(60, 60), prefix("8613"))],
        ] {
            tried(&world, &acts.map(|(act, scope)| fault(Side::Theirs, act, scope)), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Amounts of two decimals leave a factor some room: which cause it is and on which calls is proven, the share of each
/// of the two only to some digits.
#[test]
fn a_currency_beside_two_decimals_is_named_and_explains_every_call() {
    for (columns, seed) in [(FULL, 21), (BARE, 22)] {
        let world = World::plain(3_000, seed).with_columns(columns);
        let acts = [Act::Factor(921_700), Act::Decimals(2)];
        let (outcome, _) = world.run(&acts.map(|act| fault(Side::Theirs, act, EVERYWHERE)));
        let kinds: Vec<CauseKind> = outcome.causes.iter().map(|cause| cause.kind).collect();
        assert_eq!(kinds.len(), 2, "{:?}", outcome.causes);
        assert!(
            kinds.contains(&CauseKind::Currency) && kinds.contains(&CauseKind::RoundingDecimals),
            "{kinds:?}"
        );
        assert_eq!(outcome.unexplained, "0", "seed {seed}");
    }
}

#[test]
fn a_rounding_is_of_the_whole_system_where_only_one_prefix_lets_it_be_seen() {
    let mut wrong = Vec::new();
    for columns in [FULL, BARE] {
        let world = World::plain(3_000, 27).with_columns(columns);
        let up = fault(Side::Theirs, Act::Mode(Rounding::Up), EVERYWHERE);
        for (act, scope) in [(Act::Row("49"), prefix("44")), (Act::Unrated, prefix("998"))] {
            tried(&world, &[fault(Side::Theirs, act, scope), up], &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_added_fee_and_one_that_is_left_out_are_told_apart_on_the_same_calls() {
    let mut deck = deck();
    for row in deck.rows.iter_mut().filter(|row| row.prefix == "447") {
        row.connect_fee = 5_000_000;
    }
    for seed in 28..34 {
        let world = World::new(&deck, &crate::rating::Contract::default(), 2_000, seed);
        let added = fault(Side::Ours, Act::Fee(10_000_000), gateway(2));
        // Where both act no fee is charged at all: what is left out comes first, and what is added shows elsewhere.
        let (outcome, _) = world.run(&[added, fault(Side::Ours, Act::Fee(0), prefix("447"))]);
        let found: Vec<_> = outcome
            .causes
            .iter()
            .map(|cause| (cause.kind, cause.selector.prefix.as_deref(), cause.selector.gateway.as_deref()))
            .collect();
        let wanted = [
            (CauseKind::ConnectFeeAdded, None, Some("gw2")),
            (CauseKind::ConnectFeeMissing, Some("447"), None),
        ];
        assert_eq!((found.as_slice(), &*outcome.unexplained), (&wanted[..], "0"), "seed {seed}");
    }
}

#[test]
fn swapped_sides_give_the_mirrored_answer() {
    let world = World::plain(2_000, 25);
    let mut wrong = Vec::new();
    for (act, scope) in acts() {
        if matches!(act, Act::Longer(_)) {
            continue;
        }
        let faults = [fault(Side::Theirs, act, scope), fault(Side::Ours, Act::Increment(60, 60), gateway(3))];
        if !meets(act, Act::Increment(60, 60)) {
            continue;
        }
        let (straight, expected) = world.run_sides(&faults, false);
        let (mirrored, other) = world.run_sides(&faults, true);
        if complaint(&straight, &expected).is_empty() != complaint(&mirrored, &other).is_empty()
            || straight.totals.ours != mirrored.totals.theirs
            || straight.totals.correct != mirrored.totals.correct
        {
            wrong.push(format!(
                "{act:?}\n{}\n{}",
                complaint(&straight, &expected),
                complaint(&mirrored, &other)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
