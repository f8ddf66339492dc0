use serde::Deserialize;
use serde_json::Value;

/// The params of `agent`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentParams {
    /// What to say.
    pub message: String,
    /// Names the run; the same one starts nothing again.
    pub idempotency_key: String,
    /// The agent.
    pub agent_id: Option<String>,
    /// The chat that the answer is delivered to. It names no session: without a session the owner's
    /// is meant.
    pub to: Option<String>,
    /// Where the answer goes instead.
    pub reply_to: Option<String>,
    /// One life of a session.
    pub session_id: Option<String>,
    /// A session.
    pub session_key: Option<String>,
    /// How much the model thinks.
    pub thinking: Option<String>,
    /// Whether the answer also goes out through a channel.
    pub deliver: Option<bool>,
    /// Files.
    pub attachments: Option<Vec<SentFile>>,
    /// That channel.
    pub channel: Option<String>,
    /// That channel, where it is not the one of the chat.
    pub reply_channel: Option<String>,
    /// The channel's account.
    pub account_id: Option<String>,
    /// The account to answer with.
    pub reply_account_id: Option<String>,
    /// A thread.
    pub thread_id: Option<String>,
    /// A group; it changes nothing.
    pub group_id: Option<String>,
    /// A group's room; it changes nothing.
    pub group_channel: Option<String>,
    /// A group's space; it changes nothing.
    pub group_space: Option<String>,
    /// The time limit in seconds.
    pub timeout: Option<u64>,
    /// A queue of its own; refused.
    pub lane: Option<String>,
    /// More for the system prompt.
    pub extra_system_prompt: Option<String>,
    /// Where the text comes from; it changes nothing.
    pub input_provenance: Option<Value>,
    /// A name for the session; `sessions.patch` sets one.
    pub label: Option<String>,
    /// The session that started it; refused.
    pub spawned_by: Option<String>,
}

/// A file that came with a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentFile {
    /// Its type.
    pub mime_type: Option<String>,
    /// Its name.
    pub file_name: Option<String>,
    /// Its bytes, base64, or a data URL.
    pub content: Option<String>,
}

/// The params of `agent.wait`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentWaitParams {
    /// The run.
    pub run_id: String,
    /// For how long.
    pub timeout_ms: Option<u64>,
}

/// The params of `chat.history`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChatHistoryParams {
    /// The session.
    pub session_key: String,
    /// At most this many, 1 to 1,000.
    pub limit: Option<u32>,
}

/// The params of `chat.send`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChatSendParams {
    /// The session.
    pub session_key: String,
    /// What to say.
    pub message: String,
    /// The run's id.
    pub idempotency_key: String,
    /// How much the model thinks.
    pub thinking: Option<String>,
    /// Whether the answer also goes out through a channel.
    pub deliver: Option<bool>,
    /// Files.
    pub attachments: Option<Vec<SentFile>>,
    /// The time limit.
    pub timeout_ms: Option<u64>,
}

/// The params of `chat.abort`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChatAbortParams {
    /// The session.
    pub session_key: String,
    /// Only this run of it.
    pub run_id: Option<String>,
}

/// The params of `chat.inject`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChatInjectParams {
    /// The session.
    pub session_key: String,
    /// What the assistant is to have said.
    pub message: String,
    /// Who says so.
    pub label: Option<String>,
}

/// The params of `send`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendParams {
    /// The chat.
    pub to: String,
    /// The text.
    pub message: Option<String>,
    /// A file by its address.
    pub media_url: Option<String>,
    /// Files by their addresses.
    pub media_urls: Option<Vec<String>>,
    /// Whether a video plays by itself.
    pub gif_playback: Option<bool>,
    /// The channel.
    pub channel: Option<String>,
    /// Its account.
    pub account_id: Option<String>,
    /// A thread.
    pub thread_id: Option<String>,
    /// The session it belongs to.
    pub session_key: Option<String>,
    /// The same one sends nothing again.
    pub idempotency_key: String,
}

/// The params of `poll`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PollParams {
    /// The chat.
    pub to: String,
    /// The question.
    pub question: String,
    /// 2 to 12 answers.
    pub options: Vec<String>,
    /// How many answers a person may choose.
    pub max_selections: Option<u32>,
    /// How long it is open.
    pub duration_seconds: Option<u64>,
    /// The same in hours.
    pub duration_hours: Option<u64>,
    /// Whether nobody's telephone rings.
    pub silent: Option<bool>,
    /// Whether names are hidden.
    pub is_anonymous: Option<bool>,
    /// A thread.
    pub thread_id: Option<String>,
    /// The channel.
    pub channel: Option<String>,
    /// Its account.
    pub account_id: Option<String>,
    /// The same one sends nothing again.
    pub idempotency_key: String,
}
