//! Notices a wall clock that steps while a round is measured.
//!
//! Delays come from the monotonic clock and survive a step; the window of the observation does
//! not. A host that was suspended shows the same sign (the monotonic clock stands still), and its
//! round is as worthless.

use std::time::{Duration, Instant, SystemTime};

/// Smaller differences are slewing (NTP moves at most 500 ppm) and scheduling.
const TOLERANCE_MS: u64 = 500;

/// Both clocks at the start of a round.
#[derive(Debug, Clone, Copy)]
pub struct ClockWatch {
    wall: SystemTime,
    monotonic: Instant,
}

impl ClockWatch {
    /// Reads both clocks.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "comparing our own two clocks is the purpose of this type")]
    pub fn start() -> Self {
        Self { wall: SystemTime::now(), monotonic: Instant::now() }
    }

    /// Wall time passed minus monotonic time passed in milliseconds, when the two disagree.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "comparing our own two clocks is the purpose of this type")]
    pub fn step(&self) -> Option<i64> {
        step_between(self.wall, SystemTime::now(), self.monotonic.elapsed())
    }
}

/// The step between two readings of the wall clock, `monotonic` apart; `None` within tolerance.
fn step_between(before: SystemTime, after: SystemTime, monotonic: Duration) -> Option<i64> {
    let wall_ms = match after.duration_since(before) {
        Ok(forward) => saturating_millis(forward),
        Err(backward) => -saturating_millis(backward.duration()),
    };
    let step_ms = wall_ms.saturating_sub(saturating_millis(monotonic));
    (step_ms.unsigned_abs() > TOLERANCE_MS).then_some(step_ms)
}

/// Steps that matter to the jitter of voice; slewing stays below half a millisecond a second.
const STEP_NS: i64 = 5_000_000;
/// Both clocks are read within this time, or the reading is worth nothing.
const SAME_TIME: Duration = Duration::from_millis(1);

/// Notices small steps of the wall clock, which is that of the time stamps of packets.
#[derive(Debug, Clone, Copy)]
pub struct StepWatch {
    origin: Instant,
    /// Wall clock minus monotonic clock.
    offset_ns: Option<i64>,
}

impl StepWatch {
    /// Begins to watch.
    #[must_use]
    pub fn start() -> Self {
        let mut watch = Self { origin: Instant::now(), offset_ns: None };
        watch.step_ms();
        watch
    }

    /// By how many milliseconds the wall clock was set since the last time this was asked; `None` when it was not.
    pub fn step_ms(&mut self) -> Option<i64> {
        let before = self.origin.elapsed();
        let wall = wall_ns();
        let between = self.origin.elapsed().saturating_sub(before);
        if between > SAME_TIME {
            // We were not running in between; the next reading tells.
            return None;
        }
        let offset_ns = wall.saturating_sub(i64::try_from(before.as_nanos()).unwrap_or(i64::MAX));
        small_step(self.offset_ns.replace(offset_ns), offset_ns)
    }
}

fn small_step(before_ns: Option<i64>, after_ns: i64) -> Option<i64> {
    let step_ns = after_ns.saturating_sub(before_ns?);
    (step_ns.saturating_abs() > STEP_NS).then_some(step_ns / 1_000_000)
}

/// The wall clock in nanoseconds since 1970: the time of what arrives without a stamp of the kernel's.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where arrivals get their time")]
pub fn wall_ns() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn saturating_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn clocks_that_agree_are_no_step() {
        assert_eq!(step_between(at(10_000), at(11_400), Duration::from_millis(1_000)), None);
        assert_eq!(ClockWatch::start().step(), None);
    }

    #[test]
    fn a_small_step_is_told_and_slewing_is_not() {
        assert_eq!(small_step(None, 7), None);
        assert_eq!(small_step(Some(0), 500_000), None);
        assert_eq!(small_step(Some(0), -20_000_000), Some(-20));
        let mut watch = StepWatch::start();
        assert_eq!(watch.step_ms(), None);
    }

    #[test]
    fn a_step_forward_is_told_with_its_size() {
        assert_eq!(step_between(at(10_000), at(71_000), Duration::from_millis(1_000)), Some(60_000));
    }

    #[test]
    fn a_step_backward_is_negative() {
        assert_eq!(step_between(at(10_000), at(9_000), Duration::from_millis(1_000)), Some(-2_000));
    }

    #[test]
    fn the_largest_possible_steps_do_not_overflow() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(u32::MAX.into());
        assert!(step_between(far, at(0), Duration::MAX).is_some());
    }
}
