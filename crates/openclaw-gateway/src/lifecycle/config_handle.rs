use std::sync::{Arc, Mutex};

use openclaw_config::Config;
use openclaw_core::Timestamp;
use openclaw_errors::OpenClawError;
use serde::Serialize;
use tokio::sync::{Mutex as AsyncMutex, OnceCell, watch};

use super::reload::{ConfigSource, Reloader};

/// What is wrong with the configuration file at present; the last good one is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigProblem {
    /// One line per error, each with its place.
    pub errors: Vec<String>,
    /// Since when.
    pub since: Timestamp,
}

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ReloadOutcome {
    /// Sections that changed and are in force.
    pub changed: Vec<String>,
    /// Keys that changed and act only after a restart.
    pub needs_restart: Vec<String>,
}

/// The configuration in force, and the way to change it.
#[derive(Debug)]
pub struct ConfigHandle {
    current: watch::Sender<Arc<Config>>,
    problem: Mutex<Option<ConfigProblem>>,
    needs_restart: Mutex<Vec<String>>,
    /// One reload at a time.
    reloading: AsyncMutex<()>,
    reloader: OnceCell<Arc<Reloader>>,
}

impl ConfigHandle {
    /// A handle on the configuration the gateway began with.
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            current: watch::Sender::new(config),
            problem: Mutex::default(),
            needs_restart: Mutex::default(),
            reloading: AsyncMutex::default(),
            reloader: OnceCell::new(),
        }
    }

    /// The configuration in force.
    pub fn current(&self) -> Arc<Config> {
        self.current.borrow().clone()
    }

    /// Follows the configuration in force.
    pub fn watch(&self) -> watch::Receiver<Arc<Config>> {
        self.current.subscribe()
    }

    /// What is wrong with the file at present.
    pub fn problem(&self) -> Option<ConfigProblem> {
        self.problem.lock().expect("no panic while the problem is held").clone()
    }

    /// Keys that changed since the start and act only after a restart.
    pub fn needs_restart(&self) -> Vec<String> {
        self.needs_restart.lock().expect("no panic while the keys are held").clone()
    }

    /// Where it is read from and written to.
    ///
    /// # Errors
    /// `Unavailable` while the gateway is put together.
    pub fn source(&self) -> Result<Arc<dyn ConfigSource>, OpenClawError> {
        self.reloader.get().map(|reloader| reloader.source.clone()).ok_or_else(not_ready)
    }

    /// Reads the file again and puts it in force if all of it is good.
    ///
    /// # Errors
    /// `Config` with every error when the file is bad; the last good configuration stays.
    pub async fn reload(&self) -> Result<ReloadOutcome, OpenClawError> {
        let reloader = self.reloader.get().ok_or_else(not_ready)?.clone();
        let _one_at_a_time = self.reloading.lock().await;
        reloader.reload(self).await
    }

    pub(super) fn attach(&self, reloader: Arc<Reloader>) {
        if self.reloader.set(reloader).is_err() {
            tracing::error!(
                "a second reloader was attached to the configuration; the first one stays"
            );
        }
    }

    pub(super) fn put(&self, config: Arc<Config>, needs_restart: Vec<String>) {
        *self.problem.lock().expect("no panic while the problem is held") = None;
        *self.needs_restart.lock().expect("no panic while the keys are held") = needs_restart;
        self.current.send_replace(config);
    }

    pub(super) fn set_problem(&self, problem: ConfigProblem) {
        *self.problem.lock().expect("no panic while the problem is held") = Some(problem);
    }
}

fn not_ready() -> OpenClawError {
    OpenClawError::unavailable("the gateway is not ready to work on its configuration")
}
