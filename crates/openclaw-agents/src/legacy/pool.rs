//! The children of all sessions: one each, ended when it is idle, started anew with pauses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openclaw_core::SessionId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::child::{PiChild, Start};
use super::error::PiError;

/// How long a child without work lives.
const IDLE: Duration = Duration::from_secs(300);

/// After so many ends in a row a session's child is not started for a while.
const MOST_FAILURES: u32 = 5;
const LEFT_ALONE: Duration = Duration::from_secs(60);

const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The children that wait for work, and what is known of sessions whose child ended.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    state: Arc<Mutex<State>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    idle: HashMap<SessionId, Idle>,
    failures: HashMap<SessionId, Failures>,
}

#[derive(Debug)]
struct Idle {
    child: PiChild,
    since: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Pool {
    pub(super) fn new(tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self { state: Arc::default(), tasks, stop }
    }

    /// The session's child: the one that waits, where it was started in the same way, else a new one.
    pub(super) async fn take(&self, session: &SessionId, start: Start) -> Result<PiChild, PiError> {
        let waiting = self.lock().idle.remove(session);
        if let Some(Idle { mut child, .. }) = waiting
            && child.start == start
            && child.is_alive()
        {
            return Ok(child);
        }
        let failures = self.lock().failures.get(session).copied();
        if let Some(Failures { count, last }) = failures {
            if count >= MOST_FAILURES && last.elapsed() < LEFT_ALONE {
                return Err(PiError::GivenUp(count));
            }
            let pause = FIRST_PAUSE * 2_u32.saturating_pow(count.min(MOST_FAILURES) - 1);
            tokio::time::sleep_until(last + pause).await;
        }
        match PiChild::start(start, &self.tasks) {
            Ok(child) => Ok(child),
            Err(error) => {
                self.failed(session);
                Err(error)
            }
        }
    }

    /// Takes a child back that did its work.
    pub(super) fn give_back(&self, session: &SessionId, child: PiChild) {
        {
            let mut state = self.lock();
            state.failures.remove(session);
            state.idle.insert(session.clone(), Idle { child, since: Instant::now() });
        }
        let pool = self.clone();
        self.tasks.spawn(async move {
            // Both arms are cancel-safe: neither holds anything.
            tokio::select! {
                biased;
                () = pool.stop.cancelled() => pool.lock().idle.clear(),
                () = tokio::time::sleep(IDLE) => pool.reap(),
            }
        });
    }

    /// Notes that a session's child ended in the middle of its work.
    pub(super) fn failed(&self, session: &SessionId) {
        let mut state = self.lock();
        let now = Instant::now();
        // What is long past says nothing any more.
        state.failures.retain(|_, failures| failures.last.elapsed() < LEFT_ALONE);
        let failures =
            state.failures.entry(session.clone()).or_insert(Failures { count: 0, last: now });
        failures.count += 1;
        failures.last = now;
    }

    fn reap(&self) {
        self.lock().idle.retain(|_, idle| idle.since.elapsed() < IDLE);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
