//! `linesman doctor`: what is missing here, each failure with the one command that mends it.
//!
//! A check that could not be made is a warning, never a pass.

mod clock;
mod database;
mod keys;
mod listen;
mod privileges;

use serde::Serialize;

use super::exit::Exit;
use super::{Global, output};
use crate::clock::SystemClock;
use crate::settings::{SettingsMistake, report};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is missing.
    Ok,
    /// Linesman runs, but something is not as good as it may be, or could not be checked.
    Warn,
    /// Linesman would not run, or would not measure.
    Fail,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, and why it matters.
    pub message: String,
    /// The one command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// Whether a permission is what is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub permission: bool,
}

impl Check {
    /// Nothing is missing.
    #[must_use]
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, message: message.into(), mend: None, permission: false }
    }

    /// Not as good as it may be, or not checked.
    #[must_use]
    pub fn warn(name: &'static str, message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, ..Self::ok(name, message) }
    }

    /// Something is missing; `mend` is the one command.
    #[must_use]
    pub fn fail(name: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, mend: Some(mend.into()), ..Self::ok(name, message) }
    }

    /// A permission is missing; `mend` is the one command.
    #[must_use]
    pub fn forbidden(name: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { permission: true, ..Self::fail(name, message, mend) }
    }

    /// The same with the command that mends it.
    #[must_use]
    pub fn mended_by(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }

    fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        let mend =
            self.mend.as_ref().map(|mend| format!("\n                     mend: {mend}")).unwrap_or_default();
        let message = self.message.replace('\n', "\n                     ");
        format!("{verdict}  {:<13}  {message}{mend}", self.name)
    }
}

#[derive(Debug, Serialize)]
struct Examined<'c> {
    healthy: bool,
    checks: &'c [Check],
}

/// Makes every check.
///
/// # Errors
/// When standard output cannot be written.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let checks = examine(global).await;
    let exit = exit_of(&checks);
    if arguments.json {
        output::json(&Examined { healthy: exit == Exit::Fine, checks: &checks })?;
    } else {
        for check in &checks {
            output::line(check.line())?;
        }
    }
    Ok(exit)
}

async fn examine(global: &Global) -> Vec<Check> {
    let file = global.file();
    let mut checks = Vec::new();
    let settings = match global.loaded() {
        Ok((loaded, _)) => {
            checks.push(configuration_is_fine(file.as_deref(), loaded.settings.inventory.targets().len()));
            Some(loaded.settings)
        }
        Err(mistakes) => {
            checks.push(configuration_is_wrong(file.as_deref(), &mistakes));
            None
        }
    };
    checks.push(privileges::icmp());
    checks.push(privileges::capture());
    match &settings {
        Some(settings) => {
            let (listen, running) = listen::check(&settings.http).await;
            checks.push(listen);
            checks.push(database::check(&settings.database, running).await);
            checks.push(keys::check(settings).await);
        }
        None => {
            let unknown = "not checked: the configuration cannot be used";
            checks.push(Check::warn("listen", unknown));
            checks.push(Check::warn("database", unknown));
        }
    }
    checks.push(clock::check(&SystemClock));
    checks
}

fn configuration_is_fine(file: Option<&std::path::Path>, targets: usize) -> Check {
    match file {
        Some(file) => Check::ok("configuration", format!("{} is fine, {targets} targets", file.display())),
        None => Check::ok(
            "configuration",
            format!("no file: this host, its gateway and its resolvers are watched, {targets} targets"),
        ),
    }
}

fn configuration_is_wrong(file: Option<&std::path::Path>, mistakes: &[SettingsMistake]) -> Check {
    let mend = match file {
        Some(file) if file.exists() => format!("${{EDITOR:-vi}} {}", file.display()),
        Some(file) => format!("linesman init --output {}", file.display()),
        None => "env | grep LINESMAN__".to_owned(),
    };
    Check::fail("configuration", report(mistakes), mend)
}

fn exit_of(checks: &[Check]) -> Exit {
    let failed = || checks.iter().filter(|check| check.verdict == Verdict::Fail);
    if failed().any(|check| check.permission) {
        Exit::PermissionMissing
    } else if failed().next().is_some() {
        Exit::Problem
    } else {
        Exit::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_outweighs_other_failures_and_warnings_fail_nothing() {
        let fine = Check::ok("a", "");
        let warn = Check::warn("b", "");
        let fail = Check::fail("c", "", "true");
        let forbidden = Check::forbidden("d", "", "true");
        assert_eq!(exit_of(&[fine.clone(), warn.clone()]), Exit::Fine);
        assert_eq!(exit_of(&[fine, fail.clone(), warn]), Exit::Problem);
        assert_eq!(exit_of(&[fail, forbidden]), Exit::PermissionMissing);
    }

    #[test]
    fn a_failure_ends_with_the_command_that_mends_it() {
        assert!(Check::fail("listen", "taken", "ss -ltnp").line().ends_with("mend: ss -ltnp"));
    }
}
