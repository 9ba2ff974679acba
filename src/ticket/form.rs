//! A ticket's forms, filled from what is known of it (R38 to R47). Fields, titles and rules are
//! `linesman_process::form`; here each field's source is read.
//!
//! What was filed by hand goes before what is computed. What is not known is left empty: the form says so.

use chrono::{DateTime, SecondsFormat, Utc};
use linesman_deadlines::clock::{LogEntry, What};
use linesman_deadlines::policy::Milestone;
use linesman_process::form::{Form, Values};
use linesman_process::tree::{Step, Taken, Trees};

use crate::diagnosis::Class;
use crate::locale::{Language, words};

use super::process::{Liability, Work, WorkKind};
use super::{Ticket, TicketText};

/// What a form is filled from.
#[derive(Debug, Clone)]
pub struct Sources<'a> {
    /// The ticket.
    pub ticket: &'a Ticket,
    /// The customer's words, as registered.
    pub words: Option<&'a TicketText>,
    /// The decision trees, for the words of a walk.
    pub trees: Option<&'a Trees>,
    /// Our bill of the comparison: file and content.
    pub our_bill: Option<String>,
    /// Theirs.
    pub their_bill: Option<String>,
    /// The customer's name.
    pub customer: Option<String>,
    /// How the customer is reached.
    pub contact: Option<String>,
    /// What was filed in this form before.
    pub filed: Values,
    /// Of words.
    pub language: Language,
}

/// Every field of which something is known.
#[must_use]
pub fn fill(form: &Form, sources: &Sources<'_>) -> Values {
    let mut values = Values::new();
    for field in &form.fields {
        let filed = sources.filed.get(&field.id).filter(|value| !value.trim().is_empty()).cloned();
        let known = filed.or_else(|| value(&field.from, sources));
        if let Some(known) = known.filter(|known| !known.trim().is_empty()) {
            values.insert(field.id.clone(), known);
        }
    }
    values
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn value(from: &str, sources: &Sources<'_>) -> Option<String> {
    let Sources { ticket, words: said, language, .. } = sources;
    let process = &ticket.process;
    let registration = ticket.registration.as_ref();
    let word = |key: String| words(*language, &key);
    let work = |kind: WorkKind| process.works.iter().rev().find(move |work| work.kind == kind);
    let billing = ticket.fault.as_ref().and_then(|fault| fault.billing.as_ref());
    match from {
        "ticket.number" => Some(ticket.number.to_string()),
        "ticket.registered_at" => Some(time(ticket.registered_at)),
        "ticket.first_owner" => process.first_owner.clone(),
        "ticket.received_by" => process.received_by.clone().or_else(|| process.first_owner.clone()),
        "ticket.symptom" => said.map(|said| said.symptom.clone()),
        "ticket.owner" => ticket.owner.clone(),
        "ticket.source_channel" => {
            registration.map(|known| word(format!("channel.{}", known.channel.name())))
        }
        "ticket.description" => said
            .map(|said| said.description.clone())
            .or_else(|| ticket.fault.as_ref().map(|fault| fault.headline.render(*language))),
        "ticket.nature" => registration
            .and_then(|known| known.nature)
            .map(|nature| word(format!("nature.{}", nature.name())))
            .or_else(|| Some(word(format!("ticket_kind.{}", ticket.kind.name())))),
        "ticket.category" => ticket.class.map(|class| format!("class_{}", class.letter().to_lowercase())),
        "ticket.solution_text" => process.resolution.as_ref().map(|known| known.solution.clone()),
        "ticket.urgency" => process.urgency.map(|urgency| urgency.name().to_owned()),
        "ticket.dept" => process.department.clone(),
        "ticket.assigned_at" => milestone(&process.log, Milestone::Assigned).map(time),
        "ticket.complaint_level" => process.level.map(|level| level.name().to_owned()),
        "ticket.case_number" => {
            registration.and_then(|known| known.referral.as_ref()).map(|referral| referral.case.clone())
        }
        "ticket.no_fault" => process.liability.map(|liability| {
            let name = match liability {
                Liability::Ours => "no",
                Liability::NoFault => "yes",
                Liability::Unclear => "unclear",
            };
            name.to_owned()
        }),
        "ticket.events" | "tree_run.path" => path(sources),
        "customer.name" => sources.customer.clone(),
        "contact.phone" => sources.contact.clone(),
        "service_asset.model" => registration.and_then(|known| known.product_model.clone()),
        "service_asset.bought_on" => {
            registration.and_then(|known| known.purchased_on).map(|day| day.to_string())
        }
        "diagnosis.confirmed_by" => ticket.verdict.as_ref().map(|verdict| verdict.by.clone()),
        "reconcile_run.causes" => billing.map(|billing| {
            let lines: Vec<String> =
                billing.causes.iter().map(|cause| cause.sentence.render(*language)).collect();
            lines.join("\n")
        }),
        "reconcile_run.ours" => sources.our_bill.clone(),
        "reconcile_run.theirs" => sources.their_bill.clone(),
        "reconcile_run.difference" => billing.map(|billing| billing.totals.difference.clone()),
        "dispatch_order.from_dept" => process.department.clone(),
        "dispatch_order.to_dept" => work(WorkKind::DispatchOrder).map(|work| work.with.clone()),
        "dispatch_order.deadline" => {
            work(WorkKind::DispatchOrder).and_then(eta).or(process.deadline).map(time)
        }
        "dispatch_order.target" => process.target_text.clone(),
        "dispatch_order.result" => work(WorkKind::DispatchOrder).and_then(|work| work.result.clone()),
        "carrier_repair.carrier" => work(WorkKind::CarrierRepair).map(|work| work.with.clone()),
        "carrier_repair.leg" => {
            let is_line = ticket.class == Some(Class::D);
            Some(if is_line { "termination" } else { "network" }.to_owned())
        }
        "carrier_repair.carrier_ref" => work(WorkKind::CarrierRepair).map(|work| work.reference.clone()),
        "carrier_repair.reported_at" => work(WorkKind::CarrierRepair).map(|work| time(work.given_at)),
        "carrier_repair.eta" => work(WorkKind::CarrierRepair).and_then(eta).map(time),
        "carrier_repair.supervisor" => ticket.owner.clone().or_else(|| process.first_owner.clone()),
        "carrier_repair.repair_ended_at" => {
            work(WorkKind::CarrierRepair).and_then(|work| work.done_at).map(time)
        }
        "carrier_repair.result" => work(WorkKind::CarrierRepair)
            .and_then(|work| work.result.clone())
            .or_else(|| told(ticket, "repair_result")),
        "carrier_repair.retest_evidence" => process
            .verification
            .as_ref()
            .filter(|known| known.measured)
            .map(|known| known.because.clone())
            .or_else(|| told(ticket, "tests")),
        "maintenance_record.server" => ticket.segment.clone(),
        "maintenance_record.start" => Some(time(ticket.detected_at)),
        "maintenance_record.end" => step_of(ticket, "correction").map(|step| time(step.at)),
        "maintenance_record.actor" => step_of(ticket, "correction").and_then(who),
        "maintenance_record.fault" => told(ticket, "fault"),
        "maintenance_record.correction" => told(ticket, "correction"),
        "maintenance_record.accounting_method" => told(ticket, "accounting_method").or_else(|| {
            let lines = billing?.accounting.iter().map(|line| line.render(*language));
            Some(lines.collect::<Vec<_>>().join("\n"))
        }),
        "result_confirmation.content" => process.resolution.as_ref().map(|known| known.solution.clone()),
        "result_confirmation.result" => process.resolution.as_ref().map(|known| known.root_cause.clone()),
        "result_confirmation.rating" => {
            process.confirmation.as_ref()?.rating.map(|rating| rating.name().to_owned())
        }
        "result_confirmation.evidence" => {
            process.confirmation.as_ref()?.method.map(|method| method.name().to_owned())
        }
        "result_confirmation.confirmed_at" => process.confirmation.as_ref().map(|known| time(known.at)),
        "escalation.identification" => registration
            .filter(|known| known.channel.is_escalated())
            .map(|known| word(format!("channel.{}", known.channel.name()))),
        "escalation.supervisor" => process.supervisor.clone(),
        "promise.due_at" => {
            super::clocks::promises(ticket, ticket.updated_at).last().map(|known| time(known.promise.due_at))
        }
        "compensation.granted" => (!process.grants.is_empty()).then(|| {
            let one = |grant: &linesman_process::compensation::Grant| {
                let computed = &grant.computation;
                format!(
                    "{} {} ({}, v{}, {})",
                    grant.granted, computed.currency, computed.rule, computed.version, grant.approver
                )
            };
            process.grants.iter().map(one).collect::<Vec<_>>().join("\n")
        }),
        "recharge_request.requester" => process.first_owner.clone(),
        _ => super::route::of_form(ticket, from.strip_prefix("route_action.")?, *language),
    }
}

fn eta(work: &Work) -> Option<DateTime<Utc>> {
    work.etas.last().map(|told| told.eta)
}

fn milestone(log: &[LogEntry], wanted: Milestone) -> Option<DateTime<Utc>> {
    let is_it =
        |entry: &&LogEntry| matches!(entry.what, What::Happened { milestone, .. } if milestone == wanted);
    log.iter().rev().find(is_it).map(|entry| entry.at)
}

fn steps(ticket: &Ticket) -> impl DoubleEndedIterator<Item = &Step> {
    ticket.process.walks.iter().flat_map(|walk| walk.path())
}

fn step_of<'t>(ticket: &'t Ticket, detail: &str) -> Option<&'t Step> {
    steps(ticket).rev().find(|step| step.details.contains_key(detail))
}

/// What was told beside an answer of the tree, the last time.
fn told(ticket: &Ticket, detail: &str) -> Option<String> {
    step_of(ticket, detail).and_then(|step| step.details.get(detail).cloned())
}

fn who(step: &Step) -> Option<String> {
    match &step.answerer {
        linesman_process::tree::Answerer::Person { name, .. } => Some(name.clone()),
        linesman_process::tree::Answerer::Auto { .. } => None,
    }
}

/// The walk in words, a line each step.
fn path(sources: &Sources<'_>) -> Option<String> {
    let trees = sources.trees?;
    let spoken = sources.language.into();
    let lines: Vec<String> = sources
        .ticket
        .process
        .walks
        .iter()
        .flat_map(|walk| walk.path().iter().map(move |step| (walk, step)))
        .map(|(walk, step)| {
            let version = walk.versions().get(&step.place.tree).copied().unwrap_or_default();
            let node = trees.version(&step.place.tree, version).and_then(|tree| tree.node(&step.place.node));
            let question = node.map(|node| node.text.get(spoken)).unwrap_or_default();
            let said = match &step.taken {
                Taken::Answered { answer } => node
                    .and_then(|node| node.answer(answer))
                    .map_or(answer.as_str(), |one| one.text.get(spoken)),
                Taken::Corrected { reason } => reason,
            };
            let by = who(step).unwrap_or_else(|| words(sources.language, "page.tree_by_measurement"));
            format!("{} {question}: {said} ({by}, {})", step.place.node, step.at.format("%Y-%m-%d %H:%M"))
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
