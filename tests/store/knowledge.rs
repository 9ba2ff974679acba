//! Articles: drafted once of a solved ticket, published, found by kind of case and by words in both languages.

use std::sync::Arc;

use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::diagnosis::{Cause, Class, FaultState};
use linesman::inventory::ElementKind;
use linesman::knowledge::article::{Article, Edit, Kind, Move, Review, Words};
use linesman::knowledge::{ArticleId, Signature};
use linesman::metrics::Metrics;
use linesman::settings::Settings;
use linesman::store::knowledge::ArticleFilter;
use linesman::ticket::{Actor, Event, Ticket};
use linesman::workers::learn::Learner;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::fixture::{Daemon, Database};
use crate::on_both;

on_both! {
    r108_a_solved_ticket_leaves_one_draft_that_is_suggested_once_it_is_published,
    r107_articles_are_found_by_their_words_in_english_and_in_chinese,
    r114_of_two_changes_to_an_article_the_second_is_refused,
    r107_two_chinese_signs_within_a_sentence_are_found_and_a_word_of_the_title_tells_more,
    r107_what_is_found_follows_edits_retiring_and_erasing,
    r107_articles_kept_before_there_was_an_index_are_found_after_the_next_start,
    r107_whatever_is_looked_for_is_never_an_error_of_syntax,
}

fn mei() -> Actor {
    Actor("mei".to_owned())
}

async fn solved(daemon: &Daemon, key: &str) -> Ticket {
    let ticket = daemon.open(key).await;
    let since = daemon.clock.now_utc();
    let linesman = Actor::linesman();
    let begun = Event::VerificationStarted { since };
    daemon.writer.apply(&ticket.id, None, begun, linesman.clone()).await.unwrap();
    let mut over = ticket.fault.clone().expect("measured");
    over.life = FaultState::Cleared { at: since, since };
    let resolved = Event::Resolved { fault: Box::new(over), restored_at: since };
    daemon.writer.apply(&ticket.id, None, resolved, linesman).await.unwrap()
}

fn learner(daemon: &Daemon) -> Learner {
    let (_, settings) = watch::channel(Arc::new(Settings::default()));
    Learner {
        store: daemon.store.clone(),
        writer: daemon.writer.clone(),
        settings,
        metrics: Arc::new(Metrics::new()),
        clock: daemon.clock.clone(),
        soft: CancellationToken::new(),
    }
}

async fn published(daemon: &Daemon, signature: Signature, en: Words, zh: Words) -> Article {
    let now = daemon.clock.now_utc();
    let blank = |id: ArticleId, number| Article {
        id,
        number,
        version: 1,
        kind: Kind::Case,
        review: Review::Published,
        signature,
        purpose: None,
        en,
        zh,
        source: None,
        changes: Vec::new(),
    };
    daemon.store.add_article(now, blank).await.unwrap()
}

fn words(title: &str, solution: &str) -> Words {
    Words { title: title.to_owned(), solution: solution.to_owned(), ..Words::default() }
}

async fn r108_a_solved_ticket_leaves_one_draft_that_is_suggested_once_it_is_published(database: Database) {
    let daemon = Daemon::start(&database).await;
    let learner = learner(&daemon);
    daemon.open("line/open").await;
    let ticket = solved(&daemon, "line/1").await;
    let now = daemon.clock.now_utc();
    let since = now - TimeDelta::days(1);
    assert_eq!(learner.learn(since, now).await.unwrap(), 1);
    assert_eq!(learner.learn(since, now).await.unwrap(), 0, "once");
    let draft = daemon.store.article_of(&ticket.id).await.unwrap().expect("a draft");
    assert_eq!((draft.review, draft.signature.cause), (Review::Draft, Some(Cause::Fibre)));
    assert_eq!(draft.signature.segment_kind, Some(ElementKind::Link));
    assert!(!draft.en.title.is_empty() && draft.zh.title.chars().any(|sign| sign >= '\u{4e00}'), "{draft:?}");
    let case = draft.signature.clone();
    assert!(daemon.store.suggestions(&case, "", 5).await.unwrap().is_empty(), "a draft is not suggested");

    let written = Edit { en: Some(words("Fibre cut", "Splice it.")), ..Edit::default() };
    let edited = draft.edited(written, &Actor("wu".to_owned()), now).unwrap();
    assert!(daemon.store.change_article(&edited, now).await.unwrap());
    let moved = edited.moved(Move::Publish, &mei(), false, now).unwrap();
    assert!(daemon.store.change_article(&moved, now).await.unwrap());
    let found = daemon.store.suggestions(&case, "", 5).await.unwrap();
    assert_eq!((found.len(), found[0].likeness), (1, 1_000));
    let other = Signature { class: Some(Class::C), ..case };
    assert!(daemon.store.suggestions(&other, "", 5).await.unwrap().is_empty());
    daemon.store.article_used(&moved.id, &ticket.id, "lin", true, now).await.unwrap();
    daemon.store.article_used(&moved.id, &ticket.id, "lin", false, now).await.unwrap();
    let uses = daemon.store.article_uses(&moved.id).await.unwrap();
    assert_eq!((uses.helped, uses.failed), (0, 1), "the last word counts");
    daemon.stop().await.unwrap();
}

async fn r107_articles_are_found_by_their_words_in_english_and_in_chinese(database: Database) {
    let daemon = Daemon::start(&database).await;
    let of = |class| Signature { class: Some(class), ..Signature::default() };
    let one_way = published(
        &daemon,
        of(Class::D),
        words("One-way audio behind NAT", "Turn on symmetric RTP."),
        words("单向无声：客户网关在地址转换之后", "打开对称 RTP。"),
    )
    .await;
    published(
        &daemon,
        of(Class::C),
        words("Gateway not registered", "Check the password."),
        words("网关未注册", "核对密码。"),
    )
    .await;
    for asked in ["no audio one way", "客户反映单向无声", "NAT"] {
        let found = daemon.store.suggestions(&Signature::default(), asked, 5).await.unwrap();
        assert_eq!(found[0].article.id, one_way.id, "{asked}");
    }
    let nothing = daemon.store.suggestions(&Signature::default(), "完全无关", 5).await.unwrap();
    assert!(nothing.is_empty(), "{nothing:?}");
    // Of a classified case its own class goes before the words.
    let of_class = Signature { class: Some(Class::C), ..Signature::default() };
    let found = daemon.store.suggestions(&of_class, "单向无声", 5).await.unwrap();
    assert_eq!(
        (found[0].article.signature.class, found[1].article.id.clone()),
        (Some(Class::C), one_way.id.clone())
    );
    let drafts = ArticleFilter { review: Some(Review::Draft), ..ArticleFilter::default() };
    assert!(daemon.store.articles(&drafts).await.unwrap().is_empty());
    let by_number = daemon.store.article(&one_way.number_text()).await.unwrap().expect("there");
    assert_eq!(by_number.id, one_way.id);
    daemon.stop().await.unwrap();
}

async fn r114_of_two_changes_to_an_article_the_second_is_refused(database: Database) {
    let daemon = Daemon::start(&database).await;
    let signature = Signature { class: Some(Class::B), ..Signature::default() };
    let seen = published(&daemon, signature, words("a", "b"), Words::default()).await;
    let now = daemon.clock.now_utc();
    let first = seen.clone().edited(Edit::default(), &mei(), now).unwrap();
    let second = seen.moved(Move::Retire, &mei(), true, now).unwrap();
    assert!(daemon.store.change_article(&first, now).await.unwrap());
    assert!(!daemon.store.change_article(&second, now).await.unwrap());
    daemon.stop().await.unwrap();
}

/// Numbers of what is found by words, the best first.
async fn found(daemon: &Daemon, asked: &str) -> Vec<i64> {
    let found = daemon.store.suggestions(&Signature::default(), asked, 9).await;
    let found = found.unwrap_or_else(|error| panic!("{asked:?}: {error}"));
    found.into_iter().map(|one| one.article.number).collect()
}

async fn r107_two_chinese_signs_within_a_sentence_are_found_and_a_word_of_the_title_tells_more(
    database: Database,
) {
    let daemon = Daemon::start(&database).await;
    let of_d = Signature { class: Some(Class::D), ..Signature::default() };
    // Neither database weighs a word that most articles have, so that others are needed beside the two.
    for other in ["路由错误", "话单不符", "号码被拒"] {
        published(&daemon, of_d.clone(), Words::default(), words(other, "请核对。")).await;
    }
    let in_the_text = Words {
        title: "通话质量差".to_owned(),
        symptom: "客户说对方的声音断断续续，怀疑光缆老化或者接头松动，还说下雨天更严重。".to_owned(),
        ..Words::default()
    };
    let in_the_text = published(&daemon, of_d.clone(), Words::default(), in_the_text).await;
    let in_the_title = words("光缆中断", "请抢修。");
    let in_the_title = published(&daemon, of_d, Words::default(), in_the_title).await;
    assert_eq!(found(&daemon, "光缆").await, [in_the_title.number, in_the_text.number]);
    assert_eq!(found(&daemon, "松动").await, [in_the_text.number]);
    // Two signs that stand beside each other in no article are no word of one.
    assert!(found(&daemon, "缆光").await.is_empty());
    daemon.stop().await.unwrap();
}

async fn r107_what_is_found_follows_edits_retiring_and_erasing(database: Database) {
    let daemon = Daemon::start(&database).await;
    let of_b = Signature { class: Some(Class::B), ..Signature::default() };
    let seen =
        published(&daemon, of_b.clone(), words("Frayed patchcord", "Replace it."), Words::default()).await;
    let other =
        published(&daemon, of_b, words("Dusty ferrule", "Clean it."), words("接头有灰", "请清洁。")).await;
    assert_eq!(found(&daemon, "patchcord").await, [seen.number]);

    let now = daemon.clock.now_utc();
    let written = Edit { en: Some(words("Kinked jumper", "Replace it.")), ..Edit::default() };
    let edited = seen.edited(written, &Actor("wu".to_owned()), now).unwrap();
    assert!(daemon.store.change_article(&edited, now).await.unwrap());
    assert!(
        found(&daemon, "jumper").await.is_empty(),
        "what was edited is read again before it is suggested"
    );
    let again = edited.moved(Move::Publish, &mei(), false, now).unwrap();
    assert!(daemon.store.change_article(&again, now).await.unwrap());
    assert_eq!(found(&daemon, "jumper").await, [again.number]);
    assert!(found(&daemon, "patchcord").await.is_empty(), "the words before are forgotten");

    let retired = again.moved(Move::Retire, &mei(), true, now).unwrap();
    assert!(daemon.store.change_article(&retired, now).await.unwrap());
    assert!(found(&daemon, "jumper").await.is_empty());

    assert_eq!(found(&daemon, "有灰").await, [other.number]);
    daemon.stop().await.unwrap();
    database.erase(&format!("DELETE FROM knowledge_article WHERE number = {}", other.number)).await;
    assert_eq!(database.count("SELECT COUNT(*) FROM knowledge_text").await, 1, "the words went with it");
    let daemon = Daemon::start(&database).await;
    assert!(found(&daemon, "有灰 ferrule").await.is_empty());
    daemon.stop().await.unwrap();
}

async fn r107_articles_kept_before_there_was_an_index_are_found_after_the_next_start(database: Database) {
    let daemon = Daemon::start(&database).await;
    let of_c = Signature { class: Some(Class::C), ..Signature::default() };
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let zh = words("网关未注册", "核对密码。");
        numbers.push(published(&daemon, of_c.clone(), Words::default(), zh).await.number);
    }
    numbers.reverse();
    daemon.stop().await.unwrap();

    database.erase("DELETE FROM knowledge_text").await;
    let daemon = Daemon::start(&database).await;
    assert_eq!(found(&daemon, "注册").await, numbers);
    daemon.stop().await.unwrap();

    // Texts that were taken apart in an earlier way are taken apart anew.
    database.erase("UPDATE knowledge_text SET title = 'jumbled'").await;
    database.erase("UPDATE meta SET value = '0' WHERE name = 'knowledge_segmentation'").await;
    let daemon = Daemon::start(&database).await;
    assert_eq!(found(&daemon, "注册").await, numbers);
    assert!(found(&daemon, "jumbled").await.is_empty());
    daemon.stop().await.unwrap();
}

async fn r107_whatever_is_looked_for_is_never_an_error_of_syntax(database: Database) {
    let daemon = Daemon::start(&database).await;
    let of_d = Signature { class: Some(Class::D), ..Signature::default() };
    let near =
        published(&daemon, of_d, words("Near end echo", "Turn it down."), words("近端回声", "调低。")).await;
    for asked in [
        "\"near",
        "near\"\"",
        "NEAR(",
        "NEAR/2",
        "title:near",
        "{title} : near",
        "^near",
        "near*",
        "-near",
        "+near",
        "near AND",
        "OR near",
        "NOT near",
        "near & ",
        "| near",
        "!near",
        "near <-> ",
        "near:A",
        "near:*",
        "(near",
        "near)",
        "\\near",
        "near\\",
        "near;--",
        "$1 near",
        "near\u{0}",
        "near\u{feff}",
        "近端*",
        "近端'",
    ] {
        assert_eq!(found(&daemon, asked).await, [near.number], "{asked:?}");
    }
    // Signs that a database's tokenizer may take for anything: a word of them finds nothing, and is no error.
    for asked in [
        "\"",
        "'",
        "②②",
        "²³ ½½",
        "ªª",
        "กำกำ",
        "a\u{301}e\u{301}",
        "İİ",
        "ßß",
        "\u{e000}\u{e000}",
        "𠀀𠀁",
        "🙂🙂",
        "1e5 0x1F",
    ] {
        found(&daemon, asked).await;
    }
    let (mut runner, any) =
        (TestRunner::default(), "\\PC{0,60}|[\"'*:^(){}&|!<>~\\\\a-c近端 \\-]{0,30}|(?s:.){0,40}");
    for _ in 0..150 {
        let asked = any.new_tree(&mut runner).expect("a text").current();
        found(&daemon, &asked).await;
    }
    daemon.stop().await.unwrap();
}
