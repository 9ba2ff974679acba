//! Trunks without any traffic: test calls give them a value, bad ones open one ticket of class D for the trunk that spoils
//! them, and none for its neighbour on the same line.

use std::net::SocketAddr;
use std::time::Duration;

use linesman_probes::sip::call::{Answering, Bounds};
use reqwest::Method;

use crate::relay::{Every, start};
use crate::support::daemon::{Daemon, free_port};
use crate::support::eventually;

/// Two calls and the settling of the fault, of a debug build beside other tests.
const WITHIN: Duration = Duration::from_secs(240);

async fn answering() -> SocketAddr {
    let mut answering = Answering::bind("127.0.74.1:0".parse().expect("an address"), Bounds::default())
        .await
        .expect("loopback takes sockets");
    let address = answering.address().expect("it is bound");
    #[allow(clippy::disallowed_methods, reason = "the runtime of the test owns it")]
    tokio::spawn(async move { answering.run(|_| {}).await });
    address
}

/// R48, R24: what is confirmed by calls of our own is confirmed before anybody complains.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r24_r48_bad_test_calls_of_a_trunk_without_traffic_open_its_ticket_and_good_ones_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("127.0.0.1:{}", free_port());
    let far_end = std::net::TcpListener::bind("127.0.74.1:0").expect("the far end of the line");
    let good = answering().await;
    let (bad, truth) = start("127.0.74.1", answering().await, Some(Every(9)), Some(Every(40))).await;
    let network = format!(
        "[tickets]\nsettle = \"1s\"\n[voice]\nminimum_calls = 2\n\
         [[server]]\nname = \"sbc-1\"\ntcp = \"{far}\"\n\
         [[link]]\nname = \"link-1\"\nnear = \"sbc-1\"\ncarrier = \"Carrier A\"\nfar_tcp = \"{far}\"\n\
         [[trunk]]\nname = \"trunk-1\"\nlink = \"link-1\"\ncarrier = \"Carrier A\"\n\
         [[trunk]]\nname = \"trunk-2\"\nlink = \"link-1\"\ncarrier = \"Carrier A\"\n\
         [[test_call]]\nelement = \"trunk-1\"\nto = \"sip:600@{bad}\"\ninterval = \"30s\"\nduration = \"3s\"\ntimeout = \"5s\"\n\
         [[test_call]]\nelement = \"trunk-2\"\nto = \"sip:600@{good}\"\ninterval = \"30s\"\nduration = \"3s\"\ntimeout = \"5s\"\n",
        far = far_end.local_addr().expect("it is bound"),
    );
    let (daemon, api) = Daemon::start(folder.path(), &address, &network, &[], None).await;

    let target = eventually("both trunks were called", WITHIN, async || {
        let targets = api.targets().await;
        let called = |name: &str| {
            targets.iter().find(|target| target["name"] == name && target["last"].is_object()).cloned()
        };
        called("trunk-2/call").and(called("trunk-1/call"))
    })
    .await;
    assert_eq!(target["last"]["code"], 200, "{target}");
    let detail = &target["last"]["detail"];
    assert_eq!(
        (&detail["ended"], &detail["out"]["known_by"]),
        (&"completed".into(), &"rtcp".into()),
        "{target}"
    );

    let ticket = eventually("a ticket about trunk-1", WITHIN, async || {
        api.tickets().await.into_iter().find(|ticket| ticket["segment"] == "trunk-1")
    })
    .await;
    assert_eq!((&ticket["class"], &ticket["cause"]), (&"D".into(), &"landing-trunk".into()), "{ticket}");
    assert!(truth.lost().0 > 0, "the bridge did lose packets");
    assert_eq!(api.tickets().await.len(), 1, "none for the trunk whose calls are good");

    let number = ticket["number"].as_str().expect("a number").to_owned();
    let told = api.get(&format!("/api/v1/tickets/{number}/explain")).await.to_string();
    assert!(told.contains("test calls of our own"), "{told}");

    let answer = api.send(Method::GET, "/metrics", None, None).await.expect("an answer");
    let metrics = answer.text().await.expect("text");
    for series in [
        "linesman_test_calls_total{ended=\"completed\",target=\"trunk-1/call\"}",
        "linesman_test_call_loss_ratio_count{direction=\"out\",target=\"trunk-2/call\"}",
        "linesman_test_call_mos_count{bound=\"high\",direction=\"in\",target=\"trunk-1/call\"}",
        "linesman_probe_success{probe=\"call\"",
    ] {
        assert!(metrics.contains(series), "{series}");
    }
    drop(daemon);
}
