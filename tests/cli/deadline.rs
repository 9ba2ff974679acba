//! `linesman deadline` on the vectors of `tests/data/deadlines.toml`, and where people would miss it.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{folder, json as document, run};

#[derive(Deserialize)]
struct Vectors {
    vector: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    zone: Option<String>,
    from: String,
    #[serde(rename = "for")]
    span: String,
    #[serde(default)]
    pauses: Vec<String>,
    due_local: String,
    due: String,
}

impl Vector {
    fn arguments(&self) -> Vec<&str> {
        let mut arguments = match &self.zone {
            Some(zone) => vec!["deadline", "--zone", zone],
            None => vec!["deadline", "--calendar", "cn-office"],
        };
        arguments.extend(["--from", &self.from, "--for", &self.span]);
        arguments.extend(self.pauses.iter().flat_map(|pause| ["--pause", pause]));
        arguments
    }
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../data/deadlines.toml");
    let vectors: Vectors = toml::from_str(text).expect("a file of ours");
    assert_eq!(vectors.vector.len(), 17);
    vectors.vector
}

const OFFICE: [&str; 3] = ["deadline", "--calendar", "cn-office"];

fn answer(here: &Path, arguments: &[&str]) -> Value {
    let (code, out, said) = run(here, &[arguments, &["--json"]].concat());
    assert_eq!(code, 0, "{arguments:?}: {said}");
    document(&out)
}

fn refusal(here: &Path, arguments: &[&str]) -> (i32, String) {
    let (code, out, said) = run(here, arguments);
    assert_eq!(out, "", "{arguments:?}");
    (code, said)
}

#[test]
fn every_vector_is_due_to_the_minute_and_its_trace_ends_there() {
    let here = folder();
    for vector in vectors() {
        let answer = answer(here.path(), &vector.arguments());
        let name = &vector.name;
        assert_eq!(answer["due"], vector.due, "{name}");
        assert_eq!(answer["due_local"], vector.due_local, "{name}");
        assert_eq!(answer["provisional"], json!(false), "{name}");
        let trace = answer["trace"].as_array().expect("a list of steps");
        assert_eq!(trace[0]["step"], "started", "{name}");
        assert_eq!(trace[trace.len() - 1], json!({"step": "due", "at": vector.due}), "{name}");
        assert_eq!(answer.get("notes"), None, "{name}: nothing was assumed");
    }
}

#[test]
fn every_vector_is_the_same_when_its_start_is_given_in_utc() {
    let here = folder();
    for vector in vectors().iter().filter(|vector| vector.zone.is_none()) {
        let local: chrono::NaiveDateTime =
            format!("{}:00", vector.from.replace(' ', "T")).parse().expect("a local time");
        let utc = (local - chrono::TimeDelta::hours(8)).and_utc().to_rfc3339();
        let mut arguments = vector.arguments();
        let place = arguments.iter().position(|argument| *argument == "--from").expect("it is there") + 1;
        arguments[place] = &utc;
        assert_eq!(answer(here.path(), &arguments)["due"], vector.due, "{}", vector.name);
    }
}

#[test]
fn a_person_reads_when_and_why_in_their_own_language() {
    let here = folder();
    let asked = [&OFFICE[..], &["--from", "2026-02-14 17:30", "--for", "60 business minutes"]].concat();
    let (code, out, said) = run(here.path(), &asked);
    assert_eq!((code, said.as_str()), (0, ""));
    assert_eq!(
        out,
        "Due Tue 2026-02-24 09:30:00 (Asia/Shanghai, UTC+08:00)\n    2026-02-24 01:30:00 UTC\n\nWhy\n  \
         Starts 2026-02-14 17:30:00 (Asia/Shanghai).\n  \
         2026-02-14 17:30:00 to 2026-02-14 18:00:00: 30 min count (春节调休上班 (make-up workday for Spring \
         Festival)).\n  \
         2026-02-16 to 2026-02-23 is closed (春节 (Spring Festival)).\n  \
         2026-02-24 09:00:00 to 2026-02-24 09:30:00: 30 min count.\n  \
         Due 2026-02-24 09:30:00.\n"
    );
    for tag in ["zh", "zh-CN"] {
        let (code, out, _) = run(here.path(), &[&asked[..], &["--lang", tag]].concat());
        assert_eq!(code, 0);
        for said in ["到期 2026-02-24 周二 09:30:00（Asia/Shanghai，UTC+08:00）", "计算过程", "到期于"]
        {
            assert!(out.contains(said), "{said}: {out}");
        }
    }
}

#[test]
fn a_due_time_beyond_the_official_days_is_provisional_and_says_so() {
    let here = folder();
    let asked = [&OFFICE[..], &["--from", "2027-02-01 09:00", "--for", "3 working days"]].concat();
    assert_eq!(answer(here.path(), &asked)["provisional"], json!(true));
    let (_, out, _) = run(here.path(), &asked);
    assert!(out.contains("Provisional: the official holidays"), "{out}");
}

#[test]
fn a_time_that_the_clocks_show_twice_or_leave_out_is_said() {
    let here = folder();
    for (from, due, expected) in [
        ("2026-10-25 02:30", "2026-10-25T01:30:00Z", "02:30:00 +02:00 and 2026-10-25 02:30:00 +01:00"),
        ("2026-03-29 02:30", "2026-03-29T02:00:00Z", "leave out 2026-03-29 02:30:00"),
    ] {
        let asked = ["deadline", "--zone", "Europe/Berlin", "--from", from, "--for", "1 hour", "--json"];
        let (code, out, said) = run(here.path(), &asked);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(expected), "{said}");
        let answer = document(&out);
        assert_eq!(answer["due"], due);
        assert_eq!(answer["notes"], json!([said.trim_end()]));
    }
    // Told which one, nothing is left to say; and the way it is told is the way the note writes it.
    let second = "2026-10-25 02:30:00 +01:00";
    let asked = ["deadline", "--zone", "Europe/Berlin", "--from", second, "--for", "1 hour"];
    assert_eq!(answer(here.path(), &asked)["due"], "2026-10-25T02:30:00Z");
}

#[test]
fn a_zone_beside_a_calendar_changes_the_clocks_that_are_read_and_not_when_it_is_worked() {
    let here = folder();
    let span = ["--for", "120 business minutes", "--zone", "Europe/Berlin"];
    let answer = answer(here.path(), &[&OFFICE[..], &["--from", "2026-03-02 03:00"], &span].concat());
    assert_eq!((&answer["due"], &answer["zone"]), (&json!("2026-03-02T04:00:00Z"), &json!("Europe/Berlin")));
    assert_eq!(answer["due_local"], "2026-03-02T05:00:00+01:00");
}

#[test]
fn own_calendars_overrides_and_feeds_of_holidays_count() {
    let here = folder();
    let own = "[[calendar]]\nname = \"workshop\"\nzone = \"Europe/Berlin\"\n[calendar.windows]\n\
               mon-fri = [\"08:00-16:00\"]\n[[override]]\ndate = 2026-03-07\nkind = \"open\"\nreason = \"stock-taking\"\n";
    fs::write(here.path().join("own.toml"), own).expect("written");
    let feed = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260309\r\nSUMMARY:Brückentag\r\nEND:VEVENT\r\n\
                BEGIN:VEVENT\r\nDTSTART:20260310T100000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    fs::write(here.path().join("days.ics"), feed).expect("written");
    let asked = |more: &[&str]| {
        let asked = ["deadline", "--calendar", "workshop", "--calendars", "own.toml"];
        let length = ["--from", "2026-03-06 15:00", "--for", "600 business minutes"];
        run(here.path(), &[&asked[..], &length, more].concat())
    };
    let (code, out, said) = asked(&["--json"]);
    assert_eq!((code, said.as_str()), (0, ""));
    // An hour on Friday, eight on the Saturday that is worked, one on Monday.
    assert_eq!(document(&out)["due_local"], "2026-03-09T09:00:00+01:00");
    let (code, out, said) = asked(&["--ical", "days.ics"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("days.ics:6: Meeting: it has a time of day"), "{said}");
    assert!(
        out.contains("2026-03-10 09:00:00") && out.contains("2026-03-09 is closed (Brückentag)"),
        "{out}"
    );
}

#[test]
fn what_cannot_be_understood_ends_with_2_and_says_what_mends_it() {
    let here = folder();
    fs::write(here.path().join("not.ics"), "no feed\n").expect("written");
    let good = ["--calendar", "cn-office", "--from", "2026-03-02 10:00", "--for", "24 hours"];
    let with = |flag: &str, value: &str| {
        let mut all: Vec<String> = good.iter().map(|word| (*word).to_owned()).collect();
        match all.iter().position(|argument| argument == flag) {
            Some(place) => all[place + 1] = value.to_owned(),
            None => all.extend([flag.to_owned(), value.to_owned()]),
        }
        let all: Vec<&str> = std::iter::once("deadline").chain(all.iter().map(String::as_str)).collect();
        refusal(here.path(), &all)
    };
    for (flag, value, expected) in [
        ("--from", "tomorrow", "write it as 2026-03-02 10:00"),
        ("--from", "2026-02-30 10:00", "2026-02-30 10:00"),
        ("--from", "1026-03-02 10:00", "check the date"),
        ("--for", "3 days", "working days or calendar days"),
        ("--for", "-3 hours", "`240 business minutes`"),
        ("--for", "0 hours", "give at least one"),
        ("--calendar", "cn-ofice", "known are always, cn-office"),
        ("--zone", "Europe/Berln", "Europe/Berlin"),
        ("--pause", "2026-03-02 11:00", "its begin and its end"),
        ("--pause", "2026-03-02 12:00/2026-03-02 11:00", "swap the two"),
        ("--pause", "2026-03-02 11:00/now", "--pause: `now`"),
        ("--calendars", "nowhere.toml", "--calendars nowhere.toml"),
        ("--ical", "not.ics", "no all-day event"),
        ("--lang", "fr", "zh-CN"),
    ] {
        let (code, said) = with(flag, value);
        assert_eq!(code, 2, "{flag} {value}: {said}");
        assert!(said.contains(expected), "{flag} {value}: {said}");
    }
    let (code, said) = refusal(here.path(), &["deadline", "--from", "2026-03-02 10:00", "--for", "24 hours"]);
    assert!(code == 2 && said.contains("--calendar cn-office") && said.contains("--zone"), "{said}");
    let windows = ["deadline", "--zone", "UTC", "--from", "2026-03-02 10:00", "--for", "2 working days"];
    let (code, said) = refusal(here.path(), &windows);
    assert!(code == 2 && said.contains("--calendar cn-office"), "{said}");
}

#[test]
fn mistakes_in_own_calendars_are_told_at_once_with_their_places_and_end_with_3() {
    let here = folder();
    let own = "[[calendar]]\nname = \"a\"\nzone = \"Mars\"\n[calendar.windows]\nmon = [\"12:00-09:00\"]\n";
    fs::write(here.path().join("own.toml"), own).expect("written");
    let asked = ["deadline", "--calendar", "a", "--calendars", "own.toml"];
    let (code, said) =
        refusal(here.path(), &[&asked[..], &["--from", "2026-03-02 10:00", "--for", "1 hour"]].concat());
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("own.toml:3:") && said.contains("own.toml:5:"), "{said}");
}
