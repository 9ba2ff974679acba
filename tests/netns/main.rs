//! The whole program on a real network: namespaces, real ICMP, SIP peers that we did not write
//! (sipp, Kamailio, rtpengine, baresip). Needs root, iproute2, nftables and sip-tester; skipped with a reason where
//! they lack.
//!
//! ```text
//!  core (poller) ── router ─┬─ server-1, server-2
//!                           ├─ link-1 ── carrier-1: trunk-1, trunk-2
//!                           ├─ link-2 ── carrier-2: trunk-3
//!                           └─ access-1..3 ── site-1..3: gateway-1..3
//! ```
//! Everything lives in 198.18.0.0/15 (RFC 2544) inside namespaces whose names carry our process
//! id; they go when the test goes, also when it panics.

#[cfg(test)]
mod listen;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod namespace;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod topology;
