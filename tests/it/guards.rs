//! No sequence of deeds passes a guard: an independent model of the conditions says of each step of any sequence
//! whether it may happen, and the engine has to say the same.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use linesman::diagnosis::{Cause, Class};
use linesman::ticket::deed::Deed;
use linesman::ticket::process::{ContactPurpose, Liability, Method, Rating, RecordKind, WorkKind};
use linesman::ticket::{Channel, Event, State, TicketKind};
use linesman_deadlines::policy::{Level, Urgency};
use proptest::prelude::*;

use crate::case::{Case, assigned, at, confirmed_diagnosis, contacted, filed, intake, promised, solved};

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Classify { class: Class, level: Option<Level>, ours: bool, server: bool },
    Assign { late: bool },
    Accept { by_owner: bool },
    Contact { purpose: ContactPurpose, reached: bool, reply: bool },
    Ask,
    Hold(u8),
    WorkDone(u8),
    Resume,
    Claim,
    Verify(bool),
    Waive,
    File(RecordKind),
    Confirm,
    Solve,
    Report(bool),
    Agree { satisfied: bool, article: bool },
    Silent,
    Reopen,
    Level(Level),
    Reject,
    Promise(i64),
    Close,
}

/// What the model remembers, in its own words.
struct Model {
    kind: TicketKind,
    state: State,
    since: DateTime<Utc>,
    class: Option<Class>,
    level: Option<Level>,
    server: bool,
    fault_unclear: bool,
    /// Somebody has said once that it is ours.
    judged: bool,
    owned: bool,
    confirmed: bool,
    proof: Option<bool>,
    /// When, reached, with a time for the reply, purpose.
    calls: Vec<(DateTime<Utc>, bool, bool, ContactPurpose)>,
    works: Vec<(u8, bool)>,
    records: BTreeSet<RecordKind>,
    /// Due, and whether it was kept.
    promises: Vec<(DateTime<Utc>, bool)>,
}

/// Working days in China in the spring of 2026, by hand.
fn is_worked(day: NaiveDate) -> bool {
    let closed = [(4, 6), (5, 1), (5, 4), (5, 5)];
    let opened = [(5, 9)];
    let is = |list: &[(u32, u32)]| list.contains(&(day.month(), day.day()));
    is(&opened) || (!is(&closed) && !matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
}

impl Model {
    fn is_repair(&self) -> bool {
        matches!(self.kind, TicketKind::Complaint | TicketKind::Fault) && self.class != Some(Class::E)
    }

    fn is_final(&self) -> bool {
        matches!(self.state, State::Closed | State::Rejected | State::Cancelled)
    }

    fn in_hands(&self) -> bool {
        use State::{HeldExternal, HeldPlanned, InProgress, PendingCustomer};
        matches!(self.state, InProgress | PendingCustomer | HeldExternal | HeldPlanned)
    }

    fn told(&self, purpose: ContactPurpose) -> bool {
        self.calls.iter().any(|(_, reached, _, of)| *reached && *of == purpose)
    }

    fn may_solve(&self) -> bool {
        use ContactPurpose::{Answer, RechargeNotice};
        if !self.is_repair() {
            let answered = match self.kind {
                TicketKind::Recharge => {
                    self.records.contains(&RecordKind::FinanceOutcome) && self.told(RechargeNotice)
                }
                TicketKind::FollowUp => self.calls.iter().any(|(_, reached, ..)| *reached),
                _ => self.told(Answer),
            };
            return answered && matches!(self.state, State::InProgress | State::Verifying);
        }
        let needs =
            |class: Class, record: RecordKind| self.class != Some(class) || self.records.contains(&record);
        self.state == State::Verifying
            && self.proof.is_some()
            && self.confirmed
            && self.class.is_some()
            && (!self.server || self.records.contains(&RecordKind::MaintenanceRecord))
            && needs(Class::D, RecordKind::TestReview)
            && needs(Class::A, RecordKind::FinanceSignOff)
            && needs(Class::A, RecordKind::AccountingMethod)
            && self.works.iter().all(|(_, done)| *done)
            // Class E of a complaint and unlocated B, C, D have no segment in this model.
            && (self.server || self.class == Some(Class::A))
    }

    fn may(&self, step: &Step, now: DateTime<Utc>) -> bool {
        let complaint = self.kind == TicketKind::Complaint;
        match step {
            Step::Wait(_) => true,
            Step::Classify { class, level, server, .. } => {
                use State::{Assigned, Classified, InProgress, Registered, Reopened, Verifying};
                let fits = !*server || *class == Class::B;
                let graded = if complaint { level.or(self.level).is_some() } else { level.is_none() };
                matches!(self.state, Registered | Classified | Assigned | InProgress | Reopened | Verifying)
                    && fits
                    && graded
            }
            Step::Assign { late } => {
                let at_hand = matches!(self.state, State::Classified | State::Assigned | State::Reopened);
                (at_hand || self.in_hands()) && !late
            }
            Step::Accept { by_owner } => {
                let heard = self.calls.iter().any(|(_, reached, reply, _)| *reached && *reply);
                matches!(self.state, State::Assigned | State::Reopened)
                    && self.owned
                    && *by_owner
                    && (!complaint || heard)
            }
            Step::Contact { purpose, reply, .. } => {
                !matches!(self.state, State::Rejected | State::Cancelled)
                    && (*purpose != ContactPurpose::FirstResponse || !complaint || *reply)
                    // Nobody plans in this model, so that there is no plan to tell.
                    && (*purpose != ContactPurpose::Plan || !complaint)
            }
            Step::Ask => {
                self.in_hands() && self.calls.iter().any(|(at, reached, ..)| *reached && *at >= self.since)
            }
            Step::Hold(reference) => {
                self.in_hands()
                    && self.works.iter().all(|(known, _)| known != reference)
                    && self.promises.iter().any(|(due, kept)| !kept && now <= *due)
            }
            Step::WorkDone(reference) => !self.is_final() && self.works.contains(&(*reference, false)),
            Step::Resume => matches!(
                self.state,
                State::PendingCustomer | State::HeldExternal | State::HeldPlanned | State::Reopened
            ),
            Step::Claim => {
                use State::{HeldExternal, HeldPlanned, InProgress, Reopened};
                matches!(self.state, InProgress | HeldExternal | HeldPlanned | Reopened)
                    && self.class.is_some()
                    && (self.class != Some(Class::A) || self.records.contains(&RecordKind::Comparison))
            }
            Step::Verify(_) | Step::Waive => self.state == State::Verifying,
            Step::File(_) => !self.is_final(),
            Step::Confirm => !self.is_final() && self.class.is_some(),
            Step::Solve => self.may_solve(),
            Step::Report(asked) => self.state == State::Resolved && (*asked || !self.is_repair()),
            Step::Agree { satisfied, article } => {
                self.state == State::AwaitingConfirmation && *satisfied && self.is_kept(*article)
            }
            Step::Silent => {
                let days: BTreeSet<NaiveDate> = self
                    .calls
                    .iter()
                    .filter(|(at, reached, ..)| *at >= self.since && !*reached)
                    .map(|(at, ..)| (*at + TimeDelta::hours(8)).date_naive())
                    .filter(|day| is_worked(*day))
                    .collect();
                self.state == State::AwaitingConfirmation && days.len() >= 3 && self.is_kept(true)
            }
            Step::Reopen => {
                matches!(self.state, State::Resolved | State::AwaitingConfirmation | State::Settled)
            }
            Step::Level(level) => !self.is_final() && complaint && self.level != Some(*level),
            Step::Reject => {
                matches!(self.state, State::Registered | State::Classified)
                    && self.calls.iter().any(|(_, reached, ..)| *reached)
                    && !self.fault_unclear
                    && (!complaint || self.records.contains(&RecordKind::Evidence))
            }
            Step::Promise(hours) => !self.is_final() && *hours > 0,
            Step::Close => self.state == State::Settled,
        }
    }

    fn is_kept(&self, article: bool) -> bool {
        let asked = self.is_repair() && matches!(self.class, Some(Class::B | Class::C | Class::D));
        !asked || article || self.records.contains(&RecordKind::Knowledge)
    }

    /// What an allowed step changes.
    fn take(&mut self, step: &Step, now: DateTime<Utc>) {
        let before = self.state;
        match step {
            Step::Classify { class, level, ours, server } => {
                self.class = Some(*class);
                self.level = level.or(self.level);
                self.server = *server;
                self.judged |= *ours;
                self.fault_unclear = !self.judged;
                self.confirmed = false;
                if self.state == State::Registered {
                    self.state = State::Classified;
                }
            }
            Step::Assign { .. } => {
                self.owned = true;
                if self.state == State::Classified {
                    self.state = State::Assigned;
                }
            }
            Step::Accept { .. } | Step::Resume => self.state = State::InProgress,
            Step::Contact { purpose, reached, reply } => {
                self.calls.push((now, *reached, *reply, *purpose));
            }
            Step::Ask => self.state = State::PendingCustomer,
            Step::Hold(reference) => {
                self.works.push((*reference, false));
                self.state = State::HeldExternal;
            }
            Step::WorkDone(reference) => {
                for work in self.works.iter_mut().filter(|(known, _)| known == reference) {
                    work.1 = true;
                }
            }
            Step::Claim => {
                self.state = State::Verifying;
                self.proof = None;
            }
            Step::Verify(true) => self.proof = Some(true),
            Step::Verify(false) => {
                self.proof = None;
                self.state = State::InProgress;
            }
            Step::Waive => self.proof = Some(false),
            Step::File(kind) => drop(self.records.insert(*kind)),
            Step::Confirm => self.confirmed = true,
            Step::Solve => {
                self.state = State::Resolved;
                if self.proof == Some(true) {
                    self.promises.iter_mut().for_each(|(_, kept)| *kept = true);
                }
            }
            Step::Report(_) => {
                self.state = State::AwaitingConfirmation;
                self.calls.push((now, true, false, ContactPurpose::Result));
            }
            Step::Agree { .. } | Step::Silent => self.state = State::Settled,
            Step::Reopen => {
                self.state = State::Reopened;
                self.proof = None;
                if self.kind == TicketKind::Complaint {
                    let next = |level| Level::ALL.iter().copied().find(|other| *other > level);
                    self.level = self.level.map(|level| next(level).unwrap_or(level));
                }
            }
            Step::Level(level) => self.level = Some(*level),
            Step::Reject => self.state = State::Rejected,
            Step::Promise(hours) => self.promises.push((now + TimeDelta::hours(*hours), false)),
            Step::Close => self.state = State::Closed,
            Step::Wait(_) => {}
        }
        if self.state != before {
            self.since = now;
        }
    }
}

fn event(step: &Step, now: DateTime<Utc>, count: usize) -> Option<Event> {
    let why = || "because".to_owned();
    let deed = match step {
        Step::Wait(_) => return None,
        Step::Classify { class, level, ours, server } => Deed::Classified {
            class: *class,
            urgency: Urgency::General,
            level: *level,
            supervisor: None,
            liability: if *ours { Liability::Ours } else { Liability::Unclear },
            tags: Vec::new(),
            cause: server.then_some(Cause::ServerDown),
            segment: server.then(|| "server-1".to_owned()),
            side: None,
        },
        Step::Assign { late } => assigned(if *late { now - TimeDelta::days(2) } else { now }),
        Step::Accept { .. } => Deed::Accepted,
        Step::Contact { purpose, reached, reply } => {
            contacted(*purpose, *reached, reply.then(|| now + TimeDelta::hours(3)))
        }
        Step::Ask => Deed::AskedCustomer { next_contact_at: now + TimeDelta::hours(5) },
        Step::Hold(reference) => Deed::HeldExternal {
            kind: WorkKind::DispatchOrder,
            reference: format!("w-{reference}"),
            with: "noc".to_owned(),
            eta: now + TimeDelta::hours(5),
        },
        Step::WorkDone(reference) => Deed::WorkDone { reference: format!("w-{reference}"), result: why() },
        Step::Resume => Deed::Resumed { reason: why() },
        Step::Claim => Deed::RepairClaimed { what: why() },
        Step::Verify(passed) => Deed::Verified { passed: *passed, evidence: why() },
        Step::Waive => Deed::VerificationWaived { reason: why() },
        Step::File(kind) => filed(*kind),
        Step::Confirm => return Some(confirmed_diagnosis()),
        Step::Solve => solved(),
        Step::Report(asked_to_test) => {
            Deed::ResultReported { channel: Channel::Phone, asked_to_test: *asked_to_test, text_sha256: None }
        }
        Step::Agree { satisfied, article } => Deed::ConfirmationRecorded {
            rating: if *satisfied { Rating::Basically } else { Rating::Dissatisfied },
            method: Method::RecordedCall,
            reference: Some(why()),
            no_article_because: article.then(why),
        },
        Step::Silent => Deed::UnansweredRecorded { no_article_because: Some(why()) },
        Step::Reopen => Deed::ReopenedByPerson { reason: why() },
        Step::Level(level) => Deed::LevelChanged { level: *level, reason: why(), supervisor: None },
        Step::Reject => Deed::Rejected { reason: why() },
        Step::Promise(hours) => promised(&format!("p{count}"), now + TimeDelta::hours(*hours), None),
        Step::Close => return Some(Event::Closed),
    };
    Some(Event::from(deed))
}

/// The way on which everything goes well: a random start of it leads sequences into late states.
fn happy() -> Vec<Step> {
    vec![
        Step::Classify { class: Class::B, level: Some(Level::Blue), ours: true, server: true },
        Step::Assign { late: false },
        Step::Contact { purpose: ContactPurpose::FirstResponse, reached: true, reply: true },
        Step::Accept { by_owner: true },
        Step::Promise(9),
        Step::Claim,
        Step::Verify(true),
        Step::Confirm,
        Step::File(RecordKind::MaintenanceRecord),
        Step::Solve,
        Step::Report(true),
        Step::Agree { satisfied: true, article: true },
        Step::Close,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let class = prop::sample::select(vec![Class::A, Class::B, Class::C, Class::D, Class::E]);
    let level = || prop::sample::select(Level::ALL.to_vec());
    let purpose = prop::sample::select(ContactPurpose::ALL.to_vec());
    prop_oneof![
        2 => (1_i64..2_000).prop_map(Step::Wait),
        3 => (class, prop::option::of(level()), any::<bool>(), any::<bool>())
            .prop_map(|(class, level, ours, server)| Step::Classify { class, level, ours, server }),
        2 => any::<bool>().prop_map(|late| Step::Assign { late }),
        2 => prop::bool::weighted(0.8).prop_map(|by_owner| Step::Accept { by_owner }),
        5 => (purpose, any::<bool>(), any::<bool>())
            .prop_map(|(purpose, reached, reply)| Step::Contact { purpose, reached, reply }),
        1 => Just(Step::Ask),
        2 => (0_u8..4).prop_map(Step::Hold),
        2 => (0_u8..4).prop_map(Step::WorkDone),
        2 => Just(Step::Resume),
        3 => Just(Step::Claim),
        3 => any::<bool>().prop_map(Step::Verify),
        1 => Just(Step::Waive),
        4 => prop::sample::select(RecordKind::ALL.to_vec()).prop_map(Step::File),
        2 => Just(Step::Confirm),
        3 => Just(Step::Solve),
        2 => any::<bool>().prop_map(Step::Report),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(satisfied, article)| Step::Agree { satisfied, article }),
        1 => Just(Step::Silent),
        1 => Just(Step::Reopen),
        1 => level().prop_map(Step::Level),
        1 => Just(Step::Reject),
        2 => (0_i64..30).prop_map(Step::Promise),
        1 => Just(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_deeds_passes_a_guard(
        kind in prop::sample::select(TicketKind::ALL.to_vec()),
        well in 0_usize..13,
        then in prop::collection::vec(step(), 1..40),
    ) {
        let now = at("2026-03-02T01:00:00Z");
        let mut case = Case::registered(intake(kind, Channel::Phone, now), now).expect("registered");
        let mut model = Model {
            kind,
            state: State::Registered,
            since: now,
            class: None,
            level: None,
            server: false,
            fault_unclear: false,
            judged: false,
            owned: false,
            confirmed: false,
            proof: None,
            calls: Vec::new(),
            works: Vec::new(),
            records: BTreeSet::new(),
            promises: Vec::new(),
        };
        let mut begin = happy();
        begin.truncate(well);
        if kind != TicketKind::Complaint
            && let Some(Step::Classify { level, .. }) = begin.first_mut()
        {
            *level = None;
        }
        for (count, step) in begin.iter().chain(&then).enumerate() {
            case.after(if let Step::Wait(minutes) = step { *minutes } else { 7 });
            let Some(happens) = event(step, case.now, count) else { continue };
            let by = if matches!(step, Step::Accept { by_owner: false }) { "somebody" } else { "lin" };
            let done = case.tries(happens, by);
            let may = model.may(step, case.now);
            prop_assert_eq!(done.is_ok(), may, "{:?} in {:?}: {:?}", step, model.state, done.as_ref().err());
            if let Ok(ticket) = done {
                prop_assert!(case.ticket.state.may_become(ticket.state), "{:?} {:?}", case.ticket.state, step);
                model.take(step, case.now);
                prop_assert_eq!(ticket.state, model.state, "{:?}", step);
                prop_assert_eq!(ticket.process.level, model.level);
                case.ticket = ticket;
            }
        }
    }
}
