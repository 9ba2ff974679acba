//! How a command ends: what scripts rely on.

use std::fmt;
use std::process::ExitCode;

use crate::settings::{SettingsMistake, report};
use crate::store::StoreError;

/// Exit codes; they do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// A problem was found: a target is down, records differ, a scenario was missed.
    Problem = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// The configuration cannot be used.
    BadConfiguration = 3,
    /// The operating system does not permit it.
    PermissionMissing = 4,
    /// The server cannot be reached.
    ServerNotReachable = 5,
    /// A defect of Linesman.
    Defect = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// For `--help` and the manual page.
pub const EXIT_CODES: &str = "Exit codes:
  0   fine
  1   a problem was found (target down, records differ, scenario missed)
  2   usage
  3   bad configuration
  4   permission missing
  5   server not reachable
  70  defect of Linesman";

/// An error that knows how the command ends. Any other error ends it with [`Exit::Problem`].
#[derive(Debug)]
pub struct Failure {
    /// How the command ends.
    pub exit: Exit,
    /// What happened, why, what mends it.
    pub message: String,
}

impl Failure {
    /// An error that ends the command so.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Vec<SettingsMistake>> for Failure {
    fn from(mistakes: Vec<SettingsMistake>) -> Self {
        Self::new(Exit::BadConfiguration, report(&mistakes))
    }
}

/// How a command that ended in this error ends.
#[must_use]
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    match error.downcast_ref::<StoreError>() {
        Some(error) if error.is_permission() => Exit::PermissionMissing,
        Some(StoreError::Unreachable { .. }) => Exit::ServerNotReachable,
        _ => Exit::Problem,
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_database_that_is_not_permitted_ends_with_four_and_its_cause_is_said_once() {
        let source = Arc::new(std::io::Error::new(ErrorKind::PermissionDenied, "denied"));
        let error = StoreError::File { operation: "open", path: "x.db".into(), source };
        assert_eq!(crate::reason::chain(&error).matches("denied").count(), 1);
        assert_eq!(exit_of(&error.into()), Exit::PermissionMissing);
        assert_eq!(exit_of(&anyhow::anyhow!("something else")), Exit::Problem);
    }
}
