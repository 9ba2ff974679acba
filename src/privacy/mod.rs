//! Personal data: sealed before it is kept, found by keyed hashes, masked before it is shown.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`personal`] | [`Personal`]: a text that no log and no `{:?}` shows |
//! | [`keyring`] | sealing (ChaCha20-Poly1305, RFC 8439), opening, keyed hashes (HMAC-SHA-256, RFC 2104) |
//! | [`keyfile`] | the file with the keys: made once, for its owner alone |
//! | [`normal`] | telephone numbers, e-mail addresses and names in the one form that is hashed |
//! | [`mask`] | what is left of them for whoever does not need them |
//!
//! A sealed text is bound to its table, row and field: moved elsewhere it does not open. What a
//! thief of the database, or of a copy of it, can still see is how long a text is, and that two
//! contacts have the same number.
//!
//! Deliberately absent: SQL, roles (who may see what is decided where a caller is known), and any
//! way to print a key.

pub mod keyfile;
pub mod keyring;
pub mod mask;
pub mod normal;
pub mod personal;

pub use keyfile::{KeyFileError, key_file_beside};
pub use keyring::{Keyring, Place, PrivacyError, Searched};
pub use mask::Sight;
pub use normal::CountryCode;
pub use personal::Personal;
