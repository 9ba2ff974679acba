use proptest::prelude::*;

use super::*;
use crate::text::Language;

fn standard() -> &'static Standard {
    defaults().expect("shipped")
}

fn outage(minutes: u64) -> Claim {
    Claim::Outage {
        minutes,
        area: Some(Area::Urban),
        monthly_rent: Some(Money(30_000)),
        days_in_month: 31,
        our_side: Some(true),
    }
}

fn amount(claim: &Claim) -> Result<String, Vec<String>> {
    let computed = standard().compute(claim, &[]);
    computed
        .map(|computed| computed.amount.to_string())
        .map_err(|unmet| unmet.iter().map(|one| one.say(Language::English)).collect())
}

#[test]
fn the_shipped_standard_has_every_section_and_its_limits_r113() {
    let read = read("compensation.toml", SHIPPED);
    assert!(read.is_ok(), "{read:?}");
    let sections: Vec<&str> = standard().rules.iter().map(|rule| rule.section.as_str()).collect();
    assert_eq!(sections, ["a", "b", "c", "d", "e", "f"]);
    let approver = |text: &str| standard().approver_for(Money::parse(text).expect("an amount"));
    assert_eq!(approver("100.00"), Some(Role::Agent));
    assert_eq!(approver("100.01"), Some(Role::QualityManager));
    assert_eq!(approver("10000"), Some(Role::ServiceHead));
    assert_eq!(approver("10000.01"), Some(Role::Management));
}

#[test]
fn refunds_are_those_that_the_table_of_deadlines_states_r87() {
    let table = linesman_deadlines::policy::defaults().expect("shipped");
    let factor =
        |when: &str| table.refunds.iter().find(|refund| refund.when == when).map(|refund| refund.factor);
    let ours = |find: fn(&Method) -> Option<u32>| standard().rules.iter().find_map(|rule| find(&rule.method));
    let no_record = ours(|method| match method {
        Method::NoOrderRecord { factor } => Some(*factor),
        _ => None,
    });
    let tariff = ours(|method| match method {
        Method::TariffDiffers { factor } => Some(*factor),
        _ => None,
    });
    assert_eq!((no_record, tariff), (factor("no_subscription_record"), factor("tariff_differs")));
}

#[test]
fn rent_is_waived_for_each_started_day_beyond_48_or_72_hours_r113() {
    let short = vec!["R113: it was not out for more than 48 hours".to_owned()];
    assert_eq!(amount(&outage(48 * 60)), Err(short));
    assert_eq!(amount(&outage(48 * 60 + 1)), Ok("9.68".to_owned()));
    assert_eq!(amount(&outage(72 * 60)), Ok("9.68".to_owned()));
    assert_eq!(amount(&outage(72 * 60 + 1)), Ok("19.35".to_owned()));
    let computed = standard().compute(&outage(72 * 60 + 1), &[]).expect("owed");
    assert_eq!(computed.how.en, "2 started days beyond 48 hours; 300.00 a month × 2 / 31 = 19.35");
    assert_eq!((computed.version, computed.rule.as_str()), (1, "outage"));
}

#[test]
fn a_missed_promise_is_paid_by_the_day_up_to_its_cap_r113() {
    let late = |minutes_late| amount(&Claim::PromiseMissed { minutes_late, our_own: Some(true) });
    assert_eq!(late(1), Ok("20.00".to_owned()));
    assert_eq!(late(24 * 60 + 1), Ok("40.00".to_owned()));
    assert_eq!(late(u64::MAX), Ok("200.00".to_owned()));
    assert_eq!(late(0), Err(vec!["R113: it comes to nothing".to_owned()]));
}

#[test]
fn without_an_order_record_twice_is_refunded_and_otherwise_the_difference_r87() {
    let charged = Money(1_550);
    let claim = |record_found| Claim::NoOrderRecord { charged, record_found };
    assert_eq!(amount(&claim(Some(false))), Ok("31.00".to_owned()));
    assert_eq!(
        amount(&claim(Some(true))),
        Err(vec!["R113: this does not hold: no order record is there".to_owned()])
    );
    assert!(amount(&claim(None)).expect_err("not known")[0].contains("not known yet: no order record"));
    let tariff = |notified| amount(&Claim::TariffDiffers { charged, notified });
    assert_eq!(tariff(Some(Money(1_000))), Ok("5.50".to_owned()));
    assert_eq!(tariff(Some(Money(2_000))), Err(vec!["R113: it comes to nothing".to_owned()]));
}

#[test]
fn a_billing_error_is_refunded_on_proof_and_with_a_corrected_bill_r113() {
    let claim = |reconciliation: Option<&str>, corrected_bill| Claim::BillingError {
        overcharged: Money(207),
        reconciliation: reconciliation.map(str::to_owned),
        corrected_bill,
    };
    assert_eq!(amount(&claim(Some("run-7"), Some(true))), Ok("2.07".to_owned()));
    let both = amount(&claim(None, Some(false))).expect_err("not met");
    assert_eq!(both.len(), 2, "{both:?}");
}

#[test]
fn what_cannot_be_verified_is_explained_and_the_customer_chooses_r101() {
    let claim = |choice: Option<&str>| Claim::Unverifiable {
        explained: Some(true),
        choice: choice.map(str::to_owned),
    };
    let computed = standard().compute(&claim(Some("gift")), &[]).expect("owed");
    assert_eq!((computed.amount, computed.remedy), (Money(2_000), Remedy::GiftService));
    assert_eq!(
        amount(&claim(Some("car"))),
        Err(vec!["R101: the customer chooses one of credit, discount, gift".to_owned()])
    );
}

#[test]
fn exclusions_are_named_beside_every_other_condition_r113() {
    let claim = Claim::Outage {
        minutes: 9_000,
        area: None,
        monthly_rent: None,
        days_in_month: 30,
        our_side: Some(false),
    };
    let unmet = standard()
        .compute(&claim, &[Exclusion::ForceMajeure, Exclusion::CustomerDevice])
        .expect_err("not met");
    let said: Vec<String> = unmet.iter().map(|one| one.say(Language::Chinese)).collect();
    assert_eq!(said.len(), 5, "{said:#?}");
    assert!(
        said[0].contains("不可抗力") && said[1].contains("客户自备设备") && said[4].contains("城镇或农村")
    );
    // A refund of what was never ordered is owed whatever the device.
    let refund = Claim::NoOrderRecord { charged: Money(100), record_found: Some(false) };
    assert!(standard().compute(&refund, &[Exclusion::CustomerDevice]).is_ok());
}

#[test]
fn a_grant_names_version_computation_and_approver_and_keeps_to_the_limit_r113() {
    let computed =
        standard().compute(&Claim::NoOrderRecord { charged: Money(60_000), record_found: Some(false) }, &[]);
    let computed = computed.expect("owed");
    let grant = |granted: i64, roles: &[Role]| standard().grant(&computed, Money(granted), "Qian", roles);
    let refused = grant(130_000, &[Role::Agent]).expect_err("too much");
    let said: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "R113: the rule gives 1200.00 at most; more needs another rule",
            "R113: this approver grants up to 100.00; ask the Head of customer service"
        ]
    );
    let granted = grant(120_000, &[Role::Agent, Role::ServiceHead]).expect("granted");
    assert_eq!((granted.role, granted.computation.version), (Role::ServiceHead, 1));
    assert!(grant(100_000, &[Role::QualityManager]).is_ok());
    assert!(grant(1, &[Role::Technician]).expect_err("none")[0].to_string().contains("grants nothing"));
    let mut old = computed.clone();
    old.version = 0;
    let refused = standard().grant(&old, Money(1), "Qian", &[Role::Management]);
    assert_eq!(refused, Err(vec![Unmet::OtherVersion { computed: 0, present: 1 }]));
}

#[test]
fn mistakes_in_a_standard_are_named_at_their_places() {
    for (from, to, expected) in [
        ("amount = \"1000.00\"", "amount = \"10.00\"", "limits stand from the lowest"),
        ("role = \"management\"", "role = \"agent\"", "`agent` has a limit already"),
        ("kind = \"per_day\"", "kind = \"per_week\"", "no kind `per_week`; known are rent_waived"),
        ("cap = \"200.00\"\n", "", "a rule of this kind has `per_day` and `cap`"),
        ("factor = 2\n", "", "a rule of this kind has `factor`"),
        ("id = \"promise-missed\"", "id = \"outage\"", "`outage` is there twice"),
        ("kind = \"tariff_differs\"", "kind = \"no_order_record\"", "a rule of this kind already"),
        ("title_zh = \"账户补偿金\"", "title_zh = \"\"", "the Chinese text is missing"),
        ("\"CNY\"", "\"cny\"", "5:12: a currency has three capitals"),
    ] {
        let text = SHIPPED.replacen(from, to, 1);
        assert_ne!(text, SHIPPED, "{from}");
        let wrong = read("own.toml", &text).expect_err(expected);
        let said: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(expected)), "{said:?}: {expected}");
    }
}

proptest! {
    #[test]
    fn a_longer_outage_never_gives_less_and_nobody_grants_above_a_limit_r113(
        minutes in 0_u64..200_000, more in 0_u64..10_000, rent in 1_i64..1_000_000, granted in 0_i64..3_000_000,
    ) {
        let claim = |minutes| Claim::Outage {
            minutes,
            area: Some(Area::Rural),
            monthly_rent: Some(Money(rent)),
            days_in_month: 30,
            our_side: Some(true),
        };
        let worth = |minutes| standard().compute(&claim(minutes), &[]).map_or(Money::ZERO, |one| one.amount);
        prop_assert!(worth(minutes) <= worth(minutes + more));
        if let Ok(computed) = standard().compute(&claim(minutes), &[]) {
            for limit in &standard().limits {
                if let Ok(grant) = standard().grant(&computed, Money(granted), "x", &[limit.role]) {
                    prop_assert!(limit.amount.is_none_or(|most| grant.granted <= most));
                    prop_assert!(grant.granted <= computed.amount);
                }
            }
        }
    }
}
