//! A file of every system and style, and what it is.

use super::*;

/// Start of the first call in every file, and of its answer.
pub(super) const START: i64 = 1_775_174_403_000;
pub(super) const ANSWER: i64 = START + 8_000;

pub(super) struct Case {
    pub(super) file: &'static str,
    pub(super) text: &'static str,
    pub(super) preset: &'static str,
    pub(super) time: TimeStyle,
    /// Roles with their columns from 1.
    pub(super) roles: &'static [(Role, usize)],
    pub(super) start_ms: i64,
    pub(super) amount: Option<i64>,
}

macro_rules! case {
    ($file:literal, $preset:literal, $time:ident, $start:expr, $amount:expr, [$(($role:ident, $column:literal)),* $(,)?]) => {
        Case {
            file: $file,
            text: include_str!(concat!("../../testdata/", $file)),
            preset: $preset,
            time: TimeStyle::$time,
            roles: &[$((Role::$role, $column)),*],
            start_ms: $start,
            amount: $amount,
        }
    };
}

const FULL: Option<i64> = Some(23_650_000);

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(
            "generic.csv",
            "generic",
            YearFirst,
            START,
            FULL,
            [
                (CallId, 1),
                (Caller, 2),
                (Callee, 3),
                (Start, 4),
                (Answer, 5),
                (End, 6),
                (Talk, 7),
                (Billed, 8),
                (Rate, 9),
                (Amount, 10),
                (Currency, 11),
                (Gateway, 12)
            ]
        ),
        case!(
            "generic_no_header.csv",
            "generic",
            YearFirst,
            START,
            FULL,
            [
                (CallId, 1),
                (Caller, 2),
                (Callee, 3),
                (Start, 4),
                (Answer, 5),
                (End, 6),
                (Talk, 7),
                (Billed, 8),
                (Rate, 9),
                (Amount, 10),
                (Currency, 11),
                (Gateway, 12)
            ]
        ),
        case!(
            "generic_shuffled.csv",
            "generic",
            YearFirst,
            START,
            FULL,
            [(Gateway, 1), (Amount, 2), (Talk, 4), (Start, 5), (Callee, 6), (Caller, 8)]
        ),
        case!(
            "asterisk_master.csv",
            "asterisk",
            YearFirst,
            START,
            None,
            [
                (Account, 1),
                (Caller, 2),
                (Callee, 3),
                (Start, 10),
                (Answer, 11),
                (End, 12),
                (Total, 13),
                (Talk, 14),
                (Disposition, 15),
                (CallId, 17)
            ]
        ),
        case!(
            "asterisk_master_16.csv",
            "asterisk",
            YearFirst,
            START,
            None,
            [
                (Account, 1),
                (Caller, 2),
                (Callee, 3),
                (Start, 10),
                (Answer, 11),
                (End, 12),
                (Total, 13),
                (Talk, 14),
                (Disposition, 15)
            ]
        ),
        case!(
            "freeswitch_example.csv",
            "freeswitch-csv",
            YearFirst,
            START,
            None,
            [
                (Caller, 2),
                (Callee, 3),
                (Start, 5),
                (Answer, 6),
                (End, 7),
                (Total, 8),
                (Talk, 9),
                (CallId, 11),
                (Account, 13)
            ]
        ),
        case!(
            "freeswitch_json.tsv",
            "freeswitch-json",
            EpochMicros,
            START,
            None,
            [
                (CallId, 1),
                (Caller, 2),
                (Callee, 3),
                (Start, 7),
                (Answer, 8),
                (End, 9),
                (Total, 10),
                (Talk, 12),
                (Account, 13)
            ]
        ),
        case!(
            "kamailio_acc_cdrs.csv",
            "kamailio",
            YearFirst,
            ANSWER,
            None,
            [(Start, 2), (End, 3), (Talk, 4), (Caller, 5), (Callee, 6), (CallId, 7)]
        ),
        case!(
            "opensips_acc.csv",
            "opensips",
            YearFirst,
            START,
            None,
            [
                (CallId, 5),
                (Disposition, 6),
                (Answer, 8),
                (Talk, 10),
                (Ring, 11),
                (Start, 12),
                (Caller, 13),
                (Callee, 14)
            ]
        ),
        case!(
            "cisco_cucm.csv",
            "cisco-cucm",
            EpochSeconds,
            START,
            None,
            [
                (CallId, 3),
                (Start, 5),
                (Caller, 9),
                (Callee, 14),
                (Answer, 15),
                (End, 16),
                (Talk, 20),
                (Gateway, 22)
            ]
        ),
        case!(
            "vos3000_52.csv",
            "vos3000",
            YearFirst,
            ANSWER,
            FULL,
            [
                (Caller, 1),
                (Callee, 3),
                (Gateway, 13),
                (Start, 20),
                (End, 21),
                (Talk, 24),
                (Billed, 26),
                (Amount, 27),
                (Account, 33),
                (CallId, 42)
            ]
        ),
        case!(
            "vos3000_52_no_header_ms.csv",
            "vos3000",
            EpochMillis,
            ANSWER,
            FULL,
            [
                (Caller, 1),
                (Callee, 3),
                (Gateway, 13),
                (Start, 20),
                (End, 21),
                (Talk, 24),
                (Billed, 26),
                (Amount, 27),
                (Account, 33),
                (CallId, 42)
            ]
        ),
        case!(
            "vos3000_pipe.txt",
            "vos3000",
            YearFirst,
            ANSWER,
            None,
            [(Caller, 1), (Callee, 2), (Start, 3), (End, 4), (Talk, 5)]
        ),
        case!(
            "vos3000_chinese.csv",
            "vos3000",
            YearFirst,
            ANSWER,
            Some(23_600_000),
            [
                (CallId, 1),
                (Account, 2),
                (Caller, 3),
                (Callee, 4),
                (Gateway, 5),
                (Answer, 6),
                (End, 7),
                (Billed, 8),
                (Amount, 9)
            ]
        ),
        case!(
            "broadworks.csv",
            "broadworks",
            Compact,
            START,
            None,
            [
                (CallId, 1),
                (Account, 2),
                (RecordKind, 3),
                (Caller, 7),
                (Callee, 9),
                (Start, 10),
                (Disposition, 12),
                (Answer, 13),
                (End, 14)
            ]
        ),
        case!(
            "3cx.csv",
            "3cx",
            YearFirst,
            START,
            Some(23_600_000),
            [
                (CallId, 2),
                (Talk, 3),
                (Start, 4),
                (Answer, 5),
                (End, 6),
                (Caller, 8),
                (Callee, 9),
                (Rate, 17),
                (Amount, 18)
            ]
        ),
        case!(
            "european.csv",
            "generic",
            DayFirst,
            START,
            Some(23_600_000),
            [(Caller, 1), (Callee, 2), (Start, 3), (End, 4), (Talk, 5), (Rate, 6), (Amount, 7)]
        ),
        case!(
            "us_ampm.csv",
            "generic",
            MonthFirst,
            START + 15 * 86_400_000,
            Some(23_600_000),
            [(Start, 1), (Caller, 2), (Callee, 3), (Talk, 4), (Amount, 5)]
        ),
        case!(
            "midnight_slashes.csv",
            "generic",
            DayFirst,
            START - 13_000,
            None,
            [(Caller, 1), (Callee, 2), (Start, 3), (End, 4), (Talk, 5)]
        ),
        case!(
            "epoch_ms.psv",
            "generic",
            EpochMillis,
            START,
            FULL,
            [(CallId, 1), (Caller, 2), (Callee, 3), (Start, 4), (End, 5), (Talk, 6), (Amount, 7)]
        ),
        case!(
            "split_tab.tsv",
            "generic",
            YearFirst,
            START,
            FULL,
            [
                (StartDate, 1),
                (StartTimeOfDay, 2),
                (Caller, 3),
                (Callee, 4),
                (Billed, 5),
                (Talk, 6),
                (Amount, 7)
            ]
        ),
        case!(
            "chinese_generic.csv",
            "generic",
            YearFirst,
            START,
            Some(23_600_000),
            [
                (Caller, 1),
                (Callee, 2),
                (Start, 3),
                (Answer, 4),
                (End, 5),
                (Talk, 6),
                (Billed, 7),
                (Rate, 8),
                (Amount, 9),
                (Currency, 10)
            ]
        ),
        case!(
            "no_header_short.csv",
            "generic",
            YearFirst,
            START,
            Some(21_858_000),
            [(Caller, 1), (Callee, 2), (Start, 3), (Talk, 4), (Rate, 5), (Amount, 6)]
        ),
        case!(
            "kolmisoft.csv",
            "generic",
            YearFirst,
            START,
            FULL,
            [(Start, 1), (Caller, 2), (Callee, 3), (Total, 4), (Talk, 5), (Rate, 7), (Amount, 8)]
        ),
        case!(
            "jerasoft.csv",
            "generic",
            YearFirst,
            START,
            FULL,
            [
                (Start, 1),
                (Answer, 2),
                (End, 3),
                (Caller, 4),
                (Callee, 5),
                (Talk, 6),
                (Billed, 7),
                (Amount, 8),
                (Currency, 9),
                (Account, 10)
            ]
        ),
        case!(
            "duration_billed.csv",
            "generic",
            YearFirst,
            START - 8 * 3_600_000,
            FULL,
            [(Caller, 1), (Callee, 2), (Start, 3), (Talk, 4), (Billed, 5), (Amount, 6)]
        ),
        case!(
            "thousands.csv",
            "generic",
            YearFirst,
            START,
            Some(236_500_000_000),
            [(Caller, 1), (Callee, 2), (Start, 3), (Talk, 4), (Amount, 5)]
        ),
        case!(
            "excel_days.csv",
            "generic",
            SpreadsheetDays,
            START,
            Some(23_600_000),
            [(Caller, 1), (Callee, 2), (Start, 3), (Talk, 4), (Amount, 5)]
        ),
    ]
}
