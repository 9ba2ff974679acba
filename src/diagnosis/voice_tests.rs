//! Bad calls become a trunk's fault, or evidence of what spoils them on the way; their end is heard.

use std::collections::VecDeque;
use std::sync::Arc;

use linesman_probes::observation::Outcome;

use super::*;
use crate::diagnosis::{Class, FaultState, RoundPoint, Series, analyse};
use crate::locale::Language;
use crate::settings::parse;
use crate::voice::cohort::{Slot, TheirWord, TrunkVoice};

const NETWORK: &str = r#"
    [[server]]
    name = "sbc-1"
    address = "192.0.2.1"
    [[link]]
    name = "link-1"
    near = "sbc-1"
    carrier = "Carrier A"
    far_address = "192.0.2.2"
    [[trunk]]
    name = "trunk-1"
    link = "link-1"
    carrier = "Carrier A"
    sip = "192.0.2.3"
    [[trunk]]
    name = "trunk-2"
    link = "link-1"
    sip = "192.0.2.4"
    [[customer]]
    name = "customer-1"
    trunks = ["trunk-1"]
    [[customer]]
    name = "customer-2"
    trunks = ["trunk-1"]
"#;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
}

fn cohort(second: i64) -> Cohort {
    Cohort {
        calls: 9,
        bad_calls: 7,
        bad_test_calls: 0,
        elsewhere: 12,
        elsewhere_bad: 0,
        first_seen: at(second - 60),
        last_seen: at(second - 5),
        loss_ratio: 0.081,
        jitter_ms: Some(14.0),
        mos: Some((2.2, 3.4)),
        codecs: vec!["PCMA".to_owned()],
        customers: vec!["customer-1".to_owned()],
        worst: Vec::new(),
        told_by_carrier: Some(TheirWord { calls: 4, loss_ratio: 0.02 }),
        told_by_listener: Some(TheirWord { calls: 5, loss_ratio: 0.09 }),
    }
}

/// What is heard from trunk-1: bad calls, or slots of good ones.
fn heard(cohort: Option<Cohort>, good_slots: std::ops::Range<i64>) -> Vec<TrunkVoice> {
    let slots = good_slots.map(|slot| Slot { at: at(slot * 10), calls: 4, bad: 0, tests: 0 }).collect();
    vec![TrunkVoice { trunk: "trunk-1".to_owned(), cohort, slots, minimum_share: 0.3 }]
}

/// A look at second `now`: the link answers so many of five requests, none: it is not measured.
fn look(now: i64, link: Option<u32>, voice: Vec<TrunkVoice>, faults: Vec<Fault>) -> Vec<Fault> {
    let settings = parse("test", NETWORK, []).expect("fine").settings;
    let inventory = settings.inventory.clone();
    let series = inventory.targets().iter().enumerate().map(|(target, it)| {
        let name = inventory.element(it.element).name.as_str();
        let received = match name {
            "sbc-1" => Some(5),
            "link-1" => link,
            _ => link.map(|received| received.min(5)).or(Some(5)),
        };
        let round = |number: i64, received: u32| RoundPoint {
            start: at(now - 5 * number),
            end: at(now - 5 * number + 1),
            outcome: Outcome::Answered,
            sent: 5,
            received,
            rtt_mean_ms: Some(1.0),
            jitter_ms: None,
            code: None,
            host: None,
        };
        let rounds: VecDeque<RoundPoint> = received
            .into_iter()
            .flat_map(|received| (1..=20).rev().map(move |number| (number, received)))
            .map(|(number, received)| round(number, received))
            .collect();
        Series { target, rounds: Arc::new(rounds) }
    });
    let input = Input {
        now: at(now),
        series: series.collect(),
        inventory: inventory.clone(),
        anchor_answers: Vec::new(),
        voice,
        faults,
        settings: settings.diagnosis,
    };
    analyse(&input).faults
}

#[test]
fn many_bad_calls_on_a_trunk_behind_a_clean_link_are_its_fault_after_two_looks() {
    let first = look(100, Some(5), heard(Some(cohort(100)), 0..0), Vec::new());
    assert!(matches!(first[0].life, FaultState::Suspected { looks: 1 }), "{first:#?}");
    let faults = look(101, Some(5), heard(Some(cohort(101)), 0..0), first);
    let [fault] = faults.as_slice() else { panic!("{faults:#?}") };
    assert!(matches!(fault.life, FaultState::Raised { .. }));
    assert_eq!(
        (fault.class, fault.cause, fault.segment.as_str()),
        (Class::D, Cause::LandingTrunk, "trunk-1")
    );
    assert_eq!(fault.began, at(40), "since the first bad window");
    assert_eq!(fault.affected_customers, ["customer-1"], "those whose calls were bad");
    assert!(fault.confidence >= 0.85, "{}", fault.confidence);
    assert_eq!(fault.path(), ["D3"]);
    for language in [Language::English, Language::Chinese] {
        let said = [vec![fault.headline.clone()], fault.reasons.clone(), fault.why_not.clone()].concat();
        for message in said {
            let text = message.render(language);
            assert!(!text.contains('{') && !text.contains("voice_") && !text.contains("term."), "{text}");
        }
    }
    assert!(fault.headline.render(Language::English).contains("7 of 9 calls"), "{:?}", fault.headline);
    let said: Vec<&str> = fault.reasons.iter().map(|reason| reason.key.as_str()).collect();
    for key in ["reason.voice_told_by_carrier", "reason.voice_told_by_listener"] {
        assert!(said.contains(&key), "their word is a line of its own: {said:?}");
    }
}

#[test]
fn where_the_link_loses_packets_itself_it_is_the_links_fault_and_the_voice_its_evidence() {
    let first = look(100, Some(3), heard(Some(cohort(100)), 0..0), Vec::new());
    let faults = look(101, Some(3), heard(Some(cohort(101)), 0..0), first);
    let [fault] = faults.as_slice() else { panic!("{faults:#?}") };
    assert_eq!((fault.class, fault.segment.as_str()), (Class::B, "link-1"));
    assert!(fault.voice.is_some());
    assert!(fault.reasons.iter().any(|reason| reason.key == "reason.voice_damage"), "{:#?}", fault.reasons);
}

#[test]
fn a_trunk_whose_line_is_not_measured_is_accused_with_less_confidence() {
    let first = look(100, None, heard(Some(cohort(100)), 0..0), Vec::new());
    let fault = &look(101, None, heard(Some(cohort(101)), 0..0), first)[0];
    assert!(fault.confidence <= UNPROVEN, "{}", fault.confidence);
    assert_eq!(fault.headline.key, "headline.landing_trunk_voice_alone");
}

#[test]
fn its_end_is_proven_by_good_calls_that_last_and_not_by_silence() {
    let first = look(100, Some(5), heard(Some(cohort(100)), 0..0), Vec::new());
    let raised = look(101, Some(5), heard(Some(cohort(101)), 0..0), first);
    let silent = look(400, Some(5), heard(None, 0..0), raised);
    assert!(matches!(silent[0].life, FaultState::Raised { .. }), "nothing heard proves nothing");
    let clearing = look(450, Some(5), heard(None, 40..43), silent);
    assert!(
        matches!(clearing[0].life, FaultState::Clearing { good_rounds: 3, .. }),
        "{:?}",
        clearing[0].life
    );
    let cleared = look(800, Some(5), heard(None, 40..78), clearing);
    assert_eq!(cleared[0].life, FaultState::Cleared { at: at(800), since: at(400) });
    // Bad calls in between begin it anew.
    let mut voice = heard(None, 40..78);
    voice[0].slots[30].bad = 3;
    assert_eq!(voice[0].good_since(at(96)).map(|run| run.live), Some(7));
}

/// Good test calls and nothing else, five minutes from one to the next, after the trouble of second 60.
fn good_test_calls(count: i64) -> Vec<TrunkVoice> {
    let slots = (1..=count).map(|number| Slot { at: at(300 * number), calls: 1, bad: 0, tests: 1 }).collect();
    vec![TrunkVoice { trunk: "trunk-1".to_owned(), cohort: None, slots, minimum_share: 0.3 }]
}

#[test]
fn r24_ten_good_test_calls_prove_the_end_of_a_trunks_trouble_and_nine_do_not() {
    let cohort = Cohort { bad_test_calls: 7, ..cohort(60) };
    let suspected = look(60, Some(5), heard(Some(cohort.clone()), 0..0), Vec::new());
    let raised = look(61, Some(5), heard(Some(cohort), 0..0), suspected);
    let fault = raised.iter().find(|fault| fault.segment == "trunk-1").expect("a fault of the trunk");
    assert!(matches!(fault.life, FaultState::Raised { .. }), "{:?}", fault.life);
    let said: Vec<String> = fault.reasons.iter().map(|reason| reason.render(Language::English)).collect();
    assert!(said.iter().any(|sentence| sentence.contains("test calls of our own")), "{said:?}");

    let nine = look(2_720, Some(5), good_test_calls(9), raised.clone());
    assert!(matches!(nine[0].life, FaultState::Clearing { .. }), "{:?}", nine[0].life);
    let ten = look(3_020, Some(5), good_test_calls(10), nine);
    assert!(matches!(ten[0].life, FaultState::Cleared { .. }), "{:?}", ten[0].life);
}
