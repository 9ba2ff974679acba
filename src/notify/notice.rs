//! What is said of one event, and how it is read from the ticket's and the event's documents.
//!
//! Both are read leniently, by the names of their fields: a newer ticket knows more, a ticket of a complaint has
//! neither class nor fault, and an event that this room has never heard of is told by its name. Free words of
//! people (notes, reasons) and names of customers are never taken over.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::diagnosis::Severity;
use crate::locale::Message;

/// Name of a test's event.
pub const TEST: &str = "test";
/// More evidence, nothing worse.
pub const ENRICHED: &str = "enriched";
/// It became worse.
pub const SEVERITY_RAISED: &str = "severity_raised";
/// More customers are affected.
pub const CUSTOMERS_INCREASED: &str = "customers_increased";
/// What a month asks for comes due (R81).
pub const DUTY_DUE: &str = "duty_due";
/// Its time has passed (R81, R88).
pub const DUTY_OVERDUE: &str = "duty_overdue";
/// Kind of work of what no ticket is about.
const DUTY: &str = "duty";
/// Stands for the name of a customer.
const SOMEBODY: &str = "notify.customer";

/// An event of the outbox with its ticket as the database holds them.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Place in the chain.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
    /// Whose.
    pub ticket_id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// Type as stored.
    pub event: String,
    /// The event, JSON.
    pub payload: String,
    /// The ticket as it is now, JSON.
    pub ticket: String,
}

/// What is said of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Place of the event in the chain.
    pub seq: i64,
    /// Begin of the event's hash: tells the chains of two installations apart.
    pub hash: String,
    /// What happened, by its stored type or as [`SEVERITY_RAISED`] and the like.
    pub event: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: Linesman, or a token's name.
    pub by: String,
    /// Number of the ticket.
    pub number: String,
    /// Kind of work.
    pub kind: String,
    /// State of the ticket.
    pub state: String,
    /// Class, once there is one.
    pub class: Option<String>,
    /// Cause, once known.
    pub cause: Option<String>,
    /// Element at fault, once located.
    pub segment: Option<String>,
    /// Whose it is, once known.
    pub side: Option<String>,
    /// How bad.
    pub severity: Severity,
    /// How bad it ever was up to here.
    pub worst: Severity,
    /// Level of escalation, where there is one.
    pub level: Option<String>,
    /// Department that has it, where there is one.
    pub department: Option<String>,
    /// What is broken and where.
    pub headline: Option<Message>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// When service came back.
    pub restored_at: Option<DateTime<Utc>>,
    /// How many customers are affected.
    pub customers: u64,
    /// How many at most, up to here.
    pub most_customers: u64,
    /// What a month asks for, where it is about no ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<MonthlyDuty>,
}

/// What a month asks of people, by a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthlyDuty {
    /// Which month.
    pub month: String,
    /// What: summary or plan.
    pub duty: String,
    /// By when.
    pub due_at: DateTime<Utc>,
}

/// What a ticket's document says, as far as it is told. A field of another shape than known is not told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TicketPart {
    #[serde(deserialize_with = "lenient")]
    number: String,
    #[serde(deserialize_with = "lenient")]
    kind: String,
    #[serde(deserialize_with = "lenient")]
    state: String,
    #[serde(deserialize_with = "lenient")]
    class: Option<String>,
    #[serde(deserialize_with = "lenient")]
    cause: Option<String>,
    #[serde(deserialize_with = "lenient")]
    segment: Option<String>,
    #[serde(deserialize_with = "lenient")]
    side: Option<String>,
    #[serde(deserialize_with = "lenient")]
    severity: Option<Severity>,
    #[serde(deserialize_with = "lenient")]
    detected_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lenient")]
    restored_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lenient")]
    fault: Option<FaultPart>,
    #[serde(deserialize_with = "lenient")]
    process: ProcessPart,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProcessPart {
    #[serde(deserialize_with = "lenient")]
    level: Option<String>,
    #[serde(deserialize_with = "lenient")]
    department: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FaultPart {
    #[serde(deserialize_with = "lenient")]
    severity: Option<Severity>,
    #[serde(deserialize_with = "lenient")]
    began: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lenient")]
    headline: Option<Message>,
    #[serde(deserialize_with = "lenient")]
    affected_customers: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EventPart {
    #[serde(deserialize_with = "lenient")]
    fault: Option<FaultPart>,
    #[serde(deserialize_with = "lenient")]
    level: Option<String>,
}

/// What has another shape than known counts as not there.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// An event's document cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("event {seq} cannot be told: {source}")]
pub struct NotUnderstood {
    /// Which.
    pub seq: i64,
    /// Why.
    pub source: serde_json::Error,
}

impl Notice {
    /// Of an event, after `previous`, what was last said of its ticket.
    ///
    /// # Errors
    /// [`NotUnderstood`] when a document is none.
    pub fn of(row: &EventRow, previous: Option<&Self>) -> Result<Self, NotUnderstood> {
        let wrong = |source| NotUnderstood { seq: row.seq, source };
        let ticket: TicketPart = serde_json::from_str(&row.ticket).map_err(wrong)?;
        let event: EventPart = serde_json::from_str(&row.payload).map_err(wrong)?;
        // What the event itself carries was so when it happened; the ticket may have gone on since.
        let fault = event.fault.or(ticket.fault).unwrap_or_default();
        let severity = fault.severity.or(ticket.severity).unwrap_or(Severity::Indeterminate);
        let customers = fault.affected_customers.len() as u64;
        let masked = |word: &str| fault.affected_customers.iter().any(|customer| customer == word);
        let worse = previous.is_some_and(|previous| severity > previous.worst);
        let wider = previous.is_some_and(|previous| customers > previous.most_customers);
        let name = match row.event.as_str() {
            ENRICHED if worse => SEVERITY_RAISED,
            ENRICHED if wider => CUSTOMERS_INCREASED,
            other => other,
        };
        let mut headline = fault.headline;
        if let Some(headline) = &mut headline {
            for argument in headline.args.values_mut().filter(|argument| masked(argument)) {
                SOMEBODY.clone_into(argument);
            }
        }
        Ok(Self {
            seq: row.seq,
            hash: row.hash.chars().take(12).collect(),
            event: name.to_owned(),
            at: row.at,
            by: row.actor.clone(),
            number: ticket.number,
            kind: ticket.kind,
            state: ticket.state,
            class: ticket.class,
            cause: ticket.cause,
            segment: ticket
                .segment
                .map(|segment| if masked(&segment) { SOMEBODY.to_owned() } else { segment }),
            side: ticket.side,
            severity,
            worst: previous.map_or(severity, |previous| previous.worst.max(severity)),
            level: event.level.or(ticket.process.level),
            department: ticket.process.department,
            headline,
            since: fault.began.or(ticket.detected_at),
            restored_at: ticket.restored_at,
            customers,
            most_customers: previous.map_or(customers, |previous| previous.most_customers.max(customers)),
            duty: None,
        })
    }

    /// What `linesman notify test` sends.
    #[must_use]
    pub fn test(at: DateTime<Utc>, by: &str) -> Self {
        let (hash, headline) = (format!("{:012x}", at.timestamp_micros()), Message::new("notify.test"));
        Self { hash, event: TEST.to_owned(), by: by.to_owned(), ..Self::of_no_ticket(at, headline) }
    }

    /// That a month asks for something; the outbox gives it its place and its hash.
    #[must_use]
    pub fn duty(at: DateTime<Utc>, by: &str, duty: MonthlyDuty, is_overdue: bool, headline: Message) -> Self {
        let severity = if is_overdue { Severity::Minor } else { Severity::Warning };
        Self {
            event: if is_overdue { DUTY_OVERDUE } else { DUTY_DUE }.to_owned(),
            by: by.to_owned(),
            kind: DUTY.to_owned(),
            severity,
            worst: severity,
            duty: Some(duty),
            ..Self::of_no_ticket(at, headline)
        }
    }

    fn of_no_ticket(at: DateTime<Utc>, headline: Message) -> Self {
        Self {
            seq: 0,
            hash: String::new(),
            event: String::new(),
            at,
            by: String::new(),
            number: String::new(),
            kind: String::new(),
            state: String::new(),
            class: None,
            cause: None,
            segment: None,
            side: None,
            severity: Severity::Indeterminate,
            worst: Severity::Indeterminate,
            level: None,
            department: None,
            headline: Some(headline),
            since: None,
            restored_at: None,
            customers: 0,
            most_customers: 0,
            duty: None,
        }
    }

    /// Whether it breaks through quiet hours and digests: critical, or level orange or red.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.severity == Severity::Critical || matches!(self.level.as_deref(), Some("orange" | "red"))
    }
}
