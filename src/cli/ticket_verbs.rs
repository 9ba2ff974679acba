//! The verbs of `linesman ticket` for tickets that people registered: what each sends to the daemon.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::ticket::TicketNumber;

/// Registering.
#[derive(Debug, clap::Args)]
pub(super) struct NewTicket {
    /// fault, complaint, consultation, recharge or follow_up
    #[arg(long)]
    kind: String,
    /// How it came in: phone, online_service, walk_in, email, regulator, ...
    #[arg(long)]
    channel: String,
    /// What the customer says
    #[arg(long)]
    description: String,
    /// Identity of the customer, or his name in linesman.toml
    #[arg(long, conflicts_with_all = ["account", "phone", "email", "name", "create"])]
    customer: Option<String>,
    /// Identity of his contact
    #[arg(long, requires = "customer")]
    contact: Option<String>,
    /// Look the customer up by his name in linesman.toml
    #[arg(long)]
    account: Option<String>,
    /// Look the customer up by the telephone number that he calls from, however it is written
    #[arg(long)]
    phone: Option<String>,
    /// Look the customer up by his e-mail address
    #[arg(long)]
    email: Option<String>,
    /// Name of the caller, if he is registered now
    #[arg(long, requires = "create")]
    name: Option<String>,
    /// Register the customer with the ticket when nobody is found
    #[arg(long)]
    create: bool,
    /// Who asks: existing, prospect, doubtful or help_seeker
    #[arg(long)]
    caller: Option<String>,
    /// What of the network he uses, by its name in the inventory
    #[arg(long)]
    element: Option<String>,
    /// urgent, general or routine
    #[arg(long, default_value = "general")]
    urgency: String,
    /// Level of a complaint: blue, yellow, orange, red or red_plus
    #[arg(long)]
    level: Option<String>,
    /// What a complaint is about: product, service, price, logistics or after_sales
    #[arg(long)]
    nature: Option<String>,
    /// A tag of the second level, as `linesman config table tags` lists them; may be repeated
    #[arg(long = "tag")]
    tags: Vec<String>,
    /// The symptom
    #[arg(long, default_value = "")]
    symptom: String,
    /// How often it happens
    #[arg(long, default_value = "")]
    frequency: String,
    /// What he has tried already
    #[arg(long, default_value = "")]
    tried: String,
    /// Where it happened
    #[arg(long, default_value = "")]
    place: String,
    /// By when he expects it solved
    #[arg(long, value_name = "TIME")]
    expected_by: Option<DateTime<Utc>>,
    /// By when he was told that it is over: a promise
    #[arg(long, value_name = "TIME")]
    promise_by: Option<DateTime<Utc>>,
    /// What was promised; that service is restored unless stated
    #[arg(long, requires = "promise_by", value_name = "TEXT")]
    promise: Option<String>,
    /// Number of the regulator's case
    #[arg(long, requires = "referral_due", value_name = "NUMBER")]
    referral_case: Option<String>,
    /// By when the regulator wants its answer
    #[arg(long, requires = "referral_case", value_name = "TIME")]
    referral_due: Option<DateTime<Utc>>,
    /// When his contact came in; now unless stated
    #[arg(long, value_name = "TIME")]
    received_at: Option<DateTime<Utc>>,
    /// Model of the product
    #[arg(long)]
    product_model: Option<String>,
    /// Who stays answerable; whoever registers unless stated
    #[arg(long)]
    first_owner: Option<String>,
    /// The department that has it
    #[arg(long)]
    department: Option<String>,
    /// Id of the closed ticket that this one goes on from
    #[arg(long)]
    follows: Option<String>,
    /// Never below a ticket of its own accord
    #[arg(long)]
    stand_alone: bool,
    /// Name of this registration: sent again it makes no second ticket
    #[arg(long)]
    pub(super) key: Option<String>,
}

impl NewTicket {
    /// What is sent.
    pub(super) fn body(&self) -> Value {
        let customer =
            self.customer.as_ref().map(|customer| json!({ "customer": customer, "contact": self.contact }));
        let promise = self.promise_by.map(|due_at| json!({ "due_at": due_at, "text": self.promise }));
        let referral = self.referral_case.as_ref().zip(self.referral_due);
        let referral = referral.map(|(case, due_at)| json!({ "case": case, "due_at": due_at }));
        json!({
            "promise": promise, "referral": referral,
            "kind": self.kind, "channel": self.channel, "customer": customer, "who": self.who(), "caller": self.caller,
            "element": self.element, "urgency": self.urgency, "level": self.level, "nature": self.nature,
            "tags": self.tags, "expected_by": self.expected_by, "received_at": self.received_at,
            "product_model": self.product_model, "first_owner": self.first_owner,
            "department": self.department, "follows": self.follows, "stand_alone": self.stand_alone,
            "words": {
                "description": self.description, "symptom": self.symptom, "frequency": self.frequency,
                "tried": self.tried, "place": self.place,
            },
        })
    }
}

impl NewTicket {
    /// Who calls, where no id names him.
    fn who(&self) -> Option<Value> {
        if self.account.is_none() && self.phone.is_none() && self.email.is_none() && !self.create {
            return None;
        }
        let contact = [("name", &self.name), ("phone", &self.phone), ("email", &self.email)];
        let contact = contact.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        let contact: serde_json::Map<String, Value> =
            contact.map(|(key, value)| (key.to_owned(), json!(value))).collect();
        let contact = (!contact.is_empty()).then_some(contact);
        Some(json!({ "account": self.account, "contact": contact, "create": self.create }))
    }
}

/// What can be done to a ticket that people registered.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Classify it
    Classify {
        /// Its number
        ticket: TicketNumber,
        /// A (billing), B (network), C (device), D (voice quality) or E (consultation)
        #[arg(long)]
        class: String,
        /// urgent, general or routine
        #[arg(long, default_value = "general")]
        urgency: String,
        /// Level of a complaint
        #[arg(long)]
        level: Option<String>,
        /// ours, no_fault or unclear
        #[arg(long, default_value = "unclear")]
        liability: String,
        /// A tag of the second level; may be repeated. Those of the registration stay unless some are named
        #[arg(long = "tag")]
        tags: Vec<String>,
        /// The cause, if known
        #[arg(long)]
        cause: Option<String>,
        /// The element, if known
        #[arg(long)]
        segment: Option<String>,
        /// Whose it is, if known
        #[arg(long)]
        side: Option<String>,
    },
    /// Give it to an owner
    Assign {
        /// Its number
        ticket: TicketNumber,
        /// To whom
        #[arg(long)]
        owner: String,
        /// By when
        #[arg(long, value_name = "TIME")]
        deadline: DateTime<Utc>,
        /// What he is to reach
        #[arg(long)]
        target: String,
        /// He is not there: he answers within 24 hours
        #[arg(long)]
        off_duty: bool,
        /// His department
        #[arg(long)]
        department: Option<String>,
    },
    /// Accept it, as its owner
    Accept {
        /// Its number
        ticket: TicketNumber,
    },
    /// Log a contact with the customer
    Contact {
        /// Its number
        ticket: TicketNumber,
        /// receipt, first_response, plan, progress, question, cause_found, promise_due, measure_available,
        /// solved_test_request, answer, apology, recharge_notice or regulator_answer
        #[arg(long)]
        purpose: String,
        /// How
        #[arg(long, default_value = "phone")]
        channel: String,
        /// The customer contacted us
        #[arg(long)]
        inbound: bool,
        /// He was not reached
        #[arg(long)]
        not_reached: bool,
        /// By when he was told he would hear
        #[arg(long, value_name = "TIME")]
        reply_by: Option<DateTime<Utc>>,
        /// Seconds that it took
        #[arg(long, default_value_t = 0)]
        seconds: u32,
        /// What was said
        #[arg(long)]
        text: Option<String>,
    },
    /// Wait for the customer's answer
    Ask {
        /// Its number
        ticket: TicketNumber,
        /// When he is contacted again
        #[arg(long, value_name = "TIME")]
        next_contact: DateTime<Utc>,
    },
    /// Wait for a department or carrier
    Hold {
        /// Its number
        ticket: TicketNumber,
        /// dispatch_order or carrier_repair
        #[arg(long)]
        kind: String,
        /// Its number
        #[arg(long)]
        reference: String,
        /// Who does it
        #[arg(long)]
        with: String,
        /// By when
        #[arg(long, value_name = "TIME")]
        eta: DateTime<Utc>,
    },
    /// Say that work given away is done
    WorkDone {
        /// Its number
        ticket: TicketNumber,
        /// Number of the work
        #[arg(long)]
        reference: String,
        /// What came of it
        #[arg(long)]
        result: String,
    },
    /// Work on it again
    Resume {
        /// Its number
        ticket: TicketNumber,
        /// Why now
        reason: String,
    },
    /// Promise the customer a time
    Promise {
        /// Its number
        ticket: TicketNumber,
        /// A name for it within the ticket
        #[arg(long)]
        id: String,
        /// For when
        #[arg(long, value_name = "TIME")]
        due: DateTime<Utc>,
        /// What is promised
        #[arg(long)]
        text: String,
        /// It rests on a carrier's time
        #[arg(long)]
        carrier: bool,
        /// The promise that it takes the place of
        #[arg(long, requires = "reason")]
        renews: Option<String>,
        /// Why there is a new time
        #[arg(long)]
        reason: Option<String>,
    },
    /// Say that it is repaired
    Claim {
        /// Its number
        ticket: TicketNumber,
        /// What was done
        what: String,
    },
    /// Say what a measurement after the repair shows
    Verify {
        /// Its number
        ticket: TicketNumber,
        /// Which measurement
        evidence: String,
        /// It is not over
        #[arg(long)]
        failed: bool,
    },
    /// Do without a measurement (managers)
    Waive {
        /// Its number
        ticket: TicketNumber,
        /// Why
        reason: String,
    },
    /// File a record
    Record {
        /// Its number
        ticket: TicketNumber,
        /// maintenance_record, test_review, finance_sign_off, accounting_method, finance_outcome, knowledge,
        /// comparison or evidence
        #[arg(long)]
        kind: String,
        /// Of evidence, what kind: letter, call_recording, sms_record, order_record, communication_record,
        /// customers_own or measurement
        #[arg(long, value_name = "KIND")]
        evidence: Option<String>,
        /// Where it is
        #[arg(long)]
        reference: String,
    },
    /// Plan how to solve it: what kind of solution, seen by whom in which way, what is done by when by whom
    Plan {
        /// Its number
        ticket: TicketNumber,
        /// apology, refund, compensation, replacement, correction, discount, service_change, redo_service,
        /// extended_warranty or gift_service; may be repeated
        #[arg(long = "remedy", required = true)]
        remedies: Vec<String>,
        /// As the customer sees it
        #[arg(long)]
        customer: String,
        /// As the staff sees it
        #[arg(long)]
        staff: String,
        /// As the company sees it
        #[arg(long)]
        company: String,
        /// A measure: TIME, who is responsible and what is done, as "2026-12-01T18:00:00+08:00 tom change the port";
        /// may be repeated
        #[arg(long = "measure", required = true, value_parser = measure)]
        measures: Vec<Value>,
    },
    /// Say what serves the customer of a red complaint until it is solved
    Bridge {
        /// Its number
        ticket: TicketNumber,
        /// What
        what: String,
    },
    /// Resolve it
    Solve {
        /// Its number
        ticket: TicketNumber,
        /// The root cause
        #[arg(long, default_value = "")]
        root_cause: String,
        /// What was done
        #[arg(long)]
        solution: String,
    },
    /// Log that the result was told to the customer
    Result {
        /// Its number
        ticket: TicketNumber,
        /// How
        #[arg(long, default_value = "phone")]
        channel: String,
        /// He was asked to test
        #[arg(long)]
        asked_to_test: bool,
        /// Care advice after a repair, or the guide beside an answer, in place of the usual one
        #[arg(long)]
        advice: Option<String>,
    },
    /// Record that the customer agrees
    ConfirmResult {
        /// Its number
        ticket: TicketNumber,
        /// satisfied, basically or dissatisfied
        #[arg(long)]
        rating: String,
        /// signature or recorded_call
        #[arg(long)]
        method: String,
        /// Where it is kept, when its file is not on the ticket (`linesman ticket attach`)
        #[arg(long)]
        reference: Option<String>,
        /// Why no article of the knowledge base came of it
        #[arg(long)]
        no_article_because: Option<String>,
    },
    /// Reopen it
    Reopen {
        /// Its number
        ticket: TicketNumber,
        /// Why
        reason: String,
    },
    /// Change the level of a complaint
    Level {
        /// Its number
        ticket: TicketNumber,
        /// To which
        #[arg(long)]
        level: String,
        /// Why
        reason: String,
    },
    /// Reject what is no case of ours (managers)
    Reject {
        /// Its number
        ticket: TicketNumber,
        /// Why
        reason: String,
    },
}

/// A measure of a plan as it is typed: a time, who is responsible, what is done.
fn measure(typed: &str) -> Result<Value, String> {
    let example = "write TIME WHO WHAT, as \"2026-12-01T18:00:00+08:00 tom change the port\"";
    let mut words = typed.splitn(3, char::is_whitespace).filter(|word| !word.trim().is_empty());
    let (Some(by), Some(responsible), Some(what)) = (words.next(), words.next(), words.next()) else {
        return Err(example.to_owned());
    };
    let by: DateTime<Utc> = by.parse().map_err(|error| format!("`{by}` is no time ({error}); {example}"))?;
    Ok(json!({ "by": by, "responsible": responsible, "what": what.trim() }))
}

impl Verb {
    /// Which ticket, the verb in the address, and what is sent.
    pub(super) fn request(&self) -> (TicketNumber, &'static str, Value) {
        match self {
            Self::Classify { ticket, class, urgency, level, liability, tags, cause, segment, side } => {
                let body = json!({
                    "class": class, "urgency": urgency, "level": level, "liability": liability, "tags": tags,
                    "cause": cause, "segment": segment, "side": side,
                });
                (*ticket, "classify", body)
            }
            Self::Assign { ticket, owner, deadline, target, off_duty, department } => {
                let duty = if *off_duty { "off_duty" } else { "on_duty" };
                let body = json!({
                    "owner": owner, "deadline": deadline, "target": target, "duty": duty,
                    "department": department,
                });
                (*ticket, "assign", body)
            }
            Self::Accept { ticket } => (*ticket, "accept", json!({})),
            Self::Contact { ticket, purpose, channel, inbound, not_reached, reply_by, seconds, text } => {
                let direction = if *inbound { "inbound" } else { "outbound" };
                let body = json!({
                    "purpose": purpose, "channel": channel, "direction": direction, "reached": !not_reached,
                    "reply_by": reply_by, "duration_s": seconds, "text": text,
                });
                (*ticket, "contact", body)
            }
            Self::Ask { ticket, next_contact } => {
                (*ticket, "ask", json!({ "next_contact_at": next_contact }))
            }
            Self::Hold { ticket, kind, reference, with, eta } => {
                let body = json!({ "kind": kind, "reference": reference, "with": with, "eta": eta });
                (*ticket, "hold", body)
            }
            Self::WorkDone { ticket, reference, result } => {
                (*ticket, "work-done", json!({ "reference": reference, "result": result }))
            }
            Self::Resume { ticket, reason } => (*ticket, "resume", json!({ "reason": reason })),
            Self::Promise { ticket, id, due, text, carrier, renews, reason } => {
                let renews = renews.as_ref().map(|id| json!({ "id": id, "reason": reason }));
                let source = if *carrier { "carrier_eta" } else { "own" };
                let body =
                    json!({ "id": id, "due_at": due, "text": text, "source": source, "renews": renews });
                (*ticket, "promise", body)
            }
            Self::Claim { ticket, what } => (*ticket, "claim", json!({ "what": what })),
            Self::Verify { ticket, evidence, failed } => {
                (*ticket, "verify", json!({ "passed": !failed, "evidence": evidence }))
            }
            Self::Waive { ticket, reason } => (*ticket, "waive", json!({ "reason": reason })),
            Self::Record { ticket, kind, evidence, reference } => {
                (*ticket, "record", json!({ "kind": kind, "evidence": evidence, "reference": reference }))
            }
            Self::Plan { ticket, remedies, customer, staff, company, measures } => {
                let analysis = json!({ "customer": customer, "staff": staff, "company": company });
                let body = json!({ "remedies": remedies, "analysis": analysis, "measures": measures });
                (*ticket, "plan", body)
            }
            Self::Bridge { ticket, what } => (*ticket, "bridge", json!({ "what": what })),
            Self::Solve { ticket, root_cause, solution } => {
                (*ticket, "solve", json!({ "root_cause": root_cause, "solution": solution }))
            }
            Self::Result { ticket, channel, asked_to_test, advice } => {
                let body = json!({ "channel": channel, "asked_to_test": asked_to_test, "advice": advice });
                (*ticket, "result", body)
            }
            Self::ConfirmResult { ticket, rating, method, reference, no_article_because } => {
                let body = json!({
                    "rating": rating, "method": method, "reference": reference,
                    "no_article_because": no_article_because,
                });
                (*ticket, "confirm-result", body)
            }
            Self::Reopen { ticket, reason } => (*ticket, "reopen", json!({ "reason": reason })),
            Self::Level { ticket, level, reason } => {
                (*ticket, "level", json!({ "level": level, "reason": reason }))
            }
            Self::Reject { ticket, reason } => (*ticket, "reject", json!({ "reason": reason })),
        }
    }
}
