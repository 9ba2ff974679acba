//! How long a file may be, and how it begins.

use super::source::files_under;

/// No file is longer.
const LONGEST: usize = 600;
/// Few files are longer: one in ten.
const LONG: usize = 400;

#[test]
fn files_are_short_enough_to_be_read_in_one_sitting() {
    let mut files = files_under("src");
    files.extend(files_under("probes/src"));
    let lines = |text: &str| text.lines().count();
    let too_long: Vec<String> = files
        .iter()
        .filter(|file| lines(&file.text) > LONGEST)
        .map(|file| format!("{}: {} lines", file.path, lines(&file.text)))
        .collect();
    assert!(too_long.is_empty(), "longer than {LONGEST} lines; divide them: {too_long:?}");
    let long: Vec<&str> =
        files.iter().filter(|file| lines(&file.text) > LONG).map(|file| file.path.as_str()).collect();
    assert!(long.len() * 10 <= files.len(), "more than one file in ten is over {LONG} lines: {long:?}");
}

#[test]
fn every_module_says_first_what_it_holds() {
    let mut silent = Vec::new();
    for folder in ["src", "probes/src"] {
        for file in files_under(folder).iter().filter(|file| !file.is_test()) {
            let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            if !first.starts_with("//!") {
                silent.push(file.path.clone());
            }
        }
    }
    assert!(silent.is_empty(), "no `//!` header: {silent:?}");
}
