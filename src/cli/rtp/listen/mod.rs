//! `linesman rtp listen`: voice as it passes an interface, through the engine of `rtp analyze`.
//!
//! The engine is the daemon's own ([`crate::workers::voice::engine`]). `session` runs it, `screen` shows it, `kept`
//! holds what is over for the document at the end.

mod kept;
mod screen;
mod session;

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use linesman_probes::wire::packets::filter::SIP_PORTS;
use linesman_probes::wire::packets::{CaptureError, Filter, PacketSource, RING_BYTES};

use crate::cli::exit::{Exit, Failure};
use crate::workers::voice::engine::{self, HowToCapture};
use crate::workers::voice::feeds::{FeedError, Feeds, Ports};

/// Arguments of `rtp listen`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Interface to capture on, or `any`
    #[arg(value_name = "INTERFACE", required_unless_present_any = ["hep", "vq", "vxlan", "tzsp"])]
    interface: Option<String>,
    /// Take HEP3 here, over UDP and TCP, from rtpengine, Kamailio, Asterisk, FreeSWITCH, heplify
    #[arg(long, value_name = "ADDRESS:PORT")]
    hep: Vec<SocketAddr>,
    /// Take call reports of telephones here (vq-rtcpxr by SIP over UDP)
    #[arg(long, value_name = "ADDRESS:PORT")]
    vq: Vec<SocketAddr>,
    /// Take mirrored packets in VXLAN here (usually port 4789)
    #[arg(long, value_name = "ADDRESS:PORT")]
    vxlan: Vec<SocketAddr>,
    /// Take mirrored packets in TZSP here (usually port 37008)
    #[arg(long, value_name = "ADDRESS:PORT")]
    tzsp: Vec<SocketAddr>,
    /// Stop after this time, as 30s, 5m or 2h; unless stated at Ctrl-C
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    duration: Option<Duration>,
    /// How packets are taken from the kernel
    #[arg(long, value_enum, default_value_t = Source::Ring)]
    source: Source,
    /// Capture threads that share the interface's flows
    #[arg(long, value_name = "N", default_value = "1")]
    workers: NonZeroU8,
    /// What passes, judged in the kernel: `host A`, `net A/N`, `port N`, `portrange N-M`, joined by `and`.
    /// Several hosts or several ports: one of them is enough
    #[arg(long, value_name = "FILTER", default_value = "")]
    filter: String,
    /// Also SIP over TCP, at ports 5060 to 5090
    #[arg(long)]
    sip_tcp: bool,
    /// Memory for packets that wait to be read, in KiB for each worker
    #[arg(long, value_name = "KIB", default_value_t = RING_BYTES / 1024)]
    buffer_kib: usize,
    /// Only packets that are addressed to this host or sent by it
    #[arg(long)]
    not_promiscuous: bool,
    /// One JSON document at the end
    #[arg(long)]
    json: bool,
}

/// How packets are taken from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Source {
    /// A TPACKET_V3 ring with the kernel's time stamps
    Ring,
    /// pnet's channel on a socket with a large buffer
    Pnet,
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Pnet => "pnet",
        }
    }
}

/// Listens until time is up or somebody interrupts.
///
/// # Errors
/// When it may not capture, or cannot, or the result cannot be written.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let filter = filter(&arguments)?;
    let source = match &arguments.interface {
        Some(interface) => Some(open(&arguments, interface, &filter).map_err(refused)?),
        None => None,
    };
    let ports = Ports {
        hep: arguments.hep.clone(),
        vq: arguments.vq.clone(),
        vxlan: arguments.vxlan.clone(),
        tzsp: arguments.tzsp.clone(),
    };
    let feeds = Feeds::open(&ports).map_err(|error| not_listened(&error))?;
    let session = session::Session::new(&arguments, source, feeds, &filter);
    let stop = session.stop();
    let mut running = tokio::task::spawn_blocking(move || session.run());
    let ended = tokio::select! {
        ended = &mut running => ended,
        _ = tokio::signal::ctrl_c() => {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            running.await
        }
    };
    ended?
}

fn filter(arguments: &Arguments) -> Result<Filter, Failure> {
    let filter: Filter =
        arguments.filter.parse().map_err(|error| Failure::new(Exit::Usage, format!("--filter: {error}")))?;
    Ok(if arguments.sip_tcp { filter.with_tcp(SIP_PORTS) } else { filter })
}

fn open(
    arguments: &Arguments,
    interface: &str,
    filter: &Filter,
) -> Result<Box<dyn PacketSource>, CaptureError> {
    engine::open(&HowToCapture {
        interface,
        filter,
        pnet: arguments.source == Source::Pnet,
        workers: arguments.workers,
        buffer_bytes: arguments.buffer_kib.saturating_mul(1024),
        promiscuous: !arguments.not_promiscuous,
    })
}

fn not_listened(error: &FeedError) -> Failure {
    let exit = match error.source.kind() {
        std::io::ErrorKind::PermissionDenied => Exit::PermissionMissing,
        _ => Exit::Problem,
    };
    Failure::new(exit, format!("--{error}"))
}

fn refused(error: CaptureError) -> Failure {
    let exit = match error {
        CaptureError::NoPermission { .. } => Exit::PermissionMissing,
        CaptureError::NoInterface { .. } | CaptureError::Unsupported(_) => Exit::Usage,
        CaptureError::System { .. } => Exit::Problem,
    };
    Failure::new(exit, error.to_string())
}

/// `30`, `30s`, `5m`, `2h`.
pub(in crate::cli) fn span(text: &str) -> Result<Duration, String> {
    let (digits, unit) =
        text.split_at(text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).len());
    let each = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(format!("`{unit}` is no unit; write s, m, h or d")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("`{digits}` is no whole number"))?;
    number.checked_mul(each).map(Duration::from_secs).ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_with_its_unit() {
        assert_eq!(span("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(span("90"), Ok(Duration::from_secs(90)));
        assert_eq!(span("2h"), Ok(Duration::from_secs(7_200)));
        assert!(span("3w").is_err() && span("s").is_err() && span("").is_err());
    }
}
