use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::task::TaskTracker;

use super::*;
use crate::diagnosis::{Cause, Class, Fault, FaultState, Severity, Side};
use crate::inventory::ElementKind;
use crate::ticket::event::Actor;
use crate::ticket::{TicketId, TicketNumber};

fn fault() -> Fault {
    let at = DateTime::<Utc>::UNIX_EPOCH;
    Fault {
        key: "fibre/link-1".to_owned(),
        aliases: Vec::new(),
        class: Class::B,
        cause: Cause::Fibre,
        segment: "link-1".to_owned(),
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
        side: Side::Carrier,
        confidence: 0.9,
        severity: Severity::Critical,
        life: FaultState::Raised { at },
        began: at,
        last_seen: at,
        loss_ratio: Some(1.0),
        affected_elements: Vec::new(),
        affected_customers: Vec::new(),
        targets: Vec::new(),
        steps: Vec::new(),
        headline: Message::new("the fibre is cut"),
        reasons: Vec::new(),
        why_not: Vec::new(),
        hops: Vec::new(),
    }
}

fn telling(language: Language) -> (Telling, mpsc::Receiver<String>) {
    let (lines, told) = mpsc::channel(16);
    let base_url = "http://127.0.0.1:1".to_owned();
    (Telling { base_url, language, start: Instant::now(), lines }, told)
}

fn ticket() -> Ticket {
    let at = DateTime::<Utc>::UNIX_EPOCH;
    let number = TicketNumber { year: 2026, count: 1 };
    crate::ticket::open(TicketId("t".to_owned()), number, fault(), false, None, at).0.ticket
}

fn recorded(event: Event) -> RecordedEvent {
    let (ticket, hash) = (TicketId("t".to_owned()), String::new());
    RecordedEvent { seq: 1, ticket, at: DateTime::UNIX_EPOCH, actor: Actor::linesman(), event, hash }
}

#[test]
fn a_new_ticket_is_told_with_its_number_its_headline_and_its_page() {
    let opened = recorded(Event::Opened { fault: Box::new(fault()), candidate: false, follows: None });
    for language in [Language::English, Language::Chinese] {
        let (telling, _told) = telling(language);
        let sentence =
            sentence_of(&opened, &ticket(), &telling).expect("an opening is told").render(language);
        for part in ["LM-2026-000001", "the fibre is cut", "http://127.0.0.1:1/tickets/LM-2026-000001"] {
            assert!(sentence.contains(part), "{sentence}");
        }
        assert!(!sentence.contains(['{', '}']), "{sentence}");
    }
}

#[test]
fn a_resolved_ticket_is_told_with_its_outage() {
    let mut ticket = ticket();
    ticket.restored_at = Some(ticket.detected_at + TimeDelta::seconds(31));
    let resolved = Event::Resolved { fault: Box::new(fault()), restored_at: DateTime::UNIX_EPOCH };
    let (telling, _told) = telling(Language::English);
    let sentence = sentence_of(&recorded(resolved), &ticket, &telling).expect("a resolution is told");
    assert!(sentence.render(Language::English).contains("31 s"), "{sentence:?}");
    assert_eq!(sentence_of(&recorded(Event::Settled), &ticket, &telling), None);
}

#[tokio::test]
async fn every_act_of_the_script_can_be_performed_and_is_in_order_of_time() {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(1, &tasks, &stop).await.expect("loopback takes sockets");
    let folder = tempfile::tempdir().expect("a folder");
    let bills =
        Bills::new(folder.path(), 7, DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000)).expect("made");
    for act in STORY {
        act.perform(&carrier, &bills).expect("the element is there");
        let sentence = act.sentence(&bills).render(Language::English);
        assert!(sentence.contains(act.element) && sentence != act.sentence(&bills).key, "{sentence}");
    }
    assert!(STORY.is_sorted_by_key(|act| act.at));
}
