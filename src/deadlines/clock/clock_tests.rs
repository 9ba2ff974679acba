//! What clocks show along a ticket's life.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::*;
use crate::calendar::Calendar;
use crate::calendar::official::cn_office;
use crate::policy::{Level, Milestone, Policy, Reminder, defaults};

/// A local time in March 2026, as `02 09:00`.
fn at(text: &str) -> DateTime<Utc> {
    let local =
        NaiveDateTime::parse_from_str(&format!("2026-03-{text}"), "%Y-%m-%d %H:%M").expect("a local time");
    cn_office().zone().instant(local).earliest()
}

fn policy(id: &str) -> &'static Policy {
    defaults().and_then(|table| table.get(id)).expect("it is shipped")
}

fn happened(text: &str, milestone: Milestone) -> LogEntry {
    LogEntry::happened(at(text), milestone)
}

fn entered(text: &str, state: &str) -> LogEntry {
    LogEntry::entered(at(text), state)
}

struct Case {
    policy: &'static Policy,
    calendar: Calendar,
    log: Vec<LogEntry>,
}

fn case(id: &str, log: Vec<LogEntry>) -> Case {
    Case { policy: policy(id), calendar: cn_office(), log }
}

impl Case {
    fn clock(&self) -> Clock<'_> {
        Clock { policy: self.policy, calendar: &self.calendar, log: &self.log }
    }

    fn shows(&self, now: &str) -> Reading {
        self.clock().reading_now(at(now)).expect("a due time").expect("it started")
    }

    fn calls(&self, now: &str, level: Option<Level>, fired: &mut BTreeSet<ActionKey>) -> Vec<Call> {
        let actions = self.clock().due_actions(at(now), level, fired).expect("due times");
        for action in &actions {
            fired.insert(action.key.clone());
            fired.extend(action.overtakes.iter().cloned());
        }
        actions.into_iter().map(|action| action.call).collect()
    }
}

#[test]
fn r71_an_urgent_response_is_due_in_two_hours_and_breached_after_not_at_them() {
    let case = case("urgent-response", vec![happened("02 20:00", Milestone::Registered)]);
    let reading = case.shows("02 21:00");
    assert_eq!((reading.due_at, reading.state), (at("02 22:00"), ClockState::Running));
    assert_eq!((reading.used_s, reading.remaining_s), (3_600, 3_600));
    assert_eq!(case.shows("02 22:00").state, ClockState::Running);
    let late = case.shows("02 22:01");
    assert_eq!(
        (late.state, late.breached_at, late.remaining_s),
        (ClockState::Breached, Some(at("02 22:00")), -60)
    );
}

#[test]
fn r72_waiting_for_the_customer_pauses_the_resolution_and_waiting_for_the_carrier_does_not() {
    let start = || vec![happened("02 15:00", Milestone::Registered), entered("02 15:30", "in_progress")];
    let waiting = |state: &str| {
        let mut log = start();
        log.extend([entered("03 09:00", state), entered("04 09:00", "in_progress")]);
        case("general-resolution", log).shows("04 10:00").due_at
    };
    assert_eq!(waiting("held_external"), at("05 18:00"));
    assert_eq!(waiting("pending_customer"), at("06 18:00"));
}

#[test]
fn planned_work_pauses_only_when_it_was_announced_before_the_fault() {
    let waiting = |entry: LogEntry| {
        let log =
            vec![happened("02 15:00", Milestone::Registered), entry, entered("04 09:00", "in_progress")];
        case("general-resolution", log).shows("04 10:00").due_at
    };
    assert_eq!(waiting(entered("03 09:00", "held_planned")), at("05 18:00"));
    assert_eq!(waiting(LogEntry::held_for_announced_work(at("03 09:00"))), at("06 18:00"));
}

#[test]
fn a_clock_that_stands_is_due_as_if_it_ran_on_now_and_is_never_breached_meanwhile() {
    let log = vec![happened("02 09:00", Milestone::Registered), entered("02 10:00", "pending_customer")];
    let case = case("urgent-resolution", log);
    let reading = case.shows("09 10:00");
    assert_eq!(reading.state, ClockState::Paused);
    assert_eq!((reading.paused_since, reading.used_s), (Some(at("02 10:00")), 3_600));
    assert_eq!((reading.due_at, reading.remaining_s), (at("10 09:00"), 23 * 3_600));
}

#[test]
fn r104_what_comes_back_keeps_its_used_time_and_the_time_between_does_not_count() {
    let log = vec![
        happened("02 09:00", Milestone::Registered),
        happened("02 19:00", Milestone::Resolved),
        happened("04 19:00", Milestone::Reopened),
    ];
    let case = case("urgent-resolution", log);
    assert_eq!(case.shows("03 09:00").state, ClockState::Met);
    let again = case.shows("04 20:00");
    assert_eq!((again.state, again.used_s, again.due_at), (ClockState::Running, 11 * 3_600, at("05 09:00")));
    assert_eq!(again.run, 1);
}

#[test]
fn met_late_stays_a_breach() {
    let log = vec![happened("02 09:00", Milestone::Registered), happened("02 11:30", Milestone::Responded)];
    let reading = case("urgent-response", log).shows("05 09:00");
    assert_eq!((reading.state, reading.breached_at), (ClockState::MetLate, Some(at("02 11:00"))));
    assert_eq!(reading.met_at, Some(at("02 11:30")));
}

#[test]
fn r75_news_are_due_by_the_close_of_the_next_working_day_after_the_last_news() {
    let log = vec![
        happened("05 10:00", Milestone::Assigned),
        happened("06 11:00", Milestone::ProgressTold),
        happened("09 17:00", Milestone::ProgressTold),
        happened("10 10:00", Milestone::Resolved),
    ];
    let case = case("progress", log);
    let shown = case.clock().readings(at("12 09:00")).expect("due times");
    let runs: Vec<(DateTime<Utc>, ClockState)> =
        shown.iter().map(|reading| (reading.due_at, reading.state)).collect();
    assert_eq!(
        runs,
        [
            (at("06 18:00"), ClockState::Met),
            (at("09 18:00"), ClockState::Met),
            (at("10 18:00"), ClockState::Void),
        ]
    );
}

#[test]
fn r54_a_new_level_starts_its_own_clocks_and_the_strictest_of_a_purpose_holds() {
    let log = vec![
        happened("02 09:00", Milestone::Assigned),
        happened("02 09:00", Milestone::LevelSet),
        happened("02 15:00", Milestone::LevelSet),
    ];
    let (daily, orange) = (case("progress", log.clone()), case("level-orange-update", log));
    let readings = [daily.shows("02 16:00"), orange.shows("02 16:00")];
    assert_eq!(readings[1].due_at, at("02 19:00"));
    let strictest = strictest(&readings, Purpose::Update).expect("two run");
    assert_eq!(strictest.policy, "level-orange-update");
}

#[test]
fn a_carrier_s_time_is_its_own_clock_and_one_that_ends_after_ours_is_pointed_out() {
    let log = vec![
        happened("02 09:00", Milestone::Registered),
        LogEntry::stated(at("02 10:00"), Milestone::CarrierReported, at("02 20:00")),
        entered("02 10:00", "held_external"),
        LogEntry::stated(at("02 19:00"), Milestone::CarrierEtaChanged, at("03 12:00")),
    ];
    let (ours, theirs) = (case("urgent-resolution", log.clone()), case("carrier-repair", log));
    let before = [theirs.shows("02 18:00")];
    assert_eq!(outlasting(&ours.shows("02 18:00"), &before).count(), 0);
    let after = [theirs.shows("02 19:30")];
    assert_eq!(after[0].due_at, at("03 12:00"));
    assert_eq!(outlasting(&ours.shows("02 19:30"), &after).count(), 1);
    assert_eq!(ours.shows("02 19:30").due_at, at("03 09:00"), "ours runs on");
}

#[test]
fn reminders_wait_for_a_window_below_orange_and_not_from_orange_on() {
    // 80 % of 24 hours after 10:00 is 05:12 in the night.
    let registered = || case("complaint-plan", vec![happened("02 10:00", Milestone::Registered)]);
    let mut fired = BTreeSet::new();
    let ordinary = registered();
    assert_eq!(ordinary.calls("02 22:30", None, &mut fired), [], "half of it, in the night");
    assert_eq!(ordinary.calls("03 06:00", None, &mut fired), []);
    assert_eq!(ordinary.calls("03 09:00", None, &mut fired), [Call::Remind(Reminder::Share(80))]);
    assert_eq!(fired.len(), 2, "the earlier one is overtaken: {fired:?}");
    assert_eq!(ordinary.calls("03 09:30", None, &mut fired), []);

    let mut fired = BTreeSet::new();
    let orange = registered();
    assert_eq!(
        orange.calls("02 22:00", Some(Level::Orange), &mut fired),
        [Call::Remind(Reminder::Share(50))]
    );
    assert_eq!(
        orange.calls("03 05:12", Some(Level::Orange), &mut fired),
        [Call::Remind(Reminder::Share(80))]
    );
}

#[test]
fn r88_a_breach_is_asked_for_once_and_silences_the_reminders_before_it() {
    let case = case("urgent-response", vec![happened("02 09:00", Milestone::Registered)]);
    let mut fired = BTreeSet::new();
    assert_eq!(case.calls("02 12:00", None, &mut fired), [Call::Breach]);
    for later in ["02 12:00", "02 13:00", "20 09:00"] {
        assert_eq!(case.calls(later, None, &mut fired), []);
    }
    assert_eq!(case.calls("02 10:30", None, &mut fired), [], "also when the clock was set back");
}

#[test]
fn a_breach_that_was_told_stays_when_the_due_time_moves_afterwards() {
    let case = case("urgent-response", vec![happened("02 09:00", Milestone::Registered)]);
    let mut reading = case.shows("02 10:00");
    reading.keep_breach(at("02 09:45"));
    assert_eq!((reading.state, reading.breached_at), (ClockState::Breached, Some(at("02 09:45"))));
}

#[test]
fn the_regulator_s_clock_warns_on_working_mornings_of_days_7_10_and_13() {
    let case = case("regulator-answer", vec![happened("02 11:00", Milestone::Received)]);
    assert_eq!(case.shows("02 12:00").due_at, at("18 00:00"));
    let mut fired = BTreeSet::new();
    // Day 7 is Monday the 9th, day 10 Thursday the 12th, day 13 Sunday the 15th.
    for (before, then, day) in
        [("09 08:59", "09 09:00", 7), ("12 08:59", "12 09:00", 10), ("16 08:59", "16 09:00", 13)]
    {
        assert_eq!(case.calls(before, None, &mut fired), []);
        assert_eq!(case.calls(then, None, &mut fired), [Call::Remind(Reminder::OnDay(day))]);
    }
    assert_eq!(case.calls("18 00:00", None, &mut fired), []);
    assert_eq!(case.calls("18 00:01", None, &mut fired), [Call::Breach]);
}

#[test]
fn r78_a_follow_up_is_triggered_and_is_no_breach() {
    let case = case("follow-up-repair", vec![happened("02 11:00", Milestone::Resolved)]);
    let mut fired = BTreeSet::new();
    assert_eq!(case.calls("05 17:59", None, &mut fired), []);
    assert_eq!(case.calls("05 18:00", None, &mut fired), [Call::Trigger]);
    assert_eq!(case.calls("05 18:01", None, &mut fired), []);
    let reading = case.shows("06 09:00");
    assert_eq!((reading.state, reading.breached_at), (ClockState::Triggered, None));
}

#[test]
fn a_stricter_policy_keeps_the_time_that_was_used_and_paused() {
    let log = vec![
        happened("02 09:00", Milestone::Registered),
        entered("02 10:00", "pending_customer"),
        entered("02 12:00", "in_progress"),
    ];
    let general = case("general-resolution", log.clone()).shows("02 14:00");
    let urgent = case("urgent-resolution", log).shows("02 14:00");
    assert_eq!(general.used_s, (60 + 30) * 60, "of it in windows");
    assert_eq!((urgent.used_s, urgent.due_at), (3 * 3_600, at("03 11:00")));
}

#[test]
fn r81_the_monthly_summary_is_due_on_the_last_working_day_by_the_5th() {
    let case = case("monthly-summary", vec![happened("01 00:00", Milestone::MonthStarted)]);
    assert_eq!(case.shows("02 09:00").due_at, at("05 18:00"));
}

#[test]
fn the_next_look_is_at_the_next_reminder_or_the_due_time() {
    let case = case("urgent-response", vec![happened("02 09:00", Milestone::Registered)]);
    let next = |now: &str, fired: &BTreeSet<ActionKey>| case.clock().next_action_at(at(now), None, fired);
    let mut fired = BTreeSet::new();
    assert_eq!(next("02 09:00", &fired), Ok(Some(at("02 10:00"))));
    case.calls("02 10:40", None, &mut fired);
    assert_eq!(next("02 10:40", &fired), Ok(Some(at("02 11:00"))));
    case.calls("02 11:01", None, &mut fired);
    assert_eq!(next("02 11:01", &fired), Ok(None));
}
