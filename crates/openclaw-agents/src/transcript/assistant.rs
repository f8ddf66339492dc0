use openclaw_core::{MessageId, StopReason, Usage};
use openclaw_storage::TranscriptDraft;
use openclaw_storage::rows::TranscriptKind;
use rig_core::message::{
    AssistantContent, AssistantMessage, CallId, StopReason as RigStop, ToolCall, ToolFunction,
    ToolName,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{Reply, text_of};

/// What the model answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AssistantEntry {
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) calls: Vec<CallEntry>,
    /// `provider/model`; none for what the gateway said in the assistant's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stop: Option<StopReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
    /// The message with the provider's own items (thinking and its signatures, ids), which some
    /// providers want back as they were. Kept only where it says more than text and calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) native: Option<Value>,
}

/// One tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CallEntry {
    pub(crate) id: CallId,
    pub(crate) name: ToolName,
    #[serde(default)]
    pub(crate) arguments: Map<String, Value>,
    /// The arguments as the model sent them, when they were no JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invalid_arguments: Option<String>,
}

impl AssistantEntry {
    /// Only text.
    pub(crate) fn text(text: impl Into<String>, stop: Option<StopReason>) -> Self {
        Self { text: text.into(), calls: Vec::new(), model: None, stop, usage: None, native: None }
    }

    pub(crate) fn of_reply(reply: &Reply) -> Self {
        let message = &reply.message;
        let calls = message.tool_calls().map(|call| CallEntry {
            id: call.id.clone(),
            name: call.function.name.clone(),
            arguments: call.function.arguments.clone(),
            invalid_arguments: call.function.invalid_arguments.clone(),
        });
        Self {
            text: text_of(message),
            calls: calls.collect(),
            model: Some(reply.model.clone()),
            stop: Some(reply.stop),
            usage: Some(reply.usage),
            native: needs_native(message).then(|| to_value(message)),
        }
    }

    /// As it is sent to a model; `None` when nothing was said.
    pub(crate) fn to_message(&self) -> Option<AssistantMessage> {
        let native =
            self.native.as_ref().and_then(|native| match AssistantMessage::deserialize(native) {
                Ok(message) => Some(message),
                Err(error) => {
                    tracing::warn!(%error, "a stored message's provider items are not readable");
                    None
                }
            });
        if let Some(message) = native {
            return Some(message);
        }
        let mut content = Vec::with_capacity(self.calls.len() + 1);
        if !self.text.trim().is_empty() {
            content.push(AssistantContent::text(&self.text));
        }
        content.extend(self.calls.iter().map(|call| {
            AssistantContent::ToolCall(ToolCall::new(
                call.id.clone(),
                ToolFunction {
                    name: call.name.clone(),
                    arguments: call.arguments.clone(),
                    invalid_arguments: call.invalid_arguments.clone(),
                },
            ))
        }));
        if content.is_empty() {
            return None;
        }
        let stop = if self.calls.is_empty() { RigStop::Stop } else { RigStop::ToolUse };
        Some(AssistantMessage::new(content).with_stop(stop))
    }

    pub(crate) fn draft(&self) -> TranscriptDraft {
        draft(TranscriptKind::Assistant, None, self)
    }
}

/// Whether text and calls alone would lose something a provider wants back.
fn needs_native(message: &AssistantMessage) -> bool {
    message.content.iter().any(|block| {
        matches!(
            block,
            AssistantContent::Reasoning(_)
                | AssistantContent::Opaque(_)
                | AssistantContent::Image(_)
        ) || matches!(block, AssistantContent::ToolCall(call) if call.native.as_ref()
            .is_some_and(|native| native.item.get("thoughtSignature").is_some()))
    })
}

/// The entry for something the gateway said in the assistant's name, such as `message.send`.
pub fn said_by_assistant(
    text: impl Into<String>,
    message_id: Option<MessageId>,
) -> TranscriptDraft {
    draft(TranscriptKind::Assistant, message_id, &AssistantEntry::text(text, None))
}

pub(super) fn draft(
    kind: TranscriptKind,
    message_id: Option<MessageId>,
    entry: &impl Serialize,
) -> TranscriptDraft {
    TranscriptDraft { kind, message_id, data: to_value(entry) }
}

fn to_value(entry: &impl Serialize) -> Value {
    // Plain structs with string keys always have a JSON form.
    serde_json::to_value(entry).expect("an entry has a JSON form")
}
