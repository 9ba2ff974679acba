//! What people have done about a ticket: who has it, contacts, work given away, promises, proof, its log for clocks.
//!
//! Everything here follows from the ticket's events and from nothing else. Deliberately absent: words that could
//! tell of a person; a contact's words are a [`TicketText`](super::registration::TicketText) kept apart.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use linesman_deadlines::clock::{ActionKey, LogEntry};
use linesman_deadlines::policy::{Level, Urgency};
use linesman_deadlines::promise::PromiseEvent;
use linesman_process::compensation::{Grant, Remedy};
use linesman_process::form::FormId;
use linesman_process::tree::Run;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TicketId;
use super::evidence::{Evidence, EvidenceKind};
use super::outage::CustomerText;
use super::people::{StandIn, StepUp};
use super::registration::named;
use super::route::RouteAction;

named! {
    /// Whose fault it is, as far as can be told (R35).
    Liability {
        /// Ours.
        Ours = "ours",
        /// Nobody's: explained with evidence (R33, R35).
        NoFault = "no_fault",
        /// Not clear: treated as ours, customer first (R35).
        Unclear = "unclear",
    }
}

named! {
    /// What a link that is sent to a customer is for.
    LinkPurpose {
        /// The customer confirms the result, or does not (R45, R103).
        Confirmation = "confirmation",
        /// The customer answers the survey (R46).
        Survey = "survey",
    }
}

named! {
    /// Whether whoever should have it is there (R22).
    Duty {
        /// He is.
        OnDuty = "on_duty",
        /// He is not: problem and contact are recorded, and he answers within 24 hours (R22, R69).
        OffDuty = "off_duty",
    }
}

named! {
    /// From whom a contact came.
    Direction {
        /// The customer contacted us.
        Inbound = "inbound",
        /// We contacted the customer.
        Outbound = "outbound",
    }
}

named! {
    /// What a contact was about (R31, R37, R95 to R97).
    ContactPurpose {
        /// The receipt: number and who handles it (R31).
        Receipt = "receipt",
        /// First words, and by when he hears (R37).
        FirstResponse = "first_response",
        /// Apology and plan (R74).
        Plan = "plan",
        /// How far it is (R75, R92).
        Progress = "progress",
        /// A question to him.
        Question = "question",
        /// The cause is found (R96).
        CauseFound = "cause_found",
        /// The promised time comes (R86, R96).
        PromiseDue = "promise_due",
        /// A measure is available (R96).
        MeasureAvailable = "measure_available",
        /// It is solved, and he is asked to test (R97).
        SolvedTestRequest = "solved_test_request",
        /// The result (R76, R95).
        Result = "result",
        /// The answer to a consultation.
        Answer = "answer",
        /// An apology (R88).
        Apology = "apology",
        /// The notice that a top-up was credited, or the money not received (R66).
        RechargeNotice = "recharge_notice",
        /// The regulator was answered.
        RegulatorAnswer = "regulator_answer",
    }
}

/// A contact with the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    /// When.
    pub at: DateTime<Utc>,
    /// Who of us.
    pub by: String,
    /// From whom.
    pub direction: Direction,
    /// How; the channels of R25.
    pub channel: super::Channel,
    /// What about.
    pub purpose: ContactPurpose,
    /// Whether he was reached; an attempt else.
    pub reached: bool,
    /// By when he was told he would hear (R37).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_by: Option<DateTime<Utc>>,
}

impl Contact {
    /// Whether we spoke to him.
    #[must_use]
    pub const fn told(&self) -> bool {
        matches!(self.direction, Direction::Outbound) && self.reached
    }
}

named! {
    /// Who works on a part of it (R40, R42, R93).
    WorkKind {
        /// A department, by a dispatch order.
        DispatchOrder = "dispatch_order",
        /// A carrier or vendor, by a repair report.
        CarrierRepair = "carrier_repair",
        /// A person, by a measure of the planned solution (R93).
        Task = "task",
    }
}

/// A time that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToldTime {
    /// When it was told.
    pub told_at: DateTime<Utc>,
    /// For when.
    pub eta: DateTime<Utc>,
}

/// Work given to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Work {
    /// What kind.
    pub kind: WorkKind,
    /// Its number, ours or the carrier's.
    pub reference: String,
    /// The department or carrier; of a task who is responsible for it.
    pub with: String,
    /// What is to be done, where it was said (R93).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// When it was given.
    pub given_at: DateTime<Utc>,
    /// By when it is to be done, each time as told then; the last one counts.
    pub etas: Vec<ToldTime>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<DateTime<Utc>>,
    /// What came of it (R42).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

named! {
    /// A record that has to be filed before some tickets may be resolved.
    RecordKind {
        /// Server maintenance record: fault and correction (R41).
        MaintenanceRecord = "maintenance_record",
        /// The technical manager has reviewed the tests of a line (R63).
        TestReview = "test_review",
        /// Finance has signed off (R59).
        FinanceSignOff = "finance_sign_off",
        /// The correct accounting method (R59).
        AccountingMethod = "accounting_method",
        /// What finance found of a remittance (R66).
        FinanceOutcome = "finance_outcome",
        /// Article of the knowledge base (R108).
        Knowledge = "knowledge",
        /// The comparison of the bills on the five dimensions (R58).
        Comparison = "comparison",
        /// Evidence of an investigation, or that a complaint is unfounded (R33, R91).
        Evidence = "evidence",
    }
}

named! {
    /// What kind of evidence it is (R91).
    EvidenceSource {
        /// A letter.
        Letter = "letter",
        /// The recording of a call.
        CallRecording = "call_recording",
        /// Records of messages.
        SmsRecord = "sms_record",
        /// The record of an order.
        OrderRecord = "order_record",
        /// The record of what was said or written between customer and company.
        CommunicationRecord = "communication_record",
        /// What the customer himself brings.
        CustomersOwn = "customers_own",
        /// A measurement.
        Measurement = "measurement",
    }
}

/// A record that was filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Which.
    pub kind: RecordKind,
    /// Of evidence, what kind (R91).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceSource>,
    /// Where it is: a number, a name, a hash.
    pub reference: String,
    /// Who filed it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// How it was shown that the trouble is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Whether it was measured; waived else.
    pub measured: bool,
    /// The measurement, or why it was waived.
    pub because: String,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What it was, and what was done (R95, R119).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resolution {
    /// The root cause.
    pub root_cause: String,
    /// What was done.
    pub solution: String,
}

named! {
    /// What the customer says of the result (R45).
    Rating {
        /// Satisfied.
        Satisfied = "satisfied",
        /// Basically satisfied.
        Basically = "basically",
        /// Dissatisfied.
        Dissatisfied = "dissatisfied",
    }
}

named! {
    /// How he confirmed (R103).
    Method {
        /// By his signature.
        Signature = "signature",
        /// By a signed link.
        Link = "link",
        /// In a recorded call.
        RecordedCall = "recorded_call",
    }
}

/// Who answers by a link, in the audit trail.
pub const BY_LINK: &str = "customer by link";

/// The customer's word on the result, or that he could not be reached (R77, R103).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confirmed {
    /// What he says; `None` when he did not answer three times.
    pub rating: Option<Rating>,
    /// How he said it.
    pub method: Option<Method>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A step of a planned solution: what, by when, by whom (R93).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What is done.
    #[schema(min_length = 1, max_length = 10000)]
    pub what: String,
    /// By when.
    pub by: DateTime<Utc>,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 64)]
    pub responsible: String,
}

/// A matter as those concerned see it (R93).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    /// As the customer sees it.
    #[schema(min_length = 1, max_length = 10000)]
    pub customer: String,
    /// As the staff sees it.
    #[schema(min_length = 1, max_length = 10000)]
    pub staff: String,
    /// As the company sees it.
    #[schema(min_length = 1, max_length = 10000)]
    pub company: String,
}

/// How a ticket is to be solved (R93, R94). Its measures are work of the ticket, of the kind `task`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// What kinds of solution it takes.
    #[schema(value_type = Vec<String>)]
    pub remedies: Vec<Remedy>,
    /// Why it is reasonable.
    pub analysis: Analysis,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What people have done about a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Process {
    /// Who took the customer's first contact and stays answerable (R96).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_owner: Option<String>,
    /// Who took it in and wrote it down (R16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_by: Option<String>,
    /// The department that has it (R43).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// How urgent (R50).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub urgency: Option<Urgency>,
    /// Level of a complaint (R54).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub level: Option<Level>,
    /// Who supervises it: changes with the level, never who handles it (R54, R126).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervisor: Option<String>,
    /// Tags of the second level (R49).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whose fault (R35).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liability: Option<Liability>,
    /// Whether the owner was there (R22).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duty: Option<Duty>,
    /// By when the owner is to have done it (R51).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime<Utc>>,
    /// What he is to reach (R51).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_text: Option<String>,
    /// When the customer is to be contacted next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_contact_at: Option<DateTime<Utc>>,
    /// Since when it is in its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_since: Option<DateTime<Utc>>,
    /// The ticket of the fault that explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<TicketId>,
    /// Somebody took its link away: it is not linked again by itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stands_alone: bool,
    /// Tickets that are part of it no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub split_into: Vec<TicketId>,
    /// The ticket that it was part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_from: Option<TicketId>,
    /// It stands for an outage that complaints told of.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_outage: bool,
    /// What customers are told of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_text: Option<CustomerText>,
    /// The ticket that goes on in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<TicketId>,
    /// The announced work that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// When the fault above it was over, until a measurement of this customer's path has said what that means for him.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault_over: Option<DateTime<Utc>>,
    /// When the customer was sent his receipt by Linesman (R31).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_sent_at: Option<DateTime<Utc>>,
    /// Events for which the customer was sent a link, by their numbers (R46, R103).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub links_sent: BTreeSet<i64>,
    /// Steps up, oldest first (R54, R88, R104).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub escalations: Vec<StepUp>,
    /// Whose it is while somebody stands in (R98).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<StandIn>,
    /// Forms that were filed, each with how often (R38 to R47).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub forms: BTreeMap<FormId, u32>,
    /// Files that prove what he agreed to, since it was last reopened (R90, R103).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What the customer gave in the last survey, by item, 1 to 10 (R46).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub survey: BTreeMap<String, u64>,
    /// Compensations that were granted (R113).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub grants: Vec<Grant>,
    /// Lines stopped, diverted, restored, or asked to be (R63).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteAction>,
    /// Walks through the decision trees, the newest last (R57, R64).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub walks: Vec<Run>,
    /// Contacts, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Contact>,
    /// Work given to others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<Work>,
    /// Records filed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// How it is to be solved, the newest plan last (R93, R94).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<Plan>,
    /// Since when something serves the customer until it is solved (R110).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridged_at: Option<DateTime<Utc>>,
    /// How it was shown to be over, since it was last claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// What it was and what was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// The customer's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmed>,
    /// What was promised, and what happened around it (R86, R96).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub promises: Vec<PromiseEvent>,
    /// What clocks are computed from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub log: Vec<LogEntry>,
    /// What clocks and promises asked for and got; never asked for twice.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub fired: BTreeSet<ActionKey>,
}

impl Process {
    /// Whether people have done nothing about it.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        *self == Self::default()
    }

    /// Files that prove a confirmation which came in this way.
    pub fn proofs_of(&self, method: Method) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter().filter(move |known| known.kind.proves(method))
    }

    /// How many files of a kind it has.
    #[must_use]
    pub fn evidence_of(&self, kind: EvidenceKind) -> usize {
        self.evidence.iter().filter(|known| known.kind == kind).count()
    }

    /// Whether a record of this kind was filed.
    #[must_use]
    pub fn has(&self, kind: RecordKind) -> bool {
        self.records.iter().any(|record| record.kind == kind)
    }

    /// Whether the customer was called on the telephone, reached or not (R30).
    #[must_use]
    pub fn was_called(&self) -> bool {
        let is_call = |contact: &Contact| {
            contact.channel == super::Channel::Phone && contact.direction == Direction::Outbound
        };
        self.contacts.iter().any(is_call)
    }

    /// Measures of plans that are not done.
    pub fn open_tasks(&self) -> impl Iterator<Item = &Work> {
        self.open_works().filter(|work| work.kind == WorkKind::Task)
    }

    /// Work that is not done.
    pub fn open_works(&self) -> impl Iterator<Item = &Work> {
        self.works.iter().filter(|work| work.done_at.is_none())
    }
}
