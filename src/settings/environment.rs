//! The layer above the file: `LINESMAN__SECTION__KEY=value`.

use super::keys::SECTIONS;
use super::mistake::{At, Mistakes};
use crate::inventory::nearest;

const PREFIX: &str = "LINESMAN__";

/// One variable that states a key.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) section: String,
    pub(super) key: String,
    pub(super) text: String,
}

/// The variables that are meant for us; those that cannot be meant are mistakes.
pub(super) fn variables(
    environment: impl IntoIterator<Item = (String, String)>,
    mistakes: &mut Mistakes,
) -> Vec<Variable> {
    let ours = environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX));
    let mut variables: Vec<Variable> =
        ours.filter_map(|(name, text)| variable(name, text, mistakes)).collect();
    variables.sort_by(|a, b| a.name.cmp(&b.name));
    variables
}

fn variable(name: String, text: String, mistakes: &mut Mistakes) -> Option<Variable> {
    let words = name[PREFIX.len()..].to_ascii_lowercase();
    let Some((section, key)) = words.split_once("__") else {
        mistakes.add(At::Variable(name), "names no section and key; write LINESMAN__SECTION__KEY");
        return None;
    };
    let single = || SECTIONS.iter().filter(|known| !known.list).map(|known| known.name);
    if !single().any(|known| known == section) {
        let meant = nearest(section, single()).map(|near| format!("; did you mean `{near}`?"));
        let known = single().collect::<Vec<_>>().join(", ");
        let hint = meant.unwrap_or_else(|| format!("; the environment can state {known}"));
        mistakes.add(At::Variable(name.clone()), format!("unknown section `{section}`{hint}"));
        return None;
    }
    let (section, key) = (section.to_owned(), key.to_owned());
    Some(Variable { name, section, key, text })
}
