//! What comes back of a test call: the voice through the engine of live calls, our own voice in it if the far end is an
//! echo, and what the far end says of ours by RTCP.
//!
//! Pure: bytes and arrival times are arguments. Which direction lost what is known only so far: a stream is counted by
//! its sequence numbers, and those are the far end's own, unless it sends ours back as they were. Then a gap is a loss on
//! either way, and only the far end's RTCP can tell them apart. What is not known stays unknown.

use std::collections::HashMap;

use linesman_media::quality::format::{Format, PayloadFormats};
use linesman_media::quality::report::StreamReport;
use linesman_media::quality::rtcp::{self, Packet, ReportBlock, Told, ToldReport, round_trip_s};
use linesman_media::quality::rtp;
use linesman_media::quality::score::{Assumptions, CodecTable};
use linesman_media::quality::stream::{Arrival, Settings, Stream};

use super::codec::{CLOCK, CallCodec};
use super::train::Train;

/// Streams followed at once: a far end that changes its source now and then has no more.
const MOST_STREAMS: usize = 4;
/// So many of our own packets must come back before the far end is an echo.
const ECHO_AT_LEAST: usize = 20;

/// One stream that came.
#[derive(Debug)]
struct Incoming {
    ssrc: u32,
    stream: Stream,
    /// Highest sequence number, extended from the first one.
    highest: i64,
    first_sequence: u16,
    packets: u64,
    last_at_ns: i64,
    /// Of our own packets: number of ours and extended sequence number of theirs, in order of arrival.
    echoed: Vec<(u32, i64)>,
    jitter_ticks: f64,
    last_transit: Option<i64>,
}

/// Listens; see the module.
#[derive(Debug)]
pub struct Ear {
    formats: PayloadFormats,
    streams: Vec<Incoming>,
    train: Train,
    /// Our payloads by their hash.
    said: HashMap<u64, u32>,
    sent_at: Vec<i64>,
    echo_trips_ns: Vec<i64>,
    told: Told,
    last_block: Option<ReportBlock>,
    /// How many packets the last report must know of.
    due: u64,
    least_trip_s: Option<f64>,
    last_sr: Option<(u32, i64)>,
    far_reports: u64,
}

/// What left so long before a report came belongs in it.
const LONGEST_AWAY_NS: i64 = 2_000_000_000;
/// An echo that is silent for so long before our last packet has ended before us.
const LONGEST_GAP_NS: i64 = 1_000_000_000;
/// Longer round trips are mistakes of somebody's clock.
const LONGEST_TRIP_S: f64 = 10.0;
/// Echoes of one packet that are remembered, on average.
const MOST_COPIES: usize = 4;

/// Loss of one direction, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Packets that were due.
    pub expected: u64,
    /// Of these lost.
    pub lost: u64,
}

/// How our own voice came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Echo {
    /// Packets of ours that came back, each once.
    pub returned: u64,
    /// What was lost on the way there by the far end's own numbering; none where it keeps ours.
    pub there: Option<Lost>,
    /// Its numbering shows that it is its own.
    pub numbers_itself: bool,
    /// Least, mean and largest time from our sending to our hearing, in nanoseconds.
    pub trip_ns: Option<(i64, i64, i64)>,
}

impl Ear {
    /// Listens to what answers `train`.
    #[must_use]
    pub fn new(train: &Train) -> Self {
        let mut formats = PayloadFormats::new();
        formats.set(format_of(train.codec, train.payload_type));
        Self {
            formats,
            streams: Vec::new(),
            said: HashMap::with_capacity(train.count.min(100_000) as usize),
            train: train.clone(),
            sent_at: Vec::new(),
            echo_trips_ns: Vec::new(),
            told: Told::default(),
            last_block: None,
            due: 0,
            least_trip_s: None,
            last_sr: None,
            far_reports: 0,
        }
    }

    /// The packet of this number left us; packets leave in order.
    pub fn said(&mut self, packet: &[u8], at_ns: i64) {
        let number = self.sent_at.len() as u32;
        self.sent_at.push(at_ns);
        self.said.insert(hash(packet.get(12..).unwrap_or_default()), number);
    }

    /// A datagram came to our port of voice.
    pub fn hear(&mut self, bytes: &[u8], at_ns: i64) {
        if rtcp::is_rtcp(bytes) {
            return self.hear_report(bytes, at_ns);
        }
        let Ok(header) = rtp::parse(bytes, bytes.len()) else { return };
        let place = self.streams.iter().position(|known| known.ssrc == header.ssrc);
        let place = match place {
            Some(place) => place,
            None if self.streams.len() < MOST_STREAMS => {
                self.streams.push(Incoming {
                    ssrc: header.ssrc,
                    stream: Stream::new(Settings::default()),
                    highest: 0,
                    first_sequence: header.sequence,
                    packets: 0,
                    last_at_ns: at_ns,
                    echoed: Vec::new(),
                    jitter_ticks: 0.0,
                    last_transit: None,
                });
                self.streams.len() - 1
            }
            None => return,
        };
        let incoming = &mut self.streams[place];
        let mut arrival = Arrival::new(at_ns, &header);
        arrival.flat = header.flat_payload(bytes);
        incoming.stream.push(&arrival, self.formats.get(header.payload_type));
        incoming.packets += 1;
        incoming.last_at_ns = at_ns;
        let extended = incoming.extend(header.sequence);
        incoming.time(header.timestamp, at_ns);
        // Who sends more copies than that is no echo.
        let has_room = incoming.echoed.len() < MOST_COPIES * self.train.count as usize;
        if has_room && let Some(number) = self.said.get(&hash(header.payload(bytes))) {
            if let Some(sent) = self.sent_at.get(*number as usize) {
                self.echo_trips_ns.push(at_ns.saturating_sub(*sent));
            }
            incoming.echoed.push((*number, extended));
        }
    }

    /// A datagram came to our port of reports.
    pub fn hear_report(&mut self, bytes: &[u8], at_ns: i64) {
        for packet in rtcp::parse(bytes).packets {
            let (reporter, blocks) = match packet {
                Packet::SenderReport { ssrc, sender, blocks } => {
                    self.last_sr = Some(((sender.ntp >> 16) as u32, at_ns));
                    (ssrc, blocks)
                }
                Packet::ReceiverReport { ssrc, blocks } => (ssrc, blocks),
                Packet::ExtendedReport { voip, .. } => {
                    voip.iter()
                        .filter(|told| told.ssrc == self.train.ssrc)
                        .for_each(|told| self.told.voip_metrics(told));
                    continue;
                }
                _ => continue,
            };
            for block in blocks.iter().filter(|block| block.ssrc == self.train.ssrc) {
                self.far_reports += 1;
                self.told.block(at_ns, reporter, block, Some(CLOCK));
                self.last_block = Some(*block);
                let old = at_ns.saturating_sub(LONGEST_AWAY_NS);
                self.due = self.sent_at.partition_point(|sent| *sent <= old) as u64;
                let trip = round_trip_s(ntp_middle(at_ns), block.last_sr, block.delay_since_last_sr);
                if let Some(trip) = trip.filter(|trip| *trip < LONGEST_TRIP_S) {
                    self.least_trip_s = Some(self.least_trip_s.map_or(trip, |least| least.min(trip)));
                }
            }
        }
    }

    /// What we hear, for our own reports.
    #[must_use]
    pub fn blocks(&self, now_ns: i64) -> Vec<ReportBlock> {
        let (last_sr, since) =
            self.last_sr.map_or((0, 0), |(middle, at)| (middle, now_ns.saturating_sub(at).max(0)));
        self.streams
            .iter()
            .map(|incoming| {
                let counts = incoming.stream.counts();
                let lost = i64::try_from(counts.lost).unwrap_or(0);
                ReportBlock {
                    ssrc: incoming.ssrc,
                    fraction_lost: (counts.lost * 256).checked_div(counts.expected).unwrap_or(0).min(255)
                        as u8,
                    cumulative_lost: i32::try_from(lost).unwrap_or(0x7f_ffff),
                    highest_sequence: (i64::from(incoming.first_sequence) + incoming.highest) as u32,
                    jitter: incoming.jitter_ticks as u32,
                    last_sr,
                    delay_since_last_sr: (since as f64 * 65_536e-9) as u32,
                }
            })
            .collect()
    }

    /// The stream that most packets belong to, with everything the engine knows of it.
    #[must_use]
    pub fn main(&self, codecs: &CodecTable, known: &Assumptions) -> Option<(u32, StreamReport)> {
        let main = self.main_stream()?;
        Some((main.ssrc, main.stream.report(codecs, known)))
    }

    /// How many streams came.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    fn main_stream(&self) -> Option<&Incoming> {
        self.streams.iter().max_by_key(|incoming| incoming.packets)
    }

    /// What the far end says it lost of ours; its word. What it must have heard by then and does not know of is lost
    /// too: losses at the end leave no gap in its numbers.
    #[must_use]
    pub fn told(&self) -> Option<(Lost, f64, &ToldReport)> {
        let block = self.last_block?;
        let expected =
            u64::from(block.highest_sequence.wrapping_sub(u32::from(self.train.first_sequence))) + 1;
        // A reporter that counts from a number of its own, or from an older stream, cannot be read so.
        let sent = self.sent_at.len() as u64;
        if expected > sent + 1 || expected == 0 {
            return None;
        }
        let lost = u64::try_from(block.cumulative_lost.max(0)).unwrap_or(0).min(expected);
        let jitter_ms = f64::from(block.jitter) * 1000.0 / f64::from(CLOCK);
        let tail = self.due.saturating_sub(expected);
        Some((Lost { expected: expected + tail, lost: lost + tail }, jitter_ms, self.told.report()))
    }

    /// Reports of the far end about our stream.
    #[must_use]
    pub fn far_reports(&self) -> u64 {
        self.far_reports
    }

    /// The round trips that the far end's reports gave, in seconds: the least, which queues spoil least.
    #[must_use]
    pub fn trip_s(&self) -> Option<f64> {
        self.least_trip_s
    }

    /// Whether what came ended well before we did.
    #[must_use]
    pub fn fell_silent(&self) -> bool {
        let last = self.main_stream().map(|main| main.last_at_ns);
        last.zip(self.sent_at.last()).is_some_and(|(last, sent)| sent.saturating_sub(last) > LONGEST_GAP_NS)
    }

    /// How our voice came back, if it did.
    #[must_use]
    pub fn echo(&self) -> Option<Echo> {
        let main = self.main_stream()?;
        if main.echoed.len() < ECHO_AT_LEAST || (main.echoed.len() as u64) * 2 < main.packets {
            return None;
        }
        let mut numbers: Vec<u32> = main.echoed.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let (there, numbers_itself) = there(&main.echoed);
        let trips = &self.echo_trips_ns;
        let trip_ns = trips.iter().min().zip(trips.iter().max()).map(|(least, most)| {
            let mean = trips.iter().sum::<i64>() / trips.len().max(1) as i64;
            (*least, mean, *most)
        });
        Some(Echo { returned: numbers.len() as u64, there, numbers_itself, trip_ns })
    }
}

/// Losses on the way there, from pairs of our number and theirs.
///
/// Between two packets that came back, `theirs` advanced by those that the far end sent, `ours` by those that we sent:
/// what theirs lacks was lost on the way there. A far end that keeps our numbers always has as many, so that equal
/// advances with gaps prove nothing; without any gap nothing was lost on either way.
fn there(echoed: &[(u32, i64)]) -> (Option<Lost>, bool) {
    let mut pairs = echoed.to_vec();
    pairs.sort_unstable_by_key(|(ours, theirs)| (*theirs, *ours));
    pairs.dedup_by_key(|(_, theirs)| *theirs);
    let (Some((first, begin)), Some((last, end))) = (pairs.first(), pairs.last()) else {
        return (None, false);
    };
    let ours = i64::from(*last) - i64::from(*first);
    let (theirs, has_gaps) = (end - begin, pairs.len() as i64 - 1 < end - begin);
    if ours < theirs || ours <= 0 {
        return (None, false);
    }
    let lost = (ours - theirs) as u64;
    let known = lost > 0 || !has_gaps;
    (known.then_some(Lost { expected: ours as u64 + 1, lost }), lost > 0)
}

impl Incoming {
    fn extend(&mut self, sequence: u16) -> i64 {
        let expected = (i64::from(self.first_sequence) + self.highest) as u16;
        let ahead = i64::from(sequence.wrapping_sub(expected).cast_signed());
        let extended = self.highest + ahead;
        self.highest = self.highest.max(extended);
        extended
    }

    /// RFC 3550 section A.8, for our own reports; what is told people is the engine's.
    fn time(&mut self, timestamp: u32, at_ns: i64) {
        let arrived = (at_ns as f64 * f64::from(CLOCK) * 1e-9) as i64;
        let transit = arrived.wrapping_sub(i64::from(timestamp));
        if let Some(last) = self.last_transit {
            let difference = (transit - last) as i32;
            self.jitter_ticks += (f64::from(difference.unsigned_abs()) - self.jitter_ticks) / 16.0;
        }
        self.last_transit = Some(transit);
    }
}

/// The format of a payload type that was agreed.
#[must_use]
pub fn format_of(codec: CallCodec, payload_type: u8) -> Format {
    let format = Format::new(payload_type, codec.name(), CLOCK);
    match codec.variant() {
        Some(variant) => format.with_variant(variant),
        None => format,
    }
}

/// The middle 32 bits of an NTP time that counts from our own beginning (RFC 3550 section 6.4.1 allows it).
#[must_use]
pub fn ntp_middle(at_ns: i64) -> u32 {
    (ntp(at_ns) >> 16) as u32
}

/// The same, whole. Never 0, which means "no time".
#[must_use]
pub fn ntp(at_ns: i64) -> u64 {
    let ns = u64::try_from(at_ns).unwrap_or(0) + 1_000_000_000;
    let (seconds, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
    (seconds << 32) | ((rest << 32) / 1_000_000_000)
}

/// FNV-1a: told apart, not protected.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
#[path = "ear_tests.rs"]
mod tests;
