//! An office with one person for each part of the procedure (R1 to R20), everybody on duty, and what they do to tickets.

use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::store::{NewToken, Role};
use linesman::ticket::deed::Call;
use linesman::ticket::{Actor, Deed, TicketId, clocks};
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon, start_of_time};

/// Login, role of the token, department, roles, supervisor.
type Row = (&'static str, Role, &'static str, &'static str, &'static str);

/// One person for each part.
const PEOPLE: [Row; 17] = [
    ("tech", Role::Technician, "technology", "technician", "techman"),
    ("tech2", Role::Technician, "technology", "technician", "techman"),
    ("techman", Role::Manager, "technology", "technical_manager", "quality"),
    ("engineer", Role::Technician, "technology", "engineer", "techman"),
    ("product", Role::Technician, "technology", "product_specialist", "techman"),
    ("money", Role::Billing, "finance", "finance", "chief"),
    ("clerk", Role::Agent, "service", "intake", "chief"),
    ("agent", Role::Agent, "service", "agent", "chief"),
    ("special", Role::Agent, "service", "complaint_specialist", "chief"),
    ("chief", Role::Noc, "service", "supervisor", "quality"),
    ("caller", Role::Agent, "service", "follow_up_agent", "manager"),
    ("manager", Role::Manager, "service", "service_manager", "head"),
    ("trade", Role::Agent, "business", "business", "head"),
    ("buyer", Role::Agent, "procurement", "procurement", "head"),
    ("member", Role::Technician, "related", "department_member", "head"),
    ("quality", Role::Manager, "service", "quality_manager", "head"),
    ("head", Role::Manager, "service", "service_head", ""),
];

/// A daemon whose roster has everybody on duty.
pub(crate) struct Office {
    pub(crate) daemon: Daemon,
    secrets: Vec<(&'static str, String)>,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let daemon = Daemon::start().await;
        let mut toml = String::new();
        for (department, classes) in [
            ("technology", "classes = [\"B\", \"C\", \"D\", \"E\"]\nhead = \"techman\"\n"),
            ("finance", "classes = [\"A\"]\nhead = \"money\"\n"),
            ("service", "head = \"chief\"\n"),
            ("business", "head = \"trade\"\n"),
            ("procurement", "head = \"buyer\"\n"),
            ("related", "head = \"member\"\n"),
        ] {
            toml += &format!(
                "[[department]]\nid = \"{department}\"\nname = \"{department}\"\nname_zh = \"部门\"\n{classes}"
            );
        }
        let mut secrets = Vec::new();
        for (name, role, department, part, above) in PEOPLE {
            let expires_at = start_of_time() + TimeDelta::days(30);
            let token = NewToken { name: name.to_owned(), role, expires_at };
            secrets.push((name, daemon.state.store.create_token(&token).await.unwrap()));
            let above = if above.is_empty() { String::new() } else { format!("supervisor = \"{above}\"\n") };
            toml += &format!(
                "[[person]]\nid = \"{name}\"\nname = \"{name}\"\ndepartment = \"{department}\"\nroles = [\"{part}\"]\n{above}"
            );
            let (from, to) = (start_of_time() - TimeDelta::days(1), start_of_time() + TimeDelta::days(20));
            toml += &format!(
                "[[duty]]\ndepartment = \"{department}\"\nperson = \"{name}\"\nfrom = \"{}\"\nto = \"{}\"\n",
                from.to_rfc3339(),
                to.to_rfc3339()
            );
        }
        let office = Self { daemon, secrets };
        let roster = json!({ "version": 0, "toml": toml, "note": "everybody" });
        let request = office.daemon.by(Role::Admin, "PUT", "/api/v1/people");
        let request = request.header("content-type", "application/json");
        let written = office.daemon.send(request, roster.to_string()).await;
        assert_eq!(written.status, 200, "{}", written.text);
        office
    }

    fn request(&self, who: &str, method: &str, path: &str) -> axum::http::request::Builder {
        let secret = &self.secrets.iter().find(|known| known.0 == who).unwrap_or_else(|| panic!("{who}")).1;
        axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {secret}"))
            .header("content-type", "application/json")
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.daemon.send(self.request(who, "POST", path), body.to_string()).await
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.daemon.send(self.request(who, "GET", path), axum::body::Body::empty()).await
    }

    pub(crate) async fn ticket(&self, number: &str) -> Value {
        self.daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json()
    }

    /// Registers by the clerk, with members of `more` beside the usual ones.
    pub(crate) async fn registers(&self, who: &str, kind: &str, more: Value) -> String {
        let mut body = json!({
            "kind": kind, "channel": "phone",
            "who": { "contact": { "name": "Li Na", "phone": "138 0013 8000" }, "create": true },
            "words": { "description": "it does not work", "symptom": "silence" },
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.post(who, "/api/v1/tickets", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["ticket"]["number"].as_str().unwrap().to_owned()
    }

    /// Does something to a ticket at its newest version.
    pub(crate) async fn tries(&self, who: &str, number: &str, verb: &str, body: Value) -> Answer {
        let version = self.ticket(number).await["version"].as_i64().unwrap();
        let path = format!("/api/v1/tickets/{number}/{verb}");
        let request = self.request(who, "POST", &path).header("if-match", format!("\"v{version}\""));
        self.daemon.send(request, body.to_string()).await
    }

    /// Likewise where nothing is against it.
    pub(crate) async fn does(&self, who: &str, number: &str, verb: &str, body: Value) -> Value {
        let answer = self.tries(who, number, verb, body).await;
        assert_eq!(answer.status, 200, "{who} {verb}: {}", answer.text);
        answer.json()
    }

    /// Answers a question of the tree.
    pub(crate) async fn says(&self, who: &str, number: &str, node: &str, answer: &str, details: Value) {
        let said = json!({ "node": node, "answer": answer, "details": details });
        self.does(who, number, "tree", said).await;
    }

    /// Somebody answers a question that is another's: refused, and told whose it is.
    pub(crate) async fn is_not_his(&self, who: &str, number: &str, node: &str, answer: &str, whose: &str) {
        let refused = self.tries(who, number, "tree", json!({ "node": node, "answer": answer })).await;
        let is_refused = refused.status == 409 && refused.text.contains(whose);
        assert!(is_refused, "{who} at {node}: {} {}", refused.status, refused.text);
    }

    pub(crate) fn hours(&self, hours: i64) -> String {
        (self.daemon.clock.now_utc() + TimeDelta::hours(hours)).to_rfc3339()
    }

    /// A complaint that the specialist has graded and its owner works on.
    pub(crate) async fn complaint(&self, class: &str, level: &str, owner: &str) -> String {
        let number = self.registers("clerk", "complaint", json!({})).await;
        let class = json!({ "class": class, "urgency": "general", "level": level });
        self.does("special", &number, "classify", class).await;
        self.works(&number, owner).await;
        number
    }

    /// Given to its owner, who takes it after the customer was heard.
    pub(crate) async fn works(&self, number: &str, owner: &str) {
        let given = json!({
            "owner": owner, "deadline": self.hours(20), "target": "works again", "duty": "on_duty",
        });
        self.does("chief", number, "assign", given).await;
        let heard = json!({
            "direction": "outbound", "channel": "phone", "purpose": "first_response", "reply_by": self.hours(4),
        });
        self.does("agent", number, "contact", heard).await;
        self.does(owner, number, "accept", json!({})).await;
    }

    /// Lets a clock ask for what it asks for once it has passed, as the daemon's sweep does; the ticket afterwards.
    pub(crate) async fn overdue(&self, number: &str, policy: &str) -> Value {
        let id = TicketId(self.ticket(number).await["id"].as_str().unwrap().to_owned());
        let known = self.daemon.state.store.ticket(&id).await.unwrap().unwrap();
        let due = clocks::due_deeds(&known, self.daemon.clock.now_utc());
        let is_it = |deed: &Deed| matches!(deed, Deed::ClockCalled { policy: known, call: Call::Breach, .. } if known == policy);
        let breach = due.into_iter().find(is_it).unwrap_or_else(|| panic!("{policy} is not overdue"));
        self.daemon.state.writer.apply(&id, None, breach.into(), Actor::linesman()).await.unwrap();
        self.ticket(number).await
    }

    pub(crate) async fn clock(&self, number: &str, name: &str) -> Value {
        let clocks = self.daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/clocks")).await.json();
        let all = clocks["clocks"].as_array().unwrap().clone();
        let found = all.iter().find(|clock| clock["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("{name} in {all:?}"))
    }
}

/// Rules of a refusal.
pub(crate) fn rules(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 409, "{}", answer.text);
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| error["rule"].as_str().unwrap().to_owned()).collect()
}
