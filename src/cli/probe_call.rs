//! `linesman probe call SIP-URI`: one test call, each way judged by itself; `linesman probe answer ADDRESS:PORT`: the end
//! that answers such calls with an echo.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use linesman_media::quality::score::Interval;
use linesman_probes::observation::Impediment;
use linesman_probes::probe::{CallCredentials, CallSpec, ProbeError, ProbeSpec, Transport};
use linesman_probes::sip::call::answer::{Answering, Bounds, Told};
use linesman_probes::sip::call::probe::measured;
use linesman_probes::sip::call::{CallCodec, CallProbe, CallReport, Ended, Way, place};

use super::exit::{Exit, Failure};
use super::output;
use crate::voice::POOR_MOS;

/// A way that loses this share is a problem, as `bad_loss` in `[voice]` has it.
const BAD_LOSS: f64 = 0.03;
/// How long a far end may take to answer, unless stated.
const PATIENCE_S: f64 = 15.0;

/// What only a test call, or the end that answers one, is told.
#[derive(Debug, clap::Args)]
pub struct CallArguments {
    /// call: how long to talk, as 5s or 1m
    #[arg(long = "for", value_name = "TIME", default_value = "5s", value_parser = super::rtp::span)]
    length: Duration,
    /// call: what to speak: PCMA, PCMU, G729, G722 or GSM
    #[arg(long, default_value = "PCMA", value_parser = codec)]
    codec: CallCodec,
    /// call: who calls, the user part of From
    #[arg(long, value_name = "USER")]
    from: Option<String>,
    /// call: user name, where the far end asks for one
    #[arg(long, requires = "password_file")]
    user: Option<String>,
    /// call: file that holds the password in its first line
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// call: where to send SIP to, when the address in the URI is not it
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    proxy: Option<String>,
    /// answer: calls at once
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    calls: u32,
}

fn codec(text: &str) -> Result<CallCodec, String> {
    CallCodec::parse(text).ok_or_else(|| {
        let known: Vec<&str> = CallCodec::ALL.iter().map(|codec| codec.name()).collect();
        format!("`{text}` is no codec that can be spoken; there are {}", known.join(", "))
    })
}

/// The address that a SIP URI names, as `host` or `host:port`.
pub(super) fn host_of(uri: &str) -> &str {
    let rest = uri.strip_prefix("sip:").unwrap_or(uri);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.split([';', '?', '>']).next().unwrap_or_default()
}

/// Calls once and says what it came to.
///
/// # Errors
/// When the target or the credentials cannot be used.
pub async fn call(
    arguments: &CallArguments,
    target: &str,
    transport: Transport,
    timeout: Option<f64>,
    json: bool,
) -> anyhow::Result<Exit> {
    let uri = if target.starts_with("sip:") { target.to_owned() } else { format!("sip:{target}") };
    let began = Instant::now();
    let asked = arguments.proxy.as_deref().unwrap_or_else(|| host_of(&uri));
    let (spec, report) = match super::probe::socket(asked, Some(5060)).await? {
        Err(impediment) => (None, CallReport::new(&uri, asked, arguments.codec).not_measured(impediment)),
        Ok(address) => {
            let spec = spec(arguments, address, &uri, transport, timeout);
            let usage = |error: ProbeError| Failure::new(Exit::Usage, error.to_string());
            let probe = CallProbe::new(&spec).map_err(usage)?;
            let plan = probe.plan().map_err(|impediment| match impediment {
                Impediment::Local { reason } => Failure::new(Exit::Usage, reason),
                other => Failure::new(Exit::Usage, other.to_string()),
            })?;
            let report = tokio::select! {
                report = place(&plan) => report,
                // Dropped half-way, the call hangs up by itself.
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Problem),
            };
            (Some(spec), report)
        }
    };
    if json {
        output::json(&serde_json::json!({
            "kind": "call", "target": spec.map(ProbeSpec::Call), "asked": target,
            "duration_s": began.elapsed().as_secs_f64(), "measured": measured(&report), "call": report,
        }))?;
    } else {
        output::line(as_text(&report))?;
    }
    Ok(match &report.impediment {
        Some(Impediment::NoPermission { .. }) => Exit::PermissionMissing,
        _ if is_problem(&report) => Exit::Problem,
        _ => Exit::Fine,
    })
}

fn spec(
    arguments: &CallArguments,
    address: SocketAddr,
    uri: &str,
    transport: Transport,
    timeout: Option<f64>,
) -> CallSpec {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let credentials = arguments.user.clone().zip(arguments.password_file.clone());
    CallSpec {
        address,
        transport,
        uri: uri.to_owned(),
        from: arguments
            .from
            .clone()
            .or_else(|| arguments.user.clone())
            .unwrap_or_else(|| "linesman".to_owned()),
        codec: arguments.codec,
        length_ms: millis(arguments.length),
        patience_ms: millis(Duration::from_secs_f64(timeout.unwrap_or(PATIENCE_S).max(0.5))),
        credentials: credentials.map(|(user, password_file)| CallCredentials { user, password_file }),
    }
}

fn is_problem(report: &CallReport) -> bool {
    let is_bad = |way: &Way| {
        way.loss_ratio.is_some_and(|ratio| ratio >= BAD_LOSS)
            || way.mos.is_some_and(|mos| mos.high < POOR_MOS)
    };
    report.ended != Ended::Completed
        || is_bad(&report.out)
        || is_bad(&report.inward)
        || report.round_trip.as_ref().is_some_and(|trip| trip.loss_ratio >= 2.0 * BAD_LOSS)
        || report.streams.is_empty()
        || !report.measurement_faults.is_empty()
}

fn as_text(report: &CallReport) -> String {
    let head = format!("call {} ({}):", report.uri, report.address);
    if let Some(impediment) = &report.impediment {
        return format!("{head} not measured, which says nothing of the target: {impediment}");
    }
    let said = match (report.code, &report.reason) {
        (Some(code), Some(reason)) => format!(", {code} {reason}"),
        _ => String::new(),
    };
    let mut lines = vec![format!("{head} {}{said}", report.ended.name().replace('_', " "))];
    if let Some(problem) = &report.problem {
        lines.push(format!("  {problem}"));
    }
    if let Some(hint) = &report.hint {
        lines.push(format!("  what to do: {hint}"));
    }
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1} ms"));
    lines.push(format!(
        "  progress after {}, answer after {}, round trip by RTCP {}; Call-ID {}",
        ms(report.progress_ms),
        ms(report.setup_ms),
        ms(report.rtt_ms),
        report.call_id
    ));
    if report.sent > 0 {
        let marked = report.dscp.map_or_else(|| "unmarked".to_owned(), |dscp| format!("DSCP {dscp}"));
        let echo = match report.is_echo {
            Some(true) => "the far end is an echo",
            Some(false) => "the far end is no echo",
            None => "too little came back to say whether the far end is an echo",
        };
        lines.push(format!("  {} packets of {} sent ({marked}); {echo}", report.sent, report.codec));
        lines.push(ways(report));
        for (name, way) in [("out", &report.out), ("in", &report.inward)] {
            if let Some(why) = &way.not_measured {
                lines.push(format!("  {name}: not measured: {why}"));
            }
        }
    }
    if !report.findings.is_empty() {
        lines.push(format!("  findings: {}", report.findings.join(" ")));
    }
    if !report.measurement_faults.is_empty() {
        let faults = report.measurement_faults.join(" ");
        lines.push(format!(
            "  our own measuring failed ({faults}; latest packet {:.0} ms after its time): this accuses nobody",
            report.late_sending_ms
        ));
    }
    lines.join("\n")
}

fn ways(report: &CallReport) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["", "WAY", "KNOWN BY", "PACKETS", "LOST", "LOSS %", "LATE", "JITTER ms", "R", "MOS"]);
    let dash = || "-".to_owned();
    let count = |value: Option<u64>| value.map_or_else(dash, |value| value.to_string());
    for (name, way) in [("out", &report.out), ("in", &report.inward)] {
        let Some(known_by) = way.known_by else { continue };
        table.add_row([
            String::new(),
            name.to_owned(),
            known_by.name().to_owned(),
            count(way.expected),
            count(way.lost),
            way.loss_ratio.map_or_else(dash, |ratio| format!("{:.2}", ratio * 100.0)),
            count(way.late),
            way.jitter_ms.map_or_else(dash, |jitter| format!("{jitter:.2}")),
            interval(way.r_factor, 0),
            interval(way.mos, 2),
        ]);
    }
    if let Some(trip) = &report.round_trip {
        let mut row = vec![String::new(), "both".to_owned(), "echo".to_owned()];
        row.extend([trip.sent.to_string(), trip.lost.to_string(), format!("{:.2}", trip.loss_ratio * 100.0)]);
        row.extend([dash(), dash(), dash(), dash()]);
        table.add_row(row);
    }
    table.to_string()
}

fn interval(value: Option<Interval>, digits: usize) -> String {
    let Some(Interval { low, high }) = value else { return "-".to_owned() };
    let (low, high) = (format!("{low:.digits$}"), format!("{high:.digits$}"));
    if low == high { low } else { format!("{low}-{high}") }
}

/// Answers test calls until told to stop.
///
/// # Errors
/// When the address cannot be listened at.
pub async fn answer(arguments: &CallArguments, listen: &str) -> anyhow::Result<Exit> {
    let usage = |_| Failure::new(Exit::Usage, format!("`{listen}` is no ADDRESS:PORT; write 0.0.0.0:5060"));
    let address: SocketAddr = listen.parse().map_err(usage)?;
    let calls = usize::try_from(arguments.calls).unwrap_or(10);
    let bounds = Bounds { calls, ..Bounds::default() };
    let failed = |error: std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::PermissionMissing,
            _ => Exit::Problem,
        };
        Failure::new(exit, format!("cannot listen at {address}: {error}; name another port"))
    };
    let mut answering = Answering::bind(address, bounds).await.map_err(failed)?;
    output::note(format!("answering test calls at {} (UDP); stop with Ctrl-C", answering.address()?));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let tell = |told: Told| match told {
        Told::Call { from, call_id, code } => output::note(format!("{from}: {code}, {call_id}")),
        Told::Over { call_id } => output::note(format!("over: {call_id}")),
    };
    tokio::select! {
        ended = answering.run(tell) => ended.map_err(failed)?,
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_uri_is_found_beneath_its_trimmings() {
        for (uri, host) in [
            ("sip:echo@192.0.2.1:5070;transport=udp", "192.0.2.1:5070"),
            ("sip:[2001:db8::1]:5060", "[2001:db8::1]:5060"),
            ("600@pbx.example.net", "pbx.example.net"),
            ("sip:a@b@192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(host_of(uri), host);
        }
    }
}
