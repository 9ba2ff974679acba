//! Questions to a finished inventory; none of them can fail.

use std::net::IpAddr;

use linesman_probes::probe::ProbeSpec;

use super::{Element, ElementIndex, ElementKind, Inventory, Target};

impl Inventory {
    /// All elements; nobody stands before what it depends on.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The element at a place of this inventory.
    ///
    /// # Panics
    /// With an index of another inventory.
    #[must_use]
    pub fn element(&self, index: ElementIndex) -> &Element {
        &self.elements[index.0]
    }

    /// Where the element of this name stands.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ElementIndex> {
        self.by_name.get(name).copied()
    }

    /// Everything that is measured.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The targets that speak for an element.
    pub fn targets_of(&self, element: ElementIndex) -> impl Iterator<Item = &Target> {
        let all = self.targets.len();
        let begin = self.first_target.get(element.0).copied().unwrap_or(all);
        let end = self.first_target.get(element.0 + 1).copied().unwrap_or(all);
        self.targets[begin..end].iter()
    }

    /// The target of this name, as `gateway-7/sip`.
    #[must_use]
    pub fn find_target(&self, name: &str) -> Option<&Target> {
        let (element, _) = name.rsplit_once('/')?;
        self.targets_of(self.find(element)?).find(|target| target.name == name)
    }

    /// The server that knows the registration of a gateway. It is no part of the gateway's path:
    /// only the `registration` target asks it.
    #[must_use]
    pub fn registrar(&self, element: ElementIndex) -> Option<ElementIndex> {
        self.registrars.get(element.0).copied().flatten()
    }

    /// Requests that all targets together send in a second.
    #[must_use]
    pub fn requests_per_second(&self) -> f64 {
        let packets = self.targets.iter().filter(|target| target.spec != ProbeSpec::Host);
        packets.map(|target| f64::from(target.count) / target.interval.as_secs_f64()).sum()
    }

    /// The server that this poller runs on, if stated.
    #[must_use]
    pub const fn poller(&self) -> Option<ElementIndex> {
        self.poller
    }

    /// Addresses near the poller that tell whether it is cut off.
    #[must_use]
    pub fn anchors(&self) -> &[IpAddr] {
        &self.anchors
    }

    /// What lies between the poller and an element, nearest first, the element itself last.
    /// Sites and customers carry no packets and stand in no path; a customer's own path is all
    /// that lies before his gateways and access lines. Nothing lies before the poller's server.
    #[must_use]
    pub fn path(&self, element: ElementIndex) -> &[ElementIndex] {
        &self.paths[element.0]
    }

    /// Names of what carries the calls of these elements: the path to each and what it stands on, itself last.
    #[must_use]
    pub fn path_to_all(&self, elements: &[String]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for index in elements.iter().filter_map(|element| self.find(element)) {
            let own = &self.element(index).depends_on;
            for step in self.path(index).iter().chain(own).chain([&index]) {
                let step = self.element(*step);
                // Sites carry nothing.
                if step.kind != ElementKind::Site && !names.contains(&step.name) {
                    names.push(step.name.clone());
                }
            }
        }
        names
    }

    /// Everything that depends on an element, directly or not, without itself.
    #[must_use]
    pub fn dependents(&self, element: ElementIndex) -> &[ElementIndex] {
        &self.dependents[element.0]
    }

    /// Customers that depend on an element, by name.
    #[must_use]
    pub fn customers_behind(&self, element: ElementIndex) -> Vec<&str> {
        self.dependents(element)
            .iter()
            .map(|dependent| self.element(*dependent))
            .filter(|dependent| dependent.kind == ElementKind::Customer)
            .map(|customer| customer.name.as_str())
            .collect()
    }
}
