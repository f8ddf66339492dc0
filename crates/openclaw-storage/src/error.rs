use std::fmt;

use openclaw_core::{
    ChannelId, InboxId, JobId, MessageId, OutboxId, RunId, SessionId, Timestamp, UserId,
};
use openclaw_errors::{ErrorKind, OpenClawError};

use crate::rows::{InputState, JobRunStatus, LeaseRow, OutboxState};

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A precondition did not hold; nothing was written.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The engine failed; unless it is [`StorageError::Lost`], nothing was written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A precondition that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// This event of the channel is stored already.
    #[error("the input is stored already as run {run_id}")]
    DuplicateInput {
        /// The run of the stored one.
        run_id: RunId,
    },
    /// The run id is taken.
    #[error("run {run_id} exists already")]
    RunIdTaken {
        /// The run.
        run_id: RunId,
        /// Who started it.
        principal: String,
    },
    /// A live session holds the key.
    #[error("the session key is held by session {session_id}")]
    SessionKeyTaken {
        /// The session.
        session_id: SessionId,
    },
    /// The idempotency key is taken.
    #[error("the idempotency key is taken by message {message_id}")]
    IdempotencyKeyTaken {
        /// The message it made.
        message_id: MessageId,
        /// Who made it.
        principal: String,
    },
    /// The lease was taken over.
    #[error("the lease on {resource} was taken over")]
    FenceLost {
        /// The resource.
        resource: String,
    },
    /// Another gateway holds the lease.
    #[error("{resource} is held by {owner}")]
    LeaseHeld {
        /// The resource.
        resource: String,
        /// The holder.
        owner: String,
        /// Until when.
        until: Timestamp,
    },
    /// The row is in another state than the write expects.
    #[error("{what} {id} is {actual}")]
    StateChanged {
        /// `input`, `outbox`, `session`, `message`, `job` or `job run`.
        what: &'static str,
        /// Its id.
        id: String,
        /// Its present state.
        actual: String,
    },
    /// There is no such row.
    #[error("no {what} {id}")]
    Missing {
        /// `session`, `message`, `input`, `outbox`, `pairing`, `job` or `job run`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The value is another than expected.
    #[error("value {key} changed meanwhile")]
    ValueChanged {
        /// The key.
        key: String,
    },
}

impl Conflict {
    pub(crate) fn missing(what: &'static str, id: impl fmt::Display) -> Self {
        Self::Missing { what, id: id.to_string() }
    }

    pub(crate) fn pairing_missing(channel: &ChannelId, user: &UserId) -> Self {
        Self::Missing { what: "pairing", id: format!("{channel}/{user}") }
    }

    pub(crate) fn session_in_use(id: &SessionId) -> Self {
        Self::StateChanged { what: "session", id: id.to_string(), actual: "in use".to_owned() }
    }

    pub(crate) fn message_stored(id: &MessageId) -> Self {
        Self::StateChanged { what: "message", id: id.to_string(), actual: "stored".to_owned() }
    }

    pub(crate) fn input_is(id: &InboxId, state: InputState) -> Self {
        let actual = state.as_str().to_owned();
        Self::StateChanged { what: "input", id: id.to_string(), actual }
    }

    pub(crate) fn outbox_is(id: &OutboxId, state: OutboxState) -> Self {
        let actual = state.as_str().to_owned();
        Self::StateChanged { what: "outbox", id: id.to_string(), actual }
    }

    pub(crate) fn job_changed(id: &JobId) -> Self {
        let actual = "another than it was".to_owned();
        Self::StateChanged { what: "job", id: id.to_string(), actual }
    }

    pub(crate) fn job_run_is(id: &JobId, slot: Timestamp, status: JobRunStatus) -> Self {
        let actual = status.as_str().to_owned();
        Self::StateChanged { what: "job run", id: job_run_name(id, slot), actual }
    }

    pub(crate) fn job_run_missing(id: &JobId, slot: Timestamp) -> Self {
        Self::Missing { what: "job run", id: job_run_name(id, slot) }
    }

    pub(crate) fn lease_held(lease: &LeaseRow) -> Self {
        Self::LeaseHeld {
            resource: lease.resource.clone(),
            owner: lease.owner.clone(),
            until: lease.lease_until,
        }
    }

    /// The idempotency key is taken by a row, which may carry no stored message.
    pub(crate) fn key_taken(
        message: Option<MessageId>,
        row: &OutboxId,
        principal: Option<String>,
    ) -> Self {
        let message_id = message.unwrap_or_else(|| {
            MessageId::new(row.as_str()).expect("an outbox id has the form of a message id")
        });
        Self::IdempotencyKeyTaken { message_id, principal: principal.unwrap_or_default() }
    }
}

fn job_run_name(id: &JobId, slot: Timestamp) -> String {
    format!("{id} at {slot}")
}

/// A failure of the engine, by what the caller does about it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process holds the database; try again.
    #[error("the database is locked by another process")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk is full, or the database's size limit is reached.
    #[error("the disk is full")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file is damaged or no database.
    #[error("the database {place} is damaged")]
    Corrupt {
        /// The file or server.
        place: String,
        /// What the engine said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The schema is newer than this program.
    #[error("the database {place} has schema {found}, this program knows up to {known}")]
    NewerSchema {
        /// The file or server.
        place: String,
        /// The schema found.
        found: i64,
        /// The newest schema known.
        known: i64,
    },
    /// The server's release lacks what is needed.
    #[error("the server of {place} is PostgreSQL {found}, at least {needed} is needed")]
    TooOld {
        /// The server.
        place: String,
        /// Its release.
        found: i64,
        /// The oldest that will do.
        needed: i64,
    },
    /// No server answers; nothing was written.
    #[error("the database {place} does not answer")]
    Unreachable {
        /// The server.
        place: String,
        /// What was heard instead.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server does not let us in.
    #[error("the database {place} refuses this user, password or database name")]
    Refused {
        /// The server.
        place: String,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection was lost; whether the batch was committed is not known.
    #[error("the connection to the database was lost")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// Anything else.
    #[error("the database failed while {doing}")]
    Other {
        /// What was being done.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StorageError {
    /// The same error for another caller.
    pub(crate) fn repeated(&self) -> Self {
        let said = |source: &(dyn std::error::Error + Send + Sync)| source.to_string().into();
        match self {
            Self::Busy(source) => Self::Busy(said(source.as_ref())),
            Self::Full(source) => Self::Full(said(source.as_ref())),
            Self::Corrupt { place, source } => {
                Self::Corrupt { place: place.clone(), source: said(source.as_ref()) }
            }
            Self::NewerSchema { place, found, known } => {
                Self::NewerSchema { place: place.clone(), found: *found, known: *known }
            }
            Self::TooOld { place, found, needed } => {
                Self::TooOld { place: place.clone(), found: *found, needed: *needed }
            }
            Self::Unreachable { place, source } => {
                Self::Unreachable { place: place.clone(), source: said(source.as_ref()) }
            }
            Self::Refused { place, source } => {
                Self::Refused { place: place.clone(), source: said(source.as_ref()) }
            }
            Self::Lost(source) => Self::Lost(said(source.as_ref())),
            Self::Closed => Self::Closed,
            Self::Other { doing, source } => Self::Other { doing, source: said(source.as_ref()) },
        }
    }

    pub(crate) fn bad_cursor(cursor: &str) -> Self {
        let shown: String = cursor.chars().take(80).collect();
        Self::Other { doing: "reading a page", source: format!("no cursor: {shown:?}").into() }
    }
}

impl From<StorageError> for OpenClawError {
    fn from(error: StorageError) -> Self {
        let (kind, hint) = match &error {
            StorageError::Busy(_) => (
                ErrorKind::Overloaded,
                "try again; if it lasts, see what else has the database open",
            ),
            StorageError::Full(_) => {
                (ErrorKind::Overloaded, "free disk space, then try again; nothing accepted is lost")
            }
            StorageError::Corrupt { .. } => {
                (ErrorKind::Database, "run `openclaw doctor`, or restore a backup")
            }
            StorageError::NewerSchema { .. } => (
                ErrorKind::Database,
                "install the version of openclaw that wrote it, or a newer one",
            ),
            StorageError::TooOld { .. } => {
                (ErrorKind::Database, "use a newer release of PostgreSQL, or backend = \"sqlite\"")
            }
            StorageError::Unreachable { .. } => (
                ErrorKind::Unavailable,
                "see that the server runs, and that host and port of storage.url are right",
            ),
            StorageError::Refused { .. } => (
                ErrorKind::Database,
                "check user, password and database name in storage.url, and what the user may do",
            ),
            StorageError::Lost(_) => {
                (ErrorKind::Unavailable, "try again with the same idempotency key")
            }
            StorageError::Closed => (ErrorKind::Unavailable, "the gateway is stopping"),
            StorageError::Other { .. } => (ErrorKind::Database, "see the gateway's log"),
        };
        Self::new(kind, error.to_string()).with_hint(hint).with_source(error)
    }
}

impl From<Conflict> for OpenClawError {
    fn from(conflict: Conflict) -> Self {
        let kind = match &conflict {
            Conflict::Missing { .. } => ErrorKind::NotFound,
            Conflict::FenceLost { .. } | Conflict::LeaseHeld { .. } => ErrorKind::Unavailable,
            Conflict::DuplicateInput { .. }
            | Conflict::RunIdTaken { .. }
            | Conflict::SessionKeyTaken { .. }
            | Conflict::IdempotencyKeyTaken { .. }
            | Conflict::StateChanged { .. }
            | Conflict::ValueChanged { .. } => ErrorKind::Conflict,
        };
        Self::new(kind, conflict.to_string())
    }
}

impl From<ApplyError> for OpenClawError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Conflict(conflict) => conflict.into(),
            ApplyError::Storage(storage) => storage.into(),
        }
    }
}
