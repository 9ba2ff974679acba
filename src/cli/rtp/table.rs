//! Tables for people.

use linesman_media::capture::report::{CallRow, Report, StreamRow};
use linesman_media::quality::score::Interval;

use super::sparkline::{JITTER, LOSS, sparkline};

fn table(header: Vec<&str>) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header);
    table
}

/// The streams; on a terminal with how loss and jitter went.
pub(super) fn streams(report: &Report, terminal: bool) -> String {
    if report.streams.is_empty() {
        return "no streams".to_owned();
    }
    let mut header =
        vec!["SSRC", "FROM", "TO", "CODEC", "SECONDS", "PACKETS", "LOST", "LOSS %", "JITTER ms", "R", "MOS"];
    if terminal {
        header.extend(["LOSS", "JITTER"]);
    }
    let mut table = table(header);
    for stream in &report.streams {
        table.add_row(stream_row(stream, terminal));
    }
    table.to_string()
}

fn stream_row(stream: &StreamRow, terminal: bool) -> Vec<String> {
    let quality = &stream.quality;
    let codec = quality.codec.clone().unwrap_or_else(|| format!("pt {}", quality.payload_type));
    let mut row = vec![
        stream.ssrc.clone(),
        stream.src.clone(),
        stream.dst.clone(),
        if stream.encrypted { format!("{codec} (SRTP)") } else { codec },
        format!("{:.1}", quality.duration_s),
        quality.received.to_string(),
        quality.lost.to_string(),
        format!("{:.2}", quality.loss_ratio * 100.0),
        quality.jitter_mean_ms.map_or_else(|| "-".to_owned(), |jitter| format!("{jitter:.2}")),
        interval(quality.r_factor, 0),
        interval(quality.mos, 2),
    ];
    if terminal {
        let loss: Vec<_> = quality.windows.iter().map(|window| Some(window.loss_ratio * 100.0)).collect();
        let jitter: Vec<_> = quality.windows.iter().map(|window| window.jitter_max_ms).collect();
        row.push(sparkline(&loss, &LOSS));
        row.push(sparkline(&jitter, &JITTER));
    }
    row
}

fn interval(value: Option<Interval>, digits: usize) -> String {
    let Some(Interval { low, high }) = value else { return "-".to_owned() };
    let (low, high) = (format!("{low:.digits$}"), format!("{high:.digits$}"));
    if low == high { low } else { format!("{low}-{high}") }
}

/// The calls, each finding with its evidence below its call.
pub(super) fn calls(report: &Report) -> String {
    let header = vec!["CALL-ID", "FROM", "TO", "STATE", "SETUP ms", "TALK s", "LEGS", "STREAMS", "FINDINGS"];
    let mut table = table(header);
    for call in &report.calls {
        table.add_row(call_row(call));
    }
    let mut text = table.to_string();
    for call in report.calls.iter().filter(|call| !call.details.is_empty()) {
        text.push_str(&format!("\n\n{}", call.call_id));
        for finding in &call.details {
            let leg = finding.leg.as_ref().map_or_else(String::new, |leg| format!(" (leg {leg})"));
            text.push_str(&format!("\n  {}{leg}: {}", name(&finding.kind), finding.evidence));
        }
    }
    text
}

fn call_row(call: &CallRow) -> Vec<String> {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let state = match call.status {
        Some(status @ 300..) => format!("{} {status}", call.state),
        _ => call.state.to_owned(),
    };
    vec![
        call.call_id.clone(),
        call.from.clone(),
        call.to.clone(),
        state,
        number(call.setup_ms, 0),
        number(call.talk_s, 1),
        call.legs.len().to_string(),
        call.streams.len().to_string(),
        call.findings.iter().map(name).collect::<Vec<_>>().join(" "),
    ]
}

/// A value as it stands in JSON.
pub(super) fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
