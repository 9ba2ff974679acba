//! A small carrier with one cut fibre, as the pages see it: data for tests of pages.

use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use linesman_probes::observation::{Burst, Detail, Measured, Observation, Outcome, RttSummary, Window};
use linesman_probes::probe::ProbeKind;
use linesman_probes::units::Rtt;

use crate::diagnosis::{
    Cause, Class, Diagnosis, ElementReport, ElementState, Fault, FaultState, Hop, PollerState, Severity,
    Side, TreeStep,
};
use crate::inventory::{
    AccessDeclaration, CustomerDeclaration, Declarations, Declared, DeviceDeclaration, ElementKind,
    GatewayDeclaration, Inventory, LinkDeclaration, Owner, ServerDeclaration, TrunkDeclaration,
};
use crate::locale::{Language, Message};
use crate::ticket::event::RecordedEvent;
use crate::ticket::{Actor, Event, Ticket, TicketId, TicketNumber, Verdict, Visibility, open};

/// Customers of the small carrier.
const CUSTOMERS: u8 = 20;

pub(super) fn began() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 18, 40, 12).unwrap()
}

pub(super) fn now() -> DateTime<Utc> {
    began() + TimeDelta::seconds(754)
}

fn address(third: u8, fourth: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, third, fourth))
}

fn declared<T>(name: &str, description: Option<&str>, what: T) -> Declared<T> {
    Declared { span: 0..0, name: name.to_owned(), description: description.map(str::to_owned), what }
}

pub(super) fn inventory() -> Inventory {
    let mut network = Declarations::default();
    let device = Some("router-1".to_owned());
    network.devices.push(declared(
        "router-1",
        Some("Core router, rack 4"),
        DeviceDeclaration { address: Some(address(1, 1)), ..DeviceDeclaration::default() },
    ));
    for count in 1..=2 {
        network.servers.push(declared(
            &format!("sbc-{count}"),
            None,
            ServerDeclaration {
                device: device.clone(),
                address: Some(address(2, count)),
                sip: Some((address(2, count), 5060).into()),
                ..ServerDeclaration::default()
            },
        ));
    }
    for (name, carrier, far, fourth) in [
        ("link-east", "East Telecom", "machine room A-7", 1),
        ("link-west", "West Mobile", "machine room 12", 2),
    ] {
        network.links.push(declared(
            name,
            None,
            LinkDeclaration {
                carrier: Some(carrier.to_owned()),
                circuit: Some("ETH-2041-77".to_owned()),
                near: device.clone(),
                far: Some(far.to_owned()),
                far_address: Some(address(3, fourth)),
                ..LinkDeclaration::default()
            },
        ));
    }
    for (count, link) in [(1, "link-east"), (2, "link-east"), (3, "link-west")] {
        network.trunks.push(declared(
            &format!("trunk-{count}"),
            None,
            TrunkDeclaration {
                carrier: Some("East Telecom".to_owned()),
                link: Some(link.to_owned()),
                sip: Some((address(4, count), 5060).into()),
                ..TrunkDeclaration::default()
            },
        ));
    }
    for count in 1..=CUSTOMERS {
        let access = format!("access-{count}");
        network.accesses.push(declared(
            &access,
            None,
            AccessDeclaration {
                device: device.clone(),
                address: Some(address(5, count)),
                ..AccessDeclaration::default()
            },
        ));
        network.gateways.push(declared(
            &format!("gateway-{count}"),
            None,
            GatewayDeclaration {
                owner: if count % 2 == 1 { Owner::Company } else { Owner::Customer },
                access: Some(access.clone()),
                sip: Some((address(6, count), 5060).into()),
                ..GatewayDeclaration::default()
            },
        ));
        network.customers.push(declared(
            &format!("customer-{count}"),
            None,
            CustomerDeclaration {
                gateways: vec![format!("gateway-{count}")],
                access: vec![access],
                contacts: vec!["Contact Person +86 139 0000 0000".to_owned()],
                ..CustomerDeclaration::default()
            },
        ));
    }
    Inventory::build(&network).expect("the small carrier is well declared")
}

/// A sentence that stands for itself in either language.
fn says(language: Language, english: &str, chinese: &str) -> Message {
    Message::new(match language {
        Language::English => english,
        Language::Chinese => chinese,
    })
}

pub(super) fn fault(language: Language) -> Fault {
    let hop = |element: &str, kind, state, at_fault, english, chinese| Hop {
        element: element.to_owned(),
        kind,
        state,
        at_fault,
        evidence: says(language, english, chinese),
    };
    let step = |node: &str, answer, english, chinese| TreeStep {
        node: node.to_owned(),
        answer,
        reason: says(language, english, chinese),
    };
    Fault {
        key: "line/link-east".to_owned(),
        aliases: Vec::new(),
        class: Class::B,
        cause: Cause::Fibre,
        segment: "link-east".to_owned(),
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
        side: Side::Carrier,
        confidence: 0.97,
        severity: Severity::Critical,
        life: FaultState::Raised { at: began() + TimeDelta::seconds(15) },
        began: began(),
        last_seen: now() - TimeDelta::seconds(3),
        loss_ratio: Some(1.0),
        affected_elements: ["link-east", "trunk-1", "trunk-2"].map(str::to_owned).to_vec(),
        affected_customers: (1..=CUSTOMERS).map(|count| format!("customer-{count}")).collect(),
        targets: ["link-east/far/icmp", "trunk-1/sip", "trunk-2/sip"].map(str::to_owned).to_vec(),
        steps: vec![
            step(
                "B2",
                true,
                "What is measured on the customers' side answers: 40 of 40 access lines and gateways.",
                "客户侧测量目标全部有应答：40 条接入线路和网关均正常。",
            ),
            step(
                "B4",
                true,
                "Both servers answer ICMP and SIP within 0.4 ms.",
                "两台服务器的 ICMP 与 SIP 均在 0.4 毫秒内应答。",
            ),
            step(
                "B5",
                true,
                "CPU, memory, sockets and receive buffers of the servers are within their limits.",
                "服务器的 CPU、内存、套接字和接收缓冲均在限值内。",
            ),
            step("B6", true, "router-1 answers every request.", "router-1 对全部请求均有应答。"),
            step(
                "B6b",
                false,
                "The far end of link-east answers 0 of 15 requests in 15 s.",
                "link-east 对端 15 秒内 15 个请求均无应答。",
            ),
        ],
        headline: says(
            language,
            "The fibre link-east to East Telecom's machine room A-7 is cut: nothing has come back from its far end since 18:40:12 UTC.",
            "至 East Telecom 运营商机房 A-7 的光纤 link-east 中断：自 18:40:12 UTC 起对端无任何应答。",
        ),
        reasons: vec![
            says(
                language,
                "Everything that lies behind link-east is silent: its far end, trunk-1 and trunk-2, 45 of 45 requests lost.",
                "link-east 之后的目标全部无应答：对端、trunk-1、trunk-2，45 个请求全部丢失。",
            ),
            says(
                language,
                "One cause at link-east explains all 3 bad paths and none of the 44 good ones contradicts it.",
                "link-east 单点故障可解释全部 3 条异常路径，且与 44 条正常路径无矛盾。",
            ),
        ],
        why_not: vec![
            says(
                language,
                "Not router-1, the hop before: it answers 15 of 15 requests itself, and link-west behind it is clean.",
                "并非前一跳 router-1：其自身 15 个请求全部应答，且其后的 link-west 正常。",
            ),
            says(
                language,
                "Not trunk-1 or trunk-2, behind it: both fell silent in the same round, and two trunks failing at once is less likely than one fibre.",
                "并非其后的 trunk-1 或 trunk-2：两者在同一轮同时失去应答，两条落地线路同时故障的可能性小于一根光纤中断。",
            ),
        ],
        hops: vec![
            hop(
                "router-1",
                ElementKind::Device,
                ElementState::Ok,
                false,
                "15 of 15 answered, 0.31 ms",
                "15/15 应答，0.31 毫秒",
            ),
            hop(
                "link-east",
                ElementKind::Link,
                ElementState::Down,
                true,
                "far end: 0 of 15 answered in 15 s; before 18:40:12 all, at 4.2 ms",
                "对端：15 秒内 0/15 应答；18:40:12 之前全部应答，时延 4.2 毫秒",
            ),
            hop(
                "trunk-1",
                ElementKind::Trunk,
                ElementState::Hidden,
                false,
                "0 of 3 OPTIONS answered; nothing gets past link-east",
                "0/3 OPTIONS 应答；link-east 之后不可达",
            ),
        ],
    }
}

/// The ticket of the cut fibre, acknowledged, with the events that led there.
pub(super) fn ticket(language: Language) -> (Ticket, Vec<RecordedEvent>) {
    let id = TicketId("t-1".to_owned());
    let number = TicketNumber { year: 2026, count: 17 };
    let opened_at = began() + TimeDelta::seconds(31);
    let (applied, opened) = open(id.clone(), number, fault(language), false, None, opened_at);
    let mut ticket = applied.ticket;
    let mut events = Vec::new();
    let mut record = |at, actor: &str, event| {
        events.push(RecordedEvent {
            seq: 40 + events.len() as i64,
            ticket: id.clone(),
            at,
            actor: Actor(actor.to_owned()),
            event,
            hash: "0".repeat(64),
        });
    };
    record(opened_at, "linesman", opened);
    record(opened_at + TimeDelta::seconds(64), "noc-li", Event::Acknowledged);
    record(
        opened_at + TimeDelta::seconds(190),
        "noc-li",
        Event::Noted {
            text: "East Telecom called, case 88123.\n<script>alert(1)</script><img src=x onerror=alert(2)>"
                .to_owned(),
            visibility: Visibility::Internal,
        },
    );
    ticket.version = 3;
    ticket.state = crate::ticket::State::InProgress;
    ticket.owner = Some("noc-li".to_owned());
    (ticket, events)
}

/// The same after the repair, corrected by a person.
pub(super) fn resolved(language: Language) -> (Ticket, Vec<RecordedEvent>) {
    let (mut ticket, events) = ticket(language);
    ticket.state = crate::ticket::State::Resolved;
    ticket.restored_at = Some(began() + TimeDelta::seconds(400));
    ticket.resolved_at = Some(began() + TimeDelta::seconds(700));
    let fault = ticket.fault.as_mut().expect("a diagnosis");
    fault.life = FaultState::Cleared {
        at: began() + TimeDelta::seconds(700),
        since: began() + TimeDelta::seconds(400),
    };
    ticket.segment = Some("trunk-1".to_owned());
    ticket.cause = Some(Cause::LandingTrunk);
    ticket.class = Some(Class::D);
    ticket.verdict = Some(Verdict {
        by: "tech-wang".to_owned(),
        at: now(),
        confirmed: false,
        note: Some("Card of the trunk was reseated.".to_owned()),
    });
    (ticket, events)
}

pub(super) fn round(target: &str, start: DateTime<Utc>, received: u32, delay_ms: f64) -> Observation {
    let rtt = Rtt::from_nanos((delay_ms * 1e6) as u64);
    let summary = RttSummary { min: rtt, mean: rtt, p50: rtt, p95: rtt, p99: rtt, max: rtt, jitter: None };
    Observation {
        target: target.to_owned(),
        kind: ProbeKind::Icmp,
        window: Window { start, end: start + TimeDelta::seconds(1) },
        measured: Measured {
            outcome: if received == 0 { Outcome::Silent } else { Outcome::Answered },
            impediment: None,
            burst: Burst { sent: 5, received, duplicates: 0, rtt: (received > 0).then_some(summary) },
            detail: Detail::None,
        },
    }
}

/// Every 5 s from ten minutes before the cut until now.
pub(super) fn rounds(ticket: &Ticket) -> Vec<Observation> {
    let mut rounds = Vec::new();
    let mut at = began() - TimeDelta::minutes(10);
    let mut count = 0_u32;
    while at < now() {
        let cut = at >= began() && ticket.restored_at.is_none_or(|restored| at < restored);
        for (place, target) in (0_u32..).zip(ticket.fault.iter().flat_map(|fault| &fault.targets)) {
            let waver = f64::from((count * 7 + place * 3) % 11) / 20.0;
            let delay = 4.0 + f64::from(place) * 2.1 + waver;
            rounds.push(round(
                target,
                at + TimeDelta::milliseconds(300 * i64::from(place)),
                if cut { 0 } else { 5 },
                delay,
            ));
        }
        at += TimeDelta::seconds(5);
        count += 1;
    }
    rounds
}

pub(super) fn diagnosis(language: Language) -> Diagnosis {
    let inventory = inventory();
    let elements = inventory
        .elements()
        .iter()
        .filter(|element| !matches!(element.kind, ElementKind::Customer | ElementKind::Site))
        .map(|element| {
            let state = match element.name.as_str() {
                "link-east" => ElementState::Down,
                "trunk-1" | "trunk-2" => ElementState::Hidden,
                "gateway-7" => ElementState::Degraded,
                "access-9" => ElementState::Unknown,
                _ => ElementState::Ok,
            };
            let (loss_ratio, rtt_mean_ms) = match state {
                ElementState::Ok => (Some(0.0), Some(0.3)),
                ElementState::Degraded => (Some(0.12), Some(38.4)),
                ElementState::Down | ElementState::Hidden => (Some(1.0), None),
                ElementState::Unknown => (None, None),
            };
            ElementReport {
                element: element.name.clone(),
                kind: element.kind,
                state,
                loss_ratio,
                rtt_mean_ms,
                fault: None,
            }
        })
        .collect();
    Diagnosis { at: now(), poller: PollerState::Sound, faults: vec![fault(language)], elements }
}
