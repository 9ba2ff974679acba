//! One name for a codec, whatever a switch or a session description calls it.

/// Names of each codec; the first is that of RTP (RFC 3551 and its registry).
const NAMES: &[&[&str]] = &[
    &["PCMU", "g711u", "g711ulaw", "ulaw", "mulaw", "g711mu", "pcmulaw", "0"],
    &["PCMA", "g711a", "g711alaw", "alaw", "pcmalaw", "8"],
    &["G722", "g722", "g72264", "9"],
    &["G723", "g7231", "g723", "g723163", "g723153", "4"],
    &["G729", "g729", "g729a", "g729b", "g729ab", "18"],
    &["G728", "g728", "15"],
    &["GSM", "gsm", "gsmfr", "3"],
    &["GSM-EFR", "gsmefr"],
    &["G726-32", "g72632", "g726", "2"],
    &["AMR", "amr", "amrnb"],
    &["AMR-WB", "amrwb", "g7222"],
    &["iLBC", "ilbc"],
    &["opus", "opus"],
    &["speex", "speex"],
    &["EVS", "evs"],
    &["L16", "l16"],
];

/// The codec that a text names; none where it is not known: then nothing is said of it.
#[must_use]
pub fn named(text: &str) -> Option<&'static str> {
    // `PCMA/8000`, `PCMA@20i`, `G.711 A-law`.
    let head = text.trim().split(['/', '@', ',', ';']).next().unwrap_or_default();
    let plain: String =
        head.chars().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_lowercase()).collect();
    let fits = |names: &&&[&'static str]| {
        names.iter().any(|name| name.eq_ignore_ascii_case(&plain))
            || names.first().is_some_and(|name| name.replace('-', "").eq_ignore_ascii_case(&plain))
    };
    NAMES.iter().find(fits).and_then(|names| names.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_switches_and_of_rtp_are_one() {
        for text in ["PCMA", "G.711 A-law", "g711a", "alaw", "8", "PCMA/8000", "PCMA@20i"] {
            assert_eq!(named(text), Some("PCMA"), "{text}");
        }
        assert_eq!(named("G.729AB"), Some("G729"));
        assert_eq!(named("AMR-WB"), Some("AMR-WB"));
        assert_eq!(named("g711"), None, "which law is not said");
        assert_eq!(named("telephone-event"), None);
        assert_eq!(named(""), None);
    }
}
