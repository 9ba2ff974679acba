//! Resources of this host: what starves a softswitch before its callers notice.
//!
//! | file | what it holds |
//! | --- | --- |
//! | this one | the reading that others see |
//! | [`parse`] | texts of /proc into numbers: pure, total |
//! | [`counters`] | what only grows, and the rates that two readings make of it: pure |
//! | [`read`] | the files, each cut at a bound; the file systems |
//! | [`probe`] | the probe, which keeps the counters of the reading before |
//!
//! The `procfs` crate parses `/proc/stat`, `/proc/loadavg` and `/proc/net/dev`. Its parsers of
//! pressure, meminfo, snmp and mounts panic on a cut text, fail as a whole when a kernel lacks one
//! field, or leave `\040` in a path; sockstat, softnet and conntrack it does not know. Those are ours.
//!
//! Deliberately absent: processes, temperatures, other hosts (node_exporter tells of them).

use serde::{Deserialize, Serialize};

pub mod counters;
pub mod parse;
pub mod probe;
pub mod read;
#[cfg(test)]
mod tests;

pub use probe::HostProbe;

/// One reading of this host's resources. Rates are over the time since the reading before;
/// `None` means not measured here, which is not the same as zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HostReading {
    /// Share of CPU time not idle, 0 to 1.
    pub cpu_busy_ratio: Option<f64>,
    /// CPUs that are online.
    pub cpus: Option<u32>,
    /// Load average over one minute.
    pub load1: Option<f64>,
    /// Pressure stall information: share of time in which some task waited for CPU, 0 to 1 (10 s average).
    pub pressure_cpu_some: Option<f64>,
    /// The same for memory, 0 to 1.
    pub pressure_memory_some: Option<f64>,
    /// The same for I/O, 0 to 1.
    pub pressure_io_some: Option<f64>,
    /// Memory in all, bytes.
    pub memory_total_bytes: Option<u64>,
    /// Memory that can be had without swapping, bytes.
    pub memory_available_bytes: Option<u64>,
    /// File systems that can be written to.
    pub disks: Vec<DiskReading>,
    /// UDP and TCP sockets in use.
    pub sockets_udp: Option<u64>,
    /// TCP sockets in use.
    pub sockets_tcp: Option<u64>,
    /// Entries in the connection tracking table.
    pub conntrack_entries: Option<u64>,
    /// Its limit.
    pub conntrack_limit: Option<u64>,
    /// UDP datagrams dropped because a receive buffer was full, a second (`RcvbufErrors`).
    pub udp_receive_buffer_errors_per_s: Option<f64>,
    /// UDP datagrams that could not be delivered, a second (`InErrors`).
    pub udp_in_errors_per_s: Option<f64>,
    /// Packets dropped in the network stack's backlog, a second (softnet).
    pub softnet_drops_per_s: Option<f64>,
    /// Interfaces that are up.
    pub interfaces: Vec<InterfaceReading>,
}

/// One file system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiskReading {
    /// Where it is mounted.
    pub mount: String,
    /// Size in bytes.
    pub total_bytes: u64,
    /// Bytes an ordinary user can still write.
    pub available_bytes: u64,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InterfaceReading {
    /// Name.
    pub name: String,
    /// Receive errors a second.
    pub receive_errors_per_s: Option<f64>,
    /// Transmit errors a second.
    pub transmit_errors_per_s: Option<f64>,
    /// Receive drops a second.
    pub receive_drops_per_s: Option<f64>,
}
