//! What is done to a candidate before it becomes a rule: rules that it does not need are left out, and numbers are
//! read off more calls than it was found by.

use super::deviation::Deviation;
use super::explain::{Candidate, SAMPLES, Search};
use super::leg::Leg;
use super::region::thinned;
use super::solve::solve;

impl Search<'_, '_> {
    /// Without the rules that change nothing on any call that the candidate explains: what looks for several
    /// together meets some beside the one that explains.
    pub fn needed(&self, mut best: Candidate, contexts: &[Vec<Deviation>]) -> Candidate {
        let mut place = best.rules.len();
        while place > 0 && best.rules.len() > 1 {
            place -= 1;
            let mut fewer = best.rules.clone();
            fewer.remove(place);
            let does = |at: &usize| {
                self.leg(*at).is_some_and(|leg| {
                    contexts.iter().any(|context| {
                        let others =
                            context.iter().filter(|one| fewer.iter().all(|own| own.order() != one.order()));
                        let rules: Vec<Deviation> = others.chain(&fewer).copied().collect();
                        leg.explained_by(self.pricer, &rules)
                    })
                })
            };
            if best.explains.iter().all(does) {
                best.rules = fewer;
            }
        }
        best
    }

    /// With numbers that were solved from a sample read off many more calls, where that explains more.
    pub fn refined(&self, mut best: Candidate, contexts: &[Vec<Deviation>], open: &[usize]) -> Candidate {
        let legs: Vec<&Leg> = thinned(open, SAMPLES[0] * 4).iter().filter_map(|at| self.leg(*at)).collect();
        let beside = |context: &[Deviation], rules: &[Deviation]| -> Vec<Deviation> {
            let others = context.iter().filter(|one| rules.iter().all(|own| own.order() != one.order()));
            others.chain(rules).copied().collect()
        };
        let explained =
            |rules: &[Deviation]| legs.iter().filter(|leg| leg.explained_by(self.pricer, rules)).count();
        for place in 0..best.rules.len() {
            let rule = best.rules[place];
            if !is_solved(&rule, &rule) {
                continue;
            }
            let most = contexts
                .iter()
                .map(|context| (explained(&beside(context, &best.rules)), context))
                .max_by_key(|(many, context)| (*many, usize::MAX - context.len()));
            let Some((mut many, context)) = most.filter(|(many, _)| *many < legs.len()) else { continue };
            let mut rest = best.rules.clone();
            rest.remove(place);
            let with = beside(context, &rest);
            for other in solve(&legs, self.pricer, &with).into_iter().filter(|other| is_solved(&rule, other))
            {
                let mut rules = best.rules.clone();
                rules[place] = other;
                let more = explained(&beside(context, &rules));
                if more > many {
                    (many, best.rules) = (more, rules);
                }
            }
        }
        best
    }
}

/// Whether both are the same rule but for a number that is solved from calls.
const fn is_solved(one: &Deviation, other: &Deviation) -> bool {
    match (one, other) {
        (Deviation::Factor { .. }, Deviation::Factor { .. })
        | (Deviation::FeeAdded(_), Deviation::FeeAdded(_))
        | (Deviation::Minimum(_), Deviation::Minimum(_)) => true,
        (Deviation::Rate { row, .. }, Deviation::Rate { row: other, .. }) => *row == *other,
        _ => false,
    }
}
