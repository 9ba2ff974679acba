//! `GET /`: our own footing first, then open tickets, then every segment.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};

use crate::diagnosis::{Diagnosis, ElementReport, ElementState, PollerState};
use crate::http::HttpState;
use crate::inventory::{ElementKind, Inventory};
use crate::locale::Message;
use crate::maintenance::{Phase, Window, Withheld};
use crate::store::Role;
use crate::ticket::Ticket;

use super::asker::{Tongue, Viewer};
use super::gather::{self, MOST_OPEN};
use super::path::KINDS;
use super::shell::{Shell, store_failed};
use super::tickets::{Entry, entry};
use super::words::{Mark, Moment, millis, percent, span};

/// Planned work is shown so long before it begins.
const NEAR: TimeDelta = TimeDelta::hours(24);
/// Sound elements of a kind beyond this are folded away.
const FOLD_ABOVE: usize = 6;

/// All that the page is made of.
pub struct Material<'a> {
    /// The newest look.
    pub diagnosis: Option<&'a Diagnosis>,
    /// The network.
    pub inventory: &'a Inventory,
    /// Targets of which nothing has arrived since the start.
    pub waiting: &'a [&'a str],
    /// Open tickets.
    pub tickets: &'a [Ticket],
    /// Announced work, running or near.
    pub work: &'a [Window],
    /// Faults that wait for its end.
    pub withheld: &'a [Withheld],
    /// After how long a look is too old to be believed.
    pub stale_after: TimeDelta,
    /// Now.
    pub now: DateTime<Utc>,
}

/// The page.
#[derive(Template)]
#[template(path = "overview.html")]
pub struct Page {
    shell: Shell,
    footing: Footing,
    tickets: Vec<Entry>,
    more_tickets: bool,
    empty: Option<String>,
    work: Vec<Work>,
    groups: Vec<Group>,
}

/// Announced work that runs or is near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    phase: String,
    is_running: bool,
    elements: String,
    text: String,
    starts: Moment,
    ends: Moment,
    withheld: String,
}

/// Whether what follows can be believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Footing {
    state: &'static str,
    mark: Mark,
    title: String,
    reason: String,
    since: Option<Moment>,
    looked: Option<Moment>,
}

/// The elements of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    id: &'static str,
    title: String,
    counts: Vec<(Mark, usize)>,
    shown: Vec<Segment>,
    folded: Vec<Segment>,
    fold: String,
}

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    name: String,
    about: String,
    mark: Mark,
    loss: String,
    delay: String,
    ticket: Option<String>,
}

/// `GET /`
pub async fn show(State(state): State<HttpState>, viewer: Viewer, tongue: Tongue) -> Response {
    // Who reconciles bills has no network to look over.
    if viewer.role == Role::Billing {
        return Redirect::to("/reconciliations").into_response();
    }
    let now = state.clock.now_utc();
    let read = async {
        let (diagnosis, tickets) = (gather::diagnosis(&state).await?, gather::open_tickets(&state).await?);
        Ok((diagnosis, tickets, state.store.windows(now, now + NEAR).await?))
    };
    let (diagnosis, tickets, work) = match read.await {
        Ok(read) => read,
        Err(error) => return store_failed(&tongue, &viewer, &error),
    };
    let settings = state.settings.borrow().clone();
    let interval = TimeDelta::from_std(settings.diagnosis.interval).unwrap_or(TimeDelta::MAX);
    let targets = settings.inventory.targets().iter().map(|target| target.name.as_str());
    let waiting: Vec<&str> = targets.filter(|name| state.live.latest(name).is_none()).collect();
    let material = Material {
        diagnosis: diagnosis.as_deref(),
        inventory: &settings.inventory,
        waiting: &waiting,
        tickets: &tickets,
        work: &work,
        withheld: &state.live.withheld(),
        stale_after: TimeDelta::seconds(30).max(interval.checked_mul(10).unwrap_or(TimeDelta::MAX)),
        now,
    };
    let shell = Shell::new(&tongue, Some(&viewer), String::new(), "overview")
        .live("tickets,diagnosis")
        .at(material.now);
    let page = page(shell, &material);
    page.shell.respond(StatusCode::OK, &page)
}

/// The page of a material.
#[must_use]
pub fn page(mut shell: Shell, material: &Material<'_>) -> Page {
    shell.title = shell.t("page.overview");
    let now = material.now;
    let tickets: Vec<Entry> = material.tickets.iter().map(|ticket| entry(&shell, ticket, now)).collect();
    Page {
        footing: footing(&shell, material),
        more_tickets: tickets.len() >= MOST_OPEN as usize,
        tickets,
        empty: material.inventory.targets().is_empty().then(|| shell.t("page.nothing_measured")),
        work: work(&shell, material),
        groups: groups(&shell, material),
        shell,
    }
}

/// What runs first, then what begins first; what is over or called off says nothing here.
fn work(shell: &Shell, material: &Material<'_>) -> Vec<Work> {
    let comma = shell.t("page.list_comma");
    let mut windows: Vec<(Phase, &Window)> =
        material.work.iter().map(|window| (window.phase(material.now), window)).collect();
    windows.retain(|(phase, _)| matches!(phase, Phase::Planned | Phase::Running));
    windows.sort_by_key(|(phase, window)| (*phase != Phase::Running, window.starts_at));
    let shown = windows.into_iter().map(|(phase, window)| {
        let of_it = material.withheld.iter().filter(|withheld| withheld.window == window.id);
        let names: Vec<&str> = of_it.map(|withheld| withheld.fault.segment.as_str()).collect();
        let withheld = Message::new("page.work_withholds").with("names", names.join(&comma));
        Work {
            phase: shell.t(&format!("page.work_{}", phase.name())),
            is_running: phase == Phase::Running,
            elements: window.elements.join(&comma),
            text: window.text.clone(),
            starts: Moment(window.starts_at),
            ends: Moment(window.ends_at),
            withheld: if names.is_empty() { String::new() } else { shell.say(&withheld) },
        }
    });
    shown.collect()
}

fn footing(shell: &Shell, material: &Material<'_>) -> Footing {
    let targets = material.inventory.targets().len();
    let of = |state: &'static str, mark, reason: String, since| Footing {
        state,
        mark: Mark::of(mark, shell.language()),
        title: shell.t(&format!("page.poller_{state}")),
        reason,
        since,
        looked: material.diagnosis.map(|diagnosis| Moment(diagnosis.at)),
    };
    let Some(diagnosis) = material.diagnosis else {
        let reason = Message::new("page.no_look_yet").with("targets", targets);
        return of("blind", ElementState::Unknown, shell.say(&reason), None);
    };
    let age = material.now - diagnosis.at;
    if age > material.stale_after {
        let reason = Message::new("page.look_is_old").with("age", span(shell.language(), age));
        return of("blind", ElementState::Unknown, shell.say(&reason), None);
    }
    match &diagnosis.poller {
        PollerState::Sound => {
            let reason = Message::new("page.poller_sound_reason").with("targets", targets);
            let mut reason = shell.say(&reason);
            if !material.waiting.is_empty() {
                reason.push(' ');
                reason.push_str(&not_arrived(shell, material.waiting));
            }
            of("sound", ElementState::Ok, reason, None)
        }
        PollerState::Isolated { since, reason } => {
            of("isolated", ElementState::Down, shell.say(reason), Some(Moment(*since)))
        }
        PollerState::Blind { .. } if material.waiting.len() == targets && targets > 0 => {
            let reason = Message::new("page.no_look_yet").with("targets", targets);
            of("blind", ElementState::Unknown, shell.say(&reason), None)
        }
        PollerState::Blind { reason } => of("blind", ElementState::Unknown, shell.say(reason), None),
    }
}

fn not_arrived(shell: &Shell, waiting: &[&str]) -> String {
    const NAMED: usize = 4;
    let mut names = waiting.iter().take(NAMED).copied().collect::<Vec<_>>().join(&shell.t("page.list_comma"));
    if waiting.len() > NAMED {
        names.push('…');
    }
    shell.say(&Message::new("page.not_arrived").with("count", waiting.len()).with("names", names))
}

/// `access-2` before `access-17`.
fn as_counted(one: &str, two: &str) -> std::cmp::Ordering {
    let parts = |name: &str| {
        let digits = name.len() - name.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (stem, number) = name.split_at(digits);
        (stem.to_owned(), number.parse::<u64>().ok())
    };
    parts(one).cmp(&parts(two)).then_with(|| one.cmp(two))
}

fn groups(shell: &Shell, material: &Material<'_>) -> Vec<Group> {
    let tickets = gather::tickets_by_element(material.tickets);
    let reports: BTreeMap<&str, &ElementReport> = material
        .diagnosis
        .iter()
        .flat_map(|diagnosis| &diagnosis.elements)
        .map(|report| (report.element.as_str(), report))
        .collect();
    KINDS.iter().filter_map(|kind| group(shell, material, *kind, &reports, &tickets)).collect()
}

fn group(
    shell: &Shell,
    material: &Material<'_>,
    kind: ElementKind,
    reports: &BTreeMap<&str, &ElementReport>,
    tickets: &BTreeMap<String, String>,
) -> Option<Group> {
    // Places and customers carry no packets: their state is that of what serves them.
    if matches!(kind, ElementKind::Site | ElementKind::Customer) {
        return None;
    }
    let mut found: Vec<(ElementState, Segment)> = material
        .inventory
        .elements()
        .iter()
        .filter(|element| element.kind == kind)
        .map(|element| {
            let report = reports.get(element.name.as_str());
            let state = report.map_or(ElementState::Unknown, |report| report.state);
            let description = element.facts.description.as_deref();
            // "Fibre to North Carrier · North Carrier" says the same twice.
            let carrier = element.facts.carrier.as_deref();
            let carrier = carrier.filter(|name| !description.is_some_and(|text| text.contains(name)));
            let about = [description, carrier, element.facts.model.as_deref()];
            let segment = Segment {
                name: element.name.clone(),
                about: about.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                mark: Mark::of(state, shell.language()),
                loss: report.and_then(|report| report.loss_ratio).map_or_else(|| "–".to_owned(), percent),
                delay: report.and_then(|report| report.rtt_mean_ms).map_or_else(|| "–".to_owned(), millis),
                ticket: tickets.get(&element.name).filter(|_| state != ElementState::Ok).cloned(),
            };
            (state, segment)
        })
        .collect();
    if found.is_empty() {
        return None;
    }
    let order = [
        ElementState::Down,
        ElementState::Degraded,
        ElementState::Hidden,
        ElementState::Unknown,
        ElementState::Ok,
    ];
    let rank = |state: ElementState| order.iter().position(|other| *other == state);
    found.sort_by(|(state, one), (other, two)| {
        rank(*state).cmp(&rank(*other)).then_with(|| as_counted(&one.name, &two.name))
    });
    let counts = order
        .iter()
        .map(|state| {
            (Mark::of(*state, shell.language()), found.iter().filter(|(other, _)| other == state).count())
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    let alike = |state: ElementState| matches!(state, ElementState::Ok | ElementState::Hidden);
    let telling = found.iter().filter(|(state, _)| !alike(*state)).count();
    let (mut shown, mut folded) = (Vec::new(), Vec::new());
    for (state, segment) in found {
        let room = shown.len() < FOLD_ABOVE.max(telling.min(40));
        let fold = alike(state) && telling + shown.len() >= FOLD_ABOVE;
        if fold || !room { folded.push(segment) } else { shown.push(segment) }
    }
    // Folding one or two away would hide more than it saves.
    if folded.len() < 3 {
        shown.append(&mut folded);
    }
    let fold = shell.say(&Message::new("page.fold").with("count", folded.len()));
    let title = shell.t(&format!("page.kind_{}", kind.name()));
    Some(Group { id: kind.name(), title, counts, shown, folded, fold })
}
