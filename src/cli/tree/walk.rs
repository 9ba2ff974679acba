//! A walk by answers on standard input; questions go to standard error, the path to standard output.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use linesman_process::tree::run::Taken;
use linesman_process::tree::{
    Answerer, Given, Measured, Node, NodeKind, Refusal, Run, Standing, Step, Tree, Trees,
};
use linesman_process::{Language, Role};
use serde::Serialize;

use super::show::known;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::clock::{Clock as _, SystemClock};

/// What is printed with `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    /// The nodes in the order of the walk.
    path: Vec<&'a str>,
    /// Where it stands.
    current: &'a str,
    /// How it ended.
    outcome: Option<&'static str>,
    steps: &'a [Step],
}

/// `B5=no`.
pub(super) fn measured(text: &str) -> Result<Measured, String> {
    let wrong = || format!("`{}` is not of the form NODE=yes or NODE=no", text.escape_debug());
    let (node, answer) = text.split_once('=').ok_or_else(wrong)?;
    match answer {
        "yes" => Ok(Measured::new(node, true)),
        "no" => Ok(Measured::new(node, false)),
        _ => Err(wrong()),
    }
}

pub(super) fn walk(
    trees: &Trees,
    name: &str,
    measured: &[Measured],
    language: Language,
    json: bool,
) -> anyhow::Result<Exit> {
    known(trees, name)?;
    let now = || SystemClock.now_utc();
    let mut run = match measured.is_empty() {
        true => Run::start(trees, name, now())?,
        false => Run::from_path(trees, name, measured, "--measured", now())?,
    };
    let mut lines = io::stdin().lock().lines();
    let mut next = || -> io::Result<Option<String>> {
        lines.next().transpose().map(|line| line.map(|line| line.trim().to_owned()))
    };
    'walk: while let Standing::Asks(tree, node) = run.standing(trees)? {
        ask(tree, node, language);
        let Some(said) = next()? else { break };
        // An empty line says that an action is done.
        let answer = if said.is_empty() && node.kind == NodeKind::Action { "done".to_owned() } else { said };
        let mut details = BTreeMap::new();
        for detail in node.ask.iter().filter(|_| node.answer(&answer).is_some()) {
            output::note(format!("  {} ({}):", detail.text.get(language), detail.id));
            let Some(told) = next()? else { break 'walk };
            details.insert(detail.id.clone(), told);
        }
        let by = Answerer::Person { name: "stdin".to_owned(), roles: Role::ALL.to_vec(), evidence: None };
        let given = Given { answer, by, details, at: now() };
        match run.answer(trees, &node.id, given) {
            Ok(follows) => follows.effects.iter().for_each(|effect| {
                output::note(format!("  => {}", effect.word(language)));
            }),
            Err(against) => tell(&against, language),
        }
        run.prefill(trees, measured, "--measured", now())?;
    }
    let ended = match run.standing(trees)? {
        Standing::Ended(_, _, outcome) => Some(outcome),
        Standing::Asks(..) => None,
    };
    if json {
        let current = run.current().node.as_str();
        let outcome = ended.map(linesman_process::tree::Outcome::name);
        output::json(&Answer { path: run.nodes(), current, outcome, steps: run.path() })?;
    } else {
        for step in run.path() {
            output::line(line(step))?;
        }
        let at = run.current();
        let how = ended
            .map_or(if language == Language::English { "not answered" } else { "未回答" }, |outcome| {
                outcome.word(language)
            });
        output::line(format!("{}/{} {how}", at.tree, at.node))?;
    }
    Ok(if ended.is_some() { Exit::Fine } else { Exit::Problem })
}

fn ask(tree: &Tree, node: &Node, language: Language) {
    let role = node.role.map_or("", |role| role.word(language));
    output::note(format!("{}/{} [{role}] {}", tree.name, node.id, node.text.get(language)));
    for answer in node.answers.iter().filter(|_| node.kind == NodeKind::Question) {
        output::note(format!("  {}: {}", answer.id, answer.text.get(language)));
    }
}

fn tell(against: &[Refusal], language: Language) {
    for one in against {
        output::note(format!("  {}", one.say(language)));
    }
}

fn line(step: &Step) -> String {
    let (answer, by) = match (&step.taken, &step.answerer) {
        (Taken::Answered { answer }, Answerer::Auto { evidence }) => (answer, evidence),
        (Taken::Answered { answer }, Answerer::Person { name, .. }) => (answer, name),
        (
            Taken::Corrected { reason },
            Answerer::Auto { evidence: by } | Answerer::Person { name: by, .. },
        ) => (reason, by),
    };
    let place = &step.place;
    format!("{}/{} {answer} ({by})", place.tree, place.node)
}
