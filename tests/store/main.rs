//! One suite, both databases: what the store promises, seen from outside.
#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails; clippy knows only functions marked as tests"
)]

#[path = "../support/bills.rs"]
mod bills;
#[path = "../support/postgres.rs"]
mod postgres_server;
#[path = "../support/receivers.rs"]
#[allow(dead_code, reason = "other tests look at paths too")]
mod receivers;
#[cfg(test)]
#[path = "../support/requirement.rs"]
#[allow(dead_code, reason = "other tests need root too")]
mod requirement;

mod access;
mod calls;
mod chain;
mod customer_tickets;
mod customers;
mod disk;
mod duties;
mod families;
mod fixture;
mod knowledge;
mod life;
mod maintenance;
mod notify;
mod observations;
mod outage;
mod people;
mod process;
mod proof;
mod receipts;
#[cfg(test)]
mod routes;
mod runs;
mod statistics;
mod telling;
mod tickets;
mod twins;
mod walks;

/// Runs each test on both databases.
#[macro_export]
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test($crate::fixture::Database::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if let Some(database) = $crate::fixture::Database::postgres().await {
                    super::$test(database).await;
                }
            })+
        }
    };
}
