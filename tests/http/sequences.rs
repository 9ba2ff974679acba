//! No sequence of requests passes a guard: random sequences by random roles against the real API, on both databases.
//! A model, written from the procedure and not from the guards, says of each request whether it happens, who may not
//! even ask, and the rule of every condition that is not met; the API has to say the same.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::Clock as _;
use linesman::store::Role;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::deeds::walks_b;

/// So long on each database.
const WITHIN: Duration = Duration::from_secs(9);
/// No machine is so slow that it does fewer sequences.
const FEWEST: usize = 3;
const LEVELS: [&str; 5] = ["blue", "yellow", "orange", "red", "red_plus"];
const KINDS: [&str; 5] = ["complaint", "fault", "consultation", "recharge", "follow_up"];
const RECORDS: [&str; 8] = [
    "maintenance_record",
    "test_review",
    "finance_sign_off",
    "accounting_method",
    "finance_outcome",
    "knowledge",
    "comparison",
    "evidence",
];

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Classify { class: &'static str, level: Option<&'static str>, ours: bool, server: bool },
    Assign { late: bool },
    Accept,
    Contact { purpose: &'static str, reached: bool, reply: bool },
    Ask,
    Hold(u8),
    WorkDone(u8),
    Resume,
    Claim,
    Walk,
    Verify(bool),
    Waive,
    Record(&'static str),
    Confirm,
    Solve,
    Report(bool),
    Agree { satisfied: bool, article: bool },
    Unanswered,
    Reopen,
    Level(&'static str),
    Reject,
    Promise(i64),
    Cancel,
}

/// A request: what, by whom, and whether the ticket was seen as it is.
#[derive(Debug, Clone)]
struct Asked {
    step: Step,
    by: Role,
    stale: bool,
}

/// What comes of a request.
#[derive(Debug, PartialEq)]
enum Answered {
    Done,
    Forbidden,
    Stale,
    /// The rules of all that is not met, in order.
    Refused(Vec<String>),
}

/// What the model remembers, in its own words.
#[derive(Debug)]
struct Model {
    kind: &'static str,
    state: &'static str,
    since: DateTime<Utc>,
    class: Option<&'static str>,
    level: Option<&'static str>,
    server: bool,
    unclear: bool,
    owner: Option<Role>,
    confirmed: bool,
    walked: bool,
    /// Measured, or waived.
    proof: Option<bool>,
    /// When, reached, with a time for the reply, purpose.
    calls: Vec<(DateTime<Utc>, bool, bool, &'static str)>,
    works: Vec<(u8, bool)>,
    records: BTreeSet<&'static str>,
    /// Made, due, kept.
    promises: Vec<(DateTime<Utc>, DateTime<Utc>, bool)>,
}

const WORKED_ON: [&str; 4] = ["in_progress", "pending_customer", "held_external", "held_planned"];
const OVER: [&str; 3] = ["closed", "rejected", "cancelled"];
const SOLVED: [&str; 3] = ["resolved", "awaiting_confirmation", "settled"];

impl Model {
    fn new(kind: &'static str, now: DateTime<Utc>) -> Self {
        Self {
            kind,
            state: "registered",
            since: now,
            class: None,
            level: None,
            server: false,
            unclear: false,
            owner: None,
            confirmed: false,
            walked: false,
            proof: None,
            calls: Vec::new(),
            works: Vec::new(),
            records: BTreeSet::new(),
            promises: Vec::new(),
        }
    }

    fn is_complaint(&self) -> bool {
        self.kind == "complaint"
    }

    /// Something is repaired, not only answered.
    fn is_repair(&self) -> bool {
        matches!(self.kind, "complaint" | "fault") && self.class != Some("E")
    }

    fn is_final(&self) -> bool {
        OVER.contains(&self.state)
    }

    fn is_open(&self) -> bool {
        !self.is_final() && !SOLVED.contains(&self.state)
    }

    fn spoke(&self) -> bool {
        self.calls.iter().any(|(_, reached, ..)| *reached)
    }

    fn told(&self, purpose: &str) -> bool {
        self.calls.iter().any(|(_, reached, _, of)| *reached && *of == purpose)
    }

    /// The least role that may ask for it.
    fn least(step: &Step) -> Role {
        match step {
            Step::Verify(_) | Step::Confirm => Role::Technician,
            Step::Waive | Step::Reject | Step::Record("test_review") => Role::Manager,
            Step::Record("finance_sign_off" | "finance_outcome") => Role::Billing,
            Step::Cancel => Role::Noc,
            _ => Role::Agent,
        }
    }

    /// Rules of all that stands against it, once for each condition.
    fn against(&self, step: &Step, by: Role, now: DateTime<Utc>) -> Vec<&'static str> {
        let mut rules = Vec::new();
        let mut need = |met: bool, rule: &'static str| {
            if !met {
                rules.push(rule);
            }
        };
        let among = |states: &[&str]| states.contains(&self.state);
        match step {
            Step::Classify { class, level, server, .. } => {
                need(
                    among(&["registered", "classified", "assigned", "in_progress", "reopened", "verifying"]),
                    "R64",
                );
                need(!*server || *class == "B", "R48");
                let graded =
                    if self.is_complaint() { level.or(self.level).is_some() } else { level.is_none() };
                need(graded, "R54");
            }
            Step::Assign { late } => {
                let at_hand = among(&["classified", "assigned", "reopened"]) || among(&WORKED_ON);
                need(at_hand, "R51");
                need(!late, "R51");
            }
            Step::Accept => {
                need(among(&["assigned", "reopened"]), "R96");
                need(self.owner == Some(by), "R96");
                let heard = self.calls.iter().any(|(_, reached, reply, _)| *reached && *reply);
                need(!self.is_complaint() || heard, "R37");
            }
            Step::Contact { purpose, reply, .. } => {
                need(!among(&["rejected", "cancelled"]), "R92");
                need(*purpose != "first_response" || !self.is_complaint() || *reply, "R37");
            }
            Step::Ask => {
                need(among(&WORKED_ON), "R92");
                need(self.calls.iter().any(|(at, reached, ..)| *reached && *at >= self.since), "R92");
            }
            Step::Hold(work) => {
                need(among(&WORKED_ON), "R42");
                need(self.works.iter().all(|(known, _)| known != work), "R42");
                need(self.promises.iter().any(|(_, due, kept)| !kept && now <= *due), "R86");
            }
            Step::WorkDone(work) => {
                need(!self.is_final(), "R42");
                need(self.works.contains(&(*work, false)), "R42");
            }
            Step::Resume => {
                need(among(&["pending_customer", "held_external", "held_planned", "reopened"]), "R92");
            }
            Step::Claim => {
                need(among(&["in_progress", "held_external", "held_planned", "reopened"]), "R61");
                need(self.class.is_some(), "R48");
                need(self.class != Some("A") || self.records.contains("comparison"), "R58");
            }
            Step::Walk | Step::Promise(1..) => need(!self.is_final(), "R86"),
            Step::Promise(_) => {
                need(!self.is_final(), "R86");
                need(false, "R86");
            }
            Step::Verify(_) | Step::Waive => need(self.state == "verifying", "R61"),
            Step::Record(_) => need(!self.is_final(), "R107"),
            Step::Confirm => {
                need(!self.is_final(), "R24");
                need(self.class.is_some(), "R48");
            }
            Step::Solve if self.is_repair() => {
                need(self.walked, "R57");
                need(self.state == "verifying", "R61");
                need(self.proof.is_some(), "R61");
                need(self.confirmed && self.class.is_some(), "R24");
                let is_somewhere = matches!(self.class, Some("B" | "C" | "D"));
                need(self.server || !is_somewhere, "R24");
                need(!self.server || self.records.contains("maintenance_record"), "R41");
                need(self.class != Some("D") || self.records.contains("test_review"), "R63");
                need(self.class != Some("A") || self.records.contains("finance_sign_off"), "R59");
                need(self.class != Some("A") || self.records.contains("accounting_method"), "R59");
                need(self.works.iter().all(|(_, done)| *done), "R105");
            }
            Step::Solve => {
                need(among(&["in_progress", "verifying"]), "R95");
                match self.kind {
                    "recharge" => {
                        need(self.records.contains("finance_outcome"), "R66");
                        need(self.told("recharge_notice"), "R66");
                    }
                    "follow_up" => need(self.spoke(), "R106"),
                    _ => need(self.told("answer"), "R65"),
                }
            }
            Step::Report(asked) => {
                need(self.state == "resolved", "R76");
                need(*asked || !self.is_repair(), "R97");
            }
            Step::Agree { satisfied, article } => {
                need(self.state == "awaiting_confirmation", "R77");
                need(*satisfied, "R104");
                let wants = self.is_repair() && matches!(self.class, Some("B" | "C" | "D"));
                need(!wants || *article || self.records.contains("knowledge"), "R108");
            }
            // All happens within a day: nobody was tried on three.
            Step::Unanswered => {
                need(self.state == "awaiting_confirmation", "R77");
                need(false, "R77");
            }
            Step::Reopen => need(among(&SOLVED), "R104"),
            Step::Level(level) => {
                need(!self.is_final(), "R54");
                need(self.is_complaint(), "R54");
                need(self.level != Some(*level), "R54");
            }
            Step::Reject => {
                need(among(&["registered", "classified"]), "R33");
                need(self.spoke(), "R33");
                need(!self.unclear, "R35");
                need(!self.is_complaint() || self.records.contains("evidence"), "R33");
            }
            Step::Cancel => {
                need(self.is_open(), "R33");
                let last = self.promises.iter().map(|(made, ..)| *made).max();
                let spoke = last
                    .is_none_or(|last| self.calls.iter().any(|(at, reached, ..)| *reached && *at >= last));
                need(spoke, "R86");
            }
        }
        rules
    }

    /// What a request that happens changes.
    fn take(&mut self, step: &Step, now: DateTime<Utc>) {
        let before = self.state;
        match step {
            Step::Classify { class, level, ours, server } => {
                self.class = Some(class);
                self.level = level.or(self.level);
                self.server = *server;
                self.unclear = !*ours;
                self.confirmed = false;
                if self.state == "registered" {
                    self.state = "classified";
                }
            }
            Step::Assign { .. } => {
                self.owner = Some(Role::Technician);
                if self.state == "classified" {
                    self.state = "assigned";
                }
            }
            Step::Accept | Step::Resume => self.state = "in_progress",
            Step::Contact { purpose, reached, reply } => self.calls.push((now, *reached, *reply, purpose)),
            Step::Ask => self.state = "pending_customer",
            Step::Hold(work) => {
                self.works.push((*work, false));
                self.state = "held_external";
            }
            Step::WorkDone(work) => {
                self.works.iter_mut().filter(|(known, _)| known == work).for_each(|known| known.1 = true);
            }
            Step::Claim => {
                self.state = "verifying";
                self.proof = None;
            }
            Step::Walk => self.walked = true,
            Step::Verify(passed) => {
                self.proof = passed.then_some(true);
                if !passed {
                    self.state = "in_progress";
                }
            }
            Step::Waive => self.proof = Some(false),
            Step::Record(kind) => drop(self.records.insert(kind)),
            Step::Confirm => self.confirmed = true,
            Step::Solve => {
                self.state = "resolved";
                if self.proof == Some(true) {
                    self.promises.iter_mut().for_each(|known| known.2 = true);
                }
            }
            Step::Report(_) => {
                self.state = "awaiting_confirmation";
                self.calls.push((now, true, false, "result"));
            }
            Step::Agree { .. } | Step::Unanswered => self.state = "settled",
            Step::Reopen => {
                self.state = "reopened";
                self.proof = None;
                if self.is_complaint() {
                    let place = self.level.and_then(|level| LEVELS.iter().position(|known| *known == level));
                    self.level = place.map(|place| LEVELS[(place + 1).min(LEVELS.len() - 1)]);
                }
            }
            Step::Level(level) => self.level = Some(level),
            Step::Reject => self.state = "rejected",
            Step::Promise(hours) => self.promises.push((now, now + TimeDelta::hours(*hours), false)),
            Step::Cancel => self.state = "cancelled",
        }
        if self.state != before {
            self.since = now;
        }
    }
}

/// The verb and body of a request.
fn request(step: &Step, now: DateTime<Utc>, count: usize) -> (&'static str, Value) {
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
        Step::Record(kind) => ("record", json!({ "kind": kind, "reference": "number 1" })),
        Step::Confirm => ("confirm", json!({})),
        Step::Solve => ("solve", json!({ "root_cause": "a bug", "solution": "restarted" })),
        Step::Report(asked) => ("result", json!({ "channel": "phone", "asked_to_test": asked })),
        Step::Agree { satisfied, article } => {
            let rating = if *satisfied { "basically" } else { "dissatisfied" };
            let mut body = json!({ "rating": rating, "method": "recorded_call" });
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
fn happy(kind: &str) -> Vec<Asked> {
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

fn step() -> impl Strategy<Value = Step> {
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

fn asked() -> impl Strategy<Value = Asked> {
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

async fn registered(daemon: &Daemon, kind: &str) -> String {
    let body = json!({
        "kind": kind, "channel": "phone", "caller": "prospect", "words": { "description": "it is wrong" },
    });
    let request =
        daemon.by(Role::Agent, "POST", "/api/v1/tickets").header("content-type", "application/json");
    let answer = daemon.send(request, body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["ticket"]["number"].as_str().unwrap().to_owned()
}

/// Asks, and says what came of it.
async fn asks(daemon: &Daemon, path: &str, asked: &Asked, version: i64, count: usize) -> Answered {
    let (verb, body) = request(&asked.step, daemon.clock.now_utc(), count);
    let seen = if asked.stale { version + 1_000 } else { version };
    let answer = daemon.change(asked.by, &format!("{path}/{verb}"), seen, &body.to_string()).await;
    match answer.status.as_u16() {
        200 => Answered::Done,
        403 => Answered::Forbidden,
        412 => Answered::Stale,
        409 => {
            assert_eq!(answer.problem(), "refused", "{}", answer.text);
            let errors = answer.json()["errors"].as_array().unwrap().clone();
            let rule = |error: &Value| error["rule"].as_str().unwrap_or("no rule").to_owned();
            assert!(errors.iter().all(|error| !error["detail"].as_str().unwrap().is_empty()), "{errors:?}");
            let mut rules: Vec<String> = errors.iter().map(rule).collect();
            rules.sort();
            Answered::Refused(rules)
        }
        other => panic!("{asked:?}: {other}: {}", answer.text),
    }
}

async fn one_sequence(daemon: &Daemon, kind: &'static str, sequence: &[Asked]) {
    let number = registered(daemon, kind).await;
    let path = format!("/api/v1/tickets/{number}");
    let mut model = Model::new(kind, daemon.clock.now_utc());
    for (count, asked) in sequence.iter().enumerate() {
        daemon.clock.advance(TimeDelta::seconds(50));
        let now = daemon.clock.now_utc();
        if asked.step == Step::Walk {
            walks_b(daemon, &number).await;
            model.take(&Step::Walk, now);
            continue;
        }
        let before = daemon.get(Role::Viewer, &path).await.json();
        let version = before["version"].as_i64().unwrap();
        let mut rules: Vec<String> =
            model.against(&asked.step, asked.by, now).into_iter().map(str::to_owned).collect();
        rules.sort();
        let expected = if !asked.by.covers(Model::least(&asked.step)) {
            Answered::Forbidden
        } else if asked.stale {
            Answered::Stale
        } else if rules.is_empty() {
            Answered::Done
        } else {
            Answered::Refused(rules)
        };
        let answered = asks(daemon, &path, asked, version, count).await;
        let told = format!("step {count}, {asked:?}, of {sequence:?}\nby {model:?}");
        assert_eq!(answered, expected, "{told}");
        let after = daemon.get(Role::Viewer, &path).await.json();
        if answered == Answered::Done {
            model.take(&asked.step, now);
        } else {
            assert_eq!(after["version"], version, "what is refused leaves nothing behind: {told}");
        }
        assert_eq!(
            (&after["state"], &after["process"]["level"]),
            (&model.state.into(), &json!(model.level)),
            "{told}"
        );
    }
}

async fn nothing_passes_a_guard(daemon: Daemon) {
    let mut runner = TestRunner::default();
    let strategy = (prop::sample::select(KINDS.to_vec()), 0_usize..14, prop::collection::vec(asked(), 4..24));
    let began = Instant::now();
    let mut sequences = 0;
    while sequences < FEWEST || began.elapsed() < WITHIN {
        let (kind, well, then) = strategy.new_tree(&mut runner).unwrap().current();
        let sequence: Vec<Asked> = happy(kind).into_iter().take(well).chain(then).collect();
        one_sequence(&daemon, kind, &sequence).await;
        sequences += 1;
    }
    let report = daemon.state.store.check().await.unwrap();
    assert!(report.broken_at.is_none() && report.damage.is_empty(), "{report:?}");
}

#[tokio::test]
async fn no_sequence_of_requests_passes_a_guard_and_every_refusal_names_every_rule() {
    nothing_passes_a_guard(Daemon::start().await).await;
}

#[tokio::test]
async fn no_sequence_of_requests_passes_a_guard_on_postgresql_either() {
    if let Some(daemon) = Daemon::start_on_postgres().await {
        nothing_passes_a_guard(daemon).await;
    }
}
