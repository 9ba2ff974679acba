//! Clocks: plateaus of constant offset, steps between them, drift.
//!
//! Everything is measured as theirs minus ours, on calls that are the same beyond doubt. Offsets are
//! modes and medians: a wrong vote does not move them.

/// One call that both sides have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tick {
    /// Time by ours.
    pub ours: i64,
    /// Time by theirs.
    pub theirs: i64,
    /// Where their record stands.
    pub places: [u64; 2],
    /// Whether it was answered on both sides.
    pub answered: bool,
}

impl Tick {
    pub fn apart(&self) -> i64 {
        self.theirs - self.ours
    }
}

/// A time in which the offset was constant but for drift.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plateau {
    /// Ticks of it, by place in the ticks sorted by ours' time.
    pub ticks: std::ops::Range<usize>,
    /// Theirs minus ours, at the drift's origin.
    pub offset_ms: i64,
    /// The mean of what is near it: of whole seconds it says more than their middle.
    pub mean_ms: i64,
    /// Ticks that agree with it.
    pub agreeing: usize,
}

/// How the two clocks stand to each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    /// By ours' time.
    pub ticks: Vec<Tick>,
    /// In the order of time; at least one.
    pub plateaus: Vec<Plateau>,
    /// Theirs gains so many milliseconds in a million of ours.
    pub drift_ppm: f64,
    /// Where drift is nothing, in ours' time.
    pub origin_ms: i64,
}

const SECOND: i64 = 1_000;
/// Width of the window in which ticks of one plateau are sought.
const WINDOW: i64 = 6 * SECOND;
/// Further than anything but a wrong vote.
const FURTHEST: i64 = 26 * 3_600 * SECOND;
const STEP: i64 = 3 * SECOND;

impl Fit {
    /// What theirs minus ours should be at a time of ours, on a plateau.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "milliseconds of a drift"
    )]
    pub fn drift_at(&self, ours: i64) -> i64 {
        ((ours - self.origin_ms) as f64 * self.drift_ppm / 1e6).round() as i64
    }

    /// How far a tick is from what was fitted.
    pub fn residual(&self, place: usize) -> Option<i64> {
        let tick = self.ticks.get(place)?;
        let plateau = self.plateaus.iter().find(|plateau| plateau.ticks.contains(&place))?;
        Some(tick.apart() - plateau.offset_ms - self.drift_at(tick.ours))
    }
}

/// Start and count of the window that holds most of the sorted values.
pub(super) fn densest(values: &[i64], width: i64) -> (i64, usize) {
    let (mut best, mut from) = ((0, 0), 0);
    for (to, value) in values.iter().enumerate() {
        while value - values[from] > width {
            from += 1;
        }
        if to + 1 - from > best.1 {
            best = (values[from], to + 1 - from);
        }
    }
    best
}

/// The middle of sorted values.
pub(super) fn median(sorted: &[i64]) -> i64 {
    if sorted.is_empty() { 0 } else { sorted[sorted.len() / 2] }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a few hours")]
fn mean(values: &[i64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<i64>() as f64 / values.len() as f64 }
}

/// Some ticks one after the other, with what most of them say.
struct Segment {
    ticks: std::ops::Range<usize>,
    at: f64,
    offset: f64,
}

/// Brings ticks in the order of time. They come in parts that are in that order.
pub(super) fn sort(ticks: &mut [Tick]) {
    ticks.sort_by_key(|tick| (tick.ours, tick.theirs, tick.places));
}

/// Fits the clocks; none when too few calls agree.
pub(super) fn fit(mut ticks: Vec<Tick>) -> Option<Fit> {
    sort(&mut ticks);
    fit_sorted(ticks)
}

/// As [`fit()`], of ticks in the order of time.
pub(super) fn fit_sorted(mut ticks: Vec<Tick>) -> Option<Fit> {
    ticks.retain(|tick| tick.apart().abs() <= FURTHEST);
    let segments = segments(&ticks);
    if segments.is_empty() {
        return few(ticks);
    }
    let slope = rough_slope(&segments);
    let starts = steps(&segments, slope);
    let drift_ppm = drift(&segments, &starts);
    let origin_ms = ticks[0].ours;
    let mut fit = Fit { ticks, plateaus: Vec::new(), drift_ppm, origin_ms };
    let bounds: Vec<usize> = starts.iter().copied().chain([segments.len()]).collect();
    for pair in bounds.windows(2) {
        let from = if pair[0] == 0 { 0 } else { segments[pair[0]].ticks.start };
        let to = segments.get(pair[1]).map_or(fit.ticks.len(), |next| next.ticks.start);
        fit.plateaus.push(plateau(&fit, from..to));
    }
    for next in 1..fit.plateaus.len() {
        let (lower, upper) = (fit.plateaus[next - 1].ticks.clone(), fit.plateaus[next].ticks.clone());
        let boundary = boundary(&fit, next, lower.start..upper.end);
        fit.plateaus[next - 1].ticks.end = boundary;
        fit.plateaus[next].ticks.start = boundary;
    }
    // One alone is as it was.
    for place in 0..if fit.plateaus.len() > 1 { fit.plateaus.len() } else { 0 } {
        let range = fit.plateaus[place].ticks.clone();
        fit.plateaus[place] = plateau(&fit, range);
    }
    fit.plateaus.retain(|plateau| plateau.agreeing > 0);
    (!fit.plateaus.is_empty()).then_some(fit)
}

/// With a handful of calls: what all of them say, or most of them.
fn few(ticks: Vec<Tick>) -> Option<Fit> {
    let mut apart: Vec<i64> = ticks.iter().map(Tick::apart).collect();
    apart.sort_unstable();
    let (_, count) = densest(&apart, WINDOW);
    let enough = count >= 3 && count * 2 > apart.len() || count > 0 && count == apart.len();
    if !enough {
        return None;
    }
    let origin_ms = ticks[0].ours;
    let mut fit = Fit { ticks, plateaus: Vec::new(), drift_ppm: 0.0, origin_ms };
    let whole = plateau(&fit, 0..fit.ticks.len());
    fit.plateaus.push(whole);
    Some(fit)
}

fn segments(ticks: &[Tick]) -> Vec<Segment> {
    let count = (ticks.len() / 30).clamp(1, 400);
    let mut segments = Vec::new();
    for part in 0..count {
        let range = ticks.len() * part / count..ticks.len() * (part + 1) / count;
        let mut apart: Vec<i64> = ticks[range.clone()].iter().map(Tick::apart).collect();
        apart.sort_unstable();
        let (from, agreeing) = densest(&apart, WINDOW);
        if agreeing < 6 || agreeing * 4 < apart.len() {
            continue;
        }
        let inside: Vec<i64> =
            apart.iter().copied().filter(|value| (from..=from + WINDOW).contains(value)).collect();
        let middle = median(&inside);
        let near: Vec<i64> =
            inside.iter().map(|value| value - middle).filter(|value| value.abs() <= 2 * SECOND).collect();
        let at: Vec<i64> = ticks[range.clone()].iter().map(|tick| tick.ours - ticks[0].ours).collect();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
        let offset = middle as f64 + mean(&near);
        segments.push(Segment { ticks: range, at: mean(&at), offset });
    }
    segments
}

/// The middle of the slopes from each segment to the next: steps are too few to move it.
fn rough_slope(segments: &[Segment]) -> f64 {
    let mut slopes: Vec<f64> = segments
        .windows(2)
        .filter(|pair| pair[1].at > pair[0].at)
        .map(|pair| (pair[1].offset - pair[0].offset) / (pair[1].at - pair[0].at))
        .filter(|slope| slope.abs() < 1e-2)
        .collect();
    slopes.sort_unstable_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or(0.0)
}

/// Segments with which a plateau begins, the first one included.
#[expect(clippy::cast_precision_loss, reason = "three seconds")]
fn steps(segments: &[Segment], slope: f64) -> Vec<usize> {
    let level = |place: usize| segments[place].offset - slope * segments[place].at;
    let differ = |one: usize, other: usize| (level(one) - level(other)).abs() > STEP as f64;
    let mut starts = vec![0];
    let mut former = 0;
    for place in 1..segments.len() {
        if !differ(former, place) {
            former = place;
            continue;
        }
        // One segment that strays while the next is where the former was is a wrong one.
        if place + 1 < segments.len() && !differ(former, place + 1) {
            continue;
        }
        starts.push(place);
        former = place;
    }
    starts
}

/// Theil-Sen over the segments of each plateau, in millionths; nothing unless it shows.
fn drift(segments: &[Segment], starts: &[usize]) -> f64 {
    let mut slopes = Vec::new();
    let mut longest: f64 = 0.0;
    let bounds: Vec<usize> = starts.iter().copied().chain([segments.len()]).collect();
    for pair in bounds.windows(2) {
        let part = &segments[pair[0]..pair[1]];
        // One segment of two plateaus tells nothing of either.
        let part = if pair[1] < segments.len() && part.len() > 2 { &part[..part.len() - 1] } else { part };
        for (place, one) in part.iter().enumerate() {
            for other in &part[place + 1..] {
                let time = other.at - one.at;
                if time > 0.0 {
                    slopes.push((other.offset - one.offset) / time);
                    longest = longest.max(time);
                }
            }
        }
    }
    if slopes.len() < 6 {
        return 0.0;
    }
    let (many, part) = (slopes.len(), slopes.len() / 10);
    let mut at = |place: usize| *slopes.select_nth_unstable_by(place, f64::total_cmp).1;
    let slope = at(many / 2);
    // Significant: nearly all slopes have its sign, and over the whole it is more than a second.
    let (low, high) = (at(part), at(many - 1 - part));
    let one_way = low > 0.0 && slope > 0.0 || high < 0.0 && slope < 0.0;
    if one_way && (slope * longest).abs() >= 1_000.0 { slope * 1e6 } else { 0.0 }
}

fn plateau(fit: &Fit, ticks: std::ops::Range<usize>) -> Plateau {
    let mut apart: Vec<i64> =
        fit.ticks[ticks.clone()].iter().map(|tick| tick.apart() - fit.drift_at(tick.ours)).collect();
    apart.sort_unstable();
    let (from, _) = densest(&apart, WINDOW);
    let inside: Vec<i64> =
        apart.iter().copied().filter(|value| (from..=from + WINDOW).contains(value)).collect();
    let offset_ms = median(&inside);
    let near: Vec<i64> =
        inside.iter().map(|value| value - offset_ms).filter(|value| value.abs() <= 2 * SECOND).collect();
    #[expect(clippy::cast_possible_truncation, reason = "at most two seconds")]
    let mean_ms = offset_ms + mean(&near).round() as i64;
    Plateau { ticks, offset_ms, mean_ms, agreeing: inside.len() }
}

/// Where, among ticks of two plateaus, the second one begins: with the fewest on the wrong side.
fn boundary(fit: &Fit, next: usize, ticks: std::ops::Range<usize>) -> usize {
    let fits = |place: usize, plateau: usize| {
        let tick = &fit.ticks[place];
        let apart = tick.apart() - fit.drift_at(tick.ours) - fit.plateaus[plateau].offset_ms;
        i64::from(apart.abs() <= STEP / 2)
    };
    // Moving the boundary up past a tick costs when it is the later plateau's, gains when the former's.
    let (mut cost, mut best) = (0, (0, ticks.start));
    for place in ticks {
        cost += fits(place, next) - fits(place, next - 1);
        if cost < best.0 {
            best = (cost, place + 1);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(apart: impl Fn(i64) -> i64) -> Vec<Tick> {
        (0..2_000)
            .map(|call| {
                let ours = call * 600_000;
                // Every ninth vote is wrong.
                let wrong = if call % 9 == 0 { (call * 7_919_000) % 80_000_000 } else { 0 };
                let theirs = (ours + apart(call) + wrong).div_euclid(1_000) * 1_000;
                Tick { ours, theirs, places: [0, 0], answered: true }
            })
            .collect()
    }

    #[test]
    fn a_constant_offset_is_found_among_wrong_votes() {
        let fit = fit(ticks(|_| 8 * 3_600_000 - 3_000)).unwrap();
        assert_eq!(fit.plateaus.len(), 1);
        assert_eq!(fit.plateaus[0].offset_ms, 8 * 3_600_000 - 3_000);
        assert!(fit.drift_ppm == 0.0);
    }

    #[test]
    fn drift_is_found_to_a_part_in_a_million() {
        // 20 ms in 600 s.
        let fit = fit(ticks(|call| call * 20)).unwrap();
        assert!((fit.drift_ppm - 33.3).abs() < 1.0, "{}", fit.drift_ppm);
        assert_eq!(fit.plateaus.len(), 1);
    }

    #[test]
    fn steps_are_found_at_their_call() {
        let fit = fit(ticks(|call| if call < 777 { 3_600_000 } else { 7_200_000 })).unwrap();
        assert_eq!(fit.plateaus.len(), 2);
        assert!((775..=778).contains(&fit.plateaus[1].ticks.start), "{:?}", fit.plateaus);
        assert_eq!(fit.plateaus[1].offset_ms - fit.plateaus[0].offset_ms, 3_600_000);
    }
}
