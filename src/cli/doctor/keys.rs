//! The key file of personal data: there, for its owner alone, and the one that the database was written with.

use std::sync::Arc;

use super::Check;
use crate::clock::SystemClock;
use crate::privacy::{KeyFileError, keyfile};
use crate::settings::Settings;
use crate::store::Store;

const NAME: &str = "keys";

/// Looks at the file, and at the database if it can be read.
pub(super) async fn check(settings: &Settings) -> Check {
    let path = settings.key_file();
    let shown = path.display();
    // Whatever keeps the database from being read, another check says.
    let store = Store::open_reader(&settings.database.url, Arc::new(SystemClock)).await.ok();
    let holds = match &store {
        Some(store) => store.holds_personal_data().await.unwrap_or(false),
        None => false,
    };
    let check = match keyfile::read(&path) {
        Ok(keys) => {
            let refusal = match &store {
                Some(store) if holds => store.refusal_of_keys(&keys).await.unwrap_or(None),
                _ => None,
            };
            match refusal {
                Some(reason) => Check::fail(
                    NAME,
                    format!("{shown} is not the key file that the database was written with: {reason}"),
                    format!("cp COPY-OF-THE-KEY-FILE {shown}"),
                ),
                None => Check::ok(NAME, format!("{shown} opens personal data; keep a copy of it elsewhere")),
            }
        }
        Err(KeyFileError::Missing { .. }) if holds => Check::fail(
            NAME,
            format!("{shown} is missing, and the database holds personal data that only it opens"),
            format!("cp COPY-OF-THE-KEY-FILE {shown}"),
        ),
        Err(KeyFileError::Missing { .. }) => Check::ok(NAME, format!("{shown} is made at the next start")),
        Err(error @ KeyFileError::Open { .. }) => {
            Check::fail(NAME, error.to_string(), format!("chmod 600 {shown}"))
        }
        Err(error) => Check::fail(NAME, error.to_string(), format!("cp COPY-OF-THE-KEY-FILE {shown}")),
    };
    if let Some(store) = store {
        store.close().await;
    }
    check
}
