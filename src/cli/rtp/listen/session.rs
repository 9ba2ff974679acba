//! The run: packets to the engine, counters to the ledger, once a second the screen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use linesman_media::capture::file::{Frame, LinkType};
use linesman_media::capture::live::{Fault, FaultKind, Limits, Live};
use linesman_media::quality::stream::Settings;
use linesman_probes::wire::clock_watch::{StepWatch, wall_ns};
use linesman_probes::wire::packets::{CaptureError, Counters, Filter, PacketSource};

use super::Arguments;
use super::feeds::Feeds;
use super::kept::{Document, Kept, Listen, is_flood, state};
use super::screen::Screen;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::rtp::table;

/// How long packets are waited for at most before the clock is looked at.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often the kernel is asked what it dropped.
const COUNT_EVERY: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);

/// One run.
pub(super) struct Session {
    live: Live,
    source: Option<Box<dyn PacketSource>>,
    feeds: Feeds,
    feed_drops: u64,
    kept: Kept,
    counters: Counters,
    /// When the counters were read last.
    counted_at: i64,
    /// Since when the interface is down.
    down_since: Option<i64>,
    steps: StepWatch,
    stop: Arc<AtomicBool>,
    number: u64,
    json: bool,
    duration: Option<Duration>,
    interface: Option<String>,
    source_name: &'static str,
    filter: String,
}

impl Session {
    pub(super) fn new(
        arguments: &Arguments,
        source: Option<Box<dyn PacketSource>>,
        feeds: Feeds,
        filter: &Filter,
    ) -> Self {
        Self {
            live: Live::new(Settings::default(), Limits::default()),
            source,
            feeds,
            feed_drops: 0,
            kept: Kept::default(),
            counters: Counters::default(),
            counted_at: wall_ns(),
            down_since: None,
            steps: StepWatch::start(),
            stop: Arc::new(AtomicBool::new(false)),
            number: 0,
            json: arguments.json,
            duration: arguments.duration,
            interface: arguments.interface.clone(),
            source_name: arguments.source.name(),
            filter: filter.to_string(),
        }
    }

    /// Set to end it.
    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Runs to the end and says what came of it.
    pub(super) fn run(mut self) -> anyhow::Result<Exit> {
        let screen = Screen::open(self.json)?;
        let begun = Instant::now();
        if let Some(interface) = &self.interface {
            output::note(format!("listening on {interface} ({}, {})", self.source_name, self.filter));
        }
        for name in &self.feeds.names {
            output::note(format!("listening on {name}"));
        }
        let ended = self.listen(&screen, begun);
        screen.close()?;
        ended?;
        self.finish(begun.elapsed())
    }

    fn listen(&mut self, screen: &Screen, begun: Instant) -> anyhow::Result<()> {
        let (mut next_count, mut next_second) = (begun + COUNT_EVERY, begun + SECOND);
        while !self.stop.load(Ordering::Relaxed)
            && self.duration.is_none_or(|duration| begun.elapsed() < duration)
        {
            self.receive()?;
            let now = Instant::now();
            if now >= next_count {
                self.count()?;
                next_count = now + COUNT_EVERY;
            }
            if now >= next_second {
                self.second(screen, begun.elapsed().as_secs())?;
                next_second += SECOND;
                if next_second < now {
                    next_second = now + SECOND;
                }
            }
        }
        // What the kernel still holds was captured in time.
        while self.receive()? > 0 && begun.elapsed() < self.duration.unwrap_or(begun.elapsed()) + SECOND {}
        self.count()?;
        Ok(())
    }

    fn receive(&mut self) -> Result<usize, CaptureError> {
        let Self { source, live, number, feeds, .. } = self;
        let Some(source) = source else { return Ok(feeds.receive(PATIENCE, live)) };
        let fed = feeds.receive(Duration::ZERO, live);
        let received = source.receive(PATIENCE, &mut |packet| {
            *number += 1;
            let link = LinkType(packet.link);
            live.frame(&Frame { number: *number, at: packet.at_ns, link, data: packet.data });
        })?;
        if received > 0
            && let Some(since) = self.down_since.take()
        {
            self.live.fault(Fault::new(FaultKind::InterfaceDown, since, wall_ns(), 0));
        }
        Ok(received + fed)
    }

    /// What the kernel dropped, whether the interface went down, whether the clock was set.
    fn count(&mut self) -> Result<(), CaptureError> {
        let now = wall_ns();
        if let Some(source) = &mut self.source {
            let counters = source.counters()?;
            let drops = counters.drops.saturating_sub(self.counters.drops);
            if drops > 0 {
                self.live.fault(Fault::new(FaultKind::KernelDrops, self.counted_at, now, drops));
            }
            if counters.interruptions > self.counters.interruptions {
                self.down_since.get_or_insert(self.counted_at);
            }
            self.counters = counters;
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

    fn second(&mut self, screen: &Screen, seconds: u64) -> anyhow::Result<()> {
        if let Some(over) = self.live.tick(wall_ns()) {
            screen.over(&over)?;
            self.kept.add(over);
        }
        let state = state(seconds, &self.live.load(), self.counters, self.live.ledger().faults());
        let live = &self.live;
        screen.refresh(seconds, &state, || live.current())
    }

    fn finish(self, lasted: Duration) -> anyhow::Result<Exit> {
        let load = self.live.load();
        let (last, ledger) = self.live.finish(wall_ns());
        let (report, left_out) = self.kept.finish(last, &load);
        let problem = report.has_problem();
        let state = state(lasted.as_secs(), &load, self.counters, ledger.faults());
        if self.json {
            output::json(&Document {
                report,
                listen: Listen {
                    feeds: self.feeds.names.clone(),
                    not_understood: self.feeds.refused,
                    interface: self.interface.clone(),
                    source: self.source_name,
                    filter: self.filter.clone(),
                    seconds: lasted.as_secs_f64(),
                    captured: self.counters.packets,
                    kernel_drops: self.counters.drops,
                    measurement_faults: ledger.faults().to_vec(),
                    left_out,
                    refused: load.refused,
                    flood: is_flood(&load),
                },
            })?;
        } else {
            output::line(table::streams(&report, false))?;
            if !report.calls.is_empty() {
                output::line(format!("\n{}", table::calls(&report)))?;
            }
            if !report.reported.is_empty() {
                output::line(format!("\n{}", table::reported(&report)))?;
            }
            if self.feeds.refused > 0 {
                output::note(format!("{} packets sent to us were not understood", self.feeds.refused));
            }
            output::note(state);
        }
        Ok(if problem { Exit::Problem } else { Exit::Fine })
    }
}
