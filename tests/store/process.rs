//! Tickets that people register: kept once, their words apart, their clocks written with every event.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::{Clock as _, ManualClock};
use linesman::metrics::Metrics;
use linesman::settings::Settings;
use linesman::store::customers::{CustomerData, CustomerKind, NewCustomer};
use linesman::store::forms::{BY_LINK, WantedForm};
use linesman::store::process::{WantedTicket, second_handling_key};
use linesman::store::{TicketFilter, WriteError};
use linesman::ticket::deed::{Call, Deed};
use linesman::ticket::process::{ContactPurpose, Direction, Duty, Liability, LinkPurpose};
use linesman::ticket::registration::CustomerRef;
use linesman::ticket::{
    Actor, Channel, Event, Intake, Registration, State, Ticket, TicketId, TicketKind, TicketText, clocks,
};
use linesman::workers::clocks::Sweep;
use linesman_deadlines::ClockState;
use linesman_deadlines::policy::{Level, Urgency};
use linesman_process::form::FormId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Daemon, Database, fault, noon};
use crate::on_both;

on_both! {
    r78_r123_a_follow_up_is_registered_once_when_its_time_has_come,
    r46_r79_r80_an_answered_survey_meets_the_clock_of_its_follow_up_and_of_no_second_handling,
    r78_a_new_customer_is_followed_up_once_a_month_after_he_became_one,
    r29_a_registration_sent_again_makes_no_second_ticket,
    r111_words_are_kept_apart_erased_alone_and_leave_the_chain_whole,
    r88_what_is_overdue_is_called_exactly_once_also_after_a_death,
    r67_every_event_writes_the_clocks_anew_and_a_withdrawn_ticket_has_none,
    r107_a_settled_ticket_is_closed_after_its_window_unless_one_below_is_open,
    a_complaint_below_a_merged_ticket_goes_on_below_its_successor,
    planning_measured_faults_does_not_read_what_people_registered,
    tickets_and_events_of_an_older_program_are_still_read,
    the_log_on_a_ticket_is_that_of_its_events,
}

pub fn lin() -> Actor {
    Actor("lin".to_owned())
}

pub fn wanted(description: &str, key: Option<&str>) -> WantedTicket {
    let text = TicketText { salt: "chance".to_owned(), ..TicketText::of(description) };
    WantedTicket {
        intake: Intake {
            kind: TicketKind::Complaint,
            registration: Registration {
                channel: Channel::Phone,
                customer: Some(CustomerRef { customer: "c-1".to_owned(), contact: None }),
                ..Registration::automatic(noon() - TimeDelta::minutes(2), Urgency::Urgent)
            },
            first_owner: "lin".to_owned(),
            department: None,
            level: None,
            parent: None,
            follows: None,
        },
        text,
        key: key.map(str::to_owned),
    }
}

pub async fn registered(daemon: &Daemon) -> Ticket {
    daemon.writer.register(wanted("no calls", None), lin()).await.expect("registered").ticket
}

pub async fn does(daemon: &Daemon, ticket: &Ticket, deed: Deed) -> Ticket {
    daemon.writer.apply(&ticket.id, None, Event::from(deed), lin()).await.expect("done")
}

pub fn classified() -> Deed {
    Deed::Classified {
        class: linesman::diagnosis::Class::E,
        urgency: Urgency::Urgent,
        level: Some(Level::Orange),
        supervisor: None,
        liability: Liability::Ours,
        tags: Vec::new(),
        cause: None,
        segment: None,
        side: None,
    }
}

pub fn told(purpose: ContactPurpose, reply_by: Option<DateTime<Utc>>) -> Deed {
    Deed::Contacted {
        direction: Direction::Outbound,
        channel: Channel::Phone,
        purpose,
        reached: true,
        duration_s: 30,
        reply_by,
        text_sha256: None,
    }
}

pub fn sweep(daemon: &Daemon) -> Sweep {
    let (_, settings) = watch::channel(Arc::new(Settings::default()));
    Sweep {
        store: daemon.store.clone(),
        writer: daemon.writer.clone(),
        settings,
        metrics: Arc::new(Metrics::new()),
        clock: daemon.clock.clone(),
        soft: CancellationToken::new(),
    }
}

/// How often each clock or promise was called, over all events of a ticket.
pub async fn calls(daemon: &Daemon, id: &TicketId) -> Vec<String> {
    let events = daemon.store.ticket_events(id, 0, 1_000).await.expect("events");
    let of = |event: &Event| match event {
        Event::Deed(deed) => match &**deed {
            Deed::ClockCalled { key, .. } | Deed::PromiseCalled { key, .. } => Some(key.0.clone()),
            _ => None,
        },
        _ => None,
    };
    events.iter().filter_map(|recorded| of(&recorded.event)).collect()
}

async fn r29_a_registration_sent_again_makes_no_second_ticket(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let first = daemon.writer.register(wanted("no calls", Some("k")), lin()).await.expect("registered");
    assert_eq!((first.repeated, first.ticket.number.to_string().as_str()), (false, "LM-2026-000001"));
    let mut again = wanted("no calls", Some("k"));
    again.text.salt = "other chance".to_owned();
    again.intake.registration.received_at += TimeDelta::seconds(9);
    let again = daemon.writer.register(again, lin()).await.expect("answered");
    assert!(again.repeated && again.ticket.id == first.ticket.id);
    let other = daemon.writer.register(wanted("other words", Some("k")), lin()).await;
    assert!(matches!(other, Err(WriteError::KeyReused)), "{other:?}");
    let ada = Actor("ada".to_owned());
    let hers = daemon.writer.register(wanted("no calls", Some("k")), ada).await.expect("registered");
    assert_eq!(hers.ticket.number.to_string(), "LM-2026-000002", "a key is its sender's");
    assert_eq!(daemon.store.ticket(&first.ticket.id).await.unwrap(), Some(first.ticket));
    let filter = TicketFilter {
        customer: Some("c-1".to_owned()),
        kind: Some(TicketKind::Complaint),
        ..TicketFilter::default()
    };
    assert_eq!(daemon.store.tickets(&filter, None, 10).await.unwrap().tickets.len(), 2);
    daemon.stop().await.unwrap();
}

async fn r111_words_are_kept_apart_erased_alone_and_leave_the_chain_whole(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let secret = "Li Na, 138 0013 8000, hears nothing";
    let ticket = daemon.writer.register(wanted(secret, None), lin()).await.expect("registered").ticket;
    let said = TicketText::of("she is at home until six");
    let mut contact = told(ContactPurpose::Receipt, None);
    if let Deed::Contacted { text_sha256, .. } = &mut contact {
        *text_sha256 = Some(said.sha256());
    }
    let event = Event::from(contact);
    daemon.writer.apply_with_text(&ticket.id, None, event, said.clone(), lin()).await.expect("done");
    let kept = daemon.store.ticket_texts(&ticket.id).await.unwrap();
    assert_eq!(kept.len(), 2);
    let hash = &ticket.registration.as_ref().expect("a registration").text_sha256;
    let words = kept.iter().find(|(sha256, _)| sha256 == hash).expect("the description");
    assert_eq!((words.1.description.as_str(), &words.1.sha256()), (secret, hash));
    for table in ["ticket_event WHERE payload", "ticket WHERE CAST(body AS TEXT)"] {
        let found = format!("SELECT COUNT(*) FROM {table} LIKE '%138 0013%'");
        assert_eq!(database.count(&found).await, 0, "{table}");
    }
    assert_eq!(daemon.store.erase_ticket_texts(&ticket.id).await.unwrap(), 2);
    assert!(daemon.store.ticket_texts(&ticket.id).await.unwrap().is_empty());
    let report = daemon.store.check().await.unwrap();
    assert_eq!((report.events, report.broken_at, report.damage), (2, None, Vec::new()));
    daemon.stop().await.unwrap();
}

async fn r88_what_is_overdue_is_called_exactly_once_also_after_a_death(database: Database) {
    let clock = Arc::new(ManualClock::at(noon()));
    let daemon = Daemon::with_people_at(&database, clock.clone()).await;
    let ticket = registered(&daemon).await;
    does(&daemon, &ticket, classified()).await;
    assert_eq!(sweep(&daemon).sweep(clock.now_utc()).await.unwrap(), 0, "nothing is due");
    clock.advance(TimeDelta::seconds(3 * 3600));
    let both = {
        let (one, two) = (sweep(&daemon), sweep(&daemon));
        let (one, two) = tokio::join!(one.sweep(clock.now_utc()), two.sweep(clock.now_utc()));
        one.unwrap() + two.unwrap()
    };
    let first = calls(&daemon, &ticket.id).await;
    assert_eq!(both, first.len(), "two sweeps at once call each thing once: {first:?}");
    assert!(first.contains(&"urgent-response/1/breach".to_owned()), "{first:?}");
    assert!(first.contains(&"level-orange-first-contact/1/breach".to_owned()), "{first:?}");
    let events = daemon.store.ticket_events(&ticket.id, 0, 100).await.unwrap();
    let escalated = events.iter().find_map(|recorded| match &recorded.event {
        Event::Deed(deed) => match &**deed {
            Deed::ClockCalled { call: Call::Breach, escalated_to, .. } => {
                Some((recorded.seq, escalated_to.clone()))
            }
            _ => None,
        },
        _ => None,
    });
    let (seq, to) = escalated.expect("an escalation");
    assert_eq!(to.as_deref(), Some("quality_manager"), "R19");
    assert!(daemon.store.outbox_pending(100).await.unwrap().contains(&seq), "somebody is told");
    daemon.stop().await.unwrap();
    // As after a death: nothing is remembered but what the database has.
    let daemon = Daemon::with_people_at(&database, clock.clone()).await;
    assert_eq!(sweep(&daemon).sweep(clock.now_utc()).await.unwrap(), 0);
    assert_eq!(calls(&daemon, &ticket.id).await, first);
    clock.advance(TimeDelta::seconds(40 * 24 * 3600));
    sweep(&daemon).sweep(clock.now_utc()).await.unwrap();
    let later = calls(&daemon, &ticket.id).await;
    let made = TicketFilter { kind: Some(TicketKind::FollowUp), ..TicketFilter::default() };
    let made = daemon.store.tickets(&made, None, 10).await.unwrap().tickets;
    assert_eq!(made.len(), 0, "nothing was resolved, so nothing is followed up");
    let mut once = later.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), later.len(), "nothing twice: {later:?}");
    daemon.stop().await.unwrap();
}

async fn r67_every_event_writes_the_clocks_anew_and_a_withdrawn_ticket_has_none(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let ticket = registered(&daemon).await;
    let before = database.count("SELECT COUNT(*) FROM ticket_clock").await;
    assert!(before >= 6, "{before}");
    does(&daemon, &ticket, classified()).await;
    let orange = "SELECT COUNT(*) FROM ticket_clock WHERE clock LIKE 'level-orange%'";
    assert_eq!(database.count(orange).await, 3);
    does(
        &daemon,
        &ticket,
        Deed::LevelChanged { level: Level::Red, reason: "a paper asks".to_owned(), supervisor: None },
    )
    .await;
    assert_eq!(database.count(orange).await, 0, "no stale timer (U24)");
    let cancelled = Event::Cancelled { reason: "he withdrew it".to_owned() };
    daemon.writer.apply(&ticket.id, None, cancelled, lin()).await.expect("cancelled");
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket_clock").await, 0);
    assert!(daemon.store.due_clocks(noon() + TimeDelta::days(99), None, 10).await.unwrap().is_empty());
    daemon.stop().await.unwrap();
}

/// Answered, and the customer is asked whether he agrees.
pub async fn reported(daemon: &Daemon, ticket: &Ticket) -> Ticket {
    let now = daemon.clock.now_utc();
    does(daemon, ticket, classified()).await;
    let assigned = Deed::Assigned {
        owner: "lin".to_owned(),
        department: None,
        deadline: now + TimeDelta::days(1),
        target: "answered".to_owned(),
        duty: Duty::OnDuty,
    };
    does(daemon, ticket, assigned).await;
    does(daemon, ticket, told(ContactPurpose::FirstResponse, Some(now + TimeDelta::hours(1)))).await;
    does(daemon, ticket, Deed::Accepted).await;
    does(daemon, ticket, told(ContactPurpose::Answer, None)).await;
    let solved = Deed::SolutionRecorded { root_cause: String::new(), solution: "explained".to_owned() };
    does(daemon, ticket, solved).await;
    let told = Deed::ResultReported { channel: Channel::Phone, asked_to_test: false, text_sha256: None };
    does(daemon, ticket, told).await
}

/// Answered, confirmed: over, but for its window.
pub async fn settled(daemon: &Daemon, ticket: &Ticket) -> Ticket {
    reported(daemon, ticket).await;
    let confirmed = Deed::ConfirmationRecorded {
        rating: linesman::ticket::process::Rating::Satisfied,
        method: linesman::ticket::process::Method::RecordedCall,
        reference: Some("recorder 2, call 17".to_owned()),
        no_article_because: None,
    };
    does(daemon, ticket, confirmed).await
}

async fn r107_a_settled_ticket_is_closed_after_its_window_unless_one_below_is_open(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let above = registered(&daemon).await;
    let mut below = wanted("the same", None);
    below.intake.parent = Some(above.id.clone());
    let below = daemon.writer.register(below, lin()).await.expect("registered").ticket;
    assert_eq!(settled(&daemon, &above).await.state, State::Settled);
    let window = Settings::default().tickets.reopen_window;
    sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
    let state = async |id: &TicketId| daemon.store.ticket(id).await.unwrap().expect("a ticket").state;
    assert_eq!(state(&above.id).await, State::Settled, "the window runs");
    daemon.clock.advance(TimeDelta::from_std(window).expect("a span") + TimeDelta::seconds(1));
    sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
    assert_eq!(state(&above.id).await, State::Settled, "one below is open");
    let cancelled = Event::Cancelled { reason: "he withdrew it".to_owned() };
    daemon.writer.apply(&below.id, None, cancelled, lin()).await.expect("cancelled");
    sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
    assert_eq!(state(&above.id).await, State::Closed);
    daemon.stop().await.unwrap();
}

async fn r78_r123_a_follow_up_is_registered_once_when_its_time_has_come(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let ticket = registered(&daemon).await;
    settled(&daemon, &ticket).await;
    daemon.clock.advance(TimeDelta::days(20));
    for _ in 0..2 {
        sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
    }
    let filter = TicketFilter { kind: Some(TicketKind::FollowUp), ..TicketFilter::default() };
    let made = daemon.store.tickets(&filter, None, 10).await.unwrap().tickets;
    assert_eq!(made.len(), 1);
    assert_eq!((&made[0].follows, made[0].state), (&Some(ticket.id), State::Registered));
    let customer = |ticket: &Ticket| ticket.registration.as_ref().and_then(|known| known.customer.clone());
    assert_eq!(customer(&made[0]).map(|known| known.customer), Some("c-1".to_owned()));
    daemon.stop().await.unwrap();
}

async fn r78_a_new_customer_is_followed_up_once_a_month_after_he_became_one(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let today = daemon.clock.now_utc().date_naive();
    let new = |name: &str, kind, started_on| NewCustomer {
        data: CustomerData { kind, started_on, ..crate::customers::data(name) },
        contacts: vec![crate::customers::contact(name, "+8613812345678", "li.na@tongda.example")],
        assets: Vec::new(),
    };
    let days = |days| Some(today + TimeDelta::days(days));
    let mut kept = Vec::new();
    for (name, kind, started_on) in [
        ("new", CustomerKind::Existing, days(0)),
        ("not known", CustomerKind::Existing, None),
        ("long known", CustomerKind::Existing, days(-400)),
        ("not yet one", CustomerKind::Prospect, days(0)),
    ] {
        let customer = daemon.store.add_customer(&new(name, kind, started_on), &lin()).await.expect("kept");
        assert_eq!(customer.data.started_on, started_on);
        kept.push(customer);
    }
    let filter = TicketFilter { kind: Some(TicketKind::FollowUp), ..TicketFilter::default() };
    let made = async || daemon.store.tickets(&filter, None, 10).await.unwrap().tickets;
    daemon.clock.advance(TimeDelta::days(27));
    sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
    assert!(made().await.is_empty(), "not before the month is over");
    daemon.clock.advance(TimeDelta::days(6));
    for _ in 0..2 {
        sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
    }
    let made = made().await;
    assert_eq!(made.len(), 1, "{made:?}");
    let his = made[0].registration.as_ref().and_then(|known| known.customer.clone()).expect("his");
    assert_eq!(his.customer, kept[0].id.0);
    assert_eq!(standing(&daemon, &made[0].id, "follow-up").await, Some(ClockState::Running), "R79");
    daemon.stop().await.unwrap();
}

/// How a clock of a ticket stands, by the ticket as it is kept.
async fn standing(daemon: &Daemon, id: &TicketId, name: &str) -> Option<ClockState> {
    let ticket = daemon.store.ticket(id).await.unwrap().expect("kept");
    let known = clocks::clocks(&ticket, daemon.clock.now_utc()).standing;
    known.into_iter().find(|clock| clock.name == name).map(|clock| clock.reading.state)
}

async fn r46_r79_r80_an_answered_survey_meets_the_clock_of_its_follow_up_and_of_no_second_handling(
    database: Database,
) {
    let daemon = Daemon::with_people(&database).await;
    let (ticket, other) = (registered(&daemon).await, registered(&daemon).await);
    settled(&daemon, &ticket).await;
    settled(&daemon, &other).await;
    daemon.clock.advance(TimeDelta::days(20));
    sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
    let filter = TicketFilter { kind: Some(TicketKind::FollowUp), ..TicketFilter::default() };
    let made = daemon.store.tickets(&filter, None, 10).await.unwrap().tickets;
    let of =
        |about: &Ticket| made.iter().find(|one| one.follows.as_ref() == Some(&about.id)).cloned().unwrap();
    let (his, others) = (of(&ticket), of(&other));
    // The same customer is called a second time for his low score: that waits for a person.
    let mut second = wanted("6 of 10", Some(&second_handling_key(&ticket.id)));
    second.intake.kind = TicketKind::FollowUp;
    second.intake.follows = Some(ticket.id.clone());
    let second = daemon.writer.register(second, Actor::linesman()).await.expect("registered").ticket;
    for id in [&his.id, &others.id, &second.id] {
        assert_eq!(standing(&daemon, id, "follow-up").await, Some(ClockState::Running));
    }

    let (link, made) = daemon
        .store
        .new_link(&ticket.id, LinkPurpose::Survey, daemon.clock.now_utc() + TimeDelta::days(1), "")
        .unwrap();
    does(&daemon, &ticket, made).await;
    let values = [("number", "1"), ("attitude", "6"), ("competence", "9"), ("efficiency", "9")];
    let answer = WantedForm {
        form: FormId::Survey,
        values: values.into_iter().map(|(id, value)| (id.to_owned(), value.to_owned())).collect(),
        texts: Vec::new(),
        files: Vec::new(),
        deeds: Vec::new(),
        link: Some(link),
    };
    daemon.writer.file(&ticket.id, None, answer, Actor(BY_LINK.to_owned())).await.expect("answered");
    assert_eq!(standing(&daemon, &his.id, "follow-up").await, Some(ClockState::Met));
    assert_eq!(standing(&daemon, &his.id, "general-response").await, None);
    assert_eq!(standing(&daemon, &his.id, "routine-response").await, Some(ClockState::Met));
    assert_eq!(
        standing(&daemon, &his.id, "follow-up-summary").await,
        Some(ClockState::Running),
        "by a person"
    );
    for id in [&others.id, &second.id] {
        assert_eq!(standing(&daemon, id, "follow-up").await, Some(ClockState::Running), "not his answer");
    }
    // Nobody can say so in Linesman's place, nor about another ticket.
    for (about, by) in [(&ticket.id, lin()), (&other.id, Actor::linesman())] {
        let answered = Event::from(Deed::SurveyAnswered { about: about.clone() });
        let refused = daemon.writer.apply(&his.id, None, answered, by).await;
        assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    }
    daemon.stop().await.unwrap();
}

async fn a_complaint_below_a_merged_ticket_goes_on_below_its_successor(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let (old, new) = (registered(&daemon).await, registered(&daemon).await);
    let mut below = wanted("the same", None);
    below.intake.parent = Some(old.id.clone());
    let below = daemon.writer.register(below, lin()).await.expect("registered").ticket;
    let nobody = Deed::Merged { into: TicketId("nobody".to_owned()) };
    let refused = daemon.writer.apply(&old.id, None, Event::from(nobody), lin()).await;
    assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    let merged = does(&daemon, &old, Deed::Merged { into: new.id.clone() }).await;
    assert_eq!(merged.state, State::Cancelled);
    let below = daemon.store.ticket(&below.id).await.unwrap().expect("a ticket");
    assert_eq!(below.process.parent, Some(new.id.clone()));
    let filter = TicketFilter { parent: Some(new.id), ..TicketFilter::default() };
    assert_eq!(daemon.store.tickets(&filter, None, 10).await.unwrap().tickets, [below]);
    daemon.stop().await.unwrap();
}

async fn planning_measured_faults_does_not_read_what_people_registered(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let measured = daemon.open("fibre/link-1").await;
    registered(&daemon).await;
    let planned = daemon.store.tickets_for_planning(&[]).await.unwrap();
    assert_eq!(planned, std::slice::from_ref(&measured));
    let on_path = ["server-1".to_owned(), "link-1".to_owned()];
    assert_eq!(daemon.store.open_tickets_at(&on_path).await.unwrap(), [measured]);
    assert!(daemon.store.open_tickets_at(&[]).await.unwrap().is_empty());
    daemon.stop().await.unwrap();
}

async fn tickets_and_events_of_an_older_program_are_still_read(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let opened = daemon.open("fibre/link-1").await;
    let body = serde_json::to_value(&opened).expect("JSON");
    for new in ["registration", "process"] {
        assert_eq!(body.get(new), None, "a measured ticket is kept as before");
    }
    assert_eq!((&body["class"], &body["side"]), (&"B".into(), &"carrier".into()));
    let event = serde_json::to_string(&Event::Opened {
        fault: Box::new(fault("k")),
        candidate: false,
        follows: None,
    });
    assert!(event.expect("JSON").starts_with(r#"{"type":"opened","fault":{"#));
    daemon.stop().await.unwrap();
}

async fn the_log_on_a_ticket_is_that_of_its_events(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let ticket = registered(&daemon).await;
    let known = settled(&daemon, &ticket).await;
    let events = daemon.store.ticket_events(&ticket.id, 0, 100).await.unwrap();
    let mut events = events.into_iter();
    let first = events.next().expect("its registration");
    let Event::Deed(deed) = &first.event else { panic!("{first:?}") };
    let Deed::Registered { kind, registration, first_owner, department, level, parent, follows } =
        *deed.clone()
    else {
        panic!("{first:?}")
    };
    let intake = Intake { kind, registration, first_owner, department, level, parent, follows };
    let text = wanted("no calls", None).text;
    let (mut rebuilt, _) =
        linesman::ticket::register(known.id.clone(), known.number, intake, &text, first.at).expect("again");
    // Who took it in is the actor of that event (R16).
    rebuilt.ticket.process.received_by = Some(first.actor.0.clone());
    let rebuilt = events.try_fold(rebuilt.ticket, |ticket, recorded| {
        linesman::ticket::apply(&ticket, &recorded.event, &recorded.actor, recorded.at)
            .map(|done| done.ticket)
    });
    assert_eq!(rebuilt.expect("the same"), known, "the events rebuild the ticket, its log and its clocks");
    daemon.stop().await.unwrap();
}
