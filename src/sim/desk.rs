//! The people of the demo: a customer who calls, the agent who answers, the technician who has the repair made.
//!
//! They are clients of the HTTP API like any other, each with a token of their own, and find the ticket of the fault
//! as anybody would: in the list. From the call to the survey every rule of the procedure is kept, because the API
//! lets nobody past it.
//!
//! Deliberately absent: any way into the daemon but HTTP, and any knowledge of what is broken: they hear of a repair
//! because the ticket says that nothing of the fault is measured any more.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::story::Telling;
use crate::locale::Message;

/// Who calls: a customer of the settings whose access line hangs behind the link that the story cuts first.
pub const CALLER: &str = "customer-3";
/// The link.
const BROKEN: &str = "link-1";
/// His ticket is opened by measurement before anybody calls.
const CALLS_AFTER: Duration = Duration::from_secs(4);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// What they give the carrier's repair as its number.
const REPAIR: &str = "NC-4711/1";

const AGENT: &str = "lin";
const TECHNICIAN: &str = "tom";

/// The part of the tree of class B that is walked while the fibre is down; a measurement answers what it can.
const LOCATE: &[Answered] = &[
    ("B1", "done", &[]),
    ("B2", "yes", &[]),
    ("B4", "done", &[]),
    ("B5", "no", &[]),
    ("B6", "no", &[]),
    ("B6b", "no", &[]),
    ("B7", "yes", &[]),
];
/// The part that follows the repair.
const PROVE: &[Answered] = &[
    ("B7a", "done", &[("repair_time", "half a minute"), ("repair_result", "spliced")]),
    ("B9", "yes", &[("proof", "measured after the repair")]),
    ("B10", "done", &[("solution", "the carrier spliced the fibre")]),
];

/// A question with its answer and what is told with it.
type Answered = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Why the story of the complaint broke off.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// No answer came.
    #[error("the demo's daemon does not answer: {0}")]
    Silent(#[from] reqwest::Error),
    /// The daemon refused.
    #[error("{what} was refused ({status}): {answer}")]
    Refused {
        /// Method and path.
        what: String,
        /// The status.
        status: StatusCode,
        /// What it said.
        answer: String,
    },
    /// Something did not come about.
    #[error("waited {seconds} s in vain for {0}", seconds = PATIENCE.as_secs())]
    Missed(&'static str),
    /// An answer was not what the API promises.
    #[error("an answer lacks {0}")]
    Unreadable(&'static str),
    /// A tree asked what nobody at this desk can answer.
    #[error("the tree asks {0}, which is not in the script")]
    Unasked(String),
}

/// Tells the story of the complaint; says why where it breaks off.
pub async fn run(admin: &str, telling: &Telling, until: &CancellationToken) {
    let told = async {
        let Err(error) = complaint(admin, telling).await else { return };
        tracing::error!(%error, "the demo's complaint was not carried to its survey");
        telling.say(&Message::new("demo.complaint_failed").with("why", error)).await;
    };
    // Whoever ends the demo ends it here too.
    let _ = until.run_until_cancelled(told).await;
}

async fn complaint(admin: &str, telling: &Telling) -> Result<(), DeskError> {
    // TLS works with a provider of our own choice; one that is set already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build()?;
    let admin = Desk { client, base: telling.base_url.clone(), token: admin.to_owned() };
    let agent = admin.hires(AGENT, "agent").await?;
    let technician = admin.hires(TECHNICIAN, "technician").await?;

    let open = format!("/api/v1/tickets?open=true&segment={BROKEN}");
    let fault = agent
        .waits(&open, "the ticket of the cut link", |list| {
            list["tickets"].as_array()?.iter().find(|ticket| ticket["candidate"] == false).cloned()
        })
        .await?;
    sleep(CALLS_AFTER).await;
    let heard = agent.post("/api/v1/tickets", &call(BROKEN_SINCE)).await?;
    let number = text(&heard["ticket"]["number"], "the number")?;
    let say = |key: &str| {
        let known = Message::new(key).with("number", &number).with("customer", CALLER);
        known.with("url", format!("{}/tickets/{number}", telling.base_url)).with("who", AGENT)
    };
    let above = text(&fault["number"], "the number of the fault's ticket")?;
    telling.say(&say("demo.call").with("above", &above)).await;

    let ticket = Ticket { path: format!("/api/v1/tickets/{number}") };
    let at = moment(&heard["ticket"]["registered_at"])?;
    ticket.receives_first_answer(&agent, at).await?;
    let due = at + TimeDelta::hours(4);
    telling.say(&say("demo.promised").with("time", due.format(crate::locale::INSTANT))).await;
    ticket.is_given_to_the_carrier(&agent, &technician, at).await?;
    telling.say(&say("demo.located").with("who", TECHNICIAN)).await;

    let parent = format!("/api/v1/tickets/{above}");
    agent.waits(&parent, "the repair", is_repaired).await?;
    ticket.does(&technician, "work-done", json!({ "reference": REPAIR, "result": "spliced" })).await?;
    // The end of the fault has put the complaint to the proof: his own path is measured.
    let proof = technician
        .waits(&ticket.path, "the measurement of the customer's own path", |ticket| {
            let known = &ticket["process"]["verification"];
            (known["measured"] == true).then(|| known["because"].as_str().unwrap_or_default().to_owned())
        })
        .await?;
    telling.say(&say("demo.proven")).await;
    ticket.is_solved(&agent, &technician, &proof).await?;
    telling.say(&say("demo.result")).await;

    let secret = ticket.link(&agent, "confirmation").await?;
    agent.answers(&secret, "rating=satisfied").await?;
    telling.say(&say("demo.agreed")).await;
    let secret = ticket.link(&agent, "survey").await?;
    agent.answers(&secret, "attitude=9&competence=8&efficiency=9&overall=satisfied").await?;
    telling.say(&say("demo.surveyed").with("scores", "9, 8, 9")).await;
    Ok(())
}

const BROKEN_SINCE: &str = "no calls abroad since a minute ago";

/// What the agent types while the customer speaks.
fn call(words: &str) -> Value {
    json!({
        "kind": "complaint", "channel": "phone", "urgency": "urgent", "nature": "service", "caller": "existing",
        "who": {
            "account": CALLER, "create": true,
            "contact": { "name": "Wang Min", "phone": "+86 138 0000 0003", "preferred_channel": "phone" },
        },
        "read_back": true,
        "words": { "description": words, "symptom": "calls fail at once" },
    })
}

fn is_repaired(fault: &Value) -> Option<()> {
    let state = fault["state"].as_str()?;
    matches!(state, "resolved" | "settled" | "closed").then_some(())
}

fn text(value: &Value, what: &'static str) -> Result<String, DeskError> {
    value.as_str().map(str::to_owned).ok_or(DeskError::Unreadable(what))
}

fn moment(value: &Value) -> Result<DateTime<Utc>, DeskError> {
    let known = value.as_str().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    known.map(|time| time.to_utc()).ok_or(DeskError::Unreadable("the time of registration"))
}

/// The ticket of the complaint.
struct Ticket {
    path: String,
}

impl Ticket {
    /// The customer hears when he is called again; that is a promise (R37, R86).
    async fn receives_first_answer(&self, agent: &Desk, at: DateTime<Utc>) -> Result<(), DeskError> {
        let due = (at + TimeDelta::hours(4)).to_rfc3339();
        let class = json!({
            "class": "B", "urgency": "urgent", "level": "orange", "liability": "ours",
            "cause": "fibre", "segment": BROKEN, "side": "carrier",
        });
        self.does(agent, "classify", class).await?;
        let first = json!({
            "direction": "outbound", "channel": "phone", "purpose": "first_response", "reply_by": due,
            "text": "a fibre of a carrier is broken; we call as soon as it is spliced",
        });
        self.does(agent, "contact", first).await?;
        let promise = json!({
            "id": "back", "text": "calls abroad work again", "due_at": due, "source": "carrier_eta",
        });
        self.does(agent, "promise", promise).await
    }

    /// The technician takes it, locates it, and waits for the carrier (R42, R51, R57).
    async fn is_given_to_the_carrier(
        &self,
        agent: &Desk,
        technician: &Desk,
        at: DateTime<Utc>,
    ) -> Result<(), DeskError> {
        let eta = (at + TimeDelta::hours(3)).to_rfc3339();
        let owner = json!({
            "owner": TECHNICIAN, "deadline": (at + TimeDelta::hours(8)).to_rfc3339(),
            "target": "calls abroad work again", "duty": "on_duty",
        });
        self.does(agent, "assign", owner).await?;
        self.does(technician, "accept", json!({})).await?;
        self.walks(technician, LOCATE).await?;
        let repair =
            json!({ "kind": "carrier_repair", "reference": REPAIR, "with": "North Carrier", "eta": eta });
        self.does(technician, "hold", repair).await
    }

    /// Confirmed by a person, walked to its end, told to the customer (R24, R57, R76, R95, R97).
    async fn is_solved(&self, agent: &Desk, technician: &Desk, proof: &str) -> Result<(), DeskError> {
        self.does(technician, "confirm", json!({})).await?;
        self.walks(technician, PROVE).await?;
        self.does(agent, "promise-kept", json!({ "id": "back", "evidence": proof })).await?;
        let solution = json!({
            "root_cause": "the carrier's fibre was cut", "solution": "the carrier spliced the fibre",
        });
        self.does(technician, "solve", solution).await?;
        self.does(agent, "result", json!({ "channel": "phone", "asked_to_test": true })).await
    }

    /// Answers questions as long as they are in the script.
    async fn walks(&self, by: &Desk, script: &[Answered]) -> Result<(), DeskError> {
        // Each question is answered once; a tree that asks in a circle ends here.
        for _ in 0..=script.len() {
            let walk = by.ask(Method::GET, &format!("{}/tree", self.path), None).await?;
            let Some(node) = walk["next"]["node"].as_str() else { return Ok(()) };
            let Some((_, answer, details)) = script.iter().find(|(asked, ..)| *asked == node) else {
                // The next part of the walk is somebody else's, later.
                let is_later = script == LOCATE && PROVE.iter().any(|(asked, ..)| *asked == node);
                return if is_later { Ok(()) } else { Err(DeskError::Unasked(node.to_owned())) };
            };
            let details: serde_json::Map<String, Value> =
                details.iter().map(|(name, told)| ((*name).to_owned(), Value::from(*told))).collect();
            let said = json!({ "node": node, "answer": answer, "details": details });
            self.does(by, "tree", said).await?;
        }
        Ok(())
    }

    async fn does(&self, by: &Desk, verb: &str, body: Value) -> Result<(), DeskError> {
        by.post(&format!("{}/{verb}", self.path), &body).await.map(|_| ())
    }

    /// The address that the customer is sent.
    async fn link(&self, agent: &Desk, purpose: &str) -> Result<String, DeskError> {
        let why = "every carrier's fibre is cut one day; there is nothing to learn from it";
        let body = if purpose == "confirmation" {
            json!({ "purpose": purpose, "no_article_because": why })
        } else {
            json!({ "purpose": purpose })
        };
        let made = agent.post(&format!("{}/links", self.path), &body).await?;
        text(&made["url"], "the link")
    }
}

/// Somebody with a token.
struct Desk {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Desk {
    /// A colleague with a token of his own, made as an administrator makes one.
    async fn hires(&self, name: &str, role: &str) -> Result<Self, DeskError> {
        let made = self.post("/api/v1/tokens", &json!({ "name": name, "role": role })).await?;
        let token = text(&made["token"], "the token")?;
        Ok(Self { client: self.client.clone(), base: self.base.clone(), token })
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, DeskError> {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, DeskError> {
        let what = format!("{method} {path}");
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            // Nobody else works on this ticket but the daemon itself, which asks no questions.
            request = request.header(header::IF_MATCH, "*").json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.json().await?);
        }
        Err(DeskError::Refused { what, status, answer: answer.text().await? })
    }

    /// Looks at something until it holds what is waited for.
    async fn waits<T>(
        &self,
        path: &str,
        what: &'static str,
        found: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, DeskError> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(known) = found(&self.ask(Method::GET, path, None).await?) {
                return Ok(known);
            }
            sleep(PAUSE).await;
        }
        Err(DeskError::Missed(what))
    }

    /// What the customer does with a link in his browser: no token, no login.
    async fn answers(&self, url: &str, form: &'static str) -> Result<(), DeskError> {
        let request = self.client.post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = request.body(form).send().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(DeskError::Refused {
            what: "the customer's answer".to_owned(),
            status,
            answer: answer.text().await?,
        })
    }
}
