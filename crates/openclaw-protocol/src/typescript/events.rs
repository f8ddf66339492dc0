//! The payloads of events.

use serde::Serialize;
use serde_json::Value;

/// The names of events.
pub mod name {
    /// What a device signs.
    pub const CHALLENGE: &str = "connect.challenge";
    /// What a run does.
    pub const AGENT: &str = "agent";
    /// What a conversation says.
    pub const CHAT: &str = "chat";
    /// Who is here.
    pub const PRESENCE: &str = "presence";
    /// A sign of life.
    pub const TICK: &str = "tick";
    /// How things stand.
    pub const HEALTH: &str = "health";
    /// Something happened to a job.
    pub const CRON: &str = "cron";
    /// What became of a heartbeat.
    pub const HEARTBEAT: &str = "heartbeat";
    /// The gateway stops.
    pub const SHUTDOWN: &str = "shutdown";
    /// A command waits for approval.
    pub const APPROVAL_REQUESTED: &str = "exec.approval.requested";
    /// A command does not wait for approval any more.
    pub const APPROVAL_RESOLVED: &str = "exec.approval.resolved";
    /// A device waits for approval.
    pub const PAIR_REQUESTED: &str = "device.pair.requested";
    /// A device was approved or turned away.
    pub const PAIR_RESOLVED: &str = "device.pair.resolved";
}

/// The payload of `agent`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentPayload<'a> {
    /// The run.
    pub run_id: &'a str,
    /// `lifecycle`, `assistant` or `tool`.
    pub stream: &'static str,
    /// By stream.
    pub data: Value,
    /// The session.
    pub session_key: &'a str,
    /// Its place within the run, from 1.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub ts: i64,
}

/// Where an answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatState {
    /// It is being written.
    Delta,
    /// It is whole.
    Final,
    /// It was stopped.
    Aborted,
    /// There is none.
    Error,
}

/// The payload of `chat`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatPayload<'a> {
    /// The run.
    pub run_id: &'a str,
    /// The session.
    pub session_key: &'a str,
    /// The place of the event of the run that it follows.
    pub seq: u64,
    /// Where the answer stands.
    pub state: ChatState,
    /// The answer so far: all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<ChatMessage>,
    /// What is new since the delta before, from version 4 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_text: Option<String>,
    /// With a delta: what came before does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replace: Option<bool>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<&'static str>,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatMessage {
    /// `user` or `assistant`.
    pub role: &'static str,
    /// Its parts.
    pub content: Vec<TextPart>,
    /// When it was said.
    pub timestamp: i64,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextPart {
    /// `text`.
    pub r#type: &'static str,
    /// What it says.
    pub text: String,
}

impl ChatMessage {
    /// A message of one text.
    pub fn text(role: &'static str, text: impl Into<String>, timestamp: i64) -> Self {
        let content = vec![TextPart { r#type: "text", text: text.into() }];
        Self { role, content, timestamp }
    }
}
