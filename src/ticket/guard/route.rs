//! Stopping, diverting and restoring lines (R63): a second person agrees, only what was rehearsed is sent, nothing
//! is sent twice.

use linesman_process::Role;

use crate::diagnosis::Class;
use crate::ticket::process::RecordKind;
use crate::ticket::route::{RouteAction, RouteState, RouteStep, RouteWhat};

use super::{Asked, Unmet};

/// Largest request that a ticket keeps, in characters.
const LONGEST_REQUEST: usize = 20_000;

pub(super) fn check(asked: &Asked<'_>, number: u32, step: &RouteStep, unmet: &mut Unmet) {
    let Asked { ticket, actor, .. } = asked;
    let routes = &ticket.process.routes;
    if let RouteStep::Asked { .. } = step {
        let next = u32::try_from(routes.len()).unwrap_or(u32::MAX).saturating_add(1);
        unmet.require(number == next, "R63", "route_number");
        return asked_for(asked, step, unmet);
    }
    let Some(action) = routes.iter().find(|action| action.number == number) else {
        unmet.require(false, "R63", "no_such_route");
        return;
    };
    if !step.is_automatic() {
        unmet.require(!ticket.state.is_final(), "R63", "over_for_good");
    }
    let in_state = |among: &[RouteState]| among.contains(&action.state);
    match step {
        RouteStep::Asked { .. } => {}
        RouteStep::Approved => {
            unmet.require(in_state(&[RouteState::Asked]), "R63", "route_not_asked");
            unmet.require(action.asked.by != actor.0, "R63", "route_second_person");
            unmet.require(manages(asked), "R63", "route_manager");
            // D7: the technical manager has reviewed the tests before the line returns.
            let reviewed = action.what != RouteWhat::Restore
                || ticket.class != Some(Class::D)
                || !ticket.is_reported()
                || ticket.process.has(RecordKind::TestReview);
            unmet.require(reviewed, "R63", "no_test_review");
        }
        RouteStep::Refused { reason } => {
            let among = [
                RouteState::Asked,
                RouteState::Approved,
                RouteState::Rehearsed,
                RouteState::Failed,
                RouteState::Unclear,
            ];
            unmet.require(in_state(&among), "R63", "route_not_open");
            unmet.require_words(reason, "R63", "no_reason");
            unmet.require(action.asked.by == actor.0 || manages(asked), "R63", "route_manager");
        }
        RouteStep::Rehearsed { request, .. } => {
            let among =
                [RouteState::Approved, RouteState::Rehearsed, RouteState::Failed, RouteState::Unclear];
            unmet.require(in_state(&among), "R63", "route_not_approved");
            unmet.require(action.hook.is_some(), "R63", "route_has_no_hook");
            unmet.require(request.chars().count() <= LONGEST_REQUEST, "R63", "words_too_long");
            unmet.require(works(asked), "R63", "route_technician");
        }
        RouteStep::Ordered { sha256 } => {
            unmet.require(in_state(&[RouteState::Rehearsed]), "R63", "route_not_rehearsed");
            let same = action.rehearsal.as_ref().is_some_and(|known| known.sha256 == *sha256);
            unmet.require(same, "R63", "route_not_as_rehearsed");
            unmet.require(works(asked), "R63", "route_technician");
        }
        RouteStep::Tried { attempt } => {
            unmet.require(in_state(&[RouteState::Sending]), "R63", "route_not_ordered");
            unmet.require(*attempt == action.attempts.saturating_add(1), "R63", "route_number");
        }
        RouteStep::Answered { .. } => {
            unmet.require(in_state(&[RouteState::Sending]), "R63", "route_not_ordered");
        }
        RouteStep::DoneByHand { how } => {
            let by_hand = action.hook.is_none() && action.state == RouteState::Approved;
            // What a hook was to do counts as done by hand only once the hook is known not to do it.
            let among = [RouteState::Failed, RouteState::Unclear];
            unmet.require(by_hand || in_state(&among), "R63", "route_not_approved");
            unmet.require_words(how, "R63", "no_result");
            unmet.require(works(asked), "R63", "route_technician");
        }
    }
}

fn asked_for(asked: &Asked<'_>, step: &RouteStep, unmet: &mut Unmet) {
    let RouteStep::Asked { what, line, to, reason, restores, proof, .. } = step else { return };
    let ticket = asked.ticket;
    let routes = &ticket.process.routes;
    let is_restore = *what == RouteWhat::Restore;
    // A line comes back also after the trouble was resolved; it is stopped only while there is trouble.
    let is_open = ticket.state.is_open() || (is_restore && !ticket.state.is_final());
    unmet.require(is_open, "R63", "not_open_any_more");
    unmet.require_words(line, "R63", "route_no_line");
    unmet.require_words(reason, "R63", "no_reason");
    match what {
        RouteWhat::Divert => {
            let other = to.as_ref().is_some_and(|to| !to.trim().is_empty() && to != line);
            unmet.require(other, "R63", "route_no_other_line");
        }
        RouteWhat::Stop | RouteWhat::Restore => unmet.require(to.is_none(), "R63", "route_no_target"),
    }
    let proven = proof.as_ref().is_some_and(|proof| !proof.trim().is_empty());
    unmet.require(!is_restore || proven, "R63", "route_no_proof");
    let fits = |taken_back: &RouteAction| {
        taken_back.state == RouteState::Done
            && taken_back.what != RouteWhat::Restore
            && taken_back.line == *line
    };
    let known = restores.map(|number| routes.iter().any(|known| known.number == number && fits(known)));
    unmet.require(known != Some(false) && (is_restore || known.is_none()), "R63", "route_not_in_effect");
    let waits = routes.iter().any(|known| known.line == *line && known.state.is_pending());
    unmet.require(!waits, "R63", "route_asked_already");
}

fn manages(asked: &Asked<'_>) -> bool {
    let roles = asked.around.guide.as_ref().map(|guide| guide.roles.as_slice()).unwrap_or_default();
    roles.iter().any(|role| matches!(role, Role::TechnicalManager | Role::Management))
}

fn works(asked: &Asked<'_>) -> bool {
    let roles = asked.around.guide.as_ref().map(|guide| guide.roles.as_slice()).unwrap_or_default();
    manages(asked) || roles.iter().any(|role| role.stands_in_for(Role::Technician))
}
