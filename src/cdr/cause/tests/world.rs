//! A small world: a deck, calls, and faults of either side whose worth is known.

use std::collections::BTreeMap;

use crate::cause::{Ledger, LedgerContext, Model, Tally, infer};
use crate::money::Money;
use crate::number::Number;
use crate::outcome::{CauseKind, Fault as AtFault, Outcome, Selector};
use crate::pair::Sink;
use crate::rating::{BlockRule, Contract, Deck, DeckRow, FreeSeconds, Rater, Rounding, Subsecond, Terms};
use crate::record::{ABSENT, ABSENT_32, NO_NAME, Names, Record, Side, flag};

pub const START: i64 = 1_775_000_000_000;
pub const DAY: i64 = 86_400_000;

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }
}

/// Which columns a side's file has.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pub rate: bool,
    pub billed: bool,
}

pub const FULL: Columns = Columns { rate: true, billed: true };
pub const BARE: Columns = Columns { rate: false, billed: false };

#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub caller: u64,
    pub callee: Number,
    pub at_ms: i64,
    pub ring_ms: u32,
    pub talk_ms: u32,
    pub answered: bool,
    pub gateway: u16,
    pub account: u16,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scope {
    pub prefix: Option<&'static str>,
    pub gateway: Option<u16>,
    pub account: Option<u16>,
    pub window: Option<[i64; 2]>,
    /// One call in so many, by its caller.
    pub one_in: u64,
}

pub const EVERYWHERE: Scope = Scope { prefix: None, gateway: None, account: None, window: None, one_in: 0 };

pub const fn prefix(prefix: &'static str) -> Scope {
    Scope { prefix: Some(prefix), ..EVERYWHERE }
}

pub const fn gateway(gateway: u16) -> Scope {
    Scope { gateway: Some(gateway), ..EVERYWHERE }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    Missing,
    Duplicate,
    CutOff,
    Parts,
    /// In parts, the last of which carries the charge of all.
    Together,
    Ring,
    Ceil,
    Hung,
    Longer(u32),
    Shorter,
    Tech(&'static str),
    Row(&'static str),
    Unrated,
    Stale,
    Rate(i64),
    Factor(u64),
    Band(i32),
    BandAlways(u32),
    Increment(u32, u32),
    Total,
    Free(u32, FreeSeconds),
    Minimum(i64),
    Fee(i64),
    Decimals(u8),
    Mode(Rounding),
    Tax(u32),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    pub side: Side,
    pub act: Act,
    pub scope: Scope,
}

pub fn fault(side: Side, act: Act, scope: Scope) -> Fault {
    Fault { side, act, scope }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    pub kind: CauseKind,
    pub at_fault: AtFault,
    pub selector: Selector,
    pub calls: u64,
    pub amount: i128,
}

pub struct World {
    pub rater: Rater,
    pub names: Names,
    pub calls: Vec<Call>,
    pub columns: [Columns; 2],
    /// One in so many durations is off by a second, on either side; 0 for none.
    pub noise: u64,
    pub seed: u64,
}

fn row(prefix: &str, name: &str, rate: i64, blocks: (u32, u32)) -> DeckRow {
    DeckRow {
        prefix: prefix.to_owned(),
        destination: Some(name.to_owned()),
        rate,
        initial_s: blocks.0,
        increment_s: blocks.1,
        connect_fee: 0,
        effective_from_ms: None,
        effective_to_ms: None,
        band_s: None,
        line: 0,
    }
}

pub fn deck() -> Deck {
    let change = START + 10 * DAY;
    let mut rows = vec![
        row("86", "China", 18_700_000, (6, 6)),
        row("8610", "China Beijing", 15_300_000, (6, 6)),
        row("44", "United Kingdom", 9_100_000, (1, 1)),
        row("49", "Germany", 11_700_000, (30, 6)),
        row("7", "Russia", 41_300_000, (60, 60)),
        row("1", "United States", 6_900_000, (6, 6)),
        row("1212", "United States New York", 8_300_000, (6, 6)),
        row("998", "Uzbekistan", 97_700_000, (60, 1)),
    ];
    for (name, digits, old, new) in [
        ("China Mobile", "8613", 21_500_000, 24_100_000),
        ("United Kingdom Mobile", "447", 31_900_000, 28_700_000),
    ] {
        let mut before = row(digits, name, old, (6, 6));
        before.effective_to_ms = Some(change - 30 * DAY);
        let mut after = row(digits, name, new, (6, 6));
        after.effective_from_ms = Some(change - 30 * DAY);
        rows.extend([before, after]);
    }
    Deck { rows, currency: Some("USD".to_owned()), decimals: Some(6), ..Deck::default() }
}

pub fn banded() -> Deck {
    let mut deck = deck();
    for digits in ["91", "81"] {
        let mut peak = row(digits, if digits == "91" { "India" } else { "Japan" }, 48_000_000, (6, 6));
        peak.band_s = Some([8 * 3_600, 20 * 3_600]);
        let mut off = peak.clone();
        off.rate = 31_000_000;
        off.band_s = Some([20 * 3_600, 8 * 3_600]);
        if digits == "81" {
            peak.rate = 66_000_000;
        }
        deck.rows.extend([peak, off]);
    }
    deck.band_zone = Some("+08:00".to_owned());
    deck
}

impl World {
    pub fn new(deck: &Deck, contract: &Contract, calls: usize, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let rater = Rater::new(deck, contract).expect("the deck is good");
        let mut prefixes: Vec<&str> = deck.rows.iter().map(|row| row.prefix.as_str()).collect();
        prefixes.dedup();
        let names = Names {
            gateways: (0..5).map(|at| format!("gw{at}")).collect(),
            accounts: (0..4).map(|at| format!("acc{at}")).collect(),
            ..Names::default()
        };
        let mut all = Vec::new();
        for at in 0..calls {
            let head = prefixes[dice.below(prefixes.len() as u64) as usize];
            let tail = format!("{:08}", dice.below(100_000_000));
            let tail = if head == "86" {
                format!("2{tail}")
            } else if head.len() < 3 {
                format!("5{tail}")
            } else {
                tail
            };
            let answered = dice.below(100) >= 30;
            let whole = if answered { 1 + dice.below(40) * dice.below(40) / 2 + dice.below(60) } else { 0 };
            all.push(Call {
                caller: 4_900_000_000 + at as u64,
                callee: Number::of(&format!("{head}{tail}")),
                at_ms: START + (dice.below(20 * 86_400) * 1_000) as i64,
                ring_ms: 3_000 + dice.below(25) as u32 * 1_000,
                talk_ms: if answered { (whole * 1_000 + 1 + dice.below(999)) as u32 } else { 0 },
                answered,
                gateway: dice.below(5) as u16,
                account: dice.below(4) as u16,
            });
        }
        Self { rater, names, calls: all, columns: [FULL; 2], noise: 0, seed }
    }

    pub fn plain(calls: usize, seed: u64) -> Self {
        Self::new(&deck(), &Contract::default(), calls, seed)
    }

    pub fn with_columns(mut self, columns: Columns) -> Self {
        self.columns = [columns; 2];
        self
    }

    fn applies(&self, fault: &Fault, call: &Call) -> bool {
        let scope = &fault.scope;
        let row_prefix = || {
            let row = self.rater.row_of(call.callee, call.at_ms);
            row.and_then(|row| self.rater.deck_row(row)).map(|row| row.prefix.clone())
        };
        let of_row = scope.prefix.is_none_or(|prefix| row_prefix().as_deref() == Some(prefix));
        of_row
            && scope.gateway.is_none_or(|gateway| call.gateway == gateway)
            && scope.account.is_none_or(|account| call.account == account)
            && scope.window.is_none_or(|[from, to]| from <= call.at_ms && call.at_ms <= to)
            && (scope.one_in == 0 || call.caller.is_multiple_of(scope.one_in))
            && match fault.act {
                Act::Hung | Act::Longer(_) | Act::Ring | Act::Ceil => call.answered,
                Act::Parts | Act::Together => call.answered && call.talk_ms >= 120_000,
                Act::Unrated => call.answered,
                Act::Row(_) | Act::Rate(_) | Act::Stale | Act::Shorter => scope.prefix.is_some(),
                _ => true,
            }
    }

    /// Price, charged seconds, amount and the amount before rounding under faults.
    fn bill(&self, call: &Call, acts: &[Act], talk_ms: u32, at_ms: i64) -> (i64, u32, i64, i64) {
        let mut number = call.callee;
        let (mut offset, mut dated) = (None, at_ms);
        for act in acts {
            match act {
                Act::Tech(tech) => number = number.rewritten(0, Number::of(tech)).unwrap(),
                Act::Band(seconds) => offset = Some(*seconds),
                Act::BandAlways(second) => {
                    offset = Some(*second as i32 - (at_ms / 1_000 % 86_400) as i32);
                }
                Act::Stale => dated -= 200 * DAY,
                _ => {}
            }
        }
        let find = |number: Number| match offset {
            Some(offset) => self.rater.row_of_banded(number, dated, offset),
            None => self.rater.row_of(number, dated),
        };
        let Some(mut row) = find(number) else { return (0, 0, 0, 0) };
        for act in acts {
            match act {
                Act::Shorter => {
                    let prefix = self.rater.deck_row(row).unwrap().prefix.clone();
                    row = (1..prefix.len()).rev().find_map(|n| find(Number::of(&prefix[..n]))).unwrap();
                }
                Act::Row(used) => row = find(Number::of(used)).unwrap(),
                _ => {}
            }
        }
        if acts.contains(&Act::Unrated) {
            return (0, 0, 0, 0);
        }
        let mut terms: Terms = self.rater.terms(row);
        for act in acts {
            match *act {
                Act::Rate(rate) => terms.rate = rate,
                Act::Factor(ppm) => terms.factor_ppm = ppm,
                Act::Increment(initial, increment) => {
                    (terms.initial_s, terms.increment_s) = (initial, increment)
                }
                Act::Total => terms.blocks = BlockRule::TotalMultiple,
                Act::Free(seconds, rule) => (terms.free_s, terms.free) = (seconds, rule),
                Act::Minimum(least) => terms.minimum = least,
                Act::Fee(fee) => terms.connect_fee = fee,
                Act::Decimals(decimals) => terms.decimals = decimals,
                Act::Mode(mode) => terms.rounding = mode,
                Act::Tax(ppm) => terms.tax_ppm = ppm,
                _ => {}
            }
        }
        let charge = terms.charge(talk_ms, call.answered);
        let fine = Terms { decimals: 9, tax_ppm: 0, ..terms };
        (terms.rate, charge.billed_s, charge.amount, fine.charge(talk_ms, call.answered).amount)
    }

    fn seconds(call: &Call, acts: &[Act]) -> u32 {
        let rule = if acts.contains(&Act::Ceil) { Subsecond::Ceil } else { Subsecond::Floor };
        let mut talk = rule.seconds(call.talk_ms) * 1_000;
        for act in acts {
            match act {
                Act::Ring => talk += call.ring_ms,
                Act::Hung => talk = 10_800_000,
                Act::Longer(seconds) => talk += seconds * 1_000,
                _ => {}
            }
        }
        talk
    }

    fn record(&self, call: &Call, at: usize, bill: (i64, u32, i64, i64), talk_ms: u32, side: Side) -> Record {
        let columns = self.columns[side.index()];
        Record {
            caller: Number::from_digits(call.caller, 10).unwrap(),
            callee: call.callee,
            start_ms: call.at_ms,
            amount: bill.2,
            rate: if columns.rate { bill.0 } else { ABSENT },
            place: at as u64 * 100,
            talk_ms,
            billed_s: if columns.billed { bill.1 } else { ABSENT_32 },
            ring_ms: if call.answered { call.ring_ms } else { ABSENT_32 },
            call_id: 0,
            flags: if call.answered { 0 } else { flag::ATTEMPT },
            gateway: call.gateway,
            account: if side == Side::Ours { call.account } else { NO_NAME },
        }
    }

    /// Runs calls under faults through a ledger; the second value is what must come out, by the order of `faults`.
    pub fn run(&self, faults: &[Fault]) -> (Outcome, Vec<Expected>) {
        self.run_sides(faults, false)
    }

    pub fn run_sides(&self, faults: &[Fault], swapped: bool) -> (Outcome, Vec<Expected>) {
        let unread = crate::cause::Unread::default();
        let context = LedgerContext {
            rater: &self.rater,
            names: [&self.names, &self.names],
            has_amounts: [true; 2],
            techs: [&["99".to_owned()], &["99".to_owned()]],
            unread: [&unread; 2],
            capacity: 256 << 20,
        };
        let mut ledger = Ledger::new(context);
        let mut truth: BTreeMap<usize, (u64, i128)> = BTreeMap::new();
        let mut dice = Dice(self.seed ^ 77);
        for (at, call) in self.calls.iter().enumerate() {
            self.one(call, at, faults, &mut ledger, &mut truth, &mut dice, swapped);
        }
        let model = infer(&ledger);
        let tally = model.attribute(&ledger);
        check_sums(&model, &tally);
        let outcome = model.outcome(&tally, Vec::new(), [0; 2], &|_| None);
        let expected = faults
            .iter()
            .enumerate()
            .filter_map(|(at, fault)| {
                let (calls, amount) = *truth.get(&at)?;
                (calls > 0).then(|| self.expected(fault, calls, amount, swapped))
            })
            .collect();
        (outcome, expected)
    }

    #[expect(clippy::too_many_arguments, reason = "a test's inner loop")]
    fn one(
        &self,
        call: &Call,
        at: usize,
        faults: &[Fault],
        ledger: &mut Ledger<'_>,
        truth: &mut BTreeMap<usize, (u64, i128)>,
        dice: &mut Dice,
        swapped: bool,
    ) {
        let mut records: [Vec<Record>; 2] = [Vec::new(), Vec::new()];
        let mut class = None;
        for side in Side::BOTH {
            let sign: i128 = if side == Side::Theirs { 1 } else { -1 };
            let own: Vec<(usize, Act)> = faults
                .iter()
                .enumerate()
                .filter(|(_, fault)| fault.side == side && self.applies(fault, call))
                .map(|(at, fault)| (at, fault.act))
                .collect();
            let mut acts: Vec<Act> = Vec::new();
            let parts = own.iter().any(|(_, act)| matches!(act, Act::Parts | Act::Together));
            let state = |acts: &[Act]| -> (i64, u32, i64, i64) {
                if acts.contains(&Act::Missing) || acts.contains(&Act::CutOff) {
                    return (0, 0, 0, 0);
                }
                let talk = Self::seconds(call, acts);
                let whole = self.bill(call, acts, talk, call.at_ms);
                if acts.contains(&Act::Parts) {
                    let (first, second) = halves(talk);
                    let one = self.bill(call, acts, first, call.at_ms);
                    let two = self.bill(call, acts, second, call.at_ms + i64::from(first));
                    return (one.0, one.1 + two.1, one.2 + two.2, one.3 + two.3);
                }
                if acts.contains(&Act::Duplicate) {
                    return (whole.0, whole.1 * 2, whole.2 * 2, whole.3 * 2);
                }
                whole
            };
            let mut before = state(&acts);
            let full: Vec<Act> = own.iter().map(|(_, act)| *act).collect();
            for (place, act) in &own {
                acts.push(*act);
                let after = state(&acts);
                let rounding = matches!(act, Act::Decimals(_) | Act::Mode(_));
                let (with, without) = (after, before);
                let shown = match act {
                    Act::Missing | Act::Duplicate | Act::CutOff | Act::Parts | Act::Together => true,
                    Act::Ceil => Self::seconds(call, &acts) != Self::seconds(call, &[]),
                    Act::Ring | Act::Hung | Act::Longer(_) | Act::Unrated => true,
                    Act::Tech(_) => call.answered,
                    _ if rounding => with.2 != without.2,
                    _ if !call.answered => false,
                    _ => with != without,
                };
                let gone = full.contains(&Act::Missing) || full.contains(&Act::CutOff);
                let shown = shown && (!gone || matches!(act, Act::Missing | Act::CutOff));
                let entry = truth.entry(*place).or_default();
                entry.0 += u64::from(shown);
                entry.1 += sign * i128::from(after.2 - before.2);
                before = after;
            }
            let talk = Self::seconds(call, &full);
            let noise = if self.noise > 0 && call.answered && dice.below(self.noise) == 0 {
                if dice.below(2) == 0 { 1_000 } else { -1_000i32 }
            } else {
                0
            };
            let talk = talk.saturating_add_signed(noise).max(if call.answered { 1_000 } else { 0 });
            if full.contains(&Act::Missing) || full.contains(&Act::CutOff) {
                class = Some(if full.contains(&Act::Missing) { Act::Missing } else { Act::CutOff });
                continue;
            }
            if parts {
                class = Some(Act::Parts);
                let (first, second) = halves(talk);
                let (mut one, mut two) = (
                    self.bill(call, &full, first, call.at_ms),
                    self.bill(call, &full, second, call.at_ms + i64::from(first)),
                );
                if full.contains(&Act::Together) {
                    let whole = self.bill(call, &full, talk, call.at_ms);
                    (one, two) = ((whole.0, 0, 0, 0), whole);
                }
                let mut record = self.record(call, at, one, first, side);
                records[side.index()].push(record);
                record = self.record(call, at, two, second, side);
                record.start_ms += i64::from(first);
                records[side.index()].push(record);
                continue;
            }
            let bill = self.bill(call, &full, talk, call.at_ms);
            let record = self.record(call, at, bill, talk, side);
            records[side.index()].push(record);
            if full.contains(&Act::Duplicate) {
                let side = if swapped { side.other() } else { side };
                ledger.duplicate(side, &Record { start_ms: record.start_ms + 1, ..record }, &record);
            }
        }
        let mirrored = |side: Side| if swapped { side.other() } else { side };
        let [ours, theirs] = &records;
        match (ours.as_slice(), theirs.as_slice()) {
            ([one], [other]) if swapped => ledger.pair(other, one),
            ([one], [other]) => ledger.pair(one, other),
            ([one], []) | ([], [one]) => {
                let side = mirrored(if ours.is_empty() { Side::Theirs } else { Side::Ours });
                if class == Some(Act::CutOff) { ledger.cut_off(side, one) } else { ledger.only(side, one) }
            }
            ([], _) | (_, []) => {}
            (ours, theirs) if swapped => ledger.split([theirs, ours]),
            (ours, theirs) => ledger.split([ours, theirs]),
        }
    }

    fn expected(&self, fault: &Fault, calls: u64, amount: i128, swapped: bool) -> Expected {
        let kind = kind_of(fault.act);
        let side = if swapped { fault.side.other() } else { fault.side };
        let at_fault = match fault.act {
            Act::CutOff => AtFault::None,
            Act::Longer(_) => AtFault::Undecided,
            _ => side.into(),
        };
        let selector = Selector {
            prefix: fault.scope.prefix.map(str::to_owned),
            gateway: fault.scope.gateway.map(|at| self.names.gateways[usize::from(at)].clone()),
            account: fault.scope.account.map(|at| self.names.accounts[usize::from(at)].clone()),
            destination: None,
        };
        Expected { kind, at_fault, selector, calls, amount: if swapped { -amount } else { amount } }
    }
}

fn halves(talk_ms: u32) -> (u32, u32) {
    let first = talk_ms / 2_000 * 1_000 + 1_000;
    (first, talk_ms - first)
}

pub fn kind_of(act: Act) -> CauseKind {
    match act {
        Act::Missing => CauseKind::MissingRecords,
        Act::Duplicate => CauseKind::DuplicateRecords,
        Act::CutOff => CauseKind::PeriodCutoff,
        Act::Parts => CauseKind::PartialRecordsRecharged,
        Act::Together => CauseKind::PartialRecords,
        Act::Ring => CauseKind::RingTimeBilled,
        Act::Ceil => CauseKind::SubsecondRounding,
        Act::Hung => CauseKind::HungCall,
        Act::Longer(_) => CauseKind::DurationDiffers,
        Act::Shorter => CauseKind::PrefixMissing,
        Act::Tech(_) => CauseKind::TechPrefixNotStripped,
        Act::Row(_) => CauseKind::WrongPrefix,
        Act::Unrated => CauseKind::Unrated,
        Act::Stale => CauseKind::StaleRate,
        Act::Rate(_) => CauseKind::WrongRate,
        Act::Factor(_) => CauseKind::Currency,
        Act::Band(_) => CauseKind::TimeBandTimezone,
        Act::BandAlways(_) => CauseKind::TimeBandWrong,
        Act::Increment(..) | Act::Total => CauseKind::Increment,
        Act::Free(..) => CauseKind::FreeSeconds,
        Act::Minimum(_) => CauseKind::MinimumCharge,
        Act::Fee(0) => CauseKind::ConnectFeeMissing,
        Act::Fee(_) => CauseKind::ConnectFeeAdded,
        Act::Decimals(_) => CauseKind::RoundingDecimals,
        Act::Mode(_) => CauseKind::RoundingMode,
        Act::Tax(_) => CauseKind::Tax,
    }
}

fn check_sums(model: &Model<'_>, tally: &Tally) {
    let sum: i128 = tally.causes.iter().map(|cause| cause.amount).sum();
    let [ours, theirs] = [0, 1].map(|side: usize| tally.charged[side] + tally.tallied.charged[side]);
    assert_eq!(sum + tally.unexplained, theirs - ours, "the shares add up, {} causes", model.len());
}

/// What does not come out as it must, in words; empty when all does.
pub fn complaint(outcome: &Outcome, expected: &[Expected]) -> String {
    let mut wrong = String::new();
    let mut left: Vec<_> = outcome.causes.iter().collect();
    for one in expected {
        let found = left.iter().position(|cause| {
            cause.kind == one.kind && cause.at_fault == one.at_fault && cause.selector == one.selector
        });
        let Some(at) = found else {
            wrong += &format!("  lacks {one:?}\n");
            continue;
        };
        let cause = left.remove(at);
        let amount = Money(one.amount);
        let worth = crate::rating::decimal(&cause.amount).expect("an amount");
        if cause.calls != one.calls || i128::from(worth) != one.amount {
            wrong += &format!(
                "  {:?}: {} calls {}, must be {} calls {amount}\n",
                one.kind, cause.calls, cause.amount, one.calls
            );
        }
    }
    for cause in left {
        wrong += &format!("  too much: {cause:?}\n");
    }
    if outcome.unexplained != "0" {
        wrong += &format!("  unexplained {}\n", outcome.unexplained);
    }
    wrong
}
