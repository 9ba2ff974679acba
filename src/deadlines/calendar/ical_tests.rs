//! A feed becomes overrides; what does not is listed.

use super::*;
use proptest::prelude::*;

const FEED: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n\
BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270206\r\nDTEND;VALUE=DATE:20270213\r\nSUMMARY:春节 休\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270131\r\nSUMMARY:春节 补班\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270214\r\nDURATION:P1D\r\nCATEGORIES:China,Workday\r\n\
SUMMARY:Spring Fes\r\n tival\r\nBEGIN:VALARM\r\nSUMMARY:of the alarm\r\nEND:VALARM\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART;TZID=\"a:b\":20270101T090000\r\nSUMMARY:meeting\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART:20271111\r\nSUMMARY:St Martin\\, no day off\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART:20270405\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:清明节\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART:20270501\r\nDTEND:20270430\r\nSUMMARY:backwards\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nSUMMARY:cut off\r\n";

fn rules() -> FeedRules {
    FeedRules { leave_out: vec!["st martin".to_owned()], ..FeedRules::default() }
}

#[test]
fn all_day_events_become_holidays_and_make_up_workdays() {
    let imported = read(FEED.as_bytes(), "feed.ics", &rules());
    let days: Vec<(String, OverrideKind, &str)> = imported
        .overrides
        .iter()
        .map(|this| (this.date.to_string(), this.kind, this.reason.as_str()))
        .collect();
    let closed: Vec<&str> = days.iter().filter(|day| day.2 == "春节 休").map(|day| day.0.as_str()).collect();
    assert_eq!(closed.len(), 7);
    assert_eq!((closed.first(), closed.last()), (Some(&"2027-02-06"), Some(&"2027-02-12")));
    assert!(days.contains(&("2027-01-31".to_owned(), OverrideKind::Open, "春节 补班")), "by its summary");
    assert!(days.contains(&("2027-02-14".to_owned(), OverrideKind::Open, "Spring Festival")), "by category");
    assert!(days.contains(&("2027-04-05".to_owned(), OverrideKind::Closed, "清明节")));
    assert_eq!(days.len(), 10);
}

#[test]
fn what_a_feed_holds_and_is_not_taken_is_listed_with_its_line_and_why() {
    let imported = read(FEED.as_bytes(), "feed.ics", &rules());
    let passed: Vec<(usize, &str, Why)> =
        imported.passed.iter().map(|passed| (passed.line, passed.summary.as_str(), passed.why)).collect();
    assert_eq!(
        passed,
        [
            (22, "meeting", Why::NotAllDay),
            (26, "St Martin, no day off", Why::LeftOut),
            (30, "清明节", Why::Repeats),
            (35, "backwards", Why::BadEnd),
            (40, "cut off", Why::CutOff),
        ]
    );
}

#[test]
fn the_words_for_a_make_up_workday_can_be_set() {
    let feed = "BEGIN:VEVENT\nDTSTART:20270131\nSUMMARY:Ersatzarbeitstag\nEND:VEVENT\n";
    let kinds = |rules: &FeedRules| read(feed.as_bytes(), "x", rules).overrides[0].kind;
    assert_eq!(kinds(&FeedRules::default()), OverrideKind::Closed);
    let german = FeedRules { workday_words: vec!["ersatzarbeitstag".to_owned()], ..FeedRules::default() };
    assert_eq!(kinds(&german), OverrideKind::Open);
}

#[test]
fn a_line_that_is_folded_within_a_character_is_joined_before_it_is_read() {
    let [first, second, third] = *"班".as_bytes() else { panic!("three bytes") };
    let mut feed = b"BEGIN:VEVENT\r\nDTSTART:20270131\r\nSUMMARY:".to_vec();
    feed.extend([first, b'\r', b'\n', b' ', second, third]);
    feed.extend(b"\r\nEND:VEVENT\r\n");
    let imported = read(&feed, "x", &FeedRules::default());
    assert_eq!(imported.overrides[0].reason, "班");
    assert_eq!(imported.overrides[0].kind, OverrideKind::Open);
}

#[test]
fn a_feed_that_is_too_large_says_so() {
    let feed = "BEGIN:VEVENT\nDTSTART:20270131\nEND:VEVENT\n".repeat(MOST_EVENTS + 5);
    let imported = read(feed.as_bytes(), "x", &FeedRules::default());
    assert_eq!(imported.overrides.len(), MOST_EVENTS);
    assert_eq!(imported.passed.last().map(|passed| passed.why), Some(Why::TooLarge));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(feed in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&feed, "x", &FeedRules::default());
    }

    #[test]
    fn any_lines_of_a_feed_are_read_and_no_event_is_lost_or_told_twice(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("BEGIN:VEVENT".to_owned()),
                Just("END:VEVENT".to_owned()),
                Just("BEGIN:VALARM".to_owned()),
                Just("END:VALARM".to_owned()),
                Just("RRULE:FREQ=DAILY".to_owned()),
                "DTSTART(;VALUE=DATE)?:20[0-9]{6}(T[0-9]{6}Z)?",
                "DTEND:20[0-9]{6}",
                "DURATION:P[0-9]{1,4}[DWX]",
                "SUMMARY:[a-z\\\\\u{73ed},]{0,8}",
                "[ \t]?[A-Z:;\"]{0,10}",
            ],
            0..60,
        )
    ) {
        let feed = lines.join("\r\n");
        let imported = read(feed.as_bytes(), "x", &FeedRules::default());
        prop_assert!(imported.overrides.len() <= lines.len() * 400);
        let begun = lines.iter().filter(|line| line.as_str() == "BEGIN:VEVENT").count();
        prop_assert!(imported.passed.len() <= begun + 1);
    }

    #[test]
    fn a_holiday_is_imported_with_its_first_and_last_day(start in 0_u64..20_000, days in 1_i64..30) {
        let first = days_later(NaiveDate::from_ymd_opt(1990, 1, 1).expect("a date"), start);
        let after = first + TimeDelta::days(days);
        let feed = format!(
            "BEGIN:VEVENT\nDTSTART;VALUE=DATE:{}\nDTEND;VALUE=DATE:{}\nEND:VEVENT",
            first.format("%Y%m%d"), after.format("%Y%m%d"),
        );
        let imported = read(feed.as_bytes(), "x", &FeedRules::default());
        let dates: Vec<NaiveDate> = imported.overrides.iter().map(|this| this.date).collect();
        let expected: Vec<NaiveDate> = first.iter_days().take_while(|date| *date < after).collect();
        prop_assert_eq!(dates, expected);
    }
}
