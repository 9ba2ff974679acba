//! Evidence files on a ticket's page: captures of its worst calls, recorded calls and signatures of its customer. Who
//! may see the ticket sees that they are there; what is in them is personal data, so the link is for those whom the API
//! gives the file, and the rest is told why there is none. Deliberately absent: the content, and the decision, which is
//! the API's guard.

use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::http::HttpState;
use crate::http::api::ticket_files::{Readable, known_kind, put};
use crate::http::api::tickets::find_for;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::locale::Message;
use crate::settings::VoiceEvidence;
use crate::store::{Attachment, FileKind};
use crate::ticket::evidence::EvidenceKind;
use crate::ticket::{Actor, Ticket};

use super::action::{Draft, Failure, failed};
use super::asker::{Tongue, Viewer};
use super::register::Choice;
use super::shell::Shell;
use super::words::{Moment, size};

/// What leads back to the ticket when it is done.
pub const DONE: [&str; 1] = ["files"];

/// A file as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct FileLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) may_read: bool,
    pub(super) is_capture: bool,
    pub(super) content: String,
    pub(super) left_out: Option<String>,
    pub(super) size: String,
    pub(super) from: Moment,
    pub(super) to: Moment,
    pub(super) at: Moment,
    pub(super) by: String,
    pub(super) sha256: String,
}

/// The part of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub(super) files: Vec<FileLine>,
    /// Some of them are closed to this reader.
    pub(super) some_closed: bool,
    /// Some of them are open to him.
    pub(super) some_open: bool,
    /// What he may put there.
    pub(super) kinds: Vec<Choice>,
    of_voice: bool,
    pub(super) none: String,
}

impl Part {
    /// Whether there is anything to show: files, a place to put one, or that a ticket of voice has none.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.of_voice || !self.files.is_empty() || !self.kinds.is_empty()
    }
}

/// The part for a ticket with these files, oldest first, where this is kept of new ones.
#[must_use]
pub fn part(
    shell: &Shell,
    ticket: &Ticket,
    files: &[Attachment],
    reads: Readable,
    kept: VoiceEvidence,
) -> Part {
    let of_voice = ticket.fault.as_ref().is_some_and(|fault| fault.voice.is_some());
    let takes = ticket.is_reported() && !ticket.state.is_final() && shell.registers();
    let choice = |kind: &EvidenceKind| Choice {
        value: kind.name().to_owned(),
        label: shell.t(&format!("page.proof_{}", kind.name())),
        chosen: false,
    };
    let none = match kept {
        _ if !of_voice => "page.proof_none",
        VoiceEvidence::Off => "page.evidence_off",
        _ => "page.evidence_none",
    };
    Part {
        files: files.iter().map(|file| line(shell, file, reads)).collect(),
        some_closed: files.iter().any(|file| !reads.covers(file.kind)),
        some_open: files.iter().any(|file| reads.covers(file.kind)),
        kinds: EvidenceKind::ALL.iter().filter(|_| takes).map(choice).collect(),
        of_voice,
        none: shell.t(none),
    }
}

fn line(shell: &Shell, file: &Attachment, reads: Readable) -> FileLine {
    let key = match file.kind {
        FileKind::Capture if file.has_payload => "page.evidence_payload",
        FileKind::Capture => "page.evidence_headers",
        FileKind::RecordedCall => "page.proof_recorded_call",
        FileKind::Signature => "page.proof_signature",
    };
    let left_out =
        || shell.say(&Message::new("page.evidence_left_out").with("count", file.left_out.to_string()));
    let by_itself = file.by == Actor::linesman().0;
    FileLine {
        id: file.id.clone(),
        name: file.name.clone(),
        may_read: reads.covers(file.kind),
        is_capture: file.kind == FileKind::Capture,
        content: shell.say(&Message::new(key).with("packets", file.packets.to_string())),
        left_out: (file.left_out > 0).then(left_out),
        size: size(file.size),
        from: Moment(file.first),
        to: Moment(file.last),
        at: Moment(file.at),
        by: if by_itself { shell.t("page.evidence_by_itself") } else { file.by.clone() },
        sha256: file.sha256.clone(),
    }
}

/// `POST /tickets/{number}/files`: a recorded call or a drawn signature is put on the ticket.
pub async fn attach(
    State(state): State<HttpState>,
    viewer: Viewer,
    caller: Caller,
    tongue: Tongue,
    Path(number): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    match attempt(&state, &caller, &number, form).await {
        Ok(number) => Redirect::to(&format!("/tickets/{number}?done={}", DONE[0])).into_response(),
        Err(problem) => {
            let document = problem.document(tongue.language, &tongue.here);
            let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::BAD_REQUEST);
            let why = super::shell::against(&problem, &tongue).iter().map(|one| Message::new(one)).collect();
            failed(&state, &viewer, &tongue, &number, Failure { status, why }, Draft::default()).await
        }
    }
}

async fn attempt(
    state: &HttpState,
    caller: &Caller,
    number: &str,
    form: Result<Multipart, MultipartRejection>,
) -> Result<String, Problem> {
    let broken = || Problem::bad_request("the body broke off, is too large, or is no multipart/form-data");
    let ticket = find_for(state, caller, number).await?;
    let mut form = form.map_err(|_| broken())?;
    let (mut version, mut kind, mut content) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        match field.name().unwrap_or_default() {
            "version" => version = field.text().await.map_err(|_| broken())?.trim().parse::<i64>().ok(),
            "kind" => kind = Some(known_kind(field.text().await.map_err(|_| broken())?.trim())?),
            "file" => content = Some(field.bytes().await.map_err(|_| broken())?),
            _ => {}
        }
    }
    let (Some(version), Some(kind), Some(content)) = (version, kind, content) else { return Err(broken()) };
    put(state, caller, &ticket, Some(version), kind, &content).await?;
    Ok(ticket.number.to_string())
}
