//! From cut to ticket to proof through the daemon's own loops, in simulated time.

use std::time::Duration;

use linesman::clock::Clock as _;
use linesman::ticket::{Event, State};

use super::world::Act::{
    Cut, DatabaseAway, DatabaseBack, Heal, Isolate, Rejoin, Reload, StepClock, Withdraw,
};
use super::world::{Act, World};

const NETWORK: &str = r#"
[probes]
interval = "5s"
count = 4
timeout = "2s"

[diagnosis]
verify_for = "60s"

[tickets]
settle = "30s"
reopen_window = "1h"

[[server]]
name = "server-1"
address = "198.18.0.1"

[[device]]
name = "router-1"
address = "198.18.0.254"

[[link]]
name = "link-1"
carrier = "Carrier A"
near = "router-1"
far_address = "198.18.1.1"

[[trunk]]
name = "trunk-1"
link = "link-1"
sip = "198.18.1.11:5060"

[[trunk]]
name = "trunk-2"
link = "link-1"
sip = "198.18.1.12:5060"

[[access]]
name = "access-1"
device = "router-1"
address = "198.18.101.1"

[[gateway]]
name = "gateway-1"
access = "access-1"
address = "198.18.101.2"
sip = "198.18.101.2:5060"

[[customer]]
name = "customer-1"
gateways = ["gateway-1"]
trunks = ["trunk-1"]
"#;

/// Few and slow targets, for days.
const SLOW: &str = r#"
[probes]
interval = "60s"
count = 4
timeout = "2s"

[diagnosis]
interval = "30s"
hard_window = "130s"
verify_for = "300s"

[tickets]
settle = "30s"
reopen_window = "6h"

[[server]]
name = "server-1"
address = "198.18.0.1"

[[link]]
name = "link-1"
carrier = "Carrier A"
far_address = "198.18.1.1"

[[trunk]]
name = "trunk-1"
link = "link-1"
sip = "198.18.1.11:5060"
"#;

/// What became of a ticket: its segment, state and how often it came back.
fn tickets(world: &World) -> Vec<(String, State, u32)> {
    let tickets = world.book.tickets();
    tickets
        .into_iter()
        .map(|ticket| (ticket.segment.unwrap_or_default(), ticket.state, ticket.reopen_count))
        .collect()
}

fn expect(world: &World, expected: &[(&str, State, u32)]) {
    let expected: Vec<_> =
        expected.iter().map(|(segment, state, count)| ((*segment).to_owned(), *state, *count)).collect();
    assert_eq!(tickets(world), expected, "{:#?}", story(world));
}

fn story(world: &World) -> Vec<String> {
    let events = world.book.events();
    events.iter().map(|event| format!("{} {} {}", event.at, event.ticket, event.event.name())).collect()
}

async fn played(text: &str, acts: &[(u64, Act)], until: u64) -> World {
    let mut world = World::start(text, 65_536);
    world.play(acts, until, 1).await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_a_ticket_after_the_settle_time_and_its_repair_is_proven_by_measurement() {
    let mut world = World::start(NETWORK, 65_536);
    world.play(&[(60, Cut("link-1"))], 85, 1).await;
    assert_eq!(tickets(&world), [], "nothing before it has settled");
    world.play(&[], 110, 1).await;
    expect(&world, &[("link-1", State::Classified, 0)]);
    world.play(&[(200, Heal("link-1"))], 230, 1).await;
    expect(&world, &[("link-1", State::Verifying, 0)]);
    world.play(&[], 300, 1).await;
    expect(&world, &[("link-1", State::Settled, 0)]);
    let ticket = world.book.tickets().remove(0);
    let outage = ticket.restored_at.expect("restored") - ticket.detected_at;
    assert!((130..150).contains(&outage.num_seconds()), "{outage}");
    world.play(&[], 300 + 3700, 10).await;
    expect(&world, &[("link-1", State::Closed, 0)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_before_it_has_settled_is_no_ticket() {
    let world = played(NETWORK, &[(60, Cut("link-1")), (80, Heal("link-1"))], 300).await;
    expect(&world, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_is_back_before_it_was_proven_over_stays_one_ticket() {
    let acts = [(60, Cut("link-1")), (120, Heal("link-1")), (150, Cut("link-1")), (250, Heal("link-1"))];
    let world = played(NETWORK, &acts, 400).await;
    expect(&world, &[("link-1", State::Settled, 0)]);
    let failed = world.book.events().iter().filter(|e| e.event.name() == "verification_failed").count();
    assert_eq!(failed, 1, "{:#?}", story(&world));
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_comes_back_within_the_window_reopens_and_afterwards_follows() {
    let hour = 3600;
    let acts = [
        (60, Cut("link-1")),
        (120, Heal("link-1")),
        (600, Cut("link-1")),
        (700, Heal("link-1")),
        (700 + 2 * hour, Cut("link-1")),
    ];
    let mut world = World::start(NETWORK, 65_536);
    world.play(&acts, 1000, 1).await;
    expect(&world, &[("link-1", State::Settled, 1)]);
    let names: Vec<_> = world.book.events().iter().map(|event| event.event.name()).collect();
    let quiet = names.iter().filter(|name| **name == "verification_started").count();
    assert_eq!(quiet, 2, "once an episode: {:#?}", story(&world));
    world.play(&acts, 700 + 2 * hour + 100, 1).await;
    expect(&world, &[("link-1", State::Closed, 1), ("link-1", State::Classified, 0)]);
    let tickets = world.book.tickets();
    assert_eq!(tickets[1].follows.as_ref(), Some(&tickets[0].id));
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_episode_is_not_opened_again_but_the_next_one_is() {
    let acts = [
        (60, Cut("link-1")),
        (150, Withdraw),
        (300, Heal("link-1")),
        (500, Cut("link-1")),
        (600, Heal("link-1")),
    ];
    let mut world = World::start(NETWORK, 65_536);
    world.play(&acts, 400, 1).await;
    expect(&world, &[("link-1", State::Cancelled, 0)]);
    world.play(&acts, 800, 1).await;
    expect(&world, &[("link-1", State::Cancelled, 0), ("link-1", State::Settled, 0)]);
}

#[tokio::test(start_paused = true)]
async fn our_own_isolation_opens_nothing_and_resolves_nothing() {
    let acts = [
        (60, Cut("link-1")),
        (200, Isolate),
        (400, Rejoin),
        (500, Isolate),
        (560, Rejoin),
        (700, Heal("link-1")),
    ];
    let mut world = World::start(NETWORK, 65_536);
    world.play(&acts, 690, 1).await;
    expect(&world, &[("link-1", State::Classified, 0)]);
    world.play(&acts, 900, 1).await;
    expect(&world, &[("link-1", State::Settled, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_reload_in_the_middle_loses_neither_fault_nor_ticket() {
    let acts = [
        (60, Cut("link-1")),
        (75, Reload("count = 4", "count = 5")),
        (120, Reload("settle = \"30s\"", "settle = \"10s\"")),
        (200, Heal("link-1")),
        (215, Reload("[[trunk]]\nname = \"trunk-2\"\nlink = \"link-1\"\nsip = \"198.18.1.12:5060\"\n", "")),
    ];
    let world = played(NETWORK, &acts, 400).await;
    expect(&world, &[("link-1", State::Settled, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_of_an_element_that_is_no_longer_named_stays_with_people() {
    const GATEWAY: &str = r#"
[[gateway]]
name = "gateway-1"
access = "access-1"
address = "198.18.101.2"
sip = "198.18.101.2:5060"

[[customer]]
name = "customer-1"
gateways = ["gateway-1"]
trunks = ["trunk-1"]
"#;
    let world = played(NETWORK, &[(60, Cut("gateway-1")), (200, Reload(GATEWAY, ""))], 500).await;
    expect(&world, &[("gateway-1", State::Classified, 0)]);
    let (_, diagnosis) = world.live.diagnosis().expect("a look");
    assert!(diagnosis.faults.is_empty(), "{:?}", diagnosis.faults);
}

#[tokio::test(start_paused = true)]
async fn a_slow_disk_holds_up_no_ticket() {
    // What the recorder cannot keep in time it counts and drops: see tests/measure.
    let mut world = World::with_disk(NETWORK, 1, Duration::from_secs(2));
    world.play(&[(60, Cut("router-1"))], 200, 1).await;
    expect(&world, &[("router-1", State::Classified, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_was_away_is_made_good() {
    let cuts =
        [(60, Cut("link-1")), (300, Heal("link-1")), (600, Cut("gateway-1")), (700, Heal("gateway-1"))];
    let undisturbed = tickets(&played(NETWORK, &cuts, 1000).await);
    for (away, back) in [(40, 250), (62, 290), (299, 420), (610, 900)] {
        let mut acts = cuts.to_vec();
        acts.extend([(away, DatabaseAway), (back, DatabaseBack)]);
        let disturbed = played(NETWORK, &acts, 1000).await;
        // An episode that began and ended while nothing could be kept is told by nobody.
        if away == 610 {
            expect(&disturbed, &[("link-1", State::Settled, 0)]);
        } else {
            assert_eq!(tickets(&disturbed), undisturbed, "away from {away} s to {back} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_or_forward_neither_opens_nor_loses_a_ticket() {
    for step in [-3600, 3600] {
        let acts = [
            (60, Cut("link-1")),
            (150, StepClock(step)),
            (300, Heal("link-1")),
            (500, Cut("gateway-1")),
            (600, Heal("gateway-1")),
        ];
        let world = played(NETWORK, &acts, 800).await;
        expect(&world, &[("link-1", State::Settled, 0), ("gateway-1", State::Settled, 0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn two_days_with_a_daily_cut_are_two_tickets() {
    let (hour, day) = (3600, 86_400);
    let acts: Vec<(u64, Act)> = (0..2)
        .flat_map(|number| {
            let cut = number * day + 9 * hour;
            [(cut, Cut("link-1")), (cut + 20 * 60, Heal("link-1"))]
        })
        .collect();
    let mut world = World::start(SLOW, 65_536);
    world.play(&acts, 2 * day, 60).await;
    expect(&world, &[("link-1", State::Closed, 0), ("link-1", State::Closed, 0)]);
    let tickets = world.book.tickets();
    assert_eq!(tickets[1].follows.as_ref(), Some(&tickets[0].id));
    let reopened = world.book.events().iter().any(|event| matches!(event.event, Event::Reopened { .. }));
    assert!(!reopened);
    assert!(world.clock.now_utc() > tickets[1].registered_at);
    // Every round is there: three targets a minute.
    assert!(world.book.observations() >= 2 * 24 * 60 * 3 - 6, "{}", world.book.observations());
}
