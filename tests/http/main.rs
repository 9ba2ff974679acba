//! HTTP from outside: the real router on a real SQLite database; only the wire is scripted.
//!
//! Every answer that any test sees is compared with the OpenAPI description: a status that is not
//! documented for its route fails the test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod access;
#[path = "../support/bills.rs"]
mod bills;
mod bulk;
mod calls;
mod customers;
mod daemon;
mod deeds;
mod desk;
mod desk_parts;
mod forms;
mod handling;
mod knowledge;
mod live;
mod maintenance;
mod network;
mod office;
mod parts;
mod people;
#[path = "../support/postgres.rs"]
mod postgres_server;
mod problems;
mod process;
mod proof;
mod reconciliations;
mod reports;
mod routes;
mod same_matter;
mod sequences;
mod session;
mod solution;
mod tickets;
mod tree;
mod waiting;
