//! Start, stop, kill, and who else may be at the database.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::TimeDelta;
use linesman::clock::{ManualClock, SystemClock};
use linesman::store::migrate::newest_known;
use linesman::store::{NewToken, Role, Store, StoreError, WriteError};
use linesman::ticket::event::{Actor, Event, Visibility};
use sqlx::Connection as _;

use crate::fixture::{Daemon, Database, fault, noon, open_action};
use crate::on_both;

on_both! {
    what_was_acknowledged_is_there_after_a_kill,
    a_second_daemon_is_refused_while_the_first_runs,
    a_daemon_that_was_overtaken_stops_writing,
    commands_work_beside_the_daemon,
    a_command_never_migrates_nor_makes_a_database,
    a_database_newer_than_the_program_is_refused,
    a_writer_that_was_stopped_carries_out_what_waits_and_refuses_the_rest,
    a_backup_under_load_holds_what_was_acknowledged_before_it,
    a_database_that_lets_nobody_write_for_a_while_is_an_answer_and_no_end,
}

pub const CHILD_URL: &str = "LINESMAN_TEST_STORE_CHILD_URL";
pub const CHILD_NAME: &str = "life::child_that_opens_tickets_until_it_is_killed";

/// Not a test: what the test below starts as a process of its own, to kill it.
#[test]
fn child_that_opens_tickets_until_it_is_killed() {
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(async {
        let database =
            Database { is_sqlite: url.starts_with("sqlite:"), url, folder: tempfile::tempdir().unwrap() };
        let daemon = Daemon::start(&database).await;
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..16 {
            let writer = daemon.writer.clone();
            callers.spawn(async move {
                for number in 0.. {
                    let key = format!("{}/{caller}/{number}", std::process::id());
                    let opened = writer.carry_out(1, vec![open_action(fault(&key))]).await.unwrap().remove(0);
                    let note = Event::Noted { text: key, visibility: Visibility::Internal };
                    writer.apply(&opened.id, Some(1), note, Actor("ada".to_owned())).await.unwrap();
                    // One system call a line: what is written is acknowledged.
                    let line = format!("acknowledged {}\n", opened.id);
                    std::io::stdout().write_all(line.as_bytes()).expect("pipe");
                }
            });
        }
        callers.join_all().await;
    });
}

async fn what_was_acknowledged_is_there_after_a_kill(database: Database) {
    let mut acknowledged = Vec::new();
    for kill in 1..=4 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", CHILD_NAME, "--nocapture"])
            .env(CHILD_URL, &database.url)
            .stdout(Stdio::piped())
            .spawn()
            .expect("child");
        let lines = BufReader::new(child.stdout.take().expect("pipe")).lines();
        for line in lines {
            // Lines in the pipe at the moment of the kill count too: they were acknowledged.
            if let Some(id) = line.expect("line").strip_prefix("acknowledged ") {
                acknowledged.push(id.to_owned());
            }
            if acknowledged.len() == kill * 60 {
                child.kill().expect("kill -9");
            }
        }
        child.wait().expect("child");
    }
    assert!(acknowledged.len() >= 240);
    let store = database.open_when_free(Arc::new(ManualClock::at(noon()))).await;
    for id in acknowledged {
        let ticket = store.ticket(&linesman::ticket::TicketId(id)).await.unwrap().expect("not lost");
        assert_eq!(ticket.version, 2, "the note is there too");
    }
    let report = store.check().await.unwrap();
    assert_eq!((report.broken_at, report.damage), (None, vec![]), "no ticket without its events");
    let opened = "SELECT COUNT(*) FROM ticket_event WHERE type = 'opened'";
    assert_eq!(database.count("SELECT COUNT(*) FROM outbox").await, database.count(opened).await);
    store.close().await;
}

async fn a_second_daemon_is_refused_while_the_first_runs(database: Database) {
    let daemon = Daemon::start(&database).await;
    let refused = Store::open(&database.url, Arc::new(SystemClock)).await.map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    if database.is_sqlite {
        assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
    }
    daemon.open("the first goes on").await;
    let beside = Store::open_reader(&database.url, Arc::new(SystemClock)).await.unwrap();
    let taken = beside.is_free().await.unwrap_err();
    assert!(matches!(taken, StoreError::Locked { .. }), "{taken}");
    daemon.stop().await.unwrap();
    let mut free = beside.is_free().await;
    for _ in 0..500 {
        // A server lets go when it reads the end of the connection.
        if free.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        free = beside.is_free().await;
    }
    free.unwrap();
    beside.close().await;
    let next = Daemon::start(&database).await;
    next.open("the next may").await;
    next.stop().await.unwrap();
}

async fn a_daemon_that_was_overtaken_stops_writing(database: Database) {
    let mut daemon = Daemon::start(&database).await;
    daemon.open("before").await;
    // What another daemon does that got the lock while this one slept or its server restarted.
    database.tamper("UPDATE meta SET value = '99' WHERE name = 'fence'").await;
    let refused = daemon.writer.carry_out(1, vec![open_action(fault("after"))]).await;
    assert!(matches!(refused, Err(WriteError::Store(StoreError::WriterStopped))), "{refused:?}");
    let ended = daemon.ended().await;
    assert!(matches!(ended, Err(StoreError::Fenced)), "{ended:?}");
    assert!(daemon.hard.is_cancelled(), "the process stops");
    assert!(daemon.store.ping().await.is_err());
    let refused = daemon.store.append_observations(&[crate::observations::round("a", 0)]).await;
    assert!(matches!(refused, Err(StoreError::WriterStopped)), "{refused:?}");
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket").await, 1);
}

async fn commands_work_beside_the_daemon(database: Database) {
    let daemon = Daemon::start(&database).await;
    let ticket = daemon.open("fibre/link-1").await;
    let beside = Store::open_reader(&database.url, daemon.clock.clone()).await.expect("beside");
    let token =
        NewToken { name: "ada".to_owned(), role: Role::Noc, expires_at: noon() + TimeDelta::days(90) };
    let secret = beside.create_token(&token).await.unwrap();
    assert_eq!(daemon.store.authenticate(&secret).await.unwrap().map(|token| token.role), Some(Role::Noc));
    assert_eq!(beside.ticket(&ticket.id).await.unwrap(), Some(ticket));
    assert_eq!(beside.check().await.unwrap().events, 1);
    beside.ping().await.unwrap();
    daemon.open("the daemon still may").await;
    beside.close().await;
    daemon.stop().await.unwrap();
}

async fn a_command_never_migrates_nor_makes_a_database(database: Database) {
    let refused = Store::open_reader(&database.url, Arc::new(SystemClock)).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("linesman serve"), "{refused}");
    assert!(!database.file().exists());
    Daemon::start(&database).await.stop().await.unwrap();
    database
        .tamper("DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)")
        .await;
    let refused = Store::open_reader(&database.url, Arc::new(SystemClock)).await.map(drop).unwrap_err();
    let is_older = |error: &StoreError| matches!(error, StoreError::OlderThanProgram { found, known } if found < known && *known == newest_known());
    assert!(is_older(&refused), "{refused}");
}

async fn a_database_newer_than_the_program_is_refused(database: Database) {
    Daemon::start(&database).await.stop().await.unwrap();
    let newer = if database.is_sqlite { "1, x'00'" } else { "true, '\\x00'" };
    database
        .tamper(&format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9000, 'from the future', {newer}, 1)"
        ))
        .await;
    let refusals = [
        Store::open(&database.url, Arc::new(SystemClock)).await.map(drop),
        Store::open_reader(&database.url, Arc::new(SystemClock)).await.map(drop),
    ];
    for refused in refusals {
        let refused = refused.unwrap_err();
        let is_newer = |error: &StoreError| matches!(error, StoreError::NewerThanProgram { found: 9000, known } if *known == newest_known());
        assert!(is_newer(&refused), "{refused}");
    }
}

async fn a_writer_that_was_stopped_carries_out_what_waits_and_refuses_the_rest(database: Database) {
    let daemon = Daemon::start(&database).await;
    let (writer, store) = (daemon.writer.clone(), daemon.store.clone());
    let waits = writer.carry_out(1, vec![open_action(fault("waits"))]);
    let (waited, stopped) = tokio::join!(waits, daemon.stop());
    stopped.unwrap();
    assert_eq!(waited.unwrap().len(), 1);
    let refused = writer.carry_out(1, vec![]).await;
    assert!(matches!(refused, Err(WriteError::Store(StoreError::WriterStopped))), "{refused:?}");
    store.close().await;
}

async fn a_backup_under_load_holds_what_was_acknowledged_before_it(database: Database) {
    let daemon = Daemon::start(&database).await;
    let copy = database.folder.path().join("copy.db");
    if !database.is_sqlite {
        let refused = daemon.store.backup(&copy).await.unwrap_err().to_string();
        assert!(refused.contains("pg_dump") && refused.contains("--host=127.0.0.1"), "{refused}");
        return daemon.stop().await.unwrap();
    }
    for number in 0..20 {
        daemon.open(&format!("before/{number}")).await;
    }
    let load = async {
        for number in 0..50 {
            daemon.open(&format!("during/{number}")).await;
        }
    };
    let (saved, ()) = tokio::join!(daemon.store.backup(&copy), load);
    saved.unwrap();
    let again = daemon.store.backup(&copy).await.unwrap_err().to_string();
    assert!(again.contains("never overwrites"), "{again}");
    let names: Vec<_> =
        std::fs::read_dir(database.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("partial")), "{names:?}");

    let url = format!("sqlite:{}", copy.display());
    let restored = Store::open(&url, daemon.clock.clone()).await.expect("the copy opens as a database");
    let page = restored.tickets(&linesman::store::TicketFilter::default(), None, 1000).await.unwrap();
    let before = page.tickets.iter().filter(|ticket| ticket.key.starts_with("before/")).count();
    assert_eq!(before, 20);
    let report = restored.check().await.unwrap();
    assert_eq!((report.broken_at, report.damage), (None, vec![]));
    restored.close().await;
    daemon.stop().await.unwrap();
}

async fn a_database_that_lets_nobody_write_for_a_while_is_an_answer_and_no_end(database: Database) {
    let daemon = Daemon::start(&database).await;
    let token = NewToken { name: "ada".to_owned(), role: Role::Noc, expires_at: noon() + TimeDelta::days(1) };
    let secret = daemon.store.create_token(&token).await.unwrap();
    if database.is_sqlite {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database.file());
        let mut other = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        let open = daemon.writer.carry_out(1, vec![open_action(fault("a"))]);
        let read = async {
            let begun = std::time::Instant::now();
            assert!(daemon.store.authenticate(&secret).await.unwrap().is_some(), "people still come in");
            assert_eq!(daemon.store.tickets_for_planning(&[]).await.unwrap(), []);
            assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
        };
        let (refused, ()) = tokio::join!(open, read);
        assert!(matches!(refused, Err(WriteError::Busy)), "{refused:?}");
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    } else {
        // What a restart of the server does to its clients.
        let others = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert!(database.count(others).await >= 2);
        daemon.store.ping().await.unwrap();
        let refused = Store::open(&database.url, Arc::new(SystemClock)).await.map(drop).unwrap_err();
        assert!(matches!(refused, StoreError::Locked { .. }), "the lock was taken anew: {refused}");
    }
    daemon.open("b").await;
    assert_eq!(daemon.store.check().await.unwrap().events, 1);
    assert!(!daemon.hard.is_cancelled());
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_reported_and_never_a_panic() {
    let database = Database::sqlite();
    let daemon = Daemon::start(&database).await;
    for number in 0..200 {
        daemon.open(&format!("k{number}")).await;
    }
    daemon.stop().await.unwrap();
    let sound = std::fs::read(database.file()).unwrap();
    for place in (0..60).map(|step| step * sound.len() / 60 + step) {
        let mut damaged = sound.clone();
        damaged[place] ^= 0x55;
        std::fs::write(database.file(), &damaged).unwrap();
        // Refused, reported, or harmless: all three are answers.
        if let Ok(store) = Store::open_reader(&database.url, Arc::new(SystemClock)).await {
            let _ = store.check().await;
            let _ = store.tickets_for_planning(&[]).await;
            store.close().await;
        }
    }
}
