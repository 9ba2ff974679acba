//! The daemon's settings for the demo's carrier, as a person would write them.
//!
//! Times are short so that a visitor sees the whole life of a ticket within two minutes: a ticket
//! some ten seconds after a cut, its proof some ten seconds after the repair.

use std::fmt::Write as _;

use super::carrier::{Addresses, CUSTOMERS, TRUNK_LINKS, access_starts_at, aor};

const HEAD: &str = r#"# The demo's small carrier. Generated; every address is on loopback.

[probes]
interval = "1s"
timeout = "800ms"

[diagnosis]
interval = "500ms"
hard_window = "6s"
gray_window = "30s"
verify_for = "8s"
verify_rounds = 3

[tickets]
settle = "6s"
reopen_window = "5m"

[[site]]
name = "site-1"
description = "Machine room"
"#;

const LINKS: [(&str, &str, &str); 2] = [
    ("North Carrier", "NC-4711", "Hill exchange, room 12"),
    ("South Carrier", "SC-0815", "Harbour exchange, room 3"),
];

const PREFIXES: [&str; 3] = [r#""86""#, r#""852", "853""#, r#""1", "44""#];

pub(super) fn toml(at: &Addresses) -> String {
    let mut text = HEAD.to_owned();
    // Writing to a string cannot fail.
    let _ = network(&mut text, at);
    let _ = customers(&mut text, at);
    text
}

fn network(text: &mut String, at: &Addresses) -> std::fmt::Result {
    for (number, tcp) in (1..).zip(&at.device) {
        write!(
            text,
            "\n[[device]]\nname = \"device-{number}\"\ndescription = \"Core router\"\nsite = \"site-1\"\n\
             tcp = \"{tcp}\"\n"
        )?;
    }
    for (number, (sip, tcp)) in (1..).zip(at.server_sip.iter().zip(&at.server_tcp)) {
        write!(
            text,
            "\n[[server]]\nname = \"server-{number}\"\ndescription = \"Softswitch {number}\"\nsite = \"site-1\"\n\
             device = \"device-1\"\nsip = \"{sip}\"\ntcp = \"{tcp}\"\n"
        )?;
    }
    for ((number, tcp), (carrier, circuit, far)) in (1..).zip(&at.link).zip(LINKS) {
        write!(
            text,
            "\n[[link]]\nname = \"link-{number}\"\ndescription = \"Fibre to {carrier}\"\ncarrier = \"{carrier}\"\n\
             circuit = \"{circuit}\"\nnear = \"device-1\"\nfar = \"{far}\"\nfar_tcp = \"{tcp}\"\n"
        )?;
    }
    for (index, sip) in at.trunk.iter().enumerate() {
        let (number, link, prefixes) = (index + 1, TRUNK_LINKS[index], PREFIXES[index]);
        let carrier = if link == "link-1" { LINKS[0].0 } else { LINKS[1].0 };
        write!(
            text,
            "\n[[trunk]]\nname = \"trunk-{number}\"\ncarrier = \"{carrier}\"\nlink = \"{link}\"\nsip = \"{sip}\"\n\
             prefixes = [{prefixes}]\n"
        )?;
    }
    Ok(())
}

fn customers(text: &mut String, at: &Addresses) -> std::fmt::Result {
    for (number, (tcp, sip)) in (1..=CUSTOMERS).zip(at.access.iter().zip(&at.gateway)) {
        let start = access_starts_at(number);
        let start_key = if start.starts_with("link") { "link" } else { "device" };
        let (owner, model) =
            if number % 2 == 1 { ("company", "FXS gateway, 8 ports") } else { ("customer", "IP PBX") };
        let registrar = 2 - number % 2;
        let aor = aor(number);
        let key_account = number == 1 || number == 11;
        let trunk = trunk_of(number);
        write!(
            text,
            "\n[[access]]\nname = \"access-{number}\"\n{start_key} = \"{start}\"\ntcp = \"{tcp}\"\n\
             \n[[gateway]]\nname = \"gateway-{number}\"\nowner = \"{owner}\"\nmodel = \"{model}\"\n\
             access = \"access-{number}\"\nsip = \"{sip}\"\naor = \"{aor}\"\nregistrar = \"server-{registrar}\"\n\
             \n[[customer]]\nname = \"customer-{number}\"\ngateways = [\"gateway-{number}\"]\n\
             access = [\"access-{number}\"]\ntrunks = [\"{trunk}\"]\ncontacts = [\"it@customer-{number}.example\"]\n\
             key_account = {key_account}\n"
        )?;
    }
    Ok(())
}

/// The landing line that a customer's calls abroad leave by.
const fn trunk_of(customer: usize) -> &'static str {
    match customer {
        1..=4 | 17.. => "trunk-1",
        5..=8 => "trunk-2",
        _ => "trunk-3",
    }
}
