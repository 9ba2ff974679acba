//! Wall time that follows tokio's paused time, and may be stepped as wall clocks are.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::Clock;
use tokio::time::Instant;

pub struct SimulatedClock {
    epoch: DateTime<Utc>,
    begun: Instant,
    stepped_s: AtomicI64,
}

impl SimulatedClock {
    pub fn new() -> Self {
        let epoch = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        Self { epoch, begun: Instant::now(), stepped_s: AtomicI64::new(0) }
    }

    pub fn step(&self, seconds: i64) {
        self.stepped_s.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now_utc(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.begun.elapsed()).expect("a simulated time");
        let stepped = TimeDelta::seconds(self.stepped_s.load(Ordering::Relaxed));
        linesman::clock::to_micros(self.epoch + elapsed + stepped)
    }
}
