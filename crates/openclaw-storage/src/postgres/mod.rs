//! The engine that keeps everything on a PostgreSQL server, which several gateways may share.
//!
//! A batch is one transaction on a connection of the pool. Batches of one session follow one another
//! within this program, so that the observer hears of them in the order of their numbers; others
//! run side by side. `docs/storage.md` says why.

mod archive;
mod attempt;
mod codes;
mod open;
mod options;
mod order;
mod query;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::Clock;
use sqlx::PgPool;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::archive::restore;
use self::attempt::Attempts;
pub use self::options::{LeaseClock, PostgresOptions};
use self::order::Order;
use crate::{Applied, ApplyError, Batch, CommitObserver, Storage, StorageError, StorageHealth};

/// How long closing waits for what is under way.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// A store on a PostgreSQL server.
#[derive(Debug)]
pub struct PostgresStorage {
    place: String,
    pool: PgPool,
    options: PostgresOptions,
    attempts: Arc<Attempts>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl PostgresStorage {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// [`StorageError::Unreachable`] where no server answers, [`StorageError::Refused`] where it
    /// does not let us in, [`StorageError::TooOld`] for a release that lacks what is needed,
    /// [`StorageError::NewerSchema`] for tables of a later version.
    pub async fn open(
        options: PostgresOptions,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<Self, StorageError> {
        let place = options.place();
        open::prepare(&options, &place).await?;
        let pool = options.pool();
        let attempts = Arc::new(Attempts {
            place: place.clone(),
            pool: pool.clone(),
            clock,
            lease_clock: options.lease_clock,
            observer,
            order: Order::default(),
            writers: Semaphore::new(options.writers()),
        });
        Ok(Self {
            place,
            pool,
            options,
            attempts,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }
}

#[async_trait]
impl Storage for PostgresStorage {
    async fn apply(&self, batch: Batch) -> Result<Applied, ApplyError> {
        if self.closing.is_cancelled() {
            return Err(StorageError::Closed.into());
        }
        if batch.is_empty() {
            return Ok(Applied::default());
        }
        let attempts = Arc::clone(&self.attempts);
        // A task of its own: a caller that goes away must not cut a transaction in the middle, nor
        // keep the observer from hearing of it.
        let work = self.tasks.spawn(async move { attempts.apply(&batch).await });
        work.await.map_err(|gone| StorageError::Lost(gone.into()))?
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
        true
    }

    async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(CLOSE_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!(place = self.place, "writes were still under way at the close");
        }
        if tokio::time::timeout(CLOSE_TIMEOUT, self.pool.close()).await.is_err() {
            tracing::warn!(place = self.place, "the connections did not close in time");
        }
    }
}
