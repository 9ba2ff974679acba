//! Is it there, how far, how steadily: ICMP, TCP, HTTP(S) and DNS.
//!
//! Each kind answers for a single request; [`round`] spreads the requests and folds the replies,
//! [`guarded`] voids rounds that this host itself spoiled, [`factory`] makes probes of
//! specifications. Deliberately absent: thresholds, memory of earlier rounds, retries.

pub mod dns;
pub mod factory;
pub mod guarded;
pub mod http;
pub mod icmp;
pub mod icmp_engine;
pub mod round;
pub mod statistics;
pub mod tcp;

pub use factory::SocketProbes;
pub use icmp::IcmpProbe;
pub use icmp_engine::{IcmpEngine, IcmpSettings};
