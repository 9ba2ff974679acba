use proptest::prelude::*;

use super::super::RowReader;
use crate::format::{Layout, Parsed, Role, SpanStyle, TimeStyle, Zone};

fn layout(times: bool) -> Layout {
    use Role::{
        Account, Amount, Answer, Billed, CallId, Callee, Caller, Currency, Disposition, End, Gateway, Rate,
        Start, Talk, Total,
    };
    let mut columns = vec![CallId, Caller, Callee, Start, Talk, Billed, Rate, Amount, Gateway];
    if times {
        columns.extend([Answer, End, Total, Currency, Account, Disposition]);
    }
    Layout {
        preset: "generic".to_owned(),
        delimiter: ',',
        header_lines: 0,
        spans: vec![SpanStyle::Seconds; columns.len()],
        columns,
        header: Vec::new(),
        time: TimeStyle::YearFirst,
        zone: Zone::Named("Europe/Berlin".to_owned()),
        decimal: '.',
        thousands: None,
        credits: false,
        answered: vec!["ANSWERED".to_owned()],
        interim: Vec::new(),
        skipped: Vec::new(),
    }
}

/// Mostly as it should be, now and then as anything.
fn mostly(usual: &'static str, odd: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![12 => usual, 2 => odd, 1 => "[ -~]{0,20}"].prop_map(|field| field.replace(',', ";"))
}

fn row() -> impl Strategy<Value = String> {
    let time = || {
        mostly("2026-0[3-4]-2[0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]", "(2026-02-30T0?1:00:00(\\.5)?Z?|0)?")
    };
    let span = || mostly("[0-9]{1,4}", "(|-1|[0-9]{7,9}|1:30|2\\.5)");
    let money = || mostly("[0-9]{1,3}\\.[0-9]{0,6}", "(|-?[0-9]{0,12}\\.?[0-9]{0,12}|\\$1)");
    let party = || mostly("\\+?[0-9]{5,15}", "(|\"[0-9]{3}\"|sip:[0-9]{9}@a|[0-9]{15,20}|9#[0-9]{8}|\\+)");
    let head =
        (mostly("c[0-9]{5,16}", "[a-z]{0,40}"), party(), party(), time(), span(), span(), money(), money());
    let word = || mostly("gw[0-9]", "(|\"g\"|gateway-in-[0-9]{2})");
    let tail =
        (word(), time(), time(), span(), mostly("USD|EUR", "|rmb"), word(), mostly("ANSWERED|BUSY", "|200"));
    (head, tail, 0u8..20, any::<bool>()).prop_map(|(head, tail, odd, returned)| {
        let (a, b, c, d, e, f, g, h) = head;
        let (i, j, k, l, m, n, o) = tail;
        let mut row = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o].join(",");
        if odd == 0 {
            row.push(',');
        }
        row.push_str(if returned { "\r\n" } else { "\n" });
        row
    })
}

fn same(one: &Parsed, other: &Parsed) {
    assert_eq!(one.records, other.records);
    assert_eq!(one.rejections, other.rejections);
    assert_eq!(one.names, other.names);
    assert_eq!((one.lines, one.rejected, one.blank), (other.lines, other.rejected, other.blank));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_short_way_comes_to_what_the_patient_way_comes_to(
        rows in proptest::collection::vec(row(), 1..60), times in any::<bool>(), quotes in any::<bool>(),
    ) {
        let mut text = String::new();
        for row in rows {
            // Without the columns that the shorter layout has not.
            let row = if times { row } else { row.splitn(10, ',').take(9).collect::<Vec<_>>().join(",") + "\n" };
            text.push_str(&if quotes { row } else { row.replace('"', "") });
        }
        // So that most rows are not the last of the text, for which there is no window.
        let last = "c1,852,861,2026-03-20 00:00:00,1,1,0.1,0.1,gw1\n".repeat(40);
        text.push_str(&last);
        let reader = RowReader::new(&layout(times)).unwrap();
        let patient = RowReader { brisk: false, ..reader.clone() };
        prop_assert!(reader.brisk);
        same(&reader.read(text.as_bytes(), 7), &patient.read(text.as_bytes(), 7));
    }
}
