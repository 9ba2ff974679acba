//! Streams with a known truth, for tests, benches and demonstrations; seeded, without ambient randomness.
//!
//! A [`Plan`] says what a sender does and what happens on the way; [`Plan::run`] gives the packets as they arrive and
//! the [`Truth`] that an honest count must find. Losses before the first or after the last packet that arrived are
//! in no truth: nobody at the receiver can know of them.

use super::format::Format;
use super::stream::Arrival;

/// A small generator of pseudo-random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers, always.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 up to, not including, 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

/// How packets get lost.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Loss {
    /// Not at all.
    #[default]
    None,
    /// Each with this probability.
    Random(f64),
    /// Gilbert's two states: all lost in the bad one.
    Gilbert {
        /// Probability to enter the bad state.
        enter: f64,
        /// Probability to leave it.
        leave: f64,
    },
    /// Exactly these, counted from 0.
    These(Vec<u64>),
}

/// From this packet on the sender does something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Index of the packet, counted from 0.
    pub at: u64,
    /// What.
    pub to: Turn,
}

/// What a sender may do in the middle of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// The sequence and the timestamp begin anew.
    Restart {
        /// New sequence number.
        sequence: u16,
        /// New timestamp.
        timestamp: u32,
    },
    /// Another format, with so many ticks and payload bytes a packet; packet time stays as it is.
    Format {
        /// The format.
        format: Format,
        /// Ticks a packet.
        ticks: u32,
        /// Payload bytes.
        payload_bytes: u32,
    },
    /// Another packet time in the same format.
    PacketTime {
        /// Milliseconds.
        ms: f64,
        /// Ticks a packet.
        ticks: u32,
    },
    /// Silence without packets, after which a talkspurt begins with a marker.
    Pause {
        /// Milliseconds; media time goes on.
        ms: f64,
    },
}

/// What a sender does and what happens on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Seed of everything random.
    pub seed: u64,
    /// Packets sent.
    pub packets: u64,
    /// Arrival of the first packet if nothing delays it.
    pub start_ns: i64,
    /// First sequence number; 65000 and a late timestamp make both wrap early.
    pub first_sequence: u16,
    /// First timestamp.
    pub first_timestamp: u32,
    /// First format.
    pub format: Format,
    /// Timestamp ticks a packet.
    pub ticks: u32,
    /// Packet time.
    pub packet_time_ms: f64,
    /// Payload bytes a packet.
    pub payload_bytes: u32,
    /// Losses.
    pub loss: Loss,
    /// Each packet is delayed by up to this much, so packets overtake each other when it exceeds packet time.
    pub jitter_ms: f64,
    /// Every so many packets one is delayed by so many milliseconds.
    pub spike: Option<(u64, f64)>,
    /// Probability that a packet is sent twice, the copy after 5 ms.
    pub duplicates: f64,
    /// Every packet is seen twice, ten microseconds apart, as on a mirror port that copies both directions.
    pub mirrored: bool,
    /// The sender's clock is fast by this much.
    pub drift_ppm: f64,
    /// Changes in the middle, in order.
    pub changes: Vec<Change>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            packets: 1500,
            start_ns: 1_000_000_000,
            first_sequence: 65_000,
            first_timestamp: u32::MAX - 50_000,
            format: Format::new(8, "PCMA", 8000),
            ticks: 160,
            packet_time_ms: 20.0,
            payload_bytes: 160,
            loss: Loss::None,
            jitter_ms: 0.0,
            spike: None,
            duplicates: 0.0,
            mirrored: false,
            drift_ppm: 0.0,
            changes: Vec::new(),
        }
    }
}

/// What an honest count finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Truth {
    /// Packets that arrive.
    pub received: u64,
    /// Different packets that arrive.
    pub unique: u64,
    /// Lost between the first and the last that arrive, over all segments.
    pub lost: u64,
    /// Unique plus lost.
    pub expected: u64,
    /// Copies that arrive.
    pub duplicates: u64,
    /// Packets that arrive after a later one of their segment.
    pub reordered: u64,
    /// Segments of which a packet arrives.
    pub segments: u64,
}

/// A packet as it arrives.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// Header fields and arrival.
    pub arrival: Arrival,
    /// What its payload type means.
    pub format: Format,
    /// The segment it was sent in, counted from 0.
    pub segment: u64,
    /// The packet's number at the sender, counted from 0.
    pub number: u64,
}

impl Plan {
    /// The packets in the order of arrival, and the truth about them.
    pub fn run(&self) -> (Vec<Packet>, Truth) {
        let mut packets = self.sent();
        packets.sort_by_key(|packet| packet.arrival.at_ns);
        let truth = truth(&packets);
        (packets, truth)
    }

    fn sent(&self) -> Vec<Packet> {
        let mut random = Random::new(self.seed);
        let mut packets = Vec::new();
        let (mut sequence, mut timestamp) = (self.first_sequence, self.first_timestamp);
        let (mut format, mut ticks, mut bytes) = (self.format.clone(), self.ticks, self.payload_bytes);
        let (mut packet_time_ms, mut media_ms) = (self.packet_time_ms, 0.0);
        let (mut segment, mut lossy, mut marker) = (0, false, true);
        for number in 0..self.packets {
            for change in self.changes.iter().filter(|change| change.at == number) {
                match &change.to {
                    Turn::Restart { sequence: anew, timestamp: media } => {
                        (sequence, timestamp) = (*anew, *media);
                        segment += 1;
                    }
                    Turn::Format { format: other, ticks: step, payload_bytes } => {
                        (format, ticks, bytes) = (other.clone(), *step, *payload_bytes);
                    }
                    Turn::PacketTime { ms, ticks: step } => (packet_time_ms, ticks) = (*ms, *step),
                    Turn::Pause { ms } => {
                        media_ms += ms;
                        let rate = f64::from(format.clock_rate);
                        timestamp = timestamp.wrapping_add((ms * rate / 1000.0) as u32);
                        marker = true;
                    }
                }
            }
            let delay_ms = random.unit() * self.jitter_ms
                + self.spike.filter(|(every, _)| number % every == every - 1).map_or(0.0, |(_, ms)| ms);
            let sender_ms = media_ms / (1.0 + self.drift_ppm * 1e-6);
            let at_ns = self.start_ns + ((sender_ms + delay_ms) * 1e6).round() as i64;
            let arrival = Arrival { at_ns, sequence, timestamp, marker, payload_bytes: bytes, flat: false };
            let lost = self.loses(number, &mut lossy, &mut random);
            let twice = random.chance(self.duplicates);
            if !lost {
                let packet = Packet { arrival, format: format.clone(), segment, number };
                for after_ns in [(true, 0), (self.mirrored, 10_000), (twice, 5_000_000)]
                    .into_iter()
                    .filter_map(|(holds, after_ns)| holds.then_some(after_ns))
                {
                    let arrival = Arrival { at_ns: at_ns + after_ns, ..arrival };
                    packets.push(Packet { arrival, ..packet.clone() });
                }
            }
            marker = false;
            sequence = sequence.wrapping_add(1);
            timestamp = timestamp.wrapping_add(ticks);
            media_ms += packet_time_ms;
        }
        packets
    }

    fn loses(&self, number: u64, lossy: &mut bool, random: &mut Random) -> bool {
        match &self.loss {
            Loss::None => false,
            Loss::Random(probability) => random.chance(*probability),
            Loss::Gilbert { enter, leave } => {
                let turns = random.chance(if *lossy { *leave } else { *enter });
                *lossy ^= turns;
                *lossy
            }
            Loss::These(numbers) => numbers.contains(&number),
        }
    }
}

/// Counts arrived packets by what the sender knows of them.
pub fn truth(packets: &[Packet]) -> Truth {
    let mut truth = Truth { received: packets.len() as u64, ..Truth::default() };
    let mut seen = std::collections::BTreeSet::new();
    let mut highest: std::collections::BTreeMap<u64, u64> = std::collections::BTreeMap::new();
    let mut lowest: std::collections::BTreeMap<u64, u64> = std::collections::BTreeMap::new();
    for packet in packets {
        if !seen.insert(packet.number) {
            truth.duplicates += 1;
            continue;
        }
        truth.unique += 1;
        let most = highest.entry(packet.segment).or_insert(packet.number);
        truth.reordered += u64::from(packet.number < *most);
        *most = packet.number.max(*most);
        let least = lowest.entry(packet.segment).or_insert(packet.number);
        *least = packet.number.min(*least);
    }
    truth.segments = highest.len() as u64;
    for (segment, most) in &highest {
        truth.expected += most + 1 - lowest.get(segment).copied().unwrap_or(*most);
    }
    truth.lost = truth.expected - truth.unique;
    truth
}
