//! `/api/v1/tickets/{ticket}/routes`: lines that are stopped, diverted and restored (R63), one verb each; and
//! `/api/v1/routes`, which of them stand where over all tickets. The guards are those of the ticket engine: a second
//! person agrees, and only what a dry run has shown is sent.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Flaw, Problem};
use crate::http::extract::{Body, Named, Params, Speaks};
use crate::http::openapi::{BadRequest, Changes, Invalid, NotFound, TakesBody};
use crate::locale::Message;
use crate::notify::route::request;
use crate::ticket::route::{RouteAction, RouteState, RouteStep, RouteWhat};
use crate::ticket::{Deed, Event, Refusal, Ticket};

use super::ticket_changes::{Change, ChangeParams, Changed, check, text_flaws};
use super::tickets::{find_for, show};

/// Rows of a list.
const MOST_ROWS: u32 = 500;

/// An action that somebody asks for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoute {
    /// `stop`, `divert` or `restore`.
    pub what: RouteWhat,
    /// The line, by its name in the inventory or the carrier's.
    #[schema(min_length = 1, max_length = 200)]
    pub line: String,
    /// The line that takes over, when customers are moved.
    #[serde(default)]
    pub to: Option<String>,
    /// Why.
    #[schema(min_length = 1, max_length = 10000)]
    pub reason: String,
    /// Calls that it concerns, if they were counted.
    #[serde(default)]
    pub calls: Option<u32>,
    /// Customers that it concerns; those of the ticket's fault unless stated.
    #[serde(default)]
    pub customers: Option<u32>,
    /// The `[[route_hook]]` that does it; by hand unless stated.
    #[serde(default)]
    pub hook: Option<String>,
    /// Number of the action that it takes back.
    #[serde(default)]
    pub restores: Option<u32>,
    /// Which tests show that the line may return; needed to restore.
    #[serde(default)]
    pub proof: Option<String>,
}

/// Why not.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteRefusal {
    /// Why.
    #[schema(min_length = 1, max_length = 10000)]
    pub reason: String,
}

/// That somebody did it, or saw that it is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteDone {
    /// How, or what was seen.
    #[schema(min_length = 1, max_length = 10000)]
    pub how: String,
}

/// Nothing more to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoWords {}

/// The actions of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteList {
    /// Oldest first.
    routes: Vec<RouteAction>,
    /// Hooks that the settings name.
    hooks: Vec<String>,
}

/// An action in the list over all tickets.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteLine {
    /// Number of its ticket.
    ticket: String,
    /// Its number within the ticket.
    number: i64,
    /// The line.
    line: String,
    /// What is done to it.
    what: String,
    /// Where it stands.
    state: String,
    /// When it was asked for.
    asked_at: chrono::DateTime<chrono::Utc>,
}

/// Actions over all tickets.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteLines {
    /// The newest first; 500 at most.
    routes: Vec<RouteLine>,
}

/// Which.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RouteQuery {
    /// `done` unless stated: lines that are stopped or diverted now.
    #[param(max_length = 20)]
    state: Option<String>,
}

/// What the path of an action names.
struct RouteParams;

impl IntoParams for RouteParams {
    fn into_params(
        from: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let number = ParameterBuilder::new()
            .name("route")
            .parameter_in(ParameterIn::Path)
            .required(utoipa::openapi::Required::True)
            .description(Some("Number of the action within the ticket."))
            .schema(Some(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build()))
            .build();
        let mut all = ChangeParams::into_params(from);
        all.push(number);
        all
    }
}

/// Lines of a ticket that are stopped, diverted, restored, or asked to be.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/routes", operation_id = "listTicketRoutes", tag = "routes",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "The actions.", body = RouteList), BadRequest, NotFound))]
pub async fn list(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<RouteList>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    Ok(Json(RouteList { routes: ticket.process.routes, hooks: hooks(&state) }))
}

/// Names of the hooks in force.
#[must_use]
pub fn hooks(state: &HttpState) -> Vec<String> {
    state.settings.borrow().route_hooks.iter().map(|hook| hook.name.clone()).collect()
}

/// Lines over all tickets by where their action stands: those that are stopped or diverted now unless stated.
#[utoipa::path(get, path = "/api/v1/routes", operation_id = "listRoutes", tag = "routes", params(RouteQuery),
    responses((status = 200, description = "The actions.", body = RouteLines), BadRequest, Invalid))]
pub async fn all(
    State(state): State<HttpState>,
    Params(query): Params<RouteQuery>,
) -> Result<Json<RouteLines>, Problem> {
    let wanted = query.state.as_deref().unwrap_or(RouteState::Done.name());
    if RouteState::parse(wanted).is_none() {
        return Err(Problem::invalid(vec![Flaw::at("/state", "route_state")]));
    }
    let rows = state.store.routes_in(wanted, MOST_ROWS).await?;
    let line = |row: crate::store::routes::RouteRow| RouteLine {
        ticket: row.ticket.to_string(),
        number: row.number,
        line: row.line,
        what: row.action,
        state: row.state,
        asked_at: row.asked_at,
    };
    Ok(Json(RouteLines { routes: rows.into_iter().map(line).collect() }))
}

/// The deed of asking, with what is known already; for API and pages alike.
///
/// # Errors
/// When the settings have no such hook, or it cannot do this.
pub fn asking(state: &HttpState, ticket: &Ticket, wanted: NewRoute) -> Result<Deed, Refusal> {
    let some = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let hook = some(wanted.hook);
    if let Some(hook) = hook.as_ref().filter(|hook| !hooks(state).contains(hook)) {
        let unmet = Message::new("guard.route_no_such_hook").with("hook", hook).with("rule", "R63");
        return Err(Refusal { event: "route_asked", unmet: vec![unmet] });
    }
    let counted = ticket.fault.as_ref().map(|fault| fault.affected_customers.len());
    let counted = counted.filter(|count| *count > 0).and_then(|count| u32::try_from(count).ok());
    let next = ticket.process.routes.len() + 1;
    let line = wanted.line.trim().to_owned();
    // What stands as stopped on this line is what a restore takes back.
    let in_effect = ticket.process.routes.iter().rev().find(|known| {
        known.state == RouteState::Done && known.what != RouteWhat::Restore && known.line == line
    });
    let restores = match wanted.what {
        RouteWhat::Restore => wanted.restores.or(in_effect.map(|known| known.number)),
        RouteWhat::Stop | RouteWhat::Divert => wanted.restores,
    };
    Ok(Deed::Routed {
        number: u32::try_from(next).unwrap_or(u32::MAX),
        step: RouteStep::Asked {
            what: wanted.what,
            line,
            to: some(wanted.to),
            reason: wanted.reason.trim().to_owned(),
            calls: wanted.calls,
            customers: wanted.customers.or(counted),
            hook,
            restores,
            proof: some(wanted.proof),
        },
    })
}

/// The step of a dry run, or of sending what it showed; for API and pages alike.
///
/// # Errors
/// When there is no such action, or the settings cannot do it.
pub fn by_hook(state: &HttpState, ticket: &Ticket, number: u32, send: bool) -> Result<RouteStep, Refusal> {
    let event = if send { "route_ordered" } else { "route_rehearsed" };
    let refuse = |unmet: Message| Refusal { event, unmet: vec![unmet.with("rule", "R63")] };
    let action = ticket.process.routes.iter().find(|action| action.number == number);
    let action = action.ok_or_else(|| refuse(Message::new("guard.no_such_route")))?;
    if action.hook.is_none() {
        return Err(refuse(Message::new("guard.route_has_no_hook")));
    }
    let settings = state.settings.borrow().clone();
    let known = request(&settings, ticket, action).map_err(refuse)?;
    let sha256 = known.sha256();
    Ok(if send {
        RouteStep::Ordered { sha256 }
    } else {
        RouteStep::Rehearsed { request: known.shown(), sha256 }
    })
}

fn refused(refusal: Refusal) -> Problem {
    crate::store::WriteError::Refused(refusal).into()
}

/// Asks for a line to be stopped, its customers to be moved, or it to be restored (R63).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/routes", operation_id = "askForRoute", tag = "routes",
    request_body = NewRoute, params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn ask(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<NewRoute>,
) -> Result<Response, Problem> {
    check([
        text_flaws("/line", &body.line),
        text_flaws("/reason", &body.reason),
        body.to.as_deref().and_then(|text| text_flaws("/to", text)),
        body.proof.as_deref().and_then(|text| text_flaws("/proof", text)),
    ])?;
    let ticket = find_for(&state, &caller, &name).await?;
    let deed = asking(&state, &ticket, body).map_err(refused)?;
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::from(deed)).await?;
    Ok(show(&state, ticket, language))
}

/// A verb: its body, and the step that it means.
macro_rules! verbs {
    ($($(#[doc = $doc:literal])+ $name:ident $path:literal $operation:literal $body:ty => $step:expr;)+) => {$(
        $(#[doc = $doc])+
        #[utoipa::path(post, path = $path, operation_id = $operation, tag = "routes", request_body = $body,
            params(RouteParams), responses(Changed<200>, Changes, TakesBody))]
        pub async fn $name(
            State(state): State<HttpState>,
            Speaks(language): Speaks,
            caller: Caller,
            Path((name, number)): Path<(String, u32)>,
            headers: HeaderMap,
            Body(body): Body<$body>,
        ) -> Result<Response, Problem> {
            let ticket = find_for(&state, &caller, &name).await?;
            let meaning: fn(&HttpState, &Ticket, u32, $body) -> Result<RouteStep, Refusal> = $step;
            let step = meaning(&state, &ticket, number, body).map_err(refused)?;
            let change = Change { state: &state, caller, name: &name, headers: &headers };
            let ticket = change.make(Event::from(Deed::Routed { number, step })).await?;
            Ok(show(&state, ticket, language))
        }
    )+};
}

verbs! {
    /// Agrees, as a second person and technical manager (R2, R63).
    approve "/api/v1/tickets/{ticket}/routes/{route}/approve" "approveRoute" NoWords
        => |_, _, _, _| Ok(RouteStep::Approved);
    /// Does not agree, or withdraws what the caller asked for.
    refuse "/api/v1/tickets/{ticket}/routes/{route}/refuse" "refuseRoute" RouteRefusal
        => |_, _, _, body| Ok(RouteStep::Refused { reason: body.reason });
    /// A dry run: keeps the request that would be sent, secrets masked, and sends nothing.
    rehearse "/api/v1/tickets/{ticket}/routes/{route}/rehearse" "rehearseRoute" NoWords
        => |state, ticket, number, _| by_hook(state, ticket, number, false);
    /// Has it sent as the dry run showed; the answer is kept on the ticket.
    send "/api/v1/tickets/{ticket}/routes/{route}/send" "sendRoute" NoWords
        => |state, ticket, number, _| by_hook(state, ticket, number, true);
    /// Says that somebody did it, or saw that it is done.
    done "/api/v1/tickets/{ticket}/routes/{route}/done" "finishRoute" RouteDone
        => |_, _, _, body| Ok(RouteStep::DoneByHand { how: body.how });
}
