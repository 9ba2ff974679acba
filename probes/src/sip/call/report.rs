//! What a test call came to, in the words of `rtp analyze`.

use linesman_media::quality::report::StreamReport;
use linesman_media::quality::score::{Assumptions, CodecTable, Coding, Interval, Losses, Scored, assess};
use serde::Serialize;

use super::codec::{CallCodec, PACKET_MS};
use super::dialog::{End, Progress};
use super::ear::{Ear, Lost};
use crate::observation::Impediment;

/// How a test call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Answered, talked to the end, hung up.
    Completed,
    /// Answered, but the far end hung up early.
    FarHungUp,
    /// Answered, but without media that could be used.
    NoMedia,
    /// A final answer that is no yes.
    Refused,
    /// Progress, but no final answer in time.
    Unanswered,
    /// Not a word came back.
    Silent,
    /// The host itself says that nobody listens there.
    Unreachable,
    /// We could not measure.
    NotMeasured,
}

impl Ended {
    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::FarHungUp => "far_hung_up",
            Self::NoMedia => "no_media",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Silent => "silent",
            Self::Unreachable => "unreachable",
            Self::NotMeasured => "not_measured",
        }
    }
}

/// How a direction's loss is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// By the sequence numbers of what came, counted by the engine of live calls.
    Sequence,
    /// By the far end's RTCP: its word.
    Rtcp,
    /// By what came back of our own voice.
    Echo,
    /// The round trip less what the far end says it lost.
    Difference,
}

impl KnownBy {
    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::Rtcp => "rtcp",
            Self::Echo => "echo",
            Self::Difference => "difference",
        }
    }
}

/// One direction.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Way {
    /// How it is known; none where it is not.
    pub known_by: Option<KnownBy>,
    /// Packets that were due.
    pub expected: Option<u64>,
    /// Of these lost.
    pub lost: Option<u64>,
    /// Lost over expected.
    pub loss_ratio: Option<f64>,
    /// Packets that an adaptive buffer would have played too late; none where their arrival was not seen.
    pub late: Option<u64>,
    /// Interarrival jitter (RFC 3550): largest by our measurement, last by the far end's word.
    pub jitter_ms: Option<f64>,
    /// R as an interval.
    pub r_factor: Option<Interval>,
    /// MOS-CQE as an interval.
    pub mos: Option<Interval>,
    /// The model of the score.
    pub model: Option<&'static str>,
    /// Why it is not measured, or not scored.
    pub not_measured: Option<String>,
}

/// Both ways together, where the far end is an echo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundTripLoss {
    /// Packets that we sent.
    pub sent: u64,
    /// Of these came back.
    pub returned: u64,
    /// Of these did not.
    pub lost: u64,
    /// Lost over sent.
    pub loss_ratio: f64,
    /// Least time from sending to hearing.
    pub rtt_min_ms: Option<f64>,
    /// Mean.
    pub rtt_mean_ms: Option<f64>,
    /// Largest.
    pub rtt_max_ms: Option<f64>,
}

/// A stream that was heard, as `rtp analyze` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeardStream {
    /// Synchronisation source.
    pub ssrc: String,
    /// Who sends, as far as agreed.
    pub src: String,
    /// Who hears: we.
    pub dst: String,
    /// What the engine says.
    #[serde(flatten)]
    pub quality: StreamReport,
}

/// What a test call came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallReport {
    /// Who was called.
    pub uri: String,
    /// Where the call was sent to.
    pub address: String,
    /// Call-ID, as the far end's logs have it.
    pub call_id: String,
    /// How it ended.
    pub ended: Ended,
    /// Final status code; of a call that was answered 200.
    pub code: Option<u16>,
    /// Its reason phrase.
    pub reason: Option<String>,
    /// Last provisional code.
    pub provisional: Option<u16>,
    /// What went wrong, in one sentence.
    pub problem: Option<String>,
    /// What mends it.
    pub hint: Option<String>,
    /// From INVITE to the first sign of progress (a code above 100): post-dial delay.
    pub progress_ms: Option<f64>,
    /// From INVITE to the final answer.
    pub setup_ms: Option<f64>,
    /// Signalling messages that had to be sent again.
    pub retransmissions: u32,
    /// What was spoken.
    pub codec: CallCodec,
    /// DSCP that our voice was marked with; none when the system did not let us.
    pub dscp: Option<u8>,
    /// Packets of voice that left.
    pub sent: u64,
    /// By how much the latest of them left after its time.
    pub late_sending_ms: f64,
    /// Whether the far end sent our own voice back; none while too little came to say.
    pub is_echo: Option<bool>,
    /// Reports of the far end about our voice.
    pub far_reports: u64,
    /// Round trip by RTCP (LSR and DLSR).
    pub rtt_ms: Option<f64>,
    /// From us to the far end.
    pub out: Way,
    /// From the far end to us.
    #[serde(rename = "in")]
    pub inward: Way,
    /// Both together, where the far end is an echo.
    pub round_trip: Option<RoundTripLoss>,
    /// The streams that were heard.
    pub streams: Vec<HeardStream>,
    /// What is worth telling.
    pub findings: Vec<String>,
    /// What was wrong with our own measuring: such a call accuses nobody.
    pub measurement_faults: Vec<&'static str>,
    /// Why we could not measure, if we could not.
    #[serde(skip)]
    pub impediment: Option<Impediment>,
}

impl CallReport {
    /// A report of a call that is yet to be.
    #[must_use]
    pub fn new(uri: &str, address: &str, codec: CallCodec) -> Self {
        let unmeasured = || Way { not_measured: Some("no voice flowed".to_owned()), ..Way::default() };
        Self {
            uri: uri.to_owned(),
            address: address.to_owned(),
            call_id: String::new(),
            ended: Ended::NotMeasured,
            code: None,
            reason: None,
            provisional: None,
            problem: None,
            hint: None,
            progress_ms: None,
            setup_ms: None,
            retransmissions: 0,
            codec,
            dscp: None,
            sent: 0,
            late_sending_ms: 0.0,
            is_echo: None,
            far_reports: 0,
            rtt_ms: None,
            out: unmeasured(),
            inward: unmeasured(),
            round_trip: None,
            streams: Vec::new(),
            findings: Vec::new(),
            measurement_faults: Vec::new(),
            impediment: None,
        }
    }

    /// We could not measure.
    #[must_use]
    pub fn not_measured(mut self, impediment: Impediment) -> Self {
        self.ended = Ended::NotMeasured;
        self.problem = Some(impediment.to_string());
        self.impediment = Some(impediment);
        self
    }

    /// What the signalling came to.
    pub(super) fn note_signalling(
        &mut self,
        end: &End,
        progress: Progress,
        answered: Option<std::time::Duration>,
        has_password: bool,
        patience: std::time::Duration,
    ) {
        let ms = |at: std::time::Duration| round(at.as_secs_f64() * 1e3);
        self.provisional = progress.code;
        self.progress_ms = progress.first.map(ms);
        self.setup_ms = answered.or(progress.heard.filter(|_| matches!(end, End::Refused { .. }))).map(ms);
        if answered.is_some() {
            self.code = Some(200);
            self.reason = Some("OK".to_owned());
        }
        match end {
            End::HungUp => self.ended = Ended::Completed,
            End::FarHungUp => {
                self.ended = Ended::FarHungUp;
                self.findings.push("far_end_hung_up".to_owned());
            }
            End::Refused { code, reason } => {
                self.ended = Ended::Refused;
                self.code = Some(*code);
                self.problem = Some(format!("the far end answered {code} {reason}").trim_end().to_owned());
                self.reason = Some(reason.clone());
                self.hint = Some(mend(*code, has_password).to_owned());
            }
            End::NotAnswered if progress.heard.is_none() => {
                self.ended = Ended::Silent;
                self.problem = Some(format!("no answer to INVITE within {} s", patience.as_secs()));
                self.hint = Some(
                    "ask with `linesman probe sip` whether SIP is spoken there; check the port and any firewall"
                        .to_owned(),
                );
            }
            End::NotAnswered => {
                self.ended = Ended::Unanswered;
                self.problem = Some(format!(
                    "nobody answered within {} s (last said: {}); the call was cancelled",
                    patience.as_secs(),
                    progress.code.map_or_else(|| "nothing".to_owned(), |code| code.to_string()),
                ));
                self.hint = Some("call a number that answers by itself, as an echo does".to_owned());
            }
            End::Challenged(why) => {
                self.ended = Ended::Refused;
                self.problem = Some(why.clone());
                self.hint = Some("have the far end offer Digest with MD5 or SHA-256 and qop=auth".to_owned());
            }
        }
    }

    /// What the voice came to.
    pub(super) fn note_voice(&mut self, ear: &Ear, from: &str, to: &str) {
        let codecs = CodecTable::standard();
        let echo = ear.echo();
        self.far_reports = ear.far_reports();
        self.rtt_ms = ear.trip_s().map(|trip| round(trip * 1e3));
        let echo_trip_ms = echo.as_ref().and_then(|echo| echo.trip_ns).map(|(least, ..)| least as f64 * 1e-6);
        // Half a round trip stands for one way; an echo may wait a little before it answers, RTCP says by how much.
        let network_delay_ms = self.rtt_ms.or(echo_trip_ms).map(|trip| trip / 2.0);
        let known = Assumptions { network_delay_ms, ..Assumptions::default() };
        let main = ear.main(&codecs, &known);
        let heard = main.as_ref().map_or(0, |(_, report)| report.unique);
        self.is_echo = (heard >= 20).then_some(echo.is_some());
        let score = |lost: Lost| score(self.codec, lost, &codecs, &known);

        let told = ear.told();
        let there = echo.as_ref().and_then(|echo| echo.there);
        self.out = match (&told, there) {
            (Some((lost, jitter_ms, _)), _) => {
                Way { jitter_ms: Some(round(*jitter_ms)), ..way(KnownBy::Rtcp, *lost, score(*lost)) }
            }
            (None, Some(lost)) => way(KnownBy::Echo, lost, score(lost)),
            (None, None) => Way {
                not_measured: Some(match (&echo, self.sent) {
                    (_, 0) => "we sent nothing".to_owned(),
                    (Some(_), _) => {
                        "the far end sends no RTCP, and its echo keeps our numbers: a gap may be of either \
                                     way"
                        .to_owned()
                    }
                    (None, _) => "the far end sends no RTCP and is no echo".to_owned(),
                }),
                ..Way::default()
            },
        };
        self.inward = match &main {
            None => Way {
                not_measured: Some(
                    "nothing came back: whether nothing was sent or all was lost is not known".to_owned(),
                ),
                ..Way::default()
            },
            Some((_, report)) => {
                inward(report, echo.as_ref().map(|echo| echo.numbers_itself), there, &told, self.sent, score)
            }
        };
        // Either way may have died, or the echo stopped: what is known of the part before says nothing of the rest.
        let tells_the_rest =
            told.as_ref().is_some_and(|(out, ..)| u128::from(out.expected) * 10 >= u128::from(self.sent) * 9);
        if echo.is_some() && ear.fell_silent() && !tells_the_rest {
            let why = "the echo fell silent before the end, and no report of the far end covers the rest";
            self.out = unknown(why.to_owned());
            self.inward = unknown(why.to_owned());
            self.findings.push("echo_fell_silent".to_owned());
        }
        if let Some(echo) = &echo {
            let lost = self.sent.saturating_sub(echo.returned);
            let ms = |ns: i64| round(ns as f64 * 1e-6);
            self.round_trip = Some(RoundTripLoss {
                sent: self.sent,
                returned: echo.returned,
                lost,
                loss_ratio: lost as f64 / self.sent.max(1) as f64,
                rtt_min_ms: echo.trip_ns.map(|(least, ..)| ms(least)),
                rtt_mean_ms: echo.trip_ns.map(|(_, mean, _)| ms(mean)),
                rtt_max_ms: echo.trip_ns.map(|(.., most)| ms(most)),
            });
        }
        match main {
            Some((ssrc, quality)) => {
                let findings = serde_json::to_value(&quality.findings).ok();
                let names = findings.as_ref().and_then(|names| names.as_array()).into_iter().flatten();
                self.findings.extend(names.filter_map(|name| name.as_str().map(str::to_owned)));
                self.streams.push(HeardStream {
                    ssrc: format!("0x{ssrc:08x}"),
                    src: from.to_owned(),
                    dst: to.to_owned(),
                    quality,
                });
            }
            None if self.sent > 0 => self.findings.push("no_media_back".to_owned()),
            None => {}
        }
        if ear.streams() > 1 {
            self.findings.push("several_streams".to_owned());
        }
    }
}

fn inward(
    report: &StreamReport,
    echo_numbers_itself: Option<bool>,
    there: Option<Lost>,
    told: &Option<(Lost, f64, &linesman_media::quality::rtcp::ToldReport)>,
    sent: u64,
    score: impl Fn(Lost) -> Option<Scored>,
) -> Way {
    let late = report.playout.last().map(|buffer| buffer.late);
    let counted = Way {
        known_by: Some(KnownBy::Sequence),
        expected: Some(report.expected),
        lost: Some(report.lost),
        loss_ratio: Some(report.loss_ratio),
        late,
        jitter_ms: report.jitter_max_ms.map(round),
        r_factor: report.r_factor,
        mos: report.mos,
        model: report.model.name,
        not_measured: report.model.not_scorable.clone(),
    };
    match echo_numbers_itself {
        // No echo: the numbers are the far end's own. An echo with its own: likewise. Without a gap: nothing is in doubt.
        None | Some(true) => counted,
        Some(false) if report.lost == 0 || there.is_some() => counted,
        Some(false) => match told {
            // What it had not heard of yet when it reported would look like a loss on the way back.
            Some((out, ..)) if out.expected * 10 >= sent * 9 => {
                let less = |count: u64| count.saturating_sub(out.lost);
                let lost = Lost { expected: less(report.expected), lost: less(report.lost) };
                Way { late, jitter_ms: counted.jitter_ms, ..way(KnownBy::Difference, lost, score(lost)) }
            }
            Some((out, ..)) => unknown(format!(
                "the echo keeps our numbers, and the far end's last report covers only {} of {sent} packets",
                out.expected
            )),
            None => unknown(
                "the echo keeps our numbers and the far end sends no RTCP: only the round trip is known"
                    .to_owned(),
            ),
        },
    }
}

fn unknown(why: String) -> Way {
    Way { not_measured: Some(why), ..Way::default() }
}

fn way(known_by: KnownBy, lost: Lost, scored: Option<Scored>) -> Way {
    Way {
        known_by: Some(known_by),
        expected: Some(lost.expected),
        lost: Some(lost.lost),
        loss_ratio: (lost.expected > 0).then(|| lost.lost as f64 / lost.expected as f64),
        r_factor: scored.map(|scored| scored.r_factor),
        mos: scored.map(|scored| scored.mos),
        model: scored.map(|scored| scored.scale.model()),
        ..Way::default()
    }
}

/// A score of losses of which only the number is known: from spread evenly to as bursty as the model goes.
fn score(codec: CallCodec, lost: Lost, codecs: &CodecTable, known: &Assumptions) -> Option<Scored> {
    let coding = Coding {
        codec: codec.name(),
        variant: codec.variant(),
        payload_bytes: codec.packet_bytes() as u32,
        packet_time_ms: Some(PACKET_MS as f64),
    };
    let of = |runs: u64| {
        let losses = Losses { expected: lost.expected, lost: lost.lost, runs, heard: Vec::new() };
        assess(&losses, &[coding], codecs, known).0
    };
    let spread = of(lost.lost)?;
    let bursts = of(lost.lost.div_ceil(2))?;
    let join = |one: Interval, other: Interval| Interval {
        low: one.low.min(other.low),
        high: one.high.max(other.high),
    };
    let round = |it: Interval| Interval { low: round(it.low), high: round(it.high) };
    Some(Scored {
        scale: spread.scale,
        r_factor: round(join(spread.r_factor, bursts.r_factor)),
        mos: round(join(spread.mos, bursts.mos)),
    })
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// What mends a call that was refused with this code.
#[must_use]
pub const fn mend(code: u16, has_password: bool) -> &'static str {
    match code {
        300..=399 => "the far end sends callers elsewhere; call the address it names in Contact",
        401 | 407 if has_password => "the user or password was not accepted; check both with the far end",
        401 | 407 => "the far end wants to know who calls; give --user and --password-file",
        403 => "the far end does not let this address or caller call; have it allowed there",
        404 | 410 | 484 | 604 => {
            "the far end does not know this number; ask its operator for the echo number"
        }
        408 | 480 | 504 => "what should answer is not there; check the echo behind the far end",
        415 | 488 | 606 => "the far end does not take this codec; try another with --codec",
        486 | 600 => "the number is busy; call one that takes several calls",
        483 => "the call goes round in circles; check the routing of this number",
        503 => "the far end is overloaded, draining, or does not serve us; ask its operator",
        500..=599 => "the far end failed; its log has this Call-ID",
        _ => "the far end refused; its log has this Call-ID",
    }
}
