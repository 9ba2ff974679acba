//! A walk through the decision trees as it is shown to people and programs: the path with who or what answered, the
//! next question with whoever answers it.

use chrono::{DateTime, Utc};
use linesman_process::tree::{Answerer, Node, Standing, Step, Taken, Trees};
use linesman_process::{Role as Part, form};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use crate::locale::{Language, Message};
use crate::store::StoreError;
use crate::ticket::walk::{self, Evidence, Preview};
use crate::ticket::{Actor, Ticket};

/// An answer that a question takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnswerView {
    /// Its name; `done` for an action.
    pub id: String,
    /// What it says; empty for an action.
    pub text: String,
}

/// What is told with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DetailView {
    /// Its name.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// It may tell of a person: kept apart, and erased with him.
    pub personal: bool,
}

/// The question that is asked now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextQuestion {
    /// The tree.
    pub tree: String,
    /// Its version, which the walk keeps.
    pub version: u32,
    /// The question, as `B6b`.
    pub node: String,
    /// `question` or `action`.
    pub kind: String,
    /// The rule of the procedure.
    pub rule: String,
    /// What is asked or to be done.
    pub text: String,
    /// Who answers, by the name of the role.
    pub role: Option<String>,
    /// Who answers, in words.
    pub role_text: Option<String>,
    /// What can be answered.
    pub answers: Vec<AnswerView>,
    /// What is told with the answer.
    pub asks: Vec<DetailView>,
    /// The form that is filled in here.
    pub form: Option<String>,
    /// Its title.
    pub form_text: Option<String>,
    /// Measurements that answer it where there are any.
    pub measured_by: Vec<String>,
    /// Until when it is to be answered (R65, R82).
    pub until: Option<DateTime<Utc>>,
}

/// A detail as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ToldView {
    /// Its name.
    pub id: String,
    /// What was asked.
    pub text: String,
    /// What was told; of a detail that is kept apart its hash.
    pub told: String,
    /// Whether it is kept apart.
    pub apart: bool,
}

/// A step of the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WalkStep {
    /// The tree.
    pub tree: String,
    /// The question.
    pub node: String,
    /// What was asked.
    pub question: String,
    /// The answer's name; none where somebody went back.
    pub answer: Option<String>,
    /// The answer in words; where somebody went back, why.
    pub text: String,
    /// Who answered; none for a measurement.
    pub by: Option<String>,
    /// In which roles.
    pub roles: Vec<String>,
    /// What was measured or seen, by reference.
    pub evidence: Option<String>,
    /// What was told with it.
    pub details: Vec<ToldView>,
    /// When.
    pub at: DateTime<Utc>,
    /// It took longer than it may.
    pub over_cap: bool,
    /// It is recorded; else it is what a measurement says now, and is recorded with the next answer.
    pub recorded: bool,
    /// The question after it.
    pub to: String,
}

/// A tree that can be walked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TreeChoice {
    /// Its name.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// The version that a walk gets which begins now.
    pub version: u32,
}

/// A ticket's walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WalkView {
    /// Whether it has begun; else it begins with the first answer.
    pub begun: bool,
    /// Which walk of the ticket this is, from 1.
    pub walk: usize,
    /// The tree in which it stands.
    pub tree: String,
    /// What that is called.
    pub title: String,
    /// Its version, kept for the walk's life.
    pub version: u32,
    /// Trees that it went through, in their order (R64).
    pub visited: Vec<String>,
    /// What is asked now; none when it has ended.
    pub next: Option<NextQuestion>,
    /// Whether the caller may answer it.
    pub may_answer: bool,
    /// How it ended.
    pub outcome: Option<String>,
    /// How it ended, in words.
    pub outcome_text: Option<String>,
    /// The path.
    pub path: Vec<WalkStep>,
    /// Trees that can be begun.
    pub trees: Vec<TreeChoice>,
}

/// What measurements say of a ticket's questions now.
#[must_use]
pub fn evidence(state: &HttpState, ticket: &Ticket, above: Option<&Ticket>) -> Vec<Evidence> {
    let settings = state.settings.borrow().clone();
    let diagnosis = state.live.diagnosis().map(|(_, diagnosis)| diagnosis);
    walk::measured::evidence(ticket, above, diagnosis.as_deref(), &settings.inventory)
}

/// The ticket above, whose diagnosis speaks for this one too.
///
/// # Errors
/// When the database does not answer.
pub async fn above(state: &HttpState, ticket: &Ticket) -> Result<Option<Ticket>, StoreError> {
    match &ticket.process.parent {
        Some(parent) => state.store.ticket(parent).await,
        None => Ok(None),
    }
}

/// The question that a ticket's tree asks now, as far as can be said without the database.
#[must_use]
pub fn next_question(
    state: &HttpState,
    ticket: &Ticket,
    above: Option<&Ticket>,
    language: Language,
) -> Option<NextQuestion> {
    if !ticket.state.is_open() {
        return None;
    }
    let trees = state.store.trees()?;
    let evidence = evidence(state, ticket, above);
    let preview = walk::preview(ticket, &trees, &evidence, state.clock.now_utc()).ok().flatten()?;
    match preview.run.standing(&trees).ok()? {
        Standing::Asks(tree, node) => {
            let until = preview.run.cap_ends(&trees).ok().flatten();
            Some(NextQuestion::of(tree.name.clone(), tree.version, node, until, language))
        }
        Standing::Ended(..) => None,
    }
}

/// The walk of a ticket for whoever asks; the sentence says what is wrong where it cannot be shown.
///
/// # Errors
/// When the database does not answer.
pub async fn view(
    state: &HttpState,
    ticket: &Ticket,
    caller: &Actor,
    language: Language,
) -> Result<Result<Option<WalkView>, Message>, StoreError> {
    let Some(trees) = state.store.trees() else {
        return Ok(Err(Message::new("guard.no_trees").with("rule", "R57")));
    };
    let above = above(state, ticket).await?;
    let evidence = evidence(state, ticket, above.as_ref());
    let parts = state.store.parts_of_actor(caller).await?;
    let preview = match walk::preview(ticket, &trees, &evidence, state.clock.now_utc()) {
        Ok(Some(preview)) => preview,
        Ok(None) => return Ok(Ok(None)),
        Err(_) => return Ok(Err(Message::new("page.tree_gone"))),
    };
    let count = ticket.process.walks.len();
    Ok(WalkView::of(&preview, count, &trees, &parts, language)
        .map_or_else(|| Err(Message::new("page.tree_gone")), |view| Ok(Some(view))))
}

impl NextQuestion {
    fn of(tree: String, version: u32, node: &Node, until: Option<DateTime<Utc>>, language: Language) -> Self {
        let spoken = language.into();
        let is_action = node.kind == linesman_process::tree::NodeKind::Action;
        Self {
            tree,
            version,
            node: node.id.clone(),
            kind: node.kind.name().to_owned(),
            rule: node.rule.clone(),
            text: node.text.get(spoken).to_owned(),
            role: node.role.map(|role| role.name().to_owned()),
            role_text: node.role.map(|role| role.word(spoken).to_owned()),
            answers: node
                .answers
                .iter()
                .map(|answer| AnswerView {
                    id: answer.id.clone(),
                    text: if is_action { String::new() } else { answer.text.get(spoken).to_owned() },
                })
                .collect(),
            asks: node
                .ask
                .iter()
                .map(|asked| DetailView {
                    id: asked.id.clone(),
                    text: asked.text.get(spoken).to_owned(),
                    personal: asked.personal,
                })
                .collect(),
            form: node.form.map(|form| form.name().to_owned()),
            form_text: node.form.map(|form: form::FormId| form.word(spoken).to_owned()),
            measured_by: node.measured_by.iter().map(|by| by.word(spoken).to_owned()).collect(),
            until,
        }
    }
}

impl WalkView {
    fn of(
        preview: &Preview,
        count: usize,
        trees: &Trees,
        parts: &[Part],
        language: Language,
    ) -> Option<Self> {
        let run = &preview.run;
        let standing = run.standing(trees).ok()?;
        let (Standing::Asks(tree, node) | Standing::Ended(tree, node, _)) = standing;
        let outcome = match standing {
            Standing::Ended(_, _, outcome) => Some(outcome),
            Standing::Asks(..) => None,
        };
        let spoken: linesman_process::Language = language.into();
        let is_theirs = node.role.is_none_or(|role| parts.iter().any(|own| own.stands_in_for(role)));
        let next = outcome.is_none().then(|| {
            let until = run.cap_ends(trees).ok().flatten();
            NextQuestion::of(tree.name.clone(), tree.version, node, until, language)
        });
        let steps = run.path().iter().enumerate();
        let path = steps.map(|(place, step)| {
            let version = run.versions().get(&step.place.tree).copied().unwrap_or_default();
            let asked = trees.version(&step.place.tree, version).and_then(|tree| tree.node(&step.place.node));
            WalkStep::of(step, asked, place < preview.recorded, spoken)
        });
        Some(Self {
            begun: preview.begun,
            walk: count.max(1),
            tree: tree.name.clone(),
            title: tree.title.get(spoken).to_owned(),
            version: tree.version,
            visited: run.visited().into_iter().map(str::to_owned).collect(),
            may_answer: next.is_some() && is_theirs,
            next,
            outcome: outcome.map(|outcome| outcome.name().to_owned()),
            outcome_text: outcome.map(|_| node.text.get(spoken).to_owned()),
            path: path.collect(),
            trees: trees
                .all_latest()
                .into_iter()
                .map(|tree| TreeChoice {
                    name: tree.name.clone(),
                    title: tree.title.get(spoken).to_owned(),
                    version: tree.version,
                })
                .collect(),
        })
    }
}

/// How the hash of words that are kept apart begins in a step.
pub const APART: &str = "sha256:";

impl WalkStep {
    fn of(step: &Step, asked: Option<&Node>, recorded: bool, spoken: linesman_process::Language) -> Self {
        let (answer, text) = match &step.taken {
            Taken::Corrected { reason } => (None, reason.clone()),
            Taken::Answered { answer } => {
                let known = asked.and_then(|node| node.answer(answer));
                let text = known.map_or(answer.as_str(), |known| known.text.get(spoken));
                (Some(answer.clone()), text.to_owned())
            }
        };
        let (by, roles, evidence) = match &step.answerer {
            Answerer::Auto { evidence } => (None, Vec::new(), Some(evidence.clone())),
            Answerer::Person { name, roles, evidence } => {
                let roles = roles.iter().map(|role| role.name().to_owned()).collect();
                (Some(name.clone()), roles, evidence.clone())
            }
        };
        let words = |id: &str| {
            let known = asked.and_then(|node| node.ask.iter().find(|asked| asked.id == id));
            known.map_or_else(|| id.to_owned(), |known| known.text.get(spoken).to_owned())
        };
        Self {
            tree: step.place.tree.clone(),
            node: step.place.node.clone(),
            question: asked.map(|node| node.text.get(spoken).to_owned()).unwrap_or_default(),
            answer,
            text,
            by,
            roles,
            evidence,
            details: step
                .details
                .iter()
                .map(|(id, told)| ToldView {
                    id: id.clone(),
                    text: words(id),
                    told: told.clone(),
                    apart: told.starts_with(APART),
                })
                .collect(),
            at: step.at,
            over_cap: step.over_cap,
            recorded,
            to: format!("{}/{}", step.to.tree, step.to.node),
        }
    }
}
