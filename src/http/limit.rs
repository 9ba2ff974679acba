//! How much of us one client may have: attempts to sign in, measurements at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Measurements that `/probe` runs at once.
pub const PROBES_AT_ONCE: usize = 32;

/// Shared limits of the doors.
#[derive(Debug)]
pub struct Limits {
    /// Attempts to sign in.
    pub logins: LoginLimit,
    /// Measurements of `/probe`.
    pub probes: Semaphore,
}

impl Default for Limits {
    fn default() -> Self {
        Self { logins: LoginLimit::default(), probes: Semaphore::new(PROBES_AT_ONCE) }
    }
}

/// A token bucket an address for wrong tokens: ten at once, then one every six seconds.
///
/// It keeps a guesser from filling the log. It is no lock: a good token is let in all the same, or
/// anybody behind the same proxy could shut the others out; 256 random bits are not guessed.
#[derive(Debug, Default)]
pub struct LoginLimit(Mutex<HashMap<IpAddr, Bucket>>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    attempts: f64,
    at: Instant,
}

const BURST: f64 = 10.0;
const SECONDS_AN_ATTEMPT: f64 = 6.0;
/// Addresses remembered; more are swept of those that have their whole burst again.
const ADDRESSES: usize = 10_000;

impl LoginLimit {
    /// Takes an attempt.
    ///
    /// # Errors
    /// Seconds to wait when there is none left.
    pub fn take(&self, address: IpAddr, now: Instant) -> Result<(), u64> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES {
            buckets.retain(|_, bucket| bucket.refilled(now).attempts < BURST);
        }
        let full = buckets.len() >= ADDRESSES;
        let address = network(address);
        if full && !buckets.contains_key(&address) {
            return Err(SECONDS_AN_ATTEMPT as u64);
        }
        let bucket = buckets.entry(address).or_insert(Bucket { attempts: BURST, at: now });
        *bucket = bucket.refilled(now);
        if bucket.attempts < 1.0 {
            let wait = (1.0 - bucket.attempts) * SECONDS_AN_ATTEMPT;
            return Err(wait.ceil() as u64);
        }
        bucket.attempts -= 1.0;
        Ok(())
    }
}

impl Bucket {
    fn refilled(self, now: Instant) -> Self {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        Self { attempts: (self.attempts + passed / SECONDS_AN_ATTEMPT).min(BURST), at: now }
    }
}

/// A host has a whole /64 of IPv6 to change its address in.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn attempts_come_back_with_time_and_other_addresses_are_not_held_up() {
        let limit = LoginLimit::default();
        let now = Instant::now();
        let eve: IpAddr = [127, 0, 0, 9].into();
        for attempt in 0..10 {
            assert_eq!(limit.take(eve, now), Ok(()), "attempt {attempt}");
        }
        assert_eq!(limit.take(eve, now), Err(6));
        assert_eq!(limit.take([127, 0, 0, 1].into(), now), Ok(()));
        assert_eq!(limit.take(eve, now + Duration::from_secs(6)), Ok(()));
        assert_eq!(limit.take(eve, now + Duration::from_secs(6)), Err(6));
    }

    #[test]
    fn changing_the_address_within_a_network_helps_nobody() {
        let limit = LoginLimit::default();
        let now = Instant::now();
        for host in 0..10_u16 {
            let address: Ipv6Addr = format!("2001:db8::{host:x}").parse().unwrap();
            assert_eq!(limit.take(address.into(), now), Ok(()));
        }
        let another: Ipv6Addr = "2001:db8::ffff".parse().unwrap();
        assert!(limit.take(another.into(), now).is_err());
    }
}
