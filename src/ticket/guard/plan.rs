//! How a ticket is to be solved, and what serves its customer meanwhile (R93, R94, R109, R110).

use linesman_deadlines::policy::Level;
use linesman_process::compensation::Remedy;

use crate::locale::Message;
use crate::ticket::process::Contact;
use crate::ticket::{Deed, State, Ticket, TicketKind};

use super::{Asked, Unmet};

/// Measures of one plan.
const MOST_MEASURES: usize = 20;

/// Where it can be planned: while somebody works on it.
const PLANNED_IN: [State; 6] = [
    State::InProgress,
    State::PendingCustomer,
    State::HeldExternal,
    State::HeldPlanned,
    State::Verifying,
    State::Reopened,
];

pub(super) fn check(asked: &Asked<'_>, deed: &Deed, unmet: &mut Unmet) {
    let Asked { ticket, now, .. } = asked;
    match deed {
        Deed::SolutionPlanned { remedies, analysis, measures } => {
            unmet.require_state(ticket, &PLANNED_IN, "R93");
            // Emotion first, then the matter: who complains is spoken to before anything is worked out.
            let heard =
                ticket.kind != TicketKind::Complaint || ticket.process.contacts.iter().any(Contact::told);
            unmet.require(heard, "R109", "emotion_first");
            unmet.require(!remedies.is_empty(), "R94", "no_remedy");
            for view in [&analysis.customer, &analysis.staff, &analysis.company] {
                unmet.require_words(view, "R93", "no_analysis");
            }
            unmet.require((1..=MOST_MEASURES).contains(&measures.len()), "R93", "no_measures");
            for measure in measures {
                unmet.require_words(&measure.what, "R93", "no_measure_named");
                unmet.require_words(&measure.responsible, "R93", "no_one_responsible");
                unmet.require(measure.by > *now, "R93", "measure_passed");
            }
            let open: Vec<&str> = ticket.process.open_tasks().map(|task| task.reference.as_str()).collect();
            let plan = Message::new("guard.plan_is_open").with("works", open.join(", "));
            unmet.require_said(open.is_empty(), "R93", plan);
        }
        Deed::Bridged { what } => {
            unmet.require(ticket.state.is_open(), "R110", "not_open_any_more");
            unmet.require_words(what, "R110", "no_bridge_named");
            let is_emergency = ticket.process.level >= Some(Level::Red);
            unmet.require(is_emergency, "R110", "bridge_of_red_only");
            unmet.require(ticket.process.bridged_at.is_none(), "R110", "bridged_already");
        }
        _ => {}
    }
}

/// What was planned to be paid or given was granted before it counts as solved (R94, R113).
pub(super) fn is_granted(ticket: &Ticket, unmet: &mut Unmet) {
    let Some(plan) = ticket.process.plans.last() else { return };
    let costs = |remedy: &&Remedy| {
        matches!(remedy, Remedy::Refund | Remedy::Compensation | Remedy::Discount | Remedy::GiftService)
    };
    let granted =
        |remedy: &Remedy| ticket.process.grants.iter().any(|grant| grant.computation.remedy == *remedy);
    for remedy in plan.remedies.iter().filter(costs).filter(|remedy| !granted(remedy)) {
        let [english, chinese] = [linesman_process::Language::English, linesman_process::Language::Chinese]
            .map(|language| remedy.word(language));
        unmet.refuse(Message::new("guard.not_granted").with_both("remedy", english, chinese), "R94");
    }
}
