use std::collections::BTreeMap;

use super::run::MOST_STEPS;
use super::*;
use crate::text::Language;
use chrono::{DateTime, TimeDelta, Utc};

fn trees() -> &'static Trees {
    Trees::shipped().expect("shipped")
}

pub(super) fn noon() -> DateTime<Utc> {
    "2026-03-02T04:00:00Z".parse().expect("a time")
}

pub(super) fn everybody() -> Answerer {
    Answerer::Person { name: "Li".to_owned(), roles: Role::ALL.to_vec(), evidence: None }
}

/// An answer by somebody who may give all, with all details told.
pub(super) fn given(node: &Node, answer: &str, at: DateTime<Utc>) -> Given {
    let details = node.ask.iter().map(|detail| (detail.id.clone(), "told".to_owned())).collect();
    Given { answer: answer.to_owned(), by: everybody(), details, at }
}

fn walk(run: &mut Run, answers: &[(&str, &str)]) {
    for (node, answer) in answers {
        let asked = run.standing(trees()).expect("it is there").node();
        let given = given(asked, answer, noon());
        run.answer(trees(), node, given).unwrap_or_else(|against| panic!("{node} {answer}: {against:?}"));
    }
}

fn start(name: &str) -> Run {
    Run::start(trees(), name, noon()).expect("a tree")
}

fn ends(run: &Run) -> Option<Outcome> {
    match run.standing(trees()).expect("it is there") {
        Standing::Ended(_, _, outcome) => Some(outcome),
        Standing::Asks(..) => None,
    }
}

#[test]
fn the_shipped_trees_hold_together_and_have_every_node_of_the_flow_chart_r57() {
    let files: Vec<String> = match check::read_all(&SHIPPED) {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
    };
    assert!(files.is_empty(), "{}", files.join("\n"));
    let names: Vec<&str> = trees().all_latest().iter().map(|tree| tree.name.as_str()).collect();
    assert_eq!(names, NAMES);
    let chart = "I1 I2 I3 I4 I5 I6 I7 I8 T1 T2 T3 T4 T5 A1 A2 A3 A4 A5 A6 A7 A8 B1 B2 B3 B4 B5 B6 B6b B7 B8 B9 \
                 B10 C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 D1 D2 D3 D4 D5 D6 D7 D8 E1 E2 E3";
    let known: Vec<&str> =
        trees().all_latest().into_iter().flat_map(|tree| &tree.nodes).map(|node| node.id.as_str()).collect();
    let missing: Vec<&str> = chart.split_whitespace().filter(|id| !known.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_complaint_goes_from_intake_into_its_class_and_to_a_result_r21_r57() {
    let mut run = start("INTAKE");
    walk(
        &mut run,
        &[("I1", "done"), ("I2", "other"), ("I4", "yes"), ("I7", "done"), ("I8", "A"), ("A1", "done")],
    );
    walk(&mut run, &[("A2", "yes"), ("A4", "done"), ("A5", "yes"), ("A6", "yes"), ("A7", "done")]);
    walk(&mut run, &[("A8", "done"), ("A8f", "done")]);
    assert_eq!(ends(&run), Some(Outcome::Result));
    assert_eq!(run.visited(), ["INTAKE", "A"]);
    assert_eq!(run.path().len(), 13);
}

#[test]
fn who_is_off_duty_owes_a_reply_and_a_remittance_goes_to_top_up_r22_r66() {
    let mut run = start("INTAKE");
    walk(&mut run, &[("I1", "done"), ("I2", "technical"), ("I3", "no"), ("I5", "no"), ("I5r", "done")]);
    assert_eq!(ends(&run), Some(Outcome::OwnerReplies));
    let mut run = start("INTAKE");
    walk(&mut run, &[("I1", "done"), ("I2", "other"), ("I4", "no"), ("I5", "yes"), ("I6", "yes")]);
    walk(&mut run, &[("T1", "done"), ("T2", "done"), ("T3", "no"), ("T5", "voucher"), ("T3", "yes")]);
    walk(&mut run, &[("T4", "done"), ("T4n", "done")]);
    assert_eq!(ends(&run), Some(Outcome::Credited));
    let mut run = start("TOP-UP");
    walk(&mut run, &[("T1", "done"), ("T2", "done"), ("T3", "no"), ("T5", "none")]);
    assert_eq!(ends(&run), Some(Outcome::NotReceived));
}

#[test]
fn a_comparison_without_its_five_dimensions_is_refused_and_all_missing_ones_are_named_r58() {
    let mut run = start("A");
    walk(&mut run, &[("A1", "done"), ("A2", "yes"), ("A4", "done")]);
    let by = Answerer::Person { name: "Zhou".to_owned(), roles: vec![Role::Finance], evidence: None };
    let details =
        BTreeMap::from([("rate".to_owned(), "same".to_owned()), ("record_time".to_owned(), " ".to_owned())]);
    let before = run.clone();
    let against = run
        .answer(trees(), "A5", Given { answer: "perhaps".to_owned(), by, details, at: noon() })
        .expect_err("refused");
    assert_eq!(run, before);
    let said: Vec<String> = against.iter().map(|one| one.say(Language::English)).collect();
    assert_eq!(said.len(), 6, "{said:#?}");
    assert!(said[0].contains("takes no answer `perhaps`; it takes yes, no"), "{said:?}");
    assert!(said[1].contains("answered by the Technical manager, which Zhou is not"), "{said:?}");
    assert!(said[2].contains("`call_duration` (R58): Call duration"), "{said:?}");
    assert!(against[5].say(Language::Chinese).contains("记录时间"));
}

#[test]
fn the_path_of_the_diagnosis_prefills_the_run_and_stops_where_a_person_acts_r60() {
    let measured = [
        Measured::new("B2", true),
        Measured::new("B4", true),
        Measured::new("B5", false),
        Measured::new("B6", false),
        Measured::new("B6b", false),
        Measured::new("B7", true),
    ];
    let run = Run::from_path(trees(), "B", &measured, "diagnosis-1", noon()).expect("a tree");
    assert_eq!(run.nodes(), ["B2", "B4", "B5", "B6", "B6b", "B7", "B7a"]);
    assert!(
        run.path()
            .iter()
            .all(|step| matches!(&step.answerer, Answerer::Auto { evidence } if evidence == "diagnosis-1"))
    );
    // The same measurement fills a customer's run once a person has spoken to the customer ...
    let mut run = start("B");
    assert_eq!(run.prefill(trees(), &measured, "diagnosis-1", noon()), Ok(0));
    walk(&mut run, &[("B1", "done")]);
    assert_eq!(run.prefill(trees(), &measured, "diagnosis-1", noon()), Ok(6));
    // ... and not a second time after a repair that did not help; a new one does.
    walk(&mut run, &[("B7a", "done"), ("B9", "no"), ("B1", "done")]);
    assert_eq!(run.prefill(trees(), &measured, "diagnosis-1", noon()), Ok(0));
    assert_eq!(run.prefill(trees(), &measured, "diagnosis-2", noon()), Ok(6));
}

#[test]
fn every_path_that_the_diagnosis_can_walk_fits_the_trees_r57() {
    let said = |text: &str| -> Vec<Measured> {
        text.split_whitespace()
            .map(|one| Measured::new(one.trim_end_matches('-'), !one.ends_with('-')))
            .collect()
    };
    for (class, path, stands_at) in [
        ("B", "B2- B3", "B3"),
        ("B", "B2 B4 B5", "B8"),
        ("B", "B2 B4 B5- B6", "B8"),
        ("B", "B2 B4 B5- B6- B6b", "B8"),
        ("B", "B2 B4 B5- B6- B6b- B7-", "B7x"),
        ("C", "C2 C3 C4 C5-", "C5"),
        // That the gateway is the customer's says nothing of the standard.
        ("C", "C2- C3 C4-", "C4"),
        ("C", "C2 C3- C7", "C8"),
        ("C", "C2- C3- C7-", "C6"),
        ("D", "D3", "D4"),
        ("D", "D3-", "D3"),
    ] {
        let run = Run::from_path(trees(), class, &said(path), "d", noon()).expect("a tree");
        assert_eq!(run.current().node, stands_at, "{path}");
    }
}

#[test]
fn voice_quality_routes_into_server_device_and_network_r63_r64() {
    for (answer, tree, node) in [("server", "B", "B8"), ("device", "C", "C1"), ("network", "B", "B1")] {
        let mut run = start("D");
        walk(&mut run, &[("D1", "done"), ("D2", "done"), ("D3", answer)]);
        assert_eq!(*run.current(), Place { tree: tree.to_owned(), node: node.to_owned() });
        assert_eq!(run.visited(), ["D", tree]);
    }
    let mut run = start("D");
    walk(&mut run, &[("D1", "done"), ("D2", "done"), ("D3", "line")]);
    let asked = run.standing(trees()).expect("it is there").node();
    let follows = run.answer(trees(), "D4", given(asked, "done", noon())).expect("taken");
    assert_eq!(follows.effects, [Effect::RouteStop, Effect::RouteDivert]);
    walk(&mut run, &[("D5", "done"), ("D6", "done"), ("D7", "no"), ("D7p", "again"), ("D6", "done")]);
    let asked = run.standing(trees()).expect("it is there").node();
    let follows = run.answer(trees(), "D7", given(asked, "yes", noon())).expect("taken");
    assert_eq!(follows.effects, [Effect::RouteRestore]);
    walk(&mut run, &[("D8", "done")]);
    assert_eq!(ends(&run), Some(Outcome::Result));
}

#[test]
fn a_company_gateway_skips_the_standard_and_unfamiliar_hardware_names_who_was_asked_r62() {
    let mut run = start("C");
    walk(&mut run, &[("C1", "done"), ("C2", "yes"), ("C3", "configuration"), ("C4", "yes")]);
    let given = Given { answer: "yes".to_owned(), by: everybody(), details: BTreeMap::new(), at: noon() };
    let against = run.answer(trees(), "C5", given).expect_err("refused");
    let said: Vec<String> = against.iter().map(ToString::to_string).collect();
    assert!(said[0].contains("`consulted` (R62)") && said[1].contains("`dmz` (R62)"), "{said:?}");
    walk(&mut run, &[("C5", "no"), ("C7", "yes"), ("C8", "no"), ("C9", "done"), ("C10", "done")]);
    assert_eq!(ends(&run), Some(Outcome::Result));
}

#[test]
fn a_short_consultation_has_ten_or_five_minutes_from_when_it_began_r65_r82() {
    for (who, node, minutes) in [("doubtful", "E3b", 10), ("help_seeker", "E3c", 5)] {
        for (late, over) in [(0, false), (1, true)] {
            let mut run = start("E");
            walk(&mut run, &[("E1", "done"), ("E2", "done"), ("E3", who)]);
            let ends = noon() + TimeDelta::minutes(minutes);
            assert_eq!(run.cap_ends(trees()), Ok(Some(ends)));
            let asked = run.standing(trees()).expect("it is there").node();
            let given = given(asked, "done", ends + TimeDelta::seconds(late));
            let follows = run.answer(trees(), node, given).expect("taken");
            assert_eq!((follows.over_cap, run.path()[3].over_cap), (over, over));
        }
    }
    let mut run = start("E");
    walk(&mut run, &[("E1", "done"), ("E2", "done"), ("E3", "existing")]);
    assert_eq!(run.cap_ends(trees()), Ok(None));
}

#[test]
fn what_is_not_asked_or_cannot_be_measured_is_refused_in_both_languages_r57() {
    let mut run = start("B");
    let asked = run.standing(trees()).expect("it is there").node();
    let refused = run.answer(trees(), "B2", given(asked, "yes", noon())).expect_err("not current");
    assert_eq!(refused, [Refusal::NotCurrent { asked: "B2".to_owned(), current: "B1".to_owned() }]);
    assert!(refused[0].say(Language::Chinese).contains("当前环节是B1"));
    let by = Answerer::Auto { evidence: "x".to_owned() };
    let auto = Given { answer: "done".to_owned(), by, details: BTreeMap::new(), at: noon() };
    let refused = run.answer(trees(), "B1", auto).expect_err("not measurable");
    assert_eq!(refused, [Refusal::NotMeasurable { node: "B1".to_owned(), answer: "done".to_owned() }]);
    walk(&mut run, &[("B1", "done"), ("B2", "no"), ("B3", "done"), ("B9", "yes"), ("B10", "done")]);
    let asked = run.standing(trees()).expect("it is there").node();
    let refused = run.answer(trees(), "B11", given(asked, "done", noon())).expect_err("ended");
    assert_eq!(refused, [Refusal::Ended { at: "B11".to_owned() }]);
    assert_eq!(Run::start(trees(), "F", noon()), Err(Refusal::NoSuchTree { name: "F".to_owned() }));
}

#[test]
fn a_wrong_answer_is_corrected_with_a_reason_and_stays_in_the_path_r24() {
    let measured = [Measured::new("B2", true), Measured::new("B4", true), Measured::new("B5", true)];
    let mut run = Run::from_path(trees(), "B", &measured, "d", noon()).expect("a tree");
    assert_eq!(run.current().node, "B8");
    let to = Place { tree: "B".to_owned(), node: "B5".to_owned() };
    let refused = run.correct(trees(), &to, everybody(), " ", noon()).expect_err("no reason");
    assert_eq!(refused, [Refusal::NoReason]);
    let agent = Answerer::Person { name: "Han".to_owned(), roles: vec![Role::Agent], evidence: None };
    let refused = run.correct(trees(), &to, agent, "I think so", noon()).expect_err("not theirs");
    assert!(matches!(refused.as_slice(), [Refusal::NotYours { role: Role::Technician, .. }]), "{refused:?}");
    let elsewhere = Place { tree: "B".to_owned(), node: "B9".to_owned() };
    let refused = run.correct(trees(), &elsewhere, everybody(), "x", noon()).expect_err("not there yet");
    assert_eq!(refused, [Refusal::NotInPath { node: "B9".to_owned() }]);
    run.correct(trees(), &to, everybody(), "the server was idle, the switch is dead", noon()).expect("taken");
    walk(&mut run, &[("B5", "no"), ("B6", "no"), ("B6b", "yes")]);
    assert_eq!(run.nodes(), ["B2", "B4", "B5", "B8", "B5", "B6", "B6b", "B8"]);
}

const OWN: &str = r#"
tree = "E"
version = 2
rule = "R57"
title = "Consultation"
title_zh = "咨询"
author = "Wang"
change = "shorter"
start = "E1"

[[node]]
id = "E1"
kind = "action"
role = "agent"
rule = "R57"
text = "Answer"
text_zh = "答复"
next = "E2"

[[node]]
id = "E2"
kind = "outcome"
outcome = "result"
rule = "R57"
text = "Answered"
text_zh = "已答复"
"#;

#[test]
fn an_own_tree_takes_the_place_of_a_shipped_one_and_a_running_run_keeps_its_version_r114() {
    let with_own = Trees::with_own(&[TreeFile { file: "own.toml", text: OWN }]).expect("read");
    let mut old = start("E");
    let asked = old.standing(&with_own).expect("kept").node();
    assert_eq!(asked.text.en, trees().latest("E").expect("E").nodes[0].text.en);
    old.answer(&with_own, "E1", given(asked, "done", noon())).expect("taken");
    let new = Run::start(&with_own, "E", noon()).expect("a tree");
    assert_eq!(new.versions()["E"], 2);
    assert_eq!(new.standing(&with_own).expect("it is there").node().text.en, "Answer");
    // Without the file the new run says what is missing.
    assert_eq!(new.standing(trees()), Err(Refusal::VersionGone { tree: "E".to_owned(), version: 2 }));
    let same = OWN.replace("version = 2", "version = 1");
    let wrong = Trees::with_own(&[TreeFile { file: "own.toml", text: &same }]).expect_err("twice");
    assert_eq!(
        wrong[0].to_string(),
        "own.toml:3:11: there already is a version 1 of tree E; what runs keeps it, so give yours a higher one"
    );
}

#[test]
fn every_mistake_of_a_tree_is_named_at_its_place_r57() {
    let cases = [
        ("next = \"E2\"", "next = \"E9\"", "own.toml:18:8: no node `E9` in this tree"),
        ("next = \"E2\"", "next = \"B8\"", "own.toml:18:8: no node `B8` in tree E; did you mean `B/B8`?"),
        ("next = \"E2\"", "next = \"X/B8\"", "own.toml:18:8: no node `B8` in tree X; did you mean `B/B8`?"),
        (
            "next = \"E2\"",
            "next = \"E1\"",
            "own.toml:12:6: no way from here comes to an outcome; give one of its answers a way out",
        ),
        (
            "next = \"E2\"",
            "next = \"B/B8\"",
            "own.toml:21:6: nothing leads here; name it as a `next` or `to`, or take it out",
        ),
        (
            "next = \"E2\"\n",
            "",
            "own.toml:12:6: an action has `next` and no answers; make it a question if it may go several ways",
        ),
        ("start = \"E1\"", "start = \"E7\"", "own.toml:9:9: no node `E7` in this tree"),
        (
            "\"答复\"",
            "\"answer\"",
            "own.toml:12:6: the Chinese text is missing; write `text_zh = \"…\"` in Chinese",
        ),
        (
            "text = \"Answer\"",
            "text = \"\"",
            "own.toml:12:6: the English text is missing; write `text = \"…\"`",
        ),
        ("role = \"agent\"\n", "", "own.toml:12:6: say who answers, as `role = \"technician\"`"),
        (
            "\"E2\"\nkind",
            "\"E1\"\nkind",
            "own.toml:21:6: `E1` is there twice; give each node an id of its own",
        ),
        ("outcome = \"result\"\n", "", "own.toml:21:6: say how it ends, as `outcome = \"result\"`"),
        (
            "rule = \"R57\"\ntitle",
            "rule = \"57\"\ntitle",
            "own.toml:4:8: a rule is named as in mission.md, such as R57",
        ),
        ("version = 2", "version = 2\nextra = 1", "unknown field `extra`"),
    ];
    for (from, to, expected) in cases {
        let text = OWN.replacen(from, to, 1);
        assert_ne!(text, OWN);
        let wrong = Trees::with_own(&[TreeFile { file: "own.toml", text: &text }]).expect_err(expected);
        let said: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(expected)), "{said:#?}\n{expected}");
    }
}

#[test]
fn a_run_in_circles_ends_with_a_refusal() {
    let mut run = start("B");
    walk(&mut run, &[("B1", "done"), ("B2", "no"), ("B3", "done")]);
    for _ in 0..(MOST_STEPS - 3) / 4 {
        walk(&mut run, &[("B9", "no"), ("B1", "done"), ("B2", "no"), ("B3", "done")]);
    }
    walk(&mut run, &[("B9", "no")]);
    assert_eq!(run.path().len(), MOST_STEPS);
    let asked = run.standing(trees()).expect("it is there").node();
    assert_eq!(run.answer(trees(), "B1", given(asked, "done", noon())), Err(vec![Refusal::TooLong]));
}
