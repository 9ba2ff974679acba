//! Receipts: a registration's message to its own customer, at the address that only the key opens (R31).
//!
//! The outbox holds the number of the ticket and nothing of the person. Who has no address, or took his consent back,
//! is sent nothing: whoever registered him read the receipt out from the answer of the registration.

use chrono::{DateTime, Utc};

use super::send::send_receipt;
use crate::notify::{Outgoing, Verdict, mail};
use crate::settings::ChannelSettings;
use crate::store::{Store, StoreError, TicketWriter, WriteError};
use crate::ticket::receipt::receipt;
use crate::ticket::{Actor, Channel, Deed, Ticket, TicketNumber};

/// Sends the receipt of a registration, and notes on the ticket that it was sent: then its clock is met.
pub(super) async fn tell(
    store: &Store,
    writer: &TicketWriter,
    channel: &ChannelSettings,
    outgoing: &Outgoing,
    now: DateTime<Utc>,
) -> Result<Verdict, StoreError> {
    let nobody = |why: &str| Ok(Verdict::Delivered(why.to_owned()));
    let number = outgoing.notices.first().and_then(|notice| notice.number.parse::<TicketNumber>().ok());
    let Some(number) = number else { return nobody("no ticket") };
    let Some(ticket) = store.ticket_by_number(number).await? else { return nobody("no ticket") };
    if ticket.process.receipt_sent_at.is_some() {
        return nobody("sent before");
    }
    let Some(recipient) = store.recipient(&ticket).await? else { return nobody("no address") };
    let language = recipient.language.unwrap_or(channel.language);
    let Some(receipt) = receipt(&ticket, language, now) else { return nobody("nothing to confirm") };
    let to = recipient.email.in_clear();
    let mail = mail::receipt(channel, &outgoing.key, &number.to_string(), &receipt, to, now);
    let verdict = send_receipt(channel, mail).await;
    if matches!(verdict, Verdict::Delivered(_)) {
        note(writer, &ticket).await?;
    }
    Ok(verdict)
}

async fn note(writer: &TicketWriter, ticket: &Ticket) -> Result<(), StoreError> {
    let sent = Deed::ReceiptSent { channel: Channel::Email };
    match writer.apply(&ticket.id, None, sent.into(), Actor::linesman()).await {
        Ok(_) => Ok(()),
        Err(WriteError::Store(error)) => Err(error),
        // It was sent; that nobody can note it on a ticket that is over changes nothing.
        Err(error) => {
            tracing::debug!(%error, number = %ticket.number, "a receipt is not noted");
            Ok(())
        }
    }
}
