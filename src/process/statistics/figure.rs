//! The figures of a month as a person reads them: value, target, whether it is reached, how it moved.

use linesman_deadlines::policy::Policies;
use serde::{Deserialize, Serialize};

use super::facts::RegulatorClass;
use super::rate::{Mean, Rate};
use super::report::Report;
use crate::text::{Language, Text};

/// A value; what could not be measured has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "unit", rename_all = "snake_case")]
pub enum Value {
    /// How many.
    Count {
        /// So many.
        number: u64,
    },
    /// In percent.
    Percent(Rate),
    /// For each million users.
    PerMillion(Rate),
    /// A mean time.
    Time(Mean),
    /// There was nothing to count, or it is not known what to compare with.
    NotMeasured,
}

impl Value {
    /// As it is written.
    #[must_use]
    pub fn say(&self, language: Language) -> String {
        let written = match self {
            Self::Count { number } => Some(number.to_string()),
            Self::Percent(rate) => {
                rate.percent(1).map(|percent| format!("{percent} % ({}/{})", rate.reached, rate.of))
            }
            Self::PerMillion(rate) => rate.per(1_000_000, 1),
            Self::Time(mean) => mean.hours_minutes(),
            Self::NotMeasured => None,
        };
        written.unwrap_or_else(|| match language {
            Language::English => "not measured".to_owned(),
            Language::Chinese => "未测量".to_owned(),
        })
    }
}

/// A figure of the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// Its name in outputs.
    pub id: &'static str,
    /// The rule of mission.md.
    pub rule: &'static str,
    /// What it is called.
    pub title: Text,
    /// How much.
    pub value: Value,
    /// The same of the month before, where that is given.
    pub before: Option<Value>,
    /// At least so many percent.
    pub target_percent: Option<u32>,
    /// Whether the target is reached; `None` without target or where nothing was counted.
    pub is_reached: Option<bool>,
}

/// Rows of the table: name, rule, words, the threshold's name.
type Row = (&'static str, &'static str, &'static str, &'static str, fn(&Report) -> Value);

const ROWS: [Row; 14] = [
    ("volume", "R116", "Tickets registered", "工单总量", |report| Value::Count { number: report.volume }),
    ("complaints", "R117", "Complaints", "投诉量", |report| Value::Count { number: report.complaints }),
    ("handling-rate", "R83", "Complaint handling rate", "投诉处理率", |report| percent(report.handled)),
    ("satisfaction-rate", "R84", "Customer satisfaction", "客户满意率", |report| {
        percent(report.satisfied)
    }),
    ("confirmation-accuracy", "R85", "Accuracy of problem confirmation", "问题确认准确率", |report| {
        percent(report.confirmed)
    }),
    ("handling-time", "R116", "Mean handling time (h:min)", "平均处理时长（时:分）", |report| {
        match report.handling_time.of {
            0 => Value::NotMeasured,
            _ => Value::Time(report.handling_time),
        }
    }),
    ("first-contact", "R122", "Solved at the first contact", "一次性解决率", |report| {
        percent(report.first_contact)
    }),
    ("sla-met", "R71", "Deadlines met", "时限达成率", |report| percent(report.sla_met)),
    ("promises-kept", "R86", "Promises kept", "承诺兑现率", |report| percent(report.promises_kept)),
    ("reopened", "R104", "Reopened", "重开率", |report| percent(report.reopened)),
    (
        "complaint-share",
        "R117",
        "Complaints for the customers there are",
        "投诉占客户总量比例",
        |report| report.complaint_share.map_or(Value::NotMeasured, percent),
    ),
    ("appeals-per-million", "R117", "Appeals per million users", "百万用户申诉率", |report| {
        report.appeal_rate.filter(|rate| rate.of > 0).map_or(Value::NotMeasured, Value::PerMillion)
    }),
    ("appeals", "R117", "Appeals to the regulator", "向监管部门申诉量", |report| Value::Count {
        number: report.appeals,
    }),
    ("unclassified", "R48", "Complaints not classified", "未分类投诉量", |report| Value::Count {
        number: report.unclassified,
    }),
];

fn percent(rate: Rate) -> Value {
    if rate.of == 0 { Value::NotMeasured } else { Value::Percent(rate) }
}

impl Report {
    /// The figures with their targets from the table of deadlines, beside those of the month before.
    #[must_use]
    pub fn figures(&self, table: &Policies, before: Option<&Self>) -> Vec<Figure> {
        let mut figures: Vec<Figure> = ROWS
            .iter()
            .map(|(id, rule, en, zh, value_of)| {
                let value = value_of(self);
                let target = table.thresholds.iter().find(|threshold| threshold.id == *id);
                let is_reached = match (value, target) {
                    (Value::Percent(rate), Some(target)) => rate.meets(target),
                    _ => None,
                };
                Figure {
                    id,
                    rule,
                    title: Text::new(en, zh),
                    value,
                    before: before.map(value_of),
                    target_percent: target.and_then(|target| (target.at_least * 100).checked_div(target.of)),
                    is_reached,
                }
            })
            .collect();
        figures.extend(RegulatorClass::ALL.iter().map(|class| {
            let number =
                |report: &Self| Value::Count { number: report.regulator.get(class).copied().unwrap_or(0) };
            Figure {
                id: class.name(),
                rule: "R117",
                title: Text::new(class.word(Language::English), class.word(Language::Chinese)),
                value: number(self),
                before: before.map(number),
                target_percent: None,
                is_reached: None,
            }
        }));
        figures
    }
}
