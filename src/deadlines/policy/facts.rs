//! What of a ticket decides which deadlines it has, and what happens to it that starts and stops them.

use serde::{Deserialize, Serialize};

/// Makes an enum whose names in files and outputs are their own in snake case, with all of them listed.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in files and outputs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The one of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

named! {
    /// What kind of work it is (tickets.md 4.1).
    Kind {
        /// A fault, found by measurement or reported for repair.
        Fault = "fault",
        /// A complaint.
        Complaint = "complaint",
        /// A question.
        Consultation = "consultation",
        /// A top-up.
        Recharge = "recharge",
        /// A follow-up call.
        FollowUp = "follow_up",
    }
}

named! {
    /// How urgent it is (R50).
    Urgency {
        /// Equipment stands, safety, core business.
        Urgent = "urgent",
        /// A function is abnormal, how to operate, a complaint without urgency.
        General = "general",
        /// Advice, survey, follow-up.
        Routine = "routine",
    }
}

named! {
    /// Level of a complaint, in order (R54, mission.md section 9).
    Level {
        /// 一般: a single user, no service lost.
        Blue = "blue",
        /// 重要: a single user out of service, or a second complaint.
        Yellow = "yellow",
        /// 严重: several users, a key account, or an own deadline missed.
        Orange = "orange",
        /// 重大: many users, the regulator, the media, safety.
        Red = "red",
        /// 特别重大: a province, or the law.
        RedPlus = "red_plus",
    }
}

named! {
    /// Who asks (R10).
    Caller {
        /// A customer.
        Existing = "existing",
        /// Wants to become one.
        Prospect = "prospect",
        /// Of doubtful identity.
        Doubtful = "doubtful",
        /// Looks for help on the internet.
        HelpSeeker = "help_seeker",
    }
}

named! {
    /// What happens to a ticket that starts, stops or voids a clock. The order is that of a ticket's life.
    Milestone {
        /// The customer's contact came in.
        Received = "received",
        /// It has a number (R29, R30).
        Registered = "registered",
        /// The right person was off duty; problem and contact were recorded (R22).
        OffDutyRecorded = "off_duty_recorded",
        /// That person replied.
        OwnerReplied = "owner_replied",
        /// An urgent demand that did not come by telephone is to be confirmed by it (R30).
        PhoneConfirmationOwed = "phone_confirmation_owed",
        /// The customer confirmed it on the telephone (R30).
        PhoneConfirmed = "phone_confirmed",
        /// The receipt went to the customer, or a first reply (R31).
        ReceiptSent = "receipt_sent",
        /// It is classified and assigned, with deadline and target (R51).
        Assigned = "assigned",
        /// The level of the complaint was set or changed (R54).
        LevelSet = "level_set",
        /// The customer was contacted by whoever handles it, for the first time on this level.
        FirstContact = "first_contact",
        /// The customer was answered (R50).
        Responded = "responded",
        /// The customer was contacted with an apology and a plan (R74).
        PlanTold = "plan_told",
        /// The customer was told how far it is (R75, R92).
        ProgressTold = "progress_told",
        /// A department was given work by a dispatch order or task (R40, R105).
        Dispatched = "dispatched",
        /// That work is done.
        DispatchDone = "dispatch_done",
        /// A carrier was told of its fault (R42).
        CarrierReported = "carrier_reported",
        /// The carrier gave a new time.
        CarrierEtaChanged = "carrier_eta_changed",
        /// The carrier has repaired it.
        CarrierRepaired = "carrier_repaired",
        /// A bridge solution serves the customer (mission.md section 9, red).
        BridgeInPlace = "bridge_in_place",
        /// The service is done, the trouble measured to be over.
        Resolved = "resolved",
        /// It came back, or the customer is not satisfied (R104).
        Reopened = "reopened",
        /// The result was told to the customer, who was asked to test (R76, R97).
        ResultTold = "result_told",
        /// The customer confirmed the result, or three attempts are on record (R77, R103).
        Confirmed = "confirmed",
        /// The complaint was answered in the regulator's sense.
        Answered = "answered",
        /// The regulator referred the case, with a date of its own.
        RegulatorReferred = "regulator_referred",
        /// The regulator was answered.
        RegulatorAnswered = "regulator_answered",
        /// Somebody became a customer.
        CustomerStarted = "customer_started",
        /// A follow-up is to be made (R78).
        FollowUpTriggered = "follow_up_triggered",
        /// It was made (R79).
        FollowUpDone = "follow_up_done",
        /// Its results are summarised (R79).
        FollowUpSummarised = "follow_up_summarised",
        /// A consultation began.
        ConsultationStarted = "consultation_started",
        /// It ended.
        ConsultationEnded = "consultation_ended",
        /// A month began: the report of the one before was made.
        MonthStarted = "month_started",
        /// The monthly summary is done (R81).
        MonthlySummaryDone = "monthly_summary_done",
        /// The improvement plan is done (R81).
        ImprovementPlanDone = "improvement_plan_done",
        /// It was rejected.
        Rejected = "rejected",
        /// It was cancelled or merged.
        Cancelled = "cancelled",
    }
}

named! {
    /// What a deadline is for; of several with the same purpose the strictest holds.
    Purpose {
        /// A number.
        Registration = "registration",
        /// An owner.
        Assignment = "assignment",
        /// An urgent demand confirmed by telephone.
        PhoneConfirmation = "phone_confirmation",
        /// A receipt.
        Receipt = "receipt",
        /// An answer to the demand.
        Response = "response",
        /// First contact on a level.
        FirstContact = "first_contact",
        /// Contact with apology and plan.
        Plan = "plan",
        /// News for the customer.
        Update = "update",
        /// The end of the trouble.
        Resolution = "resolution",
        /// The result told.
        Feedback = "feedback",
        /// The customer's word.
        Confirmation = "confirmation",
        /// A follow-up to be made.
        FollowUpTrigger = "follow_up_trigger",
        /// A follow-up made.
        FollowUp = "follow_up",
        /// Its summary.
        FollowUpSummary = "follow_up_summary",
        /// The monthly summary.
        MonthlySummary = "monthly_summary",
        /// The improvement plan.
        ImprovementPlan = "improvement_plan",
        /// A cap on a consultation.
        Consultation = "consultation",
        /// The answer that the regulator asks of any complaint.
        Answer = "answer",
        /// The answer to the regulator.
        RegulatorAnswer = "regulator_answer",
        /// Work between departments.
        Work = "work",
        /// A carrier's repair.
        CarrierRepair = "carrier_repair",
    }
}

impl Level {
    /// Whether reminders are sent at any hour: from orange on (tickets.md 7.2, rule 8).
    #[must_use]
    pub fn knows_no_closing_time(self) -> bool {
        self >= Self::Orange
    }
}

/// What of a ticket decides which deadlines it has; `None` is "not known yet" and matches no policy that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// What kind of work.
    pub kind: Option<Kind>,
    /// How urgent.
    pub urgency: Option<Urgency>,
    /// Level of a complaint.
    pub level: Option<Level>,
    /// Who asks.
    pub caller: Option<Caller>,
}

/// Which tickets a policy is for: every list that is not empty must hold the ticket's fact.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Kinds of work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<Kind>,
    /// Urgencies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urgency: Vec<Urgency>,
    /// Levels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub level: Vec<Level>,
    /// Callers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub caller: Vec<Caller>,
}

impl Match {
    /// Whether a ticket with these facts is meant.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> bool {
        fn among<T: PartialEq>(list: &[T], fact: Option<T>) -> bool {
            list.is_empty() || fact.is_some_and(|fact| list.contains(&fact))
        }
        among(&self.kind, facts.kind)
            && among(&self.urgency, facts.urgency)
            && among(&self.level, facts.level)
            && among(&self.caller, facts.caller)
    }
}
