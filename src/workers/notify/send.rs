//! The sockets: one attempt to hand a message to its receiver.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::notify::{Outgoing, Verdict, mail, payload, retry, syslog};
use crate::reason::chain;
use crate::settings::{ChannelKind, ChannelSettings};
use crate::workers::answer::Answer;

/// How long a datagram's refusal may take to come back.
const REFUSAL: Duration = Duration::from_millis(50);

/// Sends messages; keeps connections over HTTP open.
pub(super) struct Sender {
    client: Result<reqwest::Client, String>,
}

impl Sender {
    pub(super) fn new() -> Self {
        // TLS works with a provider of our own choice; one that is set already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            // A signed message is for whom the settings name, and for nobody else.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("linesman/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string());
        Self { client }
    }

    /// One attempt, within the channel's time.
    pub(super) async fn send(
        &self,
        channel: &ChannelSettings,
        outgoing: &Outgoing,
        public_url: Option<&str>,
        now: DateTime<Utc>,
    ) -> Verdict {
        let attempt = async {
            match channel.kind {
                ChannelKind::Email => {
                    send_mail(channel, mail::mail(channel, outgoing, public_url, now)).await
                }
                ChannelKind::Syslog => send_syslog(channel, outgoing, public_url).await,
                _ => self.post(channel, outgoing, public_url, now).await,
            }
        };
        match tokio::time::timeout(channel.timeout, attempt).await {
            Ok(verdict) => verdict,
            Err(_) => Verdict::Later(format!("no answer within {:?}", channel.timeout), None),
        }
    }

    async fn post(
        &self,
        channel: &ChannelSettings,
        outgoing: &Outgoing,
        public_url: Option<&str>,
        now: DateTime<Utc>,
    ) -> Verdict {
        match payload::request(channel, outgoing, public_url, now) {
            Some(request) => self.hand_over(channel, request, now).await,
            None => Verdict::Never("no message for this kind".to_owned()),
        }
    }

    /// One attempt to hand a request over, within the channel's time.
    pub(super) async fn send_request(
        &self,
        channel: &ChannelSettings,
        request: payload::Request,
        now: DateTime<Utc>,
    ) -> Verdict {
        match tokio::time::timeout(channel.timeout, self.hand_over(channel, request, now)).await {
            Ok(verdict) => verdict,
            Err(_) => Verdict::Later(format!("no answer within {:?}", channel.timeout), None),
        }
    }

    async fn hand_over(
        &self,
        channel: &ChannelSettings,
        request: payload::Request,
        now: DateTime<Utc>,
    ) -> Verdict {
        let client = match &self.client {
            Ok(client) => client,
            Err(error) => return Verdict::Later(error.clone(), None),
        };
        let mut post = client
            .post(request.url)
            .header("content-type", "application/json; charset=utf-8")
            .body(request.body);
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        // The address may hold a key.
        let answer = match post.send().await {
            Ok(response) => Answer::read(response).await,
            Err(error) if error.is_builder() => return Verdict::Never(said(&error.without_url())),
            Err(error) => return Verdict::Later(said(&error.without_url()), None),
        };
        match &answer.broke_off {
            // It has said what it makes of it already, unless that stands in the body.
            Some(why) if answer.body.is_empty() && answer.is_success() => {
                Verdict::Later(retry::excerpt(why), None)
            }
            _ => retry::judge(channel.kind, answer.status, answer.retry_after.as_deref(), &answer.body, now),
        }
    }
}

/// One attempt to hand a mail over, within the channel's time.
pub(super) async fn send_receipt(channel: &ChannelSettings, mail: Result<Message, String>) -> Verdict {
    match tokio::time::timeout(channel.timeout, send_mail(channel, mail)).await {
        Ok(verdict) => verdict,
        Err(_) => Verdict::Later(format!("no answer within {:?}", channel.timeout), None),
    }
}

async fn send_mail(channel: &ChannelSettings, mail: Result<Message, String>) -> Verdict {
    let message = match mail {
        Ok(message) => message,
        Err(wrong) => return Verdict::Never(wrong),
    };
    let (host, port, scheme) = match place(&channel.url.0) {
        Ok(place) => place,
        Err(wrong) => return Verdict::Never(wrong),
    };
    let encrypted = || TlsParameters::new(host.clone());
    let (tls, usual_port) = match scheme.as_str() {
        "smtps" => (encrypted().map(Tls::Wrapper), 465),
        "smtp+starttls" => (encrypted().map(Tls::Required), 587),
        _ => (Ok(Tls::None), 25),
    };
    let tls = match tls {
        Ok(tls) => tls,
        Err(error) => return Verdict::Later(said(&error), None),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port.unwrap_or(usual_port))
        .tls(tls)
        .timeout(Some(channel.timeout));
    if let Some(domain) = channel.from.as_deref().and_then(|from| from.rsplit('@').next()) {
        builder = builder.hello_name(ClientId::Domain(domain.trim_end_matches('>').to_owned()));
    }
    if let (Some(user), Some(secret)) = (&channel.user, &channel.secret) {
        builder = builder.credentials(Credentials::new(user.clone(), secret.0.clone()));
    }
    let transport = builder.build::<Tokio1Executor>();
    match transport.send(message).await {
        Ok(response) => {
            let said: Vec<&str> = response.message().collect();
            Verdict::Delivered(retry::excerpt(&format!("{} {}", response.code(), said.join(" "))))
        }
        Err(error) if error.is_permanent() || error.is_client() => Verdict::Never(said(&error)),
        Err(error) => Verdict::Later(said(&error), None),
    }
}

async fn send_syslog(channel: &ChannelSettings, outgoing: &Outgoing, public_url: Option<&str>) -> Verdict {
    let (host, port, scheme) = match place(&channel.url.0) {
        Ok(place) => place,
        Err(wrong) => return Verdict::Never(wrong),
    };
    let name = tokio::fs::read_to_string("/proc/sys/kernel/hostname").await.unwrap_or_default();
    let lines = syslog::lines(channel, outgoing, public_url, name.trim(), std::process::id());
    let port = port.unwrap_or(514);
    let sent = if scheme == "tcp" {
        over_tcp(&host, port, &lines).await
    } else {
        over_udp(&host, port, &lines).await
    };
    match sent {
        Ok(()) => Verdict::Delivered(format!("{} lines sent; syslog does not answer", lines.len())),
        Err(error) => Verdict::Later(error.to_string(), None),
    }
}

async fn over_udp(host: &str, port: u16, lines: &[Vec<u8>]) -> std::io::Result<()> {
    let unknown = || std::io::Error::other(format!("{host} has no address"));
    let to = tokio::net::lookup_host((host, port)).await?.next().ok_or_else(unknown)?;
    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(from).await?;
    socket.connect(to).await?;
    for line in lines {
        socket.send(line).await?;
    }
    // Nobody answers; but a host where nobody listens says so.
    match tokio::time::timeout(REFUSAL, socket.recv(&mut [0_u8; 1])).await {
        Ok(Err(refused)) => Err(refused),
        _ => Ok(()),
    }
}

async fn over_tcp(host: &str, port: u16, lines: &[Vec<u8>]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((host, port)).await?;
    for line in lines {
        stream.write_all(&syslog::framed(line)).await?;
    }
    stream.shutdown().await?;
    // It closes when it has read everything; one that was gone already resets.
    let mut rest = [0_u8; 64];
    match tokio::time::timeout(Duration::from_secs(2), stream.read(&mut rest)).await {
        Ok(Err(reset)) => Err(reset),
        _ => Ok(()),
    }
}

/// Host, port and scheme of an address that the settings have checked.
fn place(url: &str) -> Result<(String, Option<u16>, String), String> {
    let url = Url::parse(url).map_err(|error| format!("the address cannot be read: {error}"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    Ok((host, url.port(), url.scheme().to_owned()))
}

/// An error with its causes, as much as is kept of it.
fn said(error: &dyn std::error::Error) -> String {
    retry::excerpt(&chain(error))
}
