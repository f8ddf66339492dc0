use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use openclaw_core::IdGen;
use rustix::fs::{FlockOperation, flock};
use rustix::process::Pid;

/// Why the state folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works on it.
    #[error("{holder} holds the state folder {}", .folder.display())]
    Held {
        /// The folder.
        folder: PathBuf,
        /// Who holds it, such as `openclaw gateway run (process 4711)`.
        holder: String,
    },
    /// The disk failed.
    #[error("cannot {doing} {}", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
}

/// The lock on a state folder: one process at a time works on it. Freed when dropped, also by a crash.
#[derive(Debug)]
pub struct StateLock {
    file: File,
    path: PathBuf,
}

/// Begins the line of the lock's file that says where its holder listens.
const LISTENS: &str = "listens on ";

impl StateLock {
    /// Makes the folder where it is missing and takes its lock.
    ///
    /// # Errors
    /// [`LockError::Held`] with the holder when another process has it.
    pub fn take(folder: &Path, purpose: &str) -> Result<Self, LockError> {
        make_private_folder(folder)?;
        let path = folder.join("gateway.lock");
        let io = |doing| {
            let path = path.clone();
            move |source| LockError::Io { doing, path, source }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io("open"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                if file.read_to_string(&mut holder).is_err() || holder.trim().is_empty() {
                    holder = "another process".to_owned();
                }
                return Err(LockError::Held {
                    folder: folder.to_owned(),
                    holder: holder.lines().next().unwrap_or_default().to_owned(),
                });
            }
            Err(errno) => return Err(io("lock")(errno.into())),
        }
        let note = format!("{purpose} (process {})\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(note.as_bytes()))
            .map_err(io("write"))?;
        Ok(Self { file, path })
    }

    /// Says where the holder listens, for [`Self::listening`].
    ///
    /// # Errors
    /// [`LockError::Io`] when it cannot be written.
    pub fn listens(&self, address: SocketAddr) -> Result<(), LockError> {
        writeln!(&self.file, "{LISTENS}{address}").map_err(|source| LockError::Io {
            doing: "write",
            path: self.path.clone(),
            source,
        })
    }

    /// Where the process that holds this folder listens; `None` when none is known to, as after a
    /// crash.
    pub fn listening(folder: &Path) -> Option<SocketAddr> {
        let note = std::fs::read_to_string(folder.join("gateway.lock")).ok()?;
        let (holder, rest) = note.split_once('\n')?;
        let process = holder.rsplit_once("(process ")?.1.strip_suffix(')')?;
        rustix::process::test_kill_process(Pid::from_raw(process.parse().ok()?)?).ok()?;
        rest.lines().find_map(|line| line.strip_prefix(LISTENS))?.parse().ok()
    }
}

/// The id of the gateway that lives in this folder; made on the first call.
///
/// # Errors
/// When the file can neither be read nor made.
pub fn gateway_id(folder: &Path, ids: &dyn IdGen) -> Result<String, LockError> {
    let path = folder.join("gateway.id");
    let io = |doing| {
        let path = path.clone();
        move |source| LockError::Io { doing, path, source }
    };
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io("read")(error)),
    }
    let id = ids.new_id();
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(io("make"))?;
    file.write_all(format!("{id}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(io("write"))?;
    Ok(id)
}

fn make_private_folder(folder: &Path) -> Result<(), LockError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| LockError::Io { doing: "make", path: folder.to_owned(), source })
}
