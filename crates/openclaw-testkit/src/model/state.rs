use std::sync::Mutex;

use tokio::sync::watch;

use super::{RecordedRequest, Script};

/// What the connections share.
#[derive(Debug)]
pub(super) struct State {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) script: Script,
    pub(super) requests: Vec<RecordedRequest>,
    /// Replies begun and not ended.
    pub(super) open: usize,
    /// Connections accepted.
    pub(super) connections: usize,
    /// Replies that ended because the client closed the connection.
    pub(super) abandoned: usize,
}

impl State {
    pub(super) fn new(script: Script) -> Self {
        Self {
            inner: Mutex::new(Inner { script, ..Inner::default() }),
            changed: watch::Sender::new(0),
        }
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Inner) -> T) -> T {
        look(&self.inner.lock().expect("no panic while the state is held"))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let result = change(&mut self.inner.lock().expect("no panic while the state is held"));
        self.changed.send_modify(|version| *version += 1);
        result
    }

    /// Waits until the condition holds.
    pub(super) async fn until(&self, condition: impl Fn(&Inner) -> bool) {
        let mut changes = self.changed.subscribe();
        while !self.read(&condition) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
