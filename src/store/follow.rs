//! What follows from an event of one ticket for others: those below it, and those beside it.

use linesman_deadlines::promise::Source;
use linesman_process::form::FormId;

use crate::ticket::event::{Actor, Event};
use crate::ticket::{Deed, Ticket, TicketId, clocks};

use super::StoreError;
use super::change::Change;

impl Change {
    /// What an event of a ticket means to those below and beside it, in the same transaction. Whoever cannot take
    /// it is left as he is: it must not undo what happened.
    pub(super) async fn follow(
        &mut self,
        ticket: &Ticket,
        event: &Event,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let (deed, by, to): (Deed, Actor, Vec<TicketId>) = match event {
            // The fault is over; for each customer below his own path decides (tickets.md 5.4).
            Event::Resolved { .. } => self.fault_over(&ticket.id).await?,
            Event::Deed(deed) => match &**deed {
                // Whoever stands above goes, those below go on under his successor.
                Deed::Merged { into } => {
                    self.absorbed(ticket, into, actor).await?;
                    let linked = Deed::Linked { parent: Some(into.clone()) };
                    (linked, actor.clone(), self.open_children(&ticket.id).await?)
                }
                Deed::SolutionRecorded { .. } => self.fault_over(&ticket.id).await?,
                Deed::Routed { number, .. } => return self.keep_routes(ticket, *number).await,
                Deed::LinkMade { .. } => return self.keep_link(&ticket.id, deed, actor).await,
                // Who answered the survey need not be called for it any more (R79).
                Deed::FormFiled { form: FormId::Survey, .. } if ticket.is_reported() => {
                    let answered = Deed::SurveyAnswered { about: ticket.id.clone() };
                    (answered, Actor::linesman(), self.follow_ups_to_meet(ticket).await?)
                }
                // One carrier repairs one fault: his new time is one for everybody who waits for it (R86).
                Deed::EtaChanged { eta, reason, .. } => {
                    let (from, reason) = (ticket.id.clone(), reason.clone());
                    let heard = Deed::EtaHeard { from, eta: *eta, reason };
                    (heard, Actor::linesman(), self.who_waits_for_a_carrier(ticket).await?)
                }
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        let event = Event::from(deed);
        for other in to {
            if let Err(error) = self.apply_one(&other, None, &event, &by).await? {
                tracing::warn!(%error, ticket = %other, "an event of another ticket does not reach this one");
            }
        }
        Ok(())
    }

    /// A measured ticket's keys go to its successor, so that what they name opens no second one (R29).
    async fn absorbed(&mut self, ticket: &Ticket, into: &TicketId, actor: &Actor) -> Result<(), StoreError> {
        if ticket.is_reported() {
            return Ok(());
        }
        let keys = std::iter::once(&ticket.key).chain(&ticket.aliases).cloned().collect();
        let absorbed = Event::from(Deed::Absorbed { from: ticket.id.clone(), keys });
        if let Err(error) = self.apply_one(into, None, &absorbed, actor).await? {
            tracing::warn!(%error, ticket = %into, "a ticket does not take over the keys of one merged into it");
        }
        Ok(())
    }

    async fn fault_over(&mut self, above: &TicketId) -> Result<(Deed, Actor, Vec<TicketId>), StoreError> {
        let mut below = Vec::new();
        for id in self.open_children(above).await? {
            // One that waits already, or that has its own proof, is not asked again.
            let waits = |child: &Ticket| {
                child.is_reported()
                    && child.process.fault_over.is_none()
                    && child.process.verification.is_none()
            };
            if self.ticket(&id).await?.as_ref().is_some_and(waits) {
                below.push(id);
            }
        }
        Ok((Deed::FaultOver { parent: above.clone() }, Actor::linesman(), below))
    }

    /// Tickets of the same fault whose customers were told a carrier's time: those below, and those beside.
    async fn who_waits_for_a_carrier(&mut self, ticket: &Ticket) -> Result<Vec<TicketId>, StoreError> {
        let mut family = self.open_children(&ticket.id).await?;
        if let Some(above) = &ticket.process.parent {
            family.push(above.clone());
            family.extend(self.open_children(above).await?);
        }
        let mut waiting = Vec::new();
        for id in family.into_iter().filter(|id| *id != ticket.id) {
            let told = self.ticket(&id).await?.is_some_and(|other| {
                let mut standing = clocks::promises(&other, self.now).into_iter();
                other.is_reported()
                    && standing.any(|known| known.is_live() && known.promise.source == Source::CarrierEta)
            });
            if told && !waiting.contains(&id) {
                waiting.push(id);
            }
        }
        Ok(waiting)
    }
}
