//! What people do to tickets that people registered: one verb each. The guards are those of the ticket engine; here
//! is only who may ask and in what form. Every change names the version that was seen (`If-Match`).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use linesman_deadlines::policy::{Level, Urgency};
use linesman_deadlines::promise::{Renews, Source};
use linesman_process::compensation::Remedy;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::diagnosis::{Cause, Class, Side};
use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Flaw, Problem};
use crate::http::extract::{Body, Named, Params, Speaks};
use crate::http::openapi::{BadRequest, Changes, Invalid, NotFound, TakesBody};
use crate::id::os_random;
use crate::locale::Language;
use crate::store::Role;
use crate::ticket::apply::LONGEST_NOTE;
use crate::ticket::chain::hex;
use crate::ticket::deed::Deed;
use crate::ticket::process::{
    Analysis, ContactPurpose, Direction, Duty, EvidenceSource, Liability, Measure, Method, Rating,
    RecordKind, WorkKind,
};
use crate::ticket::result_notice::{Notice, result_notice as notice_of};
use crate::ticket::{Channel, Event, Ticket, TicketId, TicketText};

use super::ticket_changes::{Change, ChangeParams, Changed, check, text_flaws};
use super::tickets::{find_for, show};

/// Words with chance beside them, so that nobody can guess them from their hash once they are erased.
///
/// # Errors
/// When the operating system gives no chance.
pub(in crate::http) fn salted(mut text: TicketText) -> Result<TicketText, Problem> {
    let chance: [u8; 16] = os_random().map_err(|error| {
        tracing::error!(%error, "no randomness");
        Problem::internal()
    })?;
    text.salt = hex(&chance);
    Ok(text)
}

/// A verb: its body, and the deed that it means.
macro_rules! verbs {
    ($($(#[doc = $doc:literal])+ $name:ident $path:literal $operation:literal
        $body:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* } => $deed:expr;)+) => {$(
        #[doc = concat!("Body of `", $operation, "`.")]
        #[derive(Debug, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $body { $($(#[$meta])* $field: $type,)* }

        $(#[doc = $doc])+
        #[utoipa::path(post, path = $path, operation_id = $operation, tag = "tickets", request_body = $body,
            params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
        pub async fn $name(
            State(state): State<HttpState>,
            Speaks(language): Speaks,
            caller: Caller,
            Named(name): Named,
            headers: HeaderMap,
            Body(body): Body<$body>,
        ) -> Result<Response, Problem> {
            let change = Change { state: &state, caller, name: &name, headers: &headers };
            let meaning: fn($body) -> Deed = $deed;
            let ticket = change.make(Event::from(meaning(body))).await?;
            Ok(show(&state, ticket, language))
        }
    )+};
}

verbs! {
    /// Classifies a ticket, or classifies it anew (R48 to R54, R64). Tags and liability that were said stay where it
    /// says none.
    classify "/api/v1/tickets/{ticket}/classify" "classifyTicket" Classification {
        class: Class,
        #[schema(value_type = String)]
        urgency: Urgency,
        #[serde(default)]
        #[schema(value_type = Option<String>)]
        level: Option<Level>,
        #[serde(default)]
        supervisor: Option<String>,
        #[serde(default)]
        liability: Option<Liability>,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        cause: Option<Cause>,
        #[serde(default)]
        segment: Option<String>,
        #[serde(default)]
        side: Option<Side>,
    } => |body| Deed::Classified {
        class: body.class,
        urgency: body.urgency,
        level: body.level,
        supervisor: body.supervisor,
        // Unless somebody says otherwise, it is ours: customer first (R35).
        liability: body.liability.unwrap_or(Liability::Unclear),
        tags: body.tags,
        cause: body.cause,
        segment: body.segment,
        side: body.side,
    };

    /// Gives a ticket to an owner, with deadline and target, after looking whether he is there (R22, R51).
    assign "/api/v1/tickets/{ticket}/assign" "assignTicket" Assignment {
        owner: String,
        #[serde(default)]
        department: Option<String>,
        deadline: DateTime<Utc>,
        target: String,
        duty: Duty,
    } => |body| Deed::Assigned {
        owner: body.owner,
        department: body.department,
        deadline: body.deadline,
        target: body.target,
        duty: body.duty,
    };

    /// Accepts a ticket: the caller, who is its owner, works on it.
    accept "/api/v1/tickets/{ticket}/accept" "acceptTicket" Acceptance {} => |_| Deed::Accepted;

    /// Waits for the customer's answer (R92).
    ask "/api/v1/tickets/{ticket}/ask" "askCustomer" Question {
        next_contact_at: DateTime<Utc>,
    } => |body| Deed::AskedCustomer { next_contact_at: body.next_contact_at };

    /// Waits for a department by a dispatch order, or for a carrier by a repair report (R40, R42).
    hold "/api/v1/tickets/{ticket}/hold" "holdTicket" Hold {
        kind: WorkKind,
        reference: String,
        with: String,
        eta: DateTime<Utc>,
    } => |body| Deed::HeldExternal {
        kind: body.kind,
        reference: body.reference,
        with: body.with,
        eta: body.eta,
    };

    /// Takes a new time of a department or carrier over; promises that rest on it are renewed (R86).
    eta "/api/v1/tickets/{ticket}/eta" "changeEta" NewEta {
        reference: String,
        eta: DateTime<Utc>,
        reason: String,
    } => |body| Deed::EtaChanged { reference: body.reference, eta: body.eta, reason: body.reason };

    /// Says that work given away is done, and what came of it (R42, R105).
    work_done "/api/v1/tickets/{ticket}/work-done" "finishWork" WorkResult {
        reference: String,
        result: String,
    } => |body| Deed::WorkDone { reference: body.reference, result: body.result };

    /// Waits for announced work (R99).
    hold_planned "/api/v1/tickets/{ticket}/hold-planned" "holdForPlannedWork" PlannedHold {
        window: String,
        until: DateTime<Utc>,
        #[serde(default)]
        announced: bool,
    } => |body| Deed::HeldPlanned { window: body.window, until: body.until, announced: body.announced };

    /// Works on it again: an answer, a result, the end of announced work.
    resume "/api/v1/tickets/{ticket}/resume" "resumeTicket" Resumption {
        reason: String,
    } => |body| Deed::Resumed { reason: body.reason };

    /// Says that it is repaired; proof decides.
    claim "/api/v1/tickets/{ticket}/claim" "claimRepair" Claim {
        what: String,
    } => |body| Deed::RepairClaimed { what: body.what };

    /// Says what a measurement after the repair shows (R61).
    verify "/api/v1/tickets/{ticket}/verify" "verifyRepair" Proof {
        passed: bool,
        evidence: String,
    } => |body| Deed::Verified { passed: body.passed, evidence: body.evidence };

    /// Does without a measurement, for a reason; managers alone.
    waive "/api/v1/tickets/{ticket}/waive" "waiveVerification" Waiver {
        reason: String,
    } => |body| Deed::VerificationWaived { reason: body.reason };

    /// Plans the solution: kinds of it, the matter as customer, staff and company see it, and measures with a time and
    /// somebody responsible each (R93, R94). Each measure is a task of the ticket that `work-done` ends.
    plan "/api/v1/tickets/{ticket}/plan" "planSolution" NewPlan {
        #[schema(value_type = Vec<String>)]
        remedies: Vec<Remedy>,
        analysis: Analysis,
        measures: Vec<Measure>,
    } => |body| Deed::SolutionPlanned {
        remedies: body.remedies,
        analysis: body.analysis,
        measures: body.measures,
    };

    /// Says what serves the customer of a red complaint until it is solved (R110).
    bridge "/api/v1/tickets/{ticket}/bridge" "bridgeTicket" Bridge {
        what: String,
    } => |body| Deed::Bridged { what: body.what };

    /// Resolves a ticket with its root cause and solution (R95, R119).
    solve "/api/v1/tickets/{ticket}/solve" "solveTicket" Solution {
        #[serde(default)]
        root_cause: String,
        solution: String,
    } => |body| Deed::SolutionRecorded { root_cause: body.root_cause, solution: body.solution };

    /// Records that the customer agrees (R77, R103).
    confirm_result "/api/v1/tickets/{ticket}/confirm-result" "confirmResult" ResultConfirmation {
        rating: Rating,
        method: Method,
        /// Where the signature or the recording is kept, when its file is not on the ticket.
        #[serde(default)]
        reference: Option<String>,
        #[serde(default)]
        no_article_because: Option<String>,
    } => |body| Deed::ConfirmationRecorded {
        rating: body.rating,
        method: body.method,
        reference: body.reference,
        no_article_because: body.no_article_because,
    };

    /// Settles a ticket whose customer was not reached on three working days (R77).
    unanswered "/api/v1/tickets/{ticket}/unanswered" "settleUnanswered" Unanswered {
        #[serde(default)]
        no_article_because: Option<String>,
    } => |body| Deed::UnansweredRecorded { no_article_because: body.no_article_because };

    /// Reopens a ticket; a complaint is heard one level higher (R104).
    reopen "/api/v1/tickets/{ticket}/reopen" "reopenTicket" Reopening {
        reason: String,
    } => |body| Deed::ReopenedByPerson { reason: body.reason };

    /// Changes the level of a complaint, and with it who supervises (R54).
    level "/api/v1/tickets/{ticket}/level" "changeLevel" LevelChange {
        #[schema(value_type = String)]
        level: Level,
        reason: String,
        #[serde(default)]
        supervisor: Option<String>,
    } => |body| Deed::LevelChanged { level: body.level, reason: body.reason, supervisor: body.supervisor };

    /// Rejects what is no case of ours (R33, R36).
    reject "/api/v1/tickets/{ticket}/reject" "rejectTicket" Rejection {
        reason: String,
    } => |body| Deed::Rejected { reason: body.reason };

    /// Links a ticket to that of the fault which explains it, or takes the link away.
    link "/api/v1/tickets/{ticket}/link" "linkTicket" Link {
        /// Id of the ticket above; `null` takes the link away.
        parent: Option<TicketId>,
    } => |body| Deed::Linked { parent: body.parent };

    /// Promises the customer a time, or a new one in the place of an earlier (R86).
    promise "/api/v1/tickets/{ticket}/promise" "promiseTime" NewPromise {
        id: String,
        text: String,
        due_at: DateTime<Utc>,
        #[serde(default = "own")]
        #[schema(value_type = String)]
        source: Source,
        #[serde(default)]
        #[schema(value_type = Option<Object>)]
        renews: Option<Renews>,
    } => |body| Deed::Promised {
        id: body.id,
        text: body.text,
        due_at: body.due_at,
        source: body.source,
        renews: body.renews,
    };

    /// Says that a promise was kept, and what proves it.
    keep_promise "/api/v1/tickets/{ticket}/promise-kept" "keepPromise" KeptPromise {
        id: String,
        evidence: String,
    } => |body| Deed::PromiseKept { id: body.id, evidence: body.evidence };
}

const fn own() -> Source {
    Source::Own
}

/// A contact with the customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    direction: Direction,
    channel: Channel,
    purpose: ContactPurpose,
    #[serde(default = "yes")]
    reached: bool,
    #[serde(default)]
    #[schema(maximum = 86400)]
    duration_s: u32,
    #[serde(default)]
    reply_by: Option<DateTime<Utc>>,
    /// What was said; kept apart, and never in an event.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    text: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Words as they are kept, with the hash by which the event names them.
fn kept(text: Option<String>) -> Result<(Option<TicketText>, Option<String>), Problem> {
    check([text.as_deref().and_then(|text| text_flaws("/text", text))])?;
    let words = text.map(|text| salted(TicketText::of(&text))).transpose()?;
    let hash = words.as_ref().map(TicketText::sha256);
    Ok((words, hash))
}

/// Logs a contact with the customer (R31, R37, R92, R95 to R97).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/contact", operation_id = "logContact", tag = "tickets",
    request_body = NewContact,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn contact(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<NewContact>,
) -> Result<Response, Problem> {
    let NewContact { direction, channel, purpose, reached, duration_s, reply_by, text } = body;
    let (words, text_sha256) = kept(text)?;
    let deed = Deed::Contacted { direction, channel, purpose, reached, duration_s, reply_by, text_sha256 };
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make_with(Event::from(deed), words).await?;
    Ok(show(&state, ticket, language))
}

/// The result, told to the customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldResult {
    channel: Channel,
    /// Whether he was asked to test (R97).
    asked_to_test: bool,
    /// What was said; kept apart, and never in an event. The notice of `GET .../result-notice` unless stated.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    text: Option<String>,
    /// Care advice after a repair, or the guide beside an answer (R95), in the place of the usual one.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    advice: Option<String>,
}

/// What is put into the notice.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoticeQuery {
    /// Care advice after a repair, or the guide beside an answer; the usual one unless stated.
    #[param(max_length = 10000)]
    advice: Option<String>,
}

/// The notice of a ticket's result in its customer's language.
async fn notice(
    state: &HttpState,
    ticket: &Ticket,
    advice: Option<&str>,
    language: Language,
) -> Result<Option<Notice>, Problem> {
    let his = state.store.recipient(ticket).await?.and_then(|recipient| recipient.language);
    Ok(notice_of(ticket, advice, his.unwrap_or(language)))
}

/// The notice of the result as its kind asks for (R95): of a repair cause, measure and care advice; of a consultation
/// the answer and a guide; of a complaint the solution and what was granted.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/result-notice", operation_id = "getResultNotice", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64), NoticeQuery),
    responses((status = 200, description = "The notice; `null` before it is resolved.", body = Option<Notice>),
        BadRequest, NotFound, Invalid))]
pub async fn result_notice(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    Params(query): Params<NoticeQuery>,
) -> Result<Json<Option<Notice>>, Problem> {
    check([query.advice.as_deref().and_then(|text| text_flaws("?advice", text))])?;
    let ticket = find_for(&state, &caller, &name).await?;
    Ok(Json(notice(&state, &ticket, query.advice.as_deref(), language).await?))
}

/// Logs that the result was told to the customer, who is asked to test and to confirm (R76, R95, R97).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/result", operation_id = "reportResult", tag = "tickets",
    request_body = ToldResult,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn result(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<ToldResult>,
) -> Result<Response, Problem> {
    let ToldResult { channel, asked_to_test, mut text, advice } = body;
    check([advice.as_deref().and_then(|advice| text_flaws("/advice", advice))])?;
    if text.is_none() {
        let ticket = find_for(&state, &caller, &name).await?;
        let told = notice(&state, &ticket, advice.as_deref(), language).await?;
        text = told.map(|told| told.text.chars().take(LONGEST_NOTE).collect());
    }
    let (words, text_sha256) = kept(text)?;
    let deed = Deed::ResultReported { channel, asked_to_test, text_sha256 };
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make_with(Event::from(deed), words).await?;
    Ok(show(&state, ticket, language))
}

/// A record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecord {
    kind: RecordKind,
    /// Of evidence, what kind (R91).
    #[serde(default)]
    evidence: Option<EvidenceSource>,
    /// Where it is: a number, a name, a hash.
    #[schema(min_length = 1, max_length = 10000)]
    reference: String,
}

/// Files a record that a ticket needs before it can be resolved (R33, R41, R58, R59, R63, R66, R91, R108).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/record", operation_id = "fileRecord", tag = "tickets",
    request_body = NewRecord,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn record(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<NewRecord>,
) -> Result<Response, Problem> {
    // Whose word it is: finance signs off bills, the technical manager reviews lines (R5, R2).
    match body.kind {
        RecordKind::FinanceSignOff | RecordKind::FinanceOutcome => caller.require(Role::Billing)?,
        RecordKind::TestReview => caller.require(Role::Manager)?,
        _ => {}
    }
    check([text_flaws("/reference", &body.reference)])?;
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let deed = Deed::RecordFiled { kind: body.kind, evidence: body.evidence, reference: body.reference };
    let ticket = change.make(Event::from(deed)).await?;
    Ok(show(&state, ticket, language))
}

/// Refuses elements that the inventory does not have.
pub(super) fn element_flaw(state: &HttpState, pointer: &str, element: &str) -> Option<Flaw> {
    let is_known = state.settings.borrow().inventory.find(element).is_some();
    let shown: String = element.chars().filter(|character| !character.is_control()).take(64).collect();
    (!is_known).then(|| Flaw::at(pointer, "unknown_element").with("value", shown))
}
