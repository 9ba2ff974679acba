//! [`Terms::charge`]: from milliseconds to money in whole numbers, with one rounding at the end.

use super::{BlockRule, Charge, FreeSeconds, Precision, Rounding, Subsecond, Terms};

/// Raw amounts are kept in sixtieths of a billionth, since prices are of a minute.
pub(super) const SIXTIETHS: i64 = 60;
/// Millionths in one.
const PPM: i128 = 1_000_000;
const UNITS: [i64; 10] =
    [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// Billionths in one unit of the last of so many decimals; beyond nine nothing is finer.
pub(super) const fn unit(decimals: u8) -> i64 {
    UNITS[if decimals > 9 { 9 } else { decimals as usize }]
}

impl Rounding {
    /// Whole quotient of two numbers, the divisor above zero.
    #[must_use]
    pub const fn divide(self, value: i128, divisor: i128) -> i128 {
        let whole = value / divisor;
        let rest = (value % divisor).unsigned_abs();
        if rest == 0 || self.keeps(rest, divisor.unsigned_abs(), whole % 2 != 0) {
            return whole;
        }
        if value < 0 { whole - 1 } else { whole + 1 }
    }

    /// As [`Rounding::divide`], in half the width.
    #[inline]
    const fn divide_narrow(self, value: i64, divisor: i64) -> i64 {
        let whole = value / divisor;
        let rest = (value - whole * divisor).unsigned_abs();
        if rest == 0 {
            return whole;
        }
        let over = divisor.unsigned_abs() - rest;
        let keeps = match self {
            Self::Up => false,
            Self::Down => true,
            Self::HalfUp => rest < over,
            Self::HalfEven => rest < over || rest == over && whole % 2 == 0,
        };
        if keeps {
            return whole;
        }
        if value < 0 { whole - 1 } else { whole + 1 }
    }

    /// Whether a rest above zero is dropped.
    const fn keeps(self, rest: u128, divisor: u128, odd: bool) -> bool {
        match self {
            Self::Up => false,
            Self::Down => true,
            Self::HalfUp => rest < divisor - rest,
            Self::HalfEven => rest < divisor - rest || rest == divisor - rest && !odd,
        }
    }

    /// An amount in billionths, at so many decimals.
    #[must_use]
    pub const fn round(self, amount: i128, decimals: u8) -> i128 {
        let unit = unit(decimals) as i128;
        self.divide(amount, unit).saturating_mul(unit)
    }
}

impl Precision {
    /// A value in sixtieths of a billionth, rounded, still in sixtieths.
    pub(super) const fn sixtieths(self, value: i128) -> i128 {
        let unit = unit(self.decimals) as i128 * SIXTIETHS as i128;
        self.rounding.divide(value, unit).saturating_mul(unit)
    }
}

impl Subsecond {
    /// Whole seconds of a conversation.
    #[must_use]
    pub const fn seconds(self, talk_ms: u32) -> u32 {
        let (whole, part) = (talk_ms / 1_000, talk_ms % 1_000);
        let up = match self {
            Self::Floor => false,
            Self::Ceil => part > 0,
            Self::Nearest => part >= 500,
            // A threshold of nothing still needs a part of a second.
            Self::ThresholdMs(least) => part > 0 && part >= least as u32,
        };
        whole + up as u32
    }
}

/// `value` up to a multiple of `step`; a step of nothing counts as one second.
const fn up_to_multiple(value: u32, step: u32) -> u32 {
    let step = if step == 0 { 1 } else { step };
    value.div_ceil(step).saturating_mul(step)
}

const fn narrow(value: i128) -> i64 {
    if value > i64::MAX as i128 {
        i64::MAX
    } else if value < i64::MIN as i128 {
        i64::MIN
    } else {
        value as i64
    }
}

impl Terms {
    /// A price of a minute in blocks, and nothing else: whole seconds, half up at six decimals.
    #[must_use]
    pub const fn plain(rate: i64, initial_s: u32, increment_s: u32) -> Self {
        Self {
            rate,
            initial_s,
            increment_s,
            blocks: BlockRule::Textbook,
            free_s: 0,
            free: FreeSeconds::Deducted,
            connect_fee: 0,
            minimum: 0,
            maximum: i64::MAX,
            unanswered: 0,
            per_increment: None,
            subsecond: Subsecond::Floor,
            decimals: 6,
            rounding: Rounding::HalfUp,
            tax_ppm: 0,
            factor_ppm: 1_000_000,
            before_factor: None,
        }
    }

    /// What one conversation costs. Total: what does not fit saturates.
    #[must_use]
    #[inline]
    pub fn charge(&self, talk_ms: u32, answered: bool) -> Charge {
        if !answered {
            let plain = self.unanswered == 0 || self.tax_ppm == 0;
            let amount = if plain { self.unanswered } else { self.taxed(i128::from(self.unanswered)) };
            return Charge { billed_s: 0, amount };
        }
        let billed_s = self.billed_s(self.subsecond.seconds(talk_ms));
        let amount = self.fast(billed_s).unwrap_or_else(|| {
            let raw = self.raw(self.blocks_price(billed_s));
            self.finished(raw)
        });
        Charge { billed_s, amount }
    }

    /// Charged seconds of whole seconds, after free seconds and blocks.
    #[must_use]
    #[inline]
    pub const fn billed_s(&self, seconds: u32) -> u32 {
        let seconds = self.after_free(seconds);
        if seconds == 0 {
            return 0;
        }
        if seconds <= self.initial_s {
            return self.initial_s;
        }
        match self.blocks {
            BlockRule::Textbook => {
                self.initial_s.saturating_add(up_to_multiple(seconds - self.initial_s, self.increment_s))
            }
            BlockRule::TotalMultiple => up_to_multiple(seconds, self.increment_s),
        }
    }

    /// Seconds that are left to charge after the free ones.
    #[must_use]
    #[inline]
    pub const fn after_free(&self, seconds: u32) -> u32 {
        match self.free {
            FreeSeconds::Deducted => seconds.saturating_sub(self.free_s),
            FreeSeconds::Threshold if seconds <= self.free_s => 0,
            FreeSeconds::Threshold => seconds,
        }
    }

    /// The usual case in 64 bits; `None` where the wide way must be taken.
    #[inline]
    fn fast(&self, billed_s: u32) -> Option<i64> {
        if self.factor_ppm != 1_000_000 || self.tax_ppm != 0 || self.per_increment.is_some() {
            return None;
        }
        let talk = self.rate.checked_mul(i64::from(billed_s))?;
        let mut raw = self.connect_fee.checked_mul(SIXTIETHS)?.checked_add(talk)?;
        if self.minimum != 0 {
            raw = raw.max(self.minimum.checked_mul(SIXTIETHS)?);
        }
        if self.maximum != i64::MAX {
            raw = raw.min(self.maximum.checked_mul(SIXTIETHS)?);
        }
        if self.before_factor.is_some() {
            return None;
        }
        let unit = unit(self.decimals);
        self.rounding.divide_narrow(raw, SIXTIETHS * unit).checked_mul(unit)
    }

    /// Price of charged seconds without the fee, in sixtieths of a billionth.
    pub(super) fn blocks_price(&self, billed_s: u32) -> i128 {
        let price = |seconds: u32| i128::from(self.rate) * i128::from(seconds);
        let Some(precision) = self.per_increment else { return price(billed_s) };
        if billed_s == 0 {
            return 0;
        }
        let first = if billed_s <= self.initial_s || self.blocks == BlockRule::Textbook {
            self.initial_s.min(billed_s)
        } else {
            0
        };
        let step = self.increment_s.max(1);
        let further = i128::from((billed_s - first) / step);
        precision.sixtieths(price(first)) + precision.sixtieths(price(step)) * further
    }

    /// Fee, least and most charge around the price of the charged seconds, in sixtieths of a billionth.
    pub(super) fn raw(&self, blocks: i128) -> i128 {
        let sixty = i128::from(SIXTIETHS);
        let mut raw = i128::from(self.connect_fee) * sixty + blocks;
        if self.minimum != 0 {
            raw = raw.max(i128::from(self.minimum) * sixty);
        }
        if self.maximum != i64::MAX {
            raw = raw.min(i128::from(self.maximum) * sixty);
        }
        raw
    }

    /// Currency, rounding and tax on a raw amount in sixtieths of a billionth.
    pub(super) fn finished(&self, raw: i128) -> i64 {
        narrow(self.with_tax(self.rounded(raw)))
    }

    /// Currency and rounding on a raw amount in sixtieths of a billionth; billionths.
    pub(super) fn rounded(&self, raw: i128) -> i128 {
        let raw = self.before_factor.map_or(raw, |precision| precision.sixtieths(raw));
        let unit = i128::from(unit(self.decimals));
        let per_unit = i128::from(SIXTIETHS) * unit;
        let units = if self.factor_ppm == 1_000_000 {
            self.rounding.divide(raw, per_unit)
        } else {
            self.rounding.divide(raw.saturating_mul(i128::from(self.factor_ppm)), per_unit * PPM)
        };
        units.saturating_mul(unit)
    }

    /// The tax on a rounded amount, itself rounded, on top of it.
    pub(super) fn with_tax(&self, amount: i128) -> i128 {
        if self.tax_ppm == 0 {
            return amount;
        }
        let unit = i128::from(unit(self.decimals));
        let tax = self.rounding.divide(amount.saturating_mul(i128::from(self.tax_ppm)), PPM * unit);
        amount.saturating_add(tax.saturating_mul(unit))
    }

    fn taxed(&self, amount: i128) -> i64 {
        narrow(self.with_tax(amount))
    }
}
