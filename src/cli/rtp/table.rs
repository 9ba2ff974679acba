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

/// The streams that need a look first: worst score, then most loss; at most so many.
pub(super) fn worst_first(streams: &mut Vec<StreamRow>, most: usize) {
    let key = |row: &StreamRow| row.quality.mos.map_or(f64::MAX, |mos| mos.high);
    streams.sort_by(|one, other| {
        let by_loss = other.quality.loss_ratio.total_cmp(&one.quality.loss_ratio);
        key(one).total_cmp(&key(other)).then(by_loss)
    });
    streams.truncate(most);
}

/// What endpoints say of streams that were not seen.
pub(super) fn reported(report: &Report) -> String {
    let mut table = table(vec!["REPORTED BY", "ABOUT", "SSRC", "CALL", "LOST", "JITTER ms", "RTT ms", "MOS"]);
    for row in &report.reported {
        let rtcp = row.rtcp.as_ref();
        let vq = row.vq.as_ref().and_then(|vq| vq.receives.as_ref());
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let lost = rtcp.and_then(|rtcp| rtcp.told.lost).map(|lost| lost.to_string());
        let percent = vq.and_then(|vq| vq.loss_ratio).map(|ratio| format!("{:.1} %", ratio * 100.0));
        let jitter = rtcp.and_then(|rtcp| rtcp.told.jitter_max_ms).or_else(|| vq.and_then(|vq| vq.jitter_ms));
        let trip = rtcp.and_then(|rtcp| rtcp.round_trip_ms).or_else(|| vq.and_then(|vq| vq.round_trip_ms));
        table.add_row(vec![
            row.reporter.clone(),
            row.about.clone(),
            row.ssrc.clone().unwrap_or_else(|| "-".to_owned()),
            row.belongs_to.clone().unwrap_or_else(|| "-".to_owned()),
            lost.or(percent).unwrap_or_else(|| "-".to_owned()),
            number(jitter, 1),
            number(trip, 0),
            number(vq.and_then(|vq| vq.mos_cq.or(vq.mos_lq)), 1),
        ]);
    }
    table.to_string()
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
