//! One call's calculation, step by step, in numbers: whoever shows it brings the words.

use serde::Serialize;

use super::contract::{Bands, Moment, SpanRounding};
use super::rate::Span;
use super::{Charge, DeckRow, FreeSeconds, Precision, Rater, Rounding, Subsecond, Terms, Unrated};
use crate::Money;
use crate::number::Number;

/// One step. Money is in units of the currency, with all nine decimals it is held with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[expect(missing_docs, reason = "fields are the numbers of the sentence that the variant says")]
pub enum Step {
    /// The deck's row: the longest prefix with a row in force at the moment the contract goes by.
    Row {
        number: String,
        at_ms: i64,
        reference: Moment,
        prefix: String,
        destination: Option<String>,
        line: u32,
        rate_per_min: Money,
        effective_from_ms: Option<i64>,
        effective_to_ms: Option<i64>,
        band_s: Option<[u32; 2]>,
    },
    /// A longer prefix that begins the number as well and has no row in force then.
    PassedOver { prefix: String, line: u32 },
    /// The time of day in the bands' zone.
    LocalTime { second_of_day: u32, utc_offset_s: i32 },
    /// Not answered: no seconds are charged.
    Unanswered { charge: Money },
    /// Milliseconds to whole seconds.
    Seconds { talk_ms: u32, from: Moment, rule: Subsecond, seconds: u32 },
    /// Free seconds.
    Free { seconds: u32, free_s: u32, rule: FreeSeconds, left: u32 },
    /// Blocks.
    Blocks { seconds: u32, initial_s: u32, increment_s: u32, rule: super::BlockRule, billed_s: u32 },
    /// Price of the charged seconds: rate × seconds / 60; `exact` is false where it needs more than nine decimals
    /// and `talk` shows it cut there. What is computed with is the exact fraction.
    Talk { rate_per_min: Money, billed_s: u32, talk: Money, exact: bool },
    /// As `Talk`, the price of each block being rounded before.
    TalkOfRoundedBlocks { rate_per_min: Money, billed_s: u32, precision: Precision, talk: Money },
    /// A part of the charged seconds in another band.
    Band {
        prefix: String,
        line: u32,
        band_s: Option<[u32; 2]>,
        rate_per_min: Money,
        billed_s: u32,
        talk: Money,
    },
    /// Each band's part was rounded by itself.
    BandsRounded { decimals: u8, rounding: Rounding, talk: Money },
    /// Fee of an answered call.
    ConnectFee { fee: Money, sum: Money },
    /// The least charge took its place.
    Minimum { minimum: Money },
    /// The most charge took its place.
    Maximum { maximum: Money },
    /// Rounding before currency.
    RoundedBefore { precision: Precision, amount: Money },
    /// Currency.
    Currency { factor: Money, amount: Money },
    /// The rounding of the call's amount.
    Rounded { decimals: u8, rounding: Rounding, amount: Money },
    /// Tax on the call.
    Tax { percent: Money, tax: Money, amount: Money },
    /// What it costs.
    Amount { amount: Money },
}

/// One call's calculation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// In order.
    pub steps: Vec<Step>,
    /// Charged seconds.
    pub billed_s: u32,
    /// In units of the currency.
    pub amount: Money,
    /// ISO 4217, where deck or contract name it.
    pub currency: Option<String>,
}

/// Sixtieths of a billionth as money, cut to whole billionths.
fn cut(sixtieths: i128) -> Money {
    Money(sixtieths / 60)
}

fn money(billionths: i64) -> Money {
    Money(i128::from(billionths))
}

impl Rater {
    /// How a call comes to its price; arguments as [`Rater::rate`].
    ///
    /// # Errors
    /// [`Unrated`] when the deck has no price.
    pub fn explain(
        &self,
        callee: Number,
        at_ms: i64,
        talk_ms: u32,
        answered: bool,
    ) -> Result<Explanation, Unrated> {
        let rated = self.rate(callee, at_ms, talk_ms, answered)?;
        let mut steps = Vec::new();
        self.explain_row(callee, at_ms, rated.row, &mut steps);
        if answered {
            let spans = match self.contract().bands {
                Bands::Split => self.spans(callee, at_ms, talk_ms, rated.row),
                Bands::ByStart => Vec::new(),
            };
            self.explain_seconds(talk_ms, &rated.terms, &mut steps);
            self.explain_price(&rated.terms, rated.charge, &spans, &mut steps);
        } else {
            steps.push(Step::Unanswered { charge: money(rated.terms.unanswered) });
            explain_tax(&rated.terms, i128::from(rated.terms.unanswered), &mut steps);
        }
        let Charge { billed_s, amount } = rated.charge;
        steps.push(Step::Amount { amount: money(amount) });
        let currency = self.currency().map(str::to_owned);
        Ok(Explanation { steps, billed_s, amount: money(amount), currency })
    }

    fn explain_row(&self, callee: Number, at_ms: i64, row: u32, steps: &mut Vec<Step>) {
        let Some(found) = self.deck_row(row) else { return };
        let mut passed: Vec<&DeckRow> = Vec::new();
        for other in self.rows_of_any_date(callee).filter_map(|other| self.deck_row(other)) {
            if other.prefix.len() > found.prefix.len()
                && passed.iter().all(|seen| seen.prefix != other.prefix)
            {
                passed.push(other);
            }
        }
        steps.extend(
            passed.iter().map(|other| Step::PassedOver { prefix: other.prefix.clone(), line: other.line }),
        );
        if self.has_bands() {
            let offset = self.band_zone().at(at_ms);
            let local = at_ms.saturating_add(i64::from(offset) * 1_000).rem_euclid(86_400_000) / 1_000;
            let second_of_day = u32::try_from(local).unwrap_or(0);
            steps.push(Step::LocalTime { second_of_day, utc_offset_s: offset });
        }
        steps.push(Step::Row {
            number: callee.to_string(),
            at_ms,
            reference: self.contract().reference_time,
            prefix: found.prefix.clone(),
            destination: found.destination.clone(),
            line: found.line,
            rate_per_min: money(found.rate),
            effective_from_ms: found.effective_from_ms,
            effective_to_ms: found.effective_to_ms,
            band_s: found.band_s,
        });
    }

    fn explain_seconds(&self, talk_ms: u32, terms: &Terms, steps: &mut Vec<Step>) {
        let seconds = terms.subsecond.seconds(talk_ms);
        let from = self.contract().duration_from;
        steps.push(Step::Seconds { talk_ms, from, rule: terms.subsecond, seconds });
        let left = terms.after_free(seconds);
        if terms.free_s > 0 {
            steps.push(Step::Free { seconds, free_s: terms.free_s, rule: terms.free, left });
        }
        steps.push(Step::Blocks {
            seconds: left,
            initial_s: terms.initial_s,
            increment_s: terms.increment_s,
            rule: terms.blocks,
            billed_s: terms.billed_s(seconds),
        });
    }

    fn explain_price(&self, terms: &Terms, charge: Charge, spans: &[Span], steps: &mut Vec<Step>) {
        let rate_per_min = money(terms.rate);
        let billed_s = charge.billed_s;
        let mut blocks = terms.blocks_price(billed_s);
        if spans.len() > 1 {
            blocks = 0;
            for span in spans {
                let price = i128::from(self.terms(span.row).rate) * i128::from(span.billed_s);
                blocks += price;
                let Some(row) = self.deck_row(span.row) else { continue };
                steps.push(Step::Band {
                    prefix: row.prefix.clone(),
                    line: row.line,
                    band_s: row.band_s,
                    rate_per_min: money(row.rate),
                    billed_s: span.billed_s,
                    talk: cut(price),
                });
            }
            if self.contract().span_rounding == SpanRounding::Each {
                blocks = self.rounded_spans(spans, terms);
                let talk = cut(blocks);
                steps.push(Step::BandsRounded { decimals: terms.decimals, rounding: terms.rounding, talk });
            }
        } else if let Some(precision) = terms.per_increment {
            steps.push(Step::TalkOfRoundedBlocks { rate_per_min, billed_s, precision, talk: cut(blocks) });
        } else {
            steps.push(Step::Talk { rate_per_min, billed_s, talk: cut(blocks), exact: blocks % 60 == 0 });
        }
        if terms.connect_fee != 0 {
            let sum = cut(blocks + i128::from(terms.connect_fee) * 60);
            steps.push(Step::ConnectFee { fee: money(terms.connect_fee), sum });
        }
        let raw = terms.raw(blocks);
        let before = blocks + i128::from(terms.connect_fee) * 60;
        let least = i128::from(terms.minimum) * 60;
        if terms.minimum != 0 && least > before {
            steps.push(Step::Minimum { minimum: money(terms.minimum) });
        }
        if raw < before || terms.minimum != 0 && raw < least {
            steps.push(Step::Maximum { maximum: money(terms.maximum) });
        }
        if let Some(precision) = terms.before_factor {
            let amount = cut(precision.sixtieths(raw));
            steps.push(Step::RoundedBefore { precision, amount });
        }
        if terms.factor_ppm != 1_000_000 {
            let factor = Money(i128::from(terms.factor_ppm) * 1_000);
            let exact = Terms { decimals: 9, rounding: Rounding::Down, ..*terms };
            steps.push(Step::Currency { factor, amount: Money(exact.rounded(raw)) });
        }
        let rounded = terms.rounded(raw);
        let (decimals, rounding) = (terms.decimals, terms.rounding);
        steps.push(Step::Rounded { decimals, rounding, amount: Money(rounded) });
        explain_tax(terms, rounded, steps);
    }
}

fn explain_tax(terms: &Terms, amount: i128, steps: &mut Vec<Step>) {
    if terms.tax_ppm == 0 {
        return;
    }
    let taxed = terms.with_tax(amount);
    let percent = Money(i128::from(terms.tax_ppm) * 100_000);
    steps.push(Step::Tax { percent, tax: Money(taxed - amount), amount: Money(taxed) });
}
