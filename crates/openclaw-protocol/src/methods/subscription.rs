use openclaw_core::SessionKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Empty;
use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `subscribe`.
    Subscribe, "subscribe", Access::Scope(Scope::Read), SubscribeParams => SubscribeResult,
    "Sends this connection the events of some topics, of one session where given. With `from_seq` stored events from there on are sent first, then live ones, without gap or double. Only over WebSocket."
}
method! {
    /// `unsubscribe`.
    Unsubscribe, "unsubscribe", Access::Scope(Scope::Read), UnsubscribeParams => Empty,
    "Ends a subscription of this connection."
}

/// The params of `subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscribeParams {
    /// Topics such as `agent.done`, prefixes such as `agent.*`, or `*`; 1 to 64.
    #[schemars(length(min = 1, max = 64))]
    pub topics: Vec<String>,
    /// Only events of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// Replays stored events from this `seq` on, then goes live; needs `session_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub from_seq: Option<i64>,
}

/// The result of `subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscribeResult {
    /// Names the subscription.
    pub subscription_id: String,
}

/// The params of `unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsubscribeParams {
    /// Names the subscription.
    pub subscription_id: String,
}
