use super::*;

fn mistakes(text: &str) -> Vec<String> {
    Deck::read(text).unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn a_deck_of_the_contracts_columns_is_read_exactly() {
    let deck = Deck::read(
        "prefix,destination,rate_per_min,initial_sec,increment_sec,connect_fee,effective_from,effective_to,\
         band_from,band_to,band_tz,currency,decimals,rounding\n\
         +8613,\"China, mobile\",0.021500001,60,6,0.005,2026-04-01,2026-05-01T00:00:00+08:00,08:00,20:00,\
         Asia/Shanghai,usd,6,half_even\n",
    )
    .unwrap();
    let row = &deck.rows[0];
    assert_eq!((row.prefix.as_str(), row.rate, row.connect_fee), ("8613", 21_500_001, 5_000_000));
    assert_eq!(row.destination.as_deref(), Some("China, mobile"));
    assert_eq!((row.initial_s, row.increment_s, row.line), (60, 6, 2));
    // A plain date is midnight in the zone of the bands.
    assert_eq!(row.effective_from_ms, Some(1_774_972_800_000));
    assert_eq!(row.effective_to_ms, Some(1_777_564_800_000));
    assert_eq!(row.band_s, Some([28_800, 72_000]));
    assert_eq!((deck.currency.as_deref(), deck.decimals), (Some("USD"), Some(6)));
    assert_eq!(deck.rounding, Some(Rounding::HalfEven));
}

#[test]
fn chinese_headers_in_any_order_with_decimal_commas_are_read() {
    let deck =
        Deck::read("\u{feff}费率;币种;地区前缀;计费方式;生效日期\r\n0,0215;CNY;0086 13;60/1;2026/4/1\r\n")
            .unwrap();
    let row = &deck.rows[0];
    assert_eq!((row.prefix.as_str(), row.rate), ("8613", 21_500_000));
    assert_eq!((row.initial_s, row.increment_s), (60, 1));
    assert_eq!(row.effective_from_ms, Some(1_775_001_600_000));
}

#[test]
fn a_last_day_belongs_to_its_row_when_the_contract_says_so() {
    let text = "prefix,rate,effective_to\n86,0.01,2026-04-30\n";
    let contract = Contract::read("deck_last_day = \"included\"\ndeck_zone = \"+08:00\"").unwrap();
    let excluded = Deck::read(text).unwrap().rows[0].effective_to_ms.unwrap();
    let included = Deck::read_by(text, &contract).unwrap().rows[0].effective_to_ms.unwrap();
    assert_eq!(included - excluded, 86_400_000 - 8 * 3_600_000);
}

#[test]
fn all_mistakes_come_at_once_with_line_and_column() {
    let found = mistakes(
        "prefix,rate,increment,effective_from,currency\n\
         86x,0.1,1,,USD\n\
         85,-0.1,1,,USD\n\
         84,0.1234567891,1,,USD\n\
         83,0.1,0,04/05/2026,USD\n\
         82,0.1,1,,EUR\n\
         81,,1,,\n",
    );
    let begins = [
        "line 2, column 1: `86x` is no prefix",
        "line 3, column 2: `-0.1` is negative",
        "line 4, column 2: `0.1234567891` has more than nine decimals",
        "line 5, column 3: an increment of 0",
        "line 5, column 4: `04/05/2026` is no date",
        "line 6, column 5: another currency",
        "line 7, column 2: the rate is missing",
    ];
    assert_eq!(found.len(), begins.len(), "{found:#?}");
    for (found, begin) in found.iter().zip(begins) {
        assert!(found.starts_with(begin), "{found}");
    }
}

#[test]
fn a_table_without_the_needed_columns_says_which_are_missing() {
    assert!(mistakes("86,0.1\n")[0].contains("`prefix`"));
    assert!(mistakes("prefix,code,rate\n86,86,1\n")[0].contains("means the same"));
    assert!(mistakes("")[0].contains("empty"));
    assert!(mistakes("prefix,rate\n")[0].contains("no row"));
    assert!(mistakes("prefix,rate,band_from\n86,1,08:00\n")[0].contains("both"));
    assert!(mistakes("prefix,rate\n86,0,0215\n")[0].contains("quoted"));
}

#[test]
fn a_quoted_field_keeps_its_line_ends_and_lines_stay_counted() {
    let deck = Deck::read("prefix,name,rate\n86,\"China\nall\",0.1\n\n85,\"a \"\"b\"\"\",0.2\n").unwrap();
    assert_eq!((deck.rows[0].line, deck.rows[1].line), (2, 5));
    assert_eq!(deck.rows[1].destination.as_deref(), Some("a \"b\""));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "(prefix|rate|费率|,|;|\"|\n|[0-9:./T +-]|\\PC){0,80}") {
        let _ = Deck::read(&text);
        let _ = Deck::read(&format!("prefix,rate,from,to,band_from,band_to\n{text}"));
    }
}
