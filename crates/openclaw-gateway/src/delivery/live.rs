use openclaw_core::{AgentEvent, RunId, SessionId, SessionKey};

/// An event of a running turn that is not stored.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveEvent {
    /// The session.
    pub session_id: SessionId,
    /// Its key.
    pub session_key: SessionKey,
    /// The run.
    pub run_id: RunId,
    /// The stored `seq` it follows.
    pub after_seq: i64,
    /// The event.
    pub event: AgentEvent,
}

/// Takes live events to clients; must not block.
pub trait LiveSink: Send + Sync + std::fmt::Debug {
    /// Hands one on, or drops it for readers that are behind.
    fn live(&self, event: LiveEvent);
}

/// A sink without clients.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLive;

impl LiveSink for NoLive {
    fn live(&self, _: LiveEvent) {}
}
