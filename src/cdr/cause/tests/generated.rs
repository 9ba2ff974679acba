//! From generated calls through pairing to causes: what was put in comes out.

use crate::cause::{Ledger, LedgerContext, infer};
use crate::generate::{Injection, Plan, View, records};
use crate::outcome::{Cause, CauseKind, Outcome};
use crate::pair::{Coverage, LearnContext, SideContext, learn, match_partition};
use crate::rating::Rater;
use crate::record::{Record, Side};

fn reconciled(plan: &Plan) -> (Outcome, Outcome) {
    let made = records(plan, View::Paired).expect("the plan is good");
    let ours: Vec<Record> = made.calls.iter().flat_map(|call| call.ours.clone()).collect();
    let theirs: Vec<Record> = made.calls.iter().flat_map(|call| call.theirs.clone()).collect();
    let rater = Rater::new(&made.deck, &made.contract).expect("the contract is good");
    let prefixes: Vec<String> = made.deck.rows.iter().map(|row| row.prefix.clone()).collect();
    let side = |at: usize, records: &[Record]| SideContext {
        names: &made.names[at],
        zone_known: true,
        coverage: Coverage::of(records),
    };
    let context = LearnContext {
        sides: [side(0, &ours), side(1, &theirs)],
        deck_prefixes: &prefixes,
        clock_offset_ms: None,
        tolerance_ms: None,
    };
    let learned = learn(&ours, &theirs, &context);
    let techs = Side::BOTH.map(|side| {
        learned
            .tech_prefixes(side)
            .iter()
            .map(ToString::to_string)
            .chain(["7723".to_owned()])
            .collect::<Vec<_>>()
    });
    let unread = crate::cause::Unread::default();
    let mut ledger = Ledger::new(LedgerContext {
        rater: &rater,
        names: [&made.names[0], &made.names[1]],
        has_amounts: [true; 2],
        techs: [&techs[0], &techs[1]],
        unread: [&unread; 2],
        capacity: 256 << 20,
    });
    match_partition(ours, theirs, &learned, &mut ledger);
    let model = infer(&ledger);
    let tally = model.attribute(&ledger);
    (model.outcome(&tally, Vec::new(), [0; 2], &|_| None), made.truth)
}

fn brief(cause: &Cause) -> String {
    let Cause { kind, at_fault, selector, calls, amount, window, used, .. } = cause;
    format!(
        "{kind:?} {at_fault:?} {selector:?} calls {calls} amount {amount} window {window:?} used {used:?}"
    )
}

fn complaint(plan: &Plan) -> String {
    let (outcome, truth) = reconciled(plan);
    let same = |one: &Cause, other: &Cause| {
        one.kind == other.kind
            && one.at_fault == other.at_fault
            && one.selector == other.selector
            && one.calls == other.calls
            && one.amount == other.amount
    };
    let good = outcome.causes.len() == truth.causes.len()
        && truth.causes.iter().all(|cause| outcome.causes.iter().any(|other| same(cause, other)))
        && outcome.totals == truth.totals
        && outcome.unexplained == "0";
    if good {
        return String::new();
    }
    let list =
        |causes: &[Cause]| causes.iter().map(|cause| format!("\n    {}", brief(cause))).collect::<String>();
    format!(
        "{:?}\n  put in{}\n  came out{}\n  unexplained {} totals {:?} {:?}\n",
        plan.causes.iter().map(|cause| (cause.kind, cause.side)).collect::<Vec<_>>(),
        list(&truth.causes),
        list(&outcome.causes),
        outcome.unexplained,
        outcome.totals,
        truth.totals,
    )
}

fn alone() -> Vec<Injection> {
    let of = |kind: CauseKind| Injection::new(kind, Side::Theirs);
    vec![
        of(CauseKind::MissingRecords).share(20_000),
        of(CauseKind::DuplicateRecords).share(20_000),
        of(CauseKind::PartialRecordsRecharged).share(200_000),
        of(CauseKind::RingTimeBilled).gateway("gw2"),
        of(CauseKind::SubsecondRounding),
        of(CauseKind::HungCall).share(3_000),
        of(CauseKind::DurationDiffers).share(10_000),
        of(CauseKind::PrefixMissing).prefix("8613"),
        of(CauseKind::TechPrefixNotStripped).gateway("gw2"),
        of(CauseKind::WrongPrefix).prefix("8613"),
        of(CauseKind::Unrated).prefix("8613"),
        of(CauseKind::StaleRate).prefix("8613"),
        of(CauseKind::WrongRate).prefix("8613"),
        of(CauseKind::Currency),
        of(CauseKind::TimeBandTimezone),
        of(CauseKind::TimeBandWrong),
        of(CauseKind::Increment).prefix("8613"),
        of(CauseKind::Increment).gateway("gw1"),
        of(CauseKind::FreeSeconds),
        of(CauseKind::MinimumCharge),
        of(CauseKind::ConnectFeeMissing),
        of(CauseKind::ConnectFeeAdded).account("acct2"),
        of(CauseKind::RoundingDecimals),
        of(CauseKind::RoundingMode),
        of(CauseKind::Tax),
        of(CauseKind::PeriodCutoff),
        of(CauseKind::PartialRecords).share(200_000),
        of(CauseKind::PartialRecordsRecharged).share(200_000).used("interim 300"),
    ]
}

#[test]
fn each_generated_cause_alone_comes_out_as_it_was_put_in() {
    let mut wrong = String::new();
    for (at, cause) in (0u64..).zip(alone()) {
        let mut plan = Plan::new(100 + at, 6_000);
        plan.bands = matches!(cause.kind, CauseKind::TimeBandTimezone | CauseKind::TimeBandWrong);
        plan.causes = vec![cause];
        if records(&plan, View::Paired).is_err() {
            continue;
        }
        wrong += &complaint(&plan);
    }
    assert!(wrong.is_empty(), "{wrong}");
}
