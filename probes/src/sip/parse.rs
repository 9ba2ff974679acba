//! Bytes of strangers into messages: total, bounded, strict where leniency would be ambiguous.
//!
//! Lenient: empty lines before the start line (RFC 3261 section 7.5), lines ended by a lone LF, a status
//! line without reason, bytes that are not UTF-8 (replaced; some gateways write names in GBK).
//! Strict: single spaces in the start line, SIP/2.0, codes 100 to 699, header names that are tokens, one
//! Content-Length, no bare CR, a body that is not shorter than announced (section 18.3).

use super::error::SipError;
use super::message::{
    Header, MAX_FIELD, MAX_HEADERS, MAX_MESSAGE, Message, Request, Response, StartLine, canonical_name,
};

impl Message {
    /// Reads one message, as a datagram holds it. Without Content-Length the body reaches to the end;
    /// bytes beyond Content-Length are dropped (RFC 3261 section 18.3).
    ///
    /// # Errors
    /// [`SipError`] names the offset and the cause.
    pub fn parse(bytes: &[u8]) -> Result<Self, SipError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(SipError::TooLarge { offset: MAX_MESSAGE });
        }
        let head = parse_head(bytes)?;
        let rest = bytes.get(head.length..).unwrap_or_default();
        let declared = head.content_length.unwrap_or(rest.len());
        let Some(body) = rest.get(..declared) else {
            return Err(SipError::Body { offset: head.length, declared, present: rest.len() });
        };
        Ok(head.into_message(body))
    }
}

/// Everything before the body.
pub(super) struct Head {
    start: StartLine,
    start_cut: bool,
    headers: Vec<Header>,
    /// What Content-Length says, if it is there.
    pub content_length: Option<usize>,
    /// Bytes up to and with the empty line.
    pub length: usize,
}

impl Head {
    pub(super) fn into_message(self, body: &[u8]) -> Message {
        Message { start: self.start, headers: self.headers, body: body.to_vec(), start_cut: self.start_cut }
    }
}

/// Reads start line and headers.
pub(super) fn parse_head(bytes: &[u8]) -> Result<Head, SipError> {
    let at = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let mut lines = Lines { bytes, at };
    let (offset, line) = lines.next_line()?;
    let (start, start_cut) = parse_start(line).map_err(|cause| SipError::StartLine { offset, cause })?;
    let mut head = Head { start, start_cut, headers: Vec::new(), content_length: None, length: 0 };
    let mut open: Option<OpenHeader<'_>> = None;
    loop {
        let (offset, line) = lines.next_line()?;
        if line.first().is_some_and(|byte| is_blank(*byte)) {
            let Some(header) = open.as_mut() else {
                return Err(SipError::Header { offset, cause: "a continuation without a header before it" });
            };
            header.fold(line);
            continue;
        }
        if let Some(header) = open.take() {
            head.close(header)?;
        }
        if line.is_empty() {
            head.length = lines.at;
            return Ok(head);
        }
        open = Some(OpenHeader::begin(offset, line)?);
    }
}

/// A header whose continuation lines may still follow.
struct OpenHeader<'a> {
    offset: usize,
    name: &'a [u8],
    value: Vec<u8>,
}

impl<'a> OpenHeader<'a> {
    fn begin(offset: usize, line: &'a [u8]) -> Result<Self, SipError> {
        let fail = |cause| SipError::Header { offset, cause };
        let colon = line.iter().position(|byte| *byte == b':').ok_or(fail("a line without a colon"))?;
        let name = trim(&line[..colon]);
        if name.is_empty() || !name.iter().all(|byte| is_token_byte(*byte)) {
            return Err(fail("the name is not a token"));
        }
        if name.len() > MAX_FIELD {
            return Err(fail("the name is too long"));
        }
        Ok(Self { offset, name, value: trim(&line[colon + 1..]).to_vec() })
    }

    fn fold(&mut self, line: &[u8]) {
        let more = trim(line);
        if !more.is_empty() && !self.value.is_empty() {
            self.value.push(b' ');
        }
        self.value.extend_from_slice(more);
    }
}

impl Head {
    fn close(&mut self, header: OpenHeader<'_>) -> Result<(), SipError> {
        let OpenHeader { offset, name, value } = header;
        let name = canonical_name(&String::from_utf8_lossy(name));
        if name.eq_ignore_ascii_case("Content-Length") {
            let length = content_length(&value).map_err(|cause| SipError::Header { offset, cause })?;
            if self.content_length.is_some_and(|before| before != length) {
                return Err(SipError::Header { offset, cause: "a second Content-Length that differs" });
            }
            self.content_length = Some(length);
            return Ok(());
        }
        if self.headers.len() >= MAX_HEADERS {
            return Err(SipError::TooManyHeaders { offset });
        }
        let (value, cut) = to_field(&value);
        self.headers.push(Header { name, value, cut });
        Ok(())
    }
}

fn parse_start(line: &[u8]) -> Result<(StartLine, bool), &'static str> {
    if line.len() >= 8 && line[..8].eq_ignore_ascii_case(b"SIP/2.0 ") {
        return parse_status(&line[8..]);
    }
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(uri), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("neither `METHOD URI SIP/2.0` nor `SIP/2.0 CODE REASON`");
    };
    if method.is_empty() || method.len() > MAX_FIELD || !method.iter().all(|byte| is_token_byte(*byte)) {
        return Err("the method is not a token");
    }
    if uri.is_empty() || uri.iter().any(u8::is_ascii_control) {
        return Err("the URI is empty or holds control characters");
    }
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Err("the version is not SIP/2.0");
    }
    let (uri, cut) = to_field(uri);
    let method = String::from_utf8_lossy(method).into_owned();
    Ok((StartLine::Request(Request { method, uri }), cut))
}

fn parse_status(rest: &[u8]) -> Result<(StartLine, bool), &'static str> {
    let (digits, reason) = match rest.iter().position(|byte| *byte == b' ') {
        Some(space) => (&rest[..space], &rest[space + 1..]),
        None => (rest, &[][..]),
    };
    if digits.len() != 3 || !digits.iter().all(u8::is_ascii_digit) {
        return Err("the status code is not three digits");
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if !(100..=699).contains(&code) {
        return Err("the status code is not within 100 to 699");
    }
    let (reason, cut) = to_field(reason);
    Ok((StartLine::Response(Response { code, reason }), cut))
}

fn content_length(value: &[u8]) -> Result<usize, &'static str> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err("Content-Length is not a number");
    }
    // Saturates: whatever does not fit is too long anyway, and is refused as that.
    let digit = |length: usize, byte: &u8| length.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
    Ok(value.iter().fold(0, digit))
}

/// A value as it is kept: trimmed, valid UTF-8, at most [`MAX_FIELD`] bytes; and whether it was cut.
pub(super) fn to_field(bytes: &[u8]) -> (String, bool) {
    let mut text = String::from_utf8_lossy(trim(bytes)).into_owned();
    if text.len() <= MAX_FIELD {
        return (text, false);
    }
    text.truncate(text.floor_char_boundary(MAX_FIELD));
    text.truncate(text.trim_end_matches([' ', '\t']).len());
    (text, true)
}

/// What RFC 3261 section 25.1 lets a token hold.
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    bytes
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line without its end, and where it begins.
    fn next_line(&mut self) -> Result<(usize, &'a [u8]), SipError> {
        let offset = self.at;
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err(SipError::Unfinished { offset: self.bytes.len() });
        };
        self.at = offset + end + 1;
        let line = &rest[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(stray) = line.iter().position(|byte| *byte == b'\r') {
            return Err(SipError::Header {
                offset: offset + stray,
                cause: "a carriage return within a line",
            });
        }
        Ok((offset, line))
    }
}
