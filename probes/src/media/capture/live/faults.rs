//! What went wrong with our own measuring, and when.

use serde::Serialize;

use crate::capture::report::rfc3339;
use crate::capture::streams::Outage;

/// Faults kept; a capture with more of them is worthless anyway, and says how many there were.
const MOST: usize = 10_000;
/// Faults of one kind that are no further apart are one.
const TOGETHER: i64 = 2_000_000_000;
/// How far a fault reaches beyond what is known of it: counters are read from time to time.
const MARGIN: i64 = 100_000_000;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The kernel had no room for packets because we did not read them in time.
    KernelDrops,
    /// Nearly all streams missed packets at once, whoever sends and receives them: the tap or mirror lost them.
    SimultaneousGaps,
    /// The clock of this host was set.
    ClockStep,
    /// The interface went down.
    InterfaceDown,
    /// A sender of mirrored packets or reports lost some on the way to us.
    FeedLoss,
}

impl FaultKind {
    /// Its name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KernelDrops => "kernel_drops",
            Self::SimultaneousGaps => "simultaneous_gaps",
            Self::ClockStep => "clock_step",
            Self::InterfaceDown => "interface_down",
            Self::FeedLoss => "feed_loss",
        }
    }
}

/// One time in which we did not measure well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// Begin.
    #[serde(serialize_with = "instant")]
    pub from: i64,
    /// End.
    #[serde(serialize_with = "instant")]
    pub until: i64,
    /// How much: packets, streams or milliseconds, by kind.
    pub amount: u64,
}

fn instant<S: serde::Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

impl Fault {
    /// A fault of this kind.
    #[must_use]
    pub const fn new(kind: FaultKind, from: i64, until: i64, amount: u64) -> Self {
        Self { kind, from, until, amount }
    }

    pub(super) fn of_outage(outage: &Outage) -> Self {
        Self::new(FaultKind::SimultaneousGaps, outage.from, outage.until, outage.streams as u64)
    }

    /// As a sentence's part.
    #[must_use]
    pub fn evidence(&self) -> String {
        let amount = self.amount;
        match self.kind {
            FaultKind::KernelDrops => {
                format!("the kernel dropped {amount} packets that we did not read in time")
            }
            FaultKind::SimultaneousGaps => {
                format!("{amount} unrelated streams missed packets at the same moment")
            }
            FaultKind::ClockStep => format!("the clock of this host was set by {amount} ms"),
            FaultKind::InterfaceDown => "the interface went down".to_owned(),
            FaultKind::FeedLoss => format!("{amount} packets of the feed to us were lost"),
        }
    }
}

/// All of them, in order.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    faults: Vec<Fault>,
    /// Faults beyond the bound.
    pub left_out: u64,
}

impl Ledger {
    /// Writes one down; what goes on from the one before is added to it.
    pub fn note(&mut self, fault: Fault) {
        if let Some(last) = self.faults.iter_mut().rev().find(|known| known.kind == fault.kind)
            && fault.from <= last.until.saturating_add(TOGETHER)
        {
            last.from = last.from.min(fault.from);
            last.until = last.until.max(fault.until);
            last.amount = match fault.kind {
                FaultKind::SimultaneousGaps => last.amount.max(fault.amount),
                _ => last.amount.saturating_add(fault.amount),
            };
        } else if self.faults.len() < MOST {
            self.faults.push(fault);
        } else {
            self.left_out += 1;
        }
    }

    /// All.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Forgets those that ended before a time: nothing that is still to come was in them.
    pub fn forget(&mut self, before: i64) {
        self.faults.retain(|fault| fault.until >= before);
    }

    /// Those that touch a time.
    pub fn during(&self, from: i64, until: i64) -> impl Iterator<Item = &Fault> {
        let touches = move |fault: &&Fault| {
            fault.from.saturating_sub(MARGIN) <= until && fault.until.saturating_add(MARGIN) >= from
        };
        self.faults.iter().filter(touches)
    }
}
