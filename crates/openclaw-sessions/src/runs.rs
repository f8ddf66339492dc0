//! Runs at work, and those who wait for the end of one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openclaw_core::{RunId, RunStatus, SessionId, SessionKey, StopReason, Timestamp, Usage};
use openclaw_storage::StorageError;
use openclaw_storage::rows::{CallerCall, InboxRow, StoredError};
use tokio::sync::oneshot;

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// The run.
    pub run_id: RunId,
    /// How.
    pub status: RunStatus,
    /// The run that took it, for `Merged`; what follows is then that run's.
    pub merged_into: Option<RunId>,
    /// The answer, or the partial text.
    pub reply: Option<String>,
    /// Tokens used.
    pub usage: Option<Usage>,
    /// Why it failed.
    pub error: Option<StoredError>,
    /// For an answered run: whether the answer went to the outbox.
    pub delivered: Option<bool>,
    /// Why the model stopped; known only to those who waited while it ran.
    pub stop_reason: Option<StopReason>,
    /// Calls for the run's caller; known only to those who waited while it ran.
    pub calls: Vec<CallerCall>,
}

impl RunEnd {
    /// What a row that has ended says of its run.
    pub(crate) fn of(row: &InboxRow) -> Self {
        Self {
            run_id: row.run_id.clone(),
            status: row.status,
            merged_into: row.merged_into.clone(),
            reply: row.reply.clone(),
            usage: row.usage,
            error: row.error.clone(),
            delivered: row.delivered,
            stop_reason: None,
            calls: Vec::new(),
        }
    }

    /// The end of a run that this one's run took.
    pub(crate) fn of_merged(&self, run_id: RunId) -> Self {
        Self {
            run_id,
            status: RunStatus::Merged,
            merged_into: Some(self.run_id.clone()),
            ..self.clone()
        }
    }
}

/// A run at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveRun {
    /// The run.
    pub run_id: RunId,
    /// The key of its session.
    pub session_key: SessionKey,
    /// Its session.
    pub session_id: SessionId,
    /// When this attempt began.
    pub started_at: Timestamp,
    /// 1, more after interruptions.
    pub attempt: u32,
}

/// Why the end of a run was not seen.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// There is no such run.
    #[error("no run {0}")]
    Unknown(RunId),
    /// It did not end in the time allowed.
    #[error("run {0} has not ended yet")]
    TimedOut(RunId),
    /// The gateway stops; the run goes on after the next start.
    #[error("the gateway is stopping")]
    Stopping,
    /// The store failed.
    #[error("the run cannot be read")]
    Storage(#[source] StorageError),
}

/// Waits for the end of one run; got before the run is accepted, it misses nothing.
#[derive(Debug)]
pub struct RunWatch {
    run_id: RunId,
    receiver: oneshot::Receiver<RunEnd>,
    runs: Arc<Runs>,
}

impl RunWatch {
    /// Waits for the end. Cancel-safe; not to be called again once it gave one.
    ///
    /// # Errors
    /// [`WaitError::Stopping`].
    pub async fn end(&mut self) -> Result<RunEnd, WaitError> {
        (&mut self.receiver).await.map_err(|_| WaitError::Stopping)
    }

    /// Waits for the end, at most this long.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] and [`WaitError::Stopping`].
    pub async fn ended(mut self, limit: Duration) -> Result<RunEnd, WaitError> {
        match tokio::time::timeout(limit, &mut self.receiver).await {
            Ok(Ok(end)) => Ok(end),
            Ok(Err(_)) => Err(WaitError::Stopping),
            Err(_) => Err(WaitError::TimedOut(self.run_id.clone())),
        }
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        self.receiver.close();
        self.runs.forget_closed(&self.run_id);
    }
}

/// The runs of all lanes. Holds one entry per caller that waits and one per turn at work.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    watchers: BTreeMap<RunId, Vec<Watcher>>,
    active: BTreeMap<SessionKey, ActiveRun>,
    closed: bool,
}

#[derive(Debug)]
struct Watcher {
    /// The run it was asked for, where another one took that.
    asked_for: Option<RunId>,
    sender: oneshot::Sender<RunEnd>,
}

impl Runs {
    pub(crate) fn watch(self: &Arc<Self>, run: &RunId) -> RunWatch {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        if !state.closed {
            let watcher = Watcher { asked_for: None, sender };
            state.watchers.entry(run.clone()).or_default().push(watcher);
        }
        RunWatch { run_id: run.clone(), receiver, runs: Arc::clone(self) }
    }

    pub(crate) fn began(&self, run: ActiveRun) {
        self.lock().active.insert(run.session_key.clone(), run);
    }

    /// No turn works for this key any more.
    pub(crate) fn left(&self, key: &SessionKey) {
        self.lock().active.remove(key);
    }

    /// Those who wait for `run` wait for `into`.
    pub(crate) fn merged(&self, run: &RunId, into: &RunId) {
        let mut state = self.lock();
        let Some(watchers) = state.watchers.remove(run) else { return };
        let moved = watchers.into_iter().map(|watcher| Watcher {
            asked_for: watcher.asked_for.or_else(|| Some(run.clone())),
            sender: watcher.sender,
        });
        state.watchers.entry(into.clone()).or_default().extend(moved);
    }

    pub(crate) fn ended(&self, end: &RunEnd) {
        let watchers = self.lock().watchers.remove(&end.run_id).unwrap_or_default();
        for watcher in watchers {
            let end = match watcher.asked_for {
                Some(run) => end.of_merged(run),
                None => end.clone(),
            };
            if watcher.sender.send(end).is_err() {
                tracing::trace!("nobody waits for the run any more");
            }
        }
    }

    pub(crate) fn active(&self) -> Vec<ActiveRun> {
        self.lock().active.values().cloned().collect()
    }

    /// Tells all who wait that the gateway stops.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.watchers.clear();
    }

    fn forget_closed(&self, run: &RunId) {
        let mut state = self.lock();
        if let Some(watchers) = state.watchers.get_mut(run) {
            watchers.retain(|watcher| !watcher.sender.is_closed());
            if watchers.is_empty() {
                state.watchers.remove(run);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
