//! Can the database be opened and written?
//!
//! SQLite by its file and folder, PostgreSQL by a connection to its port. [`check`] is the seam
//! for asking the store itself, which also knows whether the schema fits.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;

use super::Check;
use crate::settings::{DatabaseSettings, without_password};

const NAME: &str = "database";
const PATIENCE: Duration = Duration::from_secs(3);
/// First bytes of every SQLite file (sqlite.org/fileformat2.html section 1.3.1).
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

pub(super) async fn check(database: &DatabaseSettings) -> Check {
    let shown = without_password(&database.url);
    match database.url.strip_prefix("sqlite:") {
        Some(rest) => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            sqlite(path.split('?').next().unwrap_or_default())
        }
        None => postgres(&database.url, &shown).await,
    }
}

fn sqlite(path: &str) -> Check {
    if path == ":memory:" {
        return Check::warn(
            NAME,
            "in memory: every ticket is lost at the next stop; set `url` in [database] to keep them",
        );
    }
    let file = Path::new(path);
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Err(error) = writable_folder(folder) {
        return refused(folder, &error, &format!("mkdir -p {}", folder.display()));
    }
    match OpenOptions::new().read(true).write(true).open(file) {
        Ok(handle) if is_database(&handle) => Check::ok(NAME, format!("{path} can be read and written")),
        Ok(_) => Check::fail(
            NAME,
            format!("{path} is no SQLite database; put it aside, or set `url` in [database]"),
            format!("mv {path} {path}.old"),
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Check::ok(NAME, format!("{path} will be made; its folder can be written"))
        }
        Err(error) => refused(file, &error, &format!("ls -l {path}")),
    }
}

/// SQLite makes files beside the database, so its folder must be writable.
fn writable_folder(folder: &Path) -> std::io::Result<()> {
    let trial = folder.join(format!(".linesman-doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&trial)?;
    std::fs::remove_file(&trial)
}

/// Whether a file is empty, which SQLite takes, or begins as a database does.
fn is_database(handle: &File) -> bool {
    let mut head = Vec::new();
    handle.take(16).read_to_end(&mut head).is_ok() && (head.is_empty() || head == SQLITE)
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

async fn postgres(url: &str, shown: &str) -> Check {
    let Some((host, port)) = host_and_port(url) else {
        return Check::warn(NAME, format!("{shown}: not checked, it is reached by a local socket"));
    };
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await;
    let why = match connected {
        Ok(Ok(_)) => return Check::ok(NAME, format!("{host}:{port} takes connections")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    Check::fail(NAME, format!("{shown}: {why}"), format!("pg_isready -h {host} -p {port}"))
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

    fn at(path: &Path) -> Check {
        sqlite(path.to_str().expect("UTF-8"))
    }

    #[test]
    fn a_database_file_is_told_from_others_and_its_folder_must_be_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("linesman.db");
        assert_eq!(at(&file).verdict, Verdict::Ok);
        assert!(!file.exists(), "nothing is made by looking");
        std::fs::write(&file, b"SQLite format 3\0more").expect("written");
        assert_eq!(at(&file).verdict, Verdict::Ok);
        std::fs::write(&file, b"dear diary").expect("written");
        assert_eq!(at(&file).verdict, Verdict::Fail);
        let missing = at(&folder.path().join("missing/linesman.db"));
        assert!(missing.mend.is_some_and(|mend| mend.starts_with("mkdir -p ")));
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_fails_and_its_password_is_not_shown() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let url = format!("postgres://linesman:s3cret@127.0.0.1:{port}/linesman");
        let database = DatabaseSettings { url, url_file: None };
        assert_eq!(check(&database).await.verdict, Verdict::Ok);
        drop(listener);
        let check = check(&database).await;
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
