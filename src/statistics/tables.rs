//! The report as tables in a language: what a page, a workbook and a terminal show alike.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use linesman_process::form::{self, FormId};
use linesman_process::statistics::{PromiseCounts, RegulatorClass, Report, Share, Value};

use crate::locale::{Language, Message, words};

use super::content::{Content, Difference, Frozen, Row};
use super::duty::DutyState;
use super::facts::NOT_NAMED;

/// How an instant stands in a table.
const INSTANT: &str = "%Y-%m-%d %H:%M";

/// What is shown.
#[derive(Debug, Clone)]
pub struct Shown<'c> {
    /// The report.
    pub content: &'c Content,
    /// How it was frozen; `None` of figures that are counted now.
    pub frozen: Option<&'c Frozen>,
    /// What it differs in from the frozen ones, where it was counted again.
    pub differences: Option<&'c [Difference]>,
    /// What the month asks of people, once it is over.
    pub duties: &'c [DutyState],
    /// When it was counted or read.
    pub at: DateTime<Utc>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// So many.
    Count(u64),
    /// A target that is reached.
    Good(String),
    /// A target that is not.
    Bad(String),
}

impl Cell {
    /// As it is written.
    #[must_use]
    pub fn say(&self) -> String {
        match self {
            Self::Text(text) | Self::Good(text) | Self::Bad(text) => text.clone(),
            Self::Count(number) => number.to_string(),
        }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it is.
    pub title: String,
    /// Heads of its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Of which language it is.
    pub language: Language,
    /// Name of the sheet of figures.
    pub sheet: String,
    /// What it is, with the month.
    pub title: String,
    /// What stands below the title.
    pub notes: Vec<String>,
    /// Figures, shares, differences.
    pub tables: Vec<Table>,
    /// Head of the suggestions.
    pub advice_title: String,
    /// Suggestions; a sentence that there are none where there are none.
    pub advice: Vec<String>,
    /// Every ticket.
    pub cases: Table,
    /// What stands in a table without rows.
    pub nothing: String,
}

/// The report in a language.
#[must_use]
pub fn tables(shown: &Shown<'_>, language: Language) -> Tables {
    let Shown { content, frozen, differences, duties, at } = shown;
    let word = |name: &str| words(language, &format!("report.{name}"));
    let say = |message: Message| message.render(language);
    let mut notes = vec![say(Message::new("report.period")
        .with("from", content.period.from.to_rfc3339())
        .with("to", content.period.to.to_rfc3339()))];
    notes.push(match frozen {
        Some(frozen) => say(Message::new("report.frozen")
            .with("at", frozen.at.to_rfc3339())
            .with("by", &frozen.by)
            .with("sha256", &frozen.sha256)),
        None => say(Message::new("report.live").with("at", at.to_rfc3339())),
    });
    notes.extend(duties.iter().map(|duty| say(duty.say())));
    if let Some((summary, plan)) = content.month.parse::<super::Month>().ok().and_then(super::Month::due)
        && duties.is_empty()
    {
        let due = Message::new("report.due").with("summary", summary.date).with("plan", plan.date);
        notes.push(say(due));
    }
    notes.push(say(Message::new("report.rules").with("version", &content.rule_version)));

    let mut all = vec![figures(content, language)];
    if let Some(differences) = differences {
        all.insert(0, of_differences(differences, language));
        if differences.is_empty() {
            notes.push(word("no_differences"));
        }
    }
    let before = content.before.as_ref();
    all.push(counts(
        "kinds",
        language,
        before.is_some(),
        &kinds(&content.report),
        before.map(kinds),
        |kind| words(language, &format!("ticket_kind.{kind}")),
    ));
    all.push(counts(
        "classes",
        language,
        before.is_some(),
        &content.report.by_class,
        before.map(|before| before.by_class.clone()),
        |class| class_word(class, language),
    ));
    all.push(regulator(content, language));
    all.push(shares("problems", &content.report.problems, language, |name| problem_word(name, language)));
    all.push(shares("products", &content.report.products, language, str::to_owned));
    let report = &content.report;
    all.push(promises("promises_by_owner", &report.promises_by_owner, language));
    all.push(promises("promises_by_carrier", &report.promises_by_carrier, language));
    all.push(survey(content, language));
    let mut advice: Vec<String> =
        content.suggestions.iter().map(|message| message.render(language)).collect();
    if advice.is_empty() {
        advice.push(word("no_suggestions"));
    }
    Tables {
        language,
        sheet: word("figures"),
        title: format!("{} {}", word("title"), content.month),
        notes,
        tables: all,
        advice_title: word("suggestions"),
        advice,
        cases: cases(content, language),
        nothing: word("nothing"),
    }
}

/// The process package has a language of its own.
const fn of_process(language: Language) -> linesman_process::Language {
    match language {
        Language::English => linesman_process::Language::English,
        Language::Chinese => linesman_process::Language::Chinese,
    }
}

fn heads(names: &[&str], language: Language) -> Vec<String> {
    names.iter().map(|name| words(language, &format!("report.{name}"))).collect()
}

fn value(value: Option<Value>, language: Language) -> Cell {
    match value {
        Some(Value::Count { number }) => Cell::Count(number),
        Some(value) => Cell::Text(value.say(of_process(language))),
        None => Cell::Text("–".to_owned()),
    }
}

fn figures(content: &Content, language: Language) -> Table {
    // The regulator's classes have a table of their own.
    let is_own = |row: &&Row| RegulatorClass::parse(&row.id).is_none();
    let row = |row: &Row| {
        let target = row.target_percent.map_or_else(|| "–".to_owned(), |target| format!("≥ {target} %"));
        let reached = match row.is_reached {
            Some(true) => Cell::Good(words(language, "report.yes")),
            Some(false) => Cell::Bad(words(language, "report.no")),
            None => Cell::Text("–".to_owned()),
        };
        vec![
            Cell::Text(row.title(language).to_owned()),
            Cell::Text(row.rule.clone()),
            value(Some(row.value), language),
            value(row.before, language),
            Cell::Text(target),
            reached,
        ]
    };
    Table {
        title: words(language, "report.figures"),
        columns: heads(&["figure", "rule", "value", "before", "target", "reached"], language),
        rows: content.figures.iter().filter(is_own).map(row).collect(),
    }
}

fn of_differences(differences: &[Difference], language: Language) -> Table {
    let row = |one: &Difference| {
        let title = match language {
            Language::English => &one.title,
            Language::Chinese => &one.title_zh,
        };
        vec![Cell::Text(title.clone()), value(one.frozen, language), value(one.now, language)]
    };
    Table {
        title: words(language, "report.differences"),
        columns: heads(&["figure", "was", "now"], language),
        rows: differences.iter().map(row).collect(),
    }
}

fn kinds(report: &Report) -> BTreeMap<String, u64> {
    report.by_kind.iter().map(|(kind, number)| (kind.name().to_owned(), *number)).collect()
}

/// Counts by name, each beside that of the month before.
fn counts(
    title: &str,
    language: Language,
    has_before: bool,
    now: &BTreeMap<String, u64>,
    before: Option<BTreeMap<String, u64>>,
    word: impl Fn(&str) -> String,
) -> Table {
    let before = before.unwrap_or_default();
    let mut names: Vec<&String> = now.keys().chain(before.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let number = |of: &BTreeMap<String, u64>, name: &String| of.get(name).copied().unwrap_or(0);
    let row = |name: &String| {
        let then = match has_before {
            true => Cell::Count(number(&before, name)),
            false => Cell::Text("–".to_owned()),
        };
        vec![Cell::Text(word(name)), Cell::Count(number(now, name)), then]
    };
    Table {
        title: words(language, &format!("report.{title}")),
        columns: heads(&["name", "count", "before"], language),
        rows: names.into_iter().map(row).collect(),
    }
}

fn regulator(content: &Content, language: Language) -> Table {
    let number = |report: &Report, class: &RegulatorClass| report.regulator.get(class).copied().unwrap_or(0);
    let before = |of: &dyn Fn(&Report) -> u64| match &content.before {
        Some(before) => Cell::Count(of(before)),
        None => Cell::Text("–".to_owned()),
    };
    let row = |class: &RegulatorClass| {
        vec![
            Cell::Text(class.word(of_process(language)).to_owned()),
            Cell::Count(number(&content.report, class)),
            before(&|report| number(report, class)),
        ]
    };
    let mut rows: Vec<Vec<Cell>> = RegulatorClass::ALL.iter().map(row).collect();
    rows.push(vec![
        Cell::Text(words(language, "report.none_of_them")),
        Cell::Count(content.report.unclassified),
        before(&|report| report.unclassified),
    ]);
    Table {
        title: words(language, "report.regulator"),
        columns: heads(&["name", "count", "before"], language),
        rows,
    }
}

fn shares(title: &str, shares: &[Share], language: Language, word: impl Fn(&str) -> String) -> Table {
    let row = |share: &Share| {
        let percent = share.rate.percent(1).map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"));
        vec![Cell::Text(word(&share.name)), Cell::Count(share.rate.reached), Cell::Text(percent)]
    };
    Table {
        title: words(language, &format!("report.{title}")),
        columns: heads(&["name", "count", "share"], language),
        rows: shares.iter().map(row).collect(),
    }
}

/// Promises by who answered for them, or by the carrier on whose time they rested (R86, R96).
fn promises(title: &str, by: &BTreeMap<String, PromiseCounts>, language: Language) -> Table {
    let row = |(name, counts): (&String, &PromiseCounts)| {
        let share = counts.rate().percent(1).map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"));
        let name = if name == NOT_NAMED { words(language, "report.not_named") } else { name.clone() };
        vec![
            Cell::Text(name),
            Cell::Count(counts.kept),
            Cell::Count(counts.renewed),
            if counts.broken == 0 { Cell::Count(0) } else { Cell::Bad(counts.broken.to_string()) },
            Cell::Text(share),
        ]
    };
    Table {
        title: words(language, &format!("report.{title}")),
        columns: heads(&["name", "kept", "renewed", "broken", "kept_rate"], language),
        rows: by.iter().map(row).collect(),
    }
}

/// Of each item of the survey how many answered, what they gave on average, how many gave so little that it is
/// handled a second time (R80).
fn survey(content: &Content, language: Language) -> Table {
    let table = crate::procedure::deadlines_at(content.period.from);
    let least = table.and_then(|table| table.thresholds.iter().find(|known| known.id == "survey-item"));
    let form = form::shipped(FormId::Survey);
    let row = |(item, given): (&String, &BTreeMap<u64, u64>)| {
        let field = form.and_then(|form| form.fields.iter().find(|field| field.id == *item));
        let label = field.map_or_else(|| item.clone(), |field| field.label.get(language.into()).to_owned());
        let answers: u64 = given.values().sum();
        let tenths: u64 = given.iter().map(|(score, count)| score * count * 10).sum();
        // Cut off, like every rate: what is not wholly reached is not said to be.
        let mean = tenths.checked_div(answers).map(|mean| format!("{}.{}", mean / 10, mean % 10));
        let is_low = |score: u64| least.is_some_and(|least| least.is_reached(score, 10) == Some(false));
        let low: u64 = given.iter().filter(|(score, _)| is_low(**score)).map(|(_, count)| count).sum();
        vec![
            Cell::Text(label),
            Cell::Count(answers),
            Cell::Text(mean.unwrap_or_else(|| "–".to_owned())),
            if low == 0 { Cell::Count(0) } else { Cell::Bad(low.to_string()) },
        ]
    };
    Table {
        title: words(language, "report.survey"),
        columns: heads(&["item", "answers", "mean", "low"], language),
        rows: content.report.survey.iter().map(row).collect(),
    }
}

fn class_word(class: &str, language: Language) -> String {
    let name = if class == "-" { crate::ticket::UNCLASSIFIED } else { class };
    words(language, &format!("class.{name}"))
}

/// `B fibre` in words.
fn problem_word(name: &str, language: Language) -> String {
    let (class, problem) = name.split_once(' ').unwrap_or(("-", name));
    format!("{}: {}", class_word(class, language), cause_word(problem, language))
}

/// A cause in words; a tag as somebody wrote it.
fn cause_word(name: &str, language: Language) -> String {
    match name {
        "consultation" => words(language, "ticket_kind.consultation"),
        _ if crate::diagnosis::Cause::all().any(|cause| cause.name() == name) => {
            words(language, &format!("cause.{name}"))
        }
        _ => name.to_owned(),
    }
}

fn cases(content: &Content, language: Language) -> Table {
    let at = |at: Option<DateTime<Utc>>| {
        Cell::Text(at.map_or_else(|| "–".to_owned(), |at| at.format(INSTANT).to_string()))
    };
    let rows = content.cases.iter().map(|case| {
        vec![
            Cell::Text(case.ticket.clone()),
            Cell::Text(words(language, &format!("ticket_kind.{}", case.kind))),
            Cell::Text(class_word(case.class.as_deref().unwrap_or("-"), language)),
            Cell::Text(
                case.problem.as_deref().map_or_else(|| "–".to_owned(), |name| cause_word(name, language)),
            ),
            Cell::Text(case.handling.word(of_process(language)).to_owned()),
            at(Some(case.registered_at)),
            at(case.resolved_at),
        ]
    });
    Table {
        title: words(language, "report.cases"),
        columns: heads(
            &["ticket", "kind", "class", "problem", "handling", "registered", "resolved"],
            language,
        ),
        rows: rows.collect(),
    }
}
