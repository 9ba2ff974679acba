//! The calendar of a name: shipped, or from the operator's files; holiday feeds laid over it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use linesman_deadlines::Calendar;
use linesman_deadlines::calendar::{file, ical, official};

use crate::cli::exit::{Exit, Failure};
use crate::cli::output;

/// The one that is meant as a rule.
pub(super) const USUAL: &str = "cn-office";
/// No file of calendars is larger.
const LONGEST: usize = 4 * 1024 * 1024;
/// More entries of a feed that were not taken are counted, not told.
const MOST_TOLD: usize = 20;

/// The calendar of a name, once files and feeds are read.
///
/// # Errors
/// When a file cannot be used or no calendar has that name.
pub(super) fn named(name: &str, files: &[PathBuf], feeds: &[PathBuf]) -> Result<Calendar, Failure> {
    let mut calendars = official::calendars();
    for path in files {
        let text = text_of(path)?;
        calendars = file::read(&path.display().to_string(), &text, &calendars).map_err(|mistakes| {
            let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            Failure::new(Exit::BadConfiguration, lines.join("\n"))
        })?;
    }
    let Some(calendar) = calendars.get_mut(name) else {
        let known: Vec<&str> = calendars.names().collect();
        let message = format!(
            "--calendar: no calendar `{}`; known are {}; --calendars FILE adds your own",
            name.escape_debug(),
            known.join(", ")
        );
        return Err(Failure::new(Exit::Usage, message));
    };
    for path in feeds {
        lay_over(calendar, path)?;
    }
    Ok(calendar.clone())
}

fn lay_over(calendar: &mut Calendar, path: &Path) -> Result<(), Failure> {
    let shown = path.display().to_string();
    let feed = bytes_of("--ical", path, ical::LONGEST_FEED)?;
    let imported = ical::read(&feed, &shown, &ical::FeedRules::default());
    if imported.overrides.is_empty() {
        let why = imported
            .passed
            .first()
            .map_or_else(String::new, |passed| format!(" (line {}: {})", passed.line, passed.why));
        let message = format!(
            "--ical {shown}: no all-day event was found in it{why}; export the holidays as iCalendar (.ics)"
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    for passed in imported.passed.iter().take(MOST_TOLD) {
        output::note(format!("{shown}:{}: {}: {}", passed.line, passed.summary.escape_debug(), passed.why));
    }
    let more = imported.passed.len().saturating_sub(MOST_TOLD);
    if more > 0 {
        output::note(format!("{shown}: {more} more entries were not taken"));
    }
    for this in imported.overrides {
        let refused = |wrong| Failure::new(Exit::Usage, format!("--ical {shown}: {wrong}"));
        calendar.add_own(this).map_err(refused)?;
    }
    Ok(())
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let bytes = bytes_of("--calendars", path, LONGEST)?;
    let wrong = |why: &str| Failure::new(Exit::BadConfiguration, format!("{}: {why}", path.display()));
    if bytes.len() > LONGEST {
        return Err(wrong("longer than 4 MiB; give the calendars alone"));
    }
    String::from_utf8(bytes).map_err(|_| wrong("not UTF-8; save the file in that encoding"))
}

/// The bytes of a file, of a longer one a byte more than `longest`.
fn bytes_of(flag: &str, path: &Path, longest: usize) -> Result<Vec<u8>, Failure> {
    let most = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let message = format!("{flag} {}: {error}; name a file that can be read", path.display());
            Err(Failure::new(Exit::Usage, message))
        }
    }
}
