//! Test calls on real sockets: against the answering end of this package, against sipp, a peer that we did not write,
//! and through a bridge that loses a known share each way.
//!
//! Those with sipp are skipped with a printed reason when it is missing (`apt install sip-tester`); with
//! `LINESMAN_TEST_REQUIRE=all` that is a failure instead.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test: it fails loudly, and its runtime owns its tasks"
)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use linesman_probes::probe::Transport;
use linesman_probes::sip::call::answer::{Answering, Bounds};
use linesman_probes::sip::call::{CallCodec, CallPlan, CallReport, Credentials, Ended, KnownBy, place};
use support::relay::{Every, start};
use support::{Sipp, free_port, sipp_is_missing, start_sipp};

fn plan(address: SocketAddr) -> CallPlan {
    CallPlan {
        address,
        transport: Transport::Udp,
        uri: format!("sip:echo@{address}"),
        from: "linesman".to_owned(),
        codec: CallCodec::Pcma,
        length: Duration::from_secs(3),
        patience: Duration::from_secs(5),
        credentials: None,
    }
}

async fn answering(host: &str, bounds: Bounds) -> SocketAddr {
    let address: SocketAddr = format!("{host}:0").parse().unwrap();
    let mut answering = Answering::bind(address, bounds).await.unwrap();
    let address = answering.address().unwrap();
    tokio::spawn(async move { answering.run(|_| {}).await });
    address
}

fn fine(report: &CallReport) {
    assert_eq!(report.ended, Ended::Completed, "{report:?}");
    assert!(
        report.measurement_faults.is_empty(),
        "{:?} {} ms",
        report.measurement_faults,
        report.late_sending_ms
    );
    assert_eq!((report.code, report.sent), (Some(200), 150));
}

/// R48: class D is measured by test calls as well: both directions, each by itself.
#[tokio::test]
async fn a_clean_call_to_our_own_answering_end_is_known_to_be_clean_both_ways() {
    let address = answering("127.0.73.1", Bounds::default()).await;
    let of = async |codec| {
        let short = Duration::from_millis(1_600);
        (codec, place(&CallPlan { codec, length: short, ..plan(address) }).await)
    };
    let [a, b, c, d, e] = CallCodec::ALL;
    let (a, b, c, d, e) = tokio::join!(of(a), of(b), of(c), of(d), of(e));
    for (codec, report) in [a, b, c, d, e] {
        assert_eq!(report.ended, Ended::Completed, "{codec}: {report:?}");
        assert_eq!((report.out.lost, report.inward.lost), (Some(0), Some(0)), "{codec}: {report:?}");
        assert_eq!(report.out.known_by, Some(KnownBy::Rtcp), "{codec}");
        assert_eq!(report.is_echo, Some(true), "{codec}");
        assert_eq!(report.dscp, Some(46));
        assert!(report.rtt_ms.is_some_and(|rtt| rtt < 50.0), "{:?}", report.rtt_ms);
        let stream = &report.streams[0].quality;
        assert_eq!(stream.payload_bytes as usize, codec.packet_bytes());
        assert_eq!(stream.codec.as_deref(), Some(codec.name()));
        assert!(!report.findings.contains(&"silent".to_owned()), "a tone is no silence");
        assert_eq!(report.out.mos.is_some(), report.inward.mos.is_some(), "{codec}: one model for both ways");
    }
    assert!(place(&CallPlan { length: Duration::from_secs(1), ..plan(address) }).await.out.mos.is_some());
}

#[tokio::test]
async fn what_a_bridge_lost_is_told_for_the_direction_in_which_it_was_lost() {
    let far = answering("127.0.73.2", Bounds::default()).await;
    let (bridge, truth) = start("127.0.73.2", far, Some(Every(21)), Some(Every(50))).await;
    let report = place(&plan(bridge)).await;
    fine(&report);
    let (out, back) = truth.lost();
    assert!(out >= 7 && back >= 2, "{truth:?}");
    assert_eq!((report.out.lost, report.inward.lost), (Some(out), Some(back)), "{report:?}");
    assert_eq!(report.out.known_by, Some(KnownBy::Rtcp));
    assert_eq!(report.inward.known_by, Some(KnownBy::Sequence));
    assert_eq!(report.round_trip.as_ref().map(|trip| trip.lost), Some(out + back));
    assert!(report.out.mos.unwrap().high < 4.35, "loss is heard: {:?}", report.out.mos);
}

#[tokio::test]
async fn without_reports_an_echo_that_numbers_itself_still_tells_the_directions_apart() {
    let far = answering("127.0.73.3", Bounds::default()).await;
    let (bridge, truth) = start("127.0.73.3", far, Some(Every(15)), Some(Every(36))).await;
    truth.reports_pass.store(false, Ordering::SeqCst);
    let report = place(&plan(bridge)).await;
    fine(&report);
    let (out, back) = truth.lost();
    assert_eq!((report.out.lost, report.inward.lost), (Some(out), Some(back)), "{report:?}");
    assert_eq!(report.out.known_by, Some(KnownBy::Echo));
    assert_eq!((report.far_reports, report.rtt_ms), (0, None));
}

fn sipp_echo(address: SocketAddr, mode: &str) -> Sipp {
    let port = free_port(&address.ip().to_string()).port() & !1;
    start_sipp(address, mode, &["-sn", "uas", "-rtp_echo", "-mp", &port.to_string()])
}

/// Calls until sipp is up.
async fn once_up(plan: &CallPlan, sipp: &mut Sipp) -> CallReport {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let report = place(plan).await;
        if !matches!(report.ended, Ended::Unreachable | Ended::Silent) {
            return report;
        }
        assert_eq!(sipp.0.try_wait().unwrap(), None, "sipp ended");
        assert!(Instant::now() < patience, "sipp does not answer: {report:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn sipps_echo_is_called_and_its_clean_voice_known_both_ways_without_any_report() {
    if sipp_is_missing() {
        return;
    }
    let address = free_port("127.0.73.4");
    let mut sipp = sipp_echo(address, "u1");
    let report = once_up(&CallPlan { codec: CallCodec::Pcmu, ..plan(address) }, &mut sipp).await;
    fine(&report);
    assert_eq!(report.is_echo, Some(true), "{report:?}");
    assert_eq!((report.out.lost, report.inward.lost), (Some(0), Some(0)), "{report:?}");
    assert_eq!(report.out.known_by, Some(KnownBy::Echo));
    assert!(report.inward.mos.is_some_and(|mos| mos.high > 4.3));
}

#[tokio::test]
async fn sipp_over_tcp_is_called_like_over_udp() {
    if sipp_is_missing() {
        return;
    }
    let address = free_port("127.0.73.5");
    let mut sipp = sipp_echo(address, "t1");
    let tcp = CallPlan { codec: CallCodec::Pcmu, transport: Transport::Tcp, ..plan(address) };
    let report = once_up(&tcp, &mut sipp).await;
    fine(&report);
    assert_eq!(report.round_trip.map(|trip| trip.lost), Some(0));
}

#[tokio::test]
async fn what_an_echo_with_our_own_numbers_lost_is_of_no_known_direction_and_never_called_healthy() {
    if sipp_is_missing() {
        return;
    }
    let address = free_port("127.0.73.6");
    let mut sipp = sipp_echo(address, "u1");
    let short = CallPlan { codec: CallCodec::Pcmu, length: Duration::from_millis(100), ..plan(address) };
    once_up(&short, &mut sipp).await;
    let (bridge, truth) = start("127.0.73.6", address, Some(Every(25)), Some(Every(30))).await;
    let report = place(&CallPlan { codec: CallCodec::Pcmu, ..plan(bridge) }).await;
    fine(&report);
    let (out, back) = truth.lost();
    for way in [&report.out, &report.inward] {
        assert_eq!((way.known_by, way.lost, way.mos), (None, None, None), "{report:?}");
        assert!(way.not_measured.as_ref().is_some_and(|why| why.contains("keeps our numbers")), "{way:?}");
    }
    assert_eq!(report.round_trip.map(|trip| trip.lost), Some(out + back));
}

#[tokio::test]
async fn sipp_checks_the_password_and_takes_only_the_right_one() {
    if sipp_is_missing() {
        return;
    }
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp/echo_with_password.xml");
    let scenario = scenario.to_str().unwrap();
    let address = free_port("127.0.73.7");
    let port = (free_port("127.0.73.7").port() & !1).to_string();
    let mut sipp = start_sipp(address, "u1", &["-sf", scenario, "-rtp_echo", "-mp", &port]);
    let with = |password: &str| {
        let credentials = Credentials { user: "linesman".to_owned(), password: password.to_owned() };
        CallPlan { credentials: Some(credentials), length: Duration::from_secs(1), ..plan(address) }
    };
    let good = once_up(&with("open sesame"), &mut sipp).await;
    assert_eq!(good.ended, Ended::Completed, "{good:?}");
    assert_eq!((good.provisional, good.is_echo), (Some(180), Some(true)));
    let bad = place(&with("open barley")).await;
    assert_eq!((bad.ended, bad.code), (Ended::Refused, Some(403)), "{bad:?}");
    let without = place(&CallPlan { credentials: None, ..with("") }).await;
    assert_eq!(without.code, Some(401), "{without:?}");
    assert!(without.hint.is_some_and(|hint| hint.contains("--password-file")));
    assert_eq!(without.out.mos, None, "a call that was refused has no quality");
}

#[tokio::test]
async fn where_nobody_answers_the_reason_says_so_and_nothing_is_healthy() {
    let address = free_port("127.0.73.8");
    let report = place(&plan(address)).await;
    assert_eq!(report.ended, Ended::Unreachable, "{report:?}");
    let silent = tokio::net::UdpSocket::bind("127.0.73.8:0").await.unwrap();
    let quick = CallPlan { patience: Duration::from_secs(1), ..plan(silent.local_addr().unwrap()) };
    let report = place(&quick).await;
    assert_eq!(report.ended, Ended::Silent, "{report:?}");
    assert!(report.hint.is_some() && report.out.mos.is_none() && report.inward.mos.is_none());
}

#[tokio::test]
async fn the_answering_end_is_bounded_in_calls_and_in_calls_a_second() {
    let bounds = Bounds { calls: 1, a_second: 3, longest: Duration::from_secs(60) };
    let address = answering("127.0.73.9", bounds).await;
    let long = tokio::spawn(async move { place(&plan(address)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = place(&plan(address)).await;
    assert_eq!(second.code, Some(486), "{second:?}");
    let third = place(&plan(address)).await;
    let fourth = place(&plan(address)).await;
    assert!([third.code, fourth.code].contains(&Some(503)), "{:?} {:?}", third.code, fourth.code);
    fine(&long.await.unwrap());
}
