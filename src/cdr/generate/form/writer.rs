//! Writes records of one side as a file of a [`Form`].

use std::fmt::Write as _;

use super::{Form, Header, SpanForm, TimeForm};
use crate::format::Role;
use crate::generate::bill::Line;
use crate::generate::plan::{PlanError, Ready};
use crate::generate::traffic::Call;
use crate::rating::Offsets;
use crate::record::Side;

/// Writes records of one side as text.
pub(in crate::generate) struct Writer<'a> {
    ready: &'a Ready<'a>,
    side: Side,
    form: &'a Form,
    zone: Offsets,
    field: String,
}

impl<'a> Writer<'a> {
    pub fn new(ready: &'a Ready<'a>, side: Side) -> Result<Self, PlanError> {
        let form = ready.plan.form(side);
        let zone = Offsets::of(&form.zone).map_err(|error| PlanError(error.to_string()))?;
        if form.columns.contains(&Role::Disposition) && form.columns.is_empty() {
            return Err(PlanError("a file has at least one column".to_owned()));
        }
        Ok(Self { ready, side, form, zone, field: String::new() })
    }

    /// The first line.
    pub fn header(&self) -> String {
        let word = |role: &Role| match self.form.header {
            Header::Chinese => words(*role).1,
            Header::English | Header::None => words(*role).0,
        };
        if self.form.header == Header::None {
            return String::new();
        }
        let words: Vec<&str> = self.form.columns.iter().map(word).collect();
        let mut line = words.join(&self.form.delimiter.to_string());
        line.push_str(if self.form.crlf { "\r\n" } else { "\n" });
        line
    }

    /// One record; `serial` is its place in the call's records.
    pub fn line(&mut self, call: &Call, line: &Line, serial: usize, out: &mut String) {
        let jitter = self.form.jitter_of(self.ready.plan.seed, self.side, call.index);
        let mut field = std::mem::take(&mut self.field);
        for (at, role) in self.form.columns.iter().enumerate() {
            if at > 0 {
                out.push(self.form.delimiter);
            }
            field.clear();
            self.field(*role, call, line, serial, jitter, &mut field);
            if self.form.quoted || field.contains(self.form.delimiter) {
                out.push('"');
                out.push_str(&field);
                out.push('"');
            } else {
                out.push_str(&field);
            }
        }
        self.field = field;
        out.push_str(if self.form.crlf { "\r\n" } else { "\n" });
    }

    fn field(&self, role: Role, call: &Call, line: &Line, serial: usize, jitter: i64, field: &mut String) {
        let answer_ms = line.start_ms + i64::from(line.ring_ms);
        let total_s = line.talk_s + line.ring_ms / 1_000;
        let _ = match role {
            Role::CallId => write_id(self, call, line, serial, field),
            Role::Caller => {
                self.form.number(&call.caller.to_string(), false, field);
                Ok(())
            }
            Role::Callee => {
                let mut digits = line.tech.clone().unwrap_or_default();
                let _ = write!(digits, "{}", call.callee);
                self.form.number(&digits, true, field);
                Ok(())
            }
            Role::Start => self.time(line.start_ms, jitter, field),
            Role::StartDate => self.date(line.start_ms, jitter, field),
            Role::StartTimeOfDay => self.time_of_day(line.start_ms, jitter, field),
            Role::Answer if !line.answered => Ok(()),
            Role::Answer => self.time(answer_ms, jitter, field),
            // The true end, whatever the duration says; of an attempt the end of its ringing.
            Role::End => self.time(self.true_end_ms(call, line), jitter, field),
            Role::Talk => self.span(line.talk_ms, line.talk_s, field),
            Role::Total => self.span(line.talk_ms + line.ring_ms, total_s, field),
            Role::Ring => self.span(line.ring_ms, line.ring_ms / 1_000, field),
            Role::Billed => write!(field, "{}", line.billed_s),
            Role::Rate => self.money(line.rate, 4, field),
            Role::Amount => self.money(line.amount, u32::from(line.decimals), field),
            Role::Currency => field.write_str("USD"),
            Role::Gateway => {
                let name = self.ready.names.gateways.get(usize::from(call.gateway));
                write!(field, "{}{}", self.form.gateway_head, name.map_or("", String::as_str))
            }
            Role::Account => {
                let name = self.ready.names.accounts.get(usize::from(call.account));
                field.write_str(name.map_or("", String::as_str))
            }
            Role::Disposition => field.write_str(if line.answered { "ANSWERED" } else { "NO ANSWER" }),
            Role::RecordKind => field.write_str(if line.interim { "Interim" } else { "Normal" }),
            Role::Ignored => field.write_str("x"),
        };
    }

    /// A hung record ends when it says; any other wrong duration is contradicted by the end.
    fn true_end_ms(&self, call: &Call, line: &Line) -> i64 {
        let hung = line.talk_ms.saturating_sub(call.talk_ms) >= 600_000;
        let part = line.talk_ms < call.talk_ms || line.start_ms != call.start_ms;
        let talk_ms = if hung || part { line.talk_ms } else { call.talk_ms };
        line.start_ms + i64::from(line.ring_ms) + i64::from(talk_ms)
    }

    fn shown_ms(&self, at_ms: i64, jitter: i64) -> i64 {
        self.form.clock_ms(at_ms, self.ready.plan.begin_ms, jitter)
    }

    fn civil(&self, at_ms: i64, jitter: i64) -> ([i64; 3], [i64; 4], i32) {
        let shown = self.shown_ms(at_ms, jitter);
        let offset = self.zone.at(shown);
        let local = shown + i64::from(offset) * 1_000;
        let (day, ms) = (local.div_euclid(86_400_000), local.rem_euclid(86_400_000));
        (date_of(day), [ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000], offset)
    }

    fn fraction(&self, ms: i64, field: &mut String) -> std::fmt::Result {
        if self.form.milliseconds { write!(field, ".{ms:03}") } else { Ok(()) }
    }

    fn time(&self, at_ms: i64, jitter: i64, field: &mut String) -> std::fmt::Result {
        match self.form.time {
            TimeForm::EpochSeconds => {
                let shown = self.shown_ms(at_ms, jitter);
                write!(field, "{}", shown.div_euclid(1_000))?;
                return self.fraction(shown.rem_euclid(1_000), field);
            }
            TimeForm::EpochMillis => {
                let shown = self.shown_ms(at_ms, jitter);
                let shown = if self.form.milliseconds { shown } else { shown.div_euclid(1_000) * 1_000 };
                return write!(field, "{shown}");
            }
            _ => {}
        }
        let ([year, month, day], [hour, minute, second, ms], offset) = self.civil(at_ms, jitter);
        match self.form.time {
            TimeForm::IsoZone => {
                row(field, "-T:", [year, month, day, hour, minute, second]);
                self.fraction(ms, field)?;
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.abs() / 60;
                if offset == 0 {
                    field.write_str("Z")
                } else {
                    write!(field, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
                }
            }
            TimeForm::Iso => {
                row(field, "-T:", [year, month, day, hour, minute, second]);
                self.fraction(ms, field)
            }
            TimeForm::Slashes => {
                row(field, "/ :", [year, month, day, hour, minute, second]);
                self.fraction(ms, field)
            }
            TimeForm::DayFirst => {
                write!(field, "{day:02}.{month:02}.{year} {hour:02}:{minute:02}:{second:02}")?;
                self.fraction(ms, field)
            }
            TimeForm::MonthFirst => {
                let half = if hour < 12 { "AM" } else { "PM" };
                let twelve = (hour + 11) % 12 + 1;
                write!(field, "{month:02}/{day:02}/{year} {twelve:02}:{minute:02}:{second:02} {half}")
            }
            TimeForm::Compact => {
                write!(field, "{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}")?;
                self.fraction(ms, field)
            }
            TimeForm::Space | TimeForm::EpochSeconds | TimeForm::EpochMillis => {
                row(field, "- :", [year, month, day, hour, minute, second]);
                self.fraction(ms, field)
            }
        }
    }

    fn date(&self, at_ms: i64, jitter: i64, field: &mut String) -> std::fmt::Result {
        let ([year, month, day], _, _) = self.civil(at_ms, jitter);
        match self.form.time {
            TimeForm::DayFirst => write!(field, "{day:02}.{month:02}.{year}"),
            TimeForm::MonthFirst => write!(field, "{month:02}/{day:02}/{year}"),
            TimeForm::Slashes => write!(field, "{year}/{month:02}/{day:02}"),
            _ => write!(field, "{year}-{month:02}-{day:02}"),
        }
    }

    fn time_of_day(&self, at_ms: i64, jitter: i64, field: &mut String) -> std::fmt::Result {
        let (_, [hour, minute, second, ms], _) = self.civil(at_ms, jitter);
        write!(field, "{hour:02}:{minute:02}:{second:02}")?;
        self.fraction(ms, field)
    }

    fn span(&self, ms: u32, seconds: u32, field: &mut String) -> std::fmt::Result {
        match self.form.span {
            SpanForm::Seconds => write!(field, "{seconds}"),
            SpanForm::Colons => {
                write!(field, "{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
            }
            SpanForm::Millis => write!(field, "{ms}"),
            SpanForm::Fine => write!(field, "{}{}{:03}", ms / 1_000, self.form.decimal, ms % 1_000),
        }
    }

    fn money(&self, billionths: i64, decimals: u32, field: &mut String) -> std::fmt::Result {
        let begin = field.len();
        let magnitude = billionths.unsigned_abs();
        if billionths < 0 {
            field.push('-');
        }
        write!(field, "{}.{:09}", magnitude / 1_000_000_000, magnitude % 1_000_000_000)?;
        let point = field.len() - 10;
        let least = point + if decimals == 0 { 0 } else { 1 + decimals as usize };
        while field.len() > least.max(point + 1) && field.ends_with('0') {
            field.pop();
        }
        if field.ends_with('.') {
            field.pop();
        }
        if self.form.decimal != '.' {
            let shown = field[begin..].replace('.', &self.form.decimal.to_string());
            field.truncate(begin);
            field.push_str(&shown);
        }
        Ok(())
    }
}

fn write_id(
    writer: &Writer<'_>,
    call: &Call,
    line: &Line,
    serial: usize,
    field: &mut String,
) -> std::fmt::Result {
    // A second record of the same call is a retry and has its identity; parts have their own.
    let part = if line.duplicate || serial == 0 { String::new() } else { format!("-{serial}") };
    match (writer.ready.plan.shared_ids, writer.side) {
        (true, _) => write!(field, "c{}{part}", call.index),
        (false, Side::Ours) => write!(field, "c{}{part}", call.index),
        (false, Side::Theirs) => write!(field, "t{}{part}", call.index),
    }
}

const fn words(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Ignored => ("remark", "备注"),
        Role::CallId => ("call_id", "话单流水号"),
        Role::Caller => ("caller", "主叫号码"),
        Role::Callee => ("callee", "被叫号码"),
        Role::Start => ("start_time", "开始时间"),
        Role::StartDate => ("start_date", "日期"),
        Role::StartTimeOfDay => ("start_time", "时间"),
        Role::Answer => ("answer_time", "应答时间"),
        Role::End => ("end_time", "结束时间"),
        Role::Talk => ("duration", "通话时长"),
        Role::Total => ("total_duration", "总时长"),
        Role::Ring => ("ring_time", "振铃时长"),
        Role::Billed => ("billed_seconds", "计费时长"),
        Role::Rate => ("rate", "费率"),
        Role::Amount => ("amount", "费用"),
        Role::Currency => ("currency", "币种"),
        Role::Gateway => ("gateway", "网关"),
        Role::Account => ("account", "账户"),
        Role::Disposition => ("disposition", "状态"),
        Role::RecordKind => ("record_type", "记录类型"),
    }
}

/// A date and a time of day with their three signs between; the bulk of a long file, so without formatting.
fn row(field: &mut String, signs: &str, [year, month, day, hour, minute, second]: [i64; 6]) {
    let mut signs = signs.chars();
    let mut sign = || signs.next().unwrap_or(' ');
    let (dash, gap, colon) = (sign(), sign(), sign());
    let two = |field: &mut String, value: i64| {
        for digit in [value / 10 % 10, value % 10] {
            field.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
        }
    };
    two(field, year / 100);
    two(field, year);
    for (before, value) in [(dash, month), (dash, day), (gap, hour), (colon, minute), (colon, second)] {
        field.push(before);
        two(field, value);
    }
}

/// Year, month and day of days since 1970 (Howard Hinnant's `civil_from_days`).
const fn date_of(day: i64) -> [i64; 3] {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    [year + era * 400 + if month <= 2 { 1 } else { 0 }, month, date]
}
