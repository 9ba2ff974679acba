//! Sender clock against capture clock, from the fastest packet of each five seconds.
//!
//! Queueing only ever delays, so the least transit of a stretch moves with the clocks alone; a line through those
//! minima gives parts per million, and its scatter says whether the line means anything.

const BUCKET_MS: f64 = 5_000.0;
/// Fewer buckets (half a minute) say nothing.
const ENOUGH: u32 = 6;

/// A least-squares line in running sums.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    n: u32,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

/// Follows the least transit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Drift {
    began_ms: f64,
    transit_at_begin_ms: f64,
    bucket_ends_ms: Option<f64>,
    least_at_ms: f64,
    least_ms: f64,
    line: Line,
    /// The longest stretch before media time began anew.
    best: Line,
}

impl Drift {
    /// Takes an audio packet's arrival and transit.
    #[inline]
    pub(super) fn packet(&mut self, arrival_ms: f64, transit_ms: f64) {
        match self.bucket_ends_ms {
            Some(end) if arrival_ms < end => {
                if transit_ms < self.least_ms {
                    (self.least_ms, self.least_at_ms) = (transit_ms, arrival_ms);
                }
                return;
            }
            Some(_) => self
                .line
                .add((self.least_at_ms - self.began_ms) * 1e-3, self.least_ms - self.transit_at_begin_ms),
            None => (self.began_ms, self.transit_at_begin_ms) = (arrival_ms, transit_ms),
        }
        self.bucket_ends_ms = Some(arrival_ms + BUCKET_MS);
        (self.least_ms, self.least_at_ms) = (transit_ms, arrival_ms);
    }

    /// Media time began anew: what follows is another line.
    pub(super) fn begin_anew(&mut self) {
        let best = if self.line.n > self.best.n { self.line } else { self.best };
        *self = Self { best, ..Self::default() };
    }

    /// Parts per million by which the sender's clock is fast (positive) or slow, and the standard error.
    pub(super) fn ppm(&self) -> Option<(f64, f64)> {
        let line = if self.line.n > self.best.n { self.line } else { self.best };
        line.slope().map(|(slope, error)| (-slope * 1000.0, error * 1000.0))
    }
}

impl Line {
    fn add(&mut self, x: f64, y: f64) {
        self.n += 1;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    /// Slope in milliseconds a second, and its standard error.
    fn slope(&self) -> Option<(f64, f64)> {
        if self.n < ENOUGH {
            return None;
        }
        let n = f64::from(self.n);
        let spread = self.xx - self.x * self.x / n;
        if spread <= 0.0 {
            return None;
        }
        let together = self.xy - self.x * self.y / n;
        let slope = together / spread;
        let left = (self.yy - self.y * self.y / n - slope * together).max(0.0);
        Some((slope, (left / (n - 2.0) / spread).sqrt()))
    }
}
