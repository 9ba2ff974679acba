//! What the README shows must be so: its settings are read, its unit names real commands.

use std::path::Path;

fn readme() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    std::fs::read_to_string(file).expect("there is a README")
}

/// The blocks of code in one language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// An example whose own tables stand in a folder, as those shipped and changed as the README says.
fn with_own_tables(folder: &Path, example: &str) -> String {
    let second = |text: &str, and: &str| text.replacen("version = 1\n", &format!("version = 2\n{and}"), 1);
    let from = "valid_from = \"2027-01-01T00:00:00+08:00\"\n";
    let tree = linesman_process::tree::shipped_text("B").expect("shipped");
    let day = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270101\nSUMMARY:New year\nEND:VEVENT\nEND:VCALENDAR\n";
    let mut example = example.to_owned();
    for (name, text) in [
        ("calendars.toml", linesman_deadlines::calendar::official::CALENDARS_TEXT.to_owned()),
        ("holidays.ics", day.to_owned()),
        ("deadlines-2.toml", second(linesman_deadlines::policy::SHIPPED, from)),
        ("B.toml", second(tree, "")),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("a file");
        example = example.replace(&format!("[\"{name}\"]"), &format!("[\"{}\"]", file.display()));
    }
    example
}

#[test]
fn the_network_in_the_readme_is_accepted_as_it_stands() {
    let readme = readme();
    let examples = blocks(&readme, "toml");
    assert!(!examples.is_empty(), "the README shows no settings");
    for example in examples {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("linesman.toml");
        std::fs::write(&file, with_own_tables(folder.path(), example)).expect("a file");
        if let Err(mistakes) = linesman::settings::load(&file, []) {
            panic!("{mistakes:?}");
        }
    }
}

#[test]
fn every_folder_that_the_readme_maps_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = readme();
    let map = readme.split("## Map of folders").nth(1).expect("the README has a map");
    let named =
        map.split("\n## ").next().unwrap_or_default().lines().filter_map(|line| line.split('`').nth(1));
    let missing: Vec<&str> = named.filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "mapped and not there: {missing:?}");
}
