//! What endpoints say of streams by RTCP, XR and vq-rtcpxr: their word, kept beside what was measured and never mixed
//! with it. Where our capture did not see the stream itself, it is all there is.

use chrono::{DateTime, Utc};
use linesman_media::capture::report::Report;
use linesman_media::capture::streams::{KnownBy, ReportedRow, Rtcp};
use linesman_media::feed::vq;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::identity;

/// What the receiver of a stream says of it. None is "not said".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Told {
    /// Reports by RTCP.
    pub reports: u64,
    /// Packets lost by the last one; negative when duplicates came.
    pub lost: Option<i64>,
    /// Share lost of the whole, by XR or by the telephone's own report.
    pub loss_ratio: Option<f64>,
    /// Share lost between the two reports where it was worst.
    pub worst_loss_ratio: Option<f64>,
    /// Largest jitter, ms.
    pub jitter_ms: Option<f64>,
    /// Shortest round trip between the capture and the receiver, ms.
    pub round_trip_ms: Option<f64>,
    /// Listening MOS.
    pub mos_lq: Option<f64>,
    /// Conversational MOS.
    pub mos_cq: Option<f64>,
}

/// The word of an endpoint on a stream that our capture did not see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EndpointWord {
    /// Who says it.
    pub reporter: String,
    /// Who sends what is spoken of.
    pub about: String,
    /// Its SSRC, where it was said.
    pub ssrc: Option<String>,
    /// First report.
    pub first: DateTime<Utc>,
    /// Last report.
    pub last: DateTime<Utc>,
    /// What it says.
    pub told: Told,
}

/// A word with the call that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct CallWord {
    /// Identity of the call, or of one of its legs.
    pub call: String,
    /// The word.
    pub word: EndpointWord,
}

impl CallWord {
    /// Its own identity: a later word of the same endpoint on the same stream takes its place.
    #[must_use]
    pub fn id(&self) -> String {
        let ssrc = self.word.ssrc.as_deref().unwrap_or_default();
        identity(&[&self.call, self.word.reporter.as_str(), &self.word.about, ssrc].join(" "))
    }
}

/// What was said of streams that were not seen, as far as it leads to a call: by its Call-ID, else by SSRC and addresses.
#[must_use]
pub fn words(report: &Report) -> Vec<CallWord> {
    report.reported.iter().filter_map(word).collect()
}

/// How many words led to a call, by what they did; none: to no call.
#[must_use]
pub fn counts(report: &Report) -> [(Option<KnownBy>, u64); 4] {
    let count = |by: Option<KnownBy>| report.reported.iter().filter(|row| row.known_by == by).count() as u64;
    [Some(KnownBy::CallId), Some(KnownBy::Ssrc), Some(KnownBy::Addresses), None].map(|by| (by, count(by)))
}

fn word(row: &ReportedRow) -> Option<CallWord> {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    let told = match (&row.rtcp, &row.vq) {
        (Some(rtcp), published) => with_published(Told::of(rtcp), published.as_ref()),
        (None, Some(published)) => with_published(Told::default(), Some(published)),
        (None, None) => return None,
    };
    Some(CallWord {
        call: identity(row.belongs_to.as_deref()?),
        word: EndpointWord {
            reporter: row.reporter.clone(),
            about: row.about.clone(),
            ssrc: row.ssrc.clone(),
            first: at(&row.first)?,
            last: at(&row.last)?,
            told,
        },
    })
}

fn with_published(told: Told, published: Option<&vq::Report>) -> Told {
    let Some(metrics) = published.and_then(|report| report.receives.as_ref()) else { return told };
    Told {
        loss_ratio: metrics.loss_ratio.or(told.loss_ratio),
        jitter_ms: metrics.jitter_ms.or(told.jitter_ms),
        round_trip_ms: metrics.round_trip_ms.or(told.round_trip_ms),
        mos_lq: metrics.mos_lq.or(told.mos_lq),
        mos_cq: metrics.mos_cq.or(told.mos_cq),
        ..told
    }
}

impl Told {
    /// Of reports that passed.
    #[must_use]
    pub fn of(rtcp: &Rtcp) -> Self {
        let extended = rtcp.told.voip_metrics;
        let mos = |tenths: Option<u8>| tenths.map(|tenths| f64::from(tenths) / 10.0);
        Self {
            reports: rtcp.told.reports,
            lost: rtcp.told.lost,
            loss_ratio: extended.map(|metrics| f64::from(metrics.loss_rate) / 256.0),
            worst_loss_ratio: rtcp.told.loss_ratio_max,
            jitter_ms: rtcp.told.jitter_max_ms,
            round_trip_ms: rtcp.round_trip_ms,
            mos_lq: mos(extended.and_then(|metrics| metrics.mos_lq_tenths)),
            mos_cq: mos(extended.and_then(|metrics| metrics.mos_cq_tenths)),
        }
    }
}
