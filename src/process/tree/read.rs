//! Reads one tree from TOML and checks what can be seen in it alone.

use serde::Deserialize;
use toml::Spanned;

use super::meaning::{Effect, Measurement, NodeKind, Outcome, Source};
use super::{Answer, Cap, Detail, Node, Place, Tree};
use crate::form::FormId;
use crate::role::Role;
use crate::text::Text;
use linesman_deadlines::mistake::Mistakes;

/// A tree's file: what its reader calls it, and its text.
#[derive(Debug, Clone, Copy)]
pub struct TreeFile<'a> {
    /// For messages.
    pub file: &'a str,
    /// TOML.
    pub text: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    tree: Spanned<String>,
    pub(super) version: Spanned<u32>,
    rule: Spanned<String>,
    title: String,
    title_zh: String,
    author: Option<String>,
    change: Option<String>,
    pub(super) start: Spanned<String>,
    pub(super) measured_start: Option<Spanned<String>>,
    node: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    kind: NodeKind,
    role: Option<Role>,
    rule: Spanned<String>,
    source: Option<Source>,
    text: String,
    text_zh: String,
    #[serde(default)]
    measured_by: Vec<Measurement>,
    #[serde(default)]
    ask: Vec<Asked>,
    form: Option<FormId>,
    #[serde(default)]
    effects: Vec<Effect>,
    cap_minutes: Option<Spanned<u32>>,
    cap_from: Option<Spanned<String>>,
    outcome: Option<Outcome>,
    #[serde(default)]
    answers: Vec<Edge>,
    next: Option<Spanned<String>>,
    next_source: Option<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    id: Spanned<String>,
    text: String,
    text_zh: String,
    #[serde(default)]
    personal: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edge {
    id: Spanned<String>,
    text: Option<String>,
    text_zh: Option<String>,
    to: Spanned<String>,
    measured: Option<Spanned<bool>>,
    source: Option<Source>,
    #[serde(default)]
    effects: Vec<Effect>,
}

type At = std::ops::Range<usize>;

/// Where things stand in the file, for mistakes that only the whole set shows.
pub(super) struct Places {
    pub(super) version: At,
    pub(super) start: At,
    pub(super) measured_start: Option<At>,
    /// Of each node its id, and the target of each answer.
    pub(super) nodes: Vec<(At, Vec<At>)>,
}

/// Reads a tree; `None` where its form is not that of a tree.
pub(super) fn read(text: &str, mistakes: &mut Mistakes<'_>) -> Option<(Tree, Places)> {
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            mistakes.add(error.span().unwrap_or(0..0), error.message().replace('\n', " "));
            return None;
        }
    };
    let name = file.tree.get_ref().clone();
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !is_name(&name) {
        mistakes.add(file.tree.span(), "a tree is named in capitals, digits and hyphens, as INTAKE or B");
    }
    check_rule(&file.rule, mistakes);
    let title = Text { en: file.title, zh: file.title_zh };
    if let Some(wrong) = title.wrong() {
        mistakes.add(file.tree.span(), format!("title: {}", wrong.replace("`text", "`title")));
    }
    let mut places = Places {
        version: file.version.span(),
        start: file.start.span(),
        measured_start: file.measured_start.as_ref().map(Spanned::span),
        nodes: Vec::with_capacity(file.node.len()),
    };
    let mut nodes: Vec<Node> = Vec::with_capacity(file.node.len());
    for entry in file.node {
        let at = entry.id.span();
        if nodes.iter().any(|known| known.id == *entry.id.get_ref()) {
            let id = entry.id.get_ref().escape_debug();
            mistakes.add(at.clone(), format!("`{id}` is there twice; give each node an id of its own"));
        }
        let (node, targets) = node(&name, entry, mistakes);
        nodes.push(node);
        places.nodes.push((at, targets));
    }
    let tree = Tree {
        name,
        version: file.version.into_inner(),
        rule: file.rule.into_inner(),
        title,
        author: file.author,
        change: file.change,
        start: file.start.into_inner(),
        measured_start: file.measured_start.map(Spanned::into_inner),
        nodes,
    };
    Some((tree, places))
}

fn check_rule(rule: &Spanned<String>, mistakes: &mut Mistakes<'_>) {
    let number = rule.get_ref().strip_prefix('R').map(str::parse::<u16>);
    if !matches!(number, Some(Ok(_))) {
        mistakes.add(rule.span(), "a rule is named as in mission.md, such as R57");
    }
}

fn check_id(id: &Spanned<String>, mistakes: &mut Mistakes<'_>) {
    let fits = |id: &str| {
        (1..=40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !fits(id.get_ref()) {
        mistakes.add(id.span(), "an id has letters, digits and underscores, forty at most");
    }
}

fn node(tree: &str, entry: Entry, mistakes: &mut Mistakes<'_>) -> (Node, Vec<At>) {
    let at = entry.id.span();
    check_id(&entry.id, mistakes);
    check_rule(&entry.rule, mistakes);
    let text = Text { en: entry.text, zh: entry.text_zh };
    if let Some(wrong) = text.wrong() {
        mistakes.add(at.clone(), wrong);
    }
    let has_next = entry.next.is_some();
    let wrong = match entry.kind {
        NodeKind::Question if has_next => Some("a question has `answers`, no `next`"),
        NodeKind::Question if entry.answers.len() < 2 => Some("a question has at least two answers"),
        NodeKind::Action if !has_next || !entry.answers.is_empty() => {
            Some("an action has `next` and no answers; make it a question if it may go several ways")
        }
        NodeKind::Outcome if has_next || !entry.answers.is_empty() => {
            Some("nothing comes after an outcome; take `next` and `answers` out")
        }
        NodeKind::Outcome if entry.outcome.is_none() => Some("say how it ends, as `outcome = \"result\"`"),
        NodeKind::Question | NodeKind::Action if entry.outcome.is_some() => {
            Some("only an outcome ends the walk; take `outcome` out or make it kind = \"outcome\"")
        }
        NodeKind::Question | NodeKind::Action if entry.role.is_none() => {
            Some("say who answers, as `role = \"technician\"`")
        }
        _ => None,
    };
    if let Some(wrong) = wrong {
        mistakes.add(at.clone(), wrong);
    }
    let cap = cap(&entry.id, entry.cap_minutes, entry.cap_from, mistakes);
    let mut ask: Vec<Detail> = Vec::with_capacity(entry.ask.len());
    for asked in entry.ask {
        check_id(&asked.id, mistakes);
        let text = Text { en: asked.text, zh: asked.text_zh };
        if let Some(wrong) = text.wrong() {
            mistakes.add(asked.id.span(), wrong);
        }
        if ask.iter().any(|known| known.id == *asked.id.get_ref()) {
            mistakes.add(asked.id.span(), "this is asked twice; give each detail an id of its own");
        }
        ask.push(Detail { id: asked.id.into_inner(), text, personal: asked.personal });
    }
    let is_measured = !entry.measured_by.is_empty();
    let (mut answers, mut targets) = (Vec::new(), Vec::new());
    if let Some(next) = &entry.next {
        answers.push(Answer {
            id: "done".to_owned(),
            text: Text::new("Done", "已完成"),
            to: place(tree, next.get_ref()),
            measured: is_measured.then_some(true),
            source: entry.next_source.or(entry.source).unwrap_or(Source::Stands),
            effects: Vec::new(),
        });
        targets.push(next.span());
    }
    for edge in entry.answers {
        targets.push(edge.to.span());
        let answer = answer(tree, edge, entry.source, is_measured, &answers, mistakes);
        answers.push(answer);
    }
    if is_measured && !answers.iter().any(|answer| answer.measured.is_some()) {
        mistakes
            .add(at, "it is measured, but no answer says by which result; write `measured = true` at one");
    }
    let node = Node {
        id: entry.id.into_inner(),
        kind: entry.kind,
        role: entry.role,
        rule: entry.rule.into_inner(),
        source: entry.source.unwrap_or(Source::Stands),
        text,
        measured_by: entry.measured_by,
        ask,
        form: entry.form,
        effects: entry.effects,
        cap,
        outcome: entry.outcome,
        answers,
    };
    (node, targets)
}

fn answer(
    tree: &str,
    edge: Edge,
    source: Option<Source>,
    is_measured: bool,
    known: &[Answer],
    mistakes: &mut Mistakes<'_>,
) -> Answer {
    check_id(&edge.id, mistakes);
    if known.iter().any(|known| known.id == *edge.id.get_ref()) {
        mistakes.add(edge.id.span(), "this answer is there twice; give each an id of its own");
    }
    let text = match (edge.text, edge.text_zh, edge.id.get_ref().as_str()) {
        (None, None, "yes") => Text::new("Yes", "是"),
        (None, None, "no") => Text::new("No", "否"),
        (en, zh, _) => Text { en: en.unwrap_or_default(), zh: zh.unwrap_or_default() },
    };
    if let Some(wrong) = text.wrong() {
        mistakes.add(edge.id.span(), wrong);
    }
    if let Some(measured) = &edge.measured {
        let value = *measured.get_ref();
        if !is_measured {
            mistakes.add(measured.span(), "the node is not measured; name its measurement in `measured_by`");
        } else if known.iter().any(|answer| answer.measured == Some(value)) {
            mistakes.add(measured.span(), format!("another answer is already that of `{value}`"));
        }
    }
    // What does not fit is kept as it is: what is wrong with it is said where the set is checked.
    Answer {
        id: edge.id.into_inner(),
        text,
        to: place(tree, edge.to.get_ref()),
        measured: edge.measured.map(Spanned::into_inner),
        source: edge.source.or(source).unwrap_or(Source::Stands),
        effects: edge.effects,
    }
}

fn cap(
    node: &Spanned<String>,
    minutes: Option<Spanned<u32>>,
    from: Option<Spanned<String>>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Cap> {
    let Some(minutes) = minutes else {
        if let Some(from) = from {
            mistakes.add(from.span(), "`cap_from` says since when; say how long in `cap_minutes`");
        }
        return None;
    };
    if !(1..=100_000).contains(minutes.get_ref()) {
        mistakes.add(minutes.span(), "a cap is between 1 and 100000 minutes");
    }
    let from = from.map_or_else(|| node.get_ref().clone(), Spanned::into_inner);
    Some(Cap { minutes: minutes.into_inner(), from })
}

/// `B8` of the own tree, `B/B8` of another.
fn place(own: &str, target: &str) -> Place {
    let (tree, node) = target.split_once('/').unwrap_or((own, target));
    Place { tree: tree.to_owned(), node: node.to_owned() }
}
