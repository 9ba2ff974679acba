use proptest::prelude::*;

use super::{MOST_REJECTIONS, RowReader};
use crate::format::{Layout, LayoutError, Parsed, Role, SpanStyle, TimeStyle, Zone};
use crate::number::Number;
use crate::record::{ABSENT, ABSENT_32, NO_NAME, Record, flag};

mod times;

/// A layout of these columns, without a header, in the plainest style.
fn layout(columns: &[Role]) -> Layout {
    Layout {
        preset: "generic".to_owned(),
        delimiter: ',',
        header_lines: 0,
        columns: columns.to_vec(),
        header: Vec::new(),
        time: TimeStyle::YearFirst,
        zone: Zone::Unknown,
        spans: vec![SpanStyle::Seconds; columns.len()],
        decimal: '.',
        thousands: None,
        credits: false,
        answered: Vec::new(),
        interim: Vec::new(),
        skipped: Vec::new(),
    }
}

const BASIC: [Role; 6] = [Role::Caller, Role::Callee, Role::Start, Role::Talk, Role::Amount, Role::Gateway];
const START_MS: i64 = 1_775_174_403_000;

fn read(layout: &Layout, text: &str) -> Parsed {
    RowReader::new(layout).unwrap().read(text.as_bytes(), 0)
}

fn only(layout: &Layout, text: &str) -> Record {
    let parsed = read(layout, text);
    assert_eq!(parsed.rejections, [], "{text}");
    assert_eq!(parsed.records.len(), 1, "{text}");
    parsed.records[0]
}

fn complaint(layout: &Layout, text: &str) -> (Option<u32>, String) {
    let parsed = read(layout, text);
    assert_eq!((parsed.records.len(), parsed.rejections.len()), (0, 1), "{text}: {:?}", parsed.records);
    assert!(!parsed.rejections[0].reason_zh.is_empty());
    (parsed.rejections[0].column, parsed.rejections[0].reason.clone())
}

fn nothing_vanishes(parsed: &Parsed) {
    let told = parsed.records.len() as u64
        + parsed.rejected
        + parsed.skipped
        + parsed.header
        + parsed.blank
        + parsed.continued;
    assert_eq!(parsed.lines, told, "{parsed:?}");
    assert_eq!(parsed.rejections.len() as u64, parsed.rejected.min(MOST_REJECTIONS as u64));
}

#[test]
fn a_plain_row_becomes_a_record() {
    let record = only(&layout(&BASIC), "85231000001,8613800000001,2026-04-03 00:00:03,61,0.021500,gw3\n");
    assert_eq!(record.caller, Number::of("85231000001"));
    assert_eq!(record.callee, Number::of("8613800000001"));
    assert_eq!((record.start_ms, record.talk_ms, record.amount), (START_MS, 61_000, 21_500_000));
    assert_eq!((record.amount_decimals(), record.gateway, record.account), (6, 0, NO_NAME));
    assert_eq!((record.rate, record.billed_s, record.ring_ms), (ABSENT, ABSENT_32, ABSENT_32));
    assert!(!record.is(flag::ATTEMPT));
}

#[test]
fn rows_end_as_their_system_ends_them() {
    let row = "1001,2002,2026-04-03 00:00:03,61,1,gw";
    for text in [
        format!("{row}\n{row}\n"),
        format!("{row}\r\n{row}\r\n"),
        format!("{row}\r\n{row}"),
        format!("{row}\n\n  \r\n{row}\n,,,,,\n"),
        format!("\u{feff}{row}\n{row}"),
        format!("{row},,\n{row},\n"),
    ] {
        let parsed = read(&layout(&BASIC), &text);
        assert_eq!((parsed.records.len(), parsed.rejected), (2, 0), "{text:?} {:?}", parsed.rejections);
        assert_eq!(parsed.names.gateways, ["gw"]);
        nothing_vanishes(&parsed);
    }
}

#[test]
fn quoted_fields_hold_delimiters_quotes_and_line_ends() {
    let columns = [Role::Ignored, Role::Caller, Role::Callee, Role::Start, Role::Talk, Role::Gateway];
    let text = "\"\"\"A, B\"\" <1001>\",\"1001\",\"2002\",\"2026-04-03 00:00:03\",61,\"g\"\"w\"\n\
                \"two\nlines\",1001,2003,2026-04-03 00:00:04,62,x\n\
                \"a \"b\" c\",1001,2004,2026-04-03 00:00:05,63,x\n";
    let parsed = read(&layout(&columns), text);
    assert_eq!(parsed.rejections, []);
    assert_eq!(parsed.records.iter().map(|record| record.talk_ms / 1000).collect::<Vec<_>>(), [61, 62, 63]);
    assert_eq!(parsed.names.gateways, ["g\"w", "x"]);
    assert_eq!((parsed.lines, parsed.continued), (4, 1));
    nothing_vanishes(&parsed);
    let reader = RowReader::new(&layout(&columns)).unwrap();
    assert_eq!(reader.fields(text.lines().next().unwrap().as_bytes())[0], "\"A, B\" <1001>");
}

#[test]
fn a_stray_quote_costs_its_own_line_and_no_other() {
    let row = "1001,2002,2026-04-03 00:00:03,61,1,gw\n";
    let text = format!("{row}\"1001,2002\n{row}{}", row.repeat(50));
    let parsed = read(&layout(&BASIC), &text);
    assert_eq!((parsed.records.len(), parsed.rejected), (52, 1));
    assert_eq!(parsed.rejections[0].line, 2);
    assert!(parsed.rejections[0].reason.contains("not closed"), "{}", parsed.rejections[0].reason);
    nothing_vanishes(&parsed);
}

#[test]
fn numbers_lose_what_surrounds_them_and_keep_what_may_mean_something() {
    let columns = layout(&[Role::Callee, Role::Start, Role::Talk]);
    for (written, meant) in [
        ("+8613800000001", "8613800000001"),
        ("008613800000001", "008613800000001"),
        ("\"86 138-0000.0001\"", "8613800000001"),
        ("sip:8613800000001@10.0.0.1;user=phone", "8613800000001"),
        ("tel:+86(138)00000001", "8613800000001"),
        ("\"=\"\"0086138\"\"\"", "0086138"),
        ("=\"0086138\"", "0086138"),
        ("'0086138", "0086138"),
        ("8.613800000001E+12", "8613800000001"),
        ("8613800000001.0", "8613800000001"),
        ("\"\"\"Li\"\" <8613800000001>\"", "8613800000001"),
        ("123456789012345678", "123456789012345678"),
    ] {
        let record = only(&columns, &format!("{written},2026-04-03 00:00:03,61\n"));
        assert_eq!(record.callee, Number::of(meant), "{written}");
        assert_eq!(record.tech(), None, "{written}");
    }
    let parsed =
        read(&columns, "9913#8613800000001,2026-04-03 00:00:03,61\n*67*2002,2026-04-03 00:00:03,61\n");
    assert_eq!(parsed.records[0].callee, Number::of("8613800000001"));
    assert_eq!(parsed.names.techs, ["9913#", "*67*"]);
    assert_eq!((parsed.records[0].tech(), parsed.records[1].tech()), (Some(0), Some(1)));
    let record = only(&columns, "alice,2026-04-03 00:00:03,61\n");
    assert_eq!(record.callee, Number::of("alice"));
}

#[test]
fn a_number_that_a_spreadsheet_has_shortened_is_refused_by_name() {
    let (column, reason) =
        complaint(&layout(&[Role::Callee, Role::Start, Role::Talk]), "8.61E+12,2026-04-03 00:00:03,61\n");
    assert_eq!(column, Some(1));
    assert!(reason.contains("8.61E+12") && reason.contains("spreadsheet"), "{reason}");
}

#[test]
fn an_unnamed_caller_is_nobody_and_an_unnamed_callee_of_a_charged_call_is_refused() {
    for nobody in ["", "anonymous", "sip:anonymous@anonymous.invalid", "NULL"] {
        let record = only(&layout(&BASIC), &format!("{nobody},2002,2026-04-03 00:00:03,61,1,gw\n"));
        assert!(record.caller.is_none(), "{nobody}");
    }
    assert_eq!(complaint(&layout(&BASIC), "1001,,2026-04-03 00:00:03,61,1,gw\n").0, Some(2));
    assert!(only(&layout(&BASIC), "1001,,2026-04-03 00:00:03,0,0,gw\n").is(flag::ATTEMPT));
}

#[test]
fn durations_are_read_in_every_style() {
    use SpanStyle::*;
    for (style, written, ms) in [
        (Seconds, "61", 61_000),
        (Seconds, "61.5", 61_500),
        (Seconds, "61s", 61_000),
        (Seconds, "-", ABSENT_32),
        (Colons, "1:01", 61_000),
        (Colons, "00:01:01", 61_000),
        (Colons, "30:00:00", 108_000_000),
        (Colons, "1:01.250", 61_250),
        (Colons, "0", 0),
        (Millis, "61250", 61_250),
        (Micros, "61250999", 61_250),
        (Minutes, "1.02", 61_000),
        (Minutes, "1.5", 90_000),
    ] {
        let mut layout = layout(&[Role::Callee, Role::Start, Role::Total, Role::Talk]);
        layout.spans[3] = style;
        let record = only(&layout, &format!("2002,2026-04-03 00:00:03,7,{written}\n"));
        let meant = if ms == ABSENT_32 { 7000 } else { ms };
        assert_eq!(record.talk_ms, meant, "{written}");
        assert_eq!(record.is(flag::FINE_TALK), meant % 1000 != 0, "{written}");
    }
}

#[test]
fn absurd_values_are_refused_with_what_was_expected() {
    for (row, column, part) in [
        ("1,2,2026-04-03 00:00:03,-5,1,g", 4, "negative"),
        ("1,2,2026-04-03 00:00:03,136298900000.000000,1,g", 4, "40 days"),
        ("1,2,2026-04-03 00:00:03,1:01,1,g", 4, "like `61`"),
        ("1,2,2026-13-03 00:00:03,61,1,g", 3, "no time"),
        ("1,2,2026-02-29 00:00:03,61,1,g", 3, "no time"),
        ("1,2,2026-04-03 25:00:03,61,1,g", 3, "no time"),
        ("1,2,2026-04-03,61,1,g", 3, "no time of day"),
        ("1,2,1926-04-03 00:00:03,61,1,g", 3, "1990"),
        ("1,2,2026-04-03 00:00:03,61,12a,g", 5, "no amount"),
        ("1,2,2026-04-03 00:00:03,61,\"1,5\",g", 5, "decimal sign `.`"),
        ("1,2,2026-04-03 00:00:03,61,99999999999,g", 5, "too large"),
    ] {
        let (blamed, reason) = complaint(&layout(&BASIC), row);
        assert_eq!(blamed, Some(column), "{row}: {reason}");
        assert!(reason.contains(part), "{row}: {reason}");
    }
    let (_, reason) = complaint(&layout(&BASIC), "1,2,3\n");
    assert_eq!(reason, "the row has 3 fields, 6 were expected");
    let (_, reason) = complaint(&layout(&BASIC), "1,2,,61,1,g\n");
    assert!(reason.contains("neither when"), "{reason}");
    let (_, reason) = complaint(&layout(&BASIC), "1,2,2026-04-03 00:00:03,,1,g\n");
    assert!(reason.contains("how long"), "{reason}");
}

#[test]
fn headers_again_types_remarks_and_drawn_lines_are_no_rejections() {
    let named = Layout {
        header_lines: 1,
        header: ["A", "B", "Start", "Seconds", "Cost", "Trunk"].map(str::to_owned).to_vec(),
        ..layout(&BASIC)
    };
    let row = "85231000001,8613800000001,2026-04-03 00:00:03,61,0.02,gw1\n";
    let text = format!(
        "A,B,Start,Seconds,Cost,Trunk\n{row}\"A\", B,Start,Seconds,Cost,Trunk\r\n{row}# of April, a, b, c, d, e\n\
         VARCHAR(50),VARCHAR(50),INTEGER,INTEGER,TEXT,TEXT\n+-----+-----+\n-- end\n#31#,,,,,\n"
    );
    let parsed = read(&named, &text);
    nothing_vanishes(&parsed);
    assert_eq!((parsed.records.len(), parsed.skipped, parsed.blank, parsed.rejected), (2, 4, 1, 1));
}

#[test]
fn amounts_may_wear_their_currency_on_either_side() {
    for written in [
        "$0.0123",
        "US$ 0.0123",
        "USD 0.0123",
        "USD0.0123",
        "0.0123USD",
        "0.0123 usd",
        "¥0.0123",
        "0.0123元",
        "+0.0123",
    ] {
        let row = format!("85231000001,8613800000001,2026-04-03 00:00:03,61,{written},gw1");
        assert_eq!(only(&layout(&BASIC), &row).amount, 12_300_000, "{written}");
    }
    for written in ["-0.0123", "(0.0123)", "$-0.0123", "-$0.0123", "($0.0123)", "0.0123- EUR"] {
        let row = format!("85231000001,8613800000001,2026-04-03 00:00:03,61,{written},gw1");
        assert_eq!(only(&layout(&BASIC), &row).amount, -12_300_000, "{written}");
    }
}

#[test]
fn a_refused_row_still_counts_its_money_and_its_time() {
    let parsed = read(&layout(&BASIC), "1,2,yesterday,61,0.5,g\n1,2,2026-04-03 00:00:03,61,x,g\n1,2\n");
    assert_eq!(parsed.rejected, 3);
    assert_eq!(parsed.rejected_amount, crate::Money(500_000_000));
    assert_eq!(parsed.rejected_talk_ms, 122_000);
    assert_eq!(parsed.rejections.iter().map(|rejection| rejection.line).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn money_is_read_to_the_billionth() {
    let with = |decimal, thousands| Layout {
        delimiter: ';',
        decimal,
        thousands,
        ..layout(&[Role::Callee, Role::Start, Role::Talk, Role::Amount])
    };
    for (layout, written, value, decimals) in [
        (with('.', None), "0.0215", 21_500_000, 4),
        (with('.', None), "-1.25", -1_250_000_000, 2),
        (with('.', None), "(1.25)", -1_250_000_000, 2),
        (with('.', None), "1.25-", -1_250_000_000, 2),
        (with('.', None), ".5", 500_000_000, 1),
        (with('.', None), "7", 7_000_000_000, 0),
        (with('.', None), "123456.789012345", 123_456_789_012_345, 9),
        (with('.', None), "0.30000000000000004", 300_000_000, 15),
        (with('.', None), "0.29999999999999999", 300_000_000, 15),
        (with('.', None), "2.15e-05", 21_500, 7),
        (with('.', None), "0.0215000000", 21_500_000, 10),
        (with('.', None), "$1.50", 1_500_000_000, 2),
        (with('.', None), "1.50 USD", 1_500_000_000, 2),
        (with('.', None), "￥1.50", 1_500_000_000, 2),
        (with(',', None), "0,0215", 21_500_000, 4),
        (with(',', Some('.')), "1.234,56", 1_234_560_000_000, 2),
        (with('.', Some(',')), "1,234,567.5", 1_234_567_500_000_000, 1),
        (with('.', Some('\u{a0}')), "1\u{a0}234.5", 1_234_500_000_000, 1),
        (with('.', None), "", ABSENT, 0),
        (with('.', None), "NULL", ABSENT, 0),
    ] {
        let record = only(&layout, &format!("2002;2026-04-03 00:00:03;61;{written}\n"));
        assert_eq!((record.amount, record.amount_decimals()), (value, decimals), "{written}");
    }
    for wrong in ["1.2.3", "1,234", "--1", "1e", "0x10", "12,34.5"] {
        complaint(&with('.', None), &format!("2002;2026-04-03 00:00:03;61;{wrong}\n"));
    }
    complaint(&with('.', Some(',')), "2002;2026-04-03 00:00:03;61;1,23.5\n");
}

#[test]
fn two_of_the_times_and_durations_give_the_rest() {
    use Role::*;
    let at = |second: u32| format!("2026-04-03 00:{:02}:{:02}", second / 60, second % 60);
    let (start, answer, end) = (at(3), at(11), at(72));
    for (roles, row, start_s, talk_s, ring_s, flags) in [
        (vec![Start, Answer, End], format!("{start},{answer},{end}"), 0, 61, Some(8), 0),
        (vec![Start, Answer, Talk], format!("{start},{answer},61"), 0, 61, Some(8), 0),
        (vec![Start, Total, Talk], format!("{start},69,61"), 0, 61, Some(8), 0),
        (vec![Start, Talk, Ring], format!("{start},61,8"), 0, 61, Some(8), 0),
        (vec![Start, End, Talk], format!("{start},{end},61"), 0, 61, Some(8), 0),
        (vec![Start, Total, Ring], format!("{start},69,8"), 0, 61, Some(8), 0),
        (vec![Start, Answer, Total], format!("{start},{answer},69"), 0, 61, Some(8), 0),
        (vec![Start, Talk], format!("{start},61"), 0, 61, None, 0),
        (vec![Answer, Talk], format!("{answer},61"), 8, 61, None, flag::FROM_ANSWER),
        (vec![Answer, Talk, Ring], format!("{answer},61,8"), 0, 61, Some(8), 0),
        (vec![End, Talk], format!("{end},61"), 8, 61, None, flag::FROM_END | flag::FROM_ANSWER),
        (vec![End, Talk, Total], format!("{end},61,69"), 0, 61, Some(8), flag::FROM_END),
        (vec![Start, Billed], format!("{start},66"), 0, 66, None, flag::MAY_RING),
        (
            vec![Start, Answer, End, Talk],
            format!("{start},{answer},{end},61"),
            0,
            61,
            Some(8),
            flag::TIMES_AGREE,
        ),
        (
            vec![Start, Answer, End, Talk],
            format!("{start},{answer},{end},90"),
            0,
            90,
            Some(8),
            flag::TIMES_DISAGREE,
        ),
    ] {
        let columns: Vec<Role> = std::iter::once(Callee).chain(roles.iter().copied()).collect();
        let record = only(&layout(&columns), &format!("2002,{row}\n"));
        assert_eq!(record.start_ms, START_MS + start_s * 1000, "{roles:?}");
        assert_eq!(record.talk_ms, talk_s * 1000, "{roles:?}");
        assert_eq!(record.ring_ms, ring_s.map_or(ABSENT_32, |ring: u32| ring * 1000), "{roles:?}");
        assert_eq!(record.flags, flags, "{roles:?}");
    }
    let (_, reason) = complaint(&layout(&[Callee, Answer, End]), &format!("2002,{end},{start}\n"));
    assert!(reason.contains("before it was answered"), "{reason}");
}

#[test]
fn a_call_that_nobody_answered_is_an_attempt() {
    use Role::*;
    let words = |columns: &[Role]| Layout { answered: vec!["ANSWERED".to_owned()], ..layout(columns) };
    for (layout, row, attempt) in [
        (layout(&BASIC), "1,2,2026-04-03 00:00:03,0,,g", true),
        (layout(&[Callee, Start, Answer, Total]), "2,2026-04-03 00:00:03,,20", true),
        (layout(&[Callee, Start, Answer, Total]), "2,2026-04-03 00:00:03,0000-00-00 00:00:00,20", true),
        (layout(&[Callee, Start, Answer, Total]), "2,2026-04-03 00:00:03,1970-01-01 08:00:00,20", true),
        (words(&[Callee, Start, Total, Disposition]), "2,2026-04-03 00:00:03,20,NO ANSWER", true),
        (words(&[Callee, Start, Total, Disposition]), "2,2026-04-03 00:00:03,20,answered", false),
        (words(&[Callee, Start, Total, Disposition]), "2,2026-04-03 00:00:03,20,200 OK", false),
        (words(&[Callee, Start, Total, Disposition]), "2,2026-04-03 00:00:03,20,486", true),
        (layout(&[Callee, Start, Total, Disposition]), "2,2026-04-03 00:00:03,20,whatever", false),
    ] {
        let record = only(&layout, row);
        assert_eq!(record.is(flag::ATTEMPT), attempt, "{row}");
        assert_eq!(record.talk_ms == 0, attempt, "{row}");
    }
}

#[test]
fn kinds_of_record_are_left_out_or_marked_as_the_layout_says() {
    let mut layout = layout(&[Role::RecordKind, Role::Callee, Role::Start, Role::Talk]);
    layout.skipped = vec!["Start".to_owned()];
    layout.interim = vec!["Interim".to_owned(), "Long Duration".to_owned()];
    let text = "Normal,2,2026-04-03 00:00:03,61\nStart,,,\nlong duration,2,2026-04-03 00:00:03,61\n";
    let parsed = read(&layout, text);
    assert_eq!((parsed.records.len(), parsed.skipped, parsed.rejected), (2, 1, 0));
    assert!(!parsed.records[0].is(flag::INTERIM) && parsed.records[1].is(flag::INTERIM));
    nothing_vanishes(&parsed);
}

#[test]
fn names_are_counted_in_their_order_and_identities_compared_by_hash() {
    use Role::*;
    let layout = layout(&[CallId, Callee, Start, Talk, Gateway, Account, Currency]);
    let text = "abc-1@h,2,2026-04-03 00:00:03,61,gw-one,卡一,rmb\n\
                \"abc-1@h\",2,2026-04-03 00:00:03,61,a very long gateway,,CNY\n\
                abc-2@h,2,2026-04-03 00:00:03,61,\"gw-one\",卡一,USD\n\
                ,2,2026-04-03 00:00:03,61,,,\n";
    let parsed = read(&layout, text);
    assert_eq!(parsed.names.gateways, ["gw-one", "a very long gateway"]);
    assert_eq!(
        (parsed.names.accounts, parsed.names.currencies),
        (vec!["卡一".into()], vec!["CNY".into(), "USD".into()])
    );
    let records = &parsed.records;
    assert_eq!(records.iter().map(|record| record.gateway).collect::<Vec<_>>(), [0, 1, 0, NO_NAME]);
    assert_eq!(records.iter().map(Record::currency).collect::<Vec<_>>(), [Some(0), Some(0), Some(1), None]);
    assert_eq!(records[0].call_id, records[1].call_id);
    assert_ne!(records[0].call_id, records[2].call_id);
    assert_eq!(records[3].call_id, 0);
}

#[test]
fn a_record_knows_where_its_line_begins_and_a_rejection_its_line() {
    let layout = Layout { header_lines: 2, ..layout(&BASIC) };
    let text = "caller,callee,start,talk,amount,gateway\nVARCHAR,VARCHAR,TIME,INT,DEC,VARCHAR\n\
                1,2,2026-04-03 00:00:03,61,1,g\nbad\n1,2,2026-04-03 00:00:03,62,1,g\n";
    let parsed = read(&layout, text);
    assert_eq!((parsed.header, parsed.rejections[0].line), (2, 4));
    for record in &parsed.records {
        let line = &text[record.place as usize..];
        assert!(line.starts_with("1,2,2026"), "{line}");
    }
    let reader = RowReader::new(&layout).unwrap();
    let later = reader.read(b"1,2,2026-04-03 00:00:03,61,1,g\n", 1000);
    assert_eq!((later.records[0].place, later.header), (1000, 0));
}

#[test]
fn a_layout_that_cannot_make_calls_is_refused_with_what_is_missing() {
    use Role::*;
    let error = |layout: &Layout| RowReader::new(layout).unwrap_err().to_string();
    assert!(error(&layout(&[Caller, Start, Talk])).contains("called number"));
    assert!(error(&layout(&[Callee, Talk])).contains("a time"));
    assert!(error(&layout(&[Callee, Start])).contains("a duration"));
    assert!(error(&layout(&[Callee, Callee, Start, Talk])).contains("columns 1 and 2"));
    assert!(error(&Layout { decimal: '3', ..layout(&BASIC) }).contains("decimal sign"));
    assert!(error(&Layout { thousands: Some('.'), ..layout(&BASIC) }).contains("both"));
}

#[test]
fn rejections_beyond_what_is_kept_are_counted() {
    let parsed = read(&layout(&BASIC), &"x\n".repeat(MOST_REJECTIONS + 10));
    assert_eq!((parsed.rejections.len(), parsed.rejected), (MOST_REJECTIONS, MOST_REJECTIONS as u64 + 10));
    nothing_vanishes(&parsed);
}

#[test]
fn a_row_longer_than_a_block_is_one_row() {
    let columns = [Role::Ignored, Role::Callee, Role::Start, Role::Talk];
    for quote in ["", "\""] {
        let text = format!("{quote}{}{quote},2,2026-04-03 00:00:03,61\n", "x".repeat(40_000)).repeat(3);
        let parsed = read(&layout(&columns), &text);
        assert_eq!((parsed.records.len(), parsed.rejected), (3, 0));
    }
}

/// Text of pieces that make trouble: rows, quotes, line ends, and anything.
fn troubled_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => Just(b"1001,2002,2026-04-03 00:00:03,61,0.5,gw\n".to_vec()),
        3 => Just(b"\"10\"\"01\",\"2,0\n02\",\"2026-04-03 00:00:03\",\"61\",0.5,\"g\r\nw\"\r\n".to_vec()),
        1 => Just(b"\"".to_vec()),
        1 => Just(b"\"\"".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b",".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"\"a\nb\",".to_vec()),
        1 => "[0-9,\"\n:. a-z-]{0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_the_bytes_no_line_vanishes(text in troubled_text(), header in 0..3u32) {
        let layout = Layout { header_lines: header, ..layout(&BASIC) };
        let reader = RowReader::new(&layout).unwrap();
        let parsed = reader.read(&text, 0);
        nothing_vanishes(&parsed);
        let ends = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        let open = u64::from(text.last().is_some_and(|last| *last != b'\n'));
        let mark_only = u64::from(text == b"\xef\xbb\xbf");
        prop_assert_eq!(parsed.lines, ends + open - mark_only);
        prop_assert!(!reader.fields(&text).is_empty());
    }

    #[test]
    fn a_text_in_pieces_gives_what_the_whole_gives(text in troubled_text(), block in 30..4000usize) {
        let reader = RowReader::new(&layout(&BASIC)).unwrap();
        let whole = reader.read(&text, 0);
        let (mut at, mut size) = (0, block);
        let (mut records, mut lines, mut rejected) = (Vec::new(), 0, Vec::new());
        while at < text.len() {
            let piece = &text[at..text.len().min(at + size)];
            let cut = if at + piece.len() == text.len() { piece.len() } else { reader.cut(piece) };
            if cut == 0 {
                size *= 2;
                continue;
            }
            size = block;
            let parsed = reader.read(&piece[..cut], at as u64);
            let kept = parsed.rejections.iter().map(|rejection| (rejection.line + lines, rejection.reason.clone()));
            rejected.extend(kept);
            lines += parsed.lines;
            let gateways = parsed.names.gateways;
            records.extend(parsed.records.into_iter().map(|record| {
                (record.place, record.amount, gateways.get(usize::from(record.gateway)).cloned())
            }));
            at += cut;
        }
        let expected: Vec<_> = whole.records.iter()
            .map(|record| {
                (record.place, record.amount, whole.names.gateways.get(usize::from(record.gateway)).cloned())
            })
            .collect();
        prop_assert_eq!(records, expected);
        prop_assert_eq!(lines, whole.lines);
        let expected: Vec<_> =
            whole.rejections.iter().map(|rejection| (rejection.line, rejection.reason.clone())).collect();
        prop_assert_eq!(rejected, expected);
    }

    #[test]
    fn what_is_written_in_any_style_reads_back(
        start_s in 1_000_000_000_i64..4_000_000_000,
        fraction_ms in 0..1000_i64,
        talk_ms in 0..3_000_000_u32,
        amount in -10_000_000_000_000_i64..10_000_000_000_000,
        caller in 1..10_u64.pow(15),
        comma in any::<bool>(),
    ) {
        let ms = start_s * 1000 + fraction_ms;
        let local = jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let third = |text: &str| format!("{text}{fraction_ms:03}");
        let times = [
            (TimeStyle::YearFirst, third(&local.strftime("%Y-%m-%d %H:%M:%S.").to_string())),
            (TimeStyle::YearFirst, third(&local.strftime("%Y-%m-%dT%H:%M:%S.").to_string()) + "Z"),
            (TimeStyle::DayFirst, third(&local.strftime("%d.%m.%Y %H:%M:%S.").to_string())),
            (TimeStyle::MonthFirst, third(&local.strftime("%m/%d/%Y %I:%M:%S.").to_string())
                + &local.strftime(" %p").to_string()),
            (TimeStyle::Compact, third(&local.strftime("%Y%m%d%H%M%S.").to_string())),
            (TimeStyle::EpochSeconds, format!("{start_s}.{fraction_ms:03}")),
            (TimeStyle::EpochMillis, ms.to_string()),
            (TimeStyle::EpochMicros, format!("{ms}000")),
        ];
        let spans = [
            (SpanStyle::Seconds, format!("{}.{:03}", talk_ms / 1000, talk_ms % 1000)),
            (SpanStyle::Colons, format!("{}:{:02}.{:03}", talk_ms / 60_000, talk_ms / 1000 % 60, talk_ms % 1000)),
            (SpanStyle::Colons, format!("{}:{:02}:{:02}.{:03}", talk_ms / 3_600_000, talk_ms / 60_000 % 60,
                talk_ms / 1000 % 60, talk_ms % 1000)),
            (SpanStyle::Millis, talk_ms.to_string()),
            (SpanStyle::Micros, format!("{talk_ms}000")),
        ];
        let mut money = crate::Money(i128::from(amount)).to_string();
        if comma {
            money = money.replace('.', ",");
        }
        for (time, written_time) in &times {
            for (span, written_span) in &spans {
                let layout = Layout {
                    delimiter: ';',
                    time: *time,
                    spans: vec![*span; 6],
                    decimal: if comma { ',' } else { '.' },
                    ..layout(&BASIC)
                };
                let record = only(&layout, &format!("{caller};{caller};{written_time};{written_span};{money};g\n"));
                prop_assert_eq!(record.start_ms, ms, "{}", written_time);
                prop_assert_eq!(record.talk_ms, talk_ms, "{}", written_span);
                prop_assert_eq!(record.amount, amount, "{}", money);
                prop_assert_eq!(record.caller, Number::of(&caller.to_string()));
            }
        }
    }
}
