//! Which period a bill is of, where nobody says: what our own records span, so that a corrected file of
//! the other party is a bill of the same period.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta};

/// Records at the edge of a day are written in zones of either side: so much is no day more.
const EDGE: TimeDelta = TimeDelta::hours(1);
/// A month in another zone begins or ends a day off.
const SLACK: i64 = 1;

/// The name of a span of time: a month as `2026-10`, else days as `2026-10-05/2026-10-11`.
#[must_use]
pub fn name(span_ms: Option<[i64; 2]>) -> String {
    let days = span_ms.and_then(|[from, to]| {
        let (from, to) = (DateTime::from_timestamp_millis(from)?, DateTime::from_timestamp_millis(to)?);
        let (from, to) = (from.min(to), to.max(from));
        let inner = ((from + EDGE).date_naive(), (to - EDGE).date_naive());
        Some(if inner.0 <= inner.1 { inner } else { (from.date_naive(), from.date_naive()) })
    });
    match days {
        None => "undated".to_owned(),
        Some((from, to)) => month(from, to).unwrap_or_else(|| match from == to {
            true => from.to_string(),
            false => format!("{from}/{to}"),
        }),
    }
}

/// The month that the days are, but for a day at either end.
fn month(from: NaiveDate, to: NaiveDate) -> Option<String> {
    let middle = from + TimeDelta::days((to - from).num_days() / 2);
    let first = middle.with_day(1)?;
    let next = first.checked_add_months(chrono::Months::new(1))?;
    let last = next.pred_opt()?;
    let is_near = |one: NaiveDate, other: NaiveDate| (one - other).num_days().abs() <= SLACK;
    (is_near(from, first) && is_near(to, last)).then(|| first.format("%Y-%m").to_string())
}

/// A period as people write it: a month, a day, or days from and to.
#[must_use]
pub fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    if text.len() == 7 && day(&format!("{text}-01")).is_some() {
        return Some(text.to_owned());
    }
    match text.split_once('/') {
        None => day(text).map(|day| day.to_string()),
        Some((from, to)) => {
            let (from, to) = (day(from.trim())?, day(to.trim())?);
            (from <= to).then(|| if from == to { from.to_string() } else { format!("{from}/{to}") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(from: &str, to: &str) -> String {
        let ms = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        name(Some([ms(from), ms(to)]))
    }

    #[test]
    fn a_month_is_a_month_in_any_zone_and_a_week_is_its_days() {
        assert_eq!(name_of("2026-10-01T00:00:07Z", "2026-10-31T23:59:30Z"), "2026-10");
        assert_eq!(name_of("2026-09-30T16:00:07Z", "2026-10-31T15:59:30Z"), "2026-10", "in Shanghai");
        assert_eq!(name_of("2026-10-01T05:00:07Z", "2026-11-01T04:59:30Z"), "2026-10", "in New York");
        assert_eq!(name_of("2026-10-05T00:10:00Z", "2026-10-11T23:10:00Z"), "2026-10-05/2026-10-11");
        assert_eq!(name_of("2026-10-05T08:10:00Z", "2026-10-05T20:10:00Z"), "2026-10-05");
        assert_eq!(name_of("2026-10-05T08:10:00Z", "2026-10-05T08:10:00Z"), "2026-10-05");
        assert_eq!(name(None), "undated");
        assert_eq!(name(Some([i64::MAX, i64::MIN])), "undated");
    }

    #[test]
    fn a_period_is_read_as_people_write_it() {
        assert_eq!(parse("2026-10").as_deref(), Some("2026-10"));
        assert_eq!(parse(" 2026-10-05 / 2026-10-11 ").as_deref(), Some("2026-10-05/2026-10-11"));
        assert_eq!(parse("2026-10-05").as_deref(), Some("2026-10-05"));
        for wrong in ["", "October", "2026-13", "2026-10-11/2026-10-05", "2026-1", "2026-10:x"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
