//! What each measured path shows: is it silent now, is it lossy of late, or is it not known?
//!
//! Two kinds of loss need two memories. Total silence is judged on the run of silent rounds that
//! lasts until now. Slight loss is judged by a cumulative sum over a longer window that leaves
//! outages out, or a single past cut would look like slight loss for minutes.

use chrono::{DateTime, TimeDelta, Utc};
use linesman_probes::observation::Outcome;
use linesman_probes::probe::ProbeKind;

use super::{Input, RoundPoint, Series};
use crate::inventory::ElementIndex;

/// Shares of loss that a fault may have: slight, heavy, total.
pub const LEVELS: [f64; 3] = [0.03, 0.20, 0.90];
/// Place of total loss in [`LEVELS`].
pub const TOTAL: usize = 2;
/// Loss of a healthy path.
const BASELINE: f64 = 0.002;
/// Most that one path may say for or against a fault, in nats: no path outvotes all others, and
/// what was once seen is forgotten in bounded time.
const LOUDEST: f64 = 12.0;

/// How a path is right now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PathState {
    /// Measured lately, and answering.
    Answering,
    /// A run of silent rounds lasts until now.
    Silent,
    /// A run of refused rounds lasts until now: the host is there, the service is not.
    Refusing,
    /// Not measured lately.
    Unknown,
}

/// Length of a slot, seconds: losses within one may well have one short cause.
pub const SLOT_S: i64 = 10;

/// Evidence of one measured path.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Place of the target in the inventory's list.
    pub target: usize,
    /// Place of its rounds in the input.
    pub series: usize,
    /// How it is now.
    pub state: PathState,
    /// Log likelihood ratio of loss at each of [`LEVELS`] against health; zero when unknown.
    pub llr: [f64; 3],
    /// Requests and answers that the verdict rests on.
    pub sent: u32,
    /// Answers among them.
    pub received: u32,
    /// First round of the trouble.
    pub since: Option<DateTime<Utc>>,
    /// Last round of the trouble.
    pub last_bad: Option<DateTime<Utc>>,
    /// Bad rounds in the trouble.
    pub bad_rounds: u32,
    /// Slots of [`SLOT_S`] seconds in which packets were lost, and how many.
    pub losses: Vec<(i64, u32)>,
    /// Start of the newest round that was answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// Mean delay over the good rounds of the hard window, ms.
    pub rtt_mean_ms: Option<f64>,
}

impl Evidence {
    /// Share lost in what the verdict rests on.
    #[must_use]
    pub fn loss_ratio(&self) -> Option<f64> {
        if self.sent == 0 {
            return None;
        }
        Some(f64::from(self.sent - self.received.min(self.sent)) / f64::from(self.sent))
    }

    /// Whether it speaks for any loss at all.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.llr.iter().any(|nats| *nats > 0.0)
    }

    /// Whether it is measured and speaks for no loss at all.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.state == PathState::Answering && !self.is_bad()
    }
}

/// Whether rounds of this kind of probe speak of the way to the target.
#[must_use]
pub const fn speaks_of_the_path(kind: ProbeKind) -> bool {
    // A call that was not answered may have failed anywhere behind the peer that was asked.
    !matches!(kind, ProbeKind::Host | ProbeKind::Registration | ProbeKind::Call)
}

/// The evidence of every path, and where to find it: a network has thousands of paths, and many
/// faults may be open at once.
#[derive(Debug)]
pub struct Paths {
    all: Vec<Evidence>,
    own: Vec<Vec<usize>>,
    through: Vec<Vec<usize>>,
    clean: Vec<Vec<usize>>,
    answered: Vec<usize>,
}

impl std::ops::Deref for Paths {
    type Target = [Evidence];

    fn deref(&self) -> &[Evidence] {
        &self.all
    }
}

impl Paths {
    fn new(input: &Input, mut all: Vec<Evidence>) -> Self {
        // In the order of the targets, whatever the order of the input: one network, one answer.
        all.sort_by_key(|path| path.target);
        let elements = input.inventory.elements().len();
        let (mut own, mut through) = (vec![Vec::new(); elements], vec![Vec::new(); elements]);
        let mut clean = vec![Vec::new(); elements];
        for (place, path) in all.iter().enumerate() {
            let element = input.inventory.targets()[path.target].element;
            own[element.0].push(place);
            for upstream in input.inventory.path(element) {
                through[upstream.0].push(place);
                if path.is_clean() {
                    clean[upstream.0].push(place);
                }
            }
        }
        let mut answered: Vec<usize> =
            (0..all.len()).filter(|place| all[*place].state == PathState::Answering).collect();
        answered.sort_by_key(|place| std::cmp::Reverse(all[*place].answered_at));
        Self { all, own, through, clean, answered }
    }

    /// Places of the paths to an element's own targets, ascending.
    #[must_use]
    pub fn own(&self, element: ElementIndex) -> &[usize] {
        &self.own[element.0]
    }

    /// Places of the paths through an element, ascending.
    #[must_use]
    pub fn through(&self, element: ElementIndex) -> &[usize] {
        &self.through[element.0]
    }

    /// Those of them that are clean, ascending.
    #[must_use]
    pub fn clean(&self, element: ElementIndex) -> &[usize] {
        &self.clean[element.0]
    }

    /// Places of the paths that answer, newest answer first.
    #[must_use]
    pub fn answered(&self) -> &[usize] {
        &self.answered
    }
}

/// The evidence of every path.
#[must_use]
pub fn weigh(input: &Input) -> Paths {
    let all = input
        .series
        .iter()
        .enumerate()
        .filter(|(_, series)| speaks_of_the_path(input.inventory.targets()[series.target].spec.kind()))
        .map(|(place, series)| Evidence { series: place, ..weigh_path(input, series) })
        .collect();
    Paths::new(input, all)
}

fn weigh_path(input: &Input, series: &Series) -> Evidence {
    let target = &input.inventory.targets()[series.target];
    let window = |span: std::time::Duration| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
    // A round is news for one interval and its own length, whatever the window.
    let freshness = window(input.settings.hard_window)
        .max(window(target.interval * 2 + target.timeout + std::time::Duration::from_secs(1)));
    let gray_from = input.now - window(input.settings.gray_window);
    if let Some(evidence) = weigh_flawless(series, input.now, input.now - freshness, gray_from) {
        return evidence;
    }
    let measured: Vec<&RoundPoint> = series
        .rounds
        .iter()
        .filter(|round| round.outcome != Outcome::Unmeasured && round.sent > 0 && round.end <= input.now)
        .collect();

    let mut evidence = Evidence {
        target: series.target,
        series: 0,
        state: PathState::Unknown,
        llr: [0.0; 3],
        sent: 0,
        received: 0,
        since: None,
        last_bad: None,
        bad_rounds: 0,
        losses: Vec::new(),
        answered_at: measured.iter().rev().find(|round| round.received > 0).map(|round| round.start),
        rtt_mean_ms: None,
    };
    // Rounds are in order of their start; they end in that order but for one that waited for answers.
    let count = measured.iter().rev().take_while(|round| round.end >= input.now - freshness).count();
    let fresh = &measured[measured.len() - count..];
    let Some(newest) = fresh.last() else { return evidence };

    let delays: Vec<f64> = fresh.iter().filter_map(|round| round.rtt_mean_ms).collect();
    if !delays.is_empty() {
        evidence.rtt_mean_ms = Some(delays.iter().sum::<f64>() / delays.len() as f64);
    }
    evidence.state = match newest.outcome {
        Outcome::Silent => PathState::Silent,
        Outcome::Refused => PathState::Refusing,
        Outcome::Answered | Outcome::Unmeasured => PathState::Answering,
    };
    if evidence.state == PathState::Answering {
        // Two rounds more tell whether an outage ended there.
        let gray = measured.partition_point(|round| round.end < gray_from).saturating_sub(2);
        let outside = outside_outages(&measured[gray..]);
        weigh_answering(&mut evidence, &outside, fresh);
    } else {
        let usual = usual_loss(&measured, newest.outcome, gray_from);
        weigh_run(&mut evidence, &measured, newest.outcome, usual, input.settings.minimum_requests);
    }
    evidence
}

/// Most paths lose nothing at all: every answer speaks against every level. They are the bulk of
/// every look, so their rounds are read once and few times compared. `None` where that is not so.
fn weigh_flawless(
    series: &Series,
    now: DateTime<Utc>,
    fresh_from: DateTime<Utc>,
    gray_from: DateTime<Utc>,
) -> Option<Evidence> {
    let rounds = &series.rounds;
    let flawless = |round: &RoundPoint| {
        round.outcome == Outcome::Answered && round.received >= round.sent && round.sent > 0
    };
    if !rounds.iter().all(flawless) {
        return None;
    }
    let newest = rounds.back()?;
    // A clock that was set back, or a round not yet over, takes the longer way.
    if newest.end > now || newest.end < fresh_from {
        return None;
    }
    let fresh = rounds.iter().rev().take_while(|round| round.end >= fresh_from);
    let (sent, delays, delay) = fresh.fold((0_u32, 0_u32, 0.0_f64), |(sent, delays, delay), round| {
        let sent = sent.saturating_add(round.sent);
        round.rtt_mean_ms.map_or((sent, delays, delay), |ms| (sent, delays + 1, delay + ms))
    });
    let gray = rounds.range(rounds.partition_point(|round| round.end < gray_from)..);
    let answered = gray.fold(0_u32, |answered, round| answered.saturating_add(round.sent));
    let refuted = [llr(answered, answered, 0), llr(answered, answered, 1), llr(sent, sent, TOTAL)];
    Some(Evidence {
        target: series.target,
        series: 0,
        state: PathState::Answering,
        llr: refuted.map(|nats| nats.max(-LOUDEST)),
        sent,
        received: sent,
        since: None,
        last_bad: None,
        bad_rounds: 0,
        losses: Vec::new(),
        answered_at: Some(newest.start),
        rtt_mean_ms: (delays > 0).then(|| delay / f64::from(delays)),
    })
}

/// The run of silent (or refused) rounds that lasts until now.
fn weigh_run(evidence: &mut Evidence, measured: &[&RoundPoint], outcome: Outcome, usual: f64, minimum: u32) {
    let run: Vec<&&RoundPoint> = measured.iter().rev().take_while(|round| round.outcome == outcome).collect();
    evidence.sent = run.iter().fold(0, |sent: u32, round| sent.saturating_add(round.sent));
    evidence.bad_rounds = run.len().try_into().unwrap_or(u32::MAX);
    evidence.since = run.last().map(|round| round.start);
    evidence.last_bad = run.first().map(|round| round.start);
    // One silent round may be one lost moment: no verdict from it, however many requests it had.
    if run.len() < 2 || evidence.sent < minimum {
        return;
    }
    // On a path that loses every third request, three losses in a row are nothing new.
    for (nats, loss) in evidence.llr.iter_mut().zip(LEVELS) {
        *nats = (f64::from(evidence.sent) * (loss / usual).ln()).clamp(0.0, LOUDEST);
    }
    // Silence that lasts is no slight loss.
    evidence.llr[0] = evidence.llr[0].min(LOUDEST / 4.0);
    evidence.llr[1] = evidence.llr[1].min(LOUDEST / 2.0);
}

/// What the path usually loses, from the rounds before the run that lasts until now.
fn usual_loss(measured: &[&RoundPoint], outcome: Outcome, from: DateTime<Utc>) -> f64 {
    let run = measured.iter().rev().take_while(|round| round.outcome == outcome).count();
    let before = &measured[..measured.len() - run];
    let (sent, received) =
        totals(&outside_outages(before).into_iter().filter(|round| round.end >= from).collect::<Vec<_>>());
    // A few requests prove no habit: ten that were answered are added.
    (f64::from(sent.saturating_sub(received)) / (f64::from(sent) + 10.0)).max(BASELINE)
}

/// An answering path: slight loss by cumulative sum, total loss refuted by every answer.
fn weigh_answering(evidence: &mut Evidence, outside: &[&RoundPoint], fresh: &[&RoundPoint]) {
    // What answers now is not cut off now, however long it was silent before.
    let answering: Vec<&RoundPoint> =
        fresh.iter().rev().copied().take_while(|round| round.received > 0).collect();
    let (sent, received) = totals(&answering);
    evidence.llr[TOTAL] = llr(sent, received, TOTAL).clamp(-LOUDEST, 0.0);
    (evidence.sent, evidence.received) = totals(fresh);
    for level in 0..TOTAL {
        let run = cumulative(outside, level);
        evidence.llr[level] = if run.nats > 0.0 { run.nats } else { run.refuted };
        if run.nats > 0.0 {
            if run.sent > evidence.sent {
                (evidence.sent, evidence.received) = (run.sent, run.received);
            }
            evidence.since = [evidence.since, run.since].into_iter().flatten().min();
            evidence.last_bad = evidence.last_bad.max(run.last_bad);
            evidence.bad_rounds = evidence.bad_rounds.max(run.bad_rounds);
        }
        if run.losses.len() > evidence.losses.len() {
            evidence.losses = run.losses;
        }
    }
    // A path that is well again shows what it loses now, not what it lost in an outage that is over.
    if !evidence.is_bad() {
        (evidence.sent, evidence.received) = (sent, received);
    }
}

/// Rounds that are no part of an outage: two or more silent rounds in a row, or one whole burst,
/// with the partly lost rounds at either end. An outage is judged while it lasts, not afterwards.
fn outside_outages<'a>(measured: &[&'a RoundPoint]) -> Vec<&'a RoundPoint> {
    const BURST: u32 = 3;
    let silent = |place: usize| measured.get(place).is_some_and(|round| round.received == 0);
    let in_outage: Vec<bool> = (0..measured.len())
        .map(|place| {
            let beside = silent(place + 1) || (place > 0 && silent(place - 1));
            silent(place) && (beside || measured[place].sent >= BURST)
        })
        .collect();
    let out = |place: usize| in_outage.get(place).copied().unwrap_or(false);
    measured
        .iter()
        .enumerate()
        .filter(|(place, round)| {
            let at_its_end =
                round.received < round.sent && (out(place + 1) || (*place > 0 && out(place - 1)));
            !out(*place) && !at_its_end
        })
        .map(|(_, round)| *round)
        .collect()
}

#[derive(Debug, Clone, Default)]
struct Cumulative {
    nats: f64,
    refuted: f64,
    sent: u32,
    received: u32,
    since: Option<DateTime<Utc>>,
    last_bad: Option<DateTime<Utc>>,
    bad_rounds: u32,
    losses: Vec<(i64, u32)>,
}

/// Page's cumulative sum of the log likelihood ratio, capped, restarted whenever it falls to zero.
fn cumulative(measured: &[&RoundPoint], level: usize) -> Cumulative {
    let mut run = Cumulative::default();
    let mut refuted = 0.0_f64;
    for round in measured {
        let (sent, received) = (round.sent, round.received.min(round.sent));
        let step = llr(sent, received, level);
        refuted = (refuted + step).clamp(-LOUDEST, LOUDEST);
        run.nats = (run.nats + step).min(LOUDEST);
        if run.nats <= 0.0 {
            run = Cumulative::default();
            continue;
        }
        run.sent = run.sent.saturating_add(sent);
        run.received = run.received.saturating_add(received);
        if received < sent {
            run.since.get_or_insert(round.start);
            run.last_bad = Some(round.start);
            run.bad_rounds += 1;
            run.losses.push((round.start.timestamp() / SLOT_S, sent - received));
        }
    }
    run.refuted = refuted.min(0.0);
    run
}

/// What one lost request says for each of [`LEVELS`], in nats: `ln(level / 0.002)`, where a healthy
/// path loses 0.002.
const LOST: [f64; 3] = [2.708_050_201_102_21, 4.605_170_185_988_091, 6.109_247_582_764_365];
/// What one answer says against it: `ln((1 - level) / (1 - 0.002))`.
const ANSWERED: [f64; 3] = [-0.028_457_204_814_036, -0.221_141_548_643_537, -2.300_583_090_323_373];

fn llr(sent: u32, received: u32, level: usize) -> f64 {
    let received = received.min(sent);
    f64::from(sent - received) * LOST[level] + f64::from(received) * ANSWERED[level]
}

fn totals(rounds: &[&RoundPoint]) -> (u32, u32) {
    rounds.iter().fold((0, 0), |(sent, received), round| {
        (sent.saturating_add(round.sent), received.saturating_add(round.received.min(round.sent)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(second: i64, received: u32) -> RoundPoint {
        let start = DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        let outcome = if received == 0 { Outcome::Silent } else { Outcome::Answered };
        let end = start + TimeDelta::seconds(1);
        let (rtt_mean_ms, jitter_ms, code, host) = (None, None, None, None);
        RoundPoint { start, end, outcome, sent: 5, received, rtt_mean_ms, jitter_ms, code, host }
    }

    #[test]
    fn a_path_that_is_well_again_does_not_show_the_loss_of_its_outage() {
        let rounds = [round(0, 5), round(5, 0), round(10, 0), round(15, 5), round(20, 5)];
        let fresh: Vec<&RoundPoint> = rounds.iter().collect();
        let mut evidence = Evidence {
            target: 0,
            series: 0,
            state: PathState::Answering,
            llr: [0.0; 3],
            sent: 0,
            received: 0,
            since: None,
            last_bad: None,
            bad_rounds: 0,
            losses: Vec::new(),
            answered_at: None,
            rtt_mean_ms: None,
        };
        weigh_answering(&mut evidence, &outside_outages(&fresh), &fresh);
        assert_eq!((evidence.sent, evidence.received, evidence.loss_ratio()), (10, 10, Some(0.0)));
    }

    #[test]
    fn the_weights_are_the_logarithms_that_they_stand_for() {
        for (level, loss) in LEVELS.into_iter().enumerate() {
            assert!((LOST[level] - (loss / BASELINE).ln()).abs() < 1e-9, "{level}");
            let answered = ((1.0 - loss) / (1.0 - BASELINE)).ln();
            assert!((ANSWERED[level] - answered).abs() < 1e-9, "{level}: {answered:.15}");
        }
    }
}
