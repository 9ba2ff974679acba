//! Which settings a command goes by: the file that was named, else `linesman.toml` here, else
//! what this host's own facts declare; the environment above each.

use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::host_facts;
use crate::settings::{Loaded, SettingsMistake, load_declared};

/// File that is taken when none is named and it is there.
pub const USUAL_FILE: &str = "linesman.toml";

/// Flags that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Global {
    /// The configuration; unless stated ./linesman.toml, and without it this host, its gateway and its resolvers
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Global {
    /// The file that is read, if any.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let usual = || Path::new(USUAL_FILE).is_file().then(|| PathBuf::from(USUAL_FILE));
        self.config.clone().or_else(usual)
    }

    /// The settings, their declarations and the file they came from.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn loaded(&self) -> Result<(Loaded, Option<PathBuf>), Vec<SettingsMistake>> {
        let file = self.file();
        let loaded = match &file {
            Some(file) => load_declared(file, environment())?,
            None => Loaded::without_file(&host_facts::gather(), environment())?,
        };
        Ok((loaded, file))
    }

    /// As [`Global::loaded`], for a command that cannot go on without.
    ///
    /// # Errors
    /// [`Failure`] that ends it with exit code 3.
    pub fn settings(&self) -> Result<crate::settings::Settings, Failure> {
        let (loaded, _) = self.loaded().map_err(Failure::from)?;
        crate::procedure::put_in_force(&loaded.settings.procedure.tables);
        Ok(loaded.settings)
    }
}

/// The process's environment; what is not UTF-8 cannot be meant for us.
pub fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(text).collect()
}
