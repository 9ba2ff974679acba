//! Walks through the decision trees (R57 to R66): nobody skips a question, answers another's, or resolves what was
//! not walked to its end.

use linesman_process::Language;
use linesman_process::tree::{Answerer, Outcome, Refusal, Run, Standing};

use crate::locale::Message;
use crate::ticket::walk::{self, Guide, LONGEST_DETAIL};
use crate::ticket::{Deed, State};

use super::{Asked, Unmet};

pub(super) fn check(asked: &Asked<'_>, deed: &Deed, unmet: &mut Unmet) {
    let Asked { ticket, around, actor, .. } = asked;
    let is_over = ticket.state.is_final() || matches!(ticket.state, State::Rejected | State::Cancelled);
    unmet.require(!is_over, "R57", "over_for_good");
    let Some(guide) = &around.guide else {
        unmet.require(false, "R57", "no_trees");
        return;
    };
    let known = ticket.process.walks.last();
    match deed {
        Deed::WalkBegun { from, versions, reason } => {
            let tree = guide.trees.latest(&from.tree);
            let is_start = tree.is_some_and(|tree| {
                from.node == tree.start || tree.measured_start.as_ref() == Some(&from.node)
            });
            unmet.require(is_start && *versions == guide.trees.versions(), "R114", "no_such_start");
            let goes_on = known.is_some_and(|run| !is_ended(run, guide));
            unmet.require(!goes_on || !reason.trim().is_empty(), "R57", "walk_goes_on");
            unmet.require(reason.chars().count() <= LONGEST_DETAIL, "R57", "words_too_long");
        }
        Deed::Walked { step } => {
            let Some(known) = known else {
                unmet.require(false, "R57", "no_walk");
                return;
            };
            let told = step.details.values().map(String::as_str);
            let seen = match &step.answerer {
                Answerer::Auto { evidence } => Some(evidence.as_str()),
                Answerer::Person { evidence, .. } => evidence.as_deref(),
            };
            let is_short = told.chain(seen).all(|words| words.chars().count() <= LONGEST_DETAIL);
            unmet.require(is_short, "R57", "words_too_long");
            let asks = known.standing(&guide.trees).map(|standing| standing.node().ask.len()).unwrap_or(0);
            unmet.require(step.details.len() <= asks, "R57", "not_asked_for");
            if let Err(against) = walk::check(known, guide, step, actor) {
                refuse(&against, unmet);
            }
        }
        _ => {}
    }
}

fn is_ended(run: &Run, guide: &Guide) -> bool {
    matches!(run.standing(&guide.trees), Ok(Standing::Ended(..)))
}

/// What is repaired was walked through its tree to a result (R57); of what else was walked, the walk is over.
pub(super) fn walked_to_its_end(asked: &Asked<'_>, unmet: &mut Unmet) {
    let Asked { ticket, around, .. } = asked;
    let Some(guide) = &around.guide else { return };
    let Some(run) = ticket.process.walks.last() else {
        unmet.require(!walk::is_asked(ticket), "R57", "no_walk");
        return;
    };
    match run.standing(&guide.trees) {
        Ok(Standing::Ended(_, _, outcome)) => {
            let is_result = outcome == Outcome::Result || !walk::is_asked(ticket);
            unmet.require(is_result, "R57", "walk_without_result");
        }
        Ok(Standing::Asks(tree, node)) => {
            let next = Message::new("guard.walk_not_finished")
                .with("node", format!("{}/{}", tree.name, node.id))
                .with_both("question", node.text.get(Language::English), node.text.get(Language::Chinese));
            unmet.refuse(next, &node.rule);
        }
        Err(gone) => refuse(&[gone], unmet),
    }
}

/// What the trees say against it, each with the rule behind it.
fn refuse(against: &[Refusal], unmet: &mut Unmet) {
    for one in against {
        let (english, chinese) = (one.say(Language::English), one.say(Language::Chinese));
        let rule = match one {
            Refusal::Missing { rule, .. } => rule.as_str(),
            Refusal::VersionGone { .. } => "R114",
            _ => "R57",
        };
        unmet.refuse(Message::new("guard.walk").with_both("said", &english, &chinese), rule);
    }
}

/// What the trees say against it, as sentences of the catalogues.
#[must_use]
pub fn sentences(against: &[Refusal]) -> Vec<Message> {
    let mut unmet = Unmet::default();
    refuse(against, &mut unmet);
    unmet.0
}
