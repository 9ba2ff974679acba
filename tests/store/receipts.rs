//! What a customer is sent himself, once: the receipt of a registration in his language (R31), the links by which he
//! confirms and answers the survey (R46, R103).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::store::customers::{Consent, ContactData, Customer, NewCustomer};
use linesman::ticket::process::{LinkPurpose, Method, Rating};
use linesman::ticket::registration::CustomerRef;
use linesman::ticket::{Deed, Event};
use linesman_deadlines::clock::ClockState;

use crate::customers::{actor, contact, li_na, start};
use crate::fixture::{Daemon, Database};
use crate::on_both;
use crate::process::{does, lin, reported, sweep, wanted};
use crate::receivers::{Http, Smtp};
use crate::telling::{FINE, Telling, hmac, told};

on_both! {
    r31_each_customer_gets_his_own_receipt_once_and_in_his_language,
    r31_who_has_no_mail_address_gets_his_receipt_through_a_gateway_for_messages,
    r46_r78_r103_the_links_to_confirm_and_to_the_survey_go_to_the_customer_once,
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

async fn r31_who_has_no_mail_address_gets_his_receipt_through_a_gateway_for_messages(database: Database) {
    let http = Http::start(FINE).await;
    let text = format!(
        "[[notify]]\nname = \"sms\"\nkind = \"webhook\"\naudience = \"customers\"\nurl = \"{}/sms\"\n\
         secret_env = \"HOOK_SECRET\"\nlanguage = \"zh\"\n",
        http.url
    );
    let daemon = start(&database).await;
    let data = contact("Li Na", "+8613812345678", "li.na@tongda.example");
    let by_mail = customer(&daemon, data.clone()).await;
    let by_phone = customer(&daemon, ContactData { email: None, ..data.clone() }).await;
    let unwilling = ContactData { email: None, consent: Consent::Withdrawn, ..data };
    let unwilling = customer(&daemon, unwilling).await;
    let telling = Telling::beside(&daemon, &text);
    for silent in [&by_mail, &unwilling] {
        call(&daemon, silent).await;
    }
    let ticket = call(&daemon, &by_phone).await;
    told(&daemon, "sms").await;
    let got = http.got();
    assert_eq!(got.len(), 1, "whoever has a mail address, or took his consent back, gets nothing here");
    let said = got[0].json();
    assert_eq!((&said["type"], &said["data"]["to"]), (&"customer.receipt".into(), &"+8613812345678".into()));
    assert_eq!((&said["data"]["channel"], &said["data"]["language"]), (&"sms".into(), &"zh-CN".into()));
    assert!(said["data"]["text"].as_str().unwrap().contains(&ticket.number.to_string()), "{said}");
    let (id, at) = (got[0].header("webhook-id"), got[0].header("webhook-timestamp"));
    let signed = [format!("{id}.{at}.").as_bytes(), &got[0].body].concat();
    let signature = format!("v1,{}", STANDARD.encode(hmac(b"a secret of ours", &signed)));
    assert_eq!(got[0].header("webhook-signature"), signature);
    let sent = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
    assert!(sent.process.receipt_sent_at.is_some(), "its clock is met");
    telling.stop().await;
    database.tamper("UPDATE delivery SET delivered_at = NULL").await;
    let telling = Telling::beside(&daemon, &text);
    told(&daemon, "sms").await;
    assert_eq!(http.got().len(), 1, "never twice");
    telling.stop().await;
    daemon.stop().await.unwrap();
}

/// The link in a mail, whose long lines are folded (RFC 2045 section 6.7).
fn link(mail: &str) -> String {
    let mail = mail.replace("=\r\n", "").replace("=3D", "=");
    let address = mail.lines().find(|line| line.contains("/answer/lml_"));
    let address = address.unwrap_or_else(|| panic!("no link in {mail}"));
    address.trim().rsplit('/').next().unwrap_or_default().to_owned()
}

/// Mails as they come while time goes on, until there are so many.
async fn mails(daemon: &Daemon, smtp: &Smtp, count: usize) -> Vec<String> {
    for _ in 0..500 {
        let mails = smtp.wait_for(0).await;
        if mails.len() >= count {
            return mails;
        }
        daemon.clock.advance(TimeDelta::seconds(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain for {count} mails");
}

async fn r46_r78_r103_the_links_to_confirm_and_to_the_survey_go_to_the_customer_once(database: Database) {
    let smtp = Smtp::start().await;
    let text = format!(
        "[http]\npublic_url = \"https://linesman.example.net\"\n\
         [[notify]]\nname = \"links\"\nkind = \"email\"\naudience = \"customers\"\nurl = \"{}\"\n\
         from = \"Service <service@example.net>\"\nsends = [\"confirmation\", \"survey\"]\n",
        smtp.url
    );
    let daemon = start(&database).await;
    let li_na = customer(&daemon, contact("Li Na", "+8613812345678", "li.na@tongda.example")).await;
    let telling = Telling::beside(&daemon, &text);
    let ticket = call(&daemon, &li_na).await;
    // The mail server does not take it at once: the link stays the same.
    smtp.refuse(["451 later"]);
    reported(&daemon, &ticket).await;
    let mail = mails(&daemon, &smtp, 1).await.remove(0);
    assert!(mail.contains("To: li.na@tongda.example") && mail.contains("please confirm"), "{mail}");
    let known = daemon.store.link(&link(&mail)).await.unwrap().expect("a good link");
    assert_eq!((&known.ticket, known.purpose), (&ticket.id, LinkPurpose::Confirmation));
    told(&daemon, "links").await;
    telling.stop().await;
    // As after a death between sending and noting.
    database.tamper("UPDATE delivery SET delivered_at = NULL").await;
    let telling = Telling::beside(&daemon, &text);
    told(&daemon, "links").await;
    assert_eq!(smtp.wait_for(1).await.len(), 1, "never twice");
    let events = daemon.store.ticket_events(&ticket.id, 0, 50).await.unwrap();
    let count = |name: &str| events.iter().filter(|event| event.event.name() == name).count();
    assert_eq!((count("link_made"), count("link_sent")), (1, 1), "one link, sent once");

    let agrees = Deed::ConfirmationRecorded {
        rating: Rating::Satisfied,
        method: Method::Signature,
        reference: Some("folder 7".to_owned()),
        no_article_because: None,
    };
    does(&daemon, &ticket, agrees).await;
    daemon.clock.advance(TimeDelta::days(20));
    sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
    let mail = mails(&daemon, &smtp, 2).await.remove(1);
    assert!(mail.contains("how did we do"), "{mail}");
    let known = daemon.store.link(&link(&mail)).await.unwrap().expect("a good link");
    assert_eq!((&known.ticket, known.purpose), (&ticket.id, LinkPurpose::Survey));
    told(&daemon, "links").await;
    assert_eq!(smtp.wait_for(2).await.len(), 2);
    telling.stop().await;
    daemon.stop().await.unwrap();
}
