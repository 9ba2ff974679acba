//! Starts that are refused, with the reason and exit code 3; and who may not keep a connection.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::Connection as _;

use crate::support::daemon::{Daemon, free_port};
use crate::support::eventually;
use crate::support::process::{Process, program};

/// Nothing but a port that nobody listens on.
const NETWORK: &str = "[[device]]\nname = \"core\"\ntcp = \"127.0.0.1:9\"\n";
const AS_NEWER_PROGRAM: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
     VALUES (9999, 'of tomorrow', TRUE, '', 0)";

fn settings(url: &str) -> (String, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let text = format!("[http]\nlisten = \"{address}\"\n\n[database]\nurl = \"{url}\"\n\n{NETWORK}");
    (address, text)
}

/// Starts a daemon that must refuse; what it said, on exit code 3.
async fn refused(folder: &Path, settings: &str) -> String {
    let file = folder.join("refused.toml");
    std::fs::write(&file, settings).expect("settings can be written");
    let words: Vec<OsString> =
        vec![program().into(), "serve".into(), "--config".into(), file.into_os_string()];
    let mut process = Process::spawn(&words, folder);
    let status = eventually("the daemon to refuse", Duration::from_secs(30), async || process.ended()).await;
    // Its last words may come a moment after its end.
    let said = eventually("the reason", Duration::from_secs(5), async || {
        Some(process.said().join("\n")).filter(|said| said.contains("database"))
    })
    .await;
    assert_eq!(status.code(), Some(3), "{said}");
    said
}

async fn a_second_daemon_is_refused(url: &str, folder: &Path) {
    let (address, first) = settings(url);
    let (daemon, api) = Daemon::start_as(folder, &address, &first, &[], None).await;
    let said = refused(folder, &settings(url).1).await;
    assert!(said.contains("in use by another daemon"), "{said}");
    assert!(said.contains("stop that one first"), "what mends it: {said}");
    assert!(api.is_ready().await, "the first one goes on");
    assert!(daemon.stop().await.success());
}

#[tokio::test]
async fn a_second_daemon_on_the_same_file_refuses_to_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("linesman.db").display());
    a_second_daemon_is_refused(&url, folder.path()).await;
}

#[tokio::test]
async fn a_second_daemon_on_the_same_postgresql_refuses_to_start() {
    let Some(url) = crate::postgres_server::new_database().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    a_second_daemon_is_refused(&url, folder.path()).await;
}

async fn a_newer_database_is_refused(
    url: &str,
    folder: &Path,
    shape: impl AsyncFnOnce(sqlx::AssertSqlSafe<&'static str>),
) {
    let (address, text) = settings(url);
    let (daemon, _api) = Daemon::start_as(folder, &address, &text, &[], None).await;
    assert!(daemon.stop().await.success());
    shape(sqlx::AssertSqlSafe(AS_NEWER_PROGRAM)).await;
    let said = refused(folder, &text).await;
    assert!(said.contains("9999") && said.contains("newer"), "{said}");
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("linesman.db").display());
    a_newer_database_is_refused(&url, folder.path(), async |statement| {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("connect");
        sqlx::query(statement).execute(&mut connection).await.expect("a migration of tomorrow");
        connection.close().await.expect("close");
    })
    .await;
}

#[tokio::test]
async fn a_postgresql_of_a_newer_program_is_left_alone() {
    let Some(url) = crate::postgres_server::new_database().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    a_newer_database_is_refused(&url, folder.path(), async |statement| {
        let mut connection = sqlx::PgConnection::connect(&url).await.expect("connect");
        sqlx::query(statement).execute(&mut connection).await.expect("a migration of tomorrow");
    })
    .await;
}

#[tokio::test]
async fn clients_that_never_say_what_they_want_are_shown_out_and_hold_nobody_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("linesman.db").display());
    let (address, text) = settings(&url);
    let (daemon, api) = Daemon::start_as(folder.path(), &address, &text, &[], None).await;
    let began = Instant::now();
    let mut slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).expect("connect");
            stream.write_all(b"GET /health/li").expect("half a request line");
            stream
        })
        .collect();
    let asked = Instant::now();
    assert!(api.is_ready().await);
    assert!(asked.elapsed() < Duration::from_secs(2), "others are served at once: {:?}", asked.elapsed());
    let shown_out = tokio::task::spawn_blocking(move || {
        slow.iter_mut().all(|stream| {
            stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
            matches!(stream.read(&mut [0; 64]), Ok(0))
        })
    });
    assert!(shown_out.await.expect("no panic"), "closed by the daemon");
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    assert!(daemon.stop().await.success());
}
