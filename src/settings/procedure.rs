//! `[procedure]`: the operator's own calendars, holidays, deadlines, decision trees, levels, compensation and tags, in
//! files beside the settings; what is not named is as shipped.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use linesman_deadlines::calendar::{file, ical};
use linesman_deadlines::policy::{self, Policies};
use linesman_deadlines::{Calendar, Calendars};
use linesman_process::compensation;
use linesman_process::level;
use linesman_process::tag;
use linesman_process::tree::{TreeFile, Trees};
use toml::de::DeTable;

use super::environment::Variable;
use super::mistake::Mistakes;
use super::section::Section;
use super::value;
use crate::procedure::Procedure;

/// The calendar that official days of China are known of.
const USUAL_CALENDAR: &str = "cn-office";
/// Deadlines that work given away has, by their names.
const NEEDED_DEADLINES: [&str; 2] = ["dispatch-order", "carrier-repair"];

/// `[procedure]`
#[derive(Debug, Clone, PartialEq)]
pub struct ProcedureSettings {
    /// `calendars`: files with own calendars and overrides.
    pub calendars: Vec<PathBuf>,
    /// `holidays`: feeds (iCalendar) laid over one calendar.
    pub holidays: Vec<PathBuf>,
    /// `holidays_of`: which one.
    pub holidays_of: String,
    /// `deadlines`: tables in place of the shipped one, each from an instant on.
    pub deadlines: Vec<PathBuf>,
    /// `trees`: own trees, or other versions of the shipped ones.
    pub trees: Vec<PathBuf>,
    /// `levels`: a table in place of the shipped one.
    pub levels: Option<PathBuf>,
    /// `compensation`: a standard in place of the shipped one.
    pub compensation: Option<PathBuf>,
    /// `tags`: a table in place of the shipped one.
    pub tags: Option<PathBuf>,
    /// What they come to.
    pub tables: Arc<Procedure>,
}

impl Default for ProcedureSettings {
    fn default() -> Self {
        Self {
            calendars: Vec::new(),
            holidays: Vec::new(),
            holidays_of: USUAL_CALENDAR.to_owned(),
            deadlines: Vec::new(),
            trees: Vec::new(),
            levels: None,
            compensation: None,
            tags: None,
            tables: Arc::new(Procedure::default()),
        }
    }
}

/// Reads a file that a key names.
type Files<'f> = &'f dyn Fn(&Path) -> std::io::Result<String>;

pub(super) fn read(
    root: &DeTable<'_>,
    variables: &[Variable],
    files: Files<'_>,
    settings: &mut ProcedureSettings,
    mistakes: &mut Mistakes,
) {
    let mut section = Section::single(root, variables, "procedure", mistakes);
    settings.calendars =
        section.read_list(mistakes, "calendars", value::text).iter().map(PathBuf::from).collect();
    settings.holidays =
        section.read_list(mistakes, "holidays", value::text).iter().map(PathBuf::from).collect();
    section.set(mistakes, "holidays_of", &mut settings.holidays_of, value::text);
    let path = |section: &mut Section<'_>, mistakes: &mut Mistakes, key| {
        section.read(mistakes, key, value::text).map(PathBuf::from)
    };
    settings.deadlines =
        section.read_list(mistakes, "deadlines", value::text).iter().map(PathBuf::from).collect();
    settings.trees = section.read_list(mistakes, "trees", value::text).iter().map(PathBuf::from).collect();
    settings.levels = path(&mut section, mistakes, "levels");
    settings.compensation = path(&mut section, mistakes, "compensation");
    settings.tags = path(&mut section, mistakes, "tags");

    let mut wrong = Wrong { section: &section, mistakes };
    let mut tables = Procedure::default();
    for path in &settings.calendars {
        let read = |name: &str, text: &str| file::read(name, text, &tables.calendars);
        if let Some(calendars) = wrong.own("calendars", path, files, read) {
            tables.calendars = calendars;
        }
    }
    holidays(settings, files, &mut tables.calendars, &mut wrong);
    deadlines(settings, files, &mut tables, &mut wrong);
    if let Some(path) = &settings.levels
        && let Some(levels) = wrong.own("levels", path, files, level::read)
    {
        tables.levels = Some(levels);
    }
    if let Some(path) = &settings.compensation
        && let Some(standard) = wrong.own("compensation", path, files, compensation::read)
    {
        tables.compensation = Some(standard);
    }
    if let Some(path) = &settings.tags
        && let Some(tags) = wrong.own("tags", path, files, tag::read)
    {
        tables.tags = Some(tags);
    }
    trees(settings, files, &mut tables, &mut wrong);
    settings.tables = Arc::new(tables);
    section.finish(mistakes);
}

/// Mistakes of the files, said where the file is named.
struct Wrong<'w, 'd> {
    section: &'w Section<'d>,
    mistakes: &'w mut Mistakes,
}

impl Wrong<'_, '_> {
    fn at(&mut self, key: &'static str, message: String) {
        self.mistakes.add(self.section.at(key), message);
    }

    fn text(&mut self, key: &'static str, path: &Path, files: Files<'_>) -> Option<String> {
        match files(path) {
            Ok(text) => Some(text),
            Err(error) => {
                self.at(key, format!("`{key}` in [procedure]: {}: {error}", path.display()));
                None
            }
        }
    }

    /// What a file holds, or all that is wrong with it.
    fn own<T>(
        &mut self,
        key: &'static str,
        path: &Path,
        files: Files<'_>,
        read: impl Fn(&str, &str) -> Result<T, Vec<linesman_deadlines::Mistake>>,
    ) -> Option<T> {
        let text = self.text(key, path, files)?;
        match read(&path.display().to_string(), &text) {
            Ok(read) => Some(read),
            Err(mistakes) => {
                for mistake in mistakes {
                    self.at(key, mistake.to_string());
                }
                None
            }
        }
    }
}

fn deadlines(
    settings: &ProcedureSettings,
    files: Files<'_>,
    tables: &mut Procedure,
    wrong: &mut Wrong<'_, '_>,
) {
    for path in &settings.deadlines {
        let read = |name: &str, text: &str| policy::read::read(name, text, &tables.calendars);
        let Some(table) = wrong.own("deadlines", path, files, read) else { continue };
        let shown = path.display();
        for needed in NEEDED_DEADLINES.iter().filter(|name| table.get(name).is_none()) {
            let from = "take it over from `linesman config table deadlines`";
            wrong.at("deadlines", format!("{shown}: there is no policy `{needed}`; {from}"));
        }
        if table.valid_from.is_none() {
            let say = "say from when on it holds, such as valid_from = \"2027-01-01T00:00:00+08:00\"";
            wrong.at("deadlines", format!("{shown}: there is no `valid_from`; {say}"));
        }
        let alike = |known: &Policies| known.version == table.version || known.valid_from == table.valid_from;
        if tables.deadlines.iter().any(alike) {
            let message = "another table has its `version` or its `valid_from`; give it its own";
            wrong.at("deadlines", format!("{shown}: {message}"));
        }
        tables.deadlines.push(table);
    }
    tables.deadlines.sort_by_key(|table| table.valid_from);
}

fn holidays(
    settings: &ProcedureSettings,
    files: Files<'_>,
    calendars: &mut Calendars,
    wrong: &mut Wrong<'_, '_>,
) {
    let name = &settings.holidays_of;
    let known = || calendars.names().collect::<Vec<_>>().join(", ");
    let Some(mut calendar) = calendars.get(name).cloned() else {
        let message = format!(
            "`holidays_of` in [procedure]: no calendar `{}`; known are {}",
            name.escape_debug(),
            known()
        );
        return wrong.at("holidays_of", message);
    };
    for path in &settings.holidays {
        if let Some(text) = wrong.text("holidays", path, files)
            && let Err(why) = lay_over(&mut calendar, &text, path)
        {
            wrong.at("holidays", why);
        }
    }
    calendars.add(calendar);
}

fn lay_over(calendar: &mut Calendar, text: &str, path: &Path) -> Result<(), String> {
    let shown = path.display().to_string();
    let imported = ical::read(text.as_bytes(), &shown, &ical::FeedRules::default());
    if imported.overrides.is_empty() {
        let first = imported.passed.first();
        let why = first.map_or_else(String::new, |passed| format!(" (line {}: {})", passed.line, passed.why));
        return Err(format!(
            "{shown}: no all-day event was found{why}; export the holidays as iCalendar (.ics)"
        ));
    }
    for this in imported.overrides {
        calendar.add_own(this).map_err(|wrong| format!("{shown}: {wrong}"))?;
    }
    Ok(())
}

fn trees(settings: &ProcedureSettings, files: Files<'_>, tables: &mut Procedure, wrong: &mut Wrong<'_, '_>) {
    let texts: Vec<(String, String)> = settings
        .trees
        .iter()
        .filter_map(|path| Some((path.display().to_string(), wrong.text("trees", path, files)?)))
        .collect();
    if texts.is_empty() {
        return;
    }
    let own: Vec<TreeFile<'_>> = texts.iter().map(|(file, text)| TreeFile { file, text }).collect();
    match Trees::with_own(&own) {
        Ok(trees) => tables.trees = Some(Arc::new(trees)),
        Err(mistakes) => {
            for mistake in mistakes {
                wrong.at("trees", mistake.to_string());
            }
        }
    }
}
