//! Months of tickets: read, counted by the pure room, frozen once.

use chrono::{DateTime, Utc};
use linesman_process::statistics::{Bases, Report};

use crate::statistics::{Content, Frozen, Month};
use crate::ticket::Ticket;

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::{Store, StoreError, TicketFilter};

pub(super) const FREEZE: &str = "INSERT INTO monthly_report (month, frozen_at, frozen_by, rule_version, sha256, body) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (month) DO NOTHING";
pub(super) const FROZEN: &str =
    "SELECT month, frozen_at, frozen_by, sha256, body FROM monthly_report WHERE month = $1";
pub(super) const FROZEN_MONTHS: &str = "SELECT month, frozen_at, frozen_by, rule_version, sha256 \
     FROM monthly_report ORDER BY month DESC LIMIT 600";
pub(super) const OLDEST_TICKET: &str = "SELECT MIN(registered_at) FROM ticket";
pub(super) const COUNT_CUSTOMERS: &str = "SELECT COUNT(*) FROM customer WHERE erased_at IS NULL";

#[derive(sqlx::FromRow)]
struct FrozenRow {
    month: String,
    frozen_at: DateTime<Utc>,
    frozen_by: String,
    sha256: String,
    body: JsonText,
}

impl FrozenRow {
    fn understood(self) -> Result<Frozen, StoreError> {
        let content: Content = self.body.read("monthly_report", "body", &self.month)?;
        let frozen = Frozen { content, at: self.frozen_at, by: self.frozen_by, sha256: self.sha256 };
        if frozen.is_whole() {
            return Ok(frozen);
        }
        let wrong = "its content is not what was frozen";
        Err(StoreError::inconsistent("monthly_report", "sha256", self.month, wrong))
    }
}

/// A frozen month, without its figures.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FrozenMonth {
    /// As `2026-10`.
    pub month: String,
    /// When it was frozen.
    pub frozen_at: DateTime<Utc>,
    /// By whom.
    pub frozen_by: String,
    /// By which versions of the rules it was counted.
    pub rule_version: String,
    /// SHA-256 of its content.
    pub sha256: String,
}

impl Store {
    /// The frozen report of a month; `None` when it was not frozen.
    ///
    /// # Errors
    /// When the database does not answer, or the report is not what was frozen.
    pub async fn frozen_month(&self, month: Month) -> Result<Option<Frozen>, StoreError> {
        let row: Option<FrozenRow> = on!(self, pool => {
            sqlx::query_as(FROZEN).bind(month.to_string()).fetch_optional(pool).await
        })
        .map_err(|error| StoreError::of("read the report of", month, error))?;
        row.map(FrozenRow::understood).transpose()
    }

    /// Frozen months, the newest first; at most 600.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn frozen_months(&self) -> Result<Vec<FrozenMonth>, StoreError> {
        on!(self, pool => sqlx::query_as(FROZEN_MONTHS).fetch_all(pool).await)
            .map_err(|error| StoreError::of("list", "monthly reports", error))
    }

    /// Counts a month as its tickets stand now, beside the month before: that as it was frozen, else as it stands.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn count_month(&self, month: Month, now: DateTime<Utc>) -> Result<Content, StoreError> {
        let customers: i64 = on!(self, pool => sqlx::query_scalar(COUNT_CUSTOMERS).fetch_one(pool).await)
            .map_err(|error| StoreError::of("count", "customers", error))?;
        // Nobody is kept there until customers are registered; users in the regulator's sense are known to nobody.
        let bases =
            Bases { customers: u64::try_from(customers).ok().filter(|number| *number > 0), users: None };
        let before = self.report_before(month, now).await?;
        let tickets = self.tickets_of(month).await?;
        Ok(Content::of(month, &tickets, before, bases, now))
    }

    async fn report_before(&self, month: Month, now: DateTime<Utc>) -> Result<Option<Report>, StoreError> {
        let before = month.before();
        if let Some(frozen) = self.frozen_month(before).await? {
            return Ok(Some(frozen.content.report));
        }
        let began = self.oldest_ticket().await?;
        if began.is_none_or(|began| before.period().to <= began) {
            return Ok(None);
        }
        let tickets = self.tickets_of(before).await?;
        Ok(Some(Content::of(before, &tickets, None, Bases::default(), now).report))
    }

    async fn tickets_of(&self, month: Month) -> Result<Vec<Ticket>, StoreError> {
        let period = month.period();
        let filter = TicketFilter { from: Some(period.from), to: Some(period.to), ..TicketFilter::default() };
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.tickets(&filter, cursor.as_ref(), 1_000).await?;
            all.extend(page.tickets);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// When the first ticket was registered.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn oldest_ticket(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        on!(self, pool => sqlx::query_scalar(OLDEST_TICKET).fetch_one(pool).await)
            .map_err(|error| StoreError::of("look for", "the oldest ticket", error))
    }

    /// Keeps the report of a month; `false` when it was frozen before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn freeze_month(&self, frozen: &Frozen) -> Result<bool, StoreError> {
        let content = &frozen.content;
        let body = JsonText::of("monthly report", content)?;
        let mut tx = self.begin("freeze a month").await?;
        let rows = on_tx!(tx, connection => {
            sqlx::query(FREEZE)
                .bind(&content.month)
                .bind(frozen.at)
                .bind(text(&frozen.by))
                .bind(&content.rule_version)
                .bind(&frozen.sha256)
                .bind(&body)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("freeze", &content.month, error))?;
        tx.commit().await?;
        Ok(rows == 1)
    }
}
