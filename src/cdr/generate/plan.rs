//! What shall be made.

use super::form::{Form, Order};
use super::inject::{Effect, Injection};
use super::world::{self, Making};
use crate::outcome::{CauseKind, Selector};
use crate::rating::{Contract, Deck, Rater, Rounding, Subsecond};
use crate::record::{Names, Side};

/// A plan of a pair of files. Start from [`Plan::new`] and change what matters.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The same seed makes the same files.
    pub seed: u64,
    /// True calls, redials included; near the end of the period a few redials may be left out.
    pub calls: u64,
    /// Begin of the period, milliseconds since 1970.
    pub begin_ms: i64,
    /// Days of the period.
    pub days: u32,
    /// Different callers.
    pub callers: u32,
    /// Accounts, named `acct1` and so on.
    pub accounts: u16,
    /// Gateways, named `gw1` and so on.
    pub gateways: u16,
    /// Calls that are tried again, in a million.
    pub redial_ppm: u32,
    /// Calls that are not answered, in a million.
    pub unanswered_ppm: u32,
    /// Whether some prices change in the middle of the period.
    pub rate_change: bool,
    /// Whether some prices go by the time of day (in Shanghai).
    pub bands: bool,
    /// Whether true times have milliseconds; they have when a cause needs them.
    pub milliseconds: bool,
    /// Whether both sides write the same call identity.
    pub shared_ids: bool,
    /// Decimals of a call's amount.
    pub decimals: u8,
    /// How amounts are rounded.
    pub rounding: Rounding,
    /// The contract beside the deck.
    pub contract: Contract,
    /// Our file.
    pub ours: Form,
    /// Their file.
    pub theirs: Form,
    /// What deviates.
    pub causes: Vec<Injection>,
}

/// A plan that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plan cannot be carried out: {0}")]
pub struct PlanError(pub String);

/// 2026-04-01T00:00:00Z.
const BEGIN: i64 = 1_775_001_600_000;

/// A cause that acts on one side, ready to be switched on.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub injection: Injection,
    pub effect: Effect,
}

/// A plan with its deck.
pub(super) struct Ready<'a> {
    pub plan: &'a Plan,
    pub deck: Deck,
    pub rater: Rater,
    pub change_ms: i64,
    /// By side, in the order in which amounts are told apart.
    pub causes: [Vec<Active>; 2],
    pub names: Names,
}

impl Plan {
    /// Two clean files of so many calls over a week, equal but for their identities.
    #[must_use]
    pub fn new(seed: u64, calls: u64) -> Self {
        Self {
            seed,
            calls,
            begin_ms: BEGIN,
            days: 7,
            callers: u32::try_from(calls / 20).unwrap_or(u32::MAX).clamp(50, 200_000),
            accounts: 5,
            gateways: 4,
            redial_ppm: 100_000,
            unanswered_ppm: 350_000,
            rate_change: true,
            bands: false,
            milliseconds: false,
            shared_ids: false,
            decimals: 6,
            rounding: Rounding::HalfUp,
            contract: Contract::default(),
            ours: Form::ours(),
            theirs: Form::theirs(),
            causes: Vec::new(),
        }
    }

    /// The data of the speed measurements: nine columns, 31 days, their clock three seconds ahead and half a per
    /// cent of records with a deviation.
    #[must_use]
    pub fn bench(seed: u64, calls: u64) -> Self {
        let lean = |form: Form| Form { columns: Form::lean_columns(), ..form };
        let mut plan = Self { days: 31, callers: 200_000, ..Self::new(seed, calls) };
        plan.ours = lean(plan.ours);
        plan.theirs = Form {
            clock_offset_ms: 3_000,
            order: Order::End,
            jitter_ppm: 490,
            jitter_s: 2,
            ..lean(plan.theirs)
        };
        let share = |kind, side, ppm| Injection { share_ppm: ppm, ..Injection::new(kind, side) };
        plan.causes = vec![
            share(CauseKind::MissingRecords, Side::Theirs, 984),
            share(CauseKind::MissingRecords, Side::Ours, 997),
            share(CauseKind::DuplicateRecords, Side::Theirs, 496),
            Injection { used: Some("60/60".to_owned()), ..share(CauseKind::Increment, Side::Theirs, 1_535) },
            Injection {
                selector: Selector { prefix: Some("8613".to_owned()), ..Selector::default() },
                ..share(CauseKind::StaleRate, Side::Theirs, 16_000)
            },
            share(CauseKind::DurationDiffers, Side::Theirs, 317),
        ];
        plan
    }

    /// With one more cause.
    #[must_use]
    pub fn with(mut self, injection: Injection) -> Self {
        self.causes.push(injection);
        self
    }

    /// How a side writes its file.
    #[must_use]
    pub const fn form(&self, side: Side) -> &Form {
        match side {
            Side::Ours => &self.ours,
            Side::Theirs => &self.theirs,
        }
    }

    /// End of the period.
    #[must_use]
    pub const fn end_ms(&self) -> i64 {
        self.begin_ms + self.days as i64 * 86_400_000
    }

    pub(super) fn has(&self, wanted: &[CauseKind]) -> bool {
        self.causes.iter().any(|cause| wanted.contains(&cause.kind))
    }

    pub(super) fn has_cutoff(&self) -> bool {
        self.has(&[CauseKind::PeriodCutoff])
    }

    pub(super) fn fine(&self) -> bool {
        let subsecond = self.contract.subsecond != Subsecond::Floor;
        self.milliseconds || subsecond || self.has(&[CauseKind::SubsecondRounding])
    }

    pub(super) fn ready(&self) -> Result<Ready<'_>, PlanError> {
        if self.days == 0
            || self.days > 3_660
            || self.gateways == 0
            || self.accounts == 0
            || self.callers == 0
        {
            return Err(PlanError(
                "days, gateways, accounts and callers are at least 1, days at most 3660".to_owned(),
            ));
        }
        let change_ms = self.begin_ms + i64::from(self.days) * 43_200_000 / 86_400_000 * 86_400_000;
        let stale = self.has(&[CauseKind::StaleRate]);
        let deck = world::deck(&Making {
            seed: self.seed,
            begin_ms: self.begin_ms,
            change_ms: (self.rate_change || stale).then_some(change_ms),
            bands: self.bands || self.has(&[CauseKind::TimeBandTimezone, CauseKind::TimeBandWrong]),
            decimals: self.decimals,
            rounding: self.rounding,
        });
        let rater = Rater::new(&deck, &self.contract).map_err(|error| PlanError(error.to_string()))?;
        if rater.splits() && !self.causes.is_empty() {
            return Err(PlanError("causes cannot be put into calls that are split at bands".to_owned()));
        }
        let mut causes = [Vec::new(), Vec::new()];
        for injection in &self.causes {
            let injection =
                injection.completed(&deck, change_ms).map_err(|error| PlanError(error.to_string()))?;
            let effect = Effect::of(&injection, &self.contract, &deck)
                .map_err(|error| PlanError(error.to_string()))?;
            causes[injection.side.index()].push(Active { injection, effect });
        }
        for side in &mut causes {
            side.sort_by_key(|active| super::inject::order(active.injection.kind));
            if side.len() > 7 {
                return Err(PlanError("at most seven causes act on one side".to_owned()));
            }
        }
        let names = |head: &str, count: u16| (1..=count).map(|at| format!("{head}{at}")).collect();
        let names = Names {
            gateways: names("gw", self.gateways),
            accounts: names("acct", self.accounts),
            currencies: vec!["USD".to_owned()],
            techs: Vec::new(),
        };
        Ok(Ready { plan: self, deck, rater, change_ms, causes, names })
    }
}
