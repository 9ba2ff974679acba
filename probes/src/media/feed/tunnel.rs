//! Mirrored packets within UDP: VXLAN (RFC 7348, as clouds mirror) and TZSP (as MikroTik and some access points do).

use crate::capture::file::LinkType;

/// Ethernet.
const ETHERNET: LinkType = LinkType(1);
/// Most tags of TZSP that are skipped.
const MAX_TAGS: usize = 64;

/// The frame that a VXLAN packet carries.
#[must_use]
pub fn vxlan(payload: &[u8]) -> Option<(LinkType, &[u8])> {
    let (header, frame) = payload.split_first_chunk::<8>()?;
    // The network identifier is valid.
    (header[0] & 0x08 != 0 && !frame.is_empty()).then_some((ETHERNET, frame))
}

/// The frame that a TZSP packet carries.
#[must_use]
pub fn tzsp(payload: &[u8]) -> Option<(LinkType, &[u8])> {
    let (header, mut rest) = payload.split_first_chunk::<4>()?;
    let [1, 0 | 2, encapsulated @ ..] = *header else { return None };
    let link = match u16::from_be_bytes(encapsulated) {
        1 => ETHERNET,
        // Raw IP, as some senders number it.
        12 => LinkType(101),
        _ => return None,
    };
    for _ in 0..MAX_TAGS {
        let (tag, after) = rest.split_first()?;
        rest = match tag {
            // Padding has no length; the end has the frame behind it.
            0 => after,
            1 => return (!after.is_empty()).then_some((link, after)),
            _ => after.get(1 + usize::from(*after.first()?)..)?,
        };
    }
    None
}
