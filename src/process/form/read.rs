//! Reads definitions of forms from TOML and checks them whole.

use serde::Deserialize;
use toml::Spanned;

use super::{Field, FieldKind, Form, FormId, When};
use crate::text::Text;
use linesman_deadlines::Mistake;
use linesman_deadlines::mistake::Mistakes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    form: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<FormId>,
    rule: Spanned<String>,
    fields: Vec<FieldEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldEntry {
    id: Spanned<String>,
    label: String,
    label_zh: String,
    kind: Option<FieldKind>,
    #[serde(default)]
    options: Vec<String>,
    from: Spanned<String>,
    #[serde(default)]
    mandatory: bool,
    when: Option<Spanned<When>>,
    rule: Option<Spanned<String>>,
    #[serde(default)]
    personal: bool,
}

/// Reads definitions.
///
/// # Errors
/// Every mistake with its place; of what is not in their form, the first.
pub fn read(file: &str, text: &str) -> Result<Vec<Form>, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file, text);
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => return Err(mistakes.of_toml(&error)),
    };
    let mut forms: Vec<Form> = Vec::with_capacity(read.form.len());
    for entry in read.form {
        let id = *entry.id.get_ref();
        if forms.iter().any(|known| known.id == id) {
            mistakes.add(entry.id.span(), format!("`{id}` is there twice; a form has one definition"));
        }
        is_rule(&entry.rule, &mut mistakes);
        if entry.fields.is_empty() {
            mistakes.add(entry.id.span(), "a form has fields");
        }
        let mut fields: Vec<Field> = Vec::with_capacity(entry.fields.len());
        for one in entry.fields {
            let field = field(one, &fields, &mut mistakes);
            fields.push(field);
        }
        forms.push(Form { id, rule: entry.rule.into_inner(), version: read.version, fields });
    }
    mistakes.or(forms)
}

fn is_rule(rule: &Spanned<String>, mistakes: &mut Mistakes<'_>) {
    let number = rule.get_ref().strip_prefix('R').map(str::parse::<u16>);
    if !matches!(number, Some(Ok(_))) {
        mistakes.add(rule.span(), "a rule is named as in mission.md, such as R43");
    }
}

fn field(entry: FieldEntry, known: &[Field], mistakes: &mut Mistakes<'_>) -> Field {
    let id = entry.id.get_ref();
    if id.is_empty()
        || !id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        mistakes.add(entry.id.span(), "an id has lower-case letters, digits and underscores");
    }
    if known.iter().any(|known| known.id == *id) {
        mistakes.add(entry.id.span(), "this field is there twice; give each an id of its own");
    }
    let label = Text { en: entry.label, zh: entry.label_zh };
    if let Some(wrong) = label.wrong() {
        mistakes.add(entry.id.span(), wrong.replace("`text", "`label"));
    }
    let kind = entry.kind.unwrap_or(FieldKind::Line);
    if (kind == FieldKind::Choice) != (entry.options.len() > 1) {
        mistakes.add(entry.id.span(), "a choice has two options at least, and only a choice has options");
    }
    let from = entry.from.get_ref();
    let is_field = from.split('.').count() == 2 && !from.split('.').any(str::is_empty);
    if from != "hand" && !is_field {
        mistakes.add(entry.from.span(), "say where it comes from, as `ticket.number`, or `hand`");
    }
    if let Some(rule) = &entry.rule {
        is_rule(rule, mistakes);
    }
    if let Some(when) = &entry.when {
        let asks = when.get_ref();
        let chosen_in = known.iter().find(|known| known.id == asks.field);
        let fits =
            |one: &Field| !asks.is.is_empty() && asks.is.iter().all(|choice| one.options.contains(choice));
        if !chosen_in.is_some_and(fits) {
            mistakes.add(when.span(), "`when` names a choice of a field above and some of its options");
        }
    }
    Field {
        id: entry.id.into_inner(),
        label,
        kind,
        options: entry.options,
        from: entry.from.into_inner(),
        mandatory: entry.mandatory,
        when: entry.when.map(Spanned::into_inner),
        rule: entry.rule.map(Spanned::into_inner),
        personal: entry.personal,
    }
}
