//! Order: nobody before what it depends on; circles; paths and dependents.

use super::{Element, ElementIndex};

/// Longest path from the poller to an element that carries packets. Real networks have a dozen
/// hops; the bound keeps the sum of all paths in memory.
pub(super) const LONGEST_PATH: usize = 256;

/// Numbers of nodes so that nobody stands before a node it depends on, by depth, then as given.
///
/// # Errors
/// Every circle found: each a list of nodes of which each depends on the next, the last on the first.
pub(super) fn topological(depends_on: &[Vec<usize>]) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    let mut waiting: Vec<usize> = depends_on.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); depends_on.len()];
    for (node, parents) in depends_on.iter().enumerate() {
        for parent in parents {
            dependents[*parent].push(node);
        }
    }
    let mut order: Vec<usize> = (0..depends_on.len()).filter(|node| waiting[*node] == 0).collect();
    let mut begin = 0;
    while begin < order.len() {
        // One depth at a time, each in the order of the file.
        let mut next = Vec::new();
        for node in &order[begin..] {
            for dependent in &dependents[*node] {
                waiting[*dependent] -= 1;
                if waiting[*dependent] == 0 {
                    next.push(*dependent);
                }
            }
        }
        begin = order.len();
        next.sort_unstable();
        order.append(&mut next);
    }
    if order.len() == depends_on.len() { Ok(order) } else { Err(circles(depends_on, &waiting)) }
}

/// Circles among the nodes that still wait, found by a walk without recursion.
fn circles(depends_on: &[Vec<usize>], waiting: &[usize]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        OnWay,
        Done,
    }
    let mut state = vec![State::New; depends_on.len()];
    let mut found = Vec::new();
    for start in 0..depends_on.len() {
        if waiting[start] == 0 || state[start] != State::New {
            continue;
        }
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        state[start] = State::OnWay;
        while let Some((node, tried)) = way.last_mut() {
            let Some(parent) = depends_on[*node].get(*tried).copied() else {
                state[*node] = State::Done;
                way.pop();
                continue;
            };
            *tried += 1;
            match state[parent] {
                State::New if waiting[parent] > 0 => {
                    state[parent] = State::OnWay;
                    way.push((parent, 0));
                }
                State::OnWay => {
                    let begin = way.iter().position(|(on_way, _)| *on_way == parent).unwrap_or(0);
                    found.push(way[begin..].iter().map(|(on_way, _)| *on_way).collect());
                }
                _ => {}
            }
        }
    }
    found
}

/// For each element what lies between the poller and it, nearest first, itself last; beside them
/// the elements whose path is longer than [`LONGEST_PATH`].
pub(super) fn paths(
    elements: &[Element],
    poller: Option<ElementIndex>,
) -> (Vec<Vec<ElementIndex>>, Vec<ElementIndex>) {
    let mut paths: Vec<Vec<ElementIndex>> = Vec::with_capacity(elements.len());
    let mut too_long = Vec::new();
    for (place, element) in elements.iter().enumerate() {
        let index = ElementIndex(place);
        let mut path: Vec<ElementIndex> = Vec::new();
        // What a server hangs at does not lie between it and a poller that runs on it.
        if poller != Some(index) {
            for parent in &element.depends_on {
                path.extend_from_slice(&paths[parent.0]);
            }
            path.sort_unstable();
            path.dedup();
        }
        if element.kind.carries_packets() {
            path.push(index);
            if path.len() > LONGEST_PATH {
                too_long.push(index);
                path = vec![index];
            }
        }
        path.shrink_to_fit();
        paths.push(path);
    }
    (paths, too_long)
}

/// For each element everything that depends on it, directly or not, in the order of elements.
pub(super) fn dependents(elements: &[Element]) -> Vec<Vec<ElementIndex>> {
    let mut dependents = vec![Vec::new(); elements.len()];
    let mut ancestors: Vec<Vec<ElementIndex>> = Vec::with_capacity(elements.len());
    for (place, element) in elements.iter().enumerate() {
        let mut all = element.depends_on.clone();
        for parent in &element.depends_on {
            all.extend_from_slice(&ancestors[parent.0]);
        }
        all.sort_unstable();
        all.dedup();
        for ancestor in &all {
            dependents[ancestor.0].push(ElementIndex(place));
        }
        ancestors.push(all);
    }
    dependents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stand_by_depth_and_then_as_given() {
        let depends_on = vec![vec![2], vec![], vec![1], vec![1], vec![]];
        assert_eq!(topological(&depends_on), Ok(vec![1, 4, 2, 3, 0]));
    }

    #[test]
    fn every_separate_circle_is_found_and_what_only_hangs_at_one_is_not_in_it() {
        let depends_on = vec![vec![1], vec![0], vec![3], vec![2], vec![0], vec![5]];
        let found = topological(&depends_on).expect_err("circles");
        assert_eq!(found, vec![vec![0, 1], vec![2, 3], vec![5]]);
    }
}
