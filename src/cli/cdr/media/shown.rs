//! The comparison on a terminal.

use crate::diagnosis::billed::{
    BilledDifference, BilledMedia, BilledRow, HeardRow, HeardWay, kind_words, undecided_words,
};
use crate::locale::{Language, Message};

/// Differences that a terminal shows.
const MOST_SHOWN: usize = 20;

/// A summary for people.
pub(super) fn summary(told: &BilledMedia, language: Language) -> String {
    let say = |message: Message| message.render(language);
    let mut text = format!("{}\n", say(Message::new("billed.title")));
    let records = told.records;
    text.push_str(&format!(
        "  {}\n",
        say(Message::new("billed.counts_records")
            .with("all", records.all)
            .with("matched", records.matched)
            .with("not_heard", records.not_heard)
            .with("not_covered", records.not_covered)
            .with("ambiguous", records.ambiguous)
            .with("interim", records.interim))
    ));
    let calls = told.calls;
    text.push_str(&format!(
        "  {}\n",
        say(Message::new("billed.counts_calls")
            .with("all", calls.all)
            .with("matched", calls.matched)
            .with("not_billed", calls.not_billed)
            .with("not_covered", calls.not_covered)
            .with("ambiguous", calls.ambiguous))
    ));
    let clock = &told.clock_offset;
    text.push_str(&format!(
        "  {}\n",
        say(Message::new(&format!("billed.offset_{}", clock.proof))
            .with("seconds", clock.seconds)
            .with("calls", clock.calls))
    ));
    if records.matched == 0 {
        text.push_str(&format!("  {}\n", say(Message::new("billed.nothing_matched"))));
    } else if told.agrees() {
        text.push_str(&format!("  {}\n", say(Message::new("billed.agrees"))));
    }
    for (kind, count) in &told.kinds {
        text.push_str(&format!("  {count:>6}  {}\n", kind_words(kind, language)));
    }
    for (currency, amount) in &told.at_stake {
        let stake = Message::new("billed.at_stake").with("amount", amount).with("currency", currency);
        text.push_str(&format!("  {}\n", say(stake)));
    }
    for difference in told.differences.iter().take(MOST_SHOWN) {
        text.push('\n');
        one(&mut text, difference, language);
    }
    let more = told.differences.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        text.push_str(&format!("\n{}\n", say(Message::new("billed.more").with("count", more))));
    }
    if !told.undecided.is_empty() {
        text.push_str(&format!("\n{}\n", say(Message::new("billed.undecided_title"))));
        for (why, count) in &told.undecided {
            text.push_str(&format!("  {count:>6}  {}\n", undecided_words(why, language)));
        }
    }
    text
}

fn one(text: &mut String, difference: &BilledDifference, language: Language) {
    let currency = difference.currency.as_deref().unwrap_or_default();
    let stake =
        difference.at_stake.as_ref().map(|money| format!(" [{}]", format!("{money} {currency}").trim()));
    text.push_str(&format!(
        "{}{}: {}\n",
        kind_words(&difference.kind, language),
        stake.unwrap_or_default(),
        difference.evidence.render(language)
    ));
    let or_dash = |text: Option<&String>| text.cloned().unwrap_or_else(|| "–".to_owned());
    if let Some(row) = &difference.record {
        let BilledRow { line, caller, callee, start, talk_s, billed_s, amount, .. } = row;
        let said = Message::new("billed.row_record")
            .with("line", line)
            .with("caller", caller)
            .with("callee", callee)
            .with("start", start)
            .with("talk", talk_s)
            .with("billed", or_dash(billed_s.map(|seconds| seconds.to_string()).as_ref()))
            .with("amount", or_dash(amount.as_ref()))
            .with("currency", currency);
        text.push_str(&format!("  {}\n", said.render(language).trim_end()));
    }
    if let Some(row) = &difference.call {
        let HeardRow { from, to, answer, end, from_caller, from_callee, .. } = row;
        let said = Message::new("billed.row_call")
            .with("from", from)
            .with("to", to)
            .with("answer", or_dash(answer.as_ref()))
            .with("end", or_dash(end.as_ref()))
            .with("caller", way(from_caller.as_ref(), language))
            .with("callee", way(from_callee.as_ref(), language));
        text.push_str(&format!("  {}\n", said.render(language)));
    }
}

fn way(way: Option<&HeardWay>, language: Language) -> String {
    let Some(HeardWay { first, last, active_s, codecs, .. }) = way else {
        return Message::new("billed.way_none").render(language);
    };
    // Of a moment the time of day says enough.
    let time = |moment: &String| moment.get(11..23).unwrap_or(moment).to_owned();
    Message::new("billed.way")
        .with("active", active_s)
        .with("first", time(first))
        .with("last", time(last))
        .with("codecs", codecs.join(" "))
        .render(language)
}
