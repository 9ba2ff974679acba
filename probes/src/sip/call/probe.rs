//! The probe: one test call a round.

use std::time::Duration;

use super::place::{CallPlan, credentials, place};
use super::report::{CallReport, Ended, Way};
use crate::observation::{Burst, CallDetail, Detail, Impediment, Measured, Outcome, WayDetail};
use crate::probe::{CallSpec, Measuring, Probe, ProbeError, ProbeKind, Round};
use crate::reach::statistics::summarise;
use crate::sip::options::{sip_uri, usable};
use crate::units::Rtt;

/// What hanging up and the last reports may take.
pub const FAREWELL: Duration = Duration::from_secs(8);
/// Longest text kept of what a far end said.
const MAX_TEXT: usize = 128;

/// Places the call of a specification.
#[derive(Debug, Clone)]
pub struct CallProbe {
    spec: CallSpec,
}

impl CallProbe {
    /// A probe of such a call.
    ///
    /// # Errors
    /// [`ProbeError::Specification`] when the URI cannot be one, or the call has no length.
    pub fn new(spec: &CallSpec) -> Result<Self, ProbeError> {
        usable("address", spec.address)?;
        let uri = sip_uri("uri", &spec.uri)?;
        let fail = |field, reason: &str| Err(ProbeError::Specification { field, reason: reason.to_owned() });
        if spec.length_ms < 100 || spec.length_ms > 600_000 {
            return fail("length_ms", "a test call lasts 0.1 s to 10 min");
        }
        let is_user = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_.!~*'&=$".contains(&byte);
        if spec.from.is_empty() || spec.from.len() > 64 || !spec.from.bytes().all(is_user) {
            return fail("from", "write who calls as digits or letters, as `+8675512345678` or `linesman`");
        }
        Ok(Self { spec: CallSpec { uri, ..spec.clone() } })
    }

    /// The plan of one call; the password is read anew each time.
    ///
    /// # Errors
    /// Why the password cannot be read.
    pub fn plan(&self) -> Result<CallPlan, Impediment> {
        let spec = &self.spec;
        let credentials = match &spec.credentials {
            None => None,
            Some(known) => Some(
                credentials(&known.user, &known.password_file)
                    .map_err(|reason| Impediment::Local { reason })?,
            ),
        };
        Ok(CallPlan {
            address: spec.address,
            transport: spec.transport,
            uri: spec.uri.clone(),
            from: spec.from.clone(),
            codec: spec.codec,
            length: Duration::from_millis(spec.length_ms),
            patience: Duration::from_millis(spec.patience_ms),
            credentials,
        })
    }
}

impl Probe for CallProbe {
    fn kind(&self) -> ProbeKind {
        ProbeKind::Call
    }

    /// One call, whatever the count; its length is the specification's. The round's timeout bounds the whole.
    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(async move {
            let plan = match self.plan() {
                Ok(plan) => plan,
                Err(impediment) => return Measured::unmeasured(impediment),
            };
            match tokio::time::timeout(round.timeout, place(&plan)).await {
                Ok(report) => measured(&report),
                Err(_) => Measured::unmeasured(Impediment::Local {
                    reason: format!("the call did not end within {:?}", round.timeout),
                }),
            }
        })
    }
}

/// A call as an observation: one INVITE, its answer, and what each way was like.
#[must_use]
pub fn measured(report: &CallReport) -> Measured {
    let (outcome, received) = match report.ended {
        Ended::NotMeasured => {
            let reason = || report.problem.clone().unwrap_or_else(|| "the call was not placed".to_owned());
            let why = report.impediment.clone().unwrap_or_else(|| Impediment::Local { reason: reason() });
            return Measured::unmeasured(why);
        }
        Ended::Silent => (Outcome::Silent, 0),
        Ended::Unreachable => (Outcome::Refused, 0),
        _ => (Outcome::Answered, 1),
    };
    let setup = report.setup_ms.filter(|ms| ms.is_finite() && *ms >= 0.0);
    let rtts: Vec<Rtt> =
        setup.map(|ms| Rtt::from_duration(Duration::from_secs_f64(ms / 1e3))).into_iter().collect();
    let rtt = if received == 1 { summarise(&rtts) } else { None };
    let detail = CallDetail {
        ended: report.ended.name().to_owned(),
        code: report.code,
        reason: report.problem.clone().or_else(|| report.reason.clone()).map(|text| presentable(&text)),
        call_id: presentable(&report.call_id),
        codec: report.codec.name().to_owned(),
        setup_ms: report.setup_ms,
        progress_ms: report.progress_ms,
        rtt_ms: report.rtt_ms,
        out: way(&report.out),
        inward: way(&report.inward),
        faults: report.measurement_faults.iter().map(|fault| (*fault).to_owned()).collect(),
    };
    Measured {
        outcome,
        impediment: None,
        burst: Burst { sent: 1, received, duplicates: 0, rtt },
        detail: Detail::Call(Box::new(detail)),
    }
}

/// A way that is known; what is not stays out.
fn way(way: &Way) -> Option<WayDetail> {
    let (known_by, expected, lost) = (way.known_by?, way.expected?, way.lost?);
    Some(WayDetail {
        known_by: known_by.name().to_owned(),
        expected,
        lost,
        late: way.late.unwrap_or(0),
        jitter_ms: way.jitter_ms,
        mos_low: way.mos.map(|mos| mos.low),
        mos_high: way.mos.map(|mos| mos.high),
    })
}

fn presentable(text: &str) -> String {
    text.chars().take(MAX_TEXT).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}
