//! The keys at work: sealing, opening, keyed hashes. Every sealed text names its key, so that a new
//! key can be added while old texts still open.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use sha2::{Digest as _, Sha256};

use super::Personal;
use crate::id::os_random;
use crate::ticket::chain::hex;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Longest name of a key.
const LONGEST_ID: usize = 16;
/// A print identifies a key and says nothing about it.
const PRINT_LENGTH: usize = 16;

/// Where a sealed text belongs. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Table.
    pub table: &'static str,
    /// Key of the row.
    pub row: &'a str,
    /// Column.
    pub field: &'static str,
}

impl Place<'_> {
    /// Each part with its length before it: no two places look alike.
    fn bytes(&self, key: &str) -> Vec<u8> {
        let mut bytes = b"linesman personal data 1".to_vec();
        for part in [key, self.table, self.row, self.field] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// What is looked for by its hash. Equal texts of two kinds have different hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Searched {
    /// A telephone number in the form of [`super::normal::phone`].
    Phone,
    /// An e-mail address in the form of [`super::normal::email`].
    Email,
    /// A part of a name as [`super::normal::words`] makes them.
    Word,
}

impl Searched {
    const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Word => "word",
        }
    }
}

/// Why a text was not sealed or opened; holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrivacyError {
    /// Not what sealing writes.
    #[error("it is not a sealed text")]
    Form,
    /// Sealed with a key that is not in the file.
    #[error("it was sealed with a key that is not in the key file; restore the key file that had it")]
    UnknownKey,
    /// Changed, moved from elsewhere, or sealed with another key of the same name.
    #[error("it was changed, moved from another row, or sealed with another key of the same name")]
    Refused,
    /// No randomness for a nonce.
    #[error("no random bytes from the operating system")]
    Random,
    /// Names of keys are short and plain.
    #[error("a key's name is 1 to 16 letters, digits or hyphens, and no two are the same")]
    KeyName,
    /// No key at all.
    #[error("there is no key to seal with")]
    NoKey,
}

struct SealingKey {
    id: String,
    print: String,
    key: LessSafeKey,
}

/// All keys of a daemon. The newest one seals, each opens what it sealed.
pub struct Keyring {
    keys: Vec<SealingKey>,
    search: hmac::Key,
    search_print: String,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

fn print(purpose: &str, key: &[u8; KEY_BYTES]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"linesman print of a key, ");
    hasher.update(purpose.as_bytes());
    hasher.update(key);
    let mut print = hex(&hasher.finalize());
    print.truncate(PRINT_LENGTH);
    print
}

/// No kind of hash begins like this: a signature is no hash by which something is found.
fn signed_bytes(purpose: &str, text: &str) -> Vec<u8> {
    ["linesman signature", purpose, text].join("\0").into_bytes()
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Keyring {
    /// Of the key for hashes and the keys for sealing, oldest first.
    ///
    /// # Errors
    /// When there is no key to seal with, or a name is unfit or taken.
    pub fn new(search: &[u8; KEY_BYTES], keys: &[(String, [u8; KEY_BYTES])]) -> Result<Self, PrivacyError> {
        let mut ring: Vec<SealingKey> = Vec::with_capacity(keys.len());
        for (id, key) in keys {
            if !is_id(id) || ring.iter().any(|other| other.id == *id) {
                return Err(PrivacyError::KeyName);
            }
            let unbound = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| PrivacyError::NoKey)?;
            ring.push(SealingKey { id: id.clone(), print: print(id, key), key: LessSafeKey::new(unbound) });
        }
        if ring.is_empty() {
            return Err(PrivacyError::NoKey);
        }
        Ok(Self {
            keys: ring,
            search: hmac::Key::new(hmac::HMAC_SHA256, search),
            search_print: print("search", search),
        })
    }

    /// Seals a text for its place, with a nonce of its own: the same text never looks the same.
    ///
    /// 96 random bits are safe for 2³² texts under one key (NIST SP 800-38D section 8.3); a carrier's
    /// contacts are some millions.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn seal(&self, place: Place<'_>, text: &Personal) -> Result<String, PrivacyError> {
        let newest = self.keys.last().ok_or(PrivacyError::NoKey)?;
        let nonce: [u8; NONCE_LEN] = os_random().map_err(|_| PrivacyError::Random)?;
        let mut bytes = text.in_clear().as_bytes().to_vec();
        newest
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.bytes(&newest.id)),
                &mut bytes,
            )
            .map_err(|_| PrivacyError::Refused)?;
        Ok(format!("{}:{}{}", newest.id, hex(&nonce), hex(&bytes)))
    }

    /// Opens a text in its place.
    ///
    /// # Errors
    /// When it was changed or moved, its key is missing, or it is no sealed text.
    pub fn open(&self, place: Place<'_>, sealed: &str) -> Result<Personal, PrivacyError> {
        let (id, body) = sealed.split_once(':').ok_or(PrivacyError::Form)?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or(PrivacyError::UnknownKey)?;
        let mut bytes = unhex(body).ok_or(PrivacyError::Form)?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(PrivacyError::Form)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| PrivacyError::Form)?;
        let text = key
            .key
            .open_in_place(nonce, Aad::from(place.bytes(id)), text)
            .map_err(|_| PrivacyError::Refused)?;
        let text = std::str::from_utf8(text).map_err(|_| PrivacyError::Form)?;
        Personal::of(text).ok_or(PrivacyError::Form)
    }

    /// The hash that a text in its normal form is found by.
    #[must_use]
    pub fn digest(&self, kind: Searched, normal: &str) -> String {
        let mut context = hmac::Context::with_key(&self.search);
        context.update(kind.name().as_bytes());
        context.update(&[0]);
        context.update(normal.as_bytes());
        hex(context.sign().as_ref())
    }

    /// Signs a text for a purpose: nobody without the key makes such a signature.
    #[must_use]
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        hex(hmac::sign(&self.search, &signed_bytes(purpose, text)).as_ref())
    }

    /// Whether a signature is one of this key, for this purpose and text; takes as long for a wrong one.
    #[must_use]
    pub fn is_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Some(signature) = unhex(signature) else { return false };
        hmac::verify(&self.search, &signed_bytes(purpose, text), &signature).is_ok()
    }

    /// The name of the key that seals.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.keys.last().map_or("", |key| key.id.as_str())
    }

    /// Identifies the key for hashes without telling it.
    #[must_use]
    pub fn search_print(&self) -> &str {
        &self.search_print
    }

    /// Names and prints of the keys that open, oldest first.
    pub fn prints(&self) -> impl Iterator<Item = (&str, &str)> {
        self.keys.iter().map(|key| (key.id.as_str(), key.print.as_str()))
    }

    /// The print of the key of this name.
    #[must_use]
    pub fn print_of(&self, id: &str) -> Option<&str> {
        self.prints().find(|(name, _)| *name == id).map(|(_, print)| print)
    }
}

/// Bytes of a hexadecimal text in lower case.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place<'static> = Place { table: "contact", row: "7", field: "phone" };

    fn ring() -> Keyring {
        Keyring::new(&[1; 32], &[("k1".to_owned(), [2; 32]), ("k2".to_owned(), [3; 32])]).unwrap()
    }

    fn personal(text: &str) -> Personal {
        Personal::of(text).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_in_its_place_and_never_looks_the_same_twice(text in "[^\\s\0]\\PC{0,200}[^\\s\0]") {
            let (ring, text) = (ring(), personal(&text));
            let (one, other) = (ring.seal(PLACE, &text).unwrap(), ring.seal(PLACE, &text).unwrap());
            prop_assert_ne!(&one, &other);
            prop_assert_eq!(ring.open(PLACE, &one).unwrap(), text.clone());
            prop_assert_eq!(ring.open(PLACE, &other).unwrap(), text);
        }

        #[test]
        fn a_sealed_text_with_any_bit_changed_is_refused(text in "[a-z0-9+]{1,40}", place in any::<prop::sample::Index>(), bit in 0_u8..4) {
            let ring = ring();
            let sealed = ring.seal(PLACE, &personal(&text)).unwrap();
            let body = sealed.find(':').unwrap() + 1;
            let at = body + place.index(sealed.len() - body);
            let mut bytes = sealed.into_bytes();
            let digit = char::from(bytes[at]).to_digit(16).unwrap() ^ (1 << bit);
            bytes[at] = u8::try_from(char::from_digit(digit, 16).unwrap()).unwrap();
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(ring.open(PLACE, &changed), Err(PrivacyError::Refused));
        }

        #[test]
        fn no_text_makes_the_opener_panic(text in "\\PC{0,200}") {
            prop_assert!(ring().open(PLACE, &text).is_err());
        }

        #[test]
        fn hexadecimal_is_read_as_it_was_written(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn a_sealed_text_moved_to_another_row_field_or_table_does_not_open() {
        let ring = ring();
        let sealed = ring.seal(PLACE, &personal("+8613812345678")).unwrap();
        let places = [
            Place { row: "8", ..PLACE },
            Place { field: "email", ..PLACE },
            Place { table: "customer", ..PLACE },
            // The end of a part may not wander into its neighbour.
            Place { table: "contac", row: "t7", ..PLACE },
        ];
        for place in places {
            assert_eq!(ring.open(place, &sealed), Err(PrivacyError::Refused), "{place:?}");
        }
        let relabelled = sealed.replacen("k2:", "k1:", 1);
        assert_eq!(ring.open(PLACE, &relabelled), Err(PrivacyError::Refused));
    }

    #[test]
    fn an_older_key_still_opens_and_the_newest_seals() {
        let old = Keyring::new(&[1; 32], &[("k1".to_owned(), [2; 32])]).unwrap();
        let sealed = old.seal(PLACE, &personal("Li Na")).unwrap();
        assert_eq!(ring().open(PLACE, &sealed).unwrap(), personal("Li Na"));
        assert!(ring().seal(PLACE, &personal("Li Na")).unwrap().starts_with("k2:"));
        let other = Keyring::new(&[1; 32], &[("k9".to_owned(), [2; 32])]).unwrap();
        assert_eq!(other.open(PLACE, &sealed), Err(PrivacyError::UnknownKey));
    }

    #[test]
    fn hashes_depend_on_the_key_and_on_what_is_searched() {
        let (one, other) = (ring(), Keyring::new(&[9; 32], &[("k1".to_owned(), [2; 32])]).unwrap());
        let digest = one.digest(Searched::Phone, "+8613812345678");
        assert_eq!(digest, one.digest(Searched::Phone, "+8613812345678"));
        assert_ne!(digest, other.digest(Searched::Phone, "+8613812345678"));
        assert_ne!(digest, one.digest(Searched::Email, "+8613812345678"));
        assert_ne!(one.search_print(), other.search_print());
        assert_ne!(ring().print_of("k1"), ring().print_of("k2"));
    }

    #[test]
    fn keys_are_never_printed_and_their_names_are_plain() {
        assert_eq!(format!("{:?}", ring()), r#"["k1", "k2"]"#);
        for wrong in ["", "a b", "a:b", "seventeen-letters"] {
            let made = Keyring::new(&[1; 32], &[(wrong.to_owned(), [2; 32])]);
            assert_eq!(made.err(), Some(PrivacyError::KeyName), "{wrong}");
        }
        let twice = [("k1".to_owned(), [2; 32]), ("k1".to_owned(), [3; 32])];
        assert_eq!(Keyring::new(&[1; 32], &twice).err(), Some(PrivacyError::KeyName));
        assert_eq!(Keyring::new(&[1; 32], &[]).err(), Some(PrivacyError::NoKey));
    }
}
