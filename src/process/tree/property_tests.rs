use chrono::TimeDelta;
use proptest::prelude::*;

use super::tests::{everybody, given, noon};
use super::*;

/// What somebody does: answer with one of the answers, with nonsense, at a wrong node, go back, or measure.
#[derive(Debug, Clone)]
enum Act {
    Answer(usize),
    Nonsense(String),
    Elsewhere(String),
    Back(usize),
    Measure(Vec<(String, bool)>),
}

fn act() -> impl Strategy<Value = Act> {
    let node = || {
        prop::sample::select(vec!["B1", "B2", "B4", "B5", "B6", "B6b", "B7", "C2", "C3", "C7", "D3", "E1"])
    };
    prop_oneof![
        8 => (0_usize..8).prop_map(Act::Answer),
        1 => ".{0,12}".prop_map(Act::Nonsense),
        1 => node().prop_map(|node| Act::Elsewhere(node.to_owned())),
        1 => (0_usize..20).prop_map(Act::Back),
        2 => prop::collection::vec((node(), any::<bool>()), 0..8).prop_map(|all| {
            Act::Measure(all.into_iter().map(|(node, answer)| (node.to_owned(), answer)).collect())
        }),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_answers_leaves_the_trees_or_loses_a_step_and_its_replay_is_the_same(
        name in prop::sample::select(NAMES.to_vec()),
        acts in prop::collection::vec(act(), 0..60),
    ) {
        let trees = Trees::shipped().expect("shipped");
        let mut run = Run::start(trees, name, noon()).expect("a tree");
        let mut at = noon();
        for (place, act) in acts.into_iter().enumerate() {
            at += TimeDelta::seconds(20);
            let before = run.clone();
            let asked = run.standing(trees).expect("it never leaves").node();
            let taken = match act {
                Act::Answer(choice) if asked.answers.is_empty() => {
                    let refused = run.answer(trees, &asked.id, given(asked, "done", at));
                    prop_assert!(refused.is_err(), "{choice} at an outcome");
                    0
                }
                Act::Answer(choice) => {
                    let answer = &asked.answers[choice % asked.answers.len()];
                    let taken = run.answer(trees, &asked.id, given(asked, &answer.id, at));
                    prop_assert!(taken.is_ok(), "{taken:?}");
                    prop_assert_eq!(run.current(), &answer.to);
                    1
                }
                Act::Nonsense(word) => usize::from(run.answer(trees, &asked.id, given(asked, &word, at)).is_ok()),
                Act::Elsewhere(node) => {
                    let fits = node == asked.id;
                    let taken = run.answer(trees, &node, given(asked, "done", at)).is_ok();
                    prop_assert!(fits || !taken);
                    usize::from(taken)
                }
                Act::Back(place) => {
                    let to = run.path().get(place).map_or(run.current().clone(), |step| step.place.clone());
                    usize::from(run.correct(trees, &to, everybody(), "wrong", at).is_ok())
                }
                Act::Measure(said) => {
                    let said: Vec<Measured> = said.iter().map(|(node, answer)| Measured::new(node, *answer)).collect();
                    run.prefill(trees, &said, &format!("m{place}"), at).expect("it never leaves")
                }
            };
            prop_assert_eq!(run.path().len(), before.path().len() + taken);
            prop_assert_eq!(&run.path()[..before.path().len()], before.path());
            if taken == 0 {
                prop_assert_eq!(&run, &before);
            }
        }
        let joined = run.path().windows(2).all(|two| two[0].to == two[1].place);
        prop_assert!(joined);
        let again = Run::replay(trees, run.versions().clone(), run.from(), run.started_at(), run.path());
        prop_assert_eq!(again, Ok(run.clone()));
        let stored = serde_json::to_string(&run).expect("it can be stored");
        prop_assert_eq!(serde_json::from_str::<Run>(&stored).expect("and read"), run);
    }

    #[test]
    fn no_text_makes_the_reader_of_trees_panic(text in ".{0,400}", cut in 0_usize..4_000) {
        let _ = check::read_all(&[TreeFile { file: "x", text: &text }]);
        // Damaged trees of ours: with a piece cut out.
        let ours = SHIPPED[3].text;
        let begin = (0..=cut.min(ours.len())).rev().find(|at| ours.is_char_boundary(*at)).unwrap_or(0);
        let end = (begin..=ours.len()).filter(|at| ours.is_char_boundary(*at)).nth(17).unwrap_or(ours.len());
        let damaged = format!("{}{}", &ours[..begin], &ours[end..]);
        let _ = check::read_all(&[TreeFile { file: "x", text: &damaged }]);
    }
}
