//! `linesman tree` as a person runs it who wants to see, change or try a decision tree.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{ended, folder, json as document, linesman, run};

fn walk(here: &Path, arguments: &[&str], answers: &str) -> (i32, String, String) {
    let mut command = linesman(here, arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("piped").write_all(answers.as_bytes()).expect("it reads");
    ended(child.wait_with_output().expect("it ends"))
}

#[test]
fn every_tree_is_shown_in_both_languages_with_who_answers_and_where_it_leads() {
    let here = folder();
    let (code, out, _) = run(here.path(), &["tree", "show"]);
    let names: Vec<&str> = out.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!((code, names), (0, vec!["INTAKE", "TOP-UP", "A", "B", "C", "D", "E"]));
    let (_, out, _) = run(here.path(), &["tree", "show", "B"]);
    assert!(
        out.contains("B7   Is the fibre faulty?\n     [Technician · Measurement of the fibre · R61]\n     yes: Yes -> B7a\n"),
        "{out}"
    );
    let (_, out, _) = run(here.path(), &["tree", "show", "D", "--lang", "zh-CN"]);
    assert!(out.contains("server: 服务器状态 -> B/B8"), "{out}");
    let (_, out, _) = run(here.path(), &["tree", "show", "A", "--json"]);
    assert_eq!(document(&out)["nodes"][4]["ask"][3]["id"], "record_count");
    let (code, _, said) = run(here.path(), &["tree", "show", "F"]);
    assert_eq!(code, 2);
    assert!(said.contains("no tree `F`; there are INTAKE, TOP-UP, A"), "{said}");
}

#[test]
fn a_mistake_in_an_own_tree_is_told_with_its_place_and_ends_with_3() {
    let here = folder();
    let shipped = include_str!("../../src/process/trees/E.toml");
    let own = shipped.replace("version = 1", "version = 2");
    std::fs::write(here.path().join("own.toml"), &own).expect("written");
    let (code, out, _) = run(here.path(), &["tree", "check", "own.toml"]);
    assert_eq!((code, out.as_str()), (0, "own.toml fits the shipped trees\n"));
    std::fs::write(here.path().join("own.toml"), own.replacen("next = \"E2\"", "next = \"E8\"", 1))
        .expect("written");
    let (code, out, _) = run(here.path(), &["tree", "check", "own.toml"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("own.toml:17:8: no node `E8` in this tree\n"), "{out}");
    let (code, out, _) = run(here.path(), &["tree", "check", "own.toml", "--json"]);
    assert_eq!((code, &document(&out)["mistakes"][0]["line"]), (3, &Value::from(17)));
    let (code, _, said) = run(here.path(), &["tree", "show", "E", "--own", "own.toml"]);
    assert!(code == 3 && said.contains("own.toml:17:8"), "{said}");
}

#[test]
fn a_measured_path_is_walked_by_itself_and_a_person_carries_it_to_the_result() {
    let here = folder();
    let measured = ["B2=yes", "B4=yes", "B5=no", "B6=no", "B6b=no", "B7=yes"];
    let mut arguments = vec!["tree", "walk", "B", "--json"];
    arguments.extend(measured.iter().flat_map(|one| ["--measured", one]));
    let answers = "\n2026-03-02 04:00\nspliced\nyes\nloss is gone, customer agrees\n\nsplice closure 7\n";
    let (code, out, said) = walk(here.path(), &arguments, answers);
    let result = document(&out);
    assert_eq!(code, 0, "{out}{said}");
    assert_eq!(result["path"], json!(["B2", "B4", "B5", "B6", "B6b", "B7", "B7a", "B9", "B10", "B11"]));
    assert_eq!(result["outcome"], "result");
    assert_eq!(result["steps"][5]["answerer"]["by"], "auto");
    assert_eq!(result["steps"][7]["details"]["proof"], "loss is gone, customer agrees");
    assert!(
        said.contains("B/B7a [Technician] Report to the carrier") && said.contains("=> Draft an article"),
        "{said}"
    );
    // Without an end the path so far is shown, and that it is not over.
    let (code, out, said) = walk(here.path(), &["tree", "walk", "INTAKE"], "\nperhaps\ntechnical\n");
    assert_eq!(
        (code, out.as_str()),
        (1, "INTAKE/I1 done (stdin)\nINTAKE/I2 technical (stdin)\nINTAKE/I3 not answered\n")
    );
    assert!(said.contains("I2 takes no answer `perhaps`; it takes technical, other"), "{said}");
    let (code, _, said) = run(here.path(), &["tree", "walk", "B", "--measured", "B2=perhaps"]);
    assert!(code == 2 && said.contains("NODE=yes or NODE=no"), "{said}");
}
