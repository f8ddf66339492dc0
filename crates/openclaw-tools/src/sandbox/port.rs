use async_trait::async_trait;

use super::{Job, Room, Running, SandboxError};

/// What runs commands. An engine never falls back to something less strict.
#[async_trait]
pub trait Sandbox: Send + Sync + std::fmt::Debug + 'static {
    /// Starts a command.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when it cannot be held as it must be; then nothing was run.
    async fn start(&self, room: &Room, job: Job) -> Result<Running, SandboxError>;

    /// Proves each wall and limit, by trying to break them; for `doctor`.
    async fn check(&self, room: &Room) -> Result<Vec<Check>, SandboxError>;

    /// Whether commands see the host as the gateway does.
    fn is_open(&self) -> bool;

    /// Its name, for messages.
    fn name(&self) -> &'static str;
}

/// One thing a sandbox should hold, and whether it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What, such as `memory limit`.
    pub what: String,
    /// Whether it holds.
    pub holds: bool,
    /// How that is known, or what it means that it does not.
    pub detail: String,
}
