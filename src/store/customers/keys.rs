//! Which keys the database was written with. It knows their prints, never the keys, so that a wrong
//! key file is found when the daemon starts and not when somebody has to be called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::privacy::Keyring;

use super::super::attachments::ATTACHMENT;
use super::super::backend::{on, on_tx};
use super::super::calls::CALL;
use super::super::{Store, StoreError, Tx};
use super::row::{ASSET, CONTACT, CUSTOMER, TEXT, TICKET_TEXT, open, seal};

const META: &str = "privacy_keys";
/// Rows sealed anew in one transaction.
const A_STEP: i64 = 200;

pub(in crate::store) const SEALED_ROWS: &str = "SELECT (SELECT COUNT(*) FROM customer WHERE name_enc IS NOT NULL) \
     + (SELECT COUNT(*) FROM contact) + (SELECT COUNT(*) FROM customer_text) \
     + (SELECT COUNT(*) FROM voice_call WHERE from_enc IS NOT NULL OR to_enc IS NOT NULL) \
     + (SELECT COUNT(*) FROM ticket_attachment) \
     + (SELECT COUNT(*) FROM ticket_text WHERE body_enc IS NOT NULL)";

/// A sealed column: where it is, how rows of other keys are found, how one is written.
struct Column {
    table: &'static str,
    field: &'static str,
    others: &'static str,
    write: &'static str,
}

macro_rules! columns {
    ($($table:ident . $field:literal / $column:literal of $name:literal),+ $(,)?) => {
        &[$(Column {
            table: $table,
            field: $field,
            others: concat!("SELECT id, ", $column, " FROM ", $name, " WHERE ", $column, " IS NOT NULL AND ",
                $column, " NOT LIKE $1 ORDER BY id LIMIT $2"),
            write: concat!("UPDATE ", $name, " SET ", $column, " = $2 WHERE id = $1 AND ", $column, " = $3"),
        }),+]
    };
}

const COLUMNS: &[Column] = columns! {
    CUSTOMER."name" / "name_enc" of "customer",
    CUSTOMER."note" / "note_enc" of "customer",
    CONTACT."name" / "name_enc" of "contact",
    CONTACT."phone" / "phone_enc" of "contact",
    CONTACT."email" / "email_enc" of "contact",
    CONTACT."address" / "address_enc" of "contact",
    CONTACT."im_handle" / "im_handle_enc" of "contact",
    ASSET."serial" / "serial_enc" of "service_asset",
    TEXT."text" / "text_enc" of "customer_text",
    CALL."from" / "from_enc" of "voice_call",
    CALL."to" / "to_enc" of "voice_call",
    TICKET_TEXT."body" / "body_enc" of "ticket_text",
    ATTACHMENT."content" / "content_enc" of "ticket_attachment",
};

/// What the database remembers of its keys.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    search: String,
    keys: BTreeMap<String, String>,
}

impl Remembered {
    fn of(keys: &Keyring) -> Self {
        let prints = keys.prints().map(|(id, print)| (id.to_owned(), print.to_owned()));
        Self { search: keys.search_print().to_owned(), keys: prints.collect() }
    }

    /// Why these keys do not open what was written with the remembered ones.
    fn refusal(&self, keys: &Keyring) -> Option<String> {
        if self.search != keys.search_print() {
            return Some("its `search` key is another one".to_owned());
        }
        self.keys.iter().find_map(|(id, print)| match keys.print_of(id) {
            None => Some(format!("it lacks the key `{id}`")),
            Some(other) if other != print => Some(format!("its key `{id}` is another one")),
            Some(_) => None,
        })
    }
}

impl Store {
    /// Takes the keys, if they are those that the database was written with.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`], or when the database does not answer.
    pub async fn use_keys(&self, keys: Keyring) -> Result<(), StoreError> {
        let mut tx = self.begin("note the keys").await?;
        let wanted = Remembered::of(&keys);
        let remembered = remembered(&mut tx).await?;
        if let Some(known) = remembered.filter(|known| *known != wanted) {
            let sealed = sealed_rows(&mut tx).await?;
            if let Some(reason) = known.refusal(&keys).filter(|_| sealed > 0) {
                return Err(StoreError::WrongKey { reason });
            }
        }
        let encoded = serde_json::to_string(&wanted).map_err(|source| StoreError::Encode {
            object: "prints of keys",
            source: std::sync::Arc::new(source),
        })?;
        tx.set_meta(META, &encoded).await?;
        tx.commit().await?;
        // A second call changes nothing: the keys of a daemon are those that it started with.
        let _ = self.keys.set(keys);
        Ok(())
    }

    /// Whether anything is kept that only the right keys open.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn holds_personal_data(&self) -> Result<bool, StoreError> {
        let rows: i64 = on!(self, pool => sqlx::query_scalar(SEALED_ROWS).fetch_one(pool).await)
            .map_err(|error| StoreError::of("count", "sealed rows", error))?;
        Ok(rows > 0)
    }

    /// Why these keys are not those that the database was written with; writes nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn refusal_of_keys(&self, keys: &Keyring) -> Result<Option<String>, StoreError> {
        let value: Option<String> =
            on!(self, pool => sqlx::query_scalar(super::super::META).bind(META).fetch_optional(pool).await)
                .map_err(|error| StoreError::of("read meta", META, error))?;
        let Some(value) = value else { return Ok(None) };
        let remembered: Remembered = serde_json::from_str(&value)
            .map_err(|error| StoreError::inconsistent("meta", "value", META, error))?;
        Ok(remembered.refusal(keys))
    }

    /// The keys in use.
    pub(in crate::store) fn keys(&self) -> Result<&Keyring, StoreError> {
        self.keys.get().ok_or(StoreError::NoKey)
    }

    /// Values that are not sealed with this key, by column; for `linesman audit keys`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sealed_otherwise(&self, key: &str) -> Result<u64, StoreError> {
        let mut count = 0_u64;
        for column in COLUMNS {
            let rows: Vec<(String, String)> = on!(self, pool => {
                sqlx::query_as(column.others).bind(pattern(key)).bind(i64::MAX).fetch_all(pool).await
            })
            .map_err(|error| StoreError::of("count sealed values of", column.table, error))?;
            count += rows.len() as u64;
        }
        Ok(count)
    }

    /// Seals anew, in bounded steps, whatever an older key has sealed, and what an older program left in clear;
    /// says how many values.
    ///
    /// # Errors
    /// When the database does not answer or a value does not open; what was done so far stays done.
    pub async fn seal_anew(&self) -> Result<u64, StoreError> {
        let Some(keys) = self.keys.get() else { return Ok(0) };
        let mut done = self.seal_what_is_clear(keys).await?;
        for column in COLUMNS {
            loop {
                let step = self.seal_step(keys, column).await?;
                done += step;
                if step < A_STEP.unsigned_abs() {
                    break;
                }
            }
        }
        if done > 0 {
            self.leave_nothing_in_the_log().await;
        }
        Ok(done)
    }

    async fn seal_step(&self, keys: &Keyring, column: &Column) -> Result<u64, StoreError> {
        let fail = |error| StoreError::of("seal anew", column.table, error);
        let rows: Vec<(String, String)> = on!(self, pool => {
            sqlx::query_as(column.others).bind(pattern(keys.newest())).bind(A_STEP).fetch_all(pool).await
        })
        .map_err(fail)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin("seal anew").await?;
        for (id, old) in &rows {
            let opened = open(keys, (column.table, id, column.field), Some(old))?;
            let new = seal(keys, (column.table, id, column.field), opened.as_ref())?;
            on_tx!(tx, connection => {
                sqlx::query(column.write).bind(id).bind(&new).bind(old).execute(connection).await.map(drop)
            })
            .map_err(fail)?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Forgets the prints of keys that seal nothing any more: their lines may be taken out of the file.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_old_keys(&self) -> Result<(), StoreError> {
        let Some(keys) = self.keys.get() else { return Ok(()) };
        let newest = keys.prints().last().map(|(id, print)| (id.to_owned(), print.to_owned()));
        let wanted =
            Remembered { search: keys.search_print().to_owned(), keys: newest.into_iter().collect() };
        let mut tx = self.begin("forget old keys").await?;
        if remembered(&mut tx).await?.as_ref() == Some(&wanted) {
            return Ok(());
        }
        let encoded = serde_json::to_string(&wanted).map_err(|source| StoreError::Encode {
            object: "prints of keys",
            source: std::sync::Arc::new(source),
        })?;
        tx.set_meta(META, &encoded).await?;
        tx.commit().await
    }
}

/// What a value begins with that this key has sealed; names of keys hold nothing that LIKE reads.
fn pattern(key: &str) -> String {
    format!("{key}:%")
}

async fn remembered(tx: &mut Tx) -> Result<Option<Remembered>, StoreError> {
    let Some(value) = tx.meta(META).await? else { return Ok(None) };
    let remembered = serde_json::from_str(&value)
        .map_err(|error| StoreError::inconsistent("meta", "value", META, error))?;
    Ok(Some(remembered))
}

async fn sealed_rows(tx: &mut Tx) -> Result<i64, StoreError> {
    on_tx!(tx, connection => sqlx::query_scalar(SEALED_ROWS).fetch_one(connection).await)
        .map_err(|error| StoreError::of("count", "sealed rows", error))
}
