//! A side that tells charged seconds only is lent the conversation of the other: what it charged is then
//! judged by the call as it was, and the length of a block is no difference of duration.

use super::Sink;
use crate::record::{Record, Side, flag};

/// Hands everything on; of a pair, with the conversation that is known.
pub(super) struct Lending<'a, S>(pub &'a mut S);

/// `one` as it stands, or with the conversation of `other` where its own was taken from charged seconds.
fn lent(one: &Record, other: &Record) -> Record {
    let lends = one.is(flag::TALK_FROM_BILLED) && !other.is(flag::TALK_FROM_BILLED | flag::ATTEMPT);
    if !lends || one.is(flag::ATTEMPT) {
        return *one;
    }
    Record { talk_ms: other.talk_ms, flags: one.flags | other.flags & flag::FINE_TALK, ..*one }
}

impl<S: Sink> Sink for Lending<'_, S> {
    fn pair(&mut self, ours: &Record, theirs: &Record) {
        if (ours.flags | theirs.flags) & flag::TALK_FROM_BILLED == 0 {
            return self.0.pair(ours, theirs);
        }
        self.0.pair(&lent(ours, theirs), &lent(theirs, ours));
    }

    fn only(&mut self, side: Side, record: &Record) {
        self.0.only(side, record);
    }

    fn duplicate(&mut self, side: Side, record: &Record, of: &Record) {
        self.0.duplicate(side, record, of);
    }

    fn split(&mut self, side: Side, parts: &[Record], whole: &Record) {
        self.0.split(side, parts, whole);
    }

    fn interim(&mut self, side: Side, record: &Record, whole: &Record) {
        self.0.interim(side, record, whole);
    }

    fn cut_off(&mut self, side: Side, record: &Record) {
        self.0.cut_off(side, record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Number;
    use crate::record::{ABSENT, NO_NAME};

    #[test]
    fn charged_seconds_are_no_conversation_where_the_other_side_tells_it() {
        let own = Record {
            caller: Number::of("1"),
            callee: Number::of("2"),
            start_ms: 0,
            amount: ABSENT,
            rate: ABSENT,
            place: 0,
            talk_ms: 61_000,
            billed_s: 66,
            ring_ms: 0,
            call_id: 0,
            flags: 0,
            gateway: NO_NAME,
            account: NO_NAME,
        };
        let charged = Record { talk_ms: 120_000, billed_s: 120, flags: flag::TALK_FROM_BILLED, ..own };
        assert_eq!((lent(&charged, &own).talk_ms, lent(&charged, &own).billed_s), (61_000, 120));
        assert_eq!(lent(&own, &charged), own);
        assert_eq!(lent(&charged, &charged), charged);
        let attempt = Record { talk_ms: 0, billed_s: 0, flags: flag::ATTEMPT, ..own };
        assert_eq!(lent(&charged, &attempt), charged);
    }
}
