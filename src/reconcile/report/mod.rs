//! What people get of a run: a summary on the terminal, and a folder with a workbook, a page to
//! print and send, the differing calls as CSV, and the answer as JSON.
//!
//! [`summary`] and [`write`] take a [`Finished`] run. [`Kept`] is the [`DetailSink`] to give to a run
//! whose differing calls may be more than memory should hold; [`Report`] takes those, and the names
//! of the parties. Nothing here opens the inputs (fields come through [`Lines`]), asks the time, or
//! draws a diagram.
//!
//! [`DetailSink`]: linesman_cdr::outcome::DetailSink

mod figures;
mod sentence;
mod terminal;
mod words;

pub use words::Language;

use crate::job::Finished;

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
