//! [`Item`]: a kept case made ready for the analysis; [`Leg`]: what one side has of it.

use super::case::{Case, Class};
use super::deviation::{Deviation, Prepared, Pricer, Shown, Situation, answered, ring_ms};
use super::ledger::{LedgerContext, shows};
use crate::number::Number;
use crate::outcome::CauseKind;
use crate::record::{ABSENT_32, Record, Side, flag};

/// What a side's record is to the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The call's record.
    Whole,
    /// None, where the other side has one.
    Absent,
    /// One beside another of the same call.
    Extra(CauseKind),
    /// Several that together are the call.
    Parts,
}

/// One side of a call.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub standing: Standing,
    pub record: Record,
    pub situation: Situation,
    pub parts: Vec<(Record, Situation)>,
    /// Amounts of this side are given; else it is priced by the contract.
    pub has_amounts: bool,
    /// The record names another currency than agreed.
    pub foreign: bool,
}

/// By what a call can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keys {
    pub row: Option<u32>,
    pub prefix: Number,
    pub callee: Number,
    /// Indices into the names of ours and theirs.
    pub gateways: [u16; 2],
    pub accounts: [u16; 2],
    pub at_ms: i64,
}

/// A case with its legs.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub legs: [Option<Leg>; 2],
    pub keys: Keys,
    pub weight: u64,
    pub class: Class,
    pub side: Side,
}

impl Leg {
    /// Whether this leg shows, in all that it shows, what the deviations give; by its own duration.
    pub fn explained_by(&self, pricer: &Pricer<'_>, deviations: &[Deviation]) -> bool {
        self.explained_on(None, pricer, deviations)
    }

    /// Ready for one more deviation.
    pub fn prepared(&self, pricer: &Pricer<'_>, deviations: &[Deviation]) -> Prepared {
        pricer.prepared(&own(&self.situation), deviations)
    }

    /// As [`Leg::explained_by`], of what was prepared under all deviations but the last.
    pub fn explained_beside(
        &self,
        prepared: &Prepared,
        pricer: &Pricer<'_>,
        deviations: &[Deviation],
    ) -> bool {
        let Some(new) = deviations.last() else { return self.explained_by(pricer, deviations) };
        let whole = matches!(self.standing, Standing::Whole | Standing::Extra(_));
        // Most are ruled out by the charged seconds.
        let other = |billed_s: u32| billed_s != self.record.billed_s;
        if whole && self.record.billed_s != ABSENT_32 && prepared.billed_s(new).is_some_and(other) {
            return false;
        }
        self.explained_on((!new.moves()).then_some(prepared.row), pricer, deviations)
    }

    /// As [`Leg::explained_by`]; the row is looked up unless it is known.
    fn explained_on(&self, row: Option<Option<u32>>, pricer: &Pricer<'_>, deviations: &[Deviation]) -> bool {
        if self.standing == Standing::Absent {
            return true;
        }
        if self.standing == Standing::Parts && deviations.contains(&Deviation::Parts) {
            return self.parts.iter().all(|(record, situation)| {
                self.shown_as(record, &pricer.price(&own(situation), deviations), deviations)
            });
        }
        let shown = pricer.price_on(row, &own(&self.situation), deviations);
        if self.standing == Standing::Parts {
            // The parts together are charged as the whole.
            return self.charged() == shown.amount;
        }
        self.shown_as(&self.record, &shown, deviations)
    }

    /// As [`Leg::explained_by`], by the given duration.
    pub fn explained_at(&self, pricer: &Pricer<'_>, deviations: &[Deviation], talk_ms: u32) -> bool {
        let situation = Situation { own_ms: talk_ms, talk_ms, ..self.situation };
        self.standing == Standing::Whole
            && self.shown_as(&self.record, &pricer.price(&situation, deviations), deviations)
    }

    fn shown_as(&self, record: &Record, shown: &Shown, deviations: &[Deviation]) -> bool {
        let charge = crate::rating::Charge { billed_s: shown.billed_s, amount: shown.amount };
        let named = deviations.iter().any(|d| matches!(d, Deviation::Label | Deviation::Factor { .. }));
        if self.foreign && !named {
            return false;
        }
        if shown.row.is_none() && (record.amount != crate::record::ABSENT) {
            // No price at all: only the amount can be compared.
            return record.amount == charge.amount;
        }
        if deviations.contains(&Deviation::Unrated) {
            return record.money().0 == 0 && self.has_amounts;
        }
        let factor = deviations.iter().find_map(|d| match d {
            Deviation::Factor { ppm } => Some(*ppm),
            _ => None,
        });
        if let Some(ppm) = factor
            && record.rate != crate::record::ABSENT
            && record.rate != shown.rate
        {
            // A converted price stands in the record: it may be rounded.
            let exact = i128::from(shown.rate) * i128::from(ppm);
            let off = (i128::from(record.rate) * 1_000_000 - exact).abs();
            if off > 1_000_000 * 100_000 {
                return false;
            }
            return shows(&Record { rate: shown.rate, ..*record }, shown.rate, &charge, self.has_amounts);
        }
        shows(record, shown.rate, &charge, self.has_amounts)
    }

    /// What this side charged, all its records of this leg together.
    pub fn charged(&self) -> i64 {
        let sum = |records: &mut dyn Iterator<Item = &Record>| -> i128 { records.map(|r| r.money().0).sum() };
        let total = match self.standing {
            Standing::Absent => 0,
            Standing::Parts => sum(&mut self.parts.iter().map(|(record, _)| record)),
            _ => sum(&mut std::iter::once(&self.record)),
        };
        i64::try_from(total).unwrap_or(i64::MAX)
    }

    /// Amount under deviations, by the call's right duration unless one of them says otherwise.
    pub fn amount(&self, pricer: &Pricer<'_>, deviations: &[Deviation]) -> i64 {
        let extra = deviations.iter().any(|deviation| matches!(deviation, Deviation::Extra(_)));
        let nothing = match self.standing {
            // An interim record that is not charged.
            Standing::Extra(CauseKind::PartialRecords) => true,
            Standing::Extra(_) => !extra,
            _ => deviations.contains(&Deviation::Missing),
        };
        if nothing {
            return 0;
        }
        if self.standing == Standing::Parts && deviations.contains(&Deviation::Parts) {
            let parts = self.parts.iter();
            return parts
                .map(|(_, situation)| pricer.price(situation, deviations).amount)
                .fold(0, i64::saturating_add);
        }
        pricer.price(&self.situation, deviations).amount
    }

    /// What the record shows beyond the amount, under deviations: price, seconds and the amount before rounding.
    pub fn traits(&self, pricer: &Pricer<'_>, deviations: &[Deviation]) -> (i64, u32, i64) {
        let mut fine: Vec<Deviation> = deviations.to_vec();
        fine.retain(|d| !matches!(d, Deviation::Decimals(_)));
        fine.push(Deviation::Decimals(9));
        let of = |situation: &Situation| {
            let shown = pricer.price(situation, &fine);
            (shown.rate, shown.billed_s, shown.amount)
        };
        if self.standing == Standing::Parts && deviations.contains(&Deviation::Parts) {
            return self.parts.iter().map(|(_, situation)| of(situation)).fold((0, 0, 0), |sum, one| {
                (sum.0.max(one.0), sum.1.saturating_add(one.1), sum.2.saturating_add(one.2))
            });
        }
        of(&self.situation)
    }
}

fn own(situation: &Situation) -> Situation {
    Situation { talk_ms: situation.own_ms, ..*situation }
}

/// Makes items of cases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    pub context: LedgerContext<'a>,
}

impl Maker<'_> {
    fn situation(&self, record: &Record, other: &Record, side: Side, at_ms: i64) -> Situation {
        let mut whole = *record;
        whole.ring_ms = ring_ms([record, other]);
        let (_, own_ms, _) = self.context.rater.contract().facts(&whole);
        let techs = &self.context.names[side.index()].techs;
        let tech = record
            .tech()
            .and_then(|at| techs.get(at))
            .map_or(Number::NONE, |tech| Number::of(tech.trim_end_matches(['#', '*'])));
        Situation {
            callee: record.callee,
            at_ms,
            own_ms,
            talk_ms: own_ms,
            by_ms: [0; 3],
            ring_ms: whole.ring_ms,
            answered: answered(record),
            tech,
            unpriced: i64::try_from(record.money().0).unwrap_or(0),
        }
    }

    fn foreign(&self, record: &Record, side: Side) -> bool {
        let name = record.currency().and_then(|at| self.context.names[side.index()].currencies.get(at));
        let agreed = self.context.rater.currency();
        name.is_some_and(|name| agreed.is_some_and(|agreed| !agreed.eq_ignore_ascii_case(name)))
    }

    /// An item of a case; durations are each side's own until they are judged.
    pub fn item(&self, case: &Case, weight: u64) -> Item {
        let [ours, theirs] = &case.records;
        let contract = self.context.rater.contract();
        let own_record = &case.records[case.side.index()];
        let at_ms = if case.two_sided() {
            contract.facts(ours).0.min(contract.facts(theirs).0)
        } else {
            contract.facts(own_record).0
        };
        let leg = |side: Side, standing: Standing| {
            let (record, other) = (&case.records[side.index()], &case.records[side.other().index()]);
            let source = if standing == Standing::Absent { other } else { record };
            let other = if case.two_sided() { other } else { source };
            Leg {
                standing,
                record: *source,
                situation: self.situation(source, other, side, at_ms),
                parts: Vec::new(),
                has_amounts: self.context.has_amounts[side.index()],
                foreign: standing != Standing::Absent && self.foreign(source, side),
            }
        };
        let mut legs = [None, None];
        let (own, other) = (case.side.index(), case.side.other().index());
        match case.class {
            Class::Pair => legs = Side::BOTH.map(|side| Some(leg(side, Standing::Whole))),
            Class::Only | Class::Unread | Class::CutOff => {
                legs[own] = Some(leg(case.side, Standing::Whole));
                legs[other] = Some(leg(case.side.other(), Standing::Absent));
            }
            Class::Duplicate => {
                legs[own] = Some(leg(case.side, Standing::Extra(CauseKind::DuplicateRecords)));
            }
            Class::Interim => {
                let kind = if own_record.money().0 == 0 {
                    CauseKind::PartialRecords
                } else {
                    CauseKind::PartialRecordsRecharged
                };
                legs[own] = Some(leg(case.side, Standing::Extra(kind)));
            }
            Class::Split => legs = self.split(case, leg),
        }
        let callee = own_record.callee;
        let row = self.context.rater.row_of(callee, at_ms);
        let prefix = row.and_then(|row| self.context.rater.deck_row(row)).map(|row| Number::of(&row.prefix));
        let [gateways, accounts] = [[ours.gateway, theirs.gateway], [ours.account, theirs.account]];
        let (gateways, accounts) = if case.two_sided() {
            (gateways, accounts)
        } else {
            let mut only = [[crate::record::NO_NAME; 2]; 2];
            only[0][own] = own_record.gateway;
            only[1][own] = own_record.account;
            (only[0], only[1])
        };
        let keys = Keys { row, prefix: prefix.unwrap_or_default(), callee, gateways, accounts, at_ms };
        Item { legs, keys, weight, class: case.class, side: case.side }
    }

    /// The legs of a call that one side has in parts, or both.
    fn split(&self, case: &Case, leg: impl Fn(Side, Standing) -> Leg) -> [Option<Leg>; 2] {
        let mut legs = Side::BOTH.map(|side| {
            let parts = case.parts(side).iter().map(|part| {
                let at_ms = self.context.rater.contract().facts(part).0;
                (*part, self.situation(part, part, side, at_ms))
            });
            let parts: Vec<_> = parts.collect();
            let standing = if parts.is_empty() { Standing::Whole } else { Standing::Parts };
            Leg { parts, ..leg(side, standing) }
        });
        // Together they are the whole, whose duration is the call's. Seconds of parts are rounded more often than
        // those of the whole; where both have parts, those that came to less are nearer.
        let of_call = legs
            .iter()
            .map(|leg| (leg.standing == Standing::Parts, leg.situation.own_ms, leg.situation))
            .min_by_key(|(parts, own_ms, _)| (*parts, *own_ms));
        for leg in legs.iter_mut().filter(|leg| leg.standing == Standing::Parts) {
            if let Some((_, own_ms, situation)) = of_call {
                leg.situation = Situation { own_ms, talk_ms: own_ms, tech: leg.situation.tech, ..situation };
            }
        }
        legs.map(Some)
    }
}

/// Whether a record's duration is measured finer than in seconds.
pub(super) fn is_fine(record: &Record) -> bool {
    record.is(flag::FINE_TALK) || !record.talk_ms.is_multiple_of(1_000)
}
