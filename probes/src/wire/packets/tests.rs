//! Sources on the loopback of this host: needs CAP_NET_RAW, and says so where it lacks.

use std::net::UdpSocket;
use std::time::Instant;

use super::*;

fn may_capture() -> bool {
    let Err(hint) = permission::capture() else { return true };
    let all = std::env::var("LINESMAN_TEST_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!all, "{hint}, and LINESMAN_TEST_REQUIRE=all");
    println!("skipped: {hint}");
    false
}

/// Sends to a port of ours and returns what the source sees of it.
fn seen(open: impl Fn(&Options) -> Result<Box<dyn PacketSource>, CaptureError>, interface: &str) {
    if !may_capture() {
        return;
    }
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = receiver.local_addr().unwrap().port();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let filter = format!("host 127.0.0.1 and port {port}").parse().unwrap();
    let mut source = open(&Options { filter, ..Options::new(interface) }).unwrap();
    let begun = wall();
    for number in 0..100_u8 {
        sender.send_to(&[number; 40], ("127.0.0.1", port)).unwrap();
        // Not to the port that was asked for.
        sender.send_to(&[255; 40], ("127.0.0.1", port ^ 1)).unwrap();
    }
    let mut numbers: Vec<u8> = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    while numbers.len() < 100 && Instant::now() < deadline {
        source
            .receive(Duration::from_millis(50), &mut |packet| {
                assert!(
                    (begun - 1_000_000..begun + 10_000_000_000).contains(&packet.at_ns),
                    "{}",
                    packet.at_ns
                );
                numbers.extend(packet.data.last());
            })
            .unwrap();
    }
    assert_eq!(numbers, (0..100).collect::<Vec<u8>>());
    let counters = source.counters().unwrap();
    assert_eq!((counters.packets, counters.drops), (100, 0));
}

fn wall() -> i64 {
    crate::wire::clock_watch::wall_ns()
}

fn boxed<S: PacketSource + 'static>(source: S) -> Box<dyn PacketSource> {
    Box::new(source)
}

#[test]
fn a_ring_sees_each_packet_of_the_wanted_port_once_and_in_order() {
    seen(|options| Ring::open(options).map(boxed), "lo");
}

#[test]
fn a_ring_on_all_interfaces_sees_a_packet_of_the_loopback_once() {
    seen(|options| Ring::open(options).map(boxed), ANY);
}

#[test]
fn a_channel_sees_each_packet_of_the_wanted_port_once_and_in_order() {
    seen(|options| Channel::open(options).map(boxed), "lo");
}

#[test]
fn workers_of_a_fan_out_group_see_each_packet_once_together() {
    seen(
        |options| {
            let shared = Options { fanout: Some(fanout_group()), ..options.clone() };
            let rings = (0..2).map(|_| Ring::open(&shared).map(boxed)).collect::<Result<Vec<_>, _>>()?;
            Ok(boxed(Workers::start(rings).unwrap()))
        },
        "lo",
    );
}

#[test]
fn a_ring_that_nobody_reads_counts_what_it_drops() {
    if !may_capture() {
        return;
    }
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = receiver.local_addr().unwrap().port();
    let filter = format!("port {port}").parse().unwrap();
    let mut ring = Ring::open(&Options { filter, buffer_bytes: 1 << 15, ..Options::new("lo") }).unwrap();
    for _ in 0..2_000 {
        receiver.send_to(&[0; 200], ("127.0.0.1", port)).unwrap();
    }
    let mut read = 0;
    while ring.receive(Duration::from_millis(200), &mut |_| read += 1).unwrap() > 0 {}
    let counters = ring.counters().unwrap();
    assert_eq!(counters.packets, 2_000);
    assert_eq!(read + counters.drops, 2_000);
    assert!(counters.drops > 0);
}

#[test]
fn an_interface_that_is_not_there_is_named_beside_those_that_are() {
    if !may_capture() {
        return;
    }
    for error in [Ring::open(&Options::new("nowhere0")).err(), Channel::open(&Options::new("nowhere0")).err()]
    {
        let said = error.unwrap().to_string();
        assert!(said.contains("nowhere0") && said.contains("lo"), "{said}");
    }
}
