//! Holds a set of trees together: every edge leads somewhere, every node is reached, every walk can end.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Places, TreeFile, read};
use super::{NodeKind, Place, Tree, Trees};
use linesman_deadlines::Mistake;
use linesman_deadlines::mistake::Mistakes;

struct Loaded<'t> {
    tree: Tree,
    places: Places,
    mistakes: Mistakes<'t>,
}

/// Reads files into one set and checks it whole.
///
/// # Errors
/// With every mistake at its place, file by file.
pub fn read_all(files: &[TreeFile<'_>]) -> Result<Trees, Vec<Mistake>> {
    let mut wrong: Vec<Mistake> = Vec::new();
    let mut loaded: Vec<Loaded<'_>> = Vec::new();
    for file in files {
        let mut mistakes = Mistakes::of(file.file, file.text);
        match read(file.text, &mut mistakes) {
            Some((tree, places)) => loaded.push(Loaded { tree, places, mistakes }),
            None => wrong.extend(mistakes.or(()).err().unwrap_or_default()),
        }
    }
    twice(&mut loaded);
    // Edges into a tree that could not be read would be said to lead nowhere.
    if wrong.is_empty() {
        link(&mut loaded);
    }
    let mut trees = BTreeMap::new();
    for Loaded { tree, mistakes, .. } in loaded {
        match mistakes.or(tree) {
            Ok(tree) => {
                trees.insert((tree.name.clone(), tree.version), tree);
            }
            Err(more) => wrong.extend(more),
        }
    }
    match wrong.is_empty() {
        true => Ok(Trees { trees }),
        false => Err(wrong),
    }
}

fn twice(loaded: &mut [Loaded<'_>]) {
    let mut known: BTreeSet<(String, u32)> = BTreeSet::new();
    for Loaded { tree, places, mistakes } in loaded {
        if !known.insert((tree.name.clone(), tree.version)) {
            let message = format!(
                "there already is a version {} of tree {}; what runs keeps it, so give yours a higher one",
                tree.version, tree.name
            );
            mistakes.add(places.version.clone(), message);
        }
    }
}

fn link(loaded: &mut [Loaded<'_>]) {
    let latest = latest(loaded);
    let nodes: BTreeMap<Place, Vec<Place>> = latest
        .values()
        .flat_map(|place| {
            let tree = &loaded[*place].tree;
            tree.nodes.iter().map(|node| {
                let from = Place { tree: tree.name.clone(), node: node.id.clone() };
                (from, node.answers.iter().map(|answer| answer.to.clone()).collect())
            })
        })
        .collect();
    let ends: BTreeSet<Place> = latest.values().flat_map(|place| outcomes(&loaded[*place].tree)).collect();
    let reached = reached(loaded, &latest, &nodes);
    let ending = ending(&nodes, ends);
    // Where an edge leads nowhere, what lies behind it is not reached either: the edge alone is told.
    let is_whole = nodes.values().flatten().all(|to| nodes.contains_key(to));
    for place in latest.into_values() {
        let Loaded { tree, places, mistakes } = &mut loaded[place];
        let here = |node: &str| Place { tree: tree.name.clone(), node: node.to_owned() };
        let starts = [(Some(&tree.start), Some(&places.start))];
        let measured = [(tree.measured_start.as_ref(), places.measured_start.as_ref())];
        for (start, at) in starts.into_iter().chain(measured) {
            if let (Some(start), Some(at)) = (start, at)
                && !nodes.contains_key(&here(start))
            {
                mistakes.add(at.clone(), format!("no node `{}` in this tree", start.escape_debug()));
            }
        }
        for (node, (at, targets)) in tree.nodes.iter().zip(&places.nodes) {
            for (answer, target) in node.answers.iter().zip(targets) {
                if !nodes.contains_key(&answer.to) {
                    mistakes.add(target.clone(), nowhere(&answer.to, &tree.name, &nodes));
                }
            }
            if let Some(cap) = &node.cap
                && !nodes.contains_key(&here(&cap.from))
            {
                let from = cap.from.escape_debug();
                mistakes.add(at.clone(), format!("cap_from: no node `{from}` in this tree"));
            }
            if !is_whole {
                continue;
            }
            if !reached.contains(&here(&node.id)) {
                mistakes.add(at.clone(), "nothing leads here; name it as a `next` or `to`, or take it out");
            } else if !ending.contains(&here(&node.id)) {
                mistakes.add(
                    at.clone(),
                    "no way from here comes to an outcome; give one of its answers a way out",
                );
            }
        }
    }
}

/// Of each name the place of its highest version.
fn latest(loaded: &[Loaded<'_>]) -> BTreeMap<String, usize> {
    let mut latest: BTreeMap<String, usize> = BTreeMap::new();
    for (place, Loaded { tree, .. }) in loaded.iter().enumerate() {
        let best = latest.entry(tree.name.clone()).or_insert(place);
        if loaded[*best].tree.version < tree.version {
            *best = place;
        }
    }
    latest
}

fn outcomes(tree: &Tree) -> impl Iterator<Item = Place> {
    let outcomes = tree.nodes.iter().filter(|node| node.kind == NodeKind::Outcome);
    outcomes.map(|node| Place { tree: tree.name.clone(), node: node.id.clone() })
}

/// What some walk comes to, from any tree's beginning.
fn reached(
    loaded: &[Loaded<'_>],
    latest: &BTreeMap<String, usize>,
    nodes: &BTreeMap<Place, Vec<Place>>,
) -> BTreeSet<Place> {
    let mut waiting: Vec<Place> = Vec::new();
    for place in latest.values() {
        let tree = &loaded[*place].tree;
        let starts = std::iter::once(&tree.start).chain(&tree.measured_start);
        waiting.extend(starts.map(|start| Place { tree: tree.name.clone(), node: start.clone() }));
    }
    let mut reached = BTreeSet::new();
    while let Some(next) = waiting.pop() {
        if let Some(targets) = nodes.get(&next)
            && reached.insert(next)
        {
            waiting.extend(targets.iter().cloned());
        }
    }
    reached
}

/// From where some walk comes to an outcome.
fn ending(nodes: &BTreeMap<Place, Vec<Place>>, ends: BTreeSet<Place>) -> BTreeSet<Place> {
    let mut ending = ends;
    loop {
        let more: Vec<Place> = nodes
            .iter()
            .filter(|(from, to)| !ending.contains(*from) && to.iter().any(|to| ending.contains(to)))
            .map(|(from, _)| from.clone())
            .collect();
        if more.is_empty() {
            return ending;
        }
        ending.extend(more);
    }
}

fn nowhere(to: &Place, own: &str, nodes: &BTreeMap<Place, Vec<Place>>) -> String {
    let (tree, node) = (to.tree.escape_debug(), to.node.escape_debug());
    let elsewhere = nodes.keys().find(|known| known.node == to.node);
    match elsewhere {
        Some(known) => {
            format!("no node `{node}` in tree {tree}; did you mean `{}/{}`?", known.tree, known.node)
        }
        None if to.tree == own => format!("no node `{node}` in this tree"),
        None => format!("no node `{node}` in tree {tree}; another tree's is written TREE/NODE, as B/B8"),
    }
}
