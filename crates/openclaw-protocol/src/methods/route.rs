use openclaw_core::{AgentId, ChannelId, ChatId, ChatKind, SessionKey, ThreadId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `route.explain`.
    RouteExplain, "route.explain", Access::Scope(Scope::Read), RouteExplainParams => RouteExplainResult,
    "Tells to which agent and session a message would go, and why. Stores nothing."
}

/// The params of `route.explain`: a message as a channel would hand it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteExplainParams {
    /// The channel account.
    pub channel_id: ChannelId,
    /// The chat.
    pub chat_id: ChatId,
    /// The kind of chat; default `direct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_kind: Option<ChatKind>,
    /// The thread or topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// The sender; default the chat's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The sender's unique name, without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The sender's roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The result of `route.explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteExplainResult {
    /// The agent.
    pub agent_id: AgentId,
    /// The session.
    pub session_key: SessionKey,
    /// The rule that decided, such as `openclaw.toml:12`; absent for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why, one sentence per step, in order.
    pub steps: Vec<String>,
}
