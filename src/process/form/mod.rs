//! The forms of R38 to R47: every field in both languages, where it comes from, what is missing, and a page to
//! print.
//!
//! Definitions are data: [`defaults`] reads the shipped ones, [`read`](fn@read) an operator's. [`page`](fn@page)
//! writes one filled in as HTML that needs nothing else.
//!
//! Absent on purpose: the values. Who keeps them hands them over by the fields' names.

mod id;
mod page;
mod read;
mod word;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

pub use id::FormId;
pub use page::{Heading, page};
pub use read::read;
pub use word::option_word;

use crate::text::{Language, Text};
use linesman_deadlines::policy::Policies;

named! {
    /// What a field holds.
    FieldKind {
        /// A line.
        Line = "line", "text", "文本";
        /// Several lines.
        Long = "long", "long text", "长文本";
        /// An instant.
        Time = "time", "time", "时间";
        /// An amount.
        Money = "money", "amount", "金额";
        /// One of several.
        Choice = "choice", "choice", "选项";
        /// 1 to 10.
        Score = "score", "score from 1 to 10", "1-10分";
        /// Signed on paper or by a signed link; the reference of its evidence.
        Signature = "signature", "signature", "签字";
    }
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name.
    pub id: String,
    /// What stands beside it.
    pub label: Text,
    /// What it holds.
    pub kind: FieldKind,
    /// What may be chosen.
    pub options: Vec<String>,
    /// Where it comes from, or `hand`.
    pub from: String,
    /// It must be there.
    pub mandatory: bool,
    /// Where only some choices of another field ask for it.
    pub when: Option<When>,
    /// The rule that asks for it, where it is another than the form's.
    pub rule: Option<String>,
    /// It says who somebody is or how to reach them: masked where that is not needed (R111).
    pub personal: bool,
}

/// What asks for a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The field that is chosen in; it stands before.
    pub field: String,
    /// Any of these choices.
    pub is: Vec<String>,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Form {
    /// Which.
    pub id: FormId,
    /// The rule of mission.md.
    pub rule: String,
    /// Version of the definitions.
    pub version: u32,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// Values by the fields' names; an empty one is not there.
pub type Values = BTreeMap<String, String>;

/// What is wrong with a filled-in form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "wrong", rename_all = "snake_case")]
pub enum FieldMistake {
    /// A mandatory field is empty.
    Missing {
        /// Which.
        field: Field,
        /// The rule that asks for it.
        rule: String,
    },
    /// The form has no such field.
    NoSuchField {
        /// Which.
        field: String,
    },
    /// The value does not fit.
    DoesNotFit {
        /// Which.
        field: Field,
    },
}

impl FieldMistake {
    /// In words.
    #[must_use]
    pub fn say(&self, language: Language) -> String {
        match (self, language) {
            (Self::Missing { field, rule }, Language::English) => {
                format!("{rule}: `{}` is missing: {}", field.id, field.label.en)
            }
            (Self::Missing { field, rule }, Language::Chinese) => {
                format!("{rule}：缺少“{}”（{}）", field.label.zh, field.id)
            }
            (Self::NoSuchField { field }, Language::English) => {
                format!("the form has no field `{}`", field.escape_debug())
            }
            (Self::NoSuchField { field }, Language::Chinese) => {
                format!("表单没有字段“{}”", field.escape_debug())
            }
            (Self::DoesNotFit { field }, Language::English) => {
                let expected = field.expected(language);
                format!("`{}` does not fit: {}; it takes {expected}", field.id, field.label.en)
            }
            (Self::DoesNotFit { field }, Language::Chinese) => {
                let expected = field.expected(language);
                format!("“{}”的值不符合要求（{}）；应为{expected}", field.label.zh, field.id)
            }
        }
    }
}

impl Field {
    fn expected(&self, language: Language) -> String {
        match self.kind {
            FieldKind::Choice => self.options.join(", "),
            FieldKind::Time => format!("{}, 2026-03-02T09:00:00+08:00", self.kind.word(language)),
            FieldKind::Money => format!("{}, 12.50", self.kind.word(language)),
            _ => self.kind.word(language).to_owned(),
        }
    }

    fn fits(&self, value: &str) -> bool {
        match self.kind {
            FieldKind::Line | FieldKind::Long | FieldKind::Signature => true,
            FieldKind::Time => chrono::DateTime::parse_from_rfc3339(value).is_ok(),
            FieldKind::Money => is_amount(value),
            FieldKind::Choice => self.options.iter().any(|option| option == value),
            FieldKind::Score => score(value).is_some(),
        }
    }
}

/// A decimal number with as many decimals as its currency has or a reconciliation needs.
fn is_amount(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(part)
}

fn score(value: &str) -> Option<u64> {
    value.parse().ok().filter(|score| (1..=10).contains(score))
}

impl Form {
    /// The field of a name.
    #[must_use]
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// The mandatory fields that are not there.
    #[must_use]
    pub fn missing(&self, values: &Values) -> Vec<&Field> {
        let is_there = |field: &Field| values.get(&field.id).is_some_and(|value| !value.trim().is_empty());
        let is_asked = |field: &Field| {
            field.mandatory
                && field
                    .when
                    .as_ref()
                    .is_none_or(|when| values.get(&when.field).is_some_and(|chosen| when.is.contains(chosen)))
        };
        self.fields.iter().filter(|field| is_asked(field) && !is_there(field)).collect()
    }

    /// Everything that is wrong with a filled-in form; nothing when it counts as filled in.
    #[must_use]
    pub fn mistakes(&self, values: &Values) -> Vec<FieldMistake> {
        let missing = self.missing(values).into_iter();
        let mut mistakes: Vec<FieldMistake> = missing
            .map(|field| {
                let rule = field.rule.clone().unwrap_or_else(|| self.rule.clone());
                FieldMistake::Missing { field: field.clone(), rule }
            })
            .collect();
        for (id, value) in values {
            match self.field(id) {
                None => mistakes.push(FieldMistake::NoSuchField { field: id.clone() }),
                Some(field) if !value.trim().is_empty() && !field.fits(value) => {
                    mistakes.push(FieldMistake::DoesNotFit { field: field.clone() });
                }
                Some(_) => {}
            }
        }
        mistakes
    }

    /// The scores that were given, by field.
    #[must_use]
    pub fn scores(&self, values: &Values) -> BTreeMap<String, u64> {
        let scored = self.fields.iter().filter(|field| field.kind == FieldKind::Score);
        scored.filter_map(|field| Some((field.id.clone(), score(values.get(&field.id)?)?))).collect()
    }

    /// The scores that ask for a second handling (R80): those below the threshold of the table of deadlines.
    #[must_use]
    pub fn second_handling(&self, values: &Values, table: &Policies) -> Vec<&Field> {
        let Some(threshold) = table.thresholds.iter().find(|threshold| threshold.id == "survey-item") else {
            return Vec::new();
        };
        let is_low = |field: &&Field| {
            let scored = values.get(&field.id).and_then(|value| score(value));
            field.kind == FieldKind::Score
                && scored.is_some_and(|scored| threshold.is_reached(scored, 10) == Some(false))
        };
        self.fields.iter().filter(is_low).collect()
    }
}

const DEFAULT: &str = include_str!("default.toml");

static DEFAULTS: LazyLock<Vec<Form>> = LazyLock::new(|| read("forms.toml", DEFAULT).unwrap_or_default());

/// The shipped forms; that all can be read is held by a test.
#[must_use]
pub fn defaults() -> &'static [Form] {
    &DEFAULTS
}

/// A shipped form.
#[must_use]
pub fn shipped(id: FormId) -> Option<&'static Form> {
    defaults().iter().find(|form| form.id == id)
}

#[cfg(test)]
mod tests;
