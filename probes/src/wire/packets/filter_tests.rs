//! The program as the kernel would run it, by a small machine of our own; the kernel's is asked in `tests`.

use proptest::prelude::*;

use super::*;

/// Runs a program on a packet that begins with its network header.
fn runs(program: &[Instruction], protocol: u32, packet: &[u8]) -> bool {
    let (mut a, mut x, mut at) = (0_u32, 0_u32, 0_usize);
    let load = |place: u32, bytes: usize| -> Option<u32> {
        let place = place.wrapping_sub(NETWORK) as usize;
        packet
            .get(place..place + bytes)
            .map(|part| part.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let jump = |yes: bool| usize::from(if yes { jt } else { jf });
        let loaded = match code {
            LOAD_WORD if k == PROTOCOL => Some(protocol),
            LOAD_WORD => load(k, 4),
            LOAD_HALF => load(k, 2),
            LOAD_BYTE => load(k, 1),
            LOAD_HALF_AT_X => load(k.wrapping_add(x), 2),
            _ => Some(a),
        };
        // The kernel drops a packet that is too short for its program.
        let Some(loaded) = loaded else { return false };
        a = loaded;
        match code {
            AND => a &= k,
            SHIFT_LEFT => a <<= k,
            A_TO_X => x = a,
            JUMP_EQUAL => at += jump(a == k),
            JUMP_MORE => at += jump(a > k),
            JUMP_NOT_LESS => at += jump(a >= k),
            JUMP_SET => at += jump(a & k != 0),
            RETURN => return k > 0,
            _ => {}
        }
    }
}

fn v4(source: [u8; 4], destination: [u8; 4], protocol: u8, ports: (u16, u16)) -> Vec<u8> {
    let mut bytes = vec![0x46, 0, 0, 52, 0, 0, 0, 0, 64, protocol, 0, 0];
    bytes.extend(source);
    bytes.extend(destination);
    bytes.extend([1, 1, 1, 0]);
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes
}

fn v6(source: [u8; 16], destination: [u8; 16], next: u8, ports: (u16, u16)) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0, 0, 8, next, 64];
    bytes.extend(source);
    bytes.extend(destination);
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes
}

fn filter(text: &str) -> Filter {
    text.parse().unwrap()
}

#[test]
fn udp_passes_and_nothing_else_unless_it_is_asked_for() {
    let (one, two) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let plain = filter("").program(false);
    assert!(runs(&plain, 0x0800, &v4(one, two, 17, (4_000, 8_000))));
    assert!(!runs(&plain, 0x0800, &v4(one, two, 6, (5_060, 8_000))));
    assert!(!runs(&plain, 0x0806, &[0; 40]));
    assert!(runs(&plain, 0x8100, &[0; 40]), "a tag within the packet is read later");
    let tcp = filter("").with_tcp(SIP_PORTS).program(false);
    assert!(runs(&tcp, 0x0800, &v4(one, two, 6, (5_060, 40_000))));
    assert!(runs(&tcp, 0x0800, &v4(one, two, 6, (40_000, 5_061))));
    assert!(!runs(&tcp, 0x0800, &v4(one, two, 6, (443, 40_000))));
    assert!(runs(&tcp, 0x86dd, &v6([1; 16], [2; 16], 6, (5_060, 1))));
    assert!(runs(&plain, 0x86dd, &v6([1; 16], [2; 16], 44, (0, 0))), "a fragment is read later");
    let mut later_fragment = v4(one, two, 17, (1, 1));
    later_fragment[7] = 5;
    assert!(runs(&filter("port 9").program(false), 0x0800, &later_fragment));
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_words_that_can() {
    assert!(matches!("tcp".parse::<Filter>(), Err(FilterError::Word(_))));
    assert!(matches!("port x".parse::<Filter>(), Err(FilterError::Value { .. })));
    assert!(matches!("portrange 9-3".parse::<Filter>(), Err(FilterError::Value { .. })));
    assert!(matches!("net 10.0.0.0/33".parse::<Filter>(), Err(FilterError::Value { .. })));
    assert_eq!("host 1.1.1.1 ".repeat(9).parse::<Filter>(), Err(FilterError::TooLong));
    assert_eq!(filter("udp and host ::1 and port 7").to_string(), "udp net ::1/128 portrange 7-7");
}

#[test]
fn the_longest_filter_still_reaches_its_ends() {
    let networks: Vec<_> = (0..MOST).map(|n| format!("net 2001:db8:{n}::/48")).collect();
    let program = filter(&networks.join(" and ")).with_tcp(SIP_PORTS).program(false);
    assert!(program.len() < 255, "{}", program.len());
    let last: std::net::Ipv6Addr = "2001:db8:7::1".parse().unwrap();
    assert!(runs(&program, 0x86dd, &v6([1; 16], last.octets(), 17, (1, 2))));
    assert!(!runs(&program, 0x86dd, &v6([1; 16], [9; 16], 17, (1, 2))));
}

proptest! {
    #[test]
    fn the_program_agrees_with_the_words(
        source in 0..8_u8,
        destination in 0..8_u8,
        ports in (0..40_u16, 0..40_u16),
        host in 0..8_u8,
        length in 28..=32_u8,
        from in 0..30_u16,
        width in 0..10_u16,
    ) {
        let mask = u8::MAX.checked_shl(u32::from(32 - length)).unwrap_or(0);
        let text = format!("net 10.0.0.{host}/{length} and portrange {from}-{}", from + width);
        let packet = v4([10, 0, 0, source], [10, 0, 0, destination], 17, ports);
        let host_fits = [source, destination].iter().any(|end| end & mask == host & mask);
        let port_fits = [ports.0, ports.1].iter().any(|port| (from..=from + width).contains(port));
        prop_assert_eq!(runs(&filter(&text).program(false), 0x0800, &packet), host_fits && port_fits);
    }

    #[test]
    fn any_words_are_refused_or_understood(text in "[a-z0-9./: -]{0,60}") {
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert!(filter.program(false).len() < 255);
        }
    }
}
