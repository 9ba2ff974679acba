//! `linesman cdr` on small files whose truth is known.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{folder, json as document, linesman, run};

const DECK: &str = "prefix,destination,rate_per_min,initial_sec,increment_sec,currency,decimals\n\
                    8613,China Mobile,0.0215,6,6,USD,6\n\
                    86,China,0.0105,6,6,USD,6\n\
                    44,United Kingdom,0.0072,1,1,USD,6\n";

/// 2026-04-03 00:00:00 UTC.
const MIDNIGHT: i64 = 1_775_174_400;
/// In the middle of the calls, which go on for some twenty hours.
const PERIOD_END: &str = "2026-04-03T10:00:00Z";

struct Call {
    caller: u64,
    callee: u64,
    at: i64,
    talk: i64,
    /// Billionths a minute, and the agreed block.
    rate: i64,
    block: i64,
}

fn calls() -> Vec<Call> {
    let mut state = 7_u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut at = MIDNIGHT;
    (0..600)
        .map(|_| {
            at += 20 + next(200) as i64;
            let (head, rate, block) = match next(3) {
                0 => (8_613_000_000_000, 21_500_000, 6),
                1 => (862_100_000_000, 10_500_000, 6),
                _ => (442_000_000_000, 7_200_000, 1),
            };
            let callee = head + next(100_000_000);
            Call { caller: 85_230_000_000 + next(5_000), callee, at, talk: 1 + next(400) as i64, rate, block }
        })
        .collect()
}

fn blocks(talk: i64, block: i64) -> i64 {
    (talk + block - 1) / block * block
}

/// Millionths, half up.
fn price(billed: i64, rate: i64) -> i64 {
    (billed * rate / 30 / 1_000 + 1) / 2
}

fn decimal(millionths: i64) -> String {
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}

fn local(second: i64) -> String {
    let day = (second - MIDNIGHT).div_euclid(86_400);
    let rest = (second - MIDNIGHT).rem_euclid(86_400);
    format!("2026-04-{:02} {:02}:{:02}:{:02}", 3 + day, rest / 3600, rest / 60 % 60, rest % 60)
}

/// Writes our file, theirs (at +08:00, three seconds behind, 60/60 on 8613) and the deck; says what
/// they charge too much, in millionths.
fn pair(here: &Path) -> (i64, u64) {
    let (mut ours, mut theirs) = (
        "call_id,caller,callee,start_time,duration,billed_seconds,rate,amount,currency,gateway\n".to_owned(),
        "caller,callee,start_time,duration,amount\n".to_owned(),
    );
    let (mut more, mut touched) = (0, 0);
    for (number, call) in calls().iter().enumerate() {
        let billed = blocks(call.talk, call.block);
        let charged = price(billed, call.rate);
        let _ = writeln!(
            ours,
            "call-{number},{},{},{}Z,{},{billed},{},{},USD,=gw-1",
            call.caller,
            call.callee,
            local(call.at).replace(' ', "T"),
            call.talk,
            decimal(call.rate / 1_000),
            decimal(charged)
        );
        let is_mobile = call.callee / 1_000_000_000 == 8613;
        let theirs_charged = if is_mobile { price(blocks(call.talk, 60), call.rate) } else { charged };
        more += theirs_charged - charged;
        touched += u64::from(is_mobile && blocks(call.talk, 60) != billed);
        let _ = writeln!(
            theirs,
            "{},{},{},{},{}",
            call.caller,
            call.callee,
            local(call.at + 8 * 3600 - 3),
            call.talk,
            decimal(theirs_charged)
        );
    }
    theirs.push_str("=HYPERLINK(1),not a time,at all,x,y\n");
    fs::write(here.join("ours.csv"), ours).expect("written");
    fs::write(here.join("theirs.csv"), theirs).expect("written");
    fs::write(here.join("deck.csv"), DECK).expect("written");
    (more, touched)
}

const FILES: [&str; 8] =
    ["cdr", "reconcile", "--ours", "ours.csv", "--theirs", "theirs.csv", "--rates", "deck.csv"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    FILES.iter().copied().chain(more.iter().copied()).collect()
}

#[test]
fn the_answer_has_the_contracts_shape_and_names_the_cause_to_the_last_digit() {
    let here = folder();
    let (more, touched) = pair(here.path());
    let (code, out, said) = run(here.path(), &with(&["--json"]));
    assert_eq!(code, 1, "{said}");
    let answer = document(&out);
    assert_eq!(answer["currency"], "USD");
    assert_eq!(answer["totals"]["difference"], decimal(more));
    assert_eq!(answer["totals"]["theirs_minus_correct"], decimal(more));
    assert_eq!(answer["totals"]["ours_minus_correct"], "0");
    assert_eq!(answer["counts"]["paired"], 600);
    assert_eq!(answer["counts"]["amount_differs"], touched);
    assert_eq!(answer["counts"]["rejected_theirs"], 1);
    let finding = |kind: &str| {
        let all = answer["findings"].as_array().expect("findings");
        all.iter().find(|finding| finding["kind"] == kind).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(finding("timezone"), json!({"kind": "timezone", "side": "theirs", "utc_offset": "+08:00"}));
    assert_eq!(finding("clock_offset")["seconds"], -3);
    let causes = answer["causes"].as_array().expect("causes");
    assert_eq!(causes.len(), 1, "{causes:?}");
    let cause = &causes[0];
    assert_eq!((&cause["kind"], &cause["at_fault"]), (&json!("increment"), &json!("theirs")));
    assert_eq!(cause["selector"], json!({"prefix": "8613"}));
    assert_eq!((&cause["contract"], &cause["used"]), (&json!("6/6"), &json!("60/60")));
    assert_eq!(cause["amount"], decimal(more));
    assert_eq!(cause["window"], Value::Null);
    assert_eq!((&answer["unexplained"], &answer["verdict"]), (&json!("0"), &json!("theirs")));
}

#[test]
fn a_person_reads_totals_cause_and_next_step_in_their_own_language() {
    let here = folder();
    let (more, _) = pair(here.path());
    let (code, out, _) = run(here.path(), &with(&[]));
    assert_eq!(code, 1);
    for said in [
        "Their side bills 60/60 on calls to 8613… through all gateways; the contract says 6/6.",
        "Nothing is left unexplained",
        "line 602",
        "--report DIR",
        &decimal(more),
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    assert!(!out.contains('\u{1b}'), "no colours into a pipe: {out}");
    let (_, out, _) = run(here.path(), &with(&["--lang", "zh-CN"]));
    assert!(out.contains("对方对被叫前缀 8613，所有网关的通话按 60/60 计费，合同约定为 6/6。"), "{out}");
}

#[test]
fn the_report_is_complete_in_both_languages_and_no_field_of_a_file_is_a_formula() {
    let here = folder();
    pair(here.path());
    for (language, sentence) in [("en", "Correct calculation of one call"), ("zh-CN", "一次通话的正确计算")]
    {
        let (code, _, said) = run(here.path(), &with(&["--report", language, "--lang", language]));
        assert_eq!(code, 1, "{said}");
        let at = |name: &str| here.path().join(language).join(name);
        for name in ["outcome.json", "differences.csv", "rejected.csv", "report.html", "reconciliation.xlsx"]
        {
            assert!(at(name).is_file() && said.contains(name), "{name}: {said}");
        }
        let page = fs::read_to_string(at("report.html")).expect("there");
        assert!(page.contains(sentence), "{sentence}");
        let csv = fs::read(at("differences.csv")).expect("there");
        assert!(csv.starts_with("\u{feff}".as_bytes()));
        let csv = String::from_utf8(csv).expect("UTF-8");
        assert!(csv.contains(",'=gw-1,") && !csv.contains(",=gw-1"), "{}", &csv[..500]);
        assert!(csv.lines().count() > 100);
        let rejected = fs::read_to_string(at("rejected.csv")).expect("there");
        assert!(rejected.contains("'=HYPERLINK"), "{rejected}");
        let answer = document(&fs::read_to_string(at("outcome.json")).expect("there"));
        assert_eq!(answer["causes"][0]["kind"], "increment");
    }
}

#[test]
fn a_period_is_named_wherever_its_figures_stand() {
    let here = folder();
    pair(here.path());
    let whole = document(&run(here.path(), &with(&["--json"])).1);
    let ours = whole["counts"]["ours"].as_u64().expect("a count");
    for (language, said, outside) in [
        ("en", "Only calls that begin before 2026-", "Outside that period"),
        ("zh-CN", "仅核对在 2026-", "该时段之外"),
    ] {
        let asked = with(&["--to", PERIOD_END, "--lang", language, "--report", language]);
        let (_, out, errors) = run(here.path(), &asked);
        assert!(out.contains(said) && out.contains(outside), "{out}{errors}");
        let page = fs::read_to_string(here.path().join(language).join("report.html")).expect("there");
        assert!(page.contains(said) && page.contains(outside));
        let answer = fs::read_to_string(here.path().join(language).join("outcome.json")).expect("there");
        let counts = document(&answer)["counts"].clone();
        let [inside, left] = ["ours", "outside_ours"].map(|name| counts[name].as_u64().expect("a count"));
        assert!(inside > 0 && left > 0 && inside + left == ours, "{counts}");
    }
}

#[test]
fn bills_that_agree_end_with_0() {
    let here = folder();
    pair(here.path());
    let files =
        ["cdr", "reconcile", "--ours", "ours.csv", "--theirs", "ours.csv", "--rates", "deck.csv", "--json"];
    let (code, out, said) = run(here.path(), &files);
    assert_eq!(code, 0, "{said}");
    let answer = document(&out);
    assert_eq!((&answer["verdict"], &answer["totals"]["difference"]), (&json!("none"), &json!("0")));
}

#[test]
fn what_cannot_work_is_said_at_once_with_the_flag_and_the_exit_code_of_its_kind() {
    let here = folder();
    pair(here.path());
    fs::write(here.path().join("bad.csv"), "prefix,rate_per_min\n86,abc\n").expect("written");
    fs::write(here.path().join("bad.toml"), "roundin = \"up\"\n").expect("written");
    let at = |flag: &str, value: &str| {
        let mut all = with(&[]);
        match all.iter().position(|argument| *argument == flag) {
            Some(place) => all[place + 1] = value,
            None => all.extend([flag, value]),
        }
        let owned: Vec<String> = all.into_iter().map(str::to_owned).collect();
        let borrowed: Vec<&str> = owned.iter().map(String::as_str).collect();
        let (code, out, said) = run(here.path(), &borrowed);
        assert_eq!(out, "", "{flag} {value}");
        (code, said)
    };
    for (flag, value, code, expected) in [
        ("--ours", "nowhere.csv", 2, "--ours nowhere.csv"),
        ("--rates", "bad.csv", 3, "bad.csv"),
        ("--contract", "bad.toml", 3, "bad.toml"),
        ("--memory", "much", 2, "512M"),
        ("--memory", "1k", 2, "--memory: at least"),
        ("--theirs-format", "asteriks", 2, "asterisk"),
    ] {
        let (ended, said) = at(flag, value);
        assert_eq!(ended, code, "{flag} {value}: {said}");
        assert!(said.contains(expected), "{flag} {value}: {said}");
    }
}

#[test]
fn formats_are_listed_by_name() {
    let here = folder();
    let (code, out, _) = run(here.path(), &["cdr", "presets"]);
    assert_eq!(code, 0);
    for name in ["asterisk", "freeswitch", "vos3000", "cisco-cucm", "broadworks", "3cx"] {
        assert!(out.lines().any(|line| line.starts_with(name)), "{name}: {out}");
    }
}

#[test]
fn a_stopped_run_leaves_nothing_behind() {
    let here = folder();
    let temporary = here.path().join("tmp");
    fs::create_dir(&temporary).expect("made");
    let made = ["cdr", "generate", "--calls", "400000", "--bench", "--out", "big"];
    let (code, _, said) = run(here.path(), &made);
    assert_eq!(code, 0, "{said}");
    let files = [
        "cdr",
        "reconcile",
        "--ours",
        "big/ours.csv",
        "--theirs",
        "big/theirs.csv",
        "--rates",
        "big/rates.csv",
        "--memory",
        "128M",
        "--report",
        "out",
    ];
    let mut child = linesman(here.path(), &files)
        .env("TMPDIR", &temporary)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    // It has begun once it has a temporary file; a run that is over before is no failure of stopping.
    while child.try_wait().expect("alive").is_none() {
        if fs::read_dir(&temporary).expect("there").next().is_some() {
            let id = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(id, rustix::process::Signal::INT).expect("told");
            break;
        }
        std::thread::yield_now();
    }
    let ended = child.wait().expect("ended");
    assert_eq!(ended.code(), Some(1));
    assert_eq!(fs::read_dir(&temporary).expect("there").count(), 0);
}
