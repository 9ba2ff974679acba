//! `linesman ticket files`: what is on a ticket, saved into a folder by who may, refused to who may not.

use std::sync::Arc;

use chrono::TimeDelta;
use linesman::clock::{SharedClock, SystemClock};
use linesman::privacy::keyfile;
use linesman::store::{Attachment, Store};

use super::call::{by, token};
use super::support::daemon::{Daemon, free_port};
use super::{complaint, folder, json};

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_ticket_are_listed_for_all_and_saved_by_those_who_may_read_them() {
    let here = folder();
    let here = here.path();
    let address = format!("127.0.0.1:{}", free_port());
    let (daemon, api) = Daemon::start(here, &address, "", &[], None).await;
    std::fs::write(here.join("token"), api.token()).expect("written");
    let number = complaint(here, &address, "crackling")["number"].as_str().expect("a number").to_owned();
    let (noc, viewer) = (token(here, "nora", "noc"), token(here, "vera", "viewer"));
    let (code, out, _) = by(here, &viewer, &["ticket", "files", &number]);
    assert_eq!((code, out.as_str()), (1, "no files\n"));

    // As the worker puts them there: sealed with the daemon's own keys. One program alone has the database.
    assert!(daemon.stop().await.success());
    let clock: SharedClock = Arc::new(SystemClock);
    let url = format!("sqlite:{}", here.join("linesman.db").display());
    let store = Store::open(&url, clock.clone()).await.expect("the database");
    let keys = keyfile::read(&keyfile::key_file_beside(&url)).expect("the daemon made them");
    store.use_keys(keys).await.expect("its own keys");
    let ticket =
        store.ticket_by_number(number.parse().expect("a number")).await.expect("read").expect("there");
    let contents: [Vec<u8>; 2] = [(0..=255).collect(), b"not text: \xff\x00\x0d\x0a".to_vec()];
    let mut files = Vec::new();
    for (place, (call, content)) in ["5f0c1d2e", "5f0c1d2f"].into_iter().zip(&contents).enumerate() {
        let at = clock.now_utc() + TimeDelta::seconds(place as i64);
        let mut file = Attachment::new(&ticket.id, call, content, at);
        (file.packets, file.has_payload) = (7 + place as u64, place == 1);
        assert!(store.attach(&ticket.id, &file, content, 3).await.expect("kept"));
        files.push(file);
    }

    store.close().await;
    let (daemon, _) = Daemon::start(here, &address, "", &[], Some(api.token())).await;

    let (code, out, said) = by(here, &viewer, &["ticket", "files", &number]);
    assert_eq!(code, 0, "{said}");
    let rows: Vec<&str> = out.lines().collect();
    assert_eq!(rows.len(), 3, "a head and two rows: {out}");
    for (row, told) in [
        (rows[1], ["call-5f0c1d2e.pcap", " 7 ", " 256 ", "linesman", "headers"]),
        (rows[2], ["call-5f0c1d2f.pcap", " 8 ", " 14 ", "linesman", "headers and voice"]),
    ] {
        told.iter().for_each(|word| assert!(row.contains(word), "{word} in {row}"));
    }
    let listed = json(&by(here, &viewer, &["ticket", "files", &number, "--json"]).1);
    assert_eq!(listed["attachments"][1]["sha256"], files[1].sha256.as_str(), "{listed}");

    let saved = here.join("saved");
    std::fs::create_dir(&saved).expect("made");
    let save = ["ticket", "files", &number, "--save", "saved"];
    let names = || std::fs::read_dir(&saved).expect("there").count();
    let (code, out, said) = by(here, &viewer, &save);
    assert_eq!((code, out.as_str(), names()), (4, "", 0), "{said}");
    assert!(said.contains("refused (403)") && said.contains("noc"), "{said}");
    let (code, out, said) = by(here, &noc, &save);
    assert!(code == 0 && out.contains("call-5f0c1d2e.pcap"), "{out}{said}");
    for (file, content) in files.iter().zip(&contents) {
        assert_eq!(&std::fs::read(saved.join(&file.name)).expect("saved"), content);
    }
    // What is there is nobody's to overwrite.
    std::fs::write(saved.join(&files[0].name), b"mine").expect("written");
    let (code, _, said) = by(here, &noc, &save);
    assert!(code != 0 && said.contains("call-5f0c1d2e.pcap"), "{said}");
    assert_eq!(std::fs::read(saved.join(&files[0].name)).expect("there"), b"mine");
    let (code, _, said) = by(here, &noc, &["ticket", "files", &number, "--save", "nowhere"]);
    assert!(code != 0 && said.contains("nowhere"), "{said}");

    let (code, out, said) = by(here, "lm_nobody", &["ticket", "files", &number]);
    assert_eq!((code, out.as_str()), (4, ""), "{said}");
    let (code, _, said) = by(here, &viewer, &["ticket", "files", "LM-2026-999999"]);
    assert!(code == 1 && said.contains("LM-2026-999999"), "{said}");
    assert!(daemon.stop().await.success());
    let (code, _, said) = by(here, &viewer, &["ticket", "files", &number]);
    assert_eq!(code, 5, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r91_r103_a_recorded_call_is_put_on_a_ticket_by_command_and_found_there_whole() {
    let here = folder();
    let here = here.path();
    let address = format!("127.0.0.1:{}", free_port());
    let (daemon, api) = Daemon::start(here, &address, "", &[], None).await;
    std::fs::write(here.join("token"), api.token()).expect("written");
    let number = complaint(here, &address, "crackling")["number"].as_str().expect("a number").to_owned();
    let (agent, viewer) = (token(here, "lin", "agent"), token(here, "vera", "viewer"));
    let noc = token(here, "nora", "noc");
    let mut call = b"RIFF\x24\0\0\0WAVEfmt ".to_vec();
    call.extend((0..20_000_u32).map(|place| place.wrapping_mul(0x9E37_79B1) as u8));
    std::fs::write(here.join("call.wav"), &call).expect("written");
    let attach = ["ticket", "attach", &number, "call.wav", "--kind", "recorded_call"];
    let (code, _, said) = by(here, &viewer, &attach);
    assert!(code == 4 && said.contains("agent"), "{said}");
    let (code, _, said) = by(here, &agent, &["ticket", "attach", &number, "call.wav", "--kind", "signature"]);
    assert!(code == 1 && said.contains("refused (422)") && said.contains("PNG"), "{said}");
    let (code, _, said) = by(here, &agent, &["ticket", "attach", &number, "none.wav", "--kind", "signature"]);
    assert!(code != 0 && said.contains("none.wav"), "{said}");
    let (code, out, said) = by(here, &agent, &attach);
    assert!(code == 0 && out.contains("recorded-call-") && out.contains("SHA-256 "), "{out}{said}");
    let (code, _, said) = by(here, &agent, &attach);
    assert!(code == 1 && said.contains("already"), "{said}");
    let (_, out, _) = by(here, &viewer, &["ticket", "files", &number]);
    let row: Vec<&str> = out.lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!(row[1..5], ["-", "-", "-", "-"], "no packets of what was not captured: {out}");
    assert!(out.contains("recorded call") && out.contains(" lin "), "{out}");
    std::fs::create_dir(here.join("saved")).expect("made");
    let (code, _, said) = by(here, &noc, &["ticket", "files", &number, "--save", "saved"]);
    assert_eq!(code, 0, "{said}");
    let saved =
        std::fs::read_dir(here.join("saved")).expect("there").next().expect("a file").expect("a file");
    assert_eq!(std::fs::read(saved.path()).expect("read"), call);
    assert!(daemon.stop().await.success());
}
