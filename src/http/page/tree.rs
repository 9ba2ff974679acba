//! The decision tree on a ticket's page: the next question as a form, the path with who or what answered, and
//! `POST /tickets/{number}/tree`, `tree-back` and `tree-begin`. No decision is made here.

use std::collections::BTreeMap;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::http::HttpState;
use crate::http::api::ticket_tree::{TreeCorrection, correction, wanted};
use crate::http::auth::sees;
use crate::http::walk::{NextQuestion, WalkView};
use crate::locale::Message;
use crate::store::Role;
use crate::ticket::walk::Wanted;
use crate::ticket::{Actor, Ticket, TicketNumber};

use super::action::{Draft, Failure, broken, failed, refused};
use super::asker::{Tongue, Viewer};
use super::shell::Shell;
use super::words::Moment;

/// What can be done on this part, by the names in addresses.
pub const DONE: [&str; 3] = ["answer", "back", "begin"];
/// How the name of a detail begins in a form.
const DETAIL: &str = "detail.";

type Fields = BTreeMap<String, String>;

/// A step as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct StepLine {
    pub(super) node: String,
    pub(super) question: String,
    pub(super) answer: String,
    pub(super) is_back: bool,
    pub(super) by: String,
    pub(super) evidence: Option<String>,
    pub(super) told: Vec<(String, String)>,
    pub(super) at: Moment,
    pub(super) over_cap: bool,
    pub(super) recorded: bool,
}

/// An input beside an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: String,
}

/// The question as a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub(super) node: String,
    pub(super) text: String,
    pub(super) is_action: bool,
    pub(super) role: Option<String>,
    pub(super) measured_by: Option<String>,
    pub(super) answers: Vec<(String, String)>,
    pub(super) inputs: Vec<Input>,
    pub(super) form: Option<String>,
    pub(super) until: Option<Moment>,
    pub(super) may_answer: bool,
}

/// The part of the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    pub(super) trouble: Option<String>,
    pub(super) title: Option<String>,
    pub(super) question: Option<Question>,
    pub(super) ended: Option<String>,
    pub(super) path: Vec<StepLine>,
    pub(super) back_to: Vec<(String, String)>,
    pub(super) trees: Vec<(String, String)>,
    pub(super) may_change: bool,
}

impl Part {
    /// Whether the path is shown by the walk; else the diagnosis shows its own.
    #[must_use]
    pub fn has_path(&self) -> bool {
        !self.path.is_empty()
    }
}

/// The part for a ticket.
#[must_use]
pub fn part(shell: &Shell, ticket: &Ticket, walk: &Result<Option<WalkView>, Message>, draft: &Draft) -> Part {
    let walk = match walk {
        Ok(Some(walk)) => walk,
        Ok(None) => return Part::default(),
        Err(trouble) => return Part { trouble: Some(shell.say(trouble)), ..Part::default() },
    };
    let role = shell.viewer.as_ref().map_or(Role::Viewer, |viewer| viewer.role);
    let may_change =
        ticket.state.is_open() && (role.covers(Role::Agent) || (role == Role::Billing && ticket.is_bill()));
    let title = Message::new("page.tree_version").with("tree", format!("{} {}", walk.tree, walk.title));
    let asked = walk.next.as_ref().filter(|_| ticket.state.is_open());
    let steps = walk.path.iter().filter(|_| walk.begun);
    let mut back_to: Vec<(String, String)> = Vec::new();
    for step in walk.path.iter().filter(|step| step.recorded && may_change) {
        let name = format!("{}/{}", step.tree, step.node);
        if !back_to.iter().any(|(known, _)| *known == name) {
            back_to.push((name, format!("{} {}", step.node, step.question)));
        }
    }
    Part {
        trouble: None,
        title: Some(shell.say(&title.with("version", walk.version))),
        question: asked.map(|next| question(shell, next, walk.may_answer && may_change, draft)),
        ended: walk
            .outcome_text
            .as_ref()
            .map(|text| shell.say(&Message::new("page.tree_ended").with("outcome", text))),
        path: steps.map(|step| line(shell, step)).collect(),
        back_to,
        trees: walk
            .trees
            .iter()
            .filter(|_| may_change)
            .map(|tree| (tree.name.clone(), format!("{} {}", tree.name, tree.title)))
            .collect(),
        may_change,
    }
}

fn question(shell: &Shell, next: &NextQuestion, may_answer: bool, draft: &Draft) -> Question {
    let role = |role: &String| shell.say(&Message::new("page.tree_role").with("role", role));
    let measured = Message::new("page.tree_measured_by").with("measurements", next.measured_by.join(", "));
    let inputs = next.asks.iter().map(|asked| Input {
        name: format!("{DETAIL}{}", asked.id),
        label: asked.text.clone(),
        value: draft.told.get(&asked.id).cloned().unwrap_or_default(),
    });
    Question {
        node: next.node.clone(),
        text: next.text.clone(),
        is_action: next.kind == "action",
        role: next.role_text.as_ref().map(role),
        measured_by: (!next.measured_by.is_empty()).then(|| shell.say(&measured)),
        answers: next.answers.iter().map(|answer| (answer.id.clone(), answer.text.clone())).collect(),
        inputs: inputs.collect(),
        form: next.form_text.clone(),
        until: next.until.map(Moment),
        may_answer,
    }
}

fn line(shell: &Shell, step: &crate::http::walk::WalkStep) -> StepLine {
    let told = step.details.iter().map(|told| {
        let said = if told.apart { shell.t("page.tree_kept_apart") } else { told.told.clone() };
        (told.text.clone(), said)
    });
    let is_done = step.answer.as_deref() == Some("done");
    StepLine {
        node: step.node.clone(),
        question: step.question.clone(),
        answer: if is_done { shell.t("page.tree_done") } else { step.text.clone() },
        is_back: step.answer.is_none(),
        by: step.by.clone().unwrap_or_else(|| shell.t("page.tree_by_measurement")),
        evidence: step.evidence.clone(),
        told: told.collect(),
        at: Moment(step.at),
        over_cap: step.over_cap,
        recorded: step.recorded,
    }
}

/// `POST /tickets/{number}/tree`
pub async fn answer(
    state: State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    path: Path<String>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    act(state, viewer, tongue, path, form, DONE[0]).await
}

/// `POST /tickets/{number}/tree-back`
pub async fn back(
    state: State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    path: Path<String>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    act(state, viewer, tongue, path, form, DONE[1]).await
}

/// `POST /tickets/{number}/tree-begin`
pub async fn begin(
    state: State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    path: Path<String>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    act(state, viewer, tongue, path, form, DONE[2]).await
}

async fn act(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    Path(number): Path<String>,
    form: Result<Form<Fields>, FormRejection>,
    name: &'static str,
) -> Response {
    let fields = match form {
        Ok(Form(fields)) => fields,
        Err(rejection) => {
            let why = Failure::new(rejection.status(), Message::new("page.form_unreadable"));
            return failed(&state, &viewer, &tongue, &number, why, Draft::default()).await;
        }
    };
    match attempt(&state, &viewer, &number, name, &fields).await {
        Ok(number) => Redirect::to(&format!("/tickets/{number}?done={name}#tree")).into_response(),
        Err(failure) => {
            let draft = Draft { action: name, told: details(&fields), ..Draft::default() };
            failed(&state, &viewer, &tongue, &number, failure, draft).await
        }
    }
}

fn details(fields: &Fields) -> Fields {
    let told = fields.iter().filter_map(|(name, told)| Some((name.strip_prefix(DETAIL)?, told)));
    told.map(|(name, told)| (name.to_owned(), told.trim().to_owned())).collect()
}

async fn attempt(
    state: &HttpState,
    viewer: &Viewer,
    number: &str,
    name: &'static str,
    fields: &Fields,
) -> Result<TicketNumber, Failure> {
    let unknown = || {
        let shown: String = number.chars().take(40).collect();
        Failure::new(StatusCode::NOT_FOUND, Message::new("page.no_such_ticket").with("number", shown))
    };
    let number: TicketNumber = number.parse().map_err(|_| unknown())?;
    let found = state.store.ticket_by_number(number).await.map_err(|error| broken(&error))?;
    let ticket = found.filter(|ticket| sees(viewer.role, ticket)).ok_or_else(unknown)?;
    let field = |name: &str| fields.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let unreadable = || Failure::new(StatusCode::PRECONDITION_REQUIRED, Message::new("page.form_unreadable"));
    let version: i64 = field("version").parse().map_err(|_| unreadable())?;
    let some = |text: String| (!text.is_empty()).then_some(text);
    let meant = match name {
        "answer" => Wanted::Answer {
            node: field("node"),
            answer: field("answer"),
            details: details(fields),
            evidence: some(field("evidence")),
        },
        "back" => {
            let place = field("place");
            let (tree, node) = place.split_once('/').ok_or_else(unreadable)?;
            let (tree, node) = (Some(tree.to_owned()), node.to_owned());
            correction(&ticket, TreeCorrection { node, tree, reason: field("reason") })
        }
        _ => Wanted::Begin { tree: some(field("tree")), reason: field("reason") },
    };
    let wanted = wanted(state, &ticket, meant)
        .await
        .map_err(|_| Failure::new(StatusCode::SERVICE_UNAVAILABLE, Message::new("page.store_failed")))?;
    let actor = Actor(viewer.name.clone());
    state.writer.walk(&ticket.id, Some(version), wanted, actor).await.map_err(refused)?;
    Ok(number)
}
