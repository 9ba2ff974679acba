//! The records of one file, with what their rows say beyond a record: identity, codec, line.
//!
//! For comparing a file with something that is no file of records. One pass in pieces; of the records only those
//! within a span of time are kept, and never more than a bound.

use std::path::Path;

use linesman_cdr::format::{Parsed, Role, RowReader, TimeStyle, Zone};
use linesman_cdr::media::{BilledCall, Book};
use linesman_cdr::outcome::Finding;
use linesman_cdr::record::{ABSENT_32, NO_NAME, Record, Side};

use crate::error::ReconcileError;
use crate::feed::Text;
use crate::job::{Input, Progress};
use crate::source::Source;

/// Bytes read at once, and how far that grows for one record that is longer.
const PIECE: usize = 1 << 20;
const LONGEST: usize = 16 << 20;
/// Rejected lines that are kept.
const MOST_REJECTED: usize = 10_000;

/// What a column of codecs is called, what the system itself used first.
const CODEC_COLUMNS: [&str; 14] = [
    "codec",
    "codecs",
    "codecname",
    "audiocodec",
    "voicecodec",
    "negotiatedcodec",
    "readcodec",
    "writecodec",
    "callercodec",
    "calleecodec",
    "编码",
    "编解码",
    "语音编码",
    "媒体编码",
];

/// A line that is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its line in the user's file.
    pub line: u64,
    /// Why, in English.
    pub reason: String,
    /// The same in Simplified Chinese, where somebody has said it.
    pub reason_zh: String,
}

/// The records of a file.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// Those that were kept, in the order of the file.
    pub calls: Vec<BilledCall>,
    /// All that were read.
    pub all: u64,
    /// Of these, the ones left out because they begin outside the span.
    pub outside: u64,
    /// Of these, the ones within the span that are beyond the bound.
    pub beyond: u64,
    /// First beginning and last end of a call in the file, as it has the time: what it reaches over.
    pub span_ms: Option<[i64; 2]>,
    /// Whether its times are UTC for sure.
    pub zone_known: bool,
    /// Whether it has conversations, or times that give them.
    pub says_talk: bool,
    /// Whether it has a column of codecs.
    pub says_codec: bool,
    /// Lines that are no records, the first ones.
    pub refused: Vec<Refused>,
    /// Their texts.
    pub rejected: Vec<String>,
    /// How many they are.
    pub rejections: u64,
    /// What of the file is not the plain generic form.
    pub findings: Vec<Finding>,
}

impl Records {
    /// As the comparison takes them.
    #[must_use]
    pub fn book(&self) -> Book<'_> {
        Book {
            records: &self.calls,
            zone_known: self.zone_known,
            says_talk: self.says_talk,
            span_ms: self.span_ms,
            rejected: &self.rejected,
            // Of records that were not kept nobody knows whose they are.
            rejected_whole: self.rejections == self.rejected.len() as u64 && self.beyond == 0,
        }
    }
}

/// Reads a file; of its records those that begin within `span_ms`, as the file has the time, and at most so many.
///
/// # Errors
/// [`ReconcileError`].
pub fn records(
    input: &Input,
    side: Side,
    temporary: Option<&Path>,
    span_ms: impl Fn(bool) -> [i64; 2],
    most: usize,
    progress: &Progress,
) -> Result<Records, ReconcileError> {
    let parent = temporary.map_or_else(std::env::temp_dir, Path::to_owned);
    let folder = tempfile::Builder::new()
        .prefix("linesman-cdr-")
        .tempdir_in(&parent)
        .map_err(|source| ReconcileError::Temporary { folder: parent, source })?;
    let source = Source::open(input, side, folder.path())?;
    let text = Text::open(source.path())?;
    let layout = source.layout();
    let reader = RowReader::new(layout)?;
    let has = |wanted: Role| layout.columns.contains(&wanted);
    let epoch =
        matches!(layout.time, TimeStyle::EpochSeconds | TimeStyle::EpochMillis | TimeStyle::EpochMicros);
    let columns = Columns {
        call_id: layout.columns.iter().position(|role| *role == Role::CallId),
        codec: codec_column(&layout.header),
    };
    let mut read = Records {
        zone_known: epoch || layout.zone != Zone::Unknown,
        says_talk: has(Role::Talk) || has(Role::Answer) || has(Role::Ring),
        says_codec: columns.codec.is_some(),
        findings: source.findings().to_vec(),
        ..Records::default()
    };
    let span_ms = span_ms(read.zone_known);
    let (mut at, mut lines) = (0, 0);
    let (mut buffer, mut parsed) = (Vec::new(), Parsed::default());
    while at < text.length() {
        if progress.is_cancelled() {
            return Err(ReconcileError::Cancelled);
        }
        let piece = piece(&text, &reader, at, &mut buffer)?;
        reader.read_into(piece, at, &mut parsed, |_| ());
        let place = Piece { text: piece, base: at, lines, reader: &reader, source: &source, columns };
        read.take(&place, &parsed, span_ms, most);
        lines += parsed.lines;
        at += piece.len() as u64;
    }
    Ok(read)
}

/// Where the columns are that no record holds.
#[derive(Clone, Copy)]
struct Columns {
    call_id: Option<usize>,
    codec: Option<usize>,
}

/// A piece of the text with its place.
struct Piece<'a> {
    text: &'a [u8],
    base: u64,
    /// Lines before it.
    lines: u64,
    reader: &'a RowReader,
    source: &'a Source,
    columns: Columns,
}

impl Records {
    fn take(&mut self, piece: &Piece<'_>, parsed: &Parsed, span_ms: [i64; 2], most: usize) {
        let (mut counted, mut line) = (0, piece.lines + 1);
        for record in &parsed.records {
            self.all += 1;
            let [first, last] = self.span_ms.unwrap_or([i64::MAX, i64::MIN]);
            self.span_ms = Some([first.min(record.start_ms), last.max(ends(record))]);
            if !(span_ms[0]..=span_ms[1]).contains(&record.start_ms) {
                self.outside += 1;
                continue;
            }
            if self.calls.len() >= most {
                self.beyond += 1;
                continue;
            }
            let offset = usize::try_from(record.place - piece.base).unwrap_or(0).min(piece.text.len());
            line += line_ends(&piece.text[counted..offset]);
            counted = offset;
            self.calls.push(piece.billed(record, offset, line, parsed));
        }
        self.rejections += parsed.rejected;
        for rejection in &parsed.rejections {
            if self.refused.len() >= MOST_REJECTED {
                break;
            }
            self.refused.push(Refused {
                line: piece.source.line(rejection.line + piece.lines),
                reason: rejection.reason.clone(),
                reason_zh: rejection.reason_zh.clone(),
            });
            self.rejected.push(rejection.text.clone());
        }
    }
}

/// The end of a call as its record tells it.
fn ends(record: &Record) -> i64 {
    let ring = if record.ring_ms == ABSENT_32 { 0 } else { i64::from(record.ring_ms) };
    record.start_ms.saturating_add(ring).saturating_add(i64::from(record.talk_ms))
}

fn line_ends(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl Piece<'_> {
    fn billed(&self, record: &Record, offset: usize, line: u64, parsed: &Parsed) -> BilledCall {
        let name = |names: &[String], number: Option<usize>| names.get(number?).cloned();
        let Columns { call_id, codec } = self.columns;
        let mut fields = Vec::new();
        if call_id.is_some() || codec.is_some() {
            fields = self.reader.fields(&self.text[offset..]);
        }
        let field = |column: Option<usize>| {
            fields.get(column?).map(|field| field.trim().to_owned()).filter(|field| !field.is_empty())
        };
        let gateway = (record.gateway != NO_NAME).then_some(usize::from(record.gateway));
        BilledCall {
            record: *record,
            line: self.source.line(line),
            call_id: field(call_id),
            codec: field(codec),
            gateway: name(&parsed.names.gateways, gateway),
            currency: name(&parsed.names.currencies, record.currency()),
        }
    }
}

fn codec_column(header: &[String]) -> Option<usize> {
    let plain = |name: &String| -> String {
        name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let names: Vec<String> = header.iter().map(plain).collect();
    CODEC_COLUMNS.iter().find_map(|wanted| names.iter().position(|name| name == wanted))
}

/// From a place on as much as ends with a record.
fn piece<'b>(
    text: &Text,
    reader: &RowReader,
    at: u64,
    buffer: &'b mut Vec<u8>,
) -> Result<&'b [u8], ReconcileError> {
    let left = usize::try_from(text.length() - at).unwrap_or(usize::MAX);
    let mut size = PIECE;
    loop {
        let length = size.min(left);
        buffer.resize(length, 0);
        text.fill(at, buffer)?;
        let whole = match reader.cut(buffer) {
            _ if length == left => length,
            0 if size < LONGEST => {
                size *= 2;
                continue;
            }
            // A quote that never ends: what can be told apart still is.
            0 => buffer.iter().rposition(|byte| *byte == b'\n').map_or(length, |found| found + 1),
            whole => whole,
        };
        return Ok(&buffer[..whole]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, span_ms: [i64; 2], most: usize) -> Records {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cdr.csv");
        std::fs::write(&path, text).unwrap();
        let input = Input { path, ..Input::default() };
        records(&input, Side::Ours, Some(folder.path()), |_| span_ms, most, &Progress::default()).unwrap()
    }

    const HEADER: &str = "call_id,caller,callee,start_time,answer_time,duration,billed_seconds,amount,currency,gateway,read_codec\n";

    #[test]
    fn a_record_has_its_identity_codec_names_and_the_line_of_the_users_file() {
        let mut text = HEADER.to_owned();
        for number in 0..20 {
            text.push_str(&format!(
                "\"call-{number}\",85230000001,86138000000{number:02},2026-04-03T00:{number:02}:00Z,\
                 2026-04-03T00:{number:02}:05Z,30,30,0.30,USD,gw-{},PCMA\n",
                number % 2
            ));
        }
        text.push_str("call-x,85230000001,8613800000099,not a time,,30,30,0.30,USD,gw-1,PCMA\n");
        let all = read(&text, [i64::MIN, i64::MAX], 1_000);
        assert_eq!((all.all, all.calls.len(), all.rejections), (20, 20, 1));
        assert_eq!(all.refused[0].line, 22);
        assert!(all.zone_known && all.says_talk && all.says_codec);
        for (number, call) in all.calls.iter().enumerate() {
            assert_eq!(call.line, number as u64 + 2);
            assert_eq!(call.call_id, Some(format!("call-{number}")));
            assert_eq!(call.gateway, Some(format!("gw-{}", number % 2)));
            assert_eq!((call.codec.as_deref(), call.currency.as_deref()), (Some("PCMA"), Some("USD")));
        }
        let first = all.calls[0].record.start_ms;
        let some = read(&text, [first + 60_000, first + 600_000], 3);
        assert_eq!((some.all, some.outside, some.beyond), (20, 10, 7));
        assert_eq!(some.calls[0].line, 3, "lines before what was left out still count");
        assert_eq!(some.calls[0].call_id.as_deref(), Some("call-1"));
    }
}
