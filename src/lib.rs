//! placeholder map
pub mod cli;
pub mod clock;
pub mod inventory;
pub mod settings;
