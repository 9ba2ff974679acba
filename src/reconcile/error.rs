//! Why a run ended without an answer.

use std::path::{Path, PathBuf};

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
    /// What went in does not add up to what came out: a defect of this program.
    #[error("internal defect: {0}; the result is withheld")]
    DoesNotAddUp(String),
}

impl ReconcileError {
    /// Names the file to an error of the system.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
