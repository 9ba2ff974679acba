//! When things are due: calendars, deadlines, clocks, the table of policies, promises.
//!
//! PURE: a log, a calendar and an instant come in; due times, actions and explanations go out. No clock, no
//! database, no file, no thread; what is stored of a clock is its policy and the keys of what was done.
//!
//! The map, in the order in which a deadline comes about:
//!
//! 1. [`calendar`]: when it is worked. Several windows a day, holidays, make-up workdays; China's official
//!    years are shipped with their notices, years beyond are provisional; own calendars in TOML, feeds in
//!    iCalendar.
//! 2. [`fn@due`]: when something is due, by elapsed time, business minutes, working days or calendar days, with
//!    pauses; and the trace that explains it, in English and Chinese ([`due::words`]).
//! 3. [`policy`]: the table of deadlines, R67 to R88 and the regulator's clock, as data.
//! 4. [`clock`]: a policy on a ticket's log: how it stands, what is to be done now, each thing once.
//! 5. [`promise`]: times told to customers: warned of, contacted about, kept, renewed or broken.
//!
//! Around them: [`zone`] (the one file that speaks to the zone database), [`mistake`] (what is wrong in a file,
//! and where).
//!
//! # How a daemon uses it
//!
//! ```
//! use std::collections::BTreeSet;
//!
//! use linesman_deadlines::calendar::official;
//! use linesman_deadlines::clock::{Clock, ClockState, LogEntry};
//! use linesman_deadlines::policy::{self, Facts, Milestone, Urgency};
//!
//! let calendars = official::calendars();
//! let table = policy::defaults().ok_or("a table is shipped")?;
//! let facts = Facts { urgency: Some(Urgency::Urgent), ..Facts::default() };
//! let log = [LogEntry::happened("2026-03-02T09:00:00+08:00".parse()?, Milestone::Registered)];
//! let now = "2026-03-02T11:05:00+08:00".parse()?;
//! let mut overdue = Vec::new();
//! for policy in table.applicable(&facts) {
//!     let calendar = calendars.get(&policy.calendar).ok_or("the table names known calendars")?;
//!     let clock = Clock { policy, calendar, log: &log };
//!     let reading = clock.reading_now(now)?;
//!     if reading.is_some_and(|reading| reading.state == ClockState::Breached) {
//!         overdue.extend(clock.due_actions(now, None, &BTreeSet::new())?);
//!     }
//! }
//! let overdue: Vec<&str> = overdue.iter().map(|action| action.policy.as_str()).collect();
//! assert_eq!(overdue, ["assignment", "urgent-response"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Decisions
//!
//! - An instant is open when the clocks on the wall show a time within a window, and nothing else decides: so
//!   an hour that the clocks leave out counts nothing, and one that they show twice counts twice.
//! - A budget that is spent at the end of a window is due at that end. A clock is breached after its due time,
//!   not at it.
//! - A pause of a deadline in working days returns its time within windows, spent in windows after the close.
//! - No search goes further than ten years: a calendar that does not open is an error that says so.
//! - Zones come from the database that is compiled in, so that two machines never disagree.

pub mod calendar;
pub mod clock;
pub mod due;
pub mod mistake;
pub mod policy;
pub mod promise;
pub mod zone;

pub use calendar::{Calendar, Calendars};
pub use clock::{Action, ActionKey, Clock, ClockState, LogEntry, Reading};
pub use due::{Basis, Due, DueError, Interval, Span, due};
pub use mistake::Mistake;
pub use policy::{Policies, Policy};
pub use promise::Promise;
pub use zone::{Local, Zone};
