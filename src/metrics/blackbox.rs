//! One fresh measurement in the names of Prometheus's `blackbox_exporter`, so that rules and
//! dashboards made for it work unchanged. What it does not know is ours: `probe_sip_status_code`,
//! `probe_packet_loss_ratio`.

use std::time::Duration;

use linesman_probes::observation::{Detail, Measured};
use linesman_probes::probe::ProbeSpec;
use prometheus::{Gauge, GaugeVec, Opts, Registry, TextEncoder};

use super::verdict::succeeded;

/// The answer of `/probe`; `None` when we could not measure: there is no value for that in these names.
#[must_use]
pub fn render(spec: &ProbeSpec, measured: &Measured, took: Duration) -> Option<String> {
    let success = succeeded(spec.kind(), measured)?;
    write(spec, measured, took, success)
        .inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the metrics of a probe cannot be written");
        })
        .ok()
}

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}

fn write(spec: &ProbeSpec, measured: &Measured, took: Duration, success: bool) -> prometheus::Result<String> {
    let registry = Registry::new();
    let gauge = |name: &str, help: &str, value: f64| -> prometheus::Result<()> {
        let gauge = Gauge::with_opts(Opts::new(name, help))?;
        gauge.set(value);
        registry.register(Box::new(gauge))
    };
    gauge("probe_success", "Displays whether or not the probe was a success", flag(success))?;
    gauge(
        "probe_duration_seconds",
        "Returns how long the probe took to complete in seconds",
        took.as_secs_f64(),
    )?;
    if let Some(version) = ip_version(spec) {
        gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", version)?;
    }
    if let Some(loss) = measured.burst.loss() {
        gauge(
            "probe_packet_loss_ratio",
            "Share of the requests that were not answered, 0 to 1",
            loss.value(),
        )?;
    }
    match spec {
        ProbeSpec::Icmp { .. } => {
            let help = "Duration of icmp request by phase";
            let phases = GaugeVec::new(Opts::new("probe_icmp_duration_seconds", help), &["phase"])?;
            // Targets are addresses and sockets are open: only the way there and back takes time.
            phases.with_label_values(&["resolve"]).set(0.0);
            phases.with_label_values(&["setup"]).set(0.0);
            if let Some(rtt) = &measured.burst.rtt {
                phases.with_label_values(&["rtt"]).set(rtt.mean.seconds());
            }
            registry.register(Box::new(phases))?;
        }
        ProbeSpec::Dns { .. } => {
            let answered = matches!(measured.detail, Detail::Dns { .. });
            let help = "Displays whether or not the query was executed successfully";
            gauge("probe_dns_query_succeeded", help, flag(answered))?;
        }
        _ => {}
    }
    match &measured.detail {
        Detail::Http { status, version, tls } => {
            gauge("probe_http_status_code", "Response HTTP status code", f64::from(*status))?;
            let help = "Returns the version of HTTP of the probe response";
            gauge("probe_http_version", help, version.parse().unwrap_or(0.0))?;
            gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", flag(*tls))?;
        }
        Detail::Dns { answers, .. } => {
            let help = "Returns number of entries in the answer resource record list";
            gauge("probe_dns_answer_rrs", help, f64::from(*answers))?;
        }
        Detail::Sip { code, .. } => {
            gauge("probe_sip_status_code", "Status code of the SIP final response", f64::from(*code))?;
        }
        Detail::Call(call) => {
            if let Some(code) = call.code {
                gauge("probe_sip_status_code", "Status code of the SIP final response", f64::from(code))?;
            }
        }
        Detail::None | Detail::Host(_) | Detail::Rtp { .. } => {}
    }
    TextEncoder::new().encode_to_string(&registry.gather())
}

fn ip_version(spec: &ProbeSpec) -> Option<f64> {
    let address = match spec {
        ProbeSpec::Icmp { address, .. } => *address,
        ProbeSpec::Tcp { address } | ProbeSpec::Sip { address, .. } => address.ip(),
        ProbeSpec::Dns { server, .. } => server.ip(),
        ProbeSpec::Registration { registrar, .. } => registrar.ip(),
        ProbeSpec::Call(call) => call.address.ip(),
        ProbeSpec::Http { .. } | ProbeSpec::Host => return None,
    };
    Some(if address.is_ipv4() { 4.0 } else { 6.0 })
}
