//! The roster over HTTP: written whole, read back, decided by.

use linesman::store::Role;
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon, start_of_time};
use crate::deeds::does;

/// Tom (a technician's token) and mei (a manager's) are people of the roster; tom is on duty.
pub fn roster() -> String {
    let time = |hours: i64| (start_of_time() + chrono::TimeDelta::hours(hours)).to_rfc3339();
    format!(
        r#"
[[department]]
id = "noc"
name = "NOC"
name_zh = "网络监控"
head = "wang"
classes = ["B", "C", "D"]

[[person]]
id = "zhao"
login = "tom"
name = "Zhao Yun"
department = "noc"
roles = ["technician"]
supervisor = "wang"

[[person]]
id = "wang"
login = "nora"
name = "Wang Fang"
department = "noc"
roles = ["technical_manager", "shift_lead"]
supervisor = "qian"

[[person]]
id = "qian"
login = "mei"
name = "Qian Jun"
department = "noc"
roles = ["quality_manager"]
supervisor = "sun"

[[person]]
id = "sun"
login = "ada"
name = "Sun Li"
department = "noc"
roles = ["service_head"]

[[duty]]
department = "noc"
person = "zhao"
from = "{}"
to = "{}"
"#,
        time(-1),
        time(2)
    )
}

async fn put(daemon: &Daemon, role: Role, version: i64, toml: &str) -> Answer {
    let request = daemon.by(role, "PUT", "/api/v1/people").header("content-type", "application/json");
    daemon.send(request, json!({ "version": version, "toml": toml, "note": "new shift" }).to_string()).await
}

async fn post(daemon: &Daemon, role: Role, path: &str, body: Value) -> Answer {
    let request = daemon.by(role, "POST", path).header("content-type", "application/json");
    daemon.send(request, body.to_string()).await
}

async fn complaint(daemon: &Daemon, level: &str, class: &str) -> String {
    let body = json!({
        "kind": "complaint", "channel": "phone", "urgency": "urgent", "level": level,
        "who": { "contact": { "name": "Li Na", "phone": "138 0013 8000" }, "create": true }, "words": { "description": "no calls" },
    });
    let answer = post(daemon, Role::Agent, "/api/v1/tickets", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let number = answer.json()["ticket"]["number"].as_str().unwrap().to_owned();
    does(
        daemon,
        Role::Agent,
        &number,
        "classify",
        json!({ "class": class, "urgency": "urgent", "level": level }),
    )
    .await;
    number
}

#[tokio::test]
async fn r114_a_roster_is_written_whole_with_every_mistake_at_its_place_and_never_over_anothers() {
    let daemon = Daemon::start().await;
    let empty = daemon.get(Role::Viewer, "/api/v1/people").await.json();
    assert_eq!((&empty["version"], &empty["persons"]), (&0.into(), &json!([])));
    let wrong =
        put(&daemon, Role::Manager, 0, "[[person]]\nid = \"x\"\nname = \"X\"\ndepartment = \"y\"\n").await;
    assert_eq!((wrong.status.as_u16(), wrong.problem().as_str()), (422, "invalid"));
    assert!(wrong.text.contains("4:") && wrong.text.contains("no department"), "{}", wrong.text);
    assert_eq!(put(&daemon, Role::Noc, 0, &roster()).await.status, 403, "managers keep the roster");
    let written = put(&daemon, Role::Manager, 0, &roster()).await;
    assert_eq!(written.status, 200, "{}", written.text);
    assert_eq!(put(&daemon, Role::Manager, 0, &roster()).await.status, 409, "somebody has written meanwhile");
    let known = daemon.get(Role::Viewer, "/api/v1/people").await.json();
    assert_eq!(
        (&known["version"], &known["by"], &known["note"]),
        (&1.into(), &"mei".into(), &"new shift".into())
    );
    assert_eq!(known["departments"][0]["on_duty"], json!(["zhao"]));
}

#[tokio::test]
async fn r22_who_is_off_duty_is_not_assigned_as_if_he_were_there_and_owes_a_reply_in_24_hours() {
    let daemon = Daemon::start().await;
    put(&daemon, Role::Manager, 0, &roster()).await;
    let there = daemon.get(Role::Viewer, "/api/v1/people/on-duty?department=noc").await.json();
    assert_eq!((&there["on_duty"], &there["person"]), (&true.into(), &"zhao".into()));
    let number = complaint(&daemon, "blue", "B").await;
    let deadline = (start_of_time() + chrono::TimeDelta::hours(9)).to_rfc3339();
    let nora = json!({ "owner": "nora", "deadline": deadline, "target": "calls", "duty": "on_duty" });
    let refused = does(&daemon, Role::Agent, &number, "assign", nora).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["errors"][0]["rule"]), (409, &"R22".into()));
    let given =
        does(&daemon, Role::Agent, &number, "assign-by-roster", json!({ "target": "calls again" })).await;
    assert_eq!(given.status, 200, "{}", given.text);
    assert_eq!(
        (&given.json()["owner"], &given.json()["process"]["duty"]),
        (&"tom".into(), &"on_duty".into())
    );
    daemon.clock.advance(chrono::TimeDelta::hours(3));
    let there = daemon.get(Role::Viewer, "/api/v1/people/on-duty?department=noc").await.json();
    assert_eq!((&there["on_duty"], &there["person"]), (&false.into(), &"wang".into()));
    let other = complaint(&daemon, "blue", "B").await;
    let given =
        does(&daemon, Role::Agent, &other, "assign-by-roster", json!({ "target": "calls again" })).await;
    assert_eq!(
        (&given.json()["owner"], &given.json()["process"]["duty"]),
        (&"nora".into(), &"off_duty".into())
    );
    let nowhere = json!({ "target": "x", "department": "elsewhere" });
    let nowhere = does(&daemon, Role::Agent, &other, "assign-by-roster", nowhere).await;
    assert_eq!(nowhere.status, 409, "{}", nowhere.text);
}

#[tokio::test]
async fn r54_r88_r104_it_goes_up_step_by_step_and_the_level_names_a_person() {
    let daemon = Daemon::start().await;
    put(&daemon, Role::Manager, 0, &roster()).await;
    let number = complaint(&daemon, "yellow", "B").await;
    let shown = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json();
    assert_eq!(
        shown["process"]["supervisor"], "shift_lead",
        "of nobody whom the roster knows nothing is decided"
    );
    does(&daemon, Role::Agent, &number, "assign-by-roster", json!({ "target": "calls" })).await;
    let raised =
        does(&daemon, Role::Agent, &number, "level", json!({ "level": "orange", "reason": "ten users" }))
            .await;
    assert_eq!(raised.json()["process"]["supervisor"], "mei", "{}", raised.text);
    assert_eq!(raised.json()["process"]["escalations"][0]["reason"], "level_raised");
    let up = does(&daemon, Role::Agent, &number, "escalate", json!({ "reason": "no_answer" })).await;
    assert_eq!(
        (up.status.as_u16(), &up.json()["process"]["supervisor"]),
        (200, &"ada".into()),
        "{}",
        up.text
    );
    let top = does(&daemon, Role::Agent, &number, "escalate", json!({ "reason": "no_answer" })).await;
    assert!(top.status == 409 && top.text.contains("R104"), "{}", top.text);
    let odd = does(&daemon, Role::Agent, &number, "escalate", json!({ "reason": "weather" })).await;
    assert_eq!(odd.status, 422);
}

#[tokio::test]
async fn r55_complaints_stand_before_every_other_work_and_the_graver_before_the_milder() {
    let daemon = Daemon::start().await;
    let mild = complaint(&daemon, "blue", "B").await;
    let fault = daemon.open("link-1").await.number.to_string();
    let grave = complaint(&daemon, "red", "B").await;
    let queue = daemon.get(Role::Viewer, "/api/v1/queue").await.json();
    let order: Vec<&str> =
        queue["tickets"].as_array().unwrap().iter().map(|one| one["number"].as_str().unwrap()).collect();
    assert_eq!(order, [grave.as_str(), mild.as_str(), fault.as_str()]);
    let nobodys = daemon.get(Role::Viewer, "/api/v1/queue?owner=tom").await.json();
    assert_eq!(nobodys["tickets"], json!([]));
}

#[tokio::test]
async fn r57_roles_of_the_roster_go_before_those_of_the_token() {
    let daemon = Daemon::start().await;
    put(&daemon, Role::Manager, 0, &roster().replace("roles = [\"technician\"]", "roles = [\"finance\"]"))
        .await;
    let number = complaint(&daemon, "blue", "B").await;
    let refused =
        does(&daemon, Role::Technician, &number, "tree", json!({ "node": "B1", "answer": "done" })).await;
    assert!(refused.status == 409 && refused.text.contains("Technician"), "{}", refused.text);
    let own = json!({ "person": "zhao", "from": start_of_time(), "to": start_of_time() + chrono::TimeDelta::hours(9) });
    let own = post(&daemon, Role::Technician, "/api/v1/people/absences", own).await;
    assert_eq!(own.status, 200, "{}", own.text);
    let others = json!({ "person": "wang", "from": start_of_time(), "to": start_of_time() + chrono::TimeDelta::hours(9) });
    assert_eq!(post(&daemon, Role::Technician, "/api/v1/people/absences", others).await.status, 403);
}
