//! Messages out of a TCP flow: Content-Length says where each one ends (RFC 3261 section 18.3).

use super::message::{head_length, looks_like_sip};
use crate::capture::net::Ordered;

/// Longest message, and so the most that is held.
const MAX_MESSAGE: usize = 128 << 10;

/// Cuts a flow into messages; finds its step again after a gap.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
}

impl Framer {
    /// Takes what came next and hands out each whole message.
    pub fn push(&mut self, ordered: Ordered<'_>, mut message: impl FnMut(&[u8])) {
        let bytes = match ordered {
            Ordered::Gap => return self.buffer.clear(),
            Ordered::Bytes(bytes) => bytes,
        };
        if self.buffer.len() + bytes.len() > MAX_MESSAGE {
            self.buffer.clear();
        }
        if bytes.len() > MAX_MESSAGE {
            return;
        }
        self.buffer.extend_from_slice(bytes);
        let mut begin = 0;
        while let Some(end) = self.next_end(&mut begin) {
            message(&self.buffer[begin..end]);
            begin = end;
        }
        self.buffer.drain(..begin);
    }

    /// Where the next message ends, when it is whole; moves `begin` over keep-alives and over what is none.
    fn next_end(&self, begin: &mut usize) -> Option<usize> {
        loop {
            let rest = self.buffer.get(*begin..)?;
            *begin += rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let rest = self.buffer.get(*begin..)?;
            let line = 1 + rest.iter().position(|byte| *byte == b'\n')?;
            if looks_like_sip(rest) {
                let head = head_length(rest)?;
                let end = *begin + head + content_length(&rest[..head]);
                return (end <= self.buffer.len()).then_some(end);
            }
            *begin += line;
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = line[..colon].trim_ascii();
        if name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l") {
            let value = std::str::from_utf8(line[colon + 1..].trim_ascii()).ok();
            return value.and_then(|value| value.parse::<usize>().ok()).unwrap_or(0).min(MAX_MESSAGE);
        }
    }
    0
}
