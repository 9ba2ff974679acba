//! `linesman.toml`: one file, every section with a default that runs, every mistake at once.
//!
//! Layers, later ones win: defaults, the file, environment `LINESMAN__SECTION__KEY`, flags.
//! Times are strings as `"30s"`, `"5m"`, `"2h"`, `"14d"`. Every key is described in [`keys`].
//!
//! Only [`load`] and [`load_declared`] touch files; they read the process's environment from
//! their argument, never by themselves. What is deliberately absent: a second file, includes, and
//! keys that are known but without effect.

pub mod billing;
mod environment;
mod host_facts;
pub mod keys;
mod keys_voice;
mod mistake;
mod network;
pub mod notify;
mod places;
pub mod procedure;
mod read;
pub mod route_hook;
mod secret;
mod section;
mod show;
mod show_notify;
mod show_voice;
mod template;
#[cfg(test)]
mod tests;
mod value;
pub mod voice;
mod without_file;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::inventory::Inventory;
use crate::privacy::CountryCode;

pub use billing::{BillingLimits, BillingSettings, LimitAmount, PartySettings};
pub use host_facts::{HostFacts, Network};
pub use mistake::{SettingsMistake, report};
pub use notify::{Audience, ChannelKind, ChannelSettings, CustomerMessage};
pub use procedure::ProcedureSettings;
pub use read::{Loaded, load, load_declared, parse};
pub use route_hook::{HookKind, RouteHook};
pub use secret::without_password;
pub use show::{effective, to_toml};
pub use template::template;
pub use voice::{MediaSettings, StoredCalls, VoiceEvidence, VoiceSettings, VoiceSource};

/// Everything the daemon is told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// `[http]`: how people and programs reach us.
    pub http: HttpSettings,
    /// `[database]`: where tickets and observations are kept.
    pub database: DatabaseSettings,
    /// `[diagnosis]`: when a symptom is a fault and when it is over.
    pub diagnosis: DiagnosisSettings,
    /// `[tickets]`: when a fault is a ticket.
    pub tickets: TicketSettings,
    /// `[retention]`: how long measurements and customers are kept.
    pub retention: RetentionSettings,
    /// `[privacy]`: the keys of personal data.
    pub privacy: PrivacySettings,
    /// `[billing]` and every `[[party]]`: bills that are reconciled.
    pub billing: BillingSettings,
    /// `[voice]` and every `[[media]]`: where voice is listened to, and whose it is.
    pub voice: VoiceSettings,
    /// `[procedure]`: own tables that tickets run by.
    pub procedure: ProcedureSettings,
    /// Every `[[notify]]`: who is told of what.
    pub notify: Vec<ChannelSettings>,
    /// Every `[[route_hook]]`: what stops and restores lines.
    pub route_hooks: Vec<RouteHook>,
    /// `[log]`: what is logged.
    pub log: LogSettings,
    /// `[probes]` and every `[[server]]`, `[[link]]`, …: the network.
    pub inventory: Arc<Inventory>,
}

/// `[http]`
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSettings {
    /// `listen`: loopback unless stated.
    pub listen: SocketAddr,
    /// `insecure_listen`: allows plain HTTP on an address that is not loopback.
    pub insecure_listen: bool,
    /// `public_url`: how others name us in links; `http://LISTEN` unless stated.
    pub public_url: Option<String>,
    /// `grace`: how long a stop may take.
    pub grace: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9470)),
            insecure_listen: false,
            public_url: None,
            grace: Duration::from_secs(10),
        }
    }
}

/// `[database]`; its `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// `url`: `sqlite:PATH` or `postgres://…`; a password in it is a secret.
    pub url: String,
    /// `url_file`: a file that holds the URL instead, for secrets.
    pub url_file: Option<PathBuf>,
}

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("url", &without_password(&self.url))
            .field("url_file", &self.url_file)
            .finish()
    }
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { url: "sqlite:linesman.db".to_owned(), url_file: None }
    }
}

/// `[diagnosis]`
#[derive(Debug, Clone, PartialEq)]
pub struct DiagnosisSettings {
    /// `interval`: longest time between two looks at the measurements.
    pub interval: Duration,
    /// `hard_window`: how much of the past proves a hard fault (total or heavy loss).
    pub hard_window: Duration,
    /// `gray_window`: how much of the past proves slight loss.
    pub gray_window: Duration,
    /// `minimum_requests`: no verdict on a path from fewer requests.
    pub minimum_requests: u32,
    /// `verify_for`: how long a repaired fault is measured before it counts as over.
    pub verify_for: Duration,
    /// `verify_rounds`: good rounds in a row that each target must show in that time.
    pub verify_rounds: u32,
}

impl Default for DiagnosisSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            hard_window: Duration::from_secs(15),
            gray_window: Duration::from_secs(300),
            minimum_requests: 3,
            verify_for: Duration::from_secs(300),
            verify_rounds: 3,
        }
    }
}

/// `[tickets]`
#[derive(Debug, Clone, PartialEq)]
pub struct TicketSettings {
    /// `settle`: how long a fault must last before it is a ticket.
    pub settle: Duration,
    /// `reopen_window`: a fault that comes back within it reopens its ticket.
    pub reopen_window: Duration,
    /// `same_matter`: who calls again within it may be calling about the same matter.
    pub same_matter: Duration,
    /// `candidate_below`: a fault of lower confidence opens a candidate for a person to approve.
    pub candidate_below: f64,
}

impl Default for TicketSettings {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(30),
            reopen_window: Duration::from_secs(24 * 3600),
            same_matter: Duration::from_secs(7 * 24 * 3600),
            candidate_below: 0.6,
        }
    }
}

/// `[retention]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionSettings {
    /// `observations`: every round as measured.
    pub observations: Duration,
    /// `hourly`: rolled up by the hour.
    pub hourly: Duration,
    /// `customers`: who the customers are, after their last change and ticket.
    pub customers: Duration,
    /// `recorded_calls`: recordings of calls on tickets that are over.
    pub recorded_calls: Duration,
    /// `signatures`: drawn signatures on tickets that are over.
    pub signatures: Duration,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        const DAY: u64 = 24 * 3600;
        Self {
            observations: Duration::from_secs(14 * DAY),
            hourly: Duration::from_secs(730 * DAY),
            customers: Duration::from_secs(730 * DAY),
            recorded_calls: Duration::from_secs(730 * DAY),
            signatures: Duration::from_secs(730 * DAY),
        }
    }
}

/// `[privacy]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrivacySettings {
    /// `key_file`: the keys; beside the database unless stated.
    pub key_file: Option<PathBuf>,
    /// `country_code`: the country of telephone numbers that bring none.
    pub country_code: CountryCode,
}

impl Settings {
    /// Where the keys of personal data lie.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        let stated = self.privacy.key_file.clone();
        stated.unwrap_or_else(|| crate::privacy::key_file_beside(&self.database.url))
    }
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// `level`: as `info` or `linesman=debug,info`; `info` unless stated.
    pub level: Option<String>,
    /// `format`: text on a terminal and JSON else, unless stated.
    pub format: Option<LogFormat>,
}

/// Shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl LogFormat {
    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}
