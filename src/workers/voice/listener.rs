//! The thread that listens: packets to the engine, and once a second what closed to the worker. It never waits for
//! the worker: a batch that finds no room is dropped and counted.

use std::num::NonZeroU8;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc as threads};
use std::time::{Duration, Instant};

use linesman_media::capture::live::{Fault, Load, WindowRow};
use linesman_media::capture::report::Report;
use linesman_probes::wire::clock_watch::wall_ns;
use linesman_probes::wire::packets::filter::SIP_PORTS;
use linesman_probes::wire::packets::{Counters, Filter, RING_BYTES};
use tokio::sync::mpsc;

use super::engine::{self, Engine, HowToCapture};
use super::evidence::{self, Asked, Made};
use super::feeds::{Feeds, Ports};
use crate::settings::{VoiceSettings, VoiceSource};

/// How long packets are waited for at most before the clock is looked at.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often the kernel is asked what it dropped.
const COUNT_EVERY: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);
/// Files that may be asked for at once.
const MOST_ASKED: usize = 64;
/// How often something that cannot be opened is tried again.
const TRY_EVERY: Duration = Duration::from_secs(30);
/// Faults of our own measuring are kept for so long: calls are seldom longer.
const FAULTS_KEPT_NS: i64 = 12 * 3_600 * 1_000_000_000;

/// What a second brought.
#[derive(Debug, Default)]
pub struct Batch {
    /// Windows that closed.
    pub windows: Vec<WindowRow>,
    /// Calls and streams that are over.
    pub over: Option<Report>,
    /// What is held.
    pub load: Load,
    /// What our own measuring did wrong since the batch before.
    pub faults: Vec<Fault>,
    /// Each interface: name and counts since it was opened; none where it is not read.
    pub interfaces: Vec<(String, Option<Counters>)>,
    /// Datagrams of feeds that the kernel dropped.
    pub feed_drops: u64,
    /// What feeds sent that was not understood.
    pub refused: u64,
    /// Files that were asked for.
    pub made: Vec<Made>,
}

/// A listener that runs.
#[derive(Debug)]
pub struct Listener {
    stop: Arc<AtomicBool>,
    /// Batches that found no room.
    pub dropped: Arc<AtomicU64>,
    asks: threads::SyncSender<Asked>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Listener {
    /// Starts it. What cannot be opened is said in the log and tried again.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start(settings: &VoiceSettings, to: mpsc::Sender<Batch>) -> std::io::Result<Self> {
        let (stop, dropped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (asks, asked) = threads::sync_channel(MOST_ASKED);
        let run = Run { settings: settings.clone(), to, stop: stop.clone(), dropped: dropped.clone(), asked };
        let thread = std::thread::Builder::new().name("voice".to_owned()).spawn(move || run.run())?;
        Ok(Self { stop, dropped, asks, thread: Some(thread) })
    }

    /// Asks for a file of the latest packets; it comes with a batch. One too many is not made.
    pub fn ask(&self, asked: Asked) {
        if self.asks.try_send(asked).is_err() {
            tracing::warn!("voice: too many files of calls were asked for at once");
        }
    }

    /// Asks it to end, and waits: it looks twenty times a second.
    pub fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in it has been said where it was.
            let _ = thread.join();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Run {
    settings: VoiceSettings,
    to: mpsc::Sender<Batch>,
    stop: Arc<AtomicBool>,
    dropped: Arc<AtomicU64>,
    asked: threads::Receiver<Asked>,
}

impl Run {
    fn is_wanted(&self) -> bool {
        !self.stop.load(Ordering::Relaxed) && !self.to.is_closed()
    }

    fn run(self) {
        let Some(feeds) = self.feeds() else { return };
        let mut engine = Engine::new(feeds);
        engine.live = engine.live.telling_windows();
        engine.live.recorder = evidence::recorder(&self.settings);
        for name in &engine.feeds.names {
            tracing::info!("voice: listening on {name}");
        }
        self.open_interfaces(&mut engine);
        let begun = Instant::now();
        let (mut next_count, mut next_second, mut next_try) =
            (begun + COUNT_EVERY, begun + SECOND, begun + TRY_EVERY);
        let mut told_until = i64::MIN;
        while self.is_wanted() {
            let (_, failed) = engine.receive(PATIENCE);
            for (name, error) in failed {
                tracing::error!(interface = name, %error, "voice: nothing more comes from it; trying again");
            }
            for why in engine.feeds.ended.drain(..) {
                tracing::error!("voice: {why}");
            }
            let now = Instant::now();
            if now >= next_count {
                if let Err(error) = engine.count() {
                    tracing::warn!(%error, "voice: the kernel does not say what it dropped");
                }
                next_count = now + COUNT_EVERY;
            }
            if now >= next_second {
                self.tell(&mut engine, &mut told_until);
                next_second = now + SECOND;
            }
            if now >= next_try {
                self.open_interfaces(&mut engine);
                next_try = now + TRY_EVERY;
            }
        }
        let (over, _) = engine.live.finish(wall_ns());
        self.send(Batch { over: Some(over), ..Batch::default() });
    }

    /// The ports, once they can be had: another program may still hold them.
    fn feeds(&self) -> Option<Feeds> {
        let ports = Ports {
            hep: self.settings.hep.clone(),
            vq: self.settings.vq_rtcpxr.clone(),
            vxlan: self.settings.vxlan.clone(),
            tzsp: self.settings.tzsp.clone(),
        };
        let mut next = Instant::now();
        while self.is_wanted() {
            if Instant::now() < next {
                std::thread::park_timeout(PATIENCE);
                continue;
            }
            match Feeds::open(&ports) {
                Ok(feeds) => return Some(feeds),
                Err(error) => tracing::error!(%error, "voice: [voice] cannot listen; trying again"),
            }
            next = Instant::now() + TRY_EVERY;
        }
        None
    }

    fn open_interfaces(&self, engine: &mut Engine) {
        let settings = &self.settings;
        // Checked with the settings; one that no longer reads lets everything pass.
        let filter: Filter = settings.filter.parse().unwrap_or_default();
        let filter = if settings.sip_tcp { filter.with_tcp(SIP_PORTS) } else { filter };
        let workers = u8::try_from(settings.workers).ok().and_then(NonZeroU8::new).unwrap_or(NonZeroU8::MIN);
        for interface in &settings.interfaces {
            if engine.reads(interface) {
                continue;
            }
            let how = HowToCapture {
                interface,
                filter: &filter,
                pnet: settings.source == VoiceSource::Pnet,
                workers,
                buffer_bytes: RING_BYTES,
                promiscuous: settings.promiscuous,
            };
            match engine::open(&how) {
                Ok(source) => {
                    tracing::info!(interface, "voice: listening");
                    engine.add(interface, source);
                }
                Err(error) => tracing::error!(interface, %error, "voice: cannot capture; trying again"),
            }
        }
    }

    fn tell(&self, engine: &mut Engine, told_until: &mut i64) {
        let now = wall_ns();
        let over = engine.live.tick(now);
        let windows = engine.live.take_windows();
        let faults: Vec<Fault> =
            engine.live.ledger().faults().iter().filter(|fault| fault.from > *told_until).cloned().collect();
        *told_until = faults.iter().map(|fault| fault.from).fold(*told_until, i64::max);
        engine.live.forget_faults(now.saturating_sub(FAULTS_KEPT_NS));
        let counted =
            |name: &String| engine.each().find(|(known, _)| known == name).map(|(_, counters)| counters);
        let interfaces = self.settings.interfaces.iter().map(|name| (name.clone(), counted(name)));
        let batch = Batch {
            windows,
            over,
            load: engine.live.load(),
            faults,
            interfaces: interfaces.collect(),
            feed_drops: engine.feed_drops(),
            refused: engine.feeds.refused,
            made: self.made(engine),
        };
        self.send(batch);
    }

    /// Files that were asked for, as far as the memory reaches.
    fn made(&self, engine: &Engine) -> Vec<Made> {
        let Some(recorder) = &engine.live.recorder else { return Vec::new() };
        let cut = |asked: Asked| Some(Made { cut: recorder.cut(&asked.ends, asked.most)?, asked });
        self.asked.try_iter().filter_map(cut).collect()
    }

    fn send(&self, batch: Batch) {
        if self.to.try_send(batch).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
