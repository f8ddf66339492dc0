//! The scheduler: one task that sleeps until the next job or heartbeat is due, begins runs through
//! the same ingress as messages, and deals with what comes out of them.
//!
//! A run is begun by one batch: the job's next state, the receipt of its moment, and the input.
//! Whatever ends the gateway in between, the moment is either dealt with or still due; of gateways
//! that share a store, one wins. The end of a run is found in its input's row, so that a run that
//! outlived its gateway ends its receipt as well.

mod chat;
mod deliver;
mod finish;
mod fire;
mod heartbeat;
mod run;
mod tell;
mod wake;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use openclaw_core::{AgentId, JobId, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;

pub(crate) use self::chat::target;
pub(crate) use self::run::run;
pub(crate) use self::tell::{receipt, typescript_entry};
pub(crate) use self::wake::note_for_main;

/// Who scheduled runs belong to.
pub(crate) const PRINCIPAL: &str = "cron";

/// What the scheduler of a gateway keeps between two looks.
#[derive(Debug)]
pub struct Clockwork {
    /// A run that was begun has ended.
    ended: Notify,
    heartbeats: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Runs whose end is being dealt with.
    finishing: BTreeSet<(JobId, Timestamp)>,
    /// The beats that were dealt with, by agent.
    beats: Vec<(AgentId, Timestamp)>,
    last_heartbeat: Option<Value>,
}

impl Default for Clockwork {
    fn default() -> Self {
        Self { ended: Notify::new(), heartbeats: AtomicBool::new(true), inner: Mutex::default() }
    }
}

impl Clockwork {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Switches heartbeats off, or on as they are configured, until the next start.
    pub(crate) fn set_heartbeats(&self, on: bool) {
        self.heartbeats.store(on, Ordering::Release);
    }

    /// Whether configured heartbeats run.
    pub(crate) fn heartbeats_run(&self) -> bool {
        self.heartbeats.load(Ordering::Acquire)
    }

    /// What is told of the last heartbeat.
    pub(crate) fn last_heartbeat(&self) -> Option<Value> {
        self.inner().last_heartbeat.clone()
    }
}
