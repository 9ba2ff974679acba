//! The contract's zone as a table of offsets: no lookup in the tz database per call.

use jiff::{Timestamp, tz::TimeZone};

/// A zone name that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone; write an IANA name such as Asia/Shanghai, or an offset such as +08:00")]
pub struct ZoneError(pub String);

/// Offsets of a zone over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offsets {
    /// From the first moment on, seconds east of UTC.
    first_s: i32,
    /// Later changes: milliseconds since 1970, and the offset from then on.
    changes: Vec<(i64, i32)>,
}

/// Changes are known from 1970 to 2060.
const FROM_S: i64 = 0;
const UNTIL_S: i64 = 2_840_140_800;

impl Offsets {
    /// UTC.
    pub const UTC: Self = Self::fixed(0);

    /// One offset, always, in seconds east of UTC.
    #[must_use]
    pub const fn fixed(seconds: i32) -> Self {
        Self { first_s: seconds, changes: Vec::new() }
    }

    /// Of a name (`Asia/Shanghai`, `UTC`) or an offset (`+08:00`, `-0330`, `UTC+8`).
    ///
    /// # Errors
    /// [`ZoneError`] when it is neither.
    pub fn of(name: &str) -> Result<Self, ZoneError> {
        let wrong = || ZoneError(name.to_owned());
        if let Some(seconds) = offset(name.trim()) {
            return Ok(Self::fixed(seconds));
        }
        let zone = TimeZone::get(name.trim()).map_err(|_| wrong())?;
        let start = Timestamp::from_second(FROM_S).map_err(|_| wrong())?;
        let changes = zone
            .following(start)
            .take_while(|change| change.timestamp().as_second() < UNTIL_S)
            .map(|change| (change.timestamp().as_millisecond(), change.offset().seconds()))
            .collect();
        Ok(Self { first_s: zone.to_offset(start).seconds(), changes })
    }

    /// Seconds east of UTC at a moment.
    #[must_use]
    #[inline]
    pub fn at(&self, at_ms: i64) -> i32 {
        let before = self.changes.partition_point(|(from, _)| *from <= at_ms);
        before.checked_sub(1).map_or(self.first_s, |last| self.changes[last].1)
    }

    /// Milliseconds since 1970 of a local time that is written without zone, given as if it were UTC. In the
    /// hour that comes twice the first is meant; an hour that is skipped is read by the offset before it.
    #[must_use]
    pub fn to_utc(&self, local_ms: i64) -> i64 {
        let first = local_ms.saturating_sub(i64::from(self.at(local_ms)) * 1_000);
        // An offset is at most a day: look again with those around the moment.
        let day = 86_400_000;
        let before = self.at(local_ms.saturating_sub(day));
        let candidate = local_ms.saturating_sub(i64::from(before) * 1_000);
        if self.at(candidate) == before {
            return candidate;
        }
        let after = self.at(local_ms.saturating_add(day));
        let candidate = local_ms.saturating_sub(i64::from(after) * 1_000);
        if self.at(candidate) == after { candidate } else { first.min(candidate) }
    }
}

fn offset(name: &str) -> Option<i32> {
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("gmt") || name == "Z" {
        return Some(0);
    }
    let bare = ["UTC", "GMT", "utc", "gmt"].iter().find_map(|head| name.strip_prefix(head)).unwrap_or(name);
    let (sign, rest) = match bare.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits = rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    if !digits || rest.is_empty() {
        return None;
    }
    let (hours, minutes) = match rest.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if rest.len() == 4 => rest.split_at(2),
        None if rest.len() <= 2 => (rest, "0"),
        None => return None,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_or_a_place_is_understood_and_anything_else_refused() {
        assert_eq!(Offsets::of("+08:00").unwrap().at(0), 28_800);
        assert_eq!(Offsets::of("UTC-3:30").unwrap().at(0), -12_600);
        assert_eq!(Offsets::of("Asia/Shanghai").unwrap().at(1_790_000_000_000), 28_800);
        for wrong in ["", "Mars/Olympus", "+1:2:3", "+99", "+"] {
            assert!(Offsets::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn summer_time_begins_and_ends_where_the_place_says() {
        let berlin = Offsets::of("Europe/Berlin").unwrap();
        let begins = 1_774_746_000_000; // 2026-03-29T01:00:00Z
        assert_eq!(berlin.at(begins - 1), 3_600);
        assert_eq!(berlin.at(begins), 7_200);
        assert_eq!(berlin.to_utc(begins + 7_200_000), begins, "03:00 local is the first summer moment");
        assert_eq!(berlin.to_utc(begins + 3_600_000 - 1), begins - 1, "01:59 local is winter");
    }
}
