//! What proves a customer's word is sealed, kept with its event or not at all, forgotten by kind, and goes with him.

use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::store::customers::{Customer, Erasure};
use linesman::store::{FileKind, WriteError};
use linesman::ticket::evidence::EvidenceKind;
use linesman::ticket::process::{Method, Rating};
use linesman::ticket::registration::CustomerRef;
use linesman::ticket::{Deed, Event, State, Ticket};

use crate::customers::{actor, bytes, holds, li_na, start};
use crate::fixture::{Daemon, Database};
use crate::on_both;
use crate::process::{lin, reported, settled, wanted};

on_both! {
    r103_a_proof_is_kept_with_its_event_sealed_and_counts_only_while_its_bytes_are_there,
    r111_erasing_a_person_erases_what_he_said_and_signed_and_the_chain_stays_whole,
    r107_recordings_and_signatures_are_forgotten_each_after_its_own_term_and_not_before_the_ticket_is_over,
    r103_a_ticket_takes_ten_files_of_a_kind,
}

/// Audio that says something, so that it may be looked for in the database.
fn wave(said: &str) -> Vec<u8> {
    let mut wave = b"RIFF\x24\0\0\0WAVEfmt ".to_vec();
    wave.resize(44, 0);
    wave.extend(said.as_bytes());
    wave
}

fn drawing() -> Vec<u8> {
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0....\0\0\0\0IEND\xae\x42\x60\x82"
        .to_vec()
}

async fn put(
    daemon: &Daemon,
    ticket: &Ticket,
    kind: EvidenceKind,
    content: &[u8],
) -> Result<Ticket, WriteError> {
    let file = daemon.store.sealed_evidence(&ticket.id, kind, content, &lin()).unwrap().expect("such a file");
    daemon.writer.attach(&ticket.id, None, file, lin()).await
}

async fn of(daemon: &Daemon, customer: &Customer) -> Ticket {
    let mut wanted = wanted("no calls", None);
    wanted.intake.registration.customer =
        Some(CustomerRef { customer: customer.id.0.clone(), contact: None });
    daemon.writer.register(wanted, lin()).await.unwrap().ticket
}

fn confirmed(method: Method) -> Event {
    let (rating, reference, no_article_because) = (Rating::Satisfied, None, None);
    Event::from(Deed::ConfirmationRecorded { rating, method, reference, no_article_because })
}

async fn r103_a_proof_is_kept_with_its_event_sealed_and_counts_only_while_its_bytes_are_there(
    database: Database,
) {
    let daemon = Daemon::with_people(&database).await;
    let ticket = crate::process::registered(&daemon).await;
    let none =
        daemon.store.sealed_evidence(&ticket.id, EvidenceKind::Signature, b"no drawing", &lin()).unwrap();
    assert_eq!(none, None);
    let said = wave("she agrees by telephone");
    let after = put(&daemon, &ticket, EvidenceKind::RecordedCall, &said).await.unwrap();
    let known = after.process.evidence[0].clone();
    let (file, content) = daemon.store.attachment(&ticket.id, &known.file).await.unwrap().expect("there");
    assert_eq!((file.kind, &file.sha256, content), (FileKind::RecordedCall, &known.sha256, said.clone()));
    let clear = "SELECT COUNT(*) FROM ticket_attachment WHERE content_enc LIKE '%agrees%'";
    assert_eq!(database.count(clear).await, 0, "sealed");
    let twice = put(&daemon, &ticket, EvidenceKind::RecordedCall, &said).await.unwrap_err();
    assert!(twice.to_string().contains("already"), "{twice}");
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket_attachment").await, 1);

    reported(&daemon, &ticket).await;
    database.tamper("DELETE FROM ticket_attachment").await;
    let gone =
        daemon.writer.apply(&ticket.id, None, confirmed(Method::RecordedCall), lin()).await.unwrap_err();
    assert!(matches!(&gone, WriteError::Refused(_)) && gone.to_string().contains("R103"), "{gone}");
    // A stale version keeps neither the event nor the file.
    let other =
        daemon.store.sealed_evidence(&ticket.id, EvidenceKind::Signature, &drawing(), &lin()).unwrap();
    let stale =
        daemon.writer.attach(&ticket.id, Some(1), other.expect("a drawing"), lin()).await.unwrap_err();
    assert!(matches!(stale, WriteError::Conflict(_)), "{stale}");
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket_attachment").await, 0);
    put(&daemon, &ticket, EvidenceKind::Signature, &drawing()).await.unwrap();
    let agreed = daemon.writer.apply(&ticket.id, None, confirmed(Method::Signature), lin()).await.unwrap();
    assert_eq!(agreed.state, State::Settled);
    daemon.stop().await.unwrap();
}

async fn r111_erasing_a_person_erases_what_he_said_and_signed_and_the_chain_stays_whole(database: Database) {
    let daemon = start(&database).await;
    let li_na = daemon.store.add_customer(&li_na(), &actor()).await.unwrap();
    let hers = of(&daemon, &li_na).await;
    put(&daemon, &hers, EvidenceKind::RecordedCall, &wave("her voice")).await.unwrap();
    let after = put(&daemon, &hers, EvidenceKind::Signature, &drawing()).await.unwrap();
    let hashes: Vec<String> = after.process.evidence.iter().map(|known| known.sha256.clone()).collect();
    let kept = database.texts("SELECT content_enc FROM ticket_attachment").await;
    assert_eq!(kept.len(), 2);
    // A capture of a trunk is nobody's own.
    let fault = daemon.open("trunk-1").await;
    let capture = linesman::store::Attachment::new(&fault.id, "call-1", b"packets", daemon.clock.now_utc());
    assert!(daemon.store.attach(&fault.id, &capture, b"packets", 3).await.unwrap());

    let forced = Erasure { reason: "asked for it by letter".to_owned(), force: true };
    let erased = daemon.store.erase_customer(&li_na.id, &forced, &actor()).await.unwrap();
    assert_eq!(erased.files, 2);
    assert!(daemon.store.attachments(&hers.id).await.unwrap().is_empty());
    assert_eq!(daemon.store.attachments(&fault.id).await.unwrap().len(), 1);
    if let Some(bytes) = bytes(&database) {
        for sealed in &kept {
            assert!(!holds(&bytes, sealed), "what was sealed of her is overwritten");
        }
    }
    let trail = daemon.store.privacy_events(&li_na.id, 0, 50).await.unwrap();
    assert!(format!("{:?}", trail.last()).contains("files: 2"), "{trail:?}");
    // What it was still stands in the chain, and the chain is whole.
    let events = format!("{:?}", daemon.store.ticket_events(&hers.id, 0, 50).await.unwrap());
    assert!(hashes.iter().all(|hash| events.contains(hash)), "{events}");
    let report = daemon.store.check().await.unwrap();
    assert!(report.broken_at.is_none() && report.damage.is_empty(), "{report:?}");
    daemon.stop().await.unwrap();
}

async fn r107_recordings_and_signatures_are_forgotten_each_after_its_own_term_and_not_before_the_ticket_is_over(
    database: Database,
) {
    let daemon = Daemon::with_people(&database).await;
    let (over, open) = (crate::process::registered(&daemon).await, crate::process::registered(&daemon).await);
    for ticket in [&over, &open] {
        put(&daemon, ticket, EvidenceKind::RecordedCall, &wave("yes")).await.unwrap();
        put(&daemon, ticket, EvidenceKind::Signature, &drawing()).await.unwrap();
    }
    settled(&daemon, &over).await;
    daemon.writer.apply(&over.id, None, Event::Closed, linesman::ticket::Actor::linesman()).await.unwrap();
    let kinds = async |ticket: &Ticket| -> Vec<FileKind> {
        daemon.store.attachments(&ticket.id).await.unwrap().into_iter().map(|file| file.kind).collect()
    };
    let (recordings, signatures) = (EvidenceKind::RecordedCall, EvidenceKind::Signature);
    let later = daemon.clock.now_utc() + TimeDelta::days(1);
    assert_eq!(daemon.store.forget_evidence(recordings, later - TimeDelta::days(2)).await.unwrap(), 0);
    assert_eq!(daemon.store.forget_voice_evidence(later).await.unwrap(), 0, "they are no captures");
    assert_eq!(daemon.store.forget_evidence(recordings, later).await.unwrap(), 1);
    assert_eq!(kinds(&over).await, [FileKind::Signature]);
    assert_eq!(daemon.store.forget_evidence(signatures, later).await.unwrap(), 1);
    assert_eq!(kinds(&over).await, []);
    assert_eq!(kinds(&open).await.len(), 2, "while it may be asked for, it stays");
    daemon.stop().await.unwrap();
}

async fn r103_a_ticket_takes_ten_files_of_a_kind(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let ticket = crate::process::registered(&daemon).await;
    for count in 0..10 {
        put(&daemon, &ticket, EvidenceKind::RecordedCall, &wave(&count.to_string())).await.unwrap();
    }
    let one_more = put(&daemon, &ticket, EvidenceKind::RecordedCall, &wave("more")).await.unwrap_err();
    assert!(matches!(&one_more, WriteError::Refused(_)), "{one_more}");
    put(&daemon, &ticket, EvidenceKind::Signature, &drawing()).await.unwrap();
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket_attachment").await, 11);
    daemon.stop().await.unwrap();
}
