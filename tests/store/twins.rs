//! The two databases stay twins: files, columns, statements.

use std::collections::BTreeSet;

use linesman::clock::SystemClock;
use linesman::store::migrate::newest_known;
use linesman::store::{Store, statements};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqlSafeStr as _};
use std::sync::Arc;

use crate::fixture::Database;

const COLUMNS_SQLITE: &str = "SELECT m.name || '.' || c.name || CASE WHEN c.\"notnull\" = 1 THEN '' ELSE ' null' END \
     FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'";
const COLUMNS_POSTGRES: &str = "SELECT table_name || '.' || column_name \
     || CASE WHEN is_nullable = 'NO' THEN '' ELSE ' null' END \
     FROM information_schema.columns WHERE table_schema = 'public'";

fn files(folder: &str) -> BTreeSet<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
    let entries = std::fs::read_dir(path).expect("migrations");
    entries.map(|entry| entry.expect("entry").file_name().into_string().expect("name")).collect()
}

/// Full text is each database's own: FTS5 keeps tables beside the one that was asked for. That both find the same is
/// tested with the articles.
const NOT_TWINS: [&str; 3] = ["_sqlx", "sqlite_", "knowledge_text"];

fn ours(columns: Vec<String>) -> BTreeSet<String> {
    let is_ours = |name: &String| !NOT_TWINS.iter().any(|prefix| name.starts_with(prefix));
    columns.into_iter().filter(is_ours).collect()
}

#[test]
fn each_migration_is_there_for_both_databases_and_says_why() {
    let names = files("sqlite");
    assert_eq!(names, files("postgres"));
    assert_eq!(names.len() as i64, newest_known(), "numbers have no gap, and the program knows them all");
    for folder in ["sqlite", "postgres"] {
        for name in &names {
            let path = format!("{}/migrations/{folder}/{name}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect("migration");
            let first = text.lines().next().unwrap_or_default();
            assert!(
                first.starts_with("-- Why: ") || first == "-- no-transaction",
                "{folder}/{name}: {first}"
            );
        }
    }
}

#[tokio::test]
async fn every_statement_prepares_on_sqlite() {
    let database = Database::sqlite();
    Store::open(&database.url, Arc::new(SystemClock)).await.expect("open").close().await;
    let mut connection = sqlx::SqliteConnection::connect(&database.url).await.expect("connect");
    for statement in statements::ALL
        .iter()
        .chain(statements::CUSTOMERS)
        .chain(statements::CALLS)
        .chain(statements::ATTACHMENTS)
        .chain(statements::EVIDENCE)
    {
        let prepared = (&mut connection).prepare(AssertSqlSafe(*statement).into_sql_str()).await;
        assert!(prepared.is_ok(), "{statement}: {:?}", prepared.err());
    }
}

#[tokio::test]
async fn no_statement_reads_every_round_there_is() {
    let database = Database::sqlite();
    Store::open(&database.url, Arc::new(SystemClock)).await.expect("open").close().await;
    let mut connection = sqlx::SqliteConnection::connect(&database.url).await.expect("connect");
    for statement in statements::ALL
        .iter()
        .chain(statements::CUSTOMERS)
        .chain(statements::CALLS)
        .chain(statements::ATTACHMENTS)
        .chain(statements::EVIDENCE)
    {
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(plan).fetch_all(&mut connection).await.expect("plan");
        let is_scan = |step: &str| ["SCAN o", "SCAN n", "SCAN observation", "SCAN e"].contains(&step);
        assert!(!steps.iter().any(|step| is_scan(&step.3)), "{statement}: {steps:?}");
    }
}

#[tokio::test]
async fn both_databases_take_every_statement_and_have_the_same_columns() {
    let Some(database) = Database::postgres().await else { return };
    Store::open(&database.url, Arc::new(SystemClock)).await.expect("open").close().await;
    let mut connection = sqlx::PgConnection::connect(&database.url).await.expect("connect");
    for statement in statements::ALL
        .iter()
        .chain(statements::CUSTOMERS)
        .chain(statements::CALLS)
        .chain(statements::ATTACHMENTS)
        .chain(statements::EVIDENCE)
    {
        let prepared = (&mut connection).prepare(AssertSqlSafe(*statement).into_sql_str()).await;
        assert!(prepared.is_ok(), "{statement}: {:?}", prepared.err());
    }
    let postgres: Vec<String> =
        sqlx::query_scalar(COLUMNS_POSTGRES).fetch_all(&mut connection).await.expect("columns");

    let twin = Database::sqlite();
    Store::open(&twin.url, Arc::new(SystemClock)).await.expect("open").close().await;
    let mut connection = sqlx::SqliteConnection::connect(&twin.url).await.expect("connect");
    let sqlite: Vec<String> =
        sqlx::query_scalar(COLUMNS_SQLITE).fetch_all(&mut connection).await.expect("columns");
    assert_eq!(ours(sqlite), ours(postgres));
}
