//! `linesman ticket` for tickets that people register: a real daemon, a phone call, its answer.

use std::path::Path;

use serde_json::Value;

use super::support::daemon::{Daemon, free_port};
use super::{answer, folder, linesman, run};

/// Runs `ticket` with arguments against the daemon.
fn ticket(folder: &Path, address: &str, arguments: &[&str]) -> (i32, String, String) {
    let server = format!("http://{address}");
    let mut all = vec!["ticket", "--server", &server, "--token-file", "token"];
    all.extend(arguments);
    run(folder, &all)
}

fn fine(folder: &Path, address: &str, arguments: &[&str]) -> Value {
    answer(folder, address, "ticket", arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn r29_r49_r51_r93_a_complaint_is_registered_classified_planned_and_refused_with_its_rules() {
    let here = folder();
    let folder = here.path();
    let address = format!("127.0.0.1:{}", free_port());
    let (daemon, api) = Daemon::start(folder, &address, "", &[], None).await;
    std::fs::write(folder.join("token"), api.token()).expect("written");

    let register = [
        "register",
        "--kind",
        "complaint",
        "--channel",
        "walk_in",
        "--phone",
        "138 0013 8000",
        "--name",
        "Li Na",
        "--create",
        "--level",
        "orange",
        "--description",
        "no calls since nine",
        "--key",
        "call-1",
    ];
    let answer = fine(folder, &address, &register);
    let number = answer["ticket"]["number"].as_str().expect("a number").to_owned();
    assert_eq!(fine(folder, &address, &register)["ticket"]["number"], number.as_str(), "the same key");
    let (code, out, _) = ticket(folder, &address, &["clocks", &number]);
    assert!(code == 0 && out.contains("R54") && out.contains("R70"), "{out}");
    let note = ["bulk", "note", &number, "LM-2026-999999", "--body", r#"{"text": "heard of both"}"#];
    let (code, out, said) = ticket(folder, &address, &note);
    assert_eq!(code, 1, "one of them there is not: {said}");
    assert!(out.contains(&format!("{number}: note done")) && out.contains("LM-2026-999999: "), "{out}");
    let (code, _, said) = ticket(folder, &address, &["bulk", "note", &number, "--body", "text"]);
    assert!(code != 0 && said.contains("--body is no JSON"), "{said}");

    let (code, _, said) = ticket(
        folder,
        &address,
        &["assign", &number, "--owner", "ada", "--target", "x", "--deadline", "2020-01-01T00:00:00Z"],
    );
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("(R51)"), "{said}");
    let (code, _, said) = ticket(
        folder,
        &address,
        &["--lang", "zh-CN", "classify", &number, "--class", "B", "--level", "blue"],
    );
    assert!(code == 1 && said.contains("级别") && said.contains("R34"), "{said}");
    let classified = fine(folder, &address, &["classify", &number, "--class", "B"]);
    assert_eq!((&classified["state"], &classified["class"]), (&"classified".into(), &"B".into()));
    let contact = [
        "contact",
        &number,
        "--purpose",
        "first_response",
        "--reply-by",
        "2099-01-01T00:00:00Z",
        "--text",
        "soothed",
    ];
    let contacted = fine(folder, &address, &contact);
    assert_eq!(contacted["process"]["contacts"].as_array().map(Vec::len), Some(1));

    let (code, out, _) = ended(folder, &["ticket", "-c", "linesman.toml", "list"]);
    assert!(code == 0 && out.contains(&number) && out.contains("unknown"), "{out}");
    let (code, out, _) = ended(folder, &["ticket", "-c", "linesman.toml", "list", "--tag", "no_service"]);
    assert!(code == 0 && out.contains("no tickets"), "{out}");
    let tagged = ["classify", &number, "--class", "B", "--tag", "no_service", "--tag", "hardware_fault"];
    fine(folder, &address, &tagged);
    let (code, out, _) = ended(folder, &["ticket", "-c", "linesman.toml", "list", "--tag", "no_service"]);
    assert!(code == 0 && out.contains(&number), "{out}");
    let (code, out, _) =
        ended(folder, &["ticket", "-c", "linesman.toml", "--lang", "zh-CN", "show", &number]);
    assert!(code == 0 && out.contains("业务中断, 硬件故障"), "{out}");
    let (code, _, said) = ticket(folder, &address, &["classify", &number, "--class", "B", "--tag", "tariff"]);
    assert!(code == 1 && said.contains("R49") && said.contains("hardware_fault"), "{said}");
    let analysis = ["--customer", "silent since nine", "--staff", "card worn", "--company", "exchange it"];
    let typed = |measure: &'static str| -> Vec<&str> {
        let plan = ["plan", number.as_str(), "--remedy", "apology", "--measure", measure];
        plan.into_iter().chain(analysis).collect()
    };
    let (code, _, said) = ticket(folder, &address, &typed("tomorrow ada exchange the card"));
    assert!(code == 2 && said.contains("is no time") && said.contains("TIME WHO WHAT"), "{said}");
    let (code, _, said) = ticket(folder, &address, &typed("2099-01-01T00:00:00Z ada exchange the card"));
    assert!(code == 1 && said.contains("(R93)"), "nobody works on it yet: {said}");
    let due = ["assign", &number, "--owner", "test", "--target", "x", "--deadline", "2099-01-01T00:00:00Z"];
    let owner = fine(folder, &address, &["show", &number]);
    assert!(owner["ticket"]["process"]["received_by"].is_string(), "R16: {owner}");
    let owner = owner["ticket"]["process"]["received_by"].as_str().expect("a clerk").to_owned();
    let due: Vec<&str> =
        due.into_iter().map(|word| if word == "test" { owner.as_str() } else { word }).collect();
    fine(folder, &address, &due);
    fine(folder, &address, &["accept", &number]);
    let planned = fine(folder, &address, &typed("2099-01-01T00:00:00Z ada exchange the card"));
    let task = &planned["process"]["works"][0];
    assert_eq!((&task["with"], &task["what"]), (&"ada".into(), &"exchange the card".into()), "{planned}");

    let (code, out, _) = ended(folder, &["explain", "-c", "linesman.toml", &number]);
    assert!(code == 0 && out.contains("registered by people"), "{out}");
    assert!(daemon.stop().await.success());
}

fn ended(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    super::ended(linesman(folder, arguments).output().expect("the program runs"))
}
