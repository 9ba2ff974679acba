//! Party numbers: what stands around the digits goes, what may mean something stays.

use std::cmp::Ordering;

use crate::number::Number;

use super::{Wrong, bare, digits, trim};

/// A number and the technical prefix that stood before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The number after it.
    pub number: Number,
    /// Digits up to and with the last `#` or `*`; empty for none.
    pub tech: Vec<u8>,
}

/// The usual: up to sixteen digits, perhaps after a `+`.
#[inline(always)]
pub fn plain(text: &[u8], from: usize, to: usize) -> Option<Number> {
    let from = from + usize::from(text.get(from) == Some(&b'+'));
    let value = digits(text, from, to)?;
    Number::from_digits(value, (to - from) as u32)
}

/// Words for a party that does not want to be named, or is not known.
const NOBODY: [&[u8]; 9] = [
    b"anonymous",
    b"unknown",
    b"restricted",
    b"private",
    b"withheld",
    b"unavailable",
    b"blocked",
    b"asserted",
    b"<unknown>",
];

/// Any number: `sip:` and `tel:` addresses, a name with the number in angle brackets, separators,
/// parameters, spreadsheet damage.
pub fn any(text: &[u8]) -> Result<Party, Wrong> {
    let nobody = Party { number: Number::NONE, tech: Vec::new() };
    let mut text = bare(text);
    if super::is_blank(text) || is_nobody(text) {
        return Ok(nobody);
    }
    if let Some(open) = text.iter().rposition(|byte| *byte == b'<')
        && let Some(close) = text.iter().skip(open).position(|byte| *byte == b'>')
    {
        text = trim(text.get(open + 1..open + close).unwrap_or_default());
    }
    for scheme in [b"sip:".as_slice(), b"sips:", b"tel:"] {
        let head = text.get(..scheme.len()).unwrap_or_default();
        if head.eq_ignore_ascii_case(scheme) {
            text = text.get(scheme.len()..).unwrap_or_default();
        }
    }
    text = text.split(|byte| matches!(byte, b'@' | b';')).next().unwrap_or_default();
    text = trim(text);
    if text.is_empty() || is_nobody(text) {
        return Ok(nobody);
    }
    if let Some(recovered) = from_spreadsheet(text)? {
        return Ok(Party { number: recovered, tech: Vec::new() });
    }
    // A sign at the very end only says that dialling was over.
    let dialled = text.strip_suffix(b"#").unwrap_or(text);
    let (tech, rest) = match dialled.iter().rposition(|byte| matches!(byte, b'#' | b'*')) {
        Some(at) => dialled.split_at(at + 1),
        None => (<&[u8]>::default(), dialled),
    };
    if !tech.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'#' | b'*' | b'+')) {
        return Ok(Party { number: Number::hashed(text), tech: Vec::new() });
    }
    Ok(match pure(rest) {
        Some(number) => Party { number, tech: tech.to_vec() },
        None => Party { number: Number::hashed(text), tech: Vec::new() },
    })
}

fn is_nobody(text: &[u8]) -> bool {
    NOBODY.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The digits of `text` when it holds nothing but them and separators. Beyond eighteen they are hashed.
fn pure(text: &[u8]) -> Option<Number> {
    let mut kept = [0_u8; 40];
    let mut count = 0;
    let mut rest = text.strip_prefix(b"+").unwrap_or(text);
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'0'..=b'9' => {
                *kept.get_mut(count)? = *byte;
                count += 1;
                rest = after;
            }
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' | b'\t' => rest = after,
            // Marks of direction and blanks that copying brings along.
            0xc2 | 0xe2 => rest = without_mark(rest)?,
            _ => return None,
        }
    }
    let kept = kept.get(..count).filter(|kept| !kept.is_empty())?;
    let value = super::few_digits(kept);
    Some(
        value
            .and_then(|value| Number::from_digits(value, count as u32))
            .unwrap_or_else(|| Number::hashed(kept)),
    )
}

fn without_mark(text: &[u8]) -> Option<&[u8]> {
    const MARKS: [&str; 12] = [
        "\u{a0}", "\u{ad}", "\u{200b}", "\u{200e}", "\u{200f}", "\u{2010}", "\u{2011}", "\u{202a}",
        "\u{202c}", "\u{202d}", "\u{202f}", "\u{2013}",
    ];
    MARKS.iter().find_map(|mark| text.strip_prefix(mark.as_bytes()))
}

/// A number that a spreadsheet or a float has been at: `8.613800000001E+12`, `8613800000001.0`.
fn from_spreadsheet(text: &[u8]) -> Result<Option<Number>, Wrong> {
    let Some(at) = text.iter().position(|byte| matches!(byte, b'e' | b'E')) else {
        return Ok(without_float_tail(text).and_then(pure));
    };
    let (mantissa, power) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
    let power = power.strip_prefix(b"+").unwrap_or(power);
    let (whole, part) = match mantissa.iter().position(|byte| matches!(byte, b'.' | b',')) {
        Some(point) => {
            (mantissa.get(..point).unwrap_or_default(), mantissa.get(point + 1..).unwrap_or_default())
        }
        None => (mantissa, <&[u8]>::default()),
    };
    let is_number = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let power = super::few_digits(power).filter(|power| (1..=30).contains(power));
    let (Some(power), 1, true, true) = (power, whole.len(), is_number(whole), is_number(part)) else {
        return Ok(None);
    };
    match (part.len() as u64).cmp(&power) {
        // `1e5` may as well be somebody's name.
        Ordering::Less if part.is_empty() && power < 9 => return Ok(None),
        Ordering::Less => return Err(Wrong::LostDigits),
        Ordering::Greater => return Ok(None),
        Ordering::Equal => {}
    }
    let mut all = whole.to_vec();
    all.extend_from_slice(part);
    Ok(pure(&all))
}

fn without_float_tail(text: &[u8]) -> Option<&[u8]> {
    let at = text.iter().position(|byte| *byte == b'.')?;
    let (whole, tail) = (text.get(..at)?, text.get(at + 1..)?);
    let zeros = !tail.is_empty() && tail.len() <= 2 && tail.iter().all(|byte| *byte == b'0');
    (zeros && whole.len() >= 5 && whole.iter().all(u8::is_ascii_digit)).then_some(whole)
}
