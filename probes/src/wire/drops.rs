//! How many packets our own socket dropped: the difference between loss and our own fault.
//!
//! The kernel counts each packet that did not fit into a socket's receive buffer in the `drops`
//! column of procfs, exactly (2,232 false timeouts were 2,232 drops). Thousands of rounds share
//! one socket, so the counter is read at most every 250 ms for rounds that start and every 25 ms
//! for rounds that end with loss; a round without loss never reads it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How old a reading may be for a round that starts: a drop up to this long before a round may
/// void it as well, which errs on the side of silence.
const RECENT: Duration = Duration::from_millis(250);

/// How often rounds that end with loss may read the counter.
const FRESH: Duration = Duration::from_millis(25);

/// Which table of procfs lists a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketTable {
    /// Unprivileged ICMP over IPv4.
    Icmp,
    /// Unprivileged ICMP over IPv6.
    Icmp6,
    /// Raw over IPv4.
    Raw,
    /// Raw over IPv6.
    Raw6,
    /// UDP over IPv4.
    Udp,
    /// UDP over IPv6.
    Udp6,
}

impl SocketTable {
    const fn path(self) -> &'static str {
        match self {
            Self::Icmp => "/proc/self/net/icmp",
            Self::Icmp6 => "/proc/self/net/icmp6",
            Self::Raw => "/proc/self/net/raw",
            Self::Raw6 => "/proc/self/net/raw6",
            Self::Udp => "/proc/self/net/udp",
            Self::Udp6 => "/proc/self/net/udp6",
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    drops: Option<u64>,
}

/// Watches the drop counter of one socket.
#[derive(Debug)]
pub struct DropWatch {
    table: SocketTable,
    inode: u64,
    latest: Mutex<Reading>,
}

impl DropWatch {
    /// Watches the socket with this inode.
    #[must_use]
    pub fn new(table: SocketTable, inode: u64) -> Self {
        let first = Reading { at: Instant::now(), drops: read(table, inode) };
        Self { table, inode, latest: Mutex::new(first) }
    }

    /// Whether the counter can be read here at all; without it, our own drops look like loss.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        self.lock().drops.is_some()
    }

    /// Drops so far, by a reading at most 250 ms old; `None` when not to be read.
    #[must_use]
    pub fn recent(&self) -> Option<u64> {
        let mut latest = self.lock();
        if latest.at.elapsed() >= RECENT {
            *latest = self.read_now();
        }
        latest.drops
    }

    /// Drops by a reading taken after `moment`; waits up to 25 ms for others to share it.
    pub async fn after(&self, moment: Instant) -> Option<u64> {
        loop {
            let wait = {
                let mut latest = self.lock();
                if latest.at >= moment {
                    return latest.drops;
                }
                let age = latest.at.elapsed();
                if age >= FRESH {
                    *latest = self.read_now();
                    return latest.drops;
                }
                FRESH - age
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Packets dropped between two readings; 0 when either is missing, because a counter that
    /// cannot be read proves nothing.
    #[must_use]
    pub fn between(before: Option<u64>, after: Option<u64>) -> u64 {
        match (before, after) {
            // The kernel's counter may wrap; any difference is a drop.
            (Some(before), Some(after)) => after.checked_sub(before).unwrap_or(after),
            _ => 0,
        }
    }

    fn read_now(&self) -> Reading {
        // Stamped before the read, so that a reading never claims to be newer than it is.
        let at = Instant::now();
        Reading { at, drops: read(self.table, self.inode) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(table: SocketTable, inode: u64) -> Option<u64> {
    let text = std::fs::read_to_string(table.path()).ok()?;
    // An unprivileged socket is listed from its first send on; before, nothing can reach it.
    Some(drops_of(&text, inode).unwrap_or(0))
}

/// The `drops` column of the socket with this inode.
fn drops_of(table: &str, inode: u64) -> Option<u64> {
    // sl local remote st tx:rx tr:tm->when retrnsmt uid timeout inode ref pointer drops
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(9);
        if fields.next()?.parse() != Ok(inode) {
            return None;
        }
        fields.nth(2)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
        \u{20}  1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 2232\n\
        \u{20}  2: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0\n";

    #[test]
    fn drops_are_those_of_our_own_socket_and_of_no_other() {
        assert_eq!(drops_of(TABLE, 4711), Some(2232));
        assert_eq!(drops_of(TABLE, 4712), Some(0));
        assert_eq!(drops_of(TABLE, 1), None);
    }

    #[test]
    fn a_counter_that_cannot_be_read_proves_nothing() {
        assert_eq!(DropWatch::between(None, Some(7)), 0);
        assert_eq!(DropWatch::between(Some(7), Some(9)), 2);
        assert_eq!(DropWatch::between(Some(u64::from(u32::MAX)), Some(3)), 3);
    }

    #[tokio::test]
    async fn a_reading_for_a_round_that_ended_is_never_older_than_its_end() {
        let watch = DropWatch::new(SocketTable::Raw, 1);
        let ended = Instant::now();
        watch.after(ended).await;
        assert!(watch.lock().at >= ended);
    }

    proptest! {
        #[test]
        fn any_table_is_read_without_panic(table in "\\PC*", inode: u64) {
            let _ = drops_of(&table, inode);
        }
    }
}
