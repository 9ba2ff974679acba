//! What people are shown of customers. The only way from personal data to JSON: every field goes
//! through a mask that knows what the reader may see.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::inventory::Element;
use crate::locale::Language;
use crate::privacy::{Personal, Sight, mask};
use crate::store::customers::{
    Asset, AssetKind, Channel, Consent, Contact, Customer, CustomerKind, CustomerTicket, KeptText,
    PrivacyClass, TextKind, Title,
};

fn masked(
    value: Option<&Personal>,
    sight: Sight,
    mask: impl Fn(&Personal, Sight) -> String,
) -> Option<String> {
    value.map(|value| mask(value, sight))
}

/// A customer, registered or only declared in `linesman.toml`.
#[derive(Serialize, ToSchema)]
pub struct CustomerView {
    /// Identity; `null` of one who stands in `linesman.toml` only.
    id: Option<String>,
    /// Whether somebody registered him.
    registered: bool,
    /// Counts changes of him, his contacts and what he has.
    version: Option<i64>,
    /// Whether personal data is masked.
    masked: bool,
    /// Who calls.
    kind: CustomerKind,
    /// Of the person or company; `null` once erased.
    name: Option<String>,
    /// Name of the `[[customer]]` in `linesman.toml` that he is.
    inventory_name: Option<String>,
    /// Segment of the market.
    segment: Option<String>,
    /// Whether faults of his go first.
    key_account: bool,
    /// How careful to be.
    privacy_class: PrivacyClass,
    /// Since when he is a customer.
    started_on: Option<NaiveDate>,
    /// Anything else.
    note: Option<String>,
    /// Oldest first.
    contacts: Vec<ContactView>,
    /// What he has of ours, oldest first.
    assets: Vec<AssetView>,
    /// His tickets; `null` in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    tickets: Option<Vec<CustomerTicketView>>,
    /// Registered.
    created_at: Option<DateTime<Utc>>,
    /// By whom.
    created_by: Option<String>,
    /// Last change.
    updated_at: Option<DateTime<Utc>>,
    /// Since when nothing about the person is kept.
    erased_at: Option<DateTime<Utc>>,
}

/// A person who is called.
#[derive(Serialize, ToSchema)]
pub struct ContactView {
    /// Identity; `null` of one who stands in `linesman.toml` only.
    id: Option<String>,
    /// What he does there.
    role: Option<String>,
    /// Form of address.
    title: Option<Title>,
    /// Name.
    name: Option<String>,
    /// Telephone number, as `+8613812345678`.
    phone: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Postal address.
    address: Option<String>,
    /// Handle in a messenger.
    im_handle: Option<String>,
    /// How he wants to be reached.
    preferred_channel: Option<Channel>,
    /// What he agreed to.
    consent: Consent,
    /// In which language he is written to: `en` or `zh-CN`.
    language: Option<&'static str>,
    /// When the data was confirmed with him (R32).
    verified_at: Option<DateTime<Utc>>,
    /// By whom.
    verified_by: Option<String>,
}

/// Something that a customer has.
#[derive(Serialize, ToSchema)]
pub struct AssetView {
    /// Identity.
    id: String,
    /// What it is.
    kind: AssetKind,
    /// Its name in `linesman.toml`.
    element: Option<String>,
    /// Whether the company supplied it.
    company_supplied: bool,
    /// Model.
    model: Option<String>,
    /// Serial number.
    serial: Option<String>,
    /// Bought.
    bought_on: Option<NaiveDate>,
    /// Last day of the warranty.
    warranty_until: Option<NaiveDate>,
    /// Whether it meets the operator's standard; `null` where nobody said.
    meets_standard: Option<bool>,
}

/// A ticket of a customer.
#[derive(Serialize, ToSchema)]
pub struct CustomerTicketView {
    /// Its identity.
    id: String,
    /// Its state.
    state: String,
    /// Whether it is worked on.
    open: bool,
    /// Who has it.
    owner: Option<String>,
}

/// What a person said, in clear.
#[derive(Serialize, ToSchema)]
pub struct TextView {
    /// Identity.
    id: String,
    /// Of which ticket.
    ticket: Option<String>,
    /// What it is.
    kind: TextKind,
    /// The words.
    text: String,
    /// When.
    created_at: DateTime<Utc>,
    /// Who wrote it down.
    created_by: String,
}

impl TextView {
    /// For an export, which only those ask for who may see everything.
    pub(super) fn of(text: KeptText) -> Self {
        Self {
            id: text.id,
            ticket: text.ticket,
            kind: text.kind,
            text: mask::text(&text.text, Sight::Clear),
            created_at: text.created_at,
            created_by: text.created_by,
        }
    }
}

impl ContactView {
    fn of(contact: &Contact, sight: Sight) -> Self {
        let data = &contact.data;
        let (verified_at, verified_by) = contact.verified.clone().unzip();
        Self {
            id: Some(contact.id.0.clone()),
            role: data.role.clone(),
            title: data.title,
            name: masked(data.name.as_ref(), sight, mask::name),
            phone: masked(data.phone.as_ref(), sight, mask::phone),
            email: masked(data.email.as_ref(), sight, mask::email),
            address: masked(data.address.as_ref(), sight, mask::text),
            im_handle: masked(data.im_handle.as_ref(), sight, mask::text),
            preferred_channel: data.preferred_channel,
            consent: data.consent,
            language: data.language.map(Language::tag),
            verified_at,
            verified_by,
        }
    }
}

impl AssetView {
    fn of(asset: &Asset, sight: Sight) -> Self {
        let data = &asset.data;
        Self {
            id: asset.id.clone(),
            kind: data.kind,
            element: data.element.clone(),
            company_supplied: data.company_supplied,
            model: data.model.clone(),
            serial: masked(data.serial.as_ref(), sight, mask::text),
            bought_on: data.bought_on,
            warranty_until: data.warranty_until,
            meets_standard: data.meets_standard,
        }
    }
}

impl CustomerView {
    /// A registered one.
    #[must_use]
    pub fn of(customer: &Customer, sight: Sight) -> Self {
        let data = &customer.data;
        Self {
            id: Some(customer.id.0.clone()),
            registered: true,
            version: Some(customer.version),
            masked: sight == Sight::Masked,
            kind: data.kind,
            name: masked(data.name.as_ref(), sight, mask::name),
            inventory_name: data.inventory_name.clone(),
            segment: data.segment.clone(),
            key_account: data.key_account,
            privacy_class: data.privacy_class,
            started_on: data.started_on,
            note: masked(data.note.as_ref(), sight, mask::text),
            contacts: customer.contacts.iter().map(|contact| ContactView::of(contact, sight)).collect(),
            assets: customer.assets.iter().map(|asset| AssetView::of(asset, sight)).collect(),
            tickets: None,
            created_at: Some(customer.created_at),
            created_by: Some(customer.created_by.clone()),
            updated_at: Some(customer.updated_at),
            erased_at: customer.erased_at,
        }
    }

    /// One who stands in `linesman.toml` only. His contacts are free words: how many there are is shown.
    #[must_use]
    pub fn of_element(element: &Element) -> Self {
        let contact = |_: &String| ContactView {
            id: None,
            role: None,
            title: None,
            name: Some("***".to_owned()),
            phone: None,
            email: None,
            address: None,
            im_handle: None,
            preferred_channel: None,
            consent: Consent::NotAsked,
            language: None,
            verified_at: None,
            verified_by: None,
        };
        Self {
            id: None,
            registered: false,
            version: None,
            masked: true,
            kind: CustomerKind::Existing,
            name: None,
            inventory_name: Some(element.name.clone()),
            segment: None,
            key_account: element.facts.key_account,
            privacy_class: PrivacyClass::Normal,
            started_on: None,
            note: None,
            contacts: element.facts.contacts.iter().map(contact).collect(),
            assets: Vec::new(),
            tickets: None,
            created_at: None,
            created_by: None,
            updated_at: None,
            erased_at: None,
        }
    }

    /// With his tickets.
    #[must_use]
    pub fn with_tickets(mut self, tickets: Vec<CustomerTicket>) -> Self {
        let views = tickets.into_iter().map(|ticket| CustomerTicketView {
            id: ticket.id,
            state: ticket.state,
            open: ticket.is_open,
            owner: ticket.owner,
        });
        self.tickets = Some(views.collect());
        self
    }
}
