//! `/api/v1/tickets/{ticket}/attachments`: files of a ticket: captures of its worst calls, and what proves its customer's
//! word (R90, R103). Who may see a ticket sees that they are there. What is in a capture is for the NOC and above, what
//! the customer said or signed for whoever sees him in clear; each such look is in the privacy trail.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Named, Params};
use crate::http::openapi::{BadRequest, Changes, NotFound, TakesBody};
use crate::privacy::Sight;
use crate::store::customers::CustomerId;
use crate::store::{Attachment, FileKind, Role, WriteError};
use crate::ticket::evidence::EvidenceKind;
use crate::ticket::{Actor, Ticket};

use super::customers::sight_of;
use super::ticket_changes::{ChangeParams, if_match};
use super::tickets::find_for;

/// Who may read what is in a capture, and whoever may more.
pub const READERS: Role = Role::Noc;
/// What a form adds around a file.
pub const FRAME: usize = 64 * 1024;

/// What somebody may read of a ticket's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readable {
    /// Captures of calls.
    pub captures: bool,
    /// What its customer said or signed: whoever sees him in clear.
    pub proofs: bool,
}

impl Readable {
    /// Whether a file of this kind.
    #[must_use]
    pub const fn covers(self, kind: FileKind) -> bool {
        match kind {
            FileKind::Capture => self.captures,
            FileKind::RecordedCall | FileKind::Signature => self.proofs,
        }
    }
}

/// What somebody of this role and name may read of a ticket's files.
///
/// # Errors
/// When the database does not answer.
pub async fn readable(
    state: &HttpState,
    role: Role,
    actor: &Actor,
    ticket: &Ticket,
) -> Result<Readable, Problem> {
    let captures = role.covers(READERS);
    let named = ticket.registration.as_ref().and_then(|registration| registration.customer.as_ref());
    let Some(named) = named.filter(|_| !captures) else { return Ok(Readable { captures, proofs: captures }) };
    // Without keys nobody reads anything of a person.
    let id = CustomerId(named.customer.clone());
    let proofs = match state.store.customer(&id).await {
        Ok(Some(known)) => sight_of(state, role, actor, &known).await? == Sight::Clear,
        Ok(None) | Err(_) => false,
    };
    Ok(Readable { captures, proofs })
}

/// The files of a ticket.
#[derive(Serialize, ToSchema)]
pub struct AttachmentList {
    /// Oldest first.
    attachments: Vec<Attachment>,
}

/// The files of a ticket, without their content.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/attachments", operation_id = "listTicketAttachments",
    tag = "tickets", params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "Its files.", body = AttachmentList), BadRequest, NotFound))]
pub async fn list(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<AttachmentList>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    Ok(Json(AttachmentList { attachments: state.store.attachments(&ticket.id).await? }))
}

/// A file of a ticket, as it was attached: a capture for the NOC and above, what the customer said or signed for whoever
/// sees him in clear.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/attachments/{file}", operation_id = "getTicketAttachment",
    tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64),
        ("file" = String, Path, description = "Its id.", max_length = 64)),
    responses((status = 200, description = "The file.", content(
        ([u8] = "application/vnd.tcpdump.pcap"), ([u8] = "image/png"), ([u8] = "audio/wav"), ([u8] = "audio/mpeg"),
        ([u8] = "audio/ogg"), ([u8] = "audio/mp4"))), BadRequest, NotFound))]
pub async fn one(
    State(state): State<HttpState>,
    caller: Caller,
    Path((name, file)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let shown: String = file.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let files = state.store.attachments(&ticket.id).await?;
    let missing = || {
        let problem = Problem::say(Code::NotFound, "no_attachment");
        problem.with("ticket", ticket.number.to_string()).with("file", shown.clone())
    };
    let kind = files.iter().find(|file| file.id == shown).map(|file| file.kind).ok_or_else(missing)?;
    if !readable(&state, caller.role, &caller.actor, &ticket).await?.covers(kind) {
        caller.require(READERS)?;
    }
    let (attachment, content) = state.store.attachment(&ticket.id, &shown).await?.ok_or_else(missing)?;
    let named = ticket.registration.as_ref().and_then(|registration| registration.customer.as_ref());
    let trail = match (kind, named) {
        (FileKind::Capture, _) => format!("call/{}", attachment.call),
        (_, Some(named)) => named.customer.clone(),
        (_, None) => format!("ticket/{}", ticket.id),
    };
    let purpose = if kind == FileKind::Capture { "capture" } else { kind.name() };
    state.store.note_read(&CustomerId(trail), &caller.actor, purpose).await?;
    let disposition = format!("attachment; filename=\"{}\"", attachment.name);
    Ok(([(header::CONTENT_TYPE, attachment.media_type), (header::CONTENT_DISPOSITION, disposition)], content)
        .into_response())
}

/// What a file that is sent proves.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttachQuery {
    /// recorded_call (WAV, MP3, OGG or M4A, at most 16 MiB) or signature (PNG, at most 256 KiB).
    #[param(max_length = 20)]
    kind: String,
}

/// Puts a recorded call or a drawn signature on a ticket: the body is the file as it is. Its SHA-256 stands in the
/// event; a confirmation by a recorded call or a signature needs such a file, or says where it is kept (R90, R103).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/attachments", operation_id = "attachTicketFile",
    tag = "tickets", request_body(content = [u8], content_type = "application/octet-stream"),
    params(ChangeParams, AttachQuery),
    responses((status = 201, description = "The file, without its content.", body = Attachment), Changes, TakesBody))]
pub async fn attach(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
    Params(query): Params<AttachQuery>,
    headers: HeaderMap,
    content: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let expected = if_match(&headers)?;
    let kind = known_kind(&query.kind)?;
    let content = content.map_err(|_| too_large(kind))?;
    let ticket = find_for(&state, &caller, &name).await?;
    let attachment = put(&state, &caller, &ticket, expected, kind, &content).await?;
    Ok((StatusCode::CREATED, Json(attachment)).into_response())
}

/// The kind of this name.
///
/// # Errors
/// 422.
pub fn known_kind(name: &str) -> Result<EvidenceKind, Problem> {
    EvidenceKind::parse(name).ok_or_else(|| Problem::invalid(vec![Flaw::at("?kind", "evidence_kind")]))
}

/// Why a file is not taken that has more bytes than its kind may.
#[must_use]
pub fn too_large(kind: EvidenceKind) -> Problem {
    Problem::say(Code::TooLarge, "evidence_too_large").with("most", kind.largest() / 1024)
}

/// Puts a file on a ticket, from a program or a form.
///
/// # Errors
/// 413 where it is too large, 422 where it is no such file, and those of a change of a ticket.
pub async fn put(
    state: &HttpState,
    caller: &Caller,
    ticket: &Ticket,
    expected: Option<i64>,
    kind: EvidenceKind,
    content: &[u8],
) -> Result<Attachment, Problem> {
    if content.len() > kind.largest() {
        return Err(too_large(kind));
    }
    let sealed = state.store.sealed_evidence(&ticket.id, kind, content, &caller.actor)?;
    let no_such_file = || Problem::invalid(vec![Flaw::at("", &format!("evidence_{}", kind.name()))]);
    let sealed = sealed.ok_or_else(no_such_file)?;
    let attachment = sealed.attachment.clone();
    match state.writer.attach(&ticket.id, expected, sealed, caller.actor.clone()).await {
        Ok(_) => {}
        Err(WriteError::Conflict(newer)) => {
            let seen = expected.map_or_else(|| "*".to_owned(), |version| version.to_string());
            return Err(Problem::changed(seen, newer));
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(by = %caller.actor.0, number = %ticket.number, kind = kind.name(), "put evidence on a ticket");
    Ok(attachment)
}
