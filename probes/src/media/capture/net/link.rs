//! Below IP: which bytes of a frame are the IP packet.

use crate::capture::file::LinkType;

/// Deepest nesting of tags that is followed.
const MAX_TAGS: usize = 8;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// The IP packet of a frame, if it holds one.
pub(in crate::capture) fn network_layer(link: LinkType, frame: &[u8]) -> Option<&[u8]> {
    match link.0 {
        // Ethernet: two addresses, then the type.
        1 => typed(u16_at(frame, 12)?, frame.get(14..)?),
        // Raw IP, as libpcap numbers it on several systems; IPv4; IPv6.
        12 | 14 | 101 | 228 | 229 => Some(frame),
        // BSD loopback: the address family in the byte order of the host, or of the network.
        0 | 108 => family(frame),
        // PPP, also with HDLC framing; PPPoE within its own link type.
        9 | 50 => ppp(frame),
        51 => ppp(frame.get(6..)?),
        // Cisco HDLC.
        104 => typed(u16_at(frame, 2)?, frame.get(4..)?),
        // Linux cooked captures ("any" as an interface).
        113 => typed(u16_at(frame, 14)?, frame.get(16..)?),
        276 => typed(u16_at(frame, 0)?, frame.get(20..)?),
        _ => None,
    }
}

/// After an EtherType: VLAN tags (802.1Q, QinQ), PPPoE, MPLS, LLC with SNAP.
fn typed(mut kind: u16, mut rest: &[u8]) -> Option<&[u8]> {
    for _ in 0..MAX_TAGS {
        match kind {
            IPV4 | IPV6 => return Some(rest),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                kind = u16_at(rest, 2)?;
                rest = rest.get(4..)?;
            }
            0x8864 => return ppp(rest.get(6..)?),
            0x8847 | 0x8848 => return mpls(rest),
            0..=1500 => {
                let ([0xaa, 0xaa, 3, 0, 0, 0], [first, second, inner @ ..]) = rest.split_at_checked(6)?
                else {
                    return None;
                };
                kind = u16::from_be_bytes([*first, *second]);
                rest = inner;
            }
            _ => return None,
        }
    }
    None
}

fn family(frame: &[u8]) -> Option<&[u8]> {
    let family: [u8; 4] = frame.get(..4)?.try_into().ok()?;
    let family = u32::from_le_bytes(family).min(u32::from_be_bytes(family));
    // 2 is IPv4 everywhere; the others are IPv6 on Linux, NetBSD, FreeBSD and macOS.
    matches!(family, 2 | 10 | 24 | 28 | 30).then(|| frame.get(4..)).flatten()
}

fn ppp(frame: &[u8]) -> Option<&[u8]> {
    let frame = frame.strip_prefix(&[0xff, 3]).unwrap_or(frame);
    matches!(u16_at(frame, 0)?, 0x21 | 0x57).then(|| frame.get(2..)).flatten()
}

fn mpls(mut rest: &[u8]) -> Option<&[u8]> {
    for _ in 0..MAX_TAGS {
        let bottom = rest.get(2)? & 1 == 1;
        rest = rest.get(4..)?;
        if bottom {
            return matches!(rest.first()? >> 4, 4 | 6).then_some(rest);
        }
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}
