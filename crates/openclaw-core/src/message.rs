use serde::{Deserialize, Serialize};

use crate::{
    ChannelId, ChatAddress, ExternalId, MediaId, MessageId, RunId, Sender, SessionId, Timestamp,
};

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a person to the assistant.
    Inbound,
    /// From the assistant to a chat.
    Outbound,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MessageContent {
    /// Text; outbound text is Markdown.
    Text {
        /// The text.
        text: String,
    },
    /// One or more files, perhaps with a caption.
    Media {
        /// The files, in order, at least one.
        media: Vec<MediaRef>,
        /// The text beside them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
    },
    /// A place.
    Location(Location),
    /// A contact card.
    Contact(Contact),
    /// A poll.
    Poll(Poll),
    /// Something the service or the gateway reports, such as a member that joined.
    System {
        /// The report.
        text: String,
    },
}

impl MessageContent {
    /// Plain text content.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// The text or caption; empty where there is none.
    pub fn plain_text(&self) -> &str {
        match self {
            Self::Text { text } | Self::System { text } => text,
            Self::Media { caption, .. } => caption.as_deref().unwrap_or_default(),
            Self::Location(_) | Self::Contact(_) | Self::Poll(_) => "",
        }
    }

    /// The files; empty where there are none.
    pub fn media(&self) -> &[MediaRef] {
        match self {
            Self::Media { media, .. } => media,
            Self::Text { .. }
            | Self::Location(_)
            | Self::Contact(_)
            | Self::Poll(_)
            | Self::System { .. } => &[],
        }
    }
}

/// A file in the media store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MediaRef {
    /// The content's SHA-256.
    pub media_id: MediaId,
    /// The type by content, such as `image/png`.
    pub mime_type: String,
    /// The name the sender gave it: untrusted text, never a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The size in bytes.
    pub size_bytes: u64,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Location {
    /// Degrees, -90 to 90.
    pub latitude: f64,
    /// Degrees, -180 to 180.
    pub longitude: f64,
    /// The place's name or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A contact card. All of it is untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Contact {
    /// The name.
    pub name: String,
    /// The telephone number as the service gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Poll {
    /// The question.
    pub question: String,
    /// The choices, 2 or more.
    pub options: Vec<String>,
    /// Whether several choices may be ticked.
    #[serde(default)]
    pub multiple: bool,
}

/// One stored message, inbound or outbound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Message {
    /// The id.
    pub id: MessageId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its place in the session's sequence.
    pub seq: i64,
    /// The channel account.
    pub channel_id: ChannelId,
    /// Which way it went.
    pub direction: Direction,
    /// Who said it; `None` for the assistant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender>,
    /// Where it was said.
    pub chat: ChatAddress,
    /// What it says.
    pub content: MessageContent,
    /// The service's id of the message this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ExternalId>,
    /// The service's own id, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The run that it started or that produced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
}
