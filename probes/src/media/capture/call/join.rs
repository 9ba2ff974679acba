//! Dialogs that a back-to-back user agent ties together become one call.
//!
//! The signalling must go on where it arrived: one dialog's INVITE reaches a host, another leaves it within
//! seconds. Then numbers, Session-ID, the same media address or the same SSRC decide. One outgoing dialog
//! continues at most one incoming dialog; several outgoing ones (hunting, forking) may continue the same.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{Calls, Dialog, Leg, Side};

/// The second INVITE leaves at most so long after the first arrived (a menu or a queue may stand between).
const PATIENCE: i64 = 10_000_000_000;
/// Digits that must agree at the end of two numbers; prefixes are added and taken away on the way.
const SAME_DIGITS: usize = 7;
/// Evidence needed.
const ENOUGH: u32 = 2;
/// Incoming dialogs of one key that are compared with an outgoing one.
const MAX_COMPARED: usize = 64;

/// Groups of dialogs, each in the order of their INVITEs; `same_media` adds evidence such as a common SSRC.
#[must_use]
pub fn join(calls: &Calls, same_media: impl Fn(u32, u32) -> bool) -> Vec<Vec<u32>> {
    let dialogs = calls.dialogs();
    let index = Index::of(dialogs);
    let mut parent: Vec<u32> = (0..dialogs.len() as u32).collect();
    for (outgoing, dialog) in (0_u32..).zip(dialogs) {
        if let Some(incoming) = index.origin(dialogs, outgoing, dialog, &same_media) {
            parent[outgoing as usize] = incoming;
        }
    }
    // An origin always has an earlier INVITE, so following it ends.
    let root = |mut at: u32| {
        while parent[at as usize] != at {
            at = parent[at as usize];
        }
        at
    };
    let mut groups: HashMap<u32, Vec<u32>> = HashMap::new();
    for dialog in 0..dialogs.len() as u32 {
        groups.entry(root(dialog)).or_default().push(dialog);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    for group in &mut groups {
        group.sort_by_key(|dialog| (begun(&dialogs[*dialog as usize]), *dialog));
    }
    groups.sort_by_key(|group| group.first().map(|first| (begun(&dialogs[*first as usize]), *first)));
    groups
}

/// Dialogs by the host where they arrive and by what they can be recognised by, in order of time.
struct Index {
    arrivals: HashMap<(IpAddr, String), Vec<(i64, u32)>>,
}

impl Index {
    fn of(dialogs: &[Dialog]) -> Self {
        let mut arrivals: HashMap<_, Vec<_>> = HashMap::new();
        for (at, dialog) in (0_u32..).zip(dialogs) {
            let (Some(first), Some(last)) = (dialog.legs.first(), dialog.legs.last()) else { continue };
            let Some(invited) = first.invited else { continue };
            for key in keys(dialog) {
                arrivals.entry((last.callee.ip(), key)).or_default().push((invited, at));
            }
        }
        for found in arrivals.values_mut() {
            found.sort_unstable();
        }
        Self { arrivals }
    }

    fn origin(
        &self,
        dialogs: &[Dialog],
        outgoing: u32,
        dialog: &Dialog,
        same_media: &impl Fn(u32, u32) -> bool,
    ) -> Option<u32> {
        let leg = dialog.legs.first()?;
        let invited = leg.invited?;
        let mut best: Option<(u32, i64, u32)> = None;
        for key in keys(dialog) {
            let Some(arrivals) = self.arrivals.get(&(leg.caller.ip(), key)) else { continue };
            let until = arrivals.partition_point(|(at, _)| *at <= invited);
            for (at, incoming) in arrivals[..until].iter().rev().take(MAX_COMPARED) {
                if invited - at > PATIENCE {
                    break;
                }
                let earlier = (*at, *incoming) < (invited, outgoing);
                if *incoming == outgoing || !earlier {
                    continue;
                }
                let found = (evidence(&dialogs[*incoming as usize], dialog), *at, *incoming);
                if best.is_none_or(|best| (found.0, found.1) > (best.0, best.1)) {
                    best = Some(found);
                }
            }
        }
        let (points, _, incoming) = best?;
        (points > 0 && points + 2 * u32::from(same_media(incoming, outgoing)) >= ENOUGH).then_some(incoming)
    }
}

fn begun(dialog: &Dialog) -> i64 {
    dialog.legs.first().and_then(|leg| leg.invited.or(leg.progress)).unwrap_or(i64::MAX)
}

/// What two legs of a call may have in common.
fn keys(dialog: &Dialog) -> Vec<String> {
    let mut keys = Vec::with_capacity(3);
    if !dialog.session_id.is_empty() {
        keys.push(format!("s{}", dialog.session_id));
    }
    for (name, user) in [('t', &dialog.to.user), ('f', &dialog.from.user)] {
        if !user.is_empty() {
            keys.push(format!("{name}{}", tail(user)));
        }
    }
    keys
}

/// The end of a number, or the whole of a name.
fn tail(user: &str) -> &str {
    let digits = user.bytes().rev().take_while(u8::is_ascii_digit).count();
    if digits < SAME_DIGITS { user } else { &user[user.len() - SAME_DIGITS..] }
}

fn evidence(incoming: &Dialog, outgoing: &Dialog) -> u32 {
    let (Some(inner), Some(outer)) = (incoming.legs.last(), outgoing.legs.first()) else { return 0 };
    if !goes_on(inner, outer) {
        return 0;
    }
    let same = |one: &str, other: &str| !one.is_empty() && tail(one) == tail(other);
    let mut points = 0;
    if same(&incoming.to.user, &outgoing.to.user) {
        points += 2;
    }
    // Half the world calls as "anonymous" or "asterisk"; a number means something.
    if is_number(&incoming.from.user) && same(&incoming.from.user, &outgoing.from.user) {
        points += 1;
    }
    if !incoming.session_id.is_empty() && incoming.session_id == outgoing.session_id {
        points += 3;
    }
    if answered_together(inner, outer) {
        points += 1;
    }
    points
}

fn is_number(user: &str) -> bool {
    user.len() >= 4 && user.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a call that arrives by one leg may leave by the other: from the very address where it arrived,
/// or from another port of that host. The latter says nothing where everything runs on one host.
fn goes_on(inner: &Leg, outer: &Leg) -> bool {
    outer.caller == inner.callee
        || (outer.caller.same_host(inner.callee) && !inner.caller.same_host(inner.callee))
}

/// Both answered within a second: the one because of the other.
fn answered_together(incoming: &Leg, outgoing: &Leg) -> bool {
    let (Some(first), Some(second)) = (outgoing.answered, incoming.answered) else { return false };
    (0..1_000_000_000).contains(&(second - first))
}

/// Whether a side of one dialog names an address that a side of the other names too.
#[must_use]
pub fn share_an_address(one: &Dialog, other: &Dialog) -> bool {
    let addresses = |dialog: &Dialog| {
        let legs = dialog.legs.iter();
        let said = legs
            .flat_map(|leg| [Side::Caller, Side::Callee].into_iter().flat_map(|side| leg.described(side)));
        let media = said.flat_map(|said| said.session.media.iter());
        media.filter_map(|media| media.address).collect::<std::collections::HashSet<_>>()
    };
    !addresses(one).is_disjoint(&addresses(other))
}
