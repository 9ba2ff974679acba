//! RTCP to the streams that it speaks of: what the endpoints say, kept beside what was measured.

use serde::Serialize;

use super::reported::{From, Key};
use super::table::{Heard, Streams};
use crate::capture::call::{Book, Calls};
use crate::capture::net::{Datagram, Endpoint};
use crate::feed::vq;
use crate::quality::rtcp::{Packet, ReportBlock, RoundTrip, Told, ToldReport, parse};

/// What the receiver of a stream says about it.
#[derive(Debug, Clone, Default)]
pub struct FarEnd {
    told: Told,
    round_trip: RoundTrip,
    shortest_s: Option<f64>,
    published: Option<Box<vq::Metrics>>,
}

/// The same for the report.
#[derive(Debug, Clone, Serialize)]
pub struct Rtcp {
    /// Its word.
    #[serde(flatten)]
    pub told: ToldReport,
    /// Shortest round trip between the point of capture and the receiver.
    pub round_trip_ms: Option<f64>,
}

impl Rtcp {
    /// None without a report.
    pub(super) fn of(told: &Told, shortest_s: Option<f64>) -> Option<Self> {
        let told = told.report();
        (told.reports > 0 || told.voip_metrics.is_some())
            .then(|| Self { told: told.clone(), round_trip_ms: shortest_s.map(|seconds| seconds * 1e3) })
    }
}

impl FarEnd {
    /// What was said; none without a report about the stream.
    #[must_use]
    pub fn report(&self) -> Option<Rtcp> {
        Rtcp::of(&self.told, self.shortest_s)
    }

    /// What it says of the whole call by vq-rtcpxr.
    #[must_use]
    pub fn published(&self) -> Option<&vq::Metrics> {
        self.published.as_deref()
    }

    /// Shortest round trip between the point of capture and the receiver.
    #[must_use]
    pub fn round_trip_ms(&self) -> Option<f64> {
        self.shortest_s.map(|seconds| seconds * 1e3)
    }
}

impl Heard {
    fn far_end(&mut self) -> &mut FarEnd {
        self.far_end.get_or_insert_with(Box::default)
    }

    /// Its receiver published what it got over the whole call.
    pub(super) fn published(&mut self, metrics: vq::Metrics) {
        self.far_end().published = Some(Box::new(metrics));
    }
}

impl Streams {
    /// Takes a datagram that reads as RTCP.
    pub fn control(&mut self, datagram: &Datagram<'_>, calls: &Calls, book: &Book) {
        let Datagram { at, source, destination, .. } = *datagram;
        let said = Said { from: From { at, source, destination, call_id: None }, calls, book };
        self.told(&said, &parse(datagram.payload).packets);
    }

    /// Takes what was said, by RTCP or by who reports of it.
    pub(super) fn told(&mut self, said: &Said<'_>, packets: &[Packet]) {
        let from = said.from;
        for packet in packets {
            match packet {
                Packet::SenderReport { ssrc, sender, blocks } => {
                    let addresses = media_addresses(from.source, said.book);
                    if let Some(heard) = self.find(*ssrc, &addresses, |heard| heard.key.source) {
                        heard.far_end().round_trip.sender_report(from.at, sender.ntp);
                    } else if let Some(reported) = &mut self.reported {
                        reported.sender_report(from, *ssrc, sender.ntp);
                    }
                    self.blocks(said, *ssrc, blocks);
                }
                Packet::ReceiverReport { ssrc, blocks } => self.blocks(said, *ssrc, blocks),
                Packet::ExtendedReport { voip, .. } => {
                    for metrics in voip {
                        if let Some(heard) = self.received_by(said, metrics.ssrc) {
                            heard.far_end().told.voip_metrics(metrics);
                        } else if let Some(reported) = &mut self.reported {
                            reported.voip_metrics(from, metrics);
                            self.own(Key::of(&from, metrics.ssrc), said.calls, said.book, false);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The stream of an SSRC that goes to who speaks, else that comes from whom he speaks to: behind address
    /// translation only one is known.
    fn received_by(&mut self, said: &Said<'_>, ssrc: u32) -> Option<&mut Heard> {
        let receiver = media_addresses(said.from.source, said.book);
        if self.find(ssrc, &receiver, |heard| heard.key.destination).is_some() {
            return self.find(ssrc, &receiver, |heard| heard.key.destination);
        }
        let sender = media_addresses(said.from.destination, said.book);
        self.find(ssrc, &sender, |heard| heard.key.source)
    }

    /// Blocks speak of streams that go to their sender.
    fn blocks(&mut self, said: &Said<'_>, reporter: u32, blocks: &[ReportBlock]) {
        let receiver = media_addresses(said.from.source, said.book);
        let sender = media_addresses(said.from.destination, said.book);
        for block in blocks {
            let Some(heard) = self.received_by(said, block.ssrc) else {
                if let Some(reported) = &mut self.reported {
                    reported.block(said.from, reporter, block, said.clock(&sender, &receiver));
                    self.own(Key::of(&said.from, block.ssrc), said.calls, said.book, false);
                }
                continue;
            };
            let clock = heard.clock_rate();
            let far_end = heard.far_end();
            far_end.told.block(said.from.at, reporter, block, clock);
            if let Some(seconds) = far_end.round_trip.answered(said.from.at, block) {
                far_end.shortest_s = Some(far_end.shortest_s.map_or(seconds, |known| known.min(seconds)));
            }
        }
    }
}

/// Something said about streams, and what is known of its call.
pub(super) struct Said<'a> {
    pub(super) from: From<'a>,
    pub(super) calls: &'a Calls,
    pub(super) book: &'a Book,
}

impl Said<'_> {
    /// The clock of what flows between these addresses, where all that was agreed on has the same.
    fn clock(&self, sender: &[Endpoint], receiver: &[Endpoint]) -> Option<u32> {
        let pairs = sender.iter().zip(receiver);
        let mut known =
            pairs.filter_map(|(from, to)| self.book.attribute(self.calls, *from, *to, self.from.at));
        known.find_map(|attribution| attribution.formats.only_clock())
    }
}

impl Streams {
    /// Takes reports that somebody handed on, who may name the call.
    #[expect(clippy::too_many_arguments, reason = "who, to whom, when, what, and the two that know of calls")]
    pub fn handed_on(
        &mut self,
        at: i64,
        source: Endpoint,
        destination: Endpoint,
        call_id: Option<&str>,
        packets: &[Packet],
        calls: &Calls,
        book: &Book,
    ) {
        self.told(&Said { from: From { at, source, destination, call_id }, calls, book }, packets);
    }
}

/// Where the media of an RTCP address is: the same port (RFC 5761), the one below, or what was announced.
pub(super) fn media_addresses(rtcp: Endpoint, book: &Book) -> [Endpoint; 3] {
    let below = rtcp.with_port(rtcp.port().wrapping_sub(1));
    [rtcp, below, book.media_of_rtcp(rtcp).unwrap_or(below)]
}
