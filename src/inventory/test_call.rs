//! Test calls of trunks, gateways and servers: whom to call, how often, and what is wrong with such a wish.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use linesman_probes::probe::{CallCredentials, CallSpec, ProbeSpec, Transport};
use linesman_probes::sip::call::{CallCodec, CallProbe};

use super::ElementKind;
use super::build::{Builder, Field, MistakeKind};
use super::declare::Declarations;

/// Usual port of SIP.
const SIP_PORT: u16 = 5060;

/// `[[test_call]]`
#[derive(Debug, Clone, PartialEq)]
pub struct TestCallDeclaration {
    /// Bytes of the element's name in the file.
    pub span: Range<usize>,
    /// The trunk, gateway or server that is called over.
    pub element: String,
    /// A number, or a SIP URI.
    pub to: String,
    /// From call to call.
    pub interval: Duration,
    /// How long is spoken.
    pub duration: Duration,
    /// How long the far end may take to answer.
    pub timeout: Duration,
    /// What is spoken.
    pub codec: CallCodec,
    /// Who calls.
    pub from: Option<String>,
    /// User name, where the far end asks for one.
    pub user: Option<String>,
    /// Holds the password.
    pub password_file: Option<PathBuf>,
}

impl Default for TestCallDeclaration {
    fn default() -> Self {
        Self {
            span: 0..0,
            element: String::new(),
            to: String::new(),
            interval: Duration::from_secs(300),
            duration: Duration::from_secs(10),
            timeout: Duration::from_secs(15),
            codec: CallCodec::default(),
            from: None,
            user: None,
            password_file: None,
        }
    }
}

/// A test call as it is placed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TestCall {
    pub(super) spec: CallSpec,
    pub(super) interval: Duration,
}

impl Builder<'_> {
    /// Gives elements their test calls.
    pub(super) fn test_calls(&mut self, declarations: &Declarations) {
        for declared in &declarations.test_calls {
            let kinds = [ElementKind::Trunk, ElementKind::Gateway, ElementKind::Server];
            let span = &declared.span;
            let Some(node) = self.resolve(span, Field::of("element"), &declared.element, &kinds) else {
                continue;
            };
            if self.nodes[node].test_call.is_some() {
                let message = format!("`{}` already has a test call; take one out", declared.element);
                self.mistake(MistakeKind::Duplicate, span, Some(Field::of("element")), message);
                continue;
            }
            match self.test_call(node, declared) {
                Ok(call) => self.nodes[node].test_call = Some(call),
                Err((key, objection)) => {
                    let message = format!("{key}: {objection}");
                    self.mistake(MistakeKind::Value, span, Some(Field::of(key)), message);
                }
            }
        }
    }

    fn test_call(
        &self,
        node: usize,
        declared: &TestCallDeclaration,
    ) -> Result<TestCall, (&'static str, String)> {
        let own = self.nodes[node].probes.iter().find_map(|spec| match spec {
            ProbeSpec::Sip { address, transport, .. } => Some((*address, *transport)),
            _ => None,
        });
        let is_uri = declared.to.starts_with("sip:");
        let stated =
            if is_uri { address_in(&declared.to).map(|address| (address, Transport::Udp)) } else { None };
        // What the element speaks SIP at is the way, also to a URI behind it.
        let Some((address, transport)) = own.or(stated) else {
            let name = &declared.element;
            return Err((
                "to",
                format!(
                    "`{name}` has no `sip` to send the call to; state sip = \"ADDRESS:PORT\" there, or here an address \
                     as to = \"sip:600@192.0.2.1:5060\""
                ),
            ));
        };
        let credentials = match (&declared.user, &declared.password_file) {
            (Some(user), Some(file)) => {
                Some(CallCredentials { user: user.clone(), password_file: file.clone() })
            }
            (Some(_), None) => {
                return Err(("user", "has no password; state password_file = \"FILE\" too".to_owned()));
            }
            (None, Some(_)) => {
                return Err(("password_file", "is of nobody; state user = \"…\" too".to_owned()));
            }
            (None, None) => None,
        };
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let from = declared.from.clone().or_else(|| declared.user.clone());
        let spec = CallSpec {
            address,
            transport,
            uri: if is_uri { declared.to.clone() } else { format!("sip:{}@{address}", declared.to) },
            from: from.unwrap_or_else(|| "linesman".to_owned()),
            codec: declared.codec,
            length_ms: millis(declared.duration),
            patience_ms: millis(declared.timeout),
            credentials,
        };
        CallProbe::new(&spec).map_err(|error| match error {
            linesman_probes::probe::ProbeError::Specification { field: "from", reason } => ("from", reason),
            other => ("to", other.to_string()),
        })?;
        if spec.longest() > declared.interval {
            let longest = spec.longest().as_secs();
            let objection = format!(
                "a call may take {longest} s (duration, timeout and hanging up), longer than the interval {:?}; call \
                 less often, or shorter",
                declared.interval
            );
            return Err(("interval", objection));
        }
        Ok(TestCall { spec, interval: declared.interval })
    }
}

/// The address of a SIP URI, where it names one in numbers.
fn address_in(uri: &str) -> Option<SocketAddr> {
    let rest = uri.strip_prefix("sip:")?;
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host).split([';', '?']).next()?;
    host.parse().ok().or_else(|| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        Some(SocketAddr::new(bare.parse().ok()?, SIP_PORT))
    })
}
