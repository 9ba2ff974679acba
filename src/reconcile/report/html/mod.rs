//! The dispute report as one page that needs nothing else: after ITU-T D.170 Supplement 2, to be read
//! on any screen, printed, and sent.

mod markup;
mod parts;

pub use markup::escape;

use std::fmt::Write as _;

use super::Heading;
use super::calls::View;
use super::overview::Overview;
use super::words::Language;
use super::{figures, sentence};
use crate::job::Finished;

/// What all parts of the page are written from.
pub(crate) struct Page<'a> {
    finished: &'a Finished,
    view: &'a View<'a>,
    overview: &'a Overview,
    heading: &'a Heading,
    language: Language,
    decimals: u32,
    text: String,
}

/// Writes the page.
pub(crate) fn page(view: &View<'_>, overview: &Overview, heading: &Heading) -> String {
    let (finished, language) = (view.finished, view.language);
    let decimals = figures::decimals(finished);
    let mut page = Page { finished, view, overview, heading, language, decimals, text: String::new() };
    page.head();
    page.glance();
    page.information();
    page.volumes();
    page.causes();
    page.unexplained();
    page.where_and_when();
    page.action();
    page.findings();
    page.rejected();
    page.method();
    page.text.push_str("</main>\n</body>\n</html>\n");
    page.text
}

impl Page<'_> {
    fn word(&self, key: &str) -> String {
        escape(&self.language.word(key))
    }

    fn push(&mut self, markup: &str) {
        self.text.push_str(markup);
        self.text.push('\n');
    }

    fn section(&mut self, key: &str) {
        let title = self.word(key);
        let _ = writeln!(self.text, "<h2>{title}</h2>");
    }

    fn head(&mut self) {
        let parties = [&self.heading.ours, &self.heading.theirs].map(|name| name.as_deref().map(escape));
        let title = self.word("title.dispute");
        let after = self.word("title.after");
        let between = match parties {
            [Some(ours), Some(theirs)] => format!("{ours} – {theirs}"),
            [Some(name), None] | [None, Some(name)] => name,
            [None, None] => self.word("title.report"),
        };
        let _ = write!(
            self.text,
            "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}: {between}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n\
             <header><h1>{title}</h1><p class=\"sub\">{between}</p><p class=\"sub\">{after}</p></header>\n",
            lang = self.language.tag(),
            style = include_str!("style.css"),
        );
    }

    fn glance(&mut self) {
        let outcome = &self.finished.outcome;
        let side = if figures::agrees(outcome) { "none".to_owned() } else { sentence::tag(&outcome.verdict) };
        let sentences: String = sentence::verdict(outcome, self.decimals, self.language)
            .iter()
            .map(|sentence| format!("<p>{}</p>", escape(sentence)))
            .collect();
        let _ = writeln!(self.text, "<div class=\"verdict {side}\">{sentences}</div>");
        let totals = &outcome.totals;
        let cards = [
            ("summary.ours", &totals.ours, false),
            ("summary.theirs", &totals.theirs, false),
            ("summary.correct", &totals.correct, false),
            ("summary.difference", &totals.difference, true),
        ];
        self.push("<dl class=\"sums\">");
        for (key, amount, is_difference) in cards {
            let amount = figures::money(amount);
            let shown = if is_difference {
                figures::signed(amount, self.decimals)
            } else {
                figures::shown(amount, self.decimals)
            };
            let (word, currency) = (self.word(key), escape(&outcome.currency));
            let _ =
                writeln!(self.text, "<div><dt>{word}</dt><dd>{shown} <small>{currency}</small></dd></div>");
        }
        self.push("</dl>");
    }

    /// What D.170 Supplement 2 clause 6.3 asks for.
    fn information(&mut self) {
        self.section("report.information");
        let missing = self.language.word("report.not_given");
        let given = |text: &Option<String>| text.clone().unwrap_or_else(|| missing.clone());
        let heading = self.heading;
        let finished = self.finished;
        let outcome = &finished.outcome;
        let asked = sentence::period(finished, self.language).join(match self.language {
            Language::English => " ",
            Language::Chinese => "",
        });
        let period = |side: usize| {
            finished.inputs[side].period_ms.map_or_else(
                || missing.clone(),
                |[from, to]| format!("{} – {}", figures::instant(from), figures::instant(to)),
            )
        };
        let zone = outcome
            .findings
            .iter()
            .find(|finding| finding.kind == "timezone" && finding.side == Some(linesman_cdr::Side::Theirs))
            .and_then(|finding| finding.values.get("utc_offset")?.as_str())
            .map_or_else(
                || self.language.word("report.zone_plain"),
                |offset| self.language.say("report.zone_value", &[("offset", offset)]),
            );
        let file = |side: usize| {
            let facts = &finished.inputs[side];
            match facts.sha256.as_str() {
                "" => facts.name.clone(),
                hash => format!("{} (SHA-256 {hash})", facts.name),
            }
        };
        let contract = match &finished.contract_sha256 {
            Some(hash) => format!("SHA-256 {hash}"),
            None => self.language.word("report.contract_none"),
        };
        let disputed = figures::money(&outcome.totals.theirs_minus_correct);
        let disputed = format!("{} {}", figures::signed(disputed, self.decimals), outcome.currency);
        let facts = [
            ("report.party_ours", given(&heading.ours)),
            ("report.party_theirs", given(&heading.theirs)),
            ("report.account", given(&heading.account)),
            ("report.invoice", given(&heading.invoice)),
            ("report.direction", given(&heading.direction)),
            ("report.period", asked),
            ("report.period_ours", period(0)),
            ("report.period_theirs", period(1)),
            ("report.zone", zone),
            ("report.currency", outcome.currency.clone()),
            ("report.disputed", disputed),
            ("report.contact", given(&heading.contact)),
            ("report.deadline", given(&heading.deadline)),
            ("report.deck", format!("SHA-256 {}", finished.rates_sha256)),
            ("report.contract", contract),
            ("finding.our_file", file(0)),
            ("finding.their_file", file(1)),
        ];
        self.push("<dl class=\"facts\">");
        for (key, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            let word = self.word(key);
            let _ = writeln!(self.text, "<dt>{word}</dt><dd>{}</dd>", escape(value));
        }
        self.push("</dl>");
    }
}

#[cfg(test)]
mod tests;
