//! What people wrote in a deed.

use linesman_process::tree::Taken;

use super::Deed;

impl Deed {
    /// What a person wrote, for the history.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Assigned { target, .. } => Some(target),
            Self::EtaChanged { reason, .. }
            | Self::WorkMoved { reason, .. }
            | Self::EtaHeard { reason, .. }
            | Self::Resumed { reason }
            | Self::VerificationWaived { reason }
            | Self::ReopenedByPerson { reason }
            | Self::LevelChanged { reason, .. }
            | Self::Rejected { reason } => Some(reason),
            Self::WorkDone { result, .. } => Some(result),
            Self::Routed { step, .. } => step.words(),
            Self::RepairClaimed { what } | Self::Bridged { what } => Some(what),
            Self::SolutionPlanned { analysis, .. } => Some(&analysis.company),
            Self::Verified { evidence, .. }
            | Self::PromiseKept { evidence, .. }
            | Self::WorkOverran { evidence, .. } => Some(evidence),
            Self::SolutionRecorded { solution, .. } => Some(solution),
            Self::ConfirmationRecorded { reference: Some(reference), .. } => Some(reference),
            Self::CustomerTextSet { zh, .. } => Some(zh),
            Self::Promised { text, .. } | Self::ToldOfWork { text, .. } => Some(text),
            Self::WalkBegun { reason, .. } if !reason.is_empty() => Some(reason),
            Self::Walked { step } => match &step.taken {
                Taken::Corrected { reason } => Some(reason),
                Taken::Answered { .. } => None,
            },
            _ => None,
        }
    }
}
