//! The pure parts and the daemon's own loops on a scripted wire with simulated time: hours pass
//! in seconds, nothing is sent anywhere.

#![allow(missing_docs, reason = "a test")]

mod bills;
mod case;
mod clock;
mod diagnosis;
mod engine;
mod guards;
mod invariants;
mod loops;
mod plan;
mod process;
mod waiting;
mod wire;
mod world;
