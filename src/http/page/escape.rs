//! Text of others made harmless and visible.
//!
//! Names, notes and answers come from the network and from people. Markup is escaped, and
//! characters that a reader cannot see but a browser obeys (controls, bidirectional overrides) are
//! written out, so that no text can pretend to be another.

use std::fmt::{self, Write};

use askama::filters::Escaper;

/// The escaper of all HTML templates (`askama.toml`).
#[derive(Debug, Clone, Copy, Default)]
pub struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| write(&mut dest, character))
    }

    fn write_escaped_char<W: Write>(&self, mut dest: W, character: char) -> fmt::Result {
        write(&mut dest, character)
    }
}

fn write(dest: &mut impl Write, character: char) -> fmt::Result {
    match character {
        '<' => dest.write_str("&#60;"),
        '>' => dest.write_str("&#62;"),
        '&' => dest.write_str("&#38;"),
        '"' => dest.write_str("&#34;"),
        '\'' => dest.write_str("&#39;"),
        '\n' | '\t' => dest.write_char(character),
        '\r' => Ok(()),
        other if is_deceptive(other) => write!(dest, "[U+{:04X}]", u32::from(other)),
        other => dest.write_char(other),
    }
}

/// Whether a browser obeys the character rather than shows it.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Directional marks, embeddings, overrides and isolates (UAX 9), zero-width characters.
            '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut shown = String::new();
        Visible.write_escaped_str(&mut shown, text).unwrap();
        shown
    }

    #[test]
    fn markup_becomes_text() {
        assert_eq!(shown("<img src=x onerror='a()'>"), "&#60;img src=x onerror=&#39;a()&#39;&#62;");
    }

    #[test]
    fn what_the_eye_cannot_see_is_written_out() {
        assert_eq!(shown("fdp\u{202E}exe"), "fdp[U+202E]exe");
        assert_eq!(shown("a\u{0}b\u{1b}[31m"), "a[U+0000]b[U+001B][31m");
        assert_eq!(shown("line\nline 网关"), "line\nline 网关");
    }
}
