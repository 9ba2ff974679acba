//! From the values that a row gives to those that it means: what two of start, answer, end and durations
//! say about the third.

use super::field::Wrong;
use crate::record::{ABSENT, ABSENT_32, flag};

/// What a row gives; [`ABSENT`] and [`ABSENT_32`] where it gives nothing.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// When the call began.
    pub start: i64,
    /// When it was answered.
    pub answer: i64,
    /// When it ended.
    pub end: i64,
    /// Answer to end.
    pub talk: u32,
    /// Start to end.
    pub total: u32,
    /// Start to answer.
    pub ring: u32,
    /// Charged, in milliseconds.
    pub billed: u32,
    /// What the disposition says.
    pub answered: Option<bool>,
    /// Whether the file has a column for the answer.
    pub says_answer: bool,
}

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meant {
    /// See [`crate::Record::start_ms`].
    pub start_ms: i64,
    /// See [`crate::Record::talk_ms`].
    pub talk_ms: u32,
    /// See [`crate::Record::ring_ms`].
    pub ring_ms: u32,
    /// Bits of [`flag`].
    pub flags: u32,
}

/// From one to the other; the times as written can err by a second against the durations.
const SLACK_MS: i64 = 1000;

impl Given {
    /// What the row means, or what it lacks.
    #[inline(always)]
    pub fn meant(&self) -> Result<Meant, Wrong> {
        let mut flags = 0;
        let talk_ms = if self.talk == ABSENT_32 {
            let talk_ms = self.computed_talk()?;
            if talk_ms > 0 && self.billed != ABSENT_32 && self.ring == ABSENT_32 && self.answer == ABSENT {
                flags |= flag::MAY_RING;
            }
            talk_ms
        } else {
            self.talk
        };
        if self.answered == Some(false) || talk_ms == 0 {
            flags |= flag::ATTEMPT;
        }
        if talk_ms % 1000 != 0 {
            flags |= flag::FINE_TALK;
        }
        // `ABSENT` is a whole number of no seconds: its remainder is not looked at.
        let fine = |ms: i64| ms != ABSENT && ms % 1000 != 0;
        if fine(self.start) || fine(self.answer) || fine(self.end) {
            flags |= flag::FINE_TIME;
        }
        if self.talk != ABSENT_32 && self.answer != ABSENT && self.end != ABSENT {
            let apart = (self.end - self.answer - i64::from(self.talk)).abs();
            flags |= if apart <= SLACK_MS { flag::TIMES_AGREE } else { flag::TIMES_DISAGREE };
        }
        let (start_ms, ring_ms) = if self.start != ABSENT {
            let ring_ms = self.ring_after_start(flags);
            if flags & flag::ATTEMPT != 0 && ring_ms == ABSENT_32 && self.is_free_or_unanswered() {
                flags |= flag::MAY_RING;
                (self.start, between(self.start, self.end).unwrap_or(ABSENT_32))
            } else {
                (self.start, ring_ms)
            }
        } else {
            self.start_from_the_rest(talk_ms, &mut flags)?
        };
        Ok(Meant { start_ms, talk_ms, ring_ms, flags })
    }

    /// The conversation, where no column gives it.
    fn computed_talk(&self) -> Result<u32, Wrong> {
        if self.answered == Some(false) || self.says_answer && self.answer == ABSENT {
            return Ok(0);
        }
        if self.answer != ABSENT && self.end != ABSENT {
            return between(self.answer, self.end);
        }
        let total = if self.total != ABSENT_32 {
            self.total
        } else if self.billed == 0 {
            return Ok(0);
        } else if self.start != ABSENT && self.end != ABSENT {
            match between(self.start, self.end) {
                Err(_) if self.billed != ABSENT_32 => return Ok(self.billed),
                between => between?,
            }
        } else if self.billed != ABSENT_32 {
            return Ok(self.billed);
        } else {
            return Err(Wrong::NoSpan);
        };
        let ring = if self.ring != ABSENT_32 {
            self.ring
        } else if self.start != ABSENT && self.answer != ABSENT {
            u32::try_from(self.answer - self.start).unwrap_or(0)
        } else {
            0
        };
        Ok(total.saturating_sub(ring))
    }

    /// Whether nothing but a charge of no seconds says that there was no conversation: free seconds leave
    /// as little of a short call.
    #[inline(always)]
    fn is_free_or_unanswered(&self) -> bool {
        self.billed == 0
            && self.talk == ABSENT_32
            && self.answered.is_none()
            && !self.says_answer
            && self.end != ABSENT
    }

    #[inline(always)]
    fn ring_after_start(&self, flags: u32) -> u32 {
        if self.answer != ABSENT {
            return positive(self.answer - self.start);
        }
        if self.ring != ABSENT_32 || self.talk == ABSENT_32 || flags & flag::ATTEMPT != 0 {
            return self.ring;
        }
        if self.total != ABSENT_32 {
            return self.total.saturating_sub(self.talk);
        }
        if self.end != ABSENT {
            return positive(self.end - self.start - i64::from(self.talk));
        }
        ABSENT_32
    }

    fn start_from_the_rest(&self, talk_ms: u32, flags: &mut u32) -> Result<(i64, u32), Wrong> {
        let ring = if self.ring != ABSENT_32 {
            self.ring
        } else if self.total != ABSENT_32 && self.talk != ABSENT_32 && *flags & flag::ATTEMPT == 0 {
            self.total.saturating_sub(self.talk)
        } else {
            ABSENT_32
        };
        if self.answer != ABSENT {
            if ring != ABSENT_32 {
                return Ok((self.answer - i64::from(ring), ring));
            }
            *flags |= flag::FROM_ANSWER;
            return Ok((self.answer, ABSENT_32));
        }
        if self.end == ABSENT {
            return Err(Wrong::NoTime);
        }
        *flags |= flag::FROM_END;
        if self.total != ABSENT_32 {
            return Ok((self.end - i64::from(self.total), ring));
        }
        if ring != ABSENT_32 {
            return Ok((self.end - i64::from(talk_ms) - i64::from(ring), ring));
        }
        *flags |= flag::FROM_ANSWER;
        Ok((self.end - i64::from(talk_ms), ABSENT_32))
    }
}

/// A ring that is negative, as when the clock was set back while it rang, is none.
#[inline(always)]
fn positive(ms: i64) -> u32 {
    match u32::try_from(ms) {
        Ok(ms) if ms <= super::field::span::LONGEST_MS => ms,
        Ok(_) => ABSENT_32,
        Err(_) if (-SLACK_MS..0).contains(&ms) => 0,
        Err(_) => ABSENT_32,
    }
}

fn between(from: i64, to: i64) -> Result<u32, Wrong> {
    match u32::try_from(to - from) {
        Ok(ms) if ms <= super::field::span::LONGEST_MS => Ok(ms),
        Ok(_) => Err(Wrong::LongSpan),
        Err(_) if to < from => Err(Wrong::EndBeforeAnswer),
        Err(_) => Err(Wrong::LongSpan),
    }
}
