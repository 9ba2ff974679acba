//! `linesman demo` as a visitor sees it: no root, no configuration, no network, nothing left behind.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod verdicts;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use rustix::process::Signal;

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
        hears(&mut demo, &["http://127.0.0.1:"], Duration::from_secs(10)).await;
        // One second on an idle machine; a test beside others is given more.
        assert!(began.elapsed() < Duration::from_secs(5), "the address came after {:?}", began.elapsed());
        hears(&mut demo, &["link-1 is cut"], Duration::from_secs(40)).await;
        let opened =
            hears(&mut demo, &["LM-", "is open", "link-1", "/tickets/"], Duration::from_secs(40)).await;
        hears(&mut demo, &["link-1 is repaired"], Duration::from_secs(60)).await;
        hears(&mut demo, &["is resolved by measurement"], Duration::from_secs(60)).await;
        let tickets = demo.said().iter().filter(|line| line.contains(" is open")).count();
        assert_eq!(tickets, 1, "one fault, one ticket; the first was: {opened}");

        assert!(demo.stop(Signal::INT).await.success());
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}
