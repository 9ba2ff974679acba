//! `[procedure]`: an operator's own holidays and trees, printed, checked and at work on a ticket.

use super::support::daemon::{Daemon, free_port};
use super::{answer, complaint, folder, run};

#[test]
fn the_shipped_tables_are_printed_and_a_mistake_in_an_own_one_is_told_with_both_places() {
    let here = folder();
    for (name, holds) in [
        ("calendars", "name = \"cn-office\""),
        ("deadlines", "id = \"dispatch-order\""),
        ("levels", "[claim_limit]"),
        ("compensation", "currency = "),
        ("tags", "id = \"hardware_fault\""),
        ("b", "tree = \"B\""),
    ] {
        let (code, out, _) = run(here.path(), &["config", "table", name]);
        assert!(code == 0 && out.contains(holds), "{name}: {out}");
    }
    let (code, _, said) = run(here.path(), &["config", "table", "F"]);
    assert!(code == 2 && said.contains("known are calendars, deadlines"), "{said}");

    let (_, table, _) = run(here.path(), &["config", "table", "deadlines"]);
    let own = table.replace("version = 1\n", "version = 2\nvalid_from = \"2030-01-01T00:00:00Z\"\n");
    std::fs::write(here.path().join("two.toml"), &own).expect("written");
    std::fs::write(here.path().join("linesman.toml"), "[procedure]\ndeadlines = [\"two.toml\"]\n")
        .expect("written");
    let (code, out, _) = run(here.path(), &["config", "check"]);
    assert_eq!(code, 0, "{out}");
    std::fs::write(here.path().join("two.toml"), own.replacen("\"10 minutes\"", "\"10 moons\"", 1))
        .expect("written");
    let (code, out, _) = run(here.path(), &["config", "check"]);
    assert!(code == 3 && out.contains("linesman.toml:2:14: two.toml:"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r49_an_operators_own_tags_take_the_place_of_the_shipped_ones() {
    let here = folder();
    let folder = here.path();
    let own =
        "version = 2\n[[tag]]\nid = \"echo\"\nkinds = [\"complaint\"]\ntext = \"Echo\"\ntext_zh = \"回声\"\n";
    std::fs::write(folder.join("tags.toml"), own).expect("written");
    let address = format!("127.0.0.1:{}", free_port());
    let settings = "[procedure]\ntags = \"tags.toml\"\n";
    let (_daemon, api) = Daemon::start(folder, &address, settings, &[], None).await;
    std::fs::write(folder.join("token"), api.token()).expect("written");
    let ticket = complaint(folder, &address, "an echo");
    let number = ticket["number"].as_str().expect("a number");
    let server = format!("http://{address}");
    let classify = |tag: &str| {
        let all = ["ticket", "--server", &server, "--token-file", "token", "classify", number];
        let rest = ["--class", "D", "--level", "blue", "--tag", tag];
        run(folder, &all.into_iter().chain(rest).collect::<Vec<_>>())
    };
    let (code, _, said) = classify("hardware_fault");
    assert!(code == 1 && said.contains("known are echo"), "{said}");
    let (code, out, said) = classify("echo");
    assert_eq!(code, 0, "{out} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r68_r114_own_holidays_move_what_is_due_and_an_own_tree_is_walked_in_its_version() {
    let here = folder();
    let folder = here.path();
    // A holiday of years: whatever today is, no business minute passes.
    let mut days = String::new();
    for year in 2020..2040 {
        days += &format!(
            "[[override]]\ncalendar = \"cn-office\"\nfrom = {year}-01-01\nto = {year}-12-31\nkind = \"closed\"\nreason = \"closed\"\n"
        );
    }
    std::fs::write(folder.join("days.toml"), days).expect("written");
    let tree = linesman_process::tree::shipped_text("INTAKE")
        .expect("shipped")
        .replace("version = 1", "version = 7");
    std::fs::write(folder.join("own.toml"), tree).expect("written");
    let address = format!("127.0.0.1:{}", free_port());
    let own = "[procedure]\ncalendars = [\"days.toml\"]\ntrees = [\"own.toml\"]\n";
    let (_daemon, api) = Daemon::start(folder, &address, own, &[], None).await;
    std::fs::write(folder.join("token"), api.token()).expect("written");

    let ticket = complaint(folder, &address, "no calls");
    let number = ticket["number"].as_str().expect("a number");
    let clocks = answer(folder, &address, "ticket", &["clocks", number]);
    let due = |name: &str| {
        let all = clocks["clocks"].as_array().expect("clocks");
        let clock = all.iter().find(|clock| clock["name"] == name);
        clock.and_then(|clock| clock["due_at"].as_str()).map(str::to_owned)
    };
    // Half an hour of work after the last closed day; or never, which leaves the clock out.
    assert!(due("assignment").is_none_or(|due| due.as_str() > "2039"), "{clocks}");
    let tree = answer(folder, &address, "ticket", &["tree", number]);
    assert!(tree.to_string().contains("\"version\":7"), "{tree}");
}
