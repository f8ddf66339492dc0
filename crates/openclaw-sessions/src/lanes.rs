use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openclaw_config::Config;
use openclaw_core::{Clock, IdGen, RunId, SessionKey};
use openclaw_storage::rows::InputState;
use openclaw_storage::{Storage, StorageError};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::children;
use crate::lane::Lane;
use crate::lease;
use crate::limits::LaneLimits;
use crate::mailbox::{Mailbox, Wake};
use crate::ports::{TurnDelivery, TurnRunner};
use crate::runs::{ActiveRun, RunEnd, RunWatch, Runs, WaitError};
use crate::stop::{self, StopTarget};

/// What lanes work with.
#[derive(Debug, Clone)]
pub struct LaneDeps {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// Runs turns.
    pub runner: Arc<dyn TurnRunner>,
    /// Brings their text to its readers.
    pub delivery: Arc<dyn TurnDelivery>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdGen>,
    /// The configuration; each turn keeps the one it began with.
    pub config: watch::Receiver<Arc<Config>>,
    /// This gateway's id, which holds the leases.
    pub owner: String,
    /// Limits.
    pub limits: LaneLimits,
}

/// All lanes of one gateway: one task per session key that has inputs, ended when it is idle.
///
/// A handle: clones are the same lanes.
#[derive(Debug, Clone)]
pub struct Lanes {
    shared: Arc<Shared>,
}

impl Lanes {
    /// Lanes without work. Must be called within a Tokio runtime.
    pub fn new(deps: LaneDeps) -> Self {
        let shared = Arc::new(Shared {
            permits: Arc::new(Semaphore::new(deps.limits.concurrent_turns)),
            deps,
            lanes: Mutex::default(),
            runs: Arc::default(),
            closing: CancellationToken::new(),
            parking: CancellationToken::new(),
            renewal_end: CancellationToken::new(),
            tasks: TaskTracker::new(),
            renewal: TaskTracker::new(),
        });
        shared.renewal.spawn(lease::renew(Arc::clone(&shared)));
        if shared.deps.storage.is_shared() {
            shared.renewal.spawn(lease::look_around(Arc::clone(&shared)));
        }
        Self { shared }
    }

    /// Wakes the lane of a key; starts it where none lives and there may be work.
    ///
    /// Never waits, never fails, loses nothing: like wakes become one. While the gateway stops,
    /// inputs stay stored for the next start.
    pub fn wake(&self, key: &SessionKey, wake: Wake) {
        self.shared.wake(key, wake);
    }

    /// Wakes a lane for every key that has inputs which have not ended, in the order in which the
    /// first of them were accepted. Asked for at start; again at any time it changes nothing.
    /// Answers how many keys.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover(&self) -> Result<usize, StorageError> {
        let keys = self.shared.deps.storage.keys_with_open_inputs().await?;
        for key in &keys {
            self.wake(key, Wake::Input);
        }
        Ok(keys.len())
    }

    /// Stops runs: one, or all of a session key. What waits ends at once, what is at work is
    /// cancelled and keeps its partial text. Answers how many were stopped.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stop(&self, target: StopTarget<'_>) -> Result<usize, StorageError> {
        stop::stop(&self.shared, target).await
    }

    /// Stops what the subagents of a session do, and those of theirs. Answers how many runs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stop_subagents(&self, parent: &SessionKey) -> Result<usize, StorageError> {
        children::stop_all(&self.shared, parent).await
    }

    /// The subagents that work or wait, each with the session that began it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn subagents(&self) -> Result<Vec<(SessionKey, SessionKey)>, StorageError> {
        children::at_work(self.shared.deps.storage.as_ref()).await
    }

    /// The runs at work, by session key.
    pub fn active_runs(&self) -> Vec<ActiveRun> {
        self.shared.runs.active()
    }

    /// Watches a run that is yet to be accepted.
    pub fn watch_run(&self, run: &RunId) -> RunWatch {
        self.shared.runs.watch(run)
    }

    /// Waits for the end of an accepted run, at most this long; at once where it has ended. For a
    /// run that another one took, waits for that one's end.
    ///
    /// # Errors
    /// As [`WaitError`] says.
    pub async fn wait_for_run(&self, run: &RunId, limit: Duration) -> Result<RunEnd, WaitError> {
        let watch = self.watch_run(run);
        let read = async |run: &RunId| {
            let row = self.shared.deps.storage.input_by_run(run).await;
            row.map_err(WaitError::Storage)?.ok_or_else(|| WaitError::Unknown(run.clone()))
        };
        let row = read(run).await?;
        let Some(taker) = &row.merged_into else {
            return if row.state.is_final() {
                Ok(RunEnd::of(&row))
            } else {
                watch.ended(limit).await
            };
        };
        let taker_watch = self.watch_run(taker);
        let taker_row = read(taker).await?;
        let end = if taker_row.state.is_final() {
            RunEnd::of(&taker_row)
        } else {
            taker_watch.ended(limit).await?
        };
        Ok(end.of_merged(run.clone()))
    }

    /// Ends all lanes: no new turns; those at work get until `limit` to end, then they are cancelled
    /// and left as they are, to go on after the next start.
    pub async fn shutdown(&self, limit: Duration) {
        let shared = &self.shared;
        shared.closing.cancel();
        shared.tasks.close();
        if tokio::time::timeout(limit, shared.tasks.wait()).await.is_err() {
            shared.parking.cancel();
            // Longer than a cancelled turn may take.
            let rest = Duration::from_secs(5);
            if tokio::time::timeout(rest, shared.tasks.wait()).await.is_err() {
                tracing::warn!(lanes = shared.tasks.len(), "lanes did not end in time");
            }
        }
        shared.runs.close();
        shared.renewal_end.cancel();
        shared.renewal.close();
        shared.renewal.wait().await;
    }

    /// How many lanes live.
    pub fn live(&self) -> usize {
        self.shared.lanes().len()
    }
}

/// What all lanes share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) deps: LaneDeps,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) runs: Arc<Runs>,
    /// No new turns.
    pub(crate) closing: CancellationToken,
    /// Turns at work are left as they are.
    pub(crate) parking: CancellationToken,
    pub(crate) renewal_end: CancellationToken,
    lanes: Mutex<BTreeMap<SessionKey, Arc<Mailbox>>>,
    tasks: TaskTracker,
    renewal: TaskTracker,
}

impl Shared {
    pub(crate) fn wake(self: &Arc<Self>, key: &SessionKey, wake: Wake) {
        if self.closing.is_cancelled() {
            return;
        }
        let mut lanes = self.lanes();
        match lanes.entry(key.clone()) {
            Entry::Occupied(lane) => lane.get().post(wake),
            Entry::Vacant(place) => {
                if wake == Wake::Reset {
                    return;
                }
                let mailbox = Arc::new(Mailbox::default());
                mailbox.post(wake);
                place.insert(Arc::clone(&mailbox));
                let lane = Lane::new(Arc::clone(self), key.clone(), Arc::clone(&mailbox));
                let entry = LaneEntry { shared: Arc::clone(self), key: key.clone(), mailbox };
                let span = tracing::info_span!("lane", session_key = %key);
                self.tasks.spawn(
                    async move {
                        let _entry = entry;
                        lane.live().await;
                    }
                    .instrument(span),
                );
            }
        }
    }

    /// Forgets a lane that is about to end, unless it has mail: then it must go on.
    pub(crate) fn retire(&self, key: &SessionKey, mailbox: &Arc<Mailbox>) -> bool {
        let mut lanes = self.lanes();
        // Mail is posted under the same lock, so none can come between the look and the removal.
        let retires = mailbox.is_empty();
        if retires {
            lanes.remove(key);
        }
        retires
    }

    pub(crate) fn has_lanes(&self) -> bool {
        !self.lanes().is_empty()
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<SessionKey, Arc<Mailbox>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the lane out of the table however its task ends, a panic included.
struct LaneEntry {
    shared: Arc<Shared>,
    key: SessionKey,
    mailbox: Arc<Mailbox>,
}

impl Drop for LaneEntry {
    fn drop(&mut self) {
        let mut lanes = self.shared.lanes();
        if lanes.get(&self.key).is_some_and(|mailbox| Arc::ptr_eq(mailbox, &self.mailbox)) {
            lanes.remove(&self.key);
        }
        drop(lanes);
        self.shared.runs.left(&self.key);
    }
}

/// States in which an input has not ended.
pub(crate) fn open_states() -> Vec<InputState> {
    vec![InputState::Waiting, InputState::Running]
}
