//! What the tests of the whole program share: the real daemon, its API, waiting, the skip rule.
//!
//! Included by path as `mod support` under `#[cfg(test)]`; each test uses its part of it.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod api;
pub mod daemon;
pub mod process;
pub mod requirement;

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Asks again and again until there is an answer; after `within`, fails and says what was missed.
pub async fn eventually<T>(what: &str, within: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    const PAUSE: Duration = Duration::from_millis(50);
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {within:?} in vain for {what}");
        sleep(PAUSE).await;
    }
}

/// Asks for a while and fails as soon as there is an answer: for what must not happen.
pub async fn never<T: std::fmt::Debug>(
    what: &str,
    during: Duration,
    mut ask: impl AsyncFnMut() -> Option<T>,
) {
    const PAUSE: Duration = Duration::from_millis(200);
    let end = Instant::now() + during;
    while Instant::now() < end {
        if let Some(answer) = ask().await {
            panic!("{what}: {answer:?}");
        }
        sleep(PAUSE).await;
    }
}
