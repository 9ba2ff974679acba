//! A line of bars: how a value went over time. The scale is absolute, so that two streams can be compared.

/// Widest line.
const WIDEST: usize = 32;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Loss in per cent from which the next bar is drawn.
pub(super) const LOSS: [f64; 7] = [0.05, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
/// Jitter in milliseconds from which the next bar is drawn.
pub(super) const JITTER: [f64; 7] = [1.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0];

/// A bar each value; what does not fit in the widest line is drawn by its worst. A gap is where nothing is known.
pub(super) fn sparkline(values: &[Option<f64>], steps: &[f64; 7]) -> String {
    let each = values.len().div_ceil(WIDEST).max(1);
    values
        .chunks(each)
        .map(|chunk| {
            let worst = chunk.iter().flatten().copied().reduce(f64::max);
            worst.map_or(' ', |worst| BARS[steps.iter().filter(|step| worst >= **step).count()])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_what_is_drawn_together_is_drawn_and_the_unknown_is_a_gap() {
        assert_eq!(sparkline(&[Some(0.0), None, Some(1.0), Some(99.0)], &LOSS), "▁ ▄█");
        let mut long = vec![Some(0.0); 640];
        long[333] = Some(4.0);
        let drawn = sparkline(&long, &LOSS);
        assert_eq!((drawn.chars().count(), drawn.chars().filter(|bar| *bar == '▅').count()), (32, 1));
        assert_eq!(sparkline(&[], &JITTER), "");
    }
}
