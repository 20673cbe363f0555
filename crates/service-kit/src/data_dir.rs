//! A process's directory on disk: whose it is and which version wrote it.
//!
//! Both are asked of files of our own, [`LOCK`] and [`VERSION`], before anything else in the
//! directory is opened. What must stay true:
//!
//! - One process at a time: the lock is the kernel's, so it ends with the process however that ends.
//! - A directory that this version cannot read, or that is not ours, is left byte for byte as it is.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use kleos_contracts::class::Class;

/// The file whose lock the process holds; its text names the process, for people.
pub const LOCK: &str = "LOCK";
/// The file that says which version wrote the directory.
pub const VERSION: &str = "VERSION";
/// The version that this code writes and reads.
pub const CURRENT: u32 = 1;

const VERSION_UNFINISHED: &str = "VERSION.new";
const VERSION_WORD: &str = "kleos-data";

/// Why a directory is refused.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process works in it.
    #[error("the data directory {} is in use by {}", path.display(), holder_text(*holder))]
    Held {
        /// The directory.
        path: PathBuf,
        /// The process, where the lock file says so.
        holder: Option<u32>,
    },
    /// Written by a later version.
    #[error(
        "the data directory {} was written by data version {found}; this program reads {CURRENT}",
        path.display()
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// The version that it says.
        found: u32,
    },
    /// Something lies in it, and it is not ours.
    #[error(
        "the directory {} holds {entry:?} but no {VERSION} file, so Kleos did not write it",
        path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One thing that lies in it.
        entry: String,
    },
    /// The version file says something else than a version.
    #[error(
        "the version file of the data directory {} says {found:?} instead of \
         \"{VERSION_WORD} {CURRENT}\"",
        path.display()
    )]
    Unknown {
        /// The directory.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl DataDirError {
    /// Without its directory the process is of no use.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::Fatal
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Held { holder: Some(pid), .. } => {
                format!("stop process {pid}, or give this one a data directory of its own")
            }
            Self::Held { holder: None, .. } => {
                "stop the other process, or give this one a data directory of its own".to_owned()
            }
            Self::Newer { found, .. } => format!(
                "run the version of Kleos that writes data version {found}, or give this one an \
                 empty data directory; nothing was changed"
            ),
            Self::Foreign { .. } => {
                "give Kleos an empty directory, or one that does not exist yet".to_owned()
            }
            Self::Unknown { .. } => {
                "restore the file from a backup, or move the directory away and start with an \
                 empty one"
                    .to_owned()
            }
            Self::Io { path, source, .. } => io_remedy(path, source.kind()),
        }
    }
}

fn holder_text(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

fn io_remedy(path: &Path, kind: io::ErrorKind) -> String {
    if kind == io::ErrorKind::PermissionDenied {
        format!("give the user that runs Kleos the right to read and write {}", path.display())
    } else if kind == io::ErrorKind::StorageFull {
        "free space on the disk".to_owned()
    } else if kind == io::ErrorKind::ReadOnlyFilesystem {
        "mount the disk for writing, or configure a data directory on another".to_owned()
    } else {
        "configure a data directory on a disk that can be written".to_owned()
    }
}

/// A directory that is ours alone, until this is dropped or the process ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Takes the directory; creates it the first time.
    ///
    /// # Errors
    /// Where it is in use, of a newer version, not ours, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        create_if_absent(path)?;
        // Before the lock, which would write: a directory that is refused stays as it is.
        check_version(path)?;
        let lock = lock(path)?;
        // Again under the lock: another process can have written its version in between.
        if check_version(path)? == Found::Nothing {
            write_version(path)
                .map_err(|source| io_error("write a version file in", path, source))?;
        }
        name_holder(&lock).map_err(|source| io_error("write the lock file in", path, source))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Whether this version may read the directory, for those who only look: nothing is written, and
    /// another process may work in it.
    ///
    /// # Errors
    /// Where it is of a newer version, not ours, or the system refuses.
    pub fn inspect(path: &Path) -> Result<(), DataDirError> {
        check_version(path).map(drop)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Something in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Current,
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> DataDirError {
    DataDirError::Io { action, path: path.to_owned(), source }
}

fn create_if_absent(path: &Path) -> Result<(), DataDirError> {
    // Learners' records lie in it: nobody else need look.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| io_error("create the data directory", path, source))
}

fn check_version(path: &Path) -> Result<Found, DataDirError> {
    let text = match fs::read(path.join(VERSION)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return check_empty(path),
        Err(error) => return Err(io_error("read the version file of", path, error)),
    };
    let version = text
        .trim_end()
        .strip_prefix(VERSION_WORD)
        .and_then(|rest| rest.strip_prefix(' '))
        .and_then(|number| number.parse::<u32>().ok());
    match version {
        Some(CURRENT) => Ok(Found::Current),
        Some(found) if found > CURRENT => Err(DataDirError::Newer { path: path.to_owned(), found }),
        Some(_) | None => Err(DataDirError::Unknown {
            path: path.to_owned(),
            found: text.trim_end().chars().take(80).collect(),
        }),
    }
}

/// Without a version file, only what a first start left behind when it was killed may lie there.
fn check_empty(path: &Path) -> Result<Found, DataDirError> {
    let refused = |source| io_error("list the data directory", path, source);
    for entry in fs::read_dir(path).map_err(refused)? {
        let name = entry.map_err(refused)?.file_name();
        if name != LOCK && name != VERSION_UNFINISHED {
            let entry = name.to_string_lossy().into_owned();
            return Err(DataDirError::Foreign { path: path.to_owned(), entry });
        }
    }
    Ok(Found::Nothing)
}

fn lock(path: &Path) -> Result<File, DataDirError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join(LOCK))
        .map_err(|source| io_error("open the lock file in", path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(DataDirError::Held { path: path.to_owned(), holder: read_holder(&mut file) })
        }
        Err(TryLockError::Error(source)) => Err(io_error("lock", path, source)),
    }
}

fn read_holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim_end().strip_prefix("pid ")?.parse().ok()
}

fn name_holder(mut file: &File) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(format!("pid {}\n", std::process::id()).as_bytes())
}

/// Whole or not at all, also when the power fails.
fn write_version(path: &Path) -> io::Result<()> {
    let unfinished = path.join(VERSION_UNFINISHED);
    let mut file = File::create(&unfinished)?;
    file.write_all(format!("{VERSION_WORD} {CURRENT}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path.join(VERSION))?;
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests;
