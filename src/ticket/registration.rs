//! What is asked of whoever registers a ticket, and what of it is kept where (R25 to R28, R43, R124).
//!
//! Names, telephone numbers and addresses are not here: a ticket names a customer and a contact by opaque
//! identities. What people say in their own words is a [`TicketText`]: kept in a table of its own, so that it can
//! be erased, while the event log holds its SHA-256.

use chrono::{DateTime, NaiveDate, Utc};
use linesman_deadlines::policy::{Caller, Level, Urgency};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::chain::hex;

/// Names of an enum in snake case, with all of them listed.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in outputs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The one of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}
pub(crate) use named;

named! {
    /// The way on which something came in (R25, R26).
    Channel {
        /// By telephone.
        Phone = "phone",
        /// In an online chat.
        OnlineService = "online_service",
        /// By the official account of a messenger.
        OfficialAccount = "official_account",
        /// The customer came in person to complain: an escalated complaint (R34).
        WalkIn = "walk_in",
        /// By e-mail.
        Email = "email",
        /// In social media.
        SocialMedia = "social_media",
        /// By letter.
        Letter = "letter",
        /// By a form on the web.
        WebForm = "web_form",
        /// By the app.
        App = "app",
        /// On a message board.
        MessageBoard = "message_board",
        /// By the complaint mailbox.
        ComplaintMailbox = "complaint_mailbox",
        /// In a shop.
        Shop = "shop",
        /// At an office.
        OfficeVisit = "office_visit",
        /// Face to face elsewhere.
        FaceToFace = "face_to_face",
        /// From the call centre, which could not solve it (R34).
        CallCentre = "call_centre",
        /// Referred by the regulator (R34).
        Regulator = "regulator",
        /// From the consumer association (R34).
        ConsumerAssociation = "consumer_association",
        /// A repair was booked (R26).
        RepairBooking = "repair_booking",
        /// Made by Linesman, as a follow-up is.
        Automatic = "automatic",
    }
}

impl Channel {
    /// Whether the identification standard makes an escalated complaint of what comes this way (R34).
    #[must_use]
    pub const fn is_escalated(self) -> bool {
        matches!(self, Self::WalkIn | Self::CallCentre | Self::Regulator | Self::ConsumerAssociation)
    }

    /// Whether whoever took it in spoke to the customer on the telephone (R30).
    #[must_use]
    pub const fn is_telephone(self) -> bool {
        matches!(self, Self::Phone | Self::CallCentre)
    }

    /// The lowest level that a complaint from here may have (R54, mission section 9).
    #[must_use]
    pub const fn least_level(self) -> Level {
        match self {
            Self::Regulator | Self::ConsumerAssociation => Level::Red,
            Self::WalkIn | Self::CallCentre => Level::Orange,
            _ => Level::Blue,
        }
    }
}

named! {
    /// Whether the product is under warranty (R27).
    Warranty {
        /// It is.
        In = "in",
        /// It is not any more.
        Out = "out",
        /// Nobody knows.
        Unknown = "unknown",
    }
}

named! {
    /// What a complaint is about (R124).
    Nature {
        /// The product.
        Product = "product",
        /// The service.
        Service = "service",
        /// The price.
        Price = "price",
        /// Logistics.
        Logistics = "logistics",
        /// After-sales service.
        AfterSales = "after_sales",
    }
}

/// Whose ticket it is, by identities that tell nothing of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerRef {
    /// The customer.
    #[schema(max_length = 64)]
    pub customer: String,
    /// Whom to speak to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub contact: Option<String>,
}

/// A case that the regulator referred to us, with a number and a date of its own (mission section 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Referral {
    /// Number of the case.
    #[schema(max_length = 100)]
    pub case: String,
    /// By when the regulator wants its answer.
    pub due_at: DateTime<Utc>,
}

/// What was registered (R26 to R28, R43), without words that could tell of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Registration {
    /// The way on which it came in.
    pub channel: Channel,
    /// Whose it is; unknown callers have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerRef>,
    /// Who asks (R10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub caller: Option<Caller>,
    /// What of the network he uses, by its name in the inventory: a customer, gateway, access line or trunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// When his contact came in; the clock of R67 runs from here.
    pub received_at: DateTime<Utc>,
    /// How urgent he says it is (R50).
    #[schema(value_type = String)]
    pub urgency: Urgency,
    /// By when he expects it solved (R27).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_by: Option<DateTime<Utc>>,
    /// What a complaint is about (R124).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nature: Option<Nature>,
    /// Model of the product (R27).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_model: Option<String>,
    /// When it was bought (R27).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchased_on: Option<NaiveDate>,
    /// Whether it is under warranty (R27).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warranty: Option<Warranty>,
    /// The regulator's case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral: Option<Referral>,
    /// Tags of the second level (R49).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The data were read back to the customer (R32).
    #[serde(default)]
    pub read_back: bool,
    /// SHA-256 of his words, which are kept apart.
    pub text_sha256: String,
}

impl Registration {
    /// What Linesman registers by itself; nobody called. The hash of the words comes with registering.
    #[must_use]
    pub const fn automatic(received_at: DateTime<Utc>, urgency: Urgency) -> Self {
        Self {
            channel: Channel::Automatic,
            customer: None,
            caller: None,
            element: None,
            received_at,
            urgency,
            expected_by: None,
            nature: None,
            product_model: None,
            purchased_on: None,
            warranty: None,
            referral: None,
            tags: Vec::new(),
            read_back: false,
            text_sha256: String::new(),
        }
    }
}

/// What people said in their own words; the only part of a ticket that may name a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketText {
    /// What it is about (R27, R28).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 10000)]
    pub description: String,
    /// The symptom (R27).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 10000)]
    pub symptom: String,
    /// How often it happens (R27).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 10000)]
    pub frequency: String,
    /// What he has tried already (R27).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 10000)]
    pub tried: String,
    /// Where it happened (R28).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 10000)]
    pub place: String,
    /// Who is involved (R28).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 10000)]
    pub persons: String,
    /// Chance, so that nobody can guess erased words from their hash.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub salt: String,
}

impl TicketText {
    /// Only a description.
    #[must_use]
    pub fn of(description: &str) -> Self {
        Self { description: description.to_owned(), ..Self::default() }
    }

    /// Its words, field by field.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("description", &self.description),
            ("symptom", &self.symptom),
            ("frequency", &self.frequency),
            ("tried", &self.tried),
            ("place", &self.place),
            ("persons", &self.persons),
        ]
    }

    /// SHA-256 over every field with its length before it, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for field in self.fields().map(|(_, words)| words).into_iter().chain([self.salt.as_str()]) {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        hex(&hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_wander_from_field_to_field_or_get_another_salt_are_other_words() {
        let text = TicketText { description: "ab".into(), symptom: "c".into(), ..TicketText::default() };
        let wandered = TicketText { description: "a".into(), symptom: "bc".into(), ..TicketText::default() };
        let salted = TicketText { salt: "x".into(), ..text.clone() };
        assert_ne!(text.sha256(), wandered.sha256());
        assert_ne!(text.sha256(), salted.sha256());
        assert_eq!(text.sha256(), text.clone().sha256());
    }

    #[test]
    fn r34_what_comes_by_the_regulator_or_in_person_is_escalated_and_not_blue() {
        for channel in Channel::ALL {
            assert_eq!(channel.is_escalated(), channel.least_level() > Level::Blue, "{}", channel.name());
            assert_eq!(Channel::parse(channel.name()), Some(*channel));
        }
    }
}
