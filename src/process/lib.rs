//! The complaint-handling procedure, as far as it needs no database: R1 to R126 of mission.md where they decide,
//! compute or define.
//!
//! PURE: facts, tables and an instant come in; next questions, choices, amounts and pages go out. No clock, no
//! database, no file, no thread; tables come as text, with every mistake at its place.
//!
//! The map, in the order in which a complaint meets it:
//!
//! 1. [`tree`]: the decision trees as data, walked node by node, answered by measurements and people.
//! 2. [`level`]: how grave it is, who supervises, whether it is an escalated complaint.
//! 3. [`people`]: who is on duty, who gets it, to whom it goes next.
//! 4. [`compensation`]: what the customer is given, how it was computed, who may grant it.
//! 5. [`statistics`]: the month in exact counts, with its targets.
//! 6. [`form`]: the forms with every field, what is missing in one, and a page to print.
//!
//! # How a daemon uses it
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use linesman_process::level::{self, Fact, Facts};
//! use linesman_process::tree::{Answerer, Given, Measured, Run, Standing, Trees};
//! use linesman_process::{Language, Role};
//!
//! // A measurement has opened a ticket of class B: what it knows is answered, the rest waits for people.
//! let trees = Trees::shipped().ok_or("trees are shipped")?;
//! let at = "2026-03-02T09:00:00Z".parse()?;
//! let walked = [("B2", true), ("B4", true), ("B5", true)].map(|(node, answer)| Measured::new(node, answer));
//! let mut run = Run::from_path(trees, "B", &walked, "diagnosis 17", at)?;
//! let Standing::Asks(_, node) = run.standing(trees)? else { return Err("it waits".into()) };
//! assert_eq!((node.id.as_str(), node.text.get(Language::Chinese)), ("B8", "按服务器维护流程处理并修复；设备则予以维修"));
//!
//! // A person answers; what stands against it is told at once, each with its rule.
//! let by = Answerer::Person { name: "Li".to_owned(), roles: vec![Role::Technician], evidence: None };
//! let given = Given { answer: "done".to_owned(), by, details: BTreeMap::new(), at };
//! let refused = run.answer(trees, "B8", given).unwrap_err();
//! assert_eq!(refused[0].to_string(), "B8 asks also for `fault` (R41): Fault");
//!
//! // A complaint about it: its level by what is known.
//! let levels = level::defaults().ok_or("levels are shipped")?;
//! let judgement = levels.judge(&Facts::default().count(Fact::UsersAffected, 12));
//! assert_eq!((judgement.level.name(), judgement.supervisor), ("orange", Role::QualityManager));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Decisions
//!
//! - Actions are nodes too: they have one answer, `done`, and may ask for details, so that the path is whole.
//! - A run keeps the versions of all trees from its start; a version that is gone is an error that says so.
//! - What a measurement does not say is no answer: the walk waits there for a person.
//! - Rates are cut off, not rounded: 100 % is all of them. A part of a minor unit owed to a customer is rounded to
//!   the nearest, a half up.
//! - Chinese terms are the operator's own.

#[macro_use]
mod named;
pub mod compensation;
pub mod form;
pub mod level;
pub mod money;
pub mod people;
pub mod role;
pub mod statistics;
pub mod tag;
pub mod text;
pub mod tree;

pub use linesman_deadlines::Mistake;
pub use money::Money;
pub use role::Role;
pub use text::{Language, Text};
