//! Text into markup.

/// Text as it stands in markup: nothing of it is taken for markup, nothing moves the direction of writing.
#[must_use]
pub fn escape(text: &str) -> String {
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

/// Longest number or time that is never broken; what is longer is no plain one.
const LONGEST_WHOLE: usize = 24;

/// What a table becomes on a narrow screen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrow {
    /// Each row a card, its values under their columns' words.
    Cards,
    /// Each row a name and below it a value.
    List,
    /// It stays a table and scrolls within itself; its first column stays in sight.
    Scrolls,
}

/// A table's cell.
pub(super) enum Cell {
    /// Words that do not wrap.
    Text(String),
    /// Words that may wrap.
    Words(String),
    /// Text of a file, as long as its writer liked.
    Foreign(String),
    /// A time.
    Moment(String),
    /// A telephone number.
    Phone(String),
    /// A number.
    Number(String),
}

impl Cell {
    const fn class(&self) -> &'static str {
        match self {
            Self::Text(_) => "",
            Self::Words(_) => " class=\"w\"",
            Self::Phone(text) | Self::Moment(text) if text.len() <= LONGEST_WHOLE => " class=\"p\"",
            Self::Foreign(_) | Self::Phone(_) | Self::Moment(_) => " class=\"x\"",
            Self::Number(_) => " class=\"n\"",
        }
    }

    fn text(&self) -> &str {
        let (Self::Text(text)
        | Self::Words(text)
        | Self::Foreign(text)
        | Self::Moment(text)
        | Self::Phone(text)
        | Self::Number(text)) = self;
        text
    }
}

/// Cells of a row, each with its column's word: a narrow screen shows it in place of the header.
fn cells(head: &[Cell], row: &[Cell]) -> String {
    let one = |(place, cell): (usize, &Cell)| {
        let word = head.get(place).map_or("", Cell::text);
        format!("<td{} data-word=\"{}\">{}</td>", cell.class(), escape(word), escape(cell.text()))
    };
    row.iter().enumerate().map(one).collect()
}

fn framed(head: &[Cell], bodies: &str, narrow: Narrow) -> String {
    let class = match narrow {
        Narrow::Cards => "cards",
        Narrow::List => "list",
        Narrow::Scrolls => "wide",
    };
    let head: String =
        head.iter().map(|cell| format!("<th{}>{}</th>", cell.class(), escape(cell.text()))).collect();
    format!(
        "<div class=\"scroll {class}\" tabindex=\"0\"><table><thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )
}

/// A table; the last row is a total where asked.
pub(super) fn table(head: &[Cell], rows: &[Vec<Cell>], total: bool, narrow: Narrow) -> String {
    let row = |(place, row): (usize, &Vec<Cell>)| {
        let class = if total && place + 1 == rows.len() { " class=\"total\"" } else { "" };
        format!("<tr{class}>{}</tr>", cells(head, row))
    };
    let body: String = rows.iter().enumerate().map(row).collect();
    framed(head, &format!("<tbody>{body}</tbody>"), narrow)
}

/// As [`table`], of rows that belong together; the last of a group is its total where it says so.
pub(super) fn grouped(head: &[Cell], groups: &[(Vec<Vec<Cell>>, bool)]) -> String {
    let body = |(rows, total): &(Vec<Vec<Cell>>, bool)| {
        let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>", cells(head, row))).collect();
        let class = if *total { "call correct" } else { "call" };
        format!("<tbody class=\"{class}\">{rows}</tbody>")
    };
    framed(head, &groups.iter().map(body).collect::<String>(), Narrow::Scrolls)
}
