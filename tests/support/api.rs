//! The HTTP API as a client sees it.

use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;

/// A client with a token.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    /// For a daemon at `base`, as `http://127.0.0.1:9470`.
    pub fn new(base: &str, token: &str) -> Self {
        // Another test of this program may have installed it; one is as good as the other.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(10)).no_proxy().build();
        let client = client.expect("a client without options that could fail");
        Self { client, base: base.to_owned(), token: token.to_owned() }
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether the daemon says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let answer = self.client.get(format!("{}/health/ready", self.base)).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// A request; `Err` when no answer came.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Response, reqwest::Error> {
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(tag) = if_match {
            request = request.header("If-Match", tag);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await
    }

    /// The JSON at a path; fails on any other status than 200.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None, None).await;
        let answer = answer.unwrap_or_else(|error| panic!("GET {path}: {error}"));
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        assert_eq!(status, StatusCode::OK, "GET {path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("GET {path}: {error}: {text}"))
    }

    /// All tickets, newest first, as far as one page shows them.
    pub async fn tickets(&self) -> Vec<Value> {
        list(self.get("/api/v1/tickets?limit=500").await, "tickets")
    }

    /// The same from a daemon that may be dying: `None` when no whole answer came.
    pub async fn tickets_if_answered(&self) -> Option<Vec<Value>> {
        let answer = self.send(Method::GET, "/api/v1/tickets?limit=500", None, None).await.ok()?;
        let answer: Value = answer.error_for_status().ok()?.json().await.ok()?;
        Some(list(answer, "tickets"))
    }

    /// Everything that is measured, with the newest observation.
    pub async fn targets(&self) -> Vec<Value> {
        list(self.get("/api/v1/targets").await, "targets")
    }

    /// Events of a ticket, oldest first, all pages.
    pub async fn events(&self, number: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let page = self.get(&format!("/api/v1/tickets/{number}/events?limit=1000&after={after}")).await;
            let next = page["next"].as_i64();
            all.extend(list(page, "events"));
            match next {
                Some(next) => after = next,
                None => return all,
            }
        }
    }

    /// Whether an open ticket is about this segment.
    pub async fn has_open_ticket(&self, segment: &str) -> bool {
        let open = self.get(&format!("/api/v1/tickets?open=true&segment={segment}")).await;
        !list(open, "tickets").is_empty()
    }

    /// Whether the daemon says that it is itself cut off.
    pub async fn says_isolated(&self) -> bool {
        self.get("/api/v1/diagnosis").await["poller"]["state"] == "isolated"
    }

    /// Writes a note, whatever has happened to the ticket meanwhile; whether it was acknowledged.
    /// A broken connection is no acknowledgement.
    pub async fn note(&self, number: &str, text: &str) -> bool {
        let body = serde_json::json!({ "text": text });
        let path = format!("/api/v1/tickets/{number}/note");
        let answer = self.send(Method::POST, &path, Some("*"), Some(&body)).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

/// The list in an answer.
fn list(mut answer: Value, name: &str) -> Vec<Value> {
    match answer[name].take() {
        Value::Array(items) => items,
        _ => panic!("no list of {name} in {answer}"),
    }
}
