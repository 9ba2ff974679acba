//! From measurements to the located cause that explains them.
//!
//! PURE: a function of one frozen [`Input`] with its own reference time. No clock, no I/O, no
//! randomness; called twice with one input it says the same. "Not measured" is a value of its
//! own here, neither healthy nor broken, and "not seen again" is not "recovered".
//!
//! [`analyse()`] goes these steps, a room each:
//! 1. [`poller`]: are *we* cut off? Then nothing is said about the network.
//! 2. [`symptom`]: each measured path in two windows: how many requests, how many answers.
//! 3. [`locate`]: the fewest elements that explain the lossy and the clean paths together.
//! 4. [`finding`], [`resources`], [`registration`], [`voice`]: verdicts become causes; some causes show
//!    otherwise than by loss.
//! 5. [`trees`]: the walk through the operator's decision trees B, C, D, answered by evidence.
//! 6. [`lifecycle`]: suspected, raised, clearing, cleared; what a new verdict does to an open fault.
//! 7. [`reason`]: the sentences: why this segment, and why not its neighbours.
//!
//! [`billing`] is the other way in: it makes a fault of class A of what a reconciliation found.
//! [`mod@cause`] names classes, causes and sides of both.

pub mod analyse;
pub mod billed;
pub mod billing;
pub mod cause;
pub mod finding;
pub mod lifecycle;
pub mod locate;
pub mod poller;
pub mod reason;
pub mod registration;
pub mod resources;
pub mod symptom;
pub mod trees;
pub mod voice;

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use linesman_probes::host::HostReading;
use linesman_probes::observation::Outcome;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inventory::{ElementKind, Inventory};
use crate::locale::Message;
use crate::settings::DiagnosisSettings;
use crate::voice::{Cohort, TrunkVoice};

pub use analyse::analyse;
pub use billing::Billing;
pub use cause::{Cause, Class, Side};

/// Perceived severity (ITU-T X.733, RFC 8632).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Not known how bad.
    Indeterminate,
    /// May become worse.
    Warning,
    /// Service is not affected yet, or for one customer only in part.
    Minor,
    /// Service is impaired.
    Major,
    /// Service is gone for many.
    Critical,
}

impl Severity {
    /// The name in outputs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Indeterminate => "indeterminate",
            Self::Warning => "warning",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

/// One round of one target as the diagnosis sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundPoint {
    /// When the round began.
    pub start: DateTime<Utc>,
    /// When it ended.
    pub end: DateTime<Utc>,
    /// How.
    pub outcome: Outcome,
    /// Requests sent.
    pub sent: u32,
    /// Answers in time.
    pub received: u32,
    /// Mean delay, ms.
    pub rtt_mean_ms: Option<f64>,
    /// Jitter, ms.
    pub jitter_ms: Option<f64>,
    /// SIP response code, HTTP status.
    pub code: Option<u16>,
    /// Host resources.
    pub host: Option<Box<HostReading>>,
}

impl RoundPoint {
    /// More than four of five requests answered: one lost packet is no relapse.
    #[must_use]
    pub fn is_mostly_answered(&self) -> bool {
        u64::from(self.received) * 5 > u64::from(self.sent) * 4
    }
}

/// What was measured of one target, oldest round first.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Place of the target in the inventory's list.
    pub target: usize,
    /// Its rounds within the longest window; shared, because most do not change between two looks.
    pub rounds: Arc<VecDeque<RoundPoint>>,
}

/// Everything a diagnosis may know, frozen.
#[derive(Debug, Clone)]
pub struct Input {
    /// Reference time: "now" for everything below.
    pub now: DateTime<Utc>,
    /// The network.
    pub inventory: Arc<Inventory>,
    /// Measurements by target.
    pub series: Vec<Series>,
    /// When anchors near the poller were asked and answered, of late, oldest first.
    pub anchor_answers: Vec<DateTime<Utc>>,
    /// What is heard from the trunks of late.
    pub voice: Vec<TrunkVoice>,
    /// Faults that were not over at the last look, as that look left them.
    pub faults: Vec<Fault>,
    /// Thresholds.
    pub settings: DiagnosisSettings,
}

/// What a look at the measurements says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Reference time of the input.
    pub at: DateTime<Utc>,
    /// Whether we can judge at all.
    pub poller: PollerState,
    /// Faults suspected, raised, clearing, and those cleared by this very look.
    pub faults: Vec<Fault>,
    /// State of every element for pages and metrics, by name.
    pub elements: Vec<ElementReport>,
}

/// Our own footing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PollerState {
    /// We measure as we should.
    Sound,
    /// We are cut off: nothing is said about the network.
    Isolated {
        /// Since when.
        since: DateTime<Utc>,
        /// How we know.
        reason: Message,
    },
    /// Nothing has been measured yet, or not lately.
    Blind {
        /// Why.
        reason: Message,
    },
}

/// How an element is, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ElementState {
    /// Measured and good.
    Ok,
    /// Measured and lossy or slow.
    Degraded,
    /// Measured and dead.
    Down,
    /// Cannot be judged because something nearer to us is at fault.
    Hidden,
    /// Not measured: neither good nor bad.
    Unknown,
}

impl ElementState {
    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Hidden => "hidden",
            Self::Unknown => "unknown",
        }
    }
}

/// State of one element with its measurement in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ElementReport {
    /// Name.
    pub element: String,
    /// Kind.
    pub kind: ElementKind,
    /// How it is.
    pub state: ElementState,
    /// Share lost in the hard window over its own targets.
    pub loss_ratio: Option<f64>,
    /// Mean delay, ms.
    pub rtt_mean_ms: Option<f64>,
    /// The fault that it has or that hides it.
    pub fault: Option<String>,
}

/// Life of a fault; each state carries only what is true then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FaultState {
    /// Seen, not yet proven: waits to be seen again.
    Suspected {
        /// Looks in a row that saw it.
        looks: u32,
    },
    /// Proven.
    Raised {
        /// Since when it counts as proven.
        at: DateTime<Utc>,
    },
    /// No more trace of it; being verified.
    Clearing {
        /// First round after its last trace.
        since: DateTime<Utc>,
        /// When it had been proven.
        raised_at: DateTime<Utc>,
        /// Good rounds in a row of the target that has fewest of them.
        good_rounds: u32,
    },
    /// Verified to be over.
    Cleared {
        /// When.
        at: DateTime<Utc>,
        /// First good round: when service came back.
        since: DateTime<Utc>,
    },
}

/// A hop on the way from us to the end of the path, with what was seen there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hop {
    /// Element.
    pub element: String,
    /// Its kind.
    pub kind: ElementKind,
    /// How it is.
    pub state: ElementState,
    /// Whether this is the segment at fault.
    pub at_fault: bool,
    /// What was measured there.
    pub evidence: Message,
}

/// A node of a decision tree as it was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TreeStep {
    /// Node, as `B6b`.
    pub node: String,
    /// The answer.
    pub answer: bool,
    /// Why.
    pub reason: Message,
}

/// The located cause that explains symptoms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Identity of the root cause: `CAUSE-FAMILY/SEGMENT`. Excludes severity, values and times.
    pub key: String,
    /// Keys it had before its location narrowed.
    pub aliases: Vec<String>,
    /// Class.
    pub class: Class,
    /// Cause.
    pub cause: Cause,
    /// Element at fault, or the party of a bill.
    pub segment: String,
    /// Its kind; none: the party of a bill, which is no element.
    #[serde(default)]
    pub segment_kind: Option<ElementKind>,
    /// Whose.
    pub side: Side,
    /// 0 to 1: how sure of cause and segment together.
    pub confidence: f64,
    /// How bad.
    pub severity: Severity,
    /// Where in its life it is.
    pub life: FaultState,
    /// First bad round that it explains.
    pub began: DateTime<Utc>,
    /// Last bad round that it explains.
    pub last_seen: DateTime<Utc>,
    /// Share lost over the paths it explains.
    pub loss_ratio: Option<f64>,
    /// Elements that it explains: bad or hidden because of it.
    pub affected_elements: Vec<String>,
    /// Customers behind it.
    pub affected_customers: Vec<String>,
    /// Targets whose recovery proves its end.
    pub targets: Vec<String>,
    /// The walk through the tree.
    pub steps: Vec<TreeStep>,
    /// One plain sentence: what is broken and where.
    pub headline: Message,
    /// Why this segment.
    pub reasons: Vec<Message>,
    /// Why not its neighbours.
    pub why_not: Vec<Message>,
    /// The path with what was seen at each hop.
    pub hops: Vec<Hop>,
    /// What a reconciliation found; of class A alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Box<Billing>>,
    /// Bad calls that were listened to: what shows it, or what it spoils.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Box<Cohort>>,
}

impl Fault {
    /// Node ids of the walk, as in contract section 6.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.steps.iter().map(|step| step.node.as_str()).collect()
    }

    /// Whether it has been proven and is not over.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.life, FaultState::Raised { .. } | FaultState::Clearing { .. })
    }
}
