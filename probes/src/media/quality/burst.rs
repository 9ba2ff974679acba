//! Losses in order: bursts and gaps by RFC 3611's definition, burst ratio, and run lengths.
//!
//! Two accounts of the same losses. [`BurstTracker`] follows the definition of RFC 3611 section 4.7.2 and is what
//! we report. [`EndpointCounter`] is the counting algorithm that endpoints run (RFC 3611 appendix A.2); it takes the
//! first isolated loss for the end of a burst, so it serves only to reproduce an endpoint's figures.

use serde::Serialize;

/// A burst ends where this many packets in a row arrived (RFC 3611 section 4.7.2, the recommended value).
pub const GMIN: u64 = 16;

/// Loss runs of this length and more share the last place of the histogram.
pub const RUN_LENGTHS: usize = 10;

/// Burst figures of a stream, by the definition of RFC 3611 section 4.7.2 with Gmin 16.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Bursts {
    /// Number of bursts.
    pub count: u64,
    /// Share of the packets inside bursts that were lost, 0 to 1; none without a burst.
    pub density: Option<f64>,
    /// Mean length of a burst; none without one or without a known packet time.
    pub mean_ms: Option<f64>,
    /// Share of the packets outside bursts that were lost, 0 to 1.
    pub gap_density: Option<f64>,
    /// Mean loss run over what random loss of the same rate would give (G.107 clause 7.5), at least 1.
    pub burst_r: f64,
}

/// Burst ratio of G.107: mean observed run of losses over the mean under random loss, never below 1.
pub fn burst_ratio(lost: u64, runs: u64, expected: u64) -> f64 {
    if lost == 0 || runs == 0 || expected == 0 {
        return 1.0;
    }
    let loss_ratio = (lost as f64 / expected as f64).min(1.0);
    (lost as f64 / runs as f64 * (1.0 - loss_ratio)).max(1.0)
}

/// Follows places of a sequence in order and tells bursts from gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BurstTracker {
    places: u64,
    lost: u64,
    runs: u64,
    /// Length of the loss run that is open, 0 when the last place was received.
    open_run: u64,
    run_lengths: [u32; RUN_LENGTHS],
    /// Received since the last loss.
    received_since_loss: u64,
    /// Losses that may yet become a burst: how many, and how many places from first to last.
    cluster_lost: u64,
    cluster_places: u64,
    bursts: u64,
    burst_lost: u64,
    burst_places: u64,
    gap_lost: u64,
}

impl BurstTracker {
    /// The next `count` places were received.
    #[inline]
    pub fn received(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        self.places += count;
        self.received_since_loss += count;
        if self.open_run > 0 {
            self.close_run();
        }
    }

    /// The next `count` places were lost.
    pub fn lost(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        self.places += count;
        self.lost += count;
        if self.open_run == 0 {
            self.runs += 1;
            if self.cluster_lost > 0 && self.received_since_loss < GMIN {
                self.cluster_places += self.received_since_loss;
            } else {
                self.close_cluster();
            }
        }
        self.open_run += count;
        self.cluster_lost += count;
        self.cluster_places += count;
        self.received_since_loss = 0;
    }

    fn close_run(&mut self) {
        let length = usize::try_from(self.open_run).unwrap_or(RUN_LENGTHS).min(RUN_LENGTHS);
        self.run_lengths[length - 1] = self.run_lengths[length - 1].saturating_add(1);
        self.open_run = 0;
    }

    fn close_cluster(&mut self) {
        match self.cluster_lost {
            0 => {}
            1 => self.gap_lost += 1,
            lost => {
                self.bursts += 1;
                self.burst_lost += lost;
                self.burst_places += self.cluster_places;
            }
        }
        self.cluster_lost = 0;
        self.cluster_places = 0;
    }

    /// Losses and runs of losses up to now.
    pub fn lost_and_runs(&self) -> (u64, u64) {
        (self.lost, self.runs)
    }

    /// Loss runs by length; the last place holds ten and more. A run still open counts with its length so far.
    pub fn run_lengths(&self) -> [u64; RUN_LENGTHS] {
        let mut closed = *self;
        if closed.open_run > 0 {
            closed.close_run();
        }
        closed.run_lengths.map(u64::from)
    }

    /// The figures up to now, as if the stream ended here.
    pub fn bursts(&self, packet_time_ms: Option<f64>) -> Bursts {
        let mut closed = *self;
        closed.close_cluster();
        let gap_places = closed.places - closed.burst_places;
        let some_burst = closed.bursts > 0;
        Bursts {
            count: closed.bursts,
            density: some_burst.then(|| closed.burst_lost as f64 / closed.burst_places as f64),
            mean_ms: packet_time_ms
                .filter(|_| some_burst)
                .map(|packet| closed.burst_places as f64 * packet / closed.bursts as f64),
            gap_density: (gap_places > 0).then(|| closed.gap_lost as f64 / gap_places as f64),
            burst_r: burst_ratio(closed.lost, closed.runs, closed.places),
        }
    }
}

/// What an endpoint's counters say of the same losses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EndpointBursts {
    /// Burst density in 1/256.
    pub burst_density: f64,
    /// Gap density in 1/256.
    pub gap_density: f64,
    /// Mean burst.
    pub burst_ms: f64,
    /// Mean gap.
    pub gap_ms: f64,
}

/// The transition counters of RFC 3611 appendix A.2, as endpoints keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointCounter {
    since_loss: u64,
    lost: u64,
    c11: u64,
    c13: u64,
    c14: u64,
    c22: u64,
    c23: u64,
    c33: u64,
}

impl EndpointCounter {
    /// The next packet was received.
    pub fn received(&mut self) {
        self.since_loss += 1;
    }

    /// The next packet was lost or thrown away.
    pub fn lost(&mut self) {
        if self.since_loss >= GMIN {
            if self.lost == 1 {
                self.c14 += 1;
            } else {
                self.c13 += 1;
            }
            self.lost = 1;
            self.c11 += self.since_loss;
        } else {
            self.lost += 1;
            if self.since_loss == 0 {
                self.c33 += 1;
            } else {
                self.c23 += 1;
                self.c22 += self.since_loss - 1;
            }
        }
        self.since_loss = 0;
    }

    /// The figures that an endpoint would send; none while it saw no burst.
    pub fn figures(&self, packet_time_ms: f64) -> Option<EndpointBursts> {
        if self.c13 == 0 {
            return None;
        }
        let (c11, c13, c14) = ((self.c11 + self.since_loss) as f64, self.c13 as f64, self.c14 as f64);
        let (c22, c23, c33) = (self.c22 as f64, self.c23 as f64, self.c33 as f64);
        let (c31, c32) = (c13, c23);
        let p32 = c32 / (c31 + c32 + c33);
        let p23 = if c22 + c23 > 0.0 { 1.0 - c22 / (c22 + c23) } else { 1.0 };
        let total = c11 + c14 + c13 + c22 + c23 + c31 + c32 + c33;
        let gap_ms = (c11 + c14 + c13) * packet_time_ms / c13;
        Some(EndpointBursts {
            burst_density: 256.0 * p23 / (p23 + p32),
            gap_density: if c11 + c14 > 0.0 { 256.0 * c14 / (c11 + c14) } else { 0.0 },
            burst_ms: total * packet_time_ms / c13 - gap_ms,
            gap_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(lost: &[u64]) -> (BurstTracker, EndpointCounter) {
        let mut tracker = BurstTracker::default();
        let mut counter = EndpointCounter::default();
        for place in 0..1000 {
            if lost.contains(&place) {
                tracker.lost(1);
                counter.lost();
            } else {
                tracker.received(1);
                counter.received();
            }
        }
        (tracker, counter)
    }

    #[track_caller]
    fn near(got: f64, want: f64, within: f64) {
        assert!((got - want).abs() <= within, "{got} is not {want}");
    }

    #[test]
    fn isolated_losses_are_no_burst() {
        let (tracker, counter) = followed(&[100, 300, 500, 700, 900]);
        let bursts = tracker.bursts(Some(20.0));
        assert_eq!((bursts.count, bursts.density, bursts.mean_ms), (0, None, None));
        near(bursts.gap_density.unwrap() * 256.0, 1.28, 0.005);
        assert_eq!(bursts.burst_r, 1.0);
        assert_eq!(tracker.run_lengths()[0], 5);
        let told = counter.figures(20.0).unwrap();
        near(told.burst_density, 256.0, 0.005);
        near(told.gap_density, 1.03, 0.005);
        near(told.burst_ms, 20.0, 0.005);
        near(told.gap_ms, 20000.0, 0.005);
    }

    #[test]
    fn one_run_of_six_is_one_burst_of_density_one() {
        let (tracker, counter) = followed(&[500, 501, 502, 503, 504, 505]);
        let bursts = tracker.bursts(Some(20.0));
        assert_eq!(
            (bursts.count, bursts.density, bursts.mean_ms, bursts.gap_density),
            (1, Some(1.0), Some(120.0), Some(0.0))
        );
        near(bursts.burst_r, 5.964, 0.0005);
        assert_eq!(tracker.run_lengths()[5], 1);
        let told = counter.figures(20.0).unwrap();
        near(told.burst_ms, 120.0, 0.005);
        near(told.gap_ms, 19900.0, 0.005);
    }

    #[test]
    fn losses_close_together_join_into_one_burst_and_lone_ones_stay_in_the_gap() {
        let (tracker, counter) = followed(&[100, 300, 500, 501, 502, 503, 504, 505, 510, 512, 900]);
        let bursts = tracker.bursts(Some(20.0));
        assert_eq!((bursts.count, bursts.mean_ms), (1, Some(260.0)));
        near(bursts.density.unwrap() * 256.0, 157.54, 0.005);
        near(bursts.gap_density.unwrap() * 256.0, 0.78, 0.005);
        near(bursts.burst_r, 1.813, 0.0005);
        let told = counter.figures(20.0).unwrap();
        near(told.burst_density, 164.57, 0.005);
        near(told.gap_density, 0.52, 0.005);
        near(told.burst_ms, 140.0, 0.005);
        near(told.gap_ms, 9880.0, 0.005);
    }

    #[test]
    fn two_bursts_have_their_mean_length() {
        let lost: Vec<u64> = [200, 201, 202, 203, 206].into_iter().chain(600..610).collect();
        let (tracker, counter) = followed(&lost);
        let bursts = tracker.bursts(Some(20.0));
        assert_eq!((bursts.count, bursts.mean_ms, bursts.gap_density), (2, Some(170.0), Some(0.0)));
        near(bursts.density.unwrap() * 256.0, 225.88, 0.005);
        near(bursts.burst_r, 4.925, 0.0005);
        assert_eq!((tracker.run_lengths()[9], tracker.run_lengths()[3], tracker.run_lengths()[0]), (1, 1, 1));
        let told = counter.figures(20.0).unwrap();
        near(told.burst_density, 225.88, 0.005);
        near(told.burst_ms, 170.0, 0.005);
        near(told.gap_ms, 9850.0, 0.005);
    }

    #[test]
    fn places_taken_in_bulk_count_as_if_taken_one_by_one() {
        let mut bulk = BurstTracker::default();
        bulk.received(100);
        bulk.lost(3);
        bulk.lost(2);
        bulk.received(5);
        bulk.lost(1);
        let mut single = BurstTracker::default();
        (0..100).for_each(|_| single.received(1));
        (0..5).for_each(|_| single.lost(1));
        (0..5).for_each(|_| single.received(1));
        single.lost(1);
        assert_eq!(bulk, single);
    }
}
