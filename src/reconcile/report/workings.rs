//! The correct calculation of one call, step by step, where its terms are plain enough to be followed
//! on paper or by a spreadsheet's formulas: blocks, rate, fee, minimum, rounding.
//!
//! It is shown only where it comes to exactly what rating came to; else the value stands alone.

use linesman_cdr::outcome::CallDetail;
use linesman_cdr::rating::{BlockRule, Charge, Rounding, Subsecond, Terms};
use linesman_cdr::record::flag;
use linesman_cdr::{Money, Record};

use super::figures;
use super::words::Language;
use crate::job::Finished;

/// How a call's correct amount comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Working {
    /// Conversation that counts.
    pub(crate) talk_ms: u32,
    /// As above, in the seconds of the contract.
    pub(crate) talk_s: u32,
    /// What is agreed.
    pub(crate) terms: Terms,
    /// What it comes to.
    pub(crate) charge: Charge,
}

impl Working {
    /// The working of a call, from the side whose conversation gives the correct amount.
    pub(crate) fn of(detail: &CallDetail, finished: &Finished) -> Option<Self> {
        let (row, charge) = (detail.row?, detail.correct?);
        let terms = terms(finished, row)?;
        [&detail.ours, &detail.theirs]
            .into_iter()
            .flatten()
            .filter_map(|record| Self::on_paper(record, terms))
            .find(|working| working.charge == charge)
    }

    fn on_paper(record: &Record, terms: Terms) -> Option<Self> {
        let plain = terms.free_s == 0 && terms.tax_ppm == 0 && terms.factor_ppm == 1_000_000;
        if !plain {
            return None;
        }
        let talk_ms = record.talk_ms;
        if record.is(flag::ATTEMPT) || talk_ms == 0 {
            let charge = Charge { billed_s: 0, amount: 0 };
            return Some(Self { talk_ms, talk_s: 0, terms, charge });
        }
        let talk_s = seconds(talk_ms, terms.subsecond);
        let billed_s = billed(talk_s, &terms)?;
        let raw = i128::from(billed_s) * i128::from(terms.rate) + i128::from(terms.connect_fee) * 60;
        // Sixtieths of a billionth.
        let raw = raw.max(i128::from(terms.minimum) * 60);
        let step = 60 * 10i128.pow(9u32.saturating_sub(u32::from(terms.decimals)));
        let amount = rounded(raw, step, terms.rounding) * (step / 60);
        let amount = i64::try_from(amount).ok()?;
        Some(Self { talk_ms, talk_s, terms, charge: Charge { billed_s, amount } })
    }

    /// Whether a call was charged at all.
    pub(crate) const fn is_charged(&self) -> bool {
        self.talk_ms > 0 && self.charge.billed_s > 0
    }

    /// The steps in sentences.
    pub(crate) fn steps(&self, detail: &CallDetail, finished: &Finished, language: Language) -> Vec<String> {
        let decimals = figures::decimals(finished);
        let money = |billionths: i64| Money(i128::from(billionths)).show(0);
        let mut steps = Vec::new();
        if !self.is_charged() {
            steps.push(language.word("step.attempt"));
            return steps;
        }
        let Terms { initial_s, increment_s, .. } = self.terms;
        let (initial, increment) = (initial_s.to_string(), increment_s.to_string());
        let (talk, billed) = (self.talk_s.to_string(), self.charge.billed_s.to_string());
        let exact_talk = Money(i128::from(self.talk_ms) * 1_000_000).show(0);
        steps.push(language.say("step.talk", &[("talk", &exact_talk)]));
        if self.talk_ms % 1000 != 0 {
            let rule = subsecond(self.terms.subsecond, language);
            steps.push(language.say("step.talk_whole", &[("talk", &talk), ("rule", &rule)]));
        }
        if let Some(row) = detail.row.and_then(|row| finished.deck.rows.get(row as usize)) {
            let name = row.destination.as_deref().map_or_else(String::new, |name| format!(" ({name})"));
            steps.push(language.say(
                "step.row",
                &[
                    ("prefix", &row.prefix),
                    ("destination", &name),
                    ("rate", &money(self.terms.rate)),
                    ("initial", &initial),
                    ("increment", &increment),
                ],
            ));
        }
        let further = self.charge.billed_s.saturating_sub(initial_s);
        let blocks = if increment_s > 0 { further / increment_s } else { 0 };
        let count = blocks.to_string();
        let values =
            [("initial", &*initial), ("increment", &*increment), ("count", &*count), ("billed", &*billed)];
        let key = match (self.terms.blocks, blocks) {
            (BlockRule::Textbook, 0) => "step.block_one",
            (BlockRule::Textbook, _) => "step.blocks",
            (BlockRule::TotalMultiple, _) => "step.billed",
        };
        steps.push(language.say(key, &values));
        let raw = i128::from(self.charge.billed_s) * i128::from(self.terms.rate);
        let exact = raw % 60 == 0;
        let shown = format!("{}{}", Money(raw / 60).show(0), if exact { "" } else { "…" });
        let rate = money(self.terms.rate);
        steps.push(language.say("step.raw", &[("billed", &billed), ("rate", &rate), ("raw", &shown)]));
        if self.terms.connect_fee != 0 {
            steps.push(language.say("step.fee", &[("fee", &money(self.terms.connect_fee))]));
        }
        let amount = figures::shown(Money(i128::from(self.charge.amount)), u32::from(self.terms.decimals));
        if self.terms.decimals < 9 {
            let rule = language.word(match self.terms.rounding {
                Rounding::Up => "rule.up",
                Rounding::Down => "rule.down",
                Rounding::HalfUp => "rule.half_up",
                Rounding::HalfEven => "rule.half_even",
            });
            let values =
                [("decimals", &*self.terms.decimals.to_string()), ("rule", &*rule), ("amount", &*amount)];
            steps.push(language.say("step.rounded", &values));
        }
        let currency = &finished.outcome.currency;
        steps.push(language.say("step.result", &[("amount", &amount), ("currency", currency)]));
        for (key, record) in [("step.ours", &detail.ours), ("step.theirs", &detail.theirs)] {
            let Some(record) = record else { continue };
            let charged = record.money();
            let delta = figures::signed(charged - Money(i128::from(self.charge.amount)), decimals);
            let charged = figures::shown(charged, decimals);
            steps.push(language.say(key, &[("amount", &charged), ("delta", &delta)]));
        }
        steps
    }
}

fn subsecond(rule: Subsecond, language: Language) -> String {
    match rule {
        Subsecond::Floor => language.word("rule.floor"),
        Subsecond::Ceil => language.word("rule.ceil"),
        Subsecond::Nearest => language.word("rule.nearest"),
        Subsecond::ThresholdMs(ms) => language.say("rule.threshold", &[("ms", &ms.to_string())]),
    }
}

/// Terms of a row of the deck.
fn terms(finished: &Finished, row: u32) -> Option<Terms> {
    let deck = &finished.deck;
    let row = deck.rows.get(row as usize)?;
    Some(Terms {
        rate: row.rate,
        initial_s: row.initial_s,
        increment_s: row.increment_s,
        blocks: BlockRule::Textbook,
        free_s: 0,
        free: linesman_cdr::rating::FreeSeconds::Deducted,
        connect_fee: row.connect_fee,
        minimum: 0,
        subsecond: Subsecond::Floor,
        decimals: deck.decimals.unwrap_or(6),
        rounding: deck.rounding.unwrap_or(Rounding::HalfUp),
        tax_ppm: 0,
        factor_ppm: 1_000_000,
    })
}

fn seconds(talk_ms: u32, rule: Subsecond) -> u32 {
    let (whole, part) = (talk_ms / 1000, talk_ms % 1000);
    let up = match rule {
        Subsecond::Floor => false,
        Subsecond::Ceil => part > 0,
        Subsecond::Nearest => part >= 500,
        Subsecond::ThresholdMs(threshold) => part > 0 && part >= u32::from(threshold),
    };
    whole + u32::from(up)
}

fn billed(talk_s: u32, terms: &Terms) -> Option<u32> {
    if talk_s == 0 {
        return Some(0);
    }
    let step = terms.increment_s.max(1);
    match terms.blocks {
        BlockRule::Textbook => {
            let further = talk_s.saturating_sub(terms.initial_s).div_ceil(step);
            terms.initial_s.checked_add(further.checked_mul(step)?)
        }
        BlockRule::TotalMultiple => Some(talk_s.div_ceil(step).checked_mul(step)?.max(terms.initial_s)),
    }
}

/// How many whole steps a value that is not negative comes to.
fn rounded(value: i128, step: i128, rule: Rounding) -> i128 {
    let (whole, rest) = (value.div_euclid(step), value.rem_euclid(step));
    let up = match rule {
        Rounding::Up => rest > 0,
        Rounding::Down => false,
        Rounding::HalfUp => rest * 2 >= step,
        Rounding::HalfEven => rest * 2 > step || (rest * 2 == step && whole % 2 != 0),
    };
    whole + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn steps_lead_to_the_correct_amount_in_both_languages() {
        let finished = sample::finished();
        let detail = &finished.details[0];
        let working = Working::of(detail, &finished).expect("plain terms");
        for (language, last) in
            [(Language::English, "Correct amount: 0.0"), (Language::Chinese, "正确金额：0.0")]
        {
            let steps = working.steps(detail, &finished, language);
            assert!(steps.iter().any(|step| step.starts_with(last)), "{steps:?}");
            assert!(steps.iter().all(|step| !step.contains('{')), "{steps:?}");
        }
    }

    #[test]
    fn a_call_that_comes_out_otherwise_is_not_explained() {
        let finished = sample::finished();
        let mut detail = finished.details[0].clone();
        if let Some(charge) = &mut detail.correct {
            charge.amount += 1;
        }
        assert_eq!(Working::of(&detail, &finished), None);
    }
}
