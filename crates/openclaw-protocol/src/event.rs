//! Events: their envelope, topics and data.

use std::borrow::Cow;

use openclaw_core::{
    AgentEvent, CallId, ChannelId, ChatAddress, CompactionPhase, MessageId, RunId, SessionId,
    SessionKey, StopReason, Timestamp, ToolName, ToolPhase, Usage,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::methods::{Approval, ChannelStatus, CronEvent, DeviceRequest};

/// The method of the notification that carries an event.
pub const METHOD: &str = "event";

/// The topics.
pub mod topic {
    /// A turn began.
    pub const AGENT_STARTED: &str = "agent.started";
    /// New text; not stored.
    pub const AGENT_DELTA: &str = "agent.delta";
    /// A tool call began, printed something (not stored), or ended.
    pub const AGENT_TOOL: &str = "agent.tool";
    /// An older part of the conversation is being summarised (not stored), or was.
    pub const AGENT_COMPACTION: &str = "agent.compaction";
    /// A turn ended with an answer.
    pub const AGENT_DONE: &str = "agent.done";
    /// A turn ended without an answer.
    pub const AGENT_ERROR: &str = "agent.error";
    /// A command waits for approval.
    pub const APPROVAL_REQUESTED: &str = "approval.requested";
    /// A command does not wait for approval any more.
    pub const APPROVAL_RESOLVED: &str = "approval.resolved";
    /// A message came in.
    pub const MESSAGE_RECEIVED: &str = "message.received";
    /// A message went out.
    pub const MESSAGE_SENT: &str = "message.sent";
    /// A message could not be sent.
    pub const MESSAGE_FAILED: &str = "message.failed";
    /// A session began.
    pub const SESSION_CREATED: &str = "session.created";
    /// A session's settings, name or state changed.
    pub const SESSION_UPDATED: &str = "session.updated";
    /// A session ended.
    pub const SESSION_ENDED: &str = "session.ended";
    /// A session was deleted.
    pub const SESSION_DELETED: &str = "session.deleted";
    /// A channel's state changed.
    pub const CHANNEL_STATUS: &str = "channel.status";
    /// An answer is being written in a chat of the built-in web channel.
    pub const CHANNEL_TYPING: &str = "channel.typing";
    /// A device waits for approval.
    pub const DEVICE_REQUESTED: &str = "device.requested";
    /// A device was approved or turned away.
    pub const DEVICE_RESOLVED: &str = "device.resolved";
    /// A job was made.
    pub const CRON_ADDED: &str = "cron.added";
    /// A job was changed.
    pub const CRON_UPDATED: &str = "cron.updated";
    /// A job was removed.
    pub const CRON_REMOVED: &str = "cron.removed";
    /// A run of a job was begun.
    pub const CRON_STARTED: &str = "cron.started";
    /// A run of a job ended, or a moment of it was passed over.
    pub const CRON_FINISHED: &str = "cron.finished";
    /// A client came or went.
    pub const PRESENCE: &str = "presence";
    /// The gateway's health changed.
    pub const HEALTH: &str = "health";
    /// A line of the log.
    pub const LOG: &str = "log";
}

/// The params of an event notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventParams<D = Value> {
    /// What happened, such as `agent.done`.
    pub topic: Cow<'static, str>,
    /// Its place in the session; only stored events have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// What there is to say, by topic.
    pub data: D,
}

/// The data of `agent.started`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStartedEvent {
    /// `provider/model` that is asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// The data of `agent.delta`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentDeltaEvent {
    /// Only the new text.
    pub text: String,
    /// 0, 1, 2, … within the run.
    pub index: u64,
    /// A new try begins: forget the text that came before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// The `seq` of the stored event that it follows.
    pub after_seq: i64,
}

/// The data of `agent.tool`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentToolEvent {
    /// Where the call stands.
    pub phase: ToolPhase,
    /// The call.
    pub call_id: CallId,
    /// The tool.
    pub name: ToolName,
    /// What the model asked for, with `started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// What came out, with `output` and `finished`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Whether the call failed, with `finished`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// With `output`: the `seq` of the stored event that it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<i64>,
}

/// The data of `agent.compaction`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentCompactionEvent {
    /// Where it stands.
    pub phase: CompactionPhase,
    /// About how many tokens a request had before.
    pub before_tokens: u64,
    /// About how many it has then, with `finished`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_tokens: Option<u64>,
    /// `provider/model` that wrote the summary, with `finished`; none where it was extracted without
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// With `started`: the `seq` of the stored event that it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<i64>,
}

/// The data of `agent.done`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentDoneEvent {
    /// The whole answer.
    pub reply: String,
    /// Tokens used.
    pub usage: Usage,
    /// Why it ended.
    pub stop_reason: StopReason,
}

/// The data of `agent.error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentErrorEvent {
    /// An error's stable name.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The data of `approval.resolved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalResolvedEvent {
    /// The request.
    pub id: String,
    /// How it ended.
    pub outcome: ApprovalOutcome,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// How a request for approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalOutcome {
    /// It was allowed this time.
    AllowOnce,
    /// It was allowed for good.
    AllowAlways,
    /// It was denied.
    Deny,
    /// Nobody answered in time, which is a denial.
    Expired,
    /// The call that asked was stopped.
    Withdrawn,
}

/// The data of `message.failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageFailedEvent {
    /// The message.
    pub message_id: MessageId,
    /// Why.
    pub error: String,
}

/// The data of `session.*`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEvent {
    /// The life of the session.
    pub session_id: SessionId,
}

/// The data of `device.resolved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceResolvedEvent {
    /// The request; absent where the device was approved without waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The device.
    pub device_id: String,
    /// Whether it was approved.
    pub is_approved: bool,
}

/// The data of `presence`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceEvent {
    /// Authenticated connections at present.
    pub connections: u64,
}

/// The data of `health`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealthEvent {
    /// Whether everything works.
    pub ok: bool,
    /// What does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// The data of `log`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogEvent {
    /// When.
    pub at: Timestamp,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// The module that wrote it.
    pub target: String,
    /// The line, with its fields.
    pub message: String,
}

/// A topic as data.
#[derive(Clone, Copy)]
pub struct TopicInfo {
    /// The topic.
    pub topic: &'static str,
    /// Whether it is stored and carries a `seq`.
    pub stored: bool,
    /// What it says, for documents.
    pub description: &'static str,
    /// The schema of its data.
    pub data: fn(&mut SchemaGenerator) -> Schema,
}

impl TopicInfo {
    const fn new<D: JsonSchema>(
        topic: &'static str,
        stored: bool,
        description: &'static str,
    ) -> Self {
        Self { topic, stored, description, data: SchemaGenerator::subschema_for::<D> }
    }
}

impl std::fmt::Debug for TopicInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicInfo").field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// Every topic.
pub static TOPICS: &[TopicInfo] = &[
    TopicInfo::new::<AgentStartedEvent>(topic::AGENT_STARTED, true, "A turn began."),
    TopicInfo::new::<AgentDeltaEvent>(topic::AGENT_DELTA, false, "New text of an answer."),
    TopicInfo::new::<AgentToolEvent>(
        topic::AGENT_TOOL,
        true,
        "A tool call began, printed something (not stored, no seq), or ended.",
    ),
    TopicInfo::new::<AgentCompactionEvent>(
        topic::AGENT_COMPACTION,
        true,
        "An older part of the conversation is being summarised (not stored, no seq), or was.",
    ),
    TopicInfo::new::<AgentDoneEvent>(topic::AGENT_DONE, true, "A turn ended with an answer."),
    TopicInfo::new::<AgentErrorEvent>(topic::AGENT_ERROR, true, "A turn ended without an answer."),
    TopicInfo::new::<Approval>(topic::APPROVAL_REQUESTED, true, "A command waits for approval."),
    TopicInfo::new::<ApprovalResolvedEvent>(
        topic::APPROVAL_RESOLVED,
        true,
        "A command does not wait for approval any more.",
    ),
    TopicInfo::new::<openclaw_core::Message>(
        topic::MESSAGE_RECEIVED,
        true,
        "A message came in and is stored.",
    ),
    TopicInfo::new::<openclaw_core::Message>(
        topic::MESSAGE_SENT,
        true,
        "A message went out and the service confirmed it.",
    ),
    TopicInfo::new::<MessageFailedEvent>(
        topic::MESSAGE_FAILED,
        true,
        "A message could not be sent.",
    ),
    TopicInfo::new::<SessionEvent>(topic::SESSION_CREATED, false, "A session began."),
    TopicInfo::new::<SessionEvent>(
        topic::SESSION_UPDATED,
        false,
        "A session's settings, name or state changed.",
    ),
    TopicInfo::new::<SessionEvent>(topic::SESSION_ENDED, false, "A session ended."),
    TopicInfo::new::<SessionEvent>(topic::SESSION_DELETED, false, "A session was deleted."),
    TopicInfo::new::<ChannelStatus>(topic::CHANNEL_STATUS, false, "A channel's state changed."),
    TopicInfo::new::<ChannelTyping>(
        topic::CHANNEL_TYPING,
        false,
        "An answer is being written in a chat of the built-in web channel.",
    ),
    TopicInfo::new::<DeviceRequest>(
        topic::DEVICE_REQUESTED,
        false,
        "A device waits for approval; needs `operator.pairing`.",
    ),
    TopicInfo::new::<DeviceResolvedEvent>(
        topic::DEVICE_RESOLVED,
        false,
        "A device was approved or turned away; needs `operator.pairing`.",
    ),
    TopicInfo::new::<CronEvent>(topic::CRON_ADDED, false, "A job was made."),
    TopicInfo::new::<CronEvent>(topic::CRON_UPDATED, false, "A job was changed."),
    TopicInfo::new::<CronEvent>(topic::CRON_REMOVED, false, "A job was removed."),
    TopicInfo::new::<CronEvent>(topic::CRON_STARTED, false, "A run of a job was begun."),
    TopicInfo::new::<CronEvent>(
        topic::CRON_FINISHED,
        false,
        "A run of a job ended, or a moment of it was passed over.",
    ),
    TopicInfo::new::<PresenceEvent>(topic::PRESENCE, false, "A client came or went."),
    TopicInfo::new::<HealthEvent>(topic::HEALTH, false, "The gateway's health changed."),
    TopicInfo::new::<LogEvent>(topic::LOG, false, "A line of the gateway's log."),
];

/// An answer is being written; it comes again every few seconds while that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelTyping {
    /// The channel.
    pub channel_id: ChannelId,
    /// The chat.
    #[serde(flatten)]
    pub chat: ChatAddress,
}

/// The topic and data of what a turn reports; `after_seq` is the `seq` that what is not stored follows.
pub fn of_agent_event(event: AgentEvent, after_seq: i64) -> (&'static str, Value) {
    match event {
        AgentEvent::Started { model } => (topic::AGENT_STARTED, data(AgentStartedEvent { model })),
        AgentEvent::Delta { text, index, reset } => {
            (topic::AGENT_DELTA, data(AgentDeltaEvent { text, index, reset, after_seq }))
        }
        AgentEvent::Tool { phase, call_id, name, arguments, result, is_error } => {
            let after_seq = (phase == ToolPhase::Output).then_some(after_seq);
            let event =
                AgentToolEvent { phase, call_id, name, arguments, result, is_error, after_seq };
            (topic::AGENT_TOOL, data(event))
        }
        AgentEvent::Compaction { phase, before_tokens, after_tokens, model } => {
            let after_seq = (phase == CompactionPhase::Started).then_some(after_seq);
            let event =
                AgentCompactionEvent { phase, before_tokens, after_tokens, model, after_seq };
            (topic::AGENT_COMPACTION, data(event))
        }
        AgentEvent::Done { reply, usage, stop_reason } => {
            (topic::AGENT_DONE, data(AgentDoneEvent { reply, usage, stop_reason }))
        }
        AgentEvent::Error { code, message, hint } => {
            (topic::AGENT_ERROR, data(AgentErrorEvent { code, message, hint }))
        }
    }
}

fn data(event: impl Serialize) -> Value {
    serde_json::to_value(event).expect("event data are texts, numbers and lists of them")
}
