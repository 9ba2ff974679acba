//! Evidence files on a ticket's page: captures of its worst calls. Who may see the ticket sees that they are there;
//! what is in them is personal data, so the link is for those whom the API gives the file, and the rest is told why
//! there is none. Deliberately absent: the content, and the decision, which is the API's guard.

use crate::http::api::ticket_files::READERS;
use crate::locale::Message;
use crate::settings::VoiceEvidence;
use crate::store::Attachment;
use crate::ticket::{Actor, Ticket};

use super::shell::Shell;
use super::words::{Moment, size};

/// A file as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct FileLine {
    pub(super) id: String,
    pub(super) name: String,
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
    pub(super) may_read: bool,
    of_voice: bool,
    pub(super) none: String,
}

impl Part {
    /// Whether there is anything to show: files, or that a ticket of voice has none.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.of_voice || !self.files.is_empty()
    }
}

/// The part for a ticket with these files, oldest first, where this is kept of new ones.
#[must_use]
pub fn part(shell: &Shell, ticket: &Ticket, files: &[Attachment], kept: VoiceEvidence) -> Part {
    Part {
        files: files.iter().map(|file| line(shell, file)).collect(),
        may_read: shell.viewer.as_ref().is_some_and(|viewer| viewer.role.covers(READERS)),
        of_voice: ticket.fault.as_ref().is_some_and(|fault| fault.voice.is_some()),
        none: shell.t(if kept == VoiceEvidence::Off { "page.evidence_off" } else { "page.evidence_none" }),
    }
}

fn line(shell: &Shell, file: &Attachment) -> FileLine {
    let key = if file.has_payload { "page.evidence_payload" } else { "page.evidence_headers" };
    let left_out =
        || shell.say(&Message::new("page.evidence_left_out").with("count", file.left_out.to_string()));
    let by_itself = file.by == Actor::linesman().0;
    FileLine {
        id: file.id.clone(),
        name: file.name.clone(),
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
