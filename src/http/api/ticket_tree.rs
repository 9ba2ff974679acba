//! `/api/v1/tickets/{ticket}/tree`: a ticket's walk through the decision trees, and its next question (R57 to R66).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use linesman_process::tree::{Place, Standing};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Flaw, Problem};
use crate::http::extract::{Body, Named, Speaks};
use crate::http::openapi::{BadRequest, Changes, Conflict, NotFound, TakesBody};
use crate::http::walk::{self, APART, WalkView};
use crate::store::WriteError;
use crate::store::walks::WantedWalk;
use crate::ticket::walk::{self as walks, LONGEST_DETAIL, Wanted};
use crate::ticket::{Ticket, TicketText};

use super::ticket_changes::{ChangeParams, Changed, check, if_match, text_flaws};
use super::ticket_process::salted;
use super::tickets::{entity_tag, find_for, show};

/// Most details that an answer may carry.
const MOST_DETAILS: usize = 20;

/// The walk of a ticket: the path with who or what answered, and the next question.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/tree", operation_id = "getTicketTree", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses(
        (status = 200, description = "The walk; `null` where the kind of ticket walks no tree.", body = Option<WalkView>,
            headers(("ETag" = String, description = "The ticket's version, for If-Match."))),
        BadRequest, NotFound, Conflict))]
pub async fn tree(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
) -> Result<Response, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let view = match walk::view(&state, &ticket, &caller.actor, language).await? {
        Ok(view) => view,
        Err(why) => return Err(refused(why)),
    };
    let tags =
        [(header::ETAG, entity_tag(ticket.version)), (header::CONTENT_LANGUAGE, language.tag().to_owned())];
    Ok((tags, Json(view)).into_response())
}

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeAnswer {
    /// The question that is answered, as `B6b`; refused when another is asked now.
    #[schema(min_length = 1, max_length = 64)]
    pub node: String,
    /// The answer's name; `done` for an action.
    #[schema(min_length = 1, max_length = 64)]
    pub answer: String,
    /// What the question asks beside it, by name.
    #[serde(default)]
    pub details: BTreeMap<String, String>,
    /// What was seen, by reference.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub evidence: Option<String>,
}

/// Answers the question that is asked now; what measurements say before and after it is recorded with it.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/tree", operation_id = "answerTicketTree", tag = "tickets",
    request_body = TreeAnswer,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn answer(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<TreeAnswer>,
) -> Result<Response, Problem> {
    let TreeAnswer { node, answer, details, evidence } = body;
    check(flaws(&details, evidence.as_deref()))?;
    let moved =
        move_on(&state, &caller, &name, &headers, |_| Ok(Wanted::Answer { node, answer, details, evidence }));
    Ok(show(&state, moved.await?, language))
}

/// Another tree.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeStart {
    /// Which; the ticket's own unless stated.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub tree: Option<String>,
    /// Why, when the walk before has not come to its end.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub reason: String,
}

/// Begins a tree; of one that has not ended only with a reason.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/tree/begin", operation_id = "beginTicketTree", tag = "tickets",
    request_body = TreeStart,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn begin(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<TreeStart>,
) -> Result<Response, Problem> {
    let TreeStart { tree, reason } = body;
    let moved = move_on(&state, &caller, &name, &headers, |_| Ok(Wanted::Begin { tree, reason }));
    Ok(show(&state, moved.await?, language))
}

/// That a question was answered wrongly.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeCorrection {
    /// The question to go back to.
    #[schema(min_length = 1, max_length = 64)]
    pub node: String,
    /// Its tree; where it was answered last unless stated.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub tree: Option<String>,
    /// Why.
    #[schema(min_length = 1, max_length = 4000)]
    pub reason: String,
}

/// Goes back to a question that was answered wrongly; what was answered stays in the path.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/tree/back", operation_id = "correctTicketTree", tag = "tickets",
    request_body = TreeCorrection,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn back(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<TreeCorrection>,
) -> Result<Response, Problem> {
    check([text_flaws("/reason", &body.reason)])?;
    let moved = move_on(&state, &caller, &name, &headers, |ticket| Ok(correction(ticket, body)));
    Ok(show(&state, moved.await?, language))
}

/// The correction that is meant: without a tree, the place where the question was answered last.
#[must_use]
pub fn correction(ticket: &Ticket, body: TreeCorrection) -> Wanted {
    let TreeCorrection { node, tree, reason } = body;
    let steps = ticket.process.walks.last().map(linesman_process::tree::Run::path).unwrap_or_default();
    let known = steps.iter().rev().find(|step| step.place.node == node).map(|step| step.place.tree.clone());
    let tree = tree.or(known).unwrap_or_default();
    Wanted::Correct { to: Place { tree, node }, reason }
}

fn flaws(details: &BTreeMap<String, String>, evidence: Option<&str>) -> Vec<Option<Flaw>> {
    let long = |pointer: String, text: &str| {
        (text.chars().count() > LONGEST_DETAIL)
            .then(|| Flaw::at(&pointer, "text_length").with("most", LONGEST_DETAIL))
    };
    let mut flaws: Vec<Option<Flaw>> =
        details.iter().map(|(id, told)| long(format!("/details/{id}"), told)).collect();
    flaws.push(evidence.and_then(|evidence| long("/evidence".to_owned(), evidence)));
    let too_many = details.len() > MOST_DETAILS;
    flaws.push(too_many.then(|| Flaw::at("/details", "text_length").with("most", MOST_DETAILS)));
    flaws
}

fn refused(why: crate::locale::Message) -> Problem {
    WriteError::Refused(crate::ticket::Refusal { event: "walked", unmet: vec![why] }).into()
}

async fn move_on(
    state: &HttpState,
    caller: &Caller,
    name: &str,
    headers: &HeaderMap,
    meant: impl FnOnce(&Ticket) -> Result<Wanted, Problem>,
) -> Result<Ticket, Problem> {
    let expected = if_match(headers)?;
    let ticket = find_for(state, caller, name).await?;
    let wanted = wanted(state, &ticket, meant(&ticket)?).await?;
    let seen = expected.map_or_else(|| "*".to_owned(), |version| version.to_string());
    match state.writer.walk(&ticket.id, expected, wanted, caller.actor.clone()).await {
        Ok(ticket) => Ok(ticket),
        Err(WriteError::Conflict(newer)) => Err(Problem::changed(seen, newer)),
        Err(error) => Err(error.into()),
    }
}

/// What is asked of the writer: with what measurements say, and with words that may tell of a person kept apart.
///
/// # Errors
/// When the database does not answer, or the system gives no chance.
pub async fn wanted(state: &HttpState, ticket: &Ticket, mut wanted: Wanted) -> Result<WantedWalk, Problem> {
    let above = walk::above(state, ticket).await?;
    let evidence = walk::evidence(state, ticket, above.as_ref());
    let mut texts = Vec::new();
    if let Wanted::Answer { node, details, .. } = &mut wanted
        && let Some(trees) = state.store.trees()
        && let Ok(Some(preview)) = walks::preview(ticket, &trees, &evidence, state.clock.now_utc())
        && let Ok(Standing::Asks(_, asked)) = preview.run.standing(&trees)
        && asked.id == *node
    {
        for personal in asked.ask.iter().filter(|asked| asked.personal) {
            if let Some(told) = details.get_mut(&personal.id).filter(|told| !told.trim().is_empty()) {
                let words = salted(TicketText::of(told))?;
                *told = format!("{APART}{}", words.sha256());
                texts.push(words);
            }
        }
    }
    Ok(WantedWalk { wanted, evidence, texts })
}
