use super::*;
use crate::locale::Language;

fn outcome(difference: &str, causes: serde_json::Value, verdict: &str) -> Outcome {
    serde_json::from_value(serde_json::json!({
        "currency": "USD",
        "totals": {"ours": "20.432677", "theirs": "22.505277", "difference": difference, "correct": "20.432677",
            "ours_minus_correct": "0", "theirs_minus_correct": difference},
        "counts": {"ours": 950, "theirs": 950, "paired": 950, "only_ours": 0, "only_theirs": 0,
            "duplicates_ours": 0, "duplicates_theirs": 0, "rejected_ours": 0, "rejected_theirs": 0,
            "amount_differs": 174, "parts_ours": 0, "parts_theirs": 0},
        "findings": [{"kind": "timezone", "side": "theirs", "utc_offset": "+08:00"}],
        "causes": causes, "unexplained": "0", "verdict": verdict,
    }))
    .unwrap()
}

fn increment() -> serde_json::Value {
    serde_json::json!([{"kind": "increment", "at_fault": "theirs", "selector": {"prefix": "8613"},
        "contract": "6/6", "used": "60/60", "window": null, "calls": 182, "amount": "2.072600",
        "range": ["2.072600", "2.072600"], "mean": "2.072600", "examples": ["13800138000"]}])
}

fn fault_of(outcome: &Outcome, limits: &BillingLimits) -> Fault {
    fault(&Bill {
        run: "run-1",
        party: "Acme",
        period: "2026-10",
        outcome,
        limits,
        example: Vec::new(),
        accounting: Vec::new(),
        files: Vec::new(),
        heard: Vec::new(),
        is_customer: true,
        at: DateTime::UNIX_EPOCH,
    })
}

#[test]
fn a_difference_beyond_the_limits_is_a_fault_with_its_cause_side_money_and_five_dimensions() {
    let fault = fault_of(&outcome("2.072600", increment(), "theirs"), &BillingLimits::default());
    assert_eq!(fault.key, "A:acme:2026-10");
    assert_eq!((fault.class, fault.side, fault.cause.name()), (Class::A, Side::Theirs, "increment"));
    assert!(fault.is_open() && matches!(fault.life, FaultState::Raised { .. }));
    assert_eq!(fault.path(), ["A1", "A5", "A6", "A8"]);
    let billing = fault.billing.as_ref().unwrap();
    let results: Vec<Agreement> = billing.dimensions.iter().map(|one| one.result).collect();
    use Agreement::{Agrees, Converted, Differs};
    assert_eq!(results, [Agrees, Agrees, Differs, Agrees, Converted]);
    assert!(billing.is_compared_whole());
    assert_eq!(fault.why_not.len(), 4, "what agrees is said too");
    for language in [Language::English, Language::Chinese] {
        let said: Vec<String> =
            fault.reasons.iter().chain([&fault.headline]).map(|message| message.render(language)).collect();
        assert!(said[0].contains("60/60") && said[0].contains("2.072600"), "{said:?}");
        assert!(said.iter().all(|text| !text.contains('{') && !text.contains("billing.")), "{said:?}");
    }
}

#[test]
fn no_telephone_number_is_on_a_ticket() {
    let fault = fault_of(&outcome("2.072600", increment(), "theirs"), &BillingLimits::default());
    assert!(!serde_json::to_string(&fault).unwrap().contains("13800138000"));
}

#[test]
fn what_is_within_the_limits_or_equal_is_clearing_and_never_raised() {
    let clean = fault_of(&outcome("0", serde_json::json!([]), "none"), &BillingLimits::default());
    assert!(matches!(clean.life, FaultState::Clearing { .. }));
    assert!(!clean.billing.unwrap().beyond_limits);
}

#[test]
fn two_causes_that_cancel_are_still_a_difference() {
    let causes = serde_json::json!([
        {"kind": "increment", "at_fault": "theirs", "selector": {}, "contract": "1/1", "used": "60/60",
         "window": null, "calls": 10, "amount": "50", "range": ["50", "50"], "mean": "50", "examples": []},
        {"kind": "missing_records", "at_fault": "theirs", "selector": {}, "contract": null, "used": null,
         "window": null, "calls": 10, "amount": "-50", "range": ["-50", "-50"], "mean": "-50", "examples": []}]);
    let fault = fault_of(&outcome("0", causes, "theirs"), &BillingLimits::default());
    assert!(matches!(fault.life, FaultState::Raised { .. }));
}

#[test]
fn what_could_not_be_compared_is_not_called_equal() {
    let mut nothing = outcome("5", serde_json::json!([]), "undecided");
    nothing.counts.paired = 0;
    let fault = fault_of(&nothing, &BillingLimits::default());
    assert_eq!(fault.cause, Cause::Unexplained);
    let billing = fault.billing.unwrap();
    assert!(!billing.is_compared_whole());
}

/// One file beside what was heard: so much at stake in heard calls, and more in records that were not heard.
fn heard(side: &str, stake: &str) -> BilledMedia {
    serde_json::from_value(serde_json::json!({
        "side": side,
        "records": {"all": 9, "matched": 5, "not_heard": 1, "not_covered": 3, "ambiguous": 0, "interim": 0},
        "calls": {"all": 5, "matched": 5, "not_billed": 0, "not_covered": 0, "ambiguous": 0},
        "clock_offset": {"seconds": 0.0, "proof": "call_id", "calls": 5},
        "at_stake": {"USD": "1000"}, "at_stake_heard": {"USD": stake},
        "kinds": {"billed_without_media": 2, "not_heard": 1}, "differences": [], "undecided": {},
    }))
    .unwrap()
}

fn beside(heard: Vec<BilledMedia>, difference: &str, causes: serde_json::Value, verdict: &str) -> Fault {
    let outcome = outcome(difference, causes, verdict);
    fault(&Bill {
        run: "run-1",
        party: "Acme",
        period: "2026-10",
        outcome: &outcome,
        limits: &BillingLimits::default(),
        example: Vec::new(),
        accounting: Vec::new(),
        files: Vec::new(),
        heard,
        is_customer: true,
        at: DateTime::UNIX_EPOCH,
    })
}

#[test]
fn bills_that_agree_are_a_fault_where_what_was_heard_is_beyond_the_limits_r58() {
    let none = || serde_json::json!([]);
    for (told, side) in [
        (vec![heard("theirs", "1.2")], Side::Theirs),
        (vec![heard("ours", "1.2"), heard("theirs", "0.1")], Side::Ours),
        (vec![heard("ours", "1.2"), heard("theirs", "1.3")], Side::Both),
    ] {
        let fault = beside(told, "0", none(), "none");
        assert!(matches!(fault.life, FaultState::Raised { .. }));
        assert_eq!((fault.cause, fault.side), (Cause::BilledMedia, side));
        for language in [Language::English, Language::Chinese] {
            let said = fault.headline.render(language);
            assert!(said.contains("Acme") && said.contains("USD") && !said.contains('{'), "{said}");
        }
    }
    let within = beside(vec![heard("theirs", "0.2")], "0", none(), "none");
    assert!(matches!(within.life, FaultState::Clearing { .. }), "records that were not heard open nothing");
    let reasons: Vec<String> = within.reasons.iter().map(|reason| reason.render(Language::English)).collect();
    assert!(
        reasons.iter().any(|reason| reason == "billed without media: 2"),
        "told all the same: {reasons:?}"
    );
    // Where the bills differ beyond the limits, that stays the cause.
    let both = beside(vec![heard("ours", "5")], "2.072600", increment(), "theirs");
    assert_eq!((both.cause.name(), both.side), ("increment", Side::Theirs));
}
