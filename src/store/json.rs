//! Documents as text: `TEXT` in SQLite, `JSONB` in PostgreSQL, and texts that both can keep.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::types::Json;
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};

use super::StoreError;

/// A JSON document as text. It is read in two steps so that a document that cannot be understood
/// is reported by its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonText(String);

impl JsonText {
    /// A value as a document that both databases can keep.
    pub(crate) fn of<T: Serialize>(object: &'static str, value: &T) -> Result<Self, StoreError> {
        let encode = |source| StoreError::Encode { object, source: Arc::new(source) };
        let text = serde_json::to_string(value).map_err(encode)?;
        if !text.contains("\\u0000") {
            return Ok(Self(text));
        }
        let mut document = serde_json::from_str(&text).map_err(encode)?;
        scrub(&mut document);
        Ok(Self(document.to_string()))
    }

    /// The document as it is written.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// The value, or which row cannot be understood.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        table: &'static str,
        column: &str,
        row: impl std::fmt::Display,
    ) -> Result<T, StoreError> {
        serde_json::from_str(&self.0).map_err(|error| StoreError::inconsistent(table, column, row, error))
    }
}

/// A text that both databases can keep: PostgreSQL refuses U+0000, which strangers may send.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

fn scrub(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(inner) if inner.contains('\0') => *inner = text(inner).into_owned(),
        serde_json::Value::Array(items) => items.iter_mut().for_each(scrub),
        serde_json::Value::Object(map) => {
            for (key, mut inner) in std::mem::take(map) {
                scrub(&mut inner);
                map.insert(text(&key).into_owned(), inner);
            }
        }
        _ => {}
    }
}

impl Type<Sqlite> for JsonText {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for JsonText {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.0.clone(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for JsonText {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        <String as Decode<Sqlite>>::decode(value).map(Self)
    }
}

/// First byte of a JSONB document on the wire; there is no other version.
const JSONB_VERSION: u8 = 1;

impl Type<Postgres> for JsonText {
    fn type_info() -> PgTypeInfo {
        <Json<()> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for JsonText {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.push(JSONB_VERSION);
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for JsonText {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = value.as_bytes()?;
        let bytes = match (value.format(), bytes.split_first()) {
            (PgValueFormat::Binary, Some((&JSONB_VERSION, document))) => document,
            (PgValueFormat::Binary, _) => return Err("unknown version of JSONB".into()),
            (PgValueFormat::Text, _) => bytes,
        };
        Ok(Self(std::str::from_utf8(bytes)?.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postgresql_cannot_keep_is_replaced_and_nothing_else() {
        let document = serde_json::json!({"a\u{0}": ["\u{0}b", {"c": "\\u0000"}]});
        let kept = JsonText::of("test", &document).unwrap();
        let read: serde_json::Value = kept.read("t", "c", 1).unwrap();
        assert_eq!(read, serde_json::json!({"a\u{fffd}": ["\u{fffd}b", {"c": "\\u0000"}]}));
    }
}
