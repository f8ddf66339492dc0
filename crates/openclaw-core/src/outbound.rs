use serde::{Deserialize, Serialize};

use crate::{ChatAddress, ExternalId, MediaRef, OutboxId, Poll, Timestamp};

/// One thing to do in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outbound {
    /// Send a new message.
    Send(SendMessage),
    /// Change the text of an own message.
    Edit(EditMessage),
    /// Delete an own message.
    Delete(DeleteMessage),
    /// Set or clear the own reaction to a message.
    React(React),
    /// Show that an answer is being written; never stored, lost without harm.
    Typing(Typing),
    /// Send a poll.
    Poll(SendPoll),
}

impl Outbound {
    /// The chat it goes to.
    pub fn chat(&self) -> &ChatAddress {
        match self {
            Self::Send(send) => &send.chat,
            Self::Edit(edit) => &edit.chat,
            Self::Delete(delete) => &delete.chat,
            Self::React(react) => &react.chat,
            Self::Typing(typing) => &typing.chat,
            Self::Poll(poll) => &poll.chat,
        }
    }

    /// The chat it goes to, to rewrite after a migration.
    pub fn chat_mut(&mut self) -> &mut ChatAddress {
        match self {
            Self::Send(send) => &mut send.chat,
            Self::Edit(edit) => &mut edit.chat,
            Self::Delete(delete) => &mut delete.chat,
            Self::React(react) => &mut react.chat,
            Self::Typing(typing) => &mut typing.chat,
            Self::Poll(poll) => &mut poll.chat,
        }
    }

    /// Whether doing it twice leaves the chat as doing it once.
    pub fn is_idempotent(&self) -> bool {
        match self {
            Self::Edit(_) | Self::Delete(_) | Self::React(_) | Self::Typing(_) => true,
            Self::Send(_) | Self::Poll(_) => false,
        }
    }
}

/// A new message: one chunk, already within the channel's length limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMessage {
    /// Where to.
    pub chat: ChatAddress,
    /// Markdown; may be empty where there is media.
    pub text: String,
    /// Files, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaRef>,
    /// Buttons below it, on channels that have some; elsewhere they are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// The message to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ExternalId>,
    /// The idempotency key, for services that deduplicate or can be searched by it.
    pub key: OutboxId,
}

/// A button below a message: pressing it says something in the presser's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// What pressing it says, at most 64 bytes.
    pub says: String,
}

/// A changed own message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditMessage {
    /// Where it stands.
    pub chat: ChatAddress,
    /// The message to change.
    pub target: ExternalId,
    /// The whole new text, Markdown.
    pub text: String,
}

/// An own message to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteMessage {
    /// Where it stands.
    pub chat: ChatAddress,
    /// The message to delete.
    pub target: ExternalId,
}

/// The own reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct React {
    /// Where the message stands.
    pub chat: ChatAddress,
    /// The message.
    pub target: ExternalId,
    /// The emoji; `None` clears the reaction.
    pub emoji: Option<String>,
}

/// A sign that an answer is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Where to show it.
    pub chat: ChatAddress,
}

/// A new poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendPoll {
    /// Where to.
    pub chat: ChatAddress,
    /// The poll.
    pub poll: Poll,
    /// The idempotency key.
    pub key: OutboxId,
}

/// What the service said of a delivered message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The service's id of the message; `None` where the act makes none, such as typing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// When the service says it was sent; else when its answer came.
    pub sent_at: Timestamp,
}
