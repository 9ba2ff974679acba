//! What happened to a ticket, in words: who, when, what.

use crate::locale::Message;
use crate::ticket::Event;
use crate::ticket::event::RecordedEvent;

use super::shell::Shell;
use super::words::Moment;

/// One line of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Place in the chain.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// Who.
    pub who: String,
    /// Whether Linesman did it by itself.
    pub by_itself: bool,
    /// What, in a sentence.
    pub what: String,
    /// What a person wrote, word for word.
    pub words: Option<String>,
}

/// Newest first.
#[must_use]
pub fn view(shell: &Shell, events: &[RecordedEvent]) -> Vec<Line> {
    events.iter().rev().map(|event| line(shell, event)).collect()
}

fn line(shell: &Shell, recorded: &RecordedEvent) -> Line {
    let by_itself = recorded.actor == crate::ticket::Actor::linesman();
    Line {
        seq: recorded.seq,
        at: Moment(recorded.at),
        who: if by_itself { "Linesman".to_owned() } else { recorded.actor.0.clone() },
        by_itself,
        what: shell.say(&sentence(shell, &recorded.event)),
        words: written(&recorded.event),
    }
}

fn sentence(shell: &Shell, event: &Event) -> Message {
    let name = Message::new(&format!("page.event_{}", event.name()));
    match event {
        Event::Opened { fault, candidate, .. } => {
            let key = if *candidate { "page.event_opened_candidate" } else { "page.event_opened" };
            Message::new(key).with("headline", shell.say(&fault.headline))
        }
        Event::Enriched { fault }
        | Event::VerificationFailed { fault }
        | Event::Reopened { fault }
        | Event::ResolutionProposed { fault } => name.with("headline", shell.say(&fault.headline)),
        Event::Rekeyed { fault, .. } => {
            name.with("segment", &fault.segment).with("headline", shell.say(&fault.headline))
        }
        Event::DiagnosisCorrected { cause, segment, side, .. } => name
            .with("cause", format!("cause.{}", cause.name()))
            .with("segment", segment)
            .with("side", format!("side.{}", side.name())),
        Event::VerificationStarted { since } => name.with("since", since.to_rfc3339()),
        Event::Resolved { restored_at, .. } => name.with("at", restored_at.to_rfc3339()),
        Event::Acknowledged
        | Event::Noted { .. }
        | Event::DiagnosisConfirmed { .. }
        | Event::RemeasureRequested
        | Event::Approved
        | Event::Cancelled { .. }
        | Event::Settled
        | Event::ResolutionConfirmed { .. }
        | Event::ResolutionDeclined { .. }
        | Event::Closed => name,
    }
}

fn written(event: &Event) -> Option<String> {
    match event {
        Event::Noted { text, .. } => Some(text.clone()),
        Event::DiagnosisConfirmed { note }
        | Event::DiagnosisCorrected { note, .. }
        | Event::ResolutionConfirmed { note } => note.clone(),
        Event::Cancelled { reason } | Event::ResolutionDeclined { reason } => Some(reason.clone()),
        _ => None,
    }
}
