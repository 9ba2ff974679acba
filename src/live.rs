//! What is known right now, shared between the workers that learn it and the pages that show it.
//!
//! Nothing here decides or waits; what must survive a restart is in the store.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use linesman_probes::observation::Observation;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::diagnosis::{Diagnosis, Fault};
use crate::maintenance::Withheld;
use crate::ticket::event::RecordedEvent;

/// Something that an open page wants to hear of.
#[derive(Debug, Clone)]
pub enum Change {
    /// An event of a ticket, committed.
    Ticket(Arc<RecordedEvent>),
    /// A new look at the measurements, stored under this generation.
    Diagnosis(i64),
    /// The settings were reloaded.
    Settings,
}

/// What the pages and the API ask of the workers.
#[derive(Debug)]
pub enum Order {
    /// Measure these targets at once, whatever their interval says.
    Remeasure(Vec<String>),
    /// Read the settings again; the answer lists every mistake, and then nothing changed.
    Reload(oneshot::Sender<Result<(), Vec<String>>>),
}

/// A channel of `[[notify]]` is to send a test, now.
#[derive(Debug)]
pub struct NotifyTest {
    /// Its name.
    pub channel: String,
    /// Who asks.
    pub by: String,
    /// What came of it; `None`: there is no such channel.
    pub reply: oneshot::Sender<Option<NotifyTested>>,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct NotifyTested {
    /// Whether the receiver took it.
    pub delivered: bool,
    /// What the receiver said, or why it could not be reached.
    pub answer: String,
}

/// Channel to the workers; bounded, and a full one is an answer, not a wait.
pub type Orders = mpsc::Sender<Order>;

/// The live picture.
#[derive(Debug)]
pub struct Live {
    diagnosis: RwLock<Option<(i64, Arc<Diagnosis>)>>,
    latest: RwLock<BTreeMap<String, Arc<Observation>>>,
    bills: RwLock<BTreeMap<String, (String, Arc<Fault>)>>,
    withheld: RwLock<Arc<Vec<Withheld>>>,
    changes: broadcast::Sender<Change>,
}

impl Default for Live {
    fn default() -> Self {
        // A page that lags by more than this is told to read everything again.
        const BACKLOG: usize = 1024;
        Self {
            diagnosis: RwLock::default(),
            latest: RwLock::default(),
            bills: RwLock::default(),
            withheld: RwLock::default(),
            changes: broadcast::Sender::new(BACKLOG),
        }
    }
}

impl Live {
    /// The newest look at the measurements, with its generation.
    #[must_use]
    pub fn diagnosis(&self) -> Option<(i64, Arc<Diagnosis>)> {
        self.diagnosis.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces it and tells everybody.
    pub fn set_diagnosis(&self, generation: i64, diagnosis: Arc<Diagnosis>) {
        *self.diagnosis.write().unwrap_or_else(PoisonError::into_inner) = Some((generation, diagnosis));
        self.tell(Change::Diagnosis(generation));
    }

    /// The newest observation of a target.
    #[must_use]
    pub fn latest(&self, target: &str) -> Option<Arc<Observation>> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).get(target).cloned()
    }

    /// Keeps an observation as the newest of its target.
    pub fn observe(&self, observation: Arc<Observation>) {
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        latest.insert(observation.target.clone(), observation);
    }

    /// Faults of bills that still have to be brought before the tickets, each with its run.
    #[must_use]
    pub fn bills(&self) -> Vec<(String, Arc<Fault>)> {
        self.bills.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A run has ended: the newest of a bill takes the place of the one before, which is returned.
    pub fn set_bill(&self, run: String, fault: Fault) -> Option<(String, Arc<Fault>)> {
        let mut bills = self.bills.write().unwrap_or_else(PoisonError::into_inner);
        bills.insert(fault.key.clone(), (run, Arc::new(fault)))
    }

    /// The tickets fit this fault of a bill, unless a newer one has come meanwhile.
    pub fn bill_planned(&self, fault: &Arc<Fault>) {
        let mut bills = self.bills.write().unwrap_or_else(PoisonError::into_inner);
        if bills.get(&fault.key).is_some_and(|(_, known)| Arc::ptr_eq(known, fault)) {
            bills.remove(&fault.key);
        }
    }

    /// Faults that wait for the end of announced work.
    #[must_use]
    pub fn withheld(&self) -> Arc<Vec<Withheld>> {
        self.withheld.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces them.
    pub fn set_withheld(&self, withheld: Vec<Withheld>) {
        *self.withheld.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(withheld);
    }

    /// Forgets targets that are no longer measured.
    pub fn keep_targets(&self, keep: impl Fn(&str) -> bool) {
        self.latest.write().unwrap_or_else(PoisonError::into_inner).retain(|target, _| keep(target));
    }

    /// From now on, every change.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Tells everybody who listens.
    pub fn tell(&self, change: Change) {
        // Nobody listening is the ordinary case.
        let _ = self.changes.send(change);
    }
}
