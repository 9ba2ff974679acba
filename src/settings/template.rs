//! The file that `linesman init` writes: what this host has, and every key with an example.

use toml::{Table, Value};

use super::HostFacts;
use super::keys::{KeyDoc, SECTIONS, SectionDoc};
use super::show::declared_network;
use super::without_file::declare;
use crate::inventory::Declarations;

const HEAD: &str = "\
# Linesman's configuration. Lines that start with # are explanation or examples: take the # away
# to use them. `linesman config check` tells every mistake; `linesman serve` runs by this file.
# Times are written as \"500ms\", \"30s\", \"5m\", \"2h\", \"14d\". A dependency is stated by the one that
# depends: a trunk names its link, a gateway its access line, a server the device it hangs at.
";

/// The commented file for a host with these facts.
#[must_use]
pub fn template(facts: &HostFacts) -> String {
    let mut declarations = Declarations::default();
    declare(facts, &mut declarations);
    let found = declared_network(&declarations);
    let mut text = HEAD.to_owned();
    if !facts.interfaces.is_empty() {
        text.push_str(&format!(
            "# Interfaces of this host when this was written: {}.\n",
            facts.interfaces.join(", ")
        ));
    }
    for section in SECTIONS {
        text.push_str(&format!("\n# {}\n", section.about));
        match found.get(section.name) {
            Some(Value::Array(tables)) => {
                example(section, &mut text);
                for table in tables.iter().filter_map(Value::as_table) {
                    text.push('\n');
                    live(section, table, false, &mut text);
                }
            }
            Some(Value::Table(table)) => live(section, table, true, &mut text),
            _ if section.list => example(section, &mut text),
            _ => live(section, &Table::new(), true, &mut text),
        }
    }
    text
}

/// A section that is in force, the keys that are not stated as examples.
fn live(section: &SectionDoc, stated: &Table, explained: bool, text: &mut String) {
    text.push_str(&format!("{}\n", section.header()));
    for key in section.keys {
        match stated.get(key.name) {
            Some(value) if explained => text.push_str(&explained_line("", key, &value.to_string())),
            Some(value) => text.push_str(&format!("{} = {value}\n", key.name)),
            None if explained => text.push_str(&explained_line("# ", key, key.example)),
            None => {}
        }
    }
}

fn example(section: &SectionDoc, text: &mut String) {
    text.push_str(&format!("# {}\n", section.header()));
    for key in section.keys {
        text.push_str(&explained_line("# ", key, key.example));
    }
}

fn explained_line(prefix: &str, key: &KeyDoc, value: &str) -> String {
    let statement = format!("{prefix}{} = {value}", key.name);
    format!("{statement:<42}  # {}\n", key.about)
}

#[cfg(test)]
mod tests {
    use super::super::read::parse;
    use super::*;

    #[test]
    fn what_is_written_passes_the_check_and_watches_what_was_found() {
        let facts = HostFacts {
            hostname: Some("voice-1".to_owned()),
            interfaces: vec!["eth0".to_owned()],
            networks: Vec::new(),
            default_gateway: "192.0.2.1".parse().ok(),
            resolvers: vec!["192.0.2.53".parse().expect("an address")],
        };
        let text = template(&facts);
        let settings = parse("linesman.toml", &text, []).expect("passes the check").settings;
        let without = super::super::Settings::without_file(&facts, []).expect("fine");
        assert_eq!(settings, without, "the file states what goes without it");
        for section in SECTIONS {
            assert!(text.contains(&section.header()), "{}", section.name);
            assert!(section.keys.iter().all(|key| text.contains(&format!("{} = ", key.name))));
        }
    }

    #[test]
    fn every_example_in_it_can_be_put_in_force() {
        let text = template(&HostFacts::default());
        let in_force: String = text
            .lines()
            .filter(|line| !line.contains("url_file"))
            .map(|line| match line.strip_prefix("# ") {
                Some(example)
                    if example.starts_with("[[")
                        || example.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) =>
                {
                    format!("{example}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        let told = parse("linesman.toml", &in_force, []).err().unwrap_or_default();
        let unexpected: Vec<String> = told
            .iter()
            .map(ToString::to_string)
            .filter(|told| ["unknown", "expected", "not TOML"].iter().any(|part| told.contains(part)))
            .collect();
        assert!(unexpected.is_empty(), "{unexpected:#?}\n{in_force}");
    }
}
