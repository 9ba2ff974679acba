//! Reading and looking up.

use std::collections::HashMap;

use sqlx::QueryBuilder;

use crate::privacy::{Keyring, Searched, normal};
use crate::ticket::Ticket;
use crate::ticket::event::Actor;
use crate::ticket::registration::CustomerRef;

use super::super::backend::on;
use super::super::json::text;
use super::super::{Store, StoreError};
use super::model::{
    Consent, Contact, ContactData, Customer, CustomerId, CustomerTicket, KeptText, Lookup, Recipient,
};
use super::row::{AssetRow, ContactRow, CustomerRow, TextRow};

/// Customers given out at once.
const LONGEST_PAGE: u32 = 500;
/// Texts of one person that are given out.
const MOST_TEXTS: i64 = 10_000;

const CUSTOMERS: &str = "SELECT id, version, kind, name_enc, inventory_name, segment, key_account, privacy_class, \
     started_on, note_enc, created_at, created_by, updated_at, erased_at FROM customer WHERE 1 = 1";
const CONTACTS: &str = "SELECT id, customer_id, role, title, name_enc, phone_enc, email_enc, address_enc, \
     im_handle_enc, preferred_channel, consent, language, verified_at, verified_by, created_at FROM contact";
const ASSETS: &str = "SELECT id, customer_id, kind, element, company_supplied, model, serial_enc, bought_on, \
     warranty_until, meets_standard, created_at FROM service_asset";
pub(in crate::store) const TEXTS_OF_CUSTOMER: &str = "SELECT id, customer_id, ticket_id, kind, text_enc, created_at, created_by \
     FROM customer_text WHERE customer_id = $1 ORDER BY id LIMIT $2";
pub(in crate::store) const TEXTS_OF_TICKET: &str = "SELECT id, customer_id, ticket_id, kind, text_enc, created_at, created_by \
     FROM customer_text WHERE ticket_id = $1 ORDER BY id LIMIT $2";
pub(in crate::store) const TICKETS_OF_CUSTOMER: &str = "SELECT t.id, t.state, t.owner, t.is_open, t.updated_at \
     FROM customer_ticket ct JOIN ticket t ON t.id = ct.ticket_id WHERE ct.customer_id = $1 ORDER BY t.id";
pub(in crate::store) const CUSTOMERS_OF_TICKET: &str =
    "SELECT customer_id FROM customer_ticket WHERE ticket_id = $1 ORDER BY linked_at, customer_id";
pub(in crate::store) const OWNS_A_TICKET_OF: &str = "SELECT COUNT(*) FROM customer_ticket ct JOIN ticket t ON t.id = ct.ticket_id \
     WHERE ct.customer_id = $1 AND t.owner = $2 AND t.state NOT IN ('closed', 'rejected', 'cancelled')";

#[derive(sqlx::FromRow)]
struct TicketRow {
    id: String,
    state: String,
    owner: Option<String>,
    is_open: bool,
    updated_at: chrono::DateTime<chrono::Utc>,
}

impl Store {
    /// One customer; `None` is an ordinary answer.
    ///
    /// # Errors
    /// When the database does not answer, holds what cannot be understood, or there is no key.
    pub async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, StoreError> {
        let wanted = std::slice::from_ref(&id.0);
        Ok(self.customers_of(wanted).await?.into_iter().next())
    }

    /// Customers, the newest first, after a place in the list. At most 500 at once.
    ///
    /// # Errors
    /// When the database does not answer, holds what cannot be understood, or there is no key.
    pub async fn customers(
        &self,
        after: Option<&CustomerId>,
        limit: u32,
    ) -> Result<Vec<Customer>, StoreError> {
        let keys = self.keys()?;
        let limit = i64::from(limit.clamp(1, LONGEST_PAGE));
        let rows: Vec<CustomerRow> = on!(self, pool => {
            let mut query = QueryBuilder::new(CUSTOMERS);
            query.push(" AND erased_at IS NULL");
            if let Some(after) = after {
                query.push(" AND id < ").push_bind(text(&after.0).into_owned());
            }
            query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("list", "customers", error))?;
        self.whole(keys, rows).await
    }

    /// Customers that everything stated fits, the newest first; none when nothing is stated.
    ///
    /// # Errors
    /// When the database does not answer, holds what cannot be understood, or there is no key.
    pub async fn find_customers(&self, lookup: &Lookup, limit: u32) -> Result<Vec<Customer>, StoreError> {
        let keys = self.keys()?;
        if lookup.is_empty() {
            return Ok(Vec::new());
        }
        let limit = i64::from(limit.clamp(1, LONGEST_PAGE));
        let words = lookup.name.as_deref().map(normal::words).unwrap_or_default();
        if lookup.name.is_some() && words.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<CustomerRow> = on!(self, pool => {
            let mut query = QueryBuilder::new(CUSTOMERS);
            query.push(" AND erased_at IS NULL");
            for (kind, column, value) in [
                (Searched::Phone, "phone_hash", &lookup.phone),
                (Searched::Email, "email_hash", &lookup.email),
            ] {
                if let Some(value) = value {
                    query.push(" AND id IN (SELECT customer_id FROM contact WHERE ").push(column).push(" = ");
                    query.push_bind(keys.digest(kind, value)).push(")");
                }
            }
            for word in &words {
                query.push(" AND id IN (SELECT customer_id FROM customer_word WHERE hash = ");
                query.push_bind(keys.digest(Searched::Word, word)).push(")");
            }
            if let Some(name) = &lookup.inventory_name {
                query.push(" AND inventory_name = ").push_bind(text(name).into_owned());
            }
            query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("look for", "customers", error))?;
        self.whole(keys, rows).await
    }

    async fn customers_of(&self, ids: &[String]) -> Result<Vec<Customer>, StoreError> {
        let keys = self.keys()?;
        let rows: Vec<CustomerRow> = on!(self, pool => {
            let mut query = QueryBuilder::new(CUSTOMERS);
            query.push(" AND id IN (");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(text(id).into_owned());
            }
            list.push_unseparated(")");
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read", "customers", error))?;
        self.whole(keys, rows).await
    }

    /// With their contacts and what they have, in the order given.
    async fn whole(&self, keys: &Keyring, rows: Vec<CustomerRow>) -> Result<Vec<Customer>, StoreError> {
        let mut customers: Vec<Customer> =
            rows.into_iter().map(|row| row.understood(keys)).collect::<Result<_, _>>()?;
        if customers.is_empty() {
            return Ok(customers);
        }
        let fail = |error| StoreError::of("read", "contacts", error);
        let place: HashMap<String, usize> =
            customers.iter().enumerate().map(|(at, customer)| (customer.id.0.clone(), at)).collect();
        let (contacts, assets): (Vec<ContactRow>, Vec<AssetRow>) = on!(self, pool => {
            let mut of_all = QueryBuilder::new(CONTACTS);
            of_all.push(" WHERE customer_id IN (");
            let mut list = of_all.separated(", ");
            for id in place.keys() {
                list.push_bind(id.clone());
            }
            list.push_unseparated(") ORDER BY id");
            let contacts = of_all.build_query_as().fetch_all(pool).await.map_err(fail)?;
            let mut of_all = QueryBuilder::new(ASSETS);
            of_all.push(" WHERE customer_id IN (");
            let mut list = of_all.separated(", ");
            for id in place.keys() {
                list.push_bind(id.clone());
            }
            list.push_unseparated(") ORDER BY id");
            (contacts, of_all.build_query_as().fetch_all(pool).await.map_err(fail)?)
        });
        for row in contacts {
            let Some(customer) = place.get(&row.customer_id).and_then(|at| customers.get_mut(*at)) else {
                continue;
            };
            customer.contacts.push(row.understood(keys)?);
        }
        for row in assets {
            let Some(customer) = place.get(&row.customer_id).and_then(|at| customers.get_mut(*at)) else {
                continue;
            };
            customer.assets.push(row.understood(keys)?);
        }
        Ok(customers)
    }

    /// To whom the receipt of a ticket goes: the contact that it names, else the first of its customer that has an
    /// e-mail address, else the first with a number or handle. Nobody who took his consent back.
    ///
    /// # Errors
    /// When the database does not answer, holds what cannot be understood, or there is no key.
    pub async fn recipient(&self, ticket: &Ticket) -> Result<Option<Recipient>, StoreError> {
        let named = ticket.registration.as_ref().and_then(|registration| registration.customer.as_ref());
        let Some(CustomerRef { customer, contact }) = named else { return Ok(None) };
        let customer = self.customer(&CustomerId(customer.clone())).await?;
        let Some(customer) = customer.filter(|customer| customer.erased_at.is_none()) else {
            return Ok(None);
        };
        let is_named = |known: &&Contact| contact.as_ref().is_none_or(|named| known.id.0 == *named);
        let willing = |data: &&ContactData| data.consent != Consent::Withdrawn;
        let contacts =
            || customer.contacts.iter().filter(is_named).map(|contact| &contact.data).filter(willing);
        let reached = |data: &&ContactData| data.phone.is_some() || data.im_handle.is_some();
        let found = contacts().find(|data| data.email.is_some()).or_else(|| contacts().find(reached));
        Ok(found.map(|data| Recipient {
            email: data.email.clone(),
            phone: data.phone.clone(),
            im_handle: data.im_handle.clone(),
            language: data.language,
        }))
    }

    /// Everything that a person said, oldest first.
    ///
    /// # Errors
    /// When the database does not answer, holds what cannot be understood, or there is no key.
    pub async fn texts_of_customer(&self, id: &CustomerId) -> Result<Vec<KeptText>, StoreError> {
        self.texts(TEXTS_OF_CUSTOMER, &id.0).await
    }

    /// What was said for a ticket, oldest first.
    ///
    /// # Errors
    /// When the database does not answer, holds what cannot be understood, or there is no key.
    pub async fn texts_of_ticket(&self, ticket: &str) -> Result<Vec<KeptText>, StoreError> {
        self.texts(TEXTS_OF_TICKET, ticket).await
    }

    async fn texts(&self, statement: &'static str, key: &str) -> Result<Vec<KeptText>, StoreError> {
        let keys = self.keys()?;
        let rows: Vec<TextRow> = on!(self, pool => {
            sqlx::query_as(statement).bind(text(key)).bind(MOST_TEXTS).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read texts of", key, error))?;
        rows.into_iter().map(|row| row.understood(keys)).collect()
    }

    /// The tickets that a customer is linked to, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tickets_of_customer(&self, id: &CustomerId) -> Result<Vec<CustomerTicket>, StoreError> {
        let rows: Vec<TicketRow> =
            on!(self, pool => sqlx::query_as(TICKETS_OF_CUSTOMER).bind(text(&id.0)).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read tickets of customer", id, error))?;
        let tickets = rows.into_iter().map(|row| {
            let TicketRow { id, state, owner, is_open, updated_at } = row;
            CustomerTicket { id, state, owner, is_open, updated_at }
        });
        Ok(tickets.collect())
    }

    /// The customers that a ticket is linked to, in the order of linking.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn customers_of_ticket(&self, ticket: &str) -> Result<Vec<CustomerId>, StoreError> {
        let ids: Vec<String> =
            on!(self, pool => sqlx::query_scalar(CUSTOMERS_OF_TICKET).bind(text(ticket)).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read customers of ticket", ticket, error))?;
        Ok(ids.into_iter().map(CustomerId).collect())
    }

    /// Whether somebody has a ticket of this customer that is not over: then he may have to call him.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn owns_a_ticket_of(&self, actor: &Actor, customer: &CustomerId) -> Result<bool, StoreError> {
        let count: i64 = on!(self, pool => {
            sqlx::query_scalar(OWNS_A_TICKET_OF)
                .bind(text(&customer.0))
                .bind(text(&actor.0))
                .fetch_one(pool)
                .await
        })
        .map_err(|error| StoreError::of("look for tickets of customer", customer, error))?;
        Ok(count > 0)
    }
}
