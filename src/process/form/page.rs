//! A form as a page that needs nothing else: to be read on any screen, printed, and signed.

use std::fmt::Write as _;

use super::{Field, FieldKind, Form, Values, option_word};
use crate::text::Language;

/// What stands around the fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heading {
    /// The operator.
    pub operator: Option<String>,
    /// When it was written, as it is to be shown.
    pub printed_at: Option<String>,
    /// Personal fields show their last four signs only (R111).
    pub mask_personal: bool,
}

/// What stands where a value is not.
const fn not_there(language: Language) -> &'static str {
    match language {
        Language::English => "missing",
        Language::Chinese => "缺",
    }
}

/// Writes a form with its values; mandatory ones that are not there are marked, unless none is there at all: such a
/// form is to be filled in by hand.
#[must_use]
pub fn page(form: &Form, values: &Values, heading: &Heading, language: Language) -> String {
    let title = escape(form.id.word(language));
    let other = match language {
        Language::English => Language::Chinese,
        Language::Chinese => Language::English,
    };
    let mut text = format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
         <p class=\"other\" lang=\"{other_lang}\">{other_title}</p>\n",
        lang = language.tag(),
        style = include_str!("style.css"),
        other_lang = other.tag(),
        other_title = escape(form.id.word(other)),
    );
    text.push_str("<p class=\"sub\">");
    let facts = [heading.operator.as_deref(), Some(form.rule.as_str()), heading.printed_at.as_deref()];
    for fact in facts.into_iter().flatten() {
        let _ = write!(text, "<span>{}</span>", escape(fact));
    }
    text.push_str("</p>\n<table>\n<tbody>\n");
    let is_blank = values.values().all(|value| value.trim().is_empty());
    let missing = form.missing(values);
    for field in &form.fields {
        let value = values.get(&field.id).map(String::as_str);
        let is_marked = missing.contains(&field) && !is_blank;
        row(&mut text, field, value, is_marked, heading, language);
    }
    text.push_str("</tbody>\n</table>\n");
    let missing = missing.len();
    if missing > 0 && !is_blank {
        let note = match language {
            Language::English => format!("{missing} mandatory fields are missing"),
            Language::Chinese => format!("缺少{missing}个必填项"),
        };
        let _ = writeln!(text, "<p class=\"note missing\">{note}</p>");
    }
    text.push_str("</main>\n</body>\n</html>\n");
    text
}

fn row(
    text: &mut String,
    field: &Field,
    value: Option<&str>,
    is_marked: bool,
    heading: &Heading,
    language: Language,
) {
    let class = match field.kind {
        FieldKind::Long => " class=\"long\"",
        FieldKind::Signature => " class=\"signature\"",
        _ => "",
    };
    let label = escape(field.label.get(language));
    let value = value.filter(|value| !value.trim().is_empty());
    let cell = match (field.kind, value) {
        (FieldKind::Choice, value) => {
            let option = |option: &String| {
                let mark = if Some(option.as_str()) == value { "☒" } else { "☐" };
                format!("<span>{mark} {}</span>", escape(option_word(option, language)))
            };
            let options: String = field.options.iter().map(option).collect();
            let is_own = value.is_some_and(|value| !field.options.iter().any(|option| option == value));
            let own = value.filter(|_| is_own).map(escape).unwrap_or_default();
            format!(
                "<div class=\"options\">{options}{own}</div>{}",
                mark_missing(is_marked && value.is_none(), language)
            )
        }
        (_, Some(value)) if field.personal && heading.mask_personal => escape(&masked(value)),
        (_, Some(value)) => escape(value),
        (_, None) => mark_missing(is_marked, language),
    };
    let _ = writeln!(text, "<tr{class}><th scope=\"row\">{label}</th><td>{cell}</td></tr>");
}

fn mark_missing(is_marked: bool, language: Language) -> String {
    match is_marked {
        true => format!("<span class=\"missing\">{}</span>", not_there(language)),
        false => String::new(),
    }
}

/// The last four signs of a long value, of a short one the first.
fn masked(value: &str) -> String {
    let signs: Vec<char> = value.chars().collect();
    match signs.len() {
        0..=1 => "*".to_owned(),
        2..=7 => format!("{}{}", signs[0], "*".repeat(signs.len() - 1)),
        length => format!("{}{}", "*".repeat(length - 4), signs[length - 4..].iter().collect::<String>()),
    }
}

/// Text as it stands in markup: nothing of it is taken for markup, nothing moves the direction of writing.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\n' => safe.push('\n'),
            sign if sign.is_control() => safe.push(' '),
            sign => safe.push(sign),
        }
    }
    safe
}
