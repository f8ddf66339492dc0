//! Applies one batch, as often as that makes sense.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{Clock, Timestamp};
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgPool, Postgres};
use tokio::sync::Semaphore;

use super::codes::{is_certain_at_commit, is_worth_another_try, storage_error};
use super::options::LeaseClock;
use super::order::Order;
use super::write::{Done, Stopped, Writing};
use crate::{Applied, ApplyError, Batch, CommitObserver, Conflict, StorageError};

/// How often a batch is tried where others are in the way or the connection breaks.
const TRIES: u32 = 6;
/// The pause before the second try; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// How long a batch waits until one of the connections that write is free.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);
/// The server ends a statement after 30 s; a connection that says nothing for so long is dead.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// What applying batches needs.
#[derive(Debug)]
pub(super) struct Attempts {
    pub(super) place: String,
    pub(super) pool: PgPool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lease_clock: LeaseClock,
    pub(super) observer: Arc<dyn CommitObserver>,
    pub(super) order: Order,
    pub(super) writers: Semaphore,
}

/// Why one try did not commit.
enum Failed {
    Refused(Conflict),
    /// Nothing was written.
    Before(sqlx::Error),
    /// It may have been committed.
    AtCommit(sqlx::Error),
    /// No connection was to be had.
    Unconnected(StorageError),
}

impl From<Stopped> for Failed {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Refused(conflict) => Self::Refused(conflict),
            Stopped::Broken(error) => Self::Before(error),
        }
    }
}

fn silent(elapsed: tokio::time::error::Elapsed) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed))
}

/// A free connection, or why there is none.
pub(super) async fn acquire(
    pool: &PgPool,
    place: &str,
) -> Result<PoolConnection<Postgres>, StorageError> {
    pool.acquire().await.map_err(|error| {
        // The pool keeps trying to connect, and does not say why it could not.
        let lacks_some = pool.size() < pool.options().get_max_connections();
        if matches!(error, sqlx::Error::PoolTimedOut) && lacks_some {
            return StorageError::Unreachable { place: place.to_owned(), source: error.into() };
        }
        storage_error(place, "connecting", error)
    })
}

impl Attempts {
    pub(super) async fn apply(&self, batch: &Batch) -> Result<Applied, ApplyError> {
        let waiting = async {
            let turn = self.order.turn(batch).await;
            (turn, self.writers.acquire().await)
        };
        let (_turn, permit) = tokio::time::timeout(QUEUE_TIMEOUT, waiting)
            .await
            .map_err(|elapsed| StorageError::Busy(elapsed.into()))?;
        let _permit = permit.map_err(|_| StorageError::Closed)?;
        let mut pause = FIRST_PAUSE;
        for tried in 1.. {
            let error = match self.try_once(batch).await {
                Ok(done) => {
                    self.observer.committed(done.committed);
                    return Ok(done.applied);
                }
                Err(Failed::Refused(conflict)) => return Err(conflict.into()),
                Err(Failed::Unconnected(error)) => return Err(error.into()),
                Err(Failed::AtCommit(error)) if !is_certain_at_commit(&error) => {
                    return Err(StorageError::Lost(error.into()).into());
                }
                Err(Failed::AtCommit(error) | Failed::Before(error)) => error,
            };
            if tried >= TRIES || !is_worth_another_try(&error) {
                return Err(storage_error(&self.place, "writing", error).into());
            }
            tracing::debug!(%error, place = self.place, tried, "a batch is tried again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        unreachable!("the tries end within the loop")
    }

    /// The moment leases go by; `None` is the server's clock.
    pub(super) fn lease_now(&self) -> Option<Timestamp> {
        match self.lease_clock {
            LeaseClock::Server => None,
            LeaseClock::Given => Some(self.clock.now()),
        }
    }

    async fn try_once(&self, batch: &Batch) -> Result<Done, Failed> {
        let mut connection = acquire(&self.pool, &self.place).await.map_err(Failed::Unconnected)?;
        let tried = self.transact(&mut connection, batch).await;
        if let Err(Failed::Before(_) | Failed::AtCommit(_)) = &tried {
            // Whatever the connection still believes of its transaction ends with it.
            connection.close_on_drop();
        }
        tried
    }

    async fn transact(
        &self,
        connection: &mut PoolConnection<Postgres>,
        batch: &Batch,
    ) -> Result<Done, Failed> {
        let (now, lease_now) = (self.clock.now(), self.lease_now());
        let began = tokio::time::timeout(ANSWER_TIMEOUT, connection.begin()).await;
        let mut transaction = began.map_err(silent).flatten().map_err(Failed::Before)?;
        let writing = Writing::new(&mut transaction, now, lease_now);
        let wrote = tokio::time::timeout(ANSWER_TIMEOUT, writing.all(batch)).await;
        let done = wrote.map_err(|elapsed| Failed::Before(silent(elapsed)))?;
        match done {
            Ok(done) => {
                let committed = tokio::time::timeout(ANSWER_TIMEOUT, transaction.commit()).await;
                committed.map_err(silent).flatten().map_err(Failed::AtCommit)?;
                Ok(done)
            }
            Err(Stopped::Refused(conflict)) => {
                let undone = tokio::time::timeout(ANSWER_TIMEOUT, transaction.rollback()).await;
                if let Err(error) = undone.map_err(silent).flatten() {
                    tracing::debug!(%error, "a refused batch's connection is closed");
                }
                Err(Failed::Refused(conflict))
            }
            Err(stopped) => Err(stopped.into()),
        }
    }
}
