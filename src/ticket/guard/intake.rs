//! Registration, class, owner, rejection (R22, R27 to R29, R33 to R37, R48 to R56, R74, R96).

use chrono::{DateTime, Utc};
use linesman_deadlines::policy::{Caller, Level};
use linesman_process::Role;

use crate::diagnosis::{Cause, Class, Side};
use crate::locale::Message;
use crate::ticket::apply::LONGEST_NOTE;
use crate::ticket::process::{Liability, RecordKind};
use crate::ticket::{Actor, Channel, Deed, Intake, State, Ticket, TicketKind, TicketText, clocks};

use super::{Asked, Unmet};

pub(super) fn check_registration(intake: &Intake, text: &TicketText, now: DateTime<Utc>, unmet: &mut Unmet) {
    let registration = &intake.registration;
    unmet.require_words(&text.description, "R27", "no_description");
    for (_, words) in text.fields().into_iter().skip(1) {
        unmet.require(words.chars().count() <= LONGEST_NOTE, "R27", "words_too_long");
    }
    let stranger = registration.caller.is_some_and(|caller| caller != Caller::Existing);
    let known = registration.customer.is_some() || stranger || registration.channel == Channel::Automatic;
    unmet.require(known, "R27", "nobody_to_answer");
    unmet.require(!intake.first_owner.trim().is_empty(), "R96", "no_first_owner");
    unmet.require(registration.received_at <= now, "R67", "received_in_the_future");
    let bought =
        registration.purchased_on.is_none_or(|day| day <= now.date_naive().succ_opt().unwrap_or(day));
    unmet.require(bought, "R27", "bought_in_the_future");
    let is_complaint = intake.kind == TicketKind::Complaint;
    unmet.require(is_complaint || intake.level.is_none(), "R54", "level_of_a_complaint_only");
    unmet.require(is_complaint || registration.nature.is_none(), "R124", "nature_of_a_complaint_only");
    if let Some(level) = intake.level {
        unmet.require(level >= registration.channel.least_level(), "R34", "level_below_its_channel");
    }
    tags_fit(intake.kind, &registration.tags, unmet);
    let referred = registration.channel != Channel::Regulator || registration.referral.is_some();
    unmet.require(referred, "R34", "no_referral");
}

pub(super) fn check(asked: &Asked<'_>, deed: &Deed, unmet: &mut Unmet) {
    let Asked { ticket, .. } = asked;
    match deed {
        Deed::Registered { .. } => unmet.require(false, "R29", "registered_once"),
        Deed::Classified { class, level, liability, tags, cause, side, .. } => {
            let among = [
                State::Registered,
                State::Classified,
                State::Assigned,
                State::InProgress,
                State::Reopened,
                State::Verifying,
            ];
            unmet.require_state(ticket, &among, "R64");
            class_fits(*class, *cause, *side, unmet);
            level_fits(ticket, *level, unmet);
            tags_fit(ticket.kind, tags, unmet);
            let judged = *liability != Liability::Unclear && ticket.process.liability != Some(*liability);
            let graded = level.is_some() && *level != ticket.process.level;
            if ticket.kind == TicketKind::Complaint && (judged || graded) {
                judges(asked, unmet);
            }
        }
        Deed::Assigned { owner, deadline, target, .. } => {
            let among = [
                State::Classified,
                State::Assigned,
                State::InProgress,
                State::PendingCustomer,
                State::HeldExternal,
                State::HeldPlanned,
                State::Reopened,
            ];
            unmet.require_state(ticket, &among, "R51");
            unmet.require_words(owner, "R51", "no_owner");
            unmet.require_words(target, "R51", "no_target");
            unmet.require(*deadline > asked.now, "R51", "deadline_passed");
        }
        Deed::Accepted => {
            unmet.require_state(ticket, &[State::Assigned, State::Reopened], "R96");
            unmet.require(ticket.owner.as_deref() == Some(&asked.actor.0), "R96", "not_the_owner");
            let told =
                |contact: &crate::ticket::process::Contact| contact.told() && contact.reply_by.is_some();
            let heard = ticket.kind != TicketKind::Complaint || ticket.process.contacts.iter().any(told);
            unmet.require(heard, "R37", "no_first_contact");
            let confirmed = !clocks::phone_confirmation_is_owed(ticket) || ticket.process.was_called();
            unmet.require(confirmed, "R30", "not_confirmed_by_phone");
        }
        Deed::Rejected { reason } => {
            unmet.require_state(ticket, &[State::Registered, State::Classified], "R33");
            unmet.require_words(reason, "R33", "no_reason");
            let told = ticket.process.contacts.iter().any(crate::ticket::process::Contact::told);
            unmet.require(told, "R33", "customer_not_told");
            let liability = ticket.process.liability;
            unmet.require(liability != Some(Liability::Unclear), "R35", "unclear_is_ours");
            let shown = ticket.kind != TicketKind::Complaint || ticket.process.has(RecordKind::Evidence);
            unmet.require(shown, "R33", "no_evidence");
        }
        _ => {}
    }
}

fn class_fits(class: Class, cause: Option<Cause>, side: Option<Side>, unmet: &mut Unmet) {
    unmet.require(cause.is_none_or(|cause| cause.class() == class), "R48", "cause_of_another_class");
    unmet.require(side.is_none_or(|side| side.fits(class)), "R48", "side_does_not_fit");
}

/// Whose fault a complaint is and how grave is judged by the complaint specialist, or by who supervises it (R12, R17,
/// R19, R20).
pub(super) fn judges(asked: &Asked<'_>, unmet: &mut Unmet) {
    let judges = |role: &Role| {
        matches!(
            role,
            Role::ComplaintSpecialist
                | Role::Supervisor
                | Role::ShiftLead
                | Role::QualityManager
                | Role::ServiceManager
                | Role::ServiceHead
                | Role::Management
        )
    };
    let known = asked.around.guide.as_ref();
    // Of whom neither roster nor token says anything, nothing is decided by it.
    let may = *asked.actor == Actor::linesman()
        || known.is_none_or(|guide| guide.roles.is_empty() || guide.roles.iter().any(judges));
    unmet.require(may, "R17", "specialist_judges");
}

/// Tags are those of the kind of work, by the table in force (R49).
fn tags_fit(kind: TicketKind, given: &[String], unmet: &mut Unmet) {
    let Some(table) = crate::procedure::tags() else { return };
    let Some(stranger) = table.stranger(kind.of_deadlines(), given) else { return };
    let known: Vec<&str> = table.of(kind.of_deadlines()).map(|tag| tag.id.as_str()).collect();
    let sentence = Message::new("guard.unknown_tag")
        .with("tag", stranger.chars().take(40).collect::<String>())
        .with("kind", format!("ticket_kind.{}", kind.name()))
        .with("known", known.join(", "));
    unmet.require_said(false, "R49", sentence);
}

/// A complaint has a level, and not below that of its channel (R34, R54); nothing else has one.
pub(super) fn level_fits(ticket: &Ticket, level: Option<Level>, unmet: &mut Unmet) {
    if ticket.kind != TicketKind::Complaint {
        unmet.require(level.is_none(), "R54", "level_of_a_complaint_only");
        return;
    }
    let level = level.or(ticket.process.level);
    unmet.require(level.is_some(), "R54", "no_level");
    let least = ticket.registration.as_ref().map(|registration| registration.channel.least_level());
    if let (Some(level), Some(least)) = (level, least) {
        unmet.require(level >= least, "R34", "level_below_its_channel");
    }
}
