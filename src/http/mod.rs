//! How people and programs reach Linesman: API, pages, live events, metrics.
//!
//! Deliberately absent: no socket of its own (the app gives it one), no decision, no SQL. Every
//! route but login, health and static assets needs a role, declared beside the route.

pub mod page;

use std::sync::Arc;

use linesman_probes::probe::ProbeFactory;
use tokio::sync::watch;

use crate::clock::SharedClock;
use crate::live::{Live, Orders};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::{Store, TicketWriter};

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
}
