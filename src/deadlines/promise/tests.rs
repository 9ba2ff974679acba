//! Promises are kept, renewed with a reason, or broken; none is lost.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::clock::ActionKey;
use crate::policy::{PromiseRules, defaults};

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_413_200 + minute * 60, 0).expect("an instant")
}

fn promise(id: &str, made: i64, due: i64) -> Promise {
    Promise {
        id: id.to_owned(),
        text: "service is back".to_owned(),
        made_at: at(made),
        due_at: at(due),
        owner: "li".to_owned(),
        made_to: "customer-3".to_owned(),
        source: Source::Own,
        renews: None,
    }
}

fn renewing(id: &str, made: i64, due: i64, earlier: &str) -> Promise {
    let renews = Some(Renews { id: earlier.to_owned(), reason: "the splice failed".to_owned() });
    Promise { renews, ..promise(id, made, due) }
}

fn made(log: &mut Vec<PromiseEvent>, promise: Promise) {
    let event = make(log, promise).expect("a promise");
    log.push(event);
}

/// Warn 30 minutes before, contact within 2 hours.
fn rules() -> &'static PromiseRules {
    &defaults().expect("a table is shipped").promise
}

fn calls(
    log: &[PromiseEvent],
    now: i64,
    fired: &mut BTreeSet<ActionKey>,
) -> Vec<(PromiseCall, Option<String>)> {
    let actions = due_actions(log, rules(), at(now), fired);
    fired.extend(actions.iter().map(|action| action.key.clone()));
    actions.into_iter().map(|action| (action.call, action.promise)).collect()
}

fn outcomes(log: &[PromiseEvent], now: i64) -> Vec<Outcome> {
    read(log, at(now)).iter().map(|known| known.outcome).collect()
}

#[test]
fn r86_a_promise_is_warned_of_and_its_customer_contacted_before_it_is_due() {
    let mut log = Vec::new();
    made(&mut log, promise("p1", 0, 120));
    let mut fired = BTreeSet::new();
    assert_eq!(calls(&log, 89, &mut fired), []);
    let contact = PromiseCall::Contact { point: Point::PromiseDue };
    let id = || Some("p1".to_owned());
    assert_eq!(calls(&log, 90, &mut fired), [(PromiseCall::Warn, id()), (contact, id())]);
    assert_eq!(calls(&log, 120, &mut fired), []);
    assert_eq!(calls(&log, 121, &mut fired), [(PromiseCall::Broken, id())]);
    assert_eq!(calls(&log, 9_000, &mut fired), []);
}

#[test]
fn r86_a_new_time_with_a_reason_before_the_old_one_is_no_breach_and_after_it_is() {
    let mut in_time = Vec::new();
    made(&mut in_time, promise("p1", 0, 120));
    made(&mut in_time, renewing("p2", 120, 240, "p1"));
    assert_eq!(outcomes(&in_time, 130), [Outcome::Renewed, Outcome::Open]);
    let mut fired = BTreeSet::new();
    assert_eq!(calls(&in_time, 130, &mut fired), []);

    let mut late = Vec::new();
    made(&mut late, promise("p1", 0, 120));
    made(&mut late, renewing("p2", 121, 240, "p1"));
    assert_eq!(outcomes(&late, 130), [Outcome::Broken, Outcome::Open]);
    let mut fired = BTreeSet::new();
    assert_eq!(calls(&late, 130, &mut fired), [(PromiseCall::Broken, Some("p1".to_owned()))]);
    assert!(!read(&late, at(130))[0].is_live(), "the customer has a new time");
}

#[test]
fn r96_the_customer_is_contacted_at_four_points_and_a_missed_contact_goes_to_the_supervisor() {
    let mut log = Vec::new();
    made(&mut log, promise("p1", 0, 2_000));
    let mut fired = BTreeSet::new();
    for (minute, point) in [(10, Point::CauseFound), (300, Point::MeasureAvailable), (600, Point::Solved)] {
        log.push(PromiseEvent::Reached { point, at: at(minute) });
        assert_eq!(calls(&log, minute, &mut fired), [(PromiseCall::Contact { point }, None)]);
        assert_eq!(calls(&log, minute + 120, &mut fired), []);
        if point == Point::MeasureAvailable {
            assert_eq!(calls(&log, minute + 121, &mut fired), [(PromiseCall::ContactMissed { point }, None)]);
        } else {
            log.push(PromiseEvent::Contacted { point, at: at(minute + 60) });
            assert_eq!(calls(&log, minute + 121, &mut fired), []);
        }
    }
    let points: Vec<(Point, bool)> =
        duties(&log, rules(), at(1_990)).iter().map(|duty| (duty.point, duty.done_at.is_some())).collect();
    assert_eq!(
        points,
        [
            (Point::CauseFound, true),
            (Point::MeasureAvailable, false),
            (Point::Solved, true),
            (Point::PromiseDue, false)
        ]
    );
}

#[test]
fn a_promise_kept_in_time_is_kept_and_one_kept_late_stays_broken() {
    let mut log = Vec::new();
    made(&mut log, promise("p1", 0, 120));
    made(&mut log, promise("p2", 0, 120));
    log.push(keep(&log, "p1", at(120), "measurement 7").expect("it is open"));
    log.push(keep(&log, "p2", at(130), "measurement 8").expect("it can be kept late"));
    assert_eq!(outcomes(&log, 140), [Outcome::Kept, Outcome::Broken]);
    assert_eq!(read(&log, at(140))[1].kept_late_at, Some(at(130)));
    let tally = Tally::of(&read(&log, at(140)));
    assert_eq!(tally, Tally { kept: 1, renewed: 0, broken: 1, mended: 1 });
    assert_eq!(tally.kept_rate(), Some(0.5));
    assert_eq!(Tally::default().kept_rate(), None, "nothing promised is not all kept");
}

#[test]
fn what_is_no_promise_is_refused_in_words_with_its_rule() {
    let mut log = Vec::new();
    made(&mut log, promise("p1", 0, 120));
    let refused = |promise: Promise| make(&log, promise).expect_err("refused").to_string();
    assert!(refused(promise("p2", 100, 100)).contains("R86"));
    assert!(refused(Promise { owner: " ".to_owned(), ..promise("p2", 0, 9) }).contains("R96"));
    let mut without_reason = renewing("p2", 10, 200, "p1");
    without_reason.renews = Some(Renews { id: "p1".to_owned(), reason: String::new() });
    assert!(refused(without_reason).contains("reason"));
    assert_eq!(make(&log, promise("p1", 1, 9)), Err(PromiseRefusal::Taken("p1".to_owned())));
    assert_eq!(make(&log, renewing("p2", 1, 9, "p0")), Err(PromiseRefusal::Unknown("p0".to_owned())));
    made(&mut log, renewing("p2", 10, 200, "p1"));
    assert_eq!(make(&log, renewing("p3", 11, 200, "p1")), Err(PromiseRefusal::Settled("p1".to_owned())));
    assert_eq!(keep(&log, "p1", at(12), "x"), Err(PromiseRefusal::Settled("p1".to_owned())));
}

#[test]
fn a_carrier_s_new_time_renews_the_promises_that_rest_on_it_and_no_other() {
    let mut log = Vec::new();
    made(&mut log, Promise { source: Source::CarrierEta, ..promise("p1", 0, 120) });
    made(&mut log, promise("own", 0, 120));
    made(&mut log, Promise { source: Source::CarrierEta, ..promise("later", 0, 900) });
    let renew = |log: &[PromiseEvent], eta| {
        renewals_by_carrier(log, at(eta), TimeDelta::minutes(30), at(60), "the carrier needs longer")
    };
    let events = renew(&log, 300);
    log.extend(events.clone());
    assert_eq!(events.len(), 1);
    let standing = read(&log, at(60));
    assert_eq!(standing[0].renewed_as.as_deref(), Some("p1+"));
    assert_eq!(standing[3].promise.due_at, at(330));
    assert_eq!(renew(&log, 300), [], "the same time once more changes nothing");
}

#[test]
fn r86_a_promise_that_cannot_be_kept_any_more_is_broken_before_its_time_and_called_once() {
    let mut log = Vec::new();
    made(&mut log, promise("p1", 0, 600));
    let broken = fail(&log, "p1", at(100), "still dead after the work").expect("it is open");
    log.push(broken);
    assert_eq!(outcomes(&log, 99), [Outcome::Open]);
    assert_eq!(outcomes(&log, 100), [Outcome::Broken]);
    assert_eq!(read(&log, at(700))[0].settled_at, Some(at(100)), "when it was seen");
    let mut fired = BTreeSet::new();
    assert_eq!(calls(&log, 101, &mut fired), [(PromiseCall::Broken, Some("p1".to_owned()))]);
    assert_eq!(calls(&log, 101, &mut fired), []);
    assert_eq!(fail(&log, "p1", at(110), "x"), Err(PromiseRefusal::Settled("p1".to_owned())));
    assert_eq!(fail(&log, "p9", at(110), "x"), Err(PromiseRefusal::Unknown("p9".to_owned())));
    made(&mut log, renewing("p2", 120, 900, "p1"));
    assert_eq!(outcomes(&log, 130), [Outcome::Broken, Outcome::Open]);
    assert_eq!(Tally::of(&read(&log, at(130))).mended, 1);
}

#[test]
fn r86_what_rests_on_announced_work_is_renewed_by_its_new_end_and_nothing_else_is() {
    let mut log = Vec::new();
    let work = |id: &str| Promise { source: Source::AnnouncedWork, ..promise(id, 0, 120) };
    made(&mut log, work("w1"));
    made(&mut log, promise("own", 0, 120));
    let renewed = renewals(&log, Source::AnnouncedWork, at(300), at(60), "the splice failed");
    assert_eq!(renewed.len(), 1);
    log.extend(renewed);
    assert_eq!(outcomes(&log, 70), [Outcome::Renewed, Outcome::Open, Outcome::Open]);
    assert!(renewals(&log, Source::AnnouncedWork, at(300), at(70), "again").is_empty(), "told once");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any doing in any order: every promise ends somewhere, and every broken one is called out once.
    #[test]
    fn no_promise_is_lost_in_silence(
        doings in proptest::collection::vec((0_i64..50, 0_usize..5, 0_usize..6, 1_i64..200), 1..25),
        looks in proptest::collection::vec(0_i64..2_000, 0..10),
    ) {
        let mut log: Vec<PromiseEvent> = Vec::new();
        let (mut now, mut count) = (0, 0);
        for (later, doing, which, due) in doings {
            now += later;
            let id = format!("p{which}");
            match doing {
                0 => {
                    count += 1;
                    log.extend(make(&log, promise(&format!("p{count}"), now, now + due)).ok());
                }
                1 => {
                    count += 1;
                    log.extend(make(&log, renewing(&format!("p{count}"), now, now + due, &id)).ok());
                }
                2 => log.extend(keep(&log, &id, at(now), "measured").ok()),
                3 => log.push(PromiseEvent::Reached { point: Point::ALL[which % 4], at: at(now) }),
                _ => log.push(PromiseEvent::Contacted { point: Point::ALL[which % 4], at: at(now) }),
            }
        }
        let made = log.iter().filter(|event| matches!(event, PromiseEvent::Made { .. })).count();
        let end = read(&log, at(100_000));
        prop_assert_eq!(end.len(), made);
        prop_assert!(end.iter().all(|known| known.outcome != Outcome::Open));
        let tally = Tally::of(&end);
        prop_assert_eq!(tally.kept + tally.renewed + tally.broken, u64::try_from(made).expect("few"));

        let mut looks = looks;
        looks.sort_unstable();
        looks.push(100_000);
        let mut fired = BTreeSet::new();
        let mut broken: Vec<String> = Vec::new();
        for look in looks {
            for action in due_actions(&log, rules(), at(look), &fired) {
                prop_assert!(action.at <= at(look));
                prop_assert!(fired.insert(action.key.clone()), "twice: {}", action.key);
                if action.call == PromiseCall::Broken {
                    broken.extend(action.promise);
                }
            }
            prop_assert_eq!(due_actions(&log, rules(), at(look), &fired), []);
        }
        let mut expected: Vec<String> = end
            .iter()
            .filter(|known| known.outcome == Outcome::Broken)
            .map(|known| known.promise.id.clone())
            .collect();
        expected.sort_unstable();
        broken.sort_unstable();
        prop_assert_eq!(broken, expected);
    }

    #[test]
    fn what_became_of_a_promise_never_changes(
        due in 1_i64..200, kept in proptest::option::of(0_i64..300), renewed in proptest::option::of(1_i64..300),
        looks in proptest::collection::vec(0_i64..400, 2..8),
    ) {
        let mut log = Vec::new();
        made(&mut log, promise("p1", 0, due));
        log.extend(kept.and_then(|kept| keep(&log, "p1", at(kept), "measured").ok()));
        log.extend(renewed.and_then(|renewed| make(&log, renewing("p2", renewed, renewed + 50, "p1")).ok()));
        let mut looks = looks;
        looks.sort_unstable();
        let mut last = Outcome::Open;
        for look in looks {
            let now = outcomes(&log, look)[0];
            prop_assert!(last == Outcome::Open || now == last, "{:?} became {:?}", last, now);
            last = now;
        }
    }
}
