//! An article: its words in two languages, its review, and who changed what (R107, R108, R114).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::locale::Language;
use crate::ticket::registration::named;
use crate::ticket::{Actor, TicketId};

use super::Signature;

/// Longest field, in signs.
pub const LONGEST: usize = 10_000;

/// Identity of an article; people use its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ArticleId(pub String);

impl std::fmt::Display for ArticleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

named! {
    /// What an article is.
    Kind {
        /// A solved case.
        Case = "case",
        /// A set phrase for a purpose (R36, R112).
        Script = "script",
    }
}

named! {
    /// Where an article is in its review.
    Review {
        /// Being written.
        Draft = "draft",
        /// Waits for somebody else to read it.
        InReview = "in_review",
        /// Suggested to everybody.
        Published = "published",
        /// Kept, and suggested no more.
        Retired = "retired",
    }
}

named! {
    /// What is done to an article's review.
    Move {
        /// Give it to be read.
        Submit = "submit",
        /// Publish it.
        Publish = "publish",
        /// Back to be written.
        SendBack = "send_back",
        /// Suggest it no more.
        Retire = "retire",
    }
}

/// What it says in a language; empty where nobody has written it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Words {
    /// In one line.
    #[schema(max_length = 10000)]
    pub title: String,
    /// How it shows.
    #[schema(max_length = 10000)]
    pub symptom: String,
    /// What it was.
    #[schema(max_length = 10000)]
    pub cause: String,
    /// What helps; of a script what is said.
    #[schema(max_length = 10000)]
    pub solution: String,
}

impl Words {
    /// Field by field; a word that is found in an earlier one tells more.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 4] {
        [
            ("title", &self.title),
            ("symptom", &self.symptom),
            ("cause", &self.cause),
            ("solution", &self.solution),
        ]
    }

    fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, words)| words.trim().is_empty())
    }
}

/// A change of an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ArticleChange)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// What: `drafted`, `edited`, or a move.
    pub what: String,
}

/// An article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Article {
    /// For programs.
    pub id: ArticleId,
    /// For people: `KB-12`.
    pub number: i64,
    /// Counts changes.
    pub version: i64,
    /// What it is.
    pub kind: Kind,
    /// Where its review stands.
    pub review: Review,
    /// For which cases.
    pub signature: Signature,
    /// Purpose of a script, as `apology`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// English.
    pub en: Words,
    /// Chinese.
    pub zh: Words,
    /// The ticket that it was drafted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<TicketId>,
    /// What happened to it, oldest first.
    pub changes: Vec<Change>,
}

/// What an edit changes; what is not stated stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Edit {
    /// English.
    pub en: Option<Words>,
    /// Chinese.
    pub zh: Option<Words>,
    /// For which cases.
    pub signature: Option<Signature>,
    /// Purpose of a script.
    #[schema(max_length = 40)]
    pub purpose: Option<String>,
}

/// Why something cannot be done to an article: a pointer into the body, and the name of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Where, as `/en/title`; empty for the whole.
    pub pointer: String,
    /// Which sentence of the catalogues.
    pub code: &'static str,
}

fn unfit(pointer: &str, code: &'static str) -> Unfit {
    Unfit { pointer: pointer.to_owned(), code }
}

impl Article {
    /// `KB-12`.
    #[must_use]
    pub fn number_text(&self) -> String {
        format!("KB-{}", self.number)
    }

    /// Its words in a language, in the other where nobody wrote them.
    #[must_use]
    pub fn words(&self, language: Language) -> &Words {
        let (own, other) = match language {
            Language::English => (&self.en, &self.zh),
            Language::Chinese => (&self.zh, &self.en),
        };
        if own.is_empty() { other } else { own }
    }

    /// What a text search finds it by, field by field: the tokens of both languages.
    #[must_use]
    pub fn searched(&self) -> [String; 4] {
        let (en, zh) = (self.en.fields(), self.zh.fields());
        std::array::from_fn(|field| {
            let both = [en[field].1, zh[field].1].map(super::tokens::segmented);
            both.join(" ").trim().to_owned()
        })
    }

    /// Changed by a person. What was published is read again before it is suggested again.
    ///
    /// # Errors
    /// Everything that speaks against it.
    pub fn edited(mut self, edit: Edit, by: &Actor, at: DateTime<Utc>) -> Result<Self, Vec<Unfit>> {
        let mut wrong = Vec::new();
        if self.review == Review::Retired {
            wrong.push(unfit("", "article_retired"));
        }
        for (language, words) in [("en", &edit.en), ("zh", &edit.zh)] {
            let Some(words) = words else { continue };
            for (field, text) in words.fields() {
                if text.chars().count() > LONGEST {
                    wrong.push(unfit(&format!("/{language}/{field}"), "article_long"));
                }
                let forbidden = |sign: char| sign.is_control() && !matches!(sign, '\n' | '\r' | '\t');
                if text.contains(forbidden) {
                    wrong.push(unfit(&format!("/{language}/{field}"), "control"));
                }
            }
        }
        let fits = |purpose: &String| super::script::PURPOSES.contains(&purpose.as_str());
        if self.kind == Kind::Script && edit.purpose.as_ref().is_some_and(|purpose| !fits(purpose)) {
            wrong.push(unfit("/purpose", "script_purpose"));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        self.en = edit.en.unwrap_or(self.en);
        self.zh = edit.zh.unwrap_or(self.zh);
        self.signature = edit.signature.unwrap_or(self.signature);
        self.purpose = edit.purpose.or(self.purpose);
        if self.review == Review::Published {
            self.review = Review::InReview;
        }
        self.note("edited", by, at);
        Ok(self)
    }

    /// Moved in its review. Nobody but a manager publishes what he wrote last himself.
    ///
    /// # Errors
    /// Everything that speaks against it.
    pub fn moved(
        mut self,
        to: Move,
        by: &Actor,
        is_manager: bool,
        at: DateTime<Utc>,
    ) -> Result<Self, Vec<Unfit>> {
        let mut wrong = Vec::new();
        let next = match (to, self.review) {
            (Move::Submit, Review::Draft) => Some(Review::InReview),
            (Move::Publish, Review::Draft | Review::InReview) => Some(Review::Published),
            (Move::SendBack, Review::InReview) => Some(Review::Draft),
            (Move::Retire, Review::Draft | Review::InReview | Review::Published) => Some(Review::Retired),
            _ => None,
        };
        if next.is_none() {
            wrong.push(unfit("", "article_move"));
        }
        if matches!(to, Move::Submit | Move::Publish) {
            wrong.extend(self.lacks());
        }
        let wrote = self.changes.iter().rev().find(|change| matches!(&*change.what, "edited" | "drafted"));
        if to == Move::Publish && !is_manager && wrote.is_some_and(|change| change.by == by.0) {
            wrong.push(unfit("", "article_own"));
        }
        match next {
            Some(next) if wrong.is_empty() => self.review = next,
            _ => return Err(wrong),
        }
        self.note(to.name(), by, at);
        Ok(self)
    }

    /// What has to be there before anybody else reads it: in one language a title and what helps.
    fn lacks(&self) -> Vec<Unfit> {
        let whole = |words: &Words| !words.title.trim().is_empty() && !words.solution.trim().is_empty();
        let mut wrong = Vec::new();
        if !whole(&self.en) && !whole(&self.zh) {
            wrong.push(unfit("/en/solution", "article_words"));
        }
        if self.kind == Kind::Case && self.signature.class.is_none() {
            wrong.push(unfit("/signature/class", "article_class"));
        }
        if self.kind == Kind::Script && self.purpose.is_none() {
            wrong.push(unfit("/purpose", "script_purpose"));
        }
        wrong
    }

    fn note(&mut self, what: &str, by: &Actor, at: DateTime<Utc>) {
        self.version += 1;
        self.changes.push(Change { at, by: by.0.clone(), what: what.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Class;

    fn article() -> Article {
        Article {
            id: ArticleId("a".to_owned()),
            number: 1,
            version: 1,
            kind: Kind::Case,
            review: Review::Draft,
            signature: Signature { class: Some(Class::B), ..Signature::default() },
            purpose: None,
            en: Words { title: "Fibre cut".to_owned(), ..Words::default() },
            zh: Words::default(),
            source: None,
            changes: vec![Change {
                at: DateTime::UNIX_EPOCH,
                by: "linesman".to_owned(),
                what: "drafted".to_owned(),
            }],
        }
    }

    fn by(name: &str) -> Actor {
        Actor(name.to_owned())
    }

    fn codes(wrong: Result<Article, Vec<Unfit>>) -> Vec<&'static str> {
        wrong.err().unwrap_or_default().into_iter().map(|one| one.code).collect()
    }

    #[test]
    fn r108_an_article_is_published_once_it_says_what_helps_and_by_another_than_its_writer() {
        let at = DateTime::UNIX_EPOCH;
        assert_eq!(codes(article().moved(Move::Publish, &by("wu"), false, at)), ["article_words"]);
        let words = Words { solution: "Splice it.".to_owned(), ..article().en };
        let edit = Edit { en: Some(words), ..Edit::default() };
        let written = article().edited(edit, &by("wu"), at).expect("edited");
        assert_eq!(codes(written.clone().moved(Move::Publish, &by("wu"), false, at)), ["article_own"]);
        assert!(written.clone().moved(Move::Publish, &by("wu"), true, at).is_ok(), "a manager may");
        let published = written.moved(Move::Publish, &by("mei"), false, at).expect("published");
        assert_eq!((published.review, published.version), (Review::Published, 3));
        assert_eq!(codes(published.clone().moved(Move::Submit, &by("wu"), false, at)), ["article_move"]);
        let again = published.clone().edited(Edit::default(), &by("wu"), at).expect("edited");
        assert_eq!(again.review, Review::InReview, "it is read again");
        let retired = published.moved(Move::Retire, &by("mei"), true, at).expect("retired");
        assert_eq!(codes(retired.edited(Edit::default(), &by("wu"), at)), ["article_retired"]);
    }

    #[test]
    fn words_of_the_other_language_stand_in_where_nobody_wrote_them() {
        let article = article();
        assert_eq!(article.words(Language::Chinese).title, "Fibre cut");
    }

    #[test]
    fn an_article_is_found_by_the_words_of_both_languages() {
        let mut article = article();
        article.zh.title = "光缆中断".to_owned();
        assert_eq!(article.searched(), ["fibre cut 光缆 缆中 中断", "", "", ""]);
    }

    #[test]
    fn r114_every_change_says_who_and_when_and_what_is_too_long_names_its_place() {
        let long = Words { title: "x".repeat(LONGEST + 1), ..Words::default() };
        let edit = Edit { zh: Some(long), ..Edit::default() };
        let wrong = article().edited(edit, &by("wu"), DateTime::UNIX_EPOCH).expect_err("too long");
        assert_eq!((wrong[0].pointer.as_str(), wrong[0].code), ("/zh/title", "article_long"));
        let edited = article().edited(Edit::default(), &by("wu"), DateTime::UNIX_EPOCH).expect("edited");
        assert_eq!((edited.changes.len(), edited.changes[1].by.as_str()), (2, "wu"));
    }
}
