//! The loops between measuring and deciding: read, call a pure function, write.
//!
//! Each takes no arguments while it runs, may be nudged, runs anyway on a timer, and shows when
//! it last succeeded. No business rules here.
//!
//! | loop | does |
//! | --- | --- |
//! | [`measure`] | calls probes when they are due, paced |
//! | [`record`] | keeps observations: live picture, metrics, store |
//! | [`analyse`] | freezes what was measured, has it diagnosed |
//! | [`rendezvous`] | makes the tickets that the diagnosis wants |
//! | [`clocks`] | lets deadlines and promises that have come due ask for their thing, once |
//! | [`waiting`] | tells tickets what the end of a fault or of announced work means for their customer |
//! | [`reconcile`] | has bills compared, one run at a time |
//! | [`notify`] | takes events out of the outbox and tells whoever is to be told |
//! | [`intake`] | takes bills out of the watched folder |
//! | [`months`] | freezes the figures of each month that is over |
//! | [`outage`] | links complaints to what explains them, declares outages |
//! | [`learn`] | drafts an article of every solved ticket of B, C or D |
//! | [`retain`] | rolls up and forgets old measurements |
//! | [`routes`] | sends what was ordered about lines, and notes the answer |
//! | [`book`] | no loop: keeps tickets and diagnoses in memory, for simulated time |
//! | [`upkeep`] | asks the database whether it is there, shows the queues |
//! | [`voice`] | listens to voice: places it, counts it, keeps calls |
//! | [`reload`] | takes new settings on SIGHUP or by API |
//! | `every` | no loop: when a loop looks next |

pub mod analyse;
mod answer;
mod billed;
pub mod book;
pub mod clocks;
mod every;
pub mod intake;
pub mod keeper;
pub mod learn;
pub mod measure;
pub mod months;
pub mod notify;
pub mod outage;
pub mod recent;
pub mod reconcile;
pub mod record;
pub mod reload;
pub mod rendezvous;
pub mod retain;
pub mod routes;
pub mod upkeep;
pub mod voice;
pub mod waiting;

pub use book::Book;
pub use keeper::{Keeper, StoreKeeper};
pub use recent::Recent;
