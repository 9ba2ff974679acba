//! What the packets carried: formats, kinds, payload sizes, silence.

use super::super::format::{Format, Kind};
use super::Arrival;

/// A stream that uses more formats than this has the rest counted with the last.
const FORMATS_KEPT: usize = 8;

/// A format and how many unique packets used it.
#[derive(Debug, Clone)]
pub(super) struct Used {
    pub(super) format: Format,
    pub(super) packets: u64,
    /// Payload bytes of most packets and their lead (Boyer and Moore's majority).
    size: u32,
    size_lead: u32,
}

impl Used {
    fn packet(&mut self, payload_bytes: u32) {
        self.packets += 1;
        if payload_bytes == self.size {
            self.size_lead = self.size_lead.saturating_add(1);
        } else if self.size_lead == 0 {
            (self.size, self.size_lead) = (payload_bytes, 1);
        } else {
            self.size_lead -= 1;
        }
    }

    /// Payload bytes of most packets.
    pub(super) fn typical_bytes(&self) -> u32 {
        self.size
    }
}

/// Contents of one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    pub(super) used: Vec<Used>,
    running: usize,
    /// The audio format in use, for telling changes.
    audio: Option<usize>,
    pub(super) codec_changes: u32,
    pub(super) events: u64,
    pub(super) comfort_noise: u64,
    pub(super) flat: u64,
    pub(super) talkspurts: u64,
}

impl Content {
    /// Takes a unique packet; returns the bit of its format where it is audio, else 0.
    #[inline]
    pub(super) fn packet(&mut self, arrival: &Arrival, format: &Format) -> u8 {
        if !self.used.get(self.running).is_some_and(|used| used.format.is(format)) {
            self.running = self.find(format);
        }
        let running = self.running;
        if let Some(used) = self.used.get_mut(running) {
            used.packet(arrival.payload_bytes);
        }
        match format.kind {
            Kind::Audio => {}
            Kind::Event => {
                self.events += 1;
                return 0;
            }
            Kind::ComfortNoise => {
                self.comfort_noise += 1;
                return 0;
            }
            Kind::Other => return 0,
        }
        self.flat += u64::from(arrival.flat);
        self.talkspurts += u64::from(arrival.marker);
        if self.audio != Some(running) {
            self.codec_changes += u32::from(self.audio.replace(running).is_some());
        }
        1 << running
    }

    #[cold]
    fn find(&mut self, format: &Format) -> usize {
        if let Some(known) = self.used.iter().position(|used| used.format.is(format)) {
            return known;
        }
        if self.used.len() < FORMATS_KEPT {
            self.used.reserve_exact(1);
            self.used.push(Used { format: format.clone(), packets: 0, size: 0, size_lead: 0 });
        }
        self.used.len() - 1
    }

    /// The format that stands for the stream: most packets among audio, else among all.
    pub(super) fn main(&self) -> Option<&Used> {
        let audio = self.used.iter().filter(|used| used.format.kind == Kind::Audio);
        audio.max_by_key(|used| used.packets).or_else(|| self.used.iter().max_by_key(|used| used.packets))
    }

    /// Bits of the audio formats that carried at least one packet in a hundred.
    pub(super) fn audio_mask(&self) -> u8 {
        let audio = |used: &&Used| used.format.kind == Kind::Audio;
        let total: u64 = self.used.iter().filter(audio).map(|used| used.packets).sum();
        let shares = self.used.iter().enumerate();
        shares
            .filter(|(_, used)| audio(used) && used.packets * 100 >= total)
            .fold(0, |mask, (index, _)| mask | 1 << index)
    }
}
