//! The effective settings as TOML: what the defaults, the file and the environment came to.
//!
//! Read again it gives the same settings, but for passwords, which are hidden.

use std::time::Duration;

use linesman_probes::probe::Transport;
use toml::{Table, Value};

use super::billing::{BillingSettings, amounts_shown, ratio_shown, size_shown};
use super::read::Loaded;
use super::value::shown;
use super::{Settings, without_password};
use crate::inventory::{Declarations, Declared, Owner};

/// The effective settings, secrets hidden.
#[must_use]
pub fn effective(loaded: &Loaded) -> Table {
    let mut root = sections(&loaded.settings);
    parties(&loaded.settings.billing, &mut root);
    super::show_voice::media(&loaded.settings.voice, &mut root);
    super::show_notify::channels(&loaded.settings.notify, &mut root);
    super::show_notify::hooks(&loaded.settings.route_hooks, &mut root);
    network(&loaded.declarations, &mut root);
    root
}

/// The effective settings as the text of a file, secrets hidden.
///
/// # Errors
/// When they cannot be written as TOML, which is a defect.
pub fn to_toml(loaded: &Loaded) -> Result<String, toml::ser::Error> {
    toml::to_string(&effective(loaded))
}

/// The network as tables of the file.
pub(super) fn declared_network(declarations: &Declarations) -> Table {
    let mut root = Table::new();
    network(declarations, &mut root);
    root
}

/// A table under construction.
#[derive(Default)]
pub(super) struct Keys(pub(super) Table);

impl Keys {
    pub(super) fn put(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn time(self, key: &str, value: Duration) -> Self {
        self.put(key, shown(value))
    }

    pub(super) fn text(self, key: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.put(key, value.to_string()),
            None => self,
        }
    }

    pub(super) fn list(self, key: &str, values: &[impl ToString]) -> Self {
        if values.is_empty() {
            return self;
        }
        self.put(key, Value::Array(values.iter().map(|value| Value::String(value.to_string())).collect()))
    }

    fn transport(self, value: Option<Transport>) -> Self {
        let name = value.map(|transport| match transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        });
        self.text("sip_transport", name)
    }
}

fn sections(settings: &Settings) -> Table {
    let http = &settings.http;
    let database = &settings.database;
    let diagnosis = &settings.diagnosis;
    let tickets = &settings.tickets;
    let retention = &settings.retention;
    let log = &settings.log;
    let database_keys = match &database.url_file {
        Some(file) => Keys::default().put("url_file", file.display().to_string()),
        None => Keys::default().put("url", without_password(&database.url)),
    };
    Keys::default()
        .put(
            "http",
            Keys::default()
                .put("listen", http.listen.to_string())
                .put("insecure_listen", http.insecure_listen)
                .text("public_url", http.public_url.as_ref())
                .time("grace", http.grace)
                .0,
        )
        .put("database", database_keys.0)
        .put(
            "diagnosis",
            Keys::default()
                .time("interval", diagnosis.interval)
                .time("hard_window", diagnosis.hard_window)
                .time("gray_window", diagnosis.gray_window)
                .put("minimum_requests", i64::from(diagnosis.minimum_requests))
                .time("verify_for", diagnosis.verify_for)
                .put("verify_rounds", i64::from(diagnosis.verify_rounds))
                .0,
        )
        .put(
            "tickets",
            Keys::default()
                .time("settle", tickets.settle)
                .time("reopen_window", tickets.reopen_window)
                .time("same_matter", tickets.same_matter)
                .put("candidate_below", tickets.candidate_below)
                .0,
        )
        .put(
            "retention",
            Keys::default()
                .time("observations", retention.observations)
                .time("hourly", retention.hourly)
                .time("customers", retention.customers)
                .time("recorded_calls", retention.recorded_calls)
                .time("signatures", retention.signatures)
                .0,
        )
        .put(
            "privacy",
            Keys::default()
                .text("key_file", settings.privacy.key_file.as_ref().map(|path| path.display().to_string()))
                .put("country_code", settings.privacy.country_code.digits())
                .0,
        )
        .put("billing", billing_keys(&settings.billing).0)
        .put("procedure", procedure_keys(&settings.procedure).0)
        .put("voice", super::show_voice::voice(&settings.voice).0)
        .put(
            "log",
            Keys::default()
                .put("level", log.level.as_deref().unwrap_or("info"))
                .text("format", log.format.map(super::LogFormat::name))
                .0,
        )
        .0
}

fn procedure_keys(procedure: &super::ProcedureSettings) -> Keys {
    let shown = |path: &std::path::PathBuf| path.display().to_string();
    let all = |paths: &[std::path::PathBuf]| paths.iter().map(shown).collect::<Vec<_>>();
    Keys::default()
        .list("calendars", &all(&procedure.calendars))
        .list("holidays", &all(&procedure.holidays))
        .put("holidays_of", procedure.holidays_of.as_str())
        .list("deadlines", &all(&procedure.deadlines))
        .list("trees", &all(&procedure.trees))
        .text("levels", procedure.levels.as_ref().map(shown))
        .text("compensation", procedure.compensation.as_ref().map(shown))
        .text("tags", procedure.tags.as_ref().map(shown))
}

fn billing_keys(billing: &BillingSettings) -> Keys {
    let shown_path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    Keys::default()
        .text("folder", shown_path(&billing.folder))
        .text("directory", shown_path(&billing.directory))
        .put("limit_amount", amounts_shown(&billing.limits.amounts))
        .put("limit_ratio", ratio_shown(billing.limits.ratio_ppm))
        .time("keep", billing.keep)
        .put("largest_file", size_shown(billing.largest_file))
        .put("memory", size_shown(billing.memory))
        .put("threads", i64::from(billing.threads))
        .put("heard_calls", i64::from(billing.heard_calls))
}

fn parties(billing: &BillingSettings, root: &mut Table) {
    let tables = billing.parties.iter().map(|party| {
        let keys = Keys::default()
            .put("name", party.name.as_str())
            .text("rates", party.rates.as_ref().map(|path| path.display().to_string()))
            .text("contract", party.contract.as_ref().map(|path| path.display().to_string()))
            .text("ours_format", party.ours_format.as_ref())
            .text("theirs_format", party.theirs_format.as_ref())
            .text("limit_amount", party.limit_amount.as_deref().map(amounts_shown));
        let ratio = party.limit_ratio_ppm.map(ratio_shown);
        Value::Table(ratio.into_iter().fold(keys, |keys, ratio| keys.put("limit_ratio", ratio)).0)
    });
    let tables: Vec<Value> = tables.collect();
    if !tables.is_empty() {
        root.insert("party".to_owned(), tables.into());
    }
}

fn network(declarations: &Declarations, root: &mut Table) {
    let poller = Keys::default()
        .text("server", declarations.poller.server.as_ref())
        .list("anchors", &declarations.poller.anchors);
    root.insert("poller".to_owned(), poller.0.into());
    let defaults = &declarations.defaults;
    let probes = Keys::default()
        .time("interval", defaults.interval)
        .put("count", i64::from(defaults.icmp_count))
        .time("timeout", defaults.timeout);
    root.insert("probes".to_owned(), probes.0.into());

    all(root, "site", &declarations.sites, |_, keys| keys);
    all(root, "server", &declarations.servers, |it, keys| {
        keys.text("site", it.site.as_ref())
            .text("device", it.device.as_ref())
            .text("address", it.address)
            .text("sip", it.sip)
            .transport(it.sip_transport)
            .text("tcp", it.tcp)
            .text("http", it.http.as_ref())
            .text("dns", it.dns)
            .text("dns_name", it.dns_name.as_ref())
    });
    all(root, "device", &declarations.devices, |it, keys| {
        keys.text("site", it.site.as_ref())
            .text("device", it.device.as_ref())
            .text("link", it.link.as_ref())
            .text("address", it.address)
            .text("tcp", it.tcp)
            .text("sip", it.sip)
            .text("model", it.model.as_ref())
    });
    all(root, "link", &declarations.links, |it, keys| {
        keys.text("carrier", it.carrier.as_ref())
            .text("circuit", it.circuit.as_ref())
            .text("near", it.near.as_ref())
            .text("far", it.far.as_ref())
            .text("far_address", it.far_address)
            .text("far_tcp", it.far_tcp)
            .text("far_sip", it.far_sip)
    });
    all(root, "trunk", &declarations.trunks, |it, keys| {
        keys.text("carrier", it.carrier.as_ref())
            .text("link", it.link.as_ref())
            .text("sip", it.sip)
            .transport(it.sip_transport)
            .text("address", it.address)
            .list("prefixes", &it.prefixes)
    });
    all(root, "gateway", &declarations.gateways, |it, keys| {
        let owner = match it.owner {
            Owner::Company => "company",
            Owner::Customer => "customer",
        };
        keys.put("owner", owner)
            .text("model", it.model.as_ref())
            .text("access", it.access.as_ref())
            .text("site", it.site.as_ref())
            .text("device", it.device.as_ref())
            .text("address", it.address)
            .text("sip", it.sip)
            .transport(it.sip_transport)
            .text("tcp", it.tcp)
            .text("aor", it.aor.as_ref())
            .text("registrar", it.registrar.as_ref())
    });
    all(root, "access", &declarations.accesses, |it, keys| {
        keys.text("site", it.site.as_ref())
            .text("device", it.device.as_ref())
            .text("link", it.link.as_ref())
            .text("address", it.address)
            .text("tcp", it.tcp)
            .text("sip", it.sip)
    });
    all(root, "customer", &declarations.customers, |it, keys| {
        keys.list("gateways", &it.gateways)
            .list("access", &it.access)
            .list("trunks", &it.trunks)
            .list("contacts", &it.contacts)
            .put("key_account", it.key_account)
    });
    let overrides: Vec<Value> = declarations
        .overrides
        .iter()
        .map(|it| {
            let keys = Keys::default()
                .put("element", it.element.as_str())
                .text("probe", it.kind)
                .text("interval", it.interval.map(shown));
            let keys = it.count.into_iter().fold(keys, |keys, count| keys.put("count", i64::from(count)));
            keys.text("timeout", it.timeout.map(shown)).0.into()
        })
        .collect();
    if !overrides.is_empty() {
        root.insert("override".to_owned(), overrides.into());
    }
    let calls = declarations.test_calls.iter().map(|it| {
        // The password itself is never held here, only where it lies.
        let keys = Keys::default()
            .put("element", it.element.as_str())
            .put("to", it.to.as_str())
            .time("interval", it.interval)
            .time("duration", it.duration)
            .time("timeout", it.timeout)
            .put("codec", it.codec.name())
            .text("from", it.from.as_ref())
            .text("user", it.user.as_ref())
            .text("password_file", it.password_file.as_ref().map(|file| file.display()));
        Value::Table(keys.0)
    });
    let calls: Vec<Value> = calls.collect();
    if !calls.is_empty() {
        root.insert("test_call".to_owned(), calls.into());
    }
}

fn all<T>(root: &mut Table, kind: &str, declared: &[Declared<T>], keys: impl Fn(&T, Keys) -> Keys) {
    if declared.is_empty() {
        return;
    }
    let tables = declared.iter().map(|it| {
        let named =
            Keys::default().put("name", it.name.as_str()).text("description", it.description.as_ref());
        Value::Table(keys(&it.what, named).0)
    });
    root.insert(kind.to_owned(), Value::Array(tables.collect()));
}
