//! `/api/v1`: one file a noun. Handlers read, call a pure function or the writer, and show.

pub mod bulk;
pub mod calls;
pub mod customers;
pub mod diagnosis;
pub mod inventory;
pub mod knowledge;
pub mod maintenance;
pub mod notifications;
pub mod observations;
pub mod outages;
pub mod paging;
pub mod people;
pub mod reconciliation_upload;
pub mod reconciliations;
pub mod reports;
pub mod settings;
pub mod ticket_changes;
pub mod ticket_clocks;
pub mod ticket_compensation;
pub mod ticket_files;
pub mod ticket_forms;
pub mod ticket_known;
pub mod ticket_process;
pub mod ticket_register;
pub mod ticket_routes;
pub mod ticket_tree;
pub mod ticket_who;
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
        .needs_or_billing(Role::Agent, routes!(ticket_register::register))
        .needs_or_billing(Role::Agent, routes!(bulk::change))
        .needs_or_billing(Role::Viewer, routes!(ticket_clocks::deadlines))
        .needs_or_billing(Role::Viewer, routes!(ticket_known::show))
        .needs_or_billing(Role::Agent, routes!(ticket_clocks::texts))
        .needs_or_billing(Role::Agent, routes!(ticket_process::classify))
        .needs_or_billing(Role::Agent, routes!(ticket_process::assign))
        .needs_or_billing(Role::Agent, routes!(ticket_process::accept))
        .needs_or_billing(Role::Agent, routes!(ticket_process::contact))
        .needs_or_billing(Role::Agent, routes!(ticket_process::ask))
        .needs_or_billing(Role::Agent, routes!(ticket_process::hold))
        .needs_or_billing(Role::Agent, routes!(ticket_process::eta))
        .needs_or_billing(Role::Agent, routes!(ticket_process::work_done))
        .needs_or_billing(Role::Agent, routes!(ticket_process::hold_planned))
        .needs_or_billing(Role::Agent, routes!(ticket_process::resume))
        .needs_or_billing(Role::Agent, routes!(ticket_process::claim))
        .needs_or_billing(Role::Technician, routes!(ticket_process::verify))
        .needs(Role::Manager, routes!(ticket_process::waive))
        .needs_or_billing(Role::Agent, routes!(ticket_process::record))
        .needs_or_billing(Role::Agent, routes!(ticket_process::plan))
        .needs_or_billing(Role::Agent, routes!(ticket_process::bridge))
        .needs_or_billing(Role::Agent, routes!(ticket_process::solve))
        .needs_or_billing(Role::Agent, routes!(ticket_process::result_notice))
        .needs_or_billing(Role::Agent, routes!(ticket_process::result))
        .needs_or_billing(Role::Agent, routes!(ticket_process::confirm_result))
        .needs_or_billing(Role::Agent, routes!(ticket_process::unanswered))
        .needs_or_billing(Role::Agent, routes!(ticket_process::reopen))
        .needs_or_billing(Role::Agent, routes!(ticket_process::level))
        .needs(Role::Manager, routes!(ticket_process::reject))
        .needs(Role::Agent, routes!(outages::merge))
        .needs_or_billing(Role::Agent, routes!(ticket_process::link))
        .needs_or_billing(Role::Agent, routes!(ticket_process::promise))
        .needs_or_billing(Role::Agent, routes!(ticket_process::keep_promise))
        .needs_or_billing(Role::Viewer, routes!(people::roster))
        .needs(Role::Manager, routes!(people::replace))
        .needs(Role::Manager, routes!(people::duty))
        .needs_or_billing(Role::Agent, routes!(people::absence))
        .needs_or_billing(Role::Viewer, routes!(people::on_duty))
        .needs_or_billing(Role::Viewer, routes!(people::queue))
        .needs_or_billing(Role::Agent, routes!(people::assign))
        .needs_or_billing(Role::Agent, routes!(people::escalate))
        .needs_or_billing(Role::Viewer, routes!(ticket_forms::list))
        .needs_or_billing(Role::Viewer, routes!(ticket_forms::one))
        .needs_or_billing(Role::Agent, routes!(ticket_forms::file))
        .needs_or_billing(Role::Agent, routes!(ticket_forms::link))
        .needs_or_billing(Role::Agent, routes!(ticket_compensation::compute))
        .needs_or_billing(Role::Agent, routes!(ticket_compensation::grant))
        .needs_or_billing(Role::Viewer, routes!(ticket_routes::list))
        .needs(Role::Viewer, routes!(ticket_routes::all))
        .needs(Role::Technician, routes!(ticket_routes::ask))
        .needs(Role::Technician, routes!(ticket_routes::approve))
        .needs(Role::Technician, routes!(ticket_routes::refuse))
        .needs(Role::Technician, routes!(ticket_routes::rehearse))
        .needs(Role::Technician, routes!(ticket_routes::send))
        .needs(Role::Technician, routes!(ticket_routes::done))
        .needs_or_billing(Role::Viewer, routes!(ticket_tree::tree))
        .needs_or_billing(Role::Agent, routes!(ticket_tree::answer))
        .needs_or_billing(Role::Agent, routes!(ticket_tree::begin))
        .needs_or_billing(Role::Agent, routes!(ticket_tree::back))
        .needs_or_billing(Role::Viewer, routes!(tickets::one))
        .needs_or_billing(Role::Viewer, routes!(knowledge::of_ticket))
        .needs_or_billing(Role::Viewer, routes!(outages::children))
        .needs(Role::Agent, routes!(outages::customer_text))
        .needs(Role::Agent, routes!(outages::split))
        .needs(Role::Viewer, routes!(knowledge::list))
        .needs(Role::Viewer, routes!(knowledge::one))
        .needs_or_billing(Role::Viewer, routes!(knowledge::scripts))
        .needs(Role::Agent, routes!(knowledge::draft))
        .needs(Role::Agent, routes!(knowledge::edit))
        .needs(Role::Agent, routes!(knowledge::step))
        .needs_or_billing(Role::Agent, routes!(knowledge::used))
        .needs_or_billing(Role::Viewer, routes!(tickets::events))
        .needs_or_billing(Role::Viewer, routes!(tickets::evidence))
        .needs_or_billing(Role::Viewer, routes!(tickets::explain))
        .needs_or_billing(Role::Viewer, routes!(ticket_files::list))
        .needs_or_billing(Role::Agent, evidence(routes!(ticket_files::attach)))
        .needs_or_billing(Role::Viewer, routes!(ticket_files::one))
        .needs_or_billing(Role::Technician, routes!(ticket_changes::note))
        .needs_or_billing(Role::Technician, routes!(ticket_changes::confirm))
        .needs_or_billing(Role::Technician, routes!(ticket_changes::correct))
        .needs_or_billing(Role::Technician, routes!(ticket_changes::remeasure))
        .needs_or_billing(Role::Noc, routes!(ticket_changes::acknowledge))
        .needs_or_billing(Role::Noc, routes!(ticket_changes::approve))
        .needs_or_billing(Role::Agent, routes!(ticket_changes::cancel))
        .needs(Role::Billing, routes!(ticket_changes::settle))
        .needs(Role::Billing, routes!(ticket_changes::decline))
        .needs(Role::Billing, uploads(routes!(reconciliations::list, reconciliation_upload::upload)))
        .needs(Role::Billing, routes!(reconciliations::one))
        .needs(Role::Billing, routes!(reconciliations::rerun))
        .needs(Role::Billing, routes!(reconciliations::report))
        .needs_or_billing(Role::Viewer, routes!(customers::list))
        .needs_or_billing(Role::Viewer, routes!(customers::lookup))
        .needs_or_billing(Role::Viewer, routes!(customers::one))
        .needs(Role::Noc, routes!(customers::change::create))
        .needs(Role::Noc, routes!(customers::change::edit))
        .needs(Role::Noc, routes!(customers::change::add_contact))
        .needs(Role::Noc, routes!(customers::change::edit_contact, customers::change::remove_contact))
        .needs_or_billing(Role::Technician, routes!(customers::change::verify_contact))
        .needs(Role::Noc, routes!(customers::change::add_asset))
        .needs(Role::Noc, routes!(customers::change::edit_asset, customers::change::remove_asset))
        .needs(Role::Noc, routes!(customers::person::export))
        .needs(Role::Noc, routes!(customers::person::erase))
        .needs(Role::Admin, routes!(customers::person::trail))
        .needs(Role::Admin, routes!(customers::person::retention))
        .needs(Role::Viewer, routes!(calls::list))
        .needs(Role::Viewer, routes!(calls::lookup))
        .needs(Role::Viewer, routes!(calls::one))
        .needs(Role::Viewer, routes!(inventory::inventory))
        .needs(Role::Viewer, routes!(inventory::targets))
        .needs(Role::Viewer, routes!(observations::rounds))
        .needs(Role::Viewer, routes!(observations::hourly))
        .needs(Role::Viewer, routes!(diagnosis::faults))
        .needs(Role::Viewer, routes!(diagnosis::latest))
        .needs(Role::Admin, routes!(notifications::channels))
        .needs(Role::Admin, routes!(notifications::test))
        .needs(Role::Admin, routes!(notifications::dead))
        .needs(Role::Admin, routes!(notifications::retry))
        .needs(Role::Viewer, routes!(maintenance::list))
        .needs(Role::Noc, routes!(maintenance::announce))
        .needs(Role::Noc, routes!(maintenance::postpone))
        .needs(Role::Noc, routes!(maintenance::cancel))
        .needs(Role::Viewer, routes!(reports::list))
        .needs(Role::Viewer, routes!(reports::one))
        .needs(Role::Manager, routes!(reports::freeze))
        .needs(Role::Manager, routes!(reports::done))
        .needs(Role::Admin, routes!(settings::reload))
        .needs(Role::Admin, routes!(tokens::list, tokens::create))
        .needs(Role::Admin, routes!(tokens::revoke))
}

/// Room for a recorded call.
fn evidence((schemas, paths, methods): UtoipaMethodRouter<HttpState>) -> UtoipaMethodRouter<HttpState> {
    let most = crate::ticket::evidence::LARGEST_RECORDING + ticket_files::FRAME;
    (schemas, paths, methods.layer(DefaultBodyLimit::max(most)))
}

/// Without the limit of a body in memory: uploads go to the disk and have limits of their own.
fn uploads((schemas, paths, methods): UtoipaMethodRouter<HttpState>) -> UtoipaMethodRouter<HttpState> {
    (schemas, paths, methods.layer(DefaultBodyLimit::disable()))
}
