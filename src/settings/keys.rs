//! Every section and key of `linesman.toml`, with an example and a line for people.
//!
//! `linesman init` writes its comments from this table, and a test holds it against what is read.

use super::keys_voice::{MEDIA, TEST_CALL, VOICE};

/// A section.
#[derive(Debug, Clone, Copy)]
pub struct SectionDoc {
    /// Its name.
    pub name: &'static str,
    /// Whether it may stand many times, as `[[name]]`.
    pub list: bool,
    /// What it is about.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [KeyDoc],
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct KeyDoc {
    /// Its name.
    pub name: &'static str,
    /// A value as it is written in the file; the default where there is one.
    pub example: &'static str,
    /// What it says.
    pub about: &'static str,
}

impl SectionDoc {
    /// As it is written.
    #[must_use]
    pub fn header(&self) -> String {
        if self.list { format!("[[{}]]", self.name) } else { format!("[{}]", self.name) }
    }

    /// Its key of this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static KeyDoc> {
        self.keys.iter().find(|key| key.name == name)
    }
}

pub(super) const fn key(name: &'static str, example: &'static str, about: &'static str) -> KeyDoc {
    KeyDoc { name, example, about }
}

const DESCRIPTION: KeyDoc = key("description", "\"words for people\"", "what and where it is");
const SITE: KeyDoc = key("site", "\"site-1\"", "the [[site]] where it stands");
const DEVICE: KeyDoc =
    key("device", "\"device-1\"", "the [[device]] that it hangs at, nearer to this poller");
const LINK: KeyDoc = key("link", "\"link-1\"", "the [[link]] that it is reached over");
const ADDRESS: KeyDoc = key("address", "\"10.0.0.1\"", "IP address, measured by ICMP echo");
const SIP: KeyDoc =
    key("sip", "\"10.0.0.1:5060\"", "where it takes SIP, measured by OPTIONS; port 5060 unless stated");
const SIP_TRANSPORT: KeyDoc = key("sip_transport", "\"udp\"", "udp or tcp");
const TCP: KeyDoc = key("tcp", "\"10.0.0.1:443\"", "port that a TCP connection is opened to");
const MODEL: KeyDoc = key("model", "\"RB4011\"", "model, for people and for reports by model");
const CARRIER: KeyDoc =
    key("carrier", "\"Carrier A\"", "the carrier that runs it: the side that a fault of it is on");

/// All sections, in the order in which a file is best read.
pub const SECTIONS: &[SectionDoc] = &[
    SectionDoc {
        name: "http",
        list: false,
        about: "How people and programs reach Linesman.",
        keys: &[
            key("listen", "\"127.0.0.1:9470\"", "address and port; loopback, for a proxy with TLS before it"),
            key("insecure_listen", "false", "true allows plain HTTP on an address that is not loopback"),
            key(
                "public_url",
                "\"https://linesman.example.net\"",
                "how others name it in links; http://LISTEN unless stated",
            ),
            key("grace", "\"10s\"", "how long a stop may take, 0s to 5m"),
        ],
    },
    SectionDoc {
        name: "database",
        list: false,
        about: "Where tickets and measurements are kept.",
        keys: &[
            key("url", "\"sqlite:linesman.db\"", "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"),
            key(
                "url_file",
                "\"/run/credentials/linesman.service/database\"",
                "a file that holds the URL instead, to keep its password out of here",
            ),
        ],
    },
    SectionDoc {
        name: "diagnosis",
        list: false,
        about: "When a symptom is a fault, and when it is over.",
        keys: &[
            key("interval", "\"1s\"", "longest time between two looks at the measurements, 100ms to 1m"),
            key("hard_window", "\"15s\"", "how much of the past proves a total or heavy loss, 1s to 1d"),
            key("gray_window", "\"5m\"", "how much of the past proves a slight loss, at least hard_window"),
            key("minimum_requests", "3", "no verdict on a path from fewer requests"),
            key("verify_for", "\"5m\"", "how long a repaired fault is measured before it counts as over"),
            key("verify_rounds", "3", "good rounds in a row that each target must show in that time"),
        ],
    },
    SectionDoc {
        name: "tickets",
        list: false,
        about: "When a fault is a ticket.",
        keys: &[
            key("settle", "\"30s\"", "how long a fault must last before it is a ticket, 0s to 1h"),
            key("reopen_window", "\"1d\"", "a fault that comes back within it reopens its ticket, up to 30d"),
            key(
                "same_matter",
                "\"7d\"",
                "who calls again within it may be calling about the same matter, up to 90d; 0s asks nobody",
            ),
            key(
                "candidate_below",
                "0.6",
                "a fault of lower confidence waits for a person to approve its ticket, 0 to 1",
            ),
        ],
    },
    SectionDoc {
        name: "retention",
        list: false,
        about: "How long measurements, customers and their recordings are kept; tickets and their events stay.",
        keys: &[
            key("observations", "\"14d\"", "every round as measured, from 1h"),
            key("hourly", "\"730d\"", "rolled up by the hour, at least as long as observations"),
            key(
                "customers",
                "\"730d\"",
                "who a customer is, after his last change and ticket, from 153d; those of [[customer]] stay",
            ),
            key("recorded_calls", "\"730d\"", "recordings of calls on tickets that are over, from 1d"),
            key("signatures", "\"730d\"", "drawn signatures on tickets that are over, from 1d"),
        ],
    },
    SectionDoc {
        name: "privacy",
        list: false,
        about: "Personal data of customers: sealed in the database with keys that lie beside it.",
        keys: &[
            key(
                "key_file",
                "\"linesman.key\"",
                "the keys, made at the first start; beside the database unless stated. Keep a copy elsewhere",
            ),
            key("country_code", "\"86\"", "the country of telephone numbers that bring none"),
        ],
    },
    SectionDoc {
        name: "billing",
        list: false,
        about: "Bills that are reconciled: uploads, a watched folder, and when a difference is a ticket.",
        keys: &[
            key(
                "folder",
                "\"/srv/bills\"",
                "watched: a subfolder a party with ours*, theirs*, and rates*, contract* unless [[party]] has them",
            ),
            key(
                "directory",
                "\"bills\"",
                "where bills and reports are kept; beside the database unless stated",
            ),
            key(
                "limit_amount",
                "\"1\"",
                "a difference, cause or unexplained rest beyond it is a ticket; as \"1, 100 JPY\", the bare one for other currencies",
            ),
            key(
                "limit_ratio",
                "0.01",
                "so is one beyond this share of our total, 0 to 1: either limit is enough",
            ),
            key("keep", "\"153d\"", "how long runs, bills and reports are kept: five months or more"),
            key("largest_file", "\"4GiB\"", "largest file of an upload, 16MiB to 1024GiB"),
            key("memory", "\"1GiB\"", "memory that a run may use"),
            key("threads", "1", "threads of a run, 1 to 64; tickets go before it"),
            key(
                "heard_calls",
                "20000",
                "kept calls that a bill is laid beside, the latest of its period, up to 200000; 0: none",
            ),
        ],
    },
    SectionDoc {
        name: "party",
        list: true,
        about: "Whose bills are compared with ours, and what is different with it.",
        keys: &[
            key("name", "\"acme\"", "as in uploads, and of its subfolder"),
            key("rates", "\"/etc/linesman/acme-rates.csv\"", "its rate deck, where an upload brings none"),
            key("contract", "\"/etc/linesman/acme.toml\"", "its contract, where an upload brings none"),
            key("ours_format", "\"asterisk\"", "preset of our records; found out unless stated"),
            key("theirs_format", "\"vos3000\"", "preset of theirs"),
            key("limit_amount", "\"5 USD\"", "its own, in place of that of [billing]"),
            key("limit_ratio", "0.005", "its own, in place of that of [billing]"),
        ],
    },
    VOICE,
    MEDIA,
    SectionDoc {
        name: "procedure",
        list: false,
        about: "Own tables that tickets run by, in files; `linesman config table NAME` prints the shipped ones to begin with.",
        keys: &[
            key("calendars", "[\"calendars.toml\"]", "own calendars and overrides, over the shipped ones"),
            key("holidays", "[\"holidays.ics\"]", "iCalendar feeds of holidays and make-up workdays"),
            key("holidays_of", "\"cn-office\"", "the calendar that they are laid over"),
            key(
                "deadlines",
                "[\"deadlines-2.toml\"]",
                "what is due when: tables that hold from their `valid_from` on; older tickets keep theirs",
            ),
            key(
                "trees",
                "[\"B.toml\"]",
                "own trees; one of a shipped name has a higher version and takes its place",
            ),
            key("levels", "\"level.toml\"", "levels of complaints, in place of the shipped table"),
            key("compensation", "\"compensation.toml\"", "the standard, in place of the shipped one"),
            key("tags", "\"tags.toml\"", "tags of the second level, in place of the shipped table"),
        ],
    },
    SectionDoc {
        name: "notify",
        list: true,
        about: "Who is told of what happens to tickets, over which channel, when and in which language.",
        keys: &[
            key("name", "\"noc\"", "unique; in metrics and in `linesman notify`"),
            key(
                "kind",
                "\"webhook\"",
                "email, webhook, wecom, dingtalk, feishu, slack, telegram, teams or syslog",
            ),
            key(
                "url",
                "\"https://example.net/hook\"",
                "where to; mail as smtps://HOST or smtp+starttls://HOST:587, syslog as udp://HOST:514 or tcp://HOST:601",
            ),
            key(
                "url_file",
                "\"/run/credentials/linesman.service/hook\"",
                "a file that holds the address instead",
            ),
            key("url_env", "\"NOC_HOOK\"", "a variable of the environment that holds it instead"),
            key(
                "secret_file",
                "\"/run/credentials/linesman.service/hook-secret\"",
                "a file with what signs, with the bot's token, or with the password of `user`",
            ),
            key("secret_env", "\"NOC_SECRET\"", "a variable of the environment with it instead"),
            key("user", "\"linesman\"", "email: who logs in to the mail server"),
            key("from", "\"linesman@example.net\"", "email: whose mails they are"),
            key("to", "[\"noc@example.net\"]", "email: who gets them"),
            key("chat", "\"-1001234567890\"", "telegram: the chat's number, or @CHANNEL"),
            key(
                "audience",
                "\"staff\"",
                "staff, or customers: by email each customer gets what `sends` says; by webhook a gateway for \
                 messages gets it for those without an e-mail address",
            ),
            key(
                "sends",
                "[\"receipt\", \"confirmation\", \"survey\"]",
                "customers: the receipt, the link to confirm the result, the link to the survey; receipt unless stated",
            ),
            key("language", "\"en\"", "en or zh"),
            key(
                "events",
                "[\"opened\", \"severity_raised\", \"resolved\", \"reopened\", \"*breach*\"]",
                "what is told; `*` stands for any letters; all unless stated; `duty_*` are the duties of a month",
            ),
            key(
                "minimum_severity",
                "\"minor\"",
                "indeterminate, warning, minor, major or critical, and above",
            ),
            key("classes", "[\"B\", \"C\"]", "A to E; all unless stated"),
            key("segments", "[\"fibre-*\"]", "elements at fault; `*` stands for any letters"),
            key("departments", "[\"noc\"]", "departments that have the ticket; `*` stands for any letters"),
            key(
                "calendar",
                "\"cn-office\"",
                "what is not urgent waits until it opens; critical and level orange or red never wait",
            ),
            key("calendar_file", "\"/etc/linesman/calendars.toml\"", "own calendars beside those shipped"),
            key("digest", "\"15m\"", "what is not urgent is gathered for so long into one message, 1s to 1d"),
            key(
                "repeat_interval",
                "\"4h\"",
                "a ticket that merely gathers evidence is told of again after so long, up to 30d",
            ),
            key("give_up", "\"1d\"", "what could not be sent for so long goes to the dead ones, 1s to 30d"),
            key("timeout", "\"10s\"", "longest that one attempt may take, 100ms to 2m"),
        ],
    },
    SectionDoc {
        name: "route_hook",
        list: true,
        about: "What stops, diverts and restores lines for a ticket, after a second person agreed and a dry run.",
        keys: &[
            key("name", "\"edge\"", "unique; tickets name it"),
            key("kind", "\"kamailio\"", "webhook: a signed call after Standard Webhooks; kamailio: JSON-RPC"),
            key("url", "\"http://127.0.0.1:5060/RPC\"", "where to"),
            key("url_file", "\"/run/credentials/linesman.service/edge\"", "a file that holds it instead"),
            key("url_env", "\"EDGE_URL\"", "a variable of the environment that holds it instead"),
            key(
                "secret_file",
                "\"/run/credentials/linesman.service/edge-secret\"",
                "a file with what signs a webhook, or with the bearer token shown to Kamailio",
            ),
            key("secret_env", "\"EDGE_SECRET\"", "a variable of the environment with it instead"),
            key(
                "stop",
                "[\"dispatcher.set_state\", \"d\", \"1\", \"sip:{address}\"]",
                "kamailio: method and parameters, digits are numbers, s: before them makes text; \
                 {line} {address} {to} {to_address} {ticket} {number}",
            ),
            key(
                "divert",
                "[\"htable.sets\", \"divert\", \"{line}\", \"{to}\"]",
                "kamailio: method and parameters",
            ),
            key(
                "restore",
                "[\"dispatcher.set_state\", \"ap\", \"1\", \"sip:{address}\"]",
                "kamailio: method and parameters",
            ),
            key(
                "idempotent",
                "true",
                "the same request twice does the same as once: only then it is sent again after no answer",
            ),
            key("give_up", "\"5m\"", "it is tried for so long, 1s to 1d"),
            key("timeout", "\"10s\"", "longest that one attempt may take, 100ms to 2m"),
        ],
    },
    SectionDoc {
        name: "log",
        list: false,
        about: "What is logged.",
        keys: &[
            key(
                "level",
                "\"info\"",
                "off, error, warn, info, debug or trace; also MODULE=LEVEL, separated by commas",
            ),
            key("format", "\"text\"", "text or json; unless stated text on a terminal and json else"),
        ],
    },
    SectionDoc {
        name: "poller",
        list: false,
        about: "Where this process stands in the network.",
        keys: &[
            key(
                "server",
                "\"server-1\"",
                "the [[server]] that it runs on: its resources are those of this host",
            ),
            key(
                "anchors",
                "[\"10.0.0.254\"]",
                "addresses near by, no part of the network below, that answer ICMP: while one does, the poller is not cut off",
            ),
        ],
    },
    SectionDoc {
        name: "probes",
        list: false,
        about: "How everything is measured unless an [[override]] says otherwise.",
        keys: &[
            key("interval", "\"5s\"", "from the start of a round to the start of the next, 200ms to 1d"),
            key("count", "5", "ICMP echo requests a round, 1 to 1000; other kinds send one"),
            key("timeout", "\"2s\"", "longest wait for an answer, 10ms to 1m, not beyond the interval"),
        ],
    },
    SectionDoc {
        name: "site",
        list: true,
        about: "A place.",
        keys: &[key("name", "\"site-1\"", "unique over all kinds"), DESCRIPTION],
    },
    SectionDoc {
        name: "server",
        list: true,
        about: "A softswitch, SBC, media relay, billing host or other server of yours.",
        keys: &[
            key("name", "\"server-1\"", "unique over all kinds"),
            DESCRIPTION,
            SITE,
            DEVICE,
            ADDRESS,
            SIP,
            SIP_TRANSPORT,
            TCP,
            key("http", "\"https://10.0.0.1/health\"", "URL that is fetched"),
            key("dns", "\"10.0.0.53\"", "DNS server on it that is asked; port 53 unless stated"),
            key("dns_name", "\"example.net\"", "name that it is asked for; the root unless stated"),
        ],
    },
    SectionDoc {
        name: "device",
        list: true,
        about: "A router or switch.",
        keys: &[
            key("name", "\"device-1\"", "unique over all kinds"),
            DESCRIPTION,
            SITE,
            DEVICE,
            LINK,
            ADDRESS,
            TCP,
            SIP,
            MODEL,
        ],
    },
    SectionDoc {
        name: "link",
        list: true,
        about: "A fibre or other line, to a carrier's machine room as a rule.",
        keys: &[
            key("name", "\"link-1\"", "unique over all kinds"),
            DESCRIPTION,
            CARRIER,
            key("circuit", "\"CA-4711\"", "the carrier's name for it: what he is told in a complaint"),
            key("near", "\"device-1\"", "the [[device]] or [[server]] at this end"),
            key(
                "far",
                "\"Machine room of Carrier A\"",
                "what is at the far end, in words or the name of a site",
            ),
            key("far_address", "\"10.1.0.1\"", "IP address at the far end, measured by ICMP echo"),
            key("far_tcp", "\"10.1.0.1:22\"", "port at the far end that a TCP connection is opened to"),
            key("far_sip", "\"10.1.0.1:5060\"", "where the far end takes SIP, measured by OPTIONS"),
        ],
    },
    SectionDoc {
        name: "trunk",
        list: true,
        about: "A landing line: a trunk on which a carrier terminates calls.",
        keys: &[
            key("name", "\"trunk-1\"", "unique over all kinds"),
            DESCRIPTION,
            CARRIER,
            key("link", "\"link-1\"", "the [[link]] that carries it"),
            SIP,
            SIP_TRANSPORT,
            ADDRESS,
            key("prefixes", "[\"8613\"]", "number prefixes that it serves (E.164 digits)"),
        ],
    },
    SectionDoc {
        name: "gateway",
        list: true,
        about: "A device that turns voice into packets.",
        keys: &[
            key("name", "\"gateway-1\"", "unique over all kinds"),
            DESCRIPTION,
            key("owner", "\"customer\"", "company or customer: the side that a fault of it is on"),
            MODEL,
            key("access", "\"access-1\"", "the [[access]] line before it"),
            SITE,
            DEVICE,
            ADDRESS,
            SIP,
            SIP_TRANSPORT,
            TCP,
            key("aor", "\"sip:1001@example.net\"", "address of record that it registers"),
            key("registrar", "\"server-1\"", "the [[server]] that knows its registration; it must have sip"),
        ],
    },
    SectionDoc {
        name: "access",
        list: true,
        about: "A customer's access line.",
        keys: &[
            key("name", "\"access-1\"", "unique over all kinds"),
            DESCRIPTION,
            SITE,
            DEVICE,
            LINK,
            ADDRESS,
            TCP,
            SIP,
        ],
    },
    SectionDoc {
        name: "customer",
        list: true,
        about: "A customer: told apart in every fault that affects him.",
        keys: &[
            key("name", "\"customer-1\"", "unique over all kinds"),
            DESCRIPTION,
            key("gateways", "[\"gateway-1\"]", "his gateways"),
            key("access", "[\"access-1\"]", "his access lines"),
            key("trunks", "[\"trunk-1\"]", "the landing lines that his calls go out by"),
            key(
                "contacts",
                "[\"noc@example.net\"]",
                "who is called; personal data, masked where it is not needed",
            ),
            key("key_account", "false", "whether faults of his go first"),
        ],
    },
    SectionDoc {
        name: "override",
        list: true,
        about: "How the probes of one element differ from [probes].",
        keys: &[
            key("element", "\"gateway-1\"", "the element"),
            key(
                "probe",
                "\"icmp\"",
                "icmp, tcp, http, dns, sip, registration or host; all of its probes unless stated",
            ),
            key("interval", "\"30s\"", "from round to round"),
            key("count", "20", "requests a round"),
            key("timeout", "\"1s\"", "longest wait for an answer"),
        ],
    },
    TEST_CALL,
];

/// The section of this name.
#[must_use]
pub fn section(name: &str) -> Option<&'static SectionDoc> {
    SECTIONS.iter().find(|section| section.name == name)
}
