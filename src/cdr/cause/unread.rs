//! Lines that could not be read and still tell which call they are of: what they hold is not missing.

use std::collections::HashMap;

use crate::number::Number;
use crate::record::Record;

/// Digits of a number's end that tell it.
const TAIL: usize = 7;

/// What is left of the lines of one side that could not be read.
#[derive(Debug, Clone, Default)]
pub struct Unread {
    /// By the end of each longer row of digits in a line: the lines.
    by_tail: HashMap<u64, Vec<u32>>,
    /// Of each line, the beginnings of the numbers that a spreadsheet has shortened, as in `8.61E+12`.
    shortened: Vec<Vec<String>>,
}

impl Unread {
    /// Of such lines.
    pub fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut unread = Self::default();
        for (at, line) in (0u32..).zip(lines) {
            for digits in line.split(|sign: char| !sign.is_ascii_digit()) {
                if let Some(tail) =
                    digits.len().checked_sub(TAIL).and_then(|from| digits[from..].parse().ok())
                {
                    unread.by_tail.entry(tail).or_default().push(at);
                }
            }
            unread.shortened.push(line.split([',', ';', '|', '\t']).filter_map(shortened).collect());
        }
        unread
    }

    /// Whether one of the lines names both parties of a call, one of them in full at least.
    #[must_use]
    pub fn holds(&self, record: &Record) -> bool {
        if self.shortened.is_empty() {
            return false;
        }
        let [caller, callee] = [record.caller, record.callee].map(|number| self.lines_with(number));
        let begins = |line: &u32, number: Number| {
            let digits =
                number.digits().map(|(value, digits)| format!("{value:0>width$}", width = digits as usize));
            let shortened = self.shortened.get(*line as usize).map(Vec::as_slice).unwrap_or_default();
            digits.is_some_and(|digits| shortened.iter().any(|head| digits.starts_with(head)))
        };
        callee
            .iter()
            .any(|line| record.caller.is_none() || caller.contains(line) || begins(line, record.caller))
            || caller.iter().any(|line| begins(line, record.callee))
    }

    fn lines_with(&self, number: Number) -> &[u32] {
        let tail = number.digits().filter(|(_, digits)| *digits as usize >= TAIL);
        let lines = tail.and_then(|(value, _)| self.by_tail.get(&(value % 10_u64.pow(TAIL as u32))));
        lines.map(Vec::as_slice).unwrap_or_default()
    }
}

/// The leading digits of a number in scientific notation, at least two.
fn shortened(field: &str) -> Option<String> {
    let field = field.trim_matches(|sign: char| sign == '"' || sign.is_whitespace());
    let (digits, power) = field.split_once(['E', 'e'])?;
    let power: u32 = power.strip_prefix('+').unwrap_or(power).parse().ok()?;
    let kept: String = digits.chars().filter(char::is_ascii_digit).collect();
    let plain = digits.chars().all(|sign| sign.is_ascii_digit() || sign == '.');
    (plain && kept.len() >= 2 && (6..18).contains(&power)).then(|| kept.trim_end_matches('0').to_owned())
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable as _;

    use super::*;

    fn call(caller: &str, callee: &str) -> Record {
        Record { caller: Number::of(caller), callee: Number::of(callee), ..Record::zeroed() }
    }

    #[test]
    fn a_line_that_could_not_be_read_holds_the_call_whose_numbers_it_names() {
        let lines = [
            "0085231000001,008613800000001,2026-04-03 00:00:03,61,not a number",
            "85231000002,8.61E+12,2026-04-03 00:00:04,62,0.01",
            "nothing at all",
        ];
        let unread = Unread::of(lines.into_iter());
        assert!(unread.holds(&call("85231000001", "8613800000001")));
        assert!(unread.holds(&call("85231000002", "8613912345678")));
        assert!(!unread.holds(&call("85231000002", "442012345678")), "another country");
        assert!(!unread.holds(&call("85231000001", "8613800000002")), "another call of the same caller");
        assert!(!unread.holds(&call("85231000009", "8613800000001")), "another caller of the same number");
        assert!(!Unread::default().holds(&call("85231000001", "8613800000001")));
    }
}
