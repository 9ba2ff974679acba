//! `linesman ticket bulk`: the same change to many tickets, each checked by itself.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::exit::Exit;
use super::output;
use super::remote::{Remote, answered};
use crate::ticket::TicketNumber;

/// What is done, and to which.
#[derive(Debug, clap::Args)]
pub(super) struct Bulk {
    /// As the API names it: assign, classify, accept, note, ...
    verb: String,
    /// Their numbers
    #[arg(required = true)]
    tickets: Vec<TicketNumber>,
    /// What the change takes, as its API does
    #[arg(long, value_name = "JSON", default_value = "{}")]
    body: String,
}

/// Has the daemon do it, and says what came of each.
///
/// # Errors
/// When the body is no JSON, or the daemon does not answer or refuses the whole.
pub(super) async fn bulk(
    remote: &Remote,
    wanted: &Bulk,
    language: &str,
    as_json: bool,
) -> anyhow::Result<Exit> {
    let body: Value =
        serde_json::from_str(&wanted.body).context("--body is no JSON; give it as '{\"owner\": \"lin\"}'")?;
    let numbers: Vec<String> = wanted.tickets.iter().map(ToString::to_string).collect();
    let request =
        remote.client.post(format!("{}/api/v1/tickets/bulk", remote.base)).bearer_auth(&remote.token);
    let request = request.header("accept-language", language);
    let request = request.json(&json!({ "verb": wanted.verb, "tickets": numbers, "body": body }));
    let answer = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    let results = answer.get("results").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let refused = results.iter().any(|result| result.get("problem").is_some());
    if as_json {
        output::json(&answer)?;
    } else {
        for result in results {
            output::line(said(result, &wanted.verb))?;
        }
    }
    Ok(if refused { Exit::Problem } else { Exit::Fine })
}

/// One line a ticket, and one below it for each guard that is not met.
fn said(result: &Value, verb: &str) -> String {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let ticket = text(result, "ticket");
    let Some(problem) = result.get("problem") else { return format!("{ticket}: {verb} done") };
    let errors = problem.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut line = format!("{ticket}: {}", text(problem, "detail"));
    for error in errors {
        line.push_str(&format!("\n  {}", text(error, "detail")));
    }
    line
}
