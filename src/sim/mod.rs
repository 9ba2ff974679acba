//! The simulated network.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`network`] | PURE: elements behind elements, what is wrong with each, what a packet meets on its way |
//! | [`random`] | PURE: a small generator, the same numbers for the same seed |
//! | `responder` | SIP and TCP peers on loopback that answer as far as the network lets them |
//! | [`carrier`] | the demo's small carrier: all of the above under 127.77.0.0/16, and its settings |
//! | [`bills`] | the bills of a carrier of last month: put where the daemon watches for them |
//! | [`desk`] | a customer who complains and the people who answer him, as clients of the API |
//! | [`story`] | what happens to it and when, and the telling of it |
//!
//! What is real: the daemon, its probes, every packet, every socket, every loss it counts. What is
//! simulated: the network between them. A cut or lossy element swallows the packets of all that
//! lies behind it, at the responder instead of on a wire.
//!
//! Deliberately absent: no verdict, no ticket, no measurement. The daemon that watches the carrier
//! is told nothing of what is done to it.

pub mod bills;
pub mod carrier;
pub mod desk;
pub mod network;
pub mod random;
mod responder;
mod settings;
pub mod story;

pub use bills::Bills;
pub use carrier::Carrier;
pub use network::UnknownElement;
