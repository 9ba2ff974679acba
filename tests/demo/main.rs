//! `linesman demo` as a visitor sees it: no root, no configuration, no network, nothing left behind.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod verdicts;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use rustix::process::Signal;

    use crate::support::api::Api;
    use crate::support::eventually;
    use crate::support::process::{Process, program};

    /// The first line with all of these words.
    fn line_with(demo: &Process, words: &[&str]) -> Option<String> {
        demo.said().into_iter().find(|line| words.iter().all(|word| line.contains(word)))
    }

    async fn hears(demo: &mut Process, words: &[&str], within: Duration) -> String {
        eventually(&format!("a line with {words:?}"), within, async || {
            assert!(demo.ended().is_none(), "the demo ended before it said {words:?}");
            line_with(demo, words)
        })
        .await
    }

    #[tokio::test]
    async fn a_visitor_sees_one_ticket_open_and_resolve_by_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let words = [program().into_os_string(), "demo".into()];
        let began = Instant::now();
        let mut demo = Process::spawn(&words, folder.path());
        let door = hears(&mut demo, &["http://127.0.0.1:"], Duration::from_secs(10)).await;
        // One second on an idle machine; a test beside others is given more.
        assert!(began.elapsed() < Duration::from_secs(5), "the address came after {:?}", began.elapsed());
        hears(&mut demo, &["link-1 is cut"], Duration::from_secs(40)).await;
        let opened =
            hears(&mut demo, &["LM-", "is open", "link-1", "/tickets/"], Duration::from_secs(40)).await;
        // The API names the page that the story names: that of the port which was free.
        let page = opened.split_whitespace().last().expect("its address");
        let (base, number) = page.split_once("/tickets/").expect("the page of a ticket");
        let token = door.split('#').nth(1).expect("a token").trim();
        let ticket = Api::new(base, token).get(&format!("/api/v1/tickets/{number}")).await;
        assert_eq!(ticket["url"], page);
        hears(&mut demo, &["link-1 is repaired"], Duration::from_secs(60)).await;
        hears(&mut demo, &["is resolved by measurement"], Duration::from_secs(60)).await;
        let tickets = demo.said().iter().filter(|line| line.contains(" is open")).count();
        assert_eq!(tickets, 1, "one fault, one ticket; the first was: {opened}");

        // A customer behind the cut complains by phone; his ticket goes its own way, to the survey.
        let called = hears(&mut demo, &["customer-3 calls", number], Duration::from_secs(5)).await;
        let surveyed = hears(&mut demo, &["answers the survey"], Duration::from_secs(60)).await;
        let page = surveyed.split_whitespace().last().expect("its address");
        assert!(called.ends_with(page), "{called} | {surveyed}");
        let number = page.rsplit('/').next().expect("its number");
        let api = Api::new(base, token);
        let child = api.get(&format!("/api/v1/tickets/{number}")).await;
        assert_eq!((&child["kind"], &child["state"]), (&"complaint".into(), &"settled".into()), "{child}");
        assert_eq!(child["process"]["parent"], ticket["id"], "the child of the fault's ticket");
        assert_eq!(child["process"]["verification"]["measured"], true, "its own path was measured: {child}");
        let survey = api.get(&format!("/api/v1/tickets/{number}/forms/survey")).await;
        assert_eq!(survey["filed"], 1, "{survey}");
        let clocks = api.get(&format!("/api/v1/tickets/{number}/clocks")).await;
        assert_eq!(clocks["promises"][0]["outcome"], "kept", "{clocks}");

        // Then a wrong bill, something of another class, and something on another side.
        let bill = ["000003", "is open", "North Carrier", "billing increment", "/tickets/"];
        hears(&mut demo, &bill, Duration::from_secs(80)).await;
        for (broken, number) in [("gateway-11", "000004"), ("access-14", "000005")] {
            hears(&mut demo, &[number, "is open", broken, "/tickets/"], Duration::from_secs(80)).await;
            hears(&mut demo, &[number, "is resolved by measurement"], Duration::from_secs(80)).await;
        }
        hears(&mut demo, &["000003", "the latest comparison agrees"], Duration::from_secs(80)).await;
        hears(&mut demo, &["Ctrl-C ends them"], Duration::from_secs(10)).await;
        let tickets = demo.said().iter().filter(|line| line.contains(" is open")).count();
        assert_eq!(tickets, 4, "three faults and a bill, four tickets");
        assert!(demo.stop(Signal::INT).await.success());
    }

    /// Two at once, each on a signal of its own, in a folder where nothing may be written, without
    /// a home: a temporary folder is all that a demo needs, and it is gone with it.
    #[tokio::test]
    async fn demos_live_side_by_side_and_leave_nothing_behind_whatever_ends_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let empty = || std::fs::read_dir(folder.path()).expect("the folder").count() == 0;
        let temporary = format!("TMPDIR={}", folder.path().display());
        let words: Vec<_> = ["env", "-u", "HOME", &temporary].map(Into::into).to_vec();
        let words = [words, vec![program().into_os_string(), "demo".into()]].concat();
        for signals in [[Signal::INT, Signal::TERM], [Signal::HUP, Signal::TERM]] {
            let mut demos = signals.map(|_| Process::spawn(&words, Path::new("/proc")));
            for demo in &mut demos {
                hears(demo, &["/login#"], Duration::from_secs(15)).await;
            }
            assert!(!empty(), "the databases lie there");
            for (demo, signal) in demos.iter_mut().zip(signals) {
                assert!(demo.stop(signal).await.success(), "{signal:?}");
            }
            assert!(empty(), "something is left behind by {signals:?}");
        }
    }
}
