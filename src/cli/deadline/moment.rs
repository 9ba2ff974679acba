//! Times as people type them: on the clocks of a zone, or with an offset of their own.
//!
//! Absent on purpose: any guess in silence. A time that the clocks show twice or leave out is taken at its
//! first instant, and that is said.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Offset, Utc};
use linesman_deadlines::{Interval, Local, Zone};

use crate::locale::Message;

/// How a time is written, to the minute, the second, or finer.
const FORMS: [&str; 3] = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f"];

/// The instant of a text; what has to be said of it is added to the notes.
///
/// # Errors
/// When it is no time, with what mends it.
pub(super) fn instant(text: &str, zone: &Zone, notes: &mut Vec<Message>) -> Result<DateTime<Utc>, String> {
    let wrong = || {
        let shown: String = text.chars().take(60).collect();
        format!(
            "`{}` is no time; write it as 2026-03-02 10:00 on the clocks of {zone}, or with its offset as \
             2026-03-02T10:00:00+08:00",
            shown.escape_debug()
        )
    };
    let (local, offset) = read(text.trim()).ok_or_else(wrong)?;
    if let Some(offset) = offset {
        let naive = local.checked_sub_offset(offset).ok_or_else(wrong)?;
        return Ok(naive.and_utc());
    }
    let meant = zone.instant(local);
    let note = |key| Message::new(key).with("zone", zone).with("time", local.format("%Y-%m-%d %H:%M:%S"));
    match meant {
        Local::Once(_) => {}
        Local::Twice(first, second) => {
            let note = note("deadline.twice").with("first", with_offset(first, zone));
            notes.push(note.with("second", with_offset(second, zone)));
        }
        Local::Never(at) => notes.push(note("deadline.never").with("taken", with_offset(at, zone))),
    }
    Ok(meant.earliest())
}

/// The pause of a text `FROM/TO`.
///
/// # Errors
/// When it is none, or ends before it begins.
pub(super) fn pause(text: &str, zone: &Zone, notes: &mut Vec<Message>) -> Result<Interval, String> {
    let halves = text.split_once('/');
    let (from, to) = halves.ok_or_else(|| {
        let shown: String = text.chars().take(60).collect();
        format!(
            "`{}` is no pause; write its begin and its end as 2026-03-02 10:00/2026-03-02 16:00",
            shown.escape_debug()
        )
    })?;
    let (from, to) = (instant(from, zone, notes)?, instant(to, zone, notes)?);
    Interval::new(from, to).map_err(|backwards| backwards.to_string())
}

/// What the clocks of a zone show at an instant, with their offset from UTC.
pub(super) fn on_the_clocks(at: DateTime<Utc>, zone: &Zone) -> DateTime<FixedOffset> {
    let east = zone.local(at).signed_duration_since(at.naive_utc()).num_seconds();
    let offset = i32::try_from(east).ok().and_then(FixedOffset::east_opt);
    at.with_timezone(&offset.unwrap_or(Utc.fix()))
}

/// In a form that [`instant`] reads back.
fn with_offset(at: DateTime<Utc>, zone: &Zone) -> String {
    on_the_clocks(at, zone).format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

fn read(text: &str) -> Option<(NaiveDateTime, Option<FixedOffset>)> {
    let (local, offset) = split(text)?;
    let local = local.trim_end().replacen(['T', 't'], " ", 1);
    let read = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(&local, form).ok())?;
    // What comes before and after is not written alike.
    let read = (0..=9999).contains(&read.year()).then_some(read)?;
    Some((read, offset))
}

/// A text without its offset, and the offset.
fn split(text: &str) -> Option<(&str, Option<FixedOffset>)> {
    let utc = ["Z", "z", "UTC"].iter().find_map(|word| text.strip_suffix(word));
    if let Some(local) = utc {
        return Some((local, Some(Utc.fix())));
    }
    // A sign after the first colon belongs to an offset, one before to the date.
    let clock = text.find(':')?;
    let Some(sign) = text[clock..].find(['+', '-']) else { return Some((text, None)) };
    let (local, written) = text.split_at(clock + sign);
    let digits = written[1..].replace(':', "");
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(2);
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().unwrap_or(0));
    let seconds = (minutes < 60).then_some(hours * 3_600 + minutes * 60)?;
    let east = if written.starts_with('-') { -seconds } else { seconds };
    Some((local, Some(FixedOffset::east_opt(east)?)))
}

#[cfg(test)]
mod tests {
    use chrono::SubsecRound;
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::named(name).expect("a zone")
    }

    fn read_in(text: &str, name: &str) -> (Result<String, String>, Vec<String>) {
        let mut notes = Vec::new();
        let read = instant(text, &zone(name), &mut notes).map(|at| at.to_rfc3339());
        (read, notes.into_iter().map(|note| note.key).collect())
    }

    #[test]
    fn a_time_is_read_on_the_clocks_of_the_zone_unless_it_brings_its_offset() {
        for text in [
            "2026-03-02 10:00",
            "2026-03-02T10:00",
            "2026-03-02 10:00:00",
            "2026-03-02T10:00:00.000",
            " 2026-03-02T10:00:00+08:00 ",
            "2026-03-02 10:00 +0800",
            "2026-03-02 10:00+08",
            "2026-03-02T02:00:00Z",
            "2026-03-02 02:00:00 UTC",
            "2026-03-01T21:00:00-05:00",
        ] {
            let expected = (Ok("2026-03-02T02:00:00+00:00".to_owned()), Vec::new());
            assert_eq!(read_in(text, "Asia/Shanghai"), expected, "{text}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_or_never_is_taken_at_its_first_instant_and_said() {
        let twice = read_in("2026-10-25 02:30", "Europe/Berlin");
        assert_eq!(twice, (Ok("2026-10-25T00:30:00+00:00".to_owned()), vec!["deadline.twice".to_owned()]));
        let never = read_in("2026-03-29 02:30", "Europe/Berlin");
        assert_eq!(never, (Ok("2026-03-29T01:00:00+00:00".to_owned()), vec!["deadline.never".to_owned()]));
        let told = read_in("2026-10-25 02:30+01:00", "Europe/Berlin");
        assert_eq!(told, (Ok("2026-10-25T01:30:00+00:00".to_owned()), Vec::new()));
    }

    #[test]
    fn what_is_no_time_is_refused_with_how_one_is_written() {
        for text in [
            "",
            "now",
            "2026-03-02",
            "2026-02-30 10:00",
            "10:00",
            "2026-03-02 25:00",
            "2026-03-02 10:00+8",
            "+262142-12-31 23:59",
        ] {
            let error = read_in(text, "Asia/Shanghai").0.expect_err(text);
            assert!(error.contains("2026-03-02 10:00 on the clocks of Asia/Shanghai"), "{error}");
        }
        let error = pause("2026-03-02 10:00", &Zone::utc(), &mut Vec::new()).expect_err("no end");
        assert!(error.contains("begin and its end"), "{error}");
        let backwards = pause("2026-03-02 16:00/2026-03-02 10:00", &Zone::utc(), &mut Vec::new());
        assert!(backwards.expect_err("backwards").contains("swap"));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[0-9TZ :+./-]{0,40}|\\PC{0,40}") {
            let berlin = zone("Europe/Berlin");
            let _ = pause(&text, &berlin, &mut Vec::new());
            let mut notes = Vec::new();
            if let Ok(at) = instant(&text, &berlin, &mut notes) {
                let again = instant(&with_offset(at, &berlin), &berlin, &mut notes);
                prop_assert!(again.is_err() || again == Ok(at.trunc_subsecs(0)));
            }
        }
    }
}
