//! The notice of a result that a customer gets (R95): what was done in the course of it, then what its kind asks for: of
//! a repair cause, measure and care advice; of a consultation the answer and a guide; of a complaint the solution and
//! what was granted. It ends with thanks and, where he had trouble, an apology. No word of his own is in it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::locale::{INSTANT, Language, Message, words};

use super::guard::resolve::is_repaired;
use super::process::Resolution;
use super::{Ticket, TicketKind, UNCLASSIFIED};

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Notice {
    /// Its language: `en` or `zh-CN`.
    pub language: &'static str,
    /// One line.
    pub title: String,
    /// Sentences.
    pub text: String,
}

/// The notice of a ticket that people registered and somebody resolved; others have none. `advice` takes the place of
/// the usual care advice or guide.
#[must_use]
pub fn result_notice(ticket: &Ticket, advice: Option<&str>, language: Language) -> Option<Notice> {
    let registration = ticket.registration.as_ref()?;
    let resolution = ticket.process.resolution.as_ref()?;
    let number = ticket.number.to_string();
    let time = |at: DateTime<Utc>| at.format(INSTANT).to_string();
    let course = Message::new("result.course")
        .with("kind", format!("ticket_kind.{}", ticket.kind.name()))
        .with("number", &number)
        .with("received", time(registration.received_at))
        .with("resolved", time(ticket.resolved_at.unwrap_or(ticket.updated_at)));
    let mut lines = vec![course.render(language)];
    lines.extend(content(ticket, resolution, advice, language));
    let had_trouble = matches!(ticket.kind, TicketKind::Fault | TicketKind::Complaint);
    lines.push(words(language, if had_trouble { "result.thanks_and_apology" } else { "result.thanks" }));
    let title = Message::new("result.title").with("number", &number).render(language);
    Some(Notice { language: language.tag(), title, text: lines.join("\n") })
}

/// What the kind of a ticket asks for.
fn content(
    ticket: &Ticket,
    resolution: &Resolution,
    advice: Option<&str>,
    language: Language,
) -> Vec<String> {
    let say = |key: &str, text: &str| Message::new(key).with("text", text).render(language);
    let mut lines = Vec::new();
    let repaired = is_repaired(ticket);
    if repaired {
        lines.push(say("result.cause", &resolution.root_cause));
    }
    lines.push(match (ticket.kind, repaired) {
        (TicketKind::Complaint, _) => say("result.solution", &resolution.solution),
        (_, true) => say("result.measure", &resolution.solution),
        (TicketKind::Consultation | TicketKind::Fault, false) => say("result.answer", &resolution.solution),
        (TicketKind::Recharge | TicketKind::FollowUp, false) => say("result.done", &resolution.solution),
    });
    if ticket.kind == TicketKind::Complaint {
        lines.extend(granted(ticket, language));
    }
    let own = advice.map(str::trim).filter(|advice| !advice.is_empty());
    let class = ticket.class.map_or(UNCLASSIFIED, |class| class.letter());
    if repaired {
        let usual = || words(language, &format!("result.care_{class}"));
        lines.push(say("result.care", &own.map_or_else(usual, str::to_owned)));
    } else if matches!(ticket.kind, TicketKind::Consultation | TicketKind::Fault) {
        let usual = || words(language, "result.guide_usual");
        lines.push(say("result.guide", &own.map_or_else(usual, str::to_owned)));
    } else if let Some(own) = own {
        lines.push(own.to_owned());
    }
    lines
}

/// What a complaint brought its customer, each grant in a line; that there is none is said too.
fn granted(ticket: &Ticket, language: Language) -> Vec<String> {
    let spoken = linesman_process::Language::from(language);
    let grants = ticket.process.grants.iter().map(|grant| {
        Message::new("result.granted")
            .with("remedy", grant.computation.remedy.word(spoken))
            .with("amount", grant.granted)
            .with("currency", &grant.computation.currency)
            .render(language)
    });
    let lines: Vec<String> = grants.collect();
    if lines.is_empty() { vec![words(language, "result.nothing_granted")] } else { lines }
}
