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
    /// By hash: the name's first eight bytes, its length, its number.
    slots: Vec<(u64, usize, u16)>,
    most: usize,
}

impl Counted {
    /// For at most so many names.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { names: Vec::new(), all: HashMap::new(), slots: vec![(0, 0, 0); SLOTS], most }
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
        let length = to - from;
        if length > 8 {
            return self.look_up(text.get(from..to)?);
        }
        let Some(bytes) = word(text, from) else { return self.look_up(text.get(from..to)?) };
        let bytes = bytes & (u64::MAX >> (64 - 8 * length));
        let hash = (bytes.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
        if let Some((kept, long, number)) = self.slots.get(hash)
            && *kept == bytes
            && *long == length
        {
            return Some(*number);
        }
        let number = self.look_up(text.get(from..to)?)?;
        if let Some(slot) = self.slots.get_mut(hash) {
            *slot = (bytes, length, number);
        }
        Some(number)
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

/// Hash of a call's identity, never 0 but for an empty one.
#[inline(always)]
#[must_use]
pub fn identity(text: &[u8], from: usize, to: usize) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let length = to - from;
    let mut hash = (length as u64).wrapping_mul(FACTOR);
    if (8..=16).contains(&length)
        && let (Some(head), Some(tail)) = (word(text, from), word(text, to - 8))
    {
        hash = (hash ^ head).wrapping_mul(FACTOR);
        hash = (hash ^ hash >> 29 ^ tail).wrapping_mul(FACTOR);
        hash ^= hash >> 29;
        return ((hash.wrapping_mul(FACTOR) >> 32) as u32).max(1);
    }
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
