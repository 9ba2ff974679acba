//! The vectors of tickets.md 7.4, by their names, and what stands at their edges.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};

use super::*;
use crate::calendar::official::cn_office;
use crate::calendar::{Week, Window};
use crate::zone::Zone;

fn instant(zone: &Zone, local: &str) -> DateTime<Utc> {
    let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("a local time");
    zone.instant(local).earliest()
}

fn span(text: &str) -> Span {
    text.parse().expect("a span")
}

fn interval(zone: &Zone, from: &str, to: &str) -> Interval {
    Interval::new(instant(zone, from), instant(zone, to)).expect("forwards")
}

#[test]
fn every_vector_of_the_procedure_is_due_to_the_minute() {
    let calendar = cn_office();
    let zone = calendar.zone();
    let none: &[(&str, &str)] = &[];
    let vectors = [
        ("V1", "2026-03-02 10:00", "120 business minutes", none, "2026-03-02T04:00:00Z"),
        ("V2", "2026-03-02 11:00", "120 business minutes", none, "2026-03-02T06:30:00Z"),
        ("V4", "2026-03-02 09:00", "450 business minutes", none, "2026-03-02T10:00:00Z"),
        ("V5", "2026-03-02 09:00", "451 business minutes", none, "2026-03-03T01:01:00Z"),
        ("V6", "2026-03-06 17:00", "120 business minutes", none, "2026-03-09T02:00:00Z"),
        ("V7", "2026-03-07 10:00", "30 business minutes", none, "2026-03-09T01:30:00Z"),
        ("V8", "2026-02-13 17:30", "240 business minutes", none, "2026-02-14T06:00:00Z"),
        ("V10", "2026-02-18 10:00", "60 business minutes", none, "2026-02-24T02:00:00Z"),
        ("V12", "2026-10-09 17:00", "120 business minutes", none, "2026-10-10T02:00:00Z"),
        ("V13", "2026-10-10 17:30", "60 business minutes", none, "2026-10-12T01:30:00Z"),
        ("V15", "2025-09-26 17:00", "120 business minutes", none, "2025-09-28T02:00:00Z"),
        (
            "V16",
            "2026-03-02 09:00",
            "240 business minutes",
            &[("2026-03-02 10:00", "2026-03-02 16:00")],
            "2026-03-03T02:00:00Z",
        ),
        (
            "V18",
            "2026-03-06 16:00",
            "240 business minutes",
            &[("2026-03-06 19:00", "2026-03-08 12:00")],
            "2026-03-09T03:00:00Z",
        ),
        ("V20", "2026-02-13 10:00", "3 working days", none, "2026-02-25T10:00:00Z"),
        ("V23", "2026-09-18 15:00", "3 working days", none, "2026-09-22T10:00:00Z"),
        ("V25", "2026-02-13 17:30", "24 hours", none, "2026-02-14T09:30:00Z"),
    ];
    for (name, start, length, pauses, expected) in vectors {
        let pauses: Vec<Interval> = pauses.iter().map(|(from, to)| interval(zone, from, to)).collect();
        let answer = due(&calendar, instant(zone, start), span(length), &pauses).expect(name);
        assert_eq!(answer.due, expected.parse::<DateTime<Utc>>().expect(name), "{name}");
        assert!(!answer.provisional, "{name}");
    }
}

#[test]
fn v27_a_day_in_berlin_is_24_hours_also_when_the_clocks_are_set_forward() {
    let zone = Zone::named("Europe/Berlin").expect("Berlin");
    let calendar = Calendar::new("berlin", zone, Week::default());
    let start = instant(calendar.zone(), "2026-03-28 12:00");
    let answer = due(&calendar, start, span("24 hours"), &[]).expect("elapsed time needs no window");
    assert_eq!(calendar.zone().local(answer.due).to_string(), "2026-03-29 13:00:00");
    assert_eq!(answer.due.to_rfc3339(), "2026-03-29T11:00:00+00:00");
}

#[test]
fn calendar_days_and_months_end_at_midnight_of_the_last_day() {
    let calendar = cn_office();
    let start = instant(calendar.zone(), "2026-01-31 15:00");
    for (length, expected) in [
        ("15 calendar days", "2026-02-16 00:00:00"),
        ("1 calendar day", "2026-02-02 00:00:00"),
        ("1 calendar month", "2026-03-01 00:00:00"),
        ("2 calendar months", "2026-04-01 00:00:00"),
    ] {
        let answer = due(&calendar, start, span(length), &[]).expect("days come");
        assert_eq!(calendar.zone().local(answer.due).to_string(), expected, "{length}");
    }
}

#[test]
fn a_pause_over_a_whole_working_day_gives_one_more_and_two_hours_give_two() {
    let calendar = cn_office();
    let zone = calendar.zone();
    let start = instant(zone, "2026-03-02 15:00");
    let ends = |pause: (&str, &str)| {
        let answer = due(&calendar, start, span("3 working days"), &[interval(zone, pause.0, pause.1)]);
        zone.local(answer.expect("an office opens").due).to_string()
    };
    assert_eq!(ends(("2026-03-03 09:00", "2026-03-04 09:00")), "2026-03-06 18:00:00");
    assert_eq!(ends(("2026-03-03 00:00", "2026-03-04 00:00")), "2026-03-06 18:00:00");
    assert_eq!(ends(("2026-03-03 10:00", "2026-03-03 12:00")), "2026-03-06 11:00:00");
    assert_eq!(ends(("2026-03-03 12:00", "2026-03-03 13:30")), "2026-03-05 18:00:00", "at lunch: nothing");
    assert_eq!(ends(("2026-03-05 18:00", "2026-03-09 12:00")), "2026-03-05 18:00:00", "after it: nothing");
}

#[test]
fn a_pause_of_an_elapsed_deadline_moves_it_by_its_length() {
    let calendar = cn_office();
    let zone = calendar.zone();
    let start = instant(zone, "2026-03-06 16:00");
    let pauses = [
        interval(zone, "2026-03-06 20:00", "2026-03-07 02:00"),
        interval(zone, "2026-03-07 01:00", "2026-03-07 03:00"),
        interval(zone, "2026-03-01 00:00", "2026-03-02 00:00"),
    ];
    let answer = due(&calendar, start, span("24 hours"), &pauses).expect("it resumes");
    assert_eq!(zone.local(answer.due).to_string(), "2026-03-07 23:00:00");
}

#[test]
fn a_due_time_beyond_the_official_years_is_provisional() {
    let calendar = cn_office();
    let zone = calendar.zone();
    for (start, length, provisional) in [
        ("2026-12-31 17:00", "60 business minutes", false),
        ("2026-12-31 17:00", "61 business minutes", true),
        ("2026-12-30 17:00", "1 working day", false),
        ("2026-12-31 09:00", "1 working day", true),
        ("2026-12-31 09:00", "24 hours", false),
        ("2023-12-29 09:00", "30 business minutes", true),
    ] {
        let answer = due(&calendar, instant(zone, start), span(length), &[]).expect("an office opens");
        assert_eq!(answer.provisional, provisional, "{start} {length}");
    }
}

#[test]
fn a_calendar_that_never_opens_is_told_and_not_searched_for_ever() {
    let never = Calendar::new("never", Zone::utc(), Week::default());
    let start = "2026-03-02T10:00:00Z".parse().expect("an instant");
    for length in ["1 business minute", "1 working day"] {
        let error = due(&never, start, span(length), &[]).expect_err("it never opens");
        assert!(error.to_string().contains("`never` does not open"), "{error}");
    }
    // A minute a week is open for less than 1000 minutes in ten years.
    let seldom = Week::of(&[chrono::Weekday::Mon], &[Window::new(540, 541).expect("a window")]);
    let seldom = Calendar::new("seldom", Zone::utc(), seldom.expect("one window"));
    assert!(due(&seldom, start, span("1000 business minutes"), &[]).is_err());
    assert!(due(&seldom, start, span("500 business minutes"), &[]).is_ok());
}

#[test]
fn the_ends_of_time_and_endless_pauses_are_errors_and_no_panic() {
    let calendar = cn_office();
    let spans =
        ["3650 calendar days", "87600 hours", "1 business minute", "117 calendar months", "1 working day"];
    let start = "2026-03-02T10:00:00Z".parse::<DateTime<Utc>>().expect("an instant");
    for length in spans {
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(due(&calendar, at, span(length), &[]), Err(DueError::Start(at)));
        }
        let endless = Interval::new(start, DateTime::<Utc>::MAX_UTC).expect("forwards");
        assert!(due(&calendar, start, span(length), &[endless]).is_err(), "{length}");
    }
}

#[test]
fn the_trace_names_the_overrides_that_mattered_and_what_a_pause_gave_back() {
    let calendar = cn_office();
    let zone = calendar.zone();
    let pause = interval(zone, "2026-02-13 17:45", "2026-02-14 10:00");
    let start = instant(zone, "2026-02-13 17:30");
    let answer = due(&calendar, start, span("480 business minutes"), &[pause]).expect("an office opens");
    let notice = "https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm";
    let opened = answer.trace.iter().any(|step| match step {
        Step::Window { date, by: Some(by), .. } => date.day() == 14 && by.source == notice,
        _ => false,
    });
    assert!(opened, "the make-up Saturday is cited: {:#?}", answer.trace);
    let returned = answer.trace.iter().find_map(|step| match step {
        Step::Paused { returned_seconds, .. } => Some(*returned_seconds),
        _ => None,
    });
    assert_eq!(returned, Some((15 + 60) * 60));
    let closed = answer.trace.iter().any(|step| match step {
        Step::Closed { first, last, by } => {
            (first.to_string(), last.to_string()) == ("2026-02-16".to_owned(), "2026-02-23".to_owned())
                && by.source == notice
        }
        _ => false,
    });
    assert!(closed, "Spring Festival is cited: {:#?}", answer.trace);
    assert_eq!(answer.trace.last(), Some(&Step::Due { at: answer.due }));
}

#[test]
fn a_long_deadline_has_a_trace_of_bounded_length() {
    let calendar = cn_office();
    let start = instant(calendar.zone(), "2024-01-02 09:00");
    let answer = due(&calendar, start, span("200000 business minutes"), &[]).expect("an office opens");
    assert!(answer.trace.len() < 200, "{}", answer.trace.len());
    let seconds: i64 = answer
        .trace
        .iter()
        .map(|step| match step {
            Step::Window { seconds, .. } | Step::Further { seconds, .. } => *seconds,
            _ => 0,
        })
        .sum();
    assert_eq!(TimeDelta::seconds(seconds), TimeDelta::minutes(200_000));
}
