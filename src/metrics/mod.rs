//! All metrics, declared in one place. No other room names the `prometheus` crate.

/// The registry and everything in it.
pub struct Metrics {}
