//! The engine that keeps everything in one SQLite file.
//!
//! One task with one connection writes; what waits shares a commit. A few other connections read.
//! A batch is one script, one trip to the connection's thread. `docs/storage.md` says why.

mod archive;
mod attempt;
mod codes;
mod connection;
mod indexer;
mod open;
mod options;
mod outcome;
mod plan;
mod query;
mod read;
mod readers;
mod script;
mod tally;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::Clock;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::archive::{Repaired, repair, restore, verify};
pub use self::options::{SqliteOptions, Synchronous};
use self::readers::Readers;
use self::writer::{Apply, Job, QUEUE_SIZE, Shared, Writer};
use crate::sql::{argument, conflicts, decode};
use crate::{Applied, ApplyError, Batch, CommitObserver, Storage, StorageError, StorageHealth};

/// How long a batch waits for a place in the writer's queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long closing waits for what is in the writer's queue.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Two readers are as fast as eight where two cores are; each more costs half a megabyte.
const READERS: u32 = 2;

/// A store in an SQLite file.
#[derive(Debug)]
pub struct SqliteStorage {
    place: String,
    clock: Arc<dyn Clock>,
    options: SqliteOptions,
    queue: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    readers: Readers,
    /// For what may scan: searches and checks.
    slow_readers: Readers,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl SqliteStorage {
    /// Opens the file, which is made where it does not exist, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] for a file that is no database, [`StorageError::NewerSchema`] for
    /// one of a later version, [`StorageError::Busy`] while another process holds it.
    pub async fn open(
        options: SqliteOptions,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<Self, StorageError> {
        let place = options.path.display().to_string();
        archive::refuse_half_restored(&options.path).await?;
        let (connection, backlog) = open::open(&options, &place).await?;
        let shared = Arc::new(Shared::new(backlog, options.max_size_bytes));
        let reader = options::reader(&options);
        let kept = options.clone();
        let (queue, jobs) = mpsc::channel(QUEUE_SIZE);
        let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
        let writer = Writer::new(
            options,
            place.clone(),
            clock.clone(),
            observer,
            (connection, Arc::clone(&shared)),
        );
        tasks.spawn(writer.run(jobs, closing.clone()));
        tasks.close();
        Ok(Self {
            readers: Readers::new(reader.clone(), place.clone(), READERS),
            slow_readers: Readers::new(reader, place.clone(), 1),
            place,
            clock,
            options: kept,
            queue,
            shared,
            closing,
            tasks,
        })
    }

    /// Changes how large the file may grow, from the next batch on; `None` is no limit.
    pub fn set_max_size(&self, max_size_bytes: Option<u64>) {
        self.shared.set_max_size(max_size_bytes);
    }

    /// Waits until the words of every message that was stored before are indexed.
    async fn catch_up_index(&self) -> Result<(), StorageError> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Index { answer }).await?;
        answered.await.map_err(|gone| StorageError::Lost(gone.into()))?
    }

    async fn enqueue(&self, job: Job) -> Result<(), StorageError> {
        match self.queue.try_send(job) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(StorageError::Closed),
            Err(mpsc::error::TrySendError::Full(job)) => {
                tokio::time::timeout(QUEUE_TIMEOUT, self.queue.send(job))
                    .await
                    .map_err(|elapsed| StorageError::Busy(elapsed.into()))?
                    .map_err(|_| StorageError::Closed)
            }
        }
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn apply(&self, batch: Batch) -> Result<Applied, ApplyError> {
        if batch.is_empty() {
            return if self.closing.is_cancelled() {
                Err(StorageError::Closed.into())
            } else {
                Ok(Applied::default())
            };
        }
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Apply(Apply { batch, answer })).await?;
        // The writer answers each job it takes; without an answer it is gone, and only the file
        // knows how far it came.
        answered.await.map_err(|gone| StorageError::Lost(gone.into()))?
    }

    async fn health(&self) -> Result<StorageHealth, StorageError> {
        self.read_health().await
    }

    async fn integrity(&self) -> Result<Vec<String>, StorageError> {
        self.read_integrity().await
    }

    async fn export(&self, lines: mpsc::Sender<String>) -> Result<u64, StorageError> {
        self.write_archive(lines).await
    }

    async fn back_up(&self, file: &Path) -> Result<(), StorageError> {
        self.write_backup(file).await
    }

    async fn stored_bytes(&self) -> Result<u64, StorageError> {
        self.read_stored_bytes().await
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn close(&self) {
        self.closing.cancel();
        if tokio::time::timeout(CLOSE_TIMEOUT, self.readers.close()).await.is_err() {
            tracing::warn!(place = self.place, "the readers did not close in time");
        }
        if tokio::time::timeout(CLOSE_TIMEOUT, self.slow_readers.close()).await.is_err() {
            tracing::warn!(place = self.place, "the search reader did not close in time");
        }
        if tokio::time::timeout(CLOSE_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!(place = self.place, "the writer did not end in time");
        }
    }
}
