//! What tools about sessions need of the gateway.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_config::Config;
use openclaw_core::{Clock, IdGen, RunId, SessionConfig, SessionKey, Spawned};
use openclaw_errors::OpenClawError;
use openclaw_sessions::{ActiveRun, RunEnd, WaitError};
use openclaw_storage::rows::RunOptions;
use openclaw_storage::{Storage, StorageError};
use openclaw_tools::ToolError;
use tokio::sync::Mutex;

/// Begins, follows and stops runs of sessions. Implemented by the gateway.
#[async_trait]
pub trait SessionPort: Send + Sync + fmt::Debug {
    /// The configuration in force.
    fn config(&self) -> Arc<Config>;

    /// Stores an input and wakes its session's lane.
    ///
    /// # Errors
    /// `Overloaded` when too many inputs wait, `Database` when the store fails.
    async fn begin(&self, run: SessionRun) -> Result<(), OpenClawError>;

    /// Waits for the end of a run, at most this long.
    ///
    /// # Errors
    /// As [`WaitError`] says.
    async fn wait(&self, run: &RunId, limit: Duration) -> Result<RunEnd, WaitError>;

    /// Stops all runs of a session and of its subagents; answers how many.
    ///
    /// # Errors
    /// When the store fails.
    async fn stop(&self, key: &SessionKey) -> Result<usize, StorageError>;

    /// The subagents that work or wait, each with the session that began it.
    ///
    /// # Errors
    /// When the store fails.
    async fn subagents(&self) -> Result<Vec<(SessionKey, SessionKey)>, StorageError>;

    /// The runs at work.
    fn active(&self) -> Vec<ActiveRun>;
}

/// A run that a tool begins.
#[derive(Debug, Clone)]
pub struct SessionRun {
    /// The run.
    pub run_id: RunId,
    /// Whose it is.
    pub principal: String,
    /// The session; made when it does not live.
    pub session_key: SessionKey,
    /// What it is to do.
    pub text: String,
    /// With where it comes from.
    pub options: RunOptions,
    /// What a session that begins with it is like.
    pub begins: Option<Box<NewSession>>,
}

/// A session that begins with a run.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// How it depends on the one that begins it.
    pub spawned: Spawned,
    /// Its name.
    pub label: Option<String>,
    /// Its own settings.
    pub config: SessionConfig,
}

/// What tools about sessions work with. A handle: clones are the same desk.
///
/// The tools are made before the gateway is; until it is attached they answer that it is not there.
#[derive(Clone)]
pub struct Desk {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGen>,
    port: Arc<OnceLock<Arc<dyn SessionPort>>>,
    /// Held from counting subagents to beginning one.
    pub(crate) spawning: Arc<Mutex<()>>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("is_attached", &self.port.get().is_some()).finish()
    }
}

impl Desk {
    /// A desk without a gateway.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, ids: Arc<dyn IdGen>) -> Self {
        Self { storage, clock, ids, port: Arc::default(), spawning: Arc::default() }
    }

    /// Gives it its gateway, once.
    pub fn attach(&self, port: Arc<dyn SessionPort>) {
        if self.port.set(port).is_err() {
            tracing::error!("a second gateway was attached to the tools; the first one stays");
        }
    }

    pub(crate) fn port(&self) -> Result<&Arc<dyn SessionPort>, ToolError> {
        self.port
            .get()
            .ok_or_else(|| ToolError::RespondToModel("the gateway is not ready yet".to_owned()))
    }

    pub(crate) fn new_run_id(&self) -> Result<RunId, ToolError> {
        RunId::new(self.ids.new_id()).map_err(|error| ToolError::Fatal(error.to_string()))
    }
}
