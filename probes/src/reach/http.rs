//! HTTP and HTTPS GET: any status is an answer, its delay counts to the response's header.
//!
//! No redirects, no proxy, no cookies, one fresh connection a request. The name is resolved
//! once a round, before the clock of the first request starts, so that a dead resolver is our
//! finding and not the target's silence.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, Url, redirect};

use super::round::{self, Reply};
use crate::observation::{Detail, Impediment, Measured};
use crate::probe::{Measuring, Probe, ProbeError, ProbeKind, Round};
use crate::units::Rtt;
use crate::wire::Failure;

/// Most of a body that is read.
const MOST_BODY_BYTES: usize = 64 * 1024;

/// The two clients that all HTTP probes of the daemon share; each is made when first needed.
#[derive(Debug, Default)]
pub struct HttpClients {
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
    book: Arc<AddressBook>,
}

impl HttpClients {
    fn of_scheme(&self, secure: bool) -> Result<Client, ProbeError> {
        let slot = if secure { &self.secure } else { &self.plain };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let client = self.build(secure)?;
        Ok(slot.get_or_init(|| client).clone())
    }

    fn build(&self, secure: bool) -> Result<Client, ProbeError> {
        // An earlier caller may have installed it; either way there is one afterwards.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .referer(false)
            .dns_resolver(Arc::clone(&self.book))
            .user_agent(concat!("linesman/", env!("CARGO_PKG_VERSION")));
        // Plain HTTP must work on a host without root certificates.
        let builder = if secure { builder } else { builder.tls_certs_only([]) };
        builder.build().map_err(|error| ProbeError::Socket {
            operation: if secure {
                "load the system's root certificates for HTTPS (on Debian: `apt install ca-certificates`)"
            } else {
                "make the HTTP client"
            },
            source: io::Error::other(error),
        })
    }
}

/// Addresses by name, entered by each round before its requests; the client looks up here only.
#[derive(Debug, Default)]
struct AddressBook(Mutex<HashMap<String, Vec<SocketAddr>>>);

impl AddressBook {
    fn enter(&self, name: &str, addresses: Vec<SocketAddr>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), addresses);
    }
}

impl Resolve for AddressBook {
    fn resolve(&self, name: Name) -> Resolving {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name.as_str()).cloned();
        Box::pin(std::future::ready(match known {
            Some(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
            None => Err(io::Error::other("the name was not resolved before the request").into()),
        }))
    }
}

/// GET of one address.
pub struct HttpProbe {
    client: Client,
    book: Arc<AddressBook>,
    url: Url,
    host: String,
    port: u16,
}

impl HttpProbe {
    /// A probe of `url`.
    ///
    /// # Errors
    /// When `url` is no HTTP address, or the system's root certificates cannot be loaded.
    pub fn new(clients: &HttpClients, url: &str) -> Result<Self, ProbeError> {
        let wrong = |reason: String| ProbeError::Specification { field: "url", reason };
        let parsed = Url::parse(url).map_err(|error| wrong(format!("{url:?}: {error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong(format!("{url:?} begins neither with http:// nor with https://")));
        }
        let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
            return Err(wrong(format!("{url:?} names no host")));
        };
        // An IPv6 address stands in brackets in an address of the web.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let client = clients.of_scheme(parsed.scheme() == "https")?;
        Ok(Self { client, book: Arc::clone(&clients.book), url: parsed, host, port })
    }

    /// The host, when it is an address and not a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    async fn measure_round(&self, round: Round) -> Measured {
        let target = match self.resolve(round.timeout).await {
            Ok(target) => target,
            Err(reason) => {
                return Measured::unmeasured(Impediment::Unresolved { name: self.host.clone(), reason });
            }
        };
        round::fold(round::run(round, |_| self.request(target, round.timeout)).await)
    }

    /// Resolves the host and enters it for the client; one of its addresses stands for it when
    /// routes are looked at.
    async fn resolve(&self, timeout: Duration) -> Result<IpAddr, String> {
        if let Some(address) = self.address() {
            return Ok(address);
        }
        let lookup = tokio::net::lookup_host((self.host.as_str(), self.port));
        let found = match tokio::time::timeout(timeout, lookup).await {
            Ok(found) => found.map_err(|error| error.to_string())?,
            Err(_elapsed) => return Err(format!("no answer within {} ms", timeout.as_millis())),
        };
        let addresses: Vec<SocketAddr> = found.collect();
        let first = addresses.first().ok_or("the name has no address")?.ip();
        self.book.enter(&self.host, addresses);
        Ok(first)
    }

    async fn request(&self, target: IpAddr, timeout: Duration) -> Reply {
        let begun = Instant::now();
        let deadline = tokio::time::Instant::now() + timeout;
        let response = match tokio::time::timeout_at(deadline, self.client.get(self.url.clone()).send()).await
        {
            Err(_elapsed) => return Reply::Silent,
            Ok(Err(error)) => return judge(&error, target),
            Ok(Ok(response)) => response,
        };
        let rtt = Rtt::from_duration(begun.elapsed());
        let detail = Detail::Http {
            status: response.status().as_u16(),
            version: format!("{:?}", response.version()).trim_start_matches("HTTP/").to_owned(),
            tls: self.url.scheme() == "https",
        };
        // The status is the answer; a body that stalls does not take it back.
        let _ = tokio::time::timeout_at(deadline, discard_body(response)).await;
        Reply::Answered(rtt, detail)
    }
}

impl Probe for HttpProbe {
    fn kind(&self) -> ProbeKind {
        ProbeKind::Http
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(self.measure_round(round))
    }
}

async fn discard_body(mut response: Response) {
    let mut read = 0_usize;
    while let Ok(Some(chunk)) = response.chunk().await {
        read = read.saturating_add(chunk.len());
        if read >= MOST_BODY_BYTES {
            return;
        }
    }
}

/// Whose failure an unanswered request was.
fn judge(error: &reqwest::Error, target: IpAddr) -> Reply {
    if error.is_timeout() {
        return Reply::Silent;
    }
    // TLS first: its errors travel inside I/O errors. A handshake that fails is the target's
    // own: it is there, and will not serve those who insist on a valid certificate.
    if causes(error).any(is_tls) {
        return Reply::Refused;
    }
    if let Some(error) = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()) {
        return Failure::of_connected(error, target).into();
    }
    // Connected, then closed early or spoke something that is not HTTP.
    if error.is_request() || error.is_decode() {
        return Reply::Refused;
    }
    Reply::NotMeasured(Impediment::Local { reason: error.to_string() })
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// Whether a cause is TLS's; I/O errors nest it, and their `source` passes over what they hold.
fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    if cause.is::<rustls::Error>() {
        return true;
    }
    let held = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    held.is_some_and(|held| is_tls(held))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
