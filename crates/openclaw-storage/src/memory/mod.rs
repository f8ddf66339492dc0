//! The engine that keeps everything in memory: for tests, simulations and gateways without a disk.
//!
//! It has no time, no randomness and no order of its own: the clock is given, tables are ordered. A
//! simulator takes [`MemoryStorage::snapshot`]s, starts anew from one, and decides by a
//! [`CommitHook`] which commits fail and which answers are lost.

mod apply;
mod jobs;
mod log;
mod people;
mod queues;
mod reads;
mod searchable;
mod state;
mod table;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use openclaw_core::Clock;
use tokio::sync::mpsc;

use self::apply::Effects;
use self::state::State;
use crate::{Applied, ApplyError, Batch, CommitObserver, Storage, StorageError, StorageHealth};

/// Decides over each commit: the place where a simulator cuts the log.
///
/// Called under the store's lock: it must not block or call the store.
pub trait CommitHook: Send + Sync + std::fmt::Debug {
    /// The batch passed all its checks. An error refuses it: nothing is written, and the caller gets
    /// the error.
    ///
    /// # Errors
    /// To fail before the commit.
    fn before_commit(&self, batch: &Batch) -> Result<(), StorageError>;

    /// The batch was committed, and neither the observer nor the caller has heard of it. An error
    /// loses the answer: the observer is not told, and the caller gets the error, which should be
    /// [`StorageError::Lost`].
    ///
    /// # Errors
    /// To lose the answer.
    fn after_commit(&self, batch: &Batch) -> Result<(), StorageError>;
}

/// A hook that lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
struct NoHook;

impl CommitHook for NoHook {
    fn before_commit(&self, _: &Batch) -> Result<(), StorageError> {
        Ok(())
    }

    fn after_commit(&self, _: &Batch) -> Result<(), StorageError> {
        Ok(())
    }
}

/// All that was committed up to one moment. Taking and keeping one is cheap: rows are shared.
#[derive(Debug, Clone, Default)]
pub struct MemorySnapshot(State);

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStorage {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn CommitObserver>,
    hook: Arc<dyn CommitHook>,
    is_shared: bool,
    closed: AtomicBool,
    transcript_rows: AtomicU64,
}

impl MemoryStorage {
    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>, observer: Arc<dyn CommitObserver>) -> Self {
        Self::from_snapshot(MemorySnapshot::default(), clock, observer)
    }

    /// A store that begins with what a snapshot holds: a restart after a crash.
    pub fn from_snapshot(
        snapshot: MemorySnapshot,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn CommitObserver>,
    ) -> Self {
        Self {
            state: Mutex::new(snapshot.0),
            clock,
            observer,
            hook: Arc::new(NoHook),
            is_shared: false,
            closed: AtomicBool::new(false),
            transcript_rows: AtomicU64::new(0),
        }
    }

    /// Asks this hook about every commit.
    #[must_use]
    pub fn with_hook(mut self, hook: Arc<dyn CommitHook>) -> Self {
        self.hook = hook;
        self
    }

    /// The same for several gateways, which must be in one process.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// What is committed at present.
    pub fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot(self.lock().clone())
    }

    /// How many entries of transcripts were given out: what tells whether a turn's cost grows.
    pub fn transcript_rows_read(&self) -> u64 {
        self.transcript_rows.load(Ordering::Relaxed)
    }

    fn count_transcript_rows(&self, rows: usize) {
        self.transcript_rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, StorageError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StorageError::Closed);
        }
        Ok(read(&self.lock()))
    }

    fn commit(&self, state: &mut State, batch: &Batch) -> Result<Applied, ApplyError> {
        let mut effects = Effects::new(self.clock.now());
        state.apply(batch, &mut effects)?;
        self.hook.before_commit(batch)?;
        state.commit();
        self.hook.after_commit(batch)?;
        self.observer.committed(effects.report.finish());
        Ok(effects.applied)
    }
}

fn not_kept() -> StorageError {
    StorageError::Other {
        doing: "copying it",
        source: "what is in memory is not kept beyond the process".into(),
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn apply(&self, batch: Batch) -> Result<Applied, ApplyError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StorageError::Closed.into());
        }
        if batch.is_empty() {
            return Ok(Applied::default());
        }
        let mut state = self.lock();
        // A panic of an earlier batch may have left changes that were never committed.
        state.roll_back();
        let result = self.commit(&mut state, &batch);
        state.roll_back();
        result
    }

    async fn health(&self) -> Result<StorageHealth, StorageError> {
        self.read(|_| StorageHealth {
            engine: "memory",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schema: 1,
            size_bytes: 0,
        })
    }

    async fn integrity(&self) -> Result<Vec<String>, StorageError> {
        self.read(|_| Vec::new())
    }

    async fn export(&self, _: mpsc::Sender<String>) -> Result<u64, StorageError> {
        Err(not_kept())
    }

    async fn back_up(&self, _: &Path) -> Result<(), StorageError> {
        Err(not_kept())
    }

    async fn stored_bytes(&self) -> Result<u64, StorageError> {
        self.read(|_| 0)
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }
}
