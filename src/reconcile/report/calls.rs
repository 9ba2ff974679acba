//! One differing call as a row of values, for the CSV and the workbook alike.

use std::collections::BTreeSet;

use linesman_cdr::Money;
use linesman_cdr::format::Role;
use linesman_cdr::outcome::{CallClass, CallDetail};
use linesman_cdr::rating::{Rater, Terms};
use linesman_cdr::record::{ABSENT, ABSENT_32, Record, Side};

use super::figures;
use super::sentence;
use super::words::Language;
use super::workings::Working;
use crate::job::{Finished, Lines};

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing is known.
    Empty,
    /// Text, phone numbers among it.
    Text(String),
    /// A whole number.
    Count(i64),
    /// Milliseconds, shown in seconds.
    Millis(i64),
    /// Milliseconds since 1970.
    Instant(i64),
    /// An amount or a rate.
    Money(Money),
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }
}

/// Columns of a call's row, in their order; the names are keys of the catalogue and of the CSV.
pub(crate) const COLUMNS: [&str; 46] = [
    "number",
    "class",
    "causes",
    "fault",
    "call_id_ours",
    "call_id_theirs",
    "caller",
    "callee",
    "caller_ours",
    "callee_ours",
    "caller_theirs",
    "callee_theirs",
    "start_ours_utc",
    "start_theirs_utc",
    "start_ours_raw",
    "start_theirs_raw",
    "dt_s",
    "talk_ours",
    "talk_theirs",
    "billed_ours",
    "billed_theirs",
    "talk_correct",
    "initial",
    "increment",
    "billed_correct",
    "prefix_ours",
    "prefix_theirs",
    "prefix_correct",
    "destination",
    "deck_line",
    "rate_ours",
    "rate_theirs",
    "rate_correct",
    "fee_correct",
    "amount_ours",
    "amount_theirs",
    "amount_correct",
    "delta_ours",
    "delta_theirs",
    "difference",
    "unexplained",
    "currency",
    "gateway_ours",
    "gateway_theirs",
    "account_ours",
    "account_theirs",
];

/// Where a column stands.
pub(crate) fn place(column: &str) -> usize {
    COLUMNS.iter().position(|name| *name == column).unwrap_or(0)
}

/// One call's row.
pub(crate) struct Row {
    /// One cell for each of [`COLUMNS`].
    pub(crate) cells: Vec<Cell>,
    /// How the correct amount comes about, where it can be followed.
    pub(crate) working: Option<Working>,
}

/// What rows are made from.
pub(crate) struct View<'a> {
    pub(crate) finished: &'a Finished,
    pub(crate) lines: &'a dyn Lines,
    /// Deck and contract, where they go together.
    pub(crate) rater: Option<&'a Rater>,
    pub(crate) language: Language,
    /// Names of classes, causes and sides as codes instead of words, for programs.
    pub(crate) codes: bool,
}

/// Roles that a call's time may stand under, the best first.
const TIMES: [Role; 4] = [Role::Start, Role::StartDate, Role::Answer, Role::End];

/// A field of a line as it stands in the file.
pub(crate) fn raw(finished: &Finished, fields: &[String], side: Side, role: Role) -> String {
    let columns = &finished.inputs[side.index()].layout.columns;
    let place = columns.iter().position(|column| *column == role);
    place.and_then(|place| fields.get(place)).cloned().unwrap_or_default()
}

/// The time of a line as it stands in the file.
pub(crate) fn raw_time(finished: &Finished, fields: &[String], side: Side) -> String {
    let field = |role| raw(finished, fields, side, role);
    let Some(text) = TIMES.into_iter().map(field).find(|text| !text.is_empty()) else {
        return String::new();
    };
    let clock = field(Role::StartTimeOfDay);
    if clock.is_empty() { text } else { format!("{text} {clock}") }
}

fn money(value: i64) -> Cell {
    if value == ABSENT { Cell::Empty } else { Cell::Money(Money(i128::from(value))) }
}

impl View<'_> {
    /// The row of a call.
    pub(crate) fn row(&self, number: u64, detail: &CallDetail) -> Row {
        let finished = self.finished;
        let working = self.working(detail);
        let terms = detail.row.and_then(|row| self.rater.map(|rater| rater.terms(row)));
        let deck = detail.row.and_then(|row| finished.deck.rows.get(row as usize));
        let fields = Side::BOTH.map(|side| self.fields(side, detail));
        let records = [&detail.ours, &detail.theirs];
        let of = |side: Side, take: &dyn Fn(&Record) -> Cell| {
            records[side.index()].as_ref().map_or(Cell::Empty, take)
        };
        let (ours, theirs) = (Side::Ours, Side::Theirs);
        let role = |side: Side, role: Role| Cell::text(raw(finished, &fields[side.index()], side, role));
        let time = |side: Side| Cell::text(raw_time(finished, &fields[side.index()], side));
        let party = |take: &dyn Fn(&Record) -> String| {
            Cell::text(figures::either(detail).map(take).unwrap_or_default())
        };
        let utc = |record: &Record| Cell::Instant(record.start_ms);
        let talk = |record: &Record| Cell::Millis(i64::from(record.talk_ms));
        let billed = |record: &Record| match record.billed_s {
            ABSENT_32 => Cell::Empty,
            seconds => Cell::Count(i64::from(seconds)),
        };
        let gateway = |side: Side| {
            let names = &finished.names[side.index()].gateways;
            of(side, &|record| Cell::text(figures::name(names, record.gateway)))
        };
        let account = |side: Side| {
            let names = &finished.names[side.index()].accounts;
            of(side, &|record| Cell::text(figures::name(names, record.account)))
        };
        let apart = match (&detail.ours, &detail.theirs) {
            (Some(ours), Some(theirs)) => Cell::Millis(theirs.start_ms - ours.start_ms),
            _ => Cell::Empty,
        };
        let (correct, charged) = (figures::correct(detail), figures::charged(detail));
        // Of a file without amounts none is shown, but what it comes to is part of the difference.
        let amount = |side: Side| of(side, &|_| Cell::Money(charged[side.index()]));
        let against = |side: Side| match (&records[side.index()], correct) {
            (Some(_), Some(correct)) => Cell::Money(charged[side.index()] - correct),
            _ => Cell::Empty,
        };
        let worked = |take: &dyn Fn(&Working) -> Cell| working.as_ref().map_or(Cell::Empty, take);
        let agreed = |take: &dyn Fn(&Terms) -> Cell| terms.as_ref().map_or(Cell::Empty, take);
        let (causes, fault) = self.causes(detail);
        let cells = vec![
            Cell::Count(i64::try_from(number).unwrap_or(i64::MAX)),
            Cell::text(self.class(detail)),
            Cell::text(causes),
            Cell::text(fault),
            role(ours, Role::CallId),
            role(theirs, Role::CallId),
            party(&|record| figures::number(record.caller)),
            party(&|record| figures::number(record.callee)),
            role(ours, Role::Caller),
            role(ours, Role::Callee),
            role(theirs, Role::Caller),
            role(theirs, Role::Callee),
            of(ours, &utc),
            of(theirs, &utc),
            time(ours),
            time(theirs),
            apart,
            of(ours, &talk),
            of(theirs, &talk),
            of(ours, &billed),
            of(theirs, &billed),
            worked(&|working| Cell::Count(i64::from(working.talk_s))),
            agreed(&|terms| Cell::Count(i64::from(terms.initial_s))),
            agreed(&|terms| Cell::Count(i64::from(terms.increment_s))),
            detail.correct.map_or(Cell::Empty, |charge| Cell::Count(i64::from(charge.billed_s))),
            self.prefix(ours, detail),
            self.prefix(theirs, detail),
            deck.map_or(Cell::Empty, |row| Cell::text(row.prefix.as_str())),
            deck.map_or(Cell::Empty, |row| Cell::text(row.destination.as_deref().unwrap_or_default())),
            deck.map_or(Cell::Empty, |row| Cell::Count(i64::from(row.line))),
            of(ours, &|record| money(record.rate)),
            of(theirs, &|record| money(record.rate)),
            agreed(&|terms| money(terms.rate)),
            agreed(&|terms| money(terms.connect_fee)),
            amount(ours),
            amount(theirs),
            correct.map_or(Cell::Empty, Cell::Money),
            against(ours),
            against(theirs),
            Cell::Money(figures::difference(detail)),
            Cell::Money(detail.unexplained),
            Cell::text(finished.outcome.currency.as_str()),
            gateway(ours),
            gateway(theirs),
            account(ours),
            account(theirs),
        ];
        Row { cells, working }
    }

    /// How the correct amount of a call comes about, where that can be shown.
    pub(crate) fn working(&self, detail: &CallDetail) -> Option<Working> {
        Working::of(detail, self.rater?, self.finished)
    }

    /// The prefix that a side rated by, where its record tells: that of the only row for the called number whose
    /// price it names or, where it names none, whose price comes to its amount.
    fn prefix(&self, side: Side, detail: &CallDetail) -> Cell {
        let Some((record, rater)) = [&detail.ours, &detail.theirs][side.index()].as_ref().zip(self.rater)
        else {
            return Cell::Empty;
        };
        if detail.class == CallClass::Part || record.rate == ABSENT && record.amount == ABSENT {
            return Cell::Empty;
        }
        let (at_ms, talk_ms, answered) = self.finished.contract.facts(record);
        let shows = |row: &u32| {
            let terms = rater.terms(*row);
            match record.rate {
                ABSENT => terms.charge(talk_ms, answered).amount == record.amount,
                rate => rate == terms.rate,
            }
        };
        let mut rows = rater.rows_of_shorter(record.callee, at_ms).filter(shows);
        match (rows.next().and_then(|row| rater.deck_row(row)), rows.next()) {
            (Some(row), None) => Cell::text(row.prefix.as_str()),
            _ => Cell::Empty,
        }
    }

    fn fields(&self, side: Side, detail: &CallDetail) -> Vec<String> {
        let record = [&detail.ours, &detail.theirs][side.index()];
        let place = record.as_ref().map(|record| record.place);
        place.and_then(|place| self.lines.fields(side, place)).unwrap_or_default()
    }

    fn class(&self, detail: &CallDetail) -> String {
        let code = match (detail.class, detail.ours.is_some()) {
            (CallClass::Only, true) => "only_ours".to_owned(),
            (CallClass::Only, false) => "only_theirs".to_owned(),
            (class, _) => sentence::tag(&class),
        };
        if self.codes { code } else { self.language.word(&format!("class.{code}")) }
    }

    /// Causes of a call with their number in the list of causes, and who is at fault in them.
    fn causes(&self, detail: &CallDetail) -> (String, String) {
        let mut causes = Vec::new();
        let mut faults = BTreeSet::new();
        for (index, _) in &detail.shares {
            let Some(cause) = self.finished.outcome.causes.get(*index as usize) else { continue };
            let name = if self.codes {
                sentence::tag(&cause.kind)
            } else {
                sentence::kind(cause.kind, self.language)
            };
            causes.push(format!("{} {name}", index + 1));
            faults.insert(cause.at_fault);
        }
        let fault = |fault| {
            if self.codes { sentence::tag(&fault) } else { sentence::fault(fault, self.language) }
        };
        let faults: Vec<String> = faults.into_iter().map(fault).collect();
        (causes.join("; "), faults.join(", "))
    }
}
