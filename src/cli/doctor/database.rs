//! Can the database be used? Asked of the store itself, which knows whether the schema fits and
//! whether a daemon has it. Nothing is made and nothing migrated by looking.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::Check;
use crate::clock::SystemClock;
use crate::reason::chain;
use crate::settings::{DatabaseSettings, without_password};
use crate::store::{Store, StoreError};

const NAME: &str = "database";

/// `running`: whether a daemon answers where this configuration's daemon would.
pub(super) async fn check(database: &DatabaseSettings, running: bool) -> Check {
    let url = &database.url;
    let file = url.strip_prefix("sqlite:").map(|rest| Path::new(rest.strip_prefix("//").unwrap_or(rest)));
    if let Some(file) = file
        && let Some(verdict) = before_opening(&std::path::absolute(file).unwrap_or_else(|_| file.to_owned()))
    {
        return verdict;
    }
    let found = match Store::open_reader(url, Arc::new(SystemClock)).await {
        Ok(store) => {
            let free = store.is_free().await;
            store.close().await;
            free
        }
        Err(error) => Err(error),
    };
    judge(found, running, url, file)
}

fn judge(found: Result<(), StoreError>, running: bool, url: &str, file: Option<&Path>) -> Check {
    let shown = without_password(url);
    match found {
        Ok(()) => Check::ok(NAME, format!("{shown} can be used, its schema fits")),
        // A daemon that has it is as it should be, when it is the one that is asked about.
        Err(StoreError::Locked { holder, .. }) if running => {
            Check::ok(NAME, format!("{shown} fits and is in use by a running linesman{holder}"))
        }
        // What `serve` mends by itself.
        Err(StoreError::OlderThanProgram { found, known }) => Check::ok(
            NAME,
            format!("{shown} is at migration {found}; `linesman serve` brings it to {known} when it starts"),
        ),
        Err(error) if error.is_permission() && file.is_some() => {
            let all = file.unwrap_or(Path::new("linesman.db")).display();
            Check::forbidden(NAME, chain(&error), format!("sudo chown \"$(id -u)\" {all}*"))
        }
        Err(error) => Check::fail(NAME, chain(&error), mend(&error, url, file)),
    }
}

/// The one command for a database that cannot be opened.
fn mend(error: &StoreError, url: &str, file: Option<&Path>) -> String {
    match (error, file) {
        (StoreError::NewerThanProgram { .. }, _) => "linesman --version".to_owned(),
        (StoreError::Locked { holder, .. }, Some(_)) => {
            let process: String = holder.chars().filter(char::is_ascii_digit).collect();
            if process.is_empty() { "pgrep -a linesman".to_owned() } else { format!("ps -fp {process}") }
        }
        (_, Some(file)) => format!("mv {0} {0}.old", file.display()),
        (_, None) => match host_and_port(url) {
            Some((host, port)) => format!("pg_isready -h {host} -p {port}"),
            None => "pg_isready".to_owned(),
        },
    }
}

/// What is better said before SQLite is asked; `None` when it can be asked.
fn before_opening(file: &Path) -> Option<Check> {
    let folder = file.parent().unwrap_or_else(|| Path::new("/"));
    if let Err(error) = writable_folder(folder) {
        return Some(refused(folder, &error, &format!("mkdir -p {}", folder.display())));
    }
    match std::fs::metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some(Check::ok(NAME, format!("{} will be made; its folder can be written", file.display())))
        }
        Err(error) => Some(refused(file, &error, &format!("ls -l {}", file.display()))),
        Ok(_) => locked_out(file),
    }
}

/// Whether the file of the daemon's lock is there and not ours to write: left by another user.
fn locked_out(database: &Path) -> Option<Check> {
    let lock = database.with_added_extension("lock");
    let error = OpenOptions::new().read(true).write(true).open(&lock).err()?;
    (error.kind() == ErrorKind::PermissionDenied).then(|| refused(&lock, &error, "id"))
}

/// SQLite makes files beside the database, so its folder must be writable.
fn writable_folder(folder: &Path) -> std::io::Result<()> {
    let trial = folder.join(format!(".linesman-doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&trial)?;
    std::fs::remove_file(&trial)
}

fn refused(what: &Path, error: &std::io::Error, otherwise: &str) -> Check {
    let message = format!("{}: {error}; no ticket could be kept", what.display());
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Check::forbidden(NAME, message, format!("sudo chown \"$(id -u)\" {}", what.display()))
        }
        _ => Check::fail(NAME, message, otherwise),
    }
}

/// Host and port of `postgres://USER@HOST:PORT/…`, if it names a host.
fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()?),
        _ => (place, 5432),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty() && !host.contains('%')).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    async fn at(path: &Path, running: bool) -> Check {
        let url = format!("sqlite:{}", path.display());
        check(&DatabaseSettings { url, url_file: None }, running).await
    }

    #[tokio::test]
    async fn a_database_is_looked_at_without_being_made_and_told_from_other_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("linesman.db");
        assert_eq!(at(&file, false).await.verdict, Verdict::Ok);
        assert!(!file.exists(), "nothing is made by looking");
        let url = format!("sqlite:{}", file.display());
        let daemon = Store::open(&url, Arc::new(SystemClock)).await.expect("a database");
        assert_eq!(at(&file, true).await.verdict, Verdict::Ok);
        let taken = at(&file, false).await;
        let holder = format!("ps -fp {}", std::process::id());
        assert_eq!(
            (taken.verdict, taken.mend),
            (Verdict::Fail, Some(holder)),
            "a daemon that does not listen"
        );
        daemon.close().await;
        assert_eq!(at(&file, false).await.verdict, Verdict::Ok);
        let missing = at(&folder.path().join("missing/linesman.db"), false).await;
        assert!(missing.mend.is_some_and(|mend| mend.starts_with("mkdir -p ")));
        let diary = folder.path().join("diary");
        std::fs::write(&diary, b"dear diary, this is no database").expect("written");
        assert_eq!(at(&diary, false).await.verdict, Verdict::Fail);
    }

    #[test]
    fn a_database_of_a_newer_program_fails_and_an_older_one_does_not() {
        let verdict = |found| judge(Err(found), false, "sqlite:x.db", Some(Path::new("x.db"))).verdict;
        assert_eq!(verdict(StoreError::NewerThanProgram { found: 9, known: 1 }), Verdict::Fail);
        assert_eq!(verdict(StoreError::OlderThanProgram { found: 0, known: 1 }), Verdict::Ok);
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_fails_and_its_password_is_not_shown() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);
        let url = format!("postgres://linesman:s3cret@127.0.0.1:{port}/linesman");
        let check = check(&DatabaseSettings { url, url_file: None }, false).await;
        assert_eq!(check.verdict, Verdict::Fail);
        assert!(!format!("{check:?}").contains("s3cret"));
    }

    #[test]
    fn host_and_port_are_found_in_urls_of_any_form() {
        let found = |url| host_and_port(url);
        assert_eq!(found("postgres://u:p@db/x"), Some(("db".to_owned(), 5432)));
        assert_eq!(found("postgres://[::1]:5433/x"), Some(("::1".to_owned(), 5433)));
        assert_eq!(found("postgres:///x?host=/run/postgresql"), None);
        assert_eq!(found("postgres://%2Frun/x"), None);
    }
}
