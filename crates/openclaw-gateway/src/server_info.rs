use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use openclaw_core::Timestamp;

/// What the port tells of itself, for status.
#[derive(Debug, Default)]
pub struct ServerInfo {
    addresses: OnceLock<Vec<String>>,
    fingerprint: Mutex<Option<String>>,
    connections: AtomicU64,
    wrong_codes: Mutex<VecDeque<Timestamp>>,
}

/// Wrong pairing codes that are taken in a minute.
const WRONG_CODES: usize = 10;
const WINDOW: Duration = Duration::from_secs(60);

impl ServerInfo {
    /// The addresses listened on; none in a process without a port.
    pub fn addresses(&self) -> Vec<String> {
        self.addresses.get().cloned().unwrap_or_default()
    }

    /// The fingerprint of the certificate it shows; `None` where it speaks plain text.
    pub fn fingerprint(&self) -> Option<String> {
        self.fingerprint.lock().expect("no panic while the fingerprint is held").clone()
    }

    /// The port is bound.
    pub fn listening(&self, addresses: Vec<String>, fingerprint: Option<String>) {
        if self.addresses.set(addresses).is_err() {
            tracing::error!("a second server was bound; status tells of the first");
            return;
        }
        *self.fingerprint.lock().expect("no panic while the fingerprint is held") = fingerprint;
    }

    /// Another certificate is shown.
    pub fn shows(&self, fingerprint: String) {
        *self.fingerprint.lock().expect("no panic while the fingerprint is held") =
            Some(fingerprint);
    }

    /// Open connections.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// A connection was opened.
    pub fn opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed.
    pub fn closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether another pairing code may be tried.
    pub fn may_try_code(&self, now: Timestamp) -> bool {
        let mut wrong = self.wrong_codes.lock().expect("no panic while the codes are held");
        while wrong.front().is_some_and(|at| now.since(*at) >= WINDOW) {
            wrong.pop_front();
        }
        wrong.len() < WRONG_CODES
    }

    /// A pairing code was wrong.
    pub fn wrong_code(&self, now: Timestamp) {
        self.wrong_codes.lock().expect("no panic while the codes are held").push_back(now);
    }
}
