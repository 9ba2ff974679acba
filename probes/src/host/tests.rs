//! Texts of real kernels, cut and absurd ones, and this very host.

use std::time::Duration;

use proptest::prelude::*;

use super::counters::{Counters, reading};
use super::read::{self, Roots, Texts};
use super::{HostProbe, HostReading, parse};
use crate::observation::{Detail, Impediment, Measured, Outcome};
use crate::probe::{Probe, Round};

const STAT: &str = "cpu  100 20 30 800 50 1 2 7 90 0\ncpu0 50 10 15 400 25 0 1 3 45 0\ncpu1 50 10 15 400 25 1 1 4 45 0\n\
    intr 1 2\nctxt 9\nbtime 1700000000\nprocesses 5\nprocs_running 1\nprocs_blocked 0\nsoftirq 1 2\n";
const MEMINFO: &str = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\nHugePages_Total:       0\n";
const SNMP: &str = "Ip: Forwarding DefaultTTL\nIp: 1 64\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\n\
    Udp: 1000 1 50 900 40\nUdpLite: InDatagrams\nUdpLite: 0\n";
const SOFTNET: &str = "00000010 00000003 00000000 00000000\n00002757 0000000a 00000001 00000000\n";
const DEV: &str = "Inter-|   Receive                                                |  Transmit\n \
    face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    \
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0\n  \
    eth0: 247486310   10058    7    9    0     0          0         0   716746    7208    5    0    0     0       0          0\n  \
    eth1: 1   1    1    1    0     0          0         0   1    1    1    0    0     0       0          0\n";
const SOCKSTAT: &str =
    "sockets: used 10\nTCP: inuse 11 orphan 0 tw 0 alloc 1 mem 124\nUDP: inuse 4 mem 0\nUDPLITE: inuse 0\n";
const PRESSURE: &str = "some avg10=12.50 avg60=0.12 avg300=0.00 total=391926\n";

fn texts() -> Texts {
    let some = |text: &str| Some(text.to_owned());
    Texts {
        stat: some(STAT),
        loadavg: some("1.23 0.50 0.40 2/300 4711\n"),
        pressure_cpu: some(PRESSURE),
        meminfo: some(MEMINFO),
        sockstat: some(SOCKSTAT),
        sockstat6: some("TCP6: inuse 2\nUDP6: inuse 3\n"),
        conntrack_count: some("812\n"),
        conntrack_max: some("1000\n"),
        snmp: some(SNMP),
        softnet: some(SOFTNET),
        net_dev: some(DEV),
        interfaces_down: ["eth1".to_owned()].into(),
        ..Texts::default()
    }
}

fn after(change: impl FnOnce(&mut Texts)) -> HostReading {
    let (first, mut second) = (texts(), texts());
    change(&mut second);
    reading(&second, &Counters::of(&second), Some((&Counters::of(&first), Duration::from_secs(2))))
}

#[test]
fn a_first_reading_has_levels_but_no_rates() {
    let first = reading(&texts(), &Counters::of(&texts()), None);
    assert_eq!((first.cpus, first.load1, first.cpu_busy_ratio), (Some(2), Some(1.23), None));
    assert_eq!((first.pressure_cpu_some, first.pressure_io_some), (Some(0.125), None));
    assert_eq!(first.memory_total_bytes, Some(16_384_000_000));
    assert_eq!(first.memory_available_bytes, Some(8_192_000_000));
    assert_eq!((first.sockets_udp, first.sockets_tcp), (Some(7), Some(13)), "IPv4 and IPv6 together");
    assert_eq!((first.conntrack_entries, first.conntrack_limit), (Some(812), Some(1000)));
    assert_eq!((first.udp_receive_buffer_errors_per_s, first.softnet_drops_per_s), (None, None));
    let names: Vec<_> = first.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    assert_eq!(names, ["eth0", "lo"], "an interface that is down is not told of");
    assert!(first.interfaces.iter().all(|interface| interface.receive_drops_per_s.is_none()));
}

#[test]
fn a_second_reading_has_rates_over_the_time_between() {
    let second = after(|texts| {
        texts.stat = Some(STAT.replace("cpu  100 20 30 800 50 1 2 7", "cpu  130 20 30 860 60 1 2 7"));
        texts.snmp = Some(SNMP.replace("1000 1 50 900 40", "1000 1 56 900 43"));
        texts.softnet = Some(SOFTNET.replace("0000000a", "0000000b"));
        texts.net_dev =
            Some(DEV.replace("10058    7    9", "10058    8    19").replace("7208    5", "7208    9"));
    });
    assert_eq!(second.cpu_busy_ratio, Some(0.3));
    assert_eq!(second.udp_receive_buffer_errors_per_s, Some(1.5));
    assert_eq!(second.udp_in_errors_per_s, Some(3.0));
    assert_eq!(second.softnet_drops_per_s, Some(0.5));
    let eth0 = &second.interfaces[0];
    assert_eq!(eth0.receive_errors_per_s, Some(0.5));
    assert_eq!(eth0.transmit_errors_per_s, Some(2.0));
    assert_eq!(eth0.receive_drops_per_s, Some(5.0));
}

#[test]
fn a_counter_that_went_back_has_no_rate() {
    let second = after(|texts| {
        texts.stat = Some(STAT.replace("cpu  100", "cpu  10"));
        texts.snmp = Some(SNMP.replace("1000 1 50 900 40", "1000 1 0 900 0"));
        texts.softnet = Some(SOFTNET.replace("0000000a", "00000000"));
        texts.net_dev = Some(DEV.replace("10058    7    9", "10058    0    9"));
    });
    assert_eq!((second.cpu_busy_ratio, second.udp_receive_buffer_errors_per_s), (None, None));
    assert_eq!((second.udp_in_errors_per_s, second.softnet_drops_per_s), (None, None));
    assert_eq!(second.interfaces[0].receive_errors_per_s, None);
    assert_eq!(second.interfaces[0].receive_drops_per_s, Some(0.0), "its neighbour still has one");
}

#[test]
fn a_cpu_or_an_interface_that_came_anew_has_no_rate_and_no_time_gives_none() {
    let second = after(|texts| {
        texts.softnet = Some(format!("{SOFTNET}00000000 00000fff\n"));
        texts.net_dev = Some(DEV.replace("eth0", "eth7"));
    });
    assert_eq!(second.softnet_drops_per_s, None);
    assert_eq!(second.interfaces[0].receive_errors_per_s, None);
    assert_eq!(second.cpu_busy_ratio, None, "no tick passed");
    let counters = Counters::of(&texts());
    let at_once = reading(&texts(), &counters, Some((&counters, Duration::ZERO)));
    assert_eq!(at_once.udp_in_errors_per_s, None);
}

#[test]
fn absurd_texts_are_not_measured_rather_than_zero() {
    for text in [
        "",
        "\n",
        "some",
        "some ",
        "full avg10=1.00",
        "some avg10=",
        "some avg10=NaN",
        "some avg10=101",
        "some avg10=-1",
        "some é",
    ] {
        assert_eq!(parse::pressure_some(text), None, "{text:?}");
    }
    for text in [
        "",
        "MemTotal:",
        "MemTotal: x kB",
        "MemTotal: 99999999999999999999 kB",
        "MemTotal: 18446744073709551615 kB",
        "MemTotal: 1",
        "é é",
    ] {
        assert_eq!(parse::memory(text), (None, None), "{text:?}");
    }
    for text in ["", "1", "NaN 0 0 1/1 1", "-1 0 0 1/1 1", "inf 0 0 1/1 1", "1 1 1 1 1"] {
        assert_eq!(parse::load1(text), None, "{text:?}");
    }
    let huge = STAT.replace("cpu  100 20", "cpu  18446744073709551615 20");
    for text in ["", "cpu", "cpu 1 2 3", "cpu  1 2 3 x", huge.as_str()] {
        assert_eq!(parse::cpu(text), None, "{text:?}");
    }
    for text in ["", "\n", "1", "zz zz", "0 ffffffffffffffff\n0 1"] {
        assert_eq!(parse::softnet(text), None, "{text:?}");
    }
    for text in [
        "",
        "Udp: InErrors",
        "Udp: InErrors\nUdp:",
        "Udp: InErrors\nUdp: -1",
        "Udp: X\nUdp: 1",
        "UdpLite: InErrors\nUdpLite: 1",
    ] {
        assert_eq!(parse::snmp(text, "Udp", "InErrors"), None, "{text:?}");
    }
    for text in ["", "UDP:", "UDP: inuse", "UDP: inuse x", "UDPLITE: inuse 1"] {
        assert_eq!(parse::sockets(text, "UDP"), None, "{text:?}");
    }
    assert_eq!(parse::interfaces("a\nb\neth0: 1 2 3"), None);
    assert_eq!(parse::number("12a"), None);
}

#[test]
fn a_kernel_with_fewer_fields_is_still_read() {
    assert_eq!(parse::snmp("Udp: RcvbufErrors\nUdp: 4\n", "Udp", "RcvbufErrors"), Some(4));
    assert_eq!(
        parse::memory("MemTotal: 4 kB\n"),
        (Some(4096), None),
        "before 3.14 nobody says what is available"
    );
    let (ticks, cpus) = parse::cpu("cpu  1 2 3 4\ncpu0 1 2 3 4\nctxt 1\nbtime 1\nprocesses 1\n").unwrap();
    assert_eq!((ticks.total, ticks.idle, cpus), (10, 4, 1));
}

#[test]
fn real_writable_file_systems_are_found_once_a_device() {
    let mounts = "proc /proc proc rw 0 0\n/dev/vda1 / ext4 rw,relatime 0 0\n/dev/vda1 /var/bind ext4 rw 0 0\n\
        /dev/vdb /mnt/a\\040b\\134c xfs rw 0 0\n/dev/sr0 /cd iso9660 ro 0 0\n/dev/vdc /ro ext4 ro,errors=rw 0 0\n\
        tmpfs /run tmpfs rw 0 0\nserver:/x /nfs nfs4 rw 0 0\noverlay /var/lib/x/merged overlay rw 0 0\n \
        / tmpfs rw 0 0\npool/a /tank zfs rw 0 0\nshort line\n";
    assert_eq!(parse::writable_mounts(mounts), ["/", "/mnt/a b\\c", "/tank"]);
    assert_eq!(parse::writable_mounts("overlay / overlay rw 0 0"), ["/"]);
    assert_eq!(parse::writable_mounts("/dev/a /\\777\\04 ext4 rw 0 0"), ["/\\777\\04"]);
}

fn round() -> Round {
    Round { count: 1, spread: Duration::ZERO, timeout: Duration::from_secs(10) }
}

fn host(measured: Measured) -> HostReading {
    match measured.detail {
        Detail::Host(reading) => *reading,
        other => panic!("{:?} with {other:?}", measured.outcome),
    }
}

#[tokio::test]
async fn this_host_is_read_and_the_second_time_with_rates() {
    let probe = HostProbe::new();
    let first = host(probe.measure(round()).await);
    assert!(first.cpus.is_some_and(|cpus| cpus > 0), "{first:?}");
    assert!(first.memory_total_bytes > first.memory_available_bytes);
    assert_eq!((first.cpu_busy_ratio, first.udp_in_errors_per_s), (None, None));
    let second = host(probe.measure(round()).await);
    assert!(second.udp_in_errors_per_s.is_some_and(|rate| rate >= 0.0), "{second:?}");
    assert!(second.interfaces.iter().any(|interface| interface.receive_errors_per_s.is_some()));
}

#[tokio::test]
async fn a_host_that_tells_nothing_is_unmeasured_and_not_well() {
    let nowhere = Roots { proc: "/nonexistent/proc".into(), sys: "/nonexistent/sys".into() };
    let measured = HostProbe::of(nowhere).measure(round()).await;
    assert_eq!(measured.outcome, Outcome::Unmeasured);
    assert!(
        matches!(measured.impediment, Some(Impediment::Local { reason }) if reason.contains("/nonexistent/proc"))
    );
}

#[test]
fn disks_of_this_host_have_room_within_their_size() {
    for disk in read::disks(&Roots::default()) {
        assert!(disk.total_bytes > 0 && disk.available_bytes <= disk.total_bytes, "{disk:?}");
    }
}

fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let edits = proptest::collection::vec((0..text.len(), any::<u8>()), 0..6);
    (edits, 0..=text.len()).prop_map(move |(edits, length)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        bytes.truncate(length);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #[test]
    fn cut_and_changed_texts_never_panic_and_never_give_a_negative_rate(
        stat in mutated(STAT), meminfo in mutated(MEMINFO), snmp in mutated(SNMP), softnet in mutated(SOFTNET),
        net_dev in mutated(DEV), sockstat in mutated(SOCKSTAT), pressure in mutated(PRESSURE), any in any::<String>(),
    ) {
        let changed = Texts {
            stat: Some(stat), meminfo: Some(meminfo), snmp: Some(snmp), softnet: Some(softnet), net_dev: Some(net_dev),
            sockstat: Some(sockstat), pressure_cpu: Some(pressure), pressure_io: Some(any.clone()),
            loadavg: Some(any.clone()), sockstat6: Some(any.clone()), conntrack_max: Some(any.clone()),
            ..Texts::default()
        };
        let (usual, odd) = (Counters::of(&texts()), Counters::of(&changed));
        let second = Duration::from_secs(1);
        let fore = reading(&changed, &odd, Some((&usual, second)));
        let back = reading(&texts(), &usual, Some((&odd, second)));
        for reading in [fore, back] {
            let busy = reading.cpu_busy_ratio.unwrap_or(0.0);
            prop_assert!((0.0..=1.0).contains(&busy));
            let own = [reading.udp_in_errors_per_s, reading.udp_receive_buffer_errors_per_s, reading.softnet_drops_per_s];
            let each = reading.interfaces.iter().flat_map(|i| [i.receive_errors_per_s, i.transmit_errors_per_s, i.receive_drops_per_s]);
            prop_assert!(each.chain(own).flatten().all(|rate| rate >= 0.0 && rate.is_finite()));
        }
        prop_assert!(parse::writable_mounts(&any).len() <= 64);
    }
}
