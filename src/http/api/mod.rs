//! `/api/v1`: one file a noun. Handlers read, call a pure function or the writer, and show.

pub mod diagnosis;
pub mod inventory;
pub mod observations;
pub mod paging;
pub mod settings;
pub mod ticket_changes;
pub mod tickets;
pub mod tokens;
pub mod view;

use utoipa_axum::routes;

use crate::store::Role;

use super::router::Routes;

/// Adds the routes of the API, each with its role.
#[must_use]
pub fn routes(routes: Routes) -> Routes {
    routes
        .needs(Role::Viewer, routes!(tickets::list))
        .needs(Role::Viewer, routes!(tickets::one))
        .needs(Role::Viewer, routes!(tickets::events))
        .needs(Role::Viewer, routes!(tickets::evidence))
        .needs(Role::Viewer, routes!(tickets::explain))
        .needs(Role::Technician, routes!(ticket_changes::note))
        .needs(Role::Technician, routes!(ticket_changes::confirm))
        .needs(Role::Technician, routes!(ticket_changes::correct))
        .needs(Role::Technician, routes!(ticket_changes::remeasure))
        .needs(Role::Noc, routes!(ticket_changes::acknowledge))
        .needs(Role::Noc, routes!(ticket_changes::approve))
        .needs(Role::Noc, routes!(ticket_changes::cancel))
        .needs(Role::Viewer, routes!(inventory::inventory))
        .needs(Role::Viewer, routes!(inventory::targets))
        .needs(Role::Viewer, routes!(observations::rounds))
        .needs(Role::Viewer, routes!(observations::hourly))
        .needs(Role::Viewer, routes!(diagnosis::faults))
        .needs(Role::Viewer, routes!(diagnosis::latest))
        .needs(Role::Admin, routes!(settings::reload))
        .needs(Role::Admin, routes!(tokens::list, tokens::create))
        .needs(Role::Admin, routes!(tokens::revoke))
}
