//! `linesman customer` and `linesman audit` with a daemon: people looked up and erased by command, keys
//! that are made, lost, open to others or of another database, trails that are whole or not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use sqlx::Connection as _;

use super::support::daemon::{Daemon, free_port};
use super::{ended, folder, json, linesman, run};

const NETWORK: &str = "[probes]\ninterval = \"60s\"\n\n[[server]]\nname = \"server-1\"\nsip = \"127.0.0.1:9\"\n\n\
                       [[customer]]\nname = \"tongda\"\ncontacts = [\"Li Na +86 10 5555 0101\"]\n";

async fn start(here: &Path, token: Option<&str>) -> Daemon {
    let address = format!("127.0.0.1:{}", free_port());
    Daemon::start(here, &address, NETWORK, &[], token).await.0
}

/// As somebody with this token.
fn by(here: &Path, token: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = linesman(here, arguments);
    ended(command.env("LINESMAN_TOKEN", token).output().expect("the program runs"))
}

fn token(here: &Path, name: &str, role: &str) -> String {
    let (code, out, said) = run(here, &["token", "create", name, "--role", role]);
    assert_eq!(code, 0, "{said}");
    out.trim().to_owned()
}

async fn tamper(here: &Path, statement: &'static str) {
    let url = format!("sqlite:{}", here.join("linesman.db").display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("connect");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("tamper");
    connection.close().await.expect("close");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_registered_looked_up_taken_out_and_erased_by_command() {
    let here = folder();
    let daemon = start(here.path(), None).await;
    let here = here.path();
    let (noc, viewer) = (token(here, "nora", "noc"), token(here, "vera", "viewer"));
    let add =
        ["customer", "add", "--name", "Wang Wei", "--phone", "138 1234 5678", "--email", "w.wei@example.com"];
    let (code, out, said) = by(here, &noc, &[&add[..], &["--contact", "Wang Wei", "--json"]].concat());
    assert_eq!(code, 0, "{said}");
    let made = json(&out);
    let id = made["id"].as_str().expect("an id");
    let contact = made["contacts"][0]["id"].as_str().expect("an id");

    let (code, out, _) = by(here, &viewer, &["customer", "find", "--phone", "+86 138-1234-5678"]);
    assert!(code == 0 && out.contains(id) && out.contains("+86138****5678"), "{out}");
    assert!(!out.contains("Wang") && !out.contains("12345678"), "{out}");
    let (code, out, _) = by(here, &viewer, &["customer", "find", "--name", "li na"]);
    assert!(code == 0 && out.contains("not registered") && out.contains("tongda"), "{out}");
    let (code, out, _) = by(here, &viewer, &["customer", "find", "--email", "nobody@example.com"]);
    assert_eq!((code, out.as_str()), (1, "no customers\n"));
    assert_eq!(by(here, &viewer, &["customer", "find"]).0, 2, "nobody is looked for");
    let (code, out, _) = by(here, &viewer, &["customer", "list"]);
    assert!(code == 0 && out.contains(id) && !out.contains("Wang"), "{out}");
    assert_eq!(by(here, &viewer, &["customer", "add", "--name", "X"]).0, 4, "a viewer registers nobody");

    let (code, out, _) = by(here, &noc, &["customer", "show", id]);
    assert!(code == 0 && out.contains("+8613812345678") && out.contains("not confirmed"), "{out}");
    let (code, out, said) = by(here, &noc, &["customer", "verify", id, contact]);
    assert!(code == 0 && out.contains("confirmed 20"), "{out} {said}");

    let export = ["customer", "export", id, "--reason", "right of access", "--output", "export.json"];
    let (code, _, said) = by(here, &noc, &export);
    assert_eq!(code, 0, "{said}");
    let written = here.join("export.json");
    assert_eq!(std::fs::metadata(&written).expect("there").permissions().mode() & 0o777, 0o600);
    let exported = json(&std::fs::read_to_string(&written).expect("text"));
    assert_eq!(exported["customer"]["contacts"][0]["phone"], "+8613812345678");
    assert_eq!(by(here, &noc, &export).0, 1, "no file is written over");

    let (code, out, _) = by(here, &noc, &["customer", "erase", id, "--reason", "asked for it"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "erased: 1 contacts, 0 texts, 0 calls, 0 recordings and signatures\n")
    );
    let (code, _, said) = by(here, &noc, &["customer", "verify", id, contact, "--lang", "zh-CN"]);
    assert!(code == 1 && said.contains("没有客户"), "{said}");
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn trails_are_verified_and_a_change_in_them_is_told_with_its_place() {
    let here = folder();
    let daemon = start(here.path(), None).await;
    let here = here.path();
    let noc = token(here, "nora", "noc");
    assert_eq!(by(here, &noc, &["customer", "add", "--name", "Wang Wei"]).0, 0);
    let (code, out, _) = run(here, &["audit", "verify"]);
    assert!(code == 0 && out.contains("looks at personal data: 2 verified, head "), "{out}");
    let (code, out, _) = run(here, &["audit", "retention", "--json"]);
    let kinds = json(&out)["kinds"].as_array().expect("a list").clone();
    let customers = kinds.iter().find(|kind| kind["kind"] == "customers").expect("counted");
    assert_eq!((code, &customers["count"], &customers["kept_days"]), (0, &Value::from(0), &Value::from(730)));
    let (code, out, _) = run(here, &["audit", "keys"]);
    assert!(code == 0 && out.contains("k1 seals\neverything is sealed with k1"), "{out}");
    tamper(here, "UPDATE privacy_event SET actor = 'nobody' WHERE seq = 2").await;
    let (code, out, _) = run(here, &["audit", "verify"]);
    assert!(code == 1 && out.contains("looks at personal data: the chain is BROKEN at 2"), "{out}");
    let (code, out, _) = run(here, &["audit", "verify", "--json"]);
    assert_eq!((code, &json(&out)["privacy"]["broken_at"]), (1, &Value::from(2)));
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_keys_are_lost_open_or_others_says_so_and_does_not_start() {
    let here = folder();
    let daemon = start(here.path(), None).await;
    let here = here.path();
    let key = here.join("linesman.key");
    assert_eq!(std::fs::metadata(&key).expect("made").permissions().mode() & 0o777, 0o600);
    let (noc, admin) = (token(here, "nora", "noc"), token(here, "ada", "admin"));
    assert_eq!(by(here, &noc, &["customer", "add", "--name", "Wang Wei"]).0, 0);
    assert!(daemon.stop().await.success());
    let good = std::fs::read_to_string(&key).expect("text");
    let refused = |why: &str| {
        let (code, _, said) = run(here, &["serve"]);
        assert!(code == 3 && said.contains(why), "{why}: {code} {said}");
        let checks = json(&run(here, &["doctor", "--json"]).1)["checks"].as_array().expect("a list").clone();
        let keys = checks.iter().find(|check| check["name"] == "keys").expect("checked");
        assert!(keys["verdict"] == "fail" && keys["mend"].is_string(), "{keys}");
    };

    std::fs::remove_file(&key).expect("removed");
    refused("is missing, and the database holds personal data");
    assert!(!key.exists(), "no new key takes its place");
    let write = |text: &str, mode: u32| {
        std::fs::write(&key, text).expect("written");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("changed");
    };
    write(&good, 0o644);
    refused("chmod 600 ");
    let digit = if good.trim_end().ends_with('0') { '1' } else { '0' };
    let mut wrong = good.trim_end().to_owned();
    wrong.pop();
    write(&format!("{wrong}{digit}\n"), 0o600);
    refused("its key `k1` is another one; restore the one that belongs to it");
    write("search beef\n", 0o600);
    refused("line 1: a key is 64 hexadecimal digits");

    // A second key is added: old values open, and are sealed anew.
    write(&format!("{good}key k2 {}\n", "5a".repeat(32)), 0o600);
    let daemon = start(here, Some(&admin)).await;
    let (_, out, _) = by(here, &noc, &["customer", "find", "--name", "wang", "--json"]);
    let id = json(&out)["customers"][0]["id"].as_str().expect("found").to_owned();
    super::support::eventually(
        "everything to be sealed anew",
        std::time::Duration::from_secs(20),
        async || {
            let (_, out, _) = run(here, &["audit", "keys"]);
            out.contains("everything is sealed with k2").then_some(())
        },
    )
    .await;
    let (_, out, _) = by(here, &noc, &["customer", "show", &id]);
    assert!(out.contains("Wang Wei"), "{out}");
    assert!(daemon.stop().await.success());
}
