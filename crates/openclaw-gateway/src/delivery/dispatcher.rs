use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openclaw_config::Config;
use openclaw_core::{ChannelId, ChatAddress, Clock, IdGen, Rng};
use openclaw_storage::Storage;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::LiveSink;
use crate::channels::ChannelRegistry;

/// A conversation: what order is kept within.
pub(super) type ConversationKey = (ChannelId, ChatAddress);

/// Rows that another gateway or a crash left are found at least this often.
const SWEEP: Duration = Duration::from_secs(30);
/// The same where other gateways may add rows for channels that this one holds.
const SHARED_SWEEP: Duration = Duration::from_secs(2);

/// What delivery is made of.
#[derive(Debug)]
pub struct DeliveryDeps {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The channels.
    pub channels: Arc<ChannelRegistry>,
    /// Where live events go.
    pub live: Arc<dyn LiveSink>,
    /// The configuration.
    pub config: watch::Receiver<Arc<Config>>,
    /// Signalled after every commit that made an outbox row due.
    pub due: Arc<Notify>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdGen>,
    /// Randomness for jitter.
    pub rng: Arc<dyn Rng>,
    /// The gateway's id.
    pub owner: String,
}

/// Sends what is in the outbox.
#[derive(Debug)]
pub struct Delivery {
    pub(super) deps: DeliveryDeps,
    workers: Mutex<BTreeMap<ConversationKey, Arc<WorkerHandle>>>,
    /// Counts rows that moved on; previews and drains wait for it.
    pub(super) progress: watch::Sender<u64>,
    pub(super) tasks: TaskTracker,
    pub(super) cancel: CancellationToken,
}

/// How the dispatcher reaches a worker.
#[derive(Debug, Default)]
pub(super) struct WorkerHandle {
    /// Rows may have been added since the worker last looked.
    dirty: AtomicBool,
    pub(super) wake: Notify,
}

impl WorkerHandle {
    fn poke(&self) {
        self.dirty.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }
}

impl Delivery {
    /// Delivery that sends nothing until [`Self::start`].
    pub fn new(deps: DeliveryDeps) -> Arc<Self> {
        Arc::new(Self {
            deps,
            workers: Mutex::default(),
            progress: watch::Sender::new(0),
            tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
        })
    }

    /// Starts the dispatcher; what an earlier life left is sent first.
    pub fn start(self: &Arc<Self>) {
        self.tasks.spawn(self.clone().dispatch());
    }

    async fn dispatch(self: Arc<Self>) {
        let sweep = if self.deps.storage.is_shared() { SHARED_SWEEP } else { SWEEP };
        loop {
            match self.deps.storage.open_conversations().await {
                Ok(open) => open.into_iter().for_each(|key| self.ensure_worker(key)),
                Err(error) => tracing::warn!(%error, "cannot read the outbox, trying again"),
            }
            // Cancel-safe: a notification that came while the store was read is kept.
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return,
                () = self.deps.due.notified() => {}
                () = tokio::time::sleep(sweep) => {}
            }
        }
    }

    fn ensure_worker(self: &Arc<Self>, key: ConversationKey) {
        let mut workers = self.workers.lock().expect("no panic while the workers are held");
        if let Some(handle) = workers.get(&key) {
            handle.poke();
            return;
        }
        let handle = Arc::new(WorkerHandle::default());
        workers.insert(key.clone(), handle.clone());
        self.tasks.spawn(self.clone().work(key, handle));
    }

    /// Ends a worker that found no rows, unless rows were added meanwhile.
    pub(super) fn retire(&self, key: &ConversationKey, handle: &WorkerHandle) -> bool {
        let mut workers = self.workers.lock().expect("no panic while the workers are held");
        if handle.dirty.swap(false, Ordering::SeqCst) {
            return false;
        }
        workers.remove(key);
        drop(workers);
        self.progress.send_modify(|count| *count += 1);
        true
    }

    /// Waits until every row has ended, at most `limit`. Answers whether it came so far.
    pub async fn drain(&self, limit: Duration) -> bool {
        let mut progress = self.progress.subscribe();
        let drained = async {
            loop {
                match self.deps.storage.open_conversations().await {
                    Ok(open) if open.is_empty() => return,
                    Ok(_) => self.deps.due.notify_one(),
                    Err(error) => tracing::warn!(%error, "cannot read the outbox while draining"),
                }
                // The pause covers rows that wait for their next attempt.
                tokio::select! {
                    changed = progress.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                }
            }
        };
        tokio::time::timeout(limit, drained).await.is_ok()
    }

    /// Stops: what is being sent may end within `limit`, the rest stays in the outbox.
    pub async fn shutdown(&self, limit: Duration) {
        self.cancel.cancel();
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                left = self.tasks.len(),
                "sends in flight did not end in time; their outcome is looked into at the next start"
            );
        }
    }
}
