use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// When it is on the disk: nothing acknowledged is lost when the power fails.
    #[default]
    Full,
    /// When it is with the operating system: the newest commits may be lost when the power fails,
    /// none when only the gateway dies.
    Normal,
    /// As `Normal`, and a power failure may damage the file: for tests.
    Off,
}

/// How a database file is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The file; it and its folder are made where they do not exist, for their owner alone.
    pub path: PathBuf,
    /// When a commit counts as done.
    pub synchronous: Synchronous,
    /// How long another process's lock is waited for.
    pub busy_timeout: Duration,
    /// How large the file may grow; beyond it writes answer [`crate::StorageError::Full`].
    pub max_size_bytes: Option<u64>,
}

impl SqliteOptions {
    /// The defaults: full synchronisation, 5 s for locks, no limit of size.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            synchronous: Synchronous::default(),
            busy_timeout: Duration::from_secs(5),
            max_size_bytes: None,
        }
    }

    /// The same with another synchronisation.
    #[must_use]
    pub fn with_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }
}

/// The pages of a new file.
pub(super) const PAGE_SIZE: u64 = 4096;

// The thread waits when more rows and ends of statements are there than this; see `Connection`.
const ITEMS_BUFFERED: usize = 256;

fn connection(options: &SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&options.path)
        .busy_timeout(options.busy_timeout)
        .pragma("mmap_size", "0")
        .row_buffer_size(ITEMS_BUFFERED)
        .disable_statement_logging()
}

/// The one connection that writes and checkpoints.
pub(super) fn writer(options: &SqliteOptions) -> SqliteConnectOptions {
    let synchronous = match options.synchronous {
        Synchronous::Full => SqliteSynchronous::Full,
        Synchronous::Normal => SqliteSynchronous::Normal,
        Synchronous::Off => SqliteSynchronous::Off,
    };
    connection(options)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .pragma("wal_autocheckpoint", "1000")
        .pragma("journal_size_limit", "67108864")
        .pragma("cache_size", "-1024")
        .statement_cache_capacity(STATEMENTS_KEPT)
        .thread_name(|_| "sqlite-writer".to_owned())
}

// A batch's shape is one script of about ten statements of 2 to 5 KiB each.
const STATEMENTS_KEPT: usize = 64;

/// A connection that only reads. A checkpoint by two connections at once is what the older releases
/// damage files with, so readers never make one.
pub(super) fn reader(options: &SqliteOptions) -> SqliteConnectOptions {
    connection(options)
        .read_only(true)
        .pragma("query_only", "ON")
        .pragma("wal_autocheckpoint", "0")
        .pragma("cache_size", "-512")
        .thread_name(|_| "sqlite-reader".to_owned())
}

/// Makes the folder and the file where they do not exist, readable for their owner alone.
pub(super) async fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = tokio::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(folder).await?;
    }
    let mut open = tokio::fs::OpenOptions::new();
    open.create(true).append(true);
    #[cfg(unix)]
    open.mode(0o600);
    let file = open.open(path).await?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).await?;
    }
    drop(file);
    Ok(())
}
