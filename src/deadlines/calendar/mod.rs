//! Calendars: when is it worked (tickets.md 7.1 and 7.2).
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`window`] | windows of a day, several of them; the week |
//! | [`overrides`] | holidays and make-up workdays, by date |
//! | [`openings`] | the walk over open stretches of time |
//! | [`official`] | the shipped calendars and the official years, with their sources |
//! | [`mod@file`] | the operator's own calendars and overrides, in TOML |
//! | [`ical`] | import of a holiday feed |

pub mod file;
pub mod ical;
pub mod official;
pub mod openings;
pub mod overrides;
pub mod window;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Serialize;

pub use openings::{Opening, Openings};
pub use overrides::{Override, OverrideKind, Overrides, Status};
pub use window::{Week, Window, WindowError};

use crate::zone::{Zone, days_later};

/// When it is worked: a zone, the windows of the week, and the dates that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calendar {
    name: String,
    zone: Zone,
    week: Week,
    makeup: Vec<Window>,
    overrides: Overrides,
    follows: Option<String>,
    official_years: BTreeSet<i32>,
}

/// Why a day has the windows it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'c> {
    /// By its weekday.
    Weekday,
    /// By an override.
    Override(&'c Override),
}

/// A date as a calendar has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day<'c> {
    /// Which.
    pub date: NaiveDate,
    /// Its windows, in order; none when it is not worked.
    pub windows: &'c [Window],
    /// Why.
    pub origin: Origin<'c>,
    /// The official word is not yet known: the weekday's rule stands in (tickets.md 7.2, rule 7).
    pub provisional: bool,
}

impl Calendar {
    /// A calendar without overrides.
    #[must_use]
    pub fn new(name: &str, zone: Zone, week: Week) -> Self {
        let makeup = week.ordinary().to_vec();
        Self {
            name: name.to_owned(),
            zone,
            week,
            makeup,
            overrides: Overrides::default(),
            follows: None,
            official_years: BTreeSet::new(),
        }
    }

    /// With these windows on a make-up workday that brings none of its own and falls on a day without windows;
    /// else they are those of an ordinary working day.
    ///
    /// # Errors
    /// When the windows do not go together.
    pub fn with_makeup(mut self, windows: Vec<Window>) -> Result<Self, WindowError> {
        self.makeup = window::in_order(windows)?;
        Ok(self)
    }

    /// That follows the official days of a country, such as `cn`; years without a notice are provisional.
    #[must_use]
    pub fn following(mut self, country: &str) -> Self {
        self.follows = Some(country.to_owned());
        self
    }

    /// Takes a year's official days in, in place of what was known of that year.
    pub fn add_official_year(&mut self, year: &official::OfficialYear) {
        self.overrides.forget_official(|date| date.year() == year.year);
        for this in &year.overrides {
            self.overrides.add_official(this.clone());
        }
        self.official_years.insert(year.year);
    }

    /// Adds an override of the operator's own.
    ///
    /// # Errors
    /// When its windows do not go together.
    pub fn add_own(&mut self, mut this: Override) -> Result<(), WindowError> {
        this.windows = this.windows.map(window::in_order).transpose()?;
        self.overrides.add_own(this);
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its zone.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Its week.
    #[must_use]
    pub const fn week(&self) -> &Week {
        &self.week
    }

    /// The dates that differ.
    #[must_use]
    pub const fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The country whose official days it follows.
    #[must_use]
    pub fn follows(&self) -> Option<&str> {
        self.follows.as_deref()
    }

    /// The last date with an official word, for a calendar that follows one: the metric
    /// `calendar_official_until` (tickets.md 7.2, rule 7).
    #[must_use]
    pub fn official_until(&self) -> Option<NaiveDate> {
        self.official_years.last().and_then(|year| NaiveDate::from_ymd_opt(*year, 12, 31))
    }

    /// A date as this calendar has it: its override if there is one, else its weekday (rule 1).
    #[must_use]
    pub fn day(&self, date: NaiveDate) -> Day<'_> {
        let by_weekday = self.week.of_date(date);
        let Some(this) = self.overrides.on(date) else {
            let provisional = self.follows.is_some() && !self.official_years.contains(&date.year());
            return Day { date, windows: by_weekday, origin: Origin::Weekday, provisional };
        };
        let windows = match (this.kind, &this.windows) {
            (OverrideKind::Closed, _) => &[],
            (OverrideKind::Open, Some(windows)) => windows.as_slice(),
            (OverrideKind::Open, None) if by_weekday.is_empty() => self.makeup.as_slice(),
            (OverrideKind::Open, None) => by_weekday,
        };
        let provisional = this.status == Status::Provisional;
        Day { date, windows, origin: Origin::Override(this), provisional }
    }

    /// Whether a date is worked.
    #[must_use]
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        self.open_until(date).is_some()
    }

    /// When work ends on a date; `None` when it is not worked.
    #[must_use]
    pub fn open_until(&self, date: NaiveDate) -> Option<DateTime<Utc>> {
        let windows = self.day(date).windows;
        let ends = windows.iter().flat_map(|window| self.zone.spans(date, window.opens(), window.closes()));
        ends.map(|(_, closes)| closes).max()
    }

    /// Whether it is worked at an instant.
    #[must_use]
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        let local = self.zone.local(at);
        let minute = u16::try_from(minute_of_day(local.time())).unwrap_or(0);
        let within = |window: &Window| window.opens() <= minute && minute < window.closes();
        self.day(local.date()).windows.iter().any(within)
    }

    /// The open stretches of time from an instant on, in order; the one that holds it is cut there.
    #[must_use]
    pub fn openings(&self, from: DateTime<Utc>) -> Openings<'_> {
        Openings::new(self, from)
    }

    /// The date that the clocks show.
    #[must_use]
    pub fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        self.zone.local(at).date()
    }

    /// The last date on which it can open, when no weekday does: after it nothing opens any more.
    pub(crate) fn last_chance(&self) -> Option<NaiveDate> {
        match self.week.never_opens() {
            true => Some(self.overrides.last_open().map_or(NaiveDate::MIN, |date| days_later(date, 1))),
            false => None,
        }
    }
}

fn minute_of_day(time: chrono::NaiveTime) -> u32 {
    use chrono::Timelike;
    time.hour() * 60 + time.minute()
}

/// Calendars by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendars(BTreeMap<String, Calendar>);

impl Calendars {
    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Calendar> {
        self.0.get(name)
    }

    /// The one of this name, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Calendar> {
        self.0.get_mut(name)
    }

    /// Adds one, in place of one of the same name.
    pub fn add(&mut self, calendar: Calendar) {
        self.0.insert(calendar.name.clone(), calendar);
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Calendar> {
        self.0.values()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
