use std::fmt;

use openclaw_core::{
    ChannelId, ChatId, ExternalId, Message, MessageContent, MessageId, SessionId, SessionKey,
    ThreadId,
};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize};

use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `message.send`.
    MessageSend, "message.send", Access::Scope(Scope::Write), MessageSendParams => MessageSendResult,
    "Sends a message out through a channel. It is an assistant entry of that chat's session; `queued` means that it is stored and will be sent, then `message.sent` or `message.failed` follows."
}
method! {
    /// `message.receive`.
    MessageReceive, "message.receive", Access::Scope(Scope::Read), MessageReceiveParams => MessageReceiveResult,
    "Waits for messages of a session, both directions, after a seq. Answers at once when there are some, else after `wait_ms` with none."
}
method! {
    /// `message.history`.
    MessageHistory, "message.history", Access::Scope(Scope::Read), MessageHistoryParams => MessageHistoryResult,
    "Gives the newest messages of a session before a point, oldest first."
}

method! {
    /// `message.search`.
    MessageSearch, "message.search", Access::Scope(Scope::Read), MessageSearchParams => MessageSearchResult,
    "Finds messages by their words, newest first."
}

/// The params of `message.search`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageSearchParams {
    /// Words that must all be in the text, in any case and order; one that ends in `*` stands for all
    /// that begin so.
    #[schemars(length(min = 1))]
    pub query: String,
    /// Only in this session, its ended lives included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// Only of this channel account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// At most this many, 1 to 1,000; default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
    /// The next page after one that came with this cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The result of `message.search`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSearchResult {
    /// The messages, newest first.
    pub messages: Vec<Message>,
    /// The cursor of the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The params of `message.send`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageSendParams {
    /// The channel account.
    pub channel_id: ChannelId,
    /// The service's id of the chat.
    pub chat_id: ChatId,
    /// The thread or topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// What to say: a text in Markdown, or a content object.
    pub content: ContentParam,
    /// The service's id of the message to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ExternalId>,
    /// The same key of the same principal gives the same message and sends nothing again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub idempotency_key: Option<String>,
}

/// What to say: a text in Markdown, or a content object.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ContentParam {
    /// A text.
    Text(String),
    /// Content of any kind.
    Content(MessageContent),
}

impl From<ContentParam> for MessageContent {
    fn from(content: ContentParam) -> Self {
        match content {
            ContentParam::Text(text) => Self::Text { text },
            ContentParam::Content(content) => content,
        }
    }
}

impl<'de> Deserialize<'de> for ContentParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;

        impl<'de> serde::de::Visitor<'de> for ContentVisitor {
            type Value = ContentParam;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a content object")
            }

            fn visit_str<E>(self, text: &str) -> Result<ContentParam, E> {
                Ok(ContentParam::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<ContentParam, E> {
                Ok(ContentParam::Text(text))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<ContentParam, A::Error> {
                MessageContent::deserialize(MapAccessDeserializer::new(map))
                    .map(ContentParam::Content)
            }
        }

        deserializer.deserialize_any(ContentVisitor)
    }
}

/// How far an outbound message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Stored, to be sent.
    Queued,
    /// The service confirmed it.
    Sent,
    /// The service refused it.
    Failed,
    /// Given to the service; what became of it is not known.
    Unknown,
}

/// The result of `message.send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSendResult {
    /// The stored message.
    pub message_id: MessageId,
    /// How far it has come.
    pub status: MessageStatus,
}

/// The params of `message.receive`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageReceiveParams {
    /// The session.
    pub session_key: SessionKey,
    /// Only messages above this; default 0, from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub after_seq: Option<i64>,
    /// How long to wait for the first, 0 to 55,000; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 55000))]
    pub wait_ms: Option<u64>,
    /// At most this many, 1 to 1,000; default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
}

/// The result of `message.receive`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceiveResult {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// The `after_seq` of the next call.
    pub next_seq: i64,
}

/// The params of `message.history`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageHistoryParams {
    /// One life of a session, ended ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The key; means the session that holds it at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// At most this many, 1 to 1,000; default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
    /// Only messages before this: a `seq`, or the `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

/// A point in a session: a `seq`, or a `next_cursor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Before {
    /// A `seq`.
    Seq(i64),
    /// A cursor.
    Cursor(String),
}

/// The result of `message.history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageHistoryResult {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// The `before` of the next, older page; absent at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
