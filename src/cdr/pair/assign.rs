//! Assignment of minimal cost: every record to at most one of the other side.
//!
//! Small groups are solved exactly (the Hungarian method); larger ones without crossings (dynamic
//! programming); a group of thousands within tolerance of each other in the order of time.

/// What a pair costs; none: it cannot be one. Leaving two records alone costs [`ALONE`] twice.
pub(super) type Cost = Option<i64>;

/// What one record costs that stays alone.
const ALONE: i64 = 1_010 << SCALE;
/// Bits below a unit of cost; they break ties.
pub(super) const SCALE: u32 = 24;
/// No pair costs more, so that a record is left alone only for the sake of better pairs.
pub(super) const DEAREST: i64 = 2_000 << SCALE;

/// For each row the column it is paired with.
pub(super) fn assign(rows: usize, columns: usize, cost: impl Fn(usize, usize) -> Cost) -> Vec<Option<usize>> {
    if rows == 0 || columns == 0 {
        return vec![None; rows];
    }
    if rows == 1 && columns == 1 {
        return vec![cost(0, 0).map(|_| 0)];
    }
    if rows.max(columns) <= 24 {
        return hungarian(rows, columns, &cost);
    }
    if rows.saturating_mul(columns) <= 1_000_000 {
        return without_crossings(rows, columns, &cost);
    }
    in_turn(rows, columns, &cost)
}

/// Gain of a pair against two records alone: below nothing.
fn gain(cost: Cost) -> Option<i64> {
    cost.map(|cost| cost.min(DEAREST) - 2 * ALONE)
}

fn hungarian(rows: usize, columns: usize, cost: &impl Fn(usize, usize) -> Cost) -> Vec<Option<usize>> {
    const NEVER: i64 = i64::MAX / 4;
    // Each row has a column of its own, at no cost, for staying alone.
    let width = columns + rows;
    let price = |row: usize, column: usize| {
        if column < columns {
            gain(cost(row, column)).unwrap_or(1 << 50)
        } else if column == columns + row {
            0
        } else {
            1 << 50
        }
    };
    let matrix: Vec<i64> = (0..rows)
        .flat_map(|row| (0..width).map(move |column| (row, column)))
        .map(|(r, c)| price(r, c))
        .collect();
    let mut row_potential = vec![0i64; rows + 1];
    let mut column_potential = vec![0i64; width + 1];
    let mut owner = vec![0usize; width + 1];
    for row in 1..=rows {
        owner[0] = row;
        let mut column = 0;
        let mut least = vec![NEVER; width + 1];
        let mut way = vec![0usize; width + 1];
        let mut used = vec![false; width + 1];
        loop {
            used[column] = true;
            let current = owner[column];
            let (mut step, mut next) = (NEVER, 0);
            for candidate in 1..=width {
                if used[candidate] {
                    continue;
                }
                let reduced = matrix[(current - 1) * width + candidate - 1]
                    - row_potential[current]
                    - column_potential[candidate];
                if reduced < least[candidate] {
                    least[candidate] = reduced;
                    way[candidate] = column;
                }
                if least[candidate] < step {
                    step = least[candidate];
                    next = candidate;
                }
            }
            for candidate in 0..=width {
                if used[candidate] {
                    row_potential[owner[candidate]] += step;
                    column_potential[candidate] -= step;
                } else {
                    least[candidate] -= step;
                }
            }
            column = next;
            if owner[column] == 0 {
                break;
            }
        }
        while column != 0 {
            let former = way[column];
            owner[column] = owner[former];
            column = former;
        }
    }
    let mut result = vec![None; rows];
    for (column, row) in owner.iter().copied().skip(1).take(columns).enumerate() {
        if row > 0 && cost(row - 1, column).is_some() {
            result[row - 1] = Some(column);
        }
    }
    result
}

fn without_crossings(
    rows: usize,
    columns: usize,
    cost: &impl Fn(usize, usize) -> Cost,
) -> Vec<Option<usize>> {
    let width = columns + 1;
    let mut best = vec![0i64; (rows + 1) * width];
    for row in 1..=rows {
        for column in 1..=columns {
            let alone = best[(row - 1) * width + column].min(best[row * width + column - 1]);
            let paired =
                gain(cost(row - 1, column - 1)).map(|gain| best[(row - 1) * width + column - 1] + gain);
            best[row * width + column] = paired.map_or(alone, |paired| paired.min(alone));
        }
    }
    let mut result = vec![None; rows];
    let (mut row, mut column) = (rows, columns);
    while row > 0 && column > 0 {
        let here = best[row * width + column];
        if here == best[(row - 1) * width + column] {
            row -= 1;
        } else if here == best[row * width + column - 1] {
            column -= 1;
        } else {
            result[row - 1] = Some(column - 1);
            row -= 1;
            column -= 1;
        }
    }
    result
}

fn in_turn(rows: usize, columns: usize, cost: &impl Fn(usize, usize) -> Cost) -> Vec<Option<usize>> {
    let mut result = vec![None; rows];
    let mut next = 0;
    for (row, partner) in result.iter_mut().enumerate() {
        // Far enough to pass what no later row can reach either.
        if let Some(column) = (next..columns.min(next + 4_096)).find(|column| cost(row, *column).is_some()) {
            *partner = Some(column);
            next = column + 1;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_time(ours: &[i64], theirs: &[i64]) -> Vec<Option<usize>> {
        assign(ours.len(), theirs.len(), |row, column| {
            let apart = (ours[row] - theirs[column]).abs();
            (apart <= 5).then_some((apart * 200) << SCALE)
        })
    }

    #[test]
    fn as_many_as_can_be_are_paired_and_no_partner_is_taken_twice() {
        assert_eq!(by_time(&[0, 4], &[1, 8]), [Some(0), Some(1)]);
        assert_eq!(by_time(&[0, 1, 2], &[1]), [None, Some(0), None]);
        assert_eq!(by_time(&[0], &[9]), [None]);
        assert_eq!(by_time(&[], &[9]), []);
    }

    #[test]
    fn a_long_run_gives_what_a_short_one_gives() {
        let ours: Vec<i64> = (0..200).map(|call| call * 4).collect();
        let theirs: Vec<i64> = ours.iter().filter(|time| **time % 40 != 0).map(|time| time + 1).collect();
        let pairs = by_time(&ours, &theirs);
        for (time, partner) in ours.iter().zip(&pairs) {
            assert_eq!(partner.map(|column| theirs[column]), (time % 40 != 0).then_some(time + 1));
        }
    }
}
