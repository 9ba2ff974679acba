//! A PostgreSQL server of the test's own: Debian's programs, a directory of its own, loopback
//! only, durable as in production. One server for a test program; it stops with the program,
//! however that ends, because a shell waits for the end of a pipe that only the program holds.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Server {
    port: u16,
    /// Our end of the undertaker's pipe.
    _pipe: ChildStdin,
}

/// The URL of a new, empty database; `None` (with a printed reason) where there is no PostgreSQL.
///
/// # Panics
/// When there is none although LINESMAN_TEST_REQUIRE=all, or when it does not start.
pub async fn new_database() -> Option<String> {
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(start)).await.expect("start");
    let port = server.as_ref()?.port;
    let name = format!("linesman_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let admin = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let mut connection =
        <sqlx::PgConnection as sqlx::Connection>::connect(&admin).await.expect("connect as administrator");
    let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(statement).execute(&mut connection).await.expect("create database");
    Some(format!("postgres://postgres@127.0.0.1:{port}/{name}"))
}

fn start() -> Option<Server> {
    let Some(programs) = programs() else {
        let reason = "skipped: no PostgreSQL server here (Debian: apt install postgresql)";
        assert!(std::env::var("LINESMAN_TEST_REQUIRE").as_deref() != Ok("all"), "{reason}");
        #[allow(clippy::print_stdout, reason = "whoever runs the tests must see what was skipped")]
        {
            println!("{reason}");
        }
        return None;
    };
    let root = std::env::temp_dir().join(format!("linesman-postgres-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(&root).expect("directory of the server");
    if is_root() {
        run(Command::new("chown").arg("postgres:").arg(&root));
    }
    let data = root.join("data");
    let pipe = undertaker(&programs, &root);
    run(as_postgres(&programs.join("initdb"))
        .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(&data));
    for _ in 0..5 {
        let port = free_port();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' \
             -c max_connections=400 -c fsync=on -c shared_buffers=32MB"
        );
        let started = as_postgres(&programs.join("pg_ctl"))
            .args(["start", "-w", "-s", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(root.join("log"))
            .args(["-o", &options])
            .status()
            .expect("pg_ctl");
        if started.success() {
            return Some(Server { port, _pipe: pipe });
        }
    }
    let log = std::fs::read_to_string(root.join("log")).unwrap_or_default();
    panic!("PostgreSQL does not start:\n{log}");
}

/// Stops the server and removes its directory once this program is gone.
fn undertaker(programs: &Path, root: &Path) -> ChildStdin {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "cat >/dev/null; \"$@\" >/dev/null 2>&1; rm -rf \"$0\""])
        .arg(root)
        .args(words_as_postgres(&programs.join("pg_ctl")))
        .args(["stop", "-m", "immediate", "-D"])
        .arg(root.join("data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Whoever interrupts the test program from a terminal interrupts this one's work not.
        .process_group(0);
    shell.spawn().expect("sh").stdin.take().expect("pipe")
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|programs| programs.join("initdb").exists() && programs.join("pg_ctl").exists())
        .collect();
    found.sort();
    found.pop()
}

/// The server refuses to run as root.
fn words_as_postgres(program: &Path) -> Vec<PathBuf> {
    let prefix = if is_root() { &["runuser", "-u", "postgres", "--"][..] } else { &[] };
    prefix.iter().map(PathBuf::from).chain([program.to_owned()]).collect()
}

fn as_postgres(program: &Path) -> Command {
    let words = words_as_postgres(program);
    let mut command = Command::new(&words[0]);
    // `postgres` may not look into the directory that the tests run in.
    command.args(&words[1..]).current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("/proc")) == 0
}

fn run(command: &mut Command) {
    let status = command.status().expect("program");
    assert!(status.success(), "{command:?}: {status}");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}
