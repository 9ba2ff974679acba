//! Text into markup.

/// Text as it stands in markup: nothing of it is taken for markup, nothing moves the direction of writing.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            sign if sign.is_control() => safe.push(' '),
            sign => safe.push(sign),
        }
    }
    safe
}

/// A table's cell.
pub(super) enum Cell {
    /// Words that do not wrap.
    Text(String),
    /// Words that may wrap.
    Words(String),
    /// A number.
    Number(String),
}

impl Cell {
    fn markup(&self, name: &str) -> String {
        match self {
            Self::Text(text) => format!("<{name}>{}</{name}>", escape(text)),
            Self::Words(text) => format!("<{name} class=\"w\">{}</{name}>", escape(text)),
            Self::Number(text) => format!("<{name} class=\"n\">{}</{name}>", escape(text)),
        }
    }
}

/// A table that scrolls within itself; the last row is a total where asked.
pub(super) fn table(head: &[Cell], rows: &[Vec<Cell>], total: bool) -> String {
    let cells = |row: &[Cell], name: &str| row.iter().map(|cell| cell.markup(name)).collect::<String>();
    let mut text =
        format!("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>{}</tr></thead><tbody>", cells(head, "th"));
    for (place, row) in rows.iter().enumerate() {
        let class = if total && place + 1 == rows.len() { " class=\"total\"" } else { "" };
        text.push_str(&format!("<tr{class}>{}</tr>", cells(row, "td")));
    }
    text.push_str("</tbody></table></div>");
    text
}
