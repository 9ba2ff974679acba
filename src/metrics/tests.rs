use chrono::TimeDelta;
use linesman_probes::observation::{Burst, Measured, Outcome, RttSummary, Window};
use linesman_probes::probe::ProbeSpec;
use linesman_probes::units::Rtt;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
}

fn answered() -> Measured {
    let rtt = Rtt::from_nanos(4_000_000);
    let rtt = RttSummary { min: rtt, mean: rtt, p50: rtt, p95: rtt, p99: rtt, max: rtt, jitter: None };
    Measured {
        outcome: Outcome::Answered,
        impediment: None,
        burst: Burst { sent: 4, received: 3, duplicates: 0, rtt: Some(rtt) },
        detail: Detail::Sip { code: 200, reason: "OK".to_owned() },
    }
}

fn round(measured: Measured) -> Observation {
    Observation {
        target: "server-1/sip".to_owned(),
        kind: ProbeKind::Sip,
        window: Window { start: at(0), end: at(0) + TimeDelta::milliseconds(250) },
        measured,
    }
}

#[test]
fn a_round_shows_under_the_agreed_names() {
    let metrics = Metrics::new();
    metrics.observe_probe("server-1/sip", "site-1", &round(answered()));
    let text = metrics.render();
    for line in [
        r#"linesman_probe_success{probe="sip",site="site-1",target="server-1/sip"} 1"#,
        r#"linesman_probe_loss_ratio{probe="sip",target="server-1/sip"} 0.25"#,
        r#"linesman_probe_last_run_timestamp_seconds{probe="sip",target="server-1/sip"} 1780000000.25"#,
        r#"linesman_probe_duration_seconds_bucket{probe="sip",target="server-1/sip",le="0.005"} 1"#,
        r#"linesman_sip_responses_total{code_class="2xx",target="server-1/sip"} 1"#,
        "linesman_poller_blind 1",
        "linesman_panics_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
    }
    let buckets = text.lines().filter(|line| line.starts_with("linesman_probe_duration_seconds_bucket"));
    assert!(buckets.count() <= 12);
}

#[test]
fn a_round_that_we_could_not_measure_says_nothing_of_its_target() {
    let metrics = Metrics::new();
    metrics.observe_probe("server-1/sip", "site-1", &round(answered()));
    metrics.observe_probe(
        "server-1/sip",
        "site-1",
        &round(Measured::unmeasured(Impediment::SocketDrops { drops: 3 })),
    );
    let text = metrics.render();
    assert!(!text.contains("linesman_probe_success{"), "an old success must not stand: {text}");
    assert!(text.contains(r#"linesman_probe_unmeasured_total{probe="sip",reason="socket_drops"} 1"#));
    assert!(text.contains("linesman_rounds_void_total 1"));
    assert!(
        text.contains(r#"target="server-1/sip"} 1780000000.25"#),
        "the last measured round keeps its time"
    );
}

#[test]
fn a_target_that_is_no_longer_measured_leaves_no_series() {
    let metrics = Metrics::new();
    metrics.observe_probe("server-1/sip", "site-1", &round(answered()));
    metrics.observe_probe("server-2/sip", "site-1", &round(answered()));
    metrics.keep_targets(|target| target == "server-2/sip");
    let text = metrics.render();
    assert!(!text.contains("server-1/sip"), "{text}");
    assert!(text.contains("server-2/sip"));
}

#[test]
fn every_metric_of_the_table_has_our_prefix_and_a_name_once() {
    let unique: BTreeSet<&str> = NAMES.iter().copied().collect();
    assert_eq!(unique.len(), NAMES.len());
    assert!(NAMES.iter().all(|name| name.starts_with("linesman_")));
}

#[test]
fn promtool_finds_nothing_to_mend() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let metrics = Metrics::new();
    metrics.observe_probe("server-1/sip", "site-1", &round(answered()));
    metrics.observe_probe("server-2/sip", "site-1", &round(Measured::unmeasured(Impediment::NoRoute)));
    metrics.opened(Severity::Major, Cause::Fibre.name());
    metrics.set_open_tickets(&[ticket(1, Severity::Major)], |_| "site-1".to_owned());
    metrics.reloaded(true, at(1));
    metrics.set_queue_depth("writer", 3);
    metrics.worker_succeeded("analyse", at(2));
    metrics.answered("GET", "/api/v1/tickets", 200);
    let spec = ProbeSpec::Icmp { address: [127, 0, 0, 1].into(), payload: 56 };
    let fresh = blackbox::render(&spec, &answered(), std::time::Duration::from_millis(20)).unwrap();
    for text in [metrics.render(), fresh] {
        let promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut promtool = match promtool {
            Ok(child) => child,
            Err(error) => {
                let required = std::env::var("LINESMAN_TEST_REQUIRE").is_ok_and(|value| value == "all");
                assert!(!required, "promtool is required and cannot be run: {error}");
                println!("skipped: promtool cannot be run: {error}");
                return;
            }
        };
        promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = promtool.wait_with_output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.trim().is_empty(), "{said}\n{text}");
    }
}

#[test]
fn the_list_of_tickets_is_bounded_and_keeps_the_worst() {
    let metrics = Metrics::new();
    let mut tickets: Vec<Ticket> = (1..=600).map(|count| ticket(count, Severity::Minor)).collect();
    tickets.push(ticket(601, Severity::Critical));
    metrics.set_open_tickets(&tickets, |_| "site-1".to_owned());
    let text = metrics.render();
    let shown = text.lines().filter(|line| line.starts_with("linesman_ticket_info{")).count();
    assert_eq!(shown, 500);
    assert!(text.contains("linesman_ticket_info_dropped 101"));
    assert!(text.contains("LM-2026-000601"), "the critical one must not be among the dropped");
    assert!(text.contains(r#"linesman_tickets_open{cause="fibre",severity="minor"} 600"#));

    metrics.set_open_tickets(&[], |_| String::new());
    assert!(!metrics.render().contains("linesman_tickets_open{"), "a ticket that is over leaves the gauge");
}

#[test]
fn a_fresh_probe_answers_in_the_names_of_blackbox_exporter() {
    let spec = ProbeSpec::Icmp { address: [127, 0, 0, 1].into(), payload: 56 };
    let measured = Measured { detail: Detail::None, ..answered() };
    let text = blackbox::render(&spec, &measured, std::time::Duration::from_millis(20)).unwrap();
    for line in [
        "probe_success 1",
        "probe_duration_seconds 0.02",
        "probe_ip_protocol 4",
        r#"probe_icmp_duration_seconds{phase="rtt"} 0.004"#,
        "probe_packet_loss_ratio 0.25",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
    }
    let unmeasured = Measured::unmeasured(Impediment::NoRoute);
    assert_eq!(blackbox::render(&spec, &unmeasured, std::time::Duration::ZERO), None);
}

fn ticket(count: u32, severity: Severity) -> Ticket {
    use crate::diagnosis::{Class, Fault, FaultState, Side};
    use crate::inventory::ElementKind;
    use crate::locale::Message;
    use crate::ticket::{TicketId, TicketNumber};
    let fault = Fault {
        key: "line/link-1".to_owned(),
        aliases: vec![],
        class: Class::B,
        cause: Cause::Fibre,
        segment: "link-1".to_owned(),
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
        side: Side::Carrier,
        confidence: 0.9,
        severity,
        life: FaultState::Raised { at: at(0) },
        began: at(0),
        last_seen: at(0),
        loss_ratio: Some(1.0),
        affected_elements: vec![],
        affected_customers: vec![],
        targets: vec![],
        steps: vec![],
        headline: Message::new("x"),
        reasons: vec![],
        why_not: vec![],
        hops: vec![],
    };
    let number = TicketNumber { year: 2026, count };
    crate::ticket::open(TicketId(count.to_string()), number, fault, false, None, at(0)).0.ticket
}

#[test]
fn the_end_of_the_official_days_is_the_end_of_their_last_one_on_the_calendars_clocks() {
    let metrics = Metrics::new();
    metrics.set_calendars(&linesman_deadlines::calendar::official::calendars());
    let text = metrics.render();
    let shown: Vec<&str> =
        text.lines().filter(|line| line.starts_with("linesman_calendar_official_until")).collect();
    // 2026-12-31 24:00 in Shanghai; `always` follows nobody's official days.
    assert_eq!(shown, [r#"linesman_calendar_official_until{calendar="cn-office"} 1798732800"#]);
}

#[test]
fn whoever_accepts_openmetrics_gets_it_and_nobody_else() {
    // As Prometheus 2.42 and 3 ask, a browser, curl, and one that would rather have the older format.
    let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    assert_eq!(Format::wanted(prometheus), Format::OpenMetrics);
    for other in [
        "",
        "*/*",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        "application/openmetrics-text;q=0",
        "text/plain;q=0.9, application/openmetrics-text;version=1.0.0;q=0.5",
    ] {
        assert_eq!(Format::wanted(other), Format::Text, "{other}");
    }
}

#[test]
fn both_formats_have_the_same_series_with_the_same_values() {
    let metrics = Metrics::new();
    metrics.observe_probe("server-1/sip", "a \"site\"\n\\", &round(answered()));
    metrics.opened(Severity::Major, Cause::Fibre.name());
    let series = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("process_"));
        lines.map(ToOwned::to_owned).collect()
    };
    let (text, open) = (metrics.render(), metrics.render_in(Format::OpenMetrics));
    assert_eq!(series(&text), series(&open));
    assert!(open.ends_with("# EOF\n"), "{open}");
    assert!(open.contains("# TYPE linesman_tickets_opened counter\n"), "{open}");
    assert!(open.contains("# TYPE linesman_probe_duration_seconds histogram\n"), "{open}");
}
