//! Fragments back into datagrams (RFC 791, RFC 8200 section 4.5), a bounded number of them.

use std::collections::HashMap;

use super::Endpoint;

/// Datagrams in the making at once.
const MAX_UNFINISHED: usize = 256;
/// Fragments of one datagram.
const MAX_PARTS: usize = 64;
/// Longest datagram.
const MAX_LENGTH: usize = 65_535;
/// How long the rest is waited for (RFC 8200: 60 s).
const PATIENCE: i64 = 60_000_000_000;

/// Which datagram a fragment is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FragmentKey {
    pub(super) source: Endpoint,
    pub(super) destination: Endpoint,
    pub(super) protocol: u8,
    pub(super) identification: u32,
}

/// Where in its datagram a fragment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) identification: u32,
    pub(super) offset: usize,
    pub(super) more: bool,
}

#[derive(Default)]
struct Unfinished {
    begun: i64,
    bytes: Vec<u8>,
    /// Which parts are there: begin and end.
    parts: Vec<(usize, usize)>,
    /// Known with the last fragment.
    length: Option<usize>,
}

#[derive(Default)]
pub(super) struct Fragments {
    unfinished: HashMap<FragmentKey, Unfinished>,
}

impl Fragments {
    /// Adds a fragment; true when its datagram is whole now and lies in `whole`.
    pub(super) fn join(
        &mut self,
        at: i64,
        key: FragmentKey,
        fragment: Fragment,
        payload: &[u8],
        whole: &mut Vec<u8>,
    ) -> bool {
        let end = fragment.offset + payload.len();
        if payload.is_empty() || end > MAX_LENGTH {
            return false;
        }
        if !self.unfinished.contains_key(&key) && self.unfinished.len() >= MAX_UNFINISHED {
            self.make_room(at);
        }
        let datagram =
            self.unfinished.entry(key).or_insert_with(|| Unfinished { begun: at, ..Unfinished::default() });
        if at - datagram.begun > PATIENCE || datagram.parts.len() >= MAX_PARTS {
            *datagram = Unfinished { begun: at, ..Unfinished::default() };
        }
        if datagram.bytes.len() < end {
            datagram.bytes.resize(end, 0);
        }
        datagram.bytes[fragment.offset..end].copy_from_slice(payload);
        datagram.parts.push((fragment.offset, end));
        if !fragment.more {
            datagram.length = Some(end);
        }
        if !datagram.is_whole() {
            return false;
        }
        let Some(mut datagram) = self.unfinished.remove(&key) else { return false };
        datagram.bytes.truncate(datagram.length.unwrap_or(0));
        *whole = datagram.bytes;
        true
    }

    /// Datagrams in the making.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.unfinished.len()
    }

    /// Forgets what came too long ago, else the oldest.
    fn make_room(&mut self, at: i64) {
        self.unfinished.retain(|_, datagram| at - datagram.begun <= PATIENCE);
        if self.unfinished.len() >= MAX_UNFINISHED {
            let oldest =
                self.unfinished.iter().min_by_key(|(_, datagram)| datagram.begun).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                self.unfinished.remove(&oldest);
            }
        }
    }
}

impl Unfinished {
    fn is_whole(&mut self) -> bool {
        let Some(length) = self.length else { return false };
        self.parts.sort_unstable();
        let mut reached = 0;
        for (begin, end) in &self.parts {
            if *begin > reached {
                return false;
            }
            reached = reached.max(*end);
        }
        reached >= length
    }
}
