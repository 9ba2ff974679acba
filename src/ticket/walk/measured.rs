//! What measurements say of the questions of the trees: the diagnosis of the ticket or of the one above it, the
//! comparison of bills, the state of the elements that carry the customer's calls, the inventory.
//!
//! What was not measured says nothing: the question waits for a person.

use linesman_process::tree::Measured;

use crate::diagnosis::billing::Agreement;
use crate::diagnosis::{Cause, Class, Diagnosis, ElementState, Fault, PollerState};
use crate::inventory::{ElementKind, Inventory, Owner};
use crate::locale::{Language, Message};
use crate::ticket::Ticket;

/// What one piece of evidence says of the trees' questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// By which the steps name it.
    pub reference: String,
    /// What it says.
    pub measured: Vec<Measured>,
}

/// What is known of a ticket by measurement, the strongest first: its own diagnosis, that of the ticket above it,
/// then the newest look at the elements that carry its customer's calls.
#[must_use]
pub fn evidence(
    ticket: &Ticket,
    above: Option<&Ticket>,
    diagnosis: Option<&Diagnosis>,
    inventory: &Inventory,
) -> Vec<Evidence> {
    let mut all = Vec::new();
    let faults = ticket.fault.iter().chain(above.and_then(|above| above.fault.as_ref()));
    all.extend(faults.map(of_fault).filter(|known| !known.measured.is_empty()));
    let element = ticket.registration.as_ref().and_then(|registration| registration.element.as_deref());
    if let Some(name) = element.or(ticket.segment.as_deref()) {
        all.extend(of_inventory(inventory, name));
        if let Some(diagnosis) = diagnosis {
            all.extend(of_path(inventory, diagnosis, name));
        }
    }
    all
}

/// What a diagnosis says. It names the round that it was last seen in: a repair that did not help is answered by a
/// newer one only.
#[must_use]
pub fn of_fault(fault: &Fault) -> Evidence {
    let reference = match &fault.billing {
        Some(billing) => format!("reconciliation {}", billing.run),
        None => format!("diagnosis {} {}", fault.key, fault.last_seen.to_rfc3339()),
    };
    let mut measured: Vec<Measured> =
        fault.steps.iter().map(|step| Measured::new(&step.node, step.answer)).collect();
    if let Some(billing) = &fault.billing {
        let details: std::collections::BTreeMap<String, String> = billing
            .dimensions
            .iter()
            .filter(|one| one.result != Agreement::NotCompared)
            .map(|one| {
                let name =
                    if one.dimension.name() == "duration" { "call_duration" } else { one.dimension.name() };
                let result = Message::new(&format!("agreement.{}", agreement(one.result)));
                let words = [Language::English, Language::Chinese].map(|language| result.render(language));
                (name.to_owned(), format!("{} {}: {} {}", words[0], words[1], one.amount, billing.currency))
            })
            .collect();
        for known in measured.iter_mut().filter(|known| known.node == "A5") {
            known.details.clone_from(&details);
        }
    }
    // D3 asks for the cause: only the landing line is told by measurement.
    if fault.class == Class::D {
        measured.push(Measured::new("D2", true));
        if fault.cause == Cause::LandingTrunk {
            measured.push(Measured::new("D3", true));
        }
    }
    Evidence { reference, measured }
}

const fn agreement(result: Agreement) -> &'static str {
    match result {
        Agreement::Agrees => "agrees",
        Agreement::Converted => "converted",
        Agreement::Differs => "differs",
        Agreement::NotCompared => "not_compared",
    }
}

/// Whose the gateway is stands in the inventory (R62).
fn of_inventory(inventory: &Inventory, name: &str) -> Option<Evidence> {
    let element = inventory.element(inventory.find(name)?);
    let is_ours =
        (element.kind == ElementKind::Gateway).then(|| element.facts.owner == Some(Owner::Company))?;
    let measured = ["C2", "C7"].map(|node| Measured::new(node, is_ours)).to_vec();
    Some(Evidence { reference: format!("inventory {name}"), measured })
}

/// What is measured to be good is no cause: a kind of element of which every one on the way was measured, and is
/// good, answers its question with no. One that is not good needs a diagnosis to be blamed.
fn of_path(inventory: &Inventory, diagnosis: &Diagnosis, name: &str) -> Option<Evidence> {
    if !matches!(diagnosis.poller, PollerState::Sound) {
        return None;
    }
    let index = inventory.find(name)?;
    let own = inventory.element(index).depends_on.iter();
    let way: Vec<_> = inventory.path(index).iter().chain(own).chain([&index]).collect();
    let state = |element: &str| diagnosis.elements.iter().find(|report| report.element == element);
    let is_good = |kind: ElementKind| {
        let mut of_kind =
            way.iter().map(|step| inventory.element(**step)).filter(|one| one.kind == kind).peekable();
        of_kind.peek().is_some()
            && of_kind.all(|one| state(&one.name).is_some_and(|report| report.state == ElementState::Ok))
    };
    let mut measured = Vec::new();
    if is_good(ElementKind::Server) {
        // It answers every probe; what its resources are is another question, with readings of its own.
        measured.push(Measured::new("B5", false));
    }
    if is_good(ElementKind::Device) {
        measured.push(Measured::new("B6b", false));
    }
    if is_good(ElementKind::Link) {
        measured.push(Measured::new("B7", false));
    }
    if measured.is_empty() {
        return None;
    }
    let is_looked_at =
        |kind: ElementKind| matches!(kind, ElementKind::Server | ElementKind::Device | ElementKind::Link);
    let is_measured = |name: &str| {
        state(name)
            .is_some_and(|report| !matches!(report.state, ElementState::Unknown | ElementState::Hidden))
    };
    let mut looked_at = way.iter().map(|step| inventory.element(**step)).filter(|one| is_looked_at(one.kind));
    if looked_at.all(|one| is_measured(&one.name)) {
        measured.push(Measured::new("B4", true));
    }
    Some(Evidence { reference: format!("look {}", diagnosis.at.to_rfc3339()), measured })
}
