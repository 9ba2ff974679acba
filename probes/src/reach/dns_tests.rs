use proptest::prelude::*;

use super::*;
use crate::observation::Outcome;

const ROUND: Round = Round { count: 2, spread: Duration::from_millis(20), timeout: Duration::from_secs(5) };

fn question(name: &str) -> Query {
    DnsProbe::new("127.0.0.1:53".parse().unwrap(), name).unwrap().question
}

/// Copies the query and turns it into a response with this code and this count of answers.
fn response(query: &[u8], rcode: u8, answers: u8) -> Vec<u8> {
    let mut bytes = query.to_vec();
    bytes[2] |= 0x80;
    bytes[3] = rcode;
    bytes[7] = answers;
    bytes
}

/// Measures against a server that sends, for each query, what `reply` makes of it.
async fn measured_against(round: Round, reply: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Measured {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let probe = DnsProbe::new(server.local_addr().unwrap(), "voice.example.net").unwrap();
    let serve = async {
        let mut buffer = [0_u8; 512];
        loop {
            let (length, client) = server.recv_from(&mut buffer).await.unwrap();
            for datagram in reply(&buffer[..length]) {
                server.send_to(&datagram, client).await.unwrap();
            }
        }
    };
    tokio::select! {
        never = serve => never,
        measured = probe.measure(round) => measured,
    }
}

#[tokio::test]
async fn an_answer_tells_code_and_count() {
    let measured = measured_against(ROUND, |query| vec![response(query, 0, 3)]).await;
    assert_eq!((measured.outcome, measured.burst.received), (Outcome::Answered, 2));
    assert_eq!(measured.detail, Detail::Dns { rcode: "NOERROR".to_owned(), answers: 3 });
}

#[tokio::test]
async fn a_server_failure_is_an_answer_and_says_so() {
    let measured = measured_against(ROUND, |query| vec![response(query, 2, 0)]).await;
    assert_eq!(measured.outcome, Outcome::Answered);
    assert_eq!(measured.detail, Detail::Dns { rcode: "SERVFAIL".to_owned(), answers: 0 });
}

#[tokio::test]
async fn forged_answers_are_passed_over_and_the_true_one_is_found() {
    let measured = measured_against(ROUND, |query| {
        let mut wrong_id = response(query, 3, 0);
        wrong_id[0] ^= 0xff;
        let mut wrong_question = response(query, 3, 0);
        wrong_question[13] ^= 0x07;
        vec![
            wrong_id,
            wrong_question,
            query.to_vec(),
            Vec::new(),
            vec![0xff; 300],
            query[..2].to_vec(),
            response(query, 0, 1),
        ]
    })
    .await;
    assert_eq!(measured.burst.received, 2);
    assert_eq!(measured.detail, Detail::Dns { rcode: "NOERROR".to_owned(), answers: 1 });
}

#[tokio::test]
async fn garbage_alone_is_silence() {
    let round = Round { timeout: Duration::from_millis(200), ..ROUND };
    let measured = measured_against(round, |_| vec![vec![0x80; 64]]).await;
    assert_eq!(measured, Measured::silent(2));
}

#[tokio::test]
async fn a_port_without_a_server_refuses() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let measured = DnsProbe::new(closed, "example.net").unwrap().measure(ROUND).await;
    assert_eq!((measured.outcome, measured.burst.sent), (Outcome::Refused, 2));
}

#[test]
fn a_name_answers_in_any_case_and_with_or_without_its_final_dot() {
    assert_eq!(question("Voice.Example.NET"), question("voice.example.net."));
}

#[test]
fn an_unknown_code_keeps_its_number() {
    assert_eq!(mnemonic(3), "NXDOMAIN");
    assert_eq!(mnemonic(15), "RCODE15");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), id: u16) {
        let _ = answer(&bytes, id, &question("example.net"));
    }

    #[test]
    fn no_single_changed_byte_of_identifier_or_question_passes(at in 0_usize..29, flip in 1_u8..=255) {
        let question = question("example.net");
        let mut query = Message::new(0x1234, MessageType::Query, OpCode::Query);
        query.add_query(question.clone());
        let mut bytes = response(&query.to_vec().unwrap(), 0, 0);
        prop_assert_eq!(bytes.len(), 29);
        prop_assert!(answer(&bytes, 0x1234, &question).is_some());
        // Flags and the counts of records are the server's own to set; letters have two cases.
        prop_assume!(!(2..12).contains(&at) && flip != 0x20);
        bytes[at] ^= flip;
        prop_assert!(answer(&bytes, 0x1234, &question).is_none());
    }
}
