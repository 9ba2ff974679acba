//! `linesman probe KIND TARGET`: one measurement now.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use linesman_probes::observation::{Detail, Impediment, Measured, Outcome};
use linesman_probes::probe::{ProbeError, ProbeFactory as _, ProbeKind, ProbeSpec, Round, Transport};
use linesman_probes::reach::SocketProbes;
use tokio::net::lookup_host;

use super::exit::{Exit, Failure};
use super::probe_call::{self, CallArguments};
use super::{Global, output};

/// Longest wait for an answer unless stated.
const TIMEOUT_S: f64 = 2.0;

/// Arguments of `probe`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// icmp, tcp, http, dns, sip, registration, server or call; answer: answers such calls until stopped
    kind: String,
    /// Address, ADDRESS:PORT, name or URL; an address of record for registration; sip:NUMBER@ADDRESS:PORT for call;
    /// nothing for server
    target: Option<String>,
    /// Requests to send
    #[arg(short = 'n', long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Time between two requests, seconds
    #[arg(short, long, default_value_t = 0.2, value_parser = seconds)]
    interval: f64,
    /// Longest wait for an answer, seconds: 2, for a call 15
    #[arg(short, long, value_parser = seconds)]
    timeout: Option<f64>,
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
    #[command(flatten)]
    call: CallArguments,
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
    let target = arguments.target.as_deref();
    match (arguments.kind.as_str(), target) {
        ("call", Some(target)) => {
            let transport = if arguments.transport == "tcp" { Transport::Tcp } else { Transport::Udp };
            let Arguments { call, timeout, json, .. } = &arguments;
            return probe_call::call(call, target, transport, *timeout, *json).await;
        }
        ("answer", listen) => {
            return probe_call::answer(&arguments.call, listen.unwrap_or("0.0.0.0:5060")).await;
        }
        ("call", None) => {
            let message = "name whom to call: linesman probe call sip:NUMBER@ADDRESS:PORT";
            return Err(Failure::new(Exit::Usage, message).into());
        }
        _ => {}
    }
    let began = Instant::now();
    let (spec, measured) = match spec(&arguments).await? {
        Ok(spec) => {
            let measured = measure(&arguments, &spec).await?;
            (Some(spec), measured)
        }
        // The name is no address: our resolver or the name is at fault, nothing was measured.
        Err(impediment) => (None, Measured::unmeasured(impediment)),
    };
    let took = began.elapsed();
    if arguments.json {
        output::json(&serde_json::json!({
            "kind": arguments.kind, "target": spec, "asked": arguments.target,
            "duration_s": took.as_secs_f64(), "measured": measured,
        }))?;
    } else {
        output::line(as_text(&arguments, &measured))?;
    }
    Ok(match (measured.outcome, measured.impediment) {
        (Outcome::Answered, _) => Exit::Fine,
        (Outcome::Unmeasured, Some(Impediment::NoPermission { .. })) => Exit::PermissionMissing,
        _ => Exit::Problem,
    })
}

async fn measure(arguments: &Arguments, spec: &ProbeSpec) -> Result<Measured, Failure> {
    let probe = match SocketProbes::default().make(spec) {
        Ok(probe) => probe,
        Err(ProbeError::Permission { hint }) => {
            return Ok(Measured::unmeasured(Impediment::NoPermission { hint }));
        }
        Err(error) => return Err(Failure::new(Exit::Usage, error.to_string())),
    };
    if spec.kind() == ProbeKind::Host {
        // Rates of a host are over two readings.
        let once = Round { count: 1, spread: Duration::ZERO, timeout: Duration::from_secs(2) };
        probe.measure(once).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        return Ok(probe.measure(once).await);
    }
    let spread = Duration::from_secs_f64(arguments.interval) * arguments.count.saturating_sub(1);
    let timeout = Duration::from_secs_f64(arguments.timeout.unwrap_or(TIMEOUT_S).max(0.01));
    Ok(probe.measure(Round { count: arguments.count, spread, timeout }).await)
}

/// What is to be measured, or why its name leads nowhere.
type Spec = Result<ProbeSpec, Impediment>;

async fn spec(arguments: &Arguments) -> Result<Spec, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let target = || {
        arguments
            .target
            .clone()
            .ok_or_else(|| usage(format!("name a target: linesman probe {} TARGET", arguments.kind)))
    };
    let transport = if arguments.transport == "tcp" { Transport::Tcp } else { Transport::Udp };
    Ok(match arguments.kind.as_str() {
        "icmp" => address(&target()?).await?.map(|address| ProbeSpec::Icmp { address, payload: 56 }),
        "tcp" => socket(&target()?, None).await?.map(|address| ProbeSpec::Tcp { address }),
        "http" => Ok(ProbeSpec::Http { url: target()? }),
        "dns" => {
            let name = arguments.name.clone();
            socket(&target()?, Some(53)).await?.map(|server| ProbeSpec::Dns { server, name })
        }
        "sip" => {
            let target = target()?;
            let host = target.strip_prefix("sip:").unwrap_or(&target);
            let (host, uri) = match host.split_once('@') {
                Some((_, host)) => (host, Some(format!("sip:{}", target.trim_start_matches("sip:")))),
                None => (host, None),
            };
            socket(host, Some(5060)).await?.map(|address| ProbeSpec::Sip { address, transport, uri })
        }
        "registration" => {
            let registrar = arguments
                .registrar
                .as_deref()
                .ok_or_else(|| usage("name who is to be asked: --registrar ADDRESS".to_owned()))?;
            let aor = target()?;
            let registrar = socket(registrar, Some(5060)).await?;
            registrar.map(|registrar| ProbeSpec::Registration { registrar, transport, aor })
        }
        "server" | "host" => Ok(ProbeSpec::Host),
        other => {
            let known = "icmp, tcp, http, dns, sip, registration, server, call and answer";
            return Err(usage(format!("`{other}` is no kind of probe; there are {known}")));
        }
    })
}

async fn address(target: &str) -> Result<Result<IpAddr, Impediment>, Failure> {
    match target.parse() {
        Ok(address) => Ok(Ok(address)),
        Err(_) => Ok(resolve(target, 0).await.map(|socket| socket.ip())),
    }
}

/// `ADDRESS:PORT`, or a name or address with the usual port.
pub(super) async fn socket(
    target: &str,
    usual_port: Option<u16>,
) -> Result<Result<SocketAddr, Impediment>, Failure> {
    let bare = target.trim_start_matches('[').trim_end_matches(']');
    if let (Ok(ip), Some(port)) = (bare.parse::<IpAddr>(), usual_port) {
        return Ok(Ok(SocketAddr::new(ip, port)));
    }
    let (host, port) = match target.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok().filter(|port| *port > 0)),
        None => (target, usual_port),
    };
    let Some(port) = port else {
        let message = format!("`{target}` has no port from 1 to 65535; write ADDRESS:PORT");
        return Err(Failure::new(Exit::Usage, message));
    };
    match target.parse() {
        Ok(socket) => Ok(Ok(socket)),
        Err(_) => Ok(resolve(host, port).await),
    }
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, Impediment> {
    let unresolved = |reason: String| Impediment::Unresolved { name: host.to_owned(), reason };
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
        // A call has a page of its own.
        Detail::None | Detail::Host(_) | Detail::Rtp { .. } | Detail::Call(_) => String::new(),
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
    let unknown = || "not measured".to_owned();
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
            "  memory available      {} of {}",
            reading.memory_available_bytes.map_or_else(unknown, size),
            reading.memory_total_bytes.map_or_else(unknown, size)
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
            "  disk {:<16} {} of {} available",
            disk.mount,
            size(disk.available_bytes),
            size(disk.total_bytes)
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

/// Bytes as people say them, in powers of 1024.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"KiB");
    while value >= 1024.0 {
        let Some(next) = units.next() else { break };
        (value, unit) = (value / 1024.0, next);
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_the_unit_that_fits() {
        assert_eq!(
            [0, 1536, 24_454_090_752, u64::MAX].map(size),
            ["0.0 KiB", "1.5 KiB", "22.8 GiB", "16777216.0 TiB"]
        );
    }

    #[tokio::test]
    async fn a_port_is_usual_stated_or_missing() {
        let of =
            async |target, usual| socket(target, usual).await.map(|found| found.map(|at| at.to_string()));
        assert_eq!(of("::1", Some(53)).await.expect("fine"), Ok("[::1]:53".to_owned()));
        assert_eq!(of("[::1]:54", Some(53)).await.expect("fine"), Ok("[::1]:54".to_owned()));
        for wrong in ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "[::1]"] {
            assert_eq!(of(wrong, None).await.expect_err(wrong).exit, Exit::Usage);
        }
    }
}
