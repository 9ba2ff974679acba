//! The trace in words, in English and Simplified Chinese.

use chrono::{DateTime, Utc};

use super::Due;
use super::trace::{Cited, Step};
use crate::calendar::Status;
use crate::zone::Zone;

/// Language of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

use Language::{Chinese, English};

/// The trace of a due time, a line for each step, with times on the clocks of a zone.
#[must_use]
pub fn explain(due: &Due, zone: &Zone, language: Language) -> Vec<String> {
    let mut lines: Vec<String> = due.trace.iter().map(|step| sentence(step, zone, language)).collect();
    if due.provisional {
        lines.push(
            match language {
                English => "Provisional: the official holidays of a day on the way are not known yet.",
                Chinese => "暂定：途中有日期尚无官方节假日安排。",
            }
            .to_owned(),
        );
    }
    lines
}

/// One step in words.
#[must_use]
pub fn sentence(step: &Step, zone: &Zone, language: Language) -> String {
    let at = |instant: &DateTime<Utc>| zone.local(*instant).format("%Y-%m-%d %H:%M:%S").to_string();
    let length = |seconds: &i64| length(*seconds, language);
    let cited = |by: &Option<Cited>| by.as_ref().map_or_else(String::new, |by| cited(by, language));
    match (step, language) {
        (Step::Started { at: when }, English) => format!("Starts {} ({zone}).", at(when)),
        (Step::Started { at: when }, Chinese) => format!("开始于 {}（{zone}）。", at(when)),
        (Step::Waited { from, to }, English) => format!("Closed at {}; counts from {}.", at(from), at(to)),
        (Step::Waited { from, to }, Chinese) => {
            format!("{} 不在服务时间内，自 {} 起计时。", at(from), at(to))
        }
        (Step::Closed { first, last, by }, _) => {
            let by = self::cited(by, language);
            match (first == last, language) {
                (true, English) => format!("{first} is closed{by}."),
                (true, Chinese) => format!("{first} 休息{by}。"),
                (false, English) => format!("{first} to {last} is closed{by}."),
                (false, Chinese) => format!("{first} 至 {last} 休息{by}。"),
            }
        }
        (Step::Window { from, to, seconds, by, .. }, English) => {
            format!("{} to {}: {} count{}.", at(from), at(to), length(seconds), cited(by))
        }
        (Step::Window { from, to, seconds, by, .. }, Chinese) => {
            format!("{} 至 {}：计 {}{}。", at(from), at(to), length(seconds), cited(by))
        }
        (Step::Further { windows, from, to, seconds }, English) => {
            format!("{windows} more windows, {} to {}: {} count.", at(from), at(to), length(seconds))
        }
        (Step::Further { windows, from, to, seconds }, Chinese) => {
            format!("另有 {windows} 个时段，{} 至 {}：计 {}。", at(from), at(to), length(seconds))
        }
        (Step::Elapsed { from, to, seconds }, English) => {
            format!("{} to {}: {} count.", at(from), at(to), length(seconds))
        }
        (Step::Elapsed { from, to, seconds }, Chinese) => {
            format!("{} 至 {}：计 {}。", at(from), at(to), length(seconds))
        }
        (Step::Day { date, count, ends, by, .. }, English) => {
            format!("Day {count} is {date}, up to {}{}.", at(ends), cited(by))
        }
        (Step::Day { date, count, ends, by, .. }, Chinese) => {
            format!("第 {count} 天为 {date}，至 {}{}。", at(ends), cited(by))
        }
        (Step::Paused { from, to, returned_seconds }, English) => {
            format!("Paused {} to {}: returns {}.", at(from), at(to), length(returned_seconds))
        }
        (Step::Paused { from, to, returned_seconds }, Chinese) => {
            format!("{} 至 {} 暂停：返还 {}。", at(from), at(to), length(returned_seconds))
        }
        (Step::Stated { at: when }, English) => format!("Stated to be due {}.", at(when)),
        (Step::Stated { at: when }, Chinese) => format!("指定到期时间 {}。", at(when)),
        (Step::Due { at: when }, English) => format!("Due {}.", at(when)),
        (Step::Due { at: when }, Chinese) => format!("到期于 {}。", at(when)),
    }
}

fn cited(by: &Cited, language: Language) -> String {
    let unsure = match (by.status, language) {
        (Status::Official, _) => "",
        (Status::Provisional, English) => ", provisional",
        (Status::Provisional, Chinese) => "，暂定",
    };
    match language {
        English => format!(" ({}{unsure})", by.reason),
        Chinese => format!("（{}{unsure}）", by.reason),
    }
}

fn length(seconds: i64, language: Language) -> String {
    let (hours, minutes, rest) = (seconds / 3_600, seconds % 3_600 / 60, seconds % 60);
    let units = match language {
        English => ["h", "min", "s"],
        Chinese => ["小时", "分", "秒"],
    };
    let parts: Vec<String> = [hours, minutes, rest]
        .iter()
        .zip(units)
        .filter(|(count, _)| **count != 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    match parts.is_empty() {
        true => format!("0 {}", units[1]),
        false => parts.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::official::cn_office;

    #[test]
    fn a_due_time_over_a_feast_is_explained_in_both_languages() {
        let calendar = cn_office();
        let start = "2026-02-14T17:30:00+08:00".parse().expect("an instant");
        let due = crate::due(&calendar, start, "60 business minutes".parse().expect("a span"), &[]);
        let due = due.expect("an office opens");
        assert_eq!(
            explain(&due, calendar.zone(), English),
            [
                "Starts 2026-02-14 17:30:00 (Asia/Shanghai).",
                "2026-02-14 17:30:00 to 2026-02-14 18:00:00: 30 min count (春节调休上班 (make-up workday for Spring Festival)).",
                "2026-02-16 to 2026-02-23 is closed (春节 (Spring Festival)).",
                "2026-02-24 09:00:00 to 2026-02-24 09:30:00: 30 min count.",
                "Due 2026-02-24 09:30:00.",
            ]
        );
        let chinese = explain(&due, calendar.zone(), Chinese);
        assert_eq!(chinese.last().map(String::as_str), Some("到期于 2026-02-24 09:30:00。"));
        assert!(chinese.iter().all(|line| line.ends_with('。')), "{chinese:?}");
    }
}
