//! Delay statistics of a burst. Pure.

use crate::observation::RttSummary;
use crate::units::Rtt;

/// Sums up the delays of a burst, given in the order of sending; `None` when nothing came back.
///
/// Jitter is taken between neighbours among the answers: where a request was lost, the answers
/// on both sides of the gap are neighbours.
#[must_use]
pub fn summarise(rtts: &[Rtt]) -> Option<RttSummary> {
    let mut sorted = rtts.to_vec();
    sorted.sort_unstable();
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    Some(RttSummary {
        min,
        mean: mean_nanos(sorted.iter().map(|rtt| rtt.nanos()))?,
        p50: nearest_rank(&sorted, 50)?,
        p95: nearest_rank(&sorted, 95)?,
        p99: nearest_rank(&sorted, 99)?,
        max,
        jitter: jitter(rtts),
    })
}

/// Mean absolute difference of consecutive delays (IPDV, RFC 3393); `None` below two.
#[must_use]
pub fn jitter(rtts: &[Rtt]) -> Option<Rtt> {
    let differences =
        rtts.iter().zip(rtts.iter().skip(1)).map(|(one, next)| one.nanos().abs_diff(next.nanos()));
    mean_nanos(differences)
}

/// The smallest value with at least `percent` of all at or below it; of sorted values.
fn nearest_rank(sorted: &[Rtt], percent: usize) -> Option<Rtt> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

fn mean_nanos(values: impl Iterator<Item = u64>) -> Option<Rtt> {
    let (sum, count) =
        values.fold((0_u128, 0_u128), |(sum, count), value| (sum + u128::from(value), count + 1));
    // A mean never exceeds the largest value, so it fits.
    u64::try_from(sum.checked_div(count)?).ok().map(Rtt::from_nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rtts(nanos: &[u64]) -> Vec<Rtt> {
        nanos.iter().copied().map(Rtt::from_nanos).collect()
    }

    #[test]
    fn nothing_received_has_no_delay() {
        assert_eq!(summarise(&[]), None);
    }

    #[test]
    fn one_answer_has_a_delay_but_no_jitter() {
        let summary = summarise(&rtts(&[7])).unwrap();
        assert_eq!(
            (summary.min, summary.p99, summary.jitter),
            (Rtt::from_nanos(7), Rtt::from_nanos(7), None)
        );
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let hundred: Vec<u64> = (1..=100).rev().collect();
        let summary = summarise(&rtts(&hundred)).unwrap();
        let got = [summary.min, summary.p50, summary.p95, summary.p99, summary.max].map(Rtt::nanos);
        assert_eq!(got, [1, 50, 95, 99, 100]);
    }

    #[test]
    fn jitter_follows_the_order_of_sending() {
        assert_eq!(jitter(&rtts(&[10, 30, 20])), Some(Rtt::from_nanos(15)));
        assert_eq!(jitter(&rtts(&[10, 10, 10])), Some(Rtt::from_nanos(0)));
    }

    proptest! {
        #[test]
        fn a_summary_is_ordered_and_made_of_what_was_measured(nanos in prop::collection::vec(any::<u64>(), 1..200)) {
            let summary = summarise(&rtts(&nanos)).unwrap();
            prop_assert!(summary.min <= summary.p50 && summary.p50 <= summary.p95);
            prop_assert!(summary.p95 <= summary.p99 && summary.p99 <= summary.max);
            prop_assert!(summary.min <= summary.mean && summary.mean <= summary.max);
            for value in [summary.min, summary.p50, summary.p95, summary.p99, summary.max] {
                prop_assert!(nanos.contains(&value.nanos()));
            }
            prop_assert_eq!(summary.jitter.is_some(), nanos.len() > 1);
            if let Some(jitter) = summary.jitter {
                prop_assert!(jitter.nanos() <= summary.max.nanos() - summary.min.nanos());
            }
        }

        #[test]
        fn at_least_the_named_share_lies_at_or_below_a_percentile(nanos in prop::collection::vec(0_u64..1000, 1..200)) {
            let summary = summarise(&rtts(&nanos)).unwrap();
            for (percent, value) in [(50, summary.p50), (95, summary.p95), (99, summary.p99)] {
                let at_or_below = nanos.iter().filter(|nano| **nano <= value.nanos()).count();
                let strictly_below = nanos.iter().filter(|nano| **nano < value.nanos()).count();
                prop_assert!(at_or_below * 100 >= percent * nanos.len());
                prop_assert!(strictly_below * 100 < percent * nanos.len());
            }
        }

        #[test]
        fn the_order_matters_for_jitter_only(mut nanos in prop::collection::vec(any::<u64>(), 1..50)) {
            let before = summarise(&rtts(&nanos)).unwrap();
            nanos.reverse();
            let after = summarise(&rtts(&nanos)).unwrap();
            prop_assert_eq!(before, after, "reversing keeps even the jitter");
        }
    }
}
