//! Stopping a line, moving customers to another, taking it into service again (R63, D4 and D7 of the trees): who
//! asked and why, who approved, what was sent where, what was answered, when it was restored, and what proves it.
//!
//! An action goes asked → approved → rehearsed → sending → done → restored, or ends as refused, failed or unclear.
//! Done by hand it goes from approved to done. Its guards are in [`guard::route`](super::guard::route); nothing here
//! sends: the order stands in the ticket, and whoever sends it writes down first that it will.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::Actor;
use super::registration::named;
use super::{Ticket, TicketId};
use crate::locale::{Language, words};

named! {
    /// What is done to a line.
    RouteWhat {
        /// It is taken out of service.
        Stop = "stop",
        /// Its customers are moved to another.
        Divert = "divert",
        /// It is taken into service again.
        Restore = "restore",
    }
}

named! {
    /// Where an action stands.
    RouteState {
        /// Somebody asks for it.
        Asked = "asked",
        /// A second person agrees.
        Approved = "approved",
        /// It was shown what would be sent.
        Rehearsed = "rehearsed",
        /// It is to be sent, or being sent.
        Sending = "sending",
        /// It is in effect.
        Done = "done",
        /// It was in effect, and is taken back.
        Restored = "restored",
        /// It was not done.
        Failed = "failed",
        /// Whether it was done is not known: somebody has to look.
        Unclear = "unclear",
        /// Somebody does not agree, or it was withdrawn.
        Refused = "refused",
    }
}

impl RouteState {
    /// Whether somebody has yet to do something about it.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Asked | Self::Approved | Self::Rehearsed | Self::Sending | Self::Unclear)
    }
}

named! {
    /// What came of one attempt.
    RouteOutcome {
        /// The other side says that it is done.
        Done = "done",
        /// It is tried again.
        Later = "later",
        /// It was certainly not done.
        Failed = "failed",
        /// It may have been done.
        Unclear = "unclear",
    }
}

/// Who, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Signed {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The request as it was shown before it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rehearsal {
    /// When, by whom.
    pub signed: Signed,
    /// The request, secrets masked.
    pub request: String,
    /// SHA-256 of address and body: only this is sent.
    pub sha256: String,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteAction {
    /// Its number within the ticket, from 1.
    pub number: u32,
    /// What is done.
    pub what: RouteWhat,
    /// Where it stands.
    pub state: RouteState,
    /// The line, by its name in the inventory or the carrier's.
    pub line: String,
    /// The line that takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why.
    pub reason: String,
    /// Calls that it concerns; `None` when nobody counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// Customers that it concerns; `None` when nobody counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customers: Option<u32>,
    /// The hook of the settings that does it; by hand else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// Number of the action that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<u32>,
    /// Which tests show that the line may return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// Who asked.
    pub asked: Signed,
    /// Who agreed: somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Signed>,
    /// Who did not agree; why is `answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Signed>,
    /// The dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
    /// Who had it sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Signed>,
    /// How often it was tried.
    #[serde(default)]
    pub attempts: u32,
    /// An attempt of which no answer is noted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<DateTime<Utc>>,
    /// Some attempt may have had an effect although nobody said so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncertain: bool,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<DateTime<Utc>>,
    /// What was answered, or said, last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Who or what did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Signed>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<DateTime<Utc>>,
}

impl RouteAction {
    /// The same at every attempt: whoever gets it twice can tell.
    #[must_use]
    pub fn key(&self, ticket: &TicketId) -> String {
        format!("lm-route-{ticket}-{}", self.number)
    }

    /// When a program has to look at it; `None` while it waits for people.
    #[must_use]
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        let ordered = self.ordered.as_ref().map(|ordered| ordered.at);
        (self.state == RouteState::Sending).then(|| self.under_way.or(self.next_at).or(ordered)).flatten()
    }
}

/// A step of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum RouteStep {
    /// Somebody asks for it.
    Asked {
        /// What is to be done.
        what: RouteWhat,
        /// The line.
        line: String,
        /// The line that takes over.
        to: Option<String>,
        /// Why.
        reason: String,
        /// Calls that it concerns.
        calls: Option<u32>,
        /// Customers that it concerns.
        customers: Option<u32>,
        /// The hook that does it; by hand else.
        hook: Option<String>,
        /// The action that it takes back.
        restores: Option<u32>,
        /// Which tests show that the line may return.
        proof: Option<String>,
    },
    /// A second person agrees.
    Approved,
    /// Somebody does not agree, or withdraws it.
    Refused {
        /// Why.
        reason: String,
    },
    /// A dry run: what would be sent.
    Rehearsed {
        /// The request, secrets masked.
        request: String,
        /// SHA-256 of address and body.
        sha256: String,
    },
    /// It is to be sent as rehearsed.
    Ordered {
        /// What was rehearsed.
        sha256: String,
    },
    /// It is sent now; written before it is.
    Tried {
        /// Counts from 1.
        attempt: u32,
    },
    /// What came of the attempt.
    Answered {
        /// What.
        outcome: RouteOutcome,
        /// What was answered.
        answer: String,
        /// The attempt may have had an effect.
        uncertain: bool,
        /// When it is tried again.
        retry_at: Option<DateTime<Utc>>,
    },
    /// Somebody did it, or saw that it is done.
    DoneByHand {
        /// How, or what was seen.
        how: String,
    },
}

impl RouteStep {
    /// The type of its event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "route_asked",
            Self::Approved => "route_approved",
            Self::Refused { .. } => "route_refused",
            Self::Rehearsed { .. } => "route_rehearsed",
            Self::Ordered { .. } => "route_ordered",
            Self::Tried { .. } => "route_tried",
            Self::Answered { .. } => "route_answered",
            Self::DoneByHand { .. } => "route_done_by_hand",
        }
    }

    /// What a person or the other side said.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Asked { reason, .. } | Self::Refused { reason } => Some(reason),
            Self::Answered { answer, .. } => Some(answer),
            Self::DoneByHand { how } => Some(how),
            _ => None,
        }
    }

    /// Whether Linesman alone does it.
    #[must_use]
    pub const fn is_automatic(&self) -> bool {
        matches!(self, Self::Tried { .. } | Self::Answered { .. })
    }

    /// Whether people are told of it at once.
    #[must_use]
    pub const fn is_news(&self) -> bool {
        !matches!(self, Self::Tried { .. } | Self::Rehearsed { .. })
    }
}

/// Actions of a ticket that are not at their end.
#[must_use]
pub fn pending(ticket: &Ticket) -> Vec<String> {
    let open = ticket.process.routes.iter().filter(|action| action.state.is_pending());
    open.map(|action| format!("{} ({})", action.number, action.line)).collect()
}

/// What a step changes; its guards have been met.
pub(super) fn act(
    routes: &mut Vec<RouteAction>,
    number: u32,
    step: &RouteStep,
    actor: &Actor,
    now: DateTime<Utc>,
) {
    let signed = Signed { by: actor.0.clone(), at: now };
    if let RouteStep::Asked { what, line, to, reason, calls, customers, hook, restores, proof } = step {
        routes.push(RouteAction {
            number,
            what: *what,
            state: RouteState::Asked,
            line: line.clone(),
            to: to.clone(),
            reason: reason.clone(),
            calls: *calls,
            customers: *customers,
            hook: hook.clone(),
            restores: *restores,
            proof: proof.clone(),
            asked: signed,
            approved: None,
            refused: None,
            rehearsal: None,
            ordered: None,
            attempts: 0,
            under_way: None,
            uncertain: false,
            next_at: None,
            answer: None,
            done: None,
            restored_at: None,
        });
        return;
    }
    let Some(action) = routes.iter_mut().find(|action| action.number == number) else { return };
    match step {
        RouteStep::Asked { .. } => {}
        RouteStep::Approved => {
            action.state = RouteState::Approved;
            action.approved = Some(signed);
        }
        RouteStep::Refused { reason } => {
            action.state = RouteState::Refused;
            action.refused = Some(signed);
            action.answer = Some(reason.clone());
        }
        RouteStep::Rehearsed { request, sha256 } => {
            action.state = RouteState::Rehearsed;
            action.rehearsal = Some(Rehearsal { signed, request: request.clone(), sha256: sha256.clone() });
        }
        RouteStep::Ordered { .. } => {
            action.state = RouteState::Sending;
            action.ordered = Some(signed);
            action.next_at = None;
        }
        RouteStep::Tried { attempt } => {
            action.attempts = *attempt;
            action.under_way = Some(now);
            action.next_at = None;
        }
        RouteStep::Answered { outcome, answer, uncertain, retry_at } => {
            action.under_way = None;
            action.answer = Some(answer.clone());
            action.uncertain |= *uncertain;
            action.next_at = *retry_at;
            match outcome {
                RouteOutcome::Done => done(action, signed),
                RouteOutcome::Later => {}
                RouteOutcome::Failed => action.state = RouteState::Failed,
                RouteOutcome::Unclear => action.state = RouteState::Unclear,
            }
        }
        RouteStep::DoneByHand { how } => {
            action.answer = Some(how.clone());
            done(action, signed);
        }
    }
    let restored = (action.state == RouteState::Done).then_some(action.restores).flatten();
    if let Some(taken_back) = routes.iter_mut().find(|action| Some(action.number) == restored) {
        taken_back.state = RouteState::Restored;
        taken_back.restored_at = Some(now);
    }
}

fn done(action: &mut RouteAction, signed: Signed) {
    action.state = RouteState::Done;
    action.uncertain = false;
    action.done = Some(signed);
}

/// A field of the printed record, from the newest action; earlier ones are listed in `earlier`.
pub(super) fn of_form(ticket: &Ticket, field: &str, language: Language) -> Option<String> {
    let (newest, earlier) = ticket.process.routes.split_last()?;
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let by = |signed: &Option<Signed>| {
        signed.as_ref().map(|signed| format!("{} ({})", signed.by, time(signed.at)))
    };
    let name = |prefix: &str, name: &str| words(language, &format!("{prefix}.{name}"));
    let state = |action: &RouteAction| name("route_state", action.state.name());
    match field {
        "action" => Some(newest.what.name().to_owned()),
        "line" => Some(newest.line.clone()),
        "to" => newest.to.clone(),
        "reason" => Some(newest.reason.clone()),
        "calls" => newest.calls.map(|calls| calls.to_string()),
        "customers" => newest.customers.map(|customers| customers.to_string()),
        "asked_by" => by(&Some(newest.asked.clone())),
        "approved_by" => by(&newest.approved),
        "refused_by" => by(&newest.refused),
        "request" => newest.rehearsal.as_ref().map(|known| known.request.clone()),
        "ordered_by" => by(&newest.ordered),
        "done_by" => by(&newest.done),
        "done_at" => newest.done.as_ref().map(|done| time(done.at)),
        "answer" => newest.answer.clone(),
        "restored_at" => newest.restored_at.map(time),
        "proof" => newest.proof.clone(),
        "state" => Some(state(newest)),
        "earlier" => {
            let line = |action: &RouteAction| {
                let what = name("route_what", action.what.name());
                let restored = action.restored_at.map(|at| format!(" ({})", time(at))).unwrap_or_default();
                format!("{}. {what} {}: {}{restored}", action.number, action.line, state(action))
            };
            Some(earlier.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    }
}
