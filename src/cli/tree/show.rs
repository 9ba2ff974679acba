//! A tree in words.

use std::fmt::Write as _;

use linesman_process::Language;
use linesman_process::tree::{Node, NodeKind, Source, Tree, Trees};

use crate::cli::exit::{Exit, Failure};
use crate::cli::output;

pub(super) fn show(trees: &Trees, name: Option<&str>, language: Language, json: bool) -> anyhow::Result<()> {
    let Some(name) = name else {
        let all = trees.all_latest();
        if json {
            return output::json(&all);
        }
        for tree in all {
            output::line(format!("{:<8} {}", tree.name, title(tree, language)))?;
        }
        return Ok(());
    };
    let tree = known(trees, name)?;
    if json {
        return output::json(tree);
    }
    let mut text = format!("{} {}\n", tree.name, title(tree, language));
    for node in &tree.nodes {
        describe(&mut text, tree, node, language);
    }
    output::raw(text.as_bytes())
}

/// The tree of a name, or what there is.
pub(super) fn known<'t>(trees: &'t Trees, name: &str) -> Result<&'t Tree, Failure> {
    trees.latest(name).ok_or_else(|| {
        let known: Vec<&str> = trees.all_latest().iter().map(|tree| tree.name.as_str()).collect();
        let message = format!("no tree `{}`; there are {}", name.escape_debug(), known.join(", "));
        Failure::new(Exit::Usage, message)
    })
}

fn title(tree: &Tree, language: Language) -> String {
    match language {
        Language::English => format!("{} (version {}, {})", tree.title.en, tree.version, tree.rule),
        Language::Chinese => format!("{}（第{}版，{}）", tree.title.zh, tree.version, tree.rule),
    }
}

fn describe(text: &mut String, tree: &Tree, node: &Node, language: Language) {
    let _ = writeln!(text, "\n{:<4} {}", node.id, node.text.get(language));
    let mut about: Vec<String> = node.role.iter().map(|role| role.word(language).to_owned()).collect();
    about.extend(node.outcome.iter().map(|outcome| outcome.word(language).to_owned()));
    about.extend(node.measured_by.iter().map(|by| by.word(language).to_owned()));
    about.extend(node.form.iter().map(|form| form.word(language).to_owned()));
    about.extend(node.cap.iter().map(|cap| match language {
        Language::English => format!("at most {} min", cap.minutes),
        Language::Chinese => format!("最多{}分钟", cap.minutes),
    }));
    about.push(node.rule.clone());
    let _ = writeln!(text, "     [{}]", about.join(" · "));
    for detail in &node.ask {
        let _ = writeln!(text, "     + {}: {}", detail.id, detail.text.get(language));
    }
    for answer in &node.answers {
        let to = match answer.to.tree == tree.name {
            true => answer.to.node.clone(),
            false => format!("{}/{}", answer.to.tree, answer.to.node),
        };
        let mark = if answer.source == Source::Stands { "" } else { " (I)" };
        let said = match node.kind {
            NodeKind::Action => String::new(),
            _ => format!("{}: {} ", answer.id, answer.text.get(language)),
        };
        let _ = writeln!(text, "     {said}-> {to}{mark}");
    }
}
