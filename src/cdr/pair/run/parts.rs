//! Calls in parts: of one side, where the other has the whole, or of both.

use super::{Run, SECOND, Sink, State, answer};
use crate::pair::learned::{Learned, end};
use crate::record::{ABSENT_32, Record, Side, flag};

/// How long a call that is answered rings at most.
const LONGEST_RINGING_MS: i64 = 90 * SECOND;
/// A shorter conversation is no part that was cut.
const SHORTEST_PART_MS: u32 = 60_000;

impl Run {
    /// Calls that both sides have in parts, cut at the same moments or not: what follows on at once, on each side,
    /// until both are as long. Compared part by part, a side that charges the call with its last part would seem
    /// to charge the others nothing.
    pub(super) fn common_parts(&mut self, run: [&[(i64, u32, Record)]; 2], sink: &mut impl Sink) {
        if run.iter().any(|records| records.len() < 2) {
            return;
        }
        for place in 0..run[0].len() {
            let State::Paired(other) = self.states[0][place] else { continue };
            let chains = self.grow(run, [place, other]);
            if chains.iter().any(|chain| chain.len() < 2) {
                continue;
            }
            let parts = Side::BOTH.map(|side| -> Vec<Record> {
                chains[side.index()].iter().map(|part| run[side.index()][*part].2).collect()
            });
            sink.split([&parts[0], &parts[1]]);
            for (states, chain) in self.states.iter_mut().zip(chains) {
                chain.into_iter().for_each(|part| states[part] = State::Settled);
            }
        }
    }

    /// The parts of both sides from a pair onwards, together as long; the pair alone where nothing goes on.
    fn grow(&self, run: [&[(i64, u32, Record)]; 2], begin: [usize; 2]) -> [Vec<usize>; 2] {
        let mut chains = begin.map(|at| vec![at]);
        let mut level = chains.clone();
        while chains.iter().all(|chain| chain.len() < 1_000) {
            let last = [0, 1].map(|side: usize| chains[side][chains[side].len() - 1]);
            let sums = [0, 1].map(|side: usize| {
                chains[side].iter().map(|part| i64::from(run[side][*part].2.talk_ms)).sum::<i64>()
            });
            let next = |side: usize, wanted: &dyn Fn(usize, State) -> bool| {
                (last[side] + 1..run[side].len().min(last[side] + 8)).find(|at| {
                    wanted(*at, self.states[side][*at])
                        && goes_on(&run[side][last[side]].2, &run[side][*at].2)
                })
            };
            let parts = chains[0].len().max(chains[1].len());
            let slack = SECOND * i64::try_from(parts).unwrap_or(1) + SECOND;
            if (sums[0] - sums[1]).abs() <= slack {
                level.clone_from(&chains);
                let paired = |_: usize, state: State| matches!(state, State::Paired(_));
                let Some(ours) = next(0, &paired) else { break };
                let State::Paired(partner) = self.states[0][ours] else { break };
                if next(1, &|at, _| at == partner).is_none() {
                    break;
                }
                chains[0].push(ours);
                chains[1].push(partner);
            } else {
                let shorter = usize::from(sums[0] > sums[1]);
                let Some(at) = next(shorter, &|_, state| state == State::Open) else { break };
                chains[shorter].push(at);
            }
        }
        level
    }

    /// A pair whose one side is shorter, and open records of that side that follow on from it so that
    /// together they are as long: a call in parts.
    pub(super) fn parts(&mut self, run: [&[(i64, u32, Record)]; 2], learned: &Learned, sink: &mut impl Sink) {
        if !self.states.iter().any(|states| states.contains(&State::Open)) {
            return;
        }
        for place in 0..run[0].len() {
            let State::Paired(other) = self.states[0][place] else { continue };
            let (ours, theirs) = (&run[0][place].2, &run[1][other].2);
            if ours.is(flag::ATTEMPT) || theirs.is(flag::ATTEMPT) {
                continue;
            }
            // The last part may be so short that the others are as long as the whole but for a second.
            let apart = i64::from(theirs.talk_ms) - i64::from(ours.talk_ms);
            for side in Side::BOTH {
                let (begin, whole, shorter) = match side {
                    Side::Ours => (place, theirs, apart),
                    Side::Theirs => (other, ours, -apart),
                };
                if shorter < -2 * SECOND {
                    continue;
                }
                let Some(chain) = self.chain(side, run[side.index()], begin, whole, learned) else {
                    continue;
                };
                let parts: Vec<Record> = chain.iter().map(|part| run[side.index()][*part].2).collect();
                let whole = std::slice::from_ref(whole);
                sink.split(if side == Side::Ours { [&parts, whole] } else { [whole, &parts] });
                for part in chain {
                    self.states[side.index()][part] = State::Settled;
                }
                let whole_place = if side == Side::Ours { other } else { place };
                self.states[side.other().index()][whole_place] = State::Settled;
                break;
            }
        }
    }

    /// The parts of a call in their order, one of which is paired with the whole: several, and together as long.
    fn chain(
        &self,
        side: Side,
        records: &[(i64, u32, Record)],
        begin: usize,
        whole: &Record,
        learned: &Learned,
    ) -> Option<Vec<usize>> {
        let states = &self.states[side.index()];
        let slack = learned.tolerance_ms.clamp(2 * SECOND, 10 * SECOND);
        let wanted = i64::from(whole.talk_ms);
        let mut chain = vec![begin];
        let mut sum = i64::from(records[begin].2.talk_ms);
        let allowed = |parts: usize| SECOND * i64::try_from(parts).unwrap_or(1) + SECOND;
        // Onwards from the end of the last part, then back from the start of the first.
        for onwards in [true, false] {
            while chain.len() < 1_000 {
                let edge = if onwards { chain[chain.len() - 1] } else { chain[0] };
                let gap = |candidate: usize| {
                    let (former, next) = if onwards { (edge, candidate) } else { (candidate, edge) };
                    let first = onwards && chain.len() == 1;
                    follows(&records[former].2, &records[next].2, first.then_some(whole.ring_ms))
                };
                let missing = wanted - sum;
                let fits = |candidate: usize| {
                    let record = &records[candidate].2;
                    let talk = i64::from(record.talk_ms);
                    let open = states[candidate] == State::Open && !chain.contains(&candidate);
                    if !open || record.is(flag::ATTEMPT) || record.caller != records[begin].2.caller {
                        return false;
                    }
                    if missing > 2 * SECOND {
                        return talk <= missing + allowed(chain.len() + 1) && gap(candidate) <= slack;
                    }
                    // As long already, as far as seconds tell: only what goes on at once without ringing, and
                    // completes it, is of the same call.
                    let rest = (missing - talk).abs();
                    let at_once = record.ring_ms == 0
                        && rest <= missing.abs().max(SECOND)
                        && talk * 10 <= sum
                        && gap(candidate) < SECOND;
                    let rang = record.ring_ms != ABSENT_32 && record.ring_ms > 1_000;
                    (at_once && onwards || !rang && rest < missing) && gap(candidate) <= 2 * SECOND
                };
                // In order of time, so that what goes on at once stands near.
                let near = if missing > 2 * SECOND {
                    0..records.len()
                } else {
                    edge.saturating_sub(4)..(edge + 5).min(records.len())
                };
                let open = near.filter(|candidate| fits(*candidate));
                let Some(next) = open.min_by_key(|candidate| (gap(*candidate), *candidate)) else { break };
                sum += i64::from(records[next].2.talk_ms);
                if onwards {
                    chain.push(next);
                } else {
                    chain.insert(0, next);
                }
            }
        }
        (chain.len() > 1 && (sum - wanted).abs() <= allowed(chain.len())).then_some(chain)
    }
}

/// Whether the second record goes on where the first was cut: at once, without ringing, or under the same name. Where
/// nobody tells the ringing, a redial looks alike, so that only one name makes one call of the two.
pub(in crate::pair) fn goes_on(first: &Record, second: &Record) -> bool {
    let kinds = flag::ATTEMPT | flag::INTERIM;
    if (first.flags | second.flags) & kinds != 0
        || first.caller != second.caller
        || first.talk_ms < SHORTEST_PART_MS
        || second.ring_ms != 0 && second.ring_ms != ABSENT_32
    {
        return false;
    }
    let later = second.start_ms - end(first);
    if first.call_id != 0 && first.call_id == second.call_id {
        let rang = first.ring_ms == ABSENT_32 && (0..=LONGEST_RINGING_MS).contains(&later);
        return later.abs() <= 2 * SECOND || rang;
    }
    second.ring_ms == 0 && later.abs() < SECOND
}

/// How far the second record is from going on where the first ends. `rang` is given for the first part of a call:
/// how long the call rang, by the other side. Where neither file tells that, the second goes on so much later.
fn follows(first: &Record, second: &Record, rang: Option<u32>) -> i64 {
    let edge = end(first);
    let apart = (second.start_ms - edge).abs().min((answer(second) - edge).abs());
    let Some(rang) = rang.filter(|_| first.ring_ms == ABSENT_32) else { return apart };
    let later = second.start_ms - edge;
    let least = if rang == ABSENT_32 {
        if (0..=LONGEST_RINGING_MS).contains(&later) { 0 } else { apart }
    } else {
        (later - i64::from(rang)).abs()
    };
    apart.min(least)
}
