//! Encodings: which one a file has, and its text in UTF-8.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use encoding_rs::{BIG5, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1252};
use linesman_cdr::format::detect::DetectError;
use linesman_cdr::format::words;
use tempfile::TempPath;

use super::{SourceError, temporary_file};

/// The encoding that a person names.
pub(super) fn named(name: &str, flag: &str) -> Result<&'static Encoding, SourceError> {
    let found = Encoding::for_label(name.trim().as_bytes()).or(match name.trim().to_lowercase().as_str() {
        "utf16" | "utf16le" => Some(UTF_16LE),
        "utf16be" => Some(UTF_16BE),
        "cp936" | "gb2312" => Some(GB18030),
        "cp1252" => Some(WINDOWS_1252),
        _ => None,
    });
    let wrong = || DetectError::Flag {
        flag: flag.to_owned(),
        value: name.to_owned(),
        reason: "write utf-8, utf-16le, utf-16be, gbk, big5, windows-1252 or another name of the WHATWG list"
            .to_owned(),
    };
    Ok(found.ok_or_else(wrong)?)
}

/// The encoding of a text by pieces of it; `None`: UTF-8, also with some bad bytes.
pub(super) fn of(blocks: &[Vec<u8>]) -> Result<Option<&'static Encoding>, &'static str> {
    let head = blocks.first().map_or(&[][..], Vec::as_slice);
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(Some(encoding).filter(|encoding| *encoding != UTF_8));
    }
    let start = &head[..head.len().min(8192)];
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), start.len() / 2);
    if pairs > 1 && odd * 10 > pairs * 3 && even * 10 < pairs {
        return Ok(Some(UTF_16LE));
    }
    if pairs > 1 && even * 10 > pairs * 3 && odd * 10 < pairs {
        return Ok(Some(UTF_16BE));
    }
    let binary = start.iter().filter(|byte| **byte < 32 && !b"\t\n\r\x0c\x1a".contains(byte)).count();
    if binary * 50 > start.len() {
        return Err("it is no text");
    }
    let (mut good, mut bad) = (0, 0);
    for block in blocks {
        let (fine, wrong) = count_utf8(block);
        good += fine;
        bad += wrong;
    }
    // The cuts of the blocks may fall into characters.
    if bad <= 2 * blocks.len() && (good > 0 || blocks.len() > 1) || bad * 20 <= good || bad == 0 {
        return Ok(None);
    }
    Ok(by_words(head).or_else(|| by_pairs(blocks)))
}

/// Characters of several bytes, and bytes that belong to none.
fn count_utf8(mut bytes: &[u8]) -> (usize, usize) {
    let (mut good, mut bad) = (0, 0);
    loop {
        match std::str::from_utf8(bytes) {
            Ok(text) => return (good + text.chars().filter(|sign| !sign.is_ascii()).count(), bad),
            Err(error) => {
                let (fine, rest) = bytes.split_at(error.valid_up_to());
                good += String::from_utf8_lossy(fine).chars().filter(|sign| !sign.is_ascii()).count();
                let Some(length) = error.error_len() else { return (good, bad) };
                bad += 1;
                bytes = &rest[length..];
            }
        }
    }
}

/// The encoding in which the header's foreign words are known ones.
fn by_words(head: &[u8]) -> Option<&'static Encoding> {
    let end = head
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(20)
        .map_or(head.len().min(8192), |(at, _)| at);
    let count = |encoding: &'static Encoding| {
        let (text, _, _) = encoding.decode(&head[..end.min(8192)]);
        text.split([',', ';', '|', '\t', '\n', '\r'])
            .filter(|field| !field.is_ascii() && !words::heading(field).meanings.is_empty())
            .count()
    };
    [GB18030, BIG5, WINDOWS_1251, WINDOWS_1252]
        .into_iter()
        .map(|encoding| (count(encoding), encoding))
        .rev()
        .max_by_key(|(count, _)| *count)
        .filter(|(count, _)| *count > 0)
        .map(|(_, encoding)| encoding)
}

/// Chinese characters are pairs of high bytes; Western text has them alone.
fn by_pairs(blocks: &[Vec<u8>]) -> Option<&'static Encoding> {
    let (mut pairs, mut lone) = (0_usize, 0_usize);
    for block in blocks {
        let mut bytes = block.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if byte < 0x80 {
                continue;
            }
            let paired = bytes.peek().is_some_and(|next| *next >= 0xa1) && (0xa1..=0xf7).contains(&byte);
            if paired {
                pairs += 1;
                bytes.next();
            } else {
                lone += 1;
            }
        }
    }
    if pairs >= 4 && pairs >= lone * 4 {
        return Some(GB18030);
    }
    // Some stray bytes are no encoding: such lines are read as they are.
    (lone + pairs > 20).then_some(WINDOWS_1252)
}

/// Whether lines end in returns alone, as on old machines.
pub(super) fn has_bare_returns(head: &[u8]) -> bool {
    head.contains(&b'\r') && !head.contains(&b'\n')
}

/// Whether zeros stand in a text, which mean nothing there, or digits are written wide (`８６１３`), as by
/// a Chinese input method.
pub(super) fn has_odd_signs(blocks: &[Vec<u8>]) -> bool {
    blocks.iter().any(|block| {
        block.contains(&0)
            || block.windows(3).filter(|bytes| matches!(bytes, [0xef, 0xbc, 0x90..=0x99])).nth(5).is_some()
    })
}

/// Writes wide digits, and the wide signs between them, as plain ones, and leaves zero bytes out; gives the
/// new length. Commas and brackets stay: they are words' own.
fn narrow(text: &mut [u8]) -> usize {
    let (mut from, mut to) = (0, 0);
    while let Some(byte) = text.get(from).copied() {
        let wide = match text.get(from..from + 3) {
            Some([0xef, 0xbc, last @ (0x8b | 0x8d | 0x8e | 0x8f | 0x90..=0x9a)]) => Some(last - 0x60),
            Some(b"\xe3\x80\x80") => Some(b' '),
            _ => None,
        };
        if byte != 0 {
            text[to] = wide.unwrap_or(byte);
            to += 1;
        }
        from += if wide.is_some() { 3 } else { 1 };
    }
    to
}

/// A temporary text in UTF-8 with plain digits; bad bytes become replacement signs.
pub(super) fn to_utf8(
    given: &Path,
    path: &Path,
    temporary: &Path,
    encoding: &'static Encoding,
    bare_returns: bool,
) -> Result<TempPath, SourceError> {
    let mut file = File::open(path).map_err(SourceError::io(given))?;
    let mut out = BufWriter::with_capacity(256 * 1024, temporary_file(given, temporary)?);
    let mut decoder = encoding.new_decoder();
    let mut raw = vec![0; 64 * 1024];
    let mut text = vec![0; decoder.max_utf8_buffer_length(raw.len()).unwrap_or(256 * 1024)];
    loop {
        let read = match file.read(&mut raw) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(SourceError::io(given)(error)),
        };
        let (_, _, length, _) = decoder.decode_to_utf8(&raw[..read], &mut text, read == 0);
        let piece = text.get_mut(..length).unwrap_or_default();
        let length = if piece.is_ascii() && !piece.contains(&0) { length } else { narrow(piece) };
        let piece = text.get_mut(..length).unwrap_or_default();
        if bare_returns {
            piece.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        out.write_all(piece).map_err(SourceError::temporary(given))?;
        if read == 0 {
            break;
        }
    }
    let file = out.into_inner().map_err(|error| SourceError::temporary(given)(error.into_error()))?;
    Ok(file.into_temp_path())
}
