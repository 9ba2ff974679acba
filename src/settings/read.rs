//! From the text of the file and the environment to settings, or to every mistake in them.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeTable;

use super::environment::{self, Variable};
use super::keys::SECTIONS;
use super::mistake::{At, Mistakes, SettingsMistake};
use super::places::Places;
use super::section::Section;
use super::{Settings, network, value};
use crate::inventory::{Declarations, Inventory, nearest};
use crate::privacy::CountryCode;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Largest file that is read; a hundred thousand elements take a tenth of it.
const LARGEST_FILE: u64 = 256 * 1024 * 1024;
/// Largest file that a key names: a secret, a table, a feed of holidays.
const LARGEST_NAMED: u64 = 8 * 1024 * 1024;

/// Settings with the declarations that their inventory was built from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    /// What the daemon is told.
    pub settings: Settings,
    /// The network as declared.
    pub declarations: Declarations,
}

/// Reads a file of settings and the environment above it.
///
/// # Errors
/// Every mistake, in the order of the file.
pub fn load(
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, Vec<SettingsMistake>> {
    load_declared(file, environment).map(|loaded| loaded.settings)
}

/// As [`load`], with the declarations.
///
/// # Errors
/// Every mistake, in the order of the file.
pub fn load_declared(
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, Vec<SettingsMistake>> {
    let name = file.display().to_string();
    let bytes = bounded(file, LARGEST_FILE).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::NotFound => "; `linesman init` writes one",
            ErrorKind::PermissionDenied => "; make it readable for the user that runs this",
            _ => "",
        };
        vec![SettingsMistake::of(&name, format!("cannot be read: {error}{hint}"))]
    })?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let before =
                String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
            let mut mistakes = Mistakes::default();
            mistakes.add(At::Bytes(good..good), "is not UTF-8 from here on; save the file as UTF-8");
            return Err(mistakes.placed(&name, &before));
        }
    };
    read(&name, &text, environment, &named_file)
}

/// Reads the text of a file that `name` stands for.
///
/// # Errors
/// Every mistake, in the order of the text.
pub fn parse(
    name: &str,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, Vec<SettingsMistake>> {
    read(name, text, environment, &named_file)
}

/// What a file that a key names holds, without the end of its last line.
fn named_file(file: &Path) -> std::io::Result<String> {
    let bytes = bounded(file, LARGEST_NAMED)?;
    let text = String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8"))?;
    Ok(text.trim().to_owned())
}

fn bounded(file: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(std::io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// PURE but for `secret`, which reads a file that a key names.
pub(super) fn read(
    name: &str,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    secret: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Result<Loaded, Vec<SettingsMistake>> {
    let mut mistakes = Mistakes::default();
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let variables = environment::variables(environment.iter().cloned(), &mut mistakes);
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let at = error.span().unwrap_or(0..0);
            mistakes.add(At::Bytes(at), format!("not TOML: {}", error.message().replace('\n', " ")));
            return Err(mistakes.placed(name, text));
        }
    };
    let root = root.get_ref();
    unknown_sections(root, &mut mistakes);

    let mut settings = Settings::default();
    sections(root, &variables, &mut settings, secret, &mut mistakes);
    super::procedure::read(root, &variables, secret, &mut settings.procedure, &mut mistakes);
    let outside = super::notify::Outside { file: secret, environment: &environment };
    super::notify::read(root, &outside, &mut settings.notify, &mut mistakes);
    super::route_hook::read(root, &outside, &mut settings.route_hooks, &mut mistakes);
    let mut places = Places::default();
    let declarations = network::read(root, &variables, &mut places, &mut mistakes);
    for call in &declarations.test_calls {
        let Some(file) = &call.password_file else { continue };
        if let Err(error) = secret(file) {
            let wrong = format!("password_file of this [[test_call]]: {}: {error}", file.display());
            mistakes.add(At::Bytes(call.span.clone()), wrong);
        }
    }
    match Inventory::build(&declarations) {
        Ok(inventory) => {
            super::voice::read(root, &variables, &mut settings.voice, Some(&inventory), &mut mistakes);
            settings.inventory = Arc::new(inventory);
        }
        Err(wrong) => {
            super::voice::read(root, &variables, &mut settings.voice, None, &mut mistakes);
            for mistake in wrong {
                mistakes.add(places.of(&mistake), mistake.message);
            }
        }
    }
    if mistakes.count() > 0 {
        return Err(mistakes.placed(name, text));
    }
    Ok(Loaded { settings, declarations })
}

fn unknown_sections(root: &DeTable<'_>, mistakes: &mut Mistakes) {
    for key in root.keys() {
        let known = SECTIONS.iter().map(|section| section.name);
        let name = key.get_ref().as_ref();
        if known.clone().any(|known| known == name) {
            continue;
        }
        let hint = match nearest(name, known)
            .and_then(|near| SECTIONS.iter().find(|section| section.name == near))
        {
            Some(near) => format!("; did you mean {}?", near.header()),
            None => {
                let all: Vec<String> = SECTIONS.iter().map(super::keys::SectionDoc::header).collect();
                format!("; known sections are {}", all.join(", "))
            }
        };
        mistakes.add(At::Bytes(key.span()), format!("unknown section `{}`{hint}", name.escape_debug()));
    }
}

fn sections(
    root: &DeTable<'_>,
    variables: &[Variable],
    settings: &mut Settings,
    secret: &dyn Fn(&Path) -> std::io::Result<String>,
    mistakes: &mut Mistakes,
) {
    http(Section::single(root, variables, "http", mistakes), settings, mistakes);
    database(Section::single(root, variables, "database", mistakes), settings, secret, mistakes);

    let diagnosis = &mut settings.diagnosis;
    let mut section = Section::single(root, variables, "diagnosis", mistakes);
    let window = || value::span_of_time(Duration::from_secs(1)..=DAY);
    section.set(
        mistakes,
        "interval",
        &mut diagnosis.interval,
        value::span_of_time(Duration::from_millis(100)..=MINUTE),
    );
    section.set(mistakes, "hard_window", &mut diagnosis.hard_window, window());
    section.set(mistakes, "gray_window", &mut diagnosis.gray_window, window());
    section.set(mistakes, "minimum_requests", &mut diagnosis.minimum_requests, value::whole(1..=10_000));
    section.set(mistakes, "verify_for", &mut diagnosis.verify_for, window());
    section.set(mistakes, "verify_rounds", &mut diagnosis.verify_rounds, value::whole(1..=1_000));
    if diagnosis.gray_window < diagnosis.hard_window {
        let (gray, hard) = (value::shown(diagnosis.gray_window), value::shown(diagnosis.hard_window));
        let key = if section.states("gray_window") { "gray_window" } else { "hard_window" };
        let wrong = format!(
            "gray_window {gray} is shorter than hard_window {hard}; slight loss needs the longer past"
        );
        mistakes.add(section.at(key), wrong);
    }
    section.finish(mistakes);

    let tickets = &mut settings.tickets;
    let mut section = Section::single(root, variables, "tickets", mistakes);
    section.set(mistakes, "settle", &mut tickets.settle, value::span_of_time(Duration::ZERO..=HOUR));
    section.set(
        mistakes,
        "reopen_window",
        &mut tickets.reopen_window,
        value::span_of_time(Duration::ZERO..=30 * DAY),
    );
    section.set(
        mistakes,
        "same_matter",
        &mut tickets.same_matter,
        value::span_of_time(Duration::ZERO..=90 * DAY),
    );
    section.set(mistakes, "candidate_below", &mut tickets.candidate_below, value::ratio);
    section.finish(mistakes);

    let retention = &mut settings.retention;
    let mut section = Section::single(root, variables, "retention", mistakes);
    section.set(
        mistakes,
        "observations",
        &mut retention.observations,
        value::span_of_time(HOUR..=3_650 * DAY),
    );
    section.set(mistakes, "hourly", &mut retention.hourly, value::span_of_time(HOUR..=3_650 * DAY));
    // A bill may be disputed for five months, and then somebody has to be called.
    section.set(
        mistakes,
        "customers",
        &mut retention.customers,
        value::span_of_time(153 * DAY..=3_650 * DAY),
    );
    for (name, kept) in
        [("recorded_calls", &mut retention.recorded_calls), ("signatures", &mut retention.signatures)]
    {
        section.set(mistakes, name, kept, value::span_of_time(DAY..=3_650 * DAY));
    }
    if retention.hourly < retention.observations {
        let (hourly, raw) = (value::shown(retention.hourly), value::shown(retention.observations));
        let key = if section.states("hourly") { "hourly" } else { "observations" };
        let wrong =
            format!("hourly {hourly} is shorter than observations {raw}; the roll-up is what outlives them");
        mistakes.add(section.at(key), wrong);
    }
    section.finish(mistakes);

    section_of_privacy(root, variables, settings, mistakes);
    super::billing::read(root, variables, &mut settings.billing, mistakes);

    let log = &mut settings.log;
    let mut section = Section::single(root, variables, "log", mistakes);
    log.level = section.read(mistakes, "level", value::log_level);
    log.format = section.read(mistakes, "format", value::log_format);
    section.finish(mistakes);
}

fn section_of_privacy(
    root: &DeTable<'_>,
    variables: &[Variable],
    settings: &mut Settings,
    mistakes: &mut Mistakes,
) {
    let privacy = &mut settings.privacy;
    let mut section = Section::single(root, variables, "privacy", mistakes);
    privacy.key_file = section.read(mistakes, "key_file", value::text).map(PathBuf::from);
    section.set(mistakes, "country_code", &mut privacy.country_code, |stated| {
        let text = value::text(stated)?;
        let code = CountryCode::parse(text.as_ref());
        code.ok_or_else(|| format!("expected a country code of 1 to 3 digits as \"86\", found {text:?}"))
    });
    section.finish(mistakes);
}

fn http(mut section: Section<'_>, settings: &mut Settings, mistakes: &mut Mistakes) {
    let http = &mut settings.http;
    section.set(mistakes, "listen", &mut http.listen, value::socket(Some(9470)));
    section.set(mistakes, "insecure_listen", &mut http.insecure_listen, value::boolean);
    http.public_url = section.read(mistakes, "public_url", value::public_url);
    section.set(mistakes, "grace", &mut http.grace, value::span_of_time(Duration::ZERO..=5 * MINUTE));
    if !http.listen.ip().to_canonical().is_loopback() && !http.insecure_listen {
        let wrong = format!(
            "`listen` in [http]: {} is not loopback, and this is plain HTTP: tokens would be readable on the way; \
             listen on 127.0.0.1 behind a proxy with TLS, or accept it by insecure_listen = true",
            http.listen
        );
        mistakes.add(section.at("listen"), wrong);
    }
    section.finish(mistakes);
}

fn database(
    mut section: Section<'_>,
    settings: &mut Settings,
    secret: &dyn Fn(&Path) -> std::io::Result<String>,
    mistakes: &mut Mistakes,
) {
    let database = &mut settings.database;
    section.set(mistakes, "url", &mut database.url, value::database_url);
    database.url_file = section.read(mistakes, "url_file", value::text).map(PathBuf::from);
    if section.states("url") && section.states("url_file") {
        mistakes.add(section.at("url_file"), "[database] states both `url` and `url_file`; take one out");
    } else if let Some(file) = &database.url_file {
        let held = secret(file).map_err(|error| error.to_string());
        match held.and_then(|url| value::checked_database_url(&url)) {
            Ok(url) => database.url = url,
            Err(wrong) => {
                let message = format!("`url_file` in [database]: {}: {wrong}", file.display());
                mistakes.add(section.at("url_file"), message);
            }
        }
    }
    section.finish(mistakes);
}
