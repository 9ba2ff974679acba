//! What is known of a complaint.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

named! {
    /// Something that decides a level.
    Fact {
        /// How many users it touches.
        UsersAffected = "users_affected", "Users affected", "受影响用户数";
        /// The user has no service.
        UserOutOfService = "user_out_of_service", "User out of service", "用户业务中断";
        /// The customer is a key account.
        KeyAccount = "key_account", "Key account", "重点客户";
        /// How often this matter was complained of, this time included.
        ComplaintsOnTheMatter = "complaints_on_the_matter", "Complaints on the same matter", "同一问题投诉次数";
        /// How many promises to this customer were missed.
        PromisesMissed = "promises_missed", "Promises missed", "承诺未兑现次数";
        /// The customer came in person.
        WalkIn = "walk_in", "Walk-in", "上门投诉";
        /// The call centre could not solve it.
        CallCentreFailed = "call_centre_failed", "The call centre could not solve it", "呼叫中心未能解决";
        /// A deadline towards the customer has passed.
        SlaBreached = "sla_breached", "A deadline towards the customer was missed", "对客户时限超期";
        /// The regulator, SARFT included, has sent it.
        Regulator = "regulator", "Regulator", "监管部门";
        /// The consumer association has sent it.
        ConsumerAssociation = "consumer_association", "Consumer association", "消费者协会";
        /// The media have it.
        Media = "media", "Media", "媒体";
        /// People are in danger.
        Safety = "safety", "Safety", "人身安全";
        /// More money is claimed than the limit of the table.
        ClaimAboveLimit = "claim_above_limit", "Money claim above the limit", "索赔金额超限";
        /// Data of customers leaked.
        DataLeak = "data_leak", "Data leak", "客户信息泄露";
        /// A province is without service.
        ProvinceWideOutage = "province_wide_outage", "Province-wide outage", "全省性故障";
        /// It is before a court.
        LegalAction = "legal_action", "Legal action", "法律诉讼";
    }
}

impl Fact {
    /// It holds or not; no number.
    #[must_use]
    pub const fn is_flag(self) -> bool {
        !matches!(self, Self::UsersAffected | Self::ComplaintsOnTheMatter | Self::PromisesMissed)
    }
}

/// What is known; what is not there is not known, which is another thing than no.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<Fact, u64>);

impl Facts {
    /// With a number.
    #[must_use]
    pub fn count(mut self, fact: Fact, number: u64) -> Self {
        self.0.insert(fact, number);
        self
    }

    /// With something that holds or not.
    #[must_use]
    pub fn flag(self, fact: Fact, holds: bool) -> Self {
        self.count(fact, u64::from(holds))
    }

    /// What is known of a fact.
    #[must_use]
    pub fn get(&self, fact: Fact) -> Option<u64> {
        self.0.get(&fact).copied()
    }
}
