//! Packets of interfaces and feeds to the media engine, with a ledger of what we lost ourselves. It blocks: it runs on
//! a thread of its own, in the daemon as under `linesman rtp listen`.

use std::num::NonZeroU8;
use std::time::Duration;

use linesman_media::capture::file::{Frame, LinkType};
use linesman_media::capture::live::{Fault, FaultKind, Limits, Live};
use linesman_media::quality::stream::Settings;
use linesman_probes::wire::clock_watch::{StepWatch, wall_ns};
use linesman_probes::wire::packets::{
    CHANNEL_BUFFER_BYTES, CaptureError, Channel, Counters, Filter, Options, PacketSource, Ring, Workers,
    fanout_group,
};

use super::feeds::Feeds;

/// How an interface is captured on.
#[derive(Debug, Clone, Copy)]
pub struct HowToCapture<'a> {
    /// Name, or `any`.
    pub interface: &'a str,
    /// What passes.
    pub filter: &'a Filter,
    /// By pnet's channel in place of a ring.
    pub pnet: bool,
    /// Threads that share its flows.
    pub workers: NonZeroU8,
    /// Memory for packets that wait, for each of them.
    pub buffer_bytes: usize,
    /// Also packets between others.
    pub promiscuous: bool,
}

/// Opens a source of packets.
///
/// # Errors
/// When it may not, or cannot.
pub fn open(how: &HowToCapture<'_>) -> Result<Box<dyn PacketSource>, CaptureError> {
    let workers = how.workers.get();
    let buffer_bytes = if how.pnet { how.buffer_bytes.min(CHANNEL_BUFFER_BYTES) } else { how.buffer_bytes };
    let options = Options {
        filter: how.filter.clone(),
        buffer_bytes,
        promiscuous: how.promiscuous,
        fanout: (workers > 1).then(fanout_group),
        ..Options::new(how.interface)
    };
    let one = || -> Result<Box<dyn PacketSource>, CaptureError> {
        Ok(if how.pnet { Box::new(Channel::open(&options)?) } else { Box::new(Ring::open(&options)?) })
    };
    if workers == 1 {
        return one();
    }
    let sources = (0..workers).map(|_| one()).collect::<Result<Vec<_>, _>>()?;
    let workers = Workers::start(sources).map_err(|source| CaptureError::System {
        operation: "starting the capture threads",
        interface: how.interface.to_owned(),
        source,
    })?;
    Ok(Box::new(workers))
}

/// A source that is read.
struct Listening {
    name: String,
    source: Box<dyn PacketSource>,
    counters: Counters,
    /// Since when the interface is down.
    down_since: Option<i64>,
}

/// The engine with its sources.
pub struct Engine {
    /// Streams and calls.
    pub live: Live,
    /// What is sent to us.
    pub feeds: Feeds,
    sources: Vec<Listening>,
    feed_drops: u64,
    counted_at: i64,
    steps: StepWatch,
    number: u64,
}

impl Engine {
    /// Without an interface yet.
    #[must_use]
    pub fn new(feeds: Feeds) -> Self {
        Self {
            live: Live::new(Settings::default(), Limits::default()),
            feeds,
            sources: Vec::new(),
            feed_drops: 0,
            counted_at: wall_ns(),
            steps: StepWatch::start(),
            number: 0,
        }
    }

    /// From now on this one is read too.
    pub fn add(&mut self, name: &str, source: Box<dyn PacketSource>) {
        self.sources.push(Listening {
            name: name.to_owned(),
            source,
            counters: Counters::default(),
            down_since: None,
        });
    }

    /// Whether an interface is read.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        self.sources.iter().any(|listening| listening.name == name)
    }

    /// Hands what has come to the engine; waits for it at most `patience`. Sources that failed are given back with
    /// their reason and are read no more.
    pub fn receive(&mut self, patience: Duration) -> (usize, Vec<(String, CaptureError)>) {
        let Self { sources, live, number, feeds, .. } = self;
        if sources.is_empty() && feeds.is_empty() {
            std::thread::park_timeout(patience);
            return (0, Vec::new());
        }
        let wait = if sources.is_empty() { patience } else { Duration::ZERO };
        let mut received = feeds.receive(wait, live);
        let each = patience / u32::try_from(sources.len()).unwrap_or(u32::MAX).max(1);
        let mut failed = Vec::new();
        sources.retain_mut(|listening| {
            let got = listening.source.receive(each, &mut |packet| {
                *number += 1;
                let link = LinkType(packet.link);
                live.frame(&Frame { number: *number, at: packet.at_ns, link, data: packet.data });
            });
            match got {
                Ok(got) => {
                    received += got;
                    if got > 0
                        && let Some(since) = listening.down_since.take()
                    {
                        live.fault(Fault::new(FaultKind::InterfaceDown, since, wall_ns(), 0));
                    }
                    true
                }
                Err(error) => {
                    failed.push((listening.name.clone(), error));
                    false
                }
            }
        });
        (received, failed)
    }

    /// What the kernel dropped, whether an interface went down, whether the clock was set.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn count(&mut self) -> Result<(), CaptureError> {
        let now = wall_ns();
        for listening in &mut self.sources {
            let counters = listening.source.counters()?;
            let drops = counters.drops.saturating_sub(listening.counters.drops);
            if drops > 0 {
                self.live.fault(Fault::new(FaultKind::KernelDrops, self.counted_at, now, drops));
            }
            if counters.interruptions > listening.counters.interruptions {
                listening.down_since.get_or_insert(self.counted_at);
            }
            listening.counters = counters;
        }
        let feed_drops = self.feeds.drops();
        if feed_drops > self.feed_drops {
            let lost = feed_drops - self.feed_drops;
            self.live.fault(Fault::new(FaultKind::FeedLoss, self.counted_at, now, lost));
            self.feed_drops = feed_drops;
        }
        if let Some(step_ms) = self.steps.step_ms() {
            let (from, until) = (now.min(self.counted_at), now.max(self.counted_at));
            self.live.fault(Fault::new(FaultKind::ClockStep, from, until, step_ms.unsigned_abs()));
        }
        self.counted_at = now;
        Ok(())
    }

    /// What all sources counted together.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.sources.iter().fold(Counters::default(), |all, listening| all.plus(listening.counters))
    }

    /// What each source counted.
    pub fn each(&self) -> impl Iterator<Item = (&str, Counters)> {
        self.sources.iter().map(|listening| (listening.name.as_str(), listening.counters))
    }

    /// Datagrams of feeds that the kernel dropped.
    #[must_use]
    pub const fn feed_drops(&self) -> u64 {
        self.feed_drops
    }
}
