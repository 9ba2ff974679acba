//! RTCP: known packets, running totals, round trips, and any bytes at all.

use proptest::prelude::*;

use super::*;

fn block(lost: i32, highest_sequence: u32) -> ReportBlock {
    ReportBlock {
        ssrc: 0x2222_2222,
        fraction_lost: 5,
        cumulative_lost: lost,
        highest_sequence,
        jitter: 120,
        last_sr: 0xb705_2000,
        delay_since_last_sr: 0x0005_4000,
    }
}

fn written(block: &ReportBlock) -> Vec<u8> {
    let mut bytes = block.ssrc.to_be_bytes().to_vec();
    bytes.push(block.fraction_lost);
    bytes.extend(&block.cumulative_lost.to_be_bytes()[1..]);
    for word in [block.highest_sequence, block.jitter, block.last_sr, block.delay_since_last_sr] {
        bytes.extend(word.to_be_bytes());
    }
    bytes
}

fn packet(kind: u8, count: u8, body: &[u8]) -> Vec<u8> {
    assert_eq!(body.len() % 4, 0);
    let words = u16::try_from(body.len() / 4).unwrap();
    let mut bytes = vec![0x80 | count, kind];
    bytes.extend(words.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// SR with two blocks, SDES, XR with VoIP metrics and an unknown block, APP, BYE.
fn compound() -> Vec<u8> {
    let mut sr = 0x1111_1111_u32.to_be_bytes().to_vec();
    sr.extend(0xb44d_b705_2000_0000_u64.to_be_bytes());
    for word in [16_000_u32, 100, 16_000] {
        sr.extend(word.to_be_bytes());
    }
    sr.extend(written(&block(7, 100)));
    sr.extend(written(&block(-3, 200)));
    let mut sdes = 0x1111_1111_u32.to_be_bytes().to_vec();
    sdes.extend([1, 5]);
    sdes.extend(b"a@b.c");
    sdes.extend([0]);
    let mut xr = 0x1111_1111_u32.to_be_bytes().to_vec();
    xr.extend([4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
    xr.extend([7, 0, 0, 8]);
    xr.extend(0x2222_2222_u32.to_be_bytes());
    xr.extend([
        13, 2, 128, 1, 0, 120, 0x4e, 0x20, 0, 80, 0, 177, 235, 192, 127, 16, 92, 127, 38, 127, 0xb0, 0,
    ]);
    xr.extend([0, 40, 0, 80, 1, 0x2c]);
    [
        packet(200, 2, &sr),
        packet(202, 1, &sdes),
        packet(207, 0, &xr),
        packet(204, 0, b"\0\0\0\0NAME"),
        packet(203, 1, b"\x11\x11\x11\x11\x03bye"),
    ]
    .concat()
}

#[test]
fn a_compound_packet_gives_every_block_it_holds() {
    let read = parse(&compound());
    assert_eq!(read.damage, None);
    let [Packet::SenderReport { sender, blocks, .. }, sdes, xr, app, bye] = &read.packets[..] else {
        panic!("{read:?}");
    };
    assert_eq!((sender.packets, sender.octets, sender.rtp_timestamp), (100, 16_000, 16_000));
    assert_eq!(blocks, &[block(7, 100), block(-3, 200)]);
    assert_eq!(sdes, &Packet::SourceDescription { sources: vec![(0x1111_1111, Some("a@b.c".to_owned()))] });
    let Packet::ExtendedReport { voip, skipped_blocks, .. } = xr else { panic!("{xr:?}") };
    assert_eq!(skipped_blocks, &[4]);
    let metrics = voip[0];
    assert_eq!((metrics.loss_rate, metrics.discard_rate, metrics.burst_density), (13, 2, 128));
    assert_eq!((metrics.burst_duration_ms, metrics.gap_duration_ms), (120, 20_000));
    assert_eq!(
        (metrics.signal_level_dbm, metrics.noise_level_dbm, metrics.rerl_db),
        (Some(-21), Some(-64), None)
    );
    assert_eq!((metrics.r_factor, metrics.external_r_factor), (Some(92), None));
    assert_eq!((metrics.mos_lq_tenths, metrics.mos_cq_tenths, metrics.rx_config), (Some(38), None, 0xb0));
    assert_eq!((metrics.buffer_nominal_ms, metrics.buffer_absolute_ms), (40, 300));
    assert_eq!(app, &Packet::Skipped { packet_type: 204 });
    assert_eq!(bye, &Packet::Bye { sources: vec![0x1111_1111], reason: Some("bye".to_owned()) });
}

#[test]
fn a_cut_compound_gives_what_came_before_the_cut() {
    let bytes = compound();
    let read = parse(&bytes[..bytes.len() - 1]);
    assert_eq!(read.packets.len(), 4);
    assert!(matches!(read.damage, Some(Damage::PacketCut { .. })));
    assert_eq!(parse(&[0x80, 201, 0]).damage, Some(Damage::HeaderCut));
    assert_eq!(parse(&packet(201, 31, &[0; 4])).damage, Some(Damage::ContentsCut(201)));
    assert_eq!(parse(&[0x40, 201, 0, 0]).damage, Some(Damage::Version(1)));
}

#[test]
fn padding_is_taken_off_and_checked() {
    let padded = |last: u8| [0xa0, 201, 0, 2, 1, 1, 1, 1, 0, 0, 0, last];
    assert_eq!(parse(&padded(4)).packets, [Packet::ReceiverReport { ssrc: 0x0101_0101, blocks: vec![] }]);
    assert_eq!(parse(&padded(0)).damage, Some(Damage::Padding));
    assert_eq!(parse(&padded(9)).damage, Some(Damage::Padding));
}

#[test]
fn rtcp_is_told_from_rtp_by_its_packet_type() {
    assert!(is_rtcp(&compound()));
    assert!(!is_rtcp(&[0x80, 8, 0, 1, 0, 0, 0, 0]) && !is_rtcp(&[0x80, 200]));
}

#[test]
fn the_published_round_trip_is_6_125_seconds() {
    assert_eq!(round_trip_s(0xb710_8000, 0xb705_2000, 0x0005_4000), Some(6.125));
    assert_eq!(round_trip_s(0xb710_8000, 0, 0x0005_4000), None);
    assert_eq!(round_trip_s(0x0000_1000, 0xffff_f000, 0x1000), Some(0x1000 as f64 / 65_536.0));
    assert_eq!(round_trip_s(1000, 2000, 0), None);
}

#[test]
fn a_report_is_timed_against_the_sender_report_it_answers() {
    let mut trip = RoundTrip::default();
    trip.sender_report(1_000_000_000, 0xb44d_b705_2000_0000);
    for later in 1..5_u64 {
        trip.sender_report(1_000_000_000 + later as i64, later << 40);
    }
    let away = 5.25 + 0.040;
    let got = trip.answered(1_000_000_000 + (away * 1e9) as i64, &block(0, 0)).unwrap();
    assert!((got - 0.040).abs() < 1e-6, "{got}");
    assert_eq!(trip.answered(2_000_000_000, &block(0, 0)), None, "sooner than its own delay: a wrong clock");
}

#[test]
fn totals_become_intervals_over_their_wraps_and_the_first_gives_none() {
    let mut told = Told::default();
    assert_eq!(told.block(0, 9, &block(1000, 5000), Some(8000)), None);
    let second = told.block(5, 9, &block(1010, 5250), Some(8000)).unwrap();
    assert_eq!((second.lost, second.expected, second.loss_ratio), (10, 250, Some(0.04)));
    assert_eq!(second.jitter_ms, Some(15.0));
    let fewer = told.block(6, 9, &block(1008, 5500), None).unwrap();
    assert_eq!((fewer.lost, fewer.loss_ratio, fewer.jitter_ms), (-2, Some(0.0), None));

    let mut at_the_edge = Told::default();
    at_the_edge.block(0, 9, &block(0x7f_fffe, u32::MAX - 9), None);
    let over = at_the_edge.block(1, 9, &block(-0x80_0000 + 1, 90), None).unwrap();
    assert_eq!((over.lost, over.expected), (3, 100));
}

#[test]
fn two_reporters_about_one_stream_are_kept_apart() {
    let mut told = Told::default();
    told.block(0, 1, &block(0, 100), None);
    assert_eq!(told.block(0, 2, &block(50, 100), None), None);
    assert_eq!(told.block(1, 1, &block(1, 200), None).unwrap().lost, 1);
    assert_eq!(told.block(1, 2, &block(60, 200), None).unwrap().lost, 10);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
        let _ = is_rtcp(&bytes);
    }

    #[test]
    fn any_damage_to_a_real_compound_is_survived(
        at in 0..200_usize,
        value in any::<u8>(),
        keep in 0..300_usize,
    ) {
        let mut bytes = compound();
        let at = at % bytes.len();
        bytes[at] = value;
        bytes.truncate(keep);
        let read = parse(&bytes);
        prop_assert!(read.packets.len() <= bytes.len() / 4 + 1);
    }

    #[test]
    fn a_signed_total_survives_writing_and_reading(lost in -0x80_0000..0x80_0000_i32) {
        let mut body = vec![0, 0, 0, 1];
        body.extend(written(&block(lost, 1)));
        let read = parse(&packet(201, 1, &body));
        let [Packet::ReceiverReport { blocks, .. }] = &read.packets[..] else { panic!("{read:?}") };
        prop_assert_eq!(blocks[0].cumulative_lost, lost);
    }

    #[test]
    fn any_reports_leave_ratios_in_range(
        reports in prop::collection::vec((0..4_u32, -0x80_0000..0x80_0000_i32, any::<u32>(), any::<i64>()), 0..50),
    ) {
        let (mut told, mut trip) = (Told::default(), RoundTrip::default());
        for (reporter, lost, highest, at_ns) in reports {
            trip.sender_report(at_ns, u64::from(highest) << 16);
            let block = ReportBlock { last_sr: highest, ..block(lost, highest) };
            let _ = trip.answered(at_ns, &block);
            if let Some(interval) = told.block(at_ns, reporter, &block, Some(8000)) {
                prop_assert!(interval.loss_ratio.is_none_or(|ratio| (0.0..=1.0).contains(&ratio)));
            }
        }
    }
}
