//! The commands as a person or a script runs them: the real program, its output, its exit code.

mod bills;
#[cfg(test)]
mod call;
#[cfg(test)]
mod customer;
mod deadline;
#[cfg(test)]
mod files;
mod knowledge;
mod life;
mod listen;
mod media;
#[cfg(test)]
mod probe_call;
mod procedure;
mod process;
mod report;
mod rtp;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
mod tree;
#[cfg(test)]
#[path = "../support/voice_calls.rs"]
#[allow(dead_code, reason = "the addresses are known here")]
mod voice_calls;
#[cfg(test)]
mod word;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/linesman.toml");

/// A program about to run in a folder of its own, with nobody's environment.
fn linesman(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linesman"));
    command.current_dir(folder).args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    ended(linesman(folder, arguments).output().expect("the program runs"))
}

fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn file_with(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("given.toml");
    std::fs::write(&file, text).expect("written");
    file
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a command against a running daemon answers as JSON, with the token that the folder holds.
fn answer(folder: &Path, address: &str, command: &str, arguments: &[&str]) -> Value {
    let server = format!("http://{address}");
    let mut all = vec![command, "--server", &server, "--token-file", "token", "--json"];
    all.extend(arguments);
    let (code, out, said) = run(folder, &all);
    assert_eq!(code, 0, "{arguments:?}: {said}");
    json(&out)
}

/// Registers a customer's complaint by telephone; its ticket.
fn complaint(folder: &Path, address: &str, words: &str) -> Value {
    let spoken = "register --kind complaint --channel phone --create --level blue --phone";
    let mut arguments: Vec<&str> = spoken.split(' ').collect();
    arguments.extend(["138 0013 8000", "--name", "Li Na", "--description", words]);
    answer(folder, address, "ticket", &arguments)["ticket"].clone()
}

#[test]
fn a_good_file_is_said_to_be_fine_with_what_watching_it_costs() {
    let here = folder();
    for arguments in [["config", "check", EXAMPLE].as_slice(), &["config", "check", "-c", EXAMPLE]] {
        let (code, out, _) = run(here.path(), arguments);
        assert_eq!(code, 0, "{out}");
        assert!(
            out.contains("20 elements") && out.contains("23 targets") && out.contains("Prometheus series"),
            "{out}"
        );
    }
    let (code, out, _) = run(here.path(), &["config", "check", EXAMPLE, "--json"]);
    let said = json(&out);
    assert_eq!((code, &said["valid"], &said["targets"]), (0, &Value::from(true), &Value::from(23)));
    assert_eq!(said["elements_by_kind"]["customer"], 4);
}

#[test]
fn every_mistake_is_printed_with_its_place_and_the_exit_code_is_3() {
    let here = folder();
    let file =
        file_with(here.path(), "[probes]\nintervall = \"5s\"\n\n[[link]]\nname = \"a\"\nnear = \"b\"\n");
    let name = file.to_str().expect("UTF-8");
    let (code, out, _) = run(here.path(), &["config", "check", name]);
    let expected = format!(
        "{name}:2:1: unknown key `intervall` in [probes]; did you mean `interval`?\n\
         {name}:6:8: near: no device or server is named `b`\n"
    );
    assert_eq!((code, out), (3, expected));
    let (code, out, _) = run(here.path(), &["config", "check", name, "--json"]);
    let said = json(&out);
    assert_eq!(
        (code, &said["valid"], &said["mistakes"][1]["line"]),
        (3, &Value::from(false), &Value::from(6))
    );
    let (code, out, said) = run(here.path(), &["config", "show", name]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(said.contains(":2:1:"), "{said}");
}

#[test]
fn the_effective_values_are_shown_without_secrets_and_pass_the_check_again() {
    let here = folder();
    let mut command = linesman(here.path(), &["config", "show", EXAMPLE]);
    command.env("LINESMAN__TICKETS__SETTLE", "90s");
    let (code, out, _) = ended(command.output().expect("the program runs"));
    assert_eq!(code, 0);
    assert!(out.contains("settle = \"90s\""), "the environment wins: {out}");
    let again = file_with(here.path(), &out);
    assert_eq!(run(here.path(), &["config", "check", again.to_str().expect("UTF-8")]).0, 0);
    let secret = file_with(here.path(), "[database]\nurl = \"postgres://linesman:s3cret@db/linesman\"\n");
    for arguments in [["config", "show"].as_slice(), &["config", "show", "--json"]] {
        let (code, out, said) = run(here.path(), &[arguments, &[secret.to_str().expect("UTF-8")]].concat());
        assert_eq!(code, 0, "{said}");
        assert!(out.contains("linesman:***@db") && !out.contains("s3cret"), "{out}");
    }
}

#[test]
fn init_writes_a_file_that_passes_the_check_and_never_overwrites() {
    let here = folder();
    let (code, out, said) = run(here.path(), &["init", "--yes"]);
    assert_eq!((code, out.as_str()), (0, "wrote linesman.toml\n"), "{said}");
    let written = std::fs::read_to_string(here.path().join("linesman.toml")).expect("written");
    assert!(written.contains("# [[trunk]]") && written.contains("[poller]\nserver = "), "{written}");
    // Found without being named, as `serve` finds it.
    let (code, out, _) = run(here.path(), &["config", "check"]);
    assert!(code == 0 && out.starts_with("linesman.toml: fine"), "{out}");
    let (code, out, said) = run(here.path(), &["init", "--yes"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(said.contains("--output") && said.contains("mv linesman.toml"), "{said}");
    assert_eq!(std::fs::read_to_string(here.path().join("linesman.toml")).expect("still there"), written);
    let (code, out, _) = run(here.path(), &["init", "--yes", "--json", "--output", "other.toml"]);
    assert_eq!((code, &json(&out)["file"]), (0, &Value::from("other.toml")));
}

#[test]
fn without_any_file_this_host_is_watched() {
    let here = folder();
    let (code, out, _) = run(here.path(), &["config", "show", "--json"]);
    let shown = json(&out);
    assert_eq!(code, 0);
    assert_eq!(shown["poller"]["server"], shown["server"][0]["name"]);
}

#[test]
fn doctor_names_each_check_and_every_failure_ends_with_what_mends_it() {
    let here = folder();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("its address").port();
    let text =
        format!("[http]\nlisten = \"127.0.0.1:{port}\"\n[database]\nurl = \"sqlite:missing/linesman.db\"\n");
    let file = file_with(here.path(), &text);
    let (code, out, _) = run(here.path(), &["doctor", "--json", "-c", file.to_str().expect("UTF-8")]);
    let said = json(&out);
    let checks = said["checks"].as_array().expect("a list");
    let of = |name: &str| checks.iter().find(|check| check["name"] == name).expect("checked").clone();
    for name in ["configuration", "icmp", "capture", "listen", "database", "clock"] {
        let check = of(name);
        assert!(check["verdict"] != "fail" || check["mend"].is_string(), "{check}");
    }
    assert_eq!(of("listen")["verdict"], "fail");
    let mend = of("database")["mend"].as_str().expect("text").to_owned();
    assert!(mend.starts_with("mkdir -p /") && mend.ends_with("/missing"), "{mend}");
    // Where ICMP is not allowed, the missing permission outweighs the rest.
    let forbidden = checks.iter().any(|check| check["permission"] == true);
    assert_eq!((code, &said["healthy"]), (if forbidden { 4 } else { 1 }, &Value::from(false)));
}

#[test]
fn doctor_of_a_bad_configuration_tells_its_mistakes_and_claims_nothing_else() {
    let here = folder();
    let file = file_with(here.path(), "[http]\nlisten = 5\n");
    let (code, out, _) = run(here.path(), &["doctor", "-c", file.to_str().expect("UTF-8")]);
    assert!(code == 1 || code == 4, "{code}");
    assert!(out.contains(":2:10:") && out.contains("warn  database       not checked"), "{out}");
}

#[test]
fn usage_is_2_and_help_is_0() {
    let here = folder();
    assert_eq!(run(here.path(), &["config", "chekc"]).0, 2);
    assert_eq!(run(here.path(), &["config", "check", "a.toml", "-c", "b.toml"]).0, 2);
    let (code, out, _) = run(here.path(), &["--help"]);
    assert!(code == 0 && out.contains("bad configuration"), "{out}");
}

#[test]
fn completions_and_manual_pages_name_the_commands() {
    let here = folder();
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = run(here.path(), &["completions", shell]);
        assert!(code == 0 && out.contains("doctor"), "{shell}");
    }
    let (code, out, _) = run(here.path(), &["man"]);
    assert!(code == 0 && out.contains(".TH linesman") && out.contains("Exit codes"), "{out}");
}

#[test]
fn a_probe_answers_with_one_document_whatever_came_of_it() {
    let here = folder();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let open = holder.local_addr().expect("its address").to_string();
    let of = |arguments: &[&str]| {
        let (code, out, _) =
            run(here.path(), &[&["probe", "--json", "-n", "1", "-t", "1"], arguments].concat());
        let said = json(&out);
        (code, said["measured"]["outcome"].as_str().expect("text").to_owned(), said)
    };
    let (code, outcome, _) = of(&["tcp", &open]);
    assert_eq!((code, outcome.as_str()), (0, "answered"));
    drop(holder);
    let (code, outcome, _) = of(&["tcp", &open]);
    assert_eq!((code, outcome.as_str()), (1, "refused"));
    // Longer than a name may be: no resolver is asked.
    let (code, outcome, said) = of(&["icmp", &"x".repeat(300)]);
    assert_eq!((code, outcome.as_str()), (1, "unmeasured"));
    assert_eq!(said["measured"]["impediment"]["why"], "unresolved");
    for wrong in [["tcp", "127.0.0.1"], ["tcp", "127.0.0.1:0"], ["telepathy", "x"], ["icmp", "224.0.0.1"]] {
        let (code, out, said) = run(here.path(), &[&["probe", "--json"], wrong.as_slice()].concat());
        // Without permission for ICMP nothing else is looked at.
        assert!(code == 2 || (code == 4 && wrong[0] == "icmp"), "{wrong:?}: {code} {out} {said}");
    }
}
