//! Registering and changing customers. Each change is one transaction with its entry in the trail;
//! contacts and assets are parts of their customer, who carries the one version of them all.

use chrono::{DateTime, Utc};

use crate::id::{os_random, uuid_v7};
use crate::locale::Message;
use crate::privacy::{Keyring, Personal};
use crate::ticket::event::Actor;

use super::super::backend::on_tx;
use super::super::json::text;
use super::super::{Store, StoreError, Tx};
use super::audit::record;
use super::model::{
    AssetData, Contact, ContactData, ContactId, Customer, CustomerChange, CustomerData, CustomerId,
    PrivacyAction, TextKind,
};
use super::parts::{
    insert_asset, insert_contact, run_on_part, touch, update_asset, update_contact, verify, write_customer,
    write_words,
};
use super::row::{TEXT, seal};

pub(in crate::store) const INSERT_CUSTOMER: &str = "INSERT INTO customer (id, version, kind, name_enc, inventory_name, segment, \
     key_account, privacy_class, note_enc, started_on, created_at, created_by, updated_at) \
     VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10)";
pub(in crate::store) const UPDATE_CUSTOMER: &str = "UPDATE customer SET kind = $2, name_enc = $3, inventory_name = $4, segment = $5, \
     key_account = $6, privacy_class = $7, note_enc = $8, started_on = $9 WHERE id = $1";
pub(in crate::store) const TOUCH_CUSTOMER: &str =
    "UPDATE customer SET version = version + 1, updated_at = $2 WHERE id = $1 AND erased_at IS NULL";
pub(in crate::store) const VERSION_OF_CUSTOMER: &str =
    "SELECT version FROM customer WHERE id = $1 AND erased_at IS NULL";
pub(in crate::store) const CUSTOMER_OF_INVENTORY: &str =
    "SELECT id FROM customer WHERE inventory_name = $1 AND id <> $2";
pub(in crate::store) const INSERT_CONTACT: &str = "INSERT INTO contact (id, customer_id, role, title, name_enc, phone_enc, phone_hash, \
     email_enc, email_hash, address_enc, im_handle_enc, preferred_channel, consent, language, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
// What was confirmed with the person is confirmed no more once it is otherwise.
pub(in crate::store) const UPDATE_CONTACT: &str = "UPDATE contact SET role = $3, title = $4, name_enc = $5, phone_enc = $6, \
     phone_hash = $7, email_enc = $8, email_hash = $9, address_enc = $10, im_handle_enc = $11, \
     preferred_channel = $12, consent = $13, language = $14, verified_at = NULL, verified_by = NULL \
     WHERE id = $1 AND customer_id = $2";
pub(in crate::store) const VERIFY_CONTACT: &str =
    "UPDATE contact SET verified_at = $3, verified_by = $4 WHERE id = $1 AND customer_id = $2";
pub(in crate::store) const DELETE_CONTACT: &str = "DELETE FROM contact WHERE id = $1 AND customer_id = $2";
pub(in crate::store) const INSERT_ASSET: &str = "INSERT INTO service_asset (id, customer_id, kind, element, company_supplied, model, \
     serial_enc, bought_on, warranty_until, meets_standard, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
pub(in crate::store) const UPDATE_ASSET: &str = "UPDATE service_asset SET kind = $3, element = $4, company_supplied = $5, model = $6, \
     serial_enc = $7, bought_on = $8, warranty_until = $9, meets_standard = $10 \
     WHERE id = $1 AND customer_id = $2";
pub(in crate::store) const DELETE_ASSET: &str =
    "DELETE FROM service_asset WHERE id = $1 AND customer_id = $2";
pub(in crate::store) const FORGET_WORDS: &str = "DELETE FROM customer_word WHERE customer_id = $1";
pub(in crate::store) const INSERT_WORD: &str = "INSERT INTO customer_word (hash, customer_id) VALUES ($1, $2) ON CONFLICT (hash, customer_id) DO NOTHING";
pub(in crate::store) const LINK_TICKET: &str = "INSERT INTO customer_ticket (ticket_id, customer_id, contact_id, linked_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (ticket_id, customer_id) DO UPDATE \
     SET contact_id = COALESCE(excluded.contact_id, customer_ticket.contact_id)";
pub(in crate::store) const CONTACT_OF_CUSTOMER: &str =
    "SELECT COUNT(*) FROM contact WHERE id = $1 AND customer_id = $2";
pub(in crate::store) const INSERT_TEXT: &str = "INSERT INTO customer_text (id, customer_id, ticket_id, kind, text_enc, created_at, \
     created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// How often a change is tried again that others are faster than.
const TRIES: usize = 3;

/// Why a change of a customer did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// There is none, or he was erased.
    #[error("there is no customer {0}, or he was erased")]
    Unknown(CustomerId),
    /// There is no such contact or asset of his.
    #[error("there is no {0} of this customer")]
    NoPart(&'static str),
    /// Changed meanwhile: the version now.
    #[error("the customer has changed meanwhile; it is at version {0}")]
    Conflict(i64),
    /// What speaks against it.
    #[error("refused for {} reasons", .0.len())]
    Refused(Vec<Message>),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new customer with what belongs to him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// He himself.
    pub data: CustomerData,
    /// Who is called.
    pub contacts: Vec<ContactData>,
    /// What he has.
    pub assets: Vec<AssetData>,
}

impl Store {
    /// Registers a customer.
    ///
    /// # Errors
    /// When he has no name, another one stands for the same `[[customer]]`, there is no key, or the
    /// database does not answer.
    pub async fn add_customer(&self, new: &NewCustomer, by: &Actor) -> Result<Customer, CustomerError> {
        let keys = self.keys()?;
        let now = self.now();
        let id = CustomerId(uuid_v7(now, os_random().map_err(StoreError::from)?));
        let mut tx = self.begin("register a customer").await?;
        refuse(&mut tx, &id, &new.data).await?;
        write_customer(&mut tx, keys, &id, &new.data, Some((now, by))).await?;
        for contact in &new.contacts {
            insert_contact(&mut tx, keys, &id, contact, now).await?;
        }
        for asset in &new.assets {
            insert_asset(&mut tx, keys, &id, asset, now).await?;
        }
        write_words(&mut tx, keys, &id, &new.data, new.contacts.iter()).await?;
        let action = PrivacyAction::Created { contacts: new.contacts.len() };
        record(&mut tx, now, by, &id, &action).await?;
        tx.commit().await?;
        self.customer(&id).await?.ok_or(CustomerError::Unknown(id))
    }

    /// Changes a customer at the version that was seen; `None` waives the comparison.
    ///
    /// # Errors
    /// When there is none, he changed meanwhile, the change is refused, or the database does not answer.
    pub async fn change_customer(
        &self,
        id: &CustomerId,
        seen: Option<i64>,
        change: CustomerChange,
        by: &Actor,
    ) -> Result<Customer, CustomerError> {
        for _ in 0..TRIES {
            match self.change_once(id, seen, &change, by).await {
                // Who waived the comparison wants it done to the customer as he is by then.
                Err(CustomerError::Conflict(_)) if seen.is_none() => {}
                done => return done,
            }
        }
        self.change_once(id, seen, &change, by).await
    }

    async fn change_once(
        &self,
        id: &CustomerId,
        seen: Option<i64>,
        change: &CustomerChange,
        by: &Actor,
    ) -> Result<Customer, CustomerError> {
        let keys = self.keys()?;
        let now = self.now();
        let unknown = || CustomerError::Unknown(id.clone());
        let before =
            self.customer(id).await?.filter(|before| before.erased_at.is_none()).ok_or_else(unknown)?;
        let mut tx = self.begin("change a customer").await?;
        let version = version_of(&mut tx, id).await?.ok_or_else(unknown)?;
        // What was read before the transaction must be what it changes.
        if version != seen.unwrap_or(before.version) || version != before.version {
            return Err(CustomerError::Conflict(version));
        }
        let mut contacts: Vec<&ContactData> = before.contacts.iter().map(|contact| &contact.data).collect();
        let mut data = &before.data;
        let action = match change {
            CustomerChange::Edit(new) => {
                refuse(&mut tx, id, new).await?;
                write_customer(&mut tx, keys, id, new, None).await?;
                data = &**new;
                changed(customer_fields(&before.data, new))
            }
            CustomerChange::AddContact(new) => {
                let contact = insert_contact(&mut tx, keys, id, new, now).await?;
                contacts.push(&**new);
                changed(vec![format!("contact {contact} added")])
            }
            CustomerChange::EditContact(contact, new) => {
                let known = known(&before, contact)?;
                contacts = kept_contacts(&before, contact);
                contacts.push(&**new);
                update_contact(&mut tx, keys, id, contact, new).await?;
                changed(contact_fields(&known.data, new))
            }
            CustomerChange::RemoveContact(contact) => {
                known(&before, contact)?;
                contacts = kept_contacts(&before, contact);
                run_on_part(&mut tx, DELETE_CONTACT, &contact.0, id).await?;
                changed(vec![format!("contact {contact} removed")])
            }
            CustomerChange::VerifyContact(contact) => {
                known(&before, contact)?;
                verify(&mut tx, id, contact, now, by).await?;
                PrivacyAction::Verified { contact: contact.clone() }
            }
            CustomerChange::AddAsset(new) => {
                let asset = insert_asset(&mut tx, keys, id, new, now).await?;
                changed(vec![format!("asset {asset} added")])
            }
            CustomerChange::EditAsset(asset, new) => {
                known_asset(&before, asset)?;
                update_asset(&mut tx, keys, id, asset, new).await?;
                changed(vec![format!("asset {asset}")])
            }
            CustomerChange::RemoveAsset(asset) => {
                known_asset(&before, asset)?;
                run_on_part(&mut tx, DELETE_ASSET, asset, id).await?;
                changed(vec![format!("asset {asset} removed")])
            }
        };
        write_words(&mut tx, keys, id, data, contacts.into_iter()).await?;
        touch(&mut tx, id, now).await?;
        record(&mut tx, now, by, id, &action).await?;
        tx.commit().await?;
        self.customer(id).await?.ok_or_else(unknown)
    }

    /// Notes that a ticket is a customer's; again, it changes nothing.
    ///
    /// # Errors
    /// When there is no such ticket or customer, or the database does not answer.
    pub async fn link_ticket_to_customer(
        &self,
        ticket: &str,
        customer: &CustomerId,
        contact: Option<&ContactId>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.begin("link a ticket to its customer").await?;
        link_ticket(&mut tx, ticket, customer, contact, now).await?;
        tx.commit().await
    }

    /// Keeps what a person said, sealed and apart from the chain of events: an event refers to the
    /// identity returned, and erasing the person leaves the chain whole.
    ///
    /// # Errors
    /// When there is no such customer or ticket, no key, or the database does not answer.
    pub async fn keep_text(
        &self,
        customer: &CustomerId,
        ticket: Option<&str>,
        kind: TextKind,
        words: &Personal,
        by: &Actor,
    ) -> Result<String, StoreError> {
        let now = self.now();
        let mut tx = self.begin("keep what a customer said").await?;
        let id = keep_text(&mut tx, self.keys()?, (customer, ticket, kind), words, (now, by)).await?;
        tx.commit().await?;
        Ok(id)
    }
}

/// Links within a transaction of whoever registers a ticket.
pub(in crate::store) async fn link_ticket(
    tx: &mut Tx,
    ticket: &str,
    customer: &CustomerId,
    contact: Option<&ContactId>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    on_tx!(tx, connection => {
        sqlx::query(LINK_TICKET)
            .bind(ticket)
            .bind(&customer.0)
            .bind(contact.map(|contact| contact.0.as_str()))
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
    })
    .map_err(|error| StoreError::of("link ticket to customer", customer, error))
}

/// Whether he has this contact.
pub(in crate::store) async fn has_contact(
    tx: &mut Tx,
    customer: &CustomerId,
    contact: &str,
) -> Result<bool, StoreError> {
    let count: i64 = on_tx!(tx, connection => {
        sqlx::query_scalar(CONTACT_OF_CUSTOMER)
            .bind(text(contact))
            .bind(text(&customer.0))
            .fetch_one(connection)
            .await
    })
    .map_err(|error| StoreError::of("look for a contact of customer", customer, error))?;
    Ok(count > 0)
}

/// Keeps words within a transaction; returns their identity.
async fn keep_text(
    tx: &mut Tx,
    keys: &Keyring,
    (customer, ticket, kind): (&CustomerId, Option<&str>, TextKind),
    words: &Personal,
    (now, by): (DateTime<Utc>, &Actor),
) -> Result<String, StoreError> {
    let id = uuid_v7(now, os_random()?);
    let sealed = seal(keys, (TEXT, &id, "text"), Some(words))?;
    on_tx!(tx, connection => {
        sqlx::query(INSERT_TEXT)
            .bind(&id)
            .bind(&customer.0)
            .bind(ticket)
            .bind(kind.name())
            .bind(&sealed)
            .bind(now)
            .bind(text(&by.0))
            .execute(connection)
            .await
            .map(drop)
    })
    .map_err(|error| StoreError::of("keep a text of customer", customer, error))?;
    Ok(id)
}

fn changed(fields: Vec<String>) -> PrivacyAction {
    PrivacyAction::Changed { fields }
}

fn known<'a>(customer: &'a Customer, contact: &ContactId) -> Result<&'a Contact, CustomerError> {
    customer.contacts.iter().find(|known| known.id == *contact).ok_or(CustomerError::NoPart("contact"))
}

fn known_asset(customer: &Customer, asset: &str) -> Result<(), CustomerError> {
    let is_known = customer.assets.iter().any(|known| known.id == asset);
    is_known.then_some(()).ok_or(CustomerError::NoPart("asset"))
}

fn kept_contacts<'a>(customer: &'a Customer, without: &ContactId) -> Vec<&'a ContactData> {
    let kept = customer.contacts.iter().filter(|contact| contact.id != *without);
    kept.map(|contact| &contact.data).collect()
}

/// Names of the fields that differ.
macro_rules! differing {
    ($before:expr, $after:expr, $prefix:literal: $($field:ident),+) => {{
        let (before, after) = ($before, $after);
        let mut fields = Vec::new();
        $(if before.$field != after.$field { fields.push(concat!($prefix, stringify!($field)).to_owned()); })+
        fields
    }};
}

fn customer_fields(before: &CustomerData, after: &CustomerData) -> Vec<String> {
    differing!(before, after, "": kind, name, inventory_name, segment, key_account, privacy_class, started_on, note)
}

fn contact_fields(before: &ContactData, after: &ContactData) -> Vec<String> {
    differing!(before, after, "contact.": role, title, name, phone, email, address, im_handle, preferred_channel, consent, language)
}

/// What speaks against writing this of a customer.
async fn refuse(tx: &mut Tx, id: &CustomerId, data: &CustomerData) -> Result<(), CustomerError> {
    if data.name.is_none() {
        return Err(CustomerError::Refused(vec![Message::new("customer.refused.name_missing")]));
    }
    let Some(name) = &data.inventory_name else { return Ok(()) };
    let taken: Option<String> = on_tx!(tx, connection => {
        sqlx::query_scalar(CUSTOMER_OF_INVENTORY).bind(text(name)).bind(&id.0).fetch_optional(connection).await
    })
    .map_err(|error| StoreError::of("look for the customer of", name, error))?;
    match taken {
        None => Ok(()),
        Some(other) => {
            let message = Message::new("customer.refused.inventory_taken").with("name", name);
            Err(CustomerError::Refused(vec![message.with("customer", other)]))
        }
    }
}

pub(in crate::store) async fn version_of(tx: &mut Tx, id: &CustomerId) -> Result<Option<i64>, StoreError> {
    on_tx!(tx, connection => {
        sqlx::query_scalar(VERSION_OF_CUSTOMER).bind(text(&id.0)).fetch_optional(connection).await
    })
    .map_err(|error| StoreError::of("read the version of customer", id, error))
}
