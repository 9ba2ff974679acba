//! DNS: asks one server for the address of one name, over UDP (RFC 1035).
//!
//! Only the header and the question of an answer are decoded: they prove that it answers our
//! request, and records that nobody reads cannot harm. The socket is connected, so the kernel
//! discards datagrams of other sources and tells of a closed port.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_proto::op::{Header, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use tokio::net::UdpSocket;

use super::round::{self, Reply};
use crate::observation::{Detail, Impediment, Measured};
use crate::probe::{Measuring, Probe, ProbeError, ProbeKind, Round};
use crate::units::Rtt;
use crate::wire::Failure;

/// More than any server sends to a question without EDNS (512 bytes, RFC 1035 section 2.3.4).
const MOST_ANSWER_BYTES: usize = 4096;

/// Queries of one name to one server.
#[derive(Debug, Clone)]
pub struct DnsProbe {
    server: SocketAddr,
    question: Query,
}

impl DnsProbe {
    /// A probe that asks `server` for the IPv4 address of `name`.
    ///
    /// # Errors
    /// When `name` is not a name.
    pub fn new(server: SocketAddr, name: &str) -> Result<Self, ProbeError> {
        let mut parsed = Name::from_utf8(name).map_err(|error| ProbeError::Specification {
            field: "name",
            reason: format!("{name:?}: {error}"),
        })?;
        // Without the final dot it is the same name: nobody's search list applies here.
        parsed.set_fqdn(true);
        let mut question = Query::query(parsed, RecordType::A);
        question.set_query_class(DNSClass::IN);
        Ok(Self { server, question })
    }

    async fn measure_round(&self, round: Round) -> Measured {
        round::fold(round::run(round, |_| self.request(round.timeout)).await)
    }

    async fn request(&self, timeout: Duration) -> Reply {
        match tokio::time::timeout(timeout, self.ask()).await {
            Err(_elapsed) => Reply::Silent,
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => Failure::of_connected(&error, self.server.ip()).into(),
        }
    }

    async fn ask(&self) -> io::Result<Reply> {
        let Some(id) = random_id() else {
            let reason = "the system has no randomness for a query identifier".to_owned();
            return Ok(Reply::NotMeasured(Impediment::Local { reason }));
        };
        let mut query = Message::new(id, MessageType::Query, OpCode::Query);
        query.metadata.recursion_desired = true;
        query.add_query(self.question.clone());
        let query = query.to_vec().map_err(io::Error::other)?;

        let any = match self.server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(self.server).await?;
        let begun = Instant::now();
        socket.send(&query).await?;
        let mut buffer = [0_u8; MOST_ANSWER_BYTES];
        loop {
            let length = socket.recv(&mut buffer).await?;
            let elapsed = begun.elapsed();
            // What is no answer to this question is somebody else's, or forged: wait on.
            if let Some(detail) = buffer.get(..length).and_then(|bytes| answer(bytes, id, &self.question)) {
                return Ok(Reply::Answered(Rtt::from_duration(elapsed), detail));
            }
        }
    }
}

impl Probe for DnsProbe {
    fn kind(&self) -> ProbeKind {
        ProbeKind::Dns
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(self.measure_round(round))
    }
}

/// What an answer says, if it is one to this question with this identifier.
fn answer(bytes: &[u8], id: u16, question: &Query) -> Option<Detail> {
    let mut decoder = BinDecoder::new(bytes);
    let header = Header::read(&mut decoder).ok()?;
    if header.metadata.id != id || header.metadata.message_type != MessageType::Response {
        return None;
    }
    if header.counts.queries != 1 || Query::read(&mut decoder).ok()? != *question {
        return None;
    }
    let rcode = mnemonic(header.metadata.response_code.low());
    Some(Detail::Dns { rcode, answers: header.counts.answers })
}

/// Mnemonic of a response code (IANA DNS parameters).
fn mnemonic(rcode: u8) -> String {
    const MNEMONICS: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
        "NOTAUTH", "NOTZONE",
    ];
    MNEMONICS.get(usize::from(rcode)).map_or_else(|| format!("RCODE{rcode}"), |name| (*name).to_owned())
}

fn random_id() -> Option<u16> {
    let [high, low, ..] = getrandom::u32().ok()?.to_be_bytes();
    Some(u16::from_be_bytes([high, low]))
}

#[cfg(test)]
#[path = "dns_tests.rs"]
mod tests;
