//! Sections and keys of voice: what is listened to, and calls that are placed to measure.

use super::keys::{SectionDoc, key};

/// What is listened to.
pub(super) const VOICE: SectionDoc = SectionDoc {
    name: "voice",
    list: false,
    about: "Voice that is listened to: where, when bad calls are a trunk's trouble, what is kept of calls.",
    keys: &[
        key("interfaces", "[\"eth0\"]", "captured on; `linesman doctor` says how it may"),
        key("source", "\"ring\"", "ring (TPACKET_V3) or pnet"),
        key("filter", "\"net 10.0.0.0/8\"", "what passes, as of `linesman rtp listen --filter`"),
        key("workers", "1", "capture threads of each interface, 1 to 32"),
        key("sip_tcp", "false", "true reads SIP over TCP as well, at ports 5060 to 5090"),
        key("promiscuous", "true", "also packets between others, as on a mirror port"),
        key("hep", "[\"127.0.0.1:9060\"]", "where HEP3 is taken, over UDP and TCP"),
        key("vq_rtcpxr", "[\"127.0.0.1:5070\"]", "where telephones send their reports of calls"),
        key("vxlan", "[\"127.0.0.1:4789\"]", "where mirrored packets in VXLAN come"),
        key("tzsp", "[\"127.0.0.1:37008\"]", "where mirrored packets in TZSP come"),
        key("look_back", "\"5m\"", "how much of the past a cohort of calls is made of, 1m to 1h"),
        key("bad_loss", "0.03", "a call that loses this share, or plays it too late, is bad, 0 to 1"),
        key("minimum_calls", "5", "fewer bad calls on a trunk open no ticket, at least 2"),
        key("minimum_share", "0.3", "nor does a smaller share of its calls, 0 to 1"),
        key("store", "\"all\"", "which calls are kept: all, bad or none; numbers are sealed"),
        key("keep", "\"30d\"", "how long calls are kept, with their files on tickets, from 1d"),
        key(
            "evidence",
            "\"off\"",
            "packets of the worst calls on a ticket: off, headers or payload (what was said)",
        ),
        key("evidence_files", "3", "such files on one ticket, 1 to 10"),
        key("evidence_kib", "256", "size of one of them, 16 to 4096"),
        key("evidence_memory_mib", "32", "memory for the latest packets, of which they are made, 1 to 1024"),
    ],
};

/// Where a carrier's media comes from.
pub(super) const MEDIA: SectionDoc = SectionDoc {
    name: "media",
    list: true,
    about: "Whose media comes from which networks, where it is not the address that is measured.",
    keys: &[
        key("element", "\"trunk-1\"", "a [[trunk]], [[gateway]], [[access]] or [[server]]"),
        key("networks", "[\"203.0.113.0/24\"]", "where its media comes from and goes to"),
    ],
};

/// Calls that are placed to measure.
pub(super) const TEST_CALL: SectionDoc = SectionDoc {
    name: "test_call",
    list: true,
    about: "A call of our own over a trunk, gateway or server: SIP and real voice both ways, judged like live calls.",
    keys: &[
        key("element", "\"trunk-1\"", "the trunk, gateway or server that it goes over; one test call each"),
        key(
            "to",
            "\"600\"",
            "a number that answers by itself, best an echo, called at the element's `sip`; or a SIP URI. `linesman probe \
             answer` is such an end",
        ),
        key("interval", "\"5m\"", "from call to call; longer than one may take"),
        key("duration", "\"10s\"", "how long is spoken"),
        key("timeout", "\"15s\"", "how long the far end may take to answer"),
        key("codec", "\"PCMA\"", "PCMA, PCMU, G729, G722 or GSM"),
        key("from", "\"linesman\"", "who calls: the user part of From"),
        key("user", "\"linesman\"", "user name, where the far end asks for one"),
        key("password_file", "\"/etc/linesman/trunk-1.password\"", "holds the password in its first line"),
    ],
};
