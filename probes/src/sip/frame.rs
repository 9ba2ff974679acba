//! Messages out of a stream (RFC 3261 section 18.3): Content-Length says where each one ends.
//!
//! Empty lines between messages are keep-alives (RFC 5626 section 4.4.1) and are skipped. A message
//! without Content-Length is read as one without body: the standard forbids it, but the peer has
//! answered, and that is what a probe asks.

use super::error::SipError;
use super::message::{MAX_MESSAGE, Message};
use super::parse::parse_head;

/// Cuts a stream into messages. After an error the stream has lost its step: close the connection.
#[derive(Debug, Default)]
pub struct StreamFramer {
    buffer: Vec<u8>,
    /// Bytes already searched for the end of the headers, so that a dripping peer costs no more than a fast one.
    searched: usize,
    broken: Option<SipError>,
}

impl StreamFramer {
    /// A framer at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the stream gave.
    ///
    /// # Errors
    /// [`SipError::TooLarge`] when the caller piles up more than two messages may hold without taking any.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SipError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        if self.buffer.len() + bytes.len() > 2 * MAX_MESSAGE {
            return Err(self.fail(SipError::TooLarge { offset: self.buffer.len() }));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole message; `None` until more bytes come.
    ///
    /// # Errors
    /// [`SipError`]; its offset counts from the beginning of the message. The same error again ever after.
    pub fn next_message(&mut self) -> Result<Option<Message>, SipError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        if self.searched == 0 {
            let keep_alives = self.buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.buffer.drain(..keep_alives);
        }
        if !self.has_whole_head() {
            if self.buffer.len() > MAX_MESSAGE {
                return Err(self.fail(SipError::TooLarge { offset: MAX_MESSAGE }));
            }
            return Ok(None);
        }
        let head = parse_head(&self.buffer).map_err(|error| self.fail(error))?;
        let begin = head.length;
        let end = begin.saturating_add(head.content_length.unwrap_or(0));
        if end > MAX_MESSAGE {
            return Err(self.fail(SipError::TooLarge { offset: MAX_MESSAGE }));
        }
        let Some(body) = self.buffer.get(begin..end) else { return Ok(None) };
        let message = head.into_message(body);
        self.buffer.drain(..end);
        self.searched = 0;
        Ok(Some(message))
    }

    /// Whether an empty line ends the headers; remembers how far it looked.
    fn has_whole_head(&mut self) -> bool {
        // The end is LF LF or LF CR LF: step back by two in case it straddles two reads.
        let from = self.searched.saturating_sub(2);
        let fresh = &self.buffer[from..];
        let ends =
            |at: usize| fresh[at] == b'\n' && matches!(fresh[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]);
        if let Some(at) = (0..fresh.len()).find(|at| ends(*at)) {
            // Found again at once when the body is still on its way.
            self.searched = from + at + 2;
            return true;
        }
        self.searched = self.buffer.len();
        false
    }

    fn fail(&mut self, error: SipError) -> SipError {
        self.broken = Some(error);
        self.buffer = Vec::new();
        error
    }
}
