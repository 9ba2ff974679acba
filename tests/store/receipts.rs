//! R31: the receipt of a registration, to the customer himself, in his language, once.

use linesman::store::customers::{Consent, ContactData, Customer, NewCustomer};
use linesman::ticket::registration::CustomerRef;
use linesman::ticket::{Deed, Event};
use linesman_deadlines::clock::ClockState;

use crate::customers::{actor, contact, li_na, start};
use crate::fixture::{Daemon, Database};
use crate::on_both;
use crate::process::{lin, wanted};
use crate::receivers::Smtp;
use crate::telling::{Telling, told};

on_both! {
    r31_each_customer_gets_his_own_receipt_once_and_in_his_language,
}

async fn customer(daemon: &Daemon, data: ContactData) -> Customer {
    let new = NewCustomer { contacts: vec![data], ..li_na() };
    daemon.store.add_customer(&new, &actor()).await.unwrap()
}

async fn call(daemon: &Daemon, customer: &Customer) -> linesman::ticket::Ticket {
    let mut wanted = wanted("Li Na hears a crackling", None);
    let contact = Some(customer.contacts[0].id.0.clone());
    wanted.intake.registration.customer = Some(CustomerRef { customer: customer.id.0.clone(), contact });
    daemon.writer.register(wanted, lin()).await.unwrap().ticket
}

async fn r31_each_customer_gets_his_own_receipt_once_and_in_his_language(database: Database) {
    let smtp = Smtp::start().await;
    let text = format!(
        "[[notify]]\nname = \"receipts\"\nkind = \"email\"\naudience = \"customers\"\nurl = \"{}\"\n\
         from = \"Service <service@example.net>\"\n",
        smtp.url
    );
    let daemon = start(&database).await;
    let data = contact("Li Na", "+8613812345678", "li.na@tongda.example");
    let chinese = ContactData { language: Some(linesman::locale::Language::Chinese), ..data.clone() };
    let li_na = customer(&daemon, chinese).await;
    let unwilling = ContactData { consent: Consent::Withdrawn, ..data.clone() };
    let unwilling = customer(&daemon, unwilling).await;
    let unreachable = customer(&daemon, ContactData { email: None, ..data }).await;
    let telling = Telling::beside(&daemon, &text);
    let ticket = call(&daemon, &li_na).await;
    let silent = [call(&daemon, &unwilling).await, call(&daemon, &unreachable).await];
    let mail = smtp.wait_for(1).await.remove(0);
    assert!(mail.contains("To: li.na@tongda.example"), "{mail}");
    assert!(mail.contains(&format!("References: <{}@example.net>", ticket.number)), "{mail}");
    assert!(mail.contains("Content-Language: zh-CN"), "{mail}");
    told(&daemon, "receipts").await;
    let sent = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
    assert!(sent.process.receipt_sent_at.is_some() && sent.process.contacts.is_empty());
    let clocks = linesman::ticket::clocks::clocks(&sent, sent.updated_at).standing;
    let receipt = clocks.iter().find(|clock| clock.name == "complaint-receipt").expect("R70");
    assert_eq!(receipt.reading.state, ClockState::Met);
    for ticket in &silent {
        let ticket = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
        assert_eq!(ticket.process.receipt_sent_at, None, "nobody was written to");
    }
    assert!(daemon.store.dead_deliveries(None, 10).await.unwrap().is_empty(), "no address is no failure");
    for secret in ["li.na@", "crackling"] {
        let found = format!("SELECT COUNT(*) FROM outbox WHERE CAST(notice AS TEXT) LIKE '%{secret}%'");
        assert_eq!(database.count(&found).await, 0, "{secret} is in the outbox");
    }
    telling.stop().await;
    // As after a death between sending and noting: what the ticket says decides.
    let again = "UPDATE delivery SET delivered_at = NULL";
    database.tamper(again).await;
    let telling = Telling::beside(&daemon, &text);
    told(&daemon, "receipts").await;
    assert_eq!(smtp.wait_for(1).await.len(), 1, "never twice");
    let events = daemon.store.ticket_events(&ticket.id, 0, 10).await.unwrap();
    let receipts = events.iter().filter(|recorded| match &recorded.event {
        Event::Deed(deed) => matches!(**deed, Deed::ReceiptSent { .. }),
        _ => false,
    });
    assert_eq!(receipts.count(), 1);
    telling.stop().await;
    daemon.stop().await.unwrap();
}
