//! The rows of a customer: he himself, his contacts, what he has of ours, the words he is found by; sealed on the
//! way in. Whoever changes one of them does it in a transaction with its entry in the trail ([`super::write`]).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::id::{os_random, uuid_v7};
use crate::locale::Language;
use crate::privacy::{Keyring, Personal, Searched, normal};
use crate::ticket::event::Actor;

use super::super::backend::on_tx;
use super::super::json::text;
use super::super::{StoreError, Tx};
use super::model::{AssetData, ContactData, ContactId, CustomerData, CustomerId};
use super::row::{ASSET, CONTACT, CUSTOMER, seal};
use super::write::{
    FORGET_WORDS, INSERT_ASSET, INSERT_CONTACT, INSERT_CUSTOMER, INSERT_WORD, TOUCH_CUSTOMER, UPDATE_ASSET,
    UPDATE_CONTACT, UPDATE_CUSTOMER, VERIFY_CONTACT,
};

pub(super) async fn touch(tx: &mut Tx, id: &CustomerId, now: DateTime<Utc>) -> Result<(), StoreError> {
    on_tx!(tx, connection => {
        sqlx::query(TOUCH_CUSTOMER).bind(&id.0).bind(now).execute(connection).await.map(drop)
    })
    .map_err(|error| StoreError::of("change customer", id, error))
}

/// Inserts with `made`, else updates.
pub(super) async fn write_customer(
    tx: &mut Tx,
    keys: &Keyring,
    id: &CustomerId,
    data: &CustomerData,
    made: Option<(DateTime<Utc>, &Actor)>,
) -> Result<(), StoreError> {
    let name = seal(keys, (CUSTOMER, &id.0, "name"), data.name.as_ref())?;
    let note = seal(keys, (CUSTOMER, &id.0, "note"), data.note.as_ref())?;
    on_tx!(tx, connection => {
        let query = sqlx::query(if made.is_some() { INSERT_CUSTOMER } else { UPDATE_CUSTOMER })
            .bind(&id.0)
            .bind(data.kind.name())
            .bind(&name)
            .bind(data.inventory_name.as_deref().map(text))
            .bind(data.segment.as_deref().map(text))
            .bind(data.key_account)
            .bind(data.privacy_class.name())
            .bind(&note)
            .bind(data.started_on.map(|date| date.to_string()));
        let query = match made {
            Some((now, by)) => query.bind(now).bind(text(&by.0)),
            None => query,
        };
        query.execute(connection).await.map(drop)
    })
    .map_err(|error| StoreError::of("write customer", id, error))
}

/// A contact as its columns hold it.
struct SealedContact {
    name: Option<String>,
    phone: Option<String>,
    phone_hash: Option<String>,
    email: Option<String>,
    email_hash: Option<String>,
    address: Option<String>,
    im_handle: Option<String>,
}

impl SealedContact {
    fn of(keys: &Keyring, id: &str, data: &ContactData) -> Result<Self, StoreError> {
        let of = |field, value: &Option<Personal>| seal(keys, (CONTACT, id, field), value.as_ref());
        let email = data.email.as_ref().and_then(|email| normal::email(email.in_clear()));
        Ok(Self {
            name: of("name", &data.name)?,
            phone: of("phone", &data.phone)?,
            phone_hash: data.phone.as_ref().map(|phone| keys.digest(Searched::Phone, phone.in_clear())),
            email: of("email", &data.email)?,
            email_hash: email.map(|email| keys.digest(Searched::Email, &email)),
            address: of("address", &data.address)?,
            im_handle: of("im_handle", &data.im_handle)?,
        })
    }
}

pub(super) async fn insert_contact(
    tx: &mut Tx,
    keys: &Keyring,
    customer: &CustomerId,
    data: &ContactData,
    now: DateTime<Utc>,
) -> Result<ContactId, StoreError> {
    let id = uuid_v7(now, os_random()?);
    write_contact(tx, keys, customer, &id, data, Some(now)).await?;
    Ok(ContactId(id))
}

pub(super) async fn update_contact(
    tx: &mut Tx,
    keys: &Keyring,
    customer: &CustomerId,
    contact: &ContactId,
    data: &ContactData,
) -> Result<(), StoreError> {
    write_contact(tx, keys, customer, &contact.0, data, None).await
}

async fn write_contact(
    tx: &mut Tx,
    keys: &Keyring,
    customer: &CustomerId,
    id: &str,
    data: &ContactData,
    made: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let sealed = SealedContact::of(keys, id, data)?;
    on_tx!(tx, connection => {
        let query = sqlx::query(if made.is_some() { INSERT_CONTACT } else { UPDATE_CONTACT })
            .bind(id)
            .bind(&customer.0)
            .bind(data.role.as_deref().map(text))
            .bind(data.title.map(super::model::Title::name))
            .bind(&sealed.name)
            .bind(&sealed.phone)
            .bind(&sealed.phone_hash)
            .bind(&sealed.email)
            .bind(&sealed.email_hash)
            .bind(&sealed.address)
            .bind(&sealed.im_handle)
            .bind(data.preferred_channel.map(super::model::Channel::name))
            .bind(data.consent.name())
            .bind(data.language.map(Language::tag));
        let query = match made {
            Some(now) => query.bind(now),
            None => query,
        };
        query.execute(connection).await.map(drop)
    })
    .map_err(|error| StoreError::of("write a contact of customer", customer, error))
}

pub(super) async fn verify(
    tx: &mut Tx,
    customer: &CustomerId,
    contact: &ContactId,
    now: DateTime<Utc>,
    by: &Actor,
) -> Result<(), StoreError> {
    on_tx!(tx, connection => {
        sqlx::query(VERIFY_CONTACT)
            .bind(&contact.0)
            .bind(&customer.0)
            .bind(now)
            .bind(text(&by.0))
            .execute(connection)
            .await
            .map(drop)
    })
    .map_err(|error| StoreError::of("verify contact", contact, error))
}

pub(super) async fn run_on_part(
    tx: &mut Tx,
    statement: &'static str,
    part: &str,
    customer: &CustomerId,
) -> Result<(), StoreError> {
    on_tx!(tx, connection => {
        sqlx::query(statement).bind(part).bind(&customer.0).execute(connection).await.map(drop)
    })
    .map_err(|error| StoreError::of("change a part of customer", customer, error))
}

pub(super) async fn insert_asset(
    tx: &mut Tx,
    keys: &Keyring,
    customer: &CustomerId,
    data: &AssetData,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let id = uuid_v7(now, os_random()?);
    write_asset(tx, keys, customer, &id, data, Some(now)).await?;
    Ok(id)
}

pub(super) async fn update_asset(
    tx: &mut Tx,
    keys: &Keyring,
    customer: &CustomerId,
    id: &str,
    data: &AssetData,
) -> Result<(), StoreError> {
    write_asset(tx, keys, customer, id, data, None).await
}

async fn write_asset(
    tx: &mut Tx,
    keys: &Keyring,
    customer: &CustomerId,
    id: &str,
    data: &AssetData,
    made: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let serial = seal(keys, (ASSET, id, "serial"), data.serial.as_ref())?;
    on_tx!(tx, connection => {
        let query = sqlx::query(if made.is_some() { INSERT_ASSET } else { UPDATE_ASSET })
            .bind(id)
            .bind(&customer.0)
            .bind(data.kind.name())
            .bind(data.element.as_deref().map(text))
            .bind(data.company_supplied)
            .bind(data.model.as_deref().map(text))
            .bind(&serial)
            .bind(data.bought_on.map(|day| day.to_string()))
            .bind(data.warranty_until.map(|day| day.to_string()))
            .bind(data.meets_standard);
        let query = match made {
            Some(now) => query.bind(now),
            None => query,
        };
        query.execute(connection).await.map(drop)
    })
    .map_err(|error| StoreError::of("write an asset of customer", customer, error))
}

/// The hashes that he is found by: words of his name and of his contacts' names.
pub(super) async fn write_words<'a>(
    tx: &mut Tx,
    keys: &Keyring,
    id: &CustomerId,
    data: &CustomerData,
    contacts: impl Iterator<Item = &'a ContactData>,
) -> Result<(), StoreError> {
    let names = data.name.iter().chain(contacts.filter_map(|contact| contact.name.as_ref()));
    let hashes: BTreeSet<String> = names
        .flat_map(|name| normal::words(name.in_clear()))
        .map(|word| keys.digest(Searched::Word, &word))
        .collect();
    let fail = |error| StoreError::of("write the search words of customer", id, error);
    on_tx!(tx, connection => {
        sqlx::query(FORGET_WORDS).bind(&id.0).execute(&mut *connection).await.map_err(fail)?;
        for hash in &hashes {
            sqlx::query(INSERT_WORD).bind(hash).bind(&id.0).execute(&mut *connection).await.map_err(fail)?;
        }
    });
    Ok(())
}
