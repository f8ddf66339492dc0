use serde::{Deserialize, Serialize};

use crate::{CallId, StopReason, ToolName, Usage};

/// What a turn reports while it works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentEvent {
    /// The turn began.
    Started {
        /// `provider/model` that is asked first.
        model: Option<String>,
    },
    /// New text of the answer.
    Delta {
        /// Only the new text.
        text: String,
        /// 0, 1, 2, … within the run.
        index: u64,
        /// A new try begins: forget the text that came before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        reset: bool,
    },
    /// A tool call.
    Tool {
        /// Where it stands.
        phase: ToolPhase,
        /// The model's id of the call.
        call_id: CallId,
        /// The tool.
        name: ToolName,
        /// What the model asked for, with `started`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arguments: Option<serde_json::Value>,
        /// What came out, with `output` and `finished`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<String>,
        /// Whether the call failed, with `finished`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
    },
    /// An older part of the conversation is summarised.
    Compaction {
        /// Where that stands.
        phase: CompactionPhase,
        /// About how many tokens a request had before.
        before_tokens: u64,
        /// About how many it has then, with `finished`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_tokens: Option<u64>,
        /// The model that wrote the summary, with `finished`; none where it was extracted without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// The turn ended with an answer.
    Done {
        /// The whole answer.
        reply: String,
        /// Tokens used.
        usage: Usage,
        /// Why it ended.
        stop_reason: StopReason,
    },
    /// The turn ended without an answer.
    Error {
        /// An error kind's stable name.
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

/// Where the summary of an older part of a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompactionPhase {
    /// It is being written; not stored.
    Started,
    /// It is stored.
    Finished,
}

/// Where a tool call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolPhase {
    /// It began.
    Started,
    /// It printed something; not stored.
    Output,
    /// It ended.
    Finished,
}
