use std::sync::{Arc, OnceLock};

use openclaw_storage::{CommitObserver, Committed};
use tokio::sync::Notify;

use crate::observe::Metrics;

/// Tells of every commit: clients through the hub, delivery through its signal.
#[derive(Debug, Default)]
pub struct CommitFan {
    /// The store is opened before the hub, which reads from it, can be made.
    clients: OnceLock<Arc<dyn CommitObserver>>,
    due: Arc<Notify>,
    metrics: Arc<Metrics>,
}

impl CommitFan {
    /// A fan without clients yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects the clients; commits before are theirs by replay.
    pub fn attach(&self, clients: Arc<dyn CommitObserver>) {
        if self.clients.set(clients).is_err() {
            tracing::error!("clients were attached twice to the commits; the first ones stay");
        }
    }

    /// What is counted of the commits.
    pub fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// Signalled after every commit that made an outbox row due.
    pub fn due(&self) -> Arc<Notify> {
        self.due.clone()
    }
}

impl CommitObserver for CommitFan {
    fn committed(&self, committed: Committed) {
        self.metrics.committed(&committed);
        if committed.outbox {
            self.due.notify_one();
        }
        if let Some(clients) = self.clients.get() {
            clients.committed(committed);
        }
    }
}
