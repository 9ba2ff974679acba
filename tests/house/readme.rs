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

#[test]
fn the_network_in_the_readme_is_accepted_as_it_stands() {
    let readme = readme();
    let examples = blocks(&readme, "toml");
    assert!(!examples.is_empty(), "the README shows no settings");
    for example in examples {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("linesman.toml");
        std::fs::write(&file, example).expect("a file");
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
