//! The shipped calendars, and the official days of China by year, each with the notice it stands in.
//!
//! The State Council sets the days of a year by a notice in the autumn before; a year without one here is
//! provisional until [`read_year`] has read its file and [`Calendar::add_official_year`] has taken it in.

use std::sync::LazyLock;

use serde::Serialize;

use super::overrides::Override;
use super::{Calendar, Calendars, file};
use crate::mistake::Mistake;

/// The official days of a country in a year.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct OfficialYear {
    /// Country by ISO 3166-1, in lower case.
    pub country: String,
    /// Which year.
    pub year: i32,
    /// Title of the notice.
    pub title: String,
    /// Address of the notice.
    pub source: String,
    /// Holidays and make-up workdays.
    pub overrides: Vec<Override>,
}

const YEARS: [(&str, &str); 3] = [
    ("cn-2024.toml", include_str!("data/cn-2024.toml")),
    ("cn-2025.toml", include_str!("data/cn-2025.toml")),
    ("cn-2026.toml", include_str!("data/cn-2026.toml")),
];

const CALENDARS: (&str, &str) = ("calendars.toml", include_str!("data/calendars.toml"));

static SHIPPED_YEARS: LazyLock<Vec<OfficialYear>> =
    LazyLock::new(|| YEARS.iter().filter_map(|(name, text)| read_year(name, text).ok()).collect());

static SHIPPED: LazyLock<Calendars> =
    LazyLock::new(|| file::read(CALENDARS.0, CALENDARS.1, &Calendars::default()).unwrap_or_default());

/// The shipped calendars as they are written: what a file of own ones looks like.
pub const CALENDARS_TEXT: &str = CALENDARS.1;

/// Reads a year's file, in the form of the shipped ones.
///
/// # Errors
/// Every mistake with its place.
pub fn read_year(file: &str, text: &str) -> Result<OfficialYear, Vec<Mistake>> {
    file::read_official(file, text)
}

/// The shipped years of a country.
#[must_use]
pub fn years_of(country: &str) -> Vec<&'static OfficialYear> {
    SHIPPED_YEARS.iter().filter(|year| year.country == country).collect()
}

/// The shipped calendars: `cn-office` (tickets.md 7.4) and `always`.
#[must_use]
pub fn calendars() -> Calendars {
    SHIPPED.clone()
}

/// The calendar `cn-office` of tickets.md 7.4: Asia/Shanghai, Monday to Friday 09:00-12:00 and 13:30-18:00,
/// with China's holidays and make-up workdays.
#[must_use]
pub fn cn_office() -> Calendar {
    let shipped = SHIPPED.get("cn-office").cloned();
    shipped.unwrap_or_else(|| Calendar::new("cn-office", crate::Zone::utc(), super::Week::default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::OverrideKind;
    use chrono::{Datelike, NaiveDate};

    #[test]
    fn what_is_shipped_is_read_without_a_mistake() {
        for (name, text) in YEARS {
            let year = read_year(name, text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
            assert!(year.source.starts_with("https://www.gov.cn/"), "{name}");
            assert!(year.overrides.iter().all(|this| this.date.year() == year.year), "{name}");
            assert!(year.overrides.iter().all(|this| this.source == year.source), "{name}");
        }
        file::read(CALENDARS.0, CALENDARS.1, &Calendars::default())
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        assert_eq!(calendars().names().collect::<Vec<_>>(), ["always", "cn-office"]);
        assert_eq!(cn_office().official_until(), NaiveDate::from_ymd_opt(2026, 12, 31));
    }

    #[test]
    fn the_years_have_as_many_holidays_and_worked_weekends_as_their_notices() {
        let counts: Vec<(i32, usize, usize)> = years_of("cn")
            .iter()
            .map(|year| {
                let of = |kind| year.overrides.iter().filter(|this| this.kind == kind).count();
                (year.year, of(OverrideKind::Closed), of(OverrideKind::Open))
            })
            .collect();
        assert_eq!(counts, [(2024, 28, 8), (2025, 28, 5), (2026, 33, 6)]);
    }

    #[test]
    fn every_make_up_workday_falls_on_a_weekend() {
        use chrono::Weekday::{Sat, Sun};
        for year in years_of("cn") {
            for this in year.overrides.iter().filter(|this| this.kind == OverrideKind::Open) {
                assert!(matches!(this.date.weekday(), Sat | Sun), "{}", this.date);
                assert!(cn_office().is_working_day(this.date));
            }
        }
    }
}
