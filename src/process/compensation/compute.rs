//! The amount of a claim, and who may grant it.

use serde::{Deserialize, Serialize};

use super::claim::{Claim, Exclusion, Remedy};
use super::unmet::Unmet;
use super::{Method, Rule, Standard};
use crate::money::Money;
use crate::role::Role;
use crate::text::Text;

/// What a rule gives, and how it was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computation {
    /// The rule's name.
    pub rule: String,
    /// Version of the standard.
    pub version: u32,
    /// How much.
    pub amount: Money,
    /// In this currency.
    pub currency: String,
    /// What kind of solution it is (R94).
    pub remedy: Remedy,
    /// The computation in words.
    pub how: Text,
}

/// A grant, with all that R113 asks to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What was computed.
    pub computation: Computation,
    /// What is given.
    pub granted: Money,
    /// Who approved it.
    pub approver: String,
    /// By which role's limit.
    pub role: Role,
}

type Worth = (Money, Remedy, Text);

impl Standard {
    /// The rule for such a claim.
    #[must_use]
    pub fn rule_for(&self, claim: &Claim) -> Option<&Rule> {
        let fits = |method: &Method| {
            matches!(
                (method, claim),
                (Method::RentWaived { .. }, Claim::Outage { .. })
                    | (Method::PerDay { .. }, Claim::PromiseMissed { .. })
                    | (Method::NoOrderRecord { .. }, Claim::NoOrderRecord { .. })
                    | (Method::TariffDiffers { .. }, Claim::TariffDiffers { .. })
                    | (Method::BillingError { .. }, Claim::BillingError { .. })
                    | (Method::Goodwill { .. }, Claim::Unverifiable { .. })
            )
        };
        self.rules.iter().find(|rule| fits(&rule.method))
    }

    /// What the standard gives for a claim whose causes are these.
    ///
    /// # Errors
    /// With every condition that is not met.
    pub fn compute(&self, claim: &Claim, causes: &[Exclusion]) -> Result<Computation, Vec<Unmet>> {
        let Some(rule) = self.rule_for(claim) else { return Err(vec![Unmet::NoRule]) };
        let mut unmet: Vec<Unmet> = causes
            .iter()
            .filter(|cause| rule.excluded_by.contains(cause))
            .map(|cause| Unmet::Excluded { cause: *cause })
            .collect();
        let worth = worth(rule, claim, &mut unmet);
        match worth {
            Some((amount, remedy, how)) if unmet.is_empty() => {
                let (rule, currency) = (rule.id.clone(), self.currency.clone());
                Ok(Computation { rule, version: self.version, amount, currency, remedy, how })
            }
            _ => Err(unmet),
        }
    }

    /// The lowest role that may grant an amount.
    #[must_use]
    pub fn approver_for(&self, amount: Money) -> Option<Role> {
        let may = |limit: Option<Money>| limit.is_none_or(|most| amount <= most);
        self.limits.iter().find(|limit| may(limit.amount)).map(|limit| limit.role)
    }

    /// Grants what was computed, or less.
    ///
    /// # Errors
    /// With every condition that is not met.
    pub fn grant(
        &self,
        computation: &Computation,
        granted: Money,
        approver: &str,
        roles: &[Role],
    ) -> Result<Grant, Vec<Unmet>> {
        let mut unmet = Vec::new();
        if computation.version != self.version {
            unmet.push(Unmet::OtherVersion { computed: computation.version, present: self.version });
        }
        if granted <= Money::ZERO {
            unmet.push(Unmet::NothingOwed);
        }
        if granted > computation.amount {
            unmet.push(Unmet::MoreThanComputed { computed: computation.amount });
        }
        // Limits stand from the lowest; the last that the approver has is the highest.
        let highest = self.limits.iter().rfind(|limit| roles.contains(&limit.role));
        let is_enough = highest.is_some_and(|limit| limit.amount.is_none_or(|most| granted <= most));
        if !is_enough {
            let may = self.approver_for(granted).unwrap_or(Role::Management);
            unmet.push(Unmet::AboveLimit { limit: highest.and_then(|limit| limit.amount), may });
        }
        match highest {
            Some(limit) if unmet.is_empty() => Ok(Grant {
                computation: computation.clone(),
                granted,
                approver: approver.to_owned(),
                role: limit.role,
            }),
            _ => Err(unmet),
        }
    }
}

/// Requires something that must be known to hold.
fn holds(known: Option<bool>, what: (&'static str, &'static str), unmet: &mut Vec<Unmet>) {
    let (what, what_zh) = what;
    match known {
        Some(true) => {}
        Some(false) => unmet.push(Unmet::NotSo { what, what_zh }),
        None => unmet.push(Unmet::NotKnown { what, what_zh }),
    }
}

fn known<T>(value: Option<T>, what: (&'static str, &'static str), unmet: &mut Vec<Unmet>) -> Option<T> {
    if value.is_none() {
        unmet.push(Unmet::NotKnown { what: what.0, what_zh: what.1 });
    }
    value
}

/// What it comes to, where that is more than nothing.
fn owed(amount: Option<Money>, unmet: &mut Vec<Unmet>) -> Option<Money> {
    match amount {
        None => unmet.push(Unmet::NotComputable),
        Some(amount) if amount <= Money::ZERO => unmet.push(Unmet::NothingOwed),
        Some(_) => {}
    }
    amount
}

const DAY: u64 = 24 * 60;

fn worth(rule: &Rule, claim: &Claim, unmet: &mut Vec<Unmet>) -> Option<Worth> {
    match (&rule.method, claim) {
        (
            Method::RentWaived { urban_hours, rural_hours },
            Claim::Outage { minutes, area, monthly_rent, days_in_month, our_side },
        ) => {
            holds(*our_side, ("the fault was on our side", "故障由我方原因造成"), unmet);
            let rent = known(*monthly_rent, ("the month's rent", "月租费"), unmet);
            let area = known(*area, ("whether it is in a town or in the country", "城镇或农村"), unmet)?;
            let hours = match area {
                super::Area::Urban => *urban_hours,
                super::Area::Rural => *rural_hours,
            };
            let beyond = minutes.saturating_sub(u64::from(hours) * 60);
            if beyond == 0 {
                unmet.push(Unmet::TooShort { hours });
                return None;
            }
            let (days, of) = (beyond.div_ceil(DAY), u64::from(*days_in_month));
            let rent = rent?;
            let amount = owed(rent.share(days, of), unmet)?;
            let how = Text {
                en: format!(
                    "{days} started days beyond {hours} hours; {rent} a month × {days} / {of} = {amount}"
                ),
                zh: format!("超出{hours}小时的部分计{days}日；月租{rent} × {days} / {of} = {amount}"),
            };
            Some((amount, Remedy::Compensation, how))
        }
        (Method::PerDay { per_day, cap }, Claim::PromiseMissed { minutes_late, our_own }) => {
            holds(*our_own, ("the promise was our own", "属我方自身承诺"), unmet);
            let days = minutes_late.div_ceil(DAY);
            // More days than can be multiplied are over any cap.
            let all = per_day.times(days).unwrap_or(*cap);
            let amount = owed(Some(all.min(*cap)), unmet)?;
            let how = Text {
                en: format!("{days} started days × {per_day}, at most {cap} = {amount}"),
                zh: format!("{days}日 × {per_day}，上限{cap} = {amount}"),
            };
            Some((amount, Remedy::Compensation, how))
        }
        (Method::NoOrderRecord { factor }, Claim::NoOrderRecord { charged, record_found }) => {
            let missing = record_found.map(|found| !found);
            holds(missing, ("no order record is there", "没有订购记录"), unmet);
            refund(*charged, *factor, unmet)
        }
        (Method::TariffDiffers { factor }, Claim::TariffDiffers { charged, notified }) => {
            let notified = known(*notified, ("the tariff that was notified", "告知的资费"), unmet)?;
            let beyond = Money(charged.0.saturating_sub(notified.0));
            refund(beyond, *factor, unmet)
        }
        (
            Method::BillingError { factor },
            Claim::BillingError { overcharged, reconciliation, corrected_bill },
        ) => {
            known(reconciliation.as_ref(), ("the comparison that proves it", "证明错误的账单比对"), unmet);
            holds(*corrected_bill, ("the corrected bill is made", "已出具更正账单"), unmet);
            refund(*overcharged, *factor, unmet)
        }
        (Method::Goodwill { options }, Claim::Unverifiable { explained, choice }) => {
            holds(*explained, ("it was explained to the customer", "已向客户解释"), unmet);
            let chosen = known(choice.as_ref(), ("what the customer chose", "客户选择的方案"), unmet)?;
            let Some(option) = options.iter().find(|option| option.id == *chosen) else {
                let offered = options.iter().map(|option| option.id.clone()).collect();
                unmet.push(Unmet::NoSuchChoice { offered });
                return None;
            };
            let how = Text {
                en: format!("chosen by the customer: {}, {}", option.title.en, option.amount),
                zh: format!("客户选择：{}，{}", option.title.zh, option.amount),
            };
            Some((option.amount, option.remedy, how))
        }
        _ => {
            unmet.push(Unmet::NoRule);
            None
        }
    }
}

fn refund(amount: Money, factor: u32, unmet: &mut Vec<Unmet>) -> Option<Worth> {
    let all = owed(amount.times(u64::from(factor)), unmet)?;
    let how =
        Text { en: format!("{amount} × {factor} = {all}"), zh: format!("{amount} × {factor} = {all}") };
    Some((all, Remedy::Refund, how))
}
