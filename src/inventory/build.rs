//! From declarations to an inventory, or to every mistake in them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::declare::{Declarations, Declared};
use super::names::{self, Names};
use super::targets::{self, Pacing};
use super::test_call::TestCall;
use super::{Element, ElementIndex, ElementKind, Facts, Inventory, check, order};
use linesman_probes::probe::ProbeSpec;

/// What can be wrong with a network as declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MistakeKind {
    /// Two elements of one name.
    Duplicate,
    /// A name that nothing has, or that something of the wrong kind has.
    Dangling,
    /// Elements that depend on each other in a circle.
    Cycle,
    /// A value that cannot be meant.
    Value,
}

/// A key of a declaration, as it is called in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// Which of its values, where it is a list.
    pub index: usize,
}

impl Field {
    pub(super) const fn of(key: &'static str) -> Self {
        Self { key, index: 0 }
    }
}

/// One mistake and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What kind.
    pub kind: MistakeKind,
    /// Bytes of the file: the span of the declaration that holds the mistake; `0..0` for the
    /// defaults of probes.
    pub span: Range<usize>,
    /// The key within that declaration, where one can be named.
    pub field: Option<Field>,
    /// What happened, why, what mends it.
    pub message: String,
}

/// An element before its place in the order is known; other nodes are named by number.
pub(super) struct Node<'a> {
    pub(super) kind: ElementKind,
    pub(super) name: &'a str,
    pub(super) span: &'a Range<usize>,
    pub(super) depends_on: Vec<usize>,
    pub(super) facts: Facts,
    pub(super) probes: Vec<ProbeSpec>,
    pub(super) registrar: Option<usize>,
    pub(super) test_call: Option<TestCall>,
}

/// Collects nodes and mistakes.
pub(super) struct Builder<'a> {
    pub(super) names: Names<'a>,
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Builder<'a> {
    fn name_all<T>(&mut self, kind: ElementKind, declared: &'a [Declared<T>]) {
        for declaration in declared {
            let (name, span) = (declaration.name.as_str(), &declaration.span);
            if let Some(objection) = names::objection(name) {
                self.mistake(MistakeKind::Value, span, None, objection);
            }
            if let Some(earlier) = self.names.give(name, kind, self.nodes.len()) {
                let message = format!(
                    "`{name}` is already the name of a {}; names are unique over all kinds, give this {} another",
                    earlier.name(),
                    kind.name()
                );
                self.mistake(MistakeKind::Duplicate, span, None, message);
            }
            let facts = Facts { description: declaration.description.clone(), ..Facts::default() };
            self.nodes.push(Node {
                kind,
                name,
                span,
                depends_on: Vec::new(),
                facts,
                probes: Vec::new(),
                registrar: None,
                test_call: None,
            });
        }
    }

    pub(super) fn mistake(
        &mut self,
        kind: MistakeKind,
        span: &Range<usize>,
        field: Option<Field>,
        message: String,
    ) {
        self.mistakes.push(Mistake { kind, span: span.clone(), field, message });
    }

    /// The node that a key names, if it is one of the kinds that the key may name.
    pub(super) fn resolve(
        &mut self,
        span: &Range<usize>,
        field: Field,
        name: &str,
        wanted: &[ElementKind],
    ) -> Option<usize> {
        let wanted_words = wanted.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or ");
        let message = match self.names.get(name) {
            Some((kind, number)) if wanted.contains(&kind) => return Some(number),
            Some((kind, _)) => {
                let suggestion = self.names.suggestion(name, wanted);
                format!("{}: `{name}` is a {}, not a {wanted_words}{suggestion}", field.key, kind.name())
            }
            None => {
                let suggestion = self.names.suggestion(name, wanted);
                format!("{}: no {wanted_words} is named `{}`{suggestion}", field.key, name.escape_debug())
            }
        };
        self.mistake(MistakeKind::Dangling, span, Some(field), message);
        None
    }

    /// Notes that `node` depends on what one of its keys names.
    pub(super) fn depend(&mut self, node: usize, field: Field, name: Option<&str>, wanted: &[ElementKind]) {
        let Some(name) = name else { return };
        let span = self.nodes[node].span;
        let Some(parent) = self.resolve(span, field, name, wanted) else { return };
        if !self.nodes[node].depends_on.contains(&parent) {
            self.nodes[node].depends_on.push(parent);
        }
    }
}

impl Inventory {
    /// Checks and connects what was declared.
    ///
    /// # Errors
    /// Every mistake in the declarations, in the order of the file.
    pub fn build(declarations: &Declarations) -> Result<Self, Vec<Mistake>> {
        let mut builder = Builder { names: Names::new(1024), nodes: Vec::new(), mistakes: Vec::new() };
        builder.name_all(ElementKind::Site, &declarations.sites);
        builder.name_all(ElementKind::Server, &declarations.servers);
        builder.name_all(ElementKind::Device, &declarations.devices);
        builder.name_all(ElementKind::Link, &declarations.links);
        builder.name_all(ElementKind::Trunk, &declarations.trunks);
        builder.name_all(ElementKind::Gateway, &declarations.gateways);
        builder.name_all(ElementKind::Access, &declarations.accesses);
        builder.name_all(ElementKind::Customer, &declarations.customers);
        builder.connect(declarations);
        builder.test_calls(declarations);
        let poller = builder.place_poller(declarations);
        let pacing = Pacing::of(declarations, &mut builder);

        let depends_on: Vec<Vec<usize>> = builder.nodes.iter().map(|node| node.depends_on.clone()).collect();
        match order::topological(&depends_on) {
            Ok(order) if builder.mistakes.is_empty() => {
                let inventory = assemble(&builder.nodes, &order, poller, &pacing, declarations);
                inventory.or_else(sorted)
            }
            Ok(_) => sorted(builder.mistakes),
            Err(circles) => {
                for circle in circles {
                    builder.report_circle(&circle);
                }
                sorted(builder.mistakes)
            }
        }
    }
}

impl Builder<'_> {
    fn report_circle(&mut self, circle: &[usize]) {
        let Some(first) = circle.first() else { return };
        let mut names: Vec<&str> = circle.iter().take(16).map(|node| self.nodes[*node].name).collect();
        if circle.len() > names.len() {
            names.push("…");
        }
        names.push(self.nodes[*first].name);
        let message = format!(
            "{} depend on each other in a circle; take one of these dependencies out",
            names.join(" -> ")
        );
        let span = self.nodes[*first].span;
        self.mistake(MistakeKind::Cycle, span, None, message);
    }

    fn place_poller(&mut self, declarations: &Declarations) -> Option<usize> {
        let span = &declarations.poller.span;
        for (index, anchor) in declarations.poller.anchors.iter().enumerate() {
            let field = Some(Field { key: "anchors", index });
            if let Some(objection) = check::address(*anchor) {
                self.mistake(MistakeKind::Value, span, field, objection);
            }
            let measured = self.nodes.iter().find(|node| {
                node.probes
                    .iter()
                    .any(|spec| matches!(spec, ProbeSpec::Icmp { address, .. } if address == anchor))
            });
            if let Some(node) = measured {
                let message = format!(
                    "anchor {anchor} is the address of {}; an anchor tells the poller's own isolation from faults \
                     of the network and must be no part of it",
                    node.name
                );
                self.mistake(MistakeKind::Value, span, field, message);
            }
        }
        let server = declarations.poller.server.as_deref()?;
        let node = self.resolve(span, Field::of("server"), server, &[ElementKind::Server])?;
        self.nodes[node].probes.push(ProbeSpec::Host);
        Some(node)
    }
}

fn sorted(mut mistakes: Vec<Mistake>) -> Result<Inventory, Vec<Mistake>> {
    mistakes.sort_by_key(|mistake| mistake.span.start);
    Err(mistakes)
}

/// Puts checked nodes into their order.
fn assemble(
    nodes: &[Node<'_>],
    order: &[usize],
    poller: Option<usize>,
    pacing: &Pacing,
    declarations: &Declarations,
) -> Result<Inventory, Vec<Mistake>> {
    let mut place = vec![ElementIndex(0); nodes.len()];
    for (position, node) in order.iter().enumerate() {
        place[*node] = ElementIndex(position);
    }
    let mut inventory = Inventory {
        elements: Vec::with_capacity(nodes.len()),
        anchors: declarations.poller.anchors.clone(),
        poller: poller.map(|node| place[node]),
        ..Inventory::default()
    };
    let mut by_name = BTreeMap::new();
    for number in order {
        let node = &nodes[*number];
        let index = place[*number];
        let mut depends_on: Vec<ElementIndex> = node.depends_on.iter().map(|parent| place[*parent]).collect();
        depends_on.sort_unstable();
        by_name.insert(node.name.to_owned(), index);
        inventory.first_target.push(inventory.targets.len());
        targets::of_node(node, *number, index, pacing, &mut inventory.targets);
        inventory.registrars.push(node.registrar.map(|server| place[server]));
        let facts = node.facts.clone();
        inventory.elements.push(Element { name: node.name.to_owned(), kind: node.kind, depends_on, facts });
    }
    inventory.by_name = by_name;
    let (paths, too_long) = order::paths(&inventory.elements, inventory.poller);
    if !too_long.is_empty() {
        let mistakes = too_long.iter().map(|index| Mistake {
            kind: MistakeKind::Value,
            span: nodes[order[index.0]].span.clone(),
            field: None,
            message: format!(
                "more than {} elements lie between the poller and `{}`; take some of its dependencies out",
                order::LONGEST_PATH,
                inventory.elements[index.0].name
            ),
        });
        return Err(mistakes.collect());
    }
    inventory.paths = paths;
    inventory.dependents = order::dependents(&inventory.elements);
    Ok(inventory)
}
