//! The summary on a terminal: what a person understands at first sight, in a given width. Double
//! width of Chinese is counted; nothing here knows whether there is a terminal.

use linesman_cdr::Money;
use linesman_cdr::outcome::Fault;
use linesman_cdr::record::Side;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::figures::{self, count, money, shown, signed};
use super::sentence;
use super::words::Language;
use crate::job::Finished;

/// Rejected lines that are shown of each side.
const FIRST_REJECTIONS: usize = 3;
/// Causes that are said in words.
const MOST_CAUSES: usize = 20;

/// How a piece of text is painted.
#[derive(Clone, Copy)]
enum Paint {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

struct Page {
    text: String,
    width: usize,
    colour: bool,
}

impl Page {
    fn painted(&self, text: &str, paint: Paint) -> String {
        let code = match paint {
            Paint::Plain => return text.to_owned(),
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Red => "31",
            Paint::Green => "32",
            Paint::Yellow => "33",
        };
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let painted = self.painted(text, Paint::Bold);
        self.text.push_str(&painted);
        self.text.push('\n');
    }

    /// A paragraph, folded to the width behind its first `lead`.
    fn say(&mut self, lead: &str, text: &str, paint: Paint) {
        let indent = lead.width();
        for (number, line) in folded(text, self.width.saturating_sub(indent).max(16)).iter().enumerate() {
            if number == 0 {
                self.text.push_str(lead);
            } else {
                self.text.push_str(&" ".repeat(indent));
            }
            let painted = self.painted(line, paint);
            self.text.push_str(&painted);
            self.text.push('\n');
        }
    }

    /// A table; the first column to the left, the others to the right.
    fn table(&mut self, rows: &[Vec<(String, Paint)>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for row in rows {
            for (width, (cell, _)) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        // What is too wide is taken from the first column, which holds words.
        let others: usize = widths.iter().skip(1).map(|width| width + 2).sum();
        if let Some(first) = widths.first_mut() {
            *first = (*first).min(self.width.saturating_sub(others + 2).max(12));
        }
        for row in rows {
            let mut line = String::from("  ");
            for (place, ((cell, paint), width)) in row.iter().zip(&widths).enumerate() {
                let cell = cut(cell, *width);
                let gap = " ".repeat(width - cell.width());
                let cell = self.painted(&cell, *paint);
                if place == 0 {
                    line.push_str(&cell);
                    line.push_str(&gap);
                } else {
                    line.push_str("  ");
                    line.push_str(&gap);
                    line.push_str(&cell);
                }
            }
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }
}

/// Shortens what is wider, with a dot row at its end.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for sign in text.chars() {
        let wide = sign.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        kept.push(sign);
    }
    kept.push('…');
    kept
}

/// Folds at spaces, and between Chinese characters.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for piece in pieces(text) {
        let wide = piece.trim_end().width();
        if used > 0 && used + wide > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(&piece);
        }
        used += piece.width();
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Pieces that a line may end after: words with their space, single wide characters.
fn pieces(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut open = false;
    for sign in text.chars().filter(|sign| !sign.is_control()) {
        let wide = sign.width().unwrap_or(0) == 2;
        // A closing mark never begins a line.
        let clings = "，。；：、）”」！？".contains(sign);
        match all.last_mut() {
            Some(last) if clings || (open && !wide) => last.push(sign),
            _ => all.push(sign.to_string()),
        }
        open = !wide && sign != ' ';
    }
    all
}

/// A text of a file, without what would move the cursor.
fn tame(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

/// What came of a run, for a terminal of a width.
///
/// `folder` is where the report went, if it was written.
pub(crate) fn summary(
    finished: &Finished,
    folder: Option<&str>,
    language: Language,
    width: usize,
    colour: bool,
) -> String {
    let mut page = Page { text: String::new(), width: width.clamp(40, 200), colour };
    let decimals = figures::decimals(finished);
    totals(&mut page, finished, decimals, language);
    verdict(&mut page, finished, decimals, language);
    causes(&mut page, finished, decimals, language);
    let outcome = &finished.outcome;
    if !outcome.findings.is_empty() {
        page.heading(&language.word("summary.findings"));
        for finding in &outcome.findings {
            page.say("  · ", &tame(&sentence::finding(finding, language)), Paint::Plain);
        }
    }
    rejected(&mut page, finished, language);
    page.heading(&language.word("summary.next"));
    page.say("  ", &next(finished, folder, decimals, language), Paint::Plain);
    page.text
}

fn totals(page: &mut Page, finished: &Finished, decimals: u32, language: Language) {
    let outcome = &finished.outcome;
    let (totals, counts) = (&outcome.totals, &outcome.counts);
    let word = |key: &str| (language.word(key), Paint::Plain);
    let dim = |text: String| (text, Paint::Dim);
    let plain = |text: String| (text, Paint::Plain);
    let blank = || plain(String::new());
    page.heading(&format!("{} · {}", language.word("summary.headline"), outcome.currency));
    for sentence in sentence::period(finished, language) {
        page.say("  ", &sentence, Paint::Plain);
    }
    let amount = |text: &str| plain(shown(money(text), decimals));
    let against = |text: &str| {
        let value = money(text);
        let paint = if value.0 == 0 { Paint::Green } else { Paint::Yellow };
        (signed(value, decimals), paint)
    };
    let difference = money(&totals.difference);
    let paint = if difference.0 == 0 { Paint::Green } else { Paint::Bold };
    page.table(&[
        vec![
            blank(),
            dim(language.word("summary.records")),
            dim(language.word("summary.amount")),
            dim(language.word("summary.difference_to_contract")),
        ],
        vec![
            word("summary.ours"),
            plain(count(counts.ours)),
            amount(&totals.ours),
            against(&totals.ours_minus_correct),
        ],
        vec![
            word("summary.theirs"),
            plain(count(counts.theirs)),
            amount(&totals.theirs),
            against(&totals.theirs_minus_correct),
        ],
        vec![word("summary.correct"), blank(), amount(&totals.correct)],
        vec![word("summary.difference"), blank(), (signed(difference, decimals), paint)],
    ]);
    let said = language.say(
        "summary.counts",
        &[
            ("paired", &count(counts.paired)),
            ("differs", &count(counts.amount_differs)),
            ("only_ours", &count(counts.only_ours)),
            ("only_theirs", &count(counts.only_theirs)),
            ("duplicates_ours", &count(counts.duplicates_ours)),
            ("duplicates_theirs", &count(counts.duplicates_theirs)),
            ("parts_ours", &count(counts.parts_ours)),
            ("parts_theirs", &count(counts.parts_theirs)),
        ],
    );
    page.say("  ", &said, Paint::Plain);
}

fn verdict(page: &mut Page, finished: &Finished, decimals: u32, language: Language) {
    page.heading(&language.word("summary.verdict"));
    let paint = match finished.outcome.verdict {
        Fault::None => Paint::Green,
        Fault::Undecided => Paint::Yellow,
        Fault::Ours | Fault::Theirs | Fault::Both => Paint::Red,
    };
    for (place, sentence) in sentence::verdict(&finished.outcome, decimals, language).iter().enumerate() {
        page.say("  ", sentence, if place == 0 { paint } else { Paint::Plain });
    }
}

fn causes(page: &mut Page, finished: &Finished, decimals: u32, language: Language) {
    let outcome = &finished.outcome;
    if figures::agrees(outcome) {
        return;
    }
    page.heading(&language.word("summary.causes"));
    if outcome.causes.is_empty() {
        page.say("  ", &language.word("summary.no_causes"), Paint::Plain);
    }
    let head = |key: &str| (language.word(key), Paint::Dim);
    let mut rows = vec![vec![
        head("summary.cause"),
        head("summary.fault"),
        head("summary.calls"),
        (outcome.currency.clone(), Paint::Dim),
    ]];
    for (place, cause) in outcome.causes.iter().enumerate() {
        rows.push(vec![
            (format!("{} {}", place + 1, sentence::kind(cause.kind, language)), Paint::Plain),
            (sentence::fault(cause.at_fault, language), Paint::Plain),
            (count(cause.calls), Paint::Plain),
            (signed(money(&cause.amount), decimals), Paint::Bold),
        ]);
    }
    let unexplained = money(&outcome.unexplained);
    let total: Money = outcome.causes.iter().map(|cause| money(&cause.amount)).sum();
    let blank = || (String::new(), Paint::Plain);
    let paint = if unexplained.0 == 0 { Paint::Green } else { Paint::Red };
    let line = |key: &str, amount: Money, paint: Paint| {
        vec![(language.word(key), paint), blank(), blank(), (signed(amount, decimals), paint)]
    };
    rows.push(line("summary.unexplained", unexplained, paint));
    rows.push(line("summary.difference", total + unexplained, Paint::Bold));
    page.table(&rows);
    page.text.push('\n');
    for (place, cause) in outcome.causes.iter().enumerate().take(MOST_CAUSES) {
        page.say(&format!("  {} ", place + 1), &tame(&sentence::cause(cause, language)), Paint::Plain);
    }
    let amount = shown(unexplained, decimals);
    let (key, paint) = if unexplained.0 == 0 {
        ("summary.nothing_unexplained", Paint::Green)
    } else {
        ("summary.something_unexplained", Paint::Red)
    };
    page.say("  ", &language.say(key, &[("amount", &amount), ("currency", &outcome.currency)]), paint);
}

fn rejected(page: &mut Page, finished: &Finished, language: Language) {
    let counts = [finished.outcome.counts.rejected_ours, finished.outcome.counts.rejected_theirs];
    if counts == [0, 0] {
        return;
    }
    page.heading(&language.word("summary.rejected"));
    for side in Side::BOTH {
        let all = counts[side.index()];
        if all == 0 {
            continue;
        }
        let who = language.word(&format!("side.{}", sentence::tag(&side)));
        let said = language.say("summary.rejected_line", &[("side", &who), ("count", &count(all))]);
        page.say("  ", &said, Paint::Yellow);
        for rejection in finished.rejections[side.index()].iter().take(FIRST_REJECTIONS) {
            let (line, column) = (rejection.line.to_string(), rejection.column.unwrap_or(0).to_string());
            let key =
                if rejection.column.is_some() { "summary.rejected_column" } else { "summary.rejected_at" };
            let reason = tame(sentence::reason(rejection, language));
            let said = language.say(key, &[("line", &line), ("column", &column), ("reason", &reason)]);
            page.say("    · ", &said, Paint::Plain);
            page.say("      ", &cut(&tame(&rejection.text), page.width.saturating_sub(6)), Paint::Dim);
        }
    }
}

fn next(finished: &Finished, folder: Option<&str>, decimals: u32, language: Language) -> String {
    let outcome = &finished.outcome;
    let Some(folder) = folder else { return language.word("summary.next_report") };
    let key = match outcome.verdict {
        _ if figures::agrees(outcome) => "summary.next_none",
        Fault::Theirs => "summary.next_send_theirs",
        Fault::Ours => "summary.next_fix_ours",
        Fault::Both => "summary.next_both",
        Fault::None => "summary.next_none",
        Fault::Undecided => "summary.next_undecided",
    };
    let amount = shown(money(&outcome.totals.theirs_minus_correct).abs(), decimals);
    language.say(key, &[("dir", folder), ("amount", &amount), ("currency", &outcome.currency)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_counts_double_when_lines_are_folded_and_cut() {
        let text = "对方对被叫前缀 8613 的通话按 60/60 计费，合同约定为 6/6。";
        let lines = folded(text, 20);
        assert!(lines.iter().all(|line| line.width() <= 22), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert!(lines.iter().all(|line| !line.starts_with(['，', '。'])));
        assert_eq!(cut("对账结果", 5), "对账…");
    }

    #[test]
    fn a_line_of_a_file_cannot_move_the_cursor() {
        assert_eq!(tame("a\u{1b}[2Jb\tc"), "a [2Jb c");
    }
}
