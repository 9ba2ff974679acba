//! What there is, and what of it is measured.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use linesman_probes::probe::{ProbeKind, ProbeSpec};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::http::extract::{Params, Speaks};
use crate::http::openapi::{BadRequest, Invalid};
use crate::inventory::{Element, ElementIndex, ElementKind, Facts, Inventory, Target};
use crate::store::Role;

use super::paging::{limit, next_link};
use super::view::ObservationView;

/// One element of the network.
#[derive(Serialize, ToSchema)]
pub struct ElementView {
    /// Unique over all kinds.
    name: String,
    /// Its kind.
    kind: ElementKind,
    /// What it depends on directly.
    depends_on: Vec<String>,
    /// What lies between the poller and it, nearest first, itself last; empty for what carries no packets.
    path: Vec<String>,
    /// What is measured of it.
    targets: Vec<String>,
    /// What else is known; contacts are masked for roles below noc.
    facts: Facts,
}

/// The network as declared.
#[derive(Serialize, ToSchema)]
pub struct InventoryView {
    /// Nobody stands before what it depends on.
    elements: Vec<ElementView>,
    /// The server that this poller runs on.
    poller: Option<String>,
}

fn mask(facts: &Facts, role: Role) -> Facts {
    let mut facts = facts.clone();
    if !role.covers(Role::Noc) {
        for contact in &mut facts.contacts {
            // How many there are is no secret; who they are is.
            "***".clone_into(contact);
        }
    }
    facts
}

fn names(inventory: &Inventory, indices: &[ElementIndex]) -> Vec<String> {
    indices.iter().map(|index| inventory.element(*index).name.clone()).collect()
}

/// The network: elements, what depends on what, what is known of them.
#[utoipa::path(get, path = "/api/v1/inventory", operation_id = "getInventory", tag = "network",
    responses((status = 200, description = "The network as declared.", body = InventoryView)))]
pub async fn inventory(State(state): State<HttpState>, caller: Caller) -> Json<InventoryView> {
    let settings = state.settings.borrow().clone();
    let inventory = &settings.inventory;
    let view = |(place, element): (usize, &Element)| {
        let index = ElementIndex(place);
        ElementView {
            name: element.name.clone(),
            kind: element.kind,
            depends_on: names(inventory, &element.depends_on),
            path: names(inventory, inventory.path(index)),
            targets: inventory.targets_of(index).map(|target| target.name.clone()).collect(),
            facts: mask(&element.facts, caller.role),
        }
    };
    Json(InventoryView {
        elements: inventory.elements().iter().enumerate().map(view).collect(),
        poller: inventory.poller().map(|index| inventory.element(index).name.clone()),
    })
}

/// Which targets.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TargetQuery {
    /// Of this element.
    element: Option<String>,
    /// Measured by this kind of probe.
    probe: Option<String>,
    /// At most so many; 1000 unless stated.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<u32>,
    /// Where the page before ended.
    #[param(max_length = 300)]
    cursor: Option<String>,
}

/// One address or port that is measured.
#[derive(Serialize, ToSchema)]
pub struct TargetView {
    /// `ELEMENT/PROBE`.
    name: String,
    /// The element that its answer speaks for.
    element: String,
    /// Kind of probe.
    probe: String,
    /// Where the probe sends to; empty for this host itself.
    address: String,
    /// From round to round, seconds.
    interval_s: f64,
    /// Requests a round.
    count: u32,
    /// Longest wait for an answer, seconds.
    timeout_s: f64,
    /// The newest round; `null` before the first.
    last: Option<ObservationView>,
}

/// A page of targets.
#[derive(Serialize, ToSchema)]
pub struct TargetList {
    /// By name.
    targets: Vec<TargetView>,
    /// `cursor` of the next page; `null` at the end.
    next: Option<String>,
}

/// Targets with their newest round, by name.
#[utoipa::path(get, path = "/api/v1/targets", operation_id = "listTargets", tag = "network",
    params(TargetQuery),
    responses((status = 200, description = "A page of targets.", body = TargetList,
            headers(("Link" = String, description = "The next page, `rel=\"next\"`; absent at the end."))),
        BadRequest, Invalid))]
pub async fn targets(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    uri: Uri,
    Params(query): Params<TargetQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit, 1000, 10_000).map_err(|flaw| Problem::invalid(vec![flaw]))? as usize;
    let settings = state.settings.borrow().clone();
    let inventory = &settings.inventory;
    let kind = query.probe.as_deref().map(ProbeKind::parse);
    let wanted = |target: &&Target| {
        let element = &inventory.element(target.element).name;
        query.element.as_ref().is_none_or(|wish| wish == element)
            && kind.is_none_or(|wish| wish == Some(target.spec.kind()))
            && query.cursor.as_ref().is_none_or(|cursor| target.name > *cursor)
    };
    let mut found: Vec<&Target> = inventory.targets().iter().filter(wanted).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let goes_on = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| goes_on).map(|target| target.name.clone());
    let view = |target: &Target| TargetView {
        name: target.name.clone(),
        element: inventory.element(target.element).name.clone(),
        probe: target.spec.kind().name().to_owned(),
        address: address(&target.spec),
        interval_s: target.interval.as_secs_f64(),
        count: target.count,
        timeout_s: target.timeout.as_secs_f64(),
        last: state.live.latest(&target.name).map(|round| ObservationView::of(&round, language)),
    };
    let targets = found.into_iter().map(view).collect();
    let link = next_link(&uri, "cursor", next.as_deref());
    Ok((link, Json(TargetList { targets, next })).into_response())
}

/// Where a probe sends to, in words of the settings.
#[must_use]
pub fn address(spec: &ProbeSpec) -> String {
    match spec {
        ProbeSpec::Icmp { address, .. } => address.to_string(),
        ProbeSpec::Tcp { address } | ProbeSpec::Sip { address, .. } => address.to_string(),
        ProbeSpec::Http { url } => without_userinfo(url),
        ProbeSpec::Dns { server, name } => format!("{server} ({name})"),
        ProbeSpec::Registration { registrar, aor, .. } => format!("{registrar} ({aor})"),
        ProbeSpec::Host => String::new(),
        ProbeSpec::Call(call) => format!("{} ({})", call.address, call.uri),
    }
}

/// A password in a URL is nobody's business.
fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_shown_from_noc_upwards_only() {
        let facts = Facts { contacts: vec!["Li Na +86 10 5555 0101".to_owned()], ..Facts::default() };
        for role in [Role::Viewer, Role::Technician] {
            let text = serde_json::to_string(&mask(&facts, role)).unwrap();
            assert!(!text.contains("Li") && !text.contains("5555"), "{text}");
        }
        assert_eq!(mask(&facts, Role::Noc).contacts, facts.contacts);
    }

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        assert_eq!(without_userinfo("http://me:secret@h:8/p?q=a@b"), "http://h:8/p?q=a@b");
        assert_eq!(without_userinfo("http://h/p@q"), "http://h/p@q");
    }
}
