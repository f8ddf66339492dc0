use serde::{Deserialize, Serialize};

use crate::{ChannelId, ChatId, ThreadId, UserId};

/// What kind of chat a conversation takes place in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// One person and the assistant.
    Direct,
    /// A room with several people.
    Group,
    /// A broadcast-like room: Slack and Discord channels, Telegram channels.
    Channel,
}

impl ChatKind {
    /// The word used in session keys, routing rules and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Group => "group",
            Self::Channel => "channel",
        }
    }
}

/// Where a message was said: a chat of one channel account, perhaps a thread in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Conversation {
    /// The channel account.
    pub channel_id: ChannelId,
    /// The service's id of the chat.
    pub chat_id: ChatId,
    /// The kind of chat.
    pub kind: ChatKind,
    /// The thread or topic, where the service has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// The chat's title as the service shows it: untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl Conversation {
    /// Where a reply goes.
    pub fn address(&self) -> ChatAddress {
        ChatAddress { chat_id: self.chat_id.clone(), thread_id: self.thread_id.clone() }
    }
}

/// A chat, and perhaps a thread in it, within a known channel account.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct ChatAddress {
    /// The service's id of the chat.
    pub chat_id: ChatId,
    /// The thread or topic, where the service has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
}

/// Who said something, as the service reports it. Names are untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Sender {
    /// The service's id of the user.
    pub id: UserId,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The unique name, without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The roles the service gives this user in this chat, for routing rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whether the service says that this is a bot.
    #[serde(default)]
    pub is_bot: bool,
}
