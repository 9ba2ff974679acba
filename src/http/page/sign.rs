//! A signature that was drawn on a page (`sign.js`): it comes with its form as a PNG in base64, and becomes a file of
//! the ticket with it (R90, R103).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::http::HttpState;
use crate::locale::Message;
use crate::store::SealedFile;
use crate::ticket::evidence::{EvidenceKind, LARGEST_SIGNATURE};
use crate::ticket::{Actor, Ticket};

/// The form's field that holds a drawing.
pub const DRAWN: &str = "signature.png";
/// The field of the same form that says in words where the signature is.
pub const SAID: &str = "signature";
/// How what a canvas gives begins.
const PREFIX: &str = "data:image/png;base64,";

/// The drawing of a form, sealed; `None` where nobody drew one.
///
/// # Errors
/// A sentence where it is no drawing, is too large, or cannot be kept.
pub fn sealed(
    state: &HttpState,
    ticket: &Ticket,
    given: &BTreeMap<String, String>,
    by: &Actor,
) -> Result<Option<SealedFile>, Message> {
    let Some(drawn) = given.get(DRAWN).map(|drawn| drawn.trim()).filter(|drawn| !drawn.is_empty()) else {
        return Ok(None);
    };
    let wrong = || Message::new("page.sign_wrong").with("most", LARGEST_SIGNATURE / 1024);
    let content = drawn.strip_prefix(PREFIX).filter(|text| text.len() <= LARGEST_SIGNATURE * 2);
    let content = content.and_then(|text| BASE64.decode(text).ok()).ok_or_else(wrong)?;
    let sealed = state.store.sealed_evidence(&ticket.id, EvidenceKind::Signature, &content, by);
    let sealed = sealed.map_err(|error| {
        tracing::error!(%error, number = %ticket.number, "a drawn signature cannot be kept");
        Message::new("page.store_failed")
    })?;
    sealed.map(Some).ok_or_else(wrong)
}

/// What the form says of a drawing: which file it is.
#[must_use]
pub fn said(file: &SealedFile) -> String {
    format!("{}, SHA-256 {}", file.attachment.name, file.attachment.sha256)
}
