//! Calls whose price is published or was computed with exact fractions, and the laws that hold for all.

use proptest::prelude::*;

use super::*;
use crate::{Money, Number};

/// One call: contract, deck rows (`rate_per_min,initial_sec,increment_sec,connect_fee,band_from,band_to`),
/// conversation in milliseconds, charged seconds where they are told, amount.
type Vector = (u8, &'static str, &'static str, u32, Option<u32>, &'static str);

const HALF_UP_6: &str = "";
const VECTORS: &[Vector] = &[
    (1, HALF_UP_6, "0.006,30,6,0,,", 32_000, Some(36), "0.0036"),
    (2, HALF_UP_6, "0.006,30,6,0,,", 57_000, Some(60), "0.0060"),
    (3, HALF_UP_6, "0.006,30,6,0,,", 75_000, Some(78), "0.0078"),
    (4, "decimals=2\nrounding='up'", "0.05,1,1,0.15,,", 24_000, Some(24), "0.17"),
    (
        5,
        "decimals=9\nincrement_decimals=3\nincrement_rounding='up'",
        "0.05,1,1,0.15,,",
        24_000,
        None,
        "0.174",
    ),
    (
        6,
        "decimals=2\nrounding='up'\nbands='split'\nspan_rounding='each'",
        "0.05,1,1,0.15,00:00,12:00\n0.05,1,1,0.15,12:00:00,12:00:08\n0.05,1,1,0.15,12:00:08,24:00",
        24_000,
        Some(24),
        "0.18",
    ),
    (7, "decimals=4", "0.1,1,1,0,,", 180_000, None, "0.3"),
    // The system that published it rounds the price of a second to six decimals first.
    (7, "decimals=4\nincrement_decimals=6", "0.1,1,1,0,,", 180_000, None, "0.3001"),
    (7, "decimals=9\nincrement_decimals=6", "0.1,1,1,0,,", 180_000, None, "0.30006"),
    (8, "bands='split'", "60,1,1,1,00:00,12:30\n30,1,1,1,12:30,24:00", 3_600_000, Some(3_600), "2701"),
    (9, HALF_UP_6, "60,60,1,0,,", 85_000, Some(85), "85"),
    (9, HALF_UP_6, "60,60,1,0,,", 132_000, Some(132), "132"),
    (10, HALF_UP_6, "30,1,1,0,,", 3_621_000, None, "1810.5"),
    (10, HALF_UP_6, "30,1,1,0,,", 110_000, None, "55"),
    (11, HALF_UP_6, "0.03,60,60,0,,", 1_000, None, "0.03"),
    (11, HALF_UP_6, "0.03,60,60,0,,", 60_000, None, "0.03"),
    (11, HALF_UP_6, "0.03,60,60,0,,", 61_000, None, "0.06"),
    (12, HALF_UP_6, "0.6,90,60,0,,", 91_000, Some(150), "1.5"),
    (12, HALF_UP_6, "0.6,90,60,0,,", 151_000, Some(210), "2.1"),
    (13, "decimals=5", "0.004,1,1,0,,", 43_201_000, None, "2.88007"),
    (14, "decimals=2", "12.5,1,1,0,,", 4_105_000, None, "855.21"),
    (14, "decimals=2", "13,1,1,0,,", 4_781_000, None, "1035.88"),
    (15, "subsecond='ceil'", "60,1,1,0,,", 1_410, Some(2), "2"),
    (15, "subsecond='ceil'", "60,1,1,0,,", 1_500, Some(2), "2"),
    (15, "subsecond='ceil'", "60,1,1,0,,", 1_600, Some(2), "2"),
    (15, "subsecond='floor'", "60,1,1,0,,", 1_410, Some(1), "1"),
    (15, "subsecond='floor'", "60,1,1,0,,", 1_500, Some(1), "1"),
    (15, "subsecond='floor'", "60,1,1,0,,", 1_600, Some(1), "1"),
    (15, "subsecond='nearest'", "60,1,1,0,,", 1_410, Some(1), "1"),
    (15, "subsecond='nearest'", "60,1,1,0,,", 1_500, Some(2), "2"),
    (15, "subsecond='nearest'", "60,1,1,0,,", 1_600, Some(2), "2"),
    (16, "subsecond={threshold_ms=1}", "60,1,1,0,,", 1_001, Some(2), "2"),
    (16, "subsecond={threshold_ms=500}", "60,1,1,0,,", 1_501, Some(2), "2"),
    (16, "subsecond={threshold_ms=500}", "60,1,1,0,,", 1_499, Some(1), "1"),
    (17, HALF_UP_6, "0.06,30,18,0,,", 31_000, Some(48), "0.048"),
    (17, "block_rule='total_multiple'", "0.06,30,18,0,,", 31_000, Some(36), "0.036"),
    (18, HALF_UP_6, "0.0215,60,60,0,,", 61_000, Some(120), "0.043"),
    (18, HALF_UP_6, "0.0215,6,6,0,,", 61_000, Some(66), "0.02365"),
    (19, "decimals=4\nrounding='half_up'", "0.0010,1,1,0,,", 15_000, None, "0.0003"),
    (19, "decimals=4\nrounding='half_even'", "0.0010,1,1,0,,", 15_000, None, "0.0002"),
    (19, "decimals=4\nrounding='up'", "0.0010,1,1,0,,", 15_000, None, "0.0003"),
    (19, "decimals=4\nrounding='down'", "0.0010,1,1,0,,", 15_000, None, "0.0002"),
    (20, "decimals=2", "0.0603,1,1,0,,", 1_000_000, None, "1.01"),
    (21, "decimals=5\nrounding='half_even'", "0.0505,1,1,0.005,,", 125_000, None, "0.11021"),
    (22, "free_sec=10", "0.03,6,6,0,,", 8_000, Some(0), "0"),
    (22, "free_sec=10", "0.03,6,6,0,,", 12_000, Some(6), "0.003"),
    (22, "free_sec=10\nfree_rule='threshold'", "0.03,6,6,0,,", 12_000, Some(12), "0.006"),
    (23, "minimum_charge='0.01'\ndecimals=4", "0.006,1,1,0,,", 3_000, None, "0.01"),
    (23, "minimum_charge='0.01'\ndecimals=4\nfree_sec=10", "0.006,1,1,0,,", 3_000, Some(0), "0.01"),
    (24, "decimals=0\ncurrency='JPY'", "8,1,1,0,,", 125_000, None, "17"),
    (25, "", "0.048,1,1,0,00:00,12:00:30\n0.031,1,1,0,12:00:30,24:00", 60_000, None, "0.048"),
    (25, "bands='split'", "0.048,1,1,0,00:00,12:00:30\n0.031,1,1,0,12:00:30,24:00", 60_000, None, "0.0395"),
    (26, "subsecond='floor'", "0.03,60,60,0,,", 60_200, Some(60), "0.03"),
    (26, "subsecond='ceil'", "0.03,60,60,0,,", 60_200, Some(120), "0.06"),
    (27, "decimals=4\ntax_percent=16\ntax_on='call'", "0.0047,60,60,0,,", 60_000, None, "0.0055"),
    (28, "decimals=2", "0.0215,1,1,0,,", 7_000, None, "0"),
];

/// 2026-04-01T12:00:00Z.
const NOON: i64 = 1_775_044_800_000;

fn rater(contract: &str, rows: &str) -> Rater {
    let header = "prefix,rate_per_min,initial_sec,increment_sec,connect_fee,band_from,band_to";
    let rows: String = rows.lines().map(|row| format!("\n86,{row}")).collect();
    let contract = Contract::read(contract).unwrap();
    Rater::new(&Deck::read(&format!("{header}{rows}")).unwrap(), &contract).unwrap()
}

#[test]
fn published_and_computed_calls_cost_what_their_source_says() {
    let callee = Number::of("8613800000001");
    for (id, contract, rows, talk_ms, billed_s, amount) in VECTORS {
        let rater = rater(contract, rows);
        let rated = rater.rate(callee, NOON, *talk_ms, true).unwrap();
        let shown = Money(i128::from(rated.charge.amount)).to_string();
        assert_eq!(
            shown,
            Money::parse(amount).unwrap().to_string(),
            "vector {id}: {contract} {rows} {talk_ms}"
        );
        if let Some(billed_s) = billed_s {
            assert_eq!(rated.charge.billed_s, *billed_s, "vector {id}: {contract} {rows} {talk_ms}");
        }
        let explained = rater.explain(callee, NOON, *talk_ms, true).unwrap();
        assert_eq!(explained.amount, Money(i128::from(rated.charge.amount)), "vector {id}");
    }
    let mut seen: Vec<u8> = VECTORS.iter().map(|vector| vector.0).collect();
    seen.dedup();
    assert_eq!(seen, (1..=28).collect::<Vec<u8>>());
}

#[test]
fn tax_per_call_and_tax_on_the_sum_differ_as_they_must() {
    let per_call = rater("decimals=4\ntax_percent=16\ntax_on='call'", "0.0047,60,60,0,,");
    let call = i128::from(per_call.terms(0).charge(60_000, true).amount);
    assert_eq!(Money(3 * (call - 4_700_000)), Money::parse("0.0024").unwrap());
    let contract =
        Contract { tax_percent: Decimal(16_000_000_000), tax_on: TaxOn::Sum, ..Contract::default() };
    let terms = Terms { decimals: 4, ..Terms::plain(4_700_000, 60, 60) };
    let sum = Money(3 * i128::from(terms.charge(60_000, true).amount));
    assert_eq!(contract.invoice(sum, &terms).tax, Money::parse("0.0023").unwrap());
}

#[test]
fn rounding_each_call_or_the_sum_differs_as_it_must() {
    let exact = Terms { decimals: 9, ..Terms::plain(21_500_000, 1, 1) };
    let sum: Money = (0..1_000).map(|_| Money(i128::from(exact.charge(7_000, true).amount))).sum();
    let contract = Contract { sum_decimals: Some(2), ..Contract::default() };
    assert_eq!(contract.invoice(sum, &exact).net, Money::parse("2.51").unwrap());
    let rounded = Terms { decimals: 2, ..exact };
    assert_eq!(rounded.charge(7_000, true).amount, 0);
}

#[test]
fn a_call_that_was_not_answered_costs_what_the_contract_says_and_no_fee() {
    let free = rater("", "0.06,60,60,0.01,,");
    assert_eq!(free.terms(0).charge(0, false), Charge { billed_s: 0, amount: 0 });
    assert_eq!(free.terms(0).charge(0, true).amount, 10_000_000, "answered and hung up at once");
    let paid = rater("unanswered_charge='0.002'", "0.06,60,60,0.01,,");
    assert_eq!(paid.terms(0).charge(0, false).amount, 2_000_000);
}

#[test]
fn the_most_a_call_may_cost_and_the_currency_are_applied_in_their_order() {
    let capped = rater("maximum_charge=1\nfx_factor='7.25'\ndecimals=2", "1,60,60,0,,");
    assert_eq!(capped.terms(0).charge(600_000, true).amount, 7_250_000_000);
    let before = rater("fx_factor='7.25'\nfx_decimals_before=2\ndecimals=3", "0.0151,60,60,0,,");
    assert_eq!(before.terms(0).charge(60_000, true).amount, 145_000_000, "0.02 x 7.25");
    let direct = rater("fx_factor='7.25'\ndecimals=3", "0.0151,60,60,0,,");
    assert_eq!(direct.terms(0).charge(60_000, true).amount, 109_000_000, "0.109475");
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let rounding = prop_oneof![
        Just(Rounding::Up),
        Just(Rounding::Down),
        Just(Rounding::HalfUp),
        Just(Rounding::HalfEven)
    ];
    let price =
        prop_oneof![0i64..5_000_000_000, Just(0), Just(1), Just(i64::MAX), Just(i64::MIN), any::<i64>()];
    let blocks = prop_oneof![Just(1u32), Just(6), Just(30), Just(60), 0u32..200, any::<u32>()];
    let precision = prop::option::of((0u8..12, rounding.clone()));
    let subsecond = prop_oneof![
        Just(Subsecond::Floor),
        Just(Subsecond::Ceil),
        Just(Subsecond::Nearest),
        any::<u16>().prop_map(Subsecond::ThresholdMs)
    ];
    (
        (price.clone(), price.clone(), price.clone(), price),
        (blocks.clone(), blocks.clone(), blocks, any::<bool>(), any::<bool>()),
        (subsecond, 0u8..12, rounding, prop_oneof![Just(0u32), Just(160_000), any::<u32>()]),
        (prop_oneof![Just(1_000_000u64), any::<u64>()], precision.clone(), precision),
    )
        .prop_map(|(prices, blocks, form, factor)| Terms {
            rate: prices.0,
            connect_fee: prices.1,
            minimum: prices.2,
            maximum: prices.3,
            unanswered: 0,
            initial_s: blocks.0,
            increment_s: blocks.1,
            free_s: blocks.2,
            blocks: if blocks.3 { BlockRule::Textbook } else { BlockRule::TotalMultiple },
            free: if blocks.4 { FreeSeconds::Deducted } else { FreeSeconds::Threshold },
            subsecond: form.0,
            decimals: form.1,
            rounding: form.2,
            tax_ppm: form.3,
            factor_ppm: factor.0,
            per_increment: factor.1.map(|(decimals, rounding)| Precision { decimals, rounding }),
            before_factor: factor.2.map(|(decimals, rounding)| Precision { decimals, rounding }),
        })
}

/// The definition of the arithmetic once more, as fractions over 60 × 10^6, with nothing clever.
fn by_definition(terms: &Terms, billed_s: u32) -> i128 {
    let mut value = i128::from(terms.connect_fee) * 60 + i128::from(terms.rate) * i128::from(billed_s);
    if terms.minimum != 0 {
        value = value.max(i128::from(terms.minimum) * 60);
    }
    value = value.min(i128::from(terms.maximum) * 60);
    value *= i128::from(terms.factor_ppm);
    let unit = 10i128.pow(9 - u32::from(terms.decimals)) * 60_000_000;
    let (floor, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    let units = match terms.rounding {
        Rounding::Up => floor + i128::from(rest > 0),
        Rounding::Down => floor,
        Rounding::HalfUp => floor + i128::from(rest * 2 >= unit),
        Rounding::HalfEven => floor + i128::from(rest * 2 > unit || rest * 2 == unit && floor % 2 != 0),
    };
    units * 10i128.pow(9 - u32::from(terms.decimals))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_charge_is_the_exact_fraction_rounded_once(
        terms in any_terms(), rate in 0i64..100_000_000_000, fee in 0i64..1_000_000_000, least in 0i64..100_000_000,
        most in prop_oneof![Just(i64::MAX), 0i64..10_000_000_000], factor in prop_oneof![Just(1_000_000u64), 1..9_000_000u64],
        decimals in 0u8..=9, talk_ms in 0u32..90_000_000, initial_s in 0u32..200, increment_s in 1u32..200,
    ) {
        let terms = Terms {
            rate, connect_fee: fee, minimum: least, maximum: most, decimals, initial_s, increment_s,
            tax_ppm: 0, factor_ppm: factor, per_increment: None, before_factor: None, ..terms
        };
        let charge = terms.charge(talk_ms, true);
        prop_assert_eq!(i128::from(charge.amount), by_definition(&terms, charge.billed_s));
    }

    #[test]
    fn a_longer_call_never_costs_less(terms in any_terms(), talk_ms in any::<u32>(), more in 0u32..1_000_000) {
        let terms = Terms { rate: terms.rate.saturating_abs(), ..terms };
        let longer = talk_ms.saturating_add(more);
        prop_assert!(terms.charge(talk_ms, true).billed_s <= terms.charge(longer, true).billed_s);
        if terms.per_increment.is_none() && terms.minimum >= 0 && terms.connect_fee >= 0 && terms.maximum >= 0 {
            prop_assert!(terms.charge(talk_ms, true).amount <= terms.charge(longer, true).amount);
        }
    }

    #[test]
    fn no_terms_and_no_duration_make_the_arithmetic_panic(terms in any_terms(), talk_ms in any::<u32>()) {
        for talk_ms in [talk_ms, 0, u32::MAX] {
            let _ = terms.charge(talk_ms, true);
            let _ = terms.charge(talk_ms, false);
        }
    }
}
