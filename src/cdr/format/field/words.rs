//! Fields of words: names that are counted off, answers, currencies, identities.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{bare, word};

/// Slots of the short way; a power of two.
const SLOTS: usize = 256;

/// Gives names their numbers, in the order in which they come.
#[derive(Debug)]
pub struct Counted {
    names: Vec<String>,
    all: HashMap<Vec<u8>, u16>,
    /// By hash: the name's first and last bytes as [`Counted::known_by`] has them, its length, its number.
    slots: Vec<((u64, u64), usize, u16)>,
    most: usize,
}

impl Counted {
    /// For at most so many names.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { names: Vec::new(), all: HashMap::new(), slots: vec![((0, 0), 0, 0); SLOTS], most }
    }

    /// The names by their numbers.
    #[must_use]
    pub fn into_names(self) -> Vec<String> {
        self.names
    }

    /// Number of the name in `text[from..to]`, which is not empty; `None` when there are too many, or
    /// it is blank after all.
    #[inline(always)]
    pub fn number(&mut self, text: &[u8], from: usize, to: usize) -> Option<u16> {
        let raw = text.get(from..to)?;
        let length = raw.len();
        let ends = match length {
            0 | 17.. => return self.look_up(raw),
            9..=16 => (word(text, from)?, word(text, to - 8)?),
            _ => (raw.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0),
        };
        if let Some(number) = self.known_by(ends, length) {
            return Some(number);
        }
        let number = self.look_up(raw)?;
        if let Some(slot) = self.slots.get_mut(slot(ends)) {
            *slot = (ends, length, number);
        }
        Some(number)
    }

    /// Number of a name of at most sixteen bytes, by its first and its last eight, or by all that it has and
    /// nothing, if it has come lately.
    #[inline(always)]
    pub fn known_by(&self, ends: (u64, u64), length: usize) -> Option<u16> {
        let (kept, long, number) = self.slots.get(slot(ends))?;
        if *kept == ends && *long == length { Some(*number) } else { None }
    }

    #[inline(never)]
    fn look_up(&mut self, raw: &[u8]) -> Option<u16> {
        if let Some(number) = self.all.get(raw) {
            return Some(*number);
        }
        let name = unquoted(bare(raw));
        if super::is_blank(&name) {
            return None;
        }
        self.named(raw, &String::from_utf8_lossy(&name))
    }

    /// Number of what is written as `raw`, if it has come before.
    pub fn known(&self, raw: &[u8]) -> Option<u16> {
        self.all.get(raw).copied()
    }

    /// Number of `name`, which is written as `raw` here.
    pub fn named(&mut self, raw: &[u8], name: &str) -> Option<u16> {
        let number = match self.all.get(name.as_bytes()) {
            Some(number) => *number,
            None if self.names.len() >= self.most => return None,
            None => {
                let number = u16::try_from(self.names.len()).ok()?;
                self.names.push(name.to_owned());
                self.all.insert(name.as_bytes().to_vec(), number);
                number
            }
        };
        self.all.insert(raw.to_vec(), number);
        Some(number)
    }
}

/// Where a name is looked for first.
#[inline(always)]
const fn slot((head, tail): (u64, u64)) -> usize {
    ((head ^ tail.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

/// With doubled quotes as one.
#[must_use]
pub fn unquoted(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.windows(2).any(|pair| pair == b"\"\"") {
        return Cow::Borrowed(text);
    }
    let mut kept = Vec::with_capacity(text.len());
    let mut doubled = false;
    for byte in text {
        doubled = *byte == b'"' && !doubled;
        if *byte != b'"' || doubled {
            kept.push(*byte);
        }
    }
    Cow::Owned(kept)
}

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// [`identity`] of eight to sixteen bytes, by the first and the last eight of them.
#[inline(always)]
#[must_use]
pub fn short_identity(head: u64, tail: u64, length: usize) -> u32 {
    let mut hash = (length as u64).wrapping_mul(FACTOR);
    hash = (hash ^ head).wrapping_mul(FACTOR);
    hash = (hash ^ hash >> 29 ^ tail).wrapping_mul(FACTOR);
    hash ^= hash >> 29;
    ((hash.wrapping_mul(FACTOR) >> 32) as u32).max(1)
}

/// Hash of a call's identity, never 0 but for an empty one.
#[inline(always)]
#[must_use]
pub fn identity(text: &[u8], from: usize, to: usize) -> u32 {
    let length = to - from;
    if (8..=16).contains(&length)
        && let (Some(head), Some(tail)) = (word(text, from), word(text, to - 8))
    {
        return short_identity(head, tail, length);
    }
    let mut hash = (length as u64).wrapping_mul(FACTOR);
    let mut at = from;
    while at + 8 <= to {
        hash = (hash ^ word(text, at).unwrap_or_default()).wrapping_mul(FACTOR);
        hash ^= hash >> 29;
        at += 8;
    }
    if at < to {
        let last = match word(text, at) {
            Some(last) => last & (u64::MAX >> (64 - 8 * (to - at))),
            None => text
                .get(at..to)
                .unwrap_or_default()
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        hash = (hash ^ last).wrapping_mul(FACTOR);
        hash ^= hash >> 29;
    }
    ((hash.wrapping_mul(FACTOR) >> 32) as u32).max(1)
}

/// Whether `text` is one of `words`, whatever the case.
#[must_use]
pub fn is_one_of(text: &[u8], words: &[String]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a disposition means that the call was answered; `None` when it says nothing.
#[must_use]
pub fn answered(text: &[u8], words: &[String]) -> Option<bool> {
    if words.is_empty() {
        return None;
    }
    let text = bare(text);
    if is_one_of(text, words) {
        return Some(true);
    }
    if super::is_blank(text) {
        return None;
    }
    // A SIP response, alone or with its reason: `200 OK`, `486 Busy here`.
    let code = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    if code.len() == 3 && super::few_digits(code).is_some() {
        return Some(code.starts_with(b"2"));
    }
    Some(false)
}

/// ISO 4217, as far as a name in use says it.
#[must_use]
pub fn currency(text: &[u8]) -> String {
    let name = String::from_utf8_lossy(&unquoted(bare(text))).to_ascii_uppercase();
    match name.as_str() {
        "RMB" | "元" | "人民币" | "CNH" => "CNY".to_owned(),
        "€" => "EUR".to_owned(),
        "$" | "US$" => "USD".to_owned(),
        "£" => "GBP".to_owned(),
        _ => name,
    }
}
