//! To which call a word belongs that names none, or one that nobody knows: by the SSRC and the addresses of the stream
//! that it speaks of, while that is heard and a while after; else by the addresses that a call agreed on.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::table::{Heard, Streams};
use crate::capture::call::{Attribution, Book, Calls};
use crate::capture::net::Endpoint;

/// Streams that have gone are remembered for so long: telephones publish after the call, and some servers later.
const REMEMBERED: i64 = 300_000_000_000;
/// Entries at most, three a stream.
const MOST: usize = 60_000;

/// By what the call of a word is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// The word names its Call-ID.
    CallId,
    /// The stream of that SSRC at one of these addresses, or of these two addresses where no SSRC was said.
    Ssrc,
    /// A call agreed on media at these addresses; the stream itself was not seen.
    Addresses,
}

/// The call of a word: its Call-ID, or the name of a stream that belongs to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) by: KnownBy,
}

/// The stream that a word speaks of: where its media may come from and go to.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub(super) ssrc: Option<u32>,
    pub(super) sender: [Endpoint; 3],
    pub(super) receiver: [Endpoint; 3],
    pub(super) at: i64,
}

/// What a stream that has gone is found by: its SSRC and one end, or both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mark {
    To(u32, Endpoint),
    From(u32, Endpoint),
    Between(Endpoint, Endpoint),
}

/// Streams that have gone, each with the call that it belonged to.
#[derive(Debug, Default)]
pub(super) struct Departed {
    names: HashMap<Mark, (i64, Arc<str>)>,
}

impl Departed {
    fn note(&mut self, now: i64, heard: &Heard, name: String) {
        if self.names.len() >= MOST {
            return;
        }
        let (key, name) = (heard.key, Arc::<str>::from(name));
        let marks = [
            Mark::To(key.ssrc, key.destination),
            Mark::From(key.ssrc, key.source),
            Mark::Between(key.source, key.destination),
        ];
        for mark in marks {
            self.names.insert(mark, (now, Arc::clone(&name)));
        }
    }

    fn find(&self, about: &About) -> Option<&str> {
        let of = |mark: Mark| self.names.get(&mark).map(|(_, name)| &**name);
        match about.ssrc {
            Some(ssrc) => {
                let to = about.receiver.iter().find_map(|address| of(Mark::To(ssrc, *address)));
                to.or_else(|| about.sender.iter().find_map(|address| of(Mark::From(ssrc, *address))))
            }
            None => about.pairs().find_map(|(from, to)| of(Mark::Between(from, to))),
        }
    }
}

impl About {
    fn pairs(&self) -> impl Iterator<Item = (Endpoint, Endpoint)> + '_ {
        self.sender.iter().copied().zip(self.receiver.iter().copied())
    }
}

impl Streams {
    /// Streams have gone with their calls: what is said of them later still finds those.
    pub(in crate::capture) fn remember(&mut self, now: i64, gone: &Self, calls: &Calls) {
        self.departed.names.retain(|_, (at, _)| now.saturating_sub(*at) < REMEMBERED);
        for heard in gone.heard() {
            let name = heard.attribution.as_ref().and_then(|of| call_id(calls, of));
            self.departed.note(now, heard, name.unwrap_or_else(|| heard.key.to_string()));
        }
    }

    /// The call of a word on this; a stream without one is its own only `at_last`, as it may still find its call.
    pub(super) fn owner(&self, about: &About, calls: &Calls, book: &Book, at_last: bool) -> Option<Owner> {
        if let Some(heard) = self.spoken_of(about) {
            let found = match &heard.attribution {
                Some(of) => call_id(calls, of),
                None => book
                    .attribute(calls, heard.key.source, heard.key.destination, heard.first)
                    .and_then(|of| call_id(calls, &of)),
            };
            let name = found.or_else(|| at_last.then(|| heard.key.to_string()))?;
            return Some(Owner { name, by: KnownBy::Ssrc });
        }
        if let Some(name) = self.departed.find(about) {
            return Some(Owner { name: name.to_owned(), by: KnownBy::Ssrc });
        }
        let agreed = about.pairs().find_map(|(from, to)| book.attribute(calls, from, to, about.at))?;
        Some(Owner { name: call_id(calls, &agreed)?, by: KnownBy::Addresses })
    }

    /// The stream itself, where it was seen.
    pub(super) fn spoken_of(&self, about: &About) -> Option<&Heard> {
        let Some(ssrc) = about.ssrc else {
            return about.pairs().find_map(|(from, to)| {
                self.latest_at(to, |heard| heard.key.destination == to && heard.key.source == from)
            });
        };
        let to = |address: &Endpoint| {
            self.latest_at(*address, |heard| heard.key.ssrc == ssrc && heard.key.destination == *address)
        };
        let from = |address: &Endpoint| {
            self.latest_at(*address, |heard| heard.key.ssrc == ssrc && heard.key.source == *address)
        };
        about.receiver.iter().find_map(to).or_else(|| about.sender.iter().find_map(from))
    }
}

fn call_id(calls: &Calls, of: &Attribution) -> Option<String> {
    calls.dialogs().get(of.leg.dialog as usize).map(|dialog| dialog.call_id.clone())
}
