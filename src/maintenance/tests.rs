//! Announced work withholds new trouble on what it covers, and nothing else (R99, tickets.md 5.6).

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::diagnosis::{Cause, Class, Fault, FaultState, Severity, Side};
use crate::inventory::{ElementKind, Inventory};
use crate::locale::{Language, Message};
use crate::ticket::Actor;

const NETWORK: &str = r#"
[[device]]
name = "core"
address = "192.0.2.1"
[[link]]
name = "link-1"
near = "core"
far_address = "192.0.2.9"
[[link]]
name = "link-2"
near = "core"
far_address = "192.0.2.10"
[[trunk]]
name = "trunk-1"
link = "link-1"
sip = "192.0.2.20:5060"
"#;

fn inventory() -> Inventory {
    let loaded = crate::settings::parse("linesman.toml", NETWORK, []).expect("a network");
    loaded.settings.inventory.as_ref().clone()
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minute)
}

fn window(elements: &[&str], from: i64, to: i64) -> Window {
    let wanted = NewWindow {
        elements: elements.iter().map(|name| (*name).to_owned()).collect(),
        starts_at: Some(at(from)),
        ends_at: at(to),
        text: "splice".to_owned(),
        customer_text: None,
    };
    wanted.announced(format!("w{from}"), &inventory(), Actor("ada".to_owned()), at(from)).expect("fits")
}

fn fault(segment: &str, began: i64, life: FaultState) -> Fault {
    Fault {
        key: format!("line/{segment}"),
        aliases: Vec::new(),
        class: Class::B,
        cause: Cause::Fibre,
        segment: segment.to_owned(),
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
        side: Side::Carrier,
        confidence: 0.9,
        severity: Severity::Major,
        life,
        began: at(began),
        last_seen: at(began),
        loss_ratio: Some(1.0),
        affected_elements: Vec::new(),
        affected_customers: Vec::new(),
        targets: Vec::new(),
        steps: Vec::new(),
        headline: Message::new("headline.fibre"),
        reasons: Vec::new(),
        why_not: Vec::new(),
        hops: Vec::new(),
    }
}

fn raised(segment: &str, began: i64) -> Fault {
    fault(segment, began, FaultState::Raised { at: at(began) })
}

/// Segments told of and segments that wait.
fn parts(faults: Vec<Fault>, windows: &[Window], now: i64) -> (Vec<Fault>, Vec<String>) {
    let (told, waiting) = withhold(faults, windows, &inventory(), TimeDelta::seconds(30), at(now));
    (told, waiting.into_iter().map(|withheld| withheld.fault.segment).collect())
}

#[test]
fn work_on_an_element_covers_what_depends_on_it_and_nothing_beside_it() {
    let windows = [window(&["link-1"], 0, 60)];
    let faults = vec![raised("link-1", 5), raised("trunk-1", 5), raised("link-2", 5), raised("core", 5)];
    let (told, waiting) = parts(faults, &windows, 10);
    assert_eq!(waiting, ["link-1", "trunk-1"]);
    assert_eq!(told.iter().map(|fault| fault.segment.as_str()).collect::<Vec<_>>(), ["link-2", "core"]);
}

#[test]
fn trouble_from_before_the_work_is_no_part_of_it() {
    let windows = [window(&["link-1"], 0, 60)];
    assert_eq!(parts(vec![raised("link-1", -1)], &windows, 10).1, [""; 0]);
    assert_eq!(parts(vec![raised("link-1", 0)], &windows, 10).1, ["link-1"]);
    let early = Fault { began: at(0) - TimeDelta::seconds(20), ..raised("link-1", 0) };
    assert_eq!(parts(vec![early], &windows, 10).1, ["link-1"], "people begin a little before their time");
}

#[test]
fn what_ends_is_always_let_through() {
    let windows = [window(&["link-1"], 0, 60)];
    let clearing = FaultState::Clearing { since: at(8), raised_at: at(5), good_rounds: 2 };
    let cleared = FaultState::Cleared { at: at(9), since: at(8) };
    for life in [clearing, cleared] {
        let (told, waiting) = parts(vec![fault("link-1", 5, life)], &windows, 10);
        assert_eq!((told.len(), waiting.len()), (1, 0));
        assert!(told[0].reasons.is_empty());
    }
}

#[test]
fn what_outlives_the_work_is_told_of_with_its_own_beginning_and_says_so() {
    let windows = [window(&["link-1"], 0, 60)];
    assert_eq!(parts(vec![raised("link-1", 5)], &windows, 59).1, ["link-1"]);
    let (told, waiting) = parts(vec![raised("link-1", 5)], &windows, 60);
    assert!(waiting.is_empty(), "the end is no part of the window");
    assert_eq!(told[0].began, at(5));
    for language in [Language::English, Language::Chinese] {
        let sentence = told[0].reasons[0].render(language);
        assert!(sentence.contains("splice") && sentence.contains("link-1"), "{sentence}");
        assert!(!sentence.contains('{') && !sentence.starts_with("reason."), "{sentence}");
    }
    let after = parts(vec![raised("link-1", 61)], &windows, 62).0;
    assert!(after[0].reasons.is_empty(), "what began after the work has nothing to do with it");
}

#[test]
fn of_two_windows_the_one_that_runs_longest_decides() {
    let windows = [window(&["link-1"], 0, 20), window(&["core"], 10, 60)];
    assert_eq!(parts(vec![raised("link-1", 12)], &windows, 30).1, ["link-1"]);
    assert!(parts(vec![raised("link-1", 5)], &windows, 30).1.is_empty(), "it began before the second");
}

#[test]
fn work_that_is_called_off_or_finished_early_withholds_no_more() {
    let ada = || Actor("ada".to_owned());
    let planned = window(&["link-1"], 0, 60);
    let off = planned.cancelled("storm".to_owned(), ada(), at(20)).expect("runs");
    assert_eq!((off.phase(at(19)), off.version), (Phase::Cancelled, 2));
    let (told, waiting) = parts(vec![raised("link-1", 5)], std::slice::from_ref(&off), 21);
    assert!(waiting.is_empty() && told[0].reasons[0].render(Language::English).contains("called off"));
    assert!(off.cancelled("again".to_owned(), ada(), at(22)).is_err());

    let done = planned.moved(at(20), "done".to_owned(), ada(), at(20)).expect("runs");
    assert_eq!(done.phase(at(20)), Phase::Ended);
    assert!(done.moved(at(90), "not yet".to_owned(), ada(), at(21)).is_err(), "what is over stays over");
    let longer = planned.moved(at(90), "rain".to_owned(), ada(), at(59)).expect("runs");
    assert_eq!(longer.phase(at(89)), Phase::Running);
    assert_eq!(longer.changes.len(), 2, "its trail says who and why");
}

#[test]
fn work_that_makes_no_sense_is_refused_with_every_reason() {
    let wanted = NewWindow {
        elements: vec!["link-9".to_owned()],
        starts_at: Some(at(-10)),
        ends_at: at(-20),
        text: " ".to_owned(),
        customer_text: Some("\u{1b}[31m".to_owned()),
    };
    let unfit = wanted.announced("w".to_owned(), &inventory(), Actor("ada".to_owned()), at(0)).unwrap_err();
    let places: Vec<&str> = unfit.iter().map(|flaw| flaw.pointer.as_str()).collect();
    assert_eq!(places, ["/elements/0", "/starts_at", "/ends_at", "/text", "/customer_text"]);
}

proptest! {
    /// No fault is lost or told of twice, and only new trouble inside running work waits.
    #[test]
    fn every_fault_is_either_told_of_or_waits(
        windows in prop::collection::vec((0_i64..50, 1_i64..50, 0_usize..4), 0..4),
        faults in prop::collection::vec((0_usize..4, -10_i64..100), 0..6),
        now in 0_i64..120,
    ) {
        let names = ["core", "link-1", "link-2", "trunk-1"];
        let windows: Vec<Window> =
            windows.into_iter().map(|(from, lasts, of)| window(&[names[of]], from, from + lasts)).collect();
        let faults: Vec<Fault> = faults.into_iter().map(|(of, began)| raised(names[of], began)).collect();
        let count = faults.len();
        let (told, waiting) = withhold(faults, &windows, &inventory(), TimeDelta::zero(), at(now));
        prop_assert_eq!(told.len() + waiting.len(), count);
        for withheld in waiting {
            // Windows of one element and beginning have one name here.
            let mut its = windows.iter().filter(|window| window.id == withheld.window);
            let is_why = |window: &Window| {
                window.phase(at(now)) == Phase::Running && window.starts_at <= withheld.fault.began
            };
            prop_assert!(its.any(is_why), "{} does not withhold it", withheld.window);
        }
    }
}
