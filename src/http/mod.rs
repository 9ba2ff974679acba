//! How people and programs reach Linesman: API, pages, live events, metrics.
//!
//! Deliberately absent: no socket of its own (the app gives it one), no decision, no SQL. Every
//! route but login, health and static assets needs a role, declared beside the route.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`mod@router`] | every route with its role; what all requests pass |
//! | [`auth`], [`login`], [`limit`] | who asks, and whether he may |
//! | [`error`], [`extract`] | problems, and what handlers take from a request |
//! | [`openapi`] | the description made of the routes |
//! | [`api`] | tickets, reconciliations, network, settings, tokens |
//! | [`page`] | overview, tickets, the ticket, elements, login: for people |
//! | [`sse`], [`probe`], [`health`] | live events, one fresh measurement, readiness |
//! | [`mod@serve`] | connections: how many, and how long one may take to say what it wants |

pub mod api;
pub mod auth;
pub mod error;
pub mod extract;
pub mod health;
pub mod limit;
pub mod login;
pub mod openapi;
pub mod page;
pub mod probe;
pub mod router;
pub mod serve;
pub mod sse;
pub mod walk;

use std::sync::Arc;

use linesman_probes::probe::ProbeFactory;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::bills::Bills;
use crate::clock::SharedClock;
use crate::live::{Live, NotifyTest, Orders};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::{Store, TicketWriter};

pub use limit::Limits;
pub use router::router;
pub use serve::serve;

/// What the handlers may use.
#[derive(Clone)]
pub struct HttpState {
    /// Reads.
    pub store: Store,
    /// Changes tickets.
    pub writer: TicketWriter,
    /// What is known now.
    pub live: Arc<Live>,
    /// What the workers are asked.
    pub orders: Orders,
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Makes probes for `/probe`.
    pub probes: Arc<dyn ProbeFactory>,
    /// Wall time.
    pub clock: SharedClock,
    /// Ends live streams when the process stops.
    pub closing: CancellationToken,
    /// Where bills come in.
    pub bills: Bills,
    /// How much of us one client may have.
    pub limits: Arc<Limits>,
    /// Tests of the channels of `[[notify]]`.
    pub notify_tests: mpsc::Sender<NotifyTest>,
}
