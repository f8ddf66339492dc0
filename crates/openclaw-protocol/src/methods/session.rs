use openclaw_core::{
    AgentId, ChannelId, ChatId, QueueMode, ReplyBack, SandboxMode, Session, SessionConfig,
    SessionId, SessionKey, ThinkingLevel, UserId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::object::{nullable, object, optional_object};
use crate::{Access, Scope};

method! {
    /// `session.create`.
    SessionCreate, "session.create", Access::Scope(Scope::Write), SessionCreateParams => Session,
    "Begins a session. Without ids its key is `agent:<agent>:web:direct:<new id>`; a key that is in use is a conflict."
}
method! {
    /// `session.get`.
    SessionGet, "session.get", Access::Scope(Scope::Read), SessionRef => Session,
    "Gives one session by its id or key."
}
method! {
    /// `session.list`.
    SessionList, "session.list", Access::Scope(Scope::Read), SessionListParams => SessionListResult,
    "Lists sessions that have not ended, latest activity first."
}
method! {
    /// `session.update`.
    SessionUpdate, "session.update", Access::Scope(Scope::Write), SessionUpdateParams => Session,
    "Changes a session's name and settings. What is left out stays; null clears."
}
method! {
    /// `session.delete`.
    SessionDelete, "session.delete", Access::Scope(Scope::Write), SessionRef => SessionDeleteResult,
    "Stops a session's runs and deletes it with its messages, transcript and events."
}
method! {
    /// `session.reset`.
    SessionReset, "session.reset", Access::Scope(Scope::Write), SessionRef => Session,
    "Ends a session and begins another under the same key, with the same settings. What was said stays readable by the old id."
}

/// Names a session: exactly one of both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRef {
    /// One life of a session, ended ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The key; means the session that holds it at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
}

impl SessionRef {
    /// The session of this id.
    pub fn id(id: SessionId) -> Self {
        Self { session_id: Some(id), session_key: None }
    }

    /// The session that holds this key.
    pub fn key(key: SessionKey) -> Self {
        Self { session_id: None, session_key: Some(key) }
    }
}

/// The params of `session.create`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionCreateParams {
    /// The channel account; default `web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<ChatId>,
    /// The agent; default the default agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// A name, at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its own settings.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "optional_object"
    )]
    pub config: Option<SessionConfig>,
}

/// The params of `session.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionListParams {
    /// At most this many, 1 to 1,000; default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
    /// Where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Text to find in key, label, user or chat id, case-insensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only this channel account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// Only with a message in the last minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_minutes: Option<u64>,
}

/// The result of `session.list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionListResult {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// The cursor of the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The params of `session.update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionUpdateParams {
    /// One life of a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The key; means the session that holds it at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// The changes.
    #[serde(deserialize_with = "object")]
    pub patch: SessionPatch,
}

/// Changes of a session: what is left out stays, null clears.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionPatch {
    /// The name, at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub label: Option<Option<String>>,
    /// The settings to change.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "optional_object"
    )]
    pub config: Option<SessionConfigPatch>,
}

/// Changes of a session's settings: what is left out stays, null clears.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionConfigPatch {
    /// `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub model: Option<Option<String>>,
    /// How much the model thinks.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub thinking: Option<Option<ThinkingLevel>>,
    /// When commands run in the sandbox. Loosening it needs `operator.admin`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub sandbox_mode: Option<Option<SandboxMode>>,
    /// Whether the model is offered tools.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub tools_enabled: Option<Option<bool>>,
    /// When an answer is sent back.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub reply_back: Option<Option<ReplyBack>>,
    /// How inputs that arrive during a turn are treated.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub queue_mode: Option<Option<QueueMode>>,
    /// The context window in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub max_context_length: Option<Option<u64>>,
    /// The total time limit of a turn in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub timeout_seconds: Option<Option<u64>>,
}

impl SessionConfigPatch {
    /// Applies the changes.
    pub fn apply(self, config: &mut SessionConfig) {
        fn set<T>(target: &mut Option<T>, change: Option<Option<T>>) {
            if let Some(value) = change {
                *target = value;
            }
        }
        set(&mut config.model, self.model);
        set(&mut config.thinking, self.thinking);
        set(&mut config.sandbox_mode, self.sandbox_mode);
        set(&mut config.tools_enabled, self.tools_enabled);
        set(&mut config.reply_back, self.reply_back);
        set(&mut config.queue_mode, self.queue_mode);
        set(&mut config.max_context_length, self.max_context_length);
        set(&mut config.timeout_seconds, self.timeout_seconds);
    }
}

/// The result of `session.delete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionDeleteResult {
    /// Always true; a session that does not exist is an error.
    pub deleted: bool,
}
