//! Monthly statistics: frozen months, months as they stand, the report as page and workbook.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named, Params, Speaks};
use crate::http::openapi::{BadRequest, Conflict, Invalid, NotFound, TakesBody};
use crate::statistics::duty::{self, Duty, DutyState};
use crate::statistics::{self, Content, Difference, Frozen, Month, Shown, tables};
use crate::ticket::apply::LONGEST_NOTE;

/// A frozen month.
#[derive(Debug, Serialize, ToSchema)]
pub struct FrozenMonthView {
    /// As `2026-10`.
    month: String,
    /// When it was frozen.
    frozen_at: DateTime<Utc>,
    /// By whom.
    frozen_by: String,
    /// By which versions of the rules it was counted.
    rule_version: String,
    /// SHA-256 of its content.
    sha256: String,
}

/// Frozen months.
#[derive(Debug, Serialize, ToSchema)]
pub struct MonthList {
    /// The newest first.
    months: Vec<FrozenMonthView>,
}

/// How a month was frozen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mark {
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: String,
    /// SHA-256 of the content.
    sha256: String,
}

/// The report of a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct MonthlyReport {
    /// How it was frozen; `null` of figures that are counted now.
    frozen: Option<Mark>,
    /// Figures that are other now than frozen; `null` unless it was counted again.
    #[schema(value_type = Option<Vec<Object>>)]
    differences: Option<Vec<Difference>>,
    /// What the month asks of people, once it is over (R81).
    duties: Vec<DutyState>,
    /// Suggestions in the language asked for (R118).
    suggestions: Vec<String>,
    /// The report.
    #[schema(value_type = Object)]
    content: Content,
}

/// How the report is handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A document for programs.
    #[default]
    Json,
    /// A workbook.
    Xlsx,
    /// A page to print.
    Html,
}

/// What is asked of a report.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// `json` unless stated, `xlsx` or `html`.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// Count the tickets as they stand now, and say what differs from the frozen figures.
    #[serde(default)]
    recompute: bool,
}

/// The month of a path; refused with the form that a month has.
fn month_of(name: &str) -> Result<Month, Problem> {
    name.parse().map_err(|_| Problem::invalid(vec![Flaw::at("/month", "month_form")]))
}

/// Months whose figures are frozen.
#[utoipa::path(get, path = "/api/v1/reports/monthly", operation_id = "listMonthlyReports", tag = "reports",
    responses((status = 200, description = "Frozen months.", body = MonthList), BadRequest))]
pub async fn list(State(state): State<HttpState>) -> Result<Json<MonthList>, Problem> {
    let view = |known: crate::store::FrozenMonth| FrozenMonthView {
        month: known.month,
        frozen_at: known.frozen_at,
        frozen_by: known.frozen_by,
        rule_version: known.rule_version,
        sha256: known.sha256,
    };
    let months = state.store.frozen_months().await?;
    Ok(Json(MonthList { months: months.into_iter().map(view).collect() }))
}

/// The statistics of a month: as they were frozen, else as the tickets stand (R83 to R85, R115 to R119).
#[utoipa::path(get, path = "/api/v1/reports/monthly/{month}", operation_id = "getMonthlyReport", tag = "reports",
    params(("month" = String, Path, description = "As `2026-10`.", max_length = 7), ReportQuery),
    responses((status = 200, description = "The report.", content((MonthlyReport = "application/json"),
            (String = "text/html"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        BadRequest, Invalid))]
pub async fn one(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    Named(name): Named,
    Params(query): Params<ReportQuery>,
) -> Result<Response, Problem> {
    let month = month_of(&name)?;
    let now = state.clock.now_utc();
    let frozen = state.store.frozen_month(month).await?;
    let (content, frozen, differences) = match frozen {
        Some(frozen) if !query.recompute => (frozen.content.clone(), Some(frozen), None),
        frozen => {
            let content = state.store.count_month(month, now).await?;
            let differences = frozen.as_ref().map(|frozen| content.differences(&frozen.content));
            (content, None, differences)
        }
    };
    let duties = duty::duties(month, &state.store.done_duties(month).await?, now);
    let shown = Shown {
        content: &content,
        frozen: frozen.as_ref(),
        differences: differences.as_deref(),
        duties: &duties,
        at: now,
    };
    let tongue = (header::CONTENT_LANGUAGE, language.tag().to_owned());
    let kind = |kind: &str| (header::CONTENT_TYPE, kind.to_owned());
    let saved = |ending: &str| {
        let name = format!("attachment; filename=\"linesman-{month}.{ending}\"");
        (header::CONTENT_DISPOSITION, name)
    };
    match query.format {
        Format::Html => {
            let page = statistics::html::page(&tables(&shown, language));
            let style = (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'".to_owned(),
            );
            Ok(([tongue, kind("text/html; charset=utf-8"), style], page).into_response())
        }
        Format::Xlsx => {
            let book = statistics::xlsx::workbook(&tables(&shown, language), month).map_err(|error| {
                tracing::error!(%error, %month, "the workbook of a month cannot be written");
                Problem::internal()
            })?;
            let kind = kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
            Ok(([tongue, kind, saved("xlsx")], book).into_response())
        }
        Format::Json => {
            let mark = frozen.map(|frozen| Mark { at: frozen.at, by: frozen.by, sha256: frozen.sha256 });
            let suggestions = content.suggestions.iter().map(|message| message.render(language)).collect();
            let report = MonthlyReport { frozen: mark, differences, duties, suggestions, content };
            Ok(([tongue], Json(report)).into_response())
        }
    }
}

/// Freezes the figures of a month that is over; the daemon does so by itself on the first of the next.
#[utoipa::path(post, path = "/api/v1/reports/monthly/{month}/freeze", operation_id = "freezeMonthlyReport",
    tag = "reports", params(("month" = String, Path, description = "As `2026-10`.", max_length = 7)),
    responses((status = 201, description = "Frozen.", body = FrozenMonthView), BadRequest, NotFound, Conflict, Invalid))]
pub async fn freeze(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
) -> Result<Response, Problem> {
    let month = month_of(&name)?;
    let now = state.clock.now_utc();
    if !month.is_over(now) {
        return Err(Problem::invalid(vec![Flaw::at("/month", "month_runs").with("month", month)]));
    }
    let content = state.store.count_month(month, now).await?;
    let frozen = Frozen::of(content, now, &caller.actor.0);
    if !state.store.freeze_month(&frozen).await? {
        return Err(Problem::say(Code::NameTaken, "month_frozen").with("month", month));
    }
    let view = FrozenMonthView {
        month: frozen.content.month,
        frozen_at: frozen.at,
        frozen_by: frozen.by,
        rule_version: frozen.content.rule_version,
        sha256: frozen.sha256,
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// That somebody did what a month asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyDone {
    /// `summary` or `plan`.
    duty: Duty,
    /// Where it is, who was there.
    #[serde(default)]
    #[schema(max_length = 10000)]
    note: String,
}

/// What a month asks of people.
#[derive(Debug, Serialize, ToSchema)]
pub struct DutyList {
    /// As `2026-10`.
    month: String,
    /// Its summary and its improvement plan.
    duties: Vec<DutyState>,
}

/// Says that the summary or the improvement plan of a month is done (R81); once, by whoever is asked.
#[utoipa::path(post, path = "/api/v1/reports/monthly/{month}/done", operation_id = "doMonthlyDuty", tag = "reports",
    request_body = DutyDone, params(("month" = String, Path, description = "As `2026-10`.", max_length = 7)),
    responses((status = 201, description = "Noted.", body = DutyList), NotFound, Conflict, TakesBody))]
pub async fn done(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
    Body(body): Body<DutyDone>,
) -> Result<Response, Problem> {
    let month = month_of(&name)?;
    let now = state.clock.now_utc();
    if !month.is_over(now) {
        return Err(Problem::invalid(vec![Flaw::at("/month", "month_runs").with("month", month)]));
    }
    if body.note.chars().count() > LONGEST_NOTE {
        return Err(Problem::invalid(vec![Flaw::at("/note", "text_length").with("most", LONGEST_NOTE)]));
    }
    if !state.store.duty_done(month, body.duty, &caller.actor, &body.note, now).await? {
        let problem = Problem::say(Code::NameTaken, "duty_done_before");
        return Err(problem.with("month", month).with("duty", body.duty.name()));
    }
    let duties = duty::duties(month, &state.store.done_duties(month).await?, now);
    Ok((StatusCode::CREATED, Json(DutyList { month: month.to_string(), duties })).into_response())
}
