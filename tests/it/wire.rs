//! Probes that answer as a script says: an element that is cut swallows what passes it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linesman::inventory::Inventory;
use linesman_probes::observation::{Burst, Detail, Impediment, Measured, Outcome, RttSummary};
use linesman_probes::probe::{Measuring, Probe, ProbeError, ProbeFactory, ProbeKind, ProbeSpec, Round};
use linesman_probes::units::Rtt;

/// What is wrong right now.
#[derive(Default)]
pub struct Script {
    pub cut: BTreeSet<String>,
    pub isolated: bool,
    pub unmeasurable: bool,
}

pub struct ScriptedProbes {
    pub inventory: Arc<Inventory>,
    pub script: Arc<Mutex<Script>>,
}

impl ProbeFactory for ScriptedProbes {
    fn make(&self, spec: &ProbeSpec) -> Result<Box<dyn Probe>, ProbeError> {
        let target = self.inventory.targets().iter().find(|target| target.spec == *spec);
        let path = target.map_or(Vec::new(), |target| {
            let path = self.inventory.path(target.element).iter();
            path.map(|index| self.inventory.element(*index).name.clone()).collect()
        });
        Ok(Box::new(ScriptedProbe { kind: spec.kind(), path, script: self.script.clone() }))
    }
}

struct ScriptedProbe {
    kind: ProbeKind,
    path: Vec<String>,
    script: Arc<Mutex<Script>>,
}

impl ScriptedProbe {
    /// Whether one request is answered; `None` when we cannot even ask.
    fn ask(&self) -> Option<bool> {
        let script = self.script.lock().expect("no panic");
        if script.unmeasurable {
            return None;
        }
        Some(!script.isolated && !self.path.iter().any(|element| script.cut.contains(element)))
    }
}

impl Probe for ScriptedProbe {
    fn kind(&self) -> ProbeKind {
        self.kind
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(async move {
            let delay = Duration::from_millis(3);
            let mut received = 0;
            for _ in 0..round.count {
                match self.ask() {
                    None => return Measured::unmeasured(Impediment::NoRoute),
                    Some(answered) => received += u32::from(answered),
                }
                tokio::time::sleep(round.spread / round.count).await;
            }
            tokio::time::sleep(if received < round.count { round.timeout } else { delay }).await;
            if received == 0 {
                return Measured::silent(round.count);
            }
            let rtt = Rtt::from_duration(delay);
            let rtt =
                RttSummary { min: rtt, mean: rtt, p50: rtt, p95: rtt, p99: rtt, max: rtt, jitter: None };
            let burst = Burst { sent: round.count, received, duplicates: 0, rtt: Some(rtt) };
            let detail = match self.kind {
                ProbeKind::Sip | ProbeKind::Registration => Detail::Sip { code: 200, reason: String::new() },
                _ => Detail::None,
            };
            Measured { outcome: Outcome::Answered, impediment: None, burst, detail }
        })
    }
}
