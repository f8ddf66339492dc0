use openclaw_core::ChannelKind;
use serde::Serialize;

/// What a channel is and can do, as data. Every field is stated; none has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelDescriptor {
    /// The kind.
    pub kind: ChannelKind,
    /// The name people know, such as `Telegram`.
    pub name: &'static str,
    /// The dialect of its texts.
    pub markup: MarkupDialect,
    /// The longest text of one message.
    pub text_limit: usize,
    /// The longest caption of a file.
    pub caption_limit: usize,
    /// The unit of both limits, counted on the text as it is shown, without markup.
    pub length_unit: LengthUnit,
    /// The largest file that can be sent, in bytes.
    pub media_limit_bytes: u64,
    /// Whether own messages can be edited.
    pub edits: bool,
    /// Whether an answer can be shown while it is written, by editing one message.
    pub streams_by_edit: bool,
    /// The shortest pause between two edits of one message, in milliseconds.
    pub edit_interval_ms: u64,
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
    /// Whether committing an outbound message is already its delivery.
    pub delivers_by_commit: bool,
    /// What can be done about a send whose outcome is not known.
    pub reconcile: Reconcile,
}

/// What can be done about a send whose outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reconcile {
    /// The service drops a second send with the same key: send again.
    Deduplicates,
    /// Own messages can be searched by key or content: look it up.
    LooksUp,
    /// Neither: `delivery.on_uncertain` decides.
    Neither,
}

/// How text is marked up on the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkupDialect {
    /// Markdown as it is.
    Markdown,
    /// The HTML subset of Telegram.
    TelegramHtml,
    /// No markup.
    Plain,
}

/// What a length limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LengthUnit {
    /// UTF-16 code units.
    Utf16,
    /// Unicode scalar values.
    Chars,
    /// Bytes of UTF-8.
    Bytes,
}

impl LengthUnit {
    /// How long a text is in this unit.
    pub fn measure(self, text: &str) -> usize {
        match self {
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
            Self::Chars => text.chars().count(),
            Self::Bytes => text.len(),
        }
    }

    /// How long a character is in this unit.
    pub(crate) fn width(self, character: char) -> usize {
        match self {
            Self::Utf16 => character.len_utf16(),
            Self::Chars => 1,
            Self::Bytes => character.len_utf8(),
        }
    }
}
