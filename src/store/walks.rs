//! Walks of tickets through the decision trees: what an answer comes to is planned and carried out within one
//! transaction; who may answer what is looked up here, decided in [`crate::ticket::walk`].

use std::sync::Arc;

use linesman_process::Role as Part;
use linesman_process::tree::Trees;

use crate::ticket::event::{Actor, Event};
use crate::ticket::guard::tree::sentences;
use crate::ticket::walk::{self, Evidence, Guide, Wanted};
use crate::ticket::{Refusal, Ticket, TicketId, TicketText};

use super::backend::{on, on_tx};
use super::change::Change;
use super::json::text;
use super::{Role, Store, StoreError, WriteError};

pub(super) const ROLE_OF_TOKEN: &str = "SELECT role FROM api_token WHERE name = $1 AND revoked_at IS NULL";

/// A walk to be moved on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedWalk {
    /// What is wanted.
    pub wanted: Wanted,
    /// What measurements say.
    pub evidence: Vec<Evidence>,
    /// Words of the answer that are kept apart, because they may tell of a person.
    pub texts: Vec<TicketText>,
}

/// What a token's role does in the procedure, where the roster knows nobody of the token's name.
#[must_use]
pub fn parts_of(role: Role) -> Vec<Part> {
    let agent = [Part::Intake, Part::Agent, Part::FollowUpAgent, Part::ComplaintSpecialist];
    let technician = [Part::Technician, Part::Engineer, Part::DepartmentMember];
    match role {
        Role::Viewer => Vec::new(),
        Role::Agent => agent.to_vec(),
        Role::Technician => technician.to_vec(),
        Role::Billing => vec![Part::Finance],
        Role::Noc => {
            [agent.as_slice(), &technician, &[Part::Finance, Part::ProductSpecialist, Part::ShiftLead]]
                .concat()
        }
        Role::Manager | Role::Admin => Part::ALL.to_vec(),
    }
}

impl Store {
    /// The decision trees in force, in all versions that walks may keep.
    #[must_use]
    pub fn trees(&self) -> Option<Arc<Trees>> {
        crate::procedure::trees().cloned()
    }

    /// What an actor does in the procedure.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn parts_of_actor(&self, actor: &Actor) -> Result<Vec<Part>, StoreError> {
        if let Some(person) = self.people().await?.by_login(&actor.0) {
            return Ok(person.roles.clone());
        }
        let role: Option<String> = on!(self, pool => {
            sqlx::query_scalar(ROLE_OF_TOKEN).bind(text(&actor.0)).fetch_optional(pool).await
        })
        .map_err(|error| StoreError::of("look for the role of", &actor.0, error))?;
        Ok(role.as_deref().and_then(Role::parse).map(parts_of).unwrap_or_default())
    }
}

impl Change {
    /// The trees, and what an actor does in the procedure.
    pub(super) async fn guide(&mut self, actor: &Actor) -> Result<Option<Guide>, StoreError> {
        let Some(trees) = self.store.trees() else { return Ok(None) };
        let roles = self.parts(actor).await?;
        Ok(Some(Guide { trees, roles }))
    }

    async fn parts(&mut self, actor: &Actor) -> Result<Vec<Part>, StoreError> {
        if let Some(person) = self.people().await?.by_login(&actor.0) {
            return Ok(person.roles.clone());
        }
        let role: Option<String> = on_tx!(self.tx, connection => {
            sqlx::query_scalar(ROLE_OF_TOKEN).bind(text(&actor.0)).fetch_optional(connection).await
        })
        .map_err(|error| StoreError::of("look for the role of", &actor.0, error))?;
        Ok(role.as_deref().and_then(Role::parse).map(parts_of).unwrap_or_default())
    }

    /// Moves a walk on; everything that follows happens, or nothing.
    pub(super) async fn walk(
        &mut self,
        id: &TicketId,
        expected: Option<i64>,
        wanted: &WantedWalk,
        actor: &Actor,
    ) -> Result<Result<Ticket, WriteError>, StoreError> {
        let Some(known) = self.ticket(id).await? else {
            return Ok(Err(WriteError::Unknown(id.clone())));
        };
        if expected.is_some_and(|expected| expected != known.version) {
            return Ok(Err(WriteError::Conflict(Box::new(known))));
        }
        let refused = |unmet| Ok(Err(WriteError::Refused(Refusal { event: "walked", unmet })));
        let Some(guide) = self.guide(actor).await? else { return refused(Vec::new()) };
        let now = self.now.max(known.updated_at);
        let planned = match walk::plan(&known, &guide, &wanted.evidence, &wanted.wanted, actor, now) {
            Ok(planned) => planned,
            Err(against) => return refused(sentences(&against)),
        };
        // Tried on a copy first: of several events none may be refused after another was written.
        let mut tried = known.clone();
        for (by, deed) in &planned {
            let around = crate::ticket::Around { guide: Some(guide.clone()), ..Default::default() };
            match crate::ticket::apply_in(&tried, &Event::from(deed.clone()), by, &around, now) {
                Ok(applied) => tried = applied.ticket,
                Err(refusal) => return Ok(Err(WriteError::Refused(refusal))),
            }
        }
        let mut ticket = known;
        for (by, deed) in planned {
            match self.apply(id, None, &Event::from(deed), &by).await? {
                Ok(next) => ticket = next,
                Err(error) => {
                    // What was written of it goes with the transaction.
                    let reason = format!("a step that was tried before was refused: {error}");
                    return Err(StoreError::Refused { operation: "walking a tree", reason });
                }
            }
        }
        for words in &wanted.texts {
            self.keep_text(id, words).await?;
        }
        Ok(Ok(ticket))
    }
}
