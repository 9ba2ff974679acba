//! How a side writes its file: clock, numbers, times, columns.

mod writer;

pub(super) use writer::Writer;

use std::fmt::Write as _;

use super::random::Chance;
use crate::format::Role;
use crate::record::Side;

/// How numbers are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NumberStyle {
    /// `8613800000001`.
    #[default]
    Plain,
    /// `+8613800000001`.
    Plus,
    /// `008613800000001`.
    International,
    /// `013800000001` in the country of these digits, `00…` elsewhere.
    National(String),
    /// Called numbers with digits before them, with or without `#`: `9913#8613800000001`.
    Tech(String),
    /// `sip:+8613800000001@198.51.100.7;user=phone`.
    Sip,
}

/// How times are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeForm {
    /// `2026-04-03T00:00:03+08:00`.
    IsoZone,
    /// `2026-04-03T00:00:03`.
    Iso,
    /// `2026-04-03 00:00:03`.
    #[default]
    Space,
    /// `2026/04/03 00:00:03`.
    Slashes,
    /// `03.04.2026 00:00:03`.
    DayFirst,
    /// `04/03/2026 12:00:03 AM`.
    MonthFirst,
    /// `20260403000003`.
    Compact,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
}

/// How durations are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpanForm {
    /// Whole seconds, by the side's rule for parts of them.
    #[default]
    Seconds,
    /// `h:mm:ss`.
    Colons,
    /// Milliseconds.
    Millis,
    /// Seconds with three decimals.
    Fine,
}

/// Words of the first line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Header {
    /// `caller`, `callee` and so on.
    #[default]
    English,
    /// `主叫号码`, `被叫号码` and so on.
    Chinese,
    /// No first line.
    None,
}

/// Order of the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// By beginning.
    #[default]
    Start,
    /// By end.
    End,
    /// By chance; of very long files within stretches of some ten thousand.
    Shuffled,
}

/// How a side writes its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Zone of its times, a name or an offset.
    pub zone: String,
    /// Its clock is ahead by so much.
    pub clock_offset_ms: i64,
    /// And gains so many billionths.
    pub drift_ppb: i64,
    /// At a moment it is set, by so many milliseconds.
    pub step_ms: Option<[i64; 2]>,
    /// Calls whose times are a little off, in a million.
    pub jitter_ppm: u32,
    /// By at most so many seconds either way.
    pub jitter_s: u32,
    /// Numbers.
    pub numbers: NumberStyle,
    /// Times.
    pub time: TimeForm,
    /// Whether times have milliseconds.
    pub milliseconds: bool,
    /// Durations.
    pub span: SpanForm,
    /// Between fields.
    pub delimiter: char,
    /// Decimal sign.
    pub decimal: char,
    /// First line.
    pub header: Header,
    /// Columns, in their order.
    pub columns: Vec<Role>,
    /// Records.
    pub order: Order,
    /// Before the names of gateways: the side calls them otherwise.
    pub gateway_head: String,
    /// Whether every field is quoted.
    pub quoted: bool,
    /// Whether lines end with CR LF.
    pub crlf: bool,
}

impl Form {
    /// What our server writes: everything, in UTC, by beginning.
    #[must_use]
    pub fn ours() -> Self {
        Self {
            zone: "UTC".to_owned(),
            clock_offset_ms: 0,
            drift_ppb: 0,
            step_ms: None,
            jitter_ppm: 0,
            jitter_s: 1,
            numbers: NumberStyle::Plain,
            time: TimeForm::IsoZone,
            milliseconds: false,
            span: SpanForm::Seconds,
            delimiter: ',',
            decimal: '.',
            header: Header::English,
            columns: vec![
                Role::CallId,
                Role::Caller,
                Role::Callee,
                Role::Start,
                Role::Answer,
                Role::End,
                Role::Talk,
                Role::Billed,
                Role::Rate,
                Role::Amount,
                Role::Currency,
                Role::Gateway,
                Role::Account,
            ],
            order: Order::Start,
            gateway_head: String::new(),
            quoted: false,
            crlf: false,
        }
    }

    /// What a usual other party writes: times without zone, here in UTC.
    #[must_use]
    pub fn theirs() -> Self {
        Self { time: TimeForm::Space, ..Self::ours() }
    }

    /// The nine columns of the speed measurements.
    #[must_use]
    pub fn lean_columns() -> Vec<Role> {
        vec![
            Role::CallId,
            Role::Caller,
            Role::Callee,
            Role::Start,
            Role::Talk,
            Role::Billed,
            Role::Rate,
            Role::Amount,
            Role::Gateway,
        ]
    }

    /// A form by chance: any zone, clock, style and order of columns. Every one can be read without being told,
    /// as long as the file is not tiny.
    #[must_use]
    pub fn by_chance(seed: u64) -> Self {
        let mut chance = Chance::of(seed, 0xf0f0);
        let mut one = |count: u64| usize::try_from(chance.below(count)).unwrap_or(0);
        let mut form = Self::theirs();
        form.zone =
            ["UTC", "+08:00", "Asia/Shanghai", "Europe/Berlin", "-05:00", "+05:30"][one(6)].to_owned();
        form.clock_offset_ms = [0, 3_000, -4_000, 37_000, -61_000][one(5)];
        form.drift_ppb = [0, 0, 8_000, -12_000][one(4)];
        form.jitter_ppm = [0, 0, 100_000, 300_000][one(4)];
        form.numbers = [
            NumberStyle::Plain,
            NumberStyle::Plus,
            NumberStyle::International,
            NumberStyle::National("86".to_owned()),
            NumberStyle::Tech("9913#".to_owned()),
            NumberStyle::Tech("9913".to_owned()),
            NumberStyle::Sip,
        ][one(7)]
        .clone();
        form.time = [
            TimeForm::IsoZone,
            TimeForm::Iso,
            TimeForm::Space,
            TimeForm::Slashes,
            TimeForm::DayFirst,
            TimeForm::Compact,
            TimeForm::EpochSeconds,
            TimeForm::EpochMillis,
        ][one(8)];
        form.span = [SpanForm::Seconds, SpanForm::Seconds, SpanForm::Colons][one(3)];
        form.delimiter = [',', ';', '\t', '|'][one(4)];
        form.decimal = if form.delimiter != ',' && one(2) == 1 { ',' } else { '.' };
        form.header = [Header::English, Header::Chinese][one(2)];
        form.order = [Order::Start, Order::End, Order::Shuffled][one(3)];
        form.gateway_head = ["", "", "peer-"][one(3)].to_owned();
        form.quoted = one(4) == 0;
        form.crlf = one(3) == 0;
        for at in (1..form.columns.len()).rev() {
            let other = usize::try_from(chance.below(at as u64 + 1)).unwrap_or(0);
            form.columns.swap(at, other);
        }
        form
    }

    /// Whether its records hold answer and end, so that they can contradict a duration.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.columns.contains(&Role::Answer) && self.columns.contains(&Role::End)
    }

    /// What its clock shows at a moment, in UTC.
    pub(super) fn clock_ms(&self, at_ms: i64, begin_ms: i64, jitter_ms: i64) -> i64 {
        let since = i128::from(at_ms - begin_ms);
        let drift = i64::try_from(since * i128::from(self.drift_ppb) / 1_000_000_000).unwrap_or(0);
        let step = self.step_ms.filter(|[from, _]| at_ms >= *from).map_or(0, |[_, by]| by);
        at_ms + self.clock_offset_ms + drift + step + jitter_ms
    }

    /// How far the times of a call are off.
    pub(super) fn jitter_of(&self, seed: u64, side: Side, index: u64) -> i64 {
        if self.jitter_ppm == 0 || self.jitter_s == 0 {
            return 0;
        }
        let mut chance = Chance::of(seed ^ (0x717e4 + side.index() as u64), index);
        if !chance.happens(self.jitter_ppm) {
            return 0;
        }
        let by = 1_000 * (1 + i64::try_from(chance.below(u64::from(self.jitter_s))).unwrap_or(0));
        if chance.happens(500_000) { by } else { -by }
    }

    /// A number as this side writes it; `called` ones may get a technical prefix.
    pub(super) fn number(&self, digits: &str, called: bool, text: &mut String) {
        match &self.numbers {
            NumberStyle::Plain => text.push_str(digits),
            NumberStyle::Plus => {
                text.push('+');
                text.push_str(digits);
            }
            NumberStyle::International => {
                text.push_str("00");
                text.push_str(digits);
            }
            NumberStyle::National(country) => match digits.strip_prefix(country.as_str()) {
                Some(rest) => {
                    text.push('0');
                    text.push_str(rest);
                }
                None => {
                    text.push_str("00");
                    text.push_str(digits);
                }
            },
            NumberStyle::Tech(tech) => {
                if called {
                    text.push_str(tech);
                }
                text.push_str(digits);
            }
            NumberStyle::Sip => {
                let _ = write!(text, "sip:+{digits}@198.51.100.7;user=phone");
            }
        }
    }
}
