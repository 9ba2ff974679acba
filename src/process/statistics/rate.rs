//! Fractions and means, exact until they are written.

use chrono::TimeDelta;
use linesman_deadlines::policy::Threshold;
use serde::{Deserialize, Serialize};

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rate {
    /// So many ...
    pub reached: u64,
    /// ... of so many.
    pub of: u64,
}

impl Rate {
    /// Counts one more.
    pub fn add(&mut self, is_reached: bool) {
        self.reached += u64::from(is_reached);
        self.of += 1;
    }

    /// In percent with so many decimals, cut off and not rounded: 100 % is all of them, and nothing less.
    /// `None` where there was nothing to count.
    #[must_use]
    pub fn percent(&self, decimals: u32) -> Option<String> {
        scaled(self.reached, self.of, 100, decimals)
    }

    /// For each so many, as appeals per million, cut off.
    #[must_use]
    pub fn per(&self, units: u64, decimals: u32) -> Option<String> {
        scaled(self.reached, self.of, units, decimals)
    }

    /// Whether a target is reached; `None` where there was nothing to count.
    #[must_use]
    pub fn meets(&self, target: &Threshold) -> Option<bool> {
        target.is_reached(self.reached, self.of)
    }
}

fn scaled(reached: u64, of: u64, units: u64, decimals: u32) -> Option<String> {
    let decimals = decimals.min(9);
    let tens = 10_u128.pow(decimals);
    let scaled = (u128::from(reached) * u128::from(units)).checked_mul(tens)?.checked_div(u128::from(of))?;
    let (whole, part) = (scaled / tens, scaled % tens);
    Some(match decimals {
        0 => whole.to_string(),
        _ => format!("{whole}.{part:0width$}", width = usize::try_from(decimals).unwrap_or_default()),
    })
}

/// A mean of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mean {
    /// All seconds.
    pub seconds: u64,
    /// Of so many.
    pub of: u64,
}

impl Mean {
    /// Counts one more; a time that runs backwards counts as none.
    pub fn add(&mut self, time: TimeDelta) {
        self.seconds = self.seconds.saturating_add(u64::try_from(time.num_seconds()).unwrap_or_default());
        self.of += 1;
    }

    /// Whole seconds, cut off; `None` where there was nothing to count.
    #[must_use]
    pub const fn whole_seconds(&self) -> Option<u64> {
        self.seconds.checked_div(self.of)
    }

    /// As hours and minutes, `27:05`, cut off.
    #[must_use]
    pub fn hours_minutes(&self) -> Option<String> {
        self.whole_seconds().map(|seconds| format!("{}:{:02}", seconds / 3_600, seconds % 3_600 / 60))
    }
}
