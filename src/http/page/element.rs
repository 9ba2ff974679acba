//! `GET /elements/{name}`: one element, its targets as last measured, and its tickets.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use linesman_probes::host::HostReading;
use linesman_probes::observation::{CallDetail, Detail, Observation, Outcome};
use linesman_probes::probe::ProbeSpec;

use crate::diagnosis::{ElementReport, ElementState};
use crate::http::HttpState;
use crate::http::api::view::impediment_words;
use crate::inventory::{ElementIndex, Inventory, Owner, Target};
use crate::locale::Message;
use crate::store::TicketFilter;
use crate::ticket::Ticket;

use super::asker::{Tongue, Viewer};
use super::gather;
use super::shell::{Shell, not_found, store_failed};
use super::tickets::{Entry, entry};
use super::words::{Mark, Moment, millis, percent, span};

/// Tickets of the element that the page lists.
const TICKETS: u32 = 10;

/// The page.
#[derive(Template)]
#[template(path = "element.html")]
pub struct Page {
    shell: Shell,
    name: String,
    kind: String,
    mark: Mark,
    why_unknown: Option<String>,
    loss: String,
    delay: String,
    facts: Vec<(String, String)>,
    before: Vec<String>,
    customers: usize,
    targets: Vec<TargetView>,
    tickets: Vec<Entry>,
}

/// A target as last measured.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetView {
    name: String,
    address: String,
    interval: String,
    outcome: String,
    outcome_name: &'static str,
    answer: String,
    loss: String,
    delay: String,
    at: Option<Moment>,
}

/// All that the page is made of.
pub struct Material<'a> {
    /// The network.
    pub inventory: &'a Inventory,
    /// Which element.
    pub index: ElementIndex,
    /// What the newest look says of it.
    pub report: Option<&'a ElementReport>,
    /// Newest rounds of its targets.
    pub latest: &'a [Observation],
    /// Its tickets, newest first.
    pub tickets: &'a [Ticket],
    /// Now.
    pub now: DateTime<Utc>,
}

/// `GET /elements/{name}`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    Path(name): Path<String>,
) -> Response {
    let settings = state.settings.borrow().clone();
    let inventory = &settings.inventory;
    let Some(index) = inventory.find(&name) else {
        let shown: String = name.chars().take(100).collect();
        return not_found(&tongue, &viewer, &Message::new("page.no_such_element").with("name", shown));
    };
    let filter = TicketFilter { segment: Some(name.clone()), ..TicketFilter::default() };
    let read = async {
        let diagnosis = gather::diagnosis(&state).await?;
        Ok((diagnosis, state.store.tickets(&filter, None, TICKETS).await?.tickets))
    };
    let (diagnosis, tickets) = match read.await {
        Ok(read) => read,
        Err(error) => return store_failed(&tongue, &viewer, &error),
    };
    let latest: Vec<Observation> = inventory
        .targets_of(index)
        .filter_map(|target| state.live.latest(&target.name))
        .map(|observation| (*observation).clone())
        .collect();
    let report = diagnosis
        .as_ref()
        .and_then(|diagnosis| diagnosis.elements.iter().find(|report| report.element == name));
    let now = state.clock.now_utc();
    let material = Material { inventory, index, report, latest: &latest, tickets: &tickets, now };
    let shell = Shell::new(&tongue, Some(&viewer), name.clone(), "").live("tickets,diagnosis").at(now);
    let page = page(shell, &material);
    page.shell.respond(StatusCode::OK, &page)
}

/// The page of a material.
#[must_use]
pub fn page(shell: Shell, material: &Material<'_>) -> Page {
    let inventory = material.inventory;
    let element = inventory.element(material.index);
    let state = material.report.map_or(ElementState::Unknown, |report| report.state);
    let dash = || "–".to_owned();
    Page {
        name: element.name.clone(),
        kind: shell.t(&format!("kind.{}", element.kind.name())),
        mark: Mark::of(state, shell.language()),
        why_unknown: (state == ElementState::Unknown).then(|| why_unknown(&shell, material.latest)).flatten(),
        loss: material.report.and_then(|report| report.loss_ratio).map_or_else(dash, percent),
        delay: material.report.and_then(|report| report.rtt_mean_ms).map_or_else(dash, millis),
        facts: facts(&shell, inventory, material.index),
        before: inventory
            .path(material.index)
            .iter()
            .filter(|index| **index != material.index)
            .map(|index| inventory.element(*index).name.clone())
            .collect(),
        customers: inventory.customers_behind(material.index).len(),
        targets: inventory
            .targets_of(material.index)
            .map(|target| {
                let latest = material.latest.iter().find(|observation| observation.target == target.name);
                target_view(&shell, target, latest)
            })
            .collect(),
        tickets: material.tickets.iter().map(|ticket| entry(&shell, ticket, material.now)).collect(),
        shell,
    }
}

/// Why nothing is known of an element although it has targets: our own trouble, each kind once.
fn why_unknown(shell: &Shell, latest: &[Observation]) -> Option<String> {
    let impediments = latest.iter().filter_map(|round| round.measured.impediment.as_ref());
    let mut reasons: Vec<String> = impediments.map(|one| shell.say(&impediment_words(one))).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let reasons = reasons.join(&shell.t("page.path_joint"));
    (!reasons.is_empty()).then(|| shell.say(&Message::new("page.cannot_measure").with("reason", reasons)))
}

/// What is known of an element; contacts of customers stay out.
fn facts(shell: &Shell, inventory: &Inventory, index: ElementIndex) -> Vec<(String, String)> {
    let facts = &inventory.element(index).facts;
    let owner = facts.owner.map(|owner| match owner {
        Owner::Company => shell.t("page.owner_company"),
        Owner::Customer => shell.t("page.owner_customer"),
    });
    [
        ("page.fact_description", facts.description.clone()),
        ("page.fact_carrier", facts.carrier.clone()),
        ("page.fact_circuit", facts.circuit.clone()),
        ("page.fact_far_end", facts.far_end.clone()),
        ("page.fact_model", facts.model.clone()),
        ("page.fact_owner", owner),
        ("page.fact_prefixes", (!facts.prefixes.is_empty()).then(|| facts.prefixes.join(", "))),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((shell.t(key), value?)))
    .collect()
}

fn target_view(shell: &Shell, target: &Target, latest: Option<&Observation>) -> TargetView {
    let interval = chrono::TimeDelta::from_std(target.interval).unwrap_or_default();
    let outcome_name = latest.map_or("waiting", |latest| outcome(latest.measured.outcome));
    let burst = latest.map(|latest| &latest.measured.burst);
    TargetView {
        name: target.name.clone(),
        address: address(&target.spec),
        interval: span(shell.language(), interval),
        outcome: shell.t(&format!("word.{outcome_name}")),
        outcome_name,
        answer: latest.map(|latest| answer(shell, latest)).unwrap_or_default(),
        loss: burst
            .and_then(|burst| burst.loss())
            .map_or_else(|| "–".to_owned(), |loss| percent(loss.value())),
        delay: burst
            .and_then(|burst| burst.rtt)
            .map_or_else(|| "–".to_owned(), |rtt| millis(rtt.mean.millis())),
        at: latest.map(|latest| Moment(latest.window.start)),
    }
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Silent => "silent",
        Outcome::Refused => "refused",
        Outcome::Unmeasured => "unmeasured",
    }
}

/// What the peer said, or why we could not measure.
fn answer(shell: &Shell, observation: &Observation) -> String {
    if let Some(impediment) = &observation.measured.impediment {
        return shell.say(&impediment_words(impediment));
    }
    match &observation.measured.detail {
        // Its packets are in the burst; an element without probes of its own has no such row.
        Detail::None | Detail::Rtp { .. } => String::new(),
        Detail::Host(reading) => resources(shell, reading),
        Detail::Http { status, version, .. } => format!("HTTP/{version} {status}"),
        Detail::Dns { rcode, answers } => format!("{rcode} ({answers})"),
        Detail::Sip { code, reason } => format!("SIP {code} {reason}"),
        Detail::Call(call) => called(shell, call),
    }
}

/// What a test call was answered, and what each way of it lost, as far as that is known.
fn called(shell: &Shell, call: &CallDetail) -> String {
    let mut words = vec![match call.code {
        Some(code) => {
            format!("SIP {code} {}", call.reason.as_deref().unwrap_or_default()).trim_end().to_owned()
        }
        None => call.reason.clone().unwrap_or_default(),
    }];
    for (key, way) in [("page.test_call_out", &call.out), ("page.test_call_in", &call.inward)] {
        let value = match way.as_ref().filter(|way| way.expected > 0) {
            Some(way) => format!("{:.1} %", way.lost as f64 * 100.0 / way.expected as f64),
            None => shell.t("page.test_call_unknown"),
        };
        words.push(format!("{}: {value}", shell.t(key)));
    }
    words.join("; ")
}

/// What of a host is used: CPU, memory, the fullest disk.
fn resources(shell: &Shell, reading: &HostReading) -> String {
    let share = |free: u64, all: u64| (all > 0).then(|| 1.0 - free.min(all) as f64 / all as f64);
    let memory = reading.memory_available_bytes.zip(reading.memory_total_bytes);
    let disks = reading.disks.iter().filter_map(|disk| share(disk.available_bytes, disk.total_bytes));
    let used = [
        ("page.cpu", reading.cpu_busy_ratio),
        ("page.memory", memory.and_then(|(free, all)| share(free, all))),
        ("page.disk", disks.max_by(f64::total_cmp)),
    ];
    let used =
        used.into_iter().filter_map(|(key, used)| Some(format!("{} {}", shell.t(key), percent(used?))));
    used.collect::<Vec<_>>().join(" · ")
}

fn address(spec: &ProbeSpec) -> String {
    match spec {
        ProbeSpec::Icmp { address, .. } => address.to_string(),
        ProbeSpec::Tcp { address } | ProbeSpec::Sip { address, .. } => address.to_string(),
        ProbeSpec::Http { url } => url.clone(),
        ProbeSpec::Dns { server, name } => format!("{server} {name}"),
        ProbeSpec::Registration { registrar, aor, .. } => format!("{aor} @ {registrar}"),
        ProbeSpec::Host => String::new(),
        ProbeSpec::Call(call) => format!("{} @ {}", call.uri, call.address),
    }
}
