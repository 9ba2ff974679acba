//! Texts in both languages.

use serde::{Deserialize, Serialize};

/// Language of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Language {
    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text {
    /// English.
    pub en: String,
    /// Simplified Chinese, in the operator's own terms where there are such.
    pub zh: String,
}

impl Text {
    /// Of its two versions.
    #[must_use]
    pub fn new(en: &str, zh: &str) -> Self {
        Self { en: en.to_owned(), zh: zh.to_owned() }
    }

    /// In a language.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }

    /// What is wrong with it: a version that is empty, or Chinese without a Chinese sign.
    pub(crate) fn wrong(&self) -> Option<&'static str> {
        let is_chinese = |sign: char| matches!(sign, '\u{3400}'..='\u{9fff}');
        if self.en.trim().is_empty() {
            Some("the English text is missing; write `text = \"…\"`")
        } else if !self.zh.chars().any(is_chinese) {
            Some("the Chinese text is missing; write `text_zh = \"…\"` in Chinese")
        } else {
            None
        }
    }
}
