//! A real Prometheus scrapes the daemon as the top README says, and what the rules and dashboards
//! rely on arrives there.

#[cfg(test)]
mod dashboards;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod scrape;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod voice;
#[cfg(test)]
#[path = "../support/voice_calls.rs"]
mod voice_calls;
