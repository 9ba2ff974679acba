//! The voice of an answered call: what the caller says goes back to him, under numbers of our own, and he is told by
//! RTCP what was lost on the way here.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use linesman_media::capture::write::rtp as packet;
use linesman_media::quality::rtcp::{self, SenderInfo};
use linesman_media::quality::rtp;
use tokio::time::{Instant, sleep_until};

use super::codec::CallCodec;
use super::control::compound;
use super::ear::{Ear, ntp};
use super::offer::Agreed;
use super::place::VOICE_DSCP;
use super::ports::MediaPorts;
use super::train::Train;

/// Reports this often: a test call is short.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// A caller who is not heard for so long is gone.
const IDLE: Duration = Duration::from_secs(10);
/// No caller's voice has more packets in a second; more is not echoed.
const MOST_A_SECOND: u32 = 200;

/// Whom voice may be sent to: only the host that signals, at the port it named or speaks from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub host: IpAddr,
    pub named: Agreed,
}

impl Caller {
    /// Where voice goes before the caller was heard: where he asked for it, if that is at his own host.
    fn stated(&self) -> Option<SocketAddr> {
        (self.named.rtp.ip() == self.host).then_some(self.named.rtp)
    }

    fn stated_control(&self) -> Option<SocketAddr> {
        (self.named.rtcp.ip() == self.host).then_some(self.named.rtcp)
    }
}

/// Echoes until the caller falls silent, says goodbye, or `most` is over.
pub(super) async fn echo(
    ports: MediaPorts,
    caller: Caller,
    codec: CallCodec,
    most: Duration,
    random: [u8; 16],
) {
    let _ = ports.mark(VOICE_DSCP);
    let own = Train::new(codec, Duration::ZERO, random);
    let begin = Instant::now();
    let mut echo = Echo {
        ear: Ear::new(&own),
        own,
        caller,
        ports,
        begin,
        voice_to: caller.stated(),
        control_to: caller.stated_control(),
        sent: 0,
        octets: 0,
        second: (0, 0),
        last_heard: begin,
    };
    echo.run(begin + most).await;
}

struct Echo {
    ear: Ear,
    own: Train,
    caller: Caller,
    ports: MediaPorts,
    begin: Instant,
    voice_to: Option<SocketAddr>,
    control_to: Option<SocketAddr>,
    sent: u32,
    octets: u32,
    /// Which second, and how many packets were echoed in it.
    second: (u64, u32),
    last_heard: Instant,
}

impl Echo {
    async fn run(&mut self, end: Instant) {
        let (mut voice, mut control) = (vec![0; 2048], vec![0; 2048]);
        let mut next_report = self.begin + REPORT_EVERY;
        loop {
            let idle = self.last_heard + IDLE;
            let wake = next_report.min(end).min(idle);
            tokio::select! {
                biased;
                received = self.ports.voice.recv_from(&mut voice) => {
                    if let Ok((length, from)) = received {
                        self.hear(voice.get(..length).unwrap_or_default(), from).await;
                    }
                }
                received = self.ports.control.recv_from(&mut control) => {
                    if let Ok((length, from)) = received
                        && from.ip() == self.caller.host
                    {
                        let bytes = control.get(..length).unwrap_or_default();
                        self.control_to.get_or_insert(from);
                        self.ear.hear_report(bytes, self.now_ns());
                        let leaves = rtcp::parse(bytes)
                            .packets
                            .iter()
                            .any(|packet| matches!(packet, rtcp::Packet::Bye { .. }));
                        if leaves {
                            // The last word, while he still listens.
                            self.report(true).await;
                        }
                    }
                }
                () = sleep_until(wake) => {
                    let now = Instant::now();
                    if now >= end || now >= idle {
                        return self.report(true).await;
                    }
                    next_report = now + REPORT_EVERY;
                    self.report(false).await;
                }
            }
        }
    }

    fn now_ns(&self) -> i64 {
        i64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    async fn hear(&mut self, bytes: &[u8], from: SocketAddr) {
        if from.ip() != self.caller.host {
            return;
        }
        if rtcp::is_rtcp(bytes) {
            return self.ear.hear_report(bytes, self.now_ns());
        }
        let Ok(header) = rtp::parse(bytes, bytes.len()) else { return };
        let second = self.begin.elapsed().as_secs();
        self.second = if self.second.0 == second { (second, self.second.1 + 1) } else { (second, 1) };
        if self.second.1 > MOST_A_SECOND {
            return;
        }
        self.last_heard = Instant::now();
        // He speaks from where he listens, whatever his address was called before translation.
        self.voice_to = self.caller.stated().or(Some(from));
        self.ear.hear(bytes, self.now_ns());
        let Some(to) = self.voice_to else { return };
        let payload = header.payload(bytes);
        let sequence = self.own.first_sequence.wrapping_add(self.sent as u16);
        let timestamp = self.own.first_timestamp.wrapping_add(header.timestamp);
        let back = packet(header.payload_type, self.sent == 0, sequence, timestamp, self.own.ssrc, payload);
        let _ = self.ports.voice.send_to(&back, to).await;
        self.sent = self.sent.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
    }

    async fn report(&mut self, leaves: bool) {
        let to = self.control_to.or_else(|| {
            let voice = self.voice_to?;
            Some(SocketAddr::new(voice.ip(), voice.port().checked_add(1)?))
        });
        let Some(to) = to else { return };
        let at_ns = self.now_ns();
        let sender = SenderInfo {
            ntp: ntp(at_ns),
            rtp_timestamp: self.own.first_timestamp,
            packets: self.sent,
            octets: self.octets,
        };
        let sender = (self.sent > 0).then_some(&sender);
        let bytes = compound(self.own.ssrc, sender, &self.ear.blocks(at_ns), "linesman-echo", leaves);
        let _ = self.ports.control.send_to(&bytes, to).await;
    }
}
