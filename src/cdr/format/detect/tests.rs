//! A small file of every system and style: the roles found, and the first call read.

mod cases;

use proptest::prelude::*;

use super::super::preset::Preset;
use super::super::rows::RowReader;
use super::*;
use crate::Number;
use cases::{START, cases};

fn hints() -> Hints {
    Hints { file: "sample.csv".to_owned(), side: Some(Side::Theirs), ..Hints::default() }
}

fn found(text: &str) -> Result<Detected, DetectError> {
    detect(&Sample::of(text.as_bytes()), &hints(), None)
}

#[test]
fn every_system_and_style_is_recognised_and_its_first_call_is_read() {
    let mut wrong = Vec::new();
    for case in cases() {
        let layout = match found(case.text) {
            Ok(found) => found.layout,
            Err(error) => {
                wrong.push(format!("{}: {error}", case.file));
                continue;
            }
        };
        let roles: Vec<(Role, usize)> = layout
            .columns
            .iter()
            .enumerate()
            .filter(|(_, role)| **role != Role::Ignored)
            .map(|(column, role)| (*role, column + 1))
            .collect();
        if roles != case.roles || layout.preset != case.preset || layout.time != case.time {
            wrong.push(format!("{}: {} {:?} {roles:?}", case.file, layout.preset, layout.time));
        }
        let reader = RowReader::new(&layout).expect("a layout that can be read by");
        let parsed = reader.read(case.text.as_bytes(), 0);
        let Some(first) = parsed.records.first() else {
            wrong.push(format!("{}: no record; {:?}", case.file, parsed.rejections.first()));
            continue;
        };
        let rejected = if case.file == "european.csv" { 1 } else { 0 };
        let numbers = [first.caller.tail(11), first.callee.tail(13)];
        let expected = [Number::of("85231000001").tail(11), Number::of("8613800000001").tail(13)];
        let talk = match case.file {
            "us_ampm.csv" => 61_000,
            "european.csv" => 69_000,
            _ => 61_000,
        };
        let amount = Some(first.amount).filter(|amount| *amount != crate::record::ABSENT);
        if first.start_ms != case.start_ms
            || numbers != expected
            || first.talk_ms != talk
            || amount != case.amount
        {
            wrong.push(format!("{}: {first:?}", case.file));
        }
        if parsed.rejected != rejected || parsed.records.len() < 9 {
            wrong.push(format!("{}: {} records, {:?}", case.file, parsed.records.len(), parsed.rejections));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn amounts_that_are_all_below_nothing_are_what_is_owed() {
    let file = |amount: &dyn Fn(u32) -> String| {
        let row = |at: u32| {
            let (second, talk) = (at % 60, 30 + at);
            format!("85231000001,8613800000001,2026-04-03 00:00:{second:02},{talk},{}\n", amount(at))
        };
        let rows: String = (0..40).map(row).collect();
        format!("caller,callee,start_time,duration,amount\n{rows}")
    };
    let read = |text: &str| {
        let found = found(text).expect("a table");
        let records = RowReader::new(&found.layout).expect("a layout").read(text.as_bytes(), 0).records;
        let said = found.findings.iter().any(|finding| finding.values.contains_key("amounts"));
        (records.iter().map(|record| record.amount).collect::<Vec<_>>(), said)
    };
    let owed: Vec<i64> = (0..40).map(|at| i64::from(at) * 1_000_000).collect();
    let plain = |at: u32| format!("0.{at:03}");
    assert_eq!(read(&file(&plain)), (owed.clone(), false));
    assert_eq!(read(&file(&|at| format!("-{}", plain(at)))), (owed.clone(), true));
    assert_eq!(read(&file(&|at| format!("({})", plain(at)))), (owed.clone(), true));
    // A credit among charges, and a few credits alone, are what they say.
    let (some, said) = read(&file(&|at| format!("{}{}", if at == 7 { "-" } else { "" }, plain(at))));
    assert_eq!((some[7], some[8], said), (-owed[7], owed[8], false));
    let few = file(&|at| format!("-{}", plain(at)))
        .lines()
        .take(6)
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    assert_eq!(read(&few).0[1], -owed[1]);
}

#[test]
fn a_date_that_can_be_read_two_ways_is_asked_for_unless_the_other_file_proves_it() {
    let text = include_str!("../testdata/ambiguous_slashes.csv");
    let error = found(text).expect_err("ambiguous");
    let said = error.to_string();
    assert!(matches!(error, DetectError::Ambiguous { .. }), "{said}");
    assert!(
        said.contains("`start`")
            && said.contains("`03/04/2026 00:00:03`")
            && said.contains("--theirs-date-order dmy"),
        "{said}"
    );

    let ours = found(include_str!("../testdata/generic.csv")).expect("certain");
    let proved = Hints { other: Some(ours.evidence), ..hints() };
    let layout =
        detect(&Sample::of(text.as_bytes()), &proved, None).expect("proved by the other file").layout;
    assert_eq!(layout.time, TimeStyle::DayFirst);

    let told = Hints { date_order: Some(DateOrder::MonthFirst), ..hints() };
    assert_eq!(
        detect(&Sample::of(text.as_bytes()), &told, None).expect("told").layout.time,
        TimeStyle::MonthFirst
    );
}

#[test]
fn days_that_are_the_same_in_both_readings_do_not_keep_the_other_file_from_proving_the_order() {
    let table = |date: &dyn Fn(u32) -> String| {
        let mut text = "caller,callee,start,duration,amount\n".to_owned();
        for at in 0..100 {
            let day = 2 + at % 4;
            text +=
                &format!("8520000{at:04},44200{at:05},{} 08:00:{:02},{},0.03\n", date(day), at % 60, at + 31);
        }
        text
    };
    let ours = found(&table(&|day| format!("2026-04-{day:02}"))).expect("certain");
    let theirs = table(&|day| format!("04/{day:02}/2026"));
    assert!(matches!(found(&theirs), Err(DetectError::Ambiguous { .. })));
    let proved = Hints { other: Some(ours.evidence), ..hints() };
    let layout = detect(&Sample::of(theirs.as_bytes()), &proved, None).expect("proved").layout;
    assert_eq!(layout.time, TimeStyle::MonthFirst, "a quarter of the calls is of 04/04");
}

#[test]
fn parties_without_a_header_in_an_odd_order_are_asked_for_unless_the_other_file_proves_them() {
    let text = include_str!("../testdata/no_header_odd.csv");
    let said = found(text).expect_err("not provable").to_string();
    assert!(said.contains("calling number") && said.contains("--theirs-columns"), "{said}");
    assert!(said.contains("`8613800000001`"), "{said}");

    let ours = found(include_str!("../testdata/generic.csv")).expect("certain");
    let proved = Hints { other: Some(ours.evidence), ..hints() };
    let layout =
        detect(&Sample::of(text.as_bytes()), &proved, None).expect("proved by the other file").layout;
    assert_eq!(layout.columns, [Role::Talk, Role::Callee, Role::Start, Role::Caller]);

    let told = Hints { columns: Some("duration,callee,start,caller".to_owned()), ..hints() };
    let layout = detect(&Sample::of(text.as_bytes()), &told, None).expect("told").layout;
    assert_eq!(layout.columns, [Role::Talk, Role::Callee, Role::Start, Role::Caller]);
}

#[test]
fn a_unit_that_nothing_proves_is_asked_for() {
    let rows: String = (0..30)
        .map(|at| {
            format!(
                "8523100000{at:02},861380000{at:04},2026-04-03 00:{at:02}:00,{}.{:02}\n",
                at % 7,
                at * 3 % 100
            )
        })
        .collect();
    let text = format!("caller,callee,start,duration\n{rows}");
    let said = found(&text).expect_err("minutes or seconds").to_string();
    assert!(said.contains("`duration`") && said.contains("--theirs-duration-unit"), "{said}");
    let told = Hints { duration_unit: Some(SpanStyle::Minutes), ..hints() };
    let layout = detect(&Sample::of(text.as_bytes()), &told, None).expect("told").layout;
    assert_eq!(layout.spans[3], SpanStyle::Minutes);
    let named = text.replacen("duration", "duration (min)", 1);
    assert_eq!(found(&named).expect("named").layout.spans[3], SpanStyle::Minutes);
}

#[test]
fn a_decimal_sign_that_nothing_proves_is_asked_for() {
    let rows: String = (0..9)
        .map(|at| format!("8523100000{at};861380000000{at};2026-04-03 00:0{at}:00;6{at};1.{}5{at}\n", at % 7))
        .collect();
    let text = format!("caller;callee;start;duration;amount\n{rows}");
    let said = found(&text).expect_err("a thousand or one").to_string();
    assert!(said.contains("`amount`") && said.contains("--theirs-decimal"), "{said}");
    let told = Hints { decimal: Some(','), ..hints() };
    let layout = detect(&Sample::of(text.as_bytes()), &told, None).expect("told").layout;
    assert_eq!((layout.decimal, layout.thousands), (',', Some('.')));
}

#[test]
fn a_duration_is_the_whole_call_or_the_conversation_as_its_moments_prove() {
    let header = "caller,callee,start,answer,end,duration\n";
    let rows = |with_ring: bool| -> String {
        (1..9)
            .map(|at| {
                let length = if with_ring { 40 } else { 30 };
                format!("8523100000{at},861380000000{at},2026-04-03 00:0{at}:00,2026-04-03 00:0{at}:10,2026-04-03 00:0{at}:40,{length}\n")
            })
            .collect()
    };
    let role = |with_ring| found(&format!("{header}{}", rows(with_ring))).expect("proved").layout.columns[5];
    assert_eq!(role(true), Role::Total);
    assert_eq!(role(false), Role::Talk);
}

#[test]
fn moments_are_found_however_they_are_spelled() {
    let day = |at: i64| START + at * 60_000;
    for (name, spelled) in [
        ("asctime", "Fri Apr  3 00:{:02}:03 2026"),
        ("date", "Fri Apr  3 00:{:02}:03 CST 2026"),
        ("mail", "\"Fri, 03 Apr 2026 08:{:02}:03 +0800\""),
        ("web", "03/Apr/2026:08:{:02}:03 +0800"),
        ("oracle", "03-APR-26 12.{:02}.03.000000 AM"),
        ("chinese", "2026年4月3日 00时{:02}分03秒"),
        ("half days", "2026/4/3 上午12:{:02}:03"),
        ("basic offset", "2026-04-03T08:{:02}:03.000+0800"),
        ("apostrophes", "'2026-04-03 00:{:02}:03'"),
    ] {
        let rows: String = (0..30)
            .map(|at| {
                let moment = spelled.replace("{:02}", &format!("{at:02}"));
                format!("85231000001,861380000{at:04},{moment},{}\n", 60 + at)
            })
            .collect();
        let text = format!("caller,callee,start_time,duration\n{rows}");
        let layout = found(&text).unwrap_or_else(|error| panic!("{name}: {error}")).layout;
        let parsed = RowReader::new(&layout).expect("readable").read(text.as_bytes(), 0);
        let starts: Vec<i64> = parsed.records.iter().map(|record| record.start_ms).collect();
        assert_eq!(starts, (0..30).map(day).collect::<Vec<_>>(), "{name}: {:?}", parsed.rejections.first());
    }
}

#[test]
fn durations_that_name_their_units_are_read_by_them() {
    type Spell = fn(u32) -> String;
    let spell: [(&str, Spell); 6] = [
        ("m s", |talk| format!("{}m {:02}s", talk / 60, talk % 60)),
        ("seconds", |talk| format!("{talk} seconds")),
        ("iso", |talk| format!("PT{}M{}S", talk / 60, talk % 60)),
        ("chinese", |talk| format!("{}分{:02}秒", talk / 60, talk % 60)),
        ("chinese seconds", |talk| format!("{talk}秒")),
        ("minutes", |talk| format!("{:.2} min", f64::from(talk) / 60.0)),
    ];
    for (name, spell) in spell {
        let talk = |at: u32| at * 37;
        let rows: String = (0..30)
            .map(|at| format!("85231000001,861380000{at:04},2026-04-03 00:{at:02}:03,{}\n", spell(talk(at))))
            .collect();
        let text = format!("caller,callee,start_time,duration\n{rows}");
        let layout = found(&text).unwrap_or_else(|error| panic!("{name}: {error}")).layout;
        let parsed = RowReader::new(&layout).expect("readable").read(text.as_bytes(), 0);
        let talks: Vec<u32> = parsed.records.iter().map(|record| record.talk_ms).collect();
        assert_eq!(talks, (0..30).map(|at| talk(at) * 1_000).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn names_beyond_the_last_field_of_every_row_name_nothing() {
    let rows: String =
        (0..9).map(|at| format!("85231000001,861380000000{at},2026-04-03 00:0{at}:03,6{at}\n")).collect();
    let text = format!("caller,callee,start_time,duration,note,remark\n{rows}");
    let layout = found(&text).expect("certain").layout;
    let parsed = RowReader::new(&layout).expect("readable").read(text.as_bytes(), 0);
    assert_eq!((parsed.records.len(), parsed.rejected), (9, 0));
}

#[test]
fn a_format_of_ones_own_is_followed() {
    let preset = Preset::read(
        "mine.toml",
        "name = \"mine\"\ndelimiter = \"!\"\nzone = \"+08:00\"\n[[order]]\ncolumns = [\"talk\", \"start\", \"callee\", \"caller\"]\n",
    )
    .expect("a preset");
    let text =
        "61!2026-04-03 08:00:03!8613800000001!85231000001\n5!2026-04-03 08:10:03!8613800000002!85231000002\n";
    let layout = detect(&Sample::of(text.as_bytes()), &hints(), Some(&preset)).expect("fits").layout;
    assert_eq!((layout.delimiter, layout.preset.as_str()), ('!', "mine"));
    let parsed = RowReader::new(&layout).expect("readable").read(text.as_bytes(), 0);
    assert_eq!(parsed.records[0].start_ms, START);
    let error =
        detect(&Sample::of(b"1!2!3!4!5\n1!2!3!4!5\n"), &hints(), Some(&preset)).expect_err("another format");
    assert!(error.to_string().contains("no file of format `mine`"), "{error}");
}

#[test]
fn what_is_not_the_plain_form_is_said_in_findings() {
    let kinds = |text: &str| -> Vec<String> {
        found(text).expect("certain").findings.into_iter().map(|finding| finding.kind).collect()
    };
    assert_eq!(kinds(include_str!("../testdata/generic.csv")), Vec::<String>::new());
    assert_eq!(
        kinds(include_str!("../testdata/european.csv")),
        ["time_format", "time_format", "csv_dialect"]
    );
    assert_eq!(
        kinds(include_str!("../testdata/epoch_ms.psv")),
        ["time_format", "time_format", "csv_dialect", "number_format"]
    );
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer_or_a_question(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        fuzz(&bytes);
    }

    #[test]
    fn any_damage_to_a_sound_file_gives_an_answer_or_a_question(
        file in 0usize..28, cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..30)
    ) {
        let cases = cases();
        let mut bytes = cases[file % cases.len()].text.as_bytes().to_vec();
        for (place, byte) in cuts {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz(&bytes);
    }

    #[test]
    fn any_rows_of_fields_give_an_answer_or_a_question(
        rows in proptest::collection::vec("([0-9:./,;+-]{0,20}[,;|\t\"]){3,12}", 1..30)
    ) {
        fuzz(rows.join("\n").as_bytes());
    }
}

#[test]
fn without_a_header_the_amount_is_the_price_that_grows_with_the_call_whatever_else_is_on_it() {
    let mut text = String::new();
    for call in 0..40_u32 {
        let talk = (call * 37) % 240;
        let rate = if call % 2 == 0 { "0.0117" } else { "0.0215" };
        // A fee of 0.02 a call and a tax of sixteen per cent: no product of the price and the minutes.
        let paid = if talk == 0 {
            0.0
        } else {
            1.16 * (0.02 + f64::from(talk) * rate.parse::<f64>().unwrap() / 60.0)
        };
        text += &format!(
            "c-{call:06},8522000{call:04},86138000{call:05},2026/04/{:02} 09:{:02}:02,{talk},{rate},{paid:.6},USD\n",
            call % 28 + 1,
            call,
        );
    }
    let columns = found(&text).unwrap().layout.columns;
    assert_eq!((columns[5], columns[6]), (Role::Rate, Role::Amount), "{columns:?}");
}
