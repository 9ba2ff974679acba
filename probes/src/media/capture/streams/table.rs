//! The streams that are believed, each with its engine and its place in a call.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::StreamKey;
use super::candidates::{Candidates, Seen};
use super::control::FarEnd;
use super::gaps::GapWatch;
use super::hashed::{AsHashed, Hashed, KeyHasher};
use super::owner::Departed;
use super::reported::Reported;
use crate::capture::call::{Attribution, Book, Calls};
use crate::capture::net::{Datagram, Endpoint};
use crate::capture::sip::MediaKind;
use crate::quality::format::PayloadFormats;
use crate::quality::rtp::Header;
use crate::quality::stream::{Arrival, Settings, Stream, Verdict};

/// Most streams that are kept unless set otherwise; what comes beyond is counted.
const MAX_STREAMS: usize = 1_000_000;
/// SSRCs of a single packet each that are believed at an announced address; more are a flood.
const MAX_SINGLES: usize = 4;

/// A stream as it was heard.
#[derive(Debug, Clone)]
pub struct Heard {
    /// What it is known by.
    pub key: StreamKey,
    /// The engine.
    pub stream: Stream,
    /// First packet.
    pub first: i64,
    /// Latest packet.
    pub last: i64,
    /// Packets.
    pub packets: u64,
    /// Of these, those without a differentiated services code point.
    pub unmarked: u64,
    /// Code point of the latest packet.
    pub dscp: u8,
    /// SRTP, as far as known.
    pub encrypted: bool,
    /// Its place in a call.
    pub attribution: Option<Attribution>,
    /// What its receiver says about it.
    pub far_end: Option<Box<FarEnd>>,
    /// Windows that somebody was told of while it went on.
    pub(in crate::capture) told: u64,
    formats: Arc<PayloadFormats>,
    payload_type: u8,
    /// Its call is over and its address is another call's now.
    closed: bool,
}

impl Heard {
    fn new(key: StreamKey, at: i64, settings: Settings, attribution: Option<Attribution>) -> Self {
        let formats = attribution.as_ref().map_or_else(Arc::default, |found| Arc::clone(&found.formats));
        let encrypted = attribution.as_ref().is_some_and(|found| found.encrypted);
        Self {
            key,
            stream: Stream::new(settings),
            first: at,
            last: at,
            packets: 0,
            unmarked: 0,
            dscp: 0,
            encrypted,
            attribution,
            far_end: None,
            told: 0,
            formats,
            payload_type: 0,
            closed: false,
        }
    }

    fn push(&mut self, seen: &Seen) -> Verdict {
        let arrival = Arrival {
            at_ns: seen.at,
            sequence: seen.sequence,
            timestamp: seen.timestamp,
            marker: seen.marker,
            payload_bytes: seen.payload_bytes,
            flat: seen.flat,
        };
        let verdict = self.stream.push(&arrival, self.formats.get(seen.payload_type));
        self.packets += 1;
        self.unmarked += u64::from(seen.dscp == 0);
        self.dscp = seen.dscp;
        self.payload_type = seen.payload_type;
        self.last = self.last.max(seen.at);
        verdict
    }

    /// The clock of the latest packet; none where nobody said.
    pub(super) fn clock_rate(&self) -> Option<u32> {
        Some(self.formats.get(self.payload_type).clock_rate).filter(|rate| *rate > 0)
    }

    fn belongs_to(&mut self, attribution: Attribution) {
        self.formats = Arc::clone(&attribution.formats);
        self.encrypted |= attribution.encrypted;
        self.attribution = Some(attribution);
    }
}

/// All streams.
pub struct Streams {
    settings: Settings,
    most: usize,
    heard: Vec<Heard>,
    open: HashMap<Hashed, u32, AsHashed>,
    hasher: KeyHasher,
    by_address: HashMap<Endpoint, Vec<u32>, foldhash::fast::RandomState>,
    candidates: Candidates,
    /// Streams beyond the bound.
    pub refused: u64,
    /// Flows on which DTLS was seen: their RTP is encrypted (RFC 5764).
    dtls: HashSet<Endpoint, foldhash::fast::RandomState>,
    /// Watches for gaps that many streams have at once, where asked for.
    gaps: Option<GapWatch>,
    /// What is said of streams that are not seen, where asked for.
    pub(super) reported: Option<Reported>,
    /// Streams that have gone, for what is said of them later.
    pub(super) departed: Departed,
}

impl Streams {
    /// None yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            most: MAX_STREAMS,
            heard: Vec::new(),
            open: HashMap::default(),
            hasher: KeyHasher::default(),
            by_address: HashMap::default(),
            candidates: Candidates::new(),
            refused: 0,
            dtls: HashSet::default(),
            gaps: None,
            reported: None,
            departed: Departed::default(),
        }
    }

    /// None yet, never more than so many, and watching for gaps that many have at once.
    #[must_use]
    pub fn live(settings: Settings, most: usize) -> Self {
        Self {
            most,
            gaps: Some(GapWatch::default()),
            reported: Some(Reported::default()),
            ..Self::new(settings)
        }
    }

    /// The watch over gaps that many streams have at once.
    pub fn gaps(&mut self) -> Option<&mut GapWatch> {
        self.gaps.as_mut()
    }

    /// How full the table is, 0 to 1.
    #[must_use]
    pub fn fullness(&self) -> f64 {
        self.heard.len() as f64 / self.most.max(1) as f64
    }

    /// Takes streams out: those that are `gone`, and those of dialogs that have no new place. What stays moves to
    /// its new place.
    #[must_use]
    pub fn split(&mut self, gone: &[bool], places: &[Option<u32>], gone_places: &[u32]) -> Self {
        let mut leaving = Self::new(self.settings);
        let mut moved: Vec<Option<u32>> = Vec::with_capacity(self.heard.len());
        let mut kept = Vec::with_capacity(self.heard.len());
        for (mut heard, gone) in std::mem::take(&mut self.heard).into_iter().zip(gone) {
            let place = heard.attribution.as_ref().and_then(|of| places.get(of.leg.dialog as usize).copied());
            if let Some(of) = &mut heard.attribution {
                let old = of.leg.dialog as usize;
                of.leg.dialog = place.flatten().or_else(|| gone_places.get(old).copied()).unwrap_or(u32::MAX);
            }
            if *gone {
                moved.push(None);
                // Its call goes on without it.
                if place.flatten().is_some() {
                    heard.attribution = None;
                }
                leaving.heard.push(heard);
            } else {
                moved.push(Some(kept.len() as u32));
                kept.push(heard);
            }
        }
        self.heard = kept;
        let place =
            |old: &mut u32| moved.get(*old as usize).copied().flatten().map(|new| *old = new).is_some();
        self.open.retain(|_, at| place(at));
        self.by_address.retain(|_, all| {
            all.retain_mut(place);
            !all.is_empty()
        });
        if self.dtls.len() > self.heard.len() + 1_024 {
            let known = &self.by_address;
            self.dtls.retain(|address| known.contains_key(address));
        }
        leaving
    }

    /// A stream without a call finds it, if it was announced only after the stream had begun.
    pub fn find_call(&mut self, index: usize, calls: &Calls, book: &Book) {
        if let Some(heard) = self.heard.get_mut(index).filter(|heard| heard.attribution.is_none())
            && let Some(found) = book.attribute(calls, heard.key.source, heard.key.destination, heard.first)
        {
            heard.belongs_to(found);
        }
    }

    /// All, to be told of their windows.
    pub(in crate::capture) fn heard_mut(&mut self) -> &mut [Heard] {
        &mut self.heard
    }

    /// All, in the order in which they were believed.
    #[must_use]
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// Packets that looked like RTP and whose sender never sent a second one: many of them are a flood.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.candidates.forgotten
    }

    /// Takes a datagram whose header reads as RTP.
    pub fn push(&mut self, datagram: &Datagram<'_>, header: &Header, calls: &Calls, book: &Book) {
        let key = StreamKey { source: datagram.source, destination: datagram.destination, ssrc: header.ssrc };
        // Only G.711 shows its silence in its bytes.
        let flat = matches!(header.payload_type, 0 | 8) && header.flat_payload(datagram.payload);
        let seen = Seen::new(datagram.at, header, datagram.dscp, flat);
        let known = self.hasher.hashed(key);
        if let Some(index) = self.open.get(&known) {
            let heard = &mut self.heard[*index as usize];
            if !heard.closed {
                let before = heard.last;
                if heard.push(&seen) == Verdict::AfterGap
                    && let Some(gaps) = &mut self.gaps
                {
                    gaps.note(seen.at, before, key);
                }
                return;
            }
            let attribution = book.attribute(calls, key.source, key.destination, datagram.at);
            self.open(key, &[seen], attribution);
            return;
        }
        if book.knows(key.destination) && self.singles(key.destination) < MAX_SINGLES {
            let attribution = book.attribute(calls, key.source, key.destination, datagram.at);
            if let Some(found) = attribution.filter(|found| expects(found, header.payload_type)) {
                match self.candidates.announced(&known, seen) {
                    Some(earlier)
                        if earlier.packets().iter().all(|seen| expects(&found, seen.payload_type)) =>
                    {
                        self.open(key, earlier.packets(), Some(found));
                    }
                    _ => self.open(key, &[seen], Some(found)),
                }
                return;
            }
        }
        let Some(candidate) = self.candidates.push(known, seen) else { return };
        let attribution = book.attribute(calls, key.source, key.destination, datagram.at);
        self.open(key, candidate.packets(), attribution);
    }

    /// Streams to an address of which only one packet came: invented, when they are many.
    fn singles(&self, destination: Endpoint) -> usize {
        let known = self.by_address.get(&destination);
        let single = |index: &&u32| self.heard.get(**index as usize).is_some_and(|heard| heard.packets == 1);
        known.map_or(0, |indices| indices.iter().filter(single).count())
    }

    fn open(&mut self, key: StreamKey, packets: &[Seen], attribution: Option<Attribution>) {
        let Some(first) = packets.first() else { return };
        if self.heard.len() >= self.most {
            self.refused += 1;
            return;
        }
        let index = self.heard.len() as u32;
        let mut heard = Heard::new(key, first.at, self.settings, attribution);
        heard.encrypted |= self.dtls.contains(&key.destination) || self.dtls.contains(&key.source);
        for seen in packets {
            heard.push(seen);
        }
        self.heard.push(heard);
        self.open.insert(self.hasher.hashed(key), index);
        for address in [key.destination, key.source] {
            self.by_address.entry(address).or_default().push(index);
        }
    }

    /// Media was announced at an address anew: its streams belong to that, or are over with their call.
    pub fn announced(&mut self, at: i64, address: Endpoint, calls: &Calls, book: &Book) {
        let Some(indices) = self.by_address.get_mut(&address) else { return };
        indices.retain(|index| !self.heard[*index as usize].closed);
        for index in indices {
            let heard = &mut self.heard[*index as usize];
            let Some(found) = book.attribute(calls, heard.key.source, heard.key.destination, at) else {
                continue;
            };
            let other_call = |before: &Attribution| before.leg.dialog != found.leg.dialog;
            match &heard.attribution {
                Some(before) if other_call(before) => {
                    let ended = calls.leg(before.leg).and_then(|leg| leg.ended);
                    if ended.is_some_and(|ended| heard.first > ended) {
                        // It overtook the answer of its own call, and was taken for that of the call before.
                        heard.belongs_to(found);
                    } else {
                        heard.closed = ended.is_some();
                    }
                }
                _ => heard.belongs_to(found),
            }
        }
    }

    /// DTLS was seen here.
    pub fn note_dtls(&mut self, source: Endpoint, destination: Endpoint) {
        if self.dtls.len() < 2 * self.most {
            self.dtls.insert(source);
            self.dtls.insert(destination);
        }
    }

    /// The latest stream of this SSRC with one of these addresses at one of its ends.
    pub(super) fn find(
        &mut self,
        ssrc: u32,
        addresses: &[Endpoint],
        end: fn(&Heard) -> Endpoint,
    ) -> Option<&mut Heard> {
        let index = addresses.iter().find_map(|address| {
            let indices = self.by_address.get(address)?;
            let fits = |heard: &Heard| heard.key.ssrc == ssrc && end(heard) == *address;
            indices.iter().rev().find(|index| fits(&self.heard[**index as usize])).copied()
        })?;
        self.heard.get_mut(index as usize)
    }

    /// The latest stream with this address at one of its ends that fits.
    pub(super) fn latest_at(&self, address: Endpoint, fits: impl Fn(&Heard) -> bool) -> Option<&Heard> {
        let indices = self.by_address.get(&address)?;
        indices.iter().rev().filter_map(|index| self.heard.get(*index as usize)).find(|heard| fits(heard))
    }

    /// The latest stream of this key.
    pub(super) fn latest_of(&mut self, key: StreamKey) -> Option<&mut Heard> {
        let indices = self.by_address.get(&key.destination)?;
        let fits = |index: &&u32| self.heard.get(**index as usize).is_some_and(|heard| heard.key == key);
        let index = *indices.iter().rev().find(fits)?;
        self.heard.get_mut(index as usize)
    }

    /// The end of the capture: what was announced but too short to show itself is believed now, and what was
    /// announced only after it had begun finds its call.
    pub fn finish(&mut self, calls: &Calls, book: &Book) {
        let mut short: Vec<_> = self.candidates.rest().collect();
        short.sort_by_key(|candidate| candidate.packets().first().map(|seen| seen.at));
        for candidate in short {
            let (key, at) = (candidate.key, candidate.packets().first().map_or(0, |seen| seen.at));
            let Some(found) = book.attribute(calls, key.source, key.destination, at) else { continue };
            if candidate.packets().iter().all(|seen| expects(&found, seen.payload_type)) {
                self.open(key, candidate.packets(), Some(found));
            }
        }
        for index in 0..self.heard.len() {
            self.find_call(index, calls, book);
        }
    }
}

/// Whether such a packet was announced. T.38 looks like anything: on its port RTP must show itself.
fn expects(attribution: &Attribution, payload_type: u8) -> bool {
    attribution.kind != MediaKind::Fax && !attribution.formats.get(payload_type).codec.is_empty()
}
