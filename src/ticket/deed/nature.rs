//! What kind of deed it is: whose doing, and whether people are told of it at once.

use super::Deed;

impl Deed {
    /// Whether Linesman alone does it: what follows from elsewhere, not what somebody did.
    #[must_use]
    pub const fn is_automatic(&self) -> bool {
        matches!(
            self,
            Self::WorkMoved { .. }
                | Self::WorkOverran { .. }
                | Self::FaultOver { .. }
                | Self::EtaHeard { .. }
                | Self::ReceiptSent { .. }
                | Self::LinkSent { .. }
                | Self::SurveyAnswered { .. }
        ) || matches!(self, Self::Routed { step, .. } if step.is_automatic())
    }

    /// Whether people are told of it at once.
    #[must_use]
    pub const fn is_news(&self) -> bool {
        if let Self::Routed { step, .. } = self {
            return step.is_news();
        }
        !matches!(
            self,
            Self::Contacted { .. }
                | Self::RecordFiled { .. }
                | Self::SolutionPlanned { .. }
                | Self::Linked { .. }
                | Self::Absorbed { .. }
                | Self::SplitOff { .. }
                | Self::SplitFrom { .. }
                | Self::Resumed { .. }
                | Self::Verified { .. }
                | Self::Promised { .. }
                | Self::PromiseKept { .. }
                | Self::ToldOfWork { .. }
                | Self::ReceiptSent { .. }
                | Self::LinkSent { .. }
                | Self::SurveyAnswered { .. }
                | Self::WalkBegun { .. }
                | Self::FormFiled { .. }
                | Self::EvidenceAttached { .. }
                | Self::LinkMade { .. }
                | Self::Walked { .. }
                | Self::AskedCustomer { .. }
        )
    }
}
