//! The contract of a probe.
//!
//! A probe MUST
//! - address only the target it was made for, and send at most `Round::count` requests;
//! - spread them evenly over `Round::spread`, so that a fleet of probes never bursts;
//! - return within `Round::spread` + `Round::timeout` plus scheduling, whatever the peer does;
//! - report its own inability as [`Outcome::Unmeasured`](crate::observation::Outcome), never as
//!   silence of the target;
//! - accept any bytes as an answer without panicking, and count an answer only if it is one to
//!   its own request;
//! - keep no state of the target between rounds: hysteresis belongs to the diagnosis.
//!
//! Success, duration and time stamps are added by the caller, the same for all kinds.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::observation::Measured;
use crate::sip::call::CallCodec;

/// Kinds of probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// ICMP echo burst (RFC 792, RFC 4443).
    Icmp,
    /// TCP connect.
    Tcp,
    /// HTTP or HTTPS GET.
    Http,
    /// DNS query to a named server.
    Dns,
    /// SIP OPTIONS to a peer (RFC 3261 section 11).
    Sip,
    /// SIP OPTIONS for an address of record, asked of its registrar: is it registered?
    Registration,
    /// Resources of this host.
    Host,
    /// A test call: SIP and a real RTP train both ways.
    Call,
    /// No probe: voice that is listened to.
    Rtp,
}

impl ProbeKind {
    /// All kinds that send or read something by themselves.
    pub const ALL: [Self; 8] =
        [Self::Icmp, Self::Tcp, Self::Http, Self::Dns, Self::Sip, Self::Registration, Self::Host, Self::Call];

    /// The name in settings, metrics and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
            Self::Http => "http",
            Self::Dns => "dns",
            Self::Sip => "sip",
            Self::Registration => "registration",
            Self::Host => "host",
            Self::Call => "call",
            Self::Rtp => "rtp",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Rtp]).find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Transport of SIP (RFC 3261 section 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Datagrams, with retransmission of the request by timer E (RFC 3261 section 17.1.2).
    Udp,
    /// One connection a round.
    Tcp,
}

/// What a probe addresses: everything that is fixed between rounds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProbeSpec {
    /// See [`ProbeKind::Icmp`].
    Icmp {
        /// Where to.
        address: IpAddr,
        /// Bytes of payload after the ICMP header.
        payload: u16,
    },
    /// See [`ProbeKind::Tcp`].
    Tcp {
        /// Where to.
        address: SocketAddr,
    },
    /// See [`ProbeKind::Http`].
    Http {
        /// `http://` or `https://` address; its host may be a name.
        url: String,
    },
    /// See [`ProbeKind::Dns`].
    Dns {
        /// Which server to ask.
        server: SocketAddr,
        /// Which name to ask for.
        name: String,
    },
    /// See [`ProbeKind::Sip`].
    Sip {
        /// Where to send.
        address: SocketAddr,
        /// How.
        transport: Transport,
        /// User part and host of the request URI; `None` asks `sip:ADDRESS`.
        uri: Option<String>,
    },
    /// See [`ProbeKind::Registration`].
    Registration {
        /// The registrar or proxy that knows the binding.
        registrar: SocketAddr,
        /// How.
        transport: Transport,
        /// Address of record, as `sip:1001@example.net`.
        aor: String,
    },
    /// See [`ProbeKind::Host`].
    Host,
    /// See [`ProbeKind::Call`].
    Call(CallSpec),
}

/// A test call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallSpec {
    /// Where SIP is sent to.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
    /// Who is called, as `sip:echo@192.0.2.1`.
    pub uri: String,
    /// User part of From: who calls.
    pub from: String,
    /// What is spoken.
    pub codec: CallCodec,
    /// How long is spoken, in milliseconds.
    pub length_ms: u64,
    /// How long the far end may take to answer, in milliseconds.
    pub patience_ms: u64,
    /// Who we are, where the far end asks. The password itself is never part of a specification.
    pub credentials: Option<CallCredentials>,
}

/// A user name, and the file that holds its password.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallCredentials {
    /// User name.
    pub user: String,
    /// Holds the password in its first line.
    pub password_file: PathBuf,
}

impl CallSpec {
    /// The longest that the whole call may take.
    #[must_use]
    pub fn longest(&self) -> Duration {
        // The far end may be cancelled for some seconds instead, but never both.
        Duration::from_millis(self.patience_ms.saturating_add(self.length_ms))
            + crate::sip::call::probe::FAREWELL
    }
}

impl ProbeSpec {
    /// The kind of this specification.
    #[must_use]
    pub const fn kind(&self) -> ProbeKind {
        match self {
            Self::Icmp { .. } => ProbeKind::Icmp,
            Self::Tcp { .. } => ProbeKind::Tcp,
            Self::Http { .. } => ProbeKind::Http,
            Self::Dns { .. } => ProbeKind::Dns,
            Self::Sip { .. } => ProbeKind::Sip,
            Self::Registration { .. } => ProbeKind::Registration,
            Self::Host => ProbeKind::Host,
            Self::Call(_) => ProbeKind::Call,
        }
    }
}

/// How one round is to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Requests to send.
    pub count: u32,
    /// Over how long to spread them; the last request leaves before its end.
    pub spread: Duration,
    /// How long to wait for the answer to each request.
    pub timeout: Duration,
}

/// A running round.
pub type Measuring<'a> = Pin<Box<dyn Future<Output = Measured> + Send + 'a>>;

/// Measures one target; see the module for what it MUST do.
pub trait Probe: Send + Sync {
    /// The kind, for names of metrics.
    fn kind(&self) -> ProbeKind;

    /// Measures one round.
    fn measure(&self, round: Round) -> Measuring<'_>;
}

/// Makes probes of specifications: real ones on sockets, scripted ones in tests.
pub trait ProbeFactory: Send + Sync {
    /// A probe for this specification, or why there cannot be one on this host.
    ///
    /// # Errors
    /// [`ProbeError`] when the host lacks what the kind needs.
    fn make(&self, spec: &ProbeSpec) -> Result<Box<dyn Probe>, ProbeError>;
}

/// Why a probe cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Neither an unprivileged nor a raw ICMP socket may be opened.
    #[error("no permission for ICMP: {hint}")]
    Permission {
        /// The one command that mends it.
        hint: String,
    },
    /// The specification does not describe anything that can be addressed.
    #[error("{field}: {reason}")]
    Specification {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A local socket could not be made.
    #[error("{operation}")]
    Socket {
        /// Which operation failed.
        operation: &'static str,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}
