//! Pages for people: overview, tickets, the ticket, elements, login.
//!
//! Server-made HTML that works without script; script only keeps it live, draws the charts and
//! swaps results in place. Each page gathers what it needs ([`gather`]), turns it into a view in
//! the reader's language by a pure function, and hands that to a template. Deliberately absent:
//! decisions (the ticket engine refuses, not the page), SQL, inline script and inline style.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`asker`] | who asks, in which language |
//! | [`shell`] | what every page shares; [`words`] numbers, times and marks; [`escape`] hostile text |
//! | [`overview`], [`tickets`], [`ticket`], [`element`], [`call`], [`login`] | a page each |
//! | [`reconciliations`], [`reconciliation`], [`bill`] | bills: the list with its form, a run, what a run found |
//! | [`action`], [`tree`], [`mod@file`] | the buttons of a ticket; its decision tree; its evidence files |
//! | [`register`], [`roster`], [`fill`] | registering what somebody calls about, who is on duty, filling in a form |
//! | [`sign`] | a signature drawn on a page |
//! | [`form`], [`answer`] | forms to print; what a customer answers by a link, without a login |
//! | [`path`], [`history`], [`series`] | the path as SVG, events in words, measurements as charts |
//! | [`assets`] | embedded files, named by their content |

pub mod action;
pub mod answer;
pub mod asker;
pub mod assets;
pub mod bill;
#[cfg(test)]
mod bill_tests;
pub mod call;
pub mod element;
pub mod escape;
pub mod file;
pub mod fill;
#[cfg(test)]
mod fixture;
pub mod form;
pub mod gather;
pub mod history;
pub mod login;
pub mod overview;
pub mod path;
pub mod reconciliation;
pub mod reconciliations;
pub mod register;
pub mod roster;
pub mod route;
pub mod series;
pub mod shell;
pub mod sign;
#[cfg(test)]
mod tests;
pub mod ticket;
pub mod tickets;
pub mod tree;
pub mod words;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::HttpState;
use super::api::ticket_files::FRAME;
use crate::ticket::evidence::LARGEST_RECORDING;

/// All pages, the forms on them and their assets.
pub fn router(state: HttpState) -> Router {
    Router::new()
        .route("/", get(overview::show))
        .route("/tickets", get(tickets::show))
        .route("/tickets/{number}", get(ticket::show))
        .route("/tickets/{number}/measurements", get(series::of_ticket))
        .route("/tickets/{number}/forms/{form}", get(form::show))
        .route("/tickets/{number}/forms/{form}/fill", get(fill::show).post(fill::file))
        .route("/register", get(register::show).post(register::register))
        .route("/register/merge", post(register::merge))
        .route("/roster", get(roster::show))
        .route("/answer/{secret}", get(answer::show).post(answer::answer))
        .route("/tickets/{number}/tree", post(tree::answer))
        .route("/tickets/{number}/tree-back", post(tree::back))
        .route("/tickets/{number}/tree-begin", post(tree::begin))
        .route("/tickets/{number}/routes", post(route::ask))
        .route("/tickets/{number}/routes/{route}/{verb}", post(route::step))
        .route(
            "/tickets/{number}/files",
            post(file::attach).layer(DefaultBodyLimit::max(LARGEST_RECORDING + FRAME)),
        )
        .route("/tickets/{number}/{action}", post(action::act))
        .route(
            "/reconciliations",
            get(reconciliations::show).post(reconciliations::upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/reconciliations/{run}", get(reconciliation::show))
        .route("/reconciliations/{run}/rerun", post(reconciliation::rerun))
        .route("/calls/{call}", get(call::show))
        .route("/elements/{name}", get(element::show))
        .route("/elements/{name}/measurements", get(series::of_element))
        .route("/login", get(login::show))
        .route("/assets/{*path}", get(assets::serve))
        .with_state(state)
}
