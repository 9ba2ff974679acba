//! Measures a fleet of ICMP targets at a steady rate and prints one line of JSON.
//!
//! `fleet TARGETS RATE SECONDS [COUNT]`: TARGETS is a network (`198.18.0.0/18`) or a file with an
//! address a line; RATE is requests a second over all targets; COUNT (default 1) requests make a
//! round. Rounds start evenly spaced; a round of more than one request spreads them over a
//! second. For `benches/icmp_fleet.sh`, and to size a host.
#![expect(clippy::print_stdout, reason = "a command line tool prints its result")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use linesman_probes::observation::{Measured, Outcome};
use linesman_probes::probe::{Probe, Round};
use linesman_probes::reach::{IcmpEngine, IcmpProbe, IcmpSettings};
use linesman_probes::units::Rtt;
use tokio::time::Instant;

/// Rounds started at one go. More would only use up the runtime's budget of one task, after which
/// each further round is polled in vain.
const MOST_AT_ONCE: u64 = 100;

type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "usage: fleet NETWORK/PREFIX|FILE REQUESTS_PER_SECOND SECONDS [REQUESTS_PER_ROUND]";

/// What came of all rounds.
#[derive(Default)]
struct Totals {
    rounds: u64,
    voided: u64,
    sent: u64,
    received: u64,
    first_impediment: Option<String>,
    rtts: Vec<Rtt>,
}

impl Totals {
    fn add(&mut self, measured: &Measured) {
        self.rounds += 1;
        if measured.outcome == Outcome::Unmeasured {
            self.voided += 1;
            if let Some(impediment) = &measured.impediment {
                self.first_impediment.get_or_insert_with(|| impediment.to_string());
            }
        }
        self.sent += u64::from(measured.burst.sent);
        self.received += u64::from(measured.burst.received);
        self.rtts.extend(measured.burst.rtt.map(|rtt| rtt.p50));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [targets, rate, seconds, rest @ ..] = arguments.as_slice() else { return Err(USAGE.into()) };
    let targets = addresses(targets)?;
    let rate: f64 = rate.parse()?;
    let seconds: u64 = seconds.parse()?;
    let count: u32 = rest.first().map_or(Ok(1), |count| count.parse())?;
    if targets.is_empty() || count == 0 || rate.is_nan() || rate <= 0.0 {
        return Err(USAGE.into());
    }

    let engine = IcmpEngine::new(IcmpSettings::default())?;
    let probes: Result<Vec<IcmpProbe>, _> =
        targets.iter().map(|address| IcmpProbe::new(engine.clone(), *address, 56)).collect();
    let spread = if count > 1 { Duration::from_secs(1) } else { Duration::ZERO };
    let round = Round { count, spread, timeout: Duration::from_secs(1) };

    let cpu_before = cpu_seconds()?;
    let begun = Instant::now();
    let mut totals = run(&probes?, round, rate / f64::from(count), Duration::from_secs(seconds)).await;
    let elapsed = begun.elapsed().as_secs_f64();
    let cpu = cpu_seconds()? - cpu_before;

    totals.rtts.sort_unstable();
    let percentile = |percent: usize| {
        let rank = (totals.rtts.len() * percent).div_ceil(100);
        rank.checked_sub(1).and_then(|index| totals.rtts.get(index)).map(|rtt| rtt.nanos() / 1_000)
    };
    let socket = engine.opened(*targets.first().ok_or(USAGE)?)?;
    let result = serde_json::json!({
        "prober": "linesman",
        "socket": socket.kind.name(),
        "receive_buffer_bytes": socket.receive_buffer,
        "targets": targets.len(),
        "rounds": totals.rounds,
        "sent": totals.sent,
        "received": totals.received,
        "lost": totals.sent - totals.received,
        "voided": totals.voided,
        "first_impediment": totals.first_impediment,
        "seconds": elapsed,
        "cpu_seconds": cpu,
        "cpu_microseconds_per_request": cpu * 1e6 / totals.sent.max(1) as f64,
        "max_rss_bytes": max_rss_bytes()?,
        "rtt_p50_us": percentile(50),
        "rtt_p99_us": percentile(99),
    });
    println!("{result}");
    Ok(())
}

/// Starts rounds evenly for `lasting`, target after target, and waits for the last.
async fn run(probes: &[IcmpProbe], round: Round, rounds_per_second: f64, lasting: Duration) -> Totals {
    let mut totals = Totals::default();
    let mut running = FuturesUnordered::new();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let begun = Instant::now();
    let planned = (rounds_per_second * lasting.as_secs_f64()) as u64;
    let mut started = 0_u64;
    let mut targets = probes.iter().cycle();
    while started < planned {
        tokio::select! {
            biased;
            _ = tick.tick() => {
                let due = (begun.elapsed().as_secs_f64() * rounds_per_second) as u64;
                let starting = due.min(planned).saturating_sub(started).min(MOST_AT_ONCE);
                for probe in targets.by_ref().take(usize::try_from(starting).unwrap_or(0)) {
                    running.push(probe.measure(round));
                    started += 1;
                }
            }
            Some(measured) = running.next() => totals.add(&measured),
        }
    }
    while let Some(measured) = running.next().await {
        totals.add(&measured);
    }
    totals
}

fn addresses(argument: &str) -> Result<Vec<IpAddr>, Failure> {
    let Some((network, prefix)) = argument.split_once('/').filter(|(network, _)| !network.is_empty()) else {
        let text = std::fs::read_to_string(argument)?;
        return Ok(text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?);
    };
    let network = u32::from(network.parse::<Ipv4Addr>()?);
    let prefix: u32 = prefix.parse()?;
    if !(12..=32).contains(&prefix) {
        return Err("a network of prefix 12 to 32, please".into());
    }
    let hosts = 1_u32 << (32 - prefix);
    Ok((0..hosts).map(|host| Ipv4Addr::from(network.saturating_add(host)).into()).collect())
}

fn cpu_seconds() -> Result<f64, Failure> {
    let stat = procfs::process::Process::myself()?.stat()?;
    Ok((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64)
}

fn max_rss_bytes() -> Result<Option<u64>, Failure> {
    Ok(procfs::process::Process::myself()?.status()?.vmhwm.map(|kib| kib * 1024))
}
