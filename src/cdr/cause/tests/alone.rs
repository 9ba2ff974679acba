//! Each cause alone, on either side, with all columns and with amounts alone.

use super::world::*;
use crate::rating::{Contract, FreeSeconds, Rounding};
use crate::record::Side;

/// Every kind, where it is bound, and whether amounts alone can show it.
pub fn acts() -> Vec<(Act, Scope)> {
    vec![
        (Act::Missing, Scope { one_in: 37, ..EVERYWHERE }),
        (Act::Duplicate, Scope { one_in: 41, ..EVERYWHERE }),
        (Act::CutOff, Scope { one_in: 97, ..EVERYWHERE }),
        (Act::Parts, Scope { one_in: 23, ..EVERYWHERE }),
        (Act::Together, Scope { one_in: 23, ..EVERYWHERE }),
        (Act::Ring, gateway(2)),
        (Act::Ceil, EVERYWHERE),
        (Act::Hung, Scope { one_in: 333, ..EVERYWHERE }),
        (Act::Longer(17), Scope { one_in: 61, ..EVERYWHERE }),
        (Act::Shorter, prefix("8613")),
        (Act::Row("49"), prefix("44")),
        (Act::Tech("99"), gateway(1)),
        (Act::Unrated, prefix("998")),
        (Act::Stale, prefix("8613")),
        (Act::Rate(23_300_000), prefix("49")),
        (Act::Factor(921_700), EVERYWHERE),
        (Act::Increment(60, 60), prefix("8613")),
        (Act::Increment(30, 6), gateway(3)),
        (Act::Increment(60, 1), EVERYWHERE),
        (Act::Increment(7, 7), EVERYWHERE),
        (Act::Total, prefix("49")),
        (Act::Free(5, FreeSeconds::Deducted), EVERYWHERE),
        (Act::Free(30, FreeSeconds::Threshold), gateway(4)),
        (Act::Minimum(10_000_000), EVERYWHERE),
        (Act::Fee(7_000_000), gateway(0)),
        (Act::Decimals(4), EVERYWHERE),
        (Act::Decimals(2), EVERYWHERE),
        (Act::Mode(Rounding::Up), EVERYWHERE),
        (Act::Tax(160_000), EVERYWHERE),
    ]
}

fn check(world: &World, faults: &[Fault]) -> String {
    let (outcome, expected) = world.run(faults);
    let wrong = complaint(&outcome, &expected);
    if wrong.is_empty() { wrong } else { format!("{faults:?}\n{wrong}") }
}

#[test]
fn each_cause_alone_is_named_on_either_side_with_every_column() {
    let world = World::plain(3_000, 11);
    let mut wrong = String::new();
    for (act, scope) in acts() {
        for side in Side::BOTH {
            wrong += &check(&world, &[fault(side, act, scope)]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_cause_alone_is_named_from_amounts_alone() {
    let world = World::plain(3_000, 12).with_columns(BARE);
    let mut wrong = String::new();
    for (act, scope) in acts() {
        for side in Side::BOTH {
            wrong += &check(&world, &[fault(side, act, scope)]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn bands_read_in_another_zone_or_not_at_all_are_named() {
    let world = World::new(&banded(), &Contract::default(), 4_000, 13);
    let mut wrong = String::new();
    for columns in [FULL, BARE] {
        let world = World {
            columns: [columns; 2],
            calls: world.calls.clone(),
            names: world.names.clone(),
            rater: world.rater.clone(),
            ..world
        };
        for side in Side::BOTH {
            wrong += &check(&world, &[fault(side, Act::Band(0), EVERYWHERE)]);
            wrong += &check(&world, &[fault(side, Act::BandAlways(12 * 3_600), EVERYWHERE)]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_fee_that_is_not_charged_is_named() {
    let mut deck = deck();
    for row in &mut deck.rows {
        row.connect_fee = 5_000_000;
    }
    let world = World::new(&deck, &Contract::default(), 2_000, 14);
    let wrong = check(&world, &[fault(Side::Theirs, Act::Fee(0), EVERYWHERE)]);
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_tax_on_amounts_of_few_decimals_is_named_with_the_calls_whose_amount_shows_it() {
    let mut wrong = String::new();
    for (decimals, seed) in [(2, 15), (2, 16), (2, 17), (4, 18)] {
        let mut deck = deck();
        deck.decimals = Some(decimals);
        let world = World::new(&deck, &Contract::default(), 3_000, seed);
        for columns in [FULL, BARE] {
            let world = World {
                columns: [columns; 2],
                calls: world.calls.clone(),
                names: world.names.clone(),
                rater: world.rater.clone(),
                ..world
            };
            wrong += &check(&world, &[fault(Side::Theirs, Act::Tax(160_000), EVERYWHERE)]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn clean_calls_have_no_cause_even_with_seconds_off_at_random() {
    for seed in 0..24 {
        for columns in [FULL, BARE] {
            let mut world = World::plain(1_500, 1_000 + seed).with_columns(columns);
            world.noise = [0, 3, 20][seed as usize % 3];
            let (outcome, _) = world.run(&[]);
            assert!(outcome.causes.is_empty(), "seed {seed}: {:#?}", outcome.causes);
        }
    }
}
