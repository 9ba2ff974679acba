//! What fuzzing feeds: any bytes, of which the first two choose the layout and the rest is the text.

use super::detect::{Hints, Sample, detect};
use super::{Layout, Role, RowReader, SpanStyle, TimeStyle, Zone};

/// Reads `data` as rows, whole and in two pieces.
///
/// # Panics
///
/// When a line vanishes, or when the pieces give other records than the whole. That would be a bug.
pub fn fuzz_rows(data: &[u8]) {
    let [first, second, text @ ..] = data else { return };
    let layout = layout_of(*first, *second);
    let Ok(reader) = RowReader::new(&layout) else { return };
    let whole = reader.read(text, 0);
    let told = whole.records.len() as u64
        + whole.rejected
        + whole.skipped
        + whole.header
        + whole.blank
        + whole.continued;
    assert_eq!(whole.lines, told, "a line has vanished");
    let cut = reader.cut(text);
    assert!(cut <= text.len(), "cut beyond the text");
    if layout.header_lines == 0 && cut > 0 {
        let (head, tail) = text.split_at(cut);
        let (head, tail) = (reader.read(head, 0), reader.read(tail, cut as u64));
        let places = head.records.iter().chain(&tail.records).map(|record| record.place);
        assert!(places.eq(whole.records.iter().map(|record| record.place)), "pieces differ from the whole");
        assert_eq!(head.lines + tail.lines, whole.lines, "pieces have other lines than the whole");
    }
    let _ = reader.fields(text);
}

/// Finds out what `data` looks like and, where that is certain, reads it.
///
/// # Panics
///
/// When a line vanishes, or when a layout that was found cannot be read. That would be a bug.
pub fn fuzz_detect(data: &[u8]) {
    let Ok(found) = detect(&Sample::of(data), &Hints::default(), None) else { return };
    let reader = RowReader::new(&found.layout);
    assert!(reader.is_ok(), "a layout was found that cannot be read: {:?}", found.layout);
    let Ok(reader) = reader else { return };
    let all = reader.read(data, 0);
    let told = all.records.len() as u64 + all.rejected + all.skipped + all.header + all.blank + all.continued;
    assert_eq!(all.lines, told, "a line has vanished");
}

fn layout_of(first: u8, second: u8) -> Layout {
    const TIMES: [TimeStyle; 8] = [
        TimeStyle::YearFirst,
        TimeStyle::DayFirst,
        TimeStyle::MonthFirst,
        TimeStyle::Compact,
        TimeStyle::EpochSeconds,
        TimeStyle::EpochMillis,
        TimeStyle::EpochMicros,
        TimeStyle::SpreadsheetDays,
    ];
    const SPANS: [SpanStyle; 5] =
        [SpanStyle::Seconds, SpanStyle::Colons, SpanStyle::Millis, SpanStyle::Micros, SpanStyle::Minutes];
    use Role::*;
    let columns = if second & 0x80 == 0 {
        vec![CallId, Caller, Callee, Start, Talk, Rate, Amount, Gateway]
    } else {
        vec![
            Caller,
            Callee,
            StartDate,
            StartTimeOfDay,
            Answer,
            End,
            Total,
            Ring,
            Billed,
            Amount,
            Currency,
            Account,
            Disposition,
            RecordKind,
        ]
    };
    Layout {
        preset: "generic".to_owned(),
        delimiter: [',', ';', '|', '\t'][usize::from(first & 3)],
        header_lines: u32::from(first >> 2 & 1),
        header: Vec::new(),
        time: TIMES[usize::from(second & 7)],
        zone: match first >> 3 & 3 {
            0 | 1 => Zone::Unknown,
            2 => Zone::Fixed(28_800),
            _ => Zone::Named("Europe/Berlin".to_owned()),
        },
        spans: vec![SPANS[usize::from(second >> 3 & 7) % SPANS.len()]; columns.len()],
        decimal: if first & 0x20 == 0 { '.' } else { ',' },
        thousands: match first >> 6 {
            0 | 1 => None,
            2 if first & 0x20 == 0 => Some(','),
            2 => Some('.'),
            _ => Some('\u{a0}'),
        },
        credits: second & 0x40 != 0,
        answered: vec!["ANSWERED".to_owned()],
        interim: vec!["Interim".to_owned()],
        skipped: vec!["Start".to_owned()],
        columns,
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;

    fn corpus(target: &str, at_least: usize) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        assert!(paths.len() >= at_least, "only {} files of the corpus of {target} were found", paths.len());
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }

    #[test]
    fn what_fuzzing_has_found_stays_mended() {
        corpus("rows", 10).iter().for_each(|bytes| super::fuzz_rows(bytes));
        corpus("detect", 10).iter().for_each(|bytes| super::fuzz_detect(bytes));
        corpus("deck", 5).iter().for_each(|bytes| {
            let _ = crate::rating::Deck::read(&String::from_utf8_lossy(bytes));
        });
    }

    /// Pieces that files are made of, and that trouble their readers.
    const WORDS: [&[u8]; 46] = [
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b",",
        b";",
        b"|",
        b"\t",
        b"\"",
        b"\"\"",
        b"'",
        b"=\"",
        b"\xef\xbb\xbf",
        b"\0",
        b"\xff",
        b"\xc2",
        "０".as_bytes(),
        "：".as_bytes(),
        "年".as_bytes(),
        "分".as_bytes(),
        "上午".as_bytes(),
        b"#",
        b"sep=;",
        b"8.61E+12",
        b"1e999",
        b"-",
        b"(0.01)",
        b"9223372036854775807",
        b"99999999999999999999",
        b"0.",
        b".0",
        b"1,234.56",
        b"1.234,56",
        b"$",
        b" USD",
        b"1970-01-01 00:00:00",
        b"2026-02-30 25:61:61",
        b"Wed Apr  1 10:00:00 2026",
        b"Wed, 01 Apr 2026 10:00:00 +0800",
        b"PT1M2S",
        b"1m 2s",
        b"99:99:99",
        b"2099-12-31T23:59:60Z",
        b"20260401100000.123",
        b"1775174403",
        b"1775174403000000",
    ];

    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as usize % sides.max(1)
        }

        fn span(&mut self, length: usize) -> std::ops::Range<usize> {
            let from = self.roll(length + 1);
            from..(from + self.roll(40)).min(length)
        }

        /// A few changes to a file, or a file put into another.
        fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
            for _ in 0..=self.roll(6) {
                let at = self.roll(bytes.len() + 1);
                match self.roll(7) {
                    0 if at < bytes.len() => bytes[at] = self.roll(256) as u8,
                    1 => drop(bytes.drain(self.span(bytes.len()))),
                    2 => {
                        let copy = bytes[self.span(bytes.len())].to_vec();
                        bytes.splice(at..at, copy);
                    }
                    3 => {
                        let copy = other[self.span(other.len())].to_vec();
                        bytes.splice(at..at, copy);
                    }
                    4 if self.roll(4) == 0 => bytes.truncate(at),
                    5 => {
                        // A whole field becomes another.
                        let is_end = |byte: &u8| b",;|\t\n".contains(byte);
                        let to = bytes[at..].iter().position(is_end).map_or(bytes.len(), |end| at + end);
                        let from = bytes[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
                        bytes.splice(from..to, WORDS[self.roll(WORDS.len())].to_vec());
                    }
                    _ => drop(bytes.splice(at..at, WORDS[self.roll(WORDS.len())].to_vec())),
                }
            }
        }
    }

    /// Rounds for each target; `LINESMAN_FUZZ_ROUNDS` asks for more, `LINESMAN_FUZZ_SEED` for others.
    fn of_environment(name: &str, usual: u64) -> u64 {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
    }

    fn fuzz(target: &str, run: impl Fn(&[u8])) {
        let corpus = corpus(target, 5);
        let mut dice = Dice(of_environment("LINESMAN_FUZZ_SEED", 7) * 2 + 1);
        for _ in 0..of_environment("LINESMAN_FUZZ_ROUNDS", 400) {
            let mut bytes = corpus[dice.roll(corpus.len())].clone();
            let other = &corpus[dice.roll(corpus.len())];
            dice.change(&mut bytes, other);
            bytes.truncate(20_000);
            let outcome = catch_unwind(AssertUnwindSafe(|| run(&bytes)));
            assert!(outcome.is_ok(), "{target} fails on \"{}\"", bytes.escape_ascii());
        }
    }

    #[test]
    fn changed_files_of_the_corpus_break_no_reader() {
        fuzz("rows", super::fuzz_rows);
        fuzz("detect", super::fuzz_detect);
        fuzz("deck", |bytes| {
            let _ = crate::rating::Deck::read(&String::from_utf8_lossy(bytes));
        });
    }
}
