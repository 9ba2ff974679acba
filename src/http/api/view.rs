//! What clients read, where it differs from what the pure rooms hold: sentences rendered in the
//! language asked for, units in the names.

use chrono::{DateTime, Utc};
use linesman_probes::observation::{Detail, Impediment, Observation, Outcome};
use serde::Serialize;
use utoipa::ToSchema;

use crate::diagnosis::{Billing, Cause, Class, ElementState, Fault, Side};
use crate::http::HttpState;
use crate::http::walk::NextQuestion;
use crate::inventory::ElementKind;
use crate::locale::{Language, Message};
use crate::metrics::verdict;
use crate::ticket::event::RecordedEvent;
use crate::ticket::{Actor, Ticket};

use super::knowledge::SuggestionView;

/// How others name this server, without a slash at the end.
#[must_use]
pub fn base_url(state: &HttpState) -> String {
    let settings = state.settings.borrow();
    match &settings.http.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", settings.http.listen),
    }
}

fn sentences(messages: &[Message], language: Language) -> Vec<String> {
    messages.iter().map(|message| message.render(language)).collect()
}

/// A ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketView {
    /// As it stands.
    #[serde(flatten)]
    pub ticket: Ticket,
    /// Its page.
    pub url: String,
    /// Nodes of the decision tree that were walked.
    pub path: Vec<String>,
    /// What is broken and where, in the language asked for.
    pub headline: String,
    /// The status that TMF621 knows for its state.
    pub tmf621_status: String,
    /// Of a fault that comes and goes: what that says, in the language asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unstable: Option<String>,
    /// Published articles for it; of one ticket only, not of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<Vec<SuggestionView>>,
    /// What its decision tree asks now; the walk itself is at `/tree`.
    pub next_question: Option<NextQuestion>,
}

impl TicketView {
    /// Of a ticket.
    #[must_use]
    pub fn of(mut ticket: Ticket, base_url: &str, language: Language) -> Self {
        // What clocks are computed from is shown by the clocks themselves.
        ticket.process.log.clear();
        ticket.process.fired.clear();
        // The walk is shown by itself, with its words.
        ticket.process.walks.clear();
        Self {
            url: format!("{base_url}/tickets/{}", ticket.number),
            path: ticket.fault.iter().flat_map(Fault::path).map(str::to_owned).collect(),
            headline: ticket.headline().render(language),
            tmf621_status: ticket.state.tmf621().to_owned(),
            unstable: unstable(&ticket).map(|hint| hint.render(language)),
            knowledge: None,
            next_question: None,
            ticket,
        }
    }

    /// With what its tree asks now.
    #[must_use]
    pub fn asking(self, next_question: Option<NextQuestion>) -> Self {
        Self { next_question, ..self }
    }
}

/// That a fault comes and goes, since when, how often, and for which share of the time it was bad.
#[must_use]
pub fn unstable(ticket: &Ticket) -> Option<Message> {
    let since = ticket.flapping.since?;
    let percent = ticket.flapping.bad_percent(ticket.updated_at);
    let message = Message::new("flapping.hint").with("turns", ticket.flapping.count);
    let message = message.with("since", since.to_rfc3339());
    Some(message.with("percent", percent.map_or_else(|| "?".to_owned(), |percent| percent.to_string())))
}

/// A hop with its evidence in words.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HopView {
    /// Element.
    pub element: String,
    /// Its kind.
    pub kind: ElementKind,
    /// How it is.
    pub state: ElementState,
    /// Whether this is the segment at fault.
    pub at_fault: bool,
    /// What was measured there.
    pub evidence: String,
}

/// A node of the decision tree with its answer in words.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StepView {
    /// Node, as `B6b`.
    pub node: String,
    /// The answer.
    pub answer: bool,
    /// Why.
    pub reason: String,
}

/// The reasoning of a diagnosis in words.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Reasoning {
    /// What is broken and where.
    pub headline: String,
    /// Why this segment.
    pub reasons: Vec<String>,
    /// Why not its neighbours.
    pub why_not: Vec<String>,
    /// The path with what was seen at each hop.
    pub hops: Vec<HopView>,
    /// The walk through the decision tree.
    pub steps: Vec<StepView>,
}

impl Reasoning {
    /// Of a fault.
    #[must_use]
    pub fn of(fault: &Fault, language: Language) -> Self {
        Self {
            headline: fault.headline.render(language),
            reasons: sentences(&fault.reasons, language),
            why_not: sentences(&fault.why_not, language),
            hops: fault
                .hops
                .iter()
                .map(|hop| HopView {
                    element: hop.element.clone(),
                    kind: hop.kind,
                    state: hop.state,
                    at_fault: hop.at_fault,
                    evidence: hop.evidence.render(language),
                })
                .collect(),
            steps: fault
                .steps
                .iter()
                .map(|step| StepView {
                    node: step.node.clone(),
                    answer: step.answer,
                    reason: step.reason.render(language),
                })
                .collect(),
        }
    }
}

/// Why this class, why this segment, why not its neighbours.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explanation {
    /// Number of the ticket.
    pub number: String,
    /// Class as the diagnosis has it; without one as people say, `null` when nobody does.
    pub class: Option<Class>,
    /// Cause as the diagnosis has it.
    pub cause: Option<Cause>,
    /// Element at fault as the diagnosis has it.
    pub segment: Option<String>,
    /// Whose.
    pub side: Option<Side>,
    /// 0 to 1; `null` when nothing was diagnosed.
    pub confidence: Option<f64>,
    /// Nodes of the decision tree that were walked.
    pub path: Vec<String>,
    /// In words.
    #[serde(flatten)]
    pub reasoning: Reasoning,
    /// Of a bill, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill: Option<BillReasoning>,
}

/// What a comparison of bills says in words.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BillReasoning {
    /// The five dimensions, each with its result.
    pub dimensions: Vec<String>,
    /// The correct calculation of one call.
    pub example: Vec<String>,
    /// The correct accounting method.
    pub accounting: Vec<String>,
    /// What to do.
    pub advice: String,
}

impl BillReasoning {
    fn of(billing: &Billing, language: Language) -> Self {
        Self {
            dimensions: billing.dimensions.iter().map(|one| one.sentence.render(language)).collect(),
            example: sentences(&billing.example, language),
            accounting: sentences(&billing.accounting, language),
            advice: billing.advice.render(language),
        }
    }
}

impl Explanation {
    /// Of a ticket.
    #[must_use]
    pub fn of(ticket: &Ticket, language: Language) -> Self {
        let Some(fault) = &ticket.fault else { return Self::without_diagnosis(ticket, language) };
        Self {
            number: ticket.number.to_string(),
            class: Some(fault.class),
            cause: Some(fault.cause),
            segment: Some(fault.segment.clone()),
            side: Some(fault.side),
            confidence: Some(fault.confidence),
            path: fault.path().into_iter().map(str::to_owned).collect(),
            reasoning: Reasoning::of(fault, language),
            bill: fault.billing.as_ref().map(|billing| BillReasoning::of(billing, language)),
        }
    }

    fn without_diagnosis(ticket: &Ticket, language: Language) -> Self {
        Self {
            number: ticket.number.to_string(),
            class: ticket.class,
            cause: ticket.cause,
            segment: ticket.segment.clone(),
            side: ticket.side,
            confidence: None,
            path: Vec::new(),
            reasoning: Reasoning {
                headline: ticket.headline().render(language),
                reasons: vec![Message::new("explain.reported").render(language)],
                why_not: Vec::new(),
                hops: Vec::new(),
                steps: Vec::new(),
            },
            bill: None,
        }
    }
}

/// A diagnosis that a ticket holds as evidence.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Evidence {
    /// Place in the chain.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// What happened to the ticket with it.
    pub r#type: String,
    /// In words.
    #[serde(flatten)]
    pub reasoning: Reasoning,
    /// As diagnosed.
    pub fault: Fault,
    /// Hash of the event in the chain.
    pub hash: String,
}

impl Evidence {
    /// Of an event, if it carries a diagnosis.
    #[must_use]
    pub fn of(event: &RecordedEvent, language: Language) -> Option<Self> {
        let fault = event.event.evidence()?;
        Some(Self {
            seq: event.seq,
            at: event.at,
            actor: event.actor.clone(),
            r#type: event.event.name().to_owned(),
            reasoning: Reasoning::of(fault, language),
            fault: fault.clone(),
            hash: event.hash.clone(),
        })
    }
}

/// A fault.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FaultView {
    /// What is broken and where, in the language asked for.
    pub headline: String,
    /// Nodes of the decision tree that were walked.
    pub path: Vec<String>,
    /// As diagnosed.
    pub fault: Fault,
}

impl FaultView {
    /// Of a fault.
    #[must_use]
    pub fn of(fault: Fault, language: Language) -> Self {
        Self {
            headline: fault.headline.render(language),
            path: fault.path().into_iter().map(str::to_owned).collect(),
            fault,
        }
    }
}

/// Why a round could not be measured.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnmeasuredView {
    /// For programs.
    pub reason: String,
    /// In words.
    pub text: String,
}

impl UnmeasuredView {
    fn of(impediment: &Impediment, language: Language) -> Self {
        let text = impediment_words(impediment).render(language);
        Self { reason: verdict::reason(impediment).to_owned(), text }
    }
}

/// Why we could not measure, as a sentence of the catalogues.
#[must_use]
pub fn impediment_words(impediment: &Impediment) -> Message {
    let message = Message::new(&format!("api.impediment.{}", verdict::reason(impediment)));
    match impediment {
        Impediment::NoPermission { hint } => message.with("hint", hint),
        Impediment::InterfaceDown { interface } => message.with("interface", interface),
        Impediment::ClockStepped { step_ms } => message.with("step_ms", step_ms),
        Impediment::SocketDrops { drops } => message.with("drops", drops),
        Impediment::Unresolved { name, reason } => message.with("name", name).with("reason", reason),
        Impediment::Local { reason } => message.with("reason", reason),
        Impediment::NoRoute | Impediment::Shed => message,
    }
}

/// One round of one target.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ObservationView {
    /// Target.
    pub target: String,
    /// Kind of probe.
    pub probe: String,
    /// First packet sent.
    pub start: DateTime<Utc>,
    /// Last answer or deadline.
    pub end: DateTime<Utc>,
    /// `answered`, `silent`, `refused`, or `unmeasured`: then *we* could not measure.
    pub outcome: String,
    /// Whether the round was good; `null` when we could not measure.
    pub success: Option<bool>,
    /// Why we could not measure.
    pub unmeasured: Option<UnmeasuredView>,
    /// Requests sent.
    pub sent: u32,
    /// Answers in time.
    pub received: u32,
    /// Share lost; `null` when nothing was sent.
    pub loss_ratio: Option<f64>,
    /// Smallest delay, ms.
    pub rtt_min_ms: Option<f64>,
    /// Mean delay, ms.
    pub rtt_mean_ms: Option<f64>,
    /// 95th percentile of delay, ms.
    pub rtt_p95_ms: Option<f64>,
    /// Largest delay, ms.
    pub rtt_max_ms: Option<f64>,
    /// Mean difference of consecutive delays, ms.
    pub jitter_ms: Option<f64>,
    /// SIP response code or HTTP status.
    pub code: Option<u16>,
    /// What the peer said beyond that, by kind of probe.
    #[schema(value_type = Object)]
    pub detail: Detail,
}

impl ObservationView {
    /// Of an observation.
    #[must_use]
    pub fn of(observation: &Observation, language: Language) -> Self {
        let measured = &observation.measured;
        let rtt = measured.burst.rtt.as_ref();
        Self {
            target: observation.target.clone(),
            probe: observation.kind.name().to_owned(),
            start: observation.window.start,
            end: observation.window.end,
            outcome: outcome_name(measured.outcome).to_owned(),
            success: verdict::succeeded(observation.kind, measured),
            unmeasured: measured
                .impediment
                .as_ref()
                .map(|impediment| UnmeasuredView::of(impediment, language)),
            sent: measured.burst.sent,
            received: measured.burst.received,
            loss_ratio: measured.burst.loss().map(|loss| loss.value()),
            rtt_min_ms: rtt.map(|rtt| rtt.min.millis()),
            rtt_mean_ms: rtt.map(|rtt| rtt.mean.millis()),
            rtt_p95_ms: rtt.map(|rtt| rtt.p95.millis()),
            rtt_max_ms: rtt.map(|rtt| rtt.max.millis()),
            jitter_ms: rtt.and_then(|rtt| rtt.jitter).map(|jitter| jitter.millis()),
            code: match &measured.detail {
                Detail::Sip { code, .. } => Some(*code),
                Detail::Http { status, .. } => Some(*status),
                Detail::Call(call) => call.code,
                _ => None,
            },
            detail: measured.detail.clone(),
        }
    }
}

/// The name of an outcome in outputs.
#[must_use]
pub const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Silent => "silent",
        Outcome::Refused => "refused",
        Outcome::Unmeasured => "unmeasured",
    }
}
