//! The driver and the recorder on scripted probes and paused time: when rounds start, what a
//! reload, an overload, a stop and a hanging database do to them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bench;
mod driver;
mod recorder;
