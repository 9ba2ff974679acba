//! The report as a page that needs nothing else: to be read on any screen, and printed.

use linesman_reconcile::report::escape;

use super::tables::{Cell, Table, Tables};
use crate::locale::{Language, Message};

/// More cases stand in the workbook only.
const MOST_CASES: usize = 500;

const STYLE: &str = "\
@page { size: A4; margin: 16mm 14mm; }
* { box-sizing: border-box; }
body { margin: 0; color: #111; background: #fff; font: 14px/1.5 \"Noto Sans\", \"Noto Sans CJK SC\", \
\"Source Han Sans SC\", \"PingFang SC\", \"Microsoft YaHei\", sans-serif; }
main { max-width: 190mm; margin: 0 auto; padding: 16px; }
h1 { font-size: 22px; margin: 0 0 4px; }
h2 { font-size: 16px; margin: 20px 0 6px; break-after: avoid; }
p { margin: 2px 0; color: #444; font-size: 12px; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th, td { border-bottom: 1px solid #bbb; padding: 4px 8px; text-align: left; vertical-align: top; \
overflow-wrap: anywhere; }
th { font-weight: 600; background: #f2f2f2; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: #0b5d1e; font-weight: 600; }
.bad { color: #a40000; font-weight: 600; }
tr { break-inside: avoid; }
li { margin: 4px 0; }
@media print { main { max-width: none; padding: 0; } th { -webkit-print-color-adjust: exact; \
print-color-adjust: exact; } }
";

/// The page.
#[must_use]
pub fn page(report: &Tables) -> String {
    let title = escape(&report.title);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
        lang = report.language.tag(),
    );
    for note in &report.notes {
        text.push_str(&format!("<p>{}</p>\n", escape(note)));
    }
    for each in &report.tables {
        table(&mut text, each, &report.nothing, report.language);
    }
    text.push_str(&format!("<h2>{}</h2>\n<ul>\n", escape(&report.advice_title)));
    for advice in &report.advice {
        text.push_str(&format!("<li>{}</li>\n", escape(advice)));
    }
    text.push_str("</ul>\n");
    table(&mut text, &report.cases, &report.nothing, report.language);
    text.push_str("</main>\n</body>\n</html>\n");
    text
}

fn table(text: &mut String, table: &Table, nothing: &str, language: Language) {
    text.push_str(&format!("<h2>{}</h2>\n", escape(&table.title)));
    if table.rows.is_empty() {
        text.push_str(&format!("<p>{}</p>\n", escape(nothing)));
        return;
    }
    text.push_str("<table>\n<thead><tr>");
    for column in &table.columns {
        text.push_str(&format!("<th scope=\"col\">{}</th>", escape(column)));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in table.rows.iter().take(MOST_CASES) {
        text.push_str("<tr>");
        for cell in row {
            let class = match cell {
                Cell::Text(_) => "",
                Cell::Count(_) => " class=\"number\"",
                Cell::Good(_) => " class=\"good\"",
                Cell::Bad(_) => " class=\"bad\"",
            };
            text.push_str(&format!("<td{class}>{}</td>", escape(&cell.say())));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table>\n");
    let more = table.rows.len().saturating_sub(MOST_CASES);
    if more > 0 {
        let sentence = Message::new("report.more_cases").with("count", more).render(language);
        text.push_str(&format!("<p>{}</p>\n", escape(&sentence)));
    }
}
