//! The SIP probe against sipp, a peer that we did not write.
//!
//! Skipped with a printed reason when sipp is missing (`apt install sip-tester`); with
//! `LINESMAN_TEST_REQUIRE=all` that is a failure instead.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test: what fails here is to fail loudly")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use linesman_probes::observation::{Detail, Measured, Outcome};
use linesman_probes::probe::{Probe, ProbeSpec, Round, Transport};
use linesman_probes::sip::{RegistrationState, SipProbe, registration_state};
use support::{Sipp, free_port, sipp_is_missing, start_sipp};

/// Asks until sipp is up, which refuses (or, half started, keeps silent) until then.
async fn once_answered(probe: &SipProbe, sipp: &mut Sipp) -> Measured {
    let round = Round { count: 2, spread: Duration::from_millis(40), timeout: Duration::from_secs(2) };
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let measured = probe.measure(round).await;
        if measured.outcome == Outcome::Answered && measured.burst.received == 2 {
            return measured;
        }
        assert_eq!(sipp.0.try_wait().unwrap(), None, "sipp ended");
        assert!(Instant::now() < patience, "sipp does not answer: {measured:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn sipp_answers(transport: Transport, mode: &str, host: &str) {
    if sipp_is_missing() {
        return;
    }
    let address = free_port(host);
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp/options_uas.xml");
    let mut sipp = start_sipp(address, mode, &["-sf", scenario.to_str().unwrap()]);
    let peer = SipProbe::new(&ProbeSpec::Sip { address, transport, uri: None }).unwrap();
    let measured = once_answered(&peer, &mut sipp).await;
    assert_eq!(measured.detail, Detail::Sip { code: 200, reason: "OK".to_owned() });
    assert_eq!((measured.burst.sent, measured.burst.duplicates), (2, 0));
    assert!(measured.burst.rtt.is_some_and(|rtt| rtt.min.nanos() > 0 && rtt.max.seconds() < 2.0));

    let aor = "sip:1001@example.net".to_owned();
    let bound = SipProbe::new(&ProbeSpec::Registration { registrar: address, transport, aor }).unwrap();
    let Detail::Sip { code, .. } = once_answered(&bound, &mut sipp).await.detail else {
        panic!("an answer without a code")
    };
    assert_eq!(registration_state(code), RegistrationState::Registered);
}

#[tokio::test]
async fn sipp_answers_options_over_udp() {
    sipp_answers(Transport::Udp, "u1", "127.0.72.1").await;
}

#[tokio::test]
async fn sipp_answers_options_over_tcp() {
    sipp_answers(Transport::Tcp, "t1", "127.0.72.2").await;
}
