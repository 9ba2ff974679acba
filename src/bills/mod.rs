//! Bills on their way into a reconciliation: files kept before anybody is told that they are, and the
//! one engine that compares them.
//!
//! Deliberately absent: SQL (the store's), HTTP (the doors'), any decision about tickets.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`vault`] | the directory: what is coming in, what a run reads, the reports that it wrote |
//! | [`mod@submit`] | from files and fields to a run that is kept; the same content is the same run |
//! | [`period`] | which period a bill is of, where nobody says |
//! | [`failure`] | why a comparison came to nothing, in a sentence of either language |
//! | [`billed_rows`] | records beside heard calls, as a table and as a document |
//! | [`engine`] | the call of `linesman-reconcile`, blocking, on a thread of the caller's |

pub mod billed_rows;
pub mod engine;
pub mod failure;
pub mod period;
pub mod submit;
pub mod vault;

use std::sync::Arc;

use tokio::sync::Notify;

pub use engine::{Answer, Engine, Work};
pub use submit::{Draft, SubmitError, Submitted, submit};
pub use vault::{Incoming, Vault};

/// What the doors have of it.
#[derive(Clone)]
pub struct Bills {
    /// Where files are.
    pub vault: Vault,
    /// Tells the worker that a run waits.
    pub nudge: Arc<Notify>,
}
