//! Which column holds what, and whether these make a call.

use thiserror::Error;

use super::NOWHERE;
use crate::format::{Role, SpanStyle};

/// Why a layout cannot be read by.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// No column for something that every call has.
    #[error(
        "no column is known to hold {what}; name it, for instance with --ours-columns or --theirs-columns"
    )]
    Missing {
        /// What.
        what: &'static str,
    },
    /// Two columns for one thing.
    #[error("columns {first} and {second} are both said to hold {role:?}; name one of them `ignored`")]
    Twice {
        /// What.
        role: Role,
        /// The first, from 1.
        first: usize,
        /// The second, from 1.
        second: usize,
    },
    /// A sign that cannot be one.
    #[error("`{sign}` cannot be the {what}; give one plain character that is no digit, quote or line end")]
    Sign {
        /// What for.
        what: &'static str,
        /// The sign.
        sign: char,
    },
    /// Two signs that are the same.
    #[error("`{0}` is said to be both decimal sign and thousands separator; name the right ones")]
    SameSigns(char),
    /// No such place.
    #[error("no time zone is called `{0}`; give a name like Asia/Shanghai or an offset like +08:00")]
    Zone(String),
}

/// Where the columns that matter stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) call_id: u16,
    pub(super) caller: u16,
    pub(super) callee: u16,
    pub(super) start: u16,
    pub(super) date: u16,
    pub(super) time_of_day: u16,
    pub(super) answer: u16,
    pub(super) end: u16,
    pub(super) talk: u16,
    pub(super) total: u16,
    pub(super) ring: u16,
    pub(super) billed: u16,
    pub(super) rate: u16,
    pub(super) amount: u16,
    pub(super) currency: u16,
    pub(super) gateway: u16,
    pub(super) account: u16,
    pub(super) disposition: u16,
    pub(super) kind: u16,
}

impl Columns {
    pub(super) fn of(columns: &[Role]) -> Result<Self, LayoutError> {
        let at = |role: Role| -> Result<u16, LayoutError> {
            let mut found = columns.iter().enumerate().filter(|(_, held)| **held == role).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(first), Some(second)) => {
                    Err(LayoutError::Twice { role, first: first + 1, second: second + 1 })
                }
                (Some(at), None) => Ok(u16::try_from(at).unwrap_or(NOWHERE)),
                (None, _) => Ok(NOWHERE),
            }
        };
        let columns = Self {
            call_id: at(Role::CallId)?,
            caller: at(Role::Caller)?,
            callee: at(Role::Callee)?,
            start: at(Role::Start)?,
            date: at(Role::StartDate)?,
            time_of_day: at(Role::StartTimeOfDay)?,
            answer: at(Role::Answer)?,
            end: at(Role::End)?,
            talk: at(Role::Talk)?,
            total: at(Role::Total)?,
            ring: at(Role::Ring)?,
            billed: at(Role::Billed)?,
            rate: at(Role::Rate)?,
            amount: at(Role::Amount)?,
            currency: at(Role::Currency)?,
            gateway: at(Role::Gateway)?,
            account: at(Role::Account)?,
            disposition: at(Role::Disposition)?,
            kind: at(Role::RecordKind)?,
        };
        let has = |column: u16| column != NOWHERE;
        let starts = has(columns.start) || has(columns.date) && has(columns.time_of_day);
        if !has(columns.callee) {
            return Err(LayoutError::Missing { what: "the called number (`callee`)" });
        }
        if !starts && !has(columns.answer) && !has(columns.end) {
            return Err(LayoutError::Missing { what: "a time (`start`, `answer` or `end`)" });
        }
        let lasts = has(columns.talk) || has(columns.total) || has(columns.billed);
        if !lasts && !(has(columns.end) && (starts || has(columns.answer))) {
            return Err(LayoutError::Missing { what: "a duration (`talk`, `total` or `billed`)" });
        }
        Ok(columns)
    }
}

/// Styles of the columns with durations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    pub(super) talk: SpanStyle,
    pub(super) total: SpanStyle,
    pub(super) ring: SpanStyle,
    pub(super) billed: SpanStyle,
}
