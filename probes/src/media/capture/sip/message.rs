//! One SIP message (RFC 3261 section 7): start line, the headers that tell calls apart, body.

use std::borrow::Cow;

/// Most header lines that are looked at.
const MAX_LINES: usize = 256;
/// Longest value kept; what is longer is cut.
const MAX_VALUE: usize = 512;
/// Longest start line.
const MAX_START: usize = 2_048;

/// First line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A request by its method.
    Request(String),
    /// A response by its status code.
    Response(u16),
}

/// From or To.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// User part of the URI: mostly a number.
    pub user: String,
    /// Host part.
    pub host: String,
    /// The tag; empty without one.
    pub tag: String,
}

impl Party {
    /// As `user@host`, as far as known.
    #[must_use]
    pub fn address(&self) -> String {
        match (self.user.is_empty(), self.host.is_empty()) {
            (false, false) => format!("{}@{}", self.user, self.host),
            (false, true) => self.user.clone(),
            (true, _) => self.host.clone(),
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// First line.
    pub start: Start,
    /// Call-ID.
    pub call_id: String,
    /// Who called.
    pub from: Party,
    /// Who was called.
    pub to: Party,
    /// Sequence number of the request.
    pub cseq: u32,
    /// Method of the request.
    pub method: String,
    /// Branch of the topmost Via: the transaction.
    pub branch: String,
    /// Session-ID (RFC 7989), which survives back-to-back user agents; empty without one.
    pub session_id: String,
    /// Content-Type; empty without one.
    pub content_type: String,
    /// The body, as far as it was captured.
    pub body: &'a [u8],
}

/// Whether these bytes begin a SIP message: a status line or a request line.
#[must_use]
pub fn looks_like_sip(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"SIP/2.0 ") {
        return true;
    }
    // The cheapest test first: nearly every datagram is media.
    if !bytes.first().is_some_and(u8::is_ascii_uppercase) {
        return false;
    }
    let window = &bytes[..bytes.len().min(MAX_START)];
    let line = window.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some(head) = line.strip_suffix(b" SIP/2.0") else { return false };
    let method = head.split(|byte| *byte == b' ').next().unwrap_or_default();
    method.len() < head.len() && method.len() <= 32 && method.iter().all(u8::is_ascii_uppercase)
}

impl<'a> Message<'a> {
    /// Reads a message; `None` without a start line, a Call-ID or a CSeq.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let skipped = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let bytes = &bytes[skipped..];
        if !looks_like_sip(bytes) {
            return None;
        }
        let (head, body) = split_head(bytes);
        let mut lines = unfolded(head);
        let mut message = Self {
            start: start(&lines.next()?)?,
            call_id: String::new(),
            from: Party::default(),
            to: Party::default(),
            cseq: 0,
            method: String::new(),
            branch: String::new(),
            session_id: String::new(),
            content_type: String::new(),
            body,
        };
        let mut length = None;
        for line in lines.take(MAX_LINES) {
            let Some((name, value)) = line.split_once(':') else { continue };
            message.note(name.trim(), value.trim(), &mut length);
        }
        if let Some(length) = length {
            message.body = body.get(..length).unwrap_or(body);
        }
        (!message.call_id.is_empty() && !message.method.is_empty()).then_some(message)
    }

    fn note(&mut self, name: &str, value: &str, length: &mut Option<usize>) {
        let is =
            |long: &str, short: &str| name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(short);
        let value = cut(value);
        // Of what may only stand once, the first counts; of Via, the first is the topmost.
        if is("Call-ID", "i") && self.call_id.is_empty() {
            self.call_id = value.to_owned();
        } else if is("From", "f") && self.from == Party::default() {
            self.from = party(value);
        } else if is("To", "t") && self.to == Party::default() {
            self.to = party(value);
        } else if is("CSeq", "CSeq") && self.method.is_empty() {
            let mut words = value.split_ascii_whitespace();
            self.cseq = words.next().and_then(|number| number.parse().ok()).unwrap_or(0);
            self.method = words.next().unwrap_or_default().to_owned();
        } else if is("Via", "v") && self.branch.is_empty() {
            let top = value.split(',').next().unwrap_or_default();
            self.branch = parameter(top, "branch").unwrap_or_default().to_owned();
        } else if is("Session-ID", "Session-ID") && self.session_id.is_empty() {
            self.session_id = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        } else if is("Content-Type", "c") && self.content_type.is_empty() {
            self.content_type = value.to_owned();
        } else if is("Content-Length", "l") && length.is_none() {
            *length = value.parse().ok();
        }
    }

    /// The session description, alone or as a part of several (RFC 5621).
    #[must_use]
    pub fn session_description(&self) -> Option<&'a [u8]> {
        if self.body.is_empty() {
            return None;
        }
        let kind = self.content_type.to_ascii_lowercase();
        if kind.starts_with("multipart/") {
            return part_with_sdp(self.body);
        }
        (kind.starts_with("application/sdp") || (kind.is_empty() && self.body.starts_with(b"v=0")))
            .then_some(self.body)
    }
}

/// The part of a multipart body that is SDP: from its `v=0` to the next boundary.
fn part_with_sdp(body: &[u8]) -> Option<&[u8]> {
    let begin = 1 + find(body, b"\nv=0")?;
    let part = &body[begin..];
    Some(&part[..find(part, b"\n--").map_or(part.len(), |end| end + 1)])
}

/// First place of a short pattern.
pub(super) fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// Where the headers end and the body begins.
pub(super) fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == b'\n') {
        let after = from + at + 1;
        match bytes.get(after..)? {
            [b'\n', ..] => return Some(after + 1),
            [b'\r', b'\n', ..] => return Some(after + 2),
            _ => from = after,
        }
    }
    None
}

fn split_head(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(head_length(bytes).unwrap_or(bytes.len()))
}

/// Header lines, continuation lines joined (RFC 3261 section 7.3.1).
fn unfolded(head: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let mut lines =
        head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).peekable();
    std::iter::from_fn(move || {
        let mut line = String::from_utf8_lossy(lines.next()?);
        while let Some(more) = lines.next_if(|next| matches!(next, [b' ' | b'\t', ..])) {
            if line.len() < 4 * MAX_VALUE {
                let line = line.to_mut();
                line.push(' ');
                line.push_str(String::from_utf8_lossy(more).trim());
            }
        }
        Some(line)
    })
}

fn start(line: &str) -> Option<Start> {
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        let code = rest.split(' ').next()?.parse().ok()?;
        return (100..=699).contains(&code).then_some(Start::Response(code));
    }
    Some(Start::Request(line.split(' ').next()?.to_owned()))
}

fn cut(value: &str) -> &str {
    &value[..value.floor_char_boundary(MAX_VALUE)]
}

/// `"Name" <sip:user@host;x>;tag=t`, or without brackets.
fn party(value: &str) -> Party {
    let (uri, parameters) = match (value.find('<'), value.rfind('>')) {
        (Some(begin), Some(end)) if begin < end => (&value[begin + 1..end], &value[end + 1..]),
        _ => value.split_at(value.find(';').unwrap_or(value.len())),
    };
    let address = match uri.trim().split_once(':') {
        Some((scheme, rest)) if matches!(scheme.to_ascii_lowercase().as_str(), "sip" | "sips" | "tel") => {
            rest
        }
        _ => uri.trim(),
    };
    let address = address.split([';', '?']).next().unwrap_or_default();
    let is_tel = uri.trim().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
    let (user, host) = match address.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None if is_tel => (address, ""),
        None => ("", address),
    };
    // A password after the user is nobody's business.
    let user = user.split(':').next().unwrap_or_default();
    let tag = parameter(parameters, "tag").unwrap_or_default();
    Party { user: user.to_owned(), host: host.to_owned(), tag: tag.to_owned() }
}

/// A parameter behind `;`.
fn parameter<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    value.split(';').find_map(|piece| {
        let (key, content) = piece.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| content.trim().trim_matches('"'))
    })
}
