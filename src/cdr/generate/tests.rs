use proptest::prelude::*;

use super::inject::ORDER;
use super::*;
use crate::outcome::{CauseKind, Fault, Outcome};
use crate::rating::{Contract, Deck, Rater};
use crate::record::{Side, flag};
use crate::{Money, Number};

fn money(text: &str) -> Money {
    Money::parse(text).unwrap_or_else(|| panic!("`{text}` is no amount"))
}

/// Sum of the column `amount` and count of records, by looking at the text.
fn added_up(text: &[u8]) -> (Money, u64) {
    let text = std::str::from_utf8(text).unwrap();
    let mut lines = text.lines();
    let at = lines.next().unwrap().split(',').position(|word| word == "amount").unwrap();
    let amounts: Vec<Money> = lines.map(|line| money(line.split(',').nth(at).unwrap())).collect();
    (amounts.iter().copied().sum(), amounts.len() as u64)
}

fn prove(truth: &Outcome) {
    let shares: Money = truth.causes.iter().map(|cause| money(&cause.amount)).sum();
    assert_eq!(shares, money(&truth.totals.difference), "{truth:#?}");
    assert_eq!(money(&truth.totals.theirs) - money(&truth.totals.ours), money(&truth.totals.difference));
    for cause in &truth.causes {
        let [least, most] = cause.range.each_ref().map(|text| money(text));
        assert!(least <= money(&cause.amount) && money(&cause.amount) <= most, "{cause:#?}");
        assert!(least <= money(&cause.mean) && money(&cause.mean) <= most, "{cause:#?}");
    }
}

fn prove_pair(pair: &Pair) {
    prove(&pair.truth);
    let (ours, our_count) = added_up(&pair.ours);
    let (theirs, their_count) = added_up(&pair.theirs);
    assert_eq!((money(&pair.truth.totals.ours), pair.truth.counts.ours), (ours, our_count));
    assert_eq!((money(&pair.truth.totals.theirs), pair.truth.counts.theirs), (theirs, their_count));
}

#[test]
fn clean_files_agree_with_their_deck_and_with_each_other() {
    let plan = Plan { bands: true, ..Plan::new(1, 3_000) };
    let pair = pair(&plan).unwrap();
    prove_pair(&pair);
    assert!(pair.truth.causes.is_empty());
    assert_eq!(pair.truth.verdict, Fault::None);
    assert_eq!(pair.truth.counts.amount_differs, 0);
    assert!(pair.truth.counts.paired > 2_900, "{:?}", pair.truth.counts);
    let deck = Deck::read(&pair.rates).unwrap();
    assert!(deck.issues().is_empty(), "{:?}", deck.issues());
    let rater = Rater::new(&deck, &Contract::read(&pair.contract).unwrap()).unwrap();
    let recorded = records(&plan, View::Paired).unwrap();
    let rated = recorded.calls.iter().flat_map(|call| &call.ours).map(|record| {
        let rated = rater.rate_record(record).unwrap();
        assert_eq!((rated.charge.amount, rated.charge.billed_s), (record.amount, record.billed_s));
        assert_eq!(rated.terms.rate, record.rate);
        Money(i128::from(rated.charge.amount))
    });
    assert_eq!(rated.sum::<Money>(), money(&pair.truth.totals.correct));
}

#[test]
fn the_same_seed_makes_the_same_files_and_another_seed_others() {
    let made = |seed| pair(&Plan::new(seed, 500)).unwrap();
    assert_eq!(made(3).theirs, made(3).theirs);
    assert_ne!(made(3).theirs, made(4).theirs);
    assert_ne!(made(3).rates, made(4).rates);
}

#[test]
fn every_kind_of_cause_shows_on_either_side_and_adds_up() {
    for kind in ORDER {
        for side in Side::BOTH {
            let plan = Plan::new(kind as u64 + 10, 3_000).with(Injection::new(kind, side).share(400_000));
            let pair = pair(&plan).unwrap();
            prove_pair(&pair);
            let [cause] = &pair.truth.causes[..] else { panic!("{kind:?}: {:#?}", pair.truth) };
            assert_eq!(cause.kind, kind);
            let fault = if kind == CauseKind::PeriodCutoff { Fault::None } else { side.into() };
            assert_eq!((cause.at_fault, pair.truth.verdict), (fault, fault));
            assert!(cause.calls > 0);
            let worthless = kind == CauseKind::PartialRecords;
            assert_eq!(money(&cause.amount) == Money::ZERO, worthless, "{cause:#?}");
            assert_eq!(cause.range[0], cause.range[1], "alone it is worth the same in every order");
        }
    }
}

#[test]
fn a_selector_binds_a_cause_to_its_calls() {
    let window = [1_775_100_000_000, 1_775_200_000_000];
    let injection = Injection::new(CauseKind::MissingRecords, Side::Theirs)
        .gateway("gw2")
        .prefix("86")
        .window(window[0], window[1]);
    let made = records(&Plan::new(5, 5_000).with(injection), View::Paired).unwrap();
    let mut missing = 0;
    for call in &made.calls {
        let ours = call.ours[0];
        let bound = ours.callee.to_string().starts_with("86")
            && made.names[0].gateways[usize::from(ours.gateway)] == "gw2"
            && (window[0]..window[1]).contains(&ours.start_ms);
        assert_eq!(call.theirs.is_empty(), bound);
        missing += u64::from(bound);
    }
    assert!(missing > 10);
    assert_eq!((made.truth.counts.only_ours, made.truth.causes[0].calls), (missing, missing));
}

#[test]
fn records_as_read_follow_the_form_and_records_as_paired_do_not() {
    let theirs = Form {
        zone: "+08:00".to_owned(),
        clock_offset_ms: 3_000,
        numbers: NumberStyle::National("86".to_owned()),
        ..Form::theirs()
    };
    let plan = Plan { theirs, ..Plan::new(6, 400) };
    let (read, paired) = (records(&plan, View::Read).unwrap(), records(&plan, View::Paired).unwrap());
    for (read, paired) in read.calls.iter().zip(&paired.calls) {
        let (read, paired) = (read.theirs[0], paired.theirs[0]);
        assert_eq!(read.start_ms - paired.start_ms, 8 * 3_600_000 + 3_000);
        assert_eq!(read.callee.tail(8), paired.callee.tail(8));
        assert!(read.callee.to_string().starts_with('0'));
        assert_eq!(read.is(flag::ATTEMPT), read.talk_ms == 0);
    }
}

#[test]
fn files_are_written_in_the_order_and_style_asked_for() {
    let theirs = Form {
        order: Order::End,
        delimiter: ';',
        decimal: ',',
        header: Header::Chinese,
        time: TimeForm::DayFirst,
        span: SpanForm::Colons,
        numbers: NumberStyle::Tech("9913#".to_owned()),
        gateway_head: "peer-".to_owned(),
        crlf: true,
        ..Form::theirs()
    };
    let pair = pair(&Plan { theirs, ..Plan::new(7, 300) }).unwrap();
    let text = String::from_utf8(pair.theirs).unwrap();
    let mut lines = text.split("\r\n");
    let header =
        "话单流水号;主叫号码;被叫号码;开始时间;应答时间;结束时间;通话时长;计费时长;费率;费用;币种;网关;账户";
    assert_eq!(lines.next(), Some(header));
    let fields: Vec<&str> = lines.next().unwrap().split(';').collect();
    assert!(fields[2].starts_with("9913#"), "{fields:?}");
    assert!(fields[3].ends_with(|sign: char| sign.is_ascii_digit()) && fields[3].contains(".04.2026 "));
    assert!(fields[6].matches(':').count() == 2 && fields[9].contains(','), "{fields:?}");
    assert!(fields[11].starts_with("peer-gw"));
    let ends: Vec<&str> = text.split("\r\n").skip(1).filter_map(|line| line.split(';').nth(5)).collect();
    assert!(
        ends.windows(2).all(|two| two[0].get(11..) <= two[1].get(11..) || two[0].get(..2) < two[1].get(..2))
    );
}

#[test]
fn the_data_of_the_speed_measurements_has_its_shape() {
    let mut sizes = [Vec::new(), Vec::new()];
    let [ours, theirs] = &mut sizes;
    let truth = write(&Plan::bench(9, 100_000), ours, theirs).unwrap();
    prove(&truth);
    let per_row = sizes[0].len() as u64 / truth.counts.ours;
    assert!((78..=98).contains(&per_row), "{per_row} bytes a row");
    let kinds: Vec<_> = truth.causes.iter().map(|cause| (cause.kind, cause.calls)).collect();
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    assert!(kinds.iter().all(|(_, calls)| (10..250).contains(calls)), "{kinds:?}");
    assert!(truth.counts.ours + 500 > 99_000);
}

#[test]
fn the_shorthand_of_a_cause_reads_back_the_same_and_mistakes_are_named() {
    let text = "increment@ours:prefix=8613,gateway=gw2,from=2026-04-03T00:00:00Z,share=0.25,used=60/60";
    let injection: Injection = text.parse().unwrap();
    assert_eq!(injection.to_string(), text);
    assert_eq!("tax".parse::<Injection>().unwrap(), Injection::new(CauseKind::Tax, Side::Theirs));
    let message = |text: &str| text.parse::<Injection>().unwrap_err().to_string();
    assert!(message("incremnt").contains("no kind"));
    assert!(message("tax@mine").contains("ours or theirs"));
    assert!(message("tax:prefx=8").contains("no key"));
    assert!(message("tax:share=2").contains("from 0 to 1"));
    let plan = Plan::new(1, 10).with("stale_rate:prefix=91".parse().unwrap());
    assert!(pair(&plan).unwrap_err().to_string().contains("does not change"));
}

fn any_injection() -> impl Strategy<Value = Injection> {
    let selector = prop_oneof![
        Just(None),
        Just(Some(("prefix", "8613"))),
        Just(Some(("prefix", "86"))),
        Just(Some(("gateway", "gw1"))),
        Just(Some(("account", "acct2"))),
    ];
    (0..ORDER.len(), any::<bool>(), selector, 50_000u32..=1_000_000).prop_map(
        |(kind, theirs, selector, share)| {
            let side = if theirs { Side::Theirs } else { Side::Ours };
            let injection = Injection::new(ORDER[kind], side).share(share);
            match selector {
                Some(("prefix", prefix)) if ORDER[kind] != CauseKind::PrefixMissing => {
                    injection.prefix(prefix)
                }
                Some(("gateway", name)) => injection.gateway(name),
                Some(("account", name)) => injection.account(name),
                _ => injection,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_causes_together_on_both_sides_add_up_to_the_difference(
        seed in any::<u64>(), causes in prop::collection::vec(any_injection(), 0..5), decimals in 2u8..=8,
        mode in 0usize..4,
    ) {
        use crate::rating::Rounding::{Down, HalfEven, HalfUp, Up};
        let plan = Plan { causes, ..Plan::new(seed, 400) }.rounded(decimals, [Up, Down, HalfUp, HalfEven][mode]);
        prove_pair(&pair(&plan).unwrap());
    }

    #[test]
    fn any_form_writes_every_record_and_changes_no_truth(seed in any::<u64>()) {
        let plain = Plan::new(seed, 200);
        let formed = Plan { theirs: Form::by_chance(seed), ..plain.clone() };
        let (plain, formed) = (pair(&plain).unwrap(), pair(&formed).unwrap());
        prop_assert_eq!(&plain.truth.totals, &formed.truth.totals);
        let lines = formed.theirs.iter().filter(|byte| **byte == b'\n').count() as u64;
        prop_assert_eq!(lines, formed.truth.counts.theirs + 1);
    }
}

#[test]
fn called_numbers_are_those_of_the_destinations() {
    let made = records(&Plan::new(2, 2_000), View::Paired).unwrap();
    let rater = Rater::new(&made.deck, &made.contract).unwrap();
    for call in &made.calls {
        assert!(rater.rate_record(&call.ours[0]).is_ok(), "{}", call.ours[0].callee);
        assert_ne!(call.ours[0].callee, Number::NONE);
    }
    let redialled = made.calls.windows(60).filter(|calls| {
        calls[1..].iter().any(|later| {
            (later.ours[0].caller, later.ours[0].callee) == (calls[0].ours[0].caller, calls[0].ours[0].callee)
        })
    });
    assert!(redialled.count() > 60);
}
