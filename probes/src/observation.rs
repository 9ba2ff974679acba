//! What a probe says: its outcome, its burst of packets, what the peer answered.
//!
//! Silence is an outcome of the target. [`Outcome::Unmeasured`] is an outcome of *ours*: it says
//! nothing about the target and must never be counted against it, nor for it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::host::HostReading;
use crate::probe::ProbeKind;
use crate::units::{LossRatio, Rtt};

/// How a round of measurement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one request of the round was answered by the target.
    Answered,
    /// Nothing came back, or only errors from routers on the way.
    Silent,
    /// The target itself answered that it will not serve (TCP reset, ICMP port unreachable).
    Refused,
    /// *We* could not measure. Says nothing of the target.
    Unmeasured,
}

/// Why we could not measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Impediment {
    /// The operating system does not let us send this kind of packet.
    #[error("not permitted: {hint}")]
    NoPermission {
        /// What mends it, one command or setting.
        hint: String,
    },
    /// This host has no route to the target.
    #[error("this host has no route to the target")]
    NoRoute,
    /// The interface that leads to the target is down on our side.
    #[error("own interface {interface} is down")]
    InterfaceDown {
        /// Name of the interface.
        interface: String,
    },
    /// The wall clock stepped while we measured.
    #[error("own clock stepped by {step_ms} ms during the round")]
    ClockStepped {
        /// Wall time minus monotonic time passed, in milliseconds.
        step_ms: i64,
    },
    /// Our own socket dropped packets during the round: losses cannot be told from our own.
    #[error("own socket dropped {drops} packets during the round")]
    SocketDrops {
        /// Packets dropped in our receive buffer.
        drops: u64,
    },
    /// We had no time left to run the round (overload; measuring is shed before ticketing).
    #[error("round shed under overload")]
    Shed,
    /// The target's name did not resolve.
    #[error("name {name} does not resolve: {reason}")]
    Unresolved {
        /// The name asked for.
        name: String,
        /// What the resolver said.
        reason: String,
    },
    /// Anything else that went wrong on our side.
    #[error("local error: {reason}")]
    Local {
        /// What the operating system said.
        reason: String,
    },
}

/// When a round was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First packet sent.
    pub start: DateTime<Utc>,
    /// Last answer or deadline.
    pub end: DateTime<Utc>,
}

/// Requests sent in a round and what came back in time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Burst {
    /// Requests that left our host.
    pub sent: u32,
    /// Distinct answers in time; at most `sent`.
    pub received: u32,
    /// Further copies of answers.
    pub duplicates: u32,
    /// Delay of what came back; `None` when nothing did.
    pub rtt: Option<RttSummary>,
}

impl Burst {
    /// Share lost; `None` when nothing was sent.
    #[must_use]
    pub fn loss(&self) -> Option<LossRatio> {
        LossRatio::of(self.sent, self.received)
    }
}

/// Delay over a burst.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RttSummary {
    /// Smallest.
    pub min: Rtt,
    /// Arithmetic mean.
    pub mean: Rtt,
    /// Median.
    pub p50: Rtt,
    /// 95th percentile (nearest rank).
    pub p95: Rtt,
    /// 99th percentile (nearest rank).
    pub p99: Rtt,
    /// Largest.
    pub max: Rtt,
    /// Mean absolute difference of consecutive delays (IPDV, RFC 3393); `None` below two answers.
    pub jitter: Option<Rtt>,
}

/// What the peer said beyond its being there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Detail {
    /// Nothing beyond the burst.
    #[default]
    None,
    /// HTTP response.
    Http {
        /// Status code (RFC 9110 section 15).
        status: u16,
        /// Protocol version as in `1.1`.
        version: String,
        /// Whether TLS was used.
        tls: bool,
    },
    /// DNS response.
    Dns {
        /// Response code (RFC 1035 section 4.1.1), as its mnemonic: `NOERROR`, `SERVFAIL`.
        rcode: String,
        /// Answer records.
        answers: u16,
    },
    /// SIP final response to OPTIONS.
    Sip {
        /// Status code (RFC 3261 section 21).
        code: u16,
        /// Reason phrase, cut to 128 characters, control characters replaced.
        reason: String,
    },
    /// Resources of a host.
    Host(Box<HostReading>),
    /// A test call; its burst counts the INVITE, its delay is the setup.
    Call(Box<CallDetail>),
    /// Voice that was listened to, many streams together; its burst counts their packets.
    Rtp {
        /// Calls.
        calls: u32,
        /// Packets too late for an adaptive buffer.
        late: u32,
        /// Windows whose score is bad whatever is assumed.
        poor: u32,
        /// Windows in which our own measuring failed; they count in nothing else.
        faulty: u32,
        /// Largest jitter, ms.
        jitter_ms: Option<f64>,
        /// Smallest low end of a MOS.
        mos_low: Option<f64>,
        /// Smallest high end of a MOS.
        mos_high: Option<f64>,
    },
}

/// What a test call came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CallDetail {
    /// How it ended: `completed`, `far_hung_up`, `no_media`, `refused`, `unanswered`, `silent`, `unreachable`.
    pub ended: String,
    /// Final status code.
    pub code: Option<u16>,
    /// What went wrong, else the reason phrase; cut to 128 characters, control characters replaced.
    pub reason: Option<String>,
    /// Call-ID, as the far end's logs have it.
    pub call_id: String,
    /// Encoding name.
    pub codec: String,
    /// From INVITE to the final answer.
    pub setup_ms: Option<f64>,
    /// From INVITE to the first sign of progress.
    pub progress_ms: Option<f64>,
    /// Round trip by RTCP.
    pub rtt_ms: Option<f64>,
    /// From us to the far end; none where it is not known.
    pub out: Option<WayDetail>,
    /// From the far end to us; none where it is not known.
    #[serde(rename = "in")]
    pub inward: Option<WayDetail>,
    /// What was wrong with our own measuring: such a call accuses nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// One way of a test call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WayDetail {
    /// How it is known: `sequence`, `rtcp`, `echo`, `difference`.
    pub known_by: String,
    /// Packets that were due.
    pub expected: u64,
    /// Of these lost.
    pub lost: u64,
    /// Packets that an adaptive buffer would have played too late.
    pub late: u64,
    /// Jitter.
    pub jitter_ms: Option<f64>,
    /// Low end of the MOS.
    pub mos_low: Option<f64>,
    /// High end of the MOS.
    pub mos_high: Option<f64>,
}

/// What a probe returns; the caller adds target and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How the round ended.
    pub outcome: Outcome,
    /// Why we could not measure; set if and only if `outcome` is [`Outcome::Unmeasured`].
    pub impediment: Option<Impediment>,
    /// What was sent and what came back.
    pub burst: Burst,
    /// What the peer said.
    pub detail: Detail,
}

impl Measured {
    /// We could not measure, and why.
    #[must_use]
    pub fn unmeasured(impediment: Impediment) -> Self {
        Self {
            outcome: Outcome::Unmeasured,
            impediment: Some(impediment),
            burst: Burst::default(),
            detail: Detail::None,
        }
    }

    /// Nothing came back from `sent` requests.
    #[must_use]
    pub fn silent(sent: u32) -> Self {
        Self {
            outcome: Outcome::Silent,
            impediment: None,
            burst: Burst { sent, ..Burst::default() },
            detail: Detail::None,
        }
    }
}

/// A dated result of one probe on one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Name of the target, as `gateway-7/sip`.
    pub target: String,
    /// Kind of probe.
    pub kind: ProbeKind,
    /// When.
    pub window: Window,
    /// What.
    #[serde(flatten)]
    pub measured: Measured,
}
