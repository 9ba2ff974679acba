//! Causes that are put in: which, on which side, on which calls, with which wrong value.

use std::str::FromStr;

use super::world::rfc3339;
use crate::outcome::{CauseKind, Selector};
use crate::rating::{Contract, Deck, Rounding, Subsecond, decimal};
use crate::record::Side;

/// One cause to put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// What.
    pub kind: CauseKind,
    /// Whose records deviate.
    pub side: Side,
    /// Which calls; kinds that belong to a row of the deck take a prefix of their own when none is given.
    pub selector: Selector,
    /// From and to, milliseconds since 1970, by the call's beginning.
    pub window: Option<[i64; 2]>,
    /// How many of those calls, in a million.
    pub share_ppm: u32,
    /// The wrong value, in the field's shorthand: `60/60`, `0.0215`, `x0.92`, `4`, `up`, `ceil`, `10800`, `8615`.
    pub used: Option<String>,
}

/// An injection that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cause cannot be put in: {0}")]
pub struct InjectionError(pub String);

/// Kinds in the order in which amounts are told apart.
pub(super) const ORDER: [CauseKind; 26] = [
    CauseKind::MissingRecords,
    CauseKind::DuplicateRecords,
    CauseKind::PeriodCutoff,
    CauseKind::PartialRecords,
    CauseKind::PartialRecordsRecharged,
    CauseKind::RingTimeBilled,
    CauseKind::SubsecondRounding,
    CauseKind::HungCall,
    CauseKind::DurationDiffers,
    CauseKind::PrefixMissing,
    CauseKind::TechPrefixNotStripped,
    CauseKind::WrongPrefix,
    CauseKind::Unrated,
    CauseKind::StaleRate,
    CauseKind::WrongRate,
    CauseKind::Currency,
    CauseKind::TimeBandTimezone,
    CauseKind::TimeBandWrong,
    CauseKind::Increment,
    CauseKind::FreeSeconds,
    CauseKind::MinimumCharge,
    CauseKind::ConnectFeeMissing,
    CauseKind::ConnectFeeAdded,
    CauseKind::RoundingDecimals,
    CauseKind::RoundingMode,
    CauseKind::Tax,
];

/// Place of a kind in the agreed order.
pub(super) fn order(kind: CauseKind) -> usize {
    ORDER.iter().position(|other| *other == kind).unwrap_or(ORDER.len())
}

/// Kinds that belong to a row of the deck, so that their selector names its prefix.
pub(super) const fn of_row(kind: CauseKind) -> bool {
    matches!(
        kind,
        CauseKind::PrefixMissing
            | CauseKind::WrongPrefix
            | CauseKind::Unrated
            | CauseKind::StaleRate
            | CauseKind::WrongRate
    )
}

/// What a cause does to a call's calculation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Missing,
    Duplicate,
    CutOff,
    /// Parts of so many seconds; charged anew each, and beside the whole or in its place.
    Parts {
        part_s: u32,
        recharged: bool,
        beside: bool,
    },
    Ring,
    Subsecond(Subsecond),
    Hung {
        talk_s: u32,
    },
    Longer,
    ShorterPrefix,
    Tech(String),
    OtherPrefix(String),
    Unrated,
    Stale,
    /// Added to the price of a minute, or in its place.
    RateAdded(i64),
    Rate(i64),
    Factor(u64),
    BandOffset(i32),
    OtherBand,
    Blocks([u32; 2]),
    Free(u32),
    Minimum(i64),
    NoFee,
    FeeAdded(i64),
    Decimals(u8),
    Mode(Rounding),
    Tax(u32),
}

impl Injection {
    /// Of all calls of a side.
    #[must_use]
    pub fn new(kind: CauseKind, side: Side) -> Self {
        Self { kind, side, selector: Selector::default(), window: None, share_ppm: 1_000_000, used: None }
    }

    /// Bound to a prefix of the deck.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.selector.prefix = Some(prefix.to_owned());
        self
    }

    /// Bound to a gateway.
    #[must_use]
    pub fn gateway(mut self, gateway: &str) -> Self {
        self.selector.gateway = Some(gateway.to_owned());
        self
    }

    /// Bound to an account.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.selector.account = Some(account.to_owned());
        self
    }

    /// On so many of a million of the selected calls.
    #[must_use]
    pub const fn share(mut self, ppm: u32) -> Self {
        self.share_ppm = ppm;
        self
    }

    /// Bound to a window.
    #[must_use]
    pub const fn window(mut self, from_ms: i64, to_ms: i64) -> Self {
        self.window = Some([from_ms, to_ms]);
        self
    }

    /// With a wrong value.
    #[must_use]
    pub fn used(mut self, used: &str) -> Self {
        self.used = Some(used.to_owned());
        self
    }

    /// With the prefix, window and value that a kind needs and that were left open.
    pub(super) fn completed(&self, deck: &Deck, change_ms: i64) -> Result<Self, InjectionError> {
        let mut whole = self.clone();
        if of_row(self.kind) && self.selector.prefix.is_none() {
            whole.selector.prefix = Some("8613".to_owned());
        }
        if let Some(prefix) = &whole.selector.prefix
            && of_row(self.kind)
        {
            let rows: Vec<_> = deck.rows.iter().filter(|row| row.prefix == *prefix).collect();
            if rows.is_empty() {
                return Err(InjectionError(format!("`{prefix}` is no prefix of the deck")));
            }
            if self.kind == CauseKind::StaleRate && rows.iter().all(|row| row.effective_to_ms.is_none()) {
                return Err(InjectionError(format!(
                    "the price of `{prefix}` does not change; take 8613, 86, 852, 44, 4477, 336, 521 or 1"
                )));
            }
            if self.kind == CauseKind::PrefixMissing
                && !deck
                    .rows
                    .iter()
                    .any(|row| row.prefix.len() < prefix.len() && prefix.starts_with(&row.prefix))
            {
                return Err(InjectionError(format!("no shorter prefix stands behind `{prefix}`; take 8613")));
            }
            if self.kind == CauseKind::WrongPrefix && self.used.is_none() {
                let others = deck.rows.iter().map(|row| &row.prefix).filter(|other| {
                    *other != prefix && !prefix.starts_with(other.as_str()) && !other.starts_with(prefix)
                });
                let near = |other: &&String| {
                    other.bytes().zip(prefix.bytes()).take_while(|(one, other)| one == other).count()
                };
                whole.used = others.max_by_key(near).cloned();
            }
        }
        if self.kind == CauseKind::StaleRate {
            let [from, to] = self.window.unwrap_or([change_ms, i64::MAX]);
            whole.window = Some([from.max(change_ms), to]);
        }
        if self.window.is_some_and(|[from, to]| from >= to) {
            return Err(InjectionError("its window ends before it begins".to_owned()));
        }
        Ok(whole)
    }
}

impl Effect {
    /// The wrong value in the field's shorthand, where the effect has one.
    pub fn used(&self) -> Option<String> {
        let money = |billionths: i64| crate::Money(i128::from(billionths)).to_string();
        let word = |value: serde_json::Result<serde_json::Value>| Some(value.ok()?.as_str()?.to_owned());
        match self {
            Self::Subsecond(Subsecond::ThresholdMs(ms)) => Some(format!("up from {ms} ms")),
            Self::Subsecond(rule) => word(serde_json::to_value(rule)),
            Self::Hung { talk_s } => Some(talk_s.to_string()),
            Self::Tech(digits) | Self::OtherPrefix(digits) => Some(digits.clone()),
            Self::Rate(rate) => Some(money(*rate)),
            Self::Factor(ppm) => Some(format!("x{}", money(i64::try_from(*ppm * 1_000).unwrap_or(i64::MAX)))),
            Self::Blocks([initial, step]) => Some(format!("{initial}/{step}")),
            Self::Free(seconds) => Some(seconds.to_string()),
            Self::Minimum(amount) | Self::FeeAdded(amount) => Some(money(*amount)),
            Self::Decimals(decimals) => Some(decimals.to_string()),
            Self::Mode(rounding) => word(serde_json::to_value(rounding)),
            Self::Tax(ppm) => Some(format!("{} %", money(i64::from(*ppm) * 100_000))),
            _ => None,
        }
    }

    /// Of an injection under a contract.
    pub fn of(injection: &Injection, contract: &Contract, deck: &Deck) -> Result<Self, InjectionError> {
        let used = injection.used.as_deref();
        let wrong = |what: &str| InjectionError(format!("`{}` is no {what}", used.unwrap_or_default()));
        let number = |usual: u32| match used {
            None => Ok(usual),
            Some(text) => text.parse::<u32>().map_err(|_| wrong("whole number")),
        };
        let amount = |usual: i64| match used {
            None => Ok(usual),
            Some(text) => decimal(text).map_err(InjectionError),
        };
        Ok(match injection.kind {
            CauseKind::MissingRecords => Self::Missing,
            CauseKind::DuplicateRecords => Self::Duplicate,
            CauseKind::PeriodCutoff => Self::CutOff,
            CauseKind::PartialRecords => {
                Self::Parts { part_s: number(300)?.max(1), recharged: false, beside: false }
            }
            CauseKind::PartialRecordsRecharged => {
                let (beside, text) = match used {
                    Some(text) => (text.starts_with("interim"), text.trim_start_matches("interim").trim()),
                    None => (false, ""),
                };
                let part_s = if text.is_empty() { 300 } else { text.parse().map_err(|_| wrong("length"))? };
                Self::Parts { part_s: part_s.max(1), recharged: true, beside }
            }
            CauseKind::RingTimeBilled => Self::Ring,
            CauseKind::SubsecondRounding => Self::Subsecond(match used {
                None if contract.subsecond == Subsecond::Floor => Subsecond::Ceil,
                None | Some("floor") => Subsecond::Floor,
                Some("ceil") => Subsecond::Ceil,
                Some("nearest") => Subsecond::Nearest,
                Some(text) => Subsecond::ThresholdMs(text.parse().map_err(|_| wrong("sub-second rule"))?),
            }),
            CauseKind::HungCall => Self::Hung { talk_s: number(10_800)? },
            CauseKind::DurationDiffers => Self::Longer,
            CauseKind::PrefixMissing => Self::ShorterPrefix,
            CauseKind::TechPrefixNotStripped => {
                let tech = used.unwrap_or("7723");
                if tech.is_empty() || tech.len() > 5 || !tech.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(wrong("technical prefix of one to five digits"));
                }
                Self::Tech(tech.to_owned())
            }
            CauseKind::WrongPrefix => match used {
                Some(other) if deck.rows.iter().any(|row| row.prefix == other) => {
                    Self::OtherPrefix(other.to_owned())
                }
                _ => return Err(wrong("prefix of the deck")),
            },
            CauseKind::Unrated => Self::Unrated,
            CauseKind::StaleRate => Self::Stale,
            CauseKind::WrongRate => match used {
                None => Self::RateAdded(1_370_000),
                Some(text) => Self::Rate(decimal(text).map_err(InjectionError)?),
            },
            CauseKind::Currency => {
                let factor = used.map_or(Ok(920_000_000), |text| decimal(text.trim_start_matches('x')));
                let factor = factor.map_err(InjectionError)? / 1_000;
                Self::Factor(u64::try_from(factor).map_err(|_| wrong("factor"))?)
            }
            CauseKind::TimeBandTimezone => Self::BandOffset(match used {
                None => 0,
                Some(text) => text.parse::<i32>().map_err(|_| wrong("count of hours"))? * 3_600,
            }),
            CauseKind::TimeBandWrong => Self::OtherBand,
            CauseKind::Increment => {
                let (initial, step) =
                    used.unwrap_or("60/60").split_once('/').ok_or_else(|| wrong("pair of blocks"))?;
                let seconds = |text: &str| text.parse::<u32>().map_err(|_| wrong("pair of blocks"));
                Self::Blocks([seconds(initial)?, seconds(step)?.max(1)])
            }
            CauseKind::FreeSeconds => Self::Free(number(if contract.free_sec == 0 { 5 } else { 0 })?),
            CauseKind::MinimumCharge => {
                Self::Minimum(amount(if contract.minimum_charge.0 == 0 { 10_000_000 } else { 0 })?)
            }
            CauseKind::ConnectFeeMissing => Self::NoFee,
            CauseKind::ConnectFeeAdded => Self::FeeAdded(amount(3_000_000)?),
            CauseKind::RoundingDecimals => {
                Self::Decimals(u8::try_from(number(4)?.min(9)).map_err(|_| wrong("count of decimals"))?)
            }
            CauseKind::RoundingMode => Self::Mode(match used.unwrap_or("up") {
                "up" => Rounding::Up,
                "down" => Rounding::Down,
                "half_up" => Rounding::HalfUp,
                "half_even" => Rounding::HalfEven,
                _ => return Err(wrong("rounding")),
            }),
            CauseKind::Tax => {
                let percent = amount(16_000_000_000)? / 100_000;
                Self::Tax(u32::try_from(percent).map_err(|_| wrong("tax in per cent"))?)
            }
        })
    }
}

/// `KIND[@SIDE][:KEY=VALUE,…]`, as `increment@theirs:prefix=8613,gateway=gw2,used=60/60,share=0.2`; keys are
/// prefix, gateway, account, destination, from, to (RFC 3339), share and used. The side is theirs unless stated.
impl FromStr for Injection {
    type Err = InjectionError;

    fn from_str(text: &str) -> Result<Self, InjectionError> {
        let (head, rest) = text.split_once(':').unwrap_or((text, ""));
        let (kind, side) = head.split_once('@').unwrap_or((head, "theirs"));
        let word = |word: &str| serde_json::Value::String(word.trim().to_owned());
        let kind: CauseKind = serde_json::from_value(word(kind))
            .map_err(|error| InjectionError(format!("`{kind}` is no kind of cause: {error}")))?;
        let side: Side = serde_json::from_value(word(side))
            .map_err(|_| InjectionError(format!("`{side}` is no side; write ours or theirs")))?;
        let mut injection = Self::new(kind, side);
        let (mut from, mut to) = (None, None);
        for pair in rest.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| InjectionError(format!("`{pair}` is no key=value, such as prefix=8613")))?;
            let value = value.trim().to_owned();
            let moment = |value: &str| {
                let at = value.parse::<jiff::Timestamp>();
                at.map(jiff::Timestamp::as_millisecond).map_err(|_| {
                    InjectionError(format!("`{value}` is no moment; write 2026-04-03T10:00:00Z"))
                })
            };
            match key.trim() {
                "prefix" => injection.selector.prefix = Some(value),
                "gateway" => injection.selector.gateway = Some(value),
                "account" => injection.selector.account = Some(value),
                "destination" => injection.selector.destination = Some(value),
                "from" => from = Some(moment(&value)?),
                "to" => to = Some(moment(&value)?),
                "used" => injection.used = Some(value),
                "share" => {
                    let share = decimal(&value).map_err(InjectionError)? / 1_000;
                    injection.share_ppm = u32::try_from(share)
                        .ok()
                        .filter(|share| *share <= 1_000_000)
                        .ok_or_else(|| InjectionError(format!("the share `{value}` is not from 0 to 1")))?;
                }
                other => {
                    return Err(InjectionError(format!(
                        "`{other}` is no key; write prefix, gateway, account, destination, from, to, share or used"
                    )));
                }
            }
        }
        if from.is_some() || to.is_some() {
            injection.window = Some([from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)]);
        }
        Ok(injection)
    }
}

impl std::fmt::Display for Injection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        write!(f, "{}@{}", word(serde_json::to_value(self.kind)), word(serde_json::to_value(self.side)))?;
        let Selector { prefix, gateway, account, destination } = &self.selector;
        let [from, to] = self.window.unwrap_or([i64::MIN, i64::MAX]);
        let share = crate::Money(i128::from(self.share_ppm) * 1_000).to_string();
        let keys = [
            ("prefix", prefix.clone()),
            ("gateway", gateway.clone()),
            ("account", account.clone()),
            ("destination", destination.clone()),
            ("from", Some(from).filter(|at| *at != i64::MIN).map(rfc3339)),
            ("to", Some(to).filter(|at| *at != i64::MAX).map(rfc3339)),
            ("share", Some(share).filter(|_| self.share_ppm != 1_000_000)),
            ("used", self.used.clone()),
        ];
        let mut sign = ':';
        for (key, value) in keys {
            if let Some(value) = value {
                write!(f, "{sign}{key}={value}")?;
                sign = ',';
            }
        }
        Ok(())
    }
}
