//! Dates on which the weekday does not tell: holidays, and weekends that are worked (tickets.md 7.1).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::window::Window;

/// Whether the date is worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideKind {
    /// Nobody works: a holiday.
    Closed,
    /// It is worked: a make-up workday, or a day with its own windows.
    Open,
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Published, or the operator's own decision.
    #[default]
    Official,
    /// Expected; what is computed with it is marked provisional.
    Provisional,
}

/// What holds on one date in place of its weekday's windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The date, on the clocks of the calendar's zone.
    pub date: NaiveDate,
    /// Whether it is worked.
    pub kind: OverrideKind,
    /// The windows of an open day; `None` for those of an ordinary make-up day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Vec<Window>>,
    /// Why, for people: the feast's name.
    pub reason: String,
    /// Where it stands: the notice's address, or a file.
    pub source: String,
    /// How sure it is.
    #[serde(default)]
    pub status: Status,
}

/// Overrides by date. The operator's own outweigh official ones, so that a new official notice never undoes
/// what he decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Overrides {
    official: BTreeMap<NaiveDate, Override>,
    own: BTreeMap<NaiveDate, Override>,
}

impl Overrides {
    /// What holds on a date, if not the weekday.
    #[must_use]
    pub fn on(&self, date: NaiveDate) -> Option<&Override> {
        self.own.get(&date).or_else(|| self.official.get(&date))
    }

    /// Adds an official one; a later one of the same date replaces it.
    pub fn add_official(&mut self, this: Override) {
        self.official.insert(this.date, this);
    }

    /// Adds one of the operator's own; a later one of the same date replaces it.
    pub fn add_own(&mut self, this: Override) {
        self.own.insert(this.date, this);
    }

    /// Takes all official ones of a year away, before its notice is read anew.
    pub fn forget_official(&mut self, covers: impl Fn(NaiveDate) -> bool) {
        self.official.retain(|date, _| !covers(*date));
    }

    /// All that hold, by date.
    pub fn iter(&self) -> impl Iterator<Item = &Override> {
        let hidden = |date: &NaiveDate| self.own.contains_key(date);
        let mut all: Vec<&Override> = self.own.values().collect();
        all.extend(self.official.values().filter(|this| !hidden(&this.date)));
        all.sort_by_key(|this| this.date);
        all.into_iter()
    }

    /// The last date that one opens, if any does.
    #[must_use]
    pub fn last_open(&self) -> Option<NaiveDate> {
        let opens = |this: &&Override| this.kind == OverrideKind::Open;
        self.own.values().chain(self.official.values()).filter(opens).map(|this| this.date).max()
    }
}
