//! What calls are announced by: SIP messages and the session descriptions in them, as a bystander reads them.
//!
//! A bystander is lenient: what it cannot understand it leaves out, and the rest of the message still counts.
//! The strict reader of the probes is another one (`linesman-probes`), which answers for what it sends.
//! Deliberately absent: building messages, authentication, routing.

mod framer;
mod message;
mod sdp;
#[cfg(test)]
mod tests;

pub use framer::Framer;
pub use message::{Message, Party, Start, looks_like_sip};
pub use sdp::{Direction, Media, MediaKind, Session};
