//! What columns hold by their values alone: kinds of values, and arithmetic between columns.

use super::super::preset::Mark;
use super::super::words;
use super::super::{Role, SpanStyle, TimeStyle};
use super::table::Table;
use super::values::{
    DateForm, NumberForm, bare_number, colons, epoch, is_never, plain, seconds, span, stamp,
};
use super::{Evidence, Hints, forms};

/// Values of a column that are looked at for its kind.
const LOOKED_AT: usize = 4_000;

/// Counts of the kinds of values in a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    pub filled: usize,
    never: usize,
    /// Moments with date and time, and with signs in them.
    pub full: usize,
    pub epochs: usize,
    pub dates: usize,
    /// Full moments that are midnight, as databases and workbooks write a date.
    pub midnights: usize,
    pub times: usize,
    numbers: usize,
    /// Whole numbers of at most six digits.
    small: usize,
    fractions: usize,
    colons: usize,
    phones: usize,
    digits: usize,
    letters: usize,
}

impl Profile {
    pub(super) fn of(table: &Table, column: usize) -> Self {
        let mut profile = Self::default();
        for text in table.filled(column).take(LOOKED_AT) {
            profile.filled += 1;
            profile.never += usize::from(is_never(text));
            match stamp(text) {
                Some(stamp) if stamp.form == DateForm::Absent => profile.times += 1,
                Some(stamp) if stamp.of_day.is_none() => profile.dates += 1,
                Some(stamp) => {
                    profile.full += 1;
                    profile.midnights += usize::from(stamp.of_day == Some(0.0));
                }
                None => profile.epochs += usize::from(epoch(text).is_some()),
            }
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            profile.digits += usize::from(digits >= 3);
            profile.colons += usize::from(colons(text).is_some());
            let number = bare_number(text).is_some();
            profile.numbers += usize::from(number);
            profile.fractions += usize::from(number && text.contains(['.', ',']));
            profile.small += usize::from(text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit()));
            profile.phones += usize::from(is_phone(text, digits));
            profile.letters +=
                usize::from(text.len() <= 4 && !text.bytes().any(|byte| byte.is_ascii_digit()));
        }
        profile
    }

    fn most(&self, count: usize) -> bool {
        count * 10 >= self.filled * 7 && count > 0
    }

    /// Whether the values may be of a role.
    pub(super) fn fits(&self, role: Role) -> bool {
        if self.filled == 0 {
            return true;
        }
        let happened = self.filled - self.never.min(self.filled);
        match role {
            Role::Start => self.most(self.full + self.epochs),
            Role::Answer | Role::End => {
                (self.full + self.epochs) * 10 >= happened * 7 && self.times <= self.full
            }
            Role::StartDate => self.most(self.dates + self.midnights),
            Role::StartTimeOfDay => self.most(self.times),
            Role::Talk | Role::Total | Role::Ring | Role::Billed => {
                self.most(self.numbers + self.colons) && self.dates * 2 < self.filled.max(1)
            }
            Role::Rate | Role::Amount => self.most(self.numbers),
            Role::Currency => self.most(self.letters),
            Role::Caller => (self.full + self.colons) * 10 < self.filled * 3,
            Role::Callee => {
                (self.full + self.colons) * 10 < self.filled * 3 && self.digits * 2 >= self.filled
            }
            _ => true,
        }
    }

    fn is_moment(&self) -> bool {
        self.most(self.full)
    }
    fn is_phone(&self) -> bool {
        self.phones * 10 >= self.filled * 8 && self.phones > 0
    }
    fn is_length(&self) -> bool {
        self.filled > 0 && (self.small + self.colons) * 10 >= self.filled * 9 && self.fractions == 0
    }
    fn is_fraction(&self) -> bool {
        self.most(self.numbers) && self.fractions > 0 && self.full == 0
    }
}

/// A party's number as it may be written, of seven digits or more, or a SIP address.
fn is_phone(text: &str, digits: usize) -> bool {
    let begins = |word: &str| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if ["sip:", "tel:", "=\""].into_iter().any(begins) {
        return true;
    }
    let signs = |byte: u8| byte.is_ascii_digit() || b"+-()/ #*".contains(&byte);
    (7..=18).contains(&digits) && text.bytes().all(signs) && stamp(text).is_none()
}

/// Whether a column shows what gives a format away.
pub(super) fn shows(table: &Table, mark: &Mark) -> bool {
    let column = mark.column - 1;
    let (mut all, mut good) = (0usize, 0usize);
    for text in table.filled(column).take(LOOKED_AT) {
        all += 1;
        let worded = mark.words.iter().any(|word| word.eq_ignore_ascii_case(text));
        let kind = match mark.is.as_deref() {
            Some("time") => {
                stamp(text).is_some_and(|stamp| stamp.form != DateForm::Absent) || epoch(text).is_some()
            }
            Some("number") => bare_number(text).is_some() && stamp(text).is_none(),
            Some("span") => colons(text).is_some(),
            Some("uuid") => text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4,
            _ => mark.words.is_empty(),
        };
        good += usize::from(worded || mark.is.is_some() && kind);
    }
    all > 0 && good * 100 >= all * 95
}

/// Roles of a file without a header, as far as its values prove them or the generic order says.
pub(super) fn roles(table: &Table, hints: &Hints, profiles: &[Profile]) -> Vec<Role> {
    let mut roles = vec![Role::Ignored; table.width];
    let free: Vec<usize> = (0..table.width).collect();
    fill(table, hints, profiles, &free, true, &mut roles);
    roles
}

/// Gives columns whose names say nothing the roles that are missing, where the values prove them.
pub(super) fn complete(table: &Table, hints: &Hints, profiles: &[Profile], roles: &mut [Role]) {
    if table.header.is_empty() {
        return;
    }
    let has = |role: Role| roles.contains(&role);
    let moment = has(Role::Start) || has(Role::Answer) || has(Role::End) || has(Role::StartDate);
    let length = has(Role::Talk) || has(Role::Total) || has(Role::Billed);
    if has(Role::Caller) && has(Role::Callee) && moment && length {
        return;
    }
    let nameless = |column: &usize| {
        let name = table.header.get(*column).map_or("", String::as_str);
        roles[*column] == Role::Ignored && words::heading(name).meanings.is_empty()
    };
    let free: Vec<usize> = (0..table.width).filter(nameless).collect();
    fill(table, hints, profiles, &free, false, roles);
}

fn fill(
    table: &Table,
    hints: &Hints,
    profiles: &[Profile],
    free: &[usize],
    by_order: bool,
    roles: &mut [Role],
) {
    let of_kind = |kind: fn(&Profile) -> bool| -> Vec<usize> {
        free.iter().copied().filter(|column| profiles.get(*column).is_some_and(kind)).collect()
    };
    let mut moments = of_kind(Profile::is_moment);
    if moments.is_empty() {
        moments = free.iter().copied().filter(|column| is_clock(table, profiles, *column)).collect();
    }
    let phones: Vec<usize> =
        of_kind(Profile::is_phone).into_iter().filter(|column| !moments.contains(column)).collect();
    let lengths: Vec<usize> =
        of_kind(Profile::is_length).into_iter().filter(|column| !moments.contains(column)).collect();
    let fractions = of_kind(Profile::is_fraction);
    parties(table, hints, &phones, &moments, by_order, roles);
    times(table, &moments, &lengths, roles);
    lengths_of(table, &lengths, roles);
    money(table, &fractions, roles);
    let set = |roles: &mut [Role], role: Role, columns: Vec<usize>| {
        if let ([column], false) = (columns.as_slice(), roles.contains(&role)) {
            roles[*column] = role;
        }
    };
    let codes = of_kind(|profile| profile.most(profile.letters));
    let upper = |column: &usize| {
        table
            .filled(*column)
            .take(50)
            .all(|text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()))
    };
    set(roles, Role::Currency, codes.into_iter().filter(upper).collect());
    // The generic order: an identity before the caller, the gateway last.
    if by_order && moments.len() == 3 && table.width == 12 && phones.contains(&1) && phones.contains(&2) {
        if roles[0] == Role::Ignored {
            roles[0] = Role::CallId;
        }
        if roles[11] == Role::Ignored {
            roles[11] = Role::Gateway;
        }
    }
}

/// Whether bare numbers are moments: within a year and a bit, and running forward.
fn is_clock(table: &Table, profiles: &[Profile], column: usize) -> bool {
    if profiles
        .get(column)
        .is_none_or(|profile| profile.epochs * 10 < profile.filled * 9 || profile.filled < 3)
    {
        return false;
    }
    let values: Vec<f64> = table.filled(column).filter_map(|text| seconds(text, epoch(text)?)).collect();
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let forward = values.windows(2).filter(|pair| pair[1] >= pair[0] - 7_200.0).count();
    (1_262_304_000.0..2_208_988_800.0).contains(&low)
        && high - low < 400.0 * 86_400.0
        && forward * 10 >= (values.len() - 1) * 9
}

/// Caller and callee: proved by the other file's numbers, or by the generic order.
fn parties(
    table: &Table,
    hints: &Hints,
    phones: &[usize],
    moments: &[usize],
    by_order: bool,
    roles: &mut [Role],
) {
    let missing = |role: Role, roles: &[Role]| !roles.contains(&role);
    if let Some(other) = &hints.other {
        for (role, is_caller) in [(Role::Callee, false), (Role::Caller, true)] {
            let best = phones
                .iter()
                .filter(|column| roles[**column] == Role::Ignored)
                .map(|column| (share(table, *column, other, is_caller), *column))
                .filter(|((known, otherwise), _)| *known >= 30 && *known >= otherwise * 3)
                .max();
            if let (Some((_, column)), true) = (best, missing(role, roles)) {
                roles[column] = role;
            }
        }
        let left: Vec<usize> =
            phones.iter().copied().filter(|column| roles[*column] == Role::Ignored).collect();
        if let [column] = left.as_slice() {
            if missing(Role::Caller, roles) && !missing(Role::Callee, roles) {
                roles[*column] = Role::Caller;
            } else if missing(Role::Callee, roles) && !missing(Role::Caller, roles) {
                roles[*column] = Role::Callee;
            }
        }
    }
    if let ([caller, callee], true) = (phones, by_order) {
        let before = moments.iter().all(|moment| callee < moment);
        if *callee == *caller + 1
            && *caller <= 1
            && before
            && missing(Role::Caller, roles)
            && missing(Role::Callee, roles)
        {
            roles[*caller] = Role::Caller;
            roles[*callee] = Role::Callee;
        }
    }
}

/// Of a hundred values, how many are callers (or callees) of the other file, and how many the opposite.
fn share(table: &Table, column: usize, other: &Evidence, callers: bool) -> (usize, usize) {
    let (mut all, mut same, mut opposite) = (0usize, 0usize, 0usize);
    for text in table.filled(column) {
        let Some(tail) = tail(text) else { continue };
        let (a, b) = (other.callers.contains(&tail), other.callees.contains(&tail));
        all += 1;
        same += usize::from(if callers { a } else { b });
        opposite += usize::from(if callers { b } else { a });
    }
    (same * 100 / all.max(1), opposite * 100 / all.max(1))
}

/// A number's last eight digits.
pub(super) fn tail(text: &str) -> Option<u64> {
    let text = text.split(['@', ';']).next().unwrap_or(text);
    let digits = text.bytes().filter(u8::is_ascii_digit).map(|byte| u64::from(byte - b'0'));
    let (count, tail) =
        digits.fold((0, 0), |(count, tail), digit| (count + 1, (tail * 10 + digit) % 100_000_000));
    (count >= 4).then_some(tail)
}

/// A moment's seconds under whichever style the value allows; both orders give the same differences
/// within a day, which is all that is asked here.
fn rough(text: &str) -> Option<f64> {
    if is_never(text) {
        return None;
    }
    if let Some(style) = epoch(text).filter(|_| stamp(text).is_none()) {
        return seconds(text, style);
    }
    [TimeStyle::YearFirst, TimeStyle::Compact, TimeStyle::DayFirst, TimeStyle::MonthFirst]
        .into_iter()
        .find_map(|style| seconds(text, style))
}

/// Differences of two columns of moments, by row.
pub(super) fn between(table: &Table, from: usize, to: usize) -> Vec<Option<f64>> {
    table.rows.iter().map(|row| Some(rough(&row[to])? - rough(&row[from])?)).collect()
}

/// Whether a column of lengths is the difference of two moments in nearly all rows that have both,
/// one of them longer than nothing.
pub(super) fn is_difference(
    table: &Table,
    column: usize,
    style: SpanStyle,
    form: NumberForm,
    gaps: &[Option<f64>],
) -> bool {
    let (mut all, mut good, mut long) = (0usize, 0usize, 0usize);
    for (row, gap) in table.rows.iter().zip(gaps) {
        let (Some(gap), Some(length)) = (*gap, span(&row[column], style, form)) else { continue };
        // A call without conversation proves nothing.
        if gap.abs() < 1.0 && length < 1.0 {
            continue;
        }
        all += 1;
        good += usize::from((gap - length).abs() <= tolerance(&row[column], style));
        long += usize::from(length > 2.0);
    }
    all > 0 && long > 0 && good * 10 >= all * 9
}

/// How far a length may be from the difference of its moments: a second, or what its decimals leave out.
pub(super) fn tolerance(text: &str, style: SpanStyle) -> f64 {
    if style != SpanStyle::Minutes {
        return 1.5;
    }
    let decimals = text.rsplit_once(['.', ',']).map_or(0, |(_, part)| part.trim().len());
    1.5 + 60.0 / 10f64.powi(i32::try_from(decimals.min(9)).unwrap_or(9))
}

fn times(table: &Table, moments: &[usize], lengths: &[usize], roles: &mut [Role]) {
    if [Role::Start, Role::Answer, Role::End].iter().any(|role| roles.contains(role)) {
        return;
    }
    // An epoch beside a date is another writing of the same; more than three are too many to tell.
    let not_before = |from: usize, to: usize| {
        let gaps = between(table, from, to);
        gaps.iter().flatten().all(|gap| *gap >= -1.0)
    };
    match moments {
        [only] => roles[*only] = Role::Start,
        [first, second] => {
            let (from, to) = if not_before(*first, *second) { (*first, *second) } else { (*second, *first) };
            let gaps = between(table, from, to);
            let styles = [SpanStyle::Seconds, SpanStyle::Colons, SpanStyle::Millis];
            let proved = lengths.iter().any(|column| {
                styles.iter().any(|style| is_difference(table, *column, *style, NumberForm::PLAIN, &gaps))
            });
            roles[from] = Role::Start;
            if proved && not_before(from, to) {
                roles[to] = Role::End;
            }
        }
        [first, second, third] if not_before(*first, *second) && not_before(*second, *third) => {
            roles[*first] = Role::Start;
            roles[*second] = Role::Answer;
            roles[*third] = Role::End;
        }
        _ => {}
    }
}

/// Which columns are conversation, whole and charged lengths.
fn lengths_of(table: &Table, lengths: &[usize], roles: &mut [Role]) {
    let place = |role: Role, roles: &[Role]| roles.iter().position(|known| *known == role);
    let mut left: Vec<usize> =
        lengths.iter().copied().filter(|column| roles[*column] == Role::Ignored).collect();
    let pairs = [
        (Role::Answer, Role::End, Role::Talk),
        (Role::Start, Role::End, Role::Total),
        (Role::Start, Role::Answer, Role::Ring),
    ];
    for (from, to, role) in pairs {
        let (Some(start), Some(end)) = (place(from, roles), place(to, roles)) else { continue };
        let role =
            if role == Role::Total && place(Role::Answer, roles).is_none() { Role::Talk } else { role };
        if place(role, roles).is_some() {
            continue;
        }
        let gaps = between(table, start, end);
        let found = left.iter().position(|column| {
            [SpanStyle::Seconds, SpanStyle::Colons]
                .iter()
                .any(|style| is_difference(table, *column, *style, NumberForm::PLAIN, &gaps))
        });
        if let Some(found) = found {
            roles[left.remove(found)] = role;
        }
    }
    let value = |row: &[String], column: usize| plain(&row[column]).or_else(|| colons(&row[column]));
    let never_less = |more: usize, less: usize| {
        table.rows.iter().all(|row| match (value(row, more), value(row, less)) {
            (Some(more), Some(less)) => more + 1.0 >= less,
            _ => true,
        })
    };
    match (place(Role::Talk, roles), left.as_slice()) {
        (Some(talk), [column]) if never_less(*column, talk) && place(Role::Billed, roles).is_none() => {
            roles[*column] = Role::Billed;
        }
        (None, [column]) => roles[*column] = Role::Talk,
        (None, [first, second]) if never_less(*second, *first) => {
            roles[*first] = Role::Talk;
            roles[*second] = Role::Billed;
        }
        _ => {}
    }
}

/// Rate and amount: the one that is the other times the minutes.
fn money(table: &Table, fractions: &[usize], roles: &mut [Role]) {
    let left: Vec<usize> =
        fractions.iter().copied().filter(|column| roles[*column] == Role::Ignored).collect();
    let place = |role: Role| roles.iter().position(|known| *known == role);
    let Some(length) = place(Role::Billed).or(place(Role::Talk)) else { return };
    let form = forms::number_form(table, &left).unwrap_or(NumberForm::PLAIN);
    let seconds = |row: &[String]| colons(&row[length]).or_else(|| plain(&row[length]));
    match left.as_slice() {
        [first, second] => {
            for (rate, amount) in [(*first, *second), (*second, *first)] {
                let (mut all, mut good) = (0usize, 0usize);
                for row in &table.rows {
                    let read = (form.read(&row[rate]), form.read(&row[amount]), seconds(row));
                    let (Some(price), Some(paid), Some(length)) = read else { continue };
                    if paid <= 0.0 || length <= 0.0 || price <= 0.0 {
                        continue;
                    }
                    all += 1;
                    let exact = price * length / 60.0;
                    let whole = price * (length / 60.0).ceil();
                    good += usize::from(paid >= exact * 0.98 - 0.001 && paid <= whole * 1.02 + 0.001);
                }
                if all > 0
                    && good * 10 >= all * 8
                    && place(Role::Rate).is_none()
                    && place(Role::Amount).is_none()
                {
                    roles[rate] = Role::Rate;
                    roles[amount] = Role::Amount;
                    return;
                }
            }
            // Not the product, be it for a fee, a tax or another currency: the one that grows with the length.
            let grows = |column: usize| super::forms::grows(table, column, length, form);
            for (rate, amount) in [(*first, *second), (*second, *first)] {
                let free = place(Role::Rate).is_none() && place(Role::Amount).is_none();
                if free && grows(rate) == Some(false) && grows(amount) == Some(true) {
                    roles[rate] = Role::Rate;
                    roles[amount] = Role::Amount;
                    return;
                }
            }
        }
        [only]
            if place(Role::Amount).is_none()
                && super::forms::grows(table, *only, length, form) == Some(true) =>
        {
            roles[*only] = Role::Amount;
        }
        _ => {}
    }
}
