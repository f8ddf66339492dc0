use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use openclaw_core::SessionKey;
use openclaw_protocol::event::topic;
use tokio::sync::Notify;

/// What a waiting call waits for in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchFor {
    /// Messages, both ways.
    Messages,
    /// Ends of runs.
    RunEnds,
}

impl WatchFor {
    fn is_met_by(self, event_topic: &str) -> bool {
        match self {
            Self::Messages => event_topic.starts_with("message."),
            // A refused run tells by the message that says why.
            Self::RunEnds => matches!(
                event_topic,
                topic::AGENT_DONE
                    | topic::AGENT_ERROR
                    | topic::MESSAGE_SENT
                    | topic::MESSAGE_FAILED
            ),
        }
    }
}

/// Wakes a waiting call when something may have happened in a session; the call looks itself.
#[derive(Debug)]
pub struct SessionWatch {
    watches: Arc<Watches>,
    key: SessionKey,
    entry: Arc<Entry>,
}

impl SessionWatch {
    /// Waits for the next change. What happens between two calls is not missed. Cancel-safe.
    pub async fn changed(&self) {
        self.entry.notify.notified().await;
    }
}

impl Drop for SessionWatch {
    fn drop(&mut self) {
        let mut entries = self.watches.entries();
        if let Some(waiting) = entries.get_mut(&self.key) {
            waiting.retain(|entry| !Arc::ptr_eq(entry, &self.entry));
            if waiting.is_empty() {
                entries.remove(&self.key);
            }
        }
    }
}

#[derive(Debug)]
struct Entry {
    wants: WatchFor,
    notify: Notify,
}

/// All waiting calls by session.
#[derive(Debug, Default)]
pub(super) struct Watches {
    entries: Mutex<HashMap<SessionKey, Vec<Arc<Entry>>>>,
}

impl Watches {
    fn entries(&self) -> MutexGuard<'_, HashMap<SessionKey, Vec<Arc<Entry>>>> {
        self.entries.lock().expect("no panic while the watches are held")
    }

    pub(super) fn watch(self: &Arc<Self>, key: SessionKey, wants: WatchFor) -> SessionWatch {
        let entry = Arc::new(Entry { wants, notify: Notify::new() });
        self.entries().entry(key.clone()).or_default().push(entry.clone());
        SessionWatch { watches: self.clone(), key, entry }
    }

    /// An event was committed.
    pub(super) fn event(&self, key: &SessionKey, event_topic: &str) {
        if let Some(waiting) = self.entries().get(key) {
            for entry in waiting.iter().filter(|entry| entry.wants.is_met_by(event_topic)) {
                entry.notify.notify_one();
            }
        }
    }

    /// A session changed, ended or was deleted: everything may be different.
    pub(super) fn session(&self, key: &SessionKey) {
        if let Some(waiting) = self.entries().get(key) {
            waiting.iter().for_each(|entry| entry.notify.notify_one());
        }
    }
}
