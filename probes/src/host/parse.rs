//! Texts of /proc into numbers: pure and total. What is missing or absurd is `None`, never zero.

use std::collections::{BTreeMap, HashSet};

use procfs::prelude::*;

/// Time that all CPUs together spent, in ticks since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuTicks {
    /// Everything, with stolen time.
    pub total: u64,
    /// Idle, or idle while waiting for a disk.
    pub idle: u64,
}

/// `/proc/stat`: ticks, and CPUs that are online.
#[must_use]
pub fn cpu(stat: &str) -> Option<(CpuTicks, u32)> {
    // Ticks are only compared with ticks, so their length does not matter.
    let units = procfs::ExplicitSystemInfo {
        boot_time_secs: 0,
        ticks_per_second: 100,
        page_size: 4096,
        is_little_endian: true,
    };
    let stat = procfs::KernelStats::from_read(stat.as_bytes(), &units).ok()?;
    let spent = &stat.total;
    let idle = spent.idle.checked_add(spent.iowait.unwrap_or(0))?;
    // Guests' time is already within user and nice.
    let busy =
        [Some(spent.user), Some(spent.nice), Some(spent.system), spent.irq, spent.softirq, spent.steal];
    let total = busy.into_iter().flatten().try_fold(idle, u64::checked_add)?;
    let cpus = u32::try_from(stat.cpu_time.len()).ok().filter(|cpus| *cpus > 0)?;
    Some((CpuTicks { total, idle }, cpus))
}

/// `/proc/loadavg`: the average over one minute.
#[must_use]
pub fn load1(loadavg: &str) -> Option<f64> {
    let one = procfs::LoadAverage::from_read(loadavg.as_bytes()).ok()?.one;
    // The kernel prints two decimals; procfs keeps them in single precision.
    let load = (f64::from(one) * 100.0).round() / 100.0;
    (load.is_finite() && load >= 0.0).then_some(load)
}

/// `/proc/pressure/*`: share of the last ten seconds in which some task waited, 0 to 1.
#[must_use]
pub fn pressure_some(pressure: &str) -> Option<f64> {
    let mut words = pressure.lines().find_map(|line| line.strip_prefix("some "))?.split_ascii_whitespace();
    let percent: f64 = words.find_map(|word| word.strip_prefix("avg10="))?.parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

/// `/proc/meminfo`: bytes in all, and bytes that can be had without swapping.
#[must_use]
pub fn memory(meminfo: &str) -> (Option<u64>, Option<u64>) {
    let bytes = |name: &str| {
        let mut words = meminfo.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace();
        let number: u64 = words.next()?.parse().ok()?;
        if words.next() == Some("kB") { number.checked_mul(1024) } else { None }
    };
    (bytes("MemTotal:"), bytes("MemAvailable:"))
}

/// `/proc/net/sockstat` and `sockstat6`: sockets of a protocol in use, as `UDP` or `TCP6`.
#[must_use]
pub fn sockets(sockstat: &str, protocol: &str) -> Option<u64> {
    let of_protocol = |line: &'_ str| line.split_once(':').is_some_and(|(name, _)| name == protocol);
    let mut words = sockstat.lines().find(|line| of_protocol(line))?.split_ascii_whitespace();
    words.find(|word| *word == "inuse")?;
    words.next()?.parse().ok()
}

/// A file that holds one number.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// `/proc/net/snmp`: one counter, as `Udp` and `RcvbufErrors`. Names and numbers stand in two lines.
#[must_use]
pub fn snmp(snmp: &str, protocol: &str, counter: &str) -> Option<u64> {
    let mut rows = snmp.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| *name == protocol);
    let (names, values) = (rows.next()?.1, rows.next()?.1);
    let place = names.split_ascii_whitespace().position(|name| name == counter)?;
    values.split_ascii_whitespace().nth(place)?.parse().ok()
}

/// Packets dropped in the backlog since boot, over all CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftnetDrops {
    /// CPUs summed; sums over different CPUs cannot be compared.
    pub cpus: usize,
    /// Second column of `/proc/net/softnet_stat`.
    pub dropped: u64,
}

/// `/proc/net/softnet_stat`: a line a CPU, columns in hexadecimal.
#[must_use]
pub fn softnet(softnet: &str) -> Option<SoftnetDrops> {
    let mut sum = SoftnetDrops { cpus: 0, dropped: 0 };
    for line in softnet.lines() {
        let column = line.split_ascii_whitespace().nth(1)?;
        sum.dropped = sum.dropped.checked_add(u64::from_str_radix(column, 16).ok()?)?;
        sum.cpus += 1;
    }
    (sum.cpus > 0).then_some(sum)
}

/// Counters of one interface since it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Receive errors.
    pub receive_errors: u64,
    /// Transmit errors.
    pub transmit_errors: u64,
    /// Receive drops.
    pub receive_drops: u64,
}

/// Most interfaces told of; a host of containers has many, and none of them carries voice.
const MAX_INTERFACES: usize = 256;

/// `/proc/net/dev`: counters by interface.
#[must_use]
pub fn interfaces(dev: &str) -> Option<BTreeMap<String, InterfaceCounters>> {
    let found = procfs::net::InterfaceDeviceStatus::from_read(dev.as_bytes()).ok()?.0;
    let counted = found.into_values().map(|status| {
        let counters = InterfaceCounters {
            receive_errors: status.recv_errs,
            transmit_errors: status.sent_errs,
            receive_drops: status.recv_drop,
        };
        (status.name, counters)
    });
    let all: BTreeMap<_, _> = counted.collect();
    Some(all.into_iter().take(MAX_INTERFACES).collect())
}

/// File systems on local media. Network file systems are absent with intent: asking one whose server
/// is gone hangs. So are file systems in memory, which the memory reading covers.
const LOCAL_FILE_SYSTEMS: [&str; 15] = [
    "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs3", "reiserfs",
    "ubifs", "vfat", "xfs", "zfs",
];

/// Most file systems told of.
const MAX_DISKS: usize = 64;

/// `/proc/mounts`: where local file systems are mounted for writing, once a device, the first mount of
/// each. An overlay counts only as root: that is this container's own.
#[must_use]
pub fn writable_mounts(mounts: &str) -> Vec<String> {
    let mut devices = HashSet::new();
    let mut found = Vec::new();
    for line in mounts.lines() {
        // Single spaces: an empty device name is an empty field.
        let mut fields = line.split(' ');
        let (Some(device), Some(mount), Some(kind), Some(options)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let local = LOCAL_FILE_SYSTEMS.contains(&kind) || (kind == "overlay" && mount == "/");
        let writable = options.split(',').any(|option| option == "rw");
        if local && writable && found.len() < MAX_DISKS && devices.insert(device) {
            found.push(unescape(mount));
        }
    }
    found
}

/// Undoes the kernel's `\ooo` for spaces and the like in a mount's path.
fn unescape(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = match bytes.get(at..at + 4) {
            Some([b'\\', digits @ ..]) if digits.iter().all(|digit| matches!(digit, b'0'..=b'7')) => {
                digits.iter().try_fold(0u8, |code, digit| code.checked_mul(8)?.checked_add(digit - b'0'))
            }
            _ => None,
        };
        plain.push(code.unwrap_or(*byte));
        at += if code.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}
