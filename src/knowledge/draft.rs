//! The draft that a solved ticket of class B, C or D leaves (R108).

use chrono::{DateTime, Utc};

use crate::diagnosis::Class;
use crate::inventory::Inventory;
use crate::locale::{Language, Message};
use crate::ticket::{State, Ticket, UNKNOWN};

use super::article::{Article, ArticleId, Change, Kind, Review, Words};
use super::{Signature, tokens};

/// Whether a ticket leaves a draft: something of B, C or D was solved.
#[must_use]
pub fn is_due(ticket: &Ticket) -> bool {
    let solved = matches!(
        ticket.state,
        State::Resolved | State::AwaitingConfirmation | State::Settled | State::Closed
    );
    solved && matches!(ticket.class, Some(Class::B | Class::C | Class::D))
}

/// The draft. Words of the customer are not in it: the symptom is what was measured, or the kind of case.
#[must_use]
pub fn draft(
    ticket: &Ticket,
    inventory: &Inventory,
    id: ArticleId,
    number: i64,
    by: &str,
    at: DateTime<Utc>,
) -> Article {
    let signature = Signature::of(ticket, inventory);
    let resolution = ticket.process.resolution.as_ref();
    let said = resolution.map(|known| (known.root_cause.as_str(), known.solution.as_str()));
    let note = ticket.verdict.as_ref().and_then(|verdict| verdict.note.as_deref());
    let (root_cause, solution) = said.unwrap_or(("", ""));
    let words = |language: Language| {
        // What a person wrote stands in the language that he wrote it in.
        let own = |text: &str| match is_chinese(text) == (language == Language::Chinese) {
            true => text.to_owned(),
            false => String::new(),
        };
        let cause = Message::new("knowledge.cause")
            .with("cause", format!("cause.{}", ticket.cause_name()))
            .with("side", format!("side.{}", ticket.side_name()));
        let kind = signature.segment_kind.map_or(UNKNOWN.to_owned(), |kind| format!("kind.{}", kind.name()));
        let title = Message::new("knowledge.title")
            .with("cause", format!("cause.{}", ticket.cause_name()))
            .with("class", format!("class.{}", ticket.class_name()))
            .with("kind", kind);
        let mut causes = vec![cause.render(language)];
        causes.extend([own(root_cause), own(note.unwrap_or_default())]);
        causes.retain(|text| !text.trim().is_empty());
        Words {
            title: title.render(language),
            symptom: symptom(ticket, language),
            cause: causes.join("\n"),
            solution: own(solution),
        }
    };
    Article {
        id,
        number,
        version: 1,
        kind: Kind::Case,
        review: Review::Draft,
        en: words(Language::English),
        zh: words(Language::Chinese),
        signature,
        purpose: None,
        source: Some(ticket.id.clone()),
        changes: vec![Change { at, by: by.to_owned(), what: "drafted".to_owned() }],
    }
}

/// What was measured, as the ticket says it; of a ticket without measurement its kind and class.
fn symptom(ticket: &Ticket, language: Language) -> String {
    let mut sentences = vec![ticket.headline().render(language)];
    if let Some(fault) = &ticket.fault {
        sentences.extend(fault.reasons.iter().map(|reason| reason.render(language)));
    }
    sentences.join("\n")
}

fn is_chinese(text: &str) -> bool {
    tokens::tokens(text).iter().any(|token| token.chars().any(|sign| sign >= '\u{3400}'))
}
