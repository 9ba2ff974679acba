//! Why bytes are not a SIP message: where, and what.

use super::message::{MAX_HEADERS, MAX_MESSAGE};

/// Why bytes are not a SIP message. `offset` counts bytes from the first one given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SipError {
    /// The message is larger than any datagram may be.
    #[error("byte {offset}: a message of more than {MAX_MESSAGE} bytes")]
    TooLarge {
        /// Where.
        offset: usize,
    },
    /// More headers than any honest peer sends.
    #[error("byte {offset}: more than {MAX_HEADERS} headers")]
    TooManyHeaders {
        /// Where the first surplus header begins.
        offset: usize,
    },
    /// The bytes end before the empty line that ends the headers.
    #[error("byte {offset}: the message ends within its headers")]
    Unfinished {
        /// Where the bytes end.
        offset: usize,
    },
    /// The start line is neither a request line nor a status line.
    #[error("byte {offset}: start line: {cause}")]
    StartLine {
        /// Where the line begins.
        offset: usize,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// A header line is malformed.
    #[error("byte {offset}: header: {cause}")]
    Header {
        /// Where the line begins.
        offset: usize,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// The body is shorter than Content-Length says.
    #[error("byte {offset}: Content-Length is {declared}, but {present} bytes follow the headers")]
    Body {
        /// Where the body begins.
        offset: usize,
        /// What the header says.
        declared: usize,
        /// What there is.
        present: usize,
    },
}

impl SipError {
    /// Where it went wrong, in bytes from the first one given.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match self {
            Self::TooLarge { offset }
            | Self::TooManyHeaders { offset }
            | Self::Unfinished { offset }
            | Self::StartLine { offset, .. }
            | Self::Header { offset, .. }
            | Self::Body { offset, .. } => *offset,
        }
    }
}
