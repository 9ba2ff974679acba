//! Customers: R10, R27, R28, R32, R43, R107, R111. Sealed, found, changed, erased, on both databases.

use std::process::Command;
use std::time::Duration;

use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::privacy::{Keyring, Personal};
use linesman::store::StoreError;
use linesman::store::customers::{
    AssetData, AssetKind, CallerData, Channel, Consent, ContactData, Customer, CustomerChange, CustomerData,
    CustomerError, CustomerKind, Erasure, Lookup, NewCustomer, PrivacyAction, PrivacyClass, TextKind, Title,
};
use linesman::ticket::event::Actor;

use crate::fixture::{Daemon, Database, key};
use crate::on_both;

on_both! {
    what_is_kept_of_a_customer_is_read_as_it_was_registered,
    a_customer_is_found_by_number_address_name_and_inventory,
    no_plain_number_name_or_address_is_in_the_database,
    a_value_moved_to_another_row_is_not_shown_as_that_persons,
    a_change_at_an_old_version_is_refused_and_confirmed_data_counts_until_it_changes,
    one_element_of_the_inventory_is_one_customer,
    who_calls_is_recognised_and_nobody_is_registered_twice,
    an_erased_person_is_gone_and_the_chain_of_events_still_verifies,
    r111_nothing_of_an_erased_person_stays_in_the_file_or_its_log,
    r111_calls_that_were_listened_to_are_erased_with_the_person,
    erasing_waits_for_open_tickets_and_evidence_of_bills_unless_it_is_forced,
    a_customer_goes_when_his_time_is_over_and_not_before,
    a_changed_trail_is_found,
    a_wrong_key_is_refused_while_something_is_sealed_and_without_a_key_nothing_is_kept,
    an_older_key_is_replaced_value_by_value,
}

pub async fn start(database: &Database) -> Daemon {
    let daemon = Daemon::start(database).await;
    daemon.store.use_keys(key(2)).await.unwrap();
    daemon
}

fn personal(text: &str) -> Option<Personal> {
    Personal::of(text)
}

pub fn actor() -> Actor {
    Actor("nora".to_owned())
}

pub fn data(name: &str) -> CustomerData {
    CustomerData {
        kind: CustomerKind::Existing,
        name: personal(name),
        inventory_name: None,
        segment: Some("retail".to_owned()),
        key_account: true,
        privacy_class: PrivacyClass::Normal,
        started_on: None,
        note: personal("prefers mornings"),
    }
}

pub fn contact(name: &str, phone: &str, email: &str) -> ContactData {
    ContactData {
        role: Some("technical".to_owned()),
        title: Some(Title::Ms),
        name: personal(name),
        phone: personal(phone),
        email: personal(email),
        address: personal("1 Example Road, Shanghai"),
        im_handle: personal("wechat:lina77"),
        preferred_channel: Some(Channel::Phone),
        consent: Consent::Service,
        language: None,
    }
}

fn asset() -> AssetData {
    AssetData {
        kind: AssetKind::Gateway,
        element: Some("gateway-1".to_owned()),
        company_supplied: true,
        model: Some("RB4011".to_owned()),
        serial: personal("SN-778899"),
        bought_on: Some("2025-03-01".parse().unwrap()),
        warranty_until: Some("2027-02-28".parse().unwrap()),
        meets_standard: None,
    }
}

pub fn li_na() -> NewCustomer {
    NewCustomer {
        data: data("Tongda Trading 通达贸易"),
        contacts: vec![contact("Li Na", "+8613812345678", "Li.Na@tongda.example")],
        assets: vec![asset()],
    }
}

pub async fn registered(daemon: &Daemon) -> Customer {
    daemon.store.add_customer(&li_na(), &actor()).await.unwrap()
}

async fn ticket(daemon: &Daemon, segment: &str) -> String {
    daemon.open(segment).await.id.0
}

/// Ends a ticket without the way that leads there.
pub async fn close(database: &Database, daemon: &Daemon, id: &str) {
    let now = daemon.clock.now_utc().to_rfc3339();
    database
        .tamper(&format!("UPDATE ticket SET state = 'closed', updated_at = '{now}' WHERE id = '{id}'"))
        .await;
}

async fn what_is_kept_of_a_customer_is_read_as_it_was_registered(database: Database) {
    let daemon = start(&database).await;
    let made = registered(&daemon).await;
    let read = daemon.store.customer(&made.id).await.unwrap().unwrap();
    let new = li_na();
    assert_eq!((read.version, &read.data, read.created_by.as_str()), (1, &new.data, "nora"));
    assert_eq!(read.contacts[0].data, new.contacts[0]);
    assert_eq!(read.assets[0].data, new.assets[0]);
    assert_eq!(daemon.store.customers(None, 10).await.unwrap(), [read]);
    let trail = daemon.store.privacy_events(&made.id, 0, 10).await.unwrap();
    assert_eq!(trail[0].action, PrivacyAction::Created { contacts: 1 });
    daemon.stop().await.unwrap();
}

async fn a_customer_is_found_by_number_address_name_and_inventory(database: Database) {
    let daemon = start(&database).await;
    let mut new = li_na();
    new.data.inventory_name = Some("customer-7".to_owned());
    let made = daemon.store.add_customer(&new, &actor()).await.unwrap();
    let mut other = li_na();
    other.data = data("Tonghua");
    other.contacts = vec![contact("Wang Wei", "+8613900000001", "wang@tonghua.example")];
    daemon.store.add_customer(&other, &actor()).await.unwrap();
    let found = async |lookup: Lookup| daemon.store.find_customers(&lookup, 10).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let none = Lookup::default();
    for lookup in [
        Lookup { phone: text("+8613812345678"), ..none.clone() },
        Lookup { email: text("li.na@tongda.example"), ..none.clone() },
        Lookup { name: text("trading TONGDA"), ..none.clone() },
        Lookup { name: text("通达"), ..none.clone() },
        Lookup { name: text("li"), phone: text("+8613812345678"), ..none.clone() },
        Lookup { inventory_name: text("customer-7"), ..none.clone() },
    ] {
        let ids: Vec<_> = found(lookup.clone()).await.into_iter().map(|customer| customer.id).collect();
        assert_eq!(ids, std::slice::from_ref(&made.id), "{lookup:?}");
    }
    for lookup in [
        none.clone(),
        Lookup { name: text("..."), ..none.clone() },
        Lookup { name: text("wang"), phone: text("+8613812345678"), ..none.clone() },
        Lookup { phone: text("+8613812345679"), ..none },
    ] {
        assert!(found(lookup.clone()).await.is_empty(), "{lookup:?}");
    }
    daemon.stop().await.unwrap();
}

/// Every byte that the database keeps: the file with its log, or a dump by PostgreSQL's own program.
pub fn bytes(database: &Database) -> Option<Vec<u8>> {
    if database.is_sqlite {
        let folder = std::fs::read_dir(database.folder.path()).unwrap();
        let files = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        return Some(files.flat_map(|path| std::fs::read(path).unwrap()).collect());
    }
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|version| Some(version.ok()?.path().join("bin/pg_dump")))
        .filter(|program| program.exists())
        .collect();
    versions.sort();
    let program = versions.pop()?;
    let dump = Command::new(program).arg("--inserts").arg(&database.url).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    Some(dump.stdout)
}

pub fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn no_plain_number_name_or_address_is_in_the_database(database: Database) {
    let daemon = start(&database).await;
    let made = registered(&daemon).await;
    let id = ticket(&daemon, "link-1").await;
    daemon.store.link_ticket_to_customer(&id, &made.id, Some(&made.contacts[0].id)).await.unwrap();
    let words = personal("Li Na says her line crackles since Monday").unwrap();
    daemon.store.keep_text(&made.id, Some(&id), TextKind::Description, &words, &actor()).await.unwrap();
    let edited = CustomerChange::EditContact(
        made.contacts[0].id.clone(),
        Box::new(contact("Li Nana", "+8613700000009", "nana@tongda.example")),
    );
    daemon.store.change_customer(&made.id, Some(1), edited, &actor()).await.unwrap();
    let Some(bytes) = bytes(&database) else { return };
    assert!(holds(&bytes, &made.id.0), "the rows are there");
    for secret in [
        "13812345678",
        "13700000009",
        "Li Na",
        "Nana",
        "Li.Na@",
        "li.na@",
        "tongda",
        "Tongda",
        "通达",
        "Example Road",
        "lina77",
        "SN-778899",
        "crackles",
        "mornings",
    ] {
        assert!(!holds(&bytes, secret), "{secret} is in the database");
    }
    daemon.stop().await.unwrap();
}

async fn a_value_moved_to_another_row_is_not_shown_as_that_persons(database: Database) {
    let daemon = start(&database).await;
    let one = registered(&daemon).await;
    let mut other = li_na();
    other.contacts = vec![contact("Wang Wei", "+8613900000001", "wang@tonghua.example")];
    let other = daemon.store.add_customer(&other, &actor()).await.unwrap();
    let (from, to) = (&one.contacts[0].id, &other.contacts[0].id);
    let moved = format!(
        "UPDATE contact SET phone_enc = (SELECT phone_enc FROM contact WHERE id = '{from}') WHERE id = '{to}'"
    );
    database.tamper(&moved).await;
    let refused = daemon.store.customer(&other.id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Inconsistent { table: "contact", .. }), "{refused}");
    assert!(daemon.store.customer(&one.id).await.unwrap().is_some());
    daemon.stop().await.unwrap();
}

async fn a_change_at_an_old_version_is_refused_and_confirmed_data_counts_until_it_changes(
    database: Database,
) {
    let daemon = start(&database).await;
    let made = registered(&daemon).await;
    let li_na = made.contacts[0].id.clone();
    let store = &daemon.store;
    let verify = CustomerChange::VerifyContact(li_na.clone());
    let verified = store.change_customer(&made.id, Some(1), verify.clone(), &actor()).await.unwrap();
    let confirmed = Some((daemon.clock.now_utc(), "nora".to_owned()));
    assert_eq!((verified.version, &verified.contacts[0].verified), (2, &confirmed));
    let late = store.change_customer(&made.id, Some(1), verify, &actor()).await.unwrap_err();
    assert!(matches!(late, CustomerError::Conflict(2)), "{late:?}");
    let edited = contact("Li Na", "+8613711111111", "li.na@tongda.example");
    let edit = CustomerChange::EditContact(li_na.clone(), Box::new(edited));
    let changed = store.change_customer(&made.id, None, edit, &actor()).await.unwrap();
    assert_eq!((changed.version, &changed.contacts[0].verified), (3, &None), "a new number is not confirmed");
    let trail = store.privacy_events(&made.id, 0, 10).await.unwrap();
    let fields = vec!["contact.phone".to_owned(), "contact.email".to_owned()];
    assert_eq!(trail.last().unwrap().action, PrivacyAction::Changed { fields });
    let gone = CustomerChange::RemoveContact(li_na);
    let changed = store.change_customer(&made.id, Some(3), gone.clone(), &actor()).await.unwrap();
    assert!(changed.contacts.is_empty());
    let again = store.change_customer(&made.id, Some(4), gone, &actor()).await.unwrap_err();
    assert!(matches!(again, CustomerError::NoPart("contact")), "{again:?}");
    let lookup = Lookup { name: Some("Li Na".to_owned()), ..Lookup::default() };
    assert!(store.find_customers(&lookup, 10).await.unwrap().is_empty(), "he is not found by who has gone");
    let asset = changed.assets[0].id.clone();
    let without = CustomerChange::RemoveAsset(asset);
    assert!(store.change_customer(&made.id, None, without, &actor()).await.unwrap().assets.is_empty());
    daemon.stop().await.unwrap();
}

async fn one_element_of_the_inventory_is_one_customer(database: Database) {
    let daemon = start(&database).await;
    let mut new = li_na();
    new.data.inventory_name = Some("customer-7".to_owned());
    let made = daemon.store.add_customer(&new, &actor()).await.unwrap();
    let twice = daemon.store.add_customer(&new, &actor()).await.unwrap_err();
    let CustomerError::Refused(reasons) = twice else { panic!("{twice:?}") };
    assert_eq!(reasons[0].key, "customer.refused.inventory_taken");
    let same = CustomerChange::Edit(Box::new(new.data.clone()));
    assert_eq!(daemon.store.change_customer(&made.id, None, same, &actor()).await.unwrap().version, 2);
    let nameless = CustomerData { name: None, ..new.data };
    let edit = CustomerChange::Edit(Box::new(nameless));
    assert!(matches!(
        daemon.store.change_customer(&made.id, None, edit, &actor()).await.unwrap_err(),
        CustomerError::Refused(_)
    ));
    daemon.stop().await.unwrap();
}

async fn who_calls_is_recognised_and_nobody_is_registered_twice(database: Database) {
    let daemon = start(&database).await;
    let store = &daemon.store;
    let caller = |name: &str, phone: &str, email: &str| CallerData {
        customer: data(name),
        contact: contact(name, phone, email),
    };
    let first = caller("Li Na", "+8613812345678", "li.na@tongda.example");
    let one = store.find_or_add_customer(&first, &actor()).await.unwrap();
    assert!(one.is_new && one.contact.is_some());
    let again = store.find_or_add_customer(&caller("L. N.", "+8613812345678", ""), &actor()).await.unwrap();
    assert!(!again.is_new);
    assert_eq!((again.customer.id.clone(), &again.contact), (one.customer.id.clone(), &one.contact));
    assert_eq!(again.customer.contacts.len(), 1, "what is known is not overwritten");
    let by_mail =
        store.find_or_add_customer(&caller("x", "", "LI.NA@tongda.example"), &actor()).await.unwrap();
    assert!(!by_mail.is_new);
    assert_eq!(by_mail.customer.id, one.customer.id);
    let stranger = store.find_or_add_customer(&caller("Wang", "+8613900000001", ""), &actor()).await.unwrap();
    assert!(stranger.is_new);
    let at_once = caller("Zhao", "+8613900000002", "");
    let nora = actor();
    let (left, right) = tokio::join!(
        store.find_or_add_customer(&at_once, &nora),
        store.find_or_add_customer(&at_once, &nora)
    );
    let (left, right) = (left.unwrap(), right.unwrap());
    assert_eq!(left.customer.id, right.customer.id, "two calls at once are one person");
    assert!(left.is_new != right.is_new);
    daemon.stop().await.unwrap();
}

async fn an_erased_person_is_gone_and_the_chain_of_events_still_verifies(database: Database) {
    let daemon = start(&database).await;
    let store = &daemon.store;
    let made = registered(&daemon).await;
    let id = ticket(&daemon, "link-1").await;
    store.link_ticket_to_customer(&id, &made.id, Some(&made.contacts[0].id)).await.unwrap();
    store.link_ticket_to_customer(&id, &made.id, None).await.unwrap();
    let words = personal("my line crackles").unwrap();
    let text = store.keep_text(&made.id, Some(&id), TextKind::Description, &words, &actor()).await.unwrap();
    assert_eq!(store.texts_of_ticket(&id).await.unwrap()[0].id, text);
    assert_eq!(store.customers_of_ticket(&id).await.unwrap(), std::slice::from_ref(&made.id));
    store.note_read(&made.id, &actor(), "api").await.unwrap();
    close(&database, &daemon, &id).await;

    let told = Erasure { reason: "Li Na asked for it".to_owned(), force: false };
    let refused = store.erase_customer(&made.id, &told, &actor()).await.unwrap_err();
    assert!(matches!(refused, CustomerError::Refused(_)), "a reason that names the person would outlive her");
    let told = Erasure { reason: "asked for it by letter".to_owned(), force: false };
    let erased = store.erase_customer(&made.id, &told, &actor()).await.unwrap();
    assert_eq!((erased.contacts, erased.texts), (1, 1));
    let left = store.customer(&made.id).await.unwrap().unwrap();
    assert!(left.erased_at.is_some() && left.data.name.is_none() && left.contacts.is_empty());
    assert_eq!(left.assets[0].data.serial, None);
    assert!(store.texts_of_ticket(&id).await.unwrap().is_empty());
    let lookup = Lookup { phone: Some("+8613812345678".to_owned()), ..Lookup::default() };
    assert!(store.find_customers(&lookup, 10).await.unwrap().is_empty());
    assert!(matches!(
        store.erase_customer(&made.id, &told, &actor()).await.unwrap_err(),
        CustomerError::Unknown(_)
    ));
    let report = store.check().await.unwrap();
    assert!(report.damage.is_empty() && report.broken_at.is_none(), "{report:?}");
    assert_eq!(
        store.tickets_of_customer(&made.id).await.unwrap().len(),
        1,
        "the ticket knows that there was one"
    );
    let trail = store.privacy_events(&made.id, 0, 10).await.unwrap();
    let names: Vec<_> = trail.iter().map(|event| std::mem::discriminant(&event.action)).collect();
    assert_eq!(names.len(), 3, "made, read, erased: {trail:?}");
    assert_eq!(store.check_privacy_trail().await.unwrap().events, 3);
    daemon.stop().await.unwrap();
}

/// A sealed value, read behind the store's back.
async fn sealed_values(database: &Database) -> Vec<String> {
    let statement = "SELECT name_enc FROM customer WHERE name_enc IS NOT NULL UNION ALL \
        SELECT phone_enc FROM contact WHERE phone_enc IS NOT NULL UNION ALL \
        SELECT address_enc FROM contact WHERE address_enc IS NOT NULL UNION ALL \
        SELECT text_enc FROM customer_text UNION ALL \
        SELECT body_enc FROM ticket_text WHERE body_enc IS NOT NULL UNION ALL \
        SELECT serial_enc FROM service_asset WHERE serial_enc IS NOT NULL";
    database.texts(statement).await
}

async fn r111_nothing_of_an_erased_person_stays_in_the_file_or_its_log(database: Database) {
    let daemon = start(&database).await;
    let store = &daemon.store;
    let made = registered(&daemon).await;
    let id = ticket(&daemon, "link-1").await;
    store.link_ticket_to_customer(&id, &made.id, None).await.unwrap();
    let words = personal("my line crackles").unwrap();
    store.keep_text(&made.id, Some(&id), TextKind::Description, &words, &actor()).await.unwrap();
    let sealed = sealed_values(&database).await;
    assert!(sealed.len() >= 5, "{sealed:?}");
    let Some(before) = bytes(&database) else { return };
    assert!(sealed.iter().all(|value| holds(&before, value)), "they stand in the file or its log");
    let told = Erasure { reason: "asked for it by letter".to_owned(), force: true };
    store.erase_customer(&made.id, &told, &actor()).await.unwrap();
    let after = bytes(&database).unwrap();
    assert!(holds(&after, &made.id.0), "that there was one is known");
    for value in sealed.iter().map(String::as_str).chain(["crackles", "Li Na", "13812345678"]) {
        assert!(!holds(&after, value), "{value} is still there");
    }
    assert!(store.empty_log().await.unwrap(), "nothing is left to be done");
    daemon.stop().await.unwrap();
}

async fn r111_calls_that_were_listened_to_are_erased_with_the_person(database: Database) {
    let daemon = start(&database).await;
    let store = &daemon.store;
    let mut new = li_na();
    new.data.inventory_name = Some("customer-7".to_owned());
    let made = store.add_customer(&new, &actor()).await.unwrap();
    let call = |id: &str, customer: Option<&str>, from: &str, to: &str| {
        let mut ended = crate::calls::ended(id, 0, from);
        ended.call.customer = customer.map(str::to_owned);
        ended.to = Some(to.to_owned());
        ended
    };
    let calls = [
        call("own", Some("customer-7"), "4711", "4712"),
        call("from-her", None, "138 1234 5678", "4713"),
        call("to-her", Some("customer-8"), "4714", "+8613812345678"),
        call("of-others", Some("customer-8"), "4715", "4716"),
    ];
    store.append_calls(&calls, &linesman::privacy::CountryCode::default()).await.unwrap();
    let told = Erasure { reason: "asked for it by letter".to_owned(), force: false };
    let erased = store.erase_customer(&made.id, &told, &actor()).await.unwrap();
    assert_eq!(erased.calls, 3, "{erased:?}");
    assert_eq!(store.call("own").await.unwrap(), None);
    let numbers = async |id: &str| {
        let kept = store.call(id).await.unwrap().expect("kept");
        [kept.from, kept.to].map(|number| number.map(|known| known.in_clear().to_owned()))
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(numbers("from-her").await, [None, text("4713")]);
    assert_eq!(numbers("to-her").await, [text("4714"), None]);
    assert_eq!(numbers("of-others").await, [text("4715"), text("4716")]);
    daemon.stop().await.unwrap();
}

async fn erasing_waits_for_open_tickets_and_evidence_of_bills_unless_it_is_forced(database: Database) {
    let daemon = start(&database).await;
    let store = &daemon.store;
    let mut new = li_na();
    new.data.inventory_name = Some("acme".to_owned());
    let made = store.add_customer(&new, &actor()).await.unwrap();
    let id = ticket(&daemon, "link-1").await;
    store.link_ticket_to_customer(&id, &made.id, None).await.unwrap();
    store.add_run("run-1", &crate::runs::request("acme", "b"), "nora").await.unwrap();
    let mut told = Erasure { reason: "on request".to_owned(), force: false };
    let refused = store.erase_customer(&made.id, &told, &actor()).await.unwrap_err();
    let CustomerError::Refused(reasons) = refused else { panic!("{refused:?}") };
    let keys: Vec<_> = reasons.iter().map(|reason| reason.key.as_str()).collect();
    assert_eq!(keys, ["customer.refused.open_tickets", "customer.refused.bill_evidence"]);
    assert!(store.customer(&made.id).await.unwrap().unwrap().erased_at.is_none(), "nothing has happened");
    told.force = true;
    store.erase_customer(&made.id, &told, &actor()).await.unwrap();
    let trail = store.privacy_events(&made.id, 0, 10).await.unwrap();
    assert!(matches!(trail.last().unwrap().action, PrivacyAction::Erased { forced: true, .. }));
    daemon.stop().await.unwrap();
}

async fn a_customer_goes_when_his_time_is_over_and_not_before(database: Database) {
    const DAY: Duration = Duration::from_secs(86_400);
    let daemon = start(&database).await;
    let store = &daemon.store;
    let mut new = li_na();
    new.data.inventory_name = Some("customer-7".to_owned());
    let current = store.add_customer(&new, &actor()).await.unwrap();
    let quiet = registered(&daemon).await;
    let busy = registered(&daemon).await;
    let open = ticket(&daemon, "link-1").await;
    store.link_ticket_to_customer(&open, &busy.id, None).await.unwrap();
    let terms = async |days: u32, current: &[&str]| {
        store.expired_customers(daemon.clock.now_utc(), DAY * days, current).await.unwrap()
    };
    daemon.clock.advance(TimeDelta::days(730));
    assert!(terms(730, &["customer-7"]).await.is_empty(), "to the day is not longer");
    daemon.clock.advance(TimeDelta::days(1));
    assert_eq!(
        terms(730, &["customer-7"]).await,
        std::slice::from_ref(&quiet.id),
        "an open ticket keeps its customer"
    );
    assert_eq!(terms(730, &[]).await.len(), 2, "who is no customer any more");
    assert_eq!(store.retain_customers(daemon.clock.now_utc(), DAY * 730, &["customer-7"]).await.unwrap(), 1);
    assert!(store.customer(&quiet.id).await.unwrap().unwrap().erased_at.is_some());
    for kept in [&current.id, &busy.id] {
        assert!(store.customer(kept).await.unwrap().unwrap().erased_at.is_none());
    }
    close(&database, &daemon, &open).await;
    assert_eq!(terms(730, &["customer-7"]).await, [], "his ticket ended only now");
    daemon.clock.advance(TimeDelta::days(731));
    assert_eq!(terms(730, &["customer-7"]).await, [busy.id]);
    daemon.stop().await.unwrap();
}

async fn a_changed_trail_is_found(database: Database) {
    let daemon = start(&database).await;
    let made = registered(&daemon).await;
    for _ in 0..3 {
        daemon.store.note_read(&made.id, &actor(), "api").await.unwrap();
    }
    let sound = daemon.store.check_privacy_trail().await.unwrap();
    assert_eq!((sound.events, sound.broken_at), (4, None));
    database.tamper("UPDATE privacy_event SET actor = 'nobody' WHERE seq = 3").await;
    let broken = daemon.store.check_privacy_trail().await.unwrap();
    assert_eq!((broken.events, broken.broken_at), (2, Some(3)));
    daemon.stop().await.unwrap();
}

async fn a_wrong_key_is_refused_while_something_is_sealed_and_without_a_key_nothing_is_kept(
    database: Database,
) {
    let daemon = Daemon::start(&database).await;
    assert!(matches!(
        daemon.store.add_customer(&li_na(), &actor()).await.unwrap_err(),
        CustomerError::Store(StoreError::NoKey)
    ));
    daemon.store.use_keys(key(9)).await.unwrap();
    daemon.stop().await.unwrap();

    // Nothing is sealed: another key is as good.
    let daemon = start(&database).await;
    assert!(!daemon.store.holds_personal_data().await.unwrap());
    let made = registered(&daemon).await;
    assert!(daemon.store.holds_personal_data().await.unwrap());
    daemon.stop().await.unwrap();

    let daemon = Daemon::start(&database).await;
    let refused = daemon.store.use_keys(key(9)).await.unwrap_err().to_string();
    assert!(refused.contains("`k1` is another one") && refused.contains("restore"), "{refused}");
    let other_search = Keyring::new(&[7; 32], &[("k1".to_owned(), [2; 32])]).unwrap();
    assert!(matches!(daemon.store.use_keys(other_search).await.unwrap_err(), StoreError::WrongKey { .. }));
    daemon.store.use_keys(key(2)).await.unwrap();
    assert!(daemon.store.customer(&made.id).await.unwrap().is_some());
    daemon.stop().await.unwrap();
}

async fn an_older_key_is_replaced_value_by_value(database: Database) {
    let daemon = start(&database).await;
    let made = registered(&daemon).await;
    daemon.stop().await.unwrap();
    let both = || Keyring::new(&[1; 32], &[("k1".to_owned(), [2; 32]), ("k2".to_owned(), [3; 32])]).unwrap();
    let daemon = Daemon::start(&database).await;
    daemon.store.use_keys(both()).await.unwrap();
    // Customer: name, note; contact: name, phone, e-mail, address, handle; asset: serial.
    assert_eq!(daemon.store.sealed_otherwise("k2").await.unwrap(), 8);
    assert_eq!(daemon.store.seal_anew().await.unwrap(), 8);
    assert_eq!(daemon.store.seal_anew().await.unwrap(), 0);
    daemon.store.forget_old_keys().await.unwrap();
    daemon.stop().await.unwrap();

    let daemon = Daemon::start(&database).await;
    let new = Keyring::new(&[1; 32], &[("k2".to_owned(), [3; 32])]).unwrap();
    daemon.store.use_keys(new).await.unwrap();
    assert_eq!(daemon.store.customer(&made.id).await.unwrap().unwrap().contacts, made.contacts);
    daemon.stop().await.unwrap();
}
