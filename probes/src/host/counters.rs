//! What only grows, and the rates that two readings make of it: pure.
//!
//! A counter that went back (reset, wrap, an interface made anew) has no rate: `None`, never negative.

use std::collections::BTreeMap;
use std::time::Duration;

use super::parse::{self, CpuTicks, InterfaceCounters, SoftnetDrops};
use super::read::Texts;
use super::{HostReading, InterfaceReading};

/// Everything a rate needs from the reading before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    cpu: Option<CpuTicks>,
    udp_receive_buffer_errors: Option<u64>,
    udp_in_errors: Option<u64>,
    softnet: Option<SoftnetDrops>,
    interfaces: BTreeMap<String, InterfaceCounters>,
}

impl Counters {
    /// Of what was read.
    #[must_use]
    pub fn of(texts: &Texts) -> Self {
        let udp = |counter| texts.snmp.as_deref().and_then(|text| parse::snmp(text, "Udp", counter));
        let mut interfaces = texts.net_dev.as_deref().and_then(parse::interfaces).unwrap_or_default();
        interfaces.retain(|name, _| !texts.interfaces_down.contains(name));
        Self {
            cpu: texts.stat.as_deref().and_then(parse::cpu).map(|(ticks, _)| ticks),
            udp_receive_buffer_errors: udp("RcvbufErrors"),
            udp_in_errors: udp("InErrors"),
            softnet: texts.softnet.as_deref().and_then(parse::softnet),
            interfaces,
        }
    }
}

/// What the texts say, with rates since `before`, which was read `Duration` ago.
/// File systems are not in texts; they stay empty here.
#[must_use]
pub fn reading(texts: &Texts, now: &Counters, before: Option<(&Counters, Duration)>) -> HostReading {
    let pressure = |text: &Option<String>| text.as_deref().and_then(parse::pressure_some);
    let single = |text: &Option<String>| text.as_deref().and_then(parse::number);
    let (memory_total_bytes, memory_available_bytes) =
        texts.meminfo.as_deref().map(parse::memory).unwrap_or_default();
    let rates = before.map(|(counters, elapsed)| Rates { before: counters, elapsed });
    let rate = |count: fn(&Counters) -> Option<u64>| {
        rates.as_ref().and_then(|rates| per_second(count(now)?, count(rates.before)?, rates.elapsed))
    };
    HostReading {
        cpu_busy_ratio: rates.as_ref().and_then(|rates| busy_ratio(now.cpu?, rates.before.cpu?)),
        cpus: texts.stat.as_deref().and_then(parse::cpu).map(|(_, cpus)| cpus),
        load1: texts.loadavg.as_deref().and_then(parse::load1),
        pressure_cpu_some: pressure(&texts.pressure_cpu),
        pressure_memory_some: pressure(&texts.pressure_memory),
        pressure_io_some: pressure(&texts.pressure_io),
        memory_total_bytes,
        memory_available_bytes,
        disks: Vec::new(),
        sockets_udp: sockets(texts, "UDP"),
        sockets_tcp: sockets(texts, "TCP"),
        conntrack_entries: single(&texts.conntrack_count),
        conntrack_limit: single(&texts.conntrack_max),
        udp_receive_buffer_errors_per_s: rate(|counters| counters.udp_receive_buffer_errors),
        udp_in_errors_per_s: rate(|counters| counters.udp_in_errors),
        softnet_drops_per_s: rates.as_ref().and_then(|rates| rates.softnet(now)),
        interfaces: now
            .interfaces
            .iter()
            .map(|(name, counters)| {
                let before = rates.as_ref().and_then(|rates| rates.interface(name));
                let rate = |count: fn(&InterfaceCounters) -> u64| {
                    before.and_then(|(before, elapsed)| per_second(count(counters), count(before), elapsed))
                };
                InterfaceReading {
                    name: name.clone(),
                    receive_errors_per_s: rate(|counters| counters.receive_errors),
                    transmit_errors_per_s: rate(|counters| counters.transmit_errors),
                    receive_drops_per_s: rate(|counters| counters.receive_drops),
                }
            })
            .collect(),
    }
}

/// The kernel counts sockets of IPv4 and IPv6 apart; a host without IPv6 has only the first.
fn sockets(texts: &Texts, protocol: &str) -> Option<u64> {
    let v4 = texts.sockstat.as_deref().and_then(|text| parse::sockets(text, protocol))?;
    let v6 = texts.sockstat6.as_deref().and_then(|text| parse::sockets(text, &format!("{protocol}6")));
    v4.checked_add(v6.unwrap_or(0))
}

struct Rates<'a> {
    before: &'a Counters,
    elapsed: Duration,
}

impl<'a> Rates<'a> {
    fn softnet(&self, now: &Counters) -> Option<f64> {
        let (now, before) = (now.softnet?, self.before.softnet?);
        if now.cpus != before.cpus {
            return None;
        }
        per_second(now.dropped, before.dropped, self.elapsed)
    }

    fn interface(&self, name: &str) -> Option<(&'a InterfaceCounters, Duration)> {
        self.before.interfaces.get(name).map(|before| (before, self.elapsed))
    }
}

/// Growth a second; `None` when it went back or no time passed.
fn per_second(now: u64, before: u64, elapsed: Duration) -> Option<f64> {
    let grown = now.checked_sub(before)?;
    (!elapsed.is_zero()).then(|| grown as f64 / elapsed.as_secs_f64())
}

/// Share of ticks not idle; `None` when no tick passed or the kernel corrected itself backwards.
fn busy_ratio(now: CpuTicks, before: CpuTicks) -> Option<f64> {
    let total = now.total.checked_sub(before.total)?;
    let idle = now.idle.checked_sub(before.idle)?;
    let busy = total.checked_sub(idle)?;
    (total > 0).then(|| busy as f64 / total as f64)
}
