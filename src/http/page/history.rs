//! What happened to a ticket, in words: who, when, what.

use linesman_process::tree::Taken;

use crate::locale::Message;
use crate::ticket::event::RecordedEvent;
use crate::ticket::process::LinkPurpose;
use crate::ticket::route::RouteStep;
use crate::ticket::{Deed, Event};

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
        Event::FlappingStarted { turns } => name.with("turns", turns),
        Event::FlappingEnded { turns, bad_percent } => name
            .with("turns", turns)
            .with("percent", bad_percent.map_or_else(|| "?".to_owned(), |percent| percent.to_string())),
        Event::Deed(deed) => of_deed(deed),
    }
}

/// What a person did, or a clock asked for.
fn of_deed(deed: &Deed) -> Message {
    let name = Message::new(&format!("page.deed_{}", deed.name()));
    match deed {
        Deed::Registered { kind, first_owner, .. } => {
            name.with("kind", format!("ticket_kind.{}", kind.name())).with("owner", first_owner)
        }
        Deed::Classified { class, .. } => name.with("class", format!("class.{}", class.letter())),
        Deed::Assigned { owner, deadline, .. } => {
            name.with("owner", owner).with("until", deadline.to_rfc3339())
        }
        Deed::Contacted { purpose, .. } => name.with("purpose", format!("contact.{}", purpose.name())),
        Deed::AskedCustomer { next_contact_at } => name.with("until", next_contact_at.to_rfc3339()),
        Deed::HeldExternal { with, reference, eta, .. } => {
            name.with("with", with).with("reference", reference).with("until", eta.to_rfc3339())
        }
        Deed::EtaChanged { reference, eta, .. } => {
            name.with("reference", reference).with("until", eta.to_rfc3339())
        }
        Deed::WorkDone { reference, .. } => name.with("reference", reference),
        Deed::HeldPlanned { window, until, .. } => {
            name.with("window", window).with("until", until.to_rfc3339())
        }
        Deed::Verified { passed, .. } => {
            Message::new(if *passed { "page.deed_verified" } else { "page.deed_verified_not" })
        }
        Deed::RecordFiled { kind, evidence, reference } => {
            let what = evidence.map_or_else(
                || format!("record.{}", kind.name()),
                |evidence| format!("evidence_kind.{}", evidence.name()),
            );
            name.with("kind", what).with("reference", reference)
        }
        Deed::SolutionPlanned { remedies, measures, .. } => {
            let [english, chinese] =
                [linesman_process::Language::English, linesman_process::Language::Chinese].map(|language| {
                    remedies.iter().map(|remedy| remedy.word(language)).collect::<Vec<_>>().join(", ")
                });
            name.with_both("remedies", &english, &chinese).with("count", measures.len())
        }
        Deed::LevelChanged { level, .. } => name.with("level", format!("level.{}", level.name())),
        Deed::OutageDeclared { segment, complaints } => {
            name.with("segment", segment).with("count", complaints)
        }
        Deed::Promised { due_at, .. } => name.with("until", due_at.to_rfc3339()),
        Deed::Escalated { to, reason, .. } => {
            let [english, chinese] =
                [linesman_process::Language::English, linesman_process::Language::Chinese]
                    .map(|language| reason.word(language));
            name.with("to", to).with_both("reason", english, chinese)
        }
        Deed::HandedOver { from, to, until } => {
            let known = if until.is_some() { "page.deed_handed_over" } else { "page.deed_handed_back" };
            Message::new(known).with("from", from).with("to", to)
        }
        Deed::EvidenceAttached { kind, sha256, .. } => {
            name.with("kind", format!("page.proof_{}", kind.name())).with("sha256", sha256)
        }
        Deed::FormFiled { form, .. } => {
            let [english, chinese] =
                [linesman_process::Language::English, linesman_process::Language::Chinese]
                    .map(|language| form.word(language));
            name.with_both("form", english, chinese)
        }
        Deed::LinkMade { purpose, expires_at, .. } => {
            let known = match purpose {
                LinkPurpose::Confirmation => name,
                LinkPurpose::Survey => Message::new("page.deed_link_made_survey"),
            };
            known.with("until", expires_at.to_rfc3339())
        }
        Deed::CompensationGranted { grant, .. } => {
            name.with("amount", grant.granted).with("currency", &grant.computation.currency)
        }
        Deed::Routed { number, step } => {
            let name = name.with("number", number);
            match step {
                RouteStep::Asked { what, line, .. } => {
                    name.with("what", format!("route_what.{}", what.name())).with("line", line)
                }
                RouteStep::Answered { outcome, .. } => {
                    name.with("outcome", format!("route_outcome.{}", outcome.name()))
                }
                _ => name,
            }
        }
        Deed::WalkBegun { from, .. } => name.with("place", format!("{}/{}", from.tree, from.node)),
        Deed::Walked { step } => {
            let (back, there) = (&step.to, &step.place);
            match &step.taken {
                Taken::Answered { answer } => {
                    name.with("place", format!("{}/{}", there.tree, there.node)).with("answer", answer)
                }
                Taken::Corrected { .. } => {
                    let place = format!("{}/{}", back.tree, back.node);
                    Message::new("page.deed_walked_back").with("place", place)
                }
            }
        }
        Deed::ClockCalled { call, policy, rule, due_at, .. } => {
            Message::new(&format!("page.deed_clock_{}", call.name()))
                .with("policy", policy)
                .with("rule", rule)
                .with("until", due_at.to_rfc3339())
        }
        Deed::PromiseCalled { call, due_at, .. } => {
            Message::new(&format!("page.deed_promise_{}", call.name())).with("until", due_at.to_rfc3339())
        }
        _ => name,
    }
}

fn written(event: &Event) -> Option<String> {
    match event {
        Event::Noted { text, .. } => Some(text.clone()),
        Event::DiagnosisConfirmed { note }
        | Event::DiagnosisCorrected { note, .. }
        | Event::ResolutionConfirmed { note } => note.clone(),
        Event::Cancelled { reason } | Event::ResolutionDeclined { reason } => Some(reason.clone()),
        Event::Deed(deed) => deed.words().map(str::to_owned),
        _ => None,
    }
}
