//! What is known at once of the network that carries a customer's calls: open faults, announced work, measurements,
//! solved cases like it (R92, R96, R99).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::diagnosis::{Cause, Class, ElementState};
use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::http::extract::{Named, Speaks};
use crate::http::openapi::{BadRequest, NotFound};
use crate::inventory::{ElementKind, Inventory};
use crate::locale::Language;
use crate::maintenance::{Phase, Window, covered};
use crate::store::customers::CustomerId;
use crate::store::related::{Likeness, MaybeSame, Sameness, SolvedLike, SolvedTicket};
use crate::ticket::{Ticket, TicketId};

use super::tickets::find_for;
use super::view::ObservationView;

/// Targets that a registration has measured at once.
const MOST_TARGETS: usize = 32;
/// Work that begins later is not told yet.
const LOOK_AHEAD: TimeDelta = TimeDelta::days(7);
/// Solved cases that are told.
const MOST_CASES: usize = 5;

/// A ticket that explains what the customer sees.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnPath {
    /// Its number.
    pub number: String,
    /// Its id.
    pub id: TicketId,
    /// What is broken and where.
    pub headline: String,
    /// The element.
    pub segment: Option<String>,
    /// Its state.
    pub state: crate::ticket::State,
    /// Expected end: the latest time told of work on it, or on a ticket below it, if any was.
    pub expected_end: Option<DateTime<Utc>>,
}

/// Announced work that the customer feels.
#[derive(Debug, Serialize, ToSchema)]
pub struct Announced {
    /// Identity of the window.
    pub window: String,
    /// Whether it runs or is to come.
    pub phase: Phase,
    /// What customers are told.
    pub text: String,
    /// Elements of his path that it covers.
    pub elements: Vec<String>,
    /// Beginning.
    pub starts_at: DateTime<Utc>,
    /// When service is back.
    pub expected_end: DateTime<Utc>,
}

/// An element as it was last measured.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeasuredElement {
    /// Its name.
    pub element: String,
    /// How it was.
    pub state: ElementState,
}

/// The newest round of a target.
#[derive(Serialize, ToSchema)]
pub struct Measurement {
    /// Its name.
    pub target: String,
    /// What came of it.
    pub round: ObservationView,
}

/// A solved case.
#[derive(Debug, Serialize, ToSchema)]
pub struct SolvedCase {
    /// Its number.
    pub number: String,
    /// In what it is like this one.
    pub likeness: Likeness,
    /// The class.
    pub class: Option<Class>,
    /// The cause.
    pub cause: Option<Cause>,
    /// The element.
    pub segment: Option<String>,
    /// When it was solved.
    pub solved_at: Option<DateTime<Utc>>,
    /// What it was; of a measured fault its headline.
    pub root_cause: String,
    /// What was done, where somebody said it.
    pub solution: Option<String>,
}

/// An open ticket that may be the same matter: to be merged into, where it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct SameMatter {
    /// Its number.
    pub number: String,
    /// Its id: what `POST .../merge` of the new ticket takes as `into`.
    pub id: TicketId,
    /// In what it is the same.
    pub same: Vec<Sameness>,
    /// What it is about.
    pub headline: String,
    /// Its state.
    pub state: crate::ticket::State,
    /// Who has it.
    pub owner: Option<String>,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
}

/// What is known at once.
#[derive(Serialize, ToSchema)]
pub struct Known {
    /// Elements on his path, nearest first; empty when nothing of the network was named.
    pub path: Vec<String>,
    /// How each of them was when the measurements were last looked at; those that nobody measures are left out.
    pub measured: Vec<MeasuredElement>,
    /// The newest round of each target on his path, his own first.
    pub measurements: Vec<Measurement>,
    /// Open tickets of measured faults on his path.
    pub open_on_path: Vec<OnPath>,
    /// Announced work on his path, with its expected end.
    pub announced: Vec<Announced>,
    /// Solved cases like this one, the most alike first.
    pub similar: Vec<SolvedCase>,
    /// The open tickets of faults themselves.
    #[serde(skip)]
    pub faults: Vec<Ticket>,
    /// The work that runs now and ends last.
    #[serde(skip)]
    pub running: Option<Window>,
}

/// What is known of these elements; `of` is the ticket that asks, if there is one.
pub(super) async fn known(
    state: &HttpState,
    elements: &[String],
    of: Option<&Ticket>,
    language: Language,
) -> Result<Known, Problem> {
    let now = state.clock.now_utc();
    let inventory = state.settings.borrow().inventory.clone();
    let path = inventory.path_to_all(elements);
    let open = state.store.open_tickets_at(&path).await?;
    let faults: Vec<Ticket> = open.into_iter().filter(|ticket| ticket.fault.is_some()).collect();
    let below = state.store.open_tickets_below(&faults).await?;
    let mut windows =
        if path.is_empty() { Vec::new() } else { state.store.windows(now, now + LOOK_AHEAD).await? };
    windows.retain(|window| matches!(window.phase(now), Phase::Planned | Phase::Running));
    let mut announced = Vec::new();
    let mut running: Option<Window> = None;
    for window in windows {
        let scope = covered(&window, &inventory);
        let felt: Vec<String> = path.iter().filter(|name| scope.contains(name.as_str())).cloned().collect();
        if felt.is_empty() {
            continue;
        }
        announced.push(Announced {
            window: window.id.clone(),
            phase: window.phase(now),
            text: window.customer_text.clone().unwrap_or_else(|| window.text.clone()),
            elements: felt,
            starts_at: window.starts_at,
            expected_end: window.ends_at,
        });
        let ends_later = running.as_ref().is_none_or(|other| other.ends_at < window.ends_at);
        if window.phase(now) == Phase::Running && ends_later {
            running = Some(window);
        }
    }
    announced.sort_by_key(|work| (work.starts_at, work.expected_end));
    let similar = similar(state, &inventory, &path, &faults, of, language).await?;
    let latest = |target: String| {
        let round = state.live.latest(&target)?;
        Some(Measurement { round: ObservationView::of(&round, language), target })
    };
    Ok(Known {
        measured: measured(state, &path),
        measurements: targets_of(&inventory, &path).into_iter().filter_map(latest).collect(),
        open_on_path: faults.iter().map(|ticket| on_path(ticket, &below, language)).collect(),
        announced,
        similar,
        faults,
        running,
        path,
    })
}

fn on_path(ticket: &Ticket, below: &[Ticket], language: Language) -> OnPath {
    let told = |work: &crate::ticket::process::Work| work.etas.last().map(|told| told.eta);
    let children = below.iter().filter(|child| child.process.parent.as_ref() == Some(&ticket.id));
    let works = std::iter::once(ticket).chain(children).flat_map(|one| one.process.open_works());
    OnPath {
        number: ticket.number.to_string(),
        id: ticket.id.clone(),
        headline: ticket.headline().render(language),
        segment: ticket.segment.clone(),
        state: ticket.state,
        expected_end: works.filter_map(told).max(),
    }
}

fn measured(state: &HttpState, path: &[String]) -> Vec<MeasuredElement> {
    let Some((_, diagnosis)) = state.live.diagnosis() else { return Vec::new() };
    let of = |name: &String| {
        let report = diagnosis.elements.iter().find(|report| report.element == *name)?;
        Some(MeasuredElement { element: name.clone(), state: report.state })
    };
    path.iter().filter_map(of).collect()
}

/// Solved cases by element, by cause, and by class on an element of the same kind.
async fn similar(
    state: &HttpState,
    inventory: &Inventory,
    path: &[String],
    faults: &[Ticket],
    of: Option<&Ticket>,
    language: Language,
) -> Result<Vec<SolvedCase>, Problem> {
    let asking: Vec<&Ticket> = of.into_iter().chain(faults).collect();
    let causes: BTreeSet<(Class, Cause)> =
        asking.iter().filter_map(|ticket| ticket.class.zip(ticket.cause)).collect();
    let classes: BTreeSet<Class> = asking.iter().filter_map(|ticket| ticket.class).collect();
    let places = asking.iter().filter_map(|ticket| ticket.segment.clone());
    let places: BTreeSet<String> = if of.and_then(|ticket| ticket.segment.as_ref()).is_some() {
        places.collect()
    } else {
        places.chain(path.iter().cloned()).collect()
    };
    let kind = |name: &str| inventory.find(name).map(|index| inventory.element(index).kind);
    let kinds: BTreeSet<ElementKind> = places.iter().filter_map(|name| kind(name)).collect();
    let wanted = SolvedLike {
        segments: places.into_iter().collect(),
        causes: causes.into_iter().collect(),
        classes: classes.into_iter().collect(),
        is_of_kind: &|segment: &str| kind(segment).is_some_and(|kind| kinds.contains(&kind)),
        except: of.map(|ticket| ticket.id.clone()),
    };
    let found = state.store.solved_tickets_like(&wanted, MOST_CASES).await?;
    let case = |SolvedTicket { ticket, likeness }: SolvedTicket| {
        let resolution = ticket.process.resolution.as_ref();
        let said = resolution.map(|known| known.root_cause.clone()).filter(|cause| !cause.is_empty());
        SolvedCase {
            number: ticket.number.to_string(),
            likeness,
            class: ticket.class,
            cause: ticket.cause,
            solved_at: ticket.resolved_at,
            root_cause: said.unwrap_or_else(|| ticket.headline().render(language)),
            solution: resolution.map(|known| known.solution.clone()),
            segment: ticket.segment,
        }
    };
    Ok(found.into_iter().map(case).collect())
}

/// Open tickets that may be the same matter as this one (tickets.md 5.2): of the time that the settings state, for a
/// person to judge.
pub(super) async fn same_matter(
    state: &HttpState,
    ticket: &Ticket,
    elements: &[String],
    language: Language,
) -> Result<Vec<SameMatter>, Problem> {
    let (inventory, within) = {
        let settings = state.settings.borrow();
        (settings.inventory.clone(), settings.tickets.same_matter)
    };
    if within.is_zero() {
        return Ok(Vec::new());
    }
    let is_own = |name: &String| {
        let kind = inventory.find(name).map(|index| inventory.element(index).kind);
        matches!(kind, Some(ElementKind::Gateway | ElementKind::Access))
    };
    let own: Vec<String> = elements.iter().filter(|name| is_own(name)).cloned().collect();
    // What was registered longer ago is another matter.
    let within = TimeDelta::from_std(within).unwrap_or(TimeDelta::MAX);
    let since = state.clock.now_utc().checked_sub_signed(within).unwrap_or(DateTime::UNIX_EPOCH);
    let found = state.store.maybe_same_matter(ticket, &own, since, MOST_CASES).await?;
    let shown = |MaybeSame { ticket, same }: MaybeSame| SameMatter {
        number: ticket.number.to_string(),
        same: same.into_iter().collect(),
        headline: ticket.headline().render(language),
        state: ticket.state,
        registered_at: ticket.registered_at,
        owner: ticket.owner,
        id: ticket.id,
    };
    Ok(found.into_iter().map(shown).collect())
}

/// Targets that speak for the end of the path first: the customer's own.
#[must_use]
pub(super) fn targets_of(inventory: &Inventory, path: &[String]) -> Vec<String> {
    let elements = path.iter().rev().filter_map(|name| inventory.find(name));
    let targets = elements.flat_map(|index| inventory.targets_of(index)).map(|target| target.name.clone());
    targets.take(MOST_TARGETS).collect()
}

/// What of the network a registered ticket is about: what it names, else what its customer has.
async fn elements_of_ticket(state: &HttpState, ticket: &Ticket) -> Result<Vec<String>, Problem> {
    let Some(registration) = &ticket.registration else {
        return Ok(ticket.segment.iter().cloned().collect());
    };
    if let Some(element) = &registration.element {
        return Ok(vec![element.clone()]);
    }
    let Some(customer) = &registration.customer else { return Ok(Vec::new()) };
    let customer = state.store.customer(&CustomerId(customer.customer.clone())).await?;
    Ok(customer.map(|customer| customer.elements()).unwrap_or_default())
}

/// What is known now of the path of a ticket: open faults and announced work with their expected end, the newest
/// measurements, solved cases like it.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/known", operation_id = "getTicketKnown", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "What is known.", body = Known), BadRequest, NotFound))]
pub async fn show(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<Known>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let elements = elements_of_ticket(&state, &ticket).await?;
    Ok(Json(known(&state, &elements, Some(&ticket), language).await?))
}
