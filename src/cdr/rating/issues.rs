//! What is doubtful in a deck that can be read: said, not refused.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Deck, DeckRow};

/// One doubt. Lines are those of the deck's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeckIssue {
    /// Two rows of one prefix say the same of the same time.
    Duplicate {
        /// Prefix of both.
        prefix: String,
        /// Their lines.
        lines: [u32; 2],
    },
    /// Two rows of one prefix hold at the same time with other terms; the one with the later date wins, else the
    /// later line.
    Overlap {
        /// Prefix of both.
        prefix: String,
        /// Their lines.
        lines: [u32; 2],
        /// Milliseconds since 1970 from which both hold; none: always.
        from_ms: Option<i64>,
        /// Until when; none: for ever.
        to_ms: Option<i64>,
    },
    /// A row that never wins over another one.
    Shadowed {
        /// Prefix of both.
        prefix: String,
        /// The row that never wins.
        line: u32,
        /// The one that always does.
        by: u32,
    },
    /// Between the dates of two rows of a prefix none holds.
    Gap {
        /// Prefix.
        prefix: String,
        /// The rows before and after.
        lines: [u32; 2],
        /// Milliseconds since 1970 from which none holds.
        from_ms: i64,
        /// Until when.
        to_ms: i64,
    },
    /// Bands of one prefix and date overlap.
    BandsOverlap {
        /// Prefix.
        prefix: String,
        /// Lines of the two rows.
        lines: [u32; 2],
    },
    /// Bands of one prefix and date leave a part of the day without price.
    BandsUncovered {
        /// Prefix.
        prefix: String,
        /// A row of it.
        line: u32,
        /// First second of the day without price.
        from_s: u32,
        /// The second after the last of it.
        to_s: u32,
    },
    /// Neither deck nor contract need to name it, but this deck does on some rows only, or nowhere.
    NoCurrency,
}

/// Rows of one prefix that are compared with each other; more are compared with their neighbours only.
const NEIGHBOURS: usize = 100;

impl Deck {
    /// What is doubtful, by prefix.
    #[must_use]
    pub fn issues(&self) -> Vec<DeckIssue> {
        let mut prefixes: BTreeMap<&str, Vec<&DeckRow>> = BTreeMap::new();
        for row in &self.rows {
            prefixes.entry(&row.prefix).or_default().push(row);
        }
        let mut issues = Vec::new();
        if self.currency.is_none() {
            issues.push(DeckIssue::NoCurrency);
        }
        for (prefix, mut rows) in prefixes {
            if let [only] = rows[..]
                && only.band_s.is_none()
            {
                continue;
            }
            rows.sort_by_key(|row| (from(row), row.line));
            pairs(prefix, &rows, &mut issues);
            gaps(prefix, &rows, &mut issues);
            days(prefix, &rows, &mut issues);
        }
        issues
    }
}

fn from(row: &DeckRow) -> i64 {
    row.effective_from_ms.unwrap_or(i64::MIN)
}

fn to(row: &DeckRow) -> i64 {
    row.effective_to_ms.unwrap_or(i64::MAX)
}

fn same_dates(one: &DeckRow, other: &DeckRow) -> bool {
    (from(one), to(one)) == (from(other), to(other))
}

fn same_terms(one: &DeckRow, other: &DeckRow) -> bool {
    let terms = |row: &DeckRow| (row.rate, row.initial_s, row.increment_s, row.connect_fee);
    terms(one) == terms(other)
}

/// Parts of the day of a band, without the pass over midnight.
fn parts(row: &DeckRow) -> Vec<[u32; 2]> {
    match row.band_s {
        None => vec![[0, 86_400]],
        Some([from, to]) if from < to => vec![[from, to]],
        Some([from, to]) => [[from, 86_400], [0, to]].into_iter().filter(|[from, to]| from < to).collect(),
    }
}

fn bands_meet(one: &DeckRow, other: &DeckRow) -> bool {
    let others = parts(other);
    parts(one).iter().any(|[from, to]| others.iter().any(|[start, end]| from < end && start < to))
}

fn pairs(prefix: &str, rows: &[&DeckRow], issues: &mut Vec<DeckIssue>) {
    for (at, early) in rows.iter().enumerate() {
        for late in rows[at + 1..].iter().take(NEIGHBOURS) {
            if from(late) >= to(early) || !bands_meet(early, late) {
                continue;
            }
            let prefix = prefix.to_owned();
            let lines = [early.line, late.line];
            // The narrower band is an exception to the whole day, not a mistake.
            if early.band_s.is_none() != late.band_s.is_none() && same_dates(early, late) {
                continue;
            }
            issues.push(if same_dates(early, late) && early.band_s == late.band_s {
                if same_terms(early, late) {
                    DeckIssue::Duplicate { prefix, lines }
                } else {
                    DeckIssue::Shadowed { prefix, line: early.line, by: late.line }
                }
            } else if same_dates(early, late) {
                DeckIssue::BandsOverlap { prefix, lines }
            } else if from(early) == from(late) && to(early) <= to(late) && early.band_s == late.band_s {
                DeckIssue::Shadowed { prefix, line: early.line, by: late.line }
            } else {
                let from_ms = late.effective_from_ms;
                let to_ms = Some(to(early).min(to(late))).filter(|at| *at != i64::MAX);
                DeckIssue::Overlap { prefix, lines, from_ms, to_ms }
            });
        }
    }
}

fn gaps(prefix: &str, rows: &[&DeckRow], issues: &mut Vec<DeckIssue>) {
    let Some(mut last) = rows.first().copied() else { return };
    for row in &rows[1..] {
        if from(row) > to(last) {
            issues.push(DeckIssue::Gap {
                prefix: prefix.to_owned(),
                lines: [last.line, row.line],
                from_ms: to(last),
                to_ms: from(row),
            });
        }
        if to(row) >= to(last) {
            last = row;
        }
    }
}

fn days(prefix: &str, rows: &[&DeckRow], issues: &mut Vec<DeckIssue>) {
    let mut at = 0;
    while at < rows.len() {
        // Rows of one date stand together, apart from those that end at another one.
        let dated: Vec<&DeckRow> =
            rows[at..].iter().take_while(|row| from(row) == from(rows[at])).copied().collect();
        at += dated.len();
        if dated.iter().any(|row| row.band_s.is_none()) {
            continue;
        }
        let mut covered: Vec<[u32; 2]> = dated.iter().flat_map(|row| parts(row)).collect();
        covered.sort_unstable();
        covered.push([86_400, 86_400]);
        let mut until = 0;
        for [from_s, to_s] in covered {
            if from_s > until {
                let (prefix, line) = (prefix.to_owned(), dated[0].line);
                issues.push(DeckIssue::BandsUncovered { prefix, line, from_s: until, to_s: from_s });
            }
            until = until.max(to_s);
        }
    }
}

impl std::fmt::Display for DeckIssue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clock = |second: u32| format!("{:02}:{:02}", second / 3_600, second / 60 % 60);
        match self {
            Self::Duplicate { prefix, lines: [one, other] } => {
                write!(f, "prefix {prefix}: lines {one} and {other} say the same")
            }
            Self::Overlap { prefix, lines: [one, other], .. } => {
                write!(
                    f,
                    "prefix {prefix}: the dates of lines {one} and {other} overlap; the later date wins"
                )
            }
            Self::Shadowed { prefix, line, by } => {
                write!(f, "prefix {prefix}: line {line} is never used, line {by} takes its place")
            }
            Self::Gap { prefix, lines: [one, other], .. } => {
                write!(
                    f,
                    "prefix {prefix}: no price between the end of line {one} and the beginning of line {other}"
                )
            }
            Self::BandsOverlap { prefix, lines: [one, other] } => {
                write!(
                    f,
                    "prefix {prefix}: the bands of lines {one} and {other} overlap; the later line wins"
                )
            }
            Self::BandsUncovered { prefix, line, from_s, to_s } => {
                let (from, to) = (clock(*from_s), clock(*to_s));
                write!(f, "prefix {prefix}: no price from {from} to {to} (line {line} and its bands)")
            }
            Self::NoCurrency => write!(f, "the deck names no currency"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(rows: &str) -> Vec<String> {
        let text = format!("prefix,rate,from,to,band_from,band_to,currency\n{rows}");
        let issues = Deck::read(&text).unwrap().issues();
        issues
            .iter()
            .map(|issue| serde_json::to_value(issue).unwrap()["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_deck_without_doubts_has_none() {
        let sound = "86,0.1,2026-01-01,2026-04-01,,,USD\n86,0.2,2026-04-01,,,,USD\n\
                     85,0.1,,,08:00,20:00,USD\n85,0.2,,,20:00,08:00,USD\n\
                     84,0.1,,,,,USD\n84,0.2,,,08:00,20:00,USD\n";
        assert_eq!(kinds(sound), Vec::<String>::new());
    }

    #[test]
    fn overlaps_duplicates_shadows_and_gaps_are_named() {
        assert_eq!(kinds("86,0.1,,,,,USD\n86,0.1,,,,,USD\n"), ["duplicate"]);
        assert_eq!(kinds("86,0.1,,,,,USD\n86,0.2,,,,,USD\n"), ["shadowed"]);
        assert_eq!(kinds("86,0.1,,,,,USD\n86,0.2,2026-04-01,,,,USD\n"), ["overlap"]);
        assert_eq!(kinds("86,0.1,,2026-03-31,,,USD\n86,0.2,2026-04-01,,,,USD\n"), ["gap"]);
        assert_eq!(kinds("86,0.1,,,,,\n"), ["no_currency"]);
    }

    #[test]
    fn bands_that_overlap_or_leave_a_part_of_the_day_are_named() {
        assert_eq!(kinds("86,0.1,,,08:00,20:00,USD\n86,0.2,,,19:00,08:00,USD\n"), ["bands_overlap"]);
        assert_eq!(kinds("86,0.1,,,08:00,20:00,USD\n"), ["bands_uncovered", "bands_uncovered"]);
    }
}
