use openclaw_core::{ChannelId, ChannelKind, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NoParams;
use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `channel.list`.
    ChannelList, "channel.list", Access::Scope(Scope::Read), NoParams => ChannelsResult,
    "Lists the configured channel accounts."
}
method! {
    /// `channel.status`.
    ChannelStatusGet, "channel.status", Access::Scope(Scope::Read), ChannelStatusParams => ChannelsResult,
    "Tells how one or all channel accounts are; `probe` makes a round trip with the service first."
}
method! {
    /// `channel.connect`.
    ChannelConnect, "channel.connect", Access::Scope(Scope::Admin), ChannelParams => ChannelStatus,
    "Starts a channel account that was disconnected or has failed."
}
method! {
    /// `channel.disconnect`.
    ChannelDisconnect, "channel.disconnect", Access::Scope(Scope::Admin), ChannelParams => ChannelStatus,
    "Stops a channel account until it is connected again, also over restarts of the gateway."
}

/// The params of `channel.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelStatusParams {
    /// Only this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// Whether to make a round trip with the service first.
    #[serde(default)]
    pub probe: bool,
}

/// Names a channel account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelParams {
    /// The channel account.
    pub channel_id: ChannelId,
}

/// The result of `channel.list` and `channel.status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelsResult {
    /// The channel accounts, by id.
    pub channels: Vec<ChannelStatus>,
}

/// How a channel account is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelStatus {
    /// The channel account.
    pub channel_id: ChannelId,
    /// The kind.
    pub kind: ChannelKind,
    /// The name people know, such as `Telegram`.
    pub name: String,
    /// Whether the configuration wants it to run.
    pub enabled: bool,
    /// Where it stands.
    pub state: ChannelState,
    /// Whether it works.
    pub health: ChannelHealth,
    /// The account's own name at the service, such as `@my_bot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What the channel can do.
    pub capabilities: ChannelCapabilities,
    /// What went wrong last, even when it works again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error_at: Option<Timestamp>,
}

/// Where a channel account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// Not to run: disabled or disconnected on request.
    Stopped,
    /// Connecting for the first time or again.
    Connecting,
    /// Serving.
    Connected,
    /// Waiting to connect again after a failure.
    Backoff,
    /// Failed for good until its configuration changes.
    Failed,
}

/// Whether a channel account works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelHealth {
    /// Whether it is connected and the last round trip succeeded.
    pub ok: bool,
    /// When a round trip with the service last succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_alive_at: Option<Timestamp>,
    /// How often it was restarted since the gateway started.
    #[serde(default)]
    pub restarts: u64,
    /// With `probe`: how long the round trip took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_ms: Option<u64>,
    /// With `probe`: why the round trip failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_error: Option<String>,
}

/// What a channel can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelCapabilities {
    /// How text is marked up: `markdown`, `telegram_html`, `plain`.
    pub markup: String,
    /// The longest text of one message.
    pub text_limit: u64,
    /// The largest file that can be sent, in bytes.
    pub media_limit_bytes: u64,
    /// Whether own messages can be edited.
    pub edits: bool,
    /// Whether an answer is shown while it is written.
    pub streaming: bool,
    /// Whether own messages can be deleted.
    pub deletes: bool,
    /// Whether messages can carry reactions.
    pub reactions: bool,
    /// Whether chats have threads or topics.
    pub threads: bool,
    /// Whether polls can be sent.
    pub polls: bool,
    /// Whether "is typing" can be shown.
    pub typing: bool,
    /// Whether messages can carry buttons.
    pub buttons: bool,
    /// Whether the channel has group chats.
    pub groups: bool,
}
