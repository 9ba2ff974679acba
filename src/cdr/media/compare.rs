//! All records against all calls; every one of them ends in exactly one count.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::book::{Book, Capture, Limits};
use super::call::{Heard, Speaker};
use super::difference::{Basis, Difference, Kind, MatchedBy, Undecided};
use super::judge::Case;
use super::offset::{self, Offset, Proof};
use super::pair::{self, Paired};
use super::party::{self, Likeness, likeness};
use super::stake;
use crate::Money;
use crate::record::flag;

/// So many calls of a gateway or path on both sides prove that its calls are heard here.
const FEWEST_OF_PATH: usize = 3;
/// A call is looked for in the capture with so much around it.
const MARGIN_MS: i64 = 10_000;
/// Calls of one path of which all lack the same party.
const FEWEST_ONE_SIDED: usize = 3;

/// What became of the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// All.
    pub all: u64,
    /// Found among the calls.
    pub matched: u64,
    /// Proven not to be among them.
    pub not_heard: u64,
    /// Nothing can be said of them.
    pub not_covered: u64,
    /// Several calls or records fit.
    pub ambiguous: u64,
    /// Interim records, which the final one stands for.
    pub interim: u64,
}

/// What became of the calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// All.
    pub all: u64,
    /// Found among the records.
    pub matched: u64,
    /// Proven not to be among them.
    pub not_billed: u64,
    /// Nothing can be said of them.
    pub not_covered: u64,
    /// Several records fit.
    pub ambiguous: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Records.
    pub records: RecordCounts,
    /// Calls.
    pub calls: CallCounts,
    /// The clocks.
    pub offset: Offset,
    /// Differences, by kind and then by record and call.
    pub differences: Vec<Difference>,
    /// Why records, calls or questions about them were left undecided, and how many.
    pub undecided: BTreeMap<Undecided, u64>,
    /// Calls that were matched, heard and record.
    pub matched: Vec<(usize, usize, MatchedBy)>,
}

impl Comparison {
    /// What is at stake by currency, each record once, with its largest difference; `of` says which kinds count.
    #[must_use]
    pub fn at_stake(&self, book: &Book<'_>, of: impl Fn(Kind) -> bool) -> BTreeMap<String, Money> {
        let mut of_record: BTreeMap<usize, Money> = BTreeMap::new();
        for difference in self.differences.iter().filter(|difference| of(difference.kind)) {
            if let (Some(place), Some(money)) = (difference.record, difference.at_stake) {
                let most = of_record.entry(place).or_default();
                if money.abs() > most.abs() {
                    *most = money;
                }
            }
        }
        let mut sums: BTreeMap<String, Money> = BTreeMap::new();
        for (place, money) in of_record {
            let currency = book.records[place].currency.clone().unwrap_or_default();
            *sums.entry(currency).or_default() += money;
        }
        sums
    }
}

/// Compares.
#[must_use]
pub fn compare(book: &Book<'_>, heard: &[Heard], capture: &Capture, limits: &Limits) -> Comparison {
    let (same_id, same_numbers) = offset::pairs(book, heard);
    let offset = offset::learn(book, heard, &same_id, &same_numbers, limits);
    let is_known = offset.proof != Proof::None || book.zone_known;
    let paired = if is_known {
        pair::pair(book, heard, (&same_id, &same_numbers), &offset, limits)
    } else {
        Paired::default()
    };
    let mut round = Round::new(book, heard, capture, limits, offset, &paired);
    round.is_crowded = same_numbers.len() >= offset::MOST_PAIRS;
    round.judge();
    round.records();
    round.calls();
    let Round { mut found, undecided, record_counts, call_counts, .. } = round;
    found.sort_by_key(|difference| (difference.kind, difference.record, difference.call));
    Comparison {
        records: record_counts,
        calls: call_counts,
        offset,
        differences: found,
        undecided,
        matched: paired.pairs,
    }
}

/// One comparison under way.
struct Round<'a> {
    book: &'a Book<'a>,
    heard: &'a [Heard],
    capture: &'a Capture,
    limits: &'a Limits,
    offset: Offset,
    paired: &'a Paired,
    /// The call of each record and the record of each call that are matched.
    call_of: HashMap<usize, usize>,
    record_of: HashMap<usize, usize>,
    /// Matched records of each gateway, and paths of matched calls.
    of_gateway: HashMap<Option<&'a str>, usize>,
    paths: BTreeSet<Option<&'a str>>,
    /// Calls of each path with voice, and those of them that lack the caller's and the callee's.
    sides: HashMap<Option<&'a str>, [usize; 3]>,
    /// Unmatched records by their called number, with their time by the listener's clock, in its order.
    parts: HashMap<u64, Vec<(i64, usize)>>,
    /// So many pairs have equal numbers that not all were looked at: then nothing is missing for sure.
    is_crowded: bool,
    found: Vec<Difference>,
    undecided: BTreeMap<Undecided, u64>,
    record_counts: RecordCounts,
    call_counts: CallCounts,
}

impl<'a> Round<'a> {
    fn new(
        book: &'a Book<'a>,
        heard: &'a [Heard],
        capture: &'a Capture,
        limits: &'a Limits,
        offset: Offset,
        paired: &'a Paired,
    ) -> Self {
        let call_of: HashMap<_, _> = paired.pairs.iter().map(|(call, place, _)| (*place, *call)).collect();
        let record_of = paired.pairs.iter().map(|(call, place, _)| (*call, *place)).collect();
        let mut of_gateway: HashMap<Option<&str>, usize> = HashMap::new();
        let mut paths = BTreeSet::new();
        for (call, place, _) in &paired.pairs {
            *of_gateway.entry(book.records[*place].gateway.as_deref()).or_default() += 1;
            paths.insert(heard[*call].path.as_deref());
        }
        let mut sides: HashMap<Option<&str>, [usize; 3]> = HashMap::new();
        for one in heard.iter().filter(|one| one.answer_ms.is_some() && one.last_media_ms().is_some()) {
            let counts = sides.entry(one.path.as_deref()).or_default();
            counts[0] += 1;
            for speaker in Speaker::BOTH {
                counts[1 + speaker.index()] += usize::from(one.way(speaker).is_none());
            }
        }
        let mut parts: HashMap<u64, Vec<(i64, usize)>> = HashMap::new();
        for (place, billed) in book.records.iter().enumerate() {
            if !call_of.contains_key(&place) && !billed.record.is(flag::INTERIM) {
                let begins = billed.record.start_ms.saturating_sub(offset.ms);
                parts.entry(party::key(billed.record.callee)).or_default().push((begins, place));
            }
        }
        parts.values_mut().for_each(|parts| parts.sort_unstable());
        let (found, undecided) = (Vec::new(), BTreeMap::new());
        let (record_counts, call_counts) = (RecordCounts::default(), CallCounts::default());
        Self {
            book,
            heard,
            capture,
            limits,
            offset,
            paired,
            call_of,
            record_of,
            of_gateway,
            paths,
            sides,
            parts,
            is_crowded: false,
            found,
            undecided,
            record_counts,
            call_counts,
        }
    }

    fn leave(&mut self, why: Undecided) {
        *self.undecided.entry(why).or_default() += 1;
    }

    /// A record's time by the listener's clock.
    fn begins(&self, place: usize) -> i64 {
        self.book.records[place].record.start_ms.saturating_sub(self.offset.ms)
    }

    fn judge(&mut self) {
        for (call, place, by) in &self.paired.pairs {
            let (billed, heard) = (&self.book.records[*place], &self.heard[*call]);
            let case = Case {
                place: *place,
                call: *call,
                by: *by,
                billed,
                heard,
                says_talk: self.book.says_talk,
                capture: self.capture,
                limits: self.limits,
                has_parts: self.parts_of(*call, *place).next().is_some(),
                one_sided: heard.found.silent.is_some_and(|silent| self.is_one_sided(heard, silent)),
            };
            let mut undecided = BTreeSet::new();
            case.judge(&mut self.found, &mut undecided);
            for why in undecided {
                self.leave(why);
            }
        }
    }

    /// Unmatched records of the same numbers that begin within a matched call.
    fn parts_of(&self, call: usize, place: usize) -> impl Iterator<Item = usize> {
        let (heard, own) = (&self.heard[call], &self.book.records[place].record);
        let last = heard.end_ms.max(heard.last_media_ms()).unwrap_or(i64::MIN);
        let last = last.saturating_add(self.limits.tolerance_ms);
        let first = heard.first_ms().unwrap_or(i64::MAX).saturating_sub(self.limits.tolerance_ms);
        let near = self.parts.get(&party::key(own.callee)).map_or(&[][..], Vec::as_slice);
        let from = near.partition_point(|(begins, _)| *begins < first);
        let inside = near[from..].iter().take_while(move |(begins, _)| *begins <= last);
        inside.map(|(_, other)| *other).filter(move |other| {
            let record = &self.book.records[*other].record;
            likeness(record.callee, own.callee) == Likeness::Same
                && likeness(record.caller, own.caller) != Likeness::Different
        })
    }

    /// Whether no call of this path has this party's voice.
    fn is_one_sided(&self, of: &Heard, silent: Speaker) -> bool {
        let counts = self.sides.get(&of.path.as_deref()).copied().unwrap_or_default();
        counts[0] >= FEWEST_ONE_SIDED && counts[0] == counts[1 + silent.index()]
    }

    fn records(&mut self) {
        let mut parts: BTreeSet<usize> = BTreeSet::new();
        for (call, place, _) in &self.paired.pairs {
            parts.extend(self.parts_of(*call, *place));
        }
        let mut unheard: Vec<usize> = Vec::new();
        for (place, billed) in self.book.records.iter().enumerate() {
            self.record_counts.all += 1;
            if billed.record.is(flag::INTERIM) {
                self.record_counts.interim += 1;
                self.leave(Undecided::Interim);
            } else if self.call_of.contains_key(&place) {
                self.record_counts.matched += 1;
            } else if parts.contains(&place) {
                self.record_counts.ambiguous += 1;
                self.leave(Undecided::PartOfCall);
            } else if self.paired.unclear_records.contains(&place) {
                self.record_counts.ambiguous += 1;
                self.leave(Undecided::SeveralFit);
            } else if let Some(why) = self.unheard_because(place) {
                self.record_counts.not_covered += 1;
                self.leave(why);
            } else {
                unheard.push(place);
            }
        }
        let mut missing: HashMap<Option<&str>, usize> = HashMap::new();
        for place in &unheard {
            *missing.entry(self.book.records[*place].gateway.as_deref()).or_default() += 1;
        }
        for place in unheard {
            let billed = &self.book.records[place];
            let gateway = billed.gateway.as_deref();
            let seen = self.of_gateway.get(&gateway).copied().unwrap_or(0);
            if seen < FEWEST_OF_PATH || missing.get(&gateway).is_some_and(|missing| *missing > seen) {
                self.record_counts.not_covered += 1;
                self.leave(Undecided::PathUnproven);
                continue;
            }
            self.record_counts.not_heard += 1;
            let billed_ms = billed.length(self.book.says_talk).map_or(0, |length| length.ms);
            self.found.push(Difference {
                kind: Kind::NotHeard,
                basis: Basis::Recorded { billed_ms },
                record: Some(place),
                call: None,
                matched_by: None,
                differs_ms: Some(billed_ms),
                at_stake: stake::whole(&billed.record),
            });
        }
    }

    /// Why nothing follows from a record's not having been heard.
    fn unheard_because(&self, place: usize) -> Option<Undecided> {
        let billed = &self.book.records[place];
        if !billed.is_answered() {
            return Some(Undecided::Unanswered);
        }
        if self.is_crowded {
            return Some(Undecided::SeveralFit);
        }
        if self.offset.proof == Proof::None {
            return Some(Undecided::ClockUnproven);
        }
        let Some(length) = billed.length(self.book.says_talk) else { return Some(Undecided::LengthUnclear) };
        let answer = billed.answer_ms().map_or(self.begins(place), |answer| answer - self.offset.ms);
        let first = self.begins(place).saturating_sub(MARGIN_MS);
        let last = answer.saturating_add(length.ms).saturating_add(MARGIN_MS);
        let is_there = self.capture.holds_all && self.capture.covers(first, last);
        (!is_there).then_some(Undecided::OutsideCapture)
    }

    fn calls(&mut self) {
        for call in 0..self.heard.len() {
            self.call_counts.all += 1;
            if self.record_of.contains_key(&call) {
                self.call_counts.matched += 1;
            } else if self.paired.unclear_calls.contains(&call) {
                self.call_counts.ambiguous += 1;
                self.leave(Undecided::SeveralFit);
            } else if let Some(why) = self.unbilled_because(call) {
                self.call_counts.not_covered += 1;
                self.leave(why);
            } else {
                self.call_counts.not_billed += 1;
                let talk_ms = self.heard[call].talk_ms().unwrap_or(0);
                self.found.push(Difference {
                    kind: Kind::NotBilled,
                    basis: Basis::Unrecorded { talk_ms },
                    record: None,
                    call: Some(call),
                    matched_by: None,
                    differs_ms: Some(talk_ms),
                    at_stake: None,
                });
            }
        }
    }

    /// Why nothing follows from a call's not being in the file.
    fn unbilled_because(&self, call: usize) -> Option<Undecided> {
        let heard = &self.heard[call];
        if heard.answer_ms.is_none() {
            return Some(Undecided::Unanswered);
        }
        if self.is_crowded {
            return Some(Undecided::SeveralFit);
        }
        let talk_ms = heard.talk_ms();
        if talk_ms.is_none() {
            return Some(Undecided::EndNotSeen);
        }
        if talk_ms <= Some(self.limits.seconds_ms) || heard.last_media_ms().is_none() {
            // So short, or so silent, that a system may leave it out.
            return Some(Undecided::Unanswered);
        }
        if self.offset.proof == Proof::None {
            return Some(Undecided::ClockUnproven);
        }
        let (Some(first), Some(end), Some(span)) = (heard.first_ms(), heard.end_ms, self.book.span_ms) else {
            return Some(Undecided::OutsideFile);
        };
        let [from, to] = span.map(|ms| ms.saturating_sub(self.offset.ms));
        if first < from || end > to {
            return Some(Undecided::OutsideFile);
        }
        if self.paired.pairs.len() < FEWEST_OF_PATH || !self.paths.contains(&heard.path.as_deref()) {
            return Some(Undecided::PathUnproven);
        }
        self.may_be_rejected(heard).then_some(Undecided::RejectedLine)
    }

    /// Whether a line that is no record names the call or whom it was to.
    fn may_be_rejected(&self, heard: &Heard) -> bool {
        // A party that is no number cannot be found in a line.
        let is_named = heard.callee.digits().is_none();
        if !self.book.rejected_whole || is_named && !self.book.rejected.is_empty() {
            return true;
        }
        let callee = heard.callee.to_string();
        let tail = callee.get(callee.len().saturating_sub(7)..).unwrap_or(&callee);
        self.book.rejected.iter().any(|line| {
            let digits: String = line.chars().filter(|sign| !matches!(sign, ' ' | '-' | '(' | ')')).collect();
            digits.contains(tail) || heard.call_ids.iter().any(|id| line.contains(id.as_str()))
        })
    }
}
