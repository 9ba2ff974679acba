//! Bills come in: streamed to the disk, bounded in size, synchronised before anybody is told.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use crate::bills::submit::LONGEST_FIELD;
use crate::bills::{Draft, SubmitError, Submitted, submit};
use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::openapi::TakesBody;
use crate::store::{InputRole, RunStatus};

use super::reconciliations::RunView;

/// Fields of an upload beside its files.
const MOST_FIELDS: usize = 40;
/// A piece of a body comes within this.
const PIECE_WITHIN: Duration = Duration::from_secs(30);
/// What forms add around files.
const FRAME: u64 = 1024 * 1024;

/// An upload: files and what is known of them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read field by field; only its shape is described")]
pub struct Upload {
    /// Whose bill.
    #[schema(max_length = 64)]
    party: String,
    /// `2026-10`, `2026-10-05` or `2026-10-05/2026-10-11`; found in our records unless given.
    period: Option<String>,
    /// Our server's original bill.
    #[schema(format = Binary)]
    ours: String,
    /// The other party's original bill.
    #[schema(format = Binary)]
    theirs: String,
    /// The rate deck, unless the party has one in the settings.
    #[schema(format = Binary)]
    rates: Option<String>,
    /// The contract, unless the party has one in the settings; else the deck alone.
    #[schema(format = Binary)]
    contract: Option<String>,
}

/// Compares two bills. Answers once the files are kept durably; the same content is the same run. Besides the
/// fields below it takes the answers to what a file does not say, named as the flags of `linesman cdr reconcile`:
/// `ours-format`, `theirs-zone`, `theirs-date-order` and so on.
#[utoipa::path(post, path = "/api/v1/reconciliations", operation_id = "reconcile", tag = "reconciliations",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The same content was compared before: its answer.", body = RunView,
            headers(("Location" = String, description = "The run."))),
        (status = 202, description = "Kept; it waits for its turn.", body = RunView,
            headers(("Location" = String, description = "The run."))),
        TakesBody))]
pub async fn upload(
    State(state): State<HttpState>,
    caller: Caller,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    let submitted = receive(&state, &caller, &headers, form).await?;
    let status = if submitted.run.status == RunStatus::Done { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/api/v1/reconciliations/{}", submitted.run.id);
    let view = RunView::of(&state, submitted.run).await?;
    Ok((status, [(header::LOCATION, location)], Json(view)).into_response())
}

/// Takes an upload in, from a program or a form.
///
/// # Errors
/// 413 where it is too large, 422 where fields are wrong, 503 where it cannot be kept.
pub async fn receive(
    state: &HttpState,
    caller: &Caller,
    headers: &HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Submitted, Problem> {
    let settings = state.settings.borrow().billing.clone();
    let most = settings.largest_file;
    let too_large = || Problem::say(Code::TooLarge, "file_too_large").with("most", most / (1024 * 1024));
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|bytes: u64| bytes > most.saturating_mul(4).saturating_add(FRAME)) {
        return Err(too_large());
    }
    let mut form = form.map_err(|_| {
        Problem::say(Code::UnsupportedMediaType, "unsupported_media_type")
            .with("wanted", "multipart/form-data")
    })?;
    let incoming = state.bills.vault.incoming().await.map_err(not_kept)?;
    let (mut inputs, mut fields) = (Vec::new(), BTreeMap::new());
    while let Some(mut field) = in_time(form.next_field()).await? {
        let name = field.name().unwrap_or_default().to_owned();
        let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
        if inputs.len() + fields.len() >= MOST_FIELDS {
            return Err(Problem::bad_request("too many fields"));
        }
        let Some(role) = InputRole::parse(&name) else {
            fields.insert(shown, text(&mut field).await?);
            continue;
        };
        let file = field.file_name().unwrap_or_default().to_owned();
        let mut first = in_time(field.chunk()).await?;
        while first.as_ref().is_some_and(|piece| piece.is_empty()) {
            first = in_time(field.chunk()).await?;
        }
        if file.is_empty() && first.is_none() {
            // A form sends a file that nobody chose as an empty one without a name.
            continue;
        }
        if inputs.iter().any(|input: &crate::store::RunInput| input.role == role) {
            return Err(Problem::invalid(vec![Flaw::at(&format!("/{shown}"), "file_twice")]));
        }
        let mut arriving = incoming.file(role, &file).await.map_err(not_kept)?;
        while let Some(piece) = first.take() {
            if arriving.bytes() + piece.len() as u64 > most {
                return Err(too_large());
            }
            arriving.write(&piece).await.map_err(not_kept)?;
            first = in_time(field.chunk()).await?;
        }
        inputs.push(arriving.finish().await.map_err(not_kept)?);
    }
    let draft = Draft { incoming, inputs, fields };
    let submitted = submit(&state.store, &settings, draft, &caller.actor.0, state.clock.now_utc()).await;
    let submitted = submitted.map_err(|error| match error {
        SubmitError::Wrong(wrong) => {
            let flaws = wrong.into_iter().map(|(field, flaw)| Flaw::at(&format!("/{field}"), flaw));
            Problem::invalid(flaws.collect())
        }
        SubmitError::Files(error) => not_kept(error),
        SubmitError::Store(error) => error.into(),
    })?;
    state.bills.nudge.notify_one();
    let run = &submitted.run;
    tracing::info!(by = %caller.actor.0, run = run.id, party = run.party, known = submitted.known, "bills came in");
    Ok(submitted)
}

/// A text field.
async fn text(field: &mut Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = in_time(field.chunk()).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST_FIELD * 4 {
            return Err(Problem::bad_request("a field is too long"));
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| Problem::bad_request("a field is no UTF-8"))?;
    let has_control = text.contains(char::is_control);
    if has_control || text.chars().count() > LONGEST_FIELD {
        return Err(Problem::bad_request("a field is too long or holds control characters"));
    }
    Ok(text)
}

/// Nobody holds a place for ever by sending nothing.
async fn in_time<T>(work: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Problem> {
    match tokio::time::timeout(PIECE_WITHIN, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Problem::bad_request("the body is larger than it may be"))
        }
        Ok(Err(_)) => Err(Problem::bad_request("the body broke off, or is no multipart/form-data")),
        Err(_) => Err(Problem::say(Code::Timeout, "timeout").with("seconds", PIECE_WITHIN.as_secs())),
    }
}

fn not_kept(error: std::io::Error) -> Problem {
    tracing::error!(%error, "an upload cannot be kept; see `[billing] directory`");
    Problem::say(Code::Unavailable, "not_kept").retry_after(60)
}
