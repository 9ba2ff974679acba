//! What lengths mean and how they are written: conversation or the whole call, seconds or minutes.

use super::super::preset::Preset;
use super::super::{Layout, Role, SpanStyle, words};
use super::content::{between, is_difference};
use super::table::Table;
use super::values::{NumberForm, colons};
use super::{DetectError, Hints};

const LENGTHS: [Role; 4] = [Role::Talk, Role::Total, Role::Ring, Role::Billed];
const PLAIN_STYLES: [SpanStyle; 4] =
    [SpanStyle::Seconds, SpanStyle::Millis, SpanStyle::Micros, SpanStyle::Minutes];

pub(super) fn settle(
    table: &Table,
    hints: &Hints,
    preset: Option<&Preset>,
    layout: &mut Layout,
) -> Result<(), DetectError> {
    let form = NumberForm { decimal: layout.decimal, thousands: layout.thousands };
    let fixed = hints.columns.is_some()
        || preset.is_some_and(|preset| preset.name != "generic" && preset.only_these_names);
    let named = preset.is_some_and(|preset| preset.names.contains_key("talk"));
    if !fixed && !named {
        loose_beside_sure(table, layout, form);
    }
    let lengths: Vec<usize> =
        (0..table.width).filter(|column| LENGTHS.contains(&layout.columns[*column])).collect();
    // The column whose unit is proved first helps the others.
    let mut open = Vec::new();
    for column in lengths {
        match unit(table, hints, preset, layout, form, column) {
            Some(style) => layout.spans[column] = style,
            None => open.push(column),
        }
    }
    for column in open {
        layout.spans[column] = by_size(table, layout, form, column).ok_or_else(|| {
            let values = Box::new(table.examples(column));
            let flag = hints.flag("duration-unit");
            DetectError::Ambiguous {
                file: hints.file.clone(),
                column: table.name(column),
                readings: "as seconds, minutes or milliseconds".to_owned(),
                values,
                flag: format!("{flag} seconds, {flag} minutes or {flag} ms"),
            }
        })?;
    }
    if !fixed {
        by_moments(table, layout, form);
        conversation_by_moments(table, layout, form);
    }
    Ok(())
}

fn place(layout: &Layout, role: Role) -> Option<usize> {
    layout.columns.iter().position(|known| *known == role)
}

/// `duration` beside `billsec` is the whole call.
fn loose_beside_sure(table: &Table, layout: &mut Layout, form: NumberForm) {
    let loose = |column: usize| table.header.get(column).is_some_and(|name| words::is_loose_duration(name));
    let Some(sure) = place(layout, Role::Talk).filter(|column| !loose(*column)) else { return };
    if layout.columns.contains(&Role::Total) {
        return;
    }
    let other = (0..table.width).find(|column| layout.columns[*column] == Role::Ignored && loose(*column));
    let Some(other) = other else { return };
    let factor = |column: usize| match table.header.get(column).and_then(|name| words::heading(name).unit) {
        Some(SpanStyle::Millis) => 1e-3,
        Some(SpanStyle::Micros) => 1e-6,
        Some(SpanStyle::Minutes) => 60.0,
        _ => 1.0,
    };
    let read = |row: &[String], column: usize| {
        colons(&row[column]).or_else(|| form.read(&row[column]).map(|value| value * factor(column)))
    };
    let (mut longer, mut shorter) = (0usize, 0usize);
    for row in &table.rows {
        if let (Some(whole), Some(talk)) = (read(row, other), read(row, sure)) {
            longer += usize::from(whole > talk + 0.9);
            shorter += usize::from(whole < talk - 0.9);
        }
    }
    if shorter == 0 && longer > 0 {
        layout.columns[other] = Role::Total;
    } else if longer == 0 && shorter > 0 {
        // `billsec` that is never less than `duration`: charged seconds.
        layout.columns[other] = Role::Talk;
        layout.columns[sure] =
            if layout.columns.contains(&Role::Billed) { Role::Ignored } else { Role::Billed };
    }
}

/// The unit of a column, if its values, its name, the flag, the preset or the moments prove it.
fn unit(
    table: &Table,
    hints: &Hints,
    preset: Option<&Preset>,
    layout: &Layout,
    form: NumberForm,
    column: usize,
) -> Option<SpanStyle> {
    let (mut all, mut with_colons) = (0usize, 0usize);
    for text in table.filled(column) {
        all += 1;
        with_colons += usize::from(colons(text).is_some());
    }
    if with_colons * 2 > all {
        return Some(SpanStyle::Colons);
    }
    if let Some(unit) = hints.duration_unit.filter(|unit| *unit != SpanStyle::Colons) {
        return Some(unit);
    }
    if let Some(unit) = preset.and_then(|preset| preset.span(layout.columns[column])) {
        return Some(unit);
    }
    let by_name = table
        .header
        .get(column)
        .and_then(|name| words::heading(name).unit)
        .filter(|unit| *unit != SpanStyle::Colons);
    if let Some(end) = place(layout, Role::End) {
        for from in [Role::Answer, Role::Start].into_iter().filter_map(|role| place(layout, role)) {
            let gaps = between(table, from, end);
            let fits: Vec<SpanStyle> = PLAIN_STYLES
                .into_iter()
                .filter(|style| is_difference(table, column, *style, form, &gaps))
                .collect();
            if let [style] = fits.as_slice() {
                return Some(*style);
            }
        }
    }
    by_name
}

/// By comparison with a length whose unit is known, by the price, and by what calls are like.
fn by_size(table: &Table, layout: &Layout, form: NumberForm, column: usize) -> Option<SpanStyle> {
    let mut values: Vec<f64> =
        table.filled(column).filter_map(|text| form.read(text)).filter(|value| *value > 0.0).collect();
    values.sort_by(f64::total_cmp);
    let Some(median) = values.get(values.len() / 2).copied() else { return Some(SpanStyle::Seconds) };
    let factors = [
        (SpanStyle::Seconds, 1.0),
        (SpanStyle::Millis, 1e-3),
        (SpanStyle::Micros, 1e-6),
        (SpanStyle::Minutes, 60.0),
    ];
    let fractions = values.iter().any(|value| value.fract() != 0.0);
    if let Some(known) = known_median(table, layout, form, column) {
        // Charged lengths exceed conversations by increments, seldom by more than a minute.
        let close: Vec<SpanStyle> = factors
            .iter()
            .filter(|(_, factor)| {
                let seconds = median * factor;
                seconds >= known * 0.4 && seconds <= known * 2.5 + 60.0
            })
            .map(|(style, _)| *style)
            .collect();
        match close.as_slice() {
            [style] => return Some(*style),
            [SpanStyle::Seconds, ..] if !fractions => return Some(SpanStyle::Seconds),
            _ => {}
        }
    }
    if let Some(style) = by_price(table, layout, form, column) {
        return Some(style);
    }
    let least = values.first().copied().unwrap_or(0.0);
    if median >= 1e7 && !fractions {
        return Some(SpanStyle::Micros);
    }
    if median > 14_400.0 && !fractions {
        return (least >= 100.0).then_some(SpanStyle::Millis);
    }
    let whole_thousands = values.iter().filter(|value| **value % 1_000.0 == 0.0).count();
    if !fractions && least >= 1_000.0 && values.len() > 1 && whole_thousands * 10 >= values.len() * 9 {
        return Some(SpanStyle::Millis);
    }
    if !fractions && least >= 1_000.0 && median >= 5_000.0 {
        return None;
    }
    if !fractions {
        // Whole numbers: seconds, unless all are as small as whole minutes would be.
        let largest = values.last().copied().unwrap_or(0.0);
        return (largest > 60.0 || values.len() < 20).then_some(SpanStyle::Seconds);
    }
    // With decimals: as minutes such calls would be longer than any are.
    let minutes_absurd = median > 90.0 || values.last().copied().unwrap_or(0.0) > 1_440.0;
    minutes_absurd.then_some(SpanStyle::Seconds)
}

/// Median of the conversations by the moments, or by another length of this unit-less kind.
fn known_median(table: &Table, layout: &Layout, form: NumberForm, column: usize) -> Option<f64> {
    let mut lengths: Vec<f64> = Vec::new();
    let from = place(layout, Role::Answer).or(place(layout, Role::Start));
    if let (Some(from), Some(end)) = (from, place(layout, Role::End)) {
        lengths.extend(between(table, from, end).into_iter().flatten().filter(|gap| *gap > 0.0));
    }
    if lengths.is_empty() {
        let other = (0..table.width).find(|other| {
            let named = table.header.get(*other).is_some_and(|name| words::heading(name).unit.is_some());
            let written = table.filled(*other).take(20).filter(|text| colons(text).is_some()).count() > 0;
            *other != column && LENGTHS.contains(&layout.columns[*other]) && (named || written)
        })?;
        let style = layout.spans[other];
        lengths.extend(
            table
                .filled(other)
                .filter_map(|text| super::values::span(text, style, form))
                .filter(|value| *value > 0.0),
        );
    }
    lengths.sort_by(f64::total_cmp);
    lengths.get(lengths.len() / 2).copied()
}

/// The only unit under which the amount is about the rate times the length.
fn by_price(table: &Table, layout: &Layout, form: NumberForm, column: usize) -> Option<SpanStyle> {
    let (rate, amount) = (place(layout, Role::Rate)?, place(layout, Role::Amount)?);
    let (mut ratios, mut count) = (0.0, 0.0);
    for row in &table.rows {
        let read = (form.read(&row[rate]), form.read(&row[amount]), form.read(&row[column]));
        if let (Some(rate), Some(amount), Some(length)) = read
            && rate > 0.0
            && amount > 0.0
            && length > 0.0
        {
            ratios += (amount * 60.0 / rate / length).ln();
            count += 1.0;
        }
    }
    if count < 1.0 {
        return None;
    }
    let ratio = f64::exp(ratios / count);
    let near = |factor: f64| ratio > factor / 2.0 && ratio < factor * 6.0;
    if near(1.0) {
        Some(SpanStyle::Seconds)
    } else if near(60.0) {
        Some(SpanStyle::Minutes)
    } else if near(1e-3) {
        Some(SpanStyle::Millis)
    } else {
        None
    }
}

/// The moments say whether a length holds the ringing.
fn by_moments(table: &Table, layout: &mut Layout, form: NumberForm) {
    let (Some(start), Some(answer), Some(end)) =
        (place(layout, Role::Start), place(layout, Role::Answer), place(layout, Role::End))
    else {
        return;
    };
    let (whole, talk, ring) =
        (between(table, start, end), between(table, answer, end), between(table, start, answer));
    // Without ringing in any row there is nothing to tell apart.
    if !ring.iter().flatten().any(|gap| *gap > 2.0) {
        return;
    }
    let is = |column: usize, gaps: &[Option<f64>], layout: &Layout| {
        is_difference(table, column, layout.spans[column], form, gaps)
    };
    let answered_only: Vec<Option<f64>> =
        whole.iter().zip(&talk).map(|(whole, talk)| if talk.is_some() { *whole } else { None }).collect();
    for column in 0..table.width {
        let role = layout.columns[column];
        if !matches!(role, Role::Talk | Role::Total | Role::Billed) {
            continue;
        }
        let proved = match (is(column, &talk, layout), is(column, &answered_only, layout)) {
            (true, false) => Role::Talk,
            (false, true) => Role::Total,
            _ => continue,
        };
        if proved == role || role == Role::Billed && layout.columns.contains(&proved) {
            continue;
        }
        if role == Role::Billed && proved == Role::Total {
            continue;
        }
        match place(layout, proved) {
            None => layout.columns[column] = proved,
            Some(holder)
                if !is(holder, if proved == Role::Talk { &talk } else { &answered_only }, layout) =>
            {
                layout.columns[holder] = if proved == Role::Talk && !layout.columns.contains(&Role::Billed) {
                    Role::Billed
                } else {
                    Role::Ignored
                };
                layout.columns[column] = proved;
            }
            Some(_) => {}
        }
    }
}

/// Without a conversation's length, charged seconds that are the moments' difference rounded up show
/// that the first moment is the answer.
fn conversation_by_moments(table: &Table, layout: &mut Layout, form: NumberForm) {
    let (Some(start), Some(end), Some(billed)) =
        (place(layout, Role::Start), place(layout, Role::End), place(layout, Role::Billed))
    else {
        return;
    };
    if [Role::Talk, Role::Total, Role::Answer].iter().any(|role| layout.columns.contains(role)) {
        return;
    }
    let style = layout.spans[billed];
    let (mut all, mut good) = (0usize, 0usize);
    for (row, gap) in table.rows.iter().zip(between(table, start, end)) {
        let (Some(gap), Some(charged)) = (gap, super::values::span(&row[billed], style, form)) else {
            continue;
        };
        all += 1;
        good += usize::from(charged >= gap - 1.0 && charged < gap + 61.0 && (charged > 0.0 || gap < 2.0));
    }
    if all > 0 && good * 10 >= all * 9 {
        layout.columns[start] = Role::Answer;
    }
}
