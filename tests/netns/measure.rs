//! How long a cut goes unnoticed at the usual interval: a figure for the record, not a test of
//! its size. `LINESMAN_MEASURE=1 cargo test --test netns detection -- --nocapture` prints it.

use std::time::{Duration, Instant};

use super::scenarios::{Setup, in_namespace};
use super::support::eventually;

/// The usual interval; a ticket at once, because the fault's detection is measured.
pub const USUAL: &str = r#"
[probes]
interval = "5s"
count = 5
timeout = "2s"

[diagnosis]
interval = "500ms"
# Twenty cuts in a few minutes would be slight loss to a memory of five.
gray_window = "15s"
verify_for = "5s"
verify_rounds = 2

[tickets]
settle = "0s"
reopen_window = "0s"
"#;

const CUTS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn detection_of_a_cut_is_measured_on_demand() {
    if std::env::var_os("LINESMAN_MEASURE").is_none() {
        eprintln!("skipped: LINESMAN_MEASURE is not set");
        return;
    }
    in_namespace(async || {
        let setup = Setup::new(USUAL).await;
        let mut delays = Vec::new();
        for round in 0..CUTS {
            // Not in step with the probes: 5 s have no common measure with this.
            tokio::time::sleep(Duration::from_millis(370 * round as u64 % 5_000)).await;
            let cut = Instant::now();
            setup.network.cut("carrier-1");
            eventually("the cut to be noticed", PATIENCE, async || {
                setup.api.has_open_ticket("link-1").await.then_some(())
            })
            .await;
            delays.push(cut.elapsed().as_secs_f64());
            setup.network.mend("carrier-1");
            eventually("the repair to be proven", PATIENCE, async || {
                (!setup.api.has_open_ticket("link-1").await).then_some(())
            })
            .await;
        }
        delays.sort_by(f64::total_cmp);
        let shown: Vec<String> = delays.iter().map(|delay| format!("{delay:.1}")).collect();
        eprintln!(
            "detection of a cut at a 5 s interval, {CUTS} cuts: median {:.1} s, worst {:.1} s; all: {}",
            (delays[CUTS / 2 - 1] + delays[CUTS / 2]) / 2.0,
            delays[CUTS - 1],
            shown.join(" ")
        );
    });
}
