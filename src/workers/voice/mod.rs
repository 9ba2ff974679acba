//! Listens to voice: every ten seconds of every stream is placed, counted, remembered for the diagnosis; calls that
//! are over are kept.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`listener`] | the thread that captures, with a bounded channel to here |
//! | [`engine`] | interfaces and feeds behind one engine, with the ledger of what we lost ourselves |
//! | [`feeds`] | ports that others send to: HEP, vq-rtcpxr, VXLAN, TZSP |
//! | [`evidence`] | files of the worst calls, from the listener's memory to the ticket |
//! | [`series`] | windows of many streams as observations of an element |
//!
//! Whose a window is and what it means is decided in [`crate::voice`].

pub mod engine;
pub mod evidence;
pub mod feeds;
pub mod listener;
pub mod series;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use linesman_media::capture::live::Fault;
use linesman_probes::observation::Observation;
use linesman_probes::probe::ProbeKind;
use linesman_probes::wire::packets::Counters;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Recent;
use crate::clock::SharedClock;
use crate::inventory::Target;
use crate::metrics::Metrics;
use crate::settings::{Settings, StoredCalls, VoiceSettings};
use crate::store::Store;
use crate::voice::call::{self, Ended};
use crate::voice::cohort::judge;
use crate::voice::told::{self, CallWord};
use crate::voice::{Atlas, Book, Limits};
use evidence::Evidence;
use listener::{Batch, Listener};
use series::Series;

/// Batches that may wait: a minute of a slow database.
const BATCHES: usize = 64;
/// Calls kept in one transaction.
const CALLS_A_STEP: usize = 500;
/// What is judged is judged at least so often, for time alone ends a look-back.
const TICK: Duration = Duration::from_secs(10);

/// What the worker works with.
pub struct Voice {
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Calls.
    pub store: Store,
    /// To the recorder.
    pub observations: mpsc::Sender<Observation>,
    /// What the diagnosis is frozen from.
    pub recent: Arc<Recent>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Told when a cohort is seen.
    pub analyse: Arc<Notify>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

/// What is remembered between batches.
struct Memory {
    atlas: Atlas,
    limits: Limits,
    book: Book,
    series: Series,
    interfaces: HashMap<String, Counters>,
    feed_drops: u64,
    refused: u64,
    dropped: u64,
    forgotten_words: u64,
    evidence: Evidence,
    /// Why files were not put on tickets was said already.
    complained: bool,
}

impl Voice {
    /// Runs until asked to stop; then what is over by then is kept.
    pub async fn run(mut self) {
        let mut settings = self.settings.borrow_and_update().clone();
        let mut memory = Memory {
            atlas: Atlas::new(settings.inventory.clone(), &settings.voice.media),
            limits: Limits::of(&settings.voice),
            book: Book::default(),
            series: Series::default(),
            interfaces: HashMap::new(),
            feed_drops: 0,
            refused: 0,
            dropped: 0,
            forgotten_words: 0,
            evidence: Evidence::default(),
            complained: false,
        };
        memory.book.set_pace(pace(&settings));
        let (mut sender, mut batches) = mpsc::channel(BATCHES);
        let mut listener = start(&settings.voice, sender);
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                () = self.soft.cancelled() => break,
                changed = self.settings.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let new = self.settings.borrow_and_update().clone();
                    memory.atlas = Atlas::new(new.inventory.clone(), &new.voice.media);
                    memory.limits = Limits::of(&new.voice);
                    memory.book.set_pace(pace(&new));
                    if heard_otherwise(&settings.voice, &new.voice) {
                        self.end(listener.take(), &mut batches, &mut memory, &settings).await;
                        (sender, batches) = mpsc::channel(BATCHES);
                        memory.interfaces.clear();
                        (memory.feed_drops, memory.refused, memory.dropped) = (0, 0, 0);
                        memory.forgotten_words = 0;
                        listener = start(&new.voice, sender);
                    }
                    settings = new;
                }
                Some(batch) = batches.recv(), if listener.is_some() => {
                    let dropped = listener.as_ref().map_or(0, |it| it.dropped.load(Ordering::Relaxed));
                    self.metrics.voice_batches_dropped(dropped.saturating_sub(memory.dropped));
                    memory.dropped = dropped;
                    self.take(batch, &mut memory, &settings, listener.as_ref()).await;
                }
                _ = tick.tick(), if listener.is_some() || has_test_calls(&settings) => {
                    self.recent.take_test_calls().iter().for_each(|heard| memory.book.add(heard));
                    self.judge(&mut memory, &settings, listener.as_ref());
                    self.attach(&mut memory, &settings).await;
                }
            }
        }
        self.end(listener.take(), &mut batches, &mut memory, &settings).await;
    }

    /// Ends the listener and takes what it still had.
    async fn end(
        &self,
        listener: Option<Listener>,
        batches: &mut mpsc::Receiver<Batch>,
        memory: &mut Memory,
        settings: &Settings,
    ) {
        let Some(listener) = listener else { return };
        if let Err(error) = tokio::task::spawn_blocking(move || listener.stop()).await {
            tracing::error!(%error, "the listener did not end well");
        }
        while let Ok(batch) = batches.try_recv() {
            self.take(batch, memory, settings, None).await;
        }
        self.attach(memory, settings).await;
    }

    async fn take(
        &self,
        batch: Batch,
        memory: &mut Memory,
        settings: &Settings,
        listener: Option<&Listener>,
    ) {
        self.counted(&batch, memory);
        let windows = batch.windows.len();
        for row in &batch.windows {
            let heard = call::heard(row, &memory.atlas);
            self.metrics.voice_window(&heard, &memory.limits);
            memory.series.add(&heard);
            memory.book.add(&heard);
        }
        let words = batch.over.as_ref().map(told::words).unwrap_or_default();
        self.count_words(&batch, memory);
        let over =
            batch.over.map(|over| call::ended(&over, &memory.atlas, &memory.limits)).unwrap_or_default();
        batch.made.into_iter().for_each(|made| memory.evidence.take(made));
        for ended in &over {
            self.metrics.voice_call(&ended.call);
            let place = crate::voice::Place {
                trunk: ended.call.trunk.clone(),
                gateway: ended.call.gateway.clone(),
                customer: ended.call.customer.clone(),
                direction: crate::voice::Direction::Unknown,
            };
            for id in std::iter::once(&ended.call.id).chain(&ended.call.also) {
                memory.book.learn(id, &place);
            }
        }
        if windows > 0 {
            self.judge(memory, settings, listener);
        }
        self.keep(over, settings).await;
        self.keep_words(&words, settings).await;
        self.metrics.worker_succeeded("voice", self.clock.now_utc());
    }

    /// What was counted since the batch before.
    fn counted(&self, batch: &Batch, memory: &mut Memory) {
        for (name, counters) in &batch.interfaces {
            let before = memory.interfaces.get(name).copied().unwrap_or_default();
            let Some(counters) = counters else {
                memory.interfaces.remove(name);
                self.metrics.voice_interface(name, None);
                continue;
            };
            // An interface that was opened again counts from nothing.
            let grown = |now: u64, then: u64| if now >= then { now - then } else { now };
            let packets = grown(counters.packets, before.packets);
            self.metrics.voice_interface(name, Some((packets, grown(counters.drops, before.drops))));
            memory.interfaces.insert(name.clone(), *counters);
        }
        self.metrics.voice_feeds(
            batch.feed_drops.saturating_sub(memory.feed_drops),
            batch.refused.saturating_sub(memory.refused),
        );
        (memory.feed_drops, memory.refused) = (batch.feed_drops, batch.refused);
        self.metrics.voice_load(&batch.load);
        for fault in &batch.faults {
            self.metrics.voice_fault(fault.kind.name());
            say(fault);
        }
    }

    fn judge(&self, memory: &mut Memory, settings: &Settings, listener: Option<&Listener>) {
        let now = self.clock.now_utc();
        // What proves the end of trouble is remembered a little longer than the proof takes.
        let proof =
            TimeDelta::from_std(settings.diagnosis.verify_for + TICK * 6).unwrap_or(TimeDelta::days(1));
        memory.book.forget(now, memory.limits.look_back.max(proof), memory.limits.test_calls());
        let judged = judge(&memory.book, &memory.limits, now);
        let wanted = memory.evidence.wanted(&judged, &memory.book, &settings.voice, now);
        if let Some(listener) = listener {
            wanted.into_iter().for_each(|asked| listener.ask(asked));
        }
        let has_cohort = judged.iter().any(|voice| voice.cohort.is_some());
        self.recent.set_voice(judged);
        if has_cohort {
            self.analyse.notify_one();
        }
        let told = memory.series.take(now);
        let lost = told.into_iter().filter(|told| self.observations.try_send(told.clone()).is_err()).count();
        if lost > 0 {
            self.metrics.observations_dropped(lost as u64);
        }
    }

    /// Words that lead to no call are not kept, and never without a trace.
    fn count_words(&self, batch: &Batch, memory: &mut Memory) {
        for (by, count) in batch.over.iter().flat_map(told::counts) {
            self.metrics.voice_words(by, count);
            if by.is_none() && count > 0 {
                tracing::info!(words = count, "voice: endpoints spoke of streams of no known call");
            }
        }
        let forgotten = batch.load.forgotten_words.saturating_sub(memory.forgotten_words);
        self.metrics.voice_words_without_room(forgotten);
        memory.forgotten_words += forgotten;
    }

    /// Puts files of calls on the tickets that they belong to.
    async fn attach(&self, memory: &mut Memory, settings: &Settings) {
        match memory.evidence.attach(&self.store, &settings.voice, self.clock.now_utc()).await {
            Ok(attached) => {
                memory.complained &= attached == 0;
                if attached > 0 {
                    tracing::info!(files = attached, "put files of the worst calls on tickets");
                }
            }
            Err(error) if !memory.complained => {
                memory.complained = true;
                tracing::error!(%error, "files of calls are not put on tickets; trying again");
            }
            Err(_) => {}
        }
    }

    /// What endpoints said of streams that were not seen here, unless no call is kept at all.
    async fn keep_words(&self, words: &[CallWord], settings: &Settings) {
        if settings.voice.store == StoredCalls::None {
            return;
        }
        for step in words.chunks(CALLS_A_STEP) {
            if let Err(error) = self.store.append_words(step).await {
                tracing::error!(%error, words = step.len(), "what endpoints said was not kept");
            }
        }
    }

    async fn keep(&self, over: Vec<Ended>, settings: &Settings) {
        let wanted = |ended: &Ended| match settings.voice.store {
            StoredCalls::All => true,
            StoredCalls::Bad => ended.call.is_bad,
            StoredCalls::None => false,
        };
        let over: Vec<Ended> = over.into_iter().filter(wanted).collect();
        for step in over.chunks(CALLS_A_STEP) {
            if let Err(error) = self.store.append_calls(step, &settings.privacy.country_code).await {
                self.metrics.voice_calls_dropped(step.len() as u64);
                tracing::error!(%error, calls = step.len(), "calls were not kept");
            }
        }
    }
}

/// From test call to test call, by trunk.
fn pace(settings: &Settings) -> BTreeMap<String, TimeDelta> {
    let inventory = &settings.inventory;
    let calls = inventory.targets().iter().filter(|target| target.spec.kind() == ProbeKind::Call);
    let of = |target: &Target| {
        let pace = TimeDelta::from_std(target.interval).unwrap_or(TimeDelta::days(1));
        (inventory.element(target.element).name.clone(), pace)
    };
    calls.map(of).collect()
}

fn has_test_calls(settings: &Settings) -> bool {
    settings.inventory.targets().iter().any(|target| target.spec.kind() == ProbeKind::Call)
}

fn start(settings: &VoiceSettings, to: mpsc::Sender<Batch>) -> Option<Listener> {
    if !settings.is_on() {
        return None;
    }
    match Listener::start(settings, to) {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::error!(%error, "voice is not listened to: no thread could be had");
            None
        }
    }
}

/// Whether something else has to be listened to.
fn heard_otherwise(old: &VoiceSettings, new: &VoiceSettings) -> bool {
    let ports = |it: &VoiceSettings| {
        (it.hep.clone(), it.vq_rtcpxr.clone(), it.vxlan.clone(), it.tzsp.clone(), it.interfaces.clone())
    };
    let how = |it: &VoiceSettings| {
        let evidence = (it.evidence, it.evidence_memory_mib);
        (it.source, it.filter.clone(), it.workers, it.sip_tcp, it.promiscuous, evidence)
    };
    ports(old) != ports(new) || how(old) != how(new)
}

/// One line in the log for what we missed ourselves.
fn say(fault: &Fault) {
    tracing::warn!(kind = fault.kind.name(), "voice: measurement fault: {}", fault.evidence());
}
