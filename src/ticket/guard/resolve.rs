//! Repair, proof, solution (R24, R41, R42, R57 to R66, R95, R105, R119).

use linesman_deadlines::policy::Milestone;

use crate::diagnosis::{Cause, Class, FaultState, Side};
use crate::locale::Message;
use crate::ticket::process::{ContactPurpose, RecordKind, WorkKind};
use crate::ticket::{Deed, State, Ticket, TicketKind, clocks};

use super::{Asked, Unmet};

pub(super) fn check(asked: &Asked<'_>, deed: &Deed, unmet: &mut Unmet) {
    let Asked { ticket, .. } = asked;
    match deed {
        Deed::RepairClaimed { what } => {
            let among = [State::InProgress, State::HeldExternal, State::HeldPlanned, State::Reopened];
            unmet.require_state(ticket, &among, "R61");
            unmet.require_words(what, "R61", "no_repair_named");
            unmet.require(ticket.class.is_some(), "R48", "not_classified");
            let compared = ticket.process.has(RecordKind::Comparison)
                || ticket.fault.as_ref().is_some_and(|fault| fault.billing.is_some());
            unmet.require(ticket.class != Some(Class::A) || compared, "R58", "not_compared_on_five");
        }
        Deed::Verified { evidence, .. } => {
            unmet.require_state(ticket, &[State::Verifying], "R61");
            unmet.require_words(evidence, "R61", "no_measurement");
        }
        Deed::VerificationWaived { reason } => {
            unmet.require_state(ticket, &[State::Verifying], "R61");
            unmet.require_words(reason, "R61", "no_reason");
        }
        Deed::SolutionRecorded { root_cause, solution } => {
            unmet.require_words(solution, "R95", "no_solution");
            super::tree::walked_to_its_end(asked, unmet);
            unmet.no_route_waits(ticket);
            super::plan::is_granted(ticket, unmet);
            if is_repaired(ticket) {
                unmet.require_words(root_cause, "R119", "no_root_cause");
                repaired(asked, unmet);
            } else {
                answered(ticket, unmet);
            }
        }
        _ => {}
    }
}

/// Whether something is repaired and proven: faults and complaints of A to D. The rest is answered.
pub(in crate::ticket) fn is_repaired(ticket: &Ticket) -> bool {
    matches!(ticket.kind, TicketKind::Fault | TicketKind::Complaint) && ticket.class != Some(Class::E)
}

fn repaired(asked: &Asked<'_>, unmet: &mut Unmet) {
    let Asked { ticket, around, .. } = asked;
    let process = &ticket.process;
    unmet.require_state(ticket, &[State::Verifying], "R61");
    unmet.require(process.verification.is_some(), "R61", "not_verified");
    unmet.require(ticket.verdict.is_some() && ticket.class.is_some(), "R24", "diagnosis_not_confirmed");
    let located = ticket.segment.is_some() || !matches!(ticket.class, Some(Class::B | Class::C | Class::D));
    unmet.require(located, "R24", "not_located");
    let is_server =
        matches!(ticket.cause, Some(Cause::ServerDown | Cause::ServerState | Cause::ServerResources));
    let maintained = !is_server || process.has(RecordKind::MaintenanceRecord);
    unmet.require(maintained, "R41", "no_maintenance_record");
    let is_carrier = ticket.cause == Some(Cause::Fibre) || ticket.side == Some(Side::Carrier);
    let repaired = process
        .works
        .iter()
        .any(|work| work.kind == WorkKind::CarrierRepair && work.done_at.is_some() && work.result.is_some());
    unmet.require(!is_carrier || repaired, "R42", "no_carrier_repair");
    let is = |class: Class| ticket.class == Some(class);
    unmet.require(!is(Class::D) || process.has(RecordKind::TestReview), "R63", "no_test_review");
    unmet.require(!is(Class::A) || process.has(RecordKind::FinanceSignOff), "R59", "no_finance_sign_off");
    unmet.require(!is(Class::A) || process.has(RecordKind::AccountingMethod), "R59", "no_accounting_method");
    let open: Vec<&str> = process.open_works().map(|work| work.reference.as_str()).collect();
    let works = Message::new("guard.work_is_open").with("works", open.join(", "));
    unmet.require_said(open.is_empty(), "R105", works);
    let waived = process.verification.as_ref().is_some_and(|known| !known.measured);
    let own = ticket.fault.as_ref().is_some_and(|fault| matches!(fault.life, FaultState::Raised { .. }));
    let alarm = match &around.alarm {
        Some(number) => Some(number.clone()),
        None => own.then(|| ticket.number.to_string()),
    };
    if let Some(number) = alarm.filter(|_| !waived) {
        unmet.refuse(Message::new("guard.alarm_is_active").with("ticket", number), "R61");
    }
}

/// A consultation needs its answer, a top-up its outcome and notice, a follow-up its call.
fn answered(ticket: &Ticket, unmet: &mut Unmet) {
    unmet.require_state(ticket, &[State::InProgress, State::Verifying], "R95");
    let tasks: Vec<&str> = ticket.process.open_tasks().map(|task| task.reference.as_str()).collect();
    let works = Message::new("guard.work_is_open").with("works", tasks.join(", "));
    unmet.require_said(tasks.is_empty(), "R105", works);
    let told = |purpose: ContactPurpose| {
        ticket.process.contacts.iter().any(|contact| contact.told() && contact.purpose == purpose)
    };
    match ticket.kind {
        TicketKind::Recharge => {
            let outcome = ticket.process.has(RecordKind::FinanceOutcome);
            unmet.require(outcome, "R66", "no_finance_outcome");
            unmet.require(told(ContactPurpose::RechargeNotice), "R66", "no_recharge_notice");
        }
        TicketKind::FollowUp => {
            let called = clocks::has_happened(ticket, Milestone::FollowUpDone);
            unmet.require(called, "R106", "no_follow_up_call");
        }
        TicketKind::Fault | TicketKind::Complaint | TicketKind::Consultation => {
            unmet.require(told(ContactPurpose::Answer), "R65", "no_answer");
        }
    }
}
