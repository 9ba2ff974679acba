//! Clocks over any log: they fire once, never go back, and a carrier's clock changes nothing of ours.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::calendar::official::cn_office;
use crate::policy::{Level, Milestone, Policy, STATES, defaults};

const BEGIN: i64 = 1_772_413_200; // 2026-03-02 09:00 in Shanghai

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(BEGIN + minute * 60, 0).expect("an instant")
}

fn policies() -> &'static [Policy] {
    defaults().map(|table| table.policies.as_slice()).expect("a table is shipped")
}

fn entry() -> impl Strategy<Value = LogEntry> {
    let minute = 0_i64..20_000;
    let happened = (minute.clone(), 0..Milestone::ALL.len(), proptest::option::of(-100_i64..10_000))
        .prop_map(|(minute, which, due)| match due {
            Some(later) => LogEntry::stated(at(minute), Milestone::ALL[which], at(minute + later)),
            None => LogEntry::happened(at(minute), Milestone::ALL[which]),
        });
    let entered =
        (minute, 0..STATES.len()).prop_map(|(minute, which)| LogEntry::entered(at(minute), STATES[which]));
    prop_oneof![happened, entered]
}

/// The milestones of one policy, so that its clock starts and ends often.
fn case() -> impl Strategy<Value = (&'static Policy, Vec<LogEntry>)> {
    let own = (
        0..policies().len(),
        proptest::collection::vec((0_i64..20_000, 0_usize..20, -100_i64..10_000), 1..8),
    );
    (own, proptest::collection::vec(entry(), 0..12)).prop_map(|((which, own), mut log)| {
        let policy = &policies()[which];
        let all: Vec<Milestone> = policy
            .from
            .iter()
            .chain(&policy.from)
            .chain(&policy.to)
            .chain(&policy.resumed_by)
            .copied()
            .collect();
        log.extend(own.into_iter().map(|(minute, which, later)| {
            let milestone = all[which % all.len()];
            LogEntry::stated(at(minute), milestone, at(minute + later))
        }));
        // Without a stated time where the policy has a target of its own.
        if policy.target != Target::Stated {
            for entry in &mut log {
                if let What::Happened { due, .. } = &mut entry.what {
                    *due = None;
                }
            }
        }
        log.sort_by_key(|entry| entry.at);
        (policy, log)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn every_action_is_asked_for_once_however_often_and_whenever_one_looks(
        (policy, log) in case(),
        mut looks in proptest::collection::vec(0_i64..30_000, 1..12),
        level in proptest::option::of(0..Level::ALL.len()),
    ) {
        looks.sort_unstable();
        let calendar = cn_office();
        let level = level.map(|which| Level::ALL[which]);
        let mut fired = BTreeSet::new();
        for look in looks {
            let clock = Clock { policy, calendar: &calendar, log: &log };
            let actions = clock.due_actions(at(look), level, &fired).expect("due times");
            for action in &actions {
                prop_assert!(action.at <= at(look));
                for key in std::iter::once(&action.key).chain(&action.overtakes) {
                    prop_assert!(fired.insert(key.clone()), "twice: {}", key);
                }
            }
            prop_assert_eq!(clock.due_actions(at(look), level, &fired).expect("due times"), []);
        }
    }

    #[test]
    fn a_breach_is_never_taken_back_and_no_clock_is_breached_while_it_stands(
        (policy, log) in case(), mut looks in proptest::collection::vec(0_i64..30_000, 2..10)
    ) {
        looks.sort_unstable();
        // What comes back after it was resolved in time may be late later; what was late before stays late.
        let calendar = cn_office();
        let mut breached: Vec<(u32, DateTime<Utc>)> = Vec::new();
        for look in looks {
            let readings = Clock { policy, calendar: &calendar, log: &log }.readings(at(look)).expect("due times");
            for (run, due) in &breached {
                let reading = readings.iter().find(|reading| reading.run == *run).expect("a run stays");
                prop_assert_eq!(reading.breached_at, Some(*due));
            }
            for reading in &readings {
                if let Some(due) = reading.breached_at
                    && !breached.contains(&(reading.run, due))
                {
                    breached.push((reading.run, due));
                }
                if reading.state == ClockState::Paused {
                    prop_assert!(reading.remaining_s >= 0 && reading.breached_at.is_none());
                }
            }
        }
    }

    #[test]
    fn used_and_remaining_make_up_the_time_that_was_given((policy, log) in case(), look in 0_i64..30_000) {
        let calendar = cn_office();
        let clock = Clock { policy, calendar: &calendar, log: &log };
        for reading in clock.readings(at(look)).expect("due times") {
            let Target::Within(span) = policy.target else { continue };
            if let Some(length) = span.length() {
                prop_assert_eq!(reading.used_s + reading.remaining_s, length.num_seconds());
            }
            prop_assert!(reading.used_s >= 0);
        }
    }

    #[test]
    fn a_carrier_s_work_never_moves_what_the_customer_was_told(
        (policy, log) in case(), held in 0_i64..20_000, length in 1_i64..5_000, look in 0_i64..30_000
    ) {
        prop_assume!(policy.agreement == Agreement::Sla);
        let calendar = cn_office();
        let states = |log: &[LogEntry]| -> Vec<LogEntry> {
            log.iter().filter(|entry| matches!(entry.what, What::Happened { .. })).cloned().collect()
        };
        let plain = states(&log);
        let mut with_carrier = plain.clone();
        with_carrier.extend([
            LogEntry::entered(at(held), "held_external"),
            LogEntry::entered(at(held + length), "in_progress"),
        ]);
        let read = |log: &[LogEntry]| Clock { policy, calendar: &calendar, log }.readings(at(look));
        prop_assert_eq!(read(&plain), read(&with_carrier));
    }

    #[test]
    fn the_order_in_which_entries_of_different_times_are_handed_over_does_not_matter((policy, log) in case()) {
        let calendar = cn_office();
        let mut seen = BTreeSet::new();
        let distinct: Vec<LogEntry> = log.into_iter().filter(|entry| seen.insert(entry.at)).collect();
        let reversed: Vec<LogEntry> = distinct.iter().rev().cloned().collect();
        let read = |log: &[LogEntry]| Clock { policy, calendar: &calendar, log }.readings(at(25_000));
        prop_assert_eq!(read(&distinct), read(&reversed));
    }
}
