//! Rows of customers, contacts and what they have: sealed on the way in, opened on the way out.

use chrono::{DateTime, NaiveDate, Utc};

use crate::locale::Language;
use crate::privacy::{Keyring, Personal, Place};

use super::super::StoreError;
use super::model::{
    Asset, AssetData, AssetKind, Channel, Consent, Contact, ContactData, ContactId, Customer, CustomerData,
    CustomerId, CustomerKind, KeptText, PrivacyClass, TextKind, Title,
};

pub(super) const CUSTOMER: &str = "customer";
pub(super) const CONTACT: &str = "contact";
pub(super) const ASSET: &str = "service_asset";
pub(super) const TEXT: &str = "customer_text";
pub(in crate::store) const TICKET_TEXT: &str = "ticket_text";

/// Seals a value for its column.
pub(in crate::store) fn seal(
    keys: &Keyring,
    (table, row, field): (&'static str, &str, &'static str),
    value: Option<&Personal>,
) -> Result<Option<String>, StoreError> {
    let place = Place { table, row, field };
    value.map(|value| keys.seal(place, value)).transpose().map_err(|source| StoreError::Sealing { source })
}

/// Opens a value of a column.
pub(in crate::store) fn open(
    keys: &Keyring,
    (table, row, field): (&'static str, &str, &'static str),
    sealed: Option<&str>,
) -> Result<Option<Personal>, StoreError> {
    let place = Place { table, row, field };
    let opened = sealed.map(|sealed| keys.open(place, sealed)).transpose();
    opened.map_err(|error| StoreError::inconsistent(table, field, row, error))
}

/// The value of this name, or which row cannot be understood.
fn known<T>(
    (table, row, column): (&'static str, &str, &'static str),
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(name).ok_or_else(|| StoreError::inconsistent(table, column, row, "there is no such value"))
}

fn date(
    place: (&'static str, &str, &'static str),
    text: Option<&str>,
) -> Result<Option<NaiveDate>, StoreError> {
    text.map(|text| known(place, text, |text| text.parse().ok())).transpose()
}

#[derive(sqlx::FromRow)]
pub(super) struct CustomerRow {
    pub id: String,
    pub version: i64,
    pub kind: String,
    pub name_enc: Option<String>,
    pub inventory_name: Option<String>,
    pub segment: Option<String>,
    pub key_account: bool,
    pub privacy_class: String,
    pub started_on: Option<String>,
    pub note_enc: Option<String>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub erased_at: Option<DateTime<Utc>>,
}

impl CustomerRow {
    pub(super) fn understood(self, keys: &Keyring) -> Result<Customer, StoreError> {
        let id = self.id.as_str();
        let data = CustomerData {
            kind: known((CUSTOMER, id, "kind"), &self.kind, CustomerKind::parse)?,
            name: open(keys, (CUSTOMER, id, "name"), self.name_enc.as_deref())?,
            inventory_name: self.inventory_name,
            segment: self.segment,
            key_account: self.key_account,
            privacy_class: known((CUSTOMER, id, "privacy_class"), &self.privacy_class, PrivacyClass::parse)?,
            started_on: date((CUSTOMER, id, "started_on"), self.started_on.as_deref())?,
            note: open(keys, (CUSTOMER, id, "note"), self.note_enc.as_deref())?,
        };
        Ok(Customer {
            id: CustomerId(self.id),
            version: self.version,
            data,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            erased_at: self.erased_at,
            contacts: Vec::new(),
            assets: Vec::new(),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ContactRow {
    pub id: String,
    pub customer_id: String,
    pub role: Option<String>,
    pub title: Option<String>,
    pub name_enc: Option<String>,
    pub phone_enc: Option<String>,
    pub email_enc: Option<String>,
    pub address_enc: Option<String>,
    pub im_handle_enc: Option<String>,
    pub preferred_channel: Option<String>,
    pub consent: String,
    pub language: Option<String>,
    pub verified_at: Option<DateTime<Utc>>,
    pub verified_by: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl ContactRow {
    pub(super) fn understood(self, keys: &Keyring) -> Result<Contact, StoreError> {
        let id = self.id.as_str();
        let of = |field, sealed: &Option<String>| open(keys, (CONTACT, id, field), sealed.as_deref());
        let title = self.title.as_deref().map(|name| known((CONTACT, id, "title"), name, Title::parse));
        let channel = self.preferred_channel.as_deref();
        let channel = channel.map(|name| known((CONTACT, id, "preferred_channel"), name, Channel::parse));
        let language = self.language.as_deref();
        let language = language.map(|tag| known((CONTACT, id, "language"), tag, Language::of_tag));
        let data = ContactData {
            role: self.role.clone(),
            title: title.transpose()?,
            name: of("name", &self.name_enc)?,
            phone: of("phone", &self.phone_enc)?,
            email: of("email", &self.email_enc)?,
            address: of("address", &self.address_enc)?,
            im_handle: of("im_handle", &self.im_handle_enc)?,
            preferred_channel: channel.transpose()?,
            consent: known((CONTACT, id, "consent"), &self.consent, Consent::parse)?,
            language: language.transpose()?,
        };
        let verified = self.verified_at.zip(self.verified_by);
        Ok(Contact { id: ContactId(self.id), data, verified, created_at: self.created_at })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct AssetRow {
    pub id: String,
    pub customer_id: String,
    pub kind: String,
    pub element: Option<String>,
    pub company_supplied: bool,
    pub model: Option<String>,
    pub serial_enc: Option<String>,
    pub bought_on: Option<String>,
    pub warranty_until: Option<String>,
    pub meets_standard: Option<bool>,
    pub created_at: DateTime<Utc>,
}

impl AssetRow {
    pub(super) fn understood(self, keys: &Keyring) -> Result<Asset, StoreError> {
        let id = self.id.as_str();
        let data = AssetData {
            kind: known((ASSET, id, "kind"), &self.kind, AssetKind::parse)?,
            element: self.element,
            company_supplied: self.company_supplied,
            model: self.model,
            serial: open(keys, (ASSET, id, "serial"), self.serial_enc.as_deref())?,
            bought_on: date((ASSET, id, "bought_on"), self.bought_on.as_deref())?,
            warranty_until: date((ASSET, id, "warranty_until"), self.warranty_until.as_deref())?,
            meets_standard: self.meets_standard,
        };
        Ok(Asset { id: self.id, data, created_at: self.created_at })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct TextRow {
    pub id: String,
    pub customer_id: String,
    pub ticket_id: Option<String>,
    pub kind: String,
    pub text_enc: String,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
}

impl TextRow {
    pub(super) fn understood(self, keys: &Keyring) -> Result<KeptText, StoreError> {
        let id = self.id.as_str();
        let text = open(keys, (TEXT, id, "text"), Some(&self.text_enc))?;
        let text = text.ok_or_else(|| StoreError::inconsistent(TEXT, "text", id, "it is empty"))?;
        let kind = known((TEXT, id, "kind"), &self.kind, TextKind::parse)?;
        Ok(KeptText {
            id: self.id,
            customer: CustomerId(self.customer_id),
            ticket: self.ticket_id,
            kind,
            text,
            created_at: self.created_at,
            created_by: self.created_by,
        })
    }
}
