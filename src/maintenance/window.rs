//! One window of announced work.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inventory::Inventory;
use crate::ticket::Actor;

/// Longest window: longer work is a change of the network, and belongs into the settings.
pub const LONGEST: TimeDelta = TimeDelta::days(31);
/// Work may be announced when it has begun, but not after the fact: nobody hides a fault by it.
pub const LATEST_NOTICE: TimeDelta = TimeDelta::minutes(5);
/// Elements named in one window.
pub const MOST_ELEMENTS: usize = 100;
/// Characters of a text.
pub const LONGEST_TEXT: usize = 1_000;

/// Where a window is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Has not begun.
    Planned,
    /// Now.
    Running,
    /// Over.
    Ended,
    /// Called off.
    Cancelled,
}

impl Phase {
    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a person did to a window; its trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// Announced it.
    Announced {
        /// When.
        at: DateTime<Utc>,
        /// Who.
        by: Actor,
    },
    /// Gave it another end.
    Moved {
        /// When.
        at: DateTime<Utc>,
        /// Who.
        by: Actor,
        /// The end before.
        from: DateTime<Utc>,
        /// The end now.
        to: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Called it off.
    Cancelled {
        /// When.
        at: DateTime<Utc>,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
}

/// Work that somebody wants to announce.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWindow {
    /// Elements of the inventory that are worked on; all that depend on them are covered too.
    #[schema(min_items = 1, max_items = 100)]
    pub elements: Vec<String>,
    /// When it begins; now unless stated.
    #[serde(default)]
    pub starts_at: Option<DateTime<Utc>>,
    /// When service is back: also what customers are told.
    pub ends_at: DateTime<Utc>,
    /// What is done, for the operator's people.
    #[schema(min_length = 1, max_length = 1000)]
    pub text: String,
    /// What customers are told, if something else.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub customer_text: Option<String>,
}

/// Announced work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    /// Identity.
    pub id: String,
    /// Elements that are worked on.
    pub elements: Vec<String>,
    /// Beginning.
    pub starts_at: DateTime<Utc>,
    /// End, exclusive.
    pub ends_at: DateTime<Utc>,
    /// What is done.
    pub text: String,
    /// What customers are told.
    pub customer_text: Option<String>,
    /// When it was called off.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Counts changes; the entity tag over HTTP.
    pub version: i64,
    /// What people did to it, oldest first.
    pub changes: Vec<Change>,
}

/// Why a window cannot be as somebody wants it: the field and the name of the sentence (`api.field`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// JSON pointer to the field.
    pub pointer: String,
    /// Name of the sentence.
    pub code: &'static str,
    /// What the sentence speaks of: the name of a place in it and what stands there.
    pub argument: Option<(&'static str, String)>,
}

impl Unfit {
    fn at(pointer: &str, code: &'static str) -> Self {
        Self { pointer: pointer.to_owned(), code, argument: None }
    }

    fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.argument = Some((name, value.to_string()));
        self
    }
}

fn text_flaw(pointer: &str, text: &str) -> Option<Unfit> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > LONGEST_TEXT {
        return Some(Unfit::at(pointer, "text_length").with("most", LONGEST_TEXT));
    }
    let forbidden = |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
    text.contains(forbidden).then(|| Unfit::at(pointer, "control"))
}

impl NewWindow {
    /// The window, announced now.
    ///
    /// # Errors
    /// Everything that is unfit about it, at once.
    pub fn announced(
        self,
        id: String,
        inventory: &Inventory,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Window, Vec<Unfit>> {
        let starts_at = self.starts_at.unwrap_or(now);
        let mut unfit = Vec::new();
        if self.elements.is_empty() || self.elements.len() > MOST_ELEMENTS {
            unfit.push(Unfit::at("/elements", "window_elements").with("most", MOST_ELEMENTS));
        }
        for (place, name) in self.elements.iter().enumerate().take(MOST_ELEMENTS) {
            if inventory.find(name).is_none() {
                let shown: String =
                    name.chars().filter(|character| !character.is_control()).take(64).collect();
                let pointer = format!("/elements/{place}");
                unfit.push(Unfit::at(&pointer, "unknown_segment").with("value", shown));
            }
        }
        if starts_at < now - LATEST_NOTICE {
            unfit.push(Unfit::at("/starts_at", "window_after_the_fact"));
        }
        if self.ends_at <= now || self.ends_at <= starts_at || self.ends_at - starts_at > LONGEST {
            unfit.push(Unfit::at("/ends_at", "window_end"));
        }
        unfit.extend(text_flaw("/text", &self.text));
        unfit.extend(self.customer_text.as_deref().and_then(|text| text_flaw("/customer_text", text)));
        if !unfit.is_empty() {
            return Err(unfit);
        }
        let mut elements = self.elements;
        elements.sort_unstable();
        elements.dedup();
        Ok(Window {
            id,
            elements,
            starts_at,
            ends_at: self.ends_at,
            text: self.text,
            customer_text: self.customer_text,
            cancelled_at: None,
            version: 1,
            changes: vec![Change::Announced { at: now, by }],
        })
    }
}

impl Window {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self, now: DateTime<Utc>) -> Phase {
        if self.cancelled_at.is_some() {
            return Phase::Cancelled;
        }
        match now {
            now if now < self.starts_at => Phase::Planned,
            now if now < self.ends_at => Phase::Running,
            _ => Phase::Ended,
        }
    }

    /// It ends at another time: work takes longer, or is done.
    ///
    /// # Errors
    /// When it is over or called off, or the end makes no sense.
    pub fn moved(
        &self,
        to: DateTime<Utc>,
        reason: String,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Self, Vec<Unfit>> {
        let mut unfit = Vec::new();
        if !matches!(self.phase(now), Phase::Planned | Phase::Running) {
            unfit.push(Unfit::at("", "window_is_over"));
        }
        if to < now || to <= self.starts_at || to - self.starts_at > LONGEST {
            unfit.push(Unfit::at("/ends_at", "window_end"));
        }
        unfit.extend(text_flaw("/reason", &reason));
        if !unfit.is_empty() {
            return Err(unfit);
        }
        let mut next = self.clone();
        next.changes.push(Change::Moved { at: now, by, from: self.ends_at, to, reason });
        next.ends_at = to;
        next.version += 1;
        Ok(next)
    }

    /// It is called off; what it withheld is told of at once.
    ///
    /// # Errors
    /// When it is over or called off already, or nobody says why.
    pub fn cancelled(&self, reason: String, by: Actor, now: DateTime<Utc>) -> Result<Self, Vec<Unfit>> {
        let mut unfit = Vec::new();
        if !matches!(self.phase(now), Phase::Planned | Phase::Running) {
            unfit.push(Unfit::at("", "window_is_over"));
        }
        unfit.extend(text_flaw("/reason", &reason));
        if !unfit.is_empty() {
            return Err(unfit);
        }
        let mut next = self.clone();
        next.changes.push(Change::Cancelled { at: now, by, reason });
        next.cancelled_at = Some(now);
        next.version += 1;
        Ok(next)
    }
}
