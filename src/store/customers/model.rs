//! Customers as the store speaks of them: in clear, so none of these types is serialised or printed.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::locale::Language;
use crate::privacy::Personal;

/// Which customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct CustomerId(pub String);

/// Which contact of a customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ContactId(pub String);

impl std::fmt::Display for CustomerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for ContactId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares an enum with its names in the database and in outputs.
macro_rules! named {
    ($($(#[$doc:meta])+ $name:ident { $($(#[$variant_doc:meta])+ $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])+ $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the database and in outputs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The one of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    )+};
}

named! {
    /// Who calls (R10).
    CustomerKind {
        /// Has a contract.
        Existing = "existing",
        /// May become a customer.
        Prospect = "prospect",
        /// Somebody for somebody else: a carrier, an authority, an association.
        ThirdParty = "third_party",
        /// Identity in doubt: a competitor, somebody after secrets, a prankster.
        Doubtful = "doubtful",
        /// Somebody who looks for help on the net.
        HelpSeeker = "help_seeker",
        /// Not known yet.
        Unknown = "unknown",
    }
    /// How careful to be (R111).
    PrivacyClass {
        /// As with everybody: masked where a role does not need it.
        Normal = "normal",
        /// In clear for the NOC and above only, own ticket or not.
        Restricted = "restricted",
    }
    /// Form of address (R27).
    Title {
        /// Mr, 先生.
        Mr = "mr",
        /// Ms, 女士.
        Ms = "ms",
        /// Without.
        Neutral = "neutral",
    }
    /// How somebody wants to be reached.
    Channel {
        /// Call.
        Phone = "phone",
        /// Text message.
        Sms = "sms",
        /// E-mail.
        Email = "email",
        /// WeChat or another messenger: the handle says which.
        Im = "im",
        /// Letter.
        Letter = "letter",
        /// Face to face.
        Visit = "visit",
    }
    /// What the person agreed to (R111).
    Consent {
        /// Nobody asked yet: data is for the service at hand only.
        NotAsked = "not_asked",
        /// For service.
        Service = "service",
        /// For service and for being asked about it.
        ServiceAndSurvey = "service_and_survey",
        /// Taken back.
        Withdrawn = "withdrawn",
    }
    /// What a customer has of ours (R27, R43).
    AssetKind {
        /// A trunk.
        Trunk = "trunk",
        /// A gateway.
        Gateway = "gateway",
        /// An access line.
        Line = "line",
        /// An account.
        Account = "account",
        /// Anything else.
        Other = "other",
    }
    /// What a kept text of a person is.
    TextKind {
        /// What he complains of or asks, in his words (R27, R28).
        Description = "description",
        /// Persons involved, place, time as he told them (R28).
        Circumstances = "circumstances",
        /// What was said in a call or written.
        Conversation = "conversation",
        /// What he wants (R96).
        Wish = "wish",
        /// A note about him.
        Note = "note",
    }
}

/// What people say of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerData {
    /// Who calls.
    pub kind: CustomerKind,
    /// Of the person or company; empty only once it was erased.
    pub name: Option<Personal>,
    /// Name of the `[[customer]]` in `linesman.toml` that he is.
    pub inventory_name: Option<String>,
    /// Segment of the market, in the operator's words.
    pub segment: Option<String>,
    /// Whether faults of his go first.
    pub key_account: bool,
    /// How careful to be.
    pub privacy_class: PrivacyClass,
    /// Since when he is a customer; a new one is followed up a month later (R78), unknown is not new.
    pub started_on: Option<NaiveDate>,
    /// Anything else.
    pub note: Option<Personal>,
}

/// What people say of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactData {
    /// What he does there: technical, accounts, management.
    pub role: Option<String>,
    /// Form of address.
    pub title: Option<Title>,
    /// Name.
    pub name: Option<Personal>,
    /// Telephone number in its normal form.
    pub phone: Option<Personal>,
    /// E-mail address.
    pub email: Option<Personal>,
    /// Postal address.
    pub address: Option<Personal>,
    /// Handle in a messenger, as `wechat:…`.
    pub im_handle: Option<Personal>,
    /// How he wants to be reached.
    pub preferred_channel: Option<Channel>,
    /// What he agreed to.
    pub consent: Consent,
    /// In which language he is written to; that of the channel unless stated.
    pub language: Option<Language>,
}

/// A person who is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Identity.
    pub id: ContactId,
    /// What is known.
    pub data: ContactData,
    /// When and by whom the data was confirmed with the person (R32); gone when it changes.
    pub verified: Option<(DateTime<Utc>, String)>,
    /// Made.
    pub created_at: DateTime<Utc>,
}

/// What people say of something that a customer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetData {
    /// What it is.
    pub kind: AssetKind,
    /// Its name in `linesman.toml`, where it is measured.
    pub element: Option<String>,
    /// Whether the company supplied it (R62).
    pub company_supplied: bool,
    /// Model.
    pub model: Option<String>,
    /// Serial number: it leads to a person, so it is sealed too.
    pub serial: Option<Personal>,
    /// Bought.
    pub bought_on: Option<NaiveDate>,
    /// Last day of the warranty.
    pub warranty_until: Option<NaiveDate>,
    /// Whether it meets the operator's standard; unknown unless stated.
    pub meets_standard: Option<bool>,
}

/// Something that a customer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Identity.
    pub id: String,
    /// What is known.
    pub data: AssetData,
    /// Made.
    pub created_at: DateTime<Utc>,
}

/// A customer with his contacts and what he has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Identity.
    pub id: CustomerId,
    /// Counts changes of him, his contacts and what he has.
    pub version: i64,
    /// What is known.
    pub data: CustomerData,
    /// Made.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: String,
    /// Changed.
    pub updated_at: DateTime<Utc>,
    /// Since when nothing about the person is kept.
    pub erased_at: Option<DateTime<Utc>>,
    /// Oldest first.
    pub contacts: Vec<Contact>,
    /// Oldest first.
    pub assets: Vec<Asset>,
}

impl Customer {
    /// What of the network carries his calls: what he is in `linesman.toml`, and what he has.
    #[must_use]
    pub fn elements(&self) -> Vec<String> {
        let has = self.assets.iter().filter_map(|asset| asset.data.element.clone());
        self.data.inventory_name.iter().cloned().chain(has).collect()
    }
}

/// What can be changed about a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerChange {
    /// The customer himself.
    Edit(Box<CustomerData>),
    /// One more contact.
    AddContact(Box<ContactData>),
    /// A contact is otherwise.
    EditContact(ContactId, Box<ContactData>),
    /// A contact goes.
    RemoveContact(ContactId),
    /// The data of a contact was confirmed with the person (R32).
    VerifyContact(ContactId),
    /// One more thing.
    AddAsset(Box<AssetData>),
    /// A thing is otherwise.
    EditAsset(String, Box<AssetData>),
    /// A thing goes.
    RemoveAsset(String),
}

/// Where a customer is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// His e-mail address.
    pub email: Option<Personal>,
    /// His telephone number.
    pub phone: Option<Personal>,
    /// His handle in a messenger.
    pub im_handle: Option<Personal>,
    /// His language, if he said.
    pub language: Option<Language>,
}

/// How a customer is looked for; everything stated must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lookup {
    /// Telephone number in its normal form.
    pub phone: Option<String>,
    /// E-mail address in its normal form.
    pub email: Option<String>,
    /// Words of a name, his or that of a contact.
    pub name: Option<String>,
    /// Name in `linesman.toml`.
    pub inventory_name: Option<String>,
}

impl Lookup {
    /// Whether nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A text of a person, in his words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptText {
    /// Identity: what an event refers to.
    pub id: String,
    /// Whose.
    pub customer: CustomerId,
    /// Of which ticket.
    pub ticket: Option<String>,
    /// What it is.
    pub kind: TextKind,
    /// The words.
    pub text: Personal,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who wrote it down.
    pub created_by: String,
}

/// A ticket of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerTicket {
    /// Its identity.
    pub id: String,
    /// Its state.
    pub state: String,
    /// Who has it.
    pub owner: Option<String>,
    /// Whether it is worked on.
    pub is_open: bool,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// What happened to personal data, as kept in its chain.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PrivacyEvent {
    /// Place in the chain, from 1.
    pub seq: i64,
    /// Whose data.
    pub customer: CustomerId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What.
    pub action: PrivacyAction,
    /// SHA-256 over the event before and this one, hexadecimal.
    pub hash: String,
}

/// What can happen to personal data. Holds no personal data itself: the trail outlives the person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum PrivacyAction {
    /// A customer was registered.
    Created {
        /// His contacts.
        contacts: usize,
    },
    /// Something was changed.
    Changed {
        /// Names of what changed, as `contact.phone`.
        fields: Vec<String>,
    },
    /// The data of a contact was confirmed with the person.
    Verified {
        /// Which contact.
        contact: ContactId,
    },
    /// Read in clear.
    Read {
        /// For which purpose, as `api`.
        purpose: String,
    },
    /// Everything kept about the person was taken out.
    Exported {
        /// Why.
        reason: String,
    },
    /// Everything about the person was deleted.
    Erased {
        /// Why.
        reason: String,
        /// Whether in spite of an open ticket or evidence of a bill.
        forced: bool,
        /// How many contacts.
        contacts: usize,
        /// How many texts.
        texts: usize,
        /// How many calls that were listened to.
        #[serde(default)]
        calls: usize,
        /// How many recordings of calls and drawn signatures.
        #[serde(default)]
        files: usize,
    },
}
