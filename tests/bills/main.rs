//! Bills from upload to settled ticket: the real daemon, the real comparison, a death in between.

#[cfg(test)]
mod heard;
#[cfg(test)]
#[path = "../support/postgres.rs"]
mod postgres_server;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
#[path = "../support/voice_calls.rs"]
#[allow(dead_code, reason = "its calls are of one kind")]
mod voice_calls;

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use reqwest::Method;
    use serde_json::Value;

    use crate::support::api::Api;
    use crate::support::daemon::{Daemon, free_port, settings_in};
    use crate::support::eventually;
    use crate::support::process::program;

    /// A debug build beside other tests.
    const WITHIN: Duration = Duration::from_secs(180);
    const RATES: &str = "prefix,destination,rate_per_min,initial_sec,increment_sec,connect_fee,currency\n\
        8613,China Mobile,0.60,6,6,0,USD\n";
    const BOUNDARY: &str = "----linesman-bills";

    /// 240 calls of October, charged in blocks of so many seconds at a cent a second.
    fn bill(block: u32) -> String {
        let mut text =
            "call_id,caller,callee,start_time,answer_time,end_time,duration,amount,currency\n".to_owned();
        let begin = chrono::DateTime::parse_from_rfc3339("2026-10-01T01:00:00Z").expect("a time");
        for call in 0..240_u32 {
            let talk = call * 37 % 170 + 5;
            let start = begin + chrono::TimeDelta::hours(i64::from(call) * 3);
            let answer = start + chrono::TimeDelta::seconds(4);
            let end = answer + chrono::TimeDelta::seconds(i64::from(talk));
            let cents = talk.div_ceil(block) * block;
            let at =
                |time: chrono::DateTime<chrono::FixedOffset>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            let _ = writeln!(
                text,
                "c{call},4930{:06},8613{:08},{},{},{},{talk},{}.{:02},USD",
                call * 7,
                call * 991,
                at(start),
                at(answer),
                at(end),
                cents / 100,
                cents % 100
            );
        }
        text
    }

    struct Uploads {
        client: reqwest::Client,
        base: String,
        token: String,
    }

    impl Uploads {
        fn new(address: &str, token: &str) -> Self {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().no_proxy().build().expect("a client");
            Self { client, base: format!("http://{address}"), token: token.to_owned() }
        }

        async fn send(&self, party: &str, theirs: &str) -> (u16, Value) {
            let mut body = String::new();
            for (name, file, content) in [
                ("party", "", party),
                ("ours", "; filename=\"ours.csv\"", bill(6).as_str()),
                ("theirs", "; filename=\"theirs.csv\"", theirs),
                ("rates", "; filename=\"rates.csv\"", RATES),
            ] {
                let _ = write!(
                    body,
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
                );
            }
            let _ = write!(body, "--{BOUNDARY}--\r\n");
            let answer = self
                .client
                .post(format!("{}/api/v1/reconciliations", self.base))
                .bearer_auth(&self.token)
                .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
                .body(body)
                .send()
                .await
                .expect("an answer");
            (answer.status().as_u16(), answer.json().await.expect("JSON"))
        }
    }

    async fn over(api: &Api, id: &str) -> Value {
        eventually("the run to be over and planned", WITHIN, async || {
            let run = api.get(&format!("/api/v1/reconciliations/{id}")).await;
            ["done", "failed"].iter().any(|status| run["status"] == *status).then_some(run)
        })
        .await
    }

    async fn bill_ticket(api: &Api, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(what, WITHIN, async || {
            api.tickets().await.into_iter().find(|ticket| ticket["class"] == "A" && fits(ticket))
        })
        .await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_acknowledged_bill_outlives_a_kill_opens_its_ticket_and_a_person_settles_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = format!("127.0.0.1:{}", free_port());
        let settings = settings_in(folder.path(), &address, "");
        let (daemon, api) = Daemon::start_as(folder.path(), &address, &settings, &[], None).await;
        let token = api.token().to_owned();
        let (status, first) = Uploads::new(&address, &token).send("Acme", &bill(60)).await;
        daemon.kill();
        assert_eq!(status, 202, "{first}");
        let id = first["id"].as_str().expect("an id").to_owned();

        let (daemon, api) = Daemon::start_as(folder.path(), &address, &settings, &[], Some(&token)).await;
        let uploads = Uploads::new(&address, &token);
        let run = over(&api, &id).await;
        assert_eq!((&run["status"], &run["error"]), (&"done".into(), &Value::Null), "{run}");
        assert_eq!(run["period"], "2026-10");
        let opened = bill_ticket(&api, "a ticket of the bill", |_| true).await;
        assert_eq!((&opened["cause"], &opened["side"]), (&"increment".into(), &"theirs".into()), "{opened}");
        assert_eq!(opened["key"], "A:acme:2026-10");
        let billing = &opened["fault"]["billing"];
        assert_eq!(billing["totals"]["difference"], run["answer"]["outcome"]["totals"]["difference"]);
        assert_eq!(billing["dimensions"].as_array().map(Vec::len), Some(5));
        assert!(billing["example"].as_array().is_some_and(|steps| !steps.is_empty()), "{billing}");
        let number = opened["number"].as_str().expect("a number").to_owned();
        let files = run["answer"]["files"].as_array().expect("files");
        assert!(files.iter().any(|file| file["name"] == "zh-CN/report.html"), "{files:?}");
        for file in files {
            let path =
                format!("/api/v1/reconciliations/{id}/files/{}", file["name"].as_str().expect("a name"));
            let answer = api.send(Method::GET, &path, None, None).await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200, "{path}");
            let bytes = answer.bytes().await.expect("a body").len() as u64;
            assert_eq!(Some(bytes), file["bytes"].as_u64(), "{path}");
        }

        let (status, again) = uploads.send("acme", &bill(60)).await;
        assert_eq!((status, &again["id"]), (200, &Value::String(id.clone())), "the same files are one run");

        let (_, corrected) = uploads.send("Acme", &bill(6)).await;
        over(&api, corrected["id"].as_str().expect("an id")).await;
        let proposed = bill_ticket(&api, "a proposal", |ticket| ticket["proposal"].is_object()).await;
        assert_eq!((&proposed["state"], &proposed["number"]), (&"verifying".into(), &number.clone().into()));
        let note = serde_json::json!({"note": "credit note 17"});
        let path = format!("/api/v1/tickets/{number}/settle");
        let settled = api.send(Method::POST, &path, Some("*"), Some(&note)).await.expect("an answer");
        assert_eq!(settled.status().as_u16(), 200);
        let over = |ticket: &Value| ["resolved", "settled"].iter().any(|state| ticket["state"] == *state);
        bill_ticket(&api, "the ticket settled", over).await;
        assert_eq!(api.tickets().await.iter().filter(|ticket| ticket["class"] == "A").count(), 1);
        assert!(daemon.stop().await.success());
    }

    fn drop_files(place: &Path, theirs: &str) {
        std::fs::create_dir_all(place).expect("a folder");
        for (name, content) in [("ours.csv", bill(6).as_str()), ("theirs.csv", theirs), ("rates.csv", RATES)]
        {
            std::fs::write(place.join(name), content).expect("a file");
        }
    }

    /// The only folder within a folder, once it is there and the files before it are gone.
    async fn put_away(place: PathBuf) -> PathBuf {
        eventually("the files to be put away", WITHIN, async || {
            let waits = place.parent().is_some_and(|party| party.join("rates.csv").exists());
            let entry = std::fs::read_dir(&place).ok()?.next()?.ok()?;
            (!waits).then(|| entry.path())
        })
        .await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn bills_in_the_watched_folder_are_compared_and_put_away_with_a_reason_if_they_cannot_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let drop = folder.path().join("drop");
        let address = format!("127.0.0.1:{}", free_port());
        let billing = format!("[billing]\nfolder = \"{}\"\n", drop.display());
        drop_files(&drop.join("Beta"), &bill(60));
        drop_files(&drop.join("Gamma"), "this is no bill at all\n");
        let settings = settings_in(folder.path(), &address, &billing);
        let (daemon, api) = Daemon::start_as(folder.path(), &address, &settings, &[], None).await;
        let done = put_away(drop.join("Beta").join("done")).await;
        assert!(["ours.csv", "theirs.csv", "rates.csv"].iter().all(|name| done.join(name).exists()));
        let ticket = bill_ticket(&api, "a ticket of the bill", |_| true).await;
        assert_eq!((&ticket["segment"], &ticket["side"]), (&"Beta".into(), &"theirs".into()));
        let failed = put_away(drop.join("Gamma").join("failed")).await;
        let reason = std::fs::read_to_string(failed.join("reason.txt")).expect("a reason");
        assert!(failed.join("theirs.csv").exists());
        assert!(reason.contains("no table found") && reason.contains("没有找到话单表格"), "{reason}");
        assert!(!reason.contains("/inputs/"), "folders of ours are nobody's business: {reason}");
        assert!(daemon.stop().await.success());
    }

    /// `linesman cdr submit` in a folder with the three files: exit code, output, errors.
    async fn submitted(folder: &Path, token: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let words = ["cdr", "submit", "--ours", "ours.csv", "--theirs", "theirs.csv", "--rates", "rates.csv"];
        let output = tokio::process::Command::new(program())
            .args(words)
            .args(more)
            .current_dir(folder)
            .env("LINESMAN_TOKEN", token)
            .output()
            .await
            .expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_command_hands_bills_over_waits_for_the_answer_and_ends_as_the_comparison_did() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path();
        let address = format!("127.0.0.1:{}", free_port());
        let settings = settings_in(here, &address, "");
        let (daemon, api) = Daemon::start_as(here, &address, &settings, &[], None).await;
        let (server, token) = (format!("http://{address}/"), api.token().to_owned());
        drop_files(here, &bill(60));
        let acme = ["--party", "Acme", "--server", server.as_str()];
        let with =
            |more: &[&'static str]| acme.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();

        let (code, out, said) = submitted(here, &token, &with(&["--json", "--wait"])).await;
        assert_eq!(code, Some(1), "they differ: {said}");
        let run: Value = serde_json::from_str(&out).expect("one JSON document");
        assert_eq!(
            (&run["status"], &run["party"], &run["period"]),
            (&"done".into(), &"Acme".into(), &"2026-10".into())
        );
        assert_eq!(run["answer"]["outcome"]["verdict"], "theirs");
        let ticket = bill_ticket(&api, "a ticket of the bill", |_| true).await;
        let number = ticket["number"].as_str().expect("a number");
        let (code, out, _) = submitted(here, &token, &with(&["--lang", "zh-CN"])).await;
        assert_eq!(code, Some(1), "the same files are the same run, with its answer");
        assert!(["责任方：对方账单", number, "2026-10"].iter().all(|word| out.contains(word)), "{out}");

        // An answer for two days is none for the month: it is of another period, with a ticket of its own.
        let days = ["--from", "2026-10-05", "--to", "2026-10-07", "--wait", "--json"];
        let (code, out, said) = submitted(here, &token, &with(&days)).await;
        assert_eq!(code, Some(1), "{said}");
        let run: Value = serde_json::from_str(&out).expect("one JSON document");
        assert_eq!(run["period"], "2026-10-05/2026-10-06");
        let counts = &run["answer"]["outcome"]["counts"];
        let count = |name: &str| counts[name].as_u64().unwrap_or(0);
        assert!(count("ours") > 0 && count("ours") + count("outside_ours") == 240, "{counts}");
        let of_month = bill_ticket(&api, "the month's", |ticket| ticket["number"] == number).await;
        assert_eq!(of_month["key"], "A:acme:2026-10");
        let of_days = |ticket: &Value| ticket["key"] == "A:acme:2026-10-05/2026-10-06";
        bill_ticket(&api, "a ticket of the two days", of_days).await;
        let (code, _, said) = submitted(here, &token, &with(&["--from", "yesterday"])).await;
        assert_eq!(code, Some(2), "{said}");

        drop_files(here, &bill(6));
        let (code, out, said) = submitted(here, &token, &with(&["--wait", "--theirs-zone", "UTC"])).await;
        assert_eq!(code, Some(0), "{out}{said}");
        assert!(out.contains("neither bill") && out.contains("/reconciliations/"), "{out}");

        let (code, _, said) = submitted(here, &token, &with(&["--theirs-format", "no/such.toml"])).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("theirs-format") && said.contains("linesman cdr presets"), "{said}");
        let (code, _, said) = submitted(here, "lm_wrong", &acme).await;
        assert_eq!(code, Some(4), "{said}");
        let (code, _, said) = submitted(here, &token, &with(&["--contract", "none.toml"])).await;
        assert_eq!(code, Some(2), "{said}");
        assert!(daemon.stop().await.success());
        let (code, _, said) = submitted(here, &token, &acme).await;
        assert_eq!(code, Some(5), "{said}");
    }
}
