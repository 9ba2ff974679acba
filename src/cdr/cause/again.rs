//! A second look at calls that a rule explained by chance: once a rule is bound to some of its calls, what else
//! explains the others is looked for without it.

use super::bind::Bound;
use super::deviation::Deviation;
use super::explain::Search;
use super::found::Pick;

impl Search<'_, '_> {
    /// Whether a rule may hold on a call, as far as it is known to hold on some only.
    pub fn allowed(&self, at: usize, rule: &Deviation) -> bool {
        let confined = self.confined.iter().find(|(other, _)| other == rule);
        let holds = |pick: &Pick| pick.includes(&self.items[at].keys, self.destinations);
        confined.is_none_or(|(_, picks)| picks.iter().any(holds))
    }

    /// Confines rules to what they are bound to; what they explained beyond is open again. How many calls
    /// those are.
    pub fn reopen(&mut self, bound: &[Bound]) -> usize {
        let picks = |bound: &Bound| bound.causes.iter().map(|cause| cause.pick).collect();
        self.confined = bound.iter().map(|bound| (bound.rule, picks(bound))).collect();
        let mut opened = 0;
        for place in 0..self.odd.len() {
            let at = self.odd[place];
            let stray =
                self.sets[place].as_ref().is_some_and(|set| !set.iter().all(|rule| self.allowed(at, rule)));
            if stray {
                self.sets[place] = None;
                opened += 1;
            }
        }
        opened
    }

    /// How many calls the causes explain, each bound as it is.
    pub fn explained_by(&self, bound: &[Bound]) -> usize {
        let holds = |at: usize, rule: &Deviation| {
            let keys = &self.items[at].keys;
            let causes = bound.iter().filter(|bound| bound.rule == *rule).flat_map(|bound| &bound.causes);
            causes.into_iter().any(|cause| cause.pick.includes(keys, self.destinations))
        };
        let explained = |(at, set): (&usize, &Option<Vec<Deviation>>)| {
            set.as_ref().is_some_and(|set| set.iter().all(|rule| holds(*at, rule)))
        };
        self.odd.iter().zip(&self.sets).filter(|place| explained(*place)).count()
    }
}
