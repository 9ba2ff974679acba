//! What passes, as a program that the kernel runs on each packet (classic BPF, `linux/filter.h`).
//!
//! The program asks for the protocol and reads from the network header on, so it is the same on every kind of link.
//! What it cannot read at once, later fragments, IPv6 with extension headers, tags that the kernel left in the
//! packet, it lets pass: the decoder reads on.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Ports of SIP over TCP.
pub const SIP_PORTS: RangeInclusive<u16> = 5060..=5090;

/// What passes: UDP, of these hosts and ports if any are named, and SIP over TCP if asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    networks: Vec<(IpAddr, u8)>,
    ports: Vec<RangeInclusive<u16>>,
    tcp: Option<RangeInclusive<u16>>,
}

/// Why a filter was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A word that is none of the language.
    #[error(
        "`{0}` is not understood; write `host A`, `net A/N`, `port N` or `portrange N-M`, joined by `and`"
    )]
    Word(String),
    /// A value that does not fit its word.
    #[error("`{value}` is no value for `{word}`")]
    Value {
        /// The word.
        word: String,
        /// What stood behind it.
        value: String,
    },
    /// The kernel's jumps do not reach so far.
    #[error("the filter names too much: at most {MOST} hosts, networks and ports")]
    TooLong,
}

/// Most conditions, so that every jump reaches its end.
const MOST: usize = 8;

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        let mut words = text.split_ascii_whitespace().filter(|word| *word != "and" && *word != "udp");
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_default();
            let wrong = || FilterError::Value { word: word.to_owned(), value: value.to_owned() };
            match word {
                "host" => {
                    let address: IpAddr = value.parse().map_err(|_| wrong())?;
                    filter.networks.push((address, if address.is_ipv4() { 32 } else { 128 }));
                }
                "net" => filter.networks.push(network(value).ok_or_else(wrong)?),
                "port" => {
                    let port: u16 = value.parse().map_err(|_| wrong())?;
                    filter.ports.push(port..=port);
                }
                "portrange" => filter.ports.push(range(value).ok_or_else(wrong)?),
                _ => return Err(FilterError::Word(word.to_owned())),
            }
        }
        if filter.networks.len() + filter.ports.len() > MOST {
            return Err(FilterError::TooLong);
        }
        Ok(filter)
    }
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, length))
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (from, to) = text.split_once('-')?;
    let range = from.parse().ok()?..=to.parse().ok()?;
    (!range.is_empty()).then_some(range)
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("udp")?;
        for (address, length) in &self.networks {
            write!(f, " net {address}/{length}")?;
        }
        for range in &self.ports {
            write!(f, " portrange {}-{}", range.start(), range.end())?;
        }
        match &self.tcp {
            Some(range) => write!(f, ", or tcp portrange {}-{}", range.start(), range.end()),
            None => Ok(()),
        }
    }
}

/// One instruction: code, jumps, operand.
pub(super) type Instruction = libc::sock_filter;

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_AT_X: u16 = 0x48;
const AND: u16 = 0x54;
const SHIFT_LEFT: u16 = 0x64;
const A_TO_X: u16 = 0x07;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_MORE: u16 = 0x25;
const JUMP_NOT_LESS: u16 = 0x35;
const JUMP_SET: u16 = 0x45;
const RETURN: u16 = 0x06;

const NETWORK: u32 = libc::SKF_NET_OFF as u32;
const PROTOCOL: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PROTOCOL) as u32;
const KIND: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32;
const INTERFACE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_IFINDEX) as u32;
/// The loopback is the first interface of every network namespace.
const LOOPBACK: u32 = 1;
/// All of a packet.
const WHOLE: u32 = 0x0004_0000;

/// Where a jump goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Next,
    Pass,
    Drop,
    /// A place that is set later.
    Place(usize),
}

#[derive(Default)]
struct Program {
    code: Vec<(u16, To, To, u32)>,
    places: Vec<usize>,
}

impl Program {
    fn then(&mut self, code: u16, operand: u32) {
        self.code.push((code, To::Next, To::Next, operand));
    }

    fn jump(&mut self, code: u16, operand: u32, yes: To, no: To) {
        self.code.push((code, yes, no, operand));
    }

    fn place(&mut self) -> To {
        self.places.push(usize::MAX);
        To::Place(self.places.len() - 1)
    }

    /// A place is here.
    fn here(&mut self, place: To) {
        if let To::Place(number) = place {
            self.places[number] = self.code.len();
        }
    }

    fn finish(mut self) -> Vec<Instruction> {
        let pass = self.code.len();
        self.then(RETURN, WHOLE);
        self.then(RETURN, 0);
        let offset = |at: usize, to: To| {
            let target = match to {
                To::Next => return 0,
                To::Pass => pass,
                To::Drop => pass + 1,
                To::Place(number) => self.places[number],
            };
            // Within reach: the number of conditions is bounded.
            (target - at - 1) as u8
        };
        let all = self.code.iter().enumerate();
        all.map(|(at, (code, yes, no, k))| Instruction {
            code: *code,
            jt: offset(at, *yes),
            jf: offset(at, *no),
            k: *k,
        })
        .collect()
    }
}

impl Filter {
    /// The same, and SIP over TCP at these ports.
    #[must_use]
    pub fn with_tcp(mut self, ports: RangeInclusive<u16>) -> Self {
        self.tcp = Some(ports);
        self
    }

    /// The program. On all interfaces at once a packet of the loopback passes twice, leaving and arriving: once is
    /// enough.
    pub(super) fn program(&self, all_interfaces: bool) -> Vec<Instruction> {
        let mut program = Program::default();
        if all_interfaces {
            let (leaving, other) = (program.place(), program.place());
            program.then(LOAD_WORD, KIND);
            program.jump(JUMP_EQUAL, libc::PACKET_OUTGOING.into(), leaving, other);
            program.here(leaving);
            program.then(LOAD_WORD, INTERFACE);
            program.jump(JUMP_EQUAL, LOOPBACK, To::Drop, other);
            program.here(other);
        }
        let (four, six) = (program.place(), program.place());
        program.then(LOAD_WORD, PROTOCOL);
        program.jump(JUMP_EQUAL, 0x0800, four, To::Next);
        program.jump(JUMP_EQUAL, 0x86dd, six, To::Next);
        // Tags within the packet, PPPoE, MPLS.
        for tag in [0x8100, 0x88a8, 0x9100, 0x8864, 0x8847] {
            program.jump(JUMP_EQUAL, tag, To::Pass, To::Next);
        }
        program.jump(JUMP_EQUAL, 0x8848, To::Pass, To::Drop);
        program.here(four);
        self.version_4(&mut program);
        program.here(six);
        self.version_6(&mut program);
        program.finish()
    }

    fn version_4(&self, program: &mut Program) {
        let hosts = program.place();
        for (address, length) in &self.networks {
            let IpAddr::V4(address) = address else { continue };
            let mask = u32::MAX.checked_shl(32 - u32::from(*length)).unwrap_or(0);
            for place in [12, 16] {
                program.then(LOAD_WORD, NETWORK + place);
                program.then(AND, mask);
                program.jump(JUMP_EQUAL, u32::from(*address) & mask, hosts, To::Next);
            }
        }
        if !self.networks.is_empty() {
            program.jump(JUMP_SET, 0, To::Drop, To::Drop);
        }
        program.here(hosts);
        let (udp, tcp) = (program.place(), program.place());
        program.then(LOAD_BYTE, NETWORK + 9);
        program.jump(JUMP_EQUAL, 17, udp, To::Next);
        program.jump(JUMP_EQUAL, 6, if self.tcp.is_some() { tcp } else { To::Drop }, To::Drop);
        let mut ports = |place: To, wanted: &[RangeInclusive<u16>]| {
            program.here(place);
            program.then(LOAD_HALF, NETWORK + 6);
            program.jump(JUMP_SET, 0x1fff, To::Pass, To::Next);
            program.then(LOAD_BYTE, NETWORK);
            program.then(AND, 0x0f);
            program.then(SHIFT_LEFT, 2);
            program.then(A_TO_X, 0);
            self::ports(program, wanted, LOAD_HALF_AT_X, NETWORK);
        };
        ports(udp, &self.ports);
        if let Some(wanted) = &self.tcp {
            ports(tcp, std::slice::from_ref(wanted));
        }
    }

    fn version_6(&self, program: &mut Program) {
        let hosts = program.place();
        for (address, length) in &self.networks {
            let IpAddr::V6(address) = address else { continue };
            let whole = u128::from(*address);
            let mask = u128::MAX.checked_shl(128 - u32::from(*length)).unwrap_or(0);
            for place in [8, 24] {
                let other = program.place();
                for word in 0..4 {
                    let part = |value: u128| (value >> (96 - 32 * word)) as u32;
                    program.then(LOAD_WORD, NETWORK + place + 4 * word);
                    program.then(AND, part(mask));
                    let last = if word == 3 { hosts } else { To::Next };
                    program.jump(JUMP_EQUAL, part(whole & mask), last, other);
                }
                program.here(other);
            }
        }
        if !self.networks.is_empty() {
            program.jump(JUMP_SET, 0, To::Drop, To::Drop);
        }
        program.here(hosts);
        let (udp, tcp) = (program.place(), program.place());
        program.then(LOAD_BYTE, NETWORK + 6);
        program.jump(JUMP_EQUAL, 17, udp, To::Next);
        // Extension headers: hop by hop, routing, fragment, destination options.
        for header in [0, 43, 44, 60] {
            program.jump(JUMP_EQUAL, header, To::Pass, To::Next);
        }
        program.jump(JUMP_EQUAL, 6, if self.tcp.is_some() { tcp } else { To::Drop }, To::Drop);
        program.here(udp);
        ports(program, &self.ports, LOAD_HALF, NETWORK + 40);
        if let Some(wanted) = &self.tcp {
            program.here(tcp);
            ports(program, std::slice::from_ref(wanted), LOAD_HALF, NETWORK + 40);
        }
    }
}

/// Passes when one of the two ports is in one of the ranges, or when none is named.
fn ports(program: &mut Program, wanted: &[RangeInclusive<u16>], load: u16, transport: u32) {
    for place in [0, 2] {
        program.then(load, transport + place);
        for range in wanted {
            let other = program.place();
            program.jump(JUMP_NOT_LESS, (*range.start()).into(), To::Next, other);
            program.jump(JUMP_MORE, (*range.end()).into(), To::Next, To::Pass);
            program.here(other);
        }
    }
    let verdict = if wanted.is_empty() { To::Pass } else { To::Drop };
    program.jump(JUMP_SET, 0, verdict, verdict);
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
