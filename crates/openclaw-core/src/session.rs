use serde::{Deserialize, Serialize};

use crate::{AgentId, ChannelId, ChatId, SessionId, SessionKey, Spawned, Timestamp, Usage, UserId};

/// How inputs that arrive during a turn are treated.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum QueueMode {
    /// One turn per message, in order.
    #[default]
    #[serde(alias = "followup")]
    Queue,
    /// A new input joins the running turn at its next tool boundary.
    #[serde(alias = "steer")]
    Immediate,
    /// A new input is shown to the running turn at its next tool boundary, and has a turn of its own
    /// afterwards.
    #[serde(alias = "steer-backlog", alias = "steer+backlog")]
    ImmediateBacklog,
    /// What waits becomes one turn.
    #[serde(alias = "collect")]
    Batch,
    /// A new input cancels the running turn; the newest is run.
    Interrupt,
}

/// What becomes of inputs beyond the most that may wait in a session.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum QueueDrop {
    /// The oldest are refused.
    Old,
    /// The newest are refused.
    New,
    /// The oldest become one list in the next turn.
    #[default]
    Summarize,
}

/// When an answer is sent back to the chat.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReplyBack {
    /// Always.
    #[default]
    Always,
    /// Only when the input addressed the assistant; direct chats always do.
    Mention,
    /// Only in direct chats.
    DirectOnly,
    /// Never: answers stay in the session.
    Never,
}

/// Which messages of a group are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupActivation {
    /// Those that mention the assistant.
    Mention,
    /// All.
    Always,
}

/// What an answer says of what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsageShown {
    /// Tokens read and written.
    Tokens,
    /// Those of the cache and calls of models, too.
    Full,
}

/// When commands run in the sandbox.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// Never.
    Never,
    /// Except in an agent's main session.
    NonMain,
    /// Always.
    #[default]
    Always,
}

/// How much the model thinks before it answers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ThinkingLevel {
    /// Not at all.
    #[default]
    Off,
    /// As little as the model can.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

/// What a session sets for itself; `None` takes the agent's or the gateway's setting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionConfig {
    /// `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How much the model thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<ThinkingLevel>,
    /// When commands run in the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_mode: Option<SandboxMode>,
    /// Whether the model is offered tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_enabled: Option<bool>,
    /// When an answer is sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_back: Option<ReplyBack>,
    /// How inputs that arrive during a turn are treated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_mode: Option<QueueMode>,
    /// How long it must be quiet before inputs that wait begin a turn, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_debounce_ms: Option<u64>,
    /// The most inputs that may wait; 0 is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_cap: Option<u32>,
    /// What becomes of inputs beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_drop: Option<QueueDrop>,
    /// Which messages of a group are answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<GroupActivation>,
    /// What each answer says of what it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_shown: Option<UsageShown>,
    /// The context window in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_context_length: Option<u64>,
    /// The total time limit of a turn in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
}

/// Whether a session is in use.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Nothing runs.
    #[default]
    Idle,
    /// A turn runs.
    Running,
    /// Over; a newer session may hold its key.
    Ended,
}

/// What a session remembers about itself besides its transcript.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SessionContext {
    /// Tokens used over all runs.
    #[serde(default)]
    pub usage: Usage,
    /// Runs ended.
    #[serde(default)]
    pub runs: u64,
    /// Whose subagent it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spawned: Option<Box<Spawned>>,
}

/// One life of a conversation with an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Session {
    /// The id of this life.
    pub id: SessionId,
    /// The key that messages are routed to; unique among sessions that have not ended.
    pub session_key: SessionKey,
    /// The agent.
    pub agent_id: AgentId,
    /// The channel account it began on.
    pub channel_id: ChannelId,
    /// The user it began with.
    pub user_id: UserId,
    /// The chat it began in.
    pub chat_id: ChatId,
    /// A name given by the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its own settings.
    pub config: SessionConfig,
    /// Whether it is in use.
    pub state: SessionState,
    /// What it remembers about itself.
    pub context: SessionContext,
    /// The highest sequence number given out.
    pub last_seq: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When its settings or state last changed.
    pub updated_at: Timestamp,
    /// When the last message was stored.
    pub last_activity_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

impl Session {
    /// A session that begins now: nothing said, nothing set.
    pub fn begin(
        id: SessionId,
        session_key: SessionKey,
        channel_id: ChannelId,
        user_id: UserId,
        chat_id: ChatId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            agent_id: session_key.agent_id(),
            session_key,
            channel_id,
            user_id,
            chat_id,
            label: None,
            config: SessionConfig::default(),
            state: SessionState::Idle,
            context: SessionContext::default(),
            last_seq: 0,
            created_at: now,
            updated_at: now,
            last_activity_at: now,
            ended_at: None,
        }
    }
}
