//! From the bytes of one field to a value. Each kind has a short way for what nearly every row holds
//! and a long way for everything else; both say no to what they cannot read, none guesses.

pub mod decimal;
pub mod number;
pub mod span;
pub mod spelled;
pub mod time;
pub mod words;
pub mod wrong;
pub mod zone;

pub use wrong::{Fault, Wrong};

/// ASCII zeros in all eight bytes.
pub(super) const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Powers of ten that fit into 64 bits with a sign.
pub(super) const POWERS: [i64; 19] = {
    let mut powers = [1_i64; 19];
    let mut at = 1;
    while at < 19 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Eight bytes of `text` from `at`.
#[inline(always)]
pub(super) fn word(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Whether each byte (an ASCII digit less `0`) is at most nine.
#[inline(always)]
pub(super) const fn all_digits(values: u64) -> bool {
    (values | values.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0 == 0
}

/// The value of eight digits, the first in the lowest byte.
#[inline(always)]
pub(super) const fn eight_digits(values: u64) -> u64 {
    const MASK: u64 = 0x0000_00ff_0000_00ff;
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let high = (pairs & MASK).wrapping_mul(100 + (1_000_000 << 32));
    let low = ((pairs >> 16) & MASK).wrapping_mul(1 + (10_000 << 32));
    high.wrapping_add(low) >> 32
}

/// The value of one to sixteen digits in `text[from..to]`; `None` when it is anything else.
#[inline(always)]
pub(super) fn digits(text: &[u8], from: usize, to: usize) -> Option<u64> {
    let count = to.wrapping_sub(from);
    if count.wrapping_sub(1) >= 16 {
        return None;
    }
    if to < 16 {
        return few_digits(text.get(from..to)?);
    }
    let low = word(text, to - 8)? ^ ZEROS;
    if count <= 8 {
        let low = low & (u64::MAX << (64 - 8 * count));
        return if all_digits(low) { Some(eight_digits(low)) } else { None };
    }
    let high = (word(text, to - 16)? ^ ZEROS) & (u64::MAX << (128 - 8 * count));
    if all_digits(low) && all_digits(high) {
        return Some(eight_digits(high) * 100_000_000 + eight_digits(low));
    }
    None
}

/// The value of up to eighteen digits.
pub(super) fn few_digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        if byte.is_ascii_digit() { Some(value * 10 + u64::from(byte - b'0')) } else { None }
    })
}

/// Without blanks and the marks that spreadsheets put around text: `="..."` and a leading apostrophe;
/// without apostrophes that stand for quotes.
pub(super) fn bare(text: &[u8]) -> &[u8] {
    let mut text = trim(text);
    if let Some(inner) = text.strip_prefix(b"=\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        text = trim(inner);
    }
    if let Some(inner) = text.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        text = trim(inner);
    }
    match text.strip_prefix(b"'") {
        Some(inner) => trim(inner.strip_suffix(b"'").unwrap_or(inner)),
        None => text,
    }
}

/// Without blanks around it, the unbreakable and the wide one too.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    const BLANKS: [&[u8]; 5] =
        [b"\xc2\xa0", b"\xe3\x80\x80", b"\xe2\x80\xaf", b"\xef\xbb\xbf", b"\xe2\x80\x8b"];
    let mut text = text.trim_ascii();
    loop {
        let before = text.len();
        for blank in BLANKS {
            text = text.strip_prefix(blank).unwrap_or(text);
            text = text.strip_suffix(blank).unwrap_or(text);
        }
        text = text.trim_ascii();
        if text.len() == before {
            return text;
        }
    }
}

/// Whether a field says that there is nothing: empty, `-`, `NULL` and the like.
pub(super) fn is_blank(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 9] = [b"-", b"--", b"null", b"\\n", b"n/a", b"na", b"none", b"nil", b"nan"];
    text.is_empty() || text.len() <= 4 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}
