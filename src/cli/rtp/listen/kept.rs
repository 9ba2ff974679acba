//! What is over, for the document at the end: bounded, and the worst stay.

use linesman_media::capture::live::{Fault, Load};
use linesman_media::capture::report::Report;
use linesman_probes::wire::packets::Counters;
use serde::Serialize;

use crate::cli::rtp::table::worst_first;

/// Streams and calls that are kept.
const MOST: usize = 10_000;

/// Reports of what is over, as one.
#[derive(Default)]
pub(super) struct Kept {
    report: Option<Report>,
    left_out: u64,
}

/// The document at the end.
#[derive(Serialize)]
pub(super) struct Document {
    #[serde(flatten)]
    pub(super) report: Report,
    pub(super) listen: Listen,
}

/// How it was listened.
#[derive(Serialize)]
pub(super) struct Listen {
    pub(super) interface: Option<String>,
    /// Ports that others sent to.
    pub(super) feeds: Vec<String>,
    /// What came there and carried nothing of voice, or was damaged.
    pub(super) not_understood: u64,
    pub(super) source: &'static str,
    pub(super) filter: String,
    pub(super) seconds: f64,
    pub(super) captured: u64,
    pub(super) kernel_drops: u64,
    pub(super) measurement_faults: Vec<Fault>,
    /// Streams and calls that are over and were good enough not to be kept.
    pub(super) left_out: u64,
    /// Streams and calls that found no room.
    pub(super) refused: u64,
    /// Most packets belonged to invented senders.
    pub(super) flood: bool,
}

impl Kept {
    /// Takes in what is over.
    pub(super) fn add(&mut self, over: Report) {
        let Some(all) = &mut self.report else {
            self.report = Some(over);
            return;
        };
        all.streams.extend(over.streams);
        all.calls.extend(over.calls);
        all.reported.extend(over.reported);
        if all.reported.len() > 2 * MOST {
            self.left_out += (all.reported.len() - MOST) as u64;
            let older = all.reported.len() - MOST;
            all.reported.drain(..older);
        }
        if all.streams.len() > 2 * MOST {
            self.left_out += (all.streams.len() - MOST) as u64;
            worst_first(&mut all.streams, MOST);
        }
        if all.calls.len() > 2 * MOST {
            self.left_out += (all.calls.len() - MOST) as u64;
            all.calls.sort_by_key(|call| call.findings.is_empty());
            all.calls.truncate(MOST);
        }
    }

    /// With what was not over at the end, and the counts of the whole.
    pub(super) fn finish(mut self, last: Report, load: &Load) -> (Report, u64) {
        self.add(last);
        let Self { report, left_out } = self;
        let mut report = report.unwrap_or_default();
        report.packets = load.packets;
        report.sip_messages = load.sip_messages;
        report.single_packets = load.single_packets;
        report.streams.sort_by(|one, other| one.first.cmp(&other.first).then_with(|| one.id.cmp(&other.id)));
        report.calls.sort_by(|one, other| one.start.cmp(&other.start));
        (report, left_out)
    }
}

/// Whether more newcomers came than packets of streams: somebody invents senders.
pub(super) fn is_flood(load: &Load) -> bool {
    load.single_packets > 10_000 && load.single_packets * 2 > load.packets
}

/// The line that says how it goes.
pub(super) fn state(seconds: u64, load: &Load, counters: Counters, faults: &[Fault]) -> String {
    let mut text = format!(
        "{seconds} s: {} packets, {} streams active of {}, {} by report alone, {} calls",
        load.packets, load.active, load.streams, load.reported, load.dialogs
    );
    if counters.drops > 0 {
        text.push_str(&format!(
            "; MEASUREMENT FAULT: the kernel dropped {} of {} packets that we did not read in time",
            counters.drops, counters.packets
        ));
    }
    if let Some(fault) = faults.iter().rev().find(|fault| fault.kind.name() != "kernel_drops") {
        text.push_str(&format!("; MEASUREMENT FAULT: {}", fault.evidence()));
    }
    if load.refused > 0 {
        text.push_str(&format!("; {} streams or calls found no room", load.refused));
    }
    if is_flood(load) {
        text.push_str(&format!("; {} packets of SSRCs seen once: a flood", load.single_packets));
    }
    text
}
