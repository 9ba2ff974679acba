//! What endpoints say about streams that were not seen themselves: their word alone, kept apart from measurement.

use std::collections::HashMap;

use serde::Serialize;

use super::control::{Rtcp, media_addresses};
use super::owner::{About, KnownBy, Owner};
use super::table::Streams;
use crate::capture::call::{Book, Calls};
use crate::capture::net::Endpoint;
use crate::capture::report::rfc3339;
use crate::feed::vq;
use crate::quality::rtcp::{ReportBlock, RoundTrip, Told, VoipMetrics};

/// Most streams that are held by word alone; the longest silent makes room.
const MOST: usize = 20_000;
/// Made room for at once, since finding the oldest takes a look at all.
const AT_ONCE: usize = MOST / 16;

/// Who speaks of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    reporter: Endpoint,
    other: Endpoint,
    ssrc: u32,
}

/// One stream by the word of who receives it.
#[derive(Debug, Clone, Default)]
struct Word {
    first: i64,
    last: i64,
    call_id: Option<String>,
    owner: Option<Owner>,
    told: Told,
    round_trip: RoundTrip,
    shortest_s: Option<f64>,
    published: Option<vq::Report>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Reported {
    words: HashMap<Key, Word>,
    /// Those that had to make room.
    pub forgotten: u64,
}

/// One row of the report.
#[derive(Debug, Clone, Serialize)]
pub struct ReportedRow {
    /// Who says it: the address that sent the report.
    pub reporter: String,
    /// Who sends what is spoken of.
    pub about: String,
    /// Its SSRC; none where a telephone did not say.
    pub ssrc: Option<String>,
    /// Call-ID, where it was said.
    pub call_id: Option<String>,
    /// What it belongs to: a Call-ID, or the identifier of a stream that belongs to no call; none where neither the
    /// word nor its SSRC and addresses lead to one.
    pub belongs_to: Option<String>,
    /// By what that is known.
    pub known_by: Option<KnownBy>,
    /// First report.
    pub first: String,
    /// Latest.
    pub last: String,
    /// By RTCP; none without such a report.
    pub rtcp: Option<Rtcp>,
    /// By vq-rtcpxr; none without such a report.
    pub vq: Option<vq::Report>,
}

/// What comes with a report block.
#[derive(Debug, Clone, Copy)]
pub(super) struct From<'a> {
    pub(super) at: i64,
    pub(super) source: Endpoint,
    pub(super) destination: Endpoint,
    pub(super) call_id: Option<&'a str>,
}

impl Key {
    pub(super) const fn of(from: &From<'_>, ssrc: u32) -> Self {
        Self { reporter: from.source, other: from.destination, ssrc }
    }

    /// The stream from the other to the one who reports.
    fn about(&self, at: i64, book: &Book) -> About {
        About {
            ssrc: (self.ssrc != 0).then_some(self.ssrc),
            sender: media_addresses(self.other, book),
            receiver: media_addresses(self.reporter, book),
            at,
        }
    }
}

impl Reported {
    fn word(&mut self, from: From<'_>, ssrc: u32) -> &mut Word {
        let key = Key::of(&from, ssrc);
        if self.words.len() >= MOST && !self.words.contains_key(&key) {
            let mut ages: Vec<i64> = self.words.values().map(|word| word.last).collect();
            let (_, limit, _) = ages.select_nth_unstable(AT_ONCE);
            let limit = *limit;
            let before = self.words.len();
            self.words.retain(|_, word| word.last > limit);
            self.forgotten += (before - self.words.len()) as u64;
        }
        let word = self.words.entry(key).or_insert_with(|| Word { first: from.at, ..Word::default() });
        word.last = word.last.max(from.at);
        if word.call_id.is_none() {
            word.call_id = from.call_id.map(str::to_owned);
        }
        word
    }

    pub(super) fn block(&mut self, from: From<'_>, reporter: u32, block: &ReportBlock, clock: Option<u32>) {
        // The sender reports of this stream came the other way.
        let there = Key { reporter: from.destination, other: from.source, ssrc: reporter };
        let trip = self.words.get(&there).and_then(|word| word.round_trip.answered(from.at, block));
        let word = self.word(from, block.ssrc);
        word.told.block(from.at, reporter, block, clock);
        if let Some(seconds) = trip {
            word.shortest_s = Some(word.shortest_s.map_or(seconds, |known| known.min(seconds)));
        }
    }

    pub(super) fn sender_report(&mut self, from: From<'_>, about: u32, ntp: u64) {
        self.word(from, about).round_trip.sender_report(from.at, ntp);
    }

    pub(super) fn voip_metrics(&mut self, from: From<'_>, metrics: &VoipMetrics) {
        self.word(from, metrics.ssrc).told.voip_metrics(metrics);
    }

    /// Takes what a telephone published; what it is known by.
    fn published(&mut self, at: i64, sender: Endpoint, report: vq::Report) -> Key {
        let source = report.local.unwrap_or(sender);
        let destination = report.remote.unwrap_or(sender.with_port(0));
        let call_id = report.call_id.clone();
        let from = From { at, source, destination, call_id: call_id.as_deref() };
        let ssrc = report.remote_ssrc.unwrap_or(0);
        self.word(from, ssrc).published = Some(report);
        Key::of(&from, ssrc)
    }

    /// Takes out what nothing was said of for so long, or everything.
    fn take(&mut self, silent_since: i64) -> Vec<ReportedRow> {
        let mut rows = Vec::new();
        self.words.retain(|key, word| {
            let stays = word.last > silent_since;
            if !stays {
                rows.extend(word.row(key));
            }
            stays
        });
        rows.sort_by(|one, other| {
            (&one.first, &one.reporter, &one.ssrc).cmp(&(&other.first, &other.reporter, &other.ssrc))
        });
        rows
    }

    /// How many are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

impl Word {
    fn says_something(&self) -> bool {
        self.published.is_some() || Rtcp::of(&self.told, None).is_some()
    }

    fn row(&self, key: &Key) -> Option<ReportedRow> {
        let rtcp = Rtcp::of(&self.told, self.shortest_s);
        let named = || Some((self.call_id.as_ref()?, KnownBy::CallId));
        let belongs = self.owner.as_ref().map(|owner| (&owner.name, owner.by)).or_else(named);
        // A sender report alone says nothing of quality.
        self.says_something().then(|| ReportedRow {
            reporter: key.reporter.to_string(),
            about: key.other.to_string(),
            ssrc: (key.ssrc != 0).then(|| format!("{:#010x}", key.ssrc)),
            call_id: self.call_id.clone(),
            belongs_to: belongs.map(|(name, _)| name.clone()),
            known_by: belongs.map(|(_, by)| by),
            first: rfc3339(self.first),
            last: rfc3339(self.last),
            rtcp,
            vq: self.published.clone(),
        })
    }
}

impl Streams {
    /// How many streams are known by the word of endpoints alone.
    #[must_use]
    pub fn reported_count(&self) -> usize {
        self.reported.as_ref().map_or(0, Reported::len)
    }

    /// Words that had to make room for others.
    #[must_use]
    pub fn reported_forgotten(&self) -> u64 {
        self.reported.as_ref().map_or(0, |reported| reported.forgotten)
    }

    /// Takes what a telephone published.
    pub fn published(&mut self, at: i64, sender: Endpoint, report: vq::Report, calls: &Calls, book: &Book) {
        let Some(reported) = &mut self.reported else { return };
        let (receives, other_receives) = (report.receives.clone(), report.other_receives.clone());
        let is_whole = report.kind == vq::Kind::Session;
        let key = reported.published(at, sender, report);
        self.own(key, calls, book, false);
        // Of a stretch of a call nothing can be said against the whole of what was seen.
        if is_whole {
            let back = Key { reporter: key.other, other: key.reporter, ssrc: 0 };
            for (key, metrics) in [(key, receives), (back, other_receives)] {
                let Some(metrics) = metrics else { continue };
                let heard = self.spoken_of(&key.about(at, book)).map(|heard| heard.key);
                if let Some(heard) = heard.and_then(|key| self.latest_of(key)) {
                    heard.published(metrics);
                }
            }
        }
    }

    /// Looks for the call of a word that has none yet, unless it names one that is known.
    pub(super) fn own(&mut self, key: Key, calls: &Calls, book: &Book, at_last: bool) {
        let Some(word) = self.reported.as_ref().and_then(|reported| reported.words.get(&key)) else { return };
        let named = word.call_id.as_deref();
        if word.owner.is_some() || named.is_some_and(|call_id| calls.knows(call_id)) {
            return;
        }
        let found = self.owner(&key.about(word.first, book), calls, book, at_last);
        // A name that nobody knows may be another system's own; only the very stream says better.
        let found = found.filter(|owner| named.is_none() || owner.by == KnownBy::Ssrc);
        if let Some(word) = self.reported.as_mut().and_then(|reported| reported.words.get_mut(&key)) {
            word.owner = found;
        }
    }

    /// Takes out what nothing was said of for so long, or everything, each with its call if there is one.
    pub fn take_reported(&mut self, silent_since: i64, calls: &Calls, book: &Book) -> Vec<ReportedRow> {
        let Some(reported) = &self.reported else { return Vec::new() };
        let leaving = reported.words.iter().filter(|(_, word)| word.last <= silent_since);
        let lacking = leaving.filter(|(_, word)| word.owner.is_none() && word.says_something());
        let keys: Vec<Key> = lacking.map(|(key, _)| *key).collect();
        for key in keys {
            self.own(key, calls, book, true);
        }
        self.reported.as_mut().map(|reported| reported.take(silent_since)).unwrap_or_default()
    }
}
