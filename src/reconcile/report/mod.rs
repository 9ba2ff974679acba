//! What people get of a run: a summary on the terminal, and a folder with a workbook, a page to
//! print and send, the differing calls as CSV, and the answer as JSON.
//!
//! [`summary`] and [`write()`] take a [`Finished`] run. [`Kept`] is the [`DetailSink`] to give to a run
//! whose differing calls may be more than memory should hold; [`Report`] takes those, and the names
//! of the parties. Nothing here opens the inputs (fields come through [`Lines`]), asks the time, or
//! draws a diagram.
//!
//! [`DetailSink`]: linesman_cdr::outcome::DetailSink

mod calls;
mod csv;
mod figures;
mod html;
mod kept;
mod overview;
#[cfg(test)]
mod sample;
mod sentence;
mod settings;
mod terminal;
mod words;
mod workings;
mod xlsx;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use linesman_cdr::outcome::{CallDetail, Finding, Outcome};
use linesman_cdr::rating::Rater;

pub use csv::harmless;
pub use html::escape;
pub use kept::{Dropped, Kept};
pub use words::Language;
pub use workings::steps;

use self::calls::View;
use self::overview::Overview;
use crate::job::{Finished, Lines};

/// The terminal's summary; with `colour` in ANSI colours.
#[must_use]
pub fn summary(finished: &Finished, language: Language, width: usize, colour: bool) -> String {
    terminal::summary(finished, None, language, width, colour)
}

/// As [`summary`], after the report went to a folder.
#[must_use]
pub fn summary_with(
    finished: &Finished,
    folder: &str,
    language: Language,
    width: usize,
    colour: bool,
) -> String {
    terminal::summary(finished, Some(folder), language, width, colour)
}

/// A finding as one plain sentence.
#[must_use]
pub fn finding(finding: &Finding, language: Language) -> String {
    sentence::finding(finding, language)
}

/// An amount with so many decimals at least, thousands kept apart.
#[must_use]
pub fn shown(amount: linesman_cdr::Money, decimals: u32) -> String {
    figures::shown(amount, decimals)
}

/// Whether the two sides agree: no amount differs, no call is missing, nothing is there twice.
#[must_use]
pub fn agrees(outcome: &Outcome) -> bool {
    figures::agrees(outcome)
}

/// Writes the report's files into a folder, which is made if it is not there, and names them.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    folder: &Path,
    finished: &Finished,
    lines: &dyn Lines,
    language: Language,
) -> io::Result<Vec<PathBuf>> {
    Report::new(finished, lines, language).write(folder)
}

/// What stands at the head of a dispute report and no file of records can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heading {
    /// Our name.
    pub ours: Option<String>,
    /// The other party's.
    pub theirs: Option<String>,
    /// The account in question.
    pub account: Option<String>,
    /// The invoice in question.
    pub invoice: Option<String>,
    /// Traffic direction.
    pub direction: Option<String>,
    /// Who answers questions.
    pub contact: Option<String>,
    /// Until when an answer is asked for.
    pub deadline: Option<String>,
}

/// A report to be written.
pub struct Report<'a> {
    finished: &'a Finished,
    lines: &'a dyn Lines,
    language: Language,
    kept: Option<&'a mut Kept>,
    heading: Heading,
}

impl<'a> Report<'a> {
    /// Of a run, with the calls that it holds itself.
    #[must_use]
    pub fn new(finished: &'a Finished, lines: &'a dyn Lines, language: Language) -> Self {
        Self { finished, lines, language, kept: None, heading: Heading::default() }
    }

    /// With the calls that were kept while it ran.
    #[must_use]
    pub fn kept(self, kept: &'a mut Kept) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// With the names of the parties.
    #[must_use]
    pub fn heading(self, heading: Heading) -> Self {
        Self { heading, ..self }
    }

    /// Writes the files into a folder, which is made if it is not there, and names them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let Self { finished, lines, language, kept, heading } = self;
        fs::create_dir_all(folder)?;
        let at = |name: &str| folder.join(name);
        let mut calls = Calls::of(finished, kept);
        let codes = language == Language::English;
        let rater = Rater::new(&finished.deck, &finished.contract).ok();
        let view = View { finished, lines, rater: rater.as_ref(), language, codes: false };
        let for_csv = View { codes, ..view };
        let overview = Overview::of(finished, &mut calls)?;

        let mut document = serde_json::to_string_pretty(&finished.outcome).map_err(io::Error::other)?;
        document.push('\n');
        fs::write(at(OUTCOME), document)?;
        csv::differences(&at(DIFFERENCES), &for_csv, &mut calls)?;
        csv::rejected(&at(REJECTED), &for_csv)?;
        fs::write(at(PAGE), html::page(&view, &overview, &heading))?;
        xlsx::write(&at(WORKBOOK), &view, &overview, &mut calls)?;
        Ok([PAGE, WORKBOOK, DIFFERENCES, REJECTED, OUTCOME].map(at).to_vec())
    }
}

/// The answer, in the shape of `--json`.
pub const OUTCOME: &str = "outcome.json";
/// Every differing call.
pub const DIFFERENCES: &str = "differences.csv";
/// Lines that are no records.
pub const REJECTED: &str = "rejected.csv";
/// The page to print and send.
pub const PAGE: &str = "report.html";
/// The workbook.
pub const WORKBOOK: &str = "reconciliation.xlsx";

/// The differing calls of a run, wherever they are.
pub(crate) enum Calls<'a> {
    /// In memory, in the order of time.
    Held(Vec<&'a CallDetail>),
    /// In a file, in the order in which they came.
    Kept(&'a mut Kept),
}

impl<'a> Calls<'a> {
    fn of(finished: &'a Finished, kept: Option<&'a mut Kept>) -> Self {
        let held = finished.details.len() as u64;
        match kept {
            Some(kept) if kept.count() > held => Self::Kept(kept),
            _ => {
                let mut calls: Vec<&CallDetail> = finished.details.iter().collect();
                calls.sort_by_key(|detail| order(detail));
                Self::Held(calls)
            }
        }
    }

    /// Takes every call.
    pub(crate) fn each(&mut self, take: &mut dyn FnMut(&CallDetail) -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::Held(calls) => calls.iter().try_for_each(|detail| take(detail)),
            Self::Kept(kept) => kept.each(take),
        }
    }
}

/// An order of calls that the records alone decide.
pub(crate) fn order(detail: &CallDetail) -> (i64, u64, u64, bool, u64) {
    figures::either(detail).map_or((i64::MAX, 0, 0, false, 0), |record| {
        let (callee, caller) = (record.callee.code(), record.caller.code());
        (record.start_ms, callee, caller, detail.ours.is_none(), record.place)
    })
}
