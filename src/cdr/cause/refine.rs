//! Numbers that were solved from a few calls, read off many more.

use super::deviation::Deviation;
use super::explain::{Candidate, SAMPLES, Search};
use super::leg::Leg;
use super::region::thinned;
use super::solve::solve;

impl Search<'_, '_> {
    /// With numbers read off many more calls than the candidate was found by, where that explains more. Only where
    /// amounts have few decimals: there a few calls leave a number so much room that the roundest one within it is
    /// another.
    pub fn refined(&self, mut best: Candidate, open: &[usize]) -> Candidate {
        let coarse = best.rules.iter().any(|rule| matches!(rule, Deviation::Decimals(_)));
        if !coarse || best.rules.iter().any(|rule| matches!(rule, Deviation::Tax { .. })) {
            return best;
        }
        let legs: Vec<&Leg> = thinned(open, SAMPLES[0] * 4).iter().filter_map(|at| self.leg(*at)).collect();
        let explained =
            |rules: &[Deviation]| legs.iter().filter(|leg| leg.explained_by(self.pricer, rules)).count();
        for place in 0..best.rules.len() {
            let rule = best.rules[place];
            if !is_solved_alike(&rule, &rule) {
                continue;
            }
            let mut many = explained(&best.rules);
            let mut rest = best.rules.clone();
            rest.remove(place);
            let solved = solve(&legs, self.pricer, &rest);
            for other in solved.into_iter().filter(|other| is_solved_alike(&rule, other)) {
                let mut rules = best.rules.clone();
                rules[place] = other;
                let more = explained(&rules);
                if more > many {
                    (many, best.rules) = (more, rules);
                }
            }
        }
        best
    }
}

/// Whether both are the same rule but for a number that is solved from calls.
const fn is_solved_alike(one: &Deviation, other: &Deviation) -> bool {
    match (one, other) {
        (Deviation::Factor { .. }, Deviation::Factor { .. })
        | (Deviation::FeeAdded(_), Deviation::FeeAdded(_))
        | (Deviation::Minimum(_), Deviation::Minimum(_)) => true,
        (Deviation::Rate { row, .. }, Deviation::Rate { row: other, .. }) => *row == *other,
        _ => false,
    }
}
