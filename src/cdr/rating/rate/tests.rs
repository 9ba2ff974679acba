use proptest::prelude::*;

use super::*;
use crate::rating::Rounding;

fn deck(rows: &str) -> Deck {
    Deck::read(&format!("prefix,rate,from,to,band_from,band_to\n{rows}")).unwrap()
}

fn rater(contract: &str, rows: &str) -> Rater {
    Rater::new(&deck(rows), &Contract::read(contract).unwrap()).unwrap()
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[test]
fn the_longest_prefix_with_a_row_in_force_wins_and_what_has_none_is_unrated() {
    let rater = rater(
        "",
        "8,0.9,,,,\n86,0.2,,,,\n8613,0.3,2026-04-01,2026-05-01,,\n8613,0.4,2026-05-01,,,\n86138,0.5,2027-01-01,,,\n",
    );
    let row = |callee: &str, when: &str| rater.row_of(Number::of(callee), at(when));
    assert_eq!(row("8613800000001", "2026-03-31T23:59:59.999Z"), Some(1), "8613 does not hold yet");
    assert_eq!(row("8613800000001", "2026-04-01T00:00:00Z"), Some(2));
    assert_eq!(row("8613800000001", "2026-05-01T00:00:00Z"), Some(3), "the end is not included");
    assert_eq!(row("85231000001", "2026-05-01T00:00:00Z"), Some(0));
    assert_eq!(row("861", "2026-05-01T00:00:00Z"), Some(1), "shorter than 8613");
    let any: Vec<u32> = rater.rows_of_any_date(Number::of("8613800000001")).collect();
    assert_eq!(any, [4, 3, 2, 1, 0]);
    let shorter: Vec<u32> =
        rater.rows_of_shorter(Number::of("8613800000001"), at("2026-05-02T00:00:00Z")).collect();
    assert_eq!(shorter, [3, 1, 0]);
    let why = |callee: &str| rater.rate(Number::of(callee), 0, 1_000, true).unwrap_err();
    assert_eq!(why("4420000000"), Unrated::NoPrefix);
    assert_eq!(why("alice"), Unrated::NoNumber);
    assert_eq!(why(""), Unrated::NoNumber);
    let dated = self::rater("", "86,0.2,2026-04-01,,,\n");
    assert_eq!(dated.rate(Number::of("8613"), 0, 1_000, true), Err(Unrated::NoDate));
}

#[test]
fn bands_are_read_in_the_contracts_zone_and_may_pass_midnight() {
    let rows = "86,0.05,,,08:00,20:00\n86,0.03,,,20:00,08:00\n";
    let shanghai = rater("band_zone='Asia/Shanghai'", rows);
    let row = |rater: &Rater, when: &str| rater.row_of(Number::of("8613800000001"), at(when));
    assert_eq!(row(&shanghai, "2026-04-03T00:00:00Z"), Some(0), "08:00 there");
    assert_eq!(row(&shanghai, "2026-04-03T11:59:59.999Z"), Some(0));
    assert_eq!(row(&shanghai, "2026-04-03T12:00:00Z"), Some(1));
    assert_eq!(row(&rater("", rows), "2026-04-03T00:00:00Z"), Some(1), "midnight in UTC");
    assert_eq!(
        shanghai.row_of_banded(Number::of("86138"), at("2026-04-03T00:00:00Z"), 0),
        Some(1),
        "what a side that reads the bands in UTC takes"
    );
    assert_eq!(shanghai.other_bands(0).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_band_wins_over_the_whole_day_and_a_later_date_over_an_earlier_one() {
    let rater = rater("", "86,0.1,,,,\n86,0.2,,,08:00,09:00\n86,0.3,2026-05-01,,,\n");
    let row = |when: &str| rater.row_of(Number::of("8613"), at(when));
    assert_eq!(row("2026-04-03T08:30:00Z"), Some(1));
    assert_eq!(row("2026-04-03T09:00:00Z"), Some(0));
    assert_eq!(row("2026-05-03T08:30:00Z"), Some(2));
}

#[test]
fn a_call_over_several_days_is_split_at_each_edge() {
    let rows = "86,0.6,,,08:00,20:00\n86,0.06,,,20:00,08:00\n";
    let rater = rater("bands='split'\ndecimals=2", rows);
    let callee = Number::of("8613800000001");
    // 19:00 to 09:00: an hour, twelve hours, an hour.
    let rated = rater.rate(callee, at("2026-04-03T19:00:00Z"), 14 * 3_600_000, true).unwrap();
    assert_eq!(rated.charge.amount, 36_000_000_000 + 43_200_000_000 + 36_000_000_000);
    let spans = rater.spans(callee, at("2026-04-03T19:00:00Z"), 14 * 3_600_000, rated.row);
    assert_eq!(spans.iter().map(|span| span.billed_s).collect::<Vec<_>>(), [3_600, 43_200, 3_600]);
}

#[test]
fn a_record_is_rated_by_the_moment_and_duration_the_contract_goes_by() {
    let record = Record {
        callee: Number::of("8613800000001"),
        start_ms: at("2026-04-30T23:59:50Z"),
        ring_ms: 20_000,
        talk_ms: 60_000,
        ..bytemuck::Zeroable::zeroed()
    };
    let rows = "86,0.1,,2026-05-01,,\n86,0.2,2026-05-01,,,\n";
    let amount = |contract: &str| rater(contract, rows).rate_record(&record).unwrap().charge.amount;
    assert_eq!(amount(""), 100_000_000);
    assert_eq!(amount("reference_time='answer'"), 200_000_000);
    assert_eq!(amount("duration_from='start'"), 133_333_000);
}

#[test]
fn a_calculation_is_shown_step_by_step() {
    let rater = rater(
        "free_sec=10\nconnect_fee=0.005\ndecimals=4\ntax_percent=16\ntax_on='call'",
        "86,0.0215,,,,\n8613,9,2027-01-01,,,\n",
    );
    let explained = rater.explain(Number::of("8613800000001"), 0, 71_000, true).unwrap();
    let steps = serde_json::to_value(&explained.steps).unwrap();
    let names: Vec<&str> =
        steps.as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "passed_over",
            "row",
            "seconds",
            "free",
            "blocks",
            "talk",
            "connect_fee",
            "rounded",
            "tax",
            "amount"
        ]
    );
    assert_eq!(steps[5]["talk"], "0.021858333");
    assert_eq!(steps[5]["exact"], false);
    assert_eq!(explained.amount, crate::Money::parse("0.0312").unwrap(), "0.0269 and its tax 0.0043 rounded");
}

/// The longest prefix by looking at every row.
fn by_looking(deck: &Deck, callee: &str, at_ms: i64) -> Option<u32> {
    let second = u32::try_from(at_ms.rem_euclid(86_400_000) / 1_000).unwrap();
    let holds = |row: &DeckRow| {
        callee.starts_with(&row.prefix)
            && row.effective_from_ms.is_none_or(|from| from <= at_ms)
            && row.effective_to_ms.is_none_or(|to| at_ms < to)
            && row.band_s.is_none_or(|[from, to]| {
                if from < to { (from..to).contains(&second) } else { second >= from || second < to }
            })
    };
    let rows = deck.rows.iter().enumerate().filter(|(_, row)| holds(row));
    rows.max_by_key(|(at, row)| {
        (row.prefix.len(), row.effective_from_ms.unwrap_or(i64::MIN), row.band_s.is_some(), *at)
    })
    .map(|(at, _)| at as u32)
}

type AnyRow = (String, Option<i64>, Option<i64>, Option<(u32, u32)>);

proptest! {
    #[test]
    fn the_row_found_is_the_one_that_looking_at_every_row_finds(
        rows in prop::collection::vec(
            ("[0-9]{1,7}|[12]{1,4}|[0-9]{18}", prop::option::of(0i64..200), prop::option::of(200i64..400),
             prop::option::of((0u32..86_400, 0u32..86_400))), 1..60),
        callees in prop::collection::vec(("[0-9]{1,18}|[12]{1,6}|0|999999999999999999", 0i64..400), 40),
    ) {
        let row = |(prefix, from, to, band): AnyRow| DeckRow {
            prefix, destination: None, rate: 1, initial_s: 1, increment_s: 1, connect_fee: 0,
            effective_from_ms: from.map(|day| day * 86_400_000), effective_to_ms: to.map(|day| day * 86_400_000),
            band_s: band.filter(|(from, to)| from != to).map(|(from, to)| [from, to]), line: 0,
        };
        let deck = Deck {
            rows: rows.into_iter().map(row).collect(), rounding: Some(Rounding::Up), ..Deck::default()
        };
        let rater = Rater::new(&deck, &Contract::default()).unwrap();
        for (callee, day) in &callees {
            let at_ms = day * 86_399_000;
            prop_assert_eq!(rater.row_of(Number::of(callee), at_ms), by_looking(&deck, callee, at_ms), "{}", callee);
        }
        for row in &deck.rows {
            let longer = format!("{:0<18}", row.prefix);
            prop_assert_eq!(rater.row_of(Number::of(&longer), 0), by_looking(&deck, &longer, 0));
        }
    }
}
