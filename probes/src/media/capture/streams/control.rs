//! RTCP to the streams that it speaks of: what the endpoints say, kept beside what was measured.

use serde::Serialize;

use super::table::{Heard, Streams};
use crate::capture::call::Book;
use crate::capture::net::{Datagram, Endpoint};
use crate::quality::rtcp::{Packet, ReportBlock, RoundTrip, Told, ToldReport, parse};

/// What the receiver of a stream says about it.
#[derive(Debug, Clone, Default)]
pub struct FarEnd {
    told: Told,
    round_trip: RoundTrip,
    shortest_s: Option<f64>,
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

impl FarEnd {
    /// What was said; none without a report about the stream.
    #[must_use]
    pub fn report(&self) -> Option<Rtcp> {
        let told = self.told.report();
        (told.reports > 0 || told.voip_metrics.is_some())
            .then(|| Rtcp { told: told.clone(), round_trip_ms: self.shortest_s.map(|seconds| seconds * 1e3) })
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
}

impl Streams {
    /// Takes a datagram that reads as RTCP.
    pub fn control(&mut self, datagram: &Datagram<'_>, book: &Book) {
        for packet in parse(datagram.payload).packets {
            match packet {
                Packet::SenderReport { ssrc, sender, blocks } => {
                    let from = media_addresses(datagram.source, book);
                    if let Some(heard) = self.find(ssrc, &from, |heard| heard.key.source) {
                        heard.far_end().round_trip.sender_report(datagram.at, sender.ntp);
                    }
                    self.blocks(datagram, ssrc, &blocks, book);
                }
                Packet::ReceiverReport { ssrc, blocks } => self.blocks(datagram, ssrc, &blocks, book),
                Packet::ExtendedReport { voip, .. } => {
                    let to = media_addresses(datagram.source, book);
                    for metrics in &voip {
                        if let Some(heard) = self.find(metrics.ssrc, &to, |heard| heard.key.destination) {
                            heard.far_end().told.voip_metrics(metrics);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Blocks speak of streams that go to their sender.
    fn blocks(&mut self, datagram: &Datagram<'_>, reporter: u32, blocks: &[ReportBlock], book: &Book) {
        let receiver = media_addresses(datagram.source, book);
        let sender = media_addresses(datagram.destination, book);
        for block in blocks {
            // By where it goes, else by where it comes from: behind address translation only one is known.
            let found = self.find(block.ssrc, &receiver, |heard| heard.key.destination).is_some();
            let heard = if found {
                self.find(block.ssrc, &receiver, |heard| heard.key.destination)
            } else {
                self.find(block.ssrc, &sender, |heard| heard.key.source)
            };
            let Some(heard) = heard else { continue };
            let clock = heard.clock_rate();
            let far_end = heard.far_end();
            far_end.told.block(datagram.at, reporter, block, clock);
            if let Some(seconds) = far_end.round_trip.answered(datagram.at, block) {
                far_end.shortest_s = Some(far_end.shortest_s.map_or(seconds, |known| known.min(seconds)));
            }
        }
    }
}

/// Where the media of an RTCP address is: the same port (RFC 5761), the one below, or what was announced.
fn media_addresses(rtcp: Endpoint, book: &Book) -> [Endpoint; 3] {
    let below = rtcp.with_port(rtcp.port().wrapping_sub(1));
    [rtcp, below, book.media_of_rtcp(rtcp).unwrap_or(below)]
}
