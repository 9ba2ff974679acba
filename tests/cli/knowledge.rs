//! `linesman knowledge` and the verbs of outages: drafts, reviews, words in Chinese, merging and splitting.

use super::support::daemon::{Daemon, free_port};
use super::{answer, complaint, folder, json, run};

#[tokio::test(flavor = "multi_thread")]
async fn r107_r112_an_article_is_written_published_and_found_by_chinese_words_and_phrases_are_shown() {
    let here = folder();
    let folder = here.path();
    let address = format!("127.0.0.1:{}", free_port());
    let (_daemon, api) = Daemon::start(folder, &address, "", &[], None).await;
    std::fs::write(folder.join("token"), api.token()).expect("written");
    let know = |arguments: &[&str]| answer(folder, &address, "knowledge", arguments);
    let draft = know(&[
        "draft",
        "--title",
        "单向无声",
        "--solution",
        "打开对称 RTP",
        "--class",
        "D",
        "--lang",
        "zh-CN",
    ]);
    let name = draft["name"].as_str().expect("a number").to_owned();
    assert_eq!((draft["review"].as_str(), draft["zh"]["title"].as_str()), (Some("draft"), Some("单向无声")));
    know(&["edit", &name, "--lang", "zh-CN", "--symptom", "一方听不到"]);
    assert_eq!(know(&["publish", &name])["review"], "published", "an admin may publish his own");
    assert_eq!(know(&["search", "听不到"])["articles"][0]["name"], name.as_str());
    let shown = know(&["show", &name]);
    assert_eq!((&shown["zh"]["title"], &shown["zh"]["symptom"]), (&"单向无声".into(), &"一方听不到".into()));
    assert!(know(&["scripts"])["scripts"].as_array().expect("phrases").len() >= 12);

    let ticket = |arguments: &[&str]| answer(folder, &address, "ticket", arguments);
    let register =
        |words: &str| complaint(folder, &address, words)["number"].as_str().expect("a number").to_owned();
    let (first, second) = (register("单向无声，客户听不到"), register("the same again"));
    let suggested = know(&["suggest", &first]);
    assert_eq!(suggested["suggestions"][0]["name"], name.as_str(), "{suggested}");
    // Beside the daemon nobody's words are opened: there the kind of case decides.
    ticket(&["classify", &first, "--class", "D"]);
    let (code, out, said) = run(folder, &["ticket", "show", &first, "--lang", "zh-CN"]);
    assert!(code == 0 && out.contains(&name) && out.contains("打开对称 RTP"), "{out}{said}");
    let part = ticket(&["split", &first, "--description", "and the bill"]);
    assert!(part["process"]["split_from"].is_string());
    ticket(&["merge", &second, "--into", &first]);
    let (_, out, _) = run(folder, &["ticket", "show", &second, "--json"]);
    assert_eq!(json(&out)["ticket"]["state"], "cancelled");
    ticket(&["link", part["number"].as_str().expect("a number"), "--parent", &first]);
    ticket(&["customer-text", &first, "--en", "Repaired by noon.", "--zh", "中午前修复。"]);
    let children = ticket(&["children", &first]);
    assert_eq!((&children["to_tell"], &children["customer_text"]), (&1.into(), &"Repaired by noon.".into()));
}
