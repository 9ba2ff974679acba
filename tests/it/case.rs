//! A ticket that people registered, moved along by deeds: what the tests of the rules are told with.

use chrono::{DateTime, TimeDelta, Utc};
use linesman::diagnosis::{Cause, Class};
use linesman::locale::Language;
use linesman::ticket::deed::{Call, Deed};
use linesman::ticket::process::{
    ContactPurpose, Direction, Duty, EvidenceSource, Liability, Method, Rating, RecordKind,
};
use linesman::ticket::registration::CustomerRef;
use linesman::ticket::{
    self, Actor, Around, Channel, Event, Intake, Refusal, Registration, Ticket, TicketId, TicketKind,
    TicketNumber, TicketText, clocks,
};
use linesman_deadlines::policy::{Level, Urgency};
use linesman_deadlines::promise::{Renews, Source};

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub fn intake(kind: TicketKind, channel: Channel, received_at: DateTime<Utc>) -> Intake {
    Intake {
        kind,
        registration: Registration {
            channel,
            customer: Some(CustomerRef { customer: "c-1".to_owned(), contact: Some("k-1".to_owned()) }),
            caller: None,
            element: None,
            received_at,
            urgency: Urgency::General,
            expected_by: None,
            nature: None,
            product_model: None,
            purchased_on: None,
            warranty: None,
            referral: None,
            tags: Vec::new(),
            read_back: true,
            text_sha256: String::new(),
        },
        first_owner: "lin".to_owned(),
        department: Some("service".to_owned()),
        level: None,
        parent: None,
        follows: None,
    }
}

/// A ticket and the time, moved along by deeds.
pub struct Case {
    pub ticket: Ticket,
    pub now: DateTime<Utc>,
    pub around: Around,
}

impl Case {
    pub fn registered(intake: Intake, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let text = TicketText::of("no calls since this morning");
        let number = TicketNumber { year: 2026, count: 1 };
        let (applied, _) = ticket::register(TicketId("t".to_owned()), number, intake, &text, now)?;
        Ok(Self { ticket: applied.ticket, now, around: Around::default() })
    }

    pub fn complaint() -> Self {
        let now = at("2026-03-02T01:00:00Z");
        Self::registered(intake(TicketKind::Complaint, Channel::Phone, now), now).expect("registered")
    }

    pub fn of(kind: TicketKind) -> Self {
        let now = at("2026-03-02T01:00:00Z");
        Self::registered(intake(kind, Channel::Phone, now), now).expect("registered")
    }

    pub fn after(&mut self, minutes: i64) -> &mut Self {
        self.now += TimeDelta::minutes(minutes);
        self
    }

    pub fn tries(&self, event: impl Into<Event>, by: &str) -> Result<Ticket, Vec<(String, String)>> {
        let event = event.into();
        let actor = Actor(by.to_owned());
        match ticket::apply_in(&self.ticket, &event, &actor, &self.around, self.now) {
            Ok(applied) => Ok(applied.ticket),
            Err(refusal) => Err(refusal
                .unmet
                .into_iter()
                .map(|guard| {
                    let rule = guard.args.get("rule").cloned().unwrap_or_default();
                    for language in [Language::English, Language::Chinese] {
                        let words = guard.render(language);
                        assert!(words.contains(&rule) && !words.contains('{'), "{words}");
                        assert!(!words.starts_with("guard."), "{words}");
                    }
                    (rule, guard.key.trim_start_matches("guard.").to_owned())
                })
                .collect()),
        }
    }

    pub fn does(&mut self, event: impl Into<Event>) -> &mut Self {
        let event = event.into();
        self.ticket = self.tries(event.clone(), "lin").unwrap_or_else(|unmet| panic!("{event:?}: {unmet:?}"));
        self
    }

    /// What stands against it, by rule and name.
    pub fn refused(&self, event: impl Into<Event>) -> Vec<(String, String)> {
        self.tries(event, "lin").expect_err("refused")
    }

    pub fn refused_for(&self, event: impl Into<Event>, rule: &str, name: &str) {
        let unmet = self.refused(event);
        assert!(unmet.contains(&(rule.to_owned(), name.to_owned())), "{rule} {name} in {unmet:?}");
    }

    pub fn clock(&self, name: &str) -> linesman_deadlines::clock::Reading {
        let known = clocks::clocks(&self.ticket, self.now).standing;
        let names: Vec<_> = known.iter().map(|clock| clock.name.clone()).collect();
        let clock = known.into_iter().find(|clock| clock.name == name);
        clock.unwrap_or_else(|| panic!("{name} among {names:?}")).reading
    }

    /// Lets the clocks ask for what they ask for, and says what.
    pub fn swept(&mut self) -> Vec<(String, Call)> {
        let mut asked = Vec::new();
        for deed in clocks::due_deeds(&self.ticket, self.now) {
            match &deed {
                Deed::ClockCalled { policy, call, .. } => asked.push((policy.clone(), *call)),
                Deed::PromiseCalled { promise, call, .. } => {
                    asked.push((promise.clone().unwrap_or_default(), *call));
                }
                _ => {}
            }
            let event = Event::from(deed);
            self.ticket = self.tries(event, "linesman").expect("a clock is let");
        }
        asked
    }
}

pub fn classified(class: Class, level: Option<Level>, cause: Option<Cause>) -> Deed {
    Deed::Classified {
        class,
        urgency: Urgency::General,
        level,
        supervisor: None,
        liability: Liability::Unclear,
        tags: Vec::new(),
        cause,
        segment: cause.map(|_| "link-1".to_owned()),
        side: None,
    }
}

pub fn assigned(now: DateTime<Utc>) -> Deed {
    Deed::Assigned {
        owner: "lin".to_owned(),
        department: None,
        deadline: now + TimeDelta::days(1),
        target: "calls work again".to_owned(),
        duty: Duty::OnDuty,
    }
}

pub fn contacted(purpose: ContactPurpose, reached: bool, reply_by: Option<DateTime<Utc>>) -> Deed {
    Deed::Contacted {
        direction: Direction::Outbound,
        channel: Channel::Phone,
        purpose,
        reached,
        duration_s: 60,
        reply_by,
        text_sha256: None,
    }
}

pub fn promised(id: &str, due_at: DateTime<Utc>, renews: Option<&str>) -> Deed {
    Deed::Promised {
        id: id.to_owned(),
        text: "it works again".to_owned(),
        due_at,
        source: Source::Own,
        renews: renews.map(|id| Renews { id: id.to_owned(), reason: "the carrier is late".to_owned() }),
    }
}

pub fn filed(kind: RecordKind) -> Deed {
    let evidence = (kind == RecordKind::Evidence).then_some(EvidenceSource::Letter);
    Deed::RecordFiled { kind, evidence, reference: "ref-1".to_owned() }
}

pub fn solved() -> Deed {
    Deed::SolutionRecorded { root_cause: "worn connector".to_owned(), solution: "replaced".to_owned() }
}

pub fn confirmed_diagnosis() -> Event {
    Event::DiagnosisConfirmed { note: None }
}

pub fn confirmation(rating: Rating) -> Deed {
    Deed::ConfirmationRecorded {
        rating,
        method: Method::RecordedCall,
        reference: Some("recorder 2, call 17".to_owned()),
        no_article_because: Some("known already".to_owned()),
    }
}

/// A complaint of class C, worked on.
pub fn worked_on() -> Case {
    let mut case = Case::complaint();
    case.after(2).does(classified(Class::C, Some(Level::Blue), Some(Cause::GatewayConfig)));
    let now = case.now;
    case.after(2).does(assigned(now));
    let reply_by = case.now + TimeDelta::hours(4);
    case.after(2).does(contacted(ContactPurpose::FirstResponse, true, Some(reply_by)));
    case.after(2).does(Deed::Accepted);
    case
}

/// The same, resolved.
pub fn resolved() -> Case {
    let mut case = worked_on();
    case.after(30).does(Deed::RepairClaimed { what: "set the codec".to_owned() });
    case.after(5).does(Deed::Verified { passed: true, evidence: "test call 7".to_owned() });
    case.does(confirmed_diagnosis()).does(solved());
    case
}
