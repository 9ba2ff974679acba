//! Pages as their readers get them.

use askama::Template;
use axum::http::{HeaderMap, Uri};
use chrono::TimeDelta;

use crate::diagnosis::PollerState;
use crate::inventory::Inventory;
use crate::locale::{Language, Message, words};
use crate::store::{Role, TicketPage};

use super::action::{Action, Draft};
use super::asker::{Tongue, Viewer};
use super::series::{self, Frame};
use super::shell::Shell;
use super::ticket::{Material, Outcome};
use super::{element, fixture, login, overview, ticket, tickets};

const BOTH: [Language; 2] = [Language::English, Language::Chinese];

fn tongue(language: Language) -> Tongue {
    let uri: Uri = format!("/?lang={}", language.tag()).parse().unwrap();
    Tongue::of(&HeaderMap::new(), &uri)
}

fn shell(language: Language, role: Role) -> Shell {
    let viewer = Viewer { name: "tech-wang".to_owned(), role };
    Shell::new(&tongue(language), Some(&viewer), "LM-2026-000017".to_owned(), "tickets")
        .live("ticket:LM-2026-000017")
}

fn ticket_page(language: Language, role: Role, after_repair: bool, outcome: Option<Outcome>) -> String {
    let (ticket, events) = if after_repair { fixture::resolved(language) } else { fixture::ticket(language) };
    let frame = Frame::of_ticket(&ticket, fixture::now());
    let rounds = fixture::rounds(&ticket);
    let material = Material {
        ticket,
        events,
        frame,
        rounds,
        follows: None,
        walk: Ok(None),
        hooks: Vec::new(),
        files: Vec::new(),
        reads: crate::http::api::ticket_files::Readable::default(),
        kept: crate::settings::VoiceEvidence::Off,
        now: fixture::now(),
    };
    let page =
        ticket::page(shell(language, role), &material, &fixture::inventory(), outcome, Draft::default());
    page.render().unwrap()
}

fn overview_page(
    language: Language,
    diagnosis: Option<&crate::diagnosis::Diagnosis>,
    inventory: &Inventory,
) -> String {
    let tickets = diagnosis.map(|_| vec![fixture::ticket(language).0]).unwrap_or_default();
    let material = overview::Material {
        diagnosis,
        inventory,
        waiting: &[],
        tickets: &tickets,
        work: &[],
        withheld: &[],
        stale_after: TimeDelta::seconds(30),
        now: fixture::now(),
    };
    overview::page(shell(language, Role::Viewer), &material).render().unwrap()
}

#[test]
fn every_word_of_every_template_is_in_both_catalogues() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/page");
    let mut keys = Vec::new();
    for folder in [folder.to_owned(), format!("{folder}/templates")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "html" && end != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for piece in text.split('"').skip(1).step_by(1) {
                let is_key = ["page.", "word."].iter().any(|section| piece.starts_with(section))
                    && piece
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c));
                if is_key && piece.len() > 5 {
                    keys.push((path.clone(), piece.to_owned()));
                }
            }
        }
    }
    assert!(keys.len() > 100, "the scan found {} keys only", keys.len());
    for (path, key) in keys {
        for language in BOTH {
            assert_ne!(words(language, &key), key, "{} in {}", language.tag(), path.display());
        }
    }
}

#[test]
fn every_name_of_the_domain_has_words_in_both_languages() {
    use crate::diagnosis::{Cause, Class, ElementState, Severity, Side};
    use crate::inventory::ElementKind;
    use crate::ticket::State;
    let mut keys: Vec<String> = Vec::new();
    keys.extend(State::ALL.iter().map(|state| format!("state.{}", state.name())));
    keys.extend(Cause::all().map(|cause| format!("cause.{}", cause.name())));
    keys.extend(
        [Side::Customer, Side::Company, Side::Carrier].iter().map(|side| format!("side.{}", side.name())),
    );
    keys.extend(
        [Class::A, Class::B, Class::C, Class::D, Class::E]
            .iter()
            .map(|class| format!("class.{}", class.letter())),
    );
    keys.extend(
        [
            ElementState::Ok,
            ElementState::Degraded,
            ElementState::Down,
            ElementState::Hidden,
            ElementState::Unknown,
        ]
        .iter()
        .map(|state| format!("state.{}", state.name())),
    );
    keys.extend(
        [Severity::Indeterminate, Severity::Warning, Severity::Minor, Severity::Major, Severity::Critical]
            .iter()
            .map(|severity| format!("severity.{}", severity.name())),
    );
    keys.extend(super::path::KINDS.iter().flat_map(|kind: &ElementKind| {
        [format!("kind.{}", kind.name()), format!("page.kind_{}", kind.name())]
    }));
    keys.extend(Action::ALL.iter().map(|action| format!("page.done_{}", action.name())));
    keys.extend(["suspected", "raised", "clearing", "cleared"].map(|life| format!("life.{life}")));
    keys.extend(
        ["answered", "silent", "refused", "unmeasured", "waiting"].map(|word| format!("word.{word}")),
    );
    for event in [
        "opened",
        "enriched",
        "rekeyed",
        "acknowledged",
        "noted",
        "diagnosis_confirmed",
        "diagnosis_corrected",
        "remeasure_requested",
        "approved",
        "cancelled",
        "verification_started",
        "verification_failed",
        "resolved",
        "settled",
        "reopened",
        "closed",
        "resolution_proposed",
        "resolution_confirmed",
        "resolution_declined",
    ] {
        keys.push(format!("page.event_{event}"));
    }
    for key in keys {
        for language in BOTH {
            assert_ne!(words(language, &key), key, "{}", language.tag());
        }
    }
}

#[test]
fn a_note_with_markup_is_shown_as_text() {
    let html = ticket_page(Language::English, Role::Noc, false, None);
    assert!(!html.contains("<script>alert"), "a script came through");
    assert!(!html.contains("<img src=x"), "an element came through");
    assert!(html.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
}

#[test]
fn pages_hold_neither_inline_script_nor_inline_style() {
    let inventory = fixture::inventory();
    for language in BOTH {
        let diagnosis = fixture::diagnosis(language);
        for html in [
            ticket_page(language, Role::Admin, false, None),
            overview_page(language, Some(&diagnosis), &inventory),
            login::page(&tongue(language), &login::Asked::default()).render().unwrap(),
        ] {
            assert!(!html.contains(" style="), "inline style");
            assert!(!html.contains("<style"), "inline style sheet");
            assert!(
                !html.contains(" onclick=") && !html.contains(" onload=") && !html.contains("javascript:")
            );
            for script in html.split("<script").skip(1) {
                assert!(script.split('>').next().unwrap().contains(" src=\"/assets/"), "inline script");
            }
            assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())));
        }
    }
}

#[test]
fn the_ticket_says_what_is_broken_where_and_why_not_elsewhere() {
    let html = ticket_page(Language::English, Role::Technician, false, None);
    for expected in [
        "The fibre link-east to East Telecom&#39;s machine room A-7 is cut",
        "carrier&#39;s side",
        "B · Network",
        "97 %",
        "Not router-1, the hop before",
        "0 of 15 answered",
        "B6b",
        "12 min 34 s",
        "<time datetime=\"2026-11-21T18:40:12Z\">2026-11-21 18:40:12 UTC</time>",
        "<span class=\"mark s-down\"><svg",
        "20",
    ] {
        assert!(html.contains(expected), "{expected} is missing");
    }
    assert_eq!(html.matches("role=\"img\"").count(), 2, "one picture for each width");
    assert!(html.contains("<ol class=\"hops\""), "the path as a list");
}

#[test]
fn contacts_of_customers_are_on_no_page_and_their_names_not_for_those_who_look_on() {
    let inventory = fixture::inventory();
    let diagnosis = fixture::diagnosis(Language::English);
    let technician = ticket_page(Language::English, Role::Technician, false, None);
    let viewer = ticket_page(Language::English, Role::Viewer, false, None);
    assert!(technician.contains("customer-13"));
    assert!(!viewer.contains("customer-13"));
    assert!(viewer.contains(&words(Language::English, "page.names_hidden").replace('\'', "&#39;")));
    let index = inventory.find("customer-13").unwrap();
    let element = element::page(
        shell(Language::English, Role::Admin),
        &element::Material {
            inventory: &inventory,
            index,
            report: None,
            latest: &[],
            tickets: &[],
            now: fixture::now(),
        },
    );
    for html in [
        technician,
        viewer,
        overview_page(Language::English, Some(&diagnosis), &inventory),
        element.render().unwrap(),
    ] {
        assert!(!html.contains("139 0000"), "a contact is shown");
    }
}

#[test]
fn buttons_are_those_that_role_and_state_allow() {
    let has = |html: &str, action: &str| html.contains(&format!("/tickets/LM-2026-000017/{action}\""));
    let viewer = ticket_page(Language::English, Role::Viewer, false, None);
    let technician = ticket_page(Language::English, Role::Technician, false, None);
    let repaired = ticket_page(Language::English, Role::Technician, true, None);
    assert!(Action::ALL.iter().all(|action| !has(&viewer, action.name())));
    assert!(["confirm", "correct", "remeasure", "note"].iter().all(|action| has(&technician, action)));
    assert!(!has(&technician, "approve") && !has(&technician, "acknowledge"));
    let html = ticket_page(Language::English, Role::Technician, true, None);
    assert!(
        html.contains("Found by tech-wang: landing trunk at trunk-1."),
        "what was corrected is the headline"
    );
    assert!(has(&repaired, "confirm") && has(&repaired, "note") && !has(&repaired, "remeasure"));
}

#[test]
fn a_refusal_stands_on_the_page_and_what_was_typed_is_not_lost() {
    let (ticket, events) = fixture::ticket(Language::English);
    let frame = Frame::of_ticket(&ticket, fixture::now());
    let material = Material {
        ticket,
        events,
        frame,
        rounds: Vec::new(),
        follows: None,
        walk: Ok(None),
        hooks: Vec::new(),
        files: Vec::new(),
        reads: crate::http::api::ticket_files::Readable::default(),
        kept: crate::settings::VoiceEvidence::Off,
        now: fixture::now(),
    };
    let outcome = Outcome { done: false, sentences: vec![words(Language::English, "page.conflict")] };
    let draft = Draft { action: "note", text: "Splice at <km 3>".to_owned(), ..Draft::default() };
    let html = ticket::page(
        shell(Language::English, Role::Noc),
        &material,
        &fixture::inventory(),
        Some(outcome),
        draft,
    )
    .render()
    .unwrap();
    assert!(html.contains("role=\"alert\"") && html.contains("Somebody or something changed this ticket"));
    assert!(html.contains("Splice at &#60;km 3&#62;</textarea>"));
}

#[test]
fn what_has_not_been_measured_is_never_shown_as_sound() {
    let inventory = fixture::inventory();
    let before = overview_page(Language::English, None, &inventory);
    assert!(before.contains("f-blind") && before.contains("No measurements have been analysed yet"));
    assert!(!before.contains("class=\"mark s-ok\""), "nothing is sound before it was measured");
    let nothing = overview_page(Language::English, None, &Inventory::default());
    assert!(nothing.contains("No targets are configured"));
    let mut old = fixture::diagnosis(Language::English);
    old.at = fixture::now() - TimeDelta::minutes(5);
    let old = overview_page(Language::English, Some(&old), &inventory);
    assert!(old.contains("f-blind") && old.contains("5 min 0 s ago"));
}

#[test]
fn our_own_isolation_stands_before_everything_else() {
    let mut diagnosis = fixture::diagnosis(Language::Chinese);
    diagnosis.poller = PollerState::Isolated {
        since: fixture::began(),
        reason: Message::new("本机网卡 eth0 已断开。"),
    };
    let html = overview_page(Language::Chinese, Some(&diagnosis), &fixture::inventory());
    let footing = html.find("f-isolated").expect("the footing is shown");
    assert!(html.contains("本机网卡 eth0 已断开。"));
    assert!(footing < html.find("id=\"open\"").unwrap());
}

#[test]
fn an_unmeasured_round_is_a_gap_and_not_a_loss() {
    let (ticket, _) = fixture::ticket(Language::English);
    let frame = Frame::of_ticket(&ticket, fixture::now());
    let mut void = fixture::round("trunk-1/sip", fixture::began() - TimeDelta::seconds(60), 5, 4.0);
    void.measured = linesman_probes::observation::Measured::unmeasured(
        linesman_probes::observation::Impediment::SocketDrops { drops: 3 },
    );
    let json = serde_json::to_value(series::chart(&frame, &[void.clone()])).unwrap();
    let trunk = json["targets"].as_array().unwrap().iter().find(|t| t["name"] == "trunk-1/sip").unwrap();
    assert_eq!(trunk["loss"], serde_json::json!([null]));
    let rows = series::table(&frame, &[void]);
    let row = rows.iter().find(|row| row.target == "trunk-1/sip").unwrap();
    assert_eq!((row.before.as_str(), row.unmeasured), ("–", 1));
}

#[test]
fn lists_lead_on_to_the_next_page_and_keep_the_filter() {
    let found = TicketPage {
        tickets: vec![fixture::ticket(Language::English).0],
        next: Some(crate::store::TicketCursor { registered_at: fixture::now(), id: "t-1".to_owned() }),
    };
    let asked = tickets::Asked {
        show: "all".to_owned(),
        class: "B".to_owned(),
        segment: "\"><b>".to_owned(),
        ..tickets::Asked::default()
    };
    let html =
        tickets::page(shell(Language::English, Role::Viewer), &asked, &found, Vec::new(), fixture::now())
            .render()
            .unwrap();
    assert!(html.contains("name=\"before\" value=\"2026-11-21T18:52:46.000000Z\""));
    assert!(html.contains("name=\"show\" value=\"all\"") && html.contains("name=\"class\" value=\"B\""));
    assert!(html.contains("&#34;&#62;&#60;b&#62;") && !html.contains("\"><b>\""));
}

#[test]
fn templates_trust_nothing_but_times_and_marks() {
    let trusted = [
        "severity",
        "ticket.severity",
        "since",
        "ticket.since",
        "restored",
        "resolved",
        "verdict.at",
        "window.starts",
        "window.ends",
        "proposal.at",
        "line.at",
        "mark",
        "segment.mark",
        "footing.mark",
        "looked",
        "began",
        "ended",
        "until",
        "step.at",
        "at",
        "file.at",
        "file.from",
        "file.to",
        // Escapes everything but its times.
        "shell.spoken(headline)",
        "shell.spoken(diagnosed)",
        "shell.spoken(reason)",
        "shell.spoken(line.what)",
        "shell.spoken(node.evidence)",
        "shell.spoken(ticket.sentence)",
        "shell.spoken(footing.reason)",
    ];
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/page/templates")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for piece in text.split("{{").skip(1) {
            let expression = piece.split("}}").next().unwrap().trim();
            if let Some((subject, _)) = expression.split_once("|safe") {
                assert!(trusted.contains(&subject), "{subject} is marked safe");
            }
        }
    }
}
