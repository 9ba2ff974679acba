//! A small finished run, for tests: a clock and a zone apart, 60/60 instead of 6/6 on one prefix, a
//! call of each side alone, a duplicate, rejected lines, and a gateway whose name is a formula.

use linesman_cdr::format::{Layout, Rejection, Role, SpanStyle, TimeStyle, Zone};
use linesman_cdr::outcome::{
    CallClass, CallDetail, Cause, CauseKind, Counts, Fault, Finding, Outcome, Selector, Totals,
};
use linesman_cdr::rating::{Charge, Deck, DeckRow};
use linesman_cdr::record::{ABSENT, ABSENT_32, NO_NAME, Names, Record, Side};
use linesman_cdr::{Money, Number};

use crate::job::{Finished, InputFacts, Lines};

/// Noon of 2026-04-03, UTC.
pub(crate) const NOON: i64 = 1_775_217_600_000;

fn layout() -> Layout {
    let columns = vec![Role::CallId, Role::Caller, Role::Callee, Role::Start, Role::Talk, Role::Amount];
    Layout {
        preset: "generic".to_owned(),
        delimiter: ',',
        header_lines: 1,
        spans: vec![SpanStyle::Seconds; columns.len()],
        header: ["call_id", "caller", "callee", "start", "duration", "amount"].map(str::to_owned).to_vec(),
        columns,
        time: TimeStyle::YearFirst,
        zone: Zone::Unknown,
        decimal: '.',
        thousands: None,
        credits: false,
        answered: Vec::new(),
        interim: Vec::new(),
        skipped: Vec::new(),
    }
}

fn record(callee: &str, at_s: i64, talk_s: u32, amount: i64, place: u64, gateway: u16) -> Record {
    Record {
        caller: Number::of("85231000001"),
        callee: Number::of(callee),
        start_ms: NOON + at_s * 1000,
        amount,
        rate: ABSENT,
        place,
        talk_ms: talk_s * 1000,
        billed_s: ABSENT_32,
        ring_ms: ABSENT_32,
        call_id: 0,
        flags: 0,
        gateway,
        account: NO_NAME,
    }
}

fn row(prefix: &str, name: &str, rate: i64, line: u32) -> DeckRow {
    DeckRow {
        prefix: prefix.to_owned(),
        destination: Some(name.to_owned()),
        rate,
        initial_s: 6,
        increment_s: 6,
        connect_fee: 0,
        effective_from_ms: None,
        effective_to_ms: None,
        band_s: None,
        line,
    }
}

fn facts(name: &str) -> InputFacts {
    InputFacts {
        name: name.to_owned(),
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        bytes: 1234,
        layout: layout(),
        tally: crate::job::Tally { records: 4, talk_ms: 247_000, ..Default::default() },
        period_ms: Some([NOON, NOON + 86_400_000]),
    }
}

fn finding(kind: &str, side: Option<Side>, name: &str, value: serde_json::Value) -> Finding {
    let values = [(name.to_owned(), value)].into_iter().collect();
    Finding { kind: kind.to_owned(), side, values }
}

/// The run.
pub(crate) fn finished() -> Finished {
    let pair = |number: u32, talk: u32, correct: (u32, i64), theirs: i64| {
        let callee = format!("861380000000{number}");
        let place = u64::from(number) * 100;
        let at = i64::from(number) * 7200;
        CallDetail {
            class: CallClass::Paired,
            ours: Some(record(&callee, at, talk, correct.1, place, 0)),
            theirs: Some(record(&callee, at, talk, theirs, place, 0)),
            correct: Some(Charge { billed_s: correct.0, amount: correct.1 }),
            row: Some(0),
            shares: vec![(0, Money(i128::from(theirs - correct.1)))],
            unexplained: Money::ZERO,
        }
    };
    let mut details = vec![
        pair(1, 61, (66, 22_000_000), 40_000_000),
        pair(2, 7, (12, 4_000_000), 20_000_000),
        pair(3, 119, (120, 40_000_000), 40_000_000),
    ];
    details.push(CallDetail {
        class: CallClass::Only,
        ours: Some(record("442070000001", 100, 60, 15_000_000, 900, 1)),
        theirs: None,
        correct: Some(Charge { billed_s: 60, amount: 15_000_000 }),
        row: Some(1),
        shares: vec![(1, Money(-15_000_000))],
        unexplained: Money::ZERO,
    });
    details.push(CallDetail {
        class: CallClass::Duplicate,
        ours: None,
        theirs: Some(record("442070000002", 200, 60, 15_000_000, 1000, 1)),
        correct: None,
        row: Some(1),
        shares: Vec::new(),
        unexplained: Money(15_000_000),
    });
    let text = |value: &str| value.to_owned();
    let causes = vec![
        Cause {
            kind: CauseKind::Increment,
            at_fault: Fault::Theirs,
            selector: Selector { prefix: Some(text("8613")), ..Selector::default() },
            contract: Some(text("6/6")),
            used: Some(text("60/60")),
            window: None,
            calls: 3,
            amount: text("0.034"),
            range: [text("0.034"), text("0.034")],
            mean: text("0.034"),
            examples: vec![text("c1"), text("c2")],
        },
        Cause {
            kind: CauseKind::MissingRecords,
            at_fault: Fault::Theirs,
            selector: Selector { gateway: Some(text("=cmd|' /C calc'!A0")), ..Selector::default() },
            contract: None,
            used: None,
            window: Some([text("2026-04-03T12:00:00Z"), text("2026-04-03T13:00:00Z")]),
            calls: 1,
            amount: text("-0.015"),
            range: [text("-0.015"), text("-0.014")],
            mean: text("-0.0145"),
            examples: vec![text("c9")],
        },
    ];
    let outcome = Outcome {
        currency: text("USD"),
        totals: Totals {
            ours: text("0.081"),
            theirs: text("0.115"),
            difference: text("0.034"),
            correct: text("0.081"),
            ours_minus_correct: text("0"),
            theirs_minus_correct: text("0.034"),
        },
        counts: Counts {
            ours: 4,
            theirs: 4,
            paired: 3,
            only_ours: 1,
            duplicates_theirs: 1,
            rejected_theirs: 2,
            amount_differs: 2,
            ..Counts::default()
        },
        findings: vec![
            finding("timezone", Some(Side::Theirs), "utc_offset", "+08:00".into()),
            finding("clock_offset", None, "seconds", (-3).into()),
            finding("number_format", Some(Side::Theirs), "strip", "0086".into()),
        ],
        causes,
        unexplained: text("0.015"),
        verdict: Fault::Theirs,
    };
    let rejection = |line, column, reason: &str, text: &str| Rejection {
        line,
        column,
        reason: reason.to_owned(),
        reason_zh: "没有时间".to_owned(),
        text: text.to_owned(),
        amount: None,
        talk_ms: None,
    };
    Finished {
        outcome,
        inputs: [facts("ours.csv"), facts("theirs <b>.csv")],
        rates_sha256: text("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"),
        contract_sha256: None,
        deck: Deck {
            rows: vec![row("8613", "China Mobile", 20_000_000, 2), row("44", "UK", 15_000_000, 3)],
            currency: Some(text("USD")),
            decimals: Some(6),
            rounding: None,
            band_zone: None,
        },
        contract: linesman_cdr::rating::Contract::default(),
        names: std::array::from_fn(|_| Names {
            gateways: vec![text("gw-1"), text("=cmd|' /C calc'!A0")],
            ..Names::default()
        }),
        rejections: [
            Vec::new(),
            vec![
                rejection(
                    17,
                    Some(4),
                    "no time: `n/a`; expected as 2026-04-03 00:00:03",
                    "c17,1,2,n/a,60,0.1",
                ),
                rejection(18, None, "3 fields, expected 6", "=HYPERLINK(\"http://x\"),\u{1b}[2J,"),
            ],
        ],
        detail_count: details.len() as u64,
        sums: None,
        period: None,
        texts: crate::lines::Texts::default(),
        details,
    }
}

/// Lines as the files of the run have them.
pub(crate) struct SampleLines;

impl Lines for SampleLines {
    fn fields(&self, side: Side, place: u64) -> Option<Vec<String>> {
        let number = place / 100;
        let caller = if side == Side::Theirs { "0085231000001" } else { "+85231000001" };
        let time = if side == Side::Theirs { "2026-04-03 20:00:03" } else { "2026-04-03T12:00:00Z" };
        let id = if number == 2 { "=1+1".to_owned() } else { format!("c{number}") };
        Some(vec![
            id,
            caller.to_owned(),
            format!("861380000000{number}"),
            time.to_owned(),
            "61".into(),
            "1".into(),
        ])
    }
}
