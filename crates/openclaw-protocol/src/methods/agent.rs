use openclaw_core::{
    AgentId, MediaId, RunId, RunStatus, SessionId, SessionKey, ThinkingLevel, Timestamp, Usage,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::object::objects;
use crate::{Access, Scope};

method! {
    /// `agent.run`.
    AgentRun, "agent.run", Access::Scope(Scope::Write), AgentRunParams => AgentRunResult,
    "Says something to the agent, as a message of the `web` channel. Answers `accepted` once it is stored, or with `wait` when the run has ended; the caller gets the run's events without subscribing."
}
method! {
    /// `agent.stop`.
    AgentStop, "agent.stop", Access::Scope(Scope::Write), AgentRunRef => AgentStopResult,
    "Stops a run, or all runs of a session; what was said so far is kept."
}
method! {
    /// `agent.status`.
    AgentStatus, "agent.status", Access::Scope(Scope::Read), AgentStatusParams => AgentStatusResult,
    "Tells where runs stand: one run, those of a session, or the newest, open ones first."
}

/// The params of `agent.run`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentRunParams {
    /// What to say; may be empty where there are attachments.
    pub message: String,
    /// The session, which is created where it does not exist; default `agent:main:main`, with
    /// `agent_id` `agent:<agent_id>:main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// The session by one of its lives, which must not have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// `provider/model` for this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How much the model thinks in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<ThinkingLevel>,
    /// Files, 5 MB each and 15 MB together.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "objects")]
    pub attachments: Vec<Attachment>,
    /// Becomes the run's id: the same key of the same principal gives the same run and starts
    /// nothing again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<RunId>,
    /// The total time limit of this run, 1 to 86,400 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub timeout_seconds: Option<u64>,
    /// Whether to answer only when the run has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wait: bool,
}

/// A file: `media_id` of one that is stored, or the three others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// A stored file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_id: Option<MediaId>,
    /// The type, such as `image/png`; what the bytes are decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The bytes, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_base64: Option<String>,
}

/// The result of `agent.run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRunResult {
    /// The run.
    pub run_id: RunId,
    /// The session.
    pub session_key: SessionKey,
    /// Where it stands.
    pub status: RunStatus,
    /// The run that took it, with `merged`; the reply is that run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RunId>,
    /// The answer, or the partial text of a stopped run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why it failed, with `error` and `timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunError {
    /// An error's stable name.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Names a run, or all runs of a session: exactly one of both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentRunRef {
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
}

/// The result of `agent.stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStopResult {
    /// Whether there was something to stop.
    pub stopped: bool,
}

/// The params of `agent.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentStatusParams {
    /// Only this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Only runs of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// At most this many, 1 to 1,000; default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
}

/// The result of `agent.status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStatusResult {
    /// The runs.
    pub runs: Vec<RunInfo>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// The run.
    pub run_id: RunId,
    /// The session.
    pub session_key: SessionKey,
    /// Where it stands.
    pub status: RunStatus,
    /// The run that took it, with `merged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RunId>,
    /// Whether the answer was sent to the chat; false where `reply_back` keeps it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<bool>,
    /// The answer, or the partial text of a stopped run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its turn first began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}
