//! SIP messages, and OPTIONS as a measurement (RFC 3261).
//!
//! | file | what it holds |
//! | --- | --- |
//! | [`message`] | a message: start line, headers, body; building and answering |
//! | [`parse`](Message::parse) | a total, bounded reader of bytes that strangers sent |
//! | [`frame`] | messages out of a stream (RFC 3261 section 18.3) |
//! | [`code`] | what a status code says of the peer's life and of a registration |
//! | [`options`] | the probe: OPTIONS over UDP and TCP |
//! | [`call`] | test calls: INVITE, a real RTP train both ways, BYE; and the end that answers them |
//!
//! Deliberately absent: TLS, DNS lookup of peers (RFC 3263). A probe asks one address that the inventory
//! names, so they could not be used honestly here.

pub mod call;
pub mod code;
mod error;
pub mod frame;
mod ledger;
pub mod message;
pub mod options;
mod parse;
#[cfg(test)]
mod probe_tests;
mod tcp;
#[cfg(test)]
mod torture_tests;
mod udp;

pub use code::{Aliveness, RegistrationState, aliveness, registration_state};
pub use error::SipError;
pub use frame::StreamFramer;
pub use message::{Header, Message, Request, Response, StartLine, respond_to};
pub use options::SipProbe;
