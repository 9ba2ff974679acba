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

fn cells(row: &[Cell], name: &str) -> String {
    row.iter().map(|cell| cell.markup(name)).collect()
}

fn framed(head: &[Cell], bodies: &str) -> String {
    let head = cells(head, "th");
    format!(
        "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )
}

/// A table that scrolls within itself; the last row is a total where asked.
pub(super) fn table(head: &[Cell], rows: &[Vec<Cell>], total: bool) -> String {
    let row = |(place, row): (usize, &Vec<Cell>)| {
        let class = if total && place + 1 == rows.len() { " class=\"total\"" } else { "" };
        format!("<tr{class}>{}</tr>", cells(row, "td"))
    };
    let body: String = rows.iter().enumerate().map(row).collect();
    framed(head, &format!("<tbody>{body}</tbody>"))
}

/// As [`table`], of rows that belong together; the last of a group is its total where it says so.
pub(super) fn grouped(head: &[Cell], groups: &[(Vec<Vec<Cell>>, bool)]) -> String {
    let body = |(rows, total): &(Vec<Vec<Cell>>, bool)| {
        let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>", cells(row, "td"))).collect();
        let class = if *total { "call correct" } else { "call" };
        format!("<tbody class=\"{class}\">{rows}</tbody>")
    };
    framed(head, &groups.iter().map(body).collect::<String>())
}
