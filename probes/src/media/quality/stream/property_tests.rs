//! What holds for every stream, made or foreign.

use proptest::prelude::*;

use super::super::format::PayloadFormats;
use super::super::generate::{Change, Loss, Plan, Turn};
use super::tests::{as_truth, followed, report_of, reported};
use super::{Arrival, Settings, Stream};

fn any_loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::None),
        (0.0..0.9).prop_map(Loss::Random),
        (0.0..0.2, 0.05..1.0).prop_map(|(enter, leave)| Loss::Gilbert { enter, leave }),
    ]
}

fn any_plan() -> impl Strategy<Value = Plan> {
    (any::<u64>(), 1..800_u64, any::<u16>(), any::<u32>(), any_loss(), 0.0..120.0, 0.0..0.3).prop_map(
        |(seed, packets, first_sequence, first_timestamp, loss, jitter_ms, duplicates)| Plan {
            seed,
            packets,
            first_sequence,
            first_timestamp,
            loss,
            jitter_ms,
            duplicates,
            ..Plan::default()
        },
    )
}

proptest! {
    #[test]
    fn any_stream_without_restart_counts_exactly(plan in any_plan()) {
        let (packets, truth) = plan.run();
        prop_assume!(truth.received > 0);
        let stream = followed(&packets);
        prop_assert_eq!(as_truth(&stream.counts()), truth);
        let report = reported(&stream);
        let due: u64 = report.windows.iter().map(|window| window.expected).sum();
        prop_assert_eq!(due, truth.expected);
    }

    #[test]
    fn restarts_anywhere_are_no_loss_and_hide_none(
        seed in any::<u64>(),
        restarts in prop::collection::vec((200..600_u64, any::<u16>(), any::<u32>()), 1..4),
        loss in 0.0..0.1,
        jitter_ms in 0.0..19.0,
    ) {
        // A new beginning that looks like the old sequence going on cannot be told from it by anybody.
        let (mut sequence, mut timestamp) = (Plan::default().first_sequence, Plan::default().first_timestamp);
        for (after, anew, media) in &restarts {
            let ahead = anew.wrapping_sub(sequence.wrapping_add(*after as u16)).cast_signed();
            let apart = media.wrapping_sub(timestamp.wrapping_add(*after as u32 * 160)).cast_signed();
            prop_assume!(!(0..16).contains(&ahead) && apart.unsigned_abs() > 20 * 8000);
            (sequence, timestamp) = (*anew, *media);
        }
        let mut at = 0;
        let changes = restarts.into_iter().map(|(after, sequence, timestamp)| {
            at += after;
            Change { at, to: Turn::Restart { sequence, timestamp } }
        });
        let changes: Vec<Change> = changes.collect();
        let plan = Plan { seed, packets: 2000, changes, loss: Loss::Random(loss), jitter_ms, ..Plan::default() };
        let (packets, truth) = plan.run();
        let counts = followed(&packets).counts();
        prop_assert_eq!(as_truth(&counts), truth);
        prop_assert_eq!(counts.strays, 0);
    }

    #[test]
    fn jitter_and_playout_do_not_depend_on_where_the_timestamp_begins(plan in any_plan(), origin in any::<u32>()) {
        let moved = Plan { first_timestamp: origin, ..plan.clone() };
        let (here, there) = (report_of(&plan), report_of(&moved));
        prop_assert_eq!(here.jitter_mean_ms, there.jitter_mean_ms);
        prop_assert_eq!(here.playout, there.playout);
        prop_assert_eq!(here.mos, there.mos);
    }

    #[test]
    fn a_report_in_the_middle_changes_nothing_after_it(plan in any_plan(), cut in 0..800_usize) {
        let (packets, _) = plan.run();
        let cut = cut.min(packets.len());
        let mut stream = followed(&packets[..cut]);
        let _ = reported(&stream);
        for packet in &packets[cut..] {
            stream.push(&packet.arrival, &packet.format);
        }
        prop_assert_eq!(reported(&stream), report_of(&plan));
    }

    #[test]
    fn any_packets_at_all_leave_the_books_balanced(
        packets in prop::collection::vec((any::<u16>(), any::<u32>(), any::<i64>(), 0..128_u8, any::<bool>()), 0..400),
        near in any::<bool>(),
    ) {
        let formats = PayloadFormats::new();
        let mut stream = Stream::new(Settings::default());
        for (sequence, timestamp, at_ns, payload_type, marker) in packets {
            let sequence = if near { sequence % 300 } else { sequence };
            let arrival = Arrival { at_ns, sequence, timestamp, marker, payload_bytes: 20, flat: false };
            stream.push(&arrival, formats.get(payload_type));
        }
        let counts = stream.counts();
        prop_assert_eq!(counts.unique + counts.lost, counts.expected);
        prop_assert_eq!(counts.unique + counts.duplicates + counts.strays, counts.received);
        let report = reported(&stream);
        prop_assert!(report.mos.is_none_or(|mos| 1.0 <= mos.low && mos.low <= mos.high && mos.high <= 4.5));
        prop_assert!((0.0..=1.0).contains(&report.loss_ratio));
    }
}
