//! All metrics, declared in one `table`. No other room names the `prometheus` crate.
//!
//! This room reads nothing: others hand it numbers. Labels are bounded by the inventory; no call,
//! number of a phone or name of a customer's person is ever a label, and a ticket only in
//! `linesman_ticket_info`, which is bounded by itself.

pub mod blackbox;
mod exemplar;
mod openmetrics;
mod table;
mod test_call;
pub mod verdict;
mod voice;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use linesman_cdr::outcome::Outcome;
use linesman_deadlines::Calendars;
use linesman_probes::observation::{Detail, Impediment, Observation};
use linesman_probes::probe::ProbeKind;
use prometheus::{Registry, TextEncoder};

use crate::diagnosis::{Cause, Diagnosis, PollerState, Severity};
use crate::maintenance::{Phase, Window};
use crate::ticket::Ticket;

use exemplar::Exemplars;
pub use table::NAMES;
use table::Table;

/// Most series of `linesman_ticket_info`.
const TICKETS_SHOWN: usize = 500;

/// The registry and everything in it.
pub struct Metrics {
    registry: Registry,
    table: Table,
    /// Label sets by target, to forget a target as a whole.
    targets: Mutex<BTreeMap<String, BTreeSet<(ProbeKind, String)>>>,
    /// Calls behind the counts of voice.
    exemplars: Mutex<Exemplars>,
    /// Held while a gauge is rebuilt, so that nobody reads half of it.
    whole: Mutex<()>,
}

/// A format of an exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's text format 0.0.4.
    Text,
    /// OpenMetrics 1.0, with exemplars.
    OpenMetrics,
}

impl Format {
    /// What an `Accept` header asks for: a Prometheus names both, the one it would rather have with more weight.
    #[must_use]
    pub fn wanted(accept: &str) -> Self {
        let weight = |media_type: &str| {
            let ranges = accept.split(',').map(str::trim).filter(|range| {
                range.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type))
            });
            let weights = ranges.map(|range| {
                let weight = range.split(';').find_map(|part| part.trim().strip_prefix("q="));
                weight.map_or(1.0, |weight| weight.trim().parse::<f64>().unwrap_or(0.0))
            });
            weights.fold(0.0, f64::max)
        };
        let open = weight("application/openmetrics-text");
        if open > 0.0 && open >= weight("text/plain") { Self::OpenMetrics } else { Self::Text }
    }

    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => openmetrics::CONTENT_TYPE,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

const NO_LABELS: [&str; 0] = [];

fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1e6
}

impl Metrics {
    /// All metrics; those without labels stand at zero.
    ///
    /// # Panics
    /// Never: the table is part of the program and tested.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let table = Table::declare(&registry).expect("the table is part of the program and tested");
        #[cfg(target_os = "linux")]
        {
            let process = prometheus::process_collector::ProcessCollector::for_self();
            registry.register(Box::new(process)).expect("its names have another prefix than ours");
        }
        for counter in [&table.rounds_void_total, &table.observations_dropped_total, &table.panics_total] {
            counter.with_label_values(&NO_LABELS).inc_by(0);
        }
        for gauge in [&table.ticket_info_dropped, &table.poller_isolated] {
            gauge.with_label_values(&NO_LABELS).set(0.0);
        }
        // Blind until the first look says otherwise.
        table.poller_blind.with_label_values(&NO_LABELS).set(1.0);
        let revision = option_env!("LINESMAN_REVISION").unwrap_or("unknown");
        table.build_info.with_label_values(&[env!("CARGO_PKG_VERSION"), revision]).set(1.0);
        Self {
            registry,
            table,
            targets: Mutex::default(),
            exemplars: Mutex::default(),
            whole: Mutex::default(),
        }
    }

    /// Everything, in Prometheus's text format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.render_in(Format::Text)
    }

    /// Everything.
    #[must_use]
    pub fn render_in(&self, format: Format) -> String {
        let _whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if format == Format::OpenMetrics {
            let exemplars = self.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
            return openmetrics::encode(&self.registry.gather(), &exemplars);
        }
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_else(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "metrics cannot be written");
            String::new()
        })
    }

    /// A round was measured, or could not be. `site` is the name of the element's site, or empty.
    pub fn observe_probe(&self, target: &str, site: &str, observation: &Observation) {
        let (kind, measured) = (observation.kind, &observation.measured);
        let probe = kind.name();
        {
            let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
            targets.entry(target.to_owned()).or_default().insert((kind, site.to_owned()));
        }
        if let Some(impediment) = &measured.impediment {
            let reason = verdict::reason(impediment);
            self.table.probe_unmeasured_total.with_label_values(&[probe, reason]).inc();
            if matches!(impediment, Impediment::SocketDrops { .. }) {
                self.table.rounds_void_total.with_label_values(&NO_LABELS).inc();
            }
        }
        let Some(success) = verdict::succeeded(kind, measured) else {
            // An old value would claim to know what we do not.
            let _ = self.table.probe_success.remove_label_values(&[target, probe, site]);
            let _ = self.table.probe_loss_ratio.remove_label_values(&[target, probe]);
            return;
        };
        self.table.probe_success.with_label_values(&[target, probe, site]).set(f64::from(u8::from(success)));
        let end = seconds(observation.window.end);
        self.table.probe_last_run_timestamp_seconds.with_label_values(&[target, probe]).set(end);
        if let Some(loss) = measured.burst.loss() {
            self.table.probe_loss_ratio.with_label_values(&[target, probe]).set(loss.value());
        }
        if let Some(rtt) = &measured.burst.rtt {
            self.table.probe_duration_seconds.with_label_values(&[target, probe]).observe(rtt.mean.seconds());
        }
        if let Detail::Call(call) = &measured.detail {
            self.test_call(target, call);
        }
        if let Detail::Sip { code, .. } = &measured.detail {
            let class = verdict::code_class(*code);
            self.table.sip_responses_total.with_label_values(&[target, class]).inc();
        }
    }

    /// Forgets targets that are no longer measured, after the settings were reloaded.
    pub fn keep_targets(&self, keep: impl Fn(&str) -> bool) {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        targets.retain(|target, label_sets| {
            if keep(target) {
                return true;
            }
            // A label set that never came to be is no error here.
            self.forget_test_calls(target);
            for (kind, site) in label_sets.iter() {
                let probe = kind.name();
                let _ = self.table.probe_success.remove_label_values(&[target, probe, site.as_str()]);
                let _ = self.table.probe_duration_seconds.remove_label_values(&[target.as_str(), probe]);
                let _ = self.table.probe_loss_ratio.remove_label_values(&[target.as_str(), probe]);
                let last_run = &self.table.probe_last_run_timestamp_seconds;
                let _ = last_run.remove_label_values(&[target.as_str(), probe]);
            }
            for class in verdict::CODE_CLASSES {
                let _ = self.table.sip_responses_total.remove_label_values(&[target.as_str(), class]);
            }
            false
        });
    }

    /// A ticket was opened.
    pub fn opened(&self, severity: Severity, cause: &str) {
        self.table.tickets_opened_total.with_label_values(&[severity.name(), cause]).inc();
    }

    /// These tickets are open, and no others; `site_of` names the site of a segment.
    pub fn set_open_tickets(&self, tickets: &[Ticket], site_of: impl Fn(&str) -> String) {
        let mut open: Vec<&Ticket> = tickets.iter().filter(|ticket| ticket.state.is_open()).collect();
        open.sort_by_key(|ticket| {
            (std::cmp::Reverse(ticket.severity), std::cmp::Reverse(ticket.registered_at))
        });
        let _whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        self.table.tickets_open.reset();
        self.table.ticket_info.reset();
        for ticket in &open {
            let labels = [ticket.severity.name(), ticket.cause_name()];
            self.table.tickets_open.with_label_values(&labels).inc();
        }
        for ticket in open.iter().take(TICKETS_SHOWN) {
            let labels = [
                &ticket.number.to_string(),
                ticket.severity.name(),
                ticket.state.name(),
                &site_of(ticket.segment_name()),
                ticket.owner.as_deref().unwrap_or_default(),
                ticket.cause_name(),
                ticket.segment_name(),
            ];
            self.table.ticket_info.with_label_values(&labels).set(1.0);
        }
        let dropped = open.len().saturating_sub(TICKETS_SHOWN);
        self.table.ticket_info_dropped.with_label_values(&NO_LABELS).set(dropped as f64);
    }

    /// Announced work that may matter now, and how many faults wait for its end.
    pub fn set_announced_work(&self, windows: &[Window], withheld: usize, now: DateTime<Utc>) {
        let running = windows.iter().filter(|window| window.phase(now) == Phase::Running).count();
        self.table.maintenance_running.with_label_values(&NO_LABELS).set(running as f64);
        self.table.faults_in_maintenance.with_label_values(&NO_LABELS).set(withheld as f64);
    }

    /// A look at the measurements.
    pub fn set_diagnosis(&self, diagnosis: &Diagnosis) {
        let _whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let flag = |on: bool| f64::from(u8::from(on));
        let isolated = matches!(diagnosis.poller, PollerState::Isolated { .. });
        let blind = matches!(diagnosis.poller, PollerState::Blind { .. });
        self.table.poller_isolated.with_label_values(&NO_LABELS).set(flag(isolated));
        self.table.poller_blind.with_label_values(&NO_LABELS).set(flag(blind));
        let last = &self.table.diagnosis_last_timestamp_seconds;
        last.with_label_values(&NO_LABELS).set(seconds(diagnosis.at));
        for cause in Cause::NETWORK {
            let count =
                diagnosis.faults.iter().filter(|fault| fault.is_open() && fault.cause == cause).count();
            self.table.faults_open.with_label_values(&[cause.name()]).set(count as f64);
        }
    }

    /// The settings were read, with success or not.
    pub fn reloaded(&self, success: bool, now: DateTime<Utc>) {
        let successful = &self.table.config_last_reload_successful;
        successful.with_label_values(&NO_LABELS).set(f64::from(u8::from(success)));
        if success {
            let at = &self.table.config_last_reload_success_timestamp_seconds;
            at.with_label_values(&NO_LABELS).set(seconds(now));
        }
    }

    /// Observations were lost on the way to the database.
    pub fn observations_dropped(&self, count: u64) {
        self.table.observations_dropped_total.with_label_values(&NO_LABELS).inc_by(count);
    }

    /// So much waits in a queue; its name is one of a few in the program.
    pub fn set_queue_depth(&self, queue: &'static str, depth: usize) {
        self.table.queue_depth.with_label_values(&[queue]).set(depth as f64);
    }

    /// A background worker did its work.
    pub fn worker_succeeded(&self, worker: &'static str, now: DateTime<Utc>) {
        let last = &self.table.worker_last_success_timestamp_seconds;
        last.with_label_values(&[worker]).set(seconds(now));
    }

    /// So many monthly summaries or plans are overdue.
    pub fn monthly_duties_overdue(&self, duty: &'static str, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.table.monthly_duties_overdue.with_label_values(&[duty]).set(count.into());
    }

    /// A reconciliation has an answer; a party that the settings do not name has no series of its own.
    pub fn reconciled(&self, party: &str, is_known: bool, outcome: &Outcome, seconds: f64) {
        self.table.reconcile_runs_total.with_label_values(&["done"]).inc();
        let counts = &outcome.counts;
        for (side, records, rejected) in
            [("ours", counts.ours, counts.rejected_ours), ("theirs", counts.theirs, counts.rejected_theirs)]
        {
            self.table.reconcile_records_total.with_label_values(&[side]).inc_by(records);
            self.table.reconcile_rejected_lines_total.with_label_values(&[side]).inc_by(rejected);
        }
        if !is_known {
            return;
        }
        self.table.reconcile_duration_seconds.with_label_values(&[party]).set(seconds);
        // The one place where money is a float: a chart shows it, nothing is computed with it.
        if let Ok(difference) = outcome.totals.difference.parse::<f64>() {
            let labels = [party, outcome.currency.as_str()];
            self.table.reconcile_difference.with_label_values(&labels).set(difference);
        }
    }

    /// A reconciliation ended without an answer.
    pub fn reconcile_failed(&self) {
        self.table.reconcile_runs_total.with_label_values(&["failed"]).inc();
    }

    /// Until when each calendar that follows official days knows them: the end of its last such day.
    pub fn set_calendars(&self, calendars: &Calendars) {
        for calendar in calendars.iter() {
            let Some(day_after) = calendar.official_until().and_then(|last| last.succ_opt()) else {
                continue;
            };
            let until = seconds(calendar.zone().day_begins(day_after));
            self.table.calendar_official_until.with_label_values(&[calendar.name()]).set(until);
        }
    }

    /// A channel was used, with that result.
    pub fn notified(&self, channel: &str, result: &'static str) {
        self.table.notifications_total.with_label_values(&[channel, result]).inc();
    }

    /// How a channel stands: so many wait, so many were given up, and for so long the oldest is overdue.
    pub fn set_channel(&self, channel: &str, waiting: u64, dead: u64, oldest: std::time::Duration) {
        self.table.notifications_queue.with_label_values(&[channel]).set(waiting as f64);
        self.table.notifications_dead.with_label_values(&[channel]).set(dead as f64);
        self.table.notifications_oldest_seconds.with_label_values(&[channel]).set(oldest.as_secs_f64());
    }

    /// Forgets a channel that the settings no longer have.
    pub fn forget_channel(&self, channel: &str) {
        for gauge in [
            &self.table.notifications_queue,
            &self.table.notifications_dead,
            &self.table.notifications_oldest_seconds,
        ] {
            // One that never came to be is no error here.
            let _ = gauge.remove_label_values(&[channel]);
        }
        for result in ["delivered", "failed", "dead"] {
            let _ = self.table.notifications_total.remove_label_values(&[channel, result]);
        }
    }

    /// A panic was caught.
    pub fn panicked(&self) {
        self.table.panics_total.with_label_values(&NO_LABELS).inc();
    }

    /// A request was answered; `route` is the pattern of the route, never the path itself.
    pub fn answered(&self, method: &str, route: &str, status: u16) {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = known.into_iter().find(|name| method == *name).unwrap_or("other");
        let class = verdict::code_class(status);
        self.table.http_requests_total.with_label_values(&[method, route, class]).inc();
    }
}

#[cfg(test)]
mod tests;
