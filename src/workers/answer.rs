//! What another's HTTP server answered, read up to a bound.

use crate::reason::chain;

/// Of an answer, no more is read.
const LONGEST: usize = 8 * 1024;

/// An answer as far as it came.
pub(super) struct Answer {
    pub status: u16,
    /// `Retry-After`, as it stands.
    pub retry_after: Option<String>,
    pub body: String,
    /// Why its end did not come.
    pub broke_off: Option<String>,
}

impl Answer {
    /// Reads it; what is beyond the bound stays unread.
    pub(super) async fn read(mut response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let (mut body, mut broke_off) = (Vec::new(), None);
        while body.len() < LONGEST {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    // The address may hold a key.
                    broke_off = Some(chain(&error.without_url()));
                    break;
                }
            }
        }
        body.truncate(LONGEST);
        Self { status, retry_after, body: String::from_utf8_lossy(&body).into_owned(), broke_off }
    }

    /// Whether it was taken.
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}
