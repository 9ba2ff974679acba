use super::*;
use crate::level;
use crate::text::Language;
use chrono::TimeDelta;
use linesman_deadlines::policy::{Kind, Level, Urgency};

const FILE: &str = r#"
[[department]]
id = "noc"
name = "NOC front line"
name_zh = "NOC一线"
classes = ["B", "C", "D"]
head = "wang"

[[department]]
id = "service"
name = "Customer service"
name_zh = "客户服务部"
classes = ["E"]

[[person]]
id = "li"
name = "Li Lei"
department = "noc"
roles = ["technician"]
supervisor = "wang"

[[person]]
id = "zhao"
name = "Zhao Yun"
department = "noc"
roles = ["technician"]
supervisor = "wang"

[[person]]
id = "wang"
name = "Wang Fang"
department = "noc"
roles = ["technical_manager", "shift_lead"]
supervisor = "qian"

[[person]]
id = "han"
name = "Han Mei"
department = "service"
roles = ["agent", "complaint_specialist"]
supervisor = "qian"

[[person]]
id = "qian"
name = "Qian Jun"
department = "service"
roles = ["quality_manager"]
supervisor = "sun"

[[person]]
id = "sun"
name = "Sun Li"
department = "service"
roles = ["service_head"]

[[duty]]
department = "noc"
person = "li"
from = "2026-03-02T09:00:00+08:00"
to = "2026-03-02T18:00:00+08:00"
backup = "zhao"

[[duty]]
department = "noc"
person = "zhao"
from = "2026-03-02T12:00:00+08:00"
to = "2026-03-02T18:00:00+08:00"

[[duty]]
department = "noc"
person = "li"
from = "2026-03-03T09:00:00+08:00"
to = "2026-03-03T18:00:00+08:00"
backup = "zhao"

[[absence]]
person = "li"
from = "2026-03-03T00:00:00+08:00"
to = "2026-03-04T00:00:00+08:00"

[[absence]]
person = "qian"
from = "2026-03-05T00:00:00+08:00"
to = "2026-03-06T00:00:00+08:00"
"#;

fn people() -> People {
    read("people.toml", FILE).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00+08:00").parse().expect("a time")
}

fn ids<'p>(there: &[OnDuty<'p>]) -> Vec<(&'p str, Option<&'p str>)> {
    there.iter().map(|one| (one.person.id.as_str(), one.stands_in_for)).collect()
}

#[test]
fn who_is_on_duty_is_said_to_the_minute_and_a_backup_steps_in_r22() {
    let people = people();
    assert_eq!(ids(&people.on_duty("noc", at("03-02T09:00"))), [("li", None)]);
    assert_eq!(ids(&people.on_duty("noc", at("03-02T12:00"))), [("li", None), ("zhao", None)]);
    assert_eq!(ids(&people.on_duty("noc", at("03-02T18:00"))), []);
    assert_eq!(ids(&people.on_duty("noc", at("03-03T10:00"))), [("zhao", Some("li"))]);
}

#[test]
fn on_duty_it_is_transferred_off_duty_recorded_with_24_hours_r22_r69() {
    let people = people();
    let to = |person: &str, for_whom: Option<&str>| Transfer::To {
        person: person.to_owned(),
        stands_in_for: for_whom.map(str::to_owned),
    };
    assert_eq!(people.transfer("noc", None, at("03-02T10:00")), Ok(to("li", None)));
    assert_eq!(people.transfer("noc", Some("li"), at("03-03T10:00")), Ok(to("zhao", Some("li"))));
    let night = at("03-02T22:00");
    let record = |owner: &str, next| Transfer::Record {
        owner: owner.to_owned(),
        reply_by: night + TimeDelta::hours(24),
        next_duty: next,
    };
    assert_eq!(people.transfer("noc", None, night), Ok(record("wang", Some(at("03-03T09:00")))));
    assert_eq!(people.transfer("noc", Some("zhao"), night), Ok(record("zhao", None)));
    assert_eq!(people.transfer("service", None, night), Ok(record("han", None)));
    let refused = people.transfer("shop", None, night).expect_err("none");
    assert!(refused.to_string().contains("no department `shop`"));
}

fn wanted(kind: Kind, first_owner: Option<&str>) -> Wanted<'_> {
    Wanted { kind, department: "noc", role: Role::Technician, first_owner }
}

#[test]
fn the_first_owner_stays_and_the_work_goes_where_there_is_least_of_it_r55_r96_r98() {
    let people = people();
    let noon = at("03-02T13:00");
    let loads = BTreeMap::from([
        ("li".to_owned(), Load { complaints: 0, others: 5 }),
        ("zhao".to_owned(), Load { complaints: 1, others: 0 }),
    ]);
    let given = |kind, first| people.assign(&wanted(kind, first), &loads, noon).expect("assigned");
    let complaint = given(Kind::Complaint, Some("han"));
    assert_eq!((complaint.owner.as_str(), complaint.first_owner.as_str()), ("li", "han"));
    assert_eq!(given(Kind::Fault, Some("han")).owner, "zhao");
    let own = given(Kind::Fault, Some("li"));
    assert_eq!((own.owner.as_str(), own.because), ("li", Because::FirstOwner));
    assert_eq!(given(Kind::Fault, None).first_owner, "zhao");
}

#[test]
fn when_nobody_is_on_duty_somebody_with_the_role_owns_the_reply_r22_r51() {
    let people = people();
    let night = at("03-02T22:00");
    let off = people.assign(&wanted(Kind::Fault, Some("han")), &BTreeMap::new(), night).expect("assigned");
    assert_eq!((off.owner.as_str(), off.because), ("wang", Because::OffDuty));
    assert_eq!(off.reply_by, Some(night + TimeDelta::hours(24)));
    let finance = Wanted { role: Role::Finance, ..wanted(Kind::Complaint, None) };
    let refused = people.assign(&finance, &BTreeMap::new(), night).expect_err("nobody");
    assert!(refused.say(Language::Chinese).contains("没有财务人员"));
    let stranger = people.assign(&wanted(Kind::Fault, Some("x")), &BTreeMap::new(), night);
    assert_eq!(stranger, Err(PeopleRefusal::NoSuchPerson { person: "x".to_owned() }));
}

fn case<'a>(level: Level, supervisor: Option<&'a str>, reason: Reason, when: &str) -> Case<'a> {
    Case { level, owner: "li", supervisor, reason, at: at(when) }
}

#[test]
fn it_is_escalated_step_by_step_to_the_supervisor_of_the_level_r54_r88_r104() {
    let people = people();
    let levels = level::defaults().expect("shipped");
    let to = |case: &Case<'_>| people.escalate(levels, case).map(|up| up.to);
    let day = "03-02T10:00";
    assert_eq!(to(&case(Level::Blue, None, Reason::Overdue, day)).as_deref(), Ok("han"));
    assert_eq!(to(&case(Level::Blue, Some("han"), Reason::Overdue, day)).as_deref(), Ok("qian"));
    let own = Case { owner: "han", ..case(Level::Blue, None, Reason::Overdue, day) };
    assert_eq!(to(&own).as_deref(), Ok("qian"), "nobody supervises themselves");
    assert_eq!(to(&case(Level::Yellow, None, Reason::Overdue, day)).as_deref(), Ok("wang"));
    assert_eq!(to(&case(Level::Yellow, Some("wang"), Reason::Overdue, day)).as_deref(), Ok("qian"));
    assert_eq!(to(&case(Level::Orange, Some("wang"), Reason::LevelRaised, day)).as_deref(), Ok("qian"));
    assert_eq!(to(&case(Level::Orange, Some("qian"), Reason::LevelRaised, day)).as_deref(), Ok("qian"));
    assert_eq!(to(&case(Level::Red, Some("qian"), Reason::LevelRaised, day)).as_deref(), Ok("sun"));
    assert_eq!(to(&case(Level::Orange, Some("qian"), Reason::NotSatisfied, day)).as_deref(), Ok("sun"));
    let top = people.escalate(levels, &case(Level::Red, Some("sun"), Reason::Overdue, day)).expect_err("top");
    assert!(top.to_string().contains("nobody is above sun"), "{top}");
}

#[test]
fn who_is_absent_is_passed_over_and_that_is_said_r88() {
    let people = people();
    let levels = level::defaults().expect("shipped");
    let up = people.escalate(levels, &case(Level::Orange, None, Reason::Overdue, "03-05T10:00")).expect("up");
    assert_eq!((up.to.as_str(), up.passed_over.as_slice()), ("sun", ["qian".to_owned()].as_slice()));
    assert_eq!(up.say(&people, Language::English), "Sun Li supervises: overdue (R88); absent: Qian Jun");
    assert_eq!(up.say(&people, Language::Chinese), "由Sun Li督办：超期（R88）；不在岗：Qian Jun");
}

#[test]
fn the_absents_tickets_go_to_one_person_for_as_long_as_the_absence_lasts_r98() {
    let people = people();
    let tickets = ["T1".to_owned(), "T2".to_owned()];
    let over = people.hand_over("li", &tickets, at("03-03T08:00")).expect("handed over");
    assert_eq!((over.to.as_str(), over.until, over.tickets.len()), ("zhao", at("03-04T00:00"), 2));
    let over = people.hand_over("qian", &tickets, at("03-05T08:00")).expect("handed over");
    assert_eq!(over.to, "sun");
    let here = people.hand_over("li", &tickets, at("03-02T08:00"));
    assert_eq!(here, Err(PeopleRefusal::NotAbsent { person: "li".to_owned() }));
}

#[test]
fn complaints_come_before_all_other_work_and_the_graver_first_r52_r55() {
    let work = |ticket: &str, kind, level, urgency, due: Option<&str>| Work {
        ticket: ticket.to_owned(),
        kind,
        level,
        urgency,
        due_at: due.map(at),
        registered_at: at("03-02T09:00"),
    };
    let mut works = [
        work("fault", Kind::Fault, None, Some(Urgency::Urgent), Some("03-02T10:00")),
        work("blue", Kind::Complaint, Some(Level::Blue), Some(Urgency::Routine), Some("03-09T10:00")),
        work("later", Kind::Fault, None, Some(Urgency::Urgent), None),
        work("red", Kind::Complaint, Some(Level::Red), Some(Urgency::General), None),
        work("sooner", Kind::Complaint, Some(Level::Blue), Some(Urgency::Routine), Some("03-03T10:00")),
    ];
    in_order(&mut works);
    let order: Vec<&str> = works.iter().map(|work| work.ticket.as_str()).collect();
    assert_eq!(order, ["red", "sooner", "blue", "fault", "later"]);
}

#[test]
fn mistakes_among_people_are_named_at_their_places() {
    for (from, to, expected) in [
        ("head = \"wang\"", "head = \"wing\"", "people.toml:7:8: no person `wing` in this file"),
        (
            "department = \"noc\"\nroles",
            "department = \"nok\"\nroles",
            ":18:14: no department `nok`; known are noc, service",
        ),
        ("supervisor = \"sun\"", "supervisor = \"wang\"", "would be above themselves"),
        ("backup = \"zhao\"", "backup = \"li\"", "nobody is their own backup"),
        ("from = \"2026-03-02T09:00:00+08:00\"", "from = \"2026-03-02 09:00\"", "a time has its offset"),
        (
            "from = \"2026-03-02T09:00:00+08:00\"",
            "from = \"2026-03-02T19:00:00+08:00\"",
            "it ends before it begins",
        ),
        (
            "from = \"2026-03-03T09:00:00+08:00\"",
            "from = \"2026-03-02T17:00:00+08:00\"",
            "on duty there already",
        ),
        ("id = \"zhao\"", "id = \"li\"", "person `li` is there twice"),
        ("\"E\"", "\"F\"", "a class is A, B, C, D or E"),
        ("roles = [\"technician\"]", "roles = [\"wizard\"]", "unknown variant `wizard`"),
    ] {
        let text = FILE.replacen(from, to, 1);
        assert_ne!(text, FILE);
        let wrong = read("people.toml", &text).expect_err(expected);
        let said: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(expected)), "{said:?}: {expected}");
    }
}
