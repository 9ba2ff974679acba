//! Many complaints, one outage: which ticket explains which complaint, and when there is to be one (tickets.md 5.4).
//!
//! Children keep their own customer, promise and clocks. [`plan`] is idempotent: planned again after its steps were
//! done, it plans nothing. Deliberately absent: reading and writing; the loop that carries it out is a worker's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TicketId;

/// Complaints of so many customers ...
pub const CHILDREN: usize = 5;
/// ... on one segment within this time are an outage, measured or not.
pub const WITHIN: TimeDelta = TimeDelta::minutes(10);
/// A complaint that came so long before its fault was seen may still be explained by it.
pub const LOOK_BACK: TimeDelta = TimeDelta::minutes(15);

/// What customers are told of an outage; one text a ticket, in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomerText {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
    /// When it was written: who was told before was told something else.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
}

/// A complaint that nothing explains yet, with what carries its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loose {
    /// The ticket.
    pub id: TicketId,
    /// Whose; complaints of one customer count once.
    pub customer: String,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// What carries its calls, the customer's own end last.
    pub path: Vec<String>,
}

/// A ticket that may explain complaints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explainer {
    /// The ticket.
    pub id: TicketId,
    /// The element at fault.
    pub segment: String,
    /// It was measured; declared for its complaints else.
    pub measured: bool,
    /// Since when there is trouble.
    pub since: DateTime<Utc>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A ticket explains a complaint.
    Link {
        /// The complaint.
        child: TicketId,
        /// The ticket.
        parent: TicketId,
    },
    /// There is an outage that nothing measured: a ticket for it.
    Declare {
        /// The element that its complaints share.
        segment: String,
        /// The complaints, the first one first.
        children: Vec<TicketId>,
    },
    /// An outage that was declared turns out to be a measured fault.
    Merge {
        /// The declared one.
        outage: TicketId,
        /// The measured one.
        into: TicketId,
    },
}

/// Steps that make tickets and complaints fit.
#[must_use]
pub fn plan(loose: &[Loose], explainers: &[Explainer], now: DateTime<Utc>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest: Vec<&Loose> = Vec::new();
    for complaint in loose {
        match explained_by(complaint, explainers) {
            Some(parent) => steps.push(Step::Link { child: complaint.id.clone(), parent: parent.id.clone() }),
            None => rest.push(complaint),
        }
    }
    for outage in explainers.iter().filter(|known| !known.measured) {
        let measured = explainers.iter().filter(|known| known.measured && known.segment == outage.segment);
        if let Some(into) = measured.min_by_key(|known| known.since) {
            steps.push(Step::Merge { outage: outage.id.clone(), into: into.id.clone() });
        }
    }
    rest.retain(|complaint| complaint.registered_at <= now && now - complaint.registered_at <= WITHIN);
    while let Some((segment, children)) = shared(&rest) {
        let ids: BTreeSet<&TicketId> = children.iter().map(|complaint| &complaint.id).collect();
        let children = children.iter().map(|complaint| complaint.id.clone()).collect();
        rest.retain(|complaint| !ids.contains(&complaint.id));
        steps.push(Step::Declare { segment, children });
    }
    steps
}

/// The ticket that explains a complaint: on his path, begun before or little after; measured before declared, and
/// of several the one nearest to the core, which explains the others too.
fn explained_by<'e>(complaint: &Loose, explainers: &'e [Explainer]) -> Option<&'e Explainer> {
    let fits = |known: &&Explainer| known.since <= complaint.registered_at + LOOK_BACK;
    let place = |known: &Explainer| complaint.path.iter().position(|name| *name == known.segment);
    let on_path = explainers.iter().filter(fits).filter_map(|known| Some((place(known)?, known)));
    on_path.min_by_key(|(place, known)| (!known.measured, *place, known.since)).map(|(_, known)| known)
}

/// The element that most customers' complaints share, if they are enough: of several the one nearest to them.
fn shared<'l>(loose: &[&'l Loose]) -> Option<(String, Vec<&'l Loose>)> {
    let mut by_element: BTreeMap<&str, (BTreeSet<&str>, usize)> = BTreeMap::new();
    for complaint in loose {
        for (place, element) in complaint.path.iter().enumerate() {
            let known = by_element.entry(element).or_default();
            known.0.insert(&complaint.customer);
            known.1 = known.1.max(place);
        }
    }
    let enough = by_element.into_iter().filter(|(_, (customers, _))| customers.len() >= CHILDREN);
    let (segment, _) = enough
        .max_by_key(|(name, (customers, place))| (customers.len(), *place, std::cmp::Reverse(*name)))?;
    let segment = segment.to_owned();
    let mut children: Vec<&Loose> =
        loose.iter().copied().filter(|complaint| complaint.path.contains(&segment)).collect();
    children.sort_by(|a, b| (a.registered_at, &a.id).cmp(&(b.registered_at, &b.id)));
    Some((segment, children))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn loose(id: &str, minute: i64, path: &[&str]) -> Loose {
        Loose {
            id: TicketId(id.to_owned()),
            customer: format!("customer of {id}"),
            registered_at: at(minute),
            path: path.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn explainer(id: &str, segment: &str, measured: bool, minute: i64) -> Explainer {
        Explainer { id: TicketId(id.to_owned()), segment: segment.to_owned(), measured, since: at(minute) }
    }

    fn five(minute: i64) -> Vec<Loose> {
        (0..5).map(|n| loose(&format!("t{n}"), minute, &["core", "switch-1", &format!("line-{n}")])).collect()
    }

    #[test]
    fn complaints_of_five_customers_on_one_segment_in_ten_minutes_are_an_outage_nearest_to_them() {
        let all = five(0);
        assert_eq!(plan(&all[..4], &[], at(1)), [], "four are not enough");
        let children: Vec<TicketId> = all.iter().map(|one| one.id.clone()).collect();
        assert_eq!(plan(&all, &[], at(1)), [Step::Declare { segment: "switch-1".to_owned(), children }]);
        assert_eq!(plan(&all, &[], at(11)), [], "too long ago");
        let mut same: Vec<Loose> = five(0);
        same.iter_mut().for_each(|one| one.customer = "one".to_owned());
        assert_eq!(plan(&same, &[], at(1)), [], "one customer who calls five times is no outage");
    }

    #[test]
    fn a_complaint_goes_below_the_measured_fault_on_its_path_that_is_nearest_to_the_core() {
        let one = [loose("t", 20, &["core", "switch-1", "line-1"])];
        let explainers = [
            explainer("line", "line-1", true, 10),
            explainer("switch", "switch-1", true, 10),
            explainer("declared", "core", false, 10),
            explainer("elsewhere", "switch-2", true, 10),
        ];
        let steps = plan(&one, &explainers, at(20));
        let link = Step::Link { child: TicketId("t".to_owned()), parent: TicketId("switch".to_owned()) };
        assert_eq!(steps, [link]);
    }

    #[test]
    fn a_fault_seen_a_quarter_of_an_hour_after_the_complaint_still_explains_it_and_later_not() {
        let one = [loose("t", 0, &["core"])];
        assert_eq!(plan(&one, &[explainer("f", "core", true, 15)], at(15)).len(), 1);
        assert_eq!(plan(&one, &[explainer("f", "core", true, 16)], at(16)), []);
    }

    #[test]
    fn a_declared_outage_becomes_one_with_the_fault_that_is_measured_on_its_segment() {
        let known = [explainer("outage", "core", false, 0), explainer("fault", "core", true, 3)];
        let merge = Step::Merge { outage: TicketId("outage".to_owned()), into: TicketId("fault".to_owned()) };
        assert_eq!(plan(&[], &known, at(4)), [merge]);
        assert_eq!(plan(&[], &known[..1], at(4)), []);
    }
}
