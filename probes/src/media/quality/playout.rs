//! What a receiver's de-jitter buffer would have had to throw away.

use serde::Serialize;

/// What one simulated buffer did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Buffer {
    /// `fixed_40`, `fixed_60`, `fixed_200` or `adaptive`.
    pub name: &'static str,
    /// Audio packets that came after their time.
    pub late: u64,
    /// Late packets over expected ones.
    pub late_ratio: f64,
    /// Mean delay that the buffer adds.
    pub delay_ms: f64,
    /// Longest delay that it added (of a fixed one its size).
    pub delay_max_ms: f64,
    /// How often it had to find its place anew after a step of the path's delay.
    pub resyncs: u32,
}
