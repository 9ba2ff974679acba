//! The shipped table says what mission.md says, and a wrong table is refused with every place.

use std::collections::BTreeSet;

use super::*;
use crate::calendar::official::calendars;
use crate::due::Basis;

fn table() -> &'static Policies {
    match read::read("default.toml", SHIPPED, &calendars()) {
        Ok(_) => defaults().expect("it was read"),
        Err(mistakes) => {
            let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            panic!("the shipped table has mistakes:\n{}", shown.join("\n"));
        }
    }
}

/// Rule, id, target, basis, as mission.md sections 6 and 9 have them.
const MISSION: &[(&str, &str, &str, Basis)] = &[
    ("R67", "registration", "10 minutes", Basis::Elapsed),
    ("R30", "urgent-phone-confirmation", "30 minutes", Basis::Elapsed),
    ("R68", "assignment", "30 business minutes", Basis::BusinessMinutes),
    ("R69", "off-duty-reply", "24 hours", Basis::Elapsed),
    ("R70", "complaint-receipt", "24 hours", Basis::Elapsed),
    ("R71", "urgent-response", "2 hours", Basis::Elapsed),
    ("R71", "urgent-resolution", "24 hours", Basis::Elapsed),
    ("R72", "general-response", "24 hours", Basis::Elapsed),
    ("R72", "general-resolution", "3 working days", Basis::WorkingDays),
    ("R73", "routine-response", "3 working days", Basis::WorkingDays),
    ("R74", "complaint-plan", "24 hours", Basis::Elapsed),
    ("R74", "complaint-resolution", "5 working days", Basis::WorkingDays),
    ("R75", "progress", "1 working day", Basis::WorkingDays),
    ("R76", "result-feedback", "2 hours", Basis::Elapsed),
    ("R77", "confirmation", "24 hours", Basis::Elapsed),
    ("R78", "follow-up-repair", "3 working days", Basis::WorkingDays),
    ("R78", "follow-up-complaint", "7 working days", Basis::WorkingDays),
    ("R78", "follow-up-new-customer", "1 calendar month", Basis::CalendarDays),
    ("R79", "follow-up", "3 working days", Basis::WorkingDays),
    ("R79", "follow-up-summary", "2 working days", Basis::WorkingDays),
    ("R81", "monthly-summary", "last working day by day 5", Basis::CalendarDays),
    ("R81", "improvement-plan", "last working day by day 10", Basis::CalendarDays),
    ("R82", "consultation-doubtful", "10 minutes", Basis::Elapsed),
    ("R82", "consultation-help-seeker", "5 minutes", Basis::Elapsed),
    ("R54", "level-blue-first-contact", "24 hours", Basis::Elapsed),
    ("R54", "level-blue-update", "1 working day", Basis::WorkingDays),
    ("R54", "level-blue-resolution", "5 working days", Basis::WorkingDays),
    ("R54", "level-yellow-first-contact", "4 hours", Basis::Elapsed),
    ("R54", "level-yellow-update", "1 working day", Basis::WorkingDays),
    ("R54", "level-yellow-resolution", "3 working days", Basis::WorkingDays),
    ("R54", "level-orange-first-contact", "2 hours", Basis::Elapsed),
    ("R54", "level-orange-update", "4 hours", Basis::Elapsed),
    ("R54", "level-orange-resolution", "24 hours", Basis::Elapsed),
    ("R54", "level-red-first-contact", "1 hour", Basis::Elapsed),
    ("R54", "level-red-update", "2 hours", Basis::Elapsed),
    ("R54", "level-red-resolution", "12 hours", Basis::Elapsed),
    ("R54", "level-red-plus-first-contact", "30 minutes", Basis::Elapsed),
    ("R54", "level-red-plus-update", "1 hour", Basis::Elapsed),
    ("R54", "level-red-plus-resolution", "stated", Basis::Elapsed),
    ("section 9", "regulator-answer", "15 calendar days", Basis::CalendarDays),
    ("section 9", "regulator-referral", "stated", Basis::Elapsed),
    ("R51", "dispatch-order", "stated", Basis::Elapsed),
    ("R42", "carrier-repair", "stated", Basis::Elapsed),
];

#[test]
fn r67_to_r82_and_section_9_the_table_says_what_the_mission_says() {
    let table = table();
    let shipped: Vec<(&str, &str, String, Basis)> = table
        .policies
        .iter()
        .map(|policy| {
            (policy.rule.as_str(), policy.id.as_str(), policy.target.to_string(), policy.target.basis())
        })
        .collect();
    let mission: Vec<_> =
        MISSION.iter().map(|(rule, id, target, basis)| (*rule, *id, (*target).to_owned(), *basis)).collect();
    assert_eq!(shipped, mission);
}

#[test]
fn every_rule_from_r67_to_r88_has_its_entry() {
    let table = table();
    let mut rules: BTreeSet<&str> = table.policies.iter().map(|policy| policy.rule.as_str()).collect();
    rules.extend(table.thresholds.iter().map(|threshold| threshold.rule.as_str()));
    rules.extend(table.refunds.iter().map(|refund| refund.rule.as_str()));
    rules.extend([table.overdue.rule.as_str(), table.promise.rule.as_str()]);
    let missing: Vec<String> =
        (67..=88).map(|number| format!("R{number}")).filter(|rule| !rules.contains(rule.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn r80_and_r83_to_r85_figures_are_reached_or_not_and_without_a_case_neither() {
    let table = table();
    let threshold = |id: &str| table.thresholds.iter().find(|threshold| threshold.id == id).expect(id);
    assert_eq!(threshold("survey-item").is_reached(6, 10), Some(false));
    assert_eq!(threshold("survey-item").is_reached(7, 10), Some(true));
    assert_eq!(threshold("handling-rate").is_reached(99, 100), Some(false));
    assert_eq!(threshold("satisfaction-rate").is_reached(80, 100), Some(true));
    assert_eq!(threshold("satisfaction-rate").is_reached(79, 100), Some(false));
    assert_eq!(threshold("confirmation-accuracy").is_reached(0, 0), None);
}

#[test]
fn r87_a_charge_without_a_subscription_record_is_refunded_twice() {
    let factors: Vec<(&str, u32)> =
        table().refunds.iter().map(|refund| (refund.when.as_str(), refund.factor)).collect();
    assert_eq!(factors, [("no_subscription_record", 2), ("tariff_differs", 1)]);
}

#[test]
fn r88_an_overdue_ticket_goes_to_the_supervisor_and_the_customer_hears_why_with_an_apology() {
    let overdue = &table().overdue;
    assert_eq!(
        (overdue.escalate_to.as_str(), overdue.tell_customer, overdue.apologise),
        ("supervisor", true, true)
    );
}

#[test]
fn a_complaint_of_level_orange_has_its_own_deadlines_beside_those_of_every_complaint() {
    let facts = Facts { kind: Some(Kind::Complaint), level: Some(Level::Orange), ..Facts::default() };
    let ids: Vec<&str> = table().applicable(&facts).map(|policy| policy.id.as_str()).collect();
    for id in
        ["complaint-plan", "complaint-resolution", "level-orange-update", "regulator-answer", "registration"]
    {
        assert!(ids.contains(&id), "{id} in {ids:?}");
    }
    for id in ["level-red-update", "urgent-response", "follow-up-repair", "consultation-doubtful"] {
        assert!(!ids.contains(&id), "{id} in {ids:?}");
    }
}

#[test]
fn the_regulator_s_clock_never_pauses_and_warns_on_days_7_10_and_13() {
    let policy = table().get("regulator-answer").expect("it is shipped");
    assert!(policy.pause_in.is_empty() && policy.resumed_by.is_empty());
    assert_eq!(policy.warn, [Reminder::OnDay(7), Reminder::OnDay(10), Reminder::OnDay(13)]);
}

#[test]
fn no_clock_towards_the_customer_stands_while_a_carrier_works() {
    for policy in table().policies.iter().filter(|policy| policy.agreement == Agreement::Sla) {
        assert!(!policy.pause_in.iter().any(|state| state == "held_external"), "{}", policy.id);
    }
}

#[test]
fn every_mistake_of_a_table_is_told_with_its_place() {
    let begin = SHIPPED.find("[[policy]]").expect("there are policies");
    let head = &SHIPPED[..begin];
    let lines = head.matches('\n').count();
    let wrong = "[[policy]]\nid = \"Urgent\"\nrule = \"71\"\ntitle = \"x\"\ntitle_zh = \"x\"\nagreement = \"SLA\"\npurpose = \"response\"\n\
target = \"2 hours\"\nbasis = \"working_days\"\ncalendar = \"office\"\nfrom = []\nto = [\"responded\"]\n\
pause_in = [\"held_external\", \"asleep\"]\nwarn = [\"3 hours before\", \"day 2\", \"soon\"]\n\
[[policy]]\nid = \"Urgent\"\nrule = \"R71\"\ntitle = \"x\"\ntitle_zh = \"x\"\nagreement = \"SLA\"\npurpose = \"response\"\n\
target = \"soon\"\nbasis = \"elapsed\"\ncalendar = \"cn-office\"\nfrom = [\"registered\"]\nto = [\"responded\"]\n";
    let text = format!("{head}{wrong}");
    let mistakes = read::read("own.toml", &text, &calendars()).expect_err("mistakes");
    let shown: Vec<(usize, &str)> =
        mistakes.iter().map(|mistake| (mistake.line - lines, mistake.message.as_str())).collect();
    let expected = [
        (2, "an id has lower-case"),
        (3, "a rule is named as in mission.md"),
        (9, "a target of 2 hours has another basis: elapsed"),
        (10, "no calendar `office`; known are always, cn-office"),
        (11, "name at least one event"),
        (13, "waiting for a carrier does not pause"),
        (13, "no state `asleep`"),
        (14, "it would come before the clock starts"),
        (14, "a day is counted only towards calendar days"),
        (14, "`soon` is no reminder"),
        (16, "`Urgent` is there twice"),
        (16, "an id has lower-case"),
        (22, "`soon` is no target"),
    ];
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for ((line, message), (expected_line, begins)) in shown.iter().zip(expected) {
        assert!(*line == expected_line && message.starts_with(begins), "{line}: {message}");
    }
}

#[test]
fn a_policy_is_read_back_from_what_a_clock_keeps_of_it() {
    for policy in &table().policies {
        let kept = serde_json::to_string(policy).expect("it is written");
        assert_eq!(serde_json::from_str::<Policy>(&kept).expect("it is read"), *policy);
    }
}
