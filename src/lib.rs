//! placeholder map
pub mod clock;
pub mod diagnosis;
pub mod inventory;
pub mod locale;
pub mod settings;
pub mod store;
pub mod ticket;
