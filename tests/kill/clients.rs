//! Clients that write notes as fast as they are answered, and what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::api::Api;
use crate::support::eventually;

/// Everything the daemon has told anybody to be kept.
#[derive(Default)]
pub struct Told {
    /// Acknowledged notes by ticket.
    notes: BTreeMap<String, Vec<String>>,
    /// Highest version of each ticket that was shown.
    versions: BTreeMap<String, i64>,
}

impl Told {
    /// Waits until there is a ticket to write on.
    pub async fn wait_for_a_ticket(&mut self, api: &Api) {
        let tickets = eventually("the first ticket", Duration::from_secs(60), async || {
            Some(api.tickets().await).filter(|tickets| !tickets.is_empty())
        })
        .await;
        self.see(&tickets);
    }

    /// Acknowledged notes.
    pub fn notes(&self) -> usize {
        self.notes.values().map(Vec::len).sum()
    }

    /// Tickets shown.
    pub fn tickets(&self) -> usize {
        self.versions.len()
    }

    fn see(&mut self, tickets: &[Value]) {
        for ticket in tickets {
            let (Some(number), Some(version)) = (ticket["number"].as_str(), ticket["version"].as_i64())
            else {
                panic!("a ticket without number or version: {ticket}");
            };
            let seen = self.versions.entry(number.to_owned()).or_insert(version);
            *seen = version.max(*seen);
        }
    }

    /// Every note is among its ticket's events, no ticket is younger than it was shown.
    pub async fn assert_kept(&self, api: &Api) {
        let now = api.tickets().await;
        for (number, shown) in &self.versions {
            let ticket = now.iter().find(|ticket| ticket["number"] == number.as_str());
            let ticket = ticket.unwrap_or_else(|| panic!("{number} was shown and is gone"));
            let version = ticket["version"].as_i64().unwrap_or_default();
            assert!(version >= *shown, "{number} was shown at version {shown}, is at {version}");
        }
        for (number, notes) in &self.notes {
            let events = api.events(number).await;
            let kept: Vec<&str> = events.iter().filter_map(|event| event["event"]["text"].as_str()).collect();
            for note in notes {
                assert!(kept.contains(&note.as_str()), "{number}: acknowledged and lost: {note}");
            }
        }
    }
}

/// Clients of one life of the daemon.
pub struct Clients {
    tasks: JoinSet<()>,
    over: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<(String, String)>>>,
    shown: Arc<Mutex<Vec<Value>>>,
}

impl Clients {
    /// Starts them: four who write, one who reads.
    pub fn start(api: &Api, life: u32, told: &Told) -> Self {
        const WRITERS: u32 = 4;
        let mut clients = Self {
            tasks: JoinSet::new(),
            over: Arc::default(),
            heard: Arc::default(),
            shown: Arc::default(),
        };
        let numbers: Vec<String> = told.versions.keys().rev().take(20).cloned().collect();
        for writer in 0..WRITERS {
            let (api, over, heard) = (api.clone(), clients.over.clone(), clients.heard.clone());
            let numbers = numbers.clone();
            clients.tasks.spawn(async move {
                for count in 0_usize.. {
                    let number = &numbers[(count + writer as usize) % numbers.len()];
                    let text = format!("life {life}, writer {writer}, note {count}");
                    let acknowledged = api.note(number, &text).await;
                    if acknowledged {
                        let heard = &mut *heard.lock().unwrap_or_else(PoisonError::into_inner);
                        heard.push((number.clone(), text));
                    }
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        let (api, over, shown) = (api.clone(), clients.over.clone(), clients.shown.clone());
        clients.tasks.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let Some(tickets) = api.tickets_if_answered().await else { continue };
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = tickets;
            }
        });
        clients
    }

    /// Ends them, after the daemon's death, and keeps what they heard.
    pub async fn join_into(mut self, told: &mut Told) {
        self.over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a client does not panic");
        }
        for (number, text) in std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
        {
            told.notes.entry(number).or_default().push(text);
        }
        told.see(&self.shown.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
