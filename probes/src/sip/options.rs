//! The probe: OPTIONS to a peer (RFC 3261 section 11), or for an address of record to its registrar.
//!
//! Any final response is an answer, whatever its code; [`super::code`] reads what the code says.
//! The code reported is that of the answer that came last. The delay is to the *final* response.
//! Over UDP a lost datagram is repeated by timer E, so loss here is loss after retransmission, and the
//! delay of a repeated request counts from its first copy. Over TCP the handshake is not part of the
//! delay, but is part of the time that the first request has.

use std::net::{IpAddr, SocketAddr};

use super::message::Message;
use crate::observation::{Impediment, Measured};
use crate::probe::{Measuring, Probe, ProbeError, ProbeKind, ProbeSpec, Round, Transport};

/// OPTIONS to one address; makes both [`ProbeKind::Sip`] and [`ProbeKind::Registration`].
#[derive(Debug, Clone)]
pub struct SipProbe {
    kind: ProbeKind,
    address: SocketAddr,
    transport: Transport,
    uri: String,
}

impl SipProbe {
    /// A probe of a [`ProbeSpec::Sip`] or [`ProbeSpec::Registration`].
    ///
    /// # Errors
    /// [`ProbeError::Specification`] when the URI cannot be one, or the specification is of another kind.
    pub fn new(spec: &ProbeSpec) -> Result<Self, ProbeError> {
        match spec {
            ProbeSpec::Sip { address, transport, uri } => Ok(Self {
                kind: ProbeKind::Sip,
                address: usable("address", *address)?,
                transport: *transport,
                uri: match uri {
                    Some(uri) => sip_uri("uri", uri)?,
                    None => format!("sip:{}", host_port(*address)),
                },
            }),
            ProbeSpec::Registration { registrar, transport, aor } => Ok(Self {
                kind: ProbeKind::Registration,
                address: usable("registrar", *registrar)?,
                transport: *transport,
                uri: sip_uri("aor", aor)?,
            }),
            other => Err(ProbeError::Specification {
                field: "kind",
                reason: format!("a SIP probe cannot measure `{}`; use `sip` or `registration`", other.kind()),
            }),
        }
    }
}

impl Probe for SipProbe {
    fn kind(&self) -> ProbeKind {
        self.kind
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(async move {
            let asking = match Asking::new(self) {
                Ok(asking) => asking,
                Err(reason) => return Measured::unmeasured(Impediment::Local { reason }),
            };
            match self.transport {
                Transport::Udp => super::udp::measure(&asking, round).await,
                Transport::Tcp => super::tcp::measure(&asking, round).await,
            }
        })
    }
}

/// What all requests of one round share.
pub(super) struct Asking {
    pub address: SocketAddr,
    transport: &'static str,
    uri: String,
    /// 128 random bits: nobody off the path can guess a branch, and none ever comes twice.
    identity: String,
}

impl Asking {
    fn new(probe: &SipProbe) -> Result<Self, String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| format!("no random bytes for a branch: {error}"))?;
        Ok(Self {
            address: probe.address,
            transport: match probe.transport {
                Transport::Udp => "UDP",
                Transport::Tcp => "TCP",
            },
            uri: probe.uri.clone(),
            identity: random.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    /// The request of this number, as it leaves `local`.
    pub(super) fn request(&self, number: u32, local: SocketAddr) -> Message {
        let Self { transport, uri, identity, .. } = self;
        let here = host_port(local);
        let contact = if *transport == "TCP" { ";transport=tcp" } else { "" };
        Message::request("OPTIONS", uri)
            .with("Via", &format!("SIP/2.0/{transport} {here};branch=z9hG4bK{identity}-{number};rport"))
            .with("Max-Forwards", "70")
            .with("From", &format!("<sip:linesman@{here}>;tag={}-{number}", &identity[..16]))
            .with("To", &format!("<{uri}>"))
            .with("Call-ID", &format!("{identity}-{number}@{}", host(local.ip())))
            .with("CSeq", "1 OPTIONS")
            .with("Contact", &format!("<sip:linesman@{here}{contact}>"))
            .with("Accept", "application/sdp")
            .with("User-Agent", "linesman")
    }
}

/// Port 0 cannot be sent to; it stands for a forgotten port.
pub(super) fn usable(field: &'static str, address: SocketAddr) -> Result<SocketAddr, ProbeError> {
    if address.port() == 0 {
        let reason = format!("port 0 cannot be asked; write it as `{}:5060`", host(address.ip()));
        return Err(ProbeError::Specification { field, reason });
    }
    Ok(address)
}

/// A URI for the request line: `sip:` is supplied when no scheme is there, and what could break the
/// line, or hide a second header in it, is refused.
pub(super) fn sip_uri(field: &'static str, text: &str) -> Result<String, ProbeError> {
    let fail = |reason: &str| {
        Err(ProbeError::Specification {
            field,
            reason: format!("{reason}; write it as `sip:1001@example.net`"),
        })
    };
    let lower = text.to_ascii_lowercase();
    let has_scheme = ["sip:", "sips:", "tel:"].iter().any(|scheme| lower.starts_with(scheme));
    let uri = if has_scheme { text.to_owned() } else { format!("sip:{text}") };
    if uri.split_once(':').is_none_or(|(_, rest)| rest.is_empty()) {
        return fail("an empty address");
    }
    if uri.len() > 255 {
        return fail("longer than 255 bytes");
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')) {
        return fail(
            "spaces, control characters, quotes, angle brackets and non-ASCII have no place in a SIP URI",
        );
    }
    Ok(uri)
}

/// `address:port` without the zone, which means nothing to the peer (RFC 6874).
fn host_port(address: SocketAddr) -> String {
    format!("{}:{}", host(address.ip()), address.port())
}

pub(super) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(spec: &ProbeSpec) -> Asking {
        Asking::new(&SipProbe::new(spec).expect("a fair specification")).expect("random bytes")
    }

    fn peer(uri: Option<&str>) -> ProbeSpec {
        ProbeSpec::Sip {
            address: "192.0.2.1:5060".parse().expect("address"),
            transport: Transport::Udp,
            uri: uri.map(str::to_owned),
        }
    }

    #[test]
    fn a_request_holds_what_the_standard_demands() {
        let local = "[2001:db8::9]:5070".parse().expect("address");
        let request = asking(&peer(None)).request(3, local);
        assert_eq!(request.as_request().map(|r| r.uri.as_str()), Some("sip:192.0.2.1:5060"));
        for name in ["Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "Accept"] {
            assert!(request.header(name).is_some(), "{name}");
        }
        assert!(
            request
                .top_via()
                .is_some_and(|via| via.starts_with("SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK"))
        );
        assert_eq!(Message::parse(&request.to_bytes()).as_ref(), Ok(&request));
    }

    #[test]
    fn no_two_requests_share_a_branch() {
        let local = "192.0.2.9:5070".parse().expect("address");
        let (first, second) = (asking(&peer(None)), asking(&peer(None)));
        assert_ne!(first.request(0, local).branch(), first.request(1, local).branch());
        assert_ne!(first.request(0, local).branch(), second.request(0, local).branch());
    }

    #[test]
    fn an_address_of_record_may_omit_its_scheme_but_cannot_smuggle_in_a_header() {
        let aor = |aor: &str| {
            SipProbe::new(&ProbeSpec::Registration {
                registrar: "192.0.2.1:5060".parse().expect("address"),
                transport: Transport::Tcp,
                aor: aor.to_owned(),
            })
        };
        assert_eq!(aor("1001@example.net").expect("fair").uri, "sip:1001@example.net");
        assert_eq!(aor("sips:1001@example.net").expect("fair").kind(), ProbeKind::Registration);
        for bad in ["", "sip:", "a b", "a\r\nVia: x", "a>;tag=1", "1001@例.net", &"x".repeat(300)] {
            let error = aor(bad).expect_err(bad).to_string();
            assert!(error.starts_with("aor: ") && error.contains("sip:1001@example.net"), "{error}");
        }
        assert!(SipProbe::new(&ProbeSpec::Host).is_err());
    }

    #[test]
    fn a_forgotten_port_is_a_mistake_of_the_specification() {
        let address = "[2001:db8::1]:0".parse().expect("address");
        let spec = ProbeSpec::Sip { address, transport: Transport::Udp, uri: None };
        let error = SipProbe::new(&spec).expect_err("port 0").to_string();
        assert!(error.contains("[2001:db8::1]:5060"), "{error}");
    }
}
