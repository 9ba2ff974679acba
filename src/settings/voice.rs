//! `[voice]` and every `[[media]]`: where voice is listened to, whose media comes from where, and from when on bad
//! calls are a trunk's trouble.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use toml::de::DeTable;

use super::Network;
use super::environment::Variable;
use super::mistake::Mistakes;
use super::section::Section;
use super::value::{self, Read, Stated};
use crate::inventory::{ElementKind, Inventory};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Usual ports: HEP, vq-rtcpxr by SIP, VXLAN (RFC 7348), TZSP.
const HEP_PORT: u16 = 9060;
const SIP_PORT: u16 = 5060;
const VXLAN_PORT: u16 = 4789;
const TZSP_PORT: u16 = 37008;

/// `[voice]`
#[derive(Debug, Clone, PartialEq)]
pub struct VoiceSettings {
    /// `interfaces`: captured on; none unless stated.
    pub interfaces: Vec<String>,
    /// `source`: how packets are taken from the kernel.
    pub source: VoiceSource,
    /// `filter`: what passes, as of `linesman rtp listen`.
    pub filter: String,
    /// `workers`: capture threads of each interface.
    pub workers: u32,
    /// `sip_tcp`: also SIP over TCP.
    pub sip_tcp: bool,
    /// `promiscuous`: also packets between others, as on a mirror port.
    pub promiscuous: bool,
    /// `hep`: where HEP3 is taken, over UDP and TCP.
    pub hep: Vec<SocketAddr>,
    /// `vq_rtcpxr`: where telephones send their reports.
    pub vq_rtcpxr: Vec<SocketAddr>,
    /// `vxlan`: where mirrored packets in VXLAN come.
    pub vxlan: Vec<SocketAddr>,
    /// `tzsp`: where mirrored packets in TZSP come.
    pub tzsp: Vec<SocketAddr>,
    /// `look_back`: how much of the past a cohort is made of.
    pub look_back: Duration,
    /// `bad_loss`: a call that loses this share, or plays it too late, is bad.
    pub bad_loss: f64,
    /// `minimum_calls`: fewer bad calls on a trunk are no trouble of the trunk.
    pub minimum_calls: u32,
    /// `minimum_share`: nor is a smaller share of its calls.
    pub minimum_share: f64,
    /// `store`: which calls are kept.
    pub store: StoredCalls,
    /// `keep`: how long, with their files on tickets.
    pub keep: Duration,
    /// `evidence`: what of the worst calls' packets is put on a ticket.
    pub evidence: VoiceEvidence,
    /// `evidence_files`: on one ticket.
    pub evidence_files: u32,
    /// `evidence_kib`: of one file.
    pub evidence_kib: u32,
    /// `evidence_memory_mib`: for the latest packets, of which files are made.
    pub evidence_memory_mib: u32,
    /// Every `[[media]]`.
    pub media: Vec<MediaSettings>,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            source: VoiceSource::Ring,
            filter: String::new(),
            workers: 1,
            sip_tcp: false,
            promiscuous: true,
            hep: Vec::new(),
            vq_rtcpxr: Vec::new(),
            vxlan: Vec::new(),
            tzsp: Vec::new(),
            look_back: 5 * MINUTE,
            bad_loss: 0.03,
            minimum_calls: 5,
            minimum_share: 0.3,
            store: StoredCalls::All,
            keep: 30 * DAY,
            evidence: VoiceEvidence::Off,
            evidence_files: 3,
            evidence_kib: 256,
            evidence_memory_mib: 32,
            media: Vec::new(),
        }
    }
}

impl VoiceSettings {
    /// Whether anything is listened to.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.interfaces.is_empty()
            || [&self.hep, &self.vq_rtcpxr, &self.vxlan, &self.tzsp].iter().any(|feed| !feed.is_empty())
    }
}

/// How packets are taken from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoiceSource {
    /// A TPACKET_V3 ring.
    Ring,
    /// pnet's channel with a large buffer.
    Pnet,
}

impl VoiceSource {
    const ALL: [(&'static str, Self); 2] = [("ring", Self::Ring), ("pnet", Self::Pnet)];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Pnet => "pnet",
        }
    }
}

/// What of the worst calls' packets is put on a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoiceEvidence {
    /// Nothing.
    Off,
    /// Headers of IP, UDP and RTP, and reports of RTCP.
    Headers,
    /// What was said, too.
    Payload,
}

impl VoiceEvidence {
    const ALL: [(&'static str, Self); 3] =
        [("off", Self::Off), ("headers", Self::Headers), ("payload", Self::Payload)];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Headers => "headers",
            Self::Payload => "payload",
        }
    }
}

/// Which calls are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredCalls {
    /// All.
    All,
    /// Those with something wrong.
    Bad,
    /// None.
    None,
}

impl StoredCalls {
    const ALL: [(&'static str, Self); 3] = [("all", Self::All), ("bad", Self::Bad), ("none", Self::None)];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Bad => "bad",
            Self::None => "none",
        }
    }
}

/// `[[media]]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaSettings {
    /// `element`: a trunk, gateway, access line or server.
    pub element: String,
    /// `networks`: where its media comes from and goes to.
    pub networks: Vec<Network>,
}

pub(super) fn read(
    root: &DeTable<'_>,
    variables: &[Variable],
    settings: &mut VoiceSettings,
    inventory: Option<&Inventory>,
    mistakes: &mut Mistakes,
) {
    let mut section = Section::single(root, variables, "voice", mistakes);
    settings.interfaces = section.read_list(mistakes, "interfaces", value::text);
    section.set(mistakes, "source", &mut settings.source, |it| value::one_of(it, &VoiceSource::ALL));
    section.set(mistakes, "filter", &mut settings.filter, value::text);
    section.set(mistakes, "workers", &mut settings.workers, value::whole(1..=32));
    section.set(mistakes, "sip_tcp", &mut settings.sip_tcp, value::boolean);
    section.set(mistakes, "promiscuous", &mut settings.promiscuous, value::boolean);
    settings.hep = section.read_list(mistakes, "hep", value::socket(Some(HEP_PORT)));
    settings.vq_rtcpxr = section.read_list(mistakes, "vq_rtcpxr", value::socket(Some(SIP_PORT)));
    settings.vxlan = section.read_list(mistakes, "vxlan", value::socket(Some(VXLAN_PORT)));
    settings.tzsp = section.read_list(mistakes, "tzsp", value::socket(Some(TZSP_PORT)));
    section.set(mistakes, "look_back", &mut settings.look_back, value::span_of_time(MINUTE..=60 * MINUTE));
    section.set(mistakes, "bad_loss", &mut settings.bad_loss, value::ratio);
    section.set(mistakes, "minimum_calls", &mut settings.minimum_calls, value::whole(2..=100_000));
    section.set(mistakes, "minimum_share", &mut settings.minimum_share, value::ratio);
    section.set(mistakes, "store", &mut settings.store, |it| value::one_of(it, &StoredCalls::ALL));
    section.set(mistakes, "keep", &mut settings.keep, value::span_of_time(DAY..=3_650 * DAY));
    section.set(mistakes, "evidence", &mut settings.evidence, |it| value::one_of(it, &VoiceEvidence::ALL));
    section.set(mistakes, "evidence_files", &mut settings.evidence_files, value::whole(1..=10));
    section.set(mistakes, "evidence_kib", &mut settings.evidence_kib, value::whole(16..=4_096));
    section.set(mistakes, "evidence_memory_mib", &mut settings.evidence_memory_mib, value::whole(1..=1_024));
    if let Err(wrong) = settings.filter.parse::<linesman_probes::wire::packets::Filter>() {
        mistakes.add(section.at("filter"), format!("`filter` in [voice]: {wrong}"));
    }
    section.finish(mistakes);

    for mut section in Section::list(root, "media", mistakes) {
        let element = section.read(mistakes, "element", value::name).unwrap_or_default();
        let networks = section.read_list(mistakes, "networks", network);
        if !section.states("element") {
            mistakes.add(section.at("element"), "this [[media]] has no `element`; state whose media it is");
        } else if let Some(wrong) = inventory.and_then(|inventory| unfit(inventory, &element)) {
            mistakes.add(section.at("element"), format!("`element` in [[media]]: {wrong}"));
        }
        section.finish(mistakes);
        settings.media.push(MediaSettings { element, networks });
    }
}

/// Why media cannot be this element's.
fn unfit(inventory: &Inventory, name: &str) -> Option<String> {
    let Some(index) = inventory.find(name) else {
        return Some(format!("there is no element `{name}`"));
    };
    let kind = inventory.element(index).kind;
    let has_media =
        matches!(kind, ElementKind::Trunk | ElementKind::Gateway | ElementKind::Access | ElementKind::Server);
    (!has_media)
        .then(|| format!("`{name}` is a {}; media is of a trunk, gateway, access or server", kind.name()))
}

/// `"10.0.0.0/24"`, `"2001:db8::/32"`, or one address.
fn network(stated: Stated<'_>) -> Read<Network> {
    let text = value::text(stated)?;
    parse_network(&text).ok_or_else(|| format!("expected a network as \"10.0.0.0/24\", found {text:?}"))
}

fn parse_network(text: &str) -> Option<Network> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(most), |prefix| prefix.trim().parse().ok())?;
    (prefix <= most).then_some(Network { address, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::parse;

    #[test]
    fn networks_are_written_as_people_write_them() {
        let network = |text| parse_network(text).map(|network| (network.address.to_string(), network.prefix));
        assert_eq!(network("10.0.0.0/24"), Some(("10.0.0.0".to_owned(), 24)));
        assert_eq!(network("2001:db8::1"), Some(("2001:db8::1".to_owned(), 128)));
        for wrong in ["", "10.0.0.0/33", "ten/8", "10.0.0.0/x"] {
            assert_eq!(network(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn media_of_nobody_is_a_mistake_in_its_place() {
        let text = "[voice]\nhep = [\"127.0.0.1\"]\n\n[[media]]\nelement = \"trunk-9\"\nnetworks = [\"10.0.0.0/24\"]\n";
        let told = parse("linesman.toml", text, []).expect_err("there is no trunk-9");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].to_string().contains("trunk-9"), "{}", told[0]);
        let text = format!("{text}\n[[trunk]]\nname = \"trunk-9\"\n");
        let voice = parse("linesman.toml", &text, []).expect("now there is").settings.voice;
        assert!(voice.is_on());
        assert_eq!(voice.hep, ["127.0.0.1:9060".parse().unwrap()]);
        assert_eq!(voice.media[0].networks[0].prefix, 24);
    }

    #[test]
    fn nothing_of_what_is_said_is_kept_unless_somebody_asks_for_it_by_name() {
        assert_eq!(VoiceSettings::default().evidence, VoiceEvidence::Off);
        let read = |text: &str| {
            let read = parse("linesman.toml", &format!("[voice]\n{text}\n"), []);
            read.map(|read| read.settings.voice).map_err(|told| told[0].to_string())
        };
        let voice = read("evidence = \"headers\"\nevidence_files = 1\nevidence_kib = 64").expect("fine");
        assert_eq!(
            (voice.evidence, voice.evidence_files, voice.evidence_kib),
            (VoiceEvidence::Headers, 1, 64)
        );
        assert!(!voice.is_on(), "a file is made of what is heard, and nothing is");
        for (wrong, named) in [
            ("evidence = true", "evidence"),
            ("evidence = \"all\"", "payload"),
            ("evidence_files = 0", "evidence_files"),
            ("evidence_files = 11", "evidence_files"),
            ("evidence_kib = 1", "evidence_kib"),
            ("evidence_memory_mib = 100000", "evidence_memory_mib"),
        ] {
            let told = read(wrong).expect_err(wrong);
            assert!(told.contains(named), "{wrong}: {told}");
        }
    }

    #[test]
    fn every_bound_of_the_settings_of_voice_is_kept_and_its_key_is_named() {
        let read = |text: &str| parse("linesman.toml", &format!("[voice]\n{text}\n"), []);
        for wrong in [
            "source = \"tap\"",
            "filter = \"hots 10.0.0.1\"",
            "workers = 0",
            "workers = 33",
            "sip_tcp = \"yes\"",
            "promiscuous = 1",
            "hep = [\"nowhere:port\"]",
            "vq_rtcpxr = \"127.0.0.1\"",
            "vxlan = [4789]",
            "look_back = \"30s\"",
            "look_back = \"2h\"",
            "bad_loss = 1.5",
            "minimum_calls = 1",
            "minimum_share = -0.1",
            "store = \"some\"",
            "keep = \"1h\"",
            "evidense = \"off\"",
        ] {
            let told = read(wrong).expect_err(wrong);
            let key = wrong.split(' ').next().expect("a key");
            assert_eq!(told.len(), 1, "{wrong}: {told:?}");
            assert!(told[0].to_string().contains(key), "{wrong}: {}", told[0]);
        }
        let all = "interfaces = [\"eth0\", \"eth1\"]\nsource = \"pnet\"\nfilter = \"net 10.0.0.0/8\"\nworkers = 4\n\
                   sip_tcp = true\npromiscuous = false\nlook_back = \"1m\"\nbad_loss = 0.05\nminimum_calls = 2\n\
                   minimum_share = 0.5\nstore = \"bad\"\nkeep = \"7d\"\nevidence = \"payload\"";
        let voice = read(all).expect("fine").settings.voice;
        assert!(voice.is_on());
        // What is shown is what is in force: it reads back the same.
        let shown = crate::settings::show_voice::voice(&voice).0.to_string();
        assert_eq!(read(&shown).expect("what is shown can be read").settings.voice, voice);
    }
}
