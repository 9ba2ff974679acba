//! Files of the worst calls of a trunk's bad ones: asked of the listener when they are first named, put on the ticket
//! once there is one. Bounded: so many calls a trunk, so many bytes a call, ten minutes without a ticket.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};
use linesman_media::capture::evidence::{Cut, Keep, Recorder};

use crate::settings::{VoiceEvidence, VoiceSettings};
use crate::store::{Attachment, Store, StoreError, TicketFilter};
use crate::voice::{Book, TrunkVoice};

/// A file that no ticket wanted for so long is forgotten.
const WAITS: TimeDelta = TimeDelta::minutes(10);
/// Trunks whose files are made at once.
const MOST_TRUNKS: usize = 32;

/// A file to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Landing trunk.
    pub trunk: String,
    /// Identity of the call.
    pub call: String,
    /// Who sends and who receives its streams.
    pub ends: Vec<(SocketAddr, SocketAddr)>,
    /// Size at most.
    pub most: usize,
}

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What was asked.
    pub asked: Asked,
    /// What came of it.
    pub cut: Cut,
}

/// A memory for the latest packets, where files are wanted.
#[must_use]
pub fn recorder(settings: &VoiceSettings) -> Option<Recorder> {
    let keep = match settings.evidence {
        VoiceEvidence::Off => return None,
        VoiceEvidence::Headers => Keep::Headers,
        VoiceEvidence::Payload => Keep::Payload,
    };
    Some(Recorder::new(keep, settings.evidence_memory_mib as usize * 1024 * 1024))
}

/// Of one trunk.
#[derive(Debug, Default)]
struct OfTrunk {
    asked: BTreeSet<String>,
    made: Vec<Made>,
    /// When it last had a cohort.
    seen: DateTime<Utc>,
}

/// What was asked for and what waits for its ticket.
#[derive(Debug, Default)]
pub struct Evidence {
    trunks: BTreeMap<String, OfTrunk>,
}

impl Evidence {
    /// What to ask for now that this was judged.
    pub fn wanted(
        &mut self,
        judged: &[TrunkVoice],
        book: &Book,
        settings: &VoiceSettings,
        now: DateTime<Utc>,
    ) -> Vec<Asked> {
        self.trunks.retain(|_, of| now - of.seen < WAITS);
        if settings.evidence == VoiceEvidence::Off {
            self.trunks.clear();
            return Vec::new();
        }
        let mut wanted = Vec::new();
        for voice in judged {
            let Some(cohort) = &voice.cohort else { continue };
            if self.trunks.len() >= MOST_TRUNKS && !self.trunks.contains_key(&voice.trunk) {
                continue;
            }
            let of = self.trunks.entry(voice.trunk.clone()).or_default();
            of.seen = now;
            let live = cohort.worst.iter().filter(|worst| !book.is_test(&voice.trunk, &worst.call));
            for worst in live {
                let is_full = of.asked.len() >= settings.evidence_files as usize;
                if is_full || !of.asked.insert(worst.call.clone()) {
                    continue;
                }
                wanted.push(Asked {
                    trunk: voice.trunk.clone(),
                    call: worst.call.clone(),
                    ends: book.ends(&voice.trunk, &worst.call),
                    most: settings.evidence_kib as usize * 1024,
                });
            }
        }
        wanted
    }

    /// Takes a file that was made.
    pub fn take(&mut self, made: Made) {
        if let Some(of) = self.trunks.get_mut(&made.asked.trunk) {
            of.made.push(made);
        }
    }

    /// Puts files on the tickets that are open by now.
    ///
    /// # Errors
    /// When the database does not answer, or there is no key to seal them with: what was not put waits.
    pub async fn attach(
        &mut self,
        store: &Store,
        settings: &VoiceSettings,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut attached = 0;
        for (trunk, of) in self.trunks.iter_mut().filter(|(_, of)| !of.made.is_empty()) {
            let open =
                TicketFilter { open: Some(true), segment: Some(trunk.clone()), ..TicketFilter::default() };
            let page = store.tickets(&open, None, 10).await?;
            let of_voice = |ticket: &&crate::ticket::Ticket| {
                ticket.fault.as_ref().is_some_and(|fault| fault.voice.is_some())
            };
            let Some(ticket) = page.tickets.iter().find(of_voice) else { continue };
            while let Some(made) = of.made.first() {
                let cut = &made.cut;
                let instant = |at: i64| DateTime::from_timestamp_micros(at.div_euclid(1_000)).unwrap_or(now);
                let attachment = Attachment {
                    first: instant(cut.first),
                    last: instant(cut.last),
                    packets: cut.packets,
                    left_out: cut.left_out,
                    has_payload: cut.has_payload,
                    ..Attachment::new(&ticket.id, &made.asked.call, &cut.pcap, now)
                };
                let done = store.attach(&ticket.id, &attachment, &cut.pcap, settings.evidence_files).await?;
                attached += u64::from(done);
                of.made.remove(0);
            }
        }
        Ok(attached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::{Cohort, WorstCall};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    fn voice(calls: &[&str]) -> Vec<TrunkVoice> {
        let worst = |call: &&str| WorstCall {
            call: (*call).to_owned(),
            since: at(0),
            loss_ratio: 0.1,
            jitter_ms: None,
            mos: None,
            codec: None,
            customer: None,
        };
        let cohort = Cohort {
            calls: 9,
            bad_calls: 7,
            bad_test_calls: 0,
            elsewhere: 12,
            elsewhere_bad: 0,
            first_seen: at(0),
            last_seen: at(10),
            loss_ratio: 0.1,
            jitter_ms: None,
            mos: None,
            codecs: Vec::new(),
            customers: Vec::new(),
            worst: calls.iter().map(worst).collect(),
            told_by_carrier: None,
            told_by_listener: None,
        };
        vec![TrunkVoice {
            trunk: "trunk-1".to_owned(),
            cohort: Some(cohort).filter(|_| !calls.is_empty()),
            slots: Vec::new(),
            minimum_share: 0.3,
        }]
    }

    #[test]
    fn each_call_is_asked_for_once_and_never_more_than_the_settings_allow() {
        let settings = VoiceSettings { evidence: VoiceEvidence::Headers, ..VoiceSettings::default() };
        let (mut evidence, book) = (Evidence::default(), Book::default());
        let mut ask = |calls: &[&str], second: i64| -> Vec<String> {
            let wanted = evidence.wanted(&voice(calls), &book, &settings, at(second));
            wanted.into_iter().map(|asked| asked.call).collect()
        };
        assert_eq!(ask(&["a", "b"], 0), ["a", "b"]);
        assert_eq!(ask(&["b", "a"], 10), Vec::<String>::new());
        assert_eq!(ask(&["c", "d", "e"], 20), ["c"], "three in all");
        assert_eq!(ask(&[], 30), Vec::<String>::new());
        assert_eq!(ask(&["f"], 1_000), ["f"], "a new trouble has files of its own");
    }

    #[test]
    fn where_it_is_off_nothing_is_asked_for_or_remembered() {
        let (mut evidence, settings) = (Evidence::default(), VoiceSettings::default());
        assert!(recorder(&settings).is_none());
        assert!(evidence.wanted(&voice(&["a"]), &Book::default(), &settings, at(0)).is_empty());
        assert!(evidence.trunks.is_empty());
    }
}
