//! placeholder map
pub mod clock;
pub mod inventory;
pub mod settings;
