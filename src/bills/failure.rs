//! Why a comparison came to nothing: a sentence that a reader of either language acts on, and the full reason in
//! English below it.

use std::path::Path;

use linesman_cdr::format::detect::DetectError;
use linesman_reconcile::{ReconcileError, SourceError, zone_flag};

use crate::locale::Message;

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In a sentence.
    pub sentence: Message,
    /// In full, in English.
    pub detail: String,
}

impl Failure {
    /// With a sentence that has no gaps.
    #[must_use]
    pub fn new(key: &str, detail: String) -> Self {
        Self { sentence: Message::new(key), detail }
    }
}

/// The sentence of an error.
#[must_use]
pub fn sentence(error: &ReconcileError) -> Message {
    let say = |key: &str| Message::new(&format!("run.failure.{key}"));
    match error {
        ReconcileError::Cancelled => say("cancelled"),
        ReconcileError::Io { path, .. } => say("unreadable").with("file", name(path)),
        ReconcileError::Temporary { .. } => say("room"),
        ReconcileError::Shrunk { path } => say("shrunk").with("file", name(path)),
        ReconcileError::Source(error) => of_source(error),
        ReconcileError::Deck { path, source } => {
            say("deck").with("file", name(path)).with("count", source.0.len())
        }
        ReconcileError::Contract { path, .. } => say("contract").with("file", name(path)),
        ReconcileError::ZoneOpen { path, side, .. } => {
            say("zone").with("file", name(path)).with("field", field(zone_flag(*side)))
        }
        ReconcileError::DoesNotAddUp(_) => say("defect"),
        _ => say("other"),
    }
}

fn of_source(error: &SourceError) -> Message {
    let say = |key: &str| Message::new(&format!("run.failure.{key}"));
    match error {
        SourceError::Io { path, .. } => say("unreadable").with("file", name(path)),
        SourceError::Temporary { .. } => say("room"),
        SourceError::Unusable { path, .. } => say("unusable").with("file", name(path)),
        SourceError::Damaged { path, .. } => say("damaged").with("file", name(path)),
        SourceError::Preset(_) => say("format"),
        SourceError::Detect(error) => of_detection(error),
        _ => say("other"),
    }
}

fn of_detection(error: &DetectError) -> Message {
    let say = |key: &str, file: &str| {
        Message::new(&format!("run.failure.{key}")).with("file", name(Path::new(file)))
    };
    match error {
        DetectError::Empty { file } => say("empty", file),
        DetectError::NoTable { file, flag, .. } => say("no_table", file).with("field", field(flag)),
        DetectError::Missing { file, flag, .. } => say("columns", file).with("field", field(flag)),
        DetectError::Ambiguous { file, column, values, flag, .. } => say("ambiguous", file)
            .with("column", column)
            .with("one", &values[0])
            .with("other", &values[1])
            .with("field", field(flag)),
        DetectError::Contradiction { file, column, values, .. } => say("contradiction", file)
            .with("column", column)
            .with("one", &values[0])
            .with("other", &values[1]),
        DetectError::OtherFormat { file, preset, flag, .. } => {
            say("other_format", file).with("format", preset).with("field", field(flag))
        }
        DetectError::Flag { flag, value, .. } => {
            Message::new("run.failure.flag").with("field", field(flag)).with("value", value)
        }
    }
}

/// A flag of the command line as the field of an upload.
fn field(flag: &str) -> String {
    flag.trim_start_matches("--").to_owned()
}

/// A file's name without the folder in which it is kept.
fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use linesman_cdr::outcome::CauseKind;
    use linesman_cdr::record::Side;

    use super::*;
    use crate::locale::Language;

    #[test]
    fn every_reason_is_a_sentence_in_both_languages_without_folders() {
        let io = || std::io::Error::other("no");
        let file = || "/var/lib/bills/runs/7/inputs/theirs/their.csv".to_owned();
        let path = || std::path::PathBuf::from(file());
        let values = || Box::new(["03/04/2026".to_owned(), "05/06/2026".to_owned()]);
        let text = |text: &str| text.to_owned();
        let flag = || text("--theirs-date-order");
        let detected = [
            DetectError::Empty { file: file() },
            DetectError::NoTable { file: file(), example: text("x"), flag: flag() },
            DetectError::Missing { file: file(), missing: text("x"), columns: text("y"), flag: flag() },
            DetectError::Ambiguous {
                file: file(),
                column: text("start"),
                readings: text("x"),
                values: values(),
                flag: text("--theirs-date-order dmy or mdy"),
            },
            DetectError::Contradiction {
                file: file(),
                column: text("start"),
                problem: text("x"),
                values: values(),
                remedy: text("y"),
            },
            DetectError::OtherFormat { file: file(), preset: text("3cx"), reason: text("x"), flag: flag() },
            DetectError::Flag { flag: flag(), value: text("x"), reason: text("y") },
        ];
        let mut all: Vec<ReconcileError> =
            detected.into_iter().map(|error| ReconcileError::Source(SourceError::Detect(error))).collect();
        let deck = linesman_cdr::rating::Deck::read("x").expect_err("no deck");
        let contract = linesman_cdr::rating::Contract::read("x").expect_err("no contract");
        all.extend([
            ReconcileError::Cancelled,
            ReconcileError::Io { path: path(), source: io() },
            ReconcileError::Temporary { folder: path(), source: io() },
            ReconcileError::Shrunk { path: path() },
            ReconcileError::Deck { path: path(), source: deck },
            ReconcileError::Contract { path: path(), source: contract },
            ReconcileError::ZoneOpen { path: path(), side: Side::Theirs, cause: CauseKind::StaleRate },
            ReconcileError::DoesNotAddUp(text("x")),
            ReconcileError::Source(SourceError::Unusable {
                path: path(),
                what: text("x"),
                remedy: text("y"),
            }),
            ReconcileError::Source(SourceError::Damaged {
                path: path(),
                what: "x",
                place: text("y"),
                cause: text("z"),
            }),
        ]);
        for error in &all {
            for language in [Language::English, Language::Chinese] {
                let said = sentence(error).render(language);
                assert!(!said.contains(['{', '}', '_']) && !said.contains("run.failure"), "{said}");
                assert!(!said.contains("/var/lib"), "{said}");
            }
        }
        for key in ["ended", "system", "missing", "period", "other", "format"] {
            let key = format!("run.failure.{key}");
            assert_ne!(Message::new(&key).render(Language::Chinese), key);
        }
    }
}
