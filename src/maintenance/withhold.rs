//! Which faults wait for the end of announced work, and which have outlived it.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::diagnosis::{Fault, FaultState};
use crate::inventory::Inventory;
use crate::locale::Message;

use super::{Phase, Window};

/// A fault that no ticket is opened for now.
#[derive(Debug, Clone, PartialEq)]
pub struct Withheld {
    /// The fault.
    pub fault: Fault,
    /// Identity of the window that covers it; of several the one that ends last.
    pub window: String,
}

/// Names of all elements that a window covers.
#[must_use]
pub fn covered<'a>(window: &Window, inventory: &'a Inventory) -> BTreeSet<&'a str> {
    let named = window.elements.iter().filter_map(|name| inventory.find(name));
    named
        .flat_map(|index| std::iter::once(index).chain(inventory.dependents(index).iter().copied()))
        .map(|index| inventory.element(index).name.as_str())
        .collect()
}

/// Parts faults into those that tickets are told of now and those that wait for the end of a window.
///
/// Waits what is new trouble: proven or suspected, begun inside a running window (`early` before it at
/// most: people begin before their time, and what lasted shorter than this has no ticket yet), on an element
/// that the window covers. What clears is always let through. A fault that began inside a window and is let
/// through after its end carries the sentence that says so.
#[must_use]
pub fn withhold(
    faults: Vec<Fault>,
    windows: &[Window],
    inventory: &Inventory,
    early: TimeDelta,
    now: DateTime<Utc>,
) -> (Vec<Fault>, Vec<Withheld>) {
    if windows.is_empty() {
        return (faults, Vec::new());
    }
    let scopes: Vec<(&Window, BTreeSet<&str>)> =
        windows.iter().map(|window| (window, covered(window, inventory))).collect();
    let (mut told, mut waiting) = (Vec::with_capacity(faults.len()), Vec::new());
    for mut fault in faults {
        let is_new_trouble = matches!(fault.life, FaultState::Raised { .. } | FaultState::Suspected { .. });
        let end_of =
            |window: &Window| window.cancelled_at.map_or(window.ends_at, |at| at.min(window.ends_at));
        let of = scopes
            .iter()
            .filter(|(window, scope)| {
                scope.contains(fault.segment.as_str())
                    && window.starts_at - early <= fault.began
                    && fault.began < end_of(window)
            })
            .map(|(window, _)| *window)
            .max_by_key(|window| (window.phase(now) == Phase::Running, end_of(window)));
        match of {
            Some(window) if is_new_trouble && window.phase(now) == Phase::Running => {
                waiting.push(Withheld { fault, window: window.id.clone() });
            }
            Some(window) if is_new_trouble => {
                let sentence = match window.cancelled_at {
                    Some(_) => "reason.outlived_cancelled_work",
                    None => "reason.outlived_announced_work",
                };
                fault.reasons.push(
                    Message::new(sentence)
                        .with("work", window.text.clone())
                        .with("elements", window.elements.join(", "))
                        .with("end", end_of(window).to_rfc3339_opts(SecondsFormat::Secs, true)),
                );
                told.push(fault);
            }
            _ => told.push(fault),
        }
    }
    (told, waiting)
}
