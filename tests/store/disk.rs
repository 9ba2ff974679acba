//! Disks that fail or fill up: nothing acknowledged is lost, and the daemon knows when to stop.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use linesman::clock::ManualClock;
use linesman::store::{StoreError, WriteError};
use linesman::ticket::TicketId;

use crate::fixture::{Daemon, Database, fault, noon, open_action};
use crate::life::{CHILD_NAME, CHILD_URL};

/// Whether a program is there; if not, says what is skipped or fails where nothing may be.
fn has(program: &str) -> bool {
    let found =
        ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].iter().any(|at| Path::new(at).join(program).exists());
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

#[expect(clippy::print_stdout, reason = "whoever runs the tests must see what was skipped")]
fn skip(reason: &str) {
    assert!(std::env::var("LINESMAN_TEST_REQUIRE").as_deref() != Ok("all"), "{reason}");
    println!("skipped: {reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_to_flush_stops_the_daemon_and_loses_nothing() {
    if !has("strace") {
        return;
    }
    for flush in [40, 77, 120] {
        let database = Database::sqlite();
        // Its migrations flush too; those are not what is tried.
        database.open_when_free(Arc::new(ManualClock::at(noon()))).await.close().await;
        let done = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"])
            .arg(format!("inject=fsync,fdatasync:error=EIO:when={flush}+"))
            .arg(std::env::current_exe().expect("this program"))
            .args(["--exact", CHILD_NAME, "--nocapture"])
            .env(CHILD_URL, &database.url)
            .stderr(Stdio::piped())
            .output()
            .expect("strace");
        let output = String::from_utf8_lossy(&done.stdout);
        if output.is_empty() {
            return skip("strace may not trace here");
        }
        assert!(
            !done.status.success(),
            "no commit is believed after the first that failed: it ends by itself"
        );
        let acknowledged: Vec<&str> =
            output.lines().filter_map(|line| line.strip_prefix("acknowledged ")).collect();
        assert!(!acknowledged.is_empty(), "flush {flush} is late enough for some");
        let store = database.open_when_free(Arc::new(ManualClock::at(noon()))).await;
        for id in acknowledged {
            let ticket = store.ticket(&TicketId(id.to_owned())).await.unwrap().expect("not lost");
            assert_eq!(ticket.version, 2);
        }
        let report = store.check().await.unwrap();
        assert_eq!((report.broken_at, report.damage), (None, vec![]));
        store.close().await;
    }
}

/// A small file system in memory, unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "linesman-test"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writing_keeps_reading_and_goes_on_when_there_is_space() {
    let database = Database::sqlite();
    let Some(_disk) = SmallDisk::mount(database.folder.path()) else {
        return skip("a small file system needs root");
    };
    let reserve = database.folder.path().join("reserve");
    std::fs::write(&reserve, vec![1; 1 << 20]).expect("reserve");
    let daemon = Daemon::start(&database).await;
    let mut acknowledged = Vec::new();
    let refused = loop {
        let mut large = fault(&format!("k{}", acknowledged.len()));
        large.affected_customers = (0..500).map(|number| format!("customer-{number}")).collect();
        match daemon.writer.carry_out(1, vec![open_action(large)]).await {
            Ok(opened) => acknowledged.extend(opened),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, WriteError::Store(StoreError::Full { .. })), "{refused:?}");
    assert!(acknowledged.len() > 10);
    for ticket in &acknowledged {
        assert_eq!(daemon.store.ticket(&ticket.id).await.unwrap().as_ref(), Some(ticket));
    }
    assert!(!daemon.hard.is_cancelled(), "a full disk is no reason to stop");
    std::fs::remove_file(&reserve).expect("make space");
    daemon.open("after").await;
    let report = daemon.store.check().await.unwrap();
    let all = i64::try_from(acknowledged.len()).unwrap() + 1;
    assert_eq!((report.events, report.broken_at, report.damage), (all, None, vec![]));
    daemon.stop().await.unwrap();
}
