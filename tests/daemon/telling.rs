//! `linesman notify` against a daemon and a receiver: a real message, what was answered, what was given up.

use std::path::Path;
use std::process::{Command, Output};

use crate::receivers::{Http, Reply};
use crate::support::daemon::{Daemon, free_port, settings_in};
use crate::support::process::program;

fn notify(folder: &Path, token: &str, words: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.arg("notify").args(words).arg("--config").arg(folder.join("linesman.toml"));
    command.env("LINESMAN_TOKEN", token).output().expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_sends_a_real_message_and_says_what_the_receiver_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let http = Http::start(Reply::Http(200, &[], "ok")).await;
    http.answer([Reply::Http(200, &[], "noted"), Reply::Http(404, &[], "no such hook")]);
    let address = format!("127.0.0.1:{}", free_port());
    let network = format!(
        "[[notify]]\nname = \"noc\"\nkind = \"slack\"\nurl = \"{}/services/secret-key\"\nlanguage = \"zh\"\n",
        http.url
    );
    let settings = settings_in(folder.path(), &address, &network);
    let (daemon, api) = Daemon::start_as(folder.path(), &address, &settings, &[], None).await;
    let (folder, token) = (folder.path().to_owned(), api.token().to_owned());
    let ran = tokio::task::spawn_blocking(move || {
        let run = |words: &[&str]| notify(&folder, &token, words);
        let words: [&[&str]; 7] = [
            &["list"],
            &["test", "noc"],
            &["test", "noc", "--json"],
            &["test", "nobody"],
            &["dead"],
            &["retry", "noc"],
            &["list", "--json"],
        ];
        let ran: Vec<Output> = words.iter().map(|words| run(words)).collect();
        let shown = Command::new(program())
            .args(["config", "show", "--config"])
            .arg(folder.join("linesman.toml"))
            .output();
        (ran, shown.expect("the program runs"))
    });
    let (ran, shown) = ran.await.expect("no panic");
    let told: Vec<(Option<i32>, String)> =
        ran.iter().map(|output| (output.status.code(), said(output))).collect();
    assert_eq!(told[0].0, Some(0));
    assert!(
        told[0].1.contains("noc") && told[0].1.contains("slack") && !told[0].1.contains("secret-key"),
        "{}",
        told[0].1
    );
    assert_eq!(told[1], (Some(0), "noc: delivered; the receiver said: 200 noted\n".to_owned()));
    let document: serde_json::Value = serde_json::from_slice(&ran[2].stdout).expect("JSON");
    assert_eq!((ran[2].status.code(), &document["answer"]), (Some(1), &"404 no such hook".into()));
    assert_eq!(told[3].0, Some(1));
    assert!(told[3].1.contains("There is no channel nobody"), "{}", told[3].1);
    assert_eq!(told[4], (Some(0), "nothing was given up\n".to_owned()));
    assert_eq!(told[5], (Some(0), "0 tried again\n".to_owned()));
    let document: serde_json::Value = serde_json::from_slice(&ran[6].stdout).expect("JSON");
    assert_eq!(document["channels"][0]["waiting"], 0);
    let got = http.got();
    assert_eq!((got.len(), got[0].path.as_str()), (2, "/services/secret-key"));
    assert!(
        got[0].json()["text"].as_str().is_some_and(|words| words.contains("测试通知")),
        "{:?}",
        got[0].json()
    );
    let shown = said(&shown);
    assert!(shown.contains("[[notify]]") && !shown.contains("secret-key"), "{shown}");
    assert!(daemon.stop().await.success());
}
