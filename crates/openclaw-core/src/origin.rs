use serde::{Deserialize, Serialize};

use crate::{ChannelId, Conversation, ExternalId, RunId, RunStatus, Sender, SessionKey, UserId};

/// Where a run comes from that another session's run began, rather than a message from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrigin {
    /// What it is.
    pub kind: OriginKind,
    /// The session whose run began it.
    pub session_key: SessionKey,
    /// That run.
    pub run_id: RunId,
    /// Whose wishes that run followed: what they may not use, this one may not.
    pub askers: Vec<AskedBy>,
    /// Whether all of them are the owner.
    #[serde(default)]
    pub by_owner: bool,
    /// How often sessions have written to each other on the way here.
    #[serde(default)]
    pub exchanges: u32,
    /// The person's message that an answer answers in its chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<ExternalId>,
    /// Who is told of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<ReportTo>>,
}

/// What a run that another session's run began is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OriginKind {
    /// The work of a subagent.
    Task,
    /// A message of another session.
    Message,
    /// What became of a run that this session began elsewhere.
    Report {
        /// How it ended.
        status: RunStatus,
        /// What it is called: the subagent's label or its session key.
        name: String,
    },
}

/// Somebody who asked for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedBy {
    /// The channel account.
    pub channel: ChannelId,
    /// The service's id of the person; `None` for what the owner's own programs ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<UserId>,
}

/// Who is told of the end of a run: a session, where the answer to that is sent, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportTo {
    /// The session.
    pub session_key: SessionKey,
    /// The chat that what it says then is sent to.
    pub conversation: Conversation,
    /// Whom it works for.
    pub sender: Sender,
    /// The credential or channel whose run it is.
    pub principal: String,
    /// Whether what it says then is sent.
    pub reply_back: bool,
    /// What the run is called.
    pub name: String,
}

/// How a session that was begun by another one depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Spawned {
    /// The session that began it.
    pub parent: SessionKey,
    /// The run of that session which did.
    pub run_id: RunId,
    /// How far it is from a session that nobody began: 1 for the first.
    pub depth: u32,
    /// Whether it ends with its first run.
    #[serde(default)]
    pub ends_after_run: bool,
    /// What holds for it besides its own agent's rules: those of every session above it.
    pub within: Vec<SpawnBound>,
}

/// The rules of a session above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SpawnBound {
    /// The session, which names the agent.
    pub session_key: SessionKey,
    /// Whether its commands ran in the sandbox.
    pub sandboxed: bool,
}
