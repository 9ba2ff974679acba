//! The correct calculation of one call: from which record's facts it follows, step by step in words,
//! and whether a spreadsheet's formulas can follow it.
//!
//! It is shown only where it comes to exactly what rating came to; else the value stands alone.

use linesman_cdr::Money;
use linesman_cdr::outcome::CallDetail;
use linesman_cdr::rating::{
    BlockRule, Charge, Explanation, FreeSeconds, Moment, Precision, Rater, Rounding, Step, Subsecond, Terms,
};

use super::figures;
use super::words::Language;
use crate::job::Finished;

/// How a call's correct amount comes about.
#[derive(Debug, Clone)]
pub(crate) struct Working {
    /// Conversation that counts.
    pub(crate) talk_ms: u32,
    /// As above, in the whole seconds of the contract.
    pub(crate) talk_s: u32,
    /// What is agreed.
    pub(crate) terms: Terms,
    /// What it comes to.
    pub(crate) charge: Charge,
    answered: bool,
    at_ms: i64,
    callee: linesman_cdr::Number,
}

impl Working {
    /// The working of a call, from the side whose facts give the correct amount.
    pub(crate) fn of(detail: &CallDetail, rater: &Rater, finished: &Finished) -> Option<Self> {
        let (row, charge) = (detail.row?, detail.correct?);
        [&detail.ours, &detail.theirs].into_iter().flatten().find_map(|record| {
            let (at_ms, talk_ms, answered) = finished.contract.facts(record);
            let rated = rater.rate(record.callee, at_ms, talk_ms, answered).ok()?;
            let talk_s = rated.terms.subsecond.seconds(talk_ms);
            let working = Self {
                talk_ms,
                talk_s,
                terms: rated.terms,
                charge: rated.charge,
                answered,
                at_ms,
                callee: record.callee,
            };
            (rated.row == row && rated.charge == charge).then_some(working)
        })
    }

    /// Whether seconds were charged.
    pub(crate) const fn is_charged(&self) -> bool {
        self.answered && self.charge.billed_s > 0
    }

    /// Whether blocks, rate, fee, minimum and one rounding are all there is to it.
    pub(crate) fn is_plain(&self) -> bool {
        let Terms { free_s, tax_ppm, factor_ppm, maximum, per_increment, before_factor, .. } = self.terms;
        let plain = free_s == 0 && tax_ppm == 0 && factor_ppm == 1_000_000 && maximum == i64::MAX;
        plain
            && per_increment.is_none()
            && before_factor.is_none()
            // A call split at the edge of a band costs other than its first row says.
            && self.terms.charge(self.talk_ms, self.answered) == self.charge
    }

    /// The steps in sentences, and what each side charged against that.
    pub(crate) fn steps(
        &self,
        detail: &CallDetail,
        rater: &Rater,
        finished: &Finished,
        language: Language,
    ) -> Vec<String> {
        let decimals = figures::decimals(finished);
        let Ok(explanation) = rater.explain(self.callee, self.at_ms, self.talk_ms, self.answered) else {
            return Vec::new();
        };
        let mut said = steps(&explanation, language);
        let sides = [("step.ours", &detail.ours), ("step.theirs", &detail.theirs)];
        for ((key, record), charged) in sides.into_iter().zip(figures::charged(detail)) {
            if record.is_none() {
                continue;
            }
            let delta = figures::signed(charged - explanation.amount, decimals);
            let charged = figures::shown(charged, decimals);
            said.push(language.say(key, &[("amount", &charged), ("delta", &delta)]));
        }
        said
    }
}

/// A call's calculation, one sentence a step.
#[must_use]
pub fn steps(explanation: &Explanation, language: Language) -> Vec<String> {
    let currency = explanation.currency.as_deref().unwrap_or_default();
    let agreed = explanation.steps.iter().find_map(|step| match step {
        Step::Rounded { decimals, .. } if u32::from(*decimals) < Money::DECIMALS => Some(*decimals),
        _ => None,
    });
    let decimals = u32::from(agreed.unwrap_or(6));
    explanation.steps.iter().map(|step| one(step, currency, decimals, language)).collect()
}

/// A step in words; amounts with so many decimals at least.
fn one(step: &Step, currency: &str, decimals: u32, language: Language) -> String {
    let price = |rate: &Money| rate.show(0);
    let money = |amount: &Money| figures::shown(*amount, decimals);
    let text = |number: u32| number.to_string();
    match step {
        Step::Row {
            number,
            at_ms,
            reference,
            prefix,
            destination,
            line,
            rate_per_min,
            effective_from_ms,
            effective_to_ms,
            band_s,
        } => {
            let name = destination.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
            let mut said = language.say(
                "step.row",
                &[
                    ("number", number),
                    ("at", &figures::instant(*at_ms)),
                    ("reference", &moment(*reference, language)),
                    ("prefix", prefix),
                    ("destination", &name),
                    ("line", &text(*line)),
                    ("rate", &price(rate_per_min)),
                ],
            );
            if let Some(from) = effective_from_ms {
                said += &language.say("step.row_from", &[("from", &figures::instant(*from))]);
            }
            if let Some(to) = effective_to_ms {
                said += &language.say("step.row_to", &[("to", &figures::instant(*to))]);
            }
            said + &band(*band_s, language)
        }
        Step::PassedOver { prefix, line } => {
            language.say("step.passed_over", &[("prefix", prefix), ("line", &text(*line))])
        }
        Step::LocalTime { second_of_day, utc_offset_s } => language.say(
            "step.local_time",
            &[("clock", &clock(*second_of_day)), ("offset", &super::settings::offset(*utc_offset_s))],
        ),
        Step::Unanswered { charge } => language.say("step.unanswered", &[("charge", &money(charge))]),
        Step::Seconds { talk_ms, from, rule, seconds } => {
            let talk = Money(i128::from(*talk_ms) * 1_000_000).show(0);
            let key = if talk_ms % 1000 == 0 { "step.seconds" } else { "step.seconds_rule" };
            language.say(
                key,
                &[
                    ("talk", &talk),
                    ("from", &moment(*from, language)),
                    ("rule", &subsecond(*rule, language)),
                    ("seconds", &text(*seconds)),
                ],
            )
        }
        Step::Free { seconds, free_s, rule, left } => {
            let key = match rule {
                FreeSeconds::Deducted => "step.free_deducted",
                FreeSeconds::Threshold => "step.free_threshold",
            };
            language
                .say(key, &[("seconds", &text(*seconds)), ("free", &text(*free_s)), ("left", &text(*left))])
        }
        Step::Blocks { seconds, initial_s, increment_s, rule, billed_s } => {
            let further = billed_s.saturating_sub(*initial_s).checked_div(*increment_s).unwrap_or(0);
            let key = match rule {
                _ if *billed_s == 0 => "step.blocks_none",
                BlockRule::Textbook if further == 0 => "step.blocks_one",
                BlockRule::Textbook => "step.blocks",
                BlockRule::TotalMultiple => "step.blocks_total",
            };
            language.say(
                key,
                &[
                    ("seconds", &text(*seconds)),
                    ("initial", &text(*initial_s)),
                    ("increment", &text(*increment_s)),
                    ("count", &text(further)),
                    ("billed", &text(*billed_s)),
                ],
            )
        }
        Step::Talk { rate_per_min, billed_s, talk, exact } => {
            let talk = format!("{}{}", money(talk), if *exact { "" } else { "…" });
            let values = [("billed", &*text(*billed_s)), ("rate", &*price(rate_per_min)), ("talk", &*talk)];
            language.say("step.talk", &values)
        }
        Step::TalkOfRoundedBlocks { rate_per_min, billed_s, precision, talk } => language.say(
            "step.talk_of_blocks",
            &[
                ("billed", &text(*billed_s)),
                ("rate", &price(rate_per_min)),
                ("precision", &precise(*precision, language)),
                ("talk", &money(talk)),
            ],
        ),
        Step::Band { prefix, line, band_s, rate_per_min, billed_s, talk } => language.say(
            "step.band",
            &[
                ("prefix", prefix),
                ("line", &text(*line)),
                ("band", &band(*band_s, language)),
                ("billed", &text(*billed_s)),
                ("rate", &price(rate_per_min)),
                ("talk", &money(talk)),
            ],
        ),
        Step::BandsRounded { decimals, rounding, talk } => {
            let precision = precise(Precision { decimals: *decimals, rounding: *rounding }, language);
            language.say("step.bands_rounded", &[("precision", &precision), ("talk", &money(talk))])
        }
        Step::ConnectFee { fee, sum } => {
            language.say("step.fee", &[("fee", &money(fee)), ("sum", &money(sum))])
        }
        Step::Minimum { minimum } => language.say("step.minimum", &[("minimum", &money(minimum))]),
        Step::Maximum { maximum } => language.say("step.maximum", &[("maximum", &money(maximum))]),
        Step::RoundedBefore { precision, amount } => {
            let precision = precise(*precision, language);
            language.say("step.rounded_before", &[("precision", &precision), ("amount", &money(amount))])
        }
        Step::Currency { factor, amount } => {
            language.say("step.currency", &[("factor", &price(factor)), ("amount", &money(amount))])
        }
        Step::Rounded { decimals, rounding, amount } => {
            let shown = figures::shown(*amount, u32::from(*decimals).min(Money::DECIMALS));
            let precision = precise(Precision { decimals: *decimals, rounding: *rounding }, language);
            let key = if *decimals >= 9 { "step.not_rounded" } else { "step.rounded" };
            language.say(key, &[("precision", &precision), ("amount", &shown)])
        }
        Step::Tax { percent, tax, amount } => {
            let values = [("percent", &*price(percent)), ("tax", &*money(tax)), ("amount", &*money(amount))];
            language.say("step.tax", &values)
        }
        Step::Amount { amount } => {
            let said = language.say("step.amount", &[("amount", &money(amount)), ("currency", currency)]);
            said.trim_end().to_owned()
        }
    }
}

fn moment(moment: Moment, language: Language) -> String {
    language.word(match moment {
        Moment::Start => "rule.from_start",
        Moment::Answer => "rule.from_answer",
    })
}

fn subsecond(rule: Subsecond, language: Language) -> String {
    match rule {
        Subsecond::Floor => language.word("rule.floor"),
        Subsecond::Ceil => language.word("rule.ceil"),
        Subsecond::Nearest => language.word("rule.nearest"),
        Subsecond::ThresholdMs(ms) => language.say("rule.threshold", &[("ms", &ms.to_string())]),
    }
}

fn precise(precision: Precision, language: Language) -> String {
    let rule = language.word(match precision.rounding {
        Rounding::Up => "rule.up",
        Rounding::Down => "rule.down",
        Rounding::HalfUp => "rule.half_up",
        Rounding::HalfEven => "rule.half_even",
    });
    language.say("rule.precision", &[("decimals", &precision.decimals.to_string()), ("rule", &rule)])
}

/// A time of day, `09:30:00`.
pub(crate) fn clock(second: u32) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

fn band(band_s: Option<[u32; 2]>, language: Language) -> String {
    band_s.map_or_else(String::new, |[from, to]| {
        language.say("step.in_band", &[("from", &clock(from)), ("to", &clock(to))])
    })
}

#[cfg(test)]
mod tests {
    use linesman_cdr::Number;
    use linesman_cdr::rating::{Contract, Deck};

    use super::super::sample;
    use super::*;

    #[test]
    fn steps_lead_to_the_correct_amount_in_both_languages() {
        let finished = sample::finished();
        let rater = Rater::new(&finished.deck, &finished.contract).expect("a rater");
        let detail = &finished.details[0];
        let working = Working::of(detail, &rater, &finished).expect("it follows");
        assert!(working.is_plain() && working.is_charged());
        for (language, last) in [
            (Language::English, "Correct amount: 0.022000 USD"),
            (Language::Chinese, "正确金额：0.022000 USD"),
        ] {
            let steps = working.steps(detail, &rater, &finished, language);
            assert!(steps.iter().any(|step| step == last), "{steps:?}");
            assert!(steps.iter().all(|step| !step.contains('{')), "{steps:?}");
        }
    }

    #[test]
    fn a_call_that_comes_out_otherwise_is_not_explained() {
        let finished = sample::finished();
        let rater = Rater::new(&finished.deck, &finished.contract).expect("a rater");
        let mut detail = finished.details[0].clone();
        if let Some(charge) = &mut detail.correct {
            charge.amount += 1;
        }
        assert!(Working::of(&detail, &rater, &finished).is_none());
    }

    #[test]
    fn every_convention_of_a_contract_is_said_in_words() {
        let deck = "prefix,destination,rate_per_min,initial_sec,increment_sec,connect_fee,effective_from,band_from,band_to,band_tz\n\
                    86,China,0.0213,60,30,0.01,2026-01-01,08:00,20:00,Asia/Shanghai\n\
                    86,China,0.0113,60,30,0.01,2026-01-01,20:00,08:00,Asia/Shanghai\n\
                    8613,Mobile,0.05,60,30,0.01,2027-01-01,,,\n";
        let contract = "subsecond = \"ceil\"\nfree_sec = 5\nminimum_charge = \"5\"\nmaximum_charge = \"9\"\n\
                        bands = \"split\"\nspan_rounding = \"each\"\nfx_factor = \"1.1\"\ntax_percent = \"6\"\ntax_on = \"call\"\n\
                        decimals = 4\nrounding = \"up\"\n";
        let deck = Deck::read(deck).expect("a deck");
        let contract = Contract::read(contract).expect("a contract");
        let rater = Rater::new(&deck, &contract).expect("a rater");
        let at = "2026-04-03T11:59:00Z".parse::<jiff::Timestamp>().expect("a time").as_millisecond();
        for (talk, answered) in [(200_400, true), (0, false), (3_000, true)] {
            let explanation = rater.explain(Number::of("8613800000001"), at, talk, answered).expect("rated");
            for language in [Language::English, Language::Chinese] {
                for step in steps(&explanation, language) {
                    assert!(!step.contains('{') && !step.contains("step."), "{step}");
                }
            }
        }
    }
}
