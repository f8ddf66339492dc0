use openclaw_core::{ChannelId, MediaId, MessageId, UserId};
use openclaw_storage::TranscriptDraft;
use openclaw_storage::rows::{CallerResult, TranscriptKind};
use serde::{Deserialize, Serialize};

/// What people said, as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct UserEntry {
    /// Envelopes and the people's own words.
    #[serde(default)]
    pub(crate) text: String,
    /// Images the model is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) images: Vec<ImageEntry>,
    /// Files that are placed in the workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<FileEntry>,
    /// Results of calls that the run before ended with; they come before the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) results: Vec<CallerResult>,
    /// Whose words these are; what they may use holds for the whole run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) askers: Vec<AskerEntry>,
}

/// Somebody who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AskerEntry {
    pub(crate) channel: ChannelId,
    /// `None` for what the owner's own programs ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sender: Option<UserId>,
}

/// An image the model is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageEntry {
    pub(crate) media_id: MediaId,
    pub(crate) mime_type: String,
}

/// A file that is placed in the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) media_id: MediaId,
    /// Relative to the workspace.
    pub(crate) path: String,
}

impl UserEntry {
    pub(crate) fn draft(&self, message_id: Option<MessageId>) -> TranscriptDraft {
        super::assistant::draft(TranscriptKind::User, message_id, self)
    }
}

/// Something that happened, for the model to read with the next turn.
pub fn noted_event(text: &str) -> TranscriptDraft {
    let text = format!("[system event]\n{text}\n[/system event]\n");
    UserEntry { text, ..UserEntry::default() }.draft(None)
}
