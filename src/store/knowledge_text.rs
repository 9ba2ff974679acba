//! Words of articles in the database's own full text index: FTS5 in SQLite, a `tsvector` in PostgreSQL. Both are given
//! texts that were taken apart by [`crate::knowledge::tokens`], and are asked by tokens made in the same way: what an
//! index is asked never holds a sign that its query language could mean.
//!
//! An article is in the index from the transaction that keeps it; with the article its words go (a trigger in SQLite, a
//! foreign key in PostgreSQL). What is kept but not in the index, as after the migration that made it, is put in when
//! the daemon starts.

use std::collections::BTreeSet;

use crate::knowledge::article::Article;
use crate::knowledge::rank::Hits;
use crate::knowledge::tokens::{SEGMENTATION, tokens};

use super::backend::{Backend, on, on_tx};
use super::json::JsonText;
use super::knowledge::article;
use super::{Store, StoreError, Tx};

pub(super) const FORGET: &str = "DELETE FROM knowledge_text WHERE rowid = $1";
pub(super) const FORGET_ALL: &str = "DELETE FROM knowledge_text";
pub(super) const INSERT: &str =
    "INSERT INTO knowledge_text (rowid, title, symptom, cause, solution) VALUES ($1, $2, $3, $4, $5)";
/// Articles after a number that are not in the index.
pub(super) const NOT_IN: &str = "SELECT a.number, a.id, a.body FROM knowledge_article a WHERE a.number > $1 \
     AND NOT EXISTS (SELECT 1 FROM knowledge_text k WHERE k.rowid = a.number) ORDER BY a.number LIMIT 200";
/// A word of the title tells four times as much as one of the solution, in both databases.
const SEARCH_SQLITE: &str = "SELECT a.id, -bm25(knowledge_text, 4.0, 3.0, 2.0, 1.0) AS score \
     FROM knowledge_text JOIN knowledge_article a ON a.number = knowledge_text.rowid \
     WHERE knowledge_text MATCH $1 AND a.review = 'published' ORDER BY score DESC, a.id LIMIT $2";
const SEARCH_POSTGRES: &str = "SELECT a.id, \
     CAST(ts_rank('{0.25, 0.5, 0.75, 1.0}', k.words, asked) AS DOUBLE PRECISION) AS score \
     FROM to_tsquery('simple', $1) AS asked JOIN knowledge_text k ON k.words @@ asked \
     JOIN knowledge_article a ON a.number = k.rowid \
     WHERE a.review = 'published' ORDER BY score DESC, a.id LIMIT $2";
/// Under this name `meta` says how the texts in the index were taken apart.
const META_NAME: &str = "knowledge_segmentation";
/// A text is looked for by no more of its tokens.
const MOST_ASKED: usize = 200;
/// No more articles are found.
const MOST_FOUND: i64 = 1_000;

/// What the index is asked: any of the tokens. Each is quoted, and holds letters and digits alone.
fn asked(backend: &Backend, words: &str) -> Option<String> {
    let different: BTreeSet<String> = tokens(words).into_iter().collect();
    let (quote, or) = if backend.is_sqlite() { ('"', " OR ") } else { ('\'', " | ") };
    let quoted: Vec<String> =
        different.iter().take(MOST_ASKED).map(|token| format!("{quote}{token}{quote}")).collect();
    (!quoted.is_empty()).then(|| quoted.join(or))
}

impl Tx {
    /// Puts an article's words in the place of those that it had.
    pub(super) async fn keep_words(&mut self, article: &Article) -> Result<(), StoreError> {
        let [title, symptom, cause, solution] = article.searched();
        on_tx!(self, connection => {
            match sqlx::query(FORGET).bind(article.number).execute(&mut *connection).await {
                Ok(_) => sqlx::query(INSERT)
                    .bind(article.number)
                    .bind(&title)
                    .bind(&symptom)
                    .bind(&cause)
                    .bind(&solution)
                    .execute(connection)
                    .await
                    .map(drop),
                Err(error) => Err(error),
            }
        })
        .map_err(|error| StoreError::of("keep the words of article", article.number, error))
    }
}

impl Store {
    /// Puts into the index what is not in it; all of it anew where texts are taken apart in another way than before.
    pub(super) async fn index_articles(&self) -> Result<(), StoreError> {
        let mut tx = self.begin("look whether articles are in the index").await?;
        if tx.meta(META_NAME).await?.as_deref() != Some(SEGMENTATION) {
            on_tx!(tx, connection => sqlx::query(FORGET_ALL).execute(connection).await.map(drop))
                .map_err(|error| StoreError::of("empty", "the index of articles", error))?;
            tx.set_meta(META_NAME, SEGMENTATION).await?;
        }
        tx.commit().await?;
        let mut after = 0_i64;
        loop {
            let rows: Vec<(i64, String, JsonText)> =
                on!(self, pool => sqlx::query_as(NOT_IN).bind(after).fetch_all(pool).await)
                    .map_err(|error| StoreError::of("read", "articles that are not in the index", error))?;
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            after = *last;
            let mut tx = self.begin("put articles into the index").await?;
            for (number, id, body) in rows {
                match article((id, body)) {
                    Ok(article) => tx.keep_words(&article).await?,
                    // It is found by nothing until it is mended; that is no reason not to start.
                    Err(error) => tracing::error!(%error, number, "an article is not in the index"),
                }
            }
            tx.commit().await?;
        }
    }

    /// Which published articles have any of a text's words, and how well they fit.
    pub(super) async fn hits(&self, words: &str) -> Result<Hits, StoreError> {
        let Some(asked) = asked(&self.backend, words) else { return Ok(Hits::default()) };
        let statement = if self.backend.is_sqlite() { SEARCH_SQLITE } else { SEARCH_POSTGRES };
        let rows: Vec<(String, f64)> = on!(self, pool => {
            sqlx::query_as(statement).bind(&asked).bind(MOST_FOUND).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("search", "articles", error))?;
        // A word that every article has tells nothing of them, but it is there.
        Ok(rows.into_iter().map(|(id, score)| (id, score.max(f64::MIN_POSITIVE))).collect())
    }
}
