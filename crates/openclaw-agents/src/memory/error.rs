use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_storage::{ApplyError, StorageError};
use openclaw_tools::OpenError;

/// Why memory could not be searched or indexed.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// There is no such agent.
    #[error("no agent {0:?}")]
    UnknownAgent(String),
    /// The notes cannot be read.
    #[error("the notes cannot be read")]
    Notes(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store refused a batch.
    #[error("the index cannot be written")]
    Refused(#[source] ApplyError),
    /// The gateway ends.
    #[error("the gateway ends")]
    Ending,
    /// Work on a thread of its own broke.
    #[error("indexing broke from within")]
    Broken(#[source] tokio::task::JoinError),
}

impl From<ApplyError> for MemoryError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Storage(error) => Self::Storage(error),
            refused => Self::Refused(refused),
        }
    }
}

impl From<MemoryError> for OpenClawError {
    fn from(error: MemoryError) -> Self {
        let message = error.to_string();
        match error {
            MemoryError::UnknownAgent(_) => Self::invalid_params("agent_id", message),
            MemoryError::Storage(error) => error.into(),
            MemoryError::Ending => Self::unavailable(message),
            MemoryError::Notes(_) => Self::new(ErrorKind::Unavailable, message).with_source(error),
            MemoryError::Refused(_) | MemoryError::Broken(_) => {
                Self::internal(message).with_source(error)
            }
        }
    }
}
