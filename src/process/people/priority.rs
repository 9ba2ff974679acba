//! In which order work is done (R52, R55).

use chrono::{DateTime, Utc};
use linesman_deadlines::policy::{Kind, Level, Urgency};
use serde::Serialize;

/// A ticket as far as its place in the queue goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Work {
    /// Its number.
    pub ticket: String,
    /// What kind.
    pub kind: Kind,
    /// Level, of a complaint.
    pub level: Option<Level>,
    /// How urgent; not classified yet comes before routine.
    pub urgency: Option<Urgency>,
    /// When its next deadline is.
    pub due_at: Option<DateTime<Utc>>,
    /// When it came in.
    pub registered_at: DateTime<Utc>,
}

/// Sorts by what is to be done first: complaints before every other work (R55), among them the graver, then the
/// more urgent, then what is due sooner, then what came sooner.
pub fn in_order(works: &mut [Work]) {
    let urgency = |work: &Work| match work.urgency {
        Some(Urgency::Urgent) => 0,
        Some(Urgency::General) | None => 1,
        Some(Urgency::Routine) => 2,
    };
    works.sort_by_key(|work| {
        let is_other = work.kind != Kind::Complaint;
        let level = std::cmp::Reverse(work.level.filter(|_| !is_other));
        let due = work.due_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
        (is_other, level, urgency(work), due, work.registered_at, work.ticket.clone())
    });
}
