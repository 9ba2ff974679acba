//! The run: packets to the engine, counters to the ledger, once a second the screen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use linesman_probes::wire::clock_watch::wall_ns;
use linesman_probes::wire::packets::{CaptureError, Filter, PacketSource};

use super::Arguments;
use super::kept::{Document, Kept, Listen, is_flood, state};
use super::screen::Screen;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::rtp::table;
use crate::workers::voice::engine::Engine;
use crate::workers::voice::feeds::Feeds;

/// How long packets are waited for at most before the clock is looked at.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often the kernel is asked what it dropped.
const COUNT_EVERY: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);

/// One run.
pub(super) struct Session {
    engine: Engine,
    kept: Kept,
    stop: Arc<AtomicBool>,
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
        let mut engine = Engine::new(feeds);
        if let Some(source) = source {
            engine.add(arguments.interface.as_deref().unwrap_or_default(), source);
        }
        Self {
            engine,
            kept: Kept::default(),
            stop: Arc::new(AtomicBool::new(false)),
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
        for name in &self.engine.feeds.names {
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
                self.engine.count()?;
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
        self.engine.count()?;
        Ok(())
    }

    fn receive(&mut self) -> Result<usize, CaptureError> {
        let (received, failed) = self.engine.receive(PATIENCE);
        for why in self.engine.feeds.ended.drain(..) {
            output::note(why);
        }
        match failed.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(received),
        }
    }

    fn second(&mut self, screen: &Screen, seconds: u64) -> anyhow::Result<()> {
        if let Some(over) = self.engine.live.tick(wall_ns()) {
            screen.over(&over)?;
            self.kept.add(over);
        }
        let live = &self.engine.live;
        let state = state(seconds, &live.load(), self.engine.counters(), live.ledger().faults());
        screen.refresh(seconds, &state, || live.current())
    }

    fn finish(self, lasted: Duration) -> anyhow::Result<Exit> {
        let counters = self.engine.counters();
        let Engine { live, feeds, .. } = self.engine;
        let load = live.load();
        let (last, ledger) = live.finish(wall_ns());
        let (report, left_out) = self.kept.finish(last, &load);
        let problem = report.has_problem();
        let state = state(lasted.as_secs(), &load, counters, ledger.faults());
        if self.json {
            output::json(&Document {
                report,
                listen: Listen {
                    feeds: feeds.names.clone(),
                    not_understood: feeds.refused,
                    interface: self.interface.clone(),
                    source: self.source_name,
                    filter: self.filter.clone(),
                    seconds: lasted.as_secs_f64(),
                    captured: counters.packets,
                    kernel_drops: counters.drops,
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
            if feeds.refused > 0 {
                output::note(format!("{} packets sent to us were not understood", feeds.refused));
            }
            output::note(state);
        }
        Ok(if problem { Exit::Problem } else { Exit::Fine })
    }
}
