use std::sync::{Arc, Mutex};
use std::time::Duration;

use openclaw_core::{Clock, Rng as _, Timestamp};
use openclaw_storage::memory::CommitHook;
use openclaw_storage::{Batch, StorageError};
use openclaw_testkit::SeededRng;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Time that follows the paused time of each life's runtime and goes on over restarts.
#[derive(Debug)]
pub(crate) struct WorldClock(Mutex<(Timestamp, Option<Instant>)>);

impl Default for WorldClock {
    fn default() -> Self {
        Self(Mutex::new((Timestamp::from_millis(1_767_268_800_000), None)))
    }
}

impl WorldClock {
    pub(crate) fn begin(&self) {
        self.0.lock().expect("not poisoned").1 = Some(Instant::now());
    }

    /// Ends a life; the next one begins so much later.
    pub(crate) fn end(&self, gap: Duration) {
        let now = self.now();
        *self.0.lock().expect("not poisoned") = (now.plus(gap), None);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let (base, since) = *self.0.lock().expect("not poisoned");
        since.map_or(base, |since| base.plus(since.elapsed()))
    }
}

/// What happened, in order.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    clock: Arc<WorldClock>,
    lines: Mutex<Vec<String>>,
    wrong: Mutex<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(clock: Arc<WorldClock>) -> Self {
        Self { clock, ..Self::default() }
    }

    pub(crate) fn note(&self, line: impl AsRef<str>) {
        let at = self.clock.now().as_millis() - 1_767_268_800_000;
        self.lines.lock().expect("not poisoned").push(format!("{at:>8} {}", line.as_ref()));
    }

    /// Notes what must not happen.
    pub(crate) fn violation(&self, line: impl Into<String>) {
        let line = line.into();
        self.note(format!("VIOLATION: {line}"));
        self.wrong.lock().expect("not poisoned").push(line);
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.wrong.lock().expect("not poisoned").clone()
    }

    pub(crate) fn text(&self) -> String {
        self.lines.lock().expect("not poisoned").join("\n")
    }
}

/// Decides over commits: some fail, some answers are lost, and one is the last of its life.
#[derive(Debug)]
pub(crate) struct Faults {
    rng: SeededRng,
    trace: Arc<Trace>,
    state: Mutex<FaultState>,
    /// Signalled at the crash.
    pub(crate) crashed: Notify,
}

#[derive(Debug)]
struct FaultState {
    /// Commits until the crash; `None` for a life without faults.
    left: Option<u64>,
    is_dead: bool,
}

impl Faults {
    pub(crate) fn new(seed: u64, crash_after: Option<u64>, trace: Arc<Trace>) -> Self {
        let state = Mutex::new(FaultState { left: crash_after, is_dead: false });
        Self { rng: SeededRng::new(seed), trace, state, crashed: Notify::new() }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state.lock().expect("not poisoned").is_dead
    }

    fn crash(&self, when: &str) -> StorageError {
        self.state.lock().expect("not poisoned").is_dead = true;
        self.trace.note(format!("CRASH {when} a commit"));
        self.crashed.notify_one();
        StorageError::Closed
    }

    fn is_last(&self) -> bool {
        self.state.lock().expect("not poisoned").left == Some(0)
    }
}

fn lost() -> StorageError {
    StorageError::Lost("the simulation lost the answer".into())
}

impl CommitHook for Faults {
    fn before_commit(&self, _: &Batch) -> Result<(), StorageError> {
        if self.is_dead() {
            return Err(StorageError::Closed);
        }
        {
            let mut state = self.state.lock().expect("not poisoned");
            let Some(left) = &mut state.left else { return Ok(()) };
            *left = left.saturating_sub(1);
        }
        if self.is_last() && self.rng.below(2) == 0 {
            return Err(self.crash("before"));
        }
        match self.rng.below(40) {
            0 => {
                self.trace.note("the store is busy");
                Err(StorageError::Busy("the simulation keeps the store busy".into()))
            }
            1 => Err(lost()),
            _ => Ok(()),
        }
    }

    fn after_commit(&self, _: &Batch) -> Result<(), StorageError> {
        let has_faults = self.state.lock().expect("not poisoned").left.is_some();
        if !has_faults {
            return Ok(());
        }
        if self.is_last() {
            return Err(self.crash("after"));
        }
        if self.rng.below(30) == 0 {
            self.trace.note("the answer of a commit is lost");
            return Err(lost());
        }
        Ok(())
    }
}
