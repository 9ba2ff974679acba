//! Every metric, its labels and its help, in one table. The help is the doc comment.

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Twelve with the one for everything beyond the last.
const DELAY_BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Until somebody, or something, answers.
const SETUP_BUCKETS: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0];

/// Shares lost: half of a per cent is heard, a fifth is no conversation.
const LOSS_BUCKETS: [f64; 10] = [0.0, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2];
/// The steps of G.107 annex B and G.109, and halves.
const MOS_BUCKETS: [f64; 9] = [1.5, 2.0, 2.58, 3.1, 3.6, 3.8, 4.03, 4.2, 4.34];

/// What a histogram's values are counted in, by the unit in its name.
pub(super) fn buckets(name: &str) -> &'static [f64] {
    match name {
        _ if name.ends_with("loss_ratio") => &LOSS_BUCKETS,
        _ if name.ends_with("mos") => &MOS_BUCKETS,
        _ if name.ends_with("call_setup_seconds") => &SETUP_BUCKETS,
        _ => &DELAY_BUCKETS,
    }
}

pub(super) type Gauge = GaugeVec;
pub(super) type Counter = IntCounterVec;
pub(super) type Histogram = HistogramVec;

trait Declare: Sized {
    fn declare(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self>;
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("linesman_{name}"), help.trim())
}

impl Declare for Gauge {
    fn declare(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        let metric = Self::new(opts(name, help), labels)?;
        registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

impl Declare for Counter {
    fn declare(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        let metric = Self::new(opts(name, help), labels)?;
        registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

impl Declare for Histogram {
    fn declare(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        let buckets = buckets(name).to_vec();
        let metric = Self::new(HistogramOpts { common_opts: opts(name, help), buckets }, labels)?;
        registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

macro_rules! table {
    ($($(#[doc = $help:literal])+ $name:ident: $kind:ident [$($label:literal),*],)+) => {
        /// The metrics, registered.
        #[derive(Debug)]
        pub(super) struct Table {
            $($(#[doc = $help])+ pub(super) $name: $kind,)+
        }

        impl Table {
            pub(super) fn declare(registry: &Registry) -> prometheus::Result<Self> {
                Ok(Self {
                    $($name: $kind::declare(
                        registry,
                        stringify!($name),
                        concat!($($help),+),
                        &[$($label),*],
                    )?,)+
                })
            }
        }

        /// Names of all metrics of the table, with their prefix: for the tests of dashboards and rules.
        pub const NAMES: &[&str] = &[$(concat!("linesman_", stringify!($name))),+];
    };
}

table! {
    /// Whether the last measured round of the target was good (1) or not (0); absent while we cannot measure.
    probe_success: Gauge ["target", "probe", "site"],
    /// Mean delay of the answers of a round.
    probe_duration_seconds: Histogram ["target", "probe"],
    /// When the last round that could be measured ended.
    probe_last_run_timestamp_seconds: Gauge ["target", "probe"],
    /// Share of the requests of the last measured round that were not answered, 0 to 1.
    probe_loss_ratio: Gauge ["target", "probe"],
    /// Test calls that were placed, by how they ended.
    test_calls_total: Counter ["target", "ended"],
    /// Time from INVITE to the answer of test calls.
    test_call_setup_seconds: Histogram ["target"],
    /// Share of packets that one way of a test call lost; a way that is not known has no value.
    test_call_loss_ratio: Histogram ["target", "direction"],
    /// Jitter of one way of a test call.
    test_call_jitter_seconds: Histogram ["target", "direction"],
    /// MOS of one way of a test call, its low and its high end.
    test_call_mos: Histogram ["target", "direction", "bound"],
    /// SIP final responses to our requests, by class of their status code.
    sip_responses_total: Counter ["target", "code_class"],
    /// Rounds that we could not measure, by reason; they say nothing of the target.
    probe_unmeasured_total: Counter ["probe", "reason"],
    /// Rounds declared void because our own socket dropped packets.
    rounds_void_total: Counter [],
    /// Tickets opened.
    tickets_opened_total: Counter ["severity", "cause"],
    /// Tickets that are open.
    tickets_open: Gauge ["severity", "cause"],
    /// One open ticket each, always 1; at most 500, the most severe first.
    ticket_info: Gauge ["ticket", "severity", "state", "site", "owner", "cause", "segment"],
    /// Open tickets that linesman_ticket_info leaves out beyond its 500.
    ticket_info_dropped: Gauge [],
    /// Announced work that runs now.
    maintenance_running: Gauge [],
    /// Proven or suspected faults that open no ticket before announced work ends.
    faults_in_maintenance: Gauge [],
    /// Faults that are proven and not over.
    faults_open: Gauge ["cause"],
    /// Whether this poller is cut off itself (1): then nothing is said of the network.
    poller_isolated: Gauge [],
    /// Whether nothing has been measured lately (1).
    poller_blind: Gauge [],
    /// Reference time of the last look at the measurements.
    diagnosis_last_timestamp_seconds: Gauge [],
    /// Monthly summaries and improvement plans of the last months that are overdue, by which: summary or plan.
    monthly_duties_overdue: Gauge ["duty"],
    /// Always 1, with what was built.
    build_info: Gauge ["version", "revision"],
    /// Whether the last reading of the settings succeeded (1).
    config_last_reload_successful: Gauge [],
    /// When the settings were last read with success.
    config_last_reload_success_timestamp_seconds: Gauge [],
    /// Observations that could not be kept: the queue to the database was full, or it did not take them.
    observations_dropped_total: Counter [],
    /// What waits in a queue inside Linesman.
    queue_depth: Gauge ["queue"],
    /// Answers over HTTP, by route and class of their status.
    http_requests_total: Counter ["method", "route", "status_class"],
    /// Panics that were caught; a defect each.
    panics_total: Counter [],
    /// Reconciliations of bills that ended, by how: done or failed.
    reconcile_runs_total: Counter ["status"],
    /// Seconds that the last reconciliation of a party took; parties of the settings alone.
    reconcile_duration_seconds: Gauge ["party"],
    /// Difference of a party's last reconciliation, theirs minus ours, rounded to what a float holds.
    reconcile_difference: Gauge ["party", "currency"],
    /// Records compared, by side.
    reconcile_records_total: Counter ["side"],
    /// Lines of bills that are no records, by side.
    reconcile_rejected_lines_total: Counter ["side"],
    /// Attempts to tell somebody, by what came of them: delivered, failed (tried again) or dead (given up).
    notifications_total: Counter ["channel", "result"],
    /// Messages that wait, those of quiet hours and digests included.
    notifications_queue: Gauge ["channel"],
    /// Messages that were given up and not tried again since.
    notifications_dead: Gauge ["channel"],
    /// How long the oldest message is overdue, or tried in vain.
    notifications_oldest_seconds: Gauge ["channel"],
    /// Until when the official holidays and make-up workdays of a calendar are known; due times beyond are provisional.
    calendar_official_until: Gauge ["calendar"],
    /// Windows of ten seconds of a stream, by landing trunk, direction, codec and verdict: good, bad or faulty (our own
    /// measuring failed, so that it says nothing of anybody).
    voice_windows_total: Counter ["trunk", "direction", "codec", "verdict"],
    /// RTP packets due in windows that we measured well.
    voice_packets_expected_total: Counter ["trunk", "direction", "codec"],
    /// Of these, packets that never came.
    voice_packets_lost_total: Counter ["trunk", "direction", "codec"],
    /// Of these, packets that came too late for an adaptive buffer.
    voice_packets_late_total: Counter ["trunk", "direction", "codec"],
    /// Share of a window's packets that never came.
    voice_window_loss_ratio: Histogram ["trunk", "direction", "codec"],
    /// Largest RFC 3550 jitter of a window.
    voice_window_jitter_seconds: Histogram ["trunk", "direction", "codec"],
    /// MOS of a window by the E-model, at the low and the high end of what is not known.
    voice_window_mos: Histogram ["trunk", "direction", "codec", "bound"],
    /// Calls that are over, by how far they came.
    voice_calls_total: Counter ["trunk", "state"],
    /// Of these, calls with something wrong with their voice.
    voice_calls_bad_total: Counter ["trunk"],
    /// Calls that could not be kept.
    voice_calls_dropped_total: Counter [],
    /// Streams that are followed: held, active (of the last two seconds), reported (by the word of endpoints alone).
    voice_streams: Gauge ["state"],
    /// Words of endpoints (RTCP, XR, vq-rtcpxr) on streams that were not seen here, by what led to the call that they are
    /// kept with: `call_id` that they name, `ssrc` of a stream with its addresses, `addresses` that a call agreed on;
    /// `nothing` did, or there was `no_room`: these are not kept.
    voice_words_total: Counter ["kept_by"],
    /// Whether an interface is captured on (1).
    voice_capture_up: Gauge ["interface"],
    /// Packets that passed the filter, dropped ones among them.
    voice_capture_packets_total: Counter ["interface"],
    /// Packets that the kernel dropped because we did not read them in time: our own loss.
    voice_capture_drops_total: Counter ["interface"],
    /// Datagrams sent to us that the kernel dropped because we did not read them in time.
    voice_feed_drops_total: Counter [],
    /// Packets sent to us that carried nothing of voice or were damaged.
    voice_feed_refused_total: Counter [],
    /// Streams and calls that found no room, since the listener started.
    voice_refused: Gauge [],
    /// Seconds of listening that were dropped on the way to being counted and kept.
    voice_batches_dropped_total: Counter [],
    /// Times in which our own measuring failed, by how; nothing in them accuses a network.
    voice_measurement_faults_total: Counter ["kind"],
    /// When a background worker last did its work with success.
    worker_last_success_timestamp_seconds: Gauge ["worker"],
}
