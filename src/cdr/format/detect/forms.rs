//! How numbers and moments are written: decimal sign, date order, epoch's unit, zone.

use super::super::field::decimal;
use super::super::preset::Preset;
use super::super::{Layout, Role, SpanStyle, TimeStyle, Zone, words};
use super::table::Table;
use super::values::{
    DateForm, NumberForm, bare_number, colons, epoch, is_never, is_of_digits, seconds, span, stamp,
};
use super::{DateOrder, DetectError, Hints};

const MOMENTS: [Role; 4] = [Role::Start, Role::Answer, Role::End, Role::StartDate];
const NUMBERS: [Role; 6] = [Role::Talk, Role::Total, Role::Ring, Role::Billed, Role::Rate, Role::Amount];

pub(super) fn settle(
    table: &Table,
    hints: &Hints,
    preset: Option<&Preset>,
    layout: &mut Layout,
) -> Result<(), DetectError> {
    let form = numbers(table, hints, preset, layout)?;
    (layout.decimal, layout.thousands) = (form.decimal, form.thousands);
    layout.time = moments(table, hints, preset, layout, form)?;
    layout.zone = zone(table, hints, preset, layout);
    layout.credits = credits(table, layout, form);
    Ok(())
}

/// Whether every amount that is something is below nothing: what is owed, seen from the other side.
fn credits(table: &Table, layout: &Layout, form: NumberForm) -> bool {
    const LEAST: usize = 20;
    let amounts = with(layout, &[Role::Amount]).into_iter().flat_map(|column| table.filled(column));
    let style = decimal::Style { point: form.decimal as u8, thousands: form.thousands };
    let values = amounts.filter_map(|text| decimal::any(text.as_bytes(), style).ok().flatten());
    let (mut below, mut above) = (0usize, 0usize);
    for amount in values {
        below += usize::from(amount.value < 0);
        above += usize::from(amount.value > 0);
    }
    above == 0 && below >= LEAST
}

fn with(layout: &Layout, roles: &[Role]) -> Vec<usize> {
    let mut columns: Vec<usize> =
        (0..layout.columns.len()).filter(|column| roles.contains(&layout.columns[*column])).collect();
    columns.sort_by_key(|column| roles.iter().position(|role| *role == layout.columns[*column]));
    columns
}

/// What a number's separators prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Plain,
    Decimal(char),
    Thousands(char),
    /// One separator before three digits: either.
    Open(char),
}

fn proof(text: &str) -> Proof {
    if is_of_digits(text, b"") {
        return Proof::Plain;
    }
    let Some(bare) = bare_number(text) else { return Proof::Plain };
    let bare = bare.trim_start_matches(['-', '+']);
    let count = |sign: char| bare.matches(sign).count();
    match (count('.'), count(',')) {
        (0, 0) => Proof::Plain,
        (points, commas) if points > 0 && commas > 0 => {
            Proof::Decimal(if bare.rfind('.') > bare.rfind(',') { '.' } else { ',' })
        }
        (points, commas) => {
            let sign = if points > 0 { '.' } else { ',' };
            if points.max(commas) > 1 {
                return Proof::Thousands(sign);
            }
            let (whole, part) = bare.split_once(sign).unwrap_or((bare, ""));
            let grouped = part.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
            if grouped { Proof::Open(sign) } else { Proof::Decimal(sign) }
        }
    }
}

/// Decimal and thousands signs of some columns; the column that leaves it open otherwise.
pub(super) fn number_form(table: &Table, columns: &[usize]) -> Result<NumberForm, usize> {
    let (mut points, mut commas, mut open, mut gaps) = (0usize, 0usize, None, None);
    let mut groups = None;
    for column in columns {
        let (mut here, mut closed, mut whole) = (0usize, 0usize, 0usize);
        for text in table.filled(*column) {
            let proved = proof(text);
            match proved {
                Proof::Plain => whole += usize::from(text.len() <= 3 && text != "0"),
                Proof::Decimal('.') | Proof::Thousands(',') => (points, closed) = (points + 1, closed + 1),
                Proof::Decimal(_) | Proof::Thousands(_) => (commas, closed) = (commas + 1, closed + 1),
                Proof::Open(_) => here += 1,
            }
            if let Some(bare) = bare_number(text).filter(|bare| !is_of_digits(bare, b".")) {
                gaps = gaps.or_else(|| bare.chars().find(|sign| " \u{a0}\u{202f}'’".contains(*sign)));
                if bare.contains('.') && bare.contains(',') {
                    groups = bare.chars().find(|sign| ".,".contains(*sign));
                }
            }
            if let Proof::Thousands(sign) = proved {
                groups = Some(sign);
            }
        }
        if here > 0 && closed == 0 {
            open = open.or(Some((*column, here, whole)));
        }
    }
    let decimal = match (points, commas) {
        (0, 0) => {
            let Some((column, ..)) = open else {
                return Ok(NumberForm { thousands: gaps, ..NumberForm::PLAIN });
            };
            return Err(column);
        }
        (points, commas) if points >= commas * 20 => '.',
        (points, commas) if commas >= points * 20 => ',',
        _ => return Err(columns.first().copied().unwrap_or(0)),
    };
    let group = if decimal == '.' { ',' } else { '.' };
    let any_group = groups.is_some()
        || columns.iter().any(|column| table.filled(*column).any(|text| proof(text) == Proof::Open(group)));
    Ok(NumberForm { decimal, thousands: if any_group { Some(group) } else { gaps } })
}

fn numbers(
    table: &Table,
    hints: &Hints,
    preset: Option<&Preset>,
    layout: &Layout,
) -> Result<NumberForm, DetectError> {
    let columns: Vec<usize> = with(layout, &NUMBERS)
        .into_iter()
        .filter(|column| table.filled(*column).take(50).filter(|text| colons(text).is_some()).count() == 0)
        .collect();
    let found = number_form(table, &columns);
    if let Some(decimal) = hints.decimal.or(preset.and_then(|preset| preset.decimal)) {
        let group = if decimal == '.' { ',' } else { '.' };
        let grouped = columns.iter().any(|column| table.filled(*column).any(|text| text.contains(group)));
        return Ok(NumberForm { decimal, thousands: if grouped { Some(group) } else { None } });
    }
    let column = match found {
        Ok(form) => return Ok(form),
        Err(column) => column,
    };
    // Every separator stands before three digits: thousands, or three decimals? Moments may tell.
    let sign = table.filled(column).find_map(|text| match proof(text) {
        Proof::Open(sign) => Some(sign),
        _ => None,
    });
    if let Some(sign) = sign {
        let other = if sign == '.' { ',' } else { '.' };
        let readings = [
            NumberForm { decimal: sign, thousands: None },
            NumberForm { decimal: other, thousands: Some(sign) },
        ];
        let good: Vec<NumberForm> =
            readings.into_iter().filter(|form| agrees_with_moments(table, layout, *form)).collect();
        if let [form] = good.as_slice() {
            return Ok(*form);
        }
        if let Some(form) = by_price(table, layout, &readings) {
            return Ok(form);
        }
    }
    let values = Box::new(open_examples(table, column));
    Err(DetectError::Ambiguous {
        file: hints.file.clone(),
        column: table.name(column),
        readings: "with a decimal point or a decimal comma".to_owned(),
        values,
        flag: format!("{} . or {} ,", hints.flag("decimal"), hints.flag("decimal")),
    })
}

fn open_examples(table: &Table, column: usize) -> [String; 2] {
    let mut values = table.filled(column).filter(|text| proof(text) != Proof::Plain);
    let first = values.next().unwrap_or("").to_owned();
    let second = values.find(|value| *value != first).unwrap_or(&first).to_owned();
    [first, second]
}

/// Whether some length, in some unit, is the difference of two moments.
fn agrees_with_moments(table: &Table, layout: &Layout, form: NumberForm) -> bool {
    let place = |role: Role| layout.columns.iter().position(|known| *known == role);
    let Some(end) = place(Role::End) else { return false };
    [place(Role::Answer), place(Role::Start)].into_iter().flatten().any(|from| {
        let gaps = super::content::between(table, from, end);
        with(layout, &[Role::Talk, Role::Total]).into_iter().any(|column| {
            [SpanStyle::Seconds, SpanStyle::Millis, SpanStyle::Micros, SpanStyle::Minutes]
                .into_iter()
                .any(|style| super::content::is_difference(table, column, style, form, &gaps))
        })
    })
}

/// The only reading under which amounts are the rate times the minutes.
fn by_price(table: &Table, layout: &Layout, readings: &[NumberForm]) -> Option<NumberForm> {
    let place = |role: Role| layout.columns.iter().position(|known| *known == role);
    let (rate, amount) = (place(Role::Rate)?, place(Role::Amount)?);
    let length = place(Role::Billed).or(place(Role::Talk))?;
    let good = |form: &NumberForm| {
        let (mut all, mut good) = (0usize, 0usize);
        for row in &table.rows {
            let length = colons(&row[length]).or_else(|| form.read(&row[length]));
            let (Some(rate), Some(paid), Some(length)) =
                (form.read(&row[rate]), form.read(&row[amount]), length)
            else {
                continue;
            };
            if rate > 0.0 && paid > 0.0 && length > 0.0 {
                all += 1;
                let exact = rate * length / 60.0;
                good += usize::from(paid > exact * 0.5 && paid < exact.max(rate) * 3.0);
            }
        }
        all > 0 && good * 10 >= all * 8
    };
    let mut fit = readings.iter().filter(|form| good(form));
    match (fit.next(), fit.next()) {
        (Some(form), None) => Some(*form),
        _ => None,
    }
}

/// Whether a price grows with the call (an amount: `true`) or does not (a rate: `false`); `None` when
/// the rows do not say.
pub(super) fn grows(table: &Table, price: usize, length: usize, form: NumberForm) -> Option<bool> {
    let read = |row: &[String]| {
        let seconds = colons(&row[length]).or_else(|| form.read(&row[length]))?;
        Some((seconds, form.read(&row[price])?))
    };
    let mut values: Vec<(f64, f64)> = table.rows.iter().filter_map(|row| read(row)).collect();
    let free = values.iter().filter(|(seconds, _)| *seconds <= 0.0);
    let (unpaid, charged) =
        free.fold(
            (0usize, 0usize),
            |(unpaid, charged), (_, price)| {
                if *price > 0.0 { (unpaid, charged + 1) } else { (unpaid + 1, charged) }
            },
        );
    if charged > unpaid && charged > 0 {
        return Some(false);
    }
    values.retain(|(seconds, price)| *seconds > 0.0 && *price > 0.0);
    values.sort_by(|left, right| left.0.total_cmp(&right.0));
    let third = values.len() / 3;
    if third == 0 {
        return (unpaid > 0 && !values.is_empty()).then_some(true);
    }
    let mean = |part: &[(f64, f64)]| {
        let count = part.len() as f64;
        (
            part.iter().map(|value| value.0).sum::<f64>() / count,
            part.iter().map(|value| value.1).sum::<f64>() / count,
        )
    };
    let (short, long) = (mean(&values[..third]), mean(&values[values.len() - third..]));
    if long.0 < short.0 * 2.0 {
        return (unpaid > 0).then_some(true);
    }
    if long.1 > short.1 * 1.4 { Some(true) } else { (unpaid == 0).then_some(false) }
}

/// Counts of the ways in which a column writes moments.
#[derive(Default)]
struct Ways {
    all: usize,
    year_first: usize,
    small: usize,
    dotted: usize,
    compact: usize,
    epochs: [usize; 4],
}

const EPOCHS: [TimeStyle; 4] =
    [TimeStyle::EpochSeconds, TimeStyle::EpochMillis, TimeStyle::EpochMicros, TimeStyle::SpreadsheetDays];

fn ways(table: &Table, column: usize) -> Ways {
    let mut ways = Ways::default();
    for text in table.filled(column).filter(|text| !is_never(text)) {
        ways.all += 1;
        match stamp(text).map(|stamp| stamp.form) {
            Some(DateForm::YearFirst) => ways.year_first += 1,
            Some(DateForm::Small(sign)) => {
                ways.small += 1;
                ways.dotted += usize::from(sign == b'.' || sign == b'a');
            }
            Some(DateForm::Compact) => ways.compact += 1,
            Some(DateForm::Absent) => {}
            None => {
                if let Some(place) =
                    epoch(text).and_then(|style| EPOCHS.iter().position(|known| *known == style))
                {
                    ways.epochs[place] += 1;
                }
            }
        }
    }
    ways
}

impl Ways {
    /// The style of most values; day and month first are told apart later.
    fn style(&self) -> Option<TimeStyle> {
        let mut counts = vec![
            (self.year_first, TimeStyle::YearFirst),
            (self.small, TimeStyle::DayFirst),
            (self.compact, TimeStyle::Compact),
        ];
        counts.extend(EPOCHS.iter().zip(self.epochs).map(|(style, count)| (count, *style)));
        counts
            .into_iter()
            .max_by_key(|(count, _)| *count)
            .filter(|(count, _)| *count * 10 >= self.all * 6)
            .map(|(_, style)| style)
    }
}

fn moments(
    table: &Table,
    hints: &Hints,
    preset: Option<&Preset>,
    layout: &mut Layout,
    form: NumberForm,
) -> Result<TimeStyle, DetectError> {
    let columns = with(layout, &MOMENTS);
    let mut style = None;
    let mut dotted = false;
    for column in columns {
        let ways = ways(table, column);
        if ways.all == 0 {
            continue;
        }
        let Some(found) = ways.style() else {
            if layout.columns[column] == Role::Answer
                || layout.columns[column] == Role::End && style.is_some()
            {
                layout.columns[column] = Role::Ignored;
                continue;
            }
            let values = Box::new(table.examples(column));
            return Err(DetectError::Contradiction {
                file: hints.file.clone(),
                column: table.name(column),
                problem: "is a time, but is not written in one known way".to_owned(),
                values,
                remedy: format!("Name another column with {}", hints.flag("columns")),
            });
        };
        match style {
            None => (style, dotted) = (Some(found), ways.dotted * 2 > ways.small),
            Some(style) if style == found => {}
            // The same moment in another style is of no use beside the first.
            Some(_) => layout.columns[column] = Role::Ignored,
        }
    }
    match style {
        Some(TimeStyle::DayFirst) => date_order(table, hints, layout, form, dotted),
        Some(style) => Ok(style),
        None => Ok(preset.and_then(|preset| preset.time).unwrap_or(TimeStyle::YearFirst)),
    }
}

fn date_order(
    table: &Table,
    hints: &Hints,
    layout: &Layout,
    form: NumberForm,
    dotted: bool,
) -> Result<TimeStyle, DetectError> {
    let columns = with(layout, &MOMENTS);
    let column = columns.first().copied().unwrap_or(0);
    let (mut first_big, mut second_big, mut all, mut equal) = (None, None, 0usize, 0usize);
    let (mut firsts, mut seconds_big) = (0usize, 0usize);
    for text in columns.iter().flat_map(|column| table.filled(*column)) {
        let Some(stamp) = stamp(text).filter(|stamp| matches!(stamp.form, DateForm::Small(_))) else {
            continue;
        };
        all += 1;
        equal += usize::from(stamp.first == stamp.second);
        if stamp.first > 12 {
            (first_big, firsts) = (first_big.or(Some(text)), firsts + 1);
        }
        if stamp.second > 12 {
            (second_big, seconds_big) = (second_big.or(Some(text)), seconds_big + 1);
        }
    }
    if let Some(order) = hints.date_order {
        let against = match order {
            DateOrder::DayFirst => second_big,
            DateOrder::MonthFirst => first_big,
        };
        if let Some(against) = against.filter(|_| firsts.max(seconds_big) * 5 > all) {
            let [first, _] = table.examples(column);
            let values = Box::new([first, against.to_owned()]);
            return Err(DetectError::Contradiction {
                file: hints.file.clone(),
                column: table.name(column),
                problem: format!("cannot be read as {} says", hints.flag("date-order")),
                values,
                remedy: "Leave the flag out".to_owned(),
            });
        }
        return Ok(if order == DateOrder::DayFirst { TimeStyle::DayFirst } else { TimeStyle::MonthFirst });
    }
    match (first_big, second_big) {
        (Some(_), None) => return Ok(TimeStyle::DayFirst),
        (None, Some(_)) => return Ok(TimeStyle::MonthFirst),
        (Some(first), Some(second)) => {
            if firsts > seconds_big * 50 {
                return Ok(TimeStyle::DayFirst);
            }
            if seconds_big > firsts * 50 {
                return Ok(TimeStyle::MonthFirst);
            }
            return Err(DetectError::Contradiction {
                file: hints.file.clone(),
                column: table.name(column),
                problem: "has the day first in some values and the month first in others".to_owned(),
                values: Box::new([first.to_owned(), second.to_owned()]),
                remedy: "Write them in one way".to_owned(),
            });
        }
        (None, None) => {}
    }
    // Points stand in day-first dates alone; where day and month are the same both readings are.
    if dotted || equal == all {
        return Ok(TimeStyle::DayFirst);
    }
    let orders = [TimeStyle::DayFirst, TimeStyle::MonthFirst];
    let kept: Vec<TimeStyle> =
        orders.into_iter().filter(|style| !is_broken(table, layout, form, *style)).collect();
    if let [style] = kept.as_slice() {
        return Ok(*style);
    }
    if let Some(days) = hints.other.as_ref().and_then(|other| other.days) {
        let within = |style: TimeStyle| {
            let mut counts = (0usize, 0usize);
            // Where day and month are the same, both readings are.
            let telling = |text: &&str| stamp(text).is_some_and(|stamp| stamp.first != stamp.second);
            for text in table.filled(column).filter(telling) {
                if let Some(at) = seconds(text, style) {
                    let day = (at / 86_400.0).floor() as i64;
                    counts.0 += usize::from((days[0] - 1..=days[1] + 1).contains(&day));
                    counts.1 += 1;
                }
            }
            counts
        };
        let [(days_in, of), (months_in, _)] = orders.map(within);
        if days_in * 10 >= of * 8 && months_in * 4 < days_in {
            return Ok(TimeStyle::DayFirst);
        }
        if months_in * 10 >= of * 8 && days_in * 4 < months_in {
            return Ok(TimeStyle::MonthFirst);
        }
    }
    let mut values =
        table.filled(column).filter(|text| stamp(text).is_some_and(|stamp| stamp.first != stamp.second));
    let first = values.next().unwrap_or("").to_owned();
    let second = values.find(|value| *value != first).unwrap_or(&first).to_owned();
    let values = Box::new([first, second]);
    Err(DetectError::Ambiguous {
        file: hints.file.clone(),
        column: table.name(column),
        readings: "with the day first or with the month first".to_owned(),
        values,
        flag: format!("{} dmy or {} mdy", hints.flag("date-order"), hints.flag("date-order")),
    })
}

/// Whether a reading contradicts the lengths: calls over midnight last as long as they are said to
/// under the right order alone.
fn is_broken(table: &Table, layout: &Layout, form: NumberForm, style: TimeStyle) -> bool {
    let place = |role: Role| layout.columns.iter().position(|known| *known == role);
    let Some(end) = place(Role::End) else { return false };
    let Some(from) = place(Role::Start).or(place(Role::Answer)) else { return false };
    let lengths = with(layout, &[Role::Total, Role::Talk]);
    let (mut wrong, mut right) = (0usize, 0usize);
    for row in &table.rows {
        let (Some(start), Some(end)) = (seconds(&row[from], style), seconds(&row[end], style)) else {
            continue;
        };
        let said = lengths.iter().filter_map(|column| {
            span(&row[*column], SpanStyle::Colons, form).or_else(|| form.read(&row[*column]))
        });
        let longest = said.fold(0.0, f64::max);
        // A month or more between start and end that no length knows of, or an end before the start.
        if end - start < -3_600.0 || end - start > 20.0 * 86_400.0 && longest < 86_400.0 {
            wrong += 1;
        } else {
            right += 1;
        }
    }
    wrong > 0 && wrong <= right.max(20) * 50
}

fn zone(table: &Table, hints: &Hints, preset: Option<&Preset>, layout: &Layout) -> Zone {
    if let Some(zone) = &hints.zone {
        return zone.clone();
    }
    if EPOCHS[..3].contains(&layout.time) {
        return Zone::Fixed(0);
    }
    let columns =
        with(layout, &[Role::Start, Role::StartTimeOfDay, Role::StartDate, Role::Answer, Role::End]);
    for column in &columns {
        if let Some(east) = table.header.get(*column).and_then(|name| words::heading(name).zone) {
            return Zone::Fixed(east);
        }
    }
    for column in &columns {
        let mut zones = table.filled(*column).filter_map(stamp).filter_map(|stamp| stamp.zone);
        if let Some(first) = zones.next() {
            return if zones.all(|zone| zone == first) { Zone::Fixed(first) } else { Zone::Unknown };
        }
    }
    preset.and_then(|preset| preset.zone.as_deref()).and_then(super::zone).unwrap_or(Zone::Unknown)
}
