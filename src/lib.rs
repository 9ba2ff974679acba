//! Linesman measures a voice network, decides what is broken and where, opens the ticket that
//! says so with its evidence, and drives it to a close that is proven by measurement.
//!
//! The map, in the order in which a measurement travels:
//!
//! 1. **Measure.** The package [`linesman_probes`] measures and knows of nothing else.
//!    [`workers::measure`] calls its probes when they are due; [`workers::record`] keeps what they
//!    saw in [`live`], [`metrics`] and [`store`].
//! 2. **Diagnose.** [`inventory`] is the network as a graph. [`diagnosis`] is a pure function from
//!    frozen measurements to located faults, with a sentence for each branch taken;
//!    [`workers::analyse`] calls it.
//! 3. **Ticket.** [`ticket`] is the pure engine: states, guards, and the plan that makes wanted
//!    tickets exist; [`maintenance`] says what announced work withholds from it.
//!    [`workers::rendezvous`] carries the plan out through the one writer in [`store`].
//! 4. **Report.** [`http`] answers people (pages) and programs (API, live events, metrics); [`cli`]
//!    is the command line; [`locale`] holds every sentence in English and Chinese.
//!
//! Beside it, bills are reconciled: the package [`linesman_cdr`] pairs two sets of call records,
//! rates them and names the causes, purely; [`linesman_reconcile`] brings it files, threads and a
//! bound of memory, and writes the reports. [`bills`] takes files in and keeps them,
//! [`workers::reconcile`] has them compared, [`diagnosis::billing`] makes a fault of class A of the
//! answer, and the same rendezvous brings it before the tickets.
//!
//! Whoever is to be told is told by [`workers::notify`], in the words and forms of [`notify`].
//!
//! Voice is listened to by [`workers::voice`], through the engine of the package [`linesman_media`]; [`voice`] says purely
//! whose it is and which landing trunk spoils it.
//!
//! When things are due is the package [`linesman_deadlines`]: calendars with holidays, make-up workdays and
//! lunch breaks, clocks that pause, promises, the table of deadlines; purely. [`cli::deadline`] asks it.
//!
//! Who the customers are is personal data: [`privacy`] seals it before [`store`] keeps it, and masks it before
//! anybody is shown it.
//!
//! What a month of tickets comes to is [`statistics`]: a report that is frozen, counted again, and handed out.
//!
//! What was learnt of earlier cases is [`knowledge`]: drafts of solved tickets, what is alike, set phrases.
//!
//! What the complaint-handling procedure asks, chooses and computes is the package [`linesman_process`]: decision
//! trees, levels, people, compensation, statistics, forms; purely. [`cli::tree`] walks its trees. Which tables are in
//! force, the shipped ones or the operator's own, is [`procedure`].
//!
//! Around them: [`settings`] (one file, every mistake at once), [`clock`] and [`id`] (time and
//! chance as parameters), [`lifecycle`] (who owns the loops, how they stop), [`app`] (the wiring
//! diagram as code), [`reason`] (errors in one line), [`sim`] (the small carrier of the demo).
//!
//! What depends on what is checked by `tests/house`: `app` and `cli` on all; `http` and `workers`
//! on `store`; `store` on `ticket` and `diagnosis`; those on `inventory`; nothing on what is above
//! it.

pub mod app;
pub mod bills;
pub mod cli;
pub mod clock;
pub mod diagnosis;
pub mod http;
pub mod id;
pub mod inventory;
pub mod knowledge;
pub mod lifecycle;
pub mod live;
pub mod locale;
pub mod maintenance;
pub mod metrics;
pub mod notify;
pub mod privacy;
pub mod procedure;
pub mod reason;
pub mod settings;
pub mod sim;
pub mod statistics;
pub mod store;
pub mod ticket;
pub mod voice;
pub mod workers;
