//! What a call costs by deck and contract: exact, every convention a parameter.
//!
//! [`Deck::read`] and [`Contract::read`] bring what was agreed, [`Rater`] finds the row of a call and its
//! [`Terms`], [`Terms::charge`] does the arithmetic with one rounding at the end, [`Rater::explain`] shows it
//! step by step. No floating point anywhere; what does not fit saturates and never panics.

mod charge;
mod contract;
mod decimal;
mod deck;
mod explain;
mod index;
mod issues;
mod rate;
#[cfg(test)]
mod vectors;
mod words;
mod zone;

use serde::{Deserialize, Serialize};

pub use contract::{Bands, Contract, ContractError, Invoice, LastDay, Moment, SpanRounding, TaxOn};
pub use decimal::{Decimal, decimal};
pub use deck::{DeckError, DeckMistake, moment};
pub use explain::{Explanation, Step};
pub use issues::DeckIssue;
pub use rate::{Rated, Rater, Span, Unrated};
pub use zone::{Offsets, ZoneError};

/// How a fraction that the contract's decimals do not hold is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// To the nearest, a tie away from zero.
    HalfUp,
    /// To the nearest, a tie to the even digit.
    HalfEven,
}

/// How the part of a second of a conversation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subsecond {
    /// Completed seconds.
    Floor,
    /// Begun seconds.
    Ceil,
    /// The nearest second, a half up.
    Nearest,
    /// Up from so many milliseconds on (VOS3000 `SERVER_BILLING_HOLD_TIME_PRECISION`).
    ThresholdMs(u16),
}

/// How a duration becomes charged seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockRule {
    /// The initial block, then increments after it.
    Textbook,
    /// The whole duration up to a multiple of the increment, at least the initial block (A2Billing).
    TotalMultiple,
}

/// What free seconds do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreeSeconds {
    /// They are taken off every call.
    Deducted,
    /// A call not longer than them is free; a longer one is charged whole.
    Threshold,
}

/// Everything that turns the seconds of one call into money, in whole numbers.
///
/// Cause analysis changes single fields of it and looks which change reproduces a side's amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Price of a minute, in billionths.
    pub rate: i64,
    /// First block, in seconds.
    pub initial_s: u32,
    /// Each further block, in seconds.
    pub increment_s: u32,
    /// How blocks are laid.
    pub blocks: BlockRule,
    /// Free seconds.
    pub free_s: u32,
    /// What they do.
    pub free: FreeSeconds,
    /// Fee of an answered call, in billionths.
    pub connect_fee: i64,
    /// Least charge of an answered call, also of one that free seconds leave nothing to charge of, in
    /// billionths.
    pub minimum: i64,
    /// Most that a call may cost before currency and tax, in billionths; `i64::MAX` for no limit.
    pub maximum: i64,
    /// What a call that was not answered costs, in billionths.
    pub unanswered: i64,
    /// Rounding of the price of one block before blocks are summed (CGRateS); none for none.
    pub per_increment: Option<Precision>,
    /// Part of a second.
    pub subsecond: Subsecond,
    /// Decimals of the amount of one call; 9 for no rounding.
    pub decimals: u8,
    /// How it is rounded.
    pub rounding: Rounding,
    /// Tax on each call, in millionths of the amount; 0 for none or for tax on the sum.
    pub tax_ppm: u32,
    /// Currency factor on the raw amount, in millionths; 1,000,000 for none.
    pub factor_ppm: u64,
    /// Rounding before the currency factor; none for none.
    pub before_factor: Option<Precision>,
}

/// A rounding step beside the final one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Precision {
    /// Decimals kept.
    pub decimals: u8,
    /// How.
    pub rounding: Rounding,
}

/// What [`Terms`] make of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Charge {
    /// Charged seconds.
    pub billed_s: u32,
    /// In billionths, rounded as agreed.
    pub amount: i64,
}

/// One row of the deck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeckRow {
    /// Called numbers that begin so, digits.
    pub prefix: String,
    /// Its name.
    pub destination: Option<String>,
    /// Price of a minute, in billionths.
    pub rate: i64,
    /// First block.
    pub initial_s: u32,
    /// Further blocks.
    pub increment_s: u32,
    /// Fee of an answered call, in billionths.
    pub connect_fee: i64,
    /// From when, milliseconds since 1970; none: always.
    pub effective_from_ms: Option<i64>,
    /// Until when, not included.
    pub effective_to_ms: Option<i64>,
    /// Time of day it holds, in seconds from midnight of the band's zone, from and to (not included; may
    /// pass midnight); none: all day.
    pub band_s: Option<[u32; 2]>,
    /// Line in the deck's file.
    pub line: u32,
}

/// The rate deck.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deck {
    /// In the file's order.
    pub rows: Vec<DeckRow>,
    /// ISO 4217, of all rows; none: the contract's.
    pub currency: Option<String>,
    /// Decimals of one call's amount, where the deck says.
    pub decimals: Option<u8>,
    /// How they are rounded, where the deck says.
    pub rounding: Option<Rounding>,
    /// Zone of the bands, an IANA name or an offset.
    pub band_zone: Option<String>,
}
