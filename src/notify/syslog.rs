//! A line of syslog: RFC 5424, in UTF-8, with the frames of RFC 6587 section 3.4.1 over TCP.

use super::text::{text, within};
use super::{Notice, Outgoing};
use crate::diagnosis::Severity;
use crate::settings::ChannelSettings;

/// local0
const FACILITY: u8 = 16;
/// What every receiver over UDP takes (RFC 5424 section 6.1).
const MOST_BYTES: usize = 2048;

/// The lines of what goes out, one an event.
#[must_use]
pub fn lines(
    channel: &ChannelSettings,
    outgoing: &Outgoing,
    public_url: Option<&str>,
    host: &str,
    process: u32,
) -> Vec<Vec<u8>> {
    let text = text(outgoing, channel.language, public_url);
    let lines = outgoing.notices.iter().zip(&text.parts).map(|(notice, part)| {
        let mut words = vec![part.heading.clone(), part.sentence.clone()];
        words.extend(part.facts.iter().map(|(label, value)| format!("{label}: {value}")));
        words.extend(part.link.clone());
        words.retain(|word| !word.is_empty());
        let said = format!("{} · key={}", words.join(" · "), outgoing.key);
        let head = head(notice, host, process);
        let line = format!("{head}\u{feff}{}", within(&said, MOST_BYTES.saturating_sub(head.len() + 3)));
        line.into_bytes()
    });
    lines.collect()
}

fn head(notice: &Notice, host: &str, process: u32) -> String {
    let priority = FACILITY * 8 + level(notice);
    // At most microseconds: that is what a notice has.
    let at = notice.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let sequence = notice.seq.clamp(1, i64::from(i32::MAX));
    format!(
        "<{priority}>1 {at} {} linesman {process} {} [origin software=\"linesman\"][meta sequenceId=\"{sequence}\"] ",
        printable(host, 255),
        printable(&notice.event, 32)
    )
}

const fn level(notice: &Notice) -> u8 {
    match notice.severity {
        Severity::Critical => 2,
        Severity::Major => 3,
        Severity::Minor => 4,
        Severity::Warning => 5,
        Severity::Indeterminate => 6,
    }
}

/// Printable ASCII without spaces, as the head's fields are; `-` for nothing.
fn printable(text: &str, most: usize) -> String {
    let kept: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// A line as it goes over TCP: its length before it.
#[must_use]
pub fn framed(line: &[u8]) -> Vec<u8> {
    let mut frame = format!("{} ", line.len()).into_bytes();
    frame.extend_from_slice(line);
    frame
}
