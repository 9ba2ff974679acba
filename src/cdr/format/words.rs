//! What a column's name means: the words of many systems, in English, Chinese and some neighbours,
//! however they are joined (`start_time`, `StartTime`, `Start Time (UTC)`).
//!
//! A name may mean several things (`time` is a moment or a length); the values decide, in
//! [`super::detect`].

mod tables;

pub use tables::LOOSE_DURATION;
use tables::TABLES;

use super::{Role, SpanStyle};

/// One thing that a column's name may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The role.
    pub role: Role,
    /// How far down the list of that role's words it stands: 0 says it best.
    pub rank: u16,
}

/// A column's name, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heading {
    /// What it may mean, none if it is no word of ours.
    pub meanings: Vec<Meaning>,
    /// How it says durations are written.
    pub unit: Option<SpanStyle>,
    /// Seconds east of UTC that it names.
    pub zone: Option<i32>,
}

impl Heading {
    /// Whether a role is among its meanings.
    #[must_use]
    pub fn may_be(&self, role: Role) -> bool {
        self.meanings.iter().any(|meaning| meaning.role == role)
    }
}

/// Rank of a word that was only understood by its parts.
const BY_PARTS: u16 = 500;
/// Rank of a loose word for a duration: behind the ones that say which.
const LOOSE: u16 = 300;
/// Longest name of a column that is looked at.
const LONGEST_NAME: usize = 120;

/// Whether a column's name is one that may or may not count the ringing.
#[must_use]
pub fn is_loose_duration(name: &str) -> bool {
    let (words, _, _) = take_apart(name);
    let known = |text: String| LOOSE_DURATION.split_whitespace().any(|word| word == text);
    known(words.concat()) || known(without_unit(&words).0.concat())
}

/// A name's letters and digits alone, in lower case: `Start-Time` and `start_time` are the same.
#[must_use]
pub fn squeezed(name: &str) -> String {
    name.chars()
        .filter(|sign| sign.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(LONGEST_NAME)
        .collect()
}

/// What a column's name means.
#[must_use]
pub fn heading(name: &str) -> Heading {
    let (words, unit, zone) = take_apart(name);
    let (bare, unit_by_word) = without_unit(&words);
    let whole = words.concat();
    let bare = bare.concat();
    let mut heading = Heading { meanings: Vec::new(), unit: unit.or(unit_by_word), zone };
    for text in [whole.as_str(), bare.as_str()] {
        if !heading.meanings.is_empty() || text.is_empty() {
            continue;
        }
        for (role, table) in TABLES {
            if let Some(rank) = table.split_whitespace().position(|word| word == text) {
                heading.meanings.push(Meaning { role: *role, rank: u16::try_from(rank).unwrap_or(u16::MAX) });
            }
        }
        if let Some(rank) = LOOSE_DURATION.split_whitespace().position(|word| word == text) {
            let rank = LOOSE + u16::try_from(rank).unwrap_or(0);
            heading.meanings.push(Meaning { role: Role::Talk, rank });
        }
    }
    if heading.meanings.is_empty() {
        heading.meanings = by_parts(&words);
    }
    for meaning in heading.meanings.clone() {
        let part = Meaning { rank: meaning.rank + 1, ..meaning };
        if meaning.role == Role::Start {
            heading.meanings.push(Meaning { role: Role::StartDate, ..part });
            heading.meanings.push(Meaning { role: Role::StartTimeOfDay, ..part });
        }
    }
    heading
}

/// The role that a person names on the command line (`caller`, `start_time`, `被叫号码`); `-`, `_` and
/// nothing mean a column without interest.
#[must_use]
pub fn role_named(word: &str) -> Option<Role> {
    let word = word.trim();
    let own = match squeezed(word).as_str() {
        "" if word.chars().all(|sign| "-_*".contains(sign)) => Some(Role::Ignored),
        "ignored" | "ignore" | "skip" | "none" | "other" => Some(Role::Ignored),
        "startdate" | "date" => Some(Role::StartDate),
        "starttimeofday" | "timeofday" => Some(Role::StartTimeOfDay),
        "talk" | "duration" => Some(Role::Talk),
        "total" => Some(Role::Total),
        "time" => Some(Role::Start),
        "recordkind" | "kind" => Some(Role::RecordKind),
        "price" => Some(Role::Amount),
        _ => None,
    };
    own.or_else(|| {
        heading(word).meanings.iter().min_by_key(|meaning| meaning.rank).map(|meaning| meaning.role)
    })
}

/// Whether a field is the name of an SQL type, as CUCM writes them below its header.
#[must_use]
pub fn is_type_name(field: &str) -> bool {
    const TYPES: [&str; 13] = [
        "INTEGER",
        "INT",
        "BIGINT",
        "VARCHAR",
        "NVARCHAR",
        "CHAR",
        "UNIQUEIDENTIFIER",
        "DATETIME",
        "TIMESTAMP",
        "TEXT",
        "FLOAT",
        "DECIMAL",
        "BOOLEAN",
    ];
    let base = field.split('(').next().unwrap_or("").trim();
    TYPES.iter().any(|name| base.eq_ignore_ascii_case(name))
}

/// Words of a name, unit and zone that stand in parentheses or behind a comma.
fn take_apart(name: &str) -> (Vec<String>, Option<SpanStyle>, Option<i32>) {
    let name: String = name
        .trim_matches(|sign: char| sign.is_whitespace() || sign == '\u{feff}' || sign == '"' || sign == '\'')
        .chars()
        .take(LONGEST_NAME)
        .map(|sign| match sign {
            '（' => '(',
            '）' => ')',
            '【' => '[',
            '】' => ']',
            '，' => ',',
            '：' => ':',
            other => other,
        })
        .collect();
    let (mut kept, mut unit, mut zone) = (String::new(), None, None);
    let mut rest = name.as_str();
    while let Some(open) = rest.find(['(', '[', ',']) {
        kept.push_str(&rest[..open]);
        let closing = match rest.as_bytes()[open] {
            b'(' => ')',
            b'[' => ']',
            _ => '\0',
        };
        let inner = &rest[open + 1..];
        let (inside, after) = inner.split_once(closing).unwrap_or((inner, ""));
        unit = unit.or_else(|| unit_named(inside));
        zone = zone.or_else(|| zone_named(inside));
        if unit_named(inside).is_none() && zone_named(inside).is_none() && closing == '\0' {
            kept.push(' ');
            kept.push_str(inside);
        }
        rest = after;
    }
    kept.push_str(rest);
    zone = zone.or_else(|| kept.split_whitespace().skip(1).find_map(zone_named));
    if name.contains("北京") {
        zone = zone.or(Some(8 * 3600));
    }
    let mut words = words_of(&kept.replace("北京", ""));
    if words.len() > 1
        && let Some(last) = words.pop_if(|word| ["utc", "gmt", "z", "local"].contains(&word.as_str()))
        && last != "local"
    {
        zone = zone.or(Some(0));
    }
    (words, unit, zone)
}

/// A name's words in lower case, cut at signs and where small letters meet capitals.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for sign in name.chars() {
        let new_word = before.is_lowercase() && sign.is_uppercase();
        if !sign.is_alphanumeric() || new_word {
            words.push(String::new());
        }
        if let (true, Some(word)) = (sign.is_alphanumeric(), words.last_mut()) {
            word.extend(sign.to_lowercase());
        }
        before = sign;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn unit_named(text: &str) -> Option<SpanStyle> {
    let text = text.trim().trim_start_matches("in ").to_lowercase();
    Some(match text.as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" | "秒" | "сек" | "seg" | "segundos" | "sekunden" => {
            SpanStyle::Seconds
        }
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" | "毫秒" => SpanStyle::Millis,
        "us" | "µs" | "usec" | "usecs" | "micros" | "microsecond" | "microseconds" | "微秒" => {
            SpanStyle::Micros
        }
        "m" | "min" | "mins" | "minute" | "minutes" | "分钟" | "分" | "分鐘" | "мин" | "minuten"
        | "minutos" => SpanStyle::Minutes,
        "h:m:s" | "hh:mm:ss" | "h:mm:ss" | "mm:ss" | "m:ss" | "hms" | "时:分:秒" | "时分秒" | "hhmmss" => {
            SpanStyle::Colons
        }
        _ => return None,
    })
}

/// A name without the unit that it ends in, and that unit.
fn without_unit(words: &[String]) -> (Vec<String>, Option<SpanStyle>) {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => match unit_named(last) {
            Some(unit) => {
                let keep =
                    if rest.last().is_some_and(|word| word == "in") { rest.len() - 1 } else { rest.len() };
                (rest[..keep].to_vec(), Some(unit))
            }
            None => (words.to_vec(), unit_inside(last)),
        },
        Some((last, _)) => (words.to_vec(), unit_named(last).or_else(|| unit_inside(last))),
        None => (Vec::new(), None),
    }
}

/// The unit in words such as `billmsec`.
fn unit_inside(word: &str) -> Option<SpanStyle> {
    match word {
        "billmsec" | "mduration" | "durationms" | "talkms" => Some(SpanStyle::Millis),
        "billusec" | "uduration" => Some(SpanStyle::Micros),
        "billsec" | "billsecs" | "billedsec" | "billedseconds" | "billseconds" => Some(SpanStyle::Seconds),
        _ => None,
    }
}

/// An offset such as `UTC`, `UTC+8`, `GMT+08:00`, `+0800`, in seconds.
#[must_use]
pub fn zone_named(text: &str) -> Option<i32> {
    let text = text.trim().to_uppercase();
    let rest = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT"));
    let named = rest.is_some();
    let rest = rest.unwrap_or(&text).trim();
    if rest.is_empty() {
        return named.then_some(0);
    }
    if text == "Z" {
        return Some(0);
    }
    let sign = match rest.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return None,
    };
    let digits: String = rest[1..].chars().filter(|sign| *sign != ':').collect();
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) =
        if digits.len() <= 2 { (digits.as_str(), "0") } else { digits.split_at(digits.len() - 2) };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Meaning of a name that is no entry of the tables, by the words it is made of.
fn by_parts(words: &[String]) -> Vec<Meaning> {
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let joined = words.concat();
    let contains = |list: &[&str]| list.iter().any(|word| joined.contains(word));
    let mut found = Vec::new();
    let mut say = |role, worse: u16| found.push(Meaning { role, rank: BY_PARTS + worse });
    if has(&[
        "ip",
        "addr",
        "address",
        "codec",
        "port",
        "name",
        "country",
        "city",
        "area",
        "type",
        "span",
        "node",
        "partition",
    ]) || contains(&["地址", "编码", "姓名", "归属地", "地区", "国家", "方向", "原因", "类型", "次数"])
    {
        return found;
    }
    let moment = has(&[
        "time",
        "date",
        "datetime",
        "timestamp",
        "stamp",
        "at",
        "epoch",
        "ts",
        "hora",
        "fecha",
        "zeit",
        "datum",
    ]) || contains(&["时间", "日期", "時間"]);
    let length = has(&[
        "duration", "dur", "length", "seconds", "secs", "sec", "msec", "ms", "minutes", "mins", "min",
        "dauer", "duracion", "volume",
    ]) || contains(&["时长", "秒数", "分钟数", "時長"]);
    if length {
        if has(&[
            "bill",
            "billed",
            "billing",
            "charged",
            "chargeable",
            "charge",
            "rounded",
            "rated",
            "invoiced",
            "fee",
        ]) || contains(&["计费", "收费", "结算", "計費"])
        {
            say(Role::Billed, 0);
        } else if has(&["ring", "ringing", "wait", "setup", "alerting", "pdd"])
            || contains(&["振铃", "等待", "响铃"])
        {
            if !has(&["pdd"]) {
                say(Role::Ring, 0);
            }
        } else if has(&["total", "elapsed", "gross", "overall"]) || contains(&["总"]) {
            say(Role::Total, 0);
        } else {
            say(
                Role::Talk,
                if has(&["talk", "conversation", "connected", "answered", "net"]) { 0 } else { 10 },
            );
        }
        return found;
    }
    if has(&["rate", "tariff", "ppm"]) || contains(&["费率", "单价", "資費"]) {
        say(Role::Rate, 0);
    } else if has(&["amount", "charge", "cost", "fee", "price", "importe", "betrag", "montant"])
        || contains(&["费用", "金额", "话费", "金額"])
    {
        say(Role::Amount, 0);
    } else if has(&["currency"]) {
        say(Role::Currency, 0);
    } else if has(&["gateway", "trunk", "gw"]) || contains(&["网关", "中继"]) {
        say(Role::Gateway, 0);
    } else if has(&["answer", "answered", "connect", "connected", "pickup"])
        || contains(&["应答", "接通", "接听"])
    {
        if moment {
            say(Role::Answer, 0);
        }
    } else if has(&[
        "end",
        "stop",
        "disconnect",
        "disconnected",
        "release",
        "released",
        "hangup",
        "finish",
        "ended",
    ]) || contains(&["结束", "挂断", "挂机", "终止"])
    {
        if moment {
            say(Role::End, 0);
        }
    } else if has(&[
        "start",
        "begin",
        "setup",
        "started",
        "origination",
        "invite",
        "call",
        "created",
        "event",
        "utc",
    ]) && moment
        || contains(&["开始", "起始", "呼叫时间"])
    {
        say(Role::Start, 0);
    } else if has(&[
        "caller",
        "calling",
        "src",
        "source",
        "originating",
        "origination",
        "orig",
        "ani",
        "cli",
        "from",
    ]) || contains(&["主叫"])
    {
        say(Role::Caller, 0);
    } else if has(&[
        "callee",
        "called",
        "dst",
        "dest",
        "destination",
        "terminating",
        "dialed",
        "dialled",
        "dnis",
        "to",
    ]) || contains(&["被叫"])
    {
        say(Role::Callee, 0);
    } else if has(&["account", "customer", "client"]) || contains(&["账户", "账号", "帐户", "客户"]) {
        say(Role::Account, 0);
    } else if has(&["callid", "uuid", "guid"]) || contains(&["流水"]) {
        say(Role::CallId, 0);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(name: &str) -> Option<Role> {
        heading(name).meanings.iter().min_by_key(|meaning| meaning.rank).map(|meaning| meaning.role)
    }

    #[test]
    fn a_word_means_the_same_however_it_is_joined() {
        for name in [
            "start_time",
            "StartTime",
            "Start Time",
            "START-TIME",
            "\u{feff}start time",
            "\"Start time\"",
            "Start Time (UTC)",
        ] {
            assert_eq!(best(name), Some(Role::Start), "{name}");
        }
        for (name, role) in [
            ("caller", Role::Caller),
            ("CallingPartyNumber", Role::Caller),
            ("A-Number", Role::Caller),
            ("主叫号码", Role::Caller),
            ("被叫号码", Role::Callee),
            ("Destination Number", Role::Callee),
            ("通话开始时间", Role::Start),
            ("通话结束时间", Role::End),
            ("计费时长 (秒)", Role::Billed),
            ("计费时长（秒）", Role::Billed),
            ("结算费用 (元)", Role::Amount),
            ("落地网关", Role::Gateway),
            ("billed_seconds", Role::Billed),
            ("Billed Duration (sec)", Role::Billed),
            ("billsec", Role::Talk),
            ("Total Cost", Role::Amount),
            ("Rate per min", Role::Rate),
            ("Customer Call Charge Amount", Role::Amount),
            ("Call Disconnected At", Role::End),
        ] {
            assert_eq!(best(name), Some(role), "{name}");
        }
        assert_eq!(best("callerip"), None);
        assert_eq!(best("挂断原因"), None);
    }

    #[test]
    fn units_and_zones_are_read_out_of_names() {
        for (name, unit) in [
            ("duration (ms)", SpanStyle::Millis),
            ("Duration, min", SpanStyle::Minutes),
            ("duration_ms", SpanStyle::Millis),
            ("通话时长(秒)", SpanStyle::Seconds),
            ("Duration [mm:ss]", SpanStyle::Colons),
            ("billmsec", SpanStyle::Millis),
            ("Billed Minutes", SpanStyle::Minutes),
        ] {
            assert_eq!(heading(name).unit, Some(unit), "{name}");
        }
        assert_eq!(heading("duration").unit, None);
        assert_eq!(heading("Start Time (UTC+8)").zone, Some(8 * 3600));
        assert_eq!(heading("start_time_utc").zone, Some(0));
        assert_eq!(heading("开始时间(北京时间)").zone, Some(8 * 3600));
        assert_eq!(zone_named("GMT-03:30"), Some(-(3 * 3600 + 1800)));
        assert_eq!(zone_named("+0800"), Some(8 * 3600));
        assert_eq!(zone_named("USD"), None);
    }
}
