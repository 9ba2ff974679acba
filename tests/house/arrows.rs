//! Which room may not know which, and why.

use super::source::{SourceFile, files_under, used_paths};

/// A room, the paths it must not name, and the reason.
struct Rule {
    room: &'static str,
    forbidden: &'static [&'static str],
    because: &'static str,
}

const OUTSIDE: &[&str] = &["crate::http", "crate::workers", "crate::app", "crate::cli", "crate::sim"];

const IMPURE: &[&str] = &[
    "tokio",
    "sqlx",
    "axum",
    "prometheus",
    "reqwest",
    "getrandom",
    "futures_util",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "chrono::Local",
    "Utc::now",
    "Timestamp::now",
    "Zoned::now",
];

/// Rooms of the main package with a clock, a database or a state; a package of its own may have a room of
/// the same name.
const EFFECTS: &[&str] = &["crate::clock", "crate::store", "crate::metrics", "crate::live"];

const RULES: &[Rule] = &[
    Rule { room: "src/inventory", forbidden: IMPURE, because: "the inventory is pure" },
    Rule { room: "src/diagnosis", forbidden: IMPURE, because: "diagnosis is a function of frozen input" },
    Rule { room: "src/ticket", forbidden: IMPURE, because: "the ticket engine is pure" },
    Rule {
        room: "src/statistics",
        forbidden: IMPURE,
        because: "a report is a function of tickets and an instant",
    },
    Rule {
        room: "src/knowledge",
        forbidden: IMPURE,
        because: "what is alike is a function of tickets and articles",
    },
    Rule {
        room: "src/statistics",
        forbidden: EFFECTS,
        because: "a report is a function of tickets and an instant",
    },
    Rule {
        room: "src/knowledge",
        forbidden: EFFECTS,
        because: "what is alike is a function of tickets and articles",
    },
    Rule { room: "src/statistics", forbidden: OUTSIDE, because: "it knows nothing of who uses it" },
    Rule { room: "src/knowledge", forbidden: OUTSIDE, because: "it knows nothing of who uses it" },
    Rule { room: "src/cdr", forbidden: IMPURE, because: "reconciliation is pure" },
    Rule {
        room: "src/deadlines",
        forbidden: IMPURE,
        because: "a due time is a function of a log, a calendar and an instant",
    },
    Rule {
        room: "src/process",
        forbidden: IMPURE,
        because: "what the procedure asks, chooses and computes is a function of facts, tables and an instant",
    },
    Rule {
        room: "src/reconcile",
        forbidden: &["tokio", "sqlx", "axum", "prometheus", "reqwest", "std::time::SystemTime"],
        because: "a run knows files and threads, no daemon",
    },
    Rule { room: "src/inventory", forbidden: EFFECTS, because: "the inventory is pure" },
    Rule { room: "src/diagnosis", forbidden: EFFECTS, because: "diagnosis is a function of frozen input" },
    Rule { room: "src/ticket", forbidden: EFFECTS, because: "the ticket engine is pure" },
    Rule { room: "src/inventory", forbidden: OUTSIDE, because: "it knows nothing of who uses it" },
    Rule { room: "src/diagnosis", forbidden: OUTSIDE, because: "it knows nothing of who uses it" },
    Rule { room: "src/ticket", forbidden: OUTSIDE, because: "it knows nothing of who uses it" },
    Rule { room: "src/store", forbidden: OUTSIDE, because: "the store knows nothing of who uses it" },
    Rule { room: "src/notify", forbidden: EFFECTS, because: "a message is a function of what happened" },
    Rule { room: "src/notify", forbidden: OUTSIDE, because: "it knows nothing of who sends it" },
    Rule {
        room: "src/notify",
        forbidden: &[
            "tokio",
            "sqlx",
            "axum",
            "prometheus",
            "getrandom",
            "std::fs",
            "std::env",
            "std::net::UdpSocket",
        ],
        because: "words and forms have no socket",
    },
    Rule {
        room: "src/voice",
        forbidden: IMPURE,
        because: "whose voice it is and who spoils it is a pure question",
    },
    Rule { room: "src/voice", forbidden: EFFECTS, because: "windows and times are handed to it" },
    Rule { room: "src/voice", forbidden: OUTSIDE, because: "it knows nothing of who listens" },
    Rule {
        room: "src/voice",
        forbidden: &["crate::diagnosis", "crate::ticket", "linesman_probes::wire"],
        because: "it counts bad calls; what they mean for a ticket is decided to its right",
    },
    Rule {
        room: "src/inventory",
        forbidden: &["crate::diagnosis", "crate::ticket", "crate::settings"],
        because: "the inventory is the left-most room",
    },
    Rule {
        room: "src/diagnosis",
        forbidden: &[
            "crate::ticket",
            "linesman_probes::wire",
            "linesman_probes::reach",
            "linesman_probes::sip",
        ],
        because: "of probes it knows observations only, of tickets nothing",
    },
    Rule {
        room: "src/store",
        forbidden: &["axum", "prometheus", "crate::metrics"],
        because: "no HTTP status here",
    },
    Rule {
        room: "src/http",
        forbidden: &["crate::workers", "crate::app", "crate::cli", "crate::sim", "sqlx"],
        because: "handlers have no SQL, no worker and no socket of their own",
    },
    Rule {
        room: "src/http",
        forbidden: &["linesman_probes::reach", "linesman_probes::sip", "linesman_probes::wire"],
        because: "no probe is called directly",
    },
    Rule {
        room: "src/workers",
        forbidden: &["crate::http", "crate::app", "crate::cli", "crate::sim", "sqlx", "axum"],
        because: "workers read, call a pure function, write",
    },
    Rule {
        room: "src/metrics",
        forbidden: &[
            "crate::http",
            "crate::workers",
            "crate::store",
            "crate::app",
            "crate::cli",
            "crate::sim",
        ],
        because: "metrics read nothing; others hand them numbers",
    },
    Rule {
        room: "src/sim",
        forbidden: &["crate::http", "crate::workers", "crate::app", "crate::cli", "sqlx", "crate::diagnosis"],
        because: "the daemon that watches the simulated network is told nothing of it",
    },
];

/// Rooms that may speak SQL.
const SPEAKS_SQL: &str = "src/store";

#[test]
fn no_room_knows_what_it_must_not() {
    let mut strays = Vec::new();
    for file in files_under("src").iter().filter(|file| !file.is_test()) {
        let named = named_paths(file);
        for rule in RULES.iter().filter(|rule| is_in(&file.path, rule.room)) {
            for forbidden in rule.forbidden {
                for path in named.iter().filter(|path| is_under(path, forbidden)) {
                    strays.push(format!("{}: `{path}`: {}", file.path, rule.because));
                }
            }
        }
        if !is_in(&file.path, SPEAKS_SQL) {
            let sql = named.iter().filter(|path| is_under(path, "sqlx"));
            strays.extend(sql.map(|path| format!("{}: `{path}`: the store alone speaks SQL", file.path)));
        }
    }
    strays.dedup();
    assert!(strays.is_empty(), "forbidden arrows:\n{}", strays.join("\n"));
}

/// Paths of `use` lines, and those named in full within the code.
fn named_paths(file: &SourceFile) -> Vec<String> {
    let program = file.program();
    let mut paths = used_paths(&program);
    for line in program.lines() {
        for word in line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            if word.contains("::") {
                paths.push(word.trim_start_matches(':').to_owned());
            }
        }
    }
    paths
}

fn is_in(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

fn is_under(path: &str, forbidden: &str) -> bool {
    path.strip_prefix(forbidden).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn a_forbidden_arrow_is_found_in_a_use_line_and_in_the_code() {
    let text = "//! use sqlx::x;\nuse crate::{http, clock::Clock};\nfn f() { sqlx::query(\"\") }\n\
                #[cfg(test)]\nmod tests { use axum::Router; }\n";
    let file = SourceFile { path: "src/ticket/mod.rs".to_owned(), text: text.to_owned() };
    let named = named_paths(&file);
    let found = |forbidden: &str| named.iter().any(|path| is_under(path, forbidden));
    assert!(found("crate::http") && found("crate::clock") && found("sqlx"), "{named:?}");
    assert!(!found("axum") && !found("sqlx::x"), "{named:?}");
    assert!(!is_in("src/ticketing.rs", "src/ticket") && is_in("src/app.rs", "src/app"));
}
