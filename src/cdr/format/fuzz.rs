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
        answered: vec!["ANSWERED".to_owned()],
        interim: vec!["Interim".to_owned()],
        skipped: vec!["Start".to_owned()],
        columns,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn replay(target: &str, at_least: usize, run: impl Fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let mut replayed = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            run(&std::fs::read(entry.unwrap().path()).unwrap());
            replayed += 1;
        }
        assert!(replayed >= at_least, "only {replayed} files of the corpus of {target} were found");
    }

    #[test]
    fn what_fuzzing_has_found_stays_mended() {
        replay("rows", 10, super::fuzz_rows);
        replay("detect", 10, super::fuzz_detect);
        replay("deck", 5, |bytes| {
            let _ = crate::rating::Deck::read(&String::from_utf8_lossy(bytes));
        });
    }
}
