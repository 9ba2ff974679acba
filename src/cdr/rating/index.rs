//! Longest prefix: the space of numbers cut into intervals, one table step and a short search.

use super::DeckRow;
use crate::number::{MOST_DIGITS, Number, POWERS};

/// Most cells of the table.
const MOST_CELLS: u64 = 1 << 14;
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

/// Keys from `start` to the next one's. What a lookup needs stands together, in one line of the cache.
#[derive(Debug, Clone, Copy)]
struct Interval {
    start: u64,
    /// The longest prefix there; [`NOBODY`].
    owner: u32,
    /// Its digits.
    digits: u32,
}

/// All prefixes of a deck.
#[derive(Debug, Clone)]
pub(super) struct Index {
    pub prefixes: Vec<Prefix>,
    /// Rows of each prefix, the one that wins first: the later date, then the narrower band, then the later line.
    pub entries: Vec<Entry>,
    /// The space of keys, cut where the longest prefix changes; the first begins at 0.
    intervals: Vec<Interval>,
    /// Where the second interval begins: the space from there to where the last one does is cut into cells of
    /// two to this power, so that decks of one country are told apart as finely as those of all.
    from: u64,
    cell_bits: u32,
    /// For each cell the interval that holds its first key, and the last one of all.
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
            intervals: vec![Interval { start: 0, owner: NOBODY, digits: 0 }],
            from: 0,
            cell_bits: 0,
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
        index.tabulate();
        index
    }

    fn tabulate(&mut self) {
        let start = |interval: Option<&Interval>| interval.map_or(0, |interval| interval.start);
        let (from, to) = (start(self.intervals.get(1)), start(self.intervals.last()));
        let mut cell_bits = 0;
        while (to - from) >> cell_bits >= MOST_CELLS {
            cell_bits += 1;
        }
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let holds = |cell: u64| {
            let first = from + (cell << cell_bits);
            self.intervals.partition_point(|part| part.start <= first).saturating_sub(1)
        };
        let cells = ((to - from) >> cell_bits) + 1;
        // What is before the first cell is looked for in it.
        let table = std::iter::once(0).chain((1..cells).map(|cell| narrow(holds(cell))));
        self.table = table.chain([narrow(self.intervals.len() - 1)]).collect();
        (self.from, self.cell_bits) = (from, cell_bits);
    }

    fn close(&mut self, open: &mut Vec<(u64, u32)>, key: u64) {
        while let Some((end, _)) = open.last().copied().filter(|(end, _)| *end <= key) {
            open.pop();
            self.begin(end, open.last().map_or(NOBODY, |(_, outer)| *outer));
        }
    }

    fn begin(&mut self, key: u64, owner: u32) {
        let digits = self.prefixes.get(owner as usize).map_or(0, |prefix| prefix.digits);
        let interval = Interval { start: key, owner, digits };
        match self.intervals.last_mut().filter(|last| last.start == key) {
            Some(last) => *last = interval,
            None => self.intervals.push(interval),
        }
    }

    /// The longest prefix of a number.
    #[inline]
    pub fn longest(&self, number: Number) -> Option<u32> {
        let (value, digits) = number.digits()?;
        let key = value * POWERS[(MOST_DIGITS - digits) as usize];
        let cell = key.saturating_sub(self.from) >> self.cell_bits;
        let cell = usize::try_from(cell).unwrap_or(usize::MAX).min(self.table.len() - 2);
        let (low, high) = (self.table[cell] as usize, self.table[cell + 1] as usize);
        let within = self.intervals.get(low + 1..=high).unwrap_or_default();
        let mut at = low;
        // Few: a search in steps of one is the fastest for those.
        if within.len() <= 8 {
            at += within.iter().take_while(|part| part.start <= key).count();
        } else {
            at += within.partition_point(|part| part.start <= key);
        }
        let interval = self.intervals[at];
        if interval.owner == NOBODY || interval.digits <= digits {
            return Some(interval.owner).filter(|owner| *owner != NOBODY);
        }
        // Zeros were filled in behind a short number: a prefix longer than it is none of its.
        self.upward(Some(interval.owner)).find(|prefix| self.prefixes[*prefix as usize].digits <= digits)
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
