//! `GET /tickets/{number}`: what is broken, where, how we know, and what to do about it.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use linesman_probes::observation::Observation;
use serde::Deserialize;

use crate::diagnosis::{Cause, Class, Side, TreeStep};
use crate::http::HttpState;
use crate::http::api::ticket_files::{Readable, readable};
use crate::http::auth::sees;
use crate::http::walk::{self, WalkView};
use crate::inventory::Inventory;
use crate::locale::Message;
use crate::settings::VoiceEvidence;
use crate::store::{Attachment, Role, StoreError};
use crate::ticket::event::RecordedEvent;
use crate::ticket::{Actor, Ticket, TicketNumber};

use super::action::{Action, Draft};
use super::asker::{Tongue, Viewer};
use super::bill::{self, BillView};
use super::file;
use super::form::{self, FormLine};
use super::history::{self, Line};
use super::path::{self, KINDS, PathView};
use super::route;
use super::series::{self, Frame, Row};
use super::shell::{Shell, not_found, store_failed};
use super::tickets::{corrected_by, headline, is_unconfirmed, tag_words};
use super::tree::{self, Part};
use super::words::{Moment, SeverityMark, span};

/// Most events that the page lists.
const MOST_EVENTS: u32 = 500;
/// Most elements that the list of a correction offers.
const MOST_CHOICES: usize = 400;

/// All that the page is made of.
pub struct Material {
    /// As it stands.
    pub ticket: Ticket,
    /// Oldest first.
    pub events: Vec<RecordedEvent>,
    /// What is charted.
    pub frame: Frame,
    /// Rounds of the frame.
    pub rounds: Vec<Observation>,
    /// The closed ticket of the same root cause before it.
    pub follows: Option<TicketNumber>,
    /// Its walk through the decision trees; a sentence where it cannot be shown.
    pub walk: Result<Option<WalkView>, Message>,
    /// Hooks that stop and restore lines.
    pub hooks: Vec<String>,
    /// Its evidence files, oldest first.
    pub files: Vec<Attachment>,
    /// Which of them this reader may read.
    pub reads: Readable,
    /// What is put on tickets of voice.
    pub kept: VoiceEvidence,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What came of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it was done.
    pub done: bool,
    /// What to say.
    pub sentences: Vec<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "ticket.html")]
pub struct Page {
    shell: Shell,
    number: String,
    version: i64,
    headline: String,
    diagnosed: Option<String>,
    state: String,
    state_name: &'static str,
    open: bool,
    severity: SeverityMark,
    candidate: bool,
    since: Moment,
    lasts: String,
    restored: Option<Moment>,
    resolved: Option<Moment>,
    reopened: Option<String>,
    class: String,
    cause: String,
    segment: String,
    segment_kind: String,
    is_element: bool,
    is_diagnosed: bool,
    bill: Option<BillView>,
    proposal: Option<ProposalView>,
    sides: Vec<SideChoice>,
    side: String,
    side_name: &'static str,
    confidence: String,
    owner: Option<String>,
    /// Tags of the second level, in words.
    tags: Vec<String>,
    customers: usize,
    customer_names: Vec<String>,
    names_hidden: bool,
    verdict: Option<VerdictView>,
    unconfirmed: bool,
    follows: Option<String>,
    life: String,
    path: Option<PathView>,
    reasons: Vec<String>,
    why_not: Vec<String>,
    steps: Vec<Step>,
    walk: Part,
    routes: route::Part,
    files: file::Part,
    forms: Vec<FormLine>,
    rows: Vec<Row>,
    has_rounds: bool,
    has_unmeasured: bool,
    cut: bool,
    more_targets: Option<String>,
    has_after: bool,
    history: Vec<Line>,
    may: May,
    choices: Vec<Choices>,
    causes: Vec<CauseChoice>,
    outcome: Option<Outcome>,
    draft: Draft,
}

/// What people said of the diagnosis.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictView {
    confirmed: bool,
    sentence: String,
    at: Moment,
    note: Option<String>,
}

/// A node of the tree as it was walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    node: String,
    yes: bool,
    answer: String,
    reason: String,
}

/// Which buttons there are: what the role may and the state allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct May {
    acknowledge: bool,
    confirm: bool,
    judge: bool,
    remeasure: bool,
    settle: bool,
    note: bool,
    decide_candidate: bool,
}

/// Elements that a correction may name, under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    title: String,
    names: Vec<String>,
}

/// A cause that a correction may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseChoice {
    name: &'static str,
    words: String,
    chosen: bool,
}

/// A side that a correction of a bill may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideChoice {
    name: &'static str,
    words: String,
    chosen: bool,
}

/// That bills agree in a new comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ProposalView {
    sentence: String,
    at: Moment,
    run: String,
    waits: bool,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    /// The action that led here and was done.
    #[serde(default)]
    pub done: String,
}

/// `GET /tickets/{number}`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    Path(number): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let done = asked.ok().and_then(|Query(asked)| {
        let known = Action::parse(&asked.done).map(Action::name);
        let mut others = tree::DONE.into_iter().chain(route::DONE).chain(file::DONE);
        let others = || others.find(|name| **name == asked.done);
        known.or_else(others)
    });
    let done = done.map(|name| Outcome {
        done: true,
        sentences: vec![crate::locale::words(tongue.language, &format!("page.done_{name}"))],
    });
    respond(&state, &viewer, &tongue, &number, StatusCode::OK, done, Draft::default()).await
}

/// The page of a ticket, with what came of a button if there was one.
pub async fn respond(
    state: &HttpState,
    viewer: &Viewer,
    tongue: &Tongue,
    number: &str,
    status: StatusCode,
    outcome: Option<Outcome>,
    draft: Draft,
) -> Response {
    let unknown = || {
        let shown: String = number.chars().take(40).collect();
        not_found(tongue, viewer, &Message::new("page.no_such_ticket").with("number", shown))
    };
    let Ok(number) = number.parse::<TicketNumber>() else { return unknown() };
    let material = match gather(state, viewer, tongue, number).await {
        Ok(Some(material)) if sees(viewer.role, &material.ticket) => material,
        Ok(_) => return unknown(),
        Err(error) => return store_failed(tongue, viewer, &error),
    };
    let settings = state.settings.borrow().clone();
    let shell = Shell::new(tongue, Some(viewer), number.to_string(), "tickets")
        .live(format!("ticket:{number},diagnosis"))
        .at(material.now);
    let page = page(shell, &material, &settings.inventory, outcome, draft);
    page.shell.respond(status, &page)
}

async fn gather(
    state: &HttpState,
    viewer: &Viewer,
    tongue: &Tongue,
    number: TicketNumber,
) -> Result<Option<Material>, StoreError> {
    let Some(ticket) = state.store.ticket_by_number(number).await? else { return Ok(None) };
    let now = state.clock.now_utc();
    let events = state.store.ticket_events(&ticket.id, 0, MOST_EVENTS).await?;
    let frame = Frame::of_ticket(&ticket, now);
    let rounds = frame.read(state).await?;
    let follows = match &ticket.follows {
        Some(id) => state.store.ticket(id).await?.map(|before| before.number),
        None => None,
    };
    let walk = walk::view(state, &ticket, &Actor(viewer.name.clone()), tongue.language).await?;
    let hooks = crate::http::api::ticket_routes::hooks(state);
    let files = state.store.attachments(&ticket.id).await?;
    // Whom the API refuses the files is shown none.
    let reads = readable(state, viewer.role, &Actor(viewer.name.clone()), &ticket).await.unwrap_or_default();
    let kept = state.settings.borrow().voice.evidence;
    Ok(Some(Material { ticket, events, frame, rounds, follows, walk, hooks, files, reads, kept, now }))
}

/// The page of a material.
#[must_use]
pub fn page(
    shell: Shell,
    material: &Material,
    inventory: &Inventory,
    outcome: Option<Outcome>,
    draft: Draft,
) -> Page {
    let Material { ticket, events, frame, rounds, follows, walk, hooks, files, reads, kept, now } = material;
    let fault = ticket.fault.as_ref();
    let role = shell.viewer.as_ref().map_or(Role::Viewer, |viewer| viewer.role);
    let poller = inventory.poller().map(|index| inventory.element(index).name.as_str());
    let end = ticket.restored_at.unwrap_or(if ticket.state.is_open() { *now } else { ticket.updated_at });
    let all_targets = fault.map_or(0, |fault| fault.targets.len());
    let customers = fault.map(|fault| fault.affected_customers.clone()).unwrap_or_default();
    let say_all = |sentences: Option<&Vec<Message>>| -> Vec<String> {
        sentences.into_iter().flatten().map(|sentence| shell.say(sentence)).collect()
    };
    let corrected = corrected_by(ticket).is_some();
    let rows = series::table(frame, rounds);
    // Names of customers are personal data where the role only looks on.
    let sees_names = role.covers(Role::Technician) || role == Role::Billing;
    let names_hidden = !sees_names && !customers.is_empty();
    Page {
        number: ticket.number.to_string(),
        version: ticket.version,
        headline: headline(&shell, ticket),
        diagnosed: fault.filter(|_| corrected).map(|fault| shell.say(&fault.headline)),
        state: shell.t(&format!("state.{}", ticket.state.name())),
        state_name: ticket.state.name(),
        open: ticket.state.is_open(),
        severity: SeverityMark::of(ticket.severity, shell.language()),
        candidate: ticket.candidate,
        since: Moment(ticket.detected_at),
        lasts: span(shell.language(), end - ticket.detected_at),
        restored: ticket.restored_at.map(Moment),
        resolved: ticket.resolved_at.map(Moment),
        reopened: (ticket.reopen_count > 0)
            .then(|| shell.say(&Message::new("page.reopened_times").with("count", ticket.reopen_count))),
        class: shell.t(&format!("class.{}", ticket.class_name())),
        cause: shell.t(&format!("cause.{}", ticket.cause_name())),
        segment: ticket.segment.clone().unwrap_or_else(|| shell.t("page.not_located")),
        segment_kind: inventory
            .find(ticket.segment_name())
            .map(|index| shell.t(&format!("kind.{}", inventory.element(index).kind.name())))
            .unwrap_or_default(),
        is_element: match fault {
            Some(fault) => fault.segment_kind.is_some(),
            None => inventory.find(ticket.segment_name()).is_some(),
        },
        is_diagnosed: fault.is_some(),
        bill: fault
            .and_then(|fault| fault.billing.as_ref())
            .map(|billing| bill::view(&shell, billing, false)),
        proposal: proposal(&shell, ticket),
        sides: sides(&shell, ticket),
        side: shell.t(&format!("side.{}", ticket.side_name())),
        side_name: ticket.side_name(),
        confidence: fault
            .map(|fault| format!("{:.0} %", fault.confidence.clamp(0.0, 1.0) * 100.0))
            .unwrap_or_default(),
        owner: ticket.owner.clone(),
        tags: tag_words(&shell, &ticket.process.tags),
        customers: customers.len(),
        customer_names: if names_hidden { Vec::new() } else { customers },
        names_hidden,
        verdict: verdict(&shell, ticket),
        unconfirmed: is_unconfirmed(ticket),
        follows: follows.map(|number| number.to_string()),
        life: fault.map(|fault| shell.t(&format!("life.{}", life(&fault.life)))).unwrap_or_default(),
        path: fault.map(|fault| path::view(&shell, fault, poller)),
        reasons: say_all(fault.map(|fault| &fault.reasons)),
        why_not: say_all(fault.map(|fault| &fault.why_not)),
        steps: fault.iter().flat_map(|fault| &fault.steps).map(|walked| step(&shell, walked)).collect(),
        walk: tree::part(&shell, ticket, walk, &draft),
        routes: route::part(&shell, ticket, hooks),
        files: file::part(&shell, ticket, files, *reads, *kept),
        forms: form::lines(ticket, shell.language()),
        has_unmeasured: rows.iter().any(|row| row.unmeasured > 0),
        rows,
        has_rounds: !rounds.is_empty(),
        cut: frame.cut,
        more_targets: (all_targets > frame.targets.len()).then(|| {
            let message = Message::new("page.more_targets").with("shown", frame.targets.len());
            shell.say(&message.with("all", all_targets))
        }),
        has_after: ticket.restored_at.is_some(),
        history: history::view(&shell, events),
        may: may(ticket, role),
        choices: choices(&shell, ticket, inventory),
        causes: causes(&shell, ticket, &draft),
        outcome,
        draft,
        shell,
    }
}

/// Which buttons make sense. The engine has the last word: this only spares people the refusal.
fn may(ticket: &Ticket, role: Role) -> May {
    let open = ticket.state.is_open();
    let is_bill = ticket.is_bill();
    let technician = Action::Note.is_allowed(role, ticket);
    let noc = Action::Acknowledge.is_allowed(role, ticket);
    May {
        acknowledge: noc && open && ticket.owner.is_none() && !ticket.is_reported(),
        // Confirmed once is enough; what was corrected may yet be confirmed by another.
        confirm: technician
            && !ticket.state.is_final()
            && ticket.fault.is_some()
            && !ticket.verdict.as_ref().is_some_and(|verdict| verdict.confirmed),
        judge: technician && !ticket.state.is_final(),
        remeasure: technician && open && !is_bill && ticket.fault.is_some(),
        settle: Action::Settle.is_allowed(role, ticket) && ticket.awaits_settlement(),
        note: technician,
        decide_candidate: noc && ticket.candidate && open,
    }
}

const fn life(life: &crate::diagnosis::FaultState) -> &'static str {
    use crate::diagnosis::FaultState;
    match life {
        FaultState::Suspected { .. } => "suspected",
        FaultState::Raised { .. } => "raised",
        FaultState::Clearing { .. } => "clearing",
        FaultState::Cleared { .. } => "cleared",
    }
}

fn verdict(shell: &Shell, ticket: &Ticket) -> Option<VerdictView> {
    let verdict = ticket.verdict.as_ref()?;
    let key = if verdict.confirmed { "page.verdict_confirmed" } else { "page.verdict_corrected" };
    let message = Message::new(key).with("by", &verdict.by);
    Some(VerdictView {
        confirmed: verdict.confirmed,
        sentence: shell.say(&message),
        at: Moment(verdict.at),
        note: verdict.note.clone(),
    })
}

fn step(shell: &Shell, walked: &TreeStep) -> Step {
    Step {
        node: walked.node.clone(),
        yes: walked.answer,
        answer: shell.t(if walked.answer { "page.yes" } else { "page.no" }),
        reason: shell.say(&walked.reason),
    }
}

/// Elements for the correction: those of the path first, then all others by kind.
fn choices(shell: &Shell, ticket: &Ticket, inventory: &Inventory) -> Vec<Choices> {
    if ticket.is_bill() {
        return Vec::new();
    }
    let on_path: Vec<String> =
        ticket.fault.iter().flat_map(|fault| &fault.hops).map(|hop| hop.element.clone()).collect();
    let mut room = MOST_CHOICES;
    let mut groups = Vec::new();
    for kind in KINDS {
        let names: Vec<String> = inventory
            .elements()
            .iter()
            .filter(|element| element.kind == kind && !on_path.contains(&element.name))
            .map(|element| element.name.clone())
            .take(room)
            .collect();
        room -= names.len();
        if !names.is_empty() {
            groups.push(Choices { title: shell.t(&format!("page.kind_{}", kind.name())), names });
        }
    }
    groups.insert(0, Choices { title: shell.t("page.on_the_path"), names: on_path });
    groups
}

fn sides(shell: &Shell, ticket: &Ticket) -> Vec<SideChoice> {
    if !ticket.is_bill() {
        return Vec::new();
    }
    Side::BILLING
        .into_iter()
        .map(|side| SideChoice {
            name: side.name(),
            words: shell.t(&format!("side.{}", side.name())),
            chosen: Some(side) == ticket.side,
        })
        .collect()
}

fn proposal(shell: &Shell, ticket: &Ticket) -> Option<ProposalView> {
    let proposal = ticket.proposal.as_ref()?;
    let message = match &proposal.declined_by {
        Some(by) => Message::new("page.proposal_declined").with("by", by),
        None if ticket.awaits_settlement() => Message::new("page.proposal_waits"),
        None => Message::new("page.proposal_was"),
    };
    Some(ProposalView {
        sentence: shell.say(&message),
        at: Moment(proposal.at),
        run: proposal.run.clone(),
        waits: ticket.awaits_settlement(),
    })
}

fn causes(shell: &Shell, ticket: &Ticket, draft: &Draft) -> Vec<CauseChoice> {
    let wanted = draft.cause.or(ticket.cause);
    let is_bill = ticket.is_bill();
    Cause::all()
        .filter(|cause| (cause.class() == Class::A) == is_bill)
        .map(|cause| CauseChoice {
            name: cause.name(),
            words: format!("{} · {}", cause.class().letter(), shell.t(&format!("cause.{}", cause.name()))),
            chosen: Some(cause) == wanted,
        })
        .collect()
}
