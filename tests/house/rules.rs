//! Which rule of the complaint-handling procedure is proven by which test: `tests/rules.md`, made from the names of
//! the tests. A test proves a rule when its name begins with it, as `r29_r96_...`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::source::files_under;

/// Rules R1 to R126.
const RULES: u32 = 126;

/// Tests by the rule that they prove: file and name.
fn proofs() -> BTreeMap<u32, Vec<String>> {
    let mut proofs: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut files = files_under("src");
    files.extend(files_under("tests"));
    for file in &files {
        for line in file.text.lines() {
            let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("async ");
            let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) else {
                continue;
            };
            for part in name.split('_') {
                let Some(rule) = part.strip_prefix('r').and_then(|digits| digits.parse::<u32>().ok()) else {
                    break;
                };
                let here = format!("`{}` {name}", file.path);
                let known = proofs.entry(rule).or_default();
                if !known.contains(&here) {
                    known.push(here);
                }
            }
        }
    }
    proofs
}

fn table(proofs: &BTreeMap<u32, Vec<String>>) -> String {
    let mut table = "# Rules and their tests\n\nMade by `LINESMAN_BLESS=1 cargo test --test house rules`; a test proves a \
                     rule when its name begins with it.\n\n| rule | state | tests |\n| --- | --- | --- |\n"
        .to_owned();
    for rule in 1..=RULES {
        let tests = proofs.get(&rule).map(|tests| tests.join("<br>")).unwrap_or_default();
        let state = if tests.is_empty() { "no test yet" } else { "tested" };
        let _ = writeln!(table, "| R{rule} | {state} | {tests} |");
    }
    table
}

#[test]
fn every_rule_that_was_proven_still_is() {
    let proofs = proofs();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules.md");
    if std::env::var_os("LINESMAN_BLESS").is_some() {
        std::fs::write(&path, table(&proofs)).expect("the table can be written");
    }
    let written = std::fs::read_to_string(&path).expect("there is a table");
    let rows: Vec<&str> = written.lines().filter(|line| line.starts_with("| R")).collect();
    assert_eq!(rows.len(), RULES as usize, "a row for every rule");
    for row in rows {
        let rule =
            row.trim_start_matches("| R").split(' ').next().and_then(|digits| digits.parse::<u32>().ok());
        let rule = rule.unwrap_or_else(|| panic!("{row}"));
        let is_proven = proofs.contains_key(&rule);
        assert!(is_proven || !row.contains("| tested |"), "R{rule} has lost its tests: {row}");
    }
}
