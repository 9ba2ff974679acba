//! The operator's decision trees B, C and D as data (R57), walked with the answers of a finding.
//!
//! Only nodes that a measurement can answer stand here; those that people answer (B1, C1, D1 and
//! everything after the cause is known) belong to the ticket process.

use super::finding::Finding;
use super::{Cause, Class, Input, TreeStep};
use crate::inventory::Owner;
use crate::locale::Message;

/// Where an answer leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Node(&'static str),
    Decided,
}

/// A node: its question, how a finding answers it, where the answers lead.
struct Node {
    id: &'static str,
    answer: fn(&Input, &Finding) -> bool,
    yes: Next,
    no: Next,
}

const NODES: [Node; 13] = [
    // B: company server side (yes) or customer side (no)?
    Node {
        id: "B2",
        answer: |_, f| f.cause != Cause::CustomerAccess,
        yes: Next::Node("B4"),
        no: Next::Node("B3"),
    },
    Node { id: "B3", answer: |_, _| true, yes: Next::Decided, no: Next::Decided },
    Node { id: "B4", answer: |_, _| true, yes: Next::Node("B5"), no: Next::Decided },
    Node {
        id: "B5",
        answer: |_, f| matches!(f.cause, Cause::ServerDown | Cause::ServerState),
        yes: Next::Decided,
        no: Next::Node("B6"),
    },
    Node {
        id: "B6",
        answer: |_, f| f.cause == Cause::ServerResources,
        yes: Next::Decided,
        no: Next::Node("B6b"),
    },
    Node {
        id: "B6b",
        answer: |_, f| f.cause == Cause::NetworkDevice,
        yes: Next::Decided,
        no: Next::Node("B7"),
    },
    Node { id: "B7", answer: |_, f| f.cause == Cause::Fibre, yes: Next::Decided, no: Next::Decided },
    // C: supplied by the company?
    Node {
        id: "C2",
        answer: |input, f| is_company_gateway(input, f),
        yes: Next::Node("C3"),
        no: Next::Node("C3"),
    },
    // Configuration (yes) or hardware (no)?
    Node {
        id: "C3",
        answer: |_, f| matches!(f.cause, Cause::GatewayConfig | Cause::GatewayUnregistered),
        yes: Next::Node("C4"),
        no: Next::Node("C7"),
    },
    // Does the hardware meet the standard? Skipped for a company gateway, which does.
    Node {
        id: "C4",
        answer: |input, f| is_company_gateway(input, f),
        yes: Next::Node("C5"),
        no: Next::Decided,
    },
    Node { id: "C5", answer: |_, _| false, yes: Next::Decided, no: Next::Decided },
    Node { id: "C7", answer: |input, f| is_company_gateway(input, f), yes: Next::Decided, no: Next::Decided },
    // D: is it the termination line?
    Node { id: "D3", answer: |_, f| f.cause == Cause::LandingTrunk, yes: Next::Decided, no: Next::Decided },
];

fn is_company_gateway(input: &Input, finding: &Finding) -> bool {
    input.inventory.element(finding.segment).facts.owner == Some(Owner::Company)
}

/// The walk to the cause, a sentence at each node.
#[must_use]
pub fn walk(input: &Input, finding: &Finding) -> Vec<TreeStep> {
    let first = match finding.cause.class() {
        Class::B => "B2",
        Class::C => "C2",
        Class::D => "D3",
        // Billing and consultation are not found by probes.
        Class::A | Class::E => return Vec::new(),
    };
    let mut steps = Vec::new();
    let mut next = Next::Node(first);
    while let Next::Node(id) = next {
        let Some(node) = NODES.iter().find(|node| node.id == id) else { break };
        let answer = (node.answer)(input, finding);
        let key = format!("tree.{}.{}", node.id, if answer { "yes" } else { "no" });
        steps.push(TreeStep {
            node: node.id.to_owned(),
            answer,
            reason: Message::new(&key).with("segment", &input.inventory.element(finding.segment).name),
        });
        next = if answer { node.yes } else { node.no };
        // The table holds no circle; a bound costs nothing.
        if steps.len() > NODES.len() {
            break;
        }
    }
    steps
}
