//! The guard around every probe: voids rounds that this host itself spoiled.

use std::net::IpAddr;
use std::sync::Arc;

use super::round::has_loss;
use crate::observation::{Impediment, Measured};
use crate::probe::{Measuring, Probe, ProbeKind, Round};
use crate::wire::{ClockWatch, OwnLinks};

/// A probe whose rounds are void when our clock stepped or our interface was down.
pub struct Guarded {
    probe: Box<dyn Probe>,
    target: Option<IpAddr>,
    links: Arc<OwnLinks>,
}

impl Guarded {
    /// Guards `probe`. Without a `target` address (names, this host itself) only the clock is
    /// watched.
    #[must_use]
    pub fn new(probe: Box<dyn Probe>, target: Option<IpAddr>, links: Arc<OwnLinks>) -> Self {
        Self { probe, target, links }
    }

    async fn measure_round(&self, round: Round) -> Measured {
        let clocks = ClockWatch::start();
        let measured = self.probe.measure(round).await;
        if let Some(step_ms) = clocks.step() {
            return Measured::unmeasured(Impediment::ClockStepped { step_ms });
        }
        // An answer proves that the interface works; only missing ones raise the question.
        let unanswered = has_loss(&measured) || measured.impediment == Some(Impediment::NoRoute);
        if !unanswered {
            return measured;
        }
        match self.target.and_then(|target| self.links.down_towards(target)) {
            Some(down) => Measured::unmeasured(down),
            None => measured,
        }
    }
}

impl Probe for Guarded {
    fn kind(&self) -> ProbeKind {
        self.probe.kind()
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(self.measure_round(round))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Returns what it was told to.
    struct Scripted(Measured);

    impl Probe for Scripted {
        fn kind(&self) -> ProbeKind {
            ProbeKind::Tcp
        }

        fn measure(&self, _round: Round) -> Measuring<'_> {
            Box::pin(std::future::ready(self.0.clone()))
        }
    }

    #[tokio::test]
    async fn silence_stays_silence_while_our_own_side_is_well() {
        let guarded = Guarded::new(
            Box::new(Scripted(Measured::silent(3))),
            Some("127.0.0.5".parse().unwrap()),
            Arc::default(),
        );
        let round = Round { count: 3, spread: Duration::ZERO, timeout: Duration::ZERO };
        assert_eq!(guarded.measure(round).await, Measured::silent(3));
        assert_eq!(guarded.kind(), ProbeKind::Tcp);
    }
}
