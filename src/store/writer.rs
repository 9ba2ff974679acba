//! The group-commit writer: one task, one transaction for all that wait, acknowledgements after
//! the commit.
//!
//! A disk that fails while writing ends the task and the daemon: what it has is not known, and a
//! second try may be told "done" of what was lost. The next start reads what was kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::live::{self, Live, Order, Orders};
use crate::ticket::event::{Actor, Event};
use crate::ticket::wanted::Action;
use crate::ticket::{Refusal, Ticket, TicketId, TicketText};

use super::change::{Change, Committed};
use super::forms::WantedForm;
use super::process::{RegisteredTicket, WantedTicket};
use super::walks::WantedWalk;
use super::{SealedFile, Store, StoreError};

/// Commands that may wait; more are refused as busy.
const QUEUE: usize = 4096;
/// Commands in one transaction.
const MOST_AT_ONCE: usize = 256;

/// Why a change did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no such ticket.
    #[error("there is no ticket {0}")]
    Unknown(TicketId),
    /// Somebody changed it first; here is what it is now.
    #[error("ticket {} has changed meanwhile: it is at version {}", .0.number, .0.version)]
    Conflict(Box<Ticket>),
    /// Guards are not met.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The plan was made on an older diagnosis than one already carried out.
    #[error("a newer look at the measurements was carried out already")]
    Stale,
    /// The key of an earlier registration came with another one.
    #[error("this Idempotency-Key came with another registration before; send a new key")]
    KeyReused,
    /// There is no such customer, or he was erased.
    #[error("there is no customer {0}, or he was erased; look him up, or register him with the ticket")]
    NoCustomer(String),
    /// The customer has no such contact.
    #[error("the customer has no contact {0}")]
    NoContact(String),
    /// The queue is full: try again.
    #[error("the writer is busy; try again in a moment")]
    Busy,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WriteError {
    /// The answer to one of many who waited for the same transaction.
    fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Busy { .. } => Self::Busy,
            other if other.is_fatal() => Self::Store(StoreError::WriterStopped),
            other => Self::Store(other.clone()),
        }
    }
}

/// What the writer has done, for metrics.
#[derive(Debug, Default)]
pub struct WriterCounters {
    commits: AtomicU64,
    events: AtomicU64,
    refused_as_busy: AtomicU64,
    dropped_orders: AtomicU64,
}

impl WriterCounters {
    /// Transactions committed.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Events committed; many share a commit.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Commands refused because the queue was full.
    #[must_use]
    pub fn refused_as_busy(&self) -> u64 {
        self.refused_as_busy.load(Ordering::Relaxed)
    }

    /// Orders to measure again that were dropped because the workers had too many.
    #[must_use]
    pub fn dropped_orders(&self) -> u64 {
        self.dropped_orders.load(Ordering::Relaxed)
    }
}

type Reply<T> = oneshot::Sender<Result<T, WriteError>>;

enum Command {
    Apply {
        ticket: TicketId,
        expected: Option<i64>,
        event: Box<Event>,
        actor: Actor,
        reply: Reply<Ticket>,
    },
    ApplyWith {
        ticket: TicketId,
        expected: Option<i64>,
        event: Box<Event>,
        kept: Box<Kept>,
        actor: Actor,
        reply: Reply<Ticket>,
    },
    Register {
        wanted: Box<WantedTicket>,
        actor: Actor,
        reply: Reply<RegisteredTicket>,
    },
    Split {
        ticket: TicketId,
        expected: Option<i64>,
        wanted: Box<WantedTicket>,
        actor: Actor,
        reply: Reply<RegisteredTicket>,
    },
    Walk {
        ticket: TicketId,
        expected: Option<i64>,
        wanted: Box<WantedWalk>,
        actor: Actor,
        reply: Reply<Ticket>,
    },
    File {
        ticket: TicketId,
        expected: Option<i64>,
        wanted: Box<WantedForm>,
        actor: Actor,
        reply: Reply<Ticket>,
    },
    CarryOut {
        generation: i64,
        actions: Vec<Action>,
        reply: Reply<Vec<Ticket>>,
    },
}

/// What is kept apart with an event that names it by its hash.
enum Kept {
    Words(TicketText),
    File(SealedFile),
}

/// What a command came to, before anybody is told.
enum Answer {
    Applied(Box<Result<Ticket, WriteError>>),
    Registered(Box<Result<RegisteredTicket, WriteError>>),
    CarriedOut(Result<Vec<Ticket>, WriteError>),
}

impl Command {
    fn answer(self, answer: Answer) {
        // Whoever asked may be gone; what he asked for has happened all the same.
        match (self, answer) {
            (
                Self::Apply { reply, .. }
                | Self::ApplyWith { reply, .. }
                | Self::Walk { reply, .. }
                | Self::File { reply, .. },
                Answer::Applied(result),
            ) => drop(reply.send(*result)),
            (Self::Register { reply, .. } | Self::Split { reply, .. }, Answer::Registered(result)) => {
                drop(reply.send(*result));
            }
            (Self::CarryOut { reply, .. }, Answer::CarriedOut(result)) => drop(reply.send(result)),
            // Answers are made from their own command.
            (
                Self::Apply { .. }
                | Self::ApplyWith { .. }
                | Self::Register { .. }
                | Self::Split { .. }
                | Self::Walk { .. }
                | Self::File { .. }
                | Self::CarryOut { .. },
                _,
            ) => {}
        }
    }

    fn refuse(self, error: WriteError) {
        match self {
            Self::Apply { reply, .. }
            | Self::ApplyWith { reply, .. }
            | Self::Walk { reply, .. }
            | Self::File { reply, .. } => drop(reply.send(Err(error))),
            Self::Register { reply, .. } | Self::Split { reply, .. } => drop(reply.send(Err(error))),
            Self::CarryOut { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

/// Changes tickets; cheap to clone.
#[derive(Clone)]
pub struct TicketWriter {
    commands: mpsc::Sender<Command>,
    counters: Arc<WriterCounters>,
}

/// The other end of [`TicketWriter`]: what [`run`] reads.
pub struct WriterQueue {
    commands: mpsc::Receiver<Command>,
    counters: Arc<WriterCounters>,
}

/// A writer and its queue.
#[must_use]
pub fn channel() -> (TicketWriter, WriterQueue) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let counters = Arc::new(WriterCounters::default());
    (
        TicketWriter { commands: sender, counters: Arc::clone(&counters) },
        WriterQueue { commands: receiver, counters },
    )
}

impl TicketWriter {
    /// Lets an event happen to a ticket. `expected` is the version the caller saw, if it must match.
    ///
    /// # Errors
    /// See [`WriteError`]; on success the change is durable.
    pub async fn apply(
        &self,
        ticket: &TicketId,
        expected: Option<i64>,
        event: Event,
        actor: Actor,
    ) -> Result<Ticket, WriteError> {
        let (reply, answer) = oneshot::channel();
        let event = Box::new(event);
        self.send(Command::Apply { ticket: ticket.clone(), expected, event, actor, reply })?;
        answer.await.unwrap_or(Err(WriteError::Store(StoreError::WriterStopped)))
    }

    /// The same, keeping words that the event names by their hash.
    ///
    /// # Errors
    /// See [`WriteError`]; on success the change is durable.
    pub async fn apply_with_text(
        &self,
        ticket: &TicketId,
        expected: Option<i64>,
        event: Event,
        text: TicketText,
        actor: Actor,
    ) -> Result<Ticket, WriteError> {
        self.apply_with(ticket, expected, event, Kept::Words(text), actor).await
    }

    async fn apply_with(
        &self,
        ticket: &TicketId,
        expected: Option<i64>,
        event: Event,
        kept: Kept,
        actor: Actor,
    ) -> Result<Ticket, WriteError> {
        let (reply, answer) = oneshot::channel();
        let (event, kept) = (Box::new(event), Box::new(kept));
        self.send(Command::ApplyWith { ticket: ticket.clone(), expected, event, kept, actor, reply })?;
        answer.await.unwrap_or(Err(WriteError::Store(StoreError::WriterStopped)))
    }

    /// Moves a ticket's walk through the decision trees on: every step that follows, or none.
    ///
    /// # Errors
    /// See [`WriteError`]; on success the steps are durable.
    pub async fn walk(
        &self,
        ticket: &TicketId,
        expected: Option<i64>,
        wanted: WantedWalk,
        actor: Actor,
    ) -> Result<Ticket, WriteError> {
        let (reply, answer) = oneshot::channel();
        let wanted = Box::new(wanted);
        self.send(Command::Walk { ticket: ticket.clone(), expected, wanted, actor, reply })?;
        answer.await.unwrap_or(Err(WriteError::Store(StoreError::WriterStopped)))
    }

    /// Files a form of a ticket with all that it means, or nothing of it.
    ///
    /// # Errors
    /// See [`WriteError`]; on success it is durable.
    pub async fn file(
        &self,
        ticket: &TicketId,
        expected: Option<i64>,
        wanted: WantedForm,
        actor: Actor,
    ) -> Result<Ticket, WriteError> {
        let (reply, answer) = oneshot::channel();
        let wanted = Box::new(wanted);
        self.send(Command::File { ticket: ticket.clone(), expected, wanted, actor, reply })?;
        answer.await.unwrap_or(Err(WriteError::Store(StoreError::WriterStopped)))
    }

    /// Puts a file on a ticket that proves what its customer agreed to (R90, R103).
    ///
    /// # Errors
    /// See [`WriteError`]; on success file and event are durable.
    pub async fn attach(
        &self,
        ticket: &TicketId,
        expected: Option<i64>,
        file: SealedFile,
        actor: Actor,
    ) -> Result<Ticket, WriteError> {
        let event = Event::from(file.deed());
        self.apply_with(ticket, expected, event, Kept::File(file), actor).await
    }

    /// Registers a ticket; sent again with the same key it answers the same ticket.
    ///
    /// # Errors
    /// See [`WriteError`]; on success the ticket is durable.
    pub async fn register(&self, wanted: WantedTicket, actor: Actor) -> Result<RegisteredTicket, WriteError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Register { wanted: Box::new(wanted), actor, reply })?;
        answer.await.unwrap_or(Err(WriteError::Store(StoreError::WriterStopped)))
    }

    /// Lets part of a ticket go on as one of its own.
    ///
    /// # Errors
    /// See [`WriteError`]; on success both are durable.
    pub async fn split(
        &self,
        ticket: &TicketId,
        expected: Option<i64>,
        wanted: WantedTicket,
        actor: Actor,
    ) -> Result<RegisteredTicket, WriteError> {
        let (reply, answer) = oneshot::channel();
        let wanted = Box::new(wanted);
        self.send(Command::Split { ticket: ticket.clone(), expected, wanted, actor, reply })?;
        answer.await.unwrap_or(Err(WriteError::Store(StoreError::WriterStopped)))
    }

    /// Carries out planned actions of a diagnosis generation, each by itself; returns the tickets
    /// that changed. Conflicts are no error: the next plan sees them.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn carry_out(&self, generation: i64, actions: Vec<Action>) -> Result<Vec<Ticket>, WriteError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::CarryOut { generation, actions, reply })?;
        answer.await.unwrap_or(Err(WriteError::Store(StoreError::WriterStopped)))
    }

    /// What the writer has done so far.
    #[must_use]
    pub fn counters(&self) -> &WriterCounters {
        &self.counters
    }

    /// Commands that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.commands.max_capacity() - self.commands.capacity()
    }

    fn send(&self, command: Command) -> Result<(), WriteError> {
        match self.commands.try_send(command) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.counters.refused_as_busy.fetch_add(1, Ordering::Relaxed);
                Err(WriteError::Busy)
            }
            Err(TrySendError::Closed(_)) => Err(WriteError::Store(StoreError::WriterStopped)),
        }
    }
}

/// Carries commands out until `stop` is cancelled and the queue is empty, or all writers are gone.
/// Cancel `stop` after everybody who writes has ended: what is queued then is still carried out.
///
/// # Errors
/// When the disk failed while writing, or another daemon took the database over: all who wait get
/// [`StoreError::WriterStopped`] and `hard` is cancelled, because the process has to end.
pub async fn run(
    store: Store,
    mut queue: WriterQueue,
    live: Arc<Live>,
    orders: Orders,
    stop: CancellationToken,
    hard: CancellationToken,
) -> Result<(), StoreError> {
    let failed = store.failed();
    let mut batch = Vec::with_capacity(MOST_AT_ONCE);
    let fatal = loop {
        let received = tokio::select! {
            biased;
            // A write of somebody else has failed: no commit may be believed any more.
            () = failed.cancelled() => break StoreError::WriterStopped,
            received = queue.commands.recv_many(&mut batch, MOST_AT_ONCE) => received,
            // Nobody can send any more; what waits is received before 0 says that it was all.
            () = stop.cancelled(), if !queue.commands.is_closed() => {
                queue.commands.close();
                continue;
            }
        };
        if received == 0 {
            return Ok(());
        }
        let done = carry_out(&store, &batch).await;
        if let Err(error) = &done
            && error.is_fatal()
        {
            refuse_all(batch.drain(..));
            break error.clone();
        }
        settle(&store, done, &mut batch, &queue.counters, &live, &orders).await;
        if store.failed().is_cancelled() {
            break StoreError::WriterStopped;
        }
    };
    tracing::error!(error = %fatal, "tickets can no longer be written; the daemon stops");
    hard.cancel();
    queue.commands.close();
    while let Some(command) = queue.commands.recv().await {
        command.refuse(WriteError::Store(StoreError::WriterStopped));
    }
    Err(fatal)
}

fn refuse_all(commands: impl Iterator<Item = Command>) {
    for command in commands {
        command.refuse(WriteError::Store(StoreError::WriterStopped));
    }
}

/// Tells everybody what came of a batch. If the transaction failed as a whole although the
/// database is there, one command's content may be to blame: then each gets one of its own.
async fn settle(
    store: &Store,
    done: Result<(Committed, Vec<Answer>), StoreError>,
    batch: &mut Vec<Command>,
    counters: &WriterCounters,
    live: &Live,
    orders: &Orders,
) {
    match done {
        Ok((committed, answers)) => {
            publish(committed, counters, live, orders);
            for (command, answer) in batch.drain(..).zip(answers) {
                command.answer(answer);
            }
        }
        Err(error) if may_be_one_commands_fault(&error) && batch.len() > 1 => {
            tracing::warn!(%error, "a transaction failed; its commands are carried out one by one");
            for command in batch.drain(..) {
                match carry_out(store, std::slice::from_ref(&command)).await {
                    Ok((committed, mut answers)) => {
                        publish(committed, counters, live, orders);
                        if let Some(answer) = answers.pop() {
                            command.answer(answer);
                        }
                    }
                    Err(error) => command.refuse(WriteError::of(&error)),
                }
            }
        }
        Err(error) => {
            for command in batch.drain(..) {
                command.refuse(WriteError::of(&error));
            }
        }
    }
}

const fn may_be_one_commands_fault(error: &StoreError) -> bool {
    matches!(error, StoreError::Query { .. } | StoreError::Encode { .. } | StoreError::Damaged { .. })
}

/// One transaction; when it fails, nothing of it has happened.
async fn carry_out(store: &Store, batch: &[Command]) -> Result<(Committed, Vec<Answer>), StoreError> {
    let mut change = Change::begin(store).await?;
    let mut answers = Vec::with_capacity(batch.len());
    for command in batch {
        let answer = match command {
            Command::Apply { ticket, expected, event, actor, .. } => {
                Answer::Applied(Box::new(match change.apply(ticket, *expected, event, actor).await {
                    // Found before anything was written: it concerns this ticket alone.
                    Err(error @ StoreError::Inconsistent { .. }) => Err(WriteError::Store(error)),
                    other => other?,
                }))
            }
            Command::ApplyWith { ticket, expected, event, kept, actor, .. } => {
                if !change.can_keep_words() {
                    answers.push(Answer::Applied(Box::new(Err(WriteError::Store(StoreError::NoKey)))));
                    continue;
                }
                let done = match change.apply(ticket, *expected, event, actor).await {
                    Err(error @ StoreError::Inconsistent { .. }) => Err(WriteError::Store(error)),
                    other => other?,
                };
                match &**kept {
                    Kept::Words(text) if done.is_ok() => change.keep_text(ticket, text).await?,
                    Kept::File(file) if done.is_ok() => change.keep_file(ticket, file).await?,
                    Kept::Words(_) | Kept::File(_) => {}
                }
                Answer::Applied(Box::new(done))
            }
            Command::Walk { ticket, expected, wanted, actor, .. } => {
                Answer::Applied(Box::new(match change.walk(ticket, *expected, wanted, actor).await {
                    Err(error @ StoreError::Inconsistent { .. }) => Err(WriteError::Store(error)),
                    other => other?,
                }))
            }
            Command::File { ticket, expected, wanted, actor, .. } => {
                Answer::Applied(Box::new(match change.file(ticket, *expected, wanted, actor).await {
                    Err(error @ StoreError::Inconsistent { .. }) => Err(WriteError::Store(error)),
                    other => other?,
                }))
            }
            Command::Register { wanted, actor, .. } => {
                Answer::Registered(Box::new(change.register(wanted, actor).await?))
            }
            Command::Split { ticket, expected, wanted, actor, .. } => {
                Answer::Registered(Box::new(change.split(ticket, *expected, wanted, actor).await?))
            }
            Command::CarryOut { generation, actions, .. } => {
                Answer::CarriedOut(plan(&mut change, *generation, actions).await?)
            }
        };
        answers.push(answer);
    }
    Ok((change.commit().await?, answers))
}

async fn plan(
    change: &mut Change,
    generation: i64,
    actions: &[Action],
) -> Result<Result<Vec<Ticket>, WriteError>, StoreError> {
    if !change.take_up(generation).await? {
        return Ok(Err(WriteError::Stale));
    }
    let linesman = Actor::linesman();
    let mut changed = Vec::new();
    for action in actions {
        let done = match action {
            Action::Open { fault, candidate, follows } => {
                change.open(fault, *candidate, follows.as_ref()).await
            }
            Action::Apply { ticket, version, event } => {
                // Whatever stands against it, the next plan sees it.
                change.apply(ticket, Some(*version), event, &linesman).await.map(Result::ok)
            }
        };
        match done {
            Ok(ticket) => changed.extend(ticket),
            // Found before anything was written: one damaged ticket must not hold up the others.
            Err(error @ StoreError::Inconsistent { .. }) => {
                tracing::error!(%error, "a planned change of a ticket was left out");
            }
            Err(other) => return Err(other),
        }
    }
    Ok(Ok(changed))
}

/// What follows a commit.
fn publish(committed: Committed, counters: &WriterCounters, live: &Live, orders: &Orders) {
    counters.commits.fetch_add(1, Ordering::Relaxed);
    counters.events.fetch_add(committed.recorded.len() as u64, Ordering::Relaxed);
    for recorded in committed.recorded {
        live.tell(live::Change::Ticket(Arc::new(recorded)));
    }
    for targets in committed.remeasure {
        if orders.try_send(Order::Remeasure(targets)).is_err() {
            // They are measured at their interval anyway.
            counters.dropped_orders.fetch_add(1, Ordering::Relaxed);
        }
    }
}
