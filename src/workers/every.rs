//! A loop that looks every so often until it is asked to stop. A look that took longer than its time is followed by a
//! whole pause, not by those that it missed.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// When to look next.
pub(super) struct Every {
    tick: Interval,
    soft: CancellationToken,
}

impl Every {
    /// At once, and then so often, until `soft` is cancelled.
    pub(super) fn new(period: Duration, soft: &CancellationToken) -> Self {
        let mut tick = interval(period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tick, soft: soft.clone() }
    }

    /// Waits for the next look; `false` when there is none any more.
    pub(super) async fn look(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.soft.cancelled() => false,
            _ = self.tick.tick() => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_looks_at_once_then_so_often_does_not_make_up_for_what_it_missed_and_stops_when_asked() {
        let (soft, began) = (CancellationToken::new(), Instant::now());
        let mut every = Every::new(Duration::from_secs(5), &soft);
        assert!(every.look().await);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(every.look().await);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        // A long look.
        advance(Duration::from_secs(17)).await;
        assert!(every.look().await);
        assert_eq!(began.elapsed(), Duration::from_secs(22));
        assert!(every.look().await);
        assert_eq!(began.elapsed(), Duration::from_secs(27), "a whole pause");
        soft.cancel();
        assert!(!every.look().await);
    }
}
