//! Tokens and sessions.

use chrono::TimeDelta;
use linesman::store::{NewToken, Role, StoreError};

use crate::fixture::{Daemon, Database, noon};
use crate::on_both;

on_both! {
    the_first_token_is_made_once_on_an_empty_database,
    a_token_opens_the_door_until_it_ends_or_is_ended,
    a_token_that_makes_no_sense_is_refused,
    a_session_slides_with_use_and_ends_all_the_same,
    a_busy_disk_logs_nobody_out,
    no_secret_is_in_the_database,
}

fn new_token(name: &str, days: i64) -> NewToken {
    NewToken { name: name.to_owned(), role: Role::Technician, expires_at: noon() + TimeDelta::days(days) }
}

async fn the_first_token_is_made_once_on_an_empty_database(database: Database) {
    let daemon = Daemon::start(&database).await;
    let secret = daemon.store.create_first_token().await.unwrap().expect("a secret");
    assert!(secret.starts_with("lm_"));
    let token = daemon.store.authenticate(&secret).await.unwrap().expect("valid");
    assert_eq!((token.name.as_str(), token.role), ("admin", Role::Admin));
    assert_eq!(daemon.store.create_first_token().await.unwrap(), None);
    daemon.stop().await.unwrap();
}

async fn a_token_opens_the_door_until_it_ends_or_is_ended(database: Database) {
    let daemon = Daemon::start(&database).await;
    let short = daemon.store.create_token(&new_token("short", 1)).await.unwrap();
    let long = daemon.store.create_token(&new_token("long", 365)).await.unwrap();
    assert_ne!(short, long);
    assert_eq!(daemon.store.tokens().await.unwrap()[0].last_used_at, None);
    assert!(daemon.store.authenticate(&short).await.unwrap().is_some());
    let minute = "2026-11-20T12:00:00Z".parse().unwrap();
    let used = daemon.store.tokens().await.unwrap().into_iter().find(|token| token.name == "short").unwrap();
    assert_eq!(used.last_used_at, Some(minute), "noted to the minute");
    for wrong in ["", "lm_", "Bearer", &short[..20], &format!("{short}0"), &short.to_uppercase()] {
        assert_eq!(daemon.store.authenticate(wrong).await.unwrap(), None, "{wrong}");
    }
    daemon.clock.advance(TimeDelta::days(1));
    assert_eq!(daemon.store.authenticate(&short).await.unwrap(), None, "it has ended");
    assert!(daemon.store.revoke_token("long").await.unwrap());
    assert!(!daemon.store.revoke_token("long").await.unwrap(), "ended already");
    assert_eq!(daemon.store.authenticate(&long).await.unwrap(), None);
    assert!(daemon.store.tokens().await.unwrap().iter().any(|token| token.revoked));
    daemon.stop().await.unwrap();
}

async fn a_token_that_makes_no_sense_is_refused(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.store.create_token(&new_token("ada", 1)).await.unwrap();
    daemon.store.revoke_token("ada").await.unwrap();
    let long = "x".repeat(65);
    let wrong = [
        new_token("ada", 1),
        new_token("", 1),
        new_token(" a", 1),
        new_token("a\0b", 1),
        new_token(&long, 1),
        new_token("linesman", 1),
        new_token("eve", 0),
        new_token("eve", 367),
    ];
    for token in wrong {
        let refused = daemon.store.create_token(&token).await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })), "{token:?}: {refused:?}");
    }
    daemon.stop().await.unwrap();
}

async fn a_session_slides_with_use_and_ends_all_the_same(database: Database) {
    let daemon = Daemon::start(&database).await;
    let store = &daemon.store;
    let secret = store.create_token(&new_token("ada", 30)).await.unwrap();
    let token = store.authenticate(&secret).await.unwrap().unwrap();
    let idle = store.create_session(&token).await.unwrap();
    let used = store.create_session(&token).await.unwrap();
    assert_eq!(store.session(&secret).await.unwrap(), None, "a token is no session");
    for _ in 0..23 {
        daemon.clock.advance(TimeDelta::minutes(29));
        assert_eq!(store.session(&used).await.unwrap().map(|token| token.name), Some("ada".to_owned()));
    }
    assert_eq!(store.session(&idle).await.unwrap(), None, "idle for longer than 30 minutes");
    let open_page = store.create_session(&token).await.unwrap();
    for minutes_left in [15, 0] {
        daemon.clock.advance(TimeDelta::minutes(15));
        let good = store.peek_session(&open_page).await.unwrap().is_some();
        assert_eq!(good, minutes_left > 0, "being looked at is no use");
        store.session(&used).await.unwrap();
    }
    daemon.clock.advance(TimeDelta::minutes(25));
    assert_eq!(store.session(&used).await.unwrap(), None, "12 hours are over, used or not");
    let ended = store.create_session(&token).await.unwrap();
    store.end_session(&ended).await.unwrap();
    assert_eq!(store.session(&ended).await.unwrap(), None);
    let orphaned = store.create_session(&token).await.unwrap();
    store.revoke_token("ada").await.unwrap();
    assert_eq!(store.session(&orphaned).await.unwrap(), None, "the token's end is the session's");
    daemon.stop().await.unwrap();
}

async fn a_busy_disk_logs_nobody_out(database: Database) {
    let daemon = Daemon::start(&database).await;
    let store = &daemon.store;
    let secret = store.create_token(&new_token("ada", 30)).await.unwrap();
    let token = store.authenticate(&secret).await.unwrap().unwrap();
    let used = store.create_session(&token).await.unwrap();
    let held = database.hold_sessions().await;
    for _ in 0..3 {
        daemon.clock.advance(TimeDelta::minutes(29));
        assert!(store.session(&used).await.unwrap().is_some(), "used within the half hour, written or not");
    }
    held.let_go().await;
    daemon.clock.advance(TimeDelta::minutes(29));
    assert!(store.session(&used).await.unwrap().is_some());
    daemon.clock.advance(TimeDelta::minutes(31));
    assert_eq!(store.session(&used).await.unwrap(), None, "and idle all the same");
    daemon.stop().await.unwrap();
}

async fn no_secret_is_in_the_database(database: Database) {
    let daemon = Daemon::start(&database).await;
    let secret = daemon.store.create_token(&new_token("ada", 30)).await.unwrap();
    let token = daemon.store.authenticate(&secret).await.unwrap().unwrap();
    let session = daemon.store.create_session(&token).await.unwrap();
    let stored = |table: &str, secret: &str| {
        format!("SELECT COUNT(*) FROM {table} WHERE hash = '{secret}' OR hash LIKE '%{}%'", &secret[4..20])
    };
    assert_eq!(database.count(&stored("api_token", &secret)).await, 0);
    assert_eq!(database.count(&stored("session", &session)).await, 0);
    if database.is_sqlite {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(database.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else reads the file");
    }
    daemon.stop().await.unwrap();
}
