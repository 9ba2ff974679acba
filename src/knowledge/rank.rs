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
    /// How well its words fit; 0 when they were not looked for.
    pub text: f64,
}

/// How often tokens stand in the articles that hold them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hits {
    /// Published articles there are.
    pub articles: u64,
    /// Of each token asked for, the articles that have it, with its weight there.
    pub weights: BTreeMap<String, Vec<(String, u32)>>,
}

impl Hits {
    /// How well each article's words fit: a rare token tells more than a common one.
    #[must_use]
    pub fn scores(&self) -> BTreeMap<&str, f64> {
        let mut scores: BTreeMap<&str, f64> = BTreeMap::new();
        for articles in self.weights.values() {
            // Counts of articles are far below what a double holds exactly.
            let rarity = (1.0 + self.articles as f64 / articles.len().max(1) as f64).ln();
            for (article, weight) in articles {
                *scores.entry(article).or_default() += rarity * f64::from(*weight).sqrt();
            }
        }
        scores
    }
}

/// The best articles for a case, at most so many: by signature before by words, each once.
#[must_use]
pub fn rank(case: &Signature, hits: &Hits, articles: Vec<Article>, most: usize) -> Vec<Suggestion> {
    let scores = hits.scores();
    let mut all: Vec<Suggestion> = articles
        .into_iter()
        .filter(|article| article.kind == Kind::Case)
        .map(|article| {
            let likeness = case.likeness(&article.signature);
            let likeness = if likeness >= LIKE_ENOUGH { likeness } else { 0 };
            let text = scores.get(article.id.0.as_str()).copied().unwrap_or(0.0);
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
    fn r107_signature_goes_before_words_and_a_rare_word_before_a_common_one() {
        let fibre = Signature { class: Some(Class::B), cause: Some(Cause::Fibre), ..Signature::default() };
        let hits = Hits {
            articles: 100,
            weights: BTreeMap::from([
                (
                    "common".to_owned(),
                    (0..50).map(|n| (format!("x{n}"), 4)).chain([("b".to_owned(), 4)]).collect(),
                ),
                ("rare".to_owned(), vec![("c".to_owned(), 4)]),
            ]),
        };
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
