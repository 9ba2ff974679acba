//! Measures voice networks, and does nothing else.
//!
//! A [`Probe`](probe::Probe) addresses one target once and says what it saw; the caller adds
//! the target's name and the time. Nothing here knows of tickets, databases or web pages, and
//! only [`wire`] touches sockets' options, procfs or a clock.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`probe`] | the contract: kinds, rounds, what a probe MUST do |
//! | [`observation`] | what a probe says: outcome, burst, detail, window |
//! | [`units`] | delays and ratios with their ranges and their standards |
//! | [`wire`] | real sockets, privileges, our own sockets' drop counters, interfaces, routes, packets of an interface |
//! | [`reach`] | ICMP bursts, TCP connect, HTTP(S), DNS, and the statistics of a burst |
//! | [`sip`] | SIP messages and OPTIONS over UDP and TCP |
//! | [`host`] | resources of this host: pure parsers and thin readers |

pub mod host;
pub mod observation;
pub mod probe;
pub mod reach;
pub mod sip;
pub mod units;
pub mod wire;
