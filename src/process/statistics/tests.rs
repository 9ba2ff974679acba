use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use linesman_deadlines::policy::{self, Kind};
use proptest::prelude::*;

use super::*;
use crate::text::Language;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn march() -> Period {
    Period { from: at("2026-02-28T16:00:00Z"), to: at("2026-03-31T16:00:00Z") }
}

fn complaint(ticket: &str, class: &str) -> TicketFacts {
    TicketFacts {
        ticket: ticket.to_owned(),
        kind: Kind::Complaint,
        class: Some(class.to_owned()),
        problem: None,
        product: None,
        is_conduct: false,
        registered_at: at("2026-03-10T00:00:00Z"),
        resolved_at: Some(at("2026-03-10T06:00:00Z")),
        handling: Handling::Handled,
        rating: None,
        confirmed_right: None,
        deadlines_met: 0,
        deadlines_missed: 0,
        promises_kept: 0,
        promises_broken: 0,
        was_reopened: false,
        solved_at_first_contact: None,
        is_appeal: false,
        survey: BTreeMap::new(),
        promises: Vec::new(),
    }
}

fn report(tickets: &[TicketFacts]) -> Report {
    Report::of(march(), Bases::default(), tickets)
}

fn figure(report: &Report, id: &str) -> Figure {
    let table = policy::defaults().expect("shipped");
    report.figures(table, None).into_iter().find(|figure| figure.id == id).expect("a figure")
}

#[test]
fn a_month_without_tickets_is_not_measured_rather_than_perfect_r83_r84_r85() {
    let empty = report(&[]);
    for id in [
        "handling-rate",
        "satisfaction-rate",
        "confirmation-accuracy",
        "handling-time",
        "first-contact",
        "sla-met",
        "promises-kept",
        "reopened",
        "complaint-share",
        "appeals-per-million",
    ] {
        let figure = figure(&empty, id);
        assert_eq!((figure.value, figure.is_reached), (Value::NotMeasured, None), "{id}");
        assert_eq!(figure.value.say(Language::English), "not measured");
        assert_eq!(figure.value.say(Language::Chinese), "未测量");
    }
    // A base of nobody is not known either.
    let nobody = Report::of(march(), Bases { customers: Some(0), users: Some(0) }, &[]);
    assert_eq!(figure(&nobody, "complaint-share").value, Value::NotMeasured);
    assert_eq!(figure(&nobody, "appeals-per-million").value, Value::NotMeasured);
}

#[test]
fn the_targets_are_100_80_and_100_percent_and_just_below_is_not_reached_r83_r84_r85() {
    let rated = |rating| TicketFacts { rating: Some(rating), ..complaint("x", "B") };
    let mut tickets = vec![rated(Rating::Satisfied); 3];
    tickets.push(rated(Rating::Basically));
    tickets.push(rated(Rating::Dissatisfied));
    let four_of_five = figure(&report(&tickets), "satisfaction-rate");
    assert_eq!((four_of_five.target_percent, four_of_five.is_reached), (Some(80), Some(true)));
    assert_eq!(four_of_five.value.say(Language::English), "80.0 % (4/5)");
    tickets.push(rated(Rating::Dissatisfied));
    assert_eq!(figure(&report(&tickets), "satisfaction-rate").is_reached, Some(false));
    let mut many = vec![complaint("x", "B"); 9_999];
    many.push(TicketFacts { handling: Handling::Open, resolved_at: None, ..complaint("y", "B") });
    let handled = figure(&report(&many), "handling-rate");
    // 99.99 % is not written as 100 %.
    assert_eq!(
        (handled.value.say(Language::English).as_str(), handled.is_reached),
        ("99.9 % (9999/10000)", Some(false))
    );
    let judged = |right| TicketFacts { confirmed_right: Some(right), ..complaint("x", "B") };
    let accuracy = figure(&report(&[judged(true), complaint("not judged", "B")]), "confirmation-accuracy");
    assert_eq!(
        (accuracy.value, accuracy.is_reached),
        (Value::Percent(Rate { reached: 1, of: 1 }), Some(true))
    );
    assert_eq!(
        figure(&report(&[judged(true), judged(false)]), "confirmation-accuracy").is_reached,
        Some(false)
    );
}

#[test]
fn what_was_withdrawn_is_no_case_and_what_was_explained_is_handled_r33_r83() {
    let tickets = [
        TicketFacts { handling: Handling::Withdrawn, resolved_at: None, ..complaint("w", "B") },
        TicketFacts { handling: Handling::Explained, resolved_at: None, ..complaint("e", "E") },
        complaint("h", "B"),
    ];
    let month = report(&tickets);
    assert_eq!((month.volume, month.complaints), (3, 2));
    assert_eq!(month.handled, Rate { reached: 2, of: 2 });
}

#[test]
fn a_ticket_belongs_to_the_month_in_which_it_was_registered_r115() {
    let on = |time: &str| TicketFacts { registered_at: at(time), ..complaint("x", "B") };
    let tickets = [
        on("2026-02-28T15:59:59Z"),
        on("2026-02-28T16:00:00Z"),
        on("2026-03-31T15:59:59Z"),
        on("2026-03-31T16:00:00Z"),
    ];
    assert_eq!(report(&tickets).volume, 2);
}

#[test]
fn times_deadlines_promises_and_reopenings_are_counted_exactly_r86_r104_r116_r122() {
    let tickets = [
        TicketFacts {
            deadlines_met: 3,
            promises_kept: 1,
            solved_at_first_contact: Some(true),
            ..complaint("a", "B")
        },
        TicketFacts {
            deadlines_met: 1,
            deadlines_missed: 2,
            promises_broken: 1,
            was_reopened: true,
            solved_at_first_contact: Some(false),
            resolved_at: Some(at("2026-03-11T01:01:01Z")),
            ..complaint("b", "C")
        },
    ];
    let month = report(&tickets);
    assert_eq!(month.sla_met, Rate { reached: 4, of: 6 });
    assert_eq!(figure(&month, "sla-met").value.say(Language::English), "66.6 % (4/6)");
    assert_eq!(month.promises_kept, Rate { reached: 1, of: 2 });
    assert_eq!(month.reopened, Rate { reached: 1, of: 2 });
    assert_eq!(month.first_contact, Rate { reached: 1, of: 2 });
    // (6:00:00 + 25:01:01) / 2
    assert_eq!(figure(&month, "handling-time").value.say(Language::English), "15:30");
}

#[test]
fn types_and_products_are_ranked_and_shares_are_of_the_customers_there_are_r116_r117() {
    let of = |class: &str, problem: &str, product: &str| TicketFacts {
        problem: Some(problem.to_owned()),
        product: Some(product.to_owned()),
        is_appeal: problem == "fibre",
        survey: BTreeMap::new(),
        promises: Vec::new(),
        ..complaint("x", class)
    };
    let tickets = [
        of("B", "fibre", "trunk"),
        of("A", "increment", "trunk"),
        of("B", "fibre", "line"),
        of("A", "wrong_rate", "trunk"),
    ];
    let month = Report::of(march(), Bases { customers: Some(1_000), users: Some(300_000) }, &tickets);
    let names: Vec<&str> = month.problems.iter().map(|share| share.name.as_str()).collect();
    assert_eq!(names, ["B fibre", "A increment", "A wrong_rate"]);
    assert_eq!(month.products[0].rate, Rate { reached: 3, of: 4 });
    assert_eq!(figure(&month, "complaint-share").value.say(Language::English), "0.4 % (4/1000)");
    assert_eq!(figure(&month, "appeals-per-million").value.say(Language::English), "6.6");
}

#[test]
fn the_regulators_three_classes_follow_class_and_conduct_r117() {
    let mut tickets: Vec<TicketFacts> =
        ["A", "B", "C", "D", "E"].map(|class| complaint(class, class)).to_vec();
    tickets.push(TicketFacts { is_conduct: true, ..complaint("conduct", "A") });
    tickets.push(TicketFacts { class: None, ..complaint("new", "A") });
    tickets.push(TicketFacts { kind: Kind::Fault, ..complaint("no complaint", "B") });
    let month = report(&tickets);
    let numbers: Vec<String> = RegulatorClass::ALL
        .iter()
        .map(|class| figure(&month, class.name()).value.say(Language::English))
        .collect();
    assert_eq!(numbers, ["2", "3", "1"]);
    assert_eq!(month.unclassified, 1);
}

#[test]
fn the_month_before_stands_beside_each_figure_r117() {
    let table = policy::defaults().expect("shipped");
    let (one, two) = (report(&[complaint("a", "B")]), report(&[complaint("a", "B"), complaint("b", "B")]));
    let figures = two.figures(table, Some(&one));
    assert_eq!(figures[0].before, Some(Value::Count { number: 1 }));
    assert_eq!(figures[0].value, Value::Count { number: 2 });
}

proptest! {
    #[test]
    fn counting_is_the_same_in_any_order_and_no_rate_is_above_one_r115(
        tickets in prop::collection::vec((0_usize..5, 0_usize..4, prop::option::of(0_usize..3), any::<bool>(), 0_i64..100_000), 0..40),
        turn in 0_usize..40,
    ) {
        let mut all: Vec<TicketFacts> = tickets.iter().map(|(class, handling, rating, flag, seconds)| TicketFacts {
            handling: Handling::ALL[*handling],
            rating: rating.map(|rating| Rating::ALL[rating]),
            confirmed_right: Some(*flag),
            was_reopened: *flag,
            registered_at: at("2026-03-01T00:00:00Z") + TimeDelta::seconds(*seconds),
            ..complaint("x", ["A", "B", "C", "D", "E"][*class])
        }).collect();
        let first = report(&all);
        let middle = turn.min(all.len());
        all.rotate_left(middle);
        prop_assert_eq!(&first, &report(&all));
        for rate in [first.handled, first.satisfied, first.confirmed, first.reopened] {
            prop_assert!(rate.reached <= rate.of);
            let is_all = rate.percent(1).as_deref() == Some("100.0");
            prop_assert_eq!(is_all, rate.of > 0 && rate.reached == rate.of);
        }
        let regulator: u64 = first.regulator.values().sum();
        prop_assert_eq!(regulator + first.unclassified, first.complaints);
    }
}

#[test]
fn answers_of_the_survey_are_counted_by_item_and_score_r116() {
    let given = |ticket: &str, scores: &[(&str, u64)]| TicketFacts {
        survey: scores.iter().map(|(item, score)| ((*item).to_owned(), *score)).collect(),
        ..complaint(ticket, "D")
    };
    let all = [given("1", &[("attitude", 9), ("efficiency", 6)]), given("2", &[("attitude", 9)])];
    let withdrawn = TicketFacts { handling: Handling::Withdrawn, ..given("3", &[("attitude", 1)]) };
    let counted = report(&[all.as_slice(), &[withdrawn]].concat());
    let of = |item: &str| counted.survey.get(item).cloned().unwrap_or_default();
    assert_eq!(of("attitude"), BTreeMap::from([(9, 2)]));
    assert_eq!(of("efficiency"), BTreeMap::from([(6, 1)]));
    // A month that was frozen before it was counted reads and writes as it did.
    let text = serde_json::to_string(&report(&[complaint("4", "D")])).expect("written");
    assert!(!text.contains("survey"), "{text}");
}

#[test]
fn promises_are_counted_by_owner_and_carrier_and_add_up_to_the_figure_of_the_month_r86_r96_r116() {
    let word = |owner: &str, carrier: Option<&str>, word: Word| PromiseFact {
        owner: owner.to_owned(),
        carrier: carrier.map(str::to_owned),
        word,
    };
    let mut ticket = complaint("1", "B");
    ticket.promises = vec![
        word("lin", None, Word::Kept),
        word("lin", Some("Telecom"), Word::Renewed),
        word("wu", Some("Telecom"), Word::Broken),
    ];
    (ticket.promises_kept, ticket.promises_broken) = (2, 1);
    let mut withdrawn = complaint("2", "B");
    withdrawn.handling = Handling::Withdrawn;
    withdrawn.promises = vec![word("wu", None, Word::Broken)];
    withdrawn.promises_broken = 1;
    let counted = report(&[ticket, withdrawn]);
    let rate = |reached: u64, of: u64| Rate { reached, of };
    assert_eq!(counted.promises_kept, rate(2, 3));
    let rates = |by: &BTreeMap<String, PromiseCounts>| -> Vec<(String, Rate)> {
        by.iter().map(|(name, counts)| (name.clone(), counts.rate())).collect()
    };
    assert_eq!(rates(&counted.promises_by_owner), [("lin".into(), rate(2, 2)), ("wu".into(), rate(0, 1))]);
    assert_eq!(rates(&counted.promises_by_carrier), [("Telecom".into(), rate(1, 2))]);
    // A month that was frozen before they were counted keeps its document, and with it its hash.
    let old = serde_json::to_string(&report(&[])).expect("a document");
    assert!(!old.contains("promises_by"), "{old}");
}
