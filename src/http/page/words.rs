//! Numbers, times and marks as people read them.
//!
//! [`Moment`], [`Mark`] and [`SeverityMark`] display as markup made of our own shapes, digits and
//! catalogue words only, and [`spoken`] escapes all but its times; templates mark these, and
//! nothing else, as `safe`.

use std::fmt;

use askama::filters::Escaper as _;
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};

use crate::diagnosis::{ElementState, Severity};
use crate::locale::{INSTANT, Language, Message, words};

use super::escape::Visible;

/// An instant: UTC for everybody; the script of the page adds the reader's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.0.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(f, r#"<time datetime="{iso}">{} UTC</time>"#, self.0.format("%Y-%m-%d %H:%M:%S"))
    }
}

/// A sentence as markup: escaped, and each instant in it a `<time>`, without its date on that day.
#[must_use]
pub fn spoken(sentence: &str, today: Option<NaiveDate>) -> String {
    /// Length of an instant as [`INSTANT`] writes it.
    const LENGTH: usize = "2026-11-21 20:02:00 UTC".len();
    let mut markup = String::with_capacity(sentence.len() + 96);
    let mut rest = sentence;
    while let Some(end) = rest.find(" UTC").map(|place| place + " UTC".len()) {
        let instant = end.checked_sub(LENGTH).and_then(|start| {
            let instant = NaiveDateTime::parse_from_str(rest.get(start..end)?, INSTANT).ok()?.and_utc();
            Some((start, instant))
        });
        let Some((start, instant)) = instant else {
            escape(&mut markup, &rest[..end]);
            rest = &rest[end..];
            continue;
        };
        escape(&mut markup, &rest[..start]);
        let shown = if today == Some(instant.date_naive()) { "%H:%M:%S UTC" } else { INSTANT };
        let iso = instant.to_rfc3339_opts(SecondsFormat::Secs, true);
        markup.push_str(&format!(r#"<time class="said" datetime="{iso}">{}</time>"#, instant.format(shown)));
        rest = &rest[end..];
    }
    escape(&mut markup, rest);
    markup
}

fn escape(markup: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = Visible.write_escaped_str(markup, text);
}

/// How long, in the two largest units that matter.
#[must_use]
pub fn span(language: Language, span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let (key, large, small) = match seconds {
        0..60 => ("page.span_s", seconds, 0),
        60..3600 => ("page.span_min", minutes, seconds % 60),
        3600..86_400 => ("page.span_h", hours, minutes),
        _ => ("page.span_d", days, hours),
    };
    Message::new(key).with("large", large).with("small", small).render(language)
}

/// A share in percent; a trace of loss is never shown as none.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return "< 0.1 %".to_owned();
    }
    if percent == 0.0 || percent >= 99.95 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// A delay in milliseconds.
#[must_use]
pub fn millis(delay: f64) -> String {
    match delay {
        d if d < 10.0 => format!("{d:.2} ms"),
        d if d < 100.0 => format!("{d:.1} ms"),
        d => format!("{d:.0} ms"),
    }
}

/// A size in the unit that people read.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// The state of an element by shape, symbol and word: never by colour alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    state: ElementState,
    word: String,
}

impl Mark {
    /// In a language.
    #[must_use]
    pub fn of(state: ElementState, language: Language) -> Self {
        Self { state, word: words(language, &format!("state.{}", state.name())) }
    }

    /// The word alone.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }
}

/// Outline and symbol of a state within -12…12, for `<path>`s: circle, triangle, octagon, dashed circles.
#[must_use]
pub const fn shape(state: ElementState) -> (&'static str, &'static str) {
    const CIRCLE: &str = "M-10 0a10 10 0 1 1 20 0a10 10 0 1 1 -20 0z";
    match state {
        ElementState::Ok => (CIRCLE, "M-4.5 .5l3 3.5l6-7"),
        ElementState::Degraded => ("M0 -11.5L11.5 9.5H-11.5z", "M0 -4.5v6M0 5v1.2"),
        ElementState::Down => {
            ("M-4.6 -11H4.6L11 -4.6V4.6L4.6 11H-4.6L-11 4.6V-4.6z", "M-4.2 -4.2L4.2 4.2M4.2 -4.2L-4.2 4.2")
        }
        ElementState::Hidden => (CIRCLE, "M-5 0h.1M0 0h.1M5 0h.1"),
        ElementState::Unknown => (CIRCLE, "M-3 -2.5a3 3 0 1 1 4.4 2.6c-1 .6-1.4 1.1-1.4 2.2M0 5.6v.2"),
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (outline, symbol) = shape(self.state);
        let name = self.state.name();
        write!(
            f,
            r#"<span class="mark s-{name}"><svg viewBox="-13 -13 26 26" width="20" height="20" aria-hidden="true" focusable="false"><path class="outline" d="{outline}"/><path class="symbol" d="{symbol}"/></svg><span>{}</span></span>"#,
            self.word
        )
    }
}

/// Bars that fill with the severity, beside its word.
#[must_use]
pub const fn severity_rank(severity: Severity) -> u8 {
    match severity {
        Severity::Indeterminate => 0,
        Severity::Warning => 1,
        Severity::Minor => 2,
        Severity::Major => 3,
        Severity::Critical => 4,
    }
}

/// Severity as bars and word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityMark {
    severity: Severity,
    word: String,
}

impl SeverityMark {
    /// In a language.
    #[must_use]
    pub fn of(severity: Severity, language: Language) -> Self {
        Self { severity, word: words(language, &format!("severity.{}", severity.name())) }
    }
}

impl fmt::Display for SeverityMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.severity.name();
        write!(
            f,
            r#"<span class="severity v-{name}"><svg viewBox="0 0 19 16" width="19" height="16" aria-hidden="true" focusable="false">"#
        )?;
        for bar in 0..4_u8 {
            let full = if bar < severity_rank(self.severity) { "full" } else { "empty" };
            let (x, height) = (bar * 5, 4 + bar * 4);
            write!(
                f,
                r#"<rect class="{full}" x="{x}" y="{}" width="4" height="{height}" rx="1"/>"#,
                16 - height
            )?;
        }
        write!(f, "</svg><span>{}</span></span>", self.word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_of_loss_is_not_shown_as_none_and_nearly_all_not_as_all() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.0001), "< 0.1 %");
        assert_eq!(percent(0.999), "99.9 %");
        assert_eq!(percent(1.0), "100 %");
    }

    #[test]
    fn instants_in_a_sentence_become_times_and_everything_else_text() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 21);
        let said = spoken("<b> silent since 2026-11-21 20:02:00 UTC.", today);
        assert_eq!(
            said,
            "&#60;b&#62; silent since <time class=\"said\" datetime=\"2026-11-21T20:02:00Z\">20:02:00 UTC</time>."
        );
        let before = spoken("since 2026-11-20 20:02:00 UTC", today);
        assert!(before.contains(">2026-11-20 20:02:00 UTC<"), "{before}");
        for other in ["网关 UTC", " UTC UTC", "2026-13-41 20:02:00 UTC", "é2026-11-21 20:02:0é UTC"] {
            assert_eq!(spoken(other, today), other);
        }
    }

    #[test]
    fn a_span_names_its_two_largest_units() {
        let english = |seconds| span(Language::English, TimeDelta::seconds(seconds));
        assert_eq!(english(9), "9 s");
        assert_eq!(english(125), "2 min 5 s");
        assert_eq!(english(3 * 3600 + 61), "3 h 1 min");
        assert_eq!(english(2 * 86_400 + 3600), "2 d 1 h");
        assert_eq!(english(-5), "0 s");
    }
}
