//! Reading, rating and pairing of call records, each alone, on a generated month: nanoseconds a record.
//! The whole run beside other engines is `cdr_reconcile.sh`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use linesman_cdr::format::detect::{Hints, Sample, detect};
use linesman_cdr::format::{Parsed, RowReader};
use linesman_cdr::generate::{Plan, View, pair, records};
use linesman_cdr::pair::{Learned, Matcher, Sink};
use linesman_cdr::rating::Rater;
use linesman_cdr::record::{Record, Side};

/// As many records of both sides as one partition of a large run holds.
const CALLS: u64 = 10_000;

#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn pair(&mut self, _: &Record, _: &Record) {
        self.0 += 2;
    }
    fn only(&mut self, _: Side, _: &Record) {
        self.0 += 1;
    }
    fn duplicate(&mut self, _: Side, _: &Record, _: &Record) {
        self.0 += 1;
    }
    fn split(&mut self, records: [&[Record]; 2]) {
        self.0 += records.iter().map(|parts| parts.len() as u64).sum::<u64>();
    }
    fn interim(&mut self, _: Side, _: &Record, _: &Record) {
        self.0 += 1;
    }
    fn cut_off(&mut self, _: Side, _: &Record) {
        self.0 += 1;
    }
}

fn reading(criterion: &mut Criterion) {
    let text = pair(&Plan::bench(1, CALLS)).expect("a plan that can be carried out").ours;
    let hints = Hints::default();
    let layout = detect(&Sample::of(&text), &hints, None).expect("the generator's own form").layout;
    let reader = RowReader::new(&layout).expect("a layout that was found");
    let mut group = criterion.benchmark_group("cdr");
    group.throughput(Throughput::Elements(CALLS));
    group.bench_function("read", |bencher| {
        let mut parsed = Parsed::default();
        bencher.iter(|| reader.read_into(black_box(&text), 0, &mut parsed, |_| ()));
    });
    group.finish();
}

fn rating_and_pairing(criterion: &mut Criterion) {
    let made = records(&Plan::bench(1, CALLS), View::Paired).expect("a plan that can be carried out");
    let side = |own: fn(&linesman_cdr::generate::CallRecords) -> &Vec<Record>| -> Vec<Record> {
        made.calls.iter().flat_map(|call| own(call).iter().copied()).collect()
    };
    let (ours, theirs) = (side(|call| &call.ours), side(|call| &call.theirs));
    let rater = Rater::new(&made.deck, &made.contract).expect("the generator's own deck");
    let mut group = criterion.benchmark_group("cdr");
    group.throughput(Throughput::Elements(ours.len() as u64));
    group.bench_function("rate", |bencher| {
        bencher.iter(|| {
            let charged = ours
                .iter()
                .filter_map(|one| rater.charge(one.callee, one.start_ms, one.talk_ms, one.talk_ms > 0).ok());
            charged.fold(0i64, |sum, (_, charge)| sum.wrapping_add(charge.amount))
        });
    });
    group.throughput(Throughput::Elements((ours.len() + theirs.len()) as u64));
    let learned = Learned { tolerance_ms: 5_000, ..Learned::default() };
    group.bench_function("pair", |bencher| {
        let mut matcher = Matcher::default();
        bencher.iter_batched_ref(
            || (ours.clone(), theirs.clone()),
            |(ours, theirs)| {
                let mut count = Count::default();
                matcher.run(ours, theirs, &learned, &mut count);
                count.0
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, reading, rating_and_pairing);
criterion_main!(benches);
