//! The arithmetic against a walk that knows none of it: minute by minute, reading the clocks on the wall.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc, Weekday};
use proptest::prelude::*;

use super::*;
use crate::calendar::{Override, OverrideKind, Status, Week, Window, window};
use crate::zone::Zone;

const ZONES: [(&str, &str); 8] = [
    ("Asia/Shanghai", "2026-02-10T00:00:00Z"),
    ("Europe/Berlin", "2026-03-26T00:00:00Z"),
    ("Europe/Berlin", "2026-10-22T00:00:00Z"),
    ("America/New_York", "2026-03-05T00:00:00Z"),
    ("America/New_York", "2026-10-30T00:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-02T00:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-01T00:00:00Z"),
    ("Pacific/Apia", "2011-12-27T00:00:00Z"),
];

const WEEKDAYS: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// A calendar and a start some days around a change of the clocks.
#[derive(Debug, Clone)]
struct Case {
    calendar: Calendar,
    zone: jiff::tz::TimeZone,
    start: DateTime<Utc>,
    pauses: Vec<Interval>,
    seen: std::cell::RefCell<std::collections::HashMap<i64, (NaiveDate, u16)>>,
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    // Also within the hour in which clocks are changed, and at midnight.
    let edge =
        prop_oneof![Just(0_u16), Just(60), Just(90), Just(105), Just(120), Just(150), Just(180), 0_u16..1440];
    proptest::collection::vec((edge, 1_u16..700), 0..3).prop_map(|pairs| {
        let cut = |(opens, length): (u16, u16)| Window::new(opens, (opens + length).min(1440)).ok();
        let all: Vec<Window> = pairs.into_iter().filter_map(cut).collect();
        window::in_order(all.clone()).unwrap_or_else(|_| all.into_iter().take(1).collect())
    })
}

fn case() -> impl Strategy<Value = Case> {
    let week = proptest::collection::vec(windows(), 7);
    let overrides = proptest::collection::vec((0_i64..10, any::<bool>(), windows()), 0..4);
    let pauses = proptest::collection::vec((0_i64..12_000, 1_i64..3_000), 0..3);
    (0..ZONES.len(), 0_i64..6_000, week, overrides, pauses).prop_map(
        |(zone, offset, week, overrides, pauses)| {
            let (name, begin) = ZONES[zone];
            let begin: DateTime<Utc> = begin.parse().expect("an instant");
            let mut days = Week::default();
            for (weekday, windows) in WEEKDAYS.into_iter().zip(week) {
                days.set(weekday, windows).expect("they go together");
            }
            // Sunday has a window at least, so that it opens.
            if days.never_opens() {
                days.set(Weekday::Sun, vec![Window::WHOLE_DAY]).expect("one window");
            }
            let mut calendar = Calendar::new("tried", Zone::named(name).expect("a zone"), days);
            for (day, open, windows) in overrides {
                let this = Override {
                    date: begin.date_naive() + TimeDelta::days(day),
                    kind: if open { OverrideKind::Open } else { OverrideKind::Closed },
                    windows: open.then_some(windows),
                    reason: "tried".to_owned(),
                    source: "test".to_owned(),
                    status: Status::Official,
                };
                calendar.add_own(this).expect("they go together");
            }
            let minute = |minutes| begin + TimeDelta::minutes(minutes);
            let pause =
                |(from, length)| Interval::new(minute(from), minute(from + length)).expect("forwards");
            Case {
                calendar,
                zone: jiff::tz::TimeZone::get(name).expect("a zone"),
                start: minute(offset),
                pauses: pauses.into_iter().map(pause).collect(),
                seen: std::cell::RefCell::default(),
            }
        },
    )
}

/// Clocks are not changed within a quarter of an hour, so one look for each is enough.
const QUARTER: i64 = 15;

impl Case {
    /// Date and minute of the day that the clocks show, by the database's own conversion.
    fn wall(&self, at: DateTime<Utc>) -> (NaiveDate, u16) {
        let within = at.timestamp() / 60 % QUARTER;
        let quarter = at.timestamp() - within * 60;
        let mut seen = self.seen.borrow_mut();
        let (date, minute) = *seen.entry(quarter).or_insert_with(|| self.look(quarter));
        (date, minute + u16::try_from(within).expect("a few minutes"))
    }

    fn look(&self, second: i64) -> (NaiveDate, u16) {
        let shown = jiff::Timestamp::from_second(second).expect("in range").to_zoned(self.zone.clone());
        let date = NaiveDate::from_ymd_opt(
            i32::from(shown.year()),
            u32::try_from(shown.month()).expect("a month"),
            u32::try_from(shown.day()).expect("a day"),
        );
        let minute = i32::from(shown.hour()) * 60 + i32::from(shown.minute());
        (date.expect("a date"), u16::try_from(minute).expect("a minute"))
    }

    fn is_open(&self, at: DateTime<Utc>) -> bool {
        let (date, minute) = self.wall(at);
        self.calendar
            .day(date)
            .windows
            .iter()
            .any(|window| window.opens() <= minute && minute < window.closes())
    }

    fn is_paused(&self, at: DateTime<Utc>) -> bool {
        self.pauses.iter().any(|pause| pause.from() <= at && at < pause.to())
    }

    /// When so many minutes have counted.
    fn walk(&self, from: DateTime<Utc>, minutes: u64, in_windows: bool) -> Option<DateTime<Utc>> {
        let mut left = minutes;
        let mut at = from;
        for _ in 0..40_000 {
            if left == 0 {
                return Some(at);
            }
            if (!in_windows || self.is_open(at)) && !self.is_paused(at) {
                left -= 1;
            }
            at += TimeDelta::minutes(1);
        }
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn business_minutes_agree_with_the_minute_walk(case in case(), minutes in 1_u64..900) {
        let answer = due(&case.calendar, case.start, Span::business_minutes(minutes).expect("a span"), &case.pauses);
        if let Some(expected) = case.walk(case.start, minutes, true) {
            prop_assert_eq!(answer.as_ref().map(|answer| answer.due), Ok(expected));
        }
        if let Ok(answer) = answer {
            let told: i64 = answer.trace.iter().map(|step| match step {
                Step::Window { seconds, .. } | Step::Further { seconds, .. } => *seconds,
                _ => 0,
            }).sum();
            prop_assert_eq!(told, i64::try_from(minutes * 60).expect("small"), "the trace adds up");
            let walk = walk::Walk { calendar: &case.calendar, counts: walk::Counts::Windows, pauses: &joined(&case.pauses) };
            prop_assert_eq!(walk.counted(case.start, answer.due), TimeDelta::seconds(told));
        }
    }

    #[test]
    fn elapsed_time_agrees_with_the_minute_walk(case in case(), minutes in 1_u64..4_000) {
        let answer = due(&case.calendar, case.start, Span::seconds(minutes * 60).expect("a span"), &case.pauses);
        let expected = case.walk(case.start, minutes, false).expect("time passes");
        prop_assert_eq!(answer.map(|answer| answer.due), Ok(expected));
    }

    #[test]
    fn working_days_end_where_a_walk_over_the_clocks_sees_the_last_open_minute(case in case(), count in 1_u64..5) {
        let unpaused = Case { pauses: Vec::new(), ..case.clone() };
        let answer = due(&case.calendar, case.start, Span::working_days(count).expect("a span"), &[]);
        let (first, _) = case.wall(case.start);
        let mut days: Vec<NaiveDate> = Vec::new();
        let mut expected = None;
        for minute in 0..40_000 {
            let at = case.start + TimeDelta::minutes(minute);
            let (date, _) = case.wall(at);
            if date <= first || !unpaused.is_open(at) {
                continue;
            }
            if days.last() != Some(&date) {
                days.push(date);
            }
            match u64::try_from(days.len()).expect("few").cmp(&count) {
                std::cmp::Ordering::Equal => expected = Some(at + TimeDelta::minutes(1)),
                std::cmp::Ordering::Greater => break,
                std::cmp::Ordering::Less => {}
            }
        }
        if let Some(expected) = expected {
            prop_assert_eq!(answer.as_ref().map(|answer| answer.due), Ok(expected));
            // With pauses: the open minutes between start and close are the budget, walked with the pauses.
            let open = |at: &DateTime<Utc>| unpaused.is_open(*at);
            let steps = (expected - case.start).num_minutes();
            let budget = (0..steps).map(|minute| case.start + TimeDelta::minutes(minute)).filter(open).count();
            let paused = due(&case.calendar, case.start, Span::working_days(count).expect("a span"), &case.pauses);
            if let Some(walked) = case.walk(case.start, u64::try_from(budget).expect("few"), true) {
                let lost = (0..steps)
                    .map(|minute| case.start + TimeDelta::minutes(minute))
                    .any(|at| unpaused.is_open(at) && case.is_paused(at));
                prop_assert_eq!(paused.map(|answer| answer.due), Ok(if lost { walked } else { expected }));
            }
        }
    }

    #[test]
    fn calendar_days_end_with_the_last_minute_of_their_day(case in case(), count in 1_u64..6) {
        let answer = due(&case.calendar, case.start, Span::calendar_days(count).expect("a span"), &[]).expect("days come");
        let last = case.wall(case.start).0 + chrono::Days::new(count);
        // A day that the clocks leave out ends when it would have begun.
        prop_assert!(case.wall(answer.due - TimeDelta::minutes(1)).0 <= last);
        prop_assert!(case.wall(answer.due).0 > last);
    }

    #[test]
    fn more_pause_never_makes_it_due_earlier(case in case(), minutes in 1_u64..900, more in (0_i64..9_000, 1_i64..2_000)) {
        let begin = case.start + TimeDelta::minutes(more.0 - 1_000);
        let extra = Interval::new(begin, begin + TimeDelta::minutes(more.1)).expect("forwards");
        let mut paused = case.pauses.clone();
        paused.push(extra);
        for span in [Span::business_minutes(minutes), Span::seconds(minutes * 60), Span::working_days(minutes % 4 + 1)] {
            let span = span.expect("a span");
            let (before, after) =
                (due(&case.calendar, case.start, span, &case.pauses), due(&case.calendar, case.start, span, &paused));
            if let (Ok(before), Ok(after)) = (before, after) {
                prop_assert!(before.due <= after.due);
            }
        }
    }
}
