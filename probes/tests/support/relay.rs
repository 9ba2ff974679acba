//! A bridge in user space between a caller and an answering end: it takes its place in the session descriptions, passes
//! what it is given, and loses the packets that it is told to lose. It counts, so that the truth is known.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test: it fails loudly, and its runtime owns its tasks"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use linesman_probes::sip::Message;
use tokio::net::UdpSocket;

/// Which packet of voice is lost: those whose number, counted from 1, leaves this rest.
#[derive(Debug, Clone, Copy)]
pub struct Every(pub u64);

/// What happened.
#[derive(Debug, Default)]
pub struct Truth {
    pub passed_out: AtomicU64,
    pub lost_out: AtomicU64,
    pub passed_in: AtomicU64,
    pub lost_in: AtomicU64,
    /// Octet of the IP header that voice was marked with is not seen here; its size is.
    pub bytes_out: AtomicU64,
    pub reports_pass: AtomicBool,
}

impl Truth {
    pub fn lost(&self) -> (u64, u64) {
        (self.lost_out.load(Ordering::SeqCst), self.lost_in.load(Ordering::SeqCst))
    }
}

async fn pair(host: &str) -> (UdpSocket, UdpSocket, u16) {
    loop {
        let voice = UdpSocket::bind((host, 0)).await.unwrap();
        let port = voice.local_addr().unwrap().port();
        if port % 2 == 0
            && let Ok(control) = UdpSocket::bind((host, port + 1)).await
        {
            return (voice, control, port);
        }
    }
}

/// Takes the relay's place in a description, and says where its writer wanted the media.
fn replace(message: &Message, host: &str, port: u16) -> (Vec<u8>, Option<SocketAddr>) {
    let body = String::from_utf8_lossy(message.body()).into_owned();
    if !body.starts_with("v=0") {
        return (message.to_bytes(), None);
    }
    let (mut ip, mut wanted) = (None, None);
    let lines: Vec<String> = body
        .lines()
        .map(|line| {
            if let Some(address) = line.strip_prefix("c=IN IP4 ") {
                ip = address.trim().parse::<std::net::IpAddr>().ok();
                format!("c=IN IP4 {host}")
            } else if let Some(rest) = line.strip_prefix("m=audio ") {
                let (own, rest) = rest.split_once(' ').unwrap();
                wanted = own.parse::<u16>().ok();
                format!("m=audio {port} {rest}")
            } else {
                line.to_owned()
            }
        })
        .collect();
    let body = lines.join("\r\n") + "\r\n";
    let message = message.clone().with_body("application/sdp", body.as_bytes());
    (message.to_bytes(), ip.zip(wanted).map(SocketAddr::from))
}

/// Starts a relay for one call at a time; it lives as long as the test's runtime.
pub async fn start(
    host: &'static str,
    to: SocketAddr,
    out: Option<Every>,
    back: Option<Every>,
) -> (SocketAddr, Arc<Truth>) {
    let truth = Arc::new(Truth::default());
    truth.reports_pass.store(true, Ordering::SeqCst);
    let signalling = UdpSocket::bind((host, 0)).await.unwrap();
    let onward = UdpSocket::bind((host, 0)).await.unwrap();
    let address = signalling.local_addr().unwrap();
    let counts = truth.clone();
    tokio::spawn(async move {
        let (near, near_control, near_port) = pair(host).await;
        let (far, far_control, far_port) = pair(host).await;
        let (mut caller, mut caller_media, mut far_media) = (None, None, None);
        let (mut a, mut b, mut c, mut d, mut e, mut f) =
            (vec![0; 65_535], vec![0; 65_535], vec![0; 2048], vec![0; 2048], vec![0; 2048], vec![0; 2048]);
        let (mut number_out, mut number_back) = (0_u64, 0_u64);
        let next = |to: SocketAddr| SocketAddr::new(to.ip(), to.port() + 1);
        loop {
            tokio::select! {
                Ok((length, from)) = signalling.recv_from(&mut a) => {
                    caller = Some(from);
                    let Ok(message) = Message::parse(&a[..length]) else { continue };
                    let (bytes, media) = replace(&message, host, far_port);
                    caller_media = media.or(caller_media);
                    onward.send_to(&bytes, to).await.unwrap();
                }
                Ok((length, _)) = onward.recv_from(&mut b) => {
                    let Ok(message) = Message::parse(&b[..length]) else { continue };
                    let (bytes, media) = replace(&message, host, near_port);
                    far_media = media.or(far_media);
                    if let Some(caller) = caller {
                        signalling.send_to(&bytes, caller).await.unwrap();
                    }
                }
                Ok((length, _)) = near.recv_from(&mut c) => {
                    number_out += 1;
                    counts.bytes_out.fetch_add(length as u64, Ordering::SeqCst);
                    if out.is_some_and(|Every(every)| number_out % every == every / 2) {
                        counts.lost_out.fetch_add(1, Ordering::SeqCst);
                    } else if let Some(to) = far_media {
                        counts.passed_out.fetch_add(1, Ordering::SeqCst);
                        far.send_to(&c[..length], to).await.unwrap();
                    }
                }
                Ok((length, _)) = far.recv_from(&mut d) => {
                    number_back += 1;
                    if back.is_some_and(|Every(every)| number_back % every == every / 2) {
                        counts.lost_in.fetch_add(1, Ordering::SeqCst);
                    } else if let Some(to) = caller_media {
                        counts.passed_in.fetch_add(1, Ordering::SeqCst);
                        near.send_to(&d[..length], to).await.unwrap();
                    }
                }
                Ok((length, _)) = near_control.recv_from(&mut e) => {
                    if let Some(to) = far_media.filter(|_| counts.reports_pass.load(Ordering::SeqCst)) {
                        let _ = far_control.send_to(&e[..length], next(to)).await;
                    }
                }
                Ok((length, _)) = far_control.recv_from(&mut f) => {
                    if let Some(to) = caller_media.filter(|_| counts.reports_pass.load(Ordering::SeqCst)) {
                        let _ = near_control.send_to(&f[..length], next(to)).await;
                    }
                }
            }
        }
    });
    (address, truth)
}
