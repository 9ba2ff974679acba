//! What people send about customers, checked and brought into the form that is kept.
//!
//! In a PATCH a member that is absent stays as it is and `null` takes it away (RFC 7396).

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::http::error::{Flaw, Problem};
use crate::inventory::{ElementKind, Inventory};
use crate::locale::Language;
use crate::privacy::{CountryCode, Personal, normal};
use crate::settings::Settings;
use crate::store::customers::{
    AssetData, AssetKind, Channel, Consent, ContactData, CustomerData, CustomerKind, NewCustomer,
    PrivacyClass, Title,
};

/// Longest name, address or e-mail, and longest of the short words, in characters.
const LONGEST: usize = 254;
const LONGEST_WORD: usize = 100;
const LONGEST_NOTE: usize = 10_000;
/// Contacts and assets that come with a new customer.
const MOST_PARTS: usize = 50;

/// A member that may be absent, `null`, or there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Patch<T> {
    #[default]
    Absent,
    Gone,
    Is(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<T>::deserialize(deserializer)? {
            Some(value) => Self::Is(value),
            None => Self::Gone,
        })
    }
}

impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Is)
    }
}

impl<T> Patch<T> {
    /// What it makes of a value that may be absent.
    fn on(self, place: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Gone => *place = None,
            Self::Is(value) => *place = Some(value),
        }
    }

    /// What it makes of a value that must be there.
    fn on_value(self, place: &mut T, usual: T) {
        match self {
            Self::Absent => {}
            Self::Gone => *place = usual,
            Self::Is(value) => *place = value,
        }
    }
}

/// A customer to be registered, or what of one is otherwise.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerBody {
    /// Who calls; `existing` unless stated.
    #[serde(default)]
    #[schema(value_type = Option<CustomerKind>)]
    kind: Patch<CustomerKind>,
    /// Of the person or company.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    name: Patch<String>,
    /// Name of the `[[customer]]` in `linesman.toml` that he is.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    inventory_name: Patch<String>,
    /// Segment of the market.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    segment: Patch<String>,
    /// Whether faults of his go first.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    key_account: Patch<bool>,
    /// How careful to be; `normal` unless stated.
    #[serde(default)]
    #[schema(value_type = Option<PrivacyClass>)]
    privacy_class: Patch<PrivacyClass>,
    /// Since when he is a customer: a new one is followed up a month later (R78).
    #[serde(default)]
    #[schema(value_type = Option<NaiveDate>)]
    started_on: Patch<NaiveDate>,
    /// Anything else.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10000)]
    note: Patch<String>,
}

/// A new customer with what belongs to him.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomerBody {
    /// Who calls; `existing` unless stated.
    #[serde(default)]
    kind: Option<CustomerKind>,
    /// Of the person or company.
    #[schema(min_length = 1, max_length = 254)]
    name: String,
    /// Name of the `[[customer]]` in `linesman.toml` that he is.
    #[serde(default)]
    #[schema(max_length = 254)]
    inventory_name: Option<String>,
    /// Segment of the market.
    #[serde(default)]
    #[schema(max_length = 100)]
    segment: Option<String>,
    /// Whether faults of his go first.
    #[serde(default)]
    key_account: bool,
    /// How careful to be; `normal` unless stated.
    #[serde(default)]
    privacy_class: Option<PrivacyClass>,
    /// Since when he is a customer: a new one is followed up a month later (R78).
    #[serde(default)]
    started_on: Option<NaiveDate>,
    /// Anything else.
    #[serde(default)]
    #[schema(max_length = 10000)]
    note: Option<String>,
    /// Who is called.
    #[serde(default)]
    #[schema(max_items = 50)]
    contacts: Vec<ContactBody>,
    /// What he has of ours.
    #[serde(default)]
    #[schema(max_items = 50)]
    assets: Vec<AssetBody>,
}

/// A contact, or what of one is otherwise.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactBody {
    /// What he does there: technical, accounts, management.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    role: Patch<String>,
    /// Form of address.
    #[serde(default)]
    #[schema(value_type = Option<Title>)]
    title: Patch<Title>,
    /// Name.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    name: Patch<String>,
    /// Telephone number, however it is written; without a country that of `[privacy] country_code`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 64)]
    phone: Patch<String>,
    /// E-mail address.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    email: Patch<String>,
    /// Postal address.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    address: Patch<String>,
    /// Handle in a messenger, as `wechat:…`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    im_handle: Patch<String>,
    /// How he wants to be reached.
    #[serde(default)]
    #[schema(value_type = Option<Channel>)]
    preferred_channel: Patch<Channel>,
    /// What he agreed to; `not_asked` unless stated.
    #[serde(default)]
    #[schema(value_type = Option<Consent>)]
    consent: Patch<Consent>,
    /// In which language he is written to: `en` or `zh-CN`; that of the channel unless stated.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    language: Patch<Language>,
}

/// Something that a customer has, or what of it is otherwise.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetBody {
    /// What it is; `other` unless stated.
    #[serde(default)]
    #[schema(value_type = Option<AssetKind>)]
    kind: Patch<AssetKind>,
    /// Its name in `linesman.toml`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    element: Patch<String>,
    /// Whether the company supplied it (R62).
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    company_supplied: Patch<bool>,
    /// Model.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    model: Patch<String>,
    /// Serial number.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    serial: Patch<String>,
    /// Bought, as `2026-03-31`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    bought_on: Patch<NaiveDate>,
    /// Last day of the warranty.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    warranty_until: Patch<NaiveDate>,
    /// Whether it meets the operator's standard.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    meets_standard: Patch<bool>,
}

/// What a body is held against, and what was found wrong in it.
pub struct Reader<'a> {
    inventory: &'a Inventory,
    country: &'a CountryCode,
    flaws: Vec<Flaw>,
}

impl<'a> Reader<'a> {
    /// With the settings in force.
    #[must_use]
    pub fn new(settings: &'a Settings) -> Self {
        Self { inventory: &settings.inventory, country: &settings.privacy.country_code, flaws: Vec::new() }
    }

    /// What was read, unless something was wrong.
    ///
    /// # Errors
    /// 422 with every flaw.
    pub fn finish<T>(self, read: T) -> Result<T, Problem> {
        if self.flaws.is_empty() { Ok(read) } else { Err(Problem::invalid(self.flaws)) }
    }

    fn sound(&mut self, pointer: &str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.flaws.push(Flaw::at(pointer, "text_length").with("most", most));
        }
        if text.contains(|character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
        {
            self.flaws.push(Flaw::at(pointer, "control"));
        }
    }

    /// Words of no person.
    fn words(&mut self, pointer: &str, patch: Patch<String>, most: usize, place: &mut Option<String>) {
        if let Patch::Is(text) = &patch {
            self.sound(pointer, text, most);
        }
        patch.on(place);
        *place = place.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    }

    fn personal(&mut self, pointer: &str, patch: Patch<String>, most: usize, place: &mut Option<Personal>) {
        match patch {
            Patch::Absent => {}
            Patch::Gone => *place = None,
            Patch::Is(text) => {
                self.sound(pointer, &text, most);
                *place = Personal::of(&text);
            }
        }
    }

    /// A number or address: in the form that it is found by, which it must have.
    fn reach(
        &mut self,
        pointer: &str,
        patch: Patch<String>,
        place: &mut Option<Personal>,
        normal: impl Fn(&str) -> Option<String>,
        flaw: &str,
    ) {
        match patch {
            Patch::Absent => {}
            Patch::Gone => *place = None,
            Patch::Is(text) if text.trim().is_empty() => *place = None,
            Patch::Is(text) => match normal(&text) {
                Some(normal) => *place = Personal::of(&normal),
                None => self.flaws.push(Flaw::at(pointer, flaw)),
            },
        }
    }

    /// A customer as the body makes him.
    #[must_use]
    pub fn customer(&mut self, body: CustomerBody, mut data: CustomerData) -> CustomerData {
        body.kind.on_value(&mut data.kind, CustomerKind::Existing);
        self.personal("/name", body.name, LONGEST, &mut data.name);
        let before = data.inventory_name.clone();
        self.words("/inventory_name", body.inventory_name, LONGEST, &mut data.inventory_name);
        self.words("/segment", body.segment, LONGEST_WORD, &mut data.segment);
        body.key_account.on_value(&mut data.key_account, false);
        body.privacy_class.on_value(&mut data.privacy_class, PrivacyClass::Normal);
        body.started_on.on(&mut data.started_on);
        self.personal("/note", body.note, LONGEST_NOTE, &mut data.note);
        if data.name.is_none() {
            self.flaws.push(Flaw::at("/name", "customer_name"));
        }
        if let Some(name) = data.inventory_name.as_ref().filter(|name| before.as_ref() != Some(name)) {
            let is_customer = self
                .inventory
                .find(name)
                .is_some_and(|it| self.inventory.element(it).kind == ElementKind::Customer);
            if !is_customer {
                self.flaws.push(Flaw::at("/inventory_name", "unknown_customer").with("value", name));
            }
        }
        data
    }

    /// A contact as the body makes him; `at` is where he stands in it.
    #[must_use]
    pub fn contact(&mut self, at: &str, body: ContactBody, mut data: ContactData) -> ContactData {
        let country = self.country;
        self.words(&format!("{at}/role"), body.role, LONGEST_WORD, &mut data.role);
        body.title.on(&mut data.title);
        self.personal(&format!("{at}/name"), body.name, LONGEST, &mut data.name);
        let phone = |text: &str| normal::phone(text, country);
        self.reach(&format!("{at}/phone"), body.phone, &mut data.phone, phone, "phone_form");
        self.reach(&format!("{at}/email"), body.email, &mut data.email, normal::email, "email_form");
        self.personal(&format!("{at}/address"), body.address, LONGEST, &mut data.address);
        self.personal(&format!("{at}/im_handle"), body.im_handle, LONGEST_WORD, &mut data.im_handle);
        body.preferred_channel.on(&mut data.preferred_channel);
        body.consent.on_value(&mut data.consent, Consent::NotAsked);
        body.language.on(&mut data.language);
        if data.name.is_none() && data.phone.is_none() && data.email.is_none() && data.im_handle.is_none() {
            self.flaws.push(Flaw::at(at, "contact_empty"));
        }
        data
    }

    /// Something that he has, as the body makes it.
    #[must_use]
    pub fn asset(&mut self, at: &str, body: AssetBody, mut data: AssetData) -> AssetData {
        body.kind.on_value(&mut data.kind, AssetKind::Other);
        let before = data.element.clone();
        self.words(&format!("{at}/element"), body.element, LONGEST, &mut data.element);
        body.company_supplied.on_value(&mut data.company_supplied, false);
        self.words(&format!("{at}/model"), body.model, LONGEST_WORD, &mut data.model);
        self.personal(&format!("{at}/serial"), body.serial, LONGEST_WORD, &mut data.serial);
        body.bought_on.on(&mut data.bought_on);
        body.warranty_until.on(&mut data.warranty_until);
        body.meets_standard.on(&mut data.meets_standard);
        if let Some(name) = data.element.as_ref().filter(|name| before.as_ref() != Some(name))
            && self.inventory.find(name).is_none()
        {
            self.flaws.push(Flaw::at(&format!("{at}/element"), "unknown_segment").with("value", name));
        }
        data
    }

    /// A new customer with his contacts and what he has.
    #[must_use]
    pub fn new_customer(&mut self, body: NewCustomerBody) -> NewCustomer {
        for (pointer, count) in [("/contacts", body.contacts.len()), ("/assets", body.assets.len())] {
            if count > MOST_PARTS {
                self.flaws.push(Flaw::at(pointer, "limit").with("most", MOST_PARTS));
            }
        }
        let customer = CustomerBody {
            kind: body.kind.into(),
            name: Patch::Is(body.name),
            inventory_name: body.inventory_name.into(),
            segment: body.segment.into(),
            key_account: Patch::Is(body.key_account),
            privacy_class: body.privacy_class.into(),
            started_on: body.started_on.into(),
            note: body.note.into(),
        };
        let data = self.customer(customer, nobody());
        let contacts = body.contacts.into_iter().take(MOST_PARTS).enumerate();
        let contacts =
            contacts.map(|(at, body)| self.contact(&format!("/contacts/{at}"), body, no_contact()));
        let contacts = contacts.collect();
        let assets = body.assets.into_iter().take(MOST_PARTS).enumerate();
        let assets = assets.map(|(at, body)| self.asset(&format!("/assets/{at}"), body, no_asset()));
        let assets = assets.collect();
        NewCustomer { data, contacts, assets }
    }
}

/// Before anything is said of him.
#[must_use]
pub fn nobody() -> CustomerData {
    CustomerData {
        kind: CustomerKind::Existing,
        name: None,
        inventory_name: None,
        segment: None,
        key_account: false,
        privacy_class: PrivacyClass::Normal,
        started_on: None,
        note: None,
    }
}

/// Before anything is said of him.
#[must_use]
pub fn no_contact() -> ContactData {
    ContactData {
        role: None,
        title: None,
        name: None,
        phone: None,
        email: None,
        address: None,
        im_handle: None,
        preferred_channel: None,
        consent: Consent::NotAsked,
        language: None,
    }
}

/// Before anything is said of it.
#[must_use]
pub fn no_asset() -> AssetData {
    AssetData {
        kind: AssetKind::Other,
        element: None,
        company_supplied: false,
        model: None,
        serial: None,
        bought_on: None,
        warranty_until: None,
        meets_standard: None,
    }
}
