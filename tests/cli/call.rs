//! `linesman call` with a daemon that was handed calls: looked up by number, address and time; who sees a number.

use std::path::Path;
use std::time::Duration;

use super::support::daemon::{Daemon, free_port};
use super::support::eventually;
use super::voice_calls::{Call, empty_scene, hand_over, talk};
use super::{ended, folder, json, linesman, run};

/// A debug build beside other tests; calls are over five seconds after their end.
pub(super) const WITHIN: Duration = Duration::from_secs(90);
pub(super) const GATEWAY: &str = "127.0.9.1:5060";
pub(super) const TRUNK: &str = "127.0.9.2:5060";

pub(super) fn network(hep_port: u16) -> String {
    format!(
        "[probes]\ninterval = \"60s\"\n\n[voice]\nhep = [\"127.0.0.1:{hep_port}\"]\n\n\
         [[device]]\nname = \"router-1\"\naddress = \"127.0.9.9\"\n\n\
         [[link]]\nname = \"link-1\"\ncarrier = \"Carrier A\"\nnear = \"router-1\"\nfar_address = \"127.0.9.3\"\n\n\
         [[trunk]]\nname = \"trunk-1\"\ncarrier = \"Carrier A\"\nlink = \"link-1\"\nsip = \"{TRUNK}\"\n\n\
         [[access]]\nname = \"access-1\"\ndevice = \"router-1\"\naddress = \"127.0.9.4\"\n\n\
         [[gateway]]\nname = \"gateway-1\"\nowner = \"customer\"\naccess = \"access-1\"\nsip = \"{GATEWAY}\"\n\n\
         [[customer]]\nname = \"customer-1\"\ngateways = [\"gateway-1\"]\naccess = [\"access-1\"]\n"
    )
}

/// As somebody with this token.
pub(super) fn by(here: &Path, token: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = linesman(here, arguments);
    ended(command.env("LINESMAN_TOKEN", token).output().expect("the program runs"))
}

pub(super) fn token(here: &Path, name: &str, role: &str) -> String {
    let (code, out, said) = run(here, &["token", "create", name, "--role", role]);
    assert_eq!(code, 0, "{said}");
    out.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_looked_up_by_command_and_numbers_are_for_those_who_need_them() {
    let here = folder();
    let (address, hep_port) = (format!("127.0.0.1:{}", free_port()), free_port());
    let daemon = Daemon::start(here.path(), &address, &network(hep_port), &[], None).await.0;
    let here = here.path();
    let (noc, viewer) = (token(here, "nora", "noc"), token(here, "vera", "viewer"));
    let mut scene = empty_scene();
    let (gateway, trunk) = (GATEWAY.parse().expect("an address"), TRUNK.parse().expect("an address"));
    for (number, lose_every) in [(1, 8), (2, 0)] {
        talk(&mut scene, &Call { number, gateway, trunk, name: "asked", lose_every });
    }
    tokio::task::spawn_blocking(move || hand_over(scene, hep_port)).await.expect("handed over");
    eventually("both calls to be kept", WITHIN, async || {
        let (_, out, _) = by(here, &viewer, &["call", "list", "--json"]);
        (json(&out)["calls"].as_array()?.len() == 2).then_some(())
    })
    .await;

    let (code, out, said) = by(here, &viewer, &["call", "list", "--number", "+86 138-0000-0001", "--json"]);
    assert_eq!(code, 0, "{said}");
    let found = json(&out);
    let call = &found["calls"][0];
    assert_eq!(found["calls"].as_array().map(Vec::len), Some(1), "{out}");
    assert_eq!(
        (&call["trunk"], &call["gateway"], &call["bad"]),
        (&"trunk-1".into(), &"gateway-1".into(), &true.into())
    );
    assert!(call["from"].as_str().is_some_and(|from| from.contains("****")), "{out}");
    let id = call["id"].as_str().expect("an id");

    for asked in [
        ["call", "list", "--bad"].as_slice(),
        &["call", "list", "--number", "13800000001", "--address", "127.0.9.2", "--customer", "customer-1"],
        &["call", "list", "--bad", "--trunk", "trunk-1", "--from", "2020-01-01T00:00:00Z"],
    ] {
        let (code, out, _) = by(here, &viewer, asked);
        assert!(code == 0 && out.contains(id) && out.lines().count() == 2, "{asked:?}: {out}");
        for secret in ["13800000001", "8613912345678"] {
            assert!(!out.contains(secret), "{asked:?}: {out}");
        }
    }
    for nothing in
        [["--number", "13800000009"], ["--address", "192.0.2.77"], ["--to", "2020-01-01T00:00:00Z"]]
    {
        let (code, out, _) = by(here, &viewer, &[&["call", "list"], &nothing[..]].concat());
        assert_eq!((code, out.as_str()), (1, "no calls\n"), "{nothing:?}");
    }
    assert_eq!(by(here, &viewer, &["call", "list", "--address", "nowhere"]).0, 1, "no address");

    let (code, masked, _) = by(here, &viewer, &["call", "show", id]);
    assert!(code == 0 && masked.contains("(masked)") && masked.contains("from_trunk"), "{masked}");
    let (code, clear, _) = by(here, &noc, &["call", "show", id]);
    assert!(code == 0 && clear.contains("13800000001") && clear.contains("8613912345678"), "{clear}");
    for secret in ["13800000001", "8613912345678"] {
        assert!(!masked.contains(secret), "{masked}");
    }
    // The part of the way that spoiled it, with the element that it is.
    assert!(masked.contains("spoiled upstream, trunk-1"), "{masked}");
    let (code, _, said) = by(here, &viewer, &["call", "show", "nobody"]);
    assert!(code == 1 && said.contains("nobody"), "{said}");
    assert!(daemon.stop().await.success());
}
