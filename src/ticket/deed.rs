//! What people do to a ticket, and what its clocks ask for; the guards are in [`guard`](super::guard).
//!
//! No deed holds words that could tell of a person beyond what a reason or a solution needs; what is said in a
//! contact is kept apart and named by its SHA-256.

mod nature;
mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use linesman_deadlines::clock::ActionKey;
use linesman_deadlines::policy::{Level, Urgency};
use linesman_deadlines::promise::{Renews, Source};
use linesman_process::compensation::{Claim, Exclusion, Grant, Remedy};
use linesman_process::form::FormId;
use linesman_process::people::Reason;
use linesman_process::tree::{Place, Step};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::diagnosis::{Cause, Class, Side};

use super::evidence::EvidenceKind;
use super::process::{
    Analysis, ContactPurpose, Direction, Duty, EvidenceSource, Liability, LinkPurpose, Measure, Method,
    Rating, RecordKind, WorkKind,
};
use super::registration::named;
use super::route::RouteStep;
use super::{Channel, Registration, TicketId, TicketKind};

named! {
    /// What a clock or a promise asks for.
    Call {
        /// Remind whoever has it.
        Remind = "remind",
        /// The time has passed: to the supervisor, and the customer hears why, with an apology (R88).
        Breach = "breach",
        /// Begin what the time triggers (R78).
        Trigger = "trigger",
        /// Contact the customer now (R86, R96).
        Contact = "contact",
    }
}

/// What people do to a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// It was registered.
    Registered {
        /// What kind of work.
        kind: TicketKind,
        /// What was told.
        registration: Registration,
        /// Who stays answerable (R96).
        first_owner: String,
        /// Whose department.
        department: Option<String>,
        /// Level of a complaint, if known already.
        #[schema(value_type = Option<String>)]
        level: Option<Level>,
        /// The ticket of the fault that explains it.
        parent: Option<TicketId>,
        /// The ticket that it follows up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        follows: Option<TicketId>,
    },
    /// A person classified it (R48 to R54).
    Classified {
        /// The class.
        class: Class,
        /// How urgent.
        #[schema(value_type = String)]
        urgency: Urgency,
        /// Level of a complaint.
        #[schema(value_type = Option<String>)]
        level: Option<Level>,
        /// Who supervises; by the level unless stated.
        supervisor: Option<String>,
        /// Whose fault.
        liability: Liability,
        /// Tags of the second level.
        tags: Vec<String>,
        /// The cause, if known.
        cause: Option<Cause>,
        /// The element, if known.
        segment: Option<String>,
        /// Whose, if known.
        side: Option<Side>,
    },
    /// It was given to an owner (R22, R51).
    Assigned {
        /// To whom.
        owner: String,
        /// His department.
        department: Option<String>,
        /// By when.
        deadline: DateTime<Utc>,
        /// What he is to reach.
        target: String,
        /// Whether he is there.
        duty: Duty,
    },
    /// Its owner takes it.
    Accepted,
    /// The customer was contacted, or contacted us.
    Contacted {
        /// From whom.
        direction: Direction,
        /// How.
        channel: Channel,
        /// What about.
        purpose: ContactPurpose,
        /// Whether he was reached.
        reached: bool,
        /// How long it took.
        duration_s: u32,
        /// By when he was told he would hear (R37).
        reply_by: Option<DateTime<Utc>>,
        /// SHA-256 of what was said, kept apart.
        text_sha256: Option<String>,
    },
    /// It waits for the customer's answer.
    AskedCustomer {
        /// When he is contacted again.
        next_contact_at: DateTime<Utc>,
    },
    /// It waits for a department, a carrier or a vendor.
    HeldExternal {
        /// By what.
        kind: WorkKind,
        /// Its number.
        reference: String,
        /// Who does it.
        with: String,
        /// By when.
        eta: DateTime<Utc>,
    },
    /// Whoever does it gave a new time; promises that rest on it are renewed (R86).
    EtaChanged {
        /// Which work.
        reference: String,
        /// By when now.
        eta: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Work given away is done (R42, R105).
    WorkDone {
        /// Which.
        reference: String,
        /// What came of it.
        result: String,
    },
    /// It waits for announced work (R99).
    HeldPlanned {
        /// Which.
        window: String,
        /// Until when.
        until: DateTime<Utc>,
        /// The work was announced before the trouble: then the customer's clocks stand.
        announced: bool,
    },
    /// It is worked on again.
    Resumed {
        /// Why now.
        reason: String,
    },
    /// Somebody says that it is repaired; proof decides.
    RepairClaimed {
        /// What was done.
        what: String,
    },
    /// It was measured after the repair (R61).
    Verified {
        /// Whether it is over.
        passed: bool,
        /// Which measurement says so.
        evidence: String,
    },
    /// A manager does without a measurement.
    VerificationWaived {
        /// Why.
        reason: String,
    },
    /// A record was filed.
    RecordFiled {
        /// Which.
        kind: RecordKind,
        /// Of evidence, what kind (R91).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<EvidenceSource>,
        /// Where it is.
        reference: String,
    },
    /// It is planned how to solve it: what, by when, by whom, and why that is reasonable (R93, R94).
    SolutionPlanned {
        /// What kinds of solution it takes.
        #[schema(value_type = Vec<String>)]
        remedies: Vec<Remedy>,
        /// As customer, staff and company see it.
        analysis: Analysis,
        /// What is done; each becomes work of the ticket.
        measures: Vec<Measure>,
    },
    /// Something serves the customer until it is solved (R110).
    Bridged {
        /// What.
        what: String,
    },
    /// It is resolved: what it was and what was done (R95, R119).
    SolutionRecorded {
        /// The root cause.
        root_cause: String,
        /// What was done.
        solution: String,
    },
    /// The result was told to the customer (R76, R95, R97).
    ResultReported {
        /// How.
        channel: Channel,
        /// Whether he was asked to test.
        asked_to_test: bool,
        /// SHA-256 of what was said, kept apart.
        text_sha256: Option<String>,
    },
    /// The customer agrees (R77, R103).
    ConfirmationRecorded {
        /// What he says.
        rating: Rating,
        /// How he said it.
        method: Method,
        /// Where the signature or the recording is, when its file is not on the ticket.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// Why no article of the knowledge base came of it.
        no_article_because: Option<String>,
    },
    /// The customer was not reached three times on three working days (R77).
    UnansweredRecorded {
        /// Why no article of the knowledge base came of it.
        no_article_because: Option<String>,
    },
    /// It came back, or the customer does not agree (R104).
    ReopenedByPerson {
        /// Why.
        reason: String,
    },
    /// The level of a complaint changed (R54).
    LevelChanged {
        /// To which.
        #[schema(value_type = String)]
        level: Level,
        /// Why.
        reason: String,
        /// Who supervises now; by the level unless stated.
        supervisor: Option<String>,
    },
    /// It is no case of ours (R33, R36).
    Rejected {
        /// Why.
        reason: String,
    },
    /// Another ticket goes on in its place.
    Merged {
        /// Which.
        into: TicketId,
    },
    /// A fault's ticket explains it, or does not any more.
    Linked {
        /// Which; `None` takes the link away.
        parent: Option<TicketId>,
    },
    /// Another ticket was merged into this one: it answers to its keys too.
    Absorbed {
        /// Which.
        from: TicketId,
        /// Keys of its root cause, now and before.
        keys: Vec<String>,
    },
    /// Part of it goes on as a ticket of its own.
    SplitOff {
        /// Which.
        into: TicketId,
    },
    /// It was part of another ticket.
    SplitFrom {
        /// Which.
        from: TicketId,
    },
    /// So many customers complain of one element that it is an outage, measured or not.
    OutageDeclared {
        /// The element.
        segment: String,
        /// How many complaints there were.
        complaints: u32,
    },
    /// What customers are told of it, once each.
    CustomerTextSet {
        /// In English.
        en: String,
        /// In Chinese.
        zh: String,
    },
    /// A walk through the decision trees begins (R57, R64).
    WalkBegun {
        /// Where.
        #[schema(value_type = Object)]
        from: Place,
        /// Versions of all trees; it keeps them for its life.
        versions: BTreeMap<String, u32>,
        /// Why, when the walk before has not come to its end.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A question of the tree was answered, by a measurement or a person, or gone back to.
    Walked {
        /// Question, answer, who or what answered, where it leads.
        #[schema(value_type = Object)]
        step: Step,
    },
    /// The next superior supervises it (R54, R88, R104).
    Escalated {
        /// Who supervised before.
        from: Option<String>,
        /// Who does now.
        to: String,
        /// Why.
        #[schema(value_type = String)]
        reason: Reason,
        /// Who would have been next but is absent.
        passed_over: Vec<String>,
    },
    /// Its owner is absent, or back: another has it, or he again (R98).
    HandedOver {
        /// Who had it.
        from: String,
        /// Who has it.
        to: String,
        /// Until when; none when it is back.
        until: Option<DateTime<Utc>>,
    },
    /// A form was filed (R38 to R47).
    FormFiled {
        /// Which.
        #[schema(value_type = String)]
        form: FormId,
        /// How often by now.
        count: u32,
        /// SHA-256 of what was filled in, kept apart.
        sha256: String,
        /// Scores that were given, by field: of a survey what the month counts (R46, R116).
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        scores: BTreeMap<String, u64>,
    },
    /// A file was put there that proves what the customer agreed to (R90, R103).
    EvidenceAttached {
        /// What it proves.
        kind: EvidenceKind,
        /// Identity of the file, kept apart and sealed.
        file: String,
        /// SHA-256 of its content: with the file gone, still what it was.
        sha256: String,
        /// Bytes.
        size: u64,
        /// Media type, by its content.
        media_type: String,
    },
    /// A link was made by which the customer answers once, without a login (R46, R103).
    LinkMade {
        /// What for.
        #[schema(value_type = String)]
        purpose: LinkPurpose,
        /// Until when it is good.
        expires_at: DateTime<Utc>,
        /// Why no article of the knowledge base comes of the ticket, where he confirms (R108).
        no_article_because: String,
        /// SHA-256 of the secret in it, by which it is found.
        sha256: String,
    },
    /// The customer is compensated (R87, R113).
    CompensationGranted {
        /// What it rests on.
        #[schema(value_type = Object)]
        claim: Claim,
        /// Causes that could exclude it.
        #[schema(value_type = Vec<String>)]
        causes: Vec<Exclusion>,
        /// Rule, version, computation, amount, approver.
        #[schema(value_type = Object)]
        grant: Grant,
    },
    /// A step of stopping, diverting or restoring a line (R63).
    Routed {
        /// Number of the action within the ticket.
        number: u32,
        /// What happens to it.
        step: RouteStep,
    },
    /// A time was told to the customer (R86, R96).
    Promised {
        /// Its name within the ticket.
        id: String,
        /// What was promised.
        text: String,
        /// For when.
        due_at: DateTime<Utc>,
        /// Whose word it rests on.
        #[schema(value_type = String)]
        source: Source,
        /// Which promise it takes the place of, and why.
        #[schema(value_type = Option<Object>)]
        renews: Option<Renews>,
    },
    /// The customer was told of announced work that explains what he sees, and of its end: a promise (R86, R99).
    ToldOfWork {
        /// Which window.
        window: String,
        /// When service is back.
        ends_at: DateTime<Utc>,
        /// What customers are told.
        text: String,
    },
    /// The announced work got another end; promises that rest on it are renewed (R86).
    WorkMoved {
        /// Which window.
        window: String,
        /// When service is back now.
        ends_at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// The announced work is over and service is not back: what rests on it is broken (tickets.md 5.6).
    WorkOverran {
        /// Which window.
        window: String,
        /// Which measurement says so.
        evidence: String,
    },
    /// The fault above is over: the customer's own path decides what that means for him (tickets.md 5.4).
    FaultOver {
        /// The ticket above.
        parent: TicketId,
    },
    /// Whoever repairs the same fault on another ticket gave a new time; promises that rest on it are renewed (R86).
    EtaHeard {
        /// That other ticket.
        from: TicketId,
        /// By when now.
        eta: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Linesman sent the customer his receipt: the number and who answers him (R31).
    ReceiptSent {
        /// How.
        channel: Channel,
    },
    /// Linesman sent the customer a link that he answers by (R46, R103).
    LinkSent {
        /// What for.
        #[schema(value_type = String)]
        purpose: LinkPurpose,
        /// Number of the event that asked for it.
        event: i64,
    },
    /// The customer answered the survey about the ticket that this one follows up: the follow-up is made (R46, R79).
    SurveyAnswered {
        /// The ticket that he answered about.
        about: TicketId,
    },
    /// What was promised has happened.
    PromiseKept {
        /// Which.
        id: String,
        /// What proves it.
        evidence: String,
    },
    /// A clock asks for something; each thing once (R67 to R88).
    ClockCalled {
        /// Names it.
        #[schema(value_type = String)]
        key: ActionKey,
        /// Earlier ones that it makes idle.
        #[schema(value_type = Vec<String>)]
        overtakes: Vec<ActionKey>,
        /// What.
        call: Call,
        /// The policy.
        policy: String,
        /// The rule of the procedure.
        rule: String,
        /// When it is or was due.
        due_at: DateTime<Utc>,
        /// Who is told besides the owner.
        escalated_to: Option<String>,
    },
    /// A promise asks for something; each thing once (R86, R96).
    PromiseCalled {
        /// Names it.
        #[schema(value_type = String)]
        key: ActionKey,
        /// What.
        call: Call,
        /// Which promise; none for a point of the whole ticket.
        promise: Option<String>,
        /// Which point of R96.
        point: Option<String>,
        /// Since when.
        due_at: DateTime<Utc>,
        /// Who is told besides the owner.
        escalated_to: Option<String>,
    },
}

impl Deed {
    /// The type as stored; no event has the same.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Registered { .. } => "registered",
            Self::Classified { .. } => "classified",
            Self::Assigned { .. } => "assigned",
            Self::Accepted => "accepted",
            Self::Contacted { .. } => "contacted",
            Self::AskedCustomer { .. } => "asked_customer",
            Self::HeldExternal { .. } => "held_external",
            Self::EtaChanged { .. } => "eta_changed",
            Self::WorkDone { .. } => "work_done",
            Self::HeldPlanned { .. } => "held_planned",
            Self::Resumed { .. } => "resumed",
            Self::RepairClaimed { .. } => "repair_claimed",
            Self::Verified { .. } => "verified",
            Self::VerificationWaived { .. } => "verification_waived",
            Self::RecordFiled { .. } => "record_filed",
            Self::SolutionPlanned { .. } => "solution_planned",
            Self::Bridged { .. } => "bridged",
            Self::SolutionRecorded { .. } => "solution_recorded",
            Self::ResultReported { .. } => "result_reported",
            Self::ConfirmationRecorded { .. } => "confirmation_recorded",
            Self::UnansweredRecorded { .. } => "unanswered_recorded",
            Self::ReopenedByPerson { .. } => "reopened_by_person",
            Self::LevelChanged { .. } => "level_changed",
            Self::Rejected { .. } => "rejected",
            Self::Merged { .. } => "merged",
            Self::Linked { .. } => "linked",
            Self::Absorbed { .. } => "absorbed",
            Self::SplitOff { .. } => "split_off",
            Self::SplitFrom { .. } => "split_from",
            Self::OutageDeclared { .. } => "outage_declared",
            Self::CustomerTextSet { .. } => "customer_text_set",
            Self::WalkBegun { .. } => "walk_begun",
            Self::Walked { .. } => "walked",
            Self::Escalated { .. } => "escalated",
            Self::HandedOver { .. } => "handed_over",
            Self::FormFiled { .. } => "form_filed",
            Self::EvidenceAttached { .. } => "evidence_attached",
            Self::LinkMade { .. } => "link_made",
            Self::CompensationGranted { .. } => "compensation_granted",
            Self::Routed { step, .. } => step.name(),
            Self::Promised { .. } => "promised",
            Self::ToldOfWork { .. } => "told_of_work",
            Self::WorkMoved { .. } => "work_moved",
            Self::WorkOverran { .. } => "work_overran",
            Self::FaultOver { .. } => "fault_over",
            Self::EtaHeard { .. } => "eta_heard",
            Self::ReceiptSent { .. } => "receipt_sent",
            Self::LinkSent { .. } => "link_sent",
            Self::SurveyAnswered { .. } => "survey_answered",
            Self::PromiseKept { .. } => "promise_kept",
            Self::ClockCalled { .. } => "clock_called",
            Self::PromiseCalled { .. } => "promise_called",
        }
    }
}
