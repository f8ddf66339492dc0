use serde::{Deserialize, Serialize};

use crate::{Conversation, ExternalId, MessageContent, Sender, Timestamp};

/// One event from a chat service, parsed to our vocabulary and not yet stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// Where it happened.
    pub conversation: Conversation,
    /// Unique per event within (channel, chat): a message has the service's id; an edit is
    /// `<id>:edit:<date>:<8 hex of its content>`; a reaction `<id>:react:<user>:<date>:<digest>`.
    pub external_id: ExternalId,
    /// What happened.
    pub kind: InboundKind,
    /// Who did it.
    pub sender: Sender,
    /// What it says; for an edit the new content, for a reaction a description of it.
    pub content: MessageContent,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyContext>,
    /// Whether the assistant is addressed: mentioned by name, or its own message is answered.
    #[serde(default)]
    pub mentions_self: bool,
    /// When the service says it happened.
    pub sent_at: Timestamp,
}

/// What an inbound event is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InboundKind {
    /// A new message.
    Message,
    /// A changed message.
    Edit {
        /// The external id of the message that changed.
        target: ExternalId,
    },
    /// A reaction to a message; stored, starts no turn.
    Reaction {
        /// The external id of the message reacted to.
        target: ExternalId,
    },
}

/// The message that an inbound message answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReplyContext {
    /// The service's id of the answered message.
    pub external_id: ExternalId,
    /// Whether the assistant wrote it.
    pub from_self: bool,
    /// Who wrote it: untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What it says, cut to 1,000 characters: untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
