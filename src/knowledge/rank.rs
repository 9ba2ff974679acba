//! Articles for a case: first those of its signature, then those that its words find.

use std::collections::BTreeMap;

use super::article::{Article, Kind};
use super::signature::Signature;

/// So alike a signature has to be, in parts of a thousand.
const LIKE_ENOUGH: u32 = 450;

/// An article for a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The article.
    pub article: Article,
    /// How alike its signature is, in parts of a thousand; 0 when it was found by words alone.
    pub likeness: u32,
    /// How well its words fit, as [`Hits`] says; 0 when they were not found or not looked for.
    pub text: f64,
}

/// How well the words of articles fit, by identity: more is better, what was not found is not there. The figure is the
/// database's own (SQLite `bm25`, PostgreSQL `ts_rank`) and compares with those of the same search alone.
pub type Hits = BTreeMap<String, f64>;

/// The best articles for a case, at most so many: by signature before by words, each once.
#[must_use]
pub fn rank(case: &Signature, hits: &Hits, articles: Vec<Article>, most: usize) -> Vec<Suggestion> {
    let mut all: Vec<Suggestion> = articles
        .into_iter()
        .filter(|article| article.kind == Kind::Case)
        .map(|article| {
            let likeness = case.likeness(&article.signature);
            let likeness = if likeness >= LIKE_ENOUGH { likeness } else { 0 };
            let text = hits.get(&article.id.0).copied().unwrap_or(0.0);
            Suggestion { article, likeness, text }
        })
        .filter(|one| one.likeness > 0 || one.text > 0.0)
        .collect();
    all.sort_by(|a, b| {
        let by_text = b.text.total_cmp(&a.text);
        let by_number = b.article.number.cmp(&a.article.number);
        (b.likeness > 0)
            .cmp(&(a.likeness > 0))
            .then(b.likeness.cmp(&a.likeness))
            .then(by_text)
            .then(by_number)
    });
    all.truncate(most);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Cause, Class};
    use crate::knowledge::article::{ArticleId, Review, Words};

    fn article(id: &str, number: i64, signature: Signature) -> Article {
        Article {
            id: ArticleId(id.to_owned()),
            number,
            version: 1,
            kind: Kind::Case,
            review: Review::Published,
            signature,
            purpose: None,
            en: Words::default(),
            zh: Words::default(),
            source: None,
            changes: Vec::new(),
        }
    }

    #[test]
    fn r107_signature_goes_before_words_and_words_that_fit_better_before_others() {
        let fibre = Signature { class: Some(Class::B), cause: Some(Cause::Fibre), ..Signature::default() };
        let hits = Hits::from([("b".to_owned(), 0.1), ("c".to_owned(), 0.3)]);
        let articles = vec![
            article("a", 1, fibre.clone()),
            article("b", 2, Signature::default()),
            article("c", 3, Signature::default()),
            article("d", 4, Signature::default()),
        ];
        let ids: Vec<String> =
            rank(&fibre, &hits, articles, 9).into_iter().map(|one| one.article.id.0).collect();
        assert_eq!(ids, ["a", "c", "b"]);
    }
}
