use askama::Template as _;
use chrono::{DateTime, TimeDelta, Utc};

use crate::diagnosis::billed::{BilledMedia, kind_words, undecided_words};
use crate::diagnosis::billing::{self, Bill};
use crate::diagnosis::{Cause, Fault};
use crate::locale::{Language, Message, words};
use crate::settings::BillingLimits;
use crate::store::{ReconcileRun, Role, RunAnswer, RunRequest, RunStatus};
use crate::ticket::event::Applied;
use crate::ticket::{self, Actor, Event, Ticket, TicketId, TicketNumber};

use super::action::Draft;
use super::asker::{Tongue, Viewer};
use super::series::Frame;
use super::shell::Shell;
use super::ticket::Material;
use super::{fixture, reconciliation, ticket as page};

const BOTH: [Language; 2] = [Language::English, Language::Chinese];

fn shell(language: Language, role: Role) -> Shell {
    let tongue = Tongue { language, chosen: false, here: "/".to_owned() };
    let viewer = Viewer { name: "bill".to_owned(), role };
    Shell::new(&tongue, Some(&viewer), "t".to_owned(), "tickets")
}

fn at() -> DateTime<Utc> {
    fixture::now()
}

fn outcome(difference: &str) -> linesman_cdr::Outcome {
    let causes = match difference {
        "0" => serde_json::json!([]),
        amount => serde_json::json!([{"kind": "increment", "at_fault": "theirs",
            "selector": {"prefix": "8613", "gateway": "<b>gw</b>"}, "contract": "6/6", "used": "60/60",
            "window": null, "calls": 182, "amount": amount, "range": [amount, amount], "mean": amount,
            "examples": []}]),
    };
    serde_json::from_value(serde_json::json!({
        "currency": "USD",
        "totals": {"ours": "20.432677", "theirs": "22.505277", "difference": difference, "correct": "20.432677",
            "ours_minus_correct": "0", "theirs_minus_correct": difference},
        "counts": {"ours": 950, "theirs": 950, "paired": 950, "only_ours": 0, "only_theirs": 0,
            "duplicates_ours": 0, "duplicates_theirs": 0, "rejected_ours": 0, "rejected_theirs": 0,
            "amount_differs": 174, "parts_ours": 0, "parts_theirs": 0},
        "findings": [{"kind": "clock_offset", "side": "theirs", "seconds": -3}],
        "causes": causes, "unexplained": "0", "verdict": "theirs"}))
    .unwrap()
}

/// Their records beside what was heard; what strangers wrote is in it.
fn heard() -> BilledMedia {
    serde_json::from_value(serde_json::json!({
        "side": "theirs",
        "records": {"all": 9, "matched": 5, "not_heard": 0, "not_covered": 4, "ambiguous": 0, "interim": 0},
        "calls": {"all": 5, "matched": 5, "not_billed": 0, "not_covered": 0, "ambiguous": 0},
        "clock_offset": {"seconds": 7.0, "proof": "numbers", "calls": 5},
        "at_stake": {"USD": "0.24"}, "at_stake_heard": {"USD": "0.24"}, "kinds": {"billed_without_media": 1},
        "differences": [{"kind": "billed_without_media", "seconds": 22.0, "at_stake": "0.24", "currency": "USD",
            "matched_by": "numbers", "call": null,
            "record": {"line": 4711, "call_id": null, "caller": "****01", "callee": "86139****5675",
                "start": "2026-10-01T00:00:00Z", "talk_s": "22", "billed_s": 24, "rate": "0.6", "amount": "0.24",
                "codec": null, "gateway": "<i>gw</i>"},
            "evidence": {"key": "billed.billed_without_media", "args": {"talk": "22", "billed": "22"}}}],
        "undecided": {"outside_capture": 4}}))
    .unwrap()
}

fn fault(difference: &str) -> Fault {
    billing::fault(&Bill {
        run: "run-1",
        party: "<Acme>",
        period: "2026-10",
        outcome: &outcome(difference),
        limits: &BillingLimits::default(),
        example: Vec::new(),
        accounting: Vec::new(),
        files: vec!["en/report.html".to_owned(), "zh-CN/report.html".to_owned()],
        heard: vec![heard()],
        is_customer: false,
        at: at(),
    })
}

fn proposed() -> Ticket {
    let (id, number) = (TicketId("t-1".to_owned()), TicketNumber { year: 2026, count: 18 });
    let (Applied { ticket, .. }, _) = ticket::open(id, number, fault("2.072600"), false, None, at());
    let event = Event::ResolutionProposed { fault: Box::new(fault("0")) };
    ticket::apply(&ticket, &event, &Actor::linesman(), at() + TimeDelta::seconds(1)).unwrap().ticket
}

fn ticket_page(language: Language, role: Role) -> String {
    let ticket = proposed();
    let frame = Frame::of_ticket(&ticket, at());
    let material = Material {
        ticket,
        events: Vec::new(),
        frame,
        rounds: Vec::new(),
        follows: None,
        walk: Ok(None),
        hooks: Vec::new(),
        files: Vec::new(),
        reads: crate::http::api::ticket_files::Readable::default(),
        kept: crate::settings::VoiceEvidence::Off,
        now: at(),
    };
    page::page(shell(language, role), &material, &fixture::inventory(), None, Draft::default())
        .render()
        .unwrap()
}

#[test]
fn the_ticket_of_a_bill_shows_money_and_dimensions_and_no_path() {
    for language in BOTH {
        let html = ticket_page(language, Role::Billing);
        for expected in
            ["2.072600 USD", "60/60", "8613…", "LM-2026-000018", "/tickets/LM-2026-000018/settle\""]
        {
            assert!(html.contains(expected), "{expected} is missing");
        }
        for dimension in billing::Dimension::ALL {
            assert!(html.contains(&words(language, &format!("dimension.{}", dimension.name()))));
        }
        assert!(
            html.contains(&format!("files/{}/report.html", language.tag())),
            "the report in the reader's language"
        );
        assert!(!html.contains("role=\"img\"") && !html.contains("data-series"), "no path, no chart");
        let told = ["86139****5675", "4711", "0.24 USD", &kind_words("billed_without_media", language)];
        assert!(told.iter().all(|words| html.contains(words)), "what was heard stands beside the bill");
        assert!(html.contains(&undecided_words("outside_capture", language)), "what was not judged too");
        assert!(!html.contains("<i>gw</i>") && !html.contains(">billed."));
        assert!(!html.contains("<b>gw</b>") && !html.contains("<Acme>"), "what strangers wrote is text");
        assert!(!html.contains("/elements/"), "a party is no element");
        assert!(!html.contains("/remeasure\""));
        for raw in [">page.", ">billing.", ">cause.", ">side.", ">dimension."] {
            assert!(!html.contains(raw), "{raw}");
        }
    }
    let technician = ticket_page(Language::English, Role::Technician);
    assert!(!technician.contains("/settle\"") && !technician.contains("/reconciliations/"));
}

#[test]
fn a_run_shows_its_answer_or_why_there_is_none() {
    let mut run = ReconcileRun {
        id: "run-1".to_owned(),
        key: "k".to_owned(),
        party: "<Acme>".to_owned(),
        period: Some("2026-10".to_owned()),
        status: RunStatus::Done,
        attempts: 1,
        request: RunRequest {
            party: "<Acme>".to_owned(),
            period: None,
            inputs: Vec::new(),
            options: Vec::new(),
        },
        answer: Some(RunAnswer {
            outcome: outcome("2.072600"),
            engine: "0".to_owned(),
            rates_sha256: String::new(),
            contract_sha256: None,
            files: Vec::new(),
            seconds: 1.0,
            heard: Vec::new(),
        }),
        fault: Some(fault("2.072600")),
        error: None,
        failure: None,
        ticket: None,
        created_by: "bill".to_owned(),
        created_at: at(),
        started_at: None,
        finished_at: Some(at()),
        planned_at: Some(at()),
    };
    for language in BOTH {
        let html = reconciliation::page(shell(language, Role::Billing), &run, None).render().unwrap();
        assert!(
            html.contains("2.072600 USD")
                && html.contains("-3 ")
                && !html.contains("seconds -3")
                && !html.contains("<Acme>")
        );
        assert!(!html.contains("data-poll"), "nothing is waited for");
        assert!(!html.contains(">page.") && !html.contains(">finding."), "{html}");
    }
    run.status = RunStatus::Failed;
    run.answer = None;
    run.fault = None;
    run.error = Some("line 1: <nothing>".to_owned());
    run.failure = Some(Message::new("run.failure.empty").with("file", "theirs.csv"));
    let html = reconciliation::page(shell(Language::English, Role::Noc), &run, None).render().unwrap();
    assert!(html.contains("line 1: &#60;nothing&#62;") && html.contains("/rerun\""));
    let chinese = reconciliation::page(shell(Language::Chinese, Role::Noc), &run, None).render().unwrap();
    assert!(chinese.contains("文件 theirs.csv 中没有任何行。"), "why, in the reader's language");
    assert!(chinese.contains("line 1: &#60;nothing&#62;"), "and in full below it");
}

#[test]
fn every_cause_of_a_bill_has_its_sentence_in_both_languages() {
    for cause in Cause::BILLING {
        let keys = match cause {
            Cause::Unexplained => vec!["billing.unexplained".to_owned()],
            _ => vec![format!("cause.{}", cause.name()), format!("billing.cause.{}", cause.name())],
        };
        for (key, language) in keys.iter().flat_map(|key| BOTH.map(|language| (key, language))) {
            assert_ne!(words(language, key), *key, "{}", language.tag());
        }
    }
    for side in crate::diagnosis::Side::BILLING {
        for key in [format!("who.{}", side.name()), format!("billing.advice.{}", side.name())] {
            assert!(BOTH.iter().all(|language| words(*language, &key) != key), "{key}");
        }
    }
}
