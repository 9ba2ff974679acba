use proptest::prelude::*;

use super::*;

fn table() -> &'static Levels {
    defaults().expect("shipped")
}

#[test]
fn the_shipped_table_is_that_of_section_9_with_its_supervisors_r19_r20_r53_r54() {
    let read = read("level.toml", SHIPPED);
    assert!(read.is_ok(), "{read:?}");
    let rows: Vec<(Level, Grade, Role)> =
        table().rules.iter().map(|rule| (rule.level, rule.grade, rule.supervisor)).collect();
    let expected = [
        (Level::Blue, Grade::General, Role::ComplaintSpecialist),
        (Level::Yellow, Grade::Important, Role::ShiftLead),
        (Level::Orange, Grade::Important, Role::QualityManager),
        (Level::Red, Grade::Major, Role::ServiceHead),
        (Level::RedPlus, Grade::Major, Role::Management),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn the_times_of_each_level_are_those_of_section_9_r54() {
    let policies = linesman_deadlines::policy::defaults().expect("shipped");
    let shown = |target: Option<Target>| target.map_or_else(|| "-".to_owned(), |target| target.to_string());
    let rows: Vec<[String; 3]> = Level::ALL
        .iter()
        .map(|level| Levels::times(*level, policies))
        .map(|times| [shown(times.first_contact), shown(times.update), shown(times.resolution)])
        .collect();
    let expected = [
        ["24 hours", "1 working day", "5 working days"],
        ["4 hours", "1 working day", "3 working days"],
        ["2 hours", "4 hours", "24 hours"],
        ["1 hour", "2 hours", "12 hours"],
        ["30 minutes", "1 hour", "stated"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn each_criterion_alone_makes_its_level_and_just_below_does_not_r52_r54() {
    use Fact::*;
    for (fact, number, level) in [
        (UserOutOfService, 1, Level::Yellow),
        (ComplaintsOnTheMatter, 1, Level::Blue),
        (ComplaintsOnTheMatter, 2, Level::Yellow),
        (ComplaintsOnTheMatter, 3, Level::Orange),
        (PromisesMissed, 1, Level::Yellow),
        (UsersAffected, 9, Level::Blue),
        (UsersAffected, 10, Level::Orange),
        (UsersAffected, 99, Level::Orange),
        (UsersAffected, 100, Level::Red),
        (KeyAccount, 1, Level::Orange),
        (WalkIn, 1, Level::Orange),
        (CallCentreFailed, 1, Level::Orange),
        (SlaBreached, 1, Level::Orange),
        (Regulator, 1, Level::Red),
        (ConsumerAssociation, 1, Level::Red),
        (Media, 1, Level::Red),
        (Safety, 1, Level::Red),
        (ClaimAboveLimit, 1, Level::Red),
        (DataLeak, 1, Level::Red),
        (ProvinceWideOutage, 1, Level::RedPlus),
        (LegalAction, 1, Level::RedPlus),
        (LegalAction, 0, Level::Blue),
    ] {
        let judgement = table().judge(&Facts::default().count(fact, number));
        assert_eq!(judgement.level, level, "{fact} {number}");
        assert_eq!(judgement.reasons.is_empty(), level == Level::Blue);
    }
}

#[test]
fn what_is_not_known_is_said_and_is_not_no_r32() {
    let facts = Facts::default().count(Fact::UsersAffected, 40).flag(Fact::Regulator, false);
    let judgement = table().judge(&facts);
    assert_eq!(judgement.level, Level::Orange);
    assert!(judgement.unknown.contains(&Fact::Media) && judgement.unknown.contains(&Fact::LegalAction));
    assert!(
        !judgement.unknown.contains(&Fact::Regulator) && !judgement.unknown.contains(&Fact::UsersAffected)
    );
    assert!(!judgement.unknown.contains(&Fact::WalkIn), "it could not raise it");
    assert_eq!(judgement.reasons[0].say(Language::Chinese), "受影响用户数：10及以上");
}

#[test]
fn an_escalated_complaint_is_identified_with_its_reasons_r34() {
    let facts =
        Facts::default().flag(Fact::WalkIn, true).flag(Fact::Regulator, true).flag(Fact::Media, false);
    assert_eq!(table().escalated_by(&facts), [Fact::WalkIn, Fact::Regulator]);
    assert!(table().escalated_by(&Facts::default().flag(Fact::UserOutOfService, true)).is_empty());
}

#[test]
fn only_the_supervisor_lowers_a_level_and_says_why_r54() {
    let all = table().lower(Level::Orange, Level::Red, &[Role::Agent], " ");
    let expected = [LevelRefusal::NotLower, LevelRefusal::NotTheSupervisor, LevelRefusal::NoReason];
    assert_eq!(all, Err(expected.to_vec()));
    let lowered = |role| table().lower(Level::Orange, Level::Yellow, &[role], "the customer was mistaken");
    assert_eq!(lowered(Role::QualityManager), Ok(Level::Yellow));
    assert_eq!(lowered(Role::ServiceHead), Ok(Level::Yellow), "who supervises a graver one may too");
    assert_eq!(lowered(Role::ShiftLead), Err(vec![LevelRefusal::NotTheSupervisor]));
    assert_eq!((table().next(Level::Orange), table().next(Level::RedPlus)), (Level::Red, Level::RedPlus));
}

#[test]
fn mistakes_in_a_table_are_named_at_their_places() {
    for (from, to, expected) in [
        ("level = \"yellow\"", "level = \"blue\"", "25:9: levels stand in order, each once"),
        ("at_least = 10\n", "at_least = 0\n", "48:12: at_least is 1 or more"),
        ("at_least = 1\n", "at_least = 2\n", "32:12: `user_out_of_service` holds or not"),
        ("\"CNY\"", "\"yuan\"", "10:12: a currency has three capitals"),
        ("\"50000.00\"", "\"50000.001\"", "9:10: `50000.001` is no amount"),
        ("fact = \"media\"", "fact = \"press\"", "unknown variant `press`"),
        ("mode_zh = \"优先处理，值班组长跟进\"", "mode_zh = \"\"", "25:9: mode: the Chinese text is missing"),
    ] {
        let text = SHIPPED.replacen(from, to, 1);
        assert_ne!(text, SHIPPED, "{from}");
        let wrong = read("own.toml", &text).expect_err(expected);
        let said: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(expected)), "{said:?}: {expected}");
    }
}

proptest! {
    #[test]
    fn more_facts_never_lower_a_level_r54(
        known in prop::collection::btree_map(prop::sample::select(Fact::ALL.to_vec()), 0_u64..200, 0..10),
        more in prop::sample::select(Fact::ALL.to_vec()), by in 0_u64..200,
        present in prop::sample::select(Level::ALL.to_vec()),
    ) {
        let facts = known.iter().fold(Facts::default(), |facts, (fact, number)| facts.count(*fact, *number));
        let before = table().judge(&facts).level;
        let known = facts.get(more).unwrap_or(0);
        let facts = facts.count(more, known + by);
        prop_assert!(table().judge(&facts).level >= before);
        prop_assert!(table().raised(present, &facts) >= present);
    }
}
