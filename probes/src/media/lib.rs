//! Voice on the wire: packets and their arrival times come in, streams, calls and their quality go out.
//!
//! PURE: no socket, no clock, no file. Captures, live traffic and test calls are scored by the same engine.

pub mod capture;
pub mod feed;
pub mod fuzz;
pub mod quality;
