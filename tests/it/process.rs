//! Tickets that people register: what each rule asks, tried on the engine.

use chrono::TimeDelta;
use linesman::diagnosis::{Cause, Class, Side};
use linesman::locale::Language;
use linesman::ticket::deed::{Call, Deed};
use linesman::ticket::process::{ContactPurpose, Duty, Liability, Method, Rating, RecordKind, WorkKind};
use linesman::ticket::registration::{Nature, Referral};
use linesman::ticket::{self, Channel, Event, State, TicketId, TicketKind, TicketNumber, TicketText, clocks};
use linesman_deadlines::clock::ClockState;
use linesman_deadlines::policy::Level;
use linesman_deadlines::promise::{Outcome, Source};

use super::case::{
    Case, assigned, at, classified, confirmation, confirmed_diagnosis, contacted, filed, intake, promised,
    resolved, solved, worked_on,
};

#[test]
fn r27_r96_a_registration_needs_a_description_somebody_to_answer_and_a_first_owner() {
    let now = at("2026-03-02T01:00:00Z");
    let mut wrong = intake(TicketKind::Complaint, Channel::Phone, now + TimeDelta::hours(1));
    wrong.registration.customer = None;
    wrong.first_owner = " ".to_owned();
    let number = TicketNumber { year: 2026, count: 1 };
    let refused =
        ticket::register(TicketId("t".to_owned()), number, wrong, &TicketText::default(), now).unwrap_err();
    let rules: Vec<&str> =
        refused.unmet.iter().map(|guard| guard.args.get("rule").map_or("", String::as_str)).collect();
    assert_eq!(rules, ["R27", "R27", "R96", "R67"], "{refused}");
    assert!(refused.to_string().contains("(R96)"), "{refused}");
}

#[test]
fn r29_r43_a_registered_ticket_has_its_number_first_owner_and_department_and_no_diagnosis() {
    let case = Case::complaint();
    let ticket = &case.ticket;
    assert_eq!((ticket.state, ticket.class, ticket.cause), (State::Registered, None, None));
    assert_eq!((ticket.class_name(), ticket.side_name()), ("unclassified", "unknown"));
    assert_eq!(ticket.process.first_owner.as_deref(), Some("lin"));
    assert_eq!(ticket.process.department.as_deref(), Some("service"));
    let headline = ticket.headline();
    assert!(headline.render(Language::English).contains("not yet classified"));
    assert!(headline.render(Language::Chinese).contains("尚未分类"));
}

#[test]
fn r34_r54_a_regulators_case_has_its_letter_and_is_red_at_least() {
    let now = at("2026-03-02T01:00:00Z");
    let mut wrong = intake(TicketKind::Complaint, Channel::Regulator, now);
    wrong.level = Some(Level::Blue);
    wrong.registration.nature = Some(Nature::Service);
    let refused = Case::registered(wrong.clone(), now).err().expect("refused");
    let names: Vec<&str> = refused.unmet.iter().map(|guard| guard.key.as_str()).collect();
    assert_eq!(names, ["guard.level_below_its_channel", "guard.no_referral"]);
    let due_at = now + TimeDelta::days(9);
    // What is registered without a word of its level has it all the same.
    wrong.level = None;
    wrong.registration.referral = Some(Referral { case: "T-77".to_owned(), due_at });
    let case = Case::registered(wrong, now).expect("registered");
    assert_eq!(case.ticket.process.level, Some(Level::Red));
    assert_eq!(case.ticket.process.supervisor.as_deref(), Some("customer_service_head"), "R20");
    assert_eq!(
        case.clock("level-red-first-contact").due_at,
        now + TimeDelta::hours(1),
        "from the registration on"
    );
    let walk_in = intake(TicketKind::Complaint, Channel::WalkIn, now);
    let case_of = |wanted| Case::registered(wanted, now).expect("registered").ticket.process.level;
    assert_eq!(case_of(walk_in), Some(Level::Orange));
    assert_eq!(case_of(intake(TicketKind::Complaint, Channel::Phone, now)), None, "somebody judges it");
    assert_eq!(case_of(intake(TicketKind::Fault, Channel::WalkIn, now)), None, "of a complaint only");
    let case = Case::registered(intake(TicketKind::Complaint, Channel::Phone, now), now).expect("registered");
    case.refused_for(classified(Class::B, None, None), "R54", "no_level");
    let mut referred = intake(TicketKind::Complaint, Channel::Regulator, now);
    referred.registration.referral = Some(Referral { case: "T-77".to_owned(), due_at });
    let case = Case::registered(referred, now).expect("registered");
    assert_eq!(case.clock("regulator-referral").due_at, due_at);
}

#[test]
fn r48_r54_a_complaint_is_classified_with_a_level_that_fits_and_a_cause_of_its_class() {
    let case = Case::complaint();
    case.refused_for(classified(Class::B, None, None), "R54", "no_level");
    let mixed = classified(Class::C, Some(Level::Blue), Some(Cause::Fibre));
    case.refused_for(mixed, "R48", "cause_of_another_class");
    Case::of(TicketKind::Fault).refused_for(
        classified(Class::B, Some(Level::Blue), None),
        "R54",
        "level_of_a_complaint_only",
    );
}

#[test]
fn r22_r51_an_assignment_names_owner_deadline_and_target_and_off_duty_starts_his_day() {
    let mut case = Case::of(TicketKind::Fault);
    case.refused_for(assigned(case.now), "R51", "wrong_state");
    case.does(classified(Class::B, None, None));
    let now = case.now;
    let nothing = Deed::Assigned {
        owner: String::new(),
        department: None,
        deadline: now,
        target: " ".to_owned(),
        duty: Duty::OffDuty,
    };
    let rules: Vec<String> = case.refused(nothing).into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(rules, ["R51", "R51", "R51"], "every unmet guard is named");
    let Deed::Assigned { owner, department, deadline, target, .. } = assigned(now) else { unreachable!() };
    case.does(Deed::Assigned { owner, department, deadline, target, duty: Duty::OffDuty });
    assert_eq!(case.clock("off-duty-reply").due_at, now + TimeDelta::hours(24), "R69");
    case.does(Deed::Accepted);
    case.after(60).does(contacted(ContactPurpose::Progress, true, None));
    assert_eq!(case.clock("off-duty-reply").state, ClockState::Met);
}

#[test]
fn r37_r96_a_complaint_is_accepted_by_its_owner_after_the_customer_heard_when_he_hears() {
    let mut case = Case::complaint();
    case.does(classified(Class::C, Some(Level::Blue), None));
    let now = case.now;
    case.does(assigned(now));
    let unmet = case.tries(Deed::Accepted, "somebody").expect_err("refused");
    let names: Vec<&str> = unmet.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["not_the_owner", "no_first_contact"]);
    case.refused_for(contacted(ContactPurpose::FirstResponse, true, None), "R37", "no_reply_time");
    let reply_by = case.now + TimeDelta::hours(1);
    case.does(contacted(ContactPurpose::FirstResponse, false, Some(reply_by)));
    case.refused_for(Deed::Accepted, "R37", "no_first_contact");
    case.does(contacted(ContactPurpose::FirstResponse, true, Some(reply_by))).does(Deed::Accepted);
    assert_eq!(case.ticket.state, State::InProgress);
}

#[test]
fn r33_r35_only_what_is_not_ours_is_rejected_with_evidence_and_the_customer_told() {
    let mut case = Case::complaint();
    case.does(classified(Class::C, Some(Level::Blue), None));
    let reject = || Deed::Rejected { reason: "another carrier's line".to_owned() };
    let names: Vec<String> = case.refused(reject()).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["customer_not_told", "unclear_is_ours", "no_evidence"]);
    let Deed::Classified { class, urgency, level, supervisor, tags, cause, segment, side, .. } =
        classified(Class::C, Some(Level::Blue), None)
    else {
        unreachable!()
    };
    let liability = Liability::NoFault;
    case.does(Deed::Classified { class, urgency, level, supervisor, liability, tags, cause, segment, side });
    case.does(filed(RecordKind::Evidence)).does(contacted(ContactPurpose::Answer, true, None)).does(reject());
    assert_eq!(case.ticket.state, State::Rejected);
    assert!(clocks::due_deeds(&case.ticket, case.now + TimeDelta::days(90)).is_empty(), "no clock goes on");
}

#[test]
fn r92_a_question_is_asked_before_it_is_waited_for_and_the_customers_clock_stands_meanwhile() {
    let mut case = worked_on();
    let next = case.now + TimeDelta::hours(24);
    case.refused_for(Deed::AskedCustomer { next_contact_at: case.now }, "R92", "next_contact_passed");
    let before = case.clock("complaint-resolution").due_at;
    case.after(1).does(contacted(ContactPurpose::Question, true, None));
    case.does(Deed::AskedCustomer { next_contact_at: next });
    case.after(3 * 24 * 60);
    assert_eq!(case.clock("complaint-resolution").state, ClockState::Paused);
    case.does(Deed::Resumed { reason: "he answered".to_owned() });
    assert!(case.clock("complaint-resolution").due_at > before, "the pause is given back");
    assert_eq!(case.clock("regulator-answer").paused_since, None, "the regulator's clock never stands");
}

#[test]
fn r42_r86_work_given_away_needs_a_promise_and_a_new_time_of_the_carrier_renews_it() {
    let mut case = worked_on();
    let eta = case.now + TimeDelta::hours(4);
    let hold = |eta| Deed::HeldExternal {
        kind: WorkKind::CarrierRepair,
        reference: "CR-9".to_owned(),
        with: "Carrier One".to_owned(),
        eta,
    };
    case.refused_for(hold(eta), "R86", "no_promise");
    let Deed::Promised { id, text, renews, .. } = promised("p1", eta, None) else { unreachable!() };
    let source = Source::CarrierEta;
    case.after(1).does(Deed::Promised { id, text, due_at: eta, source, renews });
    case.after(1).does(hold(eta));
    assert_eq!(case.clock("carrier-repair#CR-9").due_at, eta);
    case.refused_for(hold(eta), "R42", "reference_taken");
    let later = eta + TimeDelta::hours(6);
    let delayed =
        |eta| Deed::EtaChanged { reference: "CR-9".to_owned(), eta, reason: "waits for a splice".to_owned() };
    case.after(60).does(delayed(later));
    assert_eq!(case.clock("carrier-repair#CR-9").due_at, later);
    let standing = clocks::promises(&case.ticket, case.now);
    let outcomes: Vec<Outcome> = standing.iter().map(|known| known.outcome).collect();
    assert_eq!(outcomes, [Outcome::Renewed, Outcome::Open]);
    assert!(standing[1].promise.due_at > later, "with time for our own test");
    assert_ne!(case.clock("complaint-resolution").state, ClockState::Paused, "the carrier pauses nothing");
    let done = Deed::WorkDone { reference: "CR-9".to_owned(), result: "spliced".to_owned() };
    case.after(60).does(done.clone());
    assert_eq!(case.clock("carrier-repair#CR-9").state, ClockState::Met);
    case.refused_for(done, "R42", "no_such_work");
}

#[test]
fn r58_r59_a_bill_is_compared_on_five_dimensions_and_resolved_with_the_correct_accounting_method() {
    let mut case = worked_on();
    case.does(classified(Class::A, None, None));
    let claim = || Deed::RepairClaimed { what: "rated anew".to_owned() };
    case.refused_for(claim(), "R58", "not_compared_on_five");
    case.does(filed(RecordKind::Comparison)).does(claim());
    case.does(Deed::Verified { passed: true, evidence: "run-2".to_owned() }).does(confirmed_diagnosis());
    case.refused_for(solved(), "R59", "no_finance_sign_off");
    case.refused_for(solved(), "R59", "no_accounting_method");
    case.does(filed(RecordKind::FinanceSignOff)).does(filed(RecordKind::AccountingMethod)).does(solved());
}

#[test]
fn r24_r61_r119_nothing_is_resolved_unproven_unconfirmed_or_without_cause_and_solution() {
    let mut case = worked_on();
    case.refused_for(solved(), "R61", "wrong_state");
    case.does(Deed::RepairClaimed { what: "set the codec".to_owned() });
    let nothing = Deed::SolutionRecorded { root_cause: String::new(), solution: String::new() };
    let names: Vec<String> = case.refused(nothing).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["no_solution", "no_root_cause", "not_verified", "diagnosis_not_confirmed"]);
    case.does(Deed::Verified { passed: false, evidence: "test call 6".to_owned() });
    assert_eq!(case.ticket.state, State::InProgress, "measured not to be over");
    case.does(Deed::RepairClaimed { what: "set it again".to_owned() });
    case.does(Deed::VerificationWaived { reason: "the customer has closed his office".to_owned() });
    case.does(confirmed_diagnosis()).does(solved());
    assert_eq!(case.ticket.state, State::Resolved);
}

#[test]
fn r41_r42_r63_r105_r120_server_carrier_and_line_need_their_records_and_no_work_stays_open() {
    for (class, cause, name) in [
        (Class::B, Cause::ServerDown, "no_maintenance_record"),
        (Class::B, Cause::Fibre, "no_carrier_repair"),
        (Class::D, Cause::LandingTrunk, "no_test_review"),
    ] {
        let mut case = worked_on();
        case.does(classified(class, None, Some(cause)));
        let due = case.now + TimeDelta::hours(8);
        case.does(promised("p1", due, None)).does(Deed::HeldExternal {
            kind: WorkKind::DispatchOrder,
            reference: "DO-1".to_owned(),
            with: "noc".to_owned(),
            eta: due,
        });
        case.does(Deed::RepairClaimed { what: "done".to_owned() });
        case.does(Deed::Verified { passed: true, evidence: "m-1".to_owned() }).does(confirmed_diagnosis());
        let names: Vec<String> = case.refused(solved()).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, [name, "work_is_open"], "{cause:?}");
    }
}

#[test]
fn r61_nothing_is_resolved_while_the_fault_above_it_is_measured_unless_a_manager_waives() {
    let mut case = worked_on();
    case.around.alarm = Some("LM-2026-000009".to_owned());
    case.does(Deed::RepairClaimed { what: "x".to_owned() }).does(confirmed_diagnosis());
    case.does(Deed::Verified { passed: true, evidence: "m".to_owned() });
    case.refused_for(solved(), "R61", "alarm_is_active");
    case.does(Deed::VerificationWaived { reason: "another line serves him".to_owned() }).does(solved());
}

#[test]
fn r65_r66_r106_answers_top_ups_and_follow_ups_have_conditions_of_their_own() {
    for (kind, class, name) in [
        (TicketKind::Consultation, Class::E, "no_answer"),
        (TicketKind::Recharge, Class::E, "no_finance_outcome"),
        (TicketKind::FollowUp, Class::E, "no_follow_up_call"),
    ] {
        let mut case = Case::of(kind);
        case.does(classified(class, None, None));
        let now = case.now;
        case.does(assigned(now)).does(Deed::Accepted);
        let names: Vec<String> = case.refused(solved()).into_iter().map(|(_, name)| name).collect();
        assert!(names.iter().any(|unmet| unmet == name), "{kind:?}: {names:?}");
        case.does(filed(RecordKind::FinanceOutcome));
        let purpose = match kind {
            TicketKind::Recharge => ContactPurpose::RechargeNotice,
            _ => ContactPurpose::Answer,
        };
        case.does(contacted(purpose, true, None)).does(solved());
        assert_eq!(case.ticket.state, State::Resolved, "{kind:?}");
    }
}

#[test]
fn r76_r77_r97_r103_r108_the_result_is_told_tested_confirmed_and_kept() {
    let mut case = resolved();
    assert_eq!(case.clock("result-feedback").due_at, case.now + TimeDelta::hours(2), "R76");
    assert_eq!(case.clock("confirmation").due_at, case.now + TimeDelta::hours(24), "R77");
    let told =
        |asked_to_test| Deed::ResultReported { channel: Channel::Phone, asked_to_test, text_sha256: None };
    case.refused_for(told(false), "R97", "not_asked_to_test");
    case.after(30).does(told(true));
    assert_eq!(case.clock("result-feedback").state, ClockState::Met);
    case.refused_for(confirmation(Rating::Dissatisfied), "R104", "dissatisfied_reopens");
    let bare = Deed::ConfirmationRecorded {
        rating: Rating::Satisfied,
        method: Method::Signature,
        reference: Some("folder 7".to_owned()),
        no_article_because: None,
    };
    case.refused_for(bare, "R108", "no_article");
    case.after(30).does(confirmation(Rating::Satisfied));
    assert_eq!((case.ticket.state, case.clock("confirmation").state), (State::Settled, ClockState::Met));
    case.around.open_children = 1;
    case.refused_for(Event::Closed, "R107", "children_are_open");
    case.around.open_children = 0;
    case.does(Event::Closed);
    assert_eq!(case.ticket.state, State::Closed);
}

#[test]
fn r77_silence_counts_after_attempts_on_three_working_days_only() {
    let mut case = resolved();
    case.does(Deed::ResultReported { channel: Channel::Phone, asked_to_test: true, text_sha256: None });
    let unanswered = || Deed::UnansweredRecorded { no_article_because: Some("known".to_owned()) };
    // Monday, Monday again, then a Saturday: one working day.
    for days in [0, 0, 5] {
        case.after(days * 24 * 60 + 1).does(contacted(ContactPurpose::Result, false, None));
    }
    case.refused_for(unanswered(), "R77", "too_few_attempts");
    for _ in 0..2 {
        case.after(2 * 24 * 60).does(contacted(ContactPurpose::Result, false, None));
    }
    case.does(unanswered());
    assert_eq!(case.ticket.state, State::Settled);
    assert!(case.ticket.process.confirmation.as_ref().is_some_and(|known| known.rating.is_none()));
}

#[test]
fn r104_r126_who_does_not_agree_is_heard_one_level_higher_by_the_same_owner() {
    let mut case = resolved();
    case.does(Deed::ReopenedByPerson { reason: "it fails again".to_owned() });
    let ticket = &case.ticket;
    assert_eq!((ticket.state, ticket.reopen_count), (State::Reopened, 1));
    assert_eq!(ticket.process.level, Some(Level::Yellow));
    assert_eq!(ticket.process.supervisor.as_deref(), Some("shift_lead"));
    assert_eq!(ticket.owner.as_deref(), Some("lin"), "the level changes the supervisor alone");
    assert!(ticket.process.verification.is_none(), "the old proof proves nothing any more");
    assert_eq!(case.clock("complaint-resolution").met_at, None, "the resolution goes on");
    case.refused_for(
        Deed::LevelChanged { level: Level::Yellow, reason: "x".to_owned(), supervisor: None },
        "R54",
        "same_level",
    );
}

#[test]
fn r67_r68_r70_r71_r72_r74_r75_the_clocks_of_a_complaint_are_due_when_the_table_says() {
    // Monday 09:00 in China.
    let case = worked_on();
    let received = at("2026-03-02T01:00:00Z");
    for (name, due) in [
        ("registration", "2026-03-02T01:10:00Z"),
        ("assignment", "2026-03-02T01:30:00Z"),
        ("complaint-receipt", "2026-03-03T01:00:00Z"),
        ("general-response", "2026-03-03T01:00:00Z"),
        ("general-resolution", "2026-03-05T10:00:00Z"),
        ("complaint-plan", "2026-03-03T01:00:00Z"),
        ("complaint-resolution", "2026-03-09T10:00:00Z"),
        ("progress", "2026-03-03T10:00:00Z"),
        ("regulator-answer", "2026-03-17T16:00:00Z"),
    ] {
        assert_eq!(case.clock(name).due_at, at(due), "{name}");
    }
    assert_eq!(case.clock("registration").state, ClockState::Met);
    assert_eq!(case.clock("complaint-receipt").state, ClockState::Met, "a first reply is a receipt");
    assert_eq!(case.clock("complaint-plan").started_at, received);
}

#[test]
fn r50_r71_r72_r73_each_urgency_has_its_response() {
    use linesman_deadlines::policy::Urgency;
    for (urgency, clock, due) in [
        (Urgency::Urgent, "urgent-response", "2026-03-02T03:00:00Z"),
        (Urgency::General, "general-response", "2026-03-03T01:00:00Z"),
        (Urgency::Routine, "routine-response", "2026-03-05T10:00:00Z"),
    ] {
        // Monday 09:00 in China.
        let now = at("2026-03-02T01:00:00Z");
        let mut wanted = intake(TicketKind::Fault, Channel::Phone, now);
        wanted.registration.urgency = urgency;
        let case = Case::registered(wanted, now).expect("registered");
        assert_eq!(case.clock(clock).due_at, at(due));
        let others = clocks::clocks(&case.ticket, now).standing;
        let responses = others.iter().filter(|known| known.name.ends_with("-response")).count();
        assert_eq!(responses, 1, "one and no other");
    }
}

#[test]
fn r10_r124_who_asks_and_what_a_complaint_is_about_are_registered_and_only_a_stranger_may_be_nobody() {
    use linesman_deadlines::policy::Caller;
    let now = at("2026-03-02T01:00:00Z");
    for nature in Nature::ALL {
        let mut wanted = intake(TicketKind::Complaint, Channel::Phone, now);
        wanted.registration.nature = Some(*nature);
        let case = Case::registered(wanted.clone(), now).expect("registered");
        assert_eq!(case.ticket.registration.and_then(|known| known.nature), Some(*nature));
        wanted.kind = TicketKind::Consultation;
        assert!(Case::registered(wanted, now).is_err(), "the nature of a complaint");
    }
    for (caller, is_let) in [
        (Caller::Existing, false),
        (Caller::Prospect, true),
        (Caller::Doubtful, true),
        (Caller::HelpSeeker, true),
    ] {
        let mut wanted = intake(TicketKind::Consultation, Channel::Phone, now);
        wanted.registration.customer = None;
        wanted.registration.caller = Some(caller);
        assert_eq!(Case::registered(wanted, now).is_ok(), is_let, "{caller:?}");
    }
}

#[test]
fn r88_what_is_overdue_is_called_once_and_goes_to_the_supervisor_of_the_level() {
    let mut case = worked_on();
    case.after(24 * 60);
    let first = case.swept();
    assert!(first.contains(&("complaint-plan".to_owned(), Call::Breach)), "{first:?}");
    assert!(case.swept().is_empty(), "nothing twice");
    let breach = case.ticket.process.fired.iter().find(|key| key.0 == "complaint-plan/1/breach").cloned();
    let again = Deed::ClockCalled {
        key: breach.expect("remembered"),
        overtakes: Vec::new(),
        call: Call::Breach,
        policy: "complaint-plan".to_owned(),
        rule: "R74".to_owned(),
        due_at: case.now,
        escalated_to: None,
    };
    let unmet = case.tries(again.clone(), "linesman").expect_err("refused");
    assert_eq!(unmet, [("R88".to_owned(), "called_already".to_owned())]);
    case.refused_for(again, "R88", "clocks_only");
}

#[test]
fn r86_r96_a_promise_is_warned_of_contacted_about_renewed_or_broken_and_never_lost() {
    let mut case = worked_on();
    let due = case.now + TimeDelta::hours(2);
    case.does(promised("p1", due, None));
    case.refused_for(promised("p1", due, None), "R86", "promise_taken");
    case.refused_for(Event::Cancelled { reason: "merged".to_owned() }, "R86", "promise_would_be_lost");
    case.after(95);
    let asked: Vec<_> = case.swept().into_iter().filter(|(name, _)| name == "p1").collect();
    assert_eq!(
        asked,
        [("p1".to_owned(), Call::Remind), ("p1".to_owned(), Call::Contact)],
        "before it is due"
    );
    let later = due + TimeDelta::hours(3);
    case.does(promised("p2", later, Some("p1")));
    case.after(60);
    assert!(!case.swept().iter().any(|(name, _)| name == "p1"), "a renewed one is not broken");
    case.now = later + TimeDelta::minutes(1);
    let asked = case.swept();
    assert!(asked.contains(&("p2".to_owned(), Call::Breach)), "{asked:?}");
    let broken = clocks::promises(&case.ticket, case.now);
    assert_eq!(broken[1].outcome, Outcome::Broken);
}

#[test]
fn r86_what_was_promised_is_kept_by_the_measurement_that_resolves_it() {
    let mut case = worked_on();
    let due = case.now + TimeDelta::hours(8);
    case.does(promised("p1", due, None));
    case.after(30).does(Deed::RepairClaimed { what: "set the codec".to_owned() });
    case.does(Deed::Verified { passed: true, evidence: "test call 7".to_owned() });
    case.does(confirmed_diagnosis()).does(solved());
    assert_eq!(clocks::promises(&case.ticket, case.now)[0].outcome, Outcome::Kept);
}

#[test]
fn r78_a_follow_up_is_triggered_some_working_days_after_a_complaint_was_resolved() {
    let mut case = resolved();
    case.does(Deed::ResultReported { channel: Channel::Phone, asked_to_test: true, text_sha256: None });
    case.does(confirmation(Rating::Satisfied)).does(Event::Closed);
    case.after(14 * 24 * 60);
    let asked = case.swept();
    assert!(asked.contains(&("follow-up-complaint".to_owned(), Call::Trigger)), "{asked:?}");
}

#[test]
fn r78_r79_who_answers_the_survey_before_the_day_of_the_call_is_not_called_any_more() {
    let answered = || Deed::FormFiled {
        form: linesman_process::form::FormId::Survey,
        count: 1,
        sha256: "0".repeat(64),
        scores: std::collections::BTreeMap::from([("attitude".to_owned(), 9)]),
    };
    let told = Deed::ResultReported { channel: Channel::Phone, asked_to_test: true, text_sha256: None };
    let mut case = resolved();
    case.does(told.clone()).does(confirmation(Rating::Satisfied));
    assert_eq!(case.clock("follow-up-complaint").state, ClockState::Running);
    case.after(24 * 60).does(answered());
    assert_eq!(case.clock("follow-up-complaint").state, ClockState::Met);
    case.after(30 * 24 * 60);
    let asked = case.swept();
    assert!(!asked.iter().any(|(_, call)| *call == Call::Trigger), "{asked:?}");
    // Of what comes back he is asked anew.
    let mut case = resolved();
    case.does(told.clone()).after(10).does(answered());
    case.does(Deed::ReopenedByPerson { reason: "again".to_owned() }).does(Deed::Accepted);
    case.after(30).does(Deed::RepairClaimed { what: "set it again".to_owned() });
    case.does(Deed::Verified { passed: true, evidence: "test call 9".to_owned() });
    case.does(confirmed_diagnosis()).does(solved());
    assert_eq!(case.clock("follow-up-complaint").state, ClockState::Running);
}

#[test]
fn r73_r79_a_follow_up_is_made_in_three_working_days_and_summarised_two_after_by_call_or_survey() {
    for by_survey in [false, true] {
        let mut follow_up = intake(TicketKind::FollowUp, Channel::Automatic, at("2026-03-02T01:00:00Z"));
        follow_up.registration.urgency = linesman_deadlines::policy::Urgency::Routine;
        follow_up.follows = Some(TicketId("before".to_owned()));
        // Monday 09:00 in China.
        let mut case = Case::registered(follow_up, at("2026-03-02T01:00:00Z")).expect("registered");
        for name in ["follow-up", "routine-response"] {
            assert_eq!(case.clock(name).due_at, at("2026-03-05T10:00:00Z"), "{name}");
        }
        let mut class = classified(Class::E, None, None);
        if let Deed::Classified { urgency, .. } = &mut class {
            *urgency = linesman_deadlines::policy::Urgency::Routine;
        }
        case.does(class);
        let now = case.now;
        case.does(assigned(now)).does(Deed::Accepted);
        case.refused_for(solved(), "R106", "no_follow_up_call");
        case.after(24 * 60);
        if by_survey {
            let answered = Deed::SurveyAnswered { about: TicketId("before".to_owned()) };
            let event = linesman::ticket::Event::from(answered);
            case.ticket = case.tries(event, "linesman").expect("heard");
        } else {
            case.does(contacted(ContactPurpose::Progress, true, None));
        }
        for name in ["follow-up", "routine-response"] {
            assert_eq!(case.clock(name).state, ClockState::Met, "{name}");
        }
        let summary = case.clock("follow-up-summary");
        assert_eq!((summary.state, summary.due_at), (ClockState::Running, at("2026-03-05T10:00:00Z")));
        case.does(solved());
        assert_eq!(case.ticket.state, State::Resolved);
    }
}

#[test]
fn what_measurement_opened_goes_its_own_way() {
    let mut case = Case::complaint();
    case.ticket.registration = None;
    case.refused_for(classified(Class::B, None, None), "R21", "not_reported");
    let case = Case::complaint();
    case.refused_for(Event::Acknowledged, "R51", "people_assign");
    case.refused_for(Event::RemeasureRequested, "R60", "nothing_to_measure");
    assert_eq!(case.ticket.side, None::<Side>);
}
