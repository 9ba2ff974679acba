//! Moments as people and programs spell them, in plain signs: weekdays go, months by name stay, the year
//! stands before the clock, wide and Chinese signs become ASCII.
//!
//! What a word for a zone means is not guessed: `CST` is three zones. It goes, and the time is a local one.

/// Longest moment, in plain signs.
const LONGEST: usize = 64;

/// Room for a moment in plain signs.
pub type Room = [u8; LONGEST];

/// Empty room.
pub const ROOM: Room = [0; LONGEST];

const SIGNS: [(&str, &[u8]); 28] = [
    ("年", b"-"),
    ("月", b"-"),
    ("日", b" "),
    ("号", b" "),
    ("时", b":"),
    ("時", b":"),
    ("点", b":"),
    ("分", b":"),
    ("秒", b""),
    ("上午", b"AM "),
    ("下午", b"PM "),
    ("星期一", b" "),
    ("星期二", b" "),
    ("星期三", b" "),
    ("星期四", b" "),
    ("星期五", b" "),
    ("星期六", b" "),
    ("星期日", b" "),
    ("星期天", b" "),
    ("：", b":"),
    ("－", b"-"),
    ("／", b"/"),
    ("．", b"."),
    ("＋", b"+"),
    ("\u{a0}", b" "),
    ("\u{202f}", b" "),
    ("\u{3000}", b" "),
    ("\u{200e}", b""),
];

/// The plain form of `text`; `None` when it is too long to be a moment.
#[must_use]
pub fn plain<'a>(text: &'a [u8], room: &'a mut Room) -> Option<&'a [u8]> {
    let usual = |byte: &u8| byte.is_ascii_digit() || b"-/.: TZ+,".contains(byte);
    if text.iter().all(usual) {
        return Some(text);
    }
    let mut written = Written { room, length: 0 };
    ascii(text, &mut written)?;
    let length = written.length;
    let text: Room = *room;
    let text = text.get(..length)?.trim_ascii();
    let text = text.strip_prefix(b"[").unwrap_or(text);
    let text = text.strip_suffix(b"]").unwrap_or(text);
    let text = without_zone_word(without_weekday(text));
    let mut written = Written { room, length: 0 };
    in_order(text, &mut written)?;
    let length = written.length;
    clock_signs(room.get_mut(..length)?);
    Some(room.get(..length)?.trim_ascii())
}

struct Written<'a> {
    room: &'a mut Room,
    length: usize,
}

impl Written<'_> {
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length.checked_add(bytes.len())?;
        self.room.get_mut(self.length..end)?.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }
}

fn ascii(text: &[u8], into: &mut Written<'_>) -> Option<()> {
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if let [0xef, 0xbc, wide @ 0x90..=0x99, after @ ..] = rest {
            into.push(&[wide - 0x90 + b'0'])?;
            rest = after;
            continue;
        }
        let sign = SIGNS
            .iter()
            .filter(|_| !byte.is_ascii())
            .find_map(|(sign, plain)| Some((*plain, rest.strip_prefix(sign.as_bytes())?)));
        match sign {
            Some((plain, after)) => {
                into.push(plain)?;
                rest = after;
            }
            None => {
                into.push(&[*byte])?;
                rest = after;
            }
        }
    }
    Some(())
}

/// `Wed, `, `Wednesday `.
fn without_weekday(text: &[u8]) -> &[u8] {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let Some((word, rest)) = text.split_at_checked(letters) else { return text };
    let is_day = DAYS.iter().any(|day| {
        (3..=day.len()).contains(&word.len())
            && day.as_bytes().get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
    });
    if !is_day {
        return text;
    }
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start()
}

/// A comment in parentheses and a zone's short name at the end, which may be any of several.
fn without_zone_word(text: &[u8]) -> &[u8] {
    let mut text = text;
    if text.ends_with(b")")
        && let Some(open) = text.iter().rposition(|byte| *byte == b'(')
    {
        text = text.get(..open).unwrap_or_default().trim_ascii_end();
    }
    let Some(at) = text.iter().rposition(|byte| *byte == b' ') else { return text };
    let (rest, word) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
    if is_zone_word(word) && rest.contains(&b':') { rest.trim_ascii_end() } else { text }
}

fn is_zone_word(word: &[u8]) -> bool {
    let known = [b"UTC".as_slice(), b"GMT", b"AM", b"PM"];
    (3..=5).contains(&word.len()) && word.iter().all(u8::is_ascii_uppercase) && !known.contains(&word)
}

/// `Apr  1 10:00:00 CST 2026`, as C's `asctime` and `date` write it, with the year before the clock.
fn in_order(text: &[u8], into: &mut Written<'_>) -> Option<()> {
    let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (month, day, clock) = (words.next(), words.next(), words.next());
    let last = text.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let year = last.len() == 4 && last.iter().all(u8::is_ascii_digit);
    let asctime = match (month, day, clock) {
        (Some(month), Some(day), Some(clock)) if year && clock.contains(&b':') => {
            Some([month, day, last, clock])
        }
        _ => None,
    };
    let asctime = asctime.filter(|[month, ..]| month.first().is_some_and(u8::is_ascii_alphabetic));
    let Some(asctime) = asctime else {
        for word in text.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
            into.push(word)?;
            into.push(b" ")?;
        }
        return Some(());
    };
    for word in asctime {
        into.push(word)?;
        into.push(b" ")?;
    }
    // Half of the day, or a zone; the year came already.
    let between = words.filter(|word| !word.iter().all(u8::is_ascii_digit));
    for word in between.filter(|word| !is_zone_word(word)) {
        into.push(word)?;
        into.push(b" ")?;
    }
    Some(())
}

/// `01/Apr/2026:10:00:00` of web servers and `01-APR-26 10.00.03.5 AM` of Oracle.
fn clock_signs(text: &mut [u8]) {
    if !text.iter().any(u8::is_ascii_alphabetic) {
        return;
    }
    let digit = |at: usize, text: &[u8]| text.get(at).is_some_and(u8::is_ascii_digit);
    if let Some(at) = text.iter().position(|byte| *byte == b':')
        && at >= 4
        && (1..=4).all(|back| digit(at - back, text))
        && (1..=2).all(|on| digit(at + on, text))
    {
        text[at] = b' ';
    }
    if text.contains(&b':') {
        return;
    }
    let Some(space) = text.iter().position(|byte| *byte == b' ') else { return };
    let points: Vec<usize> = (space..text.len())
        .filter(|at| text[*at] == b'.' && digit(at - 1, text) && digit(at + 1, text))
        .collect();
    if let [first, second, ..] = points.as_slice()
        && *first <= space + 3
        && *second == first + 3
    {
        (text[*first], text[*second]) = (b':', b':');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        let mut room = ROOM;
        String::from_utf8(plain(text.as_bytes(), &mut room).expect("short").to_vec()).expect("UTF-8")
    }

    #[test]
    fn moments_of_every_spelling_come_to_plain_signs() {
        for (text, plain) in [
            ("Wed Apr  1 10:00:00 2026", "Apr 1 2026 10:00:00"),
            ("Wed Apr  1 10:00:00 CST 2026", "Apr 1 2026 10:00:00"),
            ("Wed Apr  1 10:00:00 AM UTC 2026", "Apr 1 2026 10:00:00 AM UTC"),
            ("Wed, 01 Apr 2026 10:00:00 +0800", "01 Apr 2026 10:00:00 +0800"),
            ("Wed, 01 Apr 2026 10:00:00 +0800 (CST)", "01 Apr 2026 10:00:00 +0800"),
            ("Wed, 01 Apr 2026 10:00:00 GMT", "01 Apr 2026 10:00:00 GMT"),
            ("2026-04-01 10:00:00 CST", "2026-04-01 10:00:00"),
            ("[01/Apr/2026:10:00:00 +0800]", "01/Apr/2026 10:00:00 +0800"),
            ("01-APR-26 10.00.03.000000 AM", "01-APR-26 10:00:03.000000 AM"),
            ("２０２６－０４－０１　１０：００：００", "2026-04-01 10:00:00"),
            ("2026年4月1日 星期三 10时00分00秒", "2026-4-1 10:00:00"),
            ("2026/4/1 上午10:00:00", "2026/4/1 AM 10:00:00"),
            ("2026-04-01 10:00:00", "2026-04-01 10:00:00"),
        ] {
            assert_eq!(spelled(text), plain, "{text}");
        }
        assert_eq!(plain("1é".repeat(40).as_bytes(), &mut ROOM.clone()), None);
    }
}
