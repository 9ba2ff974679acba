//! From a plan to files, text or records.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use super::bill::Line;
use super::form::{Order, Writer};
use super::plan::{Plan, PlanError, Ready};
use super::random::Chance;
use super::traffic::{Call, Traffic};
use super::truth::Truth;
use super::world;
use crate::format::Role;
use crate::number::Number;
use crate::outcome::Outcome;
use crate::rating::{Contract, Deck, Offsets, Rounding};
use crate::record::{ABSENT, ABSENT_32, NO_NAME, Names, Record, Side, flag};

/// Both files with all that belongs to them.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Our file.
    pub ours: Vec<u8>,
    /// Theirs.
    pub theirs: Vec<u8>,
    /// The deck as CSV.
    pub rates: String,
    /// The contract as TOML.
    pub contract: String,
    /// What must come out. Causes hold what was put in: `selector` as the plan gave it, `window` the span of the
    /// calls that show it where the plan gave one, `used` the wrong value, `contract` nothing; findings
    /// name the forms in the plan's own words.
    pub truth: Outcome,
}

/// Records of one call on both sides, without text.
#[derive(Debug, Clone, Default)]
pub struct CallRecords {
    /// Ours: more than one for duplicates and parts.
    pub ours: Vec<Record>,
    /// Theirs.
    pub theirs: Vec<Record>,
}

/// All calls of a plan as records.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// In the order of their beginning.
    pub calls: Vec<CallRecords>,
    /// Names that the records of both sides refer to.
    pub names: [Names; 2],
    /// The agreed deck.
    pub deck: Deck,
    /// The contract.
    pub contract: Contract,
    /// What must come out.
    pub truth: Outcome,
}

/// Whose terms records are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Numbers in E.164 digits and true times in UTC: what pairing hands on.
    Paired,
    /// Numbers and times as the side's form writes them, times read as if UTC: what reading hands on.
    Read,
}

/// Makes both files in memory.
///
/// # Errors
/// [`PlanError`] when the plan cannot be carried out.
pub fn pair(plan: &Plan) -> Result<Pair, PlanError> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let truth = write(plan, &mut ours, &mut theirs).map_err(|error| PlanError(error.to_string()))?;
    let (rates, contract) = plan.agreement()?;
    Ok(Pair { ours, theirs, rates, contract, truth })
}

impl Plan {
    /// Deck and contract as their files.
    ///
    /// # Errors
    /// [`PlanError`] when the plan cannot be carried out.
    pub fn agreement(&self) -> Result<(String, String), PlanError> {
        let ready = self.ready()?;
        let contract = self.contract.write().map_err(|error| PlanError(error.to_string()))?;
        Ok((world::text(&ready.deck), contract))
    }
}

/// Writes both files as they come, in memory that does not grow with their length.
///
/// # Errors
/// When the plan cannot be carried out or a file cannot be written.
pub fn write(plan: &Plan, ours: &mut impl Write, theirs: &mut impl Write) -> io::Result<Outcome> {
    let wrong = |error: PlanError| io::Error::new(io::ErrorKind::InvalidInput, error);
    let ready = plan.ready().map_err(wrong)?;
    let mut truth = Truth::new(&ready);
    let mut ours = Queue::new(&ready, Side::Ours, ours).map_err(wrong)?;
    let mut theirs = Queue::new(&ready, Side::Theirs, theirs).map_err(wrong)?;
    ours.out.write_all(ours.writer.header().as_bytes())?;
    theirs.out.write_all(theirs.writer.header().as_bytes())?;
    for call in Traffic::new(plan) {
        ours.flush(call.start_ms)?;
        theirs.flush(call.start_ms)?;
        let [our_lines, their_lines] = truth.call(&call);
        ours.push(&call, &our_lines)?;
        theirs.push(&call, &their_lines)?;
    }
    ours.finish()?;
    theirs.finish()?;
    Ok(truth.outcome())
}

/// Makes the records of both sides without text.
///
/// # Errors
/// [`PlanError`] when the plan cannot be carried out.
pub fn records(plan: &Plan, view: View) -> Result<Recorded, PlanError> {
    let ready = plan.ready()?;
    let mut truth = Truth::new(&ready);
    let mut zones = Vec::new();
    for side in Side::BOTH {
        zones.push(Offsets::of(&plan.form(side).zone).map_err(|error| PlanError(error.to_string()))?);
    }
    let mut calls = Vec::new();
    let mut places = [0u64; 2];
    for call in Traffic::new(plan) {
        let lines = truth.call(&call);
        let mut made = CallRecords::default();
        for side in Side::BOTH {
            let records = lines[side.index()].iter().map(|line| {
                places[side.index()] += 100;
                let place = places[side.index()];
                record(&ready, side, &zones[side.index()], view, &call, line, place)
            });
            let records = records.collect();
            match side {
                Side::Ours => made.ours = records,
                Side::Theirs => made.theirs = records,
            }
        }
        calls.push(made);
    }
    let names = Side::BOTH.map(|side| {
        let head = &plan.form(side).gateway_head;
        let gateways = ready.names.gateways.iter().map(|name| format!("{head}{name}")).collect();
        Names { gateways, ..ready.names.clone() }
    });
    Ok(Recorded {
        calls,
        names,
        deck: ready.deck.clone(),
        contract: plan.contract.clone(),
        truth: truth.outcome(),
    })
}

fn record(
    ready: &Ready<'_>,
    side: Side,
    zone: &Offsets,
    view: View,
    call: &Call,
    line: &Line,
    place: u64,
) -> Record {
    let form = ready.plan.form(side);
    let has = |role: Role| form.columns.contains(&role);
    let digits = |number: u64, called: bool| {
        let plain = number.to_string();
        let tech = line.tech.as_deref().filter(|_| called).unwrap_or_default();
        let mut text = String::new();
        match view {
            View::Paired => text.push_str(&plain),
            View::Read => form.number(&format!("{tech}{plain}"), called, &mut text),
        }
        // Reading itself takes off what is no digit of the number.
        let bare = text.rsplit(['#', '*']).next().unwrap_or("");
        let bare = bare.trim_start_matches("sip:").trim_start_matches('+');
        Number::of(bare.split('@').next().unwrap_or(""))
    };
    let start_ms = match view {
        View::Paired => line.start_ms,
        View::Read => {
            let jitter = form.jitter_of(ready.plan.seed, side, call.index);
            let shown = form.clock_ms(line.start_ms, ready.plan.begin_ms, jitter);
            let named = matches!(
                form.time,
                super::TimeForm::IsoZone | super::TimeForm::EpochSeconds | super::TimeForm::EpochMillis
            );
            let local = if named { shown } else { shown + i64::from(zone.at(shown)) * 1_000 };
            if form.milliseconds { local } else { local.div_euclid(1_000) * 1_000 }
        }
    };
    let mut flags = if line.answered { 0 } else { flag::ATTEMPT };
    if line.interim && has(Role::RecordKind) {
        flags |= flag::INTERIM;
    }
    if has(Role::Currency) {
        flags |= 1 << flag::CURRENCY_SHIFT;
    }
    flags |= u32::from(line.decimals) << flag::DECIMALS_SHIFT;
    let hung = line.talk_ms.saturating_sub(call.talk_ms) >= 600_000;
    if form.has_times() && line.answered {
        let agree = hung || line.talk_ms <= call.talk_ms;
        flags |= if agree { flag::TIMES_AGREE } else { flag::TIMES_DISAGREE };
    }
    let fine = matches!(form.span, super::SpanForm::Millis | super::SpanForm::Fine);
    if fine && !line.talk_ms.is_multiple_of(1_000) {
        flags |= flag::FINE_TALK;
    }
    if form.milliseconds && line.start_ms % 1_000 != 0 {
        flags |= flag::FINE_TIME;
    }
    let id = if ready.plan.shared_ids { call.index * 2 } else { call.index * 2 + side.index() as u64 };
    Record {
        caller: digits(call.caller, false),
        callee: digits(call.callee, true),
        start_ms,
        amount: if has(Role::Amount) { line.amount } else { ABSENT },
        rate: if has(Role::Rate) { line.rate } else { ABSENT },
        place,
        talk_ms: if fine { line.talk_ms } else { line.talk_s.saturating_mul(1_000) },
        billed_s: if has(Role::Billed) { line.billed_s } else { ABSENT_32 },
        ring_ms: if has(Role::Answer) { line.ring_ms } else { ABSENT_32 },
        call_id: if has(Role::CallId) { u32::try_from(id & 0x7fff_ffff).unwrap_or(0) + 1 } else { 0 },
        flags,
        gateway: if has(Role::Gateway) { call.gateway } else { NO_NAME },
        account: if has(Role::Account) { call.account } else { NO_NAME },
    }
}

/// Records in waiting that are shuffled together.
const SHUFFLED: usize = 65_536;

/// Lines of a side, held back until none before them can come.
struct Queue<'a, W: Write> {
    writer: Writer<'a>,
    order: Order,
    out: &'a mut W,
    waiting: BinaryHeap<Reverse<(i64, u64, String)>>,
    shuffled: Vec<String>,
    chance: Chance,
    serial: u64,
    line: String,
}

impl<'a, W: Write> Queue<'a, W> {
    fn new(ready: &'a Ready<'a>, side: Side, out: &'a mut W) -> Result<Self, PlanError> {
        Ok(Self {
            writer: Writer::new(ready, side)?,
            order: ready.plan.form(side).order,
            out,
            waiting: BinaryHeap::new(),
            shuffled: Vec::new(),
            chance: Chance::of(ready.plan.seed ^ 0x5aff1e, side.index() as u64),
            serial: 0,
            line: String::new(),
        })
    }

    fn push(&mut self, call: &Call, lines: &[Line]) -> io::Result<()> {
        for (at, line) in lines.iter().enumerate() {
            self.serial += 1;
            self.line.clear();
            self.writer.line(call, line, at, &mut self.line);
            let end_ms = line.start_ms + i64::from(line.ring_ms) + i64::from(line.talk_ms);
            let key = match self.order {
                Order::Start => line.start_ms,
                Order::End => end_ms,
                Order::Shuffled => {
                    self.shuffled.push(self.line.clone());
                    continue;
                }
            };
            self.waiting.push(Reverse((key, self.serial, self.line.clone())));
        }
        if self.shuffled.len() >= SHUFFLED {
            self.shuffle()?;
        }
        Ok(())
    }

    fn shuffle(&mut self) -> io::Result<()> {
        for at in (1..self.shuffled.len()).rev() {
            let other = usize::try_from(self.chance.below(at as u64 + 1)).unwrap_or(0);
            self.shuffled.swap(at, other);
        }
        for line in self.shuffled.drain(..) {
            self.out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn flush(&mut self, before_ms: i64) -> io::Result<()> {
        while let Some(Reverse((key, _, _))) = self.waiting.peek()
            && *key < before_ms
            && let Some(Reverse((_, _, line))) = self.waiting.pop()
        {
            self.out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush(i64::MAX)?;
        self.shuffle()?;
        self.out.flush()
    }
}

impl Plan {
    /// Decimals and rounding of the deck.
    #[must_use]
    pub fn rounded(mut self, decimals: u8, rounding: Rounding) -> Self {
        self.decimals = decimals;
        self.rounding = rounding;
        self
    }
}
