use chrono::{DateTime, TimeDelta};
use linesman_probes::observation::{Impediment, Window};

use super::*;

fn way(lost: u64, mos_high: f64) -> WayDetail {
    WayDetail {
        known_by: "rtcp".to_owned(),
        expected: 500,
        lost,
        late: 0,
        jitter_ms: Some(lost as f64),
        mos_low: Some(mos_high - 0.5),
        mos_high: Some(mos_high),
    }
}

fn observed(detail: CallDetail) -> Observation {
    let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    Observation {
        target: "trunk-1/call".to_owned(),
        kind: ProbeKind::Call,
        window: Window { start, end: start + TimeDelta::seconds(11) },
        measured: Measured {
            outcome: Outcome::Answered,
            impediment: None,
            burst: Burst { sent: 1, received: 1, duplicates: 0, rtt: None },
            detail: Detail::Call(Box::new(detail)),
        },
    }
}

#[test]
fn each_way_is_a_series_of_its_own_and_the_worse_one_judges_the_call() {
    let call = CallDetail { out: Some(way(40, 3.1)), inward: Some(way(5, 4.2)), ..CallDetail::default() };
    let observation = observed(call);
    let ways = ways(&observation);
    let seen: Vec<(&str, u32, u32)> = ways
        .iter()
        .map(|it| (it.target.as_str(), it.measured.burst.sent, it.measured.burst.received))
        .collect();
    assert_eq!(seen, [("trunk-1/call-in", 500, 495), ("trunk-1/call-out", 500, 460)]);
    assert!(matches!(ways[1].measured.detail, Detail::Rtp { poor: 1, .. }));
    let heard = heard("trunk-1", &observation).expect("it was heard");
    assert_eq!((heard.lost, heard.mos, heard.is_test), (40, Some((2.6, 3.1)), true));
    assert_eq!(heard.place.direction, Direction::FromTrunk);
}

#[test]
fn what_is_not_known_or_was_spoilt_by_ourselves_is_neither_good_nor_bad() {
    let unknown = observed(CallDetail::default());
    assert!(ways(&unknown).is_empty() && heard("trunk-1", &unknown).is_none());
    let faults = vec!["late_sending".to_owned()];
    let spoilt = observed(CallDetail { out: Some(way(200, 1.5)), faults, ..CallDetail::default() });
    assert!(ways(&spoilt).is_empty() && heard("trunk-1", &spoilt).is_none());
    let measured = Measured::unmeasured(Impediment::NoRoute);
    assert!(heard("trunk-1", &Observation { measured, ..spoilt }).is_none());
}
