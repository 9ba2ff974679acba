//! What the tests of calls and streams share.

use std::net::SocketAddr;

use super::analysis::Analyzer;
use super::file::{Frame, LinkType};
use super::report::{CallRow, Report, StreamRow};
use super::write::{Scene, Written};
use crate::quality::score::{Assumptions, CodecTable};
use crate::quality::stream::Settings;

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn read(frames: &[Written], link: u32) -> Report {
    let mut analyzer = Analyzer::new(Settings::default());
    for (number, frame) in (1..).zip(frames) {
        analyzer.frame(&Frame { number, at: frame.at, link: LinkType(link), data: &frame.bytes });
    }
    Report::of(&analyzer.finish(), &CodecTable::standard(), &Assumptions::default())
}

/// Reads a scene on Ethernet.
pub(crate) fn seen(scene: Scene) -> Report {
    read(&scene.frames(), 1)
}

pub(crate) fn names(call: &CallRow) -> Vec<String> {
    call.findings
        .iter()
        .map(|kind| serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn stream<'a>(report: &'a Report, ssrc: &str) -> &'a StreamRow {
    let all = || report.streams.iter().map(|stream| stream.id.clone()).collect::<Vec<_>>();
    report
        .streams
        .iter()
        .find(|stream| stream.ssrc == ssrc)
        .unwrap_or_else(|| panic!("{ssrc} of {:?}", all()))
}
