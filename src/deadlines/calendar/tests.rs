//! What a calendar says of its days.

use chrono::{DateTime, NaiveDate, Utc};

use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

#[test]
fn holidays_and_make_up_workdays_of_2026_are_those_of_the_notice() {
    let calendar = official::cn_office();
    let closed = [
        ("2026-01-01", "2026-01-03"),
        ("2026-02-15", "2026-02-23"),
        ("2026-04-04", "2026-04-06"),
        ("2026-05-01", "2026-05-05"),
        ("2026-06-19", "2026-06-21"),
        ("2026-09-25", "2026-09-27"),
        ("2026-10-01", "2026-10-07"),
    ];
    let worked = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"];
    for day in date("2026-01-01").iter_days().take(365) {
        let holiday = closed.iter().any(|(from, to)| date(from) <= day && day <= date(to));
        let weekend = matches!(day.weekday(), chrono::Weekday::Sat | chrono::Weekday::Sun);
        let made_up = worked.iter().any(|worked| date(worked) == day);
        assert_eq!(calendar.is_working_day(day), made_up || (!holiday && !weekend), "{day}");
        assert!(!calendar.day(day).provisional);
    }
}

#[test]
fn a_make_up_workday_has_the_windows_of_an_ordinary_day_unless_it_brings_its_own() {
    let mut calendar = official::cn_office();
    let windows = |calendar: &Calendar| {
        let day = calendar.day(date("2026-02-14"));
        day.windows.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(windows(&calendar), ["09:00-12:00", "13:30-18:00"]);
    let own = file::read(
        "own.toml",
        "[[override]]\ncalendar = \"cn-office\"\ndate = 2026-02-14\nkind = \"open\"\nwindows = [\"09:00-12:00\"]\nreason = \"half a day\"\n",
        &official::calendars(),
    );
    calendar = own.expect("no mistake").get("cn-office").expect("it is known").clone();
    assert_eq!(windows(&calendar), ["09:00-12:00"]);
}

#[test]
fn a_new_official_notice_replaces_the_old_one_and_spares_own_overrides() {
    let mut calendar = official::cn_office();
    let own = Override {
        date: date("2026-05-06"),
        kind: OverrideKind::Closed,
        windows: None,
        reason: "removal".to_owned(),
        source: "own.toml".to_owned(),
        status: Status::Official,
    };
    calendar.add_own(own).expect("it has no windows");
    let changed = "[official]\ncountry = \"cn\"\nyear = 2026\ntitle = \"changed\"\nsource = \"https://www.gov.cn/changed\"\n\
                   [[override]]\ndate = 2026-05-06\nkind = \"open\"\nreason = \"changed\"\n";
    calendar.add_official_year(&official::read_year("cn-2026.toml", changed).expect("no mistake"));
    assert!(!calendar.is_working_day(date("2026-05-06")), "our own word stands");
    assert!(calendar.is_working_day(date("2026-05-04")), "the old notice is gone");
    assert_eq!(calendar.overrides().iter().filter(|this| this.date.year() == 2026).count(), 1);
}

#[test]
fn a_year_without_a_notice_follows_the_weekdays_and_says_that_it_is_provisional() {
    let mut calendar = official::cn_office();
    let day = calendar.day(date("2027-02-08"));
    assert!(day.provisional && !day.windows.is_empty(), "{day:?}");
    assert_eq!(calendar.official_until(), Some(date("2026-12-31")));
    let notice = "[official]\ncountry = \"cn\"\nyear = 2027\ntitle = \"notice\"\nsource = \"https://www.gov.cn/2027\"\n\
                  [[override]]\ndate = 2027-02-08\nkind = \"closed\"\nreason = \"春节\"\n";
    calendar.add_official_year(&official::read_year("cn-2027.toml", notice).expect("no mistake"));
    assert!(!calendar.day(date("2027-02-08")).provisional);
    assert!(!calendar.is_working_day(date("2027-02-08")));
    assert_eq!(calendar.official_until(), Some(date("2027-12-31")));
}

#[test]
fn it_is_open_up_to_a_windows_end_and_not_at_it() {
    let calendar = official::cn_office();
    for (at, open) in [
        ("2026-03-02T00:59:59Z", false),
        ("2026-03-02T01:00:00Z", true),
        ("2026-03-02T03:59:59Z", true),
        ("2026-03-02T04:00:00Z", false),
        ("2026-03-02T10:00:00Z", false),
    ] {
        assert_eq!(calendar.is_open(utc(at)), open, "{at}");
    }
    assert_eq!(calendar.next_open(utc("2026-02-14T10:00:00Z")), Some(utc("2026-02-24T01:00:00Z")));
}

#[test]
fn every_mistake_of_a_file_is_told_with_its_line_and_column() {
    let text = "[[calendar]]\nname = \"shop\"\nzone = \"Asia/Nowhere\"\n[calendar.windows]\nmon = [\"09:00-12:00\", \"11:00-13:00\"]\ntue = [\"9-5\"]\n\n\
[[override]]\ncalendar = \"cn-offic\"\ndate = 2026-05-06\nkind = \"open\"\nreason = \"x\"\n\n\
[[override]]\ncalendar = \"cn-office\"\nfrom = 2026-05-06\nto = \"2026-05-01\"\nkind = \"closed\"\nreason = \"x\"\n\n\
[[override]]\ncalendar = \"cn-office\"\ndate = \"2026-02-30\"\nkind = \"closed\"\nreason = \"x\"\n";
    let mistakes = file::read("own.toml", text, &official::calendars()).expect_err("mistakes");
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let expected = [
        "own.toml:3:8: `Asia/Nowhere` is no time zone",
        "own.toml:5:7: the windows 09:00-12:00 and 11:00-13:00 overlap",
        "own.toml:6:8: `9-5` is no window",
        "own.toml:9:12: no calendar `cn-offic`; known are always, cn-office",
        "own.toml:17:6: the range ends on 2026-05-01, before it begins on 2026-05-06",
        "own.toml:23:8: `2026-02-30` is no date",
    ];
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.starts_with(expected), "{shown}");
    }
}

#[test]
fn an_unknown_key_and_what_is_not_toml_are_told_with_their_place() {
    for (text, place) in [
        (
            "[[override]]\ndat = 2026-05-06\nkind = \"open\"\nreason = \"x\"\n",
            "own.toml:2:1: unknown field `dat`",
        ),
        ("[[override]]\nkind = \"ajar\"\n", "own.toml:2:8: unknown variant `ajar`"),
        ("[[override]\n", "own.toml:1:"),
    ] {
        let mistakes = file::read("own.toml", text, &Calendars::default()).expect_err("a mistake");
        assert!(mistakes[0].to_string().starts_with(place), "{}", mistakes[0]);
    }
}

#[test]
fn opening_hours_that_never_come_end_the_walk() {
    let never = Calendar::new("never", Zone::utc(), Week::default());
    assert_eq!(never.next_open(utc("2026-01-01T00:00:00Z")), None);
    assert!(never.openings(utc("2026-01-01T00:00:00Z")).count() <= 1);
}

#[test]
fn the_walk_is_in_order_also_where_clocks_are_set_back_over_midnight() {
    use chrono::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let every_day = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];
    let week = Week::of(&every_day, &[Window::WHOLE_DAY]).expect("one window");
    // In 2005 the clocks of St John's were set back from 00:01 to 23:01 of the day before.
    let calendar = Calendar::new("st-johns", Zone::named("America/St_Johns").expect("a zone"), week);
    let mut last = utc("2005-10-28T00:00:00Z");
    for opening in calendar.openings(last).take(40) {
        if let Opening::Window { from, to, .. } = opening {
            assert_eq!(from, last, "no gap and no overlap");
            last = to;
        }
    }
    assert!(last > utc("2005-11-10T00:00:00Z"));
}
