//! Calendars and overrides in TOML: the operator's own, and the shipped ones in the same form.
//!
//! ```toml
//! [[calendar]]
//! name = "workshop"
//! zone = "Asia/Shanghai"
//! follows = "cn"                       # official holidays and make-up workdays
//! makeup = ["09:00-12:00"]             # optional: windows of a make-up workday
//! [calendar.windows]
//! mon-fri = ["09:00-12:00", "13:30-18:00"]
//! sat = ["09:00-12:00"]
//!
//! [[override]]
//! calendar = "workshop"
//! date = 2026-05-06                    # or from = 2026-05-06, to = 2026-05-08
//! kind = "open"                        # or "closed"
//! windows = ["10:00-16:00"]            # optional
//! reason = "stock-taking"
//! status = "provisional"               # optional; else official
//! ```

use chrono::{NaiveDate, Weekday};
use serde::Deserialize;
use toml::Spanned;

use super::official::OfficialYear;
use super::overrides::{Override, OverrideKind, Status};
use super::window::{self, Week, Window};
use super::{Calendar, Calendars};
use crate::mistake::{Mistake, Mistakes};
use crate::zone::{Zone, days_later};

/// No range of dates of one override is longer.
const LONGEST_RANGE: u64 = 400;
/// No file brings more overrides.
const MOST_OVERRIDES: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    official: Option<OfficialEntry>,
    #[serde(default)]
    calendar: Vec<CalendarEntry>,
    #[serde(default, rename = "override")]
    overrides: Vec<OverrideEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficialEntry {
    country: String,
    year: i32,
    title: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarEntry {
    name: Spanned<String>,
    zone: Spanned<String>,
    follows: Option<Spanned<String>>,
    makeup: Option<WindowTexts>,
    windows: WeekEntry,
}

type WindowTexts = Spanned<Vec<Spanned<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WeekEntry {
    daily: Option<WindowTexts>,
    #[serde(rename = "mon-fri")]
    mon_fri: Option<WindowTexts>,
    mon: Option<WindowTexts>,
    tue: Option<WindowTexts>,
    wed: Option<WindowTexts>,
    thu: Option<WindowTexts>,
    fri: Option<WindowTexts>,
    sat: Option<WindowTexts>,
    sun: Option<WindowTexts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideEntry {
    calendar: Option<Spanned<String>>,
    date: Option<Spanned<toml::Value>>,
    from: Option<Spanned<toml::Value>>,
    to: Option<Spanned<toml::Value>>,
    kind: Spanned<OverrideKind>,
    windows: Option<WindowTexts>,
    reason: Spanned<String>,
    source: Option<String>,
    #[serde(default)]
    status: Status,
}

/// Reads calendars and overrides from the text of a file into `known`, which stays as it is when there is a
/// mistake. An override names one of the known calendars or one of the same file.
///
/// # Errors
/// Every mistake with its place; of what is not TOML, the first.
pub fn read(file: &str, text: &str, known: &Calendars) -> Result<Calendars, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file, text);
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => return Err(mistakes.of_toml(&error)),
    };
    let mut calendars = known.clone();
    for entry in &read.calendar {
        if let Some(calendar) = calendar(entry, &mut mistakes) {
            calendars.add(calendar);
        }
    }
    let mut count = 0;
    for entry in &read.overrides {
        let Some(calendar) = named(entry, &read.calendar, &mut calendars, &mut mistakes) else { continue };
        for this in overrides(entry, file, &mut mistakes) {
            count += 1;
            if let Err(wrong) = calendar.add_own(this) {
                mistakes.add(entry.kind.span(), wrong);
            }
        }
    }
    if count > MOST_OVERRIDES {
        mistakes.add(0..0, format!("{count} dates are overridden; at most {MOST_OVERRIDES} are kept"));
    }
    mistakes.or(calendars)
}

/// Reads the official days of a year.
pub(super) fn read_official(file: &str, text: &str) -> Result<OfficialYear, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file, text);
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => return Err(mistakes.of_toml(&error)),
    };
    let mut year = OfficialYear::default();
    match read.official {
        Some(OfficialEntry { country, year: which, title, source }) => {
            year = OfficialYear { country, year: which, title, source, overrides: Vec::new() };
        }
        None => mistakes.add(0..0, "no [official] with country, year, title and source"),
    }
    for entry in &read.overrides {
        year.overrides.extend(overrides(entry, &year.source, &mut mistakes));
    }
    mistakes.or(year)
}

fn calendar(entry: &CalendarEntry, mistakes: &mut Mistakes<'_>) -> Option<Calendar> {
    let name = entry.name.get_ref();
    if name.is_empty() || name.len() > 60 {
        mistakes.add(entry.name.span(), "a calendar's name has 1 to 60 bytes");
    }
    let zone = match Zone::named(entry.zone.get_ref()) {
        Ok(zone) => Some(zone),
        Err(wrong) => {
            mistakes.add(entry.zone.span(), wrong);
            None
        }
    };
    let week = week(&entry.windows, mistakes);
    let makeup = entry.makeup.as_ref().map(|texts| windows(texts, mistakes));
    let mut calendar = Calendar::new(name, zone?, week);
    if let Some(makeup) = makeup {
        calendar = calendar.with_makeup(makeup).ok()?;
    }
    if let Some(country) = &entry.follows {
        let years = super::official::years_of(country.get_ref());
        if years.is_empty() {
            let message =
                format!("no official days of `{}` are known; `cn` is", country.get_ref().escape_debug());
            mistakes.add(country.span(), message);
        }
        calendar = calendar.following(country.get_ref());
        years.iter().for_each(|year| calendar.add_official_year(year));
    }
    Some(calendar)
}

/// A weekday of its own outweighs `mon-fri`, and that outweighs `daily`.
fn week(entry: &WeekEntry, mistakes: &mut Mistakes<'_>) -> Week {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let mut week = Week::default();
    let groups: [(&Option<WindowTexts>, &[Weekday]); 9] = [
        (&entry.daily, &[Mon, Tue, Wed, Thu, Fri, Sat, Sun]),
        (&entry.mon_fri, &[Mon, Tue, Wed, Thu, Fri]),
        (&entry.mon, &[Mon]),
        (&entry.tue, &[Tue]),
        (&entry.wed, &[Wed]),
        (&entry.thu, &[Thu]),
        (&entry.fri, &[Fri]),
        (&entry.sat, &[Sat]),
        (&entry.sun, &[Sun]),
    ];
    for (texts, weekdays) in groups {
        let Some(texts) = texts else { continue };
        let read = windows(texts, mistakes);
        for weekday in weekdays {
            // Windows that do not go together were reported when they were read.
            let _ = week.set(*weekday, read.clone());
        }
    }
    week
}

fn windows(texts: &WindowTexts, mistakes: &mut Mistakes<'_>) -> Vec<Window> {
    let mut read = Vec::new();
    for text in texts.get_ref() {
        match text.get_ref().parse() {
            Ok(window) => read.push(window),
            Err(wrong) => mistakes.add(text.span(), wrong),
        }
    }
    window::in_order(read).unwrap_or_else(|wrong| {
        mistakes.add(texts.span(), wrong);
        Vec::new()
    })
}

fn named<'c>(
    entry: &OverrideEntry,
    declared: &[CalendarEntry],
    calendars: &'c mut Calendars,
    mistakes: &mut Mistakes<'_>,
) -> Option<&'c mut Calendar> {
    let name = match (&entry.calendar, declared) {
        (Some(name), _) => name,
        (None, [only]) => &only.name,
        (None, _) => {
            mistakes.add(entry.kind.span(), "an override of which calendar? add calendar = \"cn-office\"");
            return None;
        }
    };
    if calendars.get(name.get_ref()).is_none() {
        let known: Vec<&str> = calendars.names().collect();
        let message =
            format!("no calendar `{}`; known are {}", name.get_ref().escape_debug(), known.join(", "));
        mistakes.add(name.span(), message);
        return None;
    }
    calendars.get_mut(name.get_ref())
}

fn overrides(entry: &OverrideEntry, source: &str, mistakes: &mut Mistakes<'_>) -> Vec<Override> {
    let Some((first, last)) = range(entry, mistakes) else { return Vec::new() };
    let windows = entry.windows.as_ref().map(|texts| windows(texts, mistakes));
    if let (OverrideKind::Closed, Some(texts)) = (entry.kind.get_ref(), &entry.windows) {
        mistakes
            .add(texts.span(), "a closed date has no windows; leave them out, or make it kind = \"open\"");
    }
    if entry.reason.get_ref().trim().is_empty() {
        mistakes.add(entry.reason.span(), "say why: the reason is shown with every deadline that it moves");
    }
    let dates = (0..=LONGEST_RANGE).map(|days| days_later(first, days)).take_while(|date| *date <= last);
    dates
        .map(|date| Override {
            date,
            kind: *entry.kind.get_ref(),
            windows: windows.clone(),
            reason: entry.reason.get_ref().clone(),
            source: entry.source.clone().unwrap_or_else(|| source.to_owned()),
            status: entry.status,
        })
        .collect()
}

fn range(entry: &OverrideEntry, mistakes: &mut Mistakes<'_>) -> Option<(NaiveDate, NaiveDate)> {
    let (first, last) = match (&entry.date, &entry.from, &entry.to) {
        (Some(date), None, None) => (date, date),
        (None, Some(from), Some(to)) => (from, to),
        _ => {
            let message = "an override has either date = 2026-05-06 or both from and to";
            mistakes.add(entry.kind.span(), message);
            return None;
        }
    };
    let (from, to) = (date(first, mistakes)?, date(last, mistakes)?);
    let days = to.signed_duration_since(from).num_days();
    if days < 0 {
        mistakes.add(last.span(), format!("the range ends on {to}, before it begins on {from}"));
        return None;
    }
    if days.unsigned_abs() > LONGEST_RANGE {
        let message =
            format!("the range has {} days; at most {LONGEST_RANGE}: change the week instead", days + 1);
        mistakes.add(last.span(), message);
        return None;
    }
    Some((from, to))
}

/// A date of TOML, or the same in quotes.
fn date(value: &Spanned<toml::Value>, mistakes: &mut Mistakes<'_>) -> Option<NaiveDate> {
    let text = match value.get_ref() {
        toml::Value::String(text) => text.clone(),
        toml::Value::Datetime(date) if date.time.is_none() => date.to_string(),
        other => other.to_string(),
    };
    let read =
        text.parse::<NaiveDate>().ok().filter(|date| (1970..=2200).contains(&chrono::Datelike::year(date)));
    if read.is_none() {
        let shown: String = text.chars().take(40).collect();
        mistakes.add(value.span(), format!("`{}` is no date; write 2026-05-06", shown.escape_debug()));
    }
    read
}
