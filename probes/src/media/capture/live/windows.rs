//! Windows of streams that still go on, told once each, so that trouble is seen before the call is over.

use std::net::SocketAddr;

use super::{Live, excuse};
use crate::capture::call::Calls;
use crate::capture::findings::Flow;
use crate::capture::net::Endpoint;
use crate::capture::streams::Heard;
use crate::quality::report::WindowReport;

/// Windows that wait to be fetched; the oldest stay, what is beyond is found in the final record of its stream.
const MOST: usize = 200_000;

/// A window with whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowRow {
    /// `SSRC@source>destination`.
    pub stream: String,
    /// Who sends.
    pub source: SocketAddr,
    /// Who receives.
    pub destination: SocketAddr,
    /// Encoding name; none when nobody said.
    pub codec: Option<String>,
    /// The call, as far as its signalling was seen.
    pub call: Option<OfCall>,
    /// What its receiver says so far by RTCP, his word: lost, of so many that were due by our count.
    pub told: Option<(u64, u64)>,
    /// What was measured.
    pub window: WindowReport,
}

/// The call of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfCall {
    /// Call-ID of its dialog.
    pub call_id: String,
    /// User part of who was called.
    pub called: String,
    /// Where the caller's side of the stream's leg signals from.
    pub caller: SocketAddr,
    /// Where the callee's side of it is signalled to.
    pub callee: SocketAddr,
    /// Which way it flows.
    pub direction: Flow,
    /// The signalling ends of every leg of the dialog.
    pub ends: Vec<(SocketAddr, SocketAddr)>,
}

impl Live {
    /// From now on, windows are told by [`Live::take_windows`].
    #[must_use]
    pub fn telling_windows(mut self) -> Self {
        self.tells_windows = true;
        self
    }

    /// Windows that closed since they were taken last, found by [`Live::tick`].
    pub fn take_windows(&mut self) -> Vec<WindowRow> {
        std::mem::take(&mut self.windows)
    }

    /// Windows that are over; those of streams that are gone are over with them.
    pub(super) fn gather_windows(&mut self, now: i64, gone: &[bool]) {
        let Self { analyzer, codecs, assumptions, ledger, windows, .. } = self;
        let (seen, _) = analyzer.seen_mut();
        let (calls, streams) = (&seen.calls, &mut seen.streams);
        for (place, heard) in streams.heard_mut().iter_mut().enumerate() {
            if gone.get(place) == Some(&true) {
                heard.stream.finish();
            } else {
                heard.stream.advance(now);
            }
            if windows.len() >= MOST {
                continue;
            }
            let (reports, told) = heard.stream.windows_since(heard.told, codecs, assumptions);
            heard.told = told;
            if reports.is_empty() {
                continue;
            }
            let row = WindowRow {
                stream: heard.key.to_string(),
                source: address(heard.key.source),
                destination: address(heard.key.destination),
                codec: heard.stream.codec(),
                call: of_call(heard, calls),
                told: their_word(heard),
                window: WindowReport::default(),
            };
            windows.extend(reports.into_iter().map(|mut window| {
                excuse::mark_window(&mut window, ledger);
                WindowRow { window, ..row.clone() }
            }));
        }
    }
}

/// Late duplicates make an endpoint's loss negative: then it lost nothing.
fn their_word(heard: &Heard) -> Option<(u64, u64)> {
    let lost = heard.far_end.as_ref()?.report()?.told.lost?;
    Some((u64::try_from(lost).unwrap_or(0), heard.stream.counts().expected))
}

fn address(endpoint: Endpoint) -> SocketAddr {
    SocketAddr::new(endpoint.ip(), endpoint.port())
}

fn of_call(heard: &Heard, calls: &Calls) -> Option<OfCall> {
    let attribution = heard.attribution.as_ref()?;
    let dialog = calls.dialogs().get(attribution.leg.dialog as usize)?;
    let leg = calls.leg(attribution.leg)?;
    Some(OfCall {
        call_id: dialog.call_id.clone(),
        called: dialog.to.user.clone(),
        caller: address(leg.caller),
        callee: address(leg.callee),
        direction: Flow::towards(attribution.to),
        ends: dialog.legs.iter().map(|leg| (address(leg.caller), address(leg.callee))).collect(),
    })
}
