//! Which rule of the complaint-handling procedure is proven by which test: `tests/rules.md`, made from the tests'
//! names and doc comments. A test proves the rules that its name carries, as `r29_r96_...` or `..._r83`, and those
//! that the comment above it names, as `R26` or `R67 to R88`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::source::files_under;
use super::subjects::SUBJECTS;

/// What makes the table anew.
const RENEW: &str = "LINESMAN_BLESS=1 cargo test --locked --test house rules";

/// Whether `number` is that of a rule.
fn is_rule(number: u32) -> bool {
    usize::try_from(number).is_ok_and(|number| (1..=SUBJECTS.len()).contains(&number))
}

fn number(text: &str, letter: char) -> Option<u32> {
    text.strip_prefix(letter)?.parse().ok().filter(|number| is_rule(*number))
}

/// Rules that a name carries.
fn of_name(name: &str) -> BTreeSet<u32> {
    name.split('_').filter_map(|part| number(part, 'r')).collect()
}

/// Rules that a comment names; `R67 to R88` names all between.
fn of_comment(comment: &str) -> BTreeSet<u32> {
    let words: Vec<&str> = comment
        .split_whitespace()
        .map(|word| word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()))
        .collect();
    let mut rules = BTreeSet::new();
    for (place, word) in words.iter().enumerate() {
        let Some(rule) = number(word, 'R') else { continue };
        let from = match place.checked_sub(2) {
            Some(before) if words[before + 1] == "to" => number(words[before], 'R').unwrap_or(rule),
            _ => rule,
        };
        rules.extend(from.min(rule)..=rule);
    }
    rules
}

/// The tests of a file with the rules that each proves.
fn tests_of(text: &str) -> Vec<(&str, BTreeSet<u32>)> {
    let (mut comment, mut is_test, mut tests) = (String::new(), false, Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            comment.push_str(words);
            comment.push(' ');
            continue;
        }
        if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
            continue;
        }
        let program = line.trim_start_matches("pub ").trim_start_matches("async ");
        if let Some(name) = program.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) {
            // Those that a macro runs on both databases are listed by name.
            let is_listed = || text.contains(&format!("\n    {name},\n"));
            if is_test || is_listed() {
                let mut rules = of_name(name);
                rules.extend(of_comment(&comment));
                tests.push((name, rules));
            }
        }
        comment.clear();
        is_test = false;
    }
    tests
}

/// Tests by the rule that they prove: file and name.
fn proofs() -> BTreeMap<u32, BTreeSet<String>> {
    let mut proofs: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for file in ["src", "tests", "probes/src"].into_iter().flat_map(files_under) {
        // This file's own examples prove nothing.
        if file.path.starts_with("tests/house/") {
            continue;
        }
        for (name, rules) in tests_of(&file.text) {
            for rule in rules {
                proofs.entry(rule).or_default().insert(format!("`{}` {name}", file.path));
            }
        }
    }
    proofs
}

fn table(proofs: &BTreeMap<u32, BTreeSet<String>>) -> String {
    let mut table = format!(
        "# Rules and their tests\n\nMade by `{RENEW}`. A test proves the rules that its name carries or that the comment \
         above it names; `no test` is a rule that nothing proves.\n\n| rule | what it asks | state | tests |\n\
         | --- | --- | --- | --- |\n"
    );
    for (place, subject) in SUBJECTS.iter().enumerate() {
        let rule = u32::try_from(place + 1).unwrap_or(u32::MAX);
        let tests: Vec<&str> = proofs.get(&rule).into_iter().flatten().map(String::as_str).collect();
        let state = if tests.is_empty() { "no test" } else { "tested" };
        let _ = writeln!(table, "| R{rule} | {subject} | {state} | {} |", tests.join("<br>"));
    }
    table
}

#[test]
fn the_table_of_rules_and_their_tests_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules.md");
    let now = table(&proofs());
    if std::env::var_os("LINESMAN_BLESS").is_some() {
        std::fs::write(&path, &now).expect("the table can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let stale: Vec<&str> = now
        .lines()
        .filter(|row| !written.lines().any(|known| known == *row))
        .filter_map(|row| row.split('|').nth(1))
        .map(str::trim)
        .collect();
    assert!(
        written == now,
        "tests/rules.md is stale{}{}; renew it with\n  {RENEW}",
        if stale.is_empty() { "" } else { " in " },
        stale.join(", ")
    );
}

#[test]
fn rules_are_read_from_names_and_comments_of_tests_and_of_nothing_else() {
    let text = "\
/// Words of R1 to R3, and (R9).
#[test]
fn it_holds() {}

/// R4 is told of a helper.
fn helper_r5() {}

#[tokio::test(flavor = \"multi_thread\")]
async fn r6_r127_holds_r8() {}

on_both! {
    r7_listed,
}
async fn r7_listed(database: Database) {}
";
    let found: Vec<(&str, Vec<u32>)> =
        tests_of(text).into_iter().map(|(name, rules)| (name, rules.into_iter().collect())).collect();
    assert_eq!(
        found,
        [("it_holds", vec![1, 2, 3, 9]), ("r6_r127_holds_r8", vec![6, 8]), ("r7_listed", vec![7])]
    );
}
