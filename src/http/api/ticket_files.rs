//! `/api/v1/tickets/{ticket}/attachments`: files of a ticket, as captures of its worst calls. Who may see a ticket sees
//! that they are there; what is in them is for the NOC and above, and each such look is in the privacy trail.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::http::extract::Named;
use crate::http::openapi::{BadRequest, NotFound};
use crate::store::customers::CustomerId;
use crate::store::{Attachment, Role};

use super::tickets::find_for;

/// Who may read what is in a file, and whoever may more.
pub const READERS: Role = Role::Noc;

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

/// A file of a ticket, as it was attached.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/attachments/{file}", operation_id = "getTicketAttachment",
    tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64),
        ("file" = String, Path, description = "Its id.", max_length = 64)),
    responses((status = 200, description = "The file.", body = [u8],
        content_type = "application/vnd.tcpdump.pcap"), BadRequest, NotFound))]
pub async fn one(
    State(state): State<HttpState>,
    caller: Caller,
    Path((name, file)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let shown: String = file.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let found = state.store.attachment(&ticket.id, &shown).await?;
    let Some((attachment, content)) = found else {
        let problem = Problem::say(Code::NotFound, "no_attachment");
        return Err(problem.with("ticket", ticket.number.to_string()).with("file", shown));
    };
    let trail = CustomerId(format!("call/{}", attachment.call));
    state.store.note_read(&trail, &caller.actor, "capture").await?;
    let disposition = format!("attachment; filename=\"{}\"", attachment.name);
    Ok(([(header::CONTENT_TYPE, attachment.media_type), (header::CONTENT_DISPOSITION, disposition)], content)
        .into_response())
}
