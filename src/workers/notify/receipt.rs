//! What a customer is sent of his own ticket, at the address that only the key opens: the receipt (R31), the link by
//! which he confirms the result (R103), the link to the survey when its time has come (R46, R78).
//!
//! The outbox holds the number of the ticket and nothing of the person. Who has no address, or took his consent back,
//! is sent nothing: whoever registered him read the receipt out from the answer of the registration. Who has no e-mail
//! address is reached through a gateway for messages, where the settings name one.

use chrono::{DateTime, TimeDelta, Utc};

use super::send::{Sender, send_receipt};
use crate::locale::{INSTANT, Language, Message};
use crate::notify::gateway::{self, Reached};
use crate::notify::{Notice, Outgoing, Verdict, mail, rule};
use crate::settings::{ChannelKind, ChannelSettings, CustomerMessage};
use crate::store::customers::Recipient;
use crate::store::{Store, StoreError, TicketWriter, WriteError};
use crate::ticket::process::LinkPurpose;
use crate::ticket::receipt::{Receipt, receipt};
use crate::ticket::{Actor, Channel, Deed, State, Ticket, TicketNumber};

/// A link that is sent is good for so long.
const LINK_LASTS: TimeDelta = TimeDelta::days(14);
/// Why no article of the knowledge base hangs on a confirmation by such a link (R108).
const NO_ARTICLE: &str =
    "confirmed by the link that was sent; articles are drafted of solved tickets by themselves";

/// How a gateway is told to send to a telephone number.
const SMS: &str = "sms";

/// What a channel for customers works with.
pub(super) struct Customers<'a> {
    pub(super) store: &'a Store,
    pub(super) writer: &'a TicketWriter,
    pub(super) channel: &'a ChannelSettings,
    pub(super) public_url: Option<&'a str>,
    pub(super) sender: &'a Sender,
}

impl Customers<'_> {
    /// Sends what an event means to its customer, and notes on the ticket that it was sent.
    pub(super) async fn tell(&self, outgoing: &Outgoing, now: DateTime<Utc>) -> Result<Verdict, StoreError> {
        let nobody = |why: &str| Ok(Verdict::Delivered(why.to_owned()));
        let Some(notice) = outgoing.notices.first() else { return nobody("no ticket") };
        let Some(message) = rule::message_of(notice) else { return nobody("nothing of his") };
        let Ok(number) = notice.number.parse::<TicketNumber>() else { return nobody("no ticket") };
        let Some(ticket) = self.store.ticket_by_number(number).await? else { return nobody("no ticket") };
        let ticket = match &ticket.follows {
            // What he is asked about is the ticket that he knows.
            Some(before) if message == CustomerMessage::Survey => {
                self.store.ticket(before).await?.unwrap_or(ticket)
            }
            _ => ticket,
        };
        let is_sent = match message {
            CustomerMessage::Receipt => ticket.process.receipt_sent_at.is_some(),
            _ => ticket.process.links_sent.contains(&notice.seq),
        };
        if is_sent {
            return nobody("sent before");
        }
        let Some(recipient) = self.store.recipient(&ticket).await? else { return nobody("no address") };
        let Some(to) = reached(self.channel, &recipient) else { return nobody("no address") };
        let language = recipient.language.unwrap_or(self.channel.language);
        let words = match message {
            CustomerMessage::Receipt => receipt(&ticket, language, now),
            CustomerMessage::Confirmation if ticket.state != State::AwaitingConfirmation => None,
            _ => match self.link(&ticket, notice, message, language).await? {
                Ok(words) => Some(words),
                Err(verdict) => return Ok(verdict),
            },
        };
        let Some(words) = words else { return nobody("nothing to confirm") };
        let number = ticket.number.to_string();
        let verdict = match to {
            To::Mail(address) => {
                let mail = mail::receipt(self.channel, &outgoing.key, &number, &words, address, now);
                send_receipt(self.channel, mail).await
            }
            To::Gateway(to) => {
                let request =
                    gateway::request(self.channel, &outgoing.key, &number, message, to, &words, now);
                self.sender.send_request(self.channel, request, now).await
            }
        };
        if matches!(verdict, Verdict::Delivered(_)) {
            let channel = match to {
                To::Mail(_) => Channel::Email,
                To::Gateway(to) if to.channel == SMS => Channel::Phone,
                To::Gateway(_) => Channel::OfficialAccount,
            };
            let sent = match message {
                CustomerMessage::Receipt => Deed::ReceiptSent { channel },
                CustomerMessage::Confirmation => {
                    Deed::LinkSent { purpose: LinkPurpose::Confirmation, event: notice.seq }
                }
                CustomerMessage::Survey => Deed::LinkSent { purpose: LinkPurpose::Survey, event: notice.seq },
            };
            self.note(&ticket, sent).await?;
        }
        Ok(verdict)
    }

    /// The words with the link, which is made if it is not yet; a verdict where there can be none.
    async fn link(
        &self,
        ticket: &Ticket,
        notice: &Notice,
        message: CustomerMessage,
        language: Language,
    ) -> Result<Result<Receipt, Verdict>, StoreError> {
        let Some(base) = self.public_url else {
            let wrong = "links to customers need `public_url` in [http]";
            return Ok(Err(Verdict::Never(wrong.to_owned())));
        };
        let (purpose, name) = match message {
            CustomerMessage::Survey => (LinkPurpose::Survey, "survey"),
            _ => (LinkPurpose::Confirmation, "confirmation"),
        };
        let expires_at = notice.at + LINK_LASTS;
        let note = if purpose == LinkPurpose::Confirmation { NO_ARTICLE } else { "" };
        let made = self.store.link_for_event(&ticket.id, purpose, notice.seq, expires_at, note).await?;
        let (link, deed) = made;
        if let Some(deed) = deed {
            match self.writer.apply(&ticket.id, None, deed.into(), Actor::linesman()).await {
                Ok(_) => {}
                Err(WriteError::Store(error)) => return Err(error),
                Err(WriteError::Busy) => return Ok(Err(Verdict::Later("busy".to_owned(), None))),
                Err(error) => return Ok(Err(Verdict::Delivered(format!("no link: {error}")))),
            }
        }
        let said = |part: &str| Message::new(&format!("customer_mail.{name}_{part}"));
        let number = ticket.number.to_string();
        let text = said("text")
            .with("number", &number)
            .with("url", format!("{}/answer/{link}", base.trim_end_matches('/')))
            .with("until", expires_at.format(INSTANT));
        Ok(Ok(Receipt {
            language: language.tag(),
            title: said("title").with("number", &number).render(language),
            text: text.render(language),
        }))
    }

    async fn note(&self, ticket: &Ticket, sent: Deed) -> Result<(), StoreError> {
        match self.writer.apply(&ticket.id, None, sent.into(), Actor::linesman()).await {
            Ok(_) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
            // It was sent; that nobody can note it on a ticket that is over changes nothing.
            Err(error) => {
                tracing::debug!(%error, number = %ticket.number, "what was sent to a customer is not noted");
                Ok(())
            }
        }
    }
}

/// Where a message goes.
#[derive(Clone, Copy)]
enum To<'a> {
    Mail(&'a str),
    Gateway(Reached<'a>),
}

/// By mail whoever has an e-mail address; through a gateway whoever has none.
fn reached<'a>(channel: &ChannelSettings, recipient: &'a Recipient) -> Option<To<'a>> {
    match (&recipient.email, channel.kind) {
        (Some(email), ChannelKind::Email) => Some(To::Mail(email.in_clear())),
        (None, ChannelKind::Webhook) => {
            let phone = recipient.phone.as_ref().map(|phone| (SMS, phone));
            let known = phone.or_else(|| recipient.im_handle.as_ref().map(|handle| ("im", handle)));
            known.map(|(channel, to)| To::Gateway(Reached { channel, to: to.in_clear() }))
        }
        _ => None,
    }
}
