//! The path from the poller through the fault and beyond, laid out for SVG.
//!
//! One layout for wide screens (left to right) and one for narrow ones (top to bottom); the page
//! shows one of them and, for everybody, the same hops as an ordered list with their evidence.

use crate::diagnosis::{ElementState, Fault, Hop};
use crate::inventory::ElementKind;
use crate::locale::Message;

use super::shell::Shell;
use super::words::{Mark, shape};

/// From node to node, left to right.
const STEP_X: u32 = 156;
/// From node to node, top to bottom.
const STEP_Y: u32 = 76;
/// Longest name in half-width characters before it is cut.
const LONGEST_NAME: usize = 19;

/// A hop as drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Name in full.
    pub name: String,
    /// Name as drawn.
    pub label: String,
    /// Kind in words.
    pub kind: String,
    /// State for CSS classes.
    pub state: &'static str,
    /// State in words.
    pub word: String,
    /// State as mark.
    pub mark: Option<Mark>,
    /// Outline of the shape.
    pub outline: &'static str,
    /// Symbol in the shape.
    pub symbol: &'static str,
    /// Whether this is the segment at fault.
    pub at_fault: bool,
    /// What was measured there.
    pub evidence: String,
    /// Whether it is an element with a page of its own.
    pub has_page: bool,
    /// Centre in the wide layout.
    pub x: u32,
    /// Centre in the tall layout.
    pub y: u32,
}

/// A whole path as drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathView {
    /// The hops, nearest first.
    pub nodes: Vec<Node>,
    /// Width of the wide layout.
    pub width: u32,
    /// Height of the tall layout.
    pub height: u32,
    /// The picture in a sentence.
    pub summary: String,
}

/// Lays a fault's path out. `poller` is the name of the server we run on, if it is an element.
#[must_use]
pub fn view(shell: &Shell, fault: &Fault, poller: Option<&str>) -> PathView {
    let mut nodes = Vec::with_capacity(fault.hops.len() + 2);
    let starts_at_poller = fault.hops.first().is_some_and(|hop| Some(hop.element.as_str()) == poller);
    if !starts_at_poller {
        nodes.push(own(shell));
    }
    nodes.extend(fault.hops.iter().map(|hop| of_hop(shell, hop)));
    nodes.extend(beyond(shell, fault));
    for (place, node) in (0_u32..).zip(&mut nodes) {
        node.x = STEP_X / 2 + place * STEP_X;
        node.y = STEP_Y / 2 + place * STEP_Y;
    }
    let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX / STEP_X);
    let summary = summary(shell, &nodes);
    PathView { nodes, width: count * STEP_X, height: count * STEP_Y, summary }
}

fn of_hop(shell: &Shell, hop: &Hop) -> Node {
    let kind = shell.t(&format!("kind.{}", hop.kind.name()));
    let mut node = node(shell, &hop.element, kind, hop.state);
    node.at_fault = hop.at_fault;
    node.evidence = shell.say(&hop.evidence);
    node.has_page = true;
    node
}

/// Ourselves, where the path begins.
fn own(shell: &Shell) -> Node {
    let mut node = node(shell, "Linesman", shell.t("page.poller"), ElementState::Ok);
    node.mark = None;
    node.word = shell.t("page.measures_from_here");
    node.evidence = node.word.clone();
    node.state = "poller";
    node.symbol = "M-4.5 3a4.5 4.5 0 1 1 9 0M0 3l3-4";
    node
}

/// All that lies behind the fault and is no hop, as one node.
fn beyond(shell: &Shell, fault: &Fault) -> Option<Node> {
    let is_drawn = |name: &String| fault.hops.iter().any(|hop| hop.element == *name);
    let undrawn = || fault.affected_elements.iter().filter(|name| !is_drawn(name) && **name != fault.segment);
    let behind = undrawn().count();
    if behind == 0 {
        return None;
    }
    let is_all = fault.hops.last().is_some_and(|hop| hop.at_fault);
    let key = if is_all { "page.behind" } else { "page.behind_more" };
    let label = shell.say(&Message::new(key).with("count", behind));
    let mut node = node(shell, &label, shell.t("page.beyond"), ElementState::Hidden);
    let mut names: Vec<&str> = undrawn().map(String::as_str).take(6).collect();
    if behind > names.len() {
        names.push("…");
    }
    node.evidence = names.join(shell.t("page.list_comma").as_str());
    Some(node)
}

fn node(shell: &Shell, name: &str, kind: String, state: ElementState) -> Node {
    let mark = Mark::of(state, shell.language());
    let (outline, symbol) = shape(state);
    Node {
        name: name.to_owned(),
        label: cut(name),
        kind,
        state: state.name(),
        word: mark.word().to_owned(),
        mark: Some(mark),
        outline,
        symbol,
        at_fault: false,
        evidence: String::new(),
        has_page: false,
        x: 0,
        y: 0,
    }
}

fn summary(shell: &Shell, nodes: &[Node]) -> String {
    let hops: Vec<String> = nodes.iter().map(|node| format!("{}: {}", node.name, node.word)).collect();
    let joint = shell.t("page.path_joint");
    shell.say(&Message::new("page.path_summary").with("hops", hops.join(&joint)))
}

/// Cut to what fits under a node; wide characters (CJK) count twice. The full name is in the list.
fn cut(name: &str) -> String {
    let width = |character: char| if u32::from(character) >= 0x1100 { 2 } else { 1 };
    if name.chars().map(width).sum::<usize>() <= LONGEST_NAME {
        return name.to_owned();
    }
    let mut used = 1;
    let mut label: String = name
        .chars()
        .take_while(|character| {
            used += width(*character);
            used <= LONGEST_NAME
        })
        .collect();
    label.push('…');
    label
}

impl Node {
    /// Whether the line before this node is broken, doubtful or whole.
    #[must_use]
    pub fn line(&self) -> &'static str {
        match (self.at_fault, self.state) {
            (true, "down") => "broken",
            (true, _) => "doubtful",
            (false, "hidden" | "unknown") => "hidden",
            (false, "down" | "degraded") => "doubtful",
            _ => "whole",
        }
    }

    /// Half the way back to the node before, wide layout.
    #[must_use]
    pub const fn before_x(&self) -> u32 {
        self.x.saturating_sub(STEP_X / 2)
    }

    /// Half the way back to the node before, tall layout.
    #[must_use]
    pub const fn before_y(&self) -> u32 {
        self.y.saturating_sub(STEP_Y / 2)
    }

    /// Centre of the node before, wide layout.
    #[must_use]
    pub const fn last_x(&self) -> u32 {
        self.x.saturating_sub(STEP_X)
    }

    /// Centre of the node before, tall layout.
    #[must_use]
    pub const fn last_y(&self) -> u32 {
        self.y.saturating_sub(STEP_Y)
    }
}

/// Kinds in the order in which the overview shows them: what carries most stands first.
pub const KINDS: [ElementKind; 8] = [
    ElementKind::Link,
    ElementKind::Trunk,
    ElementKind::Server,
    ElementKind::Device,
    ElementKind::Access,
    ElementKind::Gateway,
    ElementKind::Site,
    ElementKind::Customer,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_to_the_room_they_have_in_both_scripts() {
        assert_eq!(cut("link-a"), "link-a");
        assert_eq!(cut("a-very-long-name-of-a-link"), "a-very-long-name-o…");
        assert_eq!(cut("上海电信机房传输线路一号"), "上海电信机房传输线…");
    }
}
