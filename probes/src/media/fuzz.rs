//! What fuzzing feeds: any bytes to each reader of foreign bytes, and what must hold whatever they are.
//!
//! The targets stand in `fuzz/`, with a corpus each that is replayed by ordinary tests.

use crate::capture::analysis::Analyzer;
use crate::capture::file::{Frame, LinkType, Merge};
use crate::capture::live::{Limits, Live};
use crate::capture::report::Report;
use crate::capture::sip::{Framer, Message, Session};
use crate::feed::{hep, rtcp_json, tunnel, vq};
use crate::quality::score::{Assumptions, CodecTable};
use crate::quality::stream::Settings;
use crate::quality::{rtcp, rtp};

/// An RTP packet.
///
/// # Panics
/// When a header promises more payload than there are bytes.
pub fn fuzz_rtp(data: &[u8]) {
    if let Ok(header) = rtp::parse(data, data.len()) {
        assert!(header.payload_bytes <= data.len(), "more payload than bytes");
        let _ = header.flat_payload(data);
    }
}

/// An RTCP compound.
///
/// # Panics
/// When it gives more packets than fit.
pub fn fuzz_rtcp(data: &[u8]) {
    let read = rtcp::parse(data);
    assert!(read.packets.len() <= data.len() / 4 + 1, "more packets than fit");
    let _ = rtcp_json::parse(data);
}

/// A SIP message, alone and in a TCP flow, and the answer of a collector of reports.
pub fn fuzz_sip(data: &[u8]) {
    use crate::capture::net::Ordered;
    if let Some(message) = Message::parse(data)
        && let Some(sdp) = message.session_description()
    {
        let _ = Session::parse(sdp);
    }
    let mut framer = Framer::default();
    let (head, tail) = data.split_at(data.len() / 2);
    for part in [head, tail] {
        framer.push(Ordered::Bytes(part), |message| drop(Message::parse(message)));
    }
    let _ = vq::answer(data, 1);
}

/// A session description, and the body of a report.
pub fn fuzz_sdp(data: &[u8]) {
    let _ = Session::parse(data);
    let _ = vq::parse(data);
}

/// HEP packets, alone, in a connection and through the engine; mirrored packets.
///
/// # Panics
/// When a connection gives another first packet than the bytes alone.
pub fn fuzz_hep(data: &[u8]) {
    let mut live = Live::new(Settings::default(), Limits { streams: 64, dialogs: 64 });
    let alone = hep::parse(data);
    if let Ok(packet) = &alone {
        live.hep(1, packet);
    }
    let mut framer = hep::Framer::default();
    let mut first = None;
    let _ = framer.push(data, |bytes| {
        first.get_or_insert_with(|| hep::parse(bytes).is_ok());
    });
    if alone.is_ok() {
        assert_eq!(first, Some(true), "a connection gives another packet");
    }
    for (link, frame) in [tunnel::vxlan(data), tunnel::tzsp(data)].into_iter().flatten() {
        live.frame(&Frame { number: 1, at: 1, link: LinkType(link.0), data: frame });
    }
    let _ = live.finish(2);
}

/// A capture file of either format through the whole engine.
///
/// # Panics
/// When packets are lost that were never due, or a report cannot be written.
pub fn fuzz_capture(data: &[u8]) {
    let mut merge = Merge::new(vec![data]);
    let mut analyzer = Analyzer::new(Settings::default());
    while let Some(frame) = merge.next_frame() {
        analyzer.frame(&frame);
    }
    let report = Report::of(&analyzer.finish(), &CodecTable::standard(), &Assumptions::default());
    for stream in &report.streams {
        let quality = &stream.quality;
        assert_eq!(quality.unique + quality.lost, quality.expected, "unique and lost are not what was due");
    }
    assert!(serde_json::to_string(&report).is_ok(), "a report that cannot be written");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::quality::generate::Random;

    type Target = (&'static str, fn(&[u8]));

    const TARGETS: [Target; 7] = [
        ("rtp", fuzz_rtp),
        ("rtcp", fuzz_rtcp),
        ("sip", fuzz_sip),
        ("sdp", fuzz_sdp),
        ("hep", fuzz_hep),
        ("pcap", fuzz_capture),
        ("pcapng", fuzz_capture),
    ];

    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus").join(target);
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        assert!(paths.len() >= 3, "only {} files of the corpus of {target} were found", paths.len());
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }

    #[test]
    fn what_fuzzing_has_found_stays_mended() {
        for (target, run) in TARGETS {
            corpus(target).iter().for_each(|bytes| run(bytes));
        }
    }

    /// Rounds for each target; `LINESMAN_FUZZ_ROUNDS` asks for more, `LINESMAN_FUZZ_SEED` for others.
    fn of_environment(name: &str, usual: u64) -> u64 {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
    }

    #[test]
    fn changed_files_of_the_corpus_break_no_reader() {
        let mut random = Random::new(of_environment("LINESMAN_FUZZ_SEED", 7));
        for (target, run) in TARGETS {
            let corpus = corpus(target);
            for _ in 0..of_environment("LINESMAN_FUZZ_ROUNDS", 400) {
                let mut roll = |sides: usize| random.bits() as usize % sides.max(1);
                let mut bytes = corpus[roll(corpus.len())].clone();
                for _ in 0..=roll(6) {
                    let at = roll(bytes.len() + 1);
                    match roll(5) {
                        0 if at < bytes.len() => bytes[at] = roll(256) as u8,
                        1 if at < bytes.len() => bytes[at] ^= 1 << roll(8),
                        2 => bytes.truncate(at),
                        3 => {
                            let end = (at + roll(40)).min(bytes.len());
                            let copy = bytes[at..end].to_vec();
                            bytes.splice(at..at, copy);
                        }
                        _ => {
                            let end = (at + roll(40)).min(bytes.len());
                            bytes.drain(at..end);
                        }
                    }
                }
                let outcome = std::panic::catch_unwind(|| run(&bytes));
                assert!(outcome.is_ok(), "{target} fails on \"{}\"", bytes.escape_ascii());
            }
        }
    }
}
