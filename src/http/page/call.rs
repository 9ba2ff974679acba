//! `GET /calls/{call}`: a call that was listened to, as an exemplar in Grafana or a ticket leads to it: whose it is, what
//! was found, which part of the way spoiled it, its streams by ten seconds. Who sees its numbers is the API's decision.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;

use crate::http::HttpState;
use crate::http::api::calls::{CallDetail, find_for};
use crate::http::auth::Caller;
use crate::http::error::Code;
use crate::locale::Message;
use crate::voice::call::{KeptFinding, KeptStream, KeptWindow};
use crate::voice::passage::KeptPassage;
use crate::voice::told::EndpointWord;

use super::asker::{Tongue, Viewer};
use super::shell::{Shell, not_found};
use super::words::{Moment, millis, percent, span};

/// What is not known or not said.
const NOTHING: &str = "–";

/// The page.
#[derive(Template)]
#[template(path = "call.html")]
pub struct Page {
    shell: Shell,
    from: String,
    to: String,
    is_bad: bool,
    masked: bool,
    state: String,
    /// Word, value, and where its element is shown.
    facts: Vec<(String, String, bool)>,
    began: Moment,
    ended: Moment,
    findings: Vec<KeptFinding>,
    ways: Vec<Way>,
    streams: Vec<StreamView>,
    words: Vec<WordView>,
}

/// One direction of the call through our server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    direction: String,
    upstream: String,
    server: String,
    downstream: String,
    spoiled: Option<String>,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamView {
    direction: String,
    between: String,
    codec: String,
    packets: u64,
    loss: String,
    jitter: String,
    mos: String,
    told: String,
    faults: String,
    windows: Vec<WindowView>,
}

/// Ten seconds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowView {
    at: String,
    loss: String,
    late: String,
    jitter: String,
    mos: String,
    faults: String,
}

/// What an endpoint says of a stream that was not seen here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordView {
    reporter: String,
    about: String,
    loss: String,
    jitter: String,
    mos: String,
}

/// `GET /calls/{call}`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    caller: Caller,
    tongue: Tongue,
    Path(id): Path<String>,
) -> Response {
    let detail = match find_for(&state, &caller, &id).await {
        Ok(detail) => detail,
        Err(problem) if problem.code() == Code::NotFound => {
            let shown: String = id.chars().take(64).collect();
            return not_found(&tongue, &viewer, &Message::new("api.no_call").with("call", shown));
        }
        Err(problem) => return problem.into_response(),
    };
    let shell = Shell::new(&tongue, Some(&viewer), detail.call.id.clone(), "").at(state.clock.now_utc());
    let page = page(shell, detail);
    page.shell.respond(StatusCode::OK, &page)
}

/// The page of a call.
#[must_use]
pub fn page(shell: Shell, detail: CallDetail) -> Page {
    let call = detail.call;
    let nobody = || shell.t("page.call_unnamed");
    let mut facts = Vec::new();
    let mut fact = |key: &str, value: Option<String>, is_element: bool| {
        facts.extend(value.map(|value| (shell.t(&format!("page.call_{key}")), value, is_element)));
    };
    let seconds = |seconds: f64| span(shell.language(), TimeDelta::milliseconds((seconds * 1e3) as i64));
    fact("trunk", call.trunk, true);
    fact("gateway", call.gateway, true);
    fact("customer", call.customer, true);
    fact("talk", call.talk_s.map(seconds), false);
    fact("answered_after", detail.answer_ms.map(|ms| seconds(ms / 1e3)), false);
    fact("status", call.status.map(|status| status.to_string()), false);
    fact("call_id", detail.call_id, false);
    Page {
        from: call.from.unwrap_or_else(nobody),
        to: call.to.unwrap_or_else(nobody),
        is_bad: call.bad,
        masked: call.masked,
        state: shell.t(&format!("page.call_state_{}", call.state)),
        facts,
        began: Moment(call.started_at),
        ended: Moment(call.ended_at),
        findings: detail.findings,
        ways: detail.passages.iter().map(|passage| way(&shell, passage)).collect(),
        streams: detail.streams.iter().map(|stream| stream_view(&shell, stream)).collect(),
        words: detail.told.iter().map(word).collect(),
        shell,
    }
}

fn way(shell: &Shell, passage: &KeptPassage) -> Way {
    let part = |name: Option<&str>, loss: Option<f64>, late: Option<f64>| {
        let loss = loss.map_or_else(|| NOTHING.to_owned(), percent);
        let late = late
            .filter(|late| *late > 0.0)
            .map(|late| shell.say(&Message::new("page.call_too_late").with("share", percent(late))));
        [name.map(ToOwned::to_owned), Some(loss), late].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    };
    let spoiled = passage.spoiled_by.as_ref().map(|part| {
        let part = shell.t(&format!("page.call_part_{part}"));
        match &passage.blamed {
            Some(element) => format!("{part}: {element}"),
            None => part,
        }
    });
    Way {
        direction: shell.t(&format!("page.call_{}", passage.direction)),
        upstream: part(passage.from.as_deref(), Some(passage.loss_upstream), passage.late_upstream),
        server: part(None, passage.loss_server, passage.late_server),
        downstream: part(passage.to.as_deref(), passage.loss_downstream, passage.late_downstream),
        spoiled,
    }
}

fn stream_view(shell: &Shell, stream: &KeptStream) -> StreamView {
    let told = stream.told.as_ref().and_then(|told| told.loss_ratio.map(percent));
    StreamView {
        direction: shell.t(&format!("page.call_flow_{}", stream.direction.name())),
        between: format!("{} → {}", stream.source, stream.destination),
        codec: stream.codec.clone().unwrap_or_else(|| NOTHING.to_owned()),
        packets: stream.expected,
        loss: percent(stream.loss_ratio),
        jitter: stream.jitter_ms.map_or_else(|| NOTHING.to_owned(), millis),
        mos: mos(stream.mos, stream.not_scorable.as_deref()),
        told: told.or(stream.told_lost.map(|lost| lost.to_string())).unwrap_or_else(|| NOTHING.to_owned()),
        faults: stream.measurement_faults.join(", "),
        windows: stream.windows.iter().map(window_view).collect(),
    }
}

fn window_view(window: &KeptWindow) -> WindowView {
    let share = |count: u64| {
        if window.expected == 0 { NOTHING.to_owned() } else { percent(count as f64 / window.expected as f64) }
    };
    WindowView {
        at: format!("{:.0} s", window.start_s),
        loss: share(window.lost),
        late: share(window.late),
        jitter: window.jitter_ms.map_or_else(|| NOTHING.to_owned(), millis),
        mos: mos(window.mos, None),
        faults: window.measurement_faults.join(", "),
    }
}

fn word(word: &EndpointWord) -> WordView {
    let EndpointWord { reporter, about, told, .. } = word;
    let loss = told.loss_ratio.map(percent).or(told.lost.map(|lost| lost.to_string()));
    WordView {
        reporter: reporter.clone(),
        about: about.clone(),
        loss: loss.unwrap_or_else(|| NOTHING.to_owned()),
        jitter: told.jitter_ms.map_or_else(|| NOTHING.to_owned(), millis),
        mos: told.mos_lq.or(told.mos_cq).map_or_else(|| NOTHING.to_owned(), |mos| format!("{mos:.2}")),
    }
}

/// A score is an interval of what is not known; none has its reason.
fn mos(mos: Option<(f64, f64)>, why_not: Option<&str>) -> String {
    match mos {
        Some((low, high)) => format!("{low:.2}–{high:.2}"),
        None => why_not.unwrap_or(NOTHING).to_owned(),
    }
}
