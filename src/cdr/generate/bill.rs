//! What a side records of a call when some causes act on it.

use super::inject::{Effect, of_row};
use super::plan::{Active, Ready};
use super::random::Chance;
use super::traffic::Call;
use crate::Money;
use crate::rating::{BlockRule, DeckRow, Moment, Rounding, Terms};

/// One record of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub start_ms: i64,
    pub ring_ms: u32,
    pub talk_ms: u32,
    /// Whole seconds by the rule of the side.
    pub talk_s: u32,
    pub billed_s: u32,
    pub rate: i64,
    pub amount: i64,
    pub decimals: u8,
    /// As `amount`, at nine decimals: tells apart what rounding hides.
    pub exact: i64,
    pub answered: bool,
    pub duplicate: bool,
    pub interim: bool,
    /// Digits before the called number.
    pub tech: Option<String>,
}

/// Sum of what the records charge.
pub(super) fn value(lines: &[Line]) -> Money {
    lines.iter().map(|line| Money(i128::from(line.amount))).sum()
}

/// Where a row comes from.
#[derive(Default)]
struct Pick<'a> {
    dated_ms: Option<i64>,
    skip_longest: bool,
    number: Option<String>,
    band_offset_s: Option<i32>,
    other_band: bool,
    tech: Option<&'a str>,
}

/// Records of a call on a side under the causes that are switched on.
pub(super) fn lines(ready: &Ready<'_>, call: &Call, on: &[&Active]) -> Vec<Line> {
    if !there(ready, call, on) {
        return Vec::new();
    }
    let mut bill = Bill::of(ready, call);
    for active in on {
        bill.facts(&active.effect, call, ready.plan.seed);
    }
    let terms = bill.terms(ready, call, on);
    let mut lines = bill.parted(call, &terms, on);
    if on.iter().any(|active| active.effect == Effect::Duplicate) {
        let again: Vec<Line> = lines.iter().map(|line| Line { duplicate: true, ..line.clone() }).collect();
        lines.extend(again);
    }
    lines
}

/// Whether the side has it at all.
fn there(ready: &Ready<'_>, call: &Call, on: &[&Active]) -> bool {
    let has = |wanted: &Effect| on.iter().any(|active| active.effect == *wanted);
    let by = if has(&Effect::CutOff) { call.end_ms() } else { call.start_ms };
    (ready.plan.begin_ms..ready.plan.end_ms()).contains(&by) && !has(&Effect::Missing)
}

struct Bill {
    at_ms: i64,
    talk_ms: u32,
    /// Ringing that the contract charges.
    ring_ms: u32,
}

impl Bill {
    fn of(ready: &Ready<'_>, call: &Call) -> Self {
        let contract = &ready.plan.contract;
        let ring = i64::from(call.ring_ms);
        Self {
            at_ms: call.start_ms + if contract.reference_time == Moment::Answer { ring } else { 0 },
            talk_ms: call.talk_ms,
            ring_ms: if contract.duration_from == Moment::Start && call.answered { call.ring_ms } else { 0 },
        }
    }

    fn facts(&mut self, effect: &Effect, call: &Call, seed: u64) {
        if !call.answered {
            return;
        }
        match effect {
            Effect::Ring => self.talk_ms = self.talk_ms.saturating_add(call.ring_ms),
            Effect::Hung { talk_s } => self.talk_ms = self.talk_ms.max(talk_s.saturating_mul(1_000)),
            Effect::Longer => {
                let more = 5 + Chance::of(seed ^ 0x10e9, call.index).below(50);
                self.talk_ms = self.talk_ms.saturating_add(u32::try_from(more * 1_000).unwrap_or(0));
            }
            _ => {}
        }
    }

    /// Terms of the side; `None` when it charges nothing for want of a row.
    fn terms(&self, ready: &Ready<'_>, call: &Call, on: &[&Active]) -> Option<Terms> {
        let mut pick = Pick::default();
        for active in on {
            match &active.effect {
                Effect::ShorterPrefix => pick.skip_longest = true,
                Effect::Tech(tech) => pick.tech = Some(tech),
                Effect::OtherPrefix(other) => pick.number = Some(format!("{other}0000000")),
                Effect::Unrated => return None,
                // The moment before prices changed.
                Effect::Stale if self.at_ms >= ready.change_ms => pick.dated_ms = Some(ready.change_ms - 1),
                Effect::BandOffset(offset) => pick.band_offset_s = Some(*offset),
                Effect::OtherBand => pick.other_band = true,
                _ => {}
            }
        }
        let row = self.row(ready, call, &pick)?;
        let mut terms = ready.rater.terms(row);
        for active in on {
            change(&mut terms, &active.effect);
        }
        Some(terms)
    }

    fn row(&self, ready: &Ready<'_>, call: &Call, pick: &Pick<'_>) -> Option<u32> {
        let plain = !pick.skip_longest
            && pick.number.is_none()
            && pick.tech.is_none()
            && pick.dated_ms.is_none()
            && pick.band_offset_s.is_none()
            && !pick.other_band;
        if plain {
            return ready.rater.row_of(call.callee_number(), self.at_ms);
        }
        let mut number = pick.number.clone().unwrap_or_else(|| call.callee.to_string());
        if let (Some(tech), None) = (pick.tech, &pick.number) {
            number.insert_str(0, tech);
        }
        let dated_ms = pick.dated_ms.unwrap_or(self.at_ms);
        let offset = pick.band_offset_s.unwrap_or_else(|| ready.rater.band_zone().at(self.at_ms));
        let second = u32::try_from((self.at_ms + i64::from(offset) * 1_000).rem_euclid(86_400_000) / 1_000);
        let second = second.unwrap_or(0);
        let dated = |row: &DeckRow| {
            row.effective_from_ms.is_none_or(|from| from <= dated_ms)
                && row.effective_to_ms.is_none_or(|to| dated_ms < to)
        };
        let rows = ready.deck.rows.iter().enumerate();
        let fits: Vec<(usize, &DeckRow)> =
            rows.filter(|(_, row)| number.starts_with(&row.prefix) && dated(row)).collect();
        let longest = fits.iter().map(|(_, row)| row.prefix.len()).max()?;
        let taken = if pick.skip_longest {
            fits.iter().map(|(_, row)| row.prefix.len()).filter(|length| *length < longest).max()?
        } else {
            longest
        };
        let holds = |row: &DeckRow| {
            row.band_s.is_none_or(|[from, to]| {
                let within =
                    if from < to { (from..to).contains(&second) } else { second >= from || second < to };
                within != pick.other_band
            })
        };
        let found = fits.iter().find(|(_, row)| row.prefix.len() == taken && holds(row));
        found.and_then(|(at, _)| u32::try_from(*at).ok())
    }

    fn parted(&self, call: &Call, terms: &Option<Terms>, on: &[&Active]) -> Vec<Line> {
        let tech = on.iter().find_map(|active| match &active.effect {
            Effect::Tech(tech) => Some(tech.clone()),
            _ => None,
        });
        let line = |start_ms, ring_ms, talk_ms: u32| {
            let free = Terms { decimals: 6, ..Terms::plain(0, 1, 1) };
            let terms = terms.as_ref().unwrap_or(&free);
            let charged_ms = talk_ms.saturating_add(if ring_ms > 0 { self.ring_ms } else { 0 });
            let charge = terms.charge(charged_ms, call.answered);
            // A tax is put on the rounded amount: it shows there or not at all.
            let fine = Terms { decimals: 9, rounding: Rounding::Down, tax_ppm: 0, ..*terms };
            Line {
                start_ms,
                ring_ms,
                talk_ms,
                talk_s: terms.subsecond.seconds(talk_ms),
                billed_s: if *terms == free { 0 } else { charge.billed_s },
                rate: terms.rate,
                amount: charge.amount,
                decimals: terms.decimals,
                exact: fine.charge(charged_ms, call.answered).amount,
                answered: call.answered,
                duplicate: false,
                interim: false,
                tech: tech.clone(),
            }
        };
        let whole = line(call.start_ms, call.ring_ms, self.talk_ms);
        let parts = on.iter().find_map(|active| match active.effect {
            Effect::Parts { part_s, recharged, beside } => Some((part_s, recharged, beside)),
            _ => None,
        });
        let Some((part_s, recharged, beside)) = parts else { return vec![whole] };
        let part_ms = part_s.saturating_mul(1_000);
        if self.talk_ms <= part_ms {
            return vec![whole];
        }
        let answer_ms = call.start_ms + i64::from(call.ring_ms);
        let mut lines: Vec<Line> = Vec::new();
        let (mut done_ms, mut before) = (0, None::<Line>);
        while done_ms < self.talk_ms {
            let talk_ms = part_ms.min(self.talk_ms - done_ms);
            let (start_ms, ring_ms) = if done_ms == 0 {
                (call.start_ms, call.ring_ms)
            } else {
                (answer_ms + i64::from(done_ms), 0)
            };
            let mut part = line(start_ms, ring_ms, talk_ms);
            done_ms += talk_ms;
            if !recharged {
                // What the whole costs up to here, less what was charged before.
                let so_far = line(call.start_ms, call.ring_ms, done_ms);
                let (billed_s, amount, exact) =
                    before.as_ref().map_or((0, 0, 0), |line| (line.billed_s, line.amount, line.exact));
                part.billed_s = so_far.billed_s.saturating_sub(billed_s);
                part.amount = so_far.amount - amount;
                part.exact = so_far.exact - exact;
                before = Some(so_far);
            }
            part.interim = beside;
            lines.push(part);
        }
        if beside {
            lines.push(whole);
        }
        lines
    }
}

fn change(terms: &mut Terms, effect: &Effect) {
    match effect {
        Effect::Subsecond(rule) => terms.subsecond = *rule,
        Effect::RateAdded(more) => terms.rate = terms.rate.saturating_add(*more),
        Effect::Rate(rate) => terms.rate = *rate,
        Effect::Factor(ppm) => terms.factor_ppm = terms.factor_ppm.saturating_mul(*ppm) / 1_000_000,
        Effect::Blocks([initial, step]) => {
            terms.initial_s = *initial;
            terms.increment_s = *step;
            terms.blocks = BlockRule::Textbook;
        }
        Effect::Free(seconds) => terms.free_s = *seconds,
        Effect::Minimum(least) => terms.minimum = *least,
        Effect::NoFee => terms.connect_fee = 0,
        Effect::FeeAdded(more) => terms.connect_fee = terms.connect_fee.saturating_add(*more),
        Effect::Decimals(decimals) => terms.decimals = *decimals,
        Effect::Mode(rounding) => terms.rounding = *rounding,
        Effect::Tax(ppm) => terms.tax_ppm = *ppm,
        _ => {}
    }
}

/// Whether a cause acts on a call.
pub(super) fn acts(ready: &Ready<'_>, active: &Active, call: &Call, place: usize) -> bool {
    let injection = &active.injection;
    let selector = &injection.selector;
    let named = |wanted: &Option<String>, names: &[String], at: u16| {
        wanted.as_ref().is_none_or(|wanted| names.get(usize::from(at)) == Some(wanted))
    };
    if !named(&selector.gateway, &ready.names.gateways, call.gateway)
        || !named(&selector.account, &ready.names.accounts, call.account)
        || injection.window.is_some_and(|[from, to]| call.start_ms < from || call.start_ms >= to)
    {
        return false;
    }
    let row = || {
        let row = ready.rater.row_of(call.callee_number(), call.start_ms)?;
        ready.deck.rows.get(row as usize)
    };
    if let Some(prefix) = &selector.prefix {
        let hit = if of_row(injection.kind) {
            row().is_some_and(|row| row.prefix == *prefix)
        } else {
            call.callee.to_string().starts_with(prefix)
        };
        if !hit {
            return false;
        }
    }
    if let Some(wanted) = &selector.destination
        && row().and_then(|row| row.destination.as_ref()) != Some(wanted)
    {
        return false;
    }
    if injection.share_ppm >= 1_000_000 {
        return true;
    }
    let side = injection.side.index() as u64;
    let salt = (place as u64 + 1) << 40 | (side + 1) << 48;
    Chance::of(ready.plan.seed ^ salt, call.index).happens(injection.share_ppm)
}
