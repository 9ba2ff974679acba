//! Quantities of measurement, each with its range and its standard.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Round-trip time in nanoseconds (RFC 2681: sending the first bit to receiving the last).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rtt(u64);

impl Rtt {
    /// Of a measured duration; beyond 584 years it saturates.
    #[must_use]
    pub fn from_duration(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Of nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Milliseconds, for people.
    #[must_use]
    pub fn millis(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Seconds, for Prometheus.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// Share of packets lost, 0 to 1 (RFC 7680). A ratio of nothing does not exist.
///
/// ```
/// use linesman_probes::units::LossRatio;
///
/// assert_eq!(LossRatio::of(4, 3).map(LossRatio::value), Some(0.25));
/// assert_eq!(LossRatio::of(0, 0), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LossRatio(f64);

impl LossRatio {
    /// `None` when nothing was sent, or when more came back than was sent.
    #[must_use]
    pub fn of(sent: u32, received: u32) -> Option<Self> {
        if sent == 0 || received > sent {
            return None;
        }
        Some(Self(f64::from(sent - received) / f64::from(sent)))
    }

    /// The ratio, 0 to 1.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_ratio_of_nothing_does_not_exist() {
        assert_eq!(LossRatio::of(0, 0), None);
        assert_eq!(LossRatio::of(1, 2), None);
        assert_eq!(LossRatio::of(4, 3).map(LossRatio::value), Some(0.25));
    }
}
