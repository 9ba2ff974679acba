//! `/api/v1`: one file a noun. Handlers read, call a pure function or the writer, and show.

pub mod diagnosis;
pub mod inventory;
pub mod maintenance;
pub mod observations;
pub mod paging;
pub mod reconciliation_upload;
pub mod reconciliations;
pub mod settings;
pub mod ticket_changes;
pub mod tickets;
pub mod tokens;
pub mod view;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::http::HttpState;

use crate::store::Role;

use super::router::Routes;

/// Adds the routes of the API, each with its role.
#[must_use]
pub fn routes(routes: Routes) -> Routes {
    routes
        .needs_or_billing(Role::Viewer, routes!(tickets::list))
        .needs_or_billing(Role::Viewer, routes!(tickets::one))
        .needs_or_billing(Role::Viewer, routes!(tickets::events))
        .needs_or_billing(Role::Viewer, routes!(tickets::evidence))
        .needs_or_billing(Role::Viewer, routes!(tickets::explain))
        .needs_or_billing(Role::Technician, routes!(ticket_changes::note))
        .needs_or_billing(Role::Technician, routes!(ticket_changes::confirm))
        .needs_or_billing(Role::Technician, routes!(ticket_changes::correct))
        .needs_or_billing(Role::Technician, routes!(ticket_changes::remeasure))
        .needs_or_billing(Role::Noc, routes!(ticket_changes::acknowledge))
        .needs_or_billing(Role::Noc, routes!(ticket_changes::approve))
        .needs_or_billing(Role::Noc, routes!(ticket_changes::cancel))
        .needs(Role::Billing, routes!(ticket_changes::settle))
        .needs(Role::Billing, routes!(ticket_changes::decline))
        .needs(Role::Billing, uploads(routes!(reconciliations::list, reconciliation_upload::upload)))
        .needs(Role::Billing, routes!(reconciliations::one))
        .needs(Role::Billing, routes!(reconciliations::rerun))
        .needs(Role::Billing, routes!(reconciliations::report))
        .needs(Role::Viewer, routes!(inventory::inventory))
        .needs(Role::Viewer, routes!(inventory::targets))
        .needs(Role::Viewer, routes!(observations::rounds))
        .needs(Role::Viewer, routes!(observations::hourly))
        .needs(Role::Viewer, routes!(diagnosis::faults))
        .needs(Role::Viewer, routes!(diagnosis::latest))
        .needs(Role::Viewer, routes!(maintenance::list))
        .needs(Role::Noc, routes!(maintenance::announce))
        .needs(Role::Noc, routes!(maintenance::postpone))
        .needs(Role::Noc, routes!(maintenance::cancel))
        .needs(Role::Admin, routes!(settings::reload))
        .needs(Role::Admin, routes!(tokens::list, tokens::create))
        .needs(Role::Admin, routes!(tokens::revoke))
}

/// Without the limit of a body in memory: uploads go to the disk and have limits of their own.
fn uploads((schemas, paths, methods): UtoipaMethodRouter<HttpState>) -> UtoipaMethodRouter<HttpState> {
    (schemas, paths, methods.layer(DefaultBodyLimit::disable()))
}
