//! One call detail record, in 72 bytes: what pairing and rating need, and where its line stands.

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

use crate::number::Number;

/// Whose file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Our server's.
    Ours,
    /// The customer's or carrier's.
    Theirs,
}

impl Side {
    /// Both, ours first.
    pub const BOTH: [Self; 2] = [Self::Ours, Self::Theirs];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Ours => Self::Theirs,
            Self::Theirs => Self::Ours,
        }
    }

    /// 0 for ours, 1 for theirs.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A value that the file does not give, in the fields of 64 bits with a sign.
pub const ABSENT: i64 = i64::MIN;
/// A value that the file does not give, in the fields of 32 bits.
pub const ABSENT_32: u32 = u32::MAX;
/// No name given, in the fields of 16 bits.
pub const NO_NAME: u16 = u16::MAX;

/// One record of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    /// Calling party, as this side writes it until pairing has rewritten it.
    pub caller: Number,
    /// Called party.
    pub callee: Number,
    /// Milliseconds since 1970 of the file's best time (start, else answer, else end less duration),
    /// read with the file's zone if it names one, else as if it were UTC.
    pub start_ms: i64,
    /// Charged, in billionths; [`ABSENT`].
    pub amount: i64,
    /// Price of a minute, in billionths; [`ABSENT`].
    pub rate: i64,
    /// Byte where its line begins in the source's text.
    pub place: u64,
    /// Conversation, in milliseconds.
    pub talk_ms: u32,
    /// Charged seconds; [`ABSENT_32`].
    pub billed_s: u32,
    /// From `start_ms` to answer, in milliseconds; [`ABSENT_32`] when only one time is given.
    pub ring_ms: u32,
    /// Hash of the call's identity; 0 when the file has none.
    pub call_id: u32,
    /// See [`flag`].
    pub flags: u32,
    /// Index into [`Names::gateways`]; [`NO_NAME`].
    pub gateway: u16,
    /// Index into [`Names::accounts`]; [`NO_NAME`].
    pub account: u16,
}

/// Bits of [`Record::flags`].
pub mod flag {
    /// The call was not answered: an attempt, worth nothing.
    pub const ATTEMPT: u32 = 1;
    /// The file marks it as an interim or partial record.
    pub const INTERIM: u32 = 1 << 1;
    /// `start_ms` is the answer, not the beginning.
    pub const FROM_ANSWER: u32 = 1 << 2;
    /// `start_ms` was computed from the end and the duration.
    pub const FROM_END: u32 = 1 << 3;
    /// The time had a fraction of a second.
    pub const FINE_TIME: u32 = 1 << 4;
    /// The duration had a fraction of a second.
    pub const FINE_TALK: u32 = 1 << 5;
    /// The file's own answer and end times give another conversation than its duration says.
    pub const TIMES_DISAGREE: u32 = 1 << 6;
    /// The file's own answer and end times give the same conversation as its duration says.
    pub const TIMES_AGREE: u32 = 1 << 7;
    /// No column gives the conversation: `talk_ms` is what the call took, perhaps with its ringing, while
    /// `billed_s` says what was charged. Of an attempt of which nothing was charged, `ring_ms` is what it
    /// took, perhaps with a conversation.
    pub const MAY_RING: u32 = 1 << 28;
    /// Said of a call at the edge of the period: it began in another period than that of the file which goes by
    /// beginnings.
    pub const BEGAN_OUTSIDE: u32 = 1 << 29;
    /// Where the index into [`super::Names::techs`] of the called number's prefix before `#` or `*`
    /// stands, plus one; eight bits.
    pub const TECH_SHIFT: u32 = 8;
    /// Where the index into [`super::Names::currencies`] stands, plus one; eight bits.
    pub const CURRENCY_SHIFT: u32 = 16;
    /// Where the count of decimals of the amount as written stands; four bits.
    pub const DECIMALS_SHIFT: u32 = 24;
}

impl Record {
    /// Whether a bit of [`flag`] is set.
    #[must_use]
    pub const fn is(&self, bit: u32) -> bool {
        self.flags & bit != 0
    }

    /// Index of the technical prefix that stood before `#` or `*`.
    #[must_use]
    pub const fn tech(&self) -> Option<usize> {
        ((self.flags >> flag::TECH_SHIFT & 0xff) as usize).checked_sub(1)
    }

    /// Index of its currency.
    #[must_use]
    pub const fn currency(&self) -> Option<usize> {
        ((self.flags >> flag::CURRENCY_SHIFT & 0xff) as usize).checked_sub(1)
    }

    /// Decimals of the amount as it was written, 15 for more.
    #[must_use]
    pub const fn amount_decimals(&self) -> u32 {
        self.flags >> flag::DECIMALS_SHIFT & 0xf
    }

    /// The amount in billionths, nothing where none is given.
    #[must_use]
    pub fn money(&self) -> crate::Money {
        crate::Money(if self.amount == ABSENT { 0 } else { i128::from(self.amount) })
    }
}

/// The names that records refer to by number, of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Gateways or trunks.
    pub gateways: Vec<String>,
    /// Accounts.
    pub accounts: Vec<String>,
    /// Currencies, ISO 4217.
    pub currencies: Vec<String>,
    /// Technical prefixes that ended in `#` or `*`, with that sign.
    pub techs: Vec<String>,
}
