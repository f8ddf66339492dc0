use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The params of `sessions.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsListParams {
    /// At most this many.
    pub limit: Option<u32>,
    /// Only with a message in the last minutes.
    pub active_minutes: Option<u64>,
    /// Whether to list the session that all chats share; there is none here.
    pub include_global: Option<bool>,
    /// Whether to list what is no session; there is nothing of it here.
    pub include_unknown: Option<bool>,
    /// Whether to tell a title made of the first message.
    pub include_derived_titles: Option<bool>,
    /// Whether to tell the last message.
    pub include_last_message: Option<bool>,
    /// Only of this name.
    pub label: Option<String>,
    /// Only started by this session.
    pub spawned_by: Option<String>,
    /// Only this agent's.
    pub agent_id: Option<String>,
    /// Text to find.
    pub search: Option<String>,
}

/// The params of `sessions.preview`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsPreviewParams {
    /// The sessions.
    pub keys: Vec<String>,
    /// Messages of each.
    pub limit: Option<u32>,
    /// Characters of each message, at least 20.
    pub max_chars: Option<usize>,
}

/// The params of `sessions.resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsResolveParams {
    /// By key.
    pub key: Option<String>,
    /// By id.
    pub session_id: Option<String>,
    /// By name.
    pub label: Option<String>,
    /// Only this agent's.
    pub agent_id: Option<String>,
    /// Only started by this session.
    pub spawned_by: Option<String>,
    /// As in `sessions.list`.
    pub include_global: Option<bool>,
    /// As in `sessions.list`.
    pub include_unknown: Option<bool>,
}

/// The params of `sessions.patch`: what is left out stays, null clears.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsPatchParams {
    /// The session.
    pub key: String,
    /// The name.
    #[serde(default, deserialize_with = "nullable")]
    pub label: Option<Option<String>>,
    /// How much the model thinks.
    #[serde(default, deserialize_with = "nullable")]
    pub thinking_level: Option<Option<String>>,
    /// `provider/model`.
    #[serde(default, deserialize_with = "nullable")]
    pub model: Option<Option<String>>,
    /// Whether answers are sent back: `allow` or `deny`.
    #[serde(default, deserialize_with = "nullable")]
    pub send_policy: Option<Option<String>>,
    /// Which messages of a group start a turn.
    #[serde(default, deserialize_with = "nullable")]
    pub group_activation: Option<Option<String>>,
    /// How much tools tell.
    #[serde(default, deserialize_with = "nullable")]
    pub verbose_level: Option<Option<String>>,
    /// Whether thoughts are shown.
    #[serde(default, deserialize_with = "nullable")]
    pub reasoning_level: Option<Option<String>>,
    /// Whether tokens are shown.
    #[serde(default, deserialize_with = "nullable")]
    pub response_usage: Option<Option<String>>,
    /// Whether commands leave the sandbox.
    #[serde(default, deserialize_with = "nullable")]
    pub elevated_level: Option<Option<String>>,
    /// Where commands run.
    #[serde(default, deserialize_with = "nullable")]
    pub exec_host: Option<Option<String>>,
    /// Which commands may run.
    #[serde(default, deserialize_with = "nullable")]
    pub exec_security: Option<Option<String>>,
    /// Which commands ask.
    #[serde(default, deserialize_with = "nullable")]
    pub exec_ask: Option<Option<String>>,
    /// The node that commands run on.
    #[serde(default, deserialize_with = "nullable")]
    pub exec_node: Option<Option<String>>,
    /// The session that started it.
    #[serde(default, deserialize_with = "nullable")]
    pub spawned_by: Option<Option<String>>,
    /// How far it is from a person.
    #[serde(default, deserialize_with = "nullable")]
    pub spawn_depth: Option<Option<Value>>,
}

/// Tells a field that is left out from one that is null.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// The params of `sessions.reset`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsResetParams {
    /// The session.
    pub key: String,
    /// `new` or `reset`.
    pub reason: Option<String>,
}

/// The params of `sessions.delete`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsDeleteParams {
    /// The session.
    pub key: String,
    /// Whether what was said goes too.
    pub delete_transcript: Option<bool>,
}
