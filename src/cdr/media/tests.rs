//! The vectors of `vectors.toml`, and what holds for all records and calls.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::record::{ABSENT, ABSENT_32, Record, flag};
use crate::{Money, Number};

/// From the INVITE to the answer.
const RING_MS: i64 = 2_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    case: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    #[serde(default = "yes")]
    zone_known: bool,
    #[serde(default = "yes")]
    says_talk: bool,
    span: Option<[i64; 2]>,
    #[serde(default)]
    capture: Vec<[i64; 2]>,
    #[serde(default)]
    rejected: Vec<String>,
    calls: Vec<Call>,
    records: Vec<Row>,
    /// Kind, Call-ID, milliseconds, money.
    differences: Vec<String>,
    #[serde(default)]
    undecided: BTreeMap<Undecided, u64>,
    records_count: Option<BTreeMap<String, u64>>,
    calls_count: Option<BTreeMap<String, u64>>,
    offset: Option<i64>,
}

fn yes() -> bool {
    true
}

fn callee() -> String {
    "8613800000001".to_owned()
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Call {
    id: Option<String>,
    at: i64,
    #[serde(default = "callee")]
    callee: String,
    talk: Option<i64>,
    voice: Option<i64>,
    refused: Option<u16>,
    #[serde(default)]
    no_media: bool,
    silent: Option<Speaker>,
    #[serde(default)]
    late: bool,
    #[serde(default)]
    callee_after: i64,
    #[serde(default)]
    callee_on: i64,
    #[serde(default)]
    end_unseen: bool,
    codec: Option<String>,
    path: Option<String>,
    #[serde(default)]
    doubts: Vec<Doubt>,
}

impl Call {
    fn heard(&self) -> Heard {
        let answer_ms = self.talk.map(|_| self.at + RING_MS);
        let end_ms = answer_ms.zip(self.talk).map(|(answer, talk)| answer + talk);
        let way = |speaker: Speaker, after: i64, on: i64| {
            if self.no_media || self.silent == Some(speaker) {
                return None;
            }
            let (first, talk) = (answer_ms? + after, self.voice.or(self.talk)? + on);
            Some(Way {
                first_ms: first,
                last_ms: answer_ms? + talk,
                active_ms: u64::try_from(talk - after).ok()?,
                packets: u64::try_from(talk / 20).ok()?,
                codecs: [self.codec.clone().unwrap_or_else(|| "PCMA".to_owned())].into(),
                ..Way::default()
            })
        };
        Heard {
            call_ids: self.id.iter().cloned().collect(),
            caller: Number::of("85230000001"),
            callee: Number::of(&self.callee),
            start_ms: Some(self.at),
            answer_ms,
            end_ms: end_ms.filter(|_| !self.end_unseen),
            refused: self.refused,
            ways: [way(Speaker::Caller, 0, 0), way(Speaker::Callee, self.callee_after, self.callee_on)],
            found: Found { no_media: self.no_media, silent: self.silent, late_callee: self.late },
            doubts: self.doubts.iter().copied().collect(),
            path: self.path.clone(),
        }
    }
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Option<String>,
    at: i64,
    #[serde(default = "callee")]
    callee: String,
    talk: Option<u32>,
    billed: Option<u32>,
    amount: Option<String>,
    rate: Option<String>,
    codec: Option<String>,
    gateway: Option<String>,
}

impl Row {
    fn billed(&self, line: u64) -> BilledCall {
        let money = |text: &Option<String>| {
            let money = text.as_deref().and_then(Money::parse);
            money.map_or(ABSENT, |money| i64::try_from(money.0).unwrap())
        };
        let decimals =
            self.amount.as_deref().and_then(|text| text.split_once('.')).map_or(0, |(_, part)| part.len());
        let attempt = if self.talk.is_none() { flag::ATTEMPT } else { 0 };
        let record = Record {
            caller: Number::of("85230000001"),
            callee: Number::of(&self.callee),
            start_ms: self.at,
            amount: money(&self.amount),
            rate: money(&self.rate),
            place: line,
            talk_ms: self.talk.unwrap_or(0),
            billed_s: self.billed.or(self.talk.map(|talk| talk / 1000)).unwrap_or(ABSENT_32),
            ring_ms: if self.talk.is_some() { RING_MS as u32 } else { ABSENT_32 },
            flags: attempt | (decimals as u32) << flag::DECIMALS_SHIFT,
            ..bytemuck::Zeroable::zeroed()
        };
        BilledCall {
            record,
            line,
            call_id: self.id.clone(),
            codec: self.codec.clone(),
            gateway: self.gateway.clone(),
            currency: Some("USD".to_owned()),
        }
    }
}

fn book<'a>(records: &'a [BilledCall], zone_known: bool) -> Book<'a> {
    let times = || records.iter().map(|billed| billed.record.start_ms);
    Book {
        records,
        zone_known,
        says_talk: true,
        span_ms: times().min().zip(times().max()).map(|(first, last)| [first, last]),
        rejected: &[],
        rejected_whole: true,
    }
}

#[test]
fn every_vector_gives_its_differences_and_nothing_else() {
    let vectors: Vectors = toml::from_str(include_str!("vectors.toml")).unwrap();
    assert!(vectors.case.len() > 20);
    for vector in vectors.case {
        let name = &vector.name;
        let heard: Vec<Heard> = vector.calls.iter().map(Call::heard).collect();
        let records: Vec<BilledCall> =
            vector.records.iter().enumerate().map(|(line, row)| row.billed(line as u64 + 2)).collect();
        let spans = if vector.capture.is_empty() { vec![[0, 100_000_000]] } else { vector.capture };
        let mut book = book(&records, vector.zone_known);
        (book.says_talk, book.rejected) = (vector.says_talk, &vector.rejected);
        book.span_ms = vector.span.or(book.span_ms);
        let answer = compare(&book, &heard, &Capture::of(spans), &Limits::default());
        let shown: Vec<String> = answer
            .differences
            .iter()
            .map(|one| {
                let id = one.record.and_then(|place| records[place].call_id.clone());
                let id = id.or_else(|| heard[one.call?].call_ids.first().cloned());
                let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
                format!(
                    "{} {} {} {}",
                    one.kind.name(),
                    or_dash(id),
                    or_dash(one.differs_ms.map(|ms| ms.to_string())),
                    or_dash(one.at_stake.map(|money| money.to_string()))
                )
            })
            .collect();
        assert_eq!(shown, vector.differences, "{name}: {answer:?}");
        for (why, count) in &vector.undecided {
            let found = answer.undecided.get(why).copied().unwrap_or(0);
            if *count > 0 {
                assert_eq!(found, *count, "{name}: {why:?}: {answer:?}");
            }
        }
        let RecordCounts { matched, not_heard, not_covered, ambiguous, interim, .. } = answer.records;
        let told = [("matched", matched), ("not_heard", not_heard), ("not_covered", not_covered)];
        let told = told.into_iter().chain([("ambiguous", ambiguous), ("interim", interim)]);
        for (which, count) in told {
            if let Some(wanted) = &vector.records_count {
                assert_eq!(count, wanted.get(which).copied().unwrap_or(0), "{name}: records {which}");
            }
        }
        let CallCounts { matched, not_billed, not_covered, ambiguous, .. } = answer.calls;
        let told = [("matched", matched), ("not_billed", not_billed), ("not_covered", not_covered)];
        for (which, count) in told.into_iter().chain([("ambiguous", ambiguous)]) {
            if let Some(wanted) = &vector.calls_count {
                assert_eq!(count, wanted.get(which).copied().unwrap_or(0), "{name}: calls {which}");
            }
        }
        if let Some(offset) = vector.offset {
            assert_eq!(answer.offset.ms, offset, "{name}");
        }
    }
}

#[test]
fn a_record_is_at_stake_once_with_its_largest_difference() {
    let call = Call { codec: Some("PCMA".to_owned()), ..call("a", 100_000, 30_000) };
    let row =
        Row { amount: Some("0.60".to_owned()), codec: Some("G729".to_owned()), ..row("a", 100_000, 60_000) };
    let mut heard = call.heard();
    heard.found.late_callee = true;
    heard.ways[1].as_mut().unwrap().first_ms += 20_000;
    let records = [Row { rate: Some("0.60".to_owned()), ..row }.billed(2)];
    let book = book(&records, true);
    let answer = compare(&book, &[heard], &Capture::of(vec![[0, 1_000_000]]), &Limits::default());
    let kinds: Vec<Kind> = answer.differences.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::FalseAnswer, Kind::BilledLongerThanMedia, Kind::CodecDiffers]);
    assert_eq!(answer.at_stake(&book, |_| true).get("USD"), Money::parse("0.29").as_ref());
}

fn call(id: &str, at: i64, talk: i64) -> Call {
    toml::from_str(&format!("id = '{id}'\nat = {at}\ntalk = {talk}")).unwrap()
}

fn row(id: &str, at: i64, talk: u32) -> Row {
    toml::from_str(&format!("id = '{id}'\nat = {at}\ntalk = {talk}")).unwrap()
}

/// Calls to a few numbers, some at almost the same time, some without a record and the other way round.
fn traffic() -> impl Strategy<Value = (Vec<Heard>, Vec<BilledCall>)> {
    let one = (0_u8..4, 0_i64..400, 0_i64..120, 0_u8..16, any::<bool>(), 0_i64..4_000);
    prop::collection::vec(one, 0..40).prop_map(|many| {
        let (mut heard, mut records) = (Vec::new(), Vec::new());
        for (number, (to, at, talk, how, has_id, late)) in many.into_iter().enumerate() {
            let callee = format!("861380000000{to}");
            let id = has_id.then(|| format!("call-{}", if how == 7 { 0 } else { number }));
            let (at, talk) = (100_000 + at * 10_000, talk * 1_000);
            let silent = (how == 3).then_some(Speaker::Callee);
            let doubts = if how == 4 { vec![Doubt::MeasurementFault] } else { Vec::new() };
            let one = Call {
                id: id.clone(),
                callee: callee.clone(),
                no_media: how == 2,
                silent,
                doubts,
                talk: (talk > 0).then_some(talk),
                ..call("x", at, talk)
            };
            if how != 0 {
                heard.push(one.heard());
            }
            let billed = if how == 5 { talk * 2 } else { talk };
            if how != 1 {
                let row = Row {
                    id: id.filter(|_| how != 6),
                    callee,
                    talk: (talk > 0).then_some(billed as u32),
                    amount: Some("0.10".to_owned()),
                    ..row("x", at + late, 0)
                };
                records.push(row.billed(number as u64));
            }
        }
        (heard, records)
    })
}

fn told(answer: &Comparison, heard: &[Heard], records: &[BilledCall]) -> Vec<String> {
    let mut told: Vec<String> = answer
        .differences
        .iter()
        .map(|one| {
            let line = one.record.map(|place| records[place].line);
            let call = one.call.map(|call| format!("{:?}", heard[call].call_ids));
            format!("{:?} {line:?} {call:?} {:?} {:?}", one.kind, one.differs_ms, one.at_stake)
        })
        .collect();
    told.sort();
    told
}

proptest! {
    #[test]
    fn every_record_and_every_call_is_counted_exactly_once((heard, records) in traffic(), zone in any::<bool>()) {
        let answer = compare(
            &book(&records, zone), &heard, &Capture::of(vec![[0, 3_000_000]]), &Limits::default());
        let of = answer.records;
        prop_assert_eq!(of.all, records.len() as u64);
        prop_assert_eq!(of.all, of.matched + of.not_heard + of.not_covered + of.ambiguous + of.interim);
        let of = answer.calls;
        prop_assert_eq!(of.all, heard.len() as u64);
        prop_assert_eq!(of.all, of.matched + of.not_billed + of.not_covered + of.ambiguous);
        prop_assert_eq!(answer.records.matched, answer.calls.matched);
        let by_kind = |kind| answer.differences.iter().filter(|one| one.kind == kind).count() as u64;
        prop_assert_eq!(by_kind(Kind::NotHeard), answer.records.not_heard);
        prop_assert_eq!(by_kind(Kind::NotBilled), answer.calls.not_billed);
        let mut places: Vec<usize> = answer.matched.iter().map(|(_, place, _)| *place).collect();
        places.sort_unstable();
        places.dedup();
        prop_assert_eq!(places.len(), answer.matched.len(), "one to one");
    }

    #[test]
    fn neither_the_order_of_the_rows_nor_the_records_clock_changes_the_answer(
        (heard, records) in traffic(), shift in -300_i64..300, seed in any::<u64>(),
    ) {
        // Enough of them with a Call-ID that the clock is proven.
        let mut heard = heard;
        let mut records = records;
        for number in 0..5_i64 {
            let (id, at) = (format!("sure-{number}"), 50_000 + number * 7_000);
            heard.push(call(&id, at, 5_000).heard());
            records.push(row(&id, at, 5_000).billed(1_000 + number as u64));
        }
        let capture = Capture::of(vec![[0, 3_000_000]]);
        let before = compare(&book(&records, true), &heard, &capture, &Limits::default());
        let mut moved = records.clone();
        for billed in &mut moved {
            billed.record.start_ms += shift * 1_000;
        }
        let mut state = seed | 1;
        for place in (1..moved.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            moved.swap(place, (state >> 33) as usize % (place + 1));
        }
        let after = compare(&book(&moved, true), &heard, &capture, &Limits::default());
        prop_assert_eq!(after.offset.ms, before.offset.ms + shift * 1_000);
        prop_assert_eq!(told(&after, &heard, &moved), told(&before, &heard, &records));
        prop_assert_eq!((after.records, after.calls), (before.records, before.calls));
    }

    #[test]
    fn a_call_that_is_billed_as_it_was_heard_is_never_accused(
        calls in prop::collection::vec((0_i64..100_000, 1_i64..600, -900_i64..900), 1..40),
    ) {
        let (mut heard, mut records) = (Vec::new(), Vec::new());
        for (number, (at, talk, rounding)) in calls.into_iter().enumerate() {
            let callee = format!("86138{number:08}");
            let one = Call { id: None, callee: callee.clone(), ..call("x", at * 100, talk * 1_000) };
            heard.push(one.heard());
            let talk = u32::try_from((talk * 1_000 + rounding).max(1)).unwrap();
            records.push(Row { id: None, callee, ..row("x", at * 100, talk) }.billed(number as u64));
        }
        let answer = compare(
            &book(&records, true), &heard, &Capture::of(vec![[0, 30_000_000]]), &Limits::default());
        prop_assert_eq!(answer.differences, Vec::new());
    }
}
