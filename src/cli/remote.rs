//! How commands talk to a running daemon: its address, a token, its answers and refusals.

use std::path::Path;
use std::time::Duration;

use super::Global;
use super::exit::{Exit, Failure};

/// The daemon at an address.
pub(super) struct Remote {
    /// What requests are made with.
    pub(super) client: reqwest::Client,
    /// Without a slash at its end.
    pub(super) base: String,
    /// Proves who asks.
    pub(super) token: String,
}

impl Remote {
    /// At the address given, else at that of the settings; with the token of a file, else of `LINESMAN_TOKEN`.
    pub(super) fn new(
        global: &Global,
        server: Option<&str>,
        token_file: Option<&Path>,
        within: Duration,
    ) -> anyhow::Result<Self> {
        let base = match server {
            Some(server) => server.trim_end_matches('/').to_owned(),
            None => format!("http://{}", global.settings()?.http.listen),
        };
        let token = token(token_file)?;
        // TLS works with a provider of our own choice; one that is set already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(within).no_proxy().build()?;
        Ok(Self { client, base, token })
    }

    /// Why no answer came.
    pub(super) fn unreachable(&self, error: reqwest::Error) -> Failure {
        let message = format!(
            "{} does not answer: {}; is `linesman serve` running there?",
            self.base,
            error.without_url()
        );
        Failure::new(Exit::ServerNotReachable, message)
    }
}

fn token(file: Option<&Path>) -> Result<String, Failure> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", file.display())))?,
        None => std::env::var("LINESMAN_TOKEN").map_err(|_| {
            let message = "a change needs a token: set LINESMAN_TOKEN or --token-file; \
                           `linesman token create NAME --role noc` makes one";
            Failure::new(Exit::Usage, message)
        })?,
    };
    Ok(text.trim().to_owned())
}

/// The document of an answer, or its problem as an error.
pub(super) async fn answered(response: reqwest::Response) -> anyhow::Result<serde_json::Value> {
    let status = response.status();
    let bytes = response.bytes().await?;
    let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status.is_success() {
        return Ok(document);
    }
    let detail = document.get("detail").and_then(serde_json::Value::as_str).unwrap_or("no reason was given");
    let mut message = format!("refused ({}): {detail}", status.as_u16());
    for error in document.get("errors").and_then(serde_json::Value::as_array).into_iter().flatten() {
        if let Some(detail) = error.get("detail").and_then(serde_json::Value::as_str) {
            let place = error.get("pointer").and_then(serde_json::Value::as_str).unwrap_or_default();
            message.push_str(&format!("\n  {} {detail}", place.trim_start_matches(['#', '/'])));
        }
    }
    let exit = if status.as_u16() == 401 || status.as_u16() == 403 {
        Exit::PermissionMissing
    } else {
        Exit::Problem
    };
    Err(Failure::new(exit, message).into())
}
