//! Messages as real switches write them, and as nobody should.

use proptest::prelude::*;

use super::*;
use crate::capture::net::{Endpoint, Ordered};

const OFFER: &str = "v=0\r\no=alice 53655765 2353687637 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 8 0 18 96 101\r\na=rtpmap:96 AMR-WB/16000\r\na=fmtp:96 mode-set=2\r\na=fmtp:18 annexb=no\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n";

fn invite(body: &str) -> String {
    format!(
        "INVITE sip:+862155550000@carrier.example SIP/2.0\r\n\
         v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n\
         f: \"Alice, in Wonder;land\" <sip:+4930123456:secret@example.org;user=phone>;tag=1928\r\n\
         t: <sip:+862155550000@carrier.example>\r\n\
         i: a84b4c76e66710@pc33\r\n\
         CSeq: 314159\r\n INVITE\r\n\
         Subject: folded\r\n\t over lines\r\n\
         c: application/sdp\r\n\
         l: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn compact_and_folded_headers_are_read_and_no_password_is_kept() {
    let text = invite(OFFER);
    let message = Message::parse(text.as_bytes()).expect("a message");
    assert_eq!(message.start, Start::Request("INVITE".into()));
    assert_eq!((message.cseq, message.method.as_str()), (314_159, "INVITE"));
    assert_eq!(message.call_id, "a84b4c76e66710@pc33");
    assert_eq!(
        message.from,
        Party { user: "+4930123456".into(), host: "example.org".into(), tag: "1928".into() }
    );
    assert_eq!(
        (message.to.address().as_str(), message.to.tag.as_str()),
        ("+862155550000@carrier.example", "")
    );
    assert_eq!(message.branch, "z9hG4bK776asdhds");
    assert_eq!(message.session_description(), Some(OFFER.as_bytes()));
}

#[test]
fn an_offer_says_where_in_what_and_which_way() {
    let session = Session::parse(OFFER.as_bytes());
    assert_eq!(session.origin, "alice 53655765");
    let audio = session.first(MediaKind::Audio).expect("audio");
    assert_eq!(audio.address, Some(Endpoint::v4([192, 0, 2, 1], 4000)));
    assert_eq!(audio.rtcp, Some(Endpoint::v4([192, 0, 2, 1], 4001)));
    assert_eq!(audio.payload_types, [8, 0, 18, 96, 101]);
    assert_eq!((audio.ptime_ms, audio.direction, audio.encrypted), (Some(20.0), Direction::SendRecv, false));
    let wideband = audio.formats.get(96);
    assert_eq!(
        (&*wideband.codec, wideband.clock_rate, wideband.variant.as_deref()),
        ("AMR-WB", 16_000, Some("12.65"))
    );
    assert_eq!(audio.formats.get(18).variant.as_deref(), Some("annexb=no"));
    assert_eq!(&*audio.formats.get(8).codec, "PCMA");
}

#[test]
fn hold_refusal_fax_encryption_and_several_media_are_told_apart() {
    let text = "v=0\no=- 1 1 IN IP6 2001:db8::1\ns=-\na=inactive\nm=audio 0 RTP/AVP 0\nc=IN IP6 2001:db8::9\n\
        m=audio 5000 RTP/SAVP 0\nc=IN IP6 2001:db8::7\na=rtcp:6001 IN IP6 2001:db8::8\n\
        m=image 5002 udptl t38\nc=IN IP4 0.0.0.0\nm=video 5004 RTP/AVP 96\nc=IN IP4 192.0.2.1\na=rtcp-mux\na=recvonly\n";
    let session = Session::parse(text.as_bytes());
    let [refused, voice, fax, video] = session.media.as_slice() else { panic!("{session:?}") };
    assert!(refused.refused && !voice.refused);
    assert_eq!((voice.direction, voice.encrypted), (Direction::Inactive, true));
    assert_eq!(voice.rtcp, Some("[2001:db8::8]:6001".parse::<std::net::SocketAddr>().unwrap().into()));
    assert_eq!((fax.kind, fax.address.is_some_and(Endpoint::is_unspecified)), (MediaKind::Fax, true));
    assert_eq!(
        (video.kind, video.direction, video.rtcp),
        (MediaKind::Video, Direction::RecvOnly, video.address)
    );
}

#[test]
fn a_description_within_a_multipart_body_is_found() {
    let body = format!(
        "--x\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--x\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--x--\r\n"
    );
    let text = invite(&body).replace("c: application/sdp", "c: multipart/mixed;boundary=x");
    let message = Message::parse(text.as_bytes()).expect("a message");
    let session = Session::parse(message.session_description().expect("SDP"));
    assert_eq!(session.media.len(), 1);
}

#[test]
fn what_is_no_sip_is_refused_at_a_glance() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"SIP/2.0",
        b"\x80\x08\x00\x01",
        b"",
        b"INVITE",
        b"NOTIFY * HTTP/1.1\r\n",
    ] {
        assert!(!looks_like_sip(bytes), "{bytes:?}");
    }
    assert!(looks_like_sip(b"SIP/2.0 200 OK\r\n") && looks_like_sip(b"BYE sip:a@b SIP/2.0\r\n"));
}

#[test]
fn messages_are_cut_from_a_stream_wherever_its_segments_end_and_after_a_gap() {
    let one = invite(OFFER);
    let two = "SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n";
    let stream = format!("\r\n\r\n{one}{two}{one}");
    for size in [1, 7, 100, 5_000] {
        let (mut framer, mut got) = (Framer::default(), Vec::new());
        for piece in stream.as_bytes().chunks(size) {
            framer.push(Ordered::Bytes(piece), |message| {
                got.push(String::from_utf8_lossy(message).into_owned())
            });
        }
        assert_eq!(got, [one.as_str(), two, &one], "{size}");
    }
    let (mut framer, mut got) = (Framer::default(), 0);
    framer.push(Ordered::Bytes(&one.as_bytes()[..200]), |_| got += 1);
    framer.push(Ordered::Gap, |_| got += 1);
    framer.push(Ordered::Bytes(format!("rest of a line\r\n{two}").as_bytes()), |_| got += 1);
    assert_eq!(got, 1);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Message::parse(&bytes);
        let _ = Session::parse(&bytes);
        let mut framer = Framer::default();
        framer.push(Ordered::Bytes(&bytes), |_| {});
    }

    #[test]
    fn a_damaged_message_is_read_without_a_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = invite(OFFER).into_bytes();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Some(message) = Message::parse(&bytes)
            && let Some(sdp) = message.session_description()
        {
            prop_assert!(Session::parse(sdp).media.len() <= 16);
        }
    }

    #[test]
    fn any_text_of_the_shape_of_sdp_is_read_without_a_panic(
        lines in proptest::collection::vec("[vocmastb]=[ -~]{0,60}", 0..60)
    ) {
        let _ = Session::parse(lines.join("\r\n").as_bytes());
    }
}
