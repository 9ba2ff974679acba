//! `GET /probe`: one fresh measurement of a configured target, as Prometheus's `blackbox_exporter`
//! answers. Only what the inventory names is measured: anything else would make us a reflector.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use linesman_probes::observation::Measured;
use linesman_probes::probe::{ProbeKind, ProbeSpec, Round};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;

use crate::inventory::{Inventory, Target};
use crate::locale::Message;
use crate::metrics::blackbox;

use super::HttpState;
use super::api::inventory::address;
use super::api::observations::unknown_target;
use super::api::view::{impediment_words, outcome_name};
use super::error::{Code, Problem};
use super::extract::{Params, Speaks};
use super::limit::PROBES_AT_ONCE;
use super::openapi::{BadRequest, NotFound, TooManyRequests};

/// What to measure.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProbeQuery {
    /// Name of a target (`server-1/icmp`), or of an element together with `module`.
    #[param(max_length = 300)]
    target: String,
    /// Kind of probe: icmp, tcp, http, dns, sip, registration, host.
    #[param(max_length = 20)]
    module: Option<String>,
    /// Tells what was done before the metrics.
    #[serde(default)]
    debug: bool,
}

/// Waits no longer than this when the client does not say.
const USUAL_BUDGET: Duration = Duration::from_secs(9);
/// What is left of the scraper's own time for the way back.
const OFFSET: Duration = Duration::from_millis(500);
const SHORTEST_BUDGET: Duration = Duration::from_millis(100);
/// Below what the router allows for any answer.
const LONGEST_BUDGET: Duration = Duration::from_secs(25);

/// One fresh measurement in the metric names of Prometheus's `blackbox_exporter`.
#[utoipa::path(get, path = "/probe", operation_id = "probe", tag = "operation",
    params(ProbeQuery,
        ("X-Prometheus-Scrape-Timeout-Seconds" = Option<String>, Header,
            description = "The scraper's timeout; we answer half a second before it.")),
    responses(
        (status = 200, description = "Prometheus text format.", body = String, content_type = "text/plain"),
        BadRequest, NotFound, TooManyRequests))]
pub async fn probe(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    headers: HeaderMap,
    Params(query): Params<ProbeQuery>,
) -> Result<Response, Problem> {
    let settings = state.settings.borrow().clone();
    let target = look_up(&settings.inventory, &query.target, query.module.as_deref())?;
    let _place = state.limits.probes.try_acquire().map_err(|_| {
        let problem = Problem::say(Code::TooManyRequests, "too_many_probes").with("most", PROBES_AT_ONCE);
        problem.retry_after(1)
    })?;

    let budget = budget(&headers);
    let round = round_within(target, budget);
    let probe = state.probes.make(&target.spec).map_err(|error| unmeasured(target, error))?;
    let begun = Instant::now();
    let measured = tokio::time::timeout(budget, probe.measure(round)).await.map_err(|_| {
        // The probe broke its contract; that says nothing of the target.
        let reason = Message::new("api.probe_overran").with("seconds", budget.as_secs_f64());
        unmeasured(target, reason.render(language))
    })?;
    let took = begun.elapsed();

    let Some(metrics) = blackbox::render(&target.spec, &measured, took) else {
        let words = |impediment| impediment_words(&impediment).render(language);
        let reason = measured.impediment.map_or_else(String::new, words);
        return Err(unmeasured(target, reason));
    };
    let text = if query.debug {
        format!("{}\nMetrics that would have been returned:\n{metrics}", log(target, round, &measured, took))
    } else {
        metrics
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn unmeasured(target: &Target, reason: impl std::fmt::Display) -> Problem {
    Problem::say(Code::Unmeasured, "unmeasured").with("target", &target.name).with("reason", reason)
}

fn look_up<'a>(inventory: &'a Inventory, name: &str, module: Option<&str>) -> Result<&'a Target, Problem> {
    let kind = module.map(ProbeKind::parse);
    let fits = |target: &&Target| kind.is_none_or(|kind| kind == Some(target.spec.kind()));
    let by_name = inventory.targets().iter().find(|target| target.name == name);
    let of_element = || inventory.find(name).map(|element| inventory.targets_of(element).collect::<Vec<_>>());
    let candidates = match by_name {
        Some(target) => vec![target],
        None => of_element().ok_or_else(|| unknown_target(name))?,
    };
    candidates.into_iter().find(fits).ok_or_else(|| {
        let module: String = module.unwrap_or_default().chars().take(40).collect();
        Problem::say(Code::NotFound, "no_module").with("target", name).with("module", module)
    })
}

fn budget(headers: &HeaderMap) -> Duration {
    let stated = headers
        .get("x-prometheus-scrape-timeout-seconds")
        .and_then(|value| value.to_str().ok()?.parse::<f64>().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let budget = stated.map_or(USUAL_BUDGET, |stated| stated.saturating_sub(OFFSET));
    budget.clamp(SHORTEST_BUDGET, LONGEST_BUDGET)
}

/// The target's own round, hurried so that it ends in time: requests a fifth of a second apart, all
/// within half of the budget.
fn round_within(target: &Target, budget: Duration) -> Round {
    const APART: Duration = Duration::from_millis(200);
    // Scheduling and the answer itself take time too.
    let usable = budget.mul_f64(0.9);
    let spread = if target.count > 1 { (APART * target.count).min(usable / 2) } else { Duration::ZERO };
    Round { count: target.count, spread, timeout: target.timeout.min(usable - spread) }
}

fn log(target: &Target, round: Round, measured: &Measured, took: Duration) -> String {
    let ProbeSpecInWords { kind, address } = words(&target.spec);
    format!(
        "Logs for the probe:\n\
         target={} kind={kind} address={address}\n\
         count={} spread_s={} timeout_s={}\n\
         outcome={} sent={} received={} duplicates={} took_s={}\n\
         detail={:?}\n",
        target.name,
        round.count,
        round.spread.as_secs_f64(),
        round.timeout.as_secs_f64(),
        outcome_name(measured.outcome),
        measured.burst.sent,
        measured.burst.received,
        measured.burst.duplicates,
        took.as_secs_f64(),
        measured.detail,
    )
}

struct ProbeSpecInWords {
    kind: &'static str,
    address: String,
}

fn words(spec: &ProbeSpec) -> ProbeSpecInWords {
    ProbeSpecInWords { kind: spec.kind().name(), address: address(spec) }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::inventory::ElementIndex;

    fn target(count: u32) -> Target {
        Target {
            name: "server-1/icmp".to_owned(),
            element: ElementIndex(0),
            spec: ProbeSpec::Icmp { address: [127, 0, 0, 1].into(), payload: 56 },
            interval: Duration::from_secs(5),
            count,
            timeout: Duration::from_secs(2),
        }
    }

    #[test]
    fn a_round_ends_before_the_scraper_gives_up() {
        for seconds in ["0.2", "1", "5", "10", "600", "-1", "NaN", "inf", "x"] {
            let mut headers = HeaderMap::new();
            headers.insert("x-prometheus-scrape-timeout-seconds", HeaderValue::from_static(seconds));
            let budget = budget(&headers);
            for count in [0, 1, 5, 1_000_000] {
                let round = round_within(&target(count), budget);
                assert!(round.spread + round.timeout < budget, "{seconds} s, {count}: {round:?}");
                assert!(!round.timeout.is_zero());
            }
        }
        let ten = HeaderMap::from_iter([(
            header::HeaderName::from_static("x-prometheus-scrape-timeout-seconds"),
            HeaderValue::from_static("10"),
        )]);
        assert_eq!(budget(&ten), Duration::from_millis(9500));
    }
}
