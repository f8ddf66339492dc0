//! Scheduled jobs and the receipts of their runs.

use openclaw_core::{AgentId, JobId, RunId, SessionId, SessionKey, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A job as it is stored; what `data` and `state` hold is the scheduler's.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// The id.
    pub id: JobId,
    /// Whose job it is.
    pub agent_id: AgentId,
    /// What kind of job, such as `cron`.
    pub kind: String,
    /// What is to be done, and when.
    pub data: Value,
    /// What became of it so far.
    pub state: Value,
    /// When it has to be looked at next; never where `None`.
    pub due_at: Option<Timestamp>,
    /// The gateway that began its last run.
    pub owner: Option<String>,
    /// Counts the changes: a change names the one it was made on.
    pub fence: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is to be done was changed.
    pub updated_at: Timestamp,
}

/// Where one run of a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobRunStatus {
    /// It was begun.
    Running,
    /// It ended well.
    Ok,
    /// It ended badly.
    Error,
    /// It was not begun, and will not be.
    Skipped,
}

impl JobRunStatus {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// The one receipt of a moment at which a job was due.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRunRow {
    /// The job, which may be gone.
    pub job_id: JobId,
    /// The moment.
    pub slot: Timestamp,
    /// The run of the agent, where it has one.
    pub run_id: Option<RunId>,
    /// The session it runs in.
    pub session_key: Option<SessionKey>,
    /// That session, as long as it is the run's own and kept.
    pub session_id: Option<SessionId>,
    /// Where it stands.
    pub status: JobRunStatus,
    /// What came out of it.
    pub data: Value,
    /// The gateway that began it.
    pub owner: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}
