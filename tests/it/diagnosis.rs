//! The diagnosis on any series whatever, and at the edges of its network.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::diagnosis::{
    Cause, Diagnosis, Fault, FaultState, Input, PollerState, RoundPoint, Series, Severity, Side, analyse,
};
use linesman::inventory::Inventory;
use linesman::settings::{Settings, load};
use linesman_probes::observation::Outcome;
use proptest::prelude::*;

const NETWORK: &str = r#"
[[server]]
name = "server-1"
address = "198.18.0.1"
sip = "198.18.0.1:5060"

[[device]]
name = "router-1"
address = "198.18.0.254"

[[link]]
name = "link-1"
carrier = "Carrier A"
near = "router-1"

[[trunk]]
name = "trunk-1"
link = "link-1"
sip = "198.18.1.11:5060"

[[access]]
name = "access-1"
device = "router-1"

[[gateway]]
name = "gateway-1"
owner = "company"
access = "access-1"
address = "198.18.101.2"
sip = "198.18.101.2:5060"

[[customer]]
name = "customer-1"
key_account = true
gateways = ["gateway-1"]
"#;

fn network(text: &str) -> Settings {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("linesman.toml");
    std::fs::write(&file, text).expect("written");
    load(&file, []).expect("the settings are well formed")
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn round(start: DateTime<Utc>, outcome: Outcome, sent: u32, received: u32) -> RoundPoint {
    let end = start + TimeDelta::seconds(4);
    RoundPoint {
        start,
        end,
        outcome,
        sent,
        received,
        rtt_mean_ms: Some(1.0),
        jitter_ms: None,
        code: None,
        host: None,
    }
}

/// Looks every second for some time at a network in which some targets are silent.
struct Scene {
    settings: Settings,
    silent: fn(&str, i64) -> bool,
    faults: Vec<Fault>,
}

impl Scene {
    fn new(text: &str, silent: fn(&str, i64) -> bool) -> Self {
        Self { settings: network(text), silent, faults: Vec::new() }
    }

    fn input(&self, second: i64) -> Input {
        let inventory = self.settings.inventory.clone();
        let series = inventory.targets().iter().enumerate().map(|(target, facts)| {
            let rounds = (0..second / 5)
                .map(|number| {
                    let silent = (self.silent)(&facts.name, number * 5);
                    let start = now() + TimeDelta::seconds(number * 5);
                    let outcome = if silent { Outcome::Silent } else { Outcome::Answered };
                    round(start, outcome, 5, if silent { 0 } else { 5 })
                })
                .collect();
            Series { target, rounds: Arc::new(rounds) }
        });
        let series = series.collect();
        let mut settings = self.settings.diagnosis.clone();
        settings.verify_for = Duration::from_secs(30);
        let at = now() + TimeDelta::seconds(second);
        let faults = self.faults.clone();
        Input { now: at, inventory, series, anchor_answers: Vec::new(), voice: Vec::new(), faults, settings }
    }

    fn until(&mut self, from: i64, to: i64) -> Vec<String> {
        let mut lives = Vec::new();
        for second in from..to {
            self.faults = analyse(&self.input(second)).faults;
            for fault in &self.faults {
                let life = match fault.life {
                    FaultState::Suspected { .. } => "suspected",
                    FaultState::Raised { .. } => "raised",
                    FaultState::Clearing { .. } => "clearing",
                    FaultState::Cleared { .. } => "cleared",
                };
                let life = format!("{} {life}", fault.key);
                if lives.last() != Some(&life) {
                    lives.push(life);
                }
            }
        }
        lives
    }

    fn only(&self) -> &Fault {
        assert_eq!(self.faults.len(), 1, "{:#?}", self.faults);
        &self.faults[0]
    }
}

#[test]
fn a_link_with_one_trunk_cannot_be_told_from_it_and_says_so() {
    let mut scene = Scene::new(NETWORK, |name, second| name.starts_with("trunk") && second >= 30);
    scene.until(0, 60);
    let fault = scene.only();
    assert!((0.5..0.7).contains(&fault.confidence), "{}", fault.confidence);
    assert!(fault.why_not.iter().any(|message| message.key == "why_not.close_rival"), "{:?}", fault.why_not);
}

#[test]
fn a_gateway_whose_access_line_is_not_measured_is_no_sure_thing() {
    let mut scene = Scene::new(NETWORK, |name, second| name.starts_with("gateway") && second >= 30);
    scene.until(0, 60);
    let fault = scene.only();
    assert_eq!((fault.cause, fault.side), (Cause::GatewayDown, Side::Company));
    assert!(fault.confidence < 0.8, "{}", fault.confidence);
    assert_eq!(fault.severity, Severity::Major, "a key account");
    assert_eq!(
        fault.headline.key, "headline.gateway_down_alone",
        "nobody has measured that the line is good"
    );
}

#[test]
fn a_gateway_whose_access_line_answers_is_the_gateway() {
    let text =
        NETWORK.replace("device = \"router-1\"\n", "device = \"router-1\"\naddress = \"198.18.101.1\"\n");
    let mut scene = Scene::new(&text, |name, second| name.starts_with("gateway") && second >= 30);
    scene.until(0, 60);
    let fault = scene.only();
    assert!(fault.confidence > 0.95, "{}", fault.confidence);
    assert_eq!(fault.headline.key, "headline.gateway_down");
}

#[test]
fn a_fault_lives_from_suspicion_through_relapse_to_proof() {
    let mut scene = Scene::new(NETWORK, |name, second| {
        name.starts_with("gateway") && ((30..60).contains(&second) || (75..90).contains(&second))
    });
    let lives = scene.until(0, 140);
    let key = "gateway/gateway-1";
    let expected = ["suspected", "raised", "clearing", "raised", "clearing", "cleared"];
    assert_eq!(lives, expected.map(|life| format!("{key} {life}")));
}

#[test]
fn a_better_location_keeps_when_it_was_raised_and_what_it_was_called() {
    let mut scene = Scene::new(NETWORK, |name, second| {
        second >= 30 && (name.starts_with("gateway") || (second >= 45 && name.starts_with("access")))
    });
    scene.settings = network(
        &NETWORK.replace("device = \"router-1\"\n", "device = \"router-1\"\naddress = \"198.18.101.1\"\n"),
    );
    scene.until(0, 48);
    let raised = scene.only().clone();
    assert_eq!(raised.segment, "gateway-1");
    scene.until(48, 80);
    let fault = scene.only();
    assert_eq!((fault.segment.as_str(), &fault.life), ("access-1", &raised.life));
    assert_eq!(fault.aliases, [raised.key]);
}

#[test]
fn a_fault_of_an_element_that_is_gone_from_the_network_is_told_of_no_more() {
    let mut scene = Scene::new(NETWORK, |name, second| name.starts_with("trunk") && second >= 30);
    scene.until(0, 60);
    assert!(scene.only().is_open());
    scene.settings = network(&NETWORK[..NETWORK.find("[[link]]").expect("a link")]);
    scene.until(60, 62);
    assert_eq!(scene.faults, []);
}

#[test]
fn what_is_not_measured_neither_clears_nor_raises() {
    let mut scene = Scene::new(NETWORK, |name, second| name.starts_with("gateway") && second >= 30);
    scene.until(0, 60);
    let before = scene.only().life.clone();
    for second in 60..400 {
        let mut input = scene.input(60);
        input.now = now() + TimeDelta::seconds(second);
        for series in &mut input.series {
            let unmeasured =
                (60..second).map(|s| round(now() + TimeDelta::seconds(s), Outcome::Unmeasured, 0, 0));
            Arc::make_mut(&mut series.rounds).extend(unmeasured);
        }
        scene.faults = analyse(&input).faults;
        assert_eq!(scene.only().life, before, "second {second}");
    }
}

fn any_round() -> impl Strategy<Value = RoundPoint> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Answered),
        2 => Just(Outcome::Silent),
        1 => Just(Outcome::Refused),
        1 => Just(Outcome::Unmeasured),
    ];
    let count = || prop_oneof![8 => 0..20_u32, 1 => Just(u32::MAX)];
    let code = prop::option::of(prop_oneof![Just(200_u16), Just(404), Just(480), Just(503), any::<u16>()]);
    (-700..300_i64, -10..20_i64, outcome, count(), count(), code).prop_map(
        |(start, length, outcome, sent, received, code)| {
            let start = now() + TimeDelta::seconds(start);
            RoundPoint {
                end: start + TimeDelta::seconds(length),
                code,
                ..round(start, outcome, sent, received)
            }
        },
    )
}

fn any_input(inventory: Arc<Inventory>) -> impl Strategy<Value = Input> {
    let targets = inventory.targets().len();
    let settings = network(NETWORK).diagnosis;
    prop::collection::vec(prop::collection::vec(any_round(), 0..40), targets).prop_map(move |all| {
        let series = all
            .into_iter()
            .enumerate()
            .map(|(target, mut rounds)| {
                rounds.sort_by_key(|round| round.start);
                Series { target, rounds: Arc::new(rounds.into()) }
            })
            .collect();
        let (inventory, settings) = (inventory.clone(), settings.clone());
        Input {
            now: now(),
            inventory,
            series,
            anchor_answers: Vec::new(),
            voice: Vec::new(),
            faults: Vec::new(),
            settings,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_series_makes_it_panic_or_answer_twice_differently(
        input in any_input(network(NETWORK).inventory),
        order in Just((0..7_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut input = input;
        let mut last: Option<Diagnosis> = None;
        for second in 0..4 {
            input.now = now() + TimeDelta::seconds(second * 40);
            let diagnosis = analyse(&input);
            prop_assert_eq!(&diagnosis, &analyse(&input));
            let mut shuffled = input.clone();
            let mut ranked: Vec<(usize, Series)> =
                order.iter().copied().cycle().zip(shuffled.series.drain(..)).collect();
            ranked.sort_by_key(|(rank, _)| *rank);
            shuffled.series = ranked.into_iter().map(|(_, series)| series).collect();
            prop_assert_eq!(&diagnosis.faults, &analyse(&shuffled).faults, "whatever the order of the series");
            for fault in &diagnosis.faults {
                prop_assert!((0.0..=0.99).contains(&fault.confidence), "{fault:?}");
                prop_assert!(fault.began <= fault.last_seen.max(input.now));
                prop_assert!(fault.loss_ratio.is_none_or(|loss| (0.0..=1.0).contains(&loss)));
                let keys = diagnosis.faults.iter().filter(|other| other.key == fault.key && other.is_open());
                prop_assert!(keys.count() <= 1);
            }
            input.faults.clone_from(&diagnosis.faults);
            last = Some(diagnosis);
        }
        prop_assert!(last.is_some());
    }
}

#[test]
fn a_steady_share_of_loss_never_flaps_once_it_is_raised() {
    let settings = network(NETWORK);
    let inventory = settings.inventory.clone();
    for lost_of_ten in [2, 5, 9] {
        let (mut faults, mut lives) = (Vec::new(), Vec::new());
        for second in (0..420_i64).step_by(4) {
            let series = (0..inventory.targets().len()).map(|target| {
                let lossy = inventory.targets()[target].name.starts_with("trunk");
                let rounds = (0..second / 5).map(|number| {
                    let received = if lossy { 10 - lost_of_ten } else { 10 };
                    round(now() + TimeDelta::seconds(number * 5), Outcome::Answered, 10, received)
                });
                Series { target, rounds: Arc::new(rounds.collect()) }
            });
            let input = Input {
                now: now() + TimeDelta::seconds(second),
                inventory: inventory.clone(),
                series: series.collect(),
                anchor_answers: Vec::new(),
                voice: Vec::new(),
                faults,
                settings: settings.diagnosis.clone(),
            };
            faults = analyse(&input).faults;
            assert!(faults.len() <= 1, "{faults:#?}");
            let open = faults.iter().any(|fault| matches!(fault.life, FaultState::Raised { .. }));
            if lives.last() != Some(&open) {
                lives.push(open);
            }
        }
        assert_eq!(lives, [false, true], "{lost_of_ten} of ten lost");
    }
}

#[test]
fn an_empty_network_is_sound_and_says_nothing() {
    let settings = network("");
    let mut input = Scene { settings, silent: |_, _| false, faults: Vec::new() }.input(10);
    input.inventory = Arc::new(Inventory::default());
    input.series.clear();
    let diagnosis = analyse(&input);
    assert_eq!((diagnosis.faults.len(), diagnosis.poller), (0, PollerState::Sound));
}
