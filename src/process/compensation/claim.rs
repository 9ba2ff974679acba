//! What is claimed, and what is known of it.

use serde::{Deserialize, Serialize};

use crate::money::Money;

named! {
    /// Where the line is.
    Area {
        /// In a town.
        Urban = "urban", "town", "城镇";
        /// In the country.
        Rural = "rural", "country", "农村";
    }
}

named! {
    /// What excludes compensation (section 9 g).
    Exclusion {
        /// The customer's own device.
        CustomerDevice = "customer_device", "the customer's device", "客户自备设备";
        /// A third party did the damage.
        ThirdPartyDamage = "third_party_damage", "damage by a third party", "第三方损坏";
        /// Nobody could prevent it.
        ForceMajeure = "force_majeure", "force majeure", "不可抗力";
    }
}

named! {
    /// Kinds of solution (R94).
    Remedy {
        /// 道歉.
        Apology = "apology", "apology", "道歉";
        /// 退款.
        Refund = "refund", "refund", "退款";
        /// 赔偿.
        Compensation = "compensation", "compensation", "赔偿";
        /// 换货.
        Replacement = "replacement", "replacement", "更换";
        /// 更正.
        Correction = "correction", "correction", "更正";
        /// 优惠.
        Discount = "discount", "discount", "优惠";
        /// 变更服务.
        ServiceChange = "service_change", "change of service", "变更服务";
        /// 重新服务.
        RedoService = "redo_service", "service done again", "重新服务";
        /// 延长保修.
        ExtendedWarranty = "extended_warranty", "extended warranty", "延长保修";
        /// 赠送服务.
        GiftService = "gift_service", "service as a gift", "赠送服务";
    }
}

/// A claim by the rule it rests on; `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "snake_case")]
pub enum Claim {
    /// a: the service was out.
    Outage {
        /// For so long.
        minutes: u64,
        /// Where.
        area: Option<Area>,
        /// Rent of the month.
        monthly_rent: Option<Money>,
        /// Days of that month.
        days_in_month: u32,
        /// Whether the fault was on our side.
        our_side: Option<bool>,
    },
    /// b: a promise of ours was missed.
    PromiseMissed {
        /// By so much.
        minutes_late: u64,
        /// Whether the promise was our own, not a carrier's time passed on.
        our_own: Option<bool>,
    },
    /// c: something was charged that was not ordered.
    NoOrderRecord {
        /// What was charged.
        charged: Money,
        /// Whether an order record is there.
        record_found: Option<bool>,
    },
    /// d: it was charged otherwise than notified.
    TariffDiffers {
        /// What was charged.
        charged: Money,
        /// What had been notified.
        notified: Option<Money>,
    },
    /// e: the bill was wrong.
    BillingError {
        /// By so much, to the customer's disadvantage.
        overcharged: Money,
        /// The comparison that proves it, by its reference.
        reconciliation: Option<String>,
        /// Whether the corrected bill has been made.
        corrected_bill: Option<bool>,
    },
    /// f: it can be neither proven nor refuted.
    Unverifiable {
        /// Whether it was explained to the customer.
        explained: Option<bool>,
        /// What the customer chose.
        choice: Option<String>,
    },
}
