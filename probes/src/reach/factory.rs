//! Makes real probes, on sockets, of specifications.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::dns::DnsProbe;
use super::guarded::Guarded;
use super::http::{HttpClients, HttpProbe};
use super::icmp::IcmpProbe;
use super::icmp_engine::{IcmpEngine, IcmpSettings};
use super::tcp::TcpProbe;
use crate::host::HostProbe;
use crate::probe::{Probe, ProbeError, ProbeFactory, ProbeSpec};
use crate::sip::SipProbe;
use crate::sip::call::CallProbe;
use crate::wire::OwnLinks;

/// The factory of the daemon. ICMP sockets and HTTP clients are made with the first probe that
/// needs them, and shared by all of the kind.
#[derive(Default)]
pub struct SocketProbes {
    icmp_settings: IcmpSettings,
    icmp: Mutex<Option<Arc<IcmpEngine>>>,
    http: HttpClients,
    links: Arc<OwnLinks>,
}

impl SocketProbes {
    /// The ICMP sockets, opened on the first call. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// As [`IcmpEngine::new`]; the next call tries again.
    pub fn icmp(&self) -> Result<Arc<IcmpEngine>, ProbeError> {
        let mut icmp = self.icmp.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = icmp.as_ref() {
            return Ok(Arc::clone(engine));
        }
        let engine = IcmpEngine::new(self.icmp_settings)?;
        *icmp = Some(Arc::clone(&engine));
        Ok(engine)
    }

    fn bare(&self, spec: &ProbeSpec) -> Result<(Box<dyn Probe>, Option<IpAddr>), ProbeError> {
        Ok(match spec {
            ProbeSpec::Icmp { address, payload } => {
                (Box::new(IcmpProbe::new(self.icmp()?, *address, *payload)?), Some(*address))
            }
            ProbeSpec::Tcp { address } => (Box::new(TcpProbe::new(*address)), Some(address.ip())),
            ProbeSpec::Http { url } => {
                let probe = HttpProbe::new(&self.http, url)?;
                let address = probe.address();
                (Box::new(probe), address)
            }
            ProbeSpec::Dns { server, name } => (Box::new(DnsProbe::new(*server, name)?), Some(server.ip())),
            ProbeSpec::Sip { address, .. } => (Box::new(SipProbe::new(spec)?), Some(address.ip())),
            ProbeSpec::Registration { registrar, .. } => {
                (Box::new(SipProbe::new(spec)?), Some(registrar.ip()))
            }
            ProbeSpec::Call(call) => (Box::new(CallProbe::new(call)?), Some(call.address.ip())),
            ProbeSpec::Host => (Box::new(HostProbe::new()), None),
        })
    }
}

impl ProbeFactory for SocketProbes {
    fn make(&self, spec: &ProbeSpec) -> Result<Box<dyn Probe>, ProbeError> {
        let (probe, target) = self.bare(spec)?;
        Ok(Box::new(Guarded::new(probe, target, Arc::clone(&self.links))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{ProbeKind, Transport};

    fn message(spec: &ProbeSpec) -> String {
        SocketProbes::default().make(spec).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn each_kind_gets_its_own_probe() {
        let address = "127.0.0.1:5060".parse().unwrap();
        let sip = ProbeSpec::Sip { address, transport: Transport::Udp, uri: None };
        let kind = |spec: &ProbeSpec| SocketProbes::default().make(spec).unwrap().kind();
        assert_eq!(kind(&sip), ProbeKind::Sip);
        let registration = ProbeSpec::Registration {
            registrar: address,
            transport: Transport::Udp,
            aor: "sip:1001@example.net".to_owned(),
        };
        assert_eq!(kind(&registration), ProbeKind::Registration);
        assert_eq!(kind(&ProbeSpec::Host), ProbeKind::Host);
        assert_eq!(kind(&ProbeSpec::Tcp { address }), ProbeKind::Tcp);
    }

    #[test]
    fn a_wrong_specification_names_its_field() {
        assert!(message(&ProbeSpec::Http { url: "ftp://example.net".to_owned() }).starts_with("url: "));
        let server = "127.0.0.1:53".parse().unwrap();
        assert!(message(&ProbeSpec::Dns { server, name: "a..b".to_owned() }).starts_with("name: "));
    }
}
