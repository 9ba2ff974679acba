//! What can go wrong with the database.

/// Each names the operation and the object.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Skeleton.
    #[error("skeleton")]
    Skeleton,
}
