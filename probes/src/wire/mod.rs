//! The edge: what only the operating system can tell us of ourselves.
//!
//! Clocks, privileges, socket options, our sockets' drop counters, our interfaces and routes; and [`packets`] of an
//! interface. It answers one question for the rest of the package: *could we measure at all?* Deliberately
//! absent: protocols, targets, verdicts. This is the only room that may use `unsafe`, read an
//! ambient clock or open procfs.

pub mod clock_watch;
pub mod drops;
pub mod failure;
pub mod interfaces;
pub mod packets;
pub mod permission;
pub mod resolv;
pub mod routes;
pub mod socket;

pub use clock_watch::ClockWatch;
pub use drops::{DropWatch, SocketTable};
pub use failure::Failure;
pub use interfaces::{Interface, OwnLinks, default_gateway, interfaces, own_interface_down, route_interface};
pub use permission::IcmpSocketKind;
pub use resolv::resolvers;
