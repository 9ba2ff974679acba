//! Articles: kept with the words that they are found by; read by state, by class, by words.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

use crate::diagnosis::Class;
use crate::id::{os_random, uuid_v7};
use crate::inventory::Inventory;
use crate::knowledge::article::{Article, ArticleId, Kind, Review};
use crate::knowledge::draft::draft;
use crate::knowledge::rank::{Suggestion, rank};
use crate::knowledge::signature::Signature;
use crate::ticket::{Ticket, TicketId};

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::tickets::{TicketRow, understood};
use super::{Store, StoreError, Tx};

pub(super) const NEXT_NUMBER: &str = "SELECT COALESCE(MAX(number), 0) + 1 FROM knowledge_article";
pub(super) const INSERT_ARTICLE: &str = "INSERT INTO knowledge_article (id, number, version, kind, review, class, \
     purpose, source_ticket, updated_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
     ON CONFLICT DO NOTHING";
pub(super) const UPDATE_ARTICLE: &str = "UPDATE knowledge_article SET version = $2, review = $3, class = $4, \
     purpose = $5, updated_at = $6, body = $7 WHERE id = $1 AND version = $8";
pub(super) const ARTICLE_BY_ID: &str = "SELECT id, body FROM knowledge_article WHERE id = $1";
pub(super) const ARTICLE_BY_NUMBER: &str = "SELECT id, body FROM knowledge_article WHERE number = $1";
pub(super) const ARTICLE_OF_TICKET: &str = "SELECT id, body FROM knowledge_article WHERE source_ticket = $1";
pub(super) const PUBLISHED_OF_CLASS: &str = "SELECT id, body FROM knowledge_article \
     WHERE review = 'published' AND class = $1 ORDER BY number DESC LIMIT 500";
/// Solved tickets of B, C and D that left no draft yet.
pub(super) const TICKETS_WITHOUT_DRAFT: &str = "SELECT t.id, t.body FROM ticket t \
     WHERE t.state IN ('resolved', 'awaiting_confirmation', 'settled', 'closed') AND t.class IN ('B', 'C', 'D') \
     AND t.updated_at >= $1 \
     AND NOT EXISTS (SELECT 1 FROM knowledge_article a WHERE a.source_ticket = t.id) \
     ORDER BY t.registered_at, t.id LIMIT 100";
pub(super) const KEEP_USE: &str = "INSERT INTO knowledge_use (article_id, ticket_id, by_whom, helped, at) \
     VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (article_id, ticket_id, by_whom) DO UPDATE SET helped = excluded.helped, at = excluded.at";
pub(super) const USES: &str =
    "SELECT helped, COUNT(*) FROM knowledge_use WHERE article_id = $1 GROUP BY helped";

/// Longest list.
const LONGEST_LIST: i64 = 500;

/// Which articles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArticleFilter {
    /// In this state of review.
    pub review: Option<Review>,
    /// For cases of this class.
    pub class: Option<Class>,
    /// Of this kind.
    pub kind: Option<Kind>,
}

/// What people said of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// It helped.
    pub helped: u64,
    /// It did not.
    pub failed: u64,
}

pub(super) fn article((id, body): (String, JsonText)) -> Result<Article, StoreError> {
    body.read("knowledge_article", "body", id)
}

impl Tx {
    async fn insert_article(&mut self, article: &Article, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let body = JsonText::of("article", article)?;
        let rows = on_tx!(self, connection => {
            sqlx::query(INSERT_ARTICLE)
                .bind(&article.id.0)
                .bind(article.number)
                .bind(article.version)
                .bind(article.kind.name())
                .bind(article.review.name())
                .bind(article.signature.class.map_or("", Class::letter))
                .bind(article.purpose.as_deref().map(text).unwrap_or_default())
                .bind(article.source.as_ref().map(|ticket| text(&ticket.0)))
                .bind(at)
                .bind(&body)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("keep article", article.number, error))?;
        Ok(rows == 1)
    }

    async fn next_article(&mut self) -> Result<i64, StoreError> {
        on_tx!(self, connection => sqlx::query_scalar(NEXT_NUMBER).fetch_one(connection).await)
            .map_err(|error| StoreError::of("read", "the newest article", error))
    }
}

impl Store {
    /// Keeps a new article; `make` is handed its identity and number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_article(
        &self,
        now: DateTime<Utc>,
        make: impl FnOnce(ArticleId, i64) -> Article + Send,
    ) -> Result<Article, StoreError> {
        let id = ArticleId(uuid_v7(now, os_random()?));
        let mut tx = self.begin("keep an article").await?;
        let number = tx.next_article().await?;
        let article = make(id, number);
        if !tx.insert_article(&article, now).await? {
            let taken = "the number is taken, or its ticket has an article already";
            return Err(StoreError::inconsistent("knowledge_article", "number", number, taken));
        }
        tx.keep_words(&article).await?;
        tx.commit().await?;
        Ok(article)
    }

    /// Takes over a changed article; `false` when somebody changed it first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_article(&self, article: &Article, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let body = JsonText::of("article", article)?;
        let mut tx = self.begin("change an article").await?;
        let rows = on_tx!(tx, connection => {
            sqlx::query(UPDATE_ARTICLE)
                .bind(&article.id.0)
                .bind(article.version)
                .bind(article.review.name())
                .bind(article.signature.class.map_or("", Class::letter))
                .bind(article.purpose.as_deref().map(text).unwrap_or_default())
                .bind(now)
                .bind(&body)
                .bind(article.version - 1)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("change article", article.number, error))?;
        if rows == 1 {
            tx.keep_words(article).await?;
        }
        tx.commit().await?;
        Ok(rows == 1)
    }

    /// The article of a number as `KB-12` or `12`, or of an identity; `None` is an ordinary answer.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn article(&self, name: &str) -> Result<Option<Article>, StoreError> {
        let number = name.strip_prefix("KB-").unwrap_or(name).parse::<i64>().ok();
        let row: Option<(String, JsonText)> = match number {
            Some(number) => on!(self, pool => {
                sqlx::query_as(ARTICLE_BY_NUMBER).bind(number).fetch_optional(pool).await
            }),
            None => on!(self, pool => {
                sqlx::query_as(ARTICLE_BY_ID).bind(text(name)).fetch_optional(pool).await
            }),
        }
        .map_err(|error| StoreError::of("read article", name, error))?;
        row.map(article).transpose()
    }

    /// The article that a ticket left.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn article_of(&self, ticket: &TicketId) -> Result<Option<Article>, StoreError> {
        let row: Option<(String, JsonText)> = on!(self, pool => {
            sqlx::query_as(ARTICLE_OF_TICKET).bind(text(&ticket.0)).fetch_optional(pool).await
        })
        .map_err(|error| StoreError::of("read the article of ticket", ticket, error))?;
        row.map(article).transpose()
    }

    /// Articles, the newest first; at most 500.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn articles(&self, filter: &ArticleFilter) -> Result<Vec<Article>, StoreError> {
        let rows: Vec<(String, JsonText)> = on!(self, pool => {
            let mut query = QueryBuilder::new("SELECT id, body FROM knowledge_article WHERE 1 = 1");
            if let Some(review) = filter.review {
                query.push(" AND review = ").push_bind(review.name());
            }
            if let Some(class) = filter.class {
                query.push(" AND class = ").push_bind(class.letter());
            }
            if let Some(kind) = filter.kind {
                query.push(" AND kind = ").push_bind(kind.name());
            }
            query.push(" ORDER BY number DESC LIMIT ").push_bind(LONGEST_LIST);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("list", "articles", error))?;
        rows.into_iter().map(article).collect()
    }

    /// Published articles for a case: by its signature, then by words.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn suggestions(
        &self,
        case: &Signature,
        words: &str,
        most: usize,
    ) -> Result<Vec<Suggestion>, StoreError> {
        let mut articles = match case.class {
            Some(class) => self.published_of(class).await?,
            None => Vec::new(),
        };
        let hits = self.hits(words).await?;
        let known: BTreeSet<String> = articles.iter().map(|article| article.id.0.clone()).collect();
        let mut found: Vec<(&String, f64)> =
            hits.iter().filter(|(id, _)| !known.contains(*id)).map(|(id, score)| (id, *score)).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        found.truncate(most);
        for (id, _) in found {
            articles.extend(self.article(id).await?);
        }
        Ok(rank(case, &hits, articles, most))
    }

    async fn published_of(&self, class: Class) -> Result<Vec<Article>, StoreError> {
        let rows: Vec<(String, JsonText)> = on!(self, pool => {
            sqlx::query_as(PUBLISHED_OF_CLASS).bind(class.letter()).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read", "published articles", error))?;
        rows.into_iter().map(article).collect()
    }

    /// Solved tickets of B, C and D, changed since, that left no draft yet; at most 100.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn tickets_without_draft(&self, since: DateTime<Utc>) -> Result<Vec<Ticket>, StoreError> {
        let rows: Vec<TicketRow> =
            on!(self, pool => sqlx::query_as(TICKETS_WITHOUT_DRAFT).bind(since).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read", "solved tickets without an article", error))?;
        rows.into_iter().map(understood).collect()
    }

    /// Keeps the draft of a solved ticket, or answers the article that it left already.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn draft_article(
        &self,
        ticket: &Ticket,
        inventory: &Inventory,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<Article, StoreError> {
        if let Some(known) = self.article_of(&ticket.id).await? {
            return Ok(known);
        }
        self.add_article(now, |id, number| draft(ticket, inventory, id, number, by, now)).await
    }

    /// Keeps what somebody said of an article after using it for a ticket.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn article_used(
        &self,
        article: &ArticleId,
        ticket: &TicketId,
        by: &str,
        helped: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin("keep the use of an article").await?;
        on_tx!(tx, connection => {
            sqlx::query(KEEP_USE)
                .bind(&article.0)
                .bind(&ticket.0)
                .bind(text(by))
                .bind(helped)
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })
        .map_err(|error| StoreError::of("keep the use of article", article, error))?;
        tx.commit().await
    }

    /// What people said of an article.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn article_uses(&self, article: &ArticleId) -> Result<Uses, StoreError> {
        let rows: Vec<(bool, i64)> =
            on!(self, pool => sqlx::query_as(USES).bind(text(&article.0)).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read the uses of article", article, error))?;
        let count = |wanted: bool| {
            let of = rows.iter().find(|(helped, _)| *helped == wanted);
            of.and_then(|(_, count)| u64::try_from(*count).ok()).unwrap_or(0)
        };
        Ok(Uses { helped: count(true), failed: count(false) })
    }
}
