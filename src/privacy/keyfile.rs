//! The file with the keys: text, for its owner alone, made once and never written again by the
//! daemon. Whoever loses it loses the contacts; whoever has it and the database has them too.
//!
//! ```text
//! search 64-HEXADECIMAL-DIGITS          what numbers and names are hashed with
//! key k1 64-HEXADECIMAL-DIGITS          what texts are sealed with: the last line seals, all open
//! ```

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::keyring::{KEY_BYTES, Keyring, PrivacyError, unhex};
use crate::id::os_random;
use crate::ticket::chain::hex;

/// Largest file that is read.
const LARGEST: u64 = 64 * 1024;
const FILE_NAME: &str = "linesman.key";

const HEAD: &str = "\
# Linesman's keys for personal data. Without this file names, numbers and addresses of customers cannot
# be read again: keep a copy of it, apart from copies of the database. To change the key, add a line
# `key k2 …` with 64 hexadecimal digits (openssl rand -hex 32), restart, and keep the old line until
# `linesman audit keys` says that nothing is sealed with it any more.
";

/// Why a key file cannot be used, with what mends it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is not there.
    #[error("the key file {} does not exist", path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// Others may read or change it.
    #[error("the key file {} is open to other users (mode {mode:03o}): `chmod 600 {}`", path.display(), path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not what a key file is.
    #[error("the key file {}, line {line}: {reason}; restore it from its copy", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// Where, from 1; 0 for the whole.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The operating system refuses.
    #[error("the key file {} cannot be {operation}: {source}; `[privacy] key_file` names another place", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was to be done.
        operation: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Where the key file lies unless the settings say otherwise: beside an SQLite database, else here.
#[must_use]
pub fn key_file_beside(database_url: &str) -> PathBuf {
    let beside = || {
        let file = database_url.strip_prefix("sqlite:")?;
        let file = file.strip_prefix("//").unwrap_or(file);
        Some(Path::new(file).parent()?.join(FILE_NAME))
    };
    beside().unwrap_or_else(|| PathBuf::from(FILE_NAME))
}

/// Reads the keys.
///
/// # Errors
/// When the file is missing, open to others, or no key file.
pub fn read(path: &Path) -> Result<Keyring, KeyFileError> {
    let fail = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing { path: path.to_owned() },
        _ => KeyFileError::Io { path: path.to_owned(), operation: "read", source },
    };
    let file = std::fs::File::open(path).map_err(fail)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(fail)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Open { path: path.to_owned(), mode });
        }
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).map_err(fail)?;
    parse(&text).map_err(|(line, reason)| KeyFileError::Form { path: path.to_owned(), line, reason })
}

/// Reads the text of a key file; says in which line it is wrong, and nothing of what stands there.
fn parse(text: &str) -> Result<Keyring, (usize, String)> {
    let mut search = None;
    let mut keys: Vec<(String, [u8; KEY_BYTES])> = Vec::new();
    for (line, words) in text.lines().map(str::trim).enumerate().map(|(index, line)| (index + 1, line)) {
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        let refuse = |reason: &str| (line, reason.to_owned());
        let key = |digits: &str| {
            let bytes = unhex(digits).and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
            bytes.ok_or_else(|| refuse("a key is 64 hexadecimal digits in lower case"))
        };
        match words.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["search", _] if search.is_some() => return Err(refuse("there is a second `search` line")),
            ["search", digits] => search = Some(key(digits)?),
            ["key", id, digits] => keys.push(((*id).to_owned(), key(digits)?)),
            _ => return Err(refuse("expected `search DIGITS` or `key NAME DIGITS`")),
        }
    }
    let search = search.ok_or((0, "there is no `search` line".to_owned()))?;
    Keyring::new(&search, &keys).map_err(|error: PrivacyError| (0, error.to_string()))
}

/// Makes a key file of new keys, for its owner alone; it appears under its name only when it is whole
/// and on disk, and never in place of another.
///
/// # Errors
/// When there is one already, or it cannot be written.
pub fn create(path: &Path) -> Result<Keyring, KeyFileError> {
    let fail = |source: io::Error| KeyFileError::Io { path: path.to_owned(), operation: "made", source };
    let random = || os_random::<KEY_BYTES>().map_err(|error| fail(io::Error::other(error)));
    let (search, key) = (random()?, random()?);
    let text = format!("{HEAD}search {}\nkey k1 {}\n", hex(&search), hex(&key));
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    // What a death left behind was never used.
    let _ = std::fs::remove_file(&partial);
    let written = write_private(&partial, &text).and_then(|()| std::fs::hard_link(&partial, path));
    let _ = std::fs::remove_file(&partial);
    written.map_err(fail)?;
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
    read(path)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::super::{Personal, Place};
    use super::*;

    #[test]
    fn a_key_file_is_made_once_for_its_owner_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linesman.key");
        assert!(matches!(read(&path), Err(KeyFileError::Missing { .. })));
        let made = create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let place = Place { table: "contact", row: "1", field: "phone" };
        let sealed = made.seal(place, &Personal::of("110").unwrap()).unwrap();
        assert_eq!(read(&path).unwrap().open(place, &sealed).unwrap().in_clear(), "110");
        let before = std::fs::read(&path).unwrap();
        assert!(create(&path).is_err(), "keys are never overwritten");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linesman.key");
        create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = read(&path).unwrap_err().to_string();
        assert!(refused.contains("mode 640") && refused.contains("chmod 600 /"), "{refused}");
    }

    #[test]
    fn a_wrong_line_is_told_by_its_number_and_not_by_its_content() {
        let key = "ab".repeat(32);
        let good = format!("# c\n\nsearch {key}\nkey k1 {key}\n");
        assert!(parse(&good).is_ok());
        for (text, line) in [
            (String::new(), 0),
            (format!("search {key}\n"), 0),
            (format!("key k1 {key}\n"), 0),
            (format!("search {key}\nsearch {key}\nkey k1 {key}\n"), 2),
            (format!("search {key}\nkey k1 {}\n", &key[1..]), 2),
            (format!("search {key}\nkey k1\n"), 2),
            (format!("search {key}\nkey a:b {key}\n"), 0),
        ] {
            let (at, reason) = parse(&text).err().unwrap();
            assert_eq!(at, line, "{text}");
            assert!(!reason.contains("abab"), "{reason}");
        }
    }

    #[test]
    fn the_key_lies_beside_the_database_unless_told_otherwise() {
        for (url, place) in [
            ("sqlite:/var/lib/linesman/linesman.db", "/var/lib/linesman/linesman.key"),
            ("sqlite:///var/lib/x.db", "/var/lib/linesman.key"),
            ("sqlite:linesman.db", "linesman.key"),
            ("postgres://db/linesman", "linesman.key"),
        ] {
            assert_eq!(key_file_beside(url), PathBuf::from(place), "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_of_keys_panic(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }
    }
}
