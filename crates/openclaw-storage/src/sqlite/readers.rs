use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::codes::storage_error;
use super::connection::Connection;
use crate::StorageError;

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A few connections that read, opened when first needed.
///
/// Not `sqlx::Pool`: that sends a ping and spawns a task each time a connection is given back,
/// which costs as much as the query between.
#[derive(Debug)]
pub(super) struct Readers {
    options: SqliteConnectOptions,
    place: String,
    size: u32,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions, place: String, size: u32) -> Self {
        Self {
            options,
            place,
            size,
            permits: Semaphore::new(size as usize),
            idle: Mutex::new(Vec::with_capacity(size as usize)),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a connection that nobody reads on.
    pub(super) async fn acquire(&self) -> Result<Reader<'_>, StorageError> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(ACQUIRE_TIMEOUT, self.permits.acquire())
                .await
                .map_err(|elapsed| StorageError::Busy(elapsed.into()))?
                .map_err(|_| StorageError::Closed)?,
        };
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(self.options.clone()).await.map_err(|error| {
                storage_error(&self.place, "opening a connection that reads", error)
            })?,
        };
        Ok(Reader { connection: Some(connection), readers: self, _permit: permit })
    }

    /// Waits for the reads under way, then closes all connections.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(self.size);
        let waited = tokio::time::timeout(ACQUIRE_TIMEOUT, all).await;
        if waited.is_err() {
            tracing::warn!("reads were still under way when the database was closed");
        }
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection that read did not close cleanly");
            }
        }
    }
}

/// A connection to read on; given back when dropped.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    connection: Option<Connection>,
    readers: &'a Readers,
    _permit: SemaphorePermit<'a>,
}

impl Reader<'_> {
    pub(super) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a reader has its connection until it is dropped")
    }

    /// Closes the connection instead of giving it back.
    pub(super) fn discard(mut self) {
        self.connection = None;
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.readers.permits.is_closed()
        {
            self.readers.idle().push(connection);
        }
    }
}
