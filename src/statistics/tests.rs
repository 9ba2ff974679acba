use chrono::{DateTime, TimeDelta, Utc};
use linesman_deadlines::policy::Urgency;
use linesman_process::statistics::{Bases, Handling, Value};

use super::*;
use crate::locale::Language;
use crate::ticket::event::Actor;
use crate::ticket::process::{Confirmed, Method, Rating};
use crate::ticket::registration::CustomerRef;
use crate::ticket::{
    Channel, Intake, Registration, State, Ticket, TicketId, TicketKind, TicketNumber, TicketText,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn october() -> Month {
    "2026-10".parse().expect("a month")
}

fn complaint(count: u32, registered_at: &str) -> Ticket {
    let now = at(registered_at);
    let text = TicketText::of("no calls");
    let intake = Intake {
        kind: TicketKind::Complaint,
        registration: Registration {
            channel: Channel::Phone,
            customer: Some(CustomerRef { customer: "c-1".to_owned(), contact: None }),
            caller: None,
            element: None,
            received_at: now,
            urgency: Urgency::General,
            expected_by: None,
            nature: None,
            product_model: Some("MG-4".to_owned()),
            purchased_on: None,
            warranty: None,
            referral: None,
            tags: Vec::new(),
            read_back: true,
            text_sha256: String::new(),
        },
        first_owner: "lin".to_owned(),
        department: None,
        level: None,
        parent: None,
        follows: None,
    };
    let number = TicketNumber { year: 2026, count };
    let registered = crate::ticket::register(TicketId(format!("t-{count}")), number, intake, &text, now);
    registered.expect("registered").0.ticket
}

fn solved(count: u32, rating: Option<Rating>) -> Ticket {
    let mut ticket = complaint(count, "2026-10-10T02:00:00Z");
    ticket.state = State::Settled;
    ticket.class = Some(crate::diagnosis::Class::B);
    ticket.cause = Some(crate::diagnosis::Cause::Fibre);
    ticket.resolved_at = Some(ticket.registered_at + TimeDelta::hours(6));
    let at = ticket.registered_at + TimeDelta::hours(8);
    ticket.process.confirmation = Some(Confirmed { rating, method: Some(Method::RecordedCall), at });
    ticket
}

fn counted(tickets: &[Ticket]) -> Content {
    Content::of(october(), tickets, None, Bases::default(), at("2026-10-31T16:00:01Z"))
}

fn value(content: &Content, id: &str) -> Value {
    content.figures.iter().find(|row| row.id == id).expect("a figure").value
}

#[test]
fn r81_a_month_is_that_of_the_offices_clocks_and_says_when_its_report_is_due() {
    let period = october().period();
    assert_eq!((period.from, period.to), (at("2026-09-30T16:00:00Z"), at("2026-10-31T16:00:00Z")));
    assert_eq!(Month::of(at("2026-10-31T15:59:59Z")), october());
    assert_eq!(Month::of(at("2026-10-31T16:00:00Z")), october().after());
    assert_eq!((october().before().to_string(), october().after().before()), ("2026-09".into(), october()));
    let (summary, plan) = october().due().expect("a calendar");
    assert_eq!((summary.date.to_string(), plan.date.to_string()), ("2026-11-05".into(), "2026-11-10".into()));
    assert!(october().is_over(period.to) && !october().is_over(period.to - TimeDelta::seconds(1)));
    for wrong in ["", "2026", "2026-1", "2026-13", "26-10", "2026-1x", "2026-10-01", "9999-12", "+026-10"] {
        assert!(wrong.parse::<Month>().is_err(), "{wrong}");
    }
}

#[test]
fn r83_r84_r85_r115_figures_come_from_tickets_and_a_missed_target_is_advised_upon() {
    let mut open = complaint(3, "2026-10-20T02:00:00Z");
    open.verdict = Some(crate::ticket::Verdict {
        by: Actor("wu".to_owned()).0,
        at: open.registered_at,
        confirmed: false,
        note: None,
    });
    let other_month = complaint(4, "2026-10-31T16:00:00Z");
    let month = counted(&[solved(1, Some(Rating::Satisfied)), solved(2, None), open, other_month]);
    assert_eq!(value(&month, "volume"), Value::Count { number: 3 });
    let said = |id: &str| value(&month, id).say(linesman_process::Language::English);
    assert_eq!(said("handling-rate"), "66.6 % (2/3)");
    assert_eq!(said("satisfaction-rate"), "100.0 % (1/1)");
    assert_eq!(said("confirmation-accuracy"), "0.0 % (0/1)");
    assert_eq!(said("handling-time"), "6:00");
    let advice: Vec<String> =
        month.suggestions.iter().map(|message| message.render(Language::English)).collect();
    assert!(
        advice.iter().any(|one| one.contains("LM-2026-000003") && one.contains("not handled")),
        "{advice:?}"
    );
    assert!(advice.iter().any(|one| one.contains("diagnoses were wrong")), "{advice:?}");
    assert!(month.cases.iter().all(|case| case.ticket != "LM-2026-000004"));
}

#[test]
fn r104_a_customer_whose_ticket_was_reopened_is_not_satisfied_until_he_says_so() {
    let mut back = solved(1, None);
    back.state = State::InProgress;
    back.reopen_count = 1;
    back.process.confirmation = None;
    back.resolved_at = None;
    assert_eq!(
        facts::facts(&back, at("2026-11-01T00:00:00Z")).rating.map(|rating| rating.name()),
        Some("dissatisfied")
    );
    let mut happy = solved(1, Some(Rating::Basically));
    happy.reopen_count = 1;
    assert_eq!(
        facts::facts(&happy, at("2026-11-01T00:00:00Z")).rating.map(|rating| rating.name()),
        Some("basically")
    );
}

#[test]
fn r33_what_was_rejected_is_explained_what_was_merged_is_no_case() {
    let mut rejected = complaint(1, "2026-10-10T00:00:00Z");
    rejected.state = State::Rejected;
    let mut merged = complaint(2, "2026-10-10T00:00:00Z");
    merged.state = State::Cancelled;
    let handling = |ticket: &Ticket| facts::facts(ticket, at("2026-11-01T00:00:00Z")).handling;
    assert_eq!((handling(&rejected), handling(&merged)), (Handling::Explained, Handling::Withdrawn));
}

#[test]
fn r86_r71_missed_deadlines_and_broken_promises_of_a_month_are_counted_and_named() {
    let late = complaint(1, "2026-10-10T00:00:00Z");
    let known = facts::facts(&late, at("2026-11-01T00:00:00Z"));
    assert!(known.deadlines_missed > 0, "{known:?}");
    let month = counted(&[late]);
    assert!(month.suggestions.iter().any(|one| one.key == "report.advice_deadlines"));
}

#[test]
fn r86_r96_promises_are_shown_by_owner_and_by_the_carrier_that_the_ticket_above_names() {
    use linesman_deadlines::promise::Source;

    use crate::ticket::process::WorkKind;
    use crate::ticket::{Deed, Event, apply_in};
    let does = |ticket: &mut Ticket, deed: Deed, minutes: i64| {
        let now = ticket.registered_at + TimeDelta::minutes(minutes);
        let done = apply_in(ticket, &Event::from(deed), &Actor("lin".to_owned()), &Default::default(), now);
        *ticket = done.expect("done").ticket;
    };
    let promised = |due: &str, source| Deed::Promised {
        id: "p-1".to_owned(),
        text: "restored".to_owned(),
        due_at: at(due),
        source,
        renews: None,
    };
    let mut above = complaint(1, "2026-10-10T00:00:00Z");
    let (given, carrier) = (above.registered_at, "China Telecom".to_owned());
    above.process.works.push(crate::ticket::process::Work {
        kind: WorkKind::CarrierRepair,
        what: None,
        reference: "CT-1".to_owned(),
        with: carrier,
        given_at: given,
        etas: Vec::new(),
        done_at: None,
        result: None,
    });
    let mut below = complaint(2, "2026-10-10T00:00:00Z");
    below.process.parent = Some(above.id.clone());
    does(&mut below, promised("2026-10-11T00:00:00Z", Source::CarrierEta), 5);
    let mut own = complaint(3, "2026-10-10T00:00:00Z");
    does(&mut own, promised("2026-10-10T06:00:00Z", Source::Own), 5);
    let kept = Deed::PromiseKept { id: "p-1".to_owned(), evidence: "test call".to_owned() };
    does(&mut own, kept, 60);
    let month = counted(&[above, below, own]);
    assert_eq!(month.rule_version.split(',').next(), Some("counting 3"));
    let frozen = Frozen::of(month.clone(), at("2026-10-31T16:00:00Z"), "linesman");
    let again: Frozen =
        serde_json::from_str(&serde_json::to_string(&frozen).expect("written")).expect("read");
    assert!(again.is_whole());
    let shown =
        Shown { content: &month, frozen: Some(&frozen), differences: None, duties: &[], at: frozen.at };
    for (language, title) in
        [(Language::English, "on a carrier's time"), (Language::Chinese, "以运营商时间为准")]
    {
        let report = tables(&shown, language);
        let table = report.tables.iter().find(|table| table.title.contains(title)).expect("a table");
        let row: Vec<String> = table.rows[0].iter().map(tables::Cell::say).collect();
        assert_eq!(row, ["China Telecom", "0", "0", "1", "0.0 %"]);
        let owners = report.tables.iter().find(|table| table.title.contains("R96")).expect("a table");
        let row: Vec<String> = owners.rows[0].iter().map(tables::Cell::say).collect();
        assert_eq!(row, ["lin", "1", "0", "1", "50.0 %"]);
        for shown in [html::page(&report), plain::plain(&report)] {
            assert!(shown.contains("China Telecom") && shown.contains("50.0 %"), "{shown}");
        }
        assert!(xlsx::workbook(&report, october()).is_ok());
    }
}

#[test]
fn r118_r119_what_is_frequent_is_advised_upon_with_the_month_before() {
    let tickets: Vec<Ticket> = (1..=4).map(|count| solved(count, None)).collect();
    let before = counted(&tickets[..1]).report;
    let month = Content::of(october(), &tickets, Some(before), Bases::default(), at("2026-11-01T00:00:00Z"));
    let advice = month.suggestions.iter().find(|one| one.key == "report.advice_frequent").expect("advice");
    let english = advice.render(Language::English);
    assert!(
        english.starts_with("fibre or line to the carrier's machine room (class B): 4 of 4 tickets, 1 the"),
        "{english}"
    );
    assert!(advice.render(Language::Chinese).contains("4 张"));
    assert!(counted(&[]).suggestions.is_empty(), "of an empty month nothing is advised");
}

#[test]
fn r115_counted_again_says_which_figures_differ_and_a_changed_report_is_not_whole() {
    let first = counted(&[solved(1, None)]);
    assert_eq!(first.differences(&first), []);
    let frozen = Frozen::of(first, at("2026-10-31T16:00:00Z"), "linesman");
    assert!(frozen.is_whole());
    let again = counted(&[solved(1, None), solved(2, None)]);
    let ids: Vec<String> = again.differences(&frozen.content).into_iter().map(|one| one.id).collect();
    assert!(ids.contains(&"volume".to_owned()) && !ids.contains(&"reopened-share".to_owned()), "{ids:?}");
    let mut changed = frozen.clone();
    changed.content.report.volume += 1;
    assert!(!changed.is_whole());
    let document = serde_json::to_string(&frozen).expect("a document");
    let read: Frozen = serde_json::from_str(&document).expect("read");
    assert!(read == frozen && read.is_whole(), "as it was after a database");
}

#[test]
fn r117_page_workbook_and_lines_say_the_same_in_both_languages() {
    let mut tagged = solved(1, Some(Rating::Satisfied));
    tagged.cause = None;
    tagged.process.tags = vec!["<script>alert(1)</script>".to_owned()];
    tagged.process.survey = [("attitude".to_owned(), 6), ("efficiency".to_owned(), 9)].into();
    let content = counted(&[tagged, solved(2, None)]);
    let frozen = Frozen::of(content.clone(), at("2026-10-31T16:00:00Z"), "linesman");
    let shown = Shown {
        content: &content,
        frozen: Some(&frozen),
        differences: Some(&[]),
        duties: &[],
        at: frozen.at,
    };
    for (language, word, class) in
        [(Language::English, "Network quality", "B · Network"), (Language::Chinese, "网络质量", "B")]
    {
        let report = tables(&shown, language);
        let page = html::page(&report);
        assert!(page.contains(word) && page.contains(class) && page.contains("LM-2026-000002"));
        assert!(page.contains(&frozen.sha256) && !page.contains("<script>"), "it is self-contained and safe");
        assert!(!page.contains("http://") && !page.contains("https://"), "it fetches nothing");
        let lines = plain::plain(&report);
        assert!(lines.contains(word) && lines.contains("R83"), "{lines}");
        let survey = report.tables.last().expect("the survey");
        let row: Vec<String> = survey.rows[0].iter().map(tables::Cell::say).collect();
        let item = if language == Language::English { "Attitude" } else { "服务态度" };
        assert!(row[0].starts_with(item) && row[1..] == ["1", "6.0", "1"], "{row:?}");
        let book = xlsx::workbook(&report, october()).expect("a workbook");
        assert_eq!(&book[..2], b"PK");
        assert_eq!(
            book,
            xlsx::workbook(&report, october()).expect("a workbook"),
            "equal reports, equal files"
        );
    }
    let empty = counted(&[]);
    let shown = Shown {
        content: &empty,
        frozen: None,
        differences: None,
        duties: &[],
        at: at("2026-10-31T16:00:00Z"),
    };
    let report = tables(&shown, Language::English);
    assert!(html::page(&report).contains("not measured") && xlsx::workbook(&report, october()).is_ok());
}
