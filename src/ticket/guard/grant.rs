//! Compensation: by a rule in force, computed as it says, approved within a limit (R113, R114).

use linesman_process::Language;
use linesman_process::compensation::Unmet as Against;

use crate::locale::Message;
use crate::ticket::Deed;

use super::{Asked, Unmet};

pub(super) fn check(asked: &Asked<'_>, deed: &Deed, unmet: &mut Unmet) {
    let Deed::CompensationGranted { claim, causes, grant } = deed else { return };
    unmet.require(!asked.ticket.state.is_final(), "R113", "over_for_good");
    let (Some(standard), Some(guide)) = (crate::procedure::compensation(), &asked.around.guide) else {
        unmet.require(false, "R113", "no_trees");
        return;
    };
    let known = standard
        .compute(claim, causes)
        .and_then(|computation| standard.grant(&computation, grant.granted, &asked.actor.0, &guide.roles));
    match known {
        Ok(known) => unmet.require(known == *grant, "R113", "not_as_computed"),
        Err(against) => {
            for sentence in sentences(&against) {
                unmet.refuse(sentence, "R113");
            }
        }
    }
}

/// What the standard says against it, as sentences of the catalogues.
#[must_use]
pub fn sentences(against: &[Against]) -> Vec<Message> {
    let said = |one: &Against| {
        let message = Message::new("guard.walk").with("rule", "R113");
        message.with_both("said", &one.say(Language::English), &one.say(Language::Chinese))
    };
    against.iter().map(said).collect()
}
