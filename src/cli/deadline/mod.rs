//! `linesman deadline`: when something is due on a calendar, and why. Needs no configuration and no daemon.

mod calendars;
mod moment;

use std::path::PathBuf;

use chrono::{DateTime, Datelike, FixedOffset, Utc};
use linesman_deadlines::due::{Step, words};
use linesman_deadlines::{Basis, Calendar, Due, Interval, Span, Zone, due};
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::{Global, output};
use crate::locale::{self, Language, Message};

/// Arguments of `deadline`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Calendar that counts: cn-office, always, or one of --calendars
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// Zone in which times are given and shown, the calendar's unless stated; without --calendar only elapsed
    /// time and calendar days are counted
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    zone: Option<Zone>,
    /// When it begins, as 2026-03-02 10:00 or 2026-03-02T10:00:00+08:00; without offset on the zone's clocks
    #[arg(long, value_name = "LOCAL-TIME", allow_hyphen_values = true)]
    from: String,
    /// How long it may take: 240 business minutes, 3 working days, 15 calendar days, 24 hours
    #[arg(long = "for", value_name = "SPAN", allow_hyphen_values = true)]
    span: Span,
    /// A stretch that does not count, as 2026-03-02 10:00/2026-03-02 16:00; may be given again
    #[arg(long = "pause", value_name = "FROM/TO", allow_hyphen_values = true)]
    pauses: Vec<String>,
    /// Own calendars and overrides, TOML; may be given again
    #[arg(long, value_name = "FILE", requires = "calendar")]
    calendars: Vec<PathBuf>,
    /// Holidays and make-up workdays of an iCalendar feed, laid over the calendar; may be given again
    #[arg(long, value_name = "FILE", requires = "calendar")]
    ical: Vec<PathBuf>,
    /// Language: en or zh-CN
    #[arg(long, default_value = "en", value_parser = super::explain::language)]
    lang: Language,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

fn zone(name: &str) -> Result<Zone, String> {
    Zone::named(name).map_err(|wrong| wrong.to_string())
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    due: DateTime<Utc>,
    /// On the clocks of `zone`, with their offset.
    due_local: DateTime<FixedOffset>,
    zone: &'a Zone,
    provisional: bool,
    /// What was assumed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    trace: &'a [Step],
}

/// Tells when it is due.
///
/// # Errors
/// When an argument, a calendar or a feed cannot be used, or the calendar never opens.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let calendar = calendar_of(&arguments)?;
    let zone = arguments.zone.as_ref().unwrap_or(calendar.zone());
    let mut notes = Vec::new();
    let usage = |flag: &str, wrong: String| Failure::new(Exit::Usage, format!("{flag}: {wrong}"));
    let from = moment::instant(&arguments.from, zone, &mut notes).map_err(|wrong| usage("--from", wrong))?;
    let mut pauses: Vec<Interval> = Vec::with_capacity(arguments.pauses.len());
    for text in &arguments.pauses {
        let pause = moment::pause(text, zone, &mut notes);
        pauses.push(pause.map_err(|wrong| usage("--pause", wrong))?);
    }
    let answer = due(&calendar, from, arguments.span, &pauses)
        .map_err(|wrong| Failure::new(Exit::Usage, wrong.to_string()))?;
    let notes: Vec<String> = notes.iter().map(|note| note.render(arguments.lang)).collect();
    notes.iter().for_each(output::note);
    if arguments.json {
        let due_local = moment::on_the_clocks(answer.due, zone);
        let Due { due, provisional, trace } = &answer;
        output::json(&Answer { due: *due, due_local, zone, provisional: *provisional, notes, trace })?;
    } else {
        output::raw(as_text(&answer, zone, arguments.lang).as_bytes())?;
    }
    Ok(Exit::Fine)
}

fn calendar_of(arguments: &Arguments) -> Result<Calendar, Failure> {
    if let Some(name) = &arguments.calendar {
        return calendars::named(name, &arguments.calendars, &arguments.ical);
    }
    let Some(zone) = arguments.zone.clone() else {
        let message = format!(
            "no calendar is named; add --calendar {}, or for elapsed time a zone, as --zone Europe/Berlin",
            calendars::USUAL
        );
        return Err(Failure::new(Exit::Usage, message));
    };
    let basis = arguments.span.basis();
    if matches!(basis, Basis::BusinessMinutes | Basis::WorkingDays) {
        let message = format!(
            "--for: {} count on a calendar only; name it, as --calendar {}",
            arguments.span,
            calendars::USUAL
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(Calendar::new(&zone.to_string(), zone, linesman_deadlines::calendar::Week::default()))
}

/// The due time on the clocks and in UTC, then the steps that lead to it.
fn as_text(answer: &Due, zone: &Zone, language: Language) -> String {
    let local = moment::on_the_clocks(answer.due, zone);
    let weekday = format!("deadline.weekday_{}", local.weekday().number_from_monday());
    let headline = Message::new("deadline.due")
        .with("weekday", weekday)
        .with("date", local.format("%Y-%m-%d"))
        .with("time", local.format("%H:%M:%S"))
        .with("offset", local.format("%:z"))
        .with("zone", zone)
        .with("utc", answer.due.to_rfc3339());
    let why = locale::words(language, "deadline.why");
    let mut text = format!("{}\n\n{why}\n", headline.render(language));
    let words_language = match language {
        Language::English => words::Language::English,
        Language::Chinese => words::Language::Chinese,
    };
    for step in words::explain(answer, zone, words_language) {
        text.push_str(&format!("  {step}\n"));
    }
    text
}
