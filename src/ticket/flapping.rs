//! A fault that comes and goes: one ticket, no notice for each turn, no resolution until it was quiet (tickets.md 5.3).
//!
//! A turn is a change between bad and good as the ticket's own events say it. Deliberately absent: the hysteresis of
//! a single measurement, which is the diagnosis's.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// So many turns ...
pub const TURNS: usize = 4;
/// ... within this time make a fault a flapping one.
pub const WITHIN: TimeDelta = TimeDelta::minutes(10);
/// So long without a turn ends it.
pub const QUIET: TimeDelta = TimeDelta::minutes(15);
/// No more turns are kept.
const MOST_KEPT: usize = 64;

/// A change between bad and good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// When.
    pub at: DateTime<Utc>,
    /// To good.
    pub good: bool,
}

/// How a ticket's fault comes and goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Flapping {
    /// Since when it flaps; `None` when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Its latest turns, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// Turns since it flaps.
    pub count: u32,
}

impl Flapping {
    /// Whether it never turned.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it flaps.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// Takes a turn down; one to where it is already is none.
    pub(super) fn turn(&mut self, at: DateTime<Utc>, good: bool) {
        // A ticket begins bad.
        if self.turns.last().is_some_and(|last| last.good) == good {
            return;
        }
        if self.turns.len() >= MOST_KEPT {
            self.turns.remove(0);
        }
        self.turns.push(Turn { at, good });
        if self.is_on() {
            self.count = self.count.saturating_add(1);
        }
    }

    /// Turns of the last minutes, if they are so many that it flaps from now on.
    #[must_use]
    pub fn begins(&self, now: DateTime<Utc>) -> Option<u32> {
        let recent = self.turns.iter().filter(|turn| now - turn.at <= WITHIN).count();
        (!self.is_on() && recent >= TURNS).then(|| u32::try_from(recent).unwrap_or(u32::MAX))
    }

    /// Whether it flapped and has been quiet for long enough.
    #[must_use]
    pub fn ends(&self, now: DateTime<Utc>) -> bool {
        self.is_on() && self.turns.last().is_none_or(|last| now - last.at >= QUIET)
    }

    /// It flaps from now on, after so many turns.
    pub(super) fn start(&mut self, turns: u32, now: DateTime<Utc>) {
        self.count = turns;
        let first = self.turns.len().saturating_sub(turns as usize);
        self.since = Some(self.turns.get(first).map_or(now, |turn| turn.at));
    }

    /// It flaps no more.
    pub(super) fn stop(&mut self) {
        self.since = None;
        self.count = 0;
    }

    /// The share of the time since it flaps in which it was bad, in percent; of the turns that are kept.
    #[must_use]
    pub fn bad_percent(&self, now: DateTime<Utc>) -> Option<u8> {
        let since = self.since?;
        let from = self.turns.first().map_or(since, |first| first.at.max(since));
        let whole = (now - from).num_milliseconds().max(0);
        // Before its first kept turn it was the other way.
        let turns = || self.turns.iter().filter(|turn| turn.at >= from);
        let mut is_bad = turns().next().is_none_or(|turn| turn.good);
        let (mut bad, mut at) = (0, from);
        for turn in turns() {
            if is_bad {
                bad += (turn.at - at).num_milliseconds().max(0);
            }
            (is_bad, at) = (!turn.good, turn.at);
        }
        if is_bad {
            bad += (now - at).num_milliseconds().max(0);
        }
        (bad * 100).checked_div(whole).and_then(|percent| u8::try_from(percent.clamp(0, 100)).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn turned(minutes: &[i64]) -> Flapping {
        let mut flapping = Flapping::default();
        for (place, minute) in minutes.iter().enumerate() {
            flapping.turn(at(*minute), place % 2 == 0);
        }
        flapping
    }

    #[test]
    fn four_turns_in_ten_minutes_flap_and_fifteen_quiet_minutes_end_it() {
        assert_eq!(turned(&[0, 3, 6]).begins(at(6)), None);
        assert_eq!(turned(&[0, 4, 7, 11]).begins(at(11)), None, "one of them is too long ago");
        let mut flapping = turned(&[0, 3, 6, 9]);
        assert_eq!(flapping.begins(at(9)), Some(4));
        flapping.start(4, at(9));
        assert_eq!((flapping.since, flapping.begins(at(9))), (Some(at(0)), None));
        assert!(!flapping.ends(at(23)) && flapping.ends(at(24)));
        flapping.turn(at(20), true);
        assert!(!flapping.ends(at(24)) && flapping.count == 5);
        flapping.stop();
        assert!(!flapping.is_on() && flapping.begins(at(40)).is_none());
    }

    #[test]
    fn a_turn_to_where_it_is_already_is_none() {
        let mut flapping = Flapping::default();
        flapping.turn(at(0), false);
        assert!(flapping.is_steady(), "a ticket begins bad");
        flapping.turn(at(1), true);
        flapping.turn(at(2), true);
        assert_eq!(flapping.turns.len(), 1);
    }

    #[test]
    fn the_duty_cycle_is_the_bad_share_of_the_time_since_it_flaps() {
        let mut flapping = turned(&[0, 2, 4, 6]);
        flapping.start(4, at(6));
        // Good from 0 to 2, bad to 4, good to 6, bad to 8.
        assert_eq!(flapping.bad_percent(at(8)), Some(50));
        assert_eq!(flapping.bad_percent(at(16)), Some(75));
        assert_eq!(Flapping::default().bad_percent(at(8)), None);
    }
}
