use super::super::sample;
use super::super::{Heading, Language, Report};

fn rendered(language: Language) -> String {
    let finished = sample::finished();
    let folder = tempfile::tempdir().expect("a folder");
    let heading = Heading { theirs: Some("<i>Other</i> & Co".to_owned()), ..Heading::default() };
    Report::new(&finished, &sample::SampleLines, language)
        .heading(heading)
        .write(folder.path())
        .expect("written");
    if let Ok(kept) = std::env::var("LINESMAN_TEST_KEEP") {
        let to = std::path::Path::new(&kept).join(language.tag());
        Report::new(&finished, &sample::SampleLines, language).write(&to).expect("written");
    }
    std::fs::read_to_string(folder.path().join("report.html")).expect("there")
}

#[test]
fn nothing_of_a_file_becomes_markup_and_nothing_is_fetched() {
    let page = rendered(Language::English);
    assert!(page.contains("&lt;i&gt;Other&lt;/i&gt; &amp; Co") && page.contains("theirs &lt;b&gt;.csv"));
    for outside in ["http://", "https://", "src=", "url(", "@import", "<script", "<i>", "<link"] {
        let found = page.replace("http://x", "").contains(outside);
        assert!(!found, "{outside}");
    }
    assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
}

#[test]
fn the_page_says_cause_fault_money_and_the_calculation_in_plain_words() {
    let page = rendered(Language::English);
    for said in [
        "Their side bills 60/60 on calls to 8613… through all gateways; the contract says 6/6.",
        "Their side has no record of 1 call through gateway",
        "+0.034000 USD",
        "Charged time begins with the answer: 61 s",
        "Billed: 6 s and 10 further blocks of 6 s = 66 s",
        "66 s × 0.02 / 60 = 0.022",
        "Correct amount: 0.022000 USD",
        "The times of their file are in UTC+08:00.",
        "Please correct your records or your rating",
        "0.015000 USD is explained by no cause",
        "2026-04-03 20:00:03",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn on_a_narrow_screen_values_stand_under_the_words_of_their_columns() {
    let page = rendered(Language::English);
    assert!(page.contains("<div class=\"scroll cards\""), "what must not be out of sight");
    assert!(page.contains("<td class=\"n\" data-word=\"Amount\">+0.034000</td>"), "{page}");
}

#[test]
fn a_period_that_was_asked_for_is_named_with_what_is_outside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut finished = sample::finished();
    finished.period = Some([sample::NOON, i64::MAX]);
    finished.outcome.counts.outside_ours = 1_234;
    for (language, said) in [
        (
            Language::English,
            ["Only calls that begin from 2026-04-03 12:00:00 on (UTC)", "1,234 of our records"],
        ),
        (Language::Chinese, ["仅核对在 2026-04-03 12:00:00 及以后（UTC）开始的通话", "我方 1,234 条"]),
    ] {
        Report::new(&finished, &sample::SampleLines, language).write(folder.path()).expect("written");
        let page = std::fs::read_to_string(folder.path().join("report.html")).expect("there");
        let summary = super::super::summary(&finished, language, 200, false);
        for said in said {
            assert!(page.contains(said) && summary.contains(said), "{said}: {summary}");
        }
    }
}

#[test]
fn the_chinese_page_is_chinese_throughout() {
    let page = rendered(Language::Chinese);
    assert!(page.starts_with("<!doctype html>\n<html lang=\"zh-CN\">"));
    for said in [
        "对方对被叫前缀 8613，所有网关的通话按 60/60 计费，合同约定为 6/6。",
        "正确金额：0.022000 USD",
        "请求的处理",
    ] {
        assert!(page.contains(said), "{said}");
    }
    for english in ["Cause", "Ours", "Theirs", "Amount", "calls", "Call ID", "Period", "Billed"] {
        let body = page.split("</style>").nth(1).expect("a body");
        assert!(!body.contains(english), "{english}");
    }
}
