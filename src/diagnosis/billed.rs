//! Call records beside calls that were heard, as people and programs read it: rows of both, the evidence in a
//! sentence, what is at stake.
//!
//! PURE, as all of this room. Numbers are shown by whoever hands them over: a ticket has them masked.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use linesman_cdr::media::{
    Basis, BilledCall, Book, Comparison, Difference, Heard, Kind, MatchedBy, Proof, Speaker, Way,
};
use linesman_cdr::record::{ABSENT, ABSENT_32};
use linesman_cdr::{Money, Side};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::locale::{Language, Message};

/// How a difference, and what was not judged, is called in the catalogues.
const WORDS: &str = "billed";

/// One file of records beside what was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BilledMedia {
    /// Whose records: `ours` or `theirs`.
    pub side: String,
    /// What became of the records.
    pub records: RecordTally,
    /// What became of the calls.
    pub calls: CallTally,
    /// How far the records' clock is ahead of the listener's.
    pub clock_offset: ClockOffset,
    /// What is at stake by currency, decimal strings; each record once, with its largest difference.
    pub at_stake: BTreeMap<String, String>,
    /// The same of what is billed beyond calls that were heard: what a ticket may be opened by. That a record was not
    /// heard, or bills less than was heard, is only told.
    pub at_stake_heard: BTreeMap<String, String>,
    /// Differences by kind.
    pub kinds: BTreeMap<String, u64>,
    /// The differences, no more than are asked for.
    pub differences: Vec<BilledDifference>,
    /// Why records, calls or questions about them were left undecided, and how many: no claim.
    pub undecided: BTreeMap<String, u64>,
}

/// What became of the records; the parts add up to `all`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordTally {
    /// All.
    pub all: u64,
    /// Found among the calls.
    pub matched: u64,
    /// Proven not to be among them.
    pub not_heard: u64,
    /// Not listened to: nothing is said of them.
    pub not_covered: u64,
    /// Several calls or records fit.
    pub ambiguous: u64,
    /// Interim records.
    pub interim: u64,
}

/// What became of the calls; the parts add up to `all`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallTally {
    /// All.
    pub all: u64,
    /// Found among the records.
    pub matched: u64,
    /// Proven not to be among them.
    pub not_billed: u64,
    /// Nothing is said of them.
    pub not_covered: u64,
    /// Several records fit.
    pub ambiguous: u64,
}

/// The clocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClockOffset {
    /// Records minus listener, zone included.
    pub seconds: f64,
    /// `call_id`, `numbers` or `none`.
    pub proof: String,
    /// Calls that agree with it.
    pub calls: u64,
}

/// One difference with both rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BilledDifference {
    /// `billed_without_media`, `billed_one_way`, `false_answer`, `billed_longer_than_media`,
    /// `billed_shorter_than_media`, `codec_differs`, `not_billed`, `not_heard`.
    pub kind: String,
    /// Seconds that differ; `null` of a codec.
    pub seconds: Option<f64>,
    /// What they are worth by the record's own amount and rate, rounded down to its decimals, a decimal string; `null`
    /// where the record does not prove it.
    pub at_stake: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// `call_id` or `numbers`.
    pub matched_by: Option<String>,
    /// What was billed.
    pub record: Option<BilledRow>,
    /// What was heard.
    pub call: Option<HeardRow>,
    /// The evidence in words.
    pub evidence: Message,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BilledRow {
    /// Its line in the file.
    pub line: u64,
    /// Its identity.
    pub call_id: Option<String>,
    /// Who called.
    pub caller: String,
    /// Who was called.
    pub callee: String,
    /// Its time, by the listener's clock.
    pub start: String,
    /// Conversation in seconds, a decimal string.
    pub talk_s: String,
    /// Charged seconds.
    pub billed_s: Option<u32>,
    /// Price of a minute, a decimal string.
    pub rate: Option<String>,
    /// Charged, a decimal string.
    pub amount: Option<String>,
    /// Codec as it is written.
    pub codec: Option<String>,
    /// Gateway.
    pub gateway: Option<String>,
}

/// A call that was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeardRow {
    /// Call-ID of its first dialog.
    pub call_id: Option<String>,
    /// Who called.
    pub from: String,
    /// Who was called.
    pub to: String,
    /// First INVITE.
    pub start: Option<String>,
    /// The answer.
    pub answer: Option<String>,
    /// The end.
    pub end: Option<String>,
    /// What the caller sent; `null`: no packet was seen.
    pub from_caller: Option<HeardWay>,
    /// What the callee sent.
    pub from_callee: Option<HeardWay>,
}

/// What one party sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeardWay {
    /// First RTP packet.
    pub first: String,
    /// Last RTP packet.
    pub last: String,
    /// Seconds that packets of voice account for.
    pub active_s: f64,
    /// Seconds that comfort noise accounts for.
    pub comfort_noise_s: f64,
    /// Packets.
    pub packets: u64,
    /// Codecs seen.
    pub codecs: Vec<String>,
}

/// What is told of a comparison.
pub struct Telling<'a> {
    /// Whose records.
    pub side: Side,
    /// The records.
    pub book: Book<'a>,
    /// Records that were read and not handed to the comparison: outside the time that was listened to.
    pub left_out: u64,
    /// The calls.
    pub heard: &'a [Heard],
    /// How a number of a record is shown.
    pub number: &'a dyn Fn(&str) -> String,
    /// How a number of a call is shown: where calls are kept it is sealed.
    pub heard_number: &'a dyn Fn(&str) -> String,
    /// Whether Call-IDs of records and of calls are shown: some servers write numbers into them.
    pub call_ids: [bool; 2],
    /// At most so many differences.
    pub most: usize,
}

impl BilledMedia {
    /// Tells it.
    #[must_use]
    pub fn of(comparison: &Comparison, telling: &Telling<'_>) -> Self {
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        for difference in &comparison.differences {
            *kinds.entry(difference.kind.name().to_owned()).or_default() += 1;
        }
        let mut undecided: BTreeMap<String, u64> =
            comparison.undecided.iter().map(|(why, count)| (why.name().to_owned(), *count)).collect();
        if telling.left_out > 0 {
            *undecided.entry("outside_capture".to_owned()).or_default() += telling.left_out;
        }
        let records = comparison.records;
        let calls = comparison.calls;
        let stakes = |of: fn(Kind) -> bool| -> BTreeMap<String, String> {
            let sums = comparison.at_stake(&telling.book, of);
            sums.into_iter().map(|(code, money)| (code, money.to_string())).collect()
        };
        Self {
            side: match telling.side {
                Side::Ours => "ours",
                Side::Theirs => "theirs",
            }
            .to_owned(),
            records: RecordTally {
                all: records.all + telling.left_out,
                matched: records.matched,
                not_heard: records.not_heard,
                not_covered: records.not_covered + telling.left_out,
                ambiguous: records.ambiguous,
                interim: records.interim,
            },
            calls: CallTally {
                all: calls.all,
                matched: calls.matched,
                not_billed: calls.not_billed,
                not_covered: calls.not_covered,
                ambiguous: calls.ambiguous,
            },
            clock_offset: ClockOffset {
                seconds: seconds(comparison.offset.ms),
                proof: match comparison.offset.proof {
                    Proof::None => "none",
                    Proof::Numbers => "numbers",
                    Proof::CallId => "call_id",
                }
                .to_owned(),
                calls: comparison.offset.calls as u64,
            },
            at_stake: stakes(|_| true),
            at_stake_heard: stakes(|kind| !matches!(kind, Kind::NotHeard | Kind::BilledShorterThanMedia)),
            kinds,
            differences: comparison
                .differences
                .iter()
                .take(telling.most)
                .map(|difference| told(difference, telling, comparison.offset.ms))
                .collect(),
            undecided,
        }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.kinds.is_empty()
    }

    /// What is billed beyond calls that were heard, in a currency; a file that names none has that of the bill.
    #[must_use]
    pub fn stake_in(&self, currency: &str) -> Money {
        let of = |code: &str| {
            self.at_stake_heard.get(code).and_then(|text| Money::parse(text)).unwrap_or_default()
        };
        if currency.is_empty() { of("") } else { of(currency) + of("") }
    }

    /// Differences of all kinds together.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.kinds.values().sum()
    }

    /// What it comes to, a sentence for each kind.
    #[must_use]
    pub fn reasons(&self) -> Vec<Message> {
        let whole = Message::new(&format!("{WORDS}.reason_{}", self.side))
            .with("matched", self.records.matched)
            .with("all", self.records.all)
            .with("count", self.count());
        let kinds = self.kinds.iter().map(|(kind, count)| {
            Message::new(&format!("{WORDS}.reason_kind"))
                .with("kind", format!("{WORDS}_kind.{kind}"))
                .with("count", count)
        });
        std::iter::once(whole).chain(kinds).collect()
    }
}

fn told(difference: &Difference, telling: &Telling<'_>, offset_ms: i64) -> BilledDifference {
    let billed = difference.record.and_then(|place| telling.book.records.get(place));
    let heard = difference.call.and_then(|call| telling.heard.get(call));
    BilledDifference {
        kind: difference.kind.name().to_owned(),
        seconds: difference.differs_ms.map(seconds),
        at_stake: difference.at_stake.map(|money| money.to_string()),
        currency: billed.and_then(|billed| billed.currency.clone()),
        matched_by: difference.matched_by.map(|by| {
            match by {
                MatchedBy::CallId => "call_id",
                MatchedBy::Numbers => "numbers",
            }
            .to_owned()
        }),
        record: billed.map(|billed| billed_row(billed, telling, offset_ms)),
        call: heard.map(|heard| heard_row(heard, telling)),
        evidence: evidence(difference),
    }
}

fn billed_row(billed: &BilledCall, telling: &Telling<'_>, offset_ms: i64) -> BilledRow {
    let record = &billed.record;
    let money = |billionths: i64| (billionths != ABSENT).then(|| Money(i128::from(billionths)).to_string());
    BilledRow {
        line: billed.line,
        call_id: billed.call_id.clone().filter(|_| telling.call_ids[0]),
        caller: (telling.number)(&record.caller.to_string()),
        callee: (telling.number)(&record.callee.to_string()),
        start: instant(record.start_ms.saturating_sub(offset_ms)),
        talk_s: decimal_seconds(i64::from(record.talk_ms)),
        billed_s: (record.billed_s != ABSENT_32).then_some(record.billed_s),
        rate: money(record.rate),
        amount: money(record.amount),
        codec: billed.codec.clone(),
        gateway: billed.gateway.clone(),
    }
}

fn heard_row(heard: &Heard, telling: &Telling<'_>) -> HeardRow {
    let way = |way: Option<&Way>| {
        way.map(|way| HeardWay {
            first: instant(way.first_ms),
            last: instant(way.last_ms),
            active_s: way.active_ms as f64 / 1e3,
            comfort_noise_s: way.comfort_noise_ms as f64 / 1e3,
            packets: way.packets,
            codecs: way.codecs.iter().cloned().collect(),
        })
    };
    HeardRow {
        call_id: heard.call_ids.first().cloned().filter(|_| telling.call_ids[1]),
        from: (telling.heard_number)(&heard.caller.to_string()),
        to: (telling.heard_number)(&heard.callee.to_string()),
        start: heard.start_ms.map(instant),
        answer: heard.answer_ms.map(instant),
        end: heard.end_ms.map(instant),
        from_caller: way(heard.way(Speaker::Caller)),
        from_callee: way(heard.way(Speaker::Callee)),
    }
}

/// What was seen, in a sentence.
fn evidence(difference: &Difference) -> Message {
    let kind = difference.kind.name();
    let of = |by: &str| Message::new(&format!("{WORDS}.{kind}{by}"));
    let s = decimal_seconds;
    let sentence = match &difference.basis {
        Basis::Recorded { billed_ms } => of("").with("billed", s(*billed_ms)),
        Basis::Signalling { billed_ms, talk_ms } => {
            of("").with("billed", s(*billed_ms)).with("talk", s(*talk_ms))
        }
        Basis::LastMedia { billed_ms, media_ms } => {
            of("_hung").with("billed", s(*billed_ms)).with("media", s(*media_ms))
        }
        Basis::BothHeard { billed_ms, media_ms } => {
            of("").with("billed", s(*billed_ms)).with("media", s(*media_ms))
        }
        Basis::FirstMedia { billed_ms, wait_ms } => {
            of("").with("billed", s(*billed_ms)).with("wait", s(*wait_ms))
        }
        Basis::Refused { billed_ms, status } => {
            of("_refused").with("billed", s(*billed_ms)).with("status", status)
        }
        Basis::SilentCaller { billed_ms, other_ms } => {
            of("_caller").with("billed", s(*billed_ms)).with("other", whole_seconds(*other_ms))
        }
        Basis::SilentCallee { billed_ms, other_ms } => {
            of("_callee").with("billed", s(*billed_ms)).with("other", whole_seconds(*other_ms))
        }
        Basis::Codec { billed, seen } => of("").with("billed", billed).with("seen", seen.join(", ")),
        Basis::Unrecorded { talk_ms } => of("").with("talk", s(*talk_ms)),
    };
    match difference.differs_ms {
        Some(ms) => sentence.with("seconds", s(ms)),
        None => sentence,
    }
}

fn whole_seconds(ms: u64) -> String {
    decimal_seconds(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// `12.5`, without zeros that say nothing.
fn decimal_seconds(ms: i64) -> String {
    Money(i128::from(ms) * 1_000_000).to_string()
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1e3
}

fn instant(ms: i64) -> String {
    let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What a kind is called.
#[must_use]
pub fn kind_words(kind: &str, language: Language) -> String {
    crate::locale::words(language, &format!("{WORDS}_kind.{kind}"))
}

/// What it is called that something was not judged.
#[must_use]
pub fn undecided_words(why: &str, language: Language) -> String {
    crate::locale::words(language, &format!("{WORDS}_undecided.{why}"))
}

#[cfg(test)]
mod tests {
    use linesman_cdr::media::Undecided;

    use super::*;

    fn difference(kind: Kind, basis: Basis) -> Difference {
        Difference {
            kind,
            basis,
            record: None,
            call: None,
            matched_by: None,
            differs_ms: Some(12_500),
            at_stake: None,
        }
    }

    #[test]
    fn every_difference_is_a_sentence_in_both_languages() {
        use Kind as K;
        let (billed_ms, talk_ms, media_ms, wait_ms, other_ms) = (60_000, 30_000, 20_000, 12_500, 1_000);
        let all = [
            (K::BilledWithoutMedia, Basis::Signalling { billed_ms, talk_ms }),
            (K::BilledOneWay, Basis::SilentCaller { billed_ms, other_ms }),
            (K::BilledOneWay, Basis::SilentCallee { billed_ms, other_ms }),
            (K::FalseAnswer, Basis::FirstMedia { billed_ms, wait_ms }),
            (K::FalseAnswer, Basis::Refused { billed_ms, status: 486 }),
            (K::BilledLongerThanMedia, Basis::Signalling { billed_ms, talk_ms }),
            (K::BilledLongerThanMedia, Basis::LastMedia { billed_ms, media_ms }),
            (K::BilledShorterThanMedia, Basis::BothHeard { billed_ms, media_ms }),
            (K::CodecDiffers, Basis::Codec { billed: "G729".to_owned(), seen: vec!["PCMA".to_owned()] }),
            (K::NotBilled, Basis::Unrecorded { talk_ms }),
            (K::NotHeard, Basis::Recorded { billed_ms }),
        ];
        for language in [Language::English, Language::Chinese] {
            for (kind, basis) in &all {
                let said = evidence(&difference(*kind, basis.clone())).render(language);
                assert!(!said.contains("billed.") && !said.contains('{') && !said.contains('_'), "{said}");
            }
            for kind in Kind::ALL {
                assert!(!kind_words(kind.name(), language).contains('_'), "{}", kind.name());
            }
            for why in Undecided::ALL {
                assert!(!undecided_words(why.name(), language).contains('_'), "{}", why.name());
            }
        }
        let said = evidence(&difference(K::FalseAnswer, Basis::FirstMedia { billed_ms, wait_ms }));
        assert!(said.render(Language::English).contains("12.5"), "{said:?}");
    }
}
