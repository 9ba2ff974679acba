//! `linesman probe KIND TARGET`: one measurement now.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use linesman_probes::observation::{Detail, Measured, Outcome};
use linesman_probes::probe::{ProbeFactory as _, ProbeKind, ProbeSpec, Round, Transport};
use linesman_probes::reach::SocketProbes;
use tokio::net::lookup_host;

use super::exit::{Exit, Failure};
use super::{Global, output};

/// Arguments of `probe`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// icmp, tcp, http, dns, sip, registration or server
    kind: String,
    /// Address, ADDRESS:PORT, name or URL; an address of record for registration; nothing for server
    target: Option<String>,
    /// Requests to send
    #[arg(short = 'n', long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Time between two requests, seconds
    #[arg(short, long, default_value_t = 0.2, value_parser = seconds)]
    interval: f64,
    /// Longest wait for an answer, seconds
    #[arg(short, long, default_value_t = 2.0, value_parser = seconds)]
    timeout: f64,
    /// Transport of SIP: udp or tcp
    #[arg(long, default_value = "udp", value_parser = ["udp", "tcp"])]
    transport: String,
    /// Name that a DNS server is asked for
    #[arg(long, default_value = ".")]
    name: String,
    /// Registrar to ask, ADDRESS or ADDRESS:PORT
    #[arg(long)]
    registrar: Option<String>,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=60.0).contains(&value) => Ok(value),
        _ => Err(format!("`{text}` is not 0 to 60 seconds")),
    }
}

/// Measures once and says what came of it.
///
/// # Errors
/// When the target cannot be understood or this host may not measure so.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let spec = spec(&arguments).await?;
    let probes = SocketProbes::default();
    let probe = probes.make(&spec).map_err(|error| {
        let exit = match error {
            linesman_probes::probe::ProbeError::Permission { .. } => Exit::PermissionMissing,
            _ => Exit::Usage,
        };
        Failure::new(exit, error.to_string())
    })?;
    let count = if spec.kind() == ProbeKind::Host { 1 } else { arguments.count };
    let spread = Duration::from_secs_f64(arguments.interval) * count.saturating_sub(1);
    // Rates of a host are over two readings.
    if spec.kind() == ProbeKind::Host {
        probe.measure(Round { count: 1, spread: Duration::ZERO, timeout: Duration::from_secs(2) }).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let began = Instant::now();
    let timeout = Duration::from_secs_f64(arguments.timeout.max(0.01));
    let measured = probe.measure(Round { count, spread, timeout }).await;
    let took = began.elapsed();
    if arguments.json {
        output::json(&serde_json::json!({
            "kind": spec.kind(), "target": spec, "duration_s": took.as_secs_f64(), "measured": measured,
        }))?;
    } else {
        output::line(as_text(&arguments, &measured))?;
    }
    Ok(match measured.outcome {
        Outcome::Answered => Exit::Fine,
        Outcome::Silent | Outcome::Refused => Exit::Problem,
        Outcome::Unmeasured => match measured.impediment {
            Some(linesman_probes::observation::Impediment::NoPermission { .. }) => Exit::PermissionMissing,
            _ => Exit::Problem,
        },
    })
}

async fn spec(arguments: &Arguments) -> Result<ProbeSpec, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let target = || {
        arguments
            .target
            .clone()
            .ok_or_else(|| usage(format!("name a target: linesman probe {} TARGET", arguments.kind)))
    };
    let transport = if arguments.transport == "tcp" { Transport::Tcp } else { Transport::Udp };
    Ok(match arguments.kind.as_str() {
        "icmp" => ProbeSpec::Icmp { address: address(&target()?).await?, payload: 56 },
        "tcp" => ProbeSpec::Tcp { address: socket(&target()?, None).await? },
        "http" => ProbeSpec::Http { url: target()? },
        "dns" => ProbeSpec::Dns { server: socket(&target()?, Some(53)).await?, name: arguments.name.clone() },
        "sip" => {
            let target = target()?;
            let host = target.strip_prefix("sip:").unwrap_or(&target);
            let (host, uri) = match host.split_once('@') {
                Some((_, host)) => (host, Some(format!("sip:{}", target.trim_start_matches("sip:")))),
                None => (host, None),
            };
            ProbeSpec::Sip { address: socket(host, Some(5060)).await?, transport, uri }
        }
        "registration" => {
            let registrar = arguments
                .registrar
                .as_deref()
                .ok_or_else(|| usage("name who is to be asked: --registrar ADDRESS".to_owned()))?;
            ProbeSpec::Registration {
                registrar: socket(registrar, Some(5060)).await?,
                transport,
                aor: target()?,
            }
        }
        "server" | "host" => ProbeSpec::Host,
        other => {
            let known = "icmp, tcp, http, dns, sip, registration and server";
            return Err(usage(format!("`{other}` is no kind of probe; there are {known}")));
        }
    })
}

async fn address(target: &str) -> Result<IpAddr, Failure> {
    match target.parse() {
        Ok(address) => Ok(address),
        Err(_) => socket(target, Some(0)).await.map(|socket| socket.ip()),
    }
}

/// `ADDRESS:PORT`, or a name or address with the usual port.
async fn socket(target: &str, usual_port: Option<u16>) -> Result<SocketAddr, Failure> {
    if let Ok(socket) = target.parse() {
        return Ok(socket);
    }
    let bare = target.trim_start_matches('[').trim_end_matches(']');
    if let (Ok(ip), Some(port)) = (bare.parse::<IpAddr>(), usual_port) {
        return Ok(SocketAddr::new(ip, port));
    }
    let (host, port) = match (target.rsplit_once(':'), usual_port) {
        (Some((host, port)), _) => (host, port.parse().ok()),
        (None, port) => (target, port),
    };
    let Some(port) = port else {
        return Err(Failure::new(Exit::Usage, format!("`{target}` has no port; write ADDRESS:PORT")));
    };
    let unresolved =
        |reason: String| Failure::new(Exit::Problem, format!("`{host}` does not resolve: {reason}"));
    let mut found = lookup_host((host, port)).await.map_err(|error| unresolved(error.to_string()))?;
    found.next().ok_or_else(|| unresolved("no address".to_owned()))
}

fn as_text(arguments: &Arguments, measured: &Measured) -> String {
    let target = arguments.target.as_deref().unwrap_or("this host");
    let head = format!("{} {target}:", arguments.kind);
    let burst = &measured.burst;
    if let Some(impediment) = &measured.impediment {
        return format!("{head} not measured, which says nothing of the target: {impediment}");
    }
    if let Detail::Host(reading) = &measured.detail {
        return format!("{head}\n{}", host_lines(reading));
    }
    let outcome = match measured.outcome {
        Outcome::Answered => "answered",
        Outcome::Silent => "silent",
        Outcome::Refused => "refused",
        Outcome::Unmeasured => "not measured",
    };
    let said = match &measured.detail {
        Detail::Sip { code, reason } => format!(", {code} {reason}"),
        Detail::Http { status, version, tls } => {
            format!(", HTTP/{version} {status}{}", if *tls { " over TLS" } else { "" })
        }
        Detail::Dns { rcode, answers } => format!(", {rcode}, {answers} answer records"),
        Detail::None | Detail::Host(_) => String::new(),
    };
    let loss =
        burst.loss().map_or_else(|| "unknown".to_owned(), |loss| format!("{:.0} %", loss.value() * 100.0));
    let mut text =
        format!("{head} {outcome}{said}\n  {} sent, {} received, {loss} lost", burst.sent, burst.received);
    if let Some(rtt) = &burst.rtt {
        let jitter = rtt.jitter.map_or_else(|| "-".to_owned(), |jitter| format!("{:.3}", jitter.millis()));
        text.push_str(&format!(
            "\n  rtt ms: min {:.3}  mean {:.3}  p50 {:.3}  p95 {:.3}  p99 {:.3}  max {:.3}  jitter {jitter}",
            rtt.min.millis(),
            rtt.mean.millis(),
            rtt.p50.millis(),
            rtt.p95.millis(),
            rtt.p99.millis(),
            rtt.max.millis(),
        ));
    }
    text
}

fn host_lines(reading: &linesman_probes::host::HostReading) -> String {
    let share = |value: Option<f64>| {
        value.map_or_else(|| "not measured".to_owned(), |value| format!("{:.1} %", value * 100.0))
    };
    let number =
        |value: Option<u64>| value.map_or_else(|| "not measured".to_owned(), |value| value.to_string());
    let rate =
        |value: Option<f64>| value.map_or_else(|| "not measured".to_owned(), |value| format!("{value:.1}/s"));
    let mut lines = vec![
        format!("  cpu busy              {}", share(reading.cpu_busy_ratio)),
        format!(
            "  pressure cpu/mem/io   {} / {} / {}",
            share(reading.pressure_cpu_some),
            share(reading.pressure_memory_some),
            share(reading.pressure_io_some)
        ),
        format!(
            "  load over 1 minute    {}",
            reading.load1.map_or_else(|| "not measured".to_owned(), |load| format!("{load:.2}"))
        ),
        format!(
            "  memory available      {} of {} bytes",
            number(reading.memory_available_bytes),
            number(reading.memory_total_bytes)
        ),
        format!("  sockets udp/tcp       {} / {}", number(reading.sockets_udp), number(reading.sockets_tcp)),
        format!(
            "  conntrack             {} of {}",
            number(reading.conntrack_entries),
            number(reading.conntrack_limit)
        ),
        format!("  udp buffer errors     {}", rate(reading.udp_receive_buffer_errors_per_s)),
        format!("  udp receive errors    {}", rate(reading.udp_in_errors_per_s)),
        format!("  softnet drops         {}", rate(reading.softnet_drops_per_s)),
    ];
    for disk in &reading.disks {
        lines.push(format!(
            "  disk {:<16} {} of {} bytes available",
            disk.mount, disk.available_bytes, disk.total_bytes
        ));
    }
    for interface in &reading.interfaces {
        lines.push(format!(
            "  interface {:<11} receive errors {}, transmit errors {}, receive drops {}",
            interface.name,
            rate(interface.receive_errors_per_s),
            rate(interface.transmit_errors_per_s),
            rate(interface.receive_drops_per_s)
        ));
    }
    lines.join("\n")
}
