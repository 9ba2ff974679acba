//! One look at ten thousand targets: healthy, with one link cut in front of most of them, and with
//! five hundred dead gateways. It must stay well under 100 ms, for it is taken every second.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use linesman::diagnosis::{Diagnosis, Input, RoundPoint, Series, analyse};
use linesman::inventory::Inventory;
use linesman::settings::{Settings, load};
use linesman_probes::observation::Outcome;

/// Three targets each, and a few of the core.
const CUSTOMERS: usize = 3_333;
/// As many as the daemon keeps of a target at 5 s.
const ROUNDS: i64 = 120;

fn network() -> Settings {
    let mut text = String::from(
        "[[server]]\nname = \"server-1\"\naddress = \"198.18.0.1\"\n\
         [[device]]\nname = \"router-1\"\naddress = \"198.18.0.2\"\n",
    );
    for link in 0..4 {
        let _ = writeln!(text, "[[link]]\nname = \"link-{link}\"\nnear = \"router-1\"");
    }
    for customer in 0..CUSTOMERS {
        let (high, low) = (customer / 250, customer % 250 + 1);
        // Most of them hang at one link.
        let link = usize::from(customer % 10 == 0);
        let _ = writeln!(
            text,
            "[[access]]\nname = \"access-{customer}\"\nlink = \"link-{link}\"\naddress = \"10.1.{high}.{low}\"\n\
             [[gateway]]\nname = \"gateway-{customer}\"\naccess = \"access-{customer}\"\n\
             address = \"10.2.{high}.{low}\"\nsip = \"10.2.{high}.{low}:5060\"\n\
             [[customer]]\nname = \"customer-{customer}\"\ngateways = [\"gateway-{customer}\"]"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("linesman.toml");
    std::fs::write(&file, text).expect("written");
    load(&file, []).expect("the network is well formed")
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn input(settings: &Settings, is_cut: impl Fn(&Inventory, usize) -> bool) -> Input {
    let inventory = settings.inventory.clone();
    let round = |number: i64, target: usize, silent: bool| {
        let start = now() - TimeDelta::seconds(5 * (ROUNDS - number))
            + TimeDelta::milliseconds(target as i64 % 5_000);
        RoundPoint {
            start: start - TimeDelta::seconds(10),
            end: start - TimeDelta::seconds(5),
            outcome: if silent { Outcome::Silent } else { Outcome::Answered },
            sent: 5,
            // One request in a thousand is lost for no reason.
            received: if silent {
                0
            } else {
                5 - u32::from((number as usize * 31 + target * 7).is_multiple_of(200))
            },
            rtt_mean_ms: Some(3.0),
            jitter_ms: None,
            code: None,
            host: None,
        }
    };
    let series = (0..inventory.targets().len())
        .map(|target| {
            let cut = is_cut(&inventory, target);
            let rounds: VecDeque<RoundPoint> =
                (0..ROUNDS).map(|number| round(number, target, cut && number > ROUNDS - 10)).collect();
            Series { target, rounds: Arc::new(rounds) }
        })
        .collect();
    let settings = settings.diagnosis.clone();
    Input {
        now: now(),
        inventory,
        series,
        anchor_answers: Vec::new(),
        faults: Vec::new(),
        voice: Vec::new(),
        settings,
    }
}

fn settled(mut input: Input, faults: usize) -> Input {
    for _ in 0..3 {
        let Diagnosis { faults, .. } = analyse(&input);
        input.faults = faults;
    }
    // One whose neighbours just lost a request waits for their next round.
    let open = input.faults.iter().filter(|fault| fault.is_open()).count();
    assert!((faults - faults / 50..=faults).contains(&open), "{open}");
    input
}

fn analysing(criterion: &mut Criterion) {
    let settings = network();
    let behind = |name: &'static str| {
        move |inventory: &Inventory, target: usize| {
            let path = inventory.path(inventory.targets()[target].element);
            inventory.find(name).is_some_and(|index| path.contains(&index))
        }
    };
    let dead = |inventory: &Inventory, target: usize| {
        let name = &inventory.targets()[target].name;
        let number =
            name.strip_prefix("gateway-").and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
        number.is_some_and(|number| number < 500)
    };
    let mut group = criterion.benchmark_group("analyse 10,000 targets");
    group.sample_size(20);
    let cases = [
        ("healthy", settled(input(&settings, |_, _| false), 0)),
        ("one link cut", settled(input(&settings, behind("link-0")), 1)),
        ("500 dead gateways", settled(input(&settings, dead), 500)),
    ];
    for (name, input) in &cases {
        group.bench_function(*name, |bencher| bencher.iter(|| analyse(black_box(input))));
    }
    group.finish();
}

criterion_group!(benches, analysing);
criterion_main!(benches);
