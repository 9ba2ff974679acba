use std::process::Command;

use super::*;
use crate::observation::Outcome;
use crate::reach::IcmpSettings;
use crate::wire::IcmpSocketKind;

const ROUND: Round = Round { count: 5, spread: Duration::from_millis(50), timeout: Duration::from_secs(5) };

/// Says why a test is skipped, or fails when nothing may be.
fn skip(reason: impl std::fmt::Display) {
    assert_ne!(std::env::var("LINESMAN_TEST_REQUIRE").as_deref(), Ok("all"), "{reason}");
    println!("skipped: {reason}");
}

fn engine(settings: IcmpSettings) -> Option<Arc<IcmpEngine>> {
    match IcmpEngine::new(settings) {
        Ok(engine) => Some(engine),
        Err(error) => {
            skip(error);
            None
        }
    }
}

fn probe(engine: &Arc<IcmpEngine>, address: &str) -> Result<IcmpProbe, ProbeError> {
    IcmpProbe::new(Arc::clone(engine), address.parse().unwrap(), 56)
}

#[tokio::test]
async fn loopback_answers_every_echo() {
    let Some(engine) = engine(IcmpSettings::default()) else { return };
    let measured = probe(&engine, "127.0.0.5").unwrap().measure(ROUND).await;
    assert_eq!(measured.outcome, Outcome::Answered, "{measured:?}");
    assert_eq!((measured.burst.sent, measured.burst.received), (5, 5));
    assert!(measured.burst.rtt.unwrap().min > Rtt::default(), "no delay is zero");
}

#[tokio::test]
async fn ipv6_loopback_answers_or_ipv4_still_does() {
    let Some(engine) = engine(IcmpSettings::default()) else { return };
    match probe(&engine, "::1") {
        Ok(six) => assert_eq!(six.measure(ROUND).await.burst.received, 5),
        Err(error) => skip(error),
    }
    assert_eq!(probe(&engine, "127.0.0.5").unwrap().measure(ROUND).await.burst.received, 5);
}

#[tokio::test]
async fn many_probes_of_one_address_never_take_each_others_answers() {
    let Some(engine) = engine(IcmpSettings::default()) else { return };
    let probes: Vec<IcmpProbe> = (0..20).map(|_| probe(&engine, "127.0.0.6").unwrap()).collect();
    let all = futures_util::future::join_all(probes.iter().map(|probe| probe.measure(ROUND))).await;
    for measured in all {
        assert_eq!((measured.burst.sent, measured.burst.received), (5, 5));
    }
}

#[tokio::test]
async fn losses_by_our_own_full_buffer_void_the_round() {
    // One thread: nothing is received until all are sent, and a few replies fill the buffer.
    let Some(engine) = engine(IcmpSettings { receive_buffer: 2048 }) else { return };
    let round = Round { count: 300, spread: Duration::ZERO, timeout: Duration::from_millis(500) };
    let measured = probe(&engine, "127.0.0.7").unwrap().measure(round).await;
    let Some(Impediment::SocketDrops { drops }) = measured.impediment else { panic!("{measured:?}") };
    assert!(drops > 100, "{drops}");

    let calm = probe(&engine, "127.0.0.7").unwrap();
    // Older drops are no concern of this one; a burst of another test beside it may be.
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        if calm.measure(ROUND).await.outcome == Outcome::Answered {
            return;
        }
    }
    panic!("a calm round is never answered");
}

#[tokio::test]
async fn addresses_that_are_no_single_hosts_are_refused_with_the_field() {
    let Some(engine) = engine(IcmpSettings::default()) else { return };
    for address in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "fe80::1", "ff02::1"] {
        let error = probe(&engine, address).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("address: "), "{address}: {error}");
    }
}

#[test]
fn routers_messages_are_silence_and_redirects_are_neither_loss_nor_answer() {
    assert_eq!(meaning_v4(0), Meaning::EchoReply);
    assert_eq!(meaning_v4(11), Meaning::Lost);
    assert_eq!(meaning_v4(5), Meaning::Notice);
    assert_eq!(meaning_v6(129), Meaning::EchoReply);
    assert_eq!(meaning_v6(2), Meaning::Lost);
    assert_eq!(meaning_v6(137), Meaning::Notice);
}

/// Set in the copy of the test program that runs inside a namespace.
const INSIDE: &str = "LINESMAN_TEST_INSIDE_NAMESPACE";

/// Runs `checks` in a network namespace of its own, after `setup`: `test` starts itself once more there.
fn in_own_namespace(test: &str, setup: &str, checks: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(checks);
    }
    let script = format!("{setup} && exec \"$0\" --exact --nocapture reach::icmp::tests::{test}");
    let output = Command::new("unshare")
        .args(["--net", "sh", "-ec", &script])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, "1")
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return skip(format!("unshare: {error}")),
    };
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if said.contains("Operation not permitted") || said.contains("not found") {
        return skip(said);
    }
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

const VETH: &str = "ip link set lo up && ip link add lm0 type veth peer name lm1 \
    && ip addr add 198.18.0.1/24 dev lm0 && ip link set lm0 up && ip link set lm1 up";

#[test]
fn a_neighbour_that_is_not_there_is_silent() {
    in_own_namespace("a_neighbour_that_is_not_there_is_silent", VETH, async {
        let engine = IcmpEngine::new(IcmpSettings::default()).unwrap();
        let silent = probe(&engine, "198.18.0.9").unwrap();
        let round =
            Round { count: 2, spread: Duration::from_millis(50), timeout: Duration::from_millis(300) };
        assert_eq!(silent.measure(round).await, Measured::silent(2));
        // After three unanswered ARP requests the kernel knows, and says so at once.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(silent.measure(round).await, Measured::silent(2));
        let unroutable = probe(&engine, "203.0.113.1").unwrap().measure(round).await;
        assert_eq!(unroutable, Measured::unmeasured(Impediment::NoRoute));
    });
}

#[test]
fn a_target_behind_our_own_dead_port_is_not_measured() {
    let setup = format!("{VETH} && ip link set lm1 down");
    in_own_namespace("a_target_behind_our_own_dead_port_is_not_measured", &setup, async {
        use crate::probe::{ProbeFactory, ProbeSpec};
        let factory = crate::reach::SocketProbes::default();
        let spec = ProbeSpec::Icmp { address: "198.18.0.9".parse().unwrap(), payload: 56 };
        let round = Round { count: 1, spread: Duration::ZERO, timeout: Duration::from_millis(300) };
        let measured = factory.make(&spec).unwrap().measure(round).await;
        let down = Impediment::InterfaceDown { interface: "lm0".to_owned() };
        assert_eq!(measured, Measured::unmeasured(down));
    });
}

#[test]
fn an_unprivileged_socket_serves_when_the_system_allows_it() {
    in_own_namespace(
        "an_unprivileged_socket_serves_when_the_system_allows_it",
        "ip link set lo up && echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range",
        async {
            let engine = IcmpEngine::new(IcmpSettings { receive_buffer: 2048 }).unwrap();
            let target = "127.0.0.8".parse().unwrap();
            assert_eq!(engine.opened(target).unwrap().kind, IcmpSocketKind::Datagram);
            // The kernel owns the identifier here: answers are told apart by sequence alone.
            let probes: Vec<IcmpProbe> = (0..3).map(|_| probe(&engine, "127.0.0.8").unwrap()).collect();
            // So small a buffer overflows by itself where the machine is busy: one try in a few does not.
            let mut tries = 0;
            loop {
                let all =
                    futures_util::future::join_all(probes.iter().map(|probe| probe.measure(ROUND))).await;
                if all.iter().all(|measured| measured.burst.received == 5) {
                    break;
                }
                tries += 1;
                assert!(tries < 20, "{all:?}");
            }
            // And its drops are seen as well.
            let round = Round { count: 300, spread: Duration::ZERO, timeout: Duration::from_millis(300) };
            let burst = probes[0].measure(round).await;
            assert!(matches!(burst.impediment, Some(Impediment::SocketDrops { .. })), "{burst:?}");
        },
    );
}
