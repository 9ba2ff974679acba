//! `POST /tickets/{number}/{action}`: the buttons of a ticket.
//!
//! A form with the version that its reader saw. Done, it leads back to the ticket; not done, the
//! ticket is shown as it is now with the sentence that says why. No decision is made here: guards
//! belong to the ticket engine, versions to the writer; the guard before all pages has refused forms
//! that other sites sent.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::diagnosis::{Cause, Side};
use crate::http::HttpState;
use crate::http::auth::sees;
use crate::inventory::{Inventory, Owner};
use crate::locale::Message;
use crate::store::{Role, WriteError};
use crate::ticket::{Actor, Event, Ticket, TicketNumber, Visibility};

use super::asker::{Tongue, Viewer};
use super::ticket::{self, Outcome};

/// What a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Take the ticket.
    Acknowledge,
    /// The diagnosis is right.
    Confirm,
    /// The diagnosis is wrong.
    Correct,
    /// Measure now.
    Remeasure,
    /// Write something down.
    Note,
    /// The candidate is a ticket.
    Approve,
    /// The candidate is none.
    Dismiss,
    /// Bills that agree settle it.
    Settle,
    /// They do not.
    Decline,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Acknowledge,
        Self::Confirm,
        Self::Correct,
        Self::Remeasure,
        Self::Note,
        Self::Approve,
        Self::Dismiss,
        Self::Settle,
        Self::Decline,
    ];

    /// The name in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Confirm => "confirm",
            Self::Correct => "correct",
            Self::Remeasure => "remeasure",
            Self::Note => "note",
            Self::Approve => "approve",
            Self::Dismiss => "dismiss",
            Self::Settle => "settle",
            Self::Decline => "decline",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The least role that may do it (design: roles).
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Confirm | Self::Correct | Self::Remeasure | Self::Note => Role::Technician,
            Self::Acknowledge | Self::Approve | Self::Dismiss => Role::Noc,
            Self::Settle | Self::Decline => Role::Billing,
        }
    }

    /// Whether a role may do it to a ticket: to a bill's, billing may do everything.
    #[must_use]
    pub fn is_allowed(self, role: Role, ticket: &Ticket) -> bool {
        role.covers(self.role()) || (role == Role::Billing && ticket.is_bill())
    }
}

/// Fields of all forms together.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Fields {
    /// Version that the reader saw.
    pub version: Option<i64>,
    /// What he wrote.
    #[serde(default)]
    pub text: String,
    /// Element, of a correction.
    #[serde(default)]
    pub segment: String,
    /// Cause, of a correction.
    #[serde(default)]
    pub cause: String,
    /// Side, of a correction of a bill.
    #[serde(default)]
    pub side: String,
}

/// What was typed into a form that was not accepted: nobody types twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Which form.
    pub action: &'static str,
    /// Its text.
    pub text: String,
    /// Its element.
    pub segment: String,
    /// Its cause.
    pub cause: Option<Cause>,
    /// What was told beside an answer of the tree.
    pub told: std::collections::BTreeMap<String, String>,
}

impl Draft {
    /// The text for the form of this name.
    #[must_use]
    pub fn of(&self, action: &str) -> &str {
        if self.action == action { &self.text } else { "" }
    }
}

/// Why nothing was done.
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) why: Vec<Message>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, why: Message) -> Self {
        Self { status, why: vec![why] }
    }
}

/// `POST /tickets/{number}/{action}`
pub async fn act(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    Path((number, action)): Path<(String, String)>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let Some(action) = Action::parse(&action) else { return StatusCode::NOT_FOUND.into_response() };
    let fields = match form {
        Ok(Form(fields)) => fields,
        Err(rejection) => {
            let why = Failure::new(rejection.status(), Message::new("page.form_unreadable"));
            return failed(&state, &viewer, &tongue, &number, why, Draft::default()).await;
        }
    };
    match attempt(&state, &viewer, &number, action, &fields).await {
        Ok(number) => Redirect::to(&format!("/tickets/{number}?done={}", action.name())).into_response(),
        Err(failure) => {
            let draft = Draft {
                action: action.name(),
                text: fields.text,
                segment: fields.segment,
                cause: Cause::parse(&fields.cause),
                ..Draft::default()
            };
            failed(&state, &viewer, &tongue, &number, failure, draft).await
        }
    }
}

pub(super) async fn failed(
    state: &HttpState,
    viewer: &Viewer,
    tongue: &Tongue,
    number: &str,
    failure: Failure,
    draft: Draft,
) -> Response {
    let sentences = failure.why.iter().map(|why| why.render(tongue.language)).collect();
    let outcome = Outcome { done: false, sentences };
    ticket::respond(state, viewer, tongue, number, failure.status, Some(outcome), draft).await
}

/// The ticket of a number, for whoever may see it.
pub(super) async fn ticket_of(state: &HttpState, viewer: &Viewer, number: &str) -> Result<Ticket, Failure> {
    let unknown = || {
        let shown: String = number.chars().take(40).collect();
        Failure::new(StatusCode::NOT_FOUND, Message::new("page.no_such_ticket").with("number", shown))
    };
    let number: TicketNumber = number.parse().map_err(|_| unknown())?;
    let found = state.store.ticket_by_number(number).await.map_err(|error| broken(&error))?;
    found.filter(|ticket| sees(viewer.role, ticket)).ok_or_else(unknown)
}

async fn attempt(
    state: &HttpState,
    viewer: &Viewer,
    number: &str,
    action: Action,
    fields: &Fields,
) -> Result<TicketNumber, Failure> {
    let ticket = ticket_of(state, viewer, number).await?;
    if !action.is_allowed(viewer.role, &ticket) {
        return Err(Failure::new(StatusCode::FORBIDDEN, Message::new("page.role_too_low")));
    }
    let event = {
        let settings = state.settings.borrow().clone();
        event(action, fields, &ticket, &settings.inventory)?
    };
    let Some(version) = fields.version else {
        return Err(Failure::new(StatusCode::PRECONDITION_REQUIRED, Message::new("page.form_unreadable")));
    };
    let actor = Actor(viewer.name.clone());
    // The writer passes on what has to follow, as a new measurement.
    state.writer.apply(&ticket.id, Some(version), event, actor).await.map_err(refused)?;
    Ok(ticket.number)
}

/// The event that a form means.
fn event(action: Action, fields: &Fields, ticket: &Ticket, inventory: &Inventory) -> Result<Event, Failure> {
    let text = fields.text.trim().to_owned();
    let note = (!text.is_empty()).then(|| text.clone());
    Ok(match action {
        Action::Acknowledge => Event::Acknowledged,
        Action::Confirm => Event::DiagnosisConfirmed { note },
        Action::Remeasure => Event::RemeasureRequested,
        Action::Note => Event::Noted { text, visibility: Visibility::Internal },
        Action::Approve => Event::Approved,
        Action::Dismiss => Event::Cancelled { reason: text },
        Action::Settle => Event::ResolutionConfirmed { note },
        Action::Decline => Event::ResolutionDeclined { reason: text },
        Action::Correct => {
            let wrong = |key| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, Message::new(key));
            let cause = Cause::parse(&fields.cause).ok_or_else(|| wrong("page.no_such_cause"))?;
            if ticket.is_bill() {
                let side = Side::BILLING.into_iter().find(|side| side.name() == fields.side);
                return Ok(Event::DiagnosisCorrected {
                    cause,
                    class: cause.class(),
                    segment: ticket.segment.clone().unwrap_or_default(),
                    side: side.or(ticket.side).unwrap_or(Side::Undecided),
                    note,
                });
            }
            let index = inventory.find(&fields.segment).ok_or_else(|| wrong("page.no_such_segment"))?;
            let element = inventory.element(index);
            Event::DiagnosisCorrected {
                cause,
                class: cause.class(),
                segment: element.name.clone(),
                side: side(cause, element.facts.owner),
                note,
            }
        }
    })
}

/// Whose a corrected cause is (contract section 5).
const fn side(cause: Cause, owner: Option<Owner>) -> Side {
    match cause {
        Cause::Fibre | Cause::LandingTrunk => Side::Carrier,
        Cause::CustomerAccess => Side::Customer,
        Cause::Billing(_) | Cause::Unexplained | Cause::BilledMedia => Side::Undecided,
        Cause::ServerDown | Cause::ServerState | Cause::ServerResources | Cause::NetworkDevice => {
            Side::Company
        }
        Cause::GatewayDown | Cause::GatewayUnregistered | Cause::GatewayConfig | Cause::GatewayHardware => {
            match owner {
                Some(Owner::Company) => Side::Company,
                Some(Owner::Customer) | None => Side::Customer,
            }
        }
    }
}

pub(super) fn refused(error: WriteError) -> Failure {
    match error {
        WriteError::Refused(refusal) => {
            Failure { status: StatusCode::UNPROCESSABLE_ENTITY, why: refusal.unmet }
        }
        WriteError::Conflict(_) => Failure::new(StatusCode::CONFLICT, Message::new("page.conflict")),
        WriteError::Unknown(id) => {
            Failure::new(StatusCode::NOT_FOUND, Message::new("page.no_such_ticket").with("number", id))
        }
        WriteError::NoCustomer(name) | WriteError::NoContact(name) => {
            Failure::new(StatusCode::NOT_FOUND, Message::new("api.no_customer").with("customer", name))
        }
        WriteError::Busy | WriteError::Stale | WriteError::KeyReused => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, Message::new("page.writer_busy"))
        }
        WriteError::Store(error) => broken(&error),
    }
}

pub(super) fn broken(error: &crate::store::StoreError) -> Failure {
    tracing::error!(%error, "a button of a ticket failed");
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, Message::new("page.store_failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_the_company_supplied_is_the_company_s_trouble() {
        assert_eq!(side(Cause::GatewayConfig, Some(Owner::Company)), Side::Company);
        assert_eq!(side(Cause::GatewayConfig, Some(Owner::Customer)), Side::Customer);
        assert_eq!(side(Cause::GatewayHardware, None), Side::Customer);
    }
}
