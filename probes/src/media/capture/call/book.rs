//! Which address is whose media, and since when: the address book of all session descriptions.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Calls, LegRef, Side};
use crate::capture::net::Endpoint;
use crate::capture::sip::{MediaKind, Session};
use crate::quality::format::PayloadFormats;

/// Claims kept for an address; ports are used again and again, and only the latest matter.
const MAX_CLAIMS: usize = 16;
/// Most addresses.
const MAX_ADDRESSES: usize = 4_000_000;
/// How well a claim fits when the other end was announced too; 1 when only its host was.
const BOTH: u8 = 2;
/// How long after the end of a call its packets may still trickle in.
const AFTERGLOW: i64 = 2_000_000_000;

/// A side of a leg wants its media here.
#[derive(Debug, Clone)]
struct Claim {
    at: i64,
    leg: LegRef,
    side: Side,
    session: Arc<Session>,
}

/// By which of its addresses a stream was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// It goes where a side wants its media.
    Destination,
    /// It comes from where a side wants its media: symmetric RTP towards an address that nobody named.
    Source,
}

/// To whom a stream belongs.
#[derive(Debug, Clone)]
pub struct Attribution {
    /// The leg.
    pub leg: LegRef,
    /// Who receives it.
    pub to: Side,
    /// How that is known.
    pub by: By,
    /// What was announced at this address.
    pub kind: MediaKind,
    /// Whether it was announced as encrypted.
    pub encrypted: bool,
    /// What the payload types mean.
    pub formats: Arc<PayloadFormats>,
}

/// The addresses.
#[derive(Default)]
pub struct Book {
    claims: HashMap<Endpoint, Vec<Claim>, foldhash::fast::RandomState>,
    /// Where RTCP was announced apart from the next port.
    rtcp: HashMap<Endpoint, Endpoint, foldhash::fast::RandomState>,
}

impl Book {
    /// Whether media was ever announced here.
    #[must_use]
    pub fn knows(&self, address: Endpoint) -> bool {
        self.claims.contains_key(&address)
    }

    /// The media address whose RTCP was announced here.
    #[must_use]
    pub fn media_of_rtcp(&self, address: Endpoint) -> Option<Endpoint> {
        self.rtcp.get(&address).copied()
    }

    /// Writes down where a side wants its media. Says which addresses these are.
    pub(super) fn claim(
        &mut self,
        at: i64,
        leg: LegRef,
        side: Side,
        session: &Arc<Session>,
    ) -> Vec<Endpoint> {
        let mut touched = Vec::new();
        for media in &session.media {
            let Some(address) = media.address.filter(|address| !media.refused && !address.is_unspecified())
            else {
                continue;
            };
            if touched.contains(&address) || self.claims.len() >= MAX_ADDRESSES {
                continue;
            }
            let claims = self.claims.entry(address).or_default();
            claims.retain(|claim| claim.leg != leg || claim.side != side);
            if claims.len() >= MAX_CLAIMS {
                claims.remove(0);
            }
            claims.push(Claim { at, leg, side, session: Arc::clone(session) });
            if let Some(rtcp) = media.rtcp.filter(|rtcp| *rtcp != address) {
                self.rtcp.insert(rtcp, address);
            }
            touched.push(address);
        }
        touched
    }

    /// Forgets the claims of dialogs that have no new place; those that stay move to theirs.
    pub fn split(&mut self, places: &[Option<u32>]) {
        let moved = |claim: &mut Claim| {
            let place = places.get(claim.leg.dialog as usize).copied().flatten();
            place.map(|place| claim.leg.dialog = place).is_some()
        };
        self.claims.retain(|_, claims| {
            claims.retain_mut(moved);
            !claims.is_empty()
        });
        let claims = &self.claims;
        self.rtcp.retain(|_, media| claims.contains_key(media));
    }

    /// To whom a stream belongs that is seen at this time.
    #[must_use]
    pub fn attribute(
        &self,
        calls: &Calls,
        source: Endpoint,
        destination: Endpoint,
        at: i64,
    ) -> Option<Attribution> {
        let there = self.best(calls, destination, source, at);
        let back = self.best(calls, source, destination, at);
        // A server may take all its calls at one port: then the other end says which call it is.
        let (fit_there, fit_back) = (there.map_or(0, |found| found.0), back.map_or(0, |found| found.0));
        match (there, back) {
            (Some((_, claim)), _) if fit_there >= fit_back || fit_back < BOTH => {
                Some(attribution(calls, claim, destination, claim.side, By::Destination, at))
            }
            (_, Some((fit, claim))) => {
                let by = if fit == BOTH { By::Destination } else { By::Source };
                Some(attribution(calls, claim, source, claim.side.other(), by, at))
            }
            _ => None,
        }
    }

    /// Of the claims on an address the one whose other side is the other address; then the latest call;
    /// and of the hops of one call that leave the media alone the first. With how well it fits.
    fn best(&self, calls: &Calls, address: Endpoint, other: Endpoint, at: i64) -> Option<(u8, &Claim)> {
        let claims = self.claims.get(&address)?;
        let rated = claims.iter().filter_map(|claim| {
            let leg = calls.leg(claim.leg)?;
            if leg.ended.is_some_and(|ended| at > ended + AFTERGLOW) {
                return None;
            }
            let media = leg.described(claim.side.other()).iter().flat_map(|said| said.session.media.iter());
            let fit = media
                .filter_map(|media| media.address)
                .map(|announced| if announced == other { BOTH } else { u8::from(announced.same_host(other)) })
                .max()
                .unwrap_or(0);
            Some((fit, claim))
        });
        let rated: Vec<_> = rated.collect();
        let (fit, latest) = rated.iter().max_by_key(|(fit, claim)| (*fit, claim.at))?;
        let same_call =
            rated.iter().filter(|(other, claim)| other == fit && claim.leg.dialog == latest.leg.dialog);
        same_call.copied().min_by_key(|(_, claim)| claim.leg.leg)
    }
}

/// Puts together what holds for a stream at an address of a claim.
fn attribution(calls: &Calls, claim: &Claim, address: Endpoint, to: Side, by: By, at: i64) -> Attribution {
    let mut formats = PayloadFormats::new();
    let leg = calls.leg(claim.leg);
    // The receiver's words stand over the sender's (RFC 3264 section 5.1); both over what held before.
    let mut state = |session: &Session| {
        for media in session.media.iter().filter(|media| !media.refused) {
            for payload_type in &media.payload_types {
                let format = media.formats.get(*payload_type);
                if !format.codec.is_empty() {
                    formats.set(format.clone());
                }
            }
        }
    };
    for side in [to.other(), to] {
        if let Some(session) = leg.and_then(|leg| leg.session_at(side, at)) {
            state(session);
        }
    }
    let media = claim.session.media.iter().find(|media| media.address == Some(address) && !media.refused);
    Attribution {
        leg: claim.leg,
        to,
        by,
        kind: media.map_or(MediaKind::Audio, |media| media.kind),
        encrypted: media.is_some_and(|media| media.encrypted),
        formats: Arc::new(formats),
    }
}
