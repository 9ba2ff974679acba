use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn dialog(credentials: Option<Credentials>) -> Dialog {
    let asking = Asking {
        uri: "sip:echo@192.0.2.9".to_owned(),
        from: "linesman".to_owned(),
        local: "192.0.2.1:5070".parse().expect("an address"),
        transport: "UDP",
        offer: b"v=0\r\n".to_vec(),
        patience: Duration::from_secs(20),
        credentials,
        identity: "0123456789abcdef0123456789abcdef".to_owned(),
    };
    Dialog::begin(asking, Duration::ZERO)
}

/// What it sends now.
fn sent(dialog: &mut Dialog) -> Vec<Message> {
    std::iter::from_fn(|| dialog.take_out())
        .map(|bytes| Message::parse(&bytes).expect("own messages are read"))
        .collect()
}

fn methods(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.as_request().map_or("answer", |request| request.method.as_str()))
        .collect()
}

fn answer(request: &Message, code: u16) -> Message {
    respond_to(request, code, "Said").with("Contact", "\"Echo\" <sip:there@192.0.2.7:5080>;expires=60")
}

#[test]
fn an_invite_is_repeated_into_silence_and_not_after_a_word() {
    let mut silent = dialog(None);
    assert_eq!(methods(&sent(&mut silent)), ["INVITE"]);
    let mut at = Vec::new();
    while let Some(wake) = silent.next_wake() {
        silent.tick(wake);
        if !sent(&mut silent).is_empty() {
            at.push(wake.as_millis());
        }
        if *silent.stage() != Stage::Calling {
            break;
        }
    }
    assert_eq!(at, [500, 1_500, 3_500, 7_500, 15_500], "timer A doubles");
    assert_eq!(
        *silent.stage(),
        Stage::Over(End::NotAnswered),
        "and nothing is cancelled that was never heard of"
    );

    let mut heard = dialog(None);
    let invite = sent(&mut heard).remove(0);
    heard.heard(&respond_to(&invite, 100, "Trying"), SECOND);
    assert_eq!(heard.next_wake(), Some(Duration::from_secs(20)));
    assert_eq!(heard.progress(), Progress { code: Some(100), first: None, heard: Some(SECOND) });
}

#[test]
fn what_rings_too_long_is_cancelled_and_its_end_acknowledged() {
    let mut dialog = dialog(None);
    let invite = sent(&mut dialog).remove(0);
    dialog.heard(&answer(&invite, 180), SECOND);
    dialog.tick(Duration::from_secs(20));
    let cancel = sent(&mut dialog).remove(0);
    assert_eq!(methods(std::slice::from_ref(&cancel)), ["CANCEL"]);
    assert_eq!(cancel.branch(), invite.branch(), "a CANCEL belongs to what it cancels");
    assert_eq!(cancel.cseq(), Some((1, "CANCEL")));
    dialog.heard(&respond_to(&cancel, 200, "OK"), Duration::from_secs(21));
    dialog.heard(&respond_to(&invite, 487, "Request Terminated"), Duration::from_secs(21));
    let ack = sent(&mut dialog).remove(0);
    assert_eq!((ack.branch(), ack.cseq()), (invite.branch(), Some((1, "ACK"))));
    assert_eq!(*dialog.stage(), Stage::Over(End::NotAnswered));
}

#[test]
fn a_yes_that_crosses_our_cancel_is_hung_up_at_once() {
    let mut dialog = dialog(None);
    let invite = sent(&mut dialog).remove(0);
    dialog.heard(&answer(&invite, 180), SECOND);
    dialog.tick(Duration::from_secs(20));
    dialog.heard(&answer(&invite, 200), Duration::from_secs(21));
    let out = sent(&mut dialog);
    assert_eq!(methods(&out), ["CANCEL", "ACK", "BYE"]);
    dialog.heard(&respond_to(&out[2], 200, "OK"), Duration::from_secs(22));
    assert_eq!(*dialog.stage(), Stage::Over(End::NotAnswered));
}

#[test]
fn an_answered_call_follows_contact_and_route_and_repeats_its_ack() {
    let mut dialog = dialog(None);
    let invite = sent(&mut dialog).remove(0);
    let yes = answer(&invite, 200)
        .with("Record-Route", "<sip:p2.example.net;lr>, <sip:p1.example.net;lr>")
        .with_body("application/sdp", b"v=0\r\nm=audio 1 RTP/AVP 8\r\n");
    dialog.heard(&yes, SECOND);
    let ack = sent(&mut dialog).remove(0);
    assert_eq!(ack.as_request().map(|request| request.uri.as_str()), Some("sip:there@192.0.2.7:5080"));
    let routes: Vec<&str> = ack.headers_named("Route").collect();
    assert_eq!(routes, ["<sip:p1.example.net;lr>", "<sip:p2.example.net;lr>"], "nearest to us first");
    assert_ne!(ack.branch(), invite.branch(), "the ACK of a yes is a transaction of its own");
    assert!(dialog.description().starts_with(b"v=0"));
    dialog.heard(&yes, 2 * SECOND);
    assert_eq!(sent(&mut dialog), [ack], "our ACK was lost");
    dialog.hang_up(3 * SECOND);
    let bye = sent(&mut dialog).remove(0);
    assert_eq!((bye.cseq(), bye.header("To")), (Some((2, "BYE")), yes.header("To")));
    dialog.tick(Duration::from_millis(3_500));
    assert_eq!(sent(&mut dialog), std::slice::from_ref(&bye), "timer E");
    dialog.heard(&respond_to(&bye, 200, "OK"), 4 * SECOND);
    assert_eq!(*dialog.stage(), Stage::Over(End::HungUp));
}

#[test]
fn the_far_end_may_hang_up_and_ask_whether_we_live() {
    let mut dialog = dialog(None);
    let invite = sent(&mut dialog).remove(0);
    dialog.heard(&answer(&invite, 200), SECOND);
    sent(&mut dialog);
    let ask = |method: &str| {
        Message::request(method, "sip:linesman@192.0.2.1:5070")
            .with("Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKfar")
            .with("From", "<sip:echo@192.0.2.9>;tag=far")
            .with("To", "<sip:linesman@192.0.2.1>;tag=0123456789abcdef")
            .with("Call-ID", "0123456789abcdef0123456789abcdef@192.0.2.1")
            .with("CSeq", &format!("7 {method}"))
    };
    let codes = |dialog: &mut Dialog| -> Vec<u16> {
        sent(dialog)
            .iter()
            .filter_map(|message| message.as_response().map(|response| response.code))
            .collect()
    };
    for (method, code) in [("OPTIONS", 200), ("INVITE", 488), ("REFER", 405), ("BYE", 200)] {
        dialog.heard(&ask(method), 2 * SECOND);
        assert_eq!(codes(&mut dialog), [code], "{method}");
    }
    assert_eq!(*dialog.stage(), Stage::Over(End::FarHungUp));
}

#[test]
fn a_challenge_is_answered_once_and_a_second_no_is_a_no() {
    let credentials = Credentials { user: "u".to_owned(), password: "p".to_owned() };
    let mut dialog = dialog(Some(credentials));
    let invite = sent(&mut dialog).remove(0);
    let challenge = |request: &Message| {
        respond_to(request, 407, "Who")
            .with("Proxy-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"")
    };
    dialog.heard(&challenge(&invite), SECOND);
    let out = sent(&mut dialog);
    assert_eq!(methods(&out), ["ACK", "INVITE"]);
    assert!(out[1].header("Proxy-Authorization").is_some_and(|value| value.contains("nc=00000001")));
    assert_eq!(out[1].cseq(), Some((2, "INVITE")));
    dialog.heard(&challenge(&out[1]), 2 * SECOND);
    assert_eq!(*dialog.stage(), Stage::Over(End::Refused { code: 407, reason: "Who".to_owned() }));
}

proptest! {
    #[test]
    fn whatever_the_far_end_says_the_call_ends_and_every_no_is_acknowledged(
        script in prop::collection::vec((0_u8..5, 100_u16..699, 0_u64..40_000), 0..40),
    ) {
        let credentials = Credentials { user: "u".to_owned(), password: "p".to_owned() };
        let mut dialog = dialog(Some(credentials));
        let mut said = sent(&mut dialog);
        let mut now = Duration::ZERO;
        for (kind, code, wait) in script {
            now += Duration::from_millis(wait / 10);
            dialog.tick(now);
            said.extend(sent(&mut dialog));
            let pick = said[usize::from(code) % said.len()].clone();
            match kind {
                0 => dialog.heard(&answer(&pick, code), now),
                1 => dialog.heard(&answer(&said[0].clone(), code), now),
                2 => dialog.heard(&pick, now),
                3 => dialog.hang_up(now),
                _ => dialog.abandon(now),
            }
            said.extend(sent(&mut dialog));
        }
        for _ in 0..200 {
            let Some(wake) = dialog.next_wake() else { break };
            now = now.max(wake);
            dialog.tick(now);
            if *dialog.stage() == Stage::Talking {
                dialog.hang_up(now);
            }
        }
        if *dialog.stage() == Stage::Talking {
            dialog.hang_up(now);
            dialog.tick(now + Duration::from_secs(5));
        }
        prop_assert!(matches!(dialog.stage(), Stage::Over(_)), "{:?}", dialog.stage());
    }
}
