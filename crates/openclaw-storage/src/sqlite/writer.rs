use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_core::Clock;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Scope, Unapplied};
use super::codes::storage_error;
use super::connection::Connection;
use super::options::{self, PAGE_SIZE, SqliteOptions};
use super::outcome::Done;
use super::{indexer, tally};
use crate::rows::Backlog;
use crate::{Applied, ApplyError, Batch, CommitObserver, StorageError};

/// At most this many batches share a commit.
const GROUP_SIZE: usize = 64;
/// A group that has worked for so long commits what it has.
const GROUP_TIME: Duration = Duration::from_millis(2);
/// Four full groups: beyond it callers wait, and ingress answers that it is busy.
pub(super) const QUEUE_SIZE: usize = 4 * GROUP_SIZE;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Apply(Apply),
    /// To index what is not indexed yet.
    Index {
        answer: IndexAnswer,
    },
}

/// Where it is said that all is indexed.
type IndexAnswer = oneshot::Sender<Result<(), StorageError>>;

/// A batch and where its answer goes.
#[derive(Debug)]
pub(super) struct Apply {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<Applied, ApplyError>>,
}

/// What the writer and the store both look at.
#[derive(Debug)]
pub(super) struct Shared {
    backlog: Mutex<Backlog>,
    max_size_bytes: AtomicU64,
}

impl Shared {
    pub(super) fn new(backlog: Backlog, max_size_bytes: Option<u64>) -> Self {
        let shared = Self { backlog: Mutex::new(backlog), max_size_bytes: AtomicU64::new(0) };
        shared.set_max_size(max_size_bytes);
        shared
    }

    pub(super) fn backlog(&self) -> Backlog {
        *self.lock()
    }

    pub(super) fn set_max_size(&self, max_size_bytes: Option<u64>) {
        self.max_size_bytes.store(max_size_bytes.unwrap_or(u64::MAX), Ordering::Release);
    }

    fn max_pages(&self) -> u64 {
        // SQLite's own limit is the largest number of pages it accepts.
        (self.max_size_bytes.load(Ordering::Acquire) / PAGE_SIZE).clamp(1, 0xFFFF_FFFE)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one task that writes. It is never cancelled between begin and commit: its callers wait for
/// their answers on channels, and it ends when it is told to and its queue is empty.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) options: SqliteOptions,
    pub(super) place: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn CommitObserver>,
    pub(super) shared: Arc<Shared>,
    connection: Option<Connection>,
    max_pages: u64,
    /// Messages stored since the last look at the index, and at most these.
    unindexed: u64,
}

impl Writer {
    pub(super) fn new(
        options: SqliteOptions,
        place: String,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn CommitObserver>,
        (connection, shared): (Connection, Arc<Shared>),
    ) -> Self {
        let connection = Some(connection);
        Self { options, place, clock, observer, shared, connection, max_pages: 0, unindexed: 0 }
    }

    /// Serves the queue until `closing` is cancelled and the queue is empty.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>, closing: CancellationToken) {
        loop {
            // Both arms are safe to drop: a job stays in the queue until it is received.
            tokio::select! {
                biased;
                job = queue.recv() => match job {
                    Some(Job::Apply(job)) => self.serve(job, &mut queue).await,
                    Some(Job::Index { answer }) => self.index_all(answer, &mut queue).await,
                    None => break,
                },
                () = closing.cancelled(), if !queue.is_closed() => queue.close(),
            }
        }
        self.close().await;
    }

    async fn serve(&mut self, first: Apply, queue: &mut mpsc::Receiver<Job>) {
        if queue.is_empty() {
            self.apply_alone(first).await;
        } else {
            self.apply_group(first, queue).await;
        }
        if self.unindexed >= indexer::CHUNK && queue.is_empty() {
            self.unindexed = 0;
            if let Err(error) = self.index_chunk().await {
                tracing::warn!(%error, "messages could not be indexed; the next search does it");
            }
        }
    }

    /// Indexes what is not, and lets what waits go between two chunks.
    async fn index_all(&mut self, answer: IndexAnswer, queue: &mut mpsc::Receiver<Job>) {
        let mut answers = vec![answer];
        let indexed = loop {
            match self.index_chunk().await {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            for _ in 0..GROUP_SIZE {
                match queue.try_recv() {
                    Ok(Job::Apply(job)) => self.apply_alone(job).await,
                    Ok(Job::Index { answer }) => answers.push(answer),
                    Err(_) => break,
                }
            }
        };
        self.unindexed = 0;
        for answer in answers {
            tell(answer, indexed.as_ref().copied().map_err(StorageError::repeated));
        }
    }

    async fn index_chunk(&mut self) -> Result<bool, StorageError> {
        let indexed = match self.connection().await {
            Ok(connection) => indexer::index_chunk(connection).await,
            Err(error) => Err(error),
        };
        match indexed {
            Ok(more) => Ok(more),
            Err(error) => {
                self.drop_connection(&error).await;
                Err(storage_error(&self.place, "indexing", error))
            }
        }
    }

    /// The connection, opened anew where the last one broke.
    async fn connection(&mut self) -> Result<&mut Connection, sqlx::Error> {
        if self.connection.is_none() {
            self.connection = Some(Connection::open(options::writer(&self.options)).await?);
            self.max_pages = 0;
        }
        let max_pages = self.shared.max_pages();
        let connection = self.connection.as_mut().expect("the connection was opened a moment ago");
        if self.max_pages != max_pages {
            let pragma = format!("PRAGMA max_page_count = {max_pages}");
            connection.plain().execute(AssertSqlSafe(pragma)).await?;
            self.max_pages = max_pages;
        }
        Ok(connection)
    }

    async fn try_alone(&mut self, batch: &Batch) -> Result<Done, Unapplied> {
        let now = self.clock.now();
        let connection = self.connection().await?;
        attempt::apply(connection, batch, now, Scope::Transaction).await
    }

    async fn apply_alone(&mut self, job: Apply) {
        let result = match self.try_alone(&job.batch).await {
            Ok(done) => Ok(self.committed(done).await),
            Err(Unapplied::Refused(conflict)) => Err(conflict.into()),
            Err(Unapplied::Broken { error, is_uncertain }) => {
                self.drop_connection(&error).await;
                Err(self.engine_error(error, is_uncertain).into())
            }
        };
        answer(job, result);
    }

    /// Applies what waits in one transaction.
    async fn apply_group(&mut self, first: Apply, queue: &mut mpsc::Receiver<Job>) {
        let connection = match self.connection().await {
            Ok(connection) => connection,
            Err(error) => return self.refuse_all(vec![first], queue, error).await,
        };
        if let Err(error) = connection.execute("BEGIN IMMEDIATE").await {
            return self.refuse_all(vec![first], queue, error).await;
        }
        let began = Instant::now();
        let mut next = Some(first);
        let mut applied: Vec<(Apply, Done)> = Vec::new();
        let mut index = None;
        while let Some(job) = next {
            let now = self.clock.now();
            let connection =
                self.connection.as_mut().expect("a group keeps its connection until it breaks");
            match attempt::apply(connection, &job.batch, now, Scope::Savepoint).await {
                Ok(done) => applied.push((job, done)),
                Err(Unapplied::Refused(conflict)) => answer(job, Err(conflict.into())),
                Err(Unapplied::Broken { error, .. }) => {
                    self.drop_connection(&error).await;
                    let waiting = applied.into_iter().map(|(job, _)| job).chain([job]);
                    return self.retry_alone(waiting.collect()).await;
                }
            }
            let is_full = applied.len() >= GROUP_SIZE || began.elapsed() >= GROUP_TIME;
            let waiting = if is_full { None } else { queue.try_recv().ok() };
            next = match waiting {
                Some(Job::Apply(job)) => Some(job),
                Some(Job::Index { answer }) => {
                    index = Some(answer);
                    None
                }
                None => None,
            };
        }
        self.commit_group(applied).await;
        if let Some(answer) = index {
            self.index_all(answer, queue).await;
        }
    }

    async fn commit_group(&mut self, applied: Vec<(Apply, Done)>) {
        let connection =
            self.connection.as_mut().expect("a group keeps its connection until it breaks");
        if let Err(error) = connection.execute("COMMIT").await {
            self.drop_connection(&error).await;
            let jobs = applied.into_iter().map(|(job, _)| job).collect();
            if !super::codes::is_uncertain_at_commit(&error) {
                return self.retry_alone(jobs).await;
            }
            for job in jobs {
                answer(job, Err(StorageError::Lost(error.to_string().into()).into()));
            }
            return;
        }
        for (job, done) in applied {
            let applied = self.committed(done).await;
            answer(job, Ok(applied));
        }
    }

    /// What broke a group may be the fault of one of its batches: each gets its own try and answer.
    async fn retry_alone(&mut self, jobs: Vec<Apply>) {
        for job in jobs {
            self.apply_alone(job).await;
        }
    }

    /// Without a transaction nobody in the queue fares better, and each would wait as long.
    async fn refuse_all(
        &mut self,
        mut jobs: Vec<Apply>,
        queue: &mut mpsc::Receiver<Job>,
        error: sqlx::Error,
    ) {
        self.drop_connection(&error).await;
        let error = self.engine_error(error, false);
        while let Ok(job) = queue.try_recv() {
            match job {
                Job::Apply(job) => jobs.push(job),
                Job::Index { answer } => tell(answer, Err(error.repeated())),
            }
        }
        for job in jobs {
            answer(job, Err(error.repeated().into()));
        }
    }

    /// Tells the observer and counts, before the caller is answered.
    async fn committed(&mut self, done: Done) -> Applied {
        self.unindexed += done.applied.seqs.len() as u64;
        if done.tally.is_unknown {
            self.count_anew().await;
        } else {
            done.tally.apply_to(&mut self.shared.lock());
        }
        self.observer.committed(done.committed);
        done.applied
    }

    async fn count_anew(&mut self) {
        let counted = match self.connection().await {
            Ok(connection) => tally::counted(connection).await,
            Err(error) => Err(error),
        };
        match counted {
            Ok(backlog) => *self.shared.lock() = backlog,
            Err(error) => {
                tracing::warn!(%error, "the backlog could not be counted: status shows an older one");
            }
        }
    }

    fn engine_error(&self, error: sqlx::Error, is_uncertain: bool) -> StorageError {
        if is_uncertain {
            StorageError::Lost(error.into())
        } else {
            storage_error(&self.place, "writing", error)
        }
    }

    /// After an error the connection's transaction may be gone while it still believes in it, so
    /// that later statements would commit by themselves.
    async fn drop_connection(&mut self, error: &sqlx::Error) {
        tracing::warn!(%error, place = self.place, "a write failed; the database is opened anew");
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the failed connection did not close cleanly");
        }
    }

    async fn close(mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if let Err(error) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await {
            tracing::warn!(%error, "the last checkpoint failed; the next start makes it");
        }
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}

fn tell(answer: IndexAnswer, result: Result<(), StorageError>) {
    if answer.send(result).is_err() {
        tracing::debug!("nobody waits for the index any more");
    }
}

fn answer(job: Apply, result: Result<Applied, ApplyError>) {
    if job.answer.send(result).is_err() {
        tracing::debug!("nobody waits for the answer of a batch any more");
    }
}
