//! What the file may say, and what it is told when it says something else.

use std::collections::BTreeSet;
use std::path::Path;

use super::keys::SECTIONS;
use super::read::{Loaded, read};
use super::*;

const EXAMPLE: &str = include_str!("../../tests/data/linesman.toml");

fn no_secret(_: &Path) -> std::io::Result<String> {
    Err(std::io::Error::other("no secrets here"))
}

fn loaded(text: &str) -> Result<Loaded, Vec<SettingsMistake>> {
    read("linesman.toml", text, [], &no_secret)
}

/// All mistakes as they are shown.
fn told(text: &str) -> Vec<String> {
    loaded(text).expect_err("mistakes").iter().map(ToString::to_string).collect()
}

fn with_variable(text: &str, name: &str, value: &str) -> Result<Loaded, Vec<String>> {
    let environment = [(name.to_owned(), value.to_owned()), ("PATH".to_owned(), "/bin".to_owned())];
    let loaded = read("linesman.toml", text, environment, &no_secret);
    loaded.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn an_empty_file_gives_the_defaults() {
    assert_eq!(loaded("").expect("fine").settings, Settings::default());
}

#[test]
fn the_example_is_read_whole() {
    let settings = loaded(EXAMPLE).expect("fine").settings;
    let inventory = &settings.inventory;
    assert_eq!(inventory.elements().len(), 20);
    assert_eq!(inventory.targets().len(), 23);
    let sip = |name: &str| inventory.find_target(name).map(|target| target.spec.clone());
    let expected = linesman_probes::probe::ProbeSpec::Sip {
        address: "198.51.100.10:5060".parse().expect("an address"),
        transport: linesman_probes::probe::Transport::Udp,
        uri: None,
    };
    assert_eq!(sip("trunk-1/sip"), Some(expected), "the usual port of SIP stands in");
    let link = inventory.find("link-2").expect("known");
    assert_eq!(inventory.customers_behind(link), ["customer-2", "客户-4"]);
    assert_eq!(settings.tickets.settle, Duration::from_secs(30));
    assert_eq!(settings.http.public_url.as_deref(), Some("https://linesman.example.net"));
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_the_nearest_known_key() {
    let text = r#"
[probes]
intervall = "5s"
timeout = "2x"
count = "five"

[[sever]]
name = "a"

[[server]]
name = "server-1"
device = "devise-1"
address = "255.255.255.255"

[[device]]
name = "device-1"
adress = "10.0.0.1"

[[gateway]]
owner = "costumer"
"#;
    assert_eq!(
        told(text),
        [
            "linesman.toml:3:1: unknown key `intervall` in [probes]; did you mean `interval`?",
            "linesman.toml:4:11: `timeout` in [probes]: \"2x\" has the unknown unit \"x\"; units are ms, s, m, h and d",
            "linesman.toml:5:9: `count` in [probes]: expected a whole number, found the string \"five\"",
            "linesman.toml:7:3: unknown section `sever`; did you mean [[server]]?",
            "linesman.toml:12:10: device: no device is named `devise-1`; did you mean `device-1`?",
            "linesman.toml:13:11: address: 255.255.255.255 is the broadcast address, not one host; \
             state the address of one host",
            "linesman.toml:17:1: unknown key `adress` in [[device]]; did you mean `address`?",
            "linesman.toml:19:1: this [[gateway]] has no `name`; state name = \"…\"",
            "linesman.toml:20:9: `owner` in [[gateway]]: expected one of \"company\", \"customer\", \
             found \"costumer\"; did you mean \"customer\"?",
        ]
    );
}

#[test]
fn a_syntax_error_is_one_mistake_with_its_place() {
    let told = told("[http]\nlisten = \"127.0.0.1:9470\ngrace = \"1s\"\n");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("linesman.toml:2:"), "{told:?}");
}

#[test]
fn values_of_other_types_units_and_ranges_are_told() {
    for (text, part) in [
        ("[probes]\ninterval = 5", "found the integer 5; write \"5s\""),
        ("[probes]\ninterval = \"5\"", "has no unit; write \"5s\""),
        ("[probes]\ninterval = \"100ms\"", "linesman.toml:2:12: interval: 100ms is outside 200ms to"),
        ("[probes]\ninterval = \"1s\"", "timeout 2s is longer than the interval 1s"),
        ("[probes]\ncount = 1001", "linesman.toml:2:9: count: 1001 is outside 1 to 1000"),
        ("[probes]\ninterval = \"99999999999999999999d\"", "too long a time"),
        ("[tickets]\ncandidate_below = 1.5", "expected a number from 0 to 1, found 1.5"),
        ("[tickets]\ncandidate_below = nan", "expected a number from 0 to 1"),
        ("[diagnosis]\ngray_window = \"5s\"", "gray_window 5s is shorter than hard_window 15s"),
        ("[log]\nlevel = \"infoo\"", "unknown level \"infoo\"; did you mean \"info\"?"),
        ("[database]\nurl = \"mysql://x\"", "expected \"sqlite:PATH\" or \"postgres://"),
        ("[server]\nlisten = \"127.0.0.1:1\"", "the section of the web server is [http]"),
        ("probes = 3", "`probes` is a section; write [probes]"),
        ("server = [3]", "every server is a table [[server]], found the integer 3"),
        (
            "[[server]]\nname = \"a\"\nsip_transport = \"tcp\"",
            "3:17: sip_transport: says how to send to `sip`",
        ),
        ("[[server]]\nname = \"a\"\ntcp = \"10.0.0.1\"", "has no port"),
        ("[[server]]\nname = \"a b\"", "linesman.toml:2:8: a name holds letters"),
    ] {
        let told = told(text);
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(told[0].contains(part), "{text}: {told:?}");
    }
}

#[test]
fn listening_for_everybody_in_plain_text_must_be_meant() {
    let told = told("[http]\nlisten = \"0.0.0.0:9470\"\n");
    assert!(
        told[0].starts_with("linesman.toml:2:10: `listen` in [http]: 0.0.0.0:9470 is not loopback"),
        "{told:?}"
    );
    assert!(loaded("[http]\nlisten = \"0.0.0.0:9470\"\ninsecure_listen = true\n").is_ok());
    assert!(loaded("[http]\nlisten = \"[::1]:9470\"\n").is_ok());
}

#[test]
fn a_circle_is_told_where_it_begins() {
    let text = "[[device]]\nname = \"a\"\nlink = \"b\"\n[[link]]\nname = \"b\"\nnear = \"a\"\n";
    let told = told(text);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("linesman.toml:2:8: a -> b -> a depend on each other"), "{told:?}");
}

#[test]
fn one_misread_address_is_one_mistake_and_not_also_that_of_who_needs_it() {
    let text = "[[server]]\nname = \"s\"\nsip = \"10.0.0.\"\n\
                [[gateway]]\nname = \"g\"\naor = \"sip:1@x\"\nregistrar = \"s\"\n";
    assert_eq!(told(text).len(), 1);
}

#[test]
fn the_environment_wins_over_the_file_and_is_checked_like_it() {
    let settle = |value| with_variable(EXAMPLE, "LINESMAN__TICKETS__SETTLE", value);
    assert_eq!(settle("1m").expect("fine").settings.tickets.settle, Duration::from_secs(60));
    assert_eq!(
        settle("1q").expect_err("mistake"),
        [
            "LINESMAN__TICKETS__SETTLE: `settle` in [tickets]: \"1q\" has the unknown unit \"q\"; units are ms, s, m, h and d"
        ]
    );
    let wrong = |name| with_variable("", name, "1").expect_err("mistake").remove(0);
    assert!(
        wrong("LINESMAN__TICKETS__SETLE")
            .ends_with("unknown key `setle` in [tickets]; did you mean `settle`?")
    );
    assert!(wrong("LINESMAN__TICKET__SETTLE").contains("did you mean `tickets`?"));
    assert!(wrong("LINESMAN__SERVER__NAME").contains("unknown section `server`"));
    assert!(wrong("LINESMAN__SETTLE").contains("LINESMAN__SECTION__KEY"));
    let anchors = with_variable("", "LINESMAN__POLLER__ANCHORS", "10.0.0.1, 10.0.0.2").expect("fine");
    assert_eq!(anchors.settings.inventory.anchors().len(), 2);
    let out_of_range = with_variable("", "LINESMAN__PROBES__COUNT", "0").expect_err("mistake");
    assert_eq!(out_of_range, ["LINESMAN__PROBES__COUNT: count: 0 is outside 1 to 1000"]);
}

#[test]
fn a_database_url_comes_from_its_file_and_its_password_is_never_shown() {
    let secret = |_: &Path| Ok("postgres://linesman:s3cret@db/linesman".to_owned());
    let text = "[database]\nurl_file = \"/run/database\"\n";
    let loaded = read("linesman.toml", text, [], &secret).expect("fine");
    assert!(loaded.settings.database.url.contains("s3cret"));
    let stated = "[database]\nurl = \"postgres://linesman:s3cret@db/linesman\"\n";
    let stated = read("linesman.toml", stated, [], &secret).expect("fine");
    for loaded in [loaded, stated] {
        assert!(!format!("{loaded:?}").contains("s3cret"));
        assert!(!to_toml(&loaded).expect("TOML").contains("s3cret"));
    }
    let misread = |_: &Path| Ok("mysql://linesman:s3cret@db".to_owned());
    let told = report(&read("linesman.toml", text, [], &misread).expect_err("mistake"));
    assert!(told.contains("2:12") && !told.contains("s3cret"), "{told}");
    let both = "[database]\nurl = \"sqlite:a.db\"\nurl_file = \"/run/database\"\n";
    assert!(read("linesman.toml", both, [], &secret).is_err());
}

#[test]
fn what_is_shown_reads_back_to_the_same_settings() {
    let first = loaded(EXAMPLE).expect("fine");
    let shown = to_toml(&first).expect("TOML");
    let second = loaded(&shown).unwrap_or_else(|mistakes| panic!("{}\n{shown}", report(&mistakes)));
    assert_eq!(first.settings, second.settings);
}

#[test]
fn a_file_that_is_missing_or_not_text_is_told_and_not_guessed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("linesman.toml");
    let told = load(&file, []).expect_err("mistake");
    assert!(told[0].to_string().contains("linesman init"), "{}", told[0]);
    std::fs::write(&file, b"# fine\n[http]\n# \xff\n").expect("written");
    let told = load(&file, []).expect_err("mistake");
    assert_eq!(told[0].position, Some((3, 3)), "{}", told[0]);
}

#[test]
fn every_documented_key_is_read() {
    let mut text = String::new();
    for section in SECTIONS {
        text.push_str(&format!("{}\n", section.header()));
        for key in section.keys {
            assert!(!key.about.is_empty());
            text.push_str(&format!("{} = {}\n", key.name, key.example));
        }
    }
    // Together the examples contradict each other here and there, but none is unknown or misread.
    let told = loaded(&text).err().unwrap_or_default();
    let unexpected: Vec<String> = told
        .iter()
        .map(ToString::to_string)
        .filter(|told| told.contains("unknown") || told.contains("expected"))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

#[test]
fn documented_examples_of_sections_with_defaults_are_those_defaults() {
    let mut text = String::new();
    let without_default = [
        "public_url",
        "url_file",
        "level",
        "format",
        "server",
        "anchors",
        "folder",
        "directory",
        "key_file",
        "interfaces",
        "filter",
        "hep",
        "vq_rtcpxr",
        "vxlan",
        "tzsp",
        "calendars",
        "holidays",
        "deadlines",
        "trees",
        "levels",
        "compensation",
        "tags",
    ];
    for section in SECTIONS.iter().filter(|section| !section.list) {
        text.push_str(&format!("{}\n", section.header()));
        for key in section.keys.iter().filter(|key| !without_default.contains(&key.name)) {
            text.push_str(&format!("{} = {}\n", key.name, key.example));
        }
    }
    assert_eq!(loaded(&text).expect("fine").settings, Settings::default());
}

/// Every key of a document as `section.key`, and whether all of them are known.
fn keys_of(document: &toml::Table) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (section, value) in document {
        let tables: Vec<&toml::Table> = match value {
            toml::Value::Table(table) => vec![table],
            toml::Value::Array(items) => items.iter().filter_map(toml::Value::as_table).collect(),
            _ => Vec::new(),
        };
        keys.insert(section.clone());
        keys.extend(tables.iter().flat_map(|table| table.keys()).map(|key| format!("{section}.{key}")));
    }
    keys
}

/// Every text that one slip of a finger makes: one character deleted, swapped with the next, or
/// another one put in.
fn slips(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = text.chars().collect();
    (0..characters.len()).flat_map(move |at| {
        let mut deleted = characters.clone();
        deleted.remove(at);
        let mut swapped = characters.clone();
        if at + 1 < swapped.len() {
            swapped.swap(at, at + 1);
        }
        let mut inserted = characters.clone();
        inserted.insert(at, ['x', '1', '"', '.', '#', '[', '\n', '-', '0', '网'][at % 10]);
        [deleted, swapped, inserted].map(String::from_iter)
    })
}

#[test]
fn no_slip_of_a_finger_panics_or_is_silently_ignored() {
    let known: BTreeSet<String> = SECTIONS
        .iter()
        .flat_map(|section| section.keys.iter().map(|key| format!("{}.{}", section.name, key.name)))
        .chain(SECTIONS.iter().map(|section| section.name.to_owned()))
        .collect();
    let original = loaded(EXAMPLE).expect("fine").settings;
    let original_document: toml::Table = EXAMPLE.parse().expect("TOML");
    let mut ignored = Vec::new();
    let mut tried = 0_u32;
    for text in slips(EXAMPLE) {
        tried += 1;
        let Ok(loaded) = loaded(&text) else { continue };
        let document: toml::Table = text.parse().expect("accepted, so it is TOML");
        let strange: Vec<String> = keys_of(&document).difference(&known).cloned().collect();
        assert!(strange.is_empty(), "accepted with unknown keys {strange:?}");
        // A changed document must be a changed network, or the same value in other words.
        if document != original_document && loaded.settings == original {
            ignored.push(document);
        }
    }
    assert!(tried > 8_000, "{tried}");
    for document in ignored {
        assert!(only_leaves_out(&document, &original_document), "changed and silently ignored: {document}");
    }
}

/// Whether a document states nothing but what the original states: a key that was commented out
/// and said what is the default anyway.
fn only_leaves_out(document: &toml::Table, original: &toml::Table) -> bool {
    let stated = |tables: &toml::Value| match tables {
        toml::Value::Array(items) => items.clone(),
        single => vec![single.clone()],
    };
    document.iter().all(|(section, value)| {
        let Some(before) = original.get(section) else { return false };
        let (now, before) = (stated(value), stated(before));
        let keeps = |(now, before): (&toml::Value, &toml::Value)| match (now.as_table(), before.as_table()) {
            (Some(now), Some(before)) => now.iter().all(|(key, value)| before.get(key) == Some(value)),
            _ => false,
        };
        now.len() == before.len() && now.iter().zip(&before).all(keeps)
    })
}

#[test]
fn absurd_depth_is_refused_and_not_followed() {
    for deep in [
        "[".repeat(100_000),
        "a=".to_owned() + &"{a=".repeat(100_000),
        "a.".repeat(100_000) + "a=1",
        format!("[{}a]", "a.".repeat(100_000)),
    ] {
        assert!(loaded(&deep).is_err());
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused_but_never_panics(
        text in "(.|\n){0,80}",
        words in proptest::collection::vec("\\[{1,2}(server|http|link|probes|override)\\]{1,2}|name|sip|near|listen|interval|=|\"[a-z0-9:.]{0,9}\"|\n|[0-9]{1,20}|\\{|\\}|,|\\.", 0..60),
    ) {
        for text in [text.clone(), words.concat(), words.concat() + &text] {
            if let Err(mistakes) = loaded(&text) {
                proptest::prop_assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| mistake.position.is_some()));
            }
        }
    }
}

/// What `[procedure]` makes of files by their names.
fn procedure(
    section: &str,
    files: &[(&str, String)],
) -> Result<std::sync::Arc<crate::procedure::Procedure>, Vec<String>> {
    let file = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| text.clone()).ok_or_else(|| std::io::Error::other("no such file"))
    };
    let read = read("linesman.toml", &format!("[procedure]\n{section}\n"), [], &file);
    read.map(|loaded| loaded.settings.procedure.tables)
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn own_tables_take_the_place_of_the_shipped_ones_from_their_time_on() {
    use linesman_deadlines::policy::SHIPPED;
    let second =
        SHIPPED.replace("version = 1\n", "version = 2\nvalid_from = \"2027-01-01T00:00:00+08:00\"\n");
    let tree =
        linesman_process::tree::shipped_text("E").expect("shipped").replace("version = 1", "version = 2");
    let day = "[[override]]\ncalendar = \"cn-office\"\ndate = 2026-11-24\nkind = \"closed\"\nreason = \"founding\"\n";
    let files = [
        ("two.toml", second.clone()),
        ("E.toml", tree),
        ("days.toml", day.to_owned()),
        (
            "same.toml",
            second.replace("[[policy]]\nid = \"dispatch-order\"", "[[policy]]\nid = \"dispatched\""),
        ),
        ("bare.toml", SHIPPED.replace("version = 1\n", "version = 3\n")),
    ];
    let tables =
        procedure("calendars = [\"days.toml\"]\ndeadlines = [\"two.toml\"]\ntrees = [\"E.toml\"]", &files)
            .expect("fine");
    let version = |text: &str| tables.deadlines_at(text.parse().expect("a time")).map(|table| table.version);
    assert_eq!(version("2026-12-31T15:59:59Z"), Some(1), "what began before keeps the shipped table");
    assert_eq!(version("2026-12-31T16:00:00Z"), Some(2));
    assert_eq!(tables.trees.as_ref().and_then(|trees| trees.latest("E")).map(|tree| tree.version), Some(2));
    let office = tables.calendars.get("cn-office").expect("shipped");
    let date = chrono::NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");
    assert!(office.day(date).windows.is_empty(), "an own holiday");

    let wrong = procedure("deadlines = [\"two.toml\", \"same.toml\"]\nlevels = \"none.toml\"", &files)
        .expect_err("mistakes");
    let said = wrong.join("\n");
    assert!(said.contains("linesman.toml:2:14: same.toml: there is no policy `dispatch-order`"), "{said}");
    assert!(said.contains("another table has its `version` or its `valid_from`"), "{said}");
    assert!(said.contains("linesman.toml:3:10: `levels` in [procedure]: none.toml: no such file"), "{said}");
    let said = procedure("deadlines = [\"bare.toml\"]\nholidays_of = \"no\"", &files)
        .expect_err("mistakes")
        .join("\n");
    assert!(
        said.contains("there is no `valid_from`") && said.contains("known are always, cn-office"),
        "{said}"
    );
}

const CALLED: &str = "[[trunk]]\nname = \"trunk-1\"\nsip = \"192.0.2.3:5070\"\n[[trunk]]\nname = \"trunk-2\"\n[[site]]\nname = \"site-1\"\n";

#[test]
fn a_test_call_goes_where_its_element_speaks_sip_and_is_shown_without_its_password() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "open sesame\n").expect("written");
    let text = format!(
        "{CALLED}[[test_call]]\nelement = \"trunk-1\"\nto = \"600\"\ncodec = \"G729\"\nuser = \"u\"\npassword_file = \"{}\"\n\
         [[test_call]]\nelement = \"trunk-2\"\nto = \"sip:echo@192.0.2.9\"\ninterval = \"1m\"\n",
        file.display()
    );
    let loaded = parse("test", &text, []).expect("fine");
    let inventory = &loaded.settings.inventory;
    let call =
        |name: &str| match inventory.find_target(name).map(|target| (target.spec.clone(), target.interval)) {
            Some((linesman_probes::probe::ProbeSpec::Call(call), interval)) => (call, interval.as_secs()),
            other => panic!("{other:?}"),
        };
    let (first, interval) = call("trunk-1/call");
    assert_eq!((first.uri.as_str(), first.from.as_str(), interval), ("sip:600@192.0.2.3:5070", "u", 300));
    let (second, interval) = call("trunk-2/call");
    assert_eq!((second.address.to_string().as_str(), interval), ("192.0.2.9:5060", 60));
    let shown = to_toml(&loaded).expect("shown");
    assert!(shown.contains("[[test_call]]") && shown.contains("codec = \"G729\""), "{shown}");
    assert!(!shown.contains("sesame") && !format!("{loaded:?}").contains("sesame"));
    assert_eq!(parse("again", &shown, []).expect("fine").settings.inventory, loaded.settings.inventory);
}

#[test]
fn a_test_call_that_cannot_be_placed_says_where_it_stands_and_what_mends_it() {
    for (keys, line, word) in [
        ("element = \"trunk-1\"", 8, "calls nobody"),
        ("element = \"trunk-9\"\nto = \"600\"", 9, "no trunk"),
        ("element = \"site-1\"\nto = \"600\"", 9, "is a site"),
        ("element = \"trunk-2\"\nto = \"600\"", 10, "has no `sip`"),
        ("element = \"trunk-1\"\nto = \"60 0\"", 10, "SIP URI"),
        ("element = \"trunk-1\"\nto = \"600\"\nuser = \"u\"", 11, "password_file"),
        ("element = \"trunk-1\"\nto = \"600\"\nuser = \"u\"\npassword_file = \"/nowhere\"", 9, "/nowhere"),
        ("element = \"trunk-1\"\nto = \"600\"\ninterval = \"30s\"", 11, "longer than the interval"),
        ("element = \"trunk-1\"\nto = \"600\"\ncodec = \"opus\"", 11, "PCMA"),
    ] {
        let text = format!("{CALLED}[[test_call]]\n{keys}\n");
        let told = parse("test", &text, []).expect_err(keys);
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert!(told.to_string().contains(word), "{keys}: {told}");
        assert_eq!(told.position.map(|(line, _)| line), Some(line), "{keys}: {told}");
    }
    let twice = "[[test_call]]\nelement = \"trunk-1\"\nto = \"600\"\n".repeat(2);
    let told = parse("test", &format!("{CALLED}{twice}"), []).expect_err("twice");
    assert!(told[0].to_string().contains("already has a test call"), "{}", told[0]);
}
