//! The directory of bills. What is acknowledged is on the disk before: files and the folders that name
//! them are synchronised. A folder that no run names is left from a death before its acknowledgement.
//!
//! ```text
//! incoming/RANDOM/ROLE/NAME        being uploaded
//! runs/ID/inputs/ROLE/NAME         what a run reads
//! runs/ID/report/LANGUAGE/NAME     what it wrote
//! runs/ID/scratch/                 what it needs meanwhile
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::id::os_random;
use crate::settings::Settings;
use crate::store::{InputRole, RunInput};
use crate::ticket::chain::hex;

/// Longest name of a file that is kept, in bytes.
const LONGEST_NAME: usize = 120;
/// Read at once when a file is copied.
const PIECE: usize = 256 * 1024;

/// The directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    root: PathBuf,
}

impl Vault {
    /// At this place; it is made when it is needed.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where the settings want it: as stated, else `bills` beside the database's file, else here.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let stated = settings.billing.directory.clone();
        let beside = || {
            let file = settings.database.url.strip_prefix("sqlite:")?;
            // `sqlite:///path` is a path from the root, as the store reads it.
            let file = file.strip_prefix("//").unwrap_or(file);
            Some(Path::new(file).parent()?.join("bills"))
        };
        Self::at(stated.or_else(beside).unwrap_or_else(|| PathBuf::from("bills")))
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn run(&self, id: &str) -> PathBuf {
        self.root.join("runs").join(id)
    }

    /// A file that a run reads.
    #[must_use]
    pub fn input(&self, id: &str, input: &RunInput) -> PathBuf {
        self.run(id).join("inputs").join(input.role.name()).join(file_name(&input.name))
    }

    /// The folder of a run's report.
    #[must_use]
    pub fn report(&self, id: &str) -> PathBuf {
        self.run(id).join("report")
    }

    /// A folder for what a run needs meanwhile.
    #[must_use]
    pub fn work(&self, id: &str) -> PathBuf {
        self.run(id).join("scratch")
    }

    /// A place for files that come in.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn incoming(&self) -> io::Result<Incoming> {
        let name = hex(&os_random::<16>().map_err(|error| io::Error::other(error.to_string()))?);
        let folder = self.root.join("incoming").join(name);
        fs::create_dir_all(&folder).await?;
        restrict(&self.root.join("incoming")).await?;
        Ok(Incoming { folder, vault: self.clone(), kept: false })
    }

    /// Removes everything of a run.
    ///
    /// # Errors
    /// When it cannot be removed; what is not there is removed.
    pub async fn remove(&self, id: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.run(id)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what a death left behind: uploads that were never acknowledged. Only while nothing comes in.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub async fn sweep(&self, known: &BTreeSet<String>) -> io::Result<usize> {
        let mut swept = 0;
        for (folder, keep) in [("incoming", None), ("runs", Some(known))] {
            let mut entries = match fs::read_dir(self.root.join(folder)).await {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            while let Some(entry) = entries.next_entry().await? {
                let name = entry.file_name();
                if keep.is_none_or(|known| name.to_str().is_none_or(|name| !known.contains(name))) {
                    fs::remove_dir_all(entry.path()).await?;
                    swept += 1;
                }
            }
        }
        Ok(swept)
    }
}

/// Files that come in; removed when dropped, unless they were kept.
#[derive(Debug)]
pub struct Incoming {
    folder: PathBuf,
    vault: Vault,
    kept: bool,
}

impl Incoming {
    /// Where it comes in.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// A file that comes in.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn file(&self, role: InputRole, name: &str) -> io::Result<Arriving> {
        let folder = self.folder.join(role.name());
        fs::create_dir_all(&folder).await?;
        let name = file_name(name);
        let file = File::create_new(folder.join(&name)).await?;
        Ok(Arriving { file, folder, role, name, bytes: 0, hasher: Sha256::new() })
    }

    /// Takes a copy of a file of this host, of `most` bytes at most.
    ///
    /// # Errors
    /// When it cannot be read or written, or is larger ([`io::ErrorKind::FileTooLarge`]).
    pub async fn copy(&self, role: InputRole, from: &Path, most: u64) -> io::Result<RunInput> {
        let mut source = File::open(from).await?;
        let name = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut arriving = self.file(role, &name).await?;
        let mut piece = vec![0; PIECE];
        loop {
            let read = source.read(&mut piece).await?;
            if read == 0 {
                return arriving.finish().await;
            }
            arriving.write(&piece[..read]).await?;
            if arriving.bytes > most {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
    }

    /// Makes them the inputs of a run, durably.
    ///
    /// # Errors
    /// When they cannot be moved or synchronised.
    pub async fn keep(mut self, id: &str) -> io::Result<()> {
        let run = self.vault.run(id);
        fs::create_dir_all(&run).await?;
        restrict(&self.vault.root.join("runs")).await?;
        synchronise(&self.folder).await?;
        fs::rename(&self.folder, run.join("inputs")).await?;
        self.kept = true;
        for folder in [run.as_path(), &self.vault.root.join("runs"), &self.vault.root] {
            synchronise(folder).await?;
        }
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.kept {
            // What stays is swept at the next start.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// One file that comes in, piece by piece.
#[derive(Debug)]
pub struct Arriving {
    file: File,
    folder: PathBuf,
    role: InputRole,
    name: String,
    bytes: u64,
    hasher: Sha256,
}

impl Arriving {
    /// Its next piece.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
        self.file.write_all(piece).await
    }

    /// Bytes so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// It is whole: synchronised to the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn finish(mut self) -> io::Result<RunInput> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        synchronise(&self.folder).await?;
        let sha256 = hex(&self.hasher.finalize());
        Ok(RunInput { role: self.role, name: self.name, bytes: self.bytes, sha256 })
    }
}

/// A folder's entries are on the disk after this.
async fn synchronise(folder: &Path) -> io::Result<()> {
    File::open(folder).await?.sync_all().await
}

/// Bills are read by nobody else on this host.
async fn restrict(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(folder).await?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).await
}

/// The name that a stranger gave a file, as a name of ours: no folder, no surprise, its ending kept.
#[must_use]
pub fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
    let mut name: String = last.trim().trim_start_matches('.').chars().map(plain).collect();
    while name.len() > LONGEST_NAME {
        // The ending says what the file is: the beginning goes.
        name.remove(0);
    }
    if name.trim_matches(['.', ' ']).is_empty() { "file".to_owned() } else { name }
}

/// A path below a folder, if it cannot lead out of it.
#[must_use]
pub fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && !name.is_empty()).then(|| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_stranger_gave_leads_nowhere() {
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name("C:\\bills\\October 2026.xlsx"), "October 2026.xlsx");
        assert_eq!(file_name("账单.csv.gz"), "账单.csv.gz");
        assert_eq!(file_name("a\u{0}b\r\n.csv"), "a_b__.csv");
        for nothing in ["", "..", "/", " . "] {
            assert_eq!(file_name(nothing), "file", "{nothing:?}");
        }
        let long = file_name(&format!("{}.csv", "单".repeat(200)));
        assert!(long.len() <= LONGEST_NAME && long.ends_with(".csv"));
        assert_eq!(below(Path::new("/r"), "en/a.html"), Some(PathBuf::from("/r/en/a.html")));
        for wrong in ["", "../a", "/etc/passwd", "en/../../a"] {
            assert_eq!(below(Path::new("/r"), wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_is_not_kept_is_gone_and_what_is_kept_has_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::at(folder.path().join("bills"));
        let dropped = vault.incoming().await.unwrap();
        dropped.file(InputRole::Ours, "a.csv").await.unwrap().write(b"x").await.unwrap();
        drop(dropped);
        let incoming = vault.incoming().await.unwrap();
        let mut arriving = incoming.file(InputRole::Ours, "a.csv").await.unwrap();
        arriving.write(b"ab").await.unwrap();
        arriving.write(b"c").await.unwrap();
        let input = arriving.finish().await.unwrap();
        assert_eq!(input.bytes, 3);
        assert_eq!(input.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        incoming.keep("run-1").await.unwrap();
        assert_eq!(std::fs::read(vault.input("run-1", &input)).unwrap(), b"abc");
        std::fs::create_dir_all(vault.report("nobody")).unwrap();
        let known = BTreeSet::from(["run-1".to_owned()]);
        assert_eq!(vault.sweep(&known).await.unwrap(), 1);
        assert!(vault.input("run-1", &input).exists() && !vault.report("nobody").exists());
        assert_eq!(std::fs::read_dir(vault.root().join("incoming")).unwrap().count(), 0);
        vault.remove("run-1").await.unwrap();
        vault.remove("run-1").await.unwrap();
    }
}
