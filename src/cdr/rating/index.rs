//! Longest prefix: the space of numbers cut into intervals, one table step and a short search.

use super::DeckRow;
use crate::number::{MOST_DIGITS, Number};

/// First digits that are looked up in the table.
const TABLE_DIGITS: u32 = 4;
const TABLE: usize = 10_000;
/// Width of one table entry in keys of [`MOST_DIGITS`] digits.
const CELL: u64 = 10u64.pow(MOST_DIGITS - TABLE_DIGITS);
/// No prefix.
pub(super) const NOBODY: u32 = u32::MAX;

/// A prefix of the deck.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix {
    /// Digits.
    pub digits: u32,
    /// The longest shorter one that holds it; [`NOBODY`].
    pub parent: u32,
    /// Its rows in [`Index::entries`].
    pub rows: [u32; 2],
}

/// When a row of a prefix holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub from_ms: i64,
    pub to_ms: i64,
    /// Seconds of the day, from and to; equal: all day.
    pub band_s: [u32; 2],
    /// Row in the deck.
    pub row: u32,
}

impl Entry {
    fn of(row: &DeckRow, at: u32) -> Self {
        Self {
            from_ms: row.effective_from_ms.unwrap_or(i64::MIN),
            to_ms: row.effective_to_ms.unwrap_or(i64::MAX),
            band_s: row.band_s.unwrap_or_default(),
            row: at,
        }
    }

    /// Whether its dates hold the moment.
    #[inline]
    pub fn dated(&self, at_ms: i64) -> bool {
        self.from_ms <= at_ms && (at_ms < self.to_ms || self.to_ms == i64::MAX)
    }

    /// Whether it goes by the time of day.
    #[inline]
    pub fn banded(&self) -> bool {
        self.band_s[0] != self.band_s[1]
    }

    /// Whether it holds the second of the day.
    #[inline]
    pub fn holds(&self, second: u32) -> bool {
        let [from, to] = self.band_s;
        if from < to { from <= second && second < to } else { second >= from || second < to }
    }
}

/// All prefixes of a deck.
#[derive(Debug, Clone)]
pub(super) struct Index {
    pub prefixes: Vec<Prefix>,
    /// Rows of each prefix, the one that wins first: the later date, then the narrower band, then the later line.
    pub entries: Vec<Entry>,
    /// Where intervals begin, as keys; the first is 0.
    starts: Vec<u64>,
    /// The longest prefix of each interval; [`NOBODY`].
    owners: Vec<u32>,
    /// For each value of the first digits the interval that holds its first key.
    table: Vec<u32>,
}

impl Index {
    /// Of the rows of a deck; rows whose prefix is no row of digits are never found.
    pub fn new(rows: &[DeckRow]) -> Self {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut keyed: Vec<(u64, u32, Entry)> = rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| {
                let (value, digits) = Number::of(&row.prefix).digits()?;
                Some((value * 10u64.pow(MOST_DIGITS - digits), digits, Entry::of(row, narrow(at))))
            })
            .collect();
        keyed.sort_by_key(|(key, digits, entry)| {
            let winner = (std::cmp::Reverse(entry.from_ms), !entry.banded(), std::cmp::Reverse(entry.row));
            (*key, *digits, winner)
        });
        let mut index = Self {
            prefixes: Vec::new(),
            entries: keyed.iter().map(|(_, _, entry)| *entry).collect(),
            starts: vec![0],
            owners: vec![NOBODY],
            table: Vec::new(),
        };
        // Open prefixes, outermost first: where each ends and which it is.
        let mut open: Vec<(u64, u32)> = Vec::new();
        let mut first = 0;
        while first < keyed.len() {
            let (key, digits, _) = keyed[first];
            let same =
                keyed[first..].partition_point(|(other, length, _)| (*other, *length) == (key, digits));
            index.close(&mut open, key);
            let me = narrow(index.prefixes.len());
            index.prefixes.push(Prefix {
                digits,
                parent: open.last().map_or(NOBODY, |(_, outer)| *outer),
                rows: [narrow(first), narrow(first + same)],
            });
            index.begin(key, me);
            open.push((key + 10u64.pow(MOST_DIGITS - digits), me));
            first += same;
        }
        index.close(&mut open, u64::MAX);
        let at = |cell: usize| index.starts.partition_point(|start| *start <= cell as u64 * CELL) - 1;
        index.table = (0..=TABLE).map(|cell| narrow(at(cell))).collect();
        index
    }

    fn close(&mut self, open: &mut Vec<(u64, u32)>, key: u64) {
        while let Some((end, _)) = open.last().copied().filter(|(end, _)| *end <= key) {
            open.pop();
            self.begin(end, open.last().map_or(NOBODY, |(_, outer)| *outer));
        }
    }

    fn begin(&mut self, key: u64, owner: u32) {
        if let (Some(last), Some(held)) = (self.starts.last(), self.owners.last_mut())
            && *last == key
        {
            *held = owner;
            return;
        }
        self.starts.push(key);
        self.owners.push(owner);
    }

    /// The longest prefix of a number.
    #[inline]
    pub fn longest(&self, number: Number) -> Option<u32> {
        let (value, digits) = number.digits()?;
        let key = value * 10u64.pow(MOST_DIGITS - digits);
        let cell = usize::try_from(key / CELL).unwrap_or(TABLE - 1).min(TABLE - 1);
        let (low, high) = (self.table[cell] as usize, self.table[cell + 1] as usize);
        let within = &self.starts[low..=high];
        let at = low + within.partition_point(|start| *start <= key) - 1;
        let mut owner = self.owners[at];
        // Zeros were filled in behind a short number: a prefix longer than it is none of its.
        while owner != NOBODY {
            let prefix = &self.prefixes[owner as usize];
            if prefix.digits <= digits {
                return Some(owner);
            }
            owner = prefix.parent;
        }
        None
    }

    /// Rows of a prefix, the winner first.
    #[inline]
    pub fn rows(&self, prefix: u32) -> &[Entry] {
        let [from, to] = self.prefixes[prefix as usize].rows;
        &self.entries[from as usize..to as usize]
    }

    /// A prefix and all shorter ones that hold it, longest first.
    pub fn upward(&self, prefix: Option<u32>) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(prefix, |at| {
            Some(self.prefixes[*at as usize].parent).filter(|parent| *parent != NOBODY)
        })
    }
}
