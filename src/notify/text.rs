//! The words of a message, in both languages.

use crate::locale::{INSTANT, Language, Message, words};
use crate::notify::notice::TEST;

use super::{Notice, Outgoing};

/// A message in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub title: String,
    /// One each event.
    pub parts: Vec<Part>,
}

/// One event in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Number, severity and what happened.
    pub heading: String,
    /// What is broken and where.
    pub sentence: String,
    /// Facts: what, and its value.
    pub facts: Vec<(String, String)>,
    /// The ticket's page.
    pub link: Option<String>,
}

/// The words of what goes out.
#[must_use]
pub fn text(outgoing: &Outgoing, language: Language, public_url: Option<&str>) -> Text {
    let parts: Vec<Part> = outgoing.notices.iter().map(|notice| part(notice, language, public_url)).collect();
    let title = match parts.as_slice() {
        [only] => only.heading.clone(),
        several => {
            let worst = outgoing.notices.iter().map(|notice| notice.severity).max();
            let severity = worst.map_or("", |severity| severity.name());
            Message::new("notify.digest")
                .with("count", several.len())
                .with("severity", format!("severity.{severity}"))
                .render(language)
        }
    };
    Text { title, parts }
}

fn part(notice: &Notice, language: Language, public_url: Option<&str>) -> Part {
    let event = event_words(&notice.event, language);
    let sentence = notice.headline.as_ref().map(|headline| headline.render(language)).unwrap_or_default();
    if notice.event == TEST {
        return Part { heading: event, sentence: one_line(&sentence), facts: Vec::new(), link: None };
    }
    let heading = Message::new("notify.heading")
        .with("number", notice.duty.as_ref().map_or(&notice.number, |duty| &duty.month))
        .with("severity", format!("severity.{}", notice.severity.name()))
        .with("event", &event)
        .render(language);
    let mut facts = Vec::new();
    let mut fact = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push((words(language, &format!("notify.label.{label}")), one_line(&value)));
        }
    };
    let word = |prefix: &str, name: &Option<String>| {
        name.as_ref().map(|name| {
            let key = format!("{prefix}.{name}");
            let word = words(language, &key);
            if word == key { name.clone() } else { word }
        })
    };
    fact("class", word("class", &notice.class));
    // A segment that is the name of a customer is kept as the key of a word.
    fact("segment", notice.segment.as_ref().map(|segment| words(language, segment)));
    fact("side", word("side", &notice.side));
    fact("cause", word("cause", &notice.cause));
    fact("state", word("state", &Some(notice.state.clone())));
    fact("level", word("notify.level", &notice.level));
    fact("department", notice.department.clone());
    fact("since", notice.since.map(|since| since.format(INSTANT).to_string()));
    fact("restored", notice.restored_at.map(|at| at.format(INSTANT).to_string()));
    fact("customers", (notice.customers > 0).then(|| notice.customers.to_string()));
    let link = public_url.filter(|_| !notice.number.is_empty());
    Part {
        heading: one_line(&heading),
        sentence: one_line(&sentence),
        facts,
        link: link.map(|url| format!("{}/tickets/{}", url.trim_end_matches('/'), notice.number)),
    }
}

/// An event in words; one that has none yet by its name.
fn event_words(event: &str, language: Language) -> String {
    let key = format!("notify.event.{event}");
    let known = words(language, &key);
    if known == key { event.replace('_', " ") } else { known }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Text {
    /// Plain words, for mails and services without a markup.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut lines = Vec::new();
        if self.parts.len() > 1 {
            lines.push(self.title.clone());
        }
        for part in &self.parts {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(part.heading.clone());
            if !part.sentence.is_empty() {
                lines.push(part.sentence.clone());
            }
            lines.extend(part.facts.iter().map(|(label, value)| format!("{label}: {value}")));
            lines.extend(part.link.clone());
        }
        lines.join("\n")
    }
}

/// The begin of a text that fits into so many bytes, cut between two characters and marked.
#[must_use]
pub fn within(text: &str, most: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &text[..end])
}
