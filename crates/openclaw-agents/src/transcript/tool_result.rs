use openclaw_storage::TranscriptDraft;
use openclaw_storage::rows::TranscriptKind;
use rig_core::message::{CallId, ToolName, ToolResult, ToolResultContent};
use serde::{Deserialize, Serialize};

use super::ImageEntry;

/// What came out of one tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ToolResultEntry {
    /// The call it answers.
    pub(crate) call: CallId,
    pub(crate) name: ToolName,
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_error: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) images: Vec<ImageEntry>,
}

impl ToolResultEntry {
    pub(crate) fn draft(&self) -> TranscriptDraft {
        super::assistant::draft(TranscriptKind::ToolResult, None, self)
    }

    /// As the model is told. A failure is said in the text as well: not every wire has a mark for it.
    pub(crate) fn to_result(&self) -> ToolResult {
        let text = match (self.is_error, self.text.is_empty()) {
            (true, _) => format!("error: {}", self.text),
            (false, true) => "(no output)".to_owned(),
            (false, false) => self.text.clone(),
        };
        ToolResult {
            call: self.call.clone(),
            name: self.name.clone(),
            content: vec![ToolResultContent::text(text)],
            is_error: self.is_error,
        }
    }
}
