//! What a telephone says about its own call: `vq-rtcpxr` (RFC 6035), standard and in Poly's older dialect, and the
//! answer that it is due.

use serde::Serialize;

use crate::capture::net::Endpoint;
use crate::capture::sip::{Message, Start};

/// Most lines that are read.
const MAX_LINES: usize = 128;
/// Longest text kept.
const MAX_TEXT: usize = 256;
const CONTENT: &str = "application/vq-rtcpxr";

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The whole call, at its end.
    Session,
    /// A stretch of it.
    Interval,
    /// A threshold was crossed.
    Alert,
}

/// What one side says of what it receives. None is "not said" or "unavailable" (127).
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Metrics {
    /// Codec by name or payload type.
    pub codec: Option<String>,
    /// Lost in the network, 0 to 1.
    pub loss_ratio: Option<f64>,
    /// Thrown away by the buffer, 0 to 1.
    pub discard_ratio: Option<f64>,
    /// Loss within bursts, 0 to 1.
    pub burst_loss_density: Option<f64>,
    /// Mean burst.
    pub burst_ms: Option<f64>,
    /// Round trip.
    pub round_trip_ms: Option<f64>,
    /// End system delay.
    pub end_system_delay_ms: Option<f64>,
    /// Interarrival jitter.
    pub jitter_ms: Option<f64>,
    /// Conversational R.
    pub r_factor: Option<f64>,
    /// Listening MOS.
    pub mos_lq: Option<f64>,
    /// Conversational MOS.
    pub mos_cq: Option<f64>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Which.
    pub kind: Kind,
    /// Call-ID of the call that it speaks of.
    pub call_id: Option<String>,
    /// Address of the one who reports.
    #[serde(serialize_with = "shown")]
    pub local: Option<Endpoint>,
    /// Address of the other.
    #[serde(serialize_with = "shown")]
    pub remote: Option<Endpoint>,
    /// SSRC that the other sends with.
    pub remote_ssrc: Option<u32>,
    /// What the one who reports receives.
    pub receives: Option<Metrics>,
    /// What the other receives, as it told the one who reports.
    pub other_receives: Option<Metrics>,
}

fn shown<S: serde::Serializer>(address: &Option<Endpoint>, serializer: S) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => serializer.collect_str(address),
        None => serializer.serialize_none(),
    }
}

/// The report in the body of a PUBLISH or NOTIFY.
#[must_use]
pub fn parse(body: &[u8]) -> Option<Report> {
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_LINES * MAX_TEXT)]).into_owned();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MAX_LINES);
    let first = lines.next()?;
    let kind = match first.split([':', ' ']).next()?.to_ascii_lowercase().as_str() {
        "vqsessionreport" => Kind::Session,
        "vqintervalreport" => Kind::Interval,
        "vqalertreport" => Kind::Alert,
        _ => return None,
    };
    let mut report = Report {
        kind,
        call_id: None,
        local: None,
        remote: None,
        remote_ssrc: None,
        receives: None,
        other_receives: None,
    };
    let mut about_other = false;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "callid" => report.call_id = Some(cut(value)).filter(|id| !id.is_empty()),
            "localaddr" => report.local = address(value).0,
            "remoteaddr" => (report.remote, report.remote_ssrc) = address(value),
            "localmetrics" => {
                about_other = false;
                report.receives.get_or_insert_default();
            }
            "remotemetrics" => {
                about_other = true;
                report.other_receives.get_or_insert_default();
            }
            _ => {
                let of = if about_other { &mut report.other_receives } else { &mut report.receives };
                note(of.get_or_insert_default(), &name, value);
            }
        }
    }
    Some(report)
}

fn note(metrics: &mut Metrics, name: &str, value: &str) {
    let percent =
        |key| number(value, key).filter(|value| (0.0..=100.0).contains(value)).map(|value| value / 100.0);
    let time = |key| number(value, key).filter(|value| (0.0..65_535.0).contains(value));
    match name {
        "sessiondesc" => {
            metrics.codec = parameter(value, "PD").or_else(|| parameter(value, "PT")).map(|text| cut(&text));
        }
        "packetloss" => (metrics.loss_ratio, metrics.discard_ratio) = (percent("NLR"), percent("JDR")),
        "burstgaploss" => (metrics.burst_loss_density, metrics.burst_ms) = (percent("BLD"), time("BD")),
        "delay" => {
            metrics.round_trip_ms = time("RTD");
            metrics.end_system_delay_ms = time("ESD");
            metrics.jitter_ms = time("IAJ");
        }
        "qualityest" => {
            metrics.r_factor = number(value, "RCQ").filter(|value| (0.0..127.0).contains(value));
            // 127 is "unavailable", and some telephones send 0 for it: no score is below 1.
            let mos = |key| number(value, key).filter(|value| (1.0..=5.0).contains(value));
            (metrics.mos_lq, metrics.mos_cq) = (mos("MOSLQ"), mos("MOSCQ"));
        }
        _ => {}
    }
}

/// `IP=a PORT=n SSRC=x`.
fn address(value: &str) -> (Option<Endpoint>, Option<u32>) {
    let ip = parameter(value, "IP").and_then(|text| text.trim_matches(['[', ']']).parse().ok());
    let port = parameter(value, "PORT").and_then(|text| text.parse().ok()).unwrap_or(0);
    let ssrc = parameter(value, "SSRC").and_then(|text| {
        let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        hex.map_or_else(|| text.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())
    });
    (ip.map(|ip| Endpoint::new(ip, port)), ssrc)
}

fn parameter(value: &str, name: &str) -> Option<String> {
    value.split_ascii_whitespace().find_map(|word| {
        let (key, content) = word.split_once('=')?;
        key.eq_ignore_ascii_case(name).then(|| content.trim_matches('"').to_owned())
    })
}

fn number(value: &str, name: &str) -> Option<f64> {
    parameter(value, name)?.parse().ok().filter(|number: &f64| number.is_finite())
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}

/// What comes of a SIP message to a collector of reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The report, where one was understood.
    pub report: Option<Report>,
    /// The response; none where a message wants none.
    pub response: Option<String>,
}

/// Reads a SIP message that was sent to a collector of reports, and says what to answer. `entity_tag` names the
/// publication (RFC 3903), and the tag of To is made of it.
#[must_use]
pub fn answer(bytes: &[u8], entity_tag: u64) -> Answered {
    let nothing = Answered { report: None, response: None };
    let Some(message) = Message::parse(bytes) else { return nothing };
    let Start::Request(method) = &message.start else { return nothing };
    let head = String::from_utf8_lossy(bytes).into_owned();
    let event = header(&head, "Event", Some("o")).next().unwrap_or_default();
    let event = event.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let kind = message.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let report = parse(message.body).filter(|_| matches!(method.as_str(), "PUBLISH" | "NOTIFY"));
    let (status, more) = match method.as_str() {
        "ACK" => return nothing,
        "OPTIONS" => ("200 OK", "Allow: PUBLISH, NOTIFY, OPTIONS\r\nAllow-Events: vq-rtcpxr\r\n".to_owned()),
        "PUBLISH" | "NOTIFY" if event != "vq-rtcpxr" => {
            ("489 Bad Event", "Allow-Events: vq-rtcpxr\r\n".to_owned())
        }
        "PUBLISH" | "NOTIFY" if kind != CONTENT => {
            ("415 Unsupported Media Type", format!("Accept: {CONTENT}\r\n"))
        }
        "PUBLISH" | "NOTIFY" if report.is_none() => ("400 Not a vq-rtcpxr report", String::new()),
        "PUBLISH" => ("200 OK", format!("SIP-ETag: {entity_tag:x}\r\nExpires: 3600\r\n")),
        "NOTIFY" => ("200 OK", String::new()),
        _ => ("405 Method Not Allowed", "Allow: PUBLISH, NOTIFY, OPTIONS\r\n".to_owned()),
    };
    let taken = report.filter(|_| status.starts_with("200"));
    Answered { report: taken, response: Some(response(&head, status, &more, entity_tag)) }
}

/// RFC 3261 section 8.2.6: Via, From, To with a tag, Call-ID and CSeq come back as they were.
fn response(head: &str, status: &str, more: &str, tag: u64) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for (name, short) in
        [("Via", Some("v")), ("From", Some("f")), ("To", Some("t")), ("Call-ID", Some("i")), ("CSeq", None)]
    {
        for value in header(head, name, short) {
            let tagged = name != "To" || value.to_ascii_lowercase().contains(";tag=");
            let tag = if tagged { String::new() } else { format!(";tag=lm{tag:x}") };
            text.push_str(&format!("{name}: {value}{tag}\r\n"));
        }
    }
    text.push_str(more);
    text.push_str("Content-Length: 0\r\n\r\n");
    text
}

/// Values of a header, continuation lines joined.
fn header<'h>(head: &'h str, name: &'h str, short: Option<&'h str>) -> impl Iterator<Item = String> {
    let mut values: Vec<String> = Vec::new();
    let mut inside = false;
    for line in head.lines().skip(1).take_while(|line| !line.trim().is_empty()).take(MAX_LINES) {
        if line.starts_with([' ', '\t']) {
            if let Some(last) = values.last_mut().filter(|_| inside) {
                last.push(' ');
                last.push_str(line.trim());
            }
            continue;
        }
        let (key, value) = line.split_once(':').unwrap_or_default();
        let key = key.trim();
        inside = key.eq_ignore_ascii_case(name) || short.is_some_and(|short| key.eq_ignore_ascii_case(short));
        if inside {
            values.push(value.trim().to_owned());
        }
    }
    values.into_iter()
}
