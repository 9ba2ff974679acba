//! Customers, their contacts and what they have of ours; what they said; who looked at it.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`model`] | customers in clear, as everybody else speaks of them |
//! | `row` | rows: sealed on the way in, opened on the way out |
//! | `read` | reading, looking up, tickets of a customer |
//! | `write` | registering, changing, linking a ticket, keeping what was said |
//! | `parts` | the rows that writing writes |
//! | `caller` | who calls: looked up, registered with his ticket |
//! | `erase` | erasing a person, on request or when his time is over |
//! | `audit` | the chained trail of who read and did what |
//! | `words` | what was said for a ticket, sealed, apart from the chain |
//! | `keys` | which keys the database was written with; sealing anew with a newer one |
//!
//! Deliberately absent: who may see what. Whoever shows a customer decides that, and masks.

mod audit;
mod caller;
mod erase;
mod keys;
pub mod model;
mod parts;
mod read;
mod row;
mod words;
mod write;

pub use audit::PrivacyTrail;
pub use caller::{Caller, CallerData, Registered};
pub use erase::{Erased, Erasure};
pub use model::{
    Asset, AssetData, AssetKind, Channel, Consent, Contact, ContactData, ContactId, Customer, CustomerChange,
    CustomerData, CustomerId, CustomerKind, CustomerTicket, KeptText, Lookup, PrivacyAction, PrivacyClass,
    PrivacyEvent, Recipient, TextKind, Title,
};
pub use write::{CustomerError, NewCustomer};
// For whoever registers a ticket in a transaction of its own.
pub(in crate::store) use words::keep_words;
pub(in crate::store) use write::{has_contact, link_ticket, version_of};

/// Every constant statement, for the test that both databases take each of them.
pub(in crate::store) const STATEMENTS: &[&str] = &[
    audit::PRIVACY_HEAD,
    audit::INSERT_PRIVACY_EVENT,
    audit::PRIVACY_EVENTS_AFTER,
    audit::PRIVACY_EVENTS_OF,
    keys::SEALED_ROWS,
    read::TEXTS_OF_CUSTOMER,
    read::TEXTS_OF_TICKET,
    read::TICKETS_OF_CUSTOMER,
    read::CUSTOMERS_OF_TICKET,
    read::OWNS_A_TICKET_OF,
    write::INSERT_CUSTOMER,
    write::UPDATE_CUSTOMER,
    write::TOUCH_CUSTOMER,
    write::VERSION_OF_CUSTOMER,
    write::CUSTOMER_OF_INVENTORY,
    write::INSERT_CONTACT,
    write::UPDATE_CONTACT,
    write::VERIFY_CONTACT,
    write::DELETE_CONTACT,
    write::INSERT_ASSET,
    write::UPDATE_ASSET,
    write::DELETE_ASSET,
    write::FORGET_WORDS,
    write::INSERT_WORD,
    write::LINK_TICKET,
    write::INSERT_TEXT,
    write::CONTACT_OF_CUSTOMER,
    words::INSERT_WORDS,
    words::WORDS,
    words::DELETE_WORDS,
    words::WORDS_IN_CLEAR,
    words::SEAL_WORDS,
    erase::OPEN_TICKETS_OF_CUSTOMER,
    erase::RUNS_OF_CUSTOMER,
    erase::ERASE_CUSTOMER,
    erase::ERASE_CONTACTS,
    erase::ERASE_TEXTS,
    erase::ERASE_WORDS,
    erase::ERASE_FILES,
    erase::FORGET_REQUESTS,
    erase::ERASE_ASSETS,
    erase::ERASE_LINKS,
    erase::ERASE_CALLS,
    erase::FORGET_CALLING,
    erase::FORGET_CALLED,
    erase::EXPIRED_CUSTOMERS,
];
