use chrono::TimeDelta;
use linesman_process::tree::{Answerer, Standing, Step};
use proptest::prelude::*;

use super::*;
use crate::diagnosis::{Cause, Fault, FaultState, Severity, Side, TreeStep};
use crate::locale::{Language, Message};
use crate::ticket::registration::CustomerRef;
use crate::ticket::{
    self, Channel, Event, Intake, Registration, TicketId, TicketNumber, TicketText, apply_in,
};

fn noon() -> DateTime<Utc> {
    "2026-03-02T04:00:00Z".parse().unwrap()
}

fn trees() -> Arc<Trees> {
    Arc::new(Trees::shipped().unwrap().clone())
}

fn guide(roles: &[Role]) -> Guide {
    Guide { trees: trees(), roles: roles.to_vec() }
}

fn lin() -> Actor {
    Actor("lin".to_owned())
}

fn reported(kind: TicketKind, class: Option<Class>) -> Ticket {
    let intake = Intake {
        kind,
        registration: Registration {
            channel: Channel::Phone,
            customer: Some(CustomerRef { customer: "c-1".to_owned(), contact: None }),
            ..Registration::automatic(noon(), linesman_deadlines::policy::Urgency::General)
        },
        first_owner: "lin".to_owned(),
        department: None,
        level: None,
        parent: None,
        follows: None,
    };
    let number = TicketNumber { year: 2026, count: 1 };
    let text = TicketText::of("no calls");
    let mut ticket =
        ticket::register(TicketId("t".to_owned()), number, intake, &text, noon()).unwrap().0.ticket;
    ticket.class = class;
    ticket
}

fn fibre(seen: DateTime<Utc>) -> Fault {
    let steps = [("B2", true), ("B4", true), ("B5", false), ("B6", false), ("B6b", false), ("B7", true)];
    Fault {
        key: "line/link-1".to_owned(),
        aliases: vec![],
        class: Class::B,
        cause: Cause::Fibre,
        segment: "link-1".to_owned(),
        segment_kind: None,
        side: Side::Carrier,
        confidence: 0.9,
        severity: Severity::Major,
        life: FaultState::Raised { at: noon() },
        began: noon(),
        last_seen: seen,
        loss_ratio: None,
        affected_elements: vec![],
        affected_customers: vec![],
        targets: vec![],
        steps: steps
            .map(|(node, answer)| TreeStep { node: node.to_owned(), answer, reason: Message::new("x") })
            .to_vec(),
        headline: Message::new("x"),
        reasons: vec![],
        why_not: vec![],
        hops: vec![],
        billing: None,
        voice: None,
    }
}

/// Carries deeds out as the store does.
fn carry_out(ticket: &Ticket, guide: &Guide, planned: Vec<(Actor, Deed)>, now: DateTime<Utc>) -> Ticket {
    let around = ticket::Around { guide: Some(guide.clone()), ..Default::default() };
    planned.into_iter().fold(ticket.clone(), |ticket, (by, deed)| {
        apply_in(&ticket, &Event::from(deed), &by, &around, now).unwrap().ticket
    })
}

fn answer(node: &str, answer: &str, details: &[&str]) -> Wanted {
    let told = |name: &&str| ((*name).to_owned(), "said".to_owned());
    let details = details.iter().map(told).collect();
    Wanted::Answer { node: node.to_owned(), answer: answer.to_owned(), details, evidence: None }
}

fn asked(ticket: &Ticket) -> String {
    let trees = trees();
    let preview = preview(ticket, &trees, &[], noon()).unwrap().unwrap();
    preview.run.standing(&trees).unwrap().node().id.clone()
}

#[test]
fn r57_a_ticket_that_a_measurement_opened_asks_what_the_measurement_does_not_say() {
    let now = noon();
    let (opened, _) = ticket::open(
        TicketId("t".to_owned()),
        TicketNumber { year: 2026, count: 1 },
        fibre(now),
        false,
        None,
        now,
    );
    let ticket = opened.ticket;
    let evidence = measured::evidence(&ticket, None, None, &crate::inventory::Inventory::default());
    let seen = preview(&ticket, &trees(), &evidence, now).unwrap().unwrap();
    assert_eq!(seen.run.nodes(), ["B2", "B4", "B5", "B6", "B6b", "B7", "B7a"]);
    assert_eq!((seen.begun, seen.recorded), (false, 0), "nobody has asked for it yet");
    let guide = guide(&[Role::Technician]);
    let wanted = answer("B7a", "done", &["repair_time", "repair_result"]);
    let planned = plan(&ticket, &guide, &evidence, &wanted, &lin(), now).unwrap();
    let who: Vec<(&str, &str)> = planned.iter().map(|(by, deed)| (by.0.as_str(), deed.name())).collect();
    assert_eq!(who.len(), 8);
    assert_eq!((who[0], who[1]), (("lin", "walk_begun"), ("linesman", "walked")));
    assert_eq!(who[7], ("lin", "walked"));
    let walked = carry_out(&ticket, &guide, planned, now);
    assert_eq!(asked(&walked), "B9");
    let steps = walked.process.walks[0].path();
    let by_measurement = |step: &Step| matches!(step.answerer, Answerer::Auto { .. });
    assert_eq!(steps.iter().filter(|step| by_measurement(step)).count(), 6);
    assert!(walked.process.walks[0].versions().contains_key("D"), "it keeps the versions of all trees");
}

#[test]
fn r61_after_a_repair_that_did_not_help_only_a_newer_measurement_answers() {
    let now = noon();
    let mut ticket = reported(TicketKind::Fault, Some(Class::B));
    ticket.fault = Some(fibre(now));
    let guide = guide(&[Role::Technician]);
    let evidence = |ticket: &Ticket| vec![measured::of_fault(ticket.fault.as_ref().unwrap())];
    for wanted in [
        answer("B1", "done", &[]),
        answer("B7a", "done", &["repair_time", "repair_result"]),
        answer("B9", "no", &["proof"]),
        answer("B1", "done", &[]),
    ] {
        let planned = plan(&ticket, &guide, &evidence(&ticket), &wanted, &lin(), now).unwrap();
        ticket = carry_out(&ticket, &guide, planned, now);
    }
    assert_eq!(asked(&ticket), "B2", "what was measured before the repair says nothing after it");
    ticket.fault = Some(fibre(now + TimeDelta::minutes(9)));
    let seen = preview(&ticket, &guide.trees, &evidence(&ticket), now).unwrap().unwrap();
    assert_eq!(seen.run.current().node, "B7a");
}

#[test]
fn r57_what_a_person_says_was_answered_wrongly_no_measurement_answers_again() {
    let now = noon();
    let mut ticket = reported(TicketKind::Fault, Some(Class::B));
    let guide = guide(&[Role::Technician]);
    let evidence = |seen| vec![measured::of_fault(&fibre(seen))];
    let begun = plan(&ticket, &guide, &evidence(now), &answer("B1", "done", &[]), &lin(), now).unwrap();
    ticket = carry_out(&ticket, &guide, begun, now);
    let to = Place { tree: "B".to_owned(), node: "B5".to_owned() };
    let wanted = Wanted::Correct { to, reason: "the server was restarted by hand".to_owned() };
    let newer = evidence(now + TimeDelta::minutes(1));
    let back = plan(&ticket, &guide, &newer, &wanted, &lin(), now).unwrap();
    ticket = carry_out(&ticket, &guide, back, now);
    let seen = preview(&ticket, &guide.trees, &newer, now).unwrap().unwrap();
    assert_eq!(seen.run.current().node, "B5");
    let person = plan(&ticket, &guide, &newer, &answer("B5", "yes", &[]), &lin(), now).unwrap();
    assert_eq!(asked(&carry_out(&ticket, &guide, person, now)), "B8");
}

#[test]
fn r64_one_ticket_visits_several_classes_and_a_second_walk_says_why() {
    let now = noon();
    let mut ticket = reported(TicketKind::Complaint, None);
    let guide = guide(Role::ALL);
    let say = |ticket: &Ticket, wanted: &Wanted| plan(ticket, &guide, &[], wanted, &lin(), now);
    for wanted in [
        answer("I1", "done", &[]),
        answer("I2", "technical", &[]),
        answer("I3", "yes", &[]),
        answer("I7", "done", &[]),
        answer("I8", "D", &[]),
        answer("D1", "done", &[]),
        answer("D2", "done", &[]),
        answer("D3", "server", &[]),
    ] {
        let planned = say(&ticket, &wanted).unwrap();
        ticket = carry_out(&ticket, &guide, planned, now);
    }
    assert_eq!(ticket.process.walks[0].visited(), ["INTAKE", "D", "B"]);
    let around = ticket::Around { guide: Some(guide.clone()), ..Default::default() };
    let again = |reason: &str| Wanted::Begin { tree: Some("C".to_owned()), reason: reason.to_owned() };
    let planned = say(&ticket, &again("")).unwrap();
    let refused = apply_in(&ticket, &Event::from(planned[0].1.clone()), &lin(), &around, now).unwrap_err();
    assert_eq!(refused.unmet[0].key, "guard.walk_goes_on");
    let planned = say(&ticket, &again("it is his telephone")).unwrap();
    ticket = carry_out(&ticket, &guide, planned, now);
    assert_eq!((ticket.process.walks.len(), asked(&ticket).as_str()), (2, "C1"));
}

#[test]
fn r57_nothing_is_resolved_before_its_walk_has_a_result_and_the_refusal_names_the_question() {
    let now = noon();
    let ticket = reported(TicketKind::Complaint, Some(Class::B));
    let guide = guide(Role::ALL);
    let around = ticket::Around { guide: Some(guide.clone()), ..Default::default() };
    let solved = Deed::SolutionRecorded { root_cause: "x".to_owned(), solution: "y".to_owned() };
    let unmet = |ticket: &Ticket| {
        apply_in(ticket, &Event::from(solved.clone()), &lin(), &around, now).unwrap_err().unmet
    };
    assert!(unmet(&ticket).iter().any(|one| one.key == "guard.no_walk"));
    let planned = plan(&ticket, &guide, &[], &answer("B1", "done", &[]), &lin(), now).unwrap();
    let ticket = carry_out(&ticket, &guide, planned, now);
    let refused = unmet(&ticket);
    let open = refused.iter().find(|one| one.key == "guard.walk_not_finished").unwrap();
    assert!(open.render(Language::English).contains("B/B2"), "{open:?}");
    assert!(open.render(Language::Chinese).contains("问题在哪一端"), "{open:?}");
    let consultation = reported(TicketKind::Consultation, Some(Class::E));
    assert!(!unmet(&consultation).iter().any(|one| one.key == "guard.no_walk"), "an answer is no repair");
}

#[test]
fn r111_what_may_tell_of_a_person_is_marked_in_the_trees() {
    let trees = trees();
    let node = trees.latest("INTAKE").unwrap().node("I5r").unwrap();
    assert!(node.ask.iter().all(|asked| asked.personal));
}

#[derive(Debug, Clone)]
enum Act {
    /// The question that is asked, by somebody in these roles.
    Right(usize, Vec<Role>),
    /// Another question of the tree.
    Elsewhere(&'static str),
    /// A step made by hand: under another's name, as a measurement, in roles that he has not, to elsewhere.
    Forged(u8),
    Back(usize),
    Begin(bool),
}

fn act() -> impl Strategy<Value = Act> {
    let roles = prop::collection::vec(prop::sample::select(Role::ALL.to_vec()), 0..4);
    let node = prop::sample::select(vec!["B1", "B2", "B8", "B9", "B10", "B11", "C1", "D3", "E1"]);
    prop_oneof![
        8 => (0_usize..6, roles).prop_map(|(answer, roles)| Act::Right(answer, roles)),
        3 => (0_usize..6).prop_map(|answer| Act::Right(answer, Role::ALL.to_vec())),
        2 => node.prop_map(Act::Elsewhere),
        3 => (0_u8..5).prop_map(Act::Forged),
        1 => (0_usize..9).prop_map(Act::Back),
        1 => any::<bool>().prop_map(Act::Begin),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn r57_r62_r63_a_walk_never_skips_a_question_and_answers_by_others_are_refused(
        class in prop::sample::select(vec![Class::A, Class::B, Class::C, Class::D, Class::E]),
        acts in prop::collection::vec(act(), 1..40),
    ) {
        let trees = trees();
        let mut ticket = reported(TicketKind::Complaint, Some(class));
        let mut now = noon();
        for act in acts {
            now += TimeDelta::seconds(7);
            let before = ticket.clone();
            let run = preview(&ticket, &trees, &[], now).unwrap().unwrap().run;
            let standing = run.standing(&trees).unwrap();
            let node = standing.node();
            let details: Vec<&str> = node.ask.iter().map(|asked| asked.id.as_str()).collect();
            let choice = |place: usize| node.answers.get(place % node.answers.len().max(1)).map(|one| one.id.clone());
            let (guide, wanted) = match &act {
                Act::Right(place, roles) => {
                    (guide(roles), answer(&node.id, &choice(*place).unwrap_or_default(), &details))
                }
                Act::Elsewhere(other) => (guide(Role::ALL), answer(other, "done", &details)),
                Act::Back(place) => {
                    let to = run.path().get(*place).map_or(run.current().clone(), |step| step.place.clone());
                    (guide(Role::ALL), Wanted::Correct { to, reason: "wrong".to_owned() })
                }
                Act::Begin(reason) => {
                    let reason = if *reason { "other".to_owned() } else { String::new() };
                    (guide(Role::ALL), Wanted::Begin { tree: None, reason })
                }
                Act::Forged(kind) => {
                    let Some(known) = ticket.process.walks.last() else { continue };
                    let guide = guide(&[Role::Technician]);
                    let mut tried = known.clone();
                    let by = Answerer::Person { name: "lin".to_owned(), roles: Role::ALL.to_vec(), evidence: None };
                    let told = details.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
                    let given = Given { answer: choice(0).unwrap_or_default(), by, details: told, at: now };
                    if tried.answer(&trees, &node.id, given).is_err() { continue }
                    let mut step = tried.path().last().unwrap().clone();
                    match kind {
                        0 => step.answerer = Answerer::Auto { evidence: "made up".to_owned() },
                        1 => step.answerer = Answerer::Person { name: "mei".to_owned(), roles: Role::ALL.to_vec(), evidence: None },
                        2 => step.to = Place { tree: "B".to_owned(), node: "B11".to_owned() },
                        3 => step.place = Place { tree: "B".to_owned(), node: "B10".to_owned() },
                        // All roles, where whoever acts has one.
                        _ => {}
                    }
                    let around = ticket::Around { guide: Some(guide), ..Default::default() };
                    let forged = Event::from(Deed::Walked { step });
                    prop_assert!(apply_in(&ticket, &forged, &lin(), &around, now).is_err(), "{act:?}");
                    continue;
                }
            };
            let may = node.role.is_none_or(|role| guide.roles.iter().any(|own| own.stands_in_for(role)));
            let planned = plan(&ticket, &guide, &[], &wanted, &lin(), now);
            if let Act::Right(..) = act {
                prop_assert_eq!(planned.is_ok(), may && matches!(standing, Standing::Asks(..)), "{:?}", planned);
            }
            if let Act::Elsewhere(other) = act && other != node.id {
                prop_assert!(planned.is_err());
            }
            let Ok(planned) = planned else { continue };
            let around = ticket::Around { guide: Some(guide), ..Default::default() };
            for (by, deed) in planned {
                match apply_in(&ticket, &Event::from(deed), &by, &around, now) {
                    Ok(applied) => ticket = applied.ticket,
                    Err(_) => ticket = before.clone(),
                }
            }
            for walk in &ticket.process.walks {
                let joined = walk.path().windows(2).all(|two| two[0].to == two[1].place);
                prop_assert!(joined, "a question was skipped");
                let again = Run::replay(&trees, walk.versions().clone(), walk.from(), walk.started_at(), walk.path());
                prop_assert_eq!(again.as_ref(), Ok(walk));
            }
        }
    }
}
