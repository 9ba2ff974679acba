//! Contacts, waiting, work given away, records, promises, clocks (R22, R37, R40, R42, R86, R92, R96, R99).

use linesman_deadlines::promise::{self, PromiseRefusal};
use linesman_process::form::FormId;

use crate::locale::Message;
use crate::ticket::act::promise_of;
use crate::ticket::evidence::MOST_OF_A_KIND;
use crate::ticket::process::{ContactPurpose, RecordKind};
use crate::ticket::{Deed, State, Ticket, TicketKind, waits};

use super::{Asked, Unmet};

const WORKED_ON: [State; 4] =
    [State::InProgress, State::PendingCustomer, State::HeldExternal, State::HeldPlanned];

pub(super) fn check(asked: &Asked<'_>, deed: &Deed, unmet: &mut Unmet) {
    let Asked { ticket, now, .. } = asked;
    let process = &ticket.process;
    let is_over = matches!(ticket.state, State::Rejected | State::Cancelled);
    match deed {
        Deed::Contacted { purpose, reply_by, .. } => {
            unmet.require(!is_over, "R92", "over_for_good");
            unmet.require(reply_by.is_none_or(|by| by > *now), "R37", "reply_time_passed");
            let tells = *purpose != ContactPurpose::FirstResponse
                || ticket.kind != TicketKind::Complaint
                || reply_by.is_some();
            unmet.require(tells, "R37", "no_reply_time");
            let planned = *purpose != ContactPurpose::Plan
                || ticket.kind != TicketKind::Complaint
                || !process.plans.is_empty();
            unmet.require(planned, "R93", "no_plan");
        }
        Deed::AskedCustomer { next_contact_at } => {
            unmet.require_state(ticket, &WORKED_ON, "R92");
            let since = process.state_since.unwrap_or(ticket.registered_at);
            let asked = process.contacts.iter().any(|contact| contact.told() && contact.at >= since);
            unmet.require(asked, "R92", "no_contact_in_this_state");
            unmet.require(*next_contact_at > *now, "R92", "next_contact_passed");
        }
        Deed::HeldExternal { reference, with, eta, .. } => {
            unmet.require_state(ticket, &WORKED_ON, "R42");
            unmet.require_words(reference, "R42", "no_reference");
            unmet.require_words(with, "R42", "no_one_named");
            unmet.require(*eta > *now, "R42", "eta_passed");
            let taken = process.works.iter().any(|work| work.reference == *reference);
            unmet.require(!taken, "R42", "reference_taken");
            unmet.require(has_open_promise(ticket, *now), "R86", "no_promise");
        }
        Deed::EtaChanged { reference, eta, reason } => {
            work_is_open(ticket, reference, unmet);
            unmet.require(*eta > *now, "R42", "eta_passed");
            unmet.require_words(reason, "R86", "no_reason");
        }
        Deed::WorkDone { reference, result } => {
            work_is_open(ticket, reference, unmet);
            unmet.require_words(result, "R42", "no_result");
        }
        Deed::HeldPlanned { window, until, .. } => {
            unmet.require_state(ticket, &WORKED_ON, "R99");
            unmet.require_words(window, "R99", "no_window");
            unmet.require(*until > *now, "R99", "window_passed");
        }
        Deed::Resumed { reason } => {
            let among = [State::PendingCustomer, State::HeldExternal, State::HeldPlanned, State::Reopened];
            unmet.require_state(ticket, &among, "R92");
            unmet.require_words(reason, "R92", "no_reason");
        }
        Deed::FormFiled { form, .. } => {
            let is_final = matches!(ticket.state, State::Rejected | State::Cancelled);
            unmet.require(!is_final, "R107", "over_for_good");
            let prepared =
                *form != FormId::ServiceProcess || process.forms.contains_key(&FormId::ServicePreparation);
            unmet.require(prepared, "R89", "not_prepared");
        }
        Deed::EvidenceAttached { kind, file, .. } => {
            unmet.require(!ticket.state.is_final(), "R103", "over_for_good");
            let known = process.evidence.iter().any(|known| known.file == *file);
            unmet.require(!known, "R103", "evidence_known");
            let has_room = process.evidence_of(*kind) < MOST_OF_A_KIND as usize;
            unmet.require(has_room, "R103", "too_much_evidence");
        }
        Deed::LinkMade { expires_at, .. } => {
            unmet.require(!is_over, "R103", "over_for_good");
            unmet.require(expires_at > now, "R103", "link_used");
        }
        Deed::RecordFiled { kind, evidence, reference } => {
            unmet.require(!ticket.state.is_final(), "R107", "over_for_good");
            unmet.require_words(reference, "R107", "no_reference");
            unmet.require((*kind == RecordKind::Evidence) == evidence.is_some(), "R91", "evidence_kind");
        }
        Deed::ToldOfWork { window, text, .. } => {
            unmet.require(ticket.state.is_open(), "R99", "over_for_good");
            unmet.require_words(window, "R99", "no_window");
            unmet.require_words(text, "R86", "no_promise_text");
            if let Some(promise) = promise_of(ticket, deed, *now)
                && let Err(refusal) = promise::make(&process.promises, promise)
            {
                unmet.refuse(sentence(&refusal), "R86");
            }
        }
        Deed::WorkMoved { window, reason, .. } => {
            unmet.require(process.window.as_ref() == Some(window), "R99", "no_window");
            unmet.require(waits::rests_on_work(ticket, *now), "R86", "nothing_promised");
            unmet.require_words(reason, "R86", "no_reason");
        }
        Deed::WorkOverran { window, evidence } => {
            unmet.require(process.window.as_ref() == Some(window), "R99", "no_window");
            unmet.require(waits::rests_on_work(ticket, *now), "R86", "nothing_promised");
            unmet.require_words(evidence, "R86", "no_proof_of_promise");
        }
        Deed::EtaHeard { eta, reason, .. } => {
            unmet.require(!ticket.state.is_final(), "R86", "over_for_good");
            unmet.require(*eta > *now, "R42", "eta_passed");
            unmet.require_words(reason, "R86", "no_reason");
        }
        Deed::ReceiptSent { .. } => {
            unmet.require(!is_over, "R31", "over_for_good");
            unmet.require(process.receipt_sent_at.is_none(), "R31", "receipt_sent_already");
        }
        Deed::LinkSent { event, .. } => {
            unmet.require(!process.links_sent.contains(event), "R103", "link_sent_already");
        }
        Deed::SurveyAnswered { about } => {
            unmet.require(!ticket.state.is_final(), "R79", "over_for_good");
            let is_its = ticket.kind == TicketKind::FollowUp && ticket.follows.as_ref() == Some(about);
            unmet.require(is_its, "R79", "not_its_follow_up");
        }
        Deed::Promised { text, .. } => {
            unmet.require(!ticket.state.is_final(), "R86", "over_for_good");
            unmet.require_words(text, "R86", "no_promise_text");
            if let Some(promise) = promise_of(ticket, deed, *now)
                && let Err(refusal) = promise::make(&process.promises, promise)
            {
                unmet.refuse(sentence(&refusal), "R86");
            }
        }
        Deed::PromiseKept { id, evidence } => {
            unmet.require_words(evidence, "R86", "no_proof_of_promise");
            if let Err(refusal) = promise::keep(&process.promises, id, *now, evidence) {
                unmet.refuse(sentence(&refusal), "R86");
            }
        }
        Deed::ClockCalled { key, .. } | Deed::PromiseCalled { key, .. } => {
            unmet.require(!is_over, "R88", "over_for_good");
            unmet.require(!process.fired.contains(key), "R88", "called_already");
            unmet.require(*asked.actor == super::Actor::linesman(), "R88", "clocks_only");
        }
        _ => {}
    }
}

/// Whether the customer was promised a time that has not come.
fn has_open_promise(ticket: &Ticket, now: chrono::DateTime<chrono::Utc>) -> bool {
    let standing = promise::read(&ticket.process.promises, now);
    standing.iter().any(|known| known.outcome == promise::Outcome::Open)
}

fn work_is_open(ticket: &Ticket, reference: &str, unmet: &mut Unmet) {
    unmet.require(!ticket.state.is_final(), "R42", "over_for_good");
    let open = ticket.process.open_works().any(|work| work.reference == reference);
    unmet.require(open, "R42", "no_such_work");
}

/// Why a promise cannot be, in words of the catalogues.
fn sentence(refusal: &PromiseRefusal) -> Message {
    let (name, id) = match refusal {
        PromiseRefusal::Past { .. } => ("promise_past", ""),
        PromiseRefusal::NoOwner => ("promise_no_owner", ""),
        PromiseRefusal::NoReason => ("promise_no_reason", ""),
        PromiseRefusal::Taken(id) => ("promise_taken", id.as_str()),
        PromiseRefusal::Unknown(id) => ("promise_unknown", id.as_str()),
        PromiseRefusal::Settled(id) => ("promise_settled", id.as_str()),
    };
    let message = Message::new(&format!("guard.{name}"));
    if id.is_empty() { message } else { message.with("id", id) }
}
