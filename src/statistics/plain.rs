//! The report as lines of a terminal.

use super::tables::{Table, Tables};

/// Cases are left to the page and the workbook.
#[must_use]
pub fn plain(report: &Tables) -> String {
    let mut text = format!("{}\n", report.title);
    for note in &report.notes {
        text.push_str(note);
        text.push('\n');
    }
    for table in &report.tables {
        text.push_str(&format!("\n{}\n", table.title));
        text.push_str(&lines(table, &report.nothing));
    }
    text.push_str(&format!("\n{}\n", report.advice_title));
    for advice in &report.advice {
        text.push_str(&format!("  {advice}\n"));
    }
    text
}

fn lines(table: &Table, nothing: &str) -> String {
    if table.rows.is_empty() {
        return format!("  {nothing}\n");
    }
    let rows: Vec<Vec<String>> = std::iter::once(table.columns.clone())
        .chain(table.rows.iter().map(|row| row.iter().map(super::tables::Cell::say).collect()))
        .collect();
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let widths: Vec<usize> = (0..table.columns.len()).map(|column| widest(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, most) in row.iter().zip(&widths) {
            line.push(' ');
            line.push_str(cell);
            line.push_str(&" ".repeat(most - width(cell)));
            line.push(' ');
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Columns of a terminal: Chinese signs take two.
fn width(text: &str) -> usize {
    let wide = |sign: &char| matches!(sign, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3fffd}');
    text.chars().map(|sign| if wide(&sign) { 2 } else { 1 }).sum()
}
