//! The daemon and its database: `linesman serve` on PostgreSQL from cut to resolved ticket with a
//! `kill -9` in between, the start that is refused and why, and clients that never say what they
//! want. The whole program, started as people start it.

#[cfg(test)]
#[path = "../support/postgres.rs"]
mod postgres_server;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
#[path = "../support/receivers.rs"]
#[allow(dead_code, reason = "only the receiver over HTTP is needed here")]
mod receivers;

#[cfg(test)]
#[path = "../support/voice_calls.rs"]
mod voice_calls;

#[cfg(test)]
#[path = "../../probes/tests/support/relay.rs"]
mod relay;

#[cfg(test)]
mod maintenance;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod start;
#[cfg(test)]
mod story;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod test_call;
#[cfg(test)]
mod voice;
