//! Traffic without an end, through the same engine: what is over leaves with its final figures, and what our own
//! measuring did wrong is never held against a network.
//!
//! [`Live`] is asked once a second by [`Live::tick`] with the time, and hands out calls and streams that are over.
//! Deliberately absent: sockets and clocks.

mod excuse;
mod faults;
#[cfg(test)]
mod tests;
mod windows;
#[cfg(test)]
mod word_tests;

pub use faults::{Fault, FaultKind, Ledger};
pub use windows::{OfCall, WindowRow};

use super::analysis::{Analysis, Analyzer};
use super::call::{Dialog, State};
use super::evidence::Recorder;
use super::file::Frame;
use super::net::Endpoint;
use super::report::{self, Report};
use super::streams::ReportedRow;
use crate::feed::hep::{Carries, Hep};
use crate::feed::vq;
use crate::quality::score::{Assumptions, CodecTable};
use crate::quality::stream::Settings;

const SECOND: i64 = 1_000_000_000;
/// A stream or a call in which nothing happens for so long is over.
const SILENCE: i64 = 60 * SECOND;
/// Where the table is nearly full, this must do.
const SILENCE_IN_NEED: i64 = 10 * SECOND;
/// Share of the table from which on it is nearly full.
const NEED: f64 = 0.75;
/// After its end a call stays for what may still trickle in.
const AFTERGLOW: i64 = 5 * SECOND;
/// A call that nobody answers is given up after this (RFC 3261 timer C, and a little).
const RINGING: i64 = 200 * SECOND;
/// An answered call whose media passes elsewhere shows nothing between answer and end.
const UNSEEN_MEDIA: i64 = 4 * 3_600 * SECOND;
/// Packets within this time make a stream active.
const ACTIVE: i64 = 2 * SECOND;
/// How often it is looked for what is over: comparing all calls takes a little time.
const PAUSE: i64 = 2 * SECOND;

/// How much is held at once. What comes beyond is counted and not followed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Streams, of about 2 kB.
    pub streams: usize,
    /// Dialogs, of about 2 kB.
    pub dialogs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { streams: 100_000, dialogs: 50_000 }
    }
}

/// What is held and what was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Packets of any kind.
    pub packets: u64,
    /// SIP messages.
    pub sip_messages: u64,
    /// Streams held.
    pub streams: usize,
    /// Streams known by the word of endpoints alone.
    pub reported: usize,
    /// Of the streams held, those that sent in the last two seconds.
    pub active: usize,
    /// Dialogs held.
    pub dialogs: usize,
    /// Streams and dialogs that found no room.
    pub refused: u64,
    /// Packets that looked like RTP and were followed by no second one.
    pub single_packets: u64,
    /// Words of endpoints that had to make room for others.
    pub forgotten_words: u64,
}

/// The engine for traffic without an end.
pub struct Live {
    analyzer: Analyzer,
    ledger: Ledger,
    codecs: CodecTable,
    assumptions: Assumptions,
    looked: i64,
    active: usize,
    /// Whether somebody wants to hear of windows while streams go on.
    tells_windows: bool,
    windows: Vec<WindowRow>,
    /// The latest packets, where somebody wants files of them.
    pub recorder: Option<Recorder>,
}

impl Live {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings, limits: Limits) -> Self {
        Self {
            analyzer: Analyzer::live(settings, limits.streams, limits.dialogs),
            ledger: Ledger::default(),
            codecs: CodecTable::standard(),
            assumptions: Assumptions::default(),
            looked: i64::MIN,
            active: 0,
            tells_windows: false,
            windows: Vec::new(),
            recorder: None,
        }
    }

    /// Takes a frame.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.note(frame);
        }
        self.analyzer.frame(frame);
    }

    /// Takes a HEP packet that arrived at this time; false when it carries nothing of voice.
    pub fn hep(&mut self, arrived: i64, hep: &Hep<'_>) -> bool {
        if let Some(recorder) = &mut self.recorder
            && matches!(hep.carries, Carries::Rtp | Carries::Rtcp)
        {
            let at = hep.at.unwrap_or(arrived);
            recorder.note_datagram(at, (hep.source, hep.destination), hep.tos >> 2, hep.payload.as_ref());
        }
        self.analyzer.hep(arrived, hep)
    }

    /// Takes what a telephone published about its call.
    pub fn published(&mut self, at: i64, sender: Endpoint, report: vq::Report) {
        let (seen, book) = self.analyzer.seen_mut();
        seen.packets += 1;
        seen.streams.published(at, sender, report, &seen.calls, book);
    }

    /// What our own measuring did wrong so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Writes down what our own measuring did wrong.
    pub fn fault(&mut self, fault: Fault) {
        self.ledger.note(fault);
    }

    /// Forgets what our own measuring did wrong before a time.
    pub fn forget_faults(&mut self, before: i64) {
        self.ledger.forget(before);
    }

    /// What is held.
    #[must_use]
    pub fn load(&self) -> Load {
        let seen = self.analyzer.seen();
        Load {
            packets: seen.packets,
            sip_messages: seen.sip_messages,
            streams: seen.streams.heard().len(),
            reported: seen.streams.reported_count(),
            active: self.active,
            dialogs: seen.calls.dialogs().len(),
            refused: seen.streams.refused + seen.calls.refused,
            single_packets: seen.streams.forgotten(),
            forgotten_words: seen.streams.reported_forgotten(),
        }
    }

    /// Time passes. Hands out what is over, with its final figures.
    pub fn tick(&mut self, now: i64) -> Option<Report> {
        self.watch(now);
        if now.saturating_sub(self.looked) < PAUSE {
            return None;
        }
        self.looked = now;
        let (dialogs, streams) = self.over(now);
        if self.tells_windows {
            self.gather_windows(now, &streams);
        }
        let reported = self.reported(now.saturating_sub(SILENCE));
        if reported.is_empty() && !dialogs.contains(&true) && !streams.contains(&true) {
            return None;
        }
        let gone = self.analyzer.split(&dialogs, &streams);
        self.analyzer.seen_mut().0.streams.remember(now, &gone.streams, &gone.calls);
        Some(Report { reported, ..self.report(&gone) })
    }

    /// All that is held, as far as it got.
    #[must_use]
    pub fn current(&self) -> Report {
        self.report(self.analyzer.seen())
    }

    /// Nothing more comes: what is held, with its final figures.
    #[must_use]
    pub fn finish(mut self, now: i64) -> (Report, Ledger) {
        self.watch(now);
        let reported = self.reported(i64::MAX);
        let Self { analyzer, ledger, codecs, assumptions, .. } = self;
        let analysis = analyzer.finish();
        let mut report = Report::of(&analysis, &codecs, &assumptions);
        excuse::excuse(&mut report, &ledger);
        report.reported = reported;
        (report, ledger)
    }

    /// What endpoints said and did not add to since.
    fn reported(&mut self, silent_since: i64) -> Vec<ReportedRow> {
        let (seen, book) = self.analyzer.seen_mut();
        seen.streams.take_reported(silent_since, &seen.calls, book)
    }

    fn report(&self, analysis: &Analysis) -> Report {
        let mut report = Report::of(analysis, &self.codecs, &self.assumptions);
        excuse::excuse(&mut report, &self.ledger);
        report
    }

    /// Counts who is active, and takes what the watch over gaps has found.
    fn watch(&mut self, now: i64) {
        let (seen, _) = self.analyzer.seen_mut();
        let active = |last: i64| now.saturating_sub(last) < ACTIVE;
        self.active = seen.streams.heard().iter().filter(|heard| active(heard.last)).count();
        let active = self.active;
        let Some(gaps) = seen.streams.gaps() else { return };
        gaps.active(active);
        for outage in gaps.take() {
            self.ledger.note(Fault::of_outage(&outage));
        }
    }

    /// Which dialogs and which streams are over.
    fn over(&mut self, now: i64) -> (Vec<bool>, Vec<bool>) {
        let (seen, book) = self.analyzer.seen_mut();
        let in_need = seen.streams.fullness() > NEED;
        let silence = if in_need { SILENCE_IN_NEED } else { SILENCE };
        let silent = |last: i64| now.saturating_sub(last) > silence;
        for index in 0..seen.streams.heard().len() {
            if silent(seen.streams.heard()[index].last) {
                seen.streams.find_call(index, &seen.calls, book);
            }
        }
        let heard = seen.streams.heard();
        let of_dialog = report::of_dialog(heard);
        let dialogs = seen.calls.dialogs();
        let mut gone_streams: Vec<bool> = heard
            .iter()
            .map(|heard| silent(heard.last) && (heard.attribution.is_none() || in_need))
            .collect();
        let mut gone_dialogs = vec![false; dialogs.len()];
        for group in report::groups(seen, &of_dialog) {
            let streams = || group.iter().flat_map(|dialog| of_dialog.get(dialog).into_iter().flatten());
            let media = streams().map(|index| heard[*index].last).max();
            if group.iter().all(|dialog| is_over(&dialogs[*dialog as usize], media, now)) {
                group.iter().for_each(|dialog| gone_dialogs[*dialog as usize] = true);
                streams().for_each(|index| gone_streams[*index] = true);
            }
        }
        (gone_dialogs, gone_streams)
    }
}

/// Whether nothing more is to come of a dialog whose media was last seen then.
fn is_over(dialog: &Dialog, media: Option<i64>, now: i64) -> bool {
    let since = |at: i64| now.saturating_sub(at);
    let quiet = since(dialog.last).min(media.map_or(i64::MAX, since));
    let ended = dialog.legs.iter().all(|leg| leg.ended.is_some());
    if ended {
        // Media that goes on after the end is that of the next call, or of a sender that was not told.
        return since(dialog.last) > AFTERGLOW && (quiet > AFTERGLOW || since(dialog.last) > SILENCE);
    }
    let answered = dialog.legs.iter().any(|leg| leg.state() == State::Answered);
    let patience = match (answered, media) {
        (true, None) => UNSEEN_MEDIA,
        (true, Some(_)) => SILENCE,
        (false, _) => RINGING,
    };
    quiet > patience
}
