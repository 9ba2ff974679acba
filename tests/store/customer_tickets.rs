//! Tickets and their customers: linked as they are registered, with words that nobody reads from the database.

use linesman::privacy::Keyring;
use linesman::store::customers::{Caller, CallerData, Customer, Erasure};
use linesman::store::process::WantedTicket;
use linesman::store::{StoreError, WriteError};
use linesman::ticket::registration::CustomerRef;
use linesman::ticket::{Event, TicketText};

use crate::customers::{actor, bytes, contact, holds, li_na, start};
use crate::fixture::{Daemon, Database, key};
use crate::on_both;
use crate::process::{lin, told, wanted};

on_both! {
    r27_r29_a_ticket_is_linked_to_its_customer_as_it_is_registered,
    r111_words_of_a_ticket_are_sealed_sealed_anew_and_erased_with_the_person,
    r111_words_that_an_older_program_left_in_clear_are_read_and_sealed_at_the_first_start,
    r111_without_a_key_no_words_are_kept,
    r27_a_number_that_several_have_decides_nothing,
}

fn of(customer: &Customer, description: &str) -> WantedTicket {
    let mut wanted = wanted(description, None);
    let contact = customer.contacts.first().map(|contact| contact.id.0.clone());
    wanted.intake.registration.customer = Some(CustomerRef { customer: customer.id.0.clone(), contact });
    wanted
}

async fn r27_r29_a_ticket_is_linked_to_its_customer_as_it_is_registered(database: Database) {
    let daemon = start(&database).await;
    let unknown = daemon.writer.register(wanted("no calls", None), lin()).await.unwrap_err();
    assert!(matches!(&unknown, WriteError::NoCustomer(id) if id == "c-1"), "{unknown}");
    assert!(unknown.to_string().contains("look him up"), "{unknown}");
    let li_na = daemon.store.add_customer(&li_na(), &actor()).await.unwrap();
    let mut stranger = of(&li_na, "no calls");
    stranger.intake.registration.customer.as_mut().unwrap().contact = Some("k-9".to_owned());
    let stranger = daemon.writer.register(stranger, lin()).await.unwrap_err();
    assert!(matches!(stranger, WriteError::NoContact(_)), "{stranger}");
    let ticket = daemon.writer.register(of(&li_na, "no calls"), lin()).await.unwrap().ticket;
    assert_eq!(ticket.number.count, 1, "what is refused takes no number");
    assert_eq!(
        daemon.store.customers_of_ticket(&ticket.id.0).await.unwrap(),
        std::slice::from_ref(&li_na.id)
    );
    let linked = "SELECT COUNT(*) FROM customer_ticket WHERE contact_id IS NOT NULL";
    assert_eq!(database.count(linked).await, 1, "whom to speak to is known");
    let erasure = Erasure { reason: "asked for it by letter".to_owned(), force: false };
    assert!(daemon.store.erase_customer(&li_na.id, &erasure, &actor()).await.is_err(), "her ticket is open");
    let forced = Erasure { force: true, ..erasure };
    daemon.store.erase_customer(&li_na.id, &forced, &actor()).await.unwrap();
    let erased = daemon.writer.register(of(&li_na, "again"), lin()).await.unwrap_err();
    assert!(matches!(erased, WriteError::NoCustomer(_)), "{erased}");
    daemon.stop().await.unwrap();
}

/// A ticket of hers with two texts: the description, and what was said in a call.
async fn spoken(daemon: &Daemon, customer: &Customer) -> linesman::ticket::Ticket {
    let wanted = of(customer, "Li Na hears a crackling since Monday");
    let ticket = daemon.writer.register(wanted, lin()).await.unwrap().ticket;
    let said = TicketText::of("she is at the harbour until six");
    let mut call = told(linesman::ticket::process::ContactPurpose::Receipt, None);
    if let linesman::ticket::Deed::Contacted { text_sha256, .. } = &mut call {
        *text_sha256 = Some(said.sha256());
    }
    daemon.writer.apply_with_text(&ticket.id, None, Event::from(call), said, lin()).await.unwrap();
    ticket
}

async fn r111_words_of_a_ticket_are_sealed_sealed_anew_and_erased_with_the_person(database: Database) {
    let daemon = start(&database).await;
    let li_na = daemon.store.add_customer(&li_na(), &actor()).await.unwrap();
    let ticket = spoken(&daemon, &li_na).await;
    let kept = daemon.store.ticket_texts(&ticket.id).await.unwrap();
    assert_eq!(kept.len(), 2);
    if let Some(bytes) = bytes(&database) {
        assert!(holds(&bytes, &ticket.id.0), "the rows are there");
        for secret in ["crackling", "harbour", "Li Na"] {
            assert!(!holds(&bytes, secret), "{secret} is in the database");
        }
    }
    daemon.stop().await.unwrap();

    let both = Keyring::new(&[1; 32], &[("k1".to_owned(), [2; 32]), ("k2".to_owned(), [3; 32])]).unwrap();
    let daemon = Daemon::start(&database).await;
    daemon.store.use_keys(both).await.unwrap();
    let before = daemon.store.sealed_otherwise("k2").await.unwrap();
    assert_eq!(daemon.store.seal_anew().await.unwrap(), before);
    assert_eq!(daemon.store.sealed_otherwise("k2").await.unwrap(), 0, "words were sealed anew with the rest");
    assert_eq!(daemon.store.ticket_texts(&ticket.id).await.unwrap(), kept);

    let request = "SELECT COUNT(*) FROM ticket_idempotency WHERE request = ''";
    let mut keyed = of(&li_na, "called twice");
    keyed.key = Some("call-1".to_owned());
    daemon.writer.register(keyed, lin()).await.unwrap();
    let forced = Erasure { reason: "asked for it by letter".to_owned(), force: true };
    let erased = daemon.store.erase_customer(&li_na.id, &forced, &actor()).await.unwrap();
    assert_eq!((erased.contacts, erased.texts), (1, 3));
    assert!(daemon.store.ticket_texts(&ticket.id).await.unwrap().is_empty());
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket_text").await, 0);
    assert_eq!(
        database.count(request).await,
        1,
        "her words cannot be guessed from the fingerprint of a request"
    );
    let report = daemon.store.check().await.unwrap();
    assert!(report.broken_at.is_none() && report.damage.is_empty(), "{report:?}");
    daemon.stop().await.unwrap();
}

async fn r111_words_that_an_older_program_left_in_clear_are_read_and_sealed_at_the_first_start(
    database: Database,
) {
    let daemon = start(&database).await;
    let li_na = daemon.store.add_customer(&li_na(), &actor()).await.unwrap();
    let ticket = spoken(&daemon, &li_na).await;
    let old = TicketText::of("an old crackling");
    let insert = format!(
        "INSERT INTO ticket_text (id, ticket_id, sha256, at, body) VALUES ('{id}/{sha}', '{id}', '{sha}', \
         '2026-11-19T12:00:00Z', '{{\"description\":\"an old crackling\"}}')",
        id = ticket.id,
        sha = old.sha256(),
    );
    database.tamper(&insert).await;
    let kept = daemon.store.ticket_texts(&ticket.id).await.unwrap();
    assert_eq!((kept.len(), &kept[0]), (3, &(old.sha256(), old.clone())), "it is read as it is");
    if database.is_sqlite {
        assert!(holds(&bytes(&database).unwrap(), "an old crackling"), "it stands in the file or its log");
    }
    assert_eq!(daemon.store.seal_anew().await.unwrap(), 1);
    // PostgreSQL's own log and free pages are its administrator's matter; a dump shows what it keeps.
    if let Some(bytes) = bytes(&database) {
        assert!(!holds(&bytes, "an old crackling"), "in clear in the file or its log");
    }
    assert_eq!(daemon.store.seal_anew().await.unwrap(), 0);
    assert_eq!(daemon.store.ticket_texts(&ticket.id).await.unwrap(), kept);
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket_text WHERE body IS NOT NULL").await, 0);
    daemon.stop().await.unwrap();
}

async fn r111_without_a_key_no_words_are_kept(database: Database) {
    let daemon = Daemon::start(&database).await;
    let refused = daemon.writer.register(wanted("no calls", None), lin()).await.unwrap_err();
    assert!(matches!(refused, WriteError::Store(StoreError::NoKey)), "{refused}");
    daemon.store.use_keys(key(2)).await.unwrap();
    let li_na = daemon.store.add_customer(&li_na(), &actor()).await.unwrap();
    daemon.writer.register(of(&li_na, "no calls"), lin()).await.unwrap();
    daemon.stop().await.unwrap();
    let daemon = Daemon::start(&database).await;
    assert!(daemon.store.holds_personal_data().await.unwrap());
    assert!(matches!(daemon.store.use_keys(key(9)).await.unwrap_err(), StoreError::WrongKey { .. }));
    daemon.stop().await.unwrap();
}

async fn r27_a_number_that_several_have_decides_nothing(database: Database) {
    let daemon = start(&database).await;
    let first = daemon.store.add_customer(&li_na(), &actor()).await.unwrap();
    let second = daemon.store.add_customer(&li_na(), &actor()).await.unwrap();
    let caller = |email: &str| CallerData {
        customer: li_na().data,
        contact: contact("somebody", "+8613812345678", email),
    };
    let found = daemon.store.find_caller(&caller("new@tongda.example")).await.unwrap();
    let Caller::Several(mut found) = found else { panic!("{found:?}") };
    let mut both = vec![first.id, second.id];
    found.sort();
    both.sort();
    assert_eq!(found, both);
    let nobody = CallerData { contact: contact("x", "+8613800000001", "x@tongda.example"), ..caller("") };
    assert_eq!(daemon.store.find_caller(&nobody).await.unwrap(), Caller::Nobody);
    daemon.stop().await.unwrap();
}
