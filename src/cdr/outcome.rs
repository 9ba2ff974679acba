//! The answer of a reconciliation, as programs read it (`cdr reconcile --json`).

use serde::{Deserialize, Serialize};

use crate::record::Side;

/// What systematically makes amounts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is said in words by the locale, in two languages")]
pub enum CauseKind {
    MissingRecords,
    DuplicateRecords,
    PeriodCutoff,
    PartialRecords,
    PartialRecordsRecharged,
    RingTimeBilled,
    SubsecondRounding,
    HungCall,
    DurationDiffers,
    PrefixMissing,
    TechPrefixNotStripped,
    WrongPrefix,
    StaleRate,
    WrongRate,
    Currency,
    TimeBandTimezone,
    TimeBandWrong,
    Increment,
    FreeSeconds,
    MinimumCharge,
    ConnectFeeMissing,
    ConnectFeeAdded,
    RoundingDecimals,
    RoundingMode,
    Tax,
    Unrated,
}

/// Who deviates from the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Our server.
    Ours,
    /// The other party.
    Theirs,
    /// Each in its own way.
    Both,
    /// Nobody: a matter of the period's edge.
    None,
    /// The data does not prove it.
    Undecided,
}

impl From<Side> for Fault {
    fn from(side: Side) -> Self {
        match side {
            Side::Ours => Self::Ours,
            Side::Theirs => Self::Theirs,
        }
    }
}

/// Calls that a cause is bound to; every given part must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Selector {
    /// Called numbers that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Calls over this gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Calls of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Calls to this destination of the deck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// One cause, with what it is worth. Amounts are decimal strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What.
    pub kind: CauseKind,
    /// Whose.
    pub at_fault: Fault,
    /// Which calls.
    pub selector: Selector,
    /// What the contract says, in the field's shorthand (`6/6`, `0.0215`, `answer to hang-up`).
    pub contract: Option<String>,
    /// What was done instead.
    pub used: Option<String>,
    /// When, from and to, RFC 3339; none when it holds over the whole period.
    pub window: Option<[String; 2]>,
    /// Calls whose record shows it, also where rounding hides it in the amount.
    pub calls: u64,
    /// Its share of the difference, theirs minus ours.
    pub amount: String,
    /// Smallest and largest share over all orders of the causes.
    pub range: [String; 2],
    /// Mean share over all orders (Shapley).
    pub mean: String,
    /// Call identities, or caller, callee and time where the files have none.
    pub examples: Vec<String>,
}

/// Something neutral that was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `timezone`, `clock_offset`, `clock_drift`, `dst_change`, `time_basis`, `number_format`, `tech_prefix`,
    /// `time_format`, `csv_dialect`, `order`, `gateway_names`.
    pub kind: String,
    /// Whose, where it is of one side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// What was found, by name.
    #[serde(flatten)]
    pub values: serde_json::Map<String, serde_json::Value>,
}

/// Sums of money, decimal strings in [`Outcome::currency`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Charged in our records.
    pub ours: String,
    /// Charged in theirs.
    pub theirs: String,
    /// Theirs minus ours.
    pub difference: String,
    /// By deck and contract.
    pub correct: String,
    /// What we charged beyond that.
    pub ours_minus_correct: String,
    /// What they charged beyond that.
    pub theirs_minus_correct: String,
}

/// Counts of records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records in our file.
    pub ours: u64,
    /// Records in theirs.
    pub theirs: u64,
    /// Calls on both sides.
    pub paired: u64,
    /// Calls that only we have.
    pub only_ours: u64,
    /// Calls that only they have.
    pub only_theirs: u64,
    /// Second records of ours.
    pub duplicates_ours: u64,
    /// Second records of theirs.
    pub duplicates_theirs: u64,
    /// Lines of ours that are no records.
    pub rejected_ours: u64,
    /// Lines of theirs that are no records.
    pub rejected_theirs: u64,
    /// Paired calls whose amounts differ.
    pub amount_differs: u64,
    /// Our records beyond the first of calls that we have in parts.
    pub parts_ours: u64,
    /// Their records beyond the first of calls that they have in parts.
    pub parts_theirs: u64,
    /// Our records outside the period that was asked for; in none of the counts above.
    #[serde(default)]
    pub outside_ours: u64,
    /// Theirs.
    #[serde(default)]
    pub outside_theirs: u64,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of all amounts, ISO 4217.
    pub currency: String,
    /// Money.
    pub totals: Totals,
    /// Records.
    pub counts: Counts,
    /// Neutral findings.
    pub findings: Vec<Finding>,
    /// Causes, the dearest first.
    pub causes: Vec<Cause>,
    /// What no cause explains.
    pub unexplained: String,
    /// Who is at fault, over all.
    pub verdict: Fault,
}

/// What became of a record or a pair of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallClass {
    /// The same call on both sides.
    Paired,
    /// A call of one side only.
    Only,
    /// A second record of a call.
    Duplicate,
    /// A part of a call that the other side has whole; the whole stands on the first part's detail.
    Part,
    /// An interim record beside its final one.
    Interim,
    /// A call at the file's edge, of another period by the other side's rule.
    CutOff,
}

/// One call that differs, for the reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallDetail {
    /// What became of it.
    pub class: CallClass,
    /// Our record, numbers and times as pairing sees them.
    pub ours: Option<crate::Record>,
    /// Theirs.
    pub theirs: Option<crate::Record>,
    /// What the call costs by deck and contract; none when the deck has no price for it.
    pub correct: Option<crate::rating::Charge>,
    /// The deck's row, by its index in the deck.
    pub row: Option<u32>,
    /// Shares of the difference by index into [`Outcome::causes`].
    pub shares: Vec<(u32, crate::Money)>,
    /// Share that no cause explains.
    pub unexplained: crate::Money,
}

/// Takes calls that differ, one after the other.
pub trait DetailSink: Send {
    /// One call.
    fn call(&mut self, detail: &CallDetail);
}
