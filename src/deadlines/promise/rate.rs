//! How many promises were kept (R86; `promise_kept` of the monthly figures).

use serde::Serialize;

use super::{Outcome, Standing};

/// Promises by what became of them; open ones are not counted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Kept in time.
    pub kept: u64,
    /// Renewed with a reason before their time.
    pub renewed: u64,
    /// Broken.
    pub broken: u64,
    /// Of the broken, those of which the customer was told a new time afterwards, or which were kept late.
    pub mended: u64,
}

impl Tally {
    /// Counts promises.
    #[must_use]
    pub fn of<'s>(standing: impl IntoIterator<Item = &'s Standing>) -> Self {
        let mut tally = Self::default();
        for known in standing {
            match known.outcome {
                Outcome::Open => {}
                Outcome::Kept => tally.kept += 1,
                Outcome::Renewed => tally.renewed += 1,
                Outcome::Broken => {
                    tally.broken += 1;
                    tally.mended += u64::from(!known.is_live());
                }
            }
        }
        tally
    }

    /// Together with another.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            kept: self.kept + other.kept,
            renewed: self.renewed + other.renewed,
            broken: self.broken + other.broken,
            mended: self.mended + other.mended,
        }
    }

    /// Of every time that was told, the share that was kept; a renewed one was not. `None` where nothing was
    /// promised: that is no hundred per cent.
    #[must_use]
    pub fn kept_rate(self) -> Option<f64> {
        self.share(self.kept)
    }

    /// The share that was not broken: kept, or renewed in time and with a reason.
    #[must_use]
    pub fn unbroken_rate(self) -> Option<f64> {
        self.share(self.kept + self.renewed)
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody makes 2^53 promises")]
    fn share(self, of: u64) -> Option<f64> {
        let all = self.kept + self.renewed + self.broken;
        (all > 0).then(|| of as f64 / all as f64)
    }
}
