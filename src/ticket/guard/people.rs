//! Who has a ticket and who supervises it, by the roster (R22, R54, R88, R98, R104).

use crate::locale::Message;
use crate::ticket::people::{duty_of, hand_over, step_up};
use crate::ticket::{Actor, Deed};

use super::{Asked, Unmet};

pub(super) fn check(asked: &Asked<'_>, deed: &Deed, unmet: &mut Unmet) {
    let Asked { ticket, around, actor, now } = asked;
    let people = around.people.as_deref();
    match deed {
        Deed::Assigned { owner, department, duty, .. } => {
            let known = people.and_then(|people| duty_of(people, owner, department.as_deref(), *now));
            let other = Message::new("guard.duty_is_other").with("owner", owner);
            unmet.require_said(known.is_none_or(|known| known == *duty), "R22", other);
        }
        Deed::Escalated { from, to, reason, passed_over } => {
            unmet.require(!ticket.state.is_final(), "R104", "over_for_good");
            let supervisor = from.as_deref().or(ticket.process.supervisor.as_deref());
            let next = people.and_then(|people| step_up(ticket, supervisor, *reason, people, *now));
            let wanted = Deed::Escalated {
                from: from.clone(),
                to: to.clone(),
                reason: *reason,
                passed_over: passed_over.clone(),
            };
            unmet.require(next == Some(wanted), "R88", "not_the_next_above");
        }
        Deed::HandedOver { .. } => {
            unmet.require(**actor == Actor::linesman(), "R98", "roster_only");
            let next = people.and_then(|people| hand_over(ticket, people, *now));
            unmet.require(next.as_ref() == Some(deed), "R98", "not_handed_over_so");
        }
        _ => {}
    }
}
