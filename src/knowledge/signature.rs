//! What kind of case it is, without a name or a place: two cases may be compared.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::diagnosis::{Cause, Class};
use crate::inventory::{ElementKind, Inventory};
use crate::ticket::Ticket;

/// Most features that count.
const MOST_FEATURES: usize = 64;

/// What kind of case it is; `None` is not known, or fits every one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Signature {
    /// Class of trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Kind of element at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_kind: Option<ElementKind>,
    /// What else was found: side, nodes of the tree, how it shows.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub features: BTreeSet<String>,
}

impl Signature {
    /// Of a ticket; its element's kind is looked up where the diagnosis does not say it.
    #[must_use]
    pub fn of(ticket: &Ticket, inventory: &Inventory) -> Self {
        let kind_of = |name: &str| inventory.find(name).map(|index| inventory.element(index).kind);
        let diagnosed = ticket.fault.as_ref().filter(|fault| ticket.segment.as_ref() == Some(&fault.segment));
        let named = ticket.segment.as_deref().and_then(kind_of);
        let segment_kind = diagnosed.and_then(|fault| fault.segment_kind).or(named);
        let mut features = BTreeSet::new();
        if let Some(side) = ticket.side {
            features.insert(format!("side:{}", side.name()));
        }
        if let Some(fault) = &ticket.fault {
            for step in &fault.steps {
                features.insert(format!("node:{}:{}", step.node, if step.answer { "yes" } else { "no" }));
            }
            let shows = match fault.loss_ratio {
                Some(loss) if loss >= 0.99 => Some("loss:all"),
                Some(loss) if loss > 0.0 => Some("loss:part"),
                _ => None,
            };
            features.extend(shows.map(str::to_owned));
        }
        if ticket.flapping.is_on() {
            features.insert("unstable".to_owned());
        }
        if let Some(model) = ticket.registration.as_ref().and_then(|known| known.product_model.as_ref()) {
            features.insert(format!("product:{}", model.to_lowercase()));
        }
        features.extend(ticket.process.tags.iter().map(|tag| format!("tag:{tag}")));
        let features = features.into_iter().take(MOST_FEATURES).collect();
        Self { class: ticket.class, cause: ticket.cause, segment_kind, features }
    }

    /// How alike this case and an article are, in parts of a thousand; 0 when they are of different classes or the
    /// class is not known. What the article leaves open counts neither way.
    #[must_use]
    pub fn likeness(&self, article: &Self) -> u32 {
        let (Some(class), Some(other)) = (self.class, article.class) else { return 0 };
        if class != other {
            return 0;
        }
        let (mut have, mut of) = (200_u32, 200_u32);
        if let Some(cause) = article.cause {
            of += 350;
            have += if self.cause == Some(cause) { 350 } else { 0 };
        }
        if let Some(kind) = article.segment_kind {
            of += 200;
            have += if self.segment_kind == Some(kind) { 200 } else { 0 };
        }
        let all = self.features.union(&article.features).count();
        if !article.features.is_empty() && all > 0 {
            let shared = self.features.intersection(&article.features).count();
            of += 250;
            have += u32::try_from(shared * 250 / all).unwrap_or(0);
        }
        have * 1_000 / of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(
        class: Class,
        cause: Option<Cause>,
        kind: Option<ElementKind>,
        features: &[&str],
    ) -> Signature {
        let features = features.iter().map(|one| (*one).to_owned()).collect();
        Signature { class: Some(class), cause, segment_kind: kind, features }
    }

    #[test]
    fn the_same_case_is_wholly_alike_another_class_not_at_all_and_the_cause_weighs_most() {
        let case =
            signature(Class::B, Some(Cause::Fibre), Some(ElementKind::Link), &["side:carrier", "loss:all"]);
        assert_eq!(case.likeness(&case), 1_000);
        let other_class = signature(Class::C, Some(Cause::GatewayDown), Some(ElementKind::Gateway), &[]);
        assert_eq!(case.likeness(&other_class), 0);
        let same_cause = signature(Class::B, Some(Cause::Fibre), Some(ElementKind::Device), &["loss:part"]);
        let same_kind =
            signature(Class::B, Some(Cause::NetworkDevice), Some(ElementKind::Link), &["loss:part"]);
        let general = signature(Class::B, None, None, &[]);
        let [cause, kind, any] = [&same_cause, &same_kind, &general].map(|article| case.likeness(article));
        assert!(cause > kind && any > kind, "{cause} {kind} {any}");
        assert_eq!(Signature::default().likeness(&case), 0, "of an unclassified case nothing is known");
    }
}
