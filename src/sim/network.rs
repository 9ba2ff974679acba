//! Elements behind elements, and what is wrong with each.
//!
//! PURE: no sockets, no time, no randomness. A path's [`Condition`] is all that a responder needs
//! to know: how much is lost on the way to it, and how long the way takes.

use std::collections::BTreeMap;
use std::time::Duration;

/// No element has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulated network has no element `{0}`")]
pub struct UnknownElement(pub String);

/// Place of an element in its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(usize);

#[derive(Debug, Clone)]
struct Element {
    name: String,
    behind: Option<Place>,
    loss: f64,
    delay: Duration,
}

/// What meets a request and its answer on the whole way to an element and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// Share of exchanges lost, 0 to 1.
    pub loss: f64,
    /// Time added.
    pub delay: Duration,
}

/// The elements, what is wrong with them, and who is registered.
#[derive(Debug, Clone, Default)]
pub struct Network {
    elements: Vec<Element>,
    bindings: BTreeMap<String, bool>,
}

impl Network {
    /// Adds an element behind another, or next to the poller.
    pub fn add(&mut self, name: &str, behind: Option<Place>) -> Place {
        self.elements.push(Element { name: name.to_owned(), behind, loss: 0.0, delay: Duration::ZERO });
        Place(self.elements.len() - 1)
    }

    /// Adds an address of record, registered.
    pub fn bind(&mut self, aor: &str) {
        self.bindings.insert(aor.to_owned(), true);
    }

    /// Whether an address of record is registered; `None` where nobody has it.
    #[must_use]
    pub fn is_registered(&self, aor: &str) -> Option<bool> {
        self.bindings.get(aor).copied()
    }

    /// Registers an address of record, or ends its registration.
    ///
    /// # Errors
    /// [`UnknownElement`] where nobody has it.
    pub fn set_registered(&mut self, aor: &str, registered: bool) -> Result<(), UnknownElement> {
        let binding = self.bindings.get_mut(aor).ok_or_else(|| UnknownElement(aor.to_owned()))?;
        *binding = registered;
        Ok(())
    }

    /// From now on the element itself loses this share of what travels over it.
    ///
    /// # Errors
    /// [`UnknownElement`]
    pub fn set_loss(&mut self, name: &str, share: f64) -> Result<(), UnknownElement> {
        self.find(name)?.loss = share.clamp(0.0, 1.0);
        Ok(())
    }

    /// From now on the element itself holds what travels over it for so long.
    ///
    /// # Errors
    /// [`UnknownElement`]
    pub fn set_delay(&mut self, name: &str, delay: Duration) -> Result<(), UnknownElement> {
        self.find(name)?.delay = delay;
        Ok(())
    }

    /// What meets a packet on the way to an element, itself included.
    #[must_use]
    pub fn condition(&self, place: Place) -> Condition {
        let mut passed = 1.0;
        let mut delay = Duration::ZERO;
        let mut next = Some(place);
        // An element stands after what it is behind, so this ends.
        while let Some(element) = next.and_then(|Place(index)| self.elements.get(index)) {
            passed *= 1.0 - element.loss;
            delay += element.delay;
            next = element.behind;
        }
        Condition { loss: 1.0 - passed, delay }
    }

    fn find(&mut self, name: &str) -> Result<&mut Element, UnknownElement> {
        let found = self.elements.iter_mut().find(|element| element.name == name);
        found.ok_or_else(|| UnknownElement(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> (Network, [Place; 3]) {
        let mut network = Network::default();
        let link = network.add("link", None);
        let near = network.add("near", Some(link));
        let other = network.add("other", None);
        (network, [link, near, other])
    }

    #[test]
    fn a_cut_reaches_all_that_is_behind_it_and_nobody_else() {
        let (mut network, [link, near, other]) = network();
        network.set_loss("link", 1.0).expect("there is a link");
        let lost = [link, near, other].map(|place| network.condition(place).loss);
        assert_eq!(lost, [1.0, 1.0, 0.0]);
        network.set_loss("link", 0.0).expect("there is a link");
        assert_eq!(network.condition(near).loss, 0.0);
    }

    #[test]
    fn losses_multiply_and_delays_add_along_the_way() {
        let (mut network, [_, near, _]) = network();
        for name in ["link", "near"] {
            network.set_loss(name, 0.5).expect("there is one");
            network.set_delay(name, Duration::from_millis(20)).expect("there is one");
        }
        assert_eq!(network.condition(near), Condition { loss: 0.75, delay: Duration::from_millis(40) });
    }

    #[test]
    fn an_unknown_name_is_said_not_swallowed() {
        let (mut network, _) = network();
        assert_eq!(network.set_loss("lnik", 1.0), Err(UnknownElement("lnik".to_owned())));
        assert!(network.set_registered("sip:1@x", false).is_err());
        assert_eq!(network.is_registered("sip:1@x"), None);
    }
}
