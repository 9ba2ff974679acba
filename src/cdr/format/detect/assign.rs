//! Which column holds what: by flag, preset, names of columns, and what stands in them.

use super::super::preset::{Preset, role_of};
use super::super::words::{self, squeezed};
use super::super::{Layout, Role};
use super::content::{self, Profile};
use super::table::{Table, shorten};
use super::{DetectError, Hints, spoken};

/// Roles of the columns, and the preset that applies.
pub(super) struct Assigned<'a> {
    pub roles: Vec<Role>,
    pub preset: Option<&'a Preset>,
}

pub(super) fn assign<'a>(
    table: &Table,
    hints: &Hints,
    preset: Option<&'a Preset>,
    known: &'a [Preset],
) -> Result<Assigned<'a>, DetectError> {
    let profiles: Vec<Profile> = (0..table.width).map(|column| Profile::of(table, column)).collect();
    let given = hints.columns.as_deref().map(|text| by_flag(table, hints, text)).transpose()?;
    if let Some((roles, true)) = given {
        return Ok(Assigned { roles, preset });
    }
    let recognised = preset.or_else(|| known.iter().find(|preset| preset.knows_header(&table.header)));
    let mut assigned = if table.header.is_empty() {
        without_header(table, hints, preset, known, &profiles)?
    } else {
        let roles = by_names(table, recognised, &profiles);
        Assigned { roles, preset: recognised }
    };
    if let Some((fixed, _)) = &given {
        for (role, said) in assigned.roles.iter_mut().zip(fixed) {
            if *said == Role::Ignored && fixed.contains(role) {
                *role = Role::Ignored;
            }
            if *said != Role::Ignored {
                *role = *said;
            }
        }
    }
    drop_what_does_not_fit(&mut assigned.roles, &profiles);
    if given.is_none() && assigned.preset.is_none_or(|preset| preset.name == "generic") {
        settle_price(table, hints, &mut assigned.roles)?;
    }
    if assigned.preset.is_none_or(|preset| !preset.only_these_names) {
        content::complete(table, hints, &profiles, &mut assigned.roles);
    }
    require(table, hints, &Layout { columns: assigned.roles.clone(), ..empty_layout() })?;
    Ok(assigned)
}

fn empty_layout() -> Layout {
    Layout {
        preset: String::new(),
        delimiter: ',',
        header_lines: 0,
        columns: Vec::new(),
        header: Vec::new(),
        time: super::TimeStyle::YearFirst,
        zone: super::Zone::Unknown,
        spans: Vec::new(),
        decimal: '.',
        thousands: None,
        credits: false,
        answered: Vec::new(),
        interim: Vec::new(),
        skipped: Vec::new(),
    }
}

/// What the user says: a list from the left (final), or pairs `role=column` (the rest is found).
fn by_flag(table: &Table, hints: &Hints, text: &str) -> Result<(Vec<Role>, bool), DetectError> {
    let wrong =
        |reason: String| DetectError::Flag { flag: hints.flag("columns"), value: text.to_owned(), reason };
    let role = |word: &str| {
        words::role_named(word).ok_or_else(|| {
            wrong(format!("`{word}` is no role; roles are caller, callee, start, answer, end, duration, total, billed, rate, amount, currency, gateway, account, call_id, disposition and - for the rest"))
        })
    };
    let parts: Vec<&str> = text.split([',', ';']).collect();
    let mut roles = vec![Role::Ignored; table.width];
    if text.contains('=') {
        for part in parts {
            let (name, column) =
                part.split_once('=').ok_or_else(|| wrong(format!("`{part}` is no pair role=column")))?;
            let role = role(name)?;
            let column = column.trim();
            let place = match column.parse::<usize>() {
                Ok(number) => number.checked_sub(1),
                Err(_) => table.header.iter().position(|name| squeezed(name) == squeezed(column)),
            };
            let place = place.filter(|place| *place < table.width);
            let place = place.ok_or_else(|| {
                wrong(format!("there is no column `{column}`; the file has {}", describe(table)))
            })?;
            roles[place] = role;
        }
        return Ok((roles, false));
    }
    if parts.len() > table.width {
        return Err(wrong(format!(
            "that names {} columns, the file has {}: {}",
            parts.len(),
            table.width,
            describe(table)
        )));
    }
    for (place, part) in parts.iter().enumerate() {
        let role = role(part)?;
        if role != Role::Ignored && roles.contains(&role) {
            return Err(wrong(format!("{} is named twice", spoken(role))));
        }
        roles[place] = role;
    }
    Ok((roles, true))
}

/// By a header: the preset's names first, then what the words mean and the values allow.
fn by_names(table: &Table, preset: Option<&Preset>, profiles: &[Profile]) -> Vec<Role> {
    let filled = |column: usize| profiles.get(column).is_some_and(|profile| profile.filled > 0);
    let mut roles = preset.map_or_else(
        || vec![Role::Ignored; table.width],
        |preset| preset.roles_of_header(&table.header, &filled),
    );
    roles.resize(table.width, Role::Ignored);
    if preset.is_some_and(|preset| preset.only_these_names) {
        return roles;
    }
    let is = |kind: fn(&Profile) -> bool, role: Role| {
        table
            .header
            .iter()
            .zip(profiles)
            .any(|(name, profile)| kind(profile) && words::heading(name).may_be(role))
    };
    let clock = is(|profile| profile.filled > 0 && profile.fits(Role::StartTimeOfDay), Role::StartTimeOfDay);
    let day = is(|profile| profile.filled > 0 && profile.fits(Role::StartDate), Role::StartDate);
    let mut choices = Vec::new();
    for (column, name) in table.header.iter().enumerate() {
        for meaning in words::heading(name).meanings {
            let Some(profile) = profiles.get(column).filter(|profile| profile.fits(meaning.role)) else {
                continue;
            };
            let useless = match meaning.role {
                Role::Start => {
                    clock && profile.filled > 0 && profile.midnights == profile.full && profile.epochs == 0
                }
                Role::StartTimeOfDay => !day || profile.filled == 0,
                Role::StartDate => !clock || profile.filled == 0,
                _ => false,
            };
            if useless {
                continue;
            }
            let empty = profile.filled == 0 && !table.rows.is_empty();
            choices.push((u32::from(meaning.rank) + if empty { 10_000 } else { 0 }, column, meaning.role));
        }
    }
    choices.sort_by_key(|(rank, column, _)| (*rank, *column));
    for (_, column, role) in choices {
        let free = roles[column] == Role::Ignored && !roles.contains(&role);
        // A date of its own is of use only where no full moment stands.
        let split = matches!(role, Role::StartDate | Role::StartTimeOfDay) && roles.contains(&Role::Start);
        if free && !split {
            roles[column] = role;
        }
    }
    roles
}

/// The given preset's order, else one that gives itself away, else the generic one or what the values prove.
fn without_header<'a>(
    table: &Table,
    hints: &Hints,
    preset: Option<&'a Preset>,
    known: &'a [Preset],
    profiles: &[Profile],
) -> Result<Assigned<'a>, DetectError> {
    let orders = |preset: &'a Preset| preset.orders.iter().map(move |order| (preset, order));
    let marked = known
        .iter()
        .filter(|known| preset.is_none_or(|preset| preset.name == known.name))
        .chain(preset)
        .flat_map(orders)
        .find(|(_, order)| {
            !order.marks.is_empty()
                && order.takes(table.width)
                && order.marks.iter().all(|mark| content::shows(table, mark))
        });
    let by_count = || preset.and_then(|preset| orders(preset).find(|(_, order)| order.takes(table.width)));
    if let Some((found, order)) = marked.or_else(by_count) {
        let found = preset.unwrap_or(found);
        let mut roles: Vec<Role> =
            order.columns.iter().map(|role| role_of(role).unwrap_or(Role::Ignored)).collect();
        roles.resize(table.width, Role::Ignored);
        return Ok(Assigned { roles, preset: Some(found) });
    }
    if let Some(preset) = preset.filter(|preset| preset.name != "generic") {
        let counts: Vec<String> = preset.orders.iter().map(|order| order.columns.len().to_string()).collect();
        let reason = if counts.is_empty() {
            "it has no header, and that format is known by its header only".to_owned()
        } else {
            format!("it has {} columns and no header, that format has {}", table.width, counts.join(" or "))
        };
        let flag = hints.flag("columns");
        return Err(DetectError::OtherFormat {
            file: hints.file.clone(),
            preset: preset.name.clone(),
            reason,
            flag,
        });
    }
    Ok(Assigned { roles: content::roles(table, hints, profiles), preset })
}

/// Takes roles away from columns whose values contradict them.
fn drop_what_does_not_fit(roles: &mut [Role], profiles: &[Profile]) {
    for (role, profile) in roles.iter_mut().zip(profiles) {
        if matches!(
            role,
            Role::CallId
                | Role::Answer
                | Role::End
                | Role::Ring
                | Role::Total
                | Role::Billed
                | Role::Rate
                | Role::Currency
        ) && !profile.fits(*role)
        {
            *role = Role::Ignored;
        }
    }
}

/// `price` is of a minute or of the call: the values tell.
fn settle_price(table: &Table, hints: &Hints, roles: &mut [Role]) -> Result<(), DetectError> {
    let price = roles.iter().position(|role| matches!(role, Role::Rate | Role::Amount));
    let Some(column) = price.filter(|_| roles.contains(&Role::Rate) != roles.contains(&Role::Amount)) else {
        return Ok(());
    };
    let heading = table.header.get(column).map(|name| words::heading(name)).unwrap_or_default();
    if !heading.may_be(Role::Rate) || !heading.may_be(Role::Amount) || table.rows.is_empty() {
        return Ok(());
    }
    let length = [Role::Talk, Role::Total, Role::Billed]
        .iter()
        .find_map(|role| roles.iter().position(|known| known == role));
    let form = super::forms::number_form(table, &[column]).unwrap_or(super::values::NumberForm::PLAIN);
    roles[column] = match length.and_then(|length| super::forms::grows(table, column, length, form)) {
        Some(true) => Role::Amount,
        Some(false) => Role::Rate,
        None => {
            let values = Box::new(table.examples(column));
            let (flag, name) = (hints.flag("columns"), &table.header[column]);
            return Err(DetectError::Ambiguous {
                file: hints.file.clone(),
                column: table.name(column),
                readings: "as the price of a minute or of the call".to_owned(),
                values,
                flag: format!("{flag} \"rate={name}\" or {flag} \"amount={name}\""),
            });
        }
    };
    Ok(())
}

/// Checks that everything that a record needs has a column.
pub(super) fn require(table: &Table, hints: &Hints, layout: &Layout) -> Result<(), DetectError> {
    let has = |role: Role| layout.columns.contains(&role);
    let split = has(Role::StartDate) && has(Role::StartTimeOfDay);
    let moment = has(Role::Start) || has(Role::Answer) || has(Role::End) || split;
    let length = [Role::Talk, Role::Total, Role::Billed].into_iter().any(has);
    let between = has(Role::End) && (has(Role::Start) || has(Role::Answer) || split);
    let mut missing = Vec::new();
    for role in [Role::Caller, Role::Callee] {
        if !has(role) {
            missing.push(spoken(role));
        }
    }
    if !moment {
        missing.push(spoken(Role::Start));
    }
    if !length && !between {
        missing.push(spoken(Role::Talk));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(DetectError::Missing {
        file: hints.file.clone(),
        missing: missing.join(" and "),
        columns: describe(table),
        flag: hints.flag("columns"),
    })
}

/// Columns with two values each.
fn describe(table: &Table) -> String {
    let shown = (0..table.width.min(24)).map(|column| {
        let [first, second] = table.examples(column);
        let name = match table.header.get(column).filter(|name| !name.is_empty()) {
            Some(name) => format!("{} `{}`", column + 1, shorten(name)),
            None => format!("{}", column + 1),
        };
        match (first.is_empty(), first == second) {
            (true, _) => format!("{name} (empty)"),
            (_, true) => format!("{name} (`{first}`)"),
            _ => format!("{name} (`{first}`, `{second}`)"),
        }
    });
    shown.collect::<Vec<_>>().join("; ")
}
