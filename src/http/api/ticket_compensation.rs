//! `/api/v1/tickets/{ticket}/compensation`: what the standard gives for a claim, and the grant with its rule, its
//! version, its computation and its approver (R87, R94, R101, R113).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use linesman_process::compensation::{Claim, Computation, Exclusion, Grant};
use linesman_process::{Language as Spoken, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Flaw, Problem};
use crate::http::extract::{Body, Named, Speaks};
use crate::http::openapi::{BadRequest, Changes, Conflict, NotFound, TakesBody};
use crate::ticket::guard::grant::sentences;
use crate::ticket::{Deed, Event, Refusal};

use super::ticket_changes::{Change, ChangeParams, Changed};
use super::tickets::{find_for, show};

/// A claim.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// Which rule it rests on and what is known of it, as `{"claim": "promise_missed", "minutes_late": 90,
    /// "our_own": true}`.
    #[schema(value_type = Object)]
    claim: Claim,
    /// Causes that exclude it: `customer_device`, `third_party_damage`, `force_majeure`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    causes: Vec<Exclusion>,
    /// What is granted, when it is to be granted now; at most what is computed.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    granted: Option<Money>,
}

/// What the standard gives.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComputedView {
    /// The rule.
    rule: String,
    /// Version of the standard.
    version: u32,
    /// How much.
    amount: String,
    /// In this currency.
    currency: String,
    /// What kind of solution it is (R94).
    remedy: String,
    /// How it was computed.
    how: String,
    /// Who may grant it, by the name of the lowest role.
    approver: Option<String>,
}

fn refused(unmet: Vec<crate::locale::Message>) -> Problem {
    crate::store::WriteError::Refused(Refusal { event: "compensation_granted", unmet }).into()
}

fn computed(claim: &Claim, causes: &[Exclusion]) -> Result<Computation, Problem> {
    let standard = crate::procedure::compensation().ok_or_else(Problem::internal)?;
    standard.compute(claim, causes).map_err(|unmet| refused(sentences(&unmet)))
}

/// What the standard gives for a claim; nothing is granted.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/compensation/compute", operation_id = "computeCompensation",
    tag = "forms", request_body = NewClaim,
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "What it gives.", body = ComputedView), BadRequest, NotFound, Conflict, TakesBody))]
pub async fn compute(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    Body(body): Body<NewClaim>,
) -> Result<Response, Problem> {
    find_for(&state, &caller, &name).await?;
    let computation = computed(&body.claim, &body.causes)?;
    let approver =
        crate::procedure::compensation().and_then(|standard| standard.approver_for(computation.amount));
    let view = ComputedView {
        rule: computation.rule,
        version: computation.version,
        amount: computation.amount.to_string(),
        currency: computation.currency,
        remedy: computation.remedy.name().to_owned(),
        how: computation.how.get(language.into()).to_owned(),
        approver: approver.map(|role| role.word(Spoken::from(language)).to_owned()),
    };
    Ok(Json(view).into_response())
}

/// Grants a compensation, as far as the caller's limit goes (R113).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/compensation", operation_id = "grantCompensation", tag = "forms",
    request_body = NewClaim,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn grant(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<NewClaim>,
) -> Result<Response, Problem> {
    let Some(granted) = body.granted else {
        return Err(Problem::invalid(vec![Flaw::at("/granted", "text_length").with("most", 20)]));
    };
    let computation = computed(&body.claim, &body.causes)?;
    let standard = crate::procedure::compensation().ok_or_else(Problem::internal)?;
    let parts = state.store.parts_of_actor(&caller.actor).await?;
    let known = standard.grant(&computation, granted, &caller.actor.0, &parts);
    let grant: Grant = known.map_err(|unmet| refused(sentences(&unmet)))?;
    let deed = Deed::CompensationGranted { claim: body.claim, causes: body.causes, grant };
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::from(deed)).await?;
    Ok(show(&state, ticket, language))
}
