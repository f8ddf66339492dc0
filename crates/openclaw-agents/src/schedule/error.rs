use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_storage::{ApplyError, StorageError};

/// Why a job cannot be as it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// A value is not one; with its name.
    #[error("{field}: {message}")]
    Invalid {
        /// The value's name on the wire.
        field: &'static str,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// There is no such job.
    #[error("no job {0}")]
    Unknown(String),
    /// There are as many jobs as there may be.
    #[error("there are {0} jobs already, and no more may be made")]
    TooMany(u32),
    /// Who asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// Somebody else kept changing the job.
    #[error("the job kept changing")]
    Busy,
    /// The store failed.
    #[error("the job cannot be stored or read")]
    Storage(#[source] OpenClawError),
}

impl ScheduleError {
    pub(super) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}

impl From<StorageError> for ScheduleError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<ApplyError> for ScheduleError {
    fn from(error: ApplyError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<ScheduleError> for OpenClawError {
    fn from(error: ScheduleError) -> Self {
        match error {
            ScheduleError::Invalid { field, message } => Self::invalid_params(field, message),
            ScheduleError::Unknown(_) => Self::not_found(error.to_string())
                .with_field("job_id")
                .with_hint("cron.list shows the jobs"),
            ScheduleError::TooMany(_) => Self::new(ErrorKind::Conflict, error.to_string())
                .with_hint("remove jobs that are not needed any more"),
            ScheduleError::Forbidden(_) => Self::new(ErrorKind::Forbidden, error.to_string()),
            ScheduleError::Busy => {
                Self::new(ErrorKind::Overloaded, error.to_string()).with_hint("try again")
            }
            ScheduleError::Storage(source) => source,
        }
    }
}
