//! `linesman report`: the month as text, page, workbook and document, beside a running daemon.

use super::support::daemon::{Daemon, free_port};
use super::{complaint, folder, json, run};

#[tokio::test(flavor = "multi_thread")]
async fn r81_r115_a_month_is_written_as_text_page_workbook_and_document_in_both_languages() {
    let here = folder();
    let folder = here.path();
    let address = format!("127.0.0.1:{}", free_port());
    let (_daemon, api) = Daemon::start(folder, &address, "", &[], None).await;
    std::fs::write(folder.join("token"), api.token()).expect("written");
    let registered = complaint(folder, &address, "no calls")["registered_at"].clone();
    let registered = registered.as_str().expect("a time");
    let month = linesman::statistics::Month::of(registered.parse().expect("a time")).to_string();

    let (code, out, said) = run(folder, &["report", "monthly", "--month", &month]);
    assert!(
        code == 0 && out.contains("Complaint handling rate") && out.contains("0.0 % (0/1)"),
        "{out}{said}"
    );
    let (code, out, _) = run(folder, &["report", "monthly", "--month", &month, "--lang", "zh-CN"]);
    assert!(code == 0 && out.contains("投诉处理率") && out.contains("用户服务"), "{out}");
    let (code, out, _) = run(folder, &["report", "monthly", "--month", &month, "--format", "json"]);
    assert_eq!((code, &json(&out)["content"]["report"]["complaints"]), (0, &1.into()));
    let file = folder.join("month.xlsx");
    let (code, _, said) = run(
        folder,
        &["report", "monthly", "--month", &month, "--format", "xlsx", "-o", file.to_str().expect("UTF-8")],
    );
    assert_eq!(code, 0, "{said}");
    assert_eq!(&std::fs::read(&file).expect("a workbook")[..2], b"PK");
    let (code, out, _) = run(folder, &["report", "monthly", "--month", &month, "--format", "html"]);
    assert!(code == 0 && out.starts_with("<!doctype html>"), "{out}");
    let (code, out, said) = run(folder, &["report", "months"]);
    assert!(code == 0 && out.contains("no month is frozen yet"), "{out}{said}");
    let (code, _, said) = run(folder, &["report", "monthly", "--month", "2026-13"]);
    assert!(code == 2 && said.contains("one looks like 2026-10"), "{said}");
}
