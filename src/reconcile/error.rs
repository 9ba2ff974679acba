//! Why a run ended without an answer.

use std::path::{Path, PathBuf};

use linesman_cdr::outcome::CauseKind;
use linesman_cdr::record::Side;

/// Why a run ended without an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// It was told to stop; nothing is left of it.
    #[error("stopped before the end; nothing was kept")]
    Cancelled,
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The temporary files have no room, or their folder cannot be written.
    #[error("temporary files in {}: {source}; point TMPDIR to a folder with more room, or raise --memory", folder.display())]
    Temporary {
        /// Where they are.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file became shorter while it was read.
    #[error("{} became shorter while it was read; run again once it is complete", path.display())]
    Shrunk {
        /// Which.
        path: PathBuf,
    },
    /// What a file looks like could not be settled.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
    /// A layout that cannot be read by.
    #[error(transparent)]
    Layout(#[from] linesman_cdr::format::LayoutError),
    /// Mistakes in the rate deck.
    #[error("{}: {source}", path.display())]
    Deck {
        /// Which file.
        path: PathBuf,
        /// Every mistake.
        source: linesman_cdr::rating::DeckError,
    },
    /// The contract, or the deck under this contract, cannot be used.
    #[error("{}: {source}", path.display())]
    Contract {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: linesman_cdr::rating::ContractError,
    },
    /// Neither the files nor the amounts tell the zone of the times, and a cause depends on it.
    #[error(
        "{}: its times name no zone, and the amounts prove none; whether {} is true depends on it. Say it with {flag}, \
         for example {flag} +08:00 or {flag} UTC", path.display(), kind_name(*cause), flag = zone_flag(*side))]
    ZoneOpen {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        side: Side,
        /// The first cause that depends on it.
        cause: CauseKind,
    },
    /// What went in does not add up to what came out: a defect of this program.
    #[error("internal defect: {0}; the result is withheld")]
    DoesNotAddUp(String),
}

/// The name of the contract's JSON.
fn kind_name(kind: CauseKind) -> String {
    serde_json::to_value(kind).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}

/// The flag that says a side's zone.
#[must_use]
pub const fn zone_flag(side: Side) -> &'static str {
    match side {
        Side::Ours => "--ours-zone",
        Side::Theirs => "--theirs-zone",
    }
}

impl ReconcileError {
    /// Names the file to an error of the system.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
