//! Lists go on by a cursor that says where the last page ended, never by counting.

use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::AppendHeaders;
use chrono::{DateTime, Utc};

use crate::http::auth::percent_encode;
use crate::http::error::Flaw;
use crate::store::TicketCursor;

/// The wished number of entries, checked.
///
/// # Errors
/// A flaw when it is 0 or more than `most`.
pub fn limit(wish: Option<u32>, usual: u32, most: u32) -> Result<u32, Flaw> {
    let limit = wish.unwrap_or(usual);
    if (1..=most).contains(&limit) { Ok(limit) } else { Err(Flaw::at("?limit", "limit").with("most", most)) }
}

/// A cursor as text; clients do not look into it.
#[must_use]
pub fn write_cursor(cursor: &TicketCursor) -> String {
    format!("{:x}.{}", cursor.registered_at.timestamp_micros(), cursor.id)
}

/// What [`write_cursor`] wrote.
#[must_use]
pub fn read_cursor(text: &str) -> Option<TicketCursor> {
    let (micros, id) = text.split_once('.')?;
    let registered_at = DateTime::<Utc>::from_timestamp_micros(i64::from_str_radix(micros, 16).ok()?)?;
    let sound = !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then(|| TicketCursor { registered_at, id: id.to_owned() })
}

/// The `Link` header (RFC 8288) to the next page: this address with `parameter` set to `value`.
pub fn next_link(
    uri: &Uri,
    parameter: &str,
    value: Option<&str>,
) -> AppendHeaders<Option<(HeaderName, HeaderValue)>> {
    let link = value.and_then(|value| {
        let prefix = format!("{parameter}=");
        let kept = uri.query().unwrap_or_default().split('&');
        let mut query: Vec<String> =
            kept.filter(|pair| !pair.is_empty() && !pair.starts_with(&prefix)).map(str::to_owned).collect();
        query.push(format!("{prefix}{}", percent_encode(value).replace('/', "%2F")));
        let link = format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"));
        HeaderValue::from_str(&link).ok()
    });
    AppendHeaders(link.map(|link| (header::LINK, link)))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(micros in 0_i64..4_000_000_000_000_000, id in "[0-9a-zA-Z-]{1,64}") {
            let registered_at = DateTime::from_timestamp_micros(micros).unwrap();
            let cursor = TicketCursor { registered_at, id };
            prop_assert_eq!(read_cursor(&write_cursor(&cursor)), Some(cursor));
        }

        #[test]
        fn no_text_makes_the_reader_of_cursors_panic(text in ".{0,100}") {
            let _ = read_cursor(&text);
        }
    }

    #[test]
    fn the_next_page_keeps_the_filters() {
        let uri: Uri = "/api/v1/tickets?open=true&cursor=old&limit=2".parse().unwrap();
        let response = next_link(&uri, "cursor", Some("a/b")).into_response();
        let link = response.headers()[header::LINK].to_str().unwrap();
        assert_eq!(link, "</api/v1/tickets?open=true&limit=2&cursor=a%2Fb>; rel=\"next\"");
        assert!(next_link(&uri, "cursor", None).into_response().headers().is_empty());
    }
}
