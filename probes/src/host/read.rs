//! The files, each cut at a bound, and the file systems. Blocking: call it where blocking is allowed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{DiskReading, parse};

/// Largest text read; `/proc/net/dev` of a thousand interfaces stays far below.
const MAX_TEXT: u64 = 1024 * 1024;

/// Where the kernel's texts are.
#[derive(Debug, Clone)]
pub struct Roots {
    /// Usually `/proc`.
    pub proc: PathBuf,
    /// Usually `/sys`.
    pub sys: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into() }
    }
}

/// What the kernel says of itself; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// `/proc/stat`
    pub stat: Option<String>,
    /// `/proc/loadavg`
    pub loadavg: Option<String>,
    /// `/proc/pressure/cpu`
    pub pressure_cpu: Option<String>,
    /// `/proc/pressure/memory`
    pub pressure_memory: Option<String>,
    /// `/proc/pressure/io`
    pub pressure_io: Option<String>,
    /// `/proc/meminfo`
    pub meminfo: Option<String>,
    /// `/proc/net/sockstat`
    pub sockstat: Option<String>,
    /// `/proc/net/sockstat6`
    pub sockstat6: Option<String>,
    /// `/proc/sys/net/netfilter/nf_conntrack_count`
    pub conntrack_count: Option<String>,
    /// `/proc/sys/net/netfilter/nf_conntrack_max`
    pub conntrack_max: Option<String>,
    /// `/proc/net/snmp`
    pub snmp: Option<String>,
    /// `/proc/net/softnet_stat`
    pub softnet: Option<String>,
    /// `/proc/net/dev`
    pub net_dev: Option<String>,
    /// Interfaces that `/sys/class/net/*/operstate` calls down; what it says nothing of counts as up.
    pub interfaces_down: BTreeSet<String>,
}

/// Reads all texts.
#[must_use]
pub fn texts(roots: &Roots) -> Texts {
    let read = |path: &str| text(&roots.proc.join(path));
    Texts {
        stat: read("stat"),
        loadavg: read("loadavg"),
        pressure_cpu: read("pressure/cpu"),
        pressure_memory: read("pressure/memory"),
        pressure_io: read("pressure/io"),
        meminfo: read("meminfo"),
        sockstat: read("net/sockstat"),
        sockstat6: read("net/sockstat6"),
        conntrack_count: read("sys/net/netfilter/nf_conntrack_count"),
        conntrack_max: read("sys/net/netfilter/nf_conntrack_max"),
        snmp: read("net/snmp"),
        softnet: read("net/softnet_stat"),
        net_dev: read("net/dev"),
        interfaces_down: interfaces_down(&roots.sys.join("class/net")),
    }
}

/// Asks each writable local file system for its room. Hangs if a disk does.
#[must_use]
pub fn disks(roots: &Roots) -> Vec<DiskReading> {
    let mounts = text(&roots.proc.join("mounts")).unwrap_or_default();
    parse::writable_mounts(&mounts).into_iter().filter_map(disk).collect()
}

fn disk(mount: String) -> Option<DiskReading> {
    let room = rustix::fs::statvfs(mount.as_str()).ok()?;
    let total_bytes = room.f_blocks.checked_mul(room.f_frsize)?;
    let available_bytes = room.f_bavail.checked_mul(room.f_frsize)?;
    (total_bytes > 0).then_some(DiskReading { mount, total_bytes, available_bytes })
}

fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_TEXT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn interfaces_down(directory: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return BTreeSet::new() };
    // `unknown` is what loopback, tunnels and some drivers say while they work (RFC 2863, and the kernel's operstates).
    let is_down = |state: &str| {
        matches!(state.trim(), "down" | "notpresent" | "lowerlayerdown" | "dormant" | "testing")
    };
    entries
        .flatten()
        .filter(|entry| text(&entry.path().join("operstate")).is_some_and(|state| is_down(&state)))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
