//! Diagnosis on simulated measurements: scenarios are data files, the truth stands in them.
//!
//! Each scenario gives a network, what happens to it, and which faults must be raised and cleared.
//! Nothing else may be raised at any moment.

#![allow(missing_docs, reason = "a test")]

mod simulate;

use simulate::{Outcome, Scenario};

/// Every scenario file, with the seeds it is run for.
fn run(name: &str, text: &str) {
    for seed in 1..=2 {
        let scenario = Scenario::read(text);
        let outcome = scenario.play(seed);
        check(name, seed, &scenario, &outcome);
    }
}

fn check(name: &str, seed: u64, scenario: &Scenario, outcome: &Outcome) {
    let context = format!("{name}, seed {seed}: {outcome:#?}");
    assert_eq!(outcome.raised.len(), scenario.expect.len(), "number of faults raised; {context}");
    for expected in &scenario.expect {
        let found = outcome.raised.iter().find(|raised| {
            raised.segment == expected.segment && raised.cleared_s.is_none_or(|at| at > expected.after_s)
        });
        let Some(found) = found else { panic!("no fault at {}; {context}", expected.segment) };
        assert_eq!(found.class, expected.class, "class; {context}");
        assert_eq!(found.cause, expected.cause, "cause; {context}");
        assert_eq!(found.side, expected.side, "side; {context}");
        assert_eq!(found.path, expected.path, "tree path; {context}");
        assert!(found.raised_s >= expected.after_s, "raised before it began; {context}");
        assert!(found.raised_s <= expected.within_s, "raised too late; {context}");
        if let Some(customers) = expected.affected_customers {
            assert_eq!(found.affected_customers, customers, "customers; {context}");
        }
        match expected.cleared_within_s {
            Some(bound) => {
                let cleared = found.cleared_s.unwrap_or(u64::MAX);
                assert!(cleared <= bound, "cleared at {cleared} s; {context}");
            }
            None => assert_eq!(found.cleared_s, None, "still there; {context}"),
        }
    }
    if let Some(isolated) = scenario.expect_isolated {
        assert_eq!(outcome.was_isolated, isolated, "poller isolation; {context}");
    }
}

macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            run(stringify!($name), include_str!(concat!("scenarios/", stringify!($name), ".toml")));
        })+

        #[test]
        fn every_scenario_file_is_played() {
            let played = [$(stringify!($name)),+];
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/diagnosis/scenarios");
            for entry in std::fs::read_dir(folder).expect("scenarios") {
                let path = entry.expect("an entry").path();
                let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
                assert!(played.contains(&stem.as_str()), "{stem} is not played");
            }
        }
    };
}

scenarios!(
    a_quiet_network_raises_nothing,
    a_cut_link_is_one_fault_that_explains_its_trunks,
    a_lossy_link_is_blamed_and_not_its_trunks,
    a_dead_server_is_told_from_a_dead_service,
    a_dead_service_on_a_living_host_is_server_state,
    a_dead_device_hides_everything_behind_it,
    a_cut_access_line_hides_its_gateway,
    a_dead_gateway_behind_a_good_line_is_the_gateway,
    an_unregistered_gateway_is_found_by_its_registrar,
    a_poller_that_is_cut_off_blames_nobody,
    a_device_that_limits_its_own_icmp_is_nobodys_fault,
    two_faults_at_once_are_two,
    a_starving_host_is_server_resources,
    a_starving_host_is_found_while_nothing_else_can_be_measured,
    rounds_that_we_could_not_measure_are_neither_good_nor_bad,
    a_flapping_link_is_one_fault_until_it_has_been_quiet,
    losses_at_baseline_everywhere_raise_nothing,
    a_gateway_switched_off_and_on_again_is_two_episodes,
    a_server_that_dies_while_a_link_is_lossy_is_a_fault_of_its_own,
    a_device_that_answers_no_icmp_but_forwards_well_is_nobodys_fault,
    an_open_fault_outlives_our_own_isolation,
    a_clock_set_back_an_hour_neither_makes_nor_hides_a_fault,
    lines_not_yet_measured_since_their_link_is_repaired_are_no_faults,
    a_dead_server_is_believed_although_everything_lost_a_little_once,
    a_host_that_starves_for_less_than_half_a_minute_is_no_fault,
);
