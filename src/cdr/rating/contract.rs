//! The contract file: every convention that the deck does not hold, each a key with a default.
//!
//! An empty file is a contract: the deck alone, answer to hang-up, completed seconds, by start time, half up at
//! six decimals. Amounts may be written as strings (`"0.0215"`) or as numbers.

use serde::{Deserialize, Serialize};

use super::charge::unit;
use super::decimal::Decimal;
use super::zone::{Offsets, ZoneError};
use super::{BlockRule, FreeSeconds, Precision, Rounding, Subsecond, Terms};
use crate::Money;
use crate::record::{ABSENT_32, Record, flag};

/// Moment of a call that something goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The call's beginning (INVITE).
    Start,
    /// The answer.
    #[default]
    Answer,
}

/// What a call that passes the edge of a band pays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bands {
    /// All of it the price of its reference time.
    #[default]
    ByStart,
    /// Each charged second the price of its own moment.
    Split,
}

/// When a call that is split at a band's edge is rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanRounding {
    /// Its sum, once.
    #[default]
    Once,
    /// Each span, then summed.
    Each,
}

/// What tax is computed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxOn {
    /// The invoice's sum.
    #[default]
    Sum,
    /// Each call, rounded with its decimals.
    Call,
}

/// Whether the last date of a deck row belongs to it, where it is written as a date alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastDay {
    /// `effective_to` is the first day without it.
    #[default]
    Excluded,
    /// `effective_to` is the last day with it.
    Included,
}

/// A contract file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the contract cannot be used: {0}")]
pub struct ContractError(pub String);

impl From<ZoneError> for ContractError {
    fn from(error: ZoneError) -> Self {
        Self(error.to_string())
    }
}

/// Every convention that the deck does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contract {
    /// ISO 4217, of all amounts; none: the deck's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Where charged time begins: `answer`, or `start` (ringing is charged). It ends with the hang-up.
    pub duration_from: Moment,
    /// The moment that picks the deck's row by date and band: `start` or `answer`.
    pub reference_time: Moment,
    /// Part of a second: `floor`, `ceil`, `nearest`, or `{ threshold_ms = 50 }` (up from so many on).
    pub subsecond: Subsecond,
    /// First block for all destinations, instead of the deck's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_sec: Option<u32>,
    /// Further blocks for all destinations, instead of the deck's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub increment_sec: Option<u32>,
    /// `textbook`: the first block, then increments; `total_multiple`: the whole up to a multiple of the increment.
    pub block_rule: BlockRule,
    /// Free seconds of a call.
    pub free_sec: u32,
    /// `deducted`: taken off every call; `threshold`: a longer call is charged whole.
    pub free_rule: FreeSeconds,
    /// Fee of each answered call, instead of the deck's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_fee: Option<Decimal>,
    /// Least charge of an answered call, also of one that free seconds leave nothing to charge of.
    pub minimum_charge: Decimal,
    /// Most that a call may cost; none: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_charge: Option<Decimal>,
    /// What a call that was not answered costs.
    pub unanswered_charge: Decimal,
    /// Decimals of a call's amount; none: the deck's, else 6. 9 means no rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// `up`, `down`, `half_up`, `half_even`; none: the deck's, else `half_up`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// Decimals of the price of one block before blocks are summed; none: not rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub increment_decimals: Option<u8>,
    /// How that price is rounded.
    pub increment_rounding: Rounding,
    /// `by_start`, or `split` at the edge of a band.
    pub bands: Bands,
    /// Rounding of a call that is split: `once` or `each` span.
    pub span_rounding: SpanRounding,
    /// Zone of the bands, an IANA name or an offset; none: the deck's, else UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band_zone: Option<String>,
    /// Zone of the deck's dates that name none; none: the bands' zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deck_zone: Option<String>,
    /// Whether `effective_to`, written as a date alone, is `included` or `excluded`.
    pub deck_last_day: LastDay,
    /// What amounts in the deck's currency are multiplied by.
    pub fx_factor: Decimal,
    /// Decimals kept before that; none: not rounded before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fx_decimals_before: Option<u8>,
    /// How they are rounded before that.
    pub fx_rounding_before: Rounding,
    /// Tax, in per cent.
    pub tax_percent: Decimal,
    /// `call` or `sum`.
    pub tax_on: TaxOn,
    /// Decimals of the invoice's sum and of its tax; none: the calls'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum_decimals: Option<u8>,
    /// How they are rounded; none: as the calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum_rounding: Option<Rounding>,
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            currency: None,
            duration_from: Moment::Answer,
            reference_time: Moment::Start,
            subsecond: Subsecond::Floor,
            initial_sec: None,
            increment_sec: None,
            block_rule: BlockRule::Textbook,
            free_sec: 0,
            free_rule: FreeSeconds::Deducted,
            connect_fee: None,
            minimum_charge: Decimal(0),
            maximum_charge: None,
            unanswered_charge: Decimal(0),
            decimals: None,
            rounding: None,
            increment_decimals: None,
            increment_rounding: Rounding::HalfUp,
            bands: Bands::ByStart,
            span_rounding: SpanRounding::Once,
            band_zone: None,
            deck_zone: None,
            deck_last_day: LastDay::Excluded,
            fx_factor: Decimal(1_000_000_000),
            fx_decimals_before: None,
            fx_rounding_before: Rounding::HalfUp,
            tax_percent: Decimal(0),
            tax_on: TaxOn::Sum,
            sum_decimals: None,
            sum_rounding: None,
        }
    }
}

/// What an invoice adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invoice {
    /// All calls, rounded as sums are.
    pub net: Money,
    /// Tax on the sum; nothing when each call was taxed.
    pub tax: Money,
}

impl Contract {
    /// Reads a contract file.
    ///
    /// # Errors
    /// [`ContractError`] with the line and what is expected there.
    pub fn read(text: &str) -> Result<Self, ContractError> {
        let contract: Self =
            toml::from_str(text).map_err(|error| ContractError(error.to_string().trim_end().to_owned()))?;
        contract.check()?;
        Ok(contract)
    }

    /// As a contract file.
    ///
    /// # Errors
    /// When a value has no form in TOML.
    pub fn write(&self) -> Result<String, ContractError> {
        toml::to_string(self).map_err(|error| ContractError(error.to_string()))
    }

    fn check(&self) -> Result<(), ContractError> {
        let refuse = |text: String| Err(ContractError(text));
        let decimals = [
            ("decimals", self.decimals),
            ("increment_decimals", self.increment_decimals),
            ("fx_decimals_before", self.fx_decimals_before),
            ("sum_decimals", self.sum_decimals),
        ];
        for (key, value) in decimals {
            if let Some(value) = value.filter(|value| *value > 9) {
                return refuse(format!("`{key} = {value}` is more than amounts hold; write 0 to 9"));
            }
        }
        let amounts = [
            ("connect_fee", self.connect_fee.unwrap_or_default()),
            ("minimum_charge", self.minimum_charge),
            ("maximum_charge", self.maximum_charge.unwrap_or_default()),
            ("unanswered_charge", self.unanswered_charge),
            ("tax_percent", self.tax_percent),
        ];
        for (key, Decimal(value)) in amounts {
            if value < 0 {
                return refuse(format!("`{key}` is negative; write 0 or more"));
            }
        }
        if self.increment_sec == Some(0) {
            return refuse("`increment_sec = 0` never ends; write 1 or more".to_owned());
        }
        if matches!(self.subsecond, Subsecond::ThresholdMs(ms) if ms > 1_000) {
            return refuse("`subsecond.threshold_ms` is within a second; write 0 to 1000".to_owned());
        }
        let Decimal(factor) = self.fx_factor;
        if factor <= 0 || factor % 1_000 != 0 {
            return refuse("`fx_factor` is above 0 and has at most six decimals".to_owned());
        }
        let Decimal(percent) = self.tax_percent;
        if percent % 100_000 != 0 || percent > 1_000_000_000_000 {
            return refuse("`tax_percent` is at most 1000 and has at most four decimals".to_owned());
        }
        for zone in [&self.band_zone, &self.deck_zone].into_iter().flatten() {
            Offsets::of(zone)?;
        }
        Ok(())
    }

    /// Terms of a call, all but what a deck row says.
    pub(super) fn terms(&self, decimals: Option<u8>, rounding: Option<Rounding>) -> Terms {
        let precise =
            |decimals: Option<u8>, rounding| decimals.map(|decimals| Precision { decimals, rounding });
        Terms {
            blocks: self.block_rule,
            free_s: self.free_sec,
            free: self.free_rule,
            connect_fee: self.connect_fee.unwrap_or_default().0,
            minimum: self.minimum_charge.0,
            maximum: self.maximum_charge.map_or(i64::MAX, |Decimal(most)| most),
            unanswered: self.unanswered_charge.0,
            per_increment: precise(self.increment_decimals, self.increment_rounding),
            subsecond: self.subsecond,
            decimals: self.decimals.or(decimals).unwrap_or(6),
            rounding: self.rounding.or(rounding).unwrap_or(Rounding::HalfUp),
            tax_ppm: if self.tax_on == TaxOn::Call { self.tax_ppm() } else { 0 },
            factor_ppm: self.fx_factor.0.unsigned_abs() / 1_000,
            before_factor: precise(self.fx_decimals_before, self.fx_rounding_before),
            ..Terms::plain(0, self.initial_sec.unwrap_or(1), self.increment_sec.unwrap_or(1))
        }
    }

    /// Tax in millionths, on whatever it is computed.
    #[must_use]
    pub fn tax_ppm(&self) -> u32 {
        u32::try_from(self.tax_percent.0 / 100_000).unwrap_or(u32::MAX)
    }

    /// The invoice over a sum of calls, `calls` being the terms of one of them.
    #[must_use]
    pub fn invoice(&self, sum: Money, calls: &Terms) -> Invoice {
        let decimals = self.sum_decimals.unwrap_or(calls.decimals);
        let rounding = self.sum_rounding.unwrap_or(calls.rounding);
        let tax = match self.tax_on {
            TaxOn::Call => 0,
            TaxOn::Sum => {
                let divisor = i128::from(unit(decimals)) * 1_000_000;
                rounding.divide(sum.0.saturating_mul(i128::from(self.tax_ppm())), divisor)
                    * i128::from(unit(decimals))
            }
        };
        Invoice { net: Money(rounding.round(sum.0, decimals)), tax: Money(tax) }
    }

    /// What rating needs of a record whose times are UTC: the reference moment, the charged duration by this
    /// contract's rule in milliseconds, and whether it was answered.
    #[must_use]
    #[inline]
    pub fn facts(&self, record: &Record) -> (i64, u32, bool) {
        let ring =
            if record.ring_ms == ABSENT_32 || record.is(flag::FROM_ANSWER) { 0 } else { record.ring_ms };
        let (at, talk) = self.facts_of(record.start_ms, ring, record.talk_ms);
        (at, talk, !record.is(flag::ATTEMPT))
    }

    /// As [`Contract::facts`], of a call's beginning, ringing and conversation.
    #[must_use]
    #[inline]
    pub fn facts_of(&self, start_ms: i64, ring_ms: u32, talk_ms: u32) -> (i64, u32) {
        let at = match self.reference_time {
            Moment::Start => start_ms,
            Moment::Answer => start_ms.saturating_add(i64::from(ring_ms)),
        };
        let talk = match self.duration_from {
            Moment::Answer => talk_ms,
            Moment::Start => talk_ms.saturating_add(ring_ms),
        };
        (at, talk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_contract_is_the_usual_one() {
        let contract = Contract::read("").unwrap();
        assert_eq!(contract, Contract::default());
        let terms = contract.terms(None, None);
        assert_eq!((terms.decimals, terms.rounding), (6, Rounding::HalfUp));
        assert_eq!(contract.terms(Some(4), Some(Rounding::Up)).decimals, 4);
    }

    #[test]
    fn amounts_may_be_text_or_numbers_and_mean_their_digits() {
        let text = "minimum_charge = 0.01\nconnect_fee = \"0.005\"\ntax_percent = 16\ntax_on = \"call\"";
        let contract = Contract::read(text).unwrap();
        let terms = contract.terms(None, None);
        assert_eq!((terms.minimum, terms.connect_fee, terms.tax_ppm), (10_000_000, 5_000_000, 160_000));
    }

    #[test]
    fn what_was_written_reads_back_the_same() {
        let contract = Contract {
            subsecond: Subsecond::ThresholdMs(50),
            decimals: Some(4),
            band_zone: Some("Asia/Shanghai".to_owned()),
            minimum_charge: Decimal(10_000_000),
            tax_percent: Decimal(16_000_000_000),
            tax_on: TaxOn::Call,
            ..Contract::default()
        };
        assert_eq!(Contract::read(&contract.write().unwrap()).unwrap(), contract);
    }

    #[test]
    fn a_mistake_is_named_with_what_is_expected() {
        let message = |text: &str| Contract::read(text).unwrap_err().to_string();
        assert!(message("roundng = \"up\"").contains("roundng"));
        assert!(message("roundng = \"up\"").contains("line 1"));
        assert!(message("rounding = \"sideways\"").contains("half_even"));
        assert!(message("decimals = 12").contains("0 to 9"));
        assert!(message("band_zone = \"Mars\"").contains("IANA"));
        assert!(message("minimum_charge = \"-1\"").contains("negative"));
        assert!(message("increment_sec = 0").contains("never ends"));
    }
}
