//! What is offered and what was agreed (RFC 3264, RFC 8866).

use std::net::{IpAddr, SocketAddr};

use linesman_media::capture::sip::{MediaKind, Session};

use super::codec::{CallCodec, PACKET_MS};

/// An offer, or the answer to one, of a single codec, with telephone events never sent.
#[must_use]
pub fn describe(media: SocketAddr, codec: CallCodec, session: u64) -> Vec<u8> {
    let version = if media.is_ipv4() { "IP4" } else { "IP6" };
    let host = media.ip();
    let payload_type = codec.payload_type();
    let name = codec.name();
    let mut text = format!(
        "v=0\r\no=linesman {session} 1 IN {version} {host}\r\ns=test call\r\nc=IN {version} {host}\r\nt=0 0\r\n\
         m=audio {} RTP/AVP {payload_type}\r\na=rtpmap:{payload_type} {name}/8000\r\n",
        media.port()
    );
    if codec == CallCodec::G729 {
        text.push_str("a=fmtp:18 annexb=no\r\n");
    }
    text.push_str(&format!("a=ptime:{PACKET_MS}\r\na=sendrecv\r\n"));
    text.into_bytes()
}

/// Where the far end wants its voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// RTP.
    pub rtp: SocketAddr,
    /// RTCP.
    pub rtcp: SocketAddr,
    /// Whether it means to send.
    pub far_sends: bool,
    /// Whether it means to listen.
    pub far_listens: bool,
}

/// Reads the answer to an offer of `codec`.
///
/// # Errors
/// Why no voice can flow by it.
pub fn agreed(description: &[u8], codec: CallCodec) -> Result<Agreed, String> {
    if description.is_empty() {
        return Err("the answer has no session description".to_owned());
    }
    let session = Session::parse(description);
    let Some(media) = session.first(MediaKind::Audio) else {
        return Err("the answer refuses audio (port 0 or none)".to_owned());
    };
    if media.encrypted {
        return Err("the answer wants SRTP, which was not offered".to_owned());
    }
    let Some(address) = media.address else {
        return Err("the answer names no address of its media that is a number".to_owned());
    };
    if !media.payload_types.contains(&codec.payload_type()) {
        return Err(format!("the answer does not take {}; offer another with --codec", codec.name()));
    }
    let rtp = socket(address.ip(), address.port());
    if rtp.ip().is_unspecified() || rtp.ip().is_multicast() {
        return Err(format!("the answer wants its media at {}, which is on hold or nowhere", rtp.ip()));
    }
    let rtcp = media
        .rtcp
        .map_or_else(|| socket(rtp.ip(), rtp.port().wrapping_add(1)), |rtcp| socket(rtcp.ip(), rtcp.port()));
    Ok(Agreed { rtp, rtcp, far_sends: media.direction.sends(), far_listens: media.direction.receives() })
}

fn socket(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip, port)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_offered_is_understood_by_whoever_reads_it() {
        for (address, codec) in [("192.0.2.1:4000", CallCodec::Pcma), ("[2001:db8::1]:4000", CallCodec::G729)]
        {
            let address: SocketAddr = address.parse().expect("an address");
            let agreed = agreed(&describe(address, codec, 7), codec).expect("fair");
            assert_eq!(agreed.rtp, address);
            assert_eq!(agreed.rtcp.port(), 4001);
            assert!(agreed.far_sends && agreed.far_listens);
        }
    }

    #[test]
    fn an_answer_by_which_no_voice_can_flow_says_why() {
        let with = |media: &str| format!("v=0\r\nc=IN IP4 192.0.2.9\r\n{media}\r\n");
        let why = |text: &str| agreed(text.as_bytes(), CallCodec::Pcma).expect_err(text);
        assert!(why("").contains("no session description"));
        assert!(why(&with("m=audio 0 RTP/AVP 8")).contains("refuses audio"));
        assert!(why(&with("m=audio 4000 RTP/AVP 0")).contains("--codec"));
        assert!(why(&with("m=audio 4000 RTP/SAVP 8")).contains("SRTP"));
        assert!(why("v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 8\r\n").contains("on hold"));
        assert!(
            why("v=0\r\nc=IN IP4 media.example.net\r\nm=audio 4000 RTP/AVP 8\r\n").contains("no address")
        );
        let held = with("m=audio 4000 RTP/AVP 8\r\na=recvonly\r\na=rtcp:5001");
        let held = agreed(held.as_bytes(), CallCodec::Pcma).expect("fair");
        assert!(!held.far_sends && held.far_listens && held.rtcp.port() == 5001);
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = agreed(&bytes, CallCodec::Pcmu);
        }
    }
}
