use openclaw_core::{Message, RunId, SessionId, SessionKey};
use serde_json::Value;

/// Hears of every commit, in commit order, before the writer's caller is answered.
///
/// Called on the write path: it must not block, wait or write.
pub trait CommitObserver: Send + Sync + std::fmt::Debug {
    /// A batch was committed.
    fn committed(&self, committed: Committed);
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl CommitObserver for NoObserver {
    fn committed(&self, _: Committed) {}
}

/// What one committed batch changed, as far as others wait for it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Committed {
    /// Stored events with their `seq`.
    pub events: Vec<CommittedEvent>,
    /// Sessions created, changed, ended or deleted.
    pub sessions: Vec<(SessionKey, SessionId, SessionChange)>,
    /// Whether outbox rows were added or became due.
    pub outbox: bool,
}

/// A stored event as it is given to clients.
#[derive(Debug, Clone, PartialEq)]
pub struct CommittedEvent {
    /// The session.
    pub session_id: SessionId,
    /// Its key.
    pub session_key: SessionKey,
    /// Its place in the session.
    pub seq: i64,
    /// Such as `agent.done`.
    pub topic: &'static str,
    /// The run.
    pub run_id: Option<RunId>,
    /// The message it points at, when it was stored in the same batch.
    pub message: Option<Message>,
    /// The data otherwise.
    pub data: Option<Value>,
}

/// What happened to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionChange {
    /// It was created.
    Created,
    /// Its settings, name or state changed.
    Updated,
    /// It ended.
    Ended,
    /// It was deleted.
    Deleted,
}
