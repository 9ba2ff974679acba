//! How long pairing takes; measured by hand.

use std::collections::BTreeMap;

use super::*;

/// Nanoseconds that this thread has been on a processor.
fn on_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|spent| spent.parse().ok()).unwrap_or(0.0)
}

#[test]
#[ignore = "measures; run in release: cargo test --release -p linesman-cdr pairing_speed -- --ignored --nocapture"]
fn pairing_speed() {
    let files = files(17, 400_000, 31, |record, _| record.start_ms += 3_000);
    let learned = learn_all(&files.ours, &files.theirs);
    let mut parts: BTreeMap<u32, [Vec<Record>; 2]> = BTreeMap::new();
    for (side, records) in [&files.ours, &files.theirs].into_iter().enumerate() {
        for record in records {
            parts.entry(partition_of(record.callee, 40)).or_default()[side].push(*record);
        }
    }
    #[derive(Default)]
    struct Count(u64, i64);
    impl Sink for Count {
        fn pair(&mut self, ours: &Record, theirs: &Record) {
            self.0 += 2;
            self.1 += theirs.amount - ours.amount;
        }
        fn only(&mut self, _: Side, _: &Record) {
            self.0 += 1;
        }
        fn duplicate(&mut self, _: Side, _: &Record, _: &Record) {
            self.0 += 1;
        }
        fn split(&mut self, _: Side, parts: &[Record], _: &Record) {
            self.0 += 1 + parts.len() as u64;
        }
        fn interim(&mut self, _: Side, _: &Record, _: &Record) {
            self.0 += 1;
        }
        fn cut_off(&mut self, _: Side, _: &Record) {
            self.0 += 1;
        }
    }
    for _ in 0..5 {
        let mut copy = parts.clone();
        let (mut matcher, mut count) = (Matcher::default(), Count::default());
        let begun = on_cpu();
        for [ours, theirs] in copy.values_mut() {
            matcher.run(ours, theirs, &learned, &mut count);
        }
        let spent = on_cpu() - begun;
        println!("{:.1} ns a record ({}, {})", spent / count.0 as f64, count.0, count.1);
    }
}
