//! Pairing against planted truth: whole files are made, bent as the field bends them, and every record
//! must come out as what it was planted to be.

mod properties;
mod small;

use serde_json::{Value, json};

use super::*;
use crate::Number;
use crate::record::{ABSENT_32, NO_NAME, Names, flag};

/// A small generator of numbers (xorshift), so that a seed always makes the same files.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// What a record was planted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Planted {
    Both,
    OnlyOurs,
    OnlyTheirs,
    Duplicate,
}

struct Files {
    ours: Vec<Record>,
    theirs: Vec<Record>,
    /// Call and kind, by place.
    truth: [Vec<(u64, Planted)>; 2],
}

fn record(caller: &str, callee: &str, start_s: i64, ring_s: u32, talk_s: u32) -> Record {
    let attempt = if talk_s == 0 { flag::ATTEMPT } else { 0 };
    Record {
        caller: Number::of(caller),
        callee: Number::of(callee),
        start_ms: start_s * 1_000,
        amount: i64::from(talk_s) * 1_000,
        rate: 60_000,
        place: 0,
        talk_ms: talk_s * 1_000,
        billed_s: talk_s,
        ring_ms: ring_s * 1_000,
        call_id: 0,
        flags: attempt,
        gateway: NO_NAME,
        account: NO_NAME,
    }
}

const BEGIN: i64 = 1_775_174_400;

/// Files as the reference measurement has them: a tenth redials after 8 to 128 s, a third unanswered,
/// missing, doubled, jittered and longer records; theirs sorted by end.
fn files(seed: u64, calls: u64, days: u64, bend: impl Fn(&mut Record, &mut Dice)) -> Files {
    let mut dice = Dice(seed);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut former: Option<(String, String, i64)> = None;
    for call in 0..calls {
        let again = former.clone().filter(|_| dice.one_in(10));
        let (caller, callee, start) = match again {
            Some((caller, callee, start)) => (caller, callee, start + 8 + dice.below(121) as i64),
            None => (
                format!("85231{:06}", dice.below(calls / 50 + 5)),
                match dice.below(3) {
                    0 => format!("86138{:08}", dice.below(100_000_000)),
                    1 => format!("4420{:08}", dice.below(100_000_000)),
                    _ => format!("1202{:07}", dice.below(calls / 10 + 5)),
                },
                BEGIN + dice.below(days * 86_400) as i64,
            ),
        };
        let ring = 1 + dice.below(20) as u32;
        let talk = if dice.below(100) < 35 { 0 } else { 1 + dice.below(dice.0 % 600 + 1) as u32 };
        let mine = record(&caller, &callee, start, ring, talk);
        former = Some((caller, callee, start + i64::from(ring + talk)));
        let mut other = mine;
        if dice.one_in(2_000) {
            other.start_ms += [-2_000, -1_000, 1_000, 2_000][dice.below(4) as usize];
        }
        if dice.one_in(4_000) && talk > 0 {
            other.talk_ms += (1 + dice.below(90) as u32) * 1_000;
        }
        match dice.below(1_000) {
            0 => ours.push((mine, call, Planted::OnlyOurs)),
            1 => theirs.push((other, call, Planted::OnlyTheirs)),
            _ => {
                ours.push((mine, call, Planted::Both));
                theirs.push((other, call, Planted::Both));
                if dice.one_in(2_000) {
                    theirs.push((other, call, Planted::Duplicate));
                }
            }
        }
    }
    ours.sort_by_key(|(record, call, _)| (record.start_ms, *call));
    theirs.sort_by_key(|(record, call, _)| (learned::end(record), *call));
    for (record, _, _) in &mut theirs {
        bend(record, &mut dice);
    }
    let place = |list: Vec<(Record, u64, Planted)>| {
        let placed = (0..).zip(&list).map(|(place, (record, _, _))| Record { place, ..*record });
        (placed.collect(), list.iter().map(|(_, call, planted)| (*call, *planted)).collect())
    };
    let (ours, ours_truth) = place(ours);
    let (theirs, theirs_truth) = place(theirs);
    Files { ours, theirs, truth: [ours_truth, theirs_truth] }
}

/// What came out, by places.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Tally {
    pairs: Vec<(u64, u64)>,
    only: [Vec<u64>; 2],
    duplicates: [Vec<(u64, u64)>; 2],
    splits: [Vec<(Vec<u64>, u64)>; 2],
    /// In parts on both sides.
    both_split: Vec<[Vec<u64>; 2]>,
    interims: [Vec<(u64, u64)>; 2],
    cut_off: [Vec<u64>; 2],
}

impl Sink for Tally {
    fn pair(&mut self, ours: &Record, theirs: &Record) {
        self.pairs.push((ours.place, theirs.place));
    }
    fn only(&mut self, side: Side, record: &Record) {
        self.only[side.index()].push(record.place);
    }
    fn duplicate(&mut self, side: Side, record: &Record, of: &Record) {
        self.duplicates[side.index()].push((record.place, of.place));
    }
    fn split(&mut self, records: [&[Record]; 2]) {
        let places = records.map(|parts| parts.iter().map(|part| part.place).collect::<Vec<_>>());
        match &places {
            [parts, whole] if whole.len() == 1 => self.splits[0].push((parts.clone(), whole[0])),
            [whole, parts] if whole.len() == 1 => self.splits[1].push((parts.clone(), whole[0])),
            _ => self.both_split.push(places),
        }
    }
    fn interim(&mut self, side: Side, record: &Record, whole: &Record) {
        self.interims[side.index()].push((record.place, whole.place));
    }
    fn cut_off(&mut self, side: Side, record: &Record) {
        self.cut_off[side.index()].push(record.place);
    }
}

impl Tally {
    /// Places of a side, each as often as it came out.
    fn places(&self, side: usize) -> Vec<u64> {
        let mut places: Vec<u64> =
            self.pairs.iter().map(|pair| if side == 0 { pair.0 } else { pair.1 }).collect();
        places.extend(&self.only[side]);
        places.extend(self.duplicates[side].iter().map(|pair| pair.0));
        places.extend(self.splits[side].iter().flat_map(|split| split.0.clone()));
        places.extend(self.splits[1 - side].iter().map(|split| split.1));
        places.extend(self.both_split.iter().flat_map(|split| split[side].clone()));
        places.extend(self.interims[side].iter().map(|pair| pair.0));
        places.extend(&self.cut_off[side]);
        places.sort_unstable();
        places
    }
    fn sorted(mut self) -> Self {
        self.pairs.sort_unstable();
        for side in 0..2 {
            self.only[side].sort_unstable();
            self.duplicates[side].sort_unstable();
            self.splits[side].sort_unstable();
            self.both_split.sort_unstable();
            self.interims[side].sort_unstable();
            self.cut_off[side].sort_unstable();
        }
        self
    }
}

fn deck() -> Vec<String> {
    ["8613", "86", "4420", "44", "1202", "1", "852"].map(str::to_owned).to_vec()
}

fn learn_all(ours: &[Record], theirs: &[Record]) -> Learned {
    learn_with(ours, theirs, [true, false])
}

fn learn_with(ours: &[Record], theirs: &[Record], zones: [bool; 2]) -> Learned {
    let names = Names::default();
    let side = |records: &[Record], zone_known| SideContext {
        names: &names,
        zone_known,
        coverage: Coverage::of(records),
    };
    learn(
        ours,
        theirs,
        &LearnContext {
            sides: [side(ours, zones[0]), side(theirs, zones[1])],
            deck_prefixes: &deck(),
            clock_offset_ms: None,
            tolerance_ms: None,
        },
    )
}

fn matched(ours: &[Record], theirs: &[Record], learned: &Learned, partitions: u32) -> Tally {
    let mut tally = Tally::default();
    for part in 0..partitions {
        let of = |records: &[Record]| -> Vec<Record> {
            records.iter().copied().filter(|record| partition_of(record.callee, partitions) == part).collect()
        };
        match_partition(of(ours), of(theirs), learned, &mut tally);
    }
    tally
}

/// Learns, pairs, and demands that all came out as planted.
fn exact(files: &Files) -> Learned {
    let learned = learn_all(&files.ours, &files.theirs);
    let tally = matched(&files.ours, &files.theirs, &learned, 7);
    for side in 0..2 {
        let all: Vec<u64> = (0..files.truth[side].len() as u64).collect();
        assert_eq!(tally.places(side), all, "each record comes out once");
    }
    let truth = |side: usize, place: u64| files.truth[side][usize::try_from(place).unwrap()];
    let mut wrong = Vec::new();
    for (ours, theirs) in &tally.pairs {
        if truth(0, *ours).0 != truth(1, *theirs).0 {
            wrong.push((files.ours[*ours as usize], files.theirs[*theirs as usize]));
        }
    }
    assert!(wrong.is_empty(), "{} wrong pairs, as {:?}\n{learned:?}", wrong.len(), wrong[0]);
    let planted =
        |side: usize, kind: Planted| files.truth[side].iter().filter(|truth| truth.1 == kind).count();
    let counts = (
        tally.only[0].len(),
        tally.only[1].len(),
        tally.duplicates[0].len(),
        tally.duplicates[1].len(),
        tally.splits[0].len() + tally.splits[1].len() + tally.interims[0].len() + tally.interims[1].len(),
        tally.cut_off[0].len() + tally.cut_off[1].len(),
    );
    let wanted = (
        planted(0, Planted::OnlyOurs),
        planted(1, Planted::OnlyTheirs),
        0,
        planted(1, Planted::Duplicate),
        0,
        0,
    );
    assert_eq!(counts, wanted, "{learned:?}");
    learned
}

fn kinds(learned: &Learned) -> Vec<Value> {
    learned.findings.iter().map(|finding| serde_json::to_value(finding).unwrap()).collect()
}

fn of_kind(learned: &Learned, kind: &str) -> Vec<Value> {
    kinds(learned).into_iter().filter(|finding| finding["kind"] == kind).collect()
}

fn order() -> Value {
    json!({"kind": "order", "ours": "start_time", "theirs": "end_time"})
}

#[test]
fn the_reference_mixture_comes_out_exactly_with_a_clock_three_seconds_ahead() {
    let files = files(1, 100_000, 31, |record, _| record.start_ms += 3_000);
    let learned = exact(&files);
    assert_eq!(kinds(&learned), [json!({"kind": "clock_offset", "seconds": 3}), order()]);
}

#[test]
fn a_zone_and_an_offset_are_told_apart() {
    let files = files(2, 20_000, 7, |record, _| record.start_ms += 8 * 3_600_000 - 3_000);
    let learned = exact(&files);
    assert_eq!(
        kinds(&learned),
        [
            json!({"kind": "timezone", "side": "theirs", "utc_offset": "+08:00"}),
            json!({"kind": "clock_offset", "seconds": -3}),
            order(),
        ]
    );
}

#[test]
fn a_file_that_names_its_zone_is_the_reference() {
    let files = files(2, 5_000, 7, |record, _| record.start_ms -= 5 * 3_600_000 + 1_800_000);
    let learned = learn_with(&files.ours, &files.theirs, [false, true]);
    assert_eq!(
        kinds(&learned),
        [json!({"kind": "timezone", "side": "ours", "utc_offset": "+05:30"}), order()]
    );
    let tally = matched(&files.ours, &files.theirs, &learned, 3);
    assert!(tally.pairs.len() > 4_900);
    let mut ours = files.ours.clone();
    learned.prepare(Side::Ours, &mut ours);
    assert_eq!(ours[0].start_ms, files.ours[0].start_ms - 5 * 3_600_000 - 1_800_000);
}

#[test]
fn clean_files_show_nothing_whatever_their_size_and_noise() {
    for (seed, calls) in [(3, 40), (4, 200), (5, 950), (6, 950), (7, 5_000), (8, 20_000)] {
        for noise in [0, 1] {
            let mut files = files(seed, calls, 3, |record, dice| {
                if noise == 1 {
                    record.start_ms += 1_000 * (dice.below(3) as i64 - 1);
                }
            });
            for records in [&mut files.ours, &mut files.theirs] {
                records.sort_by_key(|record| record.start_ms);
                (0..).zip(&mut *records).for_each(|(place, record)| record.place = place);
            }
            let learned = learn_all(&files.ours, &files.theirs);
            assert_eq!(kinds(&learned), Vec::<Value>::new(), "{calls} calls, noise {noise}");
            assert!(learned.clocks.iter().all(Clock::is_reference));
            assert!(learned.tolerance_ms <= 3_000 + noise * 3_000, "{}", learned.tolerance_ms);
        }
    }
}

#[test]
fn a_handful_of_numbers_that_call_each_other_show_nothing_when_clean() {
    for seed in 1..=50 {
        let mut dice = Dice(seed * 7_919);
        let calls = 5 + dice.below(400);
        let mut records: Vec<Record> = (0..calls)
            .map(|_| {
                let caller = format!("8523100{:04}", dice.below(4));
                let callee = format!("86138000{:05}", dice.below(1 + seed % 7));
                let talk = if dice.one_in(3) { 0 } else { dice.below(300) as u32 };
                record(&caller, &callee, BEGIN + dice.below(86_400 * 3) as i64, dice.below(20) as u32, talk)
            })
            .collect();
        records.sort_by_key(|record| (record.start_ms, record.talk_ms));
        (0..).zip(&mut records).for_each(|(place, record)| record.place = place);
        let learned = learn_with(&records, &records, [false, false]);
        assert_eq!(kinds(&learned), Vec::<Value>::new(), "seed {seed}");
        let tally = matched(&records, &records, &learned, 2);
        assert_eq!(tally.pairs.len(), records.len(), "seed {seed}");
    }
}

#[test]
fn each_file_may_be_cut_at_its_own_midnight() {
    let files = files(18, 30_000, 4, |record, _| record.start_ms += 8 * 3_600_000);
    let (begin, end) = ((BEGIN / 86_400 + 1) * 86_400_000, (BEGIN / 86_400 + 3) * 86_400_000);
    let within = |records: &[Record]| -> Vec<Record> {
        records.iter().copied().filter(|record| (begin..end).contains(&record.start_ms)).collect()
    };
    let (ours, theirs) = (within(&files.ours), within(&files.theirs));
    let learned = learn_all(&ours, &theirs);
    let tally = matched(&ours, &theirs, &learned, 3);
    // Eight hours at either end; what is missing in between is missing.
    let late = ours.iter().filter(|record| record.start_ms >= end - 8 * 3_600_000).count();
    let early = theirs.iter().filter(|record| record.start_ms < begin + 8 * 3_600_000).count();
    assert!(tally.cut_off[0].len().abs_diff(late) <= 2, "{} of {late}", tally.cut_off[0].len());
    assert!(tally.cut_off[1].len() + tally.duplicates[1].len() + 2 >= early, "{early}");
    assert!(tally.only[0].len() < 40 && tally.only[1].len() < 40);
}

#[test]
fn drift_is_followed_over_a_month() {
    let files = files(9, 100_000, 31, |record, _| {
        let gained = (record.start_ms - BEGIN * 1_000) * 40 / 1_000_000;
        record.start_ms = (record.start_ms + gained).div_euclid(1_000) * 1_000;
    });
    let learned = exact(&files);
    let drift = learned.clocks[1].drift_ppm;
    assert!((drift - 40.0).abs() < 0.5, "{drift}");
    assert_eq!(of_kind(&learned, "clock_drift").len(), 1);
    assert!(of_kind(&learned, "dst_change").is_empty() && of_kind(&learned, "timezone").is_empty());
}

#[test]
fn summer_time_begins_and_ends_in_their_file() {
    // 2026-03-29T01:00Z, and the end of it a week later for the sake of a short file.
    let spring = 1_775_174_400_000 + 2 * 86_400_000 + 3_600_000;
    let autumn = spring + 7 * 86_400_000;
    let zone = |ms: i64| if (spring..autumn).contains(&ms) { 7_200_000 } else { 3_600_000 };
    let files = files(10, 60_000, 14, |record, _| record.start_ms += zone(record.start_ms));
    let learned = exact(&files);
    let change =
        |at, from, to| json!({"kind": "dst_change", "side": "theirs", "at": at, "from": from, "to": to});
    assert_eq!(
        of_kind(&learned, "dst_change"),
        [
            change("2026-04-05T01:00:00Z", "+01:00", "+02:00"),
            change("2026-04-12T01:00:00Z", "+02:00", "+01:00"),
        ]
    );
}

#[test]
fn a_clock_that_was_set_is_reported_with_its_moment() {
    let set = (BEGIN + 3 * 86_400 + 5_000) * 1_000;
    let files = files(11, 40_000, 7, |record, _| {
        record.start_ms += if record.start_ms < set { -2_000 } else { 41_000 }
    });
    let learned = exact(&files);
    let offsets = of_kind(&learned, "clock_offset");
    assert_eq!(offsets.len(), 2, "{offsets:?}");
    assert_eq!((&offsets[0]["seconds"], &offsets[1]["seconds"]), (&json!(-2), &json!(41)));
    assert!(offsets[1]["from"].as_str().unwrap().starts_with("2026-04-06T01"), "{offsets:?}");
}

#[test]
fn numbers_written_otherwise_pair_all_the_same() {
    let files = files(12, 40_000, 7, |record, _| {
        record.start_ms += 1_000;
        let written = |number: Number| {
            let text = number.to_string();
            match text.strip_prefix("86") {
                Some(home) => format!("0{home}"),
                None => format!("00{text}"),
            }
        };
        record.caller = Number::of(&written(record.caller));
        record.callee = Number::of(&format!("99913{}", record.callee));
    });
    let learned = exact(&files);
    let tech = of_kind(&learned, "tech_prefix");
    assert_eq!(tech.len(), 1);
    assert_eq!(
        (&tech[0]["prefix"], &tech[0]["side"], &tech[0]["party"]),
        (&json!("99913"), &json!("theirs"), &json!("callee"))
    );
    let formats = of_kind(&learned, "number_format");
    assert_eq!(formats.len(), 1);
    assert_eq!(
        (&formats[0]["from"], &formats[0]["to"], &formats[0]["party"]),
        (&json!("00"), &json!(""), &json!("caller"))
    );
    assert!(learned.numbers[0].is_empty());
    assert_eq!(learned.tech_prefixes(Side::Theirs), [Number::of("99913")]);
}

#[test]
fn callers_that_theirs_does_not_know_are_paired_by_the_called_number() {
    let mut files = files(13, 20_000, 7, |record, dice| {
        if dice.one_in(20) {
            record.caller = Number::NONE;
        }
    });
    for record in &mut files.theirs {
        record.start_ms += 3_000;
    }
    let learned = learn_all(&files.ours, &files.theirs);
    let tally = matched(&files.ours, &files.theirs, &learned, 5);
    let truth = |side: usize, place: u64| files.truth[side][place as usize].0;
    assert!(tally.pairs.iter().all(|pair| truth(0, pair.0) == truth(1, pair.1)));
    let both = files.truth[0].iter().filter(|truth| truth.1 == Planted::Both).count();
    assert!(tally.pairs.len() + 5 >= both, "{} of {both}", tally.pairs.len());
}

#[test]
fn their_time_may_be_the_answer_or_the_end() {
    for end in [false, true] {
        let files = files(14, 20_000, 7, |record, _| {
            if !record.is(flag::ATTEMPT) {
                record.start_ms += i64::from(record.ring_ms);
                record.start_ms += if end { i64::from(record.talk_ms) } else { 0 };
            }
            record.ring_ms = ABSENT_32;
        });
        let learned = learn_all(&files.ours, &files.theirs);
        let basis = if end { "end" } else { "answer" };
        let found = of_kind(&learned, "time_basis");
        assert_eq!(found, [json!({"kind": "time_basis", "side": "theirs", "basis": basis})]);
        let tally = matched(&files.ours, &files.theirs, &learned, 5);
        let truth = |side: usize, place: u64| files.truth[side][place as usize];
        let wrong = tally.pairs.iter().filter(|pair| truth(0, pair.0).0 != truth(1, pair.1).0).count();
        let both = files.truth[0].iter().filter(|truth| truth.1 == Planted::Both).count();
        assert_eq!(wrong, 0);
        assert!(tally.pairs.len() + 8 >= both, "{} of {both}, {learned:?}", tally.pairs.len());
    }
}

#[test]
fn order_of_lines_and_swap_of_sides_change_nothing() {
    let files = files(16, 6_000, 2, |_, _| ());
    let learned = learn_all(&files.ours, &files.theirs);
    let straight = matched(&files.ours, &files.theirs, &learned, 3).sorted();
    let (mut ours, mut theirs) = (files.ours.clone(), files.theirs.clone());
    ours.reverse();
    let middle = theirs.len() / 3;
    theirs.rotate_left(middle);
    let other = learn_all(&ours, &theirs);
    assert_eq!(other, learned);
    assert_eq!(matched(&ours, &theirs, &other, 11).sorted(), straight);
    let mirrored = learn_with(&files.theirs, &files.ours, [false, true]);
    let swapped = matched(&files.theirs, &files.ours, &mirrored, 3).sorted();
    let mut pairs: Vec<(u64, u64)> = swapped.pairs.iter().map(|pair| (pair.1, pair.0)).collect();
    pairs.sort_unstable();
    assert_eq!(pairs, straight.pairs);
    assert_eq!([&swapped.only[1], &swapped.only[0]], [&straight.only[0], &straight.only[1]]);
    assert_eq!(swapped.duplicates[0], straight.duplicates[1]);
}

#[test]
fn what_was_learned_survives_being_written_down() {
    let files = files(12, 3_000, 7, |record, _| {
        record.start_ms += 3_603_000;
        record.callee = Number::of(&format!("00{}", record.callee));
    });
    let learned = learn_all(&files.ours, &files.theirs);
    let text = serde_json::to_string(&learned).unwrap();
    assert_eq!(serde_json::from_str::<Learned>(&text).unwrap(), learned);
}
