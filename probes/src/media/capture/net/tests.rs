//! Whatever stands around a datagram, the datagram comes out.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::capture::file::LinkType;
use crate::capture::write::{self, Wrap};

const WRAPS: [Wrap; 7] =
    [Wrap::Ethernet, Wrap::Vlan(7), Wrap::QinQ(100, 7), Wrap::Sll, Wrap::Sll2, Wrap::Raw, Wrap::Null];

fn pairs() -> [(SocketAddr, SocketAddr); 2] {
    let at = |text: &str| text.parse().unwrap();
    [(at("192.0.2.1:4000"), at("198.51.100.2:8000")), (at("[2001:db8::1]:4000"), at("[2001:db8::2]:8000"))]
}

fn decoded(
    decoder: &mut Decoder,
    wrap: Wrap,
    at: i64,
    ip: &[u8],
) -> Option<(Endpoint, Endpoint, u8, Vec<u8>, usize)> {
    let bytes = write::frame(wrap, ip);
    let frame = Frame { number: 1, at, link: LinkType(wrap.link_type().into()), data: &bytes };
    match decoder.decode(&frame) {
        Packet::Udp(Datagram { source, destination, dscp, payload, length, .. }) => {
            Some((source, destination, dscp, payload.to_vec(), length))
        }
        _ => None,
    }
}

#[test]
fn a_datagram_is_found_behind_every_link_header_in_both_families() {
    for wrap in WRAPS {
        for (source, destination) in pairs() {
            let ip = write::udp(source, destination, 46, b"voice");
            let got =
                decoded(&mut Decoder::default(), wrap, 0, &ip).unwrap_or_else(|| panic!("{wrap:?} {source}"));
            assert_eq!(got, (source.into(), destination.into(), 46, b"voice".to_vec(), 5), "{wrap:?}");
        }
    }
}

#[test]
fn padding_of_short_ethernet_frames_is_no_payload_and_a_snap_length_hides_none_of_its_length() {
    let (source, destination) = pairs()[0];
    let mut padded = write::udp(source, destination, 0, b"ab");
    padded.extend([0; 16]);
    assert_eq!(decoded(&mut Decoder::default(), Wrap::Ethernet, 0, &padded).unwrap().3, b"ab");
    let cut = write::udp(source, destination, 0, &[7; 160]);
    let (.., payload, length) =
        decoded(&mut Decoder::default(), Wrap::Ethernet, 0, &cut[..20 + 8 + 12]).unwrap();
    assert_eq!((payload.len(), length), (12, 160));
}

#[test]
fn fragments_in_any_order_are_joined_once_all_are_there() {
    let body: Vec<u8> = (0..3_000_u32).map(|byte| byte as u8).collect();
    for (source, destination) in pairs() {
        let mut parts = write::fragments(source, destination, &body, 1_000);
        parts.reverse();
        parts.swap(0, 1);
        let mut decoder = Decoder::default();
        let got: Vec<_> = parts.iter().map(|part| decoded(&mut decoder, Wrap::Ethernet, 0, part)).collect();
        assert!(got[..parts.len() - 1].iter().all(Option::is_none));
        let last = got.last().unwrap().as_ref().expect("whole");
        assert_eq!((last.0, last.1, &last.3), (source.into(), destination.into(), &body));
    }
}

#[test]
fn fragments_that_never_become_whole_are_forgotten() {
    let body = [1; 2_000];
    let mut decoder = Decoder::default();
    for port in 1..2_000_u16 {
        let source = SocketAddr::new("192.0.2.1".parse().unwrap(), port);
        let mut first = write::fragments(source, pairs()[0].1, &body, 1_000).swap_remove(0);
        first[4..6].copy_from_slice(&port.to_be_bytes());
        decoded(&mut decoder, Wrap::Raw, 0, &first);
    }
    assert!(decoder.fragments.held() <= 256);
}

fn flow(segments: &[(u32, u8, &[u8])]) -> Vec<u8> {
    let (source, destination) = pairs()[0];
    let mut flows = Flows::<Vec<u8>>::default();
    let mut got = Vec::new();
    for (sequence, flags, payload) in segments {
        let ip = write::tcp(source, destination, *sequence, *flags, payload);
        let frame = Frame { number: 1, at: 0, link: LinkType(101), data: &ip };
        let mut decoder = Decoder::default();
        let Packet::Tcp(segment) = decoder.decode(&frame) else { panic!("no segment") };
        flows.push(
            &segment,
            |_| true,
            |_, ordered| match ordered {
                Ordered::Bytes(bytes) => got.extend_from_slice(bytes),
                Ordered::Gap => got.push(b'|'),
            },
        );
    }
    got
}

#[test]
fn segments_come_out_in_order_each_byte_once() {
    let first = u32::MAX - 2;
    let segments: [(u32, u8, &[u8]); 6] = [
        (first, 2, b""),
        (first.wrapping_add(1), 16, b"abc"),
        (first.wrapping_add(7), 16, b"ghi"),
        (first.wrapping_add(1), 16, b"abcd"),
        (first.wrapping_add(5), 16, b"efg"),
        (first.wrapping_add(10), 17, b"j"),
    ];
    assert_eq!(flow(&segments), b"|abcdefghij");
}

#[test]
fn a_gap_that_never_closes_is_jumped_over() {
    let mut segments: Vec<(u32, u8, &[u8])> = vec![(0, 2, b""), (1, 16, b"a")];
    segments.extend((0..70).map(|index| (10 + index, 16, &b"x"[..])));
    let got = flow(&segments);
    assert!(got.starts_with(b"|a|xxx"), "{}", String::from_utf8_lossy(&got));
}

proptest! {
    #[test]
    fn any_frame_of_any_link_type_is_decoded_without_a_panic(
        link in prop_oneof![Just(0_u32), Just(1), Just(9), Just(51), Just(101), Just(104), Just(113), Just(276), any::<u32>()],
        data in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = Decoder::default().decode(&Frame { number: 1, at: 0, link: LinkType(link), data: &data });
    }

    #[test]
    fn damage_to_good_frames_is_decoded_without_a_panic(
        wrap in 0_usize..7,
        family in 0_usize..2,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<proptest::sample::Index>(),
    ) {
        let (source, destination) = pairs()[family];
        let mut decoder = Decoder::default();
        for ip in write::fragments(source, destination, &[5; 100], 40) {
            let mut bytes = write::frame(WRAPS[wrap], &ip);
            for (place, value) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            let link = LinkType(WRAPS[wrap].link_type().into());
            let _ = decoder.decode(&Frame { number: 1, at: 0, link, data: &bytes });
        }
    }

    #[test]
    fn the_short_way_through_a_plain_header_comes_to_what_the_long_one_does(
        protocol in prop_oneof![Just(6_u8), Just(17), any::<u8>()],
        changes in proptest::collection::vec((0..24_usize, any::<u8>()), 0..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        let (source, destination) = pairs()[0];
        let mut ip = write::udp(source, destination, 46, &[5; 60]);
        ip[9] = protocol;
        changes.iter().for_each(|(place, value)| ip[*place] = *value);
        ip.truncate(cut.index(ip.len()) + 1);
        if let Some(short) = Header::plain_v4(&ip) {
            prop_assert_eq!(Some(short), Header::any(&ip));
        }
    }

    #[test]
    fn tcp_never_gives_more_than_it_was_given(
        segments in proptest::collection::vec((any::<u32>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..20)), 0..60),
        near in any::<bool>(),
    ) {
        let given: usize = segments.iter().map(|(.., payload)| payload.len() + 2).sum();
        let segments: Vec<_> = segments
            .iter()
            .map(|(sequence, flags, payload)| (if near { sequence % 64 } else { *sequence }, *flags, payload.as_slice()))
            .collect();
        prop_assert!(flow(&segments).len() <= given + 1);
    }
}
