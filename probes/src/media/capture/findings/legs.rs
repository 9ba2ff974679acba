//! Where it came in: one direction of a call on both sides of a media server, and what the far end reports.

use serde::Serialize;

use super::media::MediaLeg;
use super::{Finding, Flow, Kind};
use crate::capture::call::Side;
use crate::capture::streams::Heard;
use crate::quality::playout::Buffer;
use crate::quality::report::StreamReport;

/// Loss, or lateness, that is worth a word: a hundredth.
const NOTABLE: f64 = 0.01;
/// Fewer packets tell no ratio.
const ENOUGH: u64 = 100;
/// A path whose delay steps more often than once in so many packets is none.
const RESYNC_SELDOM: u64 = 100;

/// One direction of a call from where it was first seen to the report of who received it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passage {
    /// Which direction.
    pub direction: Flow,
    /// The leg where it comes in.
    pub leg_in: String,
    /// The stream there.
    pub stream_in: String,
    /// Loss before the first point where it was seen.
    pub loss_upstream: f64,
    /// Share that was already too late for a jitter buffer there.
    pub late_upstream: Option<f64>,
    /// Jitter there.
    pub jitter_in_ms: Option<f64>,
    /// The leg where it goes out; none when it was seen only once.
    pub leg_out: Option<String>,
    /// The stream there.
    pub stream_out: Option<String>,
    /// Whether the server hands packets on with their numbers, or makes new ones.
    pub passed_through: Option<bool>,
    /// Loss that came in between: the server's.
    pub loss_server: Option<f64>,
    /// Share that became too late in between.
    pub late_server: Option<f64>,
    /// Jitter that came in between; negative when the server smooths.
    pub jitter_server_ms: Option<f64>,
    /// Loss behind the last point, by the receiver's report; none without one.
    pub loss_downstream: Option<f64>,
    /// Share that the receiver discarded beyond what was late at the last point, by its XR or vq-rtcpxr
    /// report; none without one.
    pub late_downstream: Option<f64>,
    /// Largest jitter by the receiver's report, that before the last point included; none without one.
    pub jitter_reported_ms: Option<f64>,
    /// The segment that spoiled it most: `upstream`, `server`, `downstream`; none when all is well.
    pub spoiled_by: Option<&'static str>,
}

/// What the receiver of a stream reports.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FarWord {
    /// Share lost.
    pub loss: Option<f64>,
    /// Share that came and was discarded, too late to be played (RFC 3611 section 4.7.1).
    pub discarded: Option<f64>,
    /// Largest jitter.
    pub jitter_ms: Option<f64>,
}

/// The passages of a call, one a direction, from its legs in order; `reported` gives what the receiver of a
/// stream reports.
#[must_use]
pub fn passages(legs: &[MediaLeg<'_>], reported: impl Fn(&Heard, &StreamReport) -> FarWord) -> Vec<Passage> {
    [Side::Callee, Side::Caller].into_iter().filter_map(|to| passage(legs, to, &reported)).collect()
}

fn passage(
    legs: &[MediaLeg<'_>],
    to: Side,
    reported: &impl Fn(&Heard, &StreamReport) -> FarWord,
) -> Option<Passage> {
    let heard: Vec<_> = legs.iter().filter_map(|leg| Some((leg, leg.main(to)?))).collect();
    // Legs are numbered from the caller on; what the callee says passes them the other way.
    let (first, last) = match to {
        Side::Callee => (heard.first()?, heard.last()?),
        Side::Caller => (heard.last()?, heard.first()?),
    };
    let (leg_in, (stream_in, report_in)) = first;
    let (leg_out, (stream_out, report_out)) = last;
    if report_in.expected < ENOUGH {
        return None;
    }
    let two = heard.len() > 1 && report_out.expected >= ENOUGH;
    let same = two && stream_in.key.ssrc == stream_out.key.ssrc;
    let added = two.then(|| server_loss(report_in, report_out, same));
    let jitter = report_in.jitter_mean_ms.zip(report_out.jitter_mean_ms).filter(|_| two);
    let (end, report) = if two { (stream_out, report_out) } else { (stream_in, report_in) };
    let word = reported(end, report);
    let beyond = |told: Option<f64>, seen: f64| told.map(|told| (told - seen).max(0.0));
    let lateness = late(report_in).zip(late(report_out)).filter(|_| two);
    let mut passage = Passage {
        direction: Flow::towards(to),
        leg_in: leg_in.name.clone(),
        stream_in: stream_in.key.to_string(),
        loss_upstream: report_in.loss_ratio,
        late_upstream: late(report_in),
        jitter_in_ms: report_in.jitter_mean_ms,
        leg_out: two.then(|| leg_out.name.clone()),
        stream_out: two.then(|| stream_out.key.to_string()),
        passed_through: two.then_some(same),
        loss_server: added,
        late_server: lateness.map(|(before, after)| (after - before).max(0.0)),
        jitter_server_ms: jitter.map(|(before, after)| after - before),
        loss_downstream: beyond(word.loss, report.loss_ratio),
        late_downstream: beyond(word.discarded, late(report).unwrap_or(0.0)),
        jitter_reported_ms: word.jitter_ms,
        spoiled_by: None,
    };
    passage.spoiled_by = passage.spoiler(true);
    Some(passage)
}

/// The share that came too late for any usual jitter buffer: one of 60 ms, and an adaptive one that grows to 200 ms;
/// none without a clock. Where either would have played a packet, nobody is blamed for its delay.
fn late(report: &StreamReport) -> Option<f64> {
    // Where buffers find their place anew all the time, the clock is not the announced one.
    let wrong_clock = |buffer: &Buffer| u64::from(buffer.resyncs) * RESYNC_SELDOM > report.received;
    if report.playout.iter().any(wrong_clock) {
        return None;
    }
    let late = |name: &str| report.playout.iter().find(|buffer| buffer.name == name).map(|it| it.late_ratio);
    let adaptive = late("adaptive")?.max(late("fixed_200")?);
    late("fixed_60").map(|fixed| fixed.min(adaptive))
}

/// Packets that the server was given and did not hand on. Where it makes new numbers, all that is missing
/// behind it is its own; where it hands on numbers, only what is missing beyond the gaps that it was given.
fn server_loss(before: &StreamReport, after: &StreamReport, same: bool) -> f64 {
    if same { (after.loss_ratio - before.loss_ratio).max(0.0) } else { after.loss_ratio }
}

impl Passage {
    /// The segment on which most was lost, or became too late where that counts; none when all is well.
    #[must_use]
    pub fn spoiler(&self, with_lateness: bool) -> Option<&'static str> {
        let shares = [
            ("upstream", Some(self.loss_upstream), self.late_upstream),
            ("server", self.loss_server, self.late_server),
            ("downstream", self.loss_downstream, self.late_downstream),
        ];
        let spoiled = |(name, loss, late): (_, Option<f64>, Option<f64>)| {
            let late = late.filter(|late| with_lateness && *late >= NOTABLE);
            (name, loss.unwrap_or(0.0) + late.unwrap_or(0.0))
        };
        let worst = shares.into_iter().map(spoiled).max_by(|one, other| one.1.total_cmp(&other.1));
        worst.filter(|(_, share)| *share >= NOTABLE).map(|(name, _)| name)
    }

    /// What is worth a finding.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let first = Some(self.leg_in.clone());
        let last = self.leg_out.clone().or_else(|| first.clone());
        let before = self.loss_upstream * 100.0;
        let places = [
            (
                Kind::LossUpstream,
                &first,
                Some(self.loss_upstream),
                "were already missing where it came in".to_owned(),
            ),
            (
                Kind::LossAtServer,
                &last,
                self.loss_server,
                format!("more are missing behind the server than before it ({before:.1} %)"),
            ),
            (
                Kind::LossDownstream,
                &last,
                self.loss_downstream,
                "more are missing by the receiver's word, RTCP or vq-rtcpxr, than were seen to be missing here"
                    .to_owned(),
            ),
            (
                Kind::LateUpstream,
                &first,
                self.late_upstream,
                "were already too late for a jitter buffer where it came in".to_owned(),
            ),
            (
                Kind::LateAtServer,
                &last,
                self.late_server,
                "more are too late for a jitter buffer behind the server than before it".to_owned(),
            ),
            (
                Kind::LateDownstream,
                &last,
                self.late_downstream,
                "more were too late by the receiver's word, RTCP XR or vq-rtcpxr, than were seen to be late here"
                    .to_owned(),
            ),
        ];
        let notable = places.into_iter().filter_map(|(kind, leg, share, what)| {
            let share = share.filter(|share| *share >= NOTABLE)? * 100.0;
            let evidence = format!("{share:.1} % {what}");
            Some(Finding { kind, leg: leg.clone(), direction: Some(self.direction), evidence })
        });
        notable.collect()
    }
}
