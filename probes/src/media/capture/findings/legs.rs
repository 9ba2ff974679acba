//! Where it came in: one direction of a call on both sides of a media server, and what the far end reports.

use serde::Serialize;

use super::media::MediaLeg;
use super::{Finding, Flow, Kind};
use crate::capture::call::Side;
use crate::capture::streams::Heard;
use crate::quality::report::StreamReport;

/// Loss that is worth a word: a hundredth.
const NOTABLE: f64 = 0.01;
/// Fewer packets tell no ratio.
const ENOUGH: u64 = 100;

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
    /// Jitter that came in between; negative when the server smooths.
    pub jitter_server_ms: Option<f64>,
    /// Loss behind the last point, by the receiver's report; none without one.
    pub loss_downstream: Option<f64>,
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
    let downstream = word.loss.map(|loss| (loss - report.loss_ratio).max(0.0));
    let mut passage = Passage {
        direction: Flow::towards(to),
        leg_in: leg_in.name.clone(),
        stream_in: stream_in.key.to_string(),
        loss_upstream: report_in.loss_ratio,
        jitter_in_ms: report_in.jitter_mean_ms,
        leg_out: two.then(|| leg_out.name.clone()),
        stream_out: two.then(|| stream_out.key.to_string()),
        passed_through: two.then_some(same),
        loss_server: added,
        jitter_server_ms: jitter.map(|(before, after)| after - before),
        loss_downstream: downstream,
        jitter_reported_ms: word.jitter_ms,
        spoiled_by: None,
    };
    let shares = [
        ("upstream", Some(passage.loss_upstream)),
        ("server", passage.loss_server),
        ("downstream", passage.loss_downstream),
    ];
    let known = shares.into_iter().filter_map(|(name, loss)| Some((name, loss?)));
    let worst = known.max_by(|one, other| one.1.total_cmp(&other.1));
    passage.spoiled_by = worst.filter(|(_, loss)| *loss >= NOTABLE).map(|(name, _)| name);
    Some(passage)
}

/// Packets that the server was given and did not hand on. Where it makes new numbers, all that is missing
/// behind it is its own; where it hands on numbers, only what is missing beyond the gaps that it was given.
fn server_loss(before: &StreamReport, after: &StreamReport, same: bool) -> f64 {
    if same { (after.loss_ratio - before.loss_ratio).max(0.0) } else { after.loss_ratio }
}

impl Passage {
    /// What is worth a finding.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let finding = |kind, leg: &Option<String>, evidence| Finding {
            kind,
            leg: leg.clone(),
            direction: Some(self.direction),
            evidence,
        };
        let percent = |loss: f64| loss * 100.0;
        let mut found = Vec::new();
        if self.loss_upstream >= NOTABLE {
            let evidence =
                format!("{:.1} % were already missing where it came in", percent(self.loss_upstream));
            found.push(finding(Kind::LossUpstream, &Some(self.leg_in.clone()), evidence));
        }
        if let Some(loss) = self.loss_server.filter(|loss| *loss >= NOTABLE) {
            let evidence = format!(
                "{:.1} % more are missing behind the server than before it ({:.1} %)",
                percent(loss),
                percent(self.loss_upstream)
            );
            found.push(finding(Kind::LossAtServer, &self.leg_out, evidence));
        }
        if let Some(loss) = self.loss_downstream.filter(|loss| *loss >= NOTABLE) {
            let leg = self.leg_out.clone().or_else(|| Some(self.leg_in.clone()));
            let evidence =
                format!("the receiver reports {:.1} % more loss by RTCP than was seen here", percent(loss));
            found.push(finding(Kind::LossDownstream, &leg, evidence));
        }
        found
    }
}
