//! Requests by chance, and the verb and body of each.

use chrono::{DateTime, TimeDelta, Utc};
use linesman::store::Role;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::model::{Asked, LEVELS, Model, RECORDS, Step};

/// The verb and body of a request.
pub(super) fn request(step: &Step, now: DateTime<Utc>, count: usize) -> (&'static str, Value) {
    let later = |hours: i64| (now + TimeDelta::hours(hours)).to_rfc3339();
    match step {
        Step::Classify { class, level, ours, server } => {
            let mut body = json!({
                "class": class, "urgency": "general", "level": level,
                "liability": if *ours { "ours" } else { "unclear" },
            });
            if *server {
                body["cause"] = "server-down".into();
                body["segment"] = "server-1".into();
            }
            ("classify", body)
        }
        Step::Assign { late } => {
            let deadline = later(if *late { -40 } else { 20 });
            ("assign", json!({ "owner": "tom", "deadline": deadline, "target": "works", "duty": "on_duty" }))
        }
        Step::Accept => ("accept", json!({})),
        Step::Contact { purpose, reached, reply } => {
            let mut body = json!({
                "direction": "outbound", "channel": "phone", "purpose": purpose, "reached": reached,
            });
            if *reply {
                body["reply_by"] = later(3).into();
            }
            ("contact", body)
        }
        Step::Ask => ("ask", json!({ "next_contact_at": later(5) })),
        Step::Hold(work) => (
            "hold",
            json!({ "kind": "dispatch_order", "reference": format!("w-{work}"), "with": "noc", "eta": later(5) }),
        ),
        Step::WorkDone(work) => ("work-done", json!({ "reference": format!("w-{work}"), "result": "done" })),
        Step::Resume => ("resume", json!({ "reason": "because" })),
        Step::Claim => ("claim", json!({ "what": "restarted" })),
        Step::Walk => ("tree", Value::Null),
        Step::Verify(passed) => ("verify", json!({ "passed": passed, "evidence": "call 3" })),
        Step::Waive => ("waive", json!({ "reason": "because" })),
        Step::Record("evidence") => {
            ("record", json!({ "kind": "evidence", "evidence": "letter", "reference": "number 1" }))
        }
        Step::Record(kind) => ("record", json!({ "kind": kind, "reference": "number 1" })),
        Step::Confirm => ("confirm", json!({})),
        Step::Solve => ("solve", json!({ "root_cause": "a bug", "solution": "restarted" })),
        Step::Report(asked) => ("result", json!({ "channel": "phone", "asked_to_test": asked })),
        Step::Agree { satisfied, article } => {
            let rating = if *satisfied { "basically" } else { "dissatisfied" };
            let mut body = json!({ "rating": rating, "method": "recorded_call", "reference": "call 17" });
            if *article {
                body["no_article_because"] = "everyday".into();
            }
            ("confirm-result", body)
        }
        Step::Unanswered => ("unanswered", json!({ "no_article_because": "everyday" })),
        Step::Reopen => ("reopen", json!({ "reason": "again" })),
        Step::Level(level) => ("level", json!({ "level": level, "reason": "because" })),
        Step::Reject => ("reject", json!({ "reason": "no case" })),
        Step::Promise(hours) => {
            ("promise", json!({ "id": format!("p{count}"), "text": "works", "due_at": later(*hours) }))
        }
        Step::Cancel => ("cancel", json!({ "reason": "by mistake" })),
    }
}

/// The way on which everything goes well: a random start of it leads sequences into late states.
pub(super) fn happy(kind: &str) -> Vec<Asked> {
    let complaint = kind == "complaint";
    let (agent, technician) = (Role::Agent, Role::Technician);
    let by = |by: Role, step: Step| Asked { step, by, stale: false };
    let call = |purpose| Step::Contact { purpose, reached: true, reply: true };
    if matches!(kind, "complaint" | "fault") {
        let level = complaint.then_some("blue");
        return vec![
            by(agent, Step::Classify { class: "B", level, ours: true, server: true }),
            by(agent, Step::Assign { late: false }),
            by(agent, call("first_response")),
            by(technician, Step::Accept),
            by(agent, Step::Promise(9)),
            by(agent, Step::Claim),
            by(technician, Step::Walk),
            by(technician, Step::Verify(true)),
            by(technician, Step::Confirm),
            by(agent, Step::Record("maintenance_record")),
            by(agent, Step::Solve),
            by(agent, Step::Report(true)),
            by(agent, Step::Agree { satisfied: true, article: true }),
        ];
    }
    vec![
        by(agent, Step::Classify { class: "E", level: None, ours: true, server: false }),
        by(agent, Step::Assign { late: false }),
        by(agent, call(if kind == "recharge" { "recharge_notice" } else { "answer" })),
        by(technician, Step::Accept),
        by(Role::Manager, Step::Record("finance_outcome")),
        by(agent, Step::Solve),
        by(agent, Step::Report(false)),
        by(agent, Step::Agree { satisfied: true, article: false }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let level = || prop::sample::select(LEVELS.to_vec());
    let purposes = ["first_response", "answer", "recharge_notice", "progress"];
    prop_oneof![
        3 => (
            prop::sample::select(vec!["A", "B", "C", "D", "E"]), prop::option::of(level()),
            any::<bool>(), any::<bool>(),
        ).prop_map(|(class, level, ours, server)| Step::Classify { class, level, ours, server }),
        2 => any::<bool>().prop_map(|late| Step::Assign { late }),
        2 => Just(Step::Accept),
        4 => (prop::sample::select(purposes.to_vec()), any::<bool>(), any::<bool>())
            .prop_map(|(purpose, reached, reply)| Step::Contact { purpose, reached, reply }),
        1 => Just(Step::Ask),
        2 => (0_u8..3).prop_map(Step::Hold),
        2 => (0_u8..3).prop_map(Step::WorkDone),
        2 => Just(Step::Resume),
        3 => Just(Step::Claim),
        3 => any::<bool>().prop_map(Step::Verify),
        1 => Just(Step::Waive),
        4 => prop::sample::select(RECORDS.to_vec()).prop_map(Step::Record),
        2 => Just(Step::Confirm),
        3 => Just(Step::Solve),
        2 => any::<bool>().prop_map(Step::Report),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(satisfied, article)| Step::Agree { satisfied, article }),
        1 => Just(Step::Unanswered),
        1 => Just(Step::Reopen),
        1 => level().prop_map(Step::Level),
        1 => Just(Step::Reject),
        2 => (-2_i64..9).prop_map(Step::Promise),
        1 => Just(Step::Cancel),
    ]
}

pub(super) fn asked() -> impl Strategy<Value = Asked> {
    let roles = prop::sample::select(vec![
        Role::Viewer,
        Role::Agent,
        Role::Technician,
        Role::Noc,
        Role::Manager,
        Role::Admin,
    ]);
    // Mostly by whoever may.
    let by = prop::option::weighted(0.35, roles);
    (step(), by, prop::bool::weighted(0.05)).prop_map(|(step, by, stale)| {
        let by = by.unwrap_or_else(|| match step {
            Step::Accept => Role::Technician,
            // Finance itself sees bills and top-ups alone.
            Step::Record("finance_sign_off" | "finance_outcome") => Role::Manager,
            _ => Model::least(&step),
        });
        Asked { step, by, stale }
    })
}
