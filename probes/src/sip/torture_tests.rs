//! Messages in the manner of RFC 4475, of our own writing, and whatever proptest thinks of.

use proptest::prelude::*;

use super::message::{MAX_FIELD, MAX_HEADERS, MAX_MESSAGE, parameter};
use super::{Message, SipError, StreamFramer, respond_to};

const FAIR: &str = "OPTIONS sip:7@example.net SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKab;rport\r\n\
    Via: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bKcd\r\n\
    Max-Forwards: 70\r\n\
    From: \"a; b <c>\" <sip:1@example.net;x=1>;tag=88\r\n\
    To: <sip:7@example.net>\r\n\
    Call-ID: 1@192.0.2.1\r\n\
    CSeq: 9 OPTIONS\r\n\
    Content-Length: 4\r\n\r\nbody";

fn with_line(line: &str) -> String {
    FAIR.replace("Max-Forwards: 70", line)
}

#[test]
fn the_parts_of_a_request_are_found_under_any_spelling_of_their_names() {
    let message = Message::parse(FAIR.as_bytes()).unwrap();
    assert_eq!(message.as_request().unwrap().method, "OPTIONS");
    assert_eq!(message.header("cAlL-iD"), Some("1@192.0.2.1"));
    assert_eq!(message.header("i"), Some("1@192.0.2.1"));
    assert_eq!(message.headers_named("v").count(), 2);
    assert_eq!(message.branch(), Some("z9hG4bKab"));
    assert_eq!(message.cseq(), Some((9, "OPTIONS")));
    assert_eq!(message.body(), b"body");
    assert_eq!(parameter(message.header("From").unwrap(), "tag"), Some("88"));
    assert!(!message.is_cut());
}

#[test]
fn compact_names_folded_lines_and_spaces_before_the_colon_are_understood() {
    let text = "\r\n\r\nSIP/2.0 200\r\nv \t: SIP/2.0/UDP 192.0.2.1 ; Branch = z9hG4bKab\r\n ;rport\r\n\t\r\n\
                s:\r\n  folded\r\n   subject \r\nl : 3\r\nl: 03\r\nUnknown-Thing: \u{e9}\u{4f60}\r\n\r\nabcdef";
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(message.as_response().unwrap().reason, "");
    assert_eq!(message.branch(), Some("z9hG4bKab"));
    assert_eq!(message.header("Via"), Some("SIP/2.0/UDP 192.0.2.1 ; Branch = z9hG4bKab ;rport"));
    assert_eq!(message.header("Subject"), Some("folded subject"));
    assert_eq!(message.body(), b"abc", "bytes beyond Content-Length are dropped");
    assert_eq!(message.header("Content-Length"), None, "the body's length is the truth");
}

#[test]
fn several_via_values_in_one_line_are_told_apart() {
    let text = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;x=\"q,;\\\"branch=no\";branch=yes, SIP/2.0/UDP b;branch=no\r\n\r\n";
    assert_eq!(Message::parse(text.as_bytes()).unwrap().branch(), Some("yes"));
}

#[test]
fn text_that_is_not_utf8_does_not_make_a_gateway_silent() {
    let mut bytes = b"SIP/2.0 200 \xba\xc3\r\nServer: \xc9\xe8\xb1\xb8\r\n\r\n".to_vec();
    let message = Message::parse(&bytes).unwrap();
    assert!(message.header("Server").unwrap().contains('\u{fffd}'));
    bytes.truncate(10);
    assert!(Message::parse(&bytes).is_err());
}

#[test]
fn what_is_ambiguous_is_refused_with_its_place_and_cause() {
    let at = FAIR.find("Max").unwrap();
    let in_header = |line: &str| match Message::parse(with_line(line).as_bytes()) {
        Err(SipError::Header { offset, cause }) => (offset, cause),
        other => panic!("{line:?} gave {other:?}"),
    };
    assert_eq!(in_header("no colon here"), (at, "a line without a colon"));
    assert_eq!(in_header(": no name"), (at, "the name is not a token"));
    assert_eq!(in_header("b@d: x"), (at, "the name is not a token"));
    assert_eq!(in_header("a: b\rc"), (at + 4, "a carriage return within a line"));
    assert_eq!(in_header("Content-Length: -1"), (at, "Content-Length is not a number"));
    assert_eq!(in_header("l: four"), (at, "Content-Length is not a number"));
    assert_eq!(in_header("l: 5").1, "a second Content-Length that differs");
    assert_eq!(in_header(&format!("{}: x", "n".repeat(2000))), (at, "the name is too long"));
    assert_eq!(
        Message::parse(b"SIP/2.0 200 OK\r\n folded\r\n\r\n"),
        Err(SipError::Header { offset: 16, cause: "a continuation without a header before it" })
    );
}

#[test]
fn start_lines_that_are_nearly_right_are_refused() {
    for line in [
        "",
        "OPTIONS",
        "OPTIONS sip:a",
        "OPTIONS  sip:a SIP/2.0",
        "OPTIONS sip:a b SIP/2.0",
        "OPTIONS sip:a SIP/2.0 ",
        "OPTIONS sip:a SIP/7.0",
        "OPT{}NS sip:a SIP/2.0",
        "OPTIONS sip:\ta SIP/2.0",
        " OPTIONS sip:a SIP/2.0",
        "SIP/2.0 20 OK",
        "SIP/2.0 2000 OK",
        "SIP/2.0 099 OK",
        "SIP/2.0 700 OK",
        "SIP/2.0 4294967301 OK",
        "SIP/2.0  200 OK",
        "SIP/3.0 200 OK",
        "HTTP/1.1 200 OK",
        "SIP/2.0 +20 OK",
        "SIP/2.0",
    ] {
        let text = format!("{line}\r\nVia: x\r\n\r\n");
        assert!(
            matches!(Message::parse(text.as_bytes()), Err(SipError::StartLine { offset: 0 | 2, .. })),
            "{line:?}"
        );
    }
}

#[test]
fn a_body_shorter_than_announced_is_refused_even_beyond_all_numbers() {
    let error = Message::parse(FAIR.replace("Length: 4", "Length: 5").as_bytes()).unwrap_err();
    assert_eq!(error, SipError::Body { offset: FAIR.len() - 4, declared: 5, present: 4 });
    assert_eq!(error.offset(), FAIR.len() - 4);
    let absurd = FAIR.replace("Length: 4", "Length: 99999999999999999999999999999");
    assert!(matches!(Message::parse(absurd.as_bytes()), Err(SipError::Body { declared: usize::MAX, .. })));
}

#[test]
fn every_cut_through_the_headers_is_an_error_and_never_a_panic() {
    let body = FAIR.find("\r\n\r\n").unwrap() + 4;
    for length in 0..body {
        assert!(Message::parse(&FAIR.as_bytes()[..length]).is_err(), "{length}");
    }
}

#[test]
fn floods_of_headers_and_of_bytes_are_bounded() {
    let headers = |count: usize| format!("SIP/2.0 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert!(Message::parse(headers(MAX_HEADERS).as_bytes()).is_ok());
    let surplus = 16 + MAX_HEADERS * 6;
    assert_eq!(
        Message::parse(headers(MAX_HEADERS + 1).as_bytes()),
        Err(SipError::TooManyHeaders { offset: surplus })
    );
    assert_eq!(Message::parse(&vec![b'a'; MAX_MESSAGE + 1]), Err(SipError::TooLarge { offset: MAX_MESSAGE }));
    assert!(Message::parse(&vec![b'\n'; MAX_MESSAGE]).is_err());
}

#[test]
fn a_field_beyond_one_kilobyte_is_cut_between_characters_and_flagged() {
    let message = Message::parse(with_line(&format!("Subject: x{}", "é".repeat(5000))).as_bytes()).unwrap();
    let subject = message.header("Subject").unwrap();
    assert_eq!(subject.len(), MAX_FIELD - 1);
    assert!(message.is_cut() && message.headers().iter().filter(|h| h.cut).count() == 1);
    let call_id = Message::parse(with_line(&format!("i: {}", "i".repeat(60_000))).as_bytes()).unwrap();
    assert!(call_id.is_cut());
    let uri = FAIR.replace("sip:7@example.net SIP", &format!("sip:{}@example.net SIP", "7".repeat(3000)));
    assert!(Message::parse(uri.as_bytes()).unwrap().is_cut());
}

#[test]
fn a_response_copies_what_it_must_and_keeps_its_tag_for_a_retransmission() {
    let request = Message::parse(FAIR.as_bytes()).unwrap();
    let ok = respond_to(&request, 200, "OK");
    for name in ["From", "Call-ID", "CSeq"] {
        assert_eq!(ok.header(name), request.header(name));
    }
    assert_eq!(ok.headers_named("Via").collect::<Vec<_>>(), request.headers_named("Via").collect::<Vec<_>>());
    let tag = parameter(ok.header("To").unwrap(), "tag").unwrap();
    assert_eq!(tag.len(), 16);
    assert_eq!(respond_to(&request, 200, "OK"), ok);
    assert_eq!(respond_to(&request, 100, "Trying").header("To"), request.header("To"));
    let tagged =
        Message::parse(FAIR.replace("To: <sip:7@example.net>", "t: sip:7@a;tag=z").as_bytes()).unwrap();
    assert_eq!(respond_to(&tagged, 404, "Not Found").header("To"), Some("sip:7@a;tag=z"));
}

#[test]
fn the_topmost_via_tells_where_the_request_came_from() {
    let mut request = Message::parse(FAIR.as_bytes()).unwrap();
    request.note_source("198.51.100.4:1024".parse().unwrap());
    let vias: Vec<_> = request.headers_named("Via").collect();
    assert_eq!(vias[0], "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKab;rport=1024;received=198.51.100.4");
    assert_eq!(vias[1], "SIP/2.0/TCP 192.0.2.7;branch=z9hG4bKcd");
}

#[test]
fn a_value_cannot_smuggle_in_a_header() {
    let message = Message::response(200, "OK\r\nEvil: 1").with("Server", "x\r\nEvil: 1").with("b\r\nd:", "y");
    let again = Message::parse(&message.to_bytes()).unwrap();
    assert_eq!(again, message);
    assert_eq!(again.header("Evil"), None);
}

#[test]
fn a_stream_is_cut_at_content_length_whatever_the_pieces() {
    let stream = format!("\r\n\r\n{FAIR}\r\n\r\n{FAIR}SIP/2.0 200 OK\r\nVia: x\r\n\r\n\r\n{FAIR}");
    let whole = Message::parse(FAIR.as_bytes()).unwrap();
    for size in [1, 2, 3, 7, 100, 10_000] {
        let mut framer = StreamFramer::new();
        let mut messages = Vec::new();
        for piece in stream.as_bytes().chunks(size) {
            framer.push(piece).unwrap();
            while let Some(message) = framer.next_message().unwrap() {
                messages.push(message);
            }
        }
        assert_eq!(messages.len(), 4, "pieces of {size}");
        assert_eq!((&messages[0], &messages[1], &messages[3]), (&whole, &whole, &whole));
    }
}

#[test]
fn a_stream_without_end_or_with_nonsense_breaks_and_stays_broken() {
    let mut endless = StreamFramer::new();
    endless.push(b"SIP/2.0 200 OK\r\n").unwrap();
    let mut broke = None;
    for _ in 0..100 {
        if let Err(error) = endless.push(&b"a: b\r\n".repeat(1000)).and_then(|()| endless.next_message()) {
            broke = Some(error);
            break;
        }
    }
    assert_eq!(broke, Some(SipError::TooLarge { offset: MAX_MESSAGE }));
    assert_eq!(endless.next_message(), Err(SipError::TooLarge { offset: MAX_MESSAGE }));

    let mut huge = StreamFramer::new();
    huge.push(b"SIP/2.0 200 OK\r\nl: 70000\r\n\r\n").unwrap();
    assert!(matches!(huge.next_message(), Err(SipError::TooLarge { .. })));

    let mut nonsense = StreamFramer::new();
    nonsense.push(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    assert!(matches!(nonsense.next_message(), Err(SipError::StartLine { .. })));
    assert!(nonsense.push(FAIR.as_bytes()).is_err());
}

fn any_message() -> impl Strategy<Value = Message> {
    let header = ("[A-Za-z][A-Za-z0-9.!%*_+`'~-]{0,12}", ".{0,60}|[ \t]{0,3}a{0,1020}|[\\PC\\r\\n\\t]{0,20}");
    let start = prop_oneof![
        ("[A-Z]{1,9}", "\\PC{1,40}").prop_map(|(method, uri)| Message::request(&method, &uri)),
        (100..700u16, ".{0,40}").prop_map(|(code, reason)| Message::response(code, &reason)),
        (any::<String>(), any::<String>()).prop_map(|(method, uri)| Message::request(&method, &uri)),
    ];
    let body = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200));
    (start, proptest::collection::vec(header, 0..12), body).prop_map(|(start, headers, body)| {
        let message = headers.iter().fold(start, |message, (name, value)| message.with(name, value));
        match body {
            Some(body) => message.with_body("application/octet-stream", &body),
            None => message,
        }
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Err(error) = Message::parse(&bytes) {
            prop_assert!(error.offset() <= bytes.len());
        }
    }

    #[test]
    fn a_mutated_message_is_read_without_panic_and_what_is_read_is_written_alike(
        changes in proptest::collection::vec((0..FAIR.len(), any::<u8>(), 0..3u8), 0..12),
        pieces in 1..50usize,
    ) {
        let mut bytes = FAIR.as_bytes().to_vec();
        for (at, byte, how) in changes {
            let at = at.min(bytes.len().saturating_sub(1));
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        if let Ok(mut message) = Message::parse(&bytes) {
            prop_assert_eq!(Message::parse(&message.to_bytes()), Ok(message.clone()));
            let answer = respond_to(&message, 200, "OK");
            prop_assert!(Message::parse(&answer.to_bytes()).is_ok());
            message.note_source(([192, 0, 2, 1], 5060).into());
            prop_assert_eq!(Message::parse(&message.to_bytes()), Ok(message));
        }
        let mut framer = StreamFramer::new();
        for piece in bytes.chunks(pieces) {
            let _ = framer.push(piece);
            while let Ok(Some(_)) = framer.next_message() {}
        }
    }

    #[test]
    fn what_is_written_is_read_back(message in any_message()) {
        let again = Message::parse(&message.to_bytes());
        if message.is_cut() {
            prop_assert!(again.is_ok());
        } else {
            prop_assert_eq!(again.as_ref(), Ok(&message));
        }
        let mut framer = StreamFramer::new();
        framer.push(&message.to_bytes()).unwrap();
        prop_assert_eq!(framer.next_message(), again.map(Some));
    }
}
