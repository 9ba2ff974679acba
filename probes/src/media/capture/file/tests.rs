//! Files of every form give the same packets; broken ones say where.

use std::io::{Read, Write as _};

use proptest::prelude::*;

use super::*;
use crate::capture::write::{self, Ng, Written};

fn frames(count: u8) -> Vec<Written> {
    (0..count)
        .map(|index| Written {
            at: 1_700_000_000_000_000_000 + i64::from(index) * 20_000_000,
            bytes: vec![index; usize::from(index) + 14],
        })
        .collect()
}

/// What was read, and where it broke.
fn read(source: impl Read) -> (Vec<Written>, Option<ReadError>) {
    let mut read = Vec::new();
    let mut capture = match Capture::open(source) {
        Ok(capture) => capture,
        Err(error) => return (read, Some(error)),
    };
    loop {
        match capture.next_frame() {
            Ok(Some(frame)) => {
                assert_eq!(frame.number, read.len() as u64 + 1);
                read.push(Written { at: frame.at, bytes: frame.data.to_vec() });
            }
            Ok(None) => return (read, None),
            Err(error) => return (read, Some(error)),
        }
    }
}

/// Hands out one byte at a time, as a slow pipe may.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let one = to.len().min(1);
        (&mut self.0).take(one as u64).read(to)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn every_form(frames: &[Written]) -> Vec<Vec<u8>> {
    vec![
        write::pcap(1, frames),
        write::pcap_swapped(1, frames),
        write::pcapng(Ng::default(), frames),
        write::pcapng(Ng { resolution: 6, swapped: true, offset: 1_000, ..Ng::default() }, frames),
        write::pcapng(Ng { resolution: 12, interfaces: &[1, 1, 101], ..Ng::default() }, &frames[..0]),
        write::pcapng(Ng { interfaces: &[1, 113], offset: -3_600, ..Ng::default() }, frames),
    ]
}

#[test]
fn every_form_gives_the_same_packets_also_from_a_slow_pipe_and_packed() {
    let frames = frames(40);
    for (form, bytes) in every_form(&frames).into_iter().enumerate() {
        let expected = if form == 4 { &frames[..0] } else { &frames[..] };
        for (got, broken) in [read(bytes.as_slice()), read(Drip(&bytes)), read(gzip(&bytes).as_slice())] {
            assert!(broken.is_none(), "{form}: {broken:?}");
            assert_eq!(got, expected, "{form}");
        }
    }
}

#[test]
fn sections_of_either_byte_order_follow_each_other_and_gzip_members_too() {
    let frames = frames(6);
    let first = write::pcapng(Ng { swapped: true, ..Ng::default() }, &frames[..3]);
    let second = write::pcapng(Ng { resolution: 6, ..Ng::default() }, &frames[3..]);
    assert_eq!(read([first.clone(), second.clone()].concat().as_slice()).0, frames);
    assert_eq!(read([gzip(&first), gzip(&second)].concat().as_slice()).0, frames);
}

#[test]
fn a_truncated_file_gives_what_is_there_and_the_number_of_the_packet_that_is_not() {
    let frames = frames(10);
    let whole = write::pcap(1, &frames);
    let cut = &whole[..whole.len() - 5];
    let (got, broken) = read(cut);
    assert_eq!(got, frames[..9]);
    let broken = broken.expect("it is broken");
    assert_eq!(broken.packet, 10);
    assert!(broken.to_string().contains("at packet 10: the file ends within it"), "{broken}");
    let packed = gzip(&whole);
    let (got, broken) = read(&packed[..packed.len() / 2]);
    assert!(got.len() < 10 && broken.is_some());
}

#[test]
fn a_damaged_length_is_no_reason_to_take_memory_or_to_go_on() {
    let frames = frames(3);
    let mut file = write::pcap(1, &frames);
    file[24 + 16 + 14 + 8..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let (got, broken) = read(file.as_slice());
    assert_eq!((got.len(), broken.map(|error| error.packet)), (1, Some(2)));
    let mut file = write::pcapng(Ng::default(), &frames);
    let last = file.len() - 4;
    file[last..].copy_from_slice(&[1, 2, 3, 4]);
    let (got, broken) = read(file.as_slice());
    assert_eq!((got.len(), broken.map(|error| error.packet)), (2, Some(3)));
}

#[test]
fn what_is_no_capture_is_called_so() {
    for (bytes, word) in [(&b""[..], "empty"), (b"ab", "neither"), (b"hello world, this is text", "neither")]
    {
        let (_, broken) = read(bytes);
        assert!(broken.expect("refused").to_string().contains(word));
    }
}

#[test]
fn simple_packets_without_time_take_that_of_the_packet_before_and_unknown_blocks_are_skipped() {
    let frames = frames(2);
    let mut file = write::pcapng(Ng::default(), &frames);
    let block = |kind: u32, body: &[u8]| {
        let length = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &length, body, &length].concat()
    };
    file.extend(block(0x0bad_cafe, &[9; 40]));
    file.extend(block(3, &[4, 0, 0, 0, 1, 2, 3, 4]));
    let (got, broken) = read(file.as_slice());
    assert!(broken.is_none());
    assert_eq!(got[2], Written { at: frames[1].at, bytes: vec![1, 2, 3, 4] });
}

#[test]
fn several_files_are_read_in_the_order_of_time_and_a_broken_one_stops_none_of_the_others() {
    let all = frames(20);
    let (even, odd): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|frame| frame.bytes[0] % 2 == 0);
    let first = write::pcap(1, &even);
    let second = write::pcapng(Ng::default(), &odd);
    let second = &second[..second.len() - 3];
    let mut merge = Merge::new(vec![second, first.as_slice(), b"no capture"]);
    let mut got = Vec::new();
    while let Some(frame) = merge.next_frame() {
        got.push(Written { at: frame.at, bytes: frame.data.to_vec() });
    }
    assert_eq!(got, all[..19]);
    let broken: Vec<_> = merge.broken().iter().map(|broken| (broken.file, broken.error.packet)).collect();
    assert_eq!(broken, [(2, 1), (0, 10)]);
    assert_eq!(merge.packets(), 19);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        read(bytes.as_slice());
    }

    #[test]
    fn any_damage_to_a_good_file_leaves_packets_of_at_most_its_size(
        form in 0_usize..6,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = every_form(&frames(12)).swap_remove(form);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let (got, _) = read(bytes.as_slice());
        prop_assert!(got.iter().map(|frame| frame.bytes.len()).sum::<usize>() <= bytes.len());
    }
}
