//! A SIP message: start line, headers, body (RFC 3261 section 7); building one and answering one.
//!
//! What is held is canonical: compact header names are spelled out, folded lines are joined, values
//! are trimmed, and Content-Length is not kept because the body's own length is the truth. So
//! `Message::parse(&message.to_bytes())` gives the message back, unless a field was cut.
//!
//! Deliberately absent: typed headers beyond the few that matching an answer needs.

use std::net::SocketAddr;

use super::parse::{is_token_byte, to_field};

/// Largest message read or written, in bytes: the largest datagram.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Most headers in a message.
pub const MAX_HEADERS: usize = 256;
/// Longest field kept, in bytes; what is longer is cut and flagged.
pub const MAX_FIELD: usize = 1024;

/// A request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub(super) start: StartLine,
    pub(super) headers: Vec<Header>,
    pub(super) body: Vec<u8>,
    pub(super) start_cut: bool,
}

/// First line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartLine {
    /// Request line (RFC 3261 section 7.1).
    Request(Request),
    /// Status line (RFC 3261 section 7.2).
    Response(Response),
}

/// A request line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method, as `OPTIONS`; methods are case-sensitive.
    pub method: String,
    /// Request URI.
    pub uri: String,
}

/// A status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code, 100 to 699.
    pub code: u16,
    /// Reason phrase, as the peer wrote it.
    pub reason: String,
}

/// One header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Name, never in compact form.
    pub name: String,
    /// Value, unfolded and trimmed; bytes that are not UTF-8 are replaced.
    pub value: String,
    /// Whether the value was longer than [`MAX_FIELD`] and lost its end.
    pub cut: bool,
}

impl Message {
    /// A request without headers. Spaces and control characters in the URI, and what is no token in
    /// the method, are replaced by `-`.
    #[must_use]
    pub fn request(method: &str, uri: &str) -> Self {
        let uri: String =
            uri.chars().map(|c| if c.is_ascii_control() || c == ' ' { '-' } else { c }).collect();
        let (mut uri, start_cut) = to_field(uri.as_bytes());
        if uri.is_empty() {
            uri.push('-');
        }
        let start = StartLine::Request(Request { method: token(method), uri });
        Self { start, headers: Vec::new(), body: Vec::new(), start_cut }
    }

    /// A response without headers; a code outside 100 to 699 is moved to the nearer end.
    #[must_use]
    pub fn response(code: u16, reason: &str) -> Self {
        let (reason, start_cut) = to_field(one_line(reason).as_bytes());
        let start = StartLine::Response(Response { code: code.clamp(100, 699), reason });
        Self { start, headers: Vec::new(), body: Vec::new(), start_cut }
    }

    /// Adds a header at the end. Line breaks in the value become spaces, so a value can never smuggle
    /// in a header; Content-Length is left out, it is written from the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = canonical_name(&token(name));
        if name.eq_ignore_ascii_case("Content-Length") {
            return self;
        }
        let (value, cut) = to_field(one_line(value).as_bytes());
        self.headers.push(Header { name, value, cut });
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.headers.retain(|header| !header.name.eq_ignore_ascii_case("Content-Type"));
        self.body = body.to_vec();
        self.with("Content-Type", content_type)
    }

    /// The start line.
    #[must_use]
    pub const fn start(&self) -> &StartLine {
        &self.start
    }

    /// The request line, if this is a request.
    #[must_use]
    pub const fn as_request(&self) -> Option<&Request> {
        match &self.start {
            StartLine::Request(request) => Some(request),
            StartLine::Response(_) => None,
        }
    }

    /// The status line, if this is a response.
    #[must_use]
    pub const fn as_response(&self) -> Option<&Response> {
        match &self.start {
            StartLine::Response(response) => Some(response),
            StartLine::Request(_) => None,
        }
    }

    /// Value of the first header of this name; any case, long or compact form.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    /// Values of all headers of this name, in order.
    pub fn headers_named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = canonical_name(name);
        self.headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(&name)).map(|h| h.value.as_str())
    }

    /// All headers, in order.
    #[must_use]
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether any field was longer than [`MAX_FIELD`] and lost its end.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.start_cut || self.headers.iter().any(|header| header.cut)
    }

    /// The topmost Via value, also when one line holds several.
    #[must_use]
    pub fn top_via(&self) -> Option<&str> {
        self.header("Via").and_then(|line| split_outside_quotes(line, ',').first().copied()).map(str::trim)
    }

    /// The branch of the topmost Via: the identity of the transaction.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.top_via().and_then(|via| parameter(via, "branch"))
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.header("Call-ID")
    }

    /// Sequence number and method of the CSeq.
    #[must_use]
    pub fn cseq(&self) -> Option<(u32, &str)> {
        let mut words = self.header("CSeq")?.split_ascii_whitespace();
        let number = words.next()?.parse().ok()?;
        let method = words.next()?;
        words.next().is_none().then_some((number, method))
    }

    /// Writes the message as it goes over the wire; Content-Length is that of the body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = match &self.start {
            StartLine::Request(Request { method, uri }) => format!("{method} {uri} SIP/2.0\r\n"),
            StartLine::Response(Response { code, reason }) => format!("SIP/2.0 {code} {reason}\r\n"),
        };
        for Header { name, value, .. } in &self.headers {
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
            text.push_str("\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Writes into the topmost Via where the request really came from, so that the answer finds its way
    /// through address translation (RFC 3261 section 18.2.1, RFC 3581 section 4).
    pub fn note_source(&mut self, peer: SocketAddr) {
        let Some(header) = self.headers.iter_mut().find(|header| header.name.eq_ignore_ascii_case("Via"))
        else {
            return;
        };
        let values = split_outside_quotes(&header.value, ',');
        let mut noted = String::new();
        for (position, value) in values.iter().enumerate() {
            if position > 0 {
                noted.push_str(", ");
                noted.push_str(value.trim());
                continue;
            }
            for (place, piece) in
                split_outside_quotes(value, ';').iter().map(|piece| piece.trim()).enumerate()
            {
                if piece.len() >= 9
                    && piece.is_char_boundary(9)
                    && piece[..9].eq_ignore_ascii_case("received=")
                {
                    continue;
                }
                if place > 0 {
                    noted.push(';');
                }
                noted.push_str(piece);
                if piece.eq_ignore_ascii_case("rport") {
                    noted.push_str(&format!("={}", peer.port()));
                }
            }
            noted.push_str(&format!(";received={}", peer.ip()));
        }
        let (value, cut) = to_field(noted.as_bytes());
        header.value = value;
        header.cut |= cut;
    }
}

/// A response to `request` with what must be copied from it (RFC 3261 section 8.2.6): Via, From, To,
/// Call-ID, CSeq, and for 100 the Timestamp.
///
/// A To without tag gets one, save for 100. The tag is derived from the request, so that every answer
/// to one request and its retransmissions carries the same (section 8.2.7) without any state.
#[must_use]
pub fn respond_to(request: &Message, code: u16, reason: &str) -> Message {
    let mut response = Message::response(code, reason);
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        for value in request.headers_named(name) {
            if name == "To" && code != 100 && parameter(value, "tag").is_none() {
                response = response.with(name, &format!("{value};tag={:016x}", fingerprint(request)));
            } else {
                response = response.with(name, value);
            }
        }
    }
    match request.header("Timestamp") {
        Some(timestamp) if code == 100 => response.with("Timestamp", timestamp),
        _ => response,
    }
}

/// FNV-1a over what identifies a request: not secret, only the same again for the same request.
fn fingerprint(request: &Message) -> u64 {
    let identity = ["Call-ID", "From", "CSeq"].into_iter().filter_map(|name| request.header(name));
    let bytes = identity.chain(request.branch()).flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Value of a parameter after the first `;` of a header value (Via, From, To, Contact): empty for a
/// parameter without value, `None` when it is not there. Quoted strings and `<URI>`s are skipped.
#[must_use]
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    split_outside_quotes(value, ';').into_iter().skip(1).find_map(|piece| {
        let (key, content) = piece.split_once('=').unwrap_or((piece, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| content.trim())
    })
}

/// Splits at a separator, but not within `"quoted strings"` nor `<angle brackets>`.
pub(super) fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut pieces, mut begin) = (Vec::new(), 0);
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '<' => bracketed = true,
            '>' => bracketed = false,
            _ if character == separator && !bracketed => {
                pieces.push(&text[begin..at]);
                begin = at + character.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(&text[begin..]);
    pieces
}

/// The long name of a compact one (RFC 3261 section 7.3.3 and the registry that followed).
pub(super) fn canonical_name(name: &str) -> String {
    let [letter] = name.as_bytes() else { return name.to_owned() };
    let long = match letter.to_ascii_lowercase() {
        b'a' => "Accept-Contact",
        b'b' => "Referred-By",
        b'c' => "Content-Type",
        b'd' => "Request-Disposition",
        b'e' => "Content-Encoding",
        b'f' => "From",
        b'i' => "Call-ID",
        b'j' => "Reject-Contact",
        b'k' => "Supported",
        b'l' => "Content-Length",
        b'm' => "Contact",
        b'n' => "Identity-Info",
        b'o' => "Event",
        b'r' => "Refer-To",
        b's' => "Subject",
        b't' => "To",
        b'u' => "Allow-Events",
        b'v' => "Via",
        b'x' => "Session-Expires",
        b'y' => "Identity",
        _ => name,
    };
    long.to_owned()
}

fn token(text: &str) -> String {
    let clean = |byte: u8| if is_token_byte(byte) { char::from(byte) } else { '-' };
    let token: String = text.bytes().take(MAX_FIELD).map(clean).collect();
    if token.is_empty() { "-".to_owned() } else { token }
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
